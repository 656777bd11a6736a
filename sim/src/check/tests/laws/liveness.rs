//! Timers, bounds, books, and rest.

use tcp::{Duration, State};

use super::run::{A, B, Watched, has_data, sent};
use crate::check::{Findings, Law, Violation, conservation, unrest};
use crate::{Record, Simulator, What};

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
        Law::Conservation => vec![books(|sim| sim.pipes[0].counters.delivered += 1_000), books(|sim| {
            sim.pipes[1].counters.sent += 1;
        })],
        Law::CwndBounds => vec![
            run().reading(A, State::FinWait1, |info, _| info.cwnd = 0),
            run().reading(A, State::FinWait1, |info, _| info.cwnd = 1000),
        ],
        Law::RtoBounds => vec![
            run().reading(A, State::FinWait1, |info, _| info.rto = Duration::ZERO),
            run().reading(A, State::FinWait1, |info, _| info.rto = Duration::from_millis(199)),
            run().reading(A, State::FinWait1, |info, _| info.rto = Duration::from_secs(121)),
        ],
        Law::MemoryBounds => vec![
            run().reading(A, State::FinWait1, |info, _| info.recv_q = 1 << 30),
            run().reading(A, State::FinWait1, |info, _| info.send_q = 1 << 30),
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

/// What an audit says of books that were tampered with while packets are under way.
fn books(change: fn(&mut Simulator)) -> Vec<Violation> {
    let mut watched = Watched::new().until(|new| sent(new, A, |p| p.tcp().is_some_and(has_data)).is_some());
    let mut found = Vec::new();
    let record = watched.sim.records.last().unwrap().clone();
    conservation::audit(&watched.sim, &mut Findings { event: 1, record: &record, found: &mut found });
    assert_eq!(found, []);
    change(&mut watched.sim);
    conservation::audit(&watched.sim, &mut Findings { event: 1, record: &record, found: &mut found });
    found
}
