//! What goes wrong in a scenario must end, and long before the run does: only then it tells something about TCP that it does not come
//! to rest.

use std::collections::BTreeMap;

use sim::spec::{Fault, Loss, Spec, Way};
use sim::trace::{Fate, Record, What};
use sim::{Simulator, TraceLevel};
use tcp::{Duration, Time};

use crate::find::fuzz::{MOST_EVENTS, caught};
use crate::scenario::Scenario;

/// How the faults of a scenario end.
pub(super) struct Ends {
    /// Things that go wrong for ever.
    endless: usize,
    /// From the last fault to the end of the run; unknown where some go on.
    calm: Option<Duration>,
}

impl Ends {
    pub(super) fn of(scenario: &Scenario) -> Ends {
        let endless = endless(scenario.spec());
        Ends { endless, calm: (endless == 0).then(|| calm(scenario)) }
    }
    /// Whether no more goes on for ever in this scenario, which was made from the other.
    pub(super) fn as_many(&self, smaller: &Scenario) -> bool {
        endless(smaller.spec()) <= self.endless
    }
    /// Whether the time behind its last fault is as long, but for an eighth.
    pub(super) fn as_long(&self, smaller: &Scenario) -> bool {
        self.calm.is_none_or(|least| calm(smaller) >= least * 7 / 8)
    }
    /// It became this scenario: less may go on than did.
    pub(super) fn becomes(&mut self, smaller: &Scenario) {
        if endless(smaller.spec()) < self.endless {
            *self = Ends::of(smaller);
        }
    }
}

/// Rules without a last packet, links that end up bad, hosts that do not come back.
fn endless(spec: &Spec) -> usize {
    let rules = spec.rules.iter().map(|rule| &rule.matching);
    let rules =
        rules.filter(|picks| picks.time.is_none() && !matches!(picks.nth, Some(sim::spec::Nth::Listed(_))));
    let links = spec.links.iter();
    let mut ways: BTreeMap<&str, [&Way; 2]> =
        links.map(|(name, link)| (name.as_str(), link.ways.each_ref())).collect();
    let mut faults: Vec<_> = spec.faults.iter().collect();
    faults.sort_by_key(|(time, _)| *time);
    // What is away, by name: links, hosts that are down, hosts that do nothing.
    let mut away: [BTreeMap<&str, bool>; 3] = Default::default();
    for (_, fault) in faults {
        let (kind, name, gone) = match fault {
            Fault::LinkDown(link) => (0, link, true),
            Fault::LinkUp(link) => (0, link, false),
            Fault::Crash(host) => (1, host, true),
            Fault::Reboot(host) => (1, host, false),
            Fault::Pause(host) => (2, host, true),
            Fault::Resume(host) => (2, host, false),
            Fault::LinkChange(link, changes) => {
                if let Some(ways) = ways.get_mut(link.as_str()) {
                    for (way, change) in ways.iter_mut().zip(changes) {
                        *way = change.as_deref().unwrap_or(way);
                    }
                }
                continue;
            }
            _ => continue,
        };
        away[kind].insert(name, gone);
    }
    let away = away.iter().flat_map(BTreeMap::values).filter(|gone| **gone);
    rules.count() + away.count() + ways.values().flatten().filter(|way| is_bad(way)).count()
}

/// Whether chance goes on to lose, double or damage packets.
fn is_bad(way: &Way) -> bool {
    let loses = match &way.loss {
        Loss::None | Loss::Listed(_) => false,
        Loss::Bernoulli(ppm) => *ppm > 0,
        Loss::GilbertElliott { .. } => true,
    };
    loses || way.duplicate_ppm > 0 || way.corrupt_ppm > 0
}

/// From the last fault of a run to its end.
fn calm(scenario: &Scenario) -> Duration {
    let spec = scenario.spec();
    let mut world = Simulator::new(spec, TraceLevel::On).without_checks();
    let mut last = Time::ZERO;
    // A panic is none of ours.
    let _ = caught(|| {
        while world.events() < MOST_EVENTS && world.step() {
            last = world.take_records().iter().filter_map(fault).fold(last, Time::max);
        }
    });
    spec.until.since(last.min(spec.until))
}

/// When a line of a trace is about a fault, how long that has an effect.
fn fault(record: &Record) -> Option<Time> {
    match &record.what {
        What::Fault { .. } => Some(record.time),
        What::Fate { fate: Fate::Duplicated(at) | Fate::Delayed(at), .. } => Some(record.time.max(*at)),
        What::Fate { fate, .. } => {
            let wrong = matches!(
                fate,
                Fate::Lost
                    | Fate::DroppedByRule(_)
                    | Fate::LinkDown
                    | Fate::Corrupted(_)
                    | Fate::Rewritten(_)
            );
            wrong.then_some(record.time)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(link: &str, rules: &str, faults: &str) -> Scenario {
        let text = format!(
            r#"Scenario(
                until: "100s",
                hosts: {{ "a": (), "b": () }},
                links: [(between: ("a", "b"), delay: "10ms"{link})],
                programs: [(on: "a", run: Client(to: "b:80"))],
                rules: [{rules}], faults: [{faults}],
            )"#
        );
        Scenario::parse("x.ron", &text).unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    #[test]
    fn what_goes_on_for_ever_is_counted() {
        let up = r#"(at: "1s", do: LinkDown("a-b")), (at: "2s", do: LinkUp("a-b")), "#;
        let better = r#"(at: "3s", do: LinkChange(link: "a-b", set: (loss: "0%")))"#;
        for (link, rules, faults, expected) in [
            ("", "", "", 0),
            ("", r#"(nth: 1, do: Drop), (time: ("1s", "2s"), do: Drop)"#, up, 0),
            ("", r#"(do: Drop), (nth: "2..", do: Drop)"#, up, 2),
            (", lose: [3]", "", r#"(at: "1s", do: LinkDown("a-b"))"#, 1),
            (r#", loss: "1%""#, "", "", 2),
            (r#", loss: "1%", back: (corrupt: "1%")"#, "", better, 1),
            ("", "", r#"(at: "1s", do: Crash("a")), (at: "1s", do: Pause("b"))"#, 2),
            ("", "", r#"(at: "1s", do: Crash("a")), (at: "2s", do: Reboot("a"))"#, 0),
        ] {
            assert_eq!(endless(scenario(link, rules, faults).spec()), expected, "{link} {rules} {faults}");
        }
    }

    #[test]
    fn the_calm_begins_behind_the_last_fault() {
        let before = scenario("", "(nth: 1, do: Drop)", "");
        let ends = Ends::of(&before);
        assert_eq!(ends.calm, Some(Duration::from_secs(100)));
        let later = scenario("", "(nth: 1, do: Drop)", r#"(at: "14s", do: LinkUp("a-b"))"#);
        assert!(!ends.as_long(&later) && ends.as_many(&later));
        assert!(ends.as_long(&scenario("", "", r#"(at: "12s", do: LinkUp("a-b"))"#)));
        assert!(!ends.as_many(&scenario("", "(do: Drop)", "")));
    }
}
