//! The commands that find what nobody thought of: their arguments.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand, ValueHint};

use super::{Color, freeze};

/// Commands that find.
#[derive(Debug, Subcommand)]
pub enum Finding {
    /// Write a run out as a scenario with nothing left to chance; it runs to the same trace.
    Freeze(Freeze),
}

/// Does what was asked for. Returns whether nothing was found.
pub fn run(what: &Finding, color: Color, out: &mut dyn Write) -> Result<bool> {
    match what {
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
