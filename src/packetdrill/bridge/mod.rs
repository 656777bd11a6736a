//! From a run to a script: what one host of a scenario saw and did on one connection, written down in the language of
//! packetdrill, so that it can be tried on a real kernel.
//!
//! Packets that came to the host are injected, those that it sent are expected, what its programs asked of the socket
//! are system calls with their results, all at the times of the run. How its TCP is set stands in a shell step. What
//! the language has no words for is refused with the reason ([`Refusal`]); what cannot be set on a kernel, and may make
//! no difference, stands in a comment ([`Written::unset`]).

mod calls;
mod packets;
mod settings;

use std::collections::BTreeSet;
use std::fmt;

use sim::packet::{Body, IcmpKind, Packet};
use sim::spec::{Fault, Node, Spec};
use sim::{NodeId, PipeId, Simulator, TraceLevel, What};
use tcp::{Flags, Time, Tuple};

pub use settings::Base;

/// A script, and what it could not say.
#[derive(Clone, Debug)]
pub struct Written {
    /// The script.
    pub text: String,
    /// The personality that it starts from: one of `timewait packetdrill --personality`.
    pub base: Base,
    /// Knobs of the host's TCP that no kernel has a setting for, and whose values differ from those of the personality.
    pub unset: Vec<String>,
}

/// Why a run cannot be written as a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no host of this name; these there are.
    NoHost(String, Vec<String>),
    /// The host has so many connections, fewer than asked for.
    NoConnection(String, usize),
    /// The language has no words for something that happened, at this time.
    NoWords(Time, String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoHost(name, hosts) => write!(f, "no host `{name}`; there are {}", hosts.join(", ")),
            Refusal::NoConnection(name, 0) => write!(f, "`{name}` sees no segment of TCP"),
            Refusal::NoConnection(name, 1) => write!(f, "`{name}` has one connection only"),
            Refusal::NoConnection(name, n) => write!(f, "`{name}` has {n} connections only"),
            Refusal::NoWords(at, what) => {
                let at = crate::view::words::span(at.since(Time::ZERO));
                write!(f, "packetdrill has no words for this: at {at} {what}")
            }
        }
    }
}
impl std::error::Error for Refusal {}

/// The script of what `host` of this scenario saw and did on its connection number `which`, counted from one in the order
/// of their first segments. `title`: its first comment.
///
/// # Errors
/// [`Refusal`].
pub fn write(spec: &Spec, host: &str, which: usize, title: &str) -> Result<Written, Refusal> {
    let Some(Node::Host(of)) = spec.nodes.get(host) else {
        let hosts = spec.nodes.iter().filter(|(_, node)| matches!(node, Node::Host(_)));
        return Err(Refusal::NoHost(host.to_owned(), hosts.map(|(name, _)| name.clone()).collect()));
    };
    let simulator = Simulator::new(spec, TraceLevel::On).without_checks();
    let missing = || Refusal::NoHost(host.to_owned(), Vec::new());
    let node = simulator.names().node_id(host).ok_or_else(missing)?;
    let begin = simulator.with_calls(node);
    let mut simulator = begin.clone();
    simulator.run();
    let seen = Seen { node, simulator: &simulator };
    let tuple = seen
        .connections()
        .get(which.saturating_sub(1))
        .copied()
        .ok_or_else(|| Refusal::NoConnection(host.to_owned(), seen.connections().len()))?;
    let story = seen.story(tuple)?;
    let end = story.last().map_or(Time::ZERO, |event| event.at);
    let pipe = seen.pipe(tuple);
    let mtu = pipe.map_or(1500, |pipe| begin.way(pipe).mtu);
    let link = pipe.map(|pipe| simulator.names().link(pipe).as_ref());
    disturbances(spec, (host, link, mtu), end)?;
    unspeakable(&story)?;
    Ok(script(title, &settings::of(&of.tcp, mtu), tuple, &story))
}

/// Something that happened at the host, on the connection.
struct Event {
    at: Time,
    what: Happened,
}

enum Happened {
    /// A packet came.
    In(Packet),
    /// A packet was sent.
    Out(Packet),
    /// A packet came that its checksum gave away.
    Damaged,
    /// A call.
    Call(calls::Line),
}

/// What is known of the run.
struct Seen<'a> {
    node: NodeId,
    simulator: &'a Simulator,
}

impl Seen<'_> {
    /// The connections of the host, by their first segments.
    fn connections(&self) -> Vec<Tuple> {
        let mut found = Vec::new();
        for record in self.simulator.records() {
            let tuple = match &record.what {
                What::Sent { node, packet, .. } if *node == self.node => packet.tuple(),
                What::Received { node, packet, .. } if *node == self.node => {
                    packet.tuple().map(|t| Tuple { local: t.remote, remote: t.local })
                }
                _ => None,
            };
            if let Some(tuple) = tuple
                && !found.contains(&tuple)
            {
                found.push(tuple);
            }
        }
        found
    }

    /// The direction of a link that the connection's segments leave by.
    fn pipe(&self, tuple: Tuple) -> Option<PipeId> {
        self.simulator.records().iter().find_map(|record| match &record.what {
            What::Sent { node, packet, pipe, .. } if *node == self.node && packet.tuple() == Some(tuple) => {
                Some(*pipe)
            }
            _ => None,
        })
    }

    /// What happened on the connection: packets and calls, in order.
    fn story(&self, tuple: Tuple) -> Result<Vec<Event>, Refusal> {
        let calls = self.simulator.calls();
        let mut lines = calls::of(calls, tuple)?.into_iter().peekable();
        let mut story = Vec::new();
        for (place, record) in self.simulator.records().iter().enumerate() {
            while let Some(line) = lines.next_if(|line| line.place <= place) {
                story.push(Event { at: line.at, what: Happened::Call(line) });
            }
            if let Some(what) = self.packet(tuple, record.time, &record.what)? {
                story.push(Event { at: record.time, what });
            }
        }
        story.extend(lines.map(|line| Event { at: line.at, what: Happened::Call(line) }));
        Ok(story)
    }

    fn packet(&self, tuple: Tuple, at: Time, what: &What) -> Result<Option<Happened>, Refusal> {
        let refuse = |what: &str| Err(Refusal::NoWords(at, what.to_owned()));
        let (packet, inbound) = match what {
            What::Sent { node, packet, why, .. } if *node == self.node => {
                if why.is_some_and(|why| why.rule.is_forged()) && packet.tuple() == Some(tuple) {
                    return refuse("the host sends a segment of a program's own making, not of TCP");
                }
                (packet, false)
            }
            What::Received { node, packet, .. } if *node == self.node => (packet, true),
            _ => return Ok(None),
        };
        let ours = |p: &Packet| {
            let wanted = if inbound { Tuple { local: tuple.remote, remote: tuple.local } } else { tuple };
            p.tuple() == Some(wanted)
        };
        Ok(match &packet.body {
            Body::Fragment(fragment) if ours(&fragment.of) => return refuse("a segment comes in fragments"),
            Body::Tcp(_) if !ours(packet) => None,
            Body::Tcp(_) if packet.flipped_bit.is_some() => inbound.then_some(Happened::Damaged),
            Body::Tcp(_) if inbound => Some(Happened::In(packet.clone())),
            Body::Tcp(_) => Some(Happened::Out(packet.clone())),
            Body::Icmp(icmp) if inbound => {
                let quote = &icmp.quote;
                let quotes = quote.ip.src == tuple.local.ip()
                    && quote.ip.dst == tuple.remote.ip()
                    && (quote.src, quote.dst) == (tuple.local.port(), tuple.remote.port());
                quotes.then(|| Happened::In(packet.clone()))
            }
            _ => None,
        })
    }
}

/// What befell the host itself or its link before the story was over: a script has a host that lives, and one link.
fn disturbances(spec: &Spec, (host, link, mtu): (&str, Option<&str>, u16), end: Time) -> Result<(), Refusal> {
    for (at, fault) in spec.faults.iter().filter(|(at, _)| *at <= end) {
        let what = match fault {
            Fault::Crash(name) if name == host => "the host crashes",
            Fault::Reboot(name) if name == host => "the host reboots",
            Fault::Pause(name) if name == host => "the host stands still",
            Fault::LinkChange(name, ways)
                if Some(name.as_str()) == link && ways.iter().flatten().any(|way| way.mtu != mtu) =>
            {
                "the MTU of the host's link changes"
            }
            _ => continue,
        };
        return Err(Refusal::NoWords(*at, what.to_owned()));
    }
    Ok(())
}

/// What a kernel could not be made to do, or a script not be made to say.
fn unspeakable(story: &[Event]) -> Result<(), Refusal> {
    let mut timestamps = BTreeSet::new();
    for event in story {
        let (packet, inbound) = match &event.what {
            Happened::In(packet) => (packet, true),
            Happened::Out(packet) => (packet, false),
            _ => continue,
        };
        let refuse = |what: &str| Err(Refusal::NoWords(event.at, what.to_owned()));
        let Some(segment) = packet.tcp() else {
            match &packet.body {
                Body::Icmp(icmp) if packet.ip.is_v6() => match icmp.kind {
                    IcmpKind::FragmentationNeeded(_) => {}
                    _ => {
                        return refuse("an ICMP error of version 6 comes that is not about a packet too big");
                    }
                },
                _ => {}
            }
            continue;
        };
        let cookie = segment.options.fast_open.as_ref().is_some_and(|option| option.cookie.is_some());
        let answers = segment.has(Flags::SYN | Flags::ACK);
        if cookie && inbound != answers {
            return refuse(
                "a Fast Open cookie passes that a kernel would make of a key and addresses of its own",
            );
        }
        if segment.options.accecn.is_some_and(|option| option.count() == 0) {
            return refuse("an AccECN option passes without any counter");
        }
        match segment.options.timestamps {
            Some(echo) if inbound && segment.has(Flags::ACK) && !timestamps.contains(&echo.ecr) => {
                return refuse("a segment comes that echoes a timestamp which the host has not sent");
            }
            Some(sent) if !inbound => {
                timestamps.insert(sent.val);
            }
            _ => {}
        }
    }
    Ok(())
}

/// All of it as text.
fn script(title: &str, settings: &settings::Settings, tuple: Tuple, story: &[Event]) -> Written {
    let mut text = String::new();
    for line in title.lines() {
        text.push_str(&format!("// {line}\n"));
    }
    text.push_str(&settings.head(tuple.local.is_ipv6()));
    let mut numbers = packets::Numbers::of(story);
    let mut first = true;
    for event in story {
        let micros = event.at.as_nanos() / 1000;
        let time = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        // The first event of a script is at 0, and the clock of the run begins there.
        if std::mem::take(&mut first) && micros > 0 {
            text.push_str("0.000000 `true`\n");
        }
        let line = match &event.what {
            Happened::In(packet) => format!("< {}", numbers.packet(packet, true)),
            Happened::Out(packet) => format!("> {}", numbers.packet(packet, false)),
            Happened::Damaged => {
                text.push_str(&format!(
                    "// {time}: a damaged segment came, and was dropped by its checksum\n"
                ));
                continue;
            }
            Happened::Call(line) => {
                line.texts.iter().for_each(|line| text.push_str(&format!("{time} {line}\n")));
                continue;
            }
        };
        text.push_str(&format!("{time} {line}\n"));
    }
    Written { text, base: settings.base, unset: settings.unset.clone() }
}
