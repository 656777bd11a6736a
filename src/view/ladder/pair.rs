//! The ladder between two hosts: time runs down on both sides, and the order at each side is the true one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use sim::packet::{Body, Packet, PacketId};
use sim::trace::{Fate, NodeId, What};
use tcp::{State, Time};

use super::arrow::{self, Shape};
use crate::view::paint::{self, BOLD, DIM, PLAIN, RED, YELLOW, paint};
use crate::view::story::{Journey, Story, is_loss};
use crate::view::{Show, words};

/// Columns of a state: `SYN-RECEIVED`.
const STATE: usize = 12;
/// Silence longer than this is said to be one.
const LONG: u64 = 1_000_000_000;
/// Crossings of more packets than this are not looked at one by one.
const MANY: usize = 2_000;

/// Something that happens at one side.
struct Event {
    time: Time,
    kind: Kind,
    /// The state entered with it.
    state: Option<State>,
    /// The port of the connection, where nothing else tells it.
    port: Option<u16>,
}

/// A state entered: how many packets came before it, when, which, and the port of the connection.
type Entered = (usize, Time, State, Option<u16>);

/// A packet, or a fragment of one by its offset.
type Piece = (PacketId, u16);

impl Event {
    /// The state entered, in words.
    fn entered(&self) -> String {
        match (self.state, self.port) {
            (Some(state), Some(port)) => format!("{port} {state}"),
            (Some(state), None) => state.to_string(),
            (None, _) => String::new(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Send(Piece, usize),
    Receive(Piece, usize),
    State,
    /// Index of the record of a fault.
    Fault(usize),
}

/// Writes the view.
pub fn write(story: &Story<'_>, show: Show, hosts: (NodeId, NodeId), out: &mut dyn Write) -> io::Result<()> {
    let sides = [side(story, hosts.0, hosts.1, true), side(story, hosts.1, hosts.0, false)];
    let level = level_packets(&sides);
    let last = story.records.last().map_or(Time::ZERO, |record| record.time);
    let time = words::clock(last).len().max(10);
    let middle = show.width.saturating_sub(2 * (time + STATE + 4)).clamp(24, 96);
    let mut page = Page { story, hosts, time, middle, last: None, out };
    page.head()?;
    let [mut left, mut right] = sides.map(|events| events.into_iter().peekable());
    loop {
        let (l, r) = (left.peek(), right.peek());
        let free = |event: Option<&Event>| {
            event.filter(|event| piece(event).is_none_or(|id| !level.contains(&id))).map(|event| event.time)
        };
        match (free(l), free(r)) {
            (Some(a), b) if b.is_none_or(|b| a <= b) => {
                left.next().map_or(Ok(()), |event| page.single(true, &event))?;
            }
            (_, Some(_)) => right.next().map_or(Ok(()), |event| page.single(false, &event))?,
            (_, None) => match (left.next(), right.next()) {
                (Some(a), Some(b)) => page.level(&a, &b)?,
                (None, None) => return Ok(()),
                // A level arrow has both its ends: see `level_packets`.
                (Some(event), None) => page.single(true, &event)?,
                (None, Some(event)) => page.single(false, &event)?,
            },
        }
    }
}

/// The packet that an event is about.
fn piece(event: &Event) -> Option<Piece> {
    match event.kind {
        Kind::Send(piece, _) | Kind::Receive(piece, _) => Some(piece),
        Kind::State | Kind::Fault(_) => None,
    }
}

fn piece_of(packet: &Packet) -> Piece {
    let offset = match &packet.body {
        Body::Fragment(fragment) => fragment.offset,
        Body::Tcp(_) | Body::Udp(_) | Body::Icmp(_) | Body::Echo(_) => 0,
    };
    (packet.id, offset)
}

/// What happens at a host, as far as it concerns the other. Faults are told on one side.
fn side(story: &Story<'_>, host: NodeId, peer: NodeId, faults: bool) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut states: Vec<Entered> = Vec::new();
    for (index, record) in story.records.iter().enumerate() {
        let time = record.time;
        let mut put = |kind| events.push(Event { time, kind, state: None, port: None });
        match &record.what {
            What::Sent { node, packet, .. }
                if *node == host
                    && story.is_origin(index, host, packet)
                    && story
                        .names
                        .owner(packet.ip.dst)
                        .is_none_or(|to| to == peer || !story.names.is_host(to)) =>
            {
                put(Kind::Send(piece_of(packet), index));
            }
            What::Received { node, packet, .. } if *node == host => {
                let from_router =
                    story.journey(packet.id).is_some_and(|journey| !story.names.is_host(journey.origin));
                let from_peer = story.journey(packet.id).is_some_and(|journey| journey.origin == peer);
                if from_peer || from_router {
                    put(Kind::Receive(piece_of(packet), index));
                }
            }
            What::State { node, tuple, to, .. } if *node == host => {
                let port = story.port_of(tuple.local.port(), tuple.remote.port());
                states.push((events.len(), time, *to, port));
            }
            What::Fault { .. } if faults => put(Kind::Fault(index)),
            _ => {}
        }
    }
    attach(&mut events, states);
    events
}

/// Puts each state beside the packet that it came with, or between the packets where it came alone.
fn attach(events: &mut Vec<Event>, states: Vec<Entered>) {
    let mut alone = Vec::new();
    for (at, time, state, port) in states {
        let fits = |event: &Event| event.time == time && event.state.is_none() && piece(event).is_some();
        // A transition follows the packet that set it off, and precedes the packet that it sends.
        let before = at.checked_sub(1).filter(|i| fits(&events[*i]));
        let arrival = before.filter(|i| matches!(events[*i].kind, Kind::Receive(..)));
        let after = Some(at).filter(|i| events.get(*i).is_some_and(fits));
        match arrival.or(after).or(before) {
            Some(i) => events[i].state = Some(state),
            None => alone.push((at, Event { time, kind: Kind::State, state: Some(state), port })),
        }
    }
    for (at, event) in alone.into_iter().rev() {
        events.insert(at, event);
    }
}

/// The packets that are drawn as one level arrow: of all that arrive, the largest set in which none crosses another.
fn level_packets(sides: &[Vec<Event>; 2]) -> BTreeSet<Piece> {
    let mut ends: BTreeMap<Piece, [Option<usize>; 2]> = BTreeMap::new();
    for (side, events) in sides.iter().enumerate() {
        for (i, event) in events.iter().enumerate() {
            if let Some(id) = piece(event) {
                // Of the copies of a packet the first is the one with a whole arrow.
                ends.entry(id).or_default()[side].get_or_insert(i);
            }
        }
    }
    let mut copies: BTreeMap<Piece, usize> = BTreeMap::new();
    for id in sides.iter().flatten().filter_map(piece) {
        *copies.entry(id).or_default() += 1;
    }
    let mut arrows: Vec<(usize, usize, Piece)> = ends
        .into_iter()
        .filter(|(id, _)| copies.get(id) == Some(&2))
        .filter_map(|(id, [a, b])| Some((a?, b?, id)))
        .collect();
    arrows.sort_unstable();
    let chosen = longest_rising(&arrows);
    // Where two packets cross and neither crosses much else, both are drawn as halves: they are alike.
    let crosses = |a: &(usize, usize, Piece), b: &(usize, usize, Piece)| (a.0 < b.0) != (a.1 < b.1);
    let mut level: BTreeSet<Piece> = chosen.iter().map(|i| arrows[*i].2).collect();
    if arrows.len() <= MANY {
        for slanted in arrows.iter().filter(|arrow| !chosen.iter().any(|i| arrows[*i].2 == arrow.2)) {
            let met: Vec<_> =
                arrows.iter().filter(|other| other.2 != slanted.2 && crosses(slanted, other)).collect();
            if met.len() <= 2 {
                for other in met {
                    level.remove(&other.2);
                }
            }
        }
    }
    level
}

/// Indices of a longest run of arrows, in the order of the left side, that is in order on the right as well.
fn longest_rising(arrows: &[(usize, usize, Piece)]) -> Vec<usize> {
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(arrows.len());
    for (i, arrow) in arrows.iter().enumerate() {
        let at = tails.partition_point(|tail| arrows[*tail].1 < arrow.1);
        before.push(at.checked_sub(1).map(|at| tails[at]));
        if at == tails.len() {
            tails.push(i);
        } else {
            tails[at] = i;
        }
    }
    let mut chosen = Vec::new();
    let mut next = tails.last().copied();
    while let Some(i) = next {
        chosen.push(i);
        next = before[i];
    }
    chosen
}

/// The page while it is written.
struct Page<'a, 'b> {
    story: &'a Story<'a>,
    hosts: (NodeId, NodeId),
    time: usize,
    middle: usize,
    last: Option<Time>,
    out: &'b mut dyn Write,
}

/// What stands beside a lifeline.
type Margin = Option<(Time, String)>;

impl<'a> Page<'a, '_> {
    fn head(&mut self) -> io::Result<()> {
        let name = |host| self.story.names.node(host).to_owned();
        let (left, right) = (name(self.hosts.0), name(self.hosts.1));
        let margin = self.time + STATE + 3;
        let space = self.middle;
        writeln!(
            self.out,
            "{}{:space$}{}",
            paint(paint::host(self.hosts.0).bold(), format!("{left:>margin$} ")),
            "",
            paint(paint::host(self.hosts.1).bold(), right),
        )
    }

    /// A packet from side to side.
    fn level(&mut self, left: &Event, right: &Event) -> io::Result<()> {
        let rightward = matches!(left.kind, Kind::Send(..));
        let Some((journey, label)) = self.told(if rightward { left } else { right }) else { return Ok(()) };
        let line = arrow::draw(Shape::Whole, rightward, &label, self.middle);
        let margins = (Some((left.time, left.entered())), Some((right.time, right.entered())));
        self.row(margins, &line, style(journey), note(journey))
    }

    /// The journey that an event belongs to, and what stands on the arrow.
    fn told(&self, event: &Event) -> Option<(&'a Journey<'a>, String)> {
        let (Kind::Send((id, _), index) | Kind::Receive((id, _), index)) = event.kind else { return None };
        let (What::Sent { packet, .. } | What::Received { packet, .. }) = &self.story.records[index].what
        else {
            return None;
        };
        let journey = self.story.journey(id)?;
        let mut text = words::brief(packet, journey.relative.as_ref());
        if let Some(port) = self.story.port(packet) {
            text = format!("{port} {text}");
        }
        let names = self.story.names;
        let to = names.owner(packet.ip.dst);
        let label = if !names.is_host(journey.origin) {
            format!("{}: {text}", names.node(journey.origin))
        } else if to.is_none_or(|to| !names.is_host(to)) {
            format!("to {}: {text}", names.at(packet.ip.dst))
        } else {
            text
        };
        Some((journey, label))
    }

    /// Something that happens at one side only.
    fn single(&mut self, on_left: bool, event: &Event) -> io::Result<()> {
        let margin = Some((event.time, event.entered()));
        let margins = if on_left { (margin, None) } else { (None, margin) };
        let (shape, rightward) = match event.kind {
            Kind::State => return self.row(margins, &" ".repeat(self.middle), PLAIN, String::new()),
            Kind::Fault(index) => return self.fault(event.time, index),
            Kind::Send((id, _), _) if self.story.journey(id).is_some_and(Journey::is_lost) => {
                (Shape::Lost, on_left)
            }
            Kind::Send(..) => (Shape::Departs, on_left),
            Kind::Receive(..) => (Shape::Arrives, !on_left),
        };
        let Some((journey, label)) = self.told(event) else { return Ok(()) };
        let line = arrow::draw(shape, rightward, &label, self.middle);
        let told = if shape == Shape::Arrives { String::new() } else { note(journey) };
        let style = if shape == Shape::Lost { RED } else { style(journey) };
        self.row(margins, &line, style, told)
    }

    fn row(
        &mut self,
        margins: (Margin, Margin),
        line: &str,
        style: anstyle::Style,
        note: String,
    ) -> io::Result<()> {
        let times = [&margins.0, &margins.1].into_iter().flatten().map(|(time, _)| *time);
        if let Some(time) = times.min() {
            self.pause(time)?;
        }
        let text = |margin: Margin| match margin {
            Some((time, state)) => (words::clock(time), state),
            None => (String::new(), String::new()),
        };
        let ((left_time, left_state), (right_time, right_state)) = (text(margins.0), text(margins.1));
        let width = self.time;
        // A note takes the place of what is free on an arrow's other side.
        let (line, told) = with_note(line, &note);
        write!(
            self.out,
            "{left_time:>width$}  {} {}{}{}",
            paint(paint::host(self.hosts.0), format_args!("{left_state:<STATE$}")),
            paint(DIM, "│"),
            paint(style, line),
            paint(DIM, "│"),
        )?;
        let right = format!("{right_state:<STATE$} {right_time:>width$}");
        let right = if told.is_empty() { right.trim_end() } else { &right };
        if !right.is_empty() {
            write!(self.out, " {}", paint(paint::host(self.hosts.1), right))?;
        }
        if !told.is_empty() {
            write!(self.out, "  {}", paint(YELLOW, told))?;
        }
        writeln!(self.out)
    }

    fn fault(&mut self, time: Time, index: usize) -> io::Result<()> {
        self.pause(time)?;
        let What::Fault { text } = &self.story.records[index].what else { return Ok(()) };
        let text = arrow::cut(&format!(" {text} "), self.middle + 2);
        let line = format!(
            "{:>time$}  {:STATE$} {text:┄^middle$}",
            words::clock(time),
            "",
            time = self.time,
            middle = self.middle + 2
        );
        writeln!(self.out, "{}", paint(YELLOW, line))
    }

    /// Says how long nothing happened, if that is long.
    fn pause(&mut self, time: Time) -> io::Result<()> {
        if let Some(last) = self.last.filter(|last| time.since(*last).as_nanos() >= LONG) {
            let text = format!("{} later", words::span(time.since(last)));
            let margin = self.time + STATE + 3;
            writeln!(
                self.out,
                "{}",
                paint(DIM, format_args!("{:margin$}┊{text:^middle$}┊", "", middle = self.middle))
            )?;
        }
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
        Ok(())
    }
}

/// Writes a note into the free half of a lost packet's row, or leaves it to stand behind the row.
fn with_note(line: &str, note: &str) -> (String, String) {
    let free = line.chars().count() / 2;
    if note.is_empty() || !line.contains('✗') || note.chars().count() + 1 > free {
        return (line.to_owned(), note.to_owned());
    }
    let note_len = note.chars().count();
    let mut columns: Vec<char> = line.chars().collect();
    let start = if columns.first() == Some(&' ') {
        free.saturating_sub(note_len + 1)
    } else {
        columns.len() - free + 1
    };
    if columns.iter().skip(start).take(note_len).any(|column| *column != ' ') {
        return (line.to_owned(), note.to_owned());
    }
    for (column, c) in columns.iter_mut().skip(start).zip(note.chars()) {
        *column = c;
    }
    (columns.into_iter().collect(), String::new())
}

/// What the network did to a packet.
fn note(journey: &Journey<'_>) -> String {
    let fates = journey.fates.iter().map(|(_, _, fate)| match fate {
        // The copy and the late arrival have rows of their own.
        Fate::Duplicated(_) => "duplicated".to_owned(),
        Fate::Delayed(_) => "delayed".to_owned(),
        fate => words::fate(*fate),
    });
    let mut text = fates.collect::<Vec<_>>().join(", ");
    if let (true, Some((_, _, why))) = (text.is_empty(), journey.dropped) {
        text = format!("dropped: {}", words::drop_reason(why));
    }
    text
}

fn style(journey: &Journey<'_>) -> anstyle::Style {
    use tcp::Flags;
    match &journey.packet.body {
        _ if journey.fates.iter().any(|(_, _, fate)| is_loss(*fate)) => RED,
        Body::Tcp(segment) if segment.has(Flags::RST) => RED.bold(),
        Body::Tcp(segment) if segment.has(Flags::SYN) => paint::GREEN,
        Body::Tcp(segment) if segment.has(Flags::FIN) => paint::MAGENTA,
        Body::Tcp(segment) if segment.payload.is_empty() => PLAIN,
        Body::Tcp(_) => BOLD,
        Body::Icmp(_) => YELLOW,
        Body::Udp(_) | Body::Echo(_) | Body::Fragment(_) => PLAIN,
    }
}
