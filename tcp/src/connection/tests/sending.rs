//! What is sent, and when: Nagle, cork, PSH, urgent data, small windows.

use super::*;
use crate::config::{Congestion, CwndValidation, Nagle};
use crate::error::Errno;

fn lines(pair: &Pair, side: char) -> Vec<String> {
    let mark = format!(" {side} ");
    pair.log.iter().filter(|line| line.contains(&mark)).cloned().collect()
}

/// Capture nagle: 10 octets, then 60, then 30.
#[test]
fn nagle() {
    let mut pair = Pair::linux();
    for _ in 0..10 {
        pair.write('a', 10);
        pair.run_for(3);
    }
    pair.run_for(100);
    assert_eq!(
        lines(&pair, 'a'),
        ["0 a P. 1:+10 a1 Data", "20 a P. 11:+60 a1 Data", "40 a P. 71:+30 a1 Data"],
        "{:#?}",
        pair.log
    );
}

/// Capture nodelay: each write at once.
#[test]
fn no_delay() {
    let mut pair = Pair::linux();
    pair.set('a', SocketOption::NoDelay(true));
    for _ in 0..10 {
        pair.write('a', 10);
        pair.run_for(3);
    }
    assert_eq!(lines(&pair, 'a').len(), 10);
}

/// tcp(7), TCP_NODELAY: what waits for an ACK, or behind a cork, goes when the option is set.
#[test]
fn no_delay_lets_go_what_waits() {
    for cork in [false, true] {
        let mut pair = Pair::linux();
        pair.set('a', SocketOption::Cork(cork));
        pair.write('a', 10);
        pair.write('a', 10);
        assert_eq!(lines(&pair, 'a').len(), usize::from(!cork));
        pair.set('a', SocketOption::NoDelay(true));
        let last = if cork { "0 a P. 1:+20 a1 Data" } else { "0 a P. 11:+10 a1 Data" };
        assert_eq!(lines(&pair, 'a').last().map(String::as_str), Some(last));
    }
}

/// Minshall's variant sends a small segment behind full ones at once, the classic one does not.
#[test]
fn minshall_and_classic() {
    for (nagle, sent) in [(Nagle::Minshall, 2), (Nagle::Classic, 1)] {
        let config = Config { nagle, ..Config::linux() };
        let mut pair = Pair::established(config.clone(), config);
        pair.write('a', 1448 + 100);
        assert_eq!(lines(&pair, 'a').len(), sent);
    }
}

/// Capture cork: nothing for one RTO, then what there is; the rest at uncork.
#[test]
fn cork() {
    let mut pair = Pair::linux();
    pair.set('a', SocketOption::Cork(true));
    for _ in 0..10 {
        pair.write('a', 10);
    }
    pair.run(ms(300));
    assert_eq!(lines(&pair, 'a'), ["220 a P. 1:+100 a1 SwsOverride"], "{:#?}", pair.log);
    pair.write('a', 4);
    pair.run_for(50);
    assert_eq!(lines(&pair, 'a').len(), 1);
    pair.set('a', SocketOption::Cork(false));
    assert_eq!(lines(&pair, 'a').len(), 2);
}

/// MSG_MORE: a partial segment waits for the next write.
#[test]
fn more() {
    let mut pair = Pair::linux();
    let data = Payload::Pattern { stream: 1, offset: 0, len: 100 };
    let more = SendFlags { more: true, ..SendFlags::default() };
    pair.call('a', |t, now, out| t.send(now, data, more, out)).unwrap();
    pair.run_for(10);
    assert_eq!(pair.log.len(), 0);
    pair.write('a', 50);
    assert_eq!(pair.log[0], "10 a P. 1:+150 a1 Data");
}

/// MUST-60, MUST-61: PSH on the last segment of a write, and of each burst of several (Linux).
#[test]
fn psh() {
    let mut pair = Pair::linux();
    pair.write('a', 3000);
    assert_eq!(
        lines(&pair, 'a'),
        ["0 a . 1:+1448 a1 Data", "0 a P. 1449:+1448 a1 Data", "0 a P. 2897:+104 a1 Data"]
    );
}

/// Capture urgent: PAU with the pointer behind the octet; a read stops at the mark and skips it; MSG_OOB reads it once.
#[test]
fn urgent() {
    let mut pair = Pair::linux();
    let text = |text: &str| Payload::from_bytes(text.as_bytes());
    let urgent = SendFlags { urgent: true, ..SendFlags::default() };
    let plain = SendFlags::default();
    for (data, flags) in [("abc", plain), ("X", urgent), ("def", plain)] {
        pair.call('a', |t, now, out| t.send(now, text(data), flags, out)).unwrap();
        pair.run_for(50);
    }
    assert!(pair.log.iter().any(|l| l == "50 a P.U 4:+1 a1 urg1 Data"), "{:#?}", pair.log);
    assert_eq!(pair.read('b', 100), Ok(Received::Data(text("abc"))));
    assert!(pair.connection('b').has_urgent());
    assert_eq!(pair.b.recv_urgent(true), Ok(b'X'), "a peek leaves it");
    assert_eq!(pair.b.recv_urgent(false), Ok(b'X'));
    assert!(!pair.connection('b').has_urgent());
    assert_eq!(pair.b.recv_urgent(false), Err(Errno::EINVAL));
    assert_eq!(pair.read('b', 100), Ok(Received::Data(text("def"))));
    assert_eq!(pair.read('b', 100), Err(Errno::EAGAIN));
}

/// In line the octet is read where it stands; RFC 1122's pointer points at it.
#[test]
fn urgent_in_line_and_at_last() {
    let config = Config { urgent_points_at_last: true, ..Config::linux() };
    let mut pair = Pair::established(config.clone(), config);
    pair.set('b', SocketOption::OobInline(true));
    let urgent = SendFlags { urgent: true, ..SendFlags::default() };
    pair.call('a', |t, now, out| t.send(now, Payload::from_bytes(b"abX"), urgent, out)).unwrap();
    assert!(pair.log[0].contains("urg2"), "{:#?}", pair.log);
    pair.run_for(50);
    assert_eq!(pair.b.recv_urgent(false), Err(Errno::EINVAL));
    assert_eq!(pair.read('b', 100), Ok(Received::Data(Payload::from_bytes(b"ab"))), "stops at the mark");
    assert_eq!(pair.read('b', 100), Ok(Received::Data(Payload::from_bytes(b"X"))));
}

/// MUST-38: no segment smaller than half the largest window while the window is small.
#[test]
fn silly_window_avoidance_of_the_sender() {
    let mut end = Lone::established(Config::linux());
    let mut ack = end.segment(Flags::ACK, 1, 1);
    ack.wnd = 0;
    end.show(&ack);
    assert_eq!(end.write(5000), [""; 0]);
    let mut open = end.segment(Flags::ACK, 1, 1);
    open.wnd = 1; // 1024 octets: less than a segment, less than half of what was offered once
    assert_eq!(end.show(&open), [""; 0]);
    let later = end.wait_until(ms(400));
    assert_eq!(later.len(), 1, "{later:?}");
    assert!(later[0].contains(":+1024") && later[0].ends_with("SwsOverride"), "{later:?}");
}

/// MUST-38: a full segment goes when the window has room for it, though not for the FIN behind it. (Where both are one skb
/// they wait together, as a kernel does: `fin_waits_with_its_data.pkt`.)
#[test]
fn fin_does_not_hold_back_a_segment_that_fits() {
    let mut end = Lone::established(Config { window_scaling: false, truesize: false, ..Config::linux() });
    let mut ack = end.segment(Flags::ACK, 1, 1);
    ack.wnd = 0;
    end.show(&ack);
    assert_eq!(end.write(1448), [""; 0]);
    assert_eq!(end.call(|tcb, now, out| tcb.close(now, out)).1, [""; 0]);
    ack.wnd = 1448;
    assert_eq!(end.show(&ack), ["P. 1:+1448 a1 Data"]);
    let mut all = end.segment(Flags::ACK, 1, 1449);
    all.wnd = 1448;
    assert_eq!(end.show(&all), ["F. 1449 a1 FinQueued"]);
}

/// A FIN that follows a full congestion window waits for room like the data before it (Linux 6.18).
#[test]
fn a_fin_waits_for_cwnd() {
    let mut end = Lone::established(Config::linux());
    assert_eq!(end.write(14_480).len(), 10);
    assert_eq!(end.call(|t, now, out| t.shutdown_write(now, out)).1, [""; 0]);
    let ack = end.segment(Flags::ACK, 1, 1449);
    end.now = ms(20);
    assert_eq!(end.show(&ack), ["F. 14481 a1 FinQueued"]);
}

/// Where the peer's window has room for a part of a segment only, the probe is the last segment again, not nothing.
#[test]
fn a_probe_that_the_window_would_cut() {
    let mut end = Lone::established(Config { window_scaling: false, ..Config::linux() });
    end.write(1448);
    let mut ack = end.segment(Flags::ACK, 1, 1449);
    ack.wnd = 3000;
    end.now = ms(20);
    end.show(&ack);
    assert_eq!(end.write(10_000).len(), 2);
    let said = end.wait_until(ms(150));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains(" 2897:+1448 a1 TailLossProbe"), "{said:?}");
}

/// SHLD-17: a window taken back stops new data, and retransmission stays inside it; nothing is aborted.
#[test]
fn shrunk_window() {
    let mut end = Lone::established(Config { tail_loss_probe: false, ..Config::linux() });
    assert_eq!(end.write(14_480).len(), 10);
    let mut ack = end.segment(Flags::ACK, 1, 1449);
    ack.wnd = 0;
    end.now = ms(20);
    assert_eq!(end.show(&ack), [""; 0]);
    let said = end.wait_until(ms(3000));
    assert!(!said.is_empty() && said.iter().all(|l| l.contains(" 1449:+")), "{said:#?}");
    assert_eq!(end.state(), State::Established);
}

/// EPIPE after this side has closed; EAGAIN when the buffer is full, and a wake-up when it no longer is.
#[test]
fn the_send_buffer() {
    let mut pair = Pair::established(Config::rfc(), Config::rfc());
    pair.set('a', SocketOption::SndBuf(5000));
    assert_eq!(pair.write('a', 8000), 5000);
    let data = Payload::Pattern { stream: 1, offset: 0, len: 1 };
    let full = pair.call('a', |t, now, out| t.send(now, data.clone(), SendFlags::default(), out));
    assert_eq!(full, Err(Errno::EAGAIN));
    pair.run_for(1000);
    assert_eq!(pair.a.writable(), 5000);
    pair.shutdown('a');
    let closed = pair.call('a', |t, now, out| t.send(now, data.clone(), SendFlags::default(), out));
    assert_eq!(closed, Err(Errno::EPIPE));
}

/// FIN waits behind the data, and goes with the last of it.
#[test]
fn fin_rides_on_the_last_data() {
    let mut pair = Pair::linux();
    pair.write('a', 30_000);
    pair.shutdown('a');
    pair.run_for(200);
    let fins: Vec<String> = lines(&pair, 'a').into_iter().filter(|l| l.contains("F")).collect();
    assert_eq!(fins.len(), 1);
    assert!(fins[0].contains(":+"), "{fins:?}");
    assert_eq!(pair.b.readable(), (30_000, true));
}

/// Writes `len` octets and acknowledges all that comes out of it, at once, until nothing more does.
fn drain(end: &mut Lone, len: u32) {
    end.write(len);
    for _ in 0..10_000 {
        let info = end.tcb.info(end.now);
        if info.unacked == 0 && info.notsent == 0 {
            return;
        }
        end.now += Duration::from_millis(20);
        let ack = end.connection().snd.queue.nxt().since(end.connection().snd.iss);
        let segment = end.segment(Flags::ACK, 1, ack as i64);
        end.show(&segment);
        let now = end.now;
        end.wait_until(now);
    }
    panic!("never acknowledged");
}

/// 7661/4.4.2-BURST: what a program writes after a pause, into a window that it has not used for a while, is spread over
/// the round trip; in the phase in which it uses the window nothing is.
#[test]
fn an_unused_window_is_not_sent_in_a_burst() {
    for (validation, spread) in [(CwndValidation::Rfc7661, true), (CwndValidation::NoGrowth, false)] {
        let config = Config {
            cwnd_validation: validation,
            slow_start_after_idle: false,
            snd_buf: 1_000_000,
            ..Config::rfc()
        };
        let mut end = Lone::established(config);
        drain(&mut end, 300_000);
        let window = end.tcb.info(end.now).cwnd;
        assert!(window >= 25, "{window}");
        let pause = end.now + Duration::from_secs(20);
        end.wait_until(pause);
        let at_once = end.write(35_000).len();
        let later = end.wait_until(pause + Duration::from_millis(20)).len();
        if spread {
            assert!(at_once <= 4 && later > 10, "{at_once} at once, {later} later");
        } else {
            assert!(at_once > 20, "{at_once}");
        }
    }
}

/// SAFE/OPTACK: a peer that acknowledges whatever is in flight before it can have come gets no more than the bound on
/// the rate, and an ACK of what was never sent is refused and changes nothing.
#[test]
fn optimistic_acks_are_bounded() {
    let config = Config { max_pacing_rate: Some(100_000), snd_buf: 1_000_000, ..Config::linux() };
    let mut end = Lone::established(config);
    end.write(1_000_000);
    let mut sent = 0;
    for _ in 0..5000 {
        end.now += Duration::from_millis(1);
        let (now, iss) = (end.now, end.connection().snd.iss);
        let nxt = end.connection().snd.queue.nxt().since(iss) as i64;
        let una = end.connection().snd.queue.una();
        let early = end.segment(Flags::ACK, 1, nxt + 1000);
        end.show(&early);
        assert_eq!(end.connection().snd.queue.una(), una, "an ACK of what was never sent");
        let ack = end.segment(Flags::ACK, 1, nxt);
        end.show(&ack);
        end.wait_until(now);
        sent = end.connection().snd.queue.nxt().since(iss);
    }
    // Five seconds at the bound, and the ten segments that go unpaced.
    assert!((400_000..530_000).contains(&sent), "{sent}");
}

/// What there is has gone, and the window has room for more: the program is what limits, unless it waits for room in the send
/// buffer (the kernel's capture bulk_bbr_bottleneck; draft-ietf-ccwg-bbr, section 4.1.1.4).
#[test]
fn a_blocked_program_is_not_what_limits() {
    for (written, limited) in [(2896, true), (2897, false)] {
        let congestion = Congestion::Bbr;
        let mut end = Lone::established(Config { congestion, snd_buf: 2896, ..Config::rfc() });
        assert_eq!(end.write(written).len(), 2);
        let queue = &end.connection().snd.queue;
        assert_eq!((queue.flight(), queue.is_app_limited()), (2896, limited), "{written} octets written");
    }
}

/// Linux counts segments: a window of ten is full with ten small ones; what is written then waits and goes as one. The letter
/// of RFC 5681 counts octets.
#[test]
fn small_segments_fill_the_window() {
    for (cwnd_in_segments, at_once) in [(true, 10), (false, 12)] {
        let config = Config { cwnd_in_segments, ..Config::linux() };
        let mut pair = Pair::established(config, Config::linux());
        pair.set('a', SocketOption::NoDelay(true));
        for _ in 0..12 {
            pair.write('a', 10);
        }
        assert_eq!(lines(&pair, 'a').len(), at_once);
        pair.run_for(100);
        if cwnd_in_segments {
            assert_eq!(lines(&pair, 'a')[10..], ["20 a P. 101:+20 a1 Data"], "{:#?}", pair.log);
        }
    }
}

/// Linux `tcp_retrans_try_collapse`: a small segment that is sent again takes along those behind it, and the FIN; not what the
/// receiver has.
#[test]
fn small_segments_are_sent_again_as_one() {
    for (lost, again) in
        [(4, vec!["220 a FP. 1:+30 a1 RtoRetransmit"]), (2, vec!["25 a P. 1:+20 a1 RackRetransmit"])]
    {
        let config = Config { tail_loss_probe: false, ..Config::linux() };
        let mut pair = Pair::established(config, Config::linux());
        pair.set('a', SocketOption::NoDelay(true));
        let mut count = 0;
        pair.wire = Box::new(move |side, _| {
            count += u32::from(side == 'a');
            if side == 'a' && count <= lost { Fate::Drop } else { Fate::Deliver }
        });
        for _ in 0..3 {
            pair.write('a', 10);
        }
        pair.shutdown('a');
        pair.run(ms(230));
        assert_eq!(lines(&pair, 'a')[4..], again, "{:#?}", pair.log);
    }
}

/// Linux `tcp_sndbuf_expand`, in memory: ten segments of 2,304 octets (the data, the headers and the skb around them),
/// twice; three times for a model. A peer that takes longer segments than the path carries is believed.
#[test]
fn a_send_buffer_has_room_for_the_windows_that_its_controller_wants() {
    for (congestion, peer_mss, room) in [
        (Congestion::Reno, 1460, 2 * 10 * 2304),
        (Congestion::Cubic, 1460, 2 * 10 * 2304),
        (Congestion::Bbr1, 1460, 3 * 10 * 2304),
        (Congestion::Bbr, 1460, 3 * 10 * 2304),
        (Congestion::Cubic, 8960, 2 * 10 * (16384 + 256)),
    ] {
        let config = Arc::new(Config { congestion, ..Config::linux() });
        let handshake = Handshake {
            peer_mss,
            ..super::handshake(
                Time::ZERO,
                &config,
                &Config::linux(),
                super::tuple(),
                super::ISS_A,
                super::ISS_B,
            )
        };
        let connection = Connection::new(Time::ZERO, handshake);
        assert_eq!(connection.socket.snd_buf, room, "{congestion:?}, {peer_mss}");
    }
}

/// A program is woken to write when it was refused, and not when all that it wrote has fitted.
#[test]
fn who_is_woken_to_write() {
    for (len, woken) in [(4000, false), (4001, true)] {
        let config = Config { snd_buf: 4000, snd_buf_max: 4000, ..Config::rfc() };
        let mut end = Lone::established(config);
        end.write(len);
        let una = end.connection().snd.queue.nxt().since(end.connection().snd.iss);
        let ack = end.segment(Flags::ACK, 1, una as i64);
        end.show(&ack);
        assert_eq!(end.out.wake.writable, woken, "{len}");
    }
}
