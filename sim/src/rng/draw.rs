//! Quantities by distribution: sizes of flows, times between them. Whole numbers only: logarithms and powers of two are
//! computed bit by bit in fixed point, the same on every machine.

use std::sync::Arc;

use super::normal;

/// A quantity that is drawn anew each time: bytes, or nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Draw {
    /// Always this.
    Fixed(u64),
    /// Evenly between these, both included.
    Uniform(u64, u64),
    /// Exponential with this mean.
    Exponential(u64),
    /// Pareto.
    Pareto {
        /// The smallest value.
        least: u64,
        /// How quickly large values become rare, in millionths; up to one there is no mean.
        shape_micros: u64,
        /// What is larger becomes this.
        most: u64,
    },
    /// Log-normal.
    Lognormal {
        /// Half of all values are below.
        median: u64,
        /// Standard deviation of the natural logarithm, in millionths.
        sigma_micros: u64,
        /// What is larger becomes this.
        most: u64,
    },
    /// As measured: values, each with how many parts per million are not above it; evenly spread between.
    Table(Arc<[(u64, u32)]>),
}

/// ln 2, in parts of 2^32.
const LN_2: u128 = 2_977_044_472;
const MILLION: u64 = 1_000_000;

impl Draw {
    /// The value that belongs to 64 random bits.
    pub fn value(&self, bits: u64) -> u64 {
        match self {
            Draw::Fixed(value) => *value,
            Draw::Uniform(low, high) => low.saturating_add(scale(bits, high.saturating_sub(*low))),
            Draw::Exponential(mean) => {
                let nats = (u128::from(rarity(bits)) * LN_2) >> 32;
                clamp((u128::from(*mean) * nats) >> 32)
            }
            Draw::Pareto { least, shape_micros, most } => {
                let power =
                    u128::from(rarity(bits)) * u128::from(MILLION) / u128::from((*shape_micros).max(1));
                times_power_of_two(*least, i64::try_from(power).unwrap_or(i64::MAX)).min(*most)
            }
            Draw::Lognormal { median, sigma_micros, most } => {
                // In parts of 2^20.
                let deviations = i128::from(normal((bits >> 32) as u32, 1 << 20));
                let nats = deviations * i128::from(*sigma_micros) / i128::from(MILLION);
                let power = (nats << (32 + 12)) / LN_2 as i128;
                times_power_of_two(*median, clamp_signed(power)).min(*most)
            }
            Draw::Table(points) => {
                let ppm = scale(bits, MILLION - 1) as u32;
                let at = points.partition_point(|(_, upto)| *upto <= ppm).min(points.len().saturating_sub(1));
                let (value, upto) = points.get(at).copied().unwrap_or_default();
                let (below, from) = if at == 0 { (value, 0) } else { points[at - 1] };
                let span = u128::from(value.saturating_sub(below));
                let part = u128::from(ppm.saturating_sub(from));
                below + clamp(span * part / u128::from((upto - from.min(upto)).max(1)))
            }
        }
    }
    /// Whether nothing but zero is drawn.
    pub fn is_zero(&self) -> bool {
        matches!(self, Draw::Fixed(0) | Draw::Uniform(_, 0) | Draw::Exponential(0))
    }
}

/// Evenly from zero to `most`.
fn scale(bits: u64, most: u64) -> u64 {
    ((u128::from(bits) * (u128::from(most) + 1)) >> 64) as u64
}

/// How rare so small a number is: minus the binary logarithm of `bits / 2^64`, in parts of 2^32.
fn rarity(bits: u64) -> u64 {
    (64 << 32) - log2(bits | 1)
}

/// The binary logarithm of a number that is not zero, in parts of 2^32.
fn log2(n: u64) -> u64 {
    let whole = u64::from(n.ilog2());
    // Between one and two, in parts of 2^63. Its square is twice the logarithm: a whole two more is the next bit.
    let mut m = n << (63 - whole);
    let mut log = whole;
    for _ in 0..32 {
        let square = (u128::from(m) * u128::from(m)) >> 63;
        log <<= 1;
        if square >> 64 > 0 {
            log |= 1;
            m = (square >> 1) as u64;
        } else {
            m = square as u64;
        }
    }
    log
}

/// Roots of two: the square root, that of it, and so on, in parts of 2^62.
const ROOTS: [u64; 32] = {
    let mut roots = [0; 32];
    let mut last = 2u128 << 62;
    let mut i = 0;
    while i < 32 {
        last = (last << 62).isqrt();
        roots[i] = last as u64;
        i += 1;
    }
    roots
};

/// `n * 2^(power / 2^32)`, no more than fits.
fn times_power_of_two(n: u64, power: i64) -> u64 {
    let (whole, fraction) = (power >> 32, power as u32);
    let mut factor = 1u128 << 62;
    for (i, root) in ROOTS.iter().enumerate() {
        if fraction >> (31 - i) & 1 == 1 {
            factor = (factor * u128::from(*root)) >> 62;
        }
    }
    // Up to 2^64 times 2^63.
    let product = u128::from(n) * factor;
    match whole {
        ..0 => clamp(product.checked_shr(62 + whole.unsigned_abs().min(64) as u32).unwrap_or(0)),
        0..=62 => clamp(product >> (62 - whole)),
        _ if n == 0 => 0,
        _ => u64::MAX,
    }
}

fn clamp(n: u128) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
fn clamp_signed(n: i128) -> i64 {
    n.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// A few numbers out of one, for what is drawn too often or too seldom for a stream of its own: SplitMix64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Few(pub u64);

impl Few {
    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of what evenly spread bits draw.
    fn mean(draw: &Draw) -> u64 {
        const N: u64 = 1 << 20;
        let sum: u128 = (0..N).map(|i| u128::from(draw.value((i << 44) + (1 << 43)))).sum();
        (sum / u128::from(N)) as u64
    }
    fn near(found: u64, right: u64, per_mille: u64) -> bool {
        found.abs_diff(right) <= right * per_mille / 1000
    }

    #[test]
    fn logarithms_and_powers() {
        assert_eq!(log2(1), 0);
        assert_eq!(log2(1 << 40), 40 << 32);
        // log2(10) = 3.321928094887362...
        assert!(log2(10).abs_diff(14_267_572_527) < 4, "{}", log2(10));
        assert_eq!(times_power_of_two(1000, 3 << 32), 8000);
        assert_eq!(times_power_of_two(8000, -(3 << 32)), 1000);
        // 2^0.5
        assert!(times_power_of_two(1_000_000_000_000, 1 << 31).abs_diff(1_414_213_562_373) < 1000);
        assert_eq!(times_power_of_two(1, i64::MAX), u64::MAX);
        assert_eq!(times_power_of_two(0, i64::MAX), 0);
        assert_eq!(times_power_of_two(u64::MAX, i64::MIN), 0);
    }

    #[test]
    fn means_are_those_of_the_textbook() {
        assert!(near(mean(&Draw::Exponential(1_000_000)), 1_000_000, 2));
        assert!(near(mean(&Draw::Uniform(1000, 3000)), 2000, 1));
        // shape / (shape - 1) times the least.
        let pareto = Draw::Pareto { least: 10_000, shape_micros: 2_500_000, most: u64::MAX };
        assert!(near(mean(&pareto), 16_667, 5), "{}", mean(&pareto));
        // e^(sigma^2 / 2) times the median; the table ends at 3.5 deviations.
        let lognormal = Draw::Lognormal { median: 1_000_000, sigma_micros: 500_000, most: u64::MAX };
        assert!(near(mean(&lognormal), 1_133_148, 10), "{}", mean(&lognormal));
    }

    #[test]
    fn a_table_is_met_at_its_points() {
        let draw = Draw::Table(Arc::from([(0, 0), (10_000, 500_000), (50_000, 1_000_000)]));
        let at = |part: u64| draw.value((u64::MAX / 1000) * part);
        assert!(near(at(250), 5_000, 1) && near(at(500), 10_000, 1) && near(at(750), 30_000, 1));
        assert!(at(1000) <= 50_000);
        assert!(near(mean(&draw), 17_500, 1), "{}", mean(&draw));
        // One point: always that.
        assert_eq!(Draw::Table(Arc::from([(7, 1_000_000)])).value(12345), 7);
        assert_eq!(Draw::Table(Arc::from([])).value(12345), 0);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let most = u64::MAX;
        let all = [
            Draw::Fixed(most),
            Draw::Uniform(0, most),
            Draw::Uniform(most, most),
            Draw::Exponential(most),
            Draw::Pareto { least: most, shape_micros: 1, most },
            Draw::Pareto { least: 0, shape_micros: 0, most },
            Draw::Lognormal { median: most, sigma_micros: most, most },
            Draw::Table(Arc::from([(most, 0), (0, 0), (most, 1_000_000)])),
        ];
        for draw in all {
            for bits in [0, 1, u64::MAX / 2, u64::MAX] {
                let _ = draw.value(bits);
            }
        }
    }
}
