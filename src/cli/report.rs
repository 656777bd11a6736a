//! How runs came out: one line for one, a table for several, and what failed.

use std::io::{self, Write};

use timewait::view::paint::{BOLD, DIM, GREEN, RED, paint};
use timewait::view::words;

/// How one run came out.
pub struct Outcome {
    /// The scenario's name.
    pub name: String,
    /// When the run ended.
    pub end: tcp::Time,
    /// Events handled.
    pub events: u64,
    /// Packets made.
    pub packets: u64,
    /// Hash of the trace.
    pub hash: u64,
    /// Expectations that were checked.
    pub checked: usize,
    /// What failed, each as a text of several lines.
    pub failures: Vec<String>,
    /// What is told and does not count, in the same form.
    pub notes: Vec<String>,
}

impl Outcome {
    fn verdict(&self) -> String {
        match (self.checked, self.failures.len()) {
            (0, 0) => "nothing expected".to_owned(),
            (n, 0) => format!("{n} of {n} expectations met"),
            (n, failed) => format!("{failed} of {} expectations failed", n.max(failed)),
        }
    }
}

/// The summary of one run.
pub fn one(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let style = if outcome.failures.is_empty() { GREEN } else { RED };
    let mark = if outcome.failures.is_empty() { "✓" } else { "✗" };
    writeln!(
        out,
        "{} {}{}",
        paint(style, mark),
        paint(style, outcome.verdict()),
        paint(
            DIM,
            format_args!(
                " · {} of virtual time · {} · {} · trace {:016x}",
                words::span(outcome.end.since(tcp::Time::ZERO)),
                count(outcome.events, "event"),
                count(outcome.packets, "packet"),
                outcome.hash
            )
        )
    )
}

/// The summary of several runs, a line for each, and the total.
pub fn table(outcomes: &[Outcome], out: &mut dyn Write) -> io::Result<()> {
    let width = outcomes.iter().map(|outcome| outcome.name.chars().count()).max().unwrap_or(0).max(8);
    let header = format!(
        "  {:<width$}  {:>10} {:>9} {:>9}  {:>8}  trace",
        "scenario", "time", "events", "packets", "expected"
    );
    writeln!(out, "{}", paint(DIM, header))?;
    for outcome in outcomes {
        let failed = outcome.failures.len();
        let (style, mark) = if failed == 0 { (GREEN, "✓") } else { (RED, "✗") };
        let met = format!("{}/{}", outcome.checked.saturating_sub(failed), outcome.checked);
        writeln!(
            out,
            "{} {:<width$}  {:>10} {:>9} {:>9}  {}  {}",
            paint(style, mark),
            outcome.name,
            words::span(outcome.end.since(tcp::Time::ZERO)),
            outcome.events,
            outcome.packets,
            paint(style, format_args!("{met:>8}")),
            paint(DIM, format_args!("{:016x}", outcome.hash)),
        )?;
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
    let events = outcomes.iter().map(|outcome| outcome.events).sum();
    let total = format!("{}, {}", count(outcomes.len() as u64, "scenario"), count(events, "event"));
    if failed == 0 {
        writeln!(out, "{}", paint(BOLD, format_args!("{total}: every expectation met")))
    } else {
        writeln!(out, "{}", paint(RED.bold(), format_args!("{total}: {failed} failed")))
    }
}

/// What failed in one run.
pub fn failures(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    for note in &outcome.notes {
        writeln!(out, "{}", paint(DIM, note))?;
    }
    for failure in &outcome.failures {
        writeln!(out, "\n{} {}", paint(RED.bold(), format_args!("{}:", outcome.name)), failure.trim_end())?;
    }
    Ok(())
}

/// `1 run`, `2 runs`.
pub fn count(n: u64, what: &str) -> String {
    if n == 1 { format!("{n} {what}") } else { format!("{n} {what}s") }
}
