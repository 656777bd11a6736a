//! What follows a needless timeout where nothing but timeouts is looked at: RFC 4015, and FreeBSD's restoring.

use super::model::{Fate, MSS, Model, START};
use super::rows::{ms, plain_ack, rfc};
use crate::config::Undoing;
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
    for (rtt, srtt, rttvar) in [(500, 500, 250), (2, 22, 10)] {
        let mut m = silent(rfc(), 10, 20 * MSS);
        m.run(ms(1001));
        m.feed(&echoing(3, 0));
        m.feed(&echoing(10, 0));
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
