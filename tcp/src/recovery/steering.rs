//! What connects the transmit queue with controllers that look at more than losses: samples of each acknowledgment,
//! delivery rates, pacing, and controllers that set the window themselves.

use super::ack::News;
use super::pacer::Pacer;
use super::rate::Sampler;
use super::validation::Validation;
use super::{Ack, Extra, Phase, Sender};
use crate::cause::Rule;
use crate::config::{Config, CwndValidation, Pacing};
use crate::congestion::{self, Delivery, Lost, Sample};
use crate::info::CongestionInfo;
use crate::out::Out;
use crate::time::{Duration, Time};

/// Largest aggregate that Linux would send at once, in bytes.
const LARGEST_AGGREGATE: u64 = 65_215;

impl Phase {
    fn told(self) -> congestion::Phase {
        match self {
            Phase::Open => congestion::Phase::Open,
            Phase::Reduction => congestion::Phase::Reduction,
            Phase::Recovery => congestion::Phase::Recovery,
            Phase::Loss => congestion::Phase::Loss,
        }
    }
}

impl Extra {
    /// So many octets went out again.
    pub(super) fn on_retransmitted(&mut self, now: Time, bytes: u64) {
        if let Some(pacer) = &mut self.pacer {
            pacer.on_sent(now, bytes);
        }
        if let Some(validation) = &mut self.validation {
            validation.retransmitted += bytes;
        }
    }
}

impl Sender {
    /// Sets up what the controller and the configuration need.
    pub(super) fn begin_steering(&mut self, cfg: &Config) {
        let initial = self.controller.model().map(|model| model.pacing_rate());
        let paced = initial.is_some() || cfg.pacing == Pacing::Fq || cfg.max_pacing_rate.is_some();
        let validates = cfg.cwnd_validation == CwndValidation::Rfc7661;
        if !paced && !validates {
            return;
        }
        let (una, quantum) = (self.una(), 2 * self.mss64());
        let extra = self.extra.get_or_insert_default();
        extra.validation = validates.then(|| Validation::new(una, !paced));
        if paced || validates {
            let mut pacer = Pacer::new(cfg.pacing_exempt, cfg.max_pacing_rate, quantum);
            pacer.rate = initial.unwrap_or(0);
            extra.pacer = Some(pacer);
        }
        if initial.is_some() {
            extra.rate = Some(Sampler::default());
        }
    }
    fn rate(&self) -> Option<&Sampler> {
        self.extra.as_ref()?.rate.as_ref()
    }
    fn rate_mut(&mut self) -> Option<&mut Sampler> {
        self.extra.as_mut()?.rate.as_mut()
    }
    fn pacer(&self) -> Option<&Pacer> {
        self.extra.as_ref()?.pacer.as_ref()
    }
    fn pacer_mut(&mut self) -> Option<&mut Pacer> {
        self.extra.as_mut()?.pacer.as_mut()
    }
    /// C.delivered; counted only for models.
    pub(super) fn delivered(&self) -> u64 {
        self.rate().map_or(0, |rate| rate.delivered)
    }
    /// `SO_MAX_PACING_RATE`: from now on no faster than this, in bytes a second; `None`: no bound.
    pub fn set_max_pacing_rate(&mut self, max: Option<u64>, cfg: &Config) {
        if max.is_none() && self.pacer().is_none() {
            return;
        }
        let (quantum, exempt) = (2 * self.mss64(), cfg.pacing_exempt);
        let extra = self.extra.get_or_insert_default();
        let pacer = extra.pacer.get_or_insert_with(|| Pacer::new(exempt, max, quantum));
        pacer.max = max;
        if let Some(validation) = &mut extra.validation {
            validation.paces_alone &= max.is_none();
        }
        self.update_pacing_rate(cfg);
    }

    // --- sending ---------------------------------------------------------------------------------------------------

    /// Octets are about to go out for the first time.
    pub(super) fn count_sent(&mut self, now: Time, bytes: u64, cfg: &Config) {
        if self.rate().is_some() {
            let inflight = self.pipe(cfg);
            let order = self.queue.last_order().wrapping_add(1);
            if let Some(rate) = self.rate_mut() {
                rate.on_sent(now, order, bytes, inflight);
            }
        }
        if let Some(pacer) = self.pacer_mut() {
            pacer.on_sent(now, bytes);
        }
    }
    fn is_paced(&self) -> bool {
        self.pacer().is_some() && !self.may_burst()
    }
    /// Whether pacing lets a segment go now.
    pub fn may_release(&self, now: Time) -> bool {
        self.pacer().is_none_or(|pacer| pacer.may_send(now)) || self.may_burst()
    }
    /// Pacing holds data back, or does not.
    pub fn await_release(&mut self, waiting: bool) {
        if let Some(pacer) = self.pacer_mut() {
            pacer.waiting = waiting;
        }
    }
    /// When pacing lets the next segment go, if that is what holds data back.
    #[inline]
    pub fn release(&self) -> Time {
        self.pacer().filter(|pacer| pacer.waiting).map_or(Time::NEVER, |pacer| pacer.release())
    }
    /// When the last segment went out, or, where it was paced, when what it holds up may follow (Linux `tcp_wstamp_ns`).
    pub fn departure(&self) -> Time {
        self.pacer().map_or(self.last_sent, |pacer| pacer.release().max(self.last_sent))
    }
    /// There is nothing more to send, and cwnd would allow it: what is in flight tells nothing of the path
    /// (draft-ietf-ccwg-bbr, section 4.1.1.4).
    pub fn on_nothing_to_send(&mut self, cfg: &Config) {
        if self.rate().is_none() {
            return;
        }
        let inflight = self.pipe(cfg);
        let unrepaired =
            self.trouble.as_ref().is_some_and(|t| t.board.lost.segments > t.board.again.segments);
        if inflight < self.cwnd && !unrepaired {
            self.mark_app_limited(inflight);
        }
    }
    /// Whether what is in flight was sent, in part, where there was nothing more to send.
    pub fn is_app_limited(&self) -> bool {
        self.rate().is_some_and(|rate| rate.is_app_limited())
    }
    fn mark_app_limited(&mut self, inflight: u64) {
        if let Some(rate) = self.rate_mut() {
            rate.mark_app_limited(inflight);
        }
    }
    /// New data goes out with nothing outstanding.
    pub(super) fn restart_model(&mut self, now: Time) {
        let limited = self.is_app_limited();
        let cwnd = self.cwnd;
        let Some(model) = self.controller.model() else { return };
        if let Some((rate, cwnd)) = model.on_idle_end(now, limited, cwnd) {
            self.cwnd = cwnd;
            if let Some(pacer) = self.pacer_mut() {
                pacer.rate = rate;
            }
        }
    }

    /// Begins an acknowledgment; returns what is in flight, where that matters.
    pub(super) fn begin_rate(&mut self, cfg: &Config) -> u64 {
        if self.rate().is_none() {
            return 0;
        }
        let inflight = self.pipe(cfg);
        if let Some(rate) = self.rate_mut() {
            rate.begin();
        }
        inflight
    }

    // --- acknowledgments -------------------------------------------------------------------------------------------

    /// What controllers learn of this acknowledgment.
    #[inline(always)]
    pub(super) fn sample(&self, now: Time, ack: &Ack, news: &News, cfg: &Config) -> Sample {
        // 3465/2.3-RTO: after a timeout an ACK may cover much that was sent long ago.
        let slow_start_limit = match cfg.abc_limit {
            None => u64::MAX,
            Some(_) if self.phase == Phase::Loss => self.mss64(),
            Some(limit) => u64::from(limit) * self.mss64(),
        };
        Sample {
            now,
            una: self.una(),
            nxt: self.nxt(),
            acked: news.delivered,
            advanced: news.acked,
            ece: ack.ece,
            mss: self.mss64(),
            cwnd: self.cwnd,
            ssthresh: self.ssthresh,
            srtt: self.rtt.srtt(),
            min_rtt: self.rtt.min(),
            rtt: news.latest,
            slow_start_limit,
            paced: self.is_paced(),
            pacing_rate: if self.cwnd < self.ssthresh { self.nominal_rate(cfg) } else { 0 },
        }
    }
    /// Shows the controller what was delivered, before anything is decided.
    pub(super) fn show_delivered(&mut self, now: Time, ack: &Ack, news: &News, cfg: &Config, out: &mut Out) {
        if news.delivered == 0 || self.controller.sees_acks_only() {
            return;
        }
        let sample = self.sample(now, ack, news, cfg);
        let ends = self.controller.on_delivered(&sample);
        if let Some(ssthresh) = ends.filter(|_| self.phase == Phase::Open) {
            let (mss, starting) = (self.mss64(), self.cwnd < self.ssthresh);
            self.ssthresh = (ssthresh / mss).max(2) * mss;
            if starting {
                self.note(out, Rule::SlowStartEnds);
            }
        }
    }
    /// Lets a model set window and pacing rate.
    pub(super) fn steer(&mut self, now: Time, ack: &Ack, news: &News, before: u64, cfg: &Config) {
        let min_rtt = self.rtt.min();
        let sample = self.sample(now, ack, news, cfg);
        let (inflight, mss) = (self.pipe(cfg), self.mss64());
        let Some(sampler) = self.rate_mut() else { return };
        let rate = sampler.finish(min_rtt);
        let (delivered, lost_so_far) = (sampler.delivered, sampler.lost);
        let delivery = Delivery {
            sample,
            rate,
            delivered,
            lost_so_far,
            lost: news.found.bytes,
            inflight_before: before,
            inflight,
            phase: self.phase.told(),
            cwnd_limited: self.usage.limited,
            sack: self.sack,
            ack_delayed: news.delivered <= mss && rate.prior_delivered.is_some() && rate.tx_in_flight < mss,
            release_in: self.pacer().map_or(Duration::ZERO, |pacer| pacer.release().since(now)),
        };
        let Some(model) = self.controller.model() else { return };
        let steering = model.on_delivery(&delivery);
        self.cwnd = steering.cwnd.max(mss);
        self.ssthresh = steering.ssthresh;
        if let Some(pacer) = self.pacer_mut() {
            (pacer.rate, pacer.quantum) = (steering.pacing_rate, steering.quantum);
        }
        if steering.mark_app_limited {
            self.mark_app_limited(inflight);
        }
    }
    /// Tells the model of what was found lost.
    pub(super) fn report_losses(&mut self, now: Time) {
        let (phase, sack, cwnd, mss) = (self.phase.told(), self.sack, self.cwnd, self.mss64());
        let Some(trouble) = self.trouble.as_deref_mut().filter(|t| !t.board.losses.is_empty()) else {
            return;
        };
        let rate = self.extra.as_mut().and_then(|extra| extra.rate.as_mut());
        let Some((rate, model)) = rate.zip(self.controller.model()) else {
            return trouble.board.losses.clear();
        };
        for loss in trouble.board.losses.drain(..) {
            let bytes = loss.range.end.since(loss.range.start);
            let known = rate.on_lost(loss.order, bytes);
            model.on_lost(&Lost {
                now,
                start: loss.range.start,
                end: loss.range.end,
                tx_in_flight: known.map_or(u64::MAX >> 8, |known| known.tx_in_flight),
                lost: known.map_or(0, |known| known.lost + bytes),
                app_limited: known.is_some_and(|known| known.app_limited),
                delivered: rate.delivered,
                phase,
                sack,
                cwnd,
                mss,
            });
        }
    }

    // --- pacing by the window --------------------------------------------------------------------------------------

    /// The rate of a window controller: a window each round trip, and some more, so that the window and not the rate
    /// is what limits (Linux `tcp_update_pacing_rate`: twice as much in slow start, a fifth more later).
    fn nominal_rate(&self, cfg: &Config) -> u64 {
        let srtt = self.rtt.srtt().as_nanos();
        if srtt == 0 {
            return 0;
        }
        let starting = self.cwnd < self.ssthresh / 2;
        let percent = u64::from(if starting { cfg.pacing_ss_ratio } else { cfg.pacing_ca_ratio });
        let window = self.cwnd.max(self.flight()).saturating_mul(percent);
        let rate = u128::from(window) * 10_000_000 / u128::from(srtt);
        u64::try_from(rate).unwrap_or(u64::MAX).max(1)
    }
    /// Sets the pacing rate after an acknowledgment.
    pub(super) fn update_pacing_rate(&mut self, cfg: &Config) {
        if self.pacer().is_none() || self.controller.steers() {
            return;
        }
        let rate = self.nominal_rate(cfg);
        let shift = self.rtt.min().as_micros() >> 9;
        let near = if shift < 32 { LARGEST_AGGREGATE >> shift } else { 0 };
        let mss = self.mss64();
        let Some(pacer) = self.pacer_mut() else { return };
        pacer.rate = rate;
        let millisecond = pacer.rate().unwrap_or(rate) >> 10;
        let group = (millisecond + near).min(LARGEST_AGGREGATE) / mss;
        pacer.quantum = group.max(u64::from(cfg.min_tso_segs)) * mss;
    }

    // --- readings --------------------------------------------------------------------------------------------------

    /// Bytes a second at which data is paced; `None`: it is not.
    pub fn pacing_rate(&self) -> Option<u64> {
        self.pacer().filter(|_| self.is_paced()).and_then(|pacer| pacer.rate())
    }
    /// What `ss` shows of the controller besides its name.
    pub fn congestion_info(&self) -> CongestionInfo {
        self.controller.info()
    }
}
