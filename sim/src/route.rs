//! Routes of one node: overrides by longest prefix, then what was computed from the topology.

use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::trace::PipeId;

/// Where a packet goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// Out on this direction of a link.
    Pipe(PipeId),
    /// Nowhere, because an override says so: host unreachable.
    Unreachable,
    /// Nowhere, because there is no route: network unreachable.
    NoRoute,
}

/// The routes of a node.
///
/// An override wins over whatever was computed, however long its prefix; among overrides the longest prefix wins, and
/// among equals the first.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Longest prefix first.
    overrides: Vec<(IpAddr, u8, Hop)>,
    computed: Computed,
}

/// What the topology says.
#[derive(Clone, Debug, Default)]
pub(crate) enum Computed {
    /// No link at all.
    #[default]
    None,
    /// One link: everything goes there.
    Default(PipeId),
    /// Next hop by address.
    Table(Arc<Table>),
}

/// Next hop by address; the families apart, as numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// The first address of those in `dense`.
    first: u32,
    /// By address from that on, if addresses lie close together, as those that nobody chose do.
    dense: Vec<Option<PipeId>>,
    /// If they do not.
    v4: FxHashMap<u32, PipeId>,
    v6: FxHashMap<u128, PipeId>,
}

impl Table {
    pub(crate) fn new(routes: &[(IpAddr, PipeId)]) -> Table {
        let mut table = Table::default();
        let v4 = || {
            routes
                .iter()
                .filter_map(|(dst, _)| if let IpAddr::V4(dst) = dst { Some(dst.to_bits()) } else { None })
        };
        let (first, last) = (v4().min().unwrap_or(0), v4().max().unwrap_or(0));
        let span = (last - first) as usize;
        if span < 4 * routes.len() {
            (table.first, table.dense) = (first, vec![None; span + 1]);
        }
        for (dst, pipe) in routes {
            match dst {
                IpAddr::V4(dst) if table.dense.is_empty() => {
                    table.v4.insert(dst.to_bits(), *pipe);
                }
                IpAddr::V4(dst) => table.dense[(dst.to_bits() - first) as usize] = Some(*pipe),
                IpAddr::V6(dst) => {
                    table.v6.insert(dst.to_bits(), *pipe);
                }
            }
        }
        table
    }
    fn get(&self, dst: IpAddr) -> Option<PipeId> {
        match dst {
            IpAddr::V4(dst) => self.get_v4(dst.to_bits()),
            IpAddr::V6(dst) => self.v6.get(&dst.to_bits()).copied(),
        }
    }
    #[inline]
    fn get_v4(&self, dst: u32) -> Option<PipeId> {
        match self.dense.get(dst.wrapping_sub(self.first) as usize) {
            Some(pipe) => *pipe,
            None => self.get_sparse(dst),
        }
    }
    #[inline(never)]
    fn get_sparse(&self, dst: u32) -> Option<PipeId> {
        self.v4.get(&dst).copied()
    }
}

impl Routes {
    /// Everything goes out on `pipe`.
    pub fn default_only(pipe: PipeId) -> Routes {
        Routes { overrides: Vec::new(), computed: Computed::Default(pipe) }
    }
    pub(crate) fn new(mut overrides: Vec<(IpAddr, u8, Hop)>, computed: Computed) -> Routes {
        overrides.sort_by_key(|(_, len, _)| std::cmp::Reverse(*len));
        Routes { overrides, computed }
    }
    /// The direction of a link on which everything goes out, if that is all that they say.
    pub(crate) fn only(&self) -> Option<PipeId> {
        match &self.computed {
            Computed::Default(pipe) if self.overrides.is_empty() => Some(*pipe),
            _ => None,
        }
    }
    /// The next hop towards an IPv4 address, as a number, that the topology knows and no override speaks of.
    #[inline]
    pub(crate) fn plain(&self, dst: u32) -> Option<PipeId> {
        match &self.computed {
            Computed::Table(table) if self.overrides.is_empty() => table.get_v4(dst),
            _ => None,
        }
    }
    /// The next hop towards `dst`.
    #[inline]
    pub fn lookup(&self, dst: IpAddr) -> Hop {
        let covering = |(prefix, len, _): &&(IpAddr, u8, Hop)| covers(*prefix, *len, dst);
        if let Some((_, _, hop)) = self.overrides.iter().find(covering) {
            return *hop;
        }
        match &self.computed {
            Computed::None => Hop::NoRoute,
            Computed::Default(pipe) => Hop::Pipe(*pipe),
            Computed::Table(table) => table.get(dst).map_or(Hop::NoRoute, Hop::Pipe),
        }
    }
}

/// Whether the first `len` bits of `addr` are those of `prefix`. Families never mix.
pub fn covers(prefix: IpAddr, len: u8, addr: IpAddr) -> bool {
    match (prefix, addr) {
        (IpAddr::V4(p), IpAddr::V4(a)) => {
            let shift = 32 - u32::from(len.min(32));
            u64::from(p.to_bits()) >> shift == u64::from(a.to_bits()) >> shift
        }
        (IpAddr::V6(p), IpAddr::V6(a)) => {
            let shift = 128 - u32::from(len.min(128));
            shift == 128 || p.to_bits() >> shift == a.to_bits() >> shift
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(s: &str) -> IpAddr {
        s.parse().unwrap()
    }

    #[test]
    fn a_prefix_covers_its_addresses_only() {
        assert!(covers(ip("10.0.0.0"), 8, ip("10.255.1.2")));
        assert!(!covers(ip("10.0.0.0"), 8, ip("11.0.0.0")));
        assert!(covers(ip("0.0.0.0"), 0, ip("255.255.255.255")));
        assert!(covers(ip("::"), 0, ip("2001:db8::1")));
        assert!(covers(ip("2001:db8::"), 32, ip("2001:db8::1")));
        assert!(!covers(ip("::"), 0, ip("1.2.3.4")));
        assert!(covers(ip("1.2.3.4"), 32, ip("1.2.3.4")) && !covers(ip("1.2.3.4"), 32, ip("1.2.3.5")));
    }

    #[test]
    fn overrides_win_and_the_longest_of_them_first() {
        let table = Table::new(&[(ip("10.0.0.1"), PipeId(1)), (ip("10.0.1.1"), PipeId(1))]);
        let routes = Routes::new(
            vec![
                (ip("10.0.0.0"), 8, Hop::Pipe(PipeId(2))),
                (ip("10.0.1.0"), 24, Hop::Unreachable),
                (ip("10.0.1.0"), 24, Hop::Pipe(PipeId(3))),
            ],
            Computed::Table(Arc::new(table)),
        );
        assert_eq!(routes.lookup(ip("10.0.0.1")), Hop::Pipe(PipeId(2)));
        assert_eq!(routes.lookup(ip("10.0.1.1")), Hop::Unreachable);
        assert_eq!(routes.lookup(ip("192.0.2.1")), Hop::NoRoute);
    }

    #[test]
    fn addresses_are_found_side_by_side_or_far_apart() {
        let side_by_side = ["10.0.0.1", "10.0.0.2", "10.0.0.4", "2001:db8::1"];
        let far_apart = ["10.0.0.1", "10.200.0.2", "192.0.2.4", "2001:db8::1"];
        for addresses in [side_by_side, far_apart] {
            let routes: Vec<_> = addresses.iter().map(|a| ip(a)).zip((0..).map(PipeId)).collect();
            let table = Table::new(&routes);
            assert_eq!(table.dense.is_empty(), addresses == far_apart);
            for (address, pipe) in routes {
                assert_eq!(table.get(address), Some(pipe));
            }
            for stranger in ["10.0.0.3", "10.0.0.0", "10.0.0.5", "0.0.0.0", "255.255.255.255", "2001:db8::2"]
            {
                assert_eq!(table.get(ip(stranger)), None);
            }
        }
        assert_eq!(Table::new(&[]).get(ip("0.0.0.0")), None);
    }
}
