//! What the sender was limited by, and for how long: `busy_time`, `rwnd_limited` and `sndbuf_limited` of `TCP_INFO`
//! (Linux `tcp_chrono_start`).

use super::Connection;
use super::memory::Ledger;
use crate::resting::words::{fold, fold_enum};
use crate::seq::Seq;
use crate::time::{Duration, Time};

/// What keeps the sender; the later outweighs the earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Limit {
    /// Nothing is to be sent or acknowledged.
    #[default]
    Idle,
    /// Data is waiting or outstanding.
    Busy,
    /// The peer's window.
    Window,
    /// The send buffer.
    Buffer,
}

fold_enum!(Limit { Idle, Busy, Window, Buffer });

/// The clock of limits. Linux counts in ticks; this is exact.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Chrono {
    limit: Limit,
    since: Time,
    /// Time spent busy, by the window, by the buffer.
    spent: [Duration; 3],
}

fold!(Chrono { limit, since, spent });

impl Chrono {
    /// A limit begins to count, unless a greater one does already.
    pub fn start(&mut self, now: Time, limit: Limit) {
        if limit > self.limit {
            self.set(now, limit);
        }
    }
    /// A limit counts no longer; `idle`: nothing is waiting or outstanding any more.
    pub fn stop(&mut self, now: Time, limit: Limit, idle: bool) {
        if idle {
            self.set(now, Limit::Idle);
        } else if limit == self.limit {
            self.set(now, Limit::Busy);
        }
    }
    /// Whether nothing is counted.
    pub fn is_stopped(&self) -> bool {
        self.limit == Limit::Idle
    }
    fn set(&mut self, now: Time, limit: Limit) {
        if limit != self.limit {
            self.spent = self.read(now);
            self.limit = limit;
            self.since = now;
        }
    }
    /// Time spent in each limit by now.
    fn read(&self, now: Time) -> [Duration; 3] {
        let mut spent = self.spent;
        if let Some(slot) = (self.limit as usize).checked_sub(1).and_then(|i| spent.get_mut(i)) {
            *slot += now.since(self.since);
        }
        spent
    }
    /// Time in which anything was waiting or outstanding; of it, by the window and by the buffer.
    pub fn times(&self, now: Time) -> (Duration, Duration, Duration) {
        let [busy, window, buffer] = self.read(now);
        (busy + window + buffer, window, buffer)
    }
}

impl Connection {
    /// Whether nothing is waiting or outstanding.
    pub(super) fn is_idle(&self) -> bool {
        self.snd.queue.una() == self.queued_end()
    }
    /// The output function has run: it sent from `before` on, and was stopped by the peer's window or by cwnd.
    pub(super) fn note_limit(&mut self, now: Time, by_window: bool, by_cwnd: bool, before: Seq) {
        let idle = self.is_idle();
        let by_buffer = self.snd.queue.nxt() > before && !by_cwnd && self.is_buffer_limited();
        let Some(Ledger { chrono, .. }) = self.ledger.as_deref_mut() else { return };
        if idle {
            return chrono.stop(now, Limit::Busy, true);
        }
        chrono.start(now, Limit::Busy);
        if by_window {
            chrono.start(now, Limit::Window);
        } else {
            chrono.stop(now, Limit::Window, false);
        }
        if by_buffer {
            chrono.start(now, Limit::Buffer);
        }
    }
    /// A limit is none any more.
    pub(super) fn end_limit(&mut self, now: Time, limit: Limit) {
        let idle = self.is_idle();
        if let Some(Ledger { chrono, .. }) = self.ledger.as_deref_mut() {
            chrono.stop(now, limit, idle);
        }
    }
}
