//! Readings of the transmit queue: for the connection, `ss` and traces.

use super::{Counts, Phase, Sender, Timer};
use crate::config::Config;
use crate::info::{CaState, Tally};
use crate::seq::Seq;
use crate::time::{Duration, Time};

impl Sender {
    /// When the timer fires, and which.
    #[inline]
    pub fn deadline(&self) -> Option<(Time, Timer)> {
        (self.deadline != Time::NEVER).then_some((self.deadline, self.timer))
    }
    /// SND.UNA.
    #[inline]
    pub fn una(&self) -> Seq {
        self.queue.una
    }
    /// SND.NXT (and SND.MAX: after a timeout it does not go back).
    pub fn nxt(&self) -> Seq {
        self.queue.nxt()
    }
    /// Octets sent and not acknowledged cumulatively (FlightSize).
    pub fn flight(&self) -> u64 {
        self.nxt() - self.una()
    }
    /// Whether the congestion window was reduced since this was asked last: by ECE, a loss or a timeout. CWR is due on
    /// the next new data (RFC 3168, section 6.1.2).
    pub fn take_reduced(&mut self) -> bool {
        std::mem::take(&mut self.reduced)
    }
    /// Whether ECE at a window of one segment has stopped sending (RFC 3168, section 6.1.2).
    pub fn is_paused(&self) -> bool {
        self.paused
    }
    /// Whether something lost is being repaired (Linux `ca_state` Recovery or Loss).
    pub fn is_recovering(&self) -> bool {
        matches!(self.phase, Phase::Recovery | Phase::Loss)
    }
    /// Congestion window, in bytes.
    pub fn cwnd(&self) -> u64 {
        self.cwnd
    }
    /// Slow start threshold, in bytes; `u64::MAX`: none yet.
    pub fn ssthresh(&self) -> u64 {
        self.ssthresh
    }
    /// Effective MSS for sending.
    pub fn mss(&self) -> u32 {
        self.mss
    }
    /// The longest segment that the path is known to carry: sent once, and acknowledged; in octets.
    pub fn carried(&self) -> u32 {
        u32::from(self.usage.carried)
    }
    /// The path has changed: what it carried before tells nothing.
    pub fn forget_carried(&mut self) {
        self.usage.carried = 0;
    }
    /// Retransmission timeout with back-off, as used for the next timer.
    pub fn rto(&self, cfg: &Config) -> Duration {
        let measured = self.rtt.is_measured() || self.backoff > 0;
        let slop = if measured { cfg.rto_slop } else { Duration::ZERO };
        (self.rtt.rto(cfg).doubled(u32::from(self.backoff)) + slop).min(cfg.max_rto)
    }
    /// Smoothed round-trip time; zero before the first measurement.
    pub fn srtt(&self) -> Duration {
        self.rtt.srtt()
    }
    /// Its variation.
    pub fn rttvar(&self) -> Duration {
        self.rtt.rttvar()
    }
    /// Smallest round-trip time of the last minutes; zero before the first measurement.
    pub fn min_rtt(&self) -> Duration {
        self.rtt.min()
    }
    /// Retransmission timeouts since SND.UNA last advanced. Probes do not count.
    pub fn retries(&self) -> u32 {
        self.trouble.as_ref().map_or(0, |t| t.retries)
    }
    /// When the first segment outstanding was retransmitted on a timeout for the first time since SND.UNA last
    /// advanced: R2 and the user timeout count from it under Linux.
    pub fn first_timeout(&self) -> Option<Time> {
        self.trouble.as_ref().and_then(|t| t.first_timeout)
    }
    /// When SND.UNA's segment was last sent.
    pub fn head_sent(&self) -> Option<Time> {
        self.queue.first().map(|head| head.at)
    }
    /// The last segment sent carried PSH.
    pub fn mark_pushed(&mut self) {
        self.queue.mark_pushed();
    }
    /// Whether a segment that carried PSH ended below this number: then every copy of it does (9293/MUST-61).
    pub fn is_pushed(&self, end: Seq) -> bool {
        self.queue.is_pushed(end)
    }
    /// Time of the last transmission of anything in this queue.
    pub fn last_sent(&self) -> Time {
        self.last_sent
    }
    /// Segments in flight that there is a record of.
    pub fn records(&self) -> usize {
        self.queue.len()
    }
    /// Counts of segments.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            unacked: self.queue.len() as u32,
            retransmitted: self.retransmitted,
            ..Counts::default()
        };
        if let Some(t) = &self.trouble {
            counts.sacked = if self.sack { t.board.sacked.segments } else { t.dup_acks.min(counts.unacked) };
            counts.lost = t.board.lost.segments;
            counts.retransmitting = t.board.again.segments;
        }
        counts
    }
    /// What `TCP_INFO` shows of the transmit queue.
    pub fn fill_tally(&self, tally: &mut Tally) {
        let counts = self.counts();
        let missing = counts.sacked > 0 || counts.lost > 0 || counts.retransmitting > 0;
        tally.ca_state = match self.phase {
            Phase::Open if missing => CaState::Disorder,
            Phase::Open => CaState::Open,
            Phase::Reduction => CaState::Cwr,
            Phase::Recovery => CaState::Recovery,
            Phase::Loss => CaState::Loss,
        };
        tally.retransmits = self.retries();
        tally.backoff = u32::from(self.backoff);
        tally.retransmitting = counts.retransmitting;
        tally.last_sent = self.last_sent;
        tally.dsacks = self.dsacks;
    }
    /// How many windows the send buffer should have room for.
    pub fn windows_to_keep(&self) -> u64 {
        self.controller.windows_to_keep()
    }
    /// Name of the congestion controller.
    pub fn controller(&self) -> &'static str {
        self.controller.name()
    }
}
