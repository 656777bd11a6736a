//! What happens when time has passed (RFC 9293, section 3.10.8).
//!
//! Retransmission, reordering and loss probe are one timer, the transmit queue's; the persist timer runs only while
//! nothing is outstanding, so that of these four one runs at a time. Keepalive and the limit on an orphan's FIN-WAIT-2
//! share another slot, since an orphan in FIN-WAIT-2 is not probed. Timers are restarted lazily: a deadline that
//! comes too early is moved, not acted on.

use super::Connection;
use crate::cause::Rule;
use crate::error::Errno;
use crate::out::Out;
use crate::recovery::{Expired, Retransmission, Timer};
use crate::resting::words::fold;
use crate::state::{Input, State};
use crate::time::{Duration, Time};

/// What the interface has refused is tried again so much later (Linux `TCP_RESOURCE_PROBE_INTERVAL`).
const RESOURCE_PROBE: Duration = Duration::from_millis(500);

/// The timers that are not the transmit queue's, and what they count from.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Timers {
    /// Zero-window probe or override.
    pub persist: Time,
    /// Keepalive, or an orphan's FIN-WAIT-2.
    pub idle: Time,
    /// When the peer was last heard of: an acceptable ACK, or data.
    pub heard: Time,
    /// When SND.UNA last moved, or data went out with nothing outstanding.
    pub progress: Time,
    /// When the first zero-window probe went out since the window last was open.
    pub probing: Option<Time>,
    /// Unanswered probes.
    pub probes: u8,
    /// Doublings of the persist timer.
    pub backoff: u8,
    /// R1 was reached since SND.UNA last moved.
    pub troubled: bool,
}

fold!(Timers { persist, idle, heard, progress, probes, backoff, troubled } absent { probing });

impl Timers {
    /// At the start of a connection.
    pub fn new(now: Time) -> Timers {
        Timers {
            persist: Time::NEVER,
            idle: Time::NEVER,
            heard: now,
            progress: now,
            probing: None,
            probes: 0,
            backoff: 0,
            troubled: false,
        }
    }
    /// Stops all.
    pub fn stop(&mut self) {
        self.persist = Time::NEVER;
        self.idle = Time::NEVER;
    }
}

impl Connection {
    /// When `on_deadline` wants to be called next.
    #[inline]
    pub fn deadline(&self) -> Time {
        if self.is_over() {
            return Time::NEVER;
        }
        if let Some(at) = self.pending_deadline() {
            return at.min(self.ack.deadline);
        }
        let queue = self.snd.queue.deadline().map_or(Time::NEVER, |(at, _)| at);
        let queue = queue.min(self.snd.queue.release());
        queue.min(self.timers.persist).min(self.timers.idle).min(self.ack.deadline).min(self.limit_deadline())
    }
    /// A deadline may have come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Out) {
        if self.is_pending() {
            // Nothing but the SYN-ACK is repeated, and nobody is asked whether it is still there.
            if now >= self.ack.deadline {
                self.on_ack_deadline(now, out);
            }
            return self.on_pending_deadline(now, out);
        }
        if now >= self.limit_deadline() && !self.is_over() {
            return self.give_up(now, out);
        }
        if now >= self.ack.deadline && !self.is_over() {
            self.on_ack_deadline(now, out);
        }
        if let Some((at, timer)) = self.snd.queue.deadline()
            && now >= at
            && !self.is_over()
        {
            self.on_queue_deadline(now, timer, out);
        }
        if now >= self.snd.queue.release() && !self.is_over() {
            self.output(now, out);
        }
        if now >= self.timers.persist && !self.is_over() {
            self.on_persist(now, out);
        }
        if now >= self.timers.idle && !self.is_over() {
            self.on_idle(now, out);
        }
    }

    // --- retransmission, reordering, loss probe ------------------------------------------------------------------

    fn on_queue_deadline(&mut self, now: Time, timer: Timer, out: &mut Out) {
        if timer == Timer::Rto && self.snd.queue.flight() > 0 {
            if self.retransmissions_exhausted(now) {
                return self.give_up(now, out);
            }
            if self.first_limit_reached(now) {
                self.report_trouble(out);
                self.probe_black_hole(now, out);
            }
            self.confirm_path_mtu(now, out);
            self.suspect_after_timeouts(out);
        }
        // An AccECN option that is due takes room in a tail loss probe.
        self.tick_accecn(now);
        let ready = self.tail_probe().is_some();
        let expired = self.snd.queue.on_timeout(now, ready, &self.config, out);
        if expired == Expired::Rto && self.is_refused(now, out) {
            self.snd.queue.try_again(now, RESOURCE_PROBE, &self.config);
        }
        match expired {
            Expired::Nothing => {}
            Expired::ProbeNew => self.send_tail_probe(now, out),
            Expired::ProbeLast(range) => {
                self.retransmit(now, &Retransmission { range, why: Rule::TailLossProbe }, out);
            }
            Expired::Rto | Expired::Reordering | Expired::Resumed => {}
        }
        self.output(now, out);
    }

    /// R1: IP and the program are to know (RFC 9293, section 3.8.3, MUST-20 and SHLD-9), once until delivery goes on.
    fn report_trouble(&mut self, out: &mut Out) {
        if !std::mem::replace(&mut self.timers.troubled, true) {
            self.soft_error.get_or_insert(Errno::ETIMEDOUT);
            self.note(Rule::FirstLimit, out);
        }
    }

    // --- persist -------------------------------------------------------------------------------------------------

    /// Starts or stops the persist timer, by whether something waits that only a window update could free.
    pub(super) fn update_persist(&mut self, now: Time) {
        let queue = &self.snd.queue;
        let waiting = queue.flight() == 0 && queue.nxt() < self.queued_end() && !queue.is_paused();
        if !waiting || !self.is_sending() {
            self.stop_persist();
        } else if self.timers.persist == Time::NEVER {
            self.timers.persist = self.config.fires(now, self.persist_interval());
        }
    }
    pub(super) fn stop_persist(&mut self) {
        if self.timers.persist != Time::NEVER {
            self.timers.persist = Time::NEVER;
            self.timers.probes = 0;
        }
        self.timers.backoff = 0;
        self.timers.probing = None;
    }
    /// The peer has answered a probe: the next is due one interval later. Backing off ends with an open window.
    pub(super) fn after_window_update(&mut self, now: Time) {
        if self.timers.persist == Time::NEVER {
            return;
        }
        let nxt = self.snd.queue.nxt();
        let next = self.snd.buffer.end().since(nxt).min(u64::from(self.segment_size()));
        let flight = self.snd.queue.flight() > 0;
        let open = nxt + next.max(1) <= self.window_end();
        if flight || open && self.counts_truesize() {
            self.stop_persist();
        } else if open {
            // Small data that waits goes when the override timer says so, however much comes meanwhile (RFC 9293, section
            // 3.8.6.2.1). Linux begins anew with each ACK (`tcp_ack_probe`).
            self.timers.backoff = 0;
            self.timers.probing = None;
            let anew = self.config.fires(now, self.persist_interval());
            self.timers.persist = self.timers.persist.min(anew);
        } else {
            self.timers.persist = self.config.fires(now, self.persist_interval());
        }
    }
    fn persist_interval(&self) -> Duration {
        let rto = self.snd.queue.rto(&self.config).max(self.config.min_rto);
        let base = rto.max(self.config.persist_min.unwrap_or(Duration::ZERO));
        base.doubled(u32::from(self.timers.backoff)).min(self.config.persist_max)
    }
    fn on_persist(&mut self, now: Time, out: &mut Out) {
        if self.snd.queue.flight() > 0 || self.snd.queue.nxt() >= self.queued_end() {
            return self.stop_persist();
        }
        if self.timers.probing.is_none() {
            self.timers.probing = Some(now);
        }
        if self.probes_exhausted(now) {
            return self.give_up(now, out);
        }
        self.probe_window(now, out);
        if self.snd.queue.flight() > 0 {
            // The override timer let a part of a segment go: more may follow it.
            return self.stop_persist();
        }
        self.timers.probes = self.timers.probes.saturating_add(1);
        if self.snd.refused {
            self.timers.persist = self.config.fires(now, RESOURCE_PROBE);
            return;
        }
        if self.persist_interval() < self.config.persist_max {
            self.timers.backoff = self.timers.backoff.saturating_add(1);
        }
        self.timers.persist = self.config.fires(now, self.persist_interval());
    }

    // --- keepalive (RFC 9293, section 3.8.4), FIN-WAIT-2 of an orphan ----------------------------------------------

    /// Starts keepalive if it is on: the first probe comes when the connection has been idle for long enough `since` then.
    pub(super) fn arm_keepalive(&mut self, now: Time, since: Time) {
        if self.state == State::FinWait2 && self.orphan {
            return;
        }
        self.timers.idle = if self.socket.keepalive && !self.is_over() {
            let due = self.config.passed(since, self.socket.keep_idle(&self.config));
            self.config.fires_at(now, due)
        } else {
            Time::NEVER
        };
    }
    fn on_idle(&mut self, now: Time, out: &mut Out) {
        if self.state == State::FinWait2 && self.orphan {
            self.transition(Input::Expire, Rule::FinWait2Expired, out);
            return self.retire(out);
        }
        if !self.socket.keepalive {
            self.timers.idle = Time::NEVER;
            return;
        }
        let idle = self.socket.keep_idle(&self.config);
        if self.snd.queue.flight() > 0 || self.snd.queue.nxt() < self.queued_end() {
            // Data is under way: its own timers tell whether the peer lives.
            self.timers.idle = self.config.fires(now, idle);
            return;
        }
        let elapsed = now.since(self.timers.heard);
        let due = self.config.passed(self.timers.heard, idle);
        if now < due {
            self.timers.idle = self.config.fires_at(now, due);
            return;
        }
        let exhausted = match self.user_timeout() {
            Some(limit) if self.counts_from_first_timeout() => elapsed >= limit && self.timers.probes > 0,
            _ => self.timers.probes >= self.socket.keep_count(&self.config),
        };
        // 5482/4.2-KA: no sooner than the timeout that was adopted.
        if exhausted && self.adopted_user_timeout().is_none_or(|limit| elapsed > limit) {
            self.send_reset(now, Rule::KeepaliveLimit, out);
            let error = self.soft_error.unwrap_or(Errno::ETIMEDOUT);
            return self.fail(Rule::KeepaliveLimit, Some(error), out);
        }
        self.send_empty_probe(now, Rule::KeepaliveProbe, out);
        self.timers.probes = self.timers.probes.saturating_add(1);
        let interval = self.socket.keep_interval(&self.config).max(Duration::from_nanos(1));
        self.timers.idle = self.config.fires(now, interval);
    }
}
