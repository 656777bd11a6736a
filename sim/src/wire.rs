//! Packets as bytes.

use crate::packet::Packet;
use crate::trace::DropReason;

/// A packet as the host that it reaches sees it.
pub(crate) fn as_received(packet: Packet) -> Result<Packet, DropReason> {
    match packet.flipped_bit {
        None => Ok(packet),
        Some(_) => Err(DropReason::BadHeader),
    }
}

/// A packet as a router on its way sees it.
pub(crate) fn as_forwarded(packet: Packet) -> Result<Packet, DropReason> {
    Ok(packet)
}
