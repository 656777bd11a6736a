//! When a reduction turns out to have been needless: timestamps (Eifel, RFC 3522), D-SACKs (RFC 2883, 3708), F-RTO
//! (RFC 5682), and the response (RFC 4015; like Linux, the old window comes back as it was).

use super::{Phase, Sender};
use crate::cause::Rule;
use crate::config::Config;
use crate::out::Out;
use crate::recovery::Echo;
use crate::seq::Seq;
use crate::time::Time;

/// What an undo needs to know.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Undo {
    /// SND.UNA when the window was reduced; retransmissions below are not counted. `None`: nothing to undo.
    pub marker: Option<Seq>,
    /// Retransmissions since then that no D-SACK has shown to be needless; `None` before the first.
    pub unproven: Option<u32>,
    /// Window and threshold before. `None`: the reduction stands, whatever comes to light (ECE).
    pub before: Option<(u64, u64)>,
    /// When the first retransmission went out.
    pub first_retransmission: Option<Time>,
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
        self.marker.is_none()
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

impl Sender {
    /// Remembers what a reduction is about to change.
    pub(super) fn prepare_undo(&mut self, allowed: bool) {
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
        };
    }

    /// An ACK advanced SND.UNA inside a timeout's recovery: was the timeout spurious?
    pub(super) fn undo_timeout(
        &mut self,
        now: Time,
        echo: Option<Echo>,
        cfg: &Config,
        out: &mut Out,
    ) -> bool {
        let proven = cfg.undo && self.is_proven_needless(echo);
        if proven {
            self.undo(now, true, Rule::SpuriousUndo, out);
            self.end_timeout();
        }
        proven
    }
    /// D-SACKs or an echoed timestamp tell that nothing had to be sent again.
    fn is_proven_needless(&self, echo: Option<Echo>) -> bool {
        self.trouble.as_ref().is_some_and(|t| t.undo.all_needless() || t.undo.is_delayed(echo))
    }
    /// F-RTO has decided that the timeout was spurious (step 3b).
    pub(super) fn undo_timeout_by_frto(&mut self, now: Time, out: &mut Out) {
        self.undo(now, true, Rule::SpuriousUndo, out);
        self.end_timeout();
    }
    fn end_timeout(&mut self) {
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
        let proven = cfg.undo && self.is_proven_needless(echo);
        if proven {
            self.undo(now, false, Rule::UnneededUndo, out);
        }
        proven
    }
    /// D-SACKs have shown all retransmissions to be needless.
    pub(super) fn undo_by_dsack(&mut self, now: Time, cfg: &Config, out: &mut Out) -> bool {
        let proven = cfg.undo && self.trouble.as_ref().is_some_and(|t| t.undo.all_needless());
        if proven {
            self.undo(now, false, Rule::UnneededUndo, out);
        }
        proven
    }

    /// Takes the last reduction back.
    pub(super) fn undo(&mut self, now: Time, unmark_lost: bool, why: Rule, out: &mut Out) {
        let Some(trouble) = &mut self.trouble else { return };
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
        if let Some((cwnd, ssthresh)) = before {
            self.cwnd = self.controller.on_undo(now, self.cwnd.max(cwnd));
            self.ssthresh = self.ssthresh.max(ssthresh);
            self.note(out, why);
        }
    }
}
