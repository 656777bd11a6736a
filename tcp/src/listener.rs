//! LISTEN and passive SYN-RECEIVED: the queue of half-open requests and the accept queue.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::config::Config;
use crate::isn::{IsnSecret, Tuple};
use crate::out::{EcnCodepoint, Out};
use crate::segment::Segment;
use crate::seq::SeqNum;
use crate::tcb::Tcb;
use crate::time::Time;

/// A passive socket: one for each port that a program listens on.
///
/// Segments whose four-tuple has no [`Tcb`] come here. A completed handshake becomes a [`Tcb`], which the host keeps
/// under its four-tuple, and waits in the accept queue until the program takes it.
#[derive(Clone)]
pub struct Listener {
    config: Arc<Config>,
    backlog: u32,
    accepted: VecDeque<Tuple>,
}

/// A segment for a listener, and what the host knows of the way it came.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The connection it belongs to or would begin.
    pub tuple: Tuple,
    /// MTU of the path back as far as it is known, in bytes.
    pub mtu: u16,
    /// The segment.
    pub segment: &'a Segment,
    /// ECN field of the IP header that carried it.
    pub ecn: EcnCodepoint,
    /// This SYN ends a TIME-WAIT ([`TimeWaitOutcome::NewSyn`](crate::time_wait::TimeWaitOutcome)): our initial
    /// sequence number is to be above this one.
    pub reopens: Option<SeqNum>,
}

/// A half-open request, for `ss` and `netstat` (SYN-RECV).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestInfo {
    /// Its four-tuple.
    pub tuple: Tuple,
    /// When the SYN-ACK is repeated next.
    pub deadline: Time,
    /// How often it was repeated by the timer.
    pub retries: u8,
}

impl Listener {
    /// A listener whose accept queue holds `backlog` + 1 connections, as Linux counts them; the backlog is cut to
    /// [`Config::somaxconn`].
    pub fn new(config: Arc<Config>, backlog: u32) -> Listener {
        Listener { backlog: backlog.min(config.somaxconn), config, accepted: VecDeque::new() }
    }
    /// Changes the backlog: a second listen(2).
    pub fn set_backlog(&mut self, backlog: u32) {
        self.backlog = backlog.min(self.config.somaxconn);
    }
    /// SEGMENT ARRIVES (RFC 9293, section 3.10.7.2, and 3.10.7.4 for SYN-RECEIVED). A handshake that this segment
    /// completes is returned as a connection, which has already seen the segment's text and stands in the accept
    /// queue. Replies, resets included, are in `out`.
    pub fn on_segment(
        &mut self,
        now: Time,
        incoming: &Incoming<'_>,
        secret: &IsnSecret,
        out: &mut Out,
    ) -> Option<Tcb> {
        let _ = (now, incoming, secret, out);
        todo!()
    }
    /// Serves one request whose deadline has come and tells which; to be called until it returns `None`.
    pub fn on_deadline(&mut self, now: Time, out: &mut Out) -> Option<Tuple> {
        let _ = (now, out);
        todo!()
    }
    /// When `on_deadline` wants to be called next; [`Time::NEVER`] if no timer runs.
    pub fn deadline(&self) -> Time {
        todo!()
    }
    /// ACCEPT: the four-tuple of the connection that has waited longest.
    pub fn accept(&mut self) -> Option<Tuple> {
        self.accepted.pop_front()
    }
    /// Connections that wait for [`accept`](Listener::accept): Recv-Q of `ss -l`.
    pub fn waiting(&self) -> usize {
        self.accepted.len()
    }
    /// The backlog: Send-Q of `ss -l`.
    pub fn backlog(&self) -> u32 {
        self.backlog
    }
    /// The half-open requests, by four-tuple.
    pub fn requests(&self) -> impl Iterator<Item = RequestInfo> + '_ {
        std::iter::empty()
    }
}
