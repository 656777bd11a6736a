//! Figures for people: aligned tables, with units that suit the values.

use std::io::{self, Write};

use super::record::Percentiles;
use super::{Figures, Queue};
use crate::view::paint::{BOLD, DIM, RED, paint};

/// Rows of connections that are shown; the others are in the files.
const MOST_FLOWS: usize = 20;
/// Rows of queues that are shown, those that waited longest first.
const MOST_QUEUES: usize = 10;

/// The figures of a run.
///
/// # Errors
/// Those of writing.
pub fn write(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    totals(figures, out)?;
    spreads(figures, out)?;
    programs(figures, out)?;
    queues(figures, out)?;
    flows(figures, out)?;
    for wrong in &figures.wrong {
        writeln!(out, "{}", paint(RED.bold(), wrong))?;
    }
    Ok(())
}

fn totals(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    let (run, total) = (&figures.run, &figures.total);
    let measured = run.to_ns - run.from_ns;
    let mut facts = vec![
        ("measured", format!("{} of {}", time(measured), time(run.end_ns))),
        ("connections", {
            let counts =
                [(total.complete, "complete"), (total.failed, "failed"), (total.open, "open at the end")];
            let counts = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
            let opened = format!("{}: {}", total.flows, counts.collect::<Vec<_>>().join(", "));
            let opened = opened.trim_end_matches(": ");
            match total.unopened {
                0 => opened.to_owned(),
                never => format!("{opened}; {never} never opened (no port left, or no way there)"),
            }
        }),
        ("goodput", format!("{} ({} read)", rate(total.goodput_bps), bytes(total.read_bytes))),
    ];
    if total.flows > 1 {
        facts.push(("fairness", format!("{} (Jain)", decimal(total.fairness_ppm, 1_000_000, 3))));
    }
    let again = u128::from(total.retransmitted) * 1_000_000 / u128::from(total.segments.max(1));
    facts.push((
        "segments",
        format!(
            "{} sent, {} again ({} %)",
            total.segments,
            total.retransmitted,
            decimal(again as u64, 10_000, 2)
        ),
    ));
    facts.push((
        "packets",
        format!(
            "{} found no room, {} dropped early, {} marked, {} lost on links",
            total.queue_full, total.early, total.marked, total.lost
        ),
    ));
    for (name, value) in facts {
        writeln!(out, "{:<12} {value}", paint(BOLD, format_args!("{name:<12}")))?;
    }
    Ok(())
}

fn spreads(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    let total = &figures.total;
    let mut rows = vec![head("", &["n", "mean", "p50", "p90", "p99", "max"])];
    let mut add = |name: String, spread: &Percentiles, show: fn(u64) -> String| {
        if spread.count > 0 {
            let values = [spread.mean, spread.p50, spread.p90, spread.p99, spread.max].map(show);
            rows.push([vec![name, spread.count.to_string()], values.to_vec()].concat());
        }
    };
    add("handshake".to_owned(), &total.handshake_ns, time);
    add("round trip".to_owned(), &total.rtt_ns, time);
    add("completion".to_owned(), &total.fct_ns, time);
    for class in figures.classes.iter().filter(|_| figures.classes.len() > 1) {
        add(format!("  {}", size(class.above_bytes, class.upto_bytes)), &class.fct_ns, time);
    }
    add("slowdown".to_owned(), &total.slowdown_milli, |milli| decimal(milli, 1000, 2));
    for class in figures.classes.iter().filter(|_| figures.classes.len() > 1) {
        let name = format!("  {}", size(class.above_bytes, class.upto_bytes));
        add(name, &class.slowdown_milli, |milli| decimal(milli, 1000, 2));
    }
    aligned(&rows, out)
}

/// A class of size in words.
fn size(above: u64, upto: Option<u64>) -> String {
    match upto {
        Some(upto) => format!("up to {}", bytes(upto)),
        None => format!("above {}", bytes(above)),
    }
}

fn programs(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    if figures.programs.len() < 2 {
        return Ok(());
    }
    let refused = figures.programs.iter().any(|program| program.unopened > 0);
    let with = |column: &'static str| refused.then_some(column);
    let columns = [Some("flows"), Some("failed"), with("unopened"), Some("goodput"), Some("fairness")];
    let columns = columns.into_iter().chain([Some("again"), Some("median completion")]).flatten();
    let mut rows = vec![head("program", &columns.collect::<Vec<_>>())];
    for program in figures.programs.iter().take(MOST_FLOWS) {
        let median = if program.fct_ns.count > 0 { time(program.fct_ns.p50) } else { "-".to_owned() };
        let mut row = vec![program.program.clone(), program.flows.to_string(), program.failed.to_string()];
        row.extend(refused.then(|| program.unopened.to_string()));
        row.extend([rate(program.goodput_bps), decimal(program.fairness_ppm, 1_000_000, 3)]);
        row.extend([program.retransmitted.to_string(), median]);
        rows.push(row);
    }
    aligned(&rows, out)?;
    more(figures.programs.len(), MOST_FLOWS, "programs", out)
}

fn queues(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    let mut by_wait: Vec<&Queue> = figures.queues.iter().collect();
    by_wait.sort_by_key(|queue| std::cmp::Reverse(queue.wait_ns.mean));
    if by_wait.is_empty() {
        return Ok(());
    }
    let columns = ["rate", "use", "packets", "length", "wait", "p99 wait", "full", "early", "marked", "lost"];
    let mut rows = vec![head("link", &columns)];
    for queue in by_wait.iter().take(MOST_QUEUES) {
        rows.push(vec![
            format!("{}: {} > {}", queue.link, queue.from, queue.to),
            if queue.rate_bps > 0 { rate(queue.rate_bps) } else { "-".to_owned() },
            queue.use_ppm.map_or("-".to_owned(), |ppm| format!("{} %", decimal(ppm, 10_000, 1))),
            queue.delivered.to_string(),
            decimal(queue.length_milli, 1000, 1),
            time(queue.wait_ns.mean),
            time(queue.wait_ns.p99),
            queue.queue_full.to_string(),
            queue.early.to_string(),
            queue.marked.to_string(),
            queue.lost.to_string(),
        ]);
    }
    aligned(&rows, out)?;
    more(by_wait.len(), MOST_QUEUES, "directions of links", out)
}

fn flows(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    if figures.flows.is_empty() || figures.flows.len() > MOST_FLOWS {
        return Ok(());
    }
    let columns = ["opened", "outcome", "read", "goodput", "took", "slowdown", "again", "round trip", "cwnd"];
    let mut rows = vec![head("connection", &columns)];
    for flow in &figures.flows {
        let or_none = |value: Option<u64>, show: fn(u64) -> String| value.map_or("-".to_owned(), show);
        rows.push(vec![
            format!("{}: {} > {}", flow.program, flow.from, flow.to),
            time(flow.opened_ns),
            flow.outcome.clone(),
            bytes(flow.up_bytes + flow.down_bytes),
            rate(flow.goodput_bps),
            or_none(flow.fct_ns, time),
            or_none(flow.slowdown_milli, |milli| decimal(milli, 1000, 2)),
            flow.retransmitted.to_string(),
            or_none(flow.rtt_mean_ns, time),
            flow.cwnd.to_string(),
        ]);
    }
    aligned(&rows, out)
}

fn more(all: usize, shown: usize, what: &str, out: &mut dyn Write) -> io::Result<()> {
    if all > shown {
        writeln!(out, "{}", paint(DIM, format_args!("and {} {what} more", all - shown)))?;
    }
    Ok(())
}

fn head(first: &str, others: &[&str]) -> Vec<String> {
    std::iter::once(first).chain(others.iter().copied()).map(str::to_owned).collect()
}

/// A table, a blank line above it: the first column to the left, the others to the right; the first row is its head.
fn aligned(rows: &[Vec<String>], out: &mut dyn Write) -> io::Result<()> {
    if rows.len() < 2 {
        return Ok(());
    }
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    writeln!(out)?;
    for (number, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            line += &if column == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
        }
        match number {
            0 => writeln!(out, "{}", paint(DIM, line.trim_end()))?,
            _ => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// `value / scale` with so many decimals, rounded down.
fn decimal(value: u64, scale: u64, places: u32) -> String {
    let parts = 10u128.pow(places);
    let scaled = u128::from(value) * parts / u128::from(scale.max(1));
    if places == 0 {
        return scaled.to_string();
    }
    format!("{}.{:0width$}", scaled / parts, scaled % parts, width = places as usize)
}
/// Three digits or so, with the largest unit that leaves one before the point.
fn scaled(value: u64, units: &[(&str, u64)]) -> String {
    let fits = |&&(_, scale): &&(&str, u64)| value >= scale;
    let (unit, scale) = units.iter().rev().find(fits).or(units.first()).copied().unwrap_or(("", 1));
    let places = match value / scale {
        _ if scale == 1 => 0,
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    format!("{} {unit}", decimal(value, scale, places))
}
fn time(nanos: u64) -> String {
    scaled(nanos, &[("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)])
}
fn rate(bps: u64) -> String {
    scaled(bps, &[("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)])
}
fn bytes(bytes: u64) -> String {
    scaled(bytes, &[("B", 1), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)])
}
