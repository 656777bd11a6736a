//! SYN-SENT, and SYN-RECEIVED after a simultaneous open.

use super::*;
use crate::Rule;
use crate::config::{Ecn, Nagle};
use crate::error::Errno;
use crate::tcb::IcmpError;

/// A SYN-ACK of ours with the options that Linux sends.
fn syn_ack(end: &Lone) -> Segment {
    let mut segment = end.segment(Flags::SYN | Flags::ACK, 0, 1);
    segment.wnd = 65_160;
    segment.options.mss = Some(1460);
    segment.options.wscale = Some(10);
    segment.options.sack_permitted = true;
    segment.options.timestamps = Some(Timestamps { val: 77, ecr: 0 });
    segment
}

fn lone() -> Lone {
    let mut end = Lone::syn_sent(Config::linux());
    let _ = end.said();
    end
}

/// Captures: SYN win 64240, wscale 10; MUST-14, 7323/2.2.
#[test]
fn the_syn() {
    let end = Lone::syn_sent(Config::linux());
    let syn = &end.out.segments[0].segment;
    assert_eq!((syn.flags, syn.wnd), (Flags::SYN, 64_240));
    assert_eq!((syn.options.mss, syn.options.wscale), (Some(1460), Some(10)));
    assert!(syn.options.sack_permitted);
    assert_eq!(syn.options.timestamps.map(|ts| ts.ecr), Some(0));
    assert_eq!(end.state(), State::SynSent);
}

/// RFC 9293 3.10.7.3: SYN,ACK opens the connection; its window is not scaled (7323/2.2-NOSCALE).
#[test]
fn syn_ack_opens() {
    let mut end = lone();
    end.now = ms(20);
    let segment = syn_ack(&end);
    assert_eq!(end.show(&segment), [". 1 a1 SynAckAnswered"]);
    assert_eq!(end.state(), State::Established);
    assert!(end.out.wake.connected);
    let info = end.tcb.info(end.now);
    assert_eq!((info.snd_wnd, info.wscale, info.mss), (65_160, Some((10, 10)), 1448));
    assert_eq!(info.srtt, Duration::from_millis(20));
}

/// RFC 7323, section 4.1: TSecr measures the path where it echoes what this open has sent, be it the first SYN or a repetition. What an
/// earlier incarnation sent, before the host booted, says nothing.
#[test]
fn the_round_trip_of_a_repeated_syn() {
    for (ecr, srtt) in [(1000, 20), (0, 1020), (-1, 0), (1021, 0), (-500_000_000, 0)] {
        let mut end = Lone::syn_sent(Config::rfc());
        let first = end.out.segments[0].segment.options.timestamps.expect("it offers timestamps").val;
        assert_eq!(end.said().len(), 1);
        assert_eq!(end.wait_until(ms(1000)), ["1000 S 0 SynRetransmit"]);
        end.now = ms(1020);
        let mut segment = syn_ack(&end);
        segment.options.timestamps = Some(Timestamps { val: 77, ecr: first.wrapping_add_signed(ecr) });
        assert_eq!(end.show(&segment), [". 1 a1 SynAckAnswered"]);
        assert_eq!(end.tcb.info(end.now).srtt, Duration::from_millis(srtt), "{ecr}");
    }
}

fn writing(config: Config) -> Lone {
    let mut end = Lone::syn_sent(config);
    let _ = end.said();
    end
}
fn write(end: &mut Lone, text: &[u8]) -> Result<u32, Errno> {
    end.tcb.send(end.now, Payload::from_bytes(text), SendFlags::default(), &mut end.out)
}

/// 9293/EV-SEND-CLOSING: what is written in SYN-SENT is queued, up to the send buffer, and the ACK of the SYN-ACK carries its
/// beginning.
#[test]
fn data_is_queued_before_the_connection_is_open() {
    let mut end = writing(Config::rfc());
    assert_eq!((write(&mut end, b"abc"), write(&mut end, b"de")), (Ok(3), Ok(2)));
    end.tcb.set_option(end.now, SocketOption::SndBuf(4608), &mut end.out).unwrap();
    assert_eq!(end.tcb.writable(), 4603);
    assert_eq!(write(&mut end, &[b'x'; 5000]), Ok(4603));
    assert_eq!(write(&mut end, b"z"), Err(Errno::EAGAIN));
    assert_eq!(end.said(), [""; 0]);
    let segment = syn_ack(&end);
    let said = end.show(&segment);
    assert_eq!(said[0], ". 1:+1448 a1 Data", "the ACK goes with the data");
    assert_eq!(end.tcb.info(end.now).send_q, 4608);
}

/// A window of zero does not hold the ACK back.
#[test]
fn queued_data_does_not_delay_the_ack() {
    let mut end = writing(Config::rfc());
    assert_eq!(write(&mut end, b"abc"), Ok(3));
    let segment = Segment { wnd: 0, ..syn_ack(&end) };
    assert_eq!(end.show(&segment), [". 1 a1 SynAckAnswered"]);
}

/// The same for an open from both sides, with the close that follows the data.
#[test]
fn data_is_queued_in_syn_received() {
    let mut end = writing(Config::rfc());
    assert_eq!(write(&mut end, b"abc"), Ok(3));
    let syn = Segment { flags: Flags::SYN, ..syn_ack(&end) };
    end.show(&syn);
    assert_eq!(end.state(), State::SynReceived);
    assert_eq!(write(&mut end, b"de"), Ok(2));
    end.tcb.close(end.now, &mut end.out);
    assert_eq!(write(&mut end, b"f"), Err(Errno::EPIPE));
    let mut ack = syn_ack(&end);
    ack.flags = Flags::ACK;
    ack.seq = ack.seq.add(1);
    let said = end.show(&ack);
    assert_eq!(said, ["P. 1:+5 a1 Data", "F. 6 a1 FinQueued"]);
    assert_eq!(end.state(), State::FinWait1);
}

/// Linux: the program waits; its data then carries the ACK, or a bare ACK goes after 200 ms (`TCP_DELACK_MAX`).
#[test]
fn a_program_that_waits_to_write_spares_the_ack() {
    let mut end = writing(Config::linux());
    assert_eq!(write(&mut end, b"abc"), Err(Errno::EAGAIN));
    let segment = syn_ack(&end);
    assert_eq!(end.show(&segment), [""; 0]);
    assert_eq!(end.tcb.deadline(), end.now + Duration::from_millis(200));
    assert_eq!(write(&mut end, b"abc"), Ok(3));
    assert_eq!(end.said(), ["P. 1:+3 a1 Data"]);
}

/// What is written and read while the open fails.
#[test]
fn a_refused_open_is_told_to_the_writer() {
    for config in [Config::linux(), Config::rfc()] {
        let mut end = writing(config);
        let _ = write(&mut end, b"abc");
        assert_eq!(end.tcb.recv(end.now, 1, &mut end.out), Err(Errno::EAGAIN));
        let rst = end.segment(Flags::RST | Flags::ACK, 0, 1);
        end.show(&rst);
        assert_eq!(write(&mut end, b"abc"), Err(Errno::ECONNREFUSED));
        assert_eq!(write(&mut end, b"abc"), Err(Errno::ENOTCONN));
    }
}

/// 7323/2.3-SET: no scale in the SYN-ACK, no scaling either way.
#[test]
fn no_scale_unless_both() {
    let mut end = lone();
    let mut segment = syn_ack(&end);
    segment.options.wscale = None;
    segment.options.timestamps = None;
    segment.options.sack_permitted = false;
    end.show(&segment);
    let info = end.tcb.info(end.now);
    assert_eq!((info.wscale, info.timestamps, info.sack, info.mss), (None, false, false, 1460));
    let data = end.data(1, 10, 1);
    end.out.segments.clear();
    end.tcb.on_segment(end.now, &data, EcnCodepoint::NotEct, &mut end.out);
    assert_eq!(end.out.segments[0].segment.wnd, 64_230, "the literal window, less what waits to be read");
}

/// MUST-15: no MSS option means 536.
#[test]
fn no_mss_option() {
    let mut end = lone();
    let mut segment = syn_ack(&end);
    segment.options.mss = None;
    segment.options.timestamps = None;
    end.show(&segment);
    assert_eq!(end.tcb.info(end.now).mss, 536);
}

/// A RST with a wrong ACK is not answered, but it, too, makes Linux repeat the SYN at once: half an old connection is gone.
#[test]
fn wrong_reset_in_syn_sent() {
    let mut end = lone();
    end.now = ms(200);
    let rst = end.segment(Flags::RST | Flags::ACK, 0, 100);
    assert_eq!(end.show(&rst), [""; 0]);
    assert_eq!(end.state(), State::SynSent);
    assert_eq!(end.wait_until(ms(400)), ["208 S 0 SynRetransmit"]);
}

/// 9293/EV-SYNSENT-BADACK: RST, and SYN-SENT goes on; Linux repeats the SYN two jiffies later, once.
#[test]
fn wrong_ack_in_syn_sent() {
    let mut end = lone();
    end.now = ms(200);
    let ack = end.segment(Flags::ACK, 700, 100);
    assert_eq!(end.show(&ack), ["R 100 SynSentBadAck"]);
    assert_eq!(end.state(), State::SynSent);
    assert_eq!(end.wait_until(ms(400)), ["208 S 0 SynRetransmit"]);
    let wrong = end.segment(Flags::SYN | Flags::ACK, 0, 0);
    assert_eq!(end.show(&wrong), ["R 0 SynSentBadAck"]);
    assert_eq!(end.wait_until(ms(1000)), [""; 0]);
    // 9293/EV-SYNSENT-RST: only with an acceptable ACK.
    let rst = end.segment(Flags::RST, 0, 0);
    assert_eq!(end.show(&rst), [""; 0]);
    let rst = end.segment(Flags::RST | Flags::ACK, 0, 9);
    assert_eq!(end.show(&rst), [""; 0]);
    assert_eq!(end.state(), State::SynSent);
    let rst = end.segment(Flags::RST | Flags::ACK, 77, 1);
    end.show(&rst);
    assert_eq!(end.state(), State::Closed);
    assert_eq!(end.tcb.take_error(), Some(Errno::ECONNREFUSED));
}

/// The letter of the RFC leaves the timer alone.
#[test]
fn wrong_ack_by_the_rfc() {
    let mut end = Lone::syn_sent(Config::rfc());
    let _ = end.said();
    end.now = ms(200);
    let ack = end.segment(Flags::ACK, 700, 100);
    end.show(&ack);
    assert_eq!(end.wait_until(ms(2999)), ["1000 S 0 SynRetransmit"]);
}

/// 9293 3.10.7.3, fifth: neither SYN nor RST.
#[test]
fn syn_sent_ignores() {
    let mut end = lone();
    for flags in [Flags::FIN, Flags::ACK, Flags::PSH | Flags::ACK, Flags::NONE] {
        let segment = end.segment(flags, 0, 1);
        assert_eq!(end.show(&segment), [""; 0]);
        assert_eq!(end.dropped(), Some(Rule::SynSentIgnores));
    }
    assert_eq!(end.state(), State::SynSent);
}

/// Captures lost_syn_all: 1, 1, 1, 1, 1, 2, 4, 8, 16, 32 s, then 64 s.
#[test]
fn syn_timeouts_of_linux() {
    let mut end = lone();
    let at: Vec<u64> = [1, 2, 3, 4, 5, 7, 11, 19, 35, 67].map(|s| s * 1000).to_vec();
    let lines: Vec<String> = at.iter().map(|ms| format!("{ms} S 0 SynRetransmit")).collect();
    assert_eq!(end.wait_until(ms(130_999)), lines);
    assert_eq!(end.state(), State::SynSent);
    assert_eq!(end.wait_until(ms(131_000)), [""; 0]);
    assert_eq!((end.state(), end.tcb.take_error()), (State::Closed, Some(Errno::ETIMEDOUT)));
}

/// MUST-23: R2 of a SYN is at least three minutes.
#[test]
fn syn_timeouts_of_the_rfc() {
    let mut end = Lone::syn_sent(Config::rfc());
    let _ = end.said();
    let lines = end.wait_until(ms(180_000));
    assert_eq!(end.state(), State::SynSent, "{lines:?}");
}

/// FreeBSD gives a connect 75 s.
#[test]
fn connect_timeout() {
    let mut end = Lone::syn_sent(Config::freebsd());
    end.wait_until(ms(74_999));
    assert_eq!(end.state(), State::SynSent);
    end.wait_until(ms(75_000));
    assert_eq!((end.state(), end.tcb.take_error()), (State::Closed, Some(Errno::ETIMEDOUT)));
}

/// Captures syn_icmp_*: an ICMP error ends connect at once; RFC 5461: or is only remembered.
#[test]
fn icmp_in_syn_sent() {
    let unreachable = IcmpError::Soft(Errno::EHOSTUNREACH);
    // Linux takes SND.NXT as well (asked with packetdrill).
    for nxt in [0, 1] {
        let mut end = lone();
        end.call(|t, now, out| t.on_icmp(now, unreachable, SeqNum(ISS_A + 2), out));
        assert_eq!((end.state(), end.dropped()), (State::SynSent, Some(Rule::IcmpOutOfWindow)));
        end.call(|t, now, out| t.on_icmp(now, unreachable, SeqNum(ISS_A + nxt), out));
        assert_eq!((end.state(), end.tcb.take_error()), (State::Closed, Some(Errno::EHOSTUNREACH)));
    }
    let mut end = Lone::syn_sent(Config::rfc());
    end.call(|t, now, out| t.on_icmp(now, unreachable, SeqNum(ISS_A + 1), out));
    assert_eq!((end.state(), end.dropped()), (State::SynSent, Some(Rule::IcmpOutOfWindow)));
    end.call(|t, now, out| t.on_icmp(now, unreachable, SeqNum(ISS_A), out));
    assert_eq!(end.state(), State::SynSent);
    end.wait_until(ms(1_000_000));
    assert_eq!(end.tcb.take_error(), Some(Errno::EHOSTUNREACH));
}

/// CLOSE in SYN-SENT deletes the TCB (3.10.4).
#[test]
fn close_in_syn_sent() {
    let mut end = lone();
    let ((), said) = end.call(|t, now, out| t.close(now, out));
    assert_eq!((said.len(), end.state(), end.tcb.deadline()), (0, State::Closed, Time::NEVER));
}

/// MUST-10, figure 8; capture sim_open: the SYN-ACKs cross, each is answered with a DSACK for the SYN.
#[test]
fn simultaneous_open() {
    let mut pair = Pair::simultaneous(Config::linux(), Config::linux());
    pair.run(ms(200));
    assert_eq!(
        pair.take_log(),
        [
            "0 a S 0 ActiveOpen",
            "0 b S 0 ActiveOpen",
            "10 b S. 0 a1 SimultaneousOpen",
            "10 a S. 0 a1 SimultaneousOpen",
            "20 a . 1 a1 {0:1} OldDuplicate",
            "20 b . 1 a1 {0:1} OldDuplicate",
        ]
    );
    assert_eq!(
        pair.states,
        [
            "a CLOSED > SYN-SENT: ActiveOpen",
            "b CLOSED > SYN-SENT: ActiveOpen",
            "b SYN-SENT > SYN-RECEIVED: SimultaneousOpen",
            "a SYN-SENT > SYN-RECEIVED: SimultaneousOpen",
            "a SYN-RECEIVED > ESTABLISHED: HandshakeComplete",
            "b SYN-RECEIVED > ESTABLISHED: HandshakeComplete",
        ]
    );
    pair.write('a', 6);
    pair.run_for(100);
    assert_eq!(pair.b.readable(), (6, false));
}

/// The same with a SYN-ACK lost: it is repeated by the timer of the SYN.
#[test]
fn simultaneous_open_with_a_loss() {
    let mut pair = Pair::simultaneous(Config::linux(), Config::linux());
    let mut lost = false;
    pair.wire = Box::new(move |side, segment| {
        let drop = side == 'a' && segment.has(Flags::SYN | Flags::ACK) && !lost;
        lost |= drop;
        if drop { Fate::Drop } else { Fate::Deliver }
    });
    pair.run(ms(3000));
    assert_eq!((pair.a.state(), pair.b.state()), (State::Established, State::Established));
}

/// MUST-11: a RST in SYN-RECEIVED after an active open means refused, to Linux 6.18 reset; 5961/3.2: only an exact one.
#[test]
fn reset_in_syn_received() {
    let refused = Config { refused_until_open: true, ..Config::linux() };
    for (config, error) in [(refused, Errno::ECONNREFUSED), (Config::linux(), Errno::ECONNRESET)] {
        let mut end = Lone::syn_sent(config);
        let _ = end.said();
        let syn = end.segment(Flags::SYN, 0, 0);
        assert_eq!(end.show(&syn), ["S. 0 a1 SimultaneousOpen"]);
        let rst = end.segment(Flags::RST, 100, 0);
        assert_eq!(end.show(&rst), [". 1 a1 ChallengeRst"]);
        let rst = end.segment(Flags::RST, 1, 0);
        end.show(&rst);
        assert_eq!((end.state(), end.tcb.take_error()), (State::Closed, Some(error)));
    }
}

/// 9293/EV-SYNRCVD-ACK: an ACK of something else is answered with RST; and EV-CLOSE-SYNRCVD: close waits.
#[test]
fn bad_ack_and_close_in_syn_received() {
    let mut end = lone();
    let syn = end.segment(Flags::SYN, 0, 0);
    end.show(&syn);
    let ack = end.segment(Flags::ACK, 1, 50);
    assert_eq!(end.show(&ack), ["R 50 SynReceivedBadAck"]);
    end.call(|t, now, out| t.close(now, out));
    assert_eq!(end.state(), State::SynReceived);
    let ack = end.segment(Flags::ACK, 1, 1);
    assert_eq!(end.show(&ack), ["F. 1 a1 FinQueued"]);
    assert_eq!(end.state(), State::FinWait1);
}

/// 3168/6.1.1: SYN with ECE and CWR, SYN-ACK with ECE; a repeated SYN asks no more. A SYN-ACK with ECE behind it answers the
/// first one, which Linux heeds (capture ecn_syn_lost).
#[test]
fn ecn_negotiation() {
    for (config, flags, repeated, expected) in [
        (Config::linux(), Flags::ECE, false, true),
        (Config::linux(), Flags::NONE, false, false),
        (Config::linux(), Flags::ECE | Flags::CWR, false, false),
        (Config::linux(), Flags::ECE, true, true),
        (Config::rfc(), Flags::ECE, true, false),
    ] {
        let mut end = Lone::syn_sent(Config { ecn: Ecn::On, ..config });
        assert_eq!(end.said(), ["SEW 0 ActiveOpen"]);
        if repeated {
            assert_eq!(end.wait_until(ms(1000)), ["1000 S 0 SynRetransmit"]);
        }
        let mut segment = syn_ack(&end);
        segment.flags |= flags;
        end.show(&segment);
        assert_eq!(end.tcb.info(end.now).ecn, expected);
    }
}

/// Capture tw_client_reconnect_ts: in the place of a connection in TIME-WAIT the ISN is its SND.NXT + 65537, and the
/// window counts on timestamps.
#[test]
fn in_the_place_of_time_wait() {
    use crate::time_wait::{Last, TimeWait};
    let config = Arc::new(Config::linux());
    let timestamps = TimestampState { offset: 3, recent: 99, recent_at: Time::ZERO };
    let last = Last {
        local_port: 40_000,
        remote_port: 80,
        snd_nxt: SeqNum(7000),
        rcv_nxt: SeqNum(9000),
        wnd: 63,
        rcv_wscale: 10,
        timestamps: Some(timestamps),
        ace: Flags::NONE,
    };
    let record = TimeWait::new(Time::ZERO, Arc::clone(&config), last);
    let what = Connect { tuple: tuple(), mtu: 1500, config, options: Vec::new(), reuses: Some(record) };
    let mut out = Out::default();
    let _ = Tcb::connect(ms(500), what, &IsnSecret([1, 2]), &mut out);
    let syn = &out.segments[0].segment;
    assert_eq!((syn.seq, syn.wnd), (SeqNum(7000 + 65_537), 65_160));
}

/// RFC 6928, section 12: where a large initial window has failed before, the open begins with that of RFC 3390.
#[test]
fn a_modest_open() {
    for (modest, window) in [(false, 14_480), (true, 4380)] {
        let mut end = lone();
        if modest {
            end.tcb.be_modest();
        }
        let answer = syn_ack(&end);
        end.show(&answer);
        assert_eq!(end.connection().snd.queue.cwnd(), window);
    }
}

/// What is written before the connection is open goes out behind the SYN-ACK; a write that announces more is not pushed.
#[test]
fn writes_before_the_open() {
    for (first_has_more, said) in [(false, "P. 1:+1448 a1 Data"), (true, ". 1:+1448 a1 Data")] {
        let mut end = Lone::syn_sent(Config { nagle: Nagle::Off, ..Config::rfc() });
        let _ = end.said();
        for (len, more) in [(5, first_has_more), (2000, !first_has_more)] {
            let data = Payload::Pattern { stream: 1, offset: 0, len };
            let flags = SendFlags { more, ..SendFlags::default() };
            end.call(|t, now, out| t.send(now, data, flags, out)).0.expect("room");
        }
        let answer = syn_ack(&end);
        assert_eq!(end.show(&answer), [said, "P. 1449:+557 a1 Data"]);
    }
}

/// ENOTCONN: there is nothing to shut.
#[test]
fn shutdown_of_what_was_reset() {
    let mut end = Lone::established(Config::linux());
    let rst = end.segment(Flags::RST, 1, 0);
    end.show(&rst);
    let (result, said) = end.call(|t, now, out| t.shutdown_write(now, out));
    assert_eq!((result, said.len()), (Err(Errno::ENOTCONN), 0));
}
