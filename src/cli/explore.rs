//! `timewait explore`: every way to treat up to so many packets of a scenario badly.

use std::io::Write;

use anyhow::{Context, Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use timewait::Names;
use timewait::find::explore::{Explored, Kind, Plan, explore};
use timewait::find::verdict;
use timewait::scenario;
use timewait::view::paint::{BOLD, GREEN, RED, paint};

use super::finding::{Explore, Treatment};
use super::{Color, screen};

/// Returns whether nothing was broken.
pub fn run(args: &Explore, color: Color, out: &mut dyn Write) -> Result<bool> {
    let rendered = |diagnostics: scenario::Diagnostics| {
        anyhow!(diagnostics.render(screen::is_colored(color))).context(screen::Rendered)
    };
    let scenario = scenario::load(&args.file).map_err(rendered)?;
    let kinds =
        if args.only.is_empty() { Kind::ALL.to_vec() } else { args.only.iter().map(|t| kind(*t)).collect() };
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let plan = Plan { faults: args.faults, kinds, jobs, most: args.runs };
    let progress = if screen::is_watched() { ProgressBar::new(1) } else { ProgressBar::hidden() };
    progress.set_style(
        ProgressStyle::with_template("{bar:30.cyan} {pos}/{len} first faults, {eta}: {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let told = |runs: u64, done: usize, of: usize| {
        progress.set_length(of as u64);
        progress.set_position(done as u64);
        progress.set_message(format!("{runs} runs"));
    };
    let explored = explore(&scenario, &plan, &told).map_err(|error| anyhow!(error))?;
    progress.finish_and_clear();
    report(&explored, args, &scenario, out)?;
    Ok(explored.broken.is_empty())
}

fn kind(treatment: Treatment) -> Kind {
    match treatment {
        Treatment::Drop => Kind::Drop,
        Treatment::Duplicate => Kind::Duplicate,
        Treatment::Delay => Kind::Delay,
        Treatment::Corrupt => Kind::Corrupt,
    }
}

fn report(
    explored: &Explored,
    args: &Explore,
    scenario: &scenario::Scenario,
    out: &mut dyn Write,
) -> Result<()> {
    let names = Names::of(scenario.spec());
    for broken in &explored.broken {
        let again = match &args.keep {
            None => "timewait explore with --keep writes it down".to_owned(),
            Some(dir) => {
                std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
                let path = dir.join(format!("{}-{}.ron", broken.place.law, broken.place.node));
                let comment = verdict::in_words(&broken.violation, &names, "timewait run THIS");
                std::fs::write(&path, broken.typed.write(&comment))
                    .with_context(|| format!("cannot write {}", path.display()))?;
                format!("timewait run {0} && timewait shrink {0}", path.display())
            }
        };
        let words = verdict::in_words(&broken.violation, &names, &again);
        let count = format!("in {} runs, first with {} faults:", broken.runs, broken.faults);
        writeln!(out, "{} {words}", paint(RED.bold(), count))?;
    }
    let all = if explored.complete { "all of them" } else { "not all: --runs was reached" };
    writeln!(
        out,
        "{}",
        paint(
            BOLD,
            format_args!(
                "up to {} faults: {} runs ({all}), {} distinct, the longest of {} events",
                args.faults, explored.runs, explored.distinct, explored.longest
            )
        )
    )?;
    if explored.broken.is_empty() {
        writeln!(out, "{} no law is broken that was not without faults", paint(GREEN, "✓"))?;
    }
    Ok(())
}
