//! What `personality: FreeBsd` does, fact by fact: figures of FreeBSD 15's sysctls and of its sources (`sys/netinet`), each seen
//! in a run.

use sim::{Simulator, TraceLevel};
use timewait::scenario::Scenario;

/// A fact, the TCP of `b` besides the personality, and what is run and expected. Between `a` and `b` it takes 10 ms.
type Fact = (&'static str, &'static str, &'static str);

const FACTS: &[Fact] = &[
    (
        "an MSL is 30 s: TIME-WAIT lasts 60 s",
        "",
        r#"programs: [(on: "b", run: EchoServer(port: 80)), (on: "a", run: Client(to: "b:80", steps: [Close]))],
           expect: [Ends(at: "60.04s")]"#,
    ),
    (
        "a RST in TIME-WAIT is dropped (tcp_twcheck)",
        "",
        r#"programs: [(on: "b", run: EchoServer(port: 80)), (on: "a", run: Client(to: "b:80", port: 40000, steps: [Close]))],
           faults: [(at: "5s", do: Inject(on: "b", src: "b:80", dst: "a:40000", flags: "R", seq: Expected(0)))],
           expect: [Happened(rule: "TimeWaitRstIgnored", on: "a", times: 1), Ends(at: "60.04s")]"#,
    ),
    (
        "FIN-WAIT-2 without a program lasts as long as keepalive would ask (fast_finwait2_recycle 0)",
        "",
        r#"until: "700s",
           programs: [
               (on: "b", run: Server(port: 80, steps: [Sleep("1000s")])),
               (on: "a", run: Client(to: "b:80", port: 40000, steps: [Close])),
           ],
           expect: [
               Socket(on: "a", at: "600s", port: 40000, state: "FIN-WAIT-2"),
               Transitions(on: "a", are: ["FIN-WAIT-2", "CLOSED"]),
           ]"#,
    ),
    (
        "the first RTO is 1 s, then 200 ms are added to what is doubled; a connect has 75 s",
        "",
        r#"programs: [(on: "a", name: "a", run: Client(to: "b:80", steps: []))],
           rules: [(from: "a", do: Drop)],
           expect: [
               Packet(flags: "S", at: "1s"), Packet(flags: "S", at: "3.2s"), Packet(flags: "S", at: "7.4s"),
               Packet(flags: "S", at: "15.6s"), Packet(flags: "S", at: "31.8s"), Packet(flags: "S", at: "64s"),
               Count(of: (flags: "S"), is: 7), Error(program: "a", is: ETIMEDOUT, call: "connect", at: "75s"),
           ]"#,
    ),
    (
        "a SYN-ACK is repeated three times, with the same intervals",
        "",
        r#"programs: [(on: "b", run: EchoServer(port: 80)), (on: "a", name: "a", run: Client(to: "b:80", steps: []))],
           rules: [(from: "b", do: Drop), (from: "a", time: ("500ms", "100s"), do: Drop)],
           expect: [
               Packet(from: "b", at: "10ms"), Packet(from: "b", at: "1.01s"), Packet(from: "b", at: "3.21s"),
               Packet(from: "b", at: "7.41s"), Count(of: (from: "b", flags: "S."), is: 4),
           ]"#,
    ),
    (
        "200 ms are added to each RTO after back-off; twelve retransmissions",
        "",
        r#"programs: [
               (on: "b", run: Sink(port: 80)),
               (on: "a", name: "a", run: Client(to: "b:80", steps: [SendBytes(len: 100), WaitEnd])),
           ],
           rules: [(from: "a", len: (1, 2000), do: Drop)],
           expect: [
               Packet(len: 100, at: "20ms"), Packet(len: 100, at: "280ms"), Packet(len: 100, at: "600ms"),
               Packet(len: 100, at: "1.04s"), Packet(len: 100, at: "1.72s"), Packet(len: 100, at: "63.4s"),
               Count(of: (from: "a", len: 100), is: 13), Error(program: "a", is: ETIMEDOUT),
           ]"#,
    ),
    (
        "where the round trip is short and steady the RTO is 30 ms and 200 ms",
        "",
        r#"programs: [
               (on: "b", run: EchoServer(port: 80)),
               (on: "a", run: Client(to: "b:80", steps: [
                   Repeat(40, [Send("x"), Recv(1)]), WaitUntil("2s"), Send("lost"), Close,
               ])),
           ],
           rules: [(from: "a", time: ("2s", "2.5s"), do: Drop)],
           expect: [Packet(len: 4, at: "2.23s"), Packet(len: 4, at: "2.49s"), Packet(len: 4, at: "2.81s")]"#,
    ),
    (
        "no RTO is longer than 64 s",
        "",
        r#"programs: [
               (on: "b", run: Sink(port: 80)),
               (on: "a", run: Client(to: "b:80", steps: [SendBytes(len: 100), WaitEnd])),
           ],
           rules: [(from: "b", flags: "S.", do: Delay("40ms")), (from: "a", len: (1, 2000), do: Drop)],
           expect: [
               Packet(len: 100, at: "47.56s"), Packet(len: 100, at: "93.84s"), Packet(len: 100, at: "157.84s"),
               Packet(len: 100, at: "221.84s"),
           ]"#,
    ),
    (
        "an ACK is delayed by 40 ms",
        "",
        r#"programs: [
               (on: "b", run: Sink(port: 80)), (on: "a", run: Client(to: "b:80", steps: [Send("x"), Sleep("1s"), Close])),
           ],
           expect: [Packet(from: "b", flags: ".", ack: 2, at: "70ms", why: "AckDelayed")]"#,
    ),
    (
        "a closed window is probed after 5 s, then ever more seldom, at last each 60 s",
        "rcv_buf: 2000, rcv_buf_max: 2000",
        r#"until: "400s",
           programs: [
               (on: "b", run: Server(port: 80, steps: [Sleep("1000s")])),
               (on: "a", run: Client(to: "b:80", steps: [SendBytes(len: 20000), WaitEnd])),
           ],
           expect: [Count(of: (from: "a", why: "ZeroWindowProbe", before: "30s"), is: (2, 3)),
               Count(of: (from: "a", why: "ZeroWindowProbe", after: "180s", before: "360s"), is: 3)]"#,
    ),
    (
        "a segment without the timestamp is taken (tolerate_missing_ts)",
        "",
        r#"programs: [
               (on: "b", run: EchoServer(port: 80)),
               (on: "a", run: Client(to: "b:80", port: 40000, steps: [WaitUntil("2s"), Abort])),
           ],
           faults: [(at: "1s", do: Inject(on: "a", src: "a:40000", dst: "b:80", flags: "P.", data: "bare"))],
           expect: [Packet(from: "b", len: 4)]"#,
    ),
    (
        "keepalive after two hours, each 75 s, eight times",
        "",
        r#"programs: [
               (on: "b", run: Server(port: 80, steps: [Sleep("9000s"), Abort])),
               (on: "a", name: "a", run: Client(to: "b:80", options: [KeepAlive(true)], steps: [WaitEnd])),
           ],
           rules: [(from: "a", time: ("1s", "9000s"), do: Drop)],
           expect: [
               Packet(from: "a", at: "7200.01s", within: "20ms"), Packet(from: "a", at: "7275.01s", within: "20ms"),
               Count(of: (from: "a", why: "KeepaliveProbe"), is: 8),
               Error(program: "a", is: ETIMEDOUT, at: "7800.01s", within: "20ms"),
           ]"#,
    ),
    (
        "the initial window is ten segments",
        "",
        r#"programs: [
               (on: "b", run: Sink(port: 80)), (on: "a", run: Client(to: "b:80", steps: [SendBytes(len: 30000), Close])),
           ],
           expect: [Count(of: (from: "a", len: (1, 1460), before: "39ms"), is: 10)]"#,
    ),
    (
        "the third duplicate ACK tells of a loss",
        "",
        r#"programs: [
               (on: "b", run: Sink(port: 80)), (on: "a", run: Client(to: "b:80", steps: [SendBytes(len: 5792), Close])),
           ],
           rules: [(from: "a", len: (1, 2000), nth: 1, do: Drop)],
           expect: [Packet(from: "a", seq: 1, at: "40ms", why: "SackRetransmit")]"#,
    ),
    (
        "two do not: there is no tail loss probe, and no RACK",
        "",
        r#"programs: [
               (on: "b", run: Sink(port: 80)),
               (on: "a", run: Client(to: "b:80", steps: [SendBytes(len: 4344), Sleep("2s"), Close])),
           ],
           rules: [(from: "a", len: (1, 2000), nth: 1, do: Drop)],
           expect: [Count(of: (from: "a", len: (1, 2000), before: "250ms"), is: 3), Packet(seq: 1, why: "RtoRetransmit", len: 1448)]"#,
    ),
    (
        "a timeout that the echoed timestamp shows to be needless is taken back: the window is as it was (TF_PREVVALID)",
        "",
        r#"programs: [
               (on: "b", run: Sink(port: 80)),
               (on: "a", run: Client(to: "b:80", steps: [SendBytes(len: 72400), Sleep("1s"), Close])),
           ],
           rules: [(from: "a", time: ("35ms", "400ms"), do: HoldUntil("400ms"))],
           expect: [
               Happened(rule: "RtoExpired", on: "a", times: 1), Happened(rule: "SpuriousUndo", on: "a", times: 1),
               Count(of: (from: "a", len: (1, 2000), after: "405ms", before: "415ms"), is: 20), Counter(on: "a", name: "TcpRetransSegs", is: 1),
           ]"#,
    ),
    (
        "but not where the same segment has timed out twice",
        "",
        r#"programs: [
               (on: "b", run: Sink(port: 80)),
               (on: "a", run: Client(to: "b:80", steps: [SendBytes(len: 72400), Sleep("1s"), Close])),
           ],
           rules: [(from: "a", time: ("35ms", "600ms"), do: HoldUntil("600ms"))],
           expect: [
               Happened(rule: "RtoExpired", on: "a", times: 2), Happened(rule: "SpuriousUndo", on: "a", times: 0),
           ]"#,
    ),
    (
        "no segment is smaller than an MSS of 216, whatever the peer says (minmss)",
        "mss: 100",
        r#"programs: [
               (on: "b", run: Sink(port: 80)), (on: "a", run: Client(to: "b:80", steps: [SendBytes(len: 1000), Close])),
           ],
           expect: [Count(of: (from: "a", len: 204), is: 4), NoPacket(from: "a", len: (205, 2000))]"#,
    ),
    (
        "no path MTU is smaller than that and its headers",
        "",
        r#"programs: [
               (on: "b", run: Sink(port: 80)),
               (on: "a", run: Client(to: "b:80", port: 40000, steps: [Send("x"), Sleep("1s"), SendBytes(len: 1000), Close])),
           ],
           rules: [(from: "b", protocol: Tcp, time: ("25ms", "500ms"), do: Drop)],
           faults: [(at: "50ms", do: InjectIcmp(on: "b", says: TooBig(100), src: "a:40000", dst: "b:80", seq: Expected(-1)))],
           expect: [Packet(from: "a", len: 204), NoPacket(from: "a", len: (205, 2000))]"#,
    ),
    (
        "a listener knows no Fast Open until it is told to",
        "",
        r#"programs: [
               (on: "b", run: EchoServer(port: 80, options: [FastOpen(16)])),
               (on: "a", run: Script([
                   Try([FastOpen(to: "b:80", send: "one"), Recv(3), Close]), Try([FastOpen(to: "b:80", send: "two"), Recv(3), Close]),
               ])),
           ],
           expect: [NoPacket(flags: "S", len: (1, 100)), Packet(from: "b", len: 3)]"#,
    ),
    (
        "ECN is granted, but not asked for",
        "ecn: On",
        r#"programs: [
               (on: "a", run: EchoServer(port: 80)), (on: "b", run: EchoServer(port: 80)),
               (on: "a", run: Client(to: "b:80", steps: [Close])), (on: "b", run: Client(to: "a:80", steps: [Close])),
           ],
           expect: [NoPacket(from: "a", flags: "SE", without: "."), Packet(from: "a", flags: "S.E")]"#,
    ),
    (
        "five challenge ACKs a second (ack_war_cnt, ack_war_timewindow)",
        "",
        r#"programs: [
               (on: "b", run: EchoServer(port: 80)),
               (on: "a", run: Client(to: "b:80", port: 40000, steps: [WaitUntil("5s"), Close])),
           ],
           faults: [
               (at: "1s", do: Inject(on: "a", src: "a:40000", dst: "b:80", flags: "R", seq: Expected(100), count: 20, every: "40ms")),
               (at: "2.1s", do: Inject(on: "a", src: "a:40000", dst: "b:80", flags: "S", seq: Expected(100), count: 20, every: "40ms")),
           ],
           expect: [
               Count(of: (from: "b", after: "1s", before: "2s"), is: 5), Packet(from: "b", at: "1.17s", why: "ChallengeRst"),
               Count(of: (from: "b", after: "2s", before: "3s"), is: 5), Happened(rule: "ChallengeLimited", on: "b", times: 30),
           ]"#,
    ),
    (
        "a hundred blocks beyond gaps are kept (reass.maxqueuelen)",
        "rcv_buf: 200000",
        r#"programs: [
               (on: "b", run: EchoServer(port: 80)),
               (on: "a", run: Client(to: "b:80", port: 40000, steps: [WaitUntil("5s"), Abort])),
           ],
           faults: [(at: "1s", do: Inject(
               on: "a", src: "a:40000", dst: "b:80", flags: ".", seq: Expected(100), len: 1, seq_step: 3, count: 300, every: "1ms",
           ))],
           expect: [
               Happened(rule: "TooManyBlocks", on: "b", times: 200), Counter(on: "b", name: "PeakRecords", is: 100),
               Count(of: (from: "b", why: "AckOutOfOrder"), is: 300),
           ]"#,
    ),
    (
        "and no more than the receive buffer holds full segments, and one",
        "rcv_buf: 14480, rcv_buf_max: 14480, mss: 1460",
        r#"programs: [
               (on: "b", run: EchoServer(port: 80)),
               (on: "a", run: Client(to: "b:80", port: 40000, steps: [WaitUntil("5s"), Abort])),
           ],
           faults: [(at: "1s", do: Inject(
               on: "a", src: "a:40000", dst: "b:80", flags: ".", seq: Expected(100), len: 1, seq_step: 3, count: 30, every: "1ms",
           ))],
           expect: [Happened(rule: "TooManyBlocks", on: "b", times: 19)]"#,
    ),
    (
        "an unreachable host ends an open once the SYN was repeated more than three times (tcp_notify)",
        "",
        r#"programs: [(on: "a", name: "a", run: Client(to: "b:80", steps: []))],
           rules: [(from: "a", do: Refuse(Host))],
           expect: [
               Count(of: (from: "a", flags: "S"), is: 5),
               Error(program: "a", is: EHOSTUNREACH, call: "connect", at: "15.61s", within: "15ms"),
           ]"#,
    ),
    (
        "one such error alone does not, but a timeout tells of it",
        "",
        r#"programs: [(on: "a", name: "a", run: Client(to: "b:80", steps: []))],
           rules: [(from: "a", nth: 1, do: Refuse(Host)), (from: "a", do: Drop)],
           expect: [Error(program: "a", is: EHOSTUNREACH, call: "connect", at: "75s")]"#,
    ),
    (
        "what a filter forbids is refused (icmp_may_rst)",
        "",
        r#"programs: [(on: "a", name: "a", run: Client(to: "b:80", steps: []))],
           rules: [(from: "a", do: Refuse(Prohibited))],
           expect: [Error(program: "a", is: ECONNREFUSED, call: "connect", at: "10ms", within: "15ms")]"#,
    ),
    (
        "close with unread data is an orderly close (tcp_disconnect)",
        "",
        r#"programs: [
               (on: "b", run: Server(port: 80, steps: [WaitUntil("400ms"), Close])),
               (on: "a", run: Client(to: "b:80", steps: [SendBytes(len: 100), RecvToEof, Close])),
           ],
           expect: [Packet(from: "b", flags: "F.", at: "400ms"), NoPacket(flags: "R")]"#,
    ),
    (
        "two hundred ICMP errors a second (icmplim)",
        "",
        r#"programs: [(on: "a", run: UdpSend(to: "b:53", port: 5353, sizes: [10], count: 500, every: "1ms"))],
           expect: [Count(of: (from: "b", protocol: Icmp), is: 200)]"#,
    ),
];

#[test]
fn each_fact_is_seen_in_a_run() {
    let mut wrong = Vec::new();
    for (fact, tcp_of_b, body) in FACTS {
        let text = format!(
            "Scenario(personality: FreeBsd, hosts: {{ \"a\": (), \"b\": (tcp: ({tcp_of_b})) }}, \
             links: [(between: (\"a\", \"b\"), delay: \"10ms\")], {body})"
        );
        let scenario =
            Scenario::parse("fact.ron", &text).unwrap_or_else(|problems| panic!("{fact}: {problems}"));
        let mut run = Simulator::new(scenario.spec(), TraceLevel::On).with_checks(scenario.spec());
        run.run();
        let missed = crate::gallery::missed(&scenario, &run);
        wrong.extend(missed.into_iter().map(|missed| format!("{fact}:\n{missed}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
