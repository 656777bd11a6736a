//! Timers, bounds, books, and rest.

use tcp::{Duration, Flags, State};

use super::run::{A, B, Watched, has_data, scenario, tuple};
use crate::check::tests::told::segment;
use crate::check::{Law, Violation, unrest};
use crate::packet::{Body, EcnCodepoint, IpHeader, Packet, PacketId};
use crate::{Record, Simulator, TraceLevel, What};

/// What is told where this law, and no other, is broken. Of each way to break it one.
pub(super) fn broken(law: Law) -> Vec<Vec<Violation>> {
    let run = Watched::new;
    match law {
        Law::TimerRuns => vec![
            run().reading(A, State::FinWait1, |_, running| running.retransmit = None),
            run().reading(B, State::CloseWait, |info, running| {
                (info.snd_una, running.retransmit, running.persist) = (info.snd_nxt, None, None);
            }),
        ],
        Law::TimerEnds => vec![run().reading(A, State::FinWait1, |info, running| {
            running.retransmit = running.retransmit.map(|at| at + info.rto * 4 + Duration::from_secs(2));
        })],
        Law::OneTimer => {
            vec![run().reading(A, State::FinWait1, |_, running| running.persist = running.retransmit)]
        }
        // A copy and a loss that nobody counts, in packets and in bytes; packets that come from nowhere and are nowhere.
        Law::Conservation => vec![
            books(|sim| sim.pipes[0].counters.delivered += 1_000),
            books(|sim| sim.pipes[1].counters.sent += 1),
            books(|sim| sim.pipes[0].counters.copies += 1),
            books(|sim| sim.pipes[0].counters.copied_bytes += 1),
            books(|sim| sim.pipes[1].counters.dropped_bytes += 40),
            books(|sim| {
                sim.out.packets.insert(nowhere());
            }),
        ],
        Law::CwndBounds => vec![
            run().reading(A, State::FinWait1, |info, _| info.cwnd = 0),
            run().reading(A, State::FinWait1, |info, _| info.cwnd = 1000),
        ],
        Law::RtoBounds => vec![
            run().reading(A, State::FinWait1, |info, _| info.rto = Duration::ZERO),
            run().reading(A, State::FinWait1, |info, _| info.rto = Duration::from_millis(199)),
            run().reading(A, State::FinWait1, |info, _| info.rto = Duration::from_secs(121)),
        ],
        // An acknowledgment of the one segment that is outstanding comes a millisecond later than the host believes.
        Law::RtoMeasured => [A, B].map(|node| run().changed(move |new| {
            let acks = |record: &&mut Record| {
                matches!(&record.what, What::Received { node: at, packet, .. } if *at == node && packet.tcp().is_some_and(|s| s.has(Flags::ACK)))
            };
            new.iter_mut().find(acks).map(|record| record.time += Duration::from_millis(1)).is_some()
        })).to_vec(),
        Law::MemoryBounds => vec![
            run().reading(A, State::FinWait1, |info, _| info.recv_q = 1 << 30),
            run().reading(A, State::FinWait1, |info, _| info.send_q = 1 << 30),
            run().reading(B, State::CloseWait, |info, _| info.held = 1 << 30),
        ],
        Law::WorkBounds => vec![run().changed(|new| {
            let data = |r: &&Record| matches!(&r.what, What::Sent { packet, .. } if packet.tcp().is_some_and(has_data));
            let Some(like) = new.iter().find(data).cloned() else { return false };
            new.extend(std::iter::repeat_n(like, 50_000));
            true
        })],
        Law::ComesToRest => {
            let open = |new: &mut Vec<Record>| new.iter().any(|r| matches!(r.what, What::State { to: State::SynSent, .. }));
            let mut run = run().until(open);
            run.sim.now += Duration::from_secs(700);
            let mut found = vec![unrest(&run.sim, Some(&run.checks))];
            // A close that nobody answers, long after anything was acknowledged.
            run = Watched::new().until(|new| {
                new.iter().any(|r| matches!(r.what, What::State { node: A, to: State::FinWait1, .. }))
            });
            run.sim.now += Duration::from_secs(700);
            found.push(unrest(&run.sim, None));
            found
        }
        _ => unreachable!("{law} is broken elsewhere"),
    }
}

/// A packet that no link has.
fn nowhere() -> Packet {
    let (src, dst) = (tuple().local.ip(), tuple().remote.ip());
    let ip = IpHeader { src, dst, ttl: 64, ecn: EcnCodepoint::NotEct, dscp: 0, df: true, ident: 0 };
    Packet { id: PacketId(1 << 40), ip, body: Body::Tcp(segment(Flags::ACK, 1, 1)), flipped_bit: None }
}

/// What is told in a run whose books were tampered with while packets are under way: it goes on, and comes to its end.
fn books(change: fn(&mut Simulator)) -> Vec<Violation> {
    let mut sim = Simulator::new(&scenario(), TraceLevel::Off).with_checks(&scenario());
    while sim.packets_under_way() < 2 {
        assert!(sim.step(), "it is over");
    }
    change(&mut sim);
    sim.run();
    sim.violations().to_vec()
}
