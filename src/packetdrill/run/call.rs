//! System calls: from a line of the script to a call of the machine.

use std::net::SocketAddr;

use sim::sys::{Addr, Call, EpollEvent, Fd, OptionValue, Outcome, PollFd, Reply, Room, Source, abi};
use tcp::Payload;

use super::subject::{Phase, Subject};
use super::values::{self, Complaint, bracketed, c_int, int, is_null, items, wrong};
use super::{Now, Pending, Runner, Step, Stop, micros};
use crate::packetdrill::ast::{self, Expr, ExprKind};

/// Why a line is no call of the machine.
pub(super) enum NoCall {
    /// It is wrong.
    Wrong(Complaint),
    /// It asks for something that is not there.
    Unsupported(String),
}

impl From<Complaint> for NoCall {
    fn from(complaint: Complaint) -> NoCall {
        match complaint.unknown {
            true => NoCall::Unsupported(complaint.what),
            false => NoCall::Wrong(complaint),
        }
    }
}

type Made = Result<Call, NoCall>;

impl<'a> Runner<'a> {
    /// Makes a call, and compares what it returns, or will return.
    pub(super) fn call(&mut self, now: Now<'a>, line: &'a ast::Call) -> Step {
        let call = match self.machine_call(line) {
            Ok(call) => call,
            Err(NoCall::Wrong(complaint)) => return Err(self.failed(complaint.span, complaint.what)),
            Err(NoCall::Unsupported(what)) => return Err(self.unsupported(line.name_span.clone(), what)),
        };
        self.before(&call);
        let start = micros(self.machine.now());
        match self.machine.call(&call) {
            Outcome::Unsupported(what) => Err(self.unsupported(line.name_span.clone(), what)),
            Outcome::Returned(reply) => {
                self.compare_reply(now.event, line, &reply)?;
                match line.end {
                    Some(end) => self.returned_on_time(now.event, start, self.end_of(now, end), start),
                    None => Ok(()),
                }
            }
            Outcome::Blocked(ticket) => match line.end {
                Some(end) => {
                    let end = self.end_of(now, end);
                    self.pending = Some(Pending { ticket, event: now.event, call: line, start, end });
                    Ok(())
                }
                None => {
                    let failure = self
                        .failure(line.name_span.clone(), format!("{} blocks", line.name))
                        .expected(format!("to return {} at once", line.result))
                        .seen("it waits".into());
                    Err(Stop::Failed(Box::new(failure)))
                }
            },
        }
    }

    /// When a call that blocks is to return: on the same base as its start.
    fn end_of(&self, now: Now<'_>, end: u64) -> u64 {
        match now.event.time {
            ast::When::After(start) => now.from.saturating_sub(start).saturating_add(end),
            _ => end,
        }
    }

    /// Calls that have returned meanwhile.
    pub(super) fn returned(&mut self) -> Step {
        while let Some(returned) = self.machine.take_returned() {
            let Some(pending) = self.pending.take_if(|pending| pending.ticket == returned.ticket) else {
                continue;
            };
            self.compare_reply(pending.event, pending.call, &returned.reply)?;
            self.returned_on_time(pending.event, pending.start, pending.end, micros(returned.at))?;
        }
        Ok(())
    }

    fn returned_on_time(&self, event: &ast::Event, start: u64, end: u64, at: u64) -> Step {
        let tolerance = self.tolerance(Some(end.saturating_sub(start)));
        if at.abs_diff(end) <= tolerance {
            return Ok(());
        }
        let failure = self
            .failure(event.span.clone(), "the call returned at the wrong time".into())
            .expected(super::report::window(end, end, tolerance))
            .seen(format!("at {} s", super::report::seconds(at)));
        Err(Stop::Failed(Box::new(failure)))
    }

    /// One call blocks at a time: the next one waits until it has returned.
    pub(super) fn finish_call(&mut self) -> Step {
        let Some(pending) = &self.pending else { return Ok(()) };
        let (event, ticket) = (pending.event, pending.ticket);
        let limit = self.machine.now() + super::PATIENCE;
        while self.pending.is_some() && self.machine.deadline() <= limit {
            let next = self.machine.deadline();
            self.advance(next)?;
        }
        if self.pending.as_ref().is_some_and(|pending| pending.ticket == ticket) {
            return Err(self.failed(event.span.clone(), "this call blocks, and has not returned".into()));
        }
        Ok(())
    }

    /// What the machine is asked to do.
    fn machine_call(&self, line: &ast::Call) -> Made {
        let args = Args { line, runner: self };
        match line.name.as_str() {
            "socket" => args.socket(),
            "bind" => args
                .expect(3)
                .and(Ok(Call::Bind { fd: args.fd(0)?, addr: args.address(1, self.bind_address())? })),
            "listen" => Ok(Call::Listen { fd: args.fd(0)?, backlog: args.int(1)? }),
            "accept" => Ok(Call::Accept { fd: args.fd(0)?, flags: 0 }),
            "accept4" => Ok(Call::Accept { fd: args.fd(0)?, flags: args.int(3)? }),
            "connect" => {
                Ok(Call::Connect { fd: args.fd(0)?, addr: args.address(1, self.connect_address())? })
            }
            "read" => args.receive(0),
            "recv" => args.receive(args.int(3)?),
            "recvfrom" => args.expect(6).and_then(|()| args.receive(args.int(3)?)),
            "write" => args.send(0, None),
            "send" => args.send(args.int(3)?, None),
            "sendto" => args.expect(6).and_then(|()| args.send_to()),
            "readv" => args.receive_vector(),
            "writev" => args.send_vector(),
            "recvmsg" => args.receive_message(),
            "sendmsg" => args.send_message(),
            "shutdown" => Ok(Call::Shutdown { fd: args.fd(0)?, how: args.int(1)? }),
            "close" => Ok(Call::Close { fd: args.fd(0)? }),
            "fcntl" => {
                let arg = if line.args.len() > 2 { args.int(2)? } else { 0 };
                Ok(Call::Fcntl { fd: args.fd(0)?, command: args.int(1)?, arg })
            }
            "ioctl" => args.ioctl(),
            "setsockopt" => args.set_option(),
            "getsockopt" => args.get_option(),
            "poll" => args.poll(),
            // The size says nothing, but is a number above zero (epoll_create(2)).
            "epoll_create" => Ok(Call::EpollCreate { flags: if args.int(0)? > 0 { 0 } else { -1 } }),
            "epoll_create1" => Ok(Call::EpollCreate { flags: args.int(0)? }),
            "pipe" => args.expect(1).and(Ok(Call::Pipe)),
            "open" => args.open(),
            "sendfile" => args.expect(4).and_then(|()| args.send_file()),
            "splice" => args.expect(6).and_then(|()| args.splice()),
            "epoll_ctl" => args.epoll_ctl(),
            "epoll_wait" => {
                Ok(Call::EpollWait { epfd: args.fd(0)?, max: args.int(2)?, timeout: args.int(3)? })
            }
            name => Err(NoCall::Unsupported(format!("the call {name} is not run here"))),
        }
    }

    fn bind_address(&self) -> SocketAddr {
        SocketAddr::new(self.local, self.bind_port)
    }
    fn connect_address(&self) -> SocketAddr {
        SocketAddr::new(self.remote, self.connect_port)
    }

    /// What a call means for the socket under test before it is made: from now on its SYN may come.
    fn before(&mut self, call: &Call) {
        let (fd, to) = match call {
            Call::Connect { fd, addr } => (*fd, Some(*addr)),
            Call::Send { fd, flags, to, .. } if flags & abi::MSG_FASTOPEN != 0 => (*fd, *to),
            _ => return,
        };
        let remote = self.connect_address();
        let Some(subject) = self.subject.as_mut().filter(|subject| subject.fd == Some(fd)) else { return };
        match to {
            Some(Addr::Unspec) => subject.phase = Phase::New,
            _ if subject.phase == Phase::New => {
                let fd = subject.fd;
                *subject = Subject::new(fd, Phase::Connecting);
                subject.remote = Some(remote);
            }
            _ => {}
        }
    }

    /// What a call that succeeded means for descriptors and for the socket under test.
    pub(super) fn after(&mut self, line: &ast::Call, reply: &Reply) -> Result<(), String> {
        let Ok(result) = reply.result else { return Ok(()) };
        let arg = line.args.first().and_then(|arg| int(arg).ok());
        let expected = int(&line.result).unwrap_or(-1);
        let live = result as Fd;
        match line.name.as_str() {
            "socket" => {
                self.name_fd(expected, live)?;
                self.former.extend(self.subject.as_ref().and_then(|subject| subject.local));
                self.subject = Some(Subject::new(Some(live), Phase::New));
            }
            "epoll_create" | "epoll_create1" | "open" => self.name_fd(expected, live)?,
            "pipe" => self.name_pipe(line, reply)?,
            "accept" | "accept4" => {
                // A name may stand for another connection from now on, without a close in between.
                self.fds.remove(&expected);
                self.name_fd(expected, live)?;
                if let (sim::sys::Detail::Peer(peer), Some(subject)) = (&reply.detail, &mut self.subject)
                    && subject.remote == Some(*peer)
                    && subject.fd.is_none()
                {
                    subject.fd = Some(live);
                }
            }
            "bind" => {
                let (fd, bound) = (arg.and_then(|fd| self.fds.get(&fd)), self.bind_address());
                let fresh = |subject: &&mut Subject| subject.fd.as_ref() == fd && subject.phase == Phase::New;
                if let Some(subject) = self.subject.as_mut().filter(fresh) {
                    subject.bound = Some(bound);
                }
            }
            "listen" => {
                let fd = arg.and_then(|fd| self.fds.get(&fd));
                if let Some(subject) = self.subject.as_mut().filter(|subject| subject.fd.as_ref() == fd) {
                    subject.phase = Phase::Listening;
                }
            }
            "close" => {
                let fd = arg.and_then(|fd| self.fds.remove(&fd));
                if let Some(subject) = self.subject.as_mut().filter(|subject| subject.fd == fd) {
                    subject.fd = None;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// `pipe([5, 6])` names both ends.
    fn name_pipe(&mut self, line: &ast::Call, reply: &Reply) -> Result<(), String> {
        let names = line.args.first().and_then(|list| items(list).ok());
        match (names, &reply.detail) {
            (Some([read_name, write_name]), sim::sys::Detail::Pipe { read, write }) => {
                for (name, live) in [(read_name, read), (write_name, write)] {
                    self.name_fd(int(name).map_err(|complaint| complaint.what)?, *live)?;
                }
                Ok(())
            }
            _ => Err("pipe takes two descriptors in brackets".to_owned()),
        }
    }
    fn name_fd(&mut self, script: i64, live: Fd) -> Result<(), String> {
        if script < 0 {
            return Err(format!("succeeds, with a descriptor, where {script} is expected"));
        }
        match self.fds.insert(script, live) {
            None => Ok(()),
            Some(_) => Err(format!("the script has a descriptor {script} already")),
        }
    }
}

/// The arguments of a call.
struct Args<'s, 'a> {
    line: &'s ast::Call,
    runner: &'s Runner<'a>,
}

impl Args<'_, '_> {
    fn expect(&self, count: usize) -> Result<(), NoCall> {
        if self.line.args.len() == count {
            return Ok(());
        }
        let what = format!("{} has {count} arguments, not {}", self.line.name, self.line.args.len());
        Err(NoCall::Wrong(Complaint { span: self.line.name_span.clone(), unknown: false, what }))
    }
    fn get(&self, i: usize) -> Result<&Expr, Complaint> {
        self.line.args.get(i).ok_or_else(|| Complaint {
            span: self.line.name_span.clone(),
            unknown: false,
            what: format!("{} lacks its argument {}", self.line.name, i + 1),
        })
    }
    fn int(&self, i: usize) -> Result<i32, Complaint> {
        c_int(self.get(i)?)
    }
    /// A descriptor of the script as the machine has it; one that nobody has is handed on, and refused there.
    fn fd(&self, i: usize) -> Result<Fd, Complaint> {
        self.live_fd(self.get(i)?)
    }
    fn live_fd(&self, expr: &Expr) -> Result<Fd, Complaint> {
        let script = int(expr)?;
        self.runner.fds.get(&script).copied().ok_or_else(|| Complaint {
            span: expr.span.clone(),
            unknown: false,
            what: format!("the script has no descriptor {script} here"),
        })
    }
    /// `...` is the address that the runner chooses.
    fn address(&self, i: usize, own: SocketAddr) -> Result<Addr, Complaint> {
        let expr = self.get(i)?;
        match &expr.kind {
            ExprKind::Ellipsis => Ok(Addr::Inet(own)),
            ExprKind::Word(word) if word == "AF_UNSPEC" => Ok(Addr::Unspec),
            ExprKind::Struct(_) => structured(expr).ok_or_else(|| wrong(expr, "an address")),
            _ => Err(wrong(expr, "`...` or an address")),
        }
    }

    fn socket(&self) -> Made {
        let family = match &self.get(0)?.kind {
            ExprKind::Ellipsis if self.runner.local.is_ipv6() => abi::AF_INET6,
            ExprKind::Ellipsis => abi::AF_INET,
            _ => self.int(0)?,
        };
        Ok(Call::Socket { family, kind: self.int(1)?, protocol: self.int(2)? })
    }

    /// Memory to send: `...` are zeros, a text is itself, 0 is nowhere.
    fn source(&self, buffer: &Expr, len: &Expr) -> Result<Source, Complaint> {
        let count = int(len)?;
        let count = u32::try_from(count).map_err(|_| wrong(len, "a number of bytes"))?;
        if count > 1 << 30 {
            return Err(wrong(len, "a number of bytes below a gibibyte"));
        }
        match &buffer.kind {
            ExprKind::Ellipsis => Ok(Source::Data(self.runner.zeros(count))),
            ExprKind::Str(text) => {
                let mut bytes = text.as_bytes().to_vec();
                bytes.resize(count as usize, 0);
                Ok(Source::Data(Payload::from_bytes(&bytes)))
            }
            _ if is_null(buffer) => Ok(Source::Bad(count)),
            _ => Err(wrong(buffer, "`...`, a text or NULL")),
        }
    }
    fn room(&self, buffer: &Expr, len: &Expr) -> Result<Room, Complaint> {
        let count = int(len)?;
        let count = u32::try_from(count).map_err(|_| wrong(len, "a number of bytes"))?;
        if is_null(buffer) { Ok(Room::Bad(count)) } else { Ok(Room::Bytes(count)) }
    }
    fn send(&self, flags: i32, to: Option<Addr>) -> Made {
        let data = vec![self.source(self.get(1)?, self.get(2)?)?];
        Ok(Call::Send { fd: self.fd(0)?, data, flags, to })
    }
    fn send_to(&self) -> Made {
        let to = match self.get(4)? {
            none if is_null(none) => None,
            _ => Some(self.address(4, self.runner.connect_address())?),
        };
        self.send(self.int(3)?, to)
    }
    fn receive(&self, flags: i32) -> Made {
        let room = vec![self.room(self.get(1)?, self.get(2)?)?];
        Ok(Call::Recv { fd: self.fd(0)?, room, flags, control: false })
    }

    /// The parts of a vector: `{..., 4}` or `{iov_base=..., iov_len=4}`.
    fn vector<T>(
        &self,
        list: &Expr,
        part: impl Fn(&Expr, &Expr) -> Result<T, Complaint>,
    ) -> Result<Vec<T>, Complaint> {
        let one = |item: &Expr| match &item.kind {
            ExprKind::Struct(fields) => match fields.as_slice() {
                [base, len] => part(&base.value, &len.value),
                _ => Err(wrong(item, "a buffer and its length")),
            },
            _ => Err(wrong(item, "a buffer and its length in braces")),
        };
        items(list)?.iter().map(one).collect()
    }
    fn send_vector(&self) -> Made {
        let data = self.vector(self.get(1)?, |base, len| self.source(base, len))?;
        Ok(Call::Send { fd: self.fd(0)?, data, flags: 0, to: None })
    }
    fn receive_vector(&self) -> Made {
        let room = self.vector(self.get(1)?, |base, len| self.room(base, len))?;
        Ok(Call::Recv { fd: self.fd(0)?, room, flags: 0, control: false })
    }
    fn send_message(&self) -> Made {
        let message = self.get(1)?;
        let flags = self.int(2)?;
        if let Some(control) = message.field("msg_control")
            && !items(control)?.is_empty()
        {
            return Err(NoCall::Unsupported("sendmsg with control messages is not run here".into()));
        }
        let list = message.field("msg_iov").ok_or_else(|| wrong(message, "a message with msg_iov"))?;
        let data = self.vector(list, |base, len| self.source(base, len))?;
        let to = (flags & abi::MSG_FASTOPEN != 0).then(|| Addr::Inet(self.runner.connect_address()));
        Ok(Call::Send { fd: self.fd(0)?, data, flags, to })
    }
    fn receive_message(&self) -> Made {
        let message = self.get(1)?;
        let list = message.field("msg_iov").ok_or_else(|| wrong(message, "a message with msg_iov"))?;
        let room = self.vector(list, |base, len| self.room(base, len))?;
        let control = message.field("msg_control").is_some();
        Ok(Call::Recv { fd: self.fd(0)?, room, flags: self.int(2)?, control })
    }

    fn open(&self) -> Made {
        let path = self.get(0)?;
        match &path.kind {
            ExprKind::Str(text) => Ok(Call::Open { path: text.clone(), flags: self.int(1)? }),
            _ => Err(NoCall::Wrong(wrong(path, "the path of a file"))),
        }
    }
    fn count(&self, i: usize) -> Result<u32, Complaint> {
        let count = self.get(i)?;
        u32::try_from(int(count)?)
            .ok()
            .filter(|count| *count <= 1 << 30)
            .ok_or_else(|| wrong(count, "a number of bytes, at most a gibibyte"))
    }
    fn send_file(&self) -> Made {
        let offset = match self.get(2)? {
            null if is_null(null) => None,
            offset => Some(bracketed(offset)?.cast_unsigned()),
        };
        Ok(Call::SendFile { to: self.fd(0)?, from: self.fd(1)?, offset, count: self.count(3)? })
    }
    fn splice(&self) -> Made {
        if let Some(offset) =
            [1, 3].into_iter().map(|i| self.get(i)).find(|arg| !arg.as_ref().is_ok_and(|arg| is_null(arg)))
        {
            return Err(NoCall::Unsupported(format!("splice at the offset {} is not run here", offset?)));
        }
        Ok(Call::Splice { from: self.fd(0)?, to: self.fd(2)?, count: self.count(4)?, flags: self.int(5)? })
    }

    fn ioctl(&self) -> Made {
        let request = self.int(1)?;
        let arg = if request == abi::FIONBIO { bracketed(self.get(2)?)? as i32 } else { 0 };
        Ok(Call::Ioctl { fd: self.fd(0)?, request, arg })
    }

    fn set_option(&self) -> Made {
        let (level, name) = (self.int(1)?, self.int(2)?);
        let value = self.get(3)?;
        let value = match &value.kind {
            ExprKind::Str(text) => OptionValue::Text(text.clone()),
            ExprKind::Struct(_) => {
                let of = |name: &str| value.field(name).map(values::c_int).transpose();
                match (of("onoff")?, of("linger")?) {
                    (Some(onoff), Some(linger)) => OptionValue::Linger { onoff, linger },
                    _ => return Err(NoCall::Unsupported(format!("the value `{value}` is not known here"))),
                }
            }
            _ if is_null(value) => OptionValue::Bad,
            _ => OptionValue::Int(bracketed(value)?),
        };
        Ok(Call::SetOption { fd: self.fd(0)?, level, name, value, len: self.int(4)? })
    }
    fn get_option(&self) -> Made {
        let len = bracketed(self.get(4)?)? as i32;
        Ok(Call::GetOption { fd: self.fd(0)?, level: self.int(1)?, name: self.int(2)?, len })
    }

    fn poll(&self) -> Made {
        let one = |item: &Expr| {
            let field =
                |name: &str| item.field(name).ok_or_else(|| wrong(item, "{fd=…, events=…, revents=…}"));
            Ok(PollFd { fd: self.live_fd(field("fd")?)?, events: c_int(field("events")?)?, revents: 0 })
        };
        let fds = items(self.get(0)?)?.iter().map(one).collect::<Result<_, Complaint>>()?;
        Ok(Call::Poll { fds, timeout: self.int(2)? })
    }
    fn epoll_ctl(&self) -> Made {
        let event = epoll_event(self.get(3)?)?;
        Ok(Call::EpollCtl { epfd: self.fd(0)?, op: self.int(1)?, fd: self.fd(2)?, event })
    }
}

/// `{events=EPOLLIN, fd=4}`: the program's word is what it is, a descriptor too.
pub(super) fn epoll_event(expr: &Expr) -> Result<EpollEvent, Complaint> {
    let events = expr.field("events").ok_or_else(|| wrong(expr, "{events=…, fd=…}"))?;
    let data = ["fd", "ptr", "u32", "u64"].into_iter().find_map(|name| expr.field(name));
    let data = data.ok_or_else(|| wrong(expr, "one of fd, ptr, u32 and u64"))?;
    Ok(EpollEvent { events: c_int(events)?, data: int(data)? as u64 })
}

/// `{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("1.2.3.4")}`.
fn structured(expr: &Expr) -> Option<Addr> {
    let argument = |field: &str| match &expr.field(field)?.kind {
        ExprKind::Apply(_, args) => args.first(),
        _ => None,
    };
    if matches!(&expr.field("sa_family")?.kind, ExprKind::Word(word) if word == "AF_UNSPEC") {
        return Some(Addr::Unspec);
    }
    let port = u16::try_from(int(argument("sin_port")?).ok()?).ok()?;
    match &argument("sin_addr")?.kind {
        ExprKind::Str(text) => Some(Addr::Inet(SocketAddr::new(text.parse().ok()?, port))),
        _ => None,
    }
}
