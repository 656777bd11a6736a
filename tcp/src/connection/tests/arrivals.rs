//! The eight checks, one end at a time.

use super::*;
use crate::Rule;
use crate::error::Errno;
use crate::segment::SackBlocks;
use crate::tcb::IcmpError;

fn linux() -> Lone {
    Lone::established(Config::linux())
}
/// An end that has received `hello` (five octets), as in the capture blind_segments.
fn after_hello(config: Config) -> Lone {
    let mut end = Lone::established(config);
    end.now = ms(100);
    let data = end.data(1, 5, 1);
    end.show(&data);
    end.wait_until(ms(1000));
    end
}

/// Capture blind_segments, 600 ms apart: what Linux answers to a blind attacker.
#[test]
fn blind_segments() {
    let mut end = after_hello(Config::linux());
    let ack = |rule: &str| vec![format!(". 1 a6 {rule}")];
    let step = |end: &mut Lone, segment: Segment| {
        end.now += Duration::from_millis(600);
        end.show(&segment)
    };
    let segment = end.segment(Flags::RST, 106, 0);
    assert_eq!(step(&mut end, segment), ack("ChallengeRst"));
    let segment = end.segment(Flags::RST, -100, 0);
    assert_eq!(step(&mut end, segment), [""; 0], "below the window: dropped");
    assert_eq!(end.dropped(), Some(Rule::RstIgnored));
    let segment = end.segment(Flags::SYN, 50, 0);
    assert_eq!(step(&mut end, segment), ack("ChallengeSyn"));
    let segment = end.data(6, 3, 1000);
    assert_eq!(step(&mut end, segment), ack("AckOfUnsent"));
    let segment = end.data(6, 3, -200_000);
    assert_eq!(step(&mut end, segment), ack("ChallengeAck"));
    let mut segment = end.data(6, 3, 1);
    segment.options.timestamps = Some(Timestamps { val: ISS_B.wrapping_sub(500), ecr: 0 });
    assert_eq!(step(&mut end, segment), ack("Paws"));
    let segment = end.data(200_006, 3, 1);
    assert_eq!(step(&mut end, segment), ack("NotAcceptable"));
    let segment = end.segment(Flags::SYN | Flags::ACK, 6, 1);
    assert_eq!(step(&mut end, segment), ack("ChallengeSyn"));
    let segment = end.segment(Flags::NONE, 6, 0);
    assert_eq!(step(&mut end, segment), [""; 0]);
    assert_eq!(end.dropped(), Some(Rule::NoAckBit));
    assert_eq!((end.state(), end.tcb.readable()), (State::Established, (5, false)));
    let segment = end.segment(Flags::RST, 6, 0);
    step(&mut end, segment);
    assert_eq!((end.state(), end.tcb.take_error()), (State::Closed, Some(Errno::ECONNRESET)));
}

/// 5961/7-PERCONN: at most one challenge ACK per connection in 500 ms.
#[test]
fn challenges_are_limited() {
    let mut end = after_hello(Config::linux());
    let syn = end.segment(Flags::SYN, 50, 0);
    assert_eq!(end.show(&syn).len(), 1);
    end.now += Duration::from_millis(499);
    assert_eq!(end.show(&syn).len(), 0);
    end.now += Duration::from_millis(1);
    assert_eq!(end.show(&syn).len(), 1);
}

/// Ablations: RFC 793's answers to RST and SYN in the window.
#[test]
fn without_the_defences_of_rfc_5961() {
    let old = Config { challenge_rst: false, challenge_syn: false, ack_range: false, ..Config::linux() };
    let mut end = after_hello(old.clone());
    let rst = end.segment(Flags::RST, 106, 0);
    end.show(&rst);
    assert_eq!(end.state(), State::Closed);
    let mut end = after_hello(old.clone());
    let syn = end.segment(Flags::SYN, 50, 0);
    assert_eq!(end.show(&syn), ["R. 1 a6 ChallengeSyn"]);
    assert_eq!(end.state(), State::Closed);
    let mut end = after_hello(old);
    let data = end.data(6, 3, -200_000);
    end.show(&data);
    assert_eq!(end.tcb.readable().0, 8, "an ACK too old is ignored, the data taken");
}

/// A peer that has aborted behind its FIN may count that as never sent: Linux takes a RST with the number of the FIN.
#[test]
fn reset_with_the_number_of_the_fin() {
    for (config, state) in [(Config::linux(), State::Closed), (Config::rfc(), State::CloseWait)] {
        let mut end = Lone::established(config);
        let rst = end.segment(Flags::RST, 0, 0);
        end.show(&rst);
        assert_eq!(end.state(), State::Established, "there is no FIN yet");
        let fin = end.segment(Flags::FIN | Flags::ACK, 1, 1);
        end.show(&fin);
        let rst = end.segment(Flags::RST, 1, 0);
        end.show(&rst);
        assert_eq!(end.state(), state);
    }
}

/// A RST at the right edge of what was SACKed is as good as exact (Linux); nowhere else.
#[test]
fn reset_at_the_sacked_edge() {
    let mut end = linux();
    let data = end.data(101, 100, 1);
    end.show(&data);
    let rst = end.segment(Flags::RST, 150, 0);
    assert_eq!(end.show(&rst).len(), 1);
    let rst = end.segment(Flags::RST, 201, 0);
    end.show(&rst);
    assert_eq!(end.state(), State::Closed);
}

/// RFC 9293 3.10.7.4, first check, table: LEN 0 or not, WND 0 or not, inside and outside.
#[test]
fn acceptability() {
    for (seq, len, accepted) in [
        (1, 0, true),
        (1, 10, true),
        (64_240, 0, true),
        (64_242, 0, false),
        (64_242, 10, false),
        (-50, 10, false),
        (-50, 0, false),
    ] {
        let mut end = linux();
        let segment = if len > 0 { end.data(seq, len, 1) } else { end.segment(Flags::ACK, seq, 1) };
        let said = end.show(&segment);
        let dropped = end.dropped();
        assert_eq!(dropped.is_none(), accepted, "seq {seq} len {len}: {dropped:?} {said:?}");
        if !accepted {
            assert_eq!(said.len(), 1, "seq {seq} len {len}");
        }
    }
}

/// A segment that reaches over the left or the right edge is trimmed (3.10.7.4). Linux, where it accounts for memory, refuses
/// one that reaches over the right edge while something waits to be read (tcp_sequence).
#[test]
fn trimming() {
    // Linux tells of the part that came twice, and hurries no more than for the new: here it is in quick-ACK mode.
    for (config, held, why) in [(Config::rfc(), 10, "OldDuplicate"), (Config::linux(), 0, "AckQuick")] {
        let mut end = Lone::established(config);
        let data = end.data(1, 100, 1);
        end.show(&data);
        let overlap = end.data(51, 100, 1);
        assert_eq!(end.show(&overlap), [format!(". 1 a151 {{51:101}} {why}")]);
        assert_eq!(end.tcb.readable().0, 150);
        let window = end.connection().rcv.edge.since(end.connection().rcv.irs) as i64;
        let over = end.data(window - 10, 100, 1);
        end.show(&over);
        assert_eq!(end.connection().rcv.buffer.held(), held);
        assert_eq!(end.dropped(), (held == 0).then_some(Rule::NotAcceptable));
    }
}

/// 3.10.7.4: what lies beyond the window is trimmed off, a FIN too. Behind data that fills the window exactly it has no
/// place, and is taken when it comes again.
#[test]
fn a_fin_beyond_the_window_is_trimmed() {
    let mut end = Lone::established(Config { rcv_buf: 2920, rcv_buf_max: 2920, ..Config::rfc() });
    let window = end.connection().rcv.window();
    let mut seq = 1;
    while seq < 1 + window as i64 {
        let len = (window as i64 + 1 - seq).min(1448) as u32;
        let mut data = end.data(seq, len, 1);
        if seq + i64::from(len) == 1 + window as i64 {
            data.flags |= Flags::FIN;
            // Nothing is read meanwhile, so that the window ends where it did.
            assert_eq!(end.connection().rcv.edge.since(end.connection().rcv.irs), 1 + window);
        }
        end.show(&data);
        seq += i64::from(len);
        end.now += Duration::from_nanos(1000);
    }
    assert_eq!(
        (end.state(), end.tcb.readable()),
        (State::Established, (window, false)),
        "the FIN has no place"
    );
    let _ = end.call(|t, now, out| t.recv(now, u32::MAX, out));
    let fin = end.segment(Flags::FIN | Flags::ACK, seq, 1);
    end.show(&fin);
    assert_eq!((end.state(), end.tcb.readable().1), (State::CloseWait, true));
}

/// Captures lost_ack_of_fin, old_data_new_conn_*: duplicates are answered at once with a DSACK (2883), even ancient ones.
#[test]
fn duplicates_are_reported() {
    let mut end = after_hello(Config::linux());
    let old = end.data(1, 5, 1);
    assert_eq!(end.show(&old), [". 1 a6 {1:6} OldDuplicate"]);
    let ancient = end.data(-40_000_000, 5, 1);
    assert_eq!(end.show(&ancient), [". 1 a6 {-40000000:-39999995} OldDuplicate"]);
    let fin = end.segment(Flags::FIN | Flags::ACK, 6, 1);
    end.show(&fin);
    end.wait_until(ms(5000));
    assert_eq!(end.show(&fin), [". 1 a7 {6:7} OldDuplicate"]);
    let mut end = after_hello(Config { dsack: false, ..Config::linux() });
    let old = end.data(1, 5, 1);
    assert_eq!(end.show(&old), [". 1 a6 OldDuplicate"]);
}

/// 2018: blocks of what is beyond the gap, the latest first; data behind a gap is acknowledged at once (5681).
#[test]
fn sack_blocks() {
    let mut end = linux();
    let one = end.data(101, 100, 1);
    assert_eq!(end.show(&one), [". 1 a1 {101:201} AckOutOfOrder"]);
    let two = end.data(301, 100, 1);
    assert_eq!(end.show(&two), [". 1 a1 {301:401} {101:201} AckOutOfOrder"]);
    let again = end.data(101, 50, 1);
    assert_eq!(end.show(&again), [". 1 a1 {101:151} {101:201} {301:401} OldDuplicate"]);
    let fill = end.data(1, 100, 1);
    assert_eq!(end.show(&fill), [". 1 a201 {301:401} AckGapFilled"]);
}

/// 9293/SEQ-SYNFIN-SPACE: a FIN beyond the gap is told of like an octet, so that it is not sent again with the data before
/// it (Linux: the block ends at end_seq, the FIN within).
#[test]
fn sack_blocks_cover_a_fin() {
    let mut end = linux();
    let last = Segment { flags: Flags::FIN | Flags::ACK, ..end.data(101, 100, 1) };
    assert_eq!(end.show(&last), [". 1 a1 {101:202} AckOutOfOrder"]);
    let again = end.data(151, 50, 1);
    assert_eq!(end.show(&again), [". 1 a1 {151:201} {101:202} OldDuplicate"], "not the D-SACK");
    let fill = end.data(1, 100, 1);
    assert_eq!(end.show(&fill)[0], ". 1 a202 AckGapFilled");
    let mut end = linux();
    let alone = Segment { flags: Flags::FIN | Flags::ACK, ..end.data(101, 0, 1) };
    assert_eq!(end.show(&alone), [". 1 a1 {101:102} AckOutOfOrder"]);
    assert_eq!(end.write(1448)[0], ". 1:+1436 a1 {101:102} Data", "the block has its room");
}

/// Surprise 17: data that carries SACK blocks is shorter by them (1448 to 1436).
#[test]
fn data_with_sack_blocks_is_shorter() {
    let mut end = linux();
    let gap = end.data(101, 100, 1);
    end.show(&gap);
    assert_eq!(end.write(1448)[0], ". 1:+1436 a1 {101:201} Data");
}

/// An ACK that others have overtaken: Linux takes one that is in sequence and not too late as it is, drops an older one in
/// silence, and answers the rest; RFC 7323, section 5.3, R1, has each answered.
#[test]
fn an_ack_with_an_old_timestamp() {
    // Too late is later than a retransmission timeout of 220 ms and a fifth.
    for (config, answers) in [(Config::linux(), [0, 0, 0, 1, 1]), (Config::rfc(), [1, 1, 1, 1, 1])] {
        let mut end = Lone::established(Config { challenge_interval: Duration::ZERO, ..config });
        let stamped = |end: &Lone, seq: i64, val: u32| {
            let mut ack = end.segment(Flags::ACK, seq, 1);
            ack.options.timestamps = Some(Timestamps { val: ISS_B.wrapping_add(val), ecr: 0 });
            ack
        };
        let mut data = end.data(1, 10, 1);
        data.options.timestamps = Some(Timestamps { val: ISS_B.wrapping_add(900_000), ecr: 0 });
        end.show(&data);
        // SND.WL1 becomes 11: what comes later tells nothing new of the window.
        let fresh = stamped(&end, 11, 900_000);
        end.show(&fresh);
        let late = stamped(&end, 11, 899_900);
        let overtaken = stamped(&end, 1, 899_900);
        let just_in_time = stamped(&end, 11, 900_000 - 264);
        let too_late = stamped(&end, 11, 900_000 - 265);
        let stale = stamped(&end, 11, 800_000);
        let said = [late, overtaken, just_in_time, too_late, stale].map(|ack| end.show(&ack).len());
        assert_eq!(said, answers);
    }
}

/// 7323/5.3-R3 and SAFE/PAWSPOISON: TS.Recent only from a segment that covers Last.ACK.sent.
#[test]
fn ts_recent_cannot_be_poisoned() {
    let mut end = linux();
    let before = end.connection().ts.unwrap().recent;
    let mut ahead = end.data(101, 10, 1);
    ahead.options.timestamps = Some(Timestamps { val: before.wrapping_add(1 << 30), ecr: 0 });
    end.show(&ahead);
    assert_eq!(end.connection().ts.unwrap().recent, before, "out of order");
    let mut unsent = end.data(1, 10, 5000);
    unsent.options.timestamps = Some(Timestamps { val: before.wrapping_add(1 << 30), ecr: 0 });
    end.show(&unsent);
    assert_eq!(end.connection().ts.unwrap().recent, before, "unacceptable ACK");
    let mut good = end.data(1, 10, 1);
    good.options.timestamps = Some(Timestamps { val: before.wrapping_add(7), ecr: 0 });
    end.show(&good);
    assert_eq!(end.connection().ts.unwrap().recent, before.wrapping_add(7));
}

/// 7323/5.2-RSTPAWS: RST is exempt; 7323/5.5-IDLE: after 24 days TS.Recent does not count; ablation: paws off.
#[test]
fn paws_and_its_exceptions() {
    let stale = |end: &Lone, flags| {
        let mut segment = end.segment(flags, 1, 1);
        segment.options.timestamps = Some(Timestamps { val: ISS_B.wrapping_sub(9), ecr: 0 });
        segment
    };
    let mut end = linux();
    let segment = stale(&end, Flags::ACK);
    end.show(&segment);
    assert_eq!(end.dropped(), Some(Rule::Paws));
    let segment = stale(&end, Flags::RST);
    end.show(&segment);
    assert_eq!(end.state(), State::Closed);

    let mut end = linux();
    end.wait_until(ms(25 * 24 * 3600 * 1000));
    let segment = stale(&end, Flags::ACK);
    end.show(&segment);
    assert_eq!(end.dropped(), None);

    let mut end = Lone::established(Config { paws: false, ..Config::linux() });
    let segment = stale(&end, Flags::ACK);
    end.show(&segment);
    assert_eq!(end.dropped(), None);
}

/// 7323 3.2: a missing timestamp drops the segment by the letter; Linux takes it.
#[test]
fn missing_timestamp() {
    for (config, taken) in [(Config::linux(), 5), (Config::rfc(), 0)] {
        let mut end = Lone::established(config);
        let mut segment = end.data(1, 5, 1);
        segment.options.timestamps = None;
        end.show(&segment);
        assert_eq!(end.tcb.readable().0, taken);
    }
}

/// MUST-66: with a closed window text is refused, but ACK, URG and RST count. Linux, while something waits to be read, drops
/// what has text beyond the window whole (tcp_sequence); without text it minds all three.
#[test]
fn closed_window() {
    for (config, text) in [(Config::rfc(), 1), (Config::linux(), 0)] {
        closed_window_of(config, text);
    }
}
fn closed_window_of(config: Config, text: u32) {
    let mut end = Lone::established(config);
    end.write(100);
    let mut seq = 1;
    loop {
        let room = end.connection().rcv.window();
        if room == 0 || seq > 1_000_000 {
            break;
        }
        let len = room.min(1448) as u32;
        let data = end.data(seq, len, 1);
        end.show(&data);
        end.now += Duration::from_millis(1);
        seq += i64::from(len);
    }
    assert_eq!(end.connection().rcv.window(), 0);
    let unread = end.tcb.readable().0;
    end.wait_until(end.now + Duration::from_millis(100));
    let mut probe = if text > 0 { end.data(seq, text, 101) } else { end.segment(Flags::ACK, seq, 101) };
    probe.flags |= Flags::URG;
    probe.urg = 10;
    let said = end.show(&probe);
    assert_eq!(said.len(), text as usize, "{said:?}");
    assert_eq!(end.tcb.readable().0, unread, "the text is refused");
    assert_eq!(end.connection().snd.queue.una().since(end.connection().snd.iss), 101, "the ACK counts");
    assert!(end.out.wake.urgent, "so does URG");
    let rst = end.segment(Flags::RST, seq, 0);
    end.show(&rst);
    assert_eq!(end.state(), State::Closed);
}

/// RFC 5927: ICMP counts only if it quotes what is in flight; soft by default, hard by the letter (9293 3.9.2.2).
#[test]
fn icmp_in_established() {
    let hard = IcmpError::Hard(Errno::ECONNREFUSED);
    for (config, closes) in [(Config::linux(), false), (Config::rfc(), true)] {
        let exact = config.icmp_exact;
        let mut end = Lone::established(config);
        // What a bare ACK quotes is believed by Linux (asked with packetdrill), which has nothing in flight here.
        end.call(|t, now, out| t.on_icmp(now, hard, SeqNum(ISS_A + 1), out));
        assert_eq!(end.dropped() == Some(Rule::IcmpOutOfWindow), exact, "nothing is in flight");
        end.write(10);
        end.call(|t, now, out| t.on_icmp(now, hard, SeqNum(ISS_A + 12), out));
        assert_eq!(end.dropped(), Some(Rule::IcmpOutOfWindow), "beyond");
        end.call(|t, now, out| t.on_icmp(now, hard, SeqNum(ISS_A + 1), out));
        assert_eq!(end.state() == State::Closed, closes);
    }
}

/// Capture pmtud_icmp: what is outstanding is sent again at once in the new size, cwnd stays.
#[test]
fn path_mtu() {
    let mut end = linux();
    assert_eq!(end.write(14_480).len(), 10);
    let cwnd = end.connection().snd.queue.cwnd();
    end.now = ms(11);
    let (_, said) = end.call(|t, now, out| t.on_icmp(now, IcmpError::TooBig(1400), SeqNum(ISS_A + 1), out));
    assert_eq!(said[0], ". 1:+1348 a1 PmtuRetransmit");
    let lens: Vec<u32> = said
        .iter()
        .map(|l| l.split(":+").nth(1).unwrap().split(' ').next().unwrap().parse::<u32>().unwrap())
        .collect();
    // Capture pmtud_icmp: what left as one skb of two segments is cut anew into three, as far as cwnd allows.
    assert_eq!(lens, [1348, 1348, 200, 1348, 1348, 200, 1348, 1348, 200, 1348]);
    assert_eq!(end.connection().snd.queue.cwnd() / 1348, cwnd / 1448);
    assert_eq!(end.tcb.info(end.now).pmtu, 1400);
    // The others say the same: ignored. So is an increase (1191/6.3), and what lies below the floor.
    let (_, said) =
        end.call(|t, now, out| t.on_icmp(now, IcmpError::TooBig(1400), SeqNum(ISS_A + 1449), out));
    assert_eq!(said.len(), 0);
    let (_, said) =
        end.call(|t, now, out| t.on_icmp(now, IcmpError::TooBig(1480), SeqNum(ISS_A + 1449), out));
    assert_eq!(said.len(), 0);
    end.call(|t, now, out| t.on_icmp(now, IcmpError::TooBig(60), SeqNum(ISS_A + 1449), out));
    assert_eq!(end.tcb.info(end.now).pmtu, 552);
}

/// SACK blocks that make no sense do no harm.
#[test]
fn nonsense_in_sack_blocks() {
    let mut end = linux();
    end.write(14_480);
    let mut ack = end.segment(Flags::ACK, 1, 1);
    let mut blocks = SackBlocks::default();
    for (l, r) in [(900_000u32, 10), (0, u32::MAX), (ISS_A, ISS_A), (ISS_A + 2000, ISS_A + 90_000)] {
        blocks.push(SeqNum(l), SeqNum(r));
    }
    ack.options.sack = blocks;
    end.show(&ack);
    assert_eq!(end.state(), State::Established);
}

/// RFC 9293, section 3.8.6.1: each zero-window probe is answered. Linux answers one that comes 508 ms after another
/// (capture zero_window), but not 492 ms (capture zero_window_user_timeout).
#[test]
fn each_window_probe_is_answered() {
    let mut linux = Lone::established(Config::linux());
    for (at, answers) in [(0, 1), (492, 0), (600, 1), (1108, 1)] {
        linux.now = ms(1 + at);
        let probe = linux.segment(Flags::ACK, 0, 1);
        assert_eq!(linux.show(&probe).len(), answers, "{at}");
    }
    // SAFE/ACKSTORM: of a closed window no more than two answers in 500 ms, of an open one, which nobody need ask for, one.
    for (room, expected) in [(1000, 17), (1001, 10)] {
        let mut end = Lone::established(Config { rcv_buf: room, rcv_buf_max: room, ..Config::rfc() });
        let data = end.data(1, 1000, 1);
        end.show(&data);
        let mut answers = 0;
        for step in 0..50 {
            end.now = ms(10_000 + 100 * step);
            let probe = end.segment(Flags::ACK, 1000, 1);
            answers += end.show(&probe).len();
        }
        assert_eq!(answers, expected, "{room}");
    }
    let mut end = Lone::established(Config { rcv_buf: 1000, rcv_buf_max: 1000, ..Config::rfc() });
    let data = end.data(1, 1000, 1);
    end.show(&data);
    for at in [0, 464, 1400] {
        end.now = ms(10_000 + at);
        let probe = end.segment(Flags::ACK, 1000, 1);
        assert_eq!(end.show(&probe), [". 1 a1001 AckOfProbe"]);
    }
}

/// 7323/5.3-R1; Linux lets a timestamp one tick older pass (`TCP_PAWS_WINDOW`).
#[test]
fn a_tick_behind() {
    for (config, passes) in [(Config::linux(), true), (Config::rfc(), false)] {
        let mut end = Lone::established(config);
        end.now = ms(50);
        let first = end.data(1, 100, 1);
        end.show(&first);
        end.now = ms(49);
        let mut second = end.data(101, 100, 1);
        end.now = ms(400);
        second.options.timestamps = second.options.timestamps.map(|t| Timestamps { ecr: 0, ..t });
        end.show(&second);
        assert_eq!(end.dropped(), (!passes).then_some(crate::Rule::Paws));
        // 7323/4.3-RECENT: TS.Recent does not go back, so what is acknowledged next echoes the newer one.
        let third = Segment { options: Default::default(), ..end.data(201, 100, 1) };
        end.now = ms(401);
        let mut third = third;
        third.options.timestamps = Some(Timestamps { val: ISS_B.wrapping_add(49), ecr: 0 });
        end.tcb.on_segment(end.now, &third, EcnCodepoint::NotEct, &mut end.out);
        let recent = end.connection().ts.map(|state| state.recent.wrapping_sub(ISS_B));
        assert_eq!(recent, Some(50));
    }
}
