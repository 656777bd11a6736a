//! What a soak has done and found, and what it has never seen.

use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use sim::check::transitions;
use timewait::find::fuzz::coverage::SOMETIMES;
use timewait::view::paint::{BOLD, GREEN, RED, paint};

use super::Tally;

/// Writes it, for a terminal of this width.
pub(super) fn write(tally: &Tally, elapsed: Duration, width: usize, out: &mut dyn Write) -> Result<()> {
    let Tally { runs, events, broken, compared, differ, .. } = tally;
    let first = format!("{runs} scenarios, {events} events in {elapsed:.1?}: {broken} broken");
    writeln!(out, "{}", paint(BOLD, first))?;
    if *compared > 0 {
        writeln!(out, "{compared} comparisons of runs that should be the same, {differ} scenarios differ")?;
    }
    for (law, runs) in &tally.laws {
        writeln!(out, "  {} {law} in {runs}: {} ({})", paint(RED, "✗"), law.text(), law.source())?;
    }
    coverage(tally, width, out)
}

/// What was seen of what there is; by name what was not.
fn coverage(tally: &Tally, width: usize, out: &mut dyn Write) -> Result<()> {
    let coverage = &tally.coverage;
    let [states, happened, causes, segments] = coverage.sizes();
    let (all, moves, rules) = (tcp::State::ALL.len(), transitions().count(), tcp::Rule::ALL.len());
    writeln!(
        out,
        "covered: {states} of {all} states, {happened} of {moves} transitions, {causes} of {rules} causes, {segments} kinds of segments by state"
    )?;
    let named = |names: Vec<String>, of: &str, out: &mut dyn Write| -> Result<()> {
        for line in fill(&format!("  {of} never seen: "), &names, width) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    };
    named(coverage.missing_states().iter().map(ToString::to_string).collect(), "states", out)?;
    let moves = coverage.missing_transitions();
    named(moves.iter().map(|(from, to)| format!("{from} to {to}")).collect(), "transitions", out)?;
    named(coverage.missing_causes().iter().map(ToString::to_string).collect(), "causes", out)?;
    let never = coverage.never();
    let (seen, all) = (SOMETIMES.len() - never.len(), SOMETIMES.len());
    writeln!(out, "rare situations: {} of {all} seen", paint(GREEN, seen))?;
    let never: Vec<String> = never.into_iter().map(str::to_owned).collect();
    for line in fill("  rare situations never seen: ", &never, width) {
        writeln!(out, "{}", paint(RED, line))?;
    }
    Ok(())
}

/// The names behind `begin`, with semicolons between them, in lines that fit where a name does; nothing if there are none.
fn fill(begin: &str, names: &[String], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = begin.to_owned();
    for (number, name) in names.iter().enumerate() {
        let end = if number + 1 < names.len() { ";" } else { "" };
        let room = line.chars().count() + name.chars().count() + end.len() <= width;
        if number > 0 && !room {
            lines.push(line.trim_end().to_owned());
            line = "    ".to_owned();
        }
        line += &format!("{name}{end} ");
    }
    if !names.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(tally: &Tally, width: usize) -> String {
        let mut out = Vec::new();
        write(tally, Duration::from_secs(1), width, &mut out).expect("memory takes it");
        anstream::adapter::strip_str(&String::from_utf8(out).expect("UTF-8")).to_string()
    }

    /// Whatever was run, and however little of it.
    #[test]
    fn what_was_never_seen_is_named() {
        let text = report(&Tally::default(), 100).replace("\n    ", " ");
        for wanted in [
            "0 of 11 states, 0 of 30 transitions, 0 of ",
            "  states never seen: LISTEN; SYN-SENT; ",
            "  transitions never seen: CLOSED to LISTEN; CLOSED to SYN-SENT; ",
            "  rare situations never seen: CLOSING reached; simultaneous open; ",
        ] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
        let causes = text.lines().find(|line| line.starts_with("  causes never seen: ")).expect("a line");
        assert!(tcp::Rule::ALL.iter().all(|rule| causes.contains(rule.text())), "{causes}");
        let long = |line: &&str| line.chars().count() > 100;
        let lines = report(&Tally::default(), 100);
        assert_eq!(lines.lines().filter(|line| !line.starts_with("covered")).find(long), None);
    }

    #[test]
    fn lines_are_filled() {
        let names = ["one", "two", "three", "four"].map(str::to_owned);
        assert_eq!(fill("  some: ", &names, 18), ["  some: one; two;", "    three; four"]);
        assert_eq!(fill("  some: ", &names[..1], 5), ["  some: one"]);
        assert_eq!(fill("  some: ", &[], 5), Vec::<String>::new());
    }
}
