//! Sockets as programs see them: socket, bind, listen, accept, connect, send, recv, shutdown, close, setsockopt, with
//! errors by name. Nothing blocks: what cannot be done now fails with EAGAIN or EINPROGRESS, and the task that holds
//! the socket is woken when it may be tried again.
//!
//! Every socket has `SO_REUSEADDR` set, as servers do: a port may be bound again while connections of it are in
//! TIME-WAIT, and by several sockets as long as at most one of them listens.

mod close;
mod port;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tcp::config::IsnSource;
use tcp::fast_open::FastConnect;
use tcp::offer::mss_of_mtu;
use tcp::tcb::{Connect, Received, SendFlags, SocketOption};
use tcp::{Errno, Payload, Rule, SeqNum, State, Tcb, Time, Tuple, Wake};

use super::kernel::{Ctx, Kernel, mix};
use super::lean;
use super::listening::inherited;
use super::system::{News, QueuedError};
use super::tcp_layer::{ConnId, Holder, Mark};
use crate::calls::ProgramCall;
use crate::check::{StreamEnd, StreamEvent};
use crate::figures::FlowEvent;
use crate::ip::names_one_host;
use crate::trace::Cause;

/// Names a socket of a host; used again when it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub(super) u32);

/// What poll(2) says of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// recv or accept would not fail with EAGAIN (`POLLIN`).
    pub readable: bool,
    /// send would take something, or fail (`POLLOUT`).
    pub writable: bool,
    /// The connection is gone (`POLLHUP`).
    pub hung_up: bool,
}

/// The sockets of a host.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Sockets {
    list: Vec<Option<Socket>>,
    free: Vec<u32>,
}

/// A TCP socket.
#[derive(Clone, Debug, Hash)]
pub(super) struct Socket {
    pub(super) process: u32,
    /// The task that is woken.
    pub(super) task: u32,
    pub(super) fd: u32,
    pub(super) kind: Kind,
    /// Address and port, once bound.
    pub(super) bound: Option<(Option<IpAddr>, u16)>,
    /// Options set before there was a connection.
    pub(super) options: lean::Seldom<SocketOption>,
    /// `IP_RECVERR`.
    pub(super) tell_errors: bool,
    /// `shutdown(SHUT_RD)`: an empty buffer reads as end of stream.
    pub(super) read_shut: bool,
    /// A `shutdown(SHUT_WR)` without a connection.
    pub(super) write_shut: bool,
    /// What has happened, for watchers.
    pub(super) news: News,
    /// The error queue.
    #[expect(clippy::box_collection, reason = "sockets are many and small, and few have reports")]
    pub(super) reports: Option<Box<VecDeque<QueuedError>>>,
    /// An error that no connection reports: it was taken apart.
    pub(super) error: Option<Errno>,
}

/// What a socket is by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Nothing yet.
    Fresh,
    /// A connection, or what is left of it.
    Connection(ConnId),
    /// A listener.
    Listener(u32),
}

#[cfg(test)]
pub(super) fn socket_size() -> usize {
    size_of::<Option<Socket>>()
}

impl Sockets {
    pub(super) fn get(&self, id: SocketId) -> Option<&Socket> {
        self.list.get(id.0 as usize)?.as_ref()
    }
    pub(super) fn get_mut(&mut self, id: SocketId) -> Result<&mut Socket, Errno> {
        self.list.get_mut(id.0 as usize).and_then(Option::as_mut).ok_or(Errno::EBADF)
    }
    fn insert(&mut self, socket: Socket) -> SocketId {
        match self.free.pop() {
            Some(id) => {
                self.list[id as usize] = Some(socket);
                SocketId(id)
            }
            None => {
                lean::push(&mut self.list, Some(socket));
                SocketId((self.list.len() - 1) as u32)
            }
        }
    }
    fn remove(&mut self, id: SocketId) -> Option<Socket> {
        let socket = self.list.get_mut(id.0 as usize)?.take()?;
        self.free.push(id.0);
        Some(socket)
    }
    /// The sockets of a process, by descriptor.
    fn of_process(&self, process: u32) -> Vec<SocketId> {
        let mut of: Vec<(u32, SocketId)> = (0u32..)
            .zip(&self.list)
            .filter_map(|(id, socket)| socket.as_ref().map(|s| (id, s)))
            .filter(|(_, s)| s.process == process)
            .map(|(id, s)| (s.fd, SocketId(id)))
            .collect();
        of.sort_unstable();
        of.into_iter().map(|(_, id)| id).collect()
    }
}

impl Kernel {
    /// socket(2). `task` of `process` is woken when it has news.
    pub fn socket(&mut self, process: u32, task: u32) -> SocketId {
        let fd = self.processes.take_fd(process);
        let kind = Kind::Fresh;
        self.sockets.insert(Socket {
            process,
            task,
            fd,
            kind,
            bound: None,
            options: lean::Seldom::default(),
            tell_errors: false,
            read_shut: false,
            write_shut: false,
            news: News::default(),
            reports: None,
            error: None,
        })
    }

    /// Another task is to be woken from now on.
    pub fn hand_over(&mut self, id: SocketId, task: u32) {
        if let Ok(socket) = self.sockets.get_mut(id) {
            socket.task = task;
        }
    }

    /// The task that holds the socket may want to look at it.
    pub(super) fn wake(&mut self, id: SocketId, news: Wake) {
        if let Ok(socket) = self.sockets.get_mut(id) {
            socket.news.count(news);
            self.ready.push(socket.task);
        }
    }

    /// listen(2); a socket that is not bound gets a port. A second call changes the backlog.
    ///
    /// # Errors
    /// EINVAL for a connection; EADDRINUSE.
    pub fn listen(&mut self, ctx: &mut Ctx<'_>, id: SocketId, backlog: u32) -> Result<(), Errno> {
        let socket = self.sockets.get_mut(id)?;
        match socket.kind {
            Kind::Connection(_) => return Err(Errno::EINVAL),
            Kind::Listener(listener) => {
                if let Some(Some(slot)) = self.tcp.listeners.get_mut(listener as usize) {
                    slot.listener.set_backlog(backlog);
                }
                return Ok(());
            }
            Kind::Fresh => {}
        }
        if socket.bound.is_none() {
            self.bind(id, None, 0)?;
        }
        let socket = self.sockets.get_mut(id)?;
        let (bound, options) = (socket.bound.ok_or(Errno::EINVAL)?, socket.options.to_vec());
        let mark = ctx.out.mark();
        let listener = self.open_listener(ctx, id, bound, backlog, &options)?;
        ctx.out.call(mark, id.0, || Some(ProgramCall::Listen { port: bound.1, backlog, result: Ok(()) }));
        self.sockets.get_mut(id)?.kind = Kind::Listener(listener);
        Ok(())
    }

    /// accept(2): the new socket belongs to the same process; `task` is woken when it has news.
    ///
    /// # Errors
    /// EAGAIN when nothing waits; EINVAL if the socket does not listen.
    pub fn accept(&mut self, id: SocketId, task: u32) -> Result<(SocketId, SocketAddr), Errno> {
        let socket = self.sockets.get(id).ok_or(Errno::EBADF)?;
        let (process, Kind::Listener(listener)) = (socket.process, socket.kind) else {
            return Err(Errno::EINVAL);
        };
        let conn = self.accept_from(listener).ok_or(Errno::EAGAIN)?;
        let tuple = self.tcp.tuple(conn).ok_or(Errno::ECONNABORTED)?;
        let new = self.socket(process, task);
        self.sockets.get_mut(new)?.kind = Kind::Connection(conn);
        self.tcp.set_holder(conn, Holder::Socket(new));
        if let Some(tcb) = self.tcp.tcb_mut(conn) {
            tcb.adopt();
            tcb.accepted();
        }
        Ok((new, tuple.remote))
    }

    /// Takes down that a program has accepted a connection, if calls are asked for.
    pub(super) fn note_accepted(&self, ctx: &mut Ctx<'_>, listener: SocketId, new: SocketId) {
        ctx.out.call(ctx.out.mark(), listener.0, || Some(ProgramCall::Accept(new.0, self.addresses(new)?)));
    }

    /// Whether accept(2) would succeed.
    pub fn can_accept(&self, id: SocketId) -> bool {
        matches!(self.sockets.get(id), Some(Socket { kind: Kind::Listener(l), .. }) if self.has_waiting(*l))
    }

    /// connect(2).
    ///
    /// # Errors
    /// EINPROGRESS when the SYN is on its way: see [`connect_outcome`](Kernel::connect_outcome). EALREADY, EISCONN;
    /// ENETUNREACH without a route, or to an address that names no single host (9293/MUST-46); EADDRNOTAVAIL when no local port is left or the four-tuple is taken.
    pub fn connect(&mut self, ctx: &mut Ctx<'_>, id: SocketId, to: SocketAddr) -> Result<(), Errno> {
        self.open(ctx, id, to, None).and(Err(Errno::EINPROGRESS))
    }
    /// Sends the SYN, with what Fast Open puts into it: how much data that is.
    pub(super) fn open(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: SocketId,
        to: SocketAddr,
        fast: Option<FastConnect>,
    ) -> Result<u32, Errno> {
        let opened = self.try_open(ctx, id, to, fast);
        if let Err(Errno::EADDRNOTAVAIL | Errno::ENETUNREACH) = opened {
            ctx.out.unopened(|| self.program_of(id));
        }
        opened
    }
    fn try_open(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: SocketId,
        to: SocketAddr,
        fast: Option<FastConnect>,
    ) -> Result<u32, Errno> {
        let socket = self.sockets.get(id).ok_or(Errno::EBADF)?;
        match socket.kind {
            Kind::Fresh => {}
            Kind::Listener(_) => return Err(Errno::EISCONN),
            Kind::Connection(conn) => {
                let opening = matches!(self.state_of(conn), State::SynSent | State::SynReceived);
                return Err(if opening { Errno::EALREADY } else { Errno::EISCONN });
            }
        }
        if !names_one_host(to.ip()) && !self.is_local(to.ip()) {
            return Err(Errno::ENETUNREACH);
        }
        let place = ctx.out.mark();
        let bound = socket.bound;
        let options = socket.options.to_vec();
        let source = bound.and_then(|(address, _)| address).or_else(|| self.source_for(to.ip()));
        let source = source.filter(|a| a.is_ipv6() == to.is_ipv6()).ok_or(Errno::ENETUNREACH)?;
        self.link_mtu(to.ip()).ok_or(Errno::ENETUNREACH)?;
        let port = match bound {
            Some((_, port)) => port,
            None => self.ephemeral_port(ctx, source, to).ok_or(Errno::EADDRNOTAVAIL)?,
        };
        let tuple = Tuple { local: SocketAddr::new(source, port), remote: to };
        let reuses = match self.tcp.find(&tuple) {
            None => None,
            Some(old) if self.may_reuse(ctx, old, bound.is_some()) => {
                self.counters.tw_recycled += 1;
                let why = Cause { trigger: ctx.trigger, rule: Rule::TimeWaitReused };
                ctx.out.state(tuple, State::TimeWait, State::Closed, why);
                self.tcp.take_time_wait(old)
            }
            Some(_) => return Err(Errno::EADDRNOTAVAIL),
        };
        let (config, mark) = (inherited(&self.setup.spec.tcp, &options), Mark::of(&options));
        let what = Connect { tuple, mtu: self.mtu_to_announce(ctx.now, to.ip()), config, options, reuses };
        let secret = self.tcp.secret;
        let mut out = ctx.out.borrow_tcp();
        let given = fast.as_ref().map(|ask| ask.data.len());
        let data = fast.as_ref().map_or(Payload::Empty, |ask| ask.data.clone());
        let (mut tcb, taken) = match fast {
            Some(ask) => {
                let path = mss_of_mtu(&tuple, self.mtu_to(ctx.now, to.ip()));
                let ask = FastConnect { mss: Some(ask.mss.map_or(path, |mss| mss.min(path))), ..ask };
                Tcb::connect_fast(ctx.now, what, ask, &secret, &mut out)
            }
            None => (Tcb::connect(ctx.now, what, &secret, &mut out), 0),
        };
        tcb.on_path_mtu(ctx.now, self.mtu_to(ctx.now, to.ip()));
        if self.first_windows.had_better_be_small(ctx.now, to.ip()) {
            tcb.be_modest();
        }
        let conn = self.tcp.insert(tuple, tcb, (Holder::Socket(id), mark), bound.is_some());
        self.sockets.get_mut(id)?.kind = Kind::Connection(conn);
        self.flow(ctx, conn, |kernel| FlowEvent::Opened(kernel.program_of(id)));
        self.settle(ctx, conn, &mut out);
        ctx.out.return_tcp(out);
        ctx.out.call(place, id.0, || {
            let data = given.map(|given| (given, taken));
            Some(ProgramCall::Connect { tuple, bound: bound.is_some(), data })
        });
        if taken > 0 {
            self.flow(ctx, conn, |_| FlowEvent::Wrote(taken.into()));
            ctx.out.stream(ctx.now, || {
                Some(StreamEvent::WroteInSyn(self.opening_end(conn)?, data.slice(0, taken)))
            });
        }
        Ok(taken)
    }

    /// How connect(2) ended.
    ///
    /// # Errors
    /// EINPROGRESS while it goes on; ENOTCONN if it never began; else what it failed with.
    pub fn connect_outcome(&mut self, id: SocketId) -> Result<(), Errno> {
        let conn = self.connection(id)?;
        let tcb = self.tcp.tcb_mut(conn).ok_or(Errno::EBADF)?;
        match tcb.state() {
            State::SynSent | State::SynReceived => Err(Errno::EINPROGRESS),
            state => match tcb.take_error() {
                Some(errno) => Err(errno),
                None if state == State::Closed && tcb.readable() == (0, false) => Err(Errno::ECONNABORTED),
                None => Ok(()),
            },
        }
    }

    /// Takes down that a program was told how its connect(2) ended, if calls are asked for.
    pub(super) fn note_connected(&self, ctx: &mut Ctx<'_>, id: SocketId, result: Result<(), Errno>) {
        ctx.out.call(ctx.out.mark(), id.0, || Some(ProgramCall::Connected(result)));
    }

    /// send(2): how much of `data` was taken.
    ///
    /// # Errors
    /// EAGAIN when the buffer is full; else see [`Tcb::send`].
    pub fn send(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: SocketId,
        data: &Payload,
        flags: SendFlags,
    ) -> Result<u32, Errno> {
        let conn = self.connection(id).map_err(|errno| match errno {
            Errno::ENOTCONN => Errno::EPIPE,
            errno => errno,
        })?;
        let mark = ctx.out.mark();
        let result = self
            .call(ctx, conn, |tcb, now, out| tcb.send(now, data.clone(), flags, out))
            .unwrap_or(Err(Errno::EBADF));
        ctx.out.call(mark, id.0, || {
            let call = ProgramCall::Send { len: data.len(), urgent: flags.urgent, more: flags.more, result };
            let waits = result == Err(Errno::EAGAIN);
            (!waits || self.opening_end(conn).is_some()).then_some(call)
        });
        let taken = result?;
        ctx.out.stream(ctx.now, || {
            if let Some(end) = self.opening_end(conn) {
                return Some(StreamEvent::WroteInSyn(end, data.slice(0, taken)));
            }
            let end = self.stream_end(conn)?;
            Some(if flags.urgent {
                StreamEvent::WroteUrgent(end)
            } else {
                StreamEvent::Wrote(end, data.slice(0, taken))
            })
        });
        self.flow(ctx, conn, |_| FlowEvent::Wrote(taken.into()));
        Ok(taken)
    }

    /// recv(2): up to `max` bytes.
    ///
    /// # Errors
    /// EAGAIN when there is nothing to read; else see [`Tcb::recv`].
    #[inline]
    pub fn recv(&mut self, ctx: &mut Ctx<'_>, id: SocketId, max: u32) -> Result<Received, Errno> {
        // Half of all reads: a program reads until there is nothing left.
        if max > 0
            && let Some(Socket { kind: Kind::Connection(conn), read_shut: false, .. }) = self.sockets.get(id)
            && self.tcp.tcb(*conn).is_some_and(Tcb::would_block)
        {
            return Err(Errno::EAGAIN);
        }
        self.recv_now(ctx, id, max)
    }
    fn recv_now(&mut self, ctx: &mut Ctx<'_>, id: SocketId, max: u32) -> Result<Received, Errno> {
        let conn = self.connection(id)?;
        let mark = ctx.out.mark();
        let mut out = ctx.out.borrow_tcp();
        // What was read stays where it was put first: a copy would have to wait until it is in the cache.
        let mut result = match self.tcp.tcb_mut(conn) {
            Some(tcb) => tcb.recv(ctx.now, max, &mut out),
            None => Err(Errno::EBADF),
        };
        // A read that wants nothing has changed nothing but what the program may read.
        if !out.is_empty() {
            self.settle(ctx, conn, &mut out);
        }
        ctx.out.return_tcp(out);
        let read_shut = matches!(result, Err(Errno::EAGAIN)) && self.sockets.get_mut(id)?.read_shut;
        if read_shut {
            result = Ok(Received::Eof);
        }
        if ctx.out.is_anybody_looking() {
            self.note_recv(ctx, (id, conn), (mark, max), &result, read_shut);
        }
        result
    }
    /// Takes down that a program has read, if anybody asks. `read_shut`: it has shut that down itself.
    #[inline(never)]
    fn note_recv(
        &self,
        ctx: &mut Ctx<'_>,
        (id, conn): (SocketId, ConnId),
        (mark, max): (usize, u32),
        result: &Result<Received, Errno>,
        read_shut: bool,
    ) {
        ctx.out.call(mark, id.0, || {
            let bytes = match result {
                Ok(Received::Data(data)) => Ok(data.len()),
                Ok(Received::Eof) => Ok(0),
                Err(Errno::EAGAIN) => return None,
                Err(errno) => Err(*errno),
            };
            Some(ProgramCall::Recv { max, result: bytes })
        });
        let Some(received) = result.as_ref().ok().filter(|_| !read_shut) else { return };
        ctx.out.stream(ctx.now, || {
            let end = self.stream_end(conn)?;
            match received {
                Received::Data(data) => Some(StreamEvent::Read(end, data.clone())),
                // What a program reads when the connection has broken, and it was told, is no end that the peer put.
                Received::Eof => self.tcp.tcb(conn)?.end_received().then_some(StreamEvent::ReadEnd(end)),
            }
        });
        if let Received::Data(data) = received {
            self.flow(ctx, conn, |_| FlowEvent::Read(data.len().into()));
        }
    }

    /// recv(2) with `MSG_OOB`.
    ///
    /// # Errors
    /// See [`Tcb::recv_urgent`].
    pub fn recv_urgent(&mut self, ctx: &mut Ctx<'_>, id: SocketId, peek: bool) -> Result<u8, Errno> {
        let conn = self.connection(id)?;
        let mark = ctx.out.mark();
        let result = self.call(ctx, conn, |tcb, _, _| tcb.recv_urgent(peek)).unwrap_or(Err(Errno::EBADF));
        ctx.out.call(mark, id.0, || match result {
            Err(Errno::EAGAIN | Errno::EINVAL) => None,
            result => Some(ProgramCall::RecvUrgent(result.map(drop))),
        });
        result
    }

    /// setsockopt(2).
    ///
    /// # Errors
    /// EINVAL, ENOPROTOOPT: see [`SocketOption::check`].
    pub fn set_option(&mut self, ctx: &mut Ctx<'_>, id: SocketId, option: SocketOption) -> Result<(), Errno> {
        let socket = self.sockets.get_mut(id)?;
        option.check()?;
        let place = ctx.out.mark();
        let result = match socket.kind {
            Kind::Connection(conn) => {
                if let Some(mark) = self.tcp.mark_mut(conn) {
                    mark.set(option);
                }
                self.call(ctx, conn, |tcb, now, out| tcb.set_option(now, option, out))
                    .unwrap_or(Err(Errno::EBADF))
            }
            Kind::Fresh => {
                socket.options.push(option);
                Ok(())
            }
            Kind::Listener(listener) => {
                self.set_listener_option(listener, option);
                Ok(())
            }
        };
        ctx.out.call(place, id.0, || Some(ProgramCall::SetOption(option, result)));
        result
    }

    /// poll(2).
    pub fn poll(&self, id: SocketId) -> Readiness {
        let Some(tcb) = self.tcb_of(id) else {
            return Readiness { readable: self.can_accept(id), ..Readiness::default() };
        };
        let hung_up = tcb.is_closed();
        let (bytes, end) = tcb.readable();
        Readiness { readable: bytes > 0 || end || hung_up, writable: tcb.writable() > 0 || hung_up, hung_up }
    }

    /// Bytes that can be read now, and whether the end of the stream is behind them.
    pub fn readable(&self, id: SocketId) -> (u64, bool) {
        self.tcb_of(id).map_or((0, false), Tcb::readable)
    }

    /// Whether the socket has never been that of a connection.
    pub fn is_unconnected(&self, id: SocketId) -> bool {
        self.tcb_of(id).is_none()
    }

    /// Whether nothing more will come: the stream has ended and is read, or the connection is gone.
    pub fn is_over(&self, id: SocketId) -> bool {
        self.tcb_of(id).is_none_or(|tcb| tcb.is_closed() || tcb.readable() == (0, true))
    }

    /// getsockname(2) and getpeername(2).
    pub fn addresses(&self, id: SocketId) -> Option<Tuple> {
        match self.sockets.get(id)?.kind {
            Kind::Connection(conn) => self.tcp.tuple(conn),
            _ => None,
        }
    }

    /// The pattern stream that this connection sends: no other connection has the same.
    pub fn stream_id(&self, id: SocketId) -> u32 {
        let incarnation = match self.sockets.get(id).map(|socket| socket.kind) {
            Some(Kind::Connection(conn)) => self.tcp.incarnation(conn),
            _ => 0,
        };
        mix(self.secrets.stream ^ u64::from(incarnation)) as u32
    }

    /// The end of a connection that this socket is, for the checker of streams.
    /// The end of a stream that is not yet open.
    fn opening_end(&self, conn: ConnId) -> Option<StreamEnd> {
        let (tuple, incarnation) = (self.tcp.tuple(conn)?, self.tcp.incarnation(conn));
        let iss = self.tcp.tcb(conn)?.opening_iss()?;
        Some(StreamEnd { tuple, iss, irs: SeqNum(0), incarnation, repeats: self.repeats() })
    }
    fn stream_end(&self, conn: ConnId) -> Option<StreamEnd> {
        let (tuple, incarnation) = (self.tcp.tuple(conn)?, self.tcp.incarnation(conn));
        let (iss, irs) = self.tcp.tcb(conn)?.initial_numbers()?;
        Some(StreamEnd { tuple, iss, irs, incarnation, repeats: self.repeats() })
    }
    /// Whether the numbers of a connection here may come again: they are pinned, or a cookie that is still fresh comes back.
    fn repeats(&self) -> bool {
        matches!(self.setup.spec.tcp.isn, IsnSource::Fixed(_)) || self.counters.syncookies_recv > 0
    }

    /// Takes down what a connection did, if figures are asked for.
    #[inline]
    pub(super) fn flow(&self, ctx: &mut Ctx<'_>, conn: ConnId, event: impl FnOnce(&Kernel) -> FlowEvent) {
        ctx.out.flow(ctx.now, || Some(((self.tcp.tuple(conn)?, self.tcp.incarnation(conn)), event(self))));
    }
    /// Takes down that a program has asked for something over a connection at this time and has got all of it, so many bytes
    /// from the side that opened it and to it.
    pub(super) fn transfer_is_done(&self, ctx: &mut Ctx<'_>, id: SocketId, began: Time, bytes: (u64, u64)) {
        if let Ok(conn) = self.connection(id) {
            self.flow(ctx, conn, |_| FlowEvent::Transfer(began, bytes.0, bytes.1));
        }
    }
    /// The name of the program that holds a socket.
    fn program_of(&self, id: SocketId) -> Arc<str> {
        let process = self.sockets.get(id).map_or(0, |socket| socket.process);
        let program = self.setup.programs.get(process as usize);
        program.map_or_else(|| Arc::from(""), |program| Arc::clone(&program.name))
    }

    pub(super) fn tcb_of(&self, id: SocketId) -> Option<&Tcb> {
        match self.sockets.get(id)?.kind {
            Kind::Connection(conn) => self.tcp.tcb(conn),
            _ => None,
        }
    }

    pub(super) fn connection(&self, id: SocketId) -> Result<ConnId, Errno> {
        match self.sockets.get(id).ok_or(Errno::EBADF)?.kind {
            Kind::Connection(conn) => Ok(conn),
            Kind::Fresh | Kind::Listener(_) => Err(Errno::ENOTCONN),
        }
    }
}
