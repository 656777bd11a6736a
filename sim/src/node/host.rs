//! A host in the network: calls of the host, and what it wants to happen after each.

use tcp::{State, Time, Tuple};

use super::{Mark, Node};
use crate::calls::{Called, ProgramCall};
use crate::host::Host;
use crate::hostio::{HostItem, HostNet, Other};
use crate::packet::Packet;
use crate::queue::Source;
use crate::simulator::Simulator;
use crate::slab::Handle;
use crate::trace::{Cause, DropReason, NodeId, What};

/// A host, and what the network knows of it. Here, and in what a host consists of, what each packet needs stands first, side
/// by side: with thousands of hosts it is memory that a packet waits for.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct HostNode {
    /// The time at which the event queue wakes it. Restarting a timer does not move that: the host is woken too early
    /// then, and nobody notices.
    queued: Time,
    pub(crate) power: Power,
    pub(crate) net: HostNet,
    pub(crate) host: Host,
    /// What came while it was paused.
    waiting: Vec<Waiting>,
}

/// Whether a host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Power {
    Up,
    Paused,
    Down,
}

/// What waits for a paused host.
#[derive(Clone, Hash)]
enum Waiting {
    Packet(Box<Packet>),
    Kill(String),
}

/// Packets that wait for a paused host, at most (Linux `netdev_max_backlog`).
const MOST_WAITING: usize = 1000;

impl HostNode {
    /// For digests: what waits for it, and what it is.
    pub(crate) fn digest_into<H: std::hash::Hasher>(&self, idents: bool, state: &mut H) {
        use std::hash::Hash;
        // `queued` says when the event queue looks at it, in vain or not.
        let HostNode { host, net: _, power, waiting, queued: _ } = self;
        (host, power, waiting).hash(state);
        if idents {
            host.idents_into(state);
        }
    }
    /// Whether packets wait in it or for it.
    pub(crate) fn holds_packets(&self) -> bool {
        self.power != Power::Up || !self.waiting.is_empty() || self.host.holds_packets()
    }
    pub(crate) fn new(host: Host, net: HostNet) -> HostNode {
        HostNode { host, net, power: Power::Up, waiting: Vec::new(), queued: Time::NEVER }
    }
    /// When something of it is due next.
    #[inline]
    pub(crate) fn deadline(&self) -> Time {
        match self.power {
            Power::Up => self.host.deadline(),
            Power::Paused | Power::Down => Time::NEVER,
        }
    }
}

impl Simulator {
    pub(crate) fn host_node(&mut self, node: NodeId) -> Option<&mut HostNode> {
        match &mut self.nodes[node.0 as usize] {
            Node::Host(host) => Some(host),
            Node::Router(_) => None,
        }
    }
    /// A packet reaches a host.
    #[inline(always)]
    pub(crate) fn receive(&mut self, node: NodeId, handle: Handle) {
        let Node::Host(host) = &mut self.nodes[node.0 as usize] else { return };
        match host.power {
            Power::Up => {
                let packet = self.out.packets.lift(handle);
                self.give(node, &packet);
                self.out.packets.put_back(handle, packet);
            }
            Power::Paused if host.waiting.len() < MOST_WAITING => {
                host.waiting.push(Waiting::Packet(self.out.packets.take(handle)));
            }
            Power::Paused | Power::Down => {
                self.out.packets.remove(handle);
                self.drop_at(node, handle.id, DropReason::HostDown);
            }
        }
    }
    /// Hands a packet to a running host; a damaged one is looked at as the bytes that it has become.
    #[inline]
    fn give(&mut self, node: NodeId, packet: &Packet) {
        if packet.flipped_bit.is_some() {
            return self.give_damaged(node, packet);
        }
        self.with_host(node, |host, now, out| host.on_packet(now, packet, out));
    }
    #[cold]
    fn give_damaged(&mut self, node: NodeId, packet: &Packet) {
        match crate::wire::as_received(packet.clone()) {
            Ok(packet) => self.with_host(node, |host, now, out| host.on_packet(now, &packet, out)),
            Err(why) => self.drop_at(node, packet.id, why),
        }
    }
    /// A deadline of a host has come.
    pub(crate) fn on_host_deadline(&mut self, node: NodeId) {
        if let Some(host) = self.host_node(node) {
            host.queued = Time::NEVER;
        }
        self.with_host(node, |host, now, out| host.on_deadline(now, out));
    }
    /// Calls the host, then lets happen what it wants to happen.
    pub(crate) fn with_host(
        &mut self,
        node: NodeId,
        call: impl FnOnce(&mut Host, Time, &mut crate::HostOut),
    ) {
        let now = self.now;
        (self.out.node, self.out.event) = (node, self.events());
        // Borrowed field by field: the host and the buffer that it writes into.
        if let Node::Host(host) = &mut self.nodes[node.0 as usize] {
            call(&mut host.host, now, &mut self.out);
        }
        self.settle(node);
    }
    /// Lets happen what a host wants to happen, and brings the event queue up to date with it.
    #[inline(never)]
    fn settle(&mut self, node: NodeId) {
        if !self.out.items.is_empty() {
            self.drain(node);
        }
        self.schedule_host(node);
    }
    #[inline(always)]
    fn drain(&mut self, node: NodeId) {
        let items = std::mem::take(&mut self.out.items);
        for item in &items {
            match *item {
                HostItem::Send(handle, why) => self.send_out(node, handle, why),
                HostItem::Dropped(packet, why) => self.drop_at(node, packet, why),
                HostItem::Other(number) => self.do_other(node, number),
            }
        }
        self.out.are_done(items);
    }
    #[inline(never)]
    fn do_other(&mut self, node: NodeId, number: u32) {
        match self.out.take_other(number) {
            Some(Other::State(tuple, from, to, why)) => self.change_state(node, tuple, from, to, why),
            Some(Other::Record(what)) => self.record(what),
            Some(Other::Call(socket, call)) => self.note_call(socket, call),
            None => {}
        }
    }
    fn note_call(&mut self, socket: u32, call: ProgramCall) {
        let (at, place) = (self.now, self.records.len());
        if let Some(log) = &mut self.calls {
            log.calls.push(Called { at, place, socket, call });
        }
    }
    /// A connection of a host changes its state.
    fn change_state(&mut self, node: NodeId, tuple: Tuple, from: State, to: State, why: Cause) {
        let hash = &mut self.hash;
        hash.add(self.now.as_nanos());
        hash.add((Mark::State as u64) << 60 | u64::from(node.0) << 32 | u64::from(why.rule.code()));
        hash.add_addr(tuple.local.ip());
        hash.add_addr(tuple.remote.ip());
        let ports = u64::from(tuple.local.port()) << 16 | u64::from(tuple.remote.port());
        hash.add(ports << 32 | (from as u64) << 8 | to as u64);
        if self.tracing() {
            self.record(What::State { node, tuple, from, to, why });
        }
    }
    /// Brings the event queue up to date with a host.
    #[inline(always)]
    pub(crate) fn schedule_host(&mut self, node: NodeId) {
        let now = self.now;
        let Some(host) = self.host_node(node) else { return };
        // A deadline that has passed comes at once: time does not go back.
        let next = host.deadline().max(now);
        if next < host.queued {
            host.queued = next;
            self.queue.set(Source::Host(node.0), next);
        }
    }
    /// Whether something of a host is due at `time`, at which the event queue has it. If it is not, the queue learns
    /// better.
    pub(crate) fn is_due(&mut self, node: NodeId, time: Time) -> bool {
        let Some(host) = self.host_node(node) else { return false };
        let deadline = host.deadline();
        if deadline > time {
            host.queued = deadline;
            self.queue.set(Source::Host(node.0), deadline);
        }
        deadline <= time
    }

    /// The host does nothing from now on; what arrives waits.
    pub(crate) fn pause(&mut self, node: NodeId) {
        if let Some(host) = self.host_node(node).filter(|host| host.power == Power::Up) {
            host.power = Power::Paused;
        }
        self.schedule_host(node);
    }
    /// The host goes on: first with the packets that wait, in their order, then with its timers.
    pub(crate) fn resume(&mut self, node: NodeId) {
        let Some(host) = self.host_node(node).filter(|host| host.power == Power::Paused) else { return };
        host.power = Power::Up;
        let late = std::mem::take(&mut host.waiting);
        if let Some(checks) = &mut self.checks {
            checks.goes_on(node, self.now);
        }
        for waiting in late {
            match waiting {
                Waiting::Packet(packet) => {
                    let after = self.records.len();
                    if let Some(checks) = &mut self.checks {
                        checks.read_late(node, packet.id, after);
                    }
                    self.give(node, &packet);
                }
                Waiting::Kill(program) => self.kill(node, &program),
            }
        }
        self.schedule_host(node);
    }
    /// The host loses power.
    pub(crate) fn crash(&mut self, node: NodeId) {
        let Some(host) = self.host_node(node).filter(|host| host.power != Power::Down) else { return };
        host.power = Power::Down;
        host.waiting.clear();
        self.with_host(node, |host, now, out| host.crash(now, out));
        if let Some(checks) = &mut self.checks {
            checks.forget(node);
        }
    }
    /// The host boots.
    pub(crate) fn boot(&mut self, node: NodeId) {
        self.crash(node);
        let Some(host) = self.host_node(node) else { return };
        host.power = Power::Up;
        self.with_host(node, |host, now, out| host.boot(now, out));
    }
    /// A program of the host ends.
    pub(crate) fn kill(&mut self, node: NodeId, program: &str) {
        let Some(host) = self.host_node(node) else { return };
        match host.power {
            Power::Up => self.with_host(node, |host, now, out| host.kill(now, program, out)),
            Power::Paused => host.waiting.push(Waiting::Kill(program.to_string())),
            Power::Down => {}
        }
    }
}
