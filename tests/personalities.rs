//! Every personality against every other: over the same bad network, with the same programs, all nine pairs deliver the same
//! bytes to the same programs, break no law, and come to rest.
//!
//! `SEEDS=1000000 FROM=0 cargo test --release --test main personalities -- --nocapture` tries more; a failure names its seed.

use std::fmt::Write as _;

use sim::{Simulator, TraceLevel, What};
use timewait::find::fuzz::Dice;
use timewait::find::verdict;
use timewait::scenario::Scenario;

const PERSONALITIES: [&str; 3] = ["Linux", "Rfc", "FreeBsd"];

/// A client that sends and closes in pieces, an echo server, two links through a router that lose, double, delay and damage,
/// and knobs that both ends may have or not.
fn scenario(seed: u64, client: &str, server: &str) -> String {
    let dice = &mut Dice::new(seed);
    let knobs = |dice: &mut Dice| {
        let mut text = String::new();
        for (knob, values) in [
            ("sack", &["true", "false"][..]),
            ("timestamps", &["true", "false"]),
            ("window_scaling", &["true", "false"]),
            ("ecn", &["Off", "On", "Accurate"]),
            ("loss_detection", &["Rack", "Sack", "NewReno"]),
            ("congestion", &["Reno", "Cubic", "Bbr"]),
            ("nagle", &["Off", "Classic"]),
            ("mss", &["536", "1000"]),
            ("rcv_buf", &["3000", "20000"]),
            ("isn", &["Fixed(4294967000)", "Fixed(4294967295)"]),
        ] {
            if dice.chance(25) {
                let _ = write!(text, ", {knob}: {}", dice.pick(values));
            }
        }
        text
    };
    let (of_client, of_server) = (knobs(dice), knobs(dice));
    let mut link = |ends: &str| {
        let chance = |dice: &mut Dice, most: u64| format!("{}.{}%", dice.roll(most), dice.roll(10));
        format!(
            "(between: {ends}, delay: \"{}us\", loss: \"{}\", duplicate: \"{}\", reorder: \"{}\", corrupt: \"{}\")",
            10 + dice.roll(60_000),
            chance(dice, 6),
            chance(dice, 4),
            chance(dice, 6),
            chance(dice, 2),
        )
    };
    let links = [link("(\"a\", \"r\")"), link("(\"r\", \"b\")")].join(", ");
    let len = 1 + dice.roll(40_000);
    let pieces = 1 + dice.roll(3_000);
    format!(
        r#"Scenario(
    seed: {seed}, until: "2h",
    hosts: {{ "a": (tcp: (personality: {client}{of_client})), "b": (tcp: (personality: {server}{of_server})) }},
    routers: {{ "r": () }},
    links: [{links}],
    programs: [
        (on: "b", name: "server", run: EchoServer(port: 80)),
        (on: "a", name: "client", at: "10ms", run: Client(to: "b:80", port: 40000, steps: [
            Send("begin"), SendBytes(len: {len}, chunk: {pieces}, every: "3ms"), ShutdownWrite, RecvToEof, Close])),
    ],
)
"#
    )
}

/// What the programs were told, without times; panics at what no run may show.
fn told(seed: u64, client: &str, server: &str) -> Vec<String> {
    let text = scenario(seed, client, server);
    let scenario = Scenario::parse("pair.ron", &text).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    let mut run = Simulator::new(scenario.spec(), TraceLevel::On).with_checks(scenario.spec());
    run.run();
    let whose = format!("seed {seed}, {client} to {server}\n{text}");
    let violations = verdict::violations(&scenario.typed, &run);
    assert_eq!(verdict::unexcused(&violations).next(), None, "{whose}");
    assert_eq!(run.unrest(), [], "{whose}");
    for node in ["a", "b"] {
        let node = run.names().node_id(node).expect("it is there");
        let open = run.sockets(node).into_iter().filter(|socket| socket.remote.is_some()).count();
        assert_eq!(open, 0, "connections left on {node:?}: {whose}");
    }
    let mut lines = Vec::new();
    for record in run.records() {
        if let What::Program { program, call, result, .. } = &record.what {
            lines.push(format!("{program}: {call} = {result}"));
        }
    }
    lines.sort();
    lines
}

#[test]
fn all_pairs_deliver_the_same_to_the_same() {
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let first: u64 = number("FROM", 0);
    for seed in first..first + number("SEEDS", 40) {
        let expected = told(seed, "Linux", "Linux");
        assert!(
            expected.iter().any(|line| line.contains("recv until EOF") && line.ends_with("EOF")),
            "{expected:?}"
        );
        for client in PERSONALITIES {
            for server in PERSONALITIES {
                assert_eq!(told(seed, client, server), expected, "seed {seed}, {client} to {server}");
            }
        }
    }
}
