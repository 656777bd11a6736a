//! The congestion window as the sender uses it: what is in the pipe, validation, reduction, proportional rate reduction.

use super::ack::News;
use super::queue::Tally;
use super::{Ack, Phase, Sender, Trouble};
use crate::cause::Rule;
use crate::config::{Config, LossDetection};
use crate::congestion::{self, Control, Controller, Event, Signal};
use crate::out::Out;
use crate::seq::Seq;
use crate::time::{Duration, Time};

/// Proportional rate reduction (RFC 9937, section 6), in octets.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Prr {
    /// RecoverFS: in flight when the reduction began.
    flight: u64,
    /// prr_delivered.
    delivered: u64,
    /// prr_out.
    out: u64,
}

/// What an acknowledgment has just brought, in octets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivered {
    /// Acknowledged cumulatively.
    pub acked: u64,
    /// Known to have arrived, acknowledged or SACKed, and not known before.
    pub total: u64,
}

impl Sender {
    /// Whether the window counts segments, each as a full one.
    #[inline]
    pub(super) fn counts_segments(&self) -> bool {
        self.in_segments
    }
    /// What `tally` takes of the window.
    fn load(&self, tally: Tally) -> u64 {
        if self.counts_segments() { u64::from(tally.segments) * self.mss64() } else { tally.bytes }
    }
    /// What a segment with so many octets takes of the window.
    #[inline]
    pub fn load_of(&self, bytes: u64) -> u64 {
        if self.counts_segments() { self.mss64() } else { bytes }
    }
    /// What is outstanding, as the window counts it.
    #[inline]
    pub(super) fn outstanding(&self) -> u64 {
        if self.counts_segments() { self.queue.len() as u64 * self.mss64() } else { self.flight() }
    }
    /// What of the window is thought to be in the network, in octets (RFC 6675, section 4; without SACK RFC 9937, section 6.2).
    #[inline]
    pub fn pipe(&self, cfg: &Config) -> u64 {
        let flight = self.outstanding();
        match self.trouble.as_deref() {
            Some(trouble) if !trouble.is_unmarked() => self.pipe_amiss(flight, trouble, cfg),
            _ => flight,
        }
    }
    #[inline(never)]
    fn pipe_amiss(&self, flight: u64, t: &Trouble, cfg: &Config) -> u64 {
        let (lost, again) = (self.load(t.board.lost), self.load(t.board.again));
        let open = matches!(self.phase, Phase::Open | Phase::Reduction);
        if open && !cfg.limited_transmit {
            return flight;
        }
        if self.sack {
            return (flight - self.load(t.board.sacked) - lost) + again;
        }
        if self.phase == Phase::Recovery && !cfg.prr {
            // RFC 6582 inflates cwnd instead.
            return flight;
        }
        // 3042/2-LT before a recovery: the first two duplicate ACKs.
        let dups = if open { t.dup_acks.min(2) } else { t.dup_acks };
        let mut gone = (u64::from(dups) * self.mss64()).min(flight.saturating_sub(lost.max(self.mss64())));
        if self.phase == Phase::Recovery {
            // 9937/6.2-INFLNS
            gone = gone.min(t.prr.flight);
        }
        flight - lost - gone.min(flight - lost) + again
    }

    /// Looks at whether the window is used (congestion window validation: Linux `tcp_cwnd_validate`).
    #[inline]
    pub(super) fn validate(&mut self, now: Time, limited: bool, starved: bool, cfg: &Config) {
        let (una, nxt) = (self.una(), self.nxt());
        let flight = u32::try_from(self.outstanding()).unwrap_or(u32::MAX);
        let usage = &mut self.usage;
        if una >= usage.until || limited || (!usage.limited && flight > usage.max_flight) {
            usage.limited = limited;
            usage.max_flight = flight;
            usage.until = nxt;
        }
        if self.is_cwnd_limited() {
            (self.usage.used, self.usage.full_ms) = (0, super::millis(now));
            return;
        }
        self.usage.used = self.usage.used.max(flight);
        let decays = cfg.idle_halving && cfg.slow_start_after_idle;
        let unused = Duration::from_millis(u64::from(super::millis(now).wrapping_sub(self.usage.full_ms)));
        if decays && unused >= self.rto(cfg) {
            self.lower_unused(starved, cfg);
            (self.usage.used, self.usage.full_ms) = (0, super::millis(now));
        }
    }
    /// The window went unused for an RTO because the program, or the peer's window, let no more be sent: half of what
    /// was not used goes (RFC 2861, section 3.2; Linux `tcp_cwnd_application_limited`).
    fn lower_unused(&mut self, starved: bool, cfg: &Config) {
        let mss = self.mss64();
        let used = u64::from(self.usage.used).max(congestion::initial_window(self.mss, 0, cfg));
        if self.phase == Phase::Open && !starved && used < self.cwnd && self.controller.follows_rules() {
            self.ssthresh = self.current_ssthresh();
            self.cwnd = ((self.cwnd + used) / 2 / mss).max(1) * mss;
        }
    }
    fn is_cwnd_limited(&self) -> bool {
        // Slow start must be able to double what was used.
        self.usage.limited || (self.cwnd < self.ssthresh && self.cwnd < 2 * u64::from(self.usage.max_flight))
    }
    /// The threshold to remember when the window collapses for want of use.
    pub(super) fn current_ssthresh(&self) -> u64 {
        match self.phase {
            Phase::Reduction | Phase::Recovery => self.ssthresh,
            Phase::Open | Phase::Loss => {
                let segments = self.cwnd / self.mss64();
                self.ssthresh.max((segments / 2 + segments / 4) * self.mss64())
            }
        }
    }

    /// New data was delivered: lets the controller raise the window.
    #[inline(always)]
    pub(super) fn grow(&mut self, now: Time, ack: &Ack, news: &News, cfg: &Config) {
        // What acknowledges new data puts off the halving of an unused window (Linux `tcp_cong_avoid`, snd_cwnd_stamp).
        self.usage.full_ms = super::millis(now);
        if let Some(window) = self.controller.constant(self.mss64()) {
            self.cwnd = window;
            return;
        }
        // 7661/4.4-NOGROW: while the program uses enough, the window grows whether or not it limits just now.
        if !self.is_cwnd_limited() && !self.is_known_used() {
            self.controller.on_app_limited(now);
            return;
        }
        if let Controller::Reno(mut reno) = self.controller {
            // Spelt out, so that what it does not ask for is not computed.
            self.cwnd = reno.on_ack(&self.sample(now, ack, news, cfg));
            self.controller = Controller::Reno(reno);
            return;
        }
        self.cwnd = self.controller.on_ack(&self.sample(now, ack, news, cfg));
    }

    /// Congestion was noticed: sets ssthresh, and what follows from it for the window. `news` is what the
    /// acknowledgment that noticed it has just brought.
    pub(super) fn reduce(&mut self, now: Time, signal: Signal, news: Delivered, cfg: &Config) {
        let mss = self.mss64();
        if let Some(window) = self.controller.constant(mss) {
            self.cwnd = window;
            return;
        }
        // 5681/3.2-SS3: what limited transmit sent is what exceeds cwnd.
        let flight = (self.flight() + news.acked).min(self.cwnd.max(mss));
        let flight = if cfg.ssthresh_from_cwnd { self.cwnd } else { flight };
        let event = Event {
            signal,
            now,
            flight,
            nxt: self.nxt(),
            mss,
            cwnd: self.cwnd,
            ssthresh: self.ssthresh,
            min_rtt: self.rtt.min(),
            delivered: self.delivered(),
            abe: cfg.abe,
        };
        let left = self.controller.on_congestion(&event);
        self.reduced = true;
        if self.controller.steers() {
            return;
        }
        // Whole segments, as the window grows.
        self.ssthresh = (left / mss).max(2) * mss;
        if signal == Signal::Timeout {
            return;
        }
        if signal == Signal::Loss
            && let Some(left) = self.reduce_unused(now)
        {
            self.ssthresh = (left / mss).max(1) * mss;
        }
        if cfg.prr {
            let una = self.una();
            let flight = self.flight() - self.pipe_sacked() + news.total;
            // Linux `prior_cwnd`.
            let flight = if self.counts_segments() { self.cwnd } else { flight };
            let trouble = super::trouble(&mut self.trouble, una);
            trouble.prr = Prr { flight: flight.max(mss), delivered: 0, out: 0 };
        } else if signal == Signal::Loss && self.detection == LossDetection::NewReno {
            self.cwnd = self.ssthresh + 3 * mss;
        } else {
            self.cwnd = self.cwnd.min(self.ssthresh);
        }
    }
    fn pipe_sacked(&self) -> u64 {
        self.trouble.as_ref().map_or(0, |t| {
            if self.sack {
                t.board.sacked.bytes
            } else {
                (u64::from(t.dup_acks) * self.mss64()).min(self.flight())
            }
        })
    }
    /// Whether the window is being reduced by PRR.
    pub(super) fn in_prr(&self, cfg: &Config) -> bool {
        cfg.prr && matches!(self.phase, Phase::Reduction | Phase::Recovery) && self.controller.follows_rules()
    }
    pub(super) fn count_prr_out(&mut self, bytes: u64) {
        if let Some(trouble) = &mut self.trouble {
            trouble.prr.out += bytes;
        }
    }

    /// Sets cwnd by PRR (RFC 9937, section 6.2). `safe`: SND.UNA advanced and nothing was newly lost (SafeACK).
    pub(super) fn run_prr(&mut self, delivered: u64, safe: bool, cfg: &Config) {
        // 9937/6.2-DELIVERED
        if delivered == 0 || !self.in_prr(cfg) {
            return;
        }
        let (mss, pipe, ssthresh) = (self.mss64(), self.pipe(cfg), self.ssthresh);
        let bounded = !self.sack && !self.counts_segments();
        let Some(trouble) = &mut self.trouble else { return };
        let prr = &mut trouble.prr;
        let before = prr.delivered;
        prr.delivered += delivered;
        if bounded {
            // 9937/6.2-NOSACK: forged duplicate ACKs deliver no more than was in flight.
            prr.delivered = prr.delivered.min(prr.flight);
        }
        let delivered = prr.delivered - before;
        let mut send = if pipe > ssthresh {
            // 9937/6.2-PRR, in whole segments.
            let target = (u128::from(prr.delivered) * u128::from(ssthresh)).div_ceil(u128::from(prr.flight));
            (target as u64).div_ceil(mss).saturating_mul(mss).saturating_sub(prr.out)
        } else {
            // 9937/6.2-CRB, 9937/6.2-SAFEACK
            let conserved = prr.delivered.saturating_sub(prr.out).max(delivered);
            (conserved + if safe { mss } else { 0 }).min(ssthresh - pipe)
        };
        if prr.out == 0 {
            // 9937/6.2-FORCE
            send = send.max(mss);
        }
        self.cwnd = (pipe + send).max(mss);
    }

    /// The reduction is over (9937/6.4-END; 6582/3.2-FULL).
    pub(super) fn end_reduction(&mut self, cfg: &Config) {
        let mss = self.mss64();
        if !self.controller.follows_rules() || self.ssthresh == u64::MAX {
            return;
        }
        if cfg.prr {
            self.cwnd = self.ssthresh;
        } else if self.detection == LossDetection::NewReno && self.phase == Phase::Recovery {
            self.cwnd = self.ssthresh.min(self.flight().max(mss) + mss);
        }
        if self.phase == Phase::Recovery {
            self.end_unused();
        }
    }

    /// ECE asks for a reduction, or the interface does, once a window (3168/6.1.2-ONCE).
    pub fn begin_reduction(
        &mut self,
        now: Time,
        delivered: Delivered,
        why: Rule,
        cfg: &Config,
        out: &mut Out,
    ) {
        if self.phase != Phase::Open || self.controller.constant(self.mss64()).is_some() {
            return;
        }
        let before = self.cwnd;
        self.reduce(now, Signal::Ecn, delivered, cfg);
        if cfg.ecn_stops_at_one && self.controller.follows_rules() && before <= self.ssthresh {
            // 9438/4.6-ECE1, 3168/6.1.2-CWND1: below two segments there is one, and below that only time.
            self.cwnd = self.mss64();
            self.paused = before <= self.mss64();
        }
        self.phase = Phase::Reduction;
        let point: Seq = self.nxt();
        let trouble = super::trouble(&mut self.trouble, self.queue.una);
        trouble.point = point;
        trouble.undo = super::Undo::default();
        self.note(out, why);
    }
}
