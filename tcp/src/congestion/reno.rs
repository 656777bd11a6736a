//! Reno (RFC 5681, section 3.1), counting bytes (RFC 3465), with the milder answer to ECE where that is on (ABE, RFC
//! 8511).

use super::{Control, Event, Sample, Signal, as_reno};
use crate::resting::words::fold;

/// Slow start, then one segment per round trip.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub struct Reno {
    /// Octets acknowledged since congestion avoidance last added a segment.
    credit: u64,
}

fold!(Reno { credit });

impl Control for Reno {
    #[inline]
    fn on_ack(&mut self, s: &Sample) -> u64 {
        as_reno(s, &mut self.credit)
    }
    /// Half of what was in flight, two segments at least (equation 4).
    fn on_congestion(&mut self, event: &Event) -> u64 {
        self.credit = 0;
        let left = match event.signal {
            // 8511/3-BETA, 8511/3-SS
            Signal::Ecn if event.abe && event.cwnd >= event.ssthresh => event.flight * 4 / 5,
            _ => event.flight / 2,
        };
        left.max(2 * event.mss)
    }
}
