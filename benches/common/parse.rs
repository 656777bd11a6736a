//! From text to a scenario that is known to be right.

use timewait::scenario::Scenario;

pub fn parse(text: &str) -> sim::Spec {
    match Scenario::parse("bench.ron", text) {
        Ok(scenario) => scenario.spec().clone(),
        Err(error) => panic!("{error}"),
    }
}
