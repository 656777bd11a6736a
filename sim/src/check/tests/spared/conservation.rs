//! Books that are kept through all that links do to packets, and that are looked at to the end.

use tcp::{Duration, Time};

use crate::check::Law;
use crate::check::tests::laws::run::scenario;
use crate::spec::{
    Action, Codel, Discipline, FateRule, Fault, Limit, Loss, Match, Rewrite, Spec, Strip, Way,
};
use crate::testing::ms;
use crate::{Simulator, TraceLevel};

/// The run of two connections over a link as `change` has it, to its end.
fn over(change: impl Fn(&mut Way), faults: Vec<(Time, Fault)>) -> Simulator {
    let mut spec: Spec = scenario();
    spec.links.values_mut().flat_map(|link| &mut link.ways).for_each(change);
    spec.faults = faults;
    let mut sim = Simulator::new(&spec, TraceLevel::Off).with_checks(&spec);
    sim.run();
    sim
}
fn short(way: &mut Way, discipline: Discipline) {
    (way.rate_bps, way.limit, way.discipline) = (1_000_000, Limit::Packets(8), discipline);
}
fn counters(sim: &Simulator) -> crate::link::PipeCounters {
    sim.pipe_counters(crate::trace::PipeId(0))
}

#[test]
fn loss_copies_damage_and_full_queues_keep_the_books() {
    let sim = over(
        |way| {
            short(way, Discipline::DropTail);
            (way.loss, way.duplicate_ppm, way.corrupt_ppm) = (Loss::Bernoulli(30_000), 100_000, 30_000);
        },
        Vec::new(),
    );
    assert_eq!(sim.violations(), []);
    let c = counters(&sim);
    assert!(c.copies > 0 && c.copied_bytes > c.copies && c.queue_full > 0 && c.dropped > c.queue_full);
    assert!(c.dropped_bytes > c.dropped, "{c:?}");
}

#[test]
fn a_queue_that_decides_when_packets_leave_keeps_them() {
    let sim = over(|way| short(way, Discipline::Codel(Codel::default())), Vec::new());
    assert_eq!(sim.violations(), []);
    assert!(counters(&sim).dropped > 0);
}

#[test]
fn a_link_that_goes_down_keeps_them_and_what_is_under_way_at_the_end_counts() {
    let link = || "a-b".to_owned();
    let faults = vec![(ms(45), Fault::LinkDown(link())), (ms(400), Fault::LinkUp(link()))];
    let sim = over(|way| short(way, Discipline::DropTail), faults);
    assert_eq!(sim.violations(), []);
    assert!(counters(&sim).dropped > 0);
    let mut sim = Simulator::new(&scenario(), TraceLevel::Off).with_checks(&scenario());
    sim.run_until(ms(45));
    assert!(sim.packets_under_way() > 0 && sim.violations().is_empty());
}

#[test]
fn books_are_looked_at_when_nothing_more_happens_and_what_is_wrong_is_told_once() {
    let mut sim = Simulator::new(&scenario(), TraceLevel::Off).with_checks(&scenario());
    sim.run();
    assert_eq!(sim.violations(), []);
    sim.pipes[0].counters.dropped_bytes += 1;
    for _ in 0..2 {
        assert!(!sim.step());
        let told: Vec<(Law, u64, Time)> = sim.violations().iter().map(|v| (v.law, v.event, v.time)).collect();
        assert_eq!(told, [(Law::Conservation, sim.events(), sim.now())]);
    }
    assert!(sim.now() > ms(0) + Duration::from_secs(100));
}

/// What a rule has made shorter counts as it was handed over, and its copies as they are.
#[test]
fn packets_that_a_rule_has_cut_are_copied_as_they_are() {
    let mut spec = scenario();
    let strip = Strip { sack: true, ..Strip::default() };
    let action = Action::Rewrite(Rewrite { strip, ..Rewrite::default() });
    spec.rules = vec![FateRule { matching: Match::default(), action }];
    spec.links.values_mut().flat_map(|link| &mut link.ways).for_each(|way| way.duplicate_ppm = 1_000_000);
    let mut sim = Simulator::new(&spec, TraceLevel::Off).with_checks(&spec);
    sim.run();
    assert_eq!(sim.violations(), []);
    assert!(counters(&sim).copied_bytes > 30_000);
}
