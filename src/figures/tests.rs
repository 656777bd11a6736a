use super::collect::jain;
use super::record::{Cell, Record};
use super::write::{Kind, csv, json};
use super::*;
use crate::scenario::Scenario;

fn scenario(text: &str) -> Scenario {
    Scenario::parse("test.ron", text).unwrap_or_else(|wrong| panic!("{wrong}"))
}

const BULK: &str = r#"Scenario(
    hosts: { "a": (), "b": () },
    links: [(between: ("a", "b"), delay: "10ms", rate: "10Mbit", limit: Packets(50))],
    programs: [
        (on: "b", run: Sink(port: 80)),
        (on: "a", run: BulkSender(to: "b:80", bytes: "2MB")),
        (on: "a", run: Client(to: "b:81")),
    ],
)"#;

#[test]
fn measuring_changes_nothing() {
    let scenario = scenario(BULK);
    let mut plain = Simulator::new(scenario.spec(), TraceLevel::Off);
    plain.run();
    let sampled = Options { every: Some(Duration::from_millis(7)), ..Options::default() };
    let late = Options { warmup: Duration::from_millis(300), ..sampled.clone() };
    for options in [Options::default(), sampled, late] {
        let figures = measure(scenario.spec(), &options);
        assert_eq!(figures.run.trace, format!("{:016x}", plain.trace_hash()));
        assert_eq!(figures.run.events, plain.events());
        assert_eq!(figures.run.end_ns, plain.now().as_nanos());
    }
}

#[test]
fn a_transfer_and_one_that_is_refused() {
    let figures = measure(scenario(BULK).spec(), &Options::default());
    let [bulk, refused] = figures.flows.as_slice() else { panic!("{:?}", figures.flows) };
    assert_eq!((bulk.outcome.as_str(), bulk.up_bytes, bulk.down_bytes), ("complete", 2_000_000, 0));
    assert_eq!((refused.outcome.as_str(), refused.established_ns), ("failed", None));
    // The SYN needs 10 ms and its 60 bytes at 10 Mbit/s, and so does the answer.
    assert_eq!(bulk.established_ns.map(|at| at - bulk.opened_ns), Some(2 * (10_000_000 + 48_000)));
    assert_eq!(figures.total.flows, 2);
    assert_eq!(figures.total.read_bytes, 2_000_000);
    // It cannot be faster than the link.
    assert!(bulk.slowdown_milli.is_some_and(|slow| (1000..2000).contains(&slow)), "{bulk:?}");
    assert!(figures.wrong.is_empty());
    let queue = &figures.queues[0];
    assert_eq!((queue.link.as_str(), queue.from.as_str()), ("a-b", "a"));
    assert_eq!(queue.sent, queue.delivered + queue.queue_full);
    assert!(queue.wait_ns.max <= 50 * 1_200_000, "fifty packets of 1.2 ms at most: {:?}", queue.wait_ns);
    assert!(queue.found.max <= 50, "{:?}", queue.found);
}

#[test]
fn what_is_before_the_warm_up_does_not_count() {
    let scenario = scenario(BULK);
    let all = measure(scenario.spec(), &Options::default());
    let warmup = Duration::from_millis(500);
    let late = measure(scenario.spec(), &Options { warmup, ..Options::default() });
    assert_eq!(late.run.from_ns, 500_000_000);
    assert_eq!(late.total.fct_ns.count, 0, "it began before");
    assert_eq!(late.total.flows, 1, "the one that was refused was over");
    let before = all.total.read_bytes - late.total.read_bytes;
    // 10 Mbit/s for half a second, less the handshake and slow start.
    assert!((200_000..625_000).contains(&before), "{before}");
    assert!(late.queues[0].delivered < all.queues[0].delivered);
    let beyond =
        measure(scenario.spec(), &Options { warmup: Duration::from_secs(3600), ..Options::default() });
    assert_eq!((beyond.total.read_bytes, beyond.total.fct_ns.count, beyond.queues.len()), (0, 0, 0));
}

/// 12 connections at once over 10 ports: two find no port, and those of the warm-up are not counted.
#[test]
fn what_finds_no_port_is_counted() {
    let crowd = scenario(
        r#"Scenario(
            until: "3s",
            hosts: { "a": (ports: (2000, 2009)), "b": () },
            links: [(between: ("a", "b"), delay: "10ms")],
            populations: [
                (name: "crowd", from: "a", to: "b", count: 12, arrivals: Every("1ms"), kind: Short(response: Fixed("1000B"))),
                (name: "later", from: "a", to: "b", count: 3, at: "1s", arrivals: Every("1ms"), kind: Short(response: Fixed("1000B"))),
            ],
        )"#,
    );
    let all = measure(crowd.spec(), &Options::default());
    assert_eq!((all.total.flows, all.total.complete, all.total.unopened), (10, 10, 5));
    let programs = all.programs.iter().map(|one| (&*one.program, one.flows, one.unopened));
    assert_eq!(programs.collect::<Vec<_>>(), [("crowd", 10, 2), ("later", 0, 3)]);
    let mut shown = Vec::new();
    table::write(&all, &mut shown).expect("into memory");
    let shown = String::from_utf8(shown).expect("text");
    assert!(shown.contains("10: 10 complete; 5 never opened"), "{shown}");
    let warmup = Duration::from_millis(500);
    let late = measure(crowd.spec(), &Options { warmup, ..Options::default() });
    assert_eq!(late.total.unopened, 3);
}

/// What a shaper lets pass is what a link carries: 100 kB alone take as long as the bytes at that rate do, less a burst.
#[test]
fn a_shaper_slows_the_ideal_too() {
    let slowdown = |shape: &str| {
        let text = format!(
            r#"Scenario(
                hosts: {{ "a": (), "b": () }},
                links: [(between: ("a", "b"), delay: "1ms", rate: "10Mbit", {shape} limit: Packets(1000))],
                programs: [
                    (on: "b", run: Sink(port: 80)),
                    (on: "a", run: BulkSender(to: "b:80", bytes: "100kB")),
                ],
            )"#
        );
        let figures = measure(scenario(&text).spec(), &Options::default());
        (figures.flows[0].slowdown_milli.expect("it is complete"), figures.queues[0].rate_bps)
    };
    let (free, rate) = slowdown("");
    assert!((1000..1300).contains(&free) && rate == 10_000_000, "{free} {rate}");
    let (shaped, rate) = slowdown(r#"shape: (rate: "1Mbit", burst: "2kB"),"#);
    assert!((970..1100).contains(&shaped) && rate == 1_000_000, "{shaped} {rate}");
}

#[test]
fn jains_index() {
    assert_eq!(jain(&[]), 0);
    assert_eq!(jain(&[7]), 1_000_000);
    assert_eq!(jain(&[5, 5, 5, 5]), 1_000_000);
    assert_eq!(jain(&[1, 0, 0, 0]), 250_000);
    assert_eq!(jain(&[3, 1]), 800_000);
    let large = jain(&vec![u64::MAX; 1 << 20]);
    assert!(large >= 999_999, "{large}");
}

#[test]
fn files_have_one_line_a_record_and_one_cell_a_column() {
    let options = Options { every: Some(Duration::from_millis(100)), ..Options::default() };
    let figures = measure(scenario(BULK).spec(), &options);
    assert!(figures.flow_samples.len() > 5 && figures.queue_samples.len() > 5);
    let mut text = Vec::new();
    json(&figures, &mut text).expect("into memory");
    let text = String::from_utf8(text).expect("text");
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(value["type"].is_string(), "{line}");
    }
    for kind in [Kind::Run, Kind::Total, Kind::Programs, Kind::Classes, Kind::Queues, Kind::Flows] {
        let mut text = Vec::new();
        csv(&figures, kind, &mut text).expect("into memory");
        let text = String::from_utf8(text).expect("text");
        let columns: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert!(columns.len() > 1 && columns.iter().all(|n| *n == columns[0]), "{text}");
    }
    let again: Figures =
        serde_json::from_str(&serde_json::to_string(&figures).expect("written")).expect("read");
    assert_eq!(again, figures);
}

#[test]
fn scalars_have_the_names_of_the_columns() {
    let figures = measure(scenario(BULK).spec(), &Options::default());
    let scalars = figures.scalars();
    let mut columns = Vec::new();
    figures.total.cells(&mut |name, cell| columns.push((name.to_owned(), cell)));
    for (name, value) in scalars {
        assert!(columns.contains(&(name, Cell::Number(value))));
    }
}

#[test]
fn the_page_of_records_is_up_to_date() {
    let page = include_str!("../../docs/figures.md");
    assert!(page == write::documentation(), "run: cargo run -- schema --figures > docs/figures.md");
}
