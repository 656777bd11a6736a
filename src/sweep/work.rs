//! Runs what is missing, on several threads, and hands over each row when it is there.
//!
//! Threads only share out the numbers of runs: what a run comes to depends on nothing but its combination and its seed.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use super::Plan;
use super::plan::Run;
use super::play::{self, Played};
use super::store;
use crate::figures::Options;
use crate::scenario::Scenario;

/// Why a sweep stopped before its end.
#[derive(Debug)]
pub enum Stopped {
    /// A row could not be written. What was written before is whole but for a torn last line.
    Write(io::Error),
    /// The values of a run do not go together.
    Unfit(u64, String),
    /// Somebody wanted it to stop, with so many runs still to be made.
    Interrupted(usize),
}

/// Makes the runs of these numbers, and writes the line of each to `out`, in one write, when it ends. `done` is told of
/// each after that. Once `interrupted` is true no run is begun, and those under way are waited for.
///
/// # Errors
/// At the first row that cannot be written; runs that are under way then are lost. If it was interrupted before the last was begun.
pub fn work(
    plan: &Plan,
    numbers: &[u64],
    jobs: usize,
    interrupted: &AtomicBool,
    out: &mut dyn Write,
    done: &mut dyn FnMut(&Run, &Played),
) -> Result<(), Stopped> {
    let options = Options { warmup: plan.warmup, flows: false, ..Options::default() };
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let shared = Shared { plan, options: &options, numbers, next, stop, interrupted };
    let mut made = 0;
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        for _ in 0..jobs.clamp(1, numbers.len().max(1)) {
            let sender = sender.clone();
            scope.spawn(|| shared.work(sender));
        }
        drop(sender);
        let outcome = receiver.into_iter().try_for_each(|(run, outcome)| {
            let played = outcome.map_err(|why| Stopped::Unfit(run.number, why))?;
            let line = store::line(plan, &run, &played);
            out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(Stopped::Write)?;
            done(&run, &played);
            made += 1;
            Ok(())
        });
        shared.stop.store(true, Ordering::Relaxed);
        match numbers.len() - made {
            0 => outcome,
            left => outcome.and(Err(Stopped::Interrupted(left))),
        }
    })
}

/// What the threads share: which run comes next, and whether to stop.
struct Shared<'a> {
    plan: &'a Plan,
    options: &'a Options,
    numbers: &'a [u64],
    next: AtomicUsize,
    stop: AtomicBool,
    interrupted: &'a AtomicBool,
}

impl Shared<'_> {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.interrupted.load(Ordering::Relaxed)
    }
    /// Makes one run after the other. Runs of one combination stand together, so its scenario is read once.
    fn work(&self, sender: Sender<(Run, Result<Played, String>)>) {
        let mut last: Option<(u64, Scenario)> = None;
        while !self.is_over() {
            let next = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(run) = self.numbers.get(next).and_then(|number| self.plan.run(*number)) else { return };
            let scenario = match last.take() {
                Some((cell, scenario)) if cell == run.cell => Ok(scenario),
                _ => self.plan.scenario(run.cell).map_err(|wrong| wrong.to_string()),
            };
            let outcome = scenario.map(|scenario| {
                let played = play::play(&scenario, run.seed, &self.plan.figures, self.options);
                last = Some((run.cell, scenario));
                played
            });
            if sender.send((run, outcome)).is_err() {
                return;
            }
        }
    }
}
