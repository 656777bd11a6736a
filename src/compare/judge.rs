//! The first difference between two captures.
//!
//! Segments are compared per sender in the order that it sent them: ports, flags, relative numbers, length, options by
//! kind and order with their values (timestamps excepted), windows, time; then the states of each end, then the errors
//! that programs saw.
//!
//! Beside a kernel, windows are compared on SYNs exactly and else whether they are zero: they follow its buffer
//! accounting. PSH on data of a bulk transfer follows its buffers, too, and is left out.
//!
//! A kernel timer fires at the next tick of its wheel level and never early: what is due after T happens after T to
//! T * 1.125 + 4 ms. So the time of an event counts as equal if it is within the jitter of the recording (the machine
//! that ran it was late by up to half a millisecond per hop), or if its distance from one of the events before it is
//! stretched by no more than that.

use super::{Capture, Seg, StateChange};

/// The first difference.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Where: short and stable, `segment c 4 options`.
    pub place: String,
    /// What.
    pub what: What,
}

/// What differs.
#[derive(Clone, Debug)]
pub enum What {
    /// A segment, by its number among all of each side; `None`: that side has none there.
    Segment {
        /// Theirs.
        theirs: Option<usize>,
        /// Ours.
        ours: Option<usize>,
        /// Which part of it: `missing`, `extra`, or the name of a field.
        part: &'static str,
    },
    /// The states of an end, or the time of one.
    States {
        /// The host.
        who: String,
        /// `local>remote`.
        ports: String,
        /// Their states of this end.
        theirs: Vec<StateChange>,
        /// Ours.
        ours: Vec<StateChange>,
        /// The first of them that differs.
        nth: usize,
    },
    /// The errors that programs saw.
    Errors,
}

/// How much two captures may differ and still count as equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How far apart the times of an event may lie, in microseconds.
    pub tolerance: u64,
    /// Whether theirs is a kernel's: its timers are late, its windows and PSH flags follow its buffers.
    pub kernel: bool,
    /// Whether theirs has nothing but segments.
    pub only_segments: bool,
}

impl Settings {
    /// Beside a kernel's capture: the jitter of the recording is lateness of the script, of the wire, and a burst through it.
    pub const KERNEL: Settings = Settings { tolerance: 2_500, kernel: true, only_segments: false };
    /// Beside another run of ours: everything that is compared is the same, to the microsecond.
    pub const EXACT: Settings = Settings { tolerance: 0, kernel: false, only_segments: false };
}

/// A jiffy, in microseconds.
const JIFFY: u64 = 4_000;
/// How many events back a time may be counted from.
const BACK: usize = 16;

/// Compares, and tells the first difference.
pub fn compare(theirs: &Capture, ours: &Capture, settings: Settings) -> Option<Difference> {
    let found = segments(theirs, ours, settings);
    if settings.only_segments {
        return found;
    }
    found.or_else(|| states(theirs, ours, settings)).or_else(|| errors(theirs, ours))
}

/// Whether it happened before the record was cut.
fn known(theirs: &Capture, at: Option<u64>) -> bool {
    theirs.cut.is_none_or(|cut| at.is_some_and(|at| at < cut))
}

fn segments(theirs: &Capture, ours: &Capture, settings: Settings) -> Option<Difference> {
    let rules = Rules { settings, bulk: theirs.segments.iter().any(is_large) };
    let senders = senders(theirs, ours);
    let own: Vec<Vec<usize>> = senders.iter().map(|who| sent_by(ours, who)).collect();
    let mut next = vec![0; senders.len()];
    let mut pairs: Vec<(u64, u64)> = Vec::new();
    for (index, segment) in theirs.segments.iter().enumerate() {
        let Some(side) = senders.iter().position(|who| **who == segment.who) else { continue };
        let nth = next[side];
        next[side] += 1;
        let mine = own[side].get(nth).copied();
        let part = match mine.map(|mine| &ours.segments[mine]) {
            None => Some("missing"),
            Some(mine) => rules.field(segment, mine).or_else(|| {
                let fits = rules.in_time(segment.at, mine.at, &pairs);
                pairs.push((segment.at, mine.at));
                (!fits).then_some("time")
            }),
        };
        if let Some(part) = part {
            let place = format!("segment {} {} {part}", segment.who, nth + 1);
            return Some(Difference { place, what: What::Segment { theirs: Some(index), ours: mine, part } });
        }
    }
    if theirs.cut.is_some() {
        return None;
    }
    let extra = (0..senders.len()).filter_map(|side| Some((side, *own[side].get(next[side])?)));
    let (side, mine) = extra.min_by_key(|(_, mine)| *mine)?;
    let place = format!("segment {} {} extra", senders[side], next[side] + 1);
    Some(Difference { place, what: What::Segment { theirs: None, ours: Some(mine), part: "extra" } })
}

fn is_large(segment: &Seg) -> bool {
    segment.len.parse::<u32>().is_ok_and(|len| len >= 500)
}

/// Who sends, in the order of first segments. What the network forges is not compared.
fn senders<'a>(theirs: &'a Capture, ours: &'a Capture) -> Vec<&'a str> {
    let mut senders: Vec<&str> = Vec::new();
    for segment in theirs.segments.iter().chain(&ours.segments) {
        if segment.who != "net" && !senders.contains(&segment.who.as_str()) {
            senders.push(&segment.who);
        }
    }
    senders
}

fn sent_by(capture: &Capture, who: &str) -> Vec<usize> {
    (0..capture.segments.len()).filter(|i| capture.segments[*i].who == who).collect()
}

/// What counts as equal.
struct Rules {
    settings: Settings,
    /// Whether much is sent, so that PSH follows the kernel's buffers.
    bulk: bool,
}

impl Rules {
    /// The first field in which two segments differ.
    fn field(&self, theirs: &Seg, ours: &Seg) -> Option<&'static str> {
        let lenient = self.settings.kernel && self.bulk;
        let flags =
            |s: &Seg| if lenient && s.len != "0" { s.flags.replace('P', "") } else { s.flags.clone() };
        let same = |theirs: &str, ours: &str| theirs == "*" || theirs == ours;
        if theirs.ports != ours.ports {
            Some("ports")
        } else if flags(theirs) != flags(ours) {
            Some("flags")
        } else if !same(&theirs.seq, &ours.seq) {
            Some("seq")
        } else if !same(&theirs.ack, &ours.ack) {
            Some("ack")
        } else if theirs.len != ours.len {
            Some("len")
        } else if !self.same_window(theirs, ours) {
            Some("window")
        } else if theirs.urg != ours.urg {
            Some("urgent")
        } else if !same_options(&theirs.options, &ours.options) {
            Some("options")
        } else {
            None
        }
    }

    fn same_window(&self, theirs: &Seg, ours: &Seg) -> bool {
        if self.settings.kernel && !theirs.flags.contains('S') {
            (theirs.wnd == "0") == (ours.wnd == "0")
        } else {
            theirs.wnd == ours.wnd || theirs.wnd == "+" && ours.wnd != "0"
        }
    }

    /// Whether our time of an event fits theirs, given the pairs of times of events before it.
    fn in_time(&self, theirs: u64, ours: u64, before: &[(u64, u64)]) -> bool {
        let jitter = self.settings.tolerance;
        let stretched = |(t, o): &(u64, u64)| {
            let (theirs, ours) = (theirs.saturating_sub(*t), ours.saturating_sub(*o));
            let latest = ours.saturating_add(ours / 8).saturating_add(JIFFY).saturating_add(jitter);
            theirs.saturating_add(jitter) >= ours && theirs <= latest
        };
        theirs.abs_diff(ours) <= jitter
            || self.settings.kernel && before.iter().rev().take(BACK).any(stretched)
    }
}

/// Whether options are equal; a `*` in theirs stands for SACK blocks without meaning.
fn same_options(theirs: &str, ours: &str) -> bool {
    let without = |text: &str| text.split("sack=").next().unwrap_or("").to_string();
    if theirs.contains('*') { without(theirs) == without(ours) } else { theirs == ours }
}

fn states(theirs: &Capture, ours: &Capture, settings: Settings) -> Option<Difference> {
    let rules = Rules { settings, bulk: false };
    let mut ends: Vec<(&str, &str)> = Vec::new();
    for state in theirs.states.iter().chain(ours.states.iter().filter(|state| known(theirs, state.at))) {
        if !ends.contains(&(&state.who, &state.ports)) {
            ends.push((&state.who, &state.ports));
        }
    }
    let pairs = sent_together(theirs, ours);
    for (who, ports) in ends {
        let (list, mut own) = (of_end(theirs, who, ports), of_end(ours, who, ports));
        own.retain(|state| known(theirs, state.at));
        let nth = (0..list.len().max(own.len()))
            .find(|i| list.get(*i).map(|s| &s.state) != own.get(*i).map(|s| &s.state));
        let differs = |part: String, nth| {
            let place = format!("states {who} {ports}{part}");
            let (theirs, ours) = (list.clone(), own.clone());
            let what = What::States { who: who.into(), ports: ports.into(), theirs, ours, nth };
            Some(Difference { place, what })
        };
        if let Some(nth) = nth {
            return differs(String::new(), nth);
        }
        let mut before = pairs.clone();
        for (nth, (theirs, ours)) in list.iter().zip(&own).enumerate() {
            let (Some(t), Some(o)) = (theirs.at, ours.at) else { continue };
            let mut earlier: Vec<_> = before.iter().copied().filter(|(at, _)| *at <= t).collect();
            earlier.sort_unstable();
            if !rules.in_time(t, o, &earlier) {
                return differs(format!(" time of {}", theirs.state), nth);
            }
            before.push((t, o));
        }
    }
    None
}

/// Times of segments, theirs and ours.
fn sent_together(theirs: &Capture, ours: &Capture) -> Vec<(u64, u64)> {
    let times = |capture: &Capture, who: &str| -> Vec<u64> {
        capture.segments.iter().filter(|segment| segment.who == who).map(|segment| segment.at).collect()
    };
    let senders = senders(theirs, ours);
    senders.into_iter().flat_map(|who| times(theirs, who).into_iter().zip(times(ours, who))).collect()
}

/// The states of one end, in order.
fn of_end(capture: &Capture, who: &str, ports: &str) -> Vec<StateChange> {
    let here = capture.states.iter().filter(|s| s.who == who && s.ports == ports);
    let list: Vec<StateChange> = here.cloned().collect();
    // A new open takes the place of TIME-WAIT without a word in the kernel.
    let reused = |i: usize| {
        list[i].state == "CLOSED"
            && list.get(i + 1).is_some_and(|next| next.at == list[i].at && next.state.starts_with("SYN"))
    };
    (0..list.len()).filter(|i| !reused(*i)).map(|i| list[i].clone()).collect()
}

fn errors(theirs: &Capture, ours: &Capture) -> Option<Difference> {
    let of = |c: &Capture| {
        let here = c.errors.iter().filter(|error| known(theirs, Some(error.at)));
        here.map(|error| format!("{} {}", error.who, error.errno)).collect::<Vec<_>>()
    };
    (of(theirs) != of(ours)).then(|| Difference { place: "errors".into(), what: What::Errors })
}
