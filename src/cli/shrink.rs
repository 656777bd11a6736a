//! `timewait shrink`: a scenario that breaks something, made small.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use timewait::find::relation::Relation;
use timewait::find::shrink::{Shows, shrink};
use timewait::scenario;

use super::finding::{RUNS, Shrink};
use super::{Color, screen};

/// Writes the small scenario.
pub fn run(args: &Shrink, color: Color, out: &mut dyn Write) -> Result<()> {
    let rendered = |diagnostics: scenario::Diagnostics| {
        anyhow!(diagnostics.render(screen::is_colored(color))).context(screen::Rendered)
    };
    let scenario = args.change.scenario(&args.file, color)?;
    let to = args.output.as_deref().filter(|path| *path != Path::new("-"));
    screen::tell_panics_once();
    let progress = if screen::is_watched() {
        ProgressBar::new(args.runs).with_style(
            ProgressStyle::with_template("{bar:30.cyan} {pos}/{len} runs: {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        )
    } else {
        ProgressBar::hidden()
    };
    let mut told = |runs: u64, size: usize| {
        progress.set_position(runs);
        progress.set_message(format!("{size} characters"));
    };
    let relation = args.relation.as_deref().map(relation).transpose()?;
    let shrunk = shrink(&scenario, relation, args.runs, &mut told).map_err(rendered)?;
    progress.finish_and_clear();
    let Some(shrunk) = shrunk else {
        let what = match relation {
            Some(relation) => format!("of {} {} holds", args.file.display(), relation.name()),
            None => format!("{} breaks no law (expectations are not looked at)", args.file.display()),
        };
        bail!("{what}: there is nothing to keep while it becomes smaller");
    };
    // Where it goes from the screen nobody knows.
    let again = match to {
        Some(path) => shrunk.shows.again(&path.display().to_string()),
        None => again(args, &shrunk.shows),
    };
    let text = shrunk.text(&again);
    screen::deliver(text.as_bytes(), args.output.as_deref(), out)
}

/// The command that makes the same small once more, and shows what that shows.
fn again(args: &Shrink, shows: &Shows) -> String {
    let mut command = args.change.command("shrink", &args.file);
    if args.runs != RUNS {
        command += &format!(" --runs {}", args.runs);
    }
    match shows {
        Shows::Broken(_) => command + " | timewait run -",
        Shows::Parts(parting) => format!("{command} --relation {}", parting.relation.name()),
    }
}

/// The relation of this name.
fn relation(name: &str) -> Result<Relation> {
    let names = || Relation::all().map(Relation::name).collect::<Vec<_>>().join(", ");
    Relation::all()
        .find(|relation| relation.name() == name)
        .ok_or_else(|| anyhow!("--relation {name}: expected one of {}", names()))
}
