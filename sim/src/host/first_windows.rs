//! What a host remembers of initial windows that were too large for a path (RFC 6928, section 12).

use std::collections::BTreeMap;
use std::net::IpAddr;

use tcp::{Duration, Time};

/// Addresses to which a large initial or restart window has lost something, each with the time at which that is forgotten.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct FirstWindows {
    failed: BTreeMap<IpAddr, Time>,
}

/// How long a failure counts: as long as what is known of a path's MTU.
const LIFE: Duration = Duration::from_secs(600);
/// Bound on the number of addresses; beyond it the one that is forgotten first makes room.
const MOST: usize = 1024;

impl FirstWindows {
    /// A connection to `dst` has lost something of its first window.
    pub(super) fn failed(&mut self, now: Time, dst: IpAddr) {
        if self.failed.len() >= MOST && !self.failed.contains_key(&dst) {
            let oldest = self.failed.iter().min_by_key(|(_, until)| **until).map(|(dst, _)| *dst);
            oldest.map(|oldest| self.failed.remove(&oldest));
        }
        self.failed.insert(dst, now + LIFE);
    }
    /// Whether a new connection to `dst` had better begin with a small window.
    pub(super) fn had_better_be_small(&self, now: Time, dst: IpAddr) -> bool {
        self.failed.get(&dst).is_some_and(|until| now < *until)
    }
}
