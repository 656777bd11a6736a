//! What to send again, and how much new data cwnd allows.

use super::undo::Frto;
use super::{Phase, Retransmission, Sender, Trouble};
use crate::cause::Rule;
use crate::config::{Config, LossDetection};

impl Sender {
    /// Whether anything is lost and waits to be sent again.
    #[inline]
    pub fn has_lost(&self) -> bool {
        self.trouble.as_deref().is_some_and(|trouble| trouble.board.has_waiting())
    }
    /// What to send again now, as far as cwnd allows; before any new data.
    pub fn next_retransmission(&self, cfg: &Config) -> Option<Retransmission> {
        let trouble = self.trouble.as_deref()?;
        if trouble.frto == Frto::NewData && !trouble.forced {
            return None;
        }
        let i = self.queue.next_lost(&trouble.board)?;
        let range = self.queue.range(i);
        let len = (range.end - range.start).min(self.mss64());
        if !trouble.forced && !self.has_room(len, cfg) {
            return None;
        }
        let why = match self.phase {
            _ if trouble.syn_data => Rule::FastOpenDataLost,
            _ if let Some(why) = trouble.too_big => why,
            Phase::Loss if trouble.forced => Rule::RtoRetransmit,
            Phase::Loss => Rule::RtoGoBack,
            _ => match self.detection {
                LossDetection::Rack => Rule::RackRetransmit,
                LossDetection::Sack => Rule::SackRetransmit,
                _ if trouble.partial_seen => Rule::PartialAck,
                _ => Rule::FastRetransmit,
            },
        };
        Some(Retransmission { range, why })
    }

    /// Bytes of new data that cwnd allows now; the caller also minds SND.WND and Nagle. A segment may be sent if
    /// it fits, or if nothing is in flight and sending does not [pause](Sender::is_paused).
    pub fn allowance(&self, cfg: &Config) -> u64 {
        self.allowance_beside(self.pipe(cfg))
    }
    #[inline]
    fn allowance_beside(&self, pipe: u64) -> u64 {
        if self.paused { 0 } else { self.cwnd.saturating_sub(pipe) }
    }

    /// Whether new data is all that may go out, and each segment of it takes of cwnd what [`load_of`](Sender::load_of) says.
    #[inline]
    pub fn sends_new_only(&self) -> bool {
        let none_waits = |trouble: &Trouble| {
            !trouble.board.has_waiting()
                && self.detection != LossDetection::Sack
                && (self.sack || trouble.is_unmarked())
        };
        self.extra.is_none() && !self.paused && self.trouble.as_deref().is_none_or(none_waits)
    }
    /// Whether cwnd has room for a segment of `len` octets, a full one at most.
    pub fn has_room(&self, len: u64, cfg: &Config) -> bool {
        self.has_room_beside(self.pipe(cfg), len)
    }
    /// The same where it is known what is in the [`pipe`](Sender::pipe).
    #[inline]
    pub fn has_room_beside(&self, pipe: u64, len: u64) -> bool {
        self.allowance_beside(pipe) >= self.load_of(len)
    }

    /// What to send again when there is no new data to send (RFC 6675, section 4, rules 3 and 4).
    #[inline]
    pub fn next_rescue(&self, cfg: &Config) -> Option<Retransmission> {
        if self.trouble.is_none() { None } else { self.rescue(cfg) }
    }
    fn rescue(&self, cfg: &Config) -> Option<Retransmission> {
        if self.detection != LossDetection::Sack || self.phase != Phase::Recovery {
            return None;
        }
        let trouble = self.trouble.as_deref()?;
        if self.allowance(cfg) < self.mss64() {
            return None;
        }
        let highest = trouble.board.highest_sacked().unwrap_or(self.queue.una);
        // Rule 3: above HighRxt and below what is SACKed, though not known to be lost.
        let below = self.queue.next_untouched(trouble.high_rxt, highest, &trouble.board);
        // Rule 4: once a recovery, the highest that is not SACKed.
        let last = || {
            let last = self.queue.last_unsacked(&trouble.board)?;
            (!trouble.rescued && self.queue.range(last).start < trouble.point).then_some(last)
        };
        let i = below.or_else(last)?;
        Some(Retransmission { range: self.queue.range(i), why: Rule::RescueRetransmit })
    }
}
