//! Checkers that are told by hand of what happened between hosts `a` and `b`, segment by segment.

use std::sync::Arc;

use tcp::{Config, Duration, Flags, Options, Payload, Rule, Segment, SeqNum, State, Time, Tuple};

use crate::check::{Checks, Findings, Law};
use crate::packet::{Body, EcnCodepoint, Fragment, IpHeader, Packet, PacketId};
use crate::spec::Node;
use crate::testing::spec;
use crate::trace::{Cause, NodeId, PipeId, Trigger};
use crate::{Record, Simulator, TraceLevel, What};

pub(super) const A: NodeId = NodeId(0);
pub(super) const B: NodeId = NodeId(1);
/// The initial sequence numbers of both.
pub(super) const ISS_A: u32 = 1000;
pub(super) const ISS_B: u32 = 5_000_000;

/// Hosts to which nothing happens but what they are said to do.
pub(super) struct Told {
    sim: Simulator,
    pub(super) checks: Checks,
    pub(super) now: Time,
    event: u64,
    next: u64,
}

impl Told {
    /// Hosts as Linux is but for this.
    pub(super) fn new(change: impl Fn(NodeId, &mut Config)) -> Told {
        let mut spec = spec().host("a", "10.0.0.1").host("b", "10.0.0.2");
        for (node, number) in spec.nodes.values_mut().zip(0..) {
            if let Node::Host(host) = node {
                change(NodeId(number), Arc::make_mut(&mut host.tcp));
            }
        }
        let (sim, checks) = (Simulator::new(&spec, TraceLevel::On), Checks::new(&spec, true));
        Told { sim, checks, now: Time::ZERO + Duration::from_secs(1), event: 1, next: 1 }
    }
    /// Hosts as Linux is, behind a handshake without options.
    pub(super) fn open(change: impl Fn(NodeId, &mut Config)) -> Told {
        let mut told = Told::new(change);
        told.opens(&Options::default());
        told
    }
    /// The handshake, with these options on both SYNs.
    pub(super) fn opens(&mut self, options: &Options) {
        let with = |segment: Segment| Segment { options: options.clone(), ..segment };
        let stamped = Options { timestamps: options.timestamps, ..Options::default() };
        let syn = self.passes(A, with(segment(Flags::SYN, ISS_A, 0)), Rule::ActiveOpen, Trigger::Timer);
        let syn_ack = with(segment(Flags::SYN | Flags::ACK, ISS_B, ISS_A + 1));
        let syn_ack = self.passes(B, syn_ack, Rule::SynAnswered, Trigger::Packet(syn));
        let ack = Segment { options: stamped, ..segment(Flags::ACK, ISS_A + 1, ISS_B + 1) };
        self.passes(A, ack, Rule::SynAckAnswered, Trigger::Packet(syn_ack));
        self.reading(A, (1, 1, 1));
        self.reading(B, (1, 1, 1));
    }

    pub(super) fn after(&mut self, time: Duration) -> &mut Told {
        self.now += time;
        self
    }
    /// An event of one line.
    pub(super) fn tell(&mut self, what: What) {
        self.event += 1;
        self.adds(what);
    }
    /// A line more of the last event.
    fn adds(&mut self, what: What) {
        let record = Record { time: self.now, what };
        self.checks.look_at(&self.sim, &record, self.event);
    }
    fn packet(&mut self, node: NodeId, mut segment: Segment) -> Packet {
        let tuple = tuple(node);
        (segment.src, segment.dst) = (tuple.local.port(), tuple.remote.port());
        let (src, dst) = (tuple.local.ip(), tuple.remote.ip());
        let ip = IpHeader { src, dst, ttl: 64, ecn: EcnCodepoint::NotEct, dscp: 0, df: true, ident: 0 };
        self.next += 1;
        Packet { id: PacketId(self.next), ip, body: Body::Tcp(segment), flipped_bit: None }
    }
    /// A host sends this, and it is lost.
    pub(super) fn sends(&mut self, node: NodeId, segment: Segment, rule: Rule, trigger: Trigger) -> Packet {
        let packet = self.packet(node, segment);
        let why = Some(Cause { trigger, rule });
        self.tell(What::Sent { node, pipe: PipeId(node.0), packet: packet.clone(), why });
        packet
    }
    /// A segment of the other host comes to this one.
    pub(super) fn comes(&mut self, node: NodeId, packet: Packet) {
        self.tell(What::Received { node, pipe: PipeId(node.0 ^ 1), packet });
    }
    /// A host sends this, and it comes to the other.
    pub(super) fn passes(
        &mut self,
        node: NodeId,
        segment: Segment,
        rule: Rule,
        trigger: Trigger,
    ) -> PacketId {
        let packet = self.sends(node, segment, rule, trigger);
        let id = packet.id;
        self.comes(other(node), packet);
        id
    }
    /// A segment comes from a host that nobody has seen sending it.
    pub(super) fn stray(&mut self, from: NodeId, segment: Segment) -> PacketId {
        let packet = self.packet(from, segment);
        let id = packet.id;
        self.comes(other(from), packet);
        id
    }
    /// A transition, in the event of what came last.
    pub(super) fn state(&mut self, node: NodeId, (from, to): (State, State), rule: Rule, trigger: Trigger) {
        let why = Cause { trigger, rule };
        self.adds(What::State { node, tuple: tuple(node), from, to, why });
    }
    /// A piece of a segment of the other host comes to this one, with more to follow.
    pub(super) fn piece_comes(&mut self, node: NodeId, segment: Segment) -> PacketId {
        let packet = self.packet(other(node), segment);
        let (id, ip) = (packet.id, packet.ip);
        let piece = Fragment { of: Arc::new(packet), offset: 0, len: 24, more: true };
        self.comes(node, Packet { id, ip, body: Body::Fragment(Box::new(piece)), flipped_bit: None });
        id
    }
    /// The event is over.
    pub(super) fn ends_event(&mut self) {
        let Checks { answers, found, .. } = &mut self.checks;
        answers.look(&self.sim, &mut Findings { event: self.event, time: self.now, found });
    }
    /// SND.UNA, SND.NXT and RCV.NXT are these, counted from the initial numbers.
    pub(super) fn reading(&mut self, node: NodeId, read: (u64, u64, u64)) {
        self.checks.ends.get_mut(node, &tuple(node)).expect("it has begun").reads(read, self.now);
    }
    /// The laws that were broken.
    pub(super) fn found(&self) -> Vec<Law> {
        self.checks.found().iter().map(|violation| violation.law).collect()
    }
}

fn other(node: NodeId) -> NodeId {
    NodeId(node.0 ^ 1)
}
/// The connection, seen from this host.
pub(super) fn tuple(node: NodeId) -> Tuple {
    let tuple = Tuple { local: "10.0.0.1:5000".parse().unwrap(), remote: "10.0.0.2:80".parse().unwrap() };
    if node == A { tuple } else { tuple.reversed() }
}
/// A segment without data or options, and with a window of 10,000.
pub(super) fn segment(flags: Flags, seq: u32, ack: u32) -> Segment {
    Segment {
        src: 0,
        dst: 0,
        seq: SeqNum(seq),
        ack: SeqNum(ack),
        flags,
        wnd: 10_000,
        urg: 0,
        options: Options::default(),
        payload: Payload::Empty,
    }
}
/// The same with so much data.
pub(super) fn with_data(segment: Segment, len: u32) -> Segment {
    Segment { payload: Payload::Pattern { stream: 0, offset: 0, len }, ..segment }
}
/// The same with this timestamp.
pub(super) fn stamped(segment: Segment, val: u32) -> Segment {
    let timestamps = Some(tcp::Timestamps { val, ecr: 0 });
    Segment { options: Options { timestamps, ..segment.options }, ..segment }
}
