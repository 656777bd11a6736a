use super::model::{Fate, MSS, Model, START};
use crate::config::{Congestion, LossDetection};
use crate::recovery::undo::Undo;
use crate::recovery::{Ack, Handshake, Sender, Timer};
use crate::{Config, Duration, Out, Rule, SackBlocks, Seq, Time};

pub(super) fn linux() -> Config {
    Config { congestion: Congestion::Reno, ..Config::linux() }
}
/// RFC 6675 on Reno, with ten segments to begin with.
pub(super) fn rfc() -> Config {
    Config { initial_window: 10, abc_limit: None, ..Config::rfc() }
}
fn newreno() -> Config {
    Config { loss_detection: LossDetection::NewReno, ..rfc() }
}
pub(super) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

// --- RFC 6298 -------------------------------------------------------------------------------------------------------

/// 6298/5.1, 5.2, 5.3, 6928/9-TIMER.
#[test]
fn the_timer_starts_restarts_and_stops() {
    let mut m = Model::new(rfc());
    assert_eq!(m.timer(), None);
    m.write(1);
    assert_eq!(m.timer(), Some((1000, Timer::Rto)));
    m.run(ms(5));
    m.write(1);
    assert_eq!(m.timer(), Some((1000, Timer::Rto)));
    m.run(ms(20));
    assert_eq!(m.timer(), Some((1020, Timer::Rto)));
    m.run(ms(30));
    assert_eq!(m.timer(), None);
}

/// 6298/5.5, 5.6, 2.5: doubling up to the cap.
#[test]
fn back_off_up_to_the_cap() {
    let mut m = Model::new(rfc());
    m.fate = Box::new(|_, _| Fate::Drop);
    m.write(1);
    m.run(Duration::from_secs(300));
    let times: Vec<_> = m.repeats().iter().map(|r| r.0 / 1000).collect();
    assert_eq!(times, [1, 3, 7, 15, 31, 63, 123, 183, 243]);
}

/// 6298/3-KARN, 6298/5.6-KEEP: no sample from what was sent twice, and the back-off stays until something fresh is
/// acknowledged; a timestamp ends it at once.
#[test]
fn karn() {
    for timestamps in [false, true] {
        let mut m = Model::new(rfc()).drop_first(&[0]);
        m.timestamps = timestamps;
        m.one_way = ms(50);
        m.write(1);
        m.run(ms(1200));
        assert!(m.all_acknowledged());
        let rto = m.sender.rto(&m.cfg);
        assert_eq!(rto, if timestamps { ms(1000) } else { ms(2000) });
        assert_eq!(m.sender.srtt() == ms(20), !timestamps);
        m.write(1);
        m.run(ms(2000));
        assert_eq!(m.sender.rto(&m.cfg), ms(1000));
        assert!(m.sender.srtt() > ms(20));
    }
}

/// 6298/5.7.
#[test]
fn syn_loss_makes_three_seconds() {
    let handshake =
        Handshake { rtt: None, retransmissions: 1, sack: true, marked: false, ecn: false, reduced: false };
    let s = Sender::new(Time::ZERO, START, 1000, handshake, &Config::rfc());
    assert_eq!(s.rto(&Config::rfc()), ms(3000));
    // 5681/3.1-LOSTSYN
    assert_eq!(s.cwnd(), 1000);
}

// --- RFC 5681 -------------------------------------------------------------------------------------------------------

/// 5681/3.1-TOSS, 3.1-TORTX, 3.1-LW: FlightSize, not cwnd; the second timeout of a segment changes nothing.
#[test]
fn timeout_response() {
    for (flight, ssthresh) in [(10, 5), (1, 2), (4, 2)] {
        let mut m = Model::new(rfc());
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(flight);
        m.run(ms(1001));
        assert_eq!((m.sender.ssthresh(), m.cwnd()), (ssthresh * MSS, 1), "flight {flight}");
        m.run(ms(3001));
        assert_eq!((m.sender.ssthresh(), m.cwnd()), (ssthresh * MSS, 1));
        assert_eq!(m.repeats().len(), 2);
    }
}

/// 5681/3.2-FR, 3.2-SS3, 3.2-INFL, 3.2-INFL1, 3.2-DEFL; 6582/3.2-FULL.
#[test]
fn fast_retransmit_and_inflation() {
    let mut m = Model::with(newreno(), false).no_timestamps().drop_first(&[0]);
    m.write(10);
    m.run(ms(21));
    assert_eq!(m.repeats(), [(20, 0, Rule::FastRetransmit)]);
    // Nine duplicate ACKs: 5 + 3 + 6.
    assert_eq!((m.sender.ssthresh(), m.cwnd()), (5 * MSS, 14));
    m.run(ms(1000));
    assert_eq!(m.cwnd(), 2);
}

pub(super) fn plain_ack(ack: Seq) -> Ack {
    Ack {
        ack,
        sack: SackBlocks::default(),
        echo: None,
        has_data: false,
        window_changed: false,
        ece: false,
        new_data_ready: false,
    }
}

/// 5681/3.2-DUPDEF: window updates and data are no duplicate ACKs.
#[test]
fn what_a_duplicate_ack_is_not() {
    let mut m = Model::with(newreno(), false);
    m.fate = Box::new(|_, _| Fate::Drop);
    m.write(10);
    for _ in 0..5 {
        m.feed(&Ack { window_changed: true, ..plain_ack(START) });
        m.feed(&Ack { has_data: true, ..plain_ack(START) });
        m.feed(&plain_ack(START - 100));
    }
    assert_eq!(m.repeats(), []);
    for _ in 0..3 {
        m.feed(&plain_ack(START));
    }
    assert_eq!(m.repeats(), [(0, 0, Rule::FastRetransmit)]);
}

/// SAFE/ACKDIV, 5681/3.2-INFL1: a thousand forged duplicate ACKs inflate by no more than what is outstanding.
#[test]
fn forged_duplicates_are_bounded() {
    let mut m = Model::with(newreno(), false);
    m.fate = Box::new(|_, _| Fate::Drop);
    m.write(10);
    for _ in 0..1000 {
        m.feed(&plain_ack(START));
    }
    assert!(m.cwnd() <= 5 + 3 + 10, "{}", m.cwnd());
    // 9937/6.2-NOSACK: under PRR no more than RecoverFS is ever counted as delivered. Ten are out, limited transmit adds two, and
    // as what is delivered reaches RecoverFS, what is sent reaches ssthresh: five. Linux bounds the duplicates themselves.
    for cfg in [linux(), Config { prr: true, ..newreno() }] {
        let mut m = Model::with(cfg, false);
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(1000);
        for _ in 0..1000 {
            m.feed(&plain_ack(START));
        }
        assert!(m.log.len() <= 10 + 2 + 5, "{}", m.log.len());
    }
}

/// 3042/2-LT, 3042/2-CWND, 5681/3.2-LTCWND: two new segments on two duplicate ACKs make the third possible.
#[test]
fn limited_transmit() {
    let mut m = Model::with(Config { initial_window: 3, ..newreno() }, false).drop_first(&[0]);
    m.write(10);
    m.run(ms(25));
    assert_eq!((m.log.len(), m.cwnd()), (5, 3));
    m.run(ms(1000));
    assert_eq!(m.repeats()[0], (40, 0, Rule::FastRetransmit));

    let off = Config { limited_transmit: false, initial_window: 3, ..newreno() };
    let mut m = Model::with(off, false).drop_first(&[0]);
    m.write(10);
    m.run(ms(999));
    assert_eq!(m.log.len(), 3);
}

/// 3042/2-SACK, 5681/3.2-LTSACK: a duplicate ACK without SACK news releases nothing.
#[test]
fn limited_transmit_needs_sack_news() {
    for cfg in [rfc(), linux()] {
        let mut m = Model::new(cfg);
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(100);
        let mut sack = SackBlocks::default();
        sack.push((START + MSS).wire(), (START + 2 * MSS).wire());
        for _ in 0..100 {
            m.feed(&Ack { sack, ..plain_ack(START) });
        }
        assert_eq!(m.log.len(), 11);
    }
}

/// 5681/4.1-IDLE, and Linux's halving: capture idle_restart.
#[test]
fn idle_restart() {
    for (cfg, after_2_rto, after_long) in [(rfc(), 10, 10), (linux(), 20, 10)] {
        let mut m = Model::new(cfg);
        m.write(100);
        m.run(ms(300));
        let grown = m.cwnd();
        assert!(grown >= 70, "{grown}");
        let rto = m.sender.rto(&m.cfg);
        let mut short = m.sender.clone();
        short.on_idle_restart(short.last_sent() + rto * 2 + ms(1), &m.cfg, &mut Out::default());
        let expected = if after_2_rto == 20 { grown / 4 } else { 10 };
        assert_eq!(short.cwnd() / MSS, expected);
        // Linux halves once for each timeout that has gone by, and not yet for one that is just over.
        let mut exact = m.sender.clone();
        exact.on_idle_restart(exact.last_sent() + rto * 2, &m.cfg, &mut Out::default());
        assert_eq!(exact.cwnd() / MSS, if after_2_rto == 20 { grown / 2 } else { 10 });
        let now = m.sender.last_sent() + Duration::from_secs(60);
        m.sender.on_idle_restart(now, &m.cfg, &mut m.out);
        assert_eq!(m.cwnd(), after_long);
    }
}

/// No growth while the program, not cwnd, limits sending.
#[test]
fn unused_window_does_not_grow() {
    let mut m = Model::new(linux());
    for i in 0..200 {
        m.write(2);
        m.run(ms(25 * (i + 1)));
    }
    assert_eq!(m.cwnd(), 10);
}

/// 5681/3.1-PMTU.
#[test]
fn smaller_segments_keep_the_window_in_segments() {
    let mut m = Model::new(linux());
    m.fate = Box::new(|_, _| Fate::Drop);
    m.write(10);
    m.sender.on_mss(500, true);
    assert_eq!(m.sender.cwnd(), 5_000);
    let again = m.sender.next_retransmission(&m.cfg).unwrap();
    assert_eq!((again.range.clone(), again.why), (START..START + MSS, Rule::PmtuRetransmit));
    assert_eq!(m.sender.ssthresh(), u64::MAX);
    m.sender.on_retransmitted(m.now, START..START + 500, &m.cfg);
    m.sender.check(&m.cfg);
    assert_eq!(m.sender.next_retransmission(&m.cfg).unwrap().range, START + 500..START + MSS);
}

/// 4821/4-RESCALEDN: a window that comes back when a timeout turns out to have been needless has as many segments as before
/// the segments became smaller, for each controller.
#[test]
fn a_window_that_comes_back_is_of_smaller_segments_too() {
    for congestion in [Congestion::Reno, Congestion::Cubic, Congestion::Bbr, Congestion::Bbr1] {
        let mut m = Model::new(Config { congestion, ..linux() });
        m.fate = Box::new(|s, copy| if (s, copy) == (0, 0) { Fate::Delay(2_000_000) } else { Fate::Drop });
        m.write(10);
        m.run(ms(1_500));
        assert!(m.sender.retries() > 0);
        m.sender.on_mss(100, false);
        m.run(ms(2_100));
        // Ten, and as many as the thousand octets that were acknowledged are worth.
        let segments = m.sender.cwnd() / 100;
        assert!((4..=20).contains(&segments), "{congestion:?}: {segments} segments");
    }
}

// --- RFC 6582 -------------------------------------------------------------------------------------------------------

/// 6582/3.2-PARTIAL: three losses in a window of twenty: one retransmission per round trip, no timeout.
/// 6582/3.2-INIT: the first of them is the very first segment.
#[test]
fn partial_acks() {
    for prr in [false, true] {
        let mut m =
            Model::with(Config { initial_window: 20, prr, ..newreno() }, false).drop_first(&[0, 5, 9]);
        m.write(20);
        if !prr {
            // Fourteen go out (14,600 octets at most), eleven arrive: half of fourteen and three, and one for each duplicate
            // behind the third. That lets four more go.
            m.run(ms(30));
            assert_eq!(m.cwnd(), 7 + 3 + 8);
            // 6582/3.2-PARTIAL: less what is acknowledged, and one; then one for each of the four. Two more go.
            m.run(ms(50));
            assert_eq!(m.cwnd(), 18 - 5 + 1 + 4);
            m.run(ms(70));
            assert_eq!(m.cwnd(), 18 - 4 + 1 + 2);
        }
        m.run(ms(900));
        let expected = [(20, 0, Rule::FastRetransmit), (40, 5, Rule::PartialAck), (60, 9, Rule::PartialAck)];
        assert_eq!(m.repeats(), expected);
        assert!(m.all_acknowledged());
    }
}

/// 6582/3.2-CHECK: duplicate ACKs for what was needlessly sent again after a timeout start no second recovery.
#[test]
fn duplicates_after_a_timeout_are_not_a_loss() {
    let mut m = Model::with(newreno(), false).no_timestamps();
    m.fate = Box::new(|s, copy| if copy == 0 && s < 10 { Fate::Delay(1_500_000) } else { Fate::Pass });
    m.write(30); // new data is outstanding when the duplicates come
    m.run(ms(10_000));
    let needless = m.log.iter().filter(|sent| sent.segment < 10).count() - 10;
    assert!(needless > 3, "{needless} needless retransmissions: too few for three duplicates");
    assert_eq!(m.happened(Rule::RecoveryBegins), 0);
    assert!(m.all_acknowledged());
}

/// 6582/3.2-CHECK: three duplicates of the number that was highest at the timeout begin no recovery; of a higher one they do.
#[test]
fn duplicates_of_the_recovery_point() {
    for (beyond, recoveries) in [(0, 0), (1, 1)] {
        let mut m = Model::with(Config { frto: false, ..newreno() }, false).no_timestamps();
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(30);
        m.run(ms(1001));
        let ack = START + (10 + beyond) * MSS;
        m.feed(&plain_ack(START + 10 * MSS));
        if beyond > 0 {
            m.feed(&plain_ack(ack));
        }
        assert!(m.sender.flight() > 0, "new data is out");
        for _ in 0..3 {
            m.feed(&plain_ack(ack));
        }
        assert_eq!(m.happened(Rule::RecoveryBegins), recoveries);
    }
}

// --- RFC 6675 and 2018 ----------------------------------------------------------------------------------------------

/// 6675/5-ENTER, 4-NEXT1, 5-C: three losses, all repaired in one round trip or two, none twice.
#[test]
fn sack_repairs_several_losses() {
    let mut m = Model::new(Config { initial_window: 20, ..rfc() }).drop_first(&[0, 5, 9]);
    m.write(20);
    m.run(ms(900));
    let mut segments: Vec<_> =
        m.repeats().iter().filter(|r| r.2 == Rule::SackRetransmit).map(|r| r.1).collect();
    assert_eq!(segments, [0, 5, 9]);
    segments = m.repeats().iter().map(|r| r.1).collect();
    assert!(segments.len() <= 4, "{segments:?}");
    assert!(m.repeats().iter().all(|r| r.0 <= 60));
    assert!(m.all_acknowledged());
}

/// 6675/4-NEXT4: the tail is lost inside a recovery: exactly one rescue, and no timeout.
#[test]
fn rescue_retransmission() {
    let mut m = Model::new(rfc()).drop_first(&[2, 9]);
    m.write(10);
    m.run(ms(900));
    let rescues = m.repeats().iter().filter(|r| r.2 == Rule::RescueRetransmit).count();
    assert_eq!((rescues, m.happened(Rule::RtoExpired)), (1, 0), "{:?}", m.repeats());
    assert!(m.all_acknowledged());
}

/// 2018/5-TOLEFT, 5-TOCLEAR: after a timeout the first segment goes out even if it was SACKed, and what the receiver
/// threw away is sent again.
#[test]
fn reneging_receiver() {
    for cfg in [rfc(), linux()] {
        let mut m = Model::new(Config { tail_loss_probe: false, ..cfg });
        m.fate = Box::new(|_, copy| if copy == 0 { Fate::Drop } else { Fate::Pass });
        m.write(10);
        let mut sack = SackBlocks::default();
        sack.push((START + MSS).wire(), (START + 10 * MSS).wire());
        m.feed(&Ack { sack, ..plain_ack(START) });
        m.run(ms(60_000));
        assert!(m.all_acknowledged(), "{:?}", m.repeats());
    }
}

/// 6675/5.1-RTORP: after a timeout no fast retransmit until what was outstanding is acknowledged; 6675/5.1-USE: fresh
/// SACKs spare what arrived.
#[test]
fn timeout_inside_sack_recovery() {
    let mut m = Model::new(rfc());
    m.fate = Box::new(|s, copy| if s == 2 && copy < 2 { Fate::Drop } else { Fate::Pass });
    m.write(10);
    m.run(ms(10_000));
    assert!(m.all_acknowledged());
    assert_eq!(m.happened(Rule::RecoveryBegins), 1);
    assert_eq!(m.happened(Rule::RtoExpired), 1);
}

/// 2018/SND-SANITY: absurd blocks change nothing.
#[test]
fn absurd_sack_blocks() {
    for cfg in [rfc(), linux()] {
        let mut m = Model::new(cfg);
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(10);
        let blocks = [
            (START + 20 * MSS, START + 30 * MSS),
            (START + 5 * MSS, START + 2 * MSS),
            (START + 9 * MSS, START + 11 * MSS),
        ];
        for (left, right) in blocks {
            let mut sack = SackBlocks::default();
            sack.push(left.wire(), right.wire());
            m.feed(&Ack { sack, ..plain_ack(START) });
        }
        assert_eq!((m.sender.counts().sacked, m.log.len()), (0, 10));
    }
}

/// 2883/5-SAMEPKT: the ordinary SACK block of an old, overtaken ACK is not taken for a D-SACK.
#[test]
fn old_ack_with_sack() {
    let mut m = Model::new(linux());
    m.fate = Box::new(|_, _| Fate::Drop);
    m.write(10);
    m.feed(&plain_ack(START + 5 * MSS));
    let before = m.sender.cwnd();
    let mut sack = SackBlocks::default();
    sack.push((START + 2 * MSS).wire(), (START + 4 * MSS).wire());
    m.feed(&Ack { sack, ..plain_ack(START + MSS) });
    assert_eq!((m.sender.counts().sacked, m.sender.cwnd()), (0, before));
}

// --- ECN ------------------------------------------------------------------------------------------------------------

/// 3168/6.1.2-ONCE, 6.1.2-HALVE, 6.1.2-NOINC: one reduction per window.
#[test]
fn ecn_once_a_window() {
    for cfg in [rfc(), linux()] {
        let mut m = Model::new(cfg);
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(10);
        for i in 1..=10 {
            m.feed(&Ack { ece: true, ..plain_ack(START + i * MSS) });
        }
        assert_eq!(m.sender.ssthresh(), 5 * MSS);
        assert!(m.cwnd() <= 5, "{}", m.cwnd());
        assert_eq!(m.happened(Rule::EcnResponse), 1);
    }
}

/// 3168/6.1.2-NOINC: an ACK with ECE raises no window, after a timeout neither, where it is no sign of congestion anew.
#[test]
fn ece_raises_no_window() {
    for ece in [false, true] {
        let mut m = Model::new(Config { tail_loss_probe: false, frto: false, ..rfc() });
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(10);
        m.run(ms(1001));
        assert_eq!(m.cwnd(), 1);
        m.feed(&Ack { ece, ..plain_ack(START + MSS) });
        assert_eq!(m.cwnd(), if ece { 1 } else { 2 });
    }
}

/// 6298/3-KARN: an ACK that acknowledges what was sent again gives no sample, whatever else it acknowledges: the hole has kept
/// it back.
#[test]
fn karn_where_a_hole_is_filled() {
    let mut m = Model::with(newreno(), false).drop_first(&[0]).no_timestamps();
    m.write(10);
    m.run(ms(200));
    assert!(m.all_acknowledged());
    assert_eq!(m.sender.srtt(), ms(20), "the others have waited for the first");
}

// --- ablations ------------------------------------------------------------------------------------------------------

/// Nothing but timeouts; and a window that nothing changes.
#[test]
fn ablations() {
    let cfg = Config { loss_detection: LossDetection::TimeoutOnly, ..rfc() };
    let mut m = Model::new(cfg).drop_first(&[2]);
    m.write(20);
    m.run(ms(999));
    assert_eq!(m.repeats(), []);
    m.run(ms(20_000));
    assert!(m.all_acknowledged());

    let cfg = Config { congestion: Congestion::Fixed(7), ..linux() };
    let mut m = Model::new(cfg).drop_first(&[2, 30, 31, 32]);
    m.write(100);
    m.run(ms(20_000));
    assert!(m.all_acknowledged());
    assert_eq!(m.cwnd(), 7);
}

// --- what Linux does otherwise --------------------------------------------------------------------------------------

/// Capture accept_queue_overflow: five octets outstanding in a window of ten segments, and a timeout leaves ssthresh at
/// seven (`cwnd:1 ssthresh:7`, under CUBIC). 5681/3.1-TOSS has it from FlightSize.
#[test]
fn linux_reduces_the_window_not_the_flight() {
    for (cfg, ssthresh) in [(Config::linux(), 7), (linux(), 5), (rfc(), 2)] {
        let mut m = Model::new(cfg);
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(1);
        m.run(ms(1001));
        assert_eq!((m.cwnd(), m.sender.ssthresh() / MSS), (1, ssthresh));
    }
}

/// Linux: a timeout inside a recovery does not reduce ssthresh once more; 5681/4.3-TWICE does.
#[test]
fn linux_timeout_inside_a_recovery() {
    for (cfg, ssthresh) in [(linux(), 5), (rfc(), 2)] {
        let mut m = Model::new(cfg);
        m.fate = Box::new(|segment, _| if segment == 0 { Fate::Drop } else { Fate::Pass });
        m.write(10);
        m.run(ms(1300));
        assert_eq!(m.repeats().last().map(|(_, s, why)| (*s, *why)), Some((0, Rule::RtoRetransmit)));
        assert_eq!(m.sender.ssthresh() / MSS, ssthresh);
    }
}

/// Linux halves an idle window in whole segments: 23 become 11, not 11.5.
#[test]
fn idle_halving_in_whole_segments() {
    let mut m = Model::new(linux());
    m.sender.cwnd = 23 * MSS;
    m.sender.on_idle_restart(m.now + m.sender.rto(&m.cfg) + ms(1), &m.cfg, &mut m.out);
    assert_eq!((m.sender.cwnd(), m.sender.ssthresh()), (11 * MSS, u64::MAX));
    m.sender.ssthresh = 2 * MSS;
    m.sender.cwnd = 23 * MSS;
    m.sender.on_idle_restart(m.now + m.sender.rto(&m.cfg) + ms(1), &m.cfg, &mut m.out);
    assert_eq!(m.sender.ssthresh(), 16 * MSS, "23 / 2 + 23 / 4");
}

/// RFC 2861, section 3.2, as Linux has it: a window that goes unused for an RTO is lowered half way to what was used, and not
/// below the initial window; what acknowledges new data puts it off (captures delack_pairs, slow_reader). So it takes data
/// that goes out an RTO after the last acknowledgment, with the probe in between.
#[test]
fn unused_window_is_lowered() {
    let mut m = Model::new(linux());
    m.fate = Box::new(|segment, _| if segment < 160 { Fate::Pass } else { Fate::Drop });
    m.sender.cwnd = 100 * MSS;
    for i in 0..80 {
        m.write(2);
        m.run(ms(25 * (i + 1)));
        assert_eq!(m.cwnd(), 100, "acknowledged all the time");
    }
    m.write(2);
    m.run(ms(25 * 80 + 240));
    assert_eq!((m.happened(Rule::RtoRetransmit), m.cwnd()), (0, 100));
    m.write(1);
    m.run(ms(25 * 80 + 241));
    assert_eq!(m.cwnd(), 55, "half way to the initial window of ten");
}

/// 3168/6.1.2-CWND1, 9438/4.6-ECE1: ECE on every ACK takes the window to one segment, then to one segment a timeout.
#[test]
fn ece_at_a_window_of_one_segment() {
    let mut m = Model::new(Config { initial_window: 2, ..rfc() });
    m.write(100);
    let mut sent = vec![];
    for _ in 0..8 {
        m.now += ms(20);
        let before = m.log.len();
        while m.sender.flight() > 0 {
            let ack = Ack { ece: true, new_data_ready: true, ..plain_ack(m.sender.una() + MSS) };
            let flight = m.sender.flight();
            m.feed(&ack);
            if m.sender.flight() >= flight {
                break;
            }
        }
        if m.sender.is_paused() {
            let (at, kind) = m.sender.deadline().expect("the timer runs");
            assert_eq!((kind, at), (Timer::Rto, m.now + m.sender.rto(&m.cfg)));
            m.run(at.since(Time::from_nanos(1_000_000_000)));
        }
        sent.push(m.log.len() - before);
    }
    assert_eq!(m.cwnd(), 1);
    assert_eq!(sent[4..], [1; 4], "{sent:?}");
}

/// 5681/3.1: a window of one small segment is one of a large segment when segments grow, not none.
#[test]
fn segments_that_grow_leave_a_window() {
    let mut m = Model::new(rfc());
    m.sender.on_mss(500, false);
    m.sender.cwnd = 500;
    m.sender.on_mss(1400, false);
    assert_eq!(m.sender.cwnd(), 1400);
}

/// Linux `tcp_check_dsack`: what was repeated at or below where the reduction began says nothing of the retransmissions since.
#[test]
fn older_duplicates_prove_nothing() {
    let mut undo = Undo { marker: Some(START + 1000), unproven: Some(2), ..Undo::default() };
    undo.needless(START + 1000, 1);
    assert_eq!(undo.unproven, Some(2));
    undo.needless(START + 1001, 1);
    assert_eq!((undo.unproven, undo.all_needless()), (Some(1), false));
    undo.needless(START + 2000, 1);
    assert!(undo.all_needless());
}

/// 9937/5-RACK, 8985/9.3-PRR: RACK-TLP and PRR are recommended to one another: who has one has both.
#[test]
fn companions_come_together() {
    for (cfg, has) in [(Config::linux(), true), (Config::rfc(), false)] {
        let rack = cfg.loss_detection == LossDetection::Rack;
        assert_eq!([rack, cfg.tail_loss_probe, cfg.prr], [has; 3]);
    }
}
