//! What a sweep file means: which values go where, which combinations there are, and which runs, in which order.

use std::path::{Path, PathBuf};

use self::typed::Reader;
use super::{file, store};
use crate::scenario::locate::{Node, Seg};
use crate::scenario::{self, Diagnostics, Problem, Scenario, read};

mod typed;

/// Combinations that are read through before the first run; the others are read when their turn comes.
const MOST_CHECKED: u64 = 2_000;

/// A sweep that can be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of its file, as it was given.
    pub path: String,
    /// What it is about.
    pub about: String,
    /// The scenario, with the changes that hold in all runs.
    pub base: Scenario,
    /// The scenario without them.
    unchanged: Scenario,
    /// The file of the scenario, as it is typed; `None` if it stands in the sweep itself.
    pub file: Option<String>,
    /// Values that hold in all runs, by path.
    pub fixed: Vec<(String, String)>,
    /// What varies; the last one fastest, but for the seed.
    pub axes: Vec<Axis>,
    /// The seeds of each combination.
    pub seeds: Vec<u64>,
    /// Names of the figures that are kept; empty: all.
    pub figures: Vec<String>,
    /// What happens before this time is not counted.
    pub warmup: tcp::Duration,
    /// Combinations that are run, as numbers in the product of all axes.
    cells: Vec<u64>,
    /// Where the scenario's file lies, for commands that repeat a run.
    runnable: PathBuf,
    text: String,
}

/// What varies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Where its values go.
    pub paths: Vec<String>,
    /// Its values.
    pub values: Vec<Value>,
    /// The axis that it goes along with.
    pub lead: Option<usize>,
}

/// A value of an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// What it is called.
    pub label: String,
    /// As `--set` takes it.
    pub argument: String,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number, from one.
    pub number: u64,
    /// Number of its combination, from zero.
    pub cell: u64,
    /// Its seed.
    pub seed: u64,
}

/// Reads a sweep file.
///
/// # Errors
/// What is wrong with it, or with the scenario that it names.
pub fn load(path: impl AsRef<Path>) -> Result<Plan, Diagnostics> {
    let path = path.as_ref();
    Plan::parse(&path.display().to_string(), &scenario::text(path)?)
}

/// The scenario of a file: of a sweep, that which stands there or in the file that it names, without any change.
///
/// # Errors
/// What is wrong with either.
pub fn scenario_of(path: impl AsRef<Path>) -> Result<Scenario, Diagnostics> {
    let path = path.as_ref();
    let (name, text) = (path.display().to_string(), scenario::text(path)?);
    if super::is_sweep(&text) {
        return Plan::parse(&name, &text).map(|plan| plan.unchanged);
    }
    Scenario::parse(&name, &text)
}

impl Plan {
    /// Reads a text; `path` is what errors call it, and the scenario's file is looked for beside it.
    ///
    /// # Errors
    /// What is wrong with it, or with the scenario that it names.
    pub fn parse(path: &str, text: &str) -> Result<Plan, Diagnostics> {
        let wrong = |problems| Diagnostics { path: path.to_owned(), text: text.to_owned(), problems };
        let typed: file::Sweep = read::read(text).map_err(wrong)?;
        let mut reader =
            Reader { tree: Node::of(text), text, problems: Vec::new(), folder: Path::new(path).parent() };
        let (base, file) = reader.base(path, &typed.scenario)?;
        let Some(base) = base else { return Err(wrong(reader.problems)) };
        let runnable = match (&file, Path::new(path).parent()) {
            (Some(file), Some(folder)) => folder.join(file),
            (Some(file), None) => PathBuf::from(file),
            (None, _) => PathBuf::from(path),
        };
        let unchanged = base.clone();
        let (base, fixed) = reader.fixed(base, &typed.set);
        let axes = reader.axes(&base, &typed.axes);
        // Whoever mistyped an axis has not left out a combination of it by mistake.
        let exclude =
            if axes.len() == typed.axes.len() { reader.exclude(&axes, &typed.exclude) } else { Vec::new() };
        reader.figures(&base, &typed.figures);
        reader.warmup(&base, &axes, typed.warmup);
        let cells = if reader.problems.is_empty() { reader.cells(&axes, &exclude) } else { Vec::new() };
        if !reader.problems.is_empty() {
            reader.problems.sort_by_key(|problem| problem.span.start);
            // A value that fits at none of several paths is told once.
            reader.problems.dedup();
            return Err(wrong(reader.problems));
        }
        let seeds = typed.seeds.map_or_else(|| vec![base.spec().seed], |seeds| seeds.all());
        let plan = Plan {
            path: path.to_owned(),
            about: typed.about,
            base,
            unchanged,
            file,
            fixed,
            axes,
            seeds,
            figures: typed.figures,
            warmup: typed.warmup.map_or(tcp::Duration::ZERO, |span| tcp::Duration::from_nanos(span.0)),
            cells,
            runnable,
            text: text.to_owned(),
        };
        plan.check()?;
        Ok(plan)
    }

    /// Number of combinations.
    pub fn cells(&self) -> u64 {
        self.cells.len() as u64
    }
    /// Number of runs.
    pub fn runs(&self) -> u64 {
        self.cells().saturating_mul(self.seeds.len() as u64)
    }
    /// A run by its number, counted from one.
    pub fn run(&self, number: u64) -> Option<Run> {
        let (i, seeds) = (number.checked_sub(1)?, self.seeds.len() as u64);
        let (cell, seed) = (i / seeds, *self.seeds.get((i % seeds) as usize)?);
        (cell < self.cells()).then_some(Run { number, cell, seed })
    }

    /// The value that each axis has in a combination.
    pub fn values(&self, cell: u64) -> Vec<&Value> {
        let code = self.cells.get(cell as usize).copied().unwrap_or_default();
        choices(&self.axes, code).into_iter().zip(&self.axes).map(|(i, axis)| &axis.values[i]).collect()
    }

    /// The changes that make a combination of the scenario: paths and values, in order.
    pub fn changes(&self, cell: u64) -> Vec<(&str, &str)> {
        let values = self.values(cell);
        let fixed = self.fixed.iter().map(|(path, value)| (path.as_str(), value.as_str()));
        let varied =
            self.axes.iter().zip(values).flat_map(|(axis, value)| {
                axis.paths.iter().map(|path| (path.as_str(), value.argument.as_str()))
            });
        fixed.chain(varied).collect()
    }

    /// The scenario of a combination.
    ///
    /// # Errors
    /// If its values do not go together.
    pub fn scenario(&self, cell: u64) -> Result<Scenario, Diagnostics> {
        let changes = self.changes(cell).into_iter().skip(self.fixed.len());
        changes.into_iter().try_fold(self.base.clone(), |scenario, (path, value)| {
            scenario.change(path, value).map_err(|misfit| misfit.diagnostics)
        })
    }

    /// The arguments of `timewait run` that repeat a run.
    pub fn arguments(&self, run: &Run) -> String {
        let mut words: Vec<String> = self
            .changes(run.cell)
            .into_iter()
            .map(|(path, value)| format!("--set {}", quoted(&format!("{path}={value}"))))
            .collect();
        words.push(format!("--seed {}", run.seed));
        words.join(" ")
    }

    /// The command that repeats a run.
    pub fn command(&self, run: &Run) -> String {
        format!("timewait run {} {}", quoted(&self.runnable.display().to_string()), self.arguments(run))
    }

    /// What a file of results begins with: it fixes which sweep they belong to.
    pub fn header(&self, shard: Option<(u64, u64)>) -> store::Header {
        let axes = self.axes.iter().map(|axis| store::AxisOf {
            name: axis.name.clone(),
            set: axis.paths.clone(),
            values: axis.values.iter().map(|value| value.argument.clone()).collect(),
            labels: axis.values.iter().map(|value| value.label.clone()).collect(),
            with: axis.lead.map(|lead| self.axes[lead].name.clone()),
        });
        store::Header {
            sweep: format!("{:016x}", self.identity()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            format: store::FORMAT,
            scenario: self.file.clone(),
            cells: self.cells(),
            seeds: self.seeds.len() as u64,
            runs: self.runs(),
            axes: axes.collect(),
            figures: self.figures.clone(),
            shard,
        }
    }

    /// A hash of all that decides on the results: the scenario, the changes, the combinations, the seeds, the version.
    fn identity(&self) -> u64 {
        let mut hash = sim::hash::TraceHash::default();
        hash.add_str(env!("CARGO_PKG_VERSION"));
        hash.add(u64::from(store::FORMAT));
        hash.add_str(&self.base.text);
        for axis in &self.axes {
            hash.add_str(&axis.name);
            hash.add(axis.paths.len() as u64);
            axis.paths.iter().for_each(|path| hash.add_str(path));
            hash.add(axis.values.len() as u64);
            for value in &axis.values {
                hash.add_str(&value.argument);
                hash.add_str(&value.label);
            }
            hash.add(axis.lead.map_or(u64::MAX, |lead| lead as u64));
        }
        hash.add(self.cells());
        self.cells.iter().for_each(|cell| hash.add(*cell));
        hash.add(self.seeds.len() as u64);
        self.seeds.iter().for_each(|seed| hash.add(*seed));
        self.figures.iter().for_each(|figure| hash.add_str(figure));
        hash.add(self.warmup.as_nanos());
        hash.value()
    }

    /// Reads combinations through: values that fit alone may not go together.
    fn check(&self) -> Result<(), Diagnostics> {
        for cell in 0..self.cells().min(MOST_CHECKED) {
            let Err(wrong) = self.scenario(cell) else { continue };
            let tree = Node::of(&self.text);
            let span = tree.map_or(0..0, |tree| {
                let node = tree.find(&[Seg::Name("axes".to_owned())]).0;
                node.span.start..node.open.map_or(node.span.end, |open| open + 1)
            });
            let combination: Vec<String> = self
                .axes
                .iter()
                .zip(self.values(cell))
                .map(|(axis, value)| format!("{:?}: {:?}", axis.name, value.label))
                .collect();
            let said = wrong.problems.first().map_or("", |problem| problem.message.as_str());
            let problem = Problem {
                message: format!("not all values go together: {said}"),
                span,
                label: "in one of their combinations".to_owned(),
                help: Some(format!("to leave it out: exclude: [{{ {} }}]", combination.join(", "))),
            };
            return Err(Diagnostics {
                path: self.path.clone(),
                text: self.text.clone(),
                problems: vec![problem],
            });
        }
        Ok(())
    }
}

/// Which value each axis has: the digits of a number, the first axis highest. Who goes along has its leader's.
fn choices(axes: &[Axis], code: u64) -> Vec<usize> {
    let mut choices = vec![0; axes.len()];
    let mut rest = code;
    for (i, axis) in axes.iter().enumerate().rev().filter(|(_, axis)| axis.lead.is_none()) {
        let count = axis.values.len().max(1) as u64;
        choices[i] = (rest % count) as usize;
        rest /= count;
    }
    for (i, axis) in axes.iter().enumerate() {
        if let Some(lead) = axis.lead {
            choices[i] = choices[lead];
        }
    }
    choices
}

/// A word of a command as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=%:,+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
