//! Worlds that were met, by their digests, and by how few faults.

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use std::collections::HashMap;

/// Tables, so that threads rarely wait for one another.
const SHARDS: usize = 64;

/// Worlds on their way, and those at the end.
pub(super) struct Known {
    shards: Vec<Mutex<Shard>>,
    count: AtomicU64,
    most: u64,
}

#[derive(Default)]
struct Shard {
    worlds: HashMap<u128, Seen, BuildHasherDefault<First>>,
    ends: HashMap<u128, u8, BuildHasherDefault<First>>,
}

#[derive(Clone, Copy)]
struct Seen {
    /// Fewest faults.
    used: u8,
    /// The last pass in which somebody went on from here.
    pass: u8,
}

/// Whether somebody else was here before, and with no more faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    Before,
    Now,
}

/// Digests are hashes already.
#[derive(Default)]
struct First(u64);

impl Hasher for First {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u128(&mut self, digest: u128) {
        self.0 = digest as u64;
    }
}

impl Known {
    /// None so far, and so many at most.
    pub(super) fn new(most: u64) -> Known {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Known { shards, count: AtomicU64::new(0), most }
    }
    fn shard<R>(&self, digest: u128, what: impl FnOnce(&mut Shard) -> R) -> R {
        let shard = &self.shards[(digest >> 64) as usize % SHARDS];
        what(&mut shard.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
    fn counted(&self, met: Met) -> Met {
        if met == Met::Now {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        met
    }
    /// A world is met on its way, after so many faults, in this pass.
    pub(super) fn meet(&self, digest: u128, used: u32, pass: u32) -> Met {
        let now = Seen { used: used as u8, pass: pass as u8 };
        let (met, new) = self.shard(digest, |shard| match shard.worlds.get_mut(&digest) {
            Some(seen) if seen.used < now.used || (seen.used == now.used && seen.pass == now.pass) => {
                (Met::Before, false)
            }
            Some(seen) => {
                *seen = now;
                (Met::Now, false)
            }
            None => {
                shard.worlds.insert(digest, now);
                (Met::Now, true)
            }
        });
        if new {
            self.counted(met);
        }
        met
    }
    /// A world is met at its end.
    pub(super) fn end(&self, digest: u128, used: u32) -> Met {
        let met = self.shard(digest, |shard| match shard.ends.get(&digest) {
            Some(fewest) if u32::from(*fewest) <= used => Met::Before,
            _ => {
                shard.ends.insert(digest, used as u8);
                Met::Now
            }
        });
        self.counted(met)
    }
    /// Worlds so far.
    pub(super) fn len(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
    /// There is room for no more.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.most
    }
    /// Worlds on their way, worlds at the end, and the most faults that one of them needs.
    pub(super) fn sizes(&self) -> (u64, u64, u32) {
        let (mut worlds, mut ends, mut deepest) = (0, 0, 0);
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            worlds += shard.worlds.len() as u64;
            ends += shard.ends.len() as u64;
            let most = shard.ends.values().max().copied().unwrap_or(0);
            deepest = deepest.max(u32::from(most));
        }
        (worlds, ends, deepest)
    }
}
