//! Whatever packets come, a host neither panics nor grows without bound.

use proptest::prelude::*;
use tcp::{Flags, Options, Segment, SeqNum, Timestamps};

use super::*;
use crate::packet::{Body, Datagram, Echo, EcnCodepoint, Icmp, IcmpKind, IpHeader, Quote};

fn segment() -> impl Strategy<Value = Segment> {
    let ports = (prop_oneof![Just(5000u16), Just(40_000), any::<u16>()], prop_oneof![Just(80u16), Just(81)]);
    let numbers = (0u32..4, 0u32..4, any::<u16>(), any::<u16>());
    let rest = (0u16..64, 0u32..3000, any::<Option<u16>>(), any::<bool>());
    (ports, numbers, rest).prop_map(|((src, dst), (seq, ack, wnd, urg), (flags, len, mss, ts))| Segment {
        src,
        dst,
        seq: SeqNum(seq.wrapping_mul(0x3fff_fff0)),
        ack: SeqNum(ack.wrapping_mul(0x3fff_fff0)),
        flags: Flags(flags),
        wnd,
        urg,
        options: Options {
            mss,
            timestamps: ts.then_some(Timestamps { val: seq, ecr: ack }),
            ..Options::default()
        },
        payload: if len == 0 { Payload::Empty } else { Payload::Pattern { stream: 9, offset: 0, len } },
    })
}

fn body() -> impl Strategy<Value = Body> {
    let ip = IpHeader {
        src: "10.0.0.2".parse().unwrap(),
        dst: "10.0.0.1".parse().unwrap(),
        ttl: 1,
        ecn: EcnCodepoint::Ce,
        dscp: 0,
        df: true,
        ident: 0,
    };
    let kind = prop_oneof![
        Just(IcmpKind::PortUnreachable),
        Just(IcmpKind::HostUnreachable),
        any::<u16>().prop_map(IcmpKind::FragmentationNeeded),
    ];
    prop_oneof![
        8 => segment().prop_map(Body::Tcp),
        1 => (any::<u16>(), 0u32..2000).prop_map(|(src, len)| Body::Udp(Datagram {
            src,
            dst: 53,
            payload: Payload::from_bytes(&vec![0; len as usize]),
        })),
        1 => any::<(bool, u16, u16)>().prop_map(|(reply, ident, seq)| Body::Echo(Echo {
            reply,
            ident: ident % 3,
            seq: seq % 5,
            payload: Payload::from_bytes(b"echo"),
        })),
        1 => (kind, prop_oneof![Just(6u8), Just(17), Just(1)], any::<u32>()).prop_map(move |(kind, protocol, seq)| {
            let quote = Quote { ip, len: 60, protocol, src: 80, dst: 5000, seq: SeqNum(seq) };
            Body::Icmp(Box::new(Icmp { kind, quote }))
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_packet_brings_a_host_down(bodies in prop::collection::vec((body(), 0u64..2000), 1..200)) {
        let server = program("server", 0, Run::Serve(serve(80, vec![Step::Echo])));
        let receiver = program("udp", 0, Run::UdpReceive { port: 53, echo: true });
        let mut net = Net::new(vec![], vec![server, receiver]);
        net.run(ms(1));
        let mut now = 1;
        for (body, pause) in bodies {
            let ip = IpHeader {
                src: "10.0.0.1".parse().unwrap(),
                dst: "10.0.0.2".parse().unwrap(),
                ttl: 64,
                ecn: EcnCodepoint::NotEct,
                dscp: 0,                df: true,
                ident: 1,
            };
            let packet = Packet { id: PacketId(now), ip, body, flipped_bit: None };
            net.visit(1, |host, now, out| host.on_packet(now, &packet, out));
            now += pause;
            *net.streams = Default::default(); // whatever was read, nobody wrote it
            net.run_unchecked(ms(now));
        }
    }
}
