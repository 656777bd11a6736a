//! bind, listen, accept, connect, shutdown, close (af_inet.c, inet_connection_sock.c of Linux).

use std::net::SocketAddr;

use tcp::{Errno, State};

use super::abi::*;
use super::call::{Addr, Detail, Fd, Outcome, Reply};
use super::process::{FileKind, Job, Phase, Process, Progress, Socket};
use super::zerocopy::Zerocopy;
use crate::host::{Ctx, Kernel, SocketId};

impl Process {
    pub(super) fn bind(&mut self, kernel: &mut Kernel, fd: Fd, addr: Addr) -> Result<i64, Errno> {
        let socket = self.socket_of(fd)?;
        let Addr::Inet(addr) = addr else { return Err(Errno::EAFNOSUPPORT) };
        if addr.is_ipv6() != socket.v6 {
            return Err(if socket.v6 { Errno::EINVAL } else { Errno::EAFNOSUPPORT });
        }
        // Connections on the port, TIME-WAIT too, are shared with by agreement of both (inet_csk_bind_conflict).
        let shares = socket.options.shares_port() && !self.unshared.contains(&addr.port());
        if addr.port() != 0 && !shares && kernel.has_connection_on(addr.port()) {
            return Err(Errno::EADDRINUSE);
        }
        let shares_port = socket.options.shares_port();
        kernel.bind(socket.id, Some(addr.ip()), addr.port())?;
        if addr.port() != 0 && !shares_port {
            self.unshared.insert(addr.port());
        }
        Ok(0)
    }

    pub(super) fn listen(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        fd: Fd,
        backlog: i32,
    ) -> Result<i64, Errno> {
        let socket = self.socket_of(fd)?;
        if socket.phase != Phase::Unconnected {
            return Err(Errno::EINVAL);
        }
        // A negative backlog is a very large one, which somaxconn bounds.
        kernel.listen(ctx, socket.id, backlog as u32)?;
        Ok(0)
    }

    pub(super) fn try_accept(&mut self, kernel: &mut Kernel, fd: Fd, flags: i32) -> Progress {
        let accepted = match self.socket_of(fd) {
            Ok(listener) => kernel.accept(listener.id, u32::MAX).map(|new| (new, listener.clone())),
            Err(errno) => return errno.into(),
        };
        let ((id, peer), listener) = match accepted {
            Ok(accepted) => accepted,
            Err(Errno::EAGAIN) => return Progress::Waits,
            Err(errno) => return errno.into(),
        };
        if listener.options.tells_errors() {
            kernel.tell_errors(id, true);
        }
        let zerocopy = Zerocopy::default();
        let socket = Socket { id, phase: Phase::Connected, zerocopy, ..listener };
        match self.open(FileKind::Socket(Box::new(socket)), flags) {
            Ok(new) => Reply::with(new.into(), Detail::Peer(peer)).into(),
            Err(errno) => errno.into(),
        }
    }

    pub(super) fn connect(&mut self, kernel: &mut Kernel, ctx: &mut Ctx<'_>, fd: Fd, addr: Addr) -> Outcome {
        let socket = match self.socket_of(fd) {
            Ok(socket) => socket,
            Err(errno) => return errno.into(),
        };
        let (id, phase) = (socket.id, socket.phase);
        let Addr::Inet(to) = addr else { return self.disconnect(kernel, ctx, fd, id).into() };
        match phase {
            Phase::Connected => return Errno::EISCONN.into(),
            Phase::Unconnected => {
                if let Err(errno) = self.begin_connect(kernel, ctx, fd, to) {
                    return errno.into();
                }
                if self.socket_of(fd).is_ok_and(|socket| socket.options.deferred.is_some()) {
                    return Outcome::Returned(Reply::ok(0));
                }
            }
            Phase::Connecting => {}
        }
        let refusal = if phase == Phase::Connecting { Errno::EALREADY } else { Errno::EINPROGRESS };
        let (nonblock, until) = (self.is_nonblock(fd), self.send_deadline(ctx.now, fd));
        self.start(kernel, ctx, Job::Connect { fd }, nonblock, until, refusal)
    }
    /// Sends the SYN.
    fn begin_connect(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        fd: Fd,
        to: SocketAddr,
    ) -> Result<(), Errno> {
        let socket = self.socket_mut(fd)?;
        if to.is_ipv6() != socket.v6 {
            return Err(if socket.v6 { Errno::EINVAL } else { Errno::EAFNOSUPPORT });
        }
        if socket.options.fastopen_connect && kernel.fast_open_ready(ctx, socket.id, to) {
            // The SYN goes with the first write.
            socket.options.deferred = Some(to);
            socket.phase = Phase::Connected;
            return Ok(());
        }
        let begun = match socket.options.fastopen_connect {
            true => kernel.connect_fast(ctx, socket.id, to, None, false).map(|_| ()),
            false => kernel.connect(ctx, socket.id, to),
        };
        match begun {
            Ok(()) | Err(Errno::EINPROGRESS) => {
                socket.phase = Phase::Connecting;
                Ok(())
            }
            Err(errno) => Err(errno),
        }
    }
    pub(super) fn try_connect(&mut self, kernel: &mut Kernel, fd: Fd) -> Progress {
        let socket = match self.socket_mut(fd) {
            Ok(socket) => socket,
            Err(errno) => return errno.into(),
        };
        match kernel.connect_outcome(socket.id) {
            Err(Errno::EINPROGRESS) => Progress::Waits,
            Ok(()) => {
                socket.phase = Phase::Connected;
                Reply::ok(0).into()
            }
            Err(errno) => {
                // The socket may be connected anew.
                kernel.forget_connection(socket.id);
                socket.phase = Phase::Unconnected;
                errno.into()
            }
        }
    }
    /// connect(2) to `AF_UNSPEC`.
    fn disconnect(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        fd: Fd,
        id: SocketId,
    ) -> Result<i64, Errno> {
        kernel.disconnect(ctx, id)?;
        self.socket_mut(fd)?.phase = Phase::Unconnected;
        Ok(0)
    }

    pub(super) fn shutdown(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        fd: Fd,
        how: i32,
    ) -> Result<i64, Errno> {
        let socket = self.socket_mut(fd)?;
        if !(SHUT_RD..=SHUT_RDWR).contains(&how) {
            return Err(Errno::EINVAL);
        }
        let (read, write) = (how != SHUT_WR, how != SHUT_RD);
        match kernel.socket_state(socket.id) {
            // Linux marks the socket all the same.
            State::Closed | State::TimeWait => {
                kernel.mark_shutdown(socket.id, read, write);
                return Err(Errno::ENOTCONN);
            }
            State::Listen if read => {
                kernel.disconnect(ctx, socket.id)?;
                socket.phase = Phase::Unconnected;
            }
            State::Listen => {}
            State::SynSent => {
                kernel.disconnect(ctx, socket.id)?;
                socket.phase = Phase::Unconnected;
            }
            _ => {
                socket.phase = Phase::Connected;
                if read {
                    kernel.shutdown_read(ctx, socket.id)?;
                }
                if write {
                    kernel.shutdown_write(ctx, socket.id)?;
                }
            }
        }
        Ok(0)
    }

    pub(super) fn close(&mut self, kernel: &mut Kernel, ctx: &mut Ctx<'_>, fd: Fd) -> Outcome {
        let Some(file) = self.files.remove(&fd) else { return Errno::EBADF.into() };
        for other in self.files.values_mut() {
            if let FileKind::Epoll(epoll) = &mut other.kind {
                epoll.forget(fd);
            }
        }
        let FileKind::Socket(socket) = file.kind else { return Outcome::Returned(Reply::ok(0)) };
        let lingers = socket.options.linger.filter(|time| !time.is_zero());
        match lingers {
            Some(time) if kernel.would_linger(socket.id) => {
                let _ = kernel.shutdown_write(ctx, socket.id);
                let until = ctx.now + time;
                self.start(kernel, ctx, Job::Linger(socket.id), file.nonblock, until, Errno::EAGAIN)
            }
            _ => kernel.close(ctx, socket.id).map(|()| 0).into(),
        }
    }
    /// A close that lingers is over when the peer has acknowledged everything, FIN included.
    pub(super) fn try_linger(&mut self, kernel: &mut Kernel, ctx: &mut Ctx<'_>, id: SocketId) -> Progress {
        match kernel.socket_state(id) {
            State::FinWait1 | State::Closing | State::LastAck => Progress::Waits,
            _ => kernel.close(ctx, id).map(|()| 0).into(),
        }
    }

    /// getsockname(2), getpeername(2).
    pub(super) fn address(&mut self, kernel: &Kernel, fd: Fd, peer: bool) -> Result<Reply, Errno> {
        let socket = self.socket_of(fd)?;
        let address = match kernel.addresses(socket.id) {
            Some(tuple) if peer => tuple.remote,
            Some(tuple) => tuple.local,
            None if peer => return Err(Errno::ENOTCONN),
            None => kernel.bound_address(socket.id, socket.v6),
        };
        Ok(Reply::with(0, Detail::Peer(address)))
    }
}
