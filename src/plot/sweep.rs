//! A figure of a sweep over one of its axes: means with confidence intervals, a line for each value of another axis, a chart
//! for each value of a third.
#![expect(clippy::float_arithmetic, reason = "pictures of runs that are over")]

use super::chart::{Axis, Chart, Look, Series};
use crate::figures::unit;
use crate::sweep::stats::Sample;
use crate::sweep::store::{AxisOf, Header, Row};
use crate::sweep::summary;

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The figure.
    pub figure: String,
    /// The axis along which it is drawn; `None`: the first with several values.
    pub x: Option<String>,
    /// The axis whose values are lines; `None`: the next.
    pub by: Option<String>,
    /// Axes at one value: name and label.
    pub at: Vec<(String, String)>,
    /// Confidence of the intervals, in parts of one.
    pub confidence: f64,
    /// Whether the figure's axis is logarithmic.
    pub log: bool,
}

/// Charts in a picture.
const MOST_CHARTS: usize = 6;
/// Lines in a chart: as many as there are colours.
const MOST_LINES: usize = 7;

/// Charts of a figure.
///
/// # Errors
/// If there is no such figure or axis, or there are more axes than can be drawn, in words.
pub fn charts(header: &Header, rows: &[Row], choice: &Choice, title: &str) -> Result<Vec<Chart>, String> {
    let figures = summary::names(header, rows);
    if !figures.contains(&choice.figure) {
        let help =
            crate::scenario::error::suggest(&choice.figure, figures.iter().map(String::as_str), "figures");
        return Err(format!("no figure is named `{}`; {}", choice.figure, help.unwrap_or_default()));
    }
    let rows = at(header, rows, &choice.at)?;
    let (x, by, over) = axes(header, choice)?;
    let labels = |axis: Option<&AxisOf>| axis.map_or_else(|| vec![String::new()], |axis| axis.labels.clone());
    let (lines, panels) = (labels(by), labels(over));
    if lines.len() > MOST_LINES || panels.len() > MOST_CHARTS {
        return Err(format!(
            "{} lines in {} charts, and {MOST_LINES} in {MOST_CHARTS} are the most: --at AXIS=VALUE picks",
            lines.len(),
            panels.len()
        ));
    }
    let sample = |line: &str, panel: &str, label: &str| -> Option<Sample> {
        let is = |axis: Option<&AxisOf>, row: &Row, label: &str| {
            axis.is_none_or(|axis| row.axes.get(&axis.name).is_some_and(|value| value == label))
        };
        let these: Vec<&Row> = rows
            .iter()
            .copied()
            .filter(|row| is(by, row, line) && is(over, row, panel) && is(Some(x), row, label))
            .collect();
        summary::sample(&these, &choice.figure)
    };
    let all = panels.iter().flat_map(|panel| lines.iter().map(move |line| (panel, line)));
    let all =
        all.flat_map(|(panel, line)| x.labels.iter().filter_map(move |label| sample(line, panel, label)));
    let (top, bottom) = all.fold((0.0f64, f64::INFINITY), |(top, bottom), sample| {
        let low = if sample.mean > 0.0 { sample.mean } else { bottom };
        (top.max(sample.mean + sample.interval(choice.confidence).unwrap_or(0.0)), bottom.min(low))
    });
    let unit = unit::of(&choice.figure, top);
    // A logarithmic axis has no zero; it has room for the error bars of the lowest point.
    let low = if choice.log { bottom.min(top) / unit.divisor * 0.7 } else { 0.0 };
    let chart = |(number, panel): (usize, &String)| {
        let series = lines.iter().enumerate().map(|(colour, line)| {
            let mut series = Series::new(line.clone(), colour, Look::Marked, Vec::new());
            for (i, label) in x.labels.iter().enumerate() {
                let Some(sample) = sample(line, panel, label) else { continue };
                series.points.push((beside(i, colour, lines.len()), sample.mean / unit.divisor));
                series.errors.push(sample.interval(choice.confidence).unwrap_or(0.0) / unit.divisor);
            }
            series
        });
        Chart {
            title: if number == 0 { title.to_owned() } else { String::new() },
            subtitle: over.map_or_else(|| told(header, choice), |axis| format!("{}: {panel}", axis.name)),
            legend: by.map_or(String::new(), |axis| axis.name.clone()),
            x: Axis { label: x.name.clone(), categories: x.labels.clone(), ..Axis::default() },
            y: Axis {
                label: unit.label.clone(),
                range: Some((low, (top / unit.divisor * 1.05).max(1e-9))),
                log: choice.log,
                ..Axis::default()
            },
            series: series.filter(|series| !series.points.is_empty()).collect(),
        }
    };
    Ok(panels.iter().enumerate().map(chart).collect())
}

/// What a picture of a single chart says of itself: what its runs have in common.
fn told(header: &Header, choice: &Choice) -> String {
    let at = choice.at.iter().map(|(name, label)| format!("{name}: {label}; "));
    let confidence = crate::sweep::stats::digits(choice.confidence * 100.0, 4);
    match header.seeds {
        1 => at.collect(),
        seeds => format!("{}mean of {seeds} seeds, {confidence}% confidence", at.collect::<String>()),
    }
}

/// Where the point of a line stands: beside those of the others, so that error bars can be told apart.
fn beside(category: usize, line: usize, lines: usize) -> f64 {
    let middle = (lines as f64 - 1.0) / 2.0;
    category as f64 + 1.0 + (line as f64 - middle) * 0.06
}

/// The rows at these values.
fn at<'a>(header: &Header, rows: &'a [Row], at: &[(String, String)]) -> Result<Vec<&'a Row>, String> {
    for (name, label) in at {
        let axis = axis(header, name)?;
        if !axis.labels.contains(label) {
            let help =
                crate::scenario::error::suggest(label, axis.labels.iter().map(String::as_str), "values");
            return Err(format!("`{label}` is no value of `{name}`; {}", help.unwrap_or_default()));
        }
    }
    let is = |row: &Row| at.iter().all(|(name, label)| row.axes.get(name) == Some(label));
    Ok(rows.iter().filter(|row| is(row)).collect())
}

fn axis<'a>(header: &'a Header, name: &str) -> Result<&'a AxisOf, String> {
    header.axes.iter().find(|axis| axis.name == name).ok_or_else(|| {
        let names = header.axes.iter().map(|axis| axis.name.as_str());
        let help = crate::scenario::error::suggest(name, names, "axes");
        format!("no axis is named `{name}`; {}", help.unwrap_or_default())
    })
}

/// The axis to draw along, that of lines, that of charts.
type Axes<'a> = (&'a AxisOf, Option<&'a AxisOf>, Option<&'a AxisOf>);

/// The axes as chosen, else in the order of the sweep. Axes that go along with one another count once.
fn axes<'a>(header: &'a Header, choice: &Choice) -> Result<Axes<'a>, String> {
    let group = |axis: &'a AxisOf| axis.with.as_deref().unwrap_or(&axis.name);
    let fixed =
        choice.at.iter().map(|(name, _)| axis(header, name).map(group)).collect::<Result<Vec<_>, _>>()?;
    let chosen = |name: &Option<String>| name.as_deref().map(|name| axis(header, name)).transpose();
    let (x, by) = (chosen(&choice.x)?, chosen(&choice.by)?);
    let taken: Vec<&str> = fixed.into_iter().chain(x.map(group)).chain(by.map(group)).collect();
    let free =
        |axis: &&'a AxisOf| axis.with.is_none() && axis.labels.len() > 1 && !taken.contains(&group(axis));
    let mut rest = header.axes.iter().filter(free);
    let x = x
        .or_else(|| rest.next())
        .or(header.axes.first())
        .ok_or("the sweep has no axes: there is nothing to draw along")?;
    let by = by.or_else(|| rest.next());
    let over = rest.next();
    let more: Vec<String> = rest.map(|axis| format!("--at {}={}", axis.name, axis.labels[0])).collect();
    if more.is_empty() {
        Ok((x, by, over))
    } else {
        Err(format!(
            "the sweep has more axes than can be drawn; pick a value of the others, as in {}",
            more.join(" ")
        ))
    }
}
