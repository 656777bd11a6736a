//! `timewait compare`: a run of ours beside what a kernel did, or beside another run.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use clap::{Args, ValueHint};
use serde_json::{Value, json};
use sim::Simulator;
use timewait::Names;
use timewait::compare::judge::{Difference, What};
use timewait::compare::windows::{self, Agreement};
use timewait::compare::{self, Capture, Kind, Seg, Settings, ours, roles, show};
use timewait::scenario::{self, Diagnostics, Scenario, units::Span};
use timewait::view::paint::{BOLD, DIM, GREEN, RED, YELLOW, paint};

use super::{Color, MOST_RECORDS, screen};

const EXAMPLES: &str = "\
Examples:
  timewait compare tests/kernel/lost_fin.txt tests/kernel/lost_fin.ron
  timewait compare captures/lost_fin lost_fin.ron             a recorder's folder
  timewait compare mine.pcap mine.ron --tolerance 20ms        tcpdump's file of one connection
  timewait compare scenarios/lost_fin.ron --set hosts.client.tcp.personality=FreeBsd
  timewait compare one.ron other.ron                          two runs of ours

Of the first, it says whether the run of the scenario equals it, and if not, shows the first difference with both \
sides around it. Two runs of ours are compared to the microsecond and octet; beside a kernel its timers may be late \
(a timer of T fires from T to T * 1.125 + 4 ms), windows count as equal when both or none are zero, and PSH on bulk \
data is not compared. docs/comparing.md tells more.

Exit status: 0 if they are equal, 1 if they differ, 2 if a file or an argument is wrong.";

/// Arguments of `timewait compare`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Compare {
    /// What somebody else did: a capture (folder, text, pcap or pcapng), or another scenario.
    #[arg(value_hint = ValueHint::AnyPath)]
    pub theirs: PathBuf,
    /// The scenario that is laid beside it. Default: the first, if that is a scenario.
    #[arg(value_name = "SCENARIO", value_hint = ValueHint::FilePath)]
    pub scenario: Option<PathBuf>,
    /// Change a value of the scenario: `hosts.client.tcp.congestion=Reno`; repeatable.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// How far apart times may lie beyond what timers explain. Default: 2.5ms beside a kernel, 0 beside a run of ours.
    #[arg(long, value_name = "TIME")]
    pub tolerance: Option<Span>,
    /// The host of the scenario on which a pcap was taken. Default: as its first handshake tells.
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// Differing congestion windows and thresholds count, too (where the capture has them).
    #[arg(long)]
    pub windows: bool,
    /// One record, for programs (docs/comparing.md).
    #[arg(long)]
    pub json: bool,
    /// Nothing but the exit status.
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
}

impl Compare {
    /// What is laid beside theirs, as a person would name it: with its changes.
    fn ours(&self, scenario: &Path) -> String {
        let changes = self.set.iter().map(|change| format!(" --set {change}"));
        std::iter::once(scenario.display().to_string()).chain(changes).collect()
    }
}

/// Compares. Returns whether both sides are equal.
pub fn run(args: &Compare, color: Color, out: &mut dyn Write) -> Result<bool> {
    let rendered =
        |wrong: Diagnostics| anyhow!(wrong.render(screen::is_colored(color))).context(screen::Rendered);
    let is_scenario = args.theirs.extension().is_some_and(|extension| extension == "ron");
    let Some(second) = args.scenario.as_ref().or(is_scenario.then_some(&args.theirs)) else {
        bail!("{} is a capture: which SCENARIO is compared with it?", args.theirs.display());
    };
    let (mut theirs, kind) = if is_scenario {
        (watch(&scenario::load(&args.theirs).map_err(rendered)?).0, Kind::Ours)
    } else {
        compare::load(&args.theirs).map_err(rendered)?
    };
    let ours = scenario::load(second).map_err(rendered)?;
    let ours = args.set.iter().try_fold(ours, |ours, change| ours.set(change)).map_err(rendered)?;
    let names = Names::of(ours.spec());
    let (mut ours, run) = watch(&ours);
    roles::align(&mut theirs, &ours);
    if kind == Kind::Pcap {
        ours = as_seen_there(args, &theirs, &names, &run)?;
        roles::shift(&mut theirs, &ours);
    }
    let verdict = Verdict {
        difference: compare::compare(&theirs, &ours, settings(args, kind)),
        windows: windows::compare(&theirs, &ours),
        strict: args.windows || kind == Kind::Ours,
        names: [args.theirs.display().to_string(), args.ours(second)],
        only_segments: kind == Kind::Pcap,
        theirs: &theirs,
        ours: &ours,
    };
    if args.json {
        writeln!(out, "{}", verdict.record())?;
    } else if !args.quiet {
        verdict.write(out)?;
    }
    Ok(verdict.is_equal())
}

fn settings(args: &Compare, kind: Kind) -> Settings {
    let mut settings = if kind == Kind::Ours { Settings::EXACT } else { Settings::KERNEL };
    if let Some(span) = args.tolerance {
        settings.tolerance = span.time().as_nanos() / 1_000;
    }
    settings.only_segments = kind == Kind::Pcap;
    settings
}

fn watch(scenario: &Scenario) -> (Capture, Simulator) {
    windows::watch(scenario.spec(), MOST_RECORDS)
}

/// Our segments as the host sees them on which the packets of `theirs` were captured.
fn as_seen_there(args: &Compare, theirs: &Capture, names: &Names, run: &Simulator) -> Result<Capture> {
    let host = args.host.clone().or_else(|| roles::vantage(theirs));
    let Some(host) = host else {
        bail!(
            "{}: there is no handshake in it that tells on which host it was taken: --host NAME",
            args.theirs.display()
        );
    };
    let Some(id) = names.by_name(&host) else {
        let all: Vec<&str> = names.all().map(|id| names.node(id)).collect();
        bail!("--host {host}: there is no such host; there are {}", all.join(", "));
    };
    let host = names.node(id);
    Ok(ours::seen_by(run.records(), &|id| run.names().node(sim::NodeId(id)).to_string(), host))
}

/// What was found.
struct Verdict<'a> {
    difference: Option<Difference>,
    windows: Vec<Agreement>,
    /// Whether windows count.
    strict: bool,
    names: [String; 2],
    /// Whether there was nothing but segments to compare.
    only_segments: bool,
    theirs: &'a Capture,
    ours: &'a Capture,
}

impl Verdict<'_> {
    fn is_equal(&self) -> bool {
        self.difference.is_none() && !(self.strict && self.windows.iter().any(|end| end.first.is_some()))
    }

    fn write(&self, out: &mut dyn Write) -> Result<()> {
        let [theirs, ours] = &self.names;
        match &self.difference {
            None => {
                let Capture { segments, states, errors, cut, .. } = self.theirs;
                let until = cut.map_or_else(String::new, |cut| format!(" up to {} s", compare::seconds(cut)));
                let others = if self.only_segments {
                    String::new()
                } else {
                    format!(", {} states, {} errors", states.len(), errors.len())
                };
                let counts = format!(" · {} segments{others}{until}", segments.len());
                writeln!(out, "{}{}", paint(GREEN, "✓ equal"), paint(DIM, counts))?;
            }
            Some(difference) => {
                writeln!(
                    out,
                    "{} {}",
                    paint(RED.bold(), "✗ first difference:"),
                    paint(BOLD, &difference.place)
                )?;
                out.write_all(show::text(difference, self.theirs, self.ours, [theirs, ours]).as_bytes())?;
            }
        }
        for end in &self.windows {
            let (style, mark) = match end.first {
                None => (GREEN, "✓"),
                Some(_) if self.strict => (RED, "✗"),
                Some(_) => (YELLOW, "~"),
            };
            write!(out, "{} {}", paint(style, mark), show::agreement(end))?;
        }
        Ok(())
    }

    fn record(&self) -> Value {
        let segment = |segments: &[Seg], at: Option<usize>| at.map(|at| record_of(&segments[at]));
        let difference = self.difference.as_ref().map(|difference| {
            let (theirs, ours) = match &difference.what {
                What::Segment { theirs, ours, .. } => (
                    json!(segment(&self.theirs.segments, *theirs)),
                    json!(segment(&self.ours.segments, *ours)),
                ),
                What::States { theirs, ours, .. } => (states(theirs), states(ours)),
                What::Errors => (errors(self.theirs), errors(self.ours)),
            };
            json!({ "place": difference.place, "theirs": theirs, "ours": ours })
        });
        let windows = self.windows.iter().map(|end| {
            let window = |w: &compare::Window| {
                json!({ "at_us": w.at, "una": w.una, "cwnd": w.cwnd, "ssthresh": w.ssthresh })
            };
            let first = end.first.as_ref();
            json!({
                "host": end.who, "ports": end.ports, "theirs": end.theirs, "common": end.common, "equal": end.equal,
                "first": first.map(|(t, o)| json!({ "theirs": window(t), "ours": window(o) })),
            })
        });
        json!({
            "equal": self.is_equal(), "difference": difference, "windows": windows.collect::<Vec<_>>(),
            "segments": self.theirs.segments.len(), "cut_us": self.theirs.cut,
        })
    }
}

fn record_of(segment: &Seg) -> Value {
    let Seg { at, who, ports, flags, seq, ack, len, wnd, urg, options, fate, why } = segment;
    json!({
        "at_us": at, "host": who, "ports": ports, "flags": flags, "seq": seq, "ack": ack, "len": len, "wnd": wnd,
        "urg": urg, "options": options, "fate": fate, "why": why,
    })
}

fn states(list: &[compare::StateChange]) -> Value {
    list.iter().map(|s| json!({ "at_us": s.at, "host": s.who, "ports": s.ports, "state": s.state })).collect()
}

fn errors(capture: &Capture) -> Value {
    capture.errors.iter().map(|e| json!({ "at_us": e.at, "host": e.who, "errno": e.errno })).collect()
}
