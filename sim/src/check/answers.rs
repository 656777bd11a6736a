//! What repeated segments are owed: answers from whoever is alive, longer and longer waits before each, and that nobody gives
//! up who is answered; and what a timestamp may be refused for.

use rustc_hash::FxHashMap;
use tcp::{Duration, Flags, Rule, Segment, Seq, SeqNum, State, Time, Tuple};

use super::closing::{Change, Closing};
use super::ends::{Bringer, End, Ends};
use super::{Facts, Findings, Law};
use crate::digest::{self, Places, unordered_by};
use crate::packet::{Packet, PacketId};
use crate::simulator::Simulator;
use crate::trace::{Cause, NodeId, Trigger};

/// Rounds of a segment that arrives and an answer that comes back, after which giving up is wrong.
const ROUNDS: u32 = 3;

/// The longest tick of a kernel: of one with 100 a second.
const TICK: Duration = Duration::from_millis(10);

/// What is owed to each end.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// Only looked into, never walked but to forget.
    rows: FxHashMap<(NodeId, Tuple), Row>,
    /// FINs that came to TIME-WAIT in this event, not yet answered.
    fins: Vec<(NodeId, Tuple, PacketId)>,
    /// The timestamp that came last, and the last in sequence.
    stamped: Option<Stamped>,
    /// The SYN without ACK that came last.
    syn: Option<Syn>,
}

#[derive(Clone, Copy, Debug)]
struct Syn {
    id: PacketId,
    seq: SeqNum,
    val: Option<u32>,
}

/// One end.
#[derive(Clone, Copy, Debug, Default, Hash)]
struct Row {
    /// The youngest timestamp of a segment in sequence (RFC 7323, section 4.3).
    recent: Option<u32>,
    /// The same, where of SYN-ACKs only the first counts: those of a peer that has booted since, and has drawn the same number,
    /// are not looked at any more.
    first: Option<u32>,
    /// The packet of the last SYN without ACK, and its timestamp.
    heard: Option<(PacketId, u32)>,
    /// What was repeated last by a timeout.
    timeout: Option<Timeout>,
    /// The probe of a closed window that went out last.
    probe: Option<Timeout>,
    /// When a segment came last.
    heard_at: Time,
    /// Its packet, until it arrives.
    repeated: Option<PacketId>,
    /// The one that has arrived, and no answer so far.
    reached: Option<PacketId>,
    /// How often it arrived and an answer came, with nothing acknowledged by it.
    rounds: u32,
    acked: Option<SeqNum>,
}

/// A segment with a timestamp that has come.
#[derive(Clone, Copy, Debug)]
struct Stamped {
    id: PacketId,
    tuple: Tuple,
    val: u32,
    /// None where it may not be refused for it: a reset has no time of its own (RFC 7323, section 5.2).
    recent: Option<u32>,
}

#[derive(Clone, Copy, Debug, Hash)]
struct Timeout {
    seq: SeqNum,
    at: Time,
    /// How long it was since the one before.
    wait: Option<Duration>,
}

impl Row {
    /// What is wrong with a SYN that ends TIME-WAIT: by its timestamp it must be younger than all that came, or, where that tells
    /// nothing, its number must lie beyond all that were used (RFC 6191, section 2; RFC 1122, section 4.2.2.13).
    fn what_is_old(&self, syn: &Syn, end: Option<&End>) -> Option<String> {
        let end = end?;
        let (peer, next) = (end.peer?, end.ack?.wire());
        let recent = self.recent.filter(|_| end.timestamps && peer.timestamps);
        match (recent, syn.val) {
            (Some(recent), Some(val)) if val != recent => {
                let text = || format!("timestamp {val} is older than {recent}");
                is_older(val, recent).then(text)
            }
            (None, Some(_)) => None,
            _ if syn.seq == next || is_after(syn.seq, next) => None,
            _ => Some(format!("number {} lies before {}", syn.seq.0, next.0)),
        }
    }
}

fn is_after(a: SeqNum, b: SeqNum) -> bool {
    a != b && a.distance_from(b) < 1 << 31
}
/// Of two timestamps the one that TS.Recent goes on to (RFC 7323, section 4.3).
fn youngest(recent: Option<u32>, stamp: Option<u32>) -> Option<u32> {
    let newer = stamp.filter(|stamp| recent.is_none_or(|recent| !is_older(*stamp, recent)));
    newer.or(recent)
}
fn is_older(a: u32, b: u32) -> bool {
    a != b && b.wrapping_sub(a) < 1 << 31
}

impl Answers {
    /// For digests: packets that are not under way any more will not arrive.
    pub(super) fn digest_into<H: std::hash::Hasher>(&self, places: &Places, state: &mut H) {
        // Within an event: nothing of it is left between two.
        let Answers { rows, fins: _, stamped: _, syn: _ } = self;
        unordered_by(rows, state, |key, row| {
            let place = row.repeated.and_then(|id| places.get(id));
            let heard = row.heard.and_then(|(id, stamp)| Some((places.get(id)?, stamp)));
            // Only what is younger may still answer it.
            let answers = row.reached.map(|id| places.younger(id));
            let row = Row { repeated: None, heard: None, reached: None, ..*row };
            Some(digest::of(&(key, row, place, heard, answers)))
        });
    }
    pub(super) fn forget(&mut self, node: NodeId) {
        self.rows.retain(|(owner, _), _| *owner != node);
    }
    /// Something has happened that may make a wait longer or shorter: a fault, or an ICMP message.
    pub(super) fn disturbed(&mut self) {
        self.rows.retain(|_, row| {
            (row.timeout, row.probe) = (None, None);
            true
        });
    }

    /// A segment goes out.
    pub(super) fn sent(
        &mut self,
        (node, tuple): (NodeId, Tuple),
        packet: &Packet,
        why: Cause,
        facts: &Facts,
        findings: &mut Findings<'_>,
    ) {
        let Some(segment) = packet.tcp() else { return };
        if segment.has(Flags::SYN) {
            let row = self.rows.entry((node, tuple)).or_default();
            // The SYN that ends TIME-WAIT was heard of by the connection that is over.
            let last = self.syn.and_then(|syn| Some((syn.id, syn.val?)));
            let heard = row.heard.into_iter().chain(last).find(|(id, _)| why.trigger == Trigger::Packet(*id));
            let heard = heard.map(|(_, stamp)| stamp);
            let recent = match why.rule {
                Rule::SynAnswered | Rule::FastOpenAccepted | Rule::SimultaneousOpen => heard,
                Rule::SynCookieSent => None,
                _ => row.recent.or(heard),
            };
            // An active open begins anew; a SYN-ACK goes on from the SYN that it answers.
            let recent = recent.filter(|_| segment.has(Flags::ACK));
            *row = Row { recent, first: recent, ..Row::default() };
            return;
        }
        if let Trigger::Packet(id) = why.trigger
            && segment.has(Flags::ACK)
        {
            self.fins.retain(|(_, of, fin)| *fin != id || *of != tuple);
        }
        if why.rule == Rule::RtoRetransmit && segment.seq_len() > 0 {
            self.repeated((node, tuple), packet.id, segment, facts, findings);
        } else if why.rule == Rule::ZeroWindowProbe && why.trigger == Trigger::Timer {
            self.probed((node, tuple), segment, facts, findings);
        }
    }
    /// A closed window is probed. What comes meanwhile and keeps the window closed may set the timer anew, but not back: the last
    /// wait is taken to have begun with that, this one with the last probe.
    fn probed(
        &mut self,
        (node, tuple): (NodeId, Tuple),
        segment: &Segment,
        facts: &Facts,
        findings: &mut Findings<'_>,
    ) {
        let now = findings.time;
        let row = self.rows.entry((node, tuple)).or_default();
        let before = row.probe.filter(|before| before.seq == segment.seq);
        let least = before.map(|before| now.since(before.at.max(row.heard_at)));
        row.probe = Some(Timeout { seq: segment.seq, at: now, wait: least });
        let Some((wait, before)) = before.and_then(|before| Some((now.since(before.at), before.wait?)))
        else {
            return;
        };
        let config = &facts.config;
        let longest = wait + wait / 8 >= config.persist_max || config.user_timeout.is_some();
        if wait * 2 < before * 3 && !longest {
            let text = format!("probed {wait} after the last time, which was {before} after the one before");
            findings.add(Law::BacksOff, node, Some(tuple), text);
        }
    }
    /// A timeout has sent something again.
    fn repeated(
        &mut self,
        (node, tuple): (NodeId, Tuple),
        id: PacketId,
        segment: &Segment,
        facts: &Facts,
        findings: &mut Findings<'_>,
    ) {
        let now = findings.time;
        let row = self.rows.entry((node, tuple)).or_default();
        (row.repeated, row.reached) = (Some(id), None);
        let before = row.timeout.filter(|before| before.seq == segment.seq);
        let wait = before.map(|before| now.since(before.at));
        row.timeout = Some(Timeout { seq: segment.seq, at: now, wait });
        let Some((wait, before)) = wait.zip(before.and_then(|before| before.wait)) else { return };
        // Twice as long; timers of a kernel's wheel are off by less than a quarter, and by a tick.
        let config = &facts.config;
        let longest = wait + wait / 8 >= config.max_rto || config.user_timeout.is_some();
        // What is added to each, but the first of all, is not doubled, but rounded with the rest.
        let slop = config.rto_slop * 2;
        if wait * 2 + slop < before * 3 && !longest || wait * 2 > before * 5 + slop + TICK {
            let text = format!("{wait} after the last time, which was {before} after the one before");
            findings.add(Law::BacksOff, node, Some(tuple), text);
        }
    }

    /// When a segment came last to this end.
    pub(super) fn heard_at(&self, node: NodeId, tuple: &Tuple) -> Option<Time> {
        self.rows.get(&(node, *tuple)).map(|row| row.heard_at)
    }
    /// For tests: one has come now.
    #[cfg(test)]
    pub(super) fn hears(&mut self, node: NodeId, tuple: Tuple, now: Time) {
        self.rows.entry((node, tuple)).or_default().heard_at = now;
    }
    /// A segment has come to a host, undamaged; `ends` knows it already.
    pub(super) fn received(
        &mut self,
        (node, tuple): (NodeId, Tuple),
        (packet, now): (&Packet, Time),
        facts: &Facts,
        ends: &Ends,
        closing: &Closing,
    ) {
        let Some(segment) = packet.tcp() else { return };
        self.stamped = None;
        let end = ends.get(node, &tuple).filter(|_| !ends.is_forged(&tuple));
        // What the letter of the RFC keeps an end from looking at (an ACK that begins at the right edge, while what lies before
        // it is lost; one without the timestamp that it has agreed upon) is no answer to that end.
        let config = &facts.config;
        let counts = end.is_none_or(|end| {
            let refused = config.require_timestamps && end.misses_timestamp(segment);
            end.accepts(segment, config.exact_window) && !refused
        });
        let row = self.rows.entry((node, tuple)).or_default();
        row.timeout = None;
        row.heard_at = now;
        let opens = segment.wnd > 0 || row.acked != Some(segment.ack);
        row.probe = row.probe.filter(|_| segment.has(Flags::ACK) && !opens);
        if segment.has(Flags::SYN) {
            let stamp = segment.options.timestamps.map(|stamp| stamp.val);
            match segment.has(Flags::ACK) {
                // Only one of this connection, not that of an earlier one; it may follow the SYN of a simultaneous open.
                true if end.is_some_and(|end| end.is_of_peer(segment)) => {
                    row.recent = youngest(row.recent, stamp);
                    row.first = row.first.or(stamp);
                }
                true => {}
                false => {
                    row.heard = stamp.map(|stamp| (packet.id, stamp));
                    self.syn = Some(Syn { id: packet.id, seq: segment.seq, val: stamp });
                }
            }
        } else if segment.has(Flags::ACK) {
            let fresh = row.acked.is_none_or(|acked| is_after(segment.ack, acked));
            // A copy of what was said before answers nothing.
            let answers = row.reached.is_some_and(|repeated| packet.id > repeated);
            if fresh || segment.wnd == 0 {
                (row.acked, row.rounds) = (Some(segment.ack), 0);
            } else if answers && counts {
                row.rounds += 1;
            }
            row.reached = row.reached.filter(|_| !answers && !fresh);
        }
        let acked = end.and_then(|end| Some(end.ack?.max(Seq::initial(end.peer?.isn) + 1)));
        let Some(acked) = acked.map(Seq::wire) else { return };
        // To the letter nothing of what repeats data is looked at, also where that is not acknowledged yet.
        let next = end.filter(|_| config.exact_window && segment.seq_len() > 0).and_then(End::expects);
        let repeats = next.is_some_and(|next| {
            let seq = Seq::near(next, segment.seq);
            seq < next && seq + u64::from(segment.seq_len()) <= next
        });
        let (id, reset) = (packet.id, segment.has(Flags::RST));
        if let Some(stamp) = segment.options.timestamps.filter(|_| !segment.has(Flags::SYN)) {
            // What ends before what was acknowledged is none of it: an old copy, or from an earlier incarnation.
            let reaches = !is_after(acked, segment.seq.add(segment.seq_len()));
            let in_sequence = !reset && !repeats && !is_after(segment.seq, acked) && reaches;
            if in_sequence {
                row.recent = youngest(row.recent, Some(stamp.val));
                row.first = youngest(row.first, Some(stamp.val));
            }
            let recent = row.recent.filter(|_| !reset);
            let known = reset || recent.is_some();
            // By the first alone it may be older.
            let excused = !reset && row.first.is_some_and(|first| is_older(stamp.val, first));
            self.stamped = (known && !excused).then_some(Stamped { id, tuple, val: stamp.val, recent });
        }
        let fin = segment.has(Flags::FIN | Flags::ACK) && !segment.flags.intersects(Flags::SYN | Flags::RST);
        if fin && segment.seq.add(segment.seq_len()) == acked && closing.is_waiting(node, &tuple) {
            self.fins.push((node, tuple, packet.id));
        }
        // What acknowledges too little is not looked at, whatever else it brings.
        let refused = facts.config.ack_range && end.is_some_and(|end| end.stale);
        if !refused {
            self.reaches(node, &tuple, packet.id, ends);
        }
    }
    /// A piece of a packet has come. It is there when all of them are (RFC 791, section 3.2), and which is the last of them is
    /// known to the host alone: nothing is owed to it.
    pub(super) fn in_pieces(&mut self, id: PacketId) {
        self.fins.retain(|(_, _, fin)| *fin != id);
    }
    /// A packet has come to where its connection is alive.
    fn reaches(&mut self, node: NodeId, tuple: &Tuple, id: PacketId, ends: &Ends) {
        let Some(sender) = ends.owner(&tuple.remote.ip()) else { return };
        let both = ends.get(node, tuple).zip(ends.get(sender, &tuple.reversed()));
        // Nothing tells incarnations with the same numbers apart (RFC 9293, section 3.4.1, MUST-8).
        let same = both.is_some_and(|(end, other)| {
            let of_this = end.peer.is_some_and(|peer| peer.isn == other.iss.wire());
            of_this && !end.repeats_numbers && !other.repeats_numbers
        });
        if let Some(row) = self.rows.get_mut(&(sender, tuple.reversed()))
            && row.repeated == Some(id)
            && same
        {
            (row.repeated, row.reached) = (None, Some(id));
        }
    }

    /// A cookie has come back: of timestamps nothing was remembered, either, and that of what brought it is the first.
    pub(super) fn reborn(&mut self, owner: (NodeId, Tuple), bringer: Option<Bringer>) {
        if let Some(Bringer { stamp, .. }) = bringer {
            let row = self.rows.entry(owner).or_default();
            (row.recent, row.first) = (stamp, stamp);
        }
    }
    /// A segment was dropped for its timestamp.
    pub(super) fn too_old(&mut self, node: NodeId, id: PacketId, findings: &mut Findings<'_>) {
        let Some(Stamped { tuple, val, recent, .. }) = self.stamped.filter(|last| last.id == id) else {
            return;
        };
        let text = match recent {
            Some(recent) if is_older(val, recent) => return,
            Some(recent) => {
                format!("timestamp {val} is dropped as old, where {recent} was the last in sequence")
            }
            None => format!("a RST is dropped for its timestamp, {val}"),
        };
        findings.add(Law::PawsExact, node, Some(tuple), text);
    }

    /// A connection has changed its state.
    pub(super) fn changed(&mut self, change: &Change, ends: &Ends, findings: &mut Findings<'_>) {
        let Change { node, tuple, from, to, why } = *change;
        if to != State::Closed {
            return;
        }
        let Some(row) = self.rows.remove(&(node, tuple)) else { return };
        if from == State::TimeWait
            && let Trigger::Packet(id) = why.trigger
            && let Some(syn) = self.syn.filter(|syn| syn.id == id && why.rule == Rule::TimeWaitReused)
            && let Some(wrong) = row.what_is_old(&syn, ends.get(node, &tuple))
        {
            findings.add(Law::TimeWaitYields, node, Some(tuple), wrong);
        }
        let gives_up = matches!(why.rule, Rule::RetransmissionLimit | Rule::OrphanLimit | Rule::UserTimeout);
        if gives_up && row.rounds >= ROUNDS && !ends.is_forged(&tuple) {
            let text =
                format!("given up, though what was repeated arrived {} times and was answered", row.rounds);
            findings.add(Law::GivesUp, node, Some(tuple), text);
        }
    }

    /// The event is over.
    pub(super) fn look(&mut self, sim: &Simulator, findings: &mut Findings<'_>) {
        for (node, tuple, _) in self.fins.drain(..) {
            if sim.is_up(node) {
                let text = "a FIN that came again in TIME-WAIT is not acknowledged".to_owned();
                findings.add(Law::TimeWaitAnswers, node, Some(tuple), text);
            }
        }
    }
}
