//! The queue in front of a link.
//!
//! When a packet is handed over, the moment at which its transmission will begin is already known: the link is
//! first in, first out. So a discipline decides at that moment, with the time that the packet will wait at hand, and
//! the queue needs no event of its own.

use std::collections::VecDeque;

use tcp::Time;

use crate::spec::Limit;

/// A queue discipline. Active queue management takes its place here.
#[derive(Clone, Debug)]
pub(super) enum Qdisc {
    /// First in, first out, up to a limit: `pfifo` and `bfifo`.
    DropTail(DropTail),
}

/// What a discipline does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Take,
    Drop,
}

/// First in, first out, up to a limit on what waits: the packet in transmission does not count.
#[derive(Clone, Debug)]
pub(super) struct DropTail {
    limit: Limit,
    /// Start of transmission and length of each packet that waits, or did when last looked at.
    waiting: VecDeque<(Time, u32)>,
    bytes: u64,
}

impl Qdisc {
    pub(super) fn new(limit: Limit) -> Qdisc {
        Qdisc::DropTail(DropTail { limit, waiting: VecDeque::new(), bytes: 0 })
    }
    pub(super) fn set_limit(&mut self, new: Limit) {
        let Qdisc::DropTail(queue) = self;
        queue.limit = new;
    }
    /// A packet of `len` bytes is handed over at `now`; its transmission would begin at `start`.
    pub(super) fn offer(&mut self, now: Time, start: Time, len: u32) -> Verdict {
        let Qdisc::DropTail(queue) = self;
        queue.offer(now, start, len)
    }
    /// All that waits is gone.
    pub(super) fn clear(&mut self) {
        let Qdisc::DropTail(queue) = self;
        queue.waiting.clear();
        queue.bytes = 0;
    }
    /// Packets and bytes that wait at `now`.
    pub(super) fn backlog(&mut self, now: Time) -> (usize, u64) {
        let Qdisc::DropTail(queue) = self;
        queue.advance(now);
        (queue.waiting.len(), queue.bytes)
    }
}

impl DropTail {
    fn advance(&mut self, now: Time) {
        while let Some((_, len)) = self.waiting.front().filter(|(start, _)| *start <= now) {
            self.bytes -= u64::from(*len);
            self.waiting.pop_front();
        }
    }
    fn offer(&mut self, now: Time, start: Time, len: u32) -> Verdict {
        self.advance(now);
        if start <= now {
            return Verdict::Take; // the link is idle: nothing waits
        }
        let fits = match self.limit {
            Limit::Unlimited => true,
            Limit::Packets(most) => (self.waiting.len() as u64) < u64::from(most),
            Limit::Bytes(most) => self.bytes + u64::from(len) <= most,
        };
        if !fits {
            return Verdict::Drop;
        }
        self.waiting.push_back((start, len));
        self.bytes += u64::from(len);
        Verdict::Take
    }
}
