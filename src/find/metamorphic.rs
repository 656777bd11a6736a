//! Runs beside runs: what a scenario shows must not depend on what TCP cannot see.
//!
//! A scenario is changed in a way that no host can notice, both are run, and each host must have sent the same segments at
//! the same times for the same reasons, gone through the same states, and told its programs the same. What is left out of
//! the comparison is what chance decides by a host's name: initial sequence numbers (numbers are compared relative to
//! them) and ephemeral ports (they are numbered in order of appearance).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use sim::packet::Body;
use sim::spec::{Fault, Link, Loss, Node, Router, Run, SeqRef, Spec, Way};
use sim::{Packet, Simulator, TraceLevel, What};
use tcp::config::{Congestion, SynCookies};
use tcp::{Flags, Rule, Time};

use super::fuzz::MOST_EVENTS;
use crate::relative::Isns;

/// A change that nobody can notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Hosts and routers have other names, in the opposite order.
    Renamed,
    /// Hosts are there that say nothing, with links of their own.
    IdleLink,
    /// A link is two, with a router between them; the second adds nothing to the first.
    SplitLink,
}

impl Change {
    /// All of them.
    pub const ALL: [Change; 3] = [Change::Renamed, Change::IdleLink, Change::SplitLink];
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Change::Renamed => "renamed",
            Change::IdleLink => "idle link",
            Change::SplitLink => "split link",
        }
    }

    /// The scenario so changed; `None` where a host could notice.
    pub fn of(self, spec: &Spec) -> Option<Spec> {
        match self {
            Change::Renamed => renamed(spec),
            Change::IdleLink => idle_link(spec),
            Change::SplitLink => split_link(spec),
        }
    }
}

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The change.
    pub change: Change,
    /// The host, by the name that the scenario gives it.
    pub host: String,
    /// Lines of the host before it.
    pub line: usize,
    /// What it did as the scenario stands; `None`: nothing more.
    pub plain: Option<String>,
    /// What it did in the changed scenario.
    pub changed: Option<String>,
}

/// Runs both, and says how many lines were compared, or where they differ first. `None`: this change does not apply, or a
/// run does not end.
pub fn compare(spec: &Spec, change: Change) -> Option<Result<usize, Difference>> {
    beside(spec, &change.of(spec)?, change)
}

fn beside(spec: &Spec, other: &Spec, change: Change) -> Option<Result<usize, Difference>> {
    let (plain, changed) = (Story::of(spec, None)?, Story::of(other, None)?);
    let mut lines = 0;
    for (name, hashes) in &plain.hosts {
        let theirs = changed.hosts.get(&new_name(change, name)).map_or(&[][..], Vec::as_slice);
        let differs = hashes.iter().zip(theirs).position(|(a, b)| a != b);
        let differs = differs.or((hashes.len() != theirs.len()).then_some(hashes.len().min(theirs.len())));
        if let Some(line) = differs {
            let told = |spec: &Spec, host: &str| Story::of(spec, Some((host, line)))?.told;
            return Some(Err(Difference {
                change,
                host: name.clone(),
                line,
                plain: told(spec, name),
                changed: told(other, &new_name(change, name)),
            }));
        }
        lines += hashes.len();
    }
    Some(Ok(lines))
}

fn new_name(change: Change, name: &str) -> String {
    if change == Change::Renamed { reversed(name) } else { name.to_owned() }
}
/// A name that comes the earlier the later this one does. (Of two names, one of which begins with the other, the shorter
/// comes first, and its new name last: its end stands for what comes behind all letters.)
fn reversed(name: &str) -> String {
    name.bytes().map(|byte| char::from(0x7f - (byte & 0x7f).clamp(1, 0x7e))).chain(['\x7f']).collect()
}

/// Whether something is chosen by chance that goes by a host's name, or by numbers that chance has chosen.
fn goes_by_name(spec: &Spec) -> bool {
    // Of connections that act at one moment the one with the lower port comes first.
    let drawn = |run: &Run| match run {
        Run::Clients { count, .. } => *count > 1,
        Run::UdpSend { poisson, .. } => *poisson,
        Run::Population(_) => true,
        _ => false,
    };
    let by_name = |node: &Node| match node {
        Node::Host(host) => {
            let probes = matches!(host.tcp.congestion, Congestion::Bbr | Congestion::Bbr1);
            // Of few ports the same is soon drawn twice.
            let few_ports = host.ports.1.saturating_sub(host.ports.0) < 1000;
            host.tcp.syn_cookies == SynCookies::Always || probes || few_ports
        }
        Node::Router(_) => false,
    };
    // A forged number that counts from nothing of its own direction is anywhere in it.
    let anywhere = |(_, fault): &(Time, Fault)| match fault {
        Fault::Inject(inject) => {
            let seq = matches!(inject.seq, SeqRef::SenderIsn(_) | SeqRef::Expected(_));
            let ack = matches!(inject.ack, SeqRef::ReceiverIsn(_) | SeqRef::Expected(_));
            !seq || !ack && inject.flags.contains(Flags::ACK)
        }
        // Its numbers are no longer those of a clock that goes on (RFC 6528): newer or older than before by chance.
        Fault::Reboot(_) => true,
        _ => false,
    };
    spec.programs.iter().any(|program| drawn(&program.run))
        || spec.nodes.values().any(by_name)
        || spec.faults.iter().any(anywhere)
}

/// Each host by another name. Links keep theirs, and with them what chance does on them.
fn renamed(spec: &Spec) -> Option<Spec> {
    if goes_by_name(spec) {
        return None;
    }
    let rename = |name: &mut String| *name = reversed(name);
    let mut new = spec.clone();
    new.nodes = new.nodes.into_iter().map(|(name, node)| (reversed(&name), node)).collect();
    for node in new.nodes.values_mut() {
        let routes = match node {
            Node::Host(host) => &mut host.routes,
            Node::Router(router) => &mut router.routes,
        };
        routes.iter_mut().filter_map(|route| route.via.as_mut()).for_each(rename);
    }
    for link in new.links.values_mut() {
        rename(&mut link.ends.0);
        rename(&mut link.ends.1);
    }
    for program in &mut new.programs {
        rename(&mut program.on);
    }
    for rule in &mut new.rules {
        rule.matching.from.iter_mut().chain(&mut rule.matching.to).for_each(rename);
    }
    for (_, fault) in &mut new.faults {
        match fault {
            Fault::Crash(host) | Fault::Reboot(host) | Fault::Pause(host) | Fault::Resume(host) => {
                rename(host)
            }
            Fault::Routes(node, routes) => {
                rename(node);
                routes.iter_mut().filter_map(|route| route.via.as_mut()).for_each(rename);
            }
            Fault::Inject(inject) => rename(&mut inject.at),
            Fault::InjectIcmp(inject) => rename(&mut inject.at),
            Fault::LinkDown(_) | Fault::LinkUp(_) | Fault::LinkChange(..) | Fault::Kill(_) => {}
        }
    }
    Some(new)
}

/// A way that only carries, packets of this size.
fn carrier(like: &Way, mtu: u16) -> Way {
    Way {
        rate_bps: 0,
        delay: tcp::Duration::ZERO,
        jitter: sim::spec::Jitter { scale: tcp::Duration::ZERO, ..like.jitter },
        loss: Loss::None,
        duplicate_ppm: 0,
        duplicate_delay: tcp::Duration::ZERO,
        reorder_ppm: 0,
        reorder_delay: tcp::Duration::ZERO,
        corrupt_ppm: 0,
        mtu,
        limit: sim::spec::Limit::Unlimited,
        listed: None,
        discipline: sim::spec::Discipline::DropTail,
        shape: None,
    }
}
fn some_way(spec: &Spec) -> Option<&Way> {
    spec.links.values().next().map(|link| &link.ways[0])
}
/// An address of this family that the scenario does not use.
fn unused(like: IpAddr, last: u8) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::from([198, 19, 255, last]),
        IpAddr::V6(_) => IpAddr::from([0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, u16::from(last)]),
    }
}
fn a_host(spec: &Spec) -> Option<&sim::spec::Host> {
    spec.nodes.values().find_map(|node| match node {
        Node::Host(host) => Some(host),
        Node::Router(_) => None,
    })
}

/// Two hosts of which nobody knows, with a link between them, and one from there to a router if there is one. (A host with
/// a second link would have no default route any more.)
fn idle_link(spec: &Spec) -> Option<Spec> {
    let (mut new, way) = (spec.clone(), carrier(some_way(spec)?, 1500));
    let like = a_host(spec)?;
    // Before and between the others by name, so that numbers move.
    let first = spec.nodes.keys().next()?;
    let names = ["\u{1}idle".to_owned(), format!("{first}\u{1}idle")];
    for (name, last) in names.iter().zip([77, 78]) {
        let address = unused(*like.addresses.first()?, last);
        let idle = sim::spec::Host { addresses: vec![address], routes: Vec::new(), ..like.clone() };
        new.nodes.insert(name.clone(), Node::Host(idle));
    }
    let [one, other] = names;
    let router = spec.nodes.iter().find(|(_, node)| matches!(node, Node::Router(_)));
    let to_router = router.map(|(router, _)| (other.clone(), router.clone()));
    for (i, ends) in std::iter::once((one, other)).chain(to_router).enumerate() {
        new.links.insert(format!("{i}\u{1}idle"), Link { ends, ways: [way.clone(), way.clone()] });
    }
    Some(new)
}

/// The first link ends at a router, and a link without delay goes on from there.
fn split_link(spec: &Spec) -> Option<Spec> {
    let (name, link) = spec.links.iter().next()?;
    // A rule that names no link looks where a packet leaves its host: behind the new link for one side, and what waits
    // or is drawn on the old one is then another packet's. Where the link gets another MTU its new end tells of it.
    let looks = spec.rules.iter().any(|rule| rule.matching.link.is_none());
    let other_mtu = |(_, fault): &(Time, Fault)| match fault {
        Fault::LinkChange(_, ways) => {
            ways.iter().zip(&link.ways).any(|(new, old)| new.as_ref().is_some_and(|new| new.mtu != old.mtu))
        }
        _ => false,
    };
    // Where a queue decides when a packet leaves, it matters whether one that comes at that moment is there already.
    let decides = link.ways.iter().any(|way| way.discipline != sim::spec::Discipline::DropTail);
    // A host that is one hop away sees a TTL of one more.
    let counts =
        |program: &sim::spec::Program| matches!(program.run, Run::Ping { .. } | Run::Traceroute { .. });
    let routed = |node: &Node| match node {
        Node::Host(host) => !host.routes.is_empty(),
        Node::Router(router) => !router.routes.is_empty(),
    };
    let named = spec.faults.iter().any(|(_, fault)| matches!(fault, Fault::Routes(..)));
    if looks
        || decides
        || named
        || spec.faults.iter().any(other_mtu)
        || spec.programs.iter().any(counts)
        || spec.nodes.values().any(routed)
    {
        return None;
    }
    let mut new = spec.clone();
    let (near, far) = link.ends.clone();
    let middle = format!("{near}\u{1}middle");
    let address = unused(*a_host(spec)?.addresses.first()?, 77);
    new.nodes.insert(middle.clone(), Node::Router(Router { address, icmp: true, routes: Vec::new() }));
    new.links.get_mut(name)?.ends = (near, middle.clone());
    let ways = [carrier(&link.ways[0], link.ways[0].mtu), carrier(&link.ways[1], link.ways[1].mtu)];
    new.links.insert(format!("{name}\u{1}behind"), Link { ends: (middle, far), ways });
    Some(new)
}

/// What each host has done, line by line.
struct Story {
    hosts: BTreeMap<String, Vec<u64>>,
    /// The line that was asked for.
    told: Option<String>,
    line: String,
    isns: Isns,
    /// Ephemeral ports by address, in order of appearance.
    ports: BTreeMap<IpAddr, Vec<u16>>,
}

impl Story {
    /// Of a run that ends; with the words of one line of one host, if it is asked for.
    fn of(spec: &Spec, wanted: Option<(&str, usize)>) -> Option<Story> {
        let hosts = spec.nodes.iter().filter(|(_, node)| matches!(node, Node::Host(_)));
        let mut story = Story {
            hosts: hosts.map(|(name, _)| (name.clone(), Vec::new())).collect(),
            told: None,
            line: String::new(),
            isns: Isns::default(),
            ports: BTreeMap::new(),
        };
        let mut simulator = Simulator::new(spec, TraceLevel::On).without_checks();
        while simulator.step() {
            if simulator.events() > MOST_EVENTS {
                return None;
            }
            for record in simulator.take_records() {
                let Some(node) = story.put(record.time, &record.what) else { continue };
                let name = simulator.names().node(node);
                let Some(lines) = story.hosts.get_mut(&**name) else { continue };
                if wanted.is_some_and(|(host, line)| host == &**name && line == lines.len()) {
                    story.told = Some(story.line.clone());
                }
                let mut hasher = DefaultHasher::new();
                story.line.hash(&mut hasher);
                lines.push(hasher.finish());
            }
        }
        Some(story)
    }

    /// Writes the line of a record, if it is one that must not change; says whose it is.
    fn put(&mut self, time: Time, what: &What) -> Option<sim::NodeId> {
        self.line.clear();
        let _ = write!(self.line, "{time} ");
        match what {
            What::Sent { node, packet, why: Some(why), .. } => {
                self.sent(packet, why.rule)?;
                Some(*node)
            }
            What::State { node, from, to, why, tuple } => {
                let [local, remote] = [tuple.local, tuple.remote].map(|end| self.port(end));
                let _ = write!(self.line, "{local} {remote} {from} to {to}: {:?}", why.rule);
                Some(*node)
            }
            What::Program { node, program, call, result } => {
                let (call, result) = (self.ported(call), self.ported(result));
                let _ = write!(self.line, "{program}: {call} = {result}");
                Some(*node)
            }
            _ => None,
        }
    }
    fn sent(&mut self, packet: &Packet, why: Rule) -> Option<()> {
        let (Body::Tcp(segment), Some(tuple)) = (&packet.body, packet.tuple()) else { return None };
        let told = self.isns.tell(tuple, segment, why);
        if why.is_forged() {
            return None;
        }
        let [local, remote] = [tuple.local, tuple.remote].map(|end| self.port(end));
        let _ = write!(self.line, "{local} > {remote} {told}");
        Some(())
    }
    /// An endpoint; of an ephemeral port only the how manieth of its host it is.
    fn port(&mut self, end: SocketAddr) -> String {
        if end.port() < 32_768 {
            return end.to_string();
        }
        let ports = self.ports.entry(end.ip()).or_default();
        let at = ports.iter().position(|port| *port == end.port()).unwrap_or_else(|| {
            ports.push(end.port());
            ports.len() - 1
        });
        format!("{} port {at}", end.ip())
    }
    /// A text in which endpoints are written so, without the bytes that it shows: of generated ones some follow ports.
    fn ported(&mut self, text: &str) -> String {
        let mut out = String::new();
        let text = text.split_once(" \"").map_or(text, |(before, _)| before);
        for word in text.split_inclusive([' ', '(', ')', ',']) {
            let bare = word.trim_end_matches([' ', '(', ')', ',', ':']);
            match bare.parse::<SocketAddr>() {
                Ok(end) => out.push_str(&self.port(end)),
                Err(_) => out.push_str(bare),
            }
            out.push_str(&word[bare.len()..]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        let text = r#"Scenario(
            hosts: { "a": (), "b": () },
            links: [(between: ("a", "b"), delay: "10ms")],
            programs: [
                (on: "b", run: EchoServer(port: 80)),
                (on: "a", at: "10ms", run: Client(to: "b:80", steps: [Send("hello"), Close])),
            ],
        )"#;
        crate::scenario::Scenario::parse("x.ron", text)
            .unwrap_or_else(|wrong| panic!("{wrong}"))
            .spec()
            .clone()
    }

    #[test]
    fn a_link_that_takes_longer_is_noticed() {
        let (plain, mut slower) = (spec(), spec());
        let link = slower.links.get_mut("a-b").expect("it is there");
        link.ways[1].delay += tcp::Duration::from_nanos(1);
        let Some(Err(difference)) = beside(&plain, &slower, Change::SplitLink) else {
            panic!("nothing differs")
        };
        // The handshake's second segment comes later, so the third goes out later.
        assert_eq!((difference.host.as_str(), difference.line), ("a", 2));
        assert!(difference.plain.is_some_and(|line| line.starts_with("0.030000000 ")));
        assert!(difference.changed.is_some_and(|line| line.starts_with("0.030000001 ")));
    }

    #[test]
    fn every_change_is_one() {
        let plain = spec();
        for change in Change::ALL {
            let changed = change.of(&plain).expect("nobody notices");
            assert_ne!(changed, plain, "{}", change.name());
            assert!(
                matches!(beside(&plain, &changed, change), Some(Ok(lines)) if lines > 15),
                "{}",
                change.name()
            );
        }
    }

    #[test]
    fn a_later_name_comes_earlier() {
        let names = ["a", "ab", "b", "client", "r1", "r10", "r2", "server"];
        let mut new: Vec<String> = names.iter().map(|name| reversed(name)).collect();
        new.reverse();
        assert!(new.is_sorted(), "{new:?}");
    }
}
