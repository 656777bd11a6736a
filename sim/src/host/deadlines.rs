//! Which of many things is due next: a heap of at most one entry for each, ordered by (time, number).
//!
//! Among many, entries are soft: a deadline that moves later leaves its entry where it is, which then comes up early and
//! is put right. Restarting a timer therefore costs a comparison. Among few, where it costs as little, entries are moved
//! at once, so that a small run is over when its last timer is.

use tcp::Time;

use super::lean;

const ABSENT: u32 = u32::MAX;
/// With so many entries at most, each is exact.
const FEW: usize = 64;

/// Deadlines of numbered things. One alone stands in `first` and nowhere else, so that whoever has one connection looks at
/// no list.
#[derive(Clone, Debug)]
pub struct Deadlines {
    /// The earliest entry: the first of the heap, or the only one; at [`Time::NEVER`] if there is none.
    first: (Time, u32),
    /// A binary heap, the earliest first; empty where there is but one entry.
    heap: Vec<(Time, u32)>,
    /// Where in the heap the entry of each number stands.
    position: Vec<u32>,
}

const NONE: (Time, u32) = (Time::NEVER, ABSENT);

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines { first: NONE, heap: Vec::new(), position: Vec::new() }
    }
}

/// Entries in their order, wherever they stand in the heap.
impl std::hash::Hash for Deadlines {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let Deadlines { first, heap, position: _ } = self;
        let mut entries = heap.clone();
        entries.sort_unstable();
        (first, entries).hash(state);
    }
}

impl Deadlines {
    /// When the earliest entry comes up: no deadline is earlier.
    #[inline]
    pub fn next(&self) -> Time {
        self.first.0
    }
    /// The deadline of `id` is now `at`. Among many, an entry that comes up earlier stays.
    #[inline]
    pub fn set(&mut self, id: u32, at: Time) {
        if self.heap.is_empty() && (self.first.1 == id || self.first.0 == Time::NEVER) {
            self.first = if at == Time::NEVER { NONE } else { (at, id) };
        } else {
            self.set_among(id, at);
        }
    }
    /// The same where there are others.
    fn set_among(&mut self, id: u32, at: Time) {
        match self.entry(id) {
            Some(position) if self.heap[position].0 == at => return,
            Some(position) if at < self.heap[position].0 => {
                self.heap[position].0 = at;
                self.sift_up(position);
            }
            Some(_) if self.heap.len() > FEW => return,
            Some(_) if at == Time::NEVER => return self.remove(id),
            Some(position) => {
                self.heap[position].0 = at;
                self.sift_down(position);
            }
            None if at == Time::NEVER => return,
            None => {
                if self.heap.is_empty() {
                    self.enter(self.first);
                }
                self.enter((at, id));
            }
        }
        self.first = self.heap[0];
    }
    /// The deadline of `id` is `at`, or earlier if it was.
    pub fn sooner(&mut self, id: u32, at: Time) {
        let known = match self.entry(id) {
            Some(position) => self.heap[position].0,
            None if self.heap.is_empty() && self.first.1 == id => self.first.0,
            None => Time::NEVER,
        };
        if at < known {
            self.set(id, at);
        }
    }
    /// Takes the earliest entry if it has come up at `now`. Its deadline may be later, or gone: the caller looks, and
    /// sets it again.
    #[inline]
    pub fn pop(&mut self, now: Time) -> Option<u32> {
        let (at, id) = self.first;
        if at > now || at == Time::NEVER {
            return None;
        }
        self.remove(id);
        Some(id)
    }
    /// How many entries there are.
    pub fn len(&self) -> usize {
        if self.heap.is_empty() { usize::from(self.first.0 != Time::NEVER) } else { self.heap.len() }
    }
    /// Forgets `id`.
    pub fn remove(&mut self, id: u32) {
        if self.heap.is_empty() && self.first.1 == id {
            self.first = NONE;
        }
        let Some(position) = self.entry(id) else { return };
        self.take_out(position);
        self.first = self.heap[0];
        if self.heap.len() == 1 {
            self.take_out(0);
        }
    }

    fn enter(&mut self, entry: (Time, u32)) {
        while self.position.len() <= entry.1 as usize {
            lean::push(&mut self.position, ABSENT);
        }
        lean::push(&mut self.heap, entry);
        let last = self.heap.len() - 1;
        self.position[entry.1 as usize] = last as u32;
        self.sift_up(last);
    }
    fn take_out(&mut self, position: usize) {
        let (_, id) = self.heap[position];
        self.position[id as usize] = ABSENT;
        let last = self.heap.len() - 1;
        self.heap.swap_remove(position);
        if position < last {
            self.position[self.heap[position].1 as usize] = position as u32;
            self.sift_up(position);
            self.sift_down(position);
        }
    }
    fn entry(&self, id: u32) -> Option<usize> {
        self.position.get(id as usize).filter(|p| **p != ABSENT).map(|p| *p as usize)
    }
    fn sift_up(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap[parent] <= self.heap[at] {
                return;
            }
            self.swap(at, parent);
            at = parent;
        }
    }
    fn sift_down(&mut self, mut at: usize) {
        loop {
            let mut child = 2 * at + 1;
            if child >= self.heap.len() {
                return;
            }
            if child + 1 < self.heap.len() && self.heap[child + 1] < self.heap[child] {
                child += 1;
            }
            if self.heap[at] <= self.heap[child] {
                return;
            }
            self.swap(at, child);
            at = child;
        }
    }
    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.position[self.heap[a].1 as usize] = a as u32;
        self.position[self.heap[b].1 as usize] = b as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Against a map that is searched: things come up in order of (time, number), never late, at most once.
        #[test]
        fn agrees_with_a_search(
            others in prop_oneof![Just(0u32), Just(100)],
            steps in prop::collection::vec((0u32..8, 0u64..50, prop::bool::ANY), 1..200),
        ) {
            let mut deadlines = Deadlines::default();
            let mut model: BTreeMap<u32, Time> = BTreeMap::new();
            for id in 100..100 + others {
                deadlines.set(id, Time::from_nanos(u64::from(id)));
                model.insert(id, Time::from_nanos(u64::from(id)));
            }
            for (id, at, remove) in steps {
                let at = Time::from_nanos(at);
                if remove {
                    deadlines.remove(id);
                    model.remove(&id);
                } else {
                    deadlines.set(id, at);
                    let entry = model.entry(id).or_insert(at);
                    *entry = if others > 0 { (*entry).min(at) } else { at };
                }
                let earliest = model.values().min().copied().unwrap_or(Time::NEVER);
                prop_assert_eq!(deadlines.next(), earliest);
            }
            for now in 0..300 {
                let now = Time::from_nanos(now);
                while let Some(id) = deadlines.pop(now) {
                    let first = model.iter().map(|(id, at)| (*at, *id)).min();
                    prop_assert_eq!(first, Some((now, id)));
                    model.remove(&id);
                }
            }
            prop_assert!(model.is_empty());
        }
    }
}
