//! UDP datagrams as bytes (RFC 768; RFC 8200, section 8.1).

use tcp::Payload;
use tcp::wire::Checksum;

use crate::ip::PROTO_UDP;
use crate::packet::{Datagram, IpHeader, UDP_HEADER};
use crate::trace::DropReason;

const HEADER: usize = UDP_HEADER as usize;

pub(super) fn encode(ip: &IpHeader, datagram: &Datagram, out: &mut Vec<u8>) {
    let start = out.len();
    let len = HEADER + datagram.payload.len() as usize;
    out.extend_from_slice(&datagram.src.to_be_bytes());
    out.extend_from_slice(&datagram.dst.to_be_bytes());
    out.extend_from_slice(&(len as u16).to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    datagram.payload.extend_vec(out);
    let sum = match Checksum::of_pseudo_header(ip.src, ip.dst, PROTO_UDP, &out[start..]).finish() {
        0 => 0xffff, // zero says that there is none
        sum => sum,
    };
    out[start + 6..start + 8].copy_from_slice(&sum.to_be_bytes());
}

pub(super) fn decode(ip: &IpHeader, bytes: &[u8]) -> Result<Datagram, DropReason> {
    let Some((header, _)) = bytes.split_first_chunk::<HEADER>() else { return Err(DropReason::BadHeader) };
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let len = usize::from(word(4));
    let Some(datagram) = bytes.get(..len).filter(|_| len >= HEADER) else {
        return Err(DropReason::BadHeader);
    };
    let unchecked = word(6) == 0 && !ip.is_v6();
    let sum = Checksum::of_pseudo_header(ip.src, ip.dst, PROTO_UDP, datagram).finish();
    if !unchecked && (word(6) == 0 || sum != 0) {
        return Err(DropReason::BadUdpChecksum);
    }
    Ok(Datagram { src: word(0), dst: word(2), payload: Payload::from_bytes(&datagram[HEADER..]) })
}
