//! Packets as bytes: IPv4, IPv6, UDP, ICMP and ICMPv6, with their checksums; TCP segments by [`tcp::wire`].
//!
//! Needed at the edges only: capture files, and packets of which the network has flipped a bit.
//!
//! Not modelled: IP options and extension headers other than the fragment header, flow labels. Over IPv6 there is
//! no DF bit; a packet read from bytes has it set, since routers do not fragment.

mod icmp;
mod ip;
mod udp;

pub(crate) use icmp::{echo_head, type_and_code};

#[cfg(test)]
mod tests;

use crate::ip::{PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP};
use crate::packet::{Body, Fragment, IpHeader, Packet, PacketId};
use crate::trace::DropReason;

/// A packet as it is on the wire, its flipped bit flipped.
pub fn encode(packet: &Packet) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(packet.len() as usize);
    ip::encode_header(packet, &mut bytes);
    match &packet.body {
        Body::Fragment(fragment) => bytes.extend_from_slice(&cut(fragment)),
        _ => encode_payload(packet, &mut bytes),
    }
    if let Some(bit) = packet.flipped_bit {
        flip(&mut bytes, bit);
    }
    bytes
}

/// The packet that these bytes are. Fragments cannot be read back: what they were cut from is not in them.
///
/// # Errors
/// Why a host would drop it.
pub fn decode(id: PacketId, bytes: &[u8]) -> Result<Packet, DropReason> {
    let (ip, protocol, payload) = ip::decode_header(bytes)?;
    decode_payload(id, ip, protocol, payload)
}

/// A packet as the host that it reaches sees it. A damaged one is looked at as the bytes that it has become; a damaged
/// fragment, but for its header, only when it is part of the whole again.
///
/// # Errors
/// Why the host drops it.
pub(crate) fn as_received(mut packet: Packet) -> Result<Packet, DropReason> {
    match (packet.flipped_bit, &packet.body) {
        (None, _) => Ok(packet),
        (Some(_), Body::Fragment(_)) => look_at_header(&mut packet).map(|()| packet),
        (Some(_), _) => decode(packet.id, &encode(&packet)),
    }
}

/// Looks at the IP header only, as a router on the way does.
///
/// # Errors
/// Why the router drops it. Over IPv6, where no checksum protects the header, a packet whose addresses, length or next
/// header are damaged is dropped here, though it would get a little further.
#[inline]
pub(crate) fn look_at_header(packet: &mut Packet) -> Result<(), DropReason> {
    match packet.flipped_bit {
        Some(bit) if bit < 8 * packet.ip.header_len() => look_at_damaged_header(packet, bit),
        _ => Ok(()),
    }
}
fn look_at_damaged_header(packet: &mut Packet, bit: u32) -> Result<(), DropReason> {
    if !packet.ip.is_v6() {
        return Err(DropReason::BadIpChecksum);
    }
    let mut bytes = Vec::new();
    ip::encode_header(packet, &mut bytes);
    flip(&mut bytes, bit);
    // Traffic class and flow label from bit 4 to 31, hop limit from 56 to 63.
    if !matches!(bit, 4..=31 | 56..=63) {
        return Err(DropReason::BadHeader);
    }
    let class = bytes[0] << 4 | bytes[1] >> 4;
    (packet.ip.ecn, packet.ip.dscp) = (ip::ecn_of(class), class >> 2);
    packet.ip.ttl = bytes[7];
    packet.flipped_bit = None;
    Ok(())
}

/// The IP payload of a fragment, its flipped bit flipped.
pub(crate) fn fragment_payload(packet: &Packet, fragment: &Fragment) -> Vec<u8> {
    let mut bytes = cut(fragment);
    let header = packet.ip.header_len() + if packet.ip.is_v6() { 8 } else { 0 };
    if let Some(bit) = packet.flipped_bit.and_then(|bit| bit.checked_sub(8 * header)) {
        flip(&mut bytes, bit);
    }
    bytes
}

/// The bytes that a fragment holds of what it was cut from.
fn cut(fragment: &Fragment) -> Vec<u8> {
    let mut whole = Vec::new();
    encode_payload(&fragment.of, &mut whole);
    let start = usize::from(fragment.offset).min(whole.len());
    let end = (start + usize::from(fragment.len)).min(whole.len());
    whole[start..end].to_vec()
}

/// What is behind the IP header of a packet that is whole.
fn encode_payload(packet: &Packet, out: &mut Vec<u8>) {
    match &packet.body {
        Body::Tcp(segment) => tcp::wire::encode_into(segment, packet.ip.src, packet.ip.dst, out),
        Body::Udp(datagram) => udp::encode(&packet.ip, datagram, out),
        Body::Icmp(icmp) => icmp::encode(&packet.ip, icmp, out),
        Body::Echo(echo) => icmp::encode_echo(&packet.ip, echo, out),
        Body::Fragment(_) => {}
    }
}

/// The packet with this header and these bytes behind it.
pub(crate) fn decode_payload(
    id: PacketId,
    ip: IpHeader,
    protocol: u8,
    bytes: &[u8],
) -> Result<Packet, DropReason> {
    let body = match protocol {
        PROTO_TCP => {
            let segment = tcp::wire::decode(bytes, ip.src, ip.dst);
            Body::Tcp(segment.map_err(|wrong| DropReason::Tcp(wrong.rule()))?)
        }
        PROTO_UDP => Body::Udp(udp::decode(&ip, bytes)?),
        PROTO_ICMP if !ip.is_v6() => icmp::decode(&ip, bytes)?,
        PROTO_ICMPV6 if ip.is_v6() => icmp::decode(&ip, bytes)?,
        _ => return Err(DropReason::BadHeader),
    };
    Ok(Packet { id, ip, body, flipped_bit: None })
}

fn flip(bytes: &mut [u8], bit: u32) {
    if let Some(byte) = bytes.get_mut(bit as usize / 8) {
        *byte ^= 0x80 >> (bit % 8);
    }
}
