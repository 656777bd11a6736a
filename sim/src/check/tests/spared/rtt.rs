//! How the estimates may move, and what is no sample.

use tcp::config::RtoFloor;
use tcp::{Config, Duration};

use crate::check::rtt::Moved;
use crate::check::tests::laws::run::{A, Watched, scenario, tuple};
use crate::spec::Loss;
use crate::{Simulator, TraceLevel};

/// What is said of estimates, in milliseconds, that go from here to there by a sample.
fn wrong(before: (i64, i64), sample: i64, now: (f64, f64), rto: f64, kind: RtoFloor) -> Option<&'static str> {
    let nanos = |ms: f64| (ms * 1e6) as i64;
    let before = (before.0 * 1_000_000, before.1 * 1_000_000);
    let moved = Moved { before, now: (nanos(now.0), nanos(now.1)), rto: nanos(rto) };
    moved.wrong(sample * 1_000_000, kind, [200_000_000, 60_000_000_000, 0])
}

/// RFC 6298, sections 2.2 to 2.5.
#[test]
fn the_deviation_is_that_from_the_old_mean() {
    use RtoFloor::Total;
    assert_eq!(wrong((0, 0), 400, (400.0, 200.0), 1200.0, Total), None);
    assert_eq!(wrong((400, 200), 800, (450.0, 250.0), 1450.0, Total), None);
    // SRTT first: 350 ms, of which a quarter.
    assert_eq!(wrong((400, 200), 800, (450.0, 237.5), 1400.0, Total), Some("RTTVAR moves wrongly"));
    assert_eq!(wrong((400, 200), 800, (443.75, 250.0), 1443.75, Total), Some("SRTT moves wrongly"));
    assert_eq!(wrong((0, 0), 400, (400.0, 400.0), 2000.0, Total), Some("RTTVAR moves wrongly"));
    // Less than the sum of both, and more than that and a tick.
    assert_eq!(wrong((400, 200), 800, (450.0, 250.0), 1449.0, Total), Some("the RTO is too short"));
    assert_eq!(wrong((400, 200), 800, (450.0, 250.0), 1460.1, Total), Some("the RTO is too long"));
    // The bounds.
    assert_eq!(wrong((10, 0), 10, (10.0, 0.0), 200.0, Total), None);
    assert_eq!(wrong((10, 0), 10, (10.0, 0.0), 211.0, Total), Some("the RTO is too long"));
    assert_eq!(wrong((0, 0), 40_000, (40_000.0, 20_000.0), 60_000.0, Total), None);
}

/// A path that became faster raises Linux's deviation an eighth as fast; its margin is that of the last round trips.
#[test]
fn linux_follows_a_faster_path_slowly() {
    use RtoFloor::Variance;
    assert_eq!(wrong((400, 50), 240, (380.0, 50.0 + 110.0 / 32.0), 1000.0, Variance), None);
    assert_eq!(
        wrong((400, 50), 240, (380.0, 50.0 + 110.0 / 4.0), 1000.0, Variance),
        Some("RTTVAR moves wrongly")
    );
    assert_eq!(wrong((400, 200), 320, (390.0, 170.0), 1100.0, Variance), None);
    assert_eq!(wrong((400, 200), 320, (390.0, 170.0), 1000.0, Variance), Some("the RTO is too short"));
}

/// Losses make what is acknowledged doubtful: nothing is asked of that (Karn).
#[test]
fn what_was_sent_again_is_no_sample() {
    for config in [Config::linux(), Config::freebsd(), Config::rfc()] {
        let mut spec = scenario();
        spec.links
            .values_mut()
            .flat_map(|link| &mut link.ways)
            .for_each(|way| way.loss = Loss::Bernoulli(200_000));
        for node in spec.nodes.values_mut() {
            if let crate::spec::Node::Host(host) = node {
                host.tcp = std::sync::Arc::new(config.clone());
            }
        }
        for seed in 0..20 {
            spec.seed = seed;
            let mut sim = Simulator::new(&spec, TraceLevel::Off).with_checks(&spec);
            sim.run();
            assert_eq!(sim.violations(), [], "seed {seed}");
        }
    }
}

/// One segment at a time is known to have been sent once, until another goes out, or the same again.
#[test]
fn a_second_segment_makes_it_doubtful() {
    let mut watched = Watched::new();
    let once = |watched: &Watched| watched.checks.ends.get(A, &tuple()).and_then(|end| end.once);
    while once(&watched).is_none() {
        watched.step();
    }
    let syn = once(&watched).expect("the SYN");
    let end = watched.checks.ends.get_mut(A, &tuple()).expect("it has begun");
    assert_eq!(syn, (end.iss, watched.sim.now));
    end.sends(syn.0, watched.sim.now + Duration::from_secs(1));
    assert_eq!(once(&watched), None);
}
