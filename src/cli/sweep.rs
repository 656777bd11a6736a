//! `timewait sweep`: runs what is not there yet, on all cores, and sums up.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use timewait::sweep::play::Played;
use timewait::sweep::store::{self, Header};
use timewait::sweep::work::{self, Stopped};
use timewait::sweep::{Plan, merge, plan};
use timewait::view::paint::{DIM, RED, paint};

use super::sweeping::{Form, Sweep};
use super::{Color, interrupt, paths, results, screen};

/// Runs that broke something and are told of as they come.
const MOST_SHOWN: u64 = 10;

/// Runs a sweep. Returns whether every run did as it should.
pub fn run(args: &Sweep, color: Color, out: &mut dyn Write) -> Result<bool> {
    let plan = plan::load(&args.file)
        .map_err(|wrong| anyhow!(wrong.render(screen::is_colored(color))).context(screen::Rendered))?;
    results::confidence(&args.shown.confidence)?;
    if args.shown.form == Form::Parquet {
        super::parquet::able(true)?;
    }
    let shard = args.shard.as_deref().map(shard).transpose()?;
    let header = plan.header(shard);
    if args.list {
        return list(&plan, &header, out).map(|()| true);
    }
    results::will_have(&header, &args.shown.figure)?;
    ask(&plan, &header, args)?;
    let path = args.output.clone().unwrap_or_else(|| default_output(&args.file, shard));
    let (mut file, missing) = open(&path, &header)?;
    let interrupted =
        interrupt::heard(color, "ending with the runs under way; Ctrl-C once more ends without them");
    let going = Going { plan: &plan, header: &header, path: &path, args, color, interrupted };
    let fine = going.go_on(&missing, &mut file)?;
    file.sync_all().with_context(|| format!("cannot write {}", path.display()))?;
    let all = results::read(&path)?;
    if all.is_complete() && !all.sorted {
        results::replace(&path, &all)?;
    }
    drop(file); // and with it the lock
    let shown = args.quiet < 2 || args.shown.form != Form::Table;
    if shown {
        if args.shown.form == Form::Table && !plan.about.is_empty() {
            writeln!(out, "{}\n", paint(timewait::view::paint::BOLD, &plan.about))?;
        }
        return results::show(&all, &args.shown, out);
    }
    Ok(fine && all.rows().iter().all(|row| row.failed.is_none()))
}

/// `2/8`.
fn shard(text: &str) -> Result<(u64, u64)> {
    let parts =
        text.split_once('/').and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
    match parts {
        Some((part, parts)) if (1..=parts).contains(&part) => Ok((part, parts)),
        Some((_, parts)) if parts > 0 => bail!("--shard {text}: the parts are 1/{parts} to {parts}/{parts}"),
        _ => bail!("--shard {text}: expected a part and their number, as in 2/8"),
    }
}

/// The runs, each with the command that repeats it.
fn list(plan: &Plan, header: &Header, out: &mut dyn Write) -> Result<()> {
    for run in header.mine().filter_map(|number| plan.run(number)) {
        writeln!(out, "{}", plan.command(&run))?;
    }
    Ok(())
}

/// Nobody starts a million runs by a slip.
fn ask(plan: &Plan, header: &Header, args: &Sweep) -> Result<()> {
    let runs = header.mine().count() as u64;
    if args.yes || runs <= args.limit {
        return Ok(());
    }
    let axes = plan.axes.iter().filter(|axis| axis.lead.is_none());
    let counts: Vec<String> = axes.map(|axis| format!("{} of `{}`", axis.values.len(), axis.name)).collect();
    bail!(
        "{runs} runs ({}, {} seeds): more than {}; --yes runs them all, --limit N sets another limit",
        counts.join(", "),
        plan.seeds.len(),
        args.limit
    )
}

/// `loss.jsonl`, `loss.2-of-8.jsonl`.
fn default_output(file: &Path, shard: Option<(u64, u64)>) -> PathBuf {
    let part = shard.map_or(String::new(), |(part, parts)| format!(".{part}-of-{parts}"));
    PathBuf::from(format!("{}{part}.jsonl", paths::name(file)))
}

/// Opens the file of results to add to it; says which runs are missing.
fn open(path: &Path, header: &Header) -> Result<(File, Vec<u64>)> {
    let name = path.display();
    let cannot = || format!("cannot write {name}");
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        bail!("{name} is no file");
    }
    let mut file = alone(path)?;
    let bytes = fs::read(path).with_context(|| format!("cannot read {name}"))?;
    let known = store::read(&bytes).with_context(|| format!("{name} cannot be gone on with"))?;
    let (whole, done) = match &known {
        None if store::is_torn_header(&bytes, header) => (0, None),
        None => bail!("{name} is there and has no results of a sweep: --output FILE writes to another"),
        Some(known) if known.header.sweep != header.sweep => bail!(
            "{name} has the results of another sweep ({}): --output FILE writes to another",
            merge::difference(&known.header, header)
        ),
        Some(known) if known.header.shard != header.shard => bail!(
            "{name} has the results of {}, and this is {}: --output FILE writes to another",
            known.header.part(),
            header.part()
        ),
        Some(known) => (known.whole, Some(&known.lines)),
    };
    if whole < bytes.len() {
        file.set_len(whole as u64).with_context(cannot)?;
    }
    if whole == 0 {
        file.write_all(header.line().as_bytes()).with_context(cannot)?;
    }
    let is_missing = |run: &u64| done.is_none_or(|done| !done.contains_key(run));
    Ok((file, header.mine().filter(is_missing).collect()))
}

/// Opens a file to add to it, as the only process that does: two that run the same sweep would do the same work twice, and
/// one could write over what the other is about to add.
fn alone(path: &Path) -> Result<File> {
    let name = path.display();
    loop {
        let open = OpenOptions::new().create(true).append(true).open(path);
        let file = open.with_context(|| format!("cannot write {name}"))?;
        if !lock(&file) {
            bail!(
                "{name} is being written by another process: wait for it, or --output FILE writes to another"
            );
        }
        // A file in order has taken its place between the two, written by the process that had the lock.
        if is_at(&file, path) {
            return Ok(file);
        }
    }
}
/// Takes the lock of a file, which goes with the last handle of it. `false`: another process has it.
#[cfg(unix)]
fn lock(file: &File) -> bool {
    use rustix::fs::{FlockOperation, flock};
    // A file system that knows no locks has none to be had by others.
    flock(file, FlockOperation::NonBlockingLockExclusive) != Err(rustix::io::Errno::WOULDBLOCK)
}
#[cfg(not(unix))]
fn lock(_: &File) -> bool {
    true
}
/// Whether this is the file that has this name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    file.metadata().ok().zip(fs::metadata(path).ok()).is_some_and(|(a, b)| same(a, b))
}
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// A sweep that goes on.
struct Going<'a> {
    plan: &'a Plan,
    header: &'a Header,
    path: &'a Path,
    args: &'a Sweep,
    color: Color,
    /// Somebody has pressed Ctrl-C.
    interrupted: Arc<AtomicBool>,
}

impl Going<'_> {
    /// Runs what is missing. Returns whether all of that did as it should.
    fn go_on(&self, missing: &[u64], file: &mut File) -> Result<bool> {
        let Going { plan, header, args, color, .. } = *self;
        let path = self.path.display();
        let total = header.mine().count();
        let there = total - missing.len();
        let jobs = super::fuzz::jobs(args.jobs);
        if args.quiet == 0 {
            let already = if there > 0 { format!("; {there} are there already") } else { String::new() };
            let part = if header.shard.is_some() { format!(", {}", header.part()) } else { String::new() };
            let (cells, seeds) = (plan.cells(), plan.seeds.len());
            let text =
                format!("{total} runs ({cells} combinations, {seeds} seeds{part}) go to {path}{already}");
            screen::note(color, paint(DIM, text));
        }
        let progress = progress(total as u64, there as u64, args.quiet > 0);
        let mut failed = 0;
        let mut done = |run: &plan::Run, played: &Played| {
            progress.inc(1);
            let Some(why) = &played.failed else { return };
            failed += 1;
            if failed <= MOST_SHOWN {
                let text = format!("run {}: {why}\n  again: {}", run.number, plan.command(run));
                progress.suspend(|| screen::note(color, format_args!("{} {text}", paint(RED, "✗"))));
            }
        };
        let outcome = work::work(plan, missing, jobs, &self.interrupted, file, &mut done);
        progress.finish_and_clear();
        match outcome {
            Ok(()) => Ok(failed == 0),
            Err(Stopped::Interrupted(left)) => {
                let kept = kept(total - left, total);
                screen::note(color, format_args!("interrupted: {kept}"));
                Err(screen::Unfinished.into())
            }
            Err(Stopped::Write(error)) => {
                let there = results::read(self.path).map_or(0, |results| results.lines.len());
                let kept = kept(there, total);
                Err(error).with_context(|| format!("cannot write {path} ({kept})"))
            }
            Err(Stopped::Unfit(run, why)) => Err(anyhow!("run {run}: its values do not go together\n{why}")),
        }
    }
}

/// What is told of a sweep that ends early: nothing of what is done is done again.
fn kept(there: usize, total: usize) -> String {
    format!("{there} of {total} runs are kept; the same command goes on from there")
}

fn progress(total: u64, there: u64, hidden: bool) -> ProgressBar {
    if hidden || !screen::is_watched() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30.cyan} {pos}/{len} runs, {elapsed} so far, {eta} to go")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(total).with_style(style).with_position(there);
    bar.reset_eta();
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}
