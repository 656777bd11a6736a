//! Is a run of ours what the kernel did?
//!
//! Segments are compared per sender in the order that it sent them: ports, flags, relative numbers, length, options by
//! kind and order with their values (timestamps excepted), windows on SYN exactly and else whether they are zero. PSH
//! on data of a bulk transfer follows the kernel's buffers and is left out.
//!
//! A kernel timer fires at the next tick of its wheel level and never early: what is due after T happens after T to
//! T * 1.125 + 4 ms. So the time of an event counts as equal if it is within the jitter of the recording (the machine
//! that ran it was late by up to half a millisecond per hop), or if its distance from one of the events before it is
//! stretched by no more than that.

use super::capture::{Capture, Seg, seconds};

/// The first difference: where, and what to show.
#[derive(Debug)]
pub struct Difference {
    /// Short and stable: `segment c 4 options`.
    pub place: String,
    /// Both sides around it.
    pub text: String,
}

/// Jitter of the recording, in microseconds: lateness of the script, of the wire, and a burst through it.
const JITTER: u64 = 2_500;
/// A jiffy, in microseconds.
const JIFFY: u64 = 4_000;
/// How many events back a time may be counted from.
const BACK: usize = 16;

/// Compares, and tells the first difference.
pub fn compare(kernel: &Capture, ours: &Capture) -> Option<Difference> {
    let ours = cut(ours, kernel.cut);
    segments(kernel, &ours).or_else(|| states(kernel, &ours)).or_else(|| errors(kernel, &ours))
}

/// What happened before the record of the kernel was cut, with a little grace for what straddles the cut.
fn cut(ours: &Capture, at: Option<u64>) -> Capture {
    let Some(at) = at else { return ours.clone() };
    let mut ours = ours.clone();
    ours.states.retain(|s| s.at < Some(at));
    ours.errors.retain(|e| e.at < at);
    ours
}

fn segments(kernel: &Capture, ours: &Capture) -> Option<Difference> {
    let bulk = kernel.segments.iter().any(|s| s.len.parse::<u32>().is_ok_and(|len| len >= 500));
    let mut pairs: Vec<(u64, u64)> = Vec::new();
    let mut next = [0; 2];
    for (index, theirs) in kernel.segments.iter().enumerate() {
        let Some(side) = ["c", "s"].iter().position(|who| *who == theirs.who) else { continue };
        let nth = next[side];
        next[side] += 1;
        let mine = ours.segments.iter().filter(|s| s.who == theirs.who).nth(nth);
        let found = match mine {
            None => Some("missing"),
            Some(mine) => field(theirs, mine, bulk).or_else(|| {
                let fits = in_time(theirs.at, mine.at, &pairs);
                pairs.push((theirs.at, mine.at));
                (!fits).then_some("time")
            }),
        };
        if let Some(what) = found {
            let place = format!("segment {} {} {what}", theirs.who, nth + 1);
            return Some(Difference { text: around(kernel, ours, index, mine), place });
        }
    }
    if kernel.cut.is_some() {
        return None;
    }
    for (side, who) in ["c", "s"].iter().enumerate() {
        if let Some(extra) = ours.segments.iter().filter(|s| s.who == *who).nth(next[side]) {
            let place = format!("segment {who} {} extra", next[side] + 1);
            return Some(Difference {
                text: around(kernel, ours, kernel.segments.len(), Some(extra)),
                place,
            });
        }
    }
    None
}

/// The first field in which two segments differ.
fn field(kernel: &Seg, ours: &Seg, bulk: bool) -> Option<&'static str> {
    let flags = |s: &Seg| if bulk && s.len != "0" { s.flags.replace('P', "") } else { s.flags.clone() };
    let same = |kernel: &str, ours: &str| kernel == "*" || kernel == ours;
    let sack = |s: &str| {
        if s.contains('*') { s.split("sack=").next().unwrap_or("").to_string() } else { s.to_string() }
    };
    let ours_options = if kernel.options.contains('*') {
        ours.options.split("sack=").next().unwrap_or("").to_string()
    } else {
        ours.options.clone()
    };
    if kernel.ports != ours.ports {
        Some("ports")
    } else if flags(kernel) != flags(ours) {
        Some("flags")
    } else if !same(&kernel.seq, &ours.seq) {
        Some("seq")
    } else if !same(&kernel.ack, &ours.ack) {
        Some("ack")
    } else if kernel.len != ours.len {
        Some("len")
    } else if kernel.wnd != ours.wnd {
        Some("window")
    } else if kernel.urg != ours.urg {
        Some("urgent")
    } else if sack(&kernel.options) != ours_options {
        Some("options")
    } else {
        None
    }
}

/// Whether our time of an event fits the kernel's, given the pairs of times of events before it.
fn in_time(kernel: u64, ours: u64, before: &[(u64, u64)]) -> bool {
    kernel.abs_diff(ours) <= JITTER
        || before.iter().rev().take(BACK).any(|(k, o)| {
            let (theirs, mine) = (kernel.saturating_sub(*k), ours.saturating_sub(*o));
            theirs + JITTER >= mine && theirs <= mine + mine / 8 + JIFFY + JITTER
        })
}

fn states(kernel: &Capture, ours: &Capture) -> Option<Difference> {
    let mut ends: Vec<(&str, &str)> = Vec::new();
    for s in kernel.states.iter().chain(&ours.states) {
        if !ends.contains(&(&s.who, &s.ports)) {
            ends.push((&s.who, &s.ports));
        }
    }
    let pairs: Vec<(u64, u64)> = ["c", "s"]
        .iter()
        .flat_map(|who| {
            let of =
                |c: &Capture| c.segments.iter().filter(|s| s.who == *who).map(|s| s.at).collect::<Vec<_>>();
            of(kernel).into_iter().zip(of(ours))
        })
        .collect();
    for (who, ports) in ends {
        let of = |c: &Capture| -> Vec<(Option<u64>, String)> {
            let here = c.states.iter().filter(|s| s.who == who && s.ports == ports);
            let mut list: Vec<_> = here.map(|s| (s.at, s.state.clone())).collect();
            // A new open takes the place of TIME-WAIT without a word in the kernel.
            let reused = |i: usize| {
                list[i].1 == "CLOSED"
                    && list.get(i + 1).is_some_and(|next| next.0 == list[i].0 && next.1.starts_with("SYN"))
            };
            let reused: Vec<bool> = (0..list.len()).map(reused).collect();
            let mut reused = reused.iter();
            list.retain(|_| !reused.next().expect("as many"));
            list
        };
        let (theirs, mine) = (of(kernel), of(ours));
        let show = |list: &[(Option<u64>, String)]| {
            let one = |(at, state): &(Option<u64>, String)| {
                format!("{state}@{}", at.map_or_else(|| "?".into(), seconds))
            };
            list.iter().map(one).collect::<Vec<_>>().join(" ")
        };
        let text =
            format!("kernel {who} {ports}: {}\nours   {who} {ports}: {}\n", show(&theirs), show(&mine));
        let names = |list: &[(Option<u64>, String)]| list.iter().map(|(_, s)| s.clone()).collect::<Vec<_>>();
        if names(&theirs) != names(&mine) {
            return Some(Difference { place: format!("states {who} {ports}"), text });
        }
        let mut before = pairs.clone();
        for ((k, state), (o, _)) in theirs.iter().zip(&mine) {
            let (Some(k), Some(o)) = (k, o) else { continue };
            let mut earlier: Vec<_> = before.iter().copied().filter(|(at, _)| at <= k).collect();
            earlier.sort_unstable();
            if !in_time(*k, *o, &earlier) {
                return Some(Difference { place: format!("states {who} {ports} time of {state}"), text });
            }
            before.push((*k, *o));
        }
    }
    None
}

fn errors(kernel: &Capture, ours: &Capture) -> Option<Difference> {
    let of = |c: &Capture| c.errors.iter().map(|e| format!("{} {}", e.who, e.errno)).collect::<Vec<_>>();
    (of(kernel) != of(ours)).then(|| Difference {
        place: "errors".into(),
        text: format!("kernel: {:?}\nours:   {:?}\n", of(kernel), of(ours)),
    })
}

/// The lines around a difference, the kernel's and ours.
fn around(kernel: &Capture, ours: &Capture, index: usize, mine: Option<&Seg>) -> String {
    let own = mine
        .and_then(|m| ours.segments.iter().position(|s| std::ptr::eq(s, m)))
        .unwrap_or(ours.segments.len());
    let list = |segments: &[Seg], at: usize| -> String {
        (at.saturating_sub(6)..(at + 5).min(segments.len()))
            .map(|i| format!("{} {}\n", if i == at { ">" } else { " " }, segments[i].line()))
            .collect()
    };
    format!("kernel:\n{}ours:\n{}", list(&kernel.segments, index), list(&ours.segments, own))
}
