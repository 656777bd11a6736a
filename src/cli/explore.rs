//! `timewait explore`: every way to treat up to so many packets of a scenario badly.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use timewait::Names;
use timewait::find::explore::{Broken, Explored, Kind, Plan, Progress, explore};
use timewait::find::shrink::{Shrunk, shrink_at};
use timewait::find::{judge, verdict};
use timewait::scenario::Scenario;
use timewait::view::paint::{BOLD, GREEN, RED, paint};

use super::finding::{Explore, STATES, TRIES, Treatment};
use super::report::count;
use super::{Color, paths, screen};

/// Runs that shrinking of one finding may take.
const SHRINKING: u64 = 1_000;

/// Returns whether nothing was broken.
pub fn run(args: &Explore, color: Color, out: &mut dyn Write) -> Result<bool> {
    if args.table {
        return table(args, color, out);
    }
    if args.file.is_dir() {
        bail!(
            "{} is a folder: one scenario is explored, or with --table all of a folder",
            args.file.display()
        );
    }
    let scenario = args.change.scenario(&args.file, color)?;
    screen::tell_panics_once();
    let progress = if screen::is_watched() { ProgressBar::new(1) } else { ProgressBar::hidden() };
    progress.set_style(
        ProgressStyle::with_template("{bar:30.cyan} {pos}/{len} runs, {eta}: {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let told = |at: Progress| {
        progress.set_length(at.of.max(at.runs));
        progress.set_position(at.runs);
        progress.set_message(format!("up to {} faults, {} worlds", at.faults, at.states));
    };
    let explored = explore(&scenario, &plan(args), &told).map_err(|error| anyhow!(error))?;
    progress.finish_and_clear();
    report(&explored, args, &scenario, out)?;
    if explored.broken.is_empty() && !explored.complete {
        out.flush()?;
        return Err(screen::Unfinished.into());
    }
    Ok(explored.broken.is_empty())
}

fn plan(args: &Explore) -> Plan {
    let kinds =
        if args.only.is_empty() { Kind::ALL.to_vec() } else { args.only.iter().map(|t| kind(*t)).collect() };
    let jobs = super::fuzz::jobs(args.jobs);
    Plan {
        faults: args.faults,
        kinds,
        crash: args.crash.clone(),
        jobs,
        most: args.runs,
        most_states: args.states,
        merge: !args.no_merge,
    }
}

fn kind(treatment: Treatment) -> Kind {
    match treatment {
        Treatment::Drop => Kind::Drop,
        Treatment::Duplicate => Kind::Duplicate,
        Treatment::Delay => Kind::Delay,
        Treatment::Corrupt => Kind::Corrupt,
    }
}

fn report(explored: &Explored, args: &Explore, scenario: &Scenario, out: &mut dyn Write) -> Result<()> {
    let names = Names::of(scenario.spec());
    for broken in &explored.broken {
        let (again, small) = match &args.keep {
            None => {
                let small = small(broken).map_or_else(|| broken.typed.clone(), |small| small.scenario.typed);
                (again(args), Some(small.write("")))
            }
            Some(dir) => (keep(dir, broken, &names)?, None),
        };
        let words = verdict::in_words(&broken.violation, &names, &again);
        let (ends, faults) = (count(broken.ends, "end"), count(broken.faults.into(), "fault"));
        let where_to = match broken.ends {
            0 => format!("in a run with {faults}:"),
            _ => format!("at {ends}, with {faults} at the least:"),
        };
        writeln!(out, "{} {words}", paint(RED.bold(), where_to))?;
        if let Some(small) = small {
            writeln!(out, "  small:\n{}", small.trim_end())?;
        }
    }
    let faults = |faults: u32| count(faults.into(), "fault");
    if let Some(reached) = explored.reached {
        counted(explored, reached, out)?;
    }
    if !explored.complete {
        let next = explored.reached.map_or(0, |reached| reached + 1);
        let next = if args.no_merge { args.faults } else { next };
        let why = "--runs or --states was reached";
        writeln!(out, "{} up to {}: {why}", paint(RED.bold(), "not all was tried with"), faults(next))?;
    } else if explored.broken.is_empty() {
        writeln!(out, "{} no law is broken that was not without faults", paint(GREEN, "✓"))?;
    }
    Ok(())
}

/// What was counted where all was tried with so many faults.
fn counted(explored: &Explored, reached: u32, out: &mut dyn Write) -> Result<()> {
    let Explored { runs, merged, states, ends, deepest, decided, latest, .. } = explored;
    let (runs, faults) = (count(*runs, "run"), count(reached.into(), "fault"));
    let first = format!("up to {faults}: {runs} (all of them), of which {merged} became equal to another");
    writeln!(out, "{}", paint(BOLD, first))?;
    let clock = timewait::view::words::clock;
    // That all faults are of use goes without saying.
    let fewer = match deepest {
        deepest if *deepest < reached => format!(", each reached with {}", count((*deepest).into(), "fault")),
        _ => String::new(),
    };
    writeln!(
        out,
        "{}, {}{fewer}, the last decision at {} s, the last end at {} s",
        count(*states, "different world"),
        count(*ends, "different end"),
        clock(*decided),
        clock(*latest)
    )?;
    Ok(())
}

/// The command that finds the same, and writes it down.
fn again(args: &Explore) -> String {
    let mut command = args.change.command("explore", &args.file);
    command += &format!(" --faults {}", args.faults);
    for treatment in &args.only {
        let name = treatment.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned());
        command += &format!(" --only {name}");
    }
    for host in &args.crash {
        command += &format!(" --crash {}", judge::quoted(host));
    }
    if args.runs != TRIES {
        command += &format!(" --runs {}", args.runs);
    }
    if args.states != STATES {
        command += &format!(" --states {}", args.states);
    }
    if args.no_merge {
        command += " --no-merge";
    }
    command + " --keep found"
}

/// What a run has broken made small, if that succeeds.
fn small(broken: &Broken) -> Option<Shrunk> {
    let frozen = Scenario::parse("frozen.ron", &broken.typed.write(""));
    let small = frozen.and_then(|frozen| shrink_at(&frozen, &broken.place, SHRINKING, &mut |_, _| {}));
    small.ok().flatten()
}

/// Writes down what a run has broken, as it was and made small. Returns the command that repeats it.
fn keep(dir: &Path, broken: &Broken, names: &Names) -> Result<String> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let name = broken.place.name();
    let write = |name: String, text: &dyn Fn(&str) -> Option<String>| {
        let path = dir.join(name).display().to_string();
        let Some(text) = text(&path) else { return Ok(None) };
        std::fs::write(&path, text).with_context(|| format!("cannot write {path}"))?;
        Ok::<_, anyhow::Error>(Some(judge::command(&path)))
    };
    let whole = |path: &str| {
        let comment = verdict::in_words(&broken.violation, names, &judge::command(path));
        Some(broken.typed.write(&comment))
    };
    let whole = write(format!("{name}.ron"), &whole)?;
    let small = write(format!("{name}.small.ron"), &|path| Some(small(broken)?.text(&judge::command(path))))?;
    Ok(small.or(whole).unwrap_or_default())
}

/// For each scenario, what came of one fault, two, and so on.
fn table(args: &Explore, color: Color, out: &mut dyn Write) -> Result<bool> {
    let time = super::fuzz::how_long(args.time);
    let mut whole = true;
    writeln!(out, "| scenario | K | runs | became equal | worlds | ends | time | broken |")?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    for path in paths::scenarios(std::slice::from_ref(&args.file))? {
        let scenario = args.change.scenario(&path, color)?;
        let mut last = None;
        for faults in 1..=args.faults {
            let began = super::fuzz::now();
            let within = |_: Progress| began.elapsed() < time;
            let plan = Plan { faults, ..plan(args) };
            let explored = timewait::find::explore::explore_while(&scenario, &plan, &within)
                .map_err(|error| anyhow!("{}: {error}", path.display()))?;
            if !explored.complete {
                break;
            }
            last = Some((faults, explored, began.elapsed()));
        }
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Some((faults, e, took)) = last else {
            writeln!(out, "| `{name}` | 0 | | | | | | |")?;
            continue;
        };
        whole &= e.broken.is_empty();
        let broken: Vec<&str> = e.broken.iter().map(|broken| broken.place.law.name()).collect();
        let (secs, tenths) = (took.as_secs(), took.subsec_millis() / 100);
        let Explored { runs, merged, states, ends, .. } = e;
        let broken = broken.join(", ");
        writeln!(
            out,
            "| `{name}` | {faults} | {runs} | {merged} | {states} | {ends} | {secs}.{tenths} s | {broken} |"
        )?;
        out.flush()?;
    }
    Ok(whole)
}
