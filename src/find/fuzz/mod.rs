//! Swarm fuzzing: random scenarios, run with all checkers, on all cores.
//!
//! A scenario is a function of its seed, and its run of the scenario: threads only share out the seeds.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sim::check::{Law, Violation};
use sim::spec::{Action, Node, Way};
use sim::{NodeId, Simulator, Spec, TraceLevel};
use tcp::{Duration, Time};

use super::verdict;
use crate::scenario::Scenario;

mod beside;
pub mod coverage;
mod dice;
pub mod swarm;

pub use coverage::Coverage;
pub use dice::Dice;

/// Events after which a run is cut off. It counts as one without end if it was one moment in the second half, or if programs have read
/// nothing from there on, and for three times as many events.
pub const MOST_EVENTS: u64 = 1_000_000;
/// Events after which one that reads nothing any more is without end.
const LAST_EVENTS: u64 = 4 * MOST_EVENTS;
/// Records that are looked at and thrown away at a time.
const AT_A_TIME: usize = 10_000;
/// Events after which a run asks whether it shall go on: milliseconds.
const ASKED: u64 = 1_024;

/// How a run came out.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// What it broke, in order.
    pub violations: Vec<Violation>,
    /// Events of the run.
    pub events: u64,
    /// What it has shown.
    pub coverage: Coverage,
    /// Hash of its trace.
    pub hash: u64,
}

impl Played {
    /// What it broke that has no excuse.
    pub fn unexcused(&self) -> Option<&Violation> {
        self.violations.iter().find(|violation| violation.excuse.is_none())
    }
}

/// Runs a scenario with all checkers. With `rest`, what has not come to rest at its end is a violation as well.
pub fn play(scenario: &Scenario, rest: bool) -> Played {
    play_while(scenario, rest, &|| true).unwrap_or_default()
}
/// The same, for as long as `goes_on` says so, which is asked now and then; `None`: it did not come to its end.
pub fn play_while(scenario: &Scenario, rest: bool, goes_on: &dyn Fn() -> bool) -> Option<Played> {
    guarded(scenario, rest, goes_on, &|_| false)
}
/// The same, no further than to where `enough` says so, which is asked now and then.
pub fn play_until(scenario: &Scenario, enough: &dyn Fn(&Simulator) -> bool) -> Played {
    guarded(scenario, false, &|| true, enough).unwrap_or_default()
}

/// A run, whose panic is a violation: behind what was broken before it, at the event in which it came.
fn guarded(
    scenario: &Scenario,
    rest: bool,
    goes_on: &dyn Fn() -> bool,
    enough: &dyn Fn(&Simulator) -> bool,
) -> Option<Played> {
    let (mut world, mut coverage) = (None, Coverage::default());
    let run = || unguarded(scenario, rest, goes_on, enough, &mut world, &mut coverage);
    let text = match caught(run) {
        Ok(Some((violations, events, hash))) => return Some(Played { violations, events, coverage, hash }),
        Ok(None) => return None,
        Err(text) => text,
    };
    coverage.take(world.as_ref().map_or(&[], Simulator::records));
    let (time, event) = world.as_ref().map_or((Time::ZERO, 0), |world| (world.now(), world.events()));
    let before = || world.as_ref().map(|world| verdict::violations(&scenario.typed, world));
    let mut violations = caught(before).ok().flatten().unwrap_or_default();
    violations.push(Violation {
        time,
        event,
        law: Law::NoPanic,
        node: NodeId(0),
        tuple: None,
        text,
        excuse: None,
    });
    Some(Played { violations, events: event, coverage, hash: 0 })
}

/// What comes of it, or what its panic said.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// A run in `world`, which stays where it was if the run does not come to its end: violations, events, hash.
fn unguarded(
    scenario: &Scenario,
    rest: bool,
    goes_on: &dyn Fn() -> bool,
    enough: &dyn Fn(&Simulator) -> bool,
    world: &mut Option<Simulator>,
    coverage: &mut Coverage,
) -> Option<(Vec<Violation>, u64, u64)> {
    let simulator =
        world.insert(Simulator::new(scenario.spec(), TraceLevel::On).with_checks(scenario.spec()));
    let (mut delivered, mut time) = (0, Time::ZERO);
    while simulator.events() < MOST_EVENTS && simulator.step() {
        if simulator.events() == MOST_EVENTS / 2 {
            (delivered, time) = (simulator.delivered(), simulator.now());
        }
        if simulator.events().is_multiple_of(ASKED) {
            if !goes_on() {
                return None;
            }
            if enough(simulator) {
                break;
            }
        }
        if simulator.records().len() > AT_A_TIME {
            let records = simulator.take_records();
            coverage.take(&records);
        }
    }
    coverage.take(simulator.records());
    let cut_off = simulator.events() >= MOST_EVENTS;
    let stands_still = simulator.now() == time;
    // What is under way to one who is gone, megabytes in copies, comes to an end; a storm does not.
    while cut_off
        && !stands_still
        && simulator.delivered() == delivered
        && simulator.events() < LAST_EVENTS
        && simulator.step()
    {
        if simulator.events().is_multiple_of(ASKED) && !goes_on() {
            return None;
        }
        if simulator.records().len() > AT_A_TIME {
            simulator.take_records();
        }
    }
    let ended = cut_off && !stands_still && simulator.events() < LAST_EVENTS;
    let mut violations = verdict::violations(&scenario.typed, simulator);
    if cut_off && !ended && (simulator.delivered() == delivered || stands_still) {
        let what = if stands_still { "time stood still" } else { "nothing was delivered" };
        violations.push(Violation {
            time: simulator.now(),
            event: simulator.events(),
            law: Law::WorkBounds,
            node: NodeId(0),
            tuple: None,
            text: format!("{} events, and {what} since half a million", simulator.events()),
            excuse: excuse(scenario.spec()).filter(|_| !stands_still),
        });
    } else if rest && !cut_off {
        violations.extend(simulator.unrest());
    }
    Some((violations, simulator.events(), simulator.trace_hash()))
}

/// Why a run may go on and on: each answer is copied on its way, and each copy answered. The limits are there for that, and two
/// hosts were told to have none.
fn excuse(spec: &Spec) -> Option<&'static str> {
    let unlimited = |node: &&Node| match node {
        Node::Host(host) => host.tcp.challenge_interval == Duration::ZERO,
        Node::Router(_) => false,
    };
    let copied = |way: &Way| {
        way.duplicate_ppm > 0 || way.listed.as_ref().is_some_and(|listed| !listed.copy.is_empty())
    };
    let copies = spec.rules.iter().any(|rule| matches!(rule.action, Action::Duplicate { .. }))
        || spec.links.values().flat_map(|link| &link.ways).any(copied);
    let multiplies = copies && spec.nodes.values().filter(unlimited).count() >= 2;
    multiplies.then_some("answers are copied, and two hosts limit none of theirs (RFC 5961 7)")
}

/// The scenario of a seed.
///
/// # Errors
/// If the generator wrote something that is no scenario: a mistake of this program.
pub fn scenario(seed: u64) -> Result<Scenario, String> {
    let text = swarm::swarm(seed);
    Scenario::parse(&format!("swarm-{seed}.ron"), &text)
        .map_err(|wrong| format!("seed {seed}: {wrong}\n{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Names;

    /// The first seed whose run has a while to go.
    fn long() -> Scenario {
        let long = |seed: &u64| play(&scenario(*seed).expect("it reads"), true).events >= ASKED;
        scenario((1..100).find(long).expect("one is long")).expect("it reads")
    }

    #[test]
    fn a_panic_is_a_violation_that_says_what_it_said_and_when() {
        let scenario = long();
        let panics = || {
            let least = Vec::<u32>::new().into_iter().min();
            panic!("nothing is the least: {least:?}")
        };
        let played = play_while(&scenario, true, &panics).expect("it came to an end");
        let [violation] = played.violations.as_slice() else { panic!("{played:?}") };
        assert_eq!((violation.law, violation.text.as_str()), (Law::NoPanic, "nothing is the least: None"));
        assert_eq!(played.unexcused(), Some(violation));
        assert_eq!((violation.event, played.events), (ASKED, ASKED));
        let mut simulator = Simulator::new(scenario.spec(), TraceLevel::Off);
        while simulator.events() < ASKED && simulator.step() {}
        assert_eq!(violation.time, simulator.now());
        // What was seen before it counts, and it is no host's.
        assert!(played.coverage.sizes()[0] > 0, "{:?}", played.coverage);
        let words = verdict::in_words(violation, &Names::of(scenario.spec()), "AGAIN");
        assert!(words.contains(&format!(" s, event {ASKED}\n")), "{words}");
        assert_eq!(verdict::place(violation, &simulator).node, "");
    }

    #[test]
    fn a_panic_before_the_first_event_says_so() {
        let violation = Violation {
            time: Time::ZERO,
            event: 0,
            law: Law::NoPanic,
            node: NodeId(0),
            tuple: None,
            text: String::new(),
            excuse: None,
        };
        let names = Names::of(scenario(1).expect("it reads").spec());
        let words = verdict::in_words(&violation, &names, "AGAIN");
        assert!(words.contains("\n  before the first event\n"), "{words}");
    }

    #[test]
    fn a_run_without_one_is_told_as_it_is() {
        let scenario = scenario(1).expect("it reads");
        let played = play(&scenario, true);
        assert_eq!((played.violations.len(), played.hash == 0), (0, false));
    }

    #[test]
    fn a_run_stops_on_its_way_when_it_is_told_to() {
        let scenario = long();
        let asked = std::cell::Cell::new(0);
        let told = || {
            asked.set(asked.get() + 1);
            false
        };
        assert!(play_while(&scenario, true, &told).is_none());
        assert_eq!(asked.get(), 1);
    }

    /// Where each packet is copied and nobody limits answers they become more and more: who limits them, or copies nothing, has
    /// no excuse.
    #[test]
    fn copied_answers_without_limits_are_excused() {
        let excused_by = |first: &str, second: &str, action: &str, link: &str| {
            let text = format!(
                r#"Scenario(
                    hosts: {{ "a": (tcp: (challenge_interval: "{first}")), "b": (tcp: (challenge_interval: "{second}")) }},
                    links: [(between: ("a", "b"){link})],
                    rules: [(from: "a", do: {action})],
                )"#
            );
            let scenario = Scenario::parse("x.ron", &text).unwrap_or_else(|wrong| panic!("{wrong}"));
            excuse(scenario.spec()).is_some()
        };
        let excused = |first: &str, second: &str, action: &str| excused_by(first, second, action, "");
        assert!(excused_by("0s", "0s", "Drop", ", duplicate: \"5%\""));
        assert!(excused_by("0s", "0s", "Drop", ", back: (copy: [3])"));
        assert!(!excused_by("0s", "500ms", "Drop", ", duplicate: \"5%\""));
        assert!(excused("0s", "0s", r#"Duplicate(copies: 1, after: "1ms")"#));
        assert!(!excused("0s", "500ms", r#"Duplicate(copies: 1, after: "1ms")"#));
        assert!(!excused("500ms", "0s", r#"Duplicate(copies: 1, after: "1ms")"#));
        assert!(!excused("0s", "0s", "Drop"));
    }

    /// Two programs answer each other for ever over a link without delay.
    #[test]
    fn a_run_that_stands_still_breaks_a_law() {
        let text = r#"Scenario(
            hosts: { "a": (), "b": () },
            links: [(between: ("a", "b"))],
            programs: [(on: "b", run: EchoServer(port: 80)), (on: "a", at: "1ms", run: Script([Connect("b:80"), Send("ping"), Echo]))],
        )"#;
        let scenario = Scenario::parse("x.ron", text).unwrap_or_else(|wrong| panic!("{wrong}"));
        let laws: Vec<Law> =
            play(&scenario, false).violations.iter().map(|violation| violation.law).collect();
        assert_eq!(laws, [Law::WorkBounds]);
    }
}
