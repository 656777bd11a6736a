//! Packets at a node: arriving, being forwarded or handed to the host, and leaving.

mod host;
mod router;
mod transmit;

pub(crate) use host::{HostNode, Power};
pub(crate) use router::RouterNode;
pub(crate) use transmit::Origin;

use tcp::Time;

use crate::hash::TraceHash;
use crate::route::Hop;
use crate::simulator::Simulator;
use crate::slab::Handle;
use crate::trace::{Cause, DropReason, Fate, NodeId, PipeId, What};
use crate::{Packet, PacketId};

/// A host or a router.
#[derive(Clone)]
pub(crate) enum Node {
    Host(Box<HostNode>),
    Router(Box<RouterNode>),
}

/// What the words of the trace hash begin with, one for each kind of record.
#[derive(Clone, Copy, Hash)]
pub(crate) enum Mark {
    Made = 1,
    Forwarded,
    Received,
    Fate,
    Dropped,
    State,
}

impl Mark {
    /// Takes an event into the trace hash: its kind, when and where it happened, and the packet.
    #[inline]
    fn note(self, hash: &mut TraceHash, now: Time, place: u32, packet: PacketId) {
        hash.add(now.as_nanos());
        hash.add((self as u64) << 60 | u64::from(place) << 32 ^ packet.0);
    }
}

impl Simulator {
    /// A packet comes out of `pipe` at `node`.
    #[inline(always)]
    pub(crate) fn arrive(&mut self, node: NodeId, pipe: PipeId, handle: Handle) {
        if self.tracing() {
            self.record_received(node, pipe, handle);
        }
        self.note(Mark::Received, pipe.0, handle.id);
        match self.nodes[node.0 as usize] {
            Node::Router(_) => self.route(node, handle),
            Node::Host(_) => self.receive(node, handle),
        }
    }
    #[cold]
    fn record_received(&mut self, node: NodeId, pipe: PipeId, handle: Handle) {
        let packet = self.out.packets.get_mut(handle).clone();
        self.record(What::Received { node, pipe, packet });
    }
    /// Takes an event into the trace hash: its kind, where it happened and the packet.
    #[inline]
    pub(crate) fn note(&mut self, mark: Mark, place: u32, packet: PacketId) {
        mark.note(&mut self.hash, self.now, place, packet);
    }
    /// A node drops a packet.
    pub(crate) fn drop_at(&mut self, node: NodeId, packet: PacketId, why: DropReason) {
        self.note(Mark::Dropped, node.0, packet);
        self.hash.add(drop_code(why));
        if self.tracing() {
            self.record(What::Dropped { node, packet, why });
        }
    }
    /// The number of a new packet.
    pub(crate) fn packet_id(&mut self) -> PacketId {
        self.out.packet_id()
    }
    /// A node sends a packet of its own: a host's, a router's ICMP message, or a forged one.
    pub(crate) fn send_from(&mut self, node: NodeId, packet: Packet, why: Cause) {
        let handle = self.out.packets.insert(packet);
        self.send_out(node, handle, why);
    }
    /// A node sends a packet of its own that has its place already.
    #[inline(always)]
    pub(crate) fn send_out(&mut self, node: NodeId, handle: Handle, why: Cause) {
        let only = match &self.nodes[node.0 as usize] {
            Node::Host(host) => host.net.only,
            Node::Router(_) => None,
        };
        let Some(pipe) = only.or_else(|| self.next_hop(node, self.out.packets.get(handle).ip.dst)) else {
            self.out.packets.remove(handle);
            return self.drop_at(node, handle.id, DropReason::NoRoute);
        };
        if handle.len() <= u32::from(self.pipes[pipe.0 as usize].mtu) {
            return self.hand_over(pipe, handle, Origin::Made(why));
        }
        let packet = self.out.packets.take(handle);
        if packet.ip.df {
            self.fate_of(pipe, packet.id, Fate::TooBig);
        } else {
            self.transmit_pieces(pipe, *packet, Origin::Made(why));
        }
    }
    /// The direction of a link on which a node sends to an address.
    pub(crate) fn next_hop(&self, node: NodeId, to: std::net::IpAddr) -> Option<PipeId> {
        match self.hop_from(node, to) {
            Hop::Pipe(pipe) => Some(pipe),
            Hop::Unreachable | Hop::NoRoute => None,
        }
    }
    #[inline]
    fn hop_from(&self, node: NodeId, dst: std::net::IpAddr) -> Hop {
        match &self.nodes[node.0 as usize] {
            Node::Host(host) => host.net.lookup(dst),
            Node::Router(router) => router.routes.lookup(dst),
        }
    }
}

/// A number for each reason, which only the trace hash sees.
pub(crate) fn drop_code(why: DropReason) -> u64 {
    match why {
        DropReason::Tcp(rule) => 0x100 + u64::from(rule.code()),
        DropReason::TtlExceeded => 1,
        DropReason::NoRoute => 2,
        DropReason::NotOurs => 3,
        DropReason::FragmentationNeeded => 4,
        DropReason::BadIpChecksum => 5,
        DropReason::BadHeader => 6,
        DropReason::ReassemblyTimeout => 7,
        DropReason::BadFragment => 8,
        DropReason::NoUdpPort => 9,
        DropReason::UdpQueueFull => 10,
        DropReason::BadUdpChecksum => 11,
        DropReason::BadIcmpChecksum => 12,
        DropReason::HostDown => 13,
        DropReason::IcmpUnmatched => 14,
        DropReason::SourceRoute => 15,
    }
}
