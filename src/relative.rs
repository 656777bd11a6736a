//! Sequence numbers relative to the initial ones, as somebody on the wire learns them, and what of a segment is the same
//! whichever initial numbers and addresses were drawn.

use std::collections::BTreeMap;

use tcp::{Flags, Rule, Segment, SeqNum, Tuple};

/// Initial sequence numbers by sender and receiver.
#[derive(Clone, Debug, Default)]
pub struct Isns(BTreeMap<Tuple, SeqNum>);

impl Isns {
    /// The sender's and the receiver's, after this segment; `tuple` is the sender's. A forged SYN counts only where none is
    /// known.
    pub fn look(
        &mut self,
        tuple: Tuple,
        segment: &Segment,
        forged: bool,
    ) -> (Option<SeqNum>, Option<SeqNum>) {
        if segment.has(Flags::SYN) && !(forged && self.0.contains_key(&tuple)) {
            self.0.insert(tuple, segment.seq);
        }
        (self.0.get(&tuple).copied(), self.0.get(&tuple.reversed()).copied())
    }

    /// A segment without what chance decides: numbers count from the initial ones, and are as they are where the beginning of
    /// the stream was not seen. Those of a reset and of a forged segment are 0.
    pub fn tell(&mut self, tuple: Tuple, segment: &Segment, why: Rule) -> String {
        let (isn, peer) = self.look(tuple, segment, why.is_forged());
        let bare = segment.has(Flags::RST) || why.is_forged();
        let relative = |number: SeqNum, isn: Option<SeqNum>| match isn {
            _ if bare => 0,
            Some(isn) => number.distance_from(isn),
            None => number.0,
        };
        let ack = if segment.has(Flags::ACK) { relative(segment.ack, peer) } else { 0 };
        let options = &segment.options;
        format!(
            "[{}] seq {} ack {ack} win {} len {} mss {:?} wscale {:?} sackOK {} TS {} sack {} {why:?}",
            segment.flags,
            relative(segment.seq, isn),
            segment.wnd,
            segment.payload.len(),
            options.mss,
            options.wscale,
            options.sack_permitted,
            options.timestamps.is_some(),
            options.sack.len(),
        )
    }
}
