//! The sequence space: what is sent, acknowledged and offered, against what was before.

use tcp::config::IsnSource;
use tcp::{Flags, Rule, Seq, Tuple};

use super::ends::{Ends, takes_window_back};
use super::{Facts, Findings, Law, Reading};
use crate::packet::{Packet, tcp_header_len};
use crate::trace::NodeId;

/// MSS of a peer that names none (RFC 9293, section 3.7.1), in bytes.
const DEFAULT_MSS: [u16; 2] = [536, 1220];

/// A segment goes out; `ends` does not know it yet.
pub(super) fn sent(
    node: NodeId,
    packet: &Packet,
    why: Rule,
    facts: &Facts,
    ends: &Ends,
    findings: &mut Findings<'_>,
) {
    let (Some(segment), Some(tuple)) = (packet.tcp(), packet.tuple()) else { return };
    if ends.is_forged(&tuple) {
        return;
    }
    let heard = ends.get(node, &tuple);
    if segment.has(Flags::SYN | Flags::ACK) && heard.is_some_and(|end| !end.answers_a_syn(segment.ack)) {
        let text = format!("a SYN-ACK of {}, which no SYN that came ends before", segment.ack.0);
        findings.add(Law::AckOfUnsent, node, Some(tuple), text);
    }
    let crossed = why == Rule::SimultaneousOpen || heard.is_some_and(|end| end.crossed);
    if segment.has(Flags::SYN | Flags::ACK)
        && !(crossed && facts.config.crossing_keeps_offer)
        && heard.is_some_and(|end| end.offers_unasked(segment))
    {
        let text = "a SYN-ACK with options that only answer those of a SYN, which had none".to_owned();
        findings.add(Law::WellFormed, node, Some(tuple), text);
    }
    if segment.flags.intersects(Flags::SYN.union(Flags::RST)) {
        return;
    }
    let Some((end, peer)) = ends.get(node, &tuple).and_then(|end| Some((end, end.peer?))) else { return };
    let mut wrong = |law: Law, text: String| findings.add(law, node, Some(tuple), text);

    let from = Seq::near(end.nxt, segment.seq);
    let to = from + u64::from(segment.seq_len());
    let probe = why == Rule::ZeroWindowProbe;
    // What the SYN carried is old data, which may be sent again beyond the window (MAY-7).
    let edge = end.edge.map(|edge| edge.max(end.in_syn));
    // A cookie that comes back a second time, with later data, has its options in a timestamp that is none of a SYN-ACK's: what
    // windows are scaled by then is anything (Linux `cookie_timestamp_decode` looks at the bits alone).
    let edge = edge.filter(|_| !(end.cookie && end.repeats_numbers));
    if let Some(edge) = edge.filter(|edge| segment.seq_len() > 0 && !probe && to > *edge) {
        wrong(Law::BeyondWindow, format!("{} octets beyond the window", to.since(edge)));
    }
    let default = DEFAULT_MSS[usize::from(packet.ip.is_v6())];
    // A cookie says no less than the default (Linux and FreeBSD: the first of a table of values).
    let floor = if end.cookie { default } else { 0 };
    let named = peer.mss.unwrap_or(default).max(facts.config.min_mss).max(floor);
    let options = tcp_header_len(&segment.options) - 20;
    if !segment.payload.is_empty() && segment.payload.len() + options > u32::from(named) {
        let (len, mss) = (segment.payload.len(), named);
        wrong(Law::BeyondMss, format!("{len} octets and {options} of options, where the MSS is {mss}"));
    }
    if sends_again(why) && segment.seq_len() == 0 {
        wrong(Law::FinMoves, "the FIN is sent again without its bit".to_owned());
    }
    if let Some(fin) = end.fin {
        let place = from + u64::from(segment.payload.len());
        if place > fin && !segment.payload.is_empty() {
            wrong(Law::FinMoves, format!("data {} octets behind the FIN", place.since(fin)));
        } else if segment.has(Flags::FIN) && place != fin {
            wrong(Law::FinMoves, "the FIN stands elsewhere than before".to_owned());
        }
    }
    acknowledges(node, packet, why, facts, ends, findings);
}

/// Whether the segment repeats something: then it has data or a FIN.
fn sends_again(why: Rule) -> bool {
    matches!(
        why,
        Rule::FastRetransmit
            | Rule::SackRetransmit
            | Rule::RackRetransmit
            | Rule::PartialAck
            | Rule::RescueRetransmit
            | Rule::TailLossProbe
            | Rule::RtoRetransmit
            | Rule::RtoGoBack
            | Rule::PmtuRetransmit
    )
}

/// Numbers of a connection that has just begun; `ends` knows it.
pub(super) fn began(
    node: NodeId,
    tuple: Tuple,
    why: Rule,
    facts: &Facts,
    ends: &Ends,
    findings: &mut Findings<'_>,
) {
    let pinned = matches!(facts.config.isn, IsnSource::Fixed(_)) || why == Rule::SynCookieSent;
    let begun = ends.get(node, &tuple).filter(|end| end.repeats_numbers && end.born == findings.event);
    if let Some(end) = begun.filter(|end| !pinned && !end.same_tick) {
        let text = format!("{} once more", end.iss.wire().0);
        findings.add(Law::FreshNumbers, node, Some(tuple), text);
    }
}

/// What a segment acknowledges and offers.
fn acknowledges(
    node: NodeId,
    packet: &Packet,
    why: Rule,
    facts: &Facts,
    ends: &Ends,
    findings: &mut Findings<'_>,
) {
    let (Some(segment), Some(tuple)) = (packet.tcp(), packet.tuple()) else { return };
    let Some((end, peer)) = ends.get(node, &tuple).and_then(|end| Some((end, end.peer?))) else { return };
    let mut wrong = |law: Law, text: String| findings.add(law, node, Some(tuple), text);
    let before = end.ack.unwrap_or(Seq::initial(peer.isn));
    let ack = Seq::near(before, segment.ack);
    if ack < before {
        wrong(Law::AckRetreats, format!("{} octets less than before", before.since(ack)));
    }
    // A peer that has begun anew has other numbers, or by chance the same.
    let other = ends.peer_of(node, &tuple);
    let other = other.filter(|other| other.iss.wire() == peer.isn && other.born <= end.met);
    // Nothing tells incarnations with the same numbers apart.
    let other = other.filter(|other| !other.repeats_numbers);
    if let Some(other) = other.filter(|other| ack > Seq::initial(peer.isn) + other.nxt.since(other.iss)) {
        let sent = Seq::initial(peer.isn) + other.nxt.since(other.iss);
        wrong(Law::AckOfUnsent, format!("{} octets that were not sent", ack.since(sent)));
    }
    let shift = end.shifts().1;
    let edge = ack + (u64::from(segment.wnd) << shift);
    let floor = end.offered.map_or(edge, |offered| offered);
    if !facts.config.shrink_window && !takes_window_back(why, segment) && edge + ((1 << shift) - 1) < floor {
        wrong(Law::WindowRetreats, format!("by {} octets", floor.since(edge)));
    }
}

/// The readings of a connection after an event.
pub(super) fn look(reading: &Reading<'_>, ends: &mut Ends, findings: &mut Findings<'_>) {
    let time = findings.time;
    let Reading { node, tuple, info, .. } = *reading;
    let mut wrong = |law: Law, text: String| findings.add(law, node, Some(tuple), text);
    if info.snd_una > info.snd_nxt {
        let (una, nxt) = (info.snd_una, info.snd_nxt);
        wrong(Law::SequenceSpace, format!("SND.UNA {una} is beyond SND.NXT {nxt}"));
    }
    let forged = ends.is_forged(&tuple);
    let Some(end) = ends.get_mut(node, &tuple) else { return };
    let now = (info.snd_una, info.snd_nxt, info.rcv_nxt);
    if let Some(before) = end.last {
        for (name, before, now) in
            [("SND.UNA", before.0, now.0), ("SND.NXT", before.1, now.1), ("RCV.NXT", before.2, now.2)]
        {
            if now < before {
                wrong(Law::SequenceSpace, format!("{name} goes back from {before} to {now}"));
            }
        }
    }
    end.reads(now, time);
    let Some(edge) = end.opened_to().filter(|_| !forged) else { return };
    // A FIN takes no room in the buffer.
    if info.rcv_nxt > edge + 1 {
        wrong(Law::TakesBeyondWindow, format!("RCV.NXT {} where {edge} was offered", info.rcv_nxt));
    }
}
