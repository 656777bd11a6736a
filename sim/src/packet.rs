//! A packet on its way: an IP header, and what it carries.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

pub use tcp::EcnCodepoint;
use tcp::{Payload, Segment};

/// Names a packet within a run. Copies made by the network share the number of their original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PacketId(pub u64);

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Its number.
    pub id: PacketId,
    /// The network header.
    pub ip: IpHeader,
    /// What is behind it.
    pub body: Body,
    /// The bit that the network flipped, counted from the first bit of the IP header as it is on the wire. Such a
    /// packet is encoded, damaged and decoded where it arrives, so the real checksum decides.
    pub flipped_bit: Option<u32>,
}

impl Packet {
    /// For digests: all of it but its number; its identification where that may matter.
    pub(crate) fn digest_into<H: std::hash::Hasher>(&self, idents: bool, state: &mut H) {
        use std::hash::Hash;
        let Packet { id: _, ip, body, flipped_bit } = self;
        let ident =
            if idents || !matches!(body, Body::Tcp(_)) || flipped_bit.is_some() { ip.ident } else { 0 };
        (IpHeader { ident, ..*ip }, body, flipped_bit).hash(state);
    }
    /// Total length on the wire, in bytes, with the IP header.
    #[expect(clippy::len_without_is_empty, reason = "a packet is never empty")]
    pub fn len(&self) -> u32 {
        let body = match &self.body {
            Body::Tcp(segment) => tcp_len(segment),
            Body::Udp(datagram) => UDP_HEADER + datagram.payload.len(),
            // Eight octets of ICMP, then the quoted header and eight octets behind it.
            Body::Icmp(icmp) => 8 + icmp.quote.ip.header_len() + 8,
            Body::Echo(echo) => ICMP_HEADER + echo.payload.len(),
            Body::Fragment(f) => u32::from(f.len) + if self.ip.is_v6() { 8 } else { 0 },
        };
        self.ip.header_len() + body
    }
    /// The TCP segment that it carries, if it does so whole.
    pub fn tcp(&self) -> Option<&Segment> {
        match &self.body {
            Body::Tcp(segment) => Some(segment),
            _ => None,
        }
    }
    /// The connection that it belongs to, seen from its sender, if it carries a TCP segment whole.
    pub fn tuple(&self) -> Option<tcp::Tuple> {
        self.tcp().map(|s| tcp::Tuple {
            local: SocketAddr::new(self.ip.src, s.src),
            remote: SocketAddr::new(self.ip.dst, s.dst),
        })
    }
}

/// Length of a UDP header, in bytes (RFC 768).
pub const UDP_HEADER: u32 = 8;
/// Length of the header of an ICMP message, in bytes (RFC 792).
pub const ICMP_HEADER: u32 = 8;

/// Length of a segment with its header, in bytes.
#[inline]
pub(crate) fn tcp_len(segment: &Segment) -> u32 {
    tcp_header_len(&segment.options) + segment.payload.len()
}
/// Length of a TCP header with these options, in bytes.
#[inline]
pub fn tcp_header_len(options: &tcp::Options) -> u32 {
    let rare = options.mss.is_some()
        || options.wscale.is_some()
        || options.sack_permitted
        || !options.sack.is_empty()
        || options.accecn.is_some()
        || options.user_timeout.is_some()
        || options.fast_open.is_some()
        || options.other.is_some();
    if rare {
        return 20 + options.wire_len();
    }
    // Of each packet on each link the length is wanted; nearly all have these options or none.
    if options.timestamps.is_some() { 32 } else { 20 }
}

impl IpHeader {
    /// Length of the header on the wire, in bytes: no options, no extension headers.
    pub fn header_len(&self) -> u32 {
        if self.is_v6() { 40 } else { 20 }
    }
    /// Whether this is IPv6.
    pub fn is_v6(&self) -> bool {
        self.dst.is_ipv6()
    }
}

/// The fields of an IP header that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpHeader {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// ECN field.
    pub ecn: EcnCodepoint,
    /// Differentiated services code point (RFC 2474), 0 to 63.
    pub dscp: u8,
    /// Don't fragment (RFC 791).
    pub df: bool,
    /// Identification, for reassembly.
    pub ident: u16,
}

/// What a packet carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// A TCP segment (RFC 9293).
    Tcp(Segment),
    /// A UDP datagram (RFC 768).
    Udp(Datagram),
    /// An ICMP error (RFC 792).
    Icmp(Box<Icmp>),
    /// An ICMP echo request or reply (RFC 792; RFC 4443, section 4).
    Echo(Echo),
    /// A piece of a packet that was too large for a link (RFC 791, section 2.3).
    Fragment(Box<Fragment>),
}

/// A UDP datagram.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Datagram {
    /// Source port.
    pub src: u16,
    /// Destination port.
    pub dst: u16,
    /// Data.
    pub payload: Payload,
}

/// An ICMP echo request or reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Echo {
    /// Whether it is the reply.
    pub reply: bool,
    /// Identifier: who asks.
    pub ident: u16,
    /// Sequence number: which of its requests.
    pub seq: u16,
    /// Data, which the reply brings back.
    pub payload: Payload,
}

/// An ICMP error.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Icmp {
    /// What it says.
    pub kind: IcmpKind,
    /// What it says it about.
    pub quote: Quote,
}

/// The kinds of ICMP error that routers and hosts send here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpKind {
    /// Destination unreachable: network (3/0).
    NetUnreachable,
    /// Destination unreachable: host (3/1).
    HostUnreachable,
    /// Destination unreachable: protocol (3/2).
    ProtocolUnreachable,
    /// Destination unreachable: port (3/3).
    PortUnreachable,
    /// Destination unreachable: fragmentation needed and DF set (3/4), with the MTU of the next hop in bytes.
    FragmentationNeeded(u16),
    /// Destination unreachable: administratively prohibited (3/13).
    AdminProhibited,
    /// Time to live exceeded in transit (11/0).
    TtlExceeded,
    /// Fragment reassembly time exceeded (11/1).
    ReassemblyTimeExceeded,
    /// Parameter problem (12/0): this octet of the packet, counted from its beginning, is what cannot be.
    ParameterProblem(u8),
    /// Another error that nobody sends here, but hosts of version 4 understand: destination unreachable for another
    /// reason, another parameter problem.
    Other {
        /// Type: 3 or 12.
        kind: u8,
        /// Code.
        code: u8,
    },
}

impl IcmpKind {
    /// What it says, in words; `v6`: as an ICMPv6 message (RFC 4443, section 3).
    pub fn words(self, v6: bool) -> String {
        match self {
            IcmpKind::NetUnreachable if v6 => "no route".to_owned(),
            IcmpKind::NetUnreachable => "network unreachable".to_owned(),
            IcmpKind::HostUnreachable if v6 => "address unreachable".to_owned(),
            IcmpKind::HostUnreachable => "host unreachable".to_owned(),
            IcmpKind::ProtocolUnreachable if v6 => "unknown next header".to_owned(),
            IcmpKind::ProtocolUnreachable => "protocol unreachable".to_owned(),
            IcmpKind::PortUnreachable => "port unreachable".to_owned(),
            IcmpKind::FragmentationNeeded(mtu) if v6 => format!("packet too big, mtu {mtu}"),
            IcmpKind::FragmentationNeeded(mtu) => format!("fragmentation needed, mtu {mtu}"),
            IcmpKind::AdminProhibited => "administratively prohibited".to_owned(),
            IcmpKind::TtlExceeded if v6 => "hop limit exceeded".to_owned(),
            IcmpKind::TtlExceeded => "time to live exceeded".to_owned(),
            IcmpKind::ReassemblyTimeExceeded => "reassembly time exceeded".to_owned(),
            IcmpKind::ParameterProblem(octet) => format!("parameter problem, octet {octet}"),
            IcmpKind::Other { kind: 12, .. } => "parameter problem".to_owned(),
            IcmpKind::Other { code, .. } => format!("unreachable, code {code}"),
        }
    }
}

/// The beginning of the packet that an ICMP error is about: the IP header and eight octets (RFC 792).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quote {
    /// Its network header.
    pub ip: IpHeader,
    /// Its total length, in bytes.
    pub len: u16,
    /// 6 for TCP, 17 for UDP, 1 for ICMP.
    pub protocol: u8,
    /// Source port; the identifier of an ICMP echo.
    pub src: u16,
    /// Destination port; the sequence number of an ICMP echo.
    pub dst: u16,
    /// Sequence number, for TCP; for an ICMP message type, code and checksum, as they stand in its first four octets.
    pub seq: tcp::SeqNum,
}

/// A fragment: which bytes of the original's IP payload it holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fragment {
    /// The packet that was cut.
    pub of: Arc<Packet>,
    /// First byte, a multiple of eight.
    pub offset: u16,
    /// Number of bytes.
    pub len: u16,
    /// More fragments follow.
    pub more: bool,
}
