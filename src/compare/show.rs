//! A difference for people: both sides around it, as `diff` shows them. Colours are always written, and taken out by
//! the stream where nobody can see them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::judge::{Difference, What};
use super::windows::{self, Agreement};
use super::{Capture, Seg, StateChange, seconds};
use crate::view::paint::{BOLD, DIM, GREEN, RED, paint};

/// Segments of each side before the difference, and from it on.
const AROUND: (usize, usize) = (8, 4);
/// What a program is told belongs to a state that is so near, in microseconds.
const NEAR: u64 = 10_000;

/// Both sides around a difference: `-` is theirs, `+` ours, and what stands on one line is the same on both. `names`
/// are what the sides are called.
pub fn text(difference: &Difference, theirs: &Capture, ours: &Capture, names: [&str; 2]) -> String {
    let mut text = heading(names);
    match &difference.what {
        What::Segment { theirs: t, ours: o, part } => {
            ladder(theirs, ours, (*t, *o), part, names, &mut text);
        }
        What::States { who, theirs: t, ours: o, nth, .. } => {
            states(t, o, *nth, &mut text);
            if let (Some(missing), None) = (t.get(*nth), o.get(*nth)) {
                instead(who, missing, ours, names[1], &mut text);
            }
        }
        What::Errors => {
            let list = |capture: &Capture| -> Vec<String> {
                let errors = capture.errors.iter();
                errors.map(|e| format!("{:>9}  {} {}", seconds(e.at), e.who, e.errno)).collect()
            };
            list(theirs).iter().for_each(|line| sided('-', line, &mut text));
            list(ours).iter().for_each(|line| sided('+', line, &mut text));
        }
    }
    text
}

fn heading([theirs, ours]: [&str; 2]) -> String {
    let (theirs, ours) = (format!("- {theirs}"), format!("+ {ours}"));
    format!("{}\n{}\n", paint(RED, theirs), paint(GREEN, ours))
}

/// One line of one side.
fn sided(sign: char, line: &str, text: &mut String) {
    let style = if sign == '-' { RED } else { GREEN };
    let _ = writeln!(text, "{}", paint(style, format_args!("{sign} {}", line.trim_end())));
}

/// Segments around a difference. A segment of ours stands beside the one of theirs that has its sender and number.
fn ladder(
    theirs: &Capture,
    ours: &Capture,
    at: (Option<usize>, Option<usize>),
    part: &str,
    names: [&str; 2],
    text: &mut String,
) {
    let rows = rows(theirs, ours);
    let here = rows.iter().position(|row| at.0.map_or(row.1 == at.1, |t| row.0 == Some(t)));
    let here = here.unwrap_or(rows.len());
    let first = here.saturating_sub(AROUND.0);
    let shown = &rows[first..(here + AROUND.1).min(rows.len())];
    let cells: Vec<Vec<[String; 11]>> = shown
        .iter()
        .map(|(t, o)| {
            let (t, o) = (t.map(|t| &theirs.segments[t]), o.map(|o| &ours.segments[o]));
            match (t, o) {
                (Some(t), Some(o)) if alike(t, o) => {
                    let mut both = cells(t, ' ');
                    both[1] = cells(o, ' ')[1].clone();
                    vec![both]
                }
                _ => t.map(|t| cells(t, '-')).into_iter().chain(o.map(|o| cells(o, '+'))).collect(),
            }
        })
        .collect();
    let width =
        |column: usize| cells.iter().flatten().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..11).map(width).collect();
    let mut head = String::new();
    let _ = writeln!(head, "  {:>w0$} {:>w1$}", "theirs", "ours", w0 = widths[0], w1 = widths[1]);
    let _ = write!(text, "{}", paint(DIM, head));
    for (i, row) in cells.iter().enumerate() {
        let marked = first + i == here;
        for one in row {
            let line = one_line(one, &widths);
            let sign = one[10].chars().next().unwrap_or(' ');
            let note = if marked { format!("  ← {part}") } else { String::new() };
            match sign {
                ' ' if marked => {
                    let _ = writeln!(text, "{}{}", paint(BOLD, line.trim_end()), paint(BOLD, note));
                }
                ' ' => {
                    let _ = writeln!(text, "{}", line.trim_end());
                }
                _ => sided(sign, &format!("{}{note}", line[2..].trim_end()), text),
            }
        }
    }
    if let Some(segment) = at.1.map(|o| &ours.segments[o]).filter(|segment| !segment.why.is_empty()) {
        let _ = writeln!(text, "{} sent it because: {}", names[1], segment.why);
    }
    if let Some(segment) = at.0.map(|t| &theirs.segments[t]).filter(|segment| !segment.why.is_empty()) {
        let _ = writeln!(text, "{} sent it because: {}", names[0], segment.why);
    }
}

/// Pairs of segments, by number of theirs and ours, in their order; what only ours has comes where it was sent.
fn rows(theirs: &Capture, ours: &Capture) -> Vec<(Option<usize>, Option<usize>)> {
    let mut taken = vec![false; ours.segments.len()];
    let mut next: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rows: Vec<(Option<usize>, Option<usize>)> = Vec::new();
    for (i, segment) in theirs.segments.iter().enumerate() {
        let from = next.get(segment.who.as_str()).copied().unwrap_or(0);
        let found = (from..ours.segments.len()).find(|o| ours.segments[*o].who == segment.who);
        let found = found.filter(|o| segment.who != "net" || ours.segments[*o].flags == segment.flags);
        if let Some(found) = found {
            taken[found] = true;
            next.insert(&segment.who, found + 1);
        }
        rows.push((Some(i), found));
    }
    for (o, _) in taken.iter().enumerate().filter(|(_, taken)| !**taken) {
        let at = ours.segments[o].at;
        let time = |row: &(Option<usize>, Option<usize>)| {
            row.1.map_or_else(|| row.0.map_or(0, |t| theirs.segments[t].at), |o| ours.segments[o].at)
        };
        let place = rows.iter().rposition(|row| time(row) <= at).map_or(0, |row| row + 1);
        rows.insert(place, (None, Some(o)));
    }
    rows
}

/// Whether all but times and windows are the same.
fn alike(theirs: &Seg, ours: &Seg) -> bool {
    let same = |t: &str, o: &str| t == o || t == "*";
    theirs.ports == ours.ports
        && theirs.flags == ours.flags
        && same(&theirs.seq, &ours.seq)
        && same(&theirs.ack, &ours.ack)
        && theirs.len == ours.len
        && theirs.options == ours.options
}

/// The cells of a segment, the last its sign.
fn cells(segment: &Seg, sign: char) -> [String; 11] {
    let Seg { at, who, ports, flags, seq, ack, len, wnd, urg, options, .. } = segment;
    let time = |side: char| if sign == side || sign == ' ' { seconds(*at) } else { String::new() };
    let urgent = if urg == "-" { String::new() } else { format!(" urg {urg}") };
    [
        time('-'),
        time('+'),
        who.clone(),
        ports.clone(),
        flags.clone(),
        format!("seq {seq}"),
        if ack == "-" { String::new() } else { format!("ack {ack}") },
        format!("len {len}"),
        format!("win {wnd}{urgent}"),
        if options == "-" { String::new() } else { format!("<{options}>") },
        sign.into(),
    ]
}

fn one_line(cells: &[String; 11], widths: &[usize]) -> String {
    let mut line = String::from(" ");
    for (i, cell) in cells[..10].iter().enumerate() {
        let width = widths[i];
        let _ = if i < 2 { write!(line, " {cell:>width$}") } else { write!(line, " {cell:<width$}") };
    }
    line
}

/// A segment on one line.
pub fn line(segment: &Seg) -> String {
    let Seg { at, who, ports, flags, seq, ack, len, wnd, urg, options, fate, .. } = segment;
    let at = seconds(*at);
    format!("{at} {who} {ports} {flags} seq {seq} ack {ack} len {len} win {wnd} urg {urg} <{options}> {fate}")
}

fn states(theirs: &[StateChange], ours: &[StateChange], nth: usize, text: &mut String) {
    let time = |state: &StateChange| state.at.map_or_else(|| "?".into(), seconds);
    let line = |state: &StateChange| format!("{:>9}  {}", time(state), state.state);
    for i in 0..theirs.len().max(ours.len()) {
        match (theirs.get(i), ours.get(i)) {
            (Some(t), Some(o)) if i != nth && t.state == o.state => {
                let _ = writeln!(text, "  {}  {}", line(t), paint(DIM, format_args!("ours {}", time(o))));
            }
            (t, o) => {
                let mark = if i == nth { "  ←" } else { "" };
                let shown = |state: &StateChange| format!("{}{mark}", line(state));
                t.into_iter().for_each(|t| sided('-', &shown(t), text));
                o.into_iter().for_each(|o| sided('+', &shown(o), text));
            }
        }
    }
}

/// Where only theirs has a state: what ours had on that host then, of all ends, and what its programs were told.
fn instead(who: &str, missing: &StateChange, ours: &Capture, name: &str, text: &mut String) {
    let Some(at) = missing.at else { return };
    let mut ends: BTreeMap<&str, &StateChange> = BTreeMap::new();
    for state in ours.states.iter().filter(|state| state.who == who && state.at.is_some_and(|t| t <= at)) {
        ends.insert(&state.ports, state);
    }
    let _ = writeln!(text, "{name} had on {who} at {}:", seconds(at));
    for (ports, state) in &ends {
        let since = state.at.map_or_else(|| "?".into(), seconds);
        let _ = writeln!(text, "  {ports} {} since {since}", state.state);
    }
    let told = ours.errors.iter().filter(|error| error.who == who && error.at.abs_diff(at) <= NEAR);
    for error in told {
        let _ = writeln!(text, "  {} for a program at {}", error.errno, seconds(error.at));
    }
    if ends.is_empty() {
        let _ = writeln!(text, "  no connection");
    }
}

/// How the congestion windows of an end agree: on one line, and if not everywhere, both sides around the first difference.
pub fn agreement(agreement: &Agreement) -> String {
    let Agreement { who, ports, theirs, common, equal, around, .. } = agreement;
    let mut text = format!(
        "{who} {ports}: cwnd and ssthresh equal at {equal} of {common} acknowledgment numbers that both had (theirs: {theirs})\n"
    );
    let one = |w: &super::Window| {
        let ssthresh = w.ssthresh.map_or_else(|| "-".to_owned(), |n| n.to_string());
        format!("SND.UNA {} cwnd {} ssthresh {ssthresh}", w.una, w.cwnd)
    };
    for (t, o) in around {
        if windows::same(t, o) {
            let both = format!("{:>9} {:>9}  {}", seconds(t.at), seconds(o.at), one(t));
            let _ = writeln!(text, "  {both}");
        } else {
            sided('-', &format!("{:>9} {:>9}  {}", seconds(t.at), "", one(t)), &mut text);
            sided('+', &format!("{:>9} {:>9}  {}", "", seconds(o.at), one(o)), &mut text);
        }
    }
    text
}
