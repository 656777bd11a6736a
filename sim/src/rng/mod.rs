//! Randomness by name: one stream of numbers for each entity and purpose, such as `link:a-b/loss` or `host:a/isn`.
//!
//! A stream is ChaCha with eight rounds: its key is the seed, its stream number the hash of its name. So another
//! entity, or one draw more on one stream, moves nobody else's numbers. Integers only.

mod draw;
mod tables;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::hash;

pub use draw::{Draw, Few};

/// One million: what probabilities are out of.
pub const MILLION: u32 = 1_000_000;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

/// By its place: its numbers follow from seed and name, which stay.
impl std::hash::Hash for Stream {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0.get_stream(), self.0.get_word_pos()).hash(state);
    }
}

impl Stream {
    /// The stream of this name under this seed.
    pub fn new(seed: u64, name: &str) -> Stream {
        let mut key = *b"________timewait random streams.";
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(hash::of_name(name));
        Stream(rng)
    }
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }
    /// 32 random bits.
    pub fn bits32(&mut self) -> u32 {
        self.0.next_u32()
    }
    /// A number below `n`, each equally likely; zero if `n` is zero.
    pub fn below(&mut self, n: u64) -> u64 {
        // Lemire, "Fast random integer generation in an interval" (2019): the high word of a product, where products
        // whose low word falls into the uneven rest are drawn again.
        if n == 0 {
            return 0;
        }
        loop {
            let product = u128::from(self.bits()) * u128::from(n);
            let low = product as u64;
            if low >= n || low >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
        }
    }
    /// True with a probability of `ppm` parts per million.
    pub fn chance(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.below(u64::from(MILLION)) < u64::from(ppm)
    }
}

/// Numbers of which each follows the one before it to some degree, as netem's correlated ones do: with correlation `c`
/// each is `(1 - c)` parts new and `c` parts the last. (As in netem, blending narrows the distribution.)
#[derive(Clone, Copy, Debug, Default, Hash)]
pub struct Correlated {
    last: u32,
}

impl Correlated {
    /// The next 32 bits, with a correlation of `ppm` parts per million.
    pub fn next(&mut self, stream: &mut Stream, ppm: u32) -> u32 {
        let new = stream.bits32();
        if ppm > 0 {
            let (ppm, all) = (u64::from(ppm.min(MILLION)), u64::from(MILLION));
            self.last = ((u64::from(new) * (all - ppm) + u64::from(self.last) * ppm) / all) as u32;
            self.last
        } else {
            new
        }
    }
}

/// A number evenly within `scale` on both sides of zero, from 32 random bits.
pub fn uniform(bits: u32, scale: u64) -> i64 {
    let span = 2 * i128::from(scale) + 1;
    clamp(((i128::from(bits) * span) >> 32) - i128::from(scale))
}
/// A normally distributed number with mean 0 and standard deviation `scale`, from 32 random bits; within 3.5 of them.
pub fn normal(bits: u32, scale: u64) -> i64 {
    look_up(&tables::NORMAL, bits, scale)
}
/// A Pareto-distributed number with mean 0 and standard deviation about `scale`, from 32 random bits: from 0.58 below
/// zero to 17 above.
pub fn pareto(bits: u32, scale: u64) -> i64 {
    look_up(&tables::PARETO, bits, scale)
}

/// The inverse distribution function at `bits / 2^32`, straight between the entries of its table.
fn look_up(table: &[i32; 513], bits: u32, scale: u64) -> i64 {
    let (index, between) = ((bits >> 23) as usize, i64::from(bits & 0x7f_ffff));
    let (low, high) = (i64::from(table[index]), i64::from(table[index + 1]));
    let value = (low << 23) + (high - low) * between;
    clamp((i128::from(value) * i128::from(scale)) >> (23 + 13))
}

fn clamp(n: i128) -> i64 {
    n.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_seed_and_name_only() {
        let mut a = Stream::new(1, "link:a-b/loss");
        let mut other = Stream::new(1, "link:a-c/loss");
        other.bits();
        let mut again = Stream::new(1, "link:a-b/loss");
        let first: Vec<u64> = (0..100).map(|_| a.bits()).collect();
        assert_eq!(first, (0..100).map(|_| again.bits()).collect::<Vec<_>>());
        assert_ne!(first[0], Stream::new(2, "link:a-b/loss").bits());
        assert_ne!(first[0], Stream::new(1, "link:a-c/loss").bits());
    }

    #[test]
    fn streams_are_what_they_always_were() {
        // Changing these changes every random run.
        let mut stream = Stream::new(1, "link:a-b>/loss");
        assert_eq!([stream.bits(), stream.bits()], [13285823995112772501, 11548050454648234622]);
    }

    #[test]
    fn numbers_below_n_are_even() {
        let mut stream = Stream::new(7, "test");
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[stream.below(6) as usize] += 1;
        }
        // Standard deviation 91.
        assert!(counts.iter().all(|c| (9_600..10_400).contains(c)), "{counts:?}");
        assert_eq!(stream.below(0), 0);
        assert_eq!(stream.below(1), 0);
    }

    #[test]
    fn chances_come_as_often_as_they_say() {
        let mut stream = Stream::new(7, "chance");
        let hits = (0..100_000).filter(|_| stream.chance(10_000)).count();
        assert!((850..1_150).contains(&hits), "{hits}");
        assert!(!(0..1_000).any(|_| stream.chance(0)));
        assert!((0..1_000).all(|_| stream.chance(MILLION)));
    }

    /// Mean and standard deviation of `f` over all of its range.
    fn moments(f: fn(u32, u64) -> i64) -> (i64, i64) {
        const SCALE: u64 = 1_000_000;
        let n = 1i128 << 16;
        let values = (0..1u32 << 16).map(|i| i128::from(f((i << 16) + 0x8000, SCALE)));
        let (sum, squares) = values.fold((0i128, 0i128), |(s, q), v| (s + v, q + v * v));
        let mean = sum / n;
        ((mean) as i64, ((squares / n - mean * mean) as u64).isqrt() as i64)
    }

    #[test]
    fn the_tables_have_mean_zero_and_deviation_one() {
        let (mean, deviation) = moments(normal);
        assert!(mean.abs() < 2_000 && (980_000..1_010_000).contains(&deviation), "{mean} {deviation}");
        // The Pareto table is cut at its far end, where a seventh of the variance is.
        let (mean, deviation) = moments(pareto);
        assert!(mean.abs() < 20_000 && (850_000..1_050_000).contains(&deviation), "{mean} {deviation}");
        let (mean, deviation) = moments(uniform);
        assert!(mean.abs() < 50 && (577_000..578_000).contains(&deviation), "{mean} {deviation}");
        assert_eq!((uniform(0, 5), uniform(u32::MAX, 5)), (-5, 5));
    }

    #[test]
    fn the_largest_scale_does_not_overflow() {
        for bits in [0, 1, u32::MAX / 2, u32::MAX] {
            let _ = (uniform(bits, u64::MAX), normal(bits, u64::MAX), pareto(bits, u64::MAX));
        }
    }

    #[test]
    fn correlated_numbers_follow_each_other() {
        let mut stream = Stream::new(1, "c");
        let mut correlated = Correlated::default();
        let mut steps = |ppm| {
            let mut last = correlated.next(&mut stream, ppm);
            (0..1_000)
                .map(|_| {
                    let next = correlated.next(&mut stream, ppm);
                    let step = u64::from(next.abs_diff(last));
                    last = next;
                    step
                })
                .sum::<u64>()
        };
        assert!(steps(900_000) * 4 < steps(0));
    }
}
