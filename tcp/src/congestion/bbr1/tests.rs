//! BBRv1 on deliveries made by hand: what Linux's `tcp_bbr.c` makes of each, to the segment.

use super::super::Rate;
use super::super::tests::{event, lost_segment, sample, start};
use super::*;
use crate::congestion::Signal;

const MSS: u64 = 1000;

fn ms(n: u64) -> Time {
    Time::ZERO + Duration::from_millis(n)
}
/// At the start of a connection whose handshake took 100 ms.
fn bbr() -> Bbr1 {
    Bbr1::new(&Start { rtt: Duration::from_millis(100), ..start() })
}
/// So many segments a second, as bandwidth is counted.
fn bw(segments: u64) -> u64 {
    segments * BW_UNIT / 1_000_000
}
/// An acknowledgment at `now` of `acked` segments, with the window of `cwnd` segments and so many in flight after it.
fn delivery(now: Time, acked: u64, cwnd: u64, inflight: u64) -> Delivery {
    Delivery {
        sample: sample(now, acked * MSS, cwnd * MSS, u64::MAX),
        rate: Rate {
            rate: 0,
            delivered: acked * MSS,
            interval: Duration::from_millis(100),
            prior_delivered: Some(0),
            tx_in_flight: 0,
            lost: 0,
            app_limited: false,
        },
        delivered: 1000 * MSS,
        lost_so_far: 0,
        lost: 0,
        inflight_before: (inflight + acked) * MSS,
        inflight: inflight * MSS,
        phase: Phase::Open,
        cwnd_limited: true,
        sack: true,
        ack_delayed: false,
        release_in: Duration::ZERO,
    }
}
/// One in ProbeBW on a path of 1000 segments a second and 100 ms: a hundred segments fill it.
fn probing() -> Bbr1 {
    let mut b = bbr();
    (b.mode, b.full_bw_reached, b.cycle, b.cycle_stamp) = (Mode::ProbeBw, true, 2, ms(0));
    b.bw.update(bw(1000), 0, BW_ROUNDS);
    b.update_gains();
    b.pacing_rate = 1_000_000;
    b
}

/// `bbr_check_full_bw_reached`: three rounds without growth by a quarter end it; growth by exactly that begins the count anew, and
/// what the program limits does not count.
#[test]
fn the_pipe_is_full() {
    let mut b = bbr();
    let mut round = |bandwidth: u64, app_limited: bool, round_start: bool| {
        b.bw = MaxFilter::default();
        b.bw.update(bandwidth, 0, BW_ROUNDS);
        b.round_start = round_start;
        let mut d = delivery(ms(1), 1, 10, 10);
        d.rate.app_limited = app_limited;
        b.check_full_bw(&d);
        (b.full_bw, b.full_bw_count, b.full_bw_reached)
    };
    assert_eq!(round(1000, false, true), (1000, 0, false));
    assert_eq!(round(1249, false, true), (1000, 1, false));
    assert_eq!(round(1249, true, true), (1000, 1, false), "the program limits");
    assert_eq!(round(1249, false, false), (1000, 1, false), "in the middle of a round");
    assert_eq!(round(1250, false, true), (1250, 0, false));
    assert_eq!(round(1250, false, true), (1250, 1, false));
    assert_eq!(round(1250, false, true), (1250, 2, false));
    assert_eq!(round(1250, false, true), (1250, 3, true));
    assert_eq!(round(9999, false, true), (1250, 3, true), "once and for all");
}

/// `bbr_check_drain`: Startup ends as soon as the pipe is full, with ssthresh at what fills it; Drain ends with no more in flight
/// than that.
#[test]
fn draining() {
    for (inflight, mode) in [(107, Mode::Drain), (106, Mode::ProbeBw)] {
        let mut b = probing();
        (b.mode, b.full_bw_reached) = (Mode::Startup, false);
        b.check_drain(&delivery(ms(1), 1, 200, inflight));
        assert_eq!(b.mode, Mode::Startup);
        b.full_bw_reached = true;
        b.check_drain(&delivery(ms(1), 1, 200, inflight));
        // A hundred, three times two segments that leave at once, made even.
        assert_eq!((b.mode, b.ssthresh), (mode, 106 * MSS), "{inflight}");
    }
}

/// `bbr_is_next_cycle_phase`: a phase lasts longer than the smallest round trip; probing up also until something is lost or a quarter
/// more is in flight, draining only until no more is than fills the path.
#[test]
fn the_cycle_of_gains() {
    for (cycle, after_ms, lost, before, next) in [
        (2, 100, 0, 100, false),
        (2, 101, 0, 100, true),
        // 125 and 6, made even, and 2 make 134, of which 2 are about to leave.
        (0, 101, 0, 131, false),
        (0, 101, 0, 132, true),
        (0, 101, 1, 100, true),
        (0, 100, 1, 200, false),
        (1, 101, 0, 200, true),
        (1, 50, 0, 106, true),
        (1, 50, 0, 107, false),
    ] {
        let mut b = probing();
        b.cycle = cycle;
        b.update_gains();
        let d = Delivery {
            lost: lost * MSS,
            inflight_before: before * MSS,
            ..delivery(ms(after_ms), 1, 200, before)
        };
        b.update_cycle_phase(&d);
        let expected = if next { cycle + 1 } else { cycle };
        assert_eq!(b.cycle, expected, "phase {cycle}, {after_ms} ms, {lost} lost, {before} in flight");
    }
    let mut b = probing();
    b.cycle = 7;
    b.update_cycle_phase(&delivery(ms(101), 1, 200, 100));
    assert_eq!((b.cycle, b.cycle_stamp), (0, ms(101)), "round and round");
}

/// `bbr_update_min_rtt`: a shorter round trip counts at once; after ten seconds without one any does that is no delayed ACK's, and
/// ProbeRTT begins, but not right behind idle time.
#[test]
fn the_smallest_round_trip() {
    for (at, rtt, delayed, idle, min_rtt, mode) in [
        (5_000, 99, true, false, 99, Mode::ProbeBw),
        (5_000, 100, false, false, 100, Mode::ProbeBw),
        (10_000, 120, false, false, 100, Mode::ProbeBw),
        (10_001, 120, false, false, 120, Mode::ProbeRtt),
        (10_001, 120, true, false, 100, Mode::ProbeRtt),
        (10_001, 120, false, true, 120, Mode::ProbeBw),
    ] {
        let mut b = probing();
        b.idle_restart = idle;
        let mut d = delivery(ms(at), 1, 150, 100);
        d.sample.rtt = Some(Duration::from_millis(rtt));
        d.ack_delayed = delayed;
        b.update_min_rtt(&d, 1);
        assert_eq!((b.min_rtt_us / 1000, b.mode), (min_rtt, mode), "{at} {rtt} {delayed} {idle}");
        let stamp = if min_rtt == rtt && rtt != 100 { ms(at) } else { ms(0) };
        assert_eq!(b.min_rtt_stamp, stamp, "{at} {rtt}");
        assert!(!b.idle_restart, "data was delivered");
        assert_eq!(b.prior_cwnd, if mode == Mode::ProbeRtt { 150 } else { 0 });
    }
    let mut b = probing();
    b.idle_restart = true;
    b.update_min_rtt(&delivery(ms(1), 0, 150, 100), 0);
    assert!(b.idle_restart, "nothing was delivered");
}

/// ProbeRTT: four segments, for longer than 200 ms and a round trip from when no more are in flight; then the window is back.
#[test]
fn probing_the_round_trip() {
    let mut b = probing();
    b.min_rtt_stamp = Time::ZERO;
    let mut step = |at: u64, inflight: u64, prior: u64, delivered: u64| {
        let mut d = delivery(ms(at), 1, if at <= 10_001 { 150 } else { 4 }, inflight);
        d.rate.prior_delivered = Some(prior * MSS);
        d.delivered = delivered * MSS;
        d.sample.rtt = Some(Duration::from_millis(120));
        let steering = b.on_delivery(&d);
        (steering.cwnd / MSS, steering.mark_app_limited, b.mode)
    };
    assert_eq!(step(10_001, 100, 1000, 1100), (4, true, Mode::ProbeRtt));
    assert_eq!(step(10_100, 5, 1001, 1105), (4, true, Mode::ProbeRtt));
    assert_eq!(step(10_110, 4, 1100, 1110), (4, true, Mode::ProbeRtt), "200 ms from here");
    assert_eq!(step(10_309, 4, 1109, 1112), (4, true, Mode::ProbeRtt));
    assert_eq!(step(10_311, 4, 1109, 1113), (4, true, Mode::ProbeRtt), "no round trip is over");
    let (cwnd, _, mode) = step(10_312, 4, 1113, 1114);
    assert!(cwnd > 100 && mode == Mode::ProbeBw, "{cwnd} {mode:?}");
    let mut b = probing();
    (b.mode, b.probe_rtt_done, b.prior_cwnd) = (Mode::ProbeRtt, Some(ms(200)), 77);
    assert_eq!((b.check_probe_rtt_done(ms(200)), b.mode), (None, Mode::ProbeRtt));
    assert_eq!(b.check_probe_rtt_done(ms(201)), Some(77));
    assert_eq!((b.mode, b.min_rtt_stamp), (Mode::ProbeBw, ms(201)));
    (b.mode, b.full_bw_reached) = (Mode::ProbeRtt, false);
    b.check_probe_rtt_done(ms(202));
    assert_eq!(b.mode, Mode::Startup, "the pipe was never full");
}

/// `bbr_set_cwnd`: before the pipe is full all that is acknowledged is added, up to the target or to ten segments delivered; then the
/// target binds; four segments at least.
#[test]
fn the_window_follows_the_model() {
    // Twice a hundred, and three times two, made even.
    for (full, cwnd, acked, delivered, next) in [
        (true, 100, 5, 1000, 105),
        (true, 204, 5, 1000, 206),
        (true, 300, 5, 1000, 206),
        (true, 1, 1, 1000, 4),
        (false, 205, 5, 1000, 210),
        (false, 206, 5, 1000, 206),
        (false, 206, 5, 9, 211),
        (false, 206, 5, 10, 206),
        (true, 100, 0, 1000, 100),
    ] {
        let mut b = probing();
        b.full_bw_reached = full;
        let d = Delivery { delivered: delivered * MSS, ..delivery(ms(1), acked, cwnd, 50) };
        assert_eq!(b.next_cwnd(&d, cwnd, acked, 0), next, "{full} {cwnd} {acked} {delivered}");
    }
}

/// `bbr_set_cwnd_to_recover_or_restore`: what is lost goes off; the first round trip of a recovery sends one for one; its end brings
/// the window back.
#[test]
fn a_recovery_conserves_packets() {
    let mut b = probing();
    b.save_cwnd(150);
    let in_phase = |phase, inflight| Delivery { phase, ..delivery(ms(1), 2, 150, inflight) };
    assert_eq!(b.next_cwnd(&in_phase(Phase::Recovery, 120), 150, 2, 3), 122);
    assert!(b.packet_conservation);
    assert_eq!(b.next_cwnd(&in_phase(Phase::Recovery, 119), 122, 2, 2), 121, "one for one");
    assert_eq!(
        b.next_cwnd(&in_phase(Phase::Recovery, 90), 121, 2, 2),
        119,
        "no less than stays of the window"
    );
    b.packet_conservation = false;
    assert_eq!(b.next_cwnd(&in_phase(Phase::Recovery, 90), 100, 2, 1), 101);
    b.save_cwnd(101);
    assert_eq!(b.prior_cwnd, 150, "what a recovery lowers is not what to go back to");
    assert_eq!(b.next_cwnd(&in_phase(Phase::Open, 90), 101, 2, 0), 152);
    assert!(!b.packet_conservation);
}

/// `bbr_update_ack_aggregation`: what comes beyond the bandwidth in an epoch may be in flight besides, as far as a tenth of a second's
/// bandwidth and the window; the larger of the last five and the five rounds before.
#[test]
fn what_acks_bring_at_once() {
    let mut b = probing();
    let acked = |b: &mut Bbr1, at: u64, segments: u64, round: bool| {
        b.round_start = round;
        b.update_ack_aggregation(&delivery(ms(at), segments, 150, 100), segments);
        b.extra_acked
    };
    assert_eq!(acked(&mut b, 100, 30, false), [30, 0], "an epoch begins: nothing was expected");
    // The bandwidth is a little less than a segment a millisecond.
    assert_eq!(acked(&mut b, 110, 40, false), [61, 0], "70, of which 9 were expected");
    assert_eq!(acked(&mut b, 171, 100, false), [100, 0], "170, of which 70 were");
    assert_eq!(acked(&mut b, 300, 1, false), [100, 0], "170 where 199 were expected: another epoch");
    assert_eq!((b.ack_epoch, b.ack_epoch_acked), (ms(300), 1));
    for _ in 0..4 {
        acked(&mut b, 300, 1, true);
    }
    assert_eq!(b.extra_acked, [100, 0]);
    assert_eq!(acked(&mut b, 300, 1, true), [100, 6], "after five rounds the other slot");
    assert_eq!(acked(&mut b, 300, 400, false), [100, 150], "the window bounds it");
    for _ in 0..4 {
        acked(&mut b, 300, 1, true);
    }
    assert_eq!(b.extra_acked, [100, 150]);
    assert_eq!(acked(&mut b, 300, 1, true), [150, 150], "after five more the first again");
    b.full_bw_reached = true;
    // Twice a hundred, a tenth of a second's bandwidth, which is 99, and 6, made even.
    let d = delivery(ms(301), 5, 400, 100);
    assert_eq!(b.next_cwnd(&d, 400, 5, 0), 306);
}

/// Bursts: what a millisecond takes, two segments at least, one below 1.2 Mbit/s.
#[test]
fn what_leaves_at_once() {
    for (rate, segments) in
        [(149_999, 1), (150_000, 2), (3_071_999, 2), (3_072_000, 3), (1 << 40, 65), (1 << 20, 2)]
    {
        let mut b = probing();
        b.pacing_rate = rate;
        assert_eq!(b.tso_segments(), segments, "{rate}");
    }
    let mut b = probing();
    (b.mss, b.pacing_rate) = (100, 1 << 40);
    assert_eq!(b.tso_segments(), 127);
}

/// Round trips of 100 ms in which eighty segments arrive.
#[derive(Default)]
struct Rounds {
    number: u64,
    lost: u64,
}

impl Rounds {
    /// So many of them, in each of which so many segments are lost.
    fn pass(&mut self, b: &mut Bbr1, count: u32, lost: u64) {
        for _ in 0..count {
            self.number += 1;
            self.lost += lost;
            let mut d = delivery(self.now(), 80, 200, 80);
            d.rate.prior_delivered = Some((self.number - 1) * 80 * MSS);
            d.delivered = self.number * 80 * MSS;
            (d.lost, d.lost_so_far) = (lost * MSS, self.lost * MSS);
            b.update_bw(&d);
            b.update_gains();
        }
    }
    /// A timeout that takes so many segments to be lost.
    fn time_out(&mut self, b: &mut Bbr1, lost: u64) {
        self.lost += lost;
        b.on_lost(&Lost { now: self.now(), ..lost_segment(lost * MSS) });
        b.on_timeout();
        b.update_gains();
    }
    fn now(&self) -> Time {
        ms(self.number * 100)
    }
}

/// `bbr_lt_bw_sampling`: a policer is believed in for 48 round trips of ProbeBW, whatever passes before; then the cycle of gains
/// begins anew, with any but the low one. A timeout ends a round trip, and an interval as other losses do. A 6.18 kernel behind a
/// policer of 4 Mbit/s and 100 ms did so for 5.0 s, and for 5.35 s where a ProbeRTT came in between.
#[test]
fn a_policer_is_believed_in_for_a_while() {
    let mut b = probing();
    let mut rounds = Rounds::default();
    rounds.pass(&mut b, 7, 20);
    assert_eq!(b.policer.bw(), None);
    rounds.pass(&mut b, 1, 20);
    assert_eq!((b.bw(), b.pacing_gain), (bw(800), UNIT));
    b.mode = Mode::Drain;
    rounds.pass(&mut b, 100, 0);
    (b.mode, b.cycle) = (Mode::ProbeBw, 1);
    rounds.pass(&mut b, 46, 0);
    rounds.time_out(&mut b, 10);
    assert_eq!((b.policer.bw(), b.cycle), (Some(bw(800)), 1));
    rounds.time_out(&mut b, 0);
    assert_eq!((b.policer.bw(), b.cycle_stamp), (None, rounds.now()));
    assert_ne!(b.cycle, 1);
    // Two intervals that timeouts end.
    rounds.pass(&mut b, 1, 1);
    rounds.pass(&mut b, 2, 0);
    rounds.time_out(&mut b, 60);
    rounds.pass(&mut b, 3, 0);
    assert_eq!(b.policer.bw(), None);
    rounds.time_out(&mut b, 60);
    assert_eq!(b.policer.bw(), Some(bw(800)));
}

/// A timeout and an undo forget what the pipe held; octets become segments as they are whole.
#[test]
fn what_is_forgotten() {
    let mut b = probing();
    (b.full_bw, b.full_bw_count) = (1000, 2);
    b.on_congestion(&event(Signal::Loss, 50 * MSS, MSS));
    assert_eq!((b.full_bw, b.full_bw_count, b.prior_cwnd, b.phase), (1000, 2, 50, Phase::Open));
    b.on_congestion(&event(Signal::Timeout, 60 * MSS, MSS));
    b.on_timeout();
    assert_eq!((b.full_bw, b.round_start, b.prior_cwnd, b.phase), (0, true, 60, Phase::Loss));
    (b.full_bw, b.full_bw_count) = (1000, 2);
    assert_eq!(b.on_undo(ms(1), 42 * MSS), 42 * MSS);
    assert_eq!((b.full_bw, b.full_bw_count), (0, 0));
    let mut carried = 0;
    let segments = [999, 1, 2500, 499, 1].map(|octets| whole(&mut carried, octets, MSS));
    assert_eq!((segments, carried), ([0, 1, 2, 0, 1], 0));
}

/// `bbr_rate_bytes_per_sec`: a hundredth below the bandwidth, times the gain; before there is one, the initial window in a round trip,
/// of a millisecond if none is known.
#[test]
fn the_rate_lies_below_the_bandwidth() {
    for (bandwidth, gain, rate) in [
        (BW_UNIT, UNIT, 990_000_000),
        (BW_UNIT, UNIT * 5 / 4, 1_237_500_000),
        (BW_UNIT / 2, UNIT * 3 / 4, 371_250_000),
    ] {
        let mut b = probing();
        b.bw.update(bandwidth, 0, BW_ROUNDS);
        b.raise_pacing_rate(gain);
        assert_eq!(b.pacing_rate, rate);
    }
    let mut b = bbr();
    for (cwnd, rtt_us, rate) in [(10, 100_000, 285662), (10, 0, 28578488), (5, 50_000, 285662)] {
        b.guess_pacing_rate(cwnd, rtt_us);
        assert_eq!(b.pacing_rate, rate, "{cwnd} in {rtt_us} us");
    }
}

/// `bbr_reset_probe_bw_mode`: ProbeBW begins anywhere in the cycle but where it drains.
#[test]
fn the_cycle_begins_anywhere_but_one() {
    let mut begun = [false; CYCLE.len()];
    let mut b = probing();
    for n in 0..1000 {
        b.probe_bw(ms(n));
        begun[b.cycle] = true;
        assert_eq!(b.cycle_stamp, ms(n));
    }
    assert_eq!(begun, [true, false, true, true, true, true, true, true]);
}

/// `bbr_update_bw`: what the program limits counts only where it is no less than what is known; a round begins with what was sent
/// after the last one did.
#[test]
fn samples_of_the_bandwidth() {
    for (segments, app_limited, known) in
        [(99, true, 1000), (101, true, 1010), (101, false, 1010), (99, false, 1000)]
    {
        let mut b = probing();
        b.next_round = 5 * MSS;
        let mut d = delivery(ms(100), segments, 150, 100);
        d.rate.app_limited = app_limited;
        for (prior, rounds) in [(4, 0), (5, 1), (999, 1)] {
            d.rate.prior_delivered = Some(prior * MSS);
            b.update_bw(&d);
            assert_eq!((b.rounds, b.round_start), (rounds, prior == 5), "{prior}");
        }
        assert_eq!(b.bw.get(), bw(known), "{segments} {app_limited}");
        // Ten rounds later what was known is forgotten, if there was anything else.
        d.rate.prior_delivered = Some(0);
        b.rounds = 11;
        b.update_bw(&d);
        let later = if app_limited { known } else { segments * 10 };
        assert_eq!(b.bw.get(), bw(later), "{segments} {app_limited}");
    }
}
