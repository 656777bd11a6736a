//! A trace made by hand, for tests of the views: a connection whose last ACK is lost, as a Linux kernel was seen to
//! play it (times rounded), and one of everything else that a view can meet.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use sim::packet::{Body, Datagram, Echo, Fragment, Icmp, IcmpKind, IpHeader, Packet, PacketId, Quote};
use sim::spec::{Host, Link, Node, Router, Spec, Way};
use sim::trace::{Cause, DropReason, Fate, NodeId, PipeId, Record, Trigger, What};
use tcp::{
    Config, Duration, EcnCodepoint, Flags, Options, Payload, Rule, Segment, SeqNum, State, Time, Timestamps,
    Tuple,
};

use crate::names::Names;

/// The client, in both samples.
pub const CLIENT: NodeId = NodeId(0);
const CLIENT_ISN: u32 = 2_276_990_007;
const SERVER_ISN: u32 = 3_768_728_021;

/// A trace being made.
pub struct Maker {
    /// What is made.
    pub records: Vec<Record>,
    next: u64,
    client: SocketAddr,
    server: SocketAddr,
    server_node: NodeId,
}

/// The names of two hosts and a link.
pub fn two_hosts() -> Names {
    Names::of(&spec(&["client", "server"], &[], &[("client", "server")]))
}

/// The names of two hosts with a router between them.
pub fn with_router() -> Names {
    Names::of(&spec(&["client", "server"], &["r1"], &[("client", "r1"), ("r1", "server")]))
}

fn spec(hosts: &[&str], routers: &[&str], links: &[(&str, &str)]) -> Spec {
    let mut nodes = BTreeMap::new();
    for (i, name) in hosts.iter().enumerate() {
        let host = Host {
            addresses: vec![address(1 + i as u8)],
            tcp: Arc::new(Config::linux()),
            ports: (32_768, 60_999),
            ttl: 64,
            reassembly_timeout: Duration::from_secs(30),
            routes: Vec::new(),
            first_pid: 1_000,
            wakeup: tcp::Duration::ZERO,
        };
        nodes.insert((*name).to_owned(), Node::Host(host));
    }
    for (i, name) in routers.iter().enumerate() {
        let router = Router { address: address(254 - i as u8), icmp: true, routes: Vec::new() };
        nodes.insert((*name).to_owned(), Node::Router(router));
    }
    let links = links.iter().map(|(a, b)| (format!("{a}-{b}"), link(a, b))).collect();
    Spec { seed: 1, until: Time::NEVER, nodes, links, programs: vec![], faults: vec![], rules: vec![] }
}

fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

fn link(a: &str, b: &str) -> Link {
    let way = Way::plain(Duration::from_millis(10), 1500);
    Link { ends: (a.to_owned(), b.to_owned()), ways: [way.clone(), way] }
}

/// `micros` after the start.
pub fn at(micros: u64) -> Time {
    Time::from_nanos(micros * 1_000)
}

impl Maker {
    /// Nothing yet, between `client` and a server with this number.
    pub fn new(server_node: NodeId) -> Maker {
        Maker {
            records: Vec::new(),
            next: 1,
            client: SocketAddr::new(address(1), 40_986),
            server: SocketAddr::new(address(2), 5_986),
            server_node,
        }
    }

    /// A record.
    pub fn record(&mut self, micros: u64, what: What) {
        self.records.push(Record { time: at(micros), what });
    }

    /// A packet with this in it, from the client or the server.
    pub fn packet(&mut self, from_client: bool, body: Body) -> Packet {
        let (src, dst) = if from_client { (self.client, self.server) } else { (self.server, self.client) };
        let id = PacketId(self.next);
        self.next += 1;
        let ecn = EcnCodepoint::NotEct;
        let ip =
            IpHeader { src: src.ip(), dst: dst.ip(), ttl: 64, ecn, dscp: 0, df: true, ident: id.0 as u16 };
        Packet { id, ip, body, flipped_bit: None }
    }

    /// A segment of the connection; numbers are relative.
    pub fn segment(&mut self, from_client: bool, flags: Flags, seq: u32, ack: u32, wnd: u16) -> Segment {
        let (src, dst) = if from_client { (self.client, self.server) } else { (self.server, self.client) };
        let (iss, irs) = if from_client { (CLIENT_ISN, SERVER_ISN) } else { (SERVER_ISN, CLIENT_ISN) };
        let syn = flags.contains(Flags::SYN);
        let acks = flags.contains(Flags::ACK);
        let options = Options {
            mss: syn.then_some(1460),
            wscale: syn.then_some(10),
            sack_permitted: syn,
            timestamps: Some(Timestamps { val: 2_887_984_033, ecr: if acks { 4_179_112_369 } else { 0 } }),
            ..Options::default()
        };
        Segment {
            src: src.port(),
            dst: dst.port(),
            seq: SeqNum(iss.wrapping_add(seq)),
            ack: if acks { SeqNum(irs.wrapping_add(ack)) } else { SeqNum(0) },
            flags,
            wnd,
            options,
            ..Segment::default()
        }
    }

    /// A packet sent over the link between the two, and when it arrives.
    pub fn sent(
        &mut self,
        micros: u64,
        from_client: bool,
        body: Body,
        rule: Rule,
        trigger: Trigger,
    ) -> Packet {
        let packet = self.packet(from_client, body);
        let node = if from_client { CLIENT } else { self.server_node };
        let pipe = PipeId(u32::from(!from_client));
        let why = Some(Cause { trigger, rule });
        self.record(micros, What::Sent { node, pipe, packet: packet.clone(), why });
        packet
    }

    /// Its arrival.
    pub fn received(&mut self, micros: u64, from_client: bool, packet: &Packet) {
        let node = if from_client { self.server_node } else { CLIENT };
        let pipe = PipeId(u32::from(!from_client));
        self.record(micros, What::Received { node, pipe, packet: packet.clone() });
    }

    /// A transition.
    pub fn state(&mut self, micros: u64, client: bool, from: State, to: State, rule: Rule, trigger: Trigger) {
        let tuple = Tuple { local: self.client, remote: self.server };
        let (node, tuple) = if client { (CLIENT, tuple) } else { (self.server_node, tuple.reversed()) };
        self.record(micros, What::State { node, tuple, from, to, why: Cause { trigger, rule } });
    }

    /// What a program did.
    pub fn program(&mut self, micros: u64, client: bool, call: &'static str, result: &str) {
        let node = if client { CLIENT } else { self.server_node };
        let program = if client { "client/1" } else { "server/1" };
        let (program, call) = (Arc::from(program), Cow::Borrowed(call));
        self.record(micros, What::Program { node, program, call, result: result.to_owned() });
    }
}

/// Handshake, five octets, a close whose last ACK is lost, TIME-WAIT.
pub fn lost_final_ack() -> Vec<Record> {
    use Flags as F;
    use State::*;
    let mut m = Maker::new(NodeId(1));
    let on = |packet: &Packet| Trigger::Packet(packet.id);
    let (sa, fa) = (F::SYN | F::ACK, F::FIN | F::ACK);

    m.state(20_000, false, Closed, Listen, Rule::PassiveOpen, Trigger::Call);
    m.state(100_000, true, Closed, SynSent, Rule::ActiveOpen, Trigger::Call);
    let syn = m.segment(true, F::SYN, 0, 0, 64_240);
    let syn = m.sent(100_000, true, Body::Tcp(syn), Rule::ActiveOpen, Trigger::Call);
    m.received(110_000, true, &syn);
    m.state(110_000, false, Listen, SynReceived, Rule::SynAnswered, on(&syn));
    let synack = m.segment(false, sa, 0, 1, 65_160);
    let synack = m.sent(110_000, false, Body::Tcp(synack), Rule::SynAnswered, on(&syn));
    m.received(120_000, false, &synack);
    m.state(120_000, true, SynSent, Established, Rule::SynAckAnswered, on(&synack));
    let ack = m.segment(true, F::ACK, 1, 1, 63);
    let ack = m.sent(120_000, true, Body::Tcp(ack), Rule::SynAckAnswered, on(&synack));
    m.program(120_000, true, "connect 10.0.0.2:5986", "ok");
    let data =
        Segment { payload: Payload::from_bytes(b"hello"), ..m.segment(true, F::ACK | F::PSH, 1, 1, 63) };
    let data = m.sent(120_000, true, Body::Tcp(data), Rule::Data, Trigger::Call);
    m.received(130_000, true, &ack);
    m.state(130_000, false, SynReceived, Established, Rule::HandshakeComplete, on(&ack));
    m.program(130_000, false, "accept", "10.0.0.1:40986");
    m.received(130_000, true, &data);
    let ack = m.segment(false, F::ACK, 1, 6, 64);
    let ack = m.sent(130_000, false, Body::Tcp(ack), Rule::AckQuick, on(&data));
    m.received(140_000, false, &ack);

    m.program(1_400_000, true, "close", "ok");
    m.state(1_400_000, true, Established, FinWait1, Rule::CloseCall, Trigger::Call);
    let fin = m.segment(true, fa, 6, 1, 63);
    let fin = m.sent(1_400_000, true, Body::Tcp(fin), Rule::CloseCall, Trigger::Call);
    m.received(1_410_000, true, &fin);
    m.state(1_410_000, false, Established, CloseWait, Rule::FinReceived, on(&fin));
    m.program(1_410_000, false, "recv 1024", "EOF");
    m.state(1_410_000, false, CloseWait, LastAck, Rule::CloseCall, Trigger::Call);
    let fin = m.segment(false, fa, 1, 7, 64);
    let fin = m.sent(1_410_000, false, Body::Tcp(fin), Rule::CloseCall, Trigger::Call);
    m.received(1_420_000, false, &fin);
    m.state(1_420_000, true, FinWait1, FinWait2, Rule::FinAcknowledged, on(&fin));
    m.state(1_420_000, true, FinWait2, TimeWait, Rule::FinReceived, on(&fin));
    let ack = m.segment(true, F::ACK, 7, 2, 63);
    let ack = m.sent(1_420_000, true, Body::Tcp(ack), Rule::AckOfFin, on(&fin));
    m.record(1_420_000, What::Fate { pipe: PipeId(0), packet: ack.id, fate: Fate::DroppedByRule(0) });
    let again = m.segment(false, fa, 1, 7, 64);
    let again = m.sent(1_636_000, false, Body::Tcp(again), Rule::RtoRetransmit, Trigger::Timer);
    m.received(1_646_000, false, &again);
    let ack = m.segment(true, F::ACK, 7, 2, 63);
    let ack = m.sent(1_646_000, true, Body::Tcp(ack), Rule::TimeWaitReAck, on(&again));
    m.received(1_656_000, true, &ack);
    m.state(1_656_000, false, LastAck, Closed, Rule::FinAcknowledged, on(&ack));
    m.state(61_646_000, true, TimeWait, Closed, Rule::TimeWaitExpired, Trigger::Timer);
    m.records
}

/// Crossing, duplicated, reordered, selectively acknowledged and refused segments, UDP, ICMP and fragments, a drop and
/// a fault: between hosts with a router in the middle. What a TCP would do with them is not the point.
pub fn one_of_each() -> Vec<Record> {
    use Flags as F;
    let mut m = Maker::new(NodeId(2));
    let syn = m.segment(true, F::SYN | F::ECE | F::CWR, 0, 0, 64_240);
    m.sent(0, true, Body::Tcp(syn), Rule::ActiveOpen, Trigger::Call);
    let synack = m.segment(false, F::SYN | F::ACK, 0, 1, 65_160);
    m.sent(1_000, false, Body::Tcp(synack), Rule::SynAnswered, Trigger::Timer);
    let data = Segment {
        payload: Payload::Pattern { stream: 1, offset: 0, len: 1448 },
        ..m.segment(true, F::ACK, 1, 1, 63)
    };
    let data = m.sent(2_000, true, Body::Tcp(data), Rule::Data, Trigger::Call);
    m.record(2_000, What::Fate { pipe: PipeId(0), packet: data.id, fate: Fate::Delayed(at(40_000)) });
    let mut sack = m.segment(false, F::ACK, 1, 1, 63);
    sack.options.sack.push(SeqNum(CLIENT_ISN.wrapping_add(1449)), SeqNum(CLIENT_ISN.wrapping_add(2897)));
    sack.options.sack.push(SeqNum(CLIENT_ISN.wrapping_add(4345)), SeqNum(CLIENT_ISN.wrapping_add(5793)));
    let sack = m.sent(2_500, false, Body::Tcp(sack), Rule::AckOutOfOrder, Trigger::Packet(data.id));
    m.record(3_000, What::Fate { pipe: PipeId(2), packet: sack.id, fate: Fate::Lost });
    let urgent = Segment {
        urg: 3,
        payload: Payload::from_bytes(b"abc"),
        ..m.segment(true, F::ACK | F::PSH | F::URG, 1449, 1, 63)
    };
    m.sent(4_000, true, Body::Tcp(urgent), Rule::Data, Trigger::Call);
    m.record(4_500, What::Fault { text: "link r1-server down".to_owned() });
    let quote = Quote {
        ip: data.ip,
        len: 1500,
        protocol: 6,
        src: 40_986,
        dst: 5_986,
        seq: SeqNum(CLIENT_ISN.wrapping_add(1)),
    };
    for kind in [
        IcmpKind::NetUnreachable,
        IcmpKind::HostUnreachable,
        IcmpKind::ProtocolUnreachable,
        IcmpKind::PortUnreachable,
        IcmpKind::FragmentationNeeded(1400),
        IcmpKind::AdminProhibited,
        IcmpKind::TtlExceeded,
        IcmpKind::ReassemblyTimeExceeded,
        IcmpKind::ParameterProblem(6),
    ] {
        let mut icmp = m.packet(false, Body::Icmp(Box::new(Icmp { kind, quote })));
        icmp.ip.src = address(254);
        icmp.ip.df = false;
        m.record(5_000, What::Sent { node: NodeId(1), pipe: PipeId(1), packet: icmp.clone(), why: None });
        m.record(6_000, What::Received { node: CLIENT, pipe: PipeId(1), packet: icmp });
    }
    let datagram =
        Datagram { src: 40_000, dst: 9_000, payload: Payload::Pattern { stream: 2, offset: 0, len: 3_000 } };
    let mut whole = m.packet(true, Body::Udp(datagram));
    whole.ip.df = false;
    let of = Arc::new(whole.clone());
    for (offset, len, more) in [(0, 1_480, true), (1_480, 1_480, true), (2_960, 48, false)] {
        let body = Body::Fragment(Box::new(Fragment { of: Arc::clone(&of), offset, len, more }));
        let packet = Packet { body, ..whole.clone() };
        m.record(7_000, What::Sent { node: CLIENT, pipe: PipeId(0), packet, why: None });
    }
    m.record(17_000, What::Dropped { node: NodeId(2), packet: whole.id, why: DropReason::NoUdpPort });
    let small = Datagram { src: 9_000, dst: 40_000, payload: Payload::from_bytes(b"pong") };
    let small = m.packet(false, Body::Udp(small));
    m.record(18_000, What::Sent { node: NodeId(2), pipe: PipeId(3), packet: small, why: None });
    for reply in [false, true] {
        let payload = Payload::Pattern { stream: 3, offset: 0, len: 56 };
        let echo = m.packet(!reply, Body::Echo(Echo { reply, ident: 1, seq: 2, payload }));
        let (node, pipe) = if reply { (NodeId(2), PipeId(3)) } else { (CLIENT, PipeId(0)) };
        m.record(19_000, What::Sent { node, pipe, packet: echo, why: None });
    }
    let rst = m.segment(false, F::RST, 1, 0, 0);
    m.sent(20_000, false, Body::Tcp(rst), Rule::AbortCall, Trigger::Call);
    // An attacker's guess: the client's address, the server's network.
    let forged = m.segment(true, F::RST, 70_000, 0, 0);
    let forged = m.packet(true, Body::Tcp(forged));
    m.record(21_000, What::Sent { node: NodeId(1), pipe: PipeId(2), packet: forged.clone(), why: None });
    m.received(22_000, true, &forged);
    m.record(
        22_000,
        What::Dropped { node: NodeId(2), packet: forged.id, why: DropReason::Tcp(Rule::RstIgnored) },
    );
    m.records
}

/// Two SYNs that cross, and one of the answers duplicated.
pub fn simultaneous_open() -> Vec<Record> {
    use Flags as F;
    use State::*;
    let mut m = Maker::new(NodeId(1));
    let on = |packet: &Packet| Trigger::Packet(packet.id);
    m.state(0, true, Closed, SynSent, Rule::ActiveOpen, Trigger::Call);
    let a = m.segment(true, F::SYN, 0, 0, 64_240);
    let a = m.sent(0, true, Body::Tcp(a), Rule::ActiveOpen, Trigger::Call);
    m.state(1_000, false, Closed, SynSent, Rule::ActiveOpen, Trigger::Call);
    let b = m.segment(false, F::SYN, 0, 0, 64_240);
    let b = m.sent(1_000, false, Body::Tcp(b), Rule::ActiveOpen, Trigger::Call);
    m.received(10_000, true, &a);
    m.state(10_000, false, SynSent, SynReceived, Rule::SimultaneousOpen, on(&a));
    let c = m.segment(false, F::SYN | F::ACK, 0, 1, 64_240);
    let c = m.sent(10_000, false, Body::Tcp(c), Rule::SimultaneousOpen, on(&a));
    m.record(10_000, What::Fate { pipe: PipeId(1), packet: c.id, fate: Fate::Duplicated(at(25_000)) });
    m.received(11_000, false, &b);
    m.state(11_000, true, SynSent, SynReceived, Rule::SimultaneousOpen, on(&b));
    let d = m.segment(true, F::SYN | F::ACK, 0, 1, 64_240);
    let d = m.sent(11_000, true, Body::Tcp(d), Rule::SimultaneousOpen, on(&b));
    m.received(20_000, false, &c);
    m.state(20_000, true, SynReceived, Established, Rule::HandshakeComplete, on(&c));
    m.received(21_000, true, &d);
    m.state(21_000, false, SynReceived, Established, Rule::HandshakeComplete, on(&d));
    m.received(25_000, false, &c);
    m.records
}
