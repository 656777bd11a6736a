//! What follows a needless timeout where nothing but timeouts is looked at: RFC 4015, and FreeBSD's restoring.

use super::model::{Fate, MSS, Model, START};
use super::rows::{linux, ms, plain_ack, rfc};
use crate::config::{LossDetection, Undoing};
use crate::recovery::{Ack, Echo};
use crate::{Config, Duration, Rule, SackBlocks, Time};

/// So many segments are out and nothing has come back; what the program writes besides waits.
fn silent(cfg: Config, segments: u64, ssthresh: u64) -> Model {
    let mut m = Model::new(cfg);
    m.fate = Box::new(|_, _| Fate::Drop);
    (m.sender.cwnd, m.sender.ssthresh) = (segments * MSS, ssthresh);
    m.write(segments);
    m.unsent += 100 * MSS;
    m
}
/// An ACK of so many segments that echoes what was sent at `sent` milliseconds.
fn echoing(segments: u64, sent: u64) -> Ack {
    let at = |ms: u64| Time::from_nanos(1_000_000_000) + Duration::from_millis(ms);
    Ack {
        echo: Some(Echo { from: at(sent), to: at(sent + 1) }),
        new_data_ready: true,
        ..plain_ack(START + segments * MSS)
    }
}
fn undone(m: &Model) -> usize {
    m.happened(Rule::SpuriousUndo) + m.happened(Rule::UnneededUndo)
}

/// 4015/3.2-PIPEPREV, 3.3-SNDNXT, 3.4-RESTORE, 3522/3.2-EIFEL: the threshold is what was in flight or the old one, whichever is
/// larger; what goes next is new, and as much as was acknowledged.
#[test]
fn the_eifel_response() {
    for (before, after) in [(4, 10), (20, 20)] {
        let mut m = silent(rfc(), 10, before * MSS);
        m.run(ms(1001));
        assert_eq!((m.cwnd(), m.sender.ssthresh()), (1, 5 * MSS));
        m.feed(&echoing(3, 0));
        assert_eq!((undone(&m), m.sender.cwnd(), m.sender.ssthresh()), (1, 10 * MSS, after * MSS));
        assert_eq!(m.repeats(), [(1000, 0, Rule::RtoRetransmit)], "the rest does not go again");
        assert_eq!(m.log[11..].iter().map(|sent| sent.segment).collect::<Vec<_>>(), [10, 11, 12]);
    }
    // In slow start without a threshold there is none afterwards.
    let mut m = silent(rfc(), 10, u64::MAX);
    m.run(ms(1001));
    m.feed(&echoing(3, 0));
    assert_eq!(m.sender.ssthresh(), u64::MAX);
}

/// 4015/3.4-RESTORE: an ACK of very much lets no more than an initial window go at once; one of all that there was, one segment
/// at least.
#[test]
fn the_eifel_response_avoids_bursts() {
    let mut m = silent(rfc(), 40, u64::MAX);
    m.run(ms(1001));
    m.feed(&echoing(30, 0));
    assert_eq!((m.sender.cwnd(), m.sender.flight()), (20 * MSS, 20 * MSS));
    let mut m = silent(rfc(), 10, u64::MAX);
    m.sender.dsacks = 1;
    m.run(ms(1001));
    m.feed(&echoing(10, 0));
    assert_eq!((m.sender.cwnd(), m.sender.flight()), (10 * MSS, 10 * MSS));
    let mut m = Model::new(rfc());
    m.fate = Box::new(|_, _| Fate::Drop);
    (m.unsent, m.sender.dsacks) = (100, 1);
    m.write(0);
    m.run(ms(1001));
    m.feed(&Ack { ack: START + 100, ..echoing(0, 0) });
    assert_eq!((undone(&m), m.sender.cwnd()), (1, MSS));
}

/// RFC 4015, section 3.1, step 10: what the path held up was no pause of the program's. A restart window waits for a timeout without
/// anything to acknowledge, counted from the response; it is the small one, since a first window has timed out.
#[test]
fn what_was_held_up_was_no_pause() {
    for (late, window) in [(ms(0), 10), (ms(1), 4)] {
        let mut m = silent(rfc(), 10, u64::MAX);
        (m.unsent, m.sender.dsacks) = (0, 1);
        m.run(ms(6900));
        assert_eq!(m.repeats().last(), Some(&(3000, 0, Rule::RtoRetransmit)));
        m.feed(&echoing(10, 0));
        assert_eq!((undone(&m), m.cwnd(), m.sender.flight()), (1, 10, 0));
        m.now += m.sender.rto(&m.cfg) + late;
        m.write(1);
        assert_eq!(m.cwnd(), window, "{late:?} after a timeout");
    }
}

/// 4015/3.4-ECE, 3.3-SNDNXT: what ECE asked for is not taken back, and the timer stays as it is; nothing goes again all the same.
#[test]
fn no_eifel_response_with_ece() {
    let mut m = silent(rfc(), 10, 20 * MSS);
    m.run(ms(1001));
    m.feed(&Ack { ece: true, ..echoing(3, 0) });
    assert_eq!((undone(&m), m.cwnd(), m.sender.ssthresh()), (0, 1, 5 * MSS));
    assert!(!m.sender.trouble.as_ref().is_some_and(|trouble| trouble.undo.adapts()));
    m.feed(&echoing(10, 0));
    assert_eq!(m.repeats(), [(1000, 0, Rule::RtoRetransmit)]);
}

/// 3522/3.2-EIFEL, step 5: where all the ACKs were lost the copy brings one of everything, with the timestamp of an original and
/// a D-SACK. Who has never sent a D-SACK may not know them: then it is not believed without either; who has, is.
#[test]
fn lost_acks_are_no_delay() {
    let mut told = SackBlocks::default();
    told.push(START.wire(), (START + MSS).wire());
    for (segments, dsacks, sack, times) in [
        (10, 0, SackBlocks::default(), 0),
        (9, 0, SackBlocks::default(), 1),
        (10, 1, SackBlocks::default(), 1),
        (10, 1, told, 0),
        // More than there were retransmissions: the network makes copies too, but this may be of one.
        (10, 2, told, 0),
        (9, 0, told, 0),
    ] {
        let mut m = silent(rfc(), 10, 20 * MSS);
        m.sender.retransmitted = 1;
        m.sender.dsacks = dsacks;
        m.run(ms(1001));
        m.feed(&Ack { sack, ..echoing(segments, 0) });
        let ssthresh = if times == 0 { 5 * MSS } else { 20 * MSS };
        assert_eq!((undone(&m), m.sender.ssthresh()), (times, ssthresh), "{segments}, {dsacks}, {sack:?}");
    }
}

/// 4015/3-ONLYRTO: a second timeout of the same segment changes nothing of what the first has noted, and one inside a recovery is
/// not looked at.
#[test]
fn a_recovery_is_looked_at_from_its_beginning() {
    // Retransmitted at 1 s and at 3 s: the original has arrived, or the first copy.
    for (sent, expected) in [(0, (1, 10 * MSS, 20 * MSS)), (1000, (0, 0, 5 * MSS))] {
        let mut m = silent(rfc(), 10, 20 * MSS);
        m.run(ms(3001));
        assert_eq!(m.happened(Rule::RtoExpired), 2);
        m.feed(&echoing(3, sent));
        let cwnd = if expected.0 == 1 { m.sender.cwnd() } else { 0 };
        assert_eq!((undone(&m), cwnd, m.sender.ssthresh()), expected, "sent at {sent} ms");
    }
    // Fast recovery, then the timeout.
    let mut m = silent(rfc(), 10, 20 * MSS);
    m.run(ms(20));
    for last in 2..=4 {
        let mut sack = SackBlocks::default();
        sack.push((START + MSS).wire(), (START + last * MSS).wire());
        m.feed(&Ack { sack, ..echoing(0, 0) });
    }
    m.run(ms(1100));
    assert_eq!((m.happened(Rule::RecoveryBegins), m.happened(Rule::RtoExpired)), (1, 1));
    m.feed(&echoing(4, 0));
    assert_eq!(undone(&m), 0);
    // The timeout of another segment, behind an ACK that told nothing.
    let mut m = silent(rfc(), 10, 20 * MSS);
    m.run(ms(1001));
    m.feed(&echoing(1, 1000));
    m.run(ms(6000));
    assert!(m.happened(Rule::RtoExpired) >= 2);
    m.feed(&echoing(4, 0));
    assert_eq!(undone(&m), 0);
}

/// 4015/3-ONLYRTO: a fast recovery notes nothing that a timeout inside it could undo, not even where that timeout is a second one of
/// the same segment, the first having been taken back by F-RTO; and it forgets what a timeout before it has noted.
#[test]
fn a_fast_recovery_notes_nothing() {
    let blocks = |m: &Model, first: u64, end: u64| {
        let mut sack = SackBlocks::default();
        let una = m.sender.una();
        sack.push((una + first * MSS).wire(), (una + end * MSS).wire());
        sack
    };
    let mut m = silent(Config { frto: true, frto_repeats: true, ..rfc() }, 10, 20 * MSS);
    m.run(ms(1001));
    for last in 2..=6 {
        let sack = blocks(&m, 1, last);
        m.feed(&Ack { sack, echo: None, ..echoing(0, 0) });
    }
    assert_eq!((undone(&m), m.happened(Rule::RecoveryBegins)), (1, 1));
    m.run(ms(5000));
    assert!(m.sender.retries() >= 2);
    let ssthresh = m.sender.ssthresh();
    m.feed(&echoing(6, 0));
    assert_eq!((undone(&m), m.sender.ssthresh()), (1, ssthresh));

    let mut m = silent(rfc(), 10, 20 * MSS);
    m.run(ms(1001));
    for arrived in [1, 5, 9, 10] {
        m.feed(&echoing(arrived, 1000));
    }
    assert!(m.sender.trouble.as_ref().is_some_and(|trouble| trouble.undo.before.is_some()));
    for last in 2..=4 {
        let sack = blocks(&m, 1, last);
        m.feed(&Ack { sack, ..echoing(10, 1000) });
    }
    assert_eq!(m.happened(Rule::RecoveryBegins), 1);
    assert!(m.sender.trouble.as_ref().is_some_and(|trouble| trouble.undo.before.is_none()));
}

/// 3522/3.2-EIFEL: the first ACK of new data tells; behind one that was caused by the retransmission nothing is undone. D-SACKs and
/// a needless fast retransmit are not this algorithm's.
#[test]
fn what_eifel_does_not_look_at() {
    let mut m = silent(rfc(), 10, 20 * MSS);
    m.run(ms(1001));
    m.feed(&echoing(1, 1000));
    m.feed(&echoing(4, 0));
    assert_eq!(undone(&m), 0);
    for sack in [true, false] {
        let mut m = Model::with(rfc(), sack);
        m.fate = Box::new(|s, copy| if s == 2 && copy == 0 { Fate::Delay(8_000) } else { Fate::Pass });
        m.write(30);
        m.run(ms(3000));
        assert_eq!((m.repeats().is_empty(), undone(&m)), (false, 0), "SACK {sack}");
    }
    let mut m = Model::new(rfc()).no_timestamps();
    m.hold = (0, 1500);
    m.write(10);
    m.run(ms(6000));
    assert!(m.all_acknowledged());
    assert_eq!(undone(&m), 0, "without timestamps");
}

/// 4015/3.6-RTO: the first round trip of what was not yet sent sets SRTT and RTTVAR, no lower than before the timeout and a little
/// above; from then on all is as ever.
#[test]
fn the_timer_becomes_more_patient() {
    let rack = || Config { loss_detection: LossDetection::Rack, ..rfc() };
    let cases = [
        (rfc(), 100, 500, 500, 250),
        (rfc(), 100, 2, 22, 10),
        (rack(), 100, 500, 500, 250),
        (rfc(), 0, 500, 500, 250),
    ];
    for (cfg, more, rtt, srtt, rttvar) in cases {
        let mut m = silent(cfg, 10, 20 * MSS);
        m.unsent = more * MSS;
        m.run(ms(1001));
        m.feed(&echoing(3, 0));
        m.feed(&echoing(10, 0));
        if more == 0 {
            assert_eq!(m.sender.flight(), 0, "what nothing is outstanding for is waited for all the same");
            m.write(2);
        }
        assert!(
            m.sender.trouble.as_ref().is_some_and(|trouble| trouble.undo.adapts()),
            "nothing new is acknowledged"
        );
        let sent = (m.now.as_nanos() - 1_000_000_000) / 1_000_000;
        m.run(ms(sent + rtt));
        m.feed(&echoing(11, sent));
        assert_eq!((m.sender.srtt(), m.sender.rttvar()), (ms(srtt), ms(rttvar)), "{rtt} ms");
        assert_eq!(m.sender.rto(&m.cfg), ms(srtt + 4 * rttvar).max(ms(1000)));
        m.feed(&echoing(12, sent));
        assert_ne!((m.sender.srtt(), m.sender.rttvar()), (ms(srtt), ms(rttvar)), "once");
    }
}

/// F-RTO finds out where there are no timestamps; what is done then is RFC 4015's all the same.
#[test]
fn eifel_answers_frto() {
    let mut m = silent(Config { frto: true, ..rfc() }, 10, 20 * MSS);
    m.run(ms(1001));
    m.feed(&Ack { echo: None, ..echoing(1, 0) });
    assert_eq!(undone(&m), 0, "new segments go first");
    let new = m.log[11..].iter().map(|sent| sent.segment).collect::<Vec<_>>();
    assert!([[10].as_slice(), &[10, 11]].contains(&&*new), "{new:?}");
    m.feed(&Ack { echo: None, ..echoing(3, 0) });
    let flight = (10 + new.len() as u64 - 3) * MSS;
    assert_eq!((undone(&m), m.sender.cwnd(), m.sender.ssthresh()), (1, flight + 2 * MSS, 20 * MSS));
}

/// FreeBSD: window and threshold come back as they were, after the first timeout of a segment and no other, by its timestamp.
#[test]
fn the_first_timeout_is_restored() {
    let cfg = Config { undo: Undoing::RestoreTimeout, ..rfc() };
    let mut m = silent(cfg.clone(), 10, 4 * MSS);
    m.run(ms(1001));
    m.feed(&echoing(3, 0));
    assert_eq!((undone(&m), m.cwnd(), m.sender.ssthresh()), (1, 10, 5 * MSS));
    let mut m = silent(cfg, 10, 20 * MSS);
    m.run(ms(3001));
    m.feed(&echoing(3, 0));
    assert_eq!((undone(&m), m.sender.ssthresh()), (0, 5 * MSS));
}

/// RFC 3708: all the ACKs were lost, and the copy brings one of everything with a D-SACK: nothing had to be sent again, that ACK
/// shows. Linux believes it; RFC 3522, step 5, and FreeBSD do not.
#[test]
fn a_dsack_proves_a_timeout_needless() {
    for (undo, times) in
        [(Undoing::Restore, 1), (Undoing::RestoreTimeout, 0), (Undoing::Eifel, 0), (Undoing::Off, 0)]
    {
        let mut m =
            Model::new(Config { frto: false, tail_loss_probe: false, undo, ..linux() }).no_timestamps();
        m.ack_fate = Box::new(|at| if at.as_nanos() < 1_200_000_000 { Fate::Drop } else { Fate::Pass });
        m.write(10);
        m.run(ms(245));
        assert_eq!((m.repeats(), m.all_acknowledged()), (vec![(220, 0, Rule::RtoRetransmit)], true));
        assert_eq!((undone(&m), m.sender.ssthresh() == u64::MAX), (times, times == 1), "{undo:?}");
    }
}

/// A hole that an original fills late, its timestamp says: only Linux takes a fast recovery back, and nobody does who does not look.
#[test]
fn who_takes_a_fast_recovery_back() {
    for (undo, times) in
        [(Undoing::Restore, 1), (Undoing::RestoreTimeout, 0), (Undoing::Eifel, 0), (Undoing::Off, 0)]
    {
        for sack in [true, false] {
            let mut m = Model::with(Config { undo, ..linux() }, sack);
            m.fate = Box::new(|s, copy| if s == 2 && copy == 0 { Fate::Delay(8_000) } else { Fate::Pass });
            m.write(30);
            m.run(ms(3000));
            assert_eq!((m.repeats().is_empty(), undone(&m)), (false, times), "{undo:?}, SACK {sack}");
            assert_eq!(m.sender.ssthresh() == u64::MAX, times == 1, "{undo:?}, SACK {sack}");
        }
    }
}
