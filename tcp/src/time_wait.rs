//! TIME-WAIT: the small record that is left of a connection for 2 MSL.

use std::sync::Arc;

use crate::config::Config;
use crate::handshake::TimestampState;
use crate::out::Out;
use crate::segment::Segment;
use crate::seq::SeqNum;
use crate::time::Time;

/// What is left of a connection in TIME-WAIT (RFC 9293, section 3.6.1).
#[derive(Clone, Debug)]
pub struct TimeWait {
    config: Arc<Config>,
}

/// What a connection hands over when it enters TIME-WAIT.
#[derive(Clone, Copy, Debug)]
pub struct Last {
    /// This end's port.
    pub local_port: u16,
    /// The other end's port.
    pub remote_port: u16,
    /// SND.NXT, behind our FIN.
    pub snd_nxt: SeqNum,
    /// RCV.NXT, behind the peer's FIN.
    pub rcv_nxt: SeqNum,
    /// The window as our last segment announced it: unscaled, as in the header.
    pub wnd: u16,
    /// Rcv.Wind.Shift.
    pub rcv_wscale: u8,
    /// Timestamps, if the connection used them.
    pub timestamps: Option<TimestampState>,
}

/// What becomes of TIME-WAIT when a segment arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeWaitOutcome {
    /// It stays; a reply may be in `out`.
    Stays,
    /// A RST has ended it: the host drops the record.
    Ended,
    /// A SYN that may begin a new connection (RFC 6191). If a listener is there, the host drops the record and gives
    /// the segment to the listener with [`reopens`](crate::listener::Incoming::reopens) set to this number; if none
    /// is, it calls [`TimeWait::refuse_syn`].
    NewSyn(SeqNum),
}

impl TimeWait {
    /// The record of a connection that enters TIME-WAIT now.
    pub fn new(now: Time, config: Arc<Config>, last: Last) -> TimeWait {
        let _ = (now, last);
        TimeWait { config }
    }
    /// SEGMENT ARRIVES in TIME-WAIT (RFC 9293, section 3.10.7.4; RFC 1337; RFC 6191).
    pub fn on_segment(&mut self, now: Time, segment: &Segment, out: &mut Out) -> TimeWaitOutcome {
        let _ = (now, segment, out);
        todo!()
    }
    /// Answers a SYN that nobody can take: an ACK of what was expected.
    pub fn refuse_syn(&mut self, now: Time, segment: &Segment, out: &mut Out) {
        let _ = (now, segment, out);
        todo!()
    }
    /// Whether 2 MSL are over: the host drops the record. An early call does nothing.
    pub fn on_deadline(&mut self, now: Time, out: &mut Out) -> bool {
        let _ = (now, out);
        todo!()
    }
    /// When 2 MSL will be over.
    pub fn deadline(&self) -> Time {
        todo!()
    }
    /// SND.NXT: behind our FIN. A connection that takes this one's place starts above it.
    pub fn snd_nxt(&self) -> SeqNum {
        todo!()
    }
    /// The timestamps of the connection, with TS.Recent and when it was taken.
    pub fn timestamps(&self) -> Option<TimestampState> {
        todo!()
    }
}
