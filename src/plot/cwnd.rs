//! Congestion windows over time.
#![expect(clippy::float_arithmetic, reason = "pictures of runs that are over")]

use sim::{Simulator, Spec, TraceLevel};

use super::chart::{Axis, Chart, Look, Series};
use super::flow::{Sender, senders};

/// Connections that are drawn if nobody says which.
const MOST: usize = 6;

/// The congestion windows of these connections, or of those that carried most, as `ss` would show them after every event; of
/// a single one its slow start threshold and what was sent again, too.
///
/// # Errors
/// If there is no such connection, in words.
pub fn chart(spec: &Spec, wanted: &[usize], title: &str) -> Result<Chart, String> {
    let senders = senders(spec, wanted, MOST)?;
    let mut simulator = Simulator::new(spec, TraceLevel::Off).without_checks();
    let mut lines = vec![Line::default(); senders.len()];
    while simulator.step() {
        senders.iter().zip(&mut lines).for_each(|(sender, line)| line.look(&simulator, sender));
    }
    let alone = senders.len() == 1;
    let series = senders.iter().zip(lines.iter().cloned()).enumerate();
    let series = series.flat_map(|(i, (sender, line))| line.series(i, &sender.name, alone)).collect();
    let end = lines.iter().filter_map(|line| line.cwnd.last()).map(|(x, _)| *x).fold(0.0, f64::max);
    Ok(Chart {
        title: title.to_owned(),
        x: Axis { label: "time (s)".to_owned(), range: Some((0.0, end.max(1e-9))), ..Axis::default() },
        y: Axis { label: "congestion window (segments)".to_owned(), ..Axis::default() },
        series,
        ..Chart::default()
    })
}

/// What is known of one connection.
#[derive(Clone, Debug, Default)]
struct Line {
    cwnd: Vec<(f64, f64)>,
    ssthresh: Vec<(f64, f64)>,
    again: Vec<(f64, f64)>,
    retransmitted: u32,
}

impl Line {
    fn look(&mut self, simulator: &Simulator, sender: &Sender) {
        let Some(info) = simulator.info(sender.node, &sender.tuple) else { return };
        // A listener's record of a connection that is opening has no window yet, and one that waits has none left.
        if info.cwnd == 0 {
            return;
        }
        let now = simulator.now().as_nanos() as f64 / 1e9;
        let cwnd = f64::from(info.cwnd);
        step(&mut self.cwnd, (now, cwnd));
        if let Some(ssthresh) = info.ssthresh {
            step(&mut self.ssthresh, (now, f64::from(ssthresh)));
        }
        if info.retransmitted > self.retransmitted {
            self.retransmitted = info.retransmitted;
            self.again.push((now, cwnd));
        }
    }
    fn series(self, colour: usize, name: &str, alone: bool) -> Vec<Series> {
        let mut series = vec![Series::new(name, colour, Look::Step, self.cwnd)];
        let rest = [
            ("slow start threshold", 2, Look::DashedStep, self.ssthresh),
            ("sent again", 1, Look::Crosses, self.again),
        ];
        let rest = rest.into_iter().filter(|(.., points)| alone && !points.is_empty());
        series.extend(rest.map(|(name, colour, look, points)| Series::new(name, colour, look, points)));
        series
    }
}

/// Adds a point where a value changes, and moves the last one along where it does not.
fn step(points: &mut Vec<(f64, f64)>, point: (f64, f64)) {
    match points.as_mut_slice() {
        [.., before, last] if before.1 == point.1 && last.1 == point.1 => last.0 = point.0,
        _ => points.push(point),
    }
}
