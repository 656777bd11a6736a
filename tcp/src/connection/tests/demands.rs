//! Demands of RFC 9293 that need a test of their own: each fails when the behaviour is taken away.

use super::*;
use crate::Rule;
use crate::config::{Congestion, LossDetection, Nagle, RetryLimit};
use crate::error::Errno;
use crate::tcb::IcmpError;

fn linux() -> Lone {
    Lone::established(Config::linux())
}
/// The state that a segment with these flags and this number leads to, and whether the end said something.
fn shown(mut end: Lone, change: impl FnOnce(&mut Segment)) -> (Lone, Vec<String>) {
    let mut segment = end.data(1, 10, 1);
    change(&mut segment);
    let said = end.show(&segment);
    (end, said)
}

/// 9293/MUST-1, REC-1: a window of 0x8000 or 0xffff is large, not negative; one of a gibibyte is not cut.
#[test]
fn windows_are_unsigned_and_wide() {
    for wnd in [0x8000, 0xffff_u16] {
        let fixed = Congestion::Fixed(10_000);
        let mut end =
            Lone::established(Config { window_scaling: false, congestion: fixed, ..Config::linux() });
        let mut ack = end.segment(Flags::ACK, 1, 1);
        ack.wnd = wnd;
        end.show(&ack);
        end.write(87_040);
        let flight = end.tcb.info(end.now).snd_nxt - 1;
        assert!(flight <= u64::from(wnd) && flight + 1448 > u64::from(wnd), "{flight} of {wnd}");
    }
    let mut end = Lone::established(Config { rcv_buf_max: u32::MAX, ..Config::linux() });
    let mut ack = end.segment(Flags::ACK, 1, 1);
    ack.wnd = 0xffff;
    end.show(&ack);
    let info = end.tcb.info(end.now);
    assert_eq!((info.wscale.map(|(_, snd)| snd), info.snd_wnd), (Some(14), 0xffff << 14));
}

/// 9293/MUST-5, MUST-6, MUST-65: options of any kind on any segment, unknown ones too, change nothing; an MSS option
/// without SYN least of all.
#[test]
fn options_on_any_segment() {
    for flags in
        [Flags::ACK, Flags::ACK | Flags::PSH, Flags::ACK | Flags::FIN, Flags::ACK | Flags::URG, Flags::RST]
    {
        let plain = shown(linux(), |segment| segment.flags = flags);
        let adorned = shown(linux(), |segment| {
            segment.flags = flags;
            segment.options.mss = Some(100);
            segment.options.wscale = Some(3);
            segment.options.sack_permitted = true;
            segment.options.other = Some([200, 5, 1, 2, 3].into());
        });
        assert_eq!(plain.1, adorned.1, "{flags}");
        assert_eq!((plain.0.state(), plain.0.tcb.readable()), (adorned.0.state(), adorned.0.tcb.readable()));
        assert_eq!(plain.0.tcb.info(ms(1)), adorned.0.tcb.info(ms(1)));
    }
}

/// 9293/HDR-URGPTR: without URG the urgent pointer means nothing.
#[test]
fn urgent_pointer_without_urg() {
    let (end, _) = shown(linux(), |segment| segment.urg = 7);
    assert!(end.connection().urgent.is_none() && !end.out.wake.urgent);
}

/// 9293/MUST-32, EV-URG-STATES: one notice for each advance of the pointer, none for a repetition, a retreat, or what
/// comes behind FIN.
#[test]
fn urgent_notices() {
    let mut end = linux();
    let mut point = |seq: i64, flags: Flags, urg: u16| {
        let mut segment = end.data(seq, 10, 1);
        segment.flags = flags | Flags::URG;
        segment.urg = urg;
        end.out.wake.urgent = false;
        end.show(&segment);
        end.out.wake.urgent
    };
    assert!(point(1, Flags::ACK, 100), "announced");
    assert!(!point(11, Flags::ACK, 90), "the same octet");
    assert!(!point(21, Flags::ACK, 40), "an earlier one");
    assert!(point(31, Flags::ACK, 200), "a later one");
    assert!(!point(41, Flags::ACK | Flags::FIN, 190), "the same, with FIN");
    assert_eq!(end.state(), State::CloseWait);
    let mut late = end.data(52, 10, 1);
    late.flags |= Flags::URG;
    late.urg = 1000;
    end.out.wake.urgent = false;
    end.show(&late);
    assert!(!end.out.wake.urgent, "behind FIN");
}

/// 9293/MUST-31, MUST-33: urgent data of any length; the program learns how much of it lies ahead, and when it is over.
#[test]
fn urgent_run_of_any_length() {
    for len in [1, 2, 70_000_u32] {
        let mut pair = Pair::established(Config::rfc(), Config::rfc());
        pair.set('b', SocketOption::OobInline(true));
        let data = Payload::Pattern { stream: 1, offset: 0, len };
        let urgent = SendFlags { urgent: true, ..SendFlags::default() };
        pair.set('a', SocketOption::SndBuf(200_000));
        let sent = pair.call('a', |t, now, out| t.send(now, data, urgent, out));
        assert_eq!(sent, Ok(len));
        let mut read = 0;
        while read < u64::from(len) {
            pair.run_for(10);
            if let Some(ahead) = pair.b.urgent_ahead() {
                // The pointer of an early segment reaches 65,535 octets at most; later ones reach the end.
                let left = u64::from(len) - read;
                assert!(ahead == left || read < 10_000 && ahead < left, "{ahead} of {left}");
            }
            if let Ok(Received::Data(data)) = pair.read('b', 30_000) {
                read += u64::from(data.len());
            }
            assert!(pair.now < ms(100_000), "{read} of {len}");
        }
        assert_eq!(pair.b.urgent_ahead(), None, "read to the end of it");
    }
}

/// 9293/MUST-24, MUST-26, MUST-27: switched on and off at any time; nothing while something is heard or outstanding.
#[test]
fn keepalive_on_off_and_not_needed() {
    let mut end = linux();
    let set = |end: &mut Lone, option| end.call(|t, now, out| t.set_option(now, option, out)).0.unwrap();
    set(&mut end, SocketOption::KeepIdle(Duration::from_secs(10)));
    set(&mut end, SocketOption::KeepAlive(true));
    let asked = end.now;
    assert_eq!(end.wait_until(asked + Duration::from_secs(10)).len(), 1, "a probe");
    let ack = end.segment(Flags::ACK, 1, 1);
    end.show(&ack);
    set(&mut end, SocketOption::KeepAlive(false));
    assert_eq!(end.wait_until(ms(500_000)), [""; 0], "off");
    set(&mut end, SocketOption::KeepAlive(true));
    set(&mut end, SocketOption::KeepAlive(true));
    let asked = end.now;
    assert_eq!(
        end.wait_until(asked + Duration::from_millis(9999)),
        [""; 0],
        "idle for long, but nobody cared"
    );
    let mut probes = end.wait_until(asked + Duration::from_secs(10));
    assert_eq!(probes.len(), 1, "{probes:?}");
    for _ in 1..20 {
        let ack = end.segment(Flags::ACK, 1, 1);
        end.show(&ack);
        probes = end.wait_until(end.now + Duration::from_millis(9999));
        assert_eq!(probes, [""; 0], "heard of in time");
    }
    end.write(5);
    let lines = end.wait_until(end.now + Duration::from_secs(60));
    assert!(lines.iter().all(|line| !line.contains("KeepaliveProbe")), "data is outstanding: {lines:?}");
}

/// 9293/MUST-29: all but the last probe lost: the connection lives, and the count begins anew.
#[test]
fn one_answered_probe_is_enough() {
    let mut end = linux();
    for option in [SocketOption::KeepIdle(Duration::from_secs(1)), SocketOption::KeepAlive(true)] {
        end.call(|t, now, out| t.set_option(now, option, out)).0.unwrap();
    }
    for _ in 0..3 {
        let mut probes = 0;
        while probes < 9 {
            probes += end.wait_until(end.tcb.deadline()).len();
        }
        let ack = end.segment(Flags::ACK, 1, 1);
        end.show(&ack);
        assert_eq!(end.state(), State::Established);
    }
}

/// 9293/SHLD-2: a RST may carry data, which is not delivered.
#[test]
fn reset_with_data() {
    let (end, said) = shown(linux(), |segment| segment.flags = Flags::RST);
    assert_eq!((end.state(), said.len(), end.tcb.readable().0), (State::Closed, 0, 0));
}

/// 9293/EV-EST-ACKOLD: an ACK below SND.UNA is a duplicate; the data that comes with it is taken.
#[test]
fn old_ack_with_new_data() {
    let mut end = linux();
    end.write(100);
    let ack = end.segment(Flags::ACK, 1, 101);
    end.show(&ack);
    let data = end.data(1, 10, 51);
    end.show(&data);
    assert_eq!((end.tcb.readable().0, end.tcb.info(end.now).snd_una), (10, 101));
}

/// 9293/EV-WND-UPDATE: of two window updates that changed places the older does nothing. Where the numbers are the same, the
/// letter takes what it is told, Linux no smaller window but a closed one, FreeBSD only a larger one.
#[test]
fn stale_window_update() {
    for (config, shrunk, closed) in
        [(Config::rfc(), 400, 0), (Config::linux(), 7000, 0), (Config::freebsd(), 7000, 7000)]
    {
        let mut end = Lone::established(Config { window_scaling: false, ..config });
        let update = |end: &mut Lone, seq: i64, len: u32, ack: i64, wnd: u16| {
            let mut segment =
                if len > 0 { end.data(seq, len, ack) } else { end.segment(Flags::ACK, seq, ack) };
            segment.wnd = wnd;
            end.show(&segment);
            end.tcb.info(end.now).snd_wnd
        };
        end.write(200);
        assert_eq!(update(&mut end, 1, 10, 101, 5000), 5000);
        assert_eq!(update(&mut end, 11, 0, 101, 6000), 6000, "a later SEG.SEQ");
        assert_eq!(update(&mut end, 1, 10, 101, 100), 6000, "an earlier one: old");
        assert_eq!(update(&mut end, 11, 0, 151, 7000), 7000, "the same, a later SEG.ACK");
        assert_eq!(update(&mut end, 11, 0, 101, 50), 7000, "an earlier one: old");
        assert_eq!(update(&mut end, 11, 0, 151, 400), shrunk, "the same: shrunk");
        assert_eq!(update(&mut end, 11, 0, 151, 0), closed, "the same: closed");
        assert_eq!(update(&mut end, 11, 0, 151, 8000), 8000, "the same: larger");
        let beside = if shrunk == 400 { 300 } else { 8000 };
        assert_eq!(update(&mut end, 11, 10, 151, 300), beside, "the same, though there is data");
        assert_eq!(update(&mut end, 21, 10, 151, 300), 300, "behind it");
    }
}

/// 9293/SHLD-15, SHLD-16, MUST-34: with the window shrunk to 1 KiB nothing new goes, and what lies inside it goes again.
#[test]
fn window_shrunk_to_a_part() {
    let config = Config { tail_loss_probe: false, loss_detection: LossDetection::NewReno, ..Config::linux() };
    let mut end = Lone::established(Config { window_scaling: false, ..config });
    end.write(20_000);
    let sent = end.tcb.info(end.now).snd_nxt;
    let mut ack = end.segment(Flags::ACK, 1, 1);
    ack.wnd = 1024;
    end.now = ms(20);
    end.show(&ack);
    let again = end.wait_until(ms(2000));
    assert!(!again.is_empty() && again.iter().all(|line| line.contains(" 1:+1024 ")), "{again:?}");
    assert_eq!(end.tcb.info(end.now).snd_nxt, sent);
    let mut open = end.segment(Flags::ACK, 1, 1025);
    open.wnd = 60_000;
    end.show(&open);
    assert!(end.tcb.info(end.now).snd_nxt > sent);
}

/// 9293/SHLD-27, SHLD-28: ten pushed writes that had to wait leave as one segment, pushed once.
#[test]
fn pushes_collapse() {
    let mut end = linux();
    let mut shut = end.segment(Flags::ACK, 1, 1);
    shut.wnd = 0;
    end.show(&shut);
    for _ in 0..10 {
        assert_eq!(end.write(100), [""; 0]);
    }
    let open = end.segment(Flags::ACK, 1, 1);
    assert_eq!(end.show(&open), ["P. 1:+1000 a1 Data"]);
}

/// 9293/EV-SYNSENT-DATA: text and FIN behind the SYN-ACK are taken once the connection is open.
#[test]
fn text_and_fin_behind_the_syn_ack() {
    for fin in [Flags::NONE, Flags::FIN] {
        let mut end = Lone::syn_sent(Config::rfc());
        let mut segment = end.data(0, 50, 1);
        segment.flags = Flags::SYN | Flags::ACK | fin;
        segment.options.timestamps = Some(Timestamps { val: 7, ecr: 0 });
        end.out.segments.clear();
        end.show(&segment);
        let closed = fin == Flags::FIN;
        assert_eq!(end.tcb.readable(), (50, closed));
        assert_eq!(end.state(), if closed { State::CloseWait } else { State::Established });
        assert_eq!(end.tcb.info(end.now).rcv_nxt, 51 + u64::from(closed));
    }
}

/// 9293/EV-SEND-CLOSING: SEND after CLOSE fails in every state; in CLOSE-WAIT, where only the peer has closed, it works.
#[test]
fn send_after_close() {
    let data = || Payload::Pattern { stream: 1, offset: 0, len: 10 };
    let send = |end: &mut Lone| end.call(|t, now, out| t.send(now, data(), SendFlags::default(), out));
    let fin = |end: &Lone, ack| end.segment(Flags::FIN | Flags::ACK, 1, ack);
    let mut end = linux();
    let peer = fin(&end, 1);
    end.show(&peer);
    assert_eq!((end.state(), send(&mut end).0), (State::CloseWait, Ok(10)));
    for state in [State::FinWait1, State::FinWait2, State::Closing, State::LastAck] {
        let mut end = linux();
        if state == State::LastAck {
            let peer = fin(&end, 1);
            end.show(&peer);
        }
        end.call(|t, now, out| t.shutdown_write(now, out)).0.unwrap();
        let then = match state {
            State::FinWait2 => Some(end.segment(Flags::ACK, 1, 2)),
            State::Closing => Some(fin(&end, 1)),
            _ => None,
        };
        if let Some(segment) = then {
            end.show(&segment);
        }
        assert_eq!((end.state(), send(&mut end)), (state, (Err(Errno::EPIPE), vec![])));
    }
}

/// 9293/EV-ONE-FIN: however often a program closes, there is one FIN; later ones are its repetitions.
#[test]
fn one_fin() {
    let mut end = linux();
    let mut fins = Vec::new();
    for _ in 0..3 {
        fins.extend(end.call(|t, now, out| t.shutdown_write(now, out)).1);
    }
    fins.extend(end.call(|t, now, out| t.close(now, out)).1);
    assert_eq!(fins, ["F. 1 a1 FinQueued"]);
    let again = end.wait_until(ms(5000));
    assert!(!again.is_empty() && again.iter().all(|line| line.contains(" F. 1 a1 ")), "{again:?}");
}

/// 9293/EV-ABORT: RST at SND.NXT in the states in which the peer believes in the connection; CLOSING and LAST-ACK just end.
#[test]
fn abort_in_each_state() {
    let states =
        ["SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK"];
    for state in states {
        let mut end = matrix::reach(state, &Config::linux());
        let nxt =
            if state.contains("ESTAB") || state.contains("SYN") || state == "CLOSE-WAIT" { 1 } else { 2 };
        let (_, said) = end.call(|t, now, out| t.abort(now, Rule::AbortCall, out));
        let silent = matches!(state, "CLOSING" | "LAST-ACK");
        assert_eq!(said.is_empty(), silent, "{state}: {said:?}");
        assert!(said.iter().all(|line| line.starts_with(&format!("R. {nxt} "))), "{state}: {said:?}");
        assert_eq!(end.state(), State::Closed);
        assert_eq!(end.wait_until(ms(1_000_000)), [""; 0], "{state}");
    }
}

/// 9293/EV-RTX-FIRST: with ten segments outstanding a timeout sends the first of them again.
#[test]
fn timeout_repeats_the_first_segment() {
    let mut end = Lone::established(Config { tail_loss_probe: false, ..Config::linux() });
    assert_eq!(end.write(14_480).len(), 10);
    let said = end.wait_until(end.tcb.deadline());
    assert!(said[0].contains(" . 1:+1448 ") && said[0].ends_with("RtoRetransmit"), "{said:?}");
}

/// 9293/EV-LASTACK: in LAST-ACK the FIN is repeated until it is acknowledged, or R2 is reached.
#[test]
fn last_ack_repeats_the_fin() {
    for answered in [true, false] {
        let mut end = Lone::established(Config { r2: RetryLimit::Count(4), ..Config::rfc() });
        let fin = end.segment(Flags::FIN | Flags::ACK, 1, 1);
        end.show(&fin);
        end.call(|t, now, out| t.shutdown_write(now, out)).0.unwrap();
        assert_eq!(end.state(), State::LastAck);
        let again = end.wait_until(ms(if answered { 8000 } else { 200_000 }));
        assert!(again.iter().all(|line| line.contains(" F. 1 a2 RtoRetransmit")), "{again:?}");
        assert_eq!(again.len(), if answered { 3 } else { 4 });
        if answered {
            assert_eq!(end.state(), State::LastAck);
            let ack = end.segment(Flags::ACK, 2, 2);
            end.show(&ack);
        }
        assert_eq!(end.state(), State::Closed);
        assert_eq!(end.tcb.take_error(), (!answered).then_some(Errno::ETIMEDOUT));
    }
}

/// 9293/EV-FIN-DUP, EV-TW-DATA: behind the peer's FIN nothing counts: neither FIN again, nor text, nor urgent data.
#[test]
fn nothing_behind_fin() {
    for state in ["CLOSE-WAIT", "CLOSING", "LAST-ACK"] {
        let mut end = matrix::reach(state, &Config::linux());
        for flags in [Flags::FIN | Flags::ACK, Flags::ACK, Flags::ACK | Flags::URG] {
            let mut segment = end.data(2, 10, 1);
            segment.flags = flags;
            segment.urg = 5;
            end.show(&segment);
            assert_eq!((end.state().to_string(), end.tcb.readable()), (state.to_string(), (0, true)));
            assert!(end.connection().urgent.is_none());
            assert_eq!(end.tcb.info(end.now).rcv_nxt, 2);
        }
    }
}

/// 9293/MUST-19: on a black-holed path the time between repetitions doubles up to the limit.
#[test]
fn exponential_backoff() {
    let mut end =
        Lone::established(Config { r2: RetryLimit::Count(12), user_timeout: None, ..Config::rfc() });
    end.write(10);
    let mut at = vec![end.now];
    while end.state() == State::Established {
        let said = end.wait_until(end.tcb.deadline());
        at.extend(said.iter().map(|_| end.now));
    }
    let gaps: Vec<u64> = at.windows(2).map(|pair| pair[1].since(pair[0]).as_secs()).collect();
    assert_eq!(gaps[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
}

/// 9293/MUST-60: one octet, written and not pushed by anything else, leaves at once where nothing is outstanding, and is
/// pushed; with Nagle's algorithm behind another, as soon as that is acknowledged.
#[test]
fn nothing_waits_for_ever() {
    for nagle in [Nagle::Classic, Nagle::Minshall, Nagle::Off] {
        let mut end = Lone::established(Config { nagle, ..Config::linux() });
        assert_eq!(end.write(1), ["P. 1:+1 a1 Data"]);
        let second = end.write(1);
        if nagle == Nagle::Off {
            assert_eq!(second, ["P. 2:+1 a1 Data"]);
            continue;
        }
        assert_eq!(second, [""; 0]);
        let ack = end.segment(Flags::ACK, 1, 2);
        assert_eq!(end.show(&ack), ["P. 2:+1 a1 Data"]);
    }
}

/// 9293/MUST-47, SHLD-25, MUST-56: a soft ICMP error leaves the connection as it was; the program can ask for it until
/// delivery goes on.
#[test]
fn soft_errors_are_kept_for_the_program() {
    for config in [Config::linux(), Config::rfc(), Config::freebsd()] {
        let mut end = Lone::established(config);
        end.write(10);
        let before = end.tcb.info(end.now);
        let error = IcmpError::Soft(Errno::ENETUNREACH);
        end.call(|t, now, out| t.on_icmp(now, error, SeqNum(ISS_A + 1), out));
        assert_eq!((end.state(), end.tcb.soft_error()), (State::Established, Some(Errno::ENETUNREACH)));
        let after = end.tcb.info(end.now);
        assert_eq!(
            (before.cwnd, before.ssthresh, before.unacked),
            (after.cwnd, after.ssthresh, after.unacked)
        );
        assert_eq!(end.tcb.take_error(), None, "nothing that a call would fail with");
        let ack = end.segment(Flags::ACK, 1, 11);
        end.show(&ack);
        assert_eq!(end.tcb.soft_error(), None);
    }
}

/// 2018/4-NOTPERM: without SACK agreed on, a gap is acknowledged without blocks.
#[test]
fn no_blocks_without_permission() {
    let mut end = Lone::established(Config { sack: false, ..Config::linux() });
    let gap = end.data(101, 100, 1);
    assert_eq!(end.show(&gap), [". 1 a1 AckOutOfOrder"]);
}

/// 5681/4.2-STRETCH, 2525/2.13-STRETCH: small segments are segments too: every second one is acknowledged.
#[test]
fn every_second_small_segment() {
    for len in [300, 500, 536] {
        let mut end = Lone::established(Config::rfc());
        let mut acks = 0;
        for n in 0..20 {
            let mut data = end.data(1 + n * i64::from(len), len, 1);
            data.flags = Flags::ACK;
            acks += end.show(&data).len();
        }
        assert!((9..=20).contains(&acks), "{acks} for 20 of {len}");
    }
}

/// 5681/3.1-SYNNOINC: the handshake does not open the congestion window.
#[test]
fn the_handshake_does_not_open_the_window() {
    for (config, segments) in [(Config::linux(), 10), (Config::rfc(), 3)] {
        let mut end = Lone::syn_sent(config);
        let mut segment = end.segment(Flags::SYN | Flags::ACK, 0, 1);
        segment.options.mss = Some(1460);
        segment.options.timestamps = Some(Timestamps { val: 7, ecr: 0 });
        end.show(&segment);
        assert_eq!(end.tcb.info(end.now).cwnd, segments);
    }
}

/// 9293/MUST-40: further small segments do not put the ACK off: it goes out within the delay of the first.
#[test]
fn a_trickle_is_acknowledged_in_time() {
    for config in [Config::rfc(), Config::freebsd()] {
        let delay = config.delayed_ack.min;
        let mut end = Lone::established(config);
        let step = Duration::from_nanos(delay.as_nanos() * 3 / 4);
        let mut waits = None;
        for n in 0..20 {
            let mut data = end.data(1 + 10 * n, 10, 1);
            data.flags = Flags::ACK;
            waits = waits.or(Some(end.now + delay));
            if !end.show(&data).is_empty() || !end.wait_until(end.now + step).is_empty() {
                waits = None;
            }
            assert!(waits.is_none_or(|by| end.now < by), "not acknowledged in time");
        }
    }
}

/// SHUTDOWN of the reading side: what comes once both sides are shut is refused with a reset, as nobody will read it (RFC 9293,
/// section 3.6.1; Linux); before this side has closed too it is taken.
#[test]
fn data_for_a_side_that_reads_no_more() {
    for (read_shut, state) in [(true, State::Closed), (false, State::FinWait1)] {
        let mut end = Lone::established(Config::linux());
        if read_shut {
            end.call(|t, _, _| t.shutdown_read());
        }
        let data = end.data(1, 10, 1);
        end.show(&data);
        assert_eq!(end.state(), State::Established, "this side may still write");
        end.call(|t, now, out| t.shutdown_write(now, out)).0.unwrap();
        let data = end.data(11, 10, 1);
        let said = end.show(&data);
        assert_eq!(end.state(), state);
        assert_eq!(said.iter().any(|line| line.starts_with('R')), read_shut, "{said:?}");
    }
}

/// RECEIVE: data first, then the end of the stream, for who only looks as for who takes; and where the peer has put the end
/// is another thing than where a reset has cut the stream off (9293/EV-RECV-STATES).
#[test]
fn looking_and_the_end_of_the_stream() {
    let look = |end: &mut Lone, skip| end.call(|t, _, _| t.peek(skip, 100)).0;
    let mut end = Lone::established(Config::linux());
    assert_eq!(look(&mut end, 0), Err(Errno::EAGAIN));
    let data = end.data(1, 10, 1);
    end.show(&data);
    assert!(matches!(look(&mut end, 4), Ok(Received::Data(data)) if data.len() == 6));
    assert_eq!(look(&mut end, 10), Err(Errno::EAGAIN), "more may come");
    assert!(!end.tcb.end_received());
    let fin = end.segment(Flags::FIN | Flags::ACK, 11, 1);
    end.show(&fin);
    assert_eq!(look(&mut end, 10), Ok(Received::Eof));
    assert!(matches!(look(&mut end, 0), Ok(Received::Data(data)) if data.len() == 10), "it stays");
    assert!(end.tcb.end_received());

    let mut cut = Lone::established(Config::linux());
    let rst = cut.segment(Flags::RST, 1, 0);
    cut.show(&rst);
    assert_eq!(look(&mut cut, 0), Err(Errno::ECONNRESET));
    assert!(!cut.tcb.end_received(), "cut off is not ended");
}

/// 7323/3.2-TSECRIGN: where the ACK bit is off TSecr says nothing, however well it would fit; with the bit it is a round trip.
#[test]
fn tsecr_without_ack_is_ignored() {
    for config in [Config::linux(), Config::rfc(), Config::freebsd()] {
        let mut end = Lone::established(config);
        end.write(10);
        let sent = end.now;
        let before = end.tcb.info(end.now);
        end.now += Duration::from_millis(500);
        for (flags, rtt) in [(Flags::NONE, 20), (Flags::PSH, 20), (Flags::FIN, 20), (Flags::ACK, 500)] {
            let mut segment = end.segment(flags, 1, 11);
            segment.ack = SeqNum(ISS_A + 11);
            let ecr = ISS_A.wrapping_add((sent.as_nanos() / 1_000_000) as u32);
            segment.options.timestamps = segment.options.timestamps.map(|ts| Timestamps { ecr, ..ts });
            end.show(&segment);
            let (seen, is_ack) = (end.tcb.info(end.now), flags == Flags::ACK);
            assert_eq!((seen.srtt != before.srtt, seen.unacked == 0), (is_ack, is_ack), "{flags}: {rtt}");
        }
    }
}

/// 9293/LOWAT: with a low-water mark for what is not yet sent a program may write little ahead, and is told of room once less than
/// half of it waits (Linux `TCP_NOTSENT_LOWAT`); the option of a socket comes before the system's.
#[test]
fn little_is_written_ahead() {
    let lowat = |system: u32, socket: Option<u32>| {
        let config = Config { notsent_lowat: system, snd_buf: 1_000_000, ..Config::linux() };
        let mut end = Lone::established(config);
        if let Some(bytes) = socket {
            end.call(|t, now, out| t.set_option(now, SocketOption::NotSentLowat(bytes), out)).0.unwrap();
        }
        let data = Payload::Pattern { stream: 1, offset: 0, len: 300_000 };
        let (taken, _) = end.call(|t, now, out| t.send(now, data, SendFlags::default(), out));
        let mut told = None;
        for segment in 1..=10 {
            end.out.wake.writable = false;
            let ack = end.segment(Flags::ACK, 1, 1 + 1448 * segment);
            end.show(&ack);
            let waits = end.tcb.info(end.now).notsent;
            told = told.or(end.out.wake.writable.then_some(waits));
        }
        (taken.unwrap(), told)
    };
    assert_eq!(lowat(u32::MAX, None).0, 300_000);
    for (taken, told) in [lowat(20_000, None), lowat(u32::MAX, Some(20_000)), lowat(1, Some(20_000))] {
        // The first ten segments go, and what is begun below the mark is filled.
        assert!((34_480..=14_480 + 20_000 + 65_536).contains(&taken), "{taken}");
        assert!(told.is_none_or(|waits| waits < 10_000), "{told:?}");
    }
}
