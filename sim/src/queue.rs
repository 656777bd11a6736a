//! The event queue: the next event of each source, earliest first.
//!
//! A source has at most one pending event. The order is total and written here: by time, then by the rank of the
//! source (timeline, direction of a link, host), then by its number. The order of insertion means nothing, and
//! neither does which other sources share the queue.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use priority_queue::PriorityQueue;
use rustc_hash::FxBuildHasher;
use tcp::Time;

/// What has a next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The fault timeline.
    Timeline,
    /// A direction of a link, by its number.
    Pipe(u32),
    /// A host, by its number.
    Host(u32),
}

/// The next event of each source. Links and hosts are kept apart: there may be many hosts, whose timers are set and
/// not touched for long, and few links that carry anything, which have an event every moment.
#[derive(Clone, Default)]
pub struct EventQueue {
    pipes: Arrivals,
    others: Ordered,
}

/// The next arrivals of pipes. Of many pipes few carry anything at one moment, and what is set comes soon: the earliest
/// entries stand in a short list in order, and only what is later than these in a heap. An entry is nearly always the
/// next event of its pipe until it is popped; one that is not any more stays where it is, and is passed over.
#[derive(Clone)]
struct Arrivals {
    /// The earliest entries in order, those from `head` up to `tail`, each at its number modulo the room that there is.
    /// What is set is nearly always among the last of them.
    near: Box<[Order; NEAR]>,
    head: usize,
    tail: usize,
    /// The others.
    far: BinaryHeap<Reverse<Order>>,
    /// The first of those; [`LAST`] if there are none.
    horizon: Order,
    /// The next arrival of each pipe, by its number: an entry of another time means nothing.
    next: Vec<Time>,
}

/// Entries in order, at most: what fits into a few cache lines. A power of two.
const NEAR: usize = 32;

/// Hosts and the timeline in the order of their next events.
#[derive(Clone)]
struct Ordered {
    heap: PriorityQueue<Packed, Reverse<Order>, FxBuildHasher>,
    /// The first of them, whenever no source is `popped`; [`LAST`] if there are none.
    first: Order,
    /// The source that was popped last, while its entry is still in place: nearly always it is set again at once, and
    /// moving an entry costs half of taking it out and putting it in.
    popped: Option<Packed>,
}

/// A source as one number, ordered alike: its rank above its number.
type Packed = u64;

/// A time above a source: the order of events.
type Order = u128;
/// After all events.
const LAST: Order = Order::MAX;

impl Source {
    fn pack(self) -> Packed {
        match self {
            Source::Timeline => 0,
            Source::Pipe(number) => 1 << 32 | u64::from(number),
            Source::Host(number) => 2 << 32 | u64::from(number),
        }
    }
    fn unpack(packed: Packed) -> Source {
        match packed >> 32 {
            0 => Source::Timeline,
            1 => Source::Pipe(packed as u32),
            _ => Source::Host(packed as u32),
        }
    }
}

impl EventQueue {
    /// Sets the time of the next event of `source`; [`Time::NEVER`]: it has none.
    #[inline]
    pub fn set(&mut self, source: Source, time: Time) {
        match source {
            Source::Pipe(number) => self.pipes.set(number, time),
            Source::Host(_) | Source::Timeline => self.others.set(source.pack(), time),
        }
    }
    /// The same for a direction of a link.
    #[inline]
    pub(crate) fn set_pipe(&mut self, number: u32, time: Time) {
        self.pipes.set(number, time);
    }
    /// Takes the earliest event. Its source has none until it is set again.
    pub fn pop(&mut self) -> Option<(Time, Source)> {
        self.pop_until(Time::NEVER)
    }
    /// Takes the earliest event if it is one of a direction of a link, whose number it tells, and no later than `limit`.
    #[inline]
    pub(crate) fn pop_pipe_until(&mut self, limit: Time) -> Option<(Time, u32)> {
        let (pipe, other) = (self.pipes.first(), self.others.first());
        if pipe >= other || time_of(pipe) > limit {
            return None;
        }
        let number = pipe as u32;
        self.pipes.pop(number);
        Some((time_of(pipe), number))
    }
    /// Takes the earliest event if it is no later than `limit`.
    #[inline]
    pub fn pop_until(&mut self, limit: Time) -> Option<(Time, Source)> {
        let (time, source) = self.peek()?;
        if time > limit {
            return None;
        }
        match source {
            Source::Pipe(number) => self.pipes.pop(number),
            Source::Host(_) | Source::Timeline => self.others.popped = Some(source.pack()),
        }
        Some((time, source))
    }
    /// The earliest event.
    #[inline]
    pub fn peek(&mut self) -> Option<(Time, Source)> {
        let (pipe, other) = (self.pipes.first(), self.others.first());
        if pipe < other {
            Some((time_of(pipe), Source::Pipe(pipe as u32)))
        } else if other < LAST {
            Some((time_of(other), Source::unpack(other as Packed)))
        } else {
            None
        }
    }
}

fn order(time: Time, source: Packed) -> Order {
    Order::from(time.as_nanos()) << 64 | Order::from(source)
}
fn time_of(order: Order) -> Time {
    Time::from_nanos((order >> 64) as u64)
}

impl Default for Arrivals {
    fn default() -> Arrivals {
        Arrivals {
            near: Box::new([LAST; NEAR]),
            head: 0,
            tail: 0,
            far: BinaryHeap::new(),
            horizon: LAST,
            next: Vec::new(),
        }
    }
}

impl Arrivals {
    #[inline]
    fn set(&mut self, number: u32, time: Time) {
        let Some(known) = self.next.get_mut(number as usize) else { return self.set_first(number, time) };
        if std::mem::replace(known, time) == time || time == Time::NEVER {
            return;
        }
        let entry = order(time, Source::Pipe(number).pack());
        if entry > self.horizon {
            return self.set_far(entry);
        }
        if self.tail - self.head == NEAR {
            self.make_room();
            // What was near by then may be later than the first that has become far.
            if entry > self.horizon {
                return self.set_far(entry);
            }
        }
        let mut place = self.tail;
        self.tail += 1;
        // What comes later moves up.
        while place > self.head {
            let before = self.near[(place - 1) % NEAR];
            if before <= entry {
                break;
            }
            self.near[place % NEAR] = before;
            place -= 1;
        }
        self.near[place % NEAR] = entry;
    }
    #[cold]
    fn set_first(&mut self, number: u32, time: Time) {
        self.next.resize(number as usize + 1, Time::NEVER);
        self.set(number, time);
    }
    #[inline(never)]
    fn set_far(&mut self, entry: Order) {
        self.far.push(Reverse(entry));
        self.look();
    }
    fn look(&mut self) {
        self.horizon = self.far.peek().map_or(LAST, |Reverse(entry)| *entry);
    }
    /// Too many entries are near: the later ones are far now.
    #[inline(never)]
    fn make_room(&mut self) {
        let middle = self.head + NEAR / 2;
        self.far.extend((middle..self.tail).map(|place| Reverse(self.near[place % NEAR])));
        self.tail = middle;
        self.look();
    }
    #[inline]
    fn first(&mut self) -> Order {
        loop {
            if self.head == self.tail && !self.come_near() {
                return LAST;
            }
            let first = self.near[self.head % NEAR];
            if self.next[first as u32 as usize] == time_of(first) {
                return first;
            }
            self.head += 1;
        }
    }
    /// Takes the first entry, which is that of this pipe.
    #[inline]
    fn pop(&mut self, number: u32) {
        self.next[number as usize] = Time::NEVER;
        self.head += 1;
    }
    /// Where no entry is near: those that are next. Whether there are any.
    #[inline(never)]
    fn come_near(&mut self) -> bool {
        (self.head, self.tail) = (0, 0);
        while self.tail < NEAR / 2
            && let Some(Reverse(entry)) = self.far.pop()
        {
            self.near[self.tail] = entry;
            self.tail += 1;
        }
        self.look();
        self.tail > 0
    }
}

impl Default for Ordered {
    fn default() -> Ordered {
        Ordered { heap: PriorityQueue::default(), first: LAST, popped: None }
    }
}

impl Ordered {
    fn set(&mut self, source: Packed, time: Time) {
        if self.popped == Some(source) {
            self.popped = None;
        }
        if time == Time::NEVER {
            self.heap.remove(&source);
        } else {
            self.heap.push(source, Reverse(order(time, source)));
        }
        self.look();
    }
    fn look(&mut self) {
        self.first = self.heap.peek().map_or(LAST, |(_, Reverse(order))| *order);
    }
    #[inline]
    fn first(&mut self) -> Order {
        if let Some(source) = self.popped.take() {
            self.heap.remove(&source);
            self.look();
        }
        self.first
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ties_are_broken_by_rank_then_number() {
        let mut queue = EventQueue::default();
        for source in [Source::Host(0), Source::Pipe(7), Source::Pipe(2), Source::Timeline] {
            queue.set(source, Time::from_nanos(5));
        }
        let order: Vec<Source> = std::iter::from_fn(|| queue.pop()).map(|(_, source)| source).collect();
        assert_eq!(order, [Source::Timeline, Source::Pipe(2), Source::Pipe(7), Source::Host(0)]);
    }

    /// The obvious queue.
    #[derive(Default)]
    struct Model {
        order: BTreeSet<(Time, Source)>,
        at: BTreeMap<Source, Time>,
    }

    impl Model {
        fn set(&mut self, source: Source, time: Time) {
            if let Some(old) = self.at.remove(&source) {
                self.order.remove(&(old, source));
            }
            if time != Time::NEVER {
                self.at.insert(source, time);
                self.order.insert((time, source));
            }
        }
        fn pop(&mut self) -> Option<(Time, Source)> {
            let first = self.order.pop_first()?;
            self.at.remove(&first.1);
            Some(first)
        }
    }

    fn source() -> impl Strategy<Value = Source> {
        prop_oneof![
            Just(Source::Timeline),
            (0..6u32).prop_map(Source::Pipe),
            (0..90u32).prop_map(Source::Pipe),
            (0..6u32).prop_map(Source::Host)
        ]
    }

    /// More entries than there is room for near: the last of them is later than what has just become far.
    #[test]
    fn what_finds_no_room_near_keeps_its_place() {
        let mut queue = EventQueue::default();
        let near = NEAR as u32;
        for number in (0..=near).chain([near + 1]) {
            let time = if number <= near { 10 * u64::from(number) } else { 10 * u64::from(near) - 5 };
            queue.set(Source::Pipe(number), Time::from_nanos(time));
        }
        let times: Vec<Time> = std::iter::from_fn(|| queue.pop()).map(|(time, _)| time).collect();
        assert_eq!(times.len(), NEAR + 2);
        assert!(times.is_sorted(), "{times:?}");
    }

    proptest! {
        #[test]
        fn behaves_as_the_model(steps in prop::collection::vec((0..6u8, source(), prop_oneof![0..20u64, 0..1000u64]), 0..600)) {
            let (mut queue, mut model) = (EventQueue::default(), Model::default());
            for (what, source, nanos) in steps {
                match what {
                    0 => prop_assert_eq!(queue.pop(), model.pop()),
                    1 => prop_assert_eq!(queue.peek(), model.order.first().copied()),
                    2 => {
                        queue.set(source, Time::NEVER);
                        model.set(source, Time::NEVER);
                    }
                    _ => {
                        queue.set(source, Time::from_nanos(nanos));
                        model.set(source, Time::from_nanos(nanos));
                    }
                }
            }
            while let Some(first) = model.pop() {
                prop_assert_eq!(queue.pop(), Some(first));
            }
            prop_assert_eq!(queue.pop(), None);
        }
    }
}
