//! Duplicate ACKs: what they tell of deliveries where there is no SACK, and by how much the network reorders.

use super::News;
use crate::config::Config;
use crate::recovery::{Phase, Sender};

impl Sender {
    /// Counts duplicate ACKs (RFC 5681, section 3.2; RFC 6675, section 5). Whether this is one. Without SACK it tells
    /// that one segment has arrived (9937/6.2-NOSACK).
    pub(super) fn count_duplicate(&mut self, news: &mut News, cfg: &Config) -> bool {
        let (mss, linux) = (self.mss64(), self.holds_at_point(cfg));
        let most = self.queue.len() as u32;
        let Some(trouble) = &mut self.trouble else { return false };
        if news.advanced() {
            // 6675/5-DUPRESET
            trouble.dup_acks = 0;
            return false;
        }
        let counts = if self.sack { news.sacked > 0 } else { news.duplicate };
        if !counts || trouble.dup_acks >= most && !linux {
            return false;
        }
        let before = trouble.dup_acks;
        trouble.dup_acks += 1;
        if linux {
            self.limit_duplicates(0, cfg);
        }
        let counted = self.trouble.as_ref().is_some_and(|t| t.dup_acks > before);
        if !self.sack && counted {
            news.delivered += mss;
        }
        counted
    }

    /// Without SACK, duplicate ACKs have told of most that a cumulative ACK brings: one segment filled the hole, and only the
    /// rest is new (RFC 9937, section 6.2; Linux `tcp_remove_reno_sacks`).
    pub(super) fn discount_duplicates(&mut self, news: &mut News, cfg: &Config) {
        let (mss, linux) = (self.mss64(), self.holds_at_point(cfg));
        if self.sack || !news.advanced() || !linux && self.phase != Phase::Recovery {
            return;
        }
        let Some(trouble) = &mut self.trouble else { return };
        let filled = if linux { u64::from(news.packets) } else { news.acked.div_ceil(mss).max(1) };
        if filled == 0 {
            return;
        }
        let counted = u64::from(trouble.dup_acks).min(filled - 1);
        trouble.dup_acks -= counted as u32;
        news.delivered = news.delivered.saturating_sub(counted * mss).max(1);
        if linux {
            self.limit_duplicates(news.packets, cfg);
        }
    }
    /// More duplicate ACKs than there are segments behind the first: what was taken for lost had only been overtaken (Linux
    /// `tcp_check_reno_reordering`). `acked`: segments that have just been acknowledged.
    fn limit_duplicates(&mut self, acked: u32, cfg: &Config) {
        let outstanding = self.queue.len() as u32;
        let Some(trouble) = &mut self.trouble else { return };
        let holes = trouble.board.lost.segments.max(1).min(outstanding);
        if trouble.dup_acks + holes > outstanding {
            trouble.dup_acks = outstanding - holes;
            let degree = u16::try_from(outstanding + acked).unwrap_or(u16::MAX);
            self.set_degree(degree.min(cfg.max_reordering).max(1), cfg);
        }
    }
    /// Something that was sent once arrived so many octets late (Linux `tcp_check_sack_reordering`).
    pub(super) fn widen_degree(&mut self, reordered: u64, cfg: &Config) {
        let before = self.degree(cfg);
        if reordered > u64::from(before) * self.mss64() {
            let degree = u16::try_from(reordered.div_ceil(self.mss64())).unwrap_or(u16::MAX);
            self.set_degree(degree.min(cfg.max_reordering).max(before), cfg);
        }
    }
    /// Segments by which the network reorders: as many duplicate ACKs, or SACKed segments, are no sign of a loss yet.
    pub(in crate::recovery) fn degree(&self, cfg: &Config) -> u16 {
        let known = self.extra.as_ref().map(|extra| extra.degree).filter(|degree| *degree > 0);
        known.unwrap_or(u16::from(cfg.dupthresh))
    }
    /// Something tells of another degree.
    pub(in crate::recovery) fn set_degree(&mut self, degree: u16, cfg: &Config) {
        if degree != self.degree(cfg) {
            self.extra.get_or_insert_default().degree = degree;
        }
    }
    /// Whether duplicate ACKs are taken for SACKs, as Linux does without SACK; a recovery then lasts until something beyond its
    /// point is acknowledged, so that duplicate ACKs for what was sent needlessly begin no other (RFC 6582, section 4.1).
    pub(in crate::recovery) fn holds_at_point(&self, cfg: &Config) -> bool {
        !self.sack && cfg.cwnd_in_segments
    }
    /// Duplicate ACKs after a timeout: those for what was sent since.
    pub(super) fn count_loss_duplicates(&mut self, news: &News) {
        let nxt = self.queue.nxt();
        let Some(trouble) = &mut self.trouble else { return };
        if news.advanced() {
            trouble.dup_acks = 0;
        } else if news.duplicate && nxt > trouble.point {
            trouble.dup_acks = (trouble.dup_acks + 1).min(self.queue.len() as u32);
        }
    }
}
