//! Sending and receiving (tcp.c of Linux).

use tcp::out::StampKind;
use tcp::tcb::{Received, SendFlags};
use tcp::{Errno, Payload, State, Time};

use super::abi::*;
use super::call::{
    Addr, Control, ControlData, Detail, ExtendedError, Fd, Message, Outcome, Reply, Room, Source,
};
use super::process::{FileKind, Job, Phase, Process, Progress};
use super::unseen;
use crate::host::{Ctx, Kernel, News, QueuedError, SocketId};

/// Octets of a segment that an ICMP error quotes (RFC 792).
const QUOTED: u32 = 8;
/// Pieces of a program's memory that an skb has room for (Linux `MAX_SKB_FRAGS`).
const FRAGMENTS: usize = 17;

/// A send on its way.
#[derive(Clone, Debug)]
pub(super) struct Sending {
    id: SocketId,
    /// What is left.
    data: Payload,
    /// Behind it lies memory that cannot be read.
    bad: bool,
    flags: SendFlags,
    sent: i64,
    /// It has opened the connection.
    opens: bool,
    /// It sleeps for want of room, and this was the news when it fell asleep.
    asleep: Option<News>,
    /// What becomes of what it was made from.
    then: Then,
    /// Its number among the sends with `MSG_ZEROCOPY`.
    zerocopy: Option<u32>,
}

/// What a send was made from: what was taken is gone there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Memory.
    Nothing,
    /// A file, whose offset moves on.
    Advance(Fd),
    /// A pipe.
    Consume(usize),
}

impl Sending {
    /// What it returns that gives up waiting.
    pub(super) fn give_up(self, refusal: Errno) -> Reply {
        if self.sent > 0 { Reply::ok(self.sent) } else { Reply::err(refusal) }
    }
}

/// A receive on its way.
#[derive(Clone, Debug)]
pub(super) struct Receiving {
    id: SocketId,
    /// Room that is left in all buffers that can be written.
    room: u32,
    /// Behind it lies memory that cannot be written.
    bad: bool,
    flags: i32,
    /// Bytes that it waits for.
    target: u32,
    /// `TCP_INQ` is set, and there is room for control messages.
    inq: bool,
    data: Payload,
    copied: u32,
}

impl Receiving {
    /// What it returns that gives up waiting.
    pub(super) fn give_up(self, refusal: Errno) -> Reply {
        if self.copied > 0 {
            let message = Message { data: self.data, ..Message::default() };
            return Reply::with(self.copied.into(), Detail::Message(message));
        }
        Reply::err(refusal)
    }
}

impl Process {
    pub(super) fn send(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        fd: Fd,
        data: &[Source],
        flags: i32,
        to: Option<Addr>,
    ) -> Outcome {
        let socket = match self.socket_of(fd) {
            Ok(socket) => socket,
            Err(errno) => return errno.into(),
        };
        if let Some(what) = unseen::unknown_send(flags) {
            return Outcome::Unsupported(what);
        }
        let id = socket.id;
        let deferred = socket.options.deferred;
        let copies = flags & MSG_ZEROCOPY == 0 || !socket.options.zerocopy;
        if !copies && data.len() > FRAGMENTS {
            return self.send_fragments(kernel, ctx, fd, data, flags);
        }
        let (mut data, bad) = gather(data);
        let zerocopy = match self.socket_mut(fd) {
            Ok(socket) if !copies && (bad || !data.is_empty()) => Some(socket.zerocopy.begin()),
            _ => None,
        };
        let flags_for_tcp = SendFlags {
            urgent: flags & MSG_OOB != 0,
            more: flags & MSG_MORE != 0,
            eor: flags & MSG_EOR != 0,
        };
        let nonblock = self.is_nonblock(fd) || flags & MSG_DONTWAIT != 0;
        let until = self.send_deadline(ctx.now, fd);
        let (mut sent, mut refusal) = (0, Errno::EAGAIN);
        if flags & MSG_FASTOPEN != 0 || deferred.is_some() {
            let what = Some(&data).filter(|data| !(data.is_empty() && bad));
            match self.open_with(kernel, ctx, fd, to, (what, !nonblock)) {
                Ok((taken, errno)) => (sent, refusal) = (taken, errno),
                Err(errno) => {
                    if let Some(number) = zerocopy {
                        self.end_zerocopy(kernel, ctx.now, id, (number, false));
                    }
                    return errno.into();
                }
            }
            self.count_written(id, sent.into());
            data = data.slice(sent, u32::MAX);
        }
        let opens = refusal == Errno::EINPROGRESS;
        let sending = Sending {
            id,
            data,
            bad,
            flags: flags_for_tcp,
            sent: sent.into(),
            opens,
            asleep: None,
            then: Then::Nothing,
            zerocopy,
        };
        self.start(kernel, ctx, Job::Send(sending), nonblock, until, refusal)
    }
    /// Sends what is in a file or a pipe.
    pub(super) fn send_from(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        fd: Fd,
        data: Payload,
        (more, then): (bool, Then),
    ) -> Outcome {
        let id = match self.socket_of(fd) {
            Ok(socket) => socket.id,
            Err(errno) => return errno.into(),
        };
        let flags = SendFlags { more, ..SendFlags::default() };
        let sending = Sending {
            id,
            data,
            bad: false,
            flags,
            sent: 0,
            opens: false,
            asleep: None,
            then,
            zerocopy: None,
        };
        let (nonblock, until) = (self.is_nonblock(fd), self.send_deadline(ctx.now, fd));
        self.start(kernel, ctx, Job::Send(sending), nonblock, until, Errno::EAGAIN)
    }
    /// A send with `MSG_ZEROCOPY` of more pieces than an skb has room for: each skb holds as many as fit, and nothing joins
    /// it. It must not have to wait.
    fn send_fragments(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        fd: Fd,
        data: &[Source],
        flags: i32,
    ) -> Outcome {
        let (mut number, mut sent) = (None, 0);
        let id = match self.socket_mut(fd) {
            Ok(socket) => {
                if data.iter().any(|piece| !matches!(piece, Source::Data(data) if data.is_empty())) {
                    number = Some(socket.zerocopy.begin());
                }
                socket.id
            }
            Err(errno) => return errno.into(),
        };
        let mut outcome = Outcome::Returned(Reply::ok(0));
        for skb in data.chunks(FRAGMENTS) {
            let flags = flags & !MSG_ZEROCOPY | MSG_EOR;
            outcome = match self.send(kernel, ctx, fd, skb, flags, None) {
                Outcome::Returned(Reply { result: Ok(count), .. }) => {
                    sent += count;
                    Outcome::Returned(Reply::ok(sent))
                }
                Outcome::Blocked(_) => {
                    return Outcome::Unsupported("MSG_ZEROCOPY in many pieces that has to wait".to_owned());
                }
                _ if sent > 0 => Outcome::Returned(Reply::ok(sent)),
                outcome => outcome,
            };
        }
        if let Some(number) = number {
            self.end_zerocopy(kernel, ctx.now, id, (number, sent > 0));
        }
        outcome
    }
    /// A send is over: what it was made from has become less.
    pub(super) fn sent(&mut self, kernel: &Kernel, now: Time, sending: &Sending) {
        let count = u32::try_from(sending.sent).unwrap_or(u32::MAX);
        self.taken(sending.then, count);
        if let Some(number) = sending.zerocopy {
            self.end_zerocopy(kernel, now, sending.id, (number, count > 0));
        }
    }
    /// A send that opens the connection: what went with the SYN, and what it fails with that must not wait
    /// (`tcp_sendmsg_fastopen` of Linux).
    fn open_with(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        fd: Fd,
        to: Option<Addr>,
        (data, more): (Option<&Payload>, bool),
    ) -> Result<(u32, Errno), Errno> {
        let socket = self.socket_mut(fd)?;
        if !kernel.fast_open_allowed() || to == Some(Addr::Unspec) {
            return Err(Errno::EOPNOTSUPP);
        }
        let to = match (socket.phase, socket.options.deferred.take(), to) {
            (_, Some(to), _) | (Phase::Unconnected, None, Some(Addr::Inet(to))) => to,
            (Phase::Unconnected, None, _) => return Err(Errno::EINVAL),
            (Phase::Connecting, ..) => return Ok((0, Errno::EALREADY)),
            (Phase::Connected, ..) => return Err(Errno::EISCONN),
        };
        if to.is_ipv6() != socket.v6 {
            return Err(if socket.v6 { Errno::EINVAL } else { Errno::EAFNOSUPPORT });
        }
        let taken = kernel.connect_fast(ctx, socket.id, to, data, more)?;
        socket.phase = Phase::Connecting;
        Ok((taken, Errno::EINPROGRESS))
    }
    pub(super) fn try_send(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        sending: &mut Sending,
    ) -> Progress {
        let id = sending.id;
        // Whoever sleeps for want of room is woken when there is enough of it, not by the first byte (sk_stream_write_space).
        let over = kernel.pending_error(id).is_some() || kernel.is_write_shut(id);
        if !over
            && let Some(news) = sending.asleep
            && (news.output, news.any) == (kernel.news(id).output, kernel.news(id).any)
        {
            return Progress::Waits;
        }
        loop {
            if kernel.is_opening(id) && kernel.pending_error(id).is_none() {
                return Progress::Waits;
            }
            if std::mem::take(&mut sending.opens) {
                if let Some(errno) = kernel.take_error(id) {
                    self.forget_open(kernel, id);
                    return errno.into();
                }
                if sending.data.is_empty() && !sending.bad {
                    return Reply::ok(sending.sent).into();
                }
            }
            if sending.sent > 0 && (kernel.pending_error(id).is_some() || kernel.is_write_shut(id)) {
                // The next call will be told.
                return Reply::ok(sending.sent).into();
            }
            if sending.data.is_empty() && sending.bad {
                return if sending.sent > 0 { Reply::ok(sending.sent).into() } else { Errno::EFAULT.into() };
            }
            if let Some(errno) = kernel.take_own_error(id) {
                return errno.into();
            }
            match kernel.send(ctx, id, &sending.data, sending.flags) {
                Ok(taken) => {
                    self.count_written(id, taken.into());
                    sending.sent += i64::from(taken);
                    sending.data = sending.data.slice(taken, u32::MAX);
                    if sending.data.is_empty() && !sending.bad {
                        return Reply::ok(sending.sent).into();
                    }
                }
                Err(Errno::EAGAIN) => {
                    sending.asleep = Some(kernel.news(id));
                    return Progress::Waits;
                }
                Err(_) if sending.sent > 0 => return Reply::ok(sending.sent).into(),
                Err(errno) => return errno.into(),
            }
        }
    }

    /// The open has failed: the socket may be connected anew.
    fn forget_open(&mut self, kernel: &mut Kernel, id: SocketId) {
        kernel.forget_connection(id);
        for file in self.files.values_mut() {
            if let FileKind::Socket(socket) = &mut file.kind
                && socket.id == id
            {
                socket.phase = Phase::Unconnected;
            }
        }
    }

    pub(super) fn recv(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        fd: Fd,
        room: &[Room],
        flags: i32,
        control: bool,
    ) -> Outcome {
        let socket = match self.socket_of(fd) {
            Ok(socket) => socket,
            Err(errno) => return errno.into(),
        };
        if let Some(what) = unseen::unknown_receive(flags) {
            return Outcome::Unsupported(what);
        }
        if socket.options.deferred.is_some() {
            return Errno::EAGAIN.into();
        }
        let (room, bad) = measure(room);
        if flags & MSG_ERRQUEUE != 0 {
            return receive_error(kernel, socket.id, room, socket.v6).into();
        }
        if flags & MSG_OOB != 0 {
            return receive_urgent(kernel, ctx, socket.id, flags).into();
        }
        let lowat = socket.options.receive_low.max(1);
        let target = if flags & MSG_WAITALL != 0 { room } else { room.min(lowat) };
        let inq = control && socket.options.inq;
        let receiving = Receiving {
            id: socket.id,
            room,
            bad,
            flags,
            target: target.max(1),
            inq,
            data: Payload::Empty,
            copied: 0,
        };
        let nonblock = self.is_nonblock(fd) || flags & MSG_DONTWAIT != 0;
        let until = self.receive_deadline(ctx.now, fd);
        self.start(kernel, ctx, Job::Recv(receiving), nonblock, until, Errno::EAGAIN)
    }
    pub(super) fn try_recv(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        receiving: &mut Receiving,
    ) -> Progress {
        let id = receiving.id;
        match kernel.socket_state(id) {
            State::Listen => return Errno::ENOTCONN.into(),
            _ if kernel.is_opening(id) && kernel.pending_error(id).is_none() => return Progress::Waits,
            _ => {}
        }
        if receiving.bad && receiving.copied == receiving.room && kernel.readable(id).0 > 0 {
            return if receiving.copied > 0 { receiving.done(kernel) } else { Errno::EFAULT.into() };
        }
        while receiving.copied < receiving.room || receiving.room == 0 {
            if receiving.copied > 0 && kernel.pending_error(id).is_some() {
                break; // the next call will be told
            }
            if receiving.copied > 0 && kernel.urgent_ahead(id) == Some(1) {
                break; // at the mark (`tcp_recvmsg` of Linux)
            }
            if let Some(errno) = kernel.take_own_error(id) {
                return errno.into();
            }
            let left = receiving.room - receiving.copied;
            let received = if receiving.flags & MSG_PEEK != 0 {
                kernel.peek(id, receiving.copied, left)
            } else {
                kernel.recv(ctx, id, left)
            };
            match received {
                // Room for nothing: whether there is something to read is asked all the same.
                Ok(Received::Data(data))
                    if data.is_empty() && left == 0 && kernel.readable(id) == (0, false) =>
                {
                    return Progress::Waits;
                }
                Ok(Received::Data(data)) if data.is_empty() => break,
                Ok(Received::Data(data)) => {
                    receiving.copied += data.len();
                    if receiving.flags & MSG_TRUNC == 0 {
                        receiving.data = std::mem::take(&mut receiving.data).concat(&data);
                    }
                }
                Ok(Received::Eof) => break,
                Err(Errno::EAGAIN) if receiving.copied >= receiving.target => break,
                Err(Errno::EAGAIN) => return Progress::Waits,
                Err(_) if receiving.copied > 0 => break,
                Err(errno) => return errno.into(),
            }
        }
        receiving.done(kernel)
    }
}

impl Receiving {
    /// It has what it waited for.
    fn done(&mut self, kernel: &Kernel) -> Progress {
        let mut control = Vec::new();
        if self.inq {
            let hint = kernel.readable_hint(self.id);
            control.push(Control { level: SOL_TCP, kind: TCP_CM_INQ, data: ControlData::Int(hint) });
        }
        let message = Message { data: std::mem::take(&mut self.data), flags: 0, control };
        Reply::with(self.copied.into(), Detail::Message(message)).into()
    }
}

/// `MSG_OOB`.
fn receive_urgent(kernel: &mut Kernel, ctx: &mut Ctx<'_>, id: SocketId, flags: i32) -> Result<Reply, Errno> {
    let octet = kernel.recv_urgent(ctx, id, flags & MSG_PEEK != 0)?;
    let message = Message { data: Payload::from_bytes(&[octet]), flags: MSG_OOB, control: Vec::new() };
    Ok(Reply::with(1, Detail::Message(message)))
}

/// `MSG_ERRQUEUE` (ip_recv_error of Linux).
fn receive_error(kernel: &mut Kernel, id: SocketId, room: u32, v6: bool) -> Result<Reply, Errno> {
    let queued = kernel.take_queued_error(id).ok_or(Errno::EAGAIN)?;
    let mut control = Vec::new();
    let (level, kind) = if v6 { (SOL_IPV6, IPV6_RECVERR) } else { (SOL_IP, IP_RECVERR) };
    let mut error = ExtendedError { errno: 0, origin: 0, kind: 0, code: 0, info: 0, data: 0 };
    let len = match queued {
        QueuedError::Stamp { what, reported, key, len } => {
            if let Some(at) = reported {
                let data = ControlData::Timestamp(at.since(Time::ZERO));
                control.push(Control { level: SOL_SOCKET, kind: SCM_TIMESTAMPING, data });
            }
            (error.errno, error.origin) = (Errno::ENOMSG.number(), SO_EE_ORIGIN_TIMESTAMPING as u8);
            error.info = match what {
                StampKind::Sent => SCM_TSTAMP_SND,
                StampKind::Scheduled => SCM_TSTAMP_SCHED,
                StampKind::Acknowledged => SCM_TSTAMP_ACK,
            } as u32;
            error.data = key;
            len
        }
        QueuedError::Zerocopy { first, last } => {
            error.origin = SO_EE_ORIGIN_ZEROCOPY as u8;
            error.code = SO_EE_CODE_ZEROCOPY_COPIED as u8;
            (error.info, error.data) = (first, last);
            0
        }
        QueuedError::Icmp { errno, kind, code } => {
            // Who has read this knows of the error (sock_dequeue_err_skb).
            let _ = kernel.take_error(id);
            let origin = if v6 { SO_EE_ORIGIN_ICMP6 } else { SO_EE_ORIGIN_ICMP };
            (error.errno, error.origin) = (errno.number(), origin as u8);
            (error.kind, error.code) = (kind, code);
            // Of the segment that is quoted, its first octets (RFC 792).
            QUOTED
        }
    };
    control.push(Control { level, kind, data: ControlData::Error(error) });
    let copied = room.min(len);
    let truncated = if copied < len { MSG_TRUNC } else { 0 };
    let message = Message { data: Payload::Empty, flags: MSG_ERRQUEUE | truncated, control };
    Ok(Reply::with(copied.into(), Detail::Message(message)))
}

/// The bytes that can be read, and whether memory that cannot comes behind them.
fn gather(data: &[Source]) -> (Payload, bool) {
    let mut whole = Payload::Empty;
    for source in data {
        match source {
            Source::Data(piece) => whole = whole.concat(piece),
            Source::Bad(0) => {}
            Source::Bad(_) => return (whole, true),
        }
    }
    (whole, false)
}
/// The room that can be written, and whether memory that cannot comes behind it.
fn measure(room: &[Room]) -> (u32, bool) {
    let mut whole: u32 = 0;
    for room in room {
        match room {
            Room::Bytes(bytes) => whole = whole.saturating_add(*bytes),
            Room::Bad(0) => {}
            Room::Bad(_) => return (whole, true),
        }
    }
    (whole, false)
}
