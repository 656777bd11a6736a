//! The form of segments: bits and options that go together, bytes that read back as what was meant.

use tcp::{Flags, Options, Segment, Seq};

use super::ends::Ends;
use super::{Facts, Findings, Law};
use crate::packet::{Body, IpHeader, Packet};
use crate::trace::NodeId;

/// A segment goes out.
pub(super) fn sent(node: NodeId, packet: &Packet, facts: &Facts, ends: &Ends, findings: &mut Findings<'_>) {
    let (Some(segment), Some(tuple)) = (packet.tcp(), packet.tuple()) else { return };
    let mut wrong = |text: String| findings.add(Law::WellFormed, node, Some(tuple), text);
    let (flags, options) = (segment.flags, &segment.options);
    let syn = flags.contains(Flags::SYN);
    if syn && flags.intersects(Flags::FIN | Flags::RST) || flags.contains(Flags::RST | Flags::FIN) {
        wrong(format!("[{flags}] makes no sense"));
    }
    if !flags.intersects(Flags::SYN | Flags::RST | Flags::ACK) {
        wrong("no ACK behind the handshake".to_owned());
    }
    if !flags.contains(Flags::ACK) && segment.ack.0 != 0 {
        wrong("an acknowledgment number without the bit".to_owned());
    }
    if !syn && (options.mss.is_some() || options.wscale.is_some() || options.sack_permitted) {
        wrong("an option of SYNs on another segment".to_owned());
    }
    if options.wscale.is_some_and(|shift| shift > 14) {
        wrong("a shift of more than 14".to_owned());
    }
    if flags.contains(Flags::RST) && (!segment.payload.is_empty() || !options.sack.is_empty()) {
        wrong("a reset with data or SACK blocks".to_owned());
    }
    // A pointer of nothing names no octet, unless it points at the last one (RFC 6093, section 2): then it is the first here.
    let nothing = segment.urg == 0 && !facts.config.urgent_points_at_last;
    if flags.contains(Flags::URG) && nothing && segment.payload.len() > 1 {
        wrong("urgent, and nothing is".to_owned());
    }
    let room = 40 - options.wire_len().min(40);
    if options.wire_len() > 40 || options.wire_len() % 4 != 0 {
        wrong(format!("{} octets of options ({room} left)", options.wire_len()));
    }
    let known = ends.get(node, &tuple).filter(|_| !ends.is_forged(&tuple));
    if let Some((end, peer)) = known.and_then(|end| Some((end, end.peer?))) {
        let both = end.timestamps && peer.timestamps;
        if !flags.intersects(Flags::SYN | Flags::RST) && options.timestamps.is_some() != both {
            wrong(format!("timestamps were {}agreed on", if both { "" } else { "not " }));
        }
        let ack = Seq::near(end.ack.unwrap_or(Seq::initial(peer.isn)), segment.ack);
        for (i, (left, right)) in options.sack.as_slice().iter().enumerate() {
            let (left, right) = (Seq::near(ack, *left), Seq::near(ack, *right));
            // The first block may tell of a duplicate (RFC 2883).
            if left >= right || (i > 0 && right <= ack) || (i > 0 && left <= ack) {
                wrong(format!("SACK block {} makes no sense", i + 1));
            }
        }
    }
    match crate::wire::decode(packet.id, &crate::wire::encode(packet)) {
        Ok(read) => {
            if let Some(what) = differs(packet, &read) {
                wrong(format!("its bytes read back with {what}"));
            }
        }
        Err(_) => wrong("its bytes do not read back".to_owned()),
    }
}

/// In what a packet is another than what its bytes read back as. Three things the bytes do not say: which stack's order the options
/// stand in; how the payload was described, of which each octet is compared; and over IPv6, whether it may be cut and as what.
fn differs(packet: &Packet, read: &Packet) -> Option<&'static str> {
    let (Body::Tcp(segment), Body::Tcp(again)) = (&packet.body, &read.body) else {
        return Some("another body");
    };
    let Segment { src, dst, seq, ack, flags, wnd, urg, options, payload } = segment;
    let IpHeader { src: from, dst: to, ttl, ecn, dscp, df, ident } = packet.ip;
    let v4 = !packet.ip.is_v6();
    let same = [
        ("other addresses", (from, to) == (read.ip.src, read.ip.dst)),
        ("another TTL or class", (ttl, ecn, dscp) == (read.ip.ttl, read.ip.ecn, read.ip.dscp)),
        ("another identification or DF", !v4 || (df, ident) == (read.ip.df, read.ip.ident)),
        ("other ports", (*src, *dst) == (again.src, again.dst)),
        ("other numbers", (*seq, *ack) == (again.seq, again.ack)),
        ("other bits", *flags == again.flags),
        ("another window or urgent pointer", (*wnd, *urg) == (again.wnd, again.urg)),
        ("other options", are_same(options, &again.options)),
        ("other data", *payload == again.payload),
    ];
    same.into_iter().find_map(|(what, same)| (!same).then_some(what))
}
fn are_same(options: &Options, read: &Options) -> bool {
    let Options { mss, wscale, sack_permitted, timestamps, sack, accecn, .. } = options;
    let Options { user_timeout, fast_open, order: _, other, .. } = options;
    (mss, wscale, sack_permitted) == (&read.mss, &read.wscale, &read.sack_permitted)
        && (timestamps, accecn) == (&read.timestamps, &read.accecn)
        && sack.as_slice() == read.sack.as_slice()
        && (user_timeout, fast_open, other) == (&read.user_timeout, &read.fast_open, &read.other)
}
