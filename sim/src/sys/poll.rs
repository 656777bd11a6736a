//! poll(2), and what it says of a file (tcp_poll of Linux).

use tcp::{Errno, State};

use super::abi::*;
use super::call::{Detail, Fd, PollFd, Reply};
use super::process::{FileKind, Process, Progress};
use crate::host::{Kernel, SocketId};

/// A poll on its way.
#[derive(Clone, Debug)]
pub(super) struct Polling {
    pub(super) fds: Vec<PollFd>,
}

impl Polling {
    pub(super) fn new(fds: &[PollFd]) -> Polling {
        Polling { fds: fds.iter().map(|entry| PollFd { revents: 0, ..*entry }).collect() }
    }
}

impl Process {
    pub(super) fn try_poll(&mut self, kernel: &mut Kernel, polling: &mut Polling) -> Progress {
        let mut count = 0;
        for entry in &mut polling.fds {
            entry.revents = match entry.fd {
                ..0 => 0,
                fd => match self.events(kernel, fd) {
                    Ok(events) => events & (entry.events | POLLERR | POLLHUP),
                    Err(_) => POLLNVAL,
                },
            };
            count += i64::from(entry.revents != 0);
        }
        if count == 0 {
            return Progress::Waits;
        }
        Reply::with(count, Detail::Poll(polling.fds.clone())).into()
    }

    /// What there is on a file: `POLL…`. Whoever is told that there is no room to write will be woken when there is.
    pub(super) fn events(&self, kernel: &mut Kernel, fd: Fd) -> Result<i32, Errno> {
        match &self.files.get(&fd).ok_or(Errno::EBADF)?.kind {
            FileKind::Socket(socket) if socket.options.deferred.is_some() => Ok(POLLOUT | POLLWRNORM),
            FileKind::Socket(socket) => {
                Ok(socket_events(kernel, socket.id, socket.options.receive_low.max(1)))
            }
            FileKind::PipeEnd { pipe, writes: false } if self.pipes[*pipe].is_empty() => Ok(0),
            FileKind::PipeEnd { writes: true, .. } => Ok(POLLOUT | POLLWRNORM),
            FileKind::PipeEnd { .. } => Ok(POLLIN | POLLRDNORM),
            FileKind::Regular(_) => Ok(POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM),
            FileKind::Epoll(epoll) => Ok(if epoll.is_ready(self, kernel) { POLLIN | POLLRDNORM } else { 0 }),
        }
    }
}

/// What there is on a socket.
fn socket_events(kernel: &mut Kernel, id: SocketId, low: u32) -> i32 {
    let state = kernel.socket_state(id);
    if state == State::Listen {
        return if kernel.can_accept(id) { POLLIN | POLLRDNORM } else { 0 };
    }
    let (read_shut, write_shut) = (kernel.is_read_shut(id), kernel.is_write_shut(id));
    let mut events = 0;
    if read_shut && write_shut || matches!(state, State::Closed | State::TimeWait) {
        events |= POLLHUP;
    }
    if read_shut {
        events |= POLLIN | POLLRDNORM | POLLRDHUP;
    }
    if !kernel.is_opening(id) {
        if kernel.readable(id).0 >= low.into() {
            events |= POLLIN | POLLRDNORM;
        }
        if write_shut || kernel.poll_writable(id) {
            events |= POLLOUT | POLLWRNORM;
        }
        if kernel.has_urgent(id) {
            events |= POLLPRI;
        }
    }
    if kernel.pending_error(id).is_some() || kernel.has_queued_error(id) {
        events |= POLLERR;
    }
    events
}
