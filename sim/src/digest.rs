//! Digests of whole worlds: two that are equal go on equally, and what checkers remember of them is the same.
//!
//! Everything that may influence what is still to happen goes in, at its absolute time. Left out, each where it stands and
//! with its reason, is what only tells of the past (counters, hashes of traces), what follows from the rest (tables, heaps),
//! and what follows from the scenario and the time (settings of links, routes). Names of packets are numbers that grow with
//! each packet ever made; they are replaced by an order among the packets under way.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHashMap;

use crate::packet::PacketId;

/// A hasher of 128 bits: two lanes of folded products.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest {
    lanes: [u64; 2],
}

const KEYS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];

impl Default for Digest {
    fn default() -> Digest {
        Digest { lanes: [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344] }
    }
}

impl Digest {
    pub(crate) fn value(&self) -> u128 {
        u128::from(self.lanes[0]) << 64 | u128::from(self.lanes[1])
    }
    fn of(what: &impl Hash) -> u128 {
        let mut digest = Digest::default();
        what.hash(&mut digest);
        digest.value()
    }
}

fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.lanes[0] ^ self.lanes[1]
    }
    #[inline]
    fn write_u64(&mut self, word: u64) {
        let [a, b] = self.lanes;
        self.lanes =
            [folded(a ^ word, KEYS[0]) ^ b, folded(b.rotate_left(23) ^ word, KEYS[1]).wrapping_add(a)];
    }
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.write_u64(u64::from_le_bytes(last));
        self.write_u64(bytes.len() as u64);
    }
    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }
    fn write_u16(&mut self, n: u16) {
        self.write_u64(u64::from(n));
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    fn write_u128(&mut self, n: u128) {
        self.write_u64(n as u64);
        self.write_u64((n >> 64) as u64);
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
}

/// Hashes a table whatever the order of its entries.
pub(crate) fn unordered<K: Hash, V: Hash, H: Hasher>(table: &FxHashMap<K, V>, state: &mut H) {
    unordered_by(table, state, |key, value| Some(Digest::of(&(key, value))));
}

/// The same, each entry as told; `None`: it does not count.
#[expect(clippy::iter_over_hash_type, reason = "a sum does not depend on the order")]
pub(crate) fn unordered_by<K, V, H: Hasher>(
    table: &FxHashMap<K, V>,
    state: &mut H,
    entry: impl Fn(&K, &V) -> Option<u128>,
) {
    let mut sum = 0_u128;
    for (key, value) in table {
        sum = sum.wrapping_add(entry(key, value).unwrap_or(0));
    }
    state.write_u128(sum);
}

/// The digest of one thing.
pub(crate) fn of(what: &impl Hash) -> u128 {
    Digest::of(what)
}

/// The packets under way, each known by its place among them.
#[derive(Debug, Default)]
pub(crate) struct Places {
    ids: Vec<PacketId>,
    /// Packets wait elsewhere than on links that are first in, first out: then they keep their numbers.
    pub(crate) raw: bool,
    /// The identification of a TCP packet may matter: some link may fragment it.
    pub(crate) idents: bool,
}

impl Places {
    pub(crate) fn new(raw: bool, idents: bool) -> Places {
        Places { ids: Vec::new(), raw, idents }
    }
    /// What stands for the name of a packet.
    pub(crate) fn of(&mut self, id: PacketId) -> u64 {
        if self.raw {
            return id.0;
        }
        match self.ids.iter().position(|known| *known == id) {
            Some(place) => place as u64,
            None => {
                self.ids.push(id);
                self.ids.len() as u64 - 1
            }
        }
    }
    /// The same of a packet that may have arrived.
    pub(crate) fn get(&self, id: PacketId) -> Option<u64> {
        if self.raw {
            Some(id.0)
        } else {
            self.ids.iter().position(|known| *known == id).map(|place| place as u64)
        }
    }
    /// What stands for the names of those that were made after this one, which may have arrived.
    pub(crate) fn younger(&self, than: PacketId) -> Vec<u64> {
        if self.raw {
            return vec![than.0];
        }
        let places = self.ids.iter().zip(0..);
        places.filter(|(id, _)| **id > than).map(|(_, place)| place).collect()
    }
}
