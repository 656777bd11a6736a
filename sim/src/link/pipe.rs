//! One direction of a link: a queue, a transmitter, and the way to the other end.
//!
//! A packet that is handed over waits until those before it are transmitted, is transmitted at the link's rate, and
//! arrives a delay later. All of that is known when it is handed over, so it costs one event: its arrival. A pipe has
//! at most one entry in the event queue; its packets wait in a ring of their own, ordered by arrival, those of one
//! moment in the order in which they were handed over. Only a queue that decides about its packets when they leave
//! (CoDel, FQ-CoDel) keeps them before the ring, and costs an event for each departure more.
//!
//! Packets do not overtake each other, also when the delay becomes shorter, unless the jitter reorders, the packet was
//! picked as one to be overtaken, or a fate rule delays it. New parameters hold for packets handed over from then on.

use std::collections::VecDeque;

use tcp::{Duration, Time};

use super::impairment::{self, FateLog, Forced, Impairment};
use super::outcome::{Carried, Flight, Left, Luck, Offer, PipeCounters};
use super::qdisc::{Arriving, Departure, Fifo, Gone, Leaving, Shaper, Verdict, Waiting};
use crate::figures::PipeFigures;
use crate::slab::Handle;
use crate::spec::Way;
use crate::trace::{Fate, NodeId};

/// One direction of a link. What each packet needs stands first, in two cache lines while nothing waits: with thousands of
/// links it is memory that a packet waits for.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Pipe {
    ring: VecDeque<Flight>,
    pub(crate) to: NodeId,
    /// Largest packet, in bytes.
    pub(crate) mtu: u16,
    up: bool,
    /// It is up, and nothing but rate, delay and a drop-tail queue decides about packets, and nobody looks at them.
    plain: bool,
    /// Somebody looks at each packet: a trace is kept, or there are rules.
    watched: bool,
    /// There are `figures`.
    measured: bool,
    /// There is a queue that is `leaving`.
    queues: bool,
    /// Something waits in `queue`, or did when last looked at.
    waits: bool,
    /// Nanoseconds that a byte takes, if that is a whole number; else zero.
    byte_nanos: u64,
    /// When the transmitter is free.
    busy_until: Time,
    delay: Duration,
    /// The latest arrival of a packet that may not be overtaken.
    latest: Time,
    /// Nothing in the ring arrives later.
    last: Time,
    pub(crate) counters: PipeCounters,
    queue: Fifo,
    rate_bps: u64,
    /// What rounding has left out of `busy_until`, in bits times 10^9, out of `rate_bps`.
    rest: u64,
    /// The queue, if it decides when packets leave.
    leaving: Option<Box<Leaving>>,
    shaper: Option<Box<Shaper>>,
    chance: Option<Box<Impairment>>,
    /// Whether packets may overtake each other by jitter.
    reorders: bool,
    pub(crate) from: NodeId,
    /// Extra delay of copies and of overtaken packets.
    duplicate_delay: Duration,
    reorder_delay: Duration,
    /// What is measured here, if somebody asks.
    figures: Option<Box<PipeFigures>>,
    /// The parameters, as they are now.
    pub(crate) way: Box<Way>,
}

/// Nanoseconds that a byte takes at one bit per second.
const BYTE_NANOS: u64 = 8 * 1_000_000_000;

impl Pipe {
    /// A direction of the link whose streams' names begin with `name`.
    pub(crate) fn new(seed: u64, name: &str, from: NodeId, to: NodeId, way: &Way) -> Pipe {
        let mut pipe = Pipe {
            to,
            from,
            mtu: way.mtu,
            up: true,
            plain: false,
            watched: false,
            measured: false,
            queues: false,
            waits: false,
            reorders: false,
            rate_bps: 0,
            byte_nanos: 0,
            delay: Duration::ZERO,
            busy_until: Time::ZERO,
            rest: 0,
            latest: Time::ZERO,
            last: Time::ZERO,
            ring: VecDeque::new(),
            queue: Fifo::new(seed, name, way),
            leaving: Leaving::new(way).map(Box::new),
            shaper: None,
            duplicate_delay: Duration::ZERO,
            reorder_delay: Duration::ZERO,
            chance: None,
            counters: PipeCounters::default(),
            figures: None,
            way: Box::new(way.clone()),
        };
        pipe.change(seed, name, way);
        pipe
    }
    /// For digests. What is idle has no past: a queue that is empty and a transmitter that is free are that, whenever they
    /// became so.
    pub(crate) fn digest_into<H: std::hash::Hasher>(
        &self,
        now: Time,
        packets: &crate::slab::Slab,
        places: &mut crate::digest::Places,
        state: &mut H,
    ) {
        use std::hash::Hash;
        // Settings follow from the scenario and the time; figures and counters tell of the past, but for their balance.
        let Pipe {
            ring,
            to: _,
            mtu: _,
            up,
            plain: _,
            watched: _,
            measured: _,
            queues: _,
            waits: _,
            rate_bps: _,
            byte_nanos: _,
            busy_until,
            rest,
            delay: _,
            latest,
            last: _,
            counters,
            queue,
            leaving,
            shaper,
            chance,
            reorders: _,
            from: _,
            duplicate_delay: _,
            reorder_delay: _,
            figures: _,
            way: _,
        } = self;
        let PipeCounters { sent, copies, delivered, dropped, .. } = counters;
        let PipeCounters { sent_bytes, copied_bytes, delivered_bytes, dropped_bytes, .. } = counters;
        up.hash(state);
        (sent + copies).wrapping_sub(delivered + dropped).hash(state);
        (sent_bytes + copied_bytes).wrapping_sub(delivered_bytes + dropped_bytes).hash(state);
        if *busy_until <= now && shaper.is_none() && !queue.may_mark() {
            state.write_u8(0);
        } else {
            (busy_until, rest, queue, shaper).hash(state);
        }
        (*latest).max(now).hash(state);
        leaving.hash(state);
        chance.is_some().hash(state);
        if let Some(chance) = chance {
            chance.digest_into(state);
        }
        ring.len().hash(state);
        for Flight { arrival, handle } in ring {
            (arrival, handle.is_held(), places.of(handle.id)).hash(state);
            packets.as_it_is(*handle).digest_into(places.idents, state);
        }
    }
    /// Whether packets wait in a queue that decides when they leave.
    pub(crate) fn holds_packets(&self) -> bool {
        self.leaving.as_ref().is_some_and(|queue| queue.backlog().0 > 0)
    }
    /// New parameters.
    pub(crate) fn change(&mut self, seed: u64, name: &str, way: &Way) {
        *self.way = way.clone();
        self.mtu = way.mtu;
        self.rate_bps = way.rate_bps;
        self.byte_nanos = match BYTE_NANOS.checked_rem(way.rate_bps) {
            Some(0) => BYTE_NANOS / way.rate_bps,
            _ => 0,
        };
        self.delay = way.delay;
        self.duplicate_delay = way.duplicate_delay;
        self.reorder_delay = way.reorder_delay;
        self.reorders = way.jitter.reorders;
        self.rest = 0;
        self.queue.change(way);
        if let Some(queue) = &mut self.leaving {
            queue.change(way);
        }
        match (&mut self.shaper, way.shape) {
            (Some(shaper), Some(shape)) => shaper.change(shape),
            (shaper, shape) => *shaper = shape.map(|shape| Box::new(Shaper::new(shape))),
        }
        match &mut self.chance {
            Some(chance) => chance.change(way),
            None if impairment::needed(way) => {
                self.chance = Some(Box::new(Impairment::new(seed, name, way)));
            }
            None => {}
        }
        self.look();
    }
    /// Sees what of all that there may be there is.
    fn look(&mut self) {
        self.measured = self.figures.is_some();
        self.queues = self.leaving.is_some();
        self.waits = true;
        let special =
            self.chance.is_some() || self.leaving.is_some() || self.shaper.is_some() || self.watched;
        self.plain = self.up && self.rate_bps > 0 && !special && !self.reorders && !self.queue.may_mark();
    }
    /// Whether somebody looks at each packet from now on, beside what links do to them.
    pub(crate) fn watch(&mut self, watched: bool) {
        self.watched = watched;
        self.look();
    }
    /// What is measured here, if somebody asks.
    pub(crate) fn figures(&self) -> Option<&PipeFigures> {
        self.figures.as_deref()
    }
    /// From now on it is measured what packets wait for.
    pub(crate) fn keep_figures(&mut self) {
        self.figures = Some(Box::default());
        self.look();
    }
    /// From now on what chance does is written down; `name` is what the names of this link's streams begin with.
    pub(crate) fn keep_log(&mut self, seed: u64, name: &str, way: &Way) {
        self.chance.get_or_insert_with(|| Box::new(Impairment::new(seed, name, way))).keep_log();
        self.look();
    }
    /// Packets handed over since that was written down.
    pub(crate) fn handed(&self) -> u64 {
        self.chance.as_ref().map_or(0, |chance| chance.entered())
    }
    /// Something happens to the packet that is so many further, if what chance does is written down.
    pub(crate) fn force(&mut self, ahead: u64, what: Forced) {
        if let Some(chance) = &mut self.chance {
            chance.force(ahead, what);
        }
    }
    /// What chance has done, if that was written down.
    pub(crate) fn log(&self) -> Option<&FateLog> {
        self.chance.as_ref().and_then(|chance| chance.log())
    }
    /// Whether nothing but rate, delay and a drop-tail queue decides about packets, and nobody looks at them.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }
    /// A packet is handed to a link that [`is_plain`](Pipe::is_plain), with the same outcome as [`offer`](Pipe::offer) and
    /// [`push`](Pipe::push).
    #[inline(always)]
    pub(crate) fn carry_plainly(&mut self, now: Time, handle: Handle) -> Carried {
        let len = handle.len();
        self.counters.sent += 1;
        self.counters.sent_bytes += u64::from(len);
        if self.busy_until <= now {
            if self.waits {
                self.queue.clear();
                self.waits = false;
            }
            self.busy_until = now;
            if self.byte_nanos == 0 {
                self.rest = 0;
            }
            if self.measured {
                self.measure(Duration::ZERO);
            }
        } else {
            if !self.queue.takes(now, self.busy_until, len) {
                return Carried::Full;
            }
            self.waits = true;
            self.note_wait(self.busy_until.since(now));
        }
        let arrival = (self.transmit_bits(len) + self.delay).max(self.latest);
        self.latest = arrival;
        if self.push(Flight { arrival, handle }) { Carried::First(arrival) } else { Carried::Behind }
    }
    /// A packet of `len` bytes is handed over; `ect`: whether it may be marked.
    pub(crate) fn offer(&mut self, now: Time, len: u32, ect: impl FnOnce() -> bool) -> Offer {
        if !self.up {
            return Offer::Lost(Fate::LinkDown);
        }
        if self.chance.is_some() {
            return self.offer_to_chance(now, len, ect);
        }
        match self.transmit(now, len, ect) {
            Err(fate) => Offer::Lost(fate),
            Ok((departure, false)) => Offer::Carried { arrival: self.arrival(departure), luck: None },
            Ok((departure, true)) => {
                let luck = Some(Luck { mark: true, ..Luck::default() });
                Offer::Carried { arrival: self.arrival(departure), luck }
            }
        }
    }
    /// The same where chance has a say.
    fn offer_to_chance(&mut self, now: Time, len: u32, ect: impl FnOnce() -> bool) -> Offer {
        let (copied, flip) = match self.chance_before(len) {
            Ok(luck) => luck,
            Err(fate) => return Offer::Lost(fate),
        };
        match self.transmit(now, len, ect) {
            Err(fate) => Offer::Lost(fate),
            Ok((departure, mark)) => {
                let (arrival, overtaken) = self.arrival_by_chance(departure);
                let copy = copied.then(|| arrival + self.duplicate_delay);
                let luck = Luck { copy, flip, overtaken, mark };
                Offer::Carried { arrival, luck: (luck != Luck::default()).then_some(luck) }
            }
        }
    }
    /// What chance decides before the queue: whether a packet is sent twice, and which bit is flipped.
    fn chance_before(&mut self, len: u32) -> Result<(bool, Option<u32>), Fate> {
        let Some(chance) = &mut self.chance else { return Ok((false, None)) };
        let mut copied = chance.duplicates();
        if chance.loses() && !std::mem::take(&mut copied) {
            return Err(Fate::Lost);
        }
        Ok((copied, chance.corrupts(len)))
    }
    /// When a packet arrives that has left.
    #[inline]
    fn arrival(&mut self, departure: Time) -> Time {
        let mut arrival = departure + self.delay;
        if !self.reorders {
            arrival = arrival.max(self.latest);
        }
        self.latest = self.latest.max(arrival);
        arrival
    }
    /// The same where chance has a say; also whether the packet was picked to be overtaken.
    fn arrival_by_chance(&mut self, departure: Time) -> (Time, bool) {
        let Some(chance) = &mut self.chance else { return (self.arrival(departure), false) };
        let jitter = chance.jitter();
        let overtaken = chance.reorders();
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
        (arrival, overtaken)
    }
    /// Queues and transmits a packet: when its last bit leaves, and whether it is marked.
    #[inline]
    fn transmit(&mut self, now: Time, len: u32, ect: impl FnOnce() -> bool) -> Result<(Time, bool), Fate> {
        if self.rate_bps == 0 && self.shaper.is_none() {
            self.busy_until = self.busy_until.max(now);
            return Ok((self.busy_until, false));
        }
        let idle_since = self.free_from(now);
        let start = self.start(len);
        let ect = self.queue.may_mark() && ect();
        let listed = self.chance.as_ref().map_or(Verdict::Take, |chance| chance.queue_verdict());
        let verdict = self.queue.offer(Arriving { now, start, idle_since, len, ect, listed });
        if let Some(chance) = &mut self.chance {
            chance.note_verdict(verdict);
        }
        match verdict {
            Verdict::Full => return Err(Fate::QueueFull),
            Verdict::Early => return Err(Fate::DroppedEarly),
            Verdict::Take | Verdict::Mark => {}
        }
        self.note_wait(start.since(now));
        Ok((self.occupy(start, len), verdict == Verdict::Mark))
    }
    /// Since when nothing was transmitted; from now on the transmitter counts as free since `now` at the earliest.
    #[inline]
    fn free_from(&mut self, now: Time) -> Time {
        let since = self.busy_until;
        if since <= now {
            self.busy_until = now;
            self.rest = 0;
        }
        since
    }
    /// When the transmission of a packet of `len` bytes may begin.
    #[inline]
    fn start(&self, len: u32) -> Time {
        self.shaper.as_ref().map_or(self.busy_until, |shaper| shaper.ready(self.busy_until, len))
    }
    /// Transmits a packet from `start` on: when its last bit leaves.
    #[inline]
    fn occupy(&mut self, start: Time, len: u32) -> Time {
        if let Some(shaper) = &mut self.shaper {
            shaper.take(start, len);
            if start > self.busy_until {
                self.rest = 0;
            }
        }
        self.busy_until = start;
        if self.rate_bps > 0 { self.transmit_bits(len) } else { start }
    }
    /// The transmitter is busy for `len` bytes longer: until when.
    #[inline]
    fn transmit_bits(&mut self, len: u32) -> Time {
        if self.byte_nanos > 0 {
            self.busy_until += Duration::from_nanos(u64::from(len).saturating_mul(self.byte_nanos));
            return self.busy_until;
        }
        // Rounded up only over a whole burst: what is cut off here is added to the next packet.
        let bits = u64::from(len).saturating_mul(BYTE_NANOS).saturating_add(self.rest);
        self.rest = bits % self.rate_bps;
        self.busy_until += Duration::from_nanos(bits / self.rate_bps);
        self.busy_until
    }
    #[inline]
    fn note_wait(&mut self, wait: Duration) {
        let counters = &mut self.counters;
        counters.waited += wait;
        counters.longest_wait = counters.longest_wait.max(wait);
        if self.measured {
            self.measure(wait);
        }
    }

    /// Takes down how long a packet waits, which is the last that has come or the next that leaves, and with how many.
    #[cold]
    fn measure(&mut self, wait: Duration) {
        let found = match &self.leaving {
            Some(queue) => queue.backlog().0,
            None => self.queue.others(wait),
        };
        if let Some(figures) = &mut self.figures {
            figures.note(wait, found);
        }
    }

    /// Whether packets wait in a queue that decides about them when they leave.
    #[inline]
    pub(crate) fn queues(&self) -> bool {
        self.queues
    }
    /// A packet is handed over to such a queue.
    pub(crate) fn enqueue(&mut self, mut packet: Waiting) -> Result<(), Fate> {
        if !self.up {
            return Err(Fate::LinkDown);
        }
        (packet.copied, packet.flip) = self.chance_before(packet.len)?;
        // Where others wait the transmitter is not free: what rounding has left out goes on to the next of them.
        if self.leaving.as_ref().is_some_and(|queue| queue.backlog().0 == 0) {
            self.free_from(packet.since);
        }
        if let Some(queue) = &mut self.leaving {
            queue.push(packet);
        }
        Ok(())
    }
    /// When the next packet may leave such a queue.
    fn next_departure(&self) -> Time {
        let len = self.leaving.as_ref().and_then(|queue| queue.front_len());
        len.map_or(Time::NEVER, |len| self.start(len))
    }
    /// Whether the link is free for a packet that waits.
    pub(crate) fn departs(&self, now: Time) -> bool {
        self.next_departure() <= now
    }
    /// Lets the packet leave whose turn it is, if the link is free for it.
    pub(crate) fn depart(&mut self, now: Time) -> Option<Left> {
        if !self.departs(now) {
            return None;
        }
        let Departure { packet, mark } = self.leaving.as_mut()?.dequeue(now)?;
        self.note_wait(now.since(packet.since));
        let departure = self.occupy(now, packet.len);
        let (arrival, overtaken) = self.arrival_by_chance(departure);
        let copy = packet.copied.then(|| arrival + self.duplicate_delay);
        let luck = Luck { copy, flip: packet.flip, overtaken, mark };
        Some(Left { packet, arrival, luck })
    }
    /// A packet that such a queue dropped.
    pub(crate) fn next_gone(&mut self) -> Option<Gone> {
        self.leaving.as_mut()?.gone.pop_front()
    }
    /// Puts a packet on its way. Whether it arrives before all others.
    #[inline(always)]
    pub(crate) fn push(&mut self, flight: Flight) -> bool {
        let after = self.ring.len();
        let before = if self.last <= flight.arrival { after } else { self.place_of(flight.arrival) };
        if before < after {
            self.ring.insert(before, flight);
        } else {
            self.last = self.last.max(flight.arrival);
            self.ring.push_back(flight);
        }
        before == 0
    }
    /// Behind how many packets one belongs that arrives then.
    #[inline(never)]
    fn place_of(&self, arrival: Time) -> usize {
        self.ring.partition_point(|f| f.arrival <= arrival)
    }
    /// The packet that arrives next, which it does now.
    #[inline]
    pub(crate) fn pop(&mut self, now: Time) -> Option<Handle> {
        let Flight { arrival, handle } = self.ring.pop_front()?;
        debug_assert_eq!(arrival, now, "packets arrive when they arrive");
        self.counters.delivered += 1;
        self.counters.delivered_bytes += u64::from(handle.len());
        Some(handle)
    }
    /// When something happens here next: an arrival or, from a queue that decides then, a departure.
    #[inline]
    pub(crate) fn next_event(&self) -> Time {
        if self.queues { self.next_arrival().min(self.next_departure()) } else { self.next_arrival() }
    }
    /// When the next packet arrives.
    #[inline]
    pub(crate) fn next_arrival(&self) -> Time {
        self.ring.front().map_or(Time::NEVER, |flight| flight.arrival)
    }
    /// Number of packets that wait or are on the way.
    pub(crate) fn on_the_way(&self) -> usize {
        self.ring.len() + self.leaving.as_ref().map_or(0, |queue| queue.backlog().0)
    }
    /// Bytes of the packets that wait or are on the way.
    pub(crate) fn bytes_on_the_way(&self) -> u64 {
        let flying: u64 = self.ring.iter().map(|flight| u64::from(flight.handle.len())).sum();
        flying + self.leaving.as_ref().map_or(0, |queue| queue.backlog().1)
    }
    /// What of its books does not fit together, for checkers: of a queue whose packets are in the ring as well.
    pub(crate) fn miscounted(&self, now: Time) -> Option<&'static str> {
        if self.leaving.is_some() {
            return None;
        }
        if self.queue.backlog(now).0 > self.ring.len() {
            return Some("packets that are not on the way");
        }
        (!self.queue.adds_up()).then_some("other bytes than its packets")
    }
    /// Packets and bytes that wait for their transmission.
    pub(crate) fn backlog(&self, now: Time) -> (usize, u64) {
        match &self.leaving {
            Some(queue) => queue.backlog(),
            None => self.queue.backlog(now),
        }
    }
    /// The link carries again.
    pub(crate) fn set_up(&mut self) {
        self.up = true;
        self.look();
    }
    /// The link goes down. Returns what it loses: all but the packets held by a rule.
    pub(crate) fn set_down(&mut self, now: Time) -> Vec<Handle> {
        self.up = false;
        self.look();
        self.busy_until = now;
        self.latest = now;
        self.queue.clear();
        let waiting = self.leaving.as_mut().map(|queue| queue.clear());
        let flying = self.ring.iter().filter(|f| !f.handle.is_held()).map(|f| f.handle);
        let lost = flying.chain(waiting.into_iter().flatten()).collect();
        self.ring.retain(|f| f.handle.is_held());
        lost
    }
}
