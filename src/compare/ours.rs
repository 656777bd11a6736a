//! A run of ours, told in the words of a capture.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sim::packet::Body;
use sim::trace::{Record, Trigger, What};
use tcp::{Flags, Rule, Segment, SeqNum, State};

use super::{Capture, ErrorSeen, Seg, StateChange};
use crate::relative::Isns;
use crate::view::sockets::netstat::kernel_name;

/// The facts of a trace that a capture holds too. `name` gives the name of a node by its number.
pub fn tell(trace: &[Record], name: &dyn Fn(u32) -> String) -> Capture {
    let mut capture = Capture::default();
    let mut isns = Isns::default();
    for record in trace {
        let at = record.time.as_nanos() / 1_000;
        match &record.what {
            What::Sent { node, packet, why: Some(why), .. } => {
                let who = name(node.0);
                let forged = why.trigger == Trigger::Fault;
                if let (Body::Tcp(segment), Some(tuple)) = (&packet.body, packet.tuple()) {
                    let numbers = isns.look(tuple, segment, forged);
                    let who = if forged { "net".to_string() } else { who };
                    let mut told = tell_segment(at, who, segment, numbers);
                    told.why = format!("{} ({})", why.rule.text(), why.rule.source());
                    capture.segments.push(told);
                }
            }
            What::State { node, tuple, to, why, .. } if tuple.remote.port() != 0 => {
                // A kernel that crashes tells nobody.
                if why.rule == Rule::HostCrashed {
                    continue;
                }
                capture.states.push(StateChange {
                    at: Some(at),
                    who: name(node.0),
                    ports: format!("{}>{}", tuple.local.port(), tuple.remote.port()),
                    state: linux_name(*to).into(),
                });
            }
            What::Program { node, result, .. } => {
                let errno = result.split(|c: char| !c.is_ascii_uppercase()).find(|w| is_errno(w));
                if let Some(errno) = errno {
                    capture.errors.push(ErrorSeen { at, who: name(node.0), errno: errno.into() });
                }
            }
            _ => {}
        }
    }
    capture
}

/// The segments of a trace as tcpdump on one host shows them: what it sent when it sent it, what came when it came.
pub fn seen_by(trace: &[Record], name: &dyn Fn(u32) -> String, host: &str) -> Capture {
    let mut capture = Capture::default();
    let mut isns = Isns::default();
    let names = names_by_address(trace, name);
    for record in trace {
        let (node, packet, why) = match &record.what {
            What::Sent { node, packet, why: Some(why), .. } => (node, packet, Some(why)),
            What::Received { node, packet, .. } => (node, packet, None),
            _ => continue,
        };
        let (Body::Tcp(segment), Some(tuple)) = (&packet.body, packet.tuple()) else { continue };
        if name(node.0) != host {
            continue;
        }
        let numbers = isns.look(tuple, segment, false);
        let who = names.get(&packet.ip.src).cloned().unwrap_or_else(|| packet.ip.src.to_string());
        let mut told = tell_segment(record.time.as_nanos() / 1_000, who, segment, numbers);
        told.why = why.map_or_else(String::new, |why| format!("{} ({})", why.rule.text(), why.rule.source()));
        capture.segments.push(told);
    }
    capture
}

/// Who sent from which address, by what was not forged.
fn names_by_address(trace: &[Record], name: &dyn Fn(u32) -> String) -> BTreeMap<IpAddr, String> {
    let mut names = BTreeMap::new();
    for record in trace {
        if let What::Sent { node, packet, why: Some(why), .. } = &record.what
            && why.trigger != Trigger::Fault
        {
            names.entry(packet.ip.src).or_insert_with(|| name(node.0));
        }
    }
    names
}

fn is_errno(word: &str) -> bool {
    word.len() > 3 && word.starts_with('E') && word != "EOF" && !super::NO_ERRORS.contains(&word)
}

pub(super) fn tell_segment(
    at: u64,
    who: String,
    segment: &Segment,
    (isn, peer): (Option<SeqNum>, Option<SeqNum>),
) -> Seg {
    let has = |flag| segment.has(flag);
    Seg {
        at,
        who,
        ports: format!("{}>{}", segment.src, segment.dst),
        flags: letters(segment.flags),
        seq: relative(segment.seq, isn),
        ack: if has(Flags::ACK) { relative(segment.ack, peer) } else { "-".into() },
        len: segment.payload.len().to_string(),
        wnd: segment.wnd.to_string(),
        urg: if has(Flags::URG) { segment.urg.to_string() } else { "-".into() },
        options: options(segment, peer),
        fate: "-".into(),
        why: String::new(),
    }
}

/// The letters of the kernel's ladder, in its order.
fn letters(flags: Flags) -> String {
    const LETTERS: [(Flags, char); 8] = [
        (Flags::SYN, 'S'),
        (Flags::FIN, 'F'),
        (Flags::RST, 'R'),
        (Flags::PSH, 'P'),
        (Flags::ACK, 'A'),
        (Flags::URG, 'U'),
        (Flags::ECE, 'E'),
        (Flags::CWR, 'W'),
    ];
    let text: String = LETTERS.iter().filter(|(f, _)| flags.contains(*f)).map(|(_, c)| *c).collect();
    if text.is_empty() { "none".into() } else { text }
}

/// The options as they stand on the wire, padding included.
fn options(segment: &Segment, peer: Option<SeqNum>) -> String {
    let options = &segment.options;
    let mut parts: Vec<String> = Vec::new();
    if let Some(mss) = options.mss {
        parts.push(format!("mss={mss}"));
    }
    match (options.sack_permitted, options.timestamps.is_some()) {
        (true, true) => parts.extend(["sackOK".into(), "TS".into()]),
        (true, false) => parts.extend(["nop".into(), "nop".into(), "sackOK".into()]),
        (false, true) => parts.extend(["nop".into(), "nop".into(), "TS".into()]),
        (false, false) => {}
    }
    if let Some(shift) = options.wscale {
        parts.extend(["nop".into(), format!("wscale={shift}")]);
    }
    if let Some(fast_open) = &options.fast_open {
        let cookie = fast_open.cookie.map_or(0, |cookie| cookie.as_slice().len());
        let octets = cookie + if fast_open.experimental { 4 } else { 2 };
        parts.push(if cookie == 0 { "tfo".into() } else { "tfo=cookie".into() });
        parts.extend(std::iter::repeat_n("nop".to_owned(), octets.next_multiple_of(4) - octets));
    }
    if !options.sack.is_empty() {
        let blocks: Vec<String> = options
            .sack
            .as_slice()
            .iter()
            .map(|(left, right)| format!("{}-{}", relative(*left, peer), relative(*right, peer)))
            .collect();
        parts.extend(["nop".into(), "nop".into(), format!("sack={}", blocks.join("/"))]);
    }
    if parts.is_empty() { "-".into() } else { parts.join(",") }
}

fn relative(number: SeqNum, isn: Option<SeqNum>) -> String {
    match isn {
        Some(isn) => number.0.wrapping_sub(isn.0).cast_signed().to_string(),
        None => format!("abs{}", number.0),
    }
}

/// A state as a kernel's trace point spells it. Of a connection LISTEN is a request that has gone back to where it came from,
/// which a kernel just drops.
fn linux_name(state: State) -> &'static str {
    match state {
        State::Listen | State::Closed => "CLOSED",
        state => kernel_name(state),
    }
}
