//! Means and confidence intervals. Floats: reports only, nothing here goes back into a run.
//!
//! Only sums, products, quotients and square roots are used, which every machine rounds in the same way; the one
//! function that may differ in its last bit (`atan`) ends in a quantile that is rounded to nine decimals.
#![expect(clippy::float_arithmetic, reason = "statistics of runs that are over")]

/// What is known of a quantity after several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Number of values.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with n - 1; zero of one value.
    pub deviation: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Sample {
    /// Of these values; `None` of none.
    pub fn of(values: &[f64]) -> Option<Sample> {
        if values.is_empty() {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let deviation = if values.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Sample { count: values.len(), mean, deviation, min, max })
    }

    /// Half the width of the interval in which the true mean lies with this confidence (in parts of one), by Student's
    /// t: the values are taken for independent and normal. `None` of a single value, which says nothing about that.
    pub fn interval(&self, confidence: f64) -> Option<f64> {
        let freedom = u32::try_from(self.count.checked_sub(1)?).ok().filter(|freedom| *freedom > 0)?;
        Some(student_t(confidence, freedom) * self.deviation / (self.count as f64).sqrt())
    }
}

/// The value that the absolute of Student's t with so many degrees of freedom stays below with a probability.
pub fn student_t(probability: f64, freedom: u32) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while inside(high, freedom) < probability && high < 1e9 {
        high *= 2.0;
    }
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if inside(middle, freedom) < probability { low = middle } else { high = middle }
    }
    (high * 1e9).round() / 1e9
}

/// Probability that the absolute of Student's t with so many degrees of freedom is below `t`: the finite sums of
/// Abramowitz and Stegun, 26.7.3 and 26.7.4.
fn inside(t: f64, freedom: u32) -> f64 {
    let n = f64::from(freedom);
    let (sine, cosine) = (t / (n + t * t).sqrt(), (n / (n + t * t)).sqrt());
    let (mut term, mut sum) = (1.0, 1.0);
    let odd = freedom % 2 == 1;
    if odd {
        // theta + sine * (cosine + 2/3 cosine^3 + 2*4/(3*5) cosine^5 + ...), up to the power n - 2
        if freedom == 1 {
            return (t / n.sqrt()).atan() * std::f64::consts::FRAC_2_PI;
        }
        for k in 1..=(freedom - 3) / 2 {
            let k = f64::from(k);
            term *= cosine * cosine * 2.0 * k / (2.0 * k + 1.0);
            sum += term;
        }
        ((t / n.sqrt()).atan() + sine * cosine * sum) * std::f64::consts::FRAC_2_PI
    } else {
        // sine * (1 + 1/2 cosine^2 + 1*3/(2*4) cosine^4 + ...), up to the power n - 2
        for k in 1..=(freedom - 2) / 2 {
            let k = f64::from(k);
            term *= cosine * cosine * (2.0 * k - 1.0) / (2.0 * k);
            sum += term;
        }
        sine * sum
    }
}

/// A number with so many significant digits, without an exponent where that can be read, and without needless zeros.
pub fn digits(value: f64, significant: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let written = format!("{value:.*e}", significant.saturating_sub(1));
    let exponent =
        written.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok()).unwrap_or(0);
    if !(-6..15).contains(&exponent) {
        return written;
    }
    let decimals = usize::try_from(significant as i32 - 1 - exponent).unwrap_or(0);
    // Through the rounded form, so that large numbers have no more digits than asked for.
    let rounded: f64 = written.parse().unwrap_or(value);
    let plain = format!("{rounded:.decimals$}");
    if plain.contains('.') { plain.trim_end_matches('0').trim_end_matches('.').to_owned() } else { plain }
}
