//! The view for a first look: every segment, every transition of both ends, and the reason for each.
//!
//! What one host does at one moment stands together: the segments that it sends, each with its time, and under them,
//! indented, its transitions and the causes.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

use sim::packet::{Body, Packet, PacketId};
use sim::trace::{Cause, Fate, NodeId, PipeId, Record, What};
use tcp::{Flags, Note, Rule, Time};

use crate::view::paint::{self, BOLD, DIM, ITALIC, PLAIN, RED, YELLOW, paint};
use crate::view::story::{Journey, Story, is_loss};
use crate::view::{Show, words};

/// Silence longer than this is said to be one.
const LONG: u64 = 1_000_000_000;

/// Writes the view.
pub fn write(story: &Story<'_>, show: Show, out: &mut dyn Write) -> io::Result<()> {
    let mut view = View { story, show, columns: Columns::fit(story, show), last: None, out };
    let mut from = 0;
    while from < story.records.len() {
        let until = moment_end(story.records, from);
        view.moment(from..until)?;
        from = until;
    }
    Ok(())
}

/// The end of the run of records that tell of one node at one time.
fn moment_end(records: &[Record], from: usize) -> usize {
    let key = |record: &Record| (record.time, actor(&record.what));
    let first = key(&records[from]);
    let mut end = from + 1;
    while let Some(record) = records.get(end) {
        // What becomes of a packet belongs to the moment in which it was sent.
        let same = match &record.what {
            What::Fate { .. } => record.time == first.0,
            _ => key(record) == first,
        };
        if !same {
            break;
        }
        end += 1;
    }
    end
}

/// The node that a record is about.
fn actor(what: &What) -> Option<NodeId> {
    match what {
        What::Sent { node, .. }
        | What::Received { node, .. }
        | What::Dropped { node, .. }
        | What::State { node, .. }
        | What::Tcp { node, .. }
        | What::Program { node, .. } => Some(*node),
        What::Fate { .. } | What::Fault { .. } => None,
    }
}

/// Widths that fit all rows.
#[derive(Default)]
struct Columns {
    time: usize,
    from: usize,
    to: usize,
    flags: usize,
    seq: usize,
    ack: usize,
    win: usize,
    len: usize,
}

impl Columns {
    fn fit(story: &Story<'_>, show: Show) -> Columns {
        let last = story.records.last().map_or(Time::ZERO, |record| record.time);
        let mut fit = Columns { time: words::clock(last).len().max(10), ..Columns::default() };
        for journey in story.journeys().filter(|journey| concerns(story, show, journey)) {
            let segment = Segment::of(story, journey);
            fit.from = fit.from.max(segment.from.chars().count());
            fit.to = fit.to.max(segment.to.chars().count());
            fit.flags = fit.flags.max(segment.flags.len());
            fit.seq = fit.seq.max(segment.seq.len());
            fit.ack = fit.ack.max(segment.ack.len());
            fit.win = fit.win.max(segment.win.len());
            fit.len = fit.len.max(segment.len.len());
        }
        fit
    }
}

/// Whether a host that the reader asked for has to do with this packet.
fn concerns(story: &Story<'_>, show: Show, journey: &Journey<'_>) -> bool {
    show.host
        .is_none_or(|host| journey.origin == host || story.names.owner(journey.packet.ip.dst) == Some(host))
}

/// The cells of a segment's row.
struct Segment {
    from: String,
    to: String,
    flags: String,
    seq: String,
    ack: String,
    win: String,
    len: String,
    rest: String,
}

impl Segment {
    fn of(story: &Story<'_>, journey: &Journey<'_>) -> Segment {
        let packet = journey.packet;
        let mut row = Segment {
            from: story.names.node(journey.origin).to_owned(),
            to: story.names.at(packet.ip.dst),
            flags: String::new(),
            seq: String::new(),
            ack: String::new(),
            win: String::new(),
            len: String::new(),
            rest: String::new(),
        };
        let mut rest = Vec::new();
        if let (Body::Tcp(segment), Some(relative)) = (&packet.body, &journey.relative) {
            let (seq, ack) = words::numbers(packet, relative);
            let syn = segment.has(Flags::SYN);
            row.flags = format!("[{}]", segment.flags);
            row.seq = seq;
            row.ack = ack;
            row.win = format!("win {}", segment.wnd);
            row.len = format!("len {}", segment.payload.len());
            row.from = story.with_port(&row.from, segment.src);
            row.to = story.with_port(&row.to, segment.dst);
            rest.extend(
                Some(words::options(&segment.options, relative, syn)).filter(|text| !text.is_empty()),
            );
            if segment.has(Flags::URG) {
                rest.push(format!("urg {}", segment.urg));
            }
        } else if let Body::Icmp(icmp) = &packet.body {
            rest.push(words::brief(packet, None));
            rest.push(words::quote(story, &icmp.quote));
        } else {
            rest.push(words::brief(packet, journey.relative.as_ref()));
        }
        rest.extend(Some(words::ecn(&packet.ip).to_owned()).filter(|text| !text.is_empty()));
        if story.is_forged(journey.origin, packet) {
            rest.push(format!("as if from {}", story.names.at(packet.ip.src)));
        }
        row.rest = rest.join(", ");
        row
    }
}

/// The view while it is written.
struct View<'a, 'b> {
    story: &'a Story<'a>,
    show: Show,
    columns: Columns,
    last: Option<Time>,
    out: &'b mut dyn Write,
}

/// A line under a segment: a transition, a cause, what a program saw.
enum Under<'a> {
    Arrived { node: NodeId, packet: PacketId },
    State { node: NodeId, local: SocketAddr, from: tcp::State, to: tcp::State, why: Cause },
    Note { node: NodeId, note: Note },
    Dropped { node: NodeId, packet: PacketId, why: String },
    Program { node: NodeId, program: &'a str, call: &'a str, result: &'a str },
}

impl View<'_, '_> {
    /// What one node does at one time.
    fn moment(&mut self, range: std::ops::Range<usize>) -> io::Result<()> {
        let story = self.story;
        let time = story.records[range.start].time;
        let mut sent = Vec::new();
        let mut under = Vec::new();
        let mut apart = Vec::new();
        let mut piece = None;
        for index in range {
            match &story.records[index].what {
                What::Sent { node, packet, why, .. } if story.is_origin(index, *node, packet) => {
                    sent.extend(story.journey(packet.id).map(|journey| (journey, packet, *why)));
                }
                What::Received { node, packet, .. } => {
                    let journey = story.journey(packet.id);
                    if journey.is_some_and(|journey| journey.is_astray() && journey.arrivals.contains(&time))
                    {
                        under.push(Under::Arrived { node: *node, packet: packet.id });
                    }
                }
                What::Sent { packet, .. } => piece = Some(packet),
                What::Fate { pipe, packet, fate } => {
                    if !self.is_beside_its_segment(*packet, *pipe, time) {
                        // What befalls a fragment is told right after its sending.
                        let piece = piece.filter(|piece| piece.id == *packet);
                        apart.push((*packet, piece, *pipe, *fate));
                    }
                }
                What::Dropped { node, packet, why } => {
                    under.push(Under::Dropped {
                        node: *node,
                        packet: *packet,
                        why: words::drop_reason(*why),
                    });
                }
                What::State { node, tuple, from, to, why } => {
                    let local = tuple.local;
                    under.push(Under::State { node: *node, local, from: *from, to: *to, why: *why });
                }
                What::Tcp { node, note, .. } => under.push(Under::Note { node: *node, note: *note }),
                What::Program { node, program, call, result } => {
                    under.push(Under::Program { node: *node, program, call, result });
                }
                What::Fault { text } => self.fault(time, text)?,
            }
        }
        self.lines(time, &sent, &under)?;
        for (packet, piece, pipe, fate) in apart {
            self.fate(time, packet, piece, pipe, fate)?;
        }
        Ok(())
    }

    fn lines(
        &mut self,
        time: Time,
        sent: &[(&Journey<'_>, &Packet, Option<Cause>)],
        under: &[Under<'_>],
    ) -> io::Result<()> {
        let explained: Vec<Rule> = under
            .iter()
            .filter_map(|line| match line {
                Under::State { why, .. } => Some(why.rule),
                _ => None,
            })
            .collect();
        let mut timed = false;
        for (i, (journey, packet, why)) in sent.iter().enumerate() {
            if !concerns(self.story, self.show, journey) {
                continue;
            }
            self.pause(time)?;
            self.segment(time, journey, packet)?;
            timed = true;
            let rule = why.map(|cause| cause.rule);
            let next = sent.get(i + 1).and_then(|(_, _, why)| why.map(|cause| cause.rule));
            if let Some(rule) = rule.filter(|rule| next != Some(*rule) && !explained.contains(rule)) {
                self.indent()?;
                writeln!(self.out, "{}", paint(DIM, words::source(rule)))?;
            }
        }
        for line in under {
            self.under(time, line, &mut timed)?;
        }
        Ok(())
    }

    /// Says how long nothing happened, if that is long.
    fn pause(&mut self, time: Time) -> io::Result<()> {
        if let Some(last) = self.last.filter(|last| time.since(*last).as_nanos() >= LONG) {
            let text = format!(
                "{:>width$}  ({} later)",
                "...",
                words::span(time.since(last)),
                width = self.columns.time
            );
            writeln!(self.out, "{}", paint(DIM, text))?;
        }
        self.last = Some(time);
        Ok(())
    }

    fn indent(&mut self) -> io::Result<()> {
        write!(self.out, "{:width$}  ", "", width = self.columns.time + 2)
    }

    /// The row of a segment.
    fn segment(&mut self, time: Time, journey: &Journey<'_>, packet: &Packet) -> io::Result<()> {
        let fit = &self.columns;
        let mut row = Segment::of(self.story, journey);
        if matches!(packet.body, Body::Fragment(_)) {
            row.rest = words::brief(packet, journey.relative.as_ref());
        }
        write!(
            self.out,
            "{}  {:>from$} {} {:<to$}  ",
            paint(PLAIN, format_args!("{:>width$}", words::clock(time), width = fit.time)),
            paint(paint::host(journey.origin), &row.from),
            paint(DIM, "→"),
            paint(self.color_of(packet.ip.dst), &row.to),
            from = fit.from,
            to = fit.to,
        )?;
        let mut text = String::new();
        if matches!(packet.body, Body::Tcp(_)) {
            write!(self.out, "{:<flags$} ", paint(flag_style(packet), &row.flags), flags = fit.flags)?;
            text = format!(
                "{:<seq$}  {:<ack$}  {:<win$}  {:<len$}",
                row.seq,
                row.ack,
                row.win,
                row.len,
                seq = fit.seq,
                ack = fit.ack,
                win = fit.win,
                len = fit.len
            );
        }
        if !row.rest.is_empty() {
            text.push_str(if text.is_empty() { "" } else { "  " });
            text.push_str(&row.rest);
        }
        write!(self.out, "{}", text.trim_end())?;
        for (at, pipe, fate) in &journey.fates {
            if *at == time && self.leaves_by(journey, *pipe) {
                let style = if is_loss(*fate) { RED } else { YELLOW };
                let mark = if is_loss(*fate) { "✗ " } else { "" };
                write!(self.out, "  {}", paint(style, format_args!("{mark}{}", words::fate(*fate))))?;
            }
        }
        writeln!(self.out)
    }

    fn under(&mut self, time: Time, line: &Under<'_>, timed: &mut bool) -> io::Result<()> {
        let node = match line {
            Under::State { node, .. }
            | Under::Arrived { node, .. }
            | Under::Note { node, .. }
            | Under::Dropped { node, .. }
            | Under::Program { node, .. } => *node,
        };
        if self.show.host.is_some_and(|host| node != host) {
            return Ok(());
        }
        if matches!(line, Under::Note { note: Note::State { .. } | Note::Dropped(_), .. }) {
            return Ok(());
        }
        if *timed {
            self.indent()?;
        } else {
            self.pause(time)?;
            write!(self.out, "{:>width$}    ", words::clock(time), width = self.columns.time)?;
            *timed = true;
        }
        match line {
            Under::Arrived { node, packet } => {
                let Some(journey) = self.story.journey(*packet) else { return writeln!(self.out) };
                writeln!(
                    self.out,
                    "{} {}, sent at {}",
                    paint(paint::host(*node), format_args!("{}:", self.story.names.node(*node))),
                    paint(
                        YELLOW,
                        format_args!("receives {}", words::brief(journey.packet, journey.relative.as_ref()))
                    ),
                    words::clock(journey.sent)
                )
            }
            Under::State { node, local, from, to, why } => {
                let change = format!("{from} → {to}");
                let name = self.story.with_port(self.story.names.node(*node), local.port());
                writeln!(
                    self.out,
                    "{} {:<28} {}",
                    paint(paint::host(*node), format_args!("{name}:")),
                    paint(BOLD, change),
                    paint(DIM, words::source(why.rule))
                )
            }
            Under::Note { node, note } => writeln!(
                self.out,
                "{} {}",
                paint(paint::host(*node), format_args!("{}:", self.story.names.node(*node))),
                paint(DIM, note_text(*note))
            ),
            Under::Dropped { node, packet, why } => {
                let what = self.story.journey(*packet).map_or_else(String::new, |journey| {
                    words::brief_with_seq(journey.packet, journey.relative.as_ref())
                });
                writeln!(
                    self.out,
                    "{} {} {what}  {}",
                    paint(paint::host(*node), format_args!("{}:", self.story.names.node(*node))),
                    paint(RED, "✗ drops"),
                    paint(DIM, why)
                )
            }
            Under::Program { program, call, result, .. } => {
                writeln!(self.out, "{} {call} = {result}", paint(ITALIC, format_args!("{program}:")))
            }
        }
    }

    /// What the network did to a packet later on its way.
    /// What befell a packet, or a piece of it, on its way.
    fn fate(
        &mut self,
        time: Time,
        packet: PacketId,
        piece: Option<&Packet>,
        pipe: PipeId,
        fate: Fate,
    ) -> io::Result<()> {
        let Some(journey) = self.story.journey(packet) else { return Ok(()) };
        if !concerns(self.story, self.show, journey) {
            return Ok(());
        }
        let style = if is_loss(fate) { RED } else { YELLOW };
        let mark = if is_loss(fate) { "✗ " } else { "" };
        self.pause(time)?;
        writeln!(
            self.out,
            "{:>width$}    {} {} of {} {}",
            words::clock(time),
            paint(YELLOW, format_args!("{}:", self.story.names.link(pipe))),
            words::brief(piece.unwrap_or(journey.packet), journey.relative.as_ref()),
            self.story.names.node(journey.origin),
            paint(style, format_args!("{mark}{}", words::fate(fate))),
            width = self.columns.time,
        )
    }

    fn fault(&mut self, time: Time, text: &str) -> io::Result<()> {
        self.pause(time)?;
        let line = format!("{:>width$}    ── {text} ──", words::clock(time), width = self.columns.time);
        writeln!(self.out, "{}", paint(YELLOW, line))
    }

    /// Whether a fate is told on the row of its segment: it befell the packet on its first link, as it was sent.
    fn is_beside_its_segment(&self, packet: PacketId, pipe: PipeId, time: Time) -> bool {
        self.story
            .journey(packet)
            .is_some_and(|journey| journey.sent == time && self.leaves_by(journey, pipe))
    }

    fn leaves_by(&self, journey: &Journey<'_>, pipe: PipeId) -> bool {
        self.story.names.way(pipe).is_some_and(|(from, _)| from == journey.origin)
    }

    fn color_of(&self, address: IpAddr) -> anstyle::Style {
        self.story.names.owner(address).map_or(PLAIN, paint::host)
    }
}

/// The colour of a segment's flags: openings green, closings magenta, resets red.
fn flag_style(packet: &Packet) -> anstyle::Style {
    match &packet.body {
        Body::Tcp(segment) if segment.has(Flags::RST) => RED.bold(),
        Body::Tcp(segment) if segment.has(Flags::SYN) => paint::GREEN.bold(),
        Body::Tcp(segment) if segment.has(Flags::FIN) => paint::MAGENTA.bold(),
        _ => BOLD,
    }
}

/// A note that is neither a transition nor a drop.
pub(crate) fn note_text(note: Note) -> String {
    match note {
        Note::Happened(rule) | Note::Dropped(rule) | Note::State { why: rule, .. } => words::source(rule),
        Note::Cwnd { cwnd, ssthresh: u64::MAX, why } => format!("cwnd {cwnd}, {}", words::source(why)),
        Note::Cwnd { cwnd, ssthresh, why } => {
            format!("cwnd {cwnd}, ssthresh {ssthresh}, {}", words::source(why))
        }
        Note::Rtt { sample, srtt, rto } => format!(
            "round trip {}, srtt {}, rto {}",
            words::span(sample),
            words::span(srtt),
            words::span(rto)
        ),
    }
}
