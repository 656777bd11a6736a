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

/// Deadlines of numbered things. One alone stands here and nowhere else, so that whoever has one connection looks at no list,
/// and several of these stand side by side in a cache line.
#[derive(Clone, Debug)]
pub struct Deadlines {
    /// The earliest entry: the first of the heap, or the only one; at [`Time::NEVER`] if there is none.
    at: Time,
    id: u32,
    /// Whether there are more: then all are in the heap, else none is.
    among: bool,
    /// Once there were more.
    heap: Option<Box<Heap>>,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines { at: Time::NEVER, id: ABSENT, among: false, heap: None }
    }
}

/// Entries in their order, wherever they stand in the heap.
impl std::hash::Hash for Deadlines {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let Deadlines { at, id, among: _, heap } = self;
        let mut entries = heap.as_ref().map_or_else(Vec::new, |heap| heap.entries.clone());
        entries.sort_unstable();
        (at, id, entries).hash(state);
    }
}

impl Deadlines {
    /// When the earliest entry comes up: no deadline is earlier.
    #[inline]
    pub fn next(&self) -> Time {
        self.at
    }
    /// The deadline of `id` is now `at`. Among many, an entry that comes up earlier stays.
    #[inline]
    pub fn set(&mut self, id: u32, at: Time) {
        if !self.among && (self.id == id || self.at == Time::NEVER) {
            self.at = at;
            self.id = if at == Time::NEVER { ABSENT } else { id };
        } else {
            self.set_among(id, at);
        }
    }
    /// The same where there are others.
    #[inline(never)]
    fn set_among(&mut self, id: u32, at: Time) {
        if !self.among {
            if at == Time::NEVER {
                return;
            }
            let heap = self.heap.get_or_insert_default();
            heap.enter((self.at, self.id));
            self.among = true;
        }
        if let Some(heap) = &mut self.heap {
            heap.set(id, at);
        }
        self.look();
    }
    /// The deadline of `id` is `at`, or earlier if it was.
    pub fn sooner(&mut self, id: u32, at: Time) {
        let known = match &self.heap {
            Some(heap) if self.among => heap.place(id).map_or(Time::NEVER, |place| heap.entries[place].0),
            _ if self.id == id => self.at,
            _ => Time::NEVER,
        };
        if at < known {
            self.set(id, at);
        }
    }
    /// Takes the earliest entry if it has come up at `now`. Its deadline may be later, or gone: the caller looks, and
    /// sets it again.
    #[inline]
    pub fn pop(&mut self, now: Time) -> Option<u32> {
        if self.at > now || self.at == Time::NEVER {
            return None;
        }
        let id = self.id;
        self.remove(id);
        Some(id)
    }
    /// How many entries there are.
    pub fn len(&self) -> usize {
        match &self.heap {
            Some(heap) if self.among => heap.entries.len(),
            _ => usize::from(self.at != Time::NEVER),
        }
    }
    /// Forgets `id`.
    pub fn remove(&mut self, id: u32) {
        match &mut self.heap {
            Some(heap) if self.among => {
                heap.remove(id);
                self.look();
            }
            _ if self.id == id => (self.at, self.id) = (Time::NEVER, ABSENT),
            _ => {}
        }
    }
    /// Sees which entry of the heap is the earliest now, and whether it is alone.
    fn look(&mut self) {
        let Some(heap) = &mut self.heap else { return };
        (self.at, self.id) = heap.entries.first().copied().unwrap_or((Time::NEVER, ABSENT));
        if heap.entries.len() <= 1 {
            heap.remove(self.id);
            self.among = false;
        }
    }
}

/// How many entries stand below one: four are a cache line, and what is moved is half as many as in a binary heap. Among many
/// it is memory that all of this waits for.
const WIDTH: usize = 4;

/// A heap, the earliest first, in which each entry is found by its number.
#[derive(Clone, Debug, Default)]
struct Heap {
    entries: Vec<(Time, u32)>,
    /// Where the entry of each number stands.
    places: Vec<u32>,
}

impl Heap {
    fn set(&mut self, id: u32, at: Time) {
        match self.place(id) {
            Some(place) if self.entries[place].0 == at => {}
            Some(place) if at < self.entries[place].0 => {
                self.entries[place].0 = at;
                self.sift_up(place);
            }
            Some(_) if self.entries.len() > FEW => {}
            Some(_) if at == Time::NEVER => self.remove(id),
            Some(place) => {
                self.entries[place].0 = at;
                self.sift_down(place);
            }
            None if at == Time::NEVER => {}
            None => self.enter((at, id)),
        }
    }
    fn enter(&mut self, entry: (Time, u32)) {
        while self.places.len() <= entry.1 as usize {
            lean::push(&mut self.places, ABSENT);
        }
        lean::push(&mut self.entries, entry);
        let last = self.entries.len() - 1;
        self.places[entry.1 as usize] = last as u32;
        self.sift_up(last);
    }
    fn remove(&mut self, id: u32) {
        let Some(place) = self.place(id) else { return };
        self.places[id as usize] = ABSENT;
        let last = self.entries.len() - 1;
        self.entries.swap_remove(place);
        if place < last {
            self.sift_up(place);
            self.sift_down(place);
        }
    }
    fn place(&self, id: u32) -> Option<usize> {
        self.places.get(id as usize).filter(|p| **p != ABSENT).map(|p| *p as usize)
    }
    fn sift_up(&mut self, mut at: usize) {
        let entry = self.entries[at];
        while at > 0 {
            let parent = (at - 1) / WIDTH;
            if self.entries[parent] <= entry {
                break;
            }
            self.put(at, self.entries[parent]);
            at = parent;
        }
        self.put(at, entry);
    }
    fn sift_down(&mut self, mut at: usize) {
        let entry = self.entries[at];
        loop {
            let first = WIDTH * at + 1;
            let end = (first + WIDTH).min(self.entries.len());
            let Some(least) = (first..end).min_by_key(|child| self.entries[*child]) else { break };
            if entry <= self.entries[least] {
                break;
            }
            self.put(at, self.entries[least]);
            at = least;
        }
        self.put(at, entry);
    }
    fn put(&mut self, at: usize, entry: (Time, u32)) {
        self.entries[at] = entry;
        self.places[entry.1 as usize] = at as u32;
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
