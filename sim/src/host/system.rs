//! What the system calls need of a socket beyond the calls themselves: its state, its errors, its news.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tcp::out::{Stamp, StampKind};
use tcp::tcb::{Received, SocketOption};
use tcp::{Config, Errno, Info, Rule, State, Tcb, Time, Wake};

use super::kernel::{Ctx, Kernel};
use super::sockets::{Kind, SocketId};
use super::tcp_layer::Holder;

/// Counts of what happened on a socket, which wrap: a watcher compares them with those that it saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct News {
    /// Something can be read.
    pub input: u16,
    /// There is room to write again.
    pub output: u16,
    /// The state has changed, or there is an error.
    pub any: u16,
}

/// What a route says of the connections that use it (ip-route(8)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteMetrics {
    /// `mtu`: of the path, in bytes.
    pub mtu: Option<u16>,
    /// `mtu lock`: it stays whatever ICMP says.
    pub mtu_locked: bool,
    /// `advmss`: the MSS announced, at most, in bytes.
    pub advmss: Option<u16>,
    /// `initcwnd`: the initial congestion window, in segments.
    pub initcwnd: Option<u32>,
}

/// What a socket has queued, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queues {
    /// In order and unread.
    pub readable: u64,
    /// Queued and not acknowledged, FIN included.
    pub unacked: u64,
    /// Queued and never sent.
    pub unsent: u64,
}

/// A report on the error queue of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QueuedError {
    /// A moment in the life of an octet (`SO_TIMESTAMPING`).
    Stamp {
        /// Which moment.
        what: StampKind,
        /// When that was, if the program asked to be told.
        reported: Option<Time>,
        /// The number of the octet.
        key: u32,
        /// Length of the packet that comes with it, in bytes.
        len: u32,
    },
    /// The memory of sends is needed no more (`MSG_ZEROCOPY`): the numbers of the first and the last.
    Zerocopy {
        /// The first.
        first: u32,
        /// The last.
        last: u32,
    },
    /// An ICMP error about the SYN.
    Icmp {
        /// What it means to the program.
        errno: Errno,
        /// Type of the message.
        kind: u8,
        /// Code of the message.
        code: u8,
    },
}

impl News {
    /// A connection has news.
    pub(super) fn count(&mut self, wake: Wake) {
        if wake.readable || wake.urgent {
            self.input = self.input.wrapping_add(1);
        }
        if wake.writable {
            self.output = self.output.wrapping_add(1);
        }
        if wake.connected || wake.failed || wake.closed {
            self.any = self.any.wrapping_add(1);
        }
    }
}

impl Kernel {
    /// Packets to come are each several that were put together on arrival (as GRO does): the size of their segments; zero:
    /// they are not.
    pub fn set_merged(&mut self, size: u32) {
        self.merged = size;
    }
    /// How connections behave that are opened from now on.
    pub fn config(&self) -> &Config {
        &self.setup.spec.tcp
    }
    /// What has happened on a socket so far.
    pub fn news(&self, id: SocketId) -> News {
        self.sockets.get(id).map_or(News::default(), |socket| socket.news)
    }
    /// The state: CLOSED of a socket that is nothing yet.
    pub fn socket_state(&self, id: SocketId) -> State {
        match self.sockets.get(id).map(|socket| socket.kind) {
            Some(Kind::Connection(conn)) => self.state_of(conn),
            Some(Kind::Listener(_)) => State::Listen,
            Some(Kind::Fresh) | None => State::Closed,
        }
    }
    /// A reading of its connection.
    pub fn info(&self, now: Time, id: SocketId) -> Option<Info> {
        Some(match self.tcb_of(id) {
            Some(tcb) => tcb.info(now),
            None => {
                let (snd_buf, rcv_buf) = self.buffers(id);
                Info { snd_buf, rcv_buf, ..Info::empty(self.socket_state(id)) }
            }
        })
    }
    /// Send and receive buffer of a socket without a connection, in bytes.
    fn buffers(&self, id: SocketId) -> (u32, u32) {
        let config = &self.setup.spec.tcp;
        let mut buffers = (config.snd_buf, config.rcv_buf);
        let options = self.sockets.get(id).map(|socket| match socket.kind {
            Kind::Listener(listener) => self.listener_options(listener),
            _ => &socket.options,
        });
        for option in options.unwrap_or_default() {
            match *option {
                SocketOption::SndBuf(bytes) => buffers.0 = config.asked_snd_buf(bytes),
                SocketOption::RcvBuf(bytes) => buffers.1 = config.asked_rcv_buf(bytes),
                _ => {}
            }
        }
        buffers
    }
    /// The error that the program has still to see; it stays.
    pub fn pending_error(&self, id: SocketId) -> Option<Errno> {
        self.sockets.get(id)?.error.or_else(|| self.tcb_of(id)?.pending_error())
    }
    /// `SO_ERROR`: the same, cleared, or else what ICMP has said.
    pub fn socket_error(&mut self, id: SocketId) -> Option<Errno> {
        self.take_error(id).or_else(|| {
            let conn = self.connection(id).ok()?;
            self.tcp.tcb_mut(conn)?.take_icmp_error()
        })
    }
    /// The same, cleared.
    pub fn take_error(&mut self, id: SocketId) -> Option<Errno> {
        if let Ok(socket) = self.sockets.get_mut(id)
            && let Some(errno) = socket.error.take()
        {
            return Some(errno);
        }
        let conn = self.connection(id).ok()?;
        self.tcp.tcb_mut(conn)?.take_error()
    }
    /// Reports for the error queue of the program that holds a connection.
    pub(super) fn report(&mut self, now: Time, id: SocketId, stamps: &mut Vec<Stamp>) {
        const SOFTWARE: u32 = 1 << 4;
        const ONLY: u32 = 1 << 11;
        let Ok(socket) = self.sockets.get_mut(id) else { return stamps.clear() };
        let reports = socket.reports.get_or_insert_default();
        reports.extend(stamps.drain(..).map(|stamp| QueuedError::Stamp {
            what: stamp.kind,
            reported: (stamp.bits & SOFTWARE != 0).then_some(now),
            key: stamp.key,
            // The packet comes with it, but for its length nobody looks at it here.
            len: u32::from(stamp.bits & ONLY == 0),
        }));
        socket.news.any = socket.news.any.wrapping_add(1);
        self.ready.push(socket.task);
    }
    /// The memory of sends is needed no more: reported together with what came right before, if that was not read yet
    /// (`skb_zerocopy_notify_extend` of Linux).
    pub fn report_zerocopy(&mut self, id: SocketId, first: u32, last: u32) {
        let Ok(socket) = self.sockets.get_mut(id) else { return };
        let reports = socket.reports.get_or_insert_default();
        match reports.back_mut() {
            Some(QueuedError::Zerocopy { last: before, .. }) if before.wrapping_add(1) == first => {
                *before = last
            }
            _ => reports.push_back(QueuedError::Zerocopy { first, last }),
        }
        socket.news.any = socket.news.any.wrapping_add(1);
        self.ready.push(socket.task);
    }
    /// Whether errors that ICMP tells of an open connection are told to the program at once (`IP_RECVERR`).
    pub fn tell_errors(&mut self, id: SocketId, on: bool) {
        if let Ok(socket) = self.sockets.get_mut(id) {
            socket.tell_errors = on;
        }
    }
    /// An ICMP error about the connection that a socket holds: about its SYN it goes to the error queue, later the program
    /// is told only if it asked to be (`tcp_v4_err` of Linux).
    pub(super) fn tell_error(&mut self, id: SocketId, opening: bool, errno: Errno, (kind, code): (u8, u8)) {
        let Ok(socket) = self.sockets.get_mut(id) else { return };
        if opening {
            let reports = socket.reports.get_or_insert_default();
            reports.push_back(QueuedError::Icmp { errno, kind, code });
        } else if socket.tell_errors {
            socket.error = Some(errno);
        } else {
            return;
        }
        socket.news.any = socket.news.any.wrapping_add(1);
        self.ready.push(socket.task);
    }
    /// Whether there is a connection with this local port, one in TIME-WAIT included.
    pub fn has_connection_on(&self, port: u16) -> bool {
        self.tcp.connections().any(|(tuple, _, _)| tuple.local.port() == port)
    }
    /// Octets from the next one to be read up to the last urgent one, that one included.
    pub fn urgent_ahead(&self, id: SocketId) -> Option<u64> {
        self.tcb_of(id)?.urgent_ahead()
    }
    /// The error that is the socket's own, not its connection's; cleared.
    pub fn take_own_error(&mut self, id: SocketId) -> Option<Errno> {
        self.sockets.get_mut(id).ok()?.error.take()
    }
    /// The oldest report of the error queue.
    pub fn take_queued_error(&mut self, id: SocketId) -> Option<QueuedError> {
        self.sockets.get_mut(id).ok()?.reports.as_mut()?.pop_front()
    }
    /// Whether the error queue holds anything.
    pub fn has_queued_error(&self, id: SocketId) -> bool {
        self.sockets
            .get(id)
            .and_then(|socket| socket.reports.as_ref())
            .is_some_and(|reports| !reports.is_empty())
    }
    /// Whether nothing more will come: the peer's FIN, `shutdown(SHUT_RD)`, the end of the connection.
    pub fn is_read_shut(&self, id: SocketId) -> bool {
        let Some(socket) = self.sockets.get(id) else { return true };
        socket.read_shut || self.tcb_of(id).is_some_and(|tcb| tcb.readable().1)
    }
    /// Whether nothing more can be sent: `shutdown(SHUT_WR)`, the end of the connection.
    pub fn is_write_shut(&self, id: SocketId) -> bool {
        let Some(socket) = self.sockets.get(id) else { return true };
        socket.write_shut || self.tcb_of(id).is_some_and(Tcb::is_write_shut)
    }
    /// Whether poll(2) says that there is room to write. If it does not, news will tell when there is.
    pub fn poll_writable(&mut self, id: SocketId) -> bool {
        let Ok(conn) = self.connection(id) else { return true };
        self.tcp.tcb_mut(conn).is_some_and(Tcb::poll_writable)
    }
    /// Whether urgent data can be read out of line.
    pub fn has_urgent(&self, id: SocketId) -> bool {
        self.tcb_of(id).is_some_and(Tcb::has_urgent)
    }
    /// Bytes that it has queued; `None`: it listens.
    pub fn queues(&self, now: Time, id: SocketId) -> Option<Queues> {
        let info = match self.socket_state(id) {
            State::Listen => return None,
            State::SynSent | State::SynReceived => return Some(Queues::default()),
            _ => self.tcb_of(id).map(|tcb| tcb.info(now)),
        };
        Some(info.map_or(Queues::default(), |info| Queues {
            readable: self.readable(id).0,
            unacked: info.send_q,
            unsent: info.notsent,
        }))
    }
    /// What `TCP_CM_INQ` says: bytes that can be read, or one if only the end of the stream is left.
    pub fn readable_hint(&self, id: SocketId) -> i32 {
        let (bytes, end) = self.readable(id);
        match (i32::try_from(bytes).unwrap_or(i32::MAX), end) {
            (0, true) => 1,
            (bytes, _) => bytes,
        }
    }
    /// Bytes from `skip` on, which stay (`MSG_PEEK`).
    ///
    /// # Errors
    /// As [`recv`](Kernel::recv); the error stays too.
    pub fn peek(&mut self, id: SocketId, skip: u32, max: u32) -> Result<Received, Errno> {
        let conn = self.connection(id)?;
        let read_shut = self.sockets.get(id).is_some_and(|socket| socket.read_shut);
        match self.tcp.tcb(conn).map_or(Err(Errno::EBADF), |tcb| tcb.peek(skip, max)) {
            Err(Errno::EAGAIN) if read_shut => Ok(Received::Eof),
            result => result,
        }
    }
    /// Whether a close with `SO_LINGER` has something to wait for.
    pub fn would_linger(&self, id: SocketId) -> bool {
        matches!(self.socket_state(id), State::Established | State::CloseWait | State::FinWait1)
            && self.readable(id).0 == 0
    }
    /// A shutdown that comes too late, or too early, and is remembered all the same (Linux).
    pub fn mark_shutdown(&mut self, id: SocketId, read: bool, write: bool) {
        if let Ok(socket) = self.sockets.get_mut(id) {
            socket.read_shut |= read;
            socket.write_shut |= write;
        }
    }
    /// connect(2) to `AF_UNSPEC`: the connection is reset, the listener closed; the socket can be used anew.
    ///
    /// # Errors
    /// EBADF.
    pub fn disconnect(&mut self, ctx: &mut Ctx<'_>, id: SocketId) -> Result<(), Errno> {
        let kind = self.sockets.get(id).ok_or(Errno::EBADF)?.kind;
        let was = self.socket_state(id);
        match kind {
            Kind::Fresh => {}
            Kind::Listener(listener) => self.close_listener(ctx, listener, Rule::DisconnectCall),
            Kind::Connection(conn) => {
                self.stream_gone(ctx, conn);
                self.tcp.set_holder(conn, Holder::Nobody);
                self.call(ctx, conn, |tcb, now, out| tcb.disconnect(now, out));
            }
        }
        let socket = self.sockets.get_mut(id)?;
        socket.kind = Kind::Fresh;
        (socket.read_shut, socket.write_shut) = (false, false);
        let told = matches!(kind, Kind::Connection(_)) && !matches!(was, State::Closed | State::TimeWait);
        socket.error = told.then_some(Errno::ECONNRESET);
        Ok(())
    }
    /// A connect that has failed: the socket can be used anew.
    pub fn forget_connection(&mut self, id: SocketId) {
        let Ok(conn) = self.connection(id) else { return };
        if self.tcp.tcb(conn).is_some_and(Tcb::is_closed) {
            self.tcp.set_holder(conn, Holder::Nobody);
            self.tcp.remove(conn);
            if let Ok(socket) = self.sockets.get_mut(id) {
                socket.kind = Kind::Fresh;
            }
        }
    }
    /// Changes the host's configuration: for what is opened from now on, and for what is open.
    pub fn reconfigure(&mut self, apply: &dyn Fn(&mut Config)) {
        apply(Arc::make_mut(&mut Arc::make_mut(&mut self.setup).spec.tcp));
        for slot in self.tcp.listeners.iter_mut().flatten() {
            slot.listener.reconfigure(apply);
        }
        self.tcp.each_tcb(|tcb| tcb.reconfigure(apply));
    }
    /// The queue of the interface takes nothing from now on, and says so to the connections that are open; or takes
    /// everything again.
    pub fn set_interface_full(&mut self, full: bool) {
        self.tcp.each_tcb(|tcb| tcb.set_interface_full(full));
    }
    /// The route that all packets take says something else of its connections (ip-route(8)): metrics that it does not name
    /// are at their defaults. Open connections look at its MTU alone.
    pub fn change_route(&mut self, metrics: &RouteMetrics) {
        let RouteMetrics { mtu, mtu_locked, advmss, initcwnd } = *metrics;
        self.reconfigure(&|config| {
            config.advmss = advmss;
            config.initial_window = initcwnd.unwrap_or(Config::linux().initial_window);
        });
        (self.route_mtu, self.route_mtu_locked) = (mtu, mtu_locked);
        let net = &self.net;
        for (tuple, tcb) in self.tcp.remote_connections() {
            let link = net.egress(tuple).map_or(1500, |egress| egress.mtu);
            tcb.on_route_mtu(mtu.unwrap_or(link).min(link));
        }
    }
    /// The address that an unconnected socket is bound to.
    pub fn bound_address(&self, id: SocketId, v6: bool) -> SocketAddr {
        let any: IpAddr = if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        let (address, port) = self.sockets.get(id).and_then(|socket| socket.bound).unwrap_or((None, 0));
        SocketAddr::new(address.unwrap_or(any), port)
    }
}
