//! Checkers: they look at what happens and influence nothing. Each lives apart from what it checks.
//!
//! [`StreamCheck`] is told by the socket layer what programs write and read. The others see what a view sees: after each
//! event its lines of the trace, and the readings of the connections that those name. Sequence numbers, windows and options
//! are taken from the segments again, as they went out and as they came. Which readings a law believes is told in
//! `docs/finding.md`: those that it judges, and a few that only spare somebody.

mod answers;
mod bounds;
mod closing;
mod conservation;
mod ends;
mod law;
mod liveness;
mod memory;
mod offers;
mod rtt;
mod segments;
mod sequence;
mod storm;
mod stream;
mod timers;
mod transitions;
mod unsent;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use tcp::{Config, Flags, Info, Rule, Running, Time, Tuple};

pub use law::{Law, Violation};
pub use stream::{Finding, StreamCheck, StreamEnd, StreamEvent, Wrong};
pub use transitions::transitions;

use crate::digest::Places;
use crate::packet::{Body, Packet, PacketId};
use crate::simulator::Simulator;
use crate::spec::{Node, Spec};
use crate::trace::{DropReason, NodeId, Record, What};

/// Violations kept: the first ones tell enough.
const MOST: usize = 100;

/// What takes long is counted each so many events, and when nothing more happens.
const AUDIT: u64 = 64;

/// Whether it is counted now: in a large network each time as many events have passed as it has directions.
fn is_audit(sim: &Simulator) -> bool {
    let directions = u64::from(sim.names().pipes()).next_power_of_two();
    sim.events().is_multiple_of(AUDIT.max(directions))
}

/// All checkers of a run but the one of streams.
#[derive(Clone, Debug)]
pub(crate) struct Checks {
    /// Records before this one have been looked at.
    pub(crate) seen: usize,
    /// Whether somebody else wants the records.
    pub(crate) keep: bool,
    hosts: Arc<[Option<Facts>]>,
    ends: ends::Ends,
    transitions: transitions::Transitions,
    storm: storm::Storm,
    closing: closing::Closing,
    answers: answers::Answers,
    unsent: unsent::Unsent,
    samples: rtt::Samples,
    found: Vec<Violation>,
    touched: Vec<(NodeId, Tuple)>,
    /// What waits for a host that is paused: it has come, and nobody has looked at it.
    late: Vec<(NodeId, Packet)>,
    /// What of it was read in this event, and after how many records.
    read: Vec<(usize, NodeId, PacketId)>,
}

/// What a checker may know of a host beforehand.
#[derive(Clone, Debug)]
struct Facts {
    addresses: Vec<std::net::IpAddr>,
    config: Arc<Config>,
}

/// Where violations go.
struct Findings<'a> {
    event: u64,
    time: Time,
    found: &'a mut Vec<Violation>,
}

impl Findings<'_> {
    fn add(&mut self, law: Law, node: NodeId, tuple: Option<Tuple>, text: String) {
        if self.found.len() < MOST {
            let (time, event) = (self.time, self.event);
            self.found.push(Violation { time, event, law, node, tuple, text, excuse: None });
        }
    }
}

/// A connection after an event.
struct Reading<'a> {
    node: NodeId,
    tuple: Tuple,
    info: &'a Info,
    running: &'a Running,
    config: &'a Config,
}

impl Checks {
    pub(crate) fn new(spec: &Spec, keep: bool) -> Checks {
        let facts = |node: &Node| match node {
            Node::Host(host) => {
                Some(Facts { addresses: host.addresses.clone(), config: Arc::clone(&host.tcp) })
            }
            Node::Router(_) => None,
        };
        let hosts: Arc<[Option<Facts>]> = spec.nodes.values().map(facts).collect();
        let owners = hosts.iter().zip(0..).flat_map(|(facts, number)| {
            let addresses = facts.iter().flat_map(|facts| &facts.addresses);
            addresses.map(move |address| (*address, NodeId(number)))
        });
        Checks {
            seen: 0,
            keep,
            ends: ends::Ends::new(owners.collect()),
            hosts,
            transitions: transitions::Transitions::default(),
            storm: storm::Storm::default(),
            closing: closing::Closing::default(),
            answers: answers::Answers::default(),
            unsent: unsent::Unsent::default(),
            samples: rtt::Samples::default(),
            found: Vec::new(),
            touched: Vec::new(),
            late: Vec::new(),
            read: Vec::new(),
        }
    }
    /// For digests: what may still be found depends on it, and what was found is told of a world as a whole.
    pub(crate) fn digest_into<H: Hasher>(&self, places: &Places, state: &mut H) {
        let Checks {
            seen: _,
            keep: _,
            hosts: _,
            ends,
            transitions,
            storm,
            closing,
            answers,
            unsent: _,  // within an event
            samples: _, // within an event
            found,
            touched: _,
            late: _, // the host has them, too
            read: _, // within an event
        } = self;
        ends.digest_into(places, state);
        transitions.digest_into(state);
        storm.digest_into(places, state);
        closing.digest_into(places, state);
        answers.digest_into(places, state);
        for violation in found {
            (violation.law, violation.node, violation.tuple).hash(state);
        }
    }
    pub(crate) fn found(&self) -> &[Violation] {
        &self.found
    }
    /// Whether a forged segment may have changed what is read of this connection.
    pub(crate) fn is_tainted(&self, tuple: &Tuple) -> bool {
        self.ends.is_tainted(tuple)
    }
    /// When something of what this end sent was last acknowledged.
    fn moved(&self, node: NodeId, tuple: &Tuple) -> Option<Time> {
        Some(self.ends.get(node, tuple)?.moved)
    }
    /// A host has lost all that it knew.
    pub(crate) fn forget(&mut self, node: NodeId) {
        self.ends.forget(node);
        self.transitions.forget(node);
        self.closing.forget(node);
        self.answers.forget(node);
        self.late.retain(|(of, _)| *of != node);
    }

    /// Looks at what an event has done.
    pub(crate) fn after_event(&mut self, sim: &Simulator) {
        let records = sim.records();
        let event = sim.events();
        for (at, record) in records.iter().enumerate().skip(self.seen) {
            if !self.read.is_empty() {
                self.look_at_read(at, (record.time, event));
            }
            self.look_at(sim, record, event);
        }
        self.seen = records.len();
        self.look_at_read(records.len(), (sim.now(), event));
        let mut touched = std::mem::take(&mut self.touched);
        for (node, tuple) in touched.drain(..) {
            self.look_at_connection(sim, node, tuple);
        }
        self.touched = touched; // for its room
        self.answers.look(sim, &mut Findings { event, time: sim.now(), found: &mut self.found });
        self.look_at_books(sim, conservation::look);
        if is_audit(sim) {
            memory::audit(sim, &mut Findings { event, time: sim.now(), found: &mut self.found });
        }
    }
    /// Looks at what there is when nothing more happens.
    pub(crate) fn at_the_end(&mut self, sim: &Simulator) {
        self.look_at_books(sim, conservation::audit);
        let (event, time) = (sim.events(), sim.now());
        memory::audit(sim, &mut Findings { event, time, found: &mut self.found });
    }
    fn look_at_books(&mut self, sim: &Simulator, look: fn(&Simulator, &mut Findings<'_>)) {
        // Books that are wrong stay wrong: it is told once.
        if !self.found.iter().any(|violation| violation.law == Law::Conservation) {
            look(sim, &mut Findings { event: sim.events(), time: sim.now(), found: &mut self.found });
        }
    }

    fn look_at(&mut self, sim: &Simulator, record: &Record, event: u64) {
        let findings = &mut Findings { event, time: record.time, found: &mut self.found };
        match &record.what {
            What::Sent { node, packet, why: Some(why), .. } => {
                // The first piece of a segment that was cut stands for all of it.
                let packet = match &packet.body {
                    Body::Fragment(piece) if piece.offset == 0 => &*piece.of,
                    _ => packet,
                };
                let Some(tuple) = packet.tuple() else { return };
                let facts = self.hosts.get(node.0 as usize).and_then(Option::as_ref);
                if why.rule.is_forged() {
                    self.ends.forged(&tuple, packet.id);
                } else if let Some(facts) = facts.filter(|facts| facts.addresses.contains(&packet.ip.src)) {
                    segments::sent(*node, packet, facts, &self.ends, findings);
                    sequence::sent(*node, packet, why.rule, facts, &self.ends, findings);
                    let peer = self.ends.owner(&tuple.remote.ip());
                    let peer = peer.and_then(|peer| self.hosts.get(peer.0 as usize)?.as_ref());
                    let excused = storm::may_go_on(facts, peer, self.ends.is_forged(&tuple));
                    let patience = storm::patience(facts, peer);
                    self.storm.sent(*node, packet, (*why, excused), patience, &self.ends, findings);
                    self.closing.sent(*node, tuple, packet, *why, record.time);
                    self.answers.sent((*node, tuple), packet, *why, facts, findings);
                    self.ends.sent((*node, tuple), packet, why.rule, (record.time, event));
                    let octets = packet.tcp().map_or(0, |segment| segment.payload.len());
                    if octets > 0 && bounds::counts_segments(&facts.config) {
                        self.ends.count_data(*node, tuple, octets);
                    }
                    if packet.tcp().is_some_and(|segment| segment.has(Flags::SYN)) {
                        memory::answered(sim, (*node, tuple), &facts.config, findings);
                        sequence::began(*node, tuple, why.rule, facts, &self.ends, findings);
                    }
                    touch(&mut self.touched, *node, tuple);
                }
            }
            What::Received { node, packet, .. } => {
                if matches!(packet.body, Body::Icmp(_)) {
                    self.answers.disturbed();
                }
                if let Body::Fragment(piece) = &packet.body {
                    let tuple = piece.of.tuple().map(|tuple| tuple.reversed());
                    memory::piece_came(sim, *node, tuple, findings);
                }
                if sim.is_up(*node) {
                    self.received(*node, packet, (record.time, event));
                } else {
                    self.late.push((*node, packet.clone()));
                }
            }
            What::Dropped { node, packet, why: DropReason::HostDown } => {
                // There was no room for it; a copy that came before may wait.
                if let Some(at) =
                    self.late.iter().rposition(|(of, waiting)| of == node && waiting.id == *packet)
                {
                    self.late.remove(at);
                }
            }
            What::Dropped { node, packet, why: DropReason::Tcp(Rule::Paws) } => {
                self.answers.too_old(*node, *packet, findings);
            }
            What::Fault { .. } => self.answers.disturbed(),
            What::State { node, tuple, from, to, why } => {
                if why.rule == Rule::SynCookieAccepted {
                    let bringer = self.closing.bringer(*why);
                    self.answers.reborn((*node, *tuple), bringer);
                    self.ends.reborn(*node, *tuple, bringer, event);
                }
                self.transitions.changed(*node, *tuple, *from, *to, findings);
                if let Some(Some(facts)) = self.hosts.get(node.0 as usize) {
                    let (node, tuple) = (*node, *tuple);
                    let change = closing::Change { node, tuple, from: *from, to: *to, why: *why };
                    self.closing.changed(&change, facts, &self.ends, findings);
                    self.answers.changed(&change, &self.ends, findings);
                }
                touch(&mut self.touched, *node, *tuple);
            }
            What::Tcp { node, tuple, .. } => touch(&mut self.touched, *node, *tuple),
            _ => {}
        }
    }

    /// A host that was paused does what it has missed from now on.
    pub(crate) fn goes_on(&mut self, node: NodeId, now: Time) {
        self.ends.goes_on(node, now);
    }
    /// A host that was paused looks at this packet, after so many records.
    pub(crate) fn read_late(&mut self, node: NodeId, id: PacketId, after: usize) {
        self.read.push((after, node, id));
    }
    /// What was read before so many records.
    fn look_at_read(&mut self, before: usize, when: (Time, u64)) {
        let count = self.read.iter().take_while(|(after, ..)| *after <= before).count();
        for (_, node, id) in self.read.drain(..count).collect::<Vec<_>>() {
            let at = self.late.iter().position(|(of, packet)| *of == node && packet.id == id);
            if let Some(at) = at {
                let (_, packet) = self.late.remove(at);
                self.received(node, &packet, when);
            }
        }
    }

    /// A packet has come to a node.
    fn received(&mut self, node: NodeId, packet: &Packet, (now, event): (Time, u64)) {
        let Some(Some(facts)) = self.hosts.get(node.0 as usize) else { return };
        self.storm.received(packet);
        let whole = !matches!(packet.body, Body::Fragment(_));
        let read; // what it has become on its way
        let packet = match (&packet.body, packet.flipped_bit) {
            (Body::Tcp(_), None) => packet,
            (Body::Tcp(_), Some(_)) => match crate::wire::as_received(packet.clone()) {
                Ok(damaged) => {
                    read = damaged;
                    &read
                }
                Err(_) => return,
            },
            // Of a segment in pieces the last one to come brings all: it may be any of them.
            (Body::Fragment(piece), None) => &*piece.of,
            _ => return,
        };
        let Some(tuple) = packet.tuple().map(|tuple| tuple.reversed()) else { return };
        if let Some(segment) = packet.tcp() {
            self.closing.received(packet.id, segment, event);
            self.unsent.received(node, tuple, segment, &self.ends, event);
            self.samples.received((node, tuple), segment, &self.ends, (now, event));
        }
        self.ends.received(node, tuple, packet, (now, event));
        self.answers.received((node, tuple), (packet, now), facts, &self.ends, &self.closing);
        if !whole {
            self.answers.in_pieces(packet.id);
        }
        touch(&mut self.touched, node, tuple);
    }

    fn look_at_connection(&mut self, sim: &Simulator, node: NodeId, tuple: Tuple) {
        let Some(facts) = self.hosts.get(node.0 as usize).and_then(Option::as_ref) else { return };
        let Some((info, running)) = sim.reading(node, &tuple) else { return };
        let reading = Reading { node, tuple, info: &info, running: &running, config: &facts.config };
        let findings = &mut Findings { event: sim.events(), time: sim.now(), found: &mut self.found };
        self.unsent.look(&reading, &self.ends, findings);
        self.samples.look(&reading, &mut self.ends, findings);
        sequence::look(&reading, &mut self.ends, findings);
        timers::look(&reading, &mut self.ends, findings);
        bounds::look(&reading, &self.ends, findings);
    }
}

/// What of a world that should have come to rest has not: call it long after the last fault.
pub(crate) fn unrest(sim: &Simulator, checks: Option<&Checks>) -> Vec<Violation> {
    liveness::unrest(sim, checks)
}

fn touch(touched: &mut Vec<(NodeId, Tuple)>, node: NodeId, tuple: Tuple) {
    if !touched.contains(&(node, tuple)) {
        touched.push((node, tuple));
    }
}

#[cfg(test)]
mod tests;
