//! How a quantity is spread: count, sum, extremes, and percentiles by an HDR histogram.

use hdrhistogram::Histogram;

/// Many whole numbers, of which percentiles are known to one part in a hundred.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
    zeros: u64,
    /// All but zeros, once there is one.
    histogram: Option<Box<Histogram<u64>>>,
}

/// Decimal digits that the histogram keeps.
const DIGITS: u8 = 2;

impl Spread {
    /// Adds a number.
    pub fn add(&mut self, value: u64) {
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
        self.count += 1;
        self.sum += u128::from(value);
        if value == 0 {
            self.zeros += 1;
            return;
        }
        if self.histogram.is_none() {
            self.histogram = Histogram::new(DIGITS).ok().map(Box::new);
        }
        if let Some(histogram) = &mut self.histogram {
            histogram.auto(true);
            // It grows as it must.
            let _ = histogram.record(value);
        }
    }
    /// Adds all numbers of another.
    pub fn add_all(&mut self, other: &Spread) {
        if other.count == 0 {
            return;
        }
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = self.max.max(other.max);
        self.count += other.count;
        self.sum += other.sum;
        self.zeros += other.zeros;
        match (&mut self.histogram, &other.histogram) {
            (Some(mine), Some(theirs)) => {
                mine.auto(true);
                // It grows as it must.
                let _ = mine.add(&**theirs);
            }
            (mine @ None, Some(theirs)) => *mine = Some(theirs.clone()),
            (_, None) => {}
        }
    }
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }
    /// Their sum.
    pub fn sum(&self) -> u128 {
        self.sum
    }
    /// The smallest; zero if there is none.
    pub fn min(&self) -> u64 {
        self.min
    }
    /// The largest; zero if there is none.
    pub fn max(&self) -> u64 {
        self.max
    }
    /// Their mean, rounded down; zero if there is none.
    pub fn mean(&self) -> u64 {
        (self.sum / u128::from(self.count.max(1))) as u64
    }
    /// The smallest number that so many parts per million of all do not exceed, within one part in a hundred.
    pub fn quantile(&self, ppm: u32) -> u64 {
        let rank = (u128::from(self.count) * u128::from(ppm)).div_ceil(1_000_000) as u64;
        if rank <= self.zeros {
            return 0;
        }
        let mut passed = self.zeros;
        for step in self.histogram.iter().flat_map(|histogram| histogram.iter_recorded()) {
            passed += step.count_since_last_iteration();
            if passed >= rank {
                return step.value_iterated_to().clamp(self.min, self.max);
            }
        }
        self.max
    }
}
