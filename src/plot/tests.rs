//! What is drawn is what happened, and the same data make the same bytes.

use std::collections::BTreeMap;

use super::chart::{Chart, Look, Series};
use super::{cdf, cwnd, queue, sequence, svg, sweep};
use crate::scenario::Scenario;
use crate::sweep::store::{AxisOf, FORMAT, Header, Row};

/// A transfer through a short queue, which drops some of it.
fn lossy() -> Scenario {
    let text = r#"(
        hosts: { "a": (), "b": (), "c": () },
        links: [
            (between: ("a", "c"), rate: "10Mbit", delay: "10ms", limit: Packets(12)),
            (between: ("b", "c"), delay: "1ms"),
        ],
        programs: [
            (on: "c", run: Sink(port: 80)),
            (on: "a", run: BulkSender(to: "c:80", bytes: "500kB")),
            (on: "b", run: BulkSender(to: "c:80", bytes: "10kB")),
        ],
    )"#;
    Scenario::parse("lossy.ron", text).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn series<'a>(chart: &'a Chart, name: &str) -> &'a Series {
    let names = || chart.series.iter().map(|series| series.name.as_str()).collect::<Vec<_>>();
    chart
        .series
        .iter()
        .find(|series| series.name == name)
        .unwrap_or_else(|| panic!("no `{name}` in {:?}", names()))
}

/// A counter of a host, and what a direction of the first link dropped.
fn counted(scenario: &Scenario, name: &str) -> (u64, u64) {
    let mut simulator = sim::Simulator::new(scenario.spec(), sim::TraceLevel::Off);
    simulator.run();
    let counters = simulator.counters(sim::NodeId(0)).expect("a host");
    (counters.get(name).expect("a counter"), simulator.pipe_counters(sim::PipeId(0)).queue_full)
}

#[test]
fn a_time_sequence_graph_shows_every_segment() {
    let scenario = lossy();
    let chart =
        sequence::chart(scenario.spec(), None, (0, u64::MAX), "t").unwrap_or_else(|why| panic!("{why}"));
    let (again, dropped) = counted(&scenario, "TcpRetransSegs");
    assert!(again > 0 && dropped > 0);
    assert_eq!(series(&chart, "sent again").points.len() as u64, 2 * again);
    assert_eq!(series(&chart, "lost").points.len() as u64, dropped);
    let sent = &series(&chart, "sent").points;
    assert_eq!((sent[0].1, sent.last().expect("an end").1), (0.0, 500.0), "from nothing to 500 kB");
    assert!(sent.chunks(2).all(|ends| ends[0].0 == ends[1].0 && ends[0].1 < ends[1].1));
    assert_eq!(series(&chart, "acknowledged").points.last().expect("an end").1, 500.001, "and the FIN");
    assert!(!series(&chart, "SACK blocks").points.is_empty());

    let part = sequence::chart(scenario.spec(), Some(0), (0, 100_000_000), "t")
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(part.series.iter().all(|series| series.points.iter().all(|(x, _)| *x <= 0.1)));
    let wrong = sequence::chart(scenario.spec(), Some(2), (0, 1), "t").expect_err("two connections");
    assert_eq!(wrong, "there is no connection 2: there are 2, from 0");
}

#[test]
fn a_window_is_what_ss_shows() {
    let scenario = lossy();
    let chart = cwnd::chart(scenario.spec(), &[0], "t").unwrap_or_else(|why| panic!("{why}"));
    let (again, _) = counted(&scenario, "TcpRetransSegs");
    assert!(series(&chart, "sent again").points.len() as u64 <= again);
    let line = &chart.series[0];
    assert_eq!(line.look, Look::Step);
    // At any time, the value of the last point before it.
    for millis in [30, 100, 200, 400] {
        let mut simulator = sim::Simulator::new(scenario.spec(), sim::TraceLevel::Off);
        simulator.run_until(tcp::Time::ZERO + tcp::Duration::from_millis(millis));
        let row =
            simulator.sockets(sim::NodeId(0)).into_iter().find_map(|row| row.tcp).expect("a connection");
        let time = millis as f64 / 1e3;
        let drawn = line.points.iter().rev().find(|(x, _)| *x <= time).map(|(_, y)| *y);
        assert_eq!(drawn, Some(f64::from(row.cwnd)), "at {millis} ms");
    }
    let both = cwnd::chart(scenario.spec(), &[], "t").unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(both.series.len(), 2, "a line for each connection, and nothing else");
}

#[test]
fn a_queue_is_what_it_was() {
    let scenario = lossy();
    let (_, dropped) = counted(&scenario, "TcpRetransSegs");
    let [length, delay] =
        queue::charts(scenario.spec(), None, None, "t").unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(length.subtitle, "a → c, link a-c", "the one that drops");
    let most = |series: &Series| series.points.iter().map(|(_, y)| *y).fold(0.0, f64::max);
    assert_eq!(most(series(&length, "packets that wait")), 12.0);
    let crosses = series(&length, "dropped").points.len() as u64;
    assert!(0 < crosses && crosses <= dropped, "{crosses} of {dropped}");
    // Twelve packets of 1,500 bytes at 10 Mbit/s.
    assert!((most(&delay.series[0]) - 14.4).abs() < 0.1, "{}", most(&delay.series[0]));
    assert_eq!(delay.y.label, "delay (ms)");
    let wrong = queue::charts(scenario.spec(), Some("a-d"), None, "t").expect_err("no such link");
    assert_eq!(wrong, "no link is named `a-d`; did you mean `a-c`?");
    let wrong = queue::charts(scenario.spec(), Some("b-c"), None, "t").expect_err("it has no rate");
    assert_eq!(wrong, "there is no queue: the link has no rate");
}

#[test]
fn a_distribution_ends_at_one() {
    let times = cdf::times(lossy().spec());
    assert_eq!(times.values().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
    let chart = cdf::chart(vec![("x".to_owned(), vec![4_000_000, 1_000_000, 4_000_000, 2_000_000])], "t");
    assert_eq!(chart.series[0].points, [(1.0, 0.0), (1.0, 0.25), (2.0, 0.5), (4.0, 1.0)]);
    assert_eq!(
        (chart.series[0].name.as_str(), chart.x.label.as_str()),
        ("x (n = 4)", "completion time (ms)")
    );
}

/// Results of a sweep over loss and controllers, two seeds each.
fn results() -> (Header, Vec<Row>) {
    let axis = |name: &str, labels: &[&str]| AxisOf {
        name: name.to_owned(),
        set: vec!["links.0.loss".to_owned()],
        values: labels.iter().map(|label| (*label).to_owned()).collect(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        with: None,
    };
    let header = Header {
        sweep: String::new(),
        version: String::new(),
        format: FORMAT,
        scenario: None,
        cells: 4,
        seeds: 2,
        runs: 8,
        axes: vec![axis("loss", &["0%", "1%"]), axis("congestion", &["Cubic", "Reno"])],
        figures: vec!["goodput_bps".to_owned()],
        shard: None,
    };
    let row = |number: u64| {
        let cell = (number - 1) / 2;
        let pick = |axis: usize, value: u64| {
            (header.axes[axis].name.clone(), header.axes[axis].labels[value as usize].clone())
        };
        Row {
            run: number,
            axes: BTreeMap::from([pick(0, cell / 2), pick(1, cell % 2)]),
            seed: number % 2,
            trace: String::new(),
            failed: None,
            figures: BTreeMap::from([("goodput_bps".to_owned(), number * 1_000_000)]),
            args: String::new(),
        }
    };
    let rows = (1..=8).map(row).collect();
    (header, rows)
}

#[test]
fn a_sweep_is_drawn_with_its_means_and_intervals() {
    let (header, rows) = results();
    let choice = sweep::Choice { figure: "goodput_bps".to_owned(), confidence: 0.95, ..Default::default() };
    let charts = sweep::charts(&header, &rows, &choice, "t").unwrap_or_else(|why| panic!("{why}"));
    let [chart] = charts.as_slice() else { panic!("one chart") };
    assert_eq!(
        (chart.y.label.as_str(), &chart.x.categories),
        ("goodput (Mbit/s)", &vec!["0%".to_owned(), "1%".to_owned()])
    );
    let means = |name: &str| series(chart, name).points.iter().map(|(_, y)| *y).collect::<Vec<_>>();
    assert_eq!((means("Cubic"), means("Reno")), (vec![1.5, 5.5], vec![3.5, 7.5]));
    // 12.706 (one degree of freedom) times 0.7071 by the root of 2.
    assert!(chart.series.iter().flat_map(|series| &series.errors).all(|error| (error - 6.353).abs() < 0.001));

    let other = sweep::Choice {
        x: Some("congestion".to_owned()),
        at: vec![("loss".to_owned(), "1%".to_owned())],
        ..choice.clone()
    };
    let charts = sweep::charts(&header, &rows, &other, "t").unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(charts[0].series[0].points.iter().map(|(_, y)| *y).collect::<Vec<_>>(), [5.5, 7.5]);
    let said =
        |choice: sweep::Choice| sweep::charts(&header, &rows, &choice, "t").map(drop).expect_err("refused");
    assert!(
        said(sweep::Choice { figure: "goodput".to_owned(), ..choice.clone() })
            .contains("no figure is named `goodput`")
    );
    assert!(
        said(sweep::Choice { by: Some("los".to_owned()), ..choice.clone() })
            .ends_with("did you mean `loss`?")
    );
    let value = vec![("loss".to_owned(), "2%".to_owned())];
    assert!(said(sweep::Choice { at: value, ..choice }).contains("`2%` is no value of `loss`"));
}

#[test]
fn the_same_data_make_the_same_bytes() {
    let scenario = lossy();
    let (header, rows) = results();
    let choice = sweep::Choice { figure: "goodput_bps".to_owned(), confidence: 0.95, ..Default::default() };
    let all = || {
        let spec = scenario.spec();
        let queue = queue::charts(spec, None, None, "a < b & c").unwrap_or_else(|why| panic!("{why}"));
        let one = [
            cwnd::chart(spec, &[], "t").unwrap_or_else(|why| panic!("{why}")),
            sequence::chart(spec, None, (0, u64::MAX), "t").unwrap_or_else(|why| panic!("{why}")),
            sweep::charts(&header, &rows, &choice, "t").unwrap_or_else(|why| panic!("{why}")).remove(0),
        ];
        let mut all = vec![svg(&queue, 900.0, 300.0)];
        all.extend(one.iter().map(|chart| svg(std::slice::from_ref(chart), 900.0, 400.0)));
        all
    };
    let (once, again) = (all(), all());
    for (a, b) in once.iter().zip(&again) {
        assert!(a == b, "differs");
        assert!(a.starts_with("<svg") && a.trim_end().ends_with("</svg>"));
        assert!(!a.contains("NaN") && !a.contains("inf"));
    }
    assert!(once[0].contains("a &lt; b &amp; c") && once[0].contains("queue (packets)"));
    assert!(once[3].contains("goodput (Mbit/s)") && once[3].contains("Cubic"));
}
