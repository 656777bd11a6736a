//! What people are told when a run is not as its file expects.

use sim::{Simulator, TraceLevel};
use timewait::scenario::Scenario;
use timewait::scenario::expect::Failure;

const RIGHT: &str = include_str!("errors/right.ron");

fn failures(scenario: &Scenario) -> Vec<Failure> {
    let mut simulator = Simulator::new(scenario.spec(), TraceLevel::On);
    simulator.run();
    scenario.judge(scenario.spec(), &simulator)
}

fn with(expectations: &str) -> Scenario {
    let (before, _) = RIGHT.split_once("expect: [").expect("expectations");
    let text = format!("{before}expect: [\n{expectations}\n    ],\n)\n");
    Scenario::parse("echo.ron", &text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Each kind of expectation, met: the run is an echo with the client's first FIN lost, and repeated.
#[test]
fn met() {
    let scenario = with(
        r#"
        Transitions(on: "client", are: ["SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"]),
        Transitions(on: "client", are: ["CLOSED", "ESTABLISHED", "TIME-WAIT"], gaps: true),
        Transitions(on: "server", are: ["CLOSE-WAIT", "LAST-ACK", "CLOSED"], port: 7),
        Never(on: "server", state: "TIME-WAIT"),
        Final(on: "server", is: "CLOSED", count: 1),
        Result(program: "client/1", call: "recv", is: "5", nth: 1),
        NoError(program: "client/1"),
        Packet(from: "client", flags: "S", without: ".", at: "0s"),
        Packet(from: "server", flags: "S.", seq: 0, ack: 1, src_port: 7),
        Packet(from: "client", len: 5, seq: (1, 5)),
        Packet(from: "client", to: "server", flags: "F", why: "TailLossProbe"),
        Packet(from: "client", flags: "S", tsval: (0, 4294967295)),
        Moves(of: (from: "client", flags: "F"), what: Ident, by: 1),
        Moves(of: (from: "client", before: "25ms"), what: Tsval, by: 20),
        NoPacket(protocol: Tcp, tsval: 4294967296),
        NoPacket(flags: "R"),
        NoPacket(protocol: Icmp, link: "client-server"),
        Count(of: (from: "client", flags: "F"), is: 2),
        Counter(on: "client", name: "TcpActiveOpens", is: 1),
        Counter(on: "client", name: "TcpOutSegs", is: (3, 20)),
        Happened(rule: "SynAnswered", on: "server", times: 1),
        Socket(on: "client", at: "25ms", state: "ESTABLISHED", peer_port: 7, cwnd: 10, unacked: 1, retrans: 0),
        Socket(on: "server", at: "100ms", port: 7, mss: 1448, pmtu: 1500, cwnd: 10),
"#,
    );
    let failures = failures(&scenario);
    let text: Vec<String> = failures.iter().map(|failure| failure.render(&scenario, false)).collect();
    assert!(failures.is_empty(), "{}", text.join("\n\n"));
}

/// Each kind, not met.
#[test]
fn not_met() {
    let scenario = with(
        r#"        Transitions(on: "client", are: ["SYN-SENT", "SYN-RECEIVED"]),
        Never(on: "client", state: "TIME-WAIT"),
        Final(on: "server", is: "LAST-ACK"),
        Final(on: "server", is: "CLOSED", count: 2),
        Final(on: "server", is: "CLOSED", port: 80),
        Result(program: "client/1", call: "recv", is: "EOF"),
        Result(program: "client/1", call: "recv", is: "5", at: "2s", within: "10ms"),
        Error(program: "client/1", is: ETIMEDOUT, call: "connect"),
        Packet(from: "client", flags: "S", at: "1s"),
        Packet(from: "server", flags: "R"),
        NoPacket(from: "client", flags: "F"),
        Packet(from: "client", tsval: 4294967296),
        Moves(of: (from: "client", before: "25ms"), what: Tsval, by: (21, 4294967295)),
        Moves(of: (from: "client", flags: "S"), what: Ident, by: 1),
        Count(of: (from: "client", flags: "F"), is: 1),
        Counter(on: "client", name: "TcpActiveOpens", is: 2),
        Happened(rule: "Paws", times: 1),
        Ends(at: "1h"),
        Socket(on: "client", at: "25ms", state: "CLOSED", cwnd: (11, 20), ssthresh: 5),
        Socket(on: "client", at: "25ms", peer_port: 80),"#,
    );
    let failures = failures(&scenario);
    let numbers: Vec<usize> = failures.iter().map(|failure| failure.number).collect();
    assert_eq!(numbers, (0..scenario.expectations().len()).collect::<Vec<_>>());
    assert_eq!(failures[0].line, 23);
    // One with the trace around it, the others without: their reasons are what is looked at here.
    let shown = |failure: &Failure| {
        let around = if failure.number == 5 { failure.around.clone() } else { Vec::new() };
        Failure { around, ..failure.clone() }.render(&scenario, false)
    };
    let text: Vec<String> = failures.iter().map(shown).collect();
    insta::assert_snapshot!(text.join("\n\n"));
}
