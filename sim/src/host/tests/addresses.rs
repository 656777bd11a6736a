//! Addresses, ports and the IP header of what a connection sends (RFC 9293, sections 3.9.1.1, 3.9.1.9 and 3.9.2).

use super::*;
use crate::packet::{Body, EcnCodepoint, IpHeader};
use tcp::tcb::SocketOption;
use tcp::{Flags, Segment, SeqNum};

const PORTS: (u16, u16) = (32768, 60999);

fn bind(port: u16, address: Option<&str>) -> Step {
    Step::Bind { port, address: address.map(|a| a.parse().unwrap()) }
}
fn connect(to: &str) -> Step {
    Step::Connect(addr(to))
}
fn sink(address: Option<&str>) -> spec::Program {
    let address = address.map(|a| a.parse().unwrap());
    program("server", 0, Run::Serve(spec::Serve { address, ..serve(80, vec![Step::RecvToEof]) }))
}
fn two_homed(a: Vec<spec::Program>, b: Vec<spec::Program>) -> Net {
    Net::at(&["10.0.0.1", "10.0.1.1"], &["10.0.0.2", "10.0.1.2"], Config::linux(), PORTS, a, b)
}

/// 9293/MUST-43, MUST-45: a local address that the program chose is that of every packet, to the last ACK.
#[test]
fn an_open_may_name_its_local_address() {
    let steps = vec![bind(0, Some("10.0.1.1")), connect("10.0.0.2:80"), Step::Send(text("x")), Step::Close];
    let mut net = two_homed(vec![program("c", 0, script(steps))], vec![sink(None)]);
    net.run(ms(1000));
    let from = |i: usize| net.sent.iter().filter(move |(_, host, _)| *host == i);
    assert!(from(0).count() >= 5);
    assert!(from(0).all(|(_, _, packet)| packet.ip.src.to_string() == "10.0.1.1"));
    assert!(from(1).all(|(_, _, packet)| packet.ip.src.to_string() == "10.0.0.2"));
    assert_eq!(net.states(0).last(), Some(&State::TimeWait));
}

/// 9293/MUST-43: a listener on one address refuses what is for another.
#[test]
fn a_listener_may_name_its_local_address() {
    let clients = ["10.0.0.2:80", "10.0.1.2:80"].map(|to| program(to, 0, script(vec![connect(to)])));
    let mut net = two_homed(clients.to_vec(), vec![sink(Some("10.0.1.2"))]);
    net.run(ms(1000));
    assert_eq!(net.calls("10.0.0.2:80"), ["connect(10.0.0.2:80) = ECONNREFUSED"]);
    assert_eq!(net.calls("10.0.1.2:80"), ["connect(10.0.1.2:80) = 0"]);
}

/// 9293/MUST-44: where the program names none, IP chooses: the host's first of the right family, itself for itself.
#[test]
fn ip_chooses_the_source() {
    let of_a = ["10.0.0.1", "2001:db8::1", "10.0.1.1"];
    for (to, from) in [("10.0.1.2:80", "10.0.0.1"), ("[2001:db8::2]:80", "2001:db8::1")] {
        let client = program("c", 0, script(vec![connect(to)]));
        let mut net =
            Net::at(&of_a, &["10.0.1.2", "2001:db8::2"], Config::linux(), PORTS, vec![client], vec![]);
        net.run(ms(1));
        assert_eq!(net.sent[0].2.ip.src.to_string(), from);
    }
}

/// 9293/MUST-41, MUST-42: a port from which connections are open, or being opened, can be listened on; they do not notice,
/// and others are accepted. A second listener on it is refused.
#[test]
fn a_port_in_use_can_be_listened_on() {
    let open = |name: &str, to: &str| {
        program(
            name,
            0,
            script(vec![bind(5000, None), connect(to), sleep(500), Step::Send(text("still here"))]),
        )
    };
    let listener = |name: &str, at| program(name, at, Run::Serve(serve(5000, vec![Step::RecvToEof])));
    // One is established when the listener comes, the other still in SYN-SENT: nobody has that address.
    let a = vec![
        open("established", "10.0.0.2:80"),
        open("opening", "10.0.0.9:80"),
        listener("listener", 200),
        listener("second", 300),
    ];
    let caller = program("caller", 400, script(vec![connect("10.0.0.1:5000"), Step::Close]));
    let mut net = Net::with(Config::linux(), PORTS, a, vec![sink(None), caller]);
    net.run(ms(150));
    let states = |net: &Net| {
        let rows = net.hosts[0].sockets(net.now);
        rows.iter()
            .filter(|row| row.state != State::Listen)
            .map(|row| (row.remote, row.state))
            .collect::<Vec<_>>()
    };
    let before = states(&net);
    assert_eq!(before.len(), 2);
    net.run(ms(350));
    assert_eq!(states(&net), before);
    assert_eq!(net.calls("second").last().unwrap(), "listen(*:5000, 5) = EADDRINUSE");
    net.run(ms(3000));
    assert_eq!(net.calls("caller")[0], "connect(10.0.0.1:5000) = 0");
    assert_eq!(net.calls("established").last().unwrap(), "send(\"still here\") = 10");
    assert!(states(&net).iter().any(|(_, state)| *state == State::SynSent), "still trying");
}

/// 9293/MUST-48, MUST-49: DSCP and TTL that a program sets are those of every packet of its connection, SYN and SYN-ACK,
/// retransmissions and the last ACK of TIME-WAIT included; the ECN field is not touched.
#[test]
fn dscp_and_ttl_of_a_connection() {
    let set = |option| Step::Set(option);
    let steps = vec![
        bind(0, None),
        set(SocketOption::Dscp(46)),
        set(SocketOption::Ttl(77)),
        connect("10.0.0.2:80"),
        Step::Send(text("hello")),
        Step::Close,
    ];
    let other = program("other", 0, script(vec![connect("10.0.0.2:80"), Step::Close]));
    let options = vec![SocketOption::Dscp(10), SocketOption::Ttl(5)];
    let server =
        program("server", 0, Run::Serve(spec::Serve { options, ..serve(80, vec![Step::RecvToEof]) }));
    let config = Config { ecn: tcp::config::Ecn::On, ..Config::linux() };
    let mut net = Net::with(config, PORTS, vec![program("c", 0, script(steps)), other], vec![server]);
    // One loss: a retransmission is among what is looked at.
    net.passes = |packet| packet.id != PacketId(9);
    net.run(ms(5000));
    let mark = |packet: &Packet| (packet.ip.dscp, packet.ip.ttl);
    let data = net.sent.iter().find(|(_, _, p)| p.tcp().is_some_and(|s| !s.payload.is_empty())).unwrap();
    assert_eq!(data.2.ip.ecn, EcnCodepoint::Ect0);
    let port = data.2.tcp().unwrap().src;
    for (_, host, packet) in &net.sent {
        let ours = packet.tcp().is_some_and(|s| s.src == port);
        let expected = match host {
            0 if ours => (46, 77),
            0 => (0, 64),
            _ => (10, 5),
        };
        assert_eq!(mark(packet), expected, "{packet:?}");
    }
    assert_eq!(net.states(0).iter().filter(|state| **state == State::TimeWait).count(), 2);
    for (option, errno) in [
        (SocketOption::Dscp(64), "EINVAL"),
        (SocketOption::Ttl(0), "EINVAL"),
        (SocketOption::KeepCount(0), "EINVAL"),
        // 9293/MUST-51, waived: source routes are not provided, and an application that asks for one is told.
        (SocketOption::SourceRoute, "ENOPROTOOPT"),
    ] {
        let mut net = Net::new(vec![program("c", 0, script(vec![bind(0, None), set(option)]))], vec![]);
        net.run(ms(10));
        assert!(net.calls("c")[1].ends_with(errno), "{:?}", net.calls("c"));
    }
}

/// SAFE/LAND: a SYN that claims to come from where it goes is dropped; nobody answers himself for ever.
#[test]
fn a_syn_from_oneself() {
    let mut net = Net::new(vec![], vec![sink(None)]);
    net.run(ms(1));
    let ip: std::net::IpAddr = "10.0.0.2".parse().unwrap();
    let syn =
        Segment { src: 80, dst: 80, seq: SeqNum(7), flags: Flags::SYN, wnd: 9000, ..Default::default() };
    let ip = IpHeader { src: ip, dst: ip, ttl: 60, ecn: EcnCodepoint::NotEct, dscp: 0, df: true, ident: 0 };
    let packet = Packet { id: PacketId(1_000_000), ip, body: Body::Tcp(syn), flipped_bit: None };
    net.visit(1, |host, now, out| host.on_packet(now, &packet, out));
    net.run(ms(100_000));
    assert!(net.sent.is_empty());
    assert_eq!(net.hosts[1].sockets(net.now).len(), 1, "the listener alone");
    assert_eq!(net.hosts[1].counters().tcp_out_segs, 0);
}

/// SAFE/IPIDSIDE, RFC 7739: what a third party sees of a host's identifications tells nothing of what the host sends to
/// others: they count by connection or by destination, from secret beginnings.
#[test]
fn identifications_do_not_tell_of_other_traffic() {
    // The identifications that the observer's connection shows, with and without a busy one beside it.
    let seen = |busy: bool| {
        let slowly = |n: u32| {
            let send =
                Step::SendBytes { len: u64::from(n) * 10, chunk: 10, every: Duration::from_millis(100) };
            script(vec![sleep(10), connect("10.0.0.2:80"), send])
        };
        let mut programs = vec![program("observed", 0, slowly(10))];
        if busy {
            programs.push(program("busy", 50, slowly(50)));
        }
        let mut net = Net::new(programs, vec![sink(None)]);
        net.run(ms(4000));
        let port = net.sent[0].2.tcp().unwrap().src;
        let of = |(_, host, packet): &(Time, usize, Packet)| {
            (*host == 0 && packet.tcp().is_some_and(|s| s.src == port)).then_some(packet.ip.ident)
        };
        net.sent.iter().filter_map(of).collect::<Vec<u16>>()
    };
    assert!(seen(false).len() > 10);
    assert_eq!(seen(false), seen(true));
}
