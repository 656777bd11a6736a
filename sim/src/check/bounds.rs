//! Bounds: of the congestion window, the retransmission timeout, and what waits in memory.

use tcp::config::Congestion;
use tcp::{Config, Duration, State};

use super::ends::{End, Ends};
use super::{Findings, Law, Reading};

/// Segments that a window may have without having earned them: the initial window and what recovery lends.
pub(super) const LENT: u64 = 64;

/// Segments with data that an end has sent.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct DataSent {
    segments: u64,
    /// The most that was in one, in octets.
    largest: u32,
}

impl DataSent {
    /// One more, with so many octets.
    pub(super) fn counts(&mut self, octets: u32) {
        self.segments += 1;
        self.largest = self.largest.max(octets);
    }
    /// Octets, if each had this many, or as many as the largest.
    fn in_full(self, mss: u64) -> u64 {
        self.segments * mss.max(self.largest.into())
    }
}

/// The bounds of a connection after an event.
pub(super) fn look(reading: &Reading<'_>, ends: &Ends, findings: &mut Findings<'_>) {
    let Reading { node, tuple, info, config, .. } = *reading;
    let mut wrong = |law: Law, text: String| findings.add(law, node, Some(tuple), text);
    let synchronized =
        !matches!(info.state, State::Closed | State::TimeWait | State::SynSent | State::SynReceived);
    if !synchronized {
        return;
    }
    if info.cwnd == 0 {
        wrong(Law::CwndBounds, "a window of nothing".to_owned());
    }
    let mss = u64::from(info.mss.max(1));
    // Twice what was acknowledged, by the acknowledgments that came: no controller grows faster than slow start.
    let came = ends.get(node, &tuple).and_then(End::octets_acked).unwrap_or(info.bytes_acked);
    let acked = if config.cwnd_in_segments {
        // Each segment counts as a full one.
        came.max(mss * u64::from(info.segs_out.max(info.tally.delivered)))
    } else {
        came
    };
    let earned = mss * (LENT + 4 * u64::from(config.initial_window)) + 2 * acked;
    // RFC 6582, section 3.2, step 3: in a recovery without PRR each duplicate ACK lends a segment.
    let repeats = ends.get(node, &tuple).map_or(0, |end| end.repeats);
    let earned = earned + if config.prr { 0 } else { mss * repeats };
    // BBR counts segments, however little is in each (`bbr_set_cwnd` of Linux); they may have been larger (RFC 4821, section 7.7).
    let by_segment = ends.get(node, &tuple).filter(|_| counts_segments(config));
    let earned = earned + by_segment.map_or(0, |end| 2 * end.data.in_full(mss));
    let fixed = matches!(config.congestion, Congestion::Fixed(_));
    if u64::from(info.cwnd) * mss > earned && !fixed {
        wrong(Law::CwndBounds, format!("{} segments, with {came} octets acknowledged", info.cwnd));
    }
    let most = config.max_rto.max(config.initial_rto).max(config.rto_after_syn_loss);
    // Before anything was measured (RFC 6298, sections 2.1, 5.7).
    let first = config.initial_rto.min(config.rto_after_syn_loss);
    let least = if info.srtt.is_zero() { first } else { config.min_rto + config.rto_slop }.min(most);
    if info.rto > most || info.rto < least || info.rto == Duration::ZERO {
        wrong(Law::RtoBounds, format!("{}, which should lie within {least} and {most}", info.rto));
    }
    let room = u64::from(config.rcv_buf_max.max(config.rcv_buf).max(info.rcv_buf));
    if info.recv_q > 2 * room + 65_535 {
        wrong(Law::MemoryBounds, format!("{} octets to read, in a buffer of {room}", info.recv_q));
    }
    // What lies beyond a gap lies within what was offered (RFC 9293, section 3.10.7.4).
    let offered = ends.get(node, &tuple).filter(|_| !ends.is_forged(&tuple)).and_then(End::opened_to);
    if let Some(room) = offered.map(|edge| edge.saturating_sub(info.rcv_nxt)).filter(|room| info.held > *room)
    {
        wrong(Law::MemoryBounds, format!("{} octets beyond a gap, where {room} were offered", info.held));
    }
    let room = u64::from(config.snd_buf_max.max(config.snd_buf).max(info.snd_buf));
    // Linux asks for memory only when a write begins an skb (`tcp_sendmsg_locked`). Where Nagle keeps the end of each write, the
    // next one joins it, and is sent up to a new end: what is under way is bounded by the windows alone (Linux 6.18 with
    // SO_SNDBUF 65536 had 1,033,183 octets in its queue).
    let sent = if config.truesize { info.snd_nxt.saturating_sub(info.snd_una) } else { 0 };
    let waits = info.send_q.saturating_sub(sent);
    if waits > 2 * room + 65_535 {
        wrong(Law::MemoryBounds, format!("{waits} octets to send, in a buffer of {room}"));
    }
}

/// Whether the window grows by a segment for each that arrives, however little is in it.
pub(super) fn counts_segments(config: &Config) -> bool {
    matches!(config.congestion, Congestion::Bbr | Congestion::Bbr1)
}
