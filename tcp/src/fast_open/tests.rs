use super::*;

fn hex(cookie: TfoCookie) -> String {
    format!("{cookie:?}")
}

/// 7413/4.1.2-MAC; the values of Linux, IPv4 and IPv6.
#[test]
fn cookies_of_linux() {
    let [Some(key), None] = parse_keys("a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4").unwrap() else { panic!() };
    let (client, server) = ([192, 0, 2, 1].into(), [192, 168, 0, 1].into());
    assert_eq!(hex(cookie(key, client, server)), "3021b9d889017eeb");
    assert_eq!(hex(cookie([0; 16], client, server)), "b7c12350a90dc8f5");
    assert_ne!(cookie(key, [192, 0, 2, 2].into(), server), cookie(key, client, server));
    let [_, second] = parse_keys("1-2-3-4,a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4").unwrap();
    assert_eq!(second, Some(key));
    for wrong in ["", "1-2-3", "1-2-3-4-5", "x-2-3-4", "1-2-3-4,"] {
        assert_eq!(parse_keys(wrong), None, "{wrong}");
    }
}

/// The segments of an open with so much data towards a server that took `mss` the last time.
fn open_with(data: u32, mss: Option<u16>) -> (crate::opening::Opening, crate::Out) {
    let tuple = Tuple { local: ([10, 0, 0, 1], 40_000).into(), remote: ([10, 0, 0, 2], 80).into() };
    let what = crate::tcb::Connect {
        tuple,
        mtu: 1500,
        config: std::sync::Arc::new(Config { isn: crate::config::IsnSource::Fixed(1000), ..Config::linux() }),
        options: Vec::new(),
        reuses: None,
    };
    let option = FastOpenOption { cookie: TfoCookie::new(&[7; 8]), experimental: false };
    let data = Payload::Pattern { stream: 1, offset: 0, len: data };
    let ask = FastConnect { option: Some(option), mss, data, more: false };
    let mut out = crate::Out::default();
    let opening =
        crate::opening::Opening::connect_fast(Time::ZERO, what, Some(ask), &IsnSecret([1, 2]), &mut out);
    (opening, out)
}

/// 7413/4.1.3-MSSLIM: the data of a SYN fits into what the server took the last time, options taken off, and into the MTU.
#[test]
fn data_of_a_syn_is_cut() {
    for (mss, expected) in [(None, 1420), (Some(1000), 960), (Some(9000), 1420), (Some(100), 60)] {
        let (_, out) = open_with(5000, mss);
        assert_eq!(out.segments[0].segment.payload.len(), expected, "{mss:?}");
        assert!(out.segments[0].segment.options.wire_len() <= 40);
    }
}

/// 7413/4.2.2-PARTACK, 9293/EV-SYNSENT-BADACK: a SYN-ACK may cover the SYN alone, a part of its data, or all of it, and
/// nothing beyond; what it does not cover is sent again at once.
#[test]
fn a_syn_ack_may_cover_a_part() {
    for (ack, opens) in [(1000, false), (1001, true), (1301, true), (1501, true), (1502, false)] {
        let (mut opening, mut out) = open_with(500, None);
        out.segments.clear();
        let syn_ack = Segment {
            src: 80,
            dst: 40_000,
            seq: crate::SeqNum(77),
            ack: crate::SeqNum(ack),
            flags: crate::Flags::SYN | crate::Flags::ACK,
            wnd: 60_000,
            ..Segment::default()
        };
        let at = Time::ZERO + Duration::from_millis(20);
        let opened = opening.on_segment(at, &syn_ack, crate::EcnCodepoint::NotEct, &mut out);
        assert_eq!(opened.is_some(), opens, "{ack}");
        let again: u32 = out.segments.iter().map(|o| o.segment.payload.len()).sum();
        assert_eq!(again, if opens { 1501 - ack } else { 0 }, "{ack}");
    }
}

/// 7413/4.2-PENDING, 7413/5.1-RSTACC: no more than the limit are pending, and one that a reset has ended keeps its place for
/// a minute.
#[test]
fn resets_do_not_free_places() {
    let at = |secs| Time::ZERO + Duration::from_secs(secs);
    let mut server = Server::new(2);
    assert!(server.has_room(at(0)));
    server.begun();
    server.begun();
    assert!(!server.has_room(at(0)));
    server.over(at(1), false);
    assert!(server.has_room(at(1)));
    server.begun();
    server.over(at(2), true);
    server.over(at(3), true);
    assert!(!server.has_room(at(62)), "a minute is not over");
    assert!(server.has_room(at(63)), "the first of them is");
    assert!(server.has_room(at(63)), "and keeps no place any more");
    server.begun();
    assert!(!server.has_room(at(63)));
}

/// 7413/2-DEFAULT: a system that lets only its clients do it (`tcp_fastopen` 1) accepts no data in SYNs and gives no cookies,
/// whatever a listener asks for.
#[test]
fn a_client_only_system_serves_nobody() {
    let tuple = Tuple { local: ([10, 0, 0, 2], 80).into(), remote: ([10, 0, 0, 1], 40_000).into() };
    let asks = Segment {
        options: crate::segment::Options {
            fast_open: Some(Box::new(FastOpenOption { cookie: None, experimental: false })),
            ..Default::default()
        },
        ..Segment::default()
    };
    let judge = |fast_open: u16| {
        let config = Config { fast_open, ..Config::linux() };
        Server::new(5).judge(Time::ZERO, &config, (&tuple, &asks), &IsnSecret([1, 2])).0
    };
    assert!(matches!(judge(CLIENT), Verdict::Ordinary));
    assert!(matches!(judge(CLIENT | SERVER), Verdict::Offer(_)));
}

/// 7413/4.1.2-MAC: while keys change, a cookie of the old one is still good, and the SYN-ACK brings one of the new; any other is
/// answered with a new one, and its data is not taken. So a cookie expires with its key: the second change ends it.
#[test]
fn a_cookie_of_the_old_key() {
    let keys = parse_keys("1-2-3-4,a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4").unwrap();
    let tuple = Tuple { local: ([192, 168, 0, 1], 80).into(), remote: ([192, 0, 2, 1], 40_000).into() };
    let [fresh, old] = keys.map(|key| cookie(key.unwrap(), tuple.remote.ip(), tuple.local.ip()));
    let judge_by = |sent: TfoCookie, keys: [Option<Key>; 2]| {
        let asks = Segment {
            options: crate::segment::Options {
                fast_open: Some(Box::new(FastOpenOption { cookie: Some(sent), experimental: false })),
                ..Default::default()
            },
            ..Segment::default()
        };
        let config = Config { fast_open: CLIENT | SERVER, fast_open_keys: keys, ..Config::linux() };
        Server::new(5).judge(Time::ZERO, &config, (&tuple, &asks), &IsnSecret([1, 2]))
    };
    let judge = |sent| judge_by(sent, keys);
    assert!(matches!(judge(fresh), (Verdict::Accept(None), None)));
    assert!(matches!(judge(old), (Verdict::Accept(Some(new)), None) if new == fresh));
    let foreign = cookie([9; 16], tuple.remote.ip(), tuple.local.ip());
    let verdict = judge(foreign);
    assert!(matches!(verdict, (Verdict::Offer(new), Some(Obstacle::BadCookie)) if new == fresh));
    let [Some(newest), _] = parse_keys("5-6-7-8").unwrap() else { panic!() };
    for (good, keys) in [(true, [keys[1], None]), (true, keys), (false, [Some(newest), keys[0]])] {
        assert_eq!(matches!(judge_by(old, keys), (Verdict::Accept(_), None)), good, "{keys:?}");
    }
}
