//! The tables of RFC 9768, the arithmetic of its appendix A, and Linux's readings of it.

use super::*;
use crate::segment::{FastOpenOption, TfoCookie, Timestamps};
use EcnCodepoint::{Ce, Ect0, Ect1, NotEct};

const CODEPOINTS: [EcnCodepoint; 4] = [NotEct, Ect1, Ect0, Ce];

fn config(ecn: Ecn) -> Config {
    Config { ecn, ..Config::linux() }
}
fn syn(ace: u8) -> Segment {
    Segment { flags: Flags::SYN | Flags::of_ace(ace), ..Segment::default() }
}
fn told(bytes: [u32; 3]) -> AccEcnFields {
    AccEcnFields::new(true, [bytes[0] + 1, bytes[1], bytes[2] + 1], 3)
}
fn news(packets: u32) -> Delivery {
    Delivery { packets, bytes: u64::from(packets) * 1000, mss: 1000, certain: true }
}
/// The ACE field of a peer that has counted so many marks.
fn ace(marks: u32) -> Flags {
    Flags::of_ace(((marks + 5) % 8) as u8)
}

/// 9768/3.1.1-SYN, 9768/3.1.5-UNWILL: tcp_ecn 0 to 5.
#[test]
fn what_a_syn_asks() {
    let asked = |ecn: Ecn| syn_flags(ecn.asks()).ace();
    let modes = [Ecn::Off, Ecn::On, Ecn::Passive, Ecn::Accurate, Ecn::AccurateIn, Ecn::AccuratePassive];
    assert_eq!(modes.map(asked), [0, 0b011, 0, 0b111, 0b011, 0]);
}

/// 9768/3.1.2-SRVCLASSIC, 9768/3.1.3-FWD, 3168/6.1.1-SETUP: all eight codes of a SYN against all servers.
#[test]
fn what_a_syn_is_granted() {
    let row = |ecn: Ecn| std::array::from_fn(|ace| granted(&config(ecn), &syn(ace as u8), NotEct));
    let (off, classic, accurate) = (Mode::Off, Mode::Classic, Mode::Accurate);
    assert_eq!(row(Ecn::Off), [off; 8]);
    let old = [off, off, off, classic, off, off, off, classic];
    assert_eq!(row(Ecn::Passive), old);
    assert_eq!(row(Ecn::On), old);
    for ecn in [Ecn::Accurate, Ecn::AccurateIn, Ecn::AccuratePassive] {
        assert_eq!(row(ecn), [off, accurate, accurate, classic, accurate, accurate, accurate, accurate]);
    }
    // A classic SYN is never ECN-capable itself (RFC 3168); an AccECN one may be.
    assert_eq!(granted(&config(Ecn::Accurate), &syn(0b011), Ect0), off);
    assert_eq!(granted(&config(Ecn::Accurate), &syn(0b111), Ect0), accurate);
}

/// 8257/3.6-ECTCTRL, 8257/1-SCOPE: DCTCP asks for ECN by a SYN that is itself ECN-capable, which only DCTCP grants: with
/// any other peer it goes on without, as Reno.
#[test]
fn dctcp_keeps_to_its_own() {
    let dctcp = |ecn| Config { congestion: Congestion::Dctcp, ..config(ecn) };
    for ecn in [Ecn::Off, Ecn::Passive, Ecn::On] {
        let config = dctcp(ecn);
        assert_eq!(asks(&config), Mode::Classic);
        assert_eq!(handshake_codepoint(&config, Mode::Classic), Ect0);
        assert_eq!(handshake_codepoint(&config, Mode::Off), NotEct);
        assert_eq!(granted(&config, &syn(0b011), Ect0), Mode::Classic);
        assert_eq!(granted(&config, &syn(0b011), Ce), Mode::Classic, "a mark on the SYN is of no account");
    }
    for ecn in [Ecn::Passive, Ecn::On, Ecn::Accurate] {
        assert_eq!(granted(&config(ecn), &syn(0b011), Ect0), Mode::Off);
        assert_eq!(handshake_codepoint(&config(ecn), Mode::Classic), NotEct);
    }
    let plain = Config { ect_on_control: false, ..dctcp(Ecn::On) };
    assert_eq!(handshake_codepoint(&plain, Mode::Classic), NotEct);
}

/// 9768/3.1.2-CLASSIC, 9768/3.1.1-CLIENT, 9768/3.1.3-FWD: all eight codes of a SYN-ACK.
#[test]
fn what_a_syn_ack_says() {
    let row = |asked| std::array::from_fn(|ace| understood(asked, Flags::of_ace(ace as u8)));
    let (off, classic, accurate) = (Mode::Off, Mode::Classic, Mode::Accurate);
    assert_eq!(row(Mode::Accurate), [off, classic, accurate, accurate, accurate, accurate, accurate, off]);
    assert_eq!(row(Mode::Classic), [off, classic, off, off, off, off, off, off]);
    assert_eq!(row(Mode::Off), [off; 8]);
}

/// 9768/3.1.1-SYNACK, 9768/3.2.2.1-HSENC: Not-ECT 010, ECT(1) 011, ECT(0) 100, CE 110.
#[test]
fn codepoints_are_reflected() {
    assert_eq!(CODEPOINTS.map(|c| reflect(c).ace()), [0b010, 0b011, 0b100, 0b110]);
    assert_eq!(CODEPOINTS.map(|c| reflected(reflect(c))), CODEPOINTS.map(Some));
    assert_eq!([0, 1, 5, 7].map(|ace| reflected(Flags::of_ace(ace))), [None; 4]);
}

/// 9768/3.2.2.3-MANGLE: what a router may do, and what only a broken one does.
#[test]
fn transitions() {
    for sent in CODEPOINTS {
        for arrived in CODEPOINTS {
            let valid =
                sent == arrived || matches!((sent, arrived), (Ect0 | Ect1, Ce) | (Ect0, Ect1) | (Ect1, Ect0));
            assert_eq!(valid_transition(sent, arrived), valid, "{sent:?} {arrived:?}");
        }
    }
}

/// 9768/3.2.2.1-SRVDEC: all eight values of the ACE field in the ACK that ends a handshake.
#[test]
fn the_third_ack() {
    let judged = |ace: u8| {
        let mut accurate = AccEcn::new(NotEct);
        accurate.on_third_ack(
            &Segment { flags: Flags::ACK | Flags::of_ace(ace), ..Segment::default() },
            &config(Ecn::Accurate),
        );
        accurate
    };
    assert_eq!(judged(0).mute, Some(Mute::GotNone));
    assert!(judged(0).told.ignores_options());
    for ace in [1, 2, 5, 7] {
        assert_eq!((judged(ace).mute, judged(ace).syn_marked), (None, false), "{ace}");
        assert!(!judged(ace).told.ignores_options(), "{ace}");
    }
    // The SYN-ACK went out as Not-ECT: nothing but interference makes ECT or CE of it.
    for ace in [3, 4, 6] {
        assert_eq!(judged(ace).mute, Some(Mute::Mangled), "{ace}");
    }
    // 9768/3.2.2.2-ACKCE: without the check, the mark counts once.
    let mut accurate = AccEcn::new(NotEct);
    let lax = Config { ecn_fallback: false, ..config(Ecn::Accurate) };
    accurate.on_third_ack(&Segment { flags: Flags::ACK | reflect(Ce), ..Segment::default() }, &lax);
    assert_eq!((accurate.mute, accurate.syn_marked, accurate.told.ce_packets), (None, true, 1));
}

/// 9768/3.2-CEP, 9768/3.2-BYTES, 9768/3.2.1-INIT, 9768/3.2.2-ACE, 9768/3.2.3-ENC
#[test]
fn a_receiver_counts() {
    let mut tells = Tells::default();
    assert_eq!(tells.ace().ace(), 5);
    assert_eq!(tells.option(3).fields().collect::<Vec<_>>(), [1, 0, 1]);
    // ECT(0) data, a marked pure ACK, marked data, ECT(1) data: three changes, then none.
    let changes =
        [(Ect0, 1000), (Ce, 0), (Ce, 500), (Ect1, 7), (Ect1, 7)].map(|(c, len)| tells.on_packet(c, len));
    assert_eq!(changes, [true, true, false, true, false]);
    assert_eq!((tells.ce_packets, tells.pending, tells.ace().ace()), (2, 2, 7));
    let option = tells.option(3);
    assert_eq!(option.fields().collect::<Vec<_>>(), [15, 500, 1001]);
    assert_eq!([0, 1, 2].map(|i| option.codepoint(i)), [Ect1, Ce, Ect0]);
    assert_eq!([0, 1, 2].map(|i| AccEcnFields::new(false, [0; 3], 3).codepoint(i)), [Ect0, Ce, Ect1]);
    // Eight marks and the field goes round; 2^24 octets and the counter on the wire does.
    (0..8).for_each(|_| _ = tells.on_packet(Ce, 1 << 21));
    assert_eq!((tells.ace().ace(), tells.ce_packets), (7, 10));
    assert_eq!(tells.option(2).fields().collect::<Vec<_>>(), [15, 500]);
}

/// 9768/3.2.3.3-EVERY, 9768/3.2.3-IMPL: the four settings of the knob.
#[test]
fn when_the_option_goes_out() {
    let knob =
        |accecn_option, accecn_beacon| Config { accecn_option, accecn_beacon, ..config(Ecn::Accurate) };
    let (off, minimum) = (knob(AccEcnOption::Off, 3), knob(AccEcnOption::Minimum, 3));
    let (full, persist) = (knob(AccEcnOption::Full, 3), knob(AccEcnOption::Persist, 3));
    let mut tells = Tells::default();
    let wants = |tells: &Tells, config: &Config| tells.wants_option(Seen::Counters, config);
    // A peer that has sent none gets none.
    assert!(!tells.wants_option(Seen::No, &persist) && tells.wants_option(Seen::Empty, &full));
    assert!(!wants(&tells, &off) && !wants(&tells, &minimum) && wants(&tells, &full));
    // A change is told twice.
    tells.on_packet(Ect0, 100);
    for due in [true, true, false] {
        assert_eq!(wants(&tells, &minimum), due);
        tells.on_sent(Time::ZERO, due, None);
    }
    // 2^22 octets, and one is due; only one.
    tells.on_packet(Ect0, 1 << 22);
    assert!(wants(&tells, &minimum) && !wants(&tells, &off));
    tells.on_sent(Time::ZERO, true, None);
    tells.on_packet(Ect0, 100);
    assert!(!wants(&tells, &minimum));
    // Three beacons each round trip.
    let rtt = Duration::from_millis(90);
    tells.tick(Time::ZERO + Duration::from_millis(29), rtt, &minimum);
    assert!(!wants(&tells, &minimum));
    tells.tick(Time::ZERO + Duration::from_millis(30), rtt, &minimum);
    assert!(wants(&tells, &minimum));
    tells.tick(Time::ZERO + Duration::from_secs(9), rtt, &knob(AccEcnOption::Minimum, 0));
    assert!(!wants(&tells, &minimum));
    // 9768/3.2.3.2.2-CLFALL: an ACK with the option and a D-SACK did not get through, since the data comes once more.
    tells.on_sent(Time::ZERO, true, Some(77));
    tells.on_duplicate(78);
    assert!(wants(&tells, &full));
    tells.on_duplicate(77);
    assert!(!wants(&tells, &full) && wants(&tells, &persist));
}

/// 9768/3.2.3.3-SACKFIRST, 9768/3.2.3.3-OMIT, 9768/3.2.3.3-PRIO
#[test]
fn how_the_option_fits() {
    let after = |codepoint: EcnCodepoint| {
        let mut tells = Tells::default();
        tells.on_packet(codepoint, 1);
        tells
    };
    let fit = |tells: Tells, used, blocks| tells.fit(used, blocks, OptionOrder::Linux);
    // Timestamps: 12 octets. Without SACK all fields fit; two blocks leave 8 of 40: two fields.
    let stamps = 12;
    assert_eq!(fit(Tells::default(), stamps, 0), Some((3, 0)));
    assert_eq!(fit(Tells::default(), stamps, 2), Some((2, 2)));
    assert_eq!(fit(Tells::default(), stamps, 3), Some((0, 3)));
    // What changed needs two fields, or three: a third block gives way, a second does not.
    assert_eq!(fit(after(Ce), stamps, 3), Some((2, 2)));
    assert_eq!(fit(after(Ect1), stamps, 3), Some((2, 2)));
    assert_eq!(fit(after(Ect0), stamps, 3), None);
    assert_eq!(fit(after(Ect0), 0, 3), Some((3, 3)));
    assert_eq!(fit(after(Ect0), 0, 4), Some((3, 3)));
    assert_eq!(fit(after(Ect0), stamps, 1), Some((3, 1)));
    // Only Linux puts what fills no word in place of padding: elsewhere not even the bare option fits behind three blocks.
    assert_eq!(Tells::default().fit(stamps, 3, OptionOrder::FreeBsd), None);
}

/// 9768/3.2.3.2-SYNACK: as Linux lays it out beside all other options of a SYN-ACK, and beside a Fast Open cookie.
#[test]
fn the_option_of_a_syn_ack() {
    let all = Options {
        mss: Some(1460),
        wscale: Some(7),
        sack_permitted: true,
        timestamps: Some(Timestamps::default()),
        ..Options::default()
    };
    let with = |cookie: usize, order| {
        let cookie = TfoCookie::new(&[7; 16][..cookie]);
        let fast_open =
            cookie.map(|cookie| Box::new(FastOpenOption { cookie: Some(cookie), experimental: false }));
        let options = Options { fast_open, order, ..all.clone() };
        (options.wire_len(), syn_ack_option(&options).map(|option| option.count()))
    };
    let linux = [0, 10, 14, 16].map(|cookie| with(cookie, OptionOrder::Linux));
    assert_eq!(linux, [(20, Some(3)), (32, Some(2)), (36, Some(1)), (40, None)]);
    // A whole word more, since nothing goes in place of padding.
    let freebsd = [0, 10, 14, 16].map(|cookie| with(cookie, OptionOrder::FreeBsd));
    assert_eq!(freebsd, [(20, Some(3)), (32, Some(2)), (36, Some(0)), (40, None)]);
}

/// 9768/3.2.2.5.2-TRUST, 9768/3.2.2.4-NOINITTEST: few packets, so the field has not gone round.
#[test]
fn small_steps() {
    let mut told = Told::default();
    let mut ack = |packets, marks| told.on_ack(&news(packets), ace(marks), None, 0);
    assert_eq!(ack(1, 0), Ok(0));
    assert_eq!(ack(2, 2), Ok(2));
    // More marks than packets newly acknowledged: pure ACKs count too.
    assert_eq!(ack(1, 9), Ok(7));
    assert_eq!(ack(7, 9), Ok(0));
}

/// 9768/3.2.2.5.2-SAFE: one ACK for ten packets. Without options the safest reading is taken, unless ACKs are known to
/// be thinned out.
#[test]
fn the_safest_reading() {
    let jump = |marks, before: u32| {
        let mut told = Told::default();
        (0..before).for_each(|_| _ = told.on_ack(&news(1), ace(0), None, 0));
        told.on_ack(&news(10), ace(marks), None, 0).unwrap()
    };
    // The scripts delivered_maxack, delivered_largeack, delivered_2ndlargeack.
    assert_eq!((jump(7, 0), jump(1, 0), jump(0, 1)), (7, 1, 8));
    assert_eq!((jump(1, 1), jump(2, 1), jump(3, 1), jump(7, 1)), (9, 10, 3, 7));
    let mut thinned = Told::default();
    for _ in 0..20 {
        let read = thinned.on_ack(&news(10), ace(0), None, 0);
        assert_eq!(read, Ok(0));
    }
}

/// RFC 9768, appendix A.2: octets rule out that the field has gone round, or show how often it did.
#[test]
fn octets_settle_it() {
    let jump = |packets: u32, marks: u32| {
        let mut told_ = Told::default();
        // A first option shows which codepoint is usual.
        told_.on_ack(&news(1), ace(0), Some(&told([0, 0, 1000])), 0).unwrap();
        let (all, ce) = (packets * 1000 + 1000, marks * 1000);
        told_.on_ack(&news(packets), ace(marks), Some(&told([0, ce, all - ce])), 0).unwrap()
    };
    assert_eq!([0, 1, 7].map(|marks| jump(10, marks)), [0, 1, 7]);
    assert_eq!([8, 9, 10].map(|marks| jump(10, marks)), [8, 9, 10]);
    assert_eq!([0, 3, 8, 11, 16, 20].map(|marks| jump(20, marks)), [0, 3, 8, 11, 16, 20]);
    // More octets than one packet has: with fewer than sixteen packets nothing is estimated (Linux `__tcp_accecn_process`).
    let mut told_ = Told::default();
    told_.on_ack(&news(1), ace(0), Some(&told([0, 0, 1000])), 0).unwrap();
    assert_eq!(told_.on_ack(&news(10), ace(1), Some(&told([0, 2500, 8500])), 0), Ok(9));
}

/// 9768/3.2.3.2.5-RECON: octets were marked, and no packet was.
#[test]
fn interference_shows() {
    let mut it = Told::default();
    it.on_ack(&news(1), ace(0), Some(&told([0, 0, 1000])), 0).unwrap();
    it.on_ack(&news(1), ace(1), Some(&told([0, 1000, 1000])), 0).unwrap();
    it.on_ack(&news(1), ace(2), Some(&told([0, 2000, 1000])), 0).unwrap();
    assert_eq!(it.on_ack(&news(1), ace(2), Some(&told([0, 3000, 1000])), 0), Err(Mute::Inconsistent));
}

/// 9768/3.2.3-READ, 9768/3.2.3.2.4-ZEROED: options of all lengths; cleared ones are not believed.
#[test]
fn what_options_have_come() {
    let seen = |fields: [u32; 3], count| {
        let mut told = Told::default();
        told.see(&AccEcnFields::new(true, fields, count));
        told.seen
    };
    assert_eq!(
        [0, 1, 2, 3].map(|count| seen([1, 0, 1], count)),
        [Seen::Empty, Seen::Counters, Seen::Counters, Seen::Counters]
    );
    assert_eq!((seen([0, 0, 1], 3), seen([1, 0, 0], 3)), (Seen::Cleared, Seen::Cleared));
    // One alone, and late: 24 bits may have gone round.
    let mut late = Told::default();
    late.on_ack(&news(1), ace(0), None, 1 << 23).unwrap();
    assert!(late.ignores_options());
    late.on_ack(&news(1), ace(0), Some(&told([0, 0, 1000])), 1 << 23).unwrap();
    assert_eq!(late.bytes, [0; 3]);
}

/// Counters of 24 bits go on for ever, and back where an older ACK comes late.
#[test]
fn counters_wrap() {
    let mut it = Told::default();
    for step in 1..2000u32 {
        let option = AccEcnFields::new(true, [1, 0, (step * 100_000).wrapping_add(1)], 3);
        it.on_ack(&news(1), ace(0), Some(&option), 0).unwrap();
    }
    assert_eq!(it.bytes[Ect0 as usize - 1], 199_900_000);
    let option = AccEcnFields::new(true, [1, 0, 199_800_001], 3);
    it.on_ack(&news(1), ace(0), Some(&option), 0).unwrap();
    assert_eq!(it.bytes[Ect0 as usize - 1], 199_800_000);
}
