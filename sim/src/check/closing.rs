//! How connections end: what a RST or a SYN may end, which acknowledgment a FIN waits for, how long TIME-WAIT lasts.

use rustc_hash::FxHashMap;
use tcp::{Flags, Segment, Seq, SeqNum, State, Time, Tuple};

use super::ends::{Bringer, End, Ends};
use super::{Facts, Findings, Law};
use crate::digest::Places;
use crate::packet::{Packet, PacketId};
use crate::trace::{Cause, NodeId, Trigger};

/// The segment that a host looks at, and since when connections are in TIME-WAIT.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing {
    last: Option<Arrival>,
    /// Only looked into, never walked but to forget.
    waiting: FxHashMap<(NodeId, Tuple), Time>,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    id: PacketId,
    event: u64,
    /// Others came within the same event: readings from before it say nothing.
    crowded: bool,
    flags: Flags,
    seq: SeqNum,
    end: SeqNum,
    ack: SeqNum,
    wnd: u16,
    stamp: Option<u32>,
}

/// A connection that has changed its state.
pub(super) struct Change {
    pub node: NodeId,
    pub tuple: Tuple,
    pub from: State,
    pub to: State,
    pub why: Cause,
}

impl Closing {
    /// For digests: of the segment that came last, only what a copy of it may still be taken for.
    pub(super) fn digest_into<H: std::hash::Hasher>(&self, places: &Places, state: &mut H) {
        use std::hash::Hash;
        let Closing { last, waiting } = self;
        crate::digest::unordered(waiting, state);
        // No later event is that of its arrival.
        if let Some(Arrival { id, event: _, crowded, flags, seq, end, ack, wnd, stamp }) = last
            && let Some(place) = places.get(*id)
        {
            (place, crowded, flags, seq, end, ack, wnd, stamp).hash(state);
        }
    }
    /// Whether this end is in TIME-WAIT.
    pub(super) fn is_waiting(&self, node: NodeId, tuple: &Tuple) -> bool {
        self.waiting.contains_key(&(node, *tuple))
    }
    pub(super) fn forget(&mut self, node: NodeId) {
        self.waiting.retain(|(owner, _), _| *owner != node);
    }
    /// A segment has come to a host.
    pub(super) fn received(&mut self, id: PacketId, segment: &Segment, event: u64) {
        self.last = Some(Arrival {
            id,
            event,
            crowded: self.last.is_some_and(|last| last.event == event),
            flags: segment.flags,
            seq: segment.seq,
            end: segment.seq.add(segment.seq_len()),
            ack: segment.ack,
            wnd: segment.wnd,
            stamp: segment.options.timestamps.map(|stamp| stamp.val),
        });
    }
    /// A segment goes out: the ACK of a FIN that came again begins TIME-WAIT anew.
    pub(super) fn sent(&mut self, node: NodeId, tuple: Tuple, packet: &Packet, why: Cause, now: Time) {
        let (Some(segment), Some(last)) = (packet.tcp(), self.answered(why)) else { return };
        // A FIN beside a SYN is not looked at: the SYN is answered (RFC 9293 3.10.7.4).
        let fin = last.flags.contains(Flags::FIN) && !last.flags.contains(Flags::SYN);
        let again = fin && segment.ack == last.end;
        if again && let Some(since) = self.waiting.get_mut(&(node, tuple)) {
            *since = now;
        }
    }
    /// What the segment said that is the reason for something.
    pub(super) fn bringer(&self, why: Cause) -> Option<Bringer> {
        self.answered(why).map(|last| Bringer {
            seq: last.seq,
            ack: last.ack,
            wnd: last.wnd,
            stamp: last.stamp,
        })
    }
    fn answered(&self, why: Cause) -> Option<Arrival> {
        self.last.filter(|last| why.trigger == Trigger::Packet(last.id))
    }

    pub(super) fn changed(
        &mut self,
        change: &Change,
        facts: &Facts,
        ends: &Ends,
        findings: &mut Findings<'_>,
    ) {
        let Change { node, tuple, from, to, why } = *change;
        let now = findings.time;
        if from == State::TimeWait
            && let Some(since) = self.waiting.remove(&(node, tuple))
            && why.trigger == Trigger::Timer
            && now.since(since) < facts.config.time_wait
        {
            let text = format!("after {}, which should be {}", now.since(since), facts.config.time_wait);
            findings.add(Law::TimeWaitLasts, node, Some(tuple), text);
        }
        if to == State::TimeWait {
            self.waiting.insert((node, tuple), now);
        }
        let known = ends.get(node, &tuple).filter(|_| !ends.is_tainted(&tuple));
        // What waited for a host that was paused is read together with what came before it.
        let alone = |last: &Arrival| !last.crowded && last.event == findings.event;
        let (Some(last), Some(end)) = (self.answered(why).filter(alone), known) else { return };
        let mut wrong = |law: Law, text: &str| findings.add(law, node, Some(tuple), text.to_owned());
        if last.flags.contains(Flags::RST) {
            if to == State::Closed && !may_reset(&last, from, end, facts) {
                wrong(Law::ResetExact, &format!("a RST elsewhere than at RCV.NXT, in {from}"));
            }
        } else if last.flags.contains(Flags::SYN) {
            let synchronized = from.is_synchronized() && from != State::TimeWait;
            if to == State::Closed && synchronized && facts.config.challenge_syn {
                wrong(Law::ResetExact, &format!("a SYN, in {from}"));
            }
        } else if waits_for_ack(from, to) && Seq::near(end.nxt, last.ack) < end.nxt {
            wrong(Law::FinAcknowledged, &format!("{from} to {to} by an ACK of something else"));
        }
    }
}

/// Whether a RST may end a connection (RFC 5961, section 3.2; RFC 9293, section 3.10.7.3). Linux takes the right edge of what
/// was SACKed for exact as well, and the number of a FIN that was taken.
fn may_reset(last: &Arrival, from: State, end: &End, facts: &Facts) -> bool {
    match from {
        State::SynSent => {
            let ack = Seq::near(end.nxt, last.ack);
            last.flags.contains(Flags::ACK) && ack > end.iss && ack <= end.nxt
        }
        State::SynReceived | State::TimeWait | State::Listen | State::Closed => true,
        _ if !facts.config.challenge_rst => true,
        _ => {
            let Some(next) = end.expects() else { return true };
            let seq = Seq::near(next, last.seq);
            if end.is_pending() {
                // As in SYN-RECEIVED, which it is to the peer (RFC 7413, section 5.1): anywhere in the window.
                return seq == next || seq > next && end.offered.is_some_and(|edge| seq < edge);
            }
            let of_fin =
                matches!(from, State::CloseWait | State::LastAck | State::Closing) && seq + 1 == next;
            seq == next || !facts.config.exact_window && (end.heard_to == Some(seq) || of_fin)
        }
    }
}

/// Whether this change is due to the ACK of a FIN (figure 5).
fn waits_for_ack(from: State, to: State) -> bool {
    use State::{Closed, Closing, FinWait1, FinWait2, LastAck, TimeWait};
    matches!((from, to), (FinWait1, FinWait2 | TimeWait) | (Closing, TimeWait) | (LastAck, Closed))
}
