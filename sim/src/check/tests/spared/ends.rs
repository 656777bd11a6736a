//! Numbers, windows and edges of connections that begin.

use tcp::{Duration, Flags, Rule, Segment, State};

use super::super::told::{A, B, ISS_A, ISS_B, Told, segment, tuple, with_data};
use crate::check::Law;
use crate::trace::Trigger;

/// `a` begins one connection and, so much later, another with the same number.
fn begun_again(between: Duration) -> Vec<Law> {
    let mut told = Told::new(|_, _| {});
    let syn = || segment(Flags::SYN, ISS_A, 0);
    told.sends(A, syn(), Rule::ActiveOpen, Trigger::Timer);
    told.after(between).sends(A, syn(), Rule::ActiveOpen, Trigger::Timer);
    told.found()
}

/// The clock that numbers are taken from ticks each four microseconds (RFC 6528, section 3).
#[test]
fn within_a_tick_there_is_one_number() {
    for nanos in [0, 1, 3_999] {
        assert_eq!(begun_again(Duration::from_nanos(nanos)), []);
    }
}
#[test]
fn a_tick_later_the_number_is_another() {
    for micros in [4, 5, 1_000_000] {
        assert_eq!(begun_again(Duration::from_micros(micros)), [Law::FreshNumbers]);
    }
}
/// A number is as old as its first SYN.
#[test]
fn a_syn_that_comes_again_makes_its_number_no_younger() {
    let mut told = Told::new(|_, _| {});
    let syn = || segment(Flags::SYN, ISS_A, 0);
    told.sends(A, syn(), Rule::ActiveOpen, Trigger::Timer);
    told.after(Duration::from_secs(1)).sends(A, syn(), Rule::SynRetransmit, Trigger::Timer);
    assert_eq!(told.found(), []);
    told.after(Duration::from_micros(2)).sends(A, syn(), Rule::ActiveOpen, Trigger::Timer);
    assert_eq!(told.found(), [Law::FreshNumbers]);
}

/// A SYN with 100 octets, and a SYN-ACK that acknowledges the SYN and so many of them.
fn fast_open(taken: u32) -> Told {
    let mut told = Told::new(|_, _| {});
    let syn = with_data(segment(Flags::SYN, ISS_A, 0), 100);
    let syn = told.passes(A, syn, Rule::ActiveOpen, Trigger::Timer);
    let answer = segment(Flags::SYN | Flags::ACK, ISS_B, (ISS_A + 1).wrapping_add(taken));
    told.passes(B, answer, Rule::SynAnswered, Trigger::Packet(syn));
    told
}

/// A server may take of a SYN's data what it has room for (RFC 7413, section 4.2.2).
#[test]
fn a_syn_ack_may_acknowledge_some_of_the_syns_data() {
    for taken in [0, 1, 99, 100] {
        let mut told = fast_open(taken);
        assert_eq!(told.found(), []);
        // The SYN comes again without its data, and what answers it is what answered the first.
        let syn = told.passes(A, segment(Flags::SYN, ISS_A, 0), Rule::SynRetransmit, Trigger::Timer);
        let again = segment(Flags::SYN | Flags::ACK, ISS_B, ISS_A + 1 + taken);
        told.passes(B, again, Rule::SynAckRetransmit, Trigger::Packet(syn));
        assert_eq!(told.found(), []);
        // The connection is known to be that of this SYN: an ACK of what was not sent is told of.
        let ack = told.found().len();
        told.passes(B, segment(Flags::ACK, ISS_B + 1, ISS_A + 102), Rule::AckEverySecond, Trigger::Timer);
        assert_eq!((ack, told.found()), (0, vec![Law::AckOfUnsent]));
    }
}
#[test]
fn a_syn_ack_acknowledges_no_more_than_was_sent() {
    for taken in [101, 5000, u32::MAX] {
        assert_eq!(fast_open(taken).found(), [Law::AckOfUnsent], "{taken}");
    }
}
#[test]
fn a_syn_ack_that_took_data_acknowledges_no_less_later() {
    let mut told = fast_open(100);
    told.passes(B, segment(Flags::ACK, ISS_B + 1, ISS_A + 51), Rule::AckEverySecond, Trigger::Timer);
    assert_eq!(told.found(), [Law::AckRetreats, Law::WindowRetreats]);
}

/// Who is rebooted may draw its number again, behind another MTU: for the other end that is a SYN that comes again, and
/// the MSS of the first holds (RFC 9293, section 3.7.1: it is told when the connection begins).
#[test]
fn the_mss_is_that_of_the_first_syn() {
    let sent = |len| {
        let mut told = Told::new(|_, _| {});
        let syn = |mss| {
            let mut syn = segment(Flags::SYN, ISS_A, 0);
            syn.options.mss = Some(mss);
            syn
        };
        let first = told.passes(A, syn(1460), Rule::ActiveOpen, Trigger::Timer);
        let answer = segment(Flags::SYN | Flags::ACK, ISS_B, ISS_A + 1);
        told.passes(B, answer.clone(), Rule::SynAnswered, Trigger::Packet(first));
        let second = told.passes(A, syn(960), Rule::SynRetransmit, Trigger::Timer);
        told.passes(B, answer, Rule::DuplicateSyn, Trigger::Packet(second));
        told.passes(A, segment(Flags::ACK, ISS_A + 1, ISS_B + 1), Rule::SynAckAnswered, Trigger::Timer);
        let data = with_data(segment(Flags::ACK, ISS_B + 1, ISS_A + 1), len);
        told.passes(B, data, Rule::Data, Trigger::Timer);
        told.found()
    };
    assert_eq!(sent(1460), []);
    assert_eq!(sent(1461), [Law::BeyondMss]);
}

/// What goes out before the handshake is complete goes by the window of the SYN (RFC 7413, section 4.2.2), which nothing
/// scales (RFC 7323, section 2.2).
fn data_behind_the_syn_ack(to: u32) -> Vec<Law> {
    let mut told = Told::new(|_, _| {});
    let scaled = |mut segment: Segment| {
        segment.options.wscale = Some(7);
        segment
    };
    let syn = scaled(with_data(segment(Flags::SYN, ISS_A, 0), 100));
    let syn = told.passes(A, syn, Rule::ActiveOpen, Trigger::Timer);
    let answer = scaled(segment(Flags::SYN | Flags::ACK, ISS_B, ISS_A + 101));
    told.passes(B, answer, Rule::SynAnswered, Trigger::Packet(syn));
    let from = to - 100;
    let data = with_data(segment(Flags::ACK, ISS_B + 1 + from, ISS_A + 101), 100);
    told.passes(B, Segment { wnd: 79, ..data }, Rule::Data, Trigger::Call);
    told.found()
}
#[test]
fn a_fast_open_server_may_use_the_window_of_the_syn() {
    assert_eq!(data_behind_the_syn_ack(500), []);
    assert_eq!(data_behind_the_syn_ack(10_000), []);
}
#[test]
fn a_fast_open_server_may_use_no_more_than_that() {
    assert_eq!(data_behind_the_syn_ack(10_001), [Law::BeyondWindow]);
}

/// The right edge that a SYN-ACK offers lies behind what it acknowledges.
#[test]
fn the_window_of_a_syn_ack_begins_behind_the_data_that_it_took() {
    for (taken, fewer, wrong) in [(0, 0, false), (100, 0, false), (100, 1, true), (0, 1, true)] {
        let mut told = fast_open(taken);
        let ack = segment(Flags::ACK, ISS_B + 1, ISS_A + 1 + taken);
        told.passes(B, Segment { wnd: 10_000 - fewer, ..ack }, Rule::AckEverySecond, Trigger::Timer);
        assert_eq!(told.found() == [Law::WindowRetreats], wrong, "{taken} {fewer} {:?}", told.found());
    }
}

/// An ACK of an earlier incarnation: its window is not this one's, and it acknowledges no SYN (RFC 9293, section 3.10.7.4).
#[test]
fn a_stray_ack_opens_no_window() {
    for (ack, wrong) in [(ISS_B + 1, false), (ISS_B, true), (ISS_B - 70_000, true), (ISS_B + 2, true)] {
        let mut told = Told::open(|_, _| {});
        told.stray(A, Segment { wnd: 60_000, ..segment(Flags::ACK, ISS_A + 1, ack) });
        let data = with_data(segment(Flags::ACK, ISS_B + 1 + 19_000, ISS_A + 1), 500);
        told.passes(B, data, Rule::Data, Trigger::Call);
        assert_eq!(told.found() == [Law::BeyondWindow], wrong, "{ack}: {:?}", told.found());
    }
}

/// Two SYNs, of which each was answered with a cookie; the cookie of the first comes back, and this is sent then.
fn first_of_two_cookies(then: impl Fn(&mut Told)) -> Vec<Law> {
    let mut told = Told::new(|_, _| {});
    for (isn, iss) in [(ISS_A, ISS_B), (ISS_A + 70_000, ISS_B + 900_000)] {
        let syn = told.passes(A, segment(Flags::SYN, isn, 0), Rule::ActiveOpen, Trigger::Timer);
        let cookie = segment(Flags::SYN | Flags::ACK, iss, isn + 1);
        told.sends(B, cookie, Rule::SynCookieSent, Trigger::Packet(syn));
        told.after(Duration::from_secs(1));
    }
    let ack = told.stray(A, segment(Flags::ACK, ISS_A + 1, ISS_B + 1));
    let opens = (State::Listen, State::Established);
    told.state(B, opens, Rule::SynCookieAccepted, Trigger::Packet(ack));
    told.reading(B, (1, 1, 1));
    then(&mut told);
    told.found()
}
/// What brings a cookie tells which connection it begins.
#[test]
fn an_earlier_cookie_brings_its_own_numbers() {
    let told = first_of_two_cookies(|told| {
        let data = told.stray(A, with_data(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 500));
        let ack = segment(Flags::ACK, ISS_B + 1, ISS_A + 501);
        told.passes(B, ack, Rule::AckEverySecond, Trigger::Packet(data));
        let data = with_data(segment(Flags::ACK, ISS_B + 1, ISS_A + 501), 500);
        told.passes(B, data, Rule::Data, Trigger::Call);
    });
    assert_eq!(told, []);
}
/// And it is judged by these: an acknowledgment of less, or data beyond the window.
#[test]
fn a_connection_of_an_earlier_cookie_keeps_the_laws() {
    let less = first_of_two_cookies(|told| {
        told.passes(B, segment(Flags::ACK, ISS_B + 1, ISS_A + 501), Rule::AckEverySecond, Trigger::Timer);
        told.passes(B, segment(Flags::ACK, ISS_B + 1, ISS_A + 500), Rule::AckEverySecond, Trigger::Timer);
    });
    assert!(less.contains(&Law::AckRetreats), "{less:?}");
    let beyond = first_of_two_cookies(|told| {
        told.stray(A, segment(Flags::ACK, ISS_A + 1, ISS_B + 1));
        let data = with_data(segment(Flags::ACK, ISS_B + 1 + 10_000, ISS_A + 1), 1);
        told.passes(B, data, Rule::Data, Trigger::Call);
    });
    assert_eq!(beyond, [Law::BeyondWindow]);
}
/// One that came back is over, and a copy of something later brings the cookie once more: its timestamp need not be that of a
/// SYN-ACK, whose bits say by what windows are scaled.
#[test]
fn the_window_of_a_cookie_that_comes_back_twice_is_anything() {
    for (again, wrong) in [(true, false), (false, true)] {
        let found = first_of_two_cookies(|told| {
            if again {
                let ends = (State::Established, State::Closed);
                told.state(B, ends, Rule::AbortCall, Trigger::Call);
                let data = with_data(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 500);
                let data = told.stray(A, data);
                let opens = (State::Listen, State::Established);
                told.state(B, opens, Rule::SynCookieAccepted, Trigger::Packet(data));
                told.reading(B, (1, 1, 501));
            }
            let beyond = with_data(segment(Flags::ACK, ISS_B + 1 + 10_000, ISS_A + 1), 1);
            told.passes(B, beyond, Rule::Data, Trigger::Call);
        });
        assert_eq!(found.contains(&Law::BeyondWindow), wrong, "{again}: {found:?}");
    }
}
/// A cookie that came back has acknowledged the SYN-ACK: the window is no excuse for a RST.
#[test]
fn a_rst_within_the_window_ends_no_connection_of_a_cookie() {
    for (off, wrong) in [(0, false), (1, true), (5000, true)] {
        let found = first_of_two_cookies(|told| {
            told.passes(B, segment(Flags::ACK, ISS_B + 1, ISS_A + 1), Rule::AckEverySecond, Trigger::Timer);
            let rst = told.stray(A, segment(Flags::RST, ISS_A + 1 + off, 0));
            let ends = (State::Established, State::Closed);
            told.state(B, ends, Rule::ResetReceived, Trigger::Packet(rst));
        });
        assert_eq!(found == [Law::ResetExact], wrong, "{off}: {found:?}");
    }
}

/// What acknowledges something unsent is dropped whole (RFC 9293, section 3.10.7.4): its data is no edge for a RST.
#[test]
fn data_that_acknowledges_something_unsent_is_not_heard() {
    for (ack, heard) in [(ISS_B + 1, Some(ISS_A + 501)), (ISS_B + 2, Some(ISS_A + 401))] {
        let mut told = Told::open(|_, _| {});
        told.stray(A, with_data(segment(Flags::ACK, ISS_A + 301, ISS_B + 1), 100));
        told.stray(A, with_data(segment(Flags::ACK, ISS_A + 401, ack), 100));
        let end = told.checks.ends.get(B, &tuple(B));
        assert_eq!(end.and_then(|end| end.heard_to).map(|to| to.wire().0), heard);
    }
}

/// Nor is what begins beyond the window that was offered.
#[test]
fn data_beyond_the_window_is_not_heard() {
    let mut told = Told::open(|_, _| {});
    let edge = told.checks.ends.get(B, &tuple(B)).and_then(|end| end.offered).expect("a window").wire().0;
    for (from, heard) in [(edge - 1, edge + 9), (edge, edge + 9), (edge + 5000, edge + 9)] {
        told.stray(A, with_data(segment(Flags::ACK, from, ISS_B + 1), 10));
        let end = told.checks.ends.get(B, &tuple(B));
        assert_eq!(end.and_then(|end| end.heard_to).map(|to| to.wire().0), Some(heard));
    }
}

#[test]
fn what_is_told_by_hand_is_told_of_both_ends() {
    let mut told = Told::open(|_, _| {});
    assert!(told.checks.ends.get(A, &tuple(A)).is_some_and(|end| !end.is_pending()));
    let packet =
        told.sends(A, with_data(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 10), Rule::Data, Trigger::Call);
    told.comes(B, packet);
    assert_eq!(
        told.checks.ends.get(B, &tuple(B)).and_then(|end| end.heard_to).map(|to| to.wire().0),
        Some(ISS_A + 11)
    );
    assert_eq!(told.found(), []);
}

/// What a host whose configuration is changed so answers to a SYN without options, with options of its own: a SYN-ACK, twice,
/// and an ACK whose window is read as scaled.
fn answers_with_options(change: impl Fn(&mut tcp::Config), rule: Rule) -> Vec<Law> {
    let mut told = Told::new(|node, config| {
        if node == B {
            change(config)
        }
    });
    let syn = told.passes(A, segment(Flags::SYN, ISS_A, 0), Rule::ActiveOpen, Trigger::Timer);
    let mut answer = segment(Flags::SYN | Flags::ACK, ISS_B, ISS_A + 1);
    answer.options.wscale = Some(10);
    told.passes(B, answer.clone(), rule, Trigger::Packet(syn));
    told.passes(B, answer, Rule::SynAckRetransmit, Trigger::Timer);
    told.passes(A, segment(Flags::ACK, ISS_A + 1, ISS_B + 1), Rule::SynAckAnswered, Trigger::Timer);
    let ack = Segment { wnd: 10, ..segment(Flags::ACK, ISS_B + 1, ISS_A + 1) };
    told.passes(B, ack, Rule::AckDelayed, Trigger::Timer);
    told.found()
}
/// Linux offers in a simultaneous open what its own SYN did, and scales its windows then: 10 is 10,240.
#[test]
fn linux_answers_a_crossing_syn_with_its_own_offer() {
    assert_eq!(answers_with_options(|_| {}, Rule::SimultaneousOpen), []);
}
/// Nobody else does (RFC 7323, section 2.2), and Linux not as a server.
#[test]
fn other_answers_offer_what_the_syn_did() {
    let strict = |config: &mut tcp::Config| config.crossing_keeps_offer = false;
    let wrong = [Law::WellFormed, Law::WellFormed];
    assert_eq!(answers_with_options(strict, Rule::SimultaneousOpen)[..2], wrong);
    assert_eq!(answers_with_options(|_| {}, Rule::SynAnswered)[..2], wrong);
}

/// What brings a cookie back says how much may be sent.
#[test]
fn a_cookie_brings_its_window() {
    let sends = |to: u32| {
        first_of_two_cookies(move |told| {
            let data = with_data(segment(Flags::ACK, ISS_B + 1 + to - 100, ISS_A + 1), 100);
            told.passes(B, data, Rule::Data, Trigger::Call);
        })
    };
    assert_eq!(sends(10_000), []);
    assert_eq!(sends(10_001), [Law::BeyondWindow]);
}
/// A copy of what brought a cookie begins a connection once more, with the numbers of the one before: nothing tells their
/// segments apart. The first has no such excuse.
#[test]
fn a_cookie_that_comes_back_twice_repeats_its_numbers() {
    let mut told = Told::new(|_, _| {});
    let syn = told.passes(A, segment(Flags::SYN, ISS_A, 0), Rule::ActiveOpen, Trigger::Timer);
    told.sends(
        B,
        segment(Flags::SYN | Flags::ACK, ISS_B, ISS_A + 1),
        Rule::SynCookieSent,
        Trigger::Packet(syn),
    );
    for again in [false, true] {
        let ack = told.stray(A, segment(Flags::ACK, ISS_A + 1, ISS_B + 1));
        let opens = (State::Listen, State::Established);
        told.state(B, opens, Rule::SynCookieAccepted, Trigger::Packet(ack));
        assert_eq!(told.checks.ends.get(B, &tuple(B)).expect("it has begun").repeats_numbers, again);
    }
}
/// Within a tick there is one number for two connections, and nothing tells them apart, though it is no mistake.
#[test]
fn numbers_of_one_tick_are_repeated_ones() {
    for (second, repeats) in [(ISS_A, true), (ISS_A + 1, false)] {
        let mut told = Told::new(|_, _| {});
        told.sends(A, segment(Flags::SYN, ISS_A, 0), Rule::ActiveOpen, Trigger::Timer);
        told.sends(A, segment(Flags::SYN, second, 0), Rule::ActiveOpen, Trigger::Timer);
        assert_eq!(told.checks.ends.get(A, &tuple(A)).expect("it has begun").repeats_numbers, repeats);
        assert_eq!(told.found(), []);
    }
}

/// With Fast Open a server may take data, and offer more, before its SYN-ACK goes out once more: that takes nothing back.
#[test]
fn a_syn_ack_that_comes_again_takes_no_window_back() {
    for (wnd, wrong) in [(20_000, false), (15_000, true)] {
        let mut told = fast_open(100);
        let offers = |wnd| Segment { wnd, ..segment(Flags::ACK, ISS_B + 1, ISS_A + 101) };
        told.passes(B, offers(20_000), Rule::WindowUpdate, Trigger::Call);
        let again = segment(Flags::SYN | Flags::ACK, ISS_B, ISS_A + 101);
        told.passes(B, again, Rule::SynAckRetransmit, Trigger::Timer);
        assert_eq!(
            told.checks.ends.get(B, &tuple(B)).and_then(|end| end.offered).map(|to| to.wire().0),
            Some(ISS_A + 20_101)
        );
        told.passes(B, offers(wnd), Rule::WindowUpdate, Trigger::Call);
        assert_eq!(told.found() == [Law::WindowRetreats], wrong, "{:?}", told.found());
    }
}
/// A SYN whose data is taken at once begins a connection as others do: with a number of its own, and windows of its own.
#[test]
fn fast_open_begins_anew() {
    for (iss, expected) in [(ISS_B + 900_000, vec![]), (ISS_B, vec![Law::FreshNumbers])] {
        let mut told = fast_open(100);
        told.passes(B, segment(Flags::ACK, ISS_B + 1, ISS_A + 101), Rule::AckEverySecond, Trigger::Timer);
        told.after(Duration::from_secs(1));
        let syn = with_data(segment(Flags::SYN, ISS_A, 0), 100);
        let syn = told.passes(A, syn, Rule::SynRetransmit, Trigger::Timer);
        let answer = segment(Flags::SYN | Flags::ACK, iss, ISS_A + 51);
        told.passes(B, answer, Rule::FastOpenAccepted, Trigger::Packet(syn));
        told.passes(B, segment(Flags::ACK, iss + 1, ISS_A + 51), Rule::AckEverySecond, Trigger::Timer);
        assert_eq!(told.found(), expected);
    }
}

/// Recovery ends behind what was sent when it began (RFC 6582, section 3.2), not when the first duplicate came: up to there each
/// duplicate has lent a segment.
#[test]
fn what_duplicates_lend_lasts_as_long_as_recovery() {
    let mut told = Told::open(|_, _| {});
    let data = |n: u32| with_data(segment(Flags::ACK, ISS_A + 1 + 100 * n, ISS_B + 1), 100);
    let ack = |n: u32| segment(Flags::ACK, ISS_B + 1, ISS_A + 1 + 100 * n);
    let repeats = |told: &Told| told.checks.ends.get(A, &tuple(A)).expect("it is open").repeats;
    for n in 0..4 {
        told.sends(A, data(n), Rule::Data, Trigger::Call);
    }
    for n in 4..7 {
        told.stray(B, ack(0));
        told.sends(A, data(n), Rule::LimitedTransmit, Trigger::Timer);
    }
    told.sends(A, data(0), Rule::FastRetransmit, Trigger::Timer);
    // All that was sent before the first duplicate; all that was sent.
    told.stray(B, ack(4));
    assert_eq!(repeats(&told), 3);
    // An ACK may come and be refused.
    told.stray(B, ack(7));
    told.reading(A, (401, 701, 1));
    assert_eq!(repeats(&told), 3);
    told.reading(A, (700, 701, 1));
    assert_eq!(repeats(&told), 3);
    told.reading(A, (701, 701, 1));
    assert_eq!(repeats(&told), 0);
}

/// Linux refuses a SYN-ACK whose TSecr it never sent (`PAWSActiveRejected`): the server before it booted. The next one, of a server
/// that has begun anew, is the peer's, and its numbers count.
#[test]
fn a_syn_ack_that_was_refused_is_not_the_peers() {
    let mut told = Told::new(|_, _| {});
    let syn = told.passes(A, segment(Flags::SYN, ISS_A, 0), Rule::ActiveOpen, Trigger::Timer);
    let old = told.stray(B, segment(Flags::SYN | Flags::ACK, ISS_B + 700_000, ISS_A + 1));
    told.passes(A, segment(Flags::RST, ISS_A + 1, 0), Rule::SynSentBadEcho, Trigger::Packet(old));
    told.passes(A, segment(Flags::SYN, ISS_A, 0), Rule::SynRetransmit, Trigger::Timer);
    let syn_ack = segment(Flags::SYN | Flags::ACK, ISS_B, ISS_A + 1);
    let syn_ack = told.passes(B, syn_ack, Rule::SynAnswered, Trigger::Packet(syn));
    let ack = segment(Flags::ACK, ISS_A + 1, ISS_B + 1);
    told.passes(A, ack, Rule::SynAckAnswered, Trigger::Packet(syn_ack));
    assert_eq!(told.found(), []);
    // Once acknowledged it stays the peer's.
    told.stray(B, segment(Flags::SYN | Flags::ACK, ISS_B + 700_000, ISS_A + 1));
    told.passes(A, segment(Flags::ACK, ISS_A + 1, ISS_B + 700_001), Rule::ChallengeSyn, Trigger::Timer);
    assert_eq!(told.found(), [Law::AckOfUnsent]);
}

/// Where memory runs out Linux takes its window back (`tcp_data_queue`); what lies there beyond a gap it keeps.
#[test]
fn a_window_that_is_taken_back_was_open() {
    let mut told = Told::open(|_, _| {});
    let ack = |wnd| Segment { wnd, ..segment(Flags::ACK, ISS_B + 1, ISS_A + 1) };
    told.sends(B, ack(60_000), Rule::WindowUpdate, Trigger::Call);
    told.sends(B, ack(0), Rule::ReceiveBufferFull, Trigger::Call);
    let end = told.checks.ends.get(B, &tuple(B)).expect("it is open");
    assert_eq!(end.offered.map(|edge| edge.since(end.ack.expect("it has acknowledged"))), Some(0));
    assert_eq!(end.opened_to(), Some(60_001));
    assert_eq!(told.found(), []);
}
