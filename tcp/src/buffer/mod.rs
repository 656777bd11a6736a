//! The two buffers of a connection: what was queued for sending, and what arrived.
//!
//! Both hold [`Payload`]s, addressed by sequence number. Pieces that are one described stretch are kept as one;
//! small pieces of real bytes are copied together, so that no flood of tiny segments or writes can make a buffer
//! hold much more than its bytes. An empty buffer allocates nothing.

mod few;
mod receive;
mod send;
mod skbs;

pub(crate) use few::Few;
pub use receive::{Inserted, ReceiveBuffer};
pub use send::SendBuffer;
pub use skbs::Skbs;

use crate::payload::Payload;

/// Pieces shorter than this are copied together.
const SMALL: u32 = 1024;

/// Appends `next` to `last` if the two are one stretch, or both so small that a copy is cheaper than a piece more.
fn merge(last: &mut Payload, next: &Payload) -> bool {
    if last.try_append(next) {
        return true;
    }
    if last.len() >= SMALL || next.len() >= SMALL {
        return false;
    }
    *last = std::mem::take(last).concat(next);
    true
}

/// The first `max` bytes of `pieces` in one; copies only where they cannot be described as one.
fn gather<'a>(mut pieces: impl Iterator<Item = &'a Payload>, skip: u32, max: u64) -> Payload {
    let max = u32::try_from(max).unwrap_or(u32::MAX);
    let Some(first) = pieces.next() else { return Payload::Empty };
    let mut whole = first.slice(skip, max);
    let mut bytes: Option<Vec<u8>> = None;
    let mut len = whole.len();
    while len < max {
        let Some(piece) = pieces.next() else { break };
        let piece = piece.slice(0, max - len);
        len += piece.len();
        match &mut bytes {
            Some(bytes) => piece.extend_vec(bytes),
            None if whole.try_append(&piece) => {}
            None => {
                let mut copy = whole.to_vec();
                piece.extend_vec(&mut copy);
                bytes = Some(copy);
            }
        }
    }
    bytes.map_or(whole, |bytes| Payload::from_bytes(&bytes))
}

#[cfg(test)]
mod tests;
