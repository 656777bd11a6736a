//! Persist, keepalive, and giving up.

use super::*;
use crate::config::{MtuProbing, RetryLimit};
use crate::error::Errno;
use crate::tcb::IcmpError;

fn times(lines: &[String]) -> Vec<u64> {
    lines.iter().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
}

/// An end whose peer has closed the window, with data waiting.
fn stuck(config: Config) -> Lone {
    let mut end = Lone::established(config);
    let mut ack = end.segment(Flags::ACK, 1, 1);
    ack.wnd = 0;
    end.show(&ack);
    end.write(100);
    end
}
fn answer(end: &mut Lone) {
    let mut ack = end.segment(Flags::ACK, 1, 1);
    ack.wnd = 0;
    end.show(&ack);
}

/// Capture zero_window: probes with an old number and no data; intervals double; answered for ever, never given up
/// (MUST-37).
#[test]
fn zero_window_probes() {
    let mut end = stuck(Config::linux());
    let mut probes = Vec::new();
    for _ in 0..3 {
        probes.extend(end.wait_until(end.tcb.deadline()));
        end.now += Duration::from_millis(20);
        answer(&mut end);
    }
    assert_eq!(times(&probes), [221, 681, 1581], "{probes:?}");
    assert!(probes.iter().all(|p| p.ends_with(". 0 a1 ZeroWindowProbe")), "{probes:?}");
    for _ in 0..200 {
        end.wait_until(end.tcb.deadline());
        answer(&mut end);
    }
    assert_eq!(end.state(), State::Established);
    assert!(end.now > ms(10_000_000));
    let mut open = end.segment(Flags::ACK, 1, 1);
    open.wnd = 64;
    assert_eq!(end.show(&open), ["P. 1:+100 a1 Data"]);
}

/// Unanswered probes count: R2 ends the connection.
#[test]
fn unanswered_probes() {
    let mut end = stuck(Config { r2: RetryLimit::Doublings(4), ..Config::linux() });
    let probes = end.wait_until(ms(100_000));
    assert_eq!(probes.len(), 4, "{probes:?}");
    assert_eq!((end.state(), end.tcb.take_error()), (State::Closed, Some(Errno::ETIMEDOUT)));
}

/// Capture zero_window_user_timeout: ends it though every probe is answered.
#[test]
fn persist_and_user_timeout() {
    let mut end = stuck(Config::linux());
    end.call(|t, now, out| t.set_option(now, SocketOption::UserTimeout(Duration::from_secs(4)), out))
        .0
        .unwrap();
    while end.state() == State::Established {
        end.wait_until(end.tcb.deadline());
        answer(&mut end);
        assert!(end.now < ms(10_000));
    }
    assert_eq!(end.now, ms(4221), "4 s after the first probe");
}

/// FreeBSD and the RFC probe with the next octet; an ACK of it counts.
#[test]
fn probe_with_data() {
    let mut end = stuck(Config::rfc());
    let probes = end.wait_until(ms(1100));
    assert_eq!(probes, ["1001 . 1:+1 a1 ZeroWindowProbe"]);
    let mut ack = end.segment(Flags::ACK, 1, 2);
    ack.wnd = 64;
    assert_eq!(end.show(&ack), ["P. 2:+99 a1 Data"]);
    assert_eq!(end.tcb.info(end.now).snd_una, 2);
}

/// Capture urgent_zero_window: urgent data makes each probe a pair.
#[test]
fn urgent_probe() {
    let mut end = stuck(Config::linux());
    let urgent = SendFlags { urgent: true, ..SendFlags::default() };
    end.call(|t, now, out| t.send(now, Payload::from_bytes(b"!"), urgent, out)).0.unwrap();
    let probes = end.wait_until(ms(300));
    assert_eq!(probes, ["221 .U 1 a1 urg101 ZeroWindowProbe", "221 .U 0 a1 urg102 ZeroWindowProbe"]);
}

fn keepalive(end: &mut Lone, count: u8) {
    for option in [
        SocketOption::KeepAlive(true),
        SocketOption::KeepIdle(Duration::from_secs(1)),
        SocketOption::KeepInterval(Duration::from_secs(1)),
        SocketOption::KeepCount(count),
    ] {
        end.call(|t, now, out| t.set_option(now, option, out)).0.unwrap();
    }
}

/// Capture ka_crashed: probes at 1, 2, 3 s, RST and ETIMEDOUT at 4 s.
#[test]
fn keepalive_gives_up() {
    let mut end = Lone::established(Config::linux());
    keepalive(&mut end, 3);
    let lines = end.wait_until(ms(10_000));
    assert_eq!(
        lines,
        [
            "1000 . 0 a1 KeepaliveProbe",
            "2000 . 0 a1 KeepaliveProbe",
            "3000 . 0 a1 KeepaliveProbe",
            "4000 R. 1 a1 KeepaliveLimit"
        ]
    );
    assert_eq!((end.state(), end.tcb.take_error()), (State::Closed, Some(Errno::ETIMEDOUT)));
}

/// Capture ka_alive: an answer restarts the idle clock; capture ka_unreachable_icmp: ICMP for a probe is out of window.
#[test]
fn keepalive_answered() {
    let mut pair = Pair::linux();
    let second = Duration::from_secs(1);
    for option in
        [SocketOption::KeepAlive(true), SocketOption::KeepIdle(second), SocketOption::KeepInterval(second)]
    {
        pair.set('a', option);
    }
    pair.run(ms(3500));
    assert_eq!(
        pair.take_log(),
        [
            "1000 a . 0 a1 KeepaliveProbe",
            "1010 b . 1 a1 AckOfProbe",
            "2020 a . 0 a1 KeepaliveProbe",
            "2030 b . 1 a1 AckOfProbe",
            "3040 a . 0 a1 KeepaliveProbe",
            "3050 b . 1 a1 AckOfProbe",
        ]
    );
    let mut end = Lone::established(Config::linux());
    keepalive(&mut end, 3);
    end.wait_until(ms(1500));
    let unreachable = IcmpError::Soft(Errno::EHOSTUNREACH);
    end.call(|t, now, out| t.on_icmp(now, unreachable, SeqNum(ISS_A), out));
    end.wait_until(ms(10_000));
    assert_eq!(end.tcb.take_error(), Some(Errno::ETIMEDOUT));
}

/// MUST-25, MUST-26: off by default, two hours by default; 2 h and nine times 75 s.
#[test]
fn keepalive_defaults() {
    let mut end = Lone::established(Config::linux());
    assert_eq!(end.wait_until(ms(100_000_000)), [""; 0]);
    let mut end = Lone::established(Config { keepalive: true, ..Config::linux() });
    let lines = end.wait_until(ms(100_000_000));
    assert_eq!(lines.len(), 10);
    assert!(lines[0].starts_with("7200000 "), "{lines:?}");
    assert!(lines[9].starts_with(&format!("{} R.", 7_200_000 + 9 * 75_000)), "{lines:?}");
}

/// Capture retries2_4: data, probe, four timeouts; ETIMEDOUT at the first expiry 6.2 s after the first of them.
#[test]
fn retransmission_limit_of_linux() {
    let mut end = Lone::established(Config { r2: RetryLimit::Doublings(4), ..Config::linux() });
    end.now = ms(300);
    end.write(5);
    let lines = end.wait_until(ms(60_000));
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert_eq!((end.state(), end.tcb.take_error()), (State::Closed, Some(Errno::ETIMEDOUT)));
    let first_timeout = times(&lines)[1];
    let ended = 300 + 220 + 220 + 440 + 880 + 1760 + 3520;
    assert_eq!(times(&lines), [520, 740, 1180, 2060, 3820], "{lines:#?}");
    assert_eq!(first_timeout, 740);
    let mut end = Lone::established(Config { r2: RetryLimit::Doublings(4), ..Config::linux() });
    end.now = ms(300);
    end.write(5);
    end.wait_until(ms(ended) - Duration::from_nanos(1));
    assert_eq!(end.state(), State::Established);
    end.wait_until(ms(ended));
    assert_eq!(end.state(), State::Closed);
}

/// Capture user_timeout: 3 s from the first timeout's retransmission; nothing is sent at the end.
#[test]
fn user_timeout_of_linux() {
    let mut end = Lone::established(Config::linux());
    end.call(|t, now, out| t.set_option(now, SocketOption::UserTimeout(Duration::from_secs(3)), out))
        .0
        .unwrap();
    end.now = ms(300);
    end.write(5);
    end.wait_until(ms(3739));
    assert_eq!(end.state(), State::Established);
    assert_eq!(end.wait_until(ms(3740)), [""; 0]);
    assert_eq!((end.state(), end.tcb.take_error()), (State::Closed, Some(Errno::ETIMEDOUT)));
}

/// 9293 3.8.3 by the letter: R2 is 100 s without an acknowledgment.
#[test]
fn retransmission_limit_of_the_rfc() {
    let mut end = Lone::established(Config::rfc());
    end.now = ms(300);
    end.write(5);
    end.wait_until(ms(100_299));
    assert_eq!(end.state(), State::Established);
    end.wait_until(ms(100_300));
    assert_eq!((end.state(), end.tcb.take_error()), (State::Closed, Some(Errno::ETIMEDOUT)));
}

/// Capture data_icmp_unreach: back-off is taken back (RFC 6069), and the timeout reports the ICMP error.
#[test]
fn unreachable_undoes_backoff() {
    let mut end = Lone::established(Config { r2: RetryLimit::Doublings(4), ..Config::linux() });
    end.now = ms(300);
    end.write(5);
    let mut copies = 0;
    let unreachable = IcmpError::Soft(Errno::EHOSTUNREACH);
    while end.state() == State::Established {
        copies += end.wait_until(end.tcb.deadline()).len();
        end.now += Duration::from_millis(10);
        end.call(|t, now, out| t.on_icmp(now, unreachable, SeqNum(ISS_A + 1), out));
        assert!(copies < 100);
    }
    assert!((27..=32).contains(&copies), "{copies}");
    assert_eq!(end.tcb.take_error(), Some(Errno::EHOSTUNREACH));
}

/// RFC 6069, section 3: only net and host unreachable tell that the path is gone. A filter's answer is reported, and no more.
#[test]
fn other_errors_leave_the_backoff() {
    let mut end = Lone::established(Config::linux());
    end.now = ms(300);
    end.write(5);
    let mut sent = Vec::new();
    while sent.len() < 4 {
        let due = end.tcb.deadline();
        if !end.wait_until(due).is_empty() {
            sent.push(due);
        }
        end.now += Duration::from_millis(10);
        end.call(|t, now, out| t.on_icmp(now, IcmpError::Other(Errno::EHOSTUNREACH), SeqNum(ISS_A + 1), out));
    }
    assert!(sent[3].since(sent[2]) >= sent[2].since(sent[1]) * 19 / 10, "{sent:?}");
}

/// Black holes: after R1 the segments become small (RFC 4821, section 7.7).
#[test]
fn black_hole_probing() {
    let config = Config { mtu_probing: MtuProbing::BlackHole, ..Config::linux() };
    let mut pair = Pair::established(config.clone(), config);
    pair.wire = Box::new(|_, segment| if segment.payload.len() > 1100 { Fate::Drop } else { Fate::Deliver });
    pair.write('a', 5000);
    pair.run(ms(30_000));
    assert_eq!(pair.b.readable().0, 5000, "{:#?}", pair.log);
}
