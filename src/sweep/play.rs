//! One run of a sweep, and what is kept of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sim::host::Counters;
use sim::{NodeId, Simulator, Spec, TraceLevel};

use crate::figures::record::{Cell, Record};
use crate::figures::{self, Class, Figures, Options, Program, Queue, Total};
use crate::find::verdict;
use crate::scenario::Scenario;

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

/// Figures of the run itself.
const OWN: &[&str] = &["events", "packets", "end_ns"];

/// The figures that are kept if a sweep names none: those of the whole run.
pub fn usual() -> Vec<String> {
    columns(&Total::default()).into_iter().chain(OWN.iter().map(|name| (*name).to_owned())).collect()
}

/// All figures that a scenario has: of the whole run; counters of `nstat`, summed over all hosts; of transfers by size
/// (`upto_10kB.fct_ns_p99`, `over_10MB.fct_ns_p99`); of each population and each program beside them (`web.goodput_bps`,
/// `client/1.goodput_bps`); and of each direction of each link, by the end where it begins (`a-b.a.wait_ns_p99`).
pub fn names(scenario: &Scenario) -> Vec<String> {
    let spec = scenario.spec();
    let within = |outer: String, columns: Vec<String>| {
        columns.into_iter().map(move |column| format!("{outer}.{column}")).collect::<Vec<_>>()
    };
    let classes = Options::default().classes;
    let above = [0].into_iter().chain(classes.iter().copied());
    let upto = classes.iter().copied().map(Some).chain([None]);
    let mut kept = columns(&Class::default());
    kept.retain(|column| !column.ends_with("_bytes")); // its bounds
    let classes = above.zip(upto).flat_map(|(above, upto)| within(class(above, upto), kept.clone()));
    let programs: std::collections::BTreeSet<&str> = spec.programs.iter().map(figures::group).collect();
    let programs = programs.iter().flat_map(|name| within((*name).to_owned(), columns(&Program::default())));
    let ways = spec.links.iter().flat_map(|(name, link)| {
        let ends = [&link.ends.0, &link.ends.1];
        ends.map(|end| within(format!("{name}.{end}"), columns(&Queue::default()))).concat()
    });
    let counters = Counters::NAMES.iter().map(|name| (*name).to_owned());
    usual().into_iter().chain(counters).chain(classes).chain(programs).chain(ways).collect()
}

/// What transfers of a class are called, by their size in bytes.
fn class(above: u64, upto: Option<u64>) -> String {
    let (word, size) = upto.map_or(("over", above), |upto| ("upto", upto));
    match size {
        0 => format!("{word}_0B"),
        mega if mega.is_multiple_of(1_000_000) => format!("{word}_{}MB", mega / 1_000_000),
        kilo if kilo.is_multiple_of(1000) => format!("{word}_{}kB", kilo / 1000),
        bytes => format!("{word}_{bytes}B"),
    }
}

/// The names of a record's columns of numbers.
fn columns(record: &impl Record) -> Vec<String> {
    let mut names = Vec::new();
    record.cells(&mut |name, cell| {
        if !matches!(cell, Cell::Text(_)) {
            names.push(name.to_owned());
        }
    });
    names
}

/// Runs a scenario with a seed, with the checks that it asks for; keeps the figures of these names, or the usual ones.
pub fn play(scenario: &Scenario, seed: u64, figures: &[String], options: &Options) -> Played {
    let run = catch_unwind(AssertUnwindSafe(|| play_unguarded(scenario, seed, figures, options)));
    run.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let failed = format!("panic: {}", text.unwrap_or_default());
        Played { trace: 0, failed: Some(failed), figures: Vec::new() }
    })
}

fn play_unguarded(scenario: &Scenario, seed: u64, wanted: &[String], options: &Options) -> Played {
    let mut spec = scenario.spec().clone();
    spec.seed = seed;
    let check = scenario.typed.check.as_ref();
    let level = if scenario.expectations().is_empty() { TraceLevel::Off } else { TraceLevel::On };
    let mut simulator = Simulator::new(&spec, level).with_figures();
    if !check.and_then(|check| check.stream).unwrap_or(true) {
        simulator = simulator.without_checks();
    }
    if check.and_then(|check| check.laws).unwrap_or(true) {
        simulator = simulator.with_checks(&spec);
    }
    let measured = figures::measure_world(&mut simulator, &spec, options);
    let failed = failure(scenario, &spec, &simulator).or_else(|| measured.wrong.first().cloned());
    let usual = if wanted.is_empty() { usual() } else { Vec::new() };
    let wanted = if wanted.is_empty() { &usual } else { wanted };
    let figures = wanted.iter().filter_map(|name| Some((name.clone(), figure(&measured, &simulator, name)?)));
    Played { trace: simulator.trace_hash(), failed, figures: figures.collect() }
}

/// What a run did that it should not have, in a line.
fn failure(scenario: &Scenario, spec: &Spec, simulator: &Simulator) -> Option<String> {
    if simulator.stuck() {
        return Some("too many events at one moment, and no end in sight".to_owned());
    }
    if let Some(violation) = verdict::violations(&scenario.typed, simulator).first() {
        return Some(format!("{} is broken: {}", violation.law, violation.text));
    }
    let missed = scenario.judge(spec, simulator).len();
    (missed > 0).then(|| format!("{missed} of {} expectations failed", scenario.expectations().len()))
}

/// A figure by its name, if the run has it.
fn figure(measured: &Figures, simulator: &Simulator, name: &str) -> Option<u64> {
    match name {
        "events" => return Some(measured.run.events),
        "packets" => return Some(measured.run.packets),
        "end_ns" => return Some(measured.run.end_ns),
        _ => {}
    }
    if Counters::NAMES.contains(&name) {
        let hosts = (0..simulator.names().nodes().len() as u32).map(NodeId);
        return Some(hosts.filter_map(|node| simulator.counters(node)?.get(name)).sum());
    }
    let Some((of, column)) = name.rsplit_once('.') else { return cell(&measured.total, name) };
    if let Some(found) = measured.classes.iter().find(|one| class(one.above_bytes, one.upto_bytes) == of) {
        return cell(found, column);
    }
    if let Some(program) = measured.programs.iter().find(|program| program.program == of) {
        return cell(program, column);
    }
    let (link, from) = of.rsplit_once('.')?;
    measured
        .queues
        .iter()
        .find(|queue| queue.link == link && queue.from == from)
        .and_then(|queue| cell(queue, column))
}

/// The number in a column of a record.
fn cell(record: &impl Record, column: &str) -> Option<u64> {
    let mut found = None;
    record.cells(&mut |name, cell| {
        if let (true, Cell::Number(number)) = (name == column, cell) {
            found = Some(number);
        }
    });
    found
}
