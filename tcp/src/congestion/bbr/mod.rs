//! BBR, version 3, to the letter of draft-ietf-ccwg-bbr (as of August 2026): a model of the path, its bandwidth and its
//! round-trip time, instead of a reaction to loss. Names are the draft's; sections are given at each step.
//!
//! | file | answers |
//! |---|---|
//! | `mod` | the order of the steps (5.2), the constants (2), spurious losses (5.5.10.2 of the text on undo) |
//! | `cycle` | the state machine (5.3): Startup, Drain, the four phases of ProbeBW, ProbeRTT |
//! | `model` | what is known of the path (5.5): bandwidth, round-trip time, aggregation, what is safe in flight |
//! | `control` | what follows (5.6): pacing rate, send quantum, congestion window |
//!
//! Rates are bytes a second, gains percent. The draft's offload budget is left out: hosts here send and receive single
//! segments, and MinPipeCwnd is the floor. ECE, for which the draft has no response of its own, is treated as a loss
//! in that round (section 3.5: CE must be treated as congestion).

mod control;
mod cycle;
mod model;

use super::filter::MaxFilter;
use super::{Delivery, Event, Lost, Signal, Start, Steer, Steering};
use crate::info::CongestionInfo;
use crate::time::{Duration, Time};

/// The constants of section 2.
mod constants {
    use crate::time::Duration;

    /// BBR.LossThresh, in percent.
    pub const LOSS_THRESH: u64 = 2;
    /// BBR.Beta, in percent.
    pub const BETA: u64 = 70;
    /// BBR.Headroom, in percent.
    pub const HEADROOM: u64 = 15;
    /// BBR.MinPipeCwnd, in segments.
    pub const MIN_PIPE_CWND: u64 = 4;
    /// BBR.PacingMarginPercent.
    pub const PACING_MARGIN: u64 = 1;
    /// BBR.StartupPacingGain: 4 ln 2.
    pub const STARTUP_PACING_GAIN: u64 = 277;
    /// BBR.DrainPacingGain.
    pub const DRAIN_PACING_GAIN: u64 = 50;
    /// BBR.DefaultCwndGain.
    pub const CWND_GAIN: u64 = 200;
    /// Pacing gains of ProbeBW.
    pub const DOWN_PACING_GAIN: u64 = 90;
    pub const UP_PACING_GAIN: u64 = 125;
    /// cwnd gain of ProbeBW_UP.
    pub const UP_CWND_GAIN: u64 = 225;
    /// BBR.ProbeRTTCwndGain.
    pub const PROBE_RTT_CWND_GAIN: u64 = 50;
    /// BBR.MinRTTFilterLen.
    pub const MIN_RTT_FILTER_LEN: Duration = Duration::from_secs(10);
    /// BBR.ProbeRTTInterval.
    pub const PROBE_RTT_INTERVAL: Duration = Duration::from_secs(5);
    /// BBR.ProbeRTTDuration.
    pub const PROBE_RTT_DURATION: Duration = Duration::from_millis(200);
    /// BBR.ExtraAckedFilterLen, in round trips.
    pub const EXTRA_ACKED_FILTER_LEN: u64 = 10;
    /// BBRStartupFullLossCnt, in discontiguous ranges.
    pub const STARTUP_FULL_LOSS_COUNT: u32 = 6;
    /// Most round trips between two probes, for the sake of Reno and CUBIC.
    pub const RENO_ROUNDS: u64 = 63;
}

/// BBR.state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Startup,
    Drain,
    Down,
    Cruise,
    Refill,
    Up,
    ProbeRtt,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            State::Startup => "Startup",
            State::Drain => "Drain",
            State::Down => "ProbeBW_DOWN",
            State::Cruise => "ProbeBW_CRUISE",
            State::Refill => "ProbeBW_REFILL",
            State::Up => "ProbeBW_UP",
            State::ProbeRtt => "ProbeRTT",
        }
    }
}

/// BBR.ack_phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum AckPhase {
    Init,
    Refilling,
    ProbeStarting,
    ProbeFeedback,
    ProbeStopping,
}

/// What is known of the path, and what is being tried. `u64::MAX` and `Duration::MAX` are the draft's infinity.
#[derive(Clone, Debug, Hash)]
pub struct Bbr {
    state: State,
    pacing_gain: u64,
    cwnd_gain: u64,
    initial_cwnd: u64,
    mss: u64,
    /// The window as it is to be.
    cwnd: u64,
    pacing_rate: u64,
    /// The pacing rate is still a guess, since no round-trip time is known.
    rate_guessed: bool,
    mark_app_limited: bool,
    /// A stream of random numbers of this connection's own.
    random: u64,

    round_count: u64,
    round_start: bool,
    next_round_delivered: u64,
    idle_restart: bool,
    drain_start_round: u64,

    /// BBR.max_bw_filter: the largest sample of the last and of the present cycle.
    max_bw: [u64; 2],
    bw: u64,
    bw_shortterm: u64,
    bw_latest: u64,
    inflight_longterm: u64,
    inflight_shortterm: u64,
    inflight_latest: u64,

    min_rtt: Duration,
    min_rtt_stamp: Time,
    probe_rtt_min_delay: Duration,
    probe_rtt_min_stamp: Time,
    probe_rtt_expired: bool,
    probe_rtt_done: Option<Time>,
    probe_rtt_round_done: bool,

    extra_acked: MaxFilter,
    extra_acked_start: Time,
    extra_acked_delivered: u64,

    full_bw: u64,
    full_bw_count: u32,
    full_bw_now: bool,
    full_bw_reached: bool,

    loss_round_delivered: u64,
    loss_round_start: bool,
    is_loss_in_round: bool,
    /// Discontiguous ranges lost in this round, and where the last one ended.
    loss_ranges: u32,
    last_lost: crate::seq::Seq,
    /// C.delivered when fast recovery began.
    recovery_began: Option<u64>,

    ack_phase: AckPhase,
    is_bw_probe_sample: bool,
    bw_probe_up_acked: u64,
    bw_probe_up_rounds: u32,
    probe_up_acked_per_inc: u64,
    rounds_since_probe_up: u64,
    bw_probe_wait: Duration,
    cycle_stamp: Time,
    prev_probe_too_high: bool,
    prev_probe_precautionary: bool,

    prior_cwnd: u64,
    /// The state was saved at the first loss of the recovery that is about to begin.
    state_saved: bool,
    undo_state: Option<State>,
    undo_bw_shortterm: u64,
    undo_inflight_shortterm: u64,
    undo_inflight_longterm: u64,
}

impl Bbr {
    /// OnInit (section 5.2.1).
    pub fn new(start: &Start) -> Bbr {
        let min_rtt = if start.rtt == Duration::ZERO { Duration::MAX } else { start.rtt };
        let mut bbr = Bbr {
            state: State::Startup,
            pacing_gain: constants::STARTUP_PACING_GAIN,
            cwnd_gain: constants::CWND_GAIN,
            initial_cwnd: start.window,
            mss: start.mss,
            cwnd: start.window,
            pacing_rate: 0,
            rate_guessed: start.rtt == Duration::ZERO,
            mark_app_limited: false,
            random: start.una.0 ^ start.now.as_nanos().rotate_left(32),
            round_count: 0,
            round_start: false,
            next_round_delivered: 0,
            idle_restart: false,
            drain_start_round: 0,
            max_bw: [0; 2],
            bw: 0,
            bw_shortterm: u64::MAX,
            bw_latest: 0,
            inflight_longterm: u64::MAX,
            inflight_shortterm: u64::MAX,
            inflight_latest: 0,
            min_rtt,
            min_rtt_stamp: start.now,
            probe_rtt_min_delay: min_rtt,
            probe_rtt_min_stamp: start.now,
            probe_rtt_expired: false,
            probe_rtt_done: None,
            probe_rtt_round_done: false,
            extra_acked: MaxFilter::default(),
            extra_acked_start: start.now,
            extra_acked_delivered: 0,
            full_bw: 0,
            full_bw_count: 0,
            full_bw_now: false,
            full_bw_reached: false,
            loss_round_delivered: 0,
            loss_round_start: false,
            is_loss_in_round: false,
            loss_ranges: 0,
            last_lost: crate::seq::Seq(0),
            recovery_began: None,
            ack_phase: AckPhase::Init,
            is_bw_probe_sample: false,
            bw_probe_up_acked: 0,
            bw_probe_up_rounds: 0,
            probe_up_acked_per_inc: u64::MAX,
            rounds_since_probe_up: 0,
            bw_probe_wait: Duration::ZERO,
            cycle_stamp: Time::ZERO,
            prev_probe_too_high: false,
            prev_probe_precautionary: false,
            prior_cwnd: 0,
            state_saved: false,
            undo_state: None,
            undo_bw_shortterm: 0,
            undo_inflight_shortterm: 0,
            undo_inflight_longterm: 0,
        };
        bbr.init_pacing_rate(start.rtt);
        bbr
    }

    fn max_bw(&self) -> u64 {
        self.max_bw[0].max(self.max_bw[1])
    }

    /// The next random number of this connection (splitmix64).
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// SaveStateUponLoss.
    fn save_state_upon_loss(&mut self, in_recovery: bool, cwnd: u64) {
        self.save_cwnd(in_recovery, cwnd);
        self.undo_state = None;
        self.undo_bw_shortterm = self.bw_shortterm;
        self.undo_inflight_shortterm = self.inflight_shortterm;
        self.undo_inflight_longterm = self.inflight_longterm;
    }
}

impl Steer for Bbr {
    /// UpdateOnACK (section 5.2.3).
    fn on_delivery(&mut self, d: &Delivery) -> Steering {
        self.mss = d.sample.mss;
        self.cwnd = d.sample.cwnd;
        self.mark_app_limited = false;
        self.leave_recovery(d);

        self.update_latest_delivery_signals(d);
        self.update_congestion_signals(d);
        self.update_ack_aggregation(d);
        self.check_full_bw_reached(d);
        self.check_startup_done(d);
        self.check_drain_done(d);
        self.update_probe_bw_cycle_phase(d);
        self.update_min_rtt(d);
        self.check_probe_rtt(d);
        self.advance_latest_delivery_signals(d);
        self.bound_bw_for_model();

        self.set_pacing_rate(d);
        self.set_cwnd(d);
        Steering {
            cwnd: self.cwnd,
            ssthresh: u64::MAX,
            pacing_rate: self.pacing_rate,
            quantum: self.send_quantum(),
            mark_app_limited: self.mark_app_limited,
        }
    }

    /// HandleLostPacket (section 5.5.10.1.1).
    fn on_lost(&mut self, lost: &Lost) {
        self.cwnd = lost.cwnd;
        self.note_loss(lost.delivered, lost.phase != super::Phase::Open, lost.cwnd);
        if lost.start != self.last_lost {
            self.loss_ranges = self.loss_ranges.saturating_add(1);
        }
        self.last_lost = lost.end;
        if !self.is_bw_probe_sample {
            return;
        }
        if self.is_inflight_too_high(lost.lost, lost.tx_in_flight, lost.sack) {
            let inflight = inflight_at_loss(lost);
            self.handle_inflight_too_high(lost.now, inflight, lost.app_limited, lost.delivered);
        }
    }

    /// OnEnterRTO, OnEnterFastRecovery (section 5.6.4.4), and ECE.
    fn on_congestion(&mut self, event: &Event) {
        let in_recovery = self.recovery_began.is_some();
        if event.signal == Signal::Ecn {
            self.note_loss(event.delivered, in_recovery, event.cwnd);
            if self.is_bw_probe_sample {
                self.handle_inflight_too_high(event.now, event.flight, false, event.delivered);
            }
            return;
        }
        // The losses themselves have been told before: what they changed is to be undone as well.
        if std::mem::take(&mut self.state_saved) {
            self.save_cwnd(in_recovery, event.cwnd);
        } else {
            self.save_state_upon_loss(in_recovery, event.cwnd);
        }
        self.recovery_began.get_or_insert(event.delivered);
    }

    /// HandleSpuriousLossDetection.
    fn on_smaller_mss(&mut self, new: u64, old: u64) {
        for window in [&mut self.prior_cwnd, &mut self.initial_cwnd] {
            *window = *window / old.max(1) * new;
        }
    }
    fn on_undo(&mut self, _now: Time, cwnd: u64) -> u64 {
        self.recovery_began = None;
        self.is_loss_in_round = false;
        self.reset_full_bw();
        self.bw_shortterm = self.bw_shortterm.max(self.undo_bw_shortterm);
        self.inflight_shortterm = self.inflight_shortterm.max(self.undo_inflight_shortterm);
        self.inflight_longterm = self.inflight_longterm.max(self.undo_inflight_longterm);
        match self.undo_state.take() {
            Some(State::Startup) if self.state != State::Startup => {
                self.full_bw_reached = false;
                if self.state != State::ProbeRtt {
                    self.enter_startup();
                }
            }
            Some(State::Up) if !matches!(self.state, State::Up | State::ProbeRtt) => {
                // The next acknowledgment starts its round.
                self.start_refill(self.next_round_delivered);
            }
            _ => {}
        }
        cwnd.max(self.prior_cwnd)
    }

    /// HandleRestartFromIdle (section 5.4.1).
    fn on_idle_end(&mut self, now: Time, app_limited: bool, cwnd: u64) -> Option<(u64, u64)> {
        if !app_limited {
            return None;
        }
        self.cwnd = cwnd;
        self.idle_restart = true;
        self.extra_acked_start = now;
        if self.is_in_probe_bw() {
            self.set_pacing_rate_with_gain(100);
        } else if self.state == State::ProbeRtt {
            self.check_probe_rtt_done(now);
        }
        Some((self.pacing_rate, self.cwnd))
    }

    fn pacing_rate(&self) -> u64 {
        self.pacing_rate
    }

    fn info(&self) -> CongestionInfo {
        CongestionInfo::Bbr {
            state: self.state.name(),
            bw: self.bw,
            min_rtt: if self.min_rtt == Duration::MAX { Duration::ZERO } else { self.min_rtt },
            pacing_gain: self.pacing_gain as u32,
            cwnd_gain: self.cwnd_gain as u32,
        }
    }
}

/// InflightAtLoss: what was in flight when losses crossed the threshold, somewhere inside this segment.
fn inflight_at_loss(lost: &Lost) -> u64 {
    let size = lost.end.since(lost.start);
    let inflight_prev = lost.tx_in_flight.saturating_sub(size);
    let lost_prev = lost.lost.saturating_sub(size);
    let allowed = u128::from(inflight_prev) * u128::from(constants::LOSS_THRESH);
    let prefix =
        allowed.saturating_sub(u128::from(lost_prev) * 100) / u128::from(100 - constants::LOSS_THRESH);
    inflight_prev.saturating_add(u64::try_from(prefix).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
