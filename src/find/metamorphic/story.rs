//! What the hosts of a run have done, in lines that do not say what chance has decided by a name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use sim::packet::Body;
use sim::spec::Node;
use sim::{Packet, PipeId, Simulator, TraceLevel, What};
use tcp::{Duration, Flags, Rule, Time, Tuple};

use super::Twin;
use crate::find::fuzz::MOST_EVENTS;
use crate::relative::Isns;

/// A cookie's timestamp lies less than 64 ticks back, be they of 10 ms.
const COOKIE_TICKS: Time = Time::from_nanos(640_000_000);

/// What each host has done, line by line.
pub(super) struct Story {
    /// Hashes of its lines.
    pub(super) hosts: BTreeMap<String, Vec<u64>>,
    /// The line that was asked for, and its time.
    pub(super) told: Option<(Time, String)>,
    /// Some packet found no room in a queue.
    pub(super) overflows: bool,
    /// Some packet waited in a queue while a link changed, or something else did that the scenario does to it.
    pub(super) disturbed: bool,
    /// Somebody has forged a number that should count from one that had not been drawn: it lies anywhere. Or a cookie's timestamp,
    /// whose low bits are options, may lie before the clock began.
    pub(super) blind: bool,
    /// The hash of the trace.
    pub(super) hash: u64,
    line: String,
    isns: Isns,
    /// What addresses were.
    addresses: BTreeMap<IpAddr, IpAddr>,
    /// How much later everything is.
    later: Duration,
    /// Ephemeral ports by address, in order of appearance.
    ports: BTreeMap<IpAddr, Vec<u16>>,
}

fn pipes(simulator: &Simulator) -> impl Iterator<Item = PipeId> + use<> {
    (0..simulator.names().pipes()).map(PipeId)
}

impl Story {
    /// Of a run that ends; with the words of one line of one host, if it is asked for.
    pub(super) fn of(twin: &Twin, wanted: Option<(&str, usize)>) -> Option<Story> {
        let hosts = twin.spec.nodes.iter().filter(|(_, node)| matches!(node, Node::Host(_)));
        let mut story = Story {
            hosts: hosts.map(|(name, _)| (name.clone(), Vec::new())).collect(),
            told: None,
            overflows: false,
            disturbed: false,
            blind: false,
            hash: 0,
            line: String::new(),
            isns: Isns::default(),
            addresses: twin.addresses.clone(),
            later: twin.later,
            ports: BTreeMap::new(),
        };
        let mut simulator = Simulator::new(&twin.spec, TraceLevel::On).without_checks();
        while if twin.searches { simulator.step_searching() } else { simulator.step() } {
            if simulator.events() > MOST_EVENTS {
                return None;
            }
            for record in simulator.take_records() {
                if matches!(record.what, What::Fault { .. }) {
                    story.disturbed |= pipes(&simulator).any(|pipe| simulator.backlog(pipe).0 > 0);
                }
                let Some(node) = story.put(record.time, &record.what) else { continue };
                let (name, time) = (simulator.names().node(node), story.since(record.time));
                let Some(lines) = story.hosts.get_mut(&**name) else { continue };
                if wanted.is_some_and(|(host, line)| host == &**name && line == lines.len()) {
                    story.told = Some((time, story.line.clone()));
                }
                let mut hasher = DefaultHasher::new();
                story.line.hash(&mut hasher);
                lines.push(hasher.finish());
            }
        }
        story.overflows = pipes(&simulator).any(|pipe| simulator.pipe_counters(pipe).queue_full > 0);
        story.hash = simulator.trace_hash();
        Some(story)
    }

    /// Writes the line of a record, if it is one that must not change; says whose it is.
    fn put(&mut self, time: Time, what: &What) -> Option<sim::NodeId> {
        self.line.clear();
        let time = self.since(time);
        let _ = write!(self.line, "{time} ");
        match what {
            What::Sent { node, packet, why: Some(why), .. } => {
                self.blind |= why.rule == Rule::SynCookieSent && time < COOKIE_TICKS;
                self.sent(packet, why.rule)?;
                Some(*node)
            }
            What::State { node, from, to, why, tuple } => {
                let [local, remote] = [tuple.local, tuple.remote].map(|end| self.port(end));
                let _ = write!(self.line, "{local} {remote} {from} to {to}: {:?}", why.rule);
                Some(*node)
            }
            What::Program { node, program, call, result } => {
                let (call, result) = (self.ported(call), self.ported(result));
                let _ = write!(self.line, "{program}: {call} = {result}");
                Some(*node)
            }
            _ => None,
        }
    }
    /// A time as the plain scenario has it.
    fn since(&self, time: Time) -> Time {
        Time::from_nanos(time.as_nanos().saturating_sub(self.later.as_nanos()))
    }
    fn sent(&mut self, packet: &Packet, why: Rule) -> Option<()> {
        self.blind |= why.is_forged() && self.is_blind(packet);
        let (Body::Tcp(segment), Some(tuple)) = (&packet.body, packet.tuple()) else { return None };
        let told = self.isns.tell(tuple, segment, why);
        if why.is_forged() {
            return None;
        }
        let [local, remote] = [tuple.local, tuple.remote].map(|end| self.port(end));
        let _ = write!(self.line, "{local} > {remote} {told}");
        Some(())
    }
    /// Whether a forged packet names the number of somebody who has not told one yet.
    fn is_blind(&self, packet: &Packet) -> bool {
        match &packet.body {
            Body::Tcp(segment) => packet.tuple().is_some_and(|tuple| {
                let ack = segment.has(Flags::ACK) && !self.isns.knows(tuple.reversed());
                ack || !self.isns.knows(tuple)
            }),
            Body::Icmp(icmp) => {
                let quote = &icmp.quote;
                let local = SocketAddr::new(quote.ip.src, quote.src);
                !self.isns.knows(Tuple { local, remote: SocketAddr::new(quote.ip.dst, quote.dst) })
            }
            Body::Fragment(piece) => self.is_blind(&piece.of),
            Body::Udp(_) | Body::Echo(_) => false,
        }
    }
    /// An endpoint as the plain scenario has it; of an ephemeral port only the how manieth of its host it is.
    fn port(&mut self, mut end: SocketAddr) -> String {
        if let Some(old) = self.addresses.get(&end.ip()) {
            end.set_ip(*old);
        }
        if end.port() < 32_768 {
            return end.to_string();
        }
        let ports = self.ports.entry(end.ip()).or_default();
        let at = ports.iter().position(|port| *port == end.port()).unwrap_or_else(|| {
            ports.push(end.port());
            ports.len() - 1
        });
        format!("{} port {at}", end.ip())
    }
    /// A text in which endpoints are written so, without the bytes that it shows: of generated ones some follow ports.
    fn ported(&mut self, text: &str) -> String {
        let mut out = String::new();
        let text = text.split_once(" \"").map_or(text, |(before, _)| before);
        for word in text.split_inclusive([' ', '(', ')', ',']) {
            let bare = word.trim_end_matches([' ', '(', ')', ',', ':']);
            match (bare.parse::<SocketAddr>(), bare.parse::<IpAddr>()) {
                (Ok(end), _) => out.push_str(&self.port(end)),
                (_, Ok(address)) => {
                    let _ = write!(out, "{}", self.addresses.get(&address).unwrap_or(&address));
                }
                _ => out.push_str(bare),
            }
            out.push_str(&word[bare.len()..]);
        }
        out
    }
}
