//! DCTCP, the sender's side (RFC 8257, section 3.3): the window goes down in proportion to the share of data that was
//! marked. The receiver's side, which reports marks exactly, is in [`crate::connection`].

use super::{Control, Event, Sample, Signal, Start, as_reno};
use crate::info::CongestionInfo;
use crate::resting::words::fold;
use crate::seq::Seq;

/// alpha = 1.
const ONE: u64 = 1 << 20;
/// g = 1/16, as a shift.
const G: u32 = 4;

/// The share of marked data, and what it is computed from.
#[derive(Clone, Copy, Debug, Hash)]
pub struct Dctcp {
    /// DCTCP.Alpha, with twenty binary places.
    alpha: u32,
    /// DCTCP.BytesAcked and DCTCP.BytesMarked of this window.
    acked: u64,
    marked: u64,
    /// DCTCP.WindowEnd.
    window_end: Seq,
    /// Octets acknowledged since congestion avoidance last added a segment.
    credit: u64,
}

fold!(Dctcp { alpha, acked, marked, window_end, credit });

impl Dctcp {
    /// At the start of a connection: everything is taken for marked (8257/3.3-ALPHA0).
    pub fn new(start: &Start) -> Dctcp {
        Dctcp { alpha: ONE as u32, acked: 0, marked: 0, window_end: start.una, credit: 0 }
    }
    /// DCTCP.Alpha, in parts per million.
    pub fn alpha_ppm(&self) -> u32 {
        (u64::from(self.alpha) * 1_000_000 / ONE) as u32
    }
    /// The end of an observation window (8257/3.3-ALPHA): alpha = alpha (1 - g) + g M.
    fn end_window(&mut self, nxt: Seq) {
        let alpha = u64::from(self.alpha);
        // 8257/4.2-CLAMP: rounding must not keep it from zero.
        let kept = alpha - (alpha >> G).max(u64::from(alpha > 0));
        let share = u128::from(self.marked) * u128::from(ONE) / u128::from(self.acked.max(1));
        self.alpha = (kept + ((share as u64) >> G)).min(ONE) as u32;
        (self.acked, self.marked, self.window_end) = (0, 0, nxt);
    }
}

impl Control for Dctcp {
    fn on_ack(&mut self, s: &Sample) -> u64 {
        as_reno(s, &mut self.credit)
    }
    /// 8257/3.3-BYTES: by how far the cumulative acknowledgment moves.
    fn on_delivered(&mut self, s: &Sample) -> Option<u64> {
        self.acked += s.advanced;
        if s.ece {
            self.marked += s.advanced;
        }
        if s.una > self.window_end {
            self.end_window(s.nxt);
        }
        None
    }
    fn on_congestion(&mut self, event: &Event) -> u64 {
        self.credit = 0;
        let left = match event.signal {
            // 8257/3.3-CWND
            Signal::Ecn => {
                let cut = u128::from(event.cwnd) * u128::from(self.alpha) / u128::from(2 * ONE);
                event.cwnd - cut as u64
            }
            // 8257/3.5-LOSS
            Signal::Loss | Signal::Timeout => event.flight / 2,
        };
        left.max(2 * event.mss)
    }
    fn info(&self) -> CongestionInfo {
        CongestionInfo::Dctcp { alpha_ppm: self.alpha_ppm(), marked: self.marked, acked: self.acked }
    }
}
