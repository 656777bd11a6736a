//! Every way to treat up to so many packets of a scenario badly.
//!
//! The scenario is frozen first, so that nothing but the faults tried differs. Each packet that is handed to a link is a
//! decision: the world before it is cloned, once for each thing that may happen to the packet, and each clone goes on by
//! itself. The branches of the first decision are shared out to threads; what comes of them is put together in their order,
//! so the answer does not depend on how many there are.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use sim::check::{Law, Violation};
use sim::link::Forced;
use sim::{PipeId, Simulator, TraceLevel};
use tcp::Duration;

use super::freeze::{freeze, frozen};
use super::fuzz::MOST_EVENTS;
use super::verdict::{self, Place};
use crate::scenario::{Scenario, file};

/// What is tried.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Packets that something happens to in one run, at most.
    pub faults: u32,
    /// What may happen to one.
    pub kinds: Vec<Kind>,
    /// Runs at a time.
    pub jobs: usize,
    /// Runs, at most: then exploring ends, unfinished.
    pub most: u64,
}

/// What may happen to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It is lost.
    Drop,
    /// It comes twice.
    Duplicate,
    /// It comes a round trip of its link later, overtaken by what is behind it.
    Delay,
    /// A bit of it is flipped.
    Corrupt,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Drop, Kind::Duplicate, Kind::Delay, Kind::Corrupt];
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Runs, the one without a fault included.
    pub runs: u64,
    /// Different traces among them.
    pub distinct: u64,
    /// Events of the longest.
    pub longest: u64,
    /// Whether all was tried.
    pub complete: bool,
    /// For each law and host the first run that broke it, frozen, with what it broke; and how many did.
    pub broken: Vec<Broken>,
}

/// A law that some runs broke.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Law and host.
    pub place: Place,
    /// The first violation of the first run.
    pub violation: Violation,
    /// That run, with its fates written down.
    pub typed: file::Scenario,
    /// Faults in it.
    pub faults: u32,
    /// Runs that broke it.
    pub runs: u64,
}

/// A world at a decision, and how much may still happen to it.
struct Branch {
    world: Simulator,
    left: u32,
    /// Decisions of the next event that come before this one are made.
    from: (u32, u64),
}

/// What came of a branch, and the hashes of its traces.
type Result = (Explored, BTreeSet<u64>);

/// What threads share.
struct Shared<'a> {
    typed: &'a file::Scenario,
    plan: &'a Plan,
    /// What the run without a fault breaks as well.
    known: BTreeSet<Place>,
    runs: AtomicU64,
    delays: Vec<Duration>,
}

/// Explores `scenario`; `told` hears of the number of runs now and then, and of first branches done and in all.
///
/// # Errors
/// If the scenario cannot be frozen.
pub fn explore(
    scenario: &Scenario,
    plan: &Plan,
    told: &(dyn Fn(u64, usize, usize) + Sync),
) -> std::result::Result<Explored, String> {
    let (calm, _) = freeze(scenario).map_err(|problems| format!("{problems:?}"))?;
    let spec = calm.spec();
    let root = || Simulator::new(spec, TraceLevel::Off).with_checks(spec).keeping_fates(spec);
    let mut first = Explored::default();
    let shared = Shared {
        typed: &calm.typed,
        plan,
        known: BTreeSet::new(),
        runs: AtomicU64::new(0),
        delays: spec.links.values().flat_map(|link| &link.ways).map(|way| way.delay).collect(),
    };
    let mut hashes = BTreeSet::new();
    let trunk = Branch { world: root(), left: plan.faults, from: (0, 0) };
    let branches = shared.follow(trunk, &mut first, &mut hashes);
    let known = first.broken.iter().map(|broken| broken.place.clone()).collect();
    first.broken.clear();
    let shared = Shared { known, ..shared };

    let total = branches.len();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let branches: Vec<Mutex<Option<Branch>>> = branches.into_iter().map(|b| Mutex::new(Some(b))).collect();
    let results: Vec<Mutex<Option<Result>>> = (0..total).map(|_| Mutex::default()).collect();
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let branch = branches.get(i).and_then(|slot| slot.lock().ok()?.take());
                    let Some(branch) = branch else { return };
                    let result = shared.explore_all(branch);
                    if let Ok(mut slot) = results[i].lock() {
                        *slot = Some(result);
                    }
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    told(shared.runs.load(Ordering::Relaxed), done, total);
                }
            });
        }
    });
    let complete = shared.runs.load(Ordering::Relaxed) < plan.most;
    for result in results {
        let Some((explored, seen)) = result.into_inner().ok().flatten() else { continue };
        first.add(explored);
        hashes.extend(seen);
    }
    first.broken.sort_by(|a, b| a.place.cmp(&b.place));
    Ok(Explored { distinct: hashes.len() as u64, complete, ..first })
}

impl Explored {
    fn add(&mut self, other: Explored) {
        self.runs += other.runs;
        self.longest = self.longest.max(other.longest);
        for broken in other.broken {
            match self.broken.iter_mut().find(|known| known.place == broken.place) {
                None => self.broken.push(broken),
                Some(known) => {
                    let runs = known.runs + broken.runs;
                    if broken.faults < known.faults {
                        *known = broken;
                    }
                    known.runs = runs;
                }
            }
        }
    }
}

impl Shared<'_> {
    /// All that can come of a branch.
    fn explore_all(&self, branch: Branch) -> Result {
        let (mut explored, mut hashes) = (Explored::default(), BTreeSet::new());
        let mut stack = vec![branch];
        while let Some(branch) = stack.pop() {
            if self.runs.load(Ordering::Relaxed) >= self.plan.most {
                break;
            }
            let more = self.follow(branch, &mut explored, &mut hashes);
            stack.extend(more.into_iter().rev());
        }
        (explored, hashes)
    }

    /// Lets a world run to its end with nothing more happening to it, and returns the branches on its way.
    fn follow(&self, branch: Branch, explored: &mut Explored, hashes: &mut BTreeSet<u64>) -> Vec<Branch> {
        let Branch { mut world, left, mut from } = branch;
        let mut branches = Vec::new();
        let pipes = world.names().pipes();
        while world.events() < MOST_EVENTS {
            let before = (left > 0).then(|| world.clone());
            if !world.step() {
                break;
            }
            let Some(before) = before else { continue };
            for pipe in 0..pipes {
                let handed = world.handed(PipeId(pipe)) - before.handed(PipeId(pipe));
                for ahead in 1..=handed {
                    if (pipe, ahead) <= from {
                        continue;
                    }
                    for kind in &self.plan.kinds {
                        let mut other = before.clone();
                        other.force(PipeId(pipe), ahead, self.forced(*kind, pipe));
                        branches.push(Branch { world: other, left: left - 1, from: (pipe, ahead) });
                    }
                }
            }
            from = (0, 0);
        }
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.judge(&world, self.plan.faults - left, explored);
        hashes.insert(world.trace_hash());
        branches
    }

    fn forced(&self, kind: Kind, pipe: u32) -> Forced {
        let delay = self.delays.get(pipe as usize).copied().unwrap_or(Duration::ZERO);
        match kind {
            Kind::Drop => Forced::Lose,
            Kind::Duplicate => Forced::Copy,
            Kind::Delay => Forced::Late(delay * 2 + Duration::from_millis(1)),
            // The first bit of the destination port, of a TCP segment over IPv4: the checksum must tell.
            Kind::Corrupt => Forced::Flip(176),
        }
    }

    /// What a run that has ended has broken.
    fn judge(&self, world: &Simulator, faults: u32, explored: &mut Explored) {
        explored.runs += 1;
        explored.longest = explored.longest.max(world.events());
        let mut violations = verdict::violations(self.typed, world);
        if world.events() >= MOST_EVENTS {
            violations.push(Violation {
                time: world.now(),
                event: world.events(),
                law: Law::WorkBounds,
                node: sim::NodeId(0),
                tuple: None,
                text: format!("{MOST_EVENTS} events, and no end"),
                excuse: None,
            });
        } else {
            violations.extend(world.unrest());
        }
        let mut here = BTreeSet::new();
        for violation in violations {
            if violation.excuse.is_some() {
                continue;
            }
            let place = verdict::place(&violation, world);
            if self.known.contains(&place) || !here.insert(place.clone()) {
                continue;
            }
            match explored.broken.iter_mut().find(|broken| broken.place == place) {
                Some(broken) => broken.runs += 1,
                None => {
                    let typed = frozen(self.typed, world);
                    explored.broken.push(Broken { place, violation, typed, faults, runs: 1 });
                }
            }
        }
    }
}
