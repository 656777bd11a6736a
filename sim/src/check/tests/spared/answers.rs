//! Answers to answers, and answers that are none.

use tcp::{Duration, Flags, Options, Rule, Segment, State, Timestamps};

use super::super::told::{A, B, ISS_A, ISS_B, Told, segment, stamped, tuple, with_data};
use crate::What;
use crate::check::Law;
use crate::trace::{DropReason, NodeId, Trigger};

/// Eight answers to answers at once, between hosts with these intervals between challenges, in milliseconds.
fn answers(limits: [u64; 2], forged: bool) -> Vec<Law> {
    let mut told = Told::open(|node, config| {
        config.challenge_interval = Duration::from_millis(limits[node.0 as usize]);
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

/// `a` gives up after five repetitions that have come to `b`, of which each was answered by `answer`, where `a` expects
/// ISS_B + 1 and has offered up to ISS_B + 10,001. `change`: what is true each time before the repetition comes.
fn gives_up(exact: bool, change: impl Fn(&mut Told), answer: Segment) -> Vec<Law> {
    let mut told = Told::open(|_, config| config.exact_window = exact);
    for n in 0..5 {
        let data = with_data(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 100);
        told.after(Duration::from_secs(1 << n));
        let packet = told.sends(A, data, Rule::RtoRetransmit, Trigger::Timer);
        change(&mut told);
        told.comes(B, packet);
        told.stray(B, answer.clone());
    }
    told.state(A, (State::Established, State::Closed), Rule::RetransmissionLimit, Trigger::Timer);
    told.found()
}
fn answer(off: i32) -> Segment {
    segment(Flags::ACK, (ISS_B + 1).wrapping_add_signed(off), ISS_A + 1)
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
