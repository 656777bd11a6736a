//! CUBIC (RFC 9438), in integers: bytes, milliseconds, and octets with sixteen binary places for W_est; with HyStart++
//! (RFC 9406).

use super::hystart::HyStart;
use super::{Control, Event, Sample, Signal, slow_start};
use crate::config::Config;
use crate::resting::words::fold;
use crate::time::{Duration, Time};

/// beta_cubic = 0.7 and alpha_cubic = 3 (1 - beta) / (1 + beta) = 9 / 17 (sections 4.3 and 4.6).
const BETA: (u64, u64) = (7, 10);
const ALPHA: (u64, u64) = (9, 17);
/// The share that is left after ECE with ABE (RFC 8511, section 3).
const BETA_ECN: (u64, u64) = (4, 5);
/// C = 0.4 segments per cubic second, that is 0.4e-9 per cubic millisecond (section 5.1).
const C_NUM: u128 = 4;
const C_DEN: u128 = 10 * 1_000_000_000;
/// Binary places of W_est.
const FRACTION: u32 = 16;

/// The window as a cubic function of the time since the last reduction.
#[derive(Clone, Debug, Hash)]
pub struct Cubic {
    /// HyStart++ in the initial slow start.
    hystart: bool,
    fast_convergence: bool,
    state: Option<Box<State>>,
}

fold!(Cubic { hystart, fast_convergence, state });

#[derive(Clone, Debug, Default, Hash)]
struct State {
    /// The initial slow start.
    start: Option<HyStart>,
    now: Curve,
    /// Before the last reduction, to be restored if that was needless (section 4.9).
    before: Curve,
}

fold!(State { start, now, before });

#[derive(Clone, Copy, Debug, Default, Hash)]
struct Curve {
    /// Window before the last reduction, after fast convergence, in bytes; zero: to be set at the start of
    /// congestion avoidance (section 4.8).
    w_max: u64,
    /// Window before the last reduction, in bytes.
    cwnd_prior: u64,
    /// The stage of congestion avoidance that is going on.
    epoch: Option<Epoch>,
}

fold!(Curve { w_max, cwnd_prior, epoch });

#[derive(Clone, Copy, Debug, Hash)]
struct Epoch {
    /// Time in it, without the time when the window did not limit sending.
    elapsed: Duration,
    /// Up to when `elapsed` counts.
    counted: Time,
    /// When W(t) comes back to W_max, in milliseconds after the start.
    k_ms: u64,
    /// W_est, the window that Reno would have, in bytes with `FRACTION` binary places.
    w_est: u64,
    /// Octets earned towards the next segment.
    credit: u64,
}

fold!(Epoch { elapsed, counted, k_ms, w_est, credit });

impl Cubic {
    /// At the start of a connection.
    pub fn new(cfg: &Config) -> Cubic {
        Cubic { hystart: cfg.hystart, fast_convergence: cfg.fast_convergence, state: None }
    }
    /// Whether slow start is the initial one, under HyStart++ (9406/4.3-INIT).
    fn starts(&self, s: &Sample) -> bool {
        self.hystart && s.ssthresh == u64::MAX
    }
}

impl Control for Cubic {
    fn on_ack(&mut self, s: &Sample) -> u64 {
        if self.starts(s)
            && let Some(start) = self.state.as_mut().and_then(|state| state.start.as_mut())
        {
            return start.grow(s);
        }
        let (cwnd, acked) = slow_start(s);
        if acked == 0 {
            return cwnd;
        }
        self.state.get_or_insert_default().now.avoid(s, cwnd, acked)
    }
    fn on_delivered(&mut self, s: &Sample) -> Option<u64> {
        if !self.starts(s) {
            return None;
        }
        let start = self.state.get_or_insert_default().start.get_or_insert_with(|| HyStart::new(s.nxt));
        start.on_delivered(s).then_some(s.cwnd)
    }
    /// Sections 4.6 to 4.8.
    fn on_congestion(&mut self, event: &Event) -> u64 {
        let state = self.state.get_or_insert_default();
        let before = state.now;
        let w_max = match event.signal {
            Signal::Timeout => 0,
            // Fast convergence: a window smaller than the last time leaves room to others.
            Signal::Loss | Signal::Ecn if self.fast_convergence && event.cwnd < before.w_max => {
                event.cwnd * 17 / 20
            }
            Signal::Loss | Signal::Ecn => event.cwnd,
        };
        state.now = Curve { w_max, cwnd_prior: event.cwnd, epoch: None };
        state.before = before;
        let avoiding = event.cwnd >= event.ssthresh;
        let (num, den) = if event.abe && event.signal == Signal::Ecn && avoiding { BETA_ECN } else { BETA };
        (event.flight * num / den).max(2 * event.mss)
    }
    fn on_undo(&mut self) {
        if let Some(state) = &mut self.state {
            state.now = state.before;
        }
    }
    fn on_app_limited(&mut self, now: Time) {
        if let Some(epoch) = self.state.as_mut().and_then(|state| state.now.epoch.as_mut()) {
            epoch.counted = now;
        }
    }
    fn on_idle_end(&mut self, now: Time, _idle: Duration) {
        self.on_app_limited(now);
    }
}

impl Curve {
    /// Congestion avoidance (sections 4.2 to 4.5).
    fn avoid(&mut self, s: &Sample, cwnd: u64, acked: u64) -> u64 {
        if self.epoch.is_none() {
            if self.w_max < cwnd {
                self.w_max = cwnd;
            }
            self.epoch = Some(Epoch {
                elapsed: Duration::ZERO,
                counted: s.now,
                k_ms: k_ms(self.w_max - cwnd, s.mss),
                w_est: cwnd << FRACTION,
                credit: 0,
            });
        }
        let (w_max, cwnd_prior) = (self.w_max, self.cwnd_prior);
        let Some(epoch) = &mut self.epoch else { return cwnd };
        epoch.elapsed += s.now.since(epoch.counted);
        epoch.counted = s.now;

        // Section 4.3: the Reno-friendly region.
        let alpha = if epoch.w_est >> FRACTION < cwnd_prior { ALPHA } else { (1, 1) };
        let grown = (u128::from(acked) * u128::from(s.mss) * u128::from(alpha.0)) << FRACTION;
        epoch.w_est += (grown / (u128::from(cwnd) * u128::from(alpha.1))) as u64;
        let w_est = (epoch.w_est >> FRACTION) / s.mss * s.mss;
        if w_cubic(epoch.elapsed, epoch.k_ms, w_max, s.mss) < w_est {
            return cwnd.max(w_est);
        }

        // Sections 4.4 and 4.5: towards where the curve is one round trip later, by (target - cwnd) / cwnd each ACK.
        let target = w_cubic(epoch.elapsed + s.srtt, epoch.k_ms, w_max, s.mss).clamp(cwnd, cwnd + cwnd / 2);
        let earned = u128::from(target - cwnd) * u128::from(acked) / u128::from(cwnd);
        epoch.credit += earned as u64;
        let segments = epoch.credit / s.mss;
        epoch.credit -= segments * s.mss;
        cwnd + segments * s.mss
    }
}

/// W(t) = C (t - K)^3 + W_max (equation 1), in bytes.
fn w_cubic(t: Duration, k_ms: u64, w_max: u64, mss: u64) -> u64 {
    // Beyond ten days the curve is above any window; the cube still fits.
    let t_ms = t.as_millis().min(1_000_000_000);
    let distance = u128::from(t_ms.abs_diff(k_ms));
    let offset = u128::from(mss) * C_NUM * distance * distance * distance / C_DEN;
    let offset = u64::try_from(offset).unwrap_or(u64::MAX);
    if t_ms >= k_ms { w_max.saturating_add(offset) } else { w_max.saturating_sub(offset) }
}

/// K = cbrt((W_max - cwnd_epoch) / C) (equation 2), in milliseconds.
fn k_ms(below: u64, mss: u64) -> u64 {
    cube_root(u128::from(below) * C_DEN / (C_NUM * u128::from(mss.max(1))))
}

/// The largest integer whose cube is not above `n`.
fn cube_root(n: u128) -> u64 {
    let mut root: u128 = 0;
    for bit in (0..=40).rev() {
        let candidate = root | 1 << bit;
        if candidate * candidate * candidate <= n {
            root = candidate;
        }
    }
    root as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cube_roots() {
        for n in [0u128, 1, 7, 8, 26, 27, 63, 64, 1_000_000, 999_999_999_999] {
            let r = u128::from(cube_root(n));
            assert!(r * r * r <= n && (r + 1).pow(3) > n, "{n}: {r}");
        }
    }

    /// 9438/4.2-FUNC: cwnd 100 at the loss, 70 after it: K = cbrt(30 / 0.4) = 4.217 s.
    #[test]
    fn k_of_the_rfc() {
        assert_eq!(k_ms(30 * 1000, 1000), 4217);
        assert_eq!(w_cubic(Duration::from_millis(4217), 4217, 100_000, 1000), 100_000);
        assert_eq!(w_cubic(Duration::ZERO, 4217, 100_000, 1000) / 100, 700);
        assert_eq!(w_cubic(Duration::from_millis(14_217), 4217, 100_000, 1000), 500_000);
    }
}
