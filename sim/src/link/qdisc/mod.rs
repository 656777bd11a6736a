//! The queue in front of a link.
//!
//! There are two families. Where the fate of a packet is decided when it is handed over (drop-tail, RED, PIE), the
//! moment at which its transmission will begin is known then: the link is first in, first out, and such a queue
//! needs no event of its own, see [`Fifo`]. CoDel and FQ-CoDel decide when a packet leaves, so their packets wait
//! in the queue until then, and each departure is an event: see [`Leaving`].

mod codel;
mod flows;
mod leaving;
mod pie;
mod red;
mod shaper;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use tcp::{Duration, Time};

pub(crate) use self::leaving::{Departure, Gone, Leaving, Orders, Waiting};
use self::pie::Pie;
use self::red::Red;
pub(crate) use self::shaper::Shaper;
use crate::spec::{Discipline, Limit, Way};

/// What a discipline does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It waits for its turn.
    Take,
    /// It does, and is marked congestion experienced.
    Mark,
    /// No room.
    Full,
    /// Dropped before the queue is full.
    Early,
}

/// A packet that is handed over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arriving {
    pub(super) now: Time,
    /// When its transmission would begin.
    pub(super) start: Time,
    /// Since when nothing was transmitted, if nothing is.
    pub(super) idle_since: Time,
    /// Bytes.
    pub(super) len: u32,
    /// Whether it may be marked (RFC 3168, Section 5).
    pub(super) ect: bool,
    /// What a list says of it, where nothing else decides before the queue is full.
    pub(super) listed: Verdict,
}

/// First in, first out, up to a limit on what waits: the packet in transmission does not count.
#[derive(Clone, Debug, Hash)]
#[repr(C)] // what each packet needs stands first
pub(super) struct Fifo {
    /// Start of transmission and length of each packet that waits, or did when last looked at.
    waiting: VecDeque<(Time, u32)>,
    bytes: u64,
    limit: Limit,
    early: Early,
}

/// What drops or marks before the queue is full.
#[derive(Clone, Debug, Hash)]
enum Early {
    Never,
    Red(Box<Red>),
    Pie(Box<Pie>),
}

impl Fifo {
    /// The queue of a direction whose streams' names begin with `name`.
    pub(super) fn new(seed: u64, name: &str, way: &Way) -> Fifo {
        let early = match way.discipline {
            Discipline::Red(_) => Early::Red(Box::new(Red::new(seed, name))),
            Discipline::Pie(_) => Early::Pie(Box::new(Pie::new(seed, name))),
            Discipline::DropTail | Discipline::Codel(_) | Discipline::FqCodel(_) => Early::Never,
        };
        let mut queue = Fifo { limit: way.limit, early, waiting: VecDeque::new(), bytes: 0 };
        queue.change(way);
        queue
    }
    /// New parameters. The kind of the discipline is not one of them.
    pub(super) fn change(&mut self, way: &Way) {
        self.limit = way.limit;
        match (&mut self.early, way.discipline) {
            (Early::Red(red), Discipline::Red(new)) => red.change(new, way),
            (Early::Pie(pie), Discipline::Pie(new)) => pie.change(new),
            _ => {}
        }
    }
    /// Whether packets may be marked here, so that it matters whether one allows it.
    #[inline]
    pub(super) fn may_mark(&self) -> bool {
        !matches!(self.early, Early::Never)
    }
    /// A packet is handed over whose transmission begins only at `start`, where nothing drops before the queue is full.
    /// Whether there is room.
    #[inline]
    pub(super) fn takes(&mut self, now: Time, start: Time, len: u32) -> bool {
        self.advance(now);
        let fits = match self.limit {
            Limit::Unlimited => true,
            Limit::Packets(most) => (self.waiting.len() as u64) < u64::from(most),
            Limit::Bytes(most) => self.bytes + u64::from(len) <= most,
        };
        if fits {
            self.waiting.push_back((start, len));
            self.bytes += u64::from(len);
        }
        fits
    }
    /// A packet is handed over.
    pub(super) fn offer(&mut self, packet: Arriving) -> Verdict {
        self.advance(packet.now);
        let early = match &mut self.early {
            Early::Never => packet.listed,
            Early::Red(red) => red.judge(self.waiting.len(), packet),
            Early::Pie(pie) => pie.judge(self.bytes, packet),
        };
        if early == Verdict::Early || packet.start <= packet.now {
            return early; // gone, or the link is idle and nothing waits
        }
        if self.takes(packet.now, packet.start, packet.len) { early } else { Verdict::Full }
    }
    /// All that waits is gone.
    #[inline]
    pub(super) fn clear(&mut self) {
        if !self.waiting.is_empty() {
            self.waiting.clear();
            self.bytes = 0;
        }
    }
    /// How many packets wait besides the one that has just come, which waits so long.
    pub(in crate::link) fn others(&self, wait: Duration) -> usize {
        self.waiting.len() - usize::from(wait > Duration::ZERO && !self.waiting.is_empty())
    }
    /// Packets and bytes that wait at `now`.
    pub(super) fn backlog(&self, now: Time) -> (usize, u64) {
        let left = self.waiting.partition_point(|(start, _)| *start <= now);
        let waiting = self.waiting.range(left..);
        (waiting.len(), waiting.map(|(_, len)| u64::from(*len)).sum())
    }
    /// Whether its bytes are those of its packets.
    pub(in crate::link) fn adds_up(&self) -> bool {
        self.bytes == self.waiting.iter().map(|(_, len)| u64::from(*len)).sum::<u64>()
    }
    #[inline]
    fn advance(&mut self, now: Time) {
        while let Some((_, len)) = self.waiting.front().filter(|(start, _)| *start <= now) {
            self.bytes -= u64::from(*len);
            self.waiting.pop_front();
        }
    }
}
