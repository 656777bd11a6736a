//! Results summed up: for each combination, what its runs with all their seeds say about each figure.

use std::collections::BTreeMap;

use super::stats::Sample;
use super::store::{Header, Row};

/// One combination.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Its value of each axis, in the order of the axes.
    pub values: Vec<String>,
    /// Number of runs.
    pub runs: usize,
    /// Of these, runs that broke something.
    pub failed: usize,
    /// Each figure, in the order of [`Summary::figures`]; `None` where no run has it.
    pub figures: Vec<Option<Sample>>,
}

/// All combinations.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Names of the axes.
    pub axes: Vec<String>,
    /// Names of the figures.
    pub figures: Vec<String>,
    /// Combinations, in the order of their runs.
    pub cells: Vec<Cell>,
}

/// Sums up rows, for these figures, or for all that there are.
pub fn summary(header: &Header, rows: &[Row], figures: &[String]) -> Summary {
    let figures = if figures.is_empty() { names(header, rows) } else { figures.to_vec() };
    let mut cells: BTreeMap<u64, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        cells.entry((row.run - 1) / header.seeds.max(1)).or_default().push(row);
    }
    let axes: Vec<String> = header.axes.iter().map(|axis| axis.name.clone()).collect();
    let cell = |rows: Vec<&Row>| Cell {
        values: axes.iter().map(|axis| rows[0].axes.get(axis).cloned().unwrap_or_default()).collect(),
        runs: rows.len(),
        failed: rows.iter().filter(|row| row.failed.is_some()).count(),
        figures: figures.iter().map(|name| sample(&rows, name)).collect(),
    };
    let cells = cells.into_values().map(cell).collect();
    Summary { axes, figures, cells }
}

/// What rows say of a figure.
pub fn sample(rows: &[&Row], figure: &str) -> Option<Sample> {
    let values: Vec<f64> = rows.iter().filter_map(|row| row.figures.get(figure)).map(|n| *n as f64).collect();
    Sample::of(&values)
}

/// The figures that rows have: in the order in which the sweep names them, else by name.
pub fn names(header: &Header, rows: &[Row]) -> Vec<String> {
    if !header.figures.is_empty() {
        return header.figures.clone();
    }
    let all: std::collections::BTreeSet<&String> = rows.iter().flat_map(|row| row.figures.keys()).collect();
    all.into_iter().cloned().collect()
}
