//! The state machine (section 5.3).

use super::{AckPhase, Bbr, State, constants};
use crate::congestion::{Delivery, Phase};
use crate::time::{Duration, Time};

impl Bbr {
    // --- Startup (5.3.1) -------------------------------------------------------------------------------------------

    pub(super) fn enter_startup(&mut self) {
        self.state = State::Startup;
        self.pacing_gain = constants::STARTUP_PACING_GAIN;
        self.cwnd_gain = constants::CWND_GAIN;
    }
    pub(super) fn reset_full_bw(&mut self) {
        self.full_bw = 0;
        self.full_bw_count = 0;
        self.full_bw_now = false;
    }
    /// The pipe is full when three rounds in a row bring less than a quarter more.
    pub(super) fn check_full_bw_reached(&mut self, d: &Delivery) {
        if self.full_bw_now || !self.round_start || d.rate.app_limited {
            return;
        }
        if u128::from(d.rate.rate) * 4 >= u128::from(self.full_bw) * 5 {
            self.reset_full_bw();
            self.full_bw = d.rate.rate;
            return;
        }
        self.full_bw_count += 1;
        self.full_bw_now = self.full_bw_count >= 3;
        self.full_bw_reached |= self.full_bw_now;
    }
    pub(super) fn check_startup_done(&mut self, d: &Delivery) {
        self.check_startup_high_loss(d);
        if self.state == State::Startup && self.full_bw_reached {
            self.enter_drain();
        }
    }
    /// Losses end Startup after a full round trip in recovery, if more than 2 % in six ranges were lost; without SACK
    /// any loss in recovery does.
    fn check_startup_high_loss(&mut self, d: &Delivery) {
        if self.state != State::Startup || self.full_bw_reached || d.phase != Phase::Recovery {
            self.forget_ranges();
            return;
        }
        let round = self.loss_round_start
            && self.recovery_began.zip(d.rate.prior_delivered).is_some_and(|(began, prior)| prior >= began);
        let high = if d.sack {
            round
                && self.loss_ranges >= constants::STARTUP_FULL_LOSS_COUNT
                && self.is_inflight_too_high(d.rate.lost, d.rate.tx_in_flight, true)
        } else {
            d.rate.lost > 0 || d.lost > 0
        };
        if high {
            self.undo_state = Some(State::Startup);
            self.full_bw_reached = true;
            self.full_bw_now = true;
            self.inflight_longterm = self.bdp_multiple(self.bw, 100).max(self.inflight_latest);
        }
        self.forget_ranges();
    }
    fn forget_ranges(&mut self) {
        if self.loss_round_start {
            self.loss_ranges = 0;
        }
    }

    // --- Drain (5.3.2) ---------------------------------------------------------------------------------------------

    fn enter_drain(&mut self) {
        self.state = State::Drain;
        self.pacing_gain = constants::DRAIN_PACING_GAIN;
        self.cwnd_gain = constants::CWND_GAIN;
        self.drain_start_round = self.round_count;
    }
    pub(super) fn check_drain_done(&mut self, d: &Delivery) {
        if self.state == State::Drain
            && (d.inflight <= self.inflight(self.bw, 100) || self.round_count > self.drain_start_round + 3)
        {
            self.cwnd_gain = constants::CWND_GAIN;
            self.start_down(d.sample.now, d.delivered);
        }
    }

    // --- ProbeBW (5.3.3) -------------------------------------------------------------------------------------------

    pub(super) fn is_in_probe_bw(&self) -> bool {
        matches!(self.state, State::Down | State::Cruise | State::Refill | State::Up)
    }
    pub(super) fn is_probing_bw(&self) -> bool {
        matches!(self.state, State::Startup | State::Refill | State::Up)
    }
    pub(super) fn start_down(&mut self, now: Time, delivered: u64) {
        self.reset_congestion_signals();
        self.probe_up_acked_per_inc = u64::MAX;
        self.pick_probe_wait();
        self.cycle_stamp = now;
        self.ack_phase = AckPhase::ProbeStopping;
        self.start_round(delivered);
        self.state = State::Down;
        self.pacing_gain = constants::DOWN_PACING_GAIN;
        self.cwnd_gain = constants::CWND_GAIN;
    }
    fn start_cruise(&mut self) {
        self.state = State::Cruise;
        self.pacing_gain = 100;
        self.cwnd_gain = constants::CWND_GAIN;
    }
    pub(super) fn start_refill(&mut self, delivered: u64) {
        self.reset_short_term_model();
        self.bw_probe_up_rounds = 0;
        self.bw_probe_up_acked = 0;
        self.prev_probe_precautionary = false;
        self.ack_phase = AckPhase::Refilling;
        self.start_round(delivered);
        self.state = State::Refill;
        self.pacing_gain = 100;
        self.cwnd_gain = constants::CWND_GAIN;
    }
    fn start_up(&mut self, d: &Delivery) {
        self.ack_phase = AckPhase::ProbeStarting;
        self.start_round(d.delivered);
        self.reset_full_bw();
        self.full_bw = d.rate.rate;
        self.state = State::Up;
        self.pacing_gain = constants::UP_PACING_GAIN;
        self.cwnd_gain = constants::UP_CWND_GAIN;
        self.raise_inflight_longterm_slope();
    }
    pub(super) fn update_probe_bw_cycle_phase(&mut self, d: &Delivery) {
        if !self.full_bw_reached || self.adapt_long_term_model(d) || !self.is_in_probe_bw() {
            return;
        }
        let state = self.state;
        match state {
            State::Down | State::Cruise if self.is_time_to_probe_bw(d) => self.start_refill(d.delivered),
            State::Down if self.is_time_to_cruise(d) => self.start_cruise(),
            State::Refill if self.round_start => {
                self.is_bw_probe_sample = true;
                self.start_up(d);
            }
            State::Up if self.is_time_to_go_down(d) => {
                self.prev_probe_too_high = false;
                self.start_down(d.sample.now, d.delivered);
            }
            _ => {}
        }
    }
    fn is_time_to_cruise(&self, d: &Delivery) -> bool {
        d.inflight <= self.inflight_with_headroom() && d.inflight <= self.inflight(self.max_bw(), 100)
    }
    fn is_time_to_go_down(&mut self, d: &Delivery) -> bool {
        if self.prev_probe_too_high && d.inflight >= self.inflight_longterm {
            self.prev_probe_precautionary = true;
            return true;
        }
        if d.cwnd_limited && d.sample.cwnd >= self.inflight_longterm {
            self.reset_full_bw();
            self.full_bw = d.rate.rate;
            return false;
        }
        self.full_bw_now
    }
    fn is_time_to_probe_bw(&self, d: &Delivery) -> bool {
        d.sample.now > self.cycle_stamp + self.bw_probe_wait || self.is_reno_coexistence_probe_time(d)
    }
    /// Often enough for BBR, rarely enough to let Reno and CUBIC grow.
    fn is_reno_coexistence_probe_time(&self, d: &Delivery) -> bool {
        let rounds = (self.target_inflight(d.sample.cwnd) / self.mss).min(constants::RENO_ROUNDS);
        self.rounds_since_probe_up >= rounds
    }
    /// Two to three seconds, and a round more or less.
    fn pick_probe_wait(&mut self) {
        self.rounds_since_probe_up = self.random() & 1;
        self.bw_probe_wait = Duration::from_nanos(2_000_000_000 + self.random() % 1_000_000_001);
    }
    /// How much data we want in flight: the estimated BDP, unless congestion cut cwnd.
    pub(super) fn target_inflight(&self, cwnd: u64) -> u64 {
        self.bdp_multiple(self.bw, 100).min(cwnd)
    }
    /// Room in the bottleneck for others.
    pub(super) fn inflight_with_headroom(&self) -> u64 {
        if self.inflight_longterm == u64::MAX {
            return u64::MAX;
        }
        let headroom = control_percent(self.inflight_longterm, constants::HEADROOM).max(self.mss);
        self.inflight_longterm.saturating_sub(headroom).max(constants::MIN_PIPE_CWND * self.mss)
    }

    // --- ProbeRTT (5.3.4) ------------------------------------------------------------------------------------------

    pub(super) fn check_probe_rtt(&mut self, d: &Delivery) {
        if self.state != State::ProbeRtt && self.probe_rtt_expired && !self.idle_restart {
            let in_recovery = matches!(d.phase, Phase::Recovery | Phase::Loss);
            self.save_cwnd(in_recovery, self.cwnd);
            self.state = State::ProbeRtt;
            self.pacing_gain = 100;
            self.cwnd_gain = constants::PROBE_RTT_CWND_GAIN;
            self.probe_rtt_done = None;
            self.ack_phase = AckPhase::ProbeStopping;
            self.start_round(d.delivered);
        }
        if self.state == State::ProbeRtt {
            self.handle_probe_rtt(d);
        }
        if d.rate.delivered > 0 {
            self.idle_restart = false;
        }
    }
    fn handle_probe_rtt(&mut self, d: &Delivery) {
        self.mark_app_limited = true;
        if self.probe_rtt_done.is_none() {
            if d.inflight <= self.probe_rtt_cwnd() {
                self.probe_rtt_done = Some(d.sample.now + constants::PROBE_RTT_DURATION);
                self.probe_rtt_round_done = false;
                self.start_round(d.delivered);
            }
            return;
        }
        self.probe_rtt_round_done |= self.round_start;
        if self.probe_rtt_round_done {
            self.check_probe_rtt_done(d.sample.now);
        }
    }
    pub(super) fn check_probe_rtt_done(&mut self, now: Time) {
        if self.probe_rtt_done.is_none_or(|done| now <= done) {
            return;
        }
        self.probe_rtt_min_stamp = now;
        self.cwnd = self.cwnd.max(self.prior_cwnd);
        self.reset_short_term_model();
        if self.full_bw_reached {
            self.start_down(now, self.next_round_delivered);
            self.start_cruise();
        } else {
            self.enter_startup();
        }
    }
}

/// `percent` of `n`, without overflow.
pub(super) fn control_percent(n: u64, percent: u64) -> u64 {
    u64::try_from(u128::from(n) * u128::from(percent) / 100).unwrap_or(u64::MAX)
}
