//! UDP of a host (RFC 768): sockets by port, receive queues, port unreachable.
//!
//! Not modelled: broadcast, multicast, several sockets on one port.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use tcp::{EcnCodepoint, Errno, Payload, Rule};

use super::kernel::{Ctx, Kernel};
use crate::ip::{icmp_error, rule};
use crate::packet::{Body, Datagram, IcmpKind, IpHeader, Packet, UDP_HEADER};
use crate::trace::DropReason;

/// Room of a receive queue, in bytes (Linux `rmem_default`).
const RECEIVE_QUEUE: u64 = 212_992;
/// What a datagram takes of it besides its data: an empty one takes room too (Linux: an sk_buff).
const OVERHEAD: u64 = 256;

/// The UDP sockets of a host, by port.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct UdpLayer {
    sockets: BTreeMap<u16, UdpSocket>,
}

/// A UDP socket.
#[derive(Clone, Debug, Hash)]
pub(super) struct UdpSocket {
    pub(super) process: u32,
    task: u32,
    pub(super) fd: u32,
    /// Once connected: the only peer heard, and the one whose ICMP errors are reported.
    pub(super) peer: Option<SocketAddr>,
    queue: VecDeque<(SocketAddr, IpAddr, Payload)>,
    pub(super) queued: u64,
    error: Option<Errno>,
}

impl UdpLayer {
    pub(super) fn is_bound(&self, port: u16) -> bool {
        self.sockets.contains_key(&port)
    }
    pub(super) fn sockets(&self) -> impl Iterator<Item = (u16, &UdpSocket)> {
        self.sockets.iter().map(|(port, socket)| (*port, socket))
    }
}

impl Kernel {
    /// A UDP socket on `port`; zero: an ephemeral one. Returns the port, which names it from here on.
    ///
    /// # Errors
    /// EADDRINUSE.
    pub fn udp_open(
        &mut self,
        process: u32,
        task: u32,
        port: u16,
        peer: Option<SocketAddr>,
    ) -> Result<u16, Errno> {
        let port = if port == 0 { self.free_port().ok_or(Errno::EADDRINUSE)? } else { port };
        if self.udp.is_bound(port) {
            return Err(Errno::EADDRINUSE);
        }
        let fd = self.processes.take_fd(process);
        let socket = UdpSocket { process, task, fd, peer, queue: VecDeque::new(), queued: 0, error: None };
        self.udp.sockets.insert(port, socket);
        Ok(port)
    }

    /// Closes the UDP socket on `port`.
    pub fn udp_close(&mut self, port: u16) {
        if let Some(socket) = self.udp.sockets.remove(&port) {
            self.processes.give_back(socket.process, socket.fd);
        }
    }

    /// Closes the UDP sockets of a process.
    pub(super) fn udp_exit(&mut self, process: u32) {
        let ports: Vec<u16> =
            self.udp.sockets.iter().filter(|(_, s)| s.process == process).map(|(port, _)| *port).collect();
        ports.into_iter().for_each(|port| self.udp_close(port));
    }

    /// sendto(2) from `port`.
    ///
    /// # Errors
    /// EMSGSIZE for more than a datagram holds, or than the path takes when DF is set; ENETUNREACH; a pending error.
    pub fn udp_send(
        &mut self,
        ctx: &mut Ctx<'_>,
        port: u16,
        (to, from): (SocketAddr, Option<IpAddr>),
        payload: Payload,
        df: bool,
    ) -> Result<u32, Errno> {
        let socket = self.udp.sockets.get_mut(&port).ok_or(Errno::EBADF)?;
        if let Some(errno) = socket.error.take() {
            return Err(errno);
        }
        let source = from.or_else(|| self.source_for(to.ip())).ok_or(Errno::ENETUNREACH)?;
        self.link_mtu(to.ip()).ok_or(Errno::ENETUNREACH)?;
        let len = payload.len();
        let ident = if df { 0 } else { self.ident(to.ip()) };
        let ip = self.header(source, to.ip(), df, ident);
        // The length fields of UDP and IPv4 count the headers too.
        let room = u32::from(u16::MAX) - UDP_HEADER - if ip.is_v6() { 0 } else { ip.header_len() };
        let whole = ip.header_len() + UDP_HEADER + len.min(room);
        if len > room || (df && whole > u32::from(self.mtu_to(ctx.now, to.ip()))) {
            return Err(Errno::EMSGSIZE);
        }
        self.counters.udp_out_datagrams += 1;
        let datagram = Datagram { src: port, dst: to.port(), payload };
        self.transmit(ctx, ip, Body::Udp(datagram), Rule::Datagram);
        Ok(len)
    }

    /// recvfrom(2) on `port`: who sent it, to which address, what.
    ///
    /// # Errors
    /// EAGAIN when there is none; a pending error.
    pub fn udp_recv(&mut self, port: u16) -> Result<(SocketAddr, IpAddr, Payload), Errno> {
        let socket = self.udp.sockets.get_mut(&port).ok_or(Errno::EBADF)?;
        if let Some(errno) = socket.error.take() {
            return Err(errno);
        }
        let (from, to, payload) = socket.queue.pop_front().ok_or(Errno::EAGAIN)?;
        socket.queued -= u64::from(payload.len()) + OVERHEAD;
        Ok((from, to, payload))
    }

    /// A datagram arrived.
    pub(super) fn udp_input(&mut self, ctx: &mut Ctx<'_>, packet: &Packet) {
        let Body::Udp(datagram) = &packet.body else { return };
        let from = SocketAddr::new(packet.ip.src, datagram.src);
        let socket = self.udp.sockets.get_mut(&datagram.dst);
        let Some(socket) = socket.filter(|s| s.peer.is_none_or(|peer| peer == from)) else {
            self.counters.udp_no_ports += 1;
            ctx.out.dropped(packet.id, DropReason::NoUdpPort);
            return self.icmp_output(ctx, packet, IcmpKind::PortUnreachable);
        };
        let room = u64::from(datagram.payload.len()) + OVERHEAD;
        if socket.queued + room > RECEIVE_QUEUE {
            self.counters.udp_rcvbuf_errors += 1;
            return ctx.out.dropped(packet.id, DropReason::UdpQueueFull);
        }
        socket.queued += room;
        socket.queue.push_back((from, packet.ip.dst, datagram.payload.clone()));
        self.counters.udp_in_datagrams += 1;
        self.ready.push(socket.task);
    }

    /// An ICMP error quotes a datagram of ours. Whether somebody sent it.
    pub(super) fn udp_error(&mut self, port: u16, peer: SocketAddr, errno: Errno) -> bool {
        match self.udp.sockets.get_mut(&port) {
            Some(socket) if socket.peer == Some(peer) => {
                socket.error = Some(errno);
                self.ready.push(socket.task);
                true
            }
            // Only connected sockets are told (ip(7), without IP_RECVERR).
            Some(_) => true,
            None => false,
        }
    }

    /// Sends an ICMP error about a packet, where one may be sent.
    pub(super) fn icmp_output(&mut self, ctx: &mut Ctx<'_>, about: &Packet, kind: IcmpKind) {
        if !self.icmp_limit.allows(ctx.now, self.setup.spec.tcp.icmp_limit, about.ip.src, kind) {
            return;
        }
        let id = ctx.out.packet_id();
        if let Some(mut error) = icmp_error(id, about.ip.dst, about, kind, self.setup.spec.ttl) {
            let ip = IpHeader { ecn: EcnCodepoint::NotEct, ident: self.ident(about.ip.src), ..error.ip };
            error.ip = ip;
            self.counters.icmp_out_msgs += 1;
            self.counters.ip_out_requests += 1;
            self.transmit_packet(ctx, error, rule(kind));
        }
    }
}
