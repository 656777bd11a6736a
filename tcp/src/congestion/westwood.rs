//! Westwood+ (Grieco and Mascolo, 2004), as Linux has it: a loss does not halve the window but sets it to what the path
//! has been seen to carry, the rate of acknowledgments times the smallest round-trip time.

use super::{Control, Event, Sample, Signal, as_reno};
use crate::info::CongestionInfo;
use crate::time::{Duration, Time};

/// No sample is shorter.
const SHORTEST: Duration = Duration::from_millis(50);

/// The rate of acknowledgments.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub struct Westwood {
    /// BWE, filtered once and twice, in bytes a second; zero: none yet.
    once: u64,
    rate: u64,
    /// Octets delivered since the sample began, and when that was.
    delivered: u64,
    since: Time,
    /// The smallest round-trip time since the last timeout.
    min_rtt: Option<Duration>,
    credit: u64,
}

/// A low-pass filter: seven parts of the past, one of the present.
fn filter(past: u64, present: u64) -> u64 {
    ((u128::from(past) * 7 + u128::from(present)) / 8) as u64
}

impl Westwood {
    fn end_sample(&mut self, now: Time, elapsed: Duration) {
        let rate = u128::from(self.delivered) * 1_000_000_000 / u128::from(elapsed.as_nanos().max(1));
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        if self.rate == 0 && self.once == 0 {
            (self.once, self.rate) = (rate, rate);
        } else {
            self.once = filter(self.once, rate);
            self.rate = filter(self.rate, self.once);
        }
        self.delivered = 0;
        self.since = now;
    }
}

impl Control for Westwood {
    fn on_ack(&mut self, s: &Sample) -> u64 {
        as_reno(s, &mut self.credit)
    }
    fn on_delivered(&mut self, s: &Sample) -> Option<u64> {
        if let Some(rtt) = s.rtt {
            self.min_rtt = Some(self.min_rtt.map_or(rtt, |min| min.min(rtt)));
        }
        self.delivered += s.acked;
        if self.since == Time::ZERO {
            // The first acknowledgment only starts the clock.
            (self.since, self.delivered) = (s.now, 0);
            return None;
        }
        let elapsed = s.now.since(self.since);
        if s.srtt > Duration::ZERO && elapsed > s.srtt.max(SHORTEST) {
            self.end_sample(s.now, elapsed);
        }
        None
    }
    fn on_congestion(&mut self, event: &Event) -> u64 {
        self.credit = 0;
        let rtt = self.min_rtt.unwrap_or(event.min_rtt);
        if event.signal == Signal::Timeout {
            // The path may have changed: its round-trip time is measured anew.
            self.min_rtt = None;
        }
        if self.rate == 0 {
            return (event.flight / 2).max(2 * event.mss);
        }
        let carried = u128::from(self.rate) * u128::from(rtt.as_nanos()) / 1_000_000_000;
        u64::try_from(carried).unwrap_or(u64::MAX).clamp(2 * event.mss, event.cwnd.max(2 * event.mss))
    }
    fn info(&self) -> CongestionInfo {
        CongestionInfo::Westwood { rate: self.rate }
    }
}
