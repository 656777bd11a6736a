//! What was sent, and sent again, is put on the books.

use std::ops::Range;

use super::queue::{Marks, Queue};
use super::undo::Frto;
use super::{Phase, Probe, Sender, Timer, millis, trouble};
use crate::cause::Rule;
use crate::config::{Config, LossDetection};
use crate::out::Out;
use crate::seq::Seq;
use crate::time::Time;

impl Sender {
    /// The segment `nxt()..end` was sent for the first time (its FIN counts one).
    #[inline]
    pub fn on_sent(&mut self, now: Time, end: Seq, cfg: &Config) {
        let bytes = end.since(self.nxt());
        if bytes == 0 {
            return;
        }
        let first = self.queue.is_empty();
        if self.extra.is_some() {
            self.count_sent(now, bytes, cfg);
        }
        self.queue.push(end, now);
        self.last_sent = now;
        self.count_prr_out(self.load_of(bytes));
        if self.probe.coming {
            // RFC 8985 7.3: the probe was new data; the timer is the RTO's already.
            self.probe = Probe { coming: false, end, again: false, ..self.probe };
        } else {
            self.probe.sent_new = true;
        }
        // Where it would be the probe's again once the output function is done, it stays that.
        if first || self.timer == Timer::Probe && !self.would_probe(cfg) {
            self.arm_rto(now, cfg);
        }
    }
    /// `range` was sent again: a range got from `next_retransmission` or the like, or its beginning.
    pub fn on_retransmitted(&mut self, now: Time, range: Range<Seq>, cfg: &Config) {
        let range = range.start.max(self.una())..range.end.min(self.nxt());
        if range.start >= range.end {
            return;
        }
        self.doubt_mtu_probe(super::ProbeFate::Unknown);
        let rack = self.detection == LossDetection::Rack;
        let head = range.start == self.una();
        let trouble = trouble(&mut self.trouble, self.queue.una);
        if self.detection == LossDetection::Sack && self.phase == Phase::Recovery && !self.probe.coming {
            let i = self.queue.index_of(range.start);
            let highest = trouble.board.highest_sacked().unwrap_or(self.queue.una);
            let rescue =
                !self.queue.is_waiting(i) && (range.start >= highest || range.start < trouble.high_rxt);
            if rescue {
                trouble.rescued = true;
            } else {
                // 6675/5-HRXT
                trouble.high_rxt = trouble.high_rxt.max(range.end);
            }
        }
        let inflight = if self.extra.is_some() { self.pipe(cfg) } else { 0 };
        let mut segments = 0;
        let trouble = self::trouble(&mut self.trouble, self.queue.una);
        for i in self.queue.carve(&range, &mut trouble.board) {
            segments += 1;
            let order = self.queue.get(i).map_or(0, |sent| sent.order);
            self.queue.sent_again(i, now, &mut trouble.board);
            if let Some(rate) = self.extra.as_mut().and_then(|extra| extra.rate.as_mut()) {
                let sent = self.queue.range(i);
                rate.on_sent(now, self.queue.last_order(), sent.end - sent.start, inflight);
                rate.forget(order);
            }
            self.retransmitted += 1;
            if rack {
                trouble.rack.push(now, self.queue.range(i).end);
            }
            if !self.probe.coming {
                trouble.undo.count(now);
            }
        }
        trouble.forced = false;
        if let Some(extra) = &mut self.extra {
            extra.on_retransmitted(now, range.end - range.start);
        }
        let bytes = range.end - range.start;
        self.count_prr_out(if self.counts_segments() { segments * self.mss64() } else { bytes });
        self.last_sent = now;
        if self.probe.coming {
            self.probe = Probe { coming: false, end: self.nxt(), again: true, ..self.probe };
        } else if head && self.timer != Timer::Reordering {
            self.timer = Timer::Rto;
            self.deadline = cfg.fires(now, self.rto(cfg));
        }
    }
    /// The segment `range` is about to be sent again: joins those behind it that are not SACKed, as long as `may` says so of the
    /// number that lies between and of the end of the next. Returns the end of what it has become.
    pub fn join_behind(&mut self, range: Range<Seq>, may: impl Fn(Seq, Seq) -> bool) -> Seq {
        let i = self.queue.index_of(range.start);
        let whole =
            self.queue.get(i).is_some_and(|sent| sent.end == range.end) && self.queue.start(i) == range.start;
        let mut end = range.end;
        let next = |queue: &Queue, end| {
            queue
                .get(i + 1)
                .filter(|next| !next.marks.has(Marks::SACKED) && may(end, next.end))
                .map(|next| next.end)
        };
        while whole
            && !self.queue.is_sacked(i)
            && let Some(further) = next(&self.queue, end)
        {
            let board = &mut trouble(&mut self.trouble, self.queue.una).board;
            let order = self.queue.join(i, board);
            if let Some((rate, order)) = self.extra.as_mut().and_then(|extra| extra.rate.as_mut()).zip(order)
            {
                rate.forget(order);
            }
            end = further;
        }
        end
    }
    /// The output function has sent what it could. `cwnd_limited`: it stopped because [`Sender::allowance`] was
    /// used up while more was waiting. `starved`: the program waits for room in the send buffer. Call it whenever the
    /// output function ran. Returns whether it has to run once more: F-RTO waited for new data, and none was sent.
    #[inline(always)]
    pub fn on_output_done(&mut self, now: Time, cwnd_limited: bool, starved: bool, cfg: &Config) -> bool {
        self.probe.coming = false;
        let sent = std::mem::take(&mut self.probe.sent_new);
        // A window that is just full limits as well, though nothing may be waiting (Linux `tcp_write_xmit`).
        let full = || self.counts_segments() && self.pipe(cfg) >= self.cwnd;
        if sent || cwnd_limited {
            let limited = cwnd_limited || full();
            self.validate(now, limited, starved, cfg);
        }
        if sent && self.schedule_probe(now, false, cfg) {
            self.probe.restart = false;
        }
        let nxt = self.nxt();
        let Some(trouble) = &mut self.trouble else { return false };
        if trouble.frto == Frto::NewData && nxt <= trouble.point {
            // 5682/2-NONEW: conventional recovery.
            trouble.frto = Frto::Off;
            return true;
        }
        false
    }
    /// Before new data goes out on a connection that may have been idle: collapses cwnd (RFC 5681, section 4.1).
    /// Does nothing while anything is outstanding.
    pub fn on_idle_restart(&mut self, now: Time, cfg: &Config, out: &mut Out) {
        if !self.queue.is_empty() {
            return;
        }
        let (idle, rto) = (now.since(self.last_sent), self.rtt.rto(cfg));
        self.controller.on_idle_end(now, idle);
        self.restart_model(now);
        if self.validates() {
            return self.end_non_validated(now, cfg, out);
        }
        if !cfg.slow_start_after_idle || idle <= rto || !self.controller.follows_rules() {
            return;
        }
        let restart = self.restart_window(cfg).min(self.cwnd);
        let before = self.cwnd;
        if cfg.idle_halving {
            self.ssthresh = self.current_ssthresh();
            let halvings = (idle.as_nanos() - 1) / rto.as_nanos().max(1);
            let segments = (self.cwnd / self.mss64()).checked_shr(halvings.min(63) as u32).unwrap_or(0);
            self.cwnd = (segments * self.mss64()).max(restart);
        } else {
            self.cwnd = restart;
        }
        self.first_window = self.cwnd as u32;
        (self.usage.used, self.usage.full_ms) = (0, millis(now));
        if self.cwnd < before {
            self.note(out, Rule::IdleRestart);
        }
    }
}
