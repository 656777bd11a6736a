//! Random scenarios of fixed seeds break no law, come to rest, and are the same each time.

use timewait::find::fuzz::{play, scenario};

#[test]
fn the_first_seeds_break_nothing() {
    for seed in 1..=250 {
        let scenario = scenario(seed).unwrap_or_else(|wrong| panic!("{wrong}"));
        let played = play(&scenario, true);
        assert_eq!(played.unexcused(), None, "seed {seed}\n{}", scenario.text);
    }
}

#[test]
fn a_seed_is_a_run() {
    for seed in 1..=20 {
        let hashes = [(); 2].map(|()| scenario(seed).map(|scenario| play(&scenario, true).hash));
        assert_eq!(hashes[0], hashes[1], "seed {seed}");
    }
}
