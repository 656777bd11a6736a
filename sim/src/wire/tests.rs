use std::net::IpAddr;

use proptest::prelude::*;
use tcp::{EcnCodepoint, Flags, Payload, Segment, SeqNum, Timestamps};

use super::*;
use crate::packet::{Datagram, Echo, Icmp, IcmpKind, Quote};

fn addresses(v6: bool) -> (IpAddr, IpAddr) {
    if v6 {
        ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap())
    } else {
        ([192, 168, 30, 133].into(), [192, 168, 30, 129].into())
    }
}

fn header() -> impl Strategy<Value = IpHeader> {
    (any::<bool>(), any::<u8>(), any::<u8>(), any::<bool>(), any::<u16>()).prop_map(
        |(v6, ttl, class, df, ident)| {
            let (src, dst) = addresses(v6);
            let (df, ident) = if v6 { (true, 0) } else { (df, ident) };
            IpHeader { src, dst, ttl, ecn: ip::ecn_of(class), dscp: class >> 2, df, ident }
        },
    )
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Payload::from_bytes(&bytes)),
        (any::<u32>(), 0..1_000_000u64, 0..1460u32).prop_map(|(stream, offset, len)| Payload::Pattern {
            stream,
            offset,
            len
        }),
    ]
}

fn kind() -> impl Strategy<Value = IcmpKind> {
    prop_oneof![
        Just(IcmpKind::NetUnreachable),
        Just(IcmpKind::HostUnreachable),
        Just(IcmpKind::ProtocolUnreachable),
        Just(IcmpKind::PortUnreachable),
        Just(IcmpKind::AdminProhibited),
        Just(IcmpKind::TtlExceeded),
        Just(IcmpKind::ReassemblyTimeExceeded),
        any::<u16>().prop_map(IcmpKind::FragmentationNeeded),
        any::<u8>().prop_map(IcmpKind::ParameterProblem),
        (5u8..13).prop_map(|code| IcmpKind::Other { kind: 3, code }),
    ]
}

fn packet() -> impl Strategy<Value = Packet> {
    let tcp = (any::<(u16, u16, u32, u32, u16)>(), any::<Option<(u32, u32)>>(), payload());
    let tcp = tcp.prop_map(|((src, dst, seq, ack, wnd), ts, payload)| {
        let (seq, ack, flags) = (SeqNum(seq), SeqNum(ack), Flags::ACK | Flags::PSH);
        let mut segment = Segment { src, dst, seq, ack, flags, wnd, payload, ..Segment::default() };
        segment.options.timestamps = ts.map(|(val, ecr)| Timestamps { val, ecr });
        Body::Tcp(segment)
    });
    let udp = (any::<(u16, u16)>(), payload())
        .prop_map(|((src, dst), payload)| Body::Udp(Datagram { src, dst, payload }));
    let icmp =
        (kind(), any::<(u16, u16, u32)>(), any::<bool>()).prop_map(|(kind, (src, dst, seq), is_tcp)| {
            let (protocol, seq) = if is_tcp { (PROTO_TCP, SeqNum(seq)) } else { (PROTO_UDP, SeqNum(0)) };
            let (a, b) = addresses(false);
            let ip =
                IpHeader { src: b, dst: a, ttl: 3, ecn: EcnCodepoint::Ect0, dscp: 0, df: true, ident: 7 };
            Body::Icmp(Box::new(Icmp { kind, quote: Quote { ip, len: 1500, protocol, src, dst, seq } }))
        });
    let echo = (any::<(bool, u16, u16)>(), payload())
        .prop_map(|((reply, ident, seq), payload)| Body::Echo(Echo { reply, ident, seq, payload }));
    (header(), prop_oneof![tcp, udp, icmp, echo]).prop_map(|(ip, mut body)| {
        if let Body::Icmp(icmp) = &mut body {
            (icmp.quote.ip.dst, icmp.quote.ip.src) = (ip.src, ip.dst);
            if ip.is_v6() {
                icmp.quote.ip.ident = 0;
            }
        }
        Packet { id: PacketId(1), ip, body, flipped_bit: None }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(packet in packet()) {
        let bytes = encode(&packet);
        prop_assert_eq!(bytes.len(), packet.len() as usize);
        prop_assert_eq!(decode(packet.id, &bytes), Ok(packet));
    }

    #[test]
    fn no_flipped_bit_delivers_anything_else(packet in packet(), bit in any::<u32>()) {
        let bit = bit % (8 * packet.len());
        let damaged = Packet { flipped_bit: Some(bit), ..packet.clone() };
        if let Ok(received) = as_received(damaged) {
            // Two bits may flip unnoticed: over IPv6 those that no checksum covers, and a UDP checksum that becomes
            // zero, which says that there is none.
            let unprotected = packet.ip.is_v6() && matches!(bit, 4..=31 | 56..=63);
            prop_assert!(unprotected || matches!(packet.body, Body::Udp(_)), "bit {}", bit);
            prop_assert_eq!(received.body, packet.body);
        }
    }

    #[test]
    fn no_byte_string_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..120), first in any::<u8>()) {
        if let Some(byte) = bytes.first_mut() {
            *byte = [0x45, 0x60, first][usize::from(first) % 3];
        }
        let _ = decode(PacketId(1), &bytes);
        let (src, dst) = addresses(false);
        let ip = IpHeader { src, dst, ttl: 1, ecn: EcnCodepoint::NotEct, dscp: 0, df: true, ident: 0 };
        for protocol in [PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP, 99] {
            let _ = decode_payload(PacketId(1), ip, protocol, &bytes);
        }
    }
}

/// The header of RFC 791's appendix A, example 1, extended by a checksum worked out by hand.
#[test]
fn an_ipv4_header_is_as_the_rfc_draws_it() {
    let ip = IpHeader {
        src: [192, 168, 0, 1].into(),
        dst: [192, 168, 0, 199].into(),
        ttl: 64,
        ecn: EcnCodepoint::NotEct,
        dscp: 0,
        df: true,
        ident: 0,
    };
    let body = Body::Udp(Datagram { src: 1, dst: 2, payload: Payload::from_bytes(&[0; 87]) });
    let packet = Packet { id: PacketId(1), ip, body, flipped_bit: None };
    // The example that the textbooks use: 4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7.
    let header =
        [0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7];
    assert_eq!(encode(&packet)[..20], header);
}

#[test]
fn the_right_checksum_catches_a_flipped_bit() {
    let (src, dst) = addresses(false);
    let ip = IpHeader { src, dst, ttl: 64, ecn: EcnCodepoint::NotEct, dscp: 0, df: true, ident: 0 };
    let segment = Segment { flags: Flags::ACK, payload: Payload::from_bytes(b"data"), ..Segment::default() };
    let packet = Packet { id: PacketId(1), ip, body: Body::Tcp(segment), flipped_bit: None };
    let at = |bit| Packet { flipped_bit: Some(bit), ..packet.clone() };
    assert_eq!(as_received(at(8 * 40)), Err(DropReason::Tcp(tcp::Rule::BadChecksum)));
    assert_eq!(as_received(at(8 * 13)), Err(DropReason::BadIpChecksum));
    assert_eq!(look_at_header(&mut at(8 * 13)), Err(DropReason::BadIpChecksum));
    assert_eq!(look_at_header(&mut at(8 * 40)), Ok(()), "a router does not look that far");
}

/// 9293/MUST-50: options of an IPv4 header are passed over, on a packet and on what an ICMP error quotes.
#[test]
fn ip_options_are_passed_over() {
    let (src, dst) = addresses(false);
    let ip = IpHeader { src, dst, ttl: 64, ecn: EcnCodepoint::NotEct, dscp: 0, df: true, ident: 0 };
    let segment = Segment { flags: Flags::ACK, payload: Payload::from_bytes(b"data"), ..Segment::default() };
    let packet = Packet { id: PacketId(1), ip, body: Body::Tcp(segment), flipped_bit: None };
    let with_option = |bytes: &[u8]| {
        let mut long = bytes.to_vec();
        long[0] = 0x46;
        long[3] += 4;
        long.splice(20..20, [0x9e, 4, 7, 7]); // option 30, copied
        long[10..12].copy_from_slice(&[0, 0]);
        let sum = tcp::wire::Checksum::default().with(&long[..24]).finish();
        long[10..12].copy_from_slice(&sum.to_be_bytes());
        long
    };
    let mut long = with_option(&encode(&packet));
    assert_eq!(decode(packet.id, &long), Ok(packet.clone()));
    long[22] ^= 1;
    assert_eq!(decode(packet.id, &long), Err(DropReason::BadIpChecksum), "options are part of the header");
    // An ICMP error whose quote has the option: type 3, code 1.
    let quoted = with_option(&encode(&packet));
    let mut error = vec![3, 1, 0, 0, 0, 0, 0, 0];
    error.extend_from_slice(&quoted[..32]);
    let sum = tcp::wire::Checksum::default().with(&error).finish();
    error[2..4].copy_from_slice(&sum.to_be_bytes());
    let Ok(Packet { body: Body::Icmp(icmp), .. }) = decode_payload(PacketId(2), ip, PROTO_ICMP, &error)
    else {
        panic!("an ICMP error");
    };
    assert_eq!((icmp.quote.src, icmp.quote.seq), (0, SeqNum(0)));
    assert_eq!(icmp.quote.protocol, PROTO_TCP);
}

/// 9293/MUST-55, 6633/3-DISCARD, 1122/3.2.2-UNKTYPE: a source quench is dropped before anybody hears of it, and so is each type
/// that is none of those known.
#[test]
fn source_quench_is_dropped() {
    let (src, dst) = addresses(false);
    let ip = IpHeader { src, dst, ttl: 64, ecn: EcnCodepoint::NotEct, dscp: 0, df: true, ident: 0 };
    let segment = Segment { flags: Flags::ACK, ..Segment::default() };
    let quoted = encode(&Packet { id: PacketId(1), ip, body: Body::Tcp(segment), flipped_bit: None });
    // Echo, echo reply, destination unreachable, time exceeded, parameter problem.
    let known = [0, 3, 8, 11, 12];
    for kind in 0..=u8::MAX {
        let taken = known.contains(&kind);
        let mut error = vec![kind, 0, 0, 0, 0, 0, 0, 0];
        error.extend_from_slice(&quoted[..28]);
        let sum = tcp::wire::Checksum::default().with(&error).finish();
        error[2..4].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(decode_payload(PacketId(2), ip, PROTO_ICMP, &error).is_ok(), taken, "type {kind}");
    }
}

/// 9293/DSCP-IGNORE: whatever the upper six bits of the traffic class say, the segment is the same.
#[test]
fn dscp_is_ignored() {
    for v6 in [false, true] {
        let (src, dst) = addresses(v6);
        let ip = IpHeader { src, dst, ttl: 64, ecn: EcnCodepoint::Ect0, dscp: 0, df: true, ident: 0 };
        let segment = Segment { flags: Flags::ACK, ..Segment::default() };
        let packet = Packet { id: PacketId(1), ip, body: Body::Tcp(segment), flipped_bit: None };
        let mut bytes = encode(&packet);
        for dscp in 0..64_u8 {
            if v6 {
                bytes[..2].copy_from_slice(&[0x60 | dscp >> 2, dscp << 6 | 2 << 4]);
            } else {
                bytes[1] = dscp << 2 | 2;
                bytes[10..12].copy_from_slice(&[0, 0]);
                let sum = tcp::wire::Checksum::default().with(&bytes[..20]).finish();
                bytes[10..12].copy_from_slice(&sum.to_be_bytes());
            }
            let marked = Packet { ip: IpHeader { dscp, ..ip }, ..packet.clone() };
            assert_eq!(decode(packet.id, &bytes), Ok(marked), "{dscp}");
        }
    }
}

/// 9293/MUST-53 is waived: a source route goes nowhere. Options with impossible lengths are refused.
#[test]
fn source_routes_are_refused() {
    let (src, dst) = addresses(false);
    let ip = IpHeader { src, dst, ttl: 64, ecn: EcnCodepoint::NotEct, dscp: 46, df: true, ident: 0 };
    let segment = tcp::Segment { src: 1, dst: 80, flags: tcp::Flags::SYN, ..Default::default() };
    let packet = Packet { id: PacketId(1), ip, body: Body::Tcp(segment), flipped_bit: None };
    let with = |options: &[u8]| {
        let mut bytes = encode(&packet);
        bytes.splice(20..20, options.iter().copied());
        bytes[0] = 0x45 + (options.len() / 4) as u8;
        let len = (bytes.len() as u16).to_be_bytes();
        bytes[2..4].copy_from_slice(&len);
        bytes[10..12].fill(0);
        let sum = tcp::wire::Checksum::default().with(&bytes[..20 + options.len()]).finish();
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        decode(PacketId(1), &bytes)
    };
    assert_eq!(with(&[30, 4, 1, 2]), Ok(packet.clone()));
    assert_eq!(with(&[1, 1, 1, 0]), Ok(packet.clone()));
    assert_eq!(with(&[7, 7, 4, 0, 0, 0, 0, 0]), Ok(packet.clone()), "record route");
    assert_eq!(with(&[131, 7, 4, 10, 0, 0, 9, 0]), Err(DropReason::SourceRoute));
    assert_eq!(with(&[1, 137, 7, 4, 10, 0, 0, 9]), Err(DropReason::SourceRoute));
    for broken in [[30, 0, 1, 2], [30, 1, 1, 2], [30, 5, 1, 2], [1, 1, 1, 30]] {
        assert_eq!(with(&broken), Err(DropReason::BadHeader));
    }
}
