//! Reno (RFC 5681, section 3.1), counting bytes (RFC 3465).

use super::{Event, Sample, slow_start};

/// Slow start, then one segment per round trip.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reno {
    /// Octets acknowledged since congestion avoidance last added a segment.
    credit: u64,
}

impl Reno {
    /// New data was acknowledged.
    pub fn on_ack(&mut self, s: &Sample) -> u64 {
        let (cwnd, acked) = slow_start(s);
        if acked == 0 {
            return cwnd;
        }
        // RFC 5681 3.1: one segment for each window of bytes acknowledged, not more than one per acknowledgment.
        self.credit += acked;
        if self.credit < cwnd {
            return cwnd;
        }
        self.credit = (self.credit - cwnd).min(cwnd);
        cwnd + s.mss
    }
    /// Congestion was noticed: half of what was in flight, two segments at least (equation 4).
    pub fn on_congestion(&mut self, event: &Event) -> u64 {
        self.credit = 0;
        (event.flight / 2).max(2 * event.mss)
    }
    /// Nothing to take back beyond the window itself.
    pub fn on_undo(&mut self) {}
}
