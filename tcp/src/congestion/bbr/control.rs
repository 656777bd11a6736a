//! What follows from the model (section 5.6).

use super::{Bbr, State, constants, cycle::control_percent};
use crate::congestion::Delivery;
use crate::time::Duration;

/// Bounds of the send quantum (section 5.6.3).
const LARGEST_QUANTUM: u64 = 64 * 1024;

impl Bbr {
    // --- pacing rate (5.6.2) ---------------------------------------------------------------------------------------

    pub(super) fn init_pacing_rate(&mut self, rtt: Duration) {
        let rtt = if rtt == Duration::ZERO { Duration::from_millis(1) } else { rtt };
        let nominal = u128::from(self.initial_cwnd) * 1_000_000_000 / u128::from(rtt.as_nanos());
        let nominal = u64::try_from(nominal).unwrap_or(u64::MAX);
        self.pacing_rate = control_percent(nominal, constants::STARTUP_PACING_GAIN);
    }
    pub(super) fn set_pacing_rate(&mut self, d: &Delivery) {
        if self.rate_guessed
            && let Some(rtt) = d.sample.rtt
        {
            // The first round-trip time: the guess of 1 ms has served.
            self.rate_guessed = false;
            self.init_pacing_rate(rtt);
        }
        self.set_pacing_rate_with_gain(self.pacing_gain);
    }
    pub(super) fn set_pacing_rate_with_gain(&mut self, gain: u64) {
        let scaled = u128::from(self.bw) * u128::from(gain) * u128::from(100 - constants::PACING_MARGIN);
        let rate = u64::try_from(scaled / 10_000).unwrap_or(u64::MAX);
        if rate > 0 && (self.full_bw_reached || rate > self.pacing_rate) {
            self.pacing_rate = rate;
        }
    }

    // --- send quantum (5.6.3) --------------------------------------------------------------------------------------

    /// What the pacing rate sends in a millisecond, within bounds.
    pub(super) fn send_quantum(&self) -> u64 {
        (self.pacing_rate / 1000).min(LARGEST_QUANTUM).max(2 * self.mss)
    }

    // --- congestion window (5.6.4) ---------------------------------------------------------------------------------

    pub(super) fn bdp_multiple(&self, bw: u64, gain: u64) -> u64 {
        if self.min_rtt == Duration::MAX {
            return self.initial_cwnd;
        }
        let bdp = u128::from(bw) * u128::from(self.min_rtt.as_nanos()) / 1_000_000_000;
        control_percent(u64::try_from(bdp).unwrap_or(u64::MAX), gain)
    }
    fn quantization_budget(&self, inflight: u64) -> u64 {
        let floor = inflight.max(constants::MIN_PIPE_CWND * self.mss);
        if self.state == State::Up { floor.saturating_add(2 * self.mss) } else { floor }
    }
    pub(super) fn inflight(&self, bw: u64, gain: u64) -> u64 {
        self.quantization_budget(self.bdp_multiple(bw, gain))
    }
    fn max_inflight(&self) -> u64 {
        let cap = self.bdp_multiple(self.bw, self.cwnd_gain).saturating_add(self.extra_acked.get());
        self.quantization_budget(cap)
    }
    pub(super) fn set_cwnd(&mut self, d: &Delivery) {
        let max_inflight = self.max_inflight();
        let raised = self.cwnd.saturating_add(d.sample.acked);
        if self.full_bw_reached {
            self.cwnd = raised.min(max_inflight);
        } else if self.cwnd < max_inflight || d.delivered < self.initial_cwnd {
            self.cwnd = raised;
        }
        self.cwnd = self.cwnd.max(constants::MIN_PIPE_CWND * self.mss);
        if self.state == State::ProbeRtt {
            self.cwnd = self.cwnd.min(self.probe_rtt_cwnd());
        }
        self.bound_cwnd_for_model();
    }
    pub(super) fn probe_rtt_cwnd(&self) -> u64 {
        self.bdp_multiple(self.bw, constants::PROBE_RTT_CWND_GAIN).max(constants::MIN_PIPE_CWND * self.mss)
    }
    fn bound_cwnd_for_model(&mut self) {
        let cap = match self.state {
            State::Down | State::Refill | State::Up => self.inflight_longterm,
            State::Cruise | State::ProbeRtt => self.inflight_with_headroom(),
            State::Startup | State::Drain => u64::MAX,
        };
        let cap = cap.min(self.inflight_shortterm).max(constants::MIN_PIPE_CWND * self.mss);
        self.cwnd = self.cwnd.min(cap);
    }

    /// SaveCwnd: the last window that neither a recovery nor ProbeRTT has lowered.
    pub(super) fn save_cwnd(&mut self, in_recovery: bool, cwnd: u64) {
        self.prior_cwnd =
            if !in_recovery && self.state != State::ProbeRtt { cwnd } else { self.prior_cwnd.max(cwnd) };
    }
}
