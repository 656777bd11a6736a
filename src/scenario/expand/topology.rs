//! Networks by template.

use std::net::{IpAddr, Ipv4Addr};

use super::{Expander, name};
use crate::scenario::file::{Host, Link, OneOrMany, Route, Router, Scenario, Tcp, Topology, Way};
use crate::scenario::locate::Seg;
use crate::scenario::units::{Address, Prefix};

/// Whether something that a template makes is there, and how large it is.
const LEAST: u32 = 1;

impl Expander {
    pub(super) fn topology(&mut self, topology: &Topology, typed: &Scenario) {
        match topology {
            Topology::Dumbbell { left, right, bottleneck, back, access, right_access, tcp } => {
                let right = right.unwrap_or(*left);
                if !self.counts(&[("left", *left), ("right", right)]) {
                    return;
                }
                self.router("left", Vec::new());
                self.router("right", Vec::new());
                let middle = Link {
                    name: Some("bottleneck".to_owned()),
                    back: back.clone(),
                    ..link("left", "right", bottleneck.as_ref())
                };
                self.template_link(middle, "bottleneck");
                for n in 1..=*left {
                    let host = format!("l{n}");
                    self.host(&host, None, tcp.as_ref(), typed);
                    self.template_link(link(&host, "left", access.as_ref()), "access");
                }
                let (far, of) = match right_access {
                    Some(far) => (Some(far), "right_access"),
                    None => (access.as_ref(), "access"),
                };
                for n in 1..=right {
                    let host = format!("r{n}");
                    self.host(&host, None, tcp.as_ref(), typed);
                    self.template_link(link("right", &host, far), of);
                }
            }
            Topology::ParkingLot { hops, cross, hop, access, tcp } => {
                self.parking_lot(
                    *hops,
                    cross.unwrap_or(1),
                    (hop.as_ref(), access.as_ref()),
                    tcp.as_ref(),
                    typed,
                );
            }
            Topology::Star { hosts, access, back, tcp } => {
                if !self.counts(&[("hosts", *hosts)]) {
                    return;
                }
                self.router("hub", Vec::new());
                for n in 1..=*hosts {
                    let host = format!("h{n}");
                    self.host(&host, None, tcp.as_ref(), typed);
                    let link = Link { back: back.clone(), ..link(&host, "hub", access.as_ref()) };
                    self.template_link(link, "access");
                }
            }
            Topology::FatTree { k, access, fabric, tcp } => {
                let ways = (access.as_ref(), fabric.as_ref().or(access.as_ref()));
                self.fat_tree(*k, ways, tcp.as_ref(), typed);
            }
            Topology::Chain { routers, link: way, tcp } => {
                if !self.counts(&[("routers", *routers)]) {
                    return;
                }
                let mut last = "a".to_owned();
                self.host("a", None, tcp.as_ref(), typed);
                self.host("b", None, tcp.as_ref(), typed);
                for n in 1..=*routers {
                    let router = format!("r{n}");
                    self.router(&router, Vec::new());
                    self.template_link(link(&last, &router, way.as_ref()), "link");
                    last = router;
                }
                self.template_link(link(&last, "b", way.as_ref()), "link");
            }
        }
    }

    fn parking_lot(
        &mut self,
        hops: u32,
        cross: u32,
        (hop, access): (Option<&Way>, Option<&Way>),
        tcp: Option<&Tcp>,
        typed: &Scenario,
    ) {
        let pairs = u64::from(hops) * u64::from(cross);
        if !self.counts(&[("hops", hops)]) || !self.fits(&[name("topology"), name("cross")], 4 * pairs) {
            return;
        }
        self.router("p1", Vec::new());
        self.host("a", None, tcp, typed);
        self.template_link(link("a", "p1", access), "access");
        for n in 1..=hops {
            let (from, to) = (format!("p{n}"), format!("p{}", n + 1));
            self.router(&to, Vec::new());
            let middle = Link { name: Some(format!("hop{n}")), ..link(&from, &to, hop) };
            self.template_link(middle, "hop");
            for pair in 1..=cross {
                let suffix = if cross == 1 { n.to_string() } else { format!("{n}_{pair}") };
                let (x, y) = (format!("x{suffix}"), format!("y{suffix}"));
                self.host(&x, None, tcp, typed);
                self.host(&y, None, tcp, typed);
                self.template_link(link(&x, &from, access), "access");
                self.template_link(link(&to, &y, access), "access");
            }
        }
        self.host("z", None, tcp, typed);
        self.template_link(link(&format!("p{}", hops + 1), "z", access), "access");
    }

    /// The routes up go by the destination: host number N of an edge switch by aggregation switch N, and edge switch E by
    /// the core switch E of that group. Down there is one way only.
    fn fat_tree(
        &mut self,
        k: u32,
        (access, fabric): (Option<&Way>, Option<&Way>),
        tcp: Option<&Tcp>,
        typed: &Scenario,
    ) {
        if k == 0 || !k.is_multiple_of(2) || k > 16 {
            let place = vec![name("topology"), name("k")];
            self.wrong(place, format!("switches of {k} ports"), "an even number, 2 to 16", None);
            return;
        }
        let half = k / 2;
        let address = |n: u32, e: u32, p: u32| IpAddr::V4(Ipv4Addr::new(10, n as u8, e as u8, p as u8));
        let route =
            |address: IpAddr, len: u8, via: String| Route { to: Prefix { address, len }, via: Some(via) };
        for group in 1..=half {
            (1..=half).for_each(|i| self.router(&format!("core{group}_{i}"), Vec::new()));
        }
        for p in 1..=k {
            for n in 1..=half {
                let own = (1..=half).map(|e| route(address(n, e, p), 32, format!("edge{p}_{e}")));
                let others = (1..=half).map(|e| route(address(n, e, 0), 24, format!("core{n}_{e}")));
                self.router(&format!("agg{p}_{n}"), own.chain(others).collect());
                for core in 1..=half {
                    let (agg, core) = (format!("agg{p}_{n}"), format!("core{n}_{core}"));
                    self.template_link(link(&agg, &core, fabric), "fabric");
                }
            }
            for e in 1..=half {
                let own = (1..=half).map(|n| route(address(n, e, p), 32, format!("h{p}_{e}_{n}")));
                let others = (1..=half).map(|n| route(address(n, 0, 0), 16, format!("agg{p}_{n}")));
                let edge = format!("edge{p}_{e}");
                self.router(&edge, own.chain(others).collect());
                for n in 1..=half {
                    let host = format!("h{p}_{e}_{n}");
                    self.host(&host, Some(address(n, e, p)), tcp, typed);
                    self.template_link(link(&host, &edge, access), "access");
                    self.template_link(link(&edge, &format!("agg{p}_{n}"), fabric), "fabric");
                }
            }
        }
    }

    /// Whether a template can have so many parts.
    fn counts(&mut self, counts: &[(&str, u32)]) -> bool {
        counts.iter().all(|(field, count)| {
            let place = [name("topology"), name(field)];
            if *count < LEAST {
                self.wrong(place.to_vec(), format!("`{field}` of zero makes no sense"), "at least 1", None);
                return false;
            }
            self.fits(&place, 2 * u64::from(*count))
        })
    }

    fn host(&mut self, host: &str, address: Option<IpAddr>, tcp: Option<&Tcp>, typed: &Scenario) {
        let address = OneOrMany(address.map(Address).into_iter().collect());
        if let Some(own) = self.out.hosts.get_mut(host) {
            // It is said elsewhere what it is like.
            if own.tcp.is_none() {
                own.tcp = tcp.cloned();
            }
            let typed_address = !own.addr.0.is_empty();
            if !typed_address {
                own.addr = address;
            } else if !address.0.is_empty() {
                let list = if typed.hosts.contains_key(host) { host } else { "" };
                let place = vec![name("hosts"), name(list), name("addr")];
                let message = format!("`{host}` has its address from the tree, whose routes go by it");
                self.wrong(place, message, "another address", None);
            }
            return;
        }
        let host_file = Host {
            addr: address,
            tcp: tcp.cloned(),
            ports: None,
            ttl: None,
            reassembly_timeout: None,
            routes: Vec::new(),
            first_pid: None,
            wakeup: None,
        };
        self.out.hosts.insert(host.to_owned(), host_file);
        self.origins.hosts.insert(host.to_owned(), vec![name("topology")]);
    }

    fn router(&mut self, router: &str, routes: Vec<Route>) {
        if let Some(own) = self.out.routers.get_mut(router) {
            own.routes.extend(routes);
            return;
        }
        self.out.routers.insert(router.to_owned(), Router { addr: None, icmp: None, routes });
        self.origins.routers.insert(router.to_owned(), vec![name("topology")]);
    }

    /// A link whose parameters stand in this field of the template.
    fn template_link(&mut self, link: Link, field: &str) {
        self.link(link, vec![Seg::Name("topology".to_owned()), name(field)]);
    }
}

fn link(from: &str, to: &str, way: Option<&Way>) -> Link {
    let mut link = Link::between(from, to);
    link.set_way(way.cloned().unwrap_or_default());
    link
}
