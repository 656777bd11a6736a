//! Demands on loss recovery that need a test of their own: each fails when the behaviour is taken away.

use super::model::{Fate, MSS, Model, START};
use super::rows::{linux, ms, plain_ack, rfc};
use crate::config::{LossDetection, Undoing};
use crate::recovery::rack::Rack;
use crate::recovery::undo::Frto;
use crate::recovery::{Ack, Timer};
use crate::{Config, Duration, Note, Rule, SackBlocks, Seq};

fn newreno() -> Config {
    Config { loss_detection: LossDetection::NewReno, ..rfc() }
}
/// SACK blocks, in segments.
fn blocks(of: &[(u64, u64)]) -> SackBlocks {
    let mut sack = SackBlocks::default();
    for (left, right) in of {
        sack.push((START + left * MSS).wire(), (START + right * MSS).wire());
    }
    sack
}
/// A model whose path takes nothing, with so many segments outstanding.
fn silent(cfg: Config, sack: bool, segments: u64) -> Model {
    let mut m = Model::with(Config { initial_window: segments as u32, ..cfg }, sack);
    m.fate = Box::new(|_, _| Fate::Drop);
    m.write(segments);
    m
}

/// 6298/3-ONCE: at least one sample a round trip, with timestamps or without.
#[test]
fn one_sample_a_round_trip() {
    for timestamps in [true, false] {
        let mut m = Model::new(rfc());
        m.timestamps = timestamps;
        m.out.verbose = true;
        m.write(3000);
        m.run(ms(400));
        let samples = m.out.notes.iter().filter(|note| matches!(note, Note::Rtt { .. })).count();
        assert!(samples >= 19, "{samples} in 19 round trips");
    }
}

/// 5681/2-LIMIT: no more is ever in flight than cwnd allows, or than the receiver's window does.
#[test]
fn flight_keeps_within_both_windows() {
    for cfg in [rfc(), newreno(), linux(), Config::linux()] {
        for rwnd in [u64::MAX >> 8, 20 * MSS] {
            let mut m = Model::new(cfg.clone());
            m.rwnd = rwnd;
            m.write(2000);
            for at in 0..400 {
                m.run(ms(at));
                assert!(m.sender.flight() <= m.sender.cwnd().min(rwnd), "at {at} ms");
            }
        }
    }
}

/// 5681/3.2-SS3: what limited transmit sent does not count: ten in flight and two more make five.
#[test]
fn limited_transmit_does_not_raise_ssthresh() {
    for (cfg, sack) in [(newreno(), false), (rfc(), true)] {
        let mut m = Model::with(cfg, sack).drop_first(&[0]);
        m.write(12);
        m.run(ms(21));
        assert_eq!((m.log[10].why, m.log[11].why, m.sender.ssthresh()), (Rule::Data, Rule::Data, 5 * MSS));
    }
}

/// 5681/3.2-SEND: new data goes out as soon as the inflated window has room for it.
#[test]
fn new_data_during_recovery() {
    for (cfg, sack) in [(newreno(), false), (rfc(), true), (linux(), true), (linux(), false)] {
        let mut m = Model::with(cfg, sack).drop_first(&[0]);
        m.write(60);
        m.run(ms(21));
        let new = m.log.iter().filter(|s| s.why == Rule::Data).count();
        assert!((13..=16).contains(&new), "two by limited transmit, then more: {new}");
    }
}

/// 3465/2.3-RTO: in slow start after a timeout an ACK, however much it covers, is worth one segment.
#[test]
fn slow_start_after_a_timeout_goes_by_one_segment() {
    let mut m = silent(Config { abc_limit: Some(2), ..rfc() }, true, 20);
    m.run(ms(1001));
    assert_eq!(m.cwnd(), 1);
    m.feed(&plain_ack(START + 10 * MSS));
    assert_eq!(m.cwnd(), 2);
}

/// 6675/4-ISLOST: three SACKed stretches above, or more than two segments of octets; two segments are not enough.
#[test]
fn lost_by_segments_or_by_octets() {
    for (sacked, lost) in
        [(&[(1, 3)][..], 0), (&[(1, 4)], 1), (&[(1, 2), (3, 4)], 0), (&[(1, 2), (3, 4), (5, 6)], 1)]
    {
        let mut m = silent(rfc(), true, 10);
        m.feed(&Ack { sack: blocks(sacked), ..plain_ack(START) });
        assert_eq!(m.repeats().len(), lost, "{sacked:?}");
    }
}

/// 6675/4-NEXT3, 4-NEXT4, 4-NEXT5, 5-HRXT: behind what is lost goes, below the highest SACKed, what is not known to be; then
/// one rescue of the tail; then nothing.
#[test]
fn the_rules_of_next_seg() {
    let mut m = silent(rfc(), true, 12);
    let ack = Ack { sack: blocks(&[(1, 9), (10, 11)]), ..plain_ack(START) };
    m.feed(&ack);
    let expected =
        [(0, 0, Rule::SackRetransmit), (0, 9, Rule::RescueRetransmit), (0, 11, Rule::RescueRetransmit)];
    assert_eq!(m.repeats(), expected);
    for _ in 0..5 {
        m.feed(&ack);
    }
    assert_eq!(m.repeats().len(), 3, "nothing is left to send");
    // 4-NEXT2: new data, where there is some, comes before rules 3 and 4.
    let mut m = silent(rfc(), true, 12);
    m.unsent = 2 * MSS;
    m.feed(&ack);
    let order: Vec<_> = m.log[12..].iter().map(|s| s.segment).collect();
    assert_eq!(order[..3], [0, 12, 13]);
}

/// 6675/5-EXIT: a loss above the recovery point is repaired by what was SACKed during the recovery.
#[test]
fn a_loss_above_the_recovery_point() {
    let mut m = Model::new(rfc()).drop_first(&[0, 12]);
    m.write(40);
    m.run(ms(900));
    assert_eq!((m.happened(Rule::RtoExpired), m.happened(Rule::RecoveryBegins)), (0, 2));
    assert!(m.all_acknowledged());
}

/// 6675/5-DUPRESET, 5-DUPINC: only SACK news counts, and an ACK that advances begins the count anew.
#[test]
fn duplicates_are_counted_anew() {
    let mut m = silent(newreno(), false, 20);
    for round in 0..5 {
        m.feed(&plain_ack(START + round * MSS));
        m.feed(&plain_ack(START + round * MSS));
        m.feed(&plain_ack(START + (round + 1) * MSS));
    }
    assert_eq!(m.happened(Rule::RecoveryBegins), 0);
}

/// 2883/5-SUBSET: a first block inside the second is a D-SACK; one beside it is not.
#[test]
fn a_dsack_inside_the_second_block() {
    for (of, dsacks) in [(&[(2, 3), (2, 5)][..], 1), (&[(7, 8), (2, 5)], 0), (&[(2, 5)], 0)] {
        let mut m = silent(linux(), true, 10);
        m.feed(&Ack { sack: blocks(of), ..plain_ack(START) });
        assert_eq!(m.sender.dsacks, dsacks, "{of:?}");
    }
}

/// 8985/4-SACK: without SACK there is no RACK.
#[test]
fn no_rack_without_sack() {
    assert_eq!(Model::with(linux(), false).sender.detection, LossDetection::NewReno);
    assert_eq!(Model::with(linux(), true).sender.detection, LossDetection::Rack);
}

/// 8985/2-ADAPT, 2-BOUND, 6.2-REOWND: the reordering window: a quarter of min_RTT, more for each round with a D-SACK, SRTT at
/// most, and back after sixteen recoveries without one.
#[test]
fn the_reordering_window_adapts() {
    let mut rack = Rack::new(START);
    let window = |rack: &Rack| rack.reo_wnd(false, ms(40), ms(50)).as_millis();
    assert_eq!(window(&rack), 10);
    rack.adapt(true, START, START + 10 * MSS);
    rack.adapt(true, START + MSS, START + 11 * MSS);
    assert_eq!(window(&rack), 20, "once a round");
    rack.adapt(true, START + 10 * MSS, START + 20 * MSS);
    assert_eq!(window(&rack), 30);
    for round in 2..400 {
        rack.adapt(true, START + 10 * round * MSS, START + 10 * (round + 1) * MSS);
    }
    assert_eq!(window(&rack), 50, "SRTT");
    for _ in 0..15 {
        rack.recovery_ended();
    }
    assert_eq!(window(&rack), 50);
    rack.recovery_ended();
    assert_eq!(window(&rack), 10);
    assert_eq!(rack.reo_wnd(true, ms(40), ms(50)), Duration::ZERO, "8985/2-WND0");
}

/// 8985/6.2-MOSTRECENT: the ACK of an original that comes right behind its retransmission is not taken for that of the
/// retransmission.
#[test]
fn too_soon_for_a_retransmission() {
    let mut m = Model::new(Config { undo: Undoing::Off, ..linux() });
    m.fate = Box::new(|s, copy| if s == 2 && copy == 0 { Fate::Delay(8_000) } else { Fate::Pass });
    m.write(10);
    m.run(ms(30));
    assert_eq!(m.repeats(), [(20, 2, Rule::RackRetransmit)]);
    assert!(m.sender.rack.rtt() >= ms(20), "{}", m.sender.rack.rtt());
}

/// 8985/6.3-RTO: a timeout does not take for lost what was sent a moment ago.
#[test]
fn a_timeout_spares_what_is_fresh() {
    let mut m = Model::new(Config { tail_loss_probe: false, ..linux() });
    m.write(5);
    m.run(ms(100));
    m.fate = Box::new(|_, _| Fate::Drop);
    m.write(1);
    let (due, _) = m.timer().unwrap();
    m.run(ms(due - 5));
    m.write(3);
    m.run(ms(due));
    assert_eq!(m.repeats().last().map(|r| r.2), Some(Rule::RtoRetransmit));
    assert_eq!(m.sender.counts().lost, 1, "of four");
}

/// 8985/7.2-ARM: the probe timer runs behind new data, not once something is SACKed.
#[test]
fn no_probe_where_something_is_sacked() {
    let mut m = silent(linux(), true, 10);
    assert_eq!(m.timer().map(|t| t.1), Some(Timer::Probe));
    m.feed(&Ack { sack: blocks(&[(5, 6)]), ..plain_ack(START) });
    assert_ne!(m.timer().map(|t| t.1), Some(Timer::Probe));
}

/// 9937/6.2-CRB, 6.2-SAFEACK, 6.2-CWND, 6.3-OUT: with less in flight than ssthresh, one segment for each that is delivered,
/// and one more where SND.UNA advances and nothing was newly lost.
#[test]
fn prr_below_ssthresh() {
    let mut m = silent(linux(), true, 20);
    m.now += ms(20);
    let mut counts = Vec::new();
    for k in 1..=8 {
        m.feed(&Ack { sack: blocks(&[(12, 12 + k)]), ..plain_ack(START) });
        counts.push(m.repeats().len());
    }
    assert_eq!(counts, [0, 0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(m.sender.ssthresh(), 10 * MSS);
    m.now += ms(20);
    m.feed(&Ack { sack: blocks(&[(12, 20)]), ..plain_ack(START + MSS) });
    assert_eq!(m.repeats().len(), 8, "two: the ACK is safe");
    assert_eq!(m.sender.cwnd(), m.sender.pipe(&m.cfg), "all that was allowed is out");
}

/// 9937/6.4-END: behind the recovery cwnd is ssthresh.
#[test]
fn prr_ends_at_ssthresh() {
    let mut m = Model::new(Config { initial_window: 20, ..linux() }).drop_first(&[0, 3, 7]);
    m.write(20);
    m.run(ms(200));
    assert!(m.all_acknowledged());
    assert_eq!((m.happened(Rule::RecoveryEnds), m.sender.cwnd()), (1, m.sender.ssthresh()));
    // Also where the program had too little to send for the window to come near.
    let mut m =
        Model::new(Config { ssthresh_from_cwnd: true, initial_window: 20, ..linux() }).drop_first(&[0]);
    m.write(5);
    m.run(ms(200));
    assert!(m.all_acknowledged());
    assert_eq!((m.happened(Rule::RecoveryEnds), m.cwnd()), (1, 10));
    assert_eq!(m.sender.ssthresh(), 10 * MSS);
}

/// 5682/2-NONEW: without new data to send F-RTO has nothing to go by: conventional recovery.
#[test]
fn frto_without_new_data() {
    let cfg = Config { tail_loss_probe: false, undo: Undoing::Off, ..linux() };
    let mut m = Model::new(cfg).no_timestamps();
    m.hold = (0, 300);
    m.write(10);
    m.run(ms(3000));
    assert_eq!(m.happened(Rule::SpuriousUndo), 0);
    assert!(m.repeats().len() > 1, "{:?}", m.repeats());
}

/// 5682/2-NOFR, 2-IGNORE: no F-RTO for a timeout inside a recovery; what is neither new nor duplicate moves it not.
#[test]
fn frto_has_its_place() {
    let frto = |m: &Model| m.sender.trouble.as_ref().map(|t| t.frto);
    let mut m = Model::new(linux());
    m.fate = Box::new(|segment, _| if segment == 0 { Fate::Drop } else { Fate::Pass });
    m.write(10);
    for at in 0..1300 {
        m.run(ms(at));
        if m.happened(Rule::RtoExpired) > 0 {
            break;
        }
    }
    let seen = (m.happened(Rule::RecoveryBegins), m.happened(Rule::RtoExpired), frto(&m));
    assert_eq!(seen, (1, 1, Some(Frto::Off)));
    let mut m = silent(Config { tail_loss_probe: false, ..linux() }, true, 10);
    m.run(ms(221));
    assert_eq!(frto(&m), Some(Frto::Waiting));
    for odd in [
        Ack { window_changed: true, ..plain_ack(START) },
        Ack { has_data: true, ..plain_ack(START) },
        plain_ack(Seq(START.0 - 500)),
    ] {
        m.feed(&odd);
        assert_eq!(frto(&m), Some(Frto::Waiting));
    }
}

/// 8985/9.3-RTXCC, 5681/4.3-TWICE: without PRR a lost retransmission reduces the window once more.
#[test]
fn lost_retransmission_without_prr() {
    let mut m = Model::new(Config { prr: false, ..linux() });
    m.fate = Box::new(|s, copy| if s == 2 && copy < 2 { Fate::Drop } else { Fate::Pass });
    m.write(60);
    m.run(ms(39));
    let once = m.sender.ssthresh();
    m.run(ms(100));
    let repeats = m.repeats();
    assert!(
        repeats.len() == 2 && repeats.iter().all(|r| (r.1, r.2) == (2, Rule::RackRetransmit)),
        "{repeats:?}"
    );
    assert!(m.sender.ssthresh() < once && once < 10 * MSS, "{once}, then {}", m.sender.ssthresh());
}

/// 9937/6.2-FORCE: with as much in flight as ssthresh allows, the first retransmission is allowed for all the same.
#[test]
fn prr_forces_the_first_retransmission() {
    let mut m = silent(linux(), true, 20);
    m.now += ms(20);
    for k in 8..=10 {
        m.feed(&Ack { sack: blocks(&[(7, k)]), ..plain_ack(START) });
    }
    assert_eq!((m.repeats().len(), m.sender.ssthresh()), (1, 10 * MSS));
    assert_eq!(m.sender.cwnd(), 11 * MSS, "ten in flight, and one segment");
}

/// 8985/7.3-COND: one probe at a time: after one that was answered by nothing but its own ACK the next loss of a tail is left
/// to the retransmission timer; after a segment that came through, a probe repairs it again.
#[test]
fn one_probe_at_a_time() {
    for (between, second) in [(false, Rule::RtoRetransmit), (true, Rule::TailLossProbe)] {
        let mut m = Model::new(linux());
        let lost = if between { 2 } else { 1 };
        m.fate = Box::new(
            move |s, copy| if copy == 0 && [0, lost].contains(&s) { Fate::Drop } else { Fate::Pass },
        );
        m.write(1);
        m.run(ms(300));
        if between {
            m.write(1);
            m.run(ms(400));
        }
        m.write(1);
        m.run(ms(3000));
        let repeats: Vec<_> = m.repeats().iter().map(|r| (r.1, r.2)).collect();
        assert_eq!(repeats, [(0, Rule::TailLossProbe), (lost, second)]);
    }
}

/// 2883/5-SAMEPKT: the block of an old ACK lies below SND.UNA, but not below that ACK: no D-SACK.
#[test]
fn an_old_block_is_no_dsack() {
    let mut m = silent(linux(), true, 10);
    m.feed(&plain_ack(START + 5 * MSS));
    m.feed(&Ack { sack: blocks(&[(2, 4)]), ..plain_ack(START + MSS) });
    assert_eq!(m.sender.dsacks, 0);
}

/// 4015/3.4-ECE: the timeout was spurious, but ECE came before that was known: the reduction stands.
#[test]
fn ece_forbids_the_undo() {
    for (ece, undone) in [(false, 1), (true, 0)] {
        let mut m = Model::new(linux());
        m.hold = (0, 500);
        m.write(11);
        m.run(ms(300));
        m.feed(&Ack { ece, has_data: true, ..plain_ack(START) });
        m.run(ms(3000));
        assert_eq!((m.happened(Rule::SpuriousUndo), m.sender.ssthresh() == u64::MAX), (undone, !ece));
    }
}

/// 6298/5-EARLY: a fast retransmission restarts the timer, or it would be followed by another before an RTO is over.
#[test]
fn a_retransmission_restarts_the_timer() {
    for (cfg, sack) in [(newreno(), false), (rfc(), true)] {
        let mut m = Model::with(cfg, sack).drop_first(&[0]);
        m.write(10);
        m.run(ms(21));
        assert_eq!((!m.repeats().is_empty(), m.timer()), (true, Some((1020, Timer::Rto))));
    }
}

/// 9937/6.1-INIT: RecoverFS is what was in flight without what had been SACKed before: 22 outstanding, three SACKed, one of
/// them just now, make 20, so that eleven delivered segments let six go.
#[test]
fn prr_begins_with_what_is_in_flight() {
    let mut m = silent(linux(), true, 20);
    m.unsent = 100 * MSS;
    m.now += ms(20);
    for k in 1..=13 {
        m.feed(&Ack { sack: blocks(&[(1, 1 + k)]), new_data_ready: true, ..plain_ack(START) });
    }
    assert_eq!(m.sender.ssthresh(), 10 * MSS);
    assert_eq!(m.log.len(), 20 + 2 + 6, "two of them by limited transmit");
}

/// 2018/SND-SANITY: a block whose edges lie inside segments says that those segments have come in part: the rest of
/// them is still missing, and they are not counted as received.
#[test]
fn a_block_that_begins_inside_a_segment() {
    let mut m = Model::new(linux());
    m.fate = Box::new(|_, _| Fate::Drop);
    m.write(10);
    let mut sack = SackBlocks::default();
    sack.push((START + 2 * MSS + MSS / 2).wire(), (START + 5 * MSS + MSS / 2).wire());
    m.feed(&Ack { sack, ..plain_ack(START) });
    let (sacked, _, _) = m.sender.queue.recount();
    assert_eq!((sacked.segments, sacked.bytes), (2, 2 * MSS), "the fourth and the fifth");
}
