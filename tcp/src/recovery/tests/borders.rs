//! What is just enough, and what just is not: both sides of the borders at which a sender decides.

use super::model::{Fate, MSS, Model, START};
use super::rows::{linux, ms, plain_ack, rfc};
use crate::config::LossDetection;
use crate::recovery::queue::{Marks, Sent};
use crate::recovery::{Ack, Phase};
use crate::{Config, Rule, SackBlocks, Time};

/// SACK blocks, in octets.
fn octets(of: &[(u64, u64)]) -> SackBlocks {
    let mut sack = SackBlocks::default();
    for (left, right) in of {
        sack.push((START + *left).wire(), (START + *right).wire());
    }
    sack
}
/// The same in segments.
fn blocks(of: &[(u64, u64)]) -> SackBlocks {
    octets(&of.iter().map(|(left, right)| (left * MSS, right * MSS)).collect::<Vec<_>>())
}
/// A model whose path takes nothing, with so many segments outstanding.
fn silent(cfg: Config, sack: bool, segments: u64) -> Model {
    let mut m =
        Model::with(Config { initial_window: segments as u32, initial_window_bytes: None, ..cfg }, sack);
    m.fate = Box::new(|_, _| Fate::Drop);
    m.write(segments);
    m
}

/// 6675/5-C: a rescue goes where cwnd leaves room for one segment, and not where it leaves an octet less.
#[test]
fn a_rescue_takes_room_for_a_segment() {
    let mut m = silent(rfc(), true, 12);
    // There is new data, which the peer's window holds back: the model asks for no rescue by itself then.
    (m.rwnd, m.unsent) = (0, MSS);
    m.feed(&Ack { sack: blocks(&[(1, 2)]), ..plain_ack(START) });
    m.feed(&Ack { sack: blocks(&[(1, 9)]), ..plain_ack(START) });
    assert_eq!(m.sender.phase, Phase::Recovery);
    let pipe = m.sender.pipe(&m.cfg);
    for (room, rescues) in [(MSS - 1, false), (MSS, true), (MSS + 1, true)] {
        m.sender.cwnd = pipe + room;
        assert_eq!(m.sender.next_rescue(&m.cfg).is_some(), rescues, "room for {room}");
    }
}

/// 6675/5-ENTER: three ACKs with SACK news show a loss also where what they tell of is neither three stretches nor more than
/// two segments of octets; two such ACKs do not. 6675/5.1-RTORP: after a timeout they do not either.
#[test]
fn three_acks_of_little() {
    for (timeout, acks, recoveries) in [(false, 2, 0), (false, 3, 1), (true, 3, 0)] {
        let mut m = Model::new(rfc());
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(1);
        for _ in 0..6 {
            m.unsent = 100;
            m.write(0);
        }
        if timeout {
            m.run(ms(1001));
        }
        assert_eq!(m.sender.flight(), MSS + 600);
        for n in 1..=acks {
            m.feed(&Ack { sack: octets(&[(MSS, MSS + 100 * n)]), ..plain_ack(START) });
        }
        assert_eq!(m.happened(Rule::RecoveryBegins), recoveries, "{acks} ACKs, timeout {timeout}");
    }
}

/// 4821/4-OTHERLOSS, 4821/7.6.2-FAIL: the loss of a probe costs nothing; what turns out to be lost besides, while its data goes
/// again, is congestion's.
#[test]
fn what_is_lost_beside_a_probe() {
    for (others, recoveries) in [(false, 0), (true, 1)] {
        let mut m = Model::new(Config { cautious_mtu_search: true, ..linux() });
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(1);
        m.sender.on_mtu_probe_sent(START..START + MSS);
        m.write(9);
        m.now += ms(20);
        for n in 2..=4 {
            m.feed(&Ack { sack: blocks(&[(1, n)]), ..plain_ack(START) });
        }
        assert_eq!(m.happened(Rule::MtuProbeLost), 1);
        assert_eq!((m.happened(Rule::RecoveryBegins), m.sender.ssthresh()), (0, u64::MAX));
        if others {
            m.feed(&Ack { sack: blocks(&[(1, 4), (5, 8)]), ..plain_ack(START) });
        } else {
            m.feed(&Ack { sack: blocks(&[(1, 8)]), ..plain_ack(START) });
        }
        assert_eq!(m.happened(Rule::RecoveryBegins), recoveries);
        assert_eq!(m.sender.ssthresh() == u64::MAX, !others);
    }
}

/// 6675/5.1-RTORP, 5681/4.3-TWICE: a loss that is found after a timeout begins no recovery, whoever searches for MTUs.
#[test]
fn losses_after_a_timeout_begin_no_recovery() {
    for cautious_mtu_search in [false, true] {
        let mut m = Model::new(Config { tail_loss_probe: false, cautious_mtu_search, ..linux() });
        m.fate = Box::new(|s, copy| if copy == 0 || s == 1 && copy == 1 { Fate::Drop } else { Fate::Pass });
        m.write(10);
        m.run(ms(400));
        // The second copy of the second segment was overtaken by that of the third.
        let second: Vec<_> = m.repeats().into_iter().filter(|r| r.1 == 1).collect();
        assert_eq!(second.len(), 2, "{second:?}");
        assert!(second[1].0 < 400, "found without another timeout");
        assert_eq!((m.happened(Rule::RtoExpired), m.happened(Rule::RecoveryBegins)), (1, 0));
        assert_eq!(m.sender.ssthresh(), 5 * MSS);
    }
}

/// 9937/6.1-INIT, 9937/6.2-NOSACK: without SACK a duplicate ACK stands for a segment: 22 are outstanding as the third comes, and
/// RecoverFS is 20 segments, of which thirteen delivered ones let seven go.
#[test]
fn prr_begins_with_what_is_in_flight_without_sack_too() {
    let cfg = Config { prr: true, loss_detection: LossDetection::NewReno, ..rfc() };
    let mut m = silent(cfg, false, 20);
    m.unsent = 100 * MSS;
    m.now += ms(20);
    for _ in 1..=15 {
        m.feed(&Ack { new_data_ready: true, ..plain_ack(START) });
    }
    assert_eq!(m.sender.ssthresh(), 10 * MSS);
    assert_eq!(m.log.len(), 20 + 2 + 7, "two of them by limited transmit");
}

/// RACK's order of transmissions (RFC 8985, section 5.2, RACK_sent_after): by time, and within an instant by number, which goes
/// round.
#[test]
fn which_was_sent_later() {
    let sent = |at, order| Sent { end: START, at, order, marks: Marks::default(), pushed: false };
    let (early, late) = (Time::from_nanos(1), Time::from_nanos(2));
    assert!(sent(late, 1).sent_after((early, 2)));
    assert!(!sent(early, 2).sent_after((late, 1)));
    for (order, other) in [(2, 1), (0, u32::MAX), (5, u32::MAX - 5)] {
        assert!(sent(late, order).sent_after((late, other)), "{order} after {other}");
        assert!(!sent(late, other).sent_after((late, order)), "{other} before {order}");
    }
    assert!(!sent(late, 1).sent_after((late, 1)), "not after itself");
}

/// RFC 2861, section 3.2 (Linux `tcp_cwnd_application_limited`): a window of which less was used for an RTO, because the program
/// had no more to send, goes half the way to what was used, in whole segments, and ssthresh remembers three quarters of it; what
/// counts as used is the initial window at least. Nothing of the kind in a recovery, or where the program waits for room.
#[test]
fn an_unused_window_goes_half_the_way() {
    for (cwnd, flight, starved, after) in [
        (40, 4, false, (25, 30)), // the initial window of 10 counts as used
        (41, 4, false, (25, 30)), // 25.5 segments are 25; 20 + 10 are left in ssthresh
        (40, 15, false, (27, 30)),
        (10, 4, false, (10, 5)), // all is used
        (11, 4, false, (10, 7)),
        (40, 4, true, (40, 5)),
    ] {
        let mut m = Model::new(linux());
        m.fate = Box::new(|_, _| Fate::Drop);
        m.sender.cwnd = cwnd * MSS;
        m.write(flight - 2);
        let mut m = unused_since_now(m, cwnd);
        let rto = m.sender.rto(&m.cfg);
        send_one(&mut m, ms(rto.as_millis() - 1), starved);
        assert_eq!(m.cwnd(), cwnd, "not before an RTO is over");
        send_one(&mut m, ms(1), starved);
        assert_eq!((m.cwnd(), m.sender.ssthresh() / MSS), after, "{cwnd} segments, {flight} used");
        assert_eq!(m.sender.cwnd() % MSS, 0);
    }
    // Every other phase has a window of its own.
    let mut m = silent(linux(), true, 20);
    for n in 2..=4 {
        m.feed(&Ack { sack: blocks(&[(1, n)]), ..plain_ack(START) });
    }
    assert_eq!(m.sender.phase, Phase::Recovery);
    let mut m = unused_since_now(m, 40);
    let rto = m.sender.rto(&m.cfg);
    send_one(&mut m, rto, false);
    assert_eq!(m.cwnd(), 40);
}
/// A window of `cwnd` segments that was used up until now, and a low threshold.
fn unused_since_now(mut m: Model, cwnd: u64) -> Model {
    (m.sender.cwnd, m.sender.ssthresh) = (cwnd * MSS, 5 * MSS);
    (m.sender.usage.limited, m.sender.usage.full_ms) = (false, crate::recovery::millis(m.now));
    m
}
/// One segment goes so much later, whatever timers say.
fn send_one(m: &mut Model, later: crate::Duration, starved: bool) {
    m.now += later;
    m.sender.on_sent(m.now, m.sender.nxt() + MSS, &m.cfg);
    m.sender.on_output_done(m.now, false, starved, &m.cfg);
}

/// 2018/5-TOCLEAR, 8985/6.2-LOST: a receiver throws away what it had SACKed, and the timeout that shows it spares what was sent a
/// moment ago: that is looked at anew from then on, though it was settled before, and RACK finds it lost without another timeout.
#[test]
fn what_was_thrown_away_is_looked_at_anew() {
    let mut m = Model::new(Config { tail_loss_probe: false, ..linux() });
    m.fate = Box::new(|_, _| Fate::Drop);
    // The path is known to reorder by up to a round-trip time.
    m.sender.rack.reordering();
    for n in 0..8 {
        m.sender.rack.adapt(true, START + n, START + n + 1);
    }
    m.write(3);
    m.run(ms(15));
    m.write(3);
    m.run(ms(35));
    m.feed(&Ack { sack: blocks(&[(3, 6)]), ..plain_ack(START) });
    m.run(ms(36));
    m.feed(&plain_ack(START + 3 * MSS));
    assert_eq!(m.repeats(), []);
    m.run(ms(50));
    assert_eq!((m.happened(Rule::SackReneging), m.sender.counts().lost), (1, 1));
    m.run(ms(70));
    m.feed(&plain_ack(START + 4 * MSS));
    let again: Vec<_> = m.repeats().iter().map(|r| r.1).collect();
    assert_eq!((again, m.happened(Rule::RtoExpired)), (vec![3, 4, 5], 1), "{:?}", m.repeats());
}

/// 6675/4-NEXT4: what goes out during a recovery lies beyond RecoveryPoint, and is no part of what a rescue is for.
#[test]
fn no_rescue_beyond_the_recovery_point() {
    let mut m = silent(rfc(), true, 12);
    m.unsent = MSS;
    m.feed(&Ack { sack: blocks(&[(1, 12)]), ..plain_ack(START) });
    let went: Vec<_> = m.log[12..].iter().map(|sent| (sent.segment, sent.why)).collect();
    assert_eq!(went, [(0, Rule::SackRetransmit), (12, Rule::Data)]);
    m.feed(&Ack { window_changed: true, sack: blocks(&[(1, 12)]), ..plain_ack(START) });
    assert_eq!(m.log.len(), 14, "{:?}", m.log);
}

/// FreeBSD's `sack.maxholes`: 128 holes are remembered. A block that would make one more is passed over; one that goes on with
/// another, or fills a hole, is not.
#[test]
fn as_many_holes_as_are_remembered() {
    let mut m = silent(Config { max_rto: crate::Duration::from_secs(64), ..Config::freebsd() }, true, 400);
    let sacked = |m: &Model| m.sender.trouble.as_ref().map_or(0, |t| t.board.sacked.segments);
    for n in 1..=140 {
        m.feed(&Ack { sack: blocks(&[(2 * n, 2 * n + 1)]), ..plain_ack(START) });
        assert_eq!(sacked(&m), n.min(128) as u32);
    }
    m.feed(&Ack { sack: blocks(&[(256, 258)]), ..plain_ack(START) });
    assert_eq!(sacked(&m), 129, "the last block goes on");
    m.feed(&Ack { sack: blocks(&[(2, 5)]), ..plain_ack(START) });
    assert_eq!(sacked(&m), 130, "a hole is filled");
    m.feed(&Ack { sack: blocks(&[(262, 263)]), ..plain_ack(START) });
    assert_eq!(sacked(&m), 131, "which makes room for another");
}
