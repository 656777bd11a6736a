//! What people are told about files that are wrong: every complaint, with its place.

use timewait::scenario::Scenario;

/// A right file, of which each case spoils something.
const RIGHT: &str = include_str!("errors/right.ron");

#[test]
fn the_file_that_is_spoilt_is_right() {
    if let Err(problems) = Scenario::parse("right.ron", RIGHT) {
        panic!("{problems}");
    }
}

/// What is said after `from` was replaced by `to`, for each pair.
fn said(cases: &[(&str, &str)]) -> String {
    let one = |(from, to): &(&str, &str)| {
        assert_eq!(RIGHT.matches(from).count(), 1, "`{from}` is there once");
        match Scenario::parse("wrong.ron", &RIGHT.replace(from, to)) {
            Ok(_) => panic!("nobody complains about `{to}` for `{from}`"),
            Err(problems) => format!("{problems}\n"),
        }
    };
    cases.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[test]
fn names_of_fields_and_choices() {
    insta::assert_snapshot!(said(&[
        ("delay:", "dealy:"),
        ("time_wait", "timewait"),
        ("port: 7", "prot: 7"),
        ("EchoServer", "EchoSever"),
        ("Drop)", "Dorp)"),
        ("Final(", "Finally("),
        ("EchoServer(port: 7)", "EchoServer()"),
        ("EchoServer(port: 7)", "EchoServer"),
        ("(on: \"server\", run", "(run"),
        ("about: \"an echo\"", "about: \"an echo\", about: \"two\""),
        ("Scenario(", "Scenary("),
    ]));
}

#[test]
fn values_and_units() {
    insta::assert_snapshot!(said(&[
        ("\"10ms\"", "\"10m\""),
        ("\"10ms\"", "\"10\""),
        ("\"10ms\"", "10ms"),
        ("\"10ms\"", "\"0.0000001ms\""),
        ("\"10Mbit\"", "\"10mbit\""),
        ("\"10Mbit\"", "\"fast\""),
        ("mtu: 1500", "mtu: 70000"),
        ("mtu: 1500", "mtu: \"1500\""),
        ("\"10.0.0.2\"", "\"10.0.0.256\""),
        ("\"server:7\"", "\"server\""),
        ("\"F\"", "\"FIN\""),
        ("nth: 1", "nth: 0"),
        ("\"CLOSED\"", "\"CLOSE\""),
        ("Recv(5)", "Recv(\"5x\")"),
        ("Recv(5)", "Recv(-5)"),
        ("Send(\"hello\")", "Send(hello)"),
    ]));
}

#[test]
fn names_of_things() {
    insta::assert_snapshot!(said(&[
        ("\"server:7\"", "\"sever:7\""),
        ("(on: \"client\", run", "(on: \"cleint\", run"),
        ("(\"client\", \"server\")", "(\"client\", \"sever\")"),
        ("LinkDown(\"client-server\")", "LinkDown(\"server-client\")"),
        ("LinkDown(\"client-server\")", "Crash(\"client-server\")"),
        ("LinkDown(\"client-server\")", "Kill(\"client/2\")"),
        ("program: \"client/1\"", "program: \"client\""),
        ("Final(on: \"server\", is: \"CLOSED\")", "Happened(rule: \"Pause\")"),
        ("Final(on: \"server\", is: \"CLOSED\")", "Counter(on: \"server\", name: \"RetransSegs\", is: 0)"),
        ("Final(on: \"server\", is: \"CLOSED\")", "Counter(on: \"server\", name: \"TcpRetransSeg\", is: 0)"),
    ]));
}

#[test]
fn impossible_values() {
    insta::assert_snapshot!(said(&[
        ("mtu: 1500", "mtu: 20"),
        ("mtu: 1500", "mtu: 1500, loss: \"101%\""),
        ("mtu: 1500", "mtu: 1500, loss: \"1%\", lose: [3]"),
        ("\"10Mbit\"", "\"0bit\""),
        ("(\"client\", \"server\")", "(\"client\", \"client\")"),
        ("\"10.0.0.2\"", "\"10.0.0.1\""),
        ("\"10.0.0.2\"", "\"fd00::2\""),
        ("\"server\": (addr", "\"client\": (addr"),
        ("        (between: (\"client\", \"server\"), delay: \"10ms\", rate: \"10Mbit\", mtu: 1500),\n", ""),
        ("mtu: 1500),", "mtu: 1500), (between: (\"client\", \"server\")),"),
        ("time_wait: \"1s\"", "min_rto: \"0s\""),
        ("\"F\"", "\"none\""),
        ("Close]", "Repeat(100000, [Repeat(100000, [Sleep(\"0s\")])])]"),
        ("is: \"5\"", "is: \"5\", within: \"1s\""),
    ]));
}

#[test]
fn brackets_quotes_and_commas() {
    insta::assert_snapshot!(said(&[
        ("\"an echo\",", "\"an echo,"),
        ("rate: \"10Mbit\",", "rate: \"10Mbit\" "),
        ("    ],\n    programs", "    \n    programs"),
        ("hosts: {", "hosts: ["),
        ("    ],\n)", ""),
    ]));
}

#[test]
fn several_at_once() {
    insta::assert_snapshot!(said(&[
        ("delay: \"10ms\", rate: \"10Mbit\", mtu: 1500", "dealy: \"10ms\", rate: \"10mbit\", mtu: -4",),
        ("EchoServer(port: 7)", "EchoServer(port: \"7\", backlog: \"5\", prot: 7)"),
    ]));
}

#[test]
fn deep_nesting() {
    let steps = format!("{}Close{}", "Try([".repeat(500), "])".repeat(500));
    let text = RIGHT.replace("Close]", &format!("{steps}]"));
    let problems = Scenario::parse("deep.ron", &text).expect_err("that is too deep");
    assert_eq!(problems.problems[0].message, "nested too deep");
}

#[test]
fn queues() {
    insta::assert_snapshot!(said(&[
        ("rate: \"10Mbit\"", "qdisc: Codel()"),
        ("rate: \"10Mbit\"", "mark: [3]"),
        ("rate: \"10Mbit\"", "rate: \"1Mbit\", drop_early: [3, 0]"),
        ("rate: \"10Mbit\"", "rate: \"1Mbit\", back: (qdisc: Red(), drop_early: [3])"),
        ("rate: \"10Mbit\"", "rate: \"1Mbit\", qdisc: Coddle()"),
        ("rate: \"10Mbit\"", "rate: \"1Mbit\", qdisc: Codel(tagret: \"5ms\")"),
        ("rate: \"10Mbit\"", "rate: \"1Mbit\", qdisc: Red(min: 30, max: 20, probability: \"200%\")"),
        ("rate: \"10Mbit\"", "rate: \"1Mbit\", qdisc: FqCodel(flows: 0, quantum: 0)"),
        ("rate: \"10Mbit\"", "rate: \"1Mbit\", qdisc: Red(weight: \"0%\")"),
        ("rate: \"10Mbit\"", "rate: \"1Mbit\", qdisc: Pie(target: \"0s\", update: \"0s\")"),
        ("rate: \"10Mbit\"", "rate: \"1Mbit\", qdisc: Codel(target: \"200ms\")"),
        ("rate: \"10Mbit\"", "rate: \"1Mbit\", qdisc: FqCodel(interval: \"5ms\")"),
        ("rate: \"10Mbit\"", "shape: (rate: \"0bit\", burst: 100)"),
    ]));
}

#[test]
fn populations() {
    let with = |what: &str| {
        format!("    populations: [(name: \"p\", from: \"client\", to: \"server\", {what})],\n    programs")
    };
    let wrong = [
        r#"kind: LongLived, count: 6, arrivals: At(["1ms", "2ms"])"#,
        r#"kind: LongLived, stop: "0s""#,
        r#"kind: LongLived, at: "2s", stop: "1s""#,
        r#"kind: Upload(size: Pareto(least: 5000, shape: 1.2, most: "1kB"))"#,
        r#"kind: Upload(size: Lognormal(median: 5000, sigma: 1, most: 4999))"#,
    ];
    let wrong: Vec<String> = wrong.iter().map(|what| with(what)).collect();
    let cases: Vec<(&str, &str)> = wrong.iter().map(|text| ("    programs", text.as_str())).collect();
    insta::assert_snapshot!(said(&cases));
}

/// 8200/5-1280: no link that carries IPv6 has an MTU below 1280: beside a host, between routers, or changed to it.
#[test]
fn an_mtu_too_small_for_ipv6() {
    let file = |near: u32, far: u32, changed: u32| {
        format!(
            r#"Scenario(
    hosts: {{ "a": (addr: "2001:db8::1"), "b": (addr: "2001:db8::2") }},
    routers: {{ "r1": (addr: "10.0.0.1"), "r2": (addr: "10.0.0.2") }},
    links: [
        (between: ("a", "r1"), mtu: {near}),
        (between: ("r1", "r2"), mtu: {far}),
        (between: ("r2", "b")),
    ],
    faults: [(at: "1s", do: LinkChange(link: "r2-b", set: (mtu: {changed})))],
)"#
        )
    };
    let complaints = |(near, far, changed)| {
        let text = Scenario::parse("six.ron", &file(near, far, changed)).err().map(|e| e.to_string());
        text.map_or(0, |text| text.matches("is too small").count())
    };
    let cases =
        [(1280, 1280, 1280), (1279, 1280, 1280), (1280, 1279, 1280), (1280, 1280, 1279), (68, 68, 68)];
    assert_eq!(cases.map(complaints), [0, 1, 1, 1, 3]);
}

#[test]
fn forged_fragments() {
    let linkdown = "LinkDown(\"client-server\")";
    let forged = |fields: &str| {
        format!(
            "Inject(on: \"client\", src: \"client:1\", dst: \"server:7\", flags: \"S\", mss: 1460, len: 16, {fields})"
        )
    };
    let cases = [
        "fragments: [(0, 24), (20, 20)]",
        "fragments: [(0, 24), (24, 24)]",
        "fragments: [(64, 8)]",
        "fragments: [(0, 0)]",
        "fragments: [(0, 70000)]",
        "fragments: [(0, 24), 16]",
        "fragment: [(0, 24)]",
        "ident: 65536",
        "fragments: [(0, 24), (24, 16)], count: 60000",
        "timestamps: (1, 2), timestamps_near: (0, 0)",
        "timestamps_near: (0, 3000000000)",
    ];
    let typed = cases.map(forged);
    let cases: Vec<(&str, &str)> = typed.iter().map(|typed| (linkdown, typed.as_str())).collect();
    insta::assert_snapshot!(said(&cases));
    let right =
        RIGHT.replace(linkdown, &forged("fragments: [(0, 24), (8, 8), (24, 16)], count: 3, ident_step: 1"));
    Scenario::parse("right.ron", &right).expect("fragments that are forged as they may be");
}
