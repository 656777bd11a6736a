//! Figures as people read them: `goodput_bps` becomes "goodput" in Mbit/s.

/// How a quantity is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// What stands at its axis: `goodput (Mbit/s)`.
    pub label: String,
    /// The unit alone: `Mbit/s`; empty where there is none.
    pub symbol: &'static str,
    /// What its values are divided by.
    pub divisor: f64,
}

/// Units by the ending of a figure's name, the smallest first.
const UNITS: &[(&str, &[(f64, &str)])] = &[
    ("_bps", &[(1.0, "bit/s"), (1e3, "kbit/s"), (1e6, "Mbit/s"), (1e9, "Gbit/s")]),
    ("_ns", &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")]),
    ("_bytes", &[(1.0, "bytes"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")]),
    ("_ppm", &[(1e4, "%")]),
    ("_milli", &[(1e3, "")]),
];

/// How a figure of this name is shown, whose values go up to `most`.
pub fn of(figure: &str, most: f64) -> Unit {
    let (name, statistic) = split(figure);
    if let Some(counted) = figure.strip_suffix("_count") {
        let stem = UNITS.iter().find_map(|(unit, _)| counted.strip_suffix(unit)).unwrap_or(counted);
        return Unit { label: format!("{} (number)", words(stem)), symbol: "", divisor: 1.0 };
    }
    for (ending, scales) in UNITS {
        let Some(stem) = name.strip_suffix(ending) else { continue };
        let fits = scales.iter().rev().find(|(scale, _)| most >= *scale).or(scales.first());
        let (divisor, unit) = fits.copied().unwrap_or((1.0, ""));
        let behind = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
        return Unit { label: format!("{statistic}{}{behind}", words(stem)), symbol: unit, divisor };
    }
    Unit { label: format!("{statistic}{}", words(name)), symbol: "", divisor: 1.0 }
}

/// Time, up to so many nanoseconds, under a name.
pub fn time(name: &str, most: f64) -> Unit {
    of(&format!("{}_ns", name.replace(' ', "_")), most)
}

/// `fct_ns_p99` is the 99th percentile of `fct_ns`.
fn split(figure: &str) -> (&str, String) {
    for (ending, words) in [
        ("_min", "least "),
        ("_mean", "mean "),
        ("_max", "greatest "),
        ("_p50", "median "),
        ("_p90", "90th percentile of "),
        ("_p95", "95th percentile of "),
        ("_p99", "99th percentile of "),
        ("_p999", "99.9th percentile of "),
    ] {
        if let Some(name) =
            figure.strip_suffix(ending).filter(|name| UNITS.iter().any(|(unit, _)| name.ends_with(unit)))
        {
            return (name, words.to_owned());
        }
    }
    (figure, String::new())
}

fn words(name: &str) -> String {
    let (outer, name) = name.rsplit_once('.').map_or(("", name), |(outer, name)| (outer, name));
    let name = match name {
        "fct" => "completion time".to_owned(),
        "rtt" => "round-trip time".to_owned(),
        "fairness" => "fairness (Jain)".to_owned(),
        "retransmitted" => "segments sent again".to_owned(),
        other => other.replace('_', " "),
    };
    if outer.is_empty() { name } else { format!("{name} of {outer}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words_and_units_fit() {
        let said = |figure, most| {
            let unit = of(figure, most);
            (unit.label, unit.divisor)
        };
        assert_eq!(said("goodput_bps", 9.4e8), ("goodput (Mbit/s)".to_owned(), 1e6));
        assert_eq!(said("fct_ns_p99", 2e9), ("99th percentile of completion time (s)".to_owned(), 1e9));
        assert_eq!(said("fct_ns_count", 5.0), ("completion time (number)".to_owned(), 1.0));
        assert_eq!(said("fairness_ppm", 1e6), ("fairness (Jain) (%)".to_owned(), 1e4));
        assert_eq!(said("a-b.a.wait_ns_mean", 4e5), ("mean wait of a-b.a (µs)".to_owned(), 1e3));
        assert_eq!(said("TcpRetransSegs", 4e5), ("TcpRetransSegs".to_owned(), 1.0));
        assert_eq!(said("retransmitted", 0.0), ("segments sent again".to_owned(), 1.0));
    }
}
