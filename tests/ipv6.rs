//! Scenarios over IPv6, all but those named below: the same hosts with other addresses, and TCP does the same, segment by segment.
//!
//! Links are 20 octets wider, as much as the IPv6 header is longer, so that segments have the same sizes. Where links have
//! rates, a header more takes time: those are compared without rates, and with them must meet their expectations.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sim::packet::Body;
use sim::spec::Node;
use sim::{Packet, Record, Simulator, TraceLevel, What};
use tcp::{Rule, Time};
use timewait::relative::Isns;
use timewait::scenario::Scenario;
use timewait::scenario::file::program::Run;
use timewait::scenario::units::Address;

use crate::gallery::{load, missed};
use crate::scenarios::files;

/// What IPv6 does otherwise on purpose: no fragments from routers and no MTU below 1280 (RFC 8200), and what the scenario
/// is about is the size of IPv4 packets.
const OF_IPV4: &[&str] = &[
    "attack_fragment_smack",
    "attack_idle_scan",
    "attack_overlapping_fragments",
    "attack_tiny_fragments",
    "ip_fragmentation",
    "path_mtu_discovery",
    "path_mtu_discovery_ipv6",
    "ping_and_traceroute",
    "udp_datagrams",
];

/// What is expected is the same, but not each segment: numbers that do not count from an initial one depend on the addresses
/// that those are made of, and an MSS of which no option tells on the family.
const OF_OTHER_SEGMENTS: &[&str] = &["attack_options", "attack_paws_poison"];

/// In a scenario what stands there, and what has its meaning over IPv6.
const OTHERWISE: &[(&str, &str, &str)] = &[
    // No path takes less than 1280 octets (RFC 8200, section 5): such a claim is absurd, not doubtful.
    ("attack_icmp_sweep", "TooBig(600)", "TooBig(1300)"),
    ("forged_icmp", "TooBig(600)", "TooBig(1300)"),
    // The MSS where no option tells of one (9293/MUST-15).
    ("attack_options", "len: 536", "len: 1220"),
    // A cookie is made of addresses (RFC 7413, section 4.1.2).
    ("attack_fast_open", "8ac02f36bbbcfe1d", "513b010ccf8ba1f5"),
];

/// 10.0.0.1 is 2001:db8::a00:1.
fn mapped(address: Ipv4Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(address.to_bits()))
}

/// The scenario as it is typed, with IPv6 addresses.
fn over_ipv6(name: &str, scenario: &Scenario, rates: bool) -> Scenario {
    let mut typed = scenario.typed.clone();
    for (name, node) in &scenario.spec().nodes {
        match node {
            Node::Host(host) => {
                if let Some(typed) = typed.hosts.get_mut(name) {
                    typed.addr.0 = host.addresses.iter().map(|address| Address(*address)).collect();
                }
            }
            Node::Router(router) => {
                if let Some(typed) = typed.routers.get_mut(name) {
                    typed.addr = Some(Address(router.address));
                }
            }
        }
    }
    for program in &mut typed.programs {
        if let Run::SynFlood(flood) = &mut program.run {
            flood.from.get_or_insert(Address(Ipv4Addr::new(198, 18, 0, 1).into()));
        }
    }
    for link in &mut typed.links {
        link.mtu = Some(link.mtu.unwrap_or(1500) + 20);
        if !rates {
            link.rate = None;
            link.shape = None;
            link.qdisc = None;
        }
        if let Some(back) = &mut link.back {
            back.mtu = back.mtu.map(|mtu| mtu + 20);
            if !rates {
                back.rate = None;
                back.shape = None;
                back.qdisc = None;
            }
        }
    }
    let mut text = translated(&typed.write(scenario.about()));
    for (_, four, six) in OTHERWISE.iter().filter(|(scenario, ..)| *scenario == name) {
        assert!(text.contains(four), "{name}: {four}");
        text = text.replace(four, six);
    }
    Scenario::parse("over_ipv6.ron", &text).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}
/// The same over IPv4, without rates.
fn without_rates(scenario: &Scenario) -> Scenario {
    let mut typed = scenario.typed.clone();
    for link in &mut typed.links {
        link.rate = None;
        link.shape = None;
        link.qdisc = None;
        if let Some(back) = &mut link.back {
            back.rate = None;
            back.shape = None;
            back.qdisc = None;
        }
    }
    Scenario::parse("over_ipv4.ron", &typed.write(scenario.about()))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// A text with its IPv4 addresses, networks and endpoints turned into those of IPv6.
fn translated(text: &str) -> String {
    let mut out = String::new();
    for (i, piece) in text.split('"').enumerate() {
        if i > 0 {
            out.push('"');
        }
        let (address, rest) = piece.split_at(piece.find([':', '/']).unwrap_or(piece.len()));
        match address.parse::<Ipv4Addr>() {
            Ok(address) if i % 2 == 1 => {
                let six = mapped(address);
                match rest.strip_prefix('/').and_then(|len| len.parse::<u8>().ok()) {
                    Some(len) => out.push_str(&format!("{six}/{}", 96 + len)),
                    None if rest.is_empty() => out.push_str(&six.to_string()),
                    None => out.push_str(&format!("[{six}]{rest}")),
                }
            }
            _ => out.push_str(piece),
        }
    }
    out
}

/// What TCP sent, with relative numbers: the same over either family.
struct Wire {
    isns: Isns,
    lines: Vec<(Time, String)>,
}

impl Wire {
    fn of(scenario: &Scenario) -> Wire {
        let mut run = Simulator::new(scenario.spec(), TraceLevel::On);
        run.run();
        let mut wire = Wire { isns: Isns::default(), lines: Vec::new() };
        for Record { time, what } in run.records() {
            match what {
                What::Sent { packet, why: Some(why), .. } => wire.sent(*time, packet, why.rule),
                What::State { from, to, why, .. } => {
                    wire.lines.push((*time, format!("{from:?} to {to:?}: {:?}", why.rule)));
                }
                What::Program { program, call, result, .. } => {
                    wire.lines.push((*time, format!("{program}: {} = {}", family(call), family(result))));
                }
                _ => {}
            }
        }
        wire
    }
    fn sent(&mut self, time: Time, packet: &Packet, why: Rule) {
        let (Body::Tcp(segment), Some(tuple)) = (&packet.body, packet.tuple()) else { return };
        let line = format!("{} > {} {}", segment.src, segment.dst, self.isns.tell(tuple, segment, why));
        self.lines.push((time, line));
    }
}
/// A text without addresses.
fn family(text: &str) -> String {
    let words = text.split_inclusive([' ', '(', ')', ',']);
    let bare = |word: &str| word.trim_end_matches([' ', '(', ')', ',', ':']).to_owned();
    let address = |word: &str| {
        bare(word).parse::<IpAddr>().is_ok() || bare(word).parse::<std::net::SocketAddr>().is_ok()
    };
    words.map(|word| if address(word) { "ADDRESS" } else { word }).collect()
}

#[test]
fn tcp_is_the_same_over_both() {
    let mut compared = 0;
    for (name, path) in files("scenarios") {
        if OF_IPV4.contains(&name.as_str()) || OF_OTHER_SEGMENTS.contains(&name.as_str()) {
            continue;
        }
        let scenario = load(&path);
        let (four, six) =
            (Wire::of(&without_rates(&scenario)), Wire::of(&over_ipv6(&name, &scenario, false)));
        for (i, (a, b)) in four.lines.iter().zip(&six.lines).enumerate() {
            assert_eq!(a, b, "{name}, line {i}");
        }
        assert_eq!(four.lines.len(), six.lines.len(), "{name}");
        compared += four.lines.len();
    }
    assert!(compared > 10_000, "{compared}");
}

#[test]
fn expectations_are_met_over_ipv6() {
    let mut wrong = String::new();
    for (name, path) in files("scenarios") {
        if OF_IPV4.contains(&name.as_str()) {
            continue;
        }
        let scenario = over_ipv6(&name, &load(&path), true);
        let mut run = Simulator::new(scenario.spec(), TraceLevel::On);
        run.run();
        for failure in missed(&scenario, &run) {
            wrong.push_str(&format!("{name}: {failure}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
