//! When to give up: R1 and R2 (RFC 9293, section 3.8.3), the user timeout (section 3.10.8; RFC 5482), orphans.
//!
//! Linux measures in time where others count: the limits of `tcp_retries1`, `tcp_retries2` and of orphans are the time
//! that so many doublings of the least RTO would take, counted from the first retransmission on a timeout, and looked
//! at whenever the timer fires. `TCP_USER_TIMEOUT` counts from the same moment and takes the place of R2.
//!
//! A peer that has closed its window and answers is no reason to give up (MUST-37, SHLD-17); only Linux lets the user
//! timeout end such a connection.

use super::Connection;
use crate::cause::Rule;
use crate::config::{Config, RetryLimit};
use crate::error::Errno;
use crate::out::Out;
use crate::time::{Duration, Time};

/// The time that `n` doublings of the RTO `base` take, each at most the largest RTO (Linux `tcp_model_timeout`).
pub(crate) fn doublings(config: &Config, base: Duration, n: u8) -> Duration {
    let base = base.max(Duration::from_nanos(1));
    let most = config.max_rto.max(base);
    let threshold = (most.as_nanos() / base.as_nanos()).ilog2();
    let doubled = u32::from(n).min(threshold);
    let sum = base * ((2u64 << doubled.min(62)) - 1);
    sum + most * u64::from(u32::from(n) - doubled)
}

impl Connection {
    /// Whether the limits count from the first retransmission, as Linux has it.
    pub(super) fn counts_from_first_timeout(&self) -> bool {
        matches!(self.config.r2, RetryLimit::Doublings(_))
    }
    /// R2 of this connection as it is now: an orphan has its own.
    fn r2(&self) -> RetryLimit {
        let n = self.config.orphan_retries;
        match self.config.r2 {
            limit if !self.orphan => limit,
            RetryLimit::Doublings(_) => RetryLimit::Doublings(n),
            RetryLimit::Count(_) | RetryLimit::Time(_) => RetryLimit::Count(n),
        }
    }

    /// The time at which the connection is given up whatever happens until then; [`Time::NEVER`] if there is none.
    #[inline]
    pub(super) fn limit_deadline(&self) -> Time {
        let timed = matches!(self.config.r2, RetryLimit::Time(_));
        if timed || self.has_user_timeout() { self.running_limit() } else { Time::NEVER }
    }
    #[inline(never)]
    fn running_limit(&self) -> Time {
        match self.config.r2 {
            // What the program sets is its R2 (MUST-21).
            RetryLimit::Time(time) if self.snd.queue.flight() > 0 && !self.has_own_limit() => {
                self.user_deadline().min(self.progress() + time)
            }
            _ => self.user_deadline(),
        }
    }
    /// When the user timeout ends the connection.
    fn user_deadline(&self) -> Time {
        self.user_timeout().map_or(Time::NEVER, |user| self.deadline_of_user(user))
    }
    fn deadline_of_user(&self, user: Duration) -> Time {
        let persists = self.timers.persist != Time::NEVER;
        let from = match (self.snd.queue.flight() > 0, self.counts_from_first_timeout()) {
            (true, true) => self.snd.queue.first_timeout(),
            (true, false) => Some(self.progress()),
            (false, true) if persists => self.timers.probing,
            (false, false) if persists && self.timers.probes > 0 => {
                self.timers.probing.map(|first| first.max(self.timers.heard))
            }
            (false, _) => None,
        };
        let Some(from) = from else { return Time::NEVER };
        // It is looked at when the timer fires that ran last, which is shortened for it.
        let armed = self.snd.queue.head_sent().unwrap_or(self.timers.heard);
        self.config.fires_at(armed.max(from), from + user)
    }
    /// When delivery last went on: SND.UNA moved or, where the peer has taken its window back, the peer said anything.
    fn progress(&self) -> Time {
        let last = self.timers.progress;
        if self.is_shut() { last.max(self.timers.heard) } else { last }
    }
    /// Whether the peer has taken back the window of what is outstanding, if anything is: retransmissions are zero-window probes.
    fn is_shut(&self) -> bool {
        self.snd.wnd == 0
    }
    /// Whether R2 is reached at this expiry of the retransmission timer.
    pub(super) fn retransmissions_exhausted(&self, now: Time) -> bool {
        let replaces = self.counts_from_first_timeout() && self.config.user_timeout.is_some();
        if replaces || self.has_own_limit() {
            return false; // limit_deadline sees to it
        }
        // As long as the peer answers what its closed window makes probes of (Linux tcp_rtx_probe0_timed_out).
        let answers = self.is_shut() && !self.orphan && now <= self.timers.heard + self.config.max_rto * 2;
        !answers && self.limit_reached(now, self.r2())
    }
    /// Whether R1 is reached.
    pub(super) fn first_limit_reached(&self, now: Time) -> bool {
        let r1 = self.config.r1;
        let limit =
            if self.counts_from_first_timeout() { RetryLimit::Doublings(r1) } else { RetryLimit::Count(r1) };
        self.limit_reached(now, limit)
    }
    fn limit_reached(&self, now: Time, limit: RetryLimit) -> bool {
        let first = self.snd.queue.first_timeout();
        match limit {
            RetryLimit::Count(n) => self.snd.queue.retries() >= u32::from(n),
            RetryLimit::Doublings(n) => {
                first.is_some_and(|first| now >= first + doublings(&self.config, self.config.min_rto, n))
            }
            RetryLimit::Time(time) => now >= self.progress() + time,
        }
    }
    /// Whether so many zero-window probes went unanswered that the peer is gone. Answered ones never end a connection
    /// that a program holds (MUST-37); an orphan is not kept for ever by a peer that never reads (RFC 6429).
    pub(super) fn probes_exhausted(&self, now: Time) -> bool {
        let probes = self.timers.probes;
        let since =
            self.timers.probing.map_or(Duration::ZERO, |first| now.since(first.max(self.timers.heard)));
        let limit = match self.r2() {
            RetryLimit::Count(n) | RetryLimit::Doublings(n) => probes >= n.max(1),
            RetryLimit::Time(time) => probes > 0 && since >= time,
        };
        let slow = self.config.persist_max.min(self.config.max_rto);
        let interval = self.snd.queue.rto(&self.config).doubled(u32::from(self.timers.backoff));
        limit || self.orphan && interval >= slow
    }

    /// Gives the connection up. Nothing is sent: the peer is believed to be gone.
    pub(super) fn give_up(&mut self, now: Time, out: &mut Out) {
        let user = now >= self.user_deadline();
        let why = match () {
            () if self.orphan => Rule::OrphanLimit,
            () if user => Rule::UserTimeout,
            () => Rule::RetransmissionLimit,
        };
        let error = self.soft_error.unwrap_or(Errno::ETIMEDOUT);
        self.fail(why, Some(error), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux: tcp_retries2 15 is 924.6 s, 4 is 6.2 s, 8 is 102.2 s.
    #[test]
    fn model_timeouts_of_linux() {
        let config = Config::linux();
        assert_eq!(doublings(&config, config.min_rto, 15), Duration::from_millis(924_600));
        assert_eq!(doublings(&config, config.min_rto, 4), Duration::from_millis(6_200));
        assert_eq!(doublings(&config, config.min_rto, 8), Duration::from_millis(102_200));
        assert_eq!(doublings(&config, config.min_rto, 0), Duration::from_millis(200));
    }
}
