use super::*;
use crate::packet::{Body, Echo, EcnCodepoint, IpHeader};

fn ping(to: &str, count: u16, size: u32) -> Run {
    let (every, patience) = (Duration::from_millis(100), Duration::from_secs(1));
    Run::Ping { to: to.parse().unwrap(), count, every, size, ttl: None, df: false, patience }
}

/// The request and the reply, put together again where they were cut, as they were sent.
fn echoes(net: &Net) -> Vec<(&IpHeader, &Echo)> {
    net.sent.iter().filter_map(|(_, _, packet)| echo_of(packet)).collect()
}

fn echo_of(packet: &Packet) -> Option<(&IpHeader, &Echo)> {
    match &packet.body {
        Body::Echo(echo) => Some((&packet.ip, echo)),
        Body::Fragment(fragment) if fragment.offset == 0 => match &fragment.of.body {
            Body::Echo(echo) => Some((&packet.ip, echo)),
            _ => None,
        },
        _ => None,
    }
}

/// 1122/3.2.2.6-ECHO: from the address that was asked, with the same identifier, number and data, of any size; the DSCP
/// too.
#[test]
fn the_reply_brings_the_data_back_from_where_it_was_sent_to() {
    for (size, to) in [(0, "10.0.0.2"), (56, "10.0.0.2"), (1473, "10.0.0.9"), (60_000, "10.0.0.2")] {
        let asker = vec![program("p", 0, ping(to, 1, size))];
        let of_b = &["10.0.0.2", "10.0.0.9"];
        let mut net = Net::at(&["10.0.0.1"], of_b, Config::linux(), (32768, 60999), asker, vec![]);
        net.run(ms(1000));
        let [(asked, request), (answered, reply)] = echoes(&net)[..] else { panic!("two messages") };
        assert_eq!((answered.src, answered.dst), (asked.dst, asked.src));
        assert_eq!(answered.src, to.parse::<std::net::IpAddr>().unwrap());
        assert_eq!(*reply, Echo { reply: true, ..request.clone() });
        assert_eq!(request.payload.len(), size);
        let bytes = size + 8;
        assert_eq!(
            net.calls("p")[0],
            format!("ping({to}, seq 1) = {bytes} bytes from {to}, ttl 64, rtt 20ms")
        );
    }
}

#[test]
fn the_reply_has_the_dscp_of_the_request_and_no_ecn() {
    let mut net = Net::new(vec![], vec![]);
    let ip = IpHeader {
        src: "10.0.0.1".parse().unwrap(),
        dst: "10.0.0.2".parse().unwrap(),
        ttl: 3,
        ecn: EcnCodepoint::Ce,
        dscp: 46,
        df: true,
        ident: 1,
    };
    let body = Body::Echo(Echo { reply: false, ident: 7, seq: 8, payload: text("abc") });
    let packet = Packet { id: PacketId(900), ip, body, flipped_bit: None };
    net.visit(1, |host, now, out| host.on_packet(now, &packet, out));
    let [(answered, _)] = echoes(&net)[..] else { panic!("one message") };
    assert_eq!(
        (answered.dscp, answered.ecn, answered.ttl, answered.df),
        (46, EcnCodepoint::NotEct, 64, false)
    );
}

/// An answer that comes too late is told, and does not count; one that never comes is told when patience ends.
#[test]
fn lost_and_repeated_answers() {
    let mut net = Net::new(vec![program("p", 0, ping("10.0.0.2", 3, 56))], vec![]);
    net.passes = |packet| !matches!(&packet.body, Body::Echo(echo) if echo.seq == 2);
    net.run(ms(150));
    // The first reply once more.
    let reply = net.sent.iter().find(|(_, i, _)| *i == 1).unwrap().2.clone();
    net.visit(0, |host, now, out| host.on_packet(now, &reply, out));
    net.run(ms(5000));
    assert_eq!(
        net.calls("p"),
        [
            "ping(10.0.0.2, seq 1) = 64 bytes from 10.0.0.2, ttl 64, rtt 20ms",
            "ping(10.0.0.2, seq 1) = 64 bytes from 10.0.0.2, ttl 64, again, or late",
            "ping(10.0.0.2, seq 3) = 64 bytes from 10.0.0.2, ttl 64, rtt 20ms",
            "ping(10.0.0.2, seq 2) = no answer",
            "ping(10.0.0.2) statistics = 3 sent, 2 received, 33% lost, rtt min 20ms, avg 20ms, max 20ms",
        ]
    );
}

/// Identifiers tell askers apart; nobody is given another's answer.
#[test]
fn two_programs_ask_at_once() {
    let programs = vec![program("p", 0, ping("10.0.0.2", 2, 10)), program("q", 5, ping("10.0.0.2", 1, 20))];
    let mut net = Net::new(programs, vec![]);
    net.run(ms(5000));
    let idents: Vec<u16> = echoes(&net).iter().map(|(_, echo)| echo.ident).collect();
    assert_eq!(idents, [1, 2, 1, 2, 1, 1]);
    assert!(net.calls("p")[0].contains("18 bytes") && net.calls("q")[0].contains("28 bytes"));
}

#[test]
fn what_the_path_does_not_take_is_not_sent_with_df() {
    let Run::Ping { to, count, every, ttl, patience, .. } = ping("10.0.0.2", 1, 0) else { panic!("a ping") };
    let with = |size| Run::Ping { to, count, every, size, ttl, df: true, patience };
    let programs = vec![program("p", 0, with(1472)), program("q", 0, with(1473))];
    let mut net = Net::new(programs, vec![]);
    net.run(ms(5000));
    assert!(net.calls("p")[0].ends_with("= 1480 bytes from 10.0.0.2, ttl 64, rtt 20ms"));
    assert_eq!(net.calls("q")[0], "ping(10.0.0.2, seq 1) = EMSGSIZE, mtu 1500");
}

/// An end that answers nothing is tried up to the last TTL, each time with patience.
#[test]
fn traceroute_gives_up_at_the_last_hop() {
    let run = Run::Traceroute {
        to: "10.0.0.2".parse().unwrap(),
        hops: 2,
        queries: 2,
        patience: Duration::from_secs(1),
    };
    let mut net = Net::new(vec![program("t", 0, run)], vec![]);
    net.passes = |_| false;
    net.run(ms(60_000));
    let hops = [1, 1, 2, 2].map(|hop| format!("traceroute(10.0.0.2, hop {hop}) = no answer"));
    assert_eq!(net.calls("t"), hops);
    let ttls: Vec<u8> = echoes(&net).iter().map(|(ip, _)| ip.ttl).collect();
    assert_eq!(ttls, [1, 1, 2, 2]);
}
