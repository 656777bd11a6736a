//! `timewait check`: what is wrong with scenario files and sweeps, without running them.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use timewait::scenario::{self, Scenario};
use timewait::sweep::{self, plan::Plan};
use timewait::view::paint::{GREEN, paint};

use super::{Color, paths, screen};

/// Reads each file; says what is wrong with those that are. An error if any is.
pub fn check(given: &[PathBuf], color: Color, out: &mut dyn Write) -> Result<bool> {
    let files = paths::scenarios_and_sweeps(given)?;
    let mut wrong = Vec::new();
    for file in &files {
        let name = file.display().to_string();
        let outcome = scenario::text(file).and_then(|text| {
            if sweep::is_sweep(&text) {
                Plan::parse(&name, &text).map(drop)
            } else {
                Scenario::parse(&name, &text).map(drop)
            }
        });
        match outcome {
            Ok(()) => writeln!(out, "{} {}", paint(GREEN, "✓"), file.display())?,
            Err(diagnostics) => wrong.push(diagnostics.render(screen::is_colored(color))),
        }
    }
    if wrong.is_empty() {
        return Ok(true);
    }
    out.flush()?;
    Err(anyhow::Error::msg(wrong.join("\n\n")).context(screen::Rendered))
}
