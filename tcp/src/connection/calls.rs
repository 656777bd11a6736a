//! The calls of a program (RFC 9293, sections 3.10.2 to 3.10.6), as a socket has them.

use super::Connection;
use super::output::Occasion;
use crate::cause::Rule;
use crate::error::Errno;
use crate::opening::Writes;
use crate::out::Out;
use crate::payload::Payload;
use crate::state::{Input, State};
use crate::tcb::{Received, SendFlags, SocketOption};
use crate::time::Time;

impl Connection {
    /// Bytes that `send` would take now.
    pub(super) fn free_send_space(&self) -> u64 {
        if self.counts_truesize() {
            // The last skb may be filled beyond the limit; how far is known only when it is written.
            return u64::from(self.has_send_memory());
        }
        u64::from(self.socket.snd_buf).saturating_sub(self.snd.buffer.len())
    }
    /// Whether the state lets data be sent: after Fast Open SYN-RECEIVED too.
    fn may_write(&self) -> bool {
        matches!(self.state, State::SynReceived | State::Established | State::CloseWait)
    }
    /// Bytes that `send` would take now; none once this side has closed.
    pub fn writable(&self) -> u64 {
        if self.may_write() && !self.snd.fin { self.free_send_space() } else { 0 }
    }
    /// Bytes that `recv` would return now, and whether the end of the stream is behind them.
    pub fn readable(&self) -> (u64, bool) {
        (self.readable_bytes(), self.rcv.fin_received || self.is_over())
    }

    /// Whether the peer's FIN has been received.
    pub fn end_received(&self) -> bool {
        self.rcv.fin_received
    }

    /// Whether `recv` would fail with EAGAIN.
    pub fn would_block(&self) -> bool {
        self.error.is_none() && self.readable() == (0, false)
    }

    /// SEND (section 3.10.2).
    pub fn send(&mut self, now: Time, data: Payload, flags: SendFlags, out: &mut Out) -> Result<u32, Errno> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if self.snd.fin || !self.may_write() {
            return Err(Errno::EPIPE);
        }
        let len = data.len();
        if self.counts_truesize() {
            let taken = self.send_in_skbs(now, &data, flags, out);
            return if taken == 0 && len > 0 { Err(Errno::EAGAIN) } else { Ok(taken) };
        }
        let taken = u64::from(len).min(self.free_send_space()) as u32;
        self.snd.starved |= taken < len;
        if taken == 0 {
            return if len == 0 { Ok(0) } else { Err(Errno::EAGAIN) };
        }
        self.snd.buffer.push(if taken < len { data.slice(0, taken) } else { data });
        let end = self.snd.buffer.end();
        if flags.urgent && taken == len {
            self.snd.up = Some(end);
        }
        if !flags.more || taken < len {
            self.snd.push = end;
        }
        self.output_with_more(now, flags.more && taken == len, out);
        Ok(taken)
    }

    /// Takes what was queued before the connection was open, all of it.
    pub(crate) fn take_queued(&mut self, now: Time, writes: Writes, out: &mut Out) {
        let Writes::Queued(queue) = writes else { return };
        let more = queue.last().is_some_and(|(_, flags)| flags.more);
        for (data, flags) in queue {
            self.snd.buffer.push(data);
            let end = self.snd.buffer.end();
            if flags.urgent {
                self.snd.up = Some(end);
            }
            if !flags.more {
                self.snd.push = end;
            }
        }
        self.output_with_more(now, more, out);
    }

    /// RECEIVE (section 3.10.3).
    pub fn recv(&mut self, now: Time, max: u32, out: &mut Out) -> Result<Received, Errno> {
        if max == 0 {
            return Ok(Received::Data(Payload::Empty));
        }
        let limit = self.read_limit(max);
        let data = self.rcv.buffer.read(limit);
        if !data.is_empty() {
            self.forget_urgent();
            let bytes = u64::from(data.len());
            let first = self.first_skb_of_read(bytes);
            self.release_rcv_memory();
            self.tune_receive_buffer(now, first, bytes - first);
            if !self.is_over() {
                self.on_read(now, out);
            }
            return Ok(Received::Data(data));
        }
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if self.rcv.fin_received {
            return Ok(Received::Eof);
        }
        match self.state {
            // The error was seen before, or the program itself has aborted.
            State::Closed | State::TimeWait => Ok(Received::Eof),
            _ => Err(Errno::EAGAIN),
        }
    }

    /// Nothing more is read: data that comes after both sides of the program are shut is refused (Linux).
    pub fn shutdown_read(&mut self) {
        self.read_shut = true;
    }
    /// A program holds the connection from now on.
    pub fn adopt(&mut self) {
        if let Some(ledger) = &mut self.ledger {
            ledger.adopted = true;
        }
    }
    /// The next segment is several that the host has put together, each of this size; zero: it is one.
    pub fn set_merged(&mut self, size: u32) {
        if let Some(ledger) = &mut self.ledger {
            ledger.merged = size;
        }
    }
    /// Closes the sending side: FIN behind what is queued. A second time does nothing.
    pub fn shutdown_write(&mut self, now: Time, why: Rule, out: &mut Out) -> Result<(), Errno> {
        match self.state {
            State::SynReceived | State::Established | State::CloseWait => {}
            State::Closed => return Err(Errno::ENOTCONN),
            _ => return Ok(()),
        }
        self.snd.fin = true;
        self.snd.push = self.snd.buffer.end();
        self.transition(Input::CloseCall, why, out);
        self.output(now, out);
        Ok(())
    }

    /// CLOSE (section 3.10.4) by the last holder: from here on the connection is an orphan.
    pub fn close(&mut self, now: Time, why: Rule, out: &mut Out) {
        let unread = self.rcv.buffer.unread() > 0;
        self.orphan = true;
        self.error = None;
        self.rcv.buffer.discard_unread();
        self.release_rcv_memory();
        if self.is_over() {
            return;
        }
        if unread && self.config.reset_on_unread {
            return self.reset_and_fail(now, Rule::CloseUnread, out);
        }
        if self.socket.lingers_zero() {
            return self.reset_and_fail(now, Rule::LingerZero, out);
        }
        let _ = self.shutdown_write(now, why, out);
        self.arm_fin_wait_2(now);
    }

    /// ABORT (section 3.10.5): RST if the peer believes in the connection, then CLOSED.
    pub fn abort(&mut self, now: Time, why: Rule, out: &mut Out) {
        if !self.is_over() {
            self.reset_and_fail(now, why, out);
        }
    }
    fn reset_and_fail(&mut self, now: Time, why: Rule, out: &mut Out) {
        // Where both have sent FIN the peer needs no reset, unless data is lost by it.
        let unsent = self.snd.queue.nxt() < self.queued_end();
        if !matches!(self.state, State::Closing | State::LastAck) || unsent {
            self.send_reset(now, why, out);
        }
        self.fail(why, None, out);
    }

    /// Sets an option.
    pub fn set_option(&mut self, now: Time, option: SocketOption, out: &mut Out) -> Result<(), Errno> {
        let kept_alive = self.socket.keepalive;
        self.socket.set(option, &self.config)?;
        match option {
            // Whatever else holds it back (Linux TCP_NAGLE_PUSH).
            SocketOption::NoDelay(true) => {
                self.output_on(now, Occasion { force: true, ..Occasion::default() }, out);
            }
            SocketOption::Cork(false) => self.output(now, out),
            SocketOption::PathMtuDiscovery(on) => self.reconfigure(&|c| c.path_mtu_discovery = on),
            SocketOption::Timestamping(bits) => return self.set_stamps(bits),
            SocketOption::SndBuf(_) | SocketOption::NotSentLowat(_) if self.counts_truesize() => {
                self.check_writeable(now, out);
            }
            SocketOption::QuickAck(on) => {
                self.set_quick_ack(on);
                if on {
                    self.acknowledge_at_once(now, out);
                }
            }
            // Too late to announce it; it may still bound what is sent.
            SocketOption::MaxSeg(mss) if self.config.late_max_seg && mss < self.snd.mss => {
                self.limit_mss(mss)
            }
            // Only now does anybody care how long it is idle.
            SocketOption::KeepAlive(true) if kept_alive => {}
            SocketOption::KeepAlive(_) => self.arm_keepalive(now, now),
            SocketOption::KeepIdle(_) => self.arm_keepalive(now, self.timers.heard),
            _ => {}
        }
        Ok(())
    }
    /// The ACK that waits goes. Linux acts as if something pushed had been read, so not while data waits to be read, unless more
    /// than a segment is to be acknowledged (`__tcp_sock_set_quickack`).
    fn acknowledge_at_once(&mut self, now: Time, out: &mut Out) {
        if !self.ack.scheduled || !matches!(self.state, State::Established | State::CloseWait) {
            return;
        }
        if self.config.delayed_ack.adaptive {
            self.ack.pushed = true;
            self.on_read(now, out);
        } else {
            self.send_ack(now, Rule::AckQuick, out);
        }
    }
    /// The pending error; it stays.
    pub fn pending_error(&self) -> Option<Errno> {
        self.error
    }
    /// Whether this side can send no more.
    pub fn is_write_shut(&self) -> bool {
        self.snd.fin || self.is_over()
    }
    /// Whether poll(2) says that there is room to write.
    pub fn poll_writable(&mut self) -> bool {
        let room = if self.counts_truesize() { self.is_writeable() } else { self.writable() > 0 };
        self.snd.starved |= !room;
        room
    }
    /// Up to `max` bytes from the `skip`th on, which stay.
    pub fn peek(&self, skip: u32, max: u32) -> Result<Received, Errno> {
        let data = self.look(skip, max);
        match self.error {
            _ if !data.is_empty() || max == 0 => Ok(Received::Data(data)),
            Some(error) => Err(error),
            None if self.rcv.fin_received || self.is_over() => Ok(Received::Eof),
            None => Err(Errno::EAGAIN),
        }
    }
    /// The error that did not end the connection.
    pub fn soft_error(&self) -> Option<Errno> {
        self.soft_error
    }
    /// The pending error, cleared by reading it.
    pub fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }
}
