//! One run of a sweep, and what is kept of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sim::{NodeId, Simulator, TraceLevel};

use crate::Names;
use crate::find::verdict;
use crate::scenario::Scenario;
use crate::scenario::expect::Outcome;

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// Hash of its trace.
    pub trace: u64,
    /// What it broke, in a line: an expectation, a law, or this program.
    pub failed: Option<String>,
    /// Figures by name, in their order.
    pub figures: Vec<(String, u64)>,
}

/// Figures of every run.
const OWN: &[&str] = &["events", "packets", "time_ns"];

/// The names that figures have: those of every run, and those of the counters of `nstat`, summed over all hosts.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    OWN.iter().chain(sim::host::Counters::NAMES).copied()
}

/// Whether a figure has this name.
pub fn is_figure(name: &str) -> bool {
    names().any(|known| known == name)
}

/// Runs a scenario with a seed, with the checks that it asks for; keeps the figures of these names, or all.
pub fn play(scenario: &Scenario, seed: u64, figures: &[String]) -> Played {
    let run = catch_unwind(AssertUnwindSafe(|| play_unguarded(scenario, seed)));
    let mut played = run.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let failed = format!("panic: {}", text.unwrap_or_default());
        Played { trace: 0, failed: Some(failed), figures: Vec::new() }
    });
    if !figures.is_empty() {
        let by_name = |name: &String| played.figures.iter().find(|(known, _)| known == name).cloned();
        played.figures = figures.iter().filter_map(by_name).collect();
    }
    played
}

fn play_unguarded(scenario: &Scenario, seed: u64) -> Played {
    let mut spec = scenario.spec().clone();
    spec.seed = seed;
    let check = scenario.typed.check.as_ref();
    let level = if scenario.expectations().is_empty() { TraceLevel::Off } else { TraceLevel::On };
    let mut simulator = Simulator::new(&spec, level);
    if !check.and_then(|check| check.stream).unwrap_or(true) {
        simulator = simulator.without_checks();
    }
    if check.and_then(|check| check.laws).unwrap_or(true) {
        simulator = simulator.with_checks(&spec);
    }
    simulator.run();
    let names = Names::of(&spec);
    let failed = failure(scenario, &simulator, &names);
    Played { trace: simulator.trace_hash(), failed, figures: measure(&simulator) }
}

/// What a run did that it should not have, in a line.
fn failure(scenario: &Scenario, simulator: &Simulator, names: &Names) -> Option<String> {
    if simulator.stuck() {
        return Some("too many events at one moment, and no end in sight".to_owned());
    }
    if let Some(violation) = verdict::violations(&scenario.typed, simulator).first() {
        return Some(format!("{} is broken: {}", violation.law, violation.text));
    }
    let counter = |host: &str, name: &str| simulator.counters(names.by_name(host)?)?.get(name);
    let outcome = Outcome { records: simulator.records(), end: simulator.now(), counter: &counter };
    let missed = scenario.check(&outcome).len();
    (missed > 0).then(|| format!("{missed} of {} expectations failed", scenario.expectations().len()))
}

fn measure(simulator: &Simulator) -> Vec<(String, u64)> {
    let hosts = (0..simulator.names().nodes().len() as u32).map(NodeId);
    let counters: Vec<_> = hosts.filter_map(|node| simulator.counters(node)).collect();
    let sums = sim::host::Counters::NAMES.iter().map(|name| {
        let sum = counters.iter().filter_map(|counters| counters.get(name)).sum();
        ((*name).to_owned(), sum)
    });
    let own = [simulator.events(), simulator.packets_sent(), simulator.now().as_nanos()];
    OWN.iter().map(|name| (*name).to_owned()).zip(own).chain(sums).collect()
}
