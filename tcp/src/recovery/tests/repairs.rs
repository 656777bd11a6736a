//! Linux's repairs: RACK, tail loss probes, PRR, undo.

use super::model::{Fate, MSS, Model, START};
use super::rows::{linux, ms, plain_ack};
use crate::config::Undoing;
use crate::recovery::{Ack, Timer};
use crate::{Config, Rule, Time};

/// Capture loss_one_sack: the third of the first ten is lost; the third SACK retransmits it in the same round trip.
#[test]
fn rack_repairs_a_lone_loss_at_the_third_sack() {
    let mut m = Model::new(linux()).drop_first(&[2]);
    m.write(30);
    m.run(ms(2000));
    assert_eq!(m.repeats(), [(20, 2, Rule::RackRetransmit)]);
    assert!(m.all_acknowledged());
    assert_eq!(m.happened(Rule::RecoveryBegins), 1);
    // ssthresh = FlightSize / 2 = 6, and congestion avoidance from there.
    assert_eq!(m.sender.ssthresh(), 6 * MSS);
}

/// Captures single_seg_loss and user_timeout: a lone segment is lost for good. With SRTT 20 ms the RTO is 220 ms; the
/// probe comes then (2 SRTT and the delayed ACK, cut to the RTO), the RTO one RTO later, doubling from there.
#[test]
fn lone_segment_into_a_dead_path() {
    let mut m = Model::new(linux());
    m.fate = Box::new(|_, _| Fate::Drop);
    m.write(1);
    m.run(ms(4000));
    let expected = [
        (220, 0, Rule::TailLossProbe),
        (440, 0, Rule::RtoRetransmit),
        (880, 0, Rule::RtoRetransmit),
        (1760, 0, Rule::RtoRetransmit),
        (3520, 0, Rule::RtoRetransmit),
    ];
    assert_eq!(m.repeats(), expected);
    assert_eq!(m.sender.retries(), 4);
    assert_eq!(m.sender.first_timeout(), Some(Time::from_nanos(1_440_000_000)));
    assert_eq!(m.timer(), Some((7040, Timer::Rto)));
}

/// 8985/7.4-CC, capture tail_loss_1: the probe repairs the loss of the last of ten, and the window pays for it once
/// something later is acknowledged.
#[test]
fn probe_repairs_the_tail() {
    let mut m = Model::new(linux()).drop_first(&[9]);
    m.write(10);
    m.run(ms(1000));
    assert_eq!(m.repeats(), [(240, 9, Rule::TailLossProbe)]);
    m.write(1);
    m.run(ms(2000));
    assert_eq!(m.happened(Rule::ProbeRepaired), 1);
    // 8985/7.4-CC: the loss costs what any loss does, half of the window.
    assert_eq!((m.sender.ssthresh() / MSS, m.cwnd()), (5, 5));
}

/// 8985/7.2-ARM: no probe is scheduled while losses are being repaired; after a timeout only the next timeout is waited for.
#[test]
fn no_probe_after_a_timeout() {
    let mut m = Model::with(linux(), false);
    m.fate = Box::new(|_, _| Fate::Drop);
    m.write(10);
    m.run(ms(300));
    assert!(m.repeats().iter().any(|(_, _, why)| *why == Rule::RtoRetransmit), "{:?}", m.repeats());
    m.feed(&plain_ack(START + MSS));
    assert!(m.sender.flight() > 0);
    assert_eq!(m.timer().map(|(_, kind)| kind), Some(Timer::Rto));
}

/// 8985/7.4-CC: the original had arrived as well: a D-SACK comes, and no reduction.
#[test]
fn needless_probe_costs_nothing() {
    let mut m = Model::new(linux());
    m.ack_fate = Box::new(|at| if at.as_nanos() < 1_100_000_000 { Fate::Drop } else { Fate::Pass });
    m.write(1);
    m.run(ms(1000));
    assert_eq!(m.repeats(), [(220, 0, Rule::TailLossProbe)]);
    m.write(1);
    m.run(ms(2000));
    assert_eq!(m.happened(Rule::ProbeRepaired), 0);
    assert_eq!(m.sender.ssthresh(), u64::MAX);
}

/// Capture tail_loss_1_notlp: without probes the RTO fires at the very same time, and cwnd is one segment.
#[test]
fn tail_without_probe() {
    let mut m = Model::new(Config { tail_loss_probe: false, ..linux() }).drop_first(&[9]);
    m.write(10);
    m.run(ms(245));
    assert_eq!(m.repeats(), [(240, 9, Rule::RtoRetransmit)]);
    assert_eq!(m.cwnd(), 1);
}

/// Capture tail_loss_3, in its unambiguous form: the probe (2 SRTT after the last ACK) repeats the last segment, its
/// SACK lets RACK find the other two one round trip later.
#[test]
fn probe_reveals_a_lost_tail() {
    let mut m = Model::new(linux()).drop_first(&[7, 8, 9]);
    m.write(10);
    m.run(ms(2000));
    let expected =
        [(62, 9, Rule::TailLossProbe), (82, 7, Rule::RackRetransmit), (82, 8, Rule::RackRetransmit)];
    // PRR may hold the second one back until the first is acknowledged.
    let repeats = m.repeats();
    assert_eq!(repeats[..2], expected[..2]);
    assert_eq!((repeats.len(), repeats[2].1), (3, 8));
    assert!(m.all_acknowledged());
}

/// 8985/7.3-NEW, capture lost_acks_run: a probe sends new data if there is any; its ACK tells that all had arrived.
#[test]
fn probe_with_new_data() {
    let mut m = Model::new(linux());
    m.ack_fate = Box::new(|at| if at.as_nanos() < 1_050_000_000 { Fate::Drop } else { Fate::Pass });
    m.write(30);
    m.run(ms(2000));
    assert_eq!(m.repeats(), [(42, 10, Rule::TailLossProbe)]);
    assert!(m.all_acknowledged());
    assert_eq!(m.sender.counts().retransmitted, 0);
}

/// Capture reorder_swap1: one segment overtaken by one, two: no retransmission.
#[test]
fn slight_reordering_repeats_nothing() {
    for late_us in [100, 4_000] {
        let mut m = Model::new(linux());
        m.fate = Box::new(move |s, _| if s == 8 { Fate::Delay(late_us) } else { Fate::Pass });
        m.write(10);
        m.run(ms(2000));
        assert_eq!(m.repeats(), []);
    }
}

/// 8985/6.2-FWD: once reordering was seen, three SACKs are no proof any more: the window of min_RTT / 4 has to pass,
/// by a timer if nothing arrives (8985/6.2-TIMER).
#[test]
fn reordering_window_after_reordering() {
    let mut m = Model::new(linux());
    m.fate = Box::new(|s, copy| match (s, copy) {
        (8, 0) => Fate::Delay(100),
        (20, 0) => Fate::Delay(4_000),
        (40, 0) => Fate::Drop,
        _ => Fate::Pass,
    });
    m.write(70);
    m.run(ms(2000));
    let repeats = m.repeats();
    assert_eq!(repeats.len(), 1, "{repeats:?}");
    let (at, segment, why) = repeats[0];
    assert_eq!((at % 20, segment, why), (5, 40, Rule::RackRetransmit), "{repeats:?}");
}

/// 8985/6.2-TIMER: the timer waits until all that may be reordered would be lost, not for the first of it: one look,
/// one burst.
#[test]
fn the_reordering_timer_is_for_the_last_candidate() {
    let mut m = Model::new(linux());
    m.fate = Box::new(|s, copy| match (s, copy) {
        (0, 0) => Fate::Delay(100),
        (2 | 3, 0) => Fate::Drop,
        _ => Fate::Pass,
    });
    m.write(2);
    for at in [100, 102, 103] {
        m.run(ms(at));
        m.write(1);
    }
    m.run(ms(124));
    // Sent at 100 and 102 ms; a round trip of 20 ms and a window of 5.
    assert_eq!(m.timer(), Some((127, Timer::Reordering)));
    m.run(ms(2000));
    // Both are lost at once; the second waits for the window.
    assert_eq!(m.repeats(), [(127, 2, Rule::RackRetransmit), (147, 3, Rule::RackRetransmit)]);
}

/// 8985/6.2-RTXLOSS: a lost retransmission is found without a timeout; 8985/9.3-RTXCC.
#[test]
fn lost_retransmission() {
    let mut m = Model::new(linux());
    m.fate = Box::new(|s, copy| if s == 2 && copy < 2 { Fate::Drop } else { Fate::Pass });
    m.write(60);
    m.run(ms(2000));
    assert_eq!(m.repeats(), [(20, 2, Rule::RackRetransmit), (40, 2, Rule::RackRetransmit)]);
}

/// Capture spurious_rto_ts: everything is held for 700 ms. One probe, one RTO, and the first ACK of an original undoes
/// it all (3522/3.2-EIFEL): nothing else is sent again.
#[test]
fn spurious_timeout_with_timestamps() {
    let mut m = Model::new(linux());
    m.hold = (0, 500);
    m.write(11);
    m.run(ms(3000));
    assert_eq!(m.repeats(), [(42, 10, Rule::TailLossProbe), (262, 0, Rule::RtoRetransmit)]);
    assert_eq!(m.happened(Rule::SpuriousUndo), 1);
    assert!(m.cwnd() >= 10);
    assert_eq!(m.sender.ssthresh(), u64::MAX);
}

/// 5682/2-STEP2B, 5682/2-STEP3B: the same without timestamps: two new segments instead of retransmissions, then undone.
#[test]
fn spurious_timeout_by_frto() {
    for sack in [true, false] {
        let cfg = Config { tail_loss_probe: false, ..linux() };
        let mut m = Model::with(cfg, sack).no_timestamps();
        m.hold = (0, 300);
        m.write(40);
        m.run(ms(3000));
        assert_eq!(m.repeats(), [(220, 0, Rule::RtoRetransmit)], "SACK {sack}");
        assert_eq!(m.happened(Rule::SpuriousUndo), 1);
        assert!(m.all_acknowledged());
    }
}

/// 5682/2-STEP2A, 5682/2-STEP3A: a real loss is not taken for spurious.
#[test]
fn real_timeout_is_not_undone() {
    for sack in [true, false] {
        for timestamps in [true, false] {
            let mut m = Model::with(Config { tail_loss_probe: false, ..linux() }, sack);
            m.timestamps = timestamps;
            m.fate = Box::new(|_, copy| if copy == 0 { Fate::Drop } else { Fate::Pass });
            m.write(10);
            m.run(ms(225));
            m.fate = Box::new(|_, _| Fate::Pass);
            m.write(5);
            m.run(ms(5000));
            assert_eq!(m.happened(Rule::SpuriousUndo), 0, "SACK {sack}, timestamps {timestamps}");
            assert!(m.all_acknowledged());
            assert_eq!(m.sender.ssthresh(), 5 * MSS);
        }
    }
}

/// 5682/2-STEP2A: a duplicate ACK comes first, so the timeout is taken for a true one, though what comes next acknowledges
/// something that was sent once.
#[test]
fn a_duplicate_ends_frto() {
    for (duplicate, undone) in [(false, 1), (true, 0)] {
        let mut m = Model::with(Config { tail_loss_probe: false, ..linux() }, false).no_timestamps();
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(10);
        m.run(ms(230));
        assert_eq!(m.repeats().len(), 1, "the timeout");
        if duplicate {
            m.feed(&plain_ack(START));
        }
        m.feed(&plain_ack(START + 2 * MSS));
        assert_eq!(m.happened(Rule::SpuriousUndo), undone);
    }
}

/// Capture spurious_rto_nofrto: without F-RTO and timestamps all goes out again, the D-SACKs tell, and the window is
/// restored.
#[test]
fn dsack_undo() {
    let mut m = Model::new(Config { frto: false, tail_loss_probe: false, ..linux() }).no_timestamps();
    m.fate = Box::new(|s, copy| if copy == 0 && s < 10 { Fate::Delay(700_000) } else { Fate::Pass });
    m.write(10);
    m.run(ms(3000));
    assert!(m.repeats().len() >= 2);
    m.write(1);
    m.run(ms(4000));
    assert_eq!(m.happened(Rule::UnneededUndo) + m.happened(Rule::SpuriousUndo), 1);
    assert!(m.cwnd() >= 10);
}

/// Capture reorder_late8ms_nosack: a spurious fast retransmit, undone through timestamps.
#[test]
fn spurious_fast_retransmit_is_undone() {
    for sack in [true, false] {
        let mut m = Model::with(linux(), sack);
        m.fate = Box::new(|s, copy| if s == 2 && copy == 0 { Fate::Delay(8_000) } else { Fate::Pass });
        m.write(30);
        m.run(ms(3000));
        assert_eq!(m.repeats().len(), 1, "SACK {sack}");
        assert_eq!(m.happened(Rule::UnneededUndo), 1, "SACK {sack}");
        assert!(m.sender.ssthresh() > 1 << 40);
        assert!(m.all_acknowledged());
    }
}

/// 4015/3.4-ECE: what ECE asked for is not taken back.
#[test]
fn no_undo_with_ece() {
    let mut m = Model::new(linux());
    m.fate = Box::new(|_, copy| if copy == 0 { Fate::Delay(700_000) } else { Fate::Pass });
    m.write(10);
    m.run(ms(75));
    assert!(m.sender.flight() > 0, "what was sent again is under way");
    let ack = Ack { ece: true, ..plain_ack(START) };
    m.feed(&ack);
    m.run(ms(3000));
    assert_eq!(m.happened(Rule::SpuriousUndo), 0);
    assert!(m.sender.ssthresh() <= 5 * MSS);
}

/// 9937/6.2-PRR: with Reno, one segment for every two ACKs.
#[test]
fn prr_sends_every_second_ack() {
    let mut m = Model::new(Config { initial_window: 20, ..linux() }).drop_first(&[0]);
    m.write(200);
    m.run(ms(21));
    // Two by limited transmit, the retransmission, and then one for two of the other ACKs: half of twenty.
    let burst = m.log.iter().filter(|s| s.at.as_nanos() == 1_020_000_000).count();
    assert!((10..=13).contains(&burst), "{burst}");
    m.run(ms(41));
    assert!((9..=11).contains(&m.cwnd()), "{}", m.cwnd());
}

/// 5682/2-FIRST: a repeated timeout of the same segment is followed by conventional recovery; Linux looks again.
#[test]
fn frto_after_a_repeated_timeout() {
    for (frto_repeats, spurious) in [(true, 1), (false, 0)] {
        for sack in [true, false] {
            let cfg = Config { tail_loss_probe: false, undo: Undoing::Off, frto_repeats, ..linux() };
            let mut m = Model::with(cfg, sack).no_timestamps();
            m.hold = (0, 700);
            m.write(40);
            m.run(ms(5000));
            assert_eq!(m.repeats()[..2], [(220, 0, Rule::RtoRetransmit), (660, 0, Rule::RtoRetransmit)]);
            assert_eq!(m.happened(Rule::SpuriousUndo), spurious, "SACK {sack}");
            assert_eq!(m.repeats().len() > 2, spurious == 0, "SACK {sack}");
            assert!(m.all_acknowledged());
        }
    }
}

/// Linux `tcp_may_raise_cwnd`: once the network was seen to reorder by more than three segments, what is SACKed raises the window
/// as well, and does not wait for what was overtaken.
#[test]
fn sacks_raise_the_window_where_much_is_reordered() {
    let window = |max_reordering| {
        let mut m = Model::new(Config { max_reordering, ..linux() });
        // By one segment, so that RACK knows of it, and twice by more than three, which is less than it waits for.
        m.fate = Box::new(|s, copy| match (s, copy) {
            (8, 0) => Fate::Delay(100),
            (12 | 50, 0) => Fate::Delay(3_000),
            _ => Fate::Pass,
        });
        for (at, segments) in [(0, 10), (100, 20), (200, 40)] {
            m.run(ms(at));
            m.write(segments);
        }
        m.run(ms(400));
        assert!(m.all_acknowledged());
        assert_eq!(m.repeats(), []);
        m.cwnd()
    };
    assert!(window(300) > window(0), "{} {}", window(300), window(0));
}

/// Without SACK a cumulative ACK brings what duplicate ACKs have not told of (Linux `tcp_remove_reno_sacks`; capture
/// reorder_late8ms_nosack), and the degree of reordering that shows in them delays the next recovery.
#[test]
fn duplicate_acks_count_as_delivered() {
    let mut m = Model::with(linux(), false);
    m.fate = Box::new(|s, copy| if (s, copy) == (2, 0) { Fate::Delay(8_000) } else { Fate::Pass });
    m.write(30);
    m.run(ms(29));
    // Two acknowledged, seven duplicates, a needless recovery that the timestamp undoes, one more.
    assert_eq!(m.cwnd(), 13);
}

/// After a timeout Linux lets one segment join those that were sent a moment ago and may well arrive; RFC 5681 begins with one
/// segment, whatever is in flight.
#[test]
fn the_window_after_a_timeout_minds_what_is_fresh() {
    for (cwnd_in_segments, cwnd) in [(true, 3), (false, 1)] {
        let cfg = Config { tail_loss_probe: false, cwnd_in_segments, ..linux() };
        let mut m = Model::new(cfg);
        m.fate = Box::new(|s, _| if s == 0 { Fate::Pass } else { Fate::Drop });
        m.write(1);
        m.run(ms(50));
        m.write(3);
        m.run(ms(260));
        m.write(2);
        m.run(ms(271));
        // The first three are lost; the last two went out less than a round trip before.
        assert_eq!((m.sender.counts().lost, m.cwnd()), (3, cwnd));
    }
}
