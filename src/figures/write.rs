//! Figures in files: JSON lines, each with its `type`, and CSV, one table of one type.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::record::{Cell, Record};
use super::{Class, Figures, Flow, FlowSample, Program, Queue, QueueSample, Run, Total};
use crate::columns::{Column, of_records};

/// A kind of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Seed, times, hash.
    Run,
    /// All connections together.
    Total,
    /// By program or population.
    Programs,
    /// Completion times by size.
    Classes,
    /// Links and their queues.
    Queues,
    /// Each connection.
    Flows,
    /// Connections over time.
    FlowSamples,
    /// Queues over time.
    QueueSamples,
}

/// A record with its type in front.
#[derive(Serialize)]
struct Line<'a, R> {
    r#type: &'static str,
    #[serde(flatten)]
    record: &'a R,
}

/// All figures, one record a line.
///
/// # Errors
/// Those of writing.
pub fn json(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    line(&figures.run, out)?;
    line(&figures.total, out)?;
    lines(&figures.programs, out)?;
    lines(&figures.classes, out)?;
    lines(&figures.queues, out)?;
    lines(&figures.flows, out)?;
    lines(&figures.flow_samples, out)?;
    lines(&figures.queue_samples, out)
}
fn lines<R: Record>(records: &[R], out: &mut dyn Write) -> io::Result<()> {
    records.iter().try_for_each(|record| line(record, out))
}
fn line<R: Record>(record: &R, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Line { r#type: R::TYPE, record })?;
    out.write_all(b"\n")
}

/// The records of one kind, a header first; columns in the order of the documentation.
///
/// # Errors
/// Those of writing.
pub fn csv(figures: &Figures, kind: Kind, out: &mut dyn Write) -> io::Result<()> {
    match kind {
        Kind::Run => table::<Run>(std::slice::from_ref(&figures.run), out),
        Kind::Total => table::<Total>(std::slice::from_ref(&figures.total), out),
        Kind::Programs => table::<Program>(&figures.programs, out),
        Kind::Classes => table::<Class>(&figures.classes, out),
        Kind::Queues => table::<Queue>(&figures.queues, out),
        Kind::Flows => table::<Flow>(&figures.flows, out),
        Kind::FlowSamples => table::<FlowSample>(&figures.flow_samples, out),
        Kind::QueueSamples => table::<QueueSample>(&figures.queue_samples, out),
    }
}

/// The same as columns.
pub fn columns(figures: &Figures, kind: Kind) -> Vec<Column> {
    match kind {
        Kind::Run => of_records(std::slice::from_ref(&figures.run)),
        Kind::Total => of_records(std::slice::from_ref(&figures.total)),
        Kind::Programs => of_records(&figures.programs),
        Kind::Classes => of_records(&figures.classes),
        Kind::Queues => of_records(&figures.queues),
        Kind::Flows => of_records(&figures.flows),
        Kind::FlowSamples => of_records(&figures.flow_samples),
        Kind::QueueSamples => of_records(&figures.queue_samples),
    }
}
fn table<R: Record + Default>(records: &[R], out: &mut dyn Write) -> io::Result<()> {
    let mut header = Vec::new();
    R::default().cells(&mut |name, _| header.push(name.to_owned()));
    writeln!(out, "{}", header.join(","))?;
    let mut cells = Vec::with_capacity(header.len());
    for record in records {
        cells.clear();
        record.cells(&mut |_, cell| cells.push(written(cell)));
        writeln!(out, "{}", cells.join(","))?;
    }
    Ok(())
}
/// A cell as RFC 4180 has it.
fn written(cell: Cell) -> String {
    match cell {
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) if text.contains([',', '"', '\n']) => format!("\"{}\"", text.replace('"', "\"\"")),
        Cell::Text(text) => text,
        Cell::Empty => String::new(),
    }
}

const INTRODUCTION: &str = "\
# Records of figures

What `timewait measure` writes, by `type` ([measuring.md](measuring.md)). This page is `timewait schema --figures`; it is made
from the code that writes them. A spread has `count`, `min`, `mean`, `p50`, `p90`, `p95`, `p99`, `p999` and `max`.
";

/// The documentation of all records, in Markdown.
pub fn documentation() -> String {
    let mut text = INTRODUCTION.to_owned();
    section::<Run>(&mut text);
    section::<Total>(&mut text);
    section::<Program>(&mut text);
    section::<Class>(&mut text);
    section::<Queue>(&mut text);
    section::<Flow>(&mut text);
    section::<FlowSample>(&mut text);
    section::<QueueSample>(&mut text);
    text
}
fn section<R: Record + Default>(text: &mut String) {
    let prose = |lines: &[&str]| lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    text.push_str(&format!("\n## {}\n\n{}\n\n| field | meaning |\n|---|---|\n", R::TYPE, prose(R::DOC)));
    let mut columns = Vec::new();
    R::default().cells(&mut |name, _| columns.push(name.to_owned()));
    for (field, doc) in R::FIELDS {
        let spread = columns.contains(&format!("{field}_p50"));
        let field = if spread { format!("`{field}` (spread)") } else { format!("`{field}`") };
        text.push_str(&format!("| {field} | {} |\n", prose(doc)));
    }
}
