//! What is sent, acknowledged and offered, and how a segment is made.

use tcp::{Flags, Payload, SeqNum, State};

use super::run::{A, B, Watched, has_data, is_late_ack, segment, sent};
use crate::check::{Law, Violation};
use crate::packet::{Body, Packet};
use crate::trace::NodeId;
use crate::{Record, What};

/// What is told where this law, and no other, is broken. Of each way to break it one.
pub(super) fn broken(law: Law) -> Vec<Vec<Violation>> {
    let run = Watched::new;
    match law {
        Law::SequenceSpace => vec![
            run().reading(A, State::FinWait1, |info, _| info.snd_una = info.snd_nxt + 1),
            run().reading(A, State::FinWait1, |info, _| info.snd_nxt -= 1),
            run().reading(B, State::CloseWait, |info, _| info.rcv_nxt -= 1),
        ],
        Law::FreshNumbers => {
            let mut first = None;
            vec![run().changed(move |new| {
                let syn = sent(new, A, |packet| packet.tcp().is_some_and(|s| s.flags == Flags::SYN));
                let Some(Body::Tcp(segment)) = syn.map(|packet| &mut packet.body) else { return false };
                let before = first.replace(segment.seq);
                segment.seq = before.unwrap_or(segment.seq);
                before.is_some()
            })]
        }
        Law::AckOfUnsent => {
            vec![run().changed(segment(B, is_late_ack, |segment| segment.ack = segment.ack.add(100_000)))]
        }
        // The run takes what came as it was: both move by a segment that the checkers see acknowledge too much.
        Law::UnsentIgnored => vec![
            run().changed(arrives(A, is_late_ack, |segment| segment.ack = segment.ack.add(100_000))),
            run().changed(arrives(B, has_data, |segment| segment.ack = segment.ack.add(1))),
        ],
        Law::AckRetreats => {
            // The right edge stays where it was: only the acknowledgment moves.
            vec![run().changed(segment(B, is_late_ack, |segment| {
                segment.ack = SeqNum(segment.ack.0.wrapping_sub(5000));
                segment.wnd += 5000;
            }))]
        }
        Law::BeyondWindow => {
            vec![run().changed(segment(A, has_data, |segment| segment.seq = segment.seq.add(1 << 20)))]
        }
        Law::TakesBeyondWindow => {
            vec![run().reading(B, State::CloseWait, |info, _| info.rcv_nxt += 10_000_000)]
        }
        Law::WindowRetreats => {
            vec![run().changed(segment(B, is_late_ack, |segment| segment.wnd /= 2))]
        }
        Law::BeyondMss => vec![run().changed(segment(A, has_data, |segment| {
            segment.payload = Payload::Pattern { stream: 0, offset: 0, len: 1461 };
        }))],
        Law::FinMoves => vec![
            // A FIN that comes again with one octet more before it, and data behind it.
            run().changed(after_fin(|fin| fin.seq = fin.seq.add(1))),
            run().changed(after_fin(|fin| {
                fin.seq = fin.seq.add(fin.seq_len());
                fin.flags = Flags::ACK;
                fin.payload = Payload::Pattern { stream: 0, offset: 0, len: 10 };
            })),
            run().changed(|new| {
                let again = new.iter_mut().find_map(|record| match &mut record.what {
                    What::Sent { node: A, packet, why: Some(why), .. }
                        if packet.tcp().is_some_and(is_late_ack) =>
                    {
                        Some(why)
                    }
                    _ => None,
                });
                again.map(|why| why.rule = tcp::Rule::RtoRetransmit).is_some()
            }),
        ],
        Law::WellFormed => malformed(),
        _ => unreachable!("{law} is broken elsewhere"),
    }
}

/// The first such segment that comes to this host, changed.
fn arrives(
    node: NodeId,
    which: fn(&tcp::Segment) -> bool,
    change: impl Fn(&mut tcp::Segment),
) -> impl FnMut(&mut Vec<Record>) -> bool {
    move |new| {
        let arrived = new.iter_mut().find_map(|record| match &mut record.what {
            What::Received { node: at, packet, .. } if *at == node && packet.tcp().is_some_and(which) => {
                Some(packet)
            }
            _ => None,
        });
        let Some(Packet { body: Body::Tcp(segment), .. }) = arrived else { return false };
        change(segment);
        true
    }
}

/// The first FIN of `a`, sent once more in another form.
fn after_fin(change: impl Fn(&mut tcp::Segment)) -> impl FnMut(&mut Vec<Record>) -> bool {
    move |new| {
        let is_fin = |r: &&Record| matches!(&r.what, What::Sent { node: A, packet, .. } if packet.tcp().is_some_and(|s| s.has(Flags::FIN)));
        let Some(mut again) = new.iter().find(is_fin).cloned() else { return false };
        if let What::Sent { packet: Packet { body: Body::Tcp(segment), .. }, .. } = &mut again.what {
            change(segment);
        }
        new.push(again);
        true
    }
}

/// A segment that makes no sense, of each kind.
fn malformed() -> Vec<Vec<Violation>> {
    let changes: &[fn(&mut tcp::Segment)] = &[
        |s| s.flags = Flags::SYN | Flags::FIN | Flags::ACK,
        |s| s.flags = Flags::RST | Flags::FIN | Flags::ACK,
        |s| s.flags = Flags::RST | Flags::ACK,
        |s| s.flags = Flags::PSH,
        |s| s.options.mss = Some(1460),
        |s| s.options.wscale = Some(15),
        |s| s.options.sack_permitted = true,
        |s| s.options.timestamps = None,
        |s| (s.flags, s.urg) = (Flags::URG | Flags::ACK, 0),
        |s| s.options.sack.push(s.ack.add(9), s.ack.add(8)),
        // What the bytes have no room for.
        |s| s.options.other = Some(std::sync::Arc::from([1; 4])),
        |s| s.flags.0 |= 0x200,
        |s| (1..5).for_each(|n| s.options.sack.push(s.ack.add(n * 10), s.ack.add(n * 10 + 1))),
    ];
    // Short, so that another option does not make it too long.
    let short = |change: &fn(&mut tcp::Segment), segment: &mut tcp::Segment| {
        segment.payload = Payload::Pattern { stream: 0, offset: 0, len: 10 };
        change(segment);
    };
    changes.iter().map(|change| Watched::new().changed(segment(A, has_data, |s| short(change, s)))).collect()
}
