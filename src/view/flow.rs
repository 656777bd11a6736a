//! Sequence numbers as people count them: from the initial one on, the SYN being 0 and the first octet 1.
//!
//! A trace is read once from start to end; each segment is numbered where it is first sent. Unlike tcpdump, which
//! counts modulo 2^32 from whatever it saw first, numbers here go on past 2^32 and may be below zero.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use sim::packet::{Body, Packet};
use tcp::{Flags, Segment, Seq, SeqNum};

/// The initial sequence number of each direction of each connection seen so far.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    ways: BTreeMap<(SocketAddr, SocketAddr), Way>,
}

/// One direction of a connection.
#[derive(Clone, Copy, Debug)]
struct Way {
    isn: Seq,
    highest: Seq,
}

/// The numbers of a segment, relative to the initial ones where those are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relative {
    /// SEG.SEQ.
    pub seq: i64,
    /// SEG.ACK.
    pub ack: i64,
    /// SACK blocks, in wire order.
    pub sack: Vec<(i64, i64)>,
}

/// The source and the destination of a segment, with ports.
pub fn ends(packet: &Packet, segment: &Segment) -> (SocketAddr, SocketAddr) {
    (SocketAddr::new(packet.ip.src, segment.src), SocketAddr::new(packet.ip.dst, segment.dst))
}

impl Flows {
    /// Connections whose SYN was seen.
    pub fn connections(&self) -> usize {
        let both: BTreeSet<_> = self.ways.keys().map(|(a, b)| if a <= b { (a, b) } else { (b, a) }).collect();
        both.len()
    }

    /// The numbers of a segment that is sent now. A forged SYN is numbered, but starts nothing.
    pub fn number(&mut self, packet: &Packet, forged: bool) -> Option<Relative> {
        let Body::Tcp(segment) = &packet.body else { return None };
        let (src, dst) = ends(packet, segment);
        if segment.has(Flags::SYN) && (!forged || !self.ways.contains_key(&(src, dst))) {
            let isn = Seq::initial(segment.seq);
            self.ways.insert((src, dst), Way { isn, highest: isn });
        }
        let sack = segment.options.sack.as_slice().iter();
        Some(Relative {
            seq: self.relative((src, dst), segment.seq, segment.seq_len()),
            ack: self.relative((dst, src), segment.ack, 0),
            sack: sack
                .map(|(l, r)| (self.relative((dst, src), *l, 0), self.relative((dst, src), *r, 0)))
                .collect(),
        })
    }

    /// `wire`, counted from the initial number of this direction, or as it stands where that is unknown.
    fn relative(&mut self, way: (SocketAddr, SocketAddr), wire: SeqNum, len: u32) -> i64 {
        let Some(way) = self.ways.get_mut(&way) else { return i64::from(wire.0) };
        let seq = Seq::near(way.highest, wire);
        if len > 0 {
            way.highest = way.highest.max(seq + u64::from(len));
        }
        seq.0.wrapping_sub(way.isn.0) as i64
    }
}
