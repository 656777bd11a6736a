//! The laws hold in every scenario of the gallery and in random ones, and looking changes nothing.

use sim::{Simulator, TraceLevel};
use timewait::scenario::Scenario;

use crate::generated::generated;
use crate::scenarios::files;

/// Runs with checks; says what was broken, by scenario.
fn broken(name: &str, scenario: &Scenario) -> Vec<String> {
    let mut bare = Simulator::new(scenario.spec(), TraceLevel::Off).without_checks();
    bare.run();
    let mut watched = Simulator::new(scenario.spec(), TraceLevel::Off).with_checks(scenario.spec());
    watched.run();
    assert_eq!(watched.trace_hash(), bare.trace_hash(), "{name}");
    let violations = timewait::find::verdict::violations(&scenario.typed, &watched);
    timewait::find::verdict::unexcused(&violations)
        .map(|v| format!("{name}: {} {} {:?}: {}", v.time, v.law, v.tuple, v.text))
        .collect()
}

#[test]
fn the_gallery_breaks_no_law() {
    let found: Vec<String> = files("scenarios")
        .into_iter()
        .flat_map(|(name, path)| broken(&name, &crate::gallery::load(&path)))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn random_scenarios_break_no_law() {
    let mut found = Vec::new();
    for seed in 0..300 {
        let text = generated(seed);
        let scenario = Scenario::parse("generated.ron", &text).unwrap_or_else(|wrong| panic!("{wrong}"));
        found.extend(broken(&format!("seed {seed}"), &scenario));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Data and a RST behind it wait for a host that is paused: it reads both at once, and the RST was at RCV.NXT then.
#[test]
fn what_a_paused_host_finds_is_read_in_one_go() {
    let text = r#"Scenario(
        until: "3s",
        hosts: { "a": (addr: "10.0.0.1"), "b": (addr: "10.0.0.2", tcp: (personality: Rfc)) },
        links: [(between: ("a", "b"), delay: "10ms")],
        programs: [
            (on: "b", run: ChatServer(port: 80, reply: "hello")),
            (on: "a", at: "10ms", run: Clients(to: "b:80", count: 1,
                steps: [SendBytes(len: 1), Sleep("1s"), Send("a few bytes")])),
        ],
        faults: [(at: "1s", do: Pause("b")), (at: "2s", do: Resume("b"))],
        expect: [
            Packet(from: "a", flags: "R"),
            Transitions(on: "b", are: ["ESTABLISHED", "CLOSED"]),
        ],
    )"#;
    let scenario = Scenario::parse("paused.ron", text).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(broken("paused", &scenario), Vec::<String>::new());
}
