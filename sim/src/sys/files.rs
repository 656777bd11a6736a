//! Pipes and files, as far as splice(2) and sendfile(2) need them. Files hold zeros, and were put there by the caller.

use tcp::tcb::Received;
use tcp::{Errno, Payload, State};

use super::abi::*;
use super::call::{Detail, Fd, Outcome, Reply};
use super::io::Then;
use super::process::{FileKind, Job, Process, Progress};
use super::unseen;
use crate::host::{Ctx, Kernel, SocketId};

/// Bytes that a pipe holds (Linux: sixteen pages).
const PIPE: u32 = 65_536;

/// A splice from a socket on its way.
#[derive(Clone, Debug)]
pub(super) struct Splicing {
    id: SocketId,
    pipe: usize,
    most: u32,
}

/// A regular file that is open for reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Regular {
    len: u64,
    at: u64,
}

impl Process {
    /// pipe(2).
    pub(super) fn pipe(&mut self) -> Result<Reply, Errno> {
        let pipe = self.pipes.len();
        self.pipes.push(Payload::Empty);
        let read = self.open(FileKind::PipeEnd { pipe, writes: false }, 0)?;
        let write = self.open(FileKind::PipeEnd { pipe, writes: true }, 0)?;
        Ok(Reply::with(0, Detail::Pipe { read, write }))
    }

    /// open(2), of a file that the caller has made.
    pub(super) fn open_file(&mut self, path: &str, flags: i32) -> Outcome {
        let Some(len) = self.disk.get(path).copied() else {
            return Outcome::Unsupported(format!("open(2) of {path}, which nobody has made here"));
        };
        if flags & 3 != O_RDONLY {
            return Outcome::Unsupported("open(2) to write".to_owned());
        }
        if let Some(what) = unseen::unknown_open(flags & !O_RDONLY) {
            return Outcome::Unsupported(what);
        }
        let result = self.open(FileKind::Regular(Regular { len, at: 0 }), flags).map(i64::from);
        Outcome::Returned(Reply { result, detail: Detail::None })
    }

    /// sendfile(2).
    pub(super) fn send_file(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        (to, from): (Fd, Fd),
        offset: Option<u64>,
        count: u32,
    ) -> Outcome {
        let file = match self.files.get(&from).map(|file| &file.kind) {
            None => return Errno::EBADF.into(),
            Some(FileKind::Regular(file)) => *file,
            Some(_) => return Errno::EINVAL.into(),
        };
        let at = offset.unwrap_or(file.at);
        let left = u32::try_from(file.len.saturating_sub(at)).unwrap_or(u32::MAX);
        let count = count.min(left);
        if count == 0 {
            return match self.socket_of(to) {
                Ok(_) => Outcome::Returned(Reply::ok(0)),
                Err(errno) => errno.into(),
            };
        }
        let then = if offset.is_none() { Then::Advance(from) } else { Then::Nothing };
        self.send_from(kernel, ctx, to, zeros(count), (false, then))
    }

    /// splice(2), from a socket into a pipe or from a pipe into a socket.
    pub(super) fn splice(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        (from, to): (Fd, Fd),
        most: u32,
        flags: i32,
    ) -> Outcome {
        if let Some(what) = unseen::unknown_splice(flags) {
            return Outcome::Unsupported(what);
        }
        let kind = |fd: Fd| self.files.get(&fd).map(|file| &file.kind);
        match (kind(from), kind(to)) {
            (None, _) | (_, None) => Errno::EBADF.into(),
            (Some(FileKind::Socket(socket)), Some(FileKind::PipeEnd { pipe, writes: true })) => {
                let (id, pipe) = (socket.id, *pipe);
                let room = PIPE - self.pipes[pipe].len().min(PIPE);
                let nonblock = self.is_nonblock(from);
                match room {
                    _ if most == 0 => Outcome::Returned(Reply::ok(0)),
                    0 if flags & SPLICE_F_NONBLOCK != 0 => Errno::EAGAIN.into(),
                    0 => Outcome::Unsupported("splice(2) into a pipe that is full".to_owned()),
                    room => {
                        let job = Job::Splice(Splicing { id, pipe, most: most.min(room) });
                        let until = self.receive_deadline(ctx.now, from);
                        self.start(kernel, ctx, job, nonblock, until, Errno::EAGAIN)
                    }
                }
            }
            (Some(FileKind::PipeEnd { pipe, writes: false }), Some(FileKind::Socket(_))) => {
                let pipe = *pipe;
                let data = self.pipes[pipe].slice(0, most);
                match data.is_empty() {
                    true if most == 0 => Outcome::Returned(Reply::ok(0)),
                    true if flags & SPLICE_F_NONBLOCK != 0 => Errno::EAGAIN.into(),
                    true => Outcome::Unsupported("splice(2) from a pipe that is empty".to_owned()),
                    false => {
                        let more = flags & SPLICE_F_MORE != 0;
                        self.send_from(kernel, ctx, to, data, (more, Then::Consume(pipe)))
                    }
                }
            }
            _ => Outcome::Unsupported("splice(2) between these files".to_owned()),
        }
    }
    /// What there is in order, up to the urgent octet, which stays behind (`tcp_splice_read` of Linux).
    pub(super) fn try_splice(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        splicing: &Splicing,
    ) -> Progress {
        let id = splicing.id;
        match kernel.socket_state(id) {
            State::Listen => return Errno::ENOTCONN.into(),
            _ if kernel.is_opening(id) && kernel.pending_error(id).is_none() => return Progress::Waits,
            _ => {}
        }
        let ahead = kernel.urgent_ahead(id).map(|ahead| u32::try_from(ahead - 1).unwrap_or(u32::MAX));
        let most = splicing.most.min(ahead.unwrap_or(u32::MAX));
        if most == 0 {
            let stops = kernel.readable(id).0 > 0 || kernel.has_urgent(id);
            return if stops { Reply::ok(0).into() } else { Progress::Waits };
        }
        if let Some(errno) = kernel.take_own_error(id) {
            return errno.into();
        }
        match kernel.recv(ctx, id, most) {
            Ok(Received::Data(data)) => {
                let pipe = &mut self.pipes[splicing.pipe];
                *pipe = std::mem::take(pipe).concat(&data);
                Reply::ok(data.len().into()).into()
            }
            Ok(Received::Eof) => Reply::ok(0).into(),
            Err(Errno::EAGAIN) => Progress::Waits,
            Err(errno) => errno.into(),
        }
    }

    /// So much of what a file or a pipe held has gone.
    pub(super) fn taken(&mut self, then: Then, count: u32) {
        match then {
            Then::Nothing => {}
            Then::Advance(fd) => {
                if let Some(FileKind::Regular(file)) = self.files.get_mut(&fd).map(|file| &mut file.kind) {
                    file.at += u64::from(count);
                }
            }
            Then::Consume(pipe) => self.pipes[pipe] = self.pipes[pipe].slice(count, u32::MAX),
        }
    }
}

/// So many octets of zero.
fn zeros(count: u32) -> Payload {
    Payload::from_bytes(&vec![0; count as usize])
}
