//! What `tcpdump -nn -tt --nano` on one host prints, to the letter (tcpdump 4.99: `print-ip.c`, `print-tcp.c`,
//! `print-udp.c`, `print-icmp.c`, `print-icmp6.c`, `print-frag6.c`).
//!
//! tcpdump counts sequence numbers from what it saw first of a connection, modulo 2^32, and prints the numbers of
//! that segment (usually the SYN-ACK), and of all without ACK, as they are. So does this.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

use sim::packet::{Body, Echo, Fragment, ICMP_HEADER, Icmp, IcmpKind, Packet, Quote};
use sim::trace::{NodeId, What};
use tcp::{Flags, Segment, Time};

use crate::view::{Show, Story};

/// Writes what is seen on the host asked for, or else on the one that spoke first.
pub fn write(story: &Story<'_>, show: Show, out: &mut dyn Write) -> io::Result<()> {
    let Some(host) = show.host.or_else(|| first_speaker(story)) else { return Ok(()) };
    let mut printer = Printer::default();
    for record in story.records {
        let (What::Sent { node, packet, .. } | What::Received { node, packet, .. }) = &record.what else {
            continue;
        };
        if *node == host {
            writeln!(out, "{}", printer.line(record.time, packet))?;
        }
    }
    Ok(())
}

/// The host that sent the first packet.
fn first_speaker(story: &Story<'_>) -> Option<NodeId> {
    story.records.iter().find_map(|record| match &record.what {
        What::Sent { node, .. } if story.names.is_host(*node) => Some(*node),
        _ => None,
    })
}

/// What tcpdump remembers from packet to packet: of each connection, named by its ends in one order, the numbers from
/// which it counts.
#[derive(Default)]
pub struct Printer {
    conversations: BTreeMap<(SocketAddr, SocketAddr), Base>,
}

/// Numbers to count from: of the end that comes first in order, and of the other.
#[derive(Clone, Copy)]
struct Base {
    first: u32,
    second: u32,
}

impl Printer {
    /// The line for a packet.
    pub fn line(&mut self, time: Time, packet: &Packet) -> String {
        let family = if packet.ip.src.is_ipv4() { "IP" } else { "IP6" };
        format!("{time} {family} {}", self.packet(packet))
    }

    fn packet(&mut self, packet: &Packet) -> String {
        let (src, dst) = (packet.ip.src, packet.ip.dst);
        match &packet.body {
            Body::Tcp(segment) => self.segment(src, dst, segment, segment.payload.len()),
            Body::Udp(datagram) => {
                format!(
                    "{src}.{} > {dst}.{}: UDP, length {}",
                    datagram.src,
                    datagram.dst,
                    datagram.payload.len()
                )
            }
            Body::Icmp(icmp) => format!("{src} > {dst}: {}", self::icmp(icmp)),
            Body::Echo(echo) => {
                format!("{src} > {dst}: {}", self::echo(src, echo, ICMP_HEADER + echo.payload.len()))
            }
            Body::Fragment(fragment) => self.fragment(src, dst, fragment),
        }
    }

    /// A fragment: the first one shows the ports, the others nothing but the protocol.
    fn fragment(&mut self, src: IpAddr, dst: IpAddr, fragment: &Fragment) -> String {
        if src.is_ipv6() {
            return self.fragment6(src, dst, fragment);
        }
        match (&fragment.of.body, fragment.offset) {
            (Body::Tcp(segment), 0) => {
                let header = 20 + segment.options.wire_len();
                self.segment(src, dst, segment, u32::from(fragment.len).saturating_sub(header))
            }
            (Body::Udp(datagram), 0) => {
                let len = datagram.payload.len();
                format!("{src}.{} > {dst}.{}: UDP, length {len}", datagram.src, datagram.dst)
            }
            (Body::Icmp(icmp), 0) => format!("{src} > {dst}: {}", self::icmp(icmp)),
            (Body::Echo(echo), 0) => format!("{src} > {dst}: {}", self::echo(src, echo, fragment.len.into())),
            (Body::Tcp(_), _) => format!("{src} > {dst}: ip-proto-6"),
            (Body::Udp(_), _) => format!("{src} > {dst}: ip-proto-17"),
            (Body::Icmp(_) | Body::Echo(_), _) => format!("{src} > {dst}: ip-proto-1"),
            (Body::Fragment(inner), _) => self.fragment(src, dst, inner),
        }
    }

    /// Over IPv6 what a fragment is stands first, and behind it what the first one begins with.
    fn fragment6(&mut self, src: IpAddr, dst: IpAddr, fragment: &Fragment) -> String {
        let Fragment { of, offset, len, .. } = fragment;
        let frag = format!("{src} > {dst}: frag ({offset}|{len})");
        match &of.body {
            _ if *offset > 0 => frag,
            Body::Tcp(segment) => {
                let header = 20 + segment.options.wire_len();
                let line = self.segment(src, dst, segment, u32::from(*len).saturating_sub(header));
                let behind = line.split_once(": ").map_or("", |(_, behind)| behind);
                format!("{frag} {} > {}: {behind}", segment.src, segment.dst)
            }
            Body::Udp(d) => format!("{frag} {} > {}: UDP, length {}", d.src, d.dst, d.payload.len()),
            Body::Icmp(icmp) => format!("{frag} {}", self::icmp(icmp)),
            Body::Echo(echo) => format!("{frag} {}", self::echo(src, echo, u32::from(*len))),
            Body::Fragment(_) => frag,
        }
    }

    /// `len` is the number of octets of data that are there: fewer than the segment's in its first fragment.
    fn segment(&mut self, src: IpAddr, dst: IpAddr, segment: &Segment, len: u32) -> String {
        let (from, to) = (SocketAddr::new(src, segment.src), SocketAddr::new(dst, segment.dst));
        let base = self.base(from, to, segment);
        let (seq, ack) = (segment.seq.0.wrapping_sub(base.0), segment.ack.0.wrapping_sub(base.1));
        let mut line = format!("{src}.{} > {dst}.{}: Flags [{}]", segment.src, segment.dst, segment.flags);
        let told = Flags::SYN | Flags::FIN | Flags::RST;
        if len > 0 {
            let _ = write!(line, ", seq {seq}:{}", seq.wrapping_add(len));
        } else if segment.flags.intersects(told) {
            let _ = write!(line, ", seq {seq}");
        }
        if segment.has(Flags::ACK) {
            let _ = write!(line, ", ack {ack}");
        }
        let _ = write!(line, ", win {}", segment.wnd);
        if segment.has(Flags::URG) {
            let _ = write!(line, ", urg {}", segment.urg);
        }
        let options = segment.options.to_wire();
        if !options.is_empty() {
            let _ =
                write!(line, ", options [{}]", self::options(&options, self.sack_base(from, to, segment)));
        }
        let _ = write!(line, ", length {len}");
        line
    }

    /// From where the numbers of a segment are counted: SEG.SEQ and SEG.ACK.
    fn base(&mut self, from: SocketAddr, to: SocketAddr, segment: &Segment) -> (u32, u32) {
        if !segment.has(Flags::ACK) {
            return (0, 0);
        }
        let forward = from <= to;
        let key = if forward { (from, to) } else { (to, from) };
        match self.conversations.get(&key).copied().filter(|_| !segment.has(Flags::SYN)) {
            Some(base) if forward => (base.first, base.second),
            Some(base) => (base.second, base.first),
            None => {
                let (own, other) = (segment.seq.0, segment.ack.0.wrapping_sub(1));
                let (first, second) = if forward { (own, other) } else { (other, own) };
                self.conversations.insert(key, Base { first, second });
                (0, 0)
            }
        }
    }

    /// From where SACK blocks are counted: as SEG.ACK, from the second segment on.
    fn sack_base(&self, from: SocketAddr, to: SocketAddr, segment: &Segment) -> u32 {
        if !segment.has(Flags::ACK) {
            return 0;
        }
        let forward = from <= to;
        let key = if forward { (from, to) } else { (to, from) };
        self.conversations.get(&key).map_or(0, |base| if forward { base.second } else { base.first })
    }
}

/// An option list as it stands in a header.
fn options(mut rest: &[u8], sack_base: u32) -> String {
    let mut words = Vec::new();
    while let [kind, tail @ ..] = rest {
        let len = match (kind, tail) {
            (0, _) => {
                words.push("eol".to_owned());
                break;
            }
            (1, _) => {
                words.push("nop".to_owned());
                rest = tail;
                continue;
            }
            (_, [len, ..]) => usize::from(*len),
            (_, []) => break,
        };
        if len < 2 || len > rest.len() {
            words.push("[bad opt]".to_owned());
            break;
        }
        let (option, after) = rest.split_at(len);
        words.push(self::option(*kind, &option[2..], sack_base));
        rest = after;
    }
    words.join(",")
}

/// A Fast Open cookie, or the request for one.
fn cookie(data: &[u8]) -> String {
    match data.len() {
        0 => " cookiereq".to_owned(),
        4 | 6 | 8 | 10 | 12 | 14 | 16 => {
            format!(" cookie {}", data.iter().map(|octet| format!("{octet:02x}")).collect::<String>())
        }
        _ => " invalid".to_owned(),
    }
}

fn option(kind: u8, data: &[u8], sack_base: u32) -> String {
    let number = |bytes: &[u8]| bytes.iter().fold(0u32, |n, byte| n << 8 | u32::from(*byte));
    match (kind, data.len()) {
        (2, 2) => format!("mss {}", number(data)),
        (3, 1) => format!("wscale {}", data[0]),
        (4, 0) => "sackOK".to_owned(),
        (5, len) if len > 0 && len % 8 == 0 => {
            let blocks = data.chunks_exact(8).map(|block| {
                let edge = |bytes| number(bytes).wrapping_sub(sack_base);
                format!("{{{}:{}}}", edge(&block[..4]), edge(&block[4..]))
            });
            format!("sack {} {}", len / 8, blocks.collect::<String>())
        }
        (8, 8) => format!("TS val {} ecr {}", number(&data[..4]), number(&data[4..])),
        // tcpdump takes the flag for minutes from the wrong end of the word, and so says what nobody meant.
        (28, 2) => {
            let raw = number(data);
            format!("uto 0x{raw:x} {}", if raw & 1 == 1 { (raw >> 1) * 60 } else { raw >> 1 })
        }
        (34, _) => format!("tfo {}", cookie(data)),
        (254, len) if len >= 2 && data[..2] == [0xf9, 0x89] => format!("exp-tfo{}", cookie(&data[2..])),
        (254, len) if len >= 2 => format!("exp-{:04x}", number(&data[..2])),
        (_, 0) => format!("unknown-{kind}"),
        (_, _) => {
            let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("unknown-{kind} 0x{hex}")
        }
    }
}

/// The rarer reasons why a destination cannot be reached.
fn unreachable(code: u8, dst: IpAddr) -> String {
    match code {
        5 => format!("{dst} unreachable - source route failed"),
        6 => format!("net {dst} unreachable - unknown"),
        7 => format!("host {dst} unreachable - unknown"),
        8 => format!("{dst} unreachable - source host isolated"),
        9 => format!("net {dst} unreachable - admin prohibited"),
        10 => format!("host {dst} unreachable - admin prohibited"),
        11 => format!("net {dst} unreachable - tos prohibited"),
        12 => format!("host {dst} unreachable - tos prohibited"),
        14 => format!("host {dst} unreachable - host precedence violation"),
        15 => format!("host {dst} unreachable - precedence cutoff"),
        code => format!("{dst} unreachable - #{code}"),
    }
}

/// An echo request or reply, of which `len` octets are here.
fn echo(src: IpAddr, echo: &Echo, len: u32) -> String {
    let family = if src.is_ipv4() { "ICMP" } else { "ICMP6," };
    let what = if echo.reply { "reply" } else { "request" };
    format!("{family} echo {what}, id {}, seq {}, length {len}", echo.ident, echo.seq)
}

/// An ICMPv6 error. The quotation is an IP header and eight octets, so the message has 56.
fn icmp6(kind: IcmpKind, quote: &Quote) -> String {
    let (dst, port) = (quote.ip.dst, quote.dst);
    let unreachable = |what: &str| format!("destination unreachable, unreachable {what}");
    let what = match kind {
        IcmpKind::NetUnreachable => unreachable(&format!("route {dst}")),
        IcmpKind::AdminProhibited => unreachable(&format!("prohibited {dst}")),
        IcmpKind::HostUnreachable => unreachable(&format!("address {dst}")),
        IcmpKind::PortUnreachable => match quote.protocol {
            6 => unreachable(&format!("port, {dst} tcp port {port}")),
            17 => unreachable(&format!("port, {dst} udp port {port}")),
            protocol => unreachable(&format!("port, {dst} protocol {protocol} port {port} unreachable")),
        },
        IcmpKind::FragmentationNeeded(mtu) => format!("packet too big, mtu {mtu}"),
        IcmpKind::TtlExceeded => format!("time exceeded in-transit for {dst}"),
        IcmpKind::ReassemblyTimeExceeded => "time exceeded in-transit (reassembly)".to_owned(),
        IcmpKind::ProtocolUnreachable => "parameter problem, next header - octet 6".to_owned(),
        IcmpKind::ParameterProblem(octet) => format!("parameter problem, erroneous - octet {octet}"),
        IcmpKind::Other { .. } => "parameter problem, erroneous - octet 0".to_owned(),
    };
    format!("ICMP6, {what}, length 56")
}

/// An ICMP error. The quotation is an IP header and eight octets, so the message has 36.
fn icmp(icmp: &Icmp) -> String {
    let quote = &icmp.quote;
    if quote.ip.is_v6() {
        return icmp6(icmp.kind, quote);
    }
    let (dst, port) = (quote.ip.dst, quote.dst);
    let what = match icmp.kind {
        IcmpKind::NetUnreachable => format!("net {dst} unreachable"),
        IcmpKind::HostUnreachable => format!("host {dst} unreachable"),
        IcmpKind::ProtocolUnreachable => format!("{dst} protocol {} unreachable", quote.protocol),
        IcmpKind::PortUnreachable => match quote.protocol {
            6 => format!("{dst} tcp port {port} unreachable"),
            17 => format!("{dst} udp port {port} unreachable"),
            protocol => format!("{dst} protocol {protocol} port {port} unreachable"),
        },
        IcmpKind::FragmentationNeeded(0) => format!("{dst} unreachable - need to frag"),
        IcmpKind::FragmentationNeeded(mtu) => format!("{dst} unreachable - need to frag (mtu {mtu})"),
        IcmpKind::AdminProhibited => format!("host {dst} unreachable - admin prohibited filter"),
        IcmpKind::TtlExceeded => "time exceeded in-transit".to_owned(),
        IcmpKind::ReassemblyTimeExceeded => "ip reassembly time exceeded".to_owned(),
        IcmpKind::Other { kind: 3, code } => unreachable(code, dst),
        IcmpKind::ParameterProblem(octet) => format!("parameter problem - octet {octet}"),
        IcmpKind::Other { .. } => "parameter problem - octet 0".to_owned(),
    };
    format!("ICMP {what}, length 36")
}
