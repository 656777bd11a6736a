//! Answers to answers, and answers that are none.

use tcp::{Duration, Flags, Options, Rule, Segment, State, Timestamps};

use super::super::told::{A, B, ISS_A, ISS_B, Told, segment, stamped, tuple, with_data};
use crate::What;
use crate::check::Law;
use crate::trace::{DropReason, NodeId, Trigger};

/// Eight answers to answers at once, between hosts with these intervals between challenges, in milliseconds.
fn answers(limits: [u64; 2], forged: bool) -> Vec<Law> {
    answers_of(limits, forged, [false; 2])
}
/// The same, where windows are looked at to the letter.
fn answers_of(limits: [u64; 2], forged: bool, letter: [bool; 2]) -> Vec<Law> {
    let mut told = Told::open(|node, config| {
        let host = node.0 as usize;
        config.challenge_interval = Duration::from_millis(limits[host]);
        config.exact_window = letter[host];
    });
    if forged {
        let rst = segment(Flags::RST, ISS_A + 500, 0);
        told.passes(A, rst, Rule::Forged, Trigger::Fault);
    }
    let mut answered = Trigger::Timer;
    for n in 0..8 {
        let (from, to) = if n % 2 == 0 { (A, (ISS_A, ISS_B)) } else { (B, (ISS_B, ISS_A)) };
        let ack = segment(Flags::ACK, to.0 + 1, to.1 + 1);
        answered = Trigger::Packet(told.passes(from, ack, Rule::ChallengeAck, answered));
    }
    told.found()
}

/// Whom a forger has put at odds, and who limit nothing: that is what the limits are for (RFC 5961, sections 7 and 10).
#[test]
fn without_limits_a_forger_may_begin_a_storm() {
    assert_eq!(answers([0, 0], true), []);
}
#[test]
fn a_limit_on_either_side_or_nothing_forged_makes_a_storm_wrong() {
    for (limits, forged) in [([500, 0], true), ([0, 500], true), ([0, 0], false), ([500, 500], true)] {
        assert_eq!(answers(limits, forged), [Law::AckStorm], "{limits:?} {forged}");
    }
}

/// A bare ACK that begins at the right edge is refused to the letter, whatever it acknowledges, until what fills the window comes
/// again (RFC 9293, section 3.10.7.4, table 6): without limits both ends say so for ever.
#[test]
fn without_limits_the_letter_may_begin_a_storm() {
    for letter in [[true, false], [false, true], [true, true]] {
        assert_eq!(answers_of([0, 0], false, letter), [], "{letter:?}");
        for limits in [[500, 0], [0, 500]] {
            assert_eq!(answers_of(limits, false, letter), [Law::AckStorm], "{letter:?} {limits:?}");
        }
    }
}

/// What acknowledges something new is owed to that: an empty segment may hurry it (Linux, where the delay is nearly over).
#[test]
fn what_acknowledges_something_new_is_no_answer() {
    for (each, found) in [(1, vec![]), (0, vec![Law::AckStorm])] {
        let mut told = Told::open(|_, _| {});
        for (from, numbers) in [(A, (ISS_A, ISS_B)), (B, (ISS_B, ISS_A))] {
            let data = with_data(segment(Flags::ACK, numbers.0 + 1, numbers.1 + 1), 100);
            told.passes(from, data, Rule::Data, Trigger::Call);
        }
        let mut hurried = Trigger::Timer;
        for n in 0..9 {
            let (from, to) = if n % 2 == 0 { (A, (ISS_A, ISS_B)) } else { (B, (ISS_B, ISS_A)) };
            let ack = segment(Flags::ACK, to.0 + 101, to.1 + 50 + n * each);
            hurried = Trigger::Packet(told.passes(from, ack, Rule::AckDelayed, hurried));
        }
        assert_eq!(told.found(), found, "{each}");
    }
}

/// What was overtaken has an old timestamp, or lies outside of the window: each answer to it is the network's doing. Without
/// the network a row of answers ends by itself.
#[test]
fn what_was_overtaken_is_answered_each_time() {
    let answers = |overtaken: bool| {
        let mut told = Told::open(|_, _| {});
        let mut answered = Trigger::Timer;
        for n in 0..8 {
            let (from, to, numbers) =
                if n % 2 == 0 { (A, B, (ISS_A, ISS_B)) } else { (B, A, (ISS_B, ISS_A)) };
            let ack = segment(Flags::ACK, numbers.0 + 1, numbers.1 + 1);
            let packet = told.sends(from, ack.clone(), Rule::Paws, answered);
            if overtaken {
                told.passes(from, ack, Rule::WindowUpdate, Trigger::Timer);
            }
            answered = Trigger::Packet(packet.id);
            told.comes(to, packet);
        }
        told.found()
    };
    assert_eq!(answers(true), []);
    assert_eq!(answers(false), [Law::AckStorm]);
}

/// `a` gives up after five repetitions that have come to `b`, of which each was answered by `answer`, where `a` expects
/// ISS_B + 1 and has offered up to ISS_B + 10,001. `change`: what is true each time before the repetition comes.
fn gives_up(exact: bool, change: impl Fn(&mut Told), answer: Segment) -> Vec<Law> {
    let mut told = Told::open(|_, config| config.exact_window = exact);
    let data = with_data(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 100);
    gives_up_after(&mut told, &data, change, answer)
}
fn gives_up_after(told: &mut Told, data: &Segment, change: impl Fn(&mut Told), answer: Segment) -> Vec<Law> {
    for n in 0..5 {
        told.after(Duration::from_secs(1 << n));
        let packet = told.sends(A, data.clone(), Rule::RtoRetransmit, Trigger::Timer);
        change(told);
        told.comes(B, packet);
        told.stray(B, answer.clone());
    }
    told.state(A, (State::Established, State::Closed), Rule::RetransmissionLimit, Trigger::Timer);
    told.found()
}
fn answer(off: i32) -> Segment {
    segment(Flags::ACK, (ISS_B + 1).wrapping_add_signed(off), ISS_A + 1)
}

/// Copies of what was said before the repetition came do not answer it.
#[test]
fn a_copy_of_an_earlier_answer_is_none() {
    let mut told = Told::open(|_, _| {});
    let data = with_data(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 100);
    let early = told.sends(B, answer(0), Rule::AckEverySecond, Trigger::Timer);
    for n in 0..5 {
        told.after(Duration::from_secs(1 << n));
        let packet = told.sends(A, data.clone(), Rule::RtoRetransmit, Trigger::Timer);
        told.comes(B, packet);
        told.comes(A, early.clone());
    }
    told.state(A, (State::Established, State::Closed), Rule::RetransmissionLimit, Trigger::Timer);
    assert_eq!(told.found(), []);
}

/// By the letter of table 6 (RFC 9293, section 3.4) an empty segment at the right edge, or before what is expected, is not
/// looked at.
#[test]
fn what_table_6_refuses_is_no_answer() {
    for off in [10_000, 10_001, -1] {
        assert_eq!(gives_up(true, |_| {}, answer(off)), [], "{off}");
    }
    assert_eq!(gives_up(false, |_| {}, answer(10_001)), []);
}
#[test]
fn what_table_6_allows_is_an_answer() {
    for off in [0, 1, 9_999] {
        assert_eq!(gives_up(true, |_| {}, answer(off)), [Law::GivesUp], "{off}");
    }
    // Who takes what begins at the right edge has had an answer.
    assert_eq!(gives_up(false, |_| {}, answer(10_000)), [Law::GivesUp]);
    // Data that ends behind what is expected, wherever it begins.
    assert_eq!(gives_up(true, |_| {}, with_data(answer(-1), 2)), [Law::GivesUp]);
    // A window that is closed takes what stands at its edge.
    let closed = |told: &mut Told| {
        told.checks.ends.get_mut(A, &tuple(A)).expect("it is open").offered =
            told.checks.ends.get(A, &tuple(A)).and_then(|end| end.ack);
    };
    assert_eq!(gives_up(true, closed, answer(0)), [Law::GivesUp]);
    assert_eq!(gives_up(true, closed, answer(1)), []);
}

/// What acknowledges less than SND.UNA - MAX.SND.WND is dropped with the data that it brings (RFC 5961, section 5.2): a repetition
/// that was under way so long has not arrived.
#[test]
fn what_acknowledges_too_little_has_not_arrived() {
    let gives_up = |ack_range, acked| {
        let mut told = Told::open(|_, config| config.ack_range = ack_range);
        let data = with_data(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 100);
        let goes_on = |told: &mut Told| {
            let end = told.checks.ends.get_mut(B, &tuple(B)).expect("it is open");
            end.acked = Some(end.iss + 1 + acked);
        };
        gives_up_after(&mut told, &data, goes_on, answer(0))
    };
    assert_eq!(gives_up(true, 10_001), []);
    assert_eq!(gives_up(true, 10_000), [Law::GivesUp]);
    assert_eq!(gives_up(false, 10_001), [Law::GivesUp]);
}

/// Where both SYNs had timestamps, what has none is dropped (RFC 7323, section 3.2), but for those who do without (FreeBSD's
/// `tcp_tolerate_missing_ts`): it is no answer.
#[test]
fn what_lacks_its_timestamp_is_no_answer() {
    let gives_up = |requires, answer| {
        let mut told = Told::new(|_, config| config.require_timestamps = requires);
        let timestamps = Some(tcp::Timestamps { val: 7, ecr: 0 });
        told.opens(&Options { timestamps, ..Options::default() });
        let data = stamped(with_data(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 100), 7);
        gives_up_after(&mut told, &data, |_| {}, answer)
    };
    assert_eq!(gives_up(true, answer(0)), []);
    assert_eq!(gives_up(false, answer(0)), [Law::GivesUp]);
    assert_eq!(gives_up(true, stamped(answer(0), 7)), [Law::GivesUp]);
}

/// A host whose numbers come again may be answered by an earlier incarnation of the other (RFC 9293, section 3.4.1, MUST-8).
#[test]
fn who_repeats_numbers_may_give_up_one_who_answers() {
    let repeats = |node: NodeId| {
        move |told: &mut Told| {
            told.checks.ends.get_mut(node, &tuple(node)).expect("it is open").repeats_numbers = true;
        }
    };
    for node in [A, B] {
        assert_eq!(gives_up(false, repeats(node), answer(0)), []);
    }
    assert_eq!(gives_up(false, |_| {}, answer(0)), [Law::GivesUp]);
}
/// An earlier incarnation with other numbers is known by them: nothing has come to where the connection is alive.
#[test]
fn nothing_comes_to_an_incarnation_with_other_numbers() {
    let earlier = |told: &mut Told| {
        told.checks.ends.get_mut(B, &tuple(B)).and_then(|end| end.peer.as_mut()).expect("it is open").isn =
            tcp::SeqNum(ISS_A - 1);
    };
    assert_eq!(gives_up(false, earlier, answer(0)), []);
}

/// `b` drops this for its timestamp, where the last in sequence had 700.
fn dropped_for_its_timestamp(segment: Segment) -> Vec<Law> {
    let mut told = Told::new(|_, _| {});
    told.opens(&Options { timestamps: Some(Timestamps { val: 700, ecr: 0 }), ..Options::default() });
    let packet = told.stray(A, segment);
    told.tell(What::Dropped { node: B, packet, why: DropReason::Tcp(Rule::Paws) });
    told.found()
}
#[test]
fn what_is_older_may_be_dropped_for_its_timestamp() {
    assert_eq!(dropped_for_its_timestamp(stamped(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 699)), []);
}
#[test]
fn what_is_as_young_may_not_be_dropped_and_no_rst() {
    let found = |flags, val| dropped_for_its_timestamp(stamped(segment(flags, ISS_A + 1, ISS_B + 1), val));
    assert_eq!(found(Flags::ACK, 700), [Law::PawsExact]);
    // RFC 7323, section 5.3, R1: "and if the RST bit is not set".
    assert_eq!(found(Flags::RST | Flags::ACK, 699), [Law::PawsExact]);
    assert_eq!(found(Flags::RST | Flags::ACK, 900), [Law::PawsExact]);
}
/// A reset has no time of its own (RFC 7323, section 5.2): what was sent before it is no older for it.
#[test]
fn a_rst_makes_nothing_old() {
    for (flags, wrong) in [(Flags::RST | Flags::ACK, true), (Flags::ACK, false)] {
        let mut told = Told::new(|_, _| {});
        told.opens(&Options { timestamps: Some(Timestamps { val: 700, ecr: 0 }), ..Options::default() });
        told.stray(A, stamped(segment(flags, ISS_A + 1, ISS_B + 1), 900));
        let packet = told.stray(A, stamped(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 800));
        told.tell(What::Dropped { node: B, packet, why: DropReason::Tcp(Rule::Paws) });
        assert_eq!(told.found() == [Law::PawsExact], wrong, "{:?}", told.found());
    }
}

/// The peer has booted, has drawn the same number, and answers the SYN once more, with other timestamps: those are not looked at,
/// and what follows with them is older than what was there first.
#[test]
fn later_syn_acks_make_nothing_young() {
    let last: u32 = 700 + (5 << 29);
    for (val, found) in [(last, vec![]), (700, vec![Law::PawsExact]), (699, vec![])] {
        let mut told = Told::new(|_, _| {});
        told.opens(&Options { timestamps: Some(Timestamps { val: 700, ecr: 0 }), ..Options::default() });
        for step in [3, 4, 5] {
            let syn_ack = segment(Flags::SYN | Flags::ACK, ISS_B, ISS_A + 1);
            told.stray(B, stamped(syn_ack, 700 + (step << 29)));
        }
        let packet = told.stray(B, stamped(segment(Flags::ACK, ISS_B + 1, ISS_A + 1), val));
        told.tell(What::Dropped { node: A, packet, why: DropReason::Tcp(Rule::Paws) });
        assert_eq!(told.found(), found, "{val}");
    }
}

/// Only what reaches up to the last acknowledgment sets TS.Recent (RFC 7323, section 4.3): nothing is old for what came from before.
#[test]
fn what_lies_before_makes_nothing_old() {
    for (before, wrong) in [(0, false), (1, true), (1_000_000, true)] {
        let mut told = Told::new(|_, _| {});
        told.opens(&Options { timestamps: Some(Timestamps { val: 700, ecr: 0 }), ..Options::default() });
        let old = segment(Flags::ACK, (ISS_A + 1).wrapping_sub(before), ISS_B + 1);
        told.stray(A, stamped(old, 900));
        let packet = told.stray(A, stamped(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 800));
        told.tell(What::Dropped { node: B, packet, why: DropReason::Tcp(Rule::Paws) });
        assert_eq!(told.found() == [Law::PawsExact], wrong, "{before}: {:?}", told.found());
    }
}

/// `b` has dropped this for its timestamp, after all else.
fn drops(mut told: Told, val: u32) -> Vec<Law> {
    let packet = told.stray(A, stamped(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), val));
    told.tell(What::Dropped { node: B, packet, why: DropReason::Tcp(Rule::Paws) });
    told.found()
}
/// Hosts whose connection began with these timestamps on its segments.
fn opened(val: u32) -> Told {
    let mut told = Told::new(|_, _| {});
    told.opens(&Options { timestamps: Some(Timestamps { val, ecr: 0 }), ..Options::default() });
    told
}

/// Behind a cookie no timestamp is remembered (RFC 4987, section 3.6): that of what brings it back is the first, whatever SYN
/// came last.
#[test]
fn a_cookie_brings_the_first_timestamp() {
    for (val, wrong) in [(149, false), (150, true), (160, true)] {
        let mut told = Told::new(|_, _| {});
        for (isn, iss, val) in [(ISS_A, ISS_B, 100), (ISS_A + 70_000, ISS_B + 900_000, 900)] {
            let syn = stamped(segment(Flags::SYN, isn, 0), val);
            let syn = told.passes(A, syn, Rule::ActiveOpen, Trigger::Timer);
            let cookie = stamped(segment(Flags::SYN | Flags::ACK, iss, isn + 1), 5);
            told.sends(B, cookie, Rule::SynCookieSent, Trigger::Packet(syn));
            told.after(Duration::from_secs(1));
        }
        let ack = told.stray(A, stamped(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 150));
        let opens = (State::Listen, State::Established);
        told.state(B, opens, Rule::SynCookieAccepted, Trigger::Packet(ack));
        assert_eq!(drops(told, val) == [Law::PawsExact], wrong, "{val}");
    }
}
/// A SYN that ends TIME-WAIT is the first segment of another connection: its timestamp counts (RFC 6191, section 2).
#[test]
fn the_timestamp_of_a_syn_that_ends_time_wait_counts() {
    for (val, wrong) in [(799, false), (800, true), (801, true)] {
        let mut told = opened(700);
        told.state(B, (State::Closing, State::TimeWait), Rule::AckOfFin, Trigger::Timer);
        let syn = told.stray(A, stamped(segment(Flags::SYN, ISS_A + 70_000, 0), 800));
        told.state(B, (State::TimeWait, State::Closed), Rule::TimeWaitReused, Trigger::Packet(syn));
        let answer = stamped(segment(Flags::SYN | Flags::ACK, ISS_B + 900_000, ISS_A + 70_001), 5);
        told.sends(B, answer, Rule::SynAnswered, Trigger::Packet(syn));
        let packet = told.stray(A, stamped(segment(Flags::ACK, ISS_A + 70_001, ISS_B + 900_001), val));
        told.tell(What::Dropped { node: B, packet, why: DropReason::Tcp(Rule::Paws) });
        assert_eq!(told.found() == [Law::PawsExact], wrong, "{val} {:?}", told.found());
    }
}
/// And so is one whose data Fast Open takes (RFC 7413, section 4.2.2): what the connection before it had heard makes nothing old.
#[test]
fn fast_open_begins_with_the_timestamp_of_its_syn() {
    for (val, wrong) in [(49, false), (50, true), (600, true)] {
        let mut told = opened(700);
        let syn = stamped(with_data(segment(Flags::SYN, ISS_A + 70_000, 0), 10), 50);
        let syn = told.passes(A, syn, Rule::FastOpen, Trigger::Call);
        let answer = stamped(segment(Flags::SYN | Flags::ACK, ISS_B + 900_000, ISS_A + 70_011), 5);
        told.sends(B, answer, Rule::FastOpenAccepted, Trigger::Packet(syn));
        let packet = told.stray(A, stamped(segment(Flags::ACK, ISS_A + 70_011, ISS_B + 900_001), val));
        told.tell(What::Dropped { node: B, packet, why: DropReason::Tcp(Rule::Paws) });
        assert_eq!(told.found() == [Law::PawsExact], wrong, "{val} {:?}", told.found());
    }
}
/// A SYN-ACK of an earlier connection makes nothing old; that of this one does (RFC 7323, section 4.3).
#[test]
fn only_this_connections_syn_ack_makes_something_old() {
    for (seq, wrong) in [(ISS_B, false), (ISS_B - 70_000, true), (ISS_B + 1, true)] {
        let mut told = opened(700);
        told.stray(B, stamped(segment(Flags::SYN | Flags::ACK, seq, ISS_A + 1), 900));
        let packet = told.stray(B, stamped(segment(Flags::ACK, ISS_B + 1, ISS_A + 1), 800));
        told.tell(What::Dropped { node: A, packet, why: DropReason::Tcp(Rule::Paws) });
        assert_eq!(told.found() == [Law::PawsExact], wrong, "{seq} {:?}", told.found());
    }
}
/// Where both open at once the connection begins with the timestamp of the SYN: a SYN-ACK before it was of an earlier one.
#[test]
fn a_simultaneous_open_begins_with_the_timestamp_of_its_syn() {
    for (val, wrong) in [(200, false), (299, false), (300, true)] {
        let mut told = Told::new(|_, _| {});
        told.sends(A, stamped(segment(Flags::SYN, ISS_A, 0), 5), Rule::ActiveOpen, Trigger::Call);
        told.stray(B, stamped(segment(Flags::SYN | Flags::ACK, ISS_B, ISS_A + 1), 100));
        let syn = told.stray(B, stamped(segment(Flags::SYN, ISS_B + 900_000, 0), 300));
        let answer = stamped(segment(Flags::SYN | Flags::ACK, ISS_A, ISS_B + 900_001), 5);
        told.sends(A, answer, Rule::SimultaneousOpen, Trigger::Packet(syn));
        let packet = told.stray(B, stamped(segment(Flags::ACK, ISS_B + 900_001, ISS_A + 1), val));
        told.tell(What::Dropped { node: A, packet, why: DropReason::Tcp(Rule::Paws) });
        assert_eq!(told.found() == [Law::PawsExact], wrong, "{val} {:?}", told.found());
    }
}
/// What is older than the youngest makes it no older: TS.Recent does not go back.
#[test]
fn an_older_syn_ack_takes_no_timestamp_back() {
    let mut told = opened(700);
    told.stray(B, stamped(segment(Flags::SYN | Flags::ACK, ISS_B, ISS_A + 1), 600));
    let packet = told.stray(B, stamped(segment(Flags::ACK, ISS_B + 1, ISS_A + 1), 650));
    told.tell(What::Dropped { node: A, packet, why: DropReason::Tcp(Rule::Paws) });
    assert_eq!(told.found(), []);
}

/// A datagram is there when all of its pieces are (RFC 791, section 3.2): a FIN of which one has come is owed no answer.
#[test]
fn a_piece_of_a_fin_is_owed_no_answer() {
    for (whole, expected) in [(false, vec![]), (true, vec![Law::TimeWaitAnswers])] {
        let mut told = Told::open(|_, _| {});
        let fin = segment(Flags::ACK | Flags::FIN, ISS_A + 1, ISS_B + 1);
        let came = told.passes(A, fin.clone(), Rule::Data, Trigger::Call);
        told.passes(B, segment(Flags::ACK, ISS_B + 1, ISS_A + 2), Rule::AckOfFin, Trigger::Packet(came));
        told.state(B, (State::Closing, State::TimeWait), Rule::AckOfFin, Trigger::Packet(came));
        if whole {
            told.stray(A, fin)
        } else {
            told.piece_comes(B, fin)
        };
        told.ends_event();
        assert_eq!(told.found(), expected);
    }
}
