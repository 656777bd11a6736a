use super::*;
use crate::packet::{Body, IcmpKind};

fn send(port: u16, sizes: Vec<u32>, df: bool) -> Run {
    let to = SocketAddr::new("10.0.0.2".parse().unwrap(), port);
    Run::UdpSend { to, port: 5000, sizes, count: 1, poisson: false, every: Duration::from_millis(100), df }
}

#[test]
fn datagrams_arrive_whole_and_are_echoed() {
    let sender = program("s", 0, send(53, vec![10, 1472], false));
    let receiver = program("r", 0, Run::UdpReceive { port: 53, echo: true });
    let mut net = Net::new(vec![sender], vec![receiver]);
    net.run(ms(1000));
    assert_eq!(
        net.calls("r"),
        [
            "bind(53) = 0",
            "recvfrom() = 10 from 10.0.0.1:5000",
            "sendto(10, 10.0.0.1:5000) = 10",
            "recvfrom() = 1472 from 10.0.0.1:5000",
            "sendto(1472, 10.0.0.1:5000) = 1472",
        ]
    );
    assert_eq!(
        net.calls("s"),
        [
            "sendto(10, 10.0.0.2:53) = 10",
            "recvfrom() = 10 from 10.0.0.2:53",
            "sendto(1472, 10.0.0.2:53) = 1472",
            "recvfrom() = 1472 from 10.0.0.2:53",
        ]
    );
}

/// RFC 1122, section 4.1.3.1 and 4.1.3.3.
#[test]
fn a_port_without_a_reader_is_unreachable_and_the_connected_sender_is_told() {
    let mut net = Net::new(vec![program("s", 0, send(9, vec![10, 10], false))], vec![]);
    net.run(ms(1000));
    let errors = net.sent.iter().filter(
        |(_, i, p)| matches!(&p.body, Body::Icmp(icmp) if *i == 1 && icmp.kind == IcmpKind::PortUnreachable),
    );
    assert_eq!(errors.count(), 2);
    assert_eq!(
        net.calls("s"),
        [
            "sendto(10, 10.0.0.2:9) = 10",
            "recvfrom() = ECONNREFUSED",
            "sendto(10, 10.0.0.2:9) = 10",
            "recvfrom() = ECONNREFUSED",
        ]
    );
}

#[test]
fn a_datagram_larger_than_the_path_is_cut_unless_that_is_forbidden() {
    let receiver = || program("r", 0, Run::UdpReceive { port: 53, echo: false });
    let mut net = Net::new(vec![program("s", 0, send(53, vec![4000], false))], vec![receiver()]);
    net.run(ms(1000));
    assert_eq!(net.sent.len(), 3);
    assert_eq!(net.hosts[0].counters().ip_frag_oks, 1);
    assert_eq!(net.calls("r"), ["bind(53) = 0", "recvfrom() = 4000 from 10.0.0.1:5000"]);

    let mut net = Net::new(vec![program("s", 0, send(53, vec![4000], true))], vec![receiver()]);
    net.run(ms(1000));
    assert_eq!(net.calls("s"), ["sendto(4000, 10.0.0.2:53) = EMSGSIZE"]);
}

#[test]
fn nothing_is_longer_than_a_length_field_can_say() {
    let mut net = Net::new(vec![program("s", 0, send(53, vec![65_508, u32::MAX], false))], vec![]);
    net.run(ms(1000));
    assert_eq!(
        net.calls("s"),
        ["sendto(65508, 10.0.0.2:53) = EMSGSIZE", "sendto(4294967295, 10.0.0.2:53) = EMSGSIZE"]
    );
}
