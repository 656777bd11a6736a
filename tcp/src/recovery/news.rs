//! What the rest of TCP finds out and the sender has to know: another MSS, an unreachable path, a lost SYN.

use super::undo::{Frto, Undo};
use super::{Phase, Sender, Timer, trouble};
use crate::cause::Rule;
use crate::config::Config;
use crate::congestion;
use crate::out::{Note, Out};
use crate::seq::Seq;
use crate::time::Time;

impl Sender {
    /// The path MTU shrank, or the effective MSS changed for another reason. With `resend`, segments that are now
    /// too long are to be sent again at once, without a congestion response (RFC 1191, section 6.4).
    pub fn on_mss(&mut self, mss: u32, resend: bool) {
        let (old, mss) = (self.mss64(), mss.max(1));
        self.mss = mss;
        if u64::from(mss) < old {
            // 5681/3.1-PMTU, 4821/4-RESCALEDN: as many segments, not as many bytes; also of the windows that are remembered.
            let new = self.mss64();
            let scaled = |window: u64, least: u64| {
                if window == u64::MAX { window } else { (window / old).max(least) * new }
            };
            (self.cwnd, self.ssthresh) = (scaled(self.cwnd, 1), scaled(self.ssthresh, 2));
            if let Some((cwnd, ssthresh)) = self.trouble.as_mut().and_then(|t| t.undo.before.as_mut()) {
                (*cwnd, *ssthresh) = (scaled(*cwnd, 1), scaled(*ssthresh, 2));
            }
            if let Some(model) = self.controller.model() {
                model.on_smaller_mss(new, old);
            }
        } else {
            // A window of one small segment is none of large ones: it is one of those (5681/3.1: no window is smaller).
            self.cwnd = self.cwnd.max(self.mss64());
        }
        let nxt = self.nxt();
        if !resend || self.queue.is_empty() {
            return;
        }
        let trouble = trouble(&mut self.trouble, self.queue.una);
        let mut any = false;
        for i in 0..self.queue.len() {
            let range = self.queue.range(i);
            if range.end - range.start > u64::from(mss) {
                any |= self.queue.mark_lost(i, &mut trouble.board).is_some();
            }
        }
        if any && self.phase != Phase::Loss {
            trouble.point = nxt;
            trouble.undo = Undo::default();
            trouble.frto = Frto::Off;
            self.phase = Phase::Loss;
        }
        if any {
            trouble.too_big = Some(Rule::PmtuRetransmit);
        }
        // No loss that a controller should know of.
        trouble.board.losses.clear();
    }
    /// The data up to `end` went with the SYN, and was not acknowledged with it: it goes again at once, and that is no sign of
    /// congestion (RFC 7413, section 4.2.2).
    pub fn on_syn_data_lost(&mut self, now: Time, end: Seq, cfg: &Config) {
        while self.nxt() < end {
            let next = (self.nxt() + self.mss64()).min(end);
            self.on_sent(now, next, cfg);
        }
        let trouble = trouble(&mut self.trouble, self.queue.una);
        for i in 0..self.queue.len() {
            self.queue.mark_lost(i, &mut trouble.board);
        }
        trouble.point = end;
        trouble.syn_data = true;
        trouble.board.losses.clear();
        self.phase = Phase::Loss;
    }
    /// The window to begin again with: the initial one, or that of RFC 3390 once a large one has lost something.
    pub(super) fn restart_window(&self, cfg: &Config) -> u64 {
        let window = congestion::initial_window(self.mss, 0, cfg);
        if self.usage.modest { window.min(congestion::modest_window(self.mss)) } else { window }
    }
    /// A large initial window has failed on this path before: this one begins with that of RFC 3390 (RFC 6928, section 12).
    pub fn be_modest(&mut self, cfg: &Config) {
        if self.controller.constant(self.mss64()).is_none() && self.queue.is_empty() {
            self.usage.modest = true;
            self.cwnd = self.cwnd.min(self.restart_window(cfg));
            self.first_window = self.cwnd as u32;
        }
    }
    /// A loss was found: was it in an initial or restart window that carried more than 4 KB (6928/2-FALLBACK)?
    pub(super) fn blame_first_window(&mut self, cfg: &Config, out: &mut Out) {
        let left = u64::from(self.first_window);
        if !cfg.initial_window_fallback || self.usage.modest || left == 0 {
            return;
        }
        let carried = self.restart_window(cfg).saturating_sub(left) + self.flight().min(left);
        if carried > 4096 {
            self.usage.modest = true;
            out.notes.push(Note::Happened(Rule::InitialWindowLost));
        }
    }
    /// An ICMP unreachable quotes the first unacknowledged segment: one back-off is taken back (RFC 6069).
    pub fn on_unreachable(&mut self, now: Time, cfg: &Config) {
        let Some(head) = self.queue.first() else { return };
        if self.backoff == 0 || self.retries() == 0 {
            return;
        }
        let gone = cfg.in_ticks(now.since(head.at));
        self.backoff -= 1;
        self.timer = Timer::Rto;
        let left = self.rto(cfg).saturating_sub(gone);
        self.deadline = if left.is_zero() { now } else { cfg.fires(now, left) };
    }
}
