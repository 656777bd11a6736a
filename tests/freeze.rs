//! A frozen run is the run: the same trace hash, with nothing left to chance.

use sim::spec::{Discipline, Loss};
use sim::{Simulator, TraceLevel};
use timewait::find::freeze::freeze;
use timewait::scenario::Scenario;

use crate::generated::generated;
use crate::scenarios::files;

fn hash(scenario: &Scenario) -> u64 {
    let mut simulator = Simulator::new(scenario.spec(), TraceLevel::Off).without_checks();
    simulator.run();
    simulator.trace_hash()
}

fn freezes(name: &str, scenario: &Scenario) {
    let (frozen, before) =
        freeze(scenario).unwrap_or_else(|problems| panic!("{name}: {problems:?}\n{}", scenario.text));
    assert_eq!(hash(scenario), before, "{name}: writing fates down changes them");
    assert_eq!(
        hash(&frozen),
        before,
        "{name}: frozen it runs otherwise:\n{}\n{}",
        scenario.text,
        frozen.text
    );
    for way in frozen.spec().links.values().flat_map(|link| &link.ways) {
        let loss = matches!(way.loss, Loss::None | Loss::Listed(_)) || way.loss == Loss::Bernoulli(0);
        let rest = [way.duplicate_ppm, way.reorder_ppm, way.corrupt_ppm, way.jitter.scale.as_nanos() as u32];
        let queue = !matches!(way.discipline, Discipline::Red(_) | Discipline::Pie(_));
        assert!(loss && rest == [0; 4] && queue, "{name}: left to chance: {way:?}");
    }
    let (again, _) = freeze(&frozen).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
    assert_eq!(again.text, frozen.text, "{name}: what is frozen stays as it is");
}

#[test]
fn the_gallery_freezes() {
    for (name, path) in files("scenarios") {
        freezes(&name, &crate::gallery::load(&path));
    }
}

#[test]
fn random_scenarios_freeze() {
    for seed in 0..200 {
        let text = generated(seed);
        let scenario = Scenario::parse("generated.ron", &text).unwrap_or_else(|wrong| panic!("{wrong}"));
        freezes(&format!("seed {seed}"), &scenario);
    }
}
