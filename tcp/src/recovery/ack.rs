//! An acknowledgment arrives: scoreboard, measurements, then the phases, cwnd and timers.
//!
//! The order follows Linux's `tcp_ack`: what is acknowledged, the tail loss probe, the state machine (which undoes,
//! finds losses, begins and ends recoveries), the window, the timers.

mod duplicates;
mod expected;
mod taken;

use super::rack::Found;
use super::undo::Frto;
use super::window::Delivered;
use super::{Ack, Acked, Phase, Sender, Timer, trouble};
use crate::accecn::Delivery;
use crate::cause::Rule;
use crate::config::{Config, LossDetection, Undoing};
use crate::congestion::Signal;
use crate::out::{Note, Out};
use crate::seq::Seq;
use crate::shortcut::shortcut;
use crate::time::{Duration, Time};

/// What an acknowledgment brought, as far as the phases need to know.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct News {
    /// Octets newly acknowledged.
    pub acked: u64,
    /// Octets newly SACKed.
    sacked: u64,
    /// Octets newly known to have arrived, and in how many segments.
    pub delivered: u64,
    pub packets: u32,
    /// A D-SACK that is believed.
    pub dsack: bool,
    /// A D-SACK, believed or not.
    pub told_twice: bool,
    /// That D-SACK is for the tail loss probe.
    dsack_probe: bool,
    /// A duplicate ACK in the sense of RFC 5681, section 2.
    duplicate: bool,
    /// Something acknowledged or SACKed was sent once, before the recovery point.
    original: bool,
    /// Something acknowledged had been sent again: no sample (Karn).
    ambiguous: bool,
    /// When the first and the last of what was acknowledged were sent, and the first of what was SACKed.
    first: Option<Time>,
    last: Option<Time>,
    first_sacked: Option<Time>,
    /// The lowest number of what was sent once and arrived after what was SACKed.
    late: Option<Seq>,
    last_sacked: Option<Time>,
    /// Round-trip time of what was sent last of what was delivered.
    pub latest: Option<Duration>,
    /// Losses found.
    pub found: Found,
    /// The window is what RFC 4015 makes it: this acknowledgment adds nothing.
    answered: bool,
}

impl News {
    /// A segment that was sent once has arrived; `highest` is behind everything that was SACKed before.
    fn note_late(&mut self, start: Seq, highest: Option<Seq>) {
        if highest.is_some_and(|highest| start < highest) {
            self.late = Some(self.late.map_or(start, |late| late.min(start)));
        }
    }
    fn advanced(&self) -> bool {
        self.acked > 0
    }
    fn brought(&self) -> Delivered {
        Delivered { acked: self.acked, total: self.delivered }
    }
}

impl Sender {
    /// An acknowledgment arrived. `out` gets notes only.
    #[inline]
    pub fn on_ack(&mut self, now: Time, ack: &Ack, cfg: &Config, out: &mut Out) -> Acked {
        if !self.expects(ack) {
            return self.on_any_ack(now, ack, cfg, out);
        }
        let short = |sender: &mut Sender, out: &mut Out| {
            let acked = sender.on_expected(now, ack, cfg, out);
            sender.settle_timer(now, cfg);
            acked
        };
        shortcut(self, out, short, |sender, out| sender.on_any_ack(now, ack, cfg, out))
    }
    /// The same, whatever it is.
    #[inline(never)]
    pub fn on_any_ack(&mut self, now: Time, ack: &Ack, cfg: &Config, out: &mut Out) -> Acked {
        self.on_ack_with(now, ack, |_| ack.ece, cfg, out)
    }
    /// The same where `marked` tells, of what this acknowledgment shows to have arrived, whether some was marked CE.
    pub fn on_ack_with(
        &mut self,
        now: Time,
        ack: &Ack,
        marked: impl FnOnce(&Delivery) -> bool,
        cfg: &Config,
        out: &mut Out,
    ) -> Acked {
        let (before, outstanding) = (self.una(), self.flight());
        let inflight = self.begin_rate(cfg);
        let mut news = News::default();
        let highest = self.highest_sacked();
        self.take_ack(now, ack, &mut news, cfg);
        self.first_window = self.first_window.saturating_sub(news.acked as u32);
        if self.sack && !ack.sack.is_empty() {
            self.take_sack(now, ack, before, &mut news, cfg);
        }
        let told = marked(&Delivery {
            packets: news.packets,
            bytes: news.delivered,
            mss: self.mss,
            certain: self.sack || matches!(self.phase, Phase::Open | Phase::Reduction),
        });
        let ece = told && (outstanding > 0 || cfg.ecn_reduces_idle);
        let late = news.late.zip(self.highest_sacked().max(highest));
        let reordered = late.map_or(0, |(late, highest)| highest.since(late));
        self.widen_degree(reordered, cfg);
        self.discount_duplicates(&mut news, cfg);
        let with_ece;
        let ack = if ece == ack.ece {
            ack
        } else {
            with_ece = Ack { ece, ..*ack };
            &with_ece
        };
        let rtt = self.measure(now, ack, &mut news, cfg, out);
        self.adapt_timer(rtt, cfg, out);
        self.show_delivered(now, ack, &news, cfg, out);

        // 5681/3.2-DUPDEF, and for SACK only what brings news (6675/5-DUPINC).
        let plain = ack.ack == before && !news.advanced() && !ack.has_data && !ack.window_changed;
        news.duplicate = plain && outstanding > 0 && !news.dsack;

        let (phase, paused) = (self.phase, self.paused);
        self.rack.adapt(news.dsack, self.una(), self.nxt());
        self.probe_acked(now, ack, &news, cfg, out);
        if news.advanced() {
            self.forget_retries();
        }
        if news.duplicate || ack.ece || self.phase != Phase::Open || self.is_troubled(&news) {
            self.advance_phase(now, ack, &mut news, cfg, out);
        } else if self.trouble.is_some() {
            self.rack.advanced = false; // there was nothing to judge
        }
        // RFC 6582 and 6675 set cwnd at the end of a recovery; the same ACK does not raise it.
        let ended = phase == Phase::Recovery && self.phase == Phase::Open && !cfg.prr;
        if self.controller.steers() {
            if news.delivered > 0 || news.found.bytes > 0 {
                self.steer(now, ack, &news, inflight, cfg);
            }
        } else if !ended {
            self.set_window(now, ack, &news, cfg);
        }
        if self.extra.is_some() {
            if news.advanced() {
                self.measure_pipe(now);
            }
            self.update_pacing_rate(cfg);
        }
        if self.paused && !paused {
            // 3168/6.1.2-CWND1
            self.timer = Timer::Rto;
            self.deadline = cfg.fires(now, self.rto(cfg));
        }
        self.set_timer(now, &news, cfg);
        self.tidy();
        Acked {
            acked: news.acked,
            sacked: news.sacked,
            rtt,
            duplicate: news.duplicate,
            packets: news.packets,
            marked: told,
            reordered,
        }
    }

    /// Whether there is anything to look at but past troubles that may turn out to have been none: then an acknowledgment
    /// without SACK neither ends nor begins anything.
    #[inline]
    pub(super) fn is_troubled(&self, news: &News) -> bool {
        self.trouble.as_deref().is_some_and(|trouble| {
            news.sacked > 0
                || news.dsack
                || !trouble.is_past()
                || self.detection != LossDetection::Rack
                || self.queue.first().is_some_and(|first| !self.rack.knows_nothing_of(first))
        })
    }
    /// Behind everything that was SACKed.
    fn highest_sacked(&self) -> Option<Seq> {
        self.trouble.as_ref().and_then(|t| t.board.highest_sacked())
    }
    /// The round-trip time (RFC 6298, section 3).
    #[inline(always)]
    pub(super) fn measure(
        &mut self,
        now: Time,
        ack: &Ack,
        news: &mut News,
        cfg: &Config,
        out: &mut Out,
    ) -> Option<Duration> {
        // 6298/3-KARN: what was sent again gives no sample, unless the timestamp tells which copy it was.
        let by_seq = if news.ambiguous { None } else { news.first.or(news.first_sacked) };
        let by_echo = ack.echo.filter(|_| news.advanced()).map(|echo| echo.from);
        let sample = now.since(by_seq.or(by_echo)?);
        let latest = if news.ambiguous { None } else { news.last };
        news.latest = news.last_sacked.or(latest).or(by_echo).map(|sent| now.since(sent));
        // RFC 7323, appendix G: an ACK for every second segment of what was outstanding.
        let expected = || (self.flight() + news.acked).div_ceil(2 * self.mss64());
        let expected = if cfg.rtt_gains_by_flight { expected() } else { 1 };
        self.rtt.sample(now, sample, (self.queue.una, self.queue.nxt()), expected, cfg);
        if let Some(latest) = latest.filter(|_| news.first != news.last) {
            self.rtt.shortest(now, now.since(latest));
        }
        self.backoff = 0;
        self.probe.measured = true;
        if out.verbose {
            out.notes.push(Note::Rtt { sample, srtt: self.rtt.srtt(), rto: self.rto(cfg) });
        }
        Some(sample)
    }

    /// The tail loss probe's end (RFC 8985, section 7.4).
    fn probe_acked(&mut self, now: Time, ack: &Ack, news: &News, cfg: &Config, out: &mut Out) {
        let end = self.probe.end;
        if !self.probe.is_outstanding() || ack.ack < end {
            return;
        }
        if !self.probe.again || news.dsack_probe {
            self.probe.clear();
        } else if ack.ack > end {
            // 8985/7.4-CC: the probe repaired a loss that nothing else shows.
            self.probe.clear();
            if self.phase == Phase::Open {
                self.reduce(now, Signal::Loss, news.brought(), cfg);
                if self.controller.follows_rules() {
                    self.cwnd = self.cwnd.min(self.ssthresh);
                }
                self.note(out, Rule::ProbeRepaired);
            }
        } else if !news.advanced() && !ack.has_data && !ack.window_changed && news.sacked == 0 {
            // A duplicate ACK: original and probe arrived.
            self.probe.clear();
        }
    }
    fn forget_retries(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.retries = 0;
            trouble.first_timeout = None;
        }
    }

    pub(super) fn advance_phase(
        &mut self,
        now: Time,
        ack: &Ack,
        news: &mut News,
        cfg: &Config,
        out: &mut Out,
    ) {
        let una = self.una();
        {
            let trouble = trouble(&mut self.trouble, una);
            if ack.ece {
                trouble.undo.before = None;
            }
        }
        let point = self.trouble.as_ref().map_or(una, |t| t.point);
        let reached = una >= point;
        match self.phase {
            // CWR has to reach the receiver: only something beyond the point ends the reduction.
            Phase::Reduction if una > point => {
                self.end_reduction(cfg);
                self.phase = Phase::Open;
            }
            Phase::Recovery if reached && una == point && self.holds_at_point(cfg) => {
                if let Some(trouble) = &mut self.trouble {
                    trouble.dup_acks = 0;
                }
                self.undo_recovery(now, ack.echo, cfg, out);
                return;
            }
            Phase::Recovery if reached => {
                self.end_recovery(now, ack, cfg, out);
                if !self.sack && una == point && !self.queue.is_empty() {
                    // Duplicate ACKs for what was sent needlessly must not look like a loss (6582/3.2-CHECK).
                    return;
                }
            }
            _ => {}
        }
        match self.phase {
            Phase::Recovery => self.in_recovery(now, ack, news, cfg, out),
            Phase::Loss => self.in_loss(now, ack, news, cfg, out),
            Phase::Open | Phase::Reduction => self.in_open(now, ack, news, cfg, out),
        }
    }

    fn in_open(&mut self, now: Time, ack: &Ack, news: &mut News, cfg: &Config, out: &mut Out) {
        self.count_duplicate(news, cfg);
        if self.phase == Phase::Open {
            self.undo_by_dsack(now, cfg, out);
        }
        news.found = self.detect(now, news.advanced(), cfg);
        let probe = self.extra.is_some() && self.mtu_probe_lost(cfg, out);
        self.report_losses(now);
        let lost = !probe && self.trouble.as_ref().is_some_and(|t| t.board.lost.segments > 0);
        if lost {
            self.enter_recovery(now, ack.ece, news.brought(), cfg, out);
        } else if ack.ece {
            self.begin_reduction(now, news.brought(), Rule::EcnResponse, cfg, out);
        }
    }

    fn in_recovery(&mut self, now: Time, ack: &Ack, news: &mut News, cfg: &Config, out: &mut Out) {
        let mss = self.mss64();
        if !news.advanced() {
            if self.count_duplicate(news, cfg) && self.inflates(cfg) {
                // 5681/3.2-INFL1, as many as segments are outstanding.
                self.cwnd += mss;
            }
        } else {
            if cfg.undo == Undoing::Restore
                && self.trouble.as_ref().is_some_and(|t| t.undo.is_delayed(ack.echo))
            {
                // Plain luck: the hole was filled by a delayed original, which all up to here has overtaken.
                let highest = self.highest_sacked().max(Some(self.una()));
                let before = self.una() - news.acked;
                self.widen_degree(highest.map_or(0, |highest| highest.since(before)), cfg);
                self.rack.reordering();
                if self.trouble.as_ref().is_some_and(|t| t.board.again.segments > 0) {
                    return;
                }
                self.undo(now, true, Rule::UnneededUndo, out);
                self.phase = Phase::Open;
                self.count_duplicate(news, cfg);
                return;
            }
            if !self.sack {
                self.partial_ack(news, cfg);
            }
        }
        if self.undo_by_dsack(now, cfg, out) {
            self.phase = Phase::Open;
        }
        news.found = self.detect(now, news.advanced(), cfg);
        self.report_losses(now);
        if self.phase == Phase::Open {
            if self.trouble.as_ref().is_some_and(|t| t.board.lost.segments > 0) {
                self.enter_recovery(now, ack.ece, news.brought(), cfg, out);
            }
        } else if news.found.retransmission && !cfg.prr {
            // 8985/9.3-RTXCC, 5681/4.3-TWICE
            self.reduce(now, Signal::Loss, news.brought(), cfg);
        }
    }
    /// Without PRR and SACK the window is inflated instead of the pipe deflated.
    fn inflates(&self, cfg: &Config) -> bool {
        !self.sack && !cfg.prr && self.detection == LossDetection::NewReno && self.controller.follows_rules()
    }
    /// A partial ACK without SACK (RFC 6582, section 3.2, step 3).
    fn partial_ack(&mut self, news: &News, cfg: &Config) {
        let (mss, inflates) = (self.mss64(), self.inflates(cfg));
        let Some(trouble) = &mut self.trouble else { return };
        trouble.partial_seen = true;
        if inflates {
            // 6582/3.2-PARTIAL
            let back = if news.acked >= mss { mss } else { 0 };
            self.cwnd = (self.cwnd.saturating_sub(news.acked) + back).max(mss);
        }
    }

    /// After a timeout (Linux `tcp_process_loss`; RFC 5682, sections 2.1 and 3.1).
    fn in_loss(&mut self, now: Time, ack: &Ack, news: &mut News, cfg: &Config, out: &mut Out) {
        let (una, nxt) = (self.una(), self.nxt());
        let reached = self.trouble.as_ref().is_some_and(|t| una >= t.point);
        let mut spurious = news.advanced() && self.undo_timeout(now, news, ack.echo, cfg, out);
        let running = self.trouble.as_ref().is_some_and(|t| t.frto != Frto::Off);
        if !spurious && running {
            if news.original {
                // 5682/2-STEP3B
                self.end_timeout(now, news.acked, cfg, out);
                spurious = true;
            } else if let Some(trouble) = &mut self.trouble {
                if nxt > trouble.point {
                    if news.sacked > 0 || news.duplicate {
                        // 5682/2-STEP3A
                        trouble.frto = Frto::Off;
                    }
                } else if news.advanced() && !reached {
                    // 5682/2-STEP2B; 5682/2-NONEW
                    trouble.point = nxt;
                    trouble.frto = if ack.new_data_ready { Frto::NewData } else { Frto::Off };
                } else if news.duplicate || news.sacked > 0 {
                    // 5682/2-STEP2A
                    trouble.frto = Frto::Off;
                }
            }
        }
        news.answered = spurious && cfg.undo == Undoing::Eifel;
        if !spurious && reached {
            self.end_recovery(now, ack, cfg, out);
        } else if !spurious && !self.sack {
            self.count_loss_duplicates(news);
        }
        news.found = self.detect(now, news.advanced(), cfg);
        self.report_losses(now);
        let lost = self.trouble.as_ref().is_some_and(|t| t.board.lost.segments > 0);
        let others = news.found.bytes > 0 && self.is_only_probe_lost(cfg);
        if (self.phase == Phase::Open || others) && lost {
            self.enter_recovery(now, ack.ece, news.brought(), cfg, out);
        }
    }

    /// Losses are known: fast recovery begins (RFC 5681, section 3.2; RFC 6675, section 5).
    pub(super) fn enter_recovery(
        &mut self,
        now: Time,
        ece: bool,
        brought: Delivered,
        cfg: &Config,
        out: &mut Out,
    ) {
        let (una, nxt) = (self.una(), self.nxt());
        self.blame_first_window(cfg, out);
        self.prepare_undo_of_recovery(!ece, cfg);
        if self.phase != Phase::Reduction {
            self.reduce(now, Signal::Loss, brought, cfg);
        }
        self.phase = Phase::Recovery;
        self.recover = nxt;
        // A recovery is a congestion response: the probe needs none of its own.
        self.probe.clear();
        let trouble = trouble(&mut self.trouble, una);
        trouble.point = nxt;
        trouble.forced = true;
        trouble.too_big = None;
        trouble.partial_seen = false;
        trouble.rescued = false;
        trouble.high_rxt = una;
        self.note(out, Rule::RecoveryBegins);
    }

    /// Recovery, or what follows a timeout, is over.
    fn end_recovery(&mut self, now: Time, ack: &Ack, cfg: &Config, out: &mut Out) {
        let undone = self.undo_recovery(now, ack.echo, cfg, out);
        if !undone {
            self.rack.recovery_ended();
            if self.phase == Phase::Recovery {
                self.end_reduction(cfg);
            }
        }
        self.phase = Phase::Open;
        if let Some(trouble) = &mut self.trouble {
            trouble.dup_acks = 0;
            trouble.forced = false;
            trouble.too_big = None;
            trouble.syn_data = false;
            trouble.frto = Frto::Off;
        }
        self.note(out, Rule::RecoveryEnds);
    }

    fn set_window(&mut self, now: Time, ack: &Ack, news: &News, cfg: &Config) {
        if self.in_prr(cfg) {
            self.run_prr(news.delivered, news.advanced() && news.found.bytes == 0, cfg);
        } else if self.raises(news, cfg)
            && !ack.ece
            && !news.answered
            && matches!(self.phase, Phase::Open | Phase::Loss)
        {
            // 3168/6.1.2-NOINC
            self.grow(now, ack, news, cfg);
        }
    }

    /// Whether this ACK may raise the window: what advances SND.UNA, and where much is reordered, whatever brings something
    /// (Linux `tcp_may_raise_cwnd`).
    fn raises(&self, news: &News, cfg: &Config) -> bool {
        news.advanced() || news.sacked > 0 && self.degree(cfg) > u16::from(cfg.dupthresh)
    }

    pub(super) fn set_timer(&mut self, now: Time, news: &News, cfg: &Config) {
        if self.paused {
            if news.advanced() {
                // 6298/5.3: what it waits for is this timer, however long that was when the mark came.
                self.deadline = cfg.fires(now, self.rto(cfg));
            }
            return;
        }
        if let Some(due) = news.found.due {
            return self.arm_reordering(now, due, cfg);
        }
        if self.queue.is_empty() {
            return self.restart_timer(now, cfg);
        }
        // Linux waits on while what was sent before the first segment's last copy arrives, but not for what was sent after it:
        // else a stream of new data would put off the timeout of a copy that was lost, for ever (`tcp_clean_rtx_queue`).
        let older = || {
            let head = self.queue.first()?.at;
            Some(self.detection == LossDetection::Rack && news.sacked > 0 && news.first_sacked? < head)
        };
        // Elsewhere only what is acknowledged counts (RFC 6298, section 5.3).
        if !news.advanced() && !older().unwrap_or(false) {
            return;
        }
        if news.advanced() && self.queue.is_sacked(0) {
            // The receiver has SACKed what it does not acknowledge: it may have thrown it away (RFC 2018, section 8).
            self.timer = Timer::Rto;
            self.deadline = cfg.fires(now, (self.srtt() / 2).max(Duration::from_millis(10)));
            return;
        }
        self.restart_timer(now, cfg);
    }
    /// SND.UNA has moved, or the path has shown otherwise that it is alive.
    #[inline]
    pub(super) fn restart_timer(&mut self, now: Time, cfg: &Config) {
        if self.queue.is_empty() {
            self.deadline = Time::NEVER;
            self.timer = Timer::Rto;
        } else if !self.schedule_probe(now, true, cfg) {
            self.arm_rto(now, cfg);
        }
    }
}
