//! What is just enough, and what just is not, for Vegas and for Linux's HyStart.

use super::super::hystart_ticks::{Detect, HyStartTicks};
use super::*;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}
fn us(n: u64) -> Time {
    Time::ZERO + Duration::from_micros(n)
}

// --- HyStart (Linux `hystart_update`) ---------------------------------------------------------------------------------

fn detect(what: u8) -> Detect {
    Detect::new(&Config { hystart_detect: what, ..Config::linux() })
}
/// A sample in slow start, with SND.UNA at `una`.
fn at(now: Time, una: u64, cwnd: u64) -> Sample {
    Sample { una: Seq(una), nxt: Seq(una + 50_000), ..sample(now, MSS, cwnd, u64::MAX) }
}

/// A train lasts longer than half of the smallest delay and of what aggregation may add, which is the time that four of the largest
/// skbs take at the pacing rate, a millisecond at most; with pacing the whole of both.
#[test]
fn a_train_is_longer_than_half_of_the_delay() {
    for (paced, pacing_rate, threshold) in [
        (false, 0, 10_000),
        (false, 521_720_000, 10_250),
        (false, 1_000_000, 10_500),
        (true, 0, 20_000),
        (true, 521_720_000, 20_500),
        (true, 1_000_000, 21_000),
    ] {
        for (last, ends) in [(threshold, false), (threshold + 1, true)] {
            let mut h = HyStartTicks::new(0, Seq(1_000_000));
            let ended = (1..=last / 1000).map(|n| n * 1000).chain([last]).map(|now| {
                let s = Sample { paced, pacing_rate, ..at(us(now), 1, 32 * MSS) };
                h.on_delay(&s, 20_000, 20_000, detect(1))
            });
            assert_eq!(ended.last(), Some(ends), "{paced} {pacing_rate}, {last} us");
        }
    }
}

/// Acknowledgments 2 ms apart are of one train, those a microsecond further apart are not, nor is what comes behind them.
#[test]
fn a_train_has_no_gaps() {
    for (gap, ends) in [(2000, true), (2001, false)] {
        let mut h = HyStartTicks::new(0, Seq(1_000_000));
        let ended = (1..=20).any(|n| h.on_delay(&at(us(n * gap), 1, 32 * MSS), 20_000, 20_000, detect(1)));
        assert_eq!(ended, ends, "{gap} us apart");
    }
}

/// A round ends with an acknowledgment beyond what was the last when it began, not with one of just that: the train begins anew.
#[test]
fn a_round_ends_beyond_its_end() {
    for (una, ends) in [(5000, true), (5001, false)] {
        let mut h = HyStartTicks::new(0, Seq(5000));
        for n in 1..=10 {
            assert!(!h.on_delay(&at(us(n * 1000), 1, 32 * MSS), 20_000, 20_000, detect(1)));
        }
        assert_eq!(h.on_delay(&at(us(10_500), una, 32 * MSS), 20_000, 20_000, detect(1)), ends, "{una}");
    }
}

/// It looks at windows of sixteen segments, and at none that is an octet smaller.
#[test]
fn small_windows_are_not_looked_at() {
    for (cwnd, ends) in [(16 * MSS - 1, false), (16 * MSS, true)] {
        let mut h = HyStartTicks::new(0, Seq(1_000_000));
        let ended = (1..=20).any(|n| h.on_delay(&at(us(n * 1000), 1, cwnd), 20_000, 20_000, detect(1)));
        assert_eq!(ended, ends, "{cwnd}");
    }
}

/// Delays have risen if the smallest of a round exceeds the smallest of all by more than an eighth of it, 4 ms at least and 16 ms
/// at most; the ninth sample of a round is the first that decides, and once is enough.
#[test]
fn delays_have_risen() {
    for (least, rise) in
        [(8_000, 4_000), (32_000, 4_000), (80_000, 10_000), (128_000, 16_000), (400_000, 16_000)]
    {
        for (delay, ends) in [(least + rise, 0), (least + rise + 1, 4)] {
            let mut h = HyStartTicks::new(0, Seq(1_000_000));
            let mut decided = Vec::new();
            for n in 1..=9 {
                decided.push(h.on_delay(&at(us(n * 5000), 1, 32 * MSS), delay + 9 - n, least, detect(2)));
            }
            let last = decided.pop();
            assert!(decided.iter().all(|ended| !ended), "{decided:?}");
            assert_eq!(last, Some(ends > 0), "{delay} of {least}");
            // What was found is found once.
            assert!(!h.on_delay(&at(us(99_000), 1, 32 * MSS), delay, least, detect(2)) || ends == 0);
        }
    }
}

// --- Vegas (Linux `tcp_vegas_cong_avoid`: alpha 2, beta 4, gamma 1) ---------------------------------------------------

/// What a round of so many samples of `rtt` makes of a window of fifty segments on a path of 100 ms: cwnd, and ssthresh if it
/// changes, in segments.
fn judged(ssthresh: u64, samples: u64, rtt: u64) -> (u64, Option<u64>) {
    let mut c = Vegas::default();
    let s = |una, rtt| Sample {
        una: Seq(una),
        nxt: Seq(una + 1000),
        rtt: Some(ms(rtt)),
        ..sample(Time::ZERO, MSS, 50 * MSS, ssthresh)
    };
    c.on_delivered(&s(1, 100));
    // The round ends beyond 1001; what was the end of the one before is not beyond it.
    c.on_delivered(&s(1001, 100));
    c.on_delivered(&s(1002, 100));
    c.on_ack(&s(1002, 100));
    for n in 1..samples {
        c.on_delivered(&s(1002 + n, rtt));
    }
    let changed = c.on_delivered(&s(2003, rtt));
    (c.on_ack(&s(2003, rtt)) / MSS, changed.map(|ssthresh| ssthresh / MSS))
}

/// Two to four segments in the queue are what it keeps; three samples tell, two do not.
#[test]
fn vegas_keeps_two_to_four_segments_queued() {
    for (rtt, cwnd, ssthresh) in [
        (100, 51, Some(37)),
        (103, 51, Some(37)),
        (104, 50, Some(37)),
        (109, 50, Some(37)),
        (110, 49, Some(36)),
    ] {
        // A threshold that lies below three quarters of the window follows it.
        assert_eq!(judged(20 * MSS, 3, rtt), (cwnd, ssthresh), "{rtt} ms");
        assert_eq!(judged(40 * MSS, 3, rtt), (cwnd, None), "{rtt} ms");
    }
    assert_eq!(judged(50 * MSS, 3, 110), (49, Some(48)), "a smaller window is not in slow start");
    // In slow start more than one is too much: down to what leaves the path empty, and one more.
    assert_eq!(judged(u64::MAX, 3, 103), (51, None), "slow start goes on");
    assert_eq!(judged(u64::MAX, 3, 104), (49, Some(48)), "50 / 1.04 and one; the threshold lies one below");
    assert_eq!(
        judged(50 * MSS, 3, 104),
        (50, None),
        "a window that has reached the threshold is not in slow start"
    );
    // Too few samples: as Reno, which adds a fiftieth of a segment for one.
    assert_eq!(judged(20 * MSS, 2, 110), (50, None));
}
