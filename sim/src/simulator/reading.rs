//! What may be read of a world between two events.

use crate::check::Finding;
use crate::host::Counters;
use crate::link::PipeCounters;
use crate::node::Node;
use crate::spec;
use crate::topology::Names;
use crate::trace::{NodeId, PipeId};
use crate::view::SocketInfo;

use super::Simulator;

impl Simulator {
    /// Streams that were not read as they were written, in order.
    pub fn findings(&self) -> &[Finding] {
        self.out.streams.as_ref().map_or(&[], |streams| streams.findings())
    }
    /// A hash of all that was sent, received, done to packets, dropped and changed in state; the same whether a trace
    /// is kept or not.
    pub fn trace_hash(&self) -> u64 {
        self.hash.value()
    }
    /// Number of events so far.
    pub fn events(&self) -> u64 {
        self.events
    }
    /// Number of packets that were made and handed to a link so far; forwarding one makes no new one.
    pub fn packets_sent(&self) -> u64 {
        self.packets_sent
    }
    /// Number of packets on links.
    pub fn packets_under_way(&self) -> usize {
        self.out.packets.len()
    }
    /// Names and numbers.
    pub fn names(&self) -> &Names {
        &self.plan.names
    }
    /// What a direction of a link has done.
    pub fn pipe_counters(&self, pipe: PipeId) -> PipeCounters {
        self.pipes[pipe.0 as usize].counters
    }
    /// The parameters of a direction of a link, as they are now.
    pub fn way(&self, pipe: PipeId) -> &spec::Way {
        &self.pipes[pipe.0 as usize].way
    }
    /// Packets and bytes that wait in front of a direction of a link.
    pub fn backlog(&self, pipe: PipeId) -> (usize, u64) {
        self.pipes[pipe.0 as usize].backlog(self.now)
    }
    /// What TCP knows of one connection of a host, and which timers run.
    pub(crate) fn reading(&self, node: NodeId, tuple: &tcp::Tuple) -> Option<(tcp::Info, tcp::Running)> {
        match &self.nodes[node.0 as usize] {
            Node::Host(host) => host.host.reading(self.now, tuple),
            Node::Router(_) => None,
        }
    }
    /// The Timestamps option of a segment that a connection of a host would send now, if it uses timestamps.
    pub(crate) fn timestamps(&self, node: NodeId, tuple: &tcp::Tuple) -> Option<tcp::Timestamps> {
        match &self.nodes[node.0 as usize] {
            Node::Host(host) => host.host.timestamps(self.now, tuple),
            Node::Router(_) => None,
        }
    }
    /// How many half-open requests the listener of a host for this address has, and its backlog.
    pub(crate) fn listener_load(&self, node: NodeId, local: std::net::SocketAddr) -> Option<(usize, u32)> {
        match &self.nodes[node.0 as usize] {
            Node::Host(host) => host.host.listener_load(local),
            Node::Router(_) => None,
        }
    }
    /// Pieces of packets that a host keeps.
    pub(crate) fn pieces(&self, node: NodeId) -> Option<&crate::ip::Reassembly> {
        match &self.nodes[node.0 as usize] {
            Node::Host(host) => Some(host.host.pieces()),
            Node::Router(_) => None,
        }
    }
    /// Whether a host runs: neither crashed nor paused. A router always does.
    pub fn is_up(&self, node: NodeId) -> bool {
        match &self.nodes[node.0 as usize] {
            Node::Host(host) => host.power == crate::node::Power::Up,
            Node::Router(_) => true,
        }
    }
    /// The counters of a host; `None` for a router.
    pub fn counters(&self, node: NodeId) -> Option<Counters> {
        match &self.nodes[node.0 as usize] {
            Node::Host(host) => Some(host.host.counters()),
            Node::Router(_) => None,
        }
    }
    /// The sockets of a host, as `ss` shows them; none for a router.
    pub fn sockets(&self, node: NodeId) -> Vec<SocketInfo> {
        match &self.nodes[node.0 as usize] {
            Node::Host(host) => host.host.sockets(self.now),
            Node::Router(_) => Vec::new(),
        }
    }
    /// Checks that no packet was lost or made without being counted.
    ///
    /// # Panics
    /// If one was.
    pub fn check_conservation(&self) {
        let mut under_way = 0;
        for (number, pipe) in self.pipes.iter().enumerate() {
            let c = pipe.counters;
            let (on_the_way, bytes) = (pipe.on_the_way() as u64, pipe.bytes_on_the_way());
            assert_eq!(c.sent + c.copies, c.delivered + c.dropped + on_the_way, "packets of pipe {number}");
            let went = c.delivered_bytes + c.dropped_bytes + bytes;
            assert_eq!(c.sent_bytes + c.copied_bytes, went, "bytes of pipe {number}");
            under_way += pipe.on_the_way();
        }
        assert_eq!(under_way, self.out.packets.len(), "packets that no pipe has");
    }
}
