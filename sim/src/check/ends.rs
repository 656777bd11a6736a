//! What each end of a connection has said and heard, from the segments alone.

use std::net::IpAddr;

use rustc_hash::FxHashMap;
use tcp::{Flags, Rule, Segment, Seq, SeqNum, Tuple};

use crate::packet::Packet;
use crate::trace::NodeId;

/// All ends that have sent a SYN.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    /// Only looked into, never walked but to forget.
    ends: FxHashMap<(NodeId, Tuple), End>,
    /// Connections in whose name somebody else has sent: by the tuple of the claimed sender.
    forged: FxHashMap<Tuple, ()>,
    /// Whose addresses are whose.
    owners: FxHashMap<IpAddr, NodeId>,
}

/// One end of one incarnation.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// Its initial sequence number, and the number behind the highest that it used.
    pub iss: Seq,
    pub nxt: Seq,
    /// What it offered on its SYN.
    pub own_shift: Option<u8>,
    /// At which event it sent its first SYN, and at which the peer's came.
    pub born: u64,
    pub met: u64,
    /// The peer's SYN that this connection began with.
    pub peer: Option<Peer>,
    /// The last SYN that came: it may begin the next one.
    heard: Option<Peer>,
    /// The right edge that it was offered, in its own numbers.
    pub edge: Option<Seq>,
    /// The highest that it acknowledged, the right edge that it offered, in the peer's numbers.
    pub ack: Option<Seq>,
    pub offered: Option<Seq>,
    /// Where it put its FIN.
    pub fin: Option<Seq>,
    /// Readings before.
    pub last: Option<(u64, u64, u64)>,
    /// It began with a cookie, which has room for few values of the peer's MSS.
    pub cookie: bool,
    /// Whether its SYN offered timestamps.
    pub timestamps: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub isn: SeqNum,
    pub shift: Option<u8>,
    pub mss: Option<u16>,
    pub timestamps: bool,
}

impl End {
    /// The shift by which the peer's window fields are read, and that by which its own are.
    pub(super) fn shifts(&self) -> (u8, u8) {
        match (self.own_shift, self.peer.and_then(|peer| peer.shift)) {
            (Some(own), Some(peer)) => (peer.min(14), own.min(14)),
            _ => (0, 0),
        }
    }
}

impl Ends {
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
    fn owner(&self, address: &IpAddr) -> Option<NodeId> {
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
    pub(super) fn forged(&mut self, claimed: &Tuple) {
        self.forged.insert(*claimed, ());
    }

    /// A cookie has come back: nothing was remembered of the connection that it begins, or begins once more.
    pub(super) fn reborn(&mut self, node: NodeId, tuple: Tuple, event: u64) {
        let Some(end) = self.ends.get_mut(&(node, tuple)) else { return };
        let (peer, iss) = (end.peer, end.iss);
        let ack = peer.map(|peer| Seq::initial(peer.isn));
        let nxt = iss + 1;
        *end = End {
            nxt,
            ack,
            edge: None,
            offered: None,
            fin: None,
            last: None,
            born: event,
            met: event,
            cookie: true,
            ..end.clone()
        };
    }
    /// An end has sent a segment.
    pub(super) fn sent(&mut self, node: NodeId, tuple: Tuple, packet: &Packet, why: Rule, event: u64) {
        let Some(segment) = packet.tcp() else { return };
        if segment.has(Flags::SYN) {
            return self.sent_syn(node, tuple, segment, why, event);
        }
        let Some(end) = self.ends.get_mut(&(node, tuple)).filter(|_| !segment.has(Flags::RST)) else {
            return;
        };
        let from = Seq::near(end.nxt, segment.seq);
        end.nxt = end.nxt.max(from + u64::from(segment.seq_len()));
        if segment.has(Flags::FIN) && end.fin.is_none() {
            end.fin = Some(from + u64::from(segment.payload.len()));
        }
        if let Some(peer) = end.peer {
            let ack = Seq::near(end.ack.unwrap_or(Seq::initial(peer.isn)), segment.ack);
            let edge = ack + (u64::from(segment.wnd) << end.shifts().1);
            end.ack = Some(end.ack.map_or(ack, |before| before.max(ack)));
            end.offered = Some(end.offered.map_or(edge, |before| before.max(edge)));
        }
    }
    fn sent_syn(&mut self, node: NodeId, tuple: Tuple, segment: &Segment, why: Rule, event: u64) {
        let iss = Seq::initial(segment.seq);
        let anew = matches!(why, Rule::ActiveOpen | Rule::SynAnswered | Rule::SynCookieSent);
        let before = self.ends.get(&(node, tuple)).filter(|end| !anew && end.iss.wire() == segment.seq);
        let heard = self.ends.get(&(node, tuple)).and_then(|end| end.heard);
        let answered = heard.filter(|peer| segment.has(Flags::ACK) && segment.ack == peer.isn.add(1));
        let peer = answered.or(before.and_then(|end| end.peer));
        let nxt = before.map_or(iss, |end| end.nxt).max(iss + u64::from(segment.seq_len()));
        let offered = peer
            // Behind a cookie nothing is remembered, not even the window.
            .filter(|_| segment.has(Flags::ACK) && why != Rule::SynCookieSent)
            .map(|peer| Seq::initial(peer.isn) + 1 + u64::from(segment.wnd));
        let born = before.map_or(event, |end| end.born);
        let met =
            if answered.is_some() && before.is_none() { event } else { before.map_or(event, |end| end.met) };
        let end = End {
            iss,
            nxt,
            born,
            met,
            own_shift: segment.options.wscale,
            peer,
            heard,
            edge: None,
            ack: peer.map(|peer| Seq::initial(peer.isn)),
            offered,
            fin: None,
            last: None,
            cookie: false,
            timestamps: segment.options.timestamps.is_some(),
        };
        self.ends.insert((node, tuple), end);
    }

    /// A segment has come to an end, or to where one may begin.
    pub(super) fn received(&mut self, node: NodeId, tuple: Tuple, packet: &Packet, event: u64) {
        let Some(segment) = packet.tcp() else { return };
        if segment.has(Flags::SYN) {
            self.received_syn(node, tuple, segment, event);
        }
        let Some(end) = self.ends.get_mut(&(node, tuple)) else { return };
        if segment.has(Flags::ACK) && !segment.has(Flags::RST) {
            let shift = if segment.has(Flags::SYN) { 0 } else { end.shifts().0 };
            let edge = Seq::near(end.nxt, segment.ack) + (u64::from(segment.wnd) << shift);
            end.edge = Some(end.edge.map_or(edge, |before| before.max(edge)));
        }
    }
    fn received_syn(&mut self, node: NodeId, tuple: Tuple, segment: &Segment, event: u64) {
        let peer = Peer {
            isn: segment.seq,
            shift: segment.options.wscale,
            mss: segment.options.mss,
            timestamps: segment.options.timestamps.is_some(),
        };
        match self.ends.get_mut(&(node, tuple)) {
            Some(end) => {
                end.heard = Some(peer);
                if end.peer.is_none() {
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
                    peer: Some(peer),
                    heard: Some(peer),
                    edge: None,
                    ack: None,
                    offered: None,
                    fin: None,
                    last: None,
                    cookie: false,
                    timestamps: false,
                };
                self.ends.insert((node, tuple), end);
            }
        }
    }
}
