//! Whether a run met the expectations of its scenario, and if not, where in the file and where in the trace.

mod calls;
mod packets;
mod sockets;
mod states;

use sockets::Looks;

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use sim::trace::What;
use sim::{Record, Simulator, Spec};
use tcp::{Duration, Time};

use super::Scenario;
use super::file::{Expect, Range as Numbers};
use super::units::Span;
use crate::names::Names;
use crate::view::story::Story;
use crate::view::words;

/// A run that is over.
#[derive(Clone, Copy)]
struct Outcome<'a> {
    /// Everything that happened.
    records: &'a [Record],
    /// When it was over.
    end: Time,
    /// The value of a counter of a host, by their names; `None` if there is no such counter.
    counter: &'a dyn Fn(&str, &str) -> Option<u64>,
    /// Its sockets at the times that expectations ask for.
    looks: &'a Looks,
}

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its number, counted from zero.
    pub number: usize,
    /// Its line in the file, counted from one.
    pub line: usize,
    /// Its bytes in the file.
    pub span: Range<usize>,
    /// What was not as expected.
    pub message: String,
    /// What there was instead, in a few words.
    pub found: String,
    /// The trace around the place that came nearest: one line a record, the nearest with `>` before it.
    pub around: Vec<String>,
}

/// Why an expectation was not met.
struct Miss {
    message: String,
    found: String,
    /// The record that came nearest.
    near: Option<usize>,
}
impl Miss {
    fn new(message: impl Into<String>, found: impl Into<String>, near: Option<usize>) -> Miss {
        Miss { message: message.into(), found: found.into(), near }
    }
}

/// How many records before and after the nearest one are shown.
const AROUND: usize = 4;

/// The expectations of `scenario` that a run of `spec` did not meet, in the order of the file.
pub fn judge(scenario: &Scenario, spec: &Spec, simulator: &Simulator) -> Vec<Failure> {
    let names = Names::of(spec);
    let counter = |host: &str, name: &str| simulator.counters(names.by_name(host)?)?.get(name);
    let looks = sockets::looks(scenario, spec);
    let (records, end) = (simulator.records(), simulator.now());
    check(scenario, &Outcome { records, end, counter: &counter, looks: &looks })
}

/// The expectations of `scenario` that this run did not meet, in the order of the file.
fn check(scenario: &Scenario, outcome: &Outcome<'_>) -> Vec<Failure> {
    let names = Names::of(scenario.spec());
    let story = Story::read(outcome.records, &names);
    let run = Run { outcome, story: &story };
    let mut failures = Vec::new();
    for (number, expect) in scenario.expectations().iter().enumerate() {
        if let Some(miss) = run.judge(expect) {
            let span = scenario.span_of_expectation(number);
            failures.push(Failure {
                number,
                line: scenario.line_of_expectation(number),
                span,
                message: miss.message,
                found: miss.found,
                around: miss.near.map(|near| run.around(near)).unwrap_or_default(),
            });
        }
    }
    failures
}

impl Failure {
    /// For the terminal, with or without colours.
    pub fn render(&self, scenario: &Scenario, colours: bool) -> String {
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
        let mark = AnnotationKind::Primary.span(self.span.clone()).label(self.found.as_str());
        let snippet = Snippet::source(scenario.text.as_str()).path(scenario.path.as_str()).annotation(mark);
        let title = format!("expected: {}", self.message);
        let mut text = renderer.render(&[Level::ERROR.primary_title(title.as_str()).element(snippet)]);
        for line in &self.around {
            let _ = write!(text, "\n    {line}");
        }
        text
    }
}

/// A run and what was read out of its trace.
struct Run<'a> {
    outcome: &'a Outcome<'a>,
    story: &'a Story<'a>,
}

impl Run<'_> {
    fn judge(&self, expect: &Expect) -> Option<Miss> {
        match expect {
            Expect::Transitions { on, are, gaps, port, peer_port } => {
                let filter = states::Filter { on, port: *port, peer_port: *peer_port };
                self.transitions(&filter, are, gaps.unwrap_or(false))
            }
            Expect::Never { on, state, port, peer_port } => {
                self.never(&states::Filter { on, port: *port, peer_port: *peer_port }, state.0)
            }
            Expect::Final { on, is, port, peer_port, count } => {
                self.ended(&states::Filter { on, port: *port, peer_port: *peer_port }, is.0, *count)
            }
            Expect::Result { program, call, is, nth, at, within } => {
                self.result(program, call, is, *nth, about(*at, *within))
            }
            Expect::Error { program, is, call, at, within } => {
                self.error(program, tcp::Errno::from(*is), call.as_deref(), about(*at, *within))
            }
            Expect::NoError { program } => self.no_error(program),
            Expect::Packet(seen) => self.packet(seen),
            Expect::NoPacket(seen) => self.no_packet(seen),
            Expect::Count { of, is } => self.count(of, *is),
            Expect::Moves { of, what, by } => self.moves(of, *what, *by),
            Expect::Counter { on, name, is } => self.counter(on, name, *is),
            Expect::Socket {
                on,
                at,
                port,
                peer_port,
                state,
                cwnd,
                ssthresh,
                unacked,
                retrans,
                snd_wnd,
                rcv_wnd,
                mss,
                pmtu,
            } => {
                let place = sockets::Place { on, at: *at, port: *port, peer_port: *peer_port };
                let readings = [
                    ("cwnd", *cwnd),
                    ("ssthresh", *ssthresh),
                    ("unacked", *unacked),
                    ("retrans", *retrans),
                    ("snd_wnd", *snd_wnd),
                    ("rcv_wnd", *rcv_wnd),
                    ("mss", *mss),
                    ("pmtu", *pmtu),
                ];
                self.socket(&place, state.map(|state| state.0), &readings)
            }
            Expect::Happened { rule, on, times } => self.happened(rule, on.as_deref(), *times),
            Expect::Ends { at, within } => self.ends(*at, *within),
        }
    }

    fn counter(&self, on: &str, name: &str, is: Numbers) -> Option<Miss> {
        let expected = format!("{name} of {on} is {is}");
        match (self.outcome.counter)(on, name) {
            Some(value) if is.contains(value) => None,
            Some(value) => Some(Miss::new(expected, format!("it is {value}"), None)),
            None => Some(Miss::new(expected, "no such counter", None)),
        }
    }

    fn ends(&self, at: Span, within: Option<Span>) -> Option<Miss> {
        let end = self.outcome.end;
        let found = format!("it was over at {}", words::clock(end));
        let expected = format!("the run is over at {at}");
        let last = self.outcome.records.len().checked_sub(1);
        let about = about(Some(at), within)?;
        (!about.holds(end)).then(|| Miss::new(expected, found, last))
    }

    /// The trace around record `near`.
    fn around(&self, near: usize) -> Vec<String> {
        let records = self.outcome.records;
        // A packet that arrives says little about why something else did not happen.
        let told = |i: &usize| *i == near || !matches!(records[*i].what, What::Received { .. });
        let before: Vec<usize> = (0..near).rev().filter(told).take(AROUND).collect();
        let after = (near..records.len()).filter(told).take(AROUND + 1);
        let line = |i: usize| format!("{} {}", if i == near { '>' } else { ' ' }, self.line(&records[i]));
        before.into_iter().rev().chain(after).map(line).collect()
    }

    /// A record in one line.
    fn line(&self, record: &Record) -> String {
        let names = self.story.names;
        let text = match &record.what {
            What::Sent { packet, why, .. } => {
                let relative = self.story.journey(packet.id).and_then(|journey| journey.relative.as_ref());
                let (src, dst) = (names.at(packet.ip.src), names.at(packet.ip.dst));
                let why = why.map(|why| format!(" ({})", why.rule.text())).unwrap_or_default();
                format!("{src} > {dst}: {}{why}", words::brief(packet, relative))
            }
            What::Received { node, packet, .. } => {
                let relative = self.story.journey(packet.id).and_then(|journey| journey.relative.as_ref());
                format!("{} receives {}", names.node(*node), words::brief(packet, relative))
            }
            What::Fate { packet, fate, pipe } => {
                let journey = self.story.journey(*packet);
                let packet = journey.map(|journey| words::brief(journey.packet, journey.relative.as_ref()));
                format!("{}: {} {}", names.link(*pipe), packet.unwrap_or_default(), words::fate(*fate))
            }
            What::Dropped { node, why, .. } => {
                format!("{} drops it: {}", names.node(*node), words::drop_reason(*why))
            }
            What::State { node, from, to, why, .. } => {
                format!("{}: {from} to {to} ({})", names.node(*node), why.rule.text())
            }
            What::Tcp { node, note, .. } => format!("{}: {}", names.node(*node), noted(note)),
            What::Program { program, call, result, .. } => format!("{program}: {call} = {result}"),
            What::Fault { text } => text.clone(),
        };
        format!("{} {text}", words::clock(record.time))
    }

    fn last_record(&self) -> Option<usize> {
        self.outcome.records.len().checked_sub(1)
    }
}

fn noted(note: &tcp::Note) -> String {
    match note {
        tcp::Note::Happened(rule) | tcp::Note::Dropped(rule) => rule.text().to_owned(),
        other => format!("{other:?}"),
    }
}

/// A time, and how far from it.
#[derive(Clone, Copy)]
struct About {
    at: Time,
    within: Duration,
}
impl About {
    fn holds(self, time: Time) -> bool {
        self.off(time) <= self.within
    }
    fn off(self, time: Time) -> Duration {
        time.since(self.at).max(self.at.since(time))
    }
}

/// A millisecond where a file does not say.
fn about(at: Option<Span>, within: Option<Span>) -> Option<About> {
    let within = within.unwrap_or(Span(1_000_000)).duration();
    at.map(|at| About { at: at.time(), within })
}
