//! Congestion window validation for applications that send less than the window allows (RFC 7661): the window is kept
//! for some minutes, used with care, and reduced to what was really in use when something is lost.

use super::{Phase, Sender};
use crate::cause::Rule;
use crate::config::Config;
use crate::congestion::{self, filter::MaxFilter};
use crate::out::Out;
use crate::seq::Seq;
use crate::time::{Duration, Time};

/// The non-validated period (section 4.4): five minutes.
const NVP: Duration = Duration::from_secs(300);

/// pipeACK and the phase.
#[derive(Clone, Debug, Hash)]
pub(super) struct Validation {
    /// The round trip that is being measured: where it began, and what ends it.
    from: Seq,
    until: Seq,
    /// pipeACK samples; `None`: pipeACK is undefined.
    pipe_ack: Option<MaxFilter>,
    last_sample: Time,
    /// The non-validated phase, since when.
    since: Option<Time>,
    /// A recovery that began in it: max(pipeACK, LossFlightSize), and retransmissions before it, in octets.
    loss: Option<(u64, u64)>,
    /// Octets sent again so far.
    pub retransmitted: u64,
    /// The connection is paced for the sake of this alone: in the non-validated phase (7661/4.4.2-BURST).
    pub paces_alone: bool,
}

impl Validation {
    pub fn new(una: Seq, paces_alone: bool) -> Validation {
        Validation {
            from: una,
            until: una,
            pipe_ack: None,
            last_sample: Time::ZERO,
            since: None,
            loss: None,
            retransmitted: 0,
            paces_alone,
        }
    }
    /// pipeACK; `None`: undefined.
    fn pipe_ack(&self, now: Time, period: Duration) -> Option<u64> {
        let filter = self.pipe_ack.as_ref()?;
        // Nothing was measured in the whole period.
        Some(if now.since(self.last_sample) > period { 0 } else { filter.get() })
    }
}

/// The pipeACK sampling period (section 4.2).
fn period(srtt: Duration) -> Duration {
    (srtt * 3).max(Duration::from_secs(1))
}

impl Sender {
    fn validation(&self) -> Option<&Validation> {
        self.extra.as_ref()?.validation.as_ref()
    }
    fn validation_mut(&mut self) -> Option<&mut Validation> {
        self.extra.as_mut()?.validation.as_mut()
    }
    /// Whether RFC 7661 is on.
    pub(super) fn validates(&self) -> bool {
        self.validation().is_some()
    }
    /// Whether bursts are allowed that a pacer would otherwise hold back: the window is one that was used.
    pub(super) fn may_burst(&self) -> bool {
        self.validation().is_some_and(|v| v.paces_alone && v.since.is_none())
    }
    /// An acknowledgment of new data came: measures, and sets the phase (sections 4.2 and 4.3).
    pub(super) fn measure_pipe(&mut self, now: Time) {
        let (una, nxt, phase, cwnd) = (self.una(), self.nxt(), self.phase, self.cwnd);
        let period = period(self.rtt.srtt());
        let Some(v) = self.validation_mut() else { return };
        // 7661/4.2-FR: what comes in during a recovery tells nothing of the program.
        let open = matches!(phase, Phase::Open | Phase::Reduction);
        if v.until == v.from {
            // The first acknowledgment after a pause: what is outstanding is the round.
            v.until = nxt;
        }
        if una >= v.until {
            if open && v.until > v.from {
                let millis = |nanos: u64| nanos / 1_000_000;
                let filter = v.pipe_ack.get_or_insert_default();
                filter.update(v.until - v.from, millis(now.as_nanos()), millis(period.as_nanos()));
                v.last_sample = now;
            }
            (v.from, v.until) = (v.until, nxt);
        }
        v.set_phase(now, cwnd, period);
    }
    /// Whether it is known that the program uses enough of the window for it to grow.
    pub(super) fn is_known_used(&self) -> bool {
        self.validation().is_some_and(|v| v.since.is_none() && v.pipe_ack.is_some())
    }
    /// Something is sent after a pause: after five minutes in the non-validated phase the window is halved, once for
    /// each five minutes (section 4.4.3).
    pub(super) fn end_non_validated(&mut self, now: Time, cfg: &Config, out: &mut Out) {
        let period = period(self.rtt.srtt());
        let initial = congestion::initial_window(self.mss, 0, cfg);
        let (mut cwnd, mut ssthresh, mss) = (self.cwnd, self.ssthresh, self.mss64());
        if !self.controller.follows_rules() {
            return;
        }
        let Some(v) = self.validation_mut() else { return };
        v.set_phase(now, cwnd, period);
        let Some(mut since) = v.since else { return };
        while now >= since + NVP {
            since += NVP;
            if cwnd <= initial {
                continue;
            }
            // 7661/4.4.3-ADJ
            ssthresh = if ssthresh == u64::MAX { cwnd * 3 / 4 } else { ssthresh.max(cwnd * 3 / 4) };
            cwnd = (cwnd / 2 / mss * mss).max(initial);
        }
        v.since = Some(since);
        if cwnd != self.cwnd {
            (self.cwnd, self.ssthresh) = (cwnd, ssthresh);
            self.note(out, Rule::IdleRestart);
        }
    }
    /// A loss was found: what was in flight, and not the window, is what failed (section 4.4.1). The new threshold.
    pub(super) fn reduce_unused(&mut self, now: Time) -> Option<u64> {
        let (flight, mss) = (self.flight(), self.mss64());
        let period = period(self.rtt.srtt());
        let v = self.validation_mut()?;
        // 7661/4.4-EXITLOSS
        v.since.take()?;
        let used = v.pipe_ack(now, period).unwrap_or(0).max(flight);
        v.loss = Some((used, v.retransmitted));
        // 7661/4.4.1-LOSS
        Some((used / 2).max(mss))
    }
    /// The recovery is over (section 4.4.1).
    pub(super) fn end_unused(&mut self) {
        let (mss, una) = (self.mss64(), self.una());
        let Some(v) = self.validation_mut() else { return };
        // 7661/4.4.1-REINIT
        v.pipe_ack = None;
        (v.from, v.until) = (una, una);
        v.since = None;
        let Some((used, before)) = v.loss.take() else { return };
        // 7661/4.4.1-END, 7661/4.4.1-MIN
        let again = v.retransmitted - before;
        self.cwnd = (used.saturating_sub(again) / 2 / mss).max(1) * mss;
        self.ssthresh = self.cwnd;
    }
    /// A timeout ends the phase as well.
    pub(super) fn end_validation(&mut self) {
        if let Some(v) = self.validation_mut() {
            v.since = None;
            v.loss = None;
            v.pipe_ack = None;
        }
    }
    #[cfg(test)]
    pub(super) fn pipe_ack(&self, now: Time) -> Option<u64> {
        self.validation()?.pipe_ack(now, period(self.rtt.srtt()))
    }
}

impl Validation {
    /// 7661/4.3-NV: the window is validated while at least half of it is used.
    fn set_phase(&mut self, now: Time, cwnd: u64, period: Duration) {
        match self.pipe_ack(now, period) {
            Some(used) if used < cwnd / 2 => {
                // The phase began when half of the window was last used.
                let began = if used == 0 { self.last_sample } else { now };
                self.since.get_or_insert(began);
            }
            _ => self.since = None,
        }
    }
}
