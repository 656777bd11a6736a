//! The commands that find what nobody thought of: their arguments.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand, ValueHint};

use super::{Color, freeze, fuzz};

/// Commands that find.
#[derive(Debug, Subcommand)]
pub enum Finding {
    /// Write a run out as a scenario with nothing left to chance; it runs to the same trace.
    Freeze(Freeze),
    /// Run random scenarios with all checkers, until told to stop.
    Fuzz(Fuzz),
}

/// Does what was asked for. Returns whether nothing was found.
pub fn run(what: &Finding, color: Color, out: &mut dyn Write) -> Result<bool> {
    match what {
        Finding::Fuzz(args) => fuzz::run(args, color, out),
        Finding::Freeze(args) => freeze::run(args, color, out).map(|()| true),
    }
}

const FREEZE_EXAMPLES: &str = "\
Examples:
  timewait freeze scenarios/reordering.ron                 to the screen
  timewait freeze lossy.ron --seed 7 --output seven.ron    the run of seed 7, to a file
  timewait run seven.ron                                   the same trace again, whatever becomes of chance";

/// Arguments of `timewait freeze`.
#[derive(Args, Debug)]
#[command(after_help = FREEZE_EXAMPLES)]
pub struct Freeze {
    /// A scenario file.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Another seed than the file's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Where to write it. Default: the standard output.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

const FUZZ_EXAMPLES: &str = "\
Examples:
  timewait fuzz --time 10min                     a fresh seed, printed; all cores
  timewait fuzz --seed-from 1 --count 1000       the same thousand scenarios each time
  timewait fuzz --until-violation --keep found/  stops at the first; the scenario goes to found/
  timewait fuzz --show 4711                      the scenario of a seed

Exit status: 0 if nothing was found, 1 if something was.";

/// Arguments of `timewait fuzz`.
#[derive(Args, Debug)]
#[command(after_help = FUZZ_EXAMPLES)]
pub struct Fuzz {
    /// First seed; the others follow it. Default: by the clock.
    #[arg(long, value_name = "N")]
    pub seed_from: Option<u64>,
    /// Runs at a time. Default: one a core.
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<usize>,
    /// How long to go on: `90s`, `8h`.
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// How many scenarios. Default: without end, or 1000 if nothing else says when to stop and nobody watches.
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Stop at the first violation.
    #[arg(long)]
    pub until_violation: bool,
    /// Folder into which scenarios with violations are written.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub keep: Option<PathBuf>,
    /// Write the scenario of this seed, and run nothing.
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seed_from", "time", "count", "until_violation", "keep"])]
    pub show: Option<u64>,
}
