//! How connections end.

use tcp::{Flags, Payload, SeqNum, State, Time};

use super::run::{A, B, Watched, has_data, tuple};
use crate::check::{Law, Violation};
use crate::packet::{Body, Packet, PacketId};
use crate::testing::ms;
use crate::trace::{Cause, Trigger};
use crate::{Record, What};

/// What is told where this law, and no other, is broken. Of each way to break it one.
pub(super) fn broken(law: Law) -> Vec<Vec<Violation>> {
    let run = Watched::new;
    match law {
        Law::LegalTransition => vec![
            run().changed(transition(State::FinWait1, |_, to| *to = State::SynSent)),
            run().changed(transition(State::CloseWait, |_, to| *to = State::FinWait2)),
            run().changed(transition(State::FinWait1, |from, to| {
                (*from, *to) = (State::CloseWait, State::LastAck);
            })),
        ],
        Law::ResetExact => vec![
            run().changed(ends_with(|segment| {
                segment.flags = Flags::RST;
                segment.seq = segment.seq.add(1);
            })),
            run().changed(ends_with(|segment| segment.flags = Flags::SYN)),
        ],
        Law::FinAcknowledged => vec![run().changed(|new| {
            let waits = new.iter().any(|record| {
                matches!(record.what, What::State { from: State::FinWait1, to: State::FinWait2, .. })
            });
            let arrived = new.iter_mut().find_map(|record| match &mut record.what {
                What::Received { packet: Packet { body: Body::Tcp(segment), .. }, .. } => Some(segment),
                _ => None,
            });
            let arrived = arrived.filter(|_| waits);
            arrived.map(|segment| segment.ack = SeqNum(segment.ack.0.wrapping_sub(1))).is_some()
        })],
        Law::TimeWaitLasts => vec![run().changed(|new| {
            let over = new.iter_mut().find(|r| matches!(r.what, What::State { from: State::TimeWait, .. }));
            over.map(|record| record.time = Time::ZERO + record.time.since(ms(1))).is_some()
        })],
        Law::TimeWaitAnswers => vec![run().changed(|new| {
            let begins = |r: &Record| matches!(r.what, What::State { node: A, to: State::TimeWait, .. });
            let fin = new.iter().find(|r| {
                matches!(&r.what, What::Received { node: A, packet, .. } if packet.tcp().is_some_and(|s| s.has(Flags::FIN)))
            });
            let Some(mut again) = fin.filter(|_| new.iter().any(begins)).cloned() else { return false };
            if let What::Received { packet, .. } = &mut again.what {
                packet.id = PacketId(9000);
            }
            new.push(again);
            true
        })],
        // Each of them ends the TIME-WAIT of `a`: an old number, a number with an old timestamp.
        Law::TimeWaitYields => vec![
            run().changed(syn_in_time_wait(|syn| {
                (syn.seq, syn.options.timestamps) = (SeqNum(syn.seq.0.wrapping_sub(1)), None);
            })),
            run().changed(syn_in_time_wait(|syn| {
                syn.seq = syn.seq.add(1000);
                syn.options.timestamps = syn.options.timestamps.map(|ts| tcp::Timestamps { val: ts.val.wrapping_sub(5000), ..ts });
            })),
        ],
        _ => unreachable!("{law} is broken elsewhere"),
    }
}

/// A SYN that ends the TIME-WAIT of `a`, whose number and timestamp are the last ones before `change`.
fn syn_in_time_wait(change: impl Fn(&mut tcp::Segment)) -> impl FnMut(&mut Vec<Record>) -> bool {
    let mut last = None;
    move |new| {
        let fin = new.iter().find(|r| {
            matches!(&r.what, What::Received { node: A, packet, .. } if packet.tcp().is_some_and(|s| s.has(Flags::FIN)))
        });
        last = last.take().or(fin.cloned());
        let begins = |r: &Record| matches!(r.what, What::State { node: A, to: State::TimeWait, .. });
        let Some(mut syn) = last.clone().filter(|_| new.iter().any(begins)) else { return false };
        let What::Received { packet, .. } = &mut syn.what else { unreachable!() };
        packet.id = PacketId(9000);
        let Body::Tcp(segment) = &mut packet.body else { unreachable!() };
        segment.seq = segment.seq.add(segment.seq_len());
        (segment.flags, segment.payload) = (Flags::SYN, Payload::Empty);
        change(segment);
        let why = Cause { trigger: Trigger::Packet(PacketId(9000)), rule: tcp::Rule::TimeWaitReused };
        let (from, to) = (State::TimeWait, State::Closed);
        let yields = Record { time: syn.time, what: What::State { node: A, tuple: tuple(), from, to, why } };
        new.extend([syn, yields]);
        true
    }
}

/// Changes the transition to this state.
fn transition(state: State, change: impl Fn(&mut State, &mut State)) -> impl FnMut(&mut Vec<Record>) -> bool {
    move |new| {
        let found = new.iter_mut().find_map(|record| match &mut record.what {
            What::State { from, to, .. } if *to == state => Some((from, to)),
            _ => None,
        });
        found.map(|(from, to)| change(from, to)).is_some()
    }
}
/// The first data segment that comes to `b` in ESTABLISHED, changed, ends its connection.
fn ends_with(change: impl Fn(&mut tcp::Segment)) -> impl FnMut(&mut Vec<Record>) -> bool {
    move |new| {
        let arrived = new.iter_mut().find_map(|record| match &mut record.what {
            What::Received { node: B, packet, .. } if packet.tcp().is_some_and(has_data) => {
                Some((record.time, packet))
            }
            _ => None,
        });
        let Some((time, packet)) = arrived else { return false };
        let Body::Tcp(segment) = &mut packet.body else { return false };
        segment.payload = Payload::default();
        change(segment);
        let why = Cause { trigger: Trigger::Packet(packet.id), rule: tcp::Rule::ResetReceived };
        let (from, to) = (State::Established, State::Closed);
        let what = What::State { node: B, tuple: tuple().reversed(), from, to, why };
        new.truncate(1);
        new.push(Record { time, what });
        true
    }
}

/// A SYN that is as old as it may be: the number behind the last one, or any number with a younger timestamp.
#[test]
fn time_wait_yields_to_what_is_newer() {
    let newer: [fn(&mut tcp::Segment); 2] = [
        |syn| syn.options.timestamps = None,
        |syn| {
            syn.seq = SeqNum(syn.seq.0.wrapping_sub(50_000));
            syn.options.timestamps =
                syn.options.timestamps.map(|ts| tcp::Timestamps { val: ts.val.wrapping_add(1), ..ts });
        },
    ];
    for change in newer {
        assert_eq!(Watched::new().changed(syn_in_time_wait(change)), []);
    }
}
