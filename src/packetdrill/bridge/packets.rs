//! Packets as lines: numbers relative to the initial ones, timestamps to the first.

use std::collections::BTreeMap;

use sim::packet::{Body, IcmpKind, IpHeader, Packet, Quote};
use tcp::{EcnCodepoint, Flags, Segment, SeqNum};

use super::{Event, Happened};
use crate::packetdrill::ast::TcpOption;
use crate::packetdrill::run::{option_text, options_of};

/// What the numbers of a connection count from.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    ours: Base,
    theirs: Base,
}

/// What the numbers of one end count from.
#[derive(Clone, Copy, Debug, Default)]
struct Base {
    isn: Option<SeqNum>,
    timestamp: Option<u32>,
}

/// What a script calls the first timestamp of an end.
const FIRST_TIMESTAMP: u32 = 100;

impl Numbers {
    /// The numbers that the SYNs of this story begin with; of an end that sends none, those of its first segment.
    pub(super) fn of(story: &[Event]) -> Numbers {
        let mut numbers = Numbers::default();
        let mut all = BTreeMap::new();
        for event in story {
            let (packet, inbound) = match &event.what {
                Happened::In(packet) => (packet, true),
                Happened::Out(packet) => (packet, false),
                _ => continue,
            };
            let Some(segment) = packet.tcp() else { continue };
            let end = if inbound { &mut numbers.theirs } else { &mut numbers.ours };
            let syn = segment.has(Flags::SYN);
            if syn && all.insert(inbound, ()).is_none() {
                end.isn = Some(segment.seq);
            }
            if let Some(timestamps) = segment.options.timestamps {
                end.timestamp.get_or_insert(timestamps.val);
            }
        }
        let first = |inbound: bool| {
            story.iter().find_map(|event| match &event.what {
                Happened::In(packet) if inbound => packet.tcp().map(|segment| segment.seq),
                _ => None,
            })
        };
        numbers.theirs.isn = numbers.theirs.isn.or_else(|| first(true));
        numbers
    }

    /// A packet as a line behind its direction.
    pub(super) fn packet(&mut self, packet: &Packet, inbound: bool) -> String {
        match &packet.body {
            Body::Tcp(segment) => self.segment(&packet.ip, segment, inbound),
            Body::Icmp(icmp) => self.icmp(icmp.kind, &icmp.quote, packet.ip.is_v6()),
            // Others are no part of a story.
            _ => String::new(),
        }
    }

    fn segment(&self, ip: &IpHeader, segment: &Segment, inbound: bool) -> String {
        let (own, other) = if inbound { (self.theirs, self.ours) } else { (self.ours, self.theirs) };
        let seq = own.relative(segment.seq);
        let end = seq.wrapping_add(segment.payload.len());
        let mut text = String::from(match ip.ecn {
            EcnCodepoint::NotEct => "",
            EcnCodepoint::Ect0 => "[ect0] ",
            EcnCodepoint::Ect1 => "[ect1] ",
            EcnCodepoint::Ce => "[ce] ",
        });
        text.push_str(&format!("{} {seq}:{end}({})", letters(segment.flags), segment.payload.len()));
        if segment.has(Flags::ACK) {
            text.push_str(&format!(" ack {}", other.relative(segment.ack)));
        }
        text.push_str(&format!(" win {}", segment.wnd));
        if segment.urg != 0 {
            text.push_str(&format!(" urg {}", segment.urg));
        }
        let options = options_of(&segment.options);
        let words: Vec<String> =
            options.iter().map(|option| self.option(option, segment, own, other)).collect();
        if !words.is_empty() {
            text.push_str(&format!(" <{}>", words.join(",")));
        }
        text
    }

    fn option(&self, option: &TcpOption, segment: &Segment, own: Base, other: Base) -> String {
        match option {
            TcpOption::Ts { val, ecr } => {
                // Without ACK the echo means nothing, and stands as it is.
                let echo = if segment.has(Flags::ACK) { other.timestamp(*ecr) } else { *ecr };
                option_text(&TcpOption::Ts { val: own.timestamp(*val), ecr: echo })
            }
            TcpOption::Sack(blocks) => {
                let relative = |n: u32| other.relative(SeqNum(n));
                option_text(&TcpOption::Sack(
                    blocks.iter().map(|(l, r)| (relative(*l), relative(*r))).collect(),
                ))
            }
            option => option_text(option),
        }
    }

    fn icmp(&self, kind: IcmpKind, quote: &Quote, v6: bool) -> String {
        let what = match kind {
            IcmpKind::FragmentationNeeded(mtu) if v6 => format!("packet_too_big mtu {mtu}"),
            IcmpKind::NetUnreachable => "unreachable net_unreachable".to_owned(),
            IcmpKind::HostUnreachable => "unreachable host_unreachable".to_owned(),
            IcmpKind::ProtocolUnreachable => "unreachable protocol_unreachable".to_owned(),
            IcmpKind::PortUnreachable => "unreachable port_unreachable".to_owned(),
            IcmpKind::FragmentationNeeded(mtu) => format!("unreachable frag_needed mtu {mtu}"),
            IcmpKind::AdminProhibited => "unreachable packet_filtered".to_owned(),
            IcmpKind::TtlExceeded => "time_exceeded exceeded_ttl".to_owned(),
            IcmpKind::ReassemblyTimeExceeded => "time_exceeded exceeded_frag_time".to_owned(),
            IcmpKind::ParameterProblem(_) => "12 0".to_owned(),
            IcmpKind::Other { kind, code } => format!("{kind} {code}"),
        };
        let len = u32::from(quote.len).saturating_sub(20 + quote.ip.header_len());
        let seq = self.ours.relative(quote.seq);
        format!("icmp {what} [{seq}:{}({len})]", seq.wrapping_add(len))
    }
}

impl Base {
    /// Relative to the initial number; SYNs stand at 0.
    fn relative(self, number: SeqNum) -> u32 {
        number.0.wrapping_sub(self.isn.unwrap_or_default().0)
    }
    fn timestamp(self, value: u32) -> u32 {
        value.wrapping_sub(self.timestamp.unwrap_or(value)).wrapping_add(FIRST_TIMESTAMP)
    }
}

/// Control bits as a script spells them.
fn letters(flags: Flags) -> String {
    const LETTERS: [(Flags, char); 9] = [
        (Flags::FIN, 'F'),
        (Flags::SYN, 'S'),
        (Flags::RST, 'R'),
        (Flags::PSH, 'P'),
        (Flags::ECE, 'E'),
        (Flags::CWR, 'W'),
        (Flags::AE, 'A'),
        (Flags::URG, 'U'),
        (Flags::ACK, '.'),
    ];
    let text: String = LETTERS.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, c)| c).collect();
    if text.is_empty() { "-".into() } else { text }
}
