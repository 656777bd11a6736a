//! The ladder among more than two hosts: a column each, and every packet where it was sent.

use std::io::{self, Write};

use sim::trace::{NodeId, What};

use super::arrow::{self, Shape};
use crate::view::paint::{self, DIM, PLAIN, RED, YELLOW, paint};
use crate::view::story::{Journey, Story};
use crate::view::{Show, words};

/// Writes the view for these hosts, of `all` that there are.
pub fn write(
    story: &Story<'_>,
    show: Show,
    hosts: &[NodeId],
    all: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let last = story.records.last().map_or(tcp::Time::ZERO, |record| record.time);
    let time = words::clock(last).len().max(10);
    let gap = (show.width.saturating_sub(time + 18) / hosts.len().max(1)).clamp(16, 48);
    let mut page = Page { story, hosts, time, gap, out };
    if all > hosts.len() {
        writeln!(page.out, "The first {} of {all} hosts; --host NAME shows one and its peers.", hosts.len())?;
    }
    page.head()?;
    for (index, record) in story.records.iter().enumerate() {
        match &record.what {
            What::Sent { node, packet, .. } if story.is_origin(index, *node, packet) => {
                if let Some(journey) = story.journey(packet.id) {
                    page.packet(record.time, journey)?;
                }
            }
            What::State { node, tuple, to, .. } => {
                let port = story.port_of(tuple.local.port(), tuple.remote.port());
                let text = port.map_or_else(|| to.to_string(), |port| format!("{port} {to}"));
                page.mark(record.time, *node, &text)?;
            }
            What::Fault { text } => {
                let line = format!("{:>width$}  ┄┄ {text} ┄┄", words::clock(record.time), width = time);
                writeln!(page.out, "{}", paint(YELLOW, line))?;
            }
            _ => {}
        }
    }
    Ok(())
}

struct Page<'a, 'b> {
    story: &'a Story<'a>,
    hosts: &'b [NodeId],
    time: usize,
    gap: usize,
    out: &'b mut dyn Write,
}

impl Page<'_, '_> {
    fn head(&mut self) -> io::Result<()> {
        write!(self.out, "{:width$}  ", "", width = self.time)?;
        for host in self.hosts {
            let name = arrow::cut(self.story.names.node(*host), self.gap - 1);
            write!(
                self.out,
                "{}",
                paint(paint::host(*host).bold(), format_args!("{name:<gap$}", gap = self.gap))
            )?;
        }
        writeln!(self.out)
    }

    fn column(&self, host: Option<NodeId>) -> Option<usize> {
        self.hosts.iter().position(|other| Some(*other) == host)
    }

    /// A row with one arrow.
    fn packet(&mut self, time: tcp::Time, journey: &Journey<'_>) -> io::Result<()> {
        let to = self.column(self.story.names.owner(journey.packet.ip.dst));
        let from = self.column(Some(journey.origin));
        let mut label = words::brief(journey.packet, journey.relative.as_ref());
        if let Some(port) = self.story.port(journey.packet) {
            label = format!("{port} {label}");
        }
        // A packet from or to somebody without a column comes from, or goes to, the left of its other end.
        let (from, to, label) = match (from, to) {
            (Some(from), Some(to)) if from != to => (from, to, label),
            (None, Some(to)) => {
                return self.mark(
                    time,
                    self.hosts[to],
                    &format!("< {}: {label}", self.story.names.node(journey.origin)),
                );
            }
            (Some(from), _) => {
                return self.mark(time, self.hosts[from], &format!("> {}: {label}", journey.packet.ip.dst));
            }
            (None, None) => return Ok(()),
        };
        let (left, right) = (from.min(to), from.max(to));
        let width = (right - left) * self.gap - 1;
        let shape = if journey.is_lost() { Shape::Lost } else { Shape::Whole };
        let style = if journey.is_lost() { RED } else { PLAIN };
        write!(self.out, "{:>width$}  ", words::clock(time), width = self.time)?;
        for i in 0..self.hosts.len() {
            write!(self.out, "{}", paint(DIM, "│"))?;
            if i == left {
                write!(self.out, "{}", paint(style, arrow::draw(shape, from < to, &label, width)))?;
            } else if (i < left || i >= right) && i + 1 < self.hosts.len() {
                write!(self.out, "{:gap$}", "", gap = self.gap - 1)?;
            }
            // Lifelines under a long arrow are hidden by it.
            if i == left && right < self.hosts.len() {
                self.rest(right)?;
                break;
            }
        }
        let fates: Vec<String> = journey.fates.iter().map(|(_, _, fate)| words::fate(*fate)).collect();
        if !fates.is_empty() {
            write!(self.out, "  {}", paint(YELLOW, fates.join(", ")))?;
        }
        writeln!(self.out)
    }

    /// The lifelines from column `from` on.
    fn rest(&mut self, from: usize) -> io::Result<()> {
        for i in from..self.hosts.len() {
            write!(self.out, "{}", paint(DIM, "│"))?;
            if i + 1 < self.hosts.len() {
                write!(self.out, "{:gap$}", "", gap = self.gap - 1)?;
            }
        }
        Ok(())
    }

    /// A row with a word beside a host's lifeline.
    fn mark(&mut self, time: tcp::Time, host: NodeId, text: &str) -> io::Result<()> {
        let Some(column) = self.column(Some(host)) else { return Ok(()) };
        write!(self.out, "{:>width$}  ", words::clock(time), width = self.time)?;
        for i in 0..=column {
            if i < column {
                write!(self.out, "{}{:gap$}", paint(DIM, "│"), "", gap = self.gap - 1)?;
            }
        }
        let last = column + 1 == self.hosts.len();
        let text = if last { text.to_owned() } else { arrow::cut(text, self.gap - 2) };
        let room = if last { 0 } else { self.gap - 1 };
        write!(self.out, "{}{}", paint(DIM, "│"), paint(paint::host(host), format_args!("{text:<room$}")))?;
        if !last {
            self.rest(column + 1)?;
        }
        writeln!(self.out)
    }
}
