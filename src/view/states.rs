//! Both ends of each connection side by side: when each changed its state, and why.

use std::collections::BTreeMap;
use std::io::{self, Write};

use sim::trace::{Cause, NodeId, What};
use tcp::{State, Time, Tuple};

use crate::view::paint::{self, BOLD, DIM, paint};
use crate::view::{Show, Story, words};

/// Columns of a state or a transition: the longest is `SYN-RECEIVED → ESTABLISHED`.
const CELL: usize = 27;

/// A transition of one end.
struct Step {
    time: Time,
    node: NodeId,
    tuple: Tuple,
    from: State,
    to: State,
    why: Cause,
}

/// Writes the view.
pub fn write(story: &Story<'_>, show: Show, out: &mut dyn Write) -> io::Result<()> {
    let mut first = true;
    for steps in connections(story, show) {
        if !first {
            writeln!(out)?;
        }
        first = false;
        connection(story, &steps, out)?;
    }
    Ok(())
}

/// The transitions of each connection, in the order in which the connections began. Listeners, which have no other
/// end, come by themselves.
fn connections(story: &Story<'_>, show: Show) -> Vec<Vec<Step>> {
    let mut order: BTreeMap<Tuple, usize> = BTreeMap::new();
    let mut all: Vec<Vec<Step>> = Vec::new();
    for record in story.records {
        let What::State { node, tuple, from, to, why } = record.what else { continue };
        let key = tuple.min(tuple.reversed());
        let index = *order.entry(key).or_insert_with(|| {
            all.push(Vec::new());
            all.len() - 1
        });
        all[index].push(Step { time: record.time, node, tuple, from, to, why });
    }
    all.retain(|steps| show.host.is_none_or(|host| steps.iter().any(|step| step.node == host)));
    all
}

fn connection(story: &Story<'_>, steps: &[Step], out: &mut dyn Write) -> io::Result<()> {
    let Some(first) = steps.first() else { return Ok(()) };
    // The end that opened first stands on the left. An end that never changed its state is known by its address.
    let opener = steps.iter().find(|step| step.to == State::SynSent).unwrap_or(first);
    let (left, right) = (opener.tuple.local, opener.tuple.remote);
    let name = |end: std::net::SocketAddr| match (end.ip().is_unspecified(), end.port()) {
        (true, 0) => String::new(),
        (true, port) => format!("{} *:{port}", story.names.node(first.node)),
        _ => format!("{} {end}", story.names.at(end.ip())),
    };
    let color = |end: std::net::SocketAddr| story.names.owner(end.ip()).map_or(paint::PLAIN, paint::host);
    let width = steps.last().map_or(10, |step| words::clock(step.time).len().max(10));
    let cell = CELL.max(name(left).chars().count());
    write!(out, "{:width$}  ", "")?;
    match name(right) {
        // A listener has no other end.
        right if right.is_empty() => writeln!(out, "{}", paint(color(left).bold(), name(left)))?,
        name_right => writeln!(
            out,
            "{}  {}",
            paint(color(left).bold(), format_args!("{:<cell$}", name(left))),
            paint(color(right).bold(), name_right),
        )?,
    }
    for step in steps {
        let on_left = step.tuple.local == left;
        let change = format!("{} → {}", step.from, step.to);
        write!(out, "{:>width$}  ", words::clock(step.time))?;
        if on_left {
            let style = color(left);
            write!(out, "{}  {:CELL$}", paint(style, format_args!("{change:<cell$}")), "")?;
        } else {
            let style = color(right);
            write!(out, "{:cell$}  {}", "", paint(style, format_args!("{change:<CELL$}")))?;
        }
        writeln!(out, "  {}", paint(DIM, words::source(step.why.rule)))?;
    }
    let ends = [left, right].map(|end| {
        let last = steps.iter().rev().find(|step| step.tuple.local == end);
        last.map_or_else(|| "-".to_owned(), |step| step.to.to_string())
    });
    let end = format!("{:>width$}  {:<cell$}  {}", "at the end", ends[0], ends[1]);
    writeln!(out, "{}", paint(BOLD, end.trim_end()))
}
