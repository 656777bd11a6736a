//! What happens to packets, links and hosts: fates by rule, faults by time.

use std::net::{IpAddr, SocketAddr};

use tcp::{Duration, EcnCodepoint, Flags, Payload, Time};

use super::{Route, Way};

/// Limit of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// None.
    Unlimited,
    /// So many packets waiting.
    Packets(u32),
    /// So many bytes waiting.
    Bytes(u64),
}

/// What happens to packets that look like this.
#[derive(Clone, Debug, PartialEq)]
pub struct FateRule {
    /// Which packets.
    pub matching: Match,
    /// What happens.
    pub action: Action,
}

/// Picks packets by what they are. Every field that is set must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Match {
    /// Only on this link (by name); else where the packet first leaves a host.
    pub link: Option<String>,
    /// Sent by this host (by name): its address is the source.
    pub from: Option<String>,
    /// Sent to this host (by name).
    pub to: Option<String>,
    /// Only this protocol.
    pub protocol: Option<Protocol>,
    /// All of these control bits are set. (Implies TCP.)
    pub flags: Option<Flags>,
    /// None of these is set. (Implies TCP.)
    pub without: Option<Flags>,
    /// Source port.
    pub src_port: Option<u16>,
    /// Destination port.
    pub dst_port: Option<u16>,
    /// Overlaps these sequence numbers, relative to the sender's initial one (SYN is 0, first octet 1); end exclusive.
    pub seq: Option<(u64, u64)>,
    /// ACK field within these numbers, relative to the peer's initial sequence number; end exclusive.
    pub ack: Option<(u64, u64)>,
    /// A SACK block covers all these numbers, relative to the peer's initial sequence number; end exclusive.
    pub sack: Option<(u64, u64)>,
    /// Sequence number as it stands in the header, between these, inclusive.
    pub raw_seq: Option<(u32, u32)>,
    /// Number of payload octets between these, inclusive.
    pub payload_len: Option<(u32, u32)>,
    /// Sent within this window of time; end exclusive.
    pub time: Option<(Time, Time)>,
    /// Of those that match all else, only these, counted from one.
    pub nth: Option<Nth>,
}

/// Which of several matching packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nth {
    /// These.
    Listed(Vec<u64>),
    /// This one and all after it.
    From(u64),
}

/// A protocol, for matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "names say it")]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Fragment,
}

/// What happens to a packet that a rule picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is lost.
    Drop,
    /// So many copies follow, each this much later than the one before.
    Duplicate {
        /// Number of copies besides the original.
        copies: u32,
        /// Delay of the first copy behind the original, and of each further one.
        after: Duration,
    },
    /// It takes this much longer, and may be overtaken.
    Delay(Duration),
    /// It wanders and arrives at this time.
    HoldUntil(Time),
    /// This bit is flipped, counted from the start of the IP header; `None`: the first bit of the payload, or of the
    /// transport header where there is none.
    Corrupt(Option<u32>),
    /// Marked congestion experienced, if it is ECN-capable; dropped otherwise.
    MarkCe,
    /// It is lost, and its sender is told by this ICMP error, in the name of its destination, from the far end of the
    /// link (iptables `REJECT`).
    Refuse(crate::packet::IcmpKind),
    /// Its header is changed, and its checksum with it: what middleboxes do.
    Rewrite(Rewrite),
}

/// What a middlebox changes in a packet; bits, options and data are those of a TCP segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// The ECN field becomes this.
    pub ecn: Option<EcnCodepoint>,
    /// Control bits that are cleared.
    pub clear: Flags,
    /// Control bits that are then set.
    pub set: Flags,
    /// Options that are taken out.
    pub strip: Strip,
    /// The MSS option, where there is one, says at most this (MSS clamping), in bytes.
    pub clamp_mss: Option<u16>,
    /// The data is taken away (of a SYN: what a middlebox does that knows no Fast Open).
    pub cut: bool,
}

/// Options of TCP that a middlebox takes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strip {
    /// Window scale.
    pub wscale: bool,
    /// SACK-permitted and SACK.
    pub sack: bool,
    /// Timestamps.
    pub timestamps: bool,
    /// AccECN.
    pub accecn: bool,
    /// Fast Open.
    pub fast_open: bool,
    /// User timeout.
    pub user_timeout: bool,
}

/// Something that happens to the network or a host.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Both directions of this link lose everything, what is on it included.
    LinkDown(String),
    /// It carries again.
    LinkUp(String),
    /// New parameters for the directions of a link that are given.
    LinkChange(String, [Option<Box<Way>>; 2]),
    /// A node's overrides of routes become these.
    Routes(String, Vec<Route>),
    /// The host stops at once: no packet in or out, all state lost.
    Crash(String),
    /// The host is up with nothing but its programs' start; ISN secret new. Crashes it first if it runs.
    Reboot(String),
    /// The host does nothing; timers and arriving packets wait.
    Pause(String),
    /// It goes on.
    Resume(String),
    /// The program of this name ends; its sockets are closed as a kernel would.
    Kill(String),
    /// A packet appears, as if sent by somebody at a node.
    Inject(Box<Inject>),
    /// An ICMP error appears, as if sent by somebody at a node.
    InjectIcmp(Box<InjectIcmp>),
}

/// A forged segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Inject {
    /// The node from which it is sent.
    pub at: String,
    /// Source as it claims to be.
    pub src: SocketAddr,
    /// Destination.
    pub dst: SocketAddr,
    /// Control bits.
    pub flags: Flags,
    /// Its sequence number.
    pub seq: SeqRef,
    /// Its acknowledgment number.
    pub ack: SeqRef,
    /// Window field.
    pub wnd: u16,
    /// Urgent pointer.
    pub urg: u16,
    /// Options but SACK, if any.
    pub options: tcp::Options,
    /// A Timestamps option this far from what the receiver expects, in ticks: TSval from its TS.Recent, TSecr from its clock.
    pub stamps: Option<(i32, i32)>,
    /// SACK blocks, at most four; they count as `ack` does.
    pub sack: Vec<(SeqRef, SeqRef)>,
    /// Data.
    pub payload: Payload,
    /// ECN field.
    pub ecn: EcnCodepoint,
    /// IP identification, in the low bits over IPv6.
    pub ident: u16,
    /// The pieces of the segment that are sent in its place, in this order; none: it is sent whole.
    pub pieces: Vec<Piece>,
}

/// A fragment of a forged segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins in the IP payload, in bytes: a multiple of eight.
    pub offset: u16,
    /// Its length, in bytes.
    pub len: u16,
    /// It says that more fragments follow.
    pub more: bool,
}

/// A forged ICMP error about a segment of TCP.
#[derive(Clone, Debug, PartialEq)]
pub struct InjectIcmp {
    /// The node from which it is sent.
    pub at: String,
    /// Source as it claims to be.
    pub from: IpAddr,
    /// What it says.
    pub kind: crate::packet::IcmpKind,
    /// Source of the quoted segment, to whom the error goes.
    pub src: SocketAddr,
    /// Destination of the quoted segment.
    pub dst: SocketAddr,
    /// The quoted sequence number.
    pub seq: SeqRef,
    /// The quoted total length, in bytes.
    pub len: u16,
}

/// A number in a forged segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeqRef {
    /// Exactly this.
    Absolute(u32),
    /// This far from the initial sequence number that the claimed sender last used on this pair of addresses and
    /// ports (as tcpdump counts); zero if there was none.
    SenderIsn(i64),
    /// This far from the receiver's.
    ReceiverIsn(i64),
    /// This far from what the receiver of the segment expects next (RCV.NXT; for an ACK, its SND.UNA).
    Expected(i64),
}
