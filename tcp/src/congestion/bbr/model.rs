//! What is known of the path (section 5.5).

use super::{AckPhase, Bbr, State, constants, cycle::control_percent};
use crate::congestion::{Delivery, Phase};
use crate::time::Time;

impl Bbr {
    // --- rounds (5.5.1) --------------------------------------------------------------------------------------------

    fn update_round(&mut self, d: &Delivery) {
        self.round_start = d.rate.prior_delivered.is_some_and(|prior| prior >= self.next_round_delivered);
        if self.round_start {
            self.start_round(d.delivered);
            self.round_count += 1;
            self.rounds_since_probe_up += 1;
        }
    }
    pub(super) fn start_round(&mut self, delivered: u64) {
        self.next_round_delivered = delivered;
    }

    // --- bandwidth (5.5.2 to 5.5.6) --------------------------------------------------------------------------------

    fn update_max_bw(&mut self, d: &Delivery) {
        self.update_round(d);
        if d.rate.rate > 0 && (d.rate.rate >= self.max_bw() || !d.rate.app_limited) {
            self.max_bw[1] = self.max_bw[1].max(d.rate.rate);
        }
    }
    /// The older cycle is forgotten.
    fn advance_max_bw_filter(&mut self) {
        if self.max_bw[1] > 0 {
            self.max_bw = [self.max_bw[1], 0];
        }
    }
    pub(super) fn bound_bw_for_model(&mut self) {
        self.bw = self.max_bw().min(self.bw_shortterm);
    }

    // --- round-trip time (5.5.7, 5.3.4.3) --------------------------------------------------------------------------

    pub(super) fn update_min_rtt(&mut self, d: &Delivery) {
        let now = d.sample.now;
        self.probe_rtt_expired = now > self.probe_rtt_min_stamp + constants::PROBE_RTT_INTERVAL;
        if let Some(rtt) = d.sample.rtt
            && (rtt < self.probe_rtt_min_delay || self.probe_rtt_expired)
        {
            self.probe_rtt_min_delay = rtt;
            self.probe_rtt_min_stamp = now;
        }
        let expired = now > self.min_rtt_stamp + constants::MIN_RTT_FILTER_LEN;
        if self.probe_rtt_min_delay < self.min_rtt || expired {
            self.min_rtt = self.probe_rtt_min_delay;
            self.min_rtt_stamp = self.probe_rtt_min_stamp;
        }
    }

    // --- aggregation (5.5.9) ---------------------------------------------------------------------------------------

    pub(super) fn update_ack_aggregation(&mut self, d: &Delivery) {
        let now = d.sample.now;
        let interval = now.since(self.extra_acked_start).as_nanos();
        let expected = u128::from(self.bw) * u128::from(interval) / 1_000_000_000;
        let mut expected = u64::try_from(expected).unwrap_or(u64::MAX);
        if self.extra_acked_delivered <= expected {
            self.extra_acked_delivered = 0;
            self.extra_acked_start = now;
            expected = 0;
        }
        self.extra_acked_delivered += d.sample.acked;
        let extra = (self.extra_acked_delivered - expected).min(d.sample.cwnd);
        let window = if self.full_bw_reached { constants::EXTRA_ACKED_FILTER_LEN } else { 1 };
        self.extra_acked.update(extra, self.round_count, window);
    }

    // --- what is safe in flight, short term (5.5.10.3) -------------------------------------------------------------

    pub(super) fn update_latest_delivery_signals(&mut self, d: &Delivery) {
        self.loss_round_start = false;
        self.bw_latest = self.bw_latest.max(d.rate.rate);
        self.inflight_latest = self.inflight_latest.max(d.rate.delivered);
        if d.rate.prior_delivered.is_some_and(|prior| prior >= self.loss_round_delivered) {
            self.loss_round_delivered = d.delivered;
            self.loss_round_start = true;
        }
    }
    pub(super) fn advance_latest_delivery_signals(&mut self, d: &Delivery) {
        if self.loss_round_start {
            self.bw_latest = d.rate.rate;
            self.inflight_latest = d.rate.delivered;
        }
    }
    pub(super) fn reset_congestion_signals(&mut self) {
        self.is_loss_in_round = false;
        self.bw_latest = 0;
        self.inflight_latest = 0;
    }
    pub(super) fn update_congestion_signals(&mut self, d: &Delivery) {
        self.update_max_bw(d);
        if !self.loss_round_start {
            return;
        }
        if !self.is_probing_bw() && self.is_loss_in_round {
            self.lower_bounds(d.sample.cwnd);
        }
        self.is_loss_in_round = false;
    }
    /// InitLowerBounds, LossLowerBounds.
    fn lower_bounds(&mut self, cwnd: u64) {
        if self.bw_shortterm == u64::MAX {
            self.bw_shortterm = self.max_bw();
        }
        if self.inflight_shortterm == u64::MAX {
            self.inflight_shortterm = cwnd;
        }
        self.bw_shortterm = self.bw_latest.max(control_percent(self.bw_shortterm, constants::BETA));
        self.inflight_shortterm =
            self.inflight_latest.max(control_percent(self.inflight_shortterm, constants::BETA));
    }
    pub(super) fn reset_short_term_model(&mut self) {
        self.bw_shortterm = u64::MAX;
        self.inflight_shortterm = u64::MAX;
    }

    // --- what is safe in flight, long term (5.5.10.2) --------------------------------------------------------------

    /// NoteLoss.
    pub(super) fn note_loss(&mut self, delivered: u64, in_recovery: bool, cwnd: u64) {
        if !self.is_loss_in_round {
            self.loss_round_delivered = delivered;
            self.save_state_upon_loss(in_recovery, cwnd);
            self.state_saved = !in_recovery;
        }
        self.is_loss_in_round = true;
    }
    pub(super) fn is_inflight_too_high(&self, lost: u64, tx_in_flight: u64, sack: bool) -> bool {
        u128::from(lost) * 100 > u128::from(tx_in_flight) * u128::from(constants::LOSS_THRESH)
            || lost > 0 && !sack
    }
    pub(super) fn handle_inflight_too_high(
        &mut self,
        now: Time,
        tx_in_flight: u64,
        app_limited: bool,
        delivered: u64,
    ) {
        self.prev_probe_too_high = true;
        self.is_bw_probe_sample = false;
        if !app_limited {
            let floor = control_percent(self.target_inflight(self.cwnd), constants::BETA);
            self.inflight_longterm = tx_in_flight.max(floor);
        }
        if self.state == State::Up {
            self.undo_state = Some(State::Up);
            self.start_down(now, delivered);
        }
    }
    /// Follows what comes back of a probe. Whether it decided the next state.
    pub(super) fn adapt_long_term_model(&mut self, d: &Delivery) -> bool {
        if self.ack_phase == AckPhase::ProbeStarting && self.round_start {
            self.ack_phase = AckPhase::ProbeFeedback;
        }
        if self.ack_phase == AckPhase::ProbeStopping && self.round_start {
            self.is_bw_probe_sample = false;
            self.ack_phase = AckPhase::Init;
            if self.is_in_probe_bw() {
                if !d.rate.app_limited {
                    self.advance_max_bw_filter();
                }
                if self.prev_probe_precautionary && !self.prev_probe_too_high {
                    self.start_refill(d.delivered);
                    return true;
                }
            }
        }
        if self.is_inflight_too_high(d.rate.lost, d.rate.tx_in_flight, d.sack)
            || self.inflight_longterm == u64::MAX
        {
            return false;
        }
        self.inflight_longterm = self.inflight_longterm.max(d.rate.tx_in_flight);
        if self.state == State::Up {
            self.probe_inflight_longterm_upward(d);
        }
        false
    }
    /// One more segment a round, then two, four, eight …
    pub(super) fn raise_inflight_longterm_slope(&mut self) {
        let growth = 1u64 << self.bw_probe_up_rounds;
        self.bw_probe_up_rounds = (self.bw_probe_up_rounds + 1).min(30);
        self.probe_up_acked_per_inc = (self.cwnd / growth).max(self.mss);
    }
    fn probe_inflight_longterm_upward(&mut self, d: &Delivery) {
        if !d.cwnd_limited || d.sample.cwnd < self.inflight_longterm {
            return;
        }
        self.bw_probe_up_acked += d.sample.acked;
        if self.bw_probe_up_acked >= self.probe_up_acked_per_inc {
            let delta = self.bw_probe_up_acked / self.probe_up_acked_per_inc;
            self.bw_probe_up_acked -= delta * self.probe_up_acked_per_inc;
            self.inflight_longterm = self.inflight_longterm.saturating_add(delta * self.mss);
        }
        if self.round_start {
            self.raise_inflight_longterm_slope();
        }
    }

    // --- the end of a recovery -------------------------------------------------------------------------------------

    /// RestoreCwnd when recovery is over (5.6.4.4).
    pub(super) fn leave_recovery(&mut self, d: &Delivery) {
        if self.recovery_began.is_some() && matches!(d.phase, Phase::Open | Phase::Reduction) {
            self.recovery_began = None;
            self.cwnd = self.cwnd.max(self.prior_cwnd);
        }
    }
}
