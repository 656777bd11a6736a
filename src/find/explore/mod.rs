//! Every way to treat up to so many packets of a scenario badly.
//!
//! The scenario is frozen first, so that nothing but the faults tried differs. Each packet that is handed to a link is a
//! decision: the world before it is cloned, once for each thing that may happen to the packet, and each clone goes on by
//! itself. Where asked, a host may boot anew at each moment as well.
//!
//! Worlds that have become equal ([`Simulator::digest`]) go on as one. For the answer to depend on nothing but the scenario,
//! there is a pass for each number of faults, from none on: the fewest faults by which a world can be reached are known
//! before it is met again by way of more, and each world is followed once in a pass, by whoever comes first. What is counted
//! is counted over worlds, never over ways to them, and does not depend on who that was.

mod known;
#[cfg(test)]
mod tests;
mod work;

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;

use sim::check::{Law, Violation};
use sim::link::Forced;
use sim::{NodeId, PipeId, Simulator, TraceLevel};
use tcp::{Duration, Time};

use super::freeze::{freeze, frozen};
use super::fuzz::{MOST_EVENTS, caught};
use super::judge;
use super::verdict::{self, Place};
use crate::scenario::units::Span;
use crate::scenario::{Scenario, file};
use known::{Known, Met};
use work::Queue;

/// What is tried.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Faults in one run, at most.
    pub faults: u32,
    /// What may happen to a packet.
    pub kinds: Vec<Kind>,
    /// Hosts that may boot anew, by name.
    pub crash: Vec<String>,
    /// Runs at a time.
    pub jobs: usize,
    /// Runs, at most: then exploring ends, unfinished.
    pub most: u64,
    /// Worlds to remember, at most, 40 bytes each: then exploring ends, unfinished.
    pub most_states: u64,
    /// Equal worlds go on as one. Without it every run goes to its end: to check that nothing gets lost.
    pub merge: bool,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            faults: 1,
            kinds: Kind::ALL.to_vec(),
            crash: Vec::new(),
            jobs: 1,
            most: u64::MAX,
            most_states: 50_000_000,
            merge: true,
        }
    }
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

/// What came of it. What is counted is counted over the passes that were finished, so that it depends on no thread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explored {
    /// Runs, the one without a fault included: one for each fault at each world that it may happen in.
    pub runs: u64,
    /// Of these, those that became equal to another and ended there.
    pub merged: u64,
    /// Different worlds, looked at whenever a packet was handed to a link.
    pub states: u64,
    /// Different worlds at the end.
    pub ends: u64,
    /// When the last run ended.
    pub latest: Time,
    /// When the last packet was handed to a link that something might have happened to.
    pub decided: Time,
    /// Faults in the worlds that need most to be reached.
    pub deepest: u32,
    /// Whether all was tried.
    pub complete: bool,
    /// With how many faults all was tried, if that was not given up with none at all.
    pub reached: Option<u32>,
    /// For each law and host the first run with the fewest faults that broke it, frozen, with what it broke; and in how many
    /// different ends it is broken. What the run without a fault breaks as well is not among them, but for a panic: where
    /// that stops a run nothing behind it was tried. If not all was tried, then also what was met where it was given up: a run
    /// for each, and not always the same one.
    pub broken: Vec<Broken>,
}

/// A law that some runs broke.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// Law and host.
    pub place: Place,
    /// The first violation of the first run.
    pub violation: Violation,
    /// That run, with its fates written down.
    pub typed: file::Scenario,
    /// Faults in it.
    pub faults: u32,
    /// Ends that show it; none where they were not counted.
    pub ends: u64,
}

/// How far exploring has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Faults in a run of this pass.
    pub faults: u32,
    /// Runs of this pass so far, and how many it will be.
    pub runs: u64,
    /// Known once the pass before is over.
    pub of: u64,
    /// Worlds so far.
    pub states: u64,
}

/// A world at a decision, and what has happened to it.
struct Branch {
    world: Simulator,
    used: u32,
    /// Decisions of the next event that come before this one are made.
    from: (u32, u64),
    /// No host boots at the next moment any more.
    booted: bool,
    boots: Vec<(Time, NodeId)>,
    /// Of these the last is still to happen, before anything else.
    boots_now: bool,
}

/// What a pass counts.
#[derive(Debug, Default)]
struct Counts {
    runs: AtomicU64,
    /// Runs that worlds with so many faults have given, or would give.
    tries: Vec<AtomicU64>,
}

/// What was found of a law: fewest faults, and ends.
type Found = BTreeMap<Place, (u32, u64)>;

/// What all passes stand on.
struct Given<'a> {
    typed: &'a file::Scenario,
    plan: &'a Plan,
    /// Of each direction of each link.
    delays: Vec<Duration>,
    /// Those that may boot anew.
    hosts: Vec<NodeId>,
    /// The world at its beginning.
    root: Simulator,
    /// Sees each world after each event. Tests plant mistakes here.
    looks: Looks<'a>,
}

/// Looks at a world after an event, and may panic.
type Looks<'a> = &'a (dyn Fn(&Simulator) + Sync);

/// One pass: all runs with up to so many faults.
struct Pass<'a> {
    given: &'a Given<'a>,
    faults: u32,
    known: &'a Known,
    counts: &'a Counts,
    queue: Queue<Branch>,
    told: &'a (dyn Fn(Progress) -> bool + Sync),
    /// Nobody wants to know more.
    stopped: &'a AtomicBool,
    /// Runs that there will be.
    of: u64,
    /// Runs, at most.
    most: u64,
}

/// What a thread has found in a pass.
#[derive(Default)]
struct Part {
    found: Found,
    /// Of each a run.
    met: BTreeMap<Place, Broken>,
    latest: Time,
    decided: Time,
    /// Whoever looks for an example of a place ends with the first.
    wanted: BTreeMap<Place, Option<Broken>>,
}

/// Explores `scenario`; `told` hears of it now and then.
///
/// # Errors
/// If the scenario cannot be frozen, or there is no such host.
pub fn explore(
    scenario: &Scenario,
    plan: &Plan,
    told: &(dyn Fn(Progress) + Sync),
) -> Result<Explored, String> {
    explore_while(scenario, plan, &|progress| {
        told(progress);
        true
    })
}

/// The same as long as `told` says so; then it is not complete.
///
/// # Errors
/// The same.
pub fn explore_while(
    scenario: &Scenario,
    plan: &Plan,
    told: &(dyn Fn(Progress) -> bool + Sync),
) -> Result<Explored, String> {
    explore_looking(scenario, plan, told, &|_| ())
}

/// The same with somebody who looks at each world.
fn explore_looking(
    scenario: &Scenario,
    plan: &Plan,
    told: &(dyn Fn(Progress) -> bool + Sync),
    looks: Looks<'_>,
) -> Result<Explored, String> {
    let calm = calm(scenario)?;
    let spec = calm.spec();
    let root = Simulator::new(spec, TraceLevel::Off).with_checks(spec).keeping_fates(spec);
    let host = |name: &String| match spec.nodes.get(name) {
        Some(sim::spec::Node::Host(_)) => Ok(root.names().node_id(name).unwrap_or(NodeId(0))),
        _ => Err(format!("there is no host `{name}` in {}", scenario.path)),
    };
    let hosts = plan.crash.iter().map(host).collect::<Result<Vec<_>, _>>()?;
    let delays: Vec<Duration> =
        spec.links.values().flat_map(|link| &link.ways).map(|way| way.delay).collect();
    let given = Given { typed: &calm.typed, plan, delays, hosts, root, looks };
    let known = Known::new(plan.most_states);
    let passes = if plan.merge { 0..=plan.faults } else { plan.faults..=plan.faults };
    let mut all = Explored::default();
    let (mut found, mut met) = (Found::new(), Vec::new());
    let mut of = 1;
    let stopped = AtomicBool::new(false);
    for faults in passes {
        let counts = Counts::new(plan.faults);
        let queue = Queue::new(plan.jobs);
        let (given, known, counts, stopped, most) = (&given, &known, &counts, &stopped, plan.most);
        let pass = Pass { given, faults, known, counts, queue, told, stopped, of, most };
        let parts = pass.run();
        let runs = counts.runs.load(Ordering::Relaxed);
        all.complete = runs <= plan.most && !known.is_full() && !stopped.load(Ordering::Relaxed);
        if !all.complete {
            met.extend(parts.into_iter().flat_map(|part| part.met.into_values()));
            break;
        }
        for part in parts {
            all.latest = all.latest.max(part.latest);
            all.decided = all.decided.max(part.decided);
            for (place, (fewest, ends)) in part.found {
                let entry = found.entry(place).or_insert((fewest, 0));
                *entry = (entry.0.min(fewest), entry.1 + ends);
            }
        }
        (all.runs, all.reached) = (runs, Some(faults));
        (all.states, all.ends, all.deepest) = known.sizes();
        of = 1 + counts.tries[..=faults as usize].iter().map(|n| n.load(Ordering::Relaxed)).sum::<u64>();
    }
    all.merged = all.runs.saturating_sub(all.ends);
    let counts = |place: &Place, faults: u32| faults > 0 || place.law == Law::NoPanic;
    met.retain(|broken| counts(&broken.place, broken.faults) && !found.contains_key(&broken.place));
    found.retain(|place, (faults, _)| counts(place, *faults));
    if stopped.load(Ordering::Relaxed) {
        return Ok(all); // nobody waits for examples
    }
    drop(known);
    all.broken = examples(&given, found);
    met.sort_by(|a, b| (&a.place, a.faults).cmp(&(&b.place, b.faults)));
    met.dedup_by(|b, a| a.place == b.place);
    all.broken.extend(met);
    all.broken.sort_by(|a, b| a.place.cmp(&b.place));
    Ok(all)
}

/// The scenario with nothing left to chance; of one that panics, up to there.
fn calm(scenario: &Scenario) -> Result<Scenario, String> {
    if let Ok(calm) = caught(|| freeze(scenario)) {
        return calm.map(|(calm, _)| calm).map_err(|problems| format!("{problems:?}"));
    }
    let spec = scenario.spec();
    let mut world = Simulator::new(spec, TraceLevel::Off).keeping_fates(spec).without_checks();
    // What it says is told when it is met on the way.
    let _ = caught(|| world.run());
    let text = frozen(&scenario.typed, &world).write("");
    Scenario::parse(&scenario.path, &text).map_err(|wrong| wrong.to_string())
}

/// The first run of each law that was broken, with the fewest faults: found again by one thread, always the same.
fn examples(given: &Given<'_>, found: Found) -> Vec<Broken> {
    let mut broken = Vec::new();
    let fewest: std::collections::BTreeSet<u32> = found.values().map(|(faults, _)| *faults).collect();
    for faults in fewest {
        // What was found is found again, however far on it is by this way.
        let (known, counts, most) = (Known::new(u64::MAX), Counts::new(given.plan.faults), u64::MAX);
        let queue = Queue::new(1);
        let (told, stopped) = (&|_: Progress| true, &AtomicBool::new(false));
        let (known, counts) = (&known, &counts);
        let pass = Pass { given, faults, known, counts, queue, told, stopped, of: 0, most };
        let places = found.iter().filter(|(_, (fewest, _))| *fewest == faults);
        let mut part =
            Part { wanted: places.map(|(place, _)| (place.clone(), None)).collect(), ..Part::default() };
        pass.walk(Branch::new(&given.root), &mut part);
        broken.extend(part.wanted.into_values().flatten());
    }
    for example in &mut broken {
        example.ends = found.get(&example.place).map_or(0, |(_, ends)| *ends);
    }
    broken
}

impl Counts {
    fn new(faults: u32) -> Counts {
        Counts { runs: AtomicU64::new(0), tries: (0..=faults).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Branch {
    fn new(root: &Simulator) -> Branch {
        Branch {
            world: root.clone(),
            used: 0,
            from: (0, 0),
            booted: false,
            boots: Vec::new(),
            boots_now: false,
        }
    }
}

impl Part {
    /// Whether an example of everything that was wanted is there.
    fn is_served(&self) -> bool {
        !self.wanted.is_empty() && self.wanted.values().all(Option::is_some)
    }
}

impl Pass<'_> {
    /// All runs, on as many threads as the plan says.
    fn run(&self) -> Vec<Part> {
        self.queue.offer(Branch::new(&self.given.root));
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.given.plan.jobs.max(1))
                .map(|_| {
                    scope.spawn(|| {
                        let mut part = Part::default();
                        while let Some((branch, _busy)) = self.queue.take() {
                            self.walk(branch, &mut part);
                        }
                        part
                    })
                })
                .collect();
            let part = |thread: ScopedJoinHandle<'_, Part>| {
                thread.join().unwrap_or_else(|panic| resume_unwind(panic))
            };
            threads.into_iter().map(part).collect()
        })
    }

    /// Lets a world run to its end, or to where it is equal to another, with nothing more happening to it; what else may happen
    /// on the way is tried where it may. A panic is an end as well.
    fn walk(&self, mut branch: Branch, part: &mut Part) {
        if self.is_over() || part.is_served() {
            return;
        }
        let runs = self.counts.runs.fetch_add(1, Ordering::Relaxed) + 1;
        if runs > self.most {
            return;
        }
        if runs.is_multiple_of(256) {
            self.tell(runs);
        }
        if let Err(text) = caught(|| self.follow(&mut branch, runs, part)) {
            self.panicked(&branch, text, part);
        }
    }
    fn follow(&self, branch: &mut Branch, runs: u64, part: &mut Part) {
        if let Some((time, host)) = branch.boots.last().filter(|_| std::mem::take(&mut branch.boots_now)) {
            branch.world.reboot(*host, *time);
        }
        let Branch { world, used, from, booted, boots, .. } = branch;
        let used = *used;
        let pipes = world.names().pipes();
        let mut handed: Vec<u64> = (0..pipes).map(|pipe| world.handed(PipeId(pipe))).collect();
        while world.events() < MOST_EVENTS {
            if !std::mem::take(booted) && !self.given.hosts.is_empty() {
                self.try_boots(world, used, boots, part);
            }
            let before = (used < self.faults).then(|| world.clone());
            if !world.step() {
                break;
            }
            (self.given.looks)(world);
            let mut decided = false;
            for pipe in 0..pipes {
                let now = world.handed(PipeId(pipe));
                let new = now - std::mem::replace(&mut handed[pipe as usize], now);
                for ahead in (1..=new).filter(|ahead| (pipe, *ahead) > *from) {
                    decided = true;
                    part.decided = part.decided.max(world.now());
                    self.count_tries(used, self.given.plan.kinds.len());
                    for kind in self.given.plan.kinds.iter().filter(|_| before.is_some()) {
                        let Some(mut other) = before.clone() else { continue };
                        other.force(PipeId(pipe), ahead, self.forced(*kind, pipe));
                        let (from, boots) = ((pipe, ahead), boots.clone());
                        let used = used + 1;
                        let other =
                            Branch { world: other, used, from, booted: true, boots, boots_now: false };
                        self.go_on(other, part);
                    }
                }
                decided |= new > 0;
            }
            *from = (0, 0);
            if world.events().is_multiple_of(4096) {
                self.tell(runs);
                if self.is_over() {
                    return;
                }
            }
            let merges = decided && self.given.plan.merge;
            if merges && self.known.meet(world.digest(), used, self.faults) == Met::Before {
                return;
            }
        }
        self.ends(branch, part);
    }

    /// Says how far it has come, and hears whether to go on.
    fn tell(&self, runs: u64) {
        let progress = Progress { faults: self.faults, runs, of: self.of, states: self.known.len() };
        if !(self.told)(progress) {
            self.stopped.store(true, Ordering::Relaxed);
        }
    }

    /// At a moment that begins, each host that may boots anew.
    fn try_boots(&self, world: &mut Simulator, used: u32, boots: &[(Time, NodeId)], part: &mut Part) {
        let Some(time) = world.next_event().filter(|time| *time > world.now() && *time <= world.until())
        else {
            return;
        };
        self.count_tries(used, self.given.hosts.len());
        if used >= self.faults {
            return;
        }
        for host in &self.given.hosts {
            let boots = boots.iter().copied().chain([(time, *host)]).collect();
            let (world, used, from) = (world.clone(), used + 1, (0, 0));
            self.go_on(Branch { world, used, from, booted: true, boots, boots_now: true }, part);
        }
    }

    /// Follows a branch, here or by whoever has nothing to do.
    fn go_on(&self, branch: Branch, part: &mut Part) {
        match self.queue.is_hungry() {
            true => self.queue.offer(branch),
            false => self.walk(branch, part),
        }
    }
    fn count_tries(&self, used: u32, tries: usize) {
        if let Some(count) = self.counts.tries.get(used as usize) {
            count.fetch_add(tries as u64, Ordering::Relaxed);
        }
    }
    fn is_over(&self) -> bool {
        self.counts.runs.load(Ordering::Relaxed) > self.most
            || self.known.is_full()
            || self.stopped.load(Ordering::Relaxed)
    }

    fn forced(&self, kind: Kind, pipe: u32) -> Forced {
        let delay = self.given.delays.get(pipe as usize).copied().unwrap_or(Duration::ZERO);
        match kind {
            Kind::Drop => Forced::Lose,
            Kind::Duplicate => Forced::Copy,
            Kind::Delay => Forced::Late(delay * 2 + Duration::from_millis(1)),
            // The first bit of the destination port, of a TCP segment over IPv4: the checksum must tell.
            Kind::Corrupt => Forced::Flip(176),
        }
    }

    /// What a run that has ended has broken.
    fn ends(&self, branch: &Branch, part: &mut Part) {
        let world = &branch.world;
        part.latest = part.latest.max(world.now());
        if self.known.end(world.digest(), branch.used) == Met::Now {
            self.broke(judge::at_rest(self.given.typed, world), branch, part);
        }
    }
    /// A run that ended with a panic, in the middle of an event.
    fn panicked(&self, branch: &Branch, text: String, part: &mut Part) {
        let world = &branch.world;
        part.latest = part.latest.max(world.now());
        // What is left of the world has a digest that no world has at its end; if it has one at all.
        let digest = caught(|| !world.digest()).unwrap_or_else(|_| u128::from(world.now().as_nanos()));
        if self.known.end(digest, branch.used) == Met::Now {
            self.broke(judge::up_to_panic(self.given.typed, world, text), branch, part);
        }
    }
    fn broke(&self, violations: Vec<Violation>, branch: &Branch, part: &mut Part) {
        let Branch { world, used, boots, .. } = branch;
        let mut here = std::collections::BTreeSet::new();
        for violation in violations {
            let place = verdict::place(&violation, world);
            if place.excused || !here.insert(place.clone()) {
                continue;
            }
            let entry = part.found.entry(place.clone()).or_insert((*used, 0));
            *entry = (entry.0.min(*used), entry.1 + 1);
            let is_first = part.met.get(&place).is_none_or(|met| *used < met.faults);
            let wanted =
                part.wanted.get_mut(&place).filter(|wanted| wanted.is_none() && *used == self.faults);
            if !is_first && wanted.is_none() {
                continue;
            }
            let mut typed = rebooting(frozen(self.given.typed, world), world, boots);
            judge::ask_for(&mut typed, place.law);
            let broken = Broken { place: place.clone(), violation, typed, faults: *used, ends: 0 };
            if let Some(wanted) = wanted {
                *wanted = Some(broken.clone());
            }
            if is_first {
                part.met.insert(place, broken);
            }
        }
    }
}

/// The scenario with hosts that boot anew at these times.
fn rebooting(mut typed: file::Scenario, world: &Simulator, boots: &[(Time, NodeId)]) -> file::Scenario {
    typed.faults.extend(boots.iter().map(|(time, host)| file::Fault {
        at: Span(time.as_nanos()),
        r#do: file::FaultKind::Reboot(world.names().node(*host).to_string()),
    }));
    typed
}
