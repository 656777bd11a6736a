//! An open that comes to nothing: errors from the network, and a program that gives it up.

use super::Opening;
use crate::cause::Rule;
use crate::error::Errno;
use crate::offer;
use crate::out::{Note, Out};
use crate::payload::Payload;
use crate::segment::{Flags, Options};
use crate::seq::SeqNum;
use crate::state::{Input, State};
use crate::tcb::IcmpError;
use crate::time::Time;

impl Opening {
    /// The open has failed.
    pub(super) fn fail(&mut self, why: Rule, error: Errno, out: &mut Out) {
        self.transition(Input::Abort, why, out);
        self.timer = Time::NEVER;
        self.peer = None;
        self.error = Some(error);
        out.wake.failed = true;
        out.wake.closed = true;
    }
    /// An ICMP error that quotes a segment of ours.
    pub fn on_icmp(&mut self, now: Time, error: IcmpError, seq: SeqNum, out: &mut Out) {
        if self.state == State::Closed {
            return;
        }
        if seq != self.iss && (self.config.icmp_exact || seq != self.iss.add(1)) {
            return out.notes.push(Note::Dropped(Rule::IcmpOutOfWindow));
        }
        match error {
            IcmpError::Hard(errno) => self.fail(Rule::IcmpRefused, errno, out),
            IcmpError::Soft(errno) | IcmpError::Other(errno)
                if self.config.soft_error_ends_open(self.soft_error.is_some(), self.retransmits) =>
            {
                self.fail(Rule::IcmpRefused, errno, out);
            }
            IcmpError::Soft(errno) | IcmpError::Other(errno) => {
                self.soft_error = Some(errno);
                out.notes.push(Note::Happened(Rule::IcmpSoft));
            }
            IcmpError::TooBig(mtu) => {
                let told = if mtu == 0 { offer::plateau_below(self.mtu) } else { mtu };
                match offer::believable_mtu(&self.config, self.tuple.remote.is_ipv6(), told) {
                    Some(mtu) if self.config.path_mtu_discovery && mtu < self.mtu => {
                        self.mtu = mtu;
                        self.shorten_syn(now, out);
                    }
                    Some(_) => {}
                    None => out.notes.push(Note::Dropped(Rule::PmtuImpossible)),
                }
            }
        }
    }
    /// The SYN and its data are too long for the path: a SYN alone goes at once, with the MSS that the path takes (RFC 7413,
    /// section 4.2.2; Linux `tcp_simple_retransmit`, which asks no more than whether there was data). No timeout is counted.
    fn shorten_syn(&mut self, now: Time, out: &mut Out) {
        if self.state != State::SynSent || self.syn_data() == 0 {
            return;
        }
        if !self.config.mss_of_interface {
            self.mss = self.mss.min(offer::announced_mss(&self.config, &self.tuple, self.mtu));
        }
        self.shortened = self.shortened.saturating_add(1);
        self.send_syn(now, Rule::PmtuRetransmit, out);
    }
    /// CLOSE (RFC 9293, section 3.10.4): in SYN-SENT the TCB is deleted; in SYN-RECEIVED the close waits.
    pub fn close(&mut self, why: Rule, out: &mut Out) {
        match self.state {
            State::SynSent => {
                self.transition(Input::CloseCall, why, out);
                self.timer = Time::NEVER;
                out.wake.closed = true;
            }
            State::SynReceived => self.close_queued = Some(why),
            _ => {}
        }
    }
    /// ABORT (section 3.10.5): RST if the peer believes in the connection.
    pub fn abort(&mut self, why: Rule, out: &mut Out) {
        if self.state == State::SynReceived {
            let ack = self.peer.as_ref().map_or(SeqNum::default(), |peer| peer.irs.add(1));
            let (flags, none) = (Flags::RST | Flags::ACK, Payload::Empty);
            self.transmit(self.iss.add(1), ack, flags, 0, Options::default(), none, why, out);
        }
        self.transition(Input::Abort, why, out);
        self.timer = Time::NEVER;
        out.wake.closed = true;
    }
}
