//! What became of each packet: a trace read once, so that a view can tell a packet's whole journey where it begins.

use std::collections::BTreeMap;

use sim::packet::{Body, Packet, PacketId};
use sim::trace::{Cause, DropReason, Fate, NodeId, PipeId, Record, What};
use tcp::Time;

use crate::names::Names;
use crate::view::flow::{Flows, Relative};

/// A trace with its names and the journeys of its packets.
pub struct Story<'a> {
    /// The trace.
    pub records: &'a [Record],
    /// The names in it.
    pub names: &'a Names,
    journeys: BTreeMap<PacketId, Journey<'a>>,
    /// Whether there are two connections or more, so that the names of hosts do not tell which is meant.
    many: bool,
}

/// A packet from the node that made it to wherever it came.
pub struct Journey<'a> {
    /// Its number for people: counted from one, in the order of sending.
    pub number: u32,
    /// Index of the record that tells of its sending.
    pub record: usize,
    /// The node that made it.
    pub origin: NodeId,
    /// When it was sent.
    pub sent: Time,
    /// The packet, as it was sent.
    pub packet: &'a Packet,
    /// Why it was made.
    pub why: Option<Cause>,
    /// Its numbers as people count, for a TCP segment.
    pub relative: Option<Relative>,
    /// When it arrived at the node that its destination address names; once for each copy.
    pub arrivals: Vec<Time>,
    /// What the network did to it, and where.
    pub fates: Vec<(Time, PipeId, Fate)>,
    /// The node that dropped it.
    pub dropped: Option<(Time, NodeId, DropReason)>,
}

impl<'a> Story<'a> {
    /// Reads a trace.
    pub fn read(records: &'a [Record], names: &'a Names) -> Story<'a> {
        let mut story = Story { records, names, journeys: BTreeMap::new(), many: false };
        let mut flows = Flows::default();
        for (index, record) in records.iter().enumerate() {
            story.follow(index, record, &mut flows);
        }
        story.many = flows.connections() > 1;
        story
    }

    fn follow(&mut self, index: usize, record: &'a Record, flows: &mut Flows) {
        match &record.what {
            What::Sent { node, packet, why, .. } => {
                let number = self.journeys.len() as u32 + 1;
                let injected = why.is_some_and(|why| why.rule.is_forged());
                let forged = injected || self.is_forged(*node, packet);
                self.journeys.entry(packet.id).or_insert_with(|| Journey {
                    number,
                    record: index,
                    origin: *node,
                    sent: record.time,
                    packet,
                    why: *why,
                    relative: flows.number(packet, forged),
                    arrivals: Vec::new(),
                    fates: Vec::new(),
                    dropped: None,
                });
            }
            What::Received { node, packet, .. } => {
                let at_home = self.names.owner(packet.ip.dst) == Some(*node);
                if let Some(journey) = self.journeys.get_mut(&packet.id).filter(|_| at_home) {
                    journey.arrivals.push(record.time);
                }
            }
            What::Fate { pipe, packet, fate } => {
                if let Some(journey) = self.journeys.get_mut(packet) {
                    journey.fates.push((record.time, *pipe, *fate));
                }
            }
            What::Dropped { node, packet, why } => {
                if let Some(journey) = self.journeys.get_mut(packet) {
                    journey.dropped = Some((record.time, *node, *why));
                }
            }
            What::State { .. } | What::Tcp { .. } | What::Program { .. } | What::Fault { .. } => {}
        }
    }

    /// The journey of a packet.
    pub fn journey(&self, id: PacketId) -> Option<&Journey<'a>> {
        self.journeys.get(&id)
    }

    /// All journeys, in the order of the packets' numbers.
    pub fn journeys(&self) -> impl Iterator<Item = &Journey<'a>> {
        self.journeys.values()
    }

    /// A host's name, with a port where there are several connections.
    pub fn with_port(&self, name: &str, port: u16) -> String {
        if self.many { format!("{name}:{port}") } else { name.to_owned() }
    }

    /// The port by which people tell a segment's connection from others, where there are several: the higher one,
    /// which is the ephemeral one.
    pub fn port(&self, packet: &Packet) -> Option<u16> {
        match &packet.body {
            Body::Tcp(segment) => self.port_of(segment.src, segment.dst),
            Body::Udp(_) | Body::Icmp(_) | Body::Echo(_) | Body::Fragment(_) => None,
        }
    }

    /// As [`port`](Story::port), for a connection between these two.
    pub fn port_of(&self, a: u16, b: u16) -> Option<u16> {
        self.many.then(|| a.max(b))
    }

    /// Whether record `index` tells of a packet's making (else of its being forwarded). A packet that its own sender
    /// cuts into fragments is made once for each.
    pub fn is_origin(&self, index: usize, node: NodeId, packet: &Packet) -> bool {
        self.journeys.get(&packet.id).is_some_and(|journey| {
            journey.record == index || (journey.origin == node && matches!(packet.body, Body::Fragment(_)))
        })
    }

    /// Whether the packet's source address is not one of `node`'s, though it is somebody's or nobody's.
    pub fn is_forged(&self, node: NodeId, packet: &Packet) -> bool {
        !self.names.addresses(node).contains(&packet.ip.src)
    }
}

impl Journey<'_> {
    /// Whether it came late, or more than once, so that its arrival is news.
    pub fn is_astray(&self) -> bool {
        self.fates
            .iter()
            .any(|(_, _, fate)| matches!(fate, Fate::Duplicated(_) | Fate::Delayed(_) | Fate::Corrupted(_)))
    }
    /// Whether no copy of it arrived.
    pub fn is_lost(&self) -> bool {
        self.arrivals.is_empty() && self.fates.iter().any(|(_, _, fate)| is_loss(*fate))
    }
}

/// Whether a packet ends by this.
pub fn is_loss(fate: Fate) -> bool {
    match fate {
        Fate::Lost
        | Fate::DroppedByRule(_)
        | Fate::QueueFull
        | Fate::DroppedEarly
        | Fate::LinkDown
        | Fate::TooBig => true,
        Fate::Duplicated(_)
        | Fate::Delayed(_)
        | Fate::Corrupted(_)
        | Fate::Marked
        | Fate::Rewritten(_)
        | Fate::Fragmented(_) => false,
    }
}
