//! epoll(7), level- and edge-triggered (eventpoll.c of Linux).

use std::collections::VecDeque;

use tcp::Errno;

use super::abi::*;
use super::call::{Detail, EpollEvent, Fd, Reply};
use super::process::{FileKind, Process, Progress};
use crate::host::{Kernel, News};

/// An epoll instance.
#[derive(Clone, Debug, Default)]
pub(super) struct Epoll {
    /// What is watched, in the order of its descriptors.
    items: Vec<Item>,
    /// Descriptors that may have events, in the order in which they came to be ready.
    ready: VecDeque<Fd>,
}

/// A file that is watched.
#[derive(Clone, Copy, Debug)]
struct Item {
    fd: Fd,
    event: EpollEvent,
    /// The news of the file that were seen.
    seen: News,
    /// `EPOLLONESHOT` has fired.
    spent: bool,
}

/// Flags among the events.
/// What may go with `EPOLLEXCLUSIVE`.
const EXCLUSIVE: i32 = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
const FLAGS: i32 = EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE;

impl Epoll {
    /// A descriptor is closed.
    pub(super) fn forget(&mut self, fd: Fd) {
        self.items.retain(|item| item.fd != fd);
        self.ready.retain(|ready| *ready != fd);
    }
    fn position(&self, fd: Fd) -> Result<usize, usize> {
        self.items.binary_search_by_key(&fd, |item| item.fd)
    }
    /// Whether epoll_wait(2) would return something.
    pub(super) fn is_ready(&self, process: &Process, kernel: &mut Kernel) -> bool {
        self.items.iter().any(|item| {
            let fresh = self.ready.contains(&item.fd) || item.has_news(process, kernel);
            !item.spent && fresh && item.events(process, kernel) != 0
        })
    }
}

impl Item {
    /// The events that are there and asked for; errors and hang-ups always are.
    fn events(&self, process: &Process, kernel: &mut Kernel) -> i32 {
        let asked = self.event.events & !FLAGS | EPOLLERR | EPOLLHUP;
        process.events(kernel, self.fd).map_or(0, |events| events & asked)
    }
    fn has_news(&self, process: &Process, kernel: &Kernel) -> bool {
        process.news(kernel, self.fd).concern(self.seen, self.event.events & !FLAGS)
    }
}

impl News {
    /// Whether something happened since `seen` that a watcher of `events` is woken for.
    fn concern(self, seen: News, events: i32) -> bool {
        self.any != seen.any
            || self.input != seen.input && events & (EPOLLIN | EPOLLRDNORM) != 0
            || self.output != seen.output && events & (EPOLLOUT | EPOLLWRNORM) != 0
    }
}

impl Process {
    /// What has happened on a file so far.
    fn news(&self, kernel: &Kernel, fd: Fd) -> News {
        self.socket_of(fd).map_or(News::default(), |socket| kernel.news(socket.id))
    }

    pub(super) fn epoll_create(&mut self, flags: i32) -> Result<i64, Errno> {
        self.open(FileKind::Epoll(Epoll::default()), flags & O_CLOEXEC).map(i64::from)
    }

    pub(super) fn epoll_ctl(
        &mut self,
        kernel: &mut Kernel,
        epfd: Fd,
        op: i32,
        fd: Fd,
        event: EpollEvent,
    ) -> Result<i64, Errno> {
        if !self.files.contains_key(&fd) {
            return Err(Errno::EBADF);
        }
        let mut epoll = self.take_epoll(epfd)?;
        let result = if fd == epfd {
            Err(Errno::EINVAL)
        } else {
            match (op, epoll.position(fd)) {
                // Only events to wait for go with it, and it cannot be changed (epoll_ctl(2)).
                (EPOLL_CTL_MOD, _) if event.events & EPOLLEXCLUSIVE != 0 => Err(Errno::EINVAL),
                (EPOLL_CTL_MOD, Ok(at)) if epoll.items[at].event.events & EPOLLEXCLUSIVE != 0 => {
                    Err(Errno::EINVAL)
                }
                (EPOLL_CTL_ADD, _)
                    if event.events & EPOLLEXCLUSIVE != 0 && event.events & !EXCLUSIVE != 0 =>
                {
                    Err(Errno::EINVAL)
                }
                (EPOLL_CTL_ADD, Ok(_)) => Err(Errno::EEXIST),
                (EPOLL_CTL_ADD, Err(at)) => {
                    epoll.items.insert(at, Item { fd, event, seen: self.news(kernel, fd), spent: false });
                    Ok(at)
                }
                (EPOLL_CTL_MOD, Ok(at)) => {
                    epoll.items[at].event = event;
                    epoll.items[at].spent = false;
                    Ok(at)
                }
                (EPOLL_CTL_DEL, Ok(at)) => {
                    epoll.forget(fd);
                    Ok(at)
                }
                (EPOLL_CTL_MOD | EPOLL_CTL_DEL, Err(_)) => Err(Errno::ENOENT),
                _ => Err(Errno::EINVAL),
            }
        };
        // Whoever is added or changed is looked at once, whatever happened before.
        if let Ok(at) = result
            && op != EPOLL_CTL_DEL
            && epoll.items[at].events(self, kernel) != 0
            && !epoll.ready.contains(&fd)
        {
            epoll.ready.push_back(fd);
        }
        self.put_epoll(epfd, epoll);
        result.map(|_| 0)
    }

    pub(super) fn try_epoll_wait(&mut self, kernel: &mut Kernel, epfd: Fd, max: usize) -> Progress {
        let mut epoll = match self.take_epoll(epfd) {
            Ok(epoll) => epoll,
            Err(errno) => return errno.into(),
        };
        for item in &mut epoll.items {
            if item.has_news(self, kernel) && !epoll.ready.contains(&item.fd) && !item.spent {
                epoll.ready.push_back(item.fd);
            }
            item.seen = self.news(kernel, item.fd);
        }
        let mut found = Vec::new();
        let mut again = Vec::new();
        while found.len() < max
            && let Some(fd) = epoll.ready.pop_front()
        {
            let Ok(at) = epoll.position(fd) else { continue };
            let item = &mut epoll.items[at];
            let events = item.events(self, kernel);
            if events == 0 || item.spent {
                continue;
            }
            found.push(EpollEvent { events, data: item.event.data });
            item.spent = item.event.events & EPOLLONESHOT != 0;
            if item.event.events & (EPOLLET | EPOLLONESHOT) == 0 {
                again.push(fd);
            }
        }
        // Level-triggered: it stays on the list as long as there is something.
        epoll.ready.extend(again);
        self.put_epoll(epfd, epoll);
        if found.is_empty() {
            return Progress::Waits;
        }
        Reply::with(found.len() as i64, Detail::Epoll(found)).into()
    }

    fn take_epoll(&mut self, epfd: Fd) -> Result<Epoll, Errno> {
        match &mut self.files.get_mut(&epfd).ok_or(Errno::EBADF)?.kind {
            FileKind::Epoll(epoll) => Ok(std::mem::take(epoll)),
            _ => Err(Errno::EINVAL),
        }
    }
    fn put_epoll(&mut self, epfd: Fd, epoll: Epoll) {
        if let Some(file) = self.files.get_mut(&epfd) {
            file.kind = FileKind::Epoll(epoll);
        }
    }
}
