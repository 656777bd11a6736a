//! What a host remembers of path MTUs smaller than its link's (RFC 1191, section 6.3).

use std::collections::BTreeMap;
use std::net::IpAddr;

use tcp::offer::{believable_mtu, plateau_below};
use tcp::{Config, Time};

/// Path MTUs learnt from ICMP, by destination.
#[derive(Clone, Debug, Default, Hash)]
pub struct PathMtu {
    known: BTreeMap<IpAddr, (u16, Time)>,
}

/// Bound on the number of entries; beyond it the one that expires first makes room.
const MOST: usize = 4096;
impl PathMtu {
    /// The MTU of the path to `dst`, given that of the link it starts on.
    pub fn get(&self, now: Time, dst: IpAddr, link_mtu: u16) -> u16 {
        match self.known.get(&dst) {
            Some((mtu, until)) if *until > now => (*mtu).min(link_mtu),
            _ => link_mtu,
        }
    }
    /// A router said that packets to `dst` fit only up to `mtu` bytes (zero: it did not say); the packet that it
    /// complained about was `quoted_len` bytes long, its link's MTU is `link_mtu`. Returns the MTU now believed, or `None`
    /// if nothing became smaller: no path has such an MTU, or less is known already.
    pub fn learn(
        &mut self,
        now: Time,
        dst: IpAddr,
        mtu: u16,
        (quoted_len, link_mtu): (u16, u16),
        config: &Config,
    ) -> Option<u16> {
        let told = if mtu == 0 { plateau_below(quoted_len) } else { mtu };
        let new = believable_mtu(config, dst.is_ipv6(), told)?;
        if new >= self.get(now, dst, link_mtu) {
            return None;
        }
        if self.known.len() >= MOST && !self.known.contains_key(&dst) {
            let oldest = self.known.iter().min_by_key(|(_, (_, until))| *until).map(|(dst, _)| *dst);
            self.known.remove(&oldest?);
        }
        self.known.insert(dst, (new, now + config.pmtu_expires));
        Some(new)
    }
}
