//! When data is acknowledged, and what window is offered.

use super::*;

/// Capture delack_100ms_noread: sixteen quick ACKs, then each 40 ms after the data.
#[test]
fn sixteen_quick_acks_then_40_ms() {
    let mut pair = Pair::linux();
    for _ in 0..20 {
        pair.write('a', 10);
        pair.run_for(100);
    }
    let acks: Vec<u64> = pair
        .log
        .iter()
        .filter(|line| line.contains(" b "))
        .map(|line| line.split(' ').next().unwrap().parse::<u64>().unwrap() % 100)
        .collect();
    let mut expected = vec![10; 16];
    expected.extend([50; 4]);
    assert_eq!(acks, expected);
}

/// Capture delack_small: a gap longer than the RTO brings quick ACKs back.
#[test]
fn a_long_gap_rearms_quick_acks() {
    let mut pair = Pair::linux();
    for _ in 0..25 {
        pair.write('a', 10);
        pair.run_for(300);
    }
    assert!(pair.log.iter().filter(|line| line.contains(" b ")).all(|line| line.ends_with("AckQuick")));
}

/// Capture write_write_read: Nagle meets delayed ACK once the reader answers (ping-pong mode).
#[test]
fn nagle_meets_delayed_ack() {
    let mut pair = Pair::linux();
    let mut took = Vec::new();
    for _ in 0..3 {
        let began = pair.now;
        pair.write('a', 4);
        pair.write('a', 4);
        while pair.a.readable().0 < 8 {
            if pair.b.readable().0 == 8 {
                let _ = pair.read('b', 100);
                pair.write('b', 8);
            }
            pair.run_for(1);
        }
        let _ = pair.read('a', 100);
        took.push(pair.now.since(began).as_millis());
        pair.run(began + Duration::from_millis(300));
    }
    assert_eq!(took, [40, 80, 80], "{:#?}", pair.log);
}

/// 5681/4.2: an ACK for every second full segment; the reader's drain acknowledges the odd one (capture delack_pairs).
#[test]
fn every_second_segment() {
    let mut pair = Pair::established(Config::linux(), Config::rfc());
    pair.write('a', 14_480);
    pair.run_for(15);
    let acks = pair.log.iter().filter(|line| line.contains(" b ")).count();
    assert_eq!(acks, 5, "{:#?}", pair.log);
    pair.run_for(500);
    pair.take_log();
    pair.write('a', 1448);
    pair.run_for(400);
    assert!(pair.log[1].starts_with("725 b") && pair.log[1].ends_with("AckDelayed"), "{:#?}", pair.log);
}

/// TCP_QUICKACK off: ping-pong until a delayed ACK was too late (capture quickack_off).
#[test]
fn quick_ack_off() {
    let mut pair = Pair::linux();
    pair.set('b', SocketOption::QuickAck(false));
    for _ in 0..4 {
        pair.write('a', 10);
        pair.run_for(100);
    }
    let acks: Vec<&String> = pair.log.iter().filter(|line| line.contains(" b ")).collect();
    assert!(acks[0].starts_with("50 b"), "{acks:?}");
    assert!(acks[1].starts_with("110 b") && acks[2].starts_with("210 b"), "{acks:?}");
}

/// The right edge never retreats, and a window is offered again only when it is worth a segment (SHLD-14, MUST-39).
#[test]
fn the_edge_never_retreats() {
    let small = SocketOption::RcvBuf(5000);
    let mut pair = Pair::established(Config::rfc(), Config::rfc());
    pair.set('b', small);
    let mut edge = 0;
    for round in 0..400 {
        if pair.a.writable() > 0 {
            pair.write('a', 5000);
        }
        pair.run_for(7);
        if round % 3 == 0 {
            let _ = pair.read('b', 700);
        }
        let now = pair.connection('b').rcv.edge.0;
        assert!(now >= edge);
        edge = now;
    }
    assert!(pair.connection('b').rcv.buffer.unread() <= 64_240 + 5000);
}

/// MUST-39: the right edge stays where it is until it can move by a segment, or by half of the buffer if that is less (RFC
/// 9293, section 3.8.6.2.2), however little the program reads at a time.
#[test]
fn a_window_grows_by_a_segment_or_not_at_all() {
    for (buffer, least) in [(5000, 1448), (2000, 1000)] {
        let config = Config { window_scaling: false, ..Config::rfc() };
        let mut pair = Pair::established(config.clone(), config);
        pair.set('b', SocketOption::RcvBuf(buffer));
        // What the handshake has offered is used up first.
        while pair.connection('b').rcv.buffer.unread() < u64::from(buffer) {
            if pair.a.writable() > 0 {
                pair.write('a', 5000);
            }
            pair.run_for(20);
        }
        let mut edge = pair.connection('b').rcv.edge;
        let mut moves = 0;
        for _ in 0..2000 {
            if pair.a.writable() > 0 {
                pair.write('a', 5000);
            }
            let _ = pair.read('b', 100);
            pair.run_for(3);
            let now = pair.connection('b').rcv.edge;
            if now > edge {
                assert!(now.since(edge) >= least, "by {}", now.since(edge));
                moves += 1;
            }
            edge = now;
        }
        assert!(moves > 10, "{moves}");
    }
}

/// Captures: later windows round up to the scale, 64240 reads as 63.
#[test]
fn windows_round_up() {
    let mut pair = Pair::linux();
    pair.write('a', 5);
    pair.run_for(50);
    let ack = pair.sent.iter().find(|(_, side, _)| *side == 'b').unwrap();
    assert_eq!(ack.2.segment.wnd, 64, "65160 rounds up to 64 times 1024");
    pair.write('b', 5);
    pair.run_for(50);
    let ack = pair.sent.iter().rev().find(|(_, side, _)| *side == 'a').unwrap();
    assert_eq!(ack.2.segment.wnd, 63);
}

/// What lies unread behind the first segment of a read does not count as kept up with: measured on Linux 6.18, where a read of
/// 20,272 octets after a round trip left the buffer as it was, and one of single segments makes it grow.
#[test]
fn a_backlog_does_not_make_the_buffer_grow() {
    for (spread, grows) in [(false, false), (true, true)] {
        let mut pair = Pair::linux();
        for _ in 0..10 {
            for _ in 0..20 {
                if pair.a.writable() > 0 {
                    pair.write('a', 1448);
                }
                pair.run_for(1);
                if spread {
                    let _ = pair.read('b', 1_000_000);
                }
            }
            let _ = pair.read('b', 1_000_000);
        }
        let b = pair.connection('b');
        assert_eq!(b.socket.rcv_buf > Config::linux().rcv_buf, grows, "{spread} {}", b.socket.rcv_buf);
    }
}

/// A reader that keeps up makes the buffer grow; one that does not read is offered no more than there is.
#[test]
fn the_buffer_grows_with_the_reader() {
    let mut pair = Pair::linux();
    let mut written = 0u64;
    while written < 3_000_000 {
        if pair.a.writable() > 0 {
            // A little every millisecond: what comes a whole window at a time is behind the first segment of each read.
            written += u64::from(pair.write('a', 14_480));
        }
        pair.run_for(1);
        let _ = pair.read('b', 1_000_000);
    }
    let b = pair.connection('b');
    assert!(
        b.socket.rcv_buf > 200_000,
        "{} {:?} {}",
        b.socket.rcv_buf,
        b.rcv,
        pair.connection('a').snd.queue.cwnd()
    );

    let mut pair = Pair::linux();
    for _ in 0..300 {
        if pair.a.writable() > 0 {
            pair.write('a', 100_000);
        }
        pair.run_for(10);
    }
    let most = u64::from(Config::linux().rcv_buf) + 2048;
    assert!(pair.b.readable().0 <= most, "{}", pair.b.readable().0);
}
