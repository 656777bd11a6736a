//! What a run broke.

use std::collections::BTreeSet;

use sim::check::{Finding, Law, Violation};
use sim::{NodeId, Simulator};

use crate::Names;
use crate::scenario::file;
use crate::view::words;

/// A violation by what it is and where: runs that differ in all else may show the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What was broken.
    pub law: Law,
    /// The host; empty if it is no host's.
    pub node: String,
    /// It has an excuse.
    pub excused: bool,
}

/// What `simulator`, a run of `scenario`, broke: laws and streams, less what the scenario breaks on purpose.
pub fn violations(typed: &file::Scenario, simulator: &Simulator) -> Vec<Violation> {
    let check = typed.check.as_ref();
    let on_purpose = |law: Law| check.is_some_and(|check| check.breaks.iter().any(|name| name == law.name()));
    let streams = check.and_then(|check| check.stream).unwrap_or(true);
    let findings = simulator.findings().iter().filter(|_| streams).map(|finding| Violation {
        time: finding.time,
        event: finding.event,
        law: Law::StreamIntact,
        node: finding.node,
        tuple: Some(finding.tuple),
        text: format!("at byte {}: {}", finding.offset, finding.wrong),
        excuse: excuse(finding, simulator),
    });
    let stands_still = simulator.stuck().then(|| Violation {
        time: simulator.now(),
        event: simulator.events(),
        law: Law::WorkBounds,
        node: NodeId(0),
        tuple: None,
        text: "events without end at one moment".to_owned(),
        excuse: None,
    });
    let found = simulator.violations().iter().cloned().chain(findings).chain(stands_still);
    let mut all: Vec<Violation> = found.filter(|v| !on_purpose(v.law)).collect();
    all.sort_by_key(|violation| violation.time);
    all
}

/// Why a stream could not but be read so.
fn excuse(finding: &Finding, simulator: &Simulator) -> Option<&'static str> {
    if finding.repeated {
        return Some("an earlier connection had used these sequence numbers (RFC 9293 3.4.1 MUST-8)");
    }
    simulator.is_tainted(&finding.tuple).then_some("somebody forged a segment within the window")
}

/// Of these, what has no excuse.
pub fn unexcused(violations: &[Violation]) -> impl Iterator<Item = &Violation> {
    violations.iter().filter(|violation| violation.excuse.is_none())
}

impl Place {
    /// In a word, for the name of a file: `ComesToRest-client`, `NoPanic`.
    pub fn name(&self) -> String {
        if self.node.is_empty() { self.law.to_string() } else { format!("{}-{}", self.law, self.node) }
    }
}

/// The places of violations, each once.
pub fn places(violations: &[Violation], simulator: &Simulator) -> BTreeSet<Place> {
    violations.iter().map(|v| place(v, simulator)).collect()
}

/// Whether a host is to be named: a panic, or a run without end, is that of no host alone.
fn is_of_a_host(violation: &Violation) -> bool {
    violation.tuple.is_some() || !matches!(violation.law, Law::NoPanic | Law::WorkBounds)
}

/// The place of a violation.
pub fn place(violation: &Violation, simulator: &Simulator) -> Place {
    let node = || simulator.names().node(violation.node).to_string();
    let node = if is_of_a_host(violation) { node() } else { String::new() };
    Place { law: violation.law, node, excused: violation.excuse.is_some() }
}

/// A violation in words, and the command that repeats it.
pub fn in_words(violation: &Violation, names: &Names, command: &str) -> String {
    let Violation { time, event, law, node, tuple, text, .. } = violation;
    let whom = tuple.map_or(String::new(), |tuple| format!(" ({} with {})", tuple.local, tuple.remote));
    let on = || format!(" on {}{whom}", names.node(*node));
    let on = if is_of_a_host(violation) { on() } else { String::new() };
    let when = match (*event, law) {
        (0, Law::NoPanic) => "before the first event".to_owned(),
        (0, _) => format!("at {} s", words::clock(*time)),
        (event, _) => format!("at {} s, event {event}", words::clock(*time)),
    };
    format!(
        "{law} is broken: {text}\n  {when}{on}\n  law: {} ({})\n  again: {command}",
        law.text(),
        law.source(),
    )
}
