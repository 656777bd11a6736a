//! ICMP errors: when one may be sent, and what it quotes (RFC 792; RFC 1122, section 3.2.2; RFC 1812, section 4.3.2.7);
//! the answer to an echo request.

use std::net::IpAddr;

use tcp::{EcnCodepoint, Rule, SeqNum};

use super::{PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP, protocol_of};
use crate::packet::{Body, Echo, Icmp, IcmpKind, IpHeader, Packet, PacketId, Quote};
use crate::wire;

/// The ICMP error of this kind about `about`, from `from` to the source of `about`; `None` where none may be sent.
pub fn icmp_error(id: PacketId, from: IpAddr, about: &Packet, kind: IcmpKind, ttl: u8) -> Option<Packet> {
    if !may_answer(about, kind) {
        return None;
    }
    let ip = IpHeader {
        src: from,
        dst: about.ip.src,
        ttl,
        ecn: EcnCodepoint::NotEct,
        dscp: 0,
        df: false,
        ident: 0,
    };
    let icmp = Icmp { kind, quote: quote(about) };
    Some(Packet { id, ip, body: Body::Icmp(Box::new(icmp)), flipped_bit: None })
}

/// The answer to an echo request: from where it was sent to, with its identifier, number, data and DSCP (RFC 792;
/// RFC 1122, section 3.2.2.6; RFC 1812, section 4.3.3.6; RFC 4443, section 4.2). `None`: it is none.
pub fn echo_reply(request: &Packet, ttl: u8, ident: u16) -> Option<(IpHeader, Body)> {
    let Body::Echo(echo) = &request.body else { return None };
    if echo.reply {
        return None;
    }
    let IpHeader { src, dst, dscp, .. } = request.ip;
    let ip = IpHeader { src: dst, dst: src, ttl, ecn: EcnCodepoint::NotEct, dscp, df: false, ident };
    Some((ip, Body::Echo(Echo { reply: true, ..echo.clone() })))
}

/// Whether an ICMP error of this kind may be sent about this packet: never about an ICMP error, about a fragment other than the
/// first, about a packet to a multicast or broadcast address, or from an address that names no single host. Over IPv6 what
/// is wrong with a fragment is told of each (RFC 8200, section 4.5).
pub fn may_answer(about: &Packet, kind: IcmpKind) -> bool {
    let any = about.ip.is_v6() && matches!(kind, IcmpKind::ParameterProblem(_));
    let about_icmp = match &about.body {
        Body::Icmp(_) => true,
        Body::Fragment(f) => f.offset != 0 && !any || matches!(f.of.body, Body::Icmp(_)),
        Body::Tcp(_) | Body::Udp(_) | Body::Echo(_) => false,
    };
    !about_icmp && names_one_host(about.ip.src) && !is_group(about.ip.dst)
}

/// Whether an address can stand for one host elsewhere: not unspecified, loopback, broadcast or multicast.
pub fn names_one_host(addr: IpAddr) -> bool {
    let class_e = matches!(addr, IpAddr::V4(a) if a.octets()[0] >= 240);
    !(addr.is_unspecified() || addr.is_loopback() || is_group(addr) || class_e)
}

fn is_group(addr: IpAddr) -> bool {
    addr.is_multicast() || matches!(addr, IpAddr::V4(a) if a.is_broadcast())
}

/// What an ICMP error about `about` quotes: its header and eight octets.
pub fn quote(about: &Packet) -> Quote {
    let whole = match &about.body {
        Body::Fragment(f) if f.offset == 0 => &f.of.body,
        body => body,
    };
    let v6 = about.ip.is_v6();
    let (protocol, src, dst, seq) = match whole {
        Body::Tcp(s) => (PROTO_TCP, s.src, s.dst, s.seq),
        Body::Udp(d) => (PROTO_UDP, d.src, d.dst, SeqNum(0)),
        Body::Echo(echo) => {
            let head = wire::echo_head(&about.ip, echo);
            (if v6 { PROTO_ICMPV6 } else { PROTO_ICMP }, echo.ident, echo.seq, SeqNum(head))
        }
        // Eight octets from the middle of what was cut.
        Body::Fragment(_) => (protocol_of(about), 0, 0, SeqNum(0)),
        Body::Icmp(_) => (if v6 { PROTO_ICMPV6 } else { PROTO_ICMP }, 0, 0, SeqNum(0)),
    };
    let len = about.len().min(u32::from(u16::MAX)) as u16;
    Quote { ip: about.ip, len, protocol, src, dst, seq }
}

/// The rule by which an ICMP error of this kind is sent.
pub fn rule(kind: IcmpKind) -> Rule {
    match kind {
        IcmpKind::NetUnreachable | IcmpKind::HostUnreachable | IcmpKind::AdminProhibited => Rule::IcmpNoRoute,
        IcmpKind::ProtocolUnreachable | IcmpKind::PortUnreachable => Rule::IcmpNobodyListens,
        IcmpKind::FragmentationNeeded(_) => Rule::IcmpFragmentationNeeded,
        IcmpKind::TtlExceeded => Rule::IcmpTtlExceeded,
        IcmpKind::ReassemblyTimeExceeded => Rule::IcmpReassemblyTimeout,
        IcmpKind::ParameterProblem(_) => Rule::IcmpParameterProblem,
        IcmpKind::Other { .. } => Rule::IcmpNoRoute,
    }
}
