use super::Scenario;

/// A right file, of which each case spoils something.
const RIGHT: &str = r#"// Two hosts.
Scenario(
    about: "an echo",
    until: "10s",
    hosts: {
        "client": (addr: "10.0.0.1"),
        "server": (addr: "10.0.0.2", tcp: (time_wait: "1s")),
    },
    links: [
        (between: ("client", "server"), delay: "10ms", rate: "10Mbit", mtu: 1500),
    ],
    programs: [
        (on: "server", run: EchoServer(port: 7)),
        (on: "client", run: Client(to: "server:7", steps: [Send("hello"), Recv(5), Close])),
    ],
    rules: [
        (from: "client", flags: "F", nth: 1, do: Drop),
    ],
    faults: [
        (at: "5s", do: LinkDown("client-server")),
    ],
    expect: [
        Final(on: "server", is: "CLOSED"),
        Result(program: "client/1", call: "recv", is: "5"),
    ],
)
"#;

#[test]
fn right() {
    if let Err(problems) = Scenario::parse("right.ron", RIGHT) {
        panic!("{problems}");
    }
}

#[test]
fn show_errors() {
    let cases: &[(&str, &str)] = &[
        ("delay:", "dealy:"),
        ("\"10ms\"", "\"10m\""),
        ("\"10ms\"", "\"10\""),
        ("\"10ms\"", "10ms"),
        ("\"10ms\"", "10"),
        ("\"10Mbit\"", "\"10mbit\""),
        ("\"10Mbit\"", "\"fast\""),
        ("mtu: 1500", "mtu: 70000"),
        ("mtu: 1500", "mtu: 20"),
        ("mtu: 1500", "mtu: \"1500\""),
        ("EchoServer", "EchoSever"),
        ("port: 7", "prot: 7"),
        ("EchoServer(port: 7)", "EchoServer()"),
        ("EchoServer(port: 7)", "EchoServer"),
        ("\"server:7\"", "\"sever:7\""),
        ("\"server:7\"", "\"server\""),
        ("(on: \"client\", run", "(on: \"cleint\", run"),
        ("(\"client\", \"server\")", "(\"client\", \"client\")"),
        ("(\"client\", \"server\")", "(\"client\", \"sever\")"),
        ("\"10.0.0.2\"", "\"10.0.0.1\""),
        ("\"10.0.0.2\"", "\"10.0.0.256\""),
        ("time_wait", "timewait"),
        ("\"server\": (", "\"client\": ("),
        ("Drop)", "Dorp)"),
        ("\"F\"", "\"FIN\""),
        ("nth: 1", "nth: 0"),
        ("LinkDown(\"client-server\")", "LinkDown(\"server-client\")"),
        ("\"CLOSED\"", "\"CLOSE\""),
        ("client/1", "client"),
        ("Final(", "Finally("),
        ("    links: [", "    links: ["),
        ("\"an echo\",", "\"an echo,"),
        ("rate: \"10Mbit\",", "rate: \"10Mbit\" "),
        ("    ],\n    programs", "    \n    programs"),
        ("about: \"an echo\"", "about: \"an echo\", about: \"two\""),
        ("rate: \"10Mbit\"", "rate: \"10Mbit\", loss: \"101%\""),
        ("hosts: {", "hosts: ["),
        ("Scenario(", "Scenary("),
        ("Send(\"hello\")", "Send(hello)"),
        ("Recv(5)", "Recv(\"5x\")"),
        ("Recv(5)", "Recv(-5)"),
        ("(on: \"server\", run", "(run"),
    ];
    for (from, to) in cases {
        assert!(RIGHT.contains(from), "{from}");
        match Scenario::parse("wrong.ron", &RIGHT.replacen(from, to, 1)) {
            Ok(_) => println!("=== {from} -> {to}: NO ERROR"),
            Err(problems) => println!("=== {from} -> {to}\n{problems}"),
        }
    }
}
