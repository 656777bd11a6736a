//! The file of results: one line that says which sweep it is, and one line for each run, in the order in which runs end.
//!
//! Lines are only ever added, each with one write. Whatever cuts the file off (a full disk, a killed process) leaves
//! whole lines and at most one torn one, which is recognised by its missing end and dropped. A file in which all runs
//! are done is written anew in the order of the runs, so that it does not depend on who ran what and when.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::Plan;
use super::plan::Run;
use super::play::Played;

/// Version of the format.
pub const FORMAT: u32 = 1;

/// The first line: what the runs are, and of which sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Which sweep: a hash of the scenario, the axes, the seeds, the figures and the version.
    pub sweep: String,
    /// The program's version.
    pub version: String,
    /// The format's.
    pub format: u32,
    /// The file of the scenario, as it is typed; `None` if it stands in the sweep itself.
    pub scenario: Option<String>,
    /// Number of combinations.
    pub cells: u64,
    /// Number of seeds.
    pub seeds: u64,
    /// Number of runs of the whole sweep.
    pub runs: u64,
    /// What varies.
    pub axes: Vec<AxisOf>,
    /// The figures that are kept; empty: all.
    pub figures: Vec<String>,
    /// Which part of the sweep this is, and of how many; `None`: the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<(u64, u64)>,
}

/// An axis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AxisOf {
    /// Its name.
    pub name: String,
    /// Where its values go.
    pub set: Vec<String>,
    /// Its values, as `--set` takes them.
    pub values: Vec<String>,
    /// What they are called.
    pub labels: Vec<String>,
    /// The axis that it goes along with.
    pub with: Option<String>,
}

/// A line for a run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// Its number, from one.
    pub run: u64,
    /// What its value of each axis is called, by axis.
    pub axes: BTreeMap<String, String>,
    /// Its seed.
    pub seed: u64,
    /// Hash of its trace.
    pub trace: String,
    /// What it broke.
    pub failed: Option<String>,
    /// Figures by name.
    pub figures: BTreeMap<String, u64>,
    /// The arguments of `timewait run` that repeat it.
    pub args: String,
}

/// The line of a run.
pub fn line(plan: &Plan, run: &Run, played: &Played) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let object = |entries: Vec<(&str, String)>| {
        let entries: Vec<String> =
            entries.into_iter().map(|(name, value)| format!("{}:{value}", text(name))).collect();
        format!("{{{}}}", entries.join(","))
    };
    let axes = plan.axes.iter().zip(plan.values(run.cell));
    let axes = object(axes.map(|(axis, value)| (axis.name.as_str(), text(&value.label))).collect());
    let figures = played.figures.iter().map(|(name, value)| (name.as_str(), value.to_string()));
    let failed = played.failed.as_deref().map_or_else(|| "null".to_owned(), text);
    object(vec![
        ("run", run.number.to_string()),
        ("axes", axes),
        ("seed", run.seed.to_string()),
        ("trace", text(&format!("{:016x}", played.trace))),
        ("failed", failed),
        ("figures", object(figures.collect())),
        ("args", text(&plan.arguments(run))),
    ]) + "\n"
}

impl Header {
    /// The first line.
    pub fn line(&self) -> String {
        // Nothing in a header is a kind of value that JSON cannot write.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
    /// Whether a run is one of this part.
    pub fn has(&self, run: u64) -> bool {
        let mine = |(part, parts): (u64, u64)| (run - 1) % parts.max(1) == part - 1;
        (1..=self.runs).contains(&run) && self.shard.is_none_or(mine)
    }
    /// The runs of this part, in order.
    pub fn mine(&self) -> impl Iterator<Item = u64> + use<> {
        let (part, parts) = self.shard.unwrap_or((1, 1));
        (part..=self.runs).step_by(usize::try_from(parts.max(1)).unwrap_or(usize::MAX))
    }
    /// Which part it is, in words.
    pub fn part(&self) -> String {
        self.shard.map_or_else(|| "the whole".to_owned(), |(part, parts)| format!("shard {part}/{parts}"))
    }
}

/// What is wrong with a file of results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Number of the line, from one; zero: the whole file.
    pub line: usize,
    /// What.
    pub what: String,
}
impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}
impl std::error::Error for Damage {}

/// What a file of results holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// Its first line.
    pub header: Header,
    /// The lines of its runs, by number.
    pub lines: BTreeMap<u64, String>,
    /// Bytes of whole lines; what follows is torn off.
    pub whole: usize,
    /// Whether the lines are in the order of their numbers.
    pub sorted: bool,
}

/// Reads a file; `None` if not even its first line is whole.
///
/// # Errors
/// If it is no file of results, or one that something else has changed.
pub fn read(bytes: &[u8]) -> Result<Option<Results>, Damage> {
    let Some(whole) = bytes.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1) else {
        return Ok(None);
    };
    let damage = |line: usize, what: String| Damage { line, what };
    let text = std::str::from_utf8(&bytes[..whole])
        .map_err(|error| damage(1 + newlines(&bytes[..error.valid_up_to()]), "no text".to_owned()))?;
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let header: Header = serde_json::from_str(first)
        .map_err(|error| damage(1, format!("not the first line of a sweep's results: {error}")))?;
    if header.format != FORMAT {
        return Err(damage(1, format!("format {} is not known; this version knows {FORMAT}", header.format)));
    }
    if header.shard.is_some_and(|(part, parts)| part == 0 || part > parts) {
        return Err(damage(1, "a part of nothing".to_owned()));
    }
    let mut results = Results { header, lines: BTreeMap::new(), whole, sorted: true };
    for (i, line) in lines.enumerate() {
        let row: Row = serde_json::from_str(line)
            .map_err(|error| damage(i + 2, format!("not a run: {error}; delete the line to run it again")))?;
        if !results.header.has(row.run) {
            return Err(damage(i + 2, format!("run {} is none of {}", row.run, results.header.part())));
        }
        results.sorted &= results.lines.last_key_value().is_none_or(|(last, _)| *last < row.run);
        // Two processes on one file do the same work twice: the same run has the same line.
        match results.lines.insert(row.run, format!("{line}\n")) {
            Some(other) if other.trim_end() != line => {
                return Err(damage(i + 2, format!("run {} is there twice, and differs", row.run)));
            }
            Some(_) => results.sorted = false,
            None => {}
        }
    }
    Ok(Some(results))
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

impl Results {
    /// The rows, in the order of the runs.
    pub fn rows(&self) -> Vec<Row> {
        // They were read once already.
        self.lines.values().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
    /// Whether every run of this part is there.
    pub fn is_complete(&self) -> bool {
        self.missing() == 0
    }
    /// How many runs of this part are not there.
    pub fn missing(&self) -> u64 {
        (self.header.mine().count() as u64).saturating_sub(self.lines.len() as u64)
    }
    /// The whole file, in the order of the runs.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.header.line().as_bytes())?;
        self.lines.values().try_for_each(|line| out.write_all(line.as_bytes()))
    }
}

/// Whether these bytes, which have no whole line, can be the beginning of this header, cut off.
pub fn is_torn_header(bytes: &[u8], header: &Header) -> bool {
    header.line().as_bytes().starts_with(bytes)
}
