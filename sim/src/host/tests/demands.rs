//! Demands of RFC 9293 on a host that need a test of their own.

use super::*;
use crate::packet::{Body, EcnCodepoint, IpHeader};
use tcp::{Flags, Segment, SeqNum};

fn connect() -> Step {
    Step::Connect(addr("10.0.0.2:80"))
}
fn listening(port: u16) -> spec::Program {
    program("server", 0, Run::Serve(serve(port, vec![Step::RecvToEof])))
}

impl Net {
    /// A segment from `src` to `dst` reaches host b.
    fn inject(&mut self, src: &str, dst: &str, segment: Segment) {
        let (src, dst) = (src.parse().unwrap(), dst.parse().unwrap());
        let ip = IpHeader { src, dst, ttl: 60, ecn: EcnCodepoint::NotEct, dscp: 0, df: true, ident: 0 };
        let packet = Packet { id: PacketId(1_000_000), ip, body: Body::Tcp(segment), flipped_bit: None };
        self.visit(1, |host, now, out| host.on_packet(now, &packet, out));
    }
}

/// 9293/MUST-57: a segment to a broadcast or multicast address draws nothing, on an open port and on a closed one.
#[test]
fn segments_to_many_are_dropped() {
    for dst in ["255.255.255.255", "10.255.255.255", "224.0.0.1", "ff02::1", "10.0.0.2"] {
        for flags in [Flags::SYN, Flags::ACK, Flags::FIN] {
            let mut net = Net::new(vec![], vec![listening(80)]);
            net.run(ms(1));
            let src = if dst.contains(':') { "fd00::9" } else { "10.0.0.9" };
            net.inject(src, dst, Segment { src: 1, dst: 80, flags, wnd: 9000, ..Segment::default() });
            let answered = dst == "10.0.0.2" && flags != Flags::FIN;
            assert_eq!(net.sent.len(), usize::from(answered), "{dst} {flags}");
        }
    }
}

/// 9293/EV-CLOSED-RST, RST-OF-RST: the reset for a segment to a closed port, field by field; SEG.LEN counts SYN, FIN and text.
#[test]
fn resets_from_a_closed_port() {
    let segment = |flags, len: u32, ack: u32| {
        let payload = Payload::Pattern { stream: 0, offset: 0, len }.slice(0, len);
        Segment { src: 9, dst: 81, seq: SeqNum(1000), ack: SeqNum(ack), flags, payload, ..Segment::default() }
    };
    let no_ack = Flags::RST | Flags::ACK;
    for (given, seq, ack, flags) in [
        (segment(Flags::SYN, 0, 0), 0, 1001, no_ack),
        (segment(Flags::SYN, 20, 0), 0, 1021, no_ack),
        (segment(Flags::FIN, 0, 0), 0, 1001, no_ack),
        (segment(Flags::SYN | Flags::FIN, 5, 0), 0, 1007, no_ack),
        (segment(Flags::NONE, 0, 0), 0, 1000, no_ack),
        (segment(Flags::ACK, 0, 77), 77, 0, Flags::RST),
        (segment(Flags::SYN | Flags::ACK, 0, 77), 77, 0, Flags::RST),
        (segment(Flags::FIN | Flags::ACK, 3, 77), 77, 0, Flags::RST),
    ] {
        let mut net = Net::new(vec![], vec![]);
        let what = format!("{given:?}");
        net.inject("10.0.0.9", "10.0.0.2", given);
        let reset = net.sent[0].2.tcp().unwrap();
        assert_eq!((reset.seq.0, reset.ack.0, reset.flags), (seq, ack, flags), "{what}");
        assert_eq!((reset.src, reset.dst, reset.wnd, reset.payload.len()), (81, 9, 0, 0));
    }
    for flags in [Flags::RST, no_ack, Flags::RST | Flags::SYN] {
        let mut net = Net::new(vec![], vec![listening(80)]);
        net.run(ms(1));
        net.inject("10.0.0.9", "10.0.0.2", segment(flags, 0, 77));
        net.inject("10.0.0.9", "10.0.0.2", Segment { dst: 80, ..segment(flags, 0, 77) });
        assert_eq!(net.sent.len(), 0, "{flags}");
    }
}

/// 9293/HS-HALF-OPEN: a host that has forgotten a connection opens the same one again: the old end's ACK draws a reset, and
/// the next SYN opens.
#[test]
fn a_rebooted_client_opens_the_same_connection_again() {
    let client = vec![Step::Bind { port: 5000, address: None }, connect(), Step::WaitEnd];
    let mut client = program("c", 0, script(client));
    client.restart = true;
    let mut net = Net::new(vec![client], vec![listening(80)]);
    net.run(ms(500));
    net.visit(0, |host, now, out| host.crash(now, out));
    net.sent.clear();
    net.visit(0, |host, now, out| host.boot(now, out));
    net.run(ms(2500));
    assert_eq!(net.flags()[..6], ["a S", "b .", "a R", "a S", "b S.", "a ."]);
    let numbers = |i: usize| net.sent[i].2.tcp().unwrap();
    assert_eq!(numbers(2).seq, numbers(1).ack, "the reset is at what the old end expects");
    assert!(net.hosts[1].sockets(net.now).iter().any(|row| row.state == State::Established));
}

/// 9293/EV-OPEN-DUP, MUST-41, MUST-42: one open for each connection; a listener and a connection may share a port.
#[test]
fn opens_of_the_same_port() {
    let bind = || Step::Bind { port: 5000, address: None };
    let twice = vec![bind(), connect(), connect(), sleep(5000)];
    let mut net = Net::new(vec![program("c", 0, script(twice))], vec![listening(80)]);
    net.run(ms(1000));
    assert_eq!(net.calls("c")[2], "connect(10.0.0.2:80) = EISCONN");
    // The second from the same port finds the connection there; the first is not disturbed.
    let second = program("d", 500, script(vec![bind(), connect()]));
    let first = program("c", 0, script(vec![bind(), connect(), sleep(5000)]));
    let mut net = Net::new(vec![first.clone(), second], vec![listening(80)]);
    net.run(ms(1000));
    assert_eq!(net.calls("d")[1], "connect(10.0.0.2:80) = EADDRNOTAVAIL");
    // A listener comes to a port that an open in progress uses; both go on.
    for answered in [true, false] {
        let listener = program("l", 5, Run::Serve(serve(5000, vec![Step::RecvToEof])));
        let other = program("o", 100, script(vec![Step::Connect(addr("10.0.0.1:5000")), sleep(5000)]));
        let mut net = Net::new(vec![first.clone(), listener], vec![listening(80), other]);
        if !answered {
            net.passes = |packet| packet.tcp().is_none_or(|s| s.dst != 80);
        }
        net.run(ms(1000));
        assert_eq!(net.calls("o")[0], "connect(10.0.0.1:5000) = 0");
        let of_client =
            net.hosts[0].sockets(net.now).into_iter().find(|row| row.remote == Some(addr("10.0.0.2:80")));
        let state = of_client.map(|row| row.state);
        assert_eq!(state, Some(if answered { State::Established } else { State::SynSent }));
    }
}

/// 9293/MUST-43, MUST-44, MUST-45, MUST-49: the address that the program names, or the host's choice, stands on every segment
/// of the connection, and so does the time to live; a listener on one address does not answer on another.
#[test]
fn a_host_with_two_addresses() {
    let host = |programs: Vec<spec::Program>| {
        let spec = spec::Host {
            addresses: vec!["10.0.0.1".parse().unwrap(), "10.1.0.1".parse().unwrap()],
            tcp: Arc::new(Config::linux()),
            ports: (32768, 60999),
            ttl: 77,
            reassembly_timeout: Duration::from_secs(30),
            routes: Vec::new(),
            first_pid: 1000,
            wakeup: tcp::Duration::ZERO,
        };
        Host::new(Setup {
            name: Arc::from("a"),
            seed: 7,
            spec,
            programs,
            net: crate::hostio::HostNet::single(1500),
        })
    };
    for (bound, source) in [(None, "10.0.0.1"), (Some("10.1.0.1"), "10.1.0.1")] {
        let address = bound.map(|a: &str| a.parse().unwrap());
        let steps = vec![Step::Bind { port: 0, address }, connect(), Step::Send(text("hello")), Step::Close];
        let mut net = Net::new(vec![], vec![listening(80)]);
        net.hosts[0] = host(vec![program("c", 0, script(steps))]);
        net.run(ms(3000));
        let ours: Vec<_> =
            net.sent.iter().filter(|(_, i, _)| *i == 0).map(|(_, _, packet)| packet.ip).collect();
        assert!(ours.len() >= 4, "SYN, ACK, data, FIN");
        assert!(ours.iter().all(|ip| ip.src.to_string() == source && ip.ttl == 77), "{ours:?}");
    }
    for (to, answer) in [("10.1.0.1", "b S."), ("10.0.0.1", "b R.")] {
        let mut server = serve(80, vec![Step::RecvToEof]);
        server.address = Some("10.1.0.1".parse().unwrap());
        let mut net = Net::new(vec![], vec![]);
        net.hosts[1] = host(vec![program("server", 0, Run::Serve(server))]);
        net.run(ms(1));
        net.inject(
            "10.0.0.9",
            to,
            Segment { src: 1, dst: 80, flags: Flags::SYN, wnd: 9000, ..Segment::default() },
        );
        assert_eq!(net.flags(), [answer]);
    }
}

/// 1122/3.2.1.3-BADSRC: no transport hears of a packet from an address that is nobody's.
#[test]
fn datagrams_from_nobody_are_dropped() {
    for (src, answers) in [("224.0.0.1", 0), ("255.255.255.255", 0), ("0.0.0.0", 0), ("10.0.0.9", 1)] {
        let mut net = Net::new(vec![], vec![]);
        let (src, dst) = (src.parse().unwrap(), "10.0.0.2".parse().unwrap());
        let ip = IpHeader { src, dst, ttl: 60, ecn: EcnCodepoint::NotEct, dscp: 0, df: true, ident: 0 };
        let body = Body::Udp(crate::packet::Datagram { src: 1, dst: 2, payload: text("x") });
        let packet = Packet { id: PacketId(1_000_000), ip, body, flipped_bit: None };
        net.visit(1, |host, now, out| host.on_packet(now, &packet, out));
        assert_eq!(net.hosts[1].counters().udp_in_datagrams + net.hosts[1].counters().udp_no_ports, answers);
    }
}

/// 1122/3.2.1.7-RXTTL, 3.2.1.7-TTL0: what arrives with a TTL of one or none has arrived; nothing is sent with none.
#[test]
fn a_packet_may_arrive_with_no_time_left() {
    for ttl in [0, 1] {
        let mut net = Net::new(vec![], vec![listening(80)]);
        net.run(ms(1));
        let (src, dst) = ("10.0.0.9".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let ip = IpHeader { src, dst, ttl, ecn: EcnCodepoint::NotEct, dscp: 0, df: true, ident: 0 };
        let syn = Segment { src: 1, dst: 80, flags: Flags::SYN, wnd: 9000, ..Segment::default() };
        let packet = Packet { id: PacketId(1_000_000), ip, body: Body::Tcp(syn), flipped_bit: None };
        net.visit(1, |host, now, out| host.on_packet(now, &packet, out));
        assert_eq!(net.flags(), ["b S."]);
        assert!(net.sent.iter().all(|(_, _, packet)| packet.ip.ttl > 0));
    }
}

/// 6056/3-RANDPORT, 6056/3.1-RANGE: ports of active opens are drawn from the whole range, without order, and none is in use.
#[test]
fn ports_are_random_and_free() {
    let clients = Run::Clients {
        count: 60,
        every: Duration::from_millis(1),
        at_once: 0,
        script: Arc::from(vec![connect(), Step::WaitEnd]),
    };
    let mut server = serve(80, vec![Step::WaitEnd]);
    server.backlog = 100;
    let server = program("server", 0, Run::Serve(server));
    let mut net = Net::with(Config::linux(), (20_000, 59_999), vec![program("c", 0, clients)], vec![server]);
    net.run(ms(500));
    let mut ports: Vec<u16> = net.hosts[0].sockets(net.now).iter().map(|row| row.local.port()).collect();
    assert_eq!(ports.len(), 60);
    assert!(!ports.is_sorted() && !ports.iter().rev().is_sorted());
    assert!(ports.iter().all(|port| (20_000..60_000).contains(port)));
    assert!(ports.iter().any(|port| *port < 30_000) && ports.iter().any(|port| *port >= 50_000));
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 60, "none twice");
}

/// 9293/SHLD-21: a program may change the DSCP of an open connection.
#[test]
fn dscp_may_change() {
    let set = |dscp| Step::Set(tcp::tcb::SocketOption::Dscp(dscp));
    let steps =
        vec![connect(), set(10), Step::Send(text("one")), sleep(200), set(46), Step::Send(text("two"))];
    let mut net = Net::new(vec![program("c", 0, script(steps))], vec![listening(80)]);
    net.run(ms(1000));
    let data = |(_, _, packet): &&(Time, usize, Packet)| packet.tcp().is_some_and(|s| !s.payload.is_empty());
    let marks: Vec<u8> = net.sent.iter().filter(data).map(|(_, _, packet)| packet.ip.dscp).collect();
    assert_eq!(marks, [10, 46]);
}
