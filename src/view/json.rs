//! One record of the trace a line, as JSON, for programs. The form is documented in `docs/json.md` and does not change
//! without a word in the changelog: fields may be added, none is renamed or removed.

use std::io::{self, Write};

use serde::Serialize;
use sim::packet::{Body, Echo, Icmp, IcmpKind, IpHeader, Packet, Quote};
use sim::trace::{Cause, DropReason, Fate, PipeId, Record, Trigger, What};
use tcp::{Note, Segment};

use crate::view::{Show, Story, words};

/// Writes the view.
pub fn write(story: &Story<'_>, show: Show, out: &mut dyn Write) -> io::Result<()> {
    for (index, record) in story.records.iter().enumerate() {
        if show.host.is_some_and(|host| node(&record.what).is_some_and(|node| node != host)) {
            continue;
        }
        serde_json::to_writer(&mut *out, &Line::of(story, index, record))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn node(what: &What) -> Option<sim::NodeId> {
    match what {
        What::Sent { node, .. }
        | What::Received { node, .. }
        | What::Dropped { node, .. }
        | What::State { node, .. }
        | What::Tcp { node, .. }
        | What::Program { node, .. } => Some(*node),
        What::Fate { .. } | What::Fault { .. } => None,
    }
}

/// A line.
#[derive(Serialize)]
struct Line<'a> {
    /// Nanoseconds since the start of the run.
    time: u64,
    #[serde(flatten)]
    event: Event<'a>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Sent {
        node: &'a str,
        link: &'a str,
        to: &'a str,
        origin: bool,
        packet: JsonPacket,
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<JsonCause>,
    },
    Received {
        node: &'a str,
        link: &'a str,
        packet: JsonPacket,
    },
    Fate {
        link: &'a str,
        packet: u64,
        #[serde(flatten)]
        fate: JsonFate,
    },
    Dropped {
        node: &'a str,
        packet: u64,
        #[serde(flatten)]
        reason: JsonDrop,
    },
    State {
        node: &'a str,
        local: String,
        remote: String,
        from: String,
        to: String,
        cause: JsonCause,
    },
    Tcp {
        node: &'a str,
        local: String,
        remote: String,
        #[serde(flatten)]
        note: JsonNote,
        trigger: JsonTrigger,
    },
    Program {
        node: &'a str,
        program: &'a str,
        call: &'a str,
        result: &'a str,
    },
    Fault {
        text: &'a str,
    },
}

impl<'a> Line<'a> {
    fn of(story: &Story<'a>, index: usize, record: &'a Record) -> Line<'a> {
        let names = story.names;
        let event = match &record.what {
            What::Sent { node, pipe, packet, why } => Event::Sent {
                node: names.node(*node),
                link: names.link(*pipe),
                to: names.way(*pipe).map_or("?", |(_, to)| names.node(to)),
                origin: story.is_origin(index, *node, packet),
                packet: JsonPacket::of(story, packet),
                cause: why.map(JsonCause::of),
            },
            What::Received { node, pipe, packet } => Event::Received {
                node: names.node(*node),
                link: names.link(*pipe),
                packet: JsonPacket::of(story, packet),
            },
            What::Fate { pipe, packet, fate } => {
                Event::Fate { link: link(story, *pipe), packet: packet.0, fate: JsonFate::of(*fate) }
            }
            What::Dropped { node, packet, why } => {
                Event::Dropped { node: names.node(*node), packet: packet.0, reason: JsonDrop::of(*why) }
            }
            What::State { node, tuple, from, to, why } => Event::State {
                node: names.node(*node),
                local: tuple.local.to_string(),
                remote: tuple.remote.to_string(),
                from: from.to_string(),
                to: to.to_string(),
                cause: JsonCause::of(*why),
            },
            What::Tcp { node, tuple, note, trigger } => Event::Tcp {
                node: names.node(*node),
                local: tuple.local.to_string(),
                remote: tuple.remote.to_string(),
                note: JsonNote::of(*note),
                trigger: JsonTrigger::of(*trigger),
            },
            What::Program { node, program, call, result } => {
                Event::Program { node: names.node(*node), program, call, result }
            }
            What::Fault { text } => Event::Fault { text },
        };
        Line { time: record.time.as_nanos(), event }
    }
}

fn link<'a>(story: &Story<'a>, pipe: PipeId) -> &'a str {
    story.names.link(pipe)
}

#[derive(Serialize)]
struct JsonPacket {
    id: u64,
    ip: JsonIp,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<JsonTcp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    udp: Option<JsonUdp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp: Option<JsonIcmp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    echo: Option<JsonEcho>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fragment: Option<JsonFragment>,
    /// In words.
    text: String,
}

impl JsonPacket {
    fn of(story: &Story<'_>, packet: &Packet) -> JsonPacket {
        let journey = story.journey(packet.id);
        let relative = journey.and_then(|journey| journey.relative.as_ref());
        let mut json = JsonPacket {
            id: packet.id.0,
            ip: JsonIp::of(&packet.ip),
            tcp: None,
            udp: None,
            icmp: None,
            echo: None,
            fragment: None,
            text: words::brief(packet, relative),
        };
        match &packet.body {
            Body::Tcp(segment) => json.tcp = Some(JsonTcp::of(segment, relative)),
            Body::Udp(datagram) => {
                json.udp =
                    Some(JsonUdp { src: datagram.src, dst: datagram.dst, len: datagram.payload.len() });
            }
            Body::Icmp(icmp) => json.icmp = Some(JsonIcmp::of(icmp)),
            Body::Echo(echo) => json.echo = Some(JsonEcho::of(echo, packet.ip.is_v6())),
            Body::Fragment(fragment) => {
                json.fragment =
                    Some(JsonFragment { offset: fragment.offset, len: fragment.len, more: fragment.more });
            }
        }
        json
    }
}

#[derive(Serialize)]
struct JsonIp {
    src: String,
    dst: String,
    ttl: u8,
    ident: u16,
    df: bool,
    ecn: &'static str,
}

impl JsonIp {
    fn of(ip: &IpHeader) -> JsonIp {
        let ecn = match words::ecn(ip) {
            "" => "Not-ECT",
            name => name,
        };
        JsonIp {
            src: ip.src.to_string(),
            dst: ip.dst.to_string(),
            ttl: ip.ttl,
            ident: ip.ident,
            df: ip.df,
            ecn,
        }
    }
}

#[derive(Serialize)]
struct JsonTcp {
    src: u16,
    dst: u16,
    flags: String,
    seq: u32,
    ack: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    relative_seq: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relative_ack: Option<i64>,
    wnd: u16,
    #[serde(skip_serializing_if = "is_zero")]
    urg: u16,
    len: u32,
    options: JsonOptions,
}

#[derive(Serialize)]
struct JsonOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    mss: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wscale: Option<u8>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sack_permitted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts_val: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts_ecr: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sack: Vec<(u32, u32)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(n: &u16) -> bool {
    *n == 0
}

impl JsonTcp {
    fn of(segment: &Segment, relative: Option<&super::flow::Relative>) -> JsonTcp {
        let acks = segment.has(tcp::Flags::ACK);
        let options = &segment.options;
        JsonTcp {
            src: segment.src,
            dst: segment.dst,
            flags: segment.flags.to_string(),
            seq: segment.seq.0,
            ack: segment.ack.0,
            relative_seq: relative.map(|relative| relative.seq),
            relative_ack: relative.filter(|_| acks).map(|relative| relative.ack),
            wnd: segment.wnd,
            urg: segment.urg,
            len: segment.payload.len(),
            options: JsonOptions {
                mss: options.mss,
                wscale: options.wscale,
                sack_permitted: options.sack_permitted,
                ts_val: options.timestamps.map(|ts| ts.val),
                ts_ecr: options.timestamps.map(|ts| ts.ecr),
                sack: options.sack.as_slice().iter().map(|(l, r)| (l.0, r.0)).collect(),
            },
        }
    }
}

#[derive(Serialize)]
struct JsonUdp {
    src: u16,
    dst: u16,
    len: u32,
}

#[derive(Serialize)]
struct JsonFragment {
    offset: u16,
    len: u16,
    more: bool,
}

#[derive(Serialize)]
struct JsonIcmp {
    r#type: u8,
    code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u16>,
    quote: JsonQuote,
}

#[derive(Serialize)]
struct JsonQuote {
    src: String,
    dst: String,
    protocol: u8,
    src_port: u16,
    dst_port: u16,
    seq: u32,
    len: u16,
}

impl JsonIcmp {
    fn of(icmp: &Icmp) -> JsonIcmp {
        let (in_v4, in_v6) = match icmp.kind {
            IcmpKind::NetUnreachable => ((3, 0), (1, 0)),
            IcmpKind::HostUnreachable => ((3, 1), (1, 3)),
            IcmpKind::ProtocolUnreachable => ((3, 2), (4, 1)),
            IcmpKind::PortUnreachable => ((3, 3), (1, 4)),
            IcmpKind::FragmentationNeeded(_) => ((3, 4), (2, 0)),
            IcmpKind::AdminProhibited => ((3, 13), (1, 1)),
            IcmpKind::TtlExceeded => ((11, 0), (3, 0)),
            IcmpKind::ReassemblyTimeExceeded => ((11, 1), (3, 1)),
            IcmpKind::ParameterProblem(_) => ((12, 0), (4, 0)),
            IcmpKind::Other { kind, code } => ((kind, code), (kind, code)),
        };
        let (r#type, code) = if icmp.quote.ip.is_v6() { in_v6 } else { in_v4 };
        let mtu = if let IcmpKind::FragmentationNeeded(mtu) = icmp.kind { Some(mtu) } else { None };
        let Quote { ip, len, protocol, src, dst, seq } = icmp.quote;
        let (from, to) = (ip.src.to_string(), ip.dst.to_string());
        let quote = JsonQuote { src: from, dst: to, protocol, src_port: src, dst_port: dst, seq: seq.0, len };
        JsonIcmp { r#type, code, mtu, quote }
    }
}

#[derive(Serialize)]
struct JsonEcho {
    r#type: u8,
    id: u16,
    seq: u16,
    len: u32,
}

impl JsonEcho {
    fn of(echo: &Echo, v6: bool) -> JsonEcho {
        let r#type = match (v6, echo.reply) {
            (false, false) => 8,
            (false, true) => 0,
            (true, reply) => 128 + u8::from(reply),
        };
        JsonEcho { r#type, id: echo.ident, seq: echo.seq, len: echo.payload.len() }
    }
}

#[derive(Serialize)]
struct JsonCause {
    trigger: JsonTrigger,
    rule: String,
    text: &'static str,
    source: &'static str,
}

impl JsonCause {
    fn of(cause: Cause) -> JsonCause {
        JsonCause {
            trigger: JsonTrigger::of(cause.trigger),
            rule: format!("{:?}", cause.rule),
            text: cause.rule.text(),
            source: cause.rule.source(),
        }
    }
}

/// The number of a packet, or a word.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum JsonTrigger {
    Packet(u64),
    Timer,
    Call,
    Fault,
}

impl JsonTrigger {
    fn of(trigger: Trigger) -> JsonTrigger {
        match trigger {
            Trigger::Packet(id) => JsonTrigger::Packet(id.0),
            Trigger::Timer => JsonTrigger::Timer,
            Trigger::Call => JsonTrigger::Call,
            Trigger::Fault => JsonTrigger::Fault,
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
enum JsonFate {
    Lost,
    DroppedByRule { rule: u32 },
    QueueFull,
    DroppedEarly,
    LinkDown,
    TooBig,
    Duplicated { arrives: u64 },
    Delayed { arrives: u64 },
    Corrupted { bit: u32 },
    Marked,
    Rewritten { rule: u32 },
    Fragmented { pieces: u16 },
}

impl JsonFate {
    fn of(fate: Fate) -> JsonFate {
        match fate {
            Fate::Lost => JsonFate::Lost,
            Fate::DroppedByRule(rule) => JsonFate::DroppedByRule { rule },
            Fate::QueueFull => JsonFate::QueueFull,
            Fate::DroppedEarly => JsonFate::DroppedEarly,
            Fate::LinkDown => JsonFate::LinkDown,
            Fate::TooBig => JsonFate::TooBig,
            Fate::Duplicated(at) => JsonFate::Duplicated { arrives: at.as_nanos() },
            Fate::Delayed(at) => JsonFate::Delayed { arrives: at.as_nanos() },
            Fate::Corrupted(bit) => JsonFate::Corrupted { bit },
            Fate::Marked => JsonFate::Marked,
            Fate::Rewritten(rule) => JsonFate::Rewritten { rule },
            Fate::Fragmented(pieces) => JsonFate::Fragmented { pieces },
        }
    }
}

#[derive(Serialize)]
struct JsonDrop {
    reason: String,
    text: String,
}

impl JsonDrop {
    fn of(why: DropReason) -> JsonDrop {
        let reason = match why {
            DropReason::Tcp(rule) => format!("{rule:?}"),
            other => format!("{other:?}"),
        };
        JsonDrop { reason, text: words::drop_reason(why) }
    }
}

#[derive(Serialize)]
#[serde(tag = "note", rename_all = "snake_case")]
enum JsonNote {
    State { from: String, to: String, rule: String },
    Dropped { rule: String, text: &'static str },
    Happened { rule: String, text: &'static str },
    Cwnd { cwnd: u64, ssthresh: Option<u64>, rule: String },
    Rtt { sample: u64, srtt: u64, rto: u64 },
}

impl JsonNote {
    fn of(note: Note) -> JsonNote {
        match note {
            Note::State { from, to, why } => {
                JsonNote::State { from: from.to_string(), to: to.to_string(), rule: format!("{why:?}") }
            }
            Note::Dropped(rule) => JsonNote::Dropped { rule: format!("{rule:?}"), text: rule.text() },
            Note::Happened(rule) => JsonNote::Happened { rule: format!("{rule:?}"), text: rule.text() },
            Note::Cwnd { cwnd, ssthresh, why } => JsonNote::Cwnd {
                cwnd,
                ssthresh: Some(ssthresh).filter(|ssthresh| *ssthresh != u64::MAX),
                rule: format!("{why:?}"),
            },
            Note::Rtt { sample, srtt, rto } => {
                JsonNote::Rtt { sample: sample.as_nanos(), srtt: srtt.as_nanos(), rto: rto.as_nanos() }
            }
        }
    }
}
