//! Segments as bytes: the header of RFC 9293, section 3.1, its options and its checksum.
//!
//! Needed only at the edges: capture files, live packets, and packets whose bits the network has flipped. The IP
//! header is not written here, but for the pseudo-header that the checksum covers.

use std::net::IpAddr;

use crate::cause::Rule;
use crate::payload::Payload;
use crate::segment::{Flags, Segment};
use crate::seq::SeqNum;

pub use self::checksum::Checksum;

mod checksum;
mod options;

/// TCP's number in the IP header.
pub const PROTOCOL: u8 = 6;
/// Bytes of a header without options.
const FIXED: usize = 20;

/// Why bytes are no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// Shorter than a header, or with a data offset that lies outside.
    Malformed,
    /// The checksum does not fit (RFC 9293, MUST-3).
    BadChecksum,
}

impl WireError {
    /// The rule by which such a segment is dropped.
    pub const fn rule(self) -> Rule {
        match self {
            WireError::Malformed => Rule::Malformed,
            WireError::BadChecksum => Rule::BadChecksum,
        }
    }
}

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.rule().text())
    }
}
impl std::error::Error for WireError {}

/// Appends the segment to `bytes`, with its checksum (RFC 9293, MUST-2). Options that do not fit are left out.
pub fn encode_into(segment: &Segment, src: IpAddr, dst: IpAddr, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    let options = options::lay_out(&segment.options);
    let options = options.as_slice();
    let words = (FIXED + options.len()) / 4;
    let offset_and_flags = ((words as u16) << 12) | (segment.flags.0 & 0x1ff);
    bytes.reserve(FIXED + options.len() + segment.payload.len() as usize);
    bytes.extend_from_slice(&segment.src.to_be_bytes());
    bytes.extend_from_slice(&segment.dst.to_be_bytes());
    bytes.extend_from_slice(&segment.seq.0.to_be_bytes());
    bytes.extend_from_slice(&segment.ack.0.to_be_bytes());
    bytes.extend_from_slice(&offset_and_flags.to_be_bytes());
    bytes.extend_from_slice(&segment.wnd.to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&segment.urg.to_be_bytes());
    bytes.extend_from_slice(options);
    segment.payload.extend_vec(bytes);
    let sum = Checksum::of_pseudo_header(src, dst, PROTOCOL, &bytes[start..]).finish();
    bytes[start + 16..start + 18].copy_from_slice(&sum.to_be_bytes());
}

/// The segment as bytes.
pub fn encode(segment: &Segment, src: IpAddr, dst: IpAddr) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(segment, src, dst, &mut bytes);
    bytes
}

/// The segment that `bytes`, the whole payload of an IP packet from `src` to `dst`, stand for.
///
/// # Errors
/// If the header is malformed or the checksum is wrong: the segment is to be dropped.
pub fn decode(bytes: &[u8], src: IpAddr, dst: IpAddr) -> Result<Segment, WireError> {
    let segment = decode_unverified(bytes)?;
    match Checksum::of_pseudo_header(src, dst, PROTOCOL, bytes).finish() {
        0 => Ok(segment),
        _ => Err(WireError::BadChecksum),
    }
}

/// As [`decode`], whatever the checksum: for captures, where it may not have been computed yet or is cut off.
///
/// # Errors
/// If the header is malformed.
pub fn decode_unverified(bytes: &[u8]) -> Result<Segment, WireError> {
    let header = bytes.first_chunk::<FIXED>().ok_or(WireError::Malformed)?;
    let half = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let word = |at: usize| u32::from(half(at)) << 16 | u32::from(half(at + 2));
    let offset = usize::from(header[12] >> 4) * 4;
    let options = bytes.get(FIXED..offset).ok_or(WireError::Malformed)?;
    let flags = Flags(half(12) & 0x1ff);
    Ok(Segment {
        src: half(0),
        dst: half(2),
        seq: SeqNum(word(4)),
        ack: SeqNum(if flags.contains(Flags::ACK) { word(8) } else { 0 }),
        flags,
        wnd: half(14),
        urg: half(18),
        options: options::parse(options),
        payload: Payload::from_bytes(&bytes[offset..]),
    })
}

#[cfg(test)]
mod tests;
