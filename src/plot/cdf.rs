//! How completion times are distributed.
#![expect(clippy::float_arithmetic, reason = "pictures of runs that are over")]

use std::collections::BTreeMap;

use sim::{Simulator, Spec, TraceLevel};

use super::chart::{Axis, Chart, Look, Series};
use crate::figures::unit;

/// Completion times in nanoseconds by the program that asked for them: transfers that programs tell apart, else whole
/// connections from connect(2) to the last byte.
pub fn times(spec: &Spec) -> BTreeMap<String, Vec<u64>> {
    let mut simulator = Simulator::new(spec, TraceLevel::Off).without_checks().with_figures();
    simulator.run();
    simulator.read_open_flows();
    let mut all: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let Some(log) = simulator.flows() else { return all };
    for transfer in log.transfers() {
        let took = transfer.ended.since(transfer.began).as_nanos();
        all.entry(log.flows()[transfer.flow as usize].program.to_string()).or_default().push(took);
    }
    for flow in log.flows().iter().filter(|flow| flow.transfers == 0) {
        if let Some(took) = flow.took().filter(|_| flow.up.read + flow.down.read > 0) {
            all.entry(flow.program.to_string()).or_default().push(took.as_nanos());
        }
    }
    all
}

/// The share of transfers that took no longer than a time, for each name.
pub fn chart(mut times: Vec<(String, Vec<u64>)>, title: &str) -> Chart {
    times.iter_mut().for_each(|(_, times)| times.sort_unstable());
    let most = times.iter().filter_map(|(_, times)| times.last()).max().copied().unwrap_or(0) as f64;
    let unit = unit::of("fct_ns", most);
    let series = times.iter().enumerate().map(|(i, (name, times))| {
        let count = times.len() as f64;
        let nanos = |n: u64| n as f64 / unit.divisor;
        // It rises at each time; equal times rise at once.
        let mut points: Vec<(f64, f64)> =
            times.first().map(|first| (nanos(*first), 0.0)).into_iter().collect();
        points.extend(times.iter().enumerate().map(|(n, time)| (nanos(*time), (n + 1) as f64 / count)));
        points.dedup_by(|b, a| {
            a.0 == b.0 && a.1 > 0.0 && {
                a.1 = b.1;
                true
            }
        });
        Series::new(format!("{name} (n = {})", times.len()), i, Look::Step, points)
    });
    let series: Vec<Series> = series.collect();
    let log = spread(&times) > 30.0;
    let range = (!log).then_some((0.0, (most / unit.divisor * 1.05).max(1e-9)));
    Chart {
        title: title.to_owned(),
        x: Axis { label: unit.label, log, range, ..Axis::default() },
        y: Axis { label: "share of transfers".to_owned(), range: Some((0.0, 1.0)), ..Axis::default() },
        series,
        ..Chart::default()
    }
}

/// How many times the longest is the shortest.
fn spread(times: &[(String, Vec<u64>)]) -> f64 {
    let shortest = times.iter().filter_map(|(_, times)| times.first()).min().copied().unwrap_or(1).max(1);
    let longest = times.iter().filter_map(|(_, times)| times.last()).max().copied().unwrap_or(1);
    longest as f64 / shortest as f64
}
