//! `timewait bridge`: what a host of a scenario saw and did, as a packetdrill script.

use std::io::Write;

use anyhow::{Context, Result, anyhow, bail};
use timewait::packetdrill::bridge;
use timewait::scenario;

use super::finding::Bridge;
use super::{Color, screen};

/// Writes the script.
pub fn run(args: &Bridge, color: Color, out: &mut dyn Write) -> Result<()> {
    let rendered = |diagnostics: scenario::Diagnostics| {
        anyhow!(diagnostics.render(screen::is_colored(color))).context(screen::Rendered)
    };
    if args.connection == 0 {
        bail!("--connection counts from 1");
    }
    let mut scenario = scenario::load(&args.file).map_err(rendered)?;
    if let Some(seed) = args.seed {
        scenario = scenario.set(&format!("seed={seed}")).map_err(rendered)?;
    }
    let title = format!("What host {} of {} saw and did.", args.host, args.file.display());
    let written = bridge::write(scenario.spec(), &args.host, args.connection, &title)?;
    match &args.output {
        None => out.write_all(written.text.as_bytes())?,
        Some(path) => {
            std::fs::write(path, written.text).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}
