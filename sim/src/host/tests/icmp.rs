use tcp::Errno;

use super::*;
use crate::ip::quote;
use crate::packet::{Body, Datagram, EcnCodepoint, Fragment, Icmp, IcmpKind, IpHeader};

fn connect() -> Step {
    Step::Connect(addr("10.0.0.2:80"))
}

impl Net {
    /// A router says this about the packet that was sent as number `i`.
    fn report(&mut self, kind: IcmpKind, i: usize) {
        let about = self.sent[i].2.clone();
        let ip = IpHeader {
            src: "192.0.2.1".parse().unwrap(),
            dst: about.ip.src,
            ttl: 60,
            ecn: EcnCodepoint::NotEct,
            dscp: 0,
            df: false,
            ident: 0,
        };
        let body = Body::Icmp(Box::new(Icmp { kind, quote: quote(&about) }));
        let packet = Packet { id: PacketId(1_000_000), ip, body, flipped_bit: None };
        self.visit(0, |host, now, out| host.on_packet(now, &packet, out));
    }
}

/// Linux ends an open at once; RFC 1122, section 4.2.3.9, takes it as a hint.
#[test]
fn an_unreachable_host_ends_an_open_under_linux_only() {
    for (config, end) in [(Config::linux(), "connect(10.0.0.2:80) = EHOSTUNREACH"), (Config::rfc(), "")] {
        let client = program("c", 0, script(vec![connect()]));
        let mut net = Net::with(config, (32768, 60999), vec![client], vec![]);
        net.passes = |_| false;
        net.run(ms(1));
        net.report(IcmpKind::HostUnreachable, 0);
        assert_eq!(net.calls("c").last().map_or("", String::as_str), end);
    }
}

/// RFC 1191, section 6.3: what is learnt holds for the destination, for ten minutes.
#[test]
fn a_smaller_path_mtu_is_remembered_for_a_while() {
    let server = program("server", 0, Run::Serve(serve(80, vec![Step::RecvToEof])));
    let send = Step::SendBytes { len: 1400, chunk: 0, every: Duration::ZERO };
    let client = script(vec![connect(), send, sleep(10_000), Step::Close]);
    let mut net = Net::new(vec![program("c", 0, client)], vec![server]);
    net.passes = |packet| packet.len() <= 1300;
    net.run(ms(25));
    let large = net.sent.iter().position(|(_, _, packet)| packet.len() > 1300).unwrap();
    net.report(IcmpKind::FragmentationNeeded(1300), large);
    net.run(ms(1000));
    assert_eq!(net.hosts[1].sockets(net.now)[1].tcp.as_ref().unwrap().bytes_received, 1400);
    let to = "10.0.0.2".parse().unwrap();
    let kernel = &net.hosts[0].kernel;
    assert_eq!((kernel.mtu_to(ms(1000), to), kernel.mtu_to(ms(700_000), to)), (1300, 1500));
}

/// 8201/5.2-NOTIFY, 8201/5.2-PERPATH: connections to the same address know of it, also those that are idle.
#[test]
fn a_path_mtu_is_known_to_all_connections_to_the_address() {
    let server = program("server", 0, Run::Serve(serve(80, vec![Step::RecvToEof])));
    let send = |after| {
        let data = Step::SendBytes { len: 1448, chunk: 0, every: Duration::ZERO };
        script(vec![connect(), sleep(after), data, sleep(10_000)])
    };
    let idle = program("idle", 0, send(1_000));
    let mut net = Net::new(vec![program("busy", 0, send(100)), idle], vec![server]);
    net.passes = |packet| packet.len() <= 1300;
    net.run(ms(130));
    let large = net.sent.iter().position(|(_, _, packet)| packet.len() > 1300).unwrap();
    net.report(IcmpKind::FragmentationNeeded(1300), large);
    let before = net.sent.len();
    net.run(ms(2_000));
    assert!(net.sent[before..].iter().all(|(_, _, packet)| packet.len() <= 1300));
    assert_eq!(net.calls("idle").last().unwrap(), "send(1448) = 1448");
}

/// 1191/3.1-MSS, 2923/2.3-MSSRX: the MSS that an open announces is the interface's, though the path back is known to take
/// less; what is sent fits the path. Linux announces what the path takes, in a SYN-ACK only before 7.2.
#[test]
fn the_mss_announced_is_the_interfaces_under_rfc() {
    let before_7_2 = Config { syn_ack_mss_of_interface: false, ..Config::linux() };
    let cases = [(Config::rfc(), [1460, 1460]), (Config::linux(), [1260, 1460]), (before_7_2, [1260, 1260])];
    for (config, announced) in cases {
        let data = || Step::SendBytes { len: 1400, chunk: 0, every: Duration::ZERO };
        let server = program("server", 0, Run::Serve(serve(80, vec![data(), Step::RecvToEof])));
        let client = |name: &str, at| program(name, at, script(vec![connect(), data(), sleep(10_000)]));
        let programs = vec![client("first", 0), client("second", 3_000)];
        let mut net = Net::with(config, (32768, 60999), programs, vec![server]);
        net.passes = |packet| packet.len() <= 1300;
        net.run(ms(35));
        for host in [0, 1] {
            let large = net.sent.iter().position(|(_, i, p)| *i == host && p.len() > 1300).unwrap();
            let error = net.sent[large].2.clone();
            let about = crate::ip::icmp_error(
                PacketId(1_000_000),
                "192.0.2.1".parse().unwrap(),
                &error,
                IcmpKind::FragmentationNeeded(1300),
                60,
            );
            net.visit(host, |host, now, out| host.on_packet(now, &about.unwrap(), out));
        }
        let before = net.sent.len();
        net.run(ms(6_000));
        let second = &net.sent[before..];
        let offers = second.iter().filter_map(|(_, _, p)| p.tcp()?.options.mss).collect::<Vec<u16>>();
        assert_eq!(offers, announced, "SYN and SYN-ACK");
        assert!(second.iter().all(|(_, _, p)| p.len() <= 1300));
    }
}

/// RFC 5927, section 4.1: an error that quotes a number not in flight was forged.
#[test]
fn a_forged_error_teaches_nothing() {
    let server = program("server", 0, Run::Serve(serve(80, vec![Step::RecvToEof])));
    let client = script(vec![connect(), Step::Send(text("x")), sleep(10_000)]);
    let mut net = Net::new(vec![program("c", 0, client)], vec![server]);
    net.run(ms(500));
    // The SYN has long been acknowledged.
    net.report(IcmpKind::FragmentationNeeded(600), 0);
    assert_eq!(net.hosts[0].kernel.mtu_to(net.now, "10.0.0.2".parse().unwrap()), 1500);
}

/// 9293/MUST-46: an open to many, or to nobody, is an error at once.
#[test]
fn no_open_to_an_address_that_names_no_single_host() {
    for to in ["224.0.0.1:80", "255.255.255.255:80", "0.0.0.0:80"] {
        let mut net = Net::new(vec![program("c", 0, script(vec![Step::Connect(addr(to))]))], vec![]);
        net.run(ms(5000));
        assert_eq!(net.calls("c").last().map(String::as_str), Some(&*format!("connect({to}) = ENETUNREACH")));
        assert!(net.sent.is_empty(), "{to}");
    }
}

/// 9293/MUST-63: a SYN from such an address is ignored.
#[test]
fn a_syn_from_an_address_that_names_no_single_host_is_ignored() {
    let listening = || vec![program("server", 0, Run::Serve(serve(80, vec![Step::RecvToEof])))];
    for (src, answers) in
        [("224.0.0.1", 0), ("255.255.255.255", 0), ("0.0.0.0", 0), ("127.0.0.1", 0), ("10.0.0.9", 1)]
    {
        let mut net = Net::new(vec![], listening());
        net.run(ms(1));
        let syn = tcp::Segment { src: 1, dst: 80, flags: tcp::Flags::SYN, wnd: 9000, ..Default::default() };
        let (src, dst) = (src.parse().unwrap(), "10.0.0.2".parse().unwrap());
        let ip = IpHeader { src, dst, ttl: 60, ecn: EcnCodepoint::NotEct, dscp: 0, df: true, ident: 0 };
        let packet = Packet { id: PacketId(1_000_000), ip, body: Body::Tcp(syn), flipped_bit: None };
        net.visit(1, |host, now, out| host.on_packet(now, &packet, out));
        assert_eq!(net.sent.len(), answers, "{src}");
    }
}

/// 1122/3.2.2.4-TE, 3.2.2.5-PP: time exceeded and a parameter problem reach the connection, which goes on; its program can ask.
#[test]
fn what_is_only_told_reaches_the_connection() {
    for (kind, told) in [
        (IcmpKind::TtlExceeded, Errno::EHOSTUNREACH),
        (IcmpKind::ReassemblyTimeExceeded, Errno::EHOSTUNREACH),
        (IcmpKind::ParameterProblem(20), Errno::EPROTO),
    ] {
        let server = program("server", 0, Run::Serve(serve(80, vec![Step::RecvToEof])));
        let client = script(vec![connect(), Step::Send(text("x")), sleep(10_000)]);
        let mut net = Net::new(vec![program("c", 0, client)], vec![server]);
        net.run(ms(25));
        let (_, _, data) = net.sent.iter().rfind(|(_, from, _)| *from == 0).unwrap();
        let tcp = data.tcp().unwrap();
        assert_eq!(tcp.payload.len(), 1, "it is under way");
        let (local, remote) = (SocketAddr::new(data.ip.src, tcp.src), SocketAddr::new(data.ip.dst, tcp.dst));
        let i = net.sent.len() - 1;
        net.report(kind, i);
        let layer = &net.hosts[0].kernel.tcp;
        let tcb = layer.find(&tcp::Tuple { local, remote }).and_then(|id| layer.tcb(id)).unwrap();
        assert_eq!((tcb.state(), tcb.soft_error()), (tcp::State::Established, Some(told)), "{kind:?}");
    }
}

/// 8200/4.5-MULT8, 8200/4.5-TOOBIG, 1122/3.2.2.5-PP, 792/1-PP: who sends a fragment that cannot be is told which octet of it cannot: its
/// length, or where it lies; over IPv4 of a first fragment only, and not by Linux.
#[test]
fn a_fragment_that_cannot_be_is_told_of() {
    let v4 = ["10.0.0.1", "10.0.0.2"];
    let v6 = ["2001:db8::1", "2001:db8::2"];
    let cases: [(_, _, u16, u16, _, &[u8]); 9] = [
        (v6, Config::linux(), 0, 1001, true, &[4]),
        (v6, Config::linux(), 1000, 1001, true, &[4]),
        (v6, Config::freebsd(), 65_528, 8, false, &[42]),
        (v6, Config::rfc(), 1000, 1001, false, &[]),
        (v6, Config::rfc(), 1000, 1000, true, &[]),
        (v4, Config::rfc(), 0, 1001, true, &[2]),
        (v4, Config::rfc(), 0, 65_528, true, &[6]),
        (v4, Config::rfc(), 1000, 1001, true, &[]),
        (v4, Config::linux(), 0, 1001, true, &[]),
    ];
    for (addresses, config, offset, len, more, octets) in cases {
        let [a, b] = addresses;
        let mut net = Net::at(&[a], &[b], config, (32768, 60999), vec![], vec![]);
        let datagram =
            Datagram { src: 1, dst: 2, payload: tcp::Payload::Pattern { stream: 0, offset: 0, len: 4000 } };
        let ecn = EcnCodepoint::NotEct;
        let (src, dst) = (a.parse().unwrap(), b.parse().unwrap());
        let ip = IpHeader { src, dst, ttl: 60, ecn, dscp: 0, df: false, ident: 7 };
        let whole = Packet { id: PacketId(1_000_000), ip, body: Body::Udp(datagram), flipped_bit: None };
        let body = Body::Fragment(Box::new(Fragment { of: Arc::new(whole.clone()), offset, len, more }));
        net.visit(1, |host, now, out| host.on_packet(now, &Packet { body, ..whole }, out));
        let told = net.sent.iter().map(|(_, _, packet)| match &packet.body {
            Body::Icmp(icmp) => (icmp.kind, icmp.quote.protocol, icmp.quote.src, icmp.quote.dst),
            other => panic!("{other:?}"),
        });
        let told: Vec<_> = told.collect();
        // Only the first fragment has the ports: what any other begins with is some data, and stands for nobody.
        let (src, dst) = if offset == 0 { (1, 2) } else { (0, 0) };
        let about = |octet: &u8| (IcmpKind::ParameterProblem(*octet), crate::ip::PROTO_UDP, src, dst);
        let expected: Vec<_> = octets.iter().map(about).collect();
        assert_eq!(told, expected, "{len} at {offset} to {b}");
    }
}
