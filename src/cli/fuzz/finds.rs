//! What is told of a scenario that broke something, and what is kept of it: itself, and made small.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use sim::check::Violation;
use timewait::Names;
use timewait::find::relation::{Parting, Relation};
use timewait::find::shrink::{Shrunk, shrink};
use timewait::find::verdict;
use timewait::scenario::Scenario;
use timewait::view::paint::{DIM, RED, paint};

use super::progress::Progress;
use super::{how_long, now};
use crate::cli::finding::Fuzz;

/// Runs that making one small may take; the time ends it before, as a rule, where runs are long.
const RUNS: u64 = 1_000;
/// How long nobody looks whether the time is over.
const PATIENCE: Duration = Duration::from_millis(100);

/// What was found so far.
pub(super) struct Finds<'a> {
    args: &'a Fuzz,
    interrupted: &'a AtomicBool,
    /// What was made small already: laws with their hosts, relations.
    known: BTreeSet<String>,
}

/// What is broken of a scenario.
struct Find<'a> {
    seed: u64,
    scenario: &'a Scenario,
    /// What it has in common with others of its kind.
    kind: String,
    relation: Option<Relation>,
}

impl Find<'_> {
    /// The command that makes it small, `file` being where the scenario is, if it is anywhere.
    fn shrinking(&self, file: Option<&Path>) -> String {
        let relation =
            self.relation.map_or(String::new(), |relation| format!(" --relation {}", relation.name()));
        if let Some(file) = file {
            return format!("timewait shrink {}{relation}", file.display());
        }
        let of_pairs = self.relation == Some(Relation::Personalities);
        let (show, seed) = (if of_pairs { "--differential " } else { "" }, self.seed);
        format!("timewait fuzz {show}--show {seed} > {seed}.ron && timewait shrink {seed}.ron{relation}")
    }
}

impl<'a> Finds<'a> {
    pub(super) fn new(args: &'a Fuzz, interrupted: &'a AtomicBool) -> Finds<'a> {
        Finds { args, interrupted, known: BTreeSet::new() }
    }

    /// A scenario breaks a law, and `all` in all.
    pub(super) fn breaks(
        &mut self,
        seed: u64,
        scenario: &Scenario,
        first: &Violation,
        all: usize,
        progress: &Progress,
        out: &mut dyn Write,
    ) -> Result<()> {
        let names = Names::of(scenario.spec());
        let again = self.again(seed);
        progress.suspend(|| -> Result<()> {
            let words = verdict::in_words(first, &names, &again);
            writeln!(out, "{} {words}", paint(RED.bold(), format_args!("seed {seed}:")))?;
            if all > 1 {
                writeln!(out, "{}", paint(DIM, format_args!("  and {} more", all - 1)))?;
            }
            Ok(())
        })?;
        let kind = format!("{} {}", first.law, names.node(first.node));
        self.keep(&Find { seed, scenario, kind, relation: None }, progress, out)
    }

    /// Runs of a scenario that should be the same are not.
    pub(super) fn differs(
        &mut self,
        seed: u64,
        scenario: &Scenario,
        differences: &[Parting],
        progress: &Progress,
        out: &mut dyn Write,
    ) -> Result<()> {
        let Some(first) = differences.first() else { return Ok(()) };
        let again = self.again(seed);
        progress.suspend(|| -> Result<()> {
            for Parting { words, .. } in differences {
                writeln!(out, "{} {words}", paint(RED.bold(), format_args!("seed {seed}:")))?;
                writeln!(out, "  again: {again}")?;
            }
            Ok(())
        })?;
        let (kind, relation) = (first.relation.name().to_owned(), Some(first.relation));
        self.keep(&Find { seed, scenario, kind, relation }, progress, out)
    }

    /// The command that repeats what was found of a seed.
    fn again(&self, seed: u64) -> String {
        let sort = match (self.args.differential, self.args.metamorphic) {
            (true, _) => "--differential ",
            (false, true) => "--metamorphic ",
            (false, false) => "",
        };
        format!("timewait fuzz {sort}--seed-from {seed} --count 1")
    }

    /// Writes the scenario down, if there is a folder for it, and one made small beside it, if it is the first of its kind; where
    /// it is all that was looked for it is shown.
    fn keep(&mut self, find: &Find<'_>, progress: &Progress, out: &mut dyn Write) -> Result<()> {
        let seed = find.seed;
        let file = |end: &str| self.args.keep.as_ref().map(|dir| dir.join(format!("{seed}.{end}")));
        let (whole, small) = (file("ron"), file("small.ron"));
        if let Some(path) = &whole {
            write(path, &find.scenario.text)?;
            progress.suspend(|| writeln!(out, "  kept: {}", path.display()))?;
        }
        out.flush()?;
        let made = if self.is_to_be_small(find) {
            progress.busy(&format!("making what seed {seed} shows small"));
            made_small(find, how_long(self.args.shrink), self.interrupted)
        } else {
            None
        };
        progress.suspend(|| self.show(find, made.as_ref(), [whole, small], out))?;
        Ok(out.flush()?)
    }

    /// Tells what came of making it small, and where that is.
    fn show(
        &self,
        find: &Find<'_>,
        made: Option<&Shrunk>,
        [whole, small]: [Option<PathBuf>; 2],
        out: &mut dyn Write,
    ) -> Result<()> {
        let Some(made) = made else {
            return Ok(writeln!(out, "  smaller: {}", find.shrinking(whole.as_deref()))?);
        };
        let lines = made.scenario.text.lines().filter(|line| !line.starts_with("//")).count();
        match small {
            Some(path) => {
                write(&path, &made.text(&made.shows.again(&path.display().to_string())))?;
                writeln!(out, "  small: {}, {lines} lines", path.display())?;
            }
            None => write!(out, "  small, {lines} lines:\n{}", made.scenario.text)?,
        }
        Ok(())
    }

    /// Whether it is made small: somebody wants to see it, and it is the first of its kind.
    fn is_to_be_small(&mut self, find: &Find<'_>) -> bool {
        let Fuzz { shrink, keep, until_violation, .. } = self.args;
        let wanted = keep.is_some() || (*until_violation && self.known.is_empty());
        let goes_on = shrink.0 > 0 && !self.interrupted.load(Ordering::Relaxed);
        wanted && goes_on && self.known.insert(find.kind.clone())
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The scenario made small, if that takes no longer than `time` and nobody interrupts it. It is done in a thread of its own:
/// how long one run takes nobody knows, and then nobody waits for it.
fn made_small(find: &Find<'_>, time: Duration, interrupted: &AtomicBool) -> Option<Shrunk> {
    let (sender, receiver) = channel();
    let (scenario, relation) = (find.scenario.clone(), find.relation);
    let in_vain = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&in_vain);
    std::thread::spawn(move || {
        let mut told = |_, _| {
            if ends.load(Ordering::Relaxed) {
                // Ends this thread without a word.
                resume_unwind(Box::new(()));
            }
        };
        // Nobody may be there any more.
        let _ = sender.send(shrink(&scenario, relation, RUNS, &mut told));
    });
    let until = now() + time;
    loop {
        match receiver.recv_timeout(PATIENCE.min(until.saturating_duration_since(now()))) {
            Ok(shrunk) => return shrunk.ok()?,
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if now() < until && !interrupted.load(Ordering::Relaxed) => {}
            Err(RecvTimeoutError::Timeout) => {
                in_vain.store(true, Ordering::Relaxed);
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use timewait::find::fuzz::play;

    use super::*;
    use crate::cli::{Cli, Color, Command, finding::Finding};

    /// The arguments of a command line.
    fn args(line: &[&str]) -> Fuzz {
        let cli = Cli::try_parse_from(["timewait", "fuzz"].iter().chain(line)).expect("it parses");
        match cli.command {
            Command::Finding(Finding::Fuzz(args)) => args,
            _ => panic!("it is fuzz"),
        }
    }

    /// A scenario that breaks a law, with more in it than that needs.
    fn broken() -> Scenario {
        let text = r#"Scenario(
            about: "a client that never gives up", until: "700s",
            hosts: { "client": (tcp: (syn_retries: 20)), "server": (), "idle": () },
            links: [(between: ("client", "server"), delay: "10ms"), (between: ("idle", "server"), delay: "1ms")],
            rules: [(from: "client", flags: "S", do: Drop)],
            programs: [
                (on: "server", run: Server(port: 80, steps: [WaitEnd])),
                (on: "client", run: IdleHolder(to: "server:80")),
            ],
        )"#;
        Scenario::parse("broken.ron", text).unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    /// What is told of the seeds 7 and 8, both of which stand for the same scenario here.
    fn told(line: &[&str], interrupted: bool) -> String {
        let (args, scenario, mut out) = (args(line), broken(), Vec::new());
        let interrupted = AtomicBool::new(interrupted);
        let mut finds = Finds::new(&args, &interrupted);
        let progress = Progress::new(u64::MAX, Color::Never);
        let played = play(&scenario, true);
        let first = played.unexcused().expect("it breaks a law");
        for seed in [7, 8] {
            finds.breaks(seed, &scenario, first, 1, &progress, &mut out).expect("it is told");
        }
        anstream::adapter::strip_str(&String::from_utf8(out).expect("UTF-8")).to_string()
    }

    fn folder(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("timewait-finds-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a folder for temporary files");
        dir
    }

    #[test]
    fn what_is_kept_is_made_small_once_for_each_law() {
        let dir = folder("kept");
        let at = |name: &str| dir.join(name).display().to_string();
        let text = told(&["--keep", &dir.display().to_string(), "--shrink", "10min"], false);
        for wanted in [
            "  again: timewait fuzz --seed-from 7 --count 1\n".to_owned(),
            format!("  kept: {}\n  small: {}, ", at("7.ron"), at("7.small.ron")),
            format!("  kept: {0}\n  smaller: timewait shrink {0}\n", at("8.ron")),
        ] {
            assert!(text.contains(&wanted), "{wanted}\n{text}");
        }
        assert_eq!(fs::read_to_string(at("8.ron")).expect("it is there"), broken().text);
        let small = timewait::scenario::load(at("7.small.ron")).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert!(play(&small, true).unexcused().is_some() && small.typed.hosts.len() < 3, "{}", small.text);
        assert!(small.text.contains(&format!("timewait run {}\n", at("7.small.ron"))), "{}", small.text);
        assert!(!dir.join("8.small.ron").exists());
        fs::remove_dir_all(dir).expect("it was ours");
    }

    #[test]
    fn what_was_looked_for_is_shown_small() {
        let text = told(&["--until-violation", "--shrink", "10min"], false);
        assert!(text.contains("  small, ") && text.contains("\nScenario("), "{text}");
        assert_eq!(text.matches("\nScenario(").count(), 1, "{text}");
        assert!(
            text.contains("  smaller: timewait fuzz --show 8 > 8.ron && timewait shrink 8.ron\n"),
            "{text}"
        );
    }

    /// Without a wish to see it, without time, or behind Ctrl-C.
    #[test]
    fn it_is_not_made_small_for_nobody_or_for_ever() {
        for (line, interrupted) in [
            (&["--count", "9"][..], false),
            (&["--until-violation", "--shrink", "0s"], false),
            (&["--until-violation", "--shrink", "1ns"], false),
            (&["--until-violation"], true),
        ] {
            let text = told(line, interrupted);
            assert!(!text.contains("Scenario("), "{text}");
            assert_eq!(text.matches("  smaller: timewait fuzz --show ").count(), 2, "{text}");
        }
    }
}
