//! `timewait fuzz`: random scenarios on all cores, and what they broke.

mod finds;
mod progress;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use sim::check::Law;
use timewait::find::differential::{self, Compared};
use timewait::find::fuzz::{self, Coverage, Played, swarm};
use timewait::find::metamorphic::Change;
use timewait::find::relation::{self, Parting, Relation};
use timewait::find::verdict;
use timewait::scenario::Scenario;
use timewait::scenario::units::Span;
use timewait::view::paint::{DIM, paint};

use super::finding::Fuzz;
use super::{Color, interrupt, screen};
use finds::Finds;
use progress::Progress;

/// Scenarios where nothing says when to stop and nobody watches.
const FEW: u64 = 1_000;
/// Scenarios that wait to be counted, while one is made small.
const WAITING: usize = 256;
/// How long the one who tells waits for something to tell before he looks at the clock.
const PATIENCE: Duration = Duration::from_secs(1);

/// One scenario that was run.
struct Done {
    seed: u64,
    outcome: Result<(Scenario, Played), String>,
    /// With `--metamorphic` or `--differential`: comparisons made, and what differed.
    compared: u64,
    differences: Vec<Parting>,
}

/// What the threads share: which seed comes next, and whether to stop.
struct Shared {
    first: u64,
    /// Seeds handed out so far, and how many there are.
    taken: AtomicU64,
    count: u64,
    stop: AtomicBool,
    /// Somebody has pressed Ctrl-C.
    interrupted: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl Shared {
    /// The next seed. Behind the largest comes 0: what is counted is how many were handed out.
    fn next(&self) -> Option<u64> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        (taken < self.count).then(|| self.first.wrapping_add(taken))
    }
    /// Whether nobody wants to know more, or the time is over.
    fn is_over(&self) -> bool {
        let asked = self.stop.load(Ordering::Relaxed) || self.interrupted.load(Ordering::Relaxed);
        asked || self.deadline.is_some_and(|deadline| now() >= deadline)
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
    laws: BTreeMap<Law, u64>,
}

/// Returns whether nothing was found.
pub fn run(args: &Fuzz, color: Color, out: &mut dyn Write) -> Result<bool> {
    if let Some(seed) = args.show {
        let text = if args.differential { differential::text(seed) } else { swarm::swarm(seed) };
        out.write_all(text.as_bytes())?;
        return Ok(true);
    }
    screen::tell_panics_once();
    let started = now();
    let first = args.seed_from.unwrap_or_else(fresh_seed);
    let limit = args.time.map(how_long);
    let endless = limit.is_some() || args.until_violation || screen::is_watched();
    let count = args.count.unwrap_or(if endless { u64::MAX } else { FEW });
    if let Some(dir) = &args.keep {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    let jobs = jobs(args.jobs);
    let shared = Shared {
        first,
        taken: AtomicU64::new(0),
        count,
        stop: AtomicBool::new(false),
        interrupted: interrupt::heard(color, "ending what runs; Ctrl-C once more ends without a report"),
        deadline: limit.map(|limit| started + limit),
    };
    writeln!(out, "{}", paint(DIM, format_args!("seeds from {first}")))?;
    out.flush()?;
    let kind = match (args.differential, args.metamorphic) {
        (true, _) => Sort::Differential,
        (false, true) => Sort::Metamorphic,
        (false, false) => Sort::Plain,
    };
    let tally = std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(WAITING);
        for _ in 0..jobs {
            let sender = sender.clone();
            scope.spawn(|| work(&shared, kind, sender));
        }
        drop(sender);
        let tally = collect(&receiver, &shared, args, Progress::new(count, color), out);
        shared.stop.store(true, Ordering::Relaxed);
        tally
    })?;
    report::write(&tally, started.elapsed(), screen::width(), out)?;
    Ok(tally.broken == 0 && tally.differ == 0)
}

/// What is done with a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// A run.
    Plain,
    /// A run, and those beside it in which nobody may notice a change.
    Metamorphic,
    /// Runs of all pairs of personalities.
    Differential,
}

/// Runs one scenario after the other.
fn work(shared: &Shared, sort: Sort, sender: SyncSender<Done>) {
    while !shared.is_over() {
        let Some(seed) = shared.next() else { return };
        let goes_on = || !shared.is_over();
        let done = match sort {
            Sort::Differential => all_pairs(seed, &goes_on),
            Sort::Plain | Sort::Metamorphic => one(seed, sort == Sort::Metamorphic, &goes_on),
        };
        let Some(done) = done else { return };
        if sender.send(done).is_err() {
            return;
        }
    }
}

/// One random scenario. `None`: it was told to stop.
fn one(seed: u64, metamorphic: bool, goes_on: &dyn Fn() -> bool) -> Option<Done> {
    let mut done = Done { seed, outcome: Err(String::new()), compared: 0, differences: Vec::new() };
    let scenario = match fuzz::scenario(seed) {
        Err(wrong) => return Some(Done { outcome: Err(wrong), ..done }),
        Ok(scenario) => scenario,
    };
    let played = fuzz::play_while(&scenario, true, goes_on)?;
    // What panics by itself does so beside others.
    let panics = played.violations.iter().any(|violation| violation.law == Law::NoPanic);
    for change in Change::ALL.into_iter().filter(|_| metamorphic && !panics) {
        // What was found so far is told.
        if !goes_on() {
            break;
        }
        let Some(result) = relation::beside(change, &scenario) else { continue };
        done.compared += 1;
        done.differences.extend(result.err());
    }
    Some(Done { outcome: Ok((scenario, played)), ..done })
}

/// One scenario for all pairs of personalities. `None`: it was told to stop.
fn all_pairs(seed: u64, goes_on: &dyn Fn() -> bool) -> Option<Done> {
    let scenario = match differential::scenario(seed) {
        Err(wrong) => {
            return Some(Done { seed, outcome: Err(wrong), compared: 0, differences: Vec::new() });
        }
        Ok(scenario) => scenario,
    };
    let Compared { compared, events, coverage, found } = differential::compare(&scenario, goes_on)?;
    let relation = Relation::Personalities;
    let parting = |words| Parting { relation, time: None, kind: String::new(), words };
    let differences = found.into_iter().map(parting).collect();
    let played = Played { events, coverage, ..Played::default() };
    Some(Done { seed, outcome: Ok((scenario, played)), compared, differences })
}

/// Counts what the threads have done, and tells of violations as they come.
fn collect(
    receiver: &Receiver<Done>,
    shared: &Shared,
    args: &Fuzz,
    mut progress: Progress,
    out: &mut dyn Write,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut finds = Finds::new(args, &shared.interrupted);
    loop {
        progress.tell(&tally, now());
        let Done { seed, outcome, compared, differences } = match receiver.recv_timeout(PATIENCE) {
            Ok(done) => done,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let (scenario, played) = outcome.map_err(|error| anyhow!(error))?;
        tally.take(&played, compared, !differences.is_empty());
        if args.until_violation && (played.unexcused().is_some() || !differences.is_empty()) {
            shared.stop.store(true, Ordering::Relaxed);
        }
        if !differences.is_empty() {
            finds.differs(seed, &scenario, &differences, &progress, out)?;
        }
        if let Some(first) = played.unexcused() {
            finds.breaks(seed, &scenario, first, played.violations.len(), &progress, out)?;
        }
    }
    progress.finish();
    Ok(tally)
}

impl Tally {
    fn take(&mut self, played: &Played, compared: u64, differs: bool) {
        self.runs += 1;
        self.events += played.events;
        self.compared += compared;
        self.differ += u64::from(differs);
        self.coverage.add(&played.coverage);
        let laws: BTreeSet<Law> =
            verdict::unexcused(&played.violations).map(|violation| violation.law).collect();
        self.broken += u64::from(!laws.is_empty());
        for law in laws {
            *self.laws.entry(law).or_default() += 1;
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// It ended the whole soak, without a word about the seed.
    #[test]
    fn what_panics_by_itself_is_told_and_compared_with_nothing() {
        // One that lasts long enough to be asked on its way.
        let is_long =
            |seed: &u64| fuzz::play(&fuzz::scenario(*seed).expect("it reads"), true).events >= 1_024;
        let seed = (1..100).find(is_long).expect("one is long");
        let done = one(seed, true, &|| panic!("planted")).expect("it is told");
        let Ok((_, played)) = done.outcome else { panic!("it reads") };
        assert_eq!(played.violations[0].law, Law::NoPanic);
        assert_eq!((done.compared, done.differences.len()), (0, 0));
    }
}
