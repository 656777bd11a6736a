//! Long-term sampling: a token-bucket policer shows itself by two intervals with much loss and the same throughput.
//! While it is believed in, the bandwidth is what it lets through.

use super::{BW_UNIT, UNIT};
use crate::congestion::Delivery;
use crate::time::Time;

/// An interval lasts four round trips at least, and four times as many at most.
const SHORTEST_ROUNDS: u32 = 4;
/// A fifth of the packets lost, in 256ths.
const LOSS: u64 = 50;
/// Two intervals are alike if they differ by an eighth, or by 4 kbit/s.
const RATIO: u64 = UNIT / 8;
const DIFFERENCE: u64 = 4_000 / 8;
/// How long the result is used, in round trips.
const LONGEST_USE: u32 = 48;

/// The sampling of one connection.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Policer {
    sampling: bool,
    rounds: u32,
    /// In segments a microsecond, scaled.
    bw: u64,
    in_use: bool,
    began: Option<Time>,
    delivered: u64,
    lost: u64,
    /// A timeout counts as a loss of its own.
    timed_out: bool,
}

impl Policer {
    /// The bandwidth of the policer, if there is one.
    pub fn bw(&self) -> Option<u64> {
        self.in_use.then_some(self.bw)
    }
    pub fn lost(&mut self) {
        self.timed_out = true;
    }
    fn begin_interval(&mut self, d: &Delivery) {
        self.began = Some(d.sample.now);
        self.delivered = d.delivered;
        self.lost = d.lost_so_far;
        self.rounds = 0;
    }
    fn reset(&mut self, d: &Delivery) {
        *self = Policer::default();
        self.begin_interval(d);
    }
    /// On each delivery.
    pub fn sample(&mut self, d: &Delivery, round_start: bool, app_limited: bool, min_rtt_us: u64) {
        let loss = d.lost > 0 || std::mem::take(&mut self.timed_out);
        if self.in_use {
            self.rounds += u32::from(round_start);
            if self.rounds >= LONGEST_USE {
                self.reset(d);
            }
            return;
        }
        if !self.sampling {
            if !loss {
                return;
            }
            // The bucket is empty now.
            self.begin_interval(d);
            self.sampling = true;
        }
        if app_limited {
            return self.reset(d);
        }
        self.rounds += u32::from(round_start);
        if self.rounds < SHORTEST_ROUNDS {
            return;
        }
        if self.rounds > 4 * SHORTEST_ROUNDS {
            return self.reset(d);
        }
        if loss {
            self.end_interval(d, min_rtt_us);
        }
    }
    /// A loss ends the interval.
    fn end_interval(&mut self, d: &Delivery, min_rtt_us: u64) {
        let delivered = d.delivered - self.delivered;
        let lost = d.lost_so_far - self.lost;
        if delivered == 0 || lost << 8 < LOSS * delivered {
            return;
        }
        let Some(began) = self.began else { return };
        let us = d.sample.now.since(began).as_micros();
        if us < 1000 || min_rtt_us == u64::MAX {
            return;
        }
        let segments = u128::from(delivered) * u128::from(BW_UNIT) / u128::from(d.sample.mss);
        let bw = (segments / u128::from(us)) as u64;
        if self.bw > 0 {
            let difference = bw.abs_diff(self.bw);
            let bytes = u128::from(difference) * u128::from(d.sample.mss) * 1_000_000 / u128::from(BW_UNIT);
            if difference * UNIT <= RATIO * self.bw || bytes <= u128::from(DIFFERENCE) {
                self.bw = u64::midpoint(bw, self.bw);
                self.in_use = true;
                self.rounds = 0;
                return;
            }
        }
        self.bw = bw;
        self.begin_interval(d);
    }
}
