//! Shrinking keeps what is broken; exploring tries everything, whoever does the work.

use std::path::Path;

use timewait::find::explore::{Kind, Plan, explore};
use timewait::find::fuzz::play;
use timewait::find::shrink::shrink;
use timewait::scenario::Scenario;

/// A scenario of the gallery that corrupts a stream, with more in it than that needs.
fn corrupting() -> Scenario {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/lost_duplicate_old_incarnation_corrupts.ron");
    let mut typed = crate::gallery::load(&path).typed;
    typed.check = None;
    typed.expect.clear();
    for link in &mut typed.links {
        link.shift =
            vec![(1, timewait::scenario::units::Shift(10)), (2, timewait::scenario::units::Shift(20))];
    }
    Scenario::parse("corrupting.ron", &typed.write("")).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[test]
fn a_smaller_scenario_breaks_the_same_law() {
    let scenario = corrupting();
    let shrunk = shrink(&scenario, 2_000, &mut |_, _| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
    let shrunk = shrunk.unwrap_or_else(|| panic!("it breaks nothing"));
    let first = play(&scenario, true).violations.remove(0);
    assert_eq!(first.law, shrunk.violation.law);
    let again = play(&shrunk.scenario, false).violations;
    assert!(again.iter().any(|violation| violation.law == first.law), "{}", shrunk.scenario.text);
    assert!(shrunk.scenario.typed.links.iter().all(|link| link.shift.is_empty()), "{}", shrunk.scenario.text);
    assert!(
        shrunk.scenario.text.contains("// ") && shrunk.scenario.text.contains("│"),
        "a comment with its ladder"
    );
}

#[test]
fn what_breaks_nothing_is_not_shrunk() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/handshake.ron");
    let calm = crate::gallery::load(&path);
    let shrunk = shrink(&calm, 100, &mut |_, _| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(shrunk.is_none());
}

#[test]
fn two_faults_anywhere_break_no_handshake_data_and_close() {
    for name in ["handshake", "four_way_close", "simultaneous_close", "simultaneous_open"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.ron"));
        let scenario = crate::gallery::load(&path);
        let by = |jobs| {
            let plan = Plan { faults: 2, kinds: Kind::ALL.to_vec(), jobs, most: 1_000_000 };
            explore(&scenario, &plan, &|_, _, _| {}).unwrap_or_else(|wrong| panic!("{name}: {wrong}"))
        };
        let (one, three) = (by(1), by(3));
        assert!(one.complete && one.broken.is_empty(), "{name}: {:?}", one.broken);
        assert!(one.runs > 100, "{name}: {} runs", one.runs);
        assert_eq!(
            (one.runs, one.distinct, one.longest),
            (three.runs, three.distinct, three.longest),
            "{name}"
        );
    }
}

#[test]
fn what_was_found_and_mended_stays_so() {
    for (name, path) in crate::scenarios::files("scenarios/regressions") {
        let scenario = crate::gallery::load(&path);
        let simulator = crate::gallery::run(&scenario);
        assert!(
            scenario.judge(scenario.spec(), &simulator).is_empty(),
            "{name} does not meet its expectations"
        );
        let violations = play(&scenario, false).violations;
        assert!(violations.is_empty(), "{name}: {violations:?}");
    }
}
