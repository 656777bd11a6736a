//! What an endpoint wants to happen: segments to send, news for the program, notes for the trace.

use crate::cause::Rule;
use crate::fast_open;
use crate::segment::Segment;
use crate::state::State;
use crate::time::Duration;
use crate::time_wait::TimeWait;

/// The buffer that an endpoint writes into. The caller owns it, drains it after each call and reuses it.
#[derive(Default)]
pub struct Out {
    /// Segments to send, in this order.
    pub segments: Vec<Outgoing>,
    /// What a program may now want to look at.
    pub wake: Wake,
    /// What happened, for the trace, in order. Never influences a run.
    pub notes: Vec<Note>,
    /// The connection has become this TIME-WAIT record: the caller keeps it under the same four-tuple, and the
    /// connection itself only as long as a program still reads from it.
    pub time_wait: Option<Box<TimeWait>>,
    /// What a program wanted to be told of octets that it has written.
    pub stamps: Vec<Stamp>,
    /// What the host is to remember of Fast Open.
    pub fast_open: Vec<fast_open::News>,
    /// Whether to write notes that are not needed to follow the states: windows, timers.
    pub verbose: bool,
}

/// A segment on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The segment.
    pub segment: Segment,
    /// Why it is sent.
    pub why: Rule,
    /// The codepoint for the ECN field of the IP header (RFC 3168, section 5).
    pub ecn: EcnCodepoint,
}

/// The ECN field of an IP header (RFC 3168, section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "RFC 3168, figure 1")]
pub enum EcnCodepoint {
    #[default]
    NotEct,
    Ect1,
    Ect0,
    Ce,
}

/// A moment in the life of an octet that a program has written (`SO_TIMESTAMPING`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Which moment: now.
    pub kind: StampKind,
    /// The number of the octet, as the program counts.
    pub key: u32,
    /// `SOF_TIMESTAMPING_…`, as the program has set them.
    pub bits: u32,
}

/// Which moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StampKind {
    /// It was handed to the device (`SCM_TSTAMP_SND`).
    Sent,
    /// It was handed to the queueing discipline (`SCM_TSTAMP_SCHED`).
    Scheduled,
    /// It was acknowledged (`SCM_TSTAMP_ACK`).
    Acknowledged,
}

/// News for the program that holds a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// The open has succeeded.
    pub connected: bool,
    /// There is data to read, or the end of the stream.
    pub readable: bool,
    /// There is room in the send buffer again.
    pub writable: bool,
    /// There is urgent data.
    pub urgent: bool,
    /// The connection has failed; the socket's error tells why.
    pub failed: bool,
    /// The connection has left the synchronized states and needs no further care: CLOSED.
    pub closed: bool,
}

impl Wake {
    /// Whether there is any news.
    pub fn any(self) -> bool {
        self != Wake::default()
    }
}

/// Something for the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The state changed.
    State {
        /// Before.
        from: State,
        /// After.
        to: State,
        /// Why.
        why: Rule,
    },
    /// The segment that just arrived was dropped, in whole.
    Dropped(Rule),
    /// Something else happened that a reader wants to know: a recovery begins or ends, an error was noted.
    Happened(Rule),
    /// The congestion window changed (verbose only).
    Cwnd {
        /// Congestion window, in bytes.
        cwnd: u64,
        /// Slow start threshold, in bytes; `u64::MAX`: none yet.
        ssthresh: u64,
        /// Why.
        why: Rule,
    },
    /// A round-trip time was measured (verbose only).
    Rtt {
        /// The sample.
        sample: Duration,
        /// SRTT after it.
        srtt: Duration,
        /// RTO after it.
        rto: Duration,
    },
}

impl Out {
    /// Whether nothing is to happen.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
            && self.notes.is_empty()
            && !self.wake.any()
            && self.time_wait.is_none()
            && self.stamps.is_empty()
            && self.fast_open.is_empty()
    }
    /// Takes the news for the program, leaving none.
    pub fn take_wake(&mut self) -> Wake {
        std::mem::take(&mut self.wake)
    }
    /// Notes a change of state.
    pub fn state(&mut self, from: State, to: State, why: Rule) {
        self.notes.push(Note::State { from, to, why });
    }
}
