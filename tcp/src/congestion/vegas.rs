//! Vegas (Brakmo and Peterson, 1995), as Linux has it: the window goes by how many segments stand in queues, which the
//! difference between the smallest round-trip time ever and that of the last round tells.

use super::{Control, Event, Sample, as_reno, slow_start};
use crate::info::CongestionInfo;
use crate::seq::Seq;
use crate::time::Duration;

/// Segments in queues: fewer than ALPHA, the window grows; more than BETA, it shrinks; more than GAMMA, slow start
/// ends.
const ALPHA: u64 = 2;
const BETA: u64 = 4;
const GAMMA: u64 = 1;
/// Fewer samples in a round than this do not tell queues from delayed acknowledgments.
const SAMPLES: u32 = 3;

/// Round-trip times, and what they mean for the window.
#[derive(Clone, Copy, Debug, Hash)]
pub struct Vegas {
    /// The smallest ever; `Duration::MAX`: none yet.
    base: Duration,
    /// The smallest of this round, and how many there were.
    round: Duration,
    samples: u32,
    /// This round ends when this is acknowledged; `None`: not judging, since something is amiss.
    end: Option<Seq>,
    /// What the last round calls for.
    verdict: Verdict,
    /// Octets acknowledged since congestion avoidance last added a segment.
    credit: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Verdict {
    /// The round is not over.
    Wait,
    /// Too few samples: as Reno.
    Reno,
    /// Grow in slow start.
    Start,
    /// Go down to this.
    To(u64),
    /// One segment more, or less.
    Up,
    Down,
    Keep,
}

impl Verdict {
    /// The window that it leads to, where it is not Reno's.
    fn window(self, s: &Sample) -> u64 {
        let floor = 2 * s.mss;
        match self {
            Verdict::Wait | Verdict::Start => slow_start(s).0,
            Verdict::Keep | Verdict::Reno => s.cwnd,
            Verdict::To(cwnd) => cwnd.max(floor),
            Verdict::Up => s.cwnd + s.mss,
            Verdict::Down => s.cwnd.saturating_sub(s.mss).max(floor),
        }
    }
}

impl Default for Vegas {
    fn default() -> Vegas {
        Vegas {
            base: Duration::MAX,
            round: Duration::MAX,
            samples: 0,
            end: None,
            verdict: Verdict::Reno,
            credit: 0,
        }
    }
}

impl Vegas {
    fn judge(&self, s: &Sample) -> Verdict {
        if self.samples < SAMPLES || self.base == Duration::MAX || s.cwnd < s.mss {
            return Verdict::Reno;
        }
        let (base, rtt) = (u128::from(self.base.as_nanos().max(1)), u128::from(self.round.as_nanos().max(1)));
        let segments = u128::from(s.cwnd / s.mss);
        // What stands in queues, and the window that would leave them empty, in segments.
        let queued = (segments * (rtt - base) / base) as u64;
        let target = (segments * base / rtt) as u64;
        let starting = s.cwnd < s.ssthresh;
        match () {
            () if starting && queued > GAMMA => Verdict::To(((target + 1) * s.mss).min(s.cwnd)),
            () if starting => Verdict::Start,
            () if queued > BETA => Verdict::Down,
            () if queued < ALPHA => Verdict::Up,
            () => Verdict::Keep,
        }
    }
    fn begin_round(&mut self, s: &Sample) {
        self.end = Some(s.nxt);
        self.round = Duration::MAX;
        self.samples = 0;
    }
}

impl Control for Vegas {
    fn on_delivered(&mut self, s: &Sample) -> Option<u64> {
        if let Some(rtt) = s.rtt {
            self.base = self.base.min(rtt);
            self.round = self.round.min(rtt);
            self.samples += 1;
        }
        let Some(end) = self.end else {
            self.begin_round(s);
            self.verdict = Verdict::Wait;
            return None;
        };
        if s.una <= end {
            self.verdict = Verdict::Wait;
            return None;
        }
        self.verdict = self.judge(s);
        self.begin_round(s);
        // What shrinks the window keeps slow start from coming back.
        let below = |cwnd: u64| s.ssthresh.min(cwnd.saturating_sub(s.mss)).max(2 * s.mss);
        let limit = match self.verdict {
            Verdict::Wait | Verdict::Reno => return None,
            Verdict::To(cwnd) => below(cwnd),
            Verdict::Down => below(s.cwnd - s.mss),
            Verdict::Start | Verdict::Up | Verdict::Keep => s.ssthresh,
        };
        // A window that delays have confirmed is a place to come back to in slow start, but for a quarter of it.
        let window = self.verdict.window(s) / s.mss;
        let known = (window / 2 + window / 4) * s.mss;
        Some(limit.max(known)).filter(|limit| *limit != s.ssthresh)
    }
    fn on_ack(&mut self, s: &Sample) -> u64 {
        match std::mem::replace(&mut self.verdict, Verdict::Wait) {
            Verdict::Reno => as_reno(s, &mut self.credit),
            verdict => verdict.window(s),
        }
    }
    /// As Reno; delays of a troubled round tell nothing.
    fn on_congestion(&mut self, event: &Event) -> u64 {
        self.credit = 0;
        self.end = None;
        (event.flight / 2).max(2 * event.mss)
    }
    /// After an idle time the delays begin anew.
    fn on_idle_end(&mut self, _now: crate::time::Time, _idle: Duration) {
        self.end = None;
    }
    fn info(&self) -> CongestionInfo {
        let base = if self.base == Duration::MAX { Duration::ZERO } else { self.base };
        CongestionInfo::Vegas { base_rtt: base, samples: self.samples }
    }
}
