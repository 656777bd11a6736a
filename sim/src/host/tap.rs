//! Ports on which a program sees raw segments, as a scanner does that forges its own.

use std::collections::VecDeque;
use std::net::SocketAddr;

use tcp::Flags;

use crate::packet::IcmpKind;

/// The taps of a host.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Taps {
    list: Vec<Tap>,
}

/// A tap: what comes to a port.
#[derive(Clone, Debug, Hash)]
pub(super) struct Tap {
    pub(super) port: u16,
    /// Who looks at it.
    pub(super) task: u32,
    /// Whether the kernel answers segments as if nobody looked: with RST.
    pub(super) answers: bool,
    /// What came, oldest first.
    pub(super) seen: VecDeque<Seen>,
}

/// Something that came to a tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Seen {
    /// A segment from there, with these control bits.
    Segment(SocketAddr, Flags),
    /// An ICMP error about what was sent there.
    Icmp(SocketAddr, IcmpKind),
}

/// Segments that a tap keeps until its program looks.
const MOST: usize = 4096;

impl Taps {
    pub(super) fn open(&mut self, port: u16, task: u32, answers: bool) {
        self.list.push(Tap { port, task, answers, seen: VecDeque::new() });
    }
    pub(super) fn close(&mut self, task: u32) {
        self.list.retain(|tap| tap.task != task);
    }
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
    pub(super) fn is_open(&self, port: u16) -> bool {
        self.list.iter().any(|tap| tap.port == port)
    }
    /// The next thing that came to the tap of this task.
    pub(super) fn next(&mut self, task: u32) -> Option<Seen> {
        self.list.iter_mut().find(|tap| tap.task == task)?.seen.pop_front()
    }
    /// Something came to a port. If somebody looks at it: who, and whether the kernel answers it too.
    pub(super) fn offer(&mut self, port: u16, seen: Seen) -> Option<(u32, bool)> {
        let tap = self.list.iter_mut().find(|tap| tap.port == port)?;
        if tap.seen.len() < MOST {
            tap.seen.push_back(seen);
        }
        Some((tap.task, tap.answers))
    }
}
