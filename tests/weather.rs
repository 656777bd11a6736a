//! The gallery and the scenarios of the kernel's captures in bad weather: each under every personality, with links
//! that lose, duplicate, reorder and corrupt. What they show may change; that each ends, that no packet is unaccounted
//! for, that streams stay intact and that no rule of `invariants` is broken does not.

use sim::{NodeId, Simulator, TraceLevel};
use timewait::scenario::file::{Personality, Scenario};
use timewait::scenario::resolve::resolve;
use timewait::scenario::units::{Percent, Span};

use crate::gallery::load;
use crate::invariants::violation;
use crate::scenarios::files;

/// No scenario of the gallery needs nearly as many.
const EVENTS: u64 = 1_000_000;

#[test]
fn every_personality_in_fair_and_foul_weather() {
    let mut retransmitted = 0;
    for (name, path) in files("scenarios").into_iter().chain(files("tests/kernel")) {
        let scenario = load(&path);
        for personality in [Personality::Linux, Personality::Rfc, Personality::FreeBsd] {
            for seed in 1..=4 {
                let mut typed = scenario.typed.clone();
                typed.personality = Some(personality);
                typed.seed = Some(seed);
                foul(&mut typed, seed);
                let spec = resolve(&typed).unwrap_or_else(|complaints| panic!("{name}: {complaints:?}"));
                let mut run = Simulator::new(&spec, TraceLevel::On);
                while run.step() {
                    assert!(
                        run.events() < EVENTS,
                        "{name} as {personality:?}, seed {seed}: no end at {:?}",
                        run.now()
                    );
                }
                run.check_conservation();
                let counters = (0..spec.nodes.len()).filter_map(|node| run.counters(NodeId(node as u32)));
                retransmitted += counters.map(|counters| counters.tcp_retrans_segs).sum::<u64>();
                // Old data may pass for new where the defences are switched off: that scenario says so itself.
                if typed.check.as_ref().and_then(|check| check.stream) == Some(false) {
                    continue;
                }
                let broken = violation(run.records());
                assert!(
                    broken.is_none(),
                    "{name} as {personality:?}, seed {seed}: {}",
                    broken.unwrap_or_default()
                );
                assert!(
                    run.findings().is_empty(),
                    "{name} as {personality:?}, seed {seed}: {:?}",
                    run.findings()
                );
            }
        }
    }
    assert!(retransmitted > 10_000, "the weather was not bad: {retransmitted} retransmissions");
}

/// Seed 1: as it was. Others: ever worse.
fn foul(typed: &mut Scenario, seed: u64) {
    let badness = 30_000 * (seed - 1);
    if badness == 0 {
        return;
    }
    for link in &mut typed.links {
        link.loss = Some(Percent(badness));
        link.duplicate = Some(Percent(badness));
        link.duplicate_delay = Some(Span(3_000_000));
        link.reorder = Some(Percent(badness));
        link.reorder_delay = Some(Span(7_000_000));
        link.corrupt = Some(Percent(badness / 4));
    }
}
