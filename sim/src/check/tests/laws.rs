//! Each law is broken once, by one change to what happened in a run that keeps them all, and the checkers tell of that law,
//! there and then, and of no other.
//!
//! [`broken`] matches exhaustively: a new law does not compile without something that breaks it.

use std::sync::Arc;

use tcp::{Duration, Flags, Payload, Running, SeqNum, State, Time, Tuple};

use crate::check::{
    Checks, Findings, Law, Reading, Violation, bounds, conservation, sequence, timers, unrest,
};
use crate::packet::{Body, Packet, PacketId};
use crate::spec::{Program, Run, Serve, Spec, Step};
use crate::testing::{ms, spec, way};
use crate::trace::{Cause, DropReason, NodeId, PipeId, Trigger};
use crate::{Record, Simulator, TraceLevel, What};

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

/// Host `a` opens a connection from port 5000, sends 30,000 octets, half-closes, reads what the echo server on `b` sends
/// back, closes, and after its TIME-WAIT does so once more.
fn scenario() -> Spec {
    let serve = Serve {
        port: 80,
        address: None,
        backlog: 5,
        accept_after: Some(Duration::ZERO),
        accept_every: None,
        accept_max: 0,
        options: Vec::new(),
        handler: vec![Step::Echo, Step::Close].into(),
        idle_limit: None,
        per_client_limit: None,
        one_at_a_time: false,
    };
    let once = [
        Step::Bind { address: None, port: 5000 },
        Step::Connect("10.0.0.2:80".parse().unwrap()),
        Step::SendBytes { len: 30_000, chunk: 65_536, every: Duration::ZERO },
        Step::ShutdownWrite,
        Step::RecvToEof,
        Step::Close,
        Step::Sleep(Duration::from_secs(100)),
    ];
    let program = |name: &str, on: &str, at: Time, run: Run| Program {
        name: Arc::from(name),
        on: on.to_string(),
        at,
        restart: false,
        run,
    };
    let mut slow = way();
    slow.delay = Duration::from_millis(10);
    let mut spec = spec().host("a", "10.0.0.1").host("b", "10.0.0.2").link("a", "b", slow);
    spec.programs = vec![
        program("server", "b", Time::ZERO, Run::Serve(serve)),
        program("client", "a", ms(10), Run::Script([once.clone(), once].concat())),
    ];
    spec
}

/// A run beside checkers that are not its own, so that what they are told may be changed.
struct Watched {
    sim: Simulator,
    checks: Checks,
}

impl Watched {
    fn new() -> Watched {
        let spec = scenario();
        Watched { sim: Simulator::new(&spec, TraceLevel::On), checks: Checks::new(&spec, true) }
    }
    /// Goes on to its end. The checkers see each event's records as `change` has left them, up to those that it changed.
    fn until(mut self, mut change: impl FnMut(&mut Vec<Record>) -> bool) -> Watched {
        let mut changed = false;
        while !changed && self.sim.step() {
            let seen = self.checks.seen.min(self.sim.records.len());
            let mut new = self.sim.records.split_off(seen);
            changed = change(&mut new);
            self.sim.records.append(&mut new);
            self.checks.after_event(&self.sim);
        }
        self
    }
    /// As [`until`](Self::until), and what the checkers have found.
    fn changed(self, change: impl FnMut(&mut Vec<Record>) -> bool) -> Vec<Violation> {
        let watched = self.until(change);
        let events = watched.sim.events();
        let found = watched.checks.found().to_vec();
        assert!(found.iter().all(|violation| violation.event == events), "elsewhere: {found:?}");
        found
    }
    /// A reading of the connection of `node` in this state, changed, as those checkers see it that look at readings.
    fn reading(self, node: NodeId, state: State, change: fn(&mut tcp::Info, &mut Running)) -> Vec<Violation> {
        let mut watched = self.until(|new| {
            new.iter().any(|record| {
                let Record { what: What::State { node: at, to, .. }, .. } = record else { return false };
                *at == node && *to == state
            })
        });
        assert!(watched.checks.found().is_empty());
        let tuple = if node == A { tuple() } else { tuple().reversed() };
        let (mut info, mut running) = watched.sim.reading(node, &tuple).expect("it is open");
        change(&mut info, &mut running);
        let config = Arc::clone(&watched.checks.hosts[node.0 as usize].as_ref().unwrap().config);
        let reading = Reading { node, tuple, info: &info, running: &running, config: &config };
        let record = watched.sim.records.last().unwrap();
        let mut found = Vec::new();
        let findings = &mut Findings { event: watched.sim.events(), record, found: &mut found };
        sequence::look(&reading, &mut watched.checks.ends, findings);
        timers::look(&reading, findings);
        bounds::look(&reading, &watched.checks.ends, findings);
        found
    }
}

/// The connection, seen from `a`.
fn tuple() -> Tuple {
    Tuple { local: "10.0.0.1:5000".parse().unwrap(), remote: "10.0.0.2:80".parse().unwrap() }
}

/// The first packet that `node` sends of which `which` is true.
fn sent(new: &mut [Record], node: NodeId, which: impl Fn(&Packet) -> bool) -> Option<&mut Packet> {
    new.iter_mut().find_map(|record| match &mut record.what {
        What::Sent { node: at, packet, why: Some(_), .. } if *at == node && which(packet) => Some(packet),
        _ => None,
    })
}
/// Changes the first such packet's segment, with which the event ends.
fn segment(
    node: NodeId,
    which: impl Fn(&tcp::Segment) -> bool,
    change: impl Fn(&mut tcp::Segment),
) -> impl FnMut(&mut Vec<Record>) -> bool {
    move |new| {
        let packet = sent(new, node, |packet| packet.tcp().is_some_and(&which));
        let Some(Packet { id, body: Body::Tcp(segment), .. }) = packet else { return false };
        change(segment);
        // What the host does next belies it.
        let id = *id;
        let at = new.iter().position(|r| matches!(&r.what, What::Sent { packet, .. } if packet.id == id));
        new.truncate(at.map_or(0, |at| at + 1));
        true
    }
}
fn has_data(segment: &tcp::Segment) -> bool {
    !segment.payload.is_empty()
}
fn is_late_ack(segment: &tcp::Segment) -> bool {
    segment.payload.is_empty() && segment.flags == Flags::ACK && segment.options.mss.is_none()
}

/// A segment sent once more, with another number, because of another packet.
fn answer(like: &Record, id: u64, to: u64) -> Record {
    let mut record = like.clone();
    if let What::Sent { packet, why, .. } = &mut record.what {
        packet.id = PacketId(id);
        *why = why.map(|why| Cause { trigger: Trigger::Packet(PacketId(to)), ..why });
    }
    record
}
fn arrival(like: &Record, node: NodeId, id: u64) -> Record {
    let What::Sent { packet, .. } = &like.what else { unreachable!("a segment that was sent") };
    let packet = Packet { id: PacketId(id), ..packet.clone() };
    Record { time: like.time, what: What::Received { node, pipe: PipeId(0), packet } }
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

/// What the checkers tell of a run in which this law, and no other, is broken. Of each way to break it one.
fn broken(law: Law) -> Vec<Vec<Violation>> {
    let run = Watched::new;
    match law {
        // Of streams and panics nothing passes here: `stream.rs`, and `find::fuzz` of the package above.
        Law::StreamIntact | Law::NoPanic => Vec::new(),
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
        Law::PawsExact => vec![run().changed(|new| {
            let data = new.iter().find_map(|r| match &r.what {
                What::Received { node: B, packet, .. } if packet.tcp().is_some_and(has_data) => Some((r.time, packet.id)),
                _ => None,
            });
            let Some((time, packet)) = data else { return false };
            let why = DropReason::Tcp(tcp::Rule::Paws);
            new.push(Record { time, what: What::Dropped { node: B, packet, why } });
            true
        })],
        Law::BacksOff => vec![
            run().changed(|new| {
                let Some(like) = repeated(new) else { return false };
                new.extend((0..3).map(|n| Record { time: like.time + Duration::from_secs(n), ..again(&like, 9000 + n) }));
                true
            }),
            run().changed(probes(&[0, 10, 20, 30])),
            run().changed(probes(&[0, 10, 20, 33])),
        ],
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
                let what = What::Received { node: A, pipe: PipeId(1), packet: answer.clone() };
                new.extend([sent, arrives, Record { time, what }]);
            }
            let why = Cause { trigger: Trigger::Timer, rule: tcp::Rule::RetransmissionLimit };
            let (from, to) = (State::Established, State::Closed);
            new.push(Record { time: like.time, what: What::State { node: A, tuple: tuple(), from, to, why } });
            true
        })],
        Law::TimerRuns => vec![
            run().reading(A, State::FinWait1, |_, running| running.retransmit = None),
            run().reading(B, State::CloseWait, |info, running| {
                (info.snd_una, running.retransmit, running.persist) = (info.snd_nxt, None, None);
            }),
        ],
        Law::OneTimer => {
            vec![run().reading(A, State::FinWait1, |_, running| running.persist = running.retransmit)]
        }
        Law::AckStorm => vec![row_of_answers(Duration::ZERO), row_of_answers(Duration::from_millis(249))],
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
            let mut found = vec![unrest(&run.sim, Some(&run.checks))];
            // A close that nobody answers, long after anything was acknowledged.
            run = Watched::new().until(|new| {
                new.iter().any(|r| matches!(r.what, What::State { node: A, to: State::FinWait1, .. }))
            });
            run.sim.now += Duration::from_secs(700);
            found.push(unrest(&run.sim, None));
            found
        }
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

/// A data segment of `a`, as a timeout would send it again; what follows it in its event is gone.
fn repeated(new: &mut Vec<Record>) -> Option<Record> {
    let data = |r: &Record| matches!(&r.what, What::Sent { node: A, packet, why: Some(_), .. } if packet.tcp().is_some_and(has_data));
    let at = new.iter().position(data)?;
    new.truncate(at + 1);
    let mut like = new[at].clone();
    if let What::Sent { why: Some(why), .. } = &mut like.what {
        *why = Cause { trigger: Trigger::Timer, rule: tcp::Rule::RtoRetransmit };
    }
    Some(like)
}
/// The same with another number.
fn again(like: &Record, id: u64) -> Record {
    let mut record = like.clone();
    if let What::Sent { packet, .. } = &mut record.what {
        packet.id = PacketId(id);
    }
    record
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
    ];
    // Short, so that another option does not make it too long.
    let short = |change: &fn(&mut tcp::Segment), segment: &mut tcp::Segment| {
        segment.payload = Payload::Pattern { stream: 0, offset: 0, len: 10 };
        change(segment);
    };
    changes.iter().map(|change| Watched::new().changed(segment(A, has_data, |s| short(change, s)))).collect()
}

/// Each end gives an answer in half a second, which is what RFC 5961, section 7, asks for.
#[test]
fn a_slow_row_of_answers_is_no_storm() {
    assert_eq!(row_of_answers(Duration::from_millis(250)), []);
}

/// What is answered a second later counts from then, and no probe need wait longer than the longest.
#[test]
fn probes_that_back_off_break_no_law() {
    for at in [&[0, 10, 25, 48, 85][..], &[0, 110, 220, 330, 440]] {
        assert_eq!(Watched::new().changed(probes(at)), []);
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

#[test]
fn a_run_that_keeps_them_is_told_of_none() {
    let watched = Watched::new().until(|_| false);
    assert_eq!(watched.checks.found(), []);
    assert_eq!(unrest(&watched.sim, Some(&watched.checks)), []);
    // It is the run that the others change: two connections, both in TIME-WAIT and out of it.
    let over = |r: &&Record| matches!(r.what, What::State { from: State::TimeWait, to: State::Closed, .. });
    assert_eq!(watched.sim.records().iter().filter(over).count(), 2);
}

#[test]
fn each_law_can_be_broken_and_is_told_of() {
    let mut shown = 0;
    for law in Law::ALL {
        shown += usize::from(!broken(*law).is_empty());
        for (i, found) in broken(*law).iter().enumerate() {
            assert!(!found.is_empty(), "{law}, number {i}: not told of");
            for violation in found {
                assert_eq!(violation.law, *law, "number {i}: {violation:?}");
                assert!(violation.event > 0 && violation.excuse.is_none(), "{violation:?}");
                let node_and_tuple = (violation.node, violation.tuple);
                let conserved = matches!(law, Law::Conservation);
                assert!(
                    conserved
                        || [(A, Some(tuple())), (B, Some(tuple().reversed()))].contains(&node_and_tuple),
                    "{violation:?}"
                );
            }
            assert!(law.source().starts_with("RFC ") || law.source() == "conservation", "{law}");
        }
    }
    assert_eq!(shown, Law::ALL.len() - 2);
}
