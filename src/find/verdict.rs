//! What a run broke.

use std::collections::BTreeSet;

use sim::check::{Law, Violation};
use sim::{NodeId, Simulator};

use crate::Names;
use crate::scenario::{Scenario, file};
use crate::view::words;

/// A violation by what it is and where: runs that differ in all else may show the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What was broken.
    pub law: Law,
    /// The host.
    pub node: String,
}

/// What `simulator`, a run of `scenario`, broke: laws and streams, less what the scenario breaks on purpose.
pub fn violations(typed: &file::Scenario, simulator: &Simulator) -> Vec<Violation> {
    let check = typed.check.as_ref();
    let on_purpose = |law: Law| check.is_some_and(|check| check.breaks.iter().any(|name| name == law.name()));
    let streams = check.and_then(|check| check.stream).unwrap_or(true);
    let findings = simulator.findings().iter().filter(|_| streams).map(|finding| Violation {
        time: finding.time,
        event: 0,
        law: Law::StreamIntact,
        node: finding.node,
        tuple: Some(finding.tuple),
        text: format!("at byte {}: {}", finding.offset, finding.wrong),
    });
    let mut all: Vec<Violation> =
        simulator.violations().iter().cloned().chain(findings).filter(|v| !on_purpose(v.law)).collect();
    all.sort_by_key(|violation| violation.time);
    all
}

/// The same of a run with a tolerance for what cookies cannot know: a cookie is good for as long as it is fresh, so data
/// that arrives behind the reset that it overtook opens the connection once more (RFC 4987, section 3.6), and what a
/// reader then reads, nobody writes.
pub fn unforeseen(scenario: &Scenario, simulator: &Simulator) -> Vec<Violation> {
    let nodes = (0..simulator.names().nodes().len() as u32).map(NodeId);
    let cookies = nodes.filter_map(|node| simulator.counters(node)?.get("SyncookiesRecv")).sum::<u64>() > 0;
    let mut all = violations(&scenario.typed, simulator);
    all.retain(|violation| !cookies || !BY_COOKIES.contains(&violation.law));
    all
}

/// What an old packet may break where a cookie brings a connection back to life.
const BY_COOKIES: &[Law] =
    &[Law::StreamIntact, Law::AckOfUnsent, Law::LegalTransition, Law::TakesBeyondWindow];

/// The places of violations, each once.
pub fn places(violations: &[Violation], simulator: &Simulator) -> BTreeSet<Place> {
    violations.iter().map(|v| place(v, simulator)).collect()
}

/// The place of a violation.
pub fn place(violation: &Violation, simulator: &Simulator) -> Place {
    Place { law: violation.law, node: simulator.names().node(violation.node).to_string() }
}

/// A violation in words, and the command that repeats it.
pub fn in_words(violation: &Violation, names: &Names, command: &str) -> String {
    let Violation { time, event, law, node, tuple, text } = violation;
    let whom = tuple.map_or(String::new(), |tuple| format!(" ({} with {})", tuple.local, tuple.remote));
    let event = if *event > 0 { format!(", event {event}") } else { String::new() };
    format!(
        "{law} is broken: {text}\n  at {} s{event} on {}{whom}\n  law: {} ({})\n  again: {command}",
        words::clock(*time),
        names.node(*node),
        law.text(),
        law.source(),
    )
}
