//! BBR, version 1, as Linux 6.18 has it under the name `bbr` (Cardwell et al., "BBR: congestion-based congestion
//! control", 2016): the bandwidth of the last ten round trips times the round-trip time of the last ten seconds.
//! Losses play no part but in a recovery's first round. For [version 3](super::Bbr) see there.
//!
//! Its arithmetic is Linux's, so that windows can be laid beside a kernel's: whole segments, microseconds, bandwidth in
//! segments a microsecond with 24 binary places, gains with eight.

mod policer;
mod window;

use super::filter::MaxFilter;
use super::{Delivery, Event, Lost, Phase, Start, Steer, Steering};
use crate::info::CongestionInfo;
use crate::time::{Duration, Time};
use policer::{News, Point, Policer};

/// One, as a gain and as a bandwidth.
const UNIT: u64 = 1 << 8;
const BW_UNIT: u64 = 1 << 24;
/// 2 / ln 2, and its inverse.
const HIGH_GAIN: u64 = UNIT * 2885 / 1000 + 1;
const DRAIN_GAIN: u64 = UNIT * 1000 / 2885;
const CWND_GAIN: u64 = UNIT * 2;
/// The cycle of pacing gains in ProbeBW: up, down, and six round trips even.
const CYCLE: [u64; 8] = [UNIT * 5 / 4, UNIT * 3 / 4, UNIT, UNIT, UNIT, UNIT, UNIT, UNIT];
/// The window of the bandwidth filter, in round trips.
const BW_ROUNDS: u64 = 10;
const MIN_RTT_WINDOW: Duration = Duration::from_secs(10);
const PROBE_RTT_TIME: Duration = Duration::from_millis(200);
/// The window of ProbeRTT, and the smallest, in segments.
const MIN_CWND: u64 = 4;
/// Round trips after which the aggregation of acknowledgments is forgotten.
const EXTRA_ACKED_ROUNDS: u32 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Mode {
    Startup,
    Drain,
    ProbeBw,
    ProbeRtt,
}

/// What is known of the path, and what is being tried.
#[derive(Clone, Debug, Hash)]
pub struct Bbr1 {
    mode: Mode,
    mss: u64,
    /// In bytes a second.
    pacing_rate: u64,
    has_seen_rtt: bool,
    random: u64,
    bw: MaxFilter,
    min_rtt_us: u64,
    min_rtt_stamp: Time,
    rounds: u64,
    /// In octets, as C.delivered is.
    next_round: u64,
    round_start: bool,
    pacing_gain: u64,
    cwnd_gain: u64,
    full_bw: u64,
    full_bw_count: u32,
    full_bw_reached: bool,
    cycle: usize,
    cycle_stamp: Time,
    idle_restart: bool,
    probe_rtt_done: Option<Time>,
    probe_rtt_round_done: bool,
    prior_cwnd: u64,
    phase: Phase,
    packet_conservation: bool,
    extra_acked: [u64; 2],
    extra_acked_rounds: u32,
    extra_acked_now: usize,
    ack_epoch: Time,
    ack_epoch_acked: u64,
    policer: Policer,
    point: Point,
    ssthresh: u64,
    /// Octets acknowledged that are no whole segment yet.
    octets: u64,
    octets_lost: u64,
}

impl Bbr1 {
    /// At the start of a connection.
    pub fn new(start: &Start) -> Bbr1 {
        let rtt_us = start.rtt.as_micros();
        let mut bbr = Bbr1 {
            mode: Mode::Startup,
            mss: start.mss,
            pacing_rate: 0,
            has_seen_rtt: rtt_us > 0,
            random: start.una.0 ^ start.now.as_nanos().rotate_left(32),
            bw: MaxFilter::default(),
            min_rtt_us: if rtt_us > 0 { rtt_us } else { u64::MAX },
            min_rtt_stamp: start.now,
            rounds: 0,
            next_round: 0,
            round_start: false,
            pacing_gain: HIGH_GAIN,
            cwnd_gain: HIGH_GAIN,
            full_bw: 0,
            full_bw_count: 0,
            full_bw_reached: false,
            cycle: 0,
            cycle_stamp: Time::ZERO,
            idle_restart: false,
            probe_rtt_done: None,
            probe_rtt_round_done: false,
            prior_cwnd: 0,
            phase: Phase::Open,
            packet_conservation: false,
            extra_acked: [0; 2],
            extra_acked_rounds: 0,
            extra_acked_now: 0,
            ack_epoch: start.now,
            ack_epoch_acked: 0,
            policer: Policer::default(),
            point: Point::default(),
            ssthresh: u64::MAX,
            octets: 0,
            octets_lost: 0,
        };
        bbr.guess_pacing_rate(start.window / start.mss.max(1), rtt_us);
        bbr
    }

    /// The bandwidth to send at.
    fn bw(&self) -> u64 {
        self.policer.bw().unwrap_or(self.bw.get())
    }

    // --- the model -------------------------------------------------------------------------------------------------

    fn update_bw(&mut self, d: &Delivery) {
        self.round_start = false;
        self.point = Point::new(d);
        let Some(prior) = d.rate.prior_delivered.filter(|_| d.rate.interval > Duration::ZERO) else { return };
        if prior >= self.next_round {
            self.next_round = d.delivered;
            self.rounds += 1;
            self.round_start = true;
            self.packet_conservation = false;
        }
        let app_limited = d.rate.app_limited;
        self.seek_policer(d.lost > 0, app_limited);
        let segments = u128::from(d.rate.delivered) * u128::from(BW_UNIT) / u128::from(self.mss);
        let bw = (segments / u128::from(d.rate.interval.as_micros().max(1))) as u64;
        if !app_limited || bw >= self.bw.get() {
            self.bw.update(bw, self.rounds, BW_ROUNDS);
        }
    }
    fn seek_policer(&mut self, loss: bool, app_limited: bool) {
        let probing_bw = self.mode == Mode::ProbeBw;
        let news = News { loss, round_start: self.round_start, app_limited, probing_bw, mss: self.mss };
        if self.policer.sample(self.point, news) {
            self.probe_bw(self.point.at);
        }
    }
    fn update_ack_aggregation(&mut self, d: &Delivery, acked: u64) {
        if acked == 0 || d.rate.prior_delivered.is_none() || d.rate.interval == Duration::ZERO {
            return;
        }
        if self.round_start {
            self.extra_acked_rounds += 1;
            if self.extra_acked_rounds >= EXTRA_ACKED_ROUNDS {
                self.extra_acked_rounds = 0;
                self.extra_acked_now ^= 1;
                self.extra_acked[self.extra_acked_now] = 0;
            }
        }
        let now = d.sample.now;
        let epoch_us = now.since(self.ack_epoch).as_micros();
        let mut expected = (u128::from(self.bw()) * u128::from(epoch_us) / u128::from(BW_UNIT)) as u64;
        if self.ack_epoch_acked <= expected || self.ack_epoch_acked + acked >= 1 << 20 {
            self.ack_epoch_acked = 0;
            self.ack_epoch = now;
            expected = 0;
        }
        self.ack_epoch_acked += acked;
        let extra = (self.ack_epoch_acked - expected).min(d.sample.cwnd / self.mss);
        let slot = &mut self.extra_acked[self.extra_acked_now];
        *slot = extra.max(*slot);
    }
    fn update_cycle_phase(&mut self, d: &Delivery) {
        if self.mode != Mode::ProbeBw {
            return;
        }
        let full = d.sample.now.since(self.cycle_stamp).as_micros() > self.min_rtt_us;
        let inflight = self.in_net(d.inflight_before / self.mss, d);
        let next = match self.pacing_gain {
            UNIT => full,
            more if more > UNIT => full && (d.lost > 0 || inflight >= self.inflight(self.bw.get(), more)),
            _ => full || inflight <= self.inflight(self.bw.get(), UNIT),
        };
        if next {
            self.advance_cycle(d.sample.now);
        }
    }
    fn advance_cycle(&mut self, now: Time) {
        self.cycle = (self.cycle + 1) % CYCLE.len();
        self.cycle_stamp = now;
    }
    fn check_full_bw(&mut self, d: &Delivery) {
        if self.full_bw_reached || !self.round_start || d.rate.app_limited {
            return;
        }
        if self.bw.get() >= self.full_bw * 5 / 4 {
            self.full_bw = self.bw.get();
            self.full_bw_count = 0;
            return;
        }
        self.full_bw_count += 1;
        self.full_bw_reached = self.full_bw_count >= 3;
    }
    fn check_drain(&mut self, d: &Delivery) {
        if self.mode == Mode::Startup && self.full_bw_reached {
            self.mode = Mode::Drain;
            self.ssthresh = self.inflight(self.bw.get(), UNIT) * self.mss;
        }
        if self.mode == Mode::Drain
            && self.in_net(d.inflight / self.mss, d) <= self.inflight(self.bw.get(), UNIT)
        {
            self.probe_bw(d.sample.now);
        }
    }
    fn probe_bw(&mut self, now: Time) {
        self.mode = Mode::ProbeBw;
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.cycle = CYCLE.len() - 1 - ((self.random >> 33) % 7) as usize;
        self.advance_cycle(now);
    }
    fn update_min_rtt(&mut self, d: &Delivery, acked: u64) {
        let now = d.sample.now;
        let expired = now > self.min_rtt_stamp + MIN_RTT_WINDOW;
        if let Some(rtt) = d.sample.rtt {
            let us = rtt.as_micros();
            if us < self.min_rtt_us || expired && !d.ack_delayed {
                (self.min_rtt_us, self.min_rtt_stamp) = (us, now);
            }
        }
        if expired && !self.idle_restart && self.mode != Mode::ProbeRtt {
            self.mode = Mode::ProbeRtt;
            self.save_cwnd(d.sample.cwnd / self.mss);
            self.probe_rtt_done = None;
        }
        if self.mode == Mode::ProbeRtt {
            self.in_probe_rtt(d);
        }
        if acked > 0 && d.rate.delivered > 0 {
            self.idle_restart = false;
        }
    }
    fn in_probe_rtt(&mut self, d: &Delivery) {
        match self.probe_rtt_done {
            None if d.inflight <= MIN_CWND * self.mss => {
                self.probe_rtt_done = Some(d.sample.now + PROBE_RTT_TIME);
                self.probe_rtt_round_done = false;
                self.next_round = d.delivered;
            }
            None => {}
            Some(_) => self.probe_rtt_round_done |= self.round_start,
        }
    }
    /// The window to go on with, if ProbeRTT is over.
    fn check_probe_rtt_done(&mut self, now: Time) -> Option<u64> {
        self.probe_rtt_done.filter(|done| now > *done)?;
        self.min_rtt_stamp = now;
        if self.full_bw_reached {
            self.probe_bw(now)
        } else {
            self.mode = Mode::Startup
        }
        Some(self.prior_cwnd)
    }
    fn update_gains(&mut self) {
        (self.pacing_gain, self.cwnd_gain) = match self.mode {
            Mode::Startup => (HIGH_GAIN, HIGH_GAIN),
            Mode::Drain => (DRAIN_GAIN, HIGH_GAIN),
            Mode::ProbeBw if self.policer.bw().is_some() => (UNIT, CWND_GAIN),
            Mode::ProbeBw => (CYCLE[self.cycle], CWND_GAIN),
            Mode::ProbeRtt => (UNIT, UNIT),
        };
    }
}

impl Steer for Bbr1 {
    fn on_delivery(&mut self, d: &Delivery) -> Steering {
        self.mss = d.sample.mss;
        let acked = whole(&mut self.octets, d.sample.acked, self.mss);
        let lost = whole(&mut self.octets_lost, d.lost, self.mss);
        let mut cwnd = d.sample.cwnd / self.mss;
        self.update_bw(d);
        self.update_ack_aggregation(d, acked);
        self.update_cycle_phase(d);
        self.check_full_bw(d);
        self.check_drain(d);
        self.update_min_rtt(d, acked);
        let probing = self.mode == Mode::ProbeRtt;
        if probing
            && self.probe_rtt_round_done
            && let Some(prior) = self.check_probe_rtt_done(d.sample.now)
        {
            cwnd = cwnd.max(prior);
        }
        self.update_gains();
        self.set_pacing_rate(d);
        let cwnd = self.next_cwnd(d, cwnd, acked, lost);
        Steering {
            cwnd: cwnd * self.mss,
            ssthresh: self.ssthresh,
            pacing_rate: self.pacing_rate,
            quantum: self.tso_segments() * self.mss,
            mark_app_limited: probing,
        }
    }
    fn on_lost(&mut self, lost: &Lost) {
        self.point.lost += lost.end.since(lost.start);
    }
    fn on_congestion(&mut self, event: &Event) {
        self.save_cwnd(event.cwnd / self.mss);
    }
    /// It ends a round trip, and is a loss.
    fn on_timeout(&mut self) {
        self.phase = Phase::Loss;
        self.full_bw = 0;
        self.round_start = true;
        self.seek_policer(true, false);
    }
    fn on_undo(&mut self, _now: Time, cwnd: u64) -> u64 {
        self.full_bw = 0;
        self.full_bw_count = 0;
        self.policer = Policer::default();
        cwnd
    }
    fn on_idle_end(&mut self, now: Time, app_limited: bool, cwnd: u64) -> Option<(u64, u64)> {
        if !app_limited {
            return None;
        }
        self.idle_restart = true;
        self.ack_epoch = now;
        self.ack_epoch_acked = 0;
        let mut cwnd = cwnd;
        match self.mode {
            Mode::ProbeBw => self.raise_pacing_rate(UNIT),
            Mode::ProbeRtt => cwnd = cwnd.max(self.check_probe_rtt_done(now).unwrap_or(0) * self.mss),
            _ => {}
        }
        Some((self.pacing_rate, cwnd))
    }
    fn pacing_rate(&self) -> u64 {
        self.pacing_rate
    }
    fn info(&self) -> CongestionInfo {
        let percent = |gain: u64| (gain * 100 / UNIT) as u32;
        let bw = u128::from(self.bw()) * u128::from(self.mss) * 1_000_000 / u128::from(BW_UNIT);
        CongestionInfo::Bbr {
            state: match self.mode {
                Mode::Startup => "Startup",
                Mode::Drain => "Drain",
                Mode::ProbeBw => "ProbeBW",
                Mode::ProbeRtt => "ProbeRTT",
            },
            bw: u64::try_from(bw).unwrap_or(u64::MAX),
            min_rtt: Duration::from_micros(if self.min_rtt_us == u64::MAX { 0 } else { self.min_rtt_us }),
            pacing_gain: percent(self.pacing_gain),
            cwnd_gain: percent(self.cwnd_gain),
        }
    }
}

/// How many whole segments `octets` make with those carried over from before.
fn whole(carried: &mut u64, octets: u64, mss: u64) -> u64 {
    *carried += octets;
    let segments = *carried / mss;
    *carried -= segments * mss;
    segments
}

#[cfg(test)]
mod tests;
