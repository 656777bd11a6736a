//! Fate rules: which packets they pick, and the initial sequence numbers that relative ones count from.
//!
//! A rule without a link looks at a packet once, where it is made (a fragment: where it is cut); a rule with a link
//! looks at each packet that is handed to either direction of it. The first rule that matches decides. The nth match
//! is counted per rule, among all packets that match the rest of it, whatever other rules do to them.
//!
//! Relative numbers are 32 bits wide, as on the wire: beyond 4 GiB of a stream they begin again.

use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tcp::{Flags, Payload, Segment, SeqNum, Time, Tuple};

use crate::packet::{Body, Packet};
use crate::spec::{Action, Fault, Match, Node, Nth, Protocol, Rewrite, SeqRef, Spec, Strip};
use crate::topology::Names;
use crate::trace::PipeId;

/// The rules of a scenario, with what they have counted so far.
#[derive(Clone)]
pub(crate) struct FateRules {
    rules: Arc<[Rule]>,
    /// Of each rule: packets so far that match all but `nth`.
    counts: Vec<u64>,
    /// Kept only if a rule or a forged segment counts from them.
    isns: Option<Isns>,
}

/// A rule, its names resolved.
struct Rule {
    matching: Match,
    pipes: Option<[PipeId; 2]>,
    from: Option<Vec<IpAddr>>,
    to: Option<Vec<IpAddr>>,
    action: Action,
}

/// Where a packet is when it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Where it is made.
    Made,
    /// Where somebody makes it in another's name. What it says is not what the claimed sender says.
    Forged,
    /// Where a router has cut it out of a larger packet.
    Cut,
    /// On its way.
    OnTheWay,
}

/// The initial sequence number that each sender last used on a pair of addresses and ports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Isns(FxHashMap<Tuple, SeqNum>);

impl std::hash::Hash for FateRules {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let FateRules { rules: _, counts, isns } = self; // rules do not change
        counts.hash(state);
        isns.is_some().hash(state);
        if let Some(Isns(isns)) = isns {
            crate::digest::unordered(isns, state);
        }
    }
}

impl FateRules {
    pub(crate) fn new(spec: &Spec, names: &Names) -> FateRules {
        let addresses = |name: &Option<String>| {
            name.as_ref().map(|name| match &spec.nodes[name] {
                Node::Host(host) => host.addresses.clone(),
                Node::Router(router) => vec![router.address],
            })
        };
        let rules: Arc<[Rule]> = spec
            .rules
            .iter()
            .map(|rule| {
                let link = rule.matching.link.as_deref();
                Rule {
                    pipes: link.map(|link| names.link_pipes(link).expect("a rule names a link")),
                    from: addresses(&rule.matching.from),
                    to: addresses(&rule.matching.to),
                    action: rule.action,
                    matching: rule.matching.clone(),
                }
            })
            .collect();
        let counts = |m: &Match| [m.seq, m.ack, m.sack].iter().any(Option::is_some);
        let relative = rules.iter().any(|rule| counts(&rule.matching))
            || spec.faults.iter().any(|(_, fault)| counts_from_isn(fault));
        FateRules { counts: vec![0; rules.len()], rules, isns: relative.then(Isns::default) }
    }
    /// Whether there is nothing to judge by and nothing to learn, as in most scenarios.
    #[inline]
    pub(crate) fn are_idle(&self) -> bool {
        self.counts.is_empty() && self.isns.is_none()
    }
    /// What the rules say of a packet that is handed to `pipe`: the number of the rule, and its action.
    pub(crate) fn judge(
        &mut self,
        now: Time,
        pipe: PipeId,
        place: Place,
        packet: &Packet,
    ) -> Option<(u32, Action)> {
        if let Some(isns) = self.isns.as_mut().filter(|_| place == Place::Made) {
            isns.learn(packet);
        }
        let mut verdict = None;
        for (number, rule) in self.rules.iter().enumerate() {
            if !rule.looks_at(pipe, place) || !rule.matches(now, packet, self.isns.as_ref()) {
                continue;
            }
            self.counts[number] += 1;
            if verdict.is_none() && is_nth(&rule.matching.nth, self.counts[number]) {
                verdict = Some((number as u32, rule.action));
            }
        }
        verdict
    }
    /// The initial sequence number that `tuple.local` last used towards `tuple.remote`.
    pub(crate) fn isn(&self, tuple: &Tuple) -> Option<SeqNum> {
        self.isns.as_ref()?.of(tuple)
    }
}

impl Rewrite {
    /// Changes a packet. Its checksum is made to fit, as a middlebox does.
    pub(crate) fn apply(&self, packet: &mut Packet) {
        if let Some(ecn) = self.ecn {
            packet.ip.ecn = ecn;
        }
        let Body::Tcp(segment) = &mut packet.body else { return };
        segment.flags = segment.flags.without(self.clear) | self.set;
        let options = &mut segment.options;
        let Strip { wscale, sack, timestamps, accecn, fast_open, user_timeout } = self.strip;
        take_if(wscale, &mut options.wscale);
        take_if(timestamps, &mut options.timestamps);
        take_if(accecn, &mut options.accecn);
        take_if(fast_open, &mut options.fast_open);
        take_if(user_timeout, &mut options.user_timeout);
        if sack {
            options.sack_permitted = false;
            options.sack.truncate(0);
        }
        options.mss = options.mss.map(|mss| self.clamp_mss.map_or(mss, |most| mss.min(most)));
        if self.cut {
            segment.payload = Payload::Empty;
        }
    }
}
fn take_if<T>(taken: bool, option: &mut Option<T>) {
    if taken {
        *option = None;
    }
}

/// Whether a forged segment counts from initial sequence numbers.
fn counts_from_isn(fault: &Fault) -> bool {
    let from_isn = |number: &SeqRef| !matches!(number, SeqRef::Absolute(_));
    match fault {
        Fault::Inject(inject) => {
            let edges = inject.sack.iter().flat_map(|(left, right)| [left, right]);
            [&inject.seq, &inject.ack].into_iter().chain(edges).any(from_isn)
        }
        Fault::InjectIcmp(inject) => from_isn(&inject.seq),
        _ => false,
    }
}

fn is_nth(nth: &Option<Nth>, count: u64) -> bool {
    match nth {
        None => true,
        Some(Nth::Listed(numbers)) => numbers.contains(&count),
        Some(Nth::From(first)) => count >= *first,
    }
}

impl Rule {
    fn looks_at(&self, pipe: PipeId, place: Place) -> bool {
        match (self.pipes, place) {
            (Some(pipes), _) => pipes.contains(&pipe),
            (None, Place::Made | Place::Forged) => true,
            (None, Place::Cut) => self.matching.protocol == Some(Protocol::Fragment),
            (None, Place::OnTheWay) => false,
        }
    }
    fn matches(&self, now: Time, packet: &Packet, isns: Option<&Isns>) -> bool {
        let m = &self.matching;
        m.time.is_none_or(|(from, until)| (from..until).contains(&now))
            && m.protocol.is_none_or(|protocol| protocol_of(packet) == protocol)
            && self.from.as_ref().is_none_or(|from| from.contains(&packet.ip.src))
            && self.to.as_ref().is_none_or(|to| to.contains(&packet.ip.dst))
            && matches_ports(m, packet)
            && matches_segment(m, packet, isns)
            && m.payload_len.is_none_or(|(least, most)| (least..=most).contains(&payload_len(packet)))
    }
}

fn protocol_of(packet: &Packet) -> Protocol {
    match packet.body {
        Body::Tcp(_) => Protocol::Tcp,
        Body::Udp(_) => Protocol::Udp,
        Body::Icmp(_) | Body::Echo(_) => Protocol::Icmp,
        Body::Fragment(_) => Protocol::Fragment,
    }
}

fn payload_len(packet: &Packet) -> u32 {
    match &packet.body {
        Body::Tcp(segment) => segment.payload.len(),
        Body::Udp(datagram) => datagram.payload.len(),
        Body::Echo(echo) => echo.payload.len(),
        Body::Icmp(_) => 0,
        Body::Fragment(fragment) => u32::from(fragment.len),
    }
}

/// Only TCP segments and UDP datagrams have ports; of a fragmented one, the first fragment.
fn matches_ports(m: &Match, packet: &Packet) -> bool {
    if m.src_port.is_none() && m.dst_port.is_none() {
        return true;
    }
    let body = match &packet.body {
        Body::Fragment(f) if f.offset == 0 => &f.of.body,
        body => body,
    };
    let (src, dst) = match body {
        Body::Tcp(segment) => (segment.src, segment.dst),
        Body::Udp(datagram) => (datagram.src, datagram.dst),
        Body::Icmp(_) | Body::Echo(_) | Body::Fragment(_) => return false,
    };
    m.src_port.is_none_or(|port| port == src) && m.dst_port.is_none_or(|port| port == dst)
}

/// What a rule asks of a TCP segment.
fn matches_segment(m: &Match, packet: &Packet, isns: Option<&Isns>) -> bool {
    let numbers = [m.seq, m.ack, m.sack].iter().any(Option::is_some) || m.raw_seq.is_some();
    if m.flags.is_none() && m.without.is_none() && !numbers {
        return true;
    }
    let (Body::Tcp(segment), Some(tuple)) = (&packet.body, packet.tuple()) else { return false };
    m.flags.is_none_or(|flags| segment.has(flags))
        && m.without.is_none_or(|flags| !segment.flags.intersects(flags))
        && m.seq.is_none_or(|range| {
            isns.and_then(|isns| isns.of(&tuple)).is_some_and(|isn| overlaps(segment, isn, range))
        })
        && m.ack.is_none_or(|(from, until)| {
            segment.has(Flags::ACK)
                && isns
                    .and_then(|isns| isns.of(&tuple.reversed()))
                    .is_some_and(|isn| (from..until).contains(&u64::from(segment.ack.distance_from(isn))))
        })
        && m.sack.is_none_or(|range| {
            isns.and_then(|isns| isns.of(&tuple.reversed())).is_some_and(|isn| sacks(segment, isn, range))
        })
        && m.raw_seq.is_none_or(|(least, most)| (least..=most).contains(&segment.seq.0))
}

/// Whether a SACK block covers all numbers from `first` to `end`, relative to `isn`.
fn sacks(segment: &Segment, isn: SeqNum, (first, end): (u64, u64)) -> bool {
    let from_isn = |number: &SeqNum| u64::from(number.distance_from(isn));
    let covers = |(left, right): &(SeqNum, SeqNum)| from_isn(left) <= first && end <= from_isn(right);
    segment.options.sack.as_slice().iter().any(covers)
}

/// Whether a segment holds any of the sequence numbers from `first` to `end`, relative to `isn`. One that holds none at
/// all, such as a pure ACK, does not.
fn overlaps(segment: &Segment, isn: SeqNum, (first, end): (u64, u64)) -> bool {
    let start = u64::from(segment.seq.distance_from(isn));
    start < end && first < start + u64::from(segment.seq_len())
}

impl Isns {
    fn learn(&mut self, packet: &Packet) {
        if let (Body::Tcp(segment), Some(tuple)) = (&packet.body, packet.tuple())
            && segment.has(Flags::SYN)
        {
            self.0.insert(tuple, segment.seq);
        }
    }
    fn of(&self, tuple: &Tuple) -> Option<SeqNum> {
        self.0.get(tuple).copied()
    }
}
