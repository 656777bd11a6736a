//! `timewait run`: runs scenarios, shows one, sums up several.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use sim::check::{Law, Violation};
use sim::{NodeId, PipeId, Simulator, Spec, TraceLevel};
use tcp::Time;
use timewait::find::{judge, verdict};
use timewait::scenario::Scenario;
use timewait::view::paint::{BOLD, DIM, paint};
use timewait::view::{self, Show, Story, sockets};
use timewait::{Names, pcap};

use super::report::{self, Outcome};
use super::{Color, Run, View, paths, screen};

/// Violations that are shown of one run: the first ones tell enough.
const MOST_SHOWN: usize = 5;

/// Runs what the arguments name. Returns whether every expectation was met.
pub fn run(args: &Run, color: Color, out: &mut dyn Write) -> Result<bool> {
    screen::tell_panics_once();
    let files = paths::scenarios(&args.files)?;
    match files.as_slice() {
        [file] => one(file, args, color, out),
        files => several(files, args, color, out),
    }
}

/// Runs one file and shows it.
fn one(file: &Path, args: &Run, color: Color, out: &mut dyn Write) -> Result<bool> {
    let (scenario, spec) = args.change.load(file, color)?;
    let names = Names::of(&spec);
    let show = show(args, &names)?;
    let wanted = args.view.unwrap_or_default();
    if reads_trace(wanted) && !args.at.is_empty() {
        bail!("--at says when `ss`, `netstat` and `tc` look: with --view ss, netstat or tc only");
    }
    let piped = args.pcap.as_deref() == Some(Path::new("-"));
    let viewed = args.quiet == 0 && !piped;
    if viewed && !args.at.is_empty() {
        look(&spec, &names, show, args, out)?;
    }
    let shown = viewed && reads_trace(wanted) || args.pcap.is_some();
    let (simulator, violations) = simulate(&scenario, &spec, shown, args.keep);
    if let Some(path) = &args.pcap {
        write_pcap(path, &simulator, &names, show.host)?;
    }
    if viewed {
        if is_prose(wanted) {
            title(&scenario, &names, out)?;
        }
        view(&simulator, &names, show, args, out)?;
    }
    if let Some(at) = simulator.trace_cut().filter(|_| shown) {
        let (kept, clock) = (simulator.records().len(), view::words::clock(at));
        anstream::eprintln!(
            "note: the trace ends at {clock} s, as {kept} records are kept; --keep N keeps more, -q none, --until ends the run"
        );
    }
    let outcome = outcome(file, &scenario, &spec, &simulator, &violations, args, color);
    if piped {
        // The standard output is the capture's.
        let mut err = screen::stderr(color);
        report::failures(&outcome, &mut err)?;
        return Ok(outcome.failures.is_empty());
    }
    report::failures(&outcome, out)?;
    if args.quiet < 2 && is_prose(wanted) {
        writeln!(out)?;
        report::one(&outcome, out)?;
    }
    Ok(outcome.failures.is_empty())
}

/// Runs several files, and says how each came out.
fn several(files: &[std::path::PathBuf], args: &Run, color: Color, out: &mut dyn Write) -> Result<bool> {
    if args.pcap.is_some() {
        bail!("--pcap takes the capture of one scenario, and here are {}", files.len());
    }
    if args.view.is_some() || args.host.is_some() {
        bail!("--view and --host show one scenario, and here are {}", files.len());
    }
    let progress = if args.quiet == 0 && screen::is_watched() {
        ProgressBar::new(files.len() as u64).with_style(
            ProgressStyle::with_template("{bar:30.cyan} {pos}/{len} {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        )
    } else {
        ProgressBar::hidden()
    };
    let mut outcomes = Vec::with_capacity(files.len());
    let mut wrong = Vec::new();
    for file in files {
        progress.set_message(paths::name(file));
        let (scenario, spec) = match args.change.load(file, color) {
            Ok(loaded) => loaded,
            Err(error) => {
                wrong.push(error.root_cause().to_string());
                progress.inc(1);
                continue;
            }
        };
        let (simulator, violations) = simulate(&scenario, &spec, false, args.keep);
        outcomes.push(outcome(file, &scenario, &spec, &simulator, &violations, args, color));
        progress.inc(1);
    }
    progress.finish_and_clear();
    if args.quiet < 2 {
        report::table(&outcomes, out)?;
    }
    for outcome in &outcomes {
        report::failures(outcome, out)?;
    }
    if !wrong.is_empty() {
        out.flush()?;
        return Err(anyhow::Error::msg(wrong.join("\n\n")).context(screen::Rendered));
    }
    Ok(outcomes.iter().all(|outcome| outcome.failures.is_empty()))
}

/// Whether a view is for people alone, so that a title and a summary may stand around it.
fn is_prose(view: View) -> bool {
    matches!(view, View::Trace | View::States | View::Ladder | View::Why)
}

/// Whether a view shows what happened, and not how things stand at a moment.
fn reads_trace(view: View) -> bool {
    !matches!(view, View::Ss | View::Netstat | View::Tc)
}

fn show(args: &Run, names: &Names) -> Result<Show> {
    let host = args.host.as_ref().map(|name| {
        names.by_name(name).with_context(|| {
            let all: Vec<&str> = names.all().map(|id| names.node(id)).collect();
            format!("--host {name}: there is no such host; there are {}", all.join(", "))
        })
    });
    Ok(Show { host: host.transpose()?, width: args.width.unwrap_or_else(screen::width) })
}

/// Runs it. A trace is kept only if it is shown or something is expected of it: a long run needs no memory for one that
/// nobody reads. Returns what it broke as well.
fn simulate(scenario: &Scenario, spec: &Spec, shown: bool, keep: usize) -> (Simulator, Vec<Violation>) {
    let wanted = shown || !scenario.expectations().is_empty();
    let mut simulator = Simulator::new(spec, if wanted { TraceLevel::On } else { TraceLevel::Off });
    if !checks_streams(scenario) {
        simulator = simulator.without_checks();
    }
    if scenario.typed.check.as_ref().and_then(|check| check.laws).unwrap_or(true) {
        simulator = simulator.with_checks(spec);
    }
    simulator = simulator.keep_at_most(keep);
    let violations = judge::run(&scenario.typed, &mut simulator);
    (simulator, violations)
}

/// Whether streams have to arrive as they were written: unless the scenario says otherwise.
fn checks_streams(scenario: &Scenario) -> bool {
    scenario.typed.check.as_ref().and_then(|check| check.stream).unwrap_or(true)
}

/// What the run was about, and who takes part.
fn title(scenario: &Scenario, names: &Names, out: &mut dyn Write) -> Result<()> {
    if !scenario.about().is_empty() {
        writeln!(out, "{}", paint(BOLD, scenario.about()))?;
    }
    let nodes: Vec<String> = names
        .all()
        .map(|id| {
            let addresses: Vec<String> = names.addresses(id).iter().map(ToString::to_string).collect();
            format!("{} {}", names.node(id), addresses.join(", "))
        })
        .collect();
    writeln!(out, "{}\n", paint(DIM, nodes.join(" · ")))?;
    Ok(())
}

/// Shows a run that is over.
fn view(simulator: &Simulator, names: &Names, show: Show, args: &Run, out: &mut dyn Write) -> Result<()> {
    let story = Story::read(simulator.records(), names);
    match args.view.unwrap_or_default() {
        View::Trace => view::trace::write(&story, show, out)?,
        View::Tcpdump => view::tcpdump::write(&story, show, out)?,
        View::States => view::states::write(&story, show, out)?,
        View::Ladder => view::ladder::write(&story, show, out)?,
        View::Json => view::json::write(&story, show, out)?,
        View::Why => view::why::write(&story, show, out)?,
        View::Ss | View::Netstat | View::Tc if args.at.is_empty() => {
            tables(simulator, names, show, args, out)?
        }
        View::Ss | View::Netstat | View::Tc => {}
    }
    Ok(())
}

/// Runs to each of the times asked for, and shows the sockets then.
fn look(spec: &Spec, names: &Names, show: Show, args: &Run, out: &mut dyn Write) -> Result<()> {
    let mut times: Vec<Time> = args.at.iter().map(|at| at.time()).collect();
    times.sort_unstable();
    let mut simulator = Simulator::new(spec, TraceLevel::Off);
    for (i, at) in times.into_iter().enumerate() {
        simulator.run_until(at);
        if i > 0 {
            writeln!(out)?;
        }
        tables(&simulator, names, show, args, out)?;
    }
    Ok(())
}

/// The sockets of each host, now.
fn tables(simulator: &Simulator, names: &Names, show: Show, args: &Run, out: &mut dyn Write) -> Result<()> {
    if args.view == Some(View::Tc) {
        return queues(simulator, show, out);
    }
    let hosts: Vec<NodeId> = names.hosts().filter(|id| show.host.is_none_or(|host| host == *id)).collect();
    for (i, host) in hosts.into_iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        let now = simulator.now();
        let clock = view::words::clock(now);
        writeln!(out, "{}", paint(DIM, format_args!("# {} at {clock} s", names.node(host))))?;
        let rows = simulator.sockets(host);
        if args.view == Some(View::Ss) {
            sockets::ss::write(&rows, now, out)?;
        } else {
            sockets::netstat::write(&rows, now, out)?;
        }
    }
    Ok(())
}

/// The queues in front of each direction of the links, now: of all, or of those that a host sends into.
fn queues(simulator: &Simulator, show: Show, out: &mut dyn Write) -> Result<()> {
    let clock = view::words::clock(simulator.now());
    writeln!(out, "{}", paint(DIM, format_args!("# at {clock} s")))?;
    for pipe in (0..simulator.names().pipes()).map(PipeId) {
        if show.host.is_none_or(|host| host == simulator.names().ends(pipe).0) {
            sockets::tc::write(simulator, pipe, out)?;
        }
    }
    Ok(())
}

/// Writes a capture; to `-`, to the standard output, past all that looks for colours there.
fn write_pcap(path: &Path, simulator: &Simulator, names: &Names, host: Option<NodeId>) -> Result<()> {
    let story = Story::read(simulator.records(), names);
    if path == Path::new("-") {
        let mut out = BufWriter::new(std::io::stdout().lock());
        pcap::write(&story, host, &mut out)?;
        return Ok(out.flush()?);
    }
    let file = std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut file = BufWriter::new(file);
    pcap::write(&story, host, &mut file).with_context(|| format!("cannot write {}", path.display()))?;
    file.flush().with_context(|| format!("cannot write {}", path.display()))
}

/// How a run came out.
fn outcome(
    file: &Path,
    scenario: &Scenario,
    spec: &Spec,
    simulator: &Simulator,
    violations: &[Violation],
    args: &Run,
    color: Color,
) -> Outcome {
    let names = &Names::of(spec);
    let panicked = violations.iter().any(|violation| violation.law == Law::NoPanic);
    let mut failures: Vec<String> = match simulator.trace_cut() {
        // That is told below, and of the rest there was no run.
        _ if panicked => Vec::new(),
        Some(at) if !scenario.expectations().is_empty() => {
            let (kept, clock) = (simulator.records().len(), view::words::clock(at));
            vec![format!(
                "the expectations need the whole trace, of which {kept} records up to {clock} s were kept: --keep N keeps more"
            )]
        }
        _ => {
            let missed = scenario.judge(spec, simulator);
            missed.iter().map(|failure| failure.render(scenario, screen::is_colored_out(color))).collect()
        }
    };
    let again = args.change.command("run", file);
    let broken: Vec<_> = verdict::unexcused(violations).collect();
    // Behind a panic comes nothing.
    let last = broken.iter().skip(MOST_SHOWN).filter(|violation| violation.law == Law::NoPanic);
    let shown: Vec<_> = broken.iter().take(MOST_SHOWN).chain(last).collect();
    failures.extend(shown.iter().map(|violation| verdict::in_words(violation, names, &again)));
    if broken.len() > shown.len() {
        failures.push(format!("and {} violations more", broken.len() - shown.len()));
    }
    let excused = violations.iter().find_map(|violation| Some((violation, violation.excuse?)));
    let notes = excused.map(|(violation, excuse)| {
        format!("{}\n  not counted: {excuse}", verdict::in_words(violation, names, &again))
    });
    Outcome {
        name: paths::name(file),
        end: simulator.now(),
        events: simulator.events(),
        packets: simulator.packets_sent(),
        hash: simulator.trace_hash(),
        checked: scenario.expectations().len(),
        failures,
        notes: notes.into_iter().collect(),
    }
}
