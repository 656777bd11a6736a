//! What a host remembers of path MTUs smaller than its link's (RFC 1191, section 6.3).

use std::collections::BTreeMap;
use std::net::IpAddr;

use tcp::{Duration, Time};

/// Path MTUs learnt from ICMP, by destination.
#[derive(Clone, Debug, Default)]
pub struct PathMtu {
    known: BTreeMap<IpAddr, (u16, Time)>,
}

/// Life of an entry (Linux `mtu_expires`; RFC 1191, section 6.3 recommends 10 minutes).
const LIFE: Duration = Duration::from_secs(600);
/// The least MTU of an IPv6 link (RFC 8200, section 5).
const FLOOR_V6: u16 = 1280;
/// Bound on the number of entries; beyond it the one that expires first makes room.
const MOST: usize = 4096;
/// Plateaus for routers that tell no MTU (RFC 1191, section 7.1).
const PLATEAUS: [u16; 10] = [32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

impl PathMtu {
    /// The MTU of the path to `dst`, given that of the link it starts on.
    pub fn get(&self, now: Time, dst: IpAddr, link_mtu: u16) -> u16 {
        match self.known.get(&dst) {
            Some((mtu, until)) if *until > now => (*mtu).min(link_mtu),
            _ => link_mtu,
        }
    }
    /// A router said that packets to `dst` fit only up to `mtu` bytes (zero: it did not say); the packet that it
    /// complained about was `quoted_len` bytes long, its link's MTU is `link_mtu`. Nothing smaller than `floor` is believed
    /// (IPv4), so that a forged message cannot shrink segments to nothing. Returns the MTU now believed, or `None` if
    /// nothing became smaller.
    pub fn learn(
        &mut self,
        now: Time,
        dst: IpAddr,
        mtu: u16,
        (quoted_len, link_mtu): (u16, u16),
        floor: u16,
    ) -> Option<u16> {
        let told = if mtu == 0 {
            PLATEAUS.into_iter().find(|plateau| *plateau < quoted_len).unwrap_or(68)
        } else {
            mtu
        };
        let new = told.max(if dst.is_ipv6() { FLOOR_V6 } else { floor });
        if new >= self.get(now, dst, link_mtu) {
            return None;
        }
        if self.known.len() >= MOST && !self.known.contains_key(&dst) {
            let oldest = self.known.iter().min_by_key(|(_, (_, until))| *until).map(|(dst, _)| *dst);
            self.known.remove(&oldest?);
        }
        self.known.insert(dst, (new, now + LIFE));
        Some(new)
    }
}
