use super::{Scenario, options};

const FILE: &str = r#"
// Two hosts.
Scenario(
    about: "a close", seed: 1, until: "130s", personality: Linux,
    hosts: {
        "client": (addr: "192.168.30.133"),
        "server": (addr: ["192.168.30.129"], tcp: (personality: Rfc, time_wait: "0s", isn: Fixed(4294967290), r2: Count(3), connect_timeout: None)),
    },
    routers: { "r1": (addr: "10.0.0.254", icmp: false, routes: [(to: "10.9.0.0/16", via: "server")]) },
    links: [
        (between: ("client", "r1")),
        (between: ("r1", "server")),
        (between: ("client", "server"), delay: "10ms", rate: "10Mbit", mtu: 1500, loss: "1%", limit: Packets(100), back: (delay: "30ms")),
    ],
    programs: [
        (on: "server", run: EchoServer(port: 8899, backlog: 5)),
        (on: "client", at: "100ms", run: Client(to: "server:8899", port: 49822, steps: [
            Send("hello"), Recv(5), Sleep("1s"), Set(Linger("0s")), Repeat(3, [Send("x"), Recv(1)]), Close,
        ])),
    ],
    rules: [(from: "client", flags: "F", nth: 1, do: Drop), (flags: "S.", nth: "2..", do: HoldUntil("30s")), (seq: (1, 5), do: Duplicate())],
    faults: [(at: "2s", do: LinkDown("client-server")), (at: "3s", do: Crash("server")), (at: "4s", do: LinkChange(link: "client-server", set: (rate: "1Mbit")))],
    expect: [
        Transitions(on: "client", are: ["SYN-SENT", "ESTABLISHED"]),
        Final(on: "server", is: "CLOSED"), Result(program: "client/1", call: "recv", is: "5"), Error(program: "client/1", is: ETIMEDOUT),
        Packet(from: "client", flags: "S", at: "1.1s", within: "10ms"), NoPacket(flags: "R"), Count(of: (from: "client", flags: "F"), is: 2),
        Counter(on: "server", name: "TcpRetransSegs", is: (1, 3)),
    ],
)
"#;

#[test]
fn every_form_reads_and_writes_back() {
    let scenario: Scenario = options().from_str(FILE).expect("the file is right");
    let text =
        options().to_string_pretty(&scenario, ron::ser::PrettyConfig::new().depth_limit(3)).expect("writes");
    let again: Scenario = options().from_str(&text).expect("what was written is right");
    assert_eq!(scenario, again);
}

#[test]
fn every_form_resolves() {
    match crate::scenario::Scenario::parse("forms.ron", FILE) {
        Ok(scenario) => assert_eq!(scenario.spec().programs.len(), 2),
        Err(problems) => panic!("{problems}"),
    }
}
