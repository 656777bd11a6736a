//! The store survives being cut off anywhere; the outcome does not depend on who ran what.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::store::{self, Results};
use super::work::{Stopped, work};
use super::{Plan, columns, merge, play, range, stats, summary, table};
use crate::columns::{Column, Values};

/// Whom nobody interrupts.
static NOBODY: AtomicBool = AtomicBool::new(false);

/// Two axes and two seeds: eight runs of an echo over a lossy link.
const SWEEP: &str = r#"Sweep(
    scenario: (
        hosts: { "client": (), "server": () },
        links: [(between: ("client", "server"), delay: "10ms")],
        programs: [
            (on: "server", run: EchoServer(port: 7)),
            (on: "client", run: Client(to: "server:7", steps: [Send("hello"), Recv(5), Close])),
        ],
    ),
    axes: {
        "loss": (set: "links.client-server.loss", values: ["0%", "20%"]),
        "delay": (set: "links.0.delay", values: ["1ms", "2.5ms"]),
    },
    seeds: "1..2",
    figures: ["events", "packets"],
)"#;

fn plan() -> Plan {
    Plan::parse("sweep.ron", SWEEP).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// The file that these runs leave, as they end.
fn bytes(plan: &Plan, shard: Option<(u64, u64)>, jobs: usize) -> Vec<u8> {
    let header = plan.header(shard);
    let mut out = header.line().into_bytes();
    let numbers: Vec<u64> = header.mine().collect();
    work(plan, &numbers, jobs, &NOBODY, &mut out, &mut |_, _| {}).unwrap_or_else(|why| panic!("{why:?}"));
    out
}

fn read(bytes: &[u8]) -> Results {
    store::read(bytes).unwrap_or_else(|damage| panic!("{damage}")).unwrap_or_else(|| panic!("no header"))
}

/// The finished file.
fn finished(results: &Results) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(results.is_complete());
    results.write(&mut out).expect("memory takes it");
    out
}

/// Each figure that a sweep may ask for by the name of a population or of a size is there when it has run.
#[test]
fn populations_and_sizes_have_figures() {
    let text = r#"Scenario(
        hosts: { "a": (), "b": () },
        links: [(between: ("a", "b"), delay: "1ms")],
        populations: [(name: "web", from: "a", to: "b", count: 4, arrivals: Every("1ms"), kind: Short(response: Fixed("20000B")))],
        programs: [(on: "b", run: EchoServer(port: 7)), (on: "a", name: "client", run: Client(to: "b:7", steps: [Send("hello"), Recv(5), Close]))],
    )"#;
    let scenario =
        crate::scenario::Scenario::parse("test.ron", text).unwrap_or_else(|wrong| panic!("{wrong}"));
    let (names, options) = (play::names(&scenario), crate::figures::Options::default());
    let of = |what: &str| names.iter().filter(|name| name.starts_with(what)).cloned().collect::<Vec<_>>();
    let wanted = [of("web."), of("client."), of("upto_10kB."), of("upto_100kB.")];
    assert!(of("over_10MB.").len() > 4);
    assert!(wanted.iter().all(|names| names.len() > 4), "{wanted:?}");
    let wanted = wanted.concat();
    let played = play::play(&scenario, 1, &wanted, &options);
    assert_eq!(
        played.figures.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        wanted.iter().collect::<Vec<_>>()
    );
    let figure = |name: &str| played.figures.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
    assert_eq!((figure("web.flows"), figure("web.complete")), (Some(4), Some(4)));
    assert_eq!((figure("upto_100kB.fct_ns_count"), figure("upto_10kB.fct_ns_count")), (Some(4), Some(1)));
}

#[test]
fn as_many_jobs_as_there_are_and_however_it_is_split() {
    let plan = plan();
    assert_eq!(plan.runs(), 8);
    let whole = finished(&read(&bytes(&plan, None, 1)));
    assert_eq!(whole, finished(&read(&bytes(&plan, None, 3))));
    for parts in [1, 2, 3, 8, 11] {
        let shards: Vec<(String, Results)> = (1..=parts)
            .rev()
            .map(|part| (format!("{part}.jsonl"), read(&bytes(&plan, Some((part, parts)), 2))))
            .collect();
        let merged = merge::merge(&shards).unwrap_or_else(|why| panic!("{parts} parts: {why}"));
        assert_eq!(whole, finished(&merged), "{parts} parts");
    }
}

#[test]
fn what_is_cut_off_anywhere_is_gone_on_with() {
    let plan = plan();
    let header = plan.header(None);
    let all = bytes(&plan, None, 1);
    let whole = finished(&read(&all));
    for cut in 0..all.len() {
        let left = &all[..cut];
        let results = store::read(left).unwrap_or_else(|damage| panic!("cut at {cut}: {damage}"));
        let lines = left.iter().filter(|byte| **byte == b'\n').count();
        let Some(results) = results else {
            assert_eq!(lines, 0, "cut at {cut}");
            assert!(store::is_torn_header(left, &header), "cut at {cut}");
            continue;
        };
        assert_eq!(results.lines.len(), lines - 1, "cut at {cut}");
        assert_eq!(results.missing(), 9 - lines as u64, "cut at {cut}");
        assert!(left[..results.whole].ends_with(b"\n") && !left[results.whole..].contains(&b'\n'));
        // Going on in earnest takes a while: at every line, and in the midst of it.
        if cut % 97 == 0 || left.ends_with(b"\n") {
            let mut file = left[..results.whole].to_vec();
            let missing: Vec<u64> = header.mine().filter(|run| !results.lines.contains_key(run)).collect();
            let mut ran = Vec::new();
            work(&plan, &missing, 2, &NOBODY, &mut file, &mut |run, _| ran.push(run.number))
                .expect("memory takes it");
            ran.sort_unstable();
            assert_eq!(ran, missing, "nothing twice");
            assert_eq!(finished(&read(&file)), whole, "cut at {cut}");
        }
    }
}

/// Takes so many bytes, and then has no room.
struct Disk {
    bytes: Vec<u8>,
    room: usize,
}
impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.room - self.bytes.len());
        if fits == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend(&bytes[..fits]);
        Ok(fits)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was begun is there, nothing else is begun, and the rest makes up what would have been.
#[test]
fn an_interrupted_sweep_ends_with_what_it_has_begun() {
    let plan = plan();
    let header = plan.header(None);
    let numbers: Vec<u64> = header.mine().collect();
    let mut rows = header.line().into_bytes();
    let interrupted = AtomicBool::new(false);
    let stopped = work(&plan, &numbers, 1, &interrupted, &mut rows, &mut |_, _| {
        interrupted.store(true, Ordering::Relaxed);
    });
    let made = read(&rows).lines.len();
    match stopped {
        Err(Stopped::Interrupted(left)) => assert_eq!(made + left, 8),
        // It may have been faster than we.
        stopped => assert!(made == 8 && stopped.is_ok(), "{stopped:?}"),
    }
    work(&plan, &numbers[made..], 1, &NOBODY, &mut rows, &mut |_, _| {}).expect("memory takes it");
    assert_eq!(rows, bytes(&plan, None, 1));
    let late = AtomicBool::new(true);
    let stopped = work(&plan, &numbers, 2, &late, &mut Vec::new(), &mut |_, _| {});
    assert!(matches!(stopped, Err(Stopped::Interrupted(8))), "{stopped:?}");
}

#[test]
fn a_full_disk_stops_a_sweep_and_spoils_nothing() {
    let plan = plan();
    let header = plan.header(None);
    let numbers: Vec<u64> = header.mine().collect();
    let full = bytes(&plan, None, 1);
    for room in (header.line().len()..full.len()).step_by(61) {
        let mut disk = Disk { bytes: header.line().into_bytes(), room };
        let stopped = work(&plan, &numbers, 1, &NOBODY, &mut disk, &mut |_, _| {});
        assert!(matches!(stopped, Err(Stopped::Write(error)) if error.kind() == io::ErrorKind::StorageFull));
        assert_eq!(disk.bytes, full[..room], "what fits is there");
        assert_eq!(read(&disk.bytes).lines.len(), newlines(&full[..room]) - 1);
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[test]
fn what_is_no_file_of_results_is_refused() {
    let plan = plan();
    let all = String::from_utf8(bytes(&plan, None, 1)).expect("text");
    let said = |text: &str| match store::read(text.as_bytes()) {
        Ok(results) => panic!("nobody complains about {text}: {results:?}"),
        Err(damage) => damage.to_string(),
    };
    assert!(said("hello\n").starts_with("line 1: not the first line of a sweep's results"));
    assert!(said(&all.replacen("\"format\":1", "\"format\":9", 1)).contains("format 9"));
    let middle = all.replacen("\"run\":2", "\"run\":", 1);
    assert!(said(&middle).starts_with("line 3: not a run"), "{}", said(&middle));
    assert!(said(&all.replacen("\"run\":2", "\"run\":9", 1)).contains("run 9 is none of the whole"));
    let twice =
        format!("{all}{}", all.lines().nth(1).expect("a run").replace("\"seed\":1", "\"seed\":7") + "\n");
    assert!(said(&twice).contains("run 1 is there twice, and differs"), "{}", said(&twice));
    let same = format!("{all}{}\n", all.lines().nth(1).expect("a run"));
    assert_eq!(read(same.as_bytes()).lines.len(), 8, "the same line twice is the same run");
    assert!(!store::is_torn_header(b"my thesis", &plan.header(None)));
}

#[test]
fn shards_that_do_not_belong_together_are_not_joined() {
    let plan = plan();
    let other = SWEEP.replace("\"20%\"", "\"30%\"");
    let other = Plan::parse("other.ron", &other).unwrap_or_else(|wrong| panic!("{wrong}"));
    let shard =
        |plan: &Plan, part, parts| (format!("{part}-of-{parts}"), read(&bytes(plan, Some((part, parts)), 1)));
    let said = |parts: &[(String, Results)]| merge::merge(parts).expect_err("refused");
    let half = shard(&plan, 1, 2);
    assert_eq!(said(std::slice::from_ref(&half)), "shard 2/2 is missing");
    assert_eq!(said(&[half.clone(), half.clone()]), "1-of-2 and 1-of-2 overlap: both are shard 1/2");
    assert!(
        said(&[half.clone(), shard(&plan, 2, 3)]).contains("1-of-2 is one of 2 shards, and 2-of-3 one of 3")
    );
    let values = said(&[half.clone(), shard(&other, 2, 2)]);
    assert_eq!(values, "1-of-2 and 2-of-2 are not of one sweep: their values of `loss` differ");
    let (name, mut unfinished) = shard(&plan, 2, 2);
    unfinished.lines.pop_last();
    let unfinished = said(&[half.clone(), (name, unfinished)]);
    assert!(unfinished.starts_with("2-of-2 is not finished: 1 of its 4 runs are missing"), "{unfinished}");
    let whole = ("all".to_owned(), read(&bytes(&plan, None, 1)));
    assert!(said(&[half, whole.clone()]).contains("all is the whole of its sweep, not a shard"));
    assert!(said(&[whole]).contains("nothing to join"));
}

#[test]
fn what_decides_on_results_decides_on_the_identity() {
    let of =
        |text: &str| Plan::parse("s.ron", text).unwrap_or_else(|wrong| panic!("{wrong}")).header(None).sweep;
    let own = of(SWEEP);
    for (from, to) in [
        ("\"hello\"", "\"hallo\""),
        ("20%", "21%"),
        ("1..2", "2..3"),
        ("[\"events\", ", "["),
        ("links.0.delay", "links.0.jitter"),
        ("seeds:", "exclude: [{ \"loss\": \"0%\", \"delay\": \"1ms\" }], seeds:"),
    ] {
        assert_ne!(own, of(&SWEEP.replace(from, to)), "{to}");
    }
    assert_eq!(own, of(&SWEEP.replace("Sweep(", "// A comment.\nSweep(about: \"echoes\",")));
}

#[test]
fn axes_go_along_and_combinations_are_left_out() {
    let text = SWEEP.replace("\"links.0.delay\",", "\"links.0.delay\", with: \"loss\",");
    let plan = Plan::parse("s.ron", &text).unwrap_or_else(|wrong| panic!("{wrong}"));
    let combinations: Vec<Vec<(&str, &str)>> = (0..plan.cells()).map(|cell| plan.changes(cell)).collect();
    let (loss, delay) = ("links.client-server.loss", "links.0.delay");
    assert_eq!(combinations, [[(loss, "0%"), (delay, "1ms")], [(loss, "20%"), (delay, "2.5ms")]]);

    let text = SWEEP.replace("seeds:", "exclude: [{ \"loss\": \"20%\", \"delay\": \"1ms\" }], seeds:");
    let plan = Plan::parse("s.ron", &text).unwrap_or_else(|wrong| panic!("{wrong}"));
    let labels: Vec<Vec<&str>> = (0..plan.cells())
        .map(|cell| plan.values(cell).into_iter().map(|value| value.label.as_str()).collect())
        .collect();
    assert_eq!(labels, [["0%", "1ms"], ["0%", "2.5ms"], ["20%", "2.5ms"]]);
    let run = plan.run(6).expect("the last");
    assert_eq!((run.cell, run.seed), (2, 2));
    assert!(plan.run(7).is_none() && plan.run(0).is_none());
    assert_eq!(
        plan.command(&run),
        "timewait run s.ron --set links.client-server.loss=20% --set links.0.delay=2.5ms --seed 2"
    );
}

#[test]
fn ranges() {
    let values = |text| range::values(text).map(|values| values.join(" "));
    assert_eq!(values("1..5").as_deref(), Ok("1 2 3 4 5"));
    assert_eq!(values("10ms..50ms by 20ms").as_deref(), Ok("10ms 30ms 50ms"));
    assert_eq!(values("0%..1% by 0.25%").as_deref(), Ok("0% 0.25% 0.5% 0.75% 1%"));
    assert_eq!(values("1ms..10ms times 3").as_deref(), Ok("1ms 3ms 9ms"));
    assert_eq!(values("7..7").as_deref(), Ok("7"));
    for (text, why) in [
        ("many", "is not a range"),
        ("5..1", "is empty"),
        ("1ms..5s by 1ms", "same unit"),
        ("1ms..5ms", "how far"),
        ("1ms..5ms by 0ms", "does not move"),
        ("0ms..5ms times 2", "begins at nothing"),
        ("1ms..5ms times 1", "factor of two"),
        ("1..99999999", "more than 10000 values"),
        ("1..18446744073709551615 times 2.5", "whole factor"),
        ("99999999999999999999..1", "is not a range"),
    ] {
        let said = range::values(text).expect_err(text);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn student_t_is_that_of_the_tables() {
    // Two-sided quantiles as printed in tables (Student 1908; Abramowitz and Stegun, table 26.10).
    for (confidence, freedom, t) in [
        (0.95, 1, 12.706),
        (0.95, 2, 4.303),
        (0.95, 3, 3.182),
        (0.95, 4, 2.776),
        (0.95, 9, 2.262),
        (0.95, 10, 2.228),
        (0.95, 29, 2.045),
        (0.95, 30, 2.042),
        (0.95, 120, 1.980),
        (0.90, 5, 2.015),
        (0.99, 1, 63.657),
        (0.99, 2, 9.925),
        (0.99, 29, 2.756),
    ] {
        let ours = stats::student_t(confidence, freedom);
        assert!((ours - t).abs() < 0.000_51, "{confidence} {freedom}: {ours}, and not {t}");
    }
    let sample = stats::Sample::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).expect("values");
    assert_eq!((sample.mean, sample.min, sample.max), (5.0, 2.0, 9.0));
    assert!((sample.deviation - (32.0f64 / 7.0).sqrt()).abs() < 1e-12);
    // 2.365 (7 degrees of freedom) times 2.138 by the root of 8.
    assert!((sample.interval(0.95).expect("several") - 1.787).abs() < 0.001);
    assert_eq!(stats::Sample::of(&[3.0]).and_then(|one| one.interval(0.95)), None);
}

#[test]
fn numbers_have_as_many_digits_as_asked_for() {
    let four = |value| stats::digits(value, 4);
    assert_eq!([0.0, 1.0, 1.5, 123_456.0].map(four), ["0", "1", "1.5", "123500"]);
    assert_eq!([0.000_123_45, -2.0, 99.999, 1e20].map(four), ["0.0001234", "-2", "100", "1.000e20"]);
}

#[test]
fn every_field_is_documented_with_an_example_that_reads() {
    for field in super::file::Sweep::DESCRIBED.fields.iter().chain(super::file::Axis::DESCRIBED.fields) {
        assert!(!field.doc.is_empty(), "{}", field.name);
        assert!((field.read)(field.example).is_ok(), "{}: {}", field.name, field.example);
    }
    let page = include_str!("../../docs/sweeps.md");
    let made = super::documentation();
    assert!(page.contains(&made), "docs/sweeps.md lacks this:\n{made}");
}

/// A column as CSV has it; numbers that are not whole as 10 digits.
fn cells(column: &Column) -> Vec<String> {
    let text = |number: &Option<u64>| number.map_or(String::new(), |number| number.to_string());
    let real = |number: &Option<f64>| number.map_or(String::new(), |number| stats::digits(number, 10));
    match &column.values {
        Values::Numbers(all) => all.iter().map(text).collect(),
        Values::Reals(all) => all.iter().map(real).collect(),
        Values::Texts(all) => all.iter().map(|text| text.clone().unwrap_or_default()).collect(),
    }
}
/// The table that columns are, a line a row, the names first.
fn by_line(columns: &[Column]) -> String {
    let cells: Vec<Vec<String>> = columns.iter().map(cells).collect();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let line = |row: usize| cells.iter().map(|column| column[row].as_str()).collect::<Vec<_>>().join(",");
    let lines: Vec<String> = (0..cells[0].len()).map(line).collect();
    format!("{}\n{}\n", names.join(","), lines.join("\n"))
}

#[test]
fn columns_say_what_csv_says() {
    let plan = plan();
    let results = read(&bytes(&plan, None, 1));
    let rows = results.rows();
    let mut csv = Vec::new();
    let summed = summary::summary(&results.header, &rows, &[]);
    table::csv(&summed, 0.95, &mut csv).expect("memory takes it");
    assert_eq!(by_line(&columns::summary(&summed, 0.95)), String::from_utf8(csv).unwrap());

    let mut csv = Vec::new();
    table::runs(&results.header, &rows, &[], &mut csv).expect("memory takes it");
    // What stands in quotes in CSV for its commas does not here.
    assert_eq!(
        by_line(&columns::runs(&results.header, &rows, &[])),
        String::from_utf8(csv).unwrap().replace('"', "")
    );
}
