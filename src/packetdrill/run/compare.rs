//! Whether a packet is the one that a line expects, field by field as the original compares them.

use std::fmt;

use sim::packet::IpHeader;
use sim::trace::Cause;
use tcp::{EcnCodepoint, Flags, Segment, Time};

use super::segment;
use super::subject::Subject;
use crate::packetdrill::ast::{self, Packet, TcpOption, Tos};

/// What is expected.
pub struct Expected<'a> {
    /// The line's packet.
    pub packet: &'a Packet,
    /// Its segment.
    pub line: ast::Segment,
    /// Length of a tick of the timestamp clock and tolerance, both in microseconds; `None`: values are not compared.
    pub ts_tolerance: Option<(u64, u64)>,
}

/// A packet of the host, or several that a device with segmentation offload would have cut out of one.
pub struct Burst {
    /// The first.
    first: Segment,
    /// The last, whose flags and options stand for all.
    pub last: Segment,
    /// Octets in all of them.
    pub payload: u32,
    /// How many.
    pub count: u32,
    /// Header of the last.
    pub ip: IpHeader,
    /// When the last was sent.
    pub at: Time,
    /// Why the last was sent.
    pub why: Cause,
}

impl Burst {
    /// A burst of one.
    pub fn new(segment: Segment, ip: IpHeader, at: Time, why: Cause) -> Burst {
        let payload = segment.payload.len();
        Burst { first: segment.clone(), last: segment, payload, count: 1, ip, at, why }
    }
    /// Another segment follows. It must go on where the one before ended, with the same header; all but the last are of
    /// one size.
    ///
    /// # Errors
    /// In what it differs.
    pub fn append(
        &mut self,
        next: Segment,
        ip: IpHeader,
        at: Time,
        why: Cause,
        wanted: u32,
    ) -> Result<(), Difference> {
        let loose = Flags::FIN | Flags::PSH | Flags::CWR;
        let expected = self.last.seq.add(self.last.payload.len());
        if next.seq != expected {
            return Err(difference("sequence of segments", "to go on where the one before ended", "a gap"));
        }
        if next.flags.without(loose) != self.last.flags.without(loose) {
            return Err(difference("flags within a burst", self.last.flags, next.flags));
        }
        if next.ack != self.last.ack || next.wnd != self.last.wnd {
            return Err(difference("ack or win within a burst", "the same as before", "another"));
        }
        if next.options.to_wire().len() != self.last.options.to_wire().len() {
            return Err(difference("options within a burst", "the same as before", "others"));
        }
        let len = next.payload.len();
        if self.payload + len < wanted && len != self.last.payload.len() {
            return Err(difference("sizes within a burst", self.last.payload.len(), len));
        }
        *self = Burst {
            last: next,
            payload: self.payload + len,
            count: self.count + 1,
            ip,
            at,
            why,
            first: self.first.clone(),
        };
        Ok(())
    }
    /// All of it as one segment: number and CWR of the first, everything else of the last.
    pub fn as_segment(&self) -> Segment {
        let cwr = if self.count > 1 && self.first.has(Flags::CWR) { Flags::CWR } else { Flags::NONE };
        let flags = if self.count > 1 { self.last.flags.without(Flags::CWR) | cwr } else { self.last.flags };
        let zeros = tcp::Payload::from_bytes(&vec![0; self.payload as usize]);
        Segment { seq: self.first.seq, flags, payload: zeros, ..self.last.clone() }
    }
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub field: &'static str,
    expected: String,
    seen: String,
}

fn difference(field: &'static str, expected: impl fmt::Display, seen: impl fmt::Display) -> Difference {
    Difference { field, expected: expected.to_string(), seen: seen.to_string() }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, seen {}", self.field, self.expected, self.seen)
    }
}

/// What differs between the line and the burst.
pub fn differences(expected: &Expected<'_>, subject: &Subject, burst: &Burst) -> Vec<Difference> {
    let mut found = Vec::new();
    let seen = burst.as_segment();
    let line = &expected.line;
    let mut check = |field, is: bool, expected: String, seen: String| {
        if !is {
            found.push(Difference { field, expected, seen });
        }
    };
    check("payload length", line.len == burst.payload, line.len.to_string(), burst.payload.to_string());
    let syn = seen.has(Flags::SYN);
    let seq = subject.ours.to_script(seen.seq.0, syn);
    let wanted = match line.seq {
        Some(seq) if line.seq_is_live => Some(subject.ours.to_script(seq, syn)),
        seq => seq,
    };
    let wanted = wanted.unwrap_or(seq);
    check("seq", wanted == seq, wanted.to_string(), seq.to_string());
    let ack = if seen.has(Flags::ACK) { subject.theirs.to_script(seen.ack.0, syn) } else { seen.ack.0 };
    let wanted = line.ack.unwrap_or(0);
    check("ack", wanted == ack, wanted.to_string(), ack.to_string());
    // A device that cuts segments sets PSH on the last of a burst whatever the stack says.
    let psh = if burst.count > 1 { Flags::PSH } else { Flags::NONE };
    let ecn = Flags::ECE | Flags::CWR | Flags::AE;
    let (want, got) = (line.flags.without(psh | ecn), seen.flags.without(psh | ecn));
    let only_psh = want.without(Flags::PSH) == got.without(Flags::PSH) && want != got;
    check(if only_psh { "PSH" } else { "flags" }, want == got, want.to_string(), got.to_string());
    let (want, got) = (bits(line.flags, ecn), bits(seen.flags, ecn));
    match line.ace {
        Some(ace) => check("ACE", want == got, ace.to_string(), ace_of(seen.flags).to_string()),
        None => check("ECN flags", want == got, want.to_string(), got.to_string()),
    }
    if let Some(win) = line.win {
        check("win", win == seen.wnd, win.to_string(), seen.wnd.to_string());
    }
    let urg = line.urg.unwrap_or(0);
    check("urg", urg == seen.urg, urg.to_string(), seen.urg.to_string());
    if let Some(options) = &line.options {
        check_options(expected, options, subject, &seen, &mut found);
    }
    check_ip(expected.packet, burst.ip, &mut found);
    if (0..burst.last.payload.len()).any(|i| burst.last.payload.byte(i) != 0) {
        found.push(difference("payload", "zeros", "something else"));
    }
    found
}

fn bits(flags: Flags, mask: Flags) -> Flags {
    Flags(flags.0 & mask.0)
}

/// The three ECN bits as the counter that AccECN makes of them.
fn ace_of(flags: Flags) -> u8 {
    let bit = |flag, value| if flags.contains(flag) { value } else { 0 };
    bit(Flags::AE, 4) | bit(Flags::CWR, 2) | bit(Flags::ECE, 1)
}

fn check_options(
    expected: &Expected<'_>,
    wanted: &[TcpOption],
    subject: &Subject,
    seen: &Segment,
    found: &mut Vec<Difference>,
) {
    let (mut options, rest) = segment::from_bytes(&seen.options.to_wire());
    let syn = seen.has(Flags::SYN);
    for option in &mut options {
        match option {
            TcpOption::Sack(blocks) => {
                for (left, right) in blocks {
                    *left = subject.theirs.to_script(*left, syn);
                    *right = subject.theirs.to_script(*right, syn);
                }
            }
            TcpOption::Ts { val, .. } => {
                if let Some((script, live)) = subject.first_timestamp {
                    *val = val.wrapping_sub(live).wrapping_add(script);
                }
            }
            _ => {}
        }
    }
    let alike = |(want, got): (&TcpOption, &TcpOption)| match (want, got) {
        (TcpOption::Ts { val: want, .. }, TcpOption::Ts { val: got, .. }) => match expected.ts_tolerance {
            None => true,
            Some((tick, tolerance)) => {
                let apart = (got.wrapping_sub(*want) as i32).unsigned_abs();
                u64::from(apart) * tick <= tolerance
            }
        },
        (want, got) => want == got,
    };
    let same = wanted.len() == options.len() && wanted.iter().zip(&options).all(alike) && rest.is_empty();
    if !same {
        found.push(difference("options", list(wanted), list(&options)));
    }
}

fn list(options: &[TcpOption]) -> String {
    let all: Vec<String> = options.iter().map(super::report::option).collect();
    if all.is_empty() { "none".into() } else { format!("<{}>", all.join(",")) }
}

fn check_ip(packet: &Packet, ip: IpHeader, found: &mut Vec<Difference>) {
    let ecn = ip.ecn;
    let same = match packet.ip.tos {
        None => true,
        Some(Tos::AnyEct) => matches!(ecn, EcnCodepoint::Ect0 | EcnCodepoint::Ect1),
        Some(Tos::Ecn(wanted)) => wanted == ecn,
        Some(tos @ Tos::Octet(octet)) => octet >> 2 == ip.dscp && segment::ecn(Some(tos)) == ecn,
    };
    if !same && let Some(tos) = packet.ip.tos {
        let (field, seen) = match tos {
            Tos::Octet(_) => ("type of service", Tos::Octet(ip.dscp << 2 | ecn as u8)),
            _ => ("ECN field", Tos::Ecn(ecn)),
        };
        found.push(difference(field, super::report::tos(tos), super::report::tos(seen)));
    }
    if let Some(ttl) = packet.ip.ttl
        && ttl != ip.ttl
    {
        found.push(difference("ttl", ttl, ip.ttl));
    }
}
