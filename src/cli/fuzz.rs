//! `timewait fuzz`: random scenarios on all cores, and what they broke.

use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use sim::check::Law;
use timewait::Names;
use timewait::find::fuzz::coverage::SOMETIMES;
use timewait::find::fuzz::{self, Coverage, Played, swarm};
use timewait::find::metamorphic::{Change, Difference, compare};
use timewait::find::verdict;
use timewait::scenario::Scenario;
use timewait::scenario::units::Span;
use timewait::view::paint::{BOLD, DIM, GREEN, RED, paint};

use super::finding::Fuzz;
use super::{Color, screen};

/// Runs after which a situation that never came is worth a word.
const ENOUGH: u64 = 5_000;
/// Scenarios where nothing says when to stop and nobody watches.
const FEW: u64 = 1_000;

/// One scenario that was run.
struct Done {
    seed: u64,
    outcome: Result<(Scenario, Played), String>,
    /// With `--metamorphic`: comparisons made, and what differed.
    compared: u64,
    differences: Vec<Difference>,
}

/// What the threads share: which seed comes next, and whether to stop.
struct Shared {
    next: AtomicU64,
    end: u64,
    stop: AtomicBool,
    deadline: Option<Instant>,
}

impl Shared {
    /// Whether nobody wants to know more, or the time is over.
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| now() >= deadline)
    }
}

/// What was seen so far.
#[derive(Default)]
struct Tally {
    runs: u64,
    events: u64,
    broken: u64,
    compared: u64,
    differ: u64,
    coverage: Coverage,
    laws: std::collections::BTreeMap<Law, u64>,
}

/// Returns whether nothing was found.
pub fn run(args: &Fuzz, _color: Color, out: &mut dyn Write) -> Result<bool> {
    if let Some(seed) = args.show {
        out.write_all(swarm::swarm(seed).as_bytes())?;
        return Ok(true);
    }
    let started = now();
    let first = args.seed_from.unwrap_or_else(fresh_seed);
    let limit = args.time.map(how_long);
    let endless = limit.is_some() || args.until_violation || screen::is_watched();
    let count = args.count.unwrap_or(if endless { u64::MAX } else { FEW });
    if let Some(dir) = &args.keep {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    writeln!(out, "{}", paint(DIM, format_args!("seeds from {first}")))?;
    out.flush()?;
    let jobs = jobs(args.jobs);
    let shared = Shared {
        next: AtomicU64::new(first),
        end: first.saturating_add(count),
        stop: AtomicBool::new(false),
        deadline: limit.map(|limit| started + limit),
    };
    let tally = std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        for _ in 0..jobs {
            let sender = sender.clone();
            scope.spawn(|| work(&shared, args.metamorphic, sender));
        }
        drop(sender);
        let tally = collect(&receiver, &shared, args, count, out);
        shared.stop.store(true, Ordering::Relaxed);
        tally
    })?;
    report(&tally, started.elapsed(), out)?;
    Ok(tally.broken == 0 && tally.differ == 0)
}

/// Runs one scenario after the other.
fn work(shared: &Shared, metamorphic: bool, sender: Sender<Done>) {
    while !shared.is_over() {
        let seed = shared.next.fetch_add(1, Ordering::Relaxed);
        if seed >= shared.end {
            return;
        }
        let outcome = match fuzz::scenario(seed) {
            Err(wrong) => Err(wrong),
            Ok(scenario) => match fuzz::play_while(&scenario, true, &|| !shared.is_over()) {
                Some(played) => Ok((scenario, played)),
                None => return,
            },
        };
        let mut done = Done { seed, outcome, compared: 0, differences: Vec::new() };
        if let Ok((scenario, _)) = done.outcome.as_ref()
            && metamorphic
        {
            for result in Change::ALL.into_iter().filter_map(|change| compare(scenario.spec(), change)) {
                done.compared += 1;
                done.differences.extend(result.err());
            }
        }
        if sender.send(done).is_err() {
            return;
        }
    }
}

/// Counts what the threads have done, and tells of violations as they come.
fn collect(
    receiver: &Receiver<Done>,
    shared: &Shared,
    args: &Fuzz,
    count: u64,
    out: &mut dyn Write,
) -> Result<Tally> {
    let progress = progress(count);
    let mut tally = Tally::default();
    for Done { seed, outcome, compared, differences } in receiver {
        let (scenario, played) = outcome.map_err(|error| anyhow!(error))?;
        tally.compared += compared;
        if !differences.is_empty() {
            tally.differ += 1;
            progress.suspend(|| differ(seed, &differences, out))?;
            if args.until_violation {
                shared.stop.store(true, Ordering::Relaxed);
            }
        }
        tally.runs += 1;
        tally.events += played.events;
        tally.coverage.add(&played.coverage);
        if played.unexcused().is_some() {
            tally.broken += 1;
            let laws: std::collections::BTreeSet<_> =
                verdict::unexcused(&played.violations).map(|violation| violation.law).collect();
            for law in laws {
                *tally.laws.entry(law).or_default() += 1;
            }
            progress.suspend(|| found(seed, &scenario, &played, args, out))?;
            if args.until_violation {
                shared.stop.store(true, Ordering::Relaxed);
            }
        }
        let [states, transitions, causes, segments] = tally.coverage.sizes();
        progress.set_position(tally.runs);
        progress.set_message(format!(
            "{} events, {} broken; {states} states, {transitions} transitions, {causes} causes, {segments} segments by state",
            tally.events, tally.broken
        ));
    }
    progress.finish_and_clear();
    Ok(tally)
}

fn progress(count: u64) -> ProgressBar {
    if !screen::is_watched() {
        return ProgressBar::hidden();
    }
    let (bar, template) = if count == u64::MAX {
        (ProgressBar::new_spinner(), "{spinner} {pos} scenarios, {per_sec}, {elapsed}: {wide_msg}")
    } else {
        (ProgressBar::new(count), "{bar:30.cyan} {pos}/{len} {per_sec}, {eta}: {wide_msg}")
    };
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Tells of a scenario that broke something, and keeps it.
fn found(seed: u64, scenario: &Scenario, played: &Played, args: &Fuzz, out: &mut dyn Write) -> Result<()> {
    let names = Names::of(scenario.spec());
    let Some(first) = played.unexcused() else { return Ok(()) };
    let again = format!("timewait fuzz --show {seed} > {seed}.ron && timewait shrink {seed}.ron");
    writeln!(
        out,
        "{} {}",
        paint(RED.bold(), format_args!("seed {seed}:")),
        verdict::in_words(first, &names, &again)
    )?;
    if played.violations.len() > 1 {
        writeln!(out, "{}", paint(DIM, format_args!("  and {} more", played.violations.len() - 1)))?;
    }
    out.flush()?;
    if let Some(dir) = &args.keep {
        let path = dir.join(format!("{seed}.ron"));
        std::fs::write(&path, &scenario.text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Tells of runs that should have been the same.
fn differ(seed: u64, differences: &[Difference], out: &mut dyn Write) -> Result<()> {
    for Difference { change, host, line, plain, changed } in differences {
        let said = |line: &Option<String>| line.clone().unwrap_or_else(|| "nothing more".to_owned());
        writeln!(
            out,
            "{} {host} does otherwise ({}), at its line {line}\n  as it is: {}\n  changed:  {}\n  again: timewait fuzz --metamorphic --seed-from {seed} --count 1",
            paint(RED.bold(), format_args!("seed {seed}:")),
            change.name(),
            said(plain),
            said(changed),
        )?;
    }
    Ok(out.flush()?)
}

fn report(tally: &Tally, elapsed: Duration, out: &mut dyn Write) -> Result<()> {
    let [states, transitions, causes, segments] = tally.coverage.sizes();
    writeln!(
        out,
        "{}",
        paint(
            BOLD,
            format_args!(
                "{} scenarios, {} events in {:.1?}: {} broken",
                tally.runs, tally.events, elapsed, tally.broken
            )
        )
    )?;
    if tally.compared > 0 {
        writeln!(
            out,
            "{} comparisons of runs that should be the same, {} scenarios differ",
            tally.compared, tally.differ
        )?;
    }
    for (law, runs) in &tally.laws {
        writeln!(out, "  {} {law} in {runs}: {} ({})", paint(RED, "✗"), law.text(), law.source())?;
    }
    writeln!(
        out,
        "covered: {states} of 11 states, {transitions} transitions, {causes} of {} causes, {segments} kinds of segments by state",
        tcp::Rule::ALL.len()
    )?;
    let never = tally.coverage.never();
    let seen = SOMETIMES.len() - never.len();
    writeln!(out, "rare situations: {} of {} seen", paint(GREEN, seen), SOMETIMES.len())?;
    if !never.is_empty() && tally.runs >= ENOUGH {
        writeln!(out, "  never seen: {}", paint(RED, never.join(", ")))?;
    }
    Ok(())
}

/// Runs at a time: as asked for, or one a core.
pub(super) fn jobs(asked: Option<NonZeroUsize>) -> usize {
    asked.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}
/// A time as --time has it.
pub(super) fn how_long(span: Span) -> Duration {
    Duration::from_nanos(span.0)
}
#[expect(clippy::disallowed_methods, reason = "how long to go on, not what happens in a run")]
pub(super) fn now() -> Instant {
    Instant::now()
}
#[expect(clippy::disallowed_methods, reason = "which scenarios to try; the seed is printed")]
fn fresh_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_micros() as u64
}
