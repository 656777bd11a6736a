//! What the program has queued and the peer has not yet acknowledged.

use super::few::Few;
use super::{gather, merge};
use crate::payload::Payload;
use crate::resting::words::fold;
use crate::seq::Seq;

/// Data from SND.UNA to the end of what was queued, addressed by sequence number (RFC 9293, section 3.10.2).
#[derive(Clone, Debug, Hash)]
pub struct SendBuffer {
    /// Sequence number of the first byte held.
    start: Seq,
    /// Sequence number behind the last byte held.
    end: Seq,
    /// Where each piece begins, and the piece; none is empty. The first may begin below `start`.
    pieces: Few<(Seq, Payload)>,
}

fold!(SendBuffer { start, end } absent { pieces });

impl SendBuffer {
    /// An empty buffer whose first byte will have the number `start`.
    pub const fn new(start: Seq) -> SendBuffer {
        SendBuffer { start, end: start, pieces: Few::new() }
    }
    /// Appends `data`. How much may be held is the caller's decision.
    pub fn push(&mut self, data: Payload) {
        if data.is_empty() {
            return;
        }
        let at = self.end;
        self.end += u64::from(data.len());
        if !self.pieces.back_mut().is_some_and(|(_, last)| merge(last, &data)) {
            self.pieces.push_back((at, data));
        }
    }
    /// Up to `len` bytes from `seq` on, cut to what is held. Copies only across pieces.
    #[inline]
    pub fn slice(&self, seq: Seq, len: u32) -> Payload {
        let seq = seq.max(self.start);
        let len = u64::from(len).min(self.end.since(seq));
        if len == 0 {
            return Payload::Empty;
        }
        if let Some((at, piece)) = self.pieces.front()
            && *at <= seq
            && seq + len <= *at + u64::from(piece.len())
        {
            return piece.slice((seq - *at) as u32, len as u32); // nearly always there is one stretch
        }
        self.slice_pieces(seq, len)
    }
    #[inline(never)]
    fn slice_pieces(&self, seq: Seq, len: u64) -> Payload {
        let i = self.pieces.partition_point(|(at, _)| *at <= seq).saturating_sub(1);
        let Some((at, piece)) = self.pieces.get(i) else { return Payload::Empty };
        let skip = (seq - *at) as u32;
        if u64::from(piece.len() - skip) >= len {
            return piece.slice(skip, len as u32);
        }
        gather(self.pieces.iter_from(i).map(|(_, piece)| piece), skip, len)
    }
    /// Drops everything below `seq`: it has been acknowledged. What lies above `end` is ignored.
    #[inline]
    pub fn ack_to(&mut self, seq: Seq) {
        self.start = seq.clamp(self.start, self.end);
        while let Some((at, piece)) = self.pieces.front()
            && *at + u64::from(piece.len()) <= self.start
        {
            self.pieces.pop_front();
        }
    }
    /// Number of bytes held.
    pub fn len(&self) -> u64 {
        self.end - self.start
    }
    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
    /// Sequence number of the first byte held.
    pub fn start(&self) -> Seq {
        self.start
    }
    /// Sequence number behind the last byte held.
    pub fn end(&self) -> Seq {
        self.end
    }
    /// Number of pieces, for tests of what bounds memory.
    #[cfg(test)]
    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }
}
