//! IP headers as bytes (RFC 791, section 3.1; RFC 8200, sections 3 and 4.5).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tcp::EcnCodepoint;
use tcp::wire::Checksum;

use crate::ip::protocol_of;
use crate::packet::{Body, Fragment, IpHeader, Packet};
use crate::trace::DropReason;

const V4_HEADER: usize = 20;
const V6_HEADER: usize = 40;
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
/// Next header number of the IPv6 fragment header.
const PROTO_FRAGMENT: u8 = 44;

pub(super) fn encode_header(packet: &Packet, out: &mut Vec<u8>) {
    let fragment = if let Body::Fragment(fragment) = &packet.body { Some(&**fragment) } else { None };
    let len = packet.len().min(u32::from(u16::MAX)) as u16;
    let protocol = protocol_of(packet);
    if packet.ip.is_v6() {
        encode_v6(&packet.ip, len.saturating_sub(V6_HEADER as u16), protocol, fragment, out);
    } else {
        encode_v4(&packet.ip, len, protocol, fragment, out);
    }
}

/// An IPv4 header; `len` is that of the whole packet.
pub(super) fn encode_v4(
    ip: &IpHeader,
    len: u16,
    protocol: u8,
    fragment: Option<&Fragment>,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    let df = if ip.df { DONT_FRAGMENT } else { 0 };
    let more = fragment.map_or(0, |f| (f.offset / 8) | if f.more { MORE_FRAGMENTS } else { 0 });
    let octets = |addr| if let IpAddr::V4(addr) = addr { addr.octets() } else { [0; 4] };
    out.extend_from_slice(&[0x45, class_of(ip)]);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&ip.ident.to_be_bytes());
    out.extend_from_slice(&(df | more).to_be_bytes());
    out.extend_from_slice(&[ip.ttl, protocol, 0, 0]);
    out.extend_from_slice(&octets(ip.src));
    out.extend_from_slice(&octets(ip.dst));
    let sum = Checksum::default().with(&out[start..]).finish();
    out[start + 10..start + 12].copy_from_slice(&sum.to_be_bytes());
}

/// An IPv6 header, and a fragment header behind it if there is to be one; `len` is that of all behind the IPv6 header.
pub(super) fn encode_v6(
    ip: &IpHeader,
    len: u16,
    protocol: u8,
    fragment: Option<&Fragment>,
    out: &mut Vec<u8>,
) {
    let octets = |addr| if let IpAddr::V6(addr) = addr { addr.octets() } else { [0; 16] };
    let class = class_of(ip);
    out.extend_from_slice(&[0x60 | class >> 4, class << 4, 0, 0]);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&[if fragment.is_some() { PROTO_FRAGMENT } else { protocol }, ip.ttl]);
    out.extend_from_slice(&octets(ip.src));
    out.extend_from_slice(&octets(ip.dst));
    if let Some(f) = fragment {
        out.extend_from_slice(&[protocol, 0]);
        out.extend_from_slice(&(f.offset & !7 | u16::from(f.more)).to_be_bytes());
        out.extend_from_slice(&u32::from(ip.ident).to_be_bytes());
    }
}

/// The header, the protocol number of what is behind it, and that.
pub(super) fn decode_header(bytes: &[u8]) -> Result<(IpHeader, u8, &[u8]), DropReason> {
    match bytes.first().map(|first| first >> 4) {
        Some(4) => {
            let (ip, protocol, len) = decode_v4(bytes, true)?;
            let payload = bytes.get(v4_header_len(bytes)..usize::from(len)).ok_or(DropReason::BadHeader)?;
            Ok((ip, protocol, payload))
        }
        Some(6) => {
            let (ip, protocol, len) = decode_v6(bytes)?;
            let payload = bytes.get(V6_HEADER..V6_HEADER + usize::from(len)).ok_or(DropReason::BadHeader)?;
            Ok((ip, protocol, payload))
        }
        _ => Err(DropReason::BadHeader),
    }
}

/// The length of an IPv4 header as it says itself, options included.
pub(super) fn v4_header_len(bytes: &[u8]) -> usize {
    bytes.first().map_or(V4_HEADER, |first| usize::from(first & 0x0f) * 4)
}

/// An IPv4 header with its protocol number and its total length; `strict`: as a host takes it, else as it is quoted.
/// Options are passed over (RFC 9293, MUST-50), source routes refused.
pub(super) fn decode_v4(bytes: &[u8], strict: bool) -> Result<(IpHeader, u8, u16), DropReason> {
    let Some(header) = bytes.first_chunk::<V4_HEADER>() else { return Err(DropReason::BadHeader) };
    let whole = bytes.get(..v4_header_len(bytes)).ok_or(DropReason::BadHeader)?;
    if header[0] >> 4 != 4 || whole.len() < V4_HEADER {
        return Err(DropReason::BadHeader);
    }
    if strict && Checksum::default().with(whole).finish() != 0 {
        return Err(DropReason::BadIpChecksum);
    }
    if strict {
        look_at_options(&whole[V4_HEADER..])?;
    }
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let flags = word(6);
    if strict && flags & !DONT_FRAGMENT != 0 {
        return Err(DropReason::BadFragment);
    }
    let addr = |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]).into();
    let ip = IpHeader {
        src: addr(12),
        dst: addr(16),
        ttl: header[8],
        ecn: ecn_of(header[1]),
        dscp: header[1] >> 2,
        df: flags & DONT_FRAGMENT != 0,
        ident: word(4),
    };
    Ok((ip, header[9], word(2)))
}

/// IP options (RFC 791, section 3.1): what is unknown is skipped (RFC 9293, section 3.9.2, MUST-50). Source routes are not
/// provided, and who sends one is not to reach anybody through it: such a packet is dropped (9293/MUST-53, waived).
fn look_at_options(mut options: &[u8]) -> Result<(), DropReason> {
    const END: u8 = 0;
    const NOTHING: u8 = 1;
    const LOOSE_SOURCE_ROUTE: u8 = 131;
    const STRICT_SOURCE_ROUTE: u8 = 137;
    while let [kind, rest @ ..] = options {
        options = match *kind {
            END => return Ok(()),
            NOTHING => rest,
            LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE => return Err(DropReason::SourceRoute),
            _ => {
                let len = usize::from(*rest.first().ok_or(DropReason::BadHeader)?);
                options.get(len..).filter(|_| len >= 2).ok_or(DropReason::BadHeader)?
            }
        };
    }
    Ok(())
}

/// An IPv6 header with the number of what is next and the length of all behind it.
pub(super) fn decode_v6(bytes: &[u8]) -> Result<(IpHeader, u8, u16), DropReason> {
    let Some(header) = bytes.first_chunk::<V6_HEADER>() else { return Err(DropReason::BadHeader) };
    if header[0] >> 4 != 6 {
        return Err(DropReason::BadHeader);
    }
    if header[6] == PROTO_FRAGMENT {
        return Err(DropReason::BadFragment);
    }
    let addr = |at: usize| {
        let mut octets = [0; 16];
        octets.copy_from_slice(&header[at..at + 16]);
        IpAddr::from(Ipv6Addr::from(octets))
    };
    let class = header[0] << 4 | header[1] >> 4;
    let (ecn, dscp) = (ecn_of(class), class >> 2);
    let ip = IpHeader { src: addr(8), dst: addr(24), ttl: header[7], ecn, dscp, df: true, ident: 0 };
    Ok((ip, header[6], u16::from_be_bytes([header[4], header[5]])))
}

/// The traffic class octet: DSCP and ECN field (RFC 2474, RFC 3168).
fn class_of(ip: &IpHeader) -> u8 {
    ip.dscp << 2 | ip.ecn as u8
}

/// The ECN field in the low two bits of a traffic class (RFC 3168, section 5).
pub(super) fn ecn_of(class: u8) -> EcnCodepoint {
    match class & 3 {
        0 => EcnCodepoint::NotEct,
        1 => EcnCodepoint::Ect1,
        2 => EcnCodepoint::Ect0,
        _ => EcnCodepoint::Ce,
    }
}
