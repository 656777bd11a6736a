//! RFC 9438 against an independent model in wide integers: rationals of nanoseconds and bytes, nothing rounded before
//! the end.

use super::*;

/// floor(cbrt(n)), by bisection.
fn cbrt(n: u128) -> u128 {
    let (mut low, mut high) = (0u128, 1 << 42);
    while low + 1 < high {
        let mid = (low + high) / 2;
        if mid * mid * mid <= n { low = mid } else { high = mid }
    }
    low
}

/// CUBIC of RFC 9438, sections 4.2 to 4.6, for a sender that always has data. Windows are in billionths of segments.
struct Model {
    w_max: i128,
    k_us: i128,
    cwnd: i128,
    prior: i128,
    w_est: i128,
    epoch: Option<Time>,
}

const UNIT: i128 = 1_000_000_000;

impl Model {
    fn w_cubic(&self, t_us: i128) -> i128 {
        // C (t - K)^3 + W_max with C = 2/5 a cubic second.
        let d = t_us - self.k_us;
        self.w_max + d * d * d * 2 / 5 / 1_000_000_000
    }
    fn loss(&mut self) {
        self.w_max = if self.cwnd < self.w_max { self.cwnd * 17 / 20 } else { self.cwnd };
        self.prior = self.cwnd;
        self.cwnd = (self.cwnd * 7 / 10).max(2 * UNIT);
        self.epoch = None;
    }
    fn ack(&mut self, now: Time, rtt: Duration) {
        let epoch = *self.epoch.get_or_insert_with(|| {
            self.w_max = self.w_max.max(self.cwnd);
            self.w_est = self.cwnd;
            // K = cbrt((W_max - cwnd) / C), in microseconds.
            let below = (self.w_max - self.cwnd) as u128;
            self.k_us = cbrt(below * 5 / 2 * 1_000_000_000) as i128;
            now
        });
        let t = i128::from(now.since(epoch).as_micros());
        let alpha = if self.w_est < self.prior { (9, 17) } else { (1, 1) };
        self.w_est += UNIT * UNIT / self.cwnd * alpha.0 / alpha.1;
        if self.w_cubic(t) < self.w_est {
            self.cwnd = self.cwnd.max(self.w_est);
            return;
        }
        let target = self.w_cubic(t + i128::from(rtt.as_micros())).clamp(self.cwnd, self.cwnd * 3 / 2);
        self.cwnd += (target - self.cwnd) * UNIT / self.cwnd;
    }
}

/// 9438/4.2-FUNC, 4.3-FRIEND, 4.4-CONCAVE, 4.5-CONVEX, 4.6-BETA, 4.7-FC, 5-C: within a segment and a half percent at
/// every acknowledgment, over windows and round-trip times of both regions, and over losses at several points of the
/// curve.
#[test]
fn the_curve_is_that_of_the_rfc() {
    for (window, rtt_ms, epochs) in
        [(20, 5, [60, 30, 90]), (100, 100, [30, 80, 40]), (1000, 40, [100, 150, 20]), (10, 300, [50, 10, 30])]
    {
        let rtt = Duration::from_millis(rtt_ms);
        let mut c = cubic();
        let mut model = Model { w_max: 0, k_us: 0, cwnd: window * UNIT, prior: 0, w_est: 0, epoch: None };
        let mut cwnd = window as u64 * MSS;
        let mut now = Time::ZERO;
        for rounds in epochs {
            let ssthresh = c.on_congestion(&event(Signal::Loss, cwnd, MSS));
            cwnd = ssthresh / MSS * MSS;
            model.loss();
            for round in 0..rounds {
                let acks = cwnd / MSS;
                for n in 0..acks {
                    now += Duration::from_nanos(rtt.as_nanos() / acks);
                    cwnd = c.on_ack(&Sample { srtt: rtt, min_rtt: rtt, ..sample(now, MSS, cwnd, ssthresh) });
                    model.ack(now, rtt);
                    let (ours, theirs) = (i128::from(cwnd) * UNIT / i128::from(MSS), model.cwnd);
                    let off = (ours - theirs).abs();
                    assert!(
                        off <= UNIT * 3 / 2 + theirs * 3 / 200,
                        "window {window}, RTT {rtt}, round {round}, ack {n}: {cwnd}, expected {}",
                        theirs * i128::from(MSS) / UNIT
                    );
                }
            }
        }
    }
}

/// 9438/4.7-FCOFF: a flow that is known to be alone keeps W_max.
#[test]
fn fast_convergence_can_be_off() {
    let cfg = Config { congestion: Congestion::Cubic, fast_convergence: false, ..Config::rfc() };
    let mut c = make(&cfg);
    c.on_congestion(&loss(100 * MSS));
    c.on_congestion(&loss(80 * MSS));
    assert!(format!("{c:?}").contains("w_max: 80000"), "{c:?}");
}

/// 9438/4.10-SS, 4.10-HSPP: slow start below ssthresh, with HyStart++ by default.
#[test]
fn slow_start_below_the_threshold() {
    let mut c = cubic();
    assert_eq!(c.on_ack(&sample(Time::ZERO, MSS, 10 * MSS, 20 * MSS)), 11 * MSS);
    assert!(Config::rfc().hystart && Config::freebsd().hystart);
    assert!(!Config::rfc().cubic_ticks && !Config::freebsd().cubic_ticks);
}

/// 9438/4.9-SPUR: what a needless reduction changed is back, with the epoch that was running.
#[test]
fn an_undo_restores_the_curve() {
    let rtt = Duration::from_millis(100);
    let mut c = cubic();
    let ssthresh = c.on_congestion(&loss(100 * MSS));
    let mut cwnd = ssthresh;
    let mut now = Time::ZERO;
    let mut one = |c: &mut Controller, cwnd: u64| {
        now += Duration::from_millis(1);
        c.on_ack(&Sample { srtt: rtt, ..sample(now, MSS, cwnd, ssthresh) })
    };
    for _ in 0..3000 {
        cwnd = one(&mut c, cwnd);
    }
    let mut undone = c.clone();
    undone.on_congestion(&loss(cwnd));
    undone.on_undo(Time::ZERO, cwnd);
    let now_of = |c: &Controller| format!("{c:?}").split("before").next().map(str::to_owned);
    assert_eq!(now_of(&undone), now_of(&c));
}

/// 9438/4.2-FUNC: however far the curve has got away, a round trip makes the window half as large again at most.
#[test]
fn no_more_than_half_in_a_round_trip() {
    let rtt = Duration::from_millis(100);
    let mut c = cubic();
    let ssthresh = c.on_congestion(&loss(100 * MSS));
    let mut one = |at, cwnd| {
        c.on_ack(&Sample { srtt: rtt, ..sample(Time::ZERO + Duration::from_secs(at), MSS, cwnd, ssthresh) })
    };
    one(1, 100 * MSS);
    let mut cwnd = 100 * MSS;
    for _ in 0..100 {
        cwnd = one(600, cwnd);
    }
    // The segments that are added make the shares of the later ones no larger: each earns half of one.
    assert_eq!(cwnd, 150 * MSS);
}
