//! The time-sequence graph of a connection, as Stevens drew it and tcptrace does: what its sender sent, sent again and lost,
//! and what it was told about that.
#![expect(clippy::float_arithmetic, reason = "pictures of runs that are over")]

use std::collections::BTreeMap;

use sim::trace::Fate;
use sim::{Packet, PacketId, Simulator, Spec, TraceLevel, What};
use tcp::{Flags, SeqNum};

use super::chart::{Axis, Chart, Look, Series};
use super::flow::{Sender, senders};
use crate::figures::unit;

/// Records that are looked at and thrown away at a time.
const AT_A_TIME: usize = 10_000;
/// Segments that are drawn: a picture of more of them is a blot.
const MOST: usize = 20_000;

/// The time-sequence graph of a connection, or of the one that carried most, between two times in nanoseconds.
///
/// # Errors
/// If there is no such connection, in words.
pub fn chart(spec: &Spec, wanted: Option<usize>, between: (u64, u64), title: &str) -> Result<Chart, String> {
    let wanted: Vec<usize> = wanted.into_iter().collect();
    let senders = senders(spec, &wanted, 1)?;
    let Some(sender) = senders.into_iter().next() else { return Err("no connection was opened".to_owned()) };
    let mut simulator = Simulator::new(spec, TraceLevel::On).without_checks();
    let mut seen = Seen::new(sender, (between.0 as f64 / 1e9, between.1 as f64 / 1e9));
    while simulator.step() {
        if simulator.records().len() > AT_A_TIME {
            simulator
                .take_records()
                .iter()
                .for_each(|record| seen.take(record.time.as_nanos() as f64 / 1e9, &record.what));
        }
    }
    simulator
        .take_records()
        .iter()
        .for_each(|record| seen.take(record.time.as_nanos() as f64 / 1e9, &record.what));
    seen.chart(title)
}

/// What the sender has sent and heard.
struct Seen {
    sender: Sender,
    between: (f64, f64),
    /// Number of the first octet of data: what the handshake agreed on, and one.
    first: Option<SeqNum>,
    /// Highest octet sent so far, counted from the first.
    next: i64,
    scale: u32,
    sent: Vec<(f64, f64)>,
    again: Vec<(f64, f64)>,
    lost: Vec<(f64, f64)>,
    sacked: Vec<(f64, f64)>,
    acked: Vec<(f64, f64)>,
    window: Vec<(f64, f64)>,
    /// Where segments under way stand, in case they are lost.
    under_way: BTreeMap<PacketId, (f64, f64)>,
    left_out: usize,
}

impl Seen {
    fn new(sender: Sender, between: (f64, f64)) -> Seen {
        Seen {
            sender,
            between,
            first: None,
            next: 0,
            scale: 0,
            sent: Vec::new(),
            again: Vec::new(),
            lost: Vec::new(),
            sacked: Vec::new(),
            acked: Vec::new(),
            window: Vec::new(),
            under_way: BTreeMap::new(),
            left_out: 0,
        }
    }

    fn take(&mut self, now: f64, what: &What) {
        match what {
            What::Sent { node, packet, why: Some(_), .. } if *node == self.sender.node => {
                self.sent(now, packet)
            }
            What::Received { node, packet, .. } => {
                if *node == self.sender.node {
                    self.heard(now, packet);
                } else if *node == self.sender.peer {
                    self.under_way.remove(&packet.id);
                }
            }
            What::Fate { packet, fate, .. } if is_loss(*fate) => {
                if let Some(at) = self.under_way.remove(packet).filter(|at| self.shows(at.0)) {
                    self.lost.push(at);
                }
            }
            _ => {}
        }
    }

    fn shows(&self, now: f64) -> bool {
        self.between.0 <= now && now <= self.between.1
    }

    /// Octets from the first to `seq`, near where the sender is.
    fn place(&self, seq: SeqNum) -> Option<i64> {
        let here = self.first?.0.wrapping_add(self.next as u32);
        Some(self.next + i64::from(seq.0.wrapping_sub(here) as i32))
    }

    fn sent(&mut self, now: f64, packet: &Packet) {
        let Some(segment) = packet.tcp().filter(|_| packet.tuple() == Some(self.sender.tuple)) else {
            return;
        };
        if segment.has(Flags::SYN) {
            self.first = Some(SeqNum(segment.seq.0.wrapping_add(1)));
            self.next = 0;
        }
        let Some(start) = self.place(segment.seq).filter(|_| !segment.payload.is_empty()) else { return };
        let end = start + i64::from(segment.payload.len());
        let again = start < self.next;
        self.next = self.next.max(end);
        if !self.shows(now) {
            return;
        }
        let stroke = [(now, start as f64), (now, end as f64)];
        let strokes = if again { &mut self.again } else { &mut self.sent };
        if strokes.len() / 2 < MOST {
            strokes.extend(stroke);
        } else {
            self.left_out += 1;
        }
        self.under_way.insert(packet.id, (now, (start + end) as f64 / 2.0));
    }

    fn heard(&mut self, now: f64, packet: &Packet) {
        let Some(segment) = packet.tcp().filter(|_| packet.tuple() == Some(self.sender.tuple.reversed()))
        else {
            return;
        };
        if segment.has(Flags::SYN) {
            self.scale = u32::from(segment.options.wscale.unwrap_or(0));
        }
        let Some(ack) = self.place(segment.ack).filter(|_| segment.has(Flags::ACK) && self.shows(now)) else {
            return;
        };
        let scale = if segment.has(Flags::SYN) { 0 } else { self.scale };
        step(&mut self.acked, (now, ack.max(0) as f64));
        step(&mut self.window, (now, (ack + (i64::from(segment.wnd) << scale)) as f64));
        for (start, end) in segment.options.sack.as_slice() {
            let ends = self.place(*start).zip(self.place(*end));
            if let Some((start, end)) = ends.filter(|_| self.sacked.len() / 2 < MOST) {
                self.sacked.extend([(now, start as f64), (now, end as f64)]);
            }
        }
    }

    fn chart(self, title: &str) -> Result<Chart, String> {
        let all = [&self.sent, &self.again].into_iter().flatten();
        let (low, high) =
            all.clone().fold((f64::INFINITY, 0.0f64), |(low, high), (_, y)| (low.min(*y), high.max(*y)));
        let last = all.map(|(x, _)| *x).chain(self.acked.last().map(|(x, _)| *x)).fold(0.0, f64::max);
        if high <= 0.0 {
            return Err(format!("connection {} sent nothing then", self.sender.number));
        }
        let unit = unit::of("sequence_number_bytes", high);
        // A connection that begins late begins at the left.
        let first = self.sent.first().or(self.again.first()).map_or(0.0, |(x, _)| *x);
        let start = if first > last * 0.3 { first } else { self.between.0 };
        // The window's edge may lie far above: as much of it as is near.
        let top = self.window.iter().map(|(_, y)| *y).fold(high, f64::max).min(low + (high - low) * 1.25);
        let scaled = |points: Vec<(f64, f64)>| -> Vec<(f64, f64)> {
            points.into_iter().map(|(x, y)| (x, y.clamp(low, top) / unit.divisor)).collect()
        };
        let parts = [
            ("window's edge", 4, Look::Step, self.window),
            ("acknowledged", 2, Look::Step, self.acked),
            ("SACK blocks", 3, Look::Strokes, self.sacked),
            ("sent", 0, Look::Strokes, self.sent),
            ("sent again", 1, Look::Bars, self.again),
            ("lost", 6, Look::Crosses, self.lost),
        ];
        let series = parts.into_iter().filter(|(.., points)| !points.is_empty());
        let series = series
            .map(|(name, colour, look, points)| Series::new(name, colour, look, scaled(points)))
            .collect();
        let left_out = if self.left_out > 0 {
            format!("; {} segments are not drawn: --from, --to", self.left_out)
        } else {
            String::new()
        };
        Ok(Chart {
            title: title.to_owned(),
            subtitle: format!("connection {}{left_out}", self.sender.name),
            x: Axis { label: "time (s)".to_owned(), range: Some((start, last)), ..Axis::default() },
            y: Axis {
                label: unit.label,
                range: Some((low / unit.divisor, top / unit.divisor)),
                ..Axis::default()
            },
            series,
            ..Chart::default()
        })
    }
}

/// Adds a point where a value changes.
fn step(points: &mut Vec<(f64, f64)>, point: (f64, f64)) {
    if points.last().is_none_or(|last| last.1 != point.1) {
        points.push(point);
    }
}

fn is_loss(fate: Fate) -> bool {
    matches!(
        fate,
        Fate::Lost
            | Fate::DroppedByRule(_)
            | Fate::QueueFull
            | Fate::DroppedEarly
            | Fate::LinkDown
            | Fate::TooBig
    )
}
