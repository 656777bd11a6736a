//! Answers to answers: an ACK that carries nothing and answers one that carried nothing, and so on.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use tcp::{Duration, Flags, Seq, Time, Tuple};

use super::ends::Ends;
use super::{Facts, Findings, Law};
use crate::digest::Places;
use crate::packet::{Packet, PacketId};
use crate::trace::{Cause, NodeId, Trigger};

/// Answers in a row that are still an exchange: a probe, its answer, a challenge, the reset that settles it.
const MOST_IN_A_ROW: u32 = 6;
/// An end that gives no more than an answer in this time keeps to a limit, whatever it answers (RFC 5961, section 7; Linux
/// `tcp_invalid_ratelimit`).
const PACE: Duration = Duration::from_millis(500);
/// Answers that are remembered.
const MEMORY: usize = 4096;
/// Segments that one event may make of one host.
const MOST_AT_ONCE: u64 = 50_000;

/// How deep in a row of answers the last ones stood.
#[derive(Clone, Debug, Default)]
pub(super) struct Storm {
    /// By number, which is by time.
    depths: VecDeque<Answer>,
    /// What was sent last of all that has come from one end to the other.
    newest: FxHashMap<Tuple, PacketId>,
    event: u64,
    made: u64,
}

/// An answer that was sent.
#[derive(Clone, Copy, Debug, Hash)]
struct Answer {
    id: PacketId,
    /// As its sender sees it.
    tuple: Tuple,
    depth: u32,
    /// How often it has reached a host: once, but for copies that the network has made.
    came: u32,
    /// It came behind what its sender sent later.
    overtaken: bool,
    /// When it was sent, and when the answer that it answers was: the last one of the end that answers this one.
    sent: Time,
    before: Option<Time>,
}

/// Whether ends may answer one another without end: if neither was told to limit its answers, which is what limits are for (RFC 5961,
/// sections 7 and 10), and a forger has put them at odds, or the letter does: a bare ACK that begins at the right edge, while all
/// that fills the window is lost, is refused whatever it acknowledges (RFC 9293, section 3.10.7.4, table 6).
pub(super) fn may_go_on(own: &Facts, peer: Option<&Facts>, forged: bool) -> bool {
    let both = [Some(own), peer].into_iter().flatten();
    let limits = peer.is_none() || both.clone().any(|facts| !facts.config.challenge_interval.is_zero());
    !limits && (forged || both.clone().any(|facts| facts.config.exact_window))
}

/// How many answers in a row are still an exchange, and how far apart those of one end lie that keeps to a limit. Where several in an
/// interval are allowed (FreeBSD), as many of both ends are, and then there is silence; at so many in each interval it keeps to it.
pub(super) fn patience(own: &Facts, peer: Option<&Facts>) -> (u32, Duration) {
    let limited = [Some(own), peer].into_iter().flatten().map(|facts| &facts.config);
    let limited = limited.filter(|config| !config.challenge_interval.is_zero());
    let least =
        limited.min_by_key(|config| config.challenge_count).filter(|config| config.challenge_count > 1);
    least.map_or((MOST_IN_A_ROW, PACE), |config| {
        let count = u32::from(config.challenge_count);
        (MOST_IN_A_ROW + 2 * (count - 1), PACE.min(config.challenge_interval / u64::from(count)))
    })
}

impl Storm {
    /// For digests: of the answers that may still be answered, those under way; of the last event nothing.
    pub(super) fn digest_into<H: std::hash::Hasher>(&self, places: &Places, state: &mut H) {
        use std::hash::Hash;
        let Storm { depths, newest: _, event: _, made: _ } = self;
        for answer in depths {
            let Answer { id, tuple, depth, came, overtaken, sent, before } = answer;
            if let Some(place) = places.get(*id) {
                let overtaken = *overtaken || self.is_overtaken(*id, tuple);
                (place, depth, came, overtaken, sent, before).hash(state);
            }
        }
    }
    fn is_overtaken(&self, id: PacketId, tuple: &Tuple) -> bool {
        self.newest.get(tuple).is_some_and(|newest| *newest > id)
    }
    fn find(&mut self, id: PacketId) -> Option<&mut Answer> {
        let at = self.depths.binary_search_by_key(&id, |answer| answer.id).ok()?;
        self.depths.get_mut(at)
    }
    /// A packet has reached a host.
    pub(super) fn received(&mut self, packet: &Packet) {
        let Some(tuple) = packet.tuple() else { return };
        let overtaken = self.is_overtaken(packet.id, &tuple);
        if !overtaken {
            self.newest.insert(tuple, packet.id);
        }
        if let Some(answer) = self.find(packet.id) {
            answer.came += 1;
            answer.overtaken |= overtaken;
        }
    }
    pub(super) fn sent(
        &mut self,
        node: NodeId,
        packet: &Packet,
        (why, excused): (Cause, bool),
        (most, pace): (u32, Duration),
        ends: &Ends,
        findings: &mut Findings<'_>,
    ) {
        if self.event != findings.event {
            (self.event, self.made) = (findings.event, 0);
        }
        self.made += 1;
        if self.made == MOST_AT_ONCE {
            let text = format!("{MOST_AT_ONCE} segments in one event");
            findings.add(Law::WorkBounds, node, packet.tuple(), text);
        }
        let (Some(segment), Some(tuple)) = (packet.tcp(), packet.tuple()) else { return };
        let Trigger::Packet(answered) = why.trigger else { return };
        if segment.seq_len() > 0 || segment.has(Flags::RST) {
            return;
        }
        // What acknowledges something new is owed to that, even if something empty has hurried it.
        let told = ends.get(node, &tuple).and_then(|end| end.ack);
        if told.is_some_and(|acked| Seq::near(acked, segment.ack) > acked) {
            return;
        }
        // An answer to a copy is the network's doing, or to what was overtaken (its timestamp is old then, or it lies outside of
        // the window), and adds nothing: without the network a row must end by itself.
        let now = findings.time;
        let found = self.find(answered).copied();
        let paced = |before: &Answer| before.before.is_some_and(|last| now.since(last) >= pace);
        let depth = match found {
            Some(before) if paced(&before) => 1,
            Some(before) if before.came > 1 || before.overtaken => before.depth,
            Some(before) => before.depth + 1,
            None => 1,
        };
        // Two incarnations that have the same numbers disagree by what the earlier one sent beyond them, and tell one another so
        // until TIME-WAIT ends: the price of numbers that repeat (RFC 9293 3.4.1 MUST-8).
        let both = [ends.get(node, &tuple), ends.peer_of(node, &tuple)];
        let repeats = both.into_iter().flatten().any(|end| end.repeats_numbers);
        if depth == most && !repeats && !excused {
            let text = format!("the {depth}th empty answer to an answer in a row");
            findings.add(Law::AckStorm, node, Some(tuple), text);
        }
        if self.depths.back().is_none_or(|last| last.id < packet.id) {
            if self.depths.len() == MEMORY {
                self.depths.pop_front();
            }
            let before = found.map(|before| before.sent);
            let id = packet.id;
            self.depths.push_back(Answer { id, tuple, depth, came: 0, overtaken: false, sent: now, before });
        }
    }
}
