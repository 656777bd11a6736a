//! What is just enough, and what just is not: both sides of the borders at which a connection decides.

use super::*;
use crate::config::DelayedAck;
use crate::{Note, Rule};

fn us(n: u64) -> Duration {
    Duration::from_micros(n)
}
/// An open connection with this view of the round-trip time, of the sender and of the receiver.
fn with_rtts(config: Config, own: Option<Duration>, rcv: Duration) -> Lone {
    let config = Arc::new(config);
    let h = Handshake { rtt: own, ..handshake(Time::ZERO, &config, &config, tuple(), ISS_A, ISS_B) };
    let mut connection = Connection::new(Time::ZERO, h);
    connection.measure_receive_rtt(rcv);
    Lone { now: ms(1), tcb: Tcb::Open(Box::new(connection)), out: Out::default() }
}

/// Linux `__tcp_ack_snd_check`: three duplicate ACKs go at once, the SACKs behind them wait for one another: a twentieth of the
/// shorter round-trip time that is known, a millisecond at most, and the slack; until then, or until 44 have waited.
#[test]
fn sacks_wait_for_one_another() {
    let ms20 = Duration::from_millis(20);
    for (own, rcv, wait) in [
        (Some(ms20), us(10_000), us(600)),
        (Some(ms20), us(40_000), us(1100)),
        (Some(us(8000)), us(40_000), us(500)),
        (None, us(10_000), us(600)),
    ] {
        let mut end = with_rtts(Config::linux(), own, rcv);
        let mut beyond = 0;
        let mut more = |end: &mut Lone| {
            beyond += 2;
            end.show(&end.data(1 + 100 * beyond, 100, 1)).len()
        };
        assert_eq!([more(&mut end), more(&mut end), more(&mut end)], [1; 3], "at once");
        let due = end.now + wait;
        assert_eq!((more(&mut end), end.tcb.deadline()), (0, due), "{own:?} {rcv:?}");
        end.now += us(200);
        assert_eq!((more(&mut end), end.tcb.deadline()), (0, due), "the first sets the time");
        assert_eq!(end.wait_until(due).len(), 1);
        // They are as many as may wait: what is behind them goes, and tells of all.
        for n in 0..44 {
            assert_eq!(more(&mut end), 0, "{n}");
        }
        assert_eq!(more(&mut end), 1);
    }
    let at_once = DelayedAck { compress: Duration::ZERO, ..Config::linux().delayed_ack };
    let mut end = with_rtts(Config { delayed_ack: at_once, ..Config::linux() }, Some(ms20), us(10_000));
    for n in 1..100 {
        assert_eq!(end.show(&end.data(1 + 200 * n, 100, 1)).len(), 1, "5681/3.2-OOOACK: none waits");
    }
}

/// Urgent data never waits for more to fill a segment (RFC 9293, section 3.8.5: the peer is to know of it at once).
#[test]
fn urgent_data_does_not_wait() {
    for (flags, sent) in [(SendFlags::default(), 0), (SendFlags { urgent: true, ..Default::default() }, 1)] {
        let mut end = Lone::established(Config::linux());
        assert_eq!(end.write(10).len(), 1);
        let data = Payload::Pattern { stream: 1, offset: 10, len: 10 };
        let (_, said) = end.call(|t, now, out| t.send(now, data, flags, out));
        assert_eq!(said.len(), sent, "{said:?}");
    }
}

/// Minshall's variant of Nagle's algorithm: a small segment waits while another is outstanding, and not once that is acknowledged,
/// be it to its last octet and no further.
#[test]
fn a_small_segment_waits_for_a_small_one() {
    for (acknowledged, sent) in [(99, 0), (100, 1)] {
        let mut end = Lone::established(Config::linux());
        assert_eq!(end.write(100).len(), 1);
        assert_eq!(end.write(1448).len(), 1);
        end.show(&end.segment(Flags::ACK, 1, 1 + acknowledged));
        assert_eq!(end.write(50).len(), sent, "{acknowledged} octets acknowledged");
    }
}

/// `tcpi_data_segs_out`, `tcpi_bytes_sent`, `tcpi_bytes_retrans` (RFC 4898): segments with data, and their octets, as often as they
/// go; not those without.
#[test]
fn what_is_sent_is_counted() {
    let mut end = Lone::established(Config { tail_loss_probe: false, ..Config::linux() });
    let count = |end: &Lone| {
        let tally = end.connection().tally(end.now);
        (tally.data_segs_out, tally.bytes_sent, tally.bytes_retransmitted)
    };
    end.write(3000);
    assert_eq!(count(&end), (3, 3000, 0));
    let data = end.data(1, 2000, 1);
    assert_eq!(end.show(&data).len(), 1, "an ACK");
    assert_eq!(count(&end), (3, 3000, 0));
    end.wait_until(ms(300));
    assert_eq!(count(&end), (4, 4448, 1448));
}

/// Linux `TCP_RESOURCE_PROBE_INTERVAL`: what the interface refuses at a timeout is tried again half a second later, and the
/// timeout is not doubled for it.
#[test]
fn a_refused_retransmission_is_tried_again() {
    let mut end = Lone::established(Config { tail_loss_probe: false, hz: None, ..Config::linux() });
    end.write(100);
    end.tcb.set_interface_full(true);
    let first = end.tcb.deadline();
    let rto = end.connection().snd.queue.rto(&end.connection().config);
    assert!(end.wait_until(first).is_empty());
    let refused = |end: &Lone| (end.tcb.deadline(), end.connection().snd.queue.rto(&end.connection().config));
    assert_eq!(refused(&end), (first + Duration::from_millis(500), rto));
    let second = end.tcb.deadline();
    assert!(end.wait_until(second).is_empty());
    assert_eq!(refused(&end), (second + Duration::from_millis(500), rto));
    end.tcb.set_interface_full(false);
    assert_eq!(end.wait_until(second + Duration::from_millis(500)).len(), 1);
    assert_eq!(refused(&end).1, rto * 2, "what has gone out doubles it");
}

/// Linux `tcp_sndbuf_expand`: room for two windows, of ten segments at least, and of as many as may be reordered and one; each
/// takes the power of two that holds it with its headers, and what an skb takes: 87,040 for the first ten of 1460 octets.
#[test]
fn room_in_the_send_buffer() {
    let room = |config: Config, mss: u16, rounds: i64| {
        let config = Arc::new(config);
        let h = handshake(Time::ZERO, &config, &config, tuple(), ISS_A, ISS_B);
        let h = Handshake { snd_mss: mss, peer_mss: mss, timestamps: None, ..h };
        let mut connection = Connection::new(Time::ZERO, h);
        connection.socket.snd_buf = 1;
        let mut end = Lone { now: ms(1), tcb: Tcb::Open(Box::new(connection)), out: Out::default() };
        for n in 0..rounds {
            end.write(10 * u32::from(mss));
            end.show(&end.segment(Flags::ACK, 1, 1 + 10 * i64::from(mss) * (n + 1)));
        }
        if rounds < 0 {
            end.write(100);
            end.wait_until(ms(1000));
        }
        let Tcb::Open(connection) = &mut end.tcb else { panic!("not open") };
        connection.grow_send_buffer();
        (connection.snd.queue.cwnd() / u64::from(mss), connection.socket.snd_buf)
    };
    let linux = || Config { max_tcp_header: 320, snd_buf: 1, ..Config::linux() };
    assert_eq!(room(linux(), 1460, 0), (10, 87_040));
    assert_eq!(room(linux(), 1460, -1), (1, 87_040), "after a timeout");
    // A 6.18 kernel with a route's `initcwnd` of 2, of 10 and of 20.
    let first = |segments| room(Config { initial_window: segments, ..linux() }, 1000, 0);
    assert_eq!([2, 10, 20].map(first), [(2, 46_080), (10, 46_080), (20, 92_160)]);
    assert_eq!(room(linux(), 1408, 0), (10, 2 * 10 * (2048 + 256)), "2048 with its headers");
    assert_eq!(room(linux(), 1409, 0), (10, 2 * 10 * (4096 + 256)), "2049");
    assert_eq!(room(Config { dupthresh: 20, ..linux() }, 1460, 0).1, 2 * 21 * 4352);
    let (cwnd, buffer) = room(linux(), 1460, 3);
    assert!(cwnd > 10, "{cwnd}");
    assert_eq!(u64::from(buffer), 2 * cwnd * 4352);
    assert_eq!(room(Config { snd_buf_max: 50_000, ..linux() }, 1460, 0).1, 50_000);
}

/// PAWS spares an ACK that others have overtaken (Linux `tcp_disordered_ack_check`): in sequence, of nothing new, with no new
/// window, and late by an RTO and a fifth of it at most. All else is dropped as old.
#[test]
fn an_overtaken_ack_is_spared() {
    let late = |behind: u32, change: fn(&mut Segment)| {
        let mut end = Lone::established(Config { paws_spares_acks: true, ..Config::linux() });
        end.now = ms(5000);
        end.write(100);
        // The newest timestamp, with data and the window of now.
        end.show(&end.data(1, 10, 1));
        let mut ack = end.segment(Flags::ACK, 11, 1);
        end.show(&ack);
        let val = ISS_B.wrapping_add(5000 - behind);
        ack.options.timestamps = Some(Timestamps { val, ecr: 0 });
        change(&mut ack);
        end.show(&ack);
        end.out.notes.contains(&Note::Dropped(Rule::Paws))
    };
    let rto = {
        let end = Lone::established(Config::linux());
        end.connection().snd.queue.rto(&end.connection().config).as_millis() as u32
    };
    assert_eq!(rto, 220);
    assert!(!late(10, |_| {}) && !late(264, |_| {}));
    assert!(late(265, |_| {}), "too late");
    assert!(late(10, |ack| ack.wnd += 1), "a new window");
    assert!(late(10, |ack| ack.ack = ack.ack.add(50)), "it acknowledges something");
    assert!(late(10, |ack| ack.seq = ack.seq.add(5)), "not in sequence");
}

/// What `tcpi_busy_time`, `tcpi_rwnd_limited` and `tcpi_sndbuf_limited` count (RFC 4898; Linux `tcp_cwnd_validate`): the send
/// buffer limits from the moment at which the last that it held went out and the program waits for room, until it has room; not
/// where the program came too late to be told so by what was sent.
#[test]
fn what_a_sender_was_limited_by() {
    let times = |end: &Lone| {
        let tally = end.connection().tally(end.now);
        [tally.busy, tally.window_limited, tally.buffer_limited].map(|time| time.as_millis())
    };
    let small = || {
        let mut end = Lone::established(Config::linux());
        for option in [SocketOption::SndBuf(4000), SocketOption::NoDelay(true)] {
            end.call(|t, now, out| t.set_option(now, option, out)).0.unwrap();
        }
        end
    };
    let data = |len| Payload::Pattern { stream: 1, offset: 0, len };
    // The program has more than fits, and waits; cwnd lets it all go with the second ACK.
    let mut end = small();
    let (taken, said) = end.call(|t, now, out| t.send(now, data(100_000), SendFlags::default(), out));
    let taken = i64::from(taken.unwrap());
    assert!((43_440..57_920).contains(&taken) && said.len() == 10, "{taken} {said:?}");
    for (n, sent) in [(1, 20), (2, (taken as u64 - 43_440).div_ceil(1448) as usize)] {
        end.now = ms(1 + 20 * n);
        assert_eq!(times(&end)[2], 0);
        assert_eq!(end.show(&end.segment(Flags::ACK, 1, 1 + 14_480 * n as i64)).len(), sent);
    }
    end.now = ms(141);
    assert_eq!(times(&end), [140, 0, 100]);
    end.show(&end.segment(Flags::ACK, 1, 1 + taken));
    end.now = ms(201);
    assert_eq!(times(&end), [140, 0, 100]);
    // What it wrote had room; it learns only afterwards that there is no more.
    let mut end = small();
    let mut written = 0;
    while end.call(|t, now, out| t.send(now, data(1000), SendFlags::default(), out)).0.is_ok() {
        written += 1000;
    }
    assert!((4000..14_000).contains(&written));
    end.now = ms(101);
    end.show(&end.segment(Flags::ACK, 1, 1001));
    assert!(end.connection().snd.starved, "not room enough to be told");
    end.now = ms(201);
    assert_eq!(times(&end), [200, 0, 0]);
    // The peer's window.
    let mut end = Lone::established(Config::linux());
    end.write(1000);
    let mut shut = end.segment(Flags::ACK, 1, 1001);
    shut.wnd = 0;
    end.show(&shut);
    end.write(1000);
    end.now = ms(101);
    assert_eq!(times(&end), [100, 100, 0]);
    end.show(&end.segment(Flags::ACK, 1, 1001));
    end.now = ms(201);
    assert_eq!(times(&end), [200, 100, 0]);
}

/// SHLD-14: what was offered stays offered, though the header's unit is coarser than what has arrived: the edge that an ACK names
/// never lies below that of the one before. But no peer creeps past the buffer in tiny steps: by less than a unit it may.
#[test]
fn rounding_moves_no_edge_back() {
    let config = || Config { rcv_buf: 8192, rcv_buf_max: 8192 << 10, ..Config::rfc() };
    let unit = 1 << offer::window_shift(config().rcv_buf_max);
    // Shows a segment of so many octets; the edge before, and that which an ACK names, if one comes at once.
    let show = |end: &mut Lone, len| {
        let rcv = &end.connection().rcv;
        let (before, at) = (rcv.edge, rcv.nxt().since(rcv.irs) as i64);
        end.tcb.on_segment(end.now, &end.data(at, len, 1), EcnCodepoint::NotEct, &mut end.out);
        let wnd = end.out.segments.pop().map(|ack| u64::from(ack.segment.wnd) * unit);
        (before, wnd.map(|wnd| end.connection().rcv.nxt() + wnd))
    };
    let (start, mut rounded) = (Lone::established(config()).connection().rcv.nxt(), 0);
    let (mut back, mut cases) = (0, 0);
    for first in [0, 1000, 1010, 1020, 2000] {
        for len in (4100 - first..7000 - first).step_by(37) {
            let mut end = Lone::established(config());
            if first > 0 {
                show(&mut end, first);
            }
            let (before, named) = show(&mut end, len);
            let named = named.unwrap_or_else(|| panic!("no ACK of {first} and {len} octets"));
            assert!(named.since(start) <= 8192 + unit, "{first} and {len} octets: beyond the buffer");
            let nxt = end.connection().rcv.nxt();
            let up = before.since(nxt).next_multiple_of(unit);
            let fits = nxt.since(start) + up <= 8192 + unit;
            assert!(named >= before || !fits, "{first} and {len} octets: from {before:?} back to {named:?}");
            (rounded, back, cases) =
                (rounded + u32::from(named > before), back + u32::from(named < before), cases + 1);
        }
    }
    assert!(rounded > 100 && back > 0, "{rounded} up, {back} down, of {cases}");
    let mut end = Lone::established(config());
    loop {
        let (before, named) = show(&mut end, 1);
        let Some(named) = named else { continue };
        assert!(named.since(start) <= 8192 + unit, "beyond the buffer");
        if named < before {
            break; // there is no room to round up any more
        }
    }
    assert!(end.connection().rcv.edge.since(start) > 8192);
}

/// Linux `tcp_sendmsg_locked`, `forced_push`: on the way of a long write a full skb goes out as far as it may, what is written next
/// fills it up again, and it is pushed once more than half of the largest window was written since the last push; the last always is.
/// Here 22 segments are an skb, two go, with two more it is pushed, eight more go, with eight more it is full.
#[test]
fn long_writes_are_pushed_on_the_way() {
    for (max_wnd, len, pushed) in [
        (64_240, 70_000, vec![32 * 1448, 70_000]),
        (44 * 1448, 70_000, vec![32 * 1448, 70_000]),
        (44 * 1448 - 2, 70_000, vec![31 * 1448, 70_000]), // 21 segments are an skb
        (64_240, 31_856, vec![31_856]),
    ] {
        let config = Arc::new(Config { snd_buf: 400_000, ..Config::linux() });
        let h = Handshake {
            snd_wnd: max_wnd,
            wscale: None,
            ..handshake(Time::ZERO, &config, &config, tuple(), ISS_A, ISS_B)
        };
        let tcb = Tcb::Open(Box::new(Connection::new(Time::ZERO, h)));
        let mut end = Lone { now: ms(1), tcb, out: Out::default() };
        end.write(len);
        let c = end.connection();
        let marks =
            (1..=len).filter(|n| c.skbs().is_some_and(|skbs| skbs.is_pushed(c.snd.iss + 1 + u64::from(*n))));
        assert_eq!(marks.collect::<Vec<_>>(), pushed, "{max_wnd}");
    }
}

/// Linux `tcp_retrans_try_collapse`: small segments go again as one, but nothing joins what ends a record (`MSG_EOR`); what goes as one
/// is one skb from then on.
#[test]
fn nothing_joins_the_end_of_a_record() {
    for (record, again, skbs) in [(None, "1:+30", 1), (Some(0), "1:+10", 3), (Some(1), "1:+20", 2)] {
        let mut end = Lone::established(Config { tail_loss_probe: false, ..Config::linux() });
        end.call(|t, now, out| t.set_option(now, SocketOption::NoDelay(true), out)).0.unwrap();
        for n in 0..3 {
            let flags = SendFlags { eor: record == Some(n), ..SendFlags::default() };
            let data = Payload::Pattern { stream: 1, offset: 10 * n, len: 10 };
            assert_eq!(end.call(|t, now, out| t.send(now, data, flags, out)).1.len(), 1);
        }
        let deadline = end.tcb.deadline();
        let said = end.wait_until(deadline);
        assert!(said.len() == 1 && said[0].contains(&format!(" {again} ")), "{record:?}: {said:?}");
        assert_eq!(end.connection().skbs().map(|skbs| skbs.count()), Some(skbs), "{record:?}");
    }
}

/// 3168/6.1.2-CWR: of several segments of new data that go at once the first says CWR, and no other.
#[test]
fn one_segment_says_that_the_window_was_reduced() {
    let mut end = Lone::established(Config { prr: false, ..Config::linux().counting_data() });
    match &mut end.tcb {
        Tcb::Open(connection) => connection.ecn.on = true,
        _ => panic!("not open"),
    }
    assert_eq!(end.write(20 * 1448).len(), 10);
    end.now = ms(21);
    let ack = Segment { wnd: 1000, ..end.segment(Flags::ACK | Flags::ECE, 1, 1 + 9 * 1448) };
    end.tcb.on_segment(end.now, &ack, EcnCodepoint::NotEct, &mut end.out);
    let cwr: Vec<bool> = end.out.segments.iter().map(|o| o.segment.has(Flags::CWR)).collect();
    assert_eq!(cwr, [true, false, false, false, false, false], "six beside the one that is outstanding");
}

/// Linux `tcp_rcv_rtt_measure_ts`: each echo tells once how long a round trip takes, in whole milliseconds, with a full segment and
/// not with a short one; and while something waits to be read only if that is shorter. A 6.18 kernel behind a queue of 20 segments
/// (`bulk_reno_bottleneck`) came to 27 ms so, where samples of every segment come to more.
#[test]
fn each_echo_is_a_sample() {
    let mut end = Lone::established(Config::linux());
    let mut next = 1;
    // At so many microseconds a segment arrives that echoes what was sent at so many milliseconds.
    let mut heard = |end: &mut Lone, at: u64, sent: u64, len: u32, reads: bool| {
        end.now = Time::ZERO + us(at);
        let mut segment = end.data(next, len, 1);
        let offset = end.connection().ts.unwrap().offset;
        let ecr = crate::connection::clock::ticks(ms(sent), offset);
        segment.options.timestamps = Some(Timestamps { ecr, ..segment.options.timestamps.unwrap() });
        end.show(&segment);
        next += i64::from(len);
        if reads {
            end.call(|t, now, out| t.recv(now, u32::MAX, out)).0.unwrap();
        }
        end.connection().rcv.rtt().as_micros()
    };
    let full = 1448;
    assert_eq!(heard(&mut end, 100_900, 100, full, true), 0, "not one millisecond");
    assert_eq!(heard(&mut end, 116_900, 101, full, true), 15_000);
    assert_eq!(heard(&mut end, 131_900, 101, full, true), 15_000, "known");
    assert_eq!(heard(&mut end, 133_000, 110, full, true), 16_000, "an eighth of 23");
    assert_eq!(heard(&mut end, 134_000, 111, 100, true), 16_000, "a short one");
    assert_eq!(heard(&mut end, 135_000, 111, full, true), 16_000, "whose echo is known all the same");
    assert_eq!(heard(&mut end, 136_000, 112, full, false), 17_000);
    assert_eq!(heard(&mut end, 137_000, 112, full, false), 17_000);
    assert_eq!(heard(&mut end, 145_000, 113, full, false), 17_000, "the program is late");
    assert_eq!(heard(&mut end, 146_000, 136, full, false), 10_000, "shorter all the same");
}

/// Linux `tcp_rcv_rtt_measure`: without timestamps the time in which the peer fills a window stands for a round trip, the shortest
/// such; so the buffer of a program that keeps up grows. A 6.18 kernel's grew to 1.6 MB on a path of 20 Mbit/s.
#[test]
fn a_window_that_is_filled_is_a_round_trip() {
    let config = Config { timestamps: false, ..Config::linux() };
    let config = Arc::new(config);
    let h = handshake(Time::ZERO, &config, &config, tuple(), ISS_A, ISS_B);
    let connection = Connection::new(Time::ZERO, Handshake { timestamps: None, ..h });
    let mut end = Lone { now: ms(1), tcb: Tcb::Open(Box::new(connection)), out: Out::default() };
    let before = end.connection().socket.rcv_buf;
    let mut next = 1;
    let mut fill = |end: &mut Lone, until: u64| {
        let wnd = end.connection().rcv.offered();
        let (began, mut filled) = (end.now, 0);
        while filled < wnd {
            filled += 1460;
            end.now = began + ms(until).since(began) * filled / wnd.next_multiple_of(1460);
            let segment = end.data(next, 1460, 1);
            end.show(&segment);
            end.call(|t, now, out| t.recv(now, u32::MAX, out)).0.unwrap();
            next += 1460;
        }
        end.connection().rcv.rtt().as_millis()
    };
    assert_eq!(fill(&mut end, 101), 0, "it began with the first segment");
    let first = fill(&mut end, 201);
    assert!((95..=105).contains(&first), "{first}");
    assert_eq!(fill(&mut end, 501), first, "longer ones do not count");
    for n in 1..=6 {
        fill(&mut end, 501 + 50 * n);
    }
    let last = end.connection().rcv.rtt().as_millis();
    assert!((20..=60).contains(&last), "{last}");
    assert!(end.connection().socket.rcv_buf > before, "{before}");
}
