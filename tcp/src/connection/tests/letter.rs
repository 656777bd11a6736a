//! What the letter of the RFCs asks for where Linux does otherwise, and limits that both keep.

use super::*;
use crate::Rule;
use crate::config::RetryLimit;
use crate::error::Errno;

fn user_timeout(end: &mut Lone, limit: Duration) {
    end.call(|t, now, out| t.set_option(now, SocketOption::UserTimeout(limit), out)).0.unwrap();
}
/// The peer acknowledges up to `ack` and offers `wnd`.
fn answer(end: &mut Lone, ack: i64, wnd: u16) {
    let mut segment = end.segment(Flags::ACK, 1, ack);
    segment.wnd = wnd;
    end.show(&segment);
}

/// 9293/SEQ-ACCEPT, table 6: octet by octet and window by window.
#[test]
fn acceptability_to_the_letter() {
    // SEQ relative to RCV.NXT or to the right edge, length, closed window: whether it is looked at.
    let rows = [
        (-1, 0, false, false),
        (-1, 1, false, false),
        (-1, 2, false, true),
        (0, 0, false, true),
        (0, 1, false, true),
        (-1, 0, true, false),
        (0, 0, true, true),
        (1, 0, true, false),
        (1, 1, true, false),
    ];
    for (seq, len, closed, accepted) in rows {
        let mut end = Lone::established(Config { ack_range: false, ..Config::rfc() });
        end.now = ms(100);
        let first = if closed { fill(&mut end) } else { 1 };
        end.write(10);
        let mut segment = end.data(first + seq, len, 11);
        segment.flags = Flags::ACK;
        end.show(&segment);
        let acked = end.connection().info(end.now).send_q == 0;
        assert_eq!(acked, accepted, "SEQ RCV.NXT{seq:+}, length {len}, closed {closed}: {:?}", end.out.notes);
    }
    for (config, accepted) in [(Config::rfc(), false), (Config::linux(), true)] {
        for len in [0, 1] {
            let mut end = Lone::established(config.clone());
            end.now = ms(100);
            end.write(10);
            let edge = end.connection().rcv.window() as i64 + 1;
            let mut segment = end.data(edge, len, 11);
            segment.flags = Flags::ACK;
            let answers = end.show(&segment);
            assert_eq!(end.connection().info(end.now).send_q == 0, accepted, "right edge, length {len}");
            assert_eq!(answers.is_empty(), accepted && len == 0, "{answers:?}");
            let segment = end.data(edge - 1, len, 11);
            end.show(&segment);
            assert_eq!(end.connection().info(end.now).send_q, 0, "last in the window, length {len}");
        }
    }
}
/// Fills the receive window; the next number expected.
fn fill(end: &mut Lone) -> i64 {
    let mut next = 1;
    while end.connection().rcv.window() > 0 {
        let len = end.connection().rcv.window().min(1000) as u32;
        let segment = end.data(next, len, 1);
        end.show(&segment);
        next += i64::from(len);
        end.wait_until(end.now + Duration::from_millis(1));
    }
    next
}

/// 5961/3.2-SACKRST: a RST at the right edge of what was SACKed resets under Linux, and is challenged by the letter.
#[test]
fn rst_at_the_sacked_edge() {
    for (config, resets) in [(Config::linux(), true), (Config::rfc(), false)] {
        let mut end = Lone::established(config);
        end.now = ms(100);
        let hole = end.data(101, 100, 1);
        end.show(&hole);
        let rst = end.segment(Flags::RST, 201, 0);
        end.show(&rst);
        assert_eq!(end.state() == State::Closed, resets);
    }
}

/// 7323 3.2: a timestamp that was agreed on and is missing, in SYN-RECEIVED after a simultaneous open.
#[test]
fn timestamp_missing_in_syn_received() {
    let mut end = Lone::syn_sent(Config::rfc());
    let mut syn = end.segment(Flags::SYN, 0, 0);
    syn.options.timestamps = Some(Timestamps { val: 7, ecr: 0 });
    end.show(&syn);
    assert_eq!(end.state(), State::SynReceived);
    let ack = end.segment(Flags::ACK, 1, 1);
    assert_eq!(end.show(&ack), [""; 0]);
    assert_eq!((end.state(), end.dropped()), (State::SynReceived, Some(Rule::TimestampMissing)));
    let mut ack = ack;
    ack.options.timestamps = Some(Timestamps { val: 8, ecr: 0 });
    end.show(&ack);
    assert_eq!(end.state(), State::Established);
}

/// 9293 3.10.7.4, second check: in LAST-ACK and CLOSING a RST just ends the connection; Linux reports it.
#[test]
fn reset_after_both_fins() {
    for (config, error) in [(Config::rfc(), None), (Config::linux(), Some(Errno::ECONNRESET))] {
        for peer_first in [true, false] {
            let mut end = Lone::established(config.clone());
            end.now = ms(100);
            let fin = end.segment(Flags::FIN | Flags::ACK, 1, 1);
            if peer_first {
                end.show(&fin);
            }
            end.call(|t, now, out| t.shutdown_write(now, out)).0.unwrap();
            if !peer_first {
                end.show(&fin);
            }
            assert!(matches!(end.state(), State::LastAck | State::Closing));
            let rst = end.segment(Flags::RST, 2, 0);
            end.show(&rst);
            assert_eq!((end.state(), end.tcb.take_error()), (State::Closed, error));
        }
    }
}

/// 9293/MUST-37: 30 days of answered zero-window probes, the program's user timeout notwithstanding; then one lost
/// answer is no reason to give up either, but R2 without any answer is.
#[test]
fn answered_probes_under_the_rfc() {
    let mut end = Lone::established(Config::rfc());
    answer(&mut end, 1, 0);
    end.write(100);
    user_timeout(&mut end, Duration::from_secs(70));
    while end.now < ms(30 * 24 * 3_600_000) {
        end.wait_until(end.tcb.deadline());
        answer(&mut end, 1, 0);
        assert_eq!(end.state(), State::Established, "at {:?}", end.now);
    }
    let (heard, mut probes) = (end.now, 0);
    while end.state() == State::Established {
        probes += end.wait_until(end.tcb.deadline()).len();
    }
    assert_eq!((end.now.since(heard).as_nanos() / 1_000_000_000, probes), (70, 1));
}

/// The same with R2 alone: 100 s after the last answer.
#[test]
fn unanswered_probes_under_the_rfc() {
    let mut end = Lone::established(Config { user_timeout: None, ..Config::rfc() });
    answer(&mut end, 1, 0);
    end.write(100);
    for _ in 0..100 {
        end.wait_until(end.tcb.deadline());
        answer(&mut end, 1, 0);
    }
    let heard = end.now;
    while end.state() == State::Established {
        end.wait_until(end.tcb.deadline());
    }
    assert_eq!(end.now.since(heard), Duration::from_secs(120), "the first expiry after 100 s");
}

/// 9293/SHLD-17, MUST-35: a window shrunk to zero with data outstanding: as long as the peer answers, the connection
/// stays; without an answer it ends.
#[test]
fn shrunk_window_is_no_reason_to_give_up() {
    for config in [Config::linux(), Config::rfc(), Config::freebsd()] {
        let mut end = Lone::established(config);
        end.write(1000);
        end.now = ms(20);
        answer(&mut end, 1, 0);
        while end.now < ms(24 * 3_600_000) {
            end.wait_until(end.tcb.deadline());
            end.now += Duration::from_millis(1);
            answer(&mut end, 1, 0);
            assert_eq!(end.state(), State::Established, "at {:?}", end.now);
        }
        let heard = end.now;
        while end.state() == State::Established {
            end.wait_until(end.tcb.deadline());
        }
        assert!(end.now.since(heard) <= Duration::from_secs(500), "{:?}", end.now.since(heard));
    }
}

/// 9293/MUST-21: what the program sets takes the place of R2, whether it is shorter or longer.
#[test]
fn program_sets_r2() {
    for secs in [30, 300, 86_400] {
        for config in [Config::linux(), Config::rfc(), Config::freebsd()] {
            let linux = matches!(config.r2, RetryLimit::Doublings(_));
            let mut end = Lone::established(config);
            user_timeout(&mut end, Duration::from_secs(secs));
            end.now = ms(300);
            end.write(5);
            let mut ended = Vec::new();
            while end.state() == State::Established {
                end.wait_until(end.tcb.deadline());
                ended.clone_from(&end.out.notes);
            }
            let passed = end.now.since(ms(300)).as_nanos() / 1_000_000_000;
            assert!((secs..=secs + u64::from(linux)).contains(&passed), "{passed} for {secs}");
            let why = ended.iter().rev().find_map(|note| match note {
                Note::State { why, .. } => Some(*why),
                _ => None,
            });
            assert_eq!(why, Some(Rule::UserTimeout));
        }
    }
}

/// 9293/MUST-20, SHLD-9, SHLD-10: trouble is reported once, after three retransmissions or more, and again only after
/// delivery went on; the program can learn of it. R2 by default is called R2.
#[test]
fn first_limit_is_reported_once() {
    let rfc = Config { r2: RetryLimit::Count(50), user_timeout: None, ..Config::rfc() };
    for config in [Config::linux(), rfc, Config::freebsd()] {
        let mut end = Lone::established(config);
        for round in 0..2 {
            end.write(5);
            let mut reports = Vec::new();
            let mut copies = 0;
            end.out.notes.clear();
            while reports.is_empty() || copies < 6 {
                assert_eq!(end.state(), State::Established);
                copies += end.wait_until(end.tcb.deadline()).len();
                if end.out.notes.contains(&Note::Happened(Rule::FirstLimit)) {
                    reports.push(copies - 1);
                    end.out.notes.clear();
                }
                assert!(copies < 20, "never reported");
            }
            assert_eq!(reports.len(), 1);
            // Linux counts in time: with an RTO that is backed off from the start, fewer fit.
            let timed = round > 0 && matches!(end.connection().config.r2, RetryLimit::Doublings(_));
            assert!(timed || reports[0] >= 3, "{reports:?}");
            assert_eq!(end.tcb.soft_error(), Some(Errno::ETIMEDOUT));
            answer(&mut end, 6 + 5 * round, 64);
            assert_eq!(end.tcb.soft_error(), None);
        }
    }
}

/// 9293/MUST-22: the same for the SYN. The user timeout ends the open; Linux looks at it from the second SYN on.
#[test]
fn limits_of_the_open() {
    let mut end = Lone::syn_sent(Config::rfc());
    let mut copies = 0;
    while !end.out.notes.contains(&Note::Happened(Rule::FirstLimit)) {
        copies += end.wait_until(end.tcb.deadline()).len();
    }
    assert_eq!((copies, end.tcb.soft_error()), (5, Some(Errno::ETIMEDOUT)), "the SYN and four repetitions");
    for (config, ends) in [(Config::rfc(), 500), (Config::linux(), 1000)] {
        let mut end = Lone::syn_sent(Config { user_timeout: Some(Duration::from_millis(500)), ..config });
        while end.state() == State::SynSent {
            end.wait_until(end.tcb.deadline());
        }
        assert_eq!((end.now, end.tcb.take_error()), (ms(ends), Some(Errno::ETIMEDOUT)));
    }
}

/// 9293/MUST-61: every copy of a segment that was pushed is pushed, though later writes have moved the mark.
#[test]
fn retransmission_keeps_psh() {
    let mut end = Lone::established(Config { nagle: crate::config::Nagle::Off, ..Config::rfc() });
    for _ in 0..3 {
        assert!(end.write(100)[0].starts_with("P. "));
    }
    let mut copies = Vec::new();
    while copies.is_empty() {
        copies = end.wait_until(end.tcb.deadline());
    }
    assert!(copies[0].contains(" P. 1:+100 "), "{copies:?}");
}

/// 7323/3.2-RSTTS: resets that answer a segment bring its timestamp back: of a wrong ACK in SYN-SENT, of data for an orphan.
#[test]
fn resets_echo_timestamps() {
    for (config, echoes) in [(Config::rfc(), true), (Config::linux(), false)] {
        let mut end = Lone::syn_sent(config.clone());
        end.out.segments.clear();
        let mut ack = end.segment(Flags::SYN | Flags::ACK, 0, 5);
        let stamp = Timestamps { val: 77, ecr: 1 };
        ack.options.timestamps = Some(stamp);
        end.tcb.on_segment(end.now, &ack, EcnCodepoint::NotEct, &mut end.out);
        let echo = echoes.then_some(Timestamps { val: 0, ecr: 77 });
        assert_eq!(end.out.segments[0].segment.options.timestamps, echo);

        let mut end = Lone::established(config);
        end.call(|t, now, out| t.close(now, out));
        let mut data = end.data(1, 10, 2);
        data.options.timestamps = Some(Timestamps { val: data.options.timestamps.unwrap().val, ecr: 0 });
        end.tcb.on_segment(end.now, &data, EcnCodepoint::NotEct, &mut end.out);
        let reset = &end.out.segments[0].segment;
        assert_eq!(reset.flags, Flags::RST);
        let val = data.options.timestamps.unwrap().val;
        assert_eq!(reset.options.timestamps, echoes.then_some(Timestamps { val: 0, ecr: val }));
    }
}
