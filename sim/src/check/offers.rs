//! What windows were offered, as the wire tells: the one that holds, and how far one was ever open.

use tcp::{Segment, Seq};

use super::ends::End;

/// What a segment offers: where the window ends, in the numbers of the one that it came to, and SEG.SEQ and SEG.ACK, which tell
/// older offers from younger ones (SND.WL1, SND.WL2 of RFC 9293, section 3.10.7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Offer {
    pub edge: Seq,
    pub seq: Seq,
    pub ack: Seq,
}

impl Offer {
    /// The offer that holds when this one has come. `heard`: the segment is acceptable, beyond doubt, and acknowledges no less
    /// than was acknowledged. What may have been heard or not, or taken for older or not (Linux takes any window that comes
    /// with an ACK of something new), can only be held to have closed the window, never to have opened it.
    fn after(self, before: Option<Offer>, heard: bool) -> Option<Offer> {
        let Some(before) = before else { return heard.then_some(self) };
        let younger = self.seq > before.seq || self.seq == before.seq && self.ack >= before.ack;
        if heard && younger {
            return Some(self);
        }
        Some(Offer { edge: before.edge.min(self.edge), ..before })
    }
}

impl End {
    /// How many octets it may send beyond all that was acknowledged to it, by the offer that holds.
    pub(super) fn room(&self) -> Option<u64> {
        Some(self.standing?.edge.since(self.acked.unwrap_or(self.iss)))
    }
    /// An acceptable acknowledgment has come that offers this.
    pub(super) fn is_offered(&mut self, segment: &Segment, (ack, edge): (Seq, Seq)) {
        let Some(peer) = self.peer else { return };
        let seq = Seq::near(self.ack.unwrap_or(Seq::initial(peer.isn)), segment.seq);
        let in_order = self.acked.is_none_or(|acked| ack >= acked);
        let heard = in_order && self.accepts(segment, true) && !self.misses_timestamp(segment);
        self.standing = Offer { edge, seq, ack }.after(self.standing, heard);
    }
    /// Up to where it has ever opened its window, counted from the peer's initial number. Of a cookie's SYN-ACK the window is not
    /// remembered, but was offered (RFC 7323, section 2.4).
    pub(super) fn opened_to(&self) -> Option<u64> {
        let (peer, offered) = self.peer.zip(self.offered)?;
        Some(offered.max(self.opened.unwrap_or(offered)).since(Seq::initial(peer.isn)))
    }
}
