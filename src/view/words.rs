//! Packets and what happens to them, in words that several views share.

use std::fmt::Write as _;

use sim::packet::{Body, IpHeader, Packet, Quote};
use sim::trace::{Cause, DropReason, Fate, Trigger};
use tcp::{Duration, EcnCodepoint, Flags, Options, Rule, Time};

use crate::view::flow::Relative;
use crate::view::story::Story;

/// Seconds with six decimals, as a reader of traces is used to.
pub fn clock(time: Time) -> String {
    let micros = time.as_nanos() / 1_000;
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// A length of time for reading: two units at most, `2h`, `1min 15s`, `40.5ms`.
pub fn span(d: Duration) -> String {
    const SEC: u64 = 1_000_000_000;
    let nanos = d.as_nanos();
    let two = |big: u64, big_name: &str, small: u64, small_name: &str| {
        let rest = nanos % big / small;
        let whole = nanos / big;
        if rest == 0 { format!("{whole}{big_name}") } else { format!("{whole}{big_name} {rest}{small_name}") }
    };
    let decimal = |unit: u64, name: &str| {
        let tenths = nanos / (unit / 10).max(1);
        match tenths % 10 {
            0 => format!("{}{name}", tenths / 10),
            rest => format!("{}.{rest}{name}", tenths / 10),
        }
    };
    match nanos {
        _ if nanos >= 86_400 * SEC => two(86_400 * SEC, "d", 3_600 * SEC, "h"),
        _ if nanos >= 3_600 * SEC => two(3_600 * SEC, "h", 60 * SEC, "min"),
        _ if nanos >= 60 * SEC => two(60 * SEC, "min", SEC, "s"),
        _ if nanos >= SEC => decimal(SEC, "s"),
        _ if nanos >= 1_000_000 => decimal(1_000_000, "ms"),
        _ if nanos >= 1_000 => decimal(1_000, "us"),
        _ => format!("{nanos}ns"),
    }
}

/// Sequence and acknowledgment number of a segment: `seq 1:1449 ack 1`, and only what says something.
pub fn numbers(packet: &Packet, relative: &Relative) -> (String, String) {
    let Body::Tcp(segment) = &packet.body else { return (String::new(), String::new()) };
    let len = i64::from(segment.payload.len());
    let seq = if len > 0 {
        format!("seq {}:{}", relative.seq, relative.seq + len)
    } else {
        format!("seq {}", relative.seq)
    };
    let ack = if segment.has(Flags::ACK) { format!("ack {}", relative.ack) } else { String::new() };
    (seq, ack)
}

/// The options that tell something: those of a SYN by name, SACK blocks with their numbers; timestamps only on a SYN.
pub fn options(options: &Options, relative: &Relative, syn: bool) -> String {
    let mut parts = Vec::new();
    if let Some(mss) = options.mss {
        parts.push(format!("mss {mss}"));
    }
    if options.sack_permitted {
        parts.push("sackOK".to_owned());
    }
    if options.timestamps.is_some() && syn {
        parts.push("TS".to_owned());
    }
    if let Some(shift) = options.wscale {
        parts.push(format!("wscale {shift}"));
    }
    if let Some(fast) = &options.fast_open {
        let cookie = fast.cookie.as_ref().map_or("cookiereq", |_| "cookie");
        parts.push(format!("{}tfo {cookie}", if fast.experimental { "exp-" } else { "" }));
    }
    if let Some(raw) = options.user_timeout {
        let (value, minutes) = (raw.get() & 0x7fff, raw.get() & 0x8000 != 0);
        parts.push(format!("uto {value} {}", if minutes { "min" } else { "s" }));
    }
    if !relative.sack.is_empty() {
        let blocks: String = relative.sack.iter().map(|(l, r)| format!("{{{l}:{r}}}")).collect();
        parts.push(format!("sack {blocks}"));
    }
    parts.join(", ")
}

/// A packet in a few words, for mention in passing: `S. seq 0 ack 1`, `ICMP port unreachable`.
pub fn brief(packet: &Packet, relative: Option<&Relative>) -> String {
    match &packet.body {
        Body::Tcp(segment) => {
            let Some(relative) = relative else { return format!("[{}]", segment.flags) };
            let (seq, ack) = numbers(packet, relative);
            let bare = segment.seq_len() == 0 && !segment.has(Flags::RST) && !ack.is_empty();
            match (bare, ack.is_empty()) {
                (true, _) => format!("[{}] {ack}", segment.flags),
                (false, true) => format!("[{}] {seq}", segment.flags),
                (false, false) => format!("[{}] {seq} {ack}", segment.flags),
            }
        }
        Body::Udp(datagram) => {
            format!("UDP {} > {}, {} bytes", datagram.src, datagram.dst, datagram.payload.len())
        }
        Body::Icmp(icmp) => format!("{} {}", icmp_name(&packet.ip), icmp.kind.words(packet.ip.is_v6())),
        Body::Echo(echo) => {
            let what = if echo.reply { "reply" } else { "request" };
            let (name, len) = (icmp_name(&packet.ip), echo.payload.len());
            format!("{name} echo {what}, id {}, seq {}, {len} bytes", echo.ident, echo.seq)
        }
        Body::Fragment(fragment) => {
            let end = u32::from(fragment.offset) + u32::from(fragment.len);
            let more = if fragment.more { "+" } else { "" };
            format!("fragment {}:{end}{more} of {}", fragment.offset, brief(&fragment.of, relative))
        }
    }
}

fn icmp_name(ip: &IpHeader) -> &'static str {
    if ip.is_v6() { "ICMPv6" } else { "ICMP" }
}

/// As [`brief`], and with the sequence number of a bare ACK: what was dropped, was often dropped for it.
pub fn brief_with_seq(packet: &Packet, relative: Option<&Relative>) -> String {
    match (&packet.body, relative) {
        (Body::Tcp(segment), Some(relative)) => {
            let (seq, ack) = numbers(packet, relative);
            let numbers = if ack.is_empty() { seq } else { format!("{seq} {ack}") };
            format!("[{}] {numbers}", segment.flags)
        }
        // A record of what was dropped does not tell which of them it was.
        (Body::Fragment(fragment), _) => format!("a fragment of {}", brief(&fragment.of, relative)),
        _ => brief(packet, relative),
    }
}

/// The packet that an ICMP error quotes, in a few words.
pub fn quote(story: &Story<'_>, quote: &Quote) -> String {
    let name = match quote.protocol {
        6 => "TCP",
        17 => "UDP",
        1 | 58 => {
            let (src, dst) = (story.names.at(quote.ip.src), story.names.at(quote.ip.dst));
            let name = icmp_name(&quote.ip);
            return format!("about {name} echo {src} > {dst}, id {}, seq {}", quote.src, quote.dst);
        }
        _ => "IP",
    };
    format!(
        "about {name} {}:{} > {}:{}",
        story.names.at(quote.ip.src),
        quote.src,
        story.names.at(quote.ip.dst),
        quote.dst
    )
}

/// The ECN field, where it is not the usual one.
pub fn ecn(ip: &IpHeader) -> &'static str {
    match ip.ecn {
        EcnCodepoint::NotEct => "",
        EcnCodepoint::Ect1 => "ECT(1)",
        EcnCodepoint::Ect0 => "ECT(0)",
        EcnCodepoint::Ce => "CE",
    }
}

/// What the network did to a packet.
pub fn fate(fate: Fate) -> String {
    match fate {
        Fate::Lost => "lost".to_owned(),
        Fate::DroppedByRule(rule) => format!("dropped by rule {}", rule + 1),
        Fate::QueueFull => "dropped: queue full".to_owned(),
        Fate::DroppedEarly => "dropped early: queue too long".to_owned(),
        Fate::LinkDown => "lost: link down".to_owned(),
        Fate::TooBig => "dropped: larger than the MTU".to_owned(),
        Fate::Duplicated(at) => format!("duplicated, the copy arrives at {}", clock(at)),
        Fate::Delayed(at) => format!("delayed, arrives at {}", clock(at)),
        Fate::Corrupted(bit) => format!("bit {bit} flipped"),
        Fate::Marked => "marked CE".to_owned(),
        Fate::Rewritten(rule) => format!("header changed by rule {}", rule + 1),
        Fate::Fragmented(pieces) => format!("cut into {pieces} fragments"),
    }
}

/// Why a node dropped a packet.
pub fn drop_reason(why: DropReason) -> String {
    match why {
        DropReason::Tcp(rule) => source(rule),
        DropReason::TtlExceeded => "time to live ran out".to_owned(),
        DropReason::NoRoute => "no route to its destination".to_owned(),
        DropReason::NotOurs => "not addressed to this host".to_owned(),
        DropReason::FragmentationNeeded => {
            "too large for the next link, and may not be fragmented".to_owned()
        }
        DropReason::BadIpChecksum => "IP header checksum wrong".to_owned(),
        DropReason::BadHeader => "header makes no sense".to_owned(),
        DropReason::ReassemblyTimeout => "reassembly timer ran out".to_owned(),
        DropReason::BadFragment => "fragment overlaps another, or no room to reassemble".to_owned(),
        DropReason::NoUdpPort => "nobody on that UDP port".to_owned(),
        DropReason::UdpQueueFull => "UDP receive queue full".to_owned(),
        DropReason::BadUdpChecksum => "UDP checksum wrong".to_owned(),
        DropReason::BadIcmpChecksum => "ICMP checksum wrong".to_owned(),
        DropReason::HostDown => "host is down".to_owned(),
        DropReason::IcmpUnmatched => "quotes nothing known here".to_owned(),
        DropReason::SourceRoute => "source routes are not provided".to_owned(),
    }
}

/// A rule and where it stands: `ACK of the FIN (RFC 9293 3.10.7.4)`.
pub fn source(rule: Rule) -> String {
    format!("{} ({})", rule.text(), rule.source())
}

/// A cause as one sentence for a reader who has nothing else: what set it off, the rule, its source.
pub fn cause(story: &Story<'_>, cause: Cause) -> String {
    let mut text = source(cause.rule);
    match cause.trigger {
        Trigger::Packet(id) => {
            if let Some(journey) = story.journey(id) {
                let what = brief(journey.packet, journey.relative.as_ref());
                let _ =
                    write!(text, ", on #{} {what} from {}", journey.number, story.names.node(journey.origin));
            }
        }
        Trigger::Timer => text.push_str(", on a timer"),
        Trigger::Call => text.push_str(", on a call by the program"),
        Trigger::Fault => text.push_str(", by the fault timeline"),
    }
    text
}
