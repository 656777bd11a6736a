//! Queues that decide about a packet when it leaves, and so keep their packets until then.

use std::collections::VecDeque;

use tcp::{Duration, Time};

use super::codel::Codel;
use super::flows::Flows;
use crate::slab::Handle;
use crate::spec::{self, Discipline, Limit, Way};
use crate::trace::Fate;

/// CoDel or FQ-CoDel.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Leaving {
    kind: Kind,
    limit: Limit,
    mtu: u32,
    /// Packets that the queue dropped, for the caller to take.
    pub(crate) gone: VecDeque<Gone>,
}

#[derive(Clone, Debug, Hash)]
enum Kind {
    Codel(spec::Codel, Codel),
    FqCodel(spec::FqCodel, Flows),
}

/// A packet that waits.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Waiting {
    pub(crate) handle: Handle,
    pub(crate) len: u32,
    /// When it came.
    pub(crate) since: Time,
    /// Whether it may be marked.
    pub(crate) ect: bool,
    /// What its flow hashes to.
    pub(crate) flow: u64,
    pub(crate) orders: Option<Orders>,
    /// Whether the link sends it twice.
    pub(crate) copied: bool,
    /// The bit of it that is flipped, though not of its copy.
    pub(crate) flip: Option<u32>,
}

/// What a rule asks of the link that carries a packet.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(crate) struct Orders {
    /// It arrives this much later.
    pub(crate) later: Duration,
    /// So many copies follow,
    pub(crate) copies: u32,
    /// each this much later than the one before.
    pub(crate) after: Duration,
}

/// A packet that leaves.
#[derive(Clone, Debug)]
pub(crate) struct Departure {
    pub(crate) packet: Waiting,
    /// Marked congestion experienced.
    pub(crate) mark: bool,
}

/// A packet that the queue dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Gone {
    pub(crate) handle: Handle,
    pub(crate) fate: Fate,
}

impl Gone {
    pub(super) fn early(packet: &Waiting) -> Gone {
        Gone { handle: packet.handle, fate: Fate::DroppedEarly }
    }
    pub(super) fn full(packet: &Waiting) -> Gone {
        Gone { handle: packet.handle, fate: Fate::QueueFull }
    }
}

impl Leaving {
    /// The queue of a direction, if its discipline is of this family.
    pub(crate) fn new(way: &Way) -> Option<Leaving> {
        let kind = match way.discipline {
            Discipline::Codel(config) => Kind::Codel(config, Codel::default()),
            Discipline::FqCodel(config) => Kind::FqCodel(config, Flows::new(config.flows)),
            Discipline::DropTail | Discipline::Red(_) | Discipline::Pie(_) => return None,
        };
        Some(Leaving { kind, limit: way.limit, mtu: u32::from(way.mtu), gone: VecDeque::new() })
    }
    /// New parameters. Neither the kind nor the number of flows is one of them.
    pub(crate) fn change(&mut self, way: &Way) {
        self.limit = way.limit;
        self.mtu = u32::from(way.mtu);
        match (&mut self.kind, way.discipline) {
            (Kind::Codel(config, _), Discipline::Codel(new)) => *config = new,
            (Kind::FqCodel(config, _), Discipline::FqCodel(new)) => *config = new,
            _ => {}
        }
    }
    /// A packet is handed over.
    pub(crate) fn push(&mut self, packet: Waiting) {
        let (packets, bytes) = self.backlog();
        let fits = match self.limit {
            Limit::Unlimited => true,
            Limit::Packets(most) => packets < most as usize,
            Limit::Bytes(most) => bytes + u64::from(packet.len) <= most,
        };
        match (&mut self.kind, self.limit) {
            (Kind::FqCodel(config, flows), Limit::Packets(most)) => {
                flows.push(packet, *config, most as usize, &mut self.gone);
            }
            _ if !fits => self.gone.push_back(Gone::full(&packet)),
            (Kind::FqCodel(config, flows), _) => flows.push(packet, *config, usize::MAX, &mut self.gone),
            (Kind::Codel(_, queue), _) => queue.push(packet),
        }
    }
    /// Takes the packet that leaves at `now`.
    pub(crate) fn dequeue(&mut self, now: Time) -> Option<Departure> {
        match &mut self.kind {
            Kind::Codel(config, queue) => queue.dequeue(now, *config, self.mtu, &mut self.gone),
            Kind::FqCodel(config, flows) => flows.dequeue(now, *config, self.mtu, &mut self.gone),
        }
    }
    /// Packets and bytes that wait.
    pub(crate) fn backlog(&self) -> (usize, u64) {
        match &self.kind {
            Kind::Codel(_, queue) => (queue.len(), queue.bytes()),
            Kind::FqCodel(_, flows) => (flows.len(), flows.bytes()),
        }
    }
    /// Bytes of the packet that leaves next, unless it is dropped then.
    pub(crate) fn front_len(&self) -> Option<u32> {
        match &self.kind {
            Kind::Codel(_, queue) => queue.front_len(),
            Kind::FqCodel(_, flows) => flows.front_len(),
        }
    }
    /// Takes out everything.
    pub(crate) fn clear(&mut self) -> Vec<Handle> {
        let next = |kind: &mut Kind| match kind {
            Kind::Codel(_, queue) => queue.pop(),
            Kind::FqCodel(_, flows) => flows.pop(),
        };
        std::iter::from_fn(|| next(&mut self.kind)).map(|packet| packet.handle).collect()
    }
}
