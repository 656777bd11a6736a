//! How a connection ends: handed over to TIME-WAIT, retired, failed.

use std::sync::Arc;

use super::Connection;
use crate::cause::Rule;
use crate::error::Errno;
use crate::out::Out;
use crate::segment::Flags;
use crate::state::{Input, State};
use crate::time::{Duration, Time};
use crate::time_wait::{Last, TimeWait};

impl Connection {
    /// Both sides have closed, this one first: what is left is a record in TIME-WAIT (RFC 9293, section 3.6.1).
    pub(super) fn enter_time_wait(&mut self, now: Time, input: Input, why: Rule, out: &mut Out) {
        if self.config.time_wait == Duration::ZERO {
            self.transition(Input::Abort, Rule::NoTimeWait, out);
            return self.retire(out);
        }
        if !self.transition(input, why, out) {
            return;
        }
        self.end_fast_open(false, out);
        self.stop();
        let (local_port, remote_port) = self.ends.ports();
        let record = Last {
            local_port,
            remote_port,
            snd_nxt: self.snd.queue.nxt().wire(),
            rcv_nxt: self.rcv.nxt().wire(),
            wnd: (self.rcv.window() >> self.rcv.shift).min(65_535) as u16,
            rcv_wscale: self.rcv.shift,
            timestamps: self.ts,
            ace: self.last_ace(),
        };
        out.time_wait = Some(Box::new(TimeWait::new(now, Arc::clone(&self.config), record)));
        out.wake.closed = true;
    }
    /// What goes on to be said of marked packets. Linux keeps no counter of them for TIME-WAIT, nor for an orphan in
    /// FIN-WAIT-2, of which it keeps no more.
    fn last_ace(&self) -> Flags {
        let forgets = self.config.fin_wait_2.is_some();
        self.ecn.accurate.as_ref().filter(|_| !forgets).map_or(Flags::NONE, |accurate| accurate.tells.ace())
    }
    /// Nothing is left to do for the peer; a program may still read.
    pub(super) fn retire(&mut self, out: &mut Out) {
        self.end_fast_open(false, out);
        self.stop();
        out.wake.closed = true;
    }
    /// The connection is lost: nothing more is sent, what was received can still be read.
    pub(super) fn fail(&mut self, why: Rule, error: Option<Errno>, out: &mut Out) {
        if !self.transition(Input::Abort, why, out) {
            return;
        }
        self.error = error.or(self.error).filter(|_| !self.orphan);
        out.wake.failed |= self.error.is_some();
        self.retire(out);
    }
    /// No timer runs any more, and nothing waits to be sent.
    fn stop(&mut self) {
        self.timers.stop();
        self.ack.deadline = Time::NEVER;
        self.ack.scheduled = false;
        self.snd.buffer.ack_to(self.snd.buffer.end());
    }
    /// An orphan has come to FIN-WAIT-2: the peer may take for ever to close (Linux `tcp_fin_timeout`).
    pub(super) fn arm_fin_wait_2(&mut self, now: Time) {
        if self.state == State::FinWait2
            && let Some(limit) = self.socket.linger2().or(self.config.fin_wait_2)
        {
            // The ACK of the FIN has to be waited for whatever the limit says (Linux tcp_fin_time).
            let least = self.snd.queue.rto(&self.config) * 7 / 2;
            let own = self.socket.linger2().is_some();
            self.timers.idle = self.config.fires(now, if own { limit.max(least) } else { limit });
        }
    }
}
