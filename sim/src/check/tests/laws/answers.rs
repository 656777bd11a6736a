//! What is repeated, how long it waits, and what answers it.

use tcp::{Duration, Flags, Payload, State};

use super::run::{A, B, Watched, again, answer, arrival, has_data, is_late_ack, repeated, tuple};
use crate::check::{Law, Violation};
use crate::packet::{Body, Packet, PacketId};
use crate::trace::{Cause, DropReason, PipeId, Trigger};
use crate::{Record, What};

/// What is told where this law, and no other, is broken. Of each way to break it one.
pub(super) fn broken(law: Law) -> Vec<Vec<Violation>> {
    let run = Watched::new;
    match law {
        Law::PawsExact => vec![run().changed(|new| {
            let data = new.iter().find_map(|r| match &r.what {
                What::Received { node: B, packet, .. } if packet.tcp().is_some_and(has_data) => {
                    Some((r.time, packet.id))
                }
                _ => None,
            });
            let Some((time, packet)) = data else { return false };
            let why = DropReason::Tcp(tcp::Rule::Paws);
            new.push(Record { time, what: What::Dropped { node: B, packet, why } });
            true
        })],
        Law::BacksOff => {
            vec![
                run().changed(timeouts(&[0, 1000, 2000])),
                run().changed(timeouts(&[0, 1000, 3600])),
                run().changed(probes(&[0, 10, 20, 30])),
                run().changed(probes(&[0, 10, 20, 33])),
            ]
        }
        Law::GivesUp => vec![run().changed(|new| {
            let Some(like) = repeated(new) else { return false };
            let What::Sent { packet, .. } = &like.what else { return false };
            let Body::Tcp(segment) = &packet.body else { return false };
            let ack = tcp::Segment {
                src: segment.dst,
                dst: segment.src,
                seq: segment.ack,
                ack: segment.seq,
                flags: Flags::ACK,
                wnd: 500,
                payload: Payload::Empty,
                ..segment.clone()
            };
            let ip = crate::packet::IpHeader { src: packet.ip.dst, dst: packet.ip.src, ..packet.ip };
            let answer = Packet { id: PacketId(8999), ip, body: Body::Tcp(ack), flipped_bit: None };
            for n in 0..5 {
                let time = like.time + Duration::from_secs(1 << n);
                let sent = Record { time, ..again(&like, 9000 + n) };
                let arrives = arrival(&sent, B, 9000 + n);
                let answer = Packet { id: PacketId(9100 + n), ..answer.clone() };
                let what = What::Received { node: A, pipe: PipeId(1), packet: answer };
                new.extend([sent, arrives, Record { time, what }]);
            }
            let why = Cause { trigger: Trigger::Timer, rule: tcp::Rule::RetransmissionLimit };
            let (from, to) = (State::Established, State::Closed);
            new.push(Record {
                time: like.time,
                what: What::State { node: A, tuple: tuple(), from, to, why },
            });
            true
        })],
        Law::AckStorm => vec![row_of_answers(Duration::ZERO), row_of_answers(Duration::from_millis(249))],
        _ => unreachable!("{law} is broken elsewhere"),
    }
}

/// What is told of six answers to answers, one `apart` from the next.
fn row_of_answers(apart: Duration) -> Vec<Violation> {
    Watched::new().changed(|new| {
        let ack = |record: &Record| {
            matches!(&record.what, What::Sent { packet, why: Some(_), .. } if packet.tcp().is_some_and(is_late_ack))
        };
        let Some(mut like) = new.iter().find(|record| ack(record)).cloned() else { return false };
        for n in 0..6 {
            like.time += apart;
            new.push(answer(&like, 9001 + n, 9000 + n));
            new.push(arrival(&like, B, 9001 + n));
        }
        true
    })
}

/// Something that timeouts send again, so many milliseconds after the first.
fn timeouts(at: &'static [u64]) -> impl FnMut(&mut Vec<Record>) -> bool {
    move |new| {
        let Some(like) = repeated(new) else { return false };
        new.extend((0..).zip(at).map(|(n, after)| Record {
            time: like.time + Duration::from_millis(*after),
            ..again(&like, 9000 + n)
        }));
        true
    }
}

/// Probes of a window that stays closed, so many seconds after the first; each is answered a second later.
fn probes(at: &'static [u64]) -> impl FnMut(&mut Vec<Record>) -> bool {
    move |new| {
        let Some(like) = repeated(new) else { return false };
        let What::Sent { packet, .. } = &like.what else { return false };
        let Body::Tcp(segment) = &packet.body else { return false };
        let closed = tcp::Segment {
            src: segment.dst,
            dst: segment.src,
            seq: segment.ack,
            ack: segment.seq,
            flags: Flags::ACK,
            wnd: 0,
            payload: Payload::Empty,
            ..segment.clone()
        };
        let ip = crate::packet::IpHeader { src: packet.ip.dst, dst: packet.ip.src, ..packet.ip };
        let answer = Packet { id: PacketId(8999), ip, body: Body::Tcp(closed), flipped_bit: None };
        for (n, seconds) in (0..).zip(at) {
            let time = like.time + Duration::from_secs(*seconds);
            let mut probe = Record { time, ..again(&like, 9000 + n) };
            if let What::Sent { why: Some(why), packet: Packet { body: Body::Tcp(segment), .. }, .. } =
                &mut probe.what
            {
                why.rule = tcp::Rule::ZeroWindowProbe;
                segment.payload = Payload::Empty;
            }
            let what = What::Received { node: A, pipe: PipeId(1), packet: answer.clone() };
            new.extend([probe, Record { time: time + Duration::from_secs(1), what }]);
        }
        true
    }
}

/// Each end gives an answer in half a second, which is what RFC 5961, section 7, asks for.
#[test]
fn a_slow_row_of_answers_is_no_storm() {
    assert_eq!(row_of_answers(Duration::from_millis(250)), []);
}

/// Twice as long, give or take what timers are off by.
#[test]
fn timeouts_that_back_off_break_no_law() {
    for at in [&[0, 1000, 3000, 7000][..], &[0, 1000, 2600], &[0, 1000, 3400], &[0, 10, 40]] {
        assert_eq!(Watched::new().changed(timeouts(at)), []);
    }
}

/// What is answered a second later counts from then, and no probe need wait longer than the longest.
#[test]
fn probes_that_back_off_break_no_law() {
    for at in [&[0, 10, 25, 48, 85][..], &[0, 110, 220, 330, 440]] {
        assert_eq!(Watched::new().changed(probes(at)), []);
    }
}
