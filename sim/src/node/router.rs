//! A router: longest prefix, TTL, fragmentation, ICMP errors.
//!
//! A packet is forwarded in the event that brought it: a router takes no time of its own.

use std::net::IpAddr;

use super::{Node, Origin};
use crate::ip;
use crate::packet::IcmpKind;
use crate::route::{Hop, Routes};
use crate::simulator::Simulator;
use crate::slab::Handle;
use crate::spec;
use crate::trace::{Cause, DropReason, NodeId, Trigger};

/// A router.
#[derive(Clone)]
pub(crate) struct RouterNode {
    pub(crate) address: IpAddr,
    pub(crate) routes: Routes,
    icmp: bool,
    limit: ip::IcmpLimit,
}

/// TTL of the ICMP messages that a router sends.
const TTL: u8 = 64;

impl RouterNode {
    pub(crate) fn new(spec: &spec::Router, routes: Routes) -> RouterNode {
        RouterNode { address: spec.address, routes, icmp: spec.icmp, limit: ip::IcmpLimit::default() }
    }
}

impl Simulator {
    /// A packet reaches a router.
    pub(crate) fn route(&mut self, node: NodeId, handle: Handle) {
        let packet = self.out.packets.get_mut(handle);
        if let Err(why) = crate::wire::look_at_header(packet) {
            let id = packet.id;
            self.out.packets.remove(handle);
            return self.drop_at(node, id, why);
        }
        let Node::Router(router) = &self.nodes[node.0 as usize] else { return };
        if packet.ip.dst == router.address {
            // It runs nothing that could want it.
            return self.refuse(node, handle, DropReason::NotOurs, IcmpKind::ProtocolUnreachable);
        }
        if packet.ip.ttl <= 1 {
            return self.refuse(node, handle, DropReason::TtlExceeded, IcmpKind::TtlExceeded);
        }
        packet.ip.ttl -= 1;
        let may_cut = !packet.ip.df && !packet.ip.is_v6();
        let pipe = match router.routes.lookup(packet.ip.dst) {
            Hop::Pipe(pipe) => pipe,
            Hop::Unreachable => {
                return self.refuse(node, handle, DropReason::NoRoute, IcmpKind::HostUnreachable);
            }
            Hop::NoRoute => return self.refuse(node, handle, DropReason::NoRoute, IcmpKind::NetUnreachable),
        };
        let mtu = self.pipes[pipe.0 as usize].mtu;
        if handle.len <= u32::from(mtu) {
            self.transmit(pipe, handle, Origin::Forwarded);
        } else if may_cut {
            let packet = self.out.packets.take(handle);
            self.transmit_pieces(pipe, *packet, Origin::Forwarded);
        } else {
            let kind = IcmpKind::FragmentationNeeded(mtu);
            self.refuse(node, handle, DropReason::FragmentationNeeded, kind);
        }
    }

    /// Drops a packet, and tells its sender if ICMP is allowed to.
    fn refuse(&mut self, node: NodeId, handle: Handle, why: DropReason, kind: IcmpKind) {
        let packet = self.out.packets.take(handle);
        self.drop_at(node, packet.id, why);
        let now = self.now;
        let Node::Router(router) = &mut self.nodes[node.0 as usize] else { return };
        if !router.icmp || !ip::may_answer(&packet) || !router.limit.allows(now, packet.ip.src, kind) {
            return;
        }
        let from = router.address;
        let id = self.packet_id();
        if let Some(answer) = ip::icmp_error(id, from, &packet, kind, TTL) {
            let why = Cause { trigger: Trigger::Packet(packet.id), rule: ip::rule(kind) };
            self.send_from(node, answer, why);
        }
    }
}
