//! What each end of a connection has said and heard, from the segments alone.

use std::hash::Hasher;
use std::net::IpAddr;

use rustc_hash::FxHashMap;
use tcp::{Duration, Flags, Rule, Segment, Seq, SeqNum, Time, Tuple};

use super::bounds::DataSent;
use super::offers::Offer;
use super::rtt::Trips;
use crate::digest::{self, Places, unordered, unordered_by};
use crate::packet::{Packet, PacketId};
use crate::trace::NodeId;

/// Numbers are taken from a clock that ticks each four microseconds (RFC 6528, section 3): within a tick there is one.
const TICK: Duration = Duration::from_micros(4);

/// All ends that have sent a SYN.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    /// Only looked into, never walked but to forget.
    ends: FxHashMap<(NodeId, Tuple), End>,
    /// Connections in whose name somebody else has sent: by the tuple of the claimed sender.
    forged: FxHashMap<Tuple, ()>,
    /// Their packets, until they arrive.
    forgeries: FxHashMap<PacketId, ()>,
    /// Connections whose streams a forged segment may have changed: by the tuple of the one that took it in.
    tainted: FxHashMap<Tuple, ()>,
    /// The initial sequence number that each end had last, whatever became of its host, and when.
    numbers: FxHashMap<(NodeId, Tuple), (SeqNum, Time)>,
    /// When hosts that were paused went on, last.
    went_on: FxHashMap<NodeId, Time>,
    /// Whose addresses are whose.
    owners: FxHashMap<IpAddr, NodeId>,
}

/// One end of one incarnation.
#[derive(Clone, Debug, Hash)]
pub(super) struct End {
    /// Its initial sequence number, and the number behind the highest that it used.
    pub iss: Seq,
    pub nxt: Seq,
    /// What it offered on its SYN.
    pub own_shift: Option<u8>,
    /// It answers a SYN that crossed its own.
    pub crossed: bool,
    /// At which event it sent its first SYN, and at which the peer's came.
    pub born: u64,
    pub met: u64,
    /// The peer's SYN that this connection began with.
    pub peer: Option<Peer>,
    /// The last SYN that came: it may begin the next one.
    heard: Option<Peer>,
    /// The right edge that it was offered, in its own numbers.
    pub edge: Option<Seq>,
    /// The offer that holds, of all that came.
    pub standing: Option<Offer>,
    /// The highest that it acknowledged, the right edge that it offered, in the peer's numbers.
    pub ack: Option<Seq>,
    pub offered: Option<Seq>,
    /// Where it put its FIN.
    pub fin: Option<Seq>,
    /// Readings before: SND.UNA, SND.NXT, RCV.NXT.
    pub last: Option<(u64, u64, u64)>,
    /// When SND.UNA last moved.
    pub moved: Time,
    /// What its round trips may have told it.
    pub trips: Trips,
    /// What its retransmission timer may wait for.
    pub waits: Waits,
    /// Segments that acknowledged nothing new since all was acknowledged that was sent before the first of them, and that
    /// point.
    pub repeats: u64,
    repeats_until: Seq,
    /// The number behind what its SYN carried: that was sent before any window was known.
    pub in_syn: Seq,
    /// What it sent; counted where the bounds of its window stand on it.
    pub data: DataSent,
    /// The highest acknowledgment that came.
    pub acked: Option<Seq>,
    /// The number behind the highest data that came, in the peer's numbers.
    pub heard_to: Option<Seq>,
    /// It began with a cookie, which has room for few values of the peer's MSS.
    pub cookie: bool,
    /// Whether its SYN offered timestamps.
    pub timestamps: bool,
    /// The right edge that its SYN-ACK offered, also where nothing is remembered of that, or one that it offered later and took back.
    pub opened: Option<Seq>,
    /// MAX.SND.WND: the largest window that came.
    max_wnd: u64,
    /// The segment that came last acknowledges less than an end may still look at (RFC 5961, section 5.2).
    pub stale: bool,
    /// The connection before had the same initial sequence number.
    pub repeats_numbers: bool,
    /// Both began within a tick of the clock that numbers are taken from.
    pub same_tick: bool,
}

/// How long an end has waited for what it sent first of all that is unacknowledged.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Waits {
    /// When SND.UNA last moved, or the octet there was last sent.
    pub since: Time,
    /// When it last sent something new.
    pub sent: Time,
    /// The longest RTO since then.
    pub rto: Duration,
}

#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Peer {
    pub isn: SeqNum,
    pub shift: Option<u8>,
    pub mss: Option<u16>,
    pub timestamps: bool,
    /// SEG.WND, which no SYN has scaled (RFC 7323, section 2.2), and the octets that came with it (RFC 7413).
    wnd: u16,
    len: u32,
}

impl Peer {
    fn new(syn: &Segment) -> Peer {
        Peer {
            isn: syn.seq,
            shift: syn.options.wscale,
            mss: syn.options.mss,
            timestamps: syn.options.timestamps.is_some(),
            wnd: syn.wnd,
            len: syn.payload.len(),
        }
    }
    /// Whether a SYN-ACK with this number answers it: with what it carried, or some of it, or without.
    fn is_answered_by(&self, ack: SeqNum) -> bool {
        let taken = ack.0.wrapping_sub(self.isn.add(1).0);
        taken <= self.len
    }
}

/// What brought a cookie back: SEG.SEQ, SEG.ACK, SEG.WND and SEG.TSval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bringer {
    pub seq: SeqNum,
    pub ack: SeqNum,
    pub wnd: u16,
    pub stamp: Option<u32>,
}

/// The number before it.
fn before(number: SeqNum) -> SeqNum {
    SeqNum(number.0.wrapping_sub(1))
}

impl End {
    /// The shift by which the peer's window fields are read, and that by which its own are.
    pub(super) fn shifts(&self) -> (u8, u8) {
        match (self.own_shift, self.peer.and_then(|peer| peer.shift)) {
            (Some(own), Some(peer)) => (peer.min(14), own.min(14)),
            (Some(own), None) if self.crossed => (0, own.min(14)),
            _ => (0, 0),
        }
    }
}

impl End {
    /// An acknowledgment came.
    fn count_repeats(&mut self, ack: Seq, now: Time) {
        match self.acked {
            Some(before) if ack <= before => {
                if self.repeats == 0 {
                    self.repeats_until = self.nxt;
                }
                self.repeats += 1;
            }
            before => {
                self.acked = Some(ack);
                // With Fast Open the SYN's number is no longer counted as outstanding: SND.UNA does not tell. Otherwise it does,
                // and an ACK that is refused moves nothing.
                if before.is_none() {
                    (self.waits.since, self.waits.rto) = (now, Duration::ZERO);
                }
            }
        }
    }
    /// SND.UNA, SND.NXT and RCV.NXT are these now. A recovery is over when SND.UNA has reached its end: an ACK may have come
    /// and be refused.
    pub(super) fn reads(&mut self, now: (u64, u64, u64), time: Time) {
        if self.last.is_none_or(|before| before.0 != now.0) {
            self.moved = time;
            (self.waits.since, self.waits.rto) = (time, Duration::ZERO);
        }
        if self.iss + now.0 >= self.repeats_until {
            self.repeats = 0;
        }
        self.last = Some(now);
    }
    /// RCV.NXT, as it was after the event before.
    pub(super) fn expects(&self) -> Option<Seq> {
        Some(Seq::initial(self.peer?.isn) + self.last?.2)
    }
    /// Octets of its stream that acknowledgments have come for.
    pub(super) fn octets_acked(&self) -> Option<u64> {
        Some(self.acked?.since(self.iss + 1))
    }
    /// Whether a segment lacks the timestamp that both SYNs have agreed upon (RFC 7323, section 3.2).
    pub(super) fn misses_timestamp(&self, segment: &Segment) -> bool {
        let agreed = self.timestamps && self.peer.is_some_and(|peer| peer.timestamps);
        agreed && segment.options.timestamps.is_none() && !segment.has(Flags::RST)
    }
    /// Whether nothing has acknowledged its SYN so far, whatever its state: with Fast Open programs need not wait for that.
    pub(super) fn is_pending(&self) -> bool {
        self.acked.is_none()
    }
    /// Whether a SYN-ACK is from the peer of this connection, and answers its SYN.
    pub(super) fn is_of_peer(&self, syn_ack: &Segment) -> bool {
        let ack = Seq::near(self.nxt, syn_ack.ack);
        self.peer.is_some_and(|peer| peer.isn == syn_ack.seq) && ack > self.iss && ack <= self.nxt
    }
    /// Whether the four cases of table 6 (RFC 9293, section 3.4) allow a segment, against all that was ever offered (RFC 7323,
    /// section 2.4). `exact`: to the letter; else what begins at the right edge is no worse than what begins before it.
    pub(super) fn accepts(&self, segment: &Segment, exact: bool) -> bool {
        let Some((next, edge)) = self.ack.zip(self.offered) else { return true };
        let from = Seq::near(next, segment.seq);
        let to = from + u64::from(segment.seq_len());
        (to > next || from == next) && (from < edge || from == edge && (!exact || edge == next))
    }
    /// Whether a SYN has come that a SYN-ACK with this number answers.
    pub(super) fn answers_a_syn(&self, ack: SeqNum) -> bool {
        self.heard.iter().chain(&self.peer).any(|peer| peer.is_answered_by(ack))
    }
    /// Whether a SYN-ACK offers what no SYN that it answers did (RFC 7323, sections 2.2, 3.2).
    pub(super) fn offers_unasked(&self, syn_ack: &Segment) -> bool {
        let answered = || self.heard.iter().chain(&self.peer).filter(|peer| peer.is_answered_by(syn_ack.ack));
        let (scales, stamps) = (syn_ack.options.wscale.is_some(), syn_ack.options.timestamps.is_some());
        answered().next().is_some()
            && !answered().any(|peer| (peer.shift.is_some() || !scales) && (peer.timestamps || !stamps))
    }
    /// Whether a segment has data or a FIN within the window offered.
    fn would_take(&self, segment: &Segment) -> bool {
        let Some((next, edge)) = self.ack.zip(self.offered) else { return true };
        let from = Seq::near(next, segment.seq);
        segment.seq_len() > 0 && from <= edge && from + u64::from(segment.seq_len()) > next
    }
}

/// Linux takes the whole window back when there is no memory for what has come in order (`ICSK_ACK_NOMEM`): a SHOULD NOT
/// that it has a reason to disregard (RFC 9293, section 3.8.6, SHLD-14).
pub(super) fn takes_window_back(why: Rule, segment: &Segment) -> bool {
    why == Rule::ReceiveBufferFull && segment.wnd == 0
}

impl Ends {
    /// For digests. Events are told by their order; no later one is that of a number's first use.
    pub(super) fn digest_into<H: Hasher>(&self, places: &Places, state: &mut H) {
        let Ends { ends, forged, forgeries, tainted, numbers, went_on, owners: _ } = self;
        let mut events: Vec<u64> = Vec::new();
        self.each_event(&mut events);
        events.sort_unstable();
        events.dedup();
        let rank = |event: u64| events.binary_search(&event).unwrap_or(0);
        unordered_by(ends, state, |key, end| {
            let timeless = End { born: 0, met: 0, ..end.clone() };
            Some(digest::of(&(key, timeless, rank(end.born), rank(end.met))))
        });
        unordered(forged, state);
        unordered_by(forgeries, state, |id, ()| Some(digest::of(&places.get(*id)?)));
        unordered(tainted, state);
        unordered_by(went_on, state, |node, at| Some(digest::of(&(node, at))));
        unordered_by(numbers, state, |key, taken| Some(digest::of(&(key, taken))));
    }
    #[expect(clippy::iter_over_hash_type, reason = "they are sorted next")]
    fn each_event(&self, events: &mut Vec<u64>) {
        for end in self.ends.values() {
            events.extend([end.born, end.met]);
        }
    }
    pub(super) fn new(owners: FxHashMap<IpAddr, NodeId>) -> Ends {
        Ends { owners, ..Ends::default() }
    }
    pub(super) fn get(&self, node: NodeId, tuple: &Tuple) -> Option<&End> {
        self.ends.get(&(node, *tuple))
    }
    pub(super) fn get_mut(&mut self, node: NodeId, tuple: &Tuple) -> Option<&mut End> {
        self.ends.get_mut(&(node, *tuple))
    }
    /// The other end, wherever it is.
    pub(super) fn peer_of(&self, node: NodeId, tuple: &Tuple) -> Option<&End> {
        let other = self.owner(&tuple.remote.ip())?;
        self.ends.get(&(other, tuple.reversed())).filter(|_| other != node)
    }
    /// When this end first sent the SYN that it sent last.
    pub(super) fn began(&self, node: NodeId, tuple: &Tuple) -> Option<Time> {
        self.numbers.get(&(node, *tuple)).map(|(_, at)| *at)
    }
    pub(super) fn goes_on(&mut self, node: NodeId, now: Time) {
        self.went_on.insert(node, now);
    }
    /// When this host last went on after a pause.
    pub(super) fn went_on(&self, node: NodeId) -> Time {
        self.went_on.get(&node).copied().unwrap_or(Time::ZERO)
    }
    pub(super) fn owner(&self, address: &IpAddr) -> Option<NodeId> {
        self.owners.get(address).copied()
    }
    /// Whether somebody else has sent in the name of either end.
    pub(super) fn is_forged(&self, tuple: &Tuple) -> bool {
        !self.forged.is_empty()
            && (self.forged.contains_key(tuple) || self.forged.contains_key(&tuple.reversed()))
    }
    pub(super) fn forget(&mut self, node: NodeId) {
        self.ends.retain(|(owner, _), _| *owner != node);
    }
    pub(super) fn forged(&mut self, claimed: &Tuple, id: PacketId) {
        self.forged.insert(*claimed, ());
        self.forgeries.insert(id, ());
    }
    /// Whether a forged segment may have changed what is read at either end: it began a connection, or it had data or a FIN
    /// within the window (RFC 9293, section 3.10.7.4: nothing tells it from a true one).
    pub(super) fn is_tainted(&self, tuple: &Tuple) -> bool {
        !self.tainted.is_empty()
            && (self.tainted.contains_key(tuple) || self.tainted.contains_key(&tuple.reversed()))
    }
    fn look_at_forgery(&mut self, node: NodeId, tuple: Tuple, segment: &Segment) {
        let begins = segment.has(Flags::SYN);
        let takes = self.get(node, &tuple).is_some_and(|end| end.would_take(segment));
        if begins || takes {
            self.tainted.insert(tuple, ());
        }
    }

    /// A cookie has come back: nothing was remembered of the connection that it begins, or begins once more. The numbers of what
    /// brought it tell which of all SYN-ACKs it is from, and which SYN that one answered; it acknowledges the SYN-ACK, and its
    /// window counts.
    pub(super) fn reborn(&mut self, node: NodeId, tuple: Tuple, bringer: Option<Bringer>, event: u64) {
        let Some(end) = self.ends.get_mut(&(node, tuple)) else { return };
        let peer = end.peer.map(|peer| Peer { isn: bringer.map_or(peer.isn, |by| before(by.seq)), ..peer });
        let iss = bringer.map_or(end.iss, |by| Seq::initial(before(by.ack)));
        let ack = peer.map(|peer| Seq::initial(peer.isn));
        let nxt = iss + 1;
        let edge = bringer.map(|by| nxt + (u64::from(by.wnd) << end.shifts().0));
        let standing = edge.zip(ack).map(|(edge, isn)| Offer { edge, seq: isn + 1, ack: nxt });
        // A connection that a copy begins once more has the numbers of the one before.
        let again = (end.cookie || end.last.is_some()) && end.iss == iss;
        let same_syn = end.peer.map(|peer| peer.isn) == peer.map(|peer| peer.isn);
        let opened = end.opened.filter(|_| same_syn);
        *end = End {
            iss,
            peer,
            nxt,
            ack,
            edge,
            standing,
            offered: None,
            fin: None,
            last: None,
            repeats: 0,
            repeats_until: nxt,
            in_syn: nxt,
            data: DataSent::default(),
            // The cookie came with it.
            acked: Some(nxt),
            heard_to: None,
            born: event,
            met: event,
            cookie: true,
            opened,
            trips: Trips::default(),
            repeats_numbers: end.repeats_numbers || again,
            ..end.clone()
        };
    }
    /// An end has sent a segment.
    pub(super) fn sent(
        &mut self,
        (node, tuple): (NodeId, Tuple),
        packet: &Packet,
        why: Rule,
        (now, event): (Time, u64),
    ) {
        let Some(segment) = packet.tcp() else { return };
        if segment.has(Flags::SYN) {
            return self.sent_syn((node, tuple), segment, why, (now, event));
        }
        let Some(end) = self.ends.get_mut(&(node, tuple)).filter(|_| !segment.has(Flags::RST)) else {
            return;
        };
        let from = Seq::near(end.nxt, segment.seq);
        if segment.seq_len() > 0 {
            end.sends(from, now, why);
        }
        if from + u64::from(segment.seq_len()) > end.nxt {
            (end.nxt, end.waits.sent) = (from + u64::from(segment.seq_len()), now);
        }
        let una = end.iss + end.last.map_or(0, |last| last.0);
        if from <= una && una < from + u64::from(segment.seq_len()) {
            (end.waits.since, end.waits.rto) = (now, Duration::ZERO);
        }
        // Recovery ends behind all that was sent when it begins (RFC 6582, section 3.2, step 2), which limited transmit has made
        // more since the first duplicate came (RFC 3042).
        if why == Rule::FastRetransmit && end.repeats > 0 {
            end.repeats_until = end.nxt;
        }
        if segment.has(Flags::FIN) && end.fin.is_none() {
            end.fin = Some(from + u64::from(segment.payload.len()));
        }
        if let Some(peer) = end.peer {
            let ack = Seq::near(end.ack.unwrap_or(Seq::initial(peer.isn)), segment.ack);
            let edge = ack + (u64::from(segment.wnd) << end.shifts().1);
            end.ack = Some(end.ack.map_or(ack, |before| before.max(ack)));
            let mut before = end.offered;
            if takes_window_back(why, segment) {
                // What lies there already stays.
                end.opened = end.opened.max(before.take());
            }
            end.offered = Some(before.map_or(edge, |before| before.max(edge)));
        }
    }
    fn sent_syn(
        &mut self,
        (node, tuple): (NodeId, Tuple),
        segment: &Segment,
        why: Rule,
        (now, event): (Time, u64),
    ) {
        let iss = Seq::initial(segment.seq);
        let opens = matches!(why, Rule::ActiveOpen | Rule::FastOpen);
        let anew = opens || matches!(why, Rule::SynAnswered | Rule::FastOpenAccepted | Rule::SynCookieSent);
        let before = self.ends.get(&(node, tuple)).filter(|end| !anew && end.iss.wire() == segment.seq);
        let heard = self.ends.get(&(node, tuple)).and_then(|end| end.heard);
        // A SYN-ACK that goes out again still answers the first SYN: with Fast Open the SYN comes again without its data, and one
        // from behind a reboot that has drawn the same number may tell another MSS.
        let first = before.and_then(|end| end.peer);
        let answers = |peer: &Peer| segment.has(Flags::ACK) && peer.is_answered_by(segment.ack);
        let answered = first.filter(answers).or(heard.filter(answers));
        let peer = answered.or(before.and_then(|end| end.peer));
        let nxt = before.map_or(iss, |end| end.nxt).max(iss + u64::from(segment.seq_len()));
        let before_in_syn = before.map_or(iss, |end| end.in_syn);
        let opened = peer
            .filter(|_| segment.has(Flags::ACK))
            .map(|peer| Seq::near(Seq::initial(peer.isn), segment.ack) + u64::from(segment.wnd));
        // Behind a cookie nothing is remembered, not even the window. With Fast Open more may have been taken and offered before
        // the SYN-ACK goes out again.
        let taken = before.filter(|end| end.peer.map(|peer| peer.isn) == peer.map(|peer| peer.isn));
        let offered = opened.filter(|_| why != Rule::SynCookieSent).max(taken.and_then(|end| end.offered));
        let acked = answered
            .map(|peer| Seq::near(Seq::initial(peer.isn), segment.ack))
            .or(peer.map(|peer| Seq::initial(peer.isn)))
            .filter(|_| segment.has(Flags::ACK));
        // A SYN that comes again takes no number.
        let last =
            if before.is_none() { self.numbers.insert((node, tuple), (segment.seq, now)) } else { None };
        let last = last.filter(|(iss, _)| *iss == segment.seq);
        let repeats_numbers = before.map_or(last.is_some(), |end| end.repeats_numbers);
        let within = last.is_some_and(|(_, at)| now.since(at) < TICK);
        let same_tick = before.map_or(within, |end| end.same_tick);
        let born = before.map_or(event, |end| end.born);
        let met =
            if answered.is_some() && before.is_none() { event } else { before.map_or(event, |end| end.met) };
        let end = End {
            iss,
            nxt,
            born,
            met,
            own_shift: segment.options.wscale,
            crossed: why == Rule::SimultaneousOpen || before.is_some_and(|end| end.crossed),
            peer,
            heard,
            // What goes out before the handshake is complete goes by the window of the SYN (RFC 7413, section 4.2.2).
            edge: answered.map(|peer| iss + 1 + u64::from(peer.wnd)),
            standing: answered.map(|peer| Offer {
                edge: iss + 1 + u64::from(peer.wnd),
                seq: Seq::initial(peer.isn),
                ack: iss,
            }),
            ack: acked.max(taken.and_then(|end| end.ack)),
            offered,
            fin: None,
            last: None,
            moved: Time::ZERO,
            trips: if before.is_none() { Trips::of_syn(iss, now) } else { Trips::default() },
            waits: Waits { since: now, ..Waits::default() },
            repeats: 0,
            repeats_until: iss,
            in_syn: before_in_syn.max(iss + u64::from(segment.seq_len())),
            data: DataSent::default(),
            acked: None,
            heard_to: None,
            cookie: false,
            timestamps: segment.options.timestamps.is_some(),
            opened,
            max_wnd: 0,
            stale: false,
            repeats_numbers,
            same_tick,
        };
        self.ends.insert((node, tuple), end);
    }

    /// An end has sent a segment with data.
    pub(super) fn count_data(&mut self, node: NodeId, tuple: Tuple, octets: u32) {
        if let Some(end) = self.ends.get_mut(&(node, tuple)) {
            end.data.counts(octets);
        }
    }

    /// A segment has come to an end, or to where one may begin.
    pub(super) fn received(
        &mut self,
        node: NodeId,
        tuple: Tuple,
        packet: &Packet,
        (now, event): (Time, u64),
    ) {
        let Some(segment) = packet.tcp() else { return };
        if !self.forgeries.is_empty() && self.forgeries.contains_key(&packet.id) {
            self.look_at_forgery(node, tuple, segment);
        }
        if segment.has(Flags::SYN) {
            self.received_syn(node, tuple, segment, event);
        }
        let Some(end) = self.ends.get_mut(&(node, tuple)) else { return };
        end.stale = false;
        if segment.has(Flags::ACK) && !segment.has(Flags::RST) {
            let shift = if segment.has(Flags::SYN) { 0 } else { end.shifts().0 };
            let ack = Seq::near(end.nxt, segment.ack);
            end.stale = end.acked.is_some_and(|acked| ack + end.max_wnd < acked);
            // An earlier incarnation may still be speaking: nothing of that counts (RFC 9293, section 3.10.7.4).
            if ack > end.iss && ack <= end.nxt {
                let wnd = u64::from(segment.wnd) << shift;
                let edge = ack + wnd;
                end.max_wnd = end.max_wnd.max(wnd);
                end.edge = Some(end.edge.map_or(edge, |before| before.max(edge)));
                end.is_offered(segment, (ack, edge));
                end.count_repeats(ack, now);
            }
        }
        // What acknowledges something unsent is dropped whole (RFC 9293, section 3.10.7.4).
        let dropped = segment.has(Flags::ACK) && Seq::near(end.nxt, segment.ack) > end.nxt;
        if let Some(peer) = end.peer.filter(|_| !segment.payload.is_empty() && !dropped) {
            let base = end.heard_to.unwrap_or(Seq::initial(peer.isn) + 1);
            let from = Seq::near(base, segment.seq);
            // So is what begins beyond the window, as that of an earlier incarnation may.
            if end.offered.is_none_or(|edge| from < edge) {
                end.heard_to = Some(base.max(from + u64::from(segment.payload.len())));
            }
        }
    }
    fn received_syn(&mut self, node: NodeId, tuple: Tuple, segment: &Segment, event: u64) {
        let peer = Peer::new(segment);
        match self.ends.get_mut(&(node, tuple)) {
            Some(end) => {
                end.heard = Some(peer);
                // A SYN-ACK that answers another SYN than this begins nothing (RFC 9293, section 3.10.7.3).
                let answers = |ack| ack > end.iss && ack <= end.nxt;
                let foreign = segment.has(Flags::ACK) && !answers(Seq::near(end.nxt, segment.ack));
                // One that is refused, for its timestamp, is not the peer's either: what this end has acknowledged is.
                if end.ack.is_none() && !foreign {
                    (end.peer, end.met) = (end.heard, event);
                }
            }
            None => {
                let unknown = Seq::initial(SeqNum(0));
                let end = End {
                    iss: unknown,
                    nxt: unknown,
                    born: event,
                    met: event,
                    own_shift: None,
                    crossed: false,
                    peer: Some(peer),
                    heard: Some(peer),
                    edge: None,
                    standing: None,
                    ack: None,
                    offered: None,
                    fin: None,
                    last: None,
                    moved: Time::ZERO,
                    trips: Trips::default(),
                    waits: Waits::default(),
                    repeats: 0,
                    repeats_until: unknown,
                    in_syn: unknown,
                    data: DataSent::default(),
                    acked: None,
                    heard_to: None,
                    cookie: false,
                    timestamps: false,
                    opened: None,
                    max_wnd: 0,
                    stale: false,
                    repeats_numbers: false,
                    same_tick: false,
                };
                self.ends.insert((node, tuple), end);
            }
        }
    }
}
