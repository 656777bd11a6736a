//! What waits for a host that is paused.

use tcp::{Duration, Flags, Seq, Time};

use super::super::laws::run::{B, Watched, has_data, scenario, sent, tuple};
use crate::check::{Checks, Law};
use crate::packet::{Body, Packet};
use crate::spec::Spec;
use crate::trace::{DropReason, PipeId};
use crate::{Record, What};

/// The run that keeps all laws, up to where the first data comes to `b`; and its packet.
fn with_data() -> (Spec, Watched, Packet) {
    let spec = scenario();
    let mut watched = Watched::of(&spec);
    loop {
        watched.step();
        let data = watched.sim.records().iter().find_map(|record| match &record.what {
            What::Received { node: B, packet, .. } if packet.tcp().is_some_and(has_data) => {
                Some(packet.clone())
            }
            _ => None,
        });
        if let Some(packet) = data {
            return (spec, watched, packet);
        }
    }
}
/// From there on `b` has been paused for so long, and goes on. The checkers see what it does then as `change` leaves it.
fn paused(time: Duration, change: impl Fn(&mut Vec<Record>)) -> Watched {
    let (spec, mut watched, _) = with_data();
    watched.sim.pause(B);
    let (until, before) = (watched.sim.now() + time, heard(&watched));
    while watched.sim.now() < until {
        watched.step();
    }
    // Nothing of what waits has been heard.
    assert_eq!(heard(&watched), before);
    assert!(!watched.checks.late.is_empty());
    let seen = watched.sim.records().len();
    let unwatched = Checks::new(&spec, true);
    watched.sim.checks = Some(Box::new(std::mem::replace(&mut watched.checks, unwatched)));
    watched.sim.count_event();
    watched.sim.resume(B);
    watched.checks = *watched.sim.checks.take().expect("they are there");
    let mut new = watched.sim.records.split_off(seen);
    change(&mut new);
    watched.sim.records.append(&mut new);
    watched.checks.after_event(&watched.sim);
    assert!(heard(&watched) > before);
    watched
}
/// Up to where `b` has heard of the stream of `a`.
fn heard(watched: &Watched) -> Option<Seq> {
    watched.checks.ends.get(B, &tuple().reversed()).and_then(|end| end.heard_to)
}

#[test]
fn a_host_that_was_paused_breaks_no_law_by_it() {
    for time in [15, 100, 5_000].map(Duration::from_millis) {
        let watched = paused(time, |_| {});
        assert!(watched.checks.late.is_empty());
        let watched = watched.until(|_| false);
        assert_eq!(watched.checks.found(), [], "{time}");
    }
}
#[test]
fn a_host_that_misbehaves_when_it_goes_on_is_accused() {
    let accused = |by: i32| {
        let change = |new: &mut Vec<Record>| {
            let ack = sent(new, B, |packet| packet.tcp().is_some_and(|segment| segment.has(Flags::ACK)));
            let packet = ack.expect("it answers");
            let id = packet.id;
            let Body::Tcp(segment) = &mut packet.body else { unreachable!("it is a segment") };
            segment.ack = tcp::SeqNum(segment.ack.0.wrapping_add_signed(by));
            let at = new.iter().position(|r| matches!(&r.what, What::Sent { packet, .. } if packet.id == id));
            new.truncate(at.map_or(0, |at| at + 1));
        };
        let watched = paused(Duration::from_millis(100), change);
        watched.checks.found().iter().map(|violation| violation.law).collect::<Vec<_>>()
    };
    assert_eq!(accused(0), []);
    assert_eq!(accused(100_000), [Law::AckOfUnsent]);
    assert!(accused(-20_000).contains(&Law::AckRetreats));
}
/// What comes to a paused host and finds no room is never read; a copy that came before it is.
#[test]
fn of_two_copies_the_one_that_found_room_is_read() {
    let (_, mut watched, packet) = with_data();
    watched.sim.pause(B);
    let mut tell = |what: What, waiting: usize| {
        let record = Record { time: Time::ZERO, what };
        watched.checks.look_at(&watched.sim, &record, watched.sim.events());
        assert_eq!(watched.checks.late.len(), waiting);
    };
    let id = packet.id;
    let came = || What::Received { node: B, pipe: PipeId(0), packet: packet.clone() };
    let no_room = || What::Dropped { node: B, packet: id, why: DropReason::HostDown };
    tell(came(), 1);
    tell(came(), 2);
    tell(no_room(), 1);
    tell(no_room(), 0);
}
