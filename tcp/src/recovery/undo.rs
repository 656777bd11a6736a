//! When a reduction turns out to have been needless: timestamps (Eifel, RFC 3522), D-SACKs (RFC 2883, 3708), F-RTO
//! (RFC 5682), and what is done then ([`Undoing`]): the old window comes back as it was, or RFC 4015.

use super::ack::News;
use super::{Phase, Sender};
use crate::cause::Rule;
use crate::config::{Config, Undoing};
use crate::congestion;
use crate::out::{Note, Out};
use crate::recovery::Echo;
use crate::rtt::G;
use crate::seq::Seq;
use crate::time::{Duration, Time};

/// What an undo needs to know.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Undo {
    /// SND.UNA when the window was reduced; retransmissions below are not counted. `None`: nothing to undo.
    pub marker: Option<Seq>,
    /// Retransmissions since then that no D-SACK has shown to be needless; `None` before the first.
    pub unproven: Option<u32>,
    /// Window and threshold to come back to. `None`: the reduction stands, whatever comes to light (ECE).
    pub before: Option<(u64, u64)>,
    /// When the first retransmission went out.
    pub first_retransmission: Option<Time>,
    /// SRTT_prev and RTTVAR_prev (RFC 4015, section 3.2, step 0).
    pub estimate: (Duration, Duration),
    /// The timeout was needless: the first round-trip time of what lies behind this makes the timer more patient (step 11).
    pub adapts_behind: Option<Seq>,
}

/// F-RTO (RFC 5682, sections 2.1 and 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Frto {
    /// Not running.
    Off,
    /// Step 1 is done: the timeout's retransmission is out.
    Waiting,
    /// Step 2b: new data goes first, retransmissions wait.
    NewData,
}

impl Undo {
    /// A retransmission goes out.
    pub fn count(&mut self, now: Time) {
        self.first_retransmission.get_or_insert(now);
        if self.marker.is_some() {
            self.unproven = Some(self.unproven.unwrap_or(0) + 1);
        }
    }
    /// A D-SACK shows `segments` retransmissions below `right` to have been needless.
    pub fn needless(&mut self, right: Seq, segments: u32) {
        if self.marker.is_some_and(|marker| right > marker) {
            self.unproven = self.unproven.map(|n| n.saturating_sub(segments));
        }
    }
    pub fn is_over(&self) -> bool {
        self.marker.is_none() && !self.adapts()
    }
    /// The timer waits for a round-trip time to be adapted.
    pub fn adapts(&self) -> bool {
        self.adapts_behind.is_some()
    }
    /// All retransmissions were needless, the receiver says.
    pub fn all_needless(&self) -> bool {
        self.marker.is_some() && self.unproven == Some(0)
    }
    /// The acknowledgment was caused by an original, sent before the first retransmission (3522/3.2-EIFEL).
    pub fn is_delayed(&self, echo: Option<Echo>) -> bool {
        self.marker.is_some()
            && echo.zip(self.first_retransmission).is_some_and(|(echo, first)| echo.to <= first)
    }
}

impl Undoing {
    /// Whether nothing but a timeout is ever undone, and by what the first ACK of new data tells (3522/3.2-EIFEL).
    const fn minds_timeouts_only(self) -> bool {
        matches!(self, Undoing::RestoreTimeout | Undoing::Eifel)
    }
}

impl Sender {
    /// A recovery begins.
    pub(super) fn prepare_undo_of_recovery(&mut self, allowed: bool, cfg: &Config) {
        if cfg.undo.minds_timeouts_only() {
            self.forget_undo();
        } else {
            self.prepare_undo(allowed);
        }
    }
    /// A timeout, before anything has changed. `again`: of the same segment as the last.
    pub(super) fn prepare_undo_of_timeout(&mut self, again: bool, cfg: &Config) {
        let fresh = matches!(self.phase, Phase::Open | Phase::Reduction);
        if !cfg.undo.minds_timeouts_only() {
            if !again && self.phase != Phase::Recovery {
                self.prepare_undo(true);
            }
        } else if fresh {
            self.prepare_undo(true);
            if cfg.undo == Undoing::Eifel {
                self.prepare_response();
            }
        } else if !again || cfg.undo == Undoing::RestoreTimeout {
            // 4015/3-ONLYRTO: a recovery is going on already. What the same segment's first timeout has noted stands.
            self.forget_undo();
        }
    }
    /// What is going on is not undone; a timer that is to be adapted still is.
    fn forget_undo(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            let Undo { estimate, adapts_behind, .. } = trouble.undo;
            trouble.undo = Undo { estimate, adapts_behind, ..Undo::default() };
        }
    }
    /// RFC 4015, section 3.2, step 0.
    fn prepare_response(&mut self) {
        // 4015/3.2-PIPEPREV
        let pipe_prev = self.outstanding().max(self.ssthresh);
        let estimate = (self.rtt.srtt() + Duration::from_nanos(2 * G), self.rtt.rttvar());
        let Some(trouble) = &mut self.trouble else { return };
        trouble.undo.before = trouble.undo.before.map(|(cwnd, _)| (cwnd, pipe_prev));
        trouble.undo.estimate = estimate;
    }
    /// Remembers what a reduction is about to change.
    fn prepare_undo(&mut self, allowed: bool) {
        // Linux `tcp_current_ssthresh`: what is gone through once was no slow start.
        let linux = self.counts_segments() && self.ssthresh != u64::MAX;
        let before = (self.cwnd, if linux { self.current_ssthresh() } else { self.ssthresh });
        let una = self.una();
        // 4015/3.4-ECE: what ECE asked for stays.
        let before = (allowed && self.phase != Phase::Reduction).then_some(before);
        let trouble = super::trouble(&mut self.trouble, una);
        // Inside a recovery earlier retransmissions may still be answered.
        let first_retransmission = match self.phase {
            Phase::Open | Phase::Reduction => None,
            Phase::Recovery | Phase::Loss => trouble.undo.first_retransmission,
        };
        let under_way =
            trouble.board.again.segments + u32::from(self.probe.is_outstanding() && self.probe.again);
        trouble.undo = Undo {
            marker: Some(una),
            unproven: (under_way > 0).then_some(under_way),
            before,
            first_retransmission,
            ..Undo::default()
        };
    }

    /// An ACK advanced SND.UNA inside a timeout's recovery: was the timeout spurious?
    pub(super) fn undo_timeout(
        &mut self,
        now: Time,
        news: &News,
        echo: Option<Echo>,
        cfg: &Config,
        out: &mut Out,
    ) -> bool {
        let proven = self.is_proven_needless(echo, cfg)
            && (cfg.undo != Undoing::Eifel || self.cannot_be_lost_acks(news.told_twice));
        if proven {
            self.end_timeout(now, news.acked, cfg, out);
        } else if cfg.undo.minds_timeouts_only()
            && let Some(trouble) = &mut self.trouble
        {
            // Only the first such ACK tells.
            trouble.undo.marker = None;
        }
        proven
    }
    /// D-SACKs or an echoed timestamp tell that nothing had to be sent again.
    fn is_proven_needless(&self, echo: Option<Echo>, cfg: &Config) -> bool {
        let Some(undo) = self.trouble.as_ref().map(|trouble| trouble.undo) else { return false };
        match cfg.undo {
            Undoing::Off => false,
            Undoing::Restore => undo.all_needless() || undo.is_delayed(echo),
            Undoing::RestoreTimeout | Undoing::Eifel => undo.is_delayed(echo),
        }
    }
    /// Whether no loss of all the ACKs explains what was echoed: then it is the copy that is acknowledged, but as old news, of which
    /// the receiver takes no timestamp. That ACK covers all, and has a D-SACK where the receiver knows them (RFC 3522, section
    /// 3.2, step 5).
    fn cannot_be_lost_acks(&self, told_twice: bool) -> bool {
        !told_twice && (self.dsacks > 0 || !self.queue.is_empty())
    }
    /// The timeout was spurious, an ACK of `acked` octets has shown; F-RTO says so in its step 3b.
    pub(super) fn end_timeout(&mut self, now: Time, acked: u64, cfg: &Config, out: &mut Out) {
        if cfg.undo == Undoing::Eifel && self.controller.follows_rules() {
            self.respond(now, acked, cfg, out);
        } else {
            self.undo(now, true, Rule::SpuriousUndo, out);
        }
        self.phase = Phase::Open;
        if let Some(t) = &mut self.trouble {
            t.frto = Frto::Off;
            t.forced = false;
            t.too_big = None;
            t.syn_data = false;
        }
    }
    /// The recovery point is reached: was the recovery needless?
    pub(super) fn undo_recovery(
        &mut self,
        now: Time,
        echo: Option<Echo>,
        cfg: &Config,
        out: &mut Out,
    ) -> bool {
        let proven = cfg.undo == Undoing::Restore && self.is_proven_needless(echo, cfg);
        if proven {
            self.undo(now, false, Rule::UnneededUndo, out);
        }
        proven
    }
    /// D-SACKs have shown all retransmissions to be needless.
    pub(super) fn undo_by_dsack(&mut self, now: Time, cfg: &Config, out: &mut Out) -> bool {
        let needless = self.trouble.as_ref().is_some_and(|t| t.undo.all_needless());
        let proven = cfg.undo == Undoing::Restore && needless;
        if proven {
            self.undo(now, false, Rule::UnneededUndo, out);
        }
        proven
    }

    /// Takes the last reduction back.
    pub(super) fn undo(&mut self, now: Time, unmark_lost: bool, why: Rule, out: &mut Out) {
        if let Some((cwnd, ssthresh)) = self.take_before(unmark_lost) {
            self.cwnd = self.controller.on_undo(now, self.cwnd.max(cwnd));
            self.ssthresh = self.ssthresh.max(ssthresh);
            self.note(out, why);
        }
    }
    /// The Eifel response (RFC 4015, section 3.2, steps 8 to 10).
    fn respond(&mut self, now: Time, acked: u64, cfg: &Config, out: &mut Out) {
        let Some((_, pipe_prev)) = self.take_before(true) else { return };
        // 4015/3.4-RESTORE; no window is smaller than one segment.
        let burst = acked.min(congestion::initial_window(self.mss, 0, cfg));
        let burst = if self.counts_segments() { burst.next_multiple_of(self.mss64()) } else { burst };
        self.cwnd = self.controller.on_undo(now, (self.outstanding() + burst).max(self.mss64()));
        self.ssthresh = pipe_prev;
        self.last_sent = now;
        if let Some(trouble) = &mut self.trouble {
            trouble.undo.adapts_behind = Some(trouble.point);
        }
        self.note(out, Rule::SpuriousUndo);
    }
    /// An ACK brought a sample: the first of what was not yet sent when a timeout was needless sets the timer anew (RFC 4015,
    /// section 3.2, step 11).
    #[inline]
    pub(super) fn adapt_timer(&mut self, sample: Option<Duration>, cfg: &Config, out: &mut Out) {
        let una = self.una();
        let Some(trouble) = &mut self.trouble else { return };
        let Some(sample) = sample.filter(|_| trouble.undo.adapts_behind.is_some_and(|point| una > point))
        else {
            return;
        };
        trouble.undo.adapts_behind = None;
        let (srtt, rttvar) = trouble.undo.estimate;
        // 4015/3.6-RTO
        self.rtt.set(sample.max(srtt), (sample / 2).max(rttvar), cfg);
        if out.verbose {
            out.notes.push(Note::Rtt { sample, srtt: self.rtt.srtt(), rto: self.rto(cfg) });
        }
    }
    /// What to come back to; nothing is lost that has not been found lost since. `unmark_lost`: nor what has.
    fn take_before(&mut self, unmark_lost: bool) -> Option<(u64, u64)> {
        let trouble = self.trouble.as_mut()?;
        if unmark_lost {
            self.queue.unmark_lost(&mut trouble.board);
            trouble.rack.scanned = self.queue.una;
        }
        let before = trouble.undo.before.take();
        trouble.undo.marker = None;
        trouble.undo.unproven = None;
        // A loss among what was outstanding then is one, the next time duplicate ACKs tell of it.
        self.recover = self.queue.una - 1;
        self.rack.rewind();
        before
    }
}
