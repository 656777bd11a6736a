//! ICMP as bytes (RFC 792; RFC 1191, section 4; RFC 4443).

use tcp::wire::Checksum;
use tcp::{Payload, SeqNum};

use super::ip;
use crate::ip::{PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP};
use crate::packet::{Body, Echo, Icmp, IcmpKind, IpHeader, Quote};
use crate::trace::DropReason;

/// Type and code over IPv4 and over IPv6. A parameter problem is also the IPv6 word for a protocol that nobody knows.
type TypeAndCode = (u8, u8);
const KINDS: [(IcmpKind, TypeAndCode, TypeAndCode); 7] = [
    (IcmpKind::NetUnreachable, (3, 0), (1, 0)),
    (IcmpKind::HostUnreachable, (3, 1), (1, 3)),
    (IcmpKind::ProtocolUnreachable, (3, 2), (4, 1)),
    (IcmpKind::PortUnreachable, (3, 3), (1, 4)),
    (IcmpKind::AdminProhibited, (3, 13), (1, 1)),
    (IcmpKind::TtlExceeded, (11, 0), (3, 0)),
    (IcmpKind::ReassemblyTimeExceeded, (11, 1), (3, 1)),
];
const PARAMETER: (TypeAndCode, TypeAndCode) = ((12, 0), (4, 0));
const TOO_BIG: (TypeAndCode, TypeAndCode) = ((3, 4), (2, 0));
/// Types of an echo request and its reply over IPv4 and over IPv6; their code is zero.
const ECHO: ([u8; 2], [u8; 2]) = ([8, 0], [128, 129]);

/// Type and code of an error.
pub(crate) fn type_and_code(kind: IcmpKind, v6: bool) -> (u8, u8) {
    let (v4_kind, v6_kind) = match kind {
        IcmpKind::Other { kind, code } => ((kind, code), (kind, code)),
        IcmpKind::ParameterProblem(_) => PARAMETER,
        kind => KINDS.iter().find(|k| k.0 == kind).map_or(TOO_BIG, |k| (k.1, k.2)),
    };
    if v6 { v6_kind } else { v4_kind }
}

pub(super) fn encode(header: &IpHeader, icmp: &Icmp, out: &mut Vec<u8>) {
    let start = out.len();
    let v6 = header.is_v6();
    let (kind, code) = type_and_code(icmp.kind, v6);
    // Four octets of which each kind has its own use. Where the parameter that is the problem stands is one octet of RFC 792,
    // and all four of RFC 4443, section 3.4; an unknown protocol stands in the next header.
    let word = match icmp.kind {
        IcmpKind::FragmentationNeeded(mtu) => u32::from(mtu),
        IcmpKind::ParameterProblem(octet) if v6 => u32::from(octet),
        IcmpKind::ParameterProblem(octet) => u32::from(octet) << 24,
        IcmpKind::ProtocolUnreachable if v6 => 6,
        _ => 0,
    };
    out.extend_from_slice(&[kind, code, 0, 0]);
    out.extend_from_slice(&word.to_be_bytes());
    encode_quote(&icmp.quote, out);
    let sum = checksum(header, &out[start..]).finish();
    out[start + 2..start + 4].copy_from_slice(&sum.to_be_bytes());
}

pub(super) fn encode_echo(header: &IpHeader, echo: &Echo, out: &mut Vec<u8>) {
    let start = out.len();
    let kinds = if header.is_v6() { ECHO.1 } else { ECHO.0 };
    out.extend_from_slice(&[kinds[usize::from(echo.reply)], 0, 0, 0]);
    out.extend_from_slice(&echo.ident.to_be_bytes());
    out.extend_from_slice(&echo.seq.to_be_bytes());
    echo.payload.extend_vec(out);
    let sum = checksum(header, &out[start..]).finish();
    out[start + 2..start + 4].copy_from_slice(&sum.to_be_bytes());
}

/// The first four octets of an echo message, as an error about it quotes them: type, code, checksum.
pub(crate) fn echo_head(header: &IpHeader, echo: &Echo) -> u32 {
    let mut bytes = Vec::new();
    encode_echo(header, echo, &mut bytes);
    bytes.first_chunk().map_or(0, |head| u32::from_be_bytes(*head))
}

pub(super) fn decode(header: &IpHeader, bytes: &[u8]) -> Result<Body, DropReason> {
    let Some((head, rest)) = bytes.split_first_chunk::<8>() else { return Err(DropReason::BadHeader) };
    if checksum(header, bytes).finish() != 0 {
        return Err(DropReason::BadIcmpChecksum);
    }
    let (v6, seen) = (header.is_v6(), (head[0], head[1]));
    let echo = if v6 { ECHO.1 } else { ECHO.0 };
    if echo.contains(&seen.0) && seen.1 == 0 {
        let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let payload = Payload::from_bytes(rest);
        return Ok(Body::Echo(Echo { reply: seen.0 == echo[1], ident: word(4), seq: word(6), payload }));
    }
    let kind = if seen == (if v6 { TOO_BIG.1 } else { TOO_BIG.0 }) {
        IcmpKind::FragmentationNeeded(u16::from_be_bytes([head[6], head[7]]))
    } else if seen == (if v6 { PARAMETER.1 } else { PARAMETER.0 }) {
        // RFC 4443 has room for more than any packet here is long.
        let far = v6 && head[4..7] != [0; 3];
        IcmpKind::ParameterProblem(if far { u8::MAX } else { head[if v6 { 7 } else { 4 }] })
    } else {
        let known = KINDS.iter().find(|(_, v4_kind, v6_kind)| seen == if v6 { *v6_kind } else { *v4_kind });
        match (known, seen) {
            (Some(known), _) => known.0,
            (None, (kind @ (3 | 12), code)) => IcmpKind::Other { kind, code },
            (None, _) => return Err(DropReason::BadHeader),
        }
    };
    Ok(Body::Icmp(Box::new(Icmp { kind, quote: decode_quote(v6, rest)? })))
}

/// That of ICMPv6 covers a pseudo-header (RFC 4443, section 2.3), that of ICMP does not.
fn checksum(ip: &IpHeader, bytes: &[u8]) -> Checksum {
    if ip.is_v6() {
        Checksum::of_pseudo_header(ip.src, ip.dst, PROTO_ICMPV6, bytes)
    } else {
        Checksum::default().with(bytes)
    }
}

fn encode_quote(quote: &Quote, out: &mut Vec<u8>) {
    let behind = quote.len.saturating_sub(quote.ip.header_len() as u16);
    if quote.ip.is_v6() {
        ip::encode_v6(&quote.ip, behind, quote.protocol, None, out);
    } else {
        ip::encode_v4(&quote.ip, quote.len, quote.protocol, None, out);
    }
    let ports = [quote.src.to_be_bytes(), quote.dst.to_be_bytes()];
    if matches!(quote.protocol, PROTO_ICMP | PROTO_ICMPV6) {
        out.extend_from_slice(&quote.seq.0.to_be_bytes());
        return ports.iter().for_each(|word| out.extend_from_slice(word));
    }
    ports.iter().for_each(|word| out.extend_from_slice(word));
    match quote.protocol {
        PROTO_TCP => out.extend_from_slice(&quote.seq.0.to_be_bytes()),
        // Length, and a checksum that is not known any more.
        PROTO_UDP => {
            out.extend_from_slice(&behind.to_be_bytes());
            out.extend_from_slice(&[0, 0]);
        }
        _ => out.extend_from_slice(&[0; 4]),
    }
}

fn decode_quote(v6: bool, bytes: &[u8]) -> Result<Quote, DropReason> {
    let (header, protocol, len) = if v6 { ip::decode_v6(bytes) } else { ip::decode_v4(bytes, false) }?;
    let start = if v6 { header.header_len() as usize } else { ip::v4_header_len(bytes) };
    let Some(behind) = bytes.get(start..).and_then(|b| b.first_chunk::<8>()) else {
        return Err(DropReason::BadHeader);
    };
    let [a, b, c, d, e, f, g, h] = *behind;
    // Where the two words stand, and the four octets.
    let (words, seq) = match protocol {
        PROTO_TCP => ([[a, b], [c, d]], [e, f, g, h]),
        PROTO_UDP => ([[a, b], [c, d]], [0; 4]),
        PROTO_ICMP | PROTO_ICMPV6 => ([[e, f], [g, h]], [a, b, c, d]),
        _ => ([[0; 2]; 2], [0; 4]),
    };
    Ok(Quote {
        ip: header,
        len: if v6 { len.saturating_add(start as u16) } else { len },
        protocol,
        src: u16::from_be_bytes(words[0]),
        dst: u16::from_be_bytes(words[1]),
        seq: SeqNum(u32::from_be_bytes(seq)),
    })
}
