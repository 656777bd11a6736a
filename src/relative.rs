//! Sequence numbers relative to the initial ones, as somebody on the wire learns them, and what of a segment is the same
//! whichever initial numbers and addresses were drawn.

use std::collections::BTreeMap;

use tcp::{Flags, Rule, Segment, SeqNum, Tuple};

/// Initial sequence numbers by sender and receiver.
#[derive(Clone, Debug, Default)]
pub struct Isns(BTreeMap<Tuple, Initial>);

/// What is known of one sender.
#[derive(Clone, Debug, Default)]
struct Initial {
    last: Option<SeqNum>,
    /// All that were ever sent, by it or in its name.
    all: Vec<SeqNum>,
}

impl Isns {
    /// The sender's and the receiver's, after this segment; `tuple` is the sender's. A forged SYN counts only where none is
    /// known.
    pub fn look(
        &mut self,
        tuple: Tuple,
        segment: &Segment,
        forged: bool,
    ) -> (Option<SeqNum>, Option<SeqNum>) {
        if segment.has(Flags::SYN) {
            let initial = self.0.entry(tuple).or_default();
            initial.last = initial.last.filter(|_| forged).or(Some(segment.seq));
            if !initial.all.contains(&segment.seq) {
                initial.all.push(segment.seq);
            }
        }
        let last = |tuple| self.0.get(&tuple).and_then(|initial| initial.last);
        (last(tuple), last(tuple.reversed()))
    }
    /// Whether an initial number of this sender has been seen.
    pub fn knows(&self, sender: Tuple) -> bool {
        self.0.get(&sender).is_some_and(|initial| initial.last.is_some())
    }
    /// A number of this sender's counted from that initial one to which it is nearest: an answer to an earlier SYN, or to a
    /// forged one, may come when another has been sent.
    fn relative(&self, number: SeqNum, sender: Tuple) -> u32 {
        let all = self.0.get(&sender).into_iter().flat_map(|initial| &initial.all);
        let nearer = |distance: &u32| (*distance).min(distance.wrapping_neg());
        all.map(|isn| number.distance_from(*isn)).min_by_key(nearer).unwrap_or(number.0)
    }

    /// A segment without what chance decides: numbers count from the initial ones, and are as they are where the beginning of
    /// the stream was not seen. Those of a reset and of a forged segment are 0.
    pub fn tell(&mut self, tuple: Tuple, segment: &Segment, why: Rule) -> String {
        self.look(tuple, segment, why.is_forged());
        let bare = segment.has(Flags::RST) || why.is_forged();
        let relative = |number, sender| if bare { 0 } else { self.relative(number, sender) };
        let ack = if segment.has(Flags::ACK) { relative(segment.ack, tuple.reversed()) } else { 0 };
        let options = &segment.options;
        format!(
            "[{}] seq {} ack {ack} win {} len {} mss {:?} wscale {:?} sackOK {} TS {} sack {} {why:?}",
            segment.flags,
            relative(segment.seq, tuple),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Who has believed a forged SYN, or has heard an earlier one, speaks of its number: that is told alike, whatever numbers the
    /// sender has drawn.
    #[test]
    fn what_acknowledges_another_syn_is_told_by_its_number() {
        let tuple =
            Tuple { local: "10.0.0.1:40000".parse().unwrap(), remote: "10.0.0.2:80".parse().unwrap() };
        let segment =
            |flags, seq, ack| Segment { seq: SeqNum(seq), ack: SeqNum(ack), flags, ..Segment::default() };
        let told = |true_isn: u32| {
            let mut isns = Isns::default();
            let mut tell = |tuple, segment, why| isns.tell(tuple, &segment, why);
            tell(tuple, segment(Flags::SYN, 700, 0), Rule::ActiveOpen);
            tell(tuple.reversed(), segment(Flags::SYN, u32::MAX, 0), Rule::Forged);
            let answer = tell(tuple, segment(Flags::SYN | Flags::ACK, 700, 0), Rule::SimultaneousOpen);
            tell(tuple.reversed(), segment(Flags::SYN | Flags::ACK, true_isn, 701), Rule::SynAnswered);
            tell(tuple.reversed(), segment(Flags::SYN | Flags::ACK, true_isn / 2, 701), Rule::SynAnswered);
            let of_forged = tell(tuple, segment(Flags::ACK, 701, 0), Rule::OldDuplicate);
            let of_first = tell(tuple, segment(Flags::ACK, 701, true_isn + 1), Rule::OldDuplicate);
            [answer, of_forged, of_first]
        };
        let [answer, of_forged, of_first] = told(3_000_000_000);
        for line in [&answer, &of_forged, &of_first] {
            assert!(line.contains(" ack 1 "), "{line}");
        }
        assert_eq!(told(1_000_000_000), [answer, of_forged, of_first]);
    }
}
