//! `MSG_ZEROCOPY`: when the kernel no longer needs the memory of a send (Linux, msg_zerocopy.rst).
//!
//! Every send with that flag has a number. Once everything that it sent is acknowledged, or the connection is gone, the
//! error queue says so. A wire has no use for the memory of a process: it is copied on the way, as with every device
//! that is no network card, and the report says that too (`SO_EE_CODE_ZEROCOPY_COPIED`).

use tcp::State;

use super::process::{FileKind, Process};
use crate::host::{Kernel, SocketId};

/// The sends of a socket.
#[derive(Clone, Debug, Default)]
pub(super) struct Zerocopy {
    /// The number of the next one.
    next: u32,
    /// Octets that the socket has taken so far, all sends together.
    written: u64,
    /// Those that are not acknowledged: the first and the last number, and where they end.
    open: Vec<(u32, u32, u64)>,
}

impl Zerocopy {
    /// The number of a send that begins.
    pub(super) fn begin(&mut self) -> u32 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        number
    }
    /// So many octets were taken.
    pub(super) fn took(&mut self, count: u64) {
        self.written += count;
    }
    /// A send is over. One that has taken nothing gives its number back. One behind another that has not been sent yet is
    /// reported together with it.
    fn end(&mut self, number: u32, took: bool, unsent: u64) {
        if !took {
            self.next = number;
            return;
        }
        let written = self.written;
        match self.open.last_mut() {
            Some((_, last, end))
                if last.wrapping_add(1) == number && *end > written.saturating_sub(unsent) =>
            {
                (*last, *end) = (number, written);
            }
            _ => self.open.push((number, number, written)),
        }
    }
}

impl Process {
    /// The socket with this number in the kernel, if a descriptor still stands for it.
    fn zerocopy_of(&mut self, id: SocketId) -> Option<&mut Zerocopy> {
        self.files.values_mut().find_map(|file| match &mut file.kind {
            FileKind::Socket(socket) if socket.id == id => Some(&mut socket.zerocopy),
            _ => None,
        })
    }
    /// A socket has taken so many octets.
    pub(super) fn count_written(&mut self, id: SocketId, count: u64) {
        if let Some(zerocopy) = self.zerocopy_of(id) {
            zerocopy.took(count);
        }
    }
    /// A send with this number is over.
    pub(super) fn end_zerocopy(
        &mut self,
        kernel: &Kernel,
        ctx: tcp::Time,
        id: SocketId,
        (number, took): (u32, bool),
    ) {
        let unsent = kernel.queues(ctx, id).map_or(0, |queues| queues.unsent);
        if let Some(zerocopy) = self.zerocopy_of(id) {
            zerocopy.end(number, took, unsent);
        }
    }
    /// Reports the sends of which everything is acknowledged by now.
    pub(super) fn report_zerocopy(&mut self, kernel: &mut Kernel, now: tcp::Time) {
        for file in self.files.values_mut() {
            let FileKind::Socket(socket) = &mut file.kind else { continue };
            if socket.zerocopy.open.is_empty() {
                continue;
            }
            let acknowledged = match kernel.socket_state(socket.id) {
                State::SynSent | State::SynReceived => continue,
                State::Closed | State::TimeWait => u64::MAX,
                _ => {
                    let fin = u64::from(kernel.is_write_shut(socket.id));
                    let left = kernel.queues(now, socket.id).map_or(0, |queues| queues.unacked);
                    socket.zerocopy.written.saturating_sub(left.saturating_sub(fin))
                }
            };
            socket.zerocopy.open.retain(|(first, last, end)| {
                let done = *end <= acknowledged;
                if done {
                    kernel.report_zerocopy(socket.id, *first, *last);
                }
                !done
            });
        }
    }
}
