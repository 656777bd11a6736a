//! ICMP errors (RFC 9293, section 3.9.2.2; RFC 5927) and the path MTU (RFC 1191).

use super::Connection;
use crate::cause::Rule;
use crate::offer::{self, TIMESTAMP_BYTES};
use crate::out::{Note, Out};
use crate::seq::{Seq, SeqNum};
use crate::tcb::IcmpError;
use crate::time::Time;

/// Path MTUs that are common: what to try next when an old router does not say (RFC 1191, section 7).
const PLATEAUS: [u16; 10] = [32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68];

impl Connection {
    /// An ICMP error arrived that quotes a segment of ours with sequence number `seq`.
    pub fn on_icmp(&mut self, now: Time, error: IcmpError, seq: SeqNum, out: &mut Out) {
        if self.is_over() {
            return;
        }
        let (una, nxt) = (self.snd.queue.una(), self.snd.queue.nxt());
        let quoted = Seq::near(una, seq);
        if quoted < una || quoted >= nxt {
            // Whoever sent it has not seen what is in flight (RFC 5927, section 4.1).
            return out.notes.push(Note::Dropped(Rule::IcmpOutOfWindow));
        }
        match error {
            IcmpError::Hard(errno) if self.config.icmp_hard_errors => {
                self.fail(Rule::IcmpHard, Some(errno), out);
            }
            IcmpError::Hard(errno) => self.note_soft(errno, out),
            IcmpError::Soft(errno) => {
                self.note_soft(errno, out);
                if self.config.icmp_undoes_backoff && quoted == una {
                    self.snd.queue.on_unreachable(now, &self.config);
                }
            }
            IcmpError::TooBig(mtu) => self.on_too_big(now, mtu, out),
        }
    }
    fn note_soft(&mut self, errno: crate::Errno, out: &mut Out) {
        self.soft_error = Some(errno);
        self.note(Rule::IcmpSoft, out);
    }
    /// The path takes less: everything outstanding that is too long goes again at once in smaller segments, without
    /// a congestion response (RFC 1191, section 6.4).
    fn on_too_big(&mut self, now: Time, mtu: u16, out: &mut Out) {
        if !self.config.path_mtu_discovery {
            return;
        }
        let told = match mtu {
            0 => PLATEAUS.into_iter().find(|plateau| *plateau < self.snd.pmtu).unwrap_or(68),
            told => told,
        };
        let mtu = told.max(self.config.min_pmtu);
        if mtu >= self.snd.pmtu {
            return;
        }
        self.snd.pmtu = mtu;
        let mss = offer::mss_of_mtu(&self.tuple, mtu).max(1);
        if mss >= self.snd.mss {
            return;
        }
        self.note(Rule::PmtuRetransmit, out);
        self.shrink_mss(mss, true);
        self.respond(now, out);
    }
    /// Sends with a smaller MSS from now on, `mss` without options taken off.
    pub(super) fn shrink_mss(&mut self, mss: u16, resend: bool) {
        self.snd.mss = mss;
        let option_bytes = if self.ts.is_some() { TIMESTAMP_BYTES } else { 0 };
        let effective = u32::from(mss.saturating_sub(option_bytes).max(1));
        self.snd.queue.on_mss(effective, resend);
    }
    /// Timeouts go on and on: maybe the path drops what is large and does not say so (RFC 4821, section 7.7). Tries
    /// a small segment, then ever smaller ones.
    pub(super) fn probe_black_hole(&mut self) {
        if !self.config.mtu_probing {
            return;
        }
        let option_bytes = if self.ts.is_some() { TIMESTAMP_BYTES } else { 0 };
        let current = self.snd.mss.saturating_sub(option_bytes);
        let smaller = if current > self.config.base_mss { self.config.base_mss } else { current / 2 };
        let floor = self.config.min_mss.max(48);
        let mss = smaller.max(floor) + option_bytes;
        if mss < self.snd.mss {
            self.shrink_mss(mss, false);
        }
    }
}
