//! What holds in every trace, whatever the scenario, the personality and the weather.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use sim::packet::{Body, Packet, PacketId};
use sim::trace::{Record, Trigger, What};
use tcp::{Flags, Rule, Segment, Seq, SeqNum};

/// One direction of one connection: who sends, who receives.
type Way = (SocketAddr, SocketAddr);

/// What the sender of one direction may know, and has done.
#[derive(Default)]
struct Sender {
    /// Its initial sequence number, and the highest number that it used (exclusive).
    isn: Option<(SeqNum, Seq)>,
    /// Its shift, if its SYN offered one.
    shift: Option<u8>,
    /// The right edge that it was offered.
    edge: Option<Seq>,
    /// The highest number of its peer's that it acknowledged.
    acknowledged: Option<SeqNum>,
    /// Its peer has begun anew, or somebody forges its segments: what it acknowledges says nothing.
    confused: bool,
}

/// The first thing in a trace that must never be; `None` if there is none.
pub fn violation(records: &[Record]) -> Option<String> {
    let mut senders: BTreeMap<Way, Sender> = BTreeMap::new();
    let mut resets: BTreeSet<PacketId> = BTreeSet::new();
    let mut made: BTreeSet<PacketId> = BTreeSet::new();
    let mut forged: BTreeSet<Way> = BTreeSet::new();
    let mut answered: BTreeSet<(PacketId, Way)> = BTreeSet::new();
    for record in records {
        if let What::Received { packet, .. } = &record.what
            && let Body::Tcp(segment) = &packet.body
        {
            // A copy of it may be answered again.
            let (from, to) = way(packet, segment);
            answered.remove(&(packet.id, (to, from)));
        }
        let wrong = match &record.what {
            What::Sent { packet, why: Some(why), .. } if why.rule == Rule::Forged => {
                if let Body::Tcp(segment) = &packet.body {
                    let (from, to) = way(packet, segment);
                    forged.insert((to, from));
                }
                None
            }
            What::Sent { packet, why: Some(why), .. } => {
                let Body::Tcp(segment) = &packet.body else { continue };
                if segment.has(Flags::RST) {
                    resets.insert(packet.id);
                }
                made.insert(packet.id);
                if forged.contains(&way(packet, segment)) {
                    confuse(&mut senders, way(packet, segment));
                }
                match why.trigger {
                    // 5681/4.2-ONEACK
                    Trigger::Packet(id)
                        if is_bare_ack(segment, why.rule) && !answered.insert((id, way(packet, segment))) =>
                    {
                        Some("two acknowledgments of one segment".to_string())
                    }
                    Trigger::Packet(id) if segment.has(Flags::RST) && resets.contains(&id) => {
                        Some("a reset answers a reset".to_string())
                    }
                    _ => sent(&mut senders, packet, segment, why.rule),
                }
            }
            What::Received { packet, .. } if made.contains(&packet.id) && packet.flipped_bit.is_none() => {
                if let Body::Tcp(segment) = &packet.body {
                    received(&mut senders, packet, segment);
                }
                None
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            return Some(format!("at {}: {wrong}: {:?}", record.time, record.what));
        }
    }
    None
}

fn way(packet: &Packet, segment: &Segment) -> Way {
    (SocketAddr::new(packet.ip.src, segment.src), SocketAddr::new(packet.ip.dst, segment.dst))
}

/// Whether this is an acknowledgment and nothing else: no probe, not for the sake of the window, and not one of the two that
/// DCTCP sends where marks begin or end (RFC 8257, section 3.2).
fn is_bare_ack(segment: &Segment, why: Rule) -> bool {
    let other = matches!(
        why,
        Rule::WindowUpdate | Rule::AckOnRead | Rule::ZeroWindowProbe | Rule::KeepaliveProbe | Rule::CeChanged
    );
    segment.seq_len() == 0 && !segment.has(Flags::RST) && !other
}

fn confuse(senders: &mut BTreeMap<Way, Sender>, way: Way) {
    if let Some(sender) = senders.get_mut(&way) {
        sender.confused = true;
    }
}

/// What a sender must not do.
fn sent(
    senders: &mut BTreeMap<Way, Sender>,
    packet: &Packet,
    segment: &Segment,
    why: Rule,
) -> Option<String> {
    let (from, to) = way(packet, segment);
    let peer = senders.get(&(to, from)).and_then(|peer| peer.isn).map(|(_, highest)| highest);
    let sender = senders.entry((from, to)).or_default();
    if segment.has(Flags::SYN) {
        let anew = matches!(why, Rule::ActiveOpen | Rule::SynAnswered | Rule::SynCookieSent);
        if anew || sender.isn.is_none_or(|(isn, _)| isn != segment.seq) {
            // A new incarnation.
            let first = Seq::initial(segment.seq);
            // A SYN may carry data (RFC 7413).
            let end = first + u64::from(segment.seq_len());
            *sender = Sender { isn: Some((segment.seq, end)), ..Sender::default() };
            sender.shift = segment.options.wscale;
            // The answer to a SYN begins anew itself.
            if !segment.has(Flags::ACK) {
                confuse(senders, (to, from));
            }
            return None;
        }
        sender.shift = segment.options.wscale;
        return None;
    }
    let on_syn_only = &segment.options;
    if on_syn_only.mss.is_some() || on_syn_only.wscale.is_some() || on_syn_only.sack_permitted {
        return Some("an option of SYNs on another segment".to_string());
    }
    let (_, highest) = sender.isn?;
    if segment.has(Flags::RST) {
        return None;
    }
    if !segment.has(Flags::ACK) {
        return Some("no acknowledgment behind the handshake".to_string());
    }
    let end = Seq::near(highest, segment.seq) + u64::from(segment.seq_len());
    let probe = why == Rule::ZeroWindowProbe;
    if let Some((_, highest)) = &mut sender.isn {
        *highest = (*highest).max(end);
    }
    if let Some(highest) = peer.filter(|_| segment.has(Flags::ACK) && !sender.confused) {
        if Seq::near(highest, segment.ack) > highest {
            return Some("acknowledges what was never sent".to_string());
        }
        let before = sender.acknowledged.replace(segment.ack);
        if before.is_some_and(|before| Seq::near(highest, segment.ack) < Seq::near(highest, before)) {
            return Some("takes an acknowledgment back".to_string());
        }
    }
    match sender.edge {
        Some(edge) if segment.seq_len() > 0 && !probe && end > edge => {
            Some(format!("sent beyond the window ({} octets)", end.since(edge)))
        }
        _ => None,
    }
}

/// What a receiver learns.
fn received(senders: &mut BTreeMap<Way, Sender>, packet: &Packet, segment: &Segment) {
    let (from, to) = way(packet, segment);
    let Some(peer) = senders.get(&(from, to)) else { return };
    let peer_shift = peer.shift;
    let Some(own) = senders.get_mut(&(to, from)) else { return };
    let Some((_, highest)) = own.isn else { return };
    if !segment.has(Flags::ACK) || segment.has(Flags::RST) {
        return;
    }
    let shift = match (own.shift, peer_shift) {
        (Some(_), Some(shift)) if !segment.has(Flags::SYN) => shift.min(14),
        _ => 0,
    };
    let edge = Seq::near(highest, segment.ack) + (u64::from(segment.wnd) << shift);
    own.edge = Some(own.edge.map_or(edge, |old| old.max(edge)));
}
