//! `timewait freeze`: a run written out as a scenario with nothing left to chance.

use std::io::Write;

use anyhow::{Result, anyhow};
use timewait::find::freeze::freeze;

use super::finding::Freeze;
use super::{Color, screen};

/// Writes the frozen scenario; the hash of its trace goes into a last comment.
pub fn run(args: &Freeze, color: Color, out: &mut dyn Write) -> Result<()> {
    let scenario = args.change.scenario(&args.file, color)?;
    let (frozen, hash) = freeze(&scenario).map_err(|problems| {
        let first = problems.first().map_or("", |problem| &problem.message);
        anyhow!("what was written cannot be read again, which is a mistake of timewait: {first}")
    })?;
    let text = format!("{}// trace {hash:016x}\n", frozen.text);
    screen::deliver(text.as_bytes(), args.output.as_deref(), out)
}
