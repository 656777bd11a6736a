//! Random early detection (Floyd and Jacobson, 1993), with the gentle variant (Floyd, 2000).
//!
//! The average length of the queue, in packets, decides with what probability the next packet is dropped or marked, so
//! the decision does not depend on a packet's size (RFC 7567, Section 4.4). Numbers are fractions of 2^32.

use tcp::Duration;

use super::{Arriving, Verdict};
use crate::rng::{MILLION, Stream};
use crate::spec::{self, Way};

/// One.
const ONE: u64 = 1 << 32;
/// Bytes of the packets of which an idle link is taken to have sent as many as it could.
const SMALL_PACKET: u64 = 500;

/// The state of RED.
#[derive(Clone, Debug, Hash)]
pub(super) struct Red {
    config: spec::Red,
    /// Transmission time of a small packet.
    slot: Duration,
    /// Average number of packets that wait.
    pub(super) average: u64,
    /// Packets let through since the last drop or mark.
    count: u64,
    stream: Stream,
}

impl Red {
    pub(super) fn new(seed: u64, name: &str) -> Red {
        let stream = Stream::new(seed, &format!("{name}/red"));
        Red { config: spec::Red::default(), slot: Duration::ZERO, average: 0, count: 0, stream }
    }
    pub(super) fn change(&mut self, config: spec::Red, way: &Way) {
        let rate = match way.sustained_bps() {
            0 => u64::MAX,
            rate => rate,
        };
        self.config = config;
        self.slot = Duration::from_nanos((SMALL_PACKET * 8 * 1_000_000_000) / rate);
    }
    /// A packet finds `waiting` packets in the queue.
    pub(super) fn judge(&mut self, waiting: usize, packet: Arriving) -> Verdict {
        self.follow(waiting, packet);
        let spec::Red { min, max, gentle, ecn, .. } = self.config;
        let (min, max) = (u64::from(min) * ONE, u64::from(max) * ONE);
        let top = if gentle { max.saturating_mul(2) } else { max };
        if self.average < min {
            self.count = 0;
            return Verdict::Take;
        }
        if self.average >= top {
            // Marks no longer help (RFC 7567, Section 4.2.1).
            self.count = 0;
            return Verdict::Early;
        }
        if !self.picks(self.probability(min, max)) {
            self.count += 1;
            return Verdict::Take;
        }
        self.count = 0;
        if ecn && packet.ect { Verdict::Mark } else { Verdict::Early }
    }
    /// The average moves towards the present length; over an idle time as if small packets had found nothing waiting.
    pub(super) fn follow(&mut self, waiting: usize, packet: Arriving) {
        let weight = u64::from(self.config.weight_ppm) * ONE / u64::from(MILLION);
        if packet.start <= packet.now && self.slot > Duration::ZERO {
            let slots = packet.now.since(packet.idle_since).as_nanos() / self.slot.as_nanos();
            self.average = scaled(self.average, power(ONE - weight, slots));
        }
        let length = (waiting as u64).min(1 << 24) * ONE;
        self.average = scaled(self.average, ONE - weight) + scaled(length, weight);
    }
    /// The probability for the average as it is.
    fn probability(&self, min: u64, max: u64) -> u64 {
        let most = u64::from(self.config.probability_ppm) * ONE / u64::from(MILLION);
        if self.average < max {
            fraction(most, self.average - min, max - min)
        } else {
            most + fraction(ONE - most, self.average - max, max)
        }
    }
    /// Whether this packet is picked: the gaps are spread evenly, not geometrically.
    fn picks(&mut self, probability: u64) -> bool {
        let left = ONE.saturating_sub(self.count.saturating_mul(probability));
        left <= probability || self.stream.below(left) < probability
    }
}

/// `a * b`, of which `b` is a fraction.
fn scaled(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 32) as u64
}

/// `a * part / whole`.
fn fraction(a: u64, part: u64, whole: u64) -> u64 {
    (u128::from(a) * u128::from(part) / u128::from(whole.max(1))) as u64
}

/// A fraction to a power.
fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = ONE;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = scaled(result, base);
        }
        base = scaled(base, base);
        exponent >>= 1;
    }
    result
}
