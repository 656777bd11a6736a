//! What is seen of a soak while it goes on: by somebody who watches two lines that fit 80 columns, in a log a line a minute.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use sim::check::transitions;
use timewait::view::words;

use super::{Tally, now};
use crate::cli::{Color, screen};

/// Tells how far a soak has come.
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
    /// Scenarios, if they have an end.
    count: Option<u64>,
    /// When the log had its last line, where there is one.
    logged: Option<Instant>,
    color: Color,
}

/// From one line in a log to the next.
const EVERY: Duration = Duration::from_secs(60);

impl Progress {
    pub(super) fn new(count: u64, color: Color) -> Progress {
        let began = now();
        let count = Some(count).filter(|count| *count < u64::MAX);
        if !screen::is_watched() {
            return Progress { bar: ProgressBar::hidden(), began, count, logged: Some(began), color };
        }
        let style = ProgressStyle::with_template("{spinner} {prefix}\n  {wide_msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner().with_style(style);
        Progress { bar, began, count, logged: None, color }
    }
    /// Shows how things are by now.
    pub(super) fn tell(&mut self, tally: &Tally, now: Instant) {
        if let Some(line) = self.line(tally, now) {
            screen::note(self.color, line);
        }
        if self.logged.is_none() {
            self.bar.set_prefix(done(tally, now - self.began, self.count));
            self.bar.set_message(covered(tally));
            self.bar.tick();
        }
    }
    /// A line for the log, if it is time for one.
    fn line(&mut self, tally: &Tally, now: Instant) -> Option<String> {
        if now - self.logged? < EVERY {
            return None;
        }
        self.logged = Some(now);
        Some(format!("{}; {}", done(tally, now - self.began, self.count), covered(tally)))
    }
    /// Shows what is being done that takes a while.
    pub(super) fn busy(&self, words: &str) {
        self.bar.set_message(words.to_owned());
        self.bar.tick();
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

    #[test]
    fn a_log_has_a_line_a_minute() {
        let began = now();
        let after = |secs| began + Duration::from_secs(secs);
        let (bar, color) = (ProgressBar::hidden(), Color::Never);
        let mut progress = Progress { bar, began, count: None, logged: Some(began), color };
        let tally = Tally { runs: 120, ..Tally::default() };
        let mut lines = |secs: &[u64]| -> Vec<String> {
            secs.iter().filter_map(|secs| progress.line(&tally, after(*secs))).collect()
        };
        assert_eq!(lines(&[0, 1, 30, 59]), Vec::<String>::new());
        assert_eq!(
            lines(&[60, 61, 119]),
            [format!("120 scenarios, 2/s, 1min: 0 events, 0 broken; {}", covered(&Tally::default()))]
        );
        assert_eq!(lines(&[120, 500, 559, 560]).len(), 3);
        progress.logged = None;
        assert_eq!(progress.line(&tally, after(1_000)), None, "somebody watches");
    }
}
