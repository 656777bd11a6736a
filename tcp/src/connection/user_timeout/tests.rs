use super::*;
use crate::connection::tests::{Lone, ms};
use crate::segment::{Flags, Segment};
use crate::tcb::SocketOption;
use crate::{Out, State, Tcb, Time};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}
fn option(time: Duration) -> Option<NonZeroU16> {
    encode(time)
}
/// Told 150 s to peers, and honours what they tell.
fn willing() -> Config {
    Config { user_timeout_option: Some(secs(150)), user_timeout_adopt: true, ..Config::linux() }
}
/// An acceptable segment of the peer with the option.
fn tells(end: &Lone, time: Duration) -> Segment {
    let mut segment = end.segment(Flags::ACK, 1, 1);
    segment.options.user_timeout = option(time);
    segment
}
/// The timeout that the connection goes by.
fn timeout(end: &Lone) -> Option<Duration> {
    end.connection().user_timeout()
}
/// The option of each segment that was sent.
fn sent(out: &mut Out) -> Vec<Option<Duration>> {
    std::mem::take(&mut out.segments)
        .iter()
        .map(|o| o.segment.options.user_timeout.and_then(decode))
        .collect()
}

/// 5482/3.3-FMT, 5482/3.4-RES: seconds in fifteen bits, then minutes; zero is not sent, and means nothing.
#[test]
fn values_on_the_wire() {
    for (time, raw, back) in [
        (secs(1), 1, secs(1)),
        (Duration::from_millis(1500), 2, secs(2)),
        (secs(32_767), 32_767, secs(32_767)),
        (secs(32_768), 0x8000 | 547, secs(547 * 60)),
        (secs(7200 * 60), 0x8000 | 7200, secs(7200 * 60)),
        (secs(u64::MAX / 2_000_000_000), 0xffff, secs(32_767 * 60)),
    ] {
        let wire = encode(time).unwrap();
        assert_eq!((wire.get(), decode(wire)), (raw, Some(back)), "{time}");
    }
    assert_eq!(encode(Duration::ZERO), None);
    assert_eq!(decode(NonZeroU16::new(0x8000).unwrap()), None);
    let mut end = Lone::established(willing());
    let mut reserved = end.segment(Flags::ACK, 1, 1);
    reserved.options.user_timeout = NonZeroU16::new(0x8000);
    end.show(&reserved);
    assert_eq!(timeout(&end), None, "the reserved value is ignored");
}

/// 5482/3.1-FORM, 5482/3-LIMITS, 5482/3.1-LLIM, 5482/3.1-RTO: the larger of both, within the limits, above the RTO.
#[test]
fn the_longer_of_both_within_limits() {
    let config = willing();
    let rto = Duration::from_millis(300);
    let by = |remote| adopted(&config, Some(secs(150)), remote, rto);
    assert_eq!([secs(1), secs(120), secs(200)].map(by), [secs(150), secs(150), secs(200)]);
    assert_eq!(by(secs(100_000)), secs(3600));
    assert_eq!(adopted(&config, None, secs(1), rto), secs(100), "L_LIMIT");
    assert!(adopted(&config, None, secs(1), secs(119)) > secs(119), "the RTO");
    let narrow = Config { user_timeout_most: secs(50), ..config };
    assert!(adopted(&narrow, None, secs(1), secs(119)) > secs(119));
}

/// 5482/3.3-SYNCH: what a SYN says holds once the connection is open; until then the limits of the open do. 5482/3-FIRST,
/// 5482/3.2-UNREL: each SYN has the option, and so has the first segment behind it.
#[test]
fn the_syn_and_the_first_segment() {
    let mut end = Lone::syn_sent(willing());
    assert_eq!(sent(&mut end.out), [Some(secs(150))]);
    end.now = ms(1000);
    end.tcb.on_deadline(end.now, &mut end.out);
    assert_eq!(sent(&mut end.out), [Some(secs(150))], "the repeated SYN");
    let mut syn_ack = end.segment(Flags::SYN | Flags::ACK, 0, 1);
    syn_ack.options.user_timeout = option(secs(400));
    assert_eq!(end.state(), State::SynSent);
    end.tcb.on_segment(end.now, &syn_ack, crate::EcnCodepoint::NotEct, &mut end.out);
    assert_eq!(sent(&mut end.out), [Some(secs(150))], "the ACK");
    assert_eq!(timeout(&end), Some(secs(400)));
    end.write(10);
    assert_eq!(sent(&mut end.out).iter().flatten().count(), 0, "and no more");
    // In SYN-SENT what came would have meant nothing: the open ends by its own limits.
    let mut alone = Lone::syn_sent(willing());
    let limit = alone.wait_until(ms(200_000)).len();
    // The SYN and its ten copies.
    assert_eq!((limit, alone.state()), (11, State::Closed));
}

/// 5482/3-CHANGE, 5482/3.1-NOTCH: a program that sets its timeout keeps it, and can see what the peer would have liked.
/// 5482/3-NEXT: a change is told with the next segment.
#[test]
fn a_program_that_decides() {
    let mut end = Lone::established(willing());
    let heard = tells(&end, secs(300));
    end.show(&heard);
    assert_eq!(timeout(&end), Some(secs(300)));
    end.call(|t, now, out| t.set_option(now, SocketOption::UserTimeout(secs(20)), out)).0.unwrap();
    assert_eq!(timeout(&end), Some(secs(20)));
    let heard = tells(&end, secs(500));
    end.show(&heard);
    assert_eq!(timeout(&end), Some(secs(20)));
    assert_eq!(end.connection().socket.remote_user_timeout(), Some(secs(500)));
    let _ = end.tcb.send(end.now, crate::Payload::from_bytes(b"hello"), Default::default(), &mut end.out);
    assert_eq!(sent(&mut end.out), [Some(secs(20))]);
    // Without it, what the peer said last counts again.
    end.call(|t, now, out| t.set_option(now, SocketOption::UserTimeout(Duration::ZERO), out)).0.unwrap();
    assert_eq!(timeout(&end), Some(secs(500)));
}

/// 5482/3-IGN: who does not know the option sees no difference.
#[test]
fn ignored_where_it_is_off() {
    for config in [Config::linux(), Config::freebsd(), Config::rfc()] {
        let before = config.user_timeout;
        let mut end = Lone::established(config);
        let heard = tells(&end, secs(300));
        assert_eq!(end.show(&heard), [""; 0]);
        assert_eq!((timeout(&end), end.connection().socket.remote_user_timeout()), (before, None));
    }
}

/// The adopted timeout ends a connection whose data is not acknowledged, sooner or later than R2 would.
#[test]
fn the_adopted_timeout_is_the_limit() {
    for (told, most) in [(secs(200), 200), (secs(2000), 2000)] {
        let mut end = Lone::established(Config { user_timeout_option: None, ..willing() });
        let heard = tells(&end, told);
        end.show(&heard);
        end.write(1000);
        end.wait_until(Time::ZERO + secs(most - 1));
        assert_eq!(end.state(), State::Established, "{told}");
        end.wait_until(Time::ZERO + secs(most + 2));
        assert!(end.tcb.is_closed(), "{told}");
    }
}

/// 5482/4.2-KA: keepalive does not give up before the adopted timeout.
#[test]
fn keepalive_waits_for_the_adopted_timeout() {
    for r2 in [crate::config::RetryLimit::Doublings(15), crate::config::RetryLimit::Count(12)] {
        let mut end = Lone::established(Config { r2, ..willing() });
        for option in [
            SocketOption::KeepAlive(true),
            SocketOption::KeepIdle(secs(10)),
            SocketOption::KeepInterval(secs(5)),
            SocketOption::KeepCount(3),
        ] {
            end.call(|t, now, out| t.set_option(now, option, out)).0.unwrap();
        }
        let heard = tells(&end, secs(200));
        end.show(&heard);
        end.wait_until(Time::ZERO + secs(200));
        assert!(!matches!(&end.tcb, Tcb::Open(c) if c.state() == State::Closed), "given up too soon");
        end.wait_until(Time::ZERO + secs(210));
        assert!(end.tcb.is_closed());
    }
}

/// A segment that is full of data does not grow beyond the MSS by the option.
#[test]
fn data_leaves_room_for_the_option() {
    let mut end = Lone::established(willing());
    end.call(|t, now, out| t.set_option(now, SocketOption::UserTimeoutOption(secs(500)), out)).0.unwrap();
    let data = crate::Payload::Pattern { stream: 1, offset: 0, len: 5000 };
    let _ = end.tcb.send(end.now, data, Default::default(), &mut end.out);
    let sizes: Vec<(u32, u32)> =
        end.out.segments.iter().map(|o| (o.segment.payload.len(), o.segment.options.wire_len())).collect();
    assert_eq!(sizes[..2], [(1444, 16), (1448, 12)]);
}

/// What was sent in full before the option was owed goes again in a shorter segment, which carries it; once.
#[test]
fn a_retransmission_makes_room() {
    for (len, again) in [(1448, 1444), (1444, 1444), (10, 10)] {
        let mut end = Lone::established(Config { tail_loss_probe: false, ..willing() });
        end.write(len);
        end.call(|t, now, out| t.set_option(now, SocketOption::UserTimeoutOption(secs(500)), out)).0.unwrap();
        for (option, most) in [(Some(secs(500)), again), (None, len)] {
            end.now = end.tcb.deadline();
            end.tcb.on_deadline(end.now, &mut end.out);
            let size: u32 = end.out.segments.iter().map(|o| o.segment.payload.len()).sum();
            assert!(size <= most && size + 4 > most, "{size} of {len} octets");
            assert_eq!(sent(&mut end.out), [option]);
        }
    }
}
