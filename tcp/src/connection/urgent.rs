//! Urgent data (RFC 9293, section 3.8.5; RFC 6093): a pointer into the stream, both ways.
//!
//! The octet that the pointer names is out of band unless `SO_OOBINLINE` is set: a read stops before it and skips it.
//! A new pointer replaces an older one, whose octet then reads as ordinary data.

use super::Connection;
use crate::error::Errno;
use crate::out::Out;
use crate::payload::Payload;
use crate::segment::{Flags, Segment};
use crate::seq::Seq;

/// Urgent data announced by the peer.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Urgent {
    /// Number of the last urgent octet: the mark.
    pub at: Seq,
    /// The octet, once it has arrived.
    byte: Option<u8>,
    /// The program has read it.
    read: bool,
}

impl Connection {
    /// SEG.UP for a segment that begins at `seq`, while there is urgent data at or after it.
    pub(super) fn urgent_pointer(&self, seq: Seq) -> Option<u16> {
        let up = self.snd.up.filter(|up| *up > seq && *up > self.snd.queue.una())?;
        let distance = up - seq - u64::from(self.config.urgent_points_at_last);
        match u16::try_from(distance) {
            Ok(pointer) => Some(pointer),
            // Too far for the field: the peer learns that something urgent is coming.
            Err(_) => Some(u16::MAX),
        }
    }

    /// Sixth: the URG bit (RFC 9293, section 3.10.7.4). Looked at even where the text is refused (MUST-66).
    pub(super) fn check_urg(&mut self, segment: &Segment, seq: Seq, out: &mut Out) {
        if !segment.has(Flags::URG) || self.rcv.fin_received {
            return;
        }
        let ahead = u64::from(segment.urg);
        let at = if self.config.urgent_points_at_last { seq + ahead } else { seq + ahead.saturating_sub(1) };
        let unread_from = self.rcv.buffer.nxt() - self.rcv.buffer.unread();
        let older = self.urgent.as_ref().is_some_and(|urgent| at <= urgent.at);
        // Nothing before what was read can become urgent, nor what is known already.
        if at < unread_from || at < self.rcv.nxt() || older {
            return;
        }
        self.urgent = Some(Box::new(Urgent { at, byte: None, read: false }));
        out.wake.urgent = true;
    }
    /// Data has arrived: is the urgent octet among it?
    pub(super) fn find_urgent(&mut self, segment: &Segment, seq: Seq, out: &mut Out) {
        let Some(urgent) = &mut self.urgent else { return };
        let offset = urgent.at.since(seq);
        if urgent.byte.is_none() && urgent.at >= seq && offset < u64::from(segment.payload.len()) {
            urgent.byte = Some(segment.payload.byte(offset as u32));
            out.wake.urgent = true;
        }
    }
    /// How many of `max` octets a read may take before the mark; skips the mark where it is out of band.
    pub(super) fn read_limit(&mut self, max: u32) -> u32 {
        let from = self.rcv.buffer.nxt() - self.rcv.buffer.unread();
        let Some(urgent) = &self.urgent else { return max };
        if urgent.at > from {
            return max.min(u32::try_from(urgent.at - from).unwrap_or(u32::MAX));
        }
        if urgent.at == from && !self.socket.oob_inline && self.rcv.buffer.unread() > 0 {
            let octet = self.rcv.buffer.read(1);
            if let Some(urgent) = &mut self.urgent {
                urgent.byte = urgent.byte.or((!octet.is_empty()).then(|| octet.byte(0)));
            }
        }
        max
    }
    /// What a read would bring that has `skip` octets behind it: it stops at the mark, as a read does.
    pub(super) fn look(&self, skip: u32, max: u32) -> Payload {
        let from = self.rcv.buffer.nxt() - self.rcv.buffer.unread();
        let (mut skip, mut max) = (skip, max);
        match self.urgent.as_ref().map(|urgent| urgent.at) {
            Some(at) if at > from => {
                let ahead = u32::try_from(at - from).unwrap_or(u32::MAX);
                max = max.min(ahead.saturating_sub(skip));
            }
            Some(at) if at == from && !self.socket.oob_inline => skip = skip.saturating_add(1),
            _ => {}
        }
        self.rcv.buffer.look(skip, max)
    }
    /// Whether the urgent octet is here, and out of line.
    pub fn has_urgent(&self) -> bool {
        self.urgent.as_ref().is_some_and(|urgent| urgent.byte.is_some() && !urgent.read)
    }
    /// The program has read: urgent data behind it is forgotten.
    pub(super) fn forget_urgent(&mut self) {
        let from = self.rcv.buffer.nxt() - self.rcv.buffer.unread();
        // The octet just skipped stays readable until ordinary data behind it was read.
        if self.urgent.as_ref().is_some_and(|urgent| from > urgent.at + 1) {
            self.urgent = None;
        }
    }
    /// The urgent octet (`MSG_OOB`).
    pub fn recv_urgent(&mut self, peek: bool) -> Result<u8, Errno> {
        let inline = self.socket.oob_inline;
        let urgent = self.urgent.as_mut().filter(|urgent| !urgent.read && !inline).ok_or(Errno::EINVAL)?;
        match urgent.byte {
            Some(byte) => {
                urgent.read = !peek;
                Ok(byte)
            }
            None if self.state == crate::State::Closed => Err(Errno::EINVAL),
            None => Err(Errno::EAGAIN),
        }
    }
    /// Octets from the next one to be read up to the last urgent one, that one included; `None`: nothing urgent is ahead
    /// (MUST-33, what `SIOCATMARK` tells).
    pub fn urgent_ahead(&self) -> Option<u64> {
        let from = self.rcv.buffer.nxt() - self.rcv.buffer.unread();
        self.urgent.as_ref().filter(|urgent| urgent.at >= from).map(|urgent| urgent.at + 1 - from)
    }
    /// Octets in order that a read would bring, the urgent one not counted where it is out of band.
    pub(super) fn readable_bytes(&self) -> u64 {
        let unread = self.rcv.buffer.unread();
        let from = self.rcv.buffer.nxt() - unread;
        let hidden = self
            .urgent
            .as_ref()
            .is_some_and(|u| !self.socket.oob_inline && u.at >= from && u.at < self.rcv.buffer.nxt());
        unread - u64::from(hidden)
    }
}
