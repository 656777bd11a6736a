//! Demands on window scale, timestamps, MSS, challenges and ECN that need a test of their own.

use super::*;
use crate::Rule;
use crate::config::Ecn;

/// A SYN-ACK with these changes has opened the connection.
fn opened(config: Config, change: impl FnOnce(&mut Segment)) -> Lone {
    let mut end = Lone::syn_sent(config);
    let _ = end.said();
    let mut segment = end.segment(Flags::SYN | Flags::ACK, 0, 1);
    segment.options.mss = Some(1460);
    segment.options.timestamps = Some(Timestamps { val: 7, ecr: 0 });
    change(&mut segment);
    end.show(&segment);
    assert_eq!(end.state(), State::Established);
    end
}
/// What an end says to a segment.
fn answers(end: &mut Lone, segment: &Segment) -> Vec<Outgoing> {
    end.tcb.on_segment(end.now, segment, EcnCodepoint::NotEct, &mut end.out);
    std::mem::take(&mut end.out.segments)
}

/// 7323/2.3-MAX14: a shift of more than fourteen is fourteen.
#[test]
fn a_shift_of_fifteen_is_fourteen() {
    for shift in [14, 15, 255] {
        let end = opened(Config::linux(), |syn_ack| syn_ack.options.wscale = Some(shift));
        assert_eq!(end.tcb.info(end.now).wscale.map(|(_, snd)| snd), Some(14));
    }
}

/// 7323/3.2-ALWAYS: once agreed on, timestamps stand on every segment but resets.
#[test]
fn timestamps_on_every_segment() {
    for config in [Config::linux(), Config::rfc(), Config::freebsd()] {
        let mut pair = Pair::established(config.clone(), config);
        let mut n = 0;
        pair.wire = Box::new(move |_, _| {
            n += 1;
            if n % 5 == 0 { Fate::Drop } else { Fate::Deliver }
        });
        pair.write('a', 40_000);
        pair.run_for(5000);
        let _ = pair.read('b', 100_000);
        pair.close('a');
        pair.close('b');
        pair.run_for(5000);
        let of_segments = pair.sent.iter().filter(|(_, _, o)| !o.segment.has(Flags::RST));
        assert!(of_segments.clone().count() > 30);
        assert!(of_segments.clone().all(|(_, _, o)| o.segment.options.timestamps.is_some()));
    }
}

/// 7323/3.2-UNNEG: timestamps that nobody agreed on are passed over, however old they look.
#[test]
fn timestamps_that_were_not_agreed_on() {
    let mut end = Lone::established(Config { timestamps: false, ..Config::rfc() });
    for (seq, val) in [(1, 1 << 30), (11, 5), (21, u32::MAX)] {
        let mut data = end.data(seq, 10, 1);
        data.options.timestamps = Some(Timestamps { val, ecr: 9 });
        assert!(answers(&mut end, &data).iter().all(|o| o.segment.options.timestamps.is_none()));
    }
    assert_eq!(end.tcb.readable().0, 30);
}

/// 7323/3.2-UNNEG: a SYN-ACK with timestamps that the SYN did not ask for turns none on.
#[test]
fn timestamps_that_nobody_asked_for() {
    for (timestamps, stamped) in [(false, false), (true, true)] {
        let mut end = opened(Config { timestamps, ..Config::rfc() }, |_| {});
        let data = end.data(1, 10, 1);
        let answers = [answers(&mut end, &data), answers(&mut end, &data)].concat();
        assert!(!answers.is_empty());
        assert!(answers.iter().all(|o| o.segment.options.timestamps.is_some() == stamped));
    }
}

/// `TCP_MAXSEG` on an open connection: FreeBSD sends no more than that from then on, and never more than the peer takes; Linux
/// has said what it takes and goes on (`late_maxseg.pkt`).
#[test]
fn a_late_max_seg() {
    for (config, bounds) in [(Config::freebsd(), true), (Config::linux(), false)] {
        let mut end = Lone::established(config);
        let before = end.tcb.info(end.now).mss;
        let mut set = |mss| {
            let _ = end.tcb.set_option(end.now, SocketOption::MaxSeg(mss), &mut end.out);
            end.tcb.info(end.now).mss
        };
        assert_eq!(set(1460), before);
        let bounded = set(500);
        assert_eq!(bounded < 500, bounds, "{bounded}");
        assert!(bounds || bounded == before, "{bounded}");
    }
}

/// 7323/4.3-DELACK, 4.3-OOO, 4.3-FILL, 5.3-ARRIVAL: echoed is the stamp of the earliest segment that is not acknowledged; one
/// out of order changes nothing, the one that fills the hole does.
#[test]
fn what_is_echoed() {
    let stamped = |end: &Lone, seq: i64, val: u32| {
        let mut data = end.data(seq, 1448, 1);
        data.flags = Flags::ACK;
        data.options.timestamps = Some(Timestamps { val: ISS_B + val, ecr: 0 });
        data
    };
    let echo = |said: Vec<Outgoing>| {
        let stamps: Vec<_> = said.iter().filter_map(|o| o.segment.options.timestamps).collect();
        stamps.iter().map(|ts| ts.ecr.wrapping_sub(ISS_B)).collect::<Vec<_>>()
    };
    let mut end = Lone::established(Config::rfc());
    let mut show = |seq: i64, val: u32| {
        let data = stamped(&end, seq, val);
        echo(answers(&mut end, &data))
    };
    assert_eq!(show(1, 100), [0_u32; 0], "delayed");
    assert_eq!(show(1449, 101), [100], "one ACK for both: the earlier stamp");
    assert_eq!(show(2897 + 1448, 103), [100], "out of order");
    assert_eq!(show(2897 + 2 * 1448, 104), [100], "and again");
    assert_eq!(show(2897, 102), [102], "the hole is filled, by a stamp older than those behind it");
    assert_eq!(end.tcb.info(end.now).rcv_nxt, 1 + 5 * 1448, "what was queued is not looked at again");
}

/// 5961/4.2-CORNER: a SYN one below RCV.NXT draws a challenge ACK like any other; the rebooted host may find that ACK
/// acceptable, but it carries no SYN: it is dropped, and nothing goes back and forth.
#[test]
fn a_syn_just_below_the_window() {
    let mut old = Lone::established(Config::linux());
    let syn = old.segment(Flags::SYN, 0, 0);
    assert_eq!(old.show(&syn), [". 1 a1 ChallengeSyn"]);
    assert_eq!(old.show(&syn), [""; 0], "limited");
    let mut new = Lone::syn_sent(Config::linux());
    let _ = new.said();
    let challenge = new.segment(Flags::ACK, 1, 1);
    assert_eq!((new.show(&challenge), new.state()), (vec![], State::SynSent));
    assert_eq!(new.dropped(), Some(Rule::SynSentIgnores));
}

/// 5961/5.2-MAXWND: how old an ACK may be goes by the largest window that the peer ever offered.
#[test]
fn the_largest_window_bounds_old_acks() {
    let mut end = Lone::established(Config { window_scaling: false, ..Config::linux() });
    let mut acked = 1;
    while acked < 200_000 {
        end.write(1000);
        acked += 1000;
        let mut ack = end.segment(Flags::ACK, 1, acked);
        ack.wnd = if acked < 100_000 { 50_000 } else { 2000 };
        end.show(&ack);
    }
    let most = 65_160;
    for (behind, taken) in [(most - 1000, true), (most + 1000, false)] {
        let mut end = Lone { now: end.now, tcb: end.tcb.clone(), out: Out::default() };
        let data = end.data(1, 10, acked - behind);
        end.show(&data);
        assert_eq!(end.tcb.readable().0 > 0, taken, "{behind} behind");
    }
}

/// SAFE/SACK-PANIC, SAFE/EXCESS-MSS: nobody can make the segments smaller than the least MSS believed.
#[test]
fn a_tiny_mss_is_not_believed() {
    for (config, least) in [(Config::linux(), 48), (Config::freebsd(), 216)] {
        for told in [0, 1, 8, 47] {
            let end = opened(config.clone(), |syn_ack| syn_ack.options.mss = Some(told));
            let expected = if told == 0 { 536 } else { least };
            assert_eq!(end.tcb.info(end.now).mss, expected - 12, "MSS {told}");
        }
    }
}

/// 3168/5.2-PUREACK, 6.1.1-NOECT, 6.1.1-SYNECT, 6.1.4-ACKNOTECT, 6.1.6-ZWP: only new data is ECN-capable, and only once that
/// was agreed on: no SYN, no ACK, no probe, and nothing on a connection without ECN, whatever arrives marked.
#[test]
fn ecn_marks_only_new_data() {
    let capable = |o: &Outgoing| o.ecn != EcnCodepoint::NotEct;
    let mut syn = Lone::syn_sent(Config { ecn: Ecn::On, ..Config::linux() });
    assert!(std::mem::take(&mut syn.out.segments).iter().all(|o| !capable(o)), "SYN");
    for agreed in [true, false] {
        let mut end = opened(Config { ecn: Ecn::On, ..Config::linux() }, |syn_ack| {
            syn_ack.flags |= if agreed { Flags::ECE } else { Flags::NONE };
            syn_ack.wnd = 3000;
        });
        let mut data = end.data(1, 10, 1);
        data.wnd = 3000;
        end.tcb.on_segment(end.now, &data, EcnCodepoint::Ect0, &mut end.out);
        let acks = std::mem::take(&mut end.out.segments);
        assert!(!acks.is_empty() && acks.iter().all(|o| !capable(o)), "ACK");
        let write = Payload::Pattern { stream: 1, offset: 0, len: 1000 };
        end.tcb.send(end.now, write, SendFlags::default(), &mut end.out).unwrap();
        let sent = std::mem::take(&mut end.out.segments);
        assert_eq!(sent.iter().map(capable).collect::<Vec<_>>(), [agreed], "data");
        let mut shut = end.segment(Flags::ACK, 11, 1001);
        shut.wnd = 0;
        end.show(&shut);
        let write = Payload::Pattern { stream: 1, offset: 1000, len: 1000 };
        end.tcb.send(end.now, write, SendFlags::default(), &mut end.out).unwrap();
        let at = end.tcb.deadline();
        end.tcb.on_deadline(at, &mut end.out);
        let probes = std::mem::take(&mut end.out.segments);
        assert_eq!(
            probes.iter().map(|o| (o.why, capable(o))).collect::<Vec<_>>(),
            [(Rule::ZeroWindowProbe, false)]
        );
    }
}

/// 3168/6.1.6-ZWPCE: a probe of the closed window that arrives marked is answered with ECE.
#[test]
fn a_marked_probe_is_answered_with_ece() {
    let mut end = Lone::established(Config { ecn: Ecn::On, ..Config::rfc() });
    match &mut end.tcb {
        Tcb::Open(connection) => connection.ecn.on = true,
        _ => panic!("not open"),
    }
    let mut seq = 1;
    while end.connection().rcv.window() > 0 {
        let len = end.connection().rcv.window().min(1000) as u32;
        let data = end.data(seq, len, 1);
        end.show(&data);
        seq += i64::from(len);
    }
    end.wait_until(end.now + Duration::from_secs(1));
    let probe = end.data(seq, 1, 1);
    end.tcb.on_segment(end.now, &probe, EcnCodepoint::Ce, &mut end.out);
    let said = std::mem::take(&mut end.out.segments);
    assert!(said.len() == 1 && said[0].segment.has(Flags::ECE), "{said:?}");
}

/// setsockopt(2): values at the edge of what each option takes (Linux `do_tcp_setsockopt`, `do_ip_setsockopt`).
#[test]
fn values_of_options() {
    use SocketOption::{Dscp, KeepCount, KeepIdle, MaxSeg, Ttl};
    let second = Duration::from_secs(1);
    for fits in [
        KeepIdle(second),
        KeepIdle(second * 32_767),
        KeepCount(1),
        KeepCount(127),
        MaxSeg(88),
        Dscp(63),
        Ttl(1),
        Ttl(255),
    ] {
        assert_eq!(fits.check(), Ok(()), "{fits}");
    }
    for wrong in [
        KeepIdle(Duration::ZERO),
        KeepIdle(second * 32_768),
        KeepCount(0),
        KeepCount(128),
        MaxSeg(87),
        Dscp(64),
        Ttl(0),
    ] {
        assert_eq!(wrong.check(), Err(crate::Errno::EINVAL), "{wrong}");
    }
}

/// A system's setting that is looked at each time counts for connections that are open (Linux: a sysctl of the namespace).
#[test]
fn settings_change_under_a_connection() {
    let mut end = Lone::established(Config::linux());
    let syn = end.segment(Flags::SYN, 50, 0);
    assert_eq!((end.show(&syn).len(), end.show(&syn).len()), (1, 0));
    end.tcb.reconfigure(&|config| config.challenge_interval = Duration::ZERO);
    assert_eq!(end.show(&syn).len(), 1);
    let mut opening = Lone::syn_sent(Config::linux());
    let _ = opening.said();
    opening.tcb.reconfigure(&|config| config.syn_retries = 1);
    opening.wait_until(ms(60_000));
    assert_eq!(opening.state(), State::Closed);
}
