//! `timewait freeze`: a run written out as a scenario with nothing left to chance.

use std::io::Write;

use anyhow::{Context, Result, anyhow};
use timewait::find::freeze::freeze;
use timewait::scenario;

use super::finding::Freeze;
use super::{Color, screen};

/// Writes the frozen scenario; the hash of its trace goes into a last comment.
pub fn run(args: &Freeze, color: Color, out: &mut dyn Write) -> Result<()> {
    let rendered = |diagnostics: scenario::Diagnostics| {
        anyhow!(diagnostics.render(screen::is_colored(color))).context(screen::Rendered)
    };
    let mut scenario = scenario::load(&args.file).map_err(rendered)?;
    if let Some(seed) = args.seed {
        scenario = scenario.set(&format!("seed={seed}")).map_err(rendered)?;
    }
    let (frozen, hash) = freeze(&scenario).map_err(|problems| {
        let first = problems.first().map_or("", |problem| &problem.message);
        anyhow!("what was written cannot be read again, which is a mistake of timewait: {first}")
    })?;
    let text = format!("{}// trace {hash:016x}\n", frozen.text);
    match &args.output {
        None => out.write_all(text.as_bytes())?,
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}
