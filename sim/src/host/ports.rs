//! Local ports: which are in use, by whom, and which one an active open takes.

use std::net::{IpAddr, SocketAddr};

use rustc_hash::{FxHashMap, FxHashSet};

/// Who uses each port.
#[derive(Clone, Debug, Default)]
pub(super) struct Ports {
    used: FxHashMap<u16, Use>,
    /// From where to where all ports are taken, until one is given back: known, so that they need not be looked through again.
    /// Only looked into, never walked.
    exhausted: FxHashSet<(IpAddr, SocketAddr)>,
}

/// Users of one port.
#[derive(Clone, Copy, Debug, Default, Hash)]
struct Use {
    /// Sockets bound to it by number, and connections that came from them (TIME-WAIT included).
    bound: u32,
    /// Connections that were given it.
    ephemeral: u32,
}

impl std::hash::Hash for Ports {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let Ports { used, exhausted: _ } = self; // follows from the others
        crate::digest::unordered(used, state);
    }
}

impl Ports {
    /// One user more.
    pub(super) fn take(&mut self, port: u16, bound: bool) {
        let used = self.used.entry(port).or_default();
        if bound {
            used.bound += 1;
        } else {
            used.ephemeral += 1;
        }
    }
    /// One user less.
    pub(super) fn give_back(&mut self, port: u16, bound: bool) {
        self.exhausted.clear();
        let Some(used) = self.used.get_mut(&port) else { return };
        let count = if bound { &mut used.bound } else { &mut used.ephemeral };
        *count = count.saturating_sub(1);
        if used.bound == 0 && used.ephemeral == 0 {
            self.used.remove(&port);
        }
    }
    /// No port is left from this address to there.
    pub(super) fn note_exhausted(&mut self, ends: (IpAddr, SocketAddr)) {
        self.exhausted.insert(ends);
    }
    /// Whether it is known that no port is left.
    pub(super) fn is_exhausted(&self, ends: (IpAddr, SocketAddr)) -> bool {
        !self.exhausted.is_empty() && self.exhausted.contains(&ends)
    }
    /// Whether nobody uses it.
    pub(super) fn is_free(&self, port: u16) -> bool {
        !self.used.contains_key(&port)
    }
    /// Whether connections may share it as long as their four-tuples differ: nobody bound it by number.
    pub(super) fn is_shared(&self, port: u16) -> bool {
        self.used.get(&port).is_none_or(|used| used.bound == 0)
    }
}

/// The ports of a range, inclusive, each once, from the one at `start` (modulo its size) on: RFC 6056, section 3.3.1.
pub(super) fn from_start((low, high): (u16, u16), start: u64) -> impl Iterator<Item = u16> {
    let count = u64::from(high.saturating_sub(low)) + 1;
    (0..count).map(move |i| (u64::from(low) + (start + i) % count) as u16)
}
