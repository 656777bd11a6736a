//! A probe of a larger path MTU among what is outstanding (RFC 4821, section 7.6): what becomes of it.
//!
//! The connection decides when to probe and how large (`connection::mtu_search`); here is told how it went. A probe is
//! one segment, longer than the others. When it alone is lost, that says something of the path and nothing of congestion.

use std::ops::Range;

use super::{Phase, Sender, Undo};
use crate::cause::Rule;
use crate::config::Config;
use crate::out::{Note, Out};
use crate::recovery::undo::Frto;
use crate::seq::Seq;

/// The probe that is outstanding, or that has just met its fate.
#[derive(Clone, Debug, Hash)]
pub(super) struct MtuProbe {
    range: Range<Seq>,
    fate: Option<ProbeFate>,
}

/// What became of a probe that did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProbeFate {
    /// It was lost and nothing else was: too large for the path (RFC 4821, section 7.6.2).
    TooLarge,
    /// It was lost, and the retransmission timer told (RFC 4821, section 7.6.3).
    TimedOut,
    /// Something else was lost, or it was sent again for another reason: who knows (RFC 4821, section 7.6.4).
    Unknown,
}

impl Sender {
    /// The segment `range`, the last that was sent, is a probe.
    pub fn on_mtu_probe_sent(&mut self, range: Range<Seq>) {
        self.extra.get_or_insert_default().mtu_probe = Some(MtuProbe { range, fate: None });
    }
    /// Whether an acknowledgment of everything below `ack` shows that the probe has arrived. It is outstanding no longer
    /// then.
    pub fn mtu_probe_arrives(&mut self, ack: Seq) -> bool {
        let Some(slot) = self.extra.as_mut().map(|extra| &mut extra.mtu_probe) else { return false };
        slot.take_if(|probe| probe.fate.is_none() && probe.range.end <= ack).is_some()
    }
    /// What became of the probe, if it was lost since this was asked last.
    pub fn take_probe_fate(&mut self) -> Option<ProbeFate> {
        self.extra.as_mut()?.mtu_probe.take_if(|probe| probe.fate.is_some())?.fate
    }
    /// Nothing is lost, SACKed or sent again, and the window goes its ordinary way (Linux `TCP_CA_Open`).
    pub fn is_undisturbed(&self) -> bool {
        self.phase == Phase::Open
            && self.trouble.as_ref().is_none_or(|t| t.board.is_clean() && t.dup_acks == 0)
    }
    /// The segments have become as long as the probe that has just arrived: `mss` octets of data, of packets with `header`
    /// bytes of headers. The window is as large as before in octets and so smaller in segments (RFC 4821, section 4).
    pub fn on_larger_mss(&mut self, mss: u32, header: u16, cfg: &Config) {
        let (old, new) = (self.mss64(), u64::from(mss.max(1)));
        if !cfg.cautious_mtu_search && self.controller.constant(old).is_none() {
            // Linux `tcp_mtup_probe_success`: by the lengths of packets, after the segment that the probe stood for.
            let header = u64::from(header);
            let segments = (self.cwnd / old).saturating_sub(1) * (old + header) / (new + header);
            if self.ssthresh != u64::MAX {
                self.ssthresh = self.ssthresh.max((segments / 2 + segments / 4) * new);
            }
            self.cwnd = segments.max(1) * new;
        }
        self.on_mss(mss, false);
    }

    /// Losses were found: whether they are the probe's, and so no sign of congestion (RFC 4821, section 7.6.2). What was
    /// lost goes again in shorter segments, as when a router says that it was too long (RFC 1191, section 6.4).
    pub(super) fn mtu_probe_lost(&mut self, cfg: &Config, out: &mut Out) -> bool {
        let (una, nxt) = (self.una(), self.nxt());
        let slot = self.extra.as_mut().and_then(|extra| extra.mtu_probe.as_mut());
        let Some(probe) = slot.filter(|probe| probe.fate.is_none()) else { return false };
        let Some(trouble) = self.trouble.as_deref_mut() else { return false };
        if trouble.board.lost.segments == 0 || self.phase != Phase::Open || probe.range.start != una {
            return false;
        }
        let first = self.queue.index_of(probe.range.start)..self.queue.index_of(probe.range.end);
        let of_probe = first.clone().filter(|i| self.queue.is_lost(*i)).count();
        if cfg.cautious_mtu_search && (of_probe == 0 || trouble.board.lost.segments as usize > of_probe) {
            // 4821/4-OTHERLOSS
            return false;
        }
        probe.fate = Some(ProbeFate::TooLarge);
        let range = probe.range.clone();
        for i in first {
            self.queue.mark_lost(i, &mut trouble.board);
        }
        trouble.board.losses.retain(|loss| loss.range.start >= range.end);
        trouble.point = nxt;
        trouble.undo = Undo::default();
        trouble.frto = Frto::Off;
        trouble.too_big = Some(Rule::MtuProbeRepair);
        self.phase = Phase::Loss;
        out.notes.push(Note::Happened(Rule::MtuProbeLost));
        true
    }
    /// After the loss of a probe something else turns out to be lost as well: that is congestion's (4821/4-OTHERLOSS).
    pub(super) fn is_only_probe_lost(&self, cfg: &Config) -> bool {
        let repairing = |t: &super::Trouble| t.too_big == Some(Rule::MtuProbeRepair);
        self.phase == Phase::Loss && cfg.cautious_mtu_search && self.trouble.as_deref().is_some_and(repairing)
    }
    /// Something is sent again, or the timer has run out: the probe that is outstanding proves nothing any more.
    pub(super) fn doubt_mtu_probe(&mut self, fate: ProbeFate) {
        if let Some(probe) = self.extra.as_mut().and_then(|extra| extra.mtu_probe.as_mut()) {
            probe.fate.get_or_insert(fate);
        }
    }
}
