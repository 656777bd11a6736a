//! Scenarios for tests, in a few words.

use std::sync::Arc;

use tcp::{Config, Duration, EcnCodepoint, Flags, Options, Payload, Time};

use crate::spec::{Fault, Host, Inject, Link, Node, Route, Router, SeqRef, Spec, Way};

/// A way that only carries: infinitely fast, without delay, 1500 bytes.
pub(crate) fn way() -> Way {
    Way::plain(Duration::ZERO, 1500)
}

/// A time in milliseconds.
pub(crate) fn ms(n: u64) -> Time {
    Time::ZERO + Duration::from_millis(n)
}

/// An empty scenario.
pub(crate) fn spec() -> Spec {
    Spec {
        seed: 1,
        until: Time::ZERO + Duration::from_secs(3600),
        nodes: Default::default(),
        links: Default::default(),
        programs: Vec::new(),
        faults: Vec::new(),
        rules: Vec::new(),
    }
}

impl Spec {
    pub(crate) fn host(mut self, name: &str, address: &str) -> Spec {
        let host = Host {
            addresses: vec![address.parse().unwrap()],
            tcp: Arc::new(Config::linux()),
            ports: (32768, 60999),
            ttl: 64,
            reassembly_timeout: Duration::from_secs(30),
            routes: Vec::new(),
            first_pid: 1,
            wakeup: tcp::Duration::ZERO,
        };
        self.nodes.insert(name.to_string(), Node::Host(host));
        self
    }
    pub(crate) fn router(mut self, name: &str, address: &str) -> Spec {
        let router = Router { address: address.parse().unwrap(), icmp: true, routes: Vec::new() };
        self.nodes.insert(name.to_string(), Node::Router(router));
        self
    }
    /// A link whose two directions are alike.
    pub(crate) fn link(mut self, a: &str, b: &str, way: Way) -> Spec {
        let link = Link { ends: (a.to_string(), b.to_string()), ways: [way.clone(), way] };
        self.links.insert(format!("{a}-{b}"), link);
        self
    }
    pub(crate) fn fault(mut self, at: Time, fault: Fault) -> Spec {
        self.faults.push((at, fault));
        self
    }
    /// A reset of `len` bytes of payload: hosts without the connection say nothing to it.
    pub(crate) fn forged(self, at: Time, node: &str, src: &str, dst: &str, len: u32) -> Spec {
        let inject = Inject {
            at: node.to_string(),
            src: src.parse().unwrap(),
            dst: dst.parse().unwrap(),
            flags: Flags::RST,
            seq: SeqRef::Absolute(0),
            ack: SeqRef::Absolute(0),
            wnd: 0,
            urg: 0,
            options: Options::default(),
            stamps: None,
            sack: Vec::new(),
            payload: Payload::Pattern { stream: 0, offset: 0, len },
            ecn: EcnCodepoint::NotEct,
            ident: 0,
            pieces: Vec::new(),
        };
        self.fault(at, Fault::Inject(Box::new(inject)))
    }
}

/// A route.
pub(crate) fn via(prefix: &str, len: u8, via: Option<&str>) -> Route {
    Route { prefix: prefix.parse().unwrap(), len, via: via.map(str::to_string) }
}
