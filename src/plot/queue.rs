//! A queue over time: how long it is, what it drops and marks, and how long a packet that arrives would wait.
#![expect(clippy::float_arithmetic, reason = "pictures of runs that are over")]

use sim::{PipeId, Simulator, Spec, TraceLevel};
use tcp::Time;

use super::chart::{Axis, Chart, Look, Series};
use crate::figures::unit;

/// Two charts of the queue into this direction of a link, or into the busiest: its length, and the delay it makes.
///
/// # Errors
/// If there is no such link, or no queue anywhere, in words.
pub fn charts(
    spec: &Spec,
    link: Option<&str>,
    from: Option<&str>,
    title: &str,
) -> Result<[Chart; 2], String> {
    let pipe = pick(spec, link, from)?;
    let mut simulator = Simulator::new(spec, TraceLevel::Off).without_checks();
    let mut seen = Seen::default();
    while simulator.step() {
        seen.look(&simulator, pipe);
    }
    let (names, rate) = (simulator.names(), simulator.way(pipe).sustained_bps());
    let (a, b) = names.ends(pipe);
    let where_ = format!("{} → {}, link {}", names.node(a), names.node(b), names.link(pipe));
    let limit = match simulator.way(pipe).limit {
        sim::spec::Limit::Packets(most) => Some(f64::from(most)),
        _ => None,
    };
    Ok(seen.charts(title, &where_, rate, limit, seconds(simulator.now())))
}

fn seconds(time: Time) -> f64 {
    time.as_nanos() as f64 / 1e9
}

/// The direction of a link that is meant; or the one that dropped most, else the one in front of which packets waited longest.
fn pick(spec: &Spec, link: Option<&str>, from: Option<&str>) -> Result<PipeId, String> {
    let mut simulator = Simulator::new(spec, TraceLevel::Off).without_checks();
    simulator.run();
    let names = simulator.names();
    let known: Vec<String> = spec.links.keys().cloned().collect();
    if let Some(wrong) = link.filter(|link| !known.iter().any(|name| name == link)) {
        let help = crate::scenario::error::suggest(wrong, known.iter().map(String::as_str), "links");
        return Err(format!("no link is named `{wrong}`; {}", help.unwrap_or_default()));
    }
    let pipes = (0..names.pipes()).map(PipeId);
    let fits = |pipe: &PipeId| {
        link.is_none_or(|link| **names.link(*pipe) == *link)
            && from.is_none_or(|from| **names.node(names.ends(*pipe).0) == *from)
    };
    let busy = |pipe: PipeId| {
        let counters = simulator.pipe_counters(pipe);
        (counters.queue_full + counters.early, counters.waited, std::cmp::Reverse(pipe))
    };
    let best = pipes
        .filter(fits)
        .filter(|pipe| simulator.way(*pipe).sustained_bps() > 0)
        .max_by_key(|pipe| busy(*pipe));
    best.ok_or_else(|| match from {
        Some(from) => format!("no queue begins at `{from}`: no such end, or the link has no rate"),
        None => "there is no queue: the link has no rate".to_owned(),
    })
}

/// What was seen of a queue.
#[derive(Default)]
struct Seen {
    packets: Vec<(f64, f64)>,
    bytes: Vec<(f64, f64)>,
    dropped: Vec<(f64, f64)>,
    marked: Vec<(f64, f64)>,
    last: (u64, u64),
}

impl Seen {
    fn look(&mut self, simulator: &Simulator, pipe: PipeId) {
        let now = seconds(simulator.now());
        let (packets, bytes) = simulator.backlog_at(pipe, simulator.now());
        let note = |points: &mut Vec<(f64, f64)>, value: f64| {
            if points.last().is_none_or(|(_, last)| *last != value) {
                points.push((now, value));
            }
        };
        note(&mut self.packets, packets as f64);
        note(&mut self.bytes, bytes as f64);
        let counters = simulator.pipe_counters(pipe);
        let (dropped, marked) = (counters.queue_full + counters.early, counters.marked);
        if dropped > self.last.0 {
            self.dropped.push((now, packets as f64));
        }
        if marked > self.last.1 {
            self.marked.push((now, packets as f64));
        }
        self.last = (dropped, marked);
    }

    fn charts(mut self, title: &str, place: &str, rate_bps: u64, limit: Option<f64>, end: f64) -> [Chart; 2] {
        // A run may go on for long after its last packet: time waits, timers.
        let busy = [&self.packets, &self.dropped]
            .iter()
            .filter_map(|points| points.last())
            .map(|(x, _)| *x)
            .fold(0.0, f64::max);
        let end = if busy > 0.0 { busy.min(end) } else { end };
        let x = |label: &str| Axis { label: label.to_owned(), range: Some((0.0, end)), ..Axis::default() };
        let most = self.packets.iter().map(|(_, y)| *y).fold(0.0, f64::max);
        let mut series = vec![Series::new("packets that wait", 0, Look::Step, self.packets)];
        if let Some(limit) = limit.filter(|limit| *limit <= most * 2.0) {
            series.push(Series::new("limit", 6, Look::DashedStep, vec![(0.0, limit), (end, limit)]));
        }
        thin(&mut self.dropped, end);
        thin(&mut self.marked, end);
        for (name, colour, points) in [("dropped", 1, self.dropped), ("marked (ECN)", 2, self.marked)] {
            if !points.is_empty() {
                series.push(Series::new(name, colour, Look::Crosses, points));
            }
        }
        let length = Chart {
            title: title.to_owned(),
            subtitle: place.to_owned(),
            x: x(""),
            y: Axis { label: "queue (packets)".to_owned(), ..Axis::default() },
            series,
            ..Chart::default()
        };
        let delay: Vec<(f64, f64)> =
            self.bytes.into_iter().map(|(x, bytes)| (x, bytes * 8e9 / rate_bps.max(1) as f64)).collect();
        let unit = unit::time("delay", delay.iter().map(|(_, y)| *y).fold(0.0, f64::max));
        let delay = delay.into_iter().map(|(x, y)| (x, y / unit.divisor)).collect();
        let wait = Chart {
            x: x("time (s)"),
            y: Axis { label: unit.label, ..Axis::default() },
            series: vec![Series::new("backlog / rate", 3, Look::Step, delay)],
            ..Chart::default()
        };
        [length, wait]
    }
}

/// Marks that lie on one another are drawn once.
fn thin(points: &mut Vec<(f64, f64)>, end: f64) {
    let cell = |(x, y): (f64, f64)| ((x / end * 400.0) as u64, y as u64);
    points.dedup_by_key(|point| cell(*point));
}
