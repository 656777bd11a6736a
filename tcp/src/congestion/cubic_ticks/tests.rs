use super::super::Signal;
use super::super::tests::{event, sample};
use super::*;

const MSS: u64 = 1000;

fn new() -> CubicTicks {
    CubicTicks::new(&Config { hystart: false, ..Config::linux() })
}
/// Window after each round trip of a sender that always has data.
fn rounds(c: &mut CubicTicks, cwnd: u64, rtt_ms: u64, n: u64, from_ms: u64) -> Vec<u64> {
    let mut cwnd = cwnd * MSS;
    let mut history = Vec::new();
    for round in 1..=n {
        let now = Time::ZERO + Duration::from_millis(from_ms + round * rtt_ms);
        let rtt = Duration::from_millis(rtt_ms);
        for _ in 0..cwnd / MSS {
            let s = Sample { rtt: Some(rtt), srtt: rtt, ..sample(now, MSS, cwnd, MSS) };
            c.on_delivered(&s);
            cwnd = c.on_ack(&s);
        }
        history.push(cwnd / MSS);
    }
    history
}

/// Linux: beta 717/1024, two segments at least.
#[test]
fn reduction() {
    let mut c = new();
    assert_eq!(c.on_congestion(&event(Signal::Loss, 10 * MSS, MSS)), 7 * MSS);
    assert_eq!(c.on_congestion(&event(Signal::Loss, 100 * MSS, MSS)), 70 * MSS);
    assert_eq!(c.on_congestion(&event(Signal::Loss, 2 * MSS, MSS)), 2 * MSS);
}

/// Linux: before any loss at least 5 % a round trip, never more than half.
#[test]
fn growth_without_a_loss() {
    let mut c = new();
    let history = rounds(&mut c, 100, 10, 10, 0);
    let first = history[0];
    assert!((104..=106).contains(&first), "{history:?}");
    let late = rounds(&mut c, 100, 10, 3, 60_000);
    assert!(
        late.iter().zip([100, late[0], late[1]]).all(|(after, before)| *after <= before * 3 / 2 + 1),
        "{late:?}"
    );
}

/// The curve of RFC 9438: back at W_max after K, and up from there.
#[test]
fn the_curve() {
    let mut c = new();
    rounds(&mut c, 100, 100, 1, 0);
    c.on_congestion(&event(Signal::Loss, 1000 * MSS, MSS));
    // K = cbrt(300 / 0.4) = 9.09 s.
    let history = rounds(&mut c, 700, 100, 120, 1000);
    for (i, cwnd) in history.iter().enumerate() {
        let d = i as i64 * 100 + 100 - 9086;
        let expected = 1000 + d * d * d / 2_500_000_000;
        assert!((*cwnd as i64 - expected).abs() <= 12, "round {i}: {cwnd}, expected {expected}");
    }
}

/// Fast convergence, and what a timeout leaves: nothing.
#[test]
fn w_max() {
    let mut c = new();
    rounds(&mut c, 10, 100, 1, 0);
    let w_max = |c: &CubicTicks| c.state.as_ref().map(|s| s.w_max);
    c.on_congestion(&event(Signal::Loss, 100 * MSS, MSS));
    assert_eq!(w_max(&c), Some(100));
    c.on_congestion(&event(Signal::Loss, 80 * MSS, MSS));
    assert_eq!(w_max(&c), Some(68));
    c.on_timeout(Time::ZERO, Seq(1));
    assert_eq!(w_max(&c), Some(0));
    let mut alone = CubicTicks { fast_convergence: false, ..new() };
    rounds(&mut alone, 10, 100, 1, 0);
    alone.on_congestion(&event(Signal::Loss, 100 * MSS, MSS));
    alone.on_congestion(&event(Signal::Loss, 80 * MSS, MSS));
    assert_eq!(w_max(&alone), Some(80));
}

/// Linux `cubictcp_cwnd_event`: idle time moves the start of the epoch, so the window does not jump.
#[test]
fn idle_time_does_not_count() {
    let (mut idle, mut busy) = (new(), new());
    for c in [&mut idle, &mut busy] {
        rounds(c, 100, 100, 1, 0);
        c.on_congestion(&event(Signal::Loss, 100 * MSS, MSS));
        rounds(c, 70, 100, 10, 1000);
    }
    let pause = Duration::from_secs(20);
    idle.on_idle_end(Time::ZERO + Duration::from_secs(22), pause);
    assert_eq!(rounds(&mut idle, 80, 100, 3, 22_000), rounds(&mut busy, 80, 100, 3, 2_000));
}

/// Linux `bictcp_update`, `tcp_friendliness`: Reno's window grows by one for fifteen eighths of the window that are acknowledged, once
/// more than that are; where it is ahead, so many fewer are needed for the next segment.
#[test]
fn the_window_of_reno() {
    for (acked, w_est, left) in [(15, 8, 15), (16, 9, 1), (30, 9, 15), (31, 10, 1), (46, 11, 1)] {
        let mut state = State { acked, w_est: 8, cnt: 100, ..State::new(Time::ZERO, Seq(1)) };
        state.keep_up_with_reno(8);
        let ahead = w_est - 8;
        let cnt = 8u64.checked_div(ahead).unwrap_or(100);
        assert_eq!((state.w_est, state.acked, state.cnt), (w_est, left, cnt), "{acked} acknowledged");
    }
    let mut state = State { w_est: 9, cnt: 3, ..State::new(Time::ZERO, Seq(1)) };
    state.keep_up_with_reno(8);
    assert_eq!(state.cnt, 3, "the curve is ahead of it");
}

/// Linux `cubictcp_acked`: for a second after a reduction delays are not looked at.
#[test]
fn delays_behind_a_reduction() {
    for (ms, delay_us) in [(1003, 20_000), (1004, 10_000)] {
        let mut c = new();
        let at = |ms, rtt| Sample {
            rtt: Some(Duration::from_millis(rtt)),
            ..sample(Time::ZERO + Duration::from_millis(ms), MSS, 10 * MSS, MSS)
        };
        c.on_delivered(&at(4, 20));
        c.on_ack(&at(4, 20)); // the curve begins
        c.on_delivered(&at(ms, 10));
        assert_eq!(c.state.as_ref().map(|state| state.delay_us), Some(delay_us), "{ms} ms");
    }
}

/// Linux: HyStart looks at slow start alone, which ends where cwnd reaches ssthresh.
#[test]
fn hystart_is_for_slow_start() {
    for (ssthresh, ends) in [(32 * MSS, false), (32 * MSS + 1, true)] {
        let mut c = CubicTicks::new(&Config { hystart_detect: 2, ..Config::linux() });
        let ended = [10, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40].map(|rtt| {
            let s = sample(Time::ZERO + Duration::from_millis(rtt), MSS, 32 * MSS, ssthresh);
            let begins = if rtt == 10 { 2 } else { 3 };
            c.on_delivered(&Sample {
                una: Seq(begins),
                nxt: Seq(begins),
                rtt: Some(Duration::from_millis(rtt)),
                ..s
            })
        });
        assert_eq!(ended.into_iter().flatten().next(), ends.then_some(32 * MSS), "{ssthresh}");
    }
}

#[test]
fn cube_roots() {
    for n in [0u64, 1, 7, 8, 26, 27, 1_000_000, 999_999_999, u64::MAX] {
        let r = u128::from(cube_root(n));
        assert!(r.pow(3) <= u128::from(n), "{n}");
        assert!((r + 1).pow(3) > u128::from(n) || r == (1 << 22) - 1, "{n}");
    }
}
