//! A difference for people: both sides around it.

use super::judge::{Difference, What};
use super::{Capture, Seg, StateChange, seconds};

/// Lines before the difference, and from it on.
const AROUND: (usize, usize) = (6, 5);

/// Both sides around a difference, without colours. `names` are what the sides are called.
pub fn text(difference: &Difference, theirs: &Capture, ours: &Capture, names: [&str; 2]) -> String {
    let [their_name, our_name] = names;
    match &difference.what {
        What::Segment { theirs: t, ours: o, .. } => {
            format!(
                "{their_name}:\n{}{our_name}:\n{}",
                around(&theirs.segments, *t),
                around(&ours.segments, *o)
            )
        }
        What::States { who, ports, theirs: t, ours: o, .. } => {
            format!("{their_name} {who} {ports}: {}\n{our_name} {who} {ports}: {}\n", states(t), states(o))
        }
        What::Errors => format!("{their_name}: {}\n{our_name}: {}\n", errors(theirs), errors(ours)),
    }
}

fn around(segments: &[Seg], at: Option<usize>) -> String {
    let at = at.unwrap_or(segments.len());
    let first = at.saturating_sub(AROUND.0);
    let shown = segments.iter().enumerate().skip(first).take(at + AROUND.1 - first);
    shown.map(|(i, segment)| format!("{} {}\n", if i == at { ">" } else { " " }, line(segment))).collect()
}

/// A segment on one line.
pub fn line(segment: &Seg) -> String {
    let Seg { at, who, ports, flags, seq, ack, len, wnd, urg, options, fate } = segment;
    let at = seconds(*at);
    format!("{at} {who} {ports} {flags} seq {seq} ack {ack} len {len} win {wnd} urg {urg} <{options}> {fate}")
}

fn states(list: &[StateChange]) -> String {
    let one = |s: &StateChange| format!("{}@{}", s.state, s.at.map_or_else(|| "?".into(), seconds));
    list.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn errors(capture: &Capture) -> String {
    let one = |e: &super::ErrorSeen| format!("{} {}@{}", e.who, e.errno, seconds(e.at));
    capture.errors.iter().map(one).collect::<Vec<_>>().join(" ")
}
