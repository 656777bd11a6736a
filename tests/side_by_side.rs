//! Controllers and recovery schemes side by side: the same transfer over the same paths, in small tables (RFC 5033,
//! section 3: difficult paths, round-trip times). A run is a function of its file, so the tables are snapshots; a change in
//! behaviour shows as a change of figures.
//!
//! Each entry is `goodput +delay xagain`: kilobits a second, milliseconds that the transfer took longer than without loss or
//! reordering, and segments sent again.

use sim::{Record, Simulator, TraceLevel, What};
use tcp::{Duration, Time};
use timewait::scenario::Scenario;

/// What a transfer came to.
#[derive(Clone, Copy)]
struct Outcome {
    took: Duration,
    again: u64,
}

/// One transfer of `bytes` over a path of 10 Mbit/s with a queue of so many packets: `tcp` are the sender's knobs, `way`
/// further parameters of the link.
fn transfer(bytes: u64, queue: u64, one_way_ms: u64, tcp: &str, way: &str) -> Outcome {
    let text = format!(
        "Scenario(until: \"10min\", seed: 5, hosts: {{ \"a\": (tcp: ({tcp})), \"b\": () }}, routers: {{ \"r\": () }},
        links: [
            (between: (\"a\", \"r\"), rate: \"100Mbit\", delay: \"{one_way_ms}ms\", {way} back: (loss: \"0%\", reorder: \"0%\")),
            (between: (\"r\", \"b\"), rate: \"10Mbit\", limit: Packets({queue})),
        ],
        programs: [
            (on: \"b\", run: Sink(port: 80)),
            (on: \"a\", run: BulkSender(to: \"b:80\", bytes: {bytes})),
        ])"
    );
    let scenario = Scenario::parse("side_by_side.ron", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let mut run = Simulator::new(scenario.spec(), TraceLevel::On);
    run.run();
    let read = |record: &Record| match &record.what {
        What::Program { call, result, .. } if call.starts_with("recv") => {
            assert!(result.starts_with(&bytes.to_string()), "{tcp} {way}: {result}");
            Some(record.time)
        }
        _ => None,
    };
    let end = run.records().iter().find_map(read).unwrap_or_else(|| panic!("{tcp} {way}: never read"));
    let sender = run.names().node_id("a").and_then(|id| run.counters(id)).expect("a host");
    Outcome { took: end.since(Time::ZERO), again: sender.tcp_retrans_segs }
}

/// A table: a row for each of `rows` (name, knobs), a column for each of `columns` (name, one-way delay in ms, link).
/// Without a `queue` of its own the path has one that holds a round trip, and ten packets at least.
fn table(bytes: u64, queue: Option<u64>, rows: &[(&str, &str)], columns: &[(&str, u64, &str)]) -> String {
    let mut text = format!("{:<12}", "");
    for (name, ..) in columns {
        text.push_str(&format!(" {name:>20}"));
    }
    text.push('\n');
    for (name, knobs) in rows {
        text.push_str(&format!("{name:<12}"));
        for (_, one_way, way) in columns {
            let queue = queue.unwrap_or((one_way * 2 * 10_000 / 12_000).max(10));
            let clean = transfer(bytes, queue, *one_way, knobs, "");
            let got = if way.is_empty() { clean } else { transfer(bytes, queue, *one_way, knobs, way) };
            let kbit = u128::from(bytes) * 8 * 1_000_000 / u128::from(got.took.as_nanos());
            let longer = i128::from(got.took.as_millis()) - i128::from(clean.took.as_millis());
            text.push_str(&format!(" {:>20}", format!("{kbit} {longer:+} x{}", got.again)));
        }
        text.push('\n');
    }
    text
}

const CONTROLLERS: &[(&str, &str)] = &[
    ("reno", "congestion: Reno"),
    ("cubic", "congestion: Cubic"),
    ("cubic 9438", "congestion: Cubic, cubic_ticks: false"),
    ("vegas", "congestion: Vegas"),
    ("westwood", "congestion: Westwood"),
    ("bbr", "congestion: Bbr"),
    ("bbr1", "congestion: Bbr1"),
];

const RECOVERY: &[(&str, &str)] = &[
    ("rack tlp prr", "congestion: Reno"),
    ("rack", "congestion: Reno, tail_loss_probe: false, prr: false"),
    ("sack prr", "congestion: Reno, loss_detection: Sack, tail_loss_probe: false"),
    ("sack", "congestion: Reno, loss_detection: Sack, tail_loss_probe: false, prr: false"),
    ("newreno", "congestion: Reno, sack: false, loss_detection: NewReno, tail_loss_probe: false, prr: false"),
    ("timeouts", "congestion: Reno, loss_detection: TimeoutOnly, tail_loss_probe: false, frto: false"),
];

/// 5033/3-EVAL: no controller collapses on a lossy path, nor where round trips are long or short.
#[test]
fn controllers_over_loss_and_round_trip_time() {
    let loss = [
        ("no loss", 20, ""),
        ("0.1 %", 20, "loss: \"0.1%\","),
        ("1 %", 20, "loss: \"1%\","),
        ("3 %", 20, "loss: \"3%\","),
    ];
    insta::assert_snapshot!("controllers_over_loss", table(2_000_000, None, CONTROLLERS, &loss));
    let time = [
        ("10 ms, 0.2 %", 5, "loss: \"0.2%\","),
        ("40 ms, 0.2 %", 20, "loss: \"0.2%\","),
        ("160 ms, 0.2 %", 80, "loss: \"0.2%\","),
    ];
    insta::assert_snapshot!("controllers_over_round_trip_time", table(2_000_000, None, CONTROLLERS, &time));
}

#[test]
fn controllers_over_reordering() {
    let grid = [
        ("1 % by 1 ms", 20, "reorder: \"1%\", reorder_delay: \"1ms\","),
        ("1 % by 15 ms", 20, "reorder: \"1%\", reorder_delay: \"15ms\","),
        ("5 % by 15 ms", 20, "reorder: \"5%\", reorder_delay: \"15ms\","),
    ];
    insta::assert_snapshot!("controllers_over_reordering", table(2_000_000, None, CONTROLLERS, &grid));
}

/// One loss, several, the tail, and reordering, each repaired by every scheme, where no queue overflows.
#[test]
fn recovery_schemes() {
    let grid = [
        ("one lost", 20, "lose: [60],"),
        ("five of a window", 20, "lose: [60, 62, 64, 66, 68],"),
        ("ten in a row", 20, "lose: [60, 61, 62, 63, 64, 65, 66, 67, 68, 69],"),
        ("the tail", 20, "lose: [141, 142, 143],"),
        ("1 %", 20, "loss: \"1%\","),
        ("2 % late by 15 ms", 20, "reorder: \"2%\", reorder_delay: \"15ms\","),
    ];
    // 141 segments of 1448 octets, or 139 of 1460.
    insta::assert_snapshot!("recovery_schemes", table(203_000, Some(1000), RECOVERY, &grid));
}
