//! One direction of a link: a queue, a transmitter, and the way to the other end.
//!
//! A packet that is handed over waits until those before it are transmitted, is transmitted at the link's rate, and
//! arrives a delay later. All of that is known when it is handed over, so it costs one event: its arrival. A pipe has
//! at most one entry in the event queue; its packets wait in a ring of their own, ordered by arrival, those of one
//! moment in the order in which they were handed over.
//!
//! Packets do not overtake each other, also when the delay becomes shorter, unless the jitter reorders, the packet was
//! picked as one to be overtaken, or a fate rule delays it. New parameters hold for packets handed over from then on.

use std::collections::VecDeque;

use tcp::{Duration, Time};

use super::impairment::{self, FateLog, Impairment};
use super::qdisc::{Qdisc, Verdict};
use crate::slab::Handle;
use crate::spec::Way;
use crate::trace::{Fate, NodeId};

/// One direction of a link.
#[derive(Clone)]
pub(crate) struct Pipe {
    pub(crate) to: NodeId,
    pub(crate) from: NodeId,
    /// Largest packet, in bytes.
    pub(crate) mtu: u16,
    up: bool,
    /// Whether packets may overtake each other by jitter.
    reorders: bool,
    rate_bps: u64,
    delay: Duration,
    /// When the transmitter is free.
    busy_until: Time,
    /// What rounding has left out of `busy_until`, in bits times 10^9, out of `rate_bps`.
    rest: u64,
    /// The latest arrival of a packet that may not be overtaken.
    latest: Time,
    ring: VecDeque<Flight>,
    qdisc: Qdisc,
    /// Extra delay of copies and of overtaken packets.
    duplicate_delay: Duration,
    reorder_delay: Duration,
    chance: Option<Box<Impairment>>,
    pub(crate) counters: PipeCounters,
    /// The arrival that the event queue knows of.
    pub(crate) queued: Time,
}

/// A packet on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    pub(crate) arrival: Time,
    pub(crate) handle: Handle,
    /// Held by a fate rule: arrives whatever happens to the link.
    pub(crate) held: bool,
}

/// What a direction of a link has done. `sent + copies = delivered + dropped + on the way`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PipeCounters {
    /// Packets handed over.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Packets that came out.
    pub delivered: u64,
    /// Their bytes.
    pub delivered_bytes: u64,
    /// Copies made.
    pub copies: u64,
    /// Packets that did not come out, for whatever reason.
    pub dropped: u64,
    /// Of these, for want of room in the queue.
    pub queue_full: u64,
}

/// What a pipe does with a packet that is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It takes it.
    Carried {
        /// When it arrives.
        arrival: Time,
        /// What chance has done to it, where it has a say.
        luck: Option<Luck>,
    },
    /// It is lost.
    Lost(Fate),
}

/// What chance has done to a packet that is not lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Luck {
    /// When its copy arrives, if there is one.
    pub(crate) copy: Option<Time>,
    /// The bit that is flipped, if one is.
    pub(crate) flip: Option<u32>,
    /// Whether it was picked to be overtaken.
    pub(crate) overtaken: bool,
}

impl Pipe {
    /// A direction of the link whose streams' names begin with `name`.
    pub(crate) fn new(seed: u64, name: &str, from: NodeId, to: NodeId, way: &Way) -> Pipe {
        let mut pipe = Pipe {
            to,
            from,
            mtu: way.mtu,
            up: true,
            reorders: false,
            rate_bps: 0,
            delay: Duration::ZERO,
            busy_until: Time::ZERO,
            rest: 0,
            latest: Time::ZERO,
            ring: VecDeque::new(),
            qdisc: Qdisc::new(way.limit),
            duplicate_delay: Duration::ZERO,
            reorder_delay: Duration::ZERO,
            chance: None,
            counters: PipeCounters::default(),
            queued: Time::NEVER,
        };
        pipe.change(seed, name, way);
        pipe
    }
    /// New parameters.
    pub(crate) fn change(&mut self, seed: u64, name: &str, way: &Way) {
        self.mtu = way.mtu;
        self.rate_bps = way.rate_bps;
        self.delay = way.delay;
        self.duplicate_delay = way.duplicate_delay;
        self.reorder_delay = way.reorder_delay;
        self.reorders = way.jitter.reorders;
        self.rest = 0;
        self.qdisc.set_limit(way.limit);
        match &mut self.chance {
            Some(chance) => chance.change(way),
            None if impairment::needed(way) => {
                self.chance = Some(Box::new(Impairment::new(seed, name, way)));
            }
            None => {}
        }
    }
    /// From now on what chance does is written down; `name` is what the names of this link's streams begin with.
    pub(crate) fn keep_log(&mut self, seed: u64, name: &str, way: &Way) {
        self.chance.get_or_insert_with(|| Box::new(Impairment::new(seed, name, way))).keep_log();
    }
    /// What chance has done, if that was written down.
    pub(crate) fn log(&self) -> Option<&FateLog> {
        self.chance.as_ref().and_then(|chance| chance.log())
    }
    /// A packet of `len` bytes is handed over.
    #[inline]
    pub(crate) fn offer(&mut self, now: Time, len: u32) -> Offer {
        if !self.up {
            return Offer::Lost(Fate::LinkDown);
        }
        if self.chance.is_some() {
            return self.offer_to_chance(now, len);
        }
        let Some(departure) = self.transmit(now, len) else {
            return Offer::Lost(Fate::QueueFull);
        };
        let mut arrival = departure + self.delay;
        if !self.reorders {
            arrival = arrival.max(self.latest);
        }
        self.latest = self.latest.max(arrival);
        Offer::Carried { arrival, luck: None }
    }
    /// The same where chance has a say.
    fn offer_to_chance(&mut self, now: Time, len: u32) -> Offer {
        let (mut copied, mut flip, mut overtaken, mut jitter) = (false, None, false, 0);
        if let Some(chance) = &mut self.chance {
            copied = chance.duplicates();
            if chance.loses() && !std::mem::take(&mut copied) {
                return Offer::Lost(Fate::Lost);
            }
            flip = chance.corrupts(len);
        }
        let Some(departure) = self.transmit(now, len) else {
            return Offer::Lost(Fate::QueueFull);
        };
        if let Some(chance) = &mut self.chance {
            jitter = chance.jitter();
            overtaken = chance.reorders();
        }
        let delay = self.delay.as_nanos().saturating_add_signed(jitter);
        let mut arrival = departure + Duration::from_nanos(delay);
        if !self.reorders {
            arrival = arrival.max(self.latest);
        }
        if overtaken {
            arrival += self.reorder_delay;
        } else {
            self.latest = self.latest.max(arrival);
        }
        let copy = copied.then(|| arrival + self.duplicate_delay);
        Offer::Carried { arrival, luck: Some(Luck { copy, flip, overtaken }) }
    }
    /// Queues and transmits a packet: when its last bit leaves; `None`: there is no room for it.
    #[inline]
    fn transmit(&mut self, now: Time, len: u32) -> Option<Time> {
        if self.rate_bps == 0 {
            self.busy_until = self.busy_until.max(now);
            return Some(self.busy_until);
        }
        if self.busy_until <= now {
            self.busy_until = now;
            self.rest = 0;
        }
        if self.qdisc.offer(now, self.busy_until, len) == Verdict::Drop {
            return None;
        }
        // Rounded up only over a whole burst: what is cut off here is added to the next packet.
        let bits = u64::from(len).saturating_mul(8 * 1_000_000_000).saturating_add(self.rest);
        self.rest = bits % self.rate_bps;
        self.busy_until += Duration::from_nanos(bits / self.rate_bps);
        Some(self.busy_until)
    }
    /// Puts a packet on its way. Whether it arrives before all others.
    #[inline]
    pub(crate) fn push(&mut self, flight: Flight) -> bool {
        match self.ring.back() {
            None => {
                self.ring.push_back(flight);
                true
            }
            Some(last) if last.arrival <= flight.arrival => {
                self.ring.push_back(flight);
                false
            }
            Some(_) => {
                let at = self.ring.partition_point(|f| f.arrival <= flight.arrival);
                self.ring.insert(at, flight);
                at == 0
            }
        }
    }
    /// The packet that arrives first.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Flight> {
        self.ring.pop_front()
    }
    /// When the next packet arrives.
    #[inline]
    pub(crate) fn next_arrival(&self) -> Time {
        self.ring.front().map_or(Time::NEVER, |flight| flight.arrival)
    }
    /// Number of packets that wait or are on the way.
    pub(crate) fn on_the_way(&self) -> usize {
        self.ring.len()
    }
    /// Packets and bytes that wait for their transmission.
    pub(crate) fn backlog(&mut self, now: Time) -> (usize, u64) {
        self.qdisc.backlog(now)
    }
    /// The link carries again.
    pub(crate) fn set_up(&mut self) {
        self.up = true;
    }
    /// The link goes down. Returns what it loses: all but the packets held by a rule.
    pub(crate) fn set_down(&mut self, now: Time) -> Vec<Handle> {
        self.up = false;
        self.busy_until = now;
        self.latest = now;
        self.qdisc.clear();
        let lost = self.ring.iter().filter(|f| !f.held).map(|f| f.handle).collect();
        self.ring.retain(|f| f.held);
        lost
    }
}
