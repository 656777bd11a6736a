//! Populations and networks by template: what they stand for, and what they do when run.

use std::collections::BTreeMap;

use sim::figures::Paths;
use sim::{NodeId, Simulator, TraceLevel};
use timewait::figures::{Figures, Options, measure};
use timewait::scenario::Scenario;

fn scenario(text: &str) -> Scenario {
    Scenario::parse("test.ron", text).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn measured(text: &str) -> Figures {
    let figures = measure(scenario(text).spec(), &Options { check: true, ..Options::default() });
    assert_eq!(figures.wrong, Vec::<String>::new());
    figures
}

/// What is said about a file that is wrong.
fn said(text: &str) -> String {
    match Scenario::parse("wrong.ron", text) {
        Ok(_) => panic!("nobody complains about {text}"),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn every_template_carries_flows_between_all_its_hosts() {
    let templates = [
        ("Dumbbell(left: 3, right: 2, bottleneck: (rate: \"10Mbit\", delay: \"5ms\"))", 5, 2, 6),
        ("ParkingLot(hops: 3, hop: (delay: \"1ms\"))", 8, 4, 11),
        ("ParkingLot(hops: 2, cross: 2)", 10, 3, 12),
        ("Star(hosts: 5, access: (rate: \"1Gbit\"), back: (qdisc: Codel()))", 5, 1, 5),
        ("FatTree(k: 4, access: (rate: \"1Gbit\", delay: \"1us\"))", 16, 20, 48),
        ("Chain(routers: 3, link: (mtu: 1400))", 2, 3, 4),
    ];
    for (template, hosts, routers, links) in templates {
        let text = format!(
            r#"Scenario(
                topology: {template},
                populations: [(name: "all", from: "*", to: "*", pairing: Random, count: 50, arrivals: Every("1ms"),
                               kind: Short(response: Fixed(5000)))],
            )"#
        );
        let spec = scenario(&text).spec().clone();
        let nodes = spec.nodes.values().filter(|node| matches!(node, sim::spec::Node::Host(_))).count();
        assert_eq!(
            (nodes, spec.nodes.len() - nodes, spec.links.len()),
            (hosts, routers, links),
            "{template}"
        );
        let figures = measured(&text);
        assert_eq!((figures.total.flows, figures.total.complete), (50, 50), "{template}");
        assert_eq!(figures.total.read_bytes, 50 * (100 + 5000), "{template}");
    }
}

#[test]
fn a_fat_tree_spreads_destinations_over_its_cores() {
    let spec = scenario(r#"Scenario(topology: FatTree(k: 4))"#).spec().clone();
    let simulator = Simulator::new(&spec, TraceLevel::Off);
    let names = simulator.names();
    let address = |host: &str| match &spec.nodes[host] {
        sim::spec::Node::Host(host) => host.addresses[0],
        sim::spec::Node::Router(_) => panic!("a host"),
    };
    let through = |from: &str, to: &str| -> Vec<String> {
        let path =
            Paths::of(&simulator).path(names.node_id(from).expect("there"), address(to)).expect("a way");
        let node = |id: NodeId| names.node(id).to_string();
        path.iter().map(|pipe| node(names.ends(*pipe).1)).collect()
    };
    assert_eq!(through("h1_1_1", "h1_1_2"), ["edge1_1", "h1_1_2"]);
    assert_eq!(through("h1_1_1", "h1_2_1"), ["edge1_1", "agg1_1", "edge1_2", "h1_2_1"]);
    let across = through("h1_1_1", "h3_2_2");
    assert_eq!(across, ["edge1_1", "agg1_2", "core2_2", "agg3_2", "edge3_2", "h3_2_2"]);
    let mut cores = BTreeMap::<String, u32>::new();
    for (edge, host) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
        let way = through("h1_1_1", &format!("h2_{edge}_{host}"));
        *cores.entry(way[2].clone()).or_default() += 1;
    }
    assert_eq!(cores.len(), 4, "each of the four cores carries one of them: {cores:?}");
}

#[test]
fn a_range_is_many_hosts_links_and_programs() {
    let text = r#"Scenario(
        hosts: { "c[1-20]": (addr: "10.1.0.250"), "s": () },
        routers: { "r": () },
        links: [(between: ("c[1-20]", "r"), delay: "1ms"), (between: ("r", "s"), name: "up")],
        programs: [(on: "s", run: EchoServer(port: 7)),
                   (on: "c[1-20]", run: Client(to: "s:7", steps: [Send("x"), Recv(1)]))],
    )"#;
    let scenario = scenario(text);
    let spec = scenario.spec();
    assert_eq!((spec.nodes.len(), spec.links.len(), spec.programs.len()), (22, 21, 21));
    let sim::spec::Node::Host(last) = &spec.nodes["c20"] else { panic!("a host") };
    assert_eq!(last.addresses[0].to_string(), "10.1.1.13");
    assert_eq!(measured(text).total.complete, 20);
    // Written back it is as short as it was.
    let again = Scenario::parse("again.ron", &scenario.typed.write("")).expect("right");
    assert_eq!(again.typed, scenario.typed);
    assert_eq!(again.spec(), spec);
}

#[test]
fn flows_are_counted_round_over_hosts_and_targets() {
    let figures = measured(
        r#"Scenario(
            topology: Dumbbell(left: 3, right: 2, bottleneck: (delay: "1ms")),
            populations: [(name: "up", from: "l*", to: "r*", count: 7, arrivals: Every("10ms"),
                           kind: Upload(size: Fixed(3000)))],
        )"#,
    );
    let rows: Vec<(u64, &str)> =
        figures.flows.iter().map(|flow| (flow.opened_ns / 1_000_000, flow.program.as_str())).collect();
    let programs = ["up/l1", "up/l2", "up/l3", "up/l1", "up/l2", "up/l3", "up/l1"];
    assert_eq!(rows, (0..7).map(|i| (10 * i + 1, programs[i as usize])).collect::<Vec<_>>());
    let targets: Vec<&str> =
        figures.flows.iter().map(|flow| if flow.to.starts_with("10.0.0.5") { "r1" } else { "r2" }).collect();
    assert_eq!(targets.iter().filter(|to| **to == "r1").count(), 4, "{:?}", figures.flows);
    assert_eq!(figures.programs.len(), 1, "one population: {:?}", figures.programs);
    assert_eq!(figures.programs[0].program, "up");
}

#[test]
fn poisson_arrivals_have_their_rate_and_their_spread() {
    let figures = measured(
        r#"Scenario(
            topology: Dumbbell(left: 10, bottleneck: (delay: "1ms")),
            populations: [(name: "web", from: "l*", to: "r*", arrivals: Poisson("1ms"), stop: "4s",
                           kind: Short(response: Fixed(1000)))],
        )"#,
    );
    // 4,000 expected, standard deviation 63.
    assert!((3_800..4_200).contains(&figures.total.flows), "{}", figures.total.flows);
    let mut starts: Vec<u64> = figures.flows.iter().map(|flow| flow.opened_ns).collect();
    starts.sort_unstable();
    let gaps: Vec<u64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let long = gaps.iter().filter(|gap| **gap > 1_000_000).count() * 1000 / gaps.len();
    // Of exponential times e^-1 are longer than the mean, though ten hosts draw apart.
    assert!((340..396).contains(&long), "{long} of a thousand");
}

#[test]
fn requests_are_transfers_of_their_own() {
    let figures = measured(
        r#"Scenario(
            topology: Dumbbell(left: 2, bottleneck: (delay: "10ms", rate: "100Mbit")),
            populations: [(name: "rpc", from: "l*", to: "r*",
                kind: Requests(count: 10, request: 200, response: Uniform(1000, 2000), think: Fixed("50ms")))],
        )"#,
    );
    assert_eq!((figures.total.flows, figures.total.complete), (2, 2));
    assert_eq!(figures.total.fct_ns.count, 20);
    assert!(figures.flows.iter().all(|flow| flow.transfers == 10));
    // A round trip of 20 ms each, and little more.
    let fct = figures.total.fct_ns;
    assert!(fct.min >= 20_000_000 && fct.max < 22_000_000, "{fct:?}");
    let down: u64 = figures.flows.iter().map(|flow| flow.down_bytes).sum();
    assert!((20_000..=40_000).contains(&down), "{down}");
}

#[test]
fn users_have_one_flow_at_a_time_and_think() {
    let figures = measured(
        r#"Scenario(
            topology: Dumbbell(left: 2, bottleneck: (delay: "10ms")),
            populations: [(name: "users", from: "l*", to: "r*", count: 40,
                arrivals: Closed(users: 4, think: Fixed("100ms")), kind: Short(response: Fixed(1000)))],
        )"#,
    );
    assert_eq!(figures.total.complete, 40);
    for flow in &figures.flows {
        let during = |other: &&timewait::figures::Flow| {
            other.opened_ns <= flow.opened_ns && other.last_read_ns.is_some_and(|end| end > flow.opened_ns)
        };
        assert!(figures.flows.iter().filter(during).count() <= 4);
        assert!(flow.opened_ns >= 100_000_000, "everybody thinks first");
    }
    // Ten rounds of each user: think 100 ms, open in 20, ask in 20.
    assert!(
        figures.run.to_ns >= 10 * 140_000_000 && figures.run.to_ns < 10 * 165_000_000,
        "{:?}",
        figures.run
    );
}

#[test]
fn bursts_and_idle_connections() {
    let figures = measured(
        r#"Scenario(
            until: "20s",
            topology: Dumbbell(left: 2, bottleneck: (delay: "1ms")),
            populations: [
                (name: "bursts", from: "l1", to: "r1", kind: OnOff(burst: Fixed("10kB"), pause: Fixed("1s"), bursts: 5)),
                (name: "idle", from: "l2", to: "r2", kind: Idle(hold: "10s"), options: [KeepAlive(true), KeepIdle("2s")]),
                (name: "held", from: "l2", to: "r2", kind: Idle(), port: 81),
            ],
        )"#,
    );
    let find = |name: &str| figures.programs.iter().find(|program| program.program == name).expect("there");
    assert_eq!((find("bursts").complete, find("bursts").read_bytes), (1, 50_000));
    assert_eq!((find("idle").complete, find("held").complete), (1, 0));
    assert_eq!(figures.total.open, 1);
}

#[test]
fn a_hundred_thousand_flows_are_few_lines() {
    let text = r#"Scenario(
        topology: Dumbbell(left: 500, bottleneck: (rate: "10Gbit", delay: "5ms")),
        populations: [(name: "web", from: "l*", to: "r*", count: 100000, arrivals: Poisson("50us"),
                       pairing: Random, kind: Short(response: WebSearch))],
    )"#;
    let scenario = scenario(text);
    assert_eq!(scenario.spec().programs.len(), 1000);
}

#[test]
fn what_is_wrong_with_them_is_said_where_it_stands() {
    let population = |inside: &str| {
        format!(
            "Scenario(\n    topology: Dumbbell(left: 2, bottleneck: (delay: \"1ms\")),\n    populations: [({inside})],\n)"
        )
    };
    let kind = "kind: Short(response: Fixed(1000))";
    let all = [
        population(&format!("name: \"w\", from: \"x*\", to: \"r*\", {kind}")),
        population(&format!("name: \"w\", from: \"l[1-3]\", to: \"r*\", {kind}")),
        population(&format!("name: \"w\", from: \"l[3-1]\", to: \"r*\", {kind}")),
        population(
            "name: \"w\", from: \"l*\", to: \"r*\", kind: Short(response: Table([(10, \"50%\"), (5, \"100%\")]))",
        ),
        population("name: \"w\", from: \"l*\", to: \"r*\", kind: Short(response: Table([(10, \"50%\")]))"),
        population("name: \"w\", from: \"l*\", to: \"r*\", kind: Short(response: Websearch)"),
        population("name: \"w\", from: \"l*\", to: \"r*\", kind: Short(request: 4, response: WebSearch)"),
        population(&format!("name: \"w\", from: \"l*\", to: \"r*\", arrivals: Poisson(\"0s\"), {kind}")),
        population(&format!("name: \"w\", from: \"l1\", to: \"l1\", {kind}")),
        population(
            "name: \"w\", from: \"l*\", to: \"r*\", kind: Upload(size: Pareto(least: 1, shape: 1.2345678))",
        ),
        population(&format!(
            "name: \"w\", from: \"l*\", to: \"r*\", {kind}), (name: \"w\", from: \"l*\", to: \"r*\", {kind}"
        )),
        population(&format!(
            "name: \"a\", from: \"l*\", to: \"r*\", {kind}), (name: \"b\", from: \"l*\", to: \"r*\", kind: LongLived"
        )),
        "Scenario(topology: FatTree(k: 5))".to_owned(),
        "Scenario(topology: Star(hosts: 0))".to_owned(),
        "Scenario(topology: Star(hosts: 4000000000))".to_owned(),
        "Scenario(topology: Dumbbell(left: 2, bottleneck: (rate: \"0bit\")))".to_owned(),
        "Scenario(topology: Ring(hosts: 3))".to_owned(),
        "Scenario(hosts: {\"a[1-3]\": (), \"b[1-2]\": ()}, links: [(between: (\"a[1-3]\", \"b[1-2]\"))])"
            .to_owned(),
        "Scenario(hosts: {\"a[1-3]\": (), \"a2\": ()})".to_owned(),
        "Scenario()".to_owned(),
    ];
    insta::assert_snapshot!(all.iter().map(|text| said(text)).collect::<Vec<_>>().join("\n\n"));
}

/// The workloads for measuring are too long to be played whole in a test: each is read, and its beginning played.
#[test]
fn the_workloads_begin_well() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/workloads");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 7);
    for file in files {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_timewait"))
            .args(["run", "--quiet", "--until", "200ms"])
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && !said.contains(" 0 packets"), "{}: {said}", file.display());
    }
}
