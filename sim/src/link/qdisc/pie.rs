//! PIE, proportional integral controller enhanced (RFC 8033), with the delay taken from the queue itself instead of
//! from a departure rate (Section 5.2), and with the derandomisation of Section 5.4.
//!
//! The probability is brought up to date every 15 ms. Nothing is seen of that between two packets, and the delay of the
//! queue at any moment in between is known, so it is done when a packet arrives, for all the moments since the last.

use tcp::{Duration, Time};

use super::{Arriving, Verdict};
use crate::rng::{MILLION, Stream};
use crate::spec;

/// Probability one.
pub(super) const ONE: u64 = 1 << 40;
/// Bytes below which nothing is dropped: two packets of mean size (Section 4.1).
const SMALL_BACKLOG: u64 = 2 * 1500;

/// Time between updates, at least.
const SHORTEST_UPDATE: Duration = Duration::from_millis(1);

/// The state of PIE. Probabilities are fractions of 2^40.
#[derive(Clone, Debug, Hash)]
pub(super) struct Pie {
    config: spec::Pie,
    pub(super) probability: u64,
    /// Sum of the probabilities since the last drop.
    accumulated: u64,
    /// Delay at the last update, and at this moment.
    pub(super) delay_old: Duration,
    burst_left: Duration,
    updated: Time,
    /// When what was queued by then is transmitted.
    pub(super) drained: Time,
    stream: Stream,
}

impl Pie {
    pub(super) fn new(seed: u64, name: &str) -> Pie {
        let config = spec::Pie::default();
        Pie {
            config,
            probability: 0,
            accumulated: 0,
            delay_old: Duration::ZERO,
            burst_left: config.burst,
            updated: Time::ZERO,
            drained: Time::ZERO,
            stream: Stream::new(seed, &format!("{name}/pie")),
        }
    }
    pub(super) fn change(&mut self, config: spec::Pie) {
        self.config = spec::Pie { update: config.update.max(SHORTEST_UPDATE), ..config };
        self.burst_left = self.burst_left.min(config.burst);
    }
    /// A packet finds `bytes` in the queue.
    pub(super) fn judge(&mut self, bytes: u64, packet: Arriving) -> Verdict {
        // An idle transmitter has been done with its queue since it became idle, not since this packet came.
        let idle = packet.idle_since <= packet.now;
        self.drained = if idle { packet.idle_since } else { packet.start };
        self.catch_up(packet.now);
        let delay = packet.start.since(packet.now);
        let half = self.config.target / 2;
        if self.probability == 0 && delay < half && self.delay_old < half {
            self.burst_left = self.config.burst;
        }
        if self.burst_left > Duration::ZERO || !self.drops(bytes) {
            return Verdict::Take;
        }
        let may_mark = self.config.ecn && packet.ect && self.probability <= of_ppm(self.config.ecn_most_ppm);
        if may_mark { Verdict::Mark } else { Verdict::Early }
    }
    /// Section 4.1, and 5.4 for even gaps.
    pub(super) fn drops(&mut self, bytes: u64) -> bool {
        let calm = self.delay_old < self.config.target / 2 && self.probability < ONE / 5;
        if calm || bytes <= SMALL_BACKLOG {
            return false;
        }
        if self.probability == 0 {
            self.accumulated = 0;
        }
        self.accumulated += self.probability;
        if self.accumulated < ONE * 85 / 100 {
            return false;
        }
        let picked = self.accumulated >= ONE * 85 / 10 || self.stream.below(ONE) < self.probability;
        if picked {
            self.accumulated = 0;
        }
        picked
    }
    /// All updates that were due by `now`.
    pub(super) fn catch_up(&mut self, now: Time) {
        let step = self.config.update;
        while now.since(self.updated) >= step {
            let at_rest = self.probability == 0 && self.delay_old == Duration::ZERO;
            if at_rest && self.drained <= self.updated {
                // Nothing changes any more but the allowance.
                let steps = now.since(self.updated).as_nanos() / step.as_nanos();
                self.updated += step * steps;
                self.burst_left = self.burst_left.saturating_sub(step * steps);
                return;
            }
            self.updated += step;
            self.update();
        }
    }
    /// Section 4.2, at `updated`.
    fn update(&mut self) {
        let delay = self.drained.since(self.updated);
        let nanos = |d: Duration| d.as_nanos().min(1 << 40) as i128;
        let (now, old, target) = (nanos(delay), nanos(self.delay_old), nanos(self.config.target));
        // alpha 1/8 Hz and beta 5/4 Hz.
        let eighths = (now - target) + 10 * (now - old);
        let mut change = eighths * i128::from(ONE) / (8 * 1_000_000_000);
        change /= self.caution();
        if self.probability >= ONE / 10 {
            change = change.min(i128::from(ONE / 50)); // Section 5.5
        }
        let raised = (i128::from(self.probability) + change).clamp(0, i128::from(ONE)) as u64;
        let at_rest = delay == Duration::ZERO && self.delay_old == Duration::ZERO;
        self.probability = if at_rest { raised * 98 / 100 } else { raised };
        self.delay_old = delay;
        self.burst_left = self.burst_left.saturating_sub(self.config.update);
    }
    /// What a change is divided by while the probability is small.
    fn caution(&self) -> i128 {
        const SCALE: [(u32, i128); 6] =
            [(1, 2048), (10, 512), (100, 128), (1_000, 32), (10_000, 8), (100_000, 2)];
        SCALE.iter().find(|(ppm, _)| self.probability < of_ppm(*ppm)).map_or(1, |(_, by)| *by)
    }
}

fn of_ppm(ppm: u32) -> u64 {
    u64::from(ppm) * ONE / u64::from(MILLION)
}
