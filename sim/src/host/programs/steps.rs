//! What each step of a script does. A step may be begun many times before it is done: it looks at its progress, does
//! what can be done now, and says how far it got.

mod answers;

use std::net::{IpAddr, SocketAddr};

use tcp::tcb::{Received, SendFlags, SocketOption};
use tcp::{Duration, Errno, Payload, Time};

use super::script::{Doing, Frame, Progress};
use super::{Who, text};
use crate::host::kernel::{Ctx, Kernel};
use crate::host::lean::Seldom;
use crate::host::sockets::SocketId;
use crate::spec::Step;

/// Bytes of one write or read where the step does not say.
const BLOCK: u32 = 65_536;

impl Doing {
    pub(super) fn step(&mut self, step: &Step, k: &mut Kernel, ctx: &mut Ctx<'_>, who: &Who<'_>) -> Progress {
        match step {
            Step::Bind { port, address } => self.bind(*address, *port, k, ctx, who),
            Step::Connect(to) => self.connect(*to, k, ctx, who),
            Step::BeginConnect(to) => self.begin_connect(*to, k, ctx, who),
            Step::FastOpen { to, data } => self.fast_open(*to, data, k, ctx, who),
            Step::Set(option) => self.set(*option, k, ctx, who),
            Step::Send(data) => self.send(data, SendFlags::default(), k, ctx, who),
            Step::SendMore(data) => {
                self.send(data, SendFlags { more: true, ..SendFlags::default() }, k, ctx, who)
            }
            Step::SendUrgent(data) => {
                self.send(data, SendFlags { urgent: true, ..SendFlags::default() }, k, ctx, who)
            }
            Step::SendBytes { len, chunk, every } => self.send_bytes(*len, *chunk, *every, k, ctx, who),
            Step::Recv(len) => self.recv(*len, k, ctx, who),
            Step::RecvSome(max) => self.recv_some(*max, k, ctx, who),
            Step::RecvToEof => self.recv_to_eof(BLOCK, Duration::ZERO, k, ctx, who),
            Step::RecvSlowly { chunk, every } => self.recv_to_eof(*chunk, *every, k, ctx, who),
            Step::RecvUrgent => self.recv_urgent(k, ctx, who),
            Step::Echo => self.echo(k, ctx, who),
            Step::Reply { max, with } => self.reply(*max, with, k, ctx, who),
            Step::Respond { request, response, think } => {
                self.respond(*request, *response, *think, k, ctx, who)
            }
            Step::Answer { request } => self.answer(*request, k, ctx, who),
            Step::Sleep(time) => {
                if self.work.until == Time::ZERO {
                    self.work.until = ctx.now + *time;
                }
                let until = self.work.until;
                if ctx.now >= until { Progress::Done } else { Progress::WaitUntil(until) }
            }
            Step::WaitUntil(time) => {
                if ctx.now >= *time {
                    Progress::Done
                } else {
                    Progress::WaitUntil(*time)
                }
            }
            Step::WaitEnd => self.wait_end(k, ctx, who),
            Step::ShutdownWrite => {
                let result = self.with_socket(|socket| k.shutdown_write(ctx, socket));
                finish(ctx, who, "shutdown(SHUT_WR)", result)
            }
            Step::ShutdownRead => {
                let result = self.with_socket(|socket| k.shutdown_read(ctx, socket));
                finish(ctx, who, "shutdown(SHUT_RD)", result)
            }
            Step::Close => {
                let result = self.with_socket(|socket| k.close(ctx, socket));
                self.socket = None;
                finish(ctx, who, "close()", result)
            }
            Step::Abort => {
                let result = self.with_socket(|socket| {
                    k.set_option(ctx, socket, SocketOption::Linger(Some(Duration::ZERO)))?;
                    k.close(ctx, socket)
                });
                self.socket = None;
                finish(ctx, who, "close() with linger 0", result)
            }
            Step::Repeat(times, steps) => {
                Frame::repeat(*times, steps).map_or(Progress::Done, Progress::Enter)
            }
            Step::Try(steps) => Progress::Enter(Frame::catching(steps)),
        }
    }

    fn bind(
        &mut self,
        address: Option<IpAddr>,
        port: u16,
        k: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Progress {
        let socket = self.open_socket(k, who);
        let result = k.bind(socket, address, port);
        let call = || match address {
            Some(address) => format!("bind({})", SocketAddr::new(address, port)),
            None => format!("bind({port})"),
        };
        ctx.out.program(who.label, || (call(), outcome(result)));
        self.close_if_failed(result, k, ctx)
    }

    fn connect(&mut self, to: SocketAddr, k: &mut Kernel, ctx: &mut Ctx<'_>, who: &Who<'_>) -> Progress {
        let socket = self.open_socket(k, who);
        let result = if self.work.phase == 0 {
            self.work.phase = 1;
            k.connect(ctx, socket, to)
        } else {
            k.connect_outcome(socket)
        };
        if result == Err(Errno::EINPROGRESS) {
            return Progress::Wait;
        }
        k.note_connected(ctx, socket, result);
        ctx.out.program(who.label, || (format!("connect({to})"), outcome(result)));
        self.pattern_offset = 0;
        self.close_if_failed(result, k, ctx)
    }

    /// The steps that follow wait for the connection where they need it.
    fn begin_connect(
        &mut self,
        to: SocketAddr,
        k: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Progress {
        let socket = self.open_socket(k, who);
        let result = k.connect(ctx, socket, to);
        ctx.out.program(who.label, || (format!("connect({to})"), outcome(result)));
        self.pattern_offset = 0;
        let result = if result == Err(Errno::EINPROGRESS) { Ok(()) } else { result };
        self.close_if_failed(result, k, ctx)
    }

    /// What went with the SYN is sent; the rest waits until the connection is open.
    fn fast_open(
        &mut self,
        to: SocketAddr,
        data: &Payload,
        k: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Progress {
        let socket = self.open_socket(k, who);
        let call = || format!("sendto({to}, {}, MSG_FASTOPEN)", text::data(data));
        if self.work.phase == 0 {
            self.work.phase = 1;
            self.pattern_offset = 0;
            match k.connect_fast(ctx, socket, to, Some(data), true) {
                Ok(taken) => {
                    self.work.done = taken.into();
                    self.work.pending = data.slice(taken, data.len() - taken.min(data.len()));
                }
                Err(errno) => {
                    ctx.out.program(who.label, || (call(), errno.to_string()));
                    return self.close_if_failed(Err(errno), k, ctx);
                }
            }
        }
        let opened = match k.connect_outcome(socket) {
            _ if self.work.pending.is_empty() => Ok(()),
            Err(Errno::EINPROGRESS) => return Progress::Wait,
            opened => opened,
        };
        k.note_connected(ctx, socket, opened);
        let result = opened.and_then(|()| self.flush(SendFlags::default(), k, ctx));
        if result == Err(Errno::EAGAIN) {
            return Progress::Wait;
        }
        ctx.out.program(who.label, || (call(), counted(result, data.len().into(), self.work.done)));
        if opened.is_err() {
            return self.close_if_failed(opened, k, ctx);
        }
        if result.is_ok() { Progress::Done } else { Progress::Failed }
    }

    fn set(&mut self, option: SocketOption, k: &mut Kernel, ctx: &mut Ctx<'_>, who: &Who<'_>) -> Progress {
        let socket = self.open_socket(k, who);
        let result = k.set_option(ctx, socket, option);
        ctx.out.program(who.label, || (format!("setsockopt({option})"), outcome(result)));
        if result.is_ok() { Progress::Done } else { Progress::Failed }
    }

    fn send(
        &mut self,
        data: &Payload,
        flags: SendFlags,
        k: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Progress {
        if self.work.phase == 0 {
            self.work.phase = 1;
            self.work.pending = data.clone();
        }
        let result = self.flush(flags, k, ctx);
        if result == Err(Errno::EAGAIN) {
            return Progress::Wait;
        }
        ctx.out.program(who.label, || {
            let oob = if flags.urgent { ", MSG_OOB" } else { "" };
            (format!("send({}{oob})", text::data(data)), counted(result, data.len().into(), self.work.done))
        });
        if result.is_ok() { Progress::Done } else { Progress::Failed }
    }

    fn send_bytes(
        &mut self,
        len: u64,
        chunk: u32,
        every: Duration,
        k: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Progress {
        let chunk = u64::from(if chunk == 0 { BLOCK } else { chunk });
        let result = loop {
            if ctx.now < self.work.until {
                return Progress::WaitUntil(self.work.until);
            }
            if self.work.pending.is_empty() {
                let left = len - self.work.done;
                if left == 0 {
                    break Ok(());
                }
                self.work.pending = self.pattern(left.min(chunk), k);
            }
            match self.flush(SendFlags::default(), k, ctx) {
                Ok(()) if every > Duration::ZERO && self.work.done < len => {
                    self.work.until = ctx.now + every;
                }
                Ok(()) => {}
                Err(Errno::EAGAIN) => return Progress::Wait,
                Err(errno) => break Err(errno),
            }
        };
        ctx.out.program(who.label, || (format!("send({len})"), counted(result, len, self.work.done)));
        if result.is_ok() { Progress::Done } else { Progress::Failed }
    }

    fn recv(&mut self, len: u64, k: &mut Kernel, ctx: &mut Ctx<'_>, who: &Who<'_>) -> Progress {
        let result = loop {
            let left = len - self.work.done;
            if left == 0 {
                break text::received(len, &self.work.shown);
            }
            match self.read(left.min(BLOCK.into()) as u32, k, ctx) {
                Ok(Received::Data(data)) => self.count(&data),
                Ok(Received::Eof) if self.work.done == 0 => break "EOF".to_owned(),
                Ok(Received::Eof) => break format!("EOF after {}", self.work.done),
                Err(Errno::EAGAIN) => return Progress::Wait,
                Err(errno) => break failed(errno, self.work.done),
            }
        };
        ctx.out.program(who.label, || (format!("recv({len})"), result));
        if self.work.done == len { Progress::Done } else { Progress::Failed }
    }

    fn recv_some(&mut self, max: u32, k: &mut Kernel, ctx: &mut Ctx<'_>, who: &Who<'_>) -> Progress {
        let result = self.read(max, k, ctx);
        if result == Err(Errno::EAGAIN) {
            return Progress::Wait;
        }
        ctx.out.program(who.label, || (format!("recv({max})"), read_outcome(&result)));
        if result.is_ok() { Progress::Done } else { Progress::Failed }
    }

    fn recv_to_eof(
        &mut self,
        chunk: u32,
        every: Duration,
        k: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Progress {
        let chunk = if chunk == 0 { BLOCK } else { chunk };
        let result = loop {
            if ctx.now < self.work.until {
                return Progress::WaitUntil(self.work.until);
            }
            match self.read(chunk, k, ctx) {
                Ok(Received::Data(data)) => {
                    self.count(&data);
                    if every > Duration::ZERO {
                        self.work.until = ctx.now + every;
                    }
                }
                Ok(Received::Eof) => break Ok(()),
                Err(Errno::EAGAIN) => return Progress::Wait,
                Err(errno) => break Err(errno),
            }
        };
        ctx.out.program(who.label, || {
            let text = match result {
                Ok(()) if self.work.done == 0 => "EOF".to_owned(),
                Ok(()) => format!("{}, EOF", text::received(self.work.done, &self.work.shown)),
                Err(errno) => failed(errno, self.work.done),
            };
            ("recv until EOF", text)
        });
        if result.is_ok() { Progress::Done } else { Progress::Failed }
    }

    fn recv_urgent(&mut self, k: &mut Kernel, ctx: &mut Ctx<'_>, who: &Who<'_>) -> Progress {
        let result = match self.socket {
            Some(socket) => k.recv_urgent(ctx, socket, false),
            None => Err(Errno::EBADF),
        };
        // EINVAL: none was announced so far. It still may be, unless the stream is over.
        let over = self.socket.is_none_or(|socket| k.is_over(socket));
        if matches!(result, Err(Errno::EAGAIN | Errno::EINVAL)) && !over {
            return Progress::Wait;
        }
        ctx.out.program(who.label, || {
            let text = match result {
                Ok(octet) => format!("1 {:?}", char::from(octet).to_string()),
                Err(errno) => errno.to_string(),
            };
            ("recv(1, MSG_OOB)", text)
        });
        if result.is_ok() { Progress::Done } else { Progress::Failed }
    }

    /// Reads and forgets whatever comes.
    fn wait_end(&mut self, k: &mut Kernel, ctx: &mut Ctx<'_>, who: &Who<'_>) -> Progress {
        let text = loop {
            match self.read(BLOCK, k, ctx) {
                Ok(Received::Data(data)) => self.count(&data),
                Ok(Received::Eof) => break "EOF".to_owned(),
                Err(Errno::EAGAIN) => return Progress::Wait,
                Err(errno) => break errno.to_string(),
            }
        };
        ctx.out.program(who.label, || ("wait for the end", text));
        Progress::Done
    }

    /// Writes what is pending; EAGAIN while some of it is left.
    fn flush(&mut self, flags: SendFlags, k: &mut Kernel, ctx: &mut Ctx<'_>) -> Result<(), Errno> {
        while !self.work.pending.is_empty() {
            let socket = self.socket.ok_or(Errno::EBADF)?;
            let taken = k.send(ctx, socket, &self.work.pending, flags)?;
            if taken == 0 {
                return Err(Errno::EAGAIN);
            }
            self.work.done += u64::from(taken);
            let left = self.work.pending.len() - taken.min(self.work.pending.len());
            self.work.pending = self.work.pending.slice(taken, left);
        }
        Ok(())
    }

    fn read(&mut self, max: u32, k: &mut Kernel, ctx: &mut Ctx<'_>) -> Result<Received, Errno> {
        // A read of nothing would succeed for ever.
        let result = k.recv(ctx, self.socket.ok_or(Errno::EBADF)?, max.max(1));
        if matches!(result, Ok(Received::Data(_))) {
            self.last_received = ctx.now;
        }
        result
    }

    fn count(&mut self, data: &Payload) {
        self.work.done += u64::from(data.len());
        text::keep(&mut self.work.shown, data);
    }

    /// The next `len` bytes of the stream that this socket is.
    fn pattern(&mut self, len: u64, k: &Kernel) -> Payload {
        let stream = self.socket.map_or(0, |socket| k.stream_id(socket));
        let offset = self.pattern_offset;
        self.pattern_offset += len;
        Payload::Pattern { stream, offset, len: len as u32 }
    }

    fn open_socket(&mut self, k: &mut Kernel, who: &Who<'_>) -> SocketId {
        *self.socket.get_or_insert_with(|| k.socket(who.process, who.task))
    }

    fn with_socket(&self, call: impl FnOnce(SocketId) -> Result<(), Errno>) -> Result<(), Errno> {
        self.socket.map_or(Err(Errno::EBADF), call)
    }

    /// A socket whose bind or connect failed is of no more use: a later step begins with a new one.
    fn close_if_failed(&mut self, result: Result<(), Errno>, k: &mut Kernel, ctx: &mut Ctx<'_>) -> Progress {
        match (result, self.socket) {
            (Ok(()), _) => Progress::Done,
            (Err(Errno::EISCONN), _) | (Err(_), None) => Progress::Failed,
            (Err(_), Some(socket)) => {
                // Closing a socket that never was connected cannot fail.
                let _ = k.close(ctx, socket);
                self.socket = None;
                Progress::Failed
            }
        }
    }
}

fn finish(ctx: &mut Ctx<'_>, who: &Who<'_>, call: &'static str, result: Result<(), Errno>) -> Progress {
    ctx.out.program(who.label, || (call, outcome(result)));
    if result.is_ok() { Progress::Done } else { Progress::Failed }
}

fn outcome(result: Result<(), Errno>) -> String {
    result.map_or_else(|errno| errno.to_string(), |()| "0".to_owned())
}

fn counted(result: Result<(), Errno>, len: u64, done: u64) -> String {
    result.map_or_else(|errno| failed(errno, done), |()| len.to_string())
}

fn failed(errno: Errno, done: u64) -> String {
    if done == 0 { errno.to_string() } else { format!("{errno} after {done}") }
}

fn read_outcome(result: &Result<Received, Errno>) -> String {
    match result {
        Ok(Received::Data(data)) => {
            let mut shown = Seldom::default();
            text::keep(&mut shown, data);
            text::received(data.len().into(), &shown)
        }
        Ok(Received::Eof) => "EOF".to_owned(),
        Err(errno) => errno.to_string(),
    }
}
