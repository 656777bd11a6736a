//! The largest value of a window of time: Kathleen Nichols' filter, which keeps the best three.

/// A value and when it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Point {
    at: u64,
    value: u64,
}

/// The largest value of the last `window` units of a time that the caller counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct MaxFilter {
    best: [Point; 3],
}

impl MaxFilter {
    /// Takes a value; returns the largest of the window.
    pub fn update(&mut self, value: u64, at: u64, window: u64) -> u64 {
        let new = Point { at, value };
        let [first, _, third] = self.best;
        if value >= first.value || at.saturating_sub(third.at) > window {
            self.best = [new; 3];
            return value;
        }
        if value >= self.best[1].value {
            self.best[1] = new;
            self.best[2] = new;
        } else if value >= self.best[2].value {
            self.best[2] = new;
        }
        self.age(new, window);
        self.get()
    }
    /// Lets the oldest go, and sees to it that the three lie apart in time.
    fn age(&mut self, new: Point, window: u64) {
        let elapsed = new.at.saturating_sub(self.best[0].at);
        if elapsed > window {
            self.best = [self.best[1], self.best[2], new];
            if new.at.saturating_sub(self.best[0].at) > window {
                self.best = [self.best[1], self.best[2], new];
            }
        } else if self.best[1].at == self.best[0].at && elapsed > window / 4 {
            self.best[1] = new;
            self.best[2] = new;
        } else if self.best[2].at == self.best[1].at && elapsed > window / 2 {
            self.best[2] = new;
        }
    }
    /// The largest.
    pub fn get(&self) -> u64 {
        self.best[0].value
    }
}

#[cfg(test)]
mod tests {
    use super::MaxFilter;

    /// Never below the true maximum of the window's recent part, never above that of the whole window.
    #[test]
    fn between_the_windows_maxima() {
        let mut filter = MaxFilter::default();
        let mut state = 12345u64;
        let mut values = Vec::new();
        for at in 0..2000u64 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let value = (state >> 33) % 1000;
            values.push(value);
            let got = filter.update(value, at, 10);
            let from = values.len().saturating_sub(11);
            assert!(got <= *values[from..].iter().max().unwrap(), "{at}");
            assert!(got >= value);
            let recent = values.len().saturating_sub(3);
            assert!(got >= *values[recent..].iter().max().unwrap(), "{at}");
        }
    }

    #[test]
    fn an_old_peak_is_forgotten() {
        let mut filter = MaxFilter::default();
        filter.update(100, 0, 10);
        for at in 1..=10 {
            assert_eq!(filter.update(5, at, 10), 100);
        }
        assert_eq!(filter.update(5, 11, 10), 5);
    }
}
