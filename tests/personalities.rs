//! Every personality against every other: over the same bad network, with the same programs, all nine pairs deliver the same
//! bytes to the same programs, break no law, and come to rest. `timewait fuzz --differential` tries more.

use sim::{Simulator, TraceLevel, What};
use timewait::find::differential::{compare, scenario};

#[test]
fn all_pairs_deliver_the_same_to_the_same() {
    for seed in 0..40 {
        let scenario = scenario(seed).unwrap_or_else(|wrong| panic!("{wrong}"));
        let all = compare(&scenario, &|| true).unwrap_or_else(|| panic!("seed {seed}: it stopped"));
        assert!(all.found.is_empty(), "seed {seed}: {:#?}\n{}", all.found, scenario.text);
        assert_eq!(all.compared, 8, "seed {seed}");
    }
}

/// What is laid side by side is something: the client reads until the end.
#[test]
fn what_is_compared_is_a_whole_conversation() {
    for seed in 0..40 {
        let scenario = scenario(seed).unwrap_or_else(|wrong| panic!("{wrong}"));
        let mut run = Simulator::new(scenario.spec(), TraceLevel::On);
        run.run();
        let whole = run.records().iter().any(|record| match &record.what {
            What::Program { call, result, .. } => call.contains("recv until EOF") && result.ends_with("EOF"),
            _ => false,
        });
        assert!(whole, "seed {seed}");
    }
}
