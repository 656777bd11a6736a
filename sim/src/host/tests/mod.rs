//! Hosts by themselves, over a wire that carries everything in 10 ms.

mod addresses;
mod demands;
mod echo;
mod icmp;
mod limits;
mod programs;
mod storm;
mod tcp_hosts;
mod udp;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tcp::{Config, Duration, Payload, State, Time};

use super::{Host, Setup};
use crate::check::StreamCheck;
use crate::hostio::{HostNet, HostOut};
use crate::packet::{Packet, PacketId};
use crate::spec::{self, Run, Serve, Step};
use crate::trace::{NodeId, TraceLevel, What};

const DELAY: Duration = Duration::from_millis(10);

/// Hosts `a` 10.0.0.1 and `b` 10.0.0.2.
pub(super) struct Net {
    pub(super) hosts: [Host; 2],
    /// Packets on the wire: when, sequence, to whom.
    wire: BTreeMap<(Time, u64), (usize, Packet)>,
    serial: u64,
    pub(super) now: Time,
    pub(super) log: Vec<(Time, usize, What)>,
    /// Packets for which this says no are lost.
    pub(super) passes: fn(&Packet) -> bool,
    pub(super) streams: Box<StreamCheck>,
    /// All packets sent.
    pub(super) sent: Vec<(Time, usize, Packet)>,
}

pub(super) fn addr(s: &str) -> SocketAddr {
    s.parse().unwrap()
}

pub(super) fn program(name: &str, at_ms: u64, run: Run) -> spec::Program {
    let at = Time::ZERO + Duration::from_millis(at_ms);
    spec::Program { name: Arc::from(name), on: String::new(), at, restart: false, run }
}

pub(super) fn script(steps: Vec<Step>) -> Run {
    Run::Script(steps)
}

pub(super) fn serve(port: u16, handler: Vec<Step>) -> Serve {
    Serve {
        port,
        address: None,
        backlog: 5,
        accept_after: Some(Duration::ZERO),
        accept_every: None,
        accept_max: 0,
        close_after: None,
        options: Vec::new(),
        handler: Arc::from(handler),
        idle_limit: None,
        per_client_limit: None,
        one_at_a_time: false,
    }
}

pub(super) fn text(s: &str) -> Payload {
    Payload::from_bytes(s.as_bytes())
}

pub(super) fn sleep(ms: u64) -> Step {
    Step::Sleep(Duration::from_millis(ms))
}

pub(super) fn ms(ms: u64) -> Time {
    Time::ZERO + Duration::from_millis(ms)
}

impl Net {
    pub(super) fn new(a: Vec<spec::Program>, b: Vec<spec::Program>) -> Net {
        Net::with(Config::linux(), (32768, 60999), a, b)
    }
    pub(super) fn with(
        config: Config,
        ports: (u16, u16),
        a: Vec<spec::Program>,
        b: Vec<spec::Program>,
    ) -> Net {
        Net::at(&["10.0.0.1"], &["10.0.0.2"], config, ports, a, b)
    }
    /// The same with hosts at these addresses.
    pub(super) fn at(
        of_a: &[&str],
        of_b: &[&str],
        config: Config,
        ports: (u16, u16),
        a: Vec<spec::Program>,
        b: Vec<spec::Program>,
    ) -> Net {
        let config = Arc::new(config);
        let host = |name: &str, addresses: &[&str], programs| {
            let spec = spec::Host {
                addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
                tcp: Arc::clone(&config),
                ports,
                ttl: 64,
                reassembly_timeout: Duration::from_secs(30),
                routes: Vec::new(),
                first_pid: 1000,
                wakeup: tcp::Duration::ZERO,
            };
            Host::new(Setup { name: Arc::from(name), seed: 7, spec, programs, net: HostNet::single(1500) })
        };
        Net {
            hosts: [host("a", of_a, a), host("b", of_b, b)],
            wire: BTreeMap::new(),
            serial: 0,
            now: Time::ZERO,
            log: Vec::new(),
            passes: |_| true,
            streams: Box::default(),
            sent: Vec::new(),
        }
    }

    /// Runs all that is due up to and including `until`; what programs read is what was written.
    pub(super) fn run(&mut self, until: Time) {
        self.run_unchecked(until);
        assert_eq!(self.streams.findings(), []);
    }
    /// The same where forged data is read.
    pub(super) fn run_unchecked(&mut self, until: Time) {
        loop {
            let wire = self.wire.first_key_value().map_or(Time::NEVER, |((time, _), _)| *time);
            let next = wire.min(self.hosts[0].deadline()).min(self.hosts[1].deadline());
            if next > until {
                self.now = until;
                return;
            }
            assert!(next >= self.now || next == Time::ZERO, "time goes back");
            self.now = next.max(self.now);
            if wire == next {
                let (_, (to, packet)) = self.wire.pop_first().unwrap();
                self.visit(to, |host, now, out| host.on_packet(now, &packet, out));
                continue;
            }
            let i = usize::from(self.hosts[0].deadline() != next);
            self.visit(i, |host, now, out| host.on_deadline(now, out));
        }
    }

    pub(super) fn visit(&mut self, i: usize, what: impl FnOnce(&mut Host, Time, &mut HostOut)) {
        let mut out = HostOut::new(NodeId(i as u32), TraceLevel::On);
        out.streams = Some(std::mem::take(&mut self.streams));
        what(&mut self.hosts[i], self.now, &mut out);
        self.streams = out.streams.take().unwrap();
        let (packets, records) = out.drain();
        self.log.extend(records.into_iter().map(|what| (self.now, i, what)));
        for (mut packet, _) in packets {
            self.serial += 1;
            packet.id = PacketId(self.serial);
            self.sent.push((self.now, i, packet.clone()));
            if (self.passes)(&packet) {
                self.wire.insert((self.now + DELAY, self.serial), (1 - i, packet));
            }
        }
    }

    /// What the program of this name did: `call = result`.
    pub(super) fn calls(&self, name: &str) -> Vec<String> {
        let of = |what: &What| match what {
            What::Program { program, call, result, .. } if **program == *name => {
                Some(format!("{call} = {result}"))
            }
            _ => None,
        };
        self.log.iter().filter_map(|(_, _, what)| of(what)).collect()
    }

    /// The states that a host's connections went through, in order.
    pub(super) fn states(&self, host: usize) -> Vec<State> {
        let of = |what: &What| match what {
            What::State { to, .. } => Some(*to),
            _ => None,
        };
        self.log.iter().filter(|(_, i, _)| *i == host).filter_map(|(_, _, what)| of(what)).collect()
    }

    /// The control bits of all segments, as tcpdump writes them, with their sender.
    pub(super) fn flags(&self) -> Vec<String> {
        let name = ["a", "b"];
        self.sent
            .iter()
            .filter_map(|(_, i, packet)| packet.tcp().map(|s| format!("{} {}", name[*i], s.flags)))
            .collect()
    }
}
