//! Results as tables by column: the same that [`table`](super::table) writes as CSV, with numbers that are numbers.

use super::stats::Sample;
use super::store::{Header, Row};
use super::summary::Summary;
use crate::columns::{Column, Values};

/// A row for each combination and figure: values of the axes, figure, runs, mean, deviation, interval, extremes.
pub fn summary(summary: &Summary, confidence: f64) -> Vec<Column> {
    let rows: Vec<_> = summary
        .cells
        .iter()
        .flat_map(|cell| {
            summary.figures.iter().zip(&cell.figures).map(move |(name, sample)| (cell, name, sample))
        })
        .collect();
    let text = |name: &str, of: &dyn Fn(usize) -> String| {
        column(name, Values::Texts((0..rows.len()).map(|row| Some(of(row))).collect()))
    };
    let number = |name: &str, of: &dyn Fn(usize) -> usize| {
        column(name, Values::Numbers((0..rows.len()).map(|row| Some(of(row) as u64)).collect()))
    };
    let real = |name: &str, of: &dyn Fn(&Sample) -> Option<f64>| {
        column(name, Values::Reals(rows.iter().map(|(_, _, sample)| sample.as_ref().and_then(of)).collect()))
    };
    let axes = summary.axes.iter().enumerate();
    let mut columns: Vec<Column> =
        axes.map(|(axis, name)| text(name, &|row| rows[row].0.values[axis].clone())).collect();
    columns.extend([
        text("figure", &|row| rows[row].1.clone()),
        number("runs", &|row| rows[row].0.runs),
        number("failed", &|row| rows[row].0.failed),
        number("count", &|row| rows[row].2.map_or(0, |sample| sample.count)),
        real("mean", &|sample| Some(sample.mean)),
        real("interval", &|sample| sample.interval(confidence)),
        real("confidence", &|_| Some(confidence)),
        real("deviation", &|sample| Some(sample.deviation)),
        real("min", &|sample| Some(sample.min)),
        real("max", &|sample| Some(sample.max)),
    ]);
    columns
}

/// A row for each run: values of the axes, seed, trace hash, what it broke, each figure, and how to repeat it.
pub fn runs(header: &Header, rows: &[Row], figures: &[String]) -> Vec<Column> {
    let names = if figures.is_empty() { super::summary::names(header, rows) } else { figures.to_vec() };
    let text = |name: &str, of: &dyn Fn(&Row) -> Option<String>| {
        column(name, Values::Texts(rows.iter().map(of).collect()))
    };
    let number = |name: &str, of: &dyn Fn(&Row) -> Option<u64>| {
        column(name, Values::Numbers(rows.iter().map(of).collect()))
    };
    let mut columns = vec![number("run", &|row| Some(row.run))];
    columns.extend(header.axes.iter().map(|axis| text(&axis.name, &|row| row.axes.get(&axis.name).cloned())));
    columns.extend([
        number("seed", &|row| Some(row.seed)),
        text("trace", &|row| Some(row.trace.clone())),
        text("failed", &|row| row.failed.clone()),
    ]);
    columns.extend(names.iter().map(|name| number(name, &|row| row.figures.get(name).copied())));
    columns.push(text("args", &|row| Some(row.args.clone())));
    columns
}

fn column(name: &str, values: Values) -> Column {
    Column { name: name.to_owned(), values }
}
