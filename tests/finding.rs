//! Shrinking keeps what is broken; exploring tries everything, whoever does the work.

use std::path::Path;

use sim::check::Law;
use timewait::find::explore::{Explored, Plan, explore};
use timewait::find::fuzz::play;
use timewait::find::relation::Relation;
use timewait::find::shrink::{Shows, shrink};
use timewait::scenario::Scenario;

/// A scenario of the gallery that corrupts a stream, with more in it than that needs.
fn corrupting() -> Scenario {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/lost_duplicate_old_incarnation_corrupts.ron");
    let mut typed = crate::gallery::load(&path).typed;
    typed.check = None;
    typed.expect.clear();
    for link in &mut typed.links {
        link.shift =
            vec![(1, timewait::scenario::units::Shift(10)), (2, timewait::scenario::units::Shift(20))];
    }
    Scenario::parse("corrupting.ron", &typed.write("")).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[test]
fn a_smaller_scenario_breaks_the_same_law() {
    let scenario = corrupting();
    let shrunk = shrink(&scenario, None, 2_000, &mut |_, _| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
    let shrunk = shrunk.unwrap_or_else(|| panic!("it breaks nothing"));
    let first = play(&scenario, true).violations.remove(0);
    assert!(matches!(&shrunk.shows, Shows::Broken(violation) if violation.law == first.law));
    let again = play(&shrunk.scenario, false).violations;
    assert!(again.iter().any(|violation| violation.law == first.law), "{}", shrunk.scenario.text);
    assert!(shrunk.scenario.typed.links.iter().all(|link| link.shift.is_empty()), "{}", shrunk.scenario.text);
    assert!(
        shrunk.scenario.text.contains("// ") && shrunk.scenario.text.contains("│"),
        "a comment with its ladder"
    );
}

/// What one personality tells a program and another does not stays so: a RST in CLOSE-WAIT is EPIPE on Linux, as in `tcp_reset`,
/// and ECONNRESET on FreeBSD.
#[test]
fn a_smaller_scenario_parts_alike() {
    let text = r#"Scenario(
        about: "large", seed: 4711, until: "123s",
        hosts: { "a": (addr: "10.0.0.1", ttl: 77), "b": (addr: "10.0.1.1", tcp: (nagle: Off)), "x": () },
        routers: { "r": () },
        links: [
            (between: ("a", "r"), delay: "12345us", rate: "9876kbit", limit: Packets(37)),
            (between: ("r", "b"), delay: "23456us", rate: "3456kbit", qdisc: Codel()),
            (between: ("r", "x"), delay: "1ms"),
        ],
        programs: [
            (on: "b", run: Server(port: 80, steps: [RecvToEof, Sleep("1234ms"), Send("late"), Close])),
            (on: "a", name: "client", at: "10ms", run: Client(to: "b:80", port: 40000, steps: [
                SendBytes(len: 1234, chunk: 100, every: "3ms"), ShutdownWrite, Sleep("321ms"), Abort])),
            (on: "x", name: "idle", at: "20ms", run: Ping(to: "a")),
        ],
        faults: [(at: "7s", do: LinkDown("a-r"))],
    )"#;
    let scenario = Scenario::parse("large.ron", text).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(play(&scenario, true).violations.is_empty());
    // Personalities may differ, so that they do is nothing that is broken, unless somebody asks.
    assert!(matches!(shrink(&scenario, None, 2_000, &mut |_, _| {}), Ok(None)));
    let relation = Some(Relation::Personalities);
    let shrunk = shrink(&scenario, relation, 2_000, &mut |_, _| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
    let small = shrunk.unwrap_or_else(|| panic!("nothing parts")).scenario;
    let parting = Relation::Personalities.parting(&small).unwrap_or_else(|| panic!("{}", small.text));
    assert!(parting.words.contains("EPIPE") && parting.words.contains("ECONNRESET"), "{}", parting.words);
    assert!(small.text.contains("--relation personalities") && small.text.contains("│"), "{}", small.text);
    let lines = small.text.lines().filter(|line| !line.starts_with("//")).count();
    assert!(lines <= 10, "{lines} lines\n{}", small.text);
    let unqueued = Relation::all().find(|relation| relation.name() == "unqueued");
    assert!(matches!(shrink(&scenario, unqueued, 100, &mut |_, _| {}), Ok(None)));
}

/// A client that repeats its SYN for longer than any open may take, over a network that is bad for nearly as long: small it is
/// bad no longer, or it would be no wonder.
#[test]
fn what_does_not_come_to_rest_is_shrunk_to_what_ends() {
    let shrunk = |wrong: &str| {
        let text = format!(
            r#"Scenario(
                until: "700s", hosts: {{ "client": (tcp: (syn_retries: 20)), "server": () }},
                links: [(between: ("client", "server"), delay: "10ms")],
                programs: [(on: "server", run: Sink(port: 80)), (on: "client", run: Client(to: "server:80"))],
                {wrong}
            )"#
        );
        let scenario = Scenario::parse("patient.ron", &text).unwrap_or_else(|wrong| panic!("{wrong}"));
        let shrunk = shrink(&scenario, None, 1_000, &mut |_, _| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
        let shrunk = shrunk.unwrap_or_else(|| panic!("{text} breaks nothing"));
        assert!(matches!(&shrunk.shows, Shows::Broken(violation) if violation.law == Law::ComesToRest));
        shrunk.scenario
    };
    let rules =
        r#"rules: [(from: "client", flags: "S", nth: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16], do: Drop)]"#;
    let small = shrunk(rules);
    assert!(!small.typed.rules.is_empty(), "{}", small.text);
    assert!(small.typed.rules.iter().all(|rule| rule.nth.is_some() || rule.time.is_some()), "{}", small.text);
    let small = shrunk(
        r#"faults: [(at: "0s", do: LinkDown("client-server")), (at: "650s", do: LinkUp("client-server"))]"#,
    );
    assert_eq!(small.typed.faults.len(), 2, "{}", small.text);
    let until = small.spec().until.since(tcp::Time::ZERO);
    assert!(until >= tcp::Duration::from_secs(690), "{}", small.text);
}

#[test]
fn what_breaks_nothing_is_not_shrunk() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/handshake.ron");
    let calm = crate::gallery::load(&path);
    let shrunk = shrink(&calm, None, 100, &mut |_, _| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(shrunk.is_none());
}

fn explored(name: &str, plan: &Plan) -> Explored {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.ron"));
    let scenario = crate::gallery::load(&path);
    explore(&scenario, plan, &|_| {}).unwrap_or_else(|wrong| panic!("{name}: {wrong}"))
}

#[test]
fn two_faults_anywhere_break_no_handshake_data_and_close() {
    for name in ["handshake", "four_way_close", "simultaneous_close", "simultaneous_open"] {
        let by = |jobs| explored(name, &Plan { faults: 2, jobs, ..Plan::default() });
        let (one, three) = (by(1), by(3));
        assert!(one.complete && one.broken.is_empty(), "{name}: {:?}", one.broken);
        assert!(one.runs > 50 && one.deepest == 2, "{name}: {} runs, {} faults", one.runs, one.deepest);
        assert!(one.merged > 0, "{name}: nothing became equal");
        assert_eq!(one, three, "{name}: it depends on the number of threads");
    }
}

/// Where exploring is given up it says how far it came, and counts no more than that: whoever did the work.
#[test]
fn what_was_not_tried_does_not_count() {
    let by = |faults, most, jobs| explored("handshake", &Plan { faults, most, jobs, ..Plan::default() });
    let two = by(2, u64::MAX, 1);
    assert!(two.complete && two.reached == Some(2) && two.decided > tcp::Time::ZERO, "{two:?}");
    for jobs in [1, 2, 3] {
        assert_eq!(
            by(3, two.runs + 100, jobs),
            Explored { complete: false, ..two.clone() },
            "{jobs} threads"
        );
    }
    assert_eq!(by(2, two.runs, 2), two, "as many as there are");
}

/// Worlds that are equal go on equally: the ends that are reached are the same whether they go on as one or apart.
#[test]
fn merging_loses_no_end() {
    for (name, crash) in [
        ("handshake", &[][..]),
        ("handshake", &["server"]),
        ("four_way_close", &[]),
        ("simultaneous_close", &[]),
        ("simultaneous_open", &["client"]),
        ("lost_final_ack", &[]),
        ("connection_refused", &[]),
    ] {
        let crash: Vec<String> = crash.iter().map(|host| (*host).to_owned()).collect();
        let by = |merge| explored(name, &Plan { faults: 2, crash: crash.clone(), merge, ..Plan::default() });
        let (merged, apart) = (by(true), by(false));
        assert!(merged.runs <= apart.runs, "{name}: {} runs, {} apart", merged.runs, apart.runs);
        assert_eq!(merged.ends, apart.ends, "{name}, with boots of {crash:?}");
        assert_eq!((merged.latest, merged.deepest), (apart.latest, apart.deepest), "{name}");
    }
}

/// What is broken is the same too, and its example breaks it again.
#[test]
fn what_some_faults_break_is_found_and_told() {
    let scenario =
        Scenario::parse("patient.ron", crate::again::PATIENT).unwrap_or_else(|wrong| panic!("{wrong}"));
    let by = |merge, jobs| {
        let plan = Plan { faults: 2, merge, jobs, ..Plan::default() };
        explore(&scenario, &plan, &|_| {}).unwrap_or_else(|wrong| panic!("{wrong}"))
    };
    let (merged, apart) = (by(true, 2), by(false, 1));
    // What is met is told, though not all was tried.
    let plan = Plan { most: 5, ..Plan::default() };
    let few = explore(&scenario, &plan, &|_| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(!few.complete && few.reached == Some(0), "{few:?}");
    let [broken] = few.broken.as_slice() else { panic!("{few:?}") };
    assert_eq!((broken.place.clone(), broken.faults, broken.ends), (merged.broken[0].place.clone(), 1, 0));
    let places = |explored: &Explored| -> Vec<_> {
        explored.broken.iter().map(|broken| (broken.place.clone(), broken.faults)).collect()
    };
    assert!(!merged.broken.is_empty(), "nothing is broken");
    assert_eq!(places(&merged), places(&apart));
    for broken in &merged.broken {
        let again =
            Scenario::parse("again.ron", &broken.typed.write("")).unwrap_or_else(|wrong| panic!("{wrong}"));
        let found = play(&again, true).violations;
        assert!(found.iter().any(|violation| violation.law == broken.place.law), "{}", again.text);
    }
}

#[test]
fn what_was_found_and_mended_stays_so() {
    for (name, path) in crate::scenarios::files("scenarios/regressions") {
        let scenario = crate::gallery::load(&path);
        let simulator = crate::gallery::run(&scenario);
        assert!(
            scenario.judge(scenario.spec(), &simulator).is_empty(),
            "{name} does not meet its expectations"
        );
        let violations = play(&scenario, false).violations;
        assert!(violations.is_empty(), "{name}: {violations:?}");
    }
}
