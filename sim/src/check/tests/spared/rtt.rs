//! How the estimates may move, and what is no sample.

use tcp::config::RtoFloor;
use tcp::{Config, Duration, Rule};

use crate::check::rtt::Moved;
use crate::check::tests::laws::run::{A, Watched, each_host, scenario, tuple};
use crate::spec::Loss;
use crate::{Simulator, TraceLevel};

/// A millisecond, in nanoseconds.
const MS: i64 = 1_000_000;

/// What is said of estimates, in milliseconds, that become these, in nanoseconds, by a sample, and of an RTO.
fn wrong(before: (i64, i64), sample: i64, now: (i64, i64), rto: i64, kind: RtoFloor) -> Option<&'static str> {
    let moved = Moved { before: (before.0 * MS, before.1 * MS), now, rto };
    moved.wrong(sample * MS, kind, [200 * MS, 60_000 * MS, 0])
}

/// RFC 6298, sections 2.2 to 2.5.
#[test]
fn the_deviation_is_that_from_the_old_mean() {
    use RtoFloor::Total;
    assert_eq!(wrong((0, 0), 400, (400 * MS, 200 * MS), 1200 * MS, Total), None);
    let (mean, variation) = (450 * MS, 250 * MS);
    assert_eq!(wrong((400, 200), 800, (mean, variation), 1450 * MS, Total), None);
    // SRTT first: 350 ms, of which a quarter.
    let swapped = 237_500_000;
    assert_eq!(wrong((400, 200), 800, (mean, swapped), 1400 * MS, Total), Some("RTTVAR moves wrongly"));
    let less = 443_750_000;
    assert_eq!(
        wrong((400, 200), 800, (less, variation), less + 1000 * MS, Total),
        Some("SRTT moves wrongly")
    );
    assert_eq!(wrong((0, 0), 400, (400 * MS, 400 * MS), 2000 * MS, Total), Some("RTTVAR moves wrongly"));
    // Less than the sum of both, and more than that and a tick.
    assert_eq!(wrong((400, 200), 800, (mean, variation), 1449 * MS, Total), Some("the RTO is too short"));
    assert_eq!(wrong((400, 200), 800, (mean, variation), 1461 * MS, Total), Some("the RTO is too long"));
    // The bounds.
    assert_eq!(wrong((10, 0), 10, (10 * MS, 0), 200 * MS, Total), None);
    assert_eq!(wrong((10, 0), 10, (10 * MS, 0), 211 * MS, Total), Some("the RTO is too long"));
    assert_eq!(wrong((0, 0), 40_000, (40_000 * MS, 20_000 * MS), 60_000 * MS, Total), None);
}

/// What FreeBSD adds is in it.
#[test]
fn what_is_added_to_the_rto_belongs_to_it() {
    let wrong = |rto: i64| {
        let moved = Moved { before: (10 * MS, 0), now: (10 * MS, 0), rto: rto * MS };
        moved.wrong(10 * MS, RtoFloor::Total, [30 * MS, 60_000 * MS, 200 * MS])
    };
    let told = [209, 210, 230, 240, 241].map(wrong);
    assert_eq!(told, [Some("the RTO is too short"), None, None, None, Some("the RTO is too long")]);
}

/// A path that became faster raises Linux's deviation an eighth as fast; its margin is that of the last round trips.
#[test]
fn linux_follows_a_faster_path_slowly() {
    use RtoFloor::Variance;
    let (mean, rise) = (380 * MS, 110 * MS);
    assert_eq!(wrong((400, 50), 240, (mean, 50 * MS + rise / 32), 1000 * MS, Variance), None);
    let fast = (mean, 50 * MS + rise / 4);
    assert_eq!(wrong((400, 50), 240, fast, 1000 * MS, Variance), Some("RTTVAR moves wrongly"));
    assert_eq!(wrong((400, 200), 320, (390 * MS, 170 * MS), 1100 * MS, Variance), None);
    let short = Some("the RTO is too short");
    assert_eq!(wrong((400, 200), 320, (390 * MS, 170 * MS), 1000 * MS, Variance), short);
}

/// What RFC 4015 makes of SRTT and RTTVAR is no lower than the sample alone would.
#[test]
fn patience_is_no_less_than_the_sample() {
    let moved = |srtt, rttvar| Moved { before: (538 * MS, 346 * MS), now: (srtt * MS, rttvar * MS), rto: 0 };
    let patient =
        [(559, 413), (410, 205), (409, 413), (559, 204)].map(|(s, v)| moved(s, v).is_patient(410 * MS));
    assert_eq!(patient, [true, true, false, false]);
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
        each_host(&mut spec, |host| *host = config.clone());
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
    let once = |watched: &Watched| watched.checks.ends.get(A, &tuple()).and_then(|end| end.trips.once);
    while once(&watched).is_none() {
        watched.step();
    }
    let syn = once(&watched).expect("the SYN");
    let end = watched.checks.ends.get_mut(A, &tuple()).expect("it has begun");
    assert_eq!(syn, (end.iss, watched.sim.now));
    end.sends(syn.0, watched.sim.now + Duration::from_secs(1), Rule::SynRetransmit);
    assert_eq!(once(&watched), None);
}
