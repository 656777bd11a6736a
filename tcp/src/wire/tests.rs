//! Real packets of Linux 6.18, byte for byte; the round trip; and bytes from anybody.

use proptest::prelude::*;

use super::*;
use crate::segment::{AccEcnFields, FastOpenOption, OptionOrder, Options, SackBlocks, TfoCookie, Timestamps};

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
fn base(src: u16, dst: u16, seq: u32, ack: u32, flags: Flags, wnd: u16) -> Segment {
    Segment { src, dst, seq: SeqNum(seq), ack: SeqNum(ack), flags, wnd, ..Segment::default() }
}
fn ts(val: u32, ecr: u32) -> Option<Timestamps> {
    Some(Timestamps { val, ecr })
}
/// These bytes decode to this segment, and it encodes to these bytes. `to_server`: its direction.
fn check(bytes: &str, to_server: bool, segment: &Segment) {
    let (src, dst) = if to_server { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    assert_eq!(decode(&hex(bytes), src, dst).as_ref(), Ok(segment));
    assert_eq!(encode(segment, src, dst), hex(bytes));
    let header = 20 + segment.options.wire_len() + segment.payload.len();
    assert_eq!(header as usize, bytes.len() / 2);
}

/// The capture echo_client_close: SYN, SYN-ACK, ACK, data, ACK.
#[test]
fn linux_handshake_and_data() {
    let options = |timestamps| Options { timestamps, ..Options::default() };
    let syn = |timestamps| Options {
        mss: Some(1460),
        sack_permitted: true,
        wscale: Some(10),
        ..options(timestamps)
    };
    let (client, server) = (40_817, 5817);
    check(
        "9f7116b9cad1b30100000000a002faf011730000020405b40402080a1522de76000000000103030a",
        true,
        &Segment {
            options: syn(ts(0x1522_de76, 0)),
            ..base(client, server, 0xcad1_b301, 0, Flags::SYN, 64_240)
        },
    );
    check(
        "16b99f71209f4958cad1b302a012fe8827120000020405b40402080a83ccf8f31522de760103030a",
        false,
        &Segment {
            options: syn(ts(0x83cc_f8f3, 0x1522_de76)),
            ..base(server, client, 0x209f_4958, 0xcad1_b302, Flags::SYN | Flags::ACK, 65_160)
        },
    );
    check(
        "9f7116b9cad1b302209f49598018003f0fe800000101080a1522deda83ccf8f368656c6c6f",
        true,
        &Segment {
            options: options(ts(0x1522_deda, 0x83cc_f8f3)),
            payload: Payload::from_bytes(b"hello"),
            ..base(client, server, 0xcad1_b302, 0x209f_4959, Flags::PSH | Flags::ACK, 63)
        },
    );
    check(
        "16b99f71209f4959cad1b30780100040535d00000101080a83ccf9571522deda",
        false,
        &Segment {
            options: options(ts(0x83cc_f957, 0x1522_deda)),
            ..base(server, client, 0x209f_4959, 0xcad1_b307, Flags::ACK, 64)
        },
    );
}

/// The captures opt_nosack_client, opt_nots_client and opt_nowscale_client: what takes the place of what is missing.
#[test]
fn linux_syn_without_one_option() {
    let all = Options { mss: Some(1460), wscale: Some(10), sack_permitted: true, ..Options::default() };
    check(
        "9e04154ca0bf4b9700000000a002faf027ab0000020405b40101080ad004a4b3000000000103030a",
        true,
        &Segment {
            options: Options { sack_permitted: false, timestamps: ts(0xd004_a4b3, 0), ..all.clone() },
            ..base(40_452, 5452, 0xa0bf_4b97, 0, Flags::SYN, 64_240)
        },
    );
    check(
        "9d9214dada5d438b000000008002faf08fc50000020405b4010104020103030a",
        true,
        &Segment { options: all.clone(), ..base(40_338, 5338, 0xda5d_438b, 0, Flags::SYN, 64_240) },
    );
    check(
        "9f16165e020c5335000000009002faf0c8aa0000020405b40402080a53cd25ed00000000",
        true,
        &Segment {
            options: Options { wscale: None, timestamps: ts(0x53cd_25ed, 0), ..all },
            ..base(40_726, 5726, 0x020c_5335, 0, Flags::SYN, 64_240)
        },
    );
}

/// The capture loss_one_sack: a duplicate ACK.
#[test]
fn linux_sack_block() {
    let mut sack = SackBlocks::default();
    sack.push(SeqNum(0x7b67_55f3), SeqNum(0x7b67_5b9b));
    check(
        "15159dcd3bb646867b67504bb01000496d5e00000101080a231bdfdc6dd7a4fd0101050a7b6755f37b675b9b",
        false,
        &Segment {
            options: Options { timestamps: ts(0x231b_dfdc, 0x6dd7_a4fd), sack, ..Options::default() },
            ..base(5397, 40_397, 0x3bb6_4686, 0x7b67_504b, Flags::ACK, 73)
        },
    );
}

/// mss, nop, wscale, sackOK, TS: `tcp_addoptions` fills with no-operations up to each option's alignment.
#[test]
fn freebsd_order() {
    let options = Options {
        mss: Some(1460),
        wscale: Some(6),
        sack_permitted: true,
        timestamps: ts(1, 2),
        order: OptionOrder::FreeBsd,
        ..Options::default()
    };
    assert_eq!(options::lay_out(&options).as_slice(), hex("020405b4010303060402080a0000000100000002"));
    let mut sack = SackBlocks::default();
    sack.push(SeqNum(3), SeqNum(4));
    let options = Options { timestamps: ts(1, 2), sack, order: OptionOrder::FreeBsd, ..Options::default() };
    let bytes = hex("0101080a00000001000000020101050a0000000300000004");
    assert_eq!(options::lay_out(&options).as_slice(), bytes);
}

/// Only three blocks fit beside timestamps (RFC 2018, section 3).
#[test]
fn what_does_not_fit_is_left_out() {
    let mut sack = SackBlocks::default();
    (0..4).for_each(|i| sack.push(SeqNum(10 * i), SeqNum(10 * i + 5)));
    let four = Options { sack, ..Options::default() };
    assert_eq!(four.wire_len(), 36);
    let with_ts = Options { timestamps: ts(1, 1), ..four };
    assert_eq!(with_ts.wire_len(), 40);
    let segment = Segment { options: with_ts, ..Segment::default() };
    let again = decode(&encode(&segment, CLIENT, SERVER), CLIENT, SERVER).unwrap();
    assert_eq!(again.options.sack.as_slice(), &sack.as_slice()[..3]);
}

/// What a sender reckons with is what stands in the header, in each shape and order.
#[test]
fn length_of_options() {
    for (order, blocks, stamps) in [OptionOrder::Linux, OptionOrder::FreeBsd]
        .into_iter()
        .flat_map(|order| (0..=4).flat_map(move |n| [(order, n, None), (order, n, ts(1, 2))]))
    {
        let mut options = Options { timestamps: stamps, order, ..Options::default() };
        (0..blocks).for_each(|n| options.sack.push(SeqNum(n * 10), SeqNum(n * 10 + 5)));
        assert_eq!(options.wire_len() as usize, options.to_wire().len(), "{options:?}");
    }
}

/// 9293/MUST-6, MUST-7, SAFE/OOBFUZZ: one malformed option costs itself, a wrong length also what is behind it.
#[test]
fn malformed_options() {
    let mss = Options { mss: Some(1460), ..Options::default() };
    for list in [
        "020405b408000000",     // length 0
        "020405b408010000",     // length 1
        "020405b40822",         // beyond the end
        "020405b4ff",           // no length
        "020405b4050600000000", // SACK blocks of 4 bytes
        "020405b40502",         // no SACK block
        "0203000204 05b4",      // wrong length, then right
        "020405b4030200",       // window scale without a shift
        "020405b4000402",       // behind the end of the list
    ] {
        assert_eq!(options::parse(&hex(&list.replace(' ', ""))), mss, "{list}");
    }
    assert_eq!(
        options::parse(&hex("1304abcd0103030f1e02")),
        Options {
            wscale: Some(15), // clamped where it is used (RFC 7323, section 2.3)
            other: Some(hex("1304abcd1e02").into()),
            ..Options::default()
        }
    );
}

/// 9293/MUST-4, MUST-64: MSS, timestamps, no-operations and the end of the list in any order and at any offset.
#[test]
fn options_at_any_offset() {
    let expected = Options { mss: Some(1460), timestamps: ts(1, 2), ..Options::default() };
    let (mss, stamps) = ("020405b4", "080a0000000100000002");
    for nops in ["", "01", "0101", "010101"] {
        for list in [
            format!("{nops}{mss}{stamps}00"),
            format!("{mss}{nops}{stamps}"),
            format!("{stamps}{nops}{mss}0000"),
        ] {
            assert_eq!(options::parse(&hex(&list)), expected, "{list}");
        }
    }
}

/// 9293/MUST-68, MUST-69: every option written but the two of one octet has a length, and zeros follow the end of the list.
#[test]
fn lists_are_well_formed() {
    for order in [OptionOrder::Linux, OptionOrder::FreeBsd] {
        for bits in 0..64_u32 {
            let mut sack = SackBlocks::default();
            if bits & 16 != 0 {
                sack.push(SeqNum(1), SeqNum(2));
            }
            let options = Options {
                mss: (bits & 1 != 0).then_some(1460),
                wscale: (bits & 2 != 0).then_some(7),
                sack_permitted: bits & 4 != 0,
                timestamps: ts(1, 2).filter(|_| bits & 8 != 0),
                sack,
                order,
                other: (bits & 32 != 0).then(|| [0x1e, 3, 9].as_slice().into()),
                ..Options::default()
            };
            let bytes = options.to_wire();
            let mut at = 0;
            while at < bytes.len() && bytes[at] != 0 {
                assert!(bytes[at] == 1 || bytes[at + 1] >= 2, "{bytes:02x?}");
                at += if bytes[at] == 1 { 1 } else { usize::from(bytes[at + 1]) };
            }
            assert!(bytes.len().is_multiple_of(4) && bytes.len() - at < 4, "{bytes:02x?}");
            assert!(bytes[at..].iter().all(|byte| *byte == 0), "{bytes:02x?}");
        }
    }
}

/// 9293/HDR-RSVD: the reserved bits are written as zero, and read as if they were.
#[test]
fn reserved_bits() {
    let segment = Segment { flags: Flags(0xffff), ..base(1, 2, 3, 4, Flags::NONE, 5) };
    let mut bytes = encode(&segment, CLIENT, SERVER);
    assert_eq!(bytes[12] & 0x0e, 0);
    let plain = decode_unverified(&bytes);
    bytes[12] |= 0x0e;
    assert_eq!(decode_unverified(&bytes), plain);
}

/// 9293/MUST-3
#[test]
fn damage_is_found() {
    let bytes = hex("9f7116b9cad1b302209f49598018003f0fe800000101080a1522deda83ccf8f368656c6c6f");
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 0x80 >> (bit % 8);
        assert!(decode(&damaged, CLIENT, SERVER).is_err(), "bit {bit}");
    }
    assert_eq!(decode(&bytes, CLIENT, CLIENT), Err(WireError::BadChecksum));
    assert_eq!(decode(&bytes[..19], CLIENT, SERVER), Err(WireError::Malformed));
    let zeros = [0; 20]; // data offset 0
    assert_eq!(decode_unverified(&zeros), Err(WireError::Malformed));
}

fn segments() -> impl Strategy<Value = Segment> {
    let numbers = (any::<[u16; 4]>(), any::<[u32; 2]>(), 0..0x200u16);
    let known = (any::<[Option<u32>; 3]>(), any::<bool>(), any::<bool>());
    let sack = proptest::collection::vec(any::<(u32, u32)>(), 0..3);
    let payload = proptest::collection::vec(any::<u8>(), 0..40);
    (numbers, known, sack, payload, any::<Option<(u8, u8)>>()).prop_map(
        |(
            ([src, dst, wnd, urg], [seq, ack], flags),
            ([mss, shift, val], sack_permitted, freebsd),
            blocks,
            data,
            other,
        )| {
            let flags = Flags(flags);
            let mut sack = SackBlocks::default();
            blocks.iter().for_each(|(left, right)| sack.push(SeqNum(*left), SeqNum(*right)));
            let (wscale, timestamps) = (shift.map(|s| s as u8), val.and_then(|val| ts(val, !val)));
            // The order shows on the wire only if window scale is followed by one of the two.
            let shows = wscale.is_some() && (sack_permitted || timestamps.is_some());
            let order = if freebsd && shows { OptionOrder::FreeBsd } else { OptionOrder::Linux };
            let used = Options {
                mss: mss.map(|m| m as u16),
                wscale,
                sack_permitted,
                timestamps,
                sack,
                order,
                ..Options::default()
            };
            let room = used.wire_len() <= 36 && wscale.is_some();
            // Kinds of the AccECN option are known, whatever their length.
            let other = other.filter(|(kind, _)| room && ![172, 174].contains(&(kind | 0x80)));
            let other = other.map(|(kind, data)| [kind | 0x80, 3, data].as_slice().into());
            let ack = SeqNum(if flags.contains(Flags::ACK) { ack } else { 0 });
            let options = Options { other, ..used };
            let payload = Payload::from_bytes(&data);
            Segment { src, dst, seq: SeqNum(seq), ack, flags, wnd, urg, options, payload }
        },
    )
}

/// 9768/3.2.3-KIND, 9768/3.2.3-READ, 7413/4.1.1-LEN, 7413/9-KIND, 5482/3.3-FMT, 5482/3.4-RES: the rarer options, as
/// Linux lays them out, in hexadecimal.
#[test]
fn rare_options() {
    let wire =
        |options: &Options| options.to_wire().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let back = |bytes: &str| super::options::parse(&hex(bytes));
    let accecn = |count| Some(AccEcnFields::new(true, [1, 0x20_0000, 0x0304_0506], count));
    let sack_permitted = true;
    // The scripts accecn_negotiation and accecn_sack_space_grab: the option fills the padding of the others.
    for (options, bytes) in [
        (Options { accecn: accecn(3), ..Options::default() }, "ae0b00000120000004050601"),
        (Options { accecn: accecn(2), ..Options::default() }, "ae08000001200000"),
        (Options { accecn: accecn(1), ..Options::default() }, "ae05000001010101"),
        (Options { accecn: accecn(0), ..Options::default() }, "ae020101"),
        (Options { accecn: accecn(1), sack_permitted, ..Options::default() }, "ae05000001010402"),
        (Options { accecn: accecn(0), sack_permitted, ..Options::default() }, "ae020402"),
        (Options { accecn: accecn(1), wscale: Some(8), ..Options::default() }, "ae05000001030308"),
        (Options { accecn: accecn(0), wscale: Some(8), ..Options::default() }, "01030308ae020101"),
    ] {
        assert_eq!(wire(&options), bytes);
        assert_eq!(back(bytes), options);
    }
    let mut sack = SackBlocks::default();
    sack.push(SeqNum(1), SeqNum(2));
    let options = Options { accecn: accecn(0), sack, ..Options::default() };
    assert_eq!(wire(&options), "ae02050a0000000100000002");
    // Order 0; a length that holds no whole number of fields, and one that holds more than there are.
    assert_eq!(back("ac05000009").accecn, Some(AccEcnFields::new(false, [9, 0, 0], 1)));
    assert_eq!(back("ac0600000901").accecn, Some(AccEcnFields::new(false, [9, 0, 0], 1)));
    assert_eq!(back("ac0e000001000002000003000004").accecn, Some(AccEcnFields::new(false, [1, 2, 3], 3)));

    let fast_open = |cookie: &str, experimental| Options {
        fast_open: Some(Box::new(FastOpenOption { cookie: TfoCookie::new(&hex(cookie)), experimental })),
        ..Options::default()
    };
    for (options, bytes) in [
        (fast_open("", false), "22020101"),
        (fast_open("3021b9d889017eeb", false), "220a3021b9d889017eeb0101"),
        (fast_open("01020304", false), "2206010203040101"),
        (fast_open("", true), "fe04f989"),
        (fast_open("3021b9d889017eeb", true), "fe0cf9893021b9d889017eeb"),
    ] {
        assert_eq!(wire(&options), bytes);
        assert_eq!(back(bytes), options);
    }
    for bytes in
        ["2203aa", "2204aaaa", "2205aaaaaa", "2207aaaaaaaaaa", "2214aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]
    {
        assert_eq!(back(bytes).fast_open, None, "{bytes}");
    }

    // An experiment of somebody else's (RFC 6994, section 3.1) is none of ours, and kept as it came.
    assert_eq!((back("fe0cf98a3021b9d889017eeb").fast_open, back("fe04f888").fast_open), (None, None));
    assert_eq!(back("fe04f98a").other.as_deref(), Some(&[0xfe, 4, 0xf9, 0x8a][..]));

    let timeout = |raw| Options { user_timeout: std::num::NonZeroU16::new(raw), ..Options::default() };
    assert_eq!((wire(&timeout(0x8005)), back("1c048005")), ("1c048005".to_owned(), timeout(0x8005)));
    assert_eq!((back("1c040000"), back("1c03aa")), (Options::default(), Options::default()));
}

proptest! {
    #[test]
    fn round_trip(segment in segments(), six in any::<bool>()) {
        let ip = |last: u16| if six { IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, last]) } else { IpAddr::from([10, 0, 0, last as u8]) };
        let bytes = encode(&segment, ip(1), ip(2));
        let again = decode(&bytes, ip(1), ip(2)).unwrap();
        // Three SACK blocks and all else may be more than fits: then the last blocks are missing.
        let kept = again.options.sack;
        prop_assert!(segment.options.sack.as_slice().starts_with(kept.as_slice()));
        let mut expected = segment.clone();
        expected.options.sack = kept;
        prop_assert_eq!(&again, &expected);
        prop_assert_eq!(encode(&again, ip(1), ip(2)), bytes);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..90), offset in 5..16u8) {
        let _ = decode(&bytes, CLIENT, SERVER);
        let mut bytes = bytes;
        if let Some(byte) = bytes.get_mut(12) {
            *byte = offset << 4;
        }
        if let Ok(segment) = decode_unverified(&bytes) {
            let _ = encode(&segment, CLIENT, SERVER);
        }
    }
}
