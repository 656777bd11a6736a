//! ABE, DCTCP, Vegas, Westwood+.

use super::*;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// 8511/3-BETA, 8511/3-SS: ECE in congestion avoidance leaves four fifths, in slow start what a loss leaves; a loss
/// always costs the same.
#[test]
fn abe_reduces_less_on_ece() {
    for (mut c, plain) in [(reno(), 50), (cubic(), 70)] {
        for (abe, signal, ssthresh, left) in [
            (true, Signal::Ecn, MSS, 80),
            (true, Signal::Ecn, u64::MAX, plain),
            (true, Signal::Loss, MSS, plain),
            (false, Signal::Ecn, MSS, plain),
        ] {
            let event = Event { abe, ..event(signal, 100 * MSS, ssthresh) };
            assert_eq!(c.on_congestion(&event), left * MSS, "{abe} {signal:?} {ssthresh}");
        }
    }
}

fn dctcp() -> Dctcp {
    Dctcp::new(&start())
}

/// 8257/3.3-ALPHA0: alpha begins at one, so the first mark halves.
#[test]
fn dctcp_halves_at_first() {
    let mut c = dctcp();
    assert_eq!(c.alpha_ppm(), 1_000_000);
    assert_eq!(c.on_congestion(&event(Signal::Ecn, 100 * MSS, u64::MAX)), 50 * MSS);
}

/// 8257/3.3-ALPHA, 8257/3.3-BYTES: with a quarter of the octets marked alpha tends to a quarter.
#[test]
fn dctcp_alpha_follows_the_share_of_marks() {
    let (mut c, mut path) = (dctcp(), Path::new(100 * MSS));
    path.ssthresh = MSS;
    for _ in 0..200 {
        path.cwnd = 100 * MSS;
        path.round(&mut c, 25, |_| ms(1));
    }
    let alpha = c.alpha_ppm();
    assert!((240_000..=260_000).contains(&alpha), "{alpha}");
    // 8257/3.3-CWND: cwnd (1 - alpha / 2).
    let left = c.on_congestion(&event(Signal::Ecn, 1000 * MSS, MSS)) / MSS;
    assert!((870..=880).contains(&left), "{left}");
}

/// 8257/3.3-ALPHA: one window moves alpha by a sixteenth of the difference.
#[test]
fn dctcp_gain_is_a_sixteenth() {
    let (mut c, mut path) = (dctcp(), Path::new(100 * MSS));
    path.ssthresh = MSS;
    path.round(&mut c, 0, |_| ms(1));
    path.round(&mut c, 0, |_| ms(1));
    let alpha = c.alpha_ppm();
    let expected = [937_500, 878_906];
    assert!(expected.iter().any(|e| alpha.abs_diff(*e) < 1000), "{alpha}");
}

/// 8257/4.2-CLAMP: alpha stays within [0, 1] and reaches 0.
#[test]
fn dctcp_alpha_reaches_both_ends() {
    let (mut c, mut path) = (dctcp(), Path::new(10 * MSS));
    path.ssthresh = MSS;
    for _ in 0..400 {
        path.cwnd = 10 * MSS;
        path.round(&mut c, 0, |_| ms(1));
    }
    assert_eq!(c.alpha_ppm(), 0);
    assert_eq!(c.on_congestion(&event(Signal::Ecn, 100 * MSS, MSS)), 100 * MSS);
    for _ in 0..400 {
        path.cwnd = 10 * MSS;
        path.round(&mut c, 10, |_| ms(1));
        assert!(c.alpha_ppm() <= 1_000_000);
    }
    assert!(c.alpha_ppm() > 990_000);
}

/// 8257/3.5-LOSS, 8257/3.5-RTO: losses cost half, whatever alpha says.
#[test]
fn dctcp_losses_are_conventional() {
    let (mut c, mut path) = (dctcp(), Path::new(10 * MSS));
    for _ in 0..400 {
        path.cwnd = 10 * MSS;
        path.round(&mut c, 0, |_| ms(1));
    }
    for signal in [Signal::Loss, Signal::Timeout] {
        assert_eq!(c.on_congestion(&event(signal, 100 * MSS, MSS)), 50 * MSS);
    }
}

/// DCTCP needs ECN: without it Reno does its work (RFC 8257, section 3).
#[test]
fn dctcp_without_ecn_is_reno() {
    let cfg = Config { congestion: Congestion::Dctcp, ..Config::linux() };
    assert_eq!(Controller::new(&start(), &cfg).name(), "dctcp");
    assert_eq!(Controller::new(&Start { ecn: false, ..start() }, &cfg).name(), "reno");
}

/// A bottleneck that holds `bdp` segments without a queue: each one more adds to the delay.
fn delay(cwnd: u64, bdp: u64) -> Duration {
    ms(100) * (cwnd / MSS).max(bdp) / bdp
}

/// Vegas keeps two to four segments in the queue.
#[test]
fn vegas_keeps_a_short_queue() {
    let (mut c, mut path) = (Vegas::default(), Path::new(4 * MSS));
    path.round(&mut c, 0, |_| ms(100));
    for _ in 0..200 {
        let rtt = delay(path.cwnd, 50);
        path.round(&mut c, 0, |_| rtt);
    }
    let cwnd = path.cwnd / MSS;
    assert!((52..=54).contains(&cwnd), "{cwnd}");
    // The path gets narrower: the window follows.
    for _ in 0..200 {
        let rtt = delay(path.cwnd, 30);
        path.round(&mut c, 0, |_| rtt);
    }
    let cwnd = path.cwnd / MSS;
    assert!((32..=34).contains(&cwnd), "{cwnd}");
}

/// Vegas answers a loss as Reno does.
#[test]
fn vegas_halves_on_loss() {
    let mut c = Vegas::default();
    assert_eq!(c.on_congestion(&event(Signal::Loss, 20 * MSS, MSS)), 10 * MSS);
}

/// Westwood+: the threshold after a loss is the rate of acknowledgments times the smallest round-trip time, not half
/// of a window that a full queue has blown up.
#[test]
fn westwood_goes_down_to_what_the_path_carries() {
    let (mut c, mut path) = (Westwood::default(), Path::new(50 * MSS));
    path.ssthresh = MSS;
    path.now = Time::ZERO + ms(1);
    path.round(&mut c, 0, |_| ms(100));
    // A window of 100 segments every 200 ms: 500 segments a second, half of them in a queue.
    for _ in 0..100 {
        path.cwnd = 100 * MSS;
        path.round(&mut c, 0, |_| ms(200));
    }
    let ssthresh = c.on_congestion(&event(Signal::Loss, 100 * MSS, MSS)) / MSS;
    assert!((48..=52).contains(&ssthresh), "{ssthresh}");
    // Random loss in an empty queue costs next to nothing.
    let (mut c, mut path) = (Westwood::default(), Path::new(50 * MSS));
    path.ssthresh = MSS;
    path.now = Time::ZERO + ms(1);
    for _ in 0..100 {
        path.cwnd = 50 * MSS;
        path.round(&mut c, 0, |_| ms(100));
    }
    let ssthresh = c.on_congestion(&event(Signal::Loss, 50 * MSS, MSS)) / MSS;
    assert!(ssthresh >= 48, "{ssthresh}");
}

/// Westwood+ before its first sample: as Reno.
#[test]
fn westwood_without_a_sample_is_reno() {
    assert_eq!(Westwood::default().on_congestion(&event(Signal::Loss, 20 * MSS, MSS)), 10 * MSS);
}
