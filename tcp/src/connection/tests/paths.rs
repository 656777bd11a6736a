//! The ways through the states, end to end.

use super::*;
use crate::error::Errno;

/// RFC 9293, figure 12; capture echo_client_close without its data.
#[test]
fn normal_close() {
    let mut pair = Pair::linux();
    pair.close('a');
    pair.run_for(50);
    assert_eq!((pair.a.state(), pair.b.state()), (State::FinWait2, State::CloseWait));
    assert_eq!(pair.read('b', 10), Ok(Received::Eof));
    pair.close('b');
    pair.run_for(50);
    assert_eq!((pair.a.state(), pair.b.state()), (State::TimeWait, State::Closed));
    assert_eq!(
        pair.take_log(),
        ["0 a F. 1 a1 FinQueued", "11 b . 1 a2 AckDelayed", "50 b F. 1 a2 FinQueued", "60 a . 2 a2 AckOfFin",]
    );
    assert_eq!(
        pair.states,
        [
            "a ESTABLISHED > FIN-WAIT-1: CloseCall",
            "b ESTABLISHED > CLOSE-WAIT: FinReceived",
            "a FIN-WAIT-1 > FIN-WAIT-2: FinAcknowledged",
            "b CLOSE-WAIT > LAST-ACK: CloseCall",
            "a FIN-WAIT-2 > TIME-WAIT: FinReceived",
            "b LAST-ACK > CLOSED: FinAcknowledged",
        ]
    );
}

/// RFC 9293, figure 13.
#[test]
fn simultaneous_close() {
    let mut pair = Pair::linux();
    pair.close('a');
    pair.close('b');
    pair.run_for(100);
    assert_eq!(
        pair.take_log(),
        ["0 a F. 1 a1 FinQueued", "0 b F. 1 a1 FinQueued", "10 b . 2 a2 AckOfFin", "10 a . 2 a2 AckOfFin",]
    );
    assert_eq!((pair.a.state(), pair.b.state()), (State::TimeWait, State::TimeWait));
    assert!(pair.states.contains(&"a FIN-WAIT-1 > CLOSING: FinReceived".to_string()));
    assert!(pair.states.contains(&"b CLOSING > TIME-WAIT: FinAcknowledged".to_string()));
}

/// Data flows on after one side has shut down (9293/MUST-12 half-close is optional, but this end does it).
#[test]
fn half_close() {
    let mut pair = Pair::linux();
    pair.write('a', 7);
    pair.shutdown('a');
    pair.run_for(100);
    assert_eq!((pair.a.state(), pair.b.state()), (State::FinWait2, State::CloseWait));
    assert_eq!(pair.b.readable(), (7, true));
    pair.write('b', 3000);
    pair.run_for(100);
    assert_eq!(pair.a.readable(), (3000, false));
    pair.close('a');
    pair.run_for(100);
    assert_eq!(pair.a.state(), State::Closed, "unread data: reset");
    assert_eq!(pair.b.state(), State::Closed);
}

/// FIN-WAIT-1 to TIME-WAIT in one segment: FIN and ACK of our FIN together.
#[test]
fn fin_with_ack_of_fin() {
    let mut pair = Pair::linux();
    pair.write('a', 5);
    pair.run_for(100);
    let _ = pair.read('b', 100);
    pair.shutdown('a');
    pair.run_for(15);
    pair.close('b');
    pair.run_for(100);
    assert_eq!((pair.a.state(), pair.b.state()), (State::TimeWait, State::Closed));
}

/// Captures close_unread_rst and linger0_idle; RFC 2525, section 2.17.
#[test]
fn resets_of_a_closing_program() {
    let mut pair = Pair::linux();
    pair.write('a', 100);
    pair.run_for(100);
    pair.take_log();
    pair.close('b');
    assert_eq!(pair.take_log(), ["100 b R. 1 a101 CloseUnread"]);
    pair.run_for(100);
    assert_eq!((pair.a.state(), pair.b.state()), (State::Closed, State::Closed));
    assert_eq!(pair.read('a', 10), Err(Errno::ECONNRESET));
    assert_eq!(pair.read('a', 10), Ok(Received::Eof));

    let mut pair = Pair::linux();
    pair.set('a', SocketOption::Linger(Some(Duration::ZERO)));
    pair.close('a');
    pair.run_for(100);
    assert_eq!(pair.take_log(), ["0 a R. 1 a1 LingerZero"]);
    assert_eq!((pair.a.state(), pair.b.state()), (State::Closed, State::Closed));
}

/// Capture data_after_full_close: data for an orphan draws a bare RST; in CLOSE-WAIT that reads as EPIPE.
#[test]
fn data_after_close() {
    let mut pair = Pair::linux();
    pair.close('a');
    pair.run_for(100);
    pair.take_log();
    pair.write('b', 5);
    pair.run_for(100);
    assert_eq!(pair.take_log(), ["100 b P. 1:+5 a2 Data", "110 a R 2 DataAfterClose"]);
    assert_eq!((pair.a.state(), pair.b.state()), (State::Closed, State::Closed));
    let data = Payload::Pattern { stream: 1, offset: 0, len: 1 };
    let again = pair.call('b', |t, now, out| t.send(now, data.clone(), SendFlags::default(), out));
    assert_eq!(again, Err(Errno::EPIPE));
}

/// A RST in ESTABLISHED is ECONNRESET once, then EPIPE for writers; what was received stays readable.
#[test]
fn reset_in_established() {
    let mut pair = Pair::linux();
    pair.write('a', 10);
    pair.run_for(30);
    pair.call('a', |t, now, out| t.abort(now, crate::Rule::AbortCall, out));
    pair.run_for(30);
    assert_eq!(pair.b.state(), State::Closed);
    assert!(matches!(pair.read('b', 100), Ok(Received::Data(data)) if data.len() == 10));
    let data = Payload::Pattern { stream: 1, offset: 0, len: 1 };
    let send = |pair: &mut Pair| {
        let data = data.clone();
        pair.call('b', |t, now, out| t.send(now, data, SendFlags::default(), out))
    };
    assert_eq!(send(&mut pair), Err(Errno::ECONNRESET));
    assert_eq!(send(&mut pair), Err(Errno::EPIPE));
}

/// A lost FIN, a lost ACK of the FIN, a lost last ACK: each is repaired.
#[test]
fn lost_segments_of_a_close() {
    for lost in 0..4 {
        let mut pair = Pair::linux();
        let mut count = 0;
        pair.wire = Box::new(move |_, _| {
            count += 1;
            if count == lost + 1 { Fate::Drop } else { Fate::Deliver }
        });
        pair.close('a');
        pair.run_for(30);
        pair.close('b');
        pair.run_for(5000);
        // With the first FIN lost the closes are simultaneous.
        let last = if lost == 0 { State::TimeWait } else { State::Closed };
        assert_eq!((pair.a.state(), pair.b.state()), (State::TimeWait, last), "segment {lost} lost");
    }
}

/// Capture orphan_fin_lost: FIN, a probe, eight retransmissions, gone at the ninth expiry without a RST.
#[test]
fn orphan_whose_fin_is_lost() {
    let mut pair = Pair::linux();
    pair.wire = Box::new(|_, _| Fate::Drop);
    pair.close('a');
    pair.run(ms(200_000));
    let lines = pair.take_log();
    assert_eq!(lines.len(), 10, "{lines:#?}");
    assert_eq!(pair.a.state(), State::Closed);
    assert!(lines.iter().all(|line| line.contains(" F. ")), "{lines:#?}");
    assert_eq!(pair.states.last().map(String::as_str), Some("a FIN-WAIT-1 > CLOSED: OrphanLimit"));
}

/// FIN-WAIT-2 of an orphan ends after 60 s under Linux; a program that only shut down may wait for ever.
#[test]
fn fin_wait_2() {
    let mut pair = Pair::linux();
    pair.close('a');
    pair.run(ms(60_010));
    assert_eq!(pair.a.state(), State::FinWait2);
    pair.run(ms(60_030));
    assert_eq!(pair.a.state(), State::Closed);

    let mut pair = Pair::linux();
    pair.shutdown('a');
    pair.run(ms(600_000));
    assert_eq!(pair.a.state(), State::FinWait2);

    let mut pair = Pair::established(Config::rfc(), Config::rfc());
    pair.close('a');
    pair.run(ms(6_000_000));
    assert_eq!(pair.a.state(), State::FinWait2);
}

/// The stream arrives whole through a wire that loses, duplicates, delays or marks every few segments, both ways.
#[test]
fn bulk_through_a_bad_wire() {
    let late = Duration::from_millis(7);
    let fates = [Fate::Drop, Fate::Twice(late), Fate::Late(late), Fate::Mark];
    for config in [Config::linux(), Config::rfc(), Config::freebsd()] {
        for fate in fates {
            transfer(config.clone(), 300_000, fate);
        }
    }
}

fn transfer(config: Config, total: u64, fate: Fate) {
    let mut pair = Pair::established(config.clone(), config);
    let mut count = 0;
    pair.wire = Box::new(move |_, _| {
        count += 1;
        if count % 7 == 3 { fate } else { Fate::Deliver }
    });
    let (mut written, mut read) = (0u64, 0u64);
    for _ in 0..100_000 {
        if written < total {
            let data = Payload::Pattern { stream: 1, offset: written, len: (total - written) as u32 };
            let sent = pair.call('a', |t, now, out| t.send(now, data, SendFlags::default(), out));
            written += u64::from(sent.unwrap_or(0));
        }
        while let Ok(Received::Data(data)) = pair.read('b', 10_000) {
            let expected = Payload::Pattern { stream: 1, offset: read, len: data.len() };
            assert_eq!(data, expected, "at {read}");
            read += u64::from(data.len());
        }
        if read == total {
            break;
        }
        pair.run_for(5);
    }
    assert_eq!(read, total);
    // 9293/RST-NOTSURE: whatever the wire did, nobody was reset.
    assert!(pair.sent.iter().all(|(_, _, outgoing)| !outgoing.segment.has(Flags::RST)));
    pair.close('a');
    pair.run_for(10_000);
    assert_eq!(pair.b.readable(), (0, true));
}

/// What a connection costs that is not at rest, without its configuration; at rest it is folded (`resting`).
#[test]
fn a_connection_is_lean() {
    assert!(size_of::<Connection>() <= 872, "{}", size_of::<Connection>());
    let ledger = size_of::<crate::connection::memory::Ledger>();
    assert!(ledger <= 232, "{ledger}");
}
