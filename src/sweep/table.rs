//! Results as tables: for the terminal, as CSV, as JSON lines. The same results make the same bytes.
#![expect(clippy::float_arithmetic, reason = "numbers of a report")]

use std::io::{self, Write};

use super::stats::{Sample, digits};
use super::store::{Header, Row};
use super::summary::Summary;
use crate::figures::unit::{self, Unit};
use crate::view::paint::{BOLD, DIM, RED, paint};

/// Significant digits in files.
const EXACT: usize = 10;
/// Significant digits for people.
const ROUND: usize = 4;

/// For people: a line for each combination, a column for each figure, mean ± half the confidence interval.
///
/// # Errors
/// Those of `out`.
pub fn terminal(summary: &Summary, confidence: f64, out: &mut dyn Write) -> io::Result<()> {
    let units: Vec<Unit> = (0..summary.figures.len()).map(|column| unit_of(summary, column)).collect();
    let names = summary.figures.iter().zip(&units).map(|(name, unit)| match unit.symbol {
        "" => name.clone(),
        symbol => format!("{name} ({symbol})"),
    });
    let mut rows: Vec<Vec<String>> =
        vec![summary.axes.iter().cloned().chain(["runs".to_owned()]).chain(names).collect()];
    for cell in &summary.cells {
        let failed = if cell.failed > 0 { format!(" ({} failed)", cell.failed) } else { String::new() };
        let figures = cell.figures.iter().zip(&units);
        let figures =
            figures.map(|(sample, unit)| sample.map_or("-".to_owned(), |s| short(&s, confidence, unit)));
        let runs = format!("{}{failed}", cell.runs);
        rows.push(cell.values.iter().cloned().chain([runs]).chain(figures).collect());
    }
    let columns = rows[0].len();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for (i, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column < summary.axes.len() { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        match i {
            0 => writeln!(out, "{}", paint(BOLD, line.trim_end()))?,
            i if summary.cells[i - 1].failed > 0 => writeln!(out, "{}", paint(RED, line.trim_end()))?,
            _ => writeln!(out, "{}", line.trim_end())?,
        }
    }
    let note =
        format!("mean ± {}% confidence interval over seeds (Student's t)", digits(confidence * 100.0, ROUND));
    writeln!(out, "{}", paint(DIM, note))
}

/// The unit in which the largest mean of a column is read easily.
fn unit_of(summary: &Summary, column: usize) -> Unit {
    let means = summary.cells.iter().filter_map(|cell| cell.figures[column]).map(|sample| sample.mean);
    unit::of(&summary.figures[column], means.fold(0.0, f64::max))
}

/// `940.5 ± 1.2`
fn short(sample: &Sample, confidence: f64, unit: &Unit) -> String {
    let mean = digits(sample.mean / unit.divisor, ROUND.max(if unit.symbol.is_empty() { 6 } else { 0 }));
    match sample.interval(confidence) {
        None => mean,
        Some(half) => format!("{mean} ± {}", digits(half / unit.divisor, 2)),
    }
}

/// A line for each combination and figure: values of the axes, figure, runs, mean, deviation, interval, extremes.
///
/// # Errors
/// Those of `out`.
pub fn csv(summary: &Summary, confidence: f64, out: &mut dyn Write) -> io::Result<()> {
    let head = summary.axes.iter().map(String::as_str).chain(COLUMNS.iter().copied());
    csv_line(out, head)?;
    for cell in &summary.cells {
        for (name, sample) in summary.figures.iter().zip(&cell.figures) {
            let mut fields = cell.values.clone();
            fields.push(name.clone());
            fields.extend([cell.runs.to_string(), cell.failed.to_string()]);
            fields.extend(numbers(sample.as_ref(), confidence));
            csv_line(out, fields.iter().map(String::as_str))?;
        }
    }
    Ok(())
}

const COLUMNS: &[&str] =
    &["figure", "runs", "failed", "count", "mean", "interval", "confidence", "deviation", "min", "max"];

/// What [`COLUMNS`] name behind `failed`.
fn numbers(sample: Option<&Sample>, confidence: f64) -> Vec<String> {
    let exact = |value: f64| digits(value, EXACT);
    let Some(sample) = sample else {
        return ["0", "", "", "", "", "", ""].map(str::to_owned).to_vec();
    };
    vec![
        sample.count.to_string(),
        exact(sample.mean),
        sample.interval(confidence).map(exact).unwrap_or_default(),
        exact(confidence),
        exact(sample.deviation),
        exact(sample.min),
        exact(sample.max),
    ]
}

/// One object a line for each combination and figure.
///
/// # Errors
/// Those of `out`.
pub fn json(summary: &Summary, confidence: f64, out: &mut dyn Write) -> io::Result<()> {
    for cell in &summary.cells {
        let axes = summary
            .axes
            .iter()
            .zip(&cell.values)
            .map(|(name, value)| format!("{}:{}", text(name), text(value)));
        let axes = axes.collect::<Vec<_>>().join(",");
        for (name, sample) in summary.figures.iter().zip(&cell.figures) {
            write!(
                out,
                "{{\"axes\":{{{axes}}},\"figure\":{},\"runs\":{},\"failed\":{}",
                text(name),
                cell.runs,
                cell.failed
            )?;
            for (column, number) in COLUMNS[3..].iter().zip(numbers(sample.as_ref(), confidence)) {
                let number = if number.is_empty() { "null" } else { &number };
                write!(out, ",\"{column}\":{number}")?;
            }
            writeln!(out, "}}")?;
        }
    }
    Ok(())
}

/// A line for each run: values of the axes, seed, trace hash, what it broke, each figure, and how to repeat it.
///
/// # Errors
/// Those of `out`.
pub fn runs(header: &Header, rows: &[Row], figures: &[String], out: &mut dyn Write) -> io::Result<()> {
    let axes = || header.axes.iter().map(|axis| axis.name.as_str());
    let names = if figures.is_empty() { super::summary::names(header, rows) } else { figures.to_vec() };
    let head = ["run"].into_iter().chain(axes()).chain(["seed", "trace", "failed"]);
    csv_line(out, head.chain(names.iter().map(String::as_str)).chain(["args"]))?;
    for row in rows {
        let mut fields = vec![row.run.to_string()];
        fields.extend(axes().map(|name| row.axes.get(name).cloned().unwrap_or_default()));
        fields.extend([row.seed.to_string(), row.trace.clone(), row.failed.clone().unwrap_or_default()]);
        fields.extend(names.iter().map(|name| row.figures.get(name).map_or(String::new(), u64::to_string)));
        fields.push(row.args.clone());
        csv_line(out, fields.iter().map(String::as_str))?;
    }
    Ok(())
}

fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A line of CSV (RFC 4180): fields with commas, quotes or ends of lines stand in quotes.
fn csv_line<'a>(out: &mut dyn Write, fields: impl Iterator<Item = &'a str>) -> io::Result<()> {
    for (i, field) in fields.enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        if field.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            out.write_all(field.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}
