//! What happened, in order: the only thing that a run produces, and what every view reads.

use tcp::{Rule, State, Time, Tuple};

use crate::packet::{Packet, PacketId};

/// A host or router, by its number: the rank of its name among all hosts and routers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// One direction of a link, by its number: twice the rank of the link's name, plus one for the way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipeId(pub u32);

/// How much of a run is kept. The trace hash is the same at every level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TraceLevel {
    /// Nothing.
    #[default]
    Off,
    /// Everything but what [`Verbose`](TraceLevel::Verbose) adds.
    On,
    /// Congestion windows and round-trip times as well.
    Verbose,
}

/// One line of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// When.
    pub time: Time,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A packet was handed to one direction of a link. `why` is set where it was made, not where it is forwarded.
    Sent {
        /// The node that sent it.
        node: NodeId,
        /// The direction of a link that took it.
        pipe: PipeId,
        /// The packet.
        packet: Packet,
        /// Why it was made.
        why: Option<Cause>,
    },
    /// A packet came out at the far end of a link.
    Received {
        /// The node that got it.
        node: NodeId,
        /// The direction of a link that it came over.
        pipe: PipeId,
        /// The packet, as it arrived.
        packet: Packet,
    },
    /// The network did something to a packet other than carry it.
    Fate {
        /// The direction of a link where it happened.
        pipe: PipeId,
        /// Which packet.
        packet: PacketId,
        /// What was done.
        fate: Fate,
    },
    /// A node dropped a packet.
    Dropped {
        /// The node.
        node: NodeId,
        /// Which packet.
        packet: PacketId,
        /// Why.
        why: DropReason,
    },
    /// A connection changed its state.
    State {
        /// The host.
        node: NodeId,
        /// The connection, seen from the host.
        tuple: Tuple,
        /// Before.
        from: State,
        /// After.
        to: State,
        /// Why.
        why: Cause,
    },
    /// Something happened within TCP that is neither a segment nor a transition.
    Tcp {
        /// The host.
        node: NodeId,
        /// The connection, seen from the host.
        tuple: Tuple,
        /// What.
        note: tcp::Note,
        /// What set it off.
        trigger: Trigger,
    },
    /// A program did something, or was told something.
    Program {
        /// The host.
        node: NodeId,
        /// The program's name.
        program: std::sync::Arc<str>,
        /// The call.
        call: std::borrow::Cow<'static, str>,
        /// Its outcome: a number of bytes, `EOF`, an errno by name, an address.
        result: String,
    },
    /// The fault timeline acted.
    Fault {
        /// In words.
        text: String,
    },
}

/// Why a segment was sent or a state changed: what set it off, and the rule that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What set it off.
    pub trigger: Trigger,
    /// The rule that decided.
    pub rule: Rule,
}

/// What set something off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A packet that arrived.
    Packet(PacketId),
    /// A timer.
    Timer,
    /// A call by a program.
    Call,
    /// The fault timeline.
    Fault,
}

/// What the network did to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Lost: by the link's random loss.
    Lost,
    /// Dropped by a fate rule, counted from zero.
    DroppedByRule(u32),
    /// No room in the queue.
    QueueFull,
    /// Dropped by a queue that keeps itself short (RED, PIE, CoDel, FQ-CoDel).
    DroppedEarly,
    /// The link was down.
    LinkDown,
    /// Larger than the link's MTU, and nobody who could cut it.
    TooBig,
    /// A copy was made, to arrive at that time.
    Duplicated(Time),
    /// Overtaken or held: arrives at that time.
    Delayed(Time),
    /// A bit was flipped, counted from the start of the IP header.
    Corrupted(u32),
    /// Marked congestion experienced.
    Marked,
    /// Its header was changed by this fate rule, counted from zero.
    Rewritten(u32),
    /// Cut into so many fragments.
    Fragmented(u16),
}

/// Why a node dropped a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// A rule of TCP.
    Tcp(Rule),
    /// Time to live ran out.
    TtlExceeded,
    /// No route to the destination.
    NoRoute,
    /// Not addressed to this host.
    NotOurs,
    /// Fragmentation was needed and forbidden.
    FragmentationNeeded,
    /// The header checksum is wrong.
    BadIpChecksum,
    /// The header makes no sense.
    BadHeader,
    /// The reassembly timer ran out.
    ReassemblyTimeout,
    /// The reassembly buffer is full, or the fragment overlaps another.
    BadFragment,
    /// No program on that UDP port.
    NoUdpPort,
    /// The UDP receive queue is full.
    UdpQueueFull,
    /// UDP checksum wrong.
    BadUdpChecksum,
    /// ICMP checksum wrong.
    BadIcmpChecksum,
    /// The host is down.
    HostDown,
    /// Quoted nothing that is known here.
    IcmpUnmatched,
    /// It asked for a source route.
    SourceRoute,
}
