use tcp::{Payload, SeqNum, Time, Tuple};

use super::laws::run::{A, B, Watched, has_data, sent, tuple};
use crate::Record;
use crate::check::*;
use crate::trace::NodeId;

fn ends(incarnation: u32) -> (StreamEnd, StreamEnd) {
    let (local, remote) = ("10.0.0.1:5000".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
    let tuple = Tuple { local, remote };
    let (iss, irs) = (SeqNum(100), SeqNum(200));
    let writer = StreamEnd { tuple, iss, irs, incarnation, repeats: false };
    (writer, StreamEnd { tuple: tuple.reversed(), iss: irs, irs: iss, incarnation, repeats: false })
}

fn pattern(stream: u32, offset: u64, len: u32) -> Payload {
    Payload::Pattern { stream, offset, len }
}

fn check(events: Vec<StreamEvent>) -> Vec<(u64, Wrong)> {
    let mut check = StreamCheck::default();
    for event in events {
        check.take((Time::ZERO, 0), NodeId(0), event);
    }
    check.findings().iter().map(|f| (f.offset, f.wrong)).collect()
}

#[test]
fn what_was_written_may_be_read_in_other_pieces() {
    let (w, r) = ends(1);
    let events = vec![
        StreamEvent::Wrote(w, pattern(1, 0, 1000)),
        StreamEvent::Wrote(w, pattern(1, 1000, 500)),
        StreamEvent::Wrote(w, Payload::from_bytes(b"hello")),
        StreamEvent::Read(r, pattern(1, 0, 1)),
        StreamEvent::Read(r, pattern(1, 1, 1499).concat(&Payload::from_bytes(b"he"))),
        StreamEvent::Read(r, Payload::from_bytes(b"llo")),
        StreamEvent::ReadEnd(r),
    ];
    assert_eq!(check(events), []);
}

#[test]
fn lost_doubled_changed_and_foreign_bytes_are_found_once() {
    let (w, r) = ends(1);
    let wrote = StreamEvent::Wrote(w, pattern(1, 0, 1000));
    let read = |payload| StreamEvent::Read(r, payload);
    assert_eq!(
        check(vec![wrote.clone(), read(pattern(1, 0, 900)), StreamEvent::ReadEnd(r)]),
        [(900, Wrong::Lost(100))]
    );
    assert_eq!(
        check(vec![wrote.clone(), read(pattern(1, 0, 1000)), read(pattern(1, 500, 500))]),
        [(1000, Wrong::NeverWritten(500))]
    );
    assert_eq!(
        check(vec![wrote.clone(), read(pattern(1, 0, 10)), read(pattern(2, 10, 10)), read(pattern(3, 0, 9))]),
        [(10, Wrong::Foreign { stream: 2, offset: 10 })]
    );
    let (x, y) = (Payload::from_bytes(b"hello"), Payload::from_bytes(b"hexlo"));
    assert_eq!(
        check(vec![StreamEvent::Wrote(w, x), read(y)]),
        [(2, Wrong::Changed { wrote: b'l', read: b'x' })]
    );
}

/// Two incarnations with the same initial sequence numbers: bytes of the first are foreign to the second.
#[test]
fn an_earlier_incarnation_is_another_stream() {
    let ((w1, r1), (w2, r2)) = (ends(1), ends(2));
    let events = vec![
        StreamEvent::Wrote(w1, pattern(1, 0, 100)),
        StreamEvent::Read(r1, pattern(1, 0, 50)),
        StreamEvent::Gone(w1),
        StreamEvent::Read(r2, pattern(1, 50, 50)),
        StreamEvent::Wrote(w2, pattern(2, 0, 50)),
    ];
    assert_eq!(check(events), [(0, Wrong::NeverWritten(50))]);
}

#[test]
fn nothing_is_remembered_of_what_is_over() {
    let (w, r) = ends(1);
    let mut check = StreamCheck::default();
    for event in [
        StreamEvent::Wrote(w, pattern(1, 0, 100)),
        StreamEvent::Wrote(r, pattern(2, 0, 100)),
        StreamEvent::Gone(r),
        StreamEvent::Read(w, pattern(2, 0, 100)),
        StreamEvent::Gone(w),
    ] {
        check.take((Time::ZERO, 0), NodeId(0), event);
    }
    assert!(format!("{check:?}").contains("logs: {}"), "{check:?}");
}

/// Whether it is known that an earlier incarnation had the numbers, where one that is over had 100 and 200, and one with
/// these reads what nobody wrote. `repeats`: a host may use its numbers again. `number`: that of the reader's incarnation.
fn is_repeated(repeats: bool, (iss, irs): (u32, u32), number: u32) -> bool {
    let (w, r) = ends(1);
    let (writer, reader) = (StreamEnd { repeats, ..w }, StreamEnd { repeats, ..r });
    let later = |end: StreamEnd, iss, irs| StreamEnd {
        iss: SeqNum(iss),
        irs: SeqNum(irs),
        incarnation: number,
        ..end
    };
    let mut check = StreamCheck::default();
    for event in [
        StreamEvent::Wrote(writer, pattern(1, 0, 10)),
        StreamEvent::Read(reader, pattern(1, 0, 10)),
        StreamEvent::Gone(writer),
        StreamEvent::Gone(reader),
        StreamEvent::Read(later(reader, irs, iss), pattern(1, 0, 10)),
    ] {
        check.take((Time::ZERO, 0), NodeId(0), event);
    }
    assert_eq!(check.findings().len(), 1);
    check.findings()[0].repeated
}
/// A cookie that comes back brings its numbers, but for what its last bits say of the MSS.
#[test]
fn numbers_that_come_again_are_known() {
    for numbers in [(100, 200), (101, 200), (103, 200), (100, 201), (100, 203)] {
        assert!(is_repeated(true, numbers, 2), "{numbers:?}");
    }
}
#[test]
fn other_numbers_are_no_repetition() {
    for numbers in [(111, 200), (100, 204), (99, 200), (100, 199), (111, 201), (5000, 200)] {
        assert!(!is_repeated(true, numbers, 2), "{numbers:?}");
    }
}
/// Ten octets came behind the first number: one that begins among them has sent, and was reset, faster than numbers move on, and
/// nothing tells what it sent from what its successor sends.
#[test]
fn numbers_among_those_of_the_last_are_known() {
    for (iss, repeated) in [(100, false), (101, true), (110, true), (111, false), (99, false)] {
        assert_eq!(is_repeated(false, (iss, 201), 2), repeated, "{iss}");
    }
}
/// Who takes fresh numbers each time is held to the stream; what is over is not remembered.
#[test]
fn a_host_with_fresh_numbers_has_no_excuse() {
    assert!(!is_repeated(false, (100, 200), 2));
}
/// While the one end of the earlier incarnation is still there, its numbers are known without that.
#[test]
fn two_incarnations_at_once_are_known_by_their_numbers() {
    let ((w1, r1), (_, r2)) = (ends(1), ends(2));
    for (second, repeated) in [(r2, true), (StreamEnd { irs: SeqNum(101), ..r2 }, false)] {
        let mut check = StreamCheck::default();
        for event in [
            StreamEvent::Wrote(w1, pattern(1, 0, 100)),
            StreamEvent::Read(r1, pattern(1, 0, 50)),
            StreamEvent::Read(second, pattern(1, 50, 50)),
        ] {
            check.take((Time::ZERO, 0), NodeId(0), event);
        }
        assert_eq!(check.findings().iter().map(|found| found.repeated).collect::<Vec<_>>(), [repeated]);
    }
}

#[test]
fn a_finding_names_the_event_in_which_it_was_read() {
    let wrote = |new: &mut Vec<Record>| sent(new, A, |packet| packet.tcp().is_some_and(has_data)).is_some();
    let Watched { mut sim, checks } = Watched::new().until(wrote);
    let end = checks.ends.get(A, &tuple()).expect("it is open");
    let (iss, irs) = (end.iss.wire(), end.peer.expect("it answered").isn);
    let writer = StreamEnd { tuple: tuple(), iss, irs, incarnation: 99, repeats: false };
    let streams = sim.out.streams.as_mut().expect("it looks");
    streams.take((Time::ZERO, 0), A, StreamEvent::Wrote(writer, pattern(7, 0, 9)));
    while sim.findings().is_empty() {
        assert!(sim.step(), "what nobody wrote is read");
    }
    let finding = &sim.findings()[0];
    assert_eq!((finding.node, finding.event, finding.time), (B, sim.events(), sim.now()));
    assert!(finding.event > 1);
}
