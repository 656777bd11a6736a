//! The one timer of the transmit queue: retransmission (RFC 6298), tail loss probe and reordering (RFC 8985).

use super::rack::Found;
use super::undo::Frto;
use super::window::Delivered;
use super::{Expired, Phase, Sender, Timer, trouble};
use crate::cause::Rule;
use crate::config::{Config, LossDetection};
use crate::congestion::Signal;
use crate::out::Out;
use crate::time::{Duration, Time};

impl Sender {
    /// The deadline may have come. `new_data_ready`: whether the peer takes a segment of new data, as a probe.
    pub fn on_timeout(&mut self, now: Time, new_data_ready: bool, cfg: &Config, out: &mut Out) -> Expired {
        if now < self.deadline {
            return Expired::Nothing;
        }
        let resumed = std::mem::take(&mut self.paused);
        if self.queue.is_empty() {
            self.deadline = Time::NEVER;
            return if resumed { Expired::Resumed } else { Expired::Nothing };
        }
        match self.timer {
            Timer::Rto => {
                self.enter_loss(now, cfg, out);
                Expired::Rto
            }
            Timer::Probe => self.send_probe(now, new_data_ready, cfg),
            Timer::Reordering => self.look_again(now, cfg, out),
        }
    }

    /// The interface has refused what the timeout sent again: it is due after `wait`, and the timeout is not doubled.
    pub fn try_again(&mut self, now: Time, wait: Duration, cfg: &Config) {
        self.backoff = self.backoff.saturating_sub(1);
        self.timer = Timer::Rto;
        self.deadline = cfg.fires(now, wait);
    }

    /// Starts the retransmission timer: a full RTO from now, or, if the timer served another purpose, from when the
    /// first segment was last sent.
    pub(super) fn arm_rto(&mut self, now: Time, cfg: &Config) {
        let rto = self.rto(cfg);
        let Some(head) = self.queue.first() else {
            self.deadline = Time::NEVER;
            return;
        };
        let other = self.deadline != Time::NEVER && self.timer != Timer::Rto;
        let least = now + Duration::from_nanos(1);
        self.deadline =
            if other { cfg.fires_at(now, (head.at + rto).max(least)) } else { cfg.fires(now, rto) };
        self.timer = Timer::Rto;
    }

    /// The handshake is complete only now, of a connection that may have sent data already (RFC 7413): the round-trip time
    /// of SYN-ACK and ACK, and a full RTO for that data.
    pub fn on_handshake(&mut self, now: Time, rtt: Option<Duration>, cfg: &Config) {
        if let Some(sample) = rtt {
            let una = self.una();
            self.rtt.sample(now, sample, (una, una), 1, cfg);
        }
        self.timer = Timer::Rto;
        self.arm_rto(now, cfg);
    }

    /// Starts the probe timer in place of the retransmission timer, if a probe would help (RFC 8985, section 7.2).
    /// `acked`: an ACK has just restarted the RTO.
    pub(super) fn schedule_probe(&mut self, now: Time, acked: bool, cfg: &Config) -> bool {
        let Some(head) = self.queue.first() else { return false };
        if !self.would_probe(cfg) {
            return false;
        }
        let acked = acked || self.probe.restart && !cfg.probe_puts_off_rto;
        let bounded = !acked && !cfg.probe_puts_off_rto && self.deadline != Time::NEVER;
        if bounded && !self.may_probe() {
            // 8985/7.3-COND: it would be left out.
            return false;
        }
        let pto = if self.rtt.is_measured() {
            // 8985/7.2-PTO: the receiver may delay its ACK of a lone segment.
            let delay = if self.queue.len() == 1 { cfg.min_rto } else { cfg.probe_margin };
            let srtt = self.rtt.srtt();
            srtt + srtt + delay
        } else {
            Duration::from_secs(1)
        };
        let from = if acked { now } else { head.at };
        let (timeout, probe) = (from + self.rto(cfg), now + pto);
        let mut deadline = cfg.fires_at(now, if timeout > now { probe.min(timeout) } else { probe });
        if bounded && (self.timer == Timer::Rto || timeout <= now) {
            // 8985/7.2-PTO: new data that goes on and on does not put it off.
            deadline = deadline.min(self.deadline);
        }
        (self.timer, self.deadline) = (Timer::Probe, deadline);
        true
    }
    /// One probe at a time, and a measurement between two (RFC 8985, section 7.3).
    fn may_probe(&self) -> bool {
        !self.probe.is_outstanding() && self.probe.measured
    }

    /// Whether a probe would help, if anything is outstanding.
    #[inline]
    pub(super) fn would_probe(&self, cfg: &Config) -> bool {
        let sacked = self.trouble.as_ref().is_some_and(|t| t.board.sacked.segments > 0);
        let phase = matches!(self.phase, Phase::Open | Phase::Reduction);
        cfg.tail_loss_probe && self.detection == LossDetection::Rack && phase && !sacked
    }

    /// RFC 8985, section 7.3.
    fn send_probe(&mut self, now: Time, new_data_ready: bool, cfg: &Config) -> Expired {
        if !self.may_probe() {
            self.arm_rto(now, cfg);
            return Expired::Nothing;
        }
        self.probe.measured = false;
        self.probe.coming = true;
        // 8985/7.3-RTOARM: a full RTO from now.
        self.timer = Timer::Rto;
        self.deadline = cfg.fires(now, self.rto(cfg));
        if new_data_ready {
            return Expired::ProbeNew;
        }
        let last = self.queue.range(self.queue.len() - 1);
        let mss = self.mss64();
        let start = if last.end - last.start > mss { last.end - mss } else { last.start };
        Expired::ProbeLast(start..last.end)
    }

    /// Starts the timer by which RACK looks again, in place of the retransmission timer, and for no longer than that would run (Linux
    /// `tcp_rack_mark_lost`): what was marked as received anew after a timeout may seem to have been on its way for minutes.
    pub(super) fn arm_reordering(&mut self, now: Time, due: Time, cfg: &Config) {
        self.timer = Timer::Reordering;
        self.deadline = cfg.reordering_at(now, due.min(now + self.rto(cfg)));
    }
    fn look_again(&mut self, now: Time, cfg: &Config, out: &mut Out) -> Expired {
        let Found { bytes, due, .. } = self.detect_by_time(now, cfg);
        // Linux looks for the probe only when an acknowledgment comes.
        let probe = cfg.cautious_mtu_search && self.mtu_probe_lost(cfg, out);
        self.report_losses(now);
        match due {
            Some(due) if due <= now + self.rto(cfg) => self.arm_reordering(now, due, cfg),
            _ => self.arm_rto(now, cfg),
        }
        if bytes == 0 {
            return Expired::Nothing;
        }
        let others = !probe && self.is_only_probe_lost(cfg);
        if others || matches!(self.phase, Phase::Open | Phase::Reduction) {
            self.enter_recovery(now, false, Delivered::default(), cfg, out);
            // Nothing was delivered; the first retransmission goes out all the same.
            self.run_prr(1, false, cfg);
        }
        Expired::Reordering
    }

    /// The retransmission timer expired (RFC 6298, section 5; RFC 5681, section 3.1; RFC 8985, section 6.3).
    fn enter_loss(&mut self, now: Time, cfg: &Config, out: &mut Out) {
        let (una, nxt, mss) = (self.una(), self.nxt(), self.mss64());
        self.blame_first_window(cfg, out);
        self.doubt_mtu_probe(super::ProbeFate::TimedOut);
        let again = self.retries() > 0;
        let fresh = matches!(self.phase, Phase::Open | Phase::Reduction);
        self.prepare_undo_of_timeout(again, cfg);
        if !again {
            // 5681/3.1-TOSS; 5681/3.1-TORTX: not when the same segment times out again.
            let repeated = matches!(self.phase, Phase::Recovery | Phase::Reduction)
                && self.trouble.as_ref().is_some_and(|t| t.point > una);
            if !(cfg.ssthresh_from_cwnd && repeated) {
                self.reduce(now, Signal::Timeout, Delivered::default(), cfg);
            }
            self.reduced = true;
        }
        let sacked = self.trouble.as_ref().map_or(0, |t| t.board.sacked.segments);
        if self.phase == Phase::Open && sacked >= u32::from(cfg.dupthresh) {
            // So many SACKs and no recovery: the network reorders less than was thought (Linux `tcp_enter_loss`).
            let degree = self.degree(cfg).min(u16::from(cfg.dupthresh));
            self.set_degree(degree, cfg);
        }
        self.mark_timed_out(now, out);
        self.report_losses(now);
        self.controller.on_timeout(now, nxt);
        self.end_validation();
        self.phase = Phase::Loss;
        if self.controller.follows_rules() {
            // 5681/3.1-LW; Linux lets one segment join those that were sent a moment ago and may well arrive.
            self.cwnd = if self.counts_segments() { self.pipe(cfg) + mss } else { mss };
        } else if self.controller.steers() {
            // BBR/5.6-RTO
            self.cwnd = self.pipe(cfg) + mss;
        }
        self.recover = nxt;
        self.probe.clear();
        self.probe.coming = false;
        let trouble = trouble(&mut self.trouble, una);
        trouble.point = nxt;
        trouble.dup_acks = 0;
        trouble.forced = true;
        trouble.too_big = None;
        trouble.syn_data = false;
        // 5682/2-FIRST, 5682/2-RESTART
        trouble.frto =
            if cfg.frto && (fresh || again && cfg.frto_repeats) { Frto::Waiting } else { Frto::Off };
        trouble.retries += 1;
        trouble.first_timeout.get_or_insert(now);
        // 6298/5.5, 6298/5.6
        self.backoff = self.backoff.saturating_add(1).min(40);
        self.timer = Timer::Rto;
        self.deadline = cfg.fires(now, self.rto(cfg));
        self.note(out, Rule::RtoExpired);
    }

    fn mark_timed_out(&mut self, now: Time, out: &mut Out) {
        let trouble = trouble(&mut self.trouble, self.queue.una);
        // 2018/5-TOCLEAR: RFC 6675 forgets what was SACKed; RACK believes it until the first segment itself turns out
        // to be SACKed and yet not acknowledged.
        let reneged = self.queue.is_sacked(0);
        if reneged || self.detection != LossDetection::Rack {
            self.queue.unmark_sacked(&mut trouble.board);
        }
        if reneged {
            out.notes.push(crate::out::Note::Happened(Rule::SackReneging));
        }
        trouble.rack.clear();
        let rtt = self.rack.rtt();
        for i in 0..self.queue.len() {
            let Some(record) = self.queue.get(i) else { break };
            // 8985/6.3-RTO: what was sent a moment ago may well arrive.
            let recent = self.detection == LossDetection::Rack && record.at + rtt > now;
            if i == 0 || !recent {
                self.queue.mark_lost(i, &mut trouble.board);
            } else if record.marks.has(super::queue::Marks::AGAIN) {
                trouble.rack.push(record.at, record.end);
            }
        }
        trouble.board.hint = self.queue.una;
    }
}
