//! Which connection a four-tuple is that of.
//!
//! A table of numbers that are looked for from where their hash says, one place after the other. An entry is a number and its
//! hash, side by side: of a million connections none is in a cache, and a look at this costs one line, that of the connection
//! itself apart.

use tcp::Tuple;

use super::{ConnId, Slot};
use crate::host::kernel::mix_address;

/// Finds connections by four-tuple. It holds numbers only: the four-tuples are those of the places in the slab.
#[derive(Clone, Default)]
#[repr(C)] // what each packet needs stands first
pub(super) struct Table {
    /// The connection that was found last: segments come in trains.
    pub(super) latest: ConnId,
    len: u32,
    /// As many as a power of two, if there are any.
    entries: Vec<Entry>,
}

/// A number, if it is one, and the hash of its four-tuple.
#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    id: ConnId,
}

const FREE: Entry = Entry { hash: 0, id: ConnId::MAX };

impl Entry {
    fn is_free(self) -> bool {
        self.id == FREE.id
    }
}

impl Table {
    /// Number of connections.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }
    /// The connection of this four-tuple.
    pub(super) fn find(&self, tuple: &Tuple, slots: &[Slot]) -> Option<ConnId> {
        let is_it = |id: ConnId| slots.get(id as usize).is_some_and(|s| s.in_table && s.ends.are(tuple));
        self.place_of(hash_of(tuple), is_it).map(|place| self.entries[place].id)
    }
    /// Takes in a connection whose four-tuple is not there.
    pub(super) fn insert(&mut self, id: ConnId, tuple: &Tuple) {
        self.take_in(Entry { hash: hash_of(tuple), id });
    }
    /// Forgets a connection.
    pub(super) fn remove(&mut self, id: ConnId, tuple: &Tuple) {
        if let Some(place) = self.place_of(hash_of(tuple), |other| other == id) {
            self.clear(place);
        }
    }

    /// Where there is a number with this hash that is the right one.
    #[inline]
    fn place_of(&self, hash: u32, is_it: impl Fn(ConnId) -> bool) -> Option<usize> {
        let last = self.entries.len().checked_sub(1)?;
        let mut place = hash as usize & last;
        loop {
            let entry = self.entries[place];
            if entry.is_free() {
                return None;
            }
            if entry.hash == hash && is_it(entry.id) {
                return Some(place);
            }
            place = (place + 1) & last;
        }
    }
    fn take_in(&mut self, entry: Entry) {
        // A quarter stays free, or the ways from where to begin to where to stop would be long.
        if self.entries.len() * 3 <= self.len() * 4 {
            self.grow();
        }
        self.len += 1;
        self.put(entry);
    }
    fn put(&mut self, entry: Entry) {
        let last = self.entries.len() - 1;
        let mut place = entry.hash as usize & last;
        while !self.entries[place].is_free() {
            place = (place + 1) & last;
        }
        self.entries[place] = entry;
    }
    /// Frees a place. Whoever would have stood there, had it been free, moves up: nobody stands behind a free place.
    fn clear(&mut self, mut place: usize) {
        let last = self.entries.len() - 1;
        let mut next = (place + 1) & last;
        while !self.entries[next].is_free() {
            let behind = |first: usize| next.wrapping_sub(first) & last;
            if behind(self.entries[next].hash as usize) >= behind(place) {
                self.entries[place] = self.entries[next];
                place = next;
            }
            next = (next + 1) & last;
        }
        self.entries[place] = FREE;
        self.len -= 1;
    }
    fn grow(&mut self) {
        let room = (2 * self.entries.len()).max(8);
        let before = std::mem::replace(&mut self.entries, vec![FREE; room]);
        before.into_iter().filter(|entry| !entry.is_free()).for_each(|entry| self.put(entry));
    }
}

fn hash_of(tuple: &Tuple) -> u32 {
    let ports = u64::from(tuple.local.port()) << 16 | u64::from(tuple.remote.port());
    mix_address(mix_address(ports, tuple.local.ip()), tuple.remote.ip()) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a map, where many begin at the same place, and some have one hash.
        #[test]
        fn agrees_with_a_map(steps in prop::collection::vec((0u32..60, 0u32..12), 1..300)) {
            let (mut table, mut model) = (Table::default(), BTreeMap::new());
            for (id, hash) in steps {
                match model.remove(&id) {
                    Some(hash) => {
                        let place = table.place_of(hash, |other| other == id);
                        table.clear(place.expect("it is there"));
                    }
                    None => {
                        model.insert(id, hash);
                        table.take_in(Entry { hash, id });
                    }
                }
                for id in 0..60 {
                    let found = (0..12).find(|hash| table.place_of(*hash, |other| other == id).is_some());
                    prop_assert_eq!(found, model.get(&id).copied());
                }
                prop_assert_eq!(table.len(), model.len());
            }
        }
    }
}
