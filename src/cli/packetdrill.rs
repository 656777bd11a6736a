//! `timewait packetdrill`: scripts of the field's test language, and how they came out.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;
use timewait::packetdrill::run::{self, Failure, Outcome, Settings, Verdict};
use timewait::packetdrill::{self, Script, Symbols};
use timewait::scenario::units::Span;
use timewait::view::paint::{BOLD, DIM, GREEN, RED, YELLOW, paint};
use timewait::view::words;

use super::{Color, Packetdrill, Personality, paths, screen};

/// What the suites' own runners define where scripts run over IP version 4.
const DEFINED: [(&str, &str); 5] = [
    ("TFO_COOKIE", "3021b9d889017eeb"),
    ("TFO_COOKIE_ZERO", "b7c12350a90dc8f5"),
    ("CODE", "host_unreachable"),
    ("CMSG_LEVEL_IP", "SOL_IP"),
    ("CMSG_TYPE_RECVERR", "IP_RECVERR"),
];

/// Runs scripts. Returns whether all passed.
pub fn packetdrill(args: &Packetdrill, color: Color, out: &mut dyn Write) -> Result<bool> {
    let symbols = symbols(&args.define)?;
    if args.personality != Personality::Linux && (args.hz.is_some() || args.hz_phase.is_some()) {
        bail!("--hz and --hz-phase are of Linux's timers: only with --personality linux");
    }
    let files = paths::scripts(&args.files)?;
    if args.pcap.is_some() && files.len() != 1 {
        bail!("--pcap takes one script, not {}", files.len());
    }
    let mut wrong = Vec::new();
    let mut table = Table::default();
    let mut failures = Vec::new();
    for file in &files {
        let script = match packetdrill::load(file, &symbols) {
            Ok(script) => script,
            Err(diagnostics) => {
                wrong.push(diagnostics.render(screen::is_colored(color)));
                continue;
            }
        };
        if args.check {
            writeln!(out, "{} {}", paint(GREEN, "✓"), script.path)?;
            continue;
        }
        let outcome = run::run(&script, &settings(args));
        if let Some(path) = &args.pcap {
            write_pcap(path, &outcome)?;
        }
        if args.json {
            writeln!(out, "{}", record(&script, &outcome))?;
        } else if args.quiet == 0 {
            line(&script, &outcome, out)?;
        }
        table.count(&area(&script.path), &outcome.verdict);
        failures.extend(reports(&script, &outcome, args, screen::is_colored_out(color)));
    }
    if !args.check && !args.json {
        failures.iter().try_for_each(|report| writeln!(out, "\n{report}"))?;
        if args.quiet < 2 && !table.areas.is_empty() {
            table.write(out)?;
        }
    }
    if wrong.is_empty() {
        return Ok(table.passed(args.strict));
    }
    out.flush()?;
    Err(anyhow::Error::msg(wrong.join("\n\n")).context(screen::Rendered))
}

fn settings(args: &Packetdrill) -> Settings {
    let tcp = match args.personality {
        // A kernel's timers are on its wheel; what scripts expect of times and of memory was written on one of 1000 ticks a
        // second that keeps more room for headers.
        Personality::Linux => tcp::Config {
            hz: Some(args.hz.unwrap_or(1000)),
            hz_phase: args.hz_phase.unwrap_or(Span(0)).duration(),
            max_tcp_header: 320,
            skb_overhead: 1280,
            ..sim::sys::Setup::default().tcp
        },
        Personality::Rfc => tcp::Config::rfc(),
        Personality::Freebsd => tcp::Config::freebsd(),
    };
    Settings { tcp, seed: args.seed, no_leftovers: args.no_leftovers, tolerance_usecs: args.tolerance_usecs }
}

/// The symbols that are known, and those that the arguments define.
fn symbols(define: &[String]) -> Result<Symbols> {
    let known = DEFINED.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut symbols: Symbols = known.collect();
    for definition in define {
        let Some((name, value)) = definition.split_once('=') else {
            return Err(anyhow!("-D {definition}: expected NAME=VALUE"));
        };
        symbols.insert(name.to_owned(), value.to_owned());
    }
    Ok(symbols)
}

/// The line of one script.
fn line(script: &Script, outcome: &Outcome, out: &mut dyn Write) -> Result<()> {
    let (style, mark) = match &outcome.verdict {
        Verdict::Strict => (GREEN, "✓"),
        Verdict::Relaxed(_) => (YELLOW, "~"),
        Verdict::Failed(_) => (RED, "✗"),
        Verdict::Unsupported(_) => (DIM, "?"),
    };
    let time = words::span(outcome.end.since(tcp::Time::ZERO));
    let detail = match &outcome.verdict {
        Verdict::Strict => time,
        Verdict::Relaxed(all) => all.first().map_or(time, |failure| short(script, failure)),
        Verdict::Failed(failure) | Verdict::Unsupported(failure) => short(script, failure),
    };
    writeln!(out, "{} {}  {}", paint(style, mark), script.path, paint(DIM, detail))?;
    Ok(())
}

/// A failure on one line.
fn short(script: &Script, failure: &Failure) -> String {
    format!("line {}: {failure}", script.place(failure.span.start).0)
}

/// What is told at length: failures, and what made a verdict relaxed.
fn reports(script: &Script, outcome: &Outcome, args: &Packetdrill, colours: bool) -> Vec<String> {
    match &outcome.verdict {
        Verdict::Strict => Vec::new(),
        Verdict::Relaxed(all) if args.strict => {
            all.iter().map(|failure| failure.render(script, colours)).collect()
        }
        Verdict::Relaxed(_) => Vec::new(),
        Verdict::Failed(failure) => vec![failure.render(script, colours)],
        Verdict::Unsupported(_) => Vec::new(),
    }
}

/// One script as a record for programs.
fn record(script: &Script, outcome: &Outcome) -> serde_json::Value {
    let failure = |failure: &Failure| {
        let (line, column) = script.place(failure.span.start);
        json!({
            "line": line, "column": column, "what": failure.what, "expected": failure.expected,
            "seen": failure.seen, "cause": failure.cause, "before": failure.history,
        })
    };
    let (verdict, failures) = match &outcome.verdict {
        Verdict::Strict => ("strict", Vec::new()),
        Verdict::Relaxed(all) => ("relaxed", all.iter().map(failure).collect()),
        Verdict::Failed(one) => ("failed", vec![failure(one)]),
        Verdict::Unsupported(one) => ("unsupported", vec![failure(one)]),
    };
    json!({
        "script": script.path, "area": area(&script.path), "verdict": verdict, "failures": failures,
        "end_us": outcome.end.as_nanos() / 1000, "packets": outcome.packets.len(),
    })
}

/// What a script is about: the folder that it lies in, or the second word of its name where a suite has but one folder
/// (`tcp_sack_….pkt`).
fn area(path: &str) -> String {
    let path = Path::new(path);
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let suite = folder.unwrap_or_default();
    match stem.strip_prefix("tcp_").and_then(|rest| rest.split('_').next()) {
        Some(word) if !word.is_empty() => format!("{suite}/{word}"),
        _ => suite,
    }
}

/// Verdicts by area.
#[derive(Default)]
struct Table {
    areas: BTreeMap<String, [usize; 4]>,
}

impl Table {
    fn count(&mut self, area: &str, verdict: &Verdict) {
        let column = match verdict {
            Verdict::Strict => 0,
            Verdict::Relaxed(_) => 1,
            Verdict::Failed(_) => 2,
            Verdict::Unsupported(_) => 3,
        };
        self.areas.entry(area.to_owned()).or_default()[column] += 1;
    }
    fn total(&self) -> [usize; 4] {
        self.areas.values().fold([0; 4], |mut sum, row| {
            sum.iter_mut().zip(row).for_each(|(sum, n)| *sum += n);
            sum
        })
    }
    fn passed(&self, strict: bool) -> bool {
        let [_, relaxed, failed, unsupported] = self.total();
        failed == 0 && unsupported == 0 && (relaxed == 0 || !strict)
    }
    fn write(&self, out: &mut dyn Write) -> Result<()> {
        let width = self.areas.keys().map(String::len).max().unwrap_or(0).max(5);
        let header = format!("{:<width$}  scripts  strict  relaxed  failed  unsupported", "area");
        writeln!(out, "\n{}", paint(DIM, header))?;
        let row = |name: &str, row: [usize; 4]| {
            let [strict, relaxed, failed, unsupported] = row;
            let all: usize = row.iter().sum();
            format!("{name:<width$}  {all:>7}  {strict:>6}  {relaxed:>7}  {failed:>6}  {unsupported:>11}")
        };
        for (area, counts) in &self.areas {
            let style = if counts[2] > 0 { RED } else { GREEN };
            writeln!(out, "{}", paint(style, row(area, *counts)))?;
        }
        writeln!(out, "{}", paint(BOLD, row("total", self.total())))?;
        Ok(())
    }
}

fn write_pcap(path: &Path, outcome: &Outcome) -> Result<()> {
    let file = std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut file = BufWriter::new(file);
    timewait::pcap::write_seen(&outcome.packets, &mut file)
        .and_then(|()| file.flush())
        .with_context(|| format!("cannot write {}", path.display()))
}
