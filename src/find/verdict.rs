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
    /// The host.
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

/// The places of violations, each once.
pub fn places(violations: &[Violation], simulator: &Simulator) -> BTreeSet<Place> {
    violations.iter().map(|v| place(v, simulator)).collect()
}

/// The place of a violation.
pub fn place(violation: &Violation, simulator: &Simulator) -> Place {
    let node = simulator.names().node(violation.node).to_string();
    Place { law: violation.law, node, excused: violation.excuse.is_some() }
}

/// A violation in words, and the command that repeats it.
pub fn in_words(violation: &Violation, names: &Names, command: &str) -> String {
    let Violation { time, event, law, node, tuple, text, .. } = violation;
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
