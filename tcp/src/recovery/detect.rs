//! How losses are found when acknowledgments come: RACK, RFC 6675, or duplicate and partial ACKs.

use super::rack::Found;
use super::{Phase, Sender, trouble};
use crate::config::{Config, LossDetection};
use crate::time::Time;

impl Sender {
    /// Looks for losses after an acknowledgment. `advanced`: it moved SND.UNA.
    pub(super) fn detect(&mut self, now: Time, advanced: bool, cfg: &Config) -> Found {
        match self.detection {
            LossDetection::Rack if self.rack.advanced => self.detect_by_time(now, cfg),
            LossDetection::Sack => self.detect_by_count(cfg),
            LossDetection::NewReno => self.detect_by_duplicates(advanced, cfg),
            LossDetection::Rack | LossDetection::TimeoutOnly => Found::default(),
        }
    }

    /// RFC 8985, section 6.2, step 5.
    pub(super) fn detect_by_time(&mut self, now: Time, cfg: &Config) -> Found {
        let degree = u32::from(self.degree(cfg));
        let trouble = trouble(&mut self.trouble, self.queue.una);
        let sacked = trouble.board.sacked.segments;
        // 8985/2-WND0
        let certain = matches!(self.phase, Phase::Recovery | Phase::Loss) || sacked >= degree;
        let reo_wnd = self.rack.reo_wnd(certain, self.rtt.min(), self.rtt.srtt());
        self.rack.detect(now, reo_wnd, &mut self.queue, &mut trouble.board, &mut trouble.rack)
    }

    /// RFC 6675: IsLost, or as many duplicate ACKs that brought news.
    fn detect_by_count(&mut self, cfg: &Config) -> Found {
        let mss = self.mss64();
        let mut found = Found::default();
        let Some(trouble) = &mut self.trouble else { return found };
        if let Some(below) = trouble.board.lost_below(u32::from(cfg.dupthresh), mss) {
            // Losses only spread upwards, so what was looked at need not be again.
            let from = self.queue.index_of(trouble.rack.scanned.max(self.queue.una));
            for i in from..self.queue.index_of(below) {
                if self.queue.is_untouched(i) {
                    found.count(self.queue.mark_lost(i, &mut trouble.board));
                }
            }
            trouble.rack.scanned = trouble.rack.scanned.max(below);
        }
        let enough = trouble.dup_acks >= u32::from(cfg.dupthresh);
        if enough && self.phase == Phase::Open && !self.queue.is_lost(0) {
            // 6675/5-ENTER
            found.count(self.queue.mark_lost(0, &mut trouble.board));
        }
        found
    }

    /// RFC 6582: the third duplicate ACK, and each partial ACK, show the first segment lost.
    fn detect_by_duplicates(&mut self, advanced: bool, cfg: &Config) -> Found {
        let mut found = Found::default();
        let degree = u32::from(self.degree(cfg));
        let Some(trouble) = &mut self.trouble else { return found };
        let lost = match self.phase {
            // 6582/3.2-CHECK
            Phase::Open | Phase::Reduction => trouble.dup_acks >= degree && self.queue.una > self.recover,
            Phase::Recovery => advanced && !self.queue.is_empty(),
            Phase::Loss => false,
        };
        if lost && !self.queue.is_lost(0) {
            found.count(self.queue.mark_lost(0, &mut trouble.board));
        }
        found
    }
}
