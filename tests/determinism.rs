//! One run is a function of its file and seed: nothing else has a say.

use sim::{Simulator, TraceLevel};
use timewait::scenario::resolve::resolve;

use crate::gallery::{load, run};
use crate::scenarios::files;

/// Runs with more events than this are cloned only now and then.
const SMALL: u64 = 400;

#[test]
fn twice_in_one_process() {
    for (name, path) in files("scenarios") {
        let scenario = load(&path);
        let (first, second) = (run(&scenario), run(&scenario));
        assert_eq!(first.trace_hash(), second.trace_hash(), "{name}");
        assert_eq!(first.records(), second.records(), "{name}");
        assert_eq!(first.now(), second.now(), "{name}");
    }
}

#[test]
fn watched_or_not() {
    for (name, path) in files("scenarios") {
        let scenario = load(&path);
        let hashes = [TraceLevel::Off, TraceLevel::On, TraceLevel::Verbose].map(|level| {
            let mut run = Simulator::new(scenario.spec(), level);
            run.run();
            run.trace_hash()
        });
        assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{name}: {hashes:x?}");
    }
}

/// The world is a value: a clone taken after any event goes on as the original does.
#[test]
fn a_clone_goes_on_as_the_original() {
    for (name, path) in files("scenarios") {
        let scenario = load(&path);
        let whole = run(&scenario);
        let step = 1 + whole.events() / SMALL * 37;
        let mut original = Simulator::new(scenario.spec(), TraceLevel::On);
        while original.step() {
            if original.events().is_multiple_of(step) {
                let mut clone = original.clone();
                clone.run();
                assert_eq!(
                    clone.trace_hash(),
                    whole.trace_hash(),
                    "{name}, cloned after {} events",
                    original.events()
                );
                assert_eq!(clone.records().len(), whole.records().len(), "{name}");
            }
        }
        assert_eq!(original.trace_hash(), whole.trace_hash(), "{name}");
        original.check_conservation();
    }
}

/// Hosts and routers are kept by name; links mean the same in whatever order a file mentions them.
#[test]
fn order_of_mention_means_nothing() {
    for (name, path) in files("scenarios") {
        let scenario = load(&path);
        let mut typed = scenario.typed.clone();
        typed.links.reverse();
        let spec = resolve(&typed).unwrap_or_else(|complaints| panic!("{name}: {complaints:?}"));
        let mut turned = Simulator::new(&spec, TraceLevel::Off);
        turned.run();
        assert_eq!(turned.trace_hash(), run(&scenario).trace_hash(), "{name}");
    }
}
