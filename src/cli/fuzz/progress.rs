//! What somebody who watches sees of a soak: two lines that fit 80 columns.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use sim::check::transitions;
use timewait::view::words;

use super::{Tally, now};
use crate::cli::screen;

/// Tells how far a soak has come.
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
    /// Scenarios, if they have an end.
    count: Option<u64>,
}

impl Progress {
    pub(super) fn new(count: u64) -> Progress {
        let bar = if screen::is_watched() {
            let style = ProgressStyle::with_template("{spinner} {prefix}\n  {wide_msg}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            ProgressBar::new_spinner().with_style(style)
        } else {
            ProgressBar::hidden()
        };
        Progress { bar, began: now(), count: Some(count).filter(|count| *count < u64::MAX) }
    }
    /// Shows how things are by now.
    pub(super) fn tell(&self, tally: &Tally) {
        if !self.bar.is_hidden() {
            self.bar.set_prefix(done(tally, self.began.elapsed(), self.count));
            self.bar.set_message(covered(tally));
            self.bar.tick();
        }
    }
    /// Does something that writes, with nothing in the way.
    pub(super) fn suspend<R>(&self, write: impl FnOnce() -> R) -> R {
        self.bar.suspend(write)
    }
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Scenarios, events, violations, and the time: that to come, if it is known.
fn done(tally: &Tally, elapsed: Duration, count: Option<u64>) -> String {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let (of, time) = match count {
        Some(count) if tally.runs > 0 => {
            let left =
                u128::from(count.saturating_sub(tally.runs)) * u128::from(millis) / u128::from(tally.runs);
            let left = u64::try_from(left).unwrap_or(u64::MAX);
            (format!(" of {}", short(count)), format!("{} to go", seconds(left / 1_000)))
        }
        _ => (String::new(), seconds(millis / 1_000)),
    };
    format!(
        "{}{of} scenarios, {}/s, {time}: {} events, {} broken",
        short(tally.runs),
        short(tally.runs.saturating_mul(1_000) / millis),
        short(tally.events),
        short(tally.broken + tally.differ)
    )
}

/// What was seen of what there is.
fn covered(tally: &Tally) -> String {
    let [states, happened, causes, segments] = tally.coverage.sizes();
    let (all, moves, rules) = (tcp::State::ALL.len(), transitions().count(), tcp::Rule::ALL.len());
    format!(
        "{states}/{all} states, {happened}/{moves} transitions, {causes}/{rules} causes, {segments} segments by state"
    )
}

fn seconds(seconds: u64) -> String {
    words::span(tcp::Duration::from_nanos(seconds.saturating_mul(1_000_000_000)))
}

/// A number in five characters at most: `9999`, `12.3k`, `4.56M`.
fn short(number: u64) -> String {
    if number < 10_000 {
        return number.to_string();
    }
    let (mut unit, mut units) = (1_000, "kMGTPE".chars());
    let mut name = units.next().unwrap_or_default();
    while number / unit >= 1_000 {
        unit *= 1_000;
        name = units.next().unwrap_or_default();
    }
    let (whole, rest) = (number / unit, number % unit);
    match whole {
        0..10 => format!("{whole}.{:02}{name}", rest / (unit / 100)),
        10..100 => format!("{whole}.{}{name}", rest / (unit / 10)),
        _ => format!("{whole}{name}"),
    }
}

#[cfg(test)]
mod tests {
    use timewait::find::fuzz::{play, scenario};

    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, words) in [
            (0, "0"),
            (9_999, "9999"),
            (10_000, "10.0k"),
            (12_345, "12.3k"),
            (999_999, "999k"),
            (4_567_890, "4.56M"),
            (12_000_000_000, "12.0G"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(short(number), words);
        }
    }

    /// A terminal of 80 columns shows all of it, also of the longest soak.
    #[test]
    fn it_fits_80_columns() {
        let (runs, events) = (123_456_789, 123_456_789_012_345);
        let mut tally = Tally { runs, events, broken: 99_999, ..Tally::default() };
        tally.coverage.add(&play(&scenario(1).expect("it reads"), true).coverage);
        let night = Duration::from_secs(86_399);
        let endless = done(&tally, night, None);
        assert_eq!(endless, "123M scenarios, 1428/s, 23h 59min: 123T events, 99.9k broken");
        let counted = done(&tally, night, Some(234_567_890));
        assert_eq!(counted, "123M of 234M scenarios, 1428/s, 21h 35min to go: 123T events, 99.9k broken");
        let words = covered(&tally);
        for kind in [" states, ", " transitions, ", " causes, ", " segments by state"] {
            assert!(words.contains(kind), "{words}");
        }
        // As it would be with all that there is, behind the spinner.
        let all = format!(
            "{0}/{0} states, {1}/{1} transitions, {2}/{2} causes, 99999 segments by state",
            tcp::State::ALL.len(),
            transitions().count(),
            tcp::Rule::ALL.len()
        );
        for line in [endless, counted, all] {
            assert!(line.len() + 2 <= 80, "{line}");
        }
    }
}
