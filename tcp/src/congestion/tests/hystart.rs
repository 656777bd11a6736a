//! HyStart++ (RFC 9406) and Linux's HyStart.

use super::super::hystart::HyStart;
use super::*;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}
fn us(n: u64) -> Duration {
    Duration::from_micros(n)
}
fn plus_plus() -> Cubic {
    Cubic::new(&Config { congestion: Congestion::Cubic, ..Config::rfc() })
}

/// A round of HyStart++: `n` samples of `rtt`, the last of which acknowledges windowEnd.
fn round(h: &mut HyStart, una: &mut u64, n: u64, rtt: Duration) -> bool {
    let mut ends = false;
    for i in 1..=n {
        *una += if i == n { 10_000 } else { 1 };
        let (una, nxt) = (Seq(*una), Seq(*una + 9_000));
        ends |= h.on_delivered(&Sample {
            una,
            nxt,
            rtt: Some(rtt),
            ..sample(Time::ZERO, MSS, 50 * MSS, u64::MAX)
        });
    }
    ends
}

/// 9406/4.2-EXIT, 9406/4.2-ROUND, 9406/4.3-CONST: an eighth of the last round's minimum, within 4 and 16 ms.
#[test]
fn the_threshold_is_an_eighth_within_bounds() {
    for (base, threshold) in [(us(10_000), us(4_000)), (us(100_000), us(12_500)), (us(400_000), us(16_000))] {
        for (rise, slow) in [(threshold.saturating_sub(Duration::from_nanos(1)), false), (threshold, true)] {
            let (mut h, mut una) = (HyStart::new(Seq(5_000)), 1);
            round(&mut h, &mut una, 20, base);
            round(&mut h, &mut una, 20, base + rise);
            assert_eq!(h.is_conservative(), slow, "{base} and {rise}");
        }
    }
}

/// 9406/4.2-EXIT, 9406/4.3-SAMPLES: fewer than eight samples in a round decide nothing; nor does a first round.
#[test]
fn eight_samples_are_needed() {
    for (samples, slow) in [(7, false), (8, true)] {
        let (mut h, mut una) = (HyStart::new(Seq(5_000)), 1);
        round(&mut h, &mut una, 20, ms(50));
        round(&mut h, &mut una, 20, ms(50));
        round(&mut h, &mut una, samples, ms(100));
        assert_eq!(h.is_conservative(), slow, "{samples}");
    }
}

/// 9406/4.2-CSS, 9406/4.2-CA: a quarter as fast, for five rounds of which a partial one counts; then ssthresh = cwnd.
#[test]
fn conservative_slow_start_ends_after_five_rounds() {
    let (mut c, mut path) = (plus_plus(), Path::new(16 * MSS));
    path.round(&mut c, 0, |_| ms(100));
    path.round(&mut c, 0, |_| ms(120));
    let mut slow = 1;
    while path.ssthresh == u64::MAX {
        let before = path.cwnd;
        path.round(&mut c, 0, |_| ms(120));
        if path.ssthresh == u64::MAX {
            let growth = path.cwnd * 100 / before;
            assert!((120..=126).contains(&growth), "{growth} %");
        }
        slow += 1;
        assert!(slow <= 6, "still in CSS");
    }
    assert_eq!(slow, 5);
    assert!(path.cwnd >= path.ssthresh && path.cwnd <= path.ssthresh + 2 * MSS);
}

/// 9406/4.2-SPUR: a rise that lasts one round only was jitter.
#[test]
fn a_spike_does_not_end_slow_start() {
    let (mut c, mut path) = (plus_plus(), Path::new(16 * MSS));
    for rtt in [100, 100, 130] {
        path.round(&mut c, 0, |_| ms(rtt));
    }
    let before = path.cwnd;
    // The first eight samples tell; from then on growth is full again.
    path.round(&mut c, 0, |_| ms(100));
    assert!(path.cwnd > before * 18 / 10, "{before} to {}", path.cwnd);
    assert_eq!(path.ssthresh, u64::MAX);
}

/// 9406/4.2-CWND, 9406/4.3-PACED: an acknowledgment of twenty segments adds eight, or twenty where sending is paced.
#[test]
fn growth_is_limited_unless_paced() {
    for (paced, adds) in [(false, 8), (true, 20)] {
        let mut c = plus_plus();
        let s = Sample { paced, ..sample(Time::ZERO, 20 * MSS, 40 * MSS, u64::MAX) };
        c.on_delivered(&s);
        assert_eq!(c.on_ack(&s), (40 + adds) * MSS);
    }
}

/// 9406/4.3-INIT: only the initial slow start.
#[test]
fn not_after_a_timeout() {
    let (mut c, mut path) = (plus_plus(), Path::new(16 * MSS));
    path.ssthresh = 1000 * MSS;
    for rtt in [100, 200, 400, 800] {
        let before = path.cwnd;
        path.round(&mut c, 0, |_| ms(rtt));
        assert_eq!(path.cwnd, 2 * before);
    }
}

/// 9406/4.2-LOSS: a loss in conservative slow start ends it; the next growth is congestion avoidance.
#[test]
fn a_loss_ends_it() {
    let (mut c, mut path) = (plus_plus(), Path::new(64 * MSS));
    path.round(&mut c, 0, |_| ms(100));
    path.round(&mut c, 0, |_| ms(130));
    path.ssthresh = Control::on_congestion(&mut c, &event(Signal::Loss, path.cwnd, u64::MAX));
    path.cwnd = path.ssthresh;
    let before = path.cwnd;
    path.round(&mut c, 0, |_| ms(130));
    assert!(path.cwnd <= before + 4 * MSS, "{before} to {}", path.cwnd);
}

// --- Linux ---------------------------------------------------------------------------------------------------------

fn linux(detect: u8) -> CubicTicks {
    CubicTicks::new(&Config { hystart_detect: detect, ..Config::linux() })
}

/// Linux: after eight samples above the smallest delay and an eighth of it (4 to 16 ms) slow start ends at once.
#[test]
fn linux_ends_slow_start_on_delay() {
    for (detect, ends) in [(3, true), (2, true), (1, false)] {
        let (mut c, mut path) = (linux(detect), Path::new(16 * MSS));
        // Acknowledgments too far apart for a train.
        path.gap = ms(3);
        path.round(&mut c, 0, |_| ms(40));
        path.round(&mut c, 0, |_| ms(44));
        assert_eq!(path.ssthresh, u64::MAX, "44 ms is not above 40 and an eighth");
        path.round(&mut c, 0, |_| ms(46));
        assert_eq!(path.ssthresh != u64::MAX, ends, "{detect}");
    }
}

/// Linux: a train of acknowledgments at most 2 ms apart that lasts longer than half of the delay ends slow start.
#[test]
fn linux_ends_slow_start_on_a_train() {
    for (gap, detect, ends) in [(us(1000), 1, true), (us(1000), 2, false), (us(2500), 1, false)] {
        let (mut c, mut path) = (linux(detect), Path::new(32 * MSS));
        path.gap = gap;
        path.round(&mut c, 0, |_| ms(20));
        path.round(&mut c, 0, |_| ms(20));
        assert_eq!(path.ssthresh != u64::MAX, ends, "gap {gap}, detect {detect}");
    }
}

/// Linux: below sixteen segments HyStart does not look.
#[test]
fn linux_leaves_small_windows_alone() {
    let (mut c, mut path) = (linux(3), Path::new(4 * MSS));
    path.round(&mut c, 0, |_| ms(20));
    path.round(&mut c, 0, |_| ms(200));
    assert_eq!((path.cwnd, path.ssthresh), (16 * MSS, u64::MAX));
}
