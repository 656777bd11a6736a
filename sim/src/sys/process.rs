//! The process of a machine: its descriptors, and its calls that wait.

use std::collections::{BTreeMap, BTreeSet};

use tcp::{Duration, Errno, Payload, Time};

use super::abi::*;
use super::call::{Call, Detail, Fd, Outcome, Reply, Ticket};
use super::epoll::Epoll;
use super::files::{Regular, Splicing};
use super::io::{Receiving, Sending};
use super::options::Options;
use super::poll::Polling;
use super::unseen;
use super::zerocopy::Zerocopy;
use crate::host::{Ctx, Kernel, SocketId};

/// Descriptors that a process may have (Linux `RLIMIT_NOFILE` 1024).
const MOST_FDS: Fd = 1024;
/// The process as the kernel's tables know it: none of a scenario's programs.
const NO_PROGRAM: u32 = u32::MAX;

/// The process of a machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Process {
    pub(super) files: BTreeMap<Fd, File>,
    /// What is in its pipes, by number.
    pub(super) pipes: Vec<Payload>,
    /// Files that it can open: their lengths by path.
    pub(super) disk: BTreeMap<String, u64>,
    /// Ports that a socket was bound to without `SO_REUSEADDR`.
    pub(super) unshared: BTreeSet<u16>,
    waiting: Vec<Waiting>,
    tickets: u64,
}

/// An open descriptor.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) kind: FileKind,
    /// `O_NONBLOCK` is set.
    pub(super) nonblock: bool,
    /// `FD_CLOEXEC` is set.
    cloexec: bool,
}

/// What a descriptor is of.
#[derive(Clone, Debug)]
pub(super) enum FileKind {
    Socket(Box<Socket>),
    Epoll(Epoll),
    /// One end of a pipe.
    PipeEnd {
        pipe: usize,
        writes: bool,
    },
    Regular(Regular),
}

/// A TCP socket of the process: what its connection does not know.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    pub(super) id: SocketId,
    pub(super) phase: Phase,
    pub(super) options: Options,
    /// Its sends with `MSG_ZEROCOPY`.
    pub(super) zerocopy: Zerocopy,
    pub(super) v6: bool,
}

/// What connect(2) knows of a socket (Linux `socket->state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Unconnected,
    Connecting,
    Connected,
}

/// A call that waits.
#[derive(Clone, Debug)]
struct Waiting {
    ticket: Ticket,
    job: Job,
    /// When it returns with nothing done.
    until: Time,
}

/// A call on its way, as far as it has come.
#[derive(Clone, Debug)]
pub(super) enum Job {
    Accept {
        fd: Fd,
        flags: i32,
    },
    Connect {
        fd: Fd,
    },
    Send(Sending),
    Recv(Receiving),
    Splice(Splicing),
    Poll(Polling),
    EpollWait {
        epfd: Fd,
        max: usize,
    },
    /// close(2) that lingers: the socket has its descriptor no more.
    Linger(SocketId),
}

/// How far a call has come.
pub(super) enum Progress {
    /// It has returned.
    Done(Reply),
    /// It has to wait.
    Waits,
}

impl From<Reply> for Progress {
    fn from(reply: Reply) -> Progress {
        Progress::Done(reply)
    }
}
impl From<Errno> for Progress {
    fn from(errno: Errno) -> Progress {
        Progress::Done(Reply::err(errno))
    }
}
impl From<Result<i64, Errno>> for Progress {
    fn from(result: Result<i64, Errno>) -> Progress {
        Progress::Done(Reply { result, detail: Detail::None })
    }
}

impl Process {
    /// When a call that waits gives up.
    pub(super) fn deadline(&self) -> Time {
        self.waiting.iter().map(|waiting| waiting.until).min().unwrap_or(Time::NEVER)
    }

    /// Makes a call.
    pub(super) fn call(&mut self, kernel: &mut Kernel, ctx: &mut Ctx<'_>, call: &Call) -> Outcome {
        match call {
            Call::Socket { family, kind, protocol } => self.socket(kernel, *family, *kind, *protocol),
            Call::Bind { fd, addr } => self.bind(kernel, *fd, *addr).into(),
            Call::Listen { fd, backlog } => self.listen(kernel, ctx, *fd, *backlog).into(),
            Call::Accept { flags, .. } if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 => {
                Errno::EINVAL.into()
            }
            Call::Accept { fd, flags } => {
                let nonblock = self.is_nonblock(*fd);
                let until = self.receive_deadline(ctx.now, *fd);
                self.start(
                    kernel,
                    ctx,
                    Job::Accept { fd: *fd, flags: *flags },
                    nonblock,
                    until,
                    Errno::EAGAIN,
                )
            }
            Call::Connect { fd, addr } => self.connect(kernel, ctx, *fd, *addr),
            Call::Send { fd, data, flags, to } => self.send(kernel, ctx, *fd, data, *flags, *to),
            Call::Recv { fd, room, flags, control } => self.recv(kernel, ctx, *fd, room, *flags, *control),
            Call::SendFile { to, from, offset, count } => {
                self.send_file(kernel, ctx, (*to, *from), *offset, *count)
            }
            Call::Splice { from, to, count, flags } => self.splice(kernel, ctx, (*from, *to), *count, *flags),
            Call::Pipe => self.pipe().into(),
            Call::Open { path, flags } => self.open_file(path, *flags),
            Call::Shutdown { fd, how } => self.shutdown(kernel, ctx, *fd, *how).into(),
            Call::Close { fd } => self.close(kernel, ctx, *fd),
            Call::Fcntl { fd, command, arg } => self.fcntl(*fd, *command, *arg),
            Call::Ioctl { fd, request, arg } => self.ioctl(kernel, ctx, *fd, *request, *arg),
            Call::Poll { fds, timeout } => {
                let until = wait_until(ctx.now, *timeout);
                self.start(kernel, ctx, Job::Poll(Polling::new(fds)), *timeout == 0, until, Errno::EAGAIN)
            }
            Call::EpollCreate { flags } => self.epoll_create(*flags).into(),
            Call::EpollCtl { epfd, op, fd, event } => match unseen::unknown_epoll(event.events) {
                Some(what) => Outcome::Unsupported(what),
                None => self.epoll_ctl(kernel, *epfd, *op, *fd, *event).into(),
            },
            Call::EpollWait { epfd, max, timeout } => {
                let Ok(max @ 1..) = usize::try_from(*max) else { return Errno::EINVAL.into() };
                let until = wait_until(ctx.now, *timeout);
                let job = Job::EpollWait { epfd: *epfd, max };
                self.start(kernel, ctx, job, *timeout == 0, until, Errno::EAGAIN)
            }
            Call::SetOption { fd, level, name, value, len } => {
                self.set_option(kernel, ctx, *fd, (*level, *name), value, *len)
            }
            Call::GetOption { fd, level, name, len } => {
                self.get_option(kernel, ctx, *fd, (*level, *name), *len)
            }
            Call::GetSockName { fd } => self.address(kernel, *fd, false).into(),
            Call::GetPeerName { fd } => self.address(kernel, *fd, true).into(),
        }
    }

    // --- calls that may wait -------------------------------------------------------------------------------------

    /// Begins a call: it is done, or waits until `until`, or fails with `refusal` where it must not wait.
    pub(super) fn start(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        mut job: Job,
        nonblock: bool,
        until: Time,
        refusal: Errno,
    ) -> Outcome {
        match self.advance(kernel, ctx, &mut job) {
            Progress::Done(reply) => Outcome::Returned(reply),
            Progress::Waits if nonblock || until <= ctx.now => {
                Outcome::Returned(self.give_up(kernel, ctx.now, job, refusal))
            }
            Progress::Waits => {
                self.tickets += 1;
                let ticket = Ticket(self.tickets);
                self.waiting.push(Waiting { ticket, job, until });
                Outcome::Blocked(ticket)
            }
        }
    }
    /// Lets calls that wait go on, the oldest first; returns those that are done.
    pub(super) fn resume(&mut self, kernel: &mut Kernel, ctx: &mut Ctx<'_>) -> Vec<(Ticket, Reply)> {
        self.report_zerocopy(kernel, ctx.now);
        let mut done = Vec::new();
        for mut waiting in std::mem::take(&mut self.waiting) {
            match self.advance(kernel, ctx, &mut waiting.job) {
                Progress::Done(reply) => done.push((waiting.ticket, reply)),
                Progress::Waits if waiting.until <= ctx.now => {
                    if let Job::Linger(id) = waiting.job {
                        // It is there: its descriptor is gone, nobody else could close it.
                        let _ = kernel.close(ctx, id);
                    }
                    let refusal = match &waiting.job {
                        Job::Connect { .. } => Errno::EINPROGRESS,
                        _ => Errno::EAGAIN,
                    };
                    done.push((waiting.ticket, self.give_up(kernel, ctx.now, waiting.job, refusal)));
                }
                Progress::Waits => self.waiting.push(waiting),
            }
        }
        done
    }
    /// Tries to complete a call.
    fn advance(&mut self, kernel: &mut Kernel, ctx: &mut Ctx<'_>, job: &mut Job) -> Progress {
        match job {
            Job::Accept { fd, flags } => self.try_accept(kernel, *fd, *flags),
            Job::Connect { fd } => self.try_connect(kernel, *fd),
            Job::Send(sending) => {
                let progress = self.try_send(kernel, ctx, sending);
                if let Progress::Done(_) = progress {
                    self.sent(kernel, ctx.now, sending);
                }
                progress
            }
            Job::Splice(splicing) => self.try_splice(kernel, ctx, splicing),
            Job::Recv(receiving) => self.try_recv(kernel, ctx, receiving),
            Job::Poll(polling) => self.try_poll(kernel, polling),
            Job::EpollWait { epfd, max } => self.try_epoll_wait(kernel, *epfd, *max),
            Job::Linger(id) => self.try_linger(kernel, ctx, *id),
        }
    }

    // --- descriptors ---------------------------------------------------------------------------------------------

    /// Gives a file the lowest descriptor that is free.
    pub(super) fn open(&mut self, kind: FileKind, flags: i32) -> Result<Fd, Errno> {
        let fd = (3..MOST_FDS).find(|fd| !self.files.contains_key(fd)).ok_or(Errno::EMFILE)?;
        let (nonblock, cloexec) = (flags & SOCK_NONBLOCK != 0, flags & SOCK_CLOEXEC != 0);
        self.files.insert(fd, File { kind, nonblock, cloexec });
        Ok(fd)
    }
    /// A socket; EBADF, ENOTSOCK.
    pub(super) fn socket_of(&self, fd: Fd) -> Result<&Socket, Errno> {
        match &self.files.get(&fd).ok_or(Errno::EBADF)?.kind {
            FileKind::Socket(socket) => Ok(socket),
            _ => Err(Errno::ENOTSOCK),
        }
    }
    /// The same, to be changed.
    pub(super) fn socket_mut(&mut self, fd: Fd) -> Result<&mut Socket, Errno> {
        match &mut self.files.get_mut(&fd).ok_or(Errno::EBADF)?.kind {
            FileKind::Socket(socket) => Ok(socket),
            _ => Err(Errno::ENOTSOCK),
        }
    }
    pub(super) fn is_nonblock(&self, fd: Fd) -> bool {
        self.files.get(&fd).is_some_and(|file| file.nonblock)
    }
    /// When a call that receives from this socket gives up.
    pub(super) fn receive_deadline(&self, now: Time, fd: Fd) -> Time {
        self.socket_of(fd).map_or(Time::NEVER, |socket| limit(now, socket.options.receive_timeout))
    }
    /// When a call that sends over this socket gives up.
    pub(super) fn send_deadline(&self, now: Time, fd: Fd) -> Time {
        self.socket_of(fd).map_or(Time::NEVER, |socket| limit(now, socket.options.send_timeout))
    }

    fn socket(&mut self, kernel: &mut Kernel, family: i32, kind: i32, protocol: i32) -> Outcome {
        let flags = kind & (SOCK_NONBLOCK | SOCK_CLOEXEC);
        match (family, kind & !flags, protocol) {
            (AF_INET | AF_INET6, SOCK_STREAM, 0 | IPPROTO_TCP) => {}
            (AF_INET | AF_INET6, SOCK_STREAM | SOCK_DGRAM | SOCK_RAW, _) => {
                return Outcome::Unsupported(format!("socket(2) of type {kind} and protocol {protocol}"));
            }
            _ => return Outcome::Unsupported(format!("socket(2) of family {family}")),
        }
        let id = kernel.socket(NO_PROGRAM, NO_PROGRAM);
        let options = Options::new();
        let (phase, zerocopy, v6) = (Phase::Unconnected, Zerocopy::default(), family == AF_INET6);
        let socket = Socket { id, phase, options, zerocopy, v6 };
        let result = self.open(FileKind::Socket(Box::new(socket)), flags).map(i64::from);
        Outcome::Returned(Reply { result, detail: Detail::None })
    }

    fn fcntl(&mut self, fd: Fd, command: i32, arg: i32) -> Outcome {
        let Some(file) = self.files.get_mut(&fd) else { return Errno::EBADF.into() };
        let value = match command {
            F_GETFL => file.kind.access() | if file.nonblock { O_NONBLOCK } else { 0 },
            F_SETFL if unseen::unknown_status(arg).is_some() => {
                return Outcome::Unsupported(unseen::unknown_status(arg).unwrap_or_default());
            }
            F_SETFL => {
                file.nonblock = arg & O_NONBLOCK != 0;
                0
            }
            F_GETFD => i32::from(file.cloexec),
            F_SETFD => {
                file.cloexec = arg & FD_CLOEXEC != 0;
                0
            }
            _ => return Outcome::Unsupported(format!("fcntl(2) command {command}")),
        };
        Outcome::Returned(Reply::ok(value.into()))
    }

    fn ioctl(&mut self, kernel: &mut Kernel, ctx: &Ctx<'_>, fd: Fd, request: i32, arg: i32) -> Outcome {
        if request == FIONBIO {
            let Some(file) = self.files.get_mut(&fd) else { return Errno::EBADF.into() };
            file.nonblock = arg != 0;
            return Outcome::Returned(Reply::ok(0));
        }
        let socket = match self.socket_of(fd) {
            Ok(socket) => socket,
            Err(Errno::ENOTSOCK) => return Errno::ENOTTY.into(),
            Err(errno) => return errno.into(),
        };
        let queues = kernel.queues(ctx.now, socket.id);
        let value = match (request, queues) {
            (SIOCINQ | SIOCOUTQ | SIOCOUTQNSD, None) => return Errno::EINVAL.into(),
            (SIOCINQ, Some(queues)) => queues.readable,
            (SIOCOUTQ, Some(queues)) => queues.unacked,
            (SIOCOUTQNSD, Some(queues)) => queues.unsent,
            _ => return Outcome::Unsupported(format!("ioctl(2) request {request:#x}")),
        };
        Outcome::Returned(Reply::with(0, Detail::Int(value as i64)))
    }

    /// Ends: the lowest descriptor is closed first; calls that wait never return.
    pub(super) fn exit(&mut self, kernel: &mut Kernel, ctx: &mut Ctx<'_>) {
        let fds: Vec<Fd> = self.files.keys().copied().collect();
        for fd in fds {
            self.close(kernel, ctx, fd);
        }
        self.waiting.clear();
    }
}

impl FileKind {
    /// The access mode, as F_GETFL tells it.
    fn access(&self) -> i32 {
        match self {
            FileKind::PipeEnd { writes: true, .. } => O_WRONLY,
            FileKind::PipeEnd { writes: false, .. } | FileKind::Regular(_) => O_RDONLY,
            FileKind::Socket(_) | FileKind::Epoll(_) => O_RDWR,
        }
    }
}

impl Process {
    /// What a call returns that gives up waiting.
    fn give_up(&mut self, kernel: &Kernel, now: Time, job: Job, refusal: Errno) -> Reply {
        if let Job::Send(sending) = &job {
            self.sent(kernel, now, sending);
        }
        give_up(job, refusal)
    }
}

/// What a call returns that gives up waiting.
fn give_up(job: Job, refusal: Errno) -> Reply {
    match job {
        Job::Poll(polling) => Reply::with(0, Detail::Poll(polling.fds)),
        Job::EpollWait { .. } => Reply::with(0, Detail::Epoll(Vec::new())),
        Job::Send(sending) => sending.give_up(refusal),
        Job::Recv(receiving) => receiving.give_up(refusal),
        Job::Linger(_) => Reply::ok(0),
        Job::Accept { .. } | Job::Connect { .. } | Job::Splice(_) => Reply::err(refusal),
    }
}

/// The end of a wait of so many milliseconds; negative: never.
fn wait_until(now: Time, milliseconds: i32) -> Time {
    u64::try_from(milliseconds).map_or(Time::NEVER, |ms| now + Duration::from_millis(ms))
}
fn limit(now: Time, timeout: Option<Duration>) -> Time {
    timeout.map_or(Time::NEVER, |timeout| now + timeout)
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Outcome {
        Outcome::Returned(reply)
    }
}
impl From<Errno> for Outcome {
    fn from(errno: Errno) -> Outcome {
        Outcome::Returned(Reply::err(errno))
    }
}
impl From<Result<i64, Errno>> for Outcome {
    fn from(result: Result<i64, Errno>) -> Outcome {
        Outcome::Returned(Reply { result, detail: Detail::None })
    }
}
impl From<Result<Reply, Errno>> for Outcome {
    fn from(result: Result<Reply, Errno>) -> Outcome {
        Outcome::Returned(result.unwrap_or_else(Reply::err))
    }
}
