//! Arbitrary segments, calls, ICMP errors and pauses, thrown at an end in every state: nothing panics, loops, or grows
//! without bound, and what must hold of a connection holds.

use proptest::prelude::*;

use super::*;
use crate::Rule;
use crate::config::{Ecn, LossDetection, MtuProbing, Nagle};
use crate::error::Errno;
use crate::seq::Seq;
use crate::tcb::IcmpError;

/// Something that happens to an end. Numbers are taken relative to where the end is, so that much of it is plausible.
#[derive(Clone, Debug)]
enum Event {
    Segment {
        flags: u16,
        seq: i32,
        ack: i32,
        len: u16,
        wnd: u16,
        urg: u16,
        stamp: Option<i32>,
        sack: Vec<(i32, u16)>,
        ce: bool,
    },
    Write {
        len: u32,
        urgent: bool,
        more: bool,
    },
    Read(u32),
    ReadUrgent,
    Shutdown,
    Close,
    Abort,
    Option(u8),
    Icmp {
        kind: u8,
        seq: i32,
        mtu: u16,
    },
    Wait(u64),
    Deadline,
}

/// Offsets that matter: small ones around zero, ones of a segment or a window, any.
fn offset() -> impl Strategy<Value = i32> {
    prop_oneof![
        6 => Just(0),
        4 => -3i32..4,
        3 => -3000i32..3000,
        2 => prop_oneof![Just(64_240), Just(64_239), Just(65_535), Just(-65_535), Just(1448), Just(-1448)],
        1 => any::<i32>(),
    ]
}
fn event() -> impl Strategy<Value = Event> {
    let flags = prop_oneof![
        8 => Just(0x10u16), 4 => Just(0x18), 2 => Just(0x11), 1 => Just(0x04), 1 => Just(0x02), 1 => Just(0x12),
        1 => Just(0x30), 1 => Just(0x50), 2 => 0u16..0x200
    ];
    let segment = (
        flags,
        offset(),
        offset(),
        prop_oneof![2 => Just(0u16), 2 => 1u16..20, 2 => Just(1448), 1 => 0u16..9000],
        prop_oneof![3 => Just(64u16), 1 => Just(0), 1 => Just(1), 1 => any::<u16>()],
        any::<u16>(),
        proptest::option::weighted(0.9, prop_oneof![4 => 0i32..100, 1 => any::<i32>()]),
        proptest::collection::vec((offset(), any::<u16>()), 0..4),
        any::<bool>(),
    )
        .prop_map(|(flags, seq, ack, len, wnd, urg, stamp, sack, ce)| Event::Segment {
            flags,
            seq,
            ack,
            len,
            wnd,
            urg,
            stamp,
            sack,
            ce,
        });
    prop_oneof![
        12 => segment,
        4 => (prop_oneof![1u32..20, 1u32..5000, Just(100_000u32)], any::<bool>(), any::<bool>())
            .prop_map(|(len, urgent, more)| Event::Write { len, urgent: urgent && more, more }),
        3 => prop_oneof![1u32..20, Just(100_000u32)].prop_map(Event::Read),
        1 => Just(Event::ReadUrgent),
        1 => Just(Event::Shutdown),
        1 => prop_oneof![3 => Just(Event::Close), 1 => Just(Event::Abort)],
        1 => (0u8..14).prop_map(Event::Option),
        1 => (0u8..3, offset(), any::<u16>()).prop_map(|(kind, seq, mtu)| Event::Icmp { kind, seq, mtu }),
        4 => prop_oneof![0u64..300, 0u64..30_000].prop_map(Event::Wait),
        4 => Just(Event::Deadline),
    ]
}
fn config() -> impl Strategy<Value = Config> {
    (0u8..3, any::<u16>(), 0u8..4).prop_map(|(personality, bits, loss)| {
        let base = match personality {
            0 => Config::linux(),
            1 => Config::rfc(),
            _ => Config::freebsd(),
        };
        let bit = |n: u32| bits >> n & 1 == 1;
        Config {
            timestamps: bit(0),
            sack: bit(1),
            window_scaling: bit(2),
            ecn: if bit(3) { Ecn::On } else { Ecn::Off },
            challenge_rst: bit(4),
            challenge_syn: bit(5),
            ack_range: bit(6),
            paws: bit(7),
            shrink_window: bit(8) && bit(9),
            mtu_probing: if bit(10) { MtuProbing::Always } else { MtuProbing::BlackHole },
            keepalive: bit(11),
            nagle: if bit(12) { Nagle::Classic } else { Nagle::Minshall },
            icmp_hard_errors: bit(13),
            dsack: bit(14),
            require_timestamps: bit(15),
            loss_detection: match loss {
                0 => LossDetection::Rack,
                1 => LossDetection::Sack,
                2 => LossDetection::NewReno,
                _ => LossDetection::TimeoutOnly,
            },
            ..base
        }
    })
}

/// An end in the nth of the states.
fn start(config: Config, n: u8) -> Lone {
    if n < 2 {
        let mut end = Lone::syn_sent(config);
        if n == 1 {
            let syn = end.segment(Flags::SYN, 0, 0);
            end.show(&syn);
        }
        return end;
    }
    let mut end = Lone::established(config);
    let fin = end.segment(Flags::FIN | Flags::ACK, 1, 1);
    let ack = end.segment(Flags::ACK, 1, 2);
    match n {
        3 => end.call(|t, now, out| t.close(now, out)).0,
        4 => {
            end.call(|t, now, out| t.shutdown_write(now, out)).0.unwrap();
            end.show(&ack);
        }
        5 => drop(end.show(&fin)),
        6 => {
            end.call(|t, now, out| t.shutdown_write(now, out)).0.unwrap();
            end.show(&fin);
        }
        7 => {
            end.show(&fin);
            end.call(|t, now, out| t.shutdown_write(now, out)).0.unwrap();
        }
        8 => {
            end.call(|t, now, out| t.close(now, out));
            end.show(&ack);
        }
        9 => {
            end.write(30_000);
            end.call(|t, now, out| t.shutdown_write(now, out)).0.unwrap();
        }
        _ => {}
    }
    end
}

/// SND.UNA and RCV.NXT as the end has them, or as good as.
fn anchors(end: &Lone) -> (Seq, Seq, u32) {
    match &end.tcb {
        Tcb::Open(c) => (c.snd.queue.una(), c.rcv.nxt(), c.ts.map_or(0, |ts| ts.recent)),
        _ => (Seq::initial(SeqNum(ISS_A)) + 1, Seq::initial(SeqNum(ISS_B)) + 1, ISS_B),
    }
}

fn apply(end: &mut Lone, event: &Event) {
    let (una, nxt, recent) = anchors(end);
    let relative = |base: Seq, offset: i32| SeqNum((base.0 as u32).wrapping_add(offset as u32));
    match event {
        Event::Segment { flags, seq, ack, len, wnd, urg, stamp, sack, ce } => {
            let mut segment = Segment {
                src: 80,
                dst: 40_000,
                seq: relative(nxt, *seq),
                ack: relative(una, *ack),
                flags: Flags(*flags),
                wnd: *wnd,
                urg: *urg,
                payload: Payload::Pattern { stream: 3, offset: nxt.0, len: u32::from(*len) },
                ..Segment::default()
            };
            segment.options.timestamps =
                stamp.map(|s| Timestamps { val: recent.wrapping_add(s as u32), ecr: ISS_A });
            segment.options.mss = segment.has(Flags::SYN).then_some(*urg);
            segment.options.wscale = segment.has(Flags::SYN).then_some(*len as u8);
            segment.options.sack_permitted = segment.has(Flags::SYN);
            for (left, len) in sack {
                let left = relative(una, *left);
                segment.options.sack.push(left, left.add(u32::from(*len)));
            }
            let mark = if *ce { EcnCodepoint::Ce } else { EcnCodepoint::NotEct };
            let answers = end.show_marked(&segment, mark).len();
            assert!(answers < 3000, "{answers} segments for one");
        }
        Event::Write { len, urgent, more } => {
            let data = Payload::Pattern { stream: 1, offset: 0, len: *len };
            let flags = SendFlags { urgent: *urgent, more: *more, ..SendFlags::default() };
            let _ = end.call(|t, now, out| t.send(now, data, flags, out));
        }
        Event::Read(max) => drop(end.call(|t, now, out| t.recv(now, *max, out))),
        Event::ReadUrgent => drop(end.tcb.recv_urgent(false)),
        Event::Shutdown => drop(end.call(|t, now, out| t.shutdown_write(now, out))),
        Event::Close => drop(end.call(|t, now, out| t.close(now, out))),
        Event::Abort => drop(end.call(|t, now, out| t.abort(now, Rule::AbortCall, out))),
        Event::Option(n) => {
            let second = Duration::from_secs(1);
            let option = [
                SocketOption::NoDelay(true),
                SocketOption::NoDelay(false),
                SocketOption::Cork(true),
                SocketOption::Cork(false),
                SocketOption::QuickAck(true),
                SocketOption::QuickAck(false),
                SocketOption::KeepAlive(true),
                SocketOption::KeepIdle(second),
                SocketOption::UserTimeout(second * 5),
                SocketOption::Linger(Some(Duration::ZERO)),
                SocketOption::RcvBuf(2000),
                SocketOption::SndBuf(3000),
                SocketOption::MaxSeg(88),
                SocketOption::OobInline(true),
            ][usize::from(*n)];
            let _ = end.call(|t, now, out| t.set_option(now, option, out));
        }
        Event::Icmp { kind, seq, mtu } => {
            let error = match kind {
                0 => IcmpError::Soft(Errno::EHOSTUNREACH),
                1 => IcmpError::Hard(Errno::ECONNREFUSED),
                _ => IcmpError::TooBig(*mtu),
            };
            let seq = relative(una, *seq);
            end.call(|t, now, out| t.on_icmp(now, error, seq, out));
        }
        Event::Wait(millis) => drop(end.wait_until(end.now + Duration::from_millis(*millis))),
        Event::Deadline => {
            let at = end.tcb.deadline();
            if at != Time::NEVER {
                end.wait_until(at.max(end.now));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_loops_or_grows(config in config(), n in 0u8..10, events in proptest::collection::vec(event(), 1..60)) {
        let mut end = start(config, n);
        for event in &events {
            apply(&mut end, event);
            if matches!(end.tcb, Tcb::TimeWait(_)) && end.tcb.deadline() <= end.now {
                break;
            }
            let mut calls = 0;
            while end.tcb.deadline() <= end.now {
                end.tcb.on_deadline(end.now, &mut end.out);
                calls += 1;
                prop_assert!(calls < 50, "the deadline does not move");
            }
            if let Some(record) = end.out.time_wait.take()
                && !matches!(&end.tcb, Tcb::Open(c) if c.state() == State::TimeWait && c.readable().0 > 0)
            {
                end.tcb = Tcb::TimeWait(record);
            }
            end.out.segments.clear();
            if let Tcb::Open(connection) = &end.tcb {
                check(connection);
                let most = u64::from(connection.socket.rcv_buf_max(&connection.config)).max(70_000) + (2 << 14);
                prop_assert!(connection.rcv.buffer.unread() + connection.rcv.buffer.held() <= most);
                prop_assert!(connection.snd.buffer.len() <= u64::from(connection.config.snd_buf_max).max(100_000));
            }
            let _ = end.tcb.info(end.now);
        }
    }
}
