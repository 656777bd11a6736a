//! Cutting a packet that is too large for a link (RFC 791, section 3.2; RFC 8200, section 4.5).

use std::sync::Arc;

use crate::packet::{Body, Fragment, Packet};

/// Cuts `packet` into fragments of at most `mtu` bytes with their headers and hands each to `each`, in order; a packet
/// that fits is handed over whole. Returns the number of pieces; zero if it cannot be cut that small.
///
/// A fragment may be cut again. The don't-fragment bit is the caller's business. Over IPv6 only the source may do this.
pub fn fragment(packet: Packet, mtu: u16, mut each: impl FnMut(Packet)) -> u16 {
    if packet.len() <= u32::from(mtu) {
        each(packet);
        return 1;
    }
    let header = packet.ip.header_len() + if packet.ip.is_v6() { 8 } else { 0 };
    // All but the last piece hold a multiple of eight octets (RFC 791, section 2.3).
    let room = u32::from(mtu).saturating_sub(header) & !7;
    if room == 0 {
        return 0;
    }
    let (id, ip, flipped) = (packet.id, packet.ip, packet.flipped_bit);
    let (of, first, len, more) = match packet.body {
        Body::Fragment(f) => (f.of, u32::from(f.offset), u32::from(f.len), f.more),
        _ => {
            let len = packet.len() - ip.header_len();
            (Arc::new(Packet { flipped_bit: None, ..packet }), 0, len, false)
        }
    };
    let (mut at, mut pieces) = (0, 0);
    while at < len {
        let take = room.min(len - at);
        let last = at + take == len;
        let piece = Fragment {
            of: Arc::clone(&of),
            offset: (first + at) as u16,
            len: take as u16,
            more: more || !last,
        };
        each(Packet {
            id,
            ip,
            body: Body::Fragment(Box::new(piece)),
            flipped_bit: flipped.and_then(|bit| flipped_within(bit, header, at, take)),
        });
        at += take;
        pieces += 1;
    }
    pieces
}

/// Where the flipped bit of the whole lies within the piece of `take` octets from `at` on, if it does.
fn flipped_within(bit: u32, header: u32, at: u32, take: u32) -> Option<u32> {
    let octet = (bit / 8).checked_sub(header)?;
    (at..at + take).contains(&octet).then(|| (octet - at + header) * 8 + bit % 8)
}
