//! What may wait long after the last fault.

use tcp::tcb::SocketOption;
use tcp::{Duration, Info, State};

use super::super::laws::run::{A, B, Watched, scenario, tuple};
use crate::check::liveness::may_wait;
use crate::check::{Law, unrest};
use crate::packet::Body;
use crate::spec::{Run, Spec, Step};
use crate::{Record, What};

/// The run that keeps all laws, but `a` sends so many octets, corked or not, and keeps its side open.
fn sends(len: u64, cork: bool) -> Spec {
    let mut spec = scenario();
    for program in &mut spec.programs {
        if let Run::Script(steps) = &mut program.run {
            steps.truncate(2);
            steps.push(Step::Set(SocketOption::Cork(cork)));
            steps.push(Step::SendBytes { len, chunk: 65_536, every: Duration::ZERO });
            steps.push(Step::Sleep(Duration::from_secs(100_000)));
        }
    }
    spec
}

/// The run up to where `a` has something to send, open; and its reading.
fn begins(len: u64, cork: bool) -> (Watched, Info) {
    let mut watched = Watched::of(&sends(len, cork));
    loop {
        watched.step();
        match watched.sim.reading(A, &tuple()) {
            Some((info, _)) if info.state == State::Established && info.send_q > 0 => return (watched, info),
            _ => {}
        }
    }
}

/// What is told of `a` 700 seconds after it was given so many octets, of which none was acknowledged. `moves`: something of
/// what `b` sends has just been.
fn waits(len: u64, cork: bool, moves: bool) -> Vec<Law> {
    let (mut watched, _) = begins(len, cork);
    watched.sim.now += Duration::from_secs(700);
    if moves {
        watched.checks.ends.get_mut(B, &tuple().reversed()).expect("it is open").moved = watched.sim.now;
    }
    let found = unrest(&watched.sim, Some(&watched.checks));
    found.iter().filter(|violation| violation.node == A).map(|violation| violation.law).collect()
}

/// Each ACK of the other direction begins the timer anew that would send it.
#[test]
fn less_than_a_segment_may_wait_for_the_other_direction() {
    assert_eq!(waits(500, true, true), []);
}
#[test]
fn nothing_may_wait_for_a_direction_in_which_nothing_moves() {
    assert_eq!(waits(500, true, false), [Law::ComesToRest]);
}
/// But whoever is probed all the time, before its own timer ends.
#[test]
fn less_than_a_segment_may_wait_while_probes_come() {
    let (mut watched, info) = begins(500, true);
    watched.sim.now += Duration::from_secs(700);
    let heard = watched.sim.now;
    watched.checks.answers.hears(A, tuple(), heard);
    for (later, laws) in [(info.rto / 2, &[][..]), (info.rto, &[Law::ComesToRest])] {
        watched.sim.now = heard + later;
        let found = unrest(&watched.sim, Some(&watched.checks));
        let of_a = found.iter().filter(|violation| violation.node == A).map(|violation| violation.law);
        assert_eq!(of_a.collect::<Vec<_>>(), laws);
    }
}
#[test]
fn what_is_under_way_or_fills_a_segment_waits_for_nothing() {
    for (len, cork) in [(500, false), (30_000, false), (30_000, true)] {
        assert_eq!(waits(len, cork, true), [Law::ComesToRest], "{len} {cork}");
    }
}
#[test]
fn a_whole_segment_does_not_wait() {
    let (_, mut info) = begins(500, true);
    assert!(may_wait(&info, 60_000));
    for (len, may) in [(0, false), (1, true), (info.mss - 1, true), (info.mss, false)] {
        info.send_q = u64::from(len);
        assert_eq!(may_wait(&info, 60_000), may, "{len} of {}", info.mss);
    }
    // Or of a whole one what there is room for.
    info.send_q = 60_000;
    for (room, may) in [(1, true), (info.mss - 1, true), (info.mss, false)] {
        assert_eq!(may_wait(&info, room.into()), may, "room for {room} of {}", info.mss);
    }
}

/// A SYN or SYN-ACK that nobody answers is given up, but not at once (RFC 9293, section 3.8.3).
#[test]
fn an_open_may_take_its_time_but_not_for_ever() {
    for (state, node) in [(State::SynSent, A), (State::SynReceived, B)] {
        let mut watched = Watched::of(&scenario());
        while !watched.sim.sockets(node).iter().any(|row| row.state == state) {
            watched.step();
        }
        let laws = |watched: &Watched| {
            let found = unrest(&watched.sim, Some(&watched.checks));
            found.iter().filter(|violation| violation.node == node).map(|found| found.law).collect::<Vec<_>>()
        };
        let begun = watched.sim.now;
        watched.sim.now = begun + Duration::from_secs(599);
        assert_eq!(laws(&watched), [], "{state}");
        watched.sim.now = begun + Duration::from_secs(600);
        assert_eq!(laws(&watched), [Law::ComesToRest], "{state}");
    }
}

/// The run, but what `b` accepts it never reads, so that its window closes: 700 seconds after it did. `opens`: the window is
/// then offered again, and `a` takes no notice of it.
fn shut_out(opens: bool) -> Vec<Law> {
    let mut spec = sends(1 << 20, false);
    for program in &mut spec.programs {
        if let Run::Serve(serve) = &mut program.run {
            serve.handler = vec![Step::Sleep(Duration::from_secs(100_000))].into();
        }
    }
    let mut watched = Watched::of(&spec);
    while watched
        .sim
        .reading(A, &tuple())
        .is_none_or(|(info, _)| info.state == State::SynSent || info.snd_wnd > 0)
    {
        watched.step();
    }
    let offer = |record: &&Record| matches!(record.what, What::Received { node: A, .. });
    let closed = watched.sim.records().iter().rfind(offer).cloned();
    let Some(Record { what: What::Received { packet, .. }, .. }) = closed else { unreachable!("it came") };
    watched.sim.now += Duration::from_secs(700);
    if opens {
        let mut packet = packet;
        let Body::Tcp(segment) = &mut packet.body else { unreachable!("a segment") };
        segment.wnd = 1000;
        watched.checks.received(A, &packet, (watched.sim.now, 1));
    }
    let found = unrest(&watched.sim, Some(&watched.checks));
    found.iter().filter(|violation| violation.node == A).map(|violation| violation.law).collect()
}

/// Of a window it is the offer that counts, not what the sender makes of it.
#[test]
fn who_is_shut_out_waits_and_who_was_let_in_does_not() {
    assert_eq!(shut_out(false), []);
    assert_eq!(shut_out(true), [Law::ComesToRest]);
}
