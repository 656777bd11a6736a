//! A router: longest prefix, TTL, fragmentation, ICMP errors, answers to echo requests.
//!
//! A packet is forwarded in the event that brought it: a router takes no time of its own.

use std::net::IpAddr;

use super::{Node, Origin};
use crate::ip;
use crate::packet::{Body, IcmpKind, Packet};
use crate::route::{Hop, Routes};
use crate::simulator::Simulator;
use crate::slab::Handle;
use crate::spec;
use crate::trace::{Cause, DropReason, NodeId, PipeId, Trigger};
use tcp::config::IcmpLimit;
use tcp::{Duration, Rule};

/// A router.
#[derive(Clone)]
pub(crate) struct RouterNode {
    pub(crate) address: IpAddr,
    /// The same in IPv4 as a number; in IPv6 zero.
    number: u32,
    pub(crate) routes: Routes,
    icmp: bool,
    limit: ip::IcmpLimit,
    /// Fragments to itself, once there were any.
    reassembly: Option<Box<ip::Reassembly>>,
    /// Identification of the next packet of its own that may be fragmented.
    ident: u16,
}

/// TTL of the ICMP messages that a router sends.
const TTL: u8 = 64;
/// Life of an incomplete reassembly (RFC 1122, section 3.3.2).
const REASSEMBLY: Duration = Duration::from_secs(60);

impl RouterNode {
    /// For digests; address and routes follow from the scenario and the time.
    pub(crate) fn digest_into<H: std::hash::Hasher>(&self, state: &mut H) {
        use std::hash::Hash;
        let RouterNode { address: _, number: _, routes: _, icmp: _, limit, reassembly, ident } = self;
        (limit, reassembly, ident).hash(state);
    }
    /// Whether fragments wait in it.
    pub(crate) fn holds_packets(&self) -> bool {
        self.reassembly.as_ref().is_some_and(|reassembly| !reassembly.is_empty())
    }
    pub(crate) fn new(spec: &spec::Router, routes: Routes) -> RouterNode {
        RouterNode {
            address: spec.address,
            number: if let IpAddr::V4(address) = spec.address { address.to_bits() } else { 0 },
            routes,
            icmp: spec.icmp,
            limit: ip::IcmpLimit::default(),
            reassembly: None,
            ident: 0,
        }
    }
}

impl Simulator {
    /// A packet reaches a router.
    #[inline(always)]
    pub(crate) fn route(&mut self, node: NodeId, handle: Handle) {
        match self.straight_on(node, handle) {
            Some(pipe) => self.hand_over(pipe, handle.one_hop_on(), Origin::Forwarded),
            None => self.look_and_route(node, handle),
        }
    }
    /// Where a packet goes of which there is nothing to say. The way is found by the handle alone: whoever waits for memory
    /// here waits for the packet, which was last looked at when it was sent.
    #[inline(always)]
    fn straight_on(&self, node: NodeId, handle: Handle) -> Option<PipeId> {
        let Node::Router(router) = &self.nodes[node.0 as usize] else { return None };
        let pipe = router.routes.plain(handle.dst()).filter(|_| handle.dst() != router.number)?;
        let fits = handle.len() <= u32::from(self.pipes[pipe.0 as usize].mtu);
        (fits && handle.ttl() > 1).then_some(pipe)
    }
    #[inline(never)]
    fn look_and_route(&mut self, node: NodeId, mut handle: Handle) {
        let packet = self.out.packets.get_mut(handle);
        if let Err(why) = crate::wire::look_at_header(packet) {
            let id = packet.id;
            self.out.packets.remove(handle);
            return self.drop_at(node, id, why);
        }
        let Node::Router(router) = &self.nodes[node.0 as usize] else { return };
        if packet.ip.dst == router.address {
            return self.arrive_at_router(node, handle);
        }
        if packet.ip.ttl <= 1 {
            return self.refuse(node, handle, DropReason::TtlExceeded, IcmpKind::TtlExceeded);
        }
        packet.ip.ttl -= 1;
        handle = handle.one_hop_on();
        let may_cut = !packet.ip.df && !packet.ip.is_v6();
        let pipe = match router.routes.lookup(packet.ip.dst) {
            Hop::Pipe(pipe) => pipe,
            Hop::Unreachable => {
                return self.refuse(node, handle, DropReason::NoRoute, IcmpKind::HostUnreachable);
            }
            Hop::NoRoute => return self.refuse(node, handle, DropReason::NoRoute, IcmpKind::NetUnreachable),
        };
        let mtu = self.pipes[pipe.0 as usize].mtu;
        if handle.len() <= u32::from(mtu) {
            self.transmit(pipe, handle, Origin::Forwarded);
        } else if may_cut {
            let packet = self.out.packets.take(handle);
            self.transmit_pieces(pipe, *packet, Origin::Forwarded);
        } else {
            let kind = IcmpKind::FragmentationNeeded(mtu);
            self.refuse(node, handle, DropReason::FragmentationNeeded, kind);
        }
    }

    /// A packet is addressed to the router itself, which answers echo requests and runs nothing else (RFC 1812, section
    /// 4.3.3.6). Fragments that never become whole are forgotten when the next one comes; nobody is told.
    fn arrive_at_router(&mut self, node: NodeId, handle: Handle) {
        let packet = self.out.packets.get(handle);
        if !matches!(packet.body, Body::Fragment(_) | Body::Echo(_)) {
            return self.refuse(node, handle, DropReason::NotOurs, IcmpKind::ProtocolUnreachable);
        }
        let packet = *self.out.packets.take(handle);
        let (id, now) = (packet.id, self.now);
        let Node::Router(router) = &mut self.nodes[node.0 as usize] else { return };
        let whole = if matches!(packet.body, Body::Fragment(_)) {
            let waiting = router.reassembly.get_or_insert_with(|| Box::new(ip::Reassembly::new(REASSEMBLY)));
            let late = waiting.expire(now);
            let whole = waiting.add(now, packet);
            late.iter().for_each(|late| self.drop_at(node, late.fragment.id, DropReason::ReassemblyTimeout));
            whole
        } else {
            crate::wire::as_received(packet).map(Some)
        };
        match whole {
            Ok(Some(packet)) => self.answer_echo(node, &packet),
            Ok(None) => {}
            Err(why) => self.drop_at(node, id, why),
        }
    }
    fn answer_echo(&mut self, node: NodeId, request: &Packet) {
        let Node::Router(router) = &mut self.nodes[node.0 as usize] else { return };
        router.ident = router.ident.wrapping_add(1);
        let answer = ip::echo_reply(request, TTL, router.ident).filter(|_| router.icmp);
        let Some((ip, body)) = answer.filter(|(ip, _)| ip::names_one_host(ip.dst)) else {
            return self.drop_at(node, request.id, DropReason::NotOurs);
        };
        let why = Cause { trigger: Trigger::Packet(request.id), rule: Rule::EchoReply };
        let id = self.packet_id();
        self.send_from(node, Packet { id, ip, body, flipped_bit: None }, why);
    }

    /// Drops a packet, and tells its sender if ICMP is allowed to.
    fn refuse(&mut self, node: NodeId, handle: Handle, why: DropReason, kind: IcmpKind) {
        let packet = self.out.packets.take(handle);
        self.drop_at(node, packet.id, why);
        let now = self.now;
        let Node::Router(router) = &mut self.nodes[node.0 as usize] else { return };
        if !router.icmp
            || !ip::may_answer(&packet, kind)
            || !router.limit.allows(now, IcmpLimit::PerDestination, packet.ip.src, kind)
        {
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
