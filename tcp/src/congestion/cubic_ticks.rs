//! CUBIC as Linux computes it: whole segments, ticks of a jiffy (4 ms), 1/1024 s for K, the smallest delay in place of
//! SRTT, at most one segment for two acknowledged; with Linux's HyStart.
//!
//! The curve is that of RFC 9438; see [`super::Cubic`] for the letter.

use super::hystart_ticks::{Detect, HyStartTicks};
use super::{Control, Event, Sample, slow_start};
use crate::config::Config;
use crate::resting::words::fold;
use crate::seq::Seq;
use crate::time::{Duration, Time};

/// A jiffy, in nanoseconds: HZ = 250.
const JIFFY: u64 = 4_000_000;
const HZ: u64 = 250;
/// beta = 717 / 1024.
const BETA: u64 = 717;
/// C = 41 / 1024 for a round trip of 100 ms: 410 / 1024 a cubic second.
const C: u64 = 410;
/// 8 (1 + beta) / 3 (1 - beta): how many segments Reno needs acknowledged to add one, in eighths of cwnd.
const RENO: u64 = 8 * (1024 + BETA) / 3 / (1024 - BETA);

/// CUBIC by Linux's arithmetic.
#[derive(Clone, Debug, Hash)]
pub struct CubicTicks {
    detect: Option<Detect>,
    fast_convergence: bool,
    state: Option<Box<State>>,
}

fold!(CubicTicks { detect, fast_convergence, state });

/// Windows are in segments, times in jiffies, where nothing else is said.
#[derive(Clone, Debug, Hash)]
struct State {
    /// Segments to be acknowledged for one more.
    cnt: u64,
    /// Segments acknowledged towards it.
    credit: u64,
    /// Octets that are not yet a whole segment.
    octets: u64,
    w_max: u64,
    last_cwnd: u64,
    last_time: u64,
    origin: u64,
    /// In 1/1024 s.
    k: u64,
    epoch: Option<u64>,
    acked: u64,
    w_est: u64,
    /// Smallest delay, in microseconds; zero: none yet.
    delay_us: u64,
    hystart: HyStartTicks,
}

fold!(State {
    cnt,
    credit,
    octets,
    w_max,
    last_cwnd,
    last_time,
    origin,
    k,
    epoch,
    acked,
    w_est,
    delay_us,
    hystart,
});

impl State {
    fn new(now: Time, nxt: Seq) -> State {
        State {
            cnt: 0,
            credit: 0,
            octets: 0,
            w_max: 0,
            last_cwnd: 0,
            last_time: 0,
            origin: 0,
            k: 0,
            epoch: None,
            acked: 0,
            w_est: 0,
            delay_us: 0,
            hystart: HyStartTicks::new(now.as_nanos() / 1000, nxt),
        }
    }
}

fn jiffies(now: Time) -> u64 {
    now.as_nanos() / JIFFY
}

impl CubicTicks {
    /// At the start of a connection.
    pub fn new(cfg: &Config) -> CubicTicks {
        CubicTicks {
            detect: cfg.hystart.then(|| Detect::new(cfg)),
            fast_convergence: cfg.fast_convergence,
            state: None,
        }
    }
    fn state(&mut self, s: &Sample) -> &mut State {
        self.state.get_or_insert_with(|| Box::new(State::new(s.now, s.nxt)))
    }
}

impl Control for CubicTicks {
    fn on_ack(&mut self, s: &Sample) -> u64 {
        let (cwnd, left) = slow_start(s);
        if left == 0 {
            return cwnd;
        }
        self.state(s).avoid(s, cwnd, left)
    }

    /// The delay, and whether HyStart has seen enough.
    fn on_delivered(&mut self, s: &Sample) -> Option<u64> {
        let (rtt, detect) = (s.rtt?, self.detect);
        let state = self.state(s);
        // Right after a reduction delays are not to be trusted.
        if state.epoch.is_some_and(|epoch| jiffies(s.now).saturating_sub(epoch) < HZ) {
            return None;
        }
        let delay_us = rtt.as_micros().max(1);
        if state.delay_us == 0 || delay_us < state.delay_us {
            state.delay_us = delay_us;
        }
        let ends = s.cwnd < s.ssthresh && state.hystart.on_delay(s, delay_us, state.delay_us, detect?);
        ends.then_some(s.cwnd)
    }

    fn on_congestion(&mut self, event: &Event) -> u64 {
        let cwnd = event.cwnd / event.mss;
        if let Some(state) = &mut self.state {
            state.epoch = None;
            state.credit = 0;
            let shrinks = cwnd < state.w_max && self.fast_convergence;
            state.w_max = if shrinks { cwnd * (1024 + BETA) / 2048 } else { cwnd };
        }
        (event.flight / event.mss * BETA / 1024).max(2) * event.mss
    }

    /// Time without sending does not count.
    fn on_idle_end(&mut self, now: Time, idle: Duration) {
        if let Some(epoch) = self.state.as_mut().and_then(|state| state.epoch.as_mut()) {
            *epoch = (*epoch + idle.as_nanos() / JIFFY).min(jiffies(now));
        }
    }

    /// Everything begins anew.
    fn on_timeout(&mut self, now: Time, nxt: Seq) {
        if let Some(state) = &mut self.state {
            **state = State { octets: state.octets, ..State::new(now, nxt) };
        }
    }
}

impl State {
    /// Congestion avoidance: `left` octets are acknowledged. Returns the window in bytes.
    fn avoid(&mut self, s: &Sample, cwnd: u64, left: u64) -> u64 {
        self.octets += left;
        let acked = self.octets / s.mss;
        self.octets -= acked * s.mss;
        if acked == 0 {
            return cwnd;
        }
        let segments = cwnd / s.mss;
        self.update(jiffies(s.now), segments, acked);
        cwnd + self.earn(acked) * s.mss
    }
    /// Segments to add (Linux `tcp_cong_avoid_ai`).
    fn earn(&mut self, acked: u64) -> u64 {
        let mut add = 0;
        if self.credit >= self.cnt {
            // What was earned at a larger window counts for one.
            self.credit = 0;
            add = 1;
        }
        self.credit += acked;
        if self.credit >= self.cnt {
            let more = self.credit / self.cnt;
            self.credit -= more * self.cnt;
            add += more;
        }
        add
    }
    /// How many segments have to be acknowledged for one more.
    fn update(&mut self, now: u64, cwnd: u64, acked: u64) {
        self.acked += acked;
        if self.last_cwnd == cwnd && now.saturating_sub(self.last_time) <= HZ / 32 {
            return;
        }
        // Once a jiffy.
        if self.epoch.is_none() || now != self.last_time {
            self.last_cwnd = cwnd;
            self.last_time = now;
            self.follow_curve(now, cwnd, acked);
        }
        self.keep_up_with_reno(cwnd);
        self.cnt = self.cnt.max(2);
    }
    fn follow_curve(&mut self, now: u64, cwnd: u64, acked: u64) {
        let epoch = match self.epoch {
            Some(epoch) => epoch,
            None => {
                self.acked = acked;
                self.w_est = cwnd;
                let below = self.w_max.saturating_sub(cwnd);
                self.origin = cwnd + below;
                self.k = cube_root(below.saturating_mul((1u64 << 40) / C));
                self.epoch = Some(now);
                now
            }
        };
        let ticks = now.saturating_sub(epoch) + self.delay_us.div_ceil(JIFFY / 1000);
        let t = ticks.min(1 << 30) * 1024 / HZ;
        let offset = u128::from(t.abs_diff(self.k));
        let delta = u64::try_from((u128::from(C) * offset * offset * offset) >> 40).unwrap_or(u64::MAX);
        let target =
            if t < self.k { self.origin.saturating_sub(delta) } else { self.origin.saturating_add(delta) };
        self.cnt = if target > cwnd { cwnd / (target - cwnd) } else { 100 * cwnd };
        // Without a loss nothing is known yet: 5 % a round trip at least.
        if self.w_max == 0 {
            self.cnt = self.cnt.min(20);
        }
    }
    fn keep_up_with_reno(&mut self, cwnd: u64) {
        let per = (cwnd * RENO / 8).max(1);
        if self.acked > per {
            let steps = (self.acked - 1) / per;
            self.acked -= steps * per;
            self.w_est += steps;
        }
        if self.w_est > cwnd {
            self.cnt = self.cnt.min(cwnd / (self.w_est - cwnd));
        }
    }
}

/// The cube root, rounded to the nearest integer below or at it.
fn cube_root(n: u64) -> u64 {
    let mut root: u64 = 0;
    for bit in (0..22).rev() {
        let candidate = root | 1 << bit;
        if u128::from(candidate).pow(3) <= u128::from(n) {
            root = candidate;
        }
    }
    root
}

#[cfg(test)]
mod tests;
