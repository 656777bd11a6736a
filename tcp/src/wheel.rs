//! A kernel's timers: they fire with the ticks of a clock, and the later the coarser.
//!
//! Linux keeps its timers in a wheel of levels (`kernel/time/timer.c`). A timer that is armed between two ticks counts from
//! the one before, and fires with the tick after the one it was meant for, so that it is never early. A level has 64
//! buckets, and a bucket of the next level is eight times as wide: what is due in less than 63 ticks fires within one tick of
//! its time, in less than 504 within eight, in less than 4032 within 64, and so on. With 250 ticks a second a timeout of
//! 220 ms comes after 220 to 224 ms, one of a second after 1 to 1.032 s, TIME-WAIT of 60 s after up to 62.
//!
//! Timers that Linux takes from another clock are exact here too: pacing, and SACKs that wait for one another.

use crate::config::Config;
use crate::time::{Duration, Time};

const SECOND: u128 = 1_000_000_000;
/// A bucket of the next level is so many (as a power of two) times as wide (`LVL_CLK_SHIFT`).
const WIDER: u32 = 3;
/// What is further off than so many buckets of a level belongs to the next (`LVL_SIZE` - 1).
const REACH: u128 = 63;
/// The last level (`LVL_DEPTH` - 1, with more than 100 ticks a second).
pub(crate) const LAST: u32 = 8;

impl Config {
    /// When a timer fires that is armed now to run for `delay`.
    #[inline]
    pub fn fires(&self, now: Time, delay: Duration) -> Time {
        match self.hz {
            None | Some(0) => now + delay,
            Some(hz) => self.bucket(hz, now, delay),
        }
    }
    /// When a timer fires that is armed now and due at `at`; now if that is past.
    #[inline]
    pub fn fires_at(&self, now: Time, at: Time) -> Time {
        match self.hz {
            None | Some(0) => at.max(now),
            Some(_) if at <= now || at == Time::NEVER => at.max(now),
            Some(hz) => self.bucket(hz, now, at.since(now)),
        }
    }
    /// When RACK looks again for what is lost at `due`: a kernel waits two milliseconds longer (Linux `TCP_TIMEOUT_MIN_US`).
    #[inline]
    pub fn reordering_at(&self, now: Time, due: Time) -> Time {
        if self.hz.is_none() { due } else { self.fires_at(now, due + self.probe_margin) }
    }
    /// `d` in whole ticks, rounded up.
    #[inline]
    pub fn in_ticks(&self, d: Duration) -> Duration {
        match self.hz {
            None | Some(0) => d,
            Some(hz) => nanos(ticks_up(d, hz), hz),
        }
    }
    /// The time from `earlier` to `now` as somebody sees it who counts ticks.
    #[inline]
    pub fn ticked(&self, earlier: Time, now: Time) -> Duration {
        match self.hz {
            None | Some(0) => now.since(earlier),
            Some(hz) => nanos(self.jiffies(now, hz).saturating_sub(self.jiffies(earlier.min(now), hz)), hz),
        }
    }

    /// When somebody who counts ticks finds that `delay` has passed since `from`.
    #[inline]
    pub fn passed(&self, from: Time, delay: Duration) -> Time {
        match self.hz {
            None | Some(0) => from + delay,
            Some(hz) => self.tick(self.jiffies(from, hz) + ticks_up(delay, hz), hz),
        }
    }

    /// The level of the wheel on which a timer waits that is armed to run for `delay`, if there is a wheel.
    pub(crate) fn level(&self, delay: Duration) -> Option<u32> {
        self.hz.filter(|hz| *hz > 0).map(|hz| level(ticks_up(delay, hz)))
    }

    /// Ticks up to now.
    fn jiffies(&self, now: Time, hz: u32) -> u128 {
        (u128::from(now.as_nanos()) + u128::from(self.hz_phase.as_nanos())) * u128::from(hz) / SECOND
    }
    /// Linux `calc_wheel_index`.
    fn bucket(&self, hz: u32, now: Time, delay: Duration) -> Time {
        let ahead = ticks_up(delay, hz);
        let expires = self.jiffies(now, hz) + ahead;
        let level = level(ahead);
        let tick = ((expires >> (WIDER * level)) + 1) << (WIDER * level);
        self.tick(tick, hz)
    }
    /// When this tick is.
    fn tick(&self, number: u128, hz: u32) -> Time {
        let at =
            (number * SECOND).div_ceil(u128::from(hz)).saturating_sub(u128::from(self.hz_phase.as_nanos()));
        Time::from_nanos(u64::try_from(at).unwrap_or(u64::MAX))
    }
}

/// The level of what is so many ticks ahead.
fn level(ahead: u128) -> u32 {
    (0..LAST).find(|level| ahead < REACH << (WIDER * level)).unwrap_or(LAST)
}
/// Linux `usecs_to_jiffies` and its like.
fn ticks_up(d: Duration, hz: u32) -> u128 {
    (u128::from(d.as_nanos()) * u128::from(hz)).div_ceil(SECOND)
}
fn nanos(ticks: u128, hz: u32) -> Duration {
    Duration::from_nanos(u64::try_from(ticks * SECOND / u128::from(hz)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(hz: u32, phase_ms: u64) -> Config {
        Config { hz: Some(hz), hz_phase: Duration::from_millis(phase_ms), ..Config::linux() }
    }
    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }
    fn at(n: u64) -> Time {
        Time::ZERO + ms(n)
    }

    #[test]
    fn without_a_wheel_timers_are_exact() {
        let exact = Config::linux();
        assert_eq!(exact.fires(at(3), ms(220)), at(223));
        assert_eq!(exact.fires_at(at(3), at(2)), at(3));
        assert_eq!(exact.in_ticks(Duration::from_micros(1)), Duration::from_micros(1));
        assert_eq!(exact.ticked(at(3), at(5)), ms(2));
    }

    /// Armed on a tick, between two, and just before one: the tick after the one that is meant.
    #[test]
    fn near_timers_fire_within_a_tick() {
        let config = kernel(250, 0);
        assert_eq!(config.fires(at(0), ms(220)), at(224));
        assert_eq!(config.fires(at(1), ms(220)), at(224));
        assert_eq!(config.fires(at(3), ms(220)), at(224));
        assert_eq!(config.fires(at(4), ms(220)), at(228));
        assert_eq!(config.fires(at(0), ms(218)), at(224));
        assert_eq!(config.fires(at(0), Duration::ZERO), at(4));
        assert_eq!(config.fires(at(0), ms(248)), at(252));
    }

    /// 250 ticks a second: steps of 32 ms from 252 ms on, of 256 ms from 2.016 s on, of 2.048 s from 16.128 s on.
    #[test]
    fn far_timers_are_coarser() {
        let config = kernel(250, 0);
        assert_eq!(config.fires(at(0), ms(252)), at(256));
        assert_eq!(config.fires(at(0), ms(1000)), at(1024));
        assert_eq!(config.fires(at(0), ms(1024)), at(1056));
        assert_eq!(config.fires(at(0), ms(2012)), at(2016));
        assert_eq!(config.fires(at(0), ms(2016)), at(2048));
        assert_eq!(config.fires(at(0), ms(60_000)), at(61_440));
        assert_eq!(config.fires(at(0), ms(7_200_000)), at(7_208_960));
    }

    /// What a kernel was seen to do: a SYN at 0.300270 s, with the wheel at the place that the other timers of the record
    /// show, is sent again at 1.302, 2.326, 3.350, 4.374, 5.398 and, doubled, 7.414 s (capture backlog_full).
    #[test]
    fn a_record_of_a_kernel() {
        let config = Config { hz_phase: Duration::from_micros(9_890), ..kernel(250, 0) };
        let mut now = Time::from_nanos(300_270_000);
        for (ms_due, delay) in
            [(1302, 1000), (2326, 1000), (3350, 1000), (4374, 1000), (5398, 1000), (7414, 2000)]
        {
            now = config.fires(now, ms(delay));
            assert_eq!(now.as_nanos() / 1_000_000, ms_due);
        }
    }

    /// The phase moves the ticks, not the delays; ticks that do not divide a second do not drift.
    #[test]
    fn phase_and_odd_rates() {
        assert_eq!(kernel(250, 1).fires(at(0), ms(220)), at(223));
        assert_eq!(kernel(250, 3).fires(at(0), ms(220)), at(221));
        assert_eq!(kernel(1000, 0).fires(at(0), ms(40)), at(41));
        assert_eq!(kernel(1000, 0).fires(at(0), ms(200)), at(208));
        let odd = kernel(300, 0);
        let third = odd.fires(at(10_000), Duration::from_nanos(3_333_333));
        assert_eq!(third.as_nanos(), 10_006_666_667);
    }

    #[test]
    fn elapsed_time_counts_ticks() {
        let config = kernel(250, 0);
        assert_eq!(config.ticked(at(3), at(4)), ms(4));
        assert_eq!(config.ticked(at(4), at(7)), Duration::ZERO);
        assert_eq!(config.in_ticks(ms(221)), ms(224));
        // From the tick at 0: the 125th is at 500.
        assert_eq!(config.passed(at(3), ms(500)), at(500));
        assert_eq!(config.passed(at(4), ms(500)), at(504));
    }

    /// Nothing overflows, and nothing fires early.
    #[test]
    fn extremes() {
        for hz in [1, 100, 250, 1000, u32::MAX] {
            for delay in [Duration::ZERO, ms(1), Duration::from_secs(1 << 32), Duration::MAX] {
                for now in [Time::ZERO, at(1), Time::from_nanos(u64::MAX / 2)] {
                    let config = Config { hz_phase: Duration::MAX, ..kernel(hz, 0) };
                    assert!(config.fires(now, delay) >= now + delay, "{hz} {now} {delay}");
                }
            }
        }
        assert_eq!(kernel(250, 0).fires_at(at(1), Time::NEVER), Time::NEVER);
    }
}
