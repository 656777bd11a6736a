use super::*;

mod borders;
mod hystart;
mod letter;
mod others;

const MSS: u64 = 1000;

/// An acknowledgment of `acked` octets at `now`, all else without meaning.
pub(crate) fn sample(now: Time, acked: u64, cwnd: u64, ssthresh: u64) -> Sample {
    Sample {
        now,
        una: Seq(1),
        nxt: Seq(1),
        acked,
        advanced: acked,
        ece: false,
        mss: MSS,
        cwnd,
        ssthresh,
        srtt: Duration::ZERO,
        min_rtt: Duration::ZERO,
        rtt: None,
        slow_start_limit: u64::MAX,
        paced: false,
        pacing_rate: 0,
    }
}
/// The loss of a segment of `len` octets, all else without meaning.
pub(crate) fn lost_segment(len: u64) -> Lost {
    Lost {
        now: Time::ZERO,
        start: Seq(0),
        end: Seq(len),
        tx_in_flight: 0,
        lost: 0,
        app_limited: false,
        delivered: 0,
        phase: Phase::Open,
        sack: true,
        cwnd: 0,
        mss: MSS,
    }
}
pub(crate) fn start() -> Start {
    Start { now: Time::ZERO, una: Seq(1), mss: MSS, window: 10 * MSS, rtt: Duration::ZERO, ecn: true }
}
pub(crate) fn event(signal: Signal, cwnd: u64, ssthresh: u64) -> Event {
    Event {
        signal,
        now: Time::ZERO,
        flight: cwnd,
        nxt: Seq(1),
        mss: MSS,
        cwnd,
        ssthresh,
        min_rtt: Duration::ZERO,
        delivered: 0,
        abe: false,
    }
}

/// A sender that always has data, on a path whose round trips last what `rtt` says of each.
pub(crate) struct Path {
    pub now: Time,
    pub una: Seq,
    pub cwnd: u64,
    pub ssthresh: u64,
    pub per_ack: u64,
    pub paced: bool,
    /// Between two acknowledgments of a round.
    pub gap: Duration,
}

impl Path {
    pub fn new(cwnd: u64) -> Path {
        let per_ack = MSS;
        Path {
            now: Time::ZERO,
            una: Seq(1),
            cwnd,
            ssthresh: u64::MAX,
            per_ack,
            paced: false,
            gap: Duration::ZERO,
        }
    }
    /// One round trip: a window is sent, then acknowledged, `marked` of its acknowledgments with ECE. The delay of
    /// each is `rtt` of its number.
    pub fn round(&mut self, c: &mut dyn Control, marked: u64, rtt: impl Fn(u64) -> Duration) -> u64 {
        let (window, begun) = (self.cwnd, self.now);
        let mut nxt = self.una + window;
        let mut left = window;
        let mut n = 0;
        while left > 0 {
            let acked = self.per_ack.min(left);
            left -= acked;
            self.una += acked;
            let delay = rtt(n);
            self.now = self.now.max(begun + delay) + self.gap;
            let s = Sample {
                una: self.una,
                nxt,
                ece: n < marked,
                rtt: Some(delay),
                srtt: delay,
                min_rtt: delay,
                paced: self.paced,
                ..sample(self.now, acked, self.cwnd, self.ssthresh)
            };
            if let Some(ssthresh) = c.on_delivered(&s) {
                self.ssthresh = ssthresh;
            }
            let before = self.cwnd;
            self.cwnd = c.on_ack(&Sample { ssthresh: self.ssthresh, ..s });
            nxt += acked + self.cwnd.saturating_sub(before);
            n += 1;
        }
        self.cwnd
    }
}

/// A sender that always has data: returns the window after each round trip.
fn rounds(
    c: &mut Controller,
    mut cwnd: u64,
    ssthresh: u64,
    rtt: Duration,
    n: usize,
    per_ack: u64,
) -> Vec<u64> {
    let mut now = Time::ZERO;
    let mut history = Vec::new();
    for _ in 0..n {
        let window = cwnd;
        let mut left = window;
        now += rtt;
        while left > 0 {
            let acked = per_ack.min(left);
            left -= acked;
            cwnd = c.on_ack(&Sample { srtt: rtt, min_rtt: rtt, ..sample(now, acked, cwnd, ssthresh) });
        }
        history.push(cwnd);
    }
    history
}
fn make(cfg: &Config) -> Controller {
    Controller::new(&start(), cfg)
}
fn reno() -> Controller {
    make(&Config { congestion: Congestion::Reno, ..Config::rfc() })
}
fn cubic() -> Controller {
    make(&Config { congestion: Congestion::Cubic, hystart: false, ..Config::rfc() })
}
fn loss(cwnd: u64) -> Event {
    event(Signal::Loss, cwnd, cwnd)
}

/// 5681/3.1-CA, 5681/3.1-CAMAX, 5681/3.1-CABYTES: one segment per round trip, however the ACKs come.
#[test]
fn reno_grows_one_segment_a_round() {
    for per_ack in [1, 500, MSS, 2 * MSS, 10 * MSS] {
        let history = rounds(&mut reno(), 10 * MSS, 10 * MSS, Duration::from_millis(100), 100, per_ack);
        let grown = (history[99] - 10 * MSS) / MSS;
        assert!((99..=100).contains(&grown), "{per_ack}: {grown}");
    }
}

/// 5681/3.1-SS, SAFE/ACKDIV: slow start counts bytes, so a thousand ACKs of one byte are worth one segment.
#[test]
fn slow_start_counts_bytes() {
    let ssthresh = u64::MAX;
    assert_eq!(rounds(&mut reno(), 10 * MSS, ssthresh, Duration::from_millis(10), 1, MSS)[0], 20 * MSS);
    assert_eq!(rounds(&mut reno(), MSS, ssthresh, Duration::from_millis(10), 1, 1)[0], 2 * MSS);
}

/// 3465/2.2-SS: an ACK of ten segments adds L.
#[test]
fn slow_start_is_limited_per_ack() {
    let sample = Sample { slow_start_limit: 2 * MSS, ..sample(Time::ZERO, 10 * MSS, 10 * MSS, u64::MAX) };
    assert_eq!(reno().on_ack(&sample), 12 * MSS);
    assert_eq!(cubic().on_ack(&sample), 12 * MSS);
}

/// 5681/3.1-TOSS, 9438/4.6-BETA.
#[test]
fn reductions() {
    assert_eq!(reno().on_congestion(&loss(20 * MSS)), 10 * MSS);
    assert_eq!(reno().on_congestion(&loss(MSS)), 2 * MSS);
    assert_eq!(cubic().on_congestion(&loss(100 * MSS)), 70 * MSS);
    assert_eq!(cubic().on_congestion(&loss(2 * MSS)), 2 * MSS);
}

/// 9438/4.2-FUNC, 4.4-CONCAVE, 4.5-CONVEX: within two segments of the curve, plateau at W_max after K.
#[test]
fn cubic_follows_its_curve() {
    let mut c = cubic();
    let cwnd = c.on_congestion(&loss(1000 * MSS));
    assert_eq!(cwnd, 700 * MSS);
    // K = cbrt(300 / 0.4) = 9.086 s. After i round trips of 100 ms, t = (i - 1) * 100 ms: the first ACK starts it.
    let history = rounds(&mut c, cwnd, cwnd, Duration::from_millis(100), 120, MSS);
    for (i, cwnd) in history.iter().enumerate() {
        let d = (i as i64 + 1) * 100 - 9086;
        let expected = 1_000_000 + d * d * d / 2_500_000 * 1000 / 1000;
        let off = (*cwnd as i64 - expected).abs();
        assert!(off <= 12_000, "round {i}: {cwnd}, expected {expected}");
    }
}

/// 9438/4.7-FC: losses at 100 and then 80: W_max 100, then 68.
#[test]
fn fast_convergence() {
    let mut c = cubic();
    c.on_congestion(&loss(100 * MSS));
    c.on_congestion(&loss(80 * MSS));
    assert_eq!(format!("{c:?}").matches("w_max: 68000").count(), 1);
}

/// 9438/4.3-FRIEND: with a small window CUBIC grows at least as AIMD(9/17, 0.7).
#[test]
fn cubic_is_no_slower_than_reno() {
    let mut c = cubic();
    let cwnd = c.on_congestion(&loss(20 * MSS));
    let history = rounds(&mut c, cwnd, cwnd, Duration::from_millis(5), 40, MSS);
    // 14 segments and 9/17 a round up to the old 20, then one a round.
    assert!(history[39] >= 40 * MSS, "{}", history[39]);
    assert!(history[39] <= 55 * MSS, "{}", history[39]);
}

/// 9438/4.2-APPLIM: ten idle seconds do not move the curve.
#[test]
fn cubic_ignores_idle_time() {
    let mut c = cubic();
    let rtt = Duration::from_millis(100);
    let cwnd = c.on_congestion(&loss(100 * MSS));
    let cwnd = *rounds(&mut c, cwnd, cwnd, rtt, 5, MSS).last().unwrap();
    let now = Time::ZERO + Duration::from_secs(60);
    c.on_app_limited(now);
    let after = c.on_ack(&Sample { srtt: rtt, ..sample(now, MSS, cwnd, 1) });
    assert!(after <= cwnd + MSS);
}

/// 9438/4.8-RTO: after a timeout the next stage starts at K = 0 with W_max = cwnd.
#[test]
fn cubic_after_a_timeout() {
    let mut c = cubic();
    let ssthresh = c.on_congestion(&Event { signal: Signal::Timeout, ..loss(100 * MSS) });
    assert_eq!(ssthresh, 70 * MSS);
    let cwnd = *rounds(&mut c, MSS, ssthresh, Duration::from_millis(100), 30, MSS).last().unwrap();
    assert!(cwnd >= 70 * MSS, "{cwnd}");
    assert!(format!("{c:?}").contains("k_ms: 0"));
}

/// 9438/4.9-SPUR.
#[test]
fn cubic_undo() {
    let mut c = cubic();
    c.on_congestion(&loss(100 * MSS));
    c.on_congestion(&loss(80 * MSS));
    c.on_undo(Time::ZERO, 0);
    assert!(format!("{c:?}").matches("w_max: 100000").count() >= 1);
}

/// 5681/3.1-IW, 5681/3.1-LOSTSYN, 6928/2-IW10, 6928/2-LOST-REL.
#[test]
fn initial_windows() {
    let (linux, rfc) = (Config::linux(), Config::rfc());
    assert_eq!(initial_window(1448, 0, &linux), 14_480);
    assert_eq!(initial_window(1448, 1, &linux), 14_480);
    assert_eq!(initial_window(1448, 2, &linux), 1448);
    assert_eq!(initial_window(536, 0, &rfc), 4 * 536);
    assert_eq!(initial_window(1460, 0, &rfc), 3 * 1460);
    assert_eq!(initial_window(8960, 0, &rfc), 2 * 8960);
    assert_eq!(initial_window(1460, 1, &rfc), 1460);
}

/// The ablation: nothing moves it.
#[test]
fn fixed_window() {
    let mut c = make(&Config { congestion: Congestion::Fixed(7), ..Config::linux() });
    assert_eq!(rounds(&mut c, 7 * MSS, u64::MAX, Duration::from_millis(1), 5, MSS), vec![7 * MSS; 5]);
    assert_eq!(c.constant(MSS), Some(7 * MSS));
}

/// 6928/2-IW10: min(10 MSS, max(2 MSS, 14600)); Linux counts segments alone.
#[test]
fn ten_segments_are_bounded_in_bytes() {
    let ten = Config { initial_window: 10, ..Config::rfc() };
    for (mss, bytes) in [(536, 5_360), (1460, 14_600), (2000, 14_600), (8960, 17_920)] {
        assert_eq!(initial_window(mss, 0, &ten), bytes, "{mss}");
        assert_eq!(initial_window(mss, 0, &Config::freebsd()), bytes, "{mss}");
        assert_eq!(initial_window(mss, 0, &Config::linux()), 10 * u64::from(mss));
    }
    // 6928/2-LOST, 6928/2-LOST-REL
    assert_eq!(initial_window(1460, 1, &ten), 14_600);
    assert_eq!(initial_window(1460, 2, &ten), 1_460);
}
