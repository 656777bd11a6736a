//! What lies below the programs of a host: addresses, packets in and out, and the tables of its transports.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tcp::{Duration, EcnCodepoint, Outgoing, Rule, Time};

use super::Setup;
use super::counters::Counters;
use super::echo::Echoes;
use super::fast_open::FastOpenMemory;
use super::first_windows::FirstWindows;
use super::processes::Processes;
use super::sockets::Sockets;
use super::tap::Taps;
use super::tcp_layer::TcpLayer;
use super::udp::UdpLayer;
use crate::hostio::{HostNet, HostOut};
use crate::ip::{IcmpLimit, PathMtu, Reassembly, fragment, names_one_host, wrong_octet};
use crate::packet::{Body, IcmpKind, IpHeader, Packet, PacketId};
use crate::rng::Stream;
use crate::trace::{Cause, DropReason, Trigger};

/// How long a packet to an address of the host itself takes: not zero, so that no pair of programs can stop the clock.
const LOOPBACK_DELAY: Duration = Duration::from_micros(10);
/// MTU of the way to oneself (Linux `lo`: 65,536, more than a length field can say).
const LOOPBACK_MTU: u16 = 65_535;

/// One visit of the engine: when, why, and where the results go.
pub struct Ctx<'a> {
    /// The time.
    pub now: Time,
    /// What set it off.
    pub trigger: Trigger,
    /// Where packets and records go.
    pub out: &'a mut HostOut,
}

/// Sockets, transports and IP of a host.
#[derive(Clone)]
#[repr(C)] // what each packet needs stands first
pub struct Kernel {
    /// Tasks whose sockets have news, in order of the news; one may stand here twice.
    pub(super) ready: Vec<u32>,
    pub(super) setup: Arc<Setup>,
    /// The first of its addresses, and whether there are others: most hosts have none.
    address: Option<IpAddr>,
    has_others: bool,
    /// The packet at hand is several that were put together on arrival: the size of each segment; zero: it is one.
    pub(super) merged: u32,
    /// Packets to this host itself, by time of arrival.
    pub(super) loopback: VecDeque<(Time, Packet)>,
    pub(super) sockets: Sockets,
    pub(super) tcp: TcpLayer,
    pub(super) reassembly: Reassembly,
    pub(super) counters: Counters,
    pub(super) net: HostNet,
    pub(super) secrets: Secrets,
    pub(super) path_mtu: PathMtu,
    /// The MTU that the only route says, if it says one, in bytes.
    pub(super) route_mtu: Option<u16>,
    /// That stays whatever ICMP says (`mtu lock`).
    pub(super) route_mtu_locked: bool,
    pub(super) first_windows: FirstWindows,
    pub(super) fast_open: FastOpenMemory,
    pub(super) icmp_limit: IcmpLimit,
    /// Identification of the next packet that may be fragmented, by destination: no counter of all packets shows
    /// (RFC 7739).
    idents: FxHashMap<IpAddr, u16>,
    pub(super) udp: UdpLayer,
    pub(super) taps: Taps,
    pub(super) echoes: Echoes,
    pub(super) processes: Processes,
}

impl std::hash::Hash for Kernel {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // Settings, addresses and routes follow from the scenario and the time; counters only tell.
        let Kernel {
            setup: _,
            net: _,
            address: _,
            has_others: _,
            counters: _,
            secrets,
            path_mtu,
            route_mtu,
            route_mtu_locked,
            first_windows,
            fast_open,
            reassembly,
            icmp_limit,
            loopback,
            idents,
            tcp,
            udp,
            taps,
            echoes,
            sockets,
            processes,
            ready,
            merged,
        } = self;
        (
            secrets,
            path_mtu,
            route_mtu,
            route_mtu_locked,
            first_windows,
            fast_open,
            reassembly,
            icmp_limit,
            loopback,
        )
            .hash(state);
        crate::digest::unordered(idents, state);
        (tcp, udp, taps, echoes, sockets, processes, ready, merged).hash(state);
    }
}

impl Kernel {
    /// A kernel that has just booted, for the `boot`th time.
    pub(super) fn new(setup: Arc<Setup>, net: HostNet, boot: u32) -> Kernel {
        let secrets = Secrets::draw(setup.seed, &setup.name, boot);
        Kernel {
            tcp: TcpLayer::new(secrets.isn),
            udp: UdpLayer::default(),
            path_mtu: PathMtu::default(),
            route_mtu: None,
            route_mtu_locked: false,
            first_windows: FirstWindows::default(),
            fast_open: FastOpenMemory::default(),
            reassembly: Reassembly::new(setup.spec.reassembly_timeout),
            icmp_limit: IcmpLimit::default(),
            loopback: VecDeque::new(),
            idents: FxHashMap::default(),
            taps: Taps::default(),
            echoes: Echoes::default(),
            sockets: Sockets::default(),
            processes: Processes::new(&setup),
            counters: Counters::default(),
            ready: Vec::new(),
            merged: 0,
            secrets,
            address: setup.spec.addresses.first().copied(),
            has_others: setup.spec.addresses.len() > 1,
            net,
            setup,
        }
    }

    /// When something below the programs is due next.
    #[inline]
    pub(super) fn deadline(&self) -> Time {
        let loopback = self.loopback.front().map_or(Time::NEVER, |(time, _)| *time);
        self.tcp.deadline().min(self.reassembly.deadline()).min(loopback)
    }

    /// Whether `address` is one of the host's.
    #[inline]
    pub(super) fn is_local(&self, address: IpAddr) -> bool {
        let other = || self.has_others && self.setup.spec.addresses.contains(&address);
        self.address == Some(address) || address.is_loopback() || other()
    }

    /// The address that packets to `dst` come from.
    pub(super) fn source_for(&self, dst: IpAddr) -> Option<IpAddr> {
        if self.is_local(dst) {
            return Some(dst);
        }
        self.setup.spec.addresses.iter().find(|a| a.is_ipv6() == dst.is_ipv6()).copied()
    }

    /// MTU of the link that leads to `dst`; `None`: there is no route.
    pub(super) fn link_mtu(&self, dst: IpAddr) -> Option<u16> {
        if self.is_local(dst) { Some(LOOPBACK_MTU) } else { self.net.egress(dst).map(|egress| egress.mtu) }
    }

    /// MTU of the path to `dst` as far as it is known; that of Ethernet where there is no route.
    pub(super) fn mtu_to(&self, now: Time, dst: IpAddr) -> u16 {
        let link = self.link_mtu(dst).unwrap_or(1500);
        let route = self.route_mtu.filter(|_| !self.is_local(dst)).unwrap_or(u16::MAX);
        self.path_mtu.get(now, dst, link).min(route)
    }

    /// The MTU from which the MSS of an open to `dst` comes.
    pub(super) fn mtu_to_announce(&self, now: Time, dst: IpAddr) -> u16 {
        if self.setup.spec.tcp.mss_of_interface {
            self.link_mtu(dst).unwrap_or(1500)
        } else {
            self.mtu_to(now, dst)
        }
    }

    /// An identification for a packet to `dst` that may be fragmented.
    pub(super) fn ident(&mut self, dst: IpAddr) -> u16 {
        let secret = self.secrets.ident;
        let next = self.idents.entry(dst).or_insert_with(|| mix_address(secret, dst) as u16);
        *next = next.wrapping_add(1);
        *next
    }

    /// The header of a packet of this host. A packet that must not be fragmented needs no identification (RFC 6864,
    /// section 4.1); Linux counts it by connection all the same, which `ident` then brings.
    #[inline(always)]
    pub(super) fn header(&self, src: IpAddr, dst: IpAddr, df: bool, ident: u16) -> IpHeader {
        IpHeader { src, dst, ttl: self.setup.spec.ttl, ecn: EcnCodepoint::NotEct, dscp: 0, df, ident }
    }

    /// Sends a packet: to itself, whole, or cut to what the link takes.
    pub(super) fn transmit(&mut self, ctx: &mut Ctx<'_>, ip: IpHeader, body: Body, rule: Rule) {
        self.counters.ip_out_requests += 1;
        let id = ctx.out.packet_id();
        self.transmit_packet(ctx, Packet { id, ip, body, flipped_bit: None }, rule);
    }

    /// The same for segments of one connection, all under this header but for its identification, which is counted on, and
    /// its ECN field. They are written where packets live, and nowhere in between; what was there before is left in place.
    #[inline(always)]
    pub(super) fn transmit_segments(&mut self, ctx: &mut Ctx<'_>, ip: IpHeader, segments: &mut [Outgoing]) {
        let is_local = self.is_local(ip.dst);
        let mut ident = ip.ident;
        for Outgoing { segment, why, ecn } in segments {
            self.counters.segment_sent(*why, segment.flags);
            ident = ident.wrapping_add(1);
            let ip = IpHeader { ident, ecn: *ecn, ..ip };
            if is_local {
                self.transmit(ctx, ip, Body::Tcp(std::mem::take(segment)), *why);
            } else {
                self.counters.ip_out_requests += 1;
                let id = ctx.out.packet_id();
                ctx.out.send_segment(id, ip, segment, Cause { trigger: ctx.trigger, rule: *why });
            }
        }
    }

    /// Sends a packet that has its number.
    pub(super) fn transmit_packet(&mut self, ctx: &mut Ctx<'_>, packet: Packet, rule: Rule) {
        let why = Cause { trigger: ctx.trigger, rule };
        if self.is_local(packet.ip.dst) {
            self.loopback.push_back((ctx.now + LOOPBACK_DELAY, packet));
        } else if packet.ip.df || matches!(packet.body, Body::Tcp(_)) {
            ctx.out.send(packet, why);
        } else {
            self.transmit_in_pieces(ctx, packet, why);
        }
    }
    /// Sends a packet that may be cut here.
    fn transmit_in_pieces(&mut self, ctx: &mut Ctx<'_>, packet: Packet, why: Cause) {
        match self.mtu_to(ctx.now, packet.ip.dst) {
            mtu if packet.len() > u32::from(mtu) => {
                self.counters.ip_frag_oks += 1;
                fragment(packet, mtu, |piece| ctx.out.send(piece, why));
            }
            _ => ctx.out.send(packet, why),
        }
    }

    /// A packet that this host sent to itself, or that the network brought.
    #[inline(always)]
    pub(super) fn input(&mut self, ctx: &mut Ctx<'_>, packet: &Packet) {
        self.counters.ip_in_receives += 1;
        if !self.is_local(packet.ip.dst) {
            self.counters.ip_in_addr_errors += 1;
            return ctx.out.dropped(packet.id, DropReason::NotOurs);
        }
        match &packet.body {
            Body::Tcp(segment) => self.tcp_input(ctx, packet, segment),
            Body::Fragment(_) => self.put_together(ctx, packet),
            _ => self.deliver(ctx, packet),
        }
    }
    /// A fragment arrives.
    #[inline(never)]
    fn put_together(&mut self, ctx: &mut Ctx<'_>, packet: &Packet) {
        let id = packet.id;
        self.counters.ip_reasm_reqds += 1;
        let outcome = self.reassembly.add(ctx.now, packet.clone());
        let bytes = self.reassembly.bytes() as u64;
        self.counters.peak_reassembly = self.counters.peak_reassembly.max(bytes);
        match outcome {
            Ok(Some(whole)) => {
                self.counters.ip_reasm_oks += 1;
                self.deliver(ctx, &whole);
            }
            Ok(None) => {}
            Err(reason) => {
                self.counters.ip_reasm_fails += 1;
                ctx.out.dropped(id, reason);
                // Over IPv4 RFC 1122 would have it told, but few do.
                let tells = packet.ip.is_v6() || self.setup.spec.tcp.parameter_problems;
                if let Some(octet) = wrong_octet(packet).filter(|_| tells) {
                    self.icmp_output(ctx, packet, IcmpKind::ParameterProblem(octet));
                }
            }
        }
    }
    /// Hands a whole packet to its transport.
    #[inline(never)]
    fn deliver(&mut self, ctx: &mut Ctx<'_>, packet: &Packet) {
        match &packet.body {
            // It looks at the source where it does not know it.
            Body::Tcp(segment) => self.tcp_input(ctx, packet, segment),
            _ if self.is_no_source(packet.ip.src) => ctx.out.dropped(packet.id, DropReason::BadHeader),
            Body::Udp(_) => self.udp_input(ctx, packet),
            Body::Icmp(icmp) => self.icmp_input(ctx, packet.ip.src, icmp),
            Body::Echo(echo) => self.echo_input(ctx, packet, echo),
            // Reassembly hands back whole packets only.
            Body::Fragment(_) => ctx.out.dropped(packet.id, DropReason::BadFragment),
        }
    }

    /// Whether packets from this address can be from nobody, so that nobody can be answered (9293/MUST-63,
    /// 1122/3.2.1.3-BADSRC).
    pub(super) fn is_no_source(&self, src: IpAddr) -> bool {
        !names_one_host(src) && !self.is_local(src)
    }

    /// Reassemblies whose time is over, then packets to this host itself that arrive now.
    pub(super) fn ip_deadlines(&mut self, ctx: &mut Ctx<'_>) {
        if self.reassembly.deadline() <= ctx.now {
            for expired in self.reassembly.expire(ctx.now) {
                self.counters.ip_reasm_fails += 1;
                ctx.out.dropped(expired.fragment.id, DropReason::ReassemblyTimeout);
                // Only if the first fragment came (RFC 792); the builder of errors refuses to answer others.
                self.icmp_output(ctx, &expired.fragment, IcmpKind::ReassemblyTimeExceeded);
            }
        }
        while self.loopback.front().is_some_and(|(time, _)| *time <= ctx.now) {
            let Some((_, packet)) = self.loopback.pop_front() else { return };
            let trigger = Trigger::Packet(packet.id);
            let mut ctx = Ctx { now: ctx.now, trigger, out: ctx.out };
            self.input(&mut ctx, &packet);
        }
    }

    /// The pattern stream of the datagrams that a port sends.
    pub(super) fn datagram_stream(&self, port: u16) -> u32 {
        mix(self.secrets.stream ^ (u64::from(port) << 32)) as u32
    }

    /// Notes that the packet that set this visit off was dropped, if it was one.
    pub(super) fn drop_trigger(ctx: &mut Ctx<'_>, why: DropReason) {
        if let Some(packet) = Kernel::trigger_packet(ctx) {
            ctx.out.dropped(packet, why);
        }
    }
    /// The packet that set this visit off.
    pub(super) fn trigger_packet(ctx: &Ctx<'_>) -> Option<PacketId> {
        match ctx.trigger {
            Trigger::Packet(id) => Some(id),
            _ => None,
        }
    }
}

/// What a host draws when it boots.
#[derive(Clone, Debug, Hash)]
pub(super) struct Secrets {
    pub(super) isn: tcp::IsnSecret,
    /// Where identifications begin.
    pub(super) ident: u64,
    /// Names the pattern streams of this host's connections.
    pub(super) stream: u64,
    /// Numbers of forged segments.
    pub(super) forged: u64,
    /// Where the search for a free port begins.
    pub(super) ports: Stream,
}

impl Secrets {
    fn draw(seed: u64, name: &str, boot: u32) -> Secrets {
        let mut stream = Stream::new(seed, &format!("host:{name}/boot{boot}"));
        Secrets {
            isn: tcp::IsnSecret([stream.bits(), stream.bits()]),
            ident: stream.bits(),
            stream: stream.bits(),
            forged: stream.bits(),
            ports: Stream::new(seed, &format!("host:{name}/ports{boot}")),
        }
    }
}

/// A keyed mix of an address: the same on every machine.
pub(super) fn mix_address(key: u64, address: IpAddr) -> u64 {
    let bits = match address {
        IpAddr::V4(a) => u64::from(a.to_bits()),
        IpAddr::V6(a) => (a.to_bits() >> 64) as u64 ^ a.to_bits() as u64,
    };
    mix(key ^ bits)
}

/// A 64-bit finalizer (SplitMix64): every input bit moves every output bit.
pub(super) fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
