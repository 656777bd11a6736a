//! HyStart as Linux has it for CUBIC: slow start ends at once when a train of closely spaced acknowledgments lasts
//! longer than half of the smallest delay, or when the delays of a round have risen.

use super::Sample;
use crate::config::Config;
use crate::resting::words::fold;
use crate::seq::Seq;

/// Linux `HYSTART_MIN_SAMPLES`, and the bounds of the delay threshold, in microseconds.
const MIN_SAMPLES: u8 = 8;
const DELAY_MIN_US: u64 = 4_000;
const DELAY_MAX_US: u64 = 16_000;
/// Acknowledgments this close together belong to one train (`hystart_ack_delta_us`).
const TRAIN_GAP_US: u64 = 2_000;
/// No judgment below this window, in segments (`hystart_low_window`).
const LOW_WINDOW: u64 = 16;
/// What Linux takes for the largest aggregate of a sender, in bytes, four of them being allowed for.
const AGGREGATES: u64 = 4 * 65_215;

/// What is looked at (`hystart_detect`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Detect {
    train: bool,
    delay: bool,
}

fold!(Detect { train, delay });

impl Detect {
    pub fn new(cfg: &Config) -> Detect {
        Detect { train: cfg.hystart_detect & 1 != 0, delay: cfg.hystart_detect & 2 != 0 }
    }
}

/// The state of one round.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct HyStartTicks {
    round_start_us: u64,
    last_ack_us: u64,
    end: Seq,
    /// Smallest delay of the round, in microseconds.
    delay_us: u64,
    samples: u8,
    /// Slow start has been ended.
    found: bool,
}

fold!(HyStartTicks { round_start_us, last_ack_us, end, delay_us, samples, found });

impl HyStartTicks {
    pub fn new(now_us: u64, nxt: Seq) -> HyStartTicks {
        HyStartTicks {
            round_start_us: now_us,
            last_ack_us: now_us,
            end: nxt,
            delay_us: u64::MAX,
            samples: 0,
            found: false,
        }
    }
    /// A delay in slow start; `min_us` is the smallest of the connection. Whether slow start is to end.
    pub fn on_delay(&mut self, s: &Sample, delay_us: u64, min_us: u64, detect: Detect) -> bool {
        if self.found {
            return false;
        }
        let now_us = s.now.as_nanos() / 1000;
        if s.una > self.end {
            *self = HyStartTicks::new(now_us, s.nxt);
        }
        if s.cwnd < LOW_WINDOW * s.mss {
            return false;
        }
        if detect.train && now_us.saturating_sub(self.last_ack_us) <= TRAIN_GAP_US {
            self.last_ack_us = now_us;
            // Pacing may have spread the segments over half a round trip.
            let threshold = min_us + aggregation_us(s.pacing_rate);
            let threshold = if s.paced { threshold } else { threshold / 2 };
            self.found |= now_us - self.round_start_us > threshold;
        }
        if detect.delay {
            self.delay_us = self.delay_us.min(delay_us);
            if self.samples < MIN_SAMPLES {
                self.samples += 1;
            } else {
                self.found |= self.delay_us > min_us + (min_us / 8).clamp(DELAY_MIN_US, DELAY_MAX_US);
            }
        }
        self.found
    }
}

/// The delay that aggregation in hosts may add, at most a millisecond.
fn aggregation_us(rate: u64) -> u64 {
    (AGGREGATES * 1_000_000).checked_div(rate).unwrap_or(0).min(1_000)
}
