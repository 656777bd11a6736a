//! What a RST may end, and which SYN ends TIME-WAIT.

use tcp::{Config, Flags, Options, Rule, Segment, State, Timestamps};

use super::super::told::{A, B, ISS_A, ISS_B, Told, segment, stamped, with_data};
use crate::check::Law;
use crate::trace::{NodeId, Trigger};

/// What is told of a RST with this number, which ends a connection that `b` has answered with Fast Open. `acked`: the ACK of
/// its SYN has come before.
fn rst_to_fast_open(seq: u32, acked: bool) -> Vec<Law> {
    let mut told = Told::new(|_, _| {});
    let syn = with_data(segment(Flags::SYN, ISS_A, 0), 100);
    let syn = told.passes(A, syn, Rule::FastOpen, Trigger::Call);
    let syn_ack = segment(Flags::SYN | Flags::ACK, ISS_B, ISS_A + 101);
    told.passes(B, syn_ack, Rule::SynAnswered, Trigger::Packet(syn));
    told.state(B, (State::Listen, State::Established), Rule::FastOpenAccepted, Trigger::Packet(syn));
    told.reading(B, (0, 1, 101));
    if acked {
        told.passes(A, segment(Flags::ACK, ISS_A + 101, ISS_B + 1), Rule::SynAckAnswered, Trigger::Timer);
    }
    let rst = told.stray(A, segment(Flags::RST, seq, 0));
    told.state(B, (State::Established, State::Closed), Rule::ResetReceived, Trigger::Packet(rst));
    told.found()
}

/// To the peer it is in SYN-RECEIVED (RFC 7413, section 5.1).
#[test]
fn a_rst_within_the_window_may_end_what_fast_open_began() {
    for off in [0, 1, 9_999] {
        assert_eq!(rst_to_fast_open(ISS_A + 101 + off, false), [], "{off}");
    }
}
#[test]
fn a_rst_beyond_the_window_ends_nothing_that_fast_open_began() {
    for off in [-1, 10_000, 60_000] {
        let seq = (ISS_A + 101).wrapping_add_signed(off);
        assert_eq!(rst_to_fast_open(seq, false), [Law::ResetExact], "{off}");
    }
}
#[test]
fn a_rst_must_be_exact_once_the_syn_is_acknowledged() {
    assert_eq!(rst_to_fast_open(ISS_A + 101, true), []);
    for off in [1, 9_999, 10_000] {
        assert_eq!(rst_to_fast_open(ISS_A + 101 + off, true), [Law::ResetExact], "{off}");
    }
}

/// What is told of a SYN that ends the TIME-WAIT of `b`, to which `a` has sent 100 octets with timestamp 700 and a FIN.
fn syn_ends_time_wait(timestamps: bool, stray: impl Fn(&mut Told), syn: Segment) -> Vec<Law> {
    let mut told = Told::new(|_: NodeId, _: &mut Config| {});
    let stamp = timestamps.then_some(Timestamps { val: 600, ecr: 0 });
    told.opens(&Options { timestamps: stamp, ..Options::default() });
    let with = |segment, val| if timestamps { stamped(segment, val) } else { segment };
    let data = with(with_data(segment(Flags::ACK | Flags::FIN, ISS_A + 1, ISS_B + 1), 100), 700);
    let data = told.passes(A, data, Rule::Data, Trigger::Call);
    told.passes(
        B,
        with(segment(Flags::ACK, ISS_B + 1, ISS_A + 102), 60),
        Rule::AckOfFin,
        Trigger::Packet(data),
    );
    told.state(B, (State::Closing, State::TimeWait), Rule::AckOfFin, Trigger::Packet(data));
    stray(&mut told);
    let before = told.found().len();
    let syn = told.stray(A, syn);
    told.state(B, (State::TimeWait, State::Closed), Rule::TimeWaitReused, Trigger::Packet(syn));
    told.found().split_off(before)
}
fn syn(off: i32) -> Segment {
    segment(Flags::SYN, (ISS_A + 102).wrapping_add_signed(off), 0)
}

/// RFC 6191, section 2: by the timestamp, and where that tells nothing by the number.
#[test]
fn time_wait_gives_way_to_each_kind_of_newer_syn() {
    for (timestamps, syn) in [
        (true, stamped(syn(-50), 701)),
        (true, stamped(syn(0), 700)),
        (true, syn(0)),
        (false, syn(0)),
        (false, syn(1)),
        // Whoever had none before, and has some now, has begun anew.
        (false, stamped(syn(-50), 1)),
    ] {
        assert_eq!(syn_ends_time_wait(timestamps, |_| {}, syn.clone()), [], "{timestamps} {syn:?}");
    }
}
#[test]
fn time_wait_gives_way_to_no_older_syn() {
    for (timestamps, syn) in
        [(true, stamped(syn(50), 699)), (true, stamped(syn(-1), 700)), (true, syn(-1)), (false, syn(-1))]
    {
        let found = syn_ends_time_wait(timestamps, |_| {}, syn.clone());
        assert_eq!(found, [Law::TimeWaitYields], "{timestamps} {syn:?}");
    }
}
/// A RST has no time of its own (RFC 7323, section 5.2), an ACK has.
#[test]
fn a_rst_makes_no_later_syn_old() {
    let comes = |flags| {
        move |told: &mut Told| {
            told.stray(A, stamped(segment(flags, ISS_A + 102, ISS_B + 1), 900));
        }
    };
    assert_eq!(syn_ends_time_wait(true, comes(Flags::RST | Flags::ACK), stamped(syn(-50), 800)), []);
    assert_eq!(syn_ends_time_wait(true, comes(Flags::ACK), stamped(syn(-50), 800)), [Law::TimeWaitYields]);
}
/// To the letter nothing is looked at of what was read, also where that is not acknowledged yet (RFC 9293, section 3.10.7.4).
#[test]
fn what_is_read_twice_makes_no_later_syn_old() {
    for (exact_window, wrong) in [(true, false), (false, true)] {
        let mut told = Told::new(|_, config| config.exact_window = exact_window);
        let stamp = Some(Timestamps { val: 600, ecr: 0 });
        told.opens(&Options { timestamps: stamp, ..Options::default() });
        let data = |val| stamped(with_data(segment(Flags::ACK, ISS_A + 1, ISS_B + 1), 100), val);
        told.passes(A, data(700), Rule::Data, Trigger::Call);
        told.reading(B, (1, 1, 101));
        told.stray(A, data(900));
        let fin = stamped(segment(Flags::ACK | Flags::FIN, ISS_A + 101, ISS_B + 1), 750);
        let fin = told.passes(A, fin, Rule::FinQueued, Trigger::Call);
        let ack = stamped(segment(Flags::ACK, ISS_B + 1, ISS_A + 102), 60);
        told.passes(B, ack, Rule::AckOfFin, Trigger::Packet(fin));
        told.state(B, (State::Closing, State::TimeWait), Rule::AckOfFin, Trigger::Packet(fin));
        let before = told.found().len();
        let syn = told.stray(A, stamped(syn(-50), 800));
        told.state(B, (State::TimeWait, State::Closed), Rule::TimeWaitReused, Trigger::Packet(syn));
        assert_eq!(told.found().split_off(before) == [Law::TimeWaitYields], wrong, "{exact_window}");
    }
}
