//! Counts of what was delivered, and of how the network reorders, as Linux shows them (`tcpi_delivered`,
//! `tcpi_reordering`). Readings: nothing here decides anything.

use crate::recovery::Acked;
use crate::resting::words::fold;

/// Largest degree of reordering (Linux `tcp_max_reordering`).
const MOST: u32 = 300;

/// Deliveries so far.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Deliveries {
    /// Segments delivered, without the SYN.
    pub delivered: u32,
    /// Of these, with ECE or reported as CE.
    pub delivered_ce: u32,
    /// Segments by which the network reorders, if more than is assumed anyway.
    pub degree: u32,
    /// How often reordering was seen.
    pub seen: u32,
}

fold!(Deliveries { delivered, delivered_ce, degree, seen });

impl Deliveries {
    /// An acknowledgment has brought this.
    pub fn count(&mut self, acked: &Acked, mss: u64, dupthresh: u8) {
        self.delivered = self.delivered.wrapping_add(acked.packets);
        if acked.marked {
            self.delivered_ce = self.delivered_ce.wrapping_add(acked.packets);
        }
        if acked.reordered > 0 {
            self.seen += 1;
            if acked.reordered > u64::from(self.degree.max(u32::from(dupthresh))) * mss {
                self.degree = u32::try_from(acked.reordered.div_ceil(mss)).unwrap_or(MOST).min(MOST);
            }
        }
    }
}
