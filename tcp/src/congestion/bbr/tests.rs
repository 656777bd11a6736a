//! The rows of draft-ietf-ccwg-bbr on deliveries made by hand; whole runs are in the scenarios.

use super::super::tests::{event, lost_segment, sample, start};
use super::super::{Phase, Rate, Sample};
use super::*;
use crate::seq::Seq;

const MSS: u64 = 1000;
const RTT: Duration = Duration::from_millis(100);

/// A path that delivers what it is told, round trip by round trip.
struct Path {
    bbr: Bbr,
    now: Time,
    delivered: u64,
    cwnd: u64,
    inflight: u64,
    rtt: Duration,
    app_limited: bool,
    phase: Phase,
    lost: u64,
    sack: bool,
    cwnd_limited: bool,
}

impl Path {
    fn new() -> Path {
        Path {
            bbr: Bbr::new(&Start { rtt: RTT, ..start() }),
            now: Time::ZERO,
            delivered: 0,
            cwnd: 10 * MSS,
            inflight: 10 * MSS,
            rtt: RTT,
            app_limited: false,
            phase: Phase::Open,
            lost: 0,
            sack: true,
            cwnd_limited: true,
        }
    }
    /// One acknowledgment, a round trip after the last, of `bytes` at `rate` bytes a second.
    fn round(&mut self, rate: u64, bytes: u64) -> Steering {
        self.now += self.rtt;
        self.ack(rate, bytes, true)
    }
    fn ack(&mut self, rate: u64, bytes: u64, new_round: bool) -> Steering {
        let prior = if new_round { self.delivered } else { 0 };
        self.delivered += bytes;
        let steering = self.bbr.on_delivery(&Delivery {
            sample: Sample {
                rtt: Some(self.rtt),
                srtt: self.rtt,
                min_rtt: RTT,
                ..sample(self.now, bytes, self.cwnd, u64::MAX)
            },
            rate: Rate {
                rate,
                delivered: bytes,
                interval: self.rtt,
                prior_delivered: Some(prior),
                tx_in_flight: self.inflight,
                lost: self.lost,
                app_limited: self.app_limited,
            },
            delivered: self.delivered,
            lost_so_far: self.lost,
            lost: 0,
            inflight_before: self.inflight,
            inflight: self.inflight,
            phase: self.phase,
            cwnd_limited: self.cwnd_limited,
            sack: self.sack,
            ack_delayed: false,
            release_in: Duration::ZERO,
        });
        self.cwnd = steering.cwnd;
        steering
    }
    /// Into ProbeBW on a path of 1 MB/s: a BDP of 100 segments.
    fn probing() -> Path {
        let mut path = Path::new();
        for _ in 0..6 {
            path.round(1_000_000, 100 * MSS);
        }
        path.inflight = 50 * MSS;
        for _ in 0..2 {
            path.round(1_000_000, 50 * MSS);
        }
        assert!(path.bbr.is_in_probe_bw(), "{:?}", path.bbr.state);
        path
    }
    /// On until `state`, with what keeps the pipe full.
    fn until(&mut self, state: State) {
        for _ in 0..2000 {
            if self.bbr.state == state {
                return;
            }
            if state != State::ProbeRtt {
                self.bbr.probe_rtt_min_stamp = self.now;
            }
            self.round(1_000_000, 100 * MSS);
        }
        panic!("never in {state:?}, but in {:?}", self.bbr.state);
    }
    fn lose(&mut self, start: u64, bytes: u64, tx_in_flight: u64) {
        self.lost += bytes;
        self.bbr.on_lost(&Lost {
            now: self.now,
            start: Seq(start),
            end: Seq(start + bytes),
            tx_in_flight,
            lost: self.lost,
            app_limited: self.app_limited,
            delivered: self.delivered,
            phase: self.phase,
            sack: self.sack,
            cwnd: self.cwnd,
            mss: MSS,
        });
    }
}
/// BBR/2.12-CONST.
#[test]
fn constants_are_the_drafts() {
    use constants::*;
    assert_eq!((LOSS_THRESH, BETA, HEADROOM, MIN_PIPE_CWND, PACING_MARGIN), (2, 70, 15, 4, 1));
    assert_eq!((MIN_RTT_FILTER_LEN, PROBE_RTT_INTERVAL), (Duration::from_secs(10), Duration::from_secs(5)));
    assert_eq!((PROBE_RTT_DURATION, PROBE_RTT_CWND_GAIN), (Duration::from_millis(200), 50));
    assert_eq!((EXTRA_ACKED_FILTER_LEN, STARTUP_FULL_LOSS_COUNT, RENO_ROUNDS), (10, 6, 63));
}

/// BBR/5.2-INITPACE: 2.77 initial windows a round trip, of 1 ms while that is not known.
#[test]
fn initial_pacing_rate() {
    assert_eq!(Path::new().bbr.pacing_rate(), 277_000);
    let mut path = Path { bbr: Bbr::new(&start()), ..Path::new() };
    assert_eq!(path.bbr.pacing_rate(), 27_700_000);
    path.round(0, MSS);
    assert_eq!(path.bbr.pacing_rate(), 277_000, "measured at last");
}

/// BBR/5.3.1-STARTUP: gains 2.77 and 2; the rate doubles with the bandwidth, the window with what is acknowledged.
#[test]
fn startup() {
    let mut path = Path::new();
    assert_eq!((path.bbr.pacing_gain, path.bbr.cwnd_gain), (277, 200));
    for n in 0..5 {
        let rate = 100_000 << n;
        let steering = path.round(rate, path.cwnd);
        assert!(steering.pacing_rate >= rate * 277 * 99 / 10_000, "{n}");
        assert_eq!(steering.cwnd, (20 * MSS) << n);
    }
    assert_eq!(path.bbr.state, State::Startup);
}

/// BBR/5.3.1-PLATEAU: three rounds with less than a quarter more each.
#[test]
fn startup_ends_on_a_plateau() {
    let mut path = Path::new();
    path.round(1_000_000, 10 * MSS);
    path.round(1_240_000, 10 * MSS);
    path.round(1_240_000, 10 * MSS);
    assert_eq!(path.bbr.state, State::Startup);
    path.round(1_240_000, 10 * MSS);
    assert!(path.bbr.full_bw_reached && path.bbr.full_bw_now);
    assert_ne!(path.bbr.state, State::Startup);
    // A quarter more begins the count anew.
    let mut path = Path::new();
    for n in 0..12 {
        path.round(1_000_000 * 126u64.pow(n / 2) / 100u64.pow(n / 2), 10 * MSS);
    }
    assert_eq!(path.bbr.state, State::Startup);
}

/// BBR/5.3.1-APPSTAY, BBR/4.1-APPLIM: rounds limited by the application decide nothing, and only raise max_bw.
#[test]
fn application_limited_rounds_do_not_count() {
    let mut path = Path::new();
    path.round(1_000_000, 10 * MSS);
    path.app_limited = true;
    for _ in 0..30 {
        path.round(100_000, MSS);
        path.rtt = RTT.saturating_sub(Duration::from_nanos(1));
        path.bbr.probe_rtt_min_stamp = path.now;
    }
    assert_eq!((path.bbr.state, path.bbr.max_bw()), (State::Startup, 1_000_000));
    path.round(1_500_000, MSS);
    assert_eq!(path.bbr.max_bw(), 1_500_000);
}

/// BBR/5.3.1-LOSS: a full round in recovery, more than 2 %, in six ranges.
#[test]
fn startup_ends_on_high_loss() {
    for (ranges, each, ends) in [(6, 500, true), (5, 600, false), (6, 300, false)] {
        let mut path = Path::new();
        path.inflight = 100 * MSS;
        for n in 0..4 {
            path.round(100_000 << n, 20 * MSS);
        }
        path.bbr
            .on_congestion(&Event { delivered: path.delivered, ..event(Signal::Loss, path.cwnd, u64::MAX) });
        path.phase = Phase::Recovery;
        path.round(1_600_000, 20 * MSS);
        for range in 0..ranges {
            path.lose(1_000_000 + range * 10_000, each, 100 * MSS);
        }
        path.round(3_200_000, 20 * MSS);
        path.round(6_400_000, 20 * MSS);
        assert_eq!(path.bbr.full_bw_reached, ends, "{ranges} ranges of {each}");
        assert_eq!(path.bbr.inflight_longterm != u64::MAX, ends);
    }
    // Without SACK any loss in recovery is enough.
    let mut path = Path::new();
    path.sack = false;
    (path.phase, path.lost) = (Phase::Recovery, 1);
    path.round(1_000_000, 10 * MSS);
    assert!(path.bbr.full_bw_reached);
}

/// BBR/5.3.2-DRAIN: half the rate until what is in flight fits the path, or for three rounds.
#[test]
fn drain_ends_in_two_ways() {
    for (inflight, rounds) in [(100 * MSS, 0), (300 * MSS, 4)] {
        let mut path = Path::new();
        path.inflight = 300 * MSS;
        while path.bbr.state == State::Startup {
            path.round(1_000_000, 100 * MSS);
        }
        assert_eq!((path.bbr.state, path.bbr.pacing_gain, path.bbr.cwnd_gain), (State::Drain, 50, 200));
        path.inflight = inflight;
        let mut n = 0;
        while path.bbr.state == State::Drain {
            path.round(1_000_000, 100 * MSS);
            n += 1;
        }
        assert!(path.bbr.is_in_probe_bw());
        assert!(n - 1 <= rounds, "{n}");
        assert_eq!(n > 2, rounds > 0);
    }
}

/// BBR/5.3.3-DOWN, -CRUISE, -REFILL, -UP: gains, and what leads from one to the next.
#[test]
fn the_cycle() {
    let mut path = Path::probing();
    path.until(State::Cruise);
    assert_eq!((path.bbr.pacing_gain, path.bbr.cwnd_gain), (100, 200));
    path.until(State::Refill);
    assert_eq!((path.bbr.pacing_gain, path.bbr.bw_shortterm), (100, u64::MAX));
    path.ack(1_000_000, MSS, false);
    assert_eq!(path.bbr.state, State::Refill, "for a whole round");
    path.round(1_000_000, 100 * MSS);
    assert_eq!((path.bbr.state, path.bbr.pacing_gain, path.bbr.cwnd_gain), (State::Up, 125, 225));
    // BBR/5.3.3-UPEXIT: three rounds without growth.
    path.until(State::Down);
    assert_eq!(path.bbr.pacing_gain, 90);
    // Too much in flight: it stays until there is room.
    path.inflight = 200 * MSS;
    path.round(1_000_000, 10 * MSS);
    assert_eq!(path.bbr.state, State::Down);
    path.inflight = 100 * MSS;
    path.round(1_000_000, 10 * MSS);
    assert_eq!(path.bbr.state, State::Cruise);
}

/// BBR/5.3.3-WAIT: two to three seconds or as many rounds as the BDP has segments, 63 at most; not always the same.
#[test]
fn probes_are_spaced_at_random() {
    let (mut waits, mut rounds) = (Vec::new(), 0);
    for seed in 0..200 {
        let mut bbr = Bbr::new(&Start { una: Seq(seed * 7919), rtt: RTT, ..start() });
        bbr.start_down(Time::ZERO, 0);
        waits.push(bbr.bw_probe_wait.as_millis());
        rounds += bbr.rounds_since_probe_up;
    }
    assert!(waits.iter().all(|w| (2000..=3000).contains(w)));
    assert!(
        waits.iter().filter(|w| **w < 2500).count() > 60 && waits.iter().filter(|w| **w >= 2500).count() > 60
    );
    assert!((60..140).contains(&rounds), "{rounds}");
    let mut path = Path::probing();
    path.rtt = Duration::from_millis(1);
    path.until(State::Refill);
    let rounds = (path.bbr.target_inflight(path.cwnd) / MSS).min(63);
    let waited = path.now > path.bbr.cycle_stamp + path.bbr.bw_probe_wait;
    assert!(path.bbr.rounds_since_probe_up >= rounds || waited);
}

/// BBR/5.3.3-UPEXIT, BBR/5.5-LONG: more than 2 % lost in a probe ends it and sets inflight_longterm; the next probe
/// stops as soon as it reaches that.
#[test]
fn a_probe_that_loses_too_much() {
    let mut path = Path::probing();
    path.inflight = 100 * MSS;
    path.until(State::Up);
    path.inflight = 150 * MSS;
    path.lose(1, 1000, 150 * MSS);
    assert_eq!(path.bbr.state, State::Up, "less than 2 %");
    path.lose(20_000, 5000, 150 * MSS);
    assert_eq!(path.bbr.state, State::Down);
    assert!(path.bbr.prev_probe_too_high);
    let limit = path.bbr.inflight_longterm;
    assert!((140 * MSS..=150 * MSS).contains(&limit), "{limit}");
    // Precaution.
    path.lost = 0;
    path.inflight = 100 * MSS;
    path.until(State::Up);
    path.inflight = limit;
    path.round(1_000_000, 100 * MSS);
    assert_eq!((path.bbr.state, path.bbr.prev_probe_precautionary), (State::Down, true));
    // It went well: at once to the next.
    path.inflight = 100 * MSS;
    path.round(1_000_000, 100 * MSS);
    assert_eq!(path.bbr.state, State::Refill);
}

/// BBR/5.5-LONG: where inside a burst losses crossed the threshold; never below 0.7 of the target.
#[test]
fn inflight_at_the_loss() {
    let lost = |tx_in_flight, lost, len| Lost { tx_in_flight, lost, ..lost_segment(len) };
    // 98 segments before, none lost: 2 % of 98 over 98 % are two more.
    assert_eq!(inflight_at_loss(&lost(108_000, 10_000, 10_000)), 100_000);
    assert_eq!(inflight_at_loss(&lost(100_000, 5_000, 1_000)), 99_000);
    let mut path = Path::probing();
    path.inflight = 100 * MSS;
    path.until(State::Up);
    path.lose(1, 1000, 10 * MSS);
    assert_eq!(path.bbr.inflight_longterm, 70 * MSS);
}

/// BBR/5.3.3-UP: inflight_longterm grows by 1, 2, 4, 8 … segments a round while cwnd is what limits.
#[test]
fn the_ceiling_rises_ever_faster() {
    let mut path = Path::probing();
    path.inflight = 100 * MSS;
    path.until(State::Up);
    path.bbr.inflight_longterm = 100 * MSS;
    path.cwnd = 100 * MSS;
    let mut growth = Vec::new();
    for _ in 0..6 {
        let before = path.bbr.inflight_longterm;
        path.cwnd = before;
        path.round(1_000_000, before);
        path.cwnd = path.bbr.inflight_longterm;
        path.ack(1_000_000, 1, false);
        growth.push((path.bbr.inflight_longterm - before) / MSS);
    }
    assert_eq!(path.bbr.state, State::Up, "the plateau is the ceiling's, not the path's");
    assert!(growth[1..].windows(2).all(|w| w[1] >= w[0] * 3 / 2), "{growth:?}");
    assert!(growth[0] <= 2 && growth[5] >= 16, "{growth:?}");
}

/// BBR/5.5-SHORT: a loss while not probing lowers bandwidth and volume to what was delivered, by 0.7 at most, once a
/// round.
#[test]
fn the_short_term_model() {
    let mut path = Path::probing();
    path.until(State::Cruise);
    path.bbr.bw_probe_wait = Duration::from_secs(1000);
    path.bbr.rounds_since_probe_up = 0;
    path.round(900_000, 90 * MSS);
    path.lose(1, 1000, 100 * MSS);
    path.round(900_000, 90 * MSS);
    assert_eq!((path.bbr.bw_shortterm, path.bbr.bw), (900_000, 900_000));
    path.lose(5000, 1000, 100 * MSS);
    path.round(100_000, 10 * MSS);
    path.lose(9000, 1000, 100 * MSS);
    path.round(100_000, 10 * MSS);
    assert!((560_000..=900_000).contains(&path.bbr.bw), "{}", path.bbr.bw);
    // BBR/5.3.3-REFILL forgets it.
    path.bbr.start_refill(path.delivered);
    assert_eq!((path.bbr.bw_shortterm, path.bbr.inflight_shortterm), (u64::MAX, u64::MAX));
}

/// BBR/5.5-MAXBW: the largest sample of this cycle and the last.
#[test]
fn max_bw_forgets_after_two_cycles() {
    let mut path = Path::probing();
    path.inflight = 50 * MSS;
    let mut cycles = 0;
    while path.bbr.max_bw() >= 1_000_000 {
        let before = path.bbr.state;
        path.round(100_000, 10 * MSS);
        cycles += u32::from(before == State::Up && path.bbr.state == State::Down);
        assert!(cycles <= 3, "{:?}", path.bbr);
    }
    assert!(cycles >= 1);
    assert_eq!(path.bbr.max_bw(), 100_000);
}

/// BBR/5.3.4-PRTTENTER, -PRTTHOLD: after five seconds without a lower sample the flight is cut to half the BDP for
/// 200 ms and a round; then the window is back.
#[test]
fn probe_rtt() {
    let mut path = Path::probing();
    path.until(State::Cruise);
    let before = path.cwnd;
    let lowest = path.bbr.probe_rtt_min_stamp;
    path.rtt = RTT + Duration::from_millis(1);
    path.inflight = 100 * MSS;
    path.until(State::ProbeRtt);
    let after = path.now.since(lowest);
    assert!(Duration::from_secs(5) < after && after <= Duration::from_secs(5) + path.rtt, "{after}");
    assert_eq!(path.bbr.cwnd_gain, 50);
    path.inflight = 100 * MSS;
    let steering = path.round(1_000_000, MSS);
    assert!(steering.mark_app_limited && path.cwnd <= 51 * MSS, "{}", path.cwnd);
    path.inflight = 50 * MSS;
    path.round(1_000_000, MSS);
    let reached = path.now;
    while path.bbr.state == State::ProbeRtt {
        path.round(1_000_000, MSS);
    }
    assert!(path.now.since(reached) > Duration::from_millis(200));
    assert_eq!(path.bbr.state, State::Cruise);
    assert!(path.cwnd >= before.min(100 * MSS), "{}", path.cwnd);
}

/// BBR/5.3.4-PRTTENTER: not after an idle time, which has drained the queue as well. BBR/5.4-IDLE: then pacing is at
/// the bandwidth, and the window as it was.
#[test]
fn restart_from_idle() {
    let mut path = Path::probing();
    path.until(State::Cruise);
    let cwnd = path.cwnd;
    path.now += Duration::from_secs(7);
    let (rate, window) = path.bbr.on_idle_end(path.now, true, cwnd).unwrap();
    assert_eq!((rate, window), (990_000, cwnd));
    path.bbr.bw_probe_wait = Duration::from_secs(1000);
    path.round(1_000_000, 0);
    assert!(path.bbr.idle_restart, "nothing was delivered yet");
    path.round(1_000_000, 10 * MSS);
    assert_ne!(path.bbr.state, State::ProbeRtt);
    assert!(!path.bbr.idle_restart);
    assert!(path.bbr.on_idle_end(path.now, false, cwnd).is_none(), "not limited by the application");
}

/// BBR/5.5-MINRTT: a longer path is believed after ten seconds.
#[test]
fn min_rtt_follows_within_ten_seconds() {
    let mut path = Path::probing();
    path.rtt = RTT * 2;
    let began = path.now;
    while path.bbr.min_rtt < RTT * 2 {
        path.inflight = 10 * MSS;
        path.round(1_000_000, 100 * MSS);
        assert!(path.now.since(began) <= Duration::from_secs(11));
    }
}

/// BBR/5.5-EXTRA: bursts of acknowledgments widen the window by what they are ahead of the bandwidth.
#[test]
fn aggregation_widens_the_window() {
    let mut path = Path::probing();
    path.until(State::Cruise);
    path.bbr.bw_probe_wait = Duration::from_secs(1000);
    for _ in 0..20 {
        path.bbr.rounds_since_probe_up = 0;
        path.round(1_000_000, 100 * MSS);
    }
    let plain = path.cwnd;
    path.now += RTT * 2;
    for _ in 0..8 {
        path.ack(1_000_000, 20 * MSS, false);
    }
    assert!(path.cwnd > plain + 50 * MSS, "{plain} to {}", path.cwnd);
}

/// BBR/5.6-PACE: a hundredth below the bandwidth, and before the pipe is full never lower than it was.
#[test]
fn the_pacing_rate() {
    let mut path = Path::new();
    path.round(10_000, MSS);
    assert_eq!(path.bbr.pacing_rate(), 277_000, "only raised");
    let mut path = Path::probing();
    path.until(State::Cruise);
    assert_eq!(path.bbr.pacing_rate(), 990_000);
}

/// BBR/5.6-QUANTUM: what a millisecond carries, from two segments to 64 KiB.
#[test]
fn the_send_quantum() {
    let mut bbr = Path::new().bbr;
    for (rate, quantum) in [(100_000, 2000), (10_000_000, 10_000), (1_000_000_000, 65_536)] {
        bbr.pacing_rate = rate;
        assert_eq!(bbr.send_quantum(), quantum);
    }
}

/// BBR/5.6-CWND: four segments at least, two more in ProbeBW_UP.
#[test]
fn the_window_has_a_floor() {
    let mut path = Path::probing();
    path.bbr.max_bw = [1000, 1000];
    path.bbr.bw = 1000;
    assert_eq!(path.bbr.inflight(1000, 100), 4 * MSS);
    path.bbr.state = State::Up;
    assert_eq!(path.bbr.inflight(1000, 100), 6 * MSS);
}

/// BBR/5.3.3-CRUISE: 0.85 of inflight_longterm is the ceiling there, all of it elsewhere.
#[test]
fn headroom() {
    let mut path = Path::probing();
    path.until(State::Cruise);
    path.bbr.inflight_longterm = 80 * MSS;
    path.bbr.bw_probe_wait = Duration::from_secs(1000);
    path.bbr.rounds_since_probe_up = 0;
    path.inflight = 60 * MSS;
    path.round(1_000_000, 60 * MSS);
    assert_eq!((path.bbr.state, path.cwnd), (State::Cruise, 68 * MSS));
}

/// BBR/5.5-UNDO: a recovery that turns out needless restores what it changed, and the probe that it ended.
#[test]
fn an_undo_restores_the_model() {
    let mut path = Path::probing();
    path.inflight = 100 * MSS;
    path.until(State::Up);
    let cwnd = path.cwnd;
    path.lose(1, 10_000, 100 * MSS);
    path.bbr.on_congestion(&Event { delivered: path.delivered, ..event(Signal::Loss, cwnd, u64::MAX) });
    assert_eq!(path.bbr.state, State::Down);
    assert_ne!(path.bbr.inflight_longterm, u64::MAX);
    path.cwnd = 4 * MSS;
    let restored = path.bbr.on_undo(path.now, path.cwnd);
    assert_eq!((restored, path.bbr.inflight_longterm, path.bbr.state), (cwnd, u64::MAX, State::Refill));
}

/// BBR/5.6-RTO: the window from before is back when recovery ends.
#[test]
fn the_window_is_restored_after_recovery() {
    let mut path = Path::probing();
    path.until(State::Cruise);
    path.bbr.bw_probe_wait = Duration::from_secs(1000);
    path.bbr.rounds_since_probe_up = 0;
    let cwnd = path.cwnd;
    path.bbr.on_congestion(&Event { delivered: path.delivered, ..event(Signal::Timeout, cwnd, u64::MAX) });
    path.cwnd = MSS;
    path.phase = Phase::Loss;
    path.ack(0, MSS, false);
    assert!(path.cwnd < cwnd);
    path.phase = Phase::Open;
    path.ack(0, MSS, false);
    assert!(path.cwnd >= cwnd.min(path.bbr.bdp_multiple(path.bbr.bw, 200)), "{} of {cwnd}", path.cwnd);
}

/// BBR/3.7-ECN: CE is congestion: it ends a probe, and lowers the bandwidth otherwise.
#[test]
fn marks_count_as_losses() {
    let ece = |path: &Path| Event { delivered: path.delivered, ..event(Signal::Ecn, path.cwnd, u64::MAX) };
    let mut path = Path::probing();
    path.inflight = 100 * MSS;
    path.until(State::Up);
    path.bbr.on_congestion(&ece(&path));
    assert_eq!(path.bbr.state, State::Down);
    path.until(State::Cruise);
    path.bbr.bw_probe_wait = Duration::from_secs(1000);
    path.bbr.rounds_since_probe_up = 0;
    path.round(800_000, 80 * MSS);
    path.bbr.on_congestion(&ece(&path));
    path.round(800_000, 80 * MSS);
    assert_eq!(path.bbr.bw, 800_000);
}
