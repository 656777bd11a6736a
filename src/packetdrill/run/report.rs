//! Failures for people: the line, what was expected, what was seen, what came before, and why.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use sim::packet::{self, IpHeader};
use sim::trace::{Cause, Trigger};
use tcp::{EcnCodepoint, Flags, Segment};

use super::{Runner, Seen, micros, segment};
use crate::packetdrill::ast::{Script, Span, TcpOption, Tos};

/// Packets before a failure that a report shows.
const HISTORY: usize = 8;

/// Packets, one a line.
pub type History = Vec<String>;

/// What is not as the script says.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The event.
    pub span: Span,
    /// In a few words.
    pub what: String,
    /// The part of the event that it is about, and what stands under it.
    pub mark: Option<(Span, String)>,
    /// What the script expects.
    pub expected: Option<String>,
    /// What was there.
    pub seen: Option<String>,
    /// Why that was there.
    pub cause: Option<String>,
    /// The packets before.
    pub history: History,
}

impl Failure {
    pub(super) fn new(span: Span, what: String, history: History) -> Failure {
        Failure { span, what, mark: None, expected: None, seen: None, cause: None, history }
    }
    pub(super) fn marked(self, span: Span, label: String) -> Failure {
        Failure { mark: Some((span, label)), ..self }
    }
    pub(super) fn expected(self, text: String) -> Failure {
        Failure { expected: Some(text), ..self }
    }
    pub(super) fn seen(self, text: String) -> Failure {
        Failure { seen: Some(text), ..self }
    }
    pub(super) fn because(self, text: String) -> Failure {
        Failure { cause: Some(text), ..self }
    }

    /// For the terminal, with or without colours.
    pub fn render(&self, script: &Script, colours: bool) -> String {
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
        let (span, label) = match &self.mark {
            Some((span, label)) => (span.clone(), label.as_str()),
            None => (self.span.clone(), ""),
        };
        let end = script.text.len();
        let span = span.start.min(end)..span.end.min(end);
        let mark = AnnotationKind::Primary.span(span).label(label);
        let source = Snippet::source(script.text.as_str()).path(script.path.as_str()).annotation(mark);
        let mut group: Group<'_> = Level::ERROR.primary_title(self.what.as_str()).element(source);
        let expected = self.expected.as_ref().map(|text| format!("expected: {text}"));
        let seen = self.seen.as_ref().map(|text| format!("seen:     {text}"));
        let cause = self.cause.as_ref().map(|text| format!("cause:    {text}"));
        let history = (!self.history.is_empty()).then(|| format!("before:\n{}", self.history.join("\n")));
        let notes: Vec<String> = [expected, seen, cause, history].into_iter().flatten().collect();
        for note in &notes {
            group = group.element(Level::NOTE.message(note.as_str()));
        }
        renderer.render(&[group])
    }
}

impl Runner<'_> {
    /// The last packets, in the words of the script.
    pub(super) fn history(&self) -> History {
        self.history_before(self.packets.len())
    }
    /// The last packets before this one.
    pub(super) fn history_before(&self, end: usize) -> History {
        let packets = &self.packets[end.saturating_sub(HISTORY)..end];
        let texts: Vec<String> = packets.iter().map(|seen| self.text(seen)).collect();
        let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        let row = |(seen, text): (&Seen, &String)| {
            let time = seconds(micros(seen.at));
            let line = seen.line.map(|line| format!("  line {line}")).unwrap_or_default();
            format!("{time:>12} {text:<width$}{line}").trim_end().to_owned()
        };
        packets.iter().zip(&texts).map(row).collect()
    }

    fn text(&self, seen: &Seen) -> String {
        let text = match &seen.packet.body {
            packet::Body::Tcp(segment) => self.describe(segment, seen.packet.ip, seen.inbound),
            packet::Body::Icmp(icmp) => format!("icmp {}", icmp.kind.words(seen.packet.ip.is_v6())),
            _ => "another packet".into(),
        };
        let direction = if seen.inbound { '<' } else { '>' };
        format!("{direction} {text}")
    }

    /// A segment in the words of the script, its numbers as the script counts them.
    pub(super) fn describe(&self, segment: &Segment, ip: IpHeader, inbound: bool) -> String {
        let syn = segment.has(Flags::SYN);
        let (sender, receiver) = match &self.subject {
            Some(subject) if inbound => (subject.theirs, subject.ours),
            Some(subject) => (subject.ours, subject.theirs),
            None => Default::default(),
        };
        let seq = sender.to_script(segment.seq.0, syn);
        let len = segment.payload.len();
        let mut text = String::new();
        if ip.ecn != EcnCodepoint::NotEct {
            text.push_str(&format!("[{}] ", tos(Tos::Ecn(ip.ecn))));
        }
        text.push_str(&format!("{} {seq}:{}({len})", flags(segment.flags), seq.wrapping_add(len)));
        if segment.has(Flags::ACK) {
            text.push_str(&format!(" ack {}", receiver.to_script(segment.ack.0, syn)));
        }
        text.push_str(&format!(" win {}", segment.wnd));
        if segment.urg != 0 {
            text.push_str(&format!(" urg {}", segment.urg));
        }
        let (mut options, _) = segment::from_bytes(&segment.options.to_wire());
        for entry in &mut options {
            if let TcpOption::Sack(blocks) = entry {
                for (left, right) in blocks {
                    *left = receiver.to_script(*left, syn);
                    *right = receiver.to_script(*right, syn);
                }
            }
        }
        let options: Vec<String> = options.iter().map(option).collect();
        if !options.is_empty() {
            text.push_str(&format!(" <{}>", options.join(",")));
        }
        text
    }

    /// Why a packet was sent: the rule with its source, and what set it off.
    pub(super) fn cause(&self, why: Cause) -> String {
        let rule = format!("{} ({})", why.rule.text(), why.rule.source());
        match why.trigger {
            Trigger::Packet(id) => match self.injected.get(&id) {
                Some(line) => format!("{rule}, on the packet of line {line}"),
                None => rule,
            },
            Trigger::Timer => format!("{rule}, on a timer"),
            Trigger::Call => format!("{rule}, on a call"),
            Trigger::Fault => rule,
        }
    }
}

/// Control bits as scripts write them.
fn flags(flags: Flags) -> String {
    const LETTERS: [(Flags, char); 9] = [
        (Flags::FIN, 'F'),
        (Flags::SYN, 'S'),
        (Flags::RST, 'R'),
        (Flags::PSH, 'P'),
        (Flags::URG, 'U'),
        (Flags::ECE, 'E'),
        (Flags::CWR, 'W'),
        (Flags::AE, 'A'),
        (Flags::ACK, '.'),
    ];
    let text: String =
        LETTERS.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, letter)| *letter).collect();
    if text.is_empty() { "-".into() } else { text }
}

/// An option as scripts write it.
pub fn option(option: &TcpOption) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match option {
        TcpOption::Eol => "eol".into(),
        TcpOption::Nop => "nop".into(),
        TcpOption::Mss(mss) => format!("mss {mss}"),
        TcpOption::Wscale(shift) => format!("wscale {shift}"),
        TcpOption::SackOk => "sackOK".into(),
        TcpOption::Sack(blocks) => {
            let blocks: Vec<String> = blocks.iter().map(|(left, right)| format!("{left}:{right}")).collect();
            format!("sack {}", blocks.join(" "))
        }
        TcpOption::Ts { val, ecr } => format!("TS val {val} ecr {ecr}"),
        TcpOption::FastOpen { cookie, experimental } => {
            format!("{} {}", if *experimental { "FOEXP" } else { "FO" }, hex(cookie)).trim_end().into()
        }
        TcpOption::AccEcn { order1, fields } => {
            let names = if *order1 { ["e1b", "ceb", "e0b"] } else { ["e0b", "ceb", "e1b"] };
            let fields: Vec<String> =
                names.iter().zip(fields).map(|(name, n)| format!("{name} {n}")).collect();
            format!("ECN {}", fields.join(" ")).trim_end().into()
        }
        TcpOption::Md5(digest) => format!("md5 {}", digest.as_deref().map_or("valid".into(), hex)),
    }
}

/// The ECN field as scripts write it.
pub fn tos(tos: Tos) -> String {
    match tos {
        Tos::Ecn(EcnCodepoint::NotEct) => "noecn".into(),
        Tos::Ecn(EcnCodepoint::Ect0) => "ect0".into(),
        Tos::Ecn(EcnCodepoint::Ect1) => "ect1".into(),
        Tos::Ecn(EcnCodepoint::Ce) => "ce".into(),
        Tos::AnyEct => "ect01".into(),
        Tos::Octet(octet) => format!("tos {octet:#04x}"),
    }
}

/// Seconds with six decimals.
pub fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// A time, or a range, with its tolerance.
pub fn window(from: u64, to: u64, tolerance: u64) -> String {
    let tolerance = seconds(tolerance);
    if from == to {
        format!("at {} s, ±{tolerance}", seconds(from))
    } else {
        format!("from {} to {} s, ±{tolerance}", seconds(from), seconds(to))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(seen) = &self.seen {
            write!(f, ": {seen}")?;
        }
        Ok(())
    }
}
