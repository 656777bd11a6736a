//! Packets in the trace, and the rules by which things happened.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sim::NodeId;
use sim::packet::{Body, Packet, PacketId};
use sim::trace::{DropReason, Trigger, What};
use tcp::{Flags, Note, Time};

use super::{Miss, Run, about};
use crate::scenario::file::fault::Protocol;
use crate::scenario::file::{Range, Running, Seen};
use crate::view::words;

/// When and where something happened, and the packet that set it off.
type Moment = (Time, NodeId, Option<PacketId>);

impl Run<'_> {
    pub(super) fn packet(&self, seen: &Seen) -> Option<Miss> {
        let matching = self.matching(seen);
        let Some(about) = about(seen.at, seen.within) else {
            return matching.is_empty().then(|| self.no_such(seen));
        };
        let time = |i: &usize| self.outcome.records[*i].time;
        if matching.iter().any(|i| about.holds(time(i))) {
            return None;
        }
        let nearest = matching.iter().min_by_key(|i| about.off(time(i)));
        Some(match nearest {
            None => self.no_such(seen),
            Some(i) => {
                let found = format!("the nearest was sent at {}", words::clock(time(i)));
                Miss::new(format!("a packet like this at {}", words::clock(about.at)), found, Some(*i))
            }
        })
    }

    fn no_such(&self, seen: &Seen) -> Miss {
        let time = seen.at.or(seen.after).map(|span| span.time());
        let near = time.map_or(self.last_record(), |time| {
            let later = self.outcome.records.iter().position(|record| record.time >= time);
            later.or(self.last_record())
        });
        Miss::new(format!("a packet {}", self.words(seen)), "there was none", near)
    }

    pub(super) fn no_packet(&self, seen: &Seen) -> Option<Miss> {
        let about = about(seen.at, seen.within);
        let time = |i: usize| self.outcome.records[i].time;
        let first =
            self.matching(seen).into_iter().find(|i| about.is_none_or(|about| about.holds(time(*i))))?;
        let found = format!("there was one at {}", words::clock(time(first)));
        Some(Miss::new(format!("no packet {}", self.words(seen)), found, Some(first)))
    }

    pub(super) fn count(&self, of: &Seen, is: Range) -> Option<Miss> {
        let about = about(of.at, of.within);
        let mut matching = self.matching(of);
        matching.retain(|i| about.is_none_or(|about| about.holds(self.outcome.records[*i].time)));
        if is.contains(matching.len() as u64) {
            return None;
        }
        let times: Vec<String> =
            matching.iter().take(8).map(|i| words::clock(self.outcome.records[*i].time)).collect();
        let more = if matching.len() > times.len() { ", ..." } else { "" };
        let found = match matching.len() {
            0 => "there was none".to_owned(),
            1 => format!("there was one: at {}", times.concat()),
            n => format!("there were {n}: at {}{more}", times.join(", ")),
        };
        let near = matching.last().copied().or(self.last_record());
        Some(Miss::new(
            format!("{is} packet{} {}", if is == Range(1, 1) { "" } else { "s" }, self.words(of)),
            found,
            near,
        ))
    }

    pub(super) fn moves(&self, of: &Seen, what: Running, by: Range) -> Option<Miss> {
        let about = about(of.at, of.within);
        let number = |i: usize| {
            let record = &self.outcome.records[i];
            let What::Sent { packet, .. } = &record.what else { return None };
            about.is_none_or(|about| about.holds(record.time)).then(|| running(packet, what))?
        };
        let numbers: Vec<(usize, u64)> =
            self.matching(of).into_iter().filter_map(|i| Some((i, number(i)?))).collect();
        let like = self.words(of);
        let [(_, first), .., (last_at, last)] = numbers[..] else {
            let near = numbers.first().map(|(i, _)| *i).or(self.last_record());
            let found = format!("there {} with one", if numbers.is_empty() { "was none" } else { "was one" });
            return Some(Miss::new(format!("two packets or more {like} with {what:?}"), found, near));
        };
        let lap = match what {
            Running::Tsval => 1 << 32,
            Running::Ident => 1 << 16,
        };
        let moved = (last + lap - first) % lap;
        (!by.contains(moved)).then(|| {
            let found = format!("it went by {moved}, from {first} to {last}");
            Miss::new(format!("{what:?} goes by {by} in packets {like}"), found, Some(last_at))
        })
    }

    pub(super) fn happened(&self, rule: &str, on: Option<&str>, times: Option<Range>) -> Option<Miss> {
        let found = self.happenings(rule, on);
        let number = found.values().map(|kinds| kinds.iter().map(Vec::len).max().unwrap_or(0) as u64).sum();
        let last = found.values().flatten().flatten().max().copied();
        let times = times.unwrap_or(Range(1, u64::MAX));
        if times.contains(number) {
            return None;
        }
        let often = match times {
            Range(1, u64::MAX) => "at least once".to_owned(),
            Range(1, 1) => "once".to_owned(),
            times => format!("{times} times"),
        };
        let expected =
            format!("{rule} happens {often}{}", on.map(|on| format!(" on {on}")).unwrap_or_default());
        let near = last.or(self.last_record());
        Some(Miss::new(
            expected,
            match number {
                0 => "it never happened".to_owned(),
                1 => "it happened once".to_owned(),
                number => format!("it happened {number} times"),
            },
            near,
        ))
    }

    /// The records that name a rule, by node, time and trigger, and of these by kind: what is told in several ways,
    /// as a drop and the answer to it, happened once.
    fn happenings(&self, rule: &str, on: Option<&str>) -> BTreeMap<Moment, [Vec<usize>; 4]> {
        let mut found: BTreeMap<Moment, [Vec<usize>; 4]> = BTreeMap::new();
        for (i, record) in self.outcome.records.iter().enumerate() {
            let (node, own, trigger, kind) = match &record.what {
                What::Sent { node, why: Some(why), .. } => (*node, why.rule, why.trigger, 0),
                What::State { node, why, .. } => (*node, why.rule, why.trigger, 1),
                What::Dropped { node, why: DropReason::Tcp(rule), packet } => {
                    (*node, *rule, Trigger::Packet(*packet), 2)
                }
                What::Tcp { node, note: Note::Happened(rule) | Note::Dropped(rule), trigger, .. } => {
                    (*node, *rule, *trigger, 3)
                }
                _ => continue,
            };
            if format!("{own:?}") == rule && on.is_none_or(|on| self.story.names.node(node) == on) {
                let packet = if let Trigger::Packet(packet) = trigger { Some(packet) } else { None };
                found.entry((record.time, node, packet)).or_default()[kind].push(i);
            }
        }
        found
    }

    /// Records of the sending of packets like this, whatever `at` says.
    fn matching(&self, seen: &Seen) -> Vec<usize> {
        let holds = |(i, record): (usize, &sim::Record)| {
            let What::Sent { node, pipe, packet, why } = &record.what else { return None };
            let names = self.story.names;
            let here = match &seen.link {
                Some(link) => names.link(*pipe) == link,
                None => self.story.is_origin(i, *node, packet),
            };
            let is = |name: &Option<String>, address| {
                name.as_ref()
                    .is_none_or(|name| names.owner(address).is_some_and(|own| names.node(own) == name))
            };
            let time = record.time;
            let right = here
                && is(&seen.from, packet.ip.src)
                && is(&seen.to, packet.ip.dst)
                && seen.after.is_none_or(|after| time >= after.time())
                && seen.before.is_none_or(|before| time < before.time())
                && seen
                    .why
                    .as_ref()
                    .is_none_or(|rule| why.is_some_and(|why| format!("{:?}", why.rule) == *rule))
                && self.looks_like(seen, packet);
            right.then_some(i)
        };
        self.outcome.records.iter().enumerate().filter_map(holds).collect()
    }

    fn looks_like(&self, seen: &Seen, packet: &Packet) -> bool {
        let (protocol, len) = match &packet.body {
            Body::Tcp(segment) => (Protocol::Tcp, segment.payload.len()),
            Body::Udp(datagram) => (Protocol::Udp, datagram.payload.len()),
            Body::Icmp(_) => (Protocol::Icmp, 0),
            Body::Echo(echo) => (Protocol::Icmp, echo.payload.len()),
            Body::Fragment(fragment) => (Protocol::Fragment, u32::from(fragment.len)),
        };
        seen.protocol.is_none_or(|wanted| wanted == protocol)
            && seen.len.is_none_or(|range| range.contains(u64::from(len)))
            && has_ports(seen, packet)
            && self.has_tcp_fields(seen, packet)
    }

    fn has_tcp_fields(&self, seen: &Seen, packet: &Packet) -> bool {
        let asks =
            seen.flags.is_some() || seen.without.is_some() || seen.wnd.is_some() || seen.tsval.is_some();
        if !asks && [seen.seq, seen.ack, seen.sack, seen.raw_seq].iter().all(Option::is_none) {
            return true;
        }
        let Body::Tcp(segment) = &packet.body else { return false };
        let relative = self.story.journey(packet.id).and_then(|journey| journey.relative.as_ref());
        let number = |n: i64| u64::try_from(n).ok();
        let overlaps = |range: Range| {
            let first = relative.and_then(|relative| number(relative.seq));
            let octets = u64::from(segment.seq_len().max(1));
            first.is_some_and(|first| range.0 < first + octets && first <= range.1)
        };
        let acks = |range: Range| {
            let ack = relative.and_then(|relative| number(relative.ack));
            segment.has(Flags::ACK) && ack.is_some_and(|ack| range.contains(ack))
        };
        let sacks = |range: Range| {
            let covers = |(left, right): &(i64, i64)| {
                number(*left).is_some_and(|left| left <= range.0)
                    && number(*right).is_some_and(|r| range.1 < r)
            };
            relative.is_some_and(|relative| relative.sack.iter().any(covers))
        };
        seen.flags.is_none_or(|bits| segment.has(bits.0))
            && seen.without.is_none_or(|bits| !segment.flags.intersects(bits.0))
            && seen.wnd.is_none_or(|range| range.contains(u64::from(segment.wnd)))
            && seen.tsval.is_none_or(|range| {
                segment.options.timestamps.is_some_and(|stamps| range.contains(u64::from(stamps.val)))
            })
            && seen.seq.is_none_or(overlaps)
            && seen.ack.is_none_or(acks)
            && seen.sack.is_none_or(sacks)
            && seen.raw_seq.is_none_or(|range| range.contains(u64::from(segment.seq.0)))
    }

    /// What is looked for, in words.
    fn words(&self, seen: &Seen) -> String {
        let mut text = "like this".to_owned();
        if let Some(flags) = seen.flags {
            let _ = write!(text, " [{flags}]");
        }
        if let Some(from) = &seen.from {
            let _ = write!(text, " from {from}");
        }
        if let Some(to) = &seen.to {
            let _ = write!(text, " to {to}");
        }
        if let Some(tsval) = seen.tsval {
            let _ = write!(text, ", TSval {tsval}");
        }
        text
    }
}

/// The number, where the packet has one.
fn running(packet: &Packet, what: Running) -> Option<u64> {
    match (what, &packet.body) {
        (Running::Ident, _) => Some(u64::from(packet.ip.ident)),
        (Running::Tsval, Body::Tcp(segment)) => {
            segment.options.timestamps.map(|stamps| u64::from(stamps.val))
        }
        (Running::Tsval, _) => None,
    }
}

fn has_ports(seen: &Seen, packet: &Packet) -> bool {
    if seen.src_port.is_none() && seen.dst_port.is_none() {
        return true;
    }
    let body = match &packet.body {
        Body::Fragment(fragment) if fragment.offset == 0 => &fragment.of.body,
        body => body,
    };
    let (src, dst) = match body {
        Body::Tcp(segment) => (segment.src, segment.dst),
        Body::Udp(datagram) => (datagram.src, datagram.dst),
        Body::Icmp(_) | Body::Echo(_) | Body::Fragment(_) => return false,
    };
    seen.src_port.is_none_or(|port| port == src) && seen.dst_port.is_none_or(|port| port == dst)
}
