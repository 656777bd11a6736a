use proptest::prelude::*;
use tcp::{Duration, EcnCodepoint, Flags, Payload, Segment, Time};

use super::*;
use crate::packet::{Body, Datagram, Icmp, IcmpKind, IpHeader, Packet, PacketId};
use crate::testing::ms;
use crate::trace::DropReason;

fn datagram(id: u64, v6: bool, len: u32) -> Packet {
    let (src, dst) = if v6 {
        ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap())
    } else {
        ([10, 0, 0, 1].into(), [10, 0, 0, 2].into())
    };
    let ip = IpHeader { src, dst, ttl: 64, ecn: EcnCodepoint::NotEct, dscp: 0, df: false, ident: 7 };
    let payload = Payload::Pattern { stream: 1, offset: 0, len };
    Packet { id: PacketId(id), ip, body: Body::Udp(Datagram { src: 1, dst: 2, payload }), flipped_bit: None }
}
fn cut(packet: Packet, mtu: u16) -> Vec<Packet> {
    let mut pieces = Vec::new();
    let count = fragment(packet, mtu, |piece| pieces.push(piece));
    assert_eq!(usize::from(count), pieces.len());
    pieces
}
fn parts(pieces: &[Packet]) -> Vec<(u16, u16, bool)> {
    let part =
        |p: &Packet| if let Body::Fragment(f) = &p.body { (f.offset, f.len, f.more) } else { (0, 0, false) };
    pieces.iter().map(part).collect()
}
fn reassembly() -> Reassembly {
    Reassembly::new(Duration::from_secs(30))
}

#[test]
fn fragments_are_cut_at_multiples_of_eight() {
    // 4000 bytes of data: 4008 with the UDP header. 1480 is a multiple of eight; 1492 - 20 = 1472 is too.
    let pieces = cut(datagram(1, false, 4000), 1500);
    assert_eq!(parts(&pieces), [(0, 1480, true), (1480, 1480, true), (2960, 1048, false)]);
    assert_eq!(pieces.iter().map(Packet::len).collect::<Vec<_>>(), [1500, 1500, 1068]);
    // A fragment that is cut again: the last piece of a middle fragment says that more follow.
    assert_eq!(parts(&cut(pieces[1].clone(), 1000)), [(1480, 976, true), (2456, 504, true)]);
    assert_eq!(parts(&cut(datagram(1, true, 2000), 1280)), [(0, 1232, true), (1232, 776, false)]);
    assert_eq!(cut(datagram(1, false, 100), 1500), [datagram(1, false, 100)], "what fits is not touched");
    assert!(cut(datagram(1, false, 100), 27).is_empty(), "no room for eight octets");
}

proptest! {
    #[test]
    fn fragments_in_any_order_and_repeated_make_the_whole(
        v6 in any::<bool>(), len in 1_400..9_000u32, mtu in 68..1_400u16, again in prop::option::of(68..400u16),
        order in prop::collection::vec(any::<u32>(), 400),
    ) {
        let whole = datagram(1, v6, len);
        let mut pieces = cut(whole.clone(), mtu);
        if let Some(mtu) = again.filter(|_| !v6) {
            pieces = pieces.into_iter().flat_map(|piece| cut(piece, mtu)).collect();
        }
        let mut order = order.into_iter();
        pieces.sort_by_cached_key(|_| order.next());
        let mut r = reassembly();
        let last = pieces.pop().unwrap();
        for piece in pieces {
            prop_assert_eq!(r.add(Time::ZERO, piece.clone()), Ok(None));
            prop_assert_eq!(r.add(Time::ZERO, piece), Ok(None), "a repetition is ignored");
        }
        prop_assert_eq!(r.add(Time::ZERO, last), Ok(Some(whole)));
        prop_assert_eq!((r.pending(), r.deadline()), (0, Time::NEVER));
    }

    #[test]
    fn bytes_of_the_fragments_are_those_of_the_whole(len in 1_500..5_000u32, mtu in 68..1_500u16) {
        let whole = datagram(1, false, len);
        let mut bytes = Vec::new();
        for piece in cut(whole.clone(), mtu) {
            let piece_bytes = wire_of(&piece);
            prop_assert!(piece_bytes.len() <= usize::from(mtu));
            bytes.extend_from_slice(&piece_bytes[20..]);
        }
        prop_assert_eq!(&bytes[..], &wire_of(&whole)[20..]);
    }
}
fn wire_of(packet: &Packet) -> Vec<u8> {
    crate::wire::encode(packet)
}

#[test]
fn a_lost_fragment_loses_the_packet_when_its_time_is_over() {
    let mut r = reassembly();
    let pieces = cut(datagram(1, false, 4000), 1500);
    r.add(ms(5), pieces[2].clone()).unwrap();
    r.add(ms(100), pieces[0].clone()).unwrap();
    assert_eq!(r.deadline(), ms(30_005), "counted from the first that came");
    assert!(r.expire(ms(30_004)).is_empty());
    let expired = r.expire(ms(30_005));
    assert_eq!(expired, [Expired { fragment: pieces[0].clone() }]);
    assert!(
        may_answer(&expired[0].fragment, IcmpKind::ReassemblyTimeExceeded),
        "the first fragment came: ICMP time exceeded"
    );
    assert_eq!(r.add(ms(40_000), pieces[1].clone()), Ok(None), "a late one begins anew");
    assert!(!may_answer(&r.expire(Time::NEVER)[0].fragment, IcmpKind::ReassemblyTimeExceeded));
}

#[test]
fn overlaps_take_the_packet_with_them() {
    let mut r = reassembly();
    let (a, b) = (cut(datagram(1, false, 4000), 1500), cut(datagram(1, false, 4000), 1000));
    r.add(ms(0), a[0].clone()).unwrap();
    assert_eq!(r.add(ms(0), b[1].clone()), Err(DropReason::BadFragment));
    assert_eq!(r.pending(), 0);
    // A second end that is not the first.
    r.add(ms(0), a[2].clone()).unwrap();
    assert_eq!(r.add(ms(0), cut(datagram(1, false, 3500), 1500)[2].clone()), Err(DropReason::BadFragment));
    assert_eq!(r.pending(), 0);
}

#[test]
fn tiny_fragments_that_hide_a_tcp_header_are_dropped() {
    let ip = datagram(1, false, 0).ip;
    let segment =
        Segment { flags: Flags::ACK, payload: Payload::from_bytes(&[1; 100]), ..Segment::default() };
    let packet = Packet { id: PacketId(1), ip, body: Body::Tcp(segment), flipped_bit: None };
    let pieces = cut(packet, 28);
    let mut r = reassembly();
    assert_eq!(r.add(ms(0), pieces[0].clone()), Err(DropReason::BadFragment), "RFC 1858");
    assert_eq!(r.add(ms(0), pieces[1].clone()), Err(DropReason::BadFragment), "RFC 3128");
    assert_eq!(r.pending(), 0);
}

#[test]
fn fragments_of_different_packets_under_one_number_fail_the_checksum() {
    let mut r = reassembly();
    let one = cut(datagram(1, false, 2000), 1500);
    let mut other = datagram(2, false, 2000);
    if let Body::Udp(d) = &mut other.body {
        d.payload = Payload::Pattern { stream: 9, offset: 0, len: 2000 };
    }
    r.add(ms(0), one[0].clone()).unwrap();
    assert_eq!(r.add(ms(0), cut(other, 1500)[1].clone()), Err(DropReason::BadUdpChecksum));
}

#[test]
fn a_bit_flipped_in_a_fragment_is_found_in_the_whole() {
    let mut r = reassembly();
    let mut pieces = cut(datagram(1, false, 2000), 1500);
    pieces[1].flipped_bit = Some(8 * 30);
    r.add(ms(0), pieces[0].clone()).unwrap();
    assert_eq!(r.add(ms(0), pieces[1].clone()), Err(DropReason::BadUdpChecksum));
    // And one flipped before the packet was cut.
    let damaged = Packet { flipped_bit: Some(8 * 1700 + 3), ..datagram(1, false, 2000) };
    let pieces = cut(damaged, 1500);
    assert_eq!(pieces[1].flipped_bit, Some(8 * 220 + 3));
    assert_eq!(
        (pieces[0].flipped_bit, &wire_of(&pieces[0])[20..40]),
        (None, &wire_of(&datagram(1, false, 2000))[20..40])
    );
}

#[test]
fn memory_is_bounded() {
    let mut r = reassembly();
    let mut refused = 0;
    for ident in 0..10_000u16 {
        let mut packet = datagram(u64::from(ident), false, 2000);
        packet.ip.ident = ident;
        refused += u32::from(r.add(ms(0), cut(packet, 1500)[0].clone()).is_err());
    }
    assert!(r.pending() < 4_000 && refused > 6_000);
    let waiting = r.pending();
    assert_eq!((r.expire(Time::NEVER).len(), r.pending()), (waiting, 0));
    assert!(r.add(ms(0), cut(datagram(1, false, 2000), 1500)[0].clone()).is_ok(), "there is room again");
}

#[test]
fn congestion_experienced_by_one_fragment_is_experienced_by_all() {
    let join = |codes: [EcnCodepoint; 2]| {
        let mut r = reassembly();
        let mut pieces = cut(datagram(1, false, 2000), 1500);
        (pieces[0].ip.ecn, pieces[1].ip.ecn) = (codes[0], codes[1]);
        r.add(ms(0), pieces[0].clone()).unwrap();
        r.add(ms(0), pieces[1].clone()).map(|p| p.unwrap().ip.ecn)
    };
    assert_eq!(join([EcnCodepoint::Ect0, EcnCodepoint::Ce]), Ok(EcnCodepoint::Ce));
    assert_eq!(join([EcnCodepoint::NotEct, EcnCodepoint::Ce]), Err(DropReason::BadFragment));
}

#[test]
fn no_icmp_error_about_these() {
    let may_answer = |about: &Packet| may_answer(about, IcmpKind::TtlExceeded);
    let good = datagram(1, false, 2000);
    assert!(may_answer(&good));
    let to = |dst: [u8; 4]| Packet { ip: IpHeader { dst: dst.into(), ..good.ip }, ..good.clone() };
    let from = |src: [u8; 4]| Packet { ip: IpHeader { src: src.into(), ..good.ip }, ..good.clone() };
    assert!(!may_answer(&to([224, 0, 0, 1])) && !may_answer(&to([255; 4])));
    for src in [[0; 4], [127, 0, 0, 1], [224, 0, 0, 1], [255; 4], [240, 0, 0, 1]] {
        assert!(!may_answer(&from(src)), "{src:?}");
    }
    let pieces = cut(good.clone(), 1500);
    assert!(may_answer(&pieces[0]) && !may_answer(&pieces[1]));
    let icmp = Icmp { kind: IcmpKind::TtlExceeded, quote: quote(&good) };
    assert!(!may_answer(&Packet { body: Body::Icmp(Box::new(icmp)), ..good }));
}

#[test]
fn the_path_mtu_is_learnt_bounded_and_forgotten() {
    let (linux, rfc) = (tcp::Config::linux(), tcp::Config::rfc());
    let mut cache = PathMtu::default();
    let dst = [10, 0, 0, 2].into();
    assert_eq!(cache.get(ms(0), dst, 1500), 1500);
    assert_eq!(cache.learn(ms(0), dst, 1400, (1500, 1500), &linux), Some(1400));
    assert_eq!(cache.learn(ms(1), dst, 1450, (1500, 1500), &linux), None, "larger than known");
    assert_eq!(cache.get(ms(1), dst, 1500), 1400);
    assert_eq!(cache.learn(ms(2), dst, 68, (1400, 1500), &linux), Some(552), "nothing smaller is believed");
    assert_eq!(cache.get(ms(600_001), dst, 1500), 552);
    assert_eq!(cache.get(ms(600_002), dst, 1500), 1500, "ten minutes later");
    assert_eq!(
        cache.learn(ms(600_002), dst, 0, (1500, 1500), &linux),
        Some(1492),
        "the next plateau (RFC 1191, 7.1)"
    );
    let lower = cache.learn(ms(600_003), dst, 68, (1492, 1500), &rfc);
    assert_eq!(lower, Some(68), "1191/3-MIN68: the floor is the host's");
    // 5927/7.2-CLAIM, 8201/4-MIN1280: no path has such an MTU.
    assert_eq!(cache.learn(ms(600_004), [10, 0, 0, 3].into(), 67, (1492, 1500), &rfc), None);
    let v6 = "2001:db8::2".parse().unwrap();
    assert_eq!(cache.learn(ms(600_004), v6, 1279, (1500, 1500), &linux), None);
    assert_eq!(cache.learn(ms(600_004), v6, 1280, (1500, 1500), &linux), Some(1280));
}

/// 8200/4.5-OVERLAP, 8200/4.5-60S, 5722/4-NOCREATE: over IPv6 an overlap discards the packet with all that is still to come of
/// it, for a minute.
#[test]
fn an_overlap_spoils_an_ipv6_packet() {
    let mut r = reassembly();
    let (a, b) = (cut(datagram(1, true, 4000), 1500), cut(datagram(1, true, 4000), 1280));
    r.add(ms(0), a[0].clone()).unwrap();
    assert_eq!(r.deadline(), ms(60_000));
    assert_eq!(r.add(ms(0), b[1].clone()), Err(DropReason::BadFragment));
    for piece in &a {
        assert_eq!(r.add(ms(1), piece.clone()), Err(DropReason::BadFragment));
    }
    assert_eq!((r.pending(), r.deadline()), (0, ms(60_000)));
    assert!(r.expire(ms(60_000)).is_empty(), "in silence");
    for piece in &a[..2] {
        assert_eq!(r.add(ms(60_001), piece.clone()), Ok(None));
    }
    assert!(matches!(r.add(ms(60_001), a[2].clone()), Ok(Some(_))), "another packet of that number");
}

/// 815/3-BOUND, SAFE/OOBFUZZ: fragments that would make more than a packet can hold (ping of death) are dropped: 65,535 octets,
/// over IPv4 with the header of 20 (RFC 791, section 3.1), over IPv6 behind it (RFC 8200, section 3).
#[test]
fn nothing_beyond_the_largest_packet() {
    for (v6, offset, len, taken) in [
        (false, 65_512, 3, true),
        (false, 65_512, 4, false),
        (false, 65_520, 100, false),
        (true, 65_528, 7, true),
        (true, 65_528, 8, false),
    ] {
        let pieces = cut(datagram(1, v6, 4000), 1500);
        let mut piece = pieces[2].clone();
        let Body::Fragment(fragment) = &mut piece.body else { panic!("a fragment") };
        (fragment.offset, fragment.len) = (offset, len);
        assert_eq!(reassembly().add(ms(0), piece).is_ok(), taken, "{len} at {offset}");
    }
}
