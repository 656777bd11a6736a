//! Hosts and routers: addresses, knobs, routes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use sim::spec;
use tcp::Config;

use super::{At, Resolver};
use crate::scenario::file::{Host, Personality, Route};
use crate::scenario::locate::{Seg, show};
use crate::scenario::units::Span;

impl<'a> Resolver<'a> {
    /// Gives each host and router its addresses; complains about those that two have.
    pub(super) fn assign_addresses(&mut self) {
        let file = self.file;
        let mut taken: BTreeMap<IpAddr, Vec<Seg>> = BTreeMap::new();
        let all_hosts = At::root("hosts");
        for (name, host) in file.hosts.iter() {
            let at = all_hosts.field(name);
            let at = at.field("addr");
            self.check_name(&all_hosts.field(name), name);
            for (i, address) in host.addr.0.iter().enumerate() {
                let one = at.index(i);
                self.take(&mut taken, if host.addr.0.len() == 1 { &at } else { &one }, address.0);
            }
            self.addresses.insert(name, host.addr.0.iter().map(|address| address.0).collect());
        }
        let all_routers = At::root("routers");
        for (name, router) in file.routers.iter() {
            let at = all_routers.field(name);
            self.check_name(&at, name);
            if file.hosts.contains_key(name) {
                self.wrong(
                    &at,
                    format!("a host and a router are named `{name}`"),
                    "this name is taken",
                    None,
                );
                continue;
            }
            if let Some(address) = router.addr {
                self.take(&mut taken, &at.field("addr"), address.0);
            }
            self.addresses.insert(name, router.addr.iter().map(|address| address.0).collect());
        }
        // 10.0.0.N for the Nth name; the next free one where somebody has that already.
        let mut free = taken.into_keys().collect::<BTreeSet<IpAddr>>();
        for (rank, addresses) in self.addresses.values_mut().enumerate() {
            if addresses.is_empty() {
                let first = u32::from(Ipv4Addr::new(10, 0, 0, 1)).wrapping_add(rank as u32);
                let address =
                    (first..).map(|n| IpAddr::from(Ipv4Addr::from(n))).find(|address| free.insert(*address));
                addresses.extend(address);
            }
        }
    }

    fn check_name(&mut self, at: &At<'_>, name: &str) {
        if name.is_empty() || name.contains([':', '/', ' ', '\n', '\t']) || name.parse::<IpAddr>().is_ok() {
            let help = "a name has no space, colon or slash in it, and is no address".to_owned();
            self.wrong(at, format!("`{name}` cannot be a name"), "not a name", Some(help));
        }
    }

    fn take(&mut self, taken: &mut BTreeMap<IpAddr, Vec<Seg>>, at: &At<'_>, address: IpAddr) {
        if address.is_unspecified() || address.is_multicast() || address == IpAddr::from([255, 255, 255, 255])
        {
            self.wrong(
                at,
                format!("`{address}` cannot be the address of a host"),
                "not a unicast address",
                None,
            );
        }
        if let Some(other) = taken.get(&address) {
            let message = format!("two have the address {address}");
            let help = Some(format!("it stands at `{}` already", show(other)));
            self.wrong(at, message, "this address is taken", help);
            return;
        }
        taken.insert(address, at.path());
    }

    pub(super) fn nodes(&mut self) -> BTreeMap<String, spec::Node> {
        let file = self.file;
        let mut nodes = BTreeMap::new();
        let hosts = At::root("hosts");
        for (name, host) in file.hosts.iter() {
            let node = self.one_host(&hosts.field(name), name, host);
            nodes.insert(name.clone(), spec::Node::Host(node));
        }
        if file.hosts.is_empty() {
            self.wrong(&hosts, "a scenario needs a host", "no host", None);
        }
        for (name, router) in file.routers.iter() {
            let nobody = IpAddr::from([0, 0, 0, 0]);
            let address = self.addresses.get(name.as_str()).and_then(|own| own.first().copied());
            let node = spec::Router {
                address: address.unwrap_or(nobody),
                icmp: router.icmp.unwrap_or(true),
                routes: routes(&router.routes),
            };
            nodes.insert(name.clone(), spec::Node::Router(node));
        }
        nodes
    }

    fn one_host(&mut self, at: &At<'_>, name: &str, host: &Host) -> spec::Host {
        let ports = host.ports.unwrap_or((32768, 60999));
        if ports.0 == 0 || ports.0 > ports.1 {
            let message = format!("({}, {}) is not a range of ports", ports.0, ports.1);
            self.wrong(&at.field("ports"), message, "first and last, not 0", None);
        }
        if let Some(ttl) = host.ttl {
            self.positive(&at.field("ttl"), u64::from(ttl), "a TTL");
        }
        spec::Host {
            addresses: self.addresses.get(name).cloned().unwrap_or_default(),
            tcp: Arc::new(self.config(&at.field("tcp"), host)),
            ports,
            ttl: host.ttl.unwrap_or(64),
            reassembly_timeout: host.reassembly_timeout.unwrap_or(Span(30_000_000_000)).duration(),
            routes: routes(&host.routes),
            first_pid: host.first_pid.unwrap_or(1001),
            wakeup: host.wakeup.unwrap_or_default().duration(),
        }
    }

    fn config(&mut self, at: &At<'_>, host: &Host) -> Config {
        let typed = host.tcp.as_ref();
        let personality = typed.and_then(|tcp| tcp.personality).or(self.file.personality);
        let mut config = match personality.unwrap_or(Personality::Linux) {
            Personality::Linux => Config::linux(),
            Personality::Rfc => Config::rfc(),
            Personality::FreeBsd => Config::freebsd(),
        };
        if let Some(tcp) = typed {
            tcp.apply(&mut config);
        }
        self.check_config(at, &config);
        config
    }

    /// Knobs that would make TCP stand still or spin.
    fn check_config(&mut self, at: &At<'_>, config: &Config) {
        let nanos = |duration: tcp::Duration| duration.as_nanos();
        let not_zero = [
            ("min_mss", u64::from(config.min_mss)),
            ("mss", config.mss.map_or(1, u64::from)),
            ("initial_rto", nanos(config.initial_rto)),
            ("rto_after_syn_loss", nanos(config.rto_after_syn_loss)),
            ("min_rto", nanos(config.min_rto)),
            ("hz", config.hz.map_or(1, u64::from)),
            ("max_rto", nanos(config.max_rto)),
            ("dupthresh", u64::from(config.dupthresh)),
            ("challenge_count", u64::from(config.challenge_count)),
            ("initial_window", u64::from(config.initial_window)),
            ("rcv_buf", u64::from(config.rcv_buf)),
            ("snd_buf", u64::from(config.snd_buf)),
            ("persist_min", config.persist_min.map_or(1, nanos)),
            ("persist_max", nanos(config.persist_max)),
            ("keepalive_idle", nanos(config.keepalive_idle)),
            ("keepalive_interval", nanos(config.keepalive_interval)),
        ];
        for (knob, value) in not_zero {
            self.positive(&at.field(knob), value, &format!("`{knob}`"));
        }
        self.positive(
            &at.field("delayed_ack").field("every"),
            u64::from(config.delayed_ack.every),
            "`every`",
        );
        let ordered = [
            ("max_rto", nanos(config.max_rto), "min_rto", nanos(config.min_rto)),
            ("rcv_buf_max", u64::from(config.rcv_buf_max), "rcv_buf", u64::from(config.rcv_buf)),
            ("snd_buf_max", u64::from(config.snd_buf_max), "snd_buf", u64::from(config.snd_buf)),
            ("persist_max", nanos(config.persist_max), "persist_min", config.persist_min.map_or(0, nanos)),
        ];
        for (high, upper, low, lower) in ordered {
            if upper < lower {
                self.wrong(
                    &at.field(high),
                    format!("`{high}` is below `{low}`"),
                    "must not be smaller",
                    None,
                );
            }
        }
    }

    /// Overrides of routes lead to a neighbour.
    pub(super) fn check_routes(&mut self) {
        let file = self.file;
        let hosts = At::root("hosts");
        for (name, host) in file.hosts.iter() {
            self.neighbours(&hosts.field(name), name, &host.routes);
        }
        let routers = At::root("routers");
        for (name, router) in file.routers.iter() {
            self.neighbours(&routers.field(name), name, &router.routes);
        }
    }

    /// Complains about routes of `node` (the field `routes` of `at`) that lead to somebody who is no neighbour.
    pub(super) fn neighbours(&mut self, at: &At<'_>, node: &str, routes: &[Route]) {
        let file = self.file;
        let all = at.field("routes");
        for (i, route) in routes.iter().enumerate() {
            let (Some(via), at) = (&route.via, all.index(i)) else { continue };
            if !self.node(&at.field("via"), via) {
                continue;
            }
            let joins = |(a, b): &(String, String)| a == node && b == via || b == node && a == via;
            if !file.links.iter().any(|link| joins(&link.between)) {
                let message = format!("`{via}` is not a neighbour of `{node}`");
                self.wrong(&at.field("via"), message, "no link leads there", None);
            }
        }
    }
}

pub(super) fn routes(typed: &[Route]) -> Vec<spec::Route> {
    let one =
        |route: &Route| spec::Route { prefix: route.to.address, len: route.to.len, via: route.via.clone() };
    typed.iter().map(one).collect()
}
