//! The commands for many runs of one scenario: their arguments.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{Color, plot, results, sweep};

/// Commands for sweeps.
#[derive(Debug, Subcommand)]
pub enum Sweeping {
    /// Run a scenario with many values and seeds, on all cores, and sum up what comes of it.
    Sweep(Sweep),
    /// Join the shards of a sweep that were run apart.
    Merge(Merge),
    /// Sum up results of a sweep: means and confidence intervals, or every run.
    Results(Results),
    /// Draw a run or a sweep, as SVG.
    Plot(plot::Plot),
}

/// Does what was asked for. Returns whether every run did as it should.
pub fn run(what: &Sweeping, color: Color, out: &mut dyn Write) -> Result<bool> {
    match what {
        Sweeping::Sweep(args) => sweep::run(args, color, out),
        Sweeping::Merge(args) => results::merge(args, out),
        Sweeping::Results(args) => results::run(args, out),
        Sweeping::Plot(args) => plot::run(args, color, out).map(|()| true),
    }
}

const SWEEP_EXAMPLES: &str = "\
Examples:
  timewait sweep scenarios/sweeps/controllers.ron         all runs; results go to controllers.jsonl
  timewait sweep loss.ron                                 goes on where it was interrupted
  timewait sweep loss.ron --list                          the runs, and how to repeat each
  timewait sweep loss.ron --figure goodput_bps --format csv
  timewait sweep loss.ron --shard 2/8                     one of eight parts
  timewait merge loss.*-of-8.jsonl --output loss.jsonl    the parts joined, as if run in one place

Exit status: 0 if every run did as its scenario expects, 1 if one did not, 2 if a file or an argument is wrong or \
results cannot be written, 3 if Ctrl-C has ended it with the runs that were under way. What was written then stays good: the same \
command goes on from there.";

/// Arguments of `timewait sweep`.
#[derive(Args, Debug)]
#[command(after_help = SWEEP_EXAMPLES)]
pub struct Sweep {
    /// A sweep file (docs/sweeps.md).
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Where the results go, a line a run. Default: the name of the sweep with .jsonl, in this folder.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Runs at a time. Default: one a core.
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Only the runs of part I of N parts.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<String>,
    /// Run however many there are.
    #[arg(long)]
    pub yes: bool,
    /// The most runs that are begun without --yes.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub limit: u64,
    /// List the runs, each with the command that repeats it, and run none.
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    pub shown: Shown,
    /// No progress; twice: no table either.
    #[arg(long, short, action = clap::ArgAction::Count)]
    pub quiet: u8,
}

/// How results are shown.
#[derive(Args, Debug)]
pub struct Shown {
    /// Only this figure; repeatable. Default: those that the sweep names.
    #[arg(long, value_name = "NAME")]
    pub figure: Vec<String>,
    /// The form of the table.
    #[arg(long = "format", short, alias = "as", value_name = "FORMAT", default_value = "table")]
    pub form: Form,
    /// Confidence of the intervals, in percent.
    #[arg(long, value_name = "PERCENT", default_value = "95")]
    pub confidence: String,
}

/// The form of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people: a line for each combination, mean ± confidence interval.
    Table,
    /// A line for each combination and figure, for spreadsheets.
    Csv,
    /// The same, an object a line.
    Json,
    /// The same for data frames; in builds with `--features parquet`.
    Parquet,
}

const MERGE_EXAMPLES: &str = "\
Examples:
  timewait merge loss.1-of-2.jsonl loss.2-of-2.jsonl --output loss.jsonl

Exit status: 0 if every run did as its scenario expects, 1 if one did not, 2 if a part is missing or a file is wrong.";

/// Arguments of `timewait merge`.
#[derive(Args, Debug)]
#[command(after_help = MERGE_EXAMPLES)]
pub struct Merge {
    /// The results of all shards.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// Where the whole goes.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
}

const RESULTS_EXAMPLES: &str = "\
Examples:
  timewait results loss.jsonl                                      means and confidence intervals
  timewait results loss.jsonl --figure goodput_bps --confidence 99
  timewait results loss.jsonl --format csv > loss.csv
  timewait results loss.jsonl --format parquet > loss.parquet      (if built with it)
  timewait results loss.jsonl --runs                               every run, and how to repeat it

Exit status: 0 if every run did as its scenario expects, 1 if one did not, 2 if a file or an argument is wrong.";

/// Arguments of `timewait results`.
#[derive(Args, Debug)]
#[command(after_help = RESULTS_EXAMPLES)]
pub struct Results {
    /// Results of a sweep, finished or not.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    #[command(flatten)]
    pub shown: Shown,
    /// Every run instead of every combination, as CSV or Parquet.
    #[arg(long)]
    pub runs: bool,
}
