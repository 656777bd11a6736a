//! SEGMENT ARRIVES in the synchronized states: the eight checks of RFC 9293, section 3.10.7.4, in their order, one
//! function each. The sixth to the eighth are in `urgent` and `text`.
//!
//! PAWS comes before the first (RFC 7323, section 5.3); RFC 5961 sharpens the second, the fourth and the fifth.

use super::ecn::tells_congestion;
use super::{Connection, clock};
use crate::accecn::{Delivery, Mode};
use crate::cause::Rule;
use crate::config::WindowUpdate;
use crate::error::Errno;
use crate::out::{EcnCodepoint, Note, Out};
use crate::recovery::{Ack, Acked};
use crate::segment::{Flags, Segment};
use crate::seq::Seq;
use crate::shortcut::shortcut;
use crate::state::{Input, State};
use crate::time::{Duration, Time};

/// A segment with its numbers placed in this connection's sequence space.
#[derive(Clone, Copy)]
pub(super) struct Arrived<'a> {
    pub segment: &'a Segment,
    /// SEG.SEQ.
    pub seq: Seq,
    /// SEG.SEQ + SEG.LEN.
    pub end: Seq,
    /// SEG.ACK.
    pub ack: Seq,
    /// The ECN field of the IP header.
    pub ecn: EcnCodepoint,
}

impl Connection {
    /// SEGMENT ARRIVES.
    #[inline]
    pub fn on_segment(&mut self, now: Time, segment: &Segment, ecn: EcnCodepoint, out: &mut Out) {
        if self.is_over() {
            return out.notes.push(Note::Dropped(Rule::NoConnection));
        }
        self.segs_in = self.segs_in.wrapping_add(1);
        if self.is_pending() && self.answer_repeated_syn(now, segment, out) {
            return;
        }
        let seq = Seq::near(self.rcv.nxt(), segment.seq);
        let arrived = Arrived {
            segment,
            seq,
            end: seq + u64::from(segment.seq_len()),
            ack: Seq::near(self.snd.queue.una(), segment.ack),
            ecn,
        };
        if self.predicts(&arrived) {
            let short = |c: &mut Connection, out: &mut Out| c.on_predicted(now, &arrived, out);
            return shortcut(self, out, short, |c, out| c.take_segment(now, &arrived, out));
        }
        // A copy, so that the short way need not have its own in memory.
        self.take_segment(now, &{ arrived }, out);
    }
    /// The checks in their order, and the answer.
    #[inline(never)]
    pub(super) fn take_segment(&mut self, now: Time, arrived: &Arrived<'_>, out: &mut Out) {
        let segment = arrived.segment;
        let goes_on = self.check_timestamp(now, arrived, out)
            && self.check_sequence(now, arrived, out)
            && (!segment.flags.intersects(Flags::RST | Flags::SYN)
                || self.check_rst(now, arrived, out) && self.check_syn(now, arrived, out))
            && self.check_ack(now, arrived, out);
        if goes_on {
            if let Some(raw) = segment.options.user_timeout {
                self.hear_user_timeout(raw, out);
            }
            if segment.has(Flags::URG) {
                self.check_urg(segment, arrived.seq, out);
            }
            self.process_text(now, arrived, out);
        }
        self.respond(now, out);
        self.ack.of_fin = false;
    }
    /// What every arrival ends with: data that may go now, then the ACK that is owed.
    pub(super) fn respond(&mut self, now: Time, out: &mut Out) {
        if self.is_over() {
            return;
        }
        self.output(now, out);
        if self.counts_truesize() {
            self.check_space(now, out);
        }
        self.acknowledge(now, out);
    }

    /// PAWS (RFC 7323, section 5.3, R1), and the timestamp that should be there (section 3.2).
    fn check_timestamp(&mut self, now: Time, arrived: &Arrived<'_>, out: &mut Out) -> bool {
        let Some(state) = self.ts else { return true };
        let rst = arrived.segment.has(Flags::RST);
        let Some(stamp) = arrived.segment.options.timestamps else {
            if self.config.require_timestamps && !rst {
                out.notes.push(Note::Dropped(Rule::TimestampMissing));
                return false;
            }
            return true;
        };
        let slack = self.config.paws_slack;
        let old = clock::older(stamp.val, state.recent, slack, now.since(state.recent_at));
        if rst || !self.config.paws || !old {
            return true;
        }
        let bare = arrived.segment.has(Flags::ACK) && arrived.seq == arrived.end;
        if bare && self.config.paws_spares_acks {
            let behind = state.recent.wrapping_sub(stamp.val);
            if self.is_late_ack(arrived, behind) {
                return true;
            }
            if arrived.seq < self.rcv.nxt() {
                out.notes.push(Note::Dropped(Rule::Paws));
                return false;
            }
        }
        if arrived.segment.has(Flags::SYN) && self.config.challenge_syn {
            self.challenge(now, Rule::ChallengeSyn, out);
        } else {
            self.answer_unacceptable(now, arrived, Rule::Paws, out);
        }
        false
    }

    /// Whether an ACK with a timestamp so many ticks old is one that others have overtaken on the way, and does no harm
    /// (Linux `tcp_disordered_ack_check`): it is in sequence, says nothing new, and is late by no more than a
    /// retransmission timeout and a fifth.
    fn is_late_ack(&self, arrived: &Arrived<'_>, behind: u32) -> bool {
        let wnd = u64::from(arrived.segment.wnd) << self.snd.shift;
        let patience = self.snd.queue.rto(&self.config).as_millis() * 6 / 5;
        arrived.seq == self.rcv.nxt()
            && arrived.ack == self.snd.queue.una()
            && !self.brings_window(arrived, wnd)
            && u64::from(behind) <= patience
    }

    /// First: the sequence number. What is wholly old or beyond the window is answered with an ACK. A closed window
    /// still lets ACK, URG and RST through (MUST-66): the text is refused later.
    fn check_sequence(&mut self, now: Time, arrived: &Arrived<'_>, out: &mut Out) -> bool {
        let (old, beyond) = self.outside(arrived);
        if arrived.segment.has(Flags::RST) {
            if (old || beyond) && !self.is_reset_of_fin(arrived.seq) {
                out.notes.push(Note::Dropped(Rule::RstIgnored));
                return false;
            }
            return true;
        }
        if !old && !beyond {
            return true;
        }
        if arrived.segment.has(Flags::SYN) && self.config.challenge_syn {
            // Whatever its number (RFC 5961, section 4.2).
            self.challenge(now, Rule::ChallengeSyn, out);
        } else {
            let why = if old { Rule::OldDuplicate } else { Rule::NotAcceptable };
            self.answer_unacceptable(now, arrived, why, out);
        }
        false
    }

    /// Whether a segment is wholly old, and whether it lies beyond the window: to the letter (RFC 9293, section 3.4,
    /// table 6; what begins before the window and ends behind it is acceptable all the same), or as Linux sees it:
    /// what repeats data since the last ACK, or begins at the right edge, may still bring a new ACK field.
    fn outside(&self, arrived: &Arrived<'_>) -> (bool, bool) {
        let Arrived { seq, end, .. } = *arrived;
        if !self.config.exact_window {
            let fin = arrived.segment.has(Flags::FIN) && self.config.fin_beyond_window;
            return (end < self.rcv.wup, self.lies_beyond(seq, end - u64::from(fin)));
        }
        let nxt = self.rcv.nxt();
        let old = seq < nxt && end <= nxt;
        let right = self.rightmost();
        (old, if right == nxt { seq > nxt } else { seq >= right })
    }
    /// The rightmost edge that was ever offered: what would have been in that window is, also where it was taken back
    /// (RFC 7323, section 2.4).
    fn rightmost(&self) -> Seq {
        let offered = self.ledger.as_ref().map_or(Seq::default(), |ledger| ledger.rightmost);
        self.rcv.edge.max(self.rcv.nxt()).max(offered)
    }

    /// Whether a segment lies beyond the window, as Linux sees it: where memory is accounted, what reaches over its right
    /// edge is taken whole, but only while nothing waits to be read (`tcp_sequence`).
    fn lies_beyond(&self, seq: Seq, end: Seq) -> bool {
        let right = self.rightmost();
        let reaches_over = end > right && self.counts_truesize() && self.rcv.buffer.unread() > 0;
        seq > right || reaches_over && seq < end
    }

    /// Second: RST (RFC 5961, section 3.2). The right edge of what was SACKed counts as exact too: a peer that has
    /// lost its state has only our ACKs to go by (Linux).
    fn check_rst(&mut self, now: Time, arrived: &Arrived<'_>, out: &mut Out) -> bool {
        if !arrived.segment.has(Flags::RST) {
            return true;
        }
        if self.is_pending() {
            self.reset_pending(arrived, out);
            return false;
        }
        let nxt = self.rcv.nxt();
        let in_window = arrived.seq == nxt || arrived.seq > nxt && arrived.seq < self.rcv.edge;
        let sacked = self.sack
            && !self.config.exact_window
            && self.rcv.buffer.has_gap()
            && arrived.seq == self.rcv.buffer.highest();
        if in_window && (arrived.seq == nxt || sacked) || self.is_reset_of_fin(arrived.seq) {
            self.reset_by_peer(Rule::ResetReceived, out);
        } else if !in_window {
            out.notes.push(Note::Dropped(Rule::RstIgnored));
        } else if !self.config.challenge_rst {
            self.reset_by_peer(Rule::ResetInWindow, out);
        } else {
            self.suspect_after_reset(out);
            self.challenge(now, Rule::ChallengeRst, out);
        }
        false
    }

    /// Whether a RST has the number of the peer's FIN: an aborted peer of some kinds counts its FIN as never sent, and Linux
    /// takes its word (`tcp_reset_check`).
    fn is_reset_of_fin(&self, seq: Seq) -> bool {
        let finished = matches!(self.state, State::CloseWait | State::LastAck | State::Closing);
        finished && !self.config.exact_window && seq + 1 == self.rcv.nxt()
    }

    /// Fourth (the third, security, is not modelled): SYN (RFC 5961, section 4.2).
    fn check_syn(&mut self, now: Time, arrived: &Arrived<'_>, out: &mut Out) -> bool {
        if !arrived.segment.has(Flags::SYN) {
            return true;
        }
        if self.config.challenge_syn || arrived.seq < self.rcv.nxt() {
            self.note_repeated_syn(arrived.segment, arrived.ecn);
            self.challenge_with(now, self.handshake_flags(), Rule::ChallengeSyn, out);
            return false;
        }
        // RFC 793: a SYN in the window is an error; both ends start over.
        self.send_reset(now, Rule::ChallengeSyn, out);
        self.reset_by_peer(Rule::ChallengeSyn, out);
        false
    }

    /// Fifth: the ACK field.
    fn check_ack(&mut self, now: Time, arrived: &Arrived<'_>, out: &mut Out) -> bool {
        if !arrived.segment.has(Flags::ACK) {
            out.notes.push(Note::Dropped(Rule::NoAckBit));
            return false;
        }
        if self.is_pending() && !self.complete_fast_open(now, arrived, out) {
            return false;
        }
        let una = self.snd.queue.una();
        if self.config.ack_range && arrived.ack < una {
            let known = self.snd.max_wnd.min(una.since(self.snd.iss + 1));
            if arrived.ack + known < una {
                self.challenge(now, Rule::ChallengeAck, out);
                return false;
            }
        }
        if arrived.ack > self.snd.queue.nxt() && !self.accept_probed(now, arrived.ack) {
            self.challenge(now, Rule::AckOfUnsent, out);
            return false;
        }
        self.count_codepoint(arrived);
        let fresh = self.update_ts_recent(now, arrived);
        self.hear_echo(now, arrived.segment);
        self.process_ack(now, arrived, fresh, out);
        !self.is_over()
    }
    /// Whether `ack` covers the octet of a zero-window probe: then it counts as sent, and as sent twice, since
    /// nobody knows which probe it answers.
    fn accept_probed(&mut self, now: Time, ack: Seq) -> bool {
        let nxt = self.snd.queue.nxt();
        if self.snd.probed != Some(ack) || ack != nxt + 1 {
            return false;
        }
        self.snd.queue.on_sent(now, ack, &self.config);
        self.snd.queue.on_retransmitted(now, nxt..ack, &self.config);
        true
    }
    /// TS.Recent (RFC 7323, section 4.3): only from a segment that covers Last.ACK.sent, and never backwards.
    /// Whether it went forward.
    #[inline]
    pub(super) fn update_ts_recent(&mut self, now: Time, arrived: &Arrived<'_>) -> bool {
        let Some(stamp) = arrived.segment.options.timestamps else { return false };
        let wup = self.rcv.wup;
        let Some(state) = &mut self.ts else { return false };
        let newer = !clock::older(stamp.val, state.recent, 0, now.since(state.recent_at));
        if arrived.seq > wup || !newer {
            return false;
        }
        state.recent_at = now;
        std::mem::replace(&mut state.recent, stamp.val) != stamp.val
    }

    /// SND.UNA, the send window, the transmit queue; then what an ACK of our FIN means for the state.
    fn process_ack(&mut self, now: Time, arrived: &Arrived<'_>, fresh: bool, out: &mut Out) {
        let segment = arrived.segment;
        let una = self.snd.queue.una();
        let window_changed = self.update_window(now, arrived);
        let idle = self.snd.queue.is_idle() && self.ecn.mode() == Mode::Off;
        let result = if idle && arrived.ack <= una && segment.options.sack.is_empty() {
            Acked::default() // as with all data that comes to who sends none
        } else {
            self.show_ack(now, arrived, window_changed, fresh, out)
        };
        self.after_ack(now, &result, out);
        self.after_window_update(now);
        if self.fin_acknowledged() {
            self.on_fin_acknowledged(now, out);
        }
    }
    /// The send window (RFC 9293, section 3.10.7.4, fifth). Whether it makes the segment no duplicate ACK.
    #[inline]
    pub(super) fn update_window(&mut self, now: Time, arrived: &Arrived<'_>) -> bool {
        let segment = arrived.segment;
        let before = self.snd.wnd;
        let offered = u64::from(segment.wnd) << if segment.has(Flags::SYN) { 0 } else { self.snd.shift };
        let una = self.snd.queue.una();
        let brings = self.brings_window(arrived, offered);
        let changed = match self.config.window_update {
            WindowUpdate::LargerOrClosed => brings,
            WindowUpdate::Any | WindowUpdate::Larger => offered != before,
        };
        if arrived.ack >= una {
            if brings {
                self.snd.wnd = offered;
                self.snd.wl1 = arrived.seq;
                self.snd.max_wnd = self.snd.max_wnd.max(offered);
            }
            self.timers.heard = now;
            self.timers.probes = 0;
        }
        changed
    }
    /// Whether a segment, with an ACK field that is not old, brings a new send window.
    #[inline]
    fn brings_window(&self, arrived: &Arrived<'_>, wnd: u64) -> bool {
        // Whatever acknowledges more was sent later, also where its SEG.SEQ lies below SND.WL1 (the peer fills a gap, or goes
        // back after a timeout): the old window behind the new SND.UNA would reach further than was ever offered.
        arrived.ack > self.snd.queue.una()
            || arrived.seq > self.snd.wl1
            || arrived.seq == self.snd.wl1
                && match self.config.window_update {
                    WindowUpdate::Any => true,
                    WindowUpdate::LargerOrClosed => wnd > self.snd.wnd || wnd == 0,
                    WindowUpdate::Larger => wnd > self.snd.wnd,
                }
    }
    /// Shows the transmit queue an acknowledgment. `window_changed`: its window makes it no duplicate;
    /// `fresh`: its timestamp is newer.
    fn show_ack(
        &mut self,
        now: Time,
        arrived: &Arrived<'_>,
        window_changed: bool,
        fresh: bool,
        out: &mut Out,
    ) -> Acked {
        let ack = self.ack_of(now, arrived, window_changed);
        let (segment, una) = (arrived.segment, self.snd.queue.una());
        let sent = self.snd.queue.nxt().since(self.snd.iss);
        self.note_probe_arrival(arrived.ack, out);
        let (queue, ecn) = (&mut self.snd.queue, &mut self.ecn);
        if ecn.mode() == Mode::Off {
            return queue.on_ack(now, &ack, &self.config, out);
        }
        let fresh = (fresh, sent);
        let marked = |news: &Delivery| arrived.ack >= una && tells_congestion(ecn, news, segment, fresh);
        queue.on_ack_with(now, &ack, marked, &self.config, out)
    }
    /// What an acknowledgment says to the transmit queue, but for marks.
    #[inline]
    pub(super) fn ack_of(&self, now: Time, arrived: &Arrived<'_>, window_changed: bool) -> Ack {
        let segment = arrived.segment;
        let edge = arrived.ack.max(self.snd.queue.una()) + self.snd.wnd;
        let nxt = self.snd.queue.nxt();
        let echoed = self.ts.zip(segment.options.timestamps).filter(|(_, stamp)| stamp.ecr != 0);
        Ack {
            ack: arrived.ack,
            sack: if self.sack { segment.options.sack } else { Default::default() },
            echo: echoed.map(|(state, stamp)| clock::echo(now, state.offset, stamp.ecr)),
            has_data: segment.seq_len() > 0,
            window_changed,
            ece: false,
            new_data_ready: nxt < self.queued_end() && nxt < edge,
        }
    }
    /// An acknowledgment has brought this.
    #[inline]
    pub(super) fn after_ack(&mut self, now: Time, result: &Acked, out: &mut Out) {
        if let Some(ledger) = &mut self.ledger {
            let mss = u64::from(self.snd.queue.mss().max(1));
            ledger.deliveries.count(result, mss, self.config.dupthresh);
        }
        if result.acked > 0 {
            self.on_acknowledged(now, out);
        }
    }
    /// SND.UNA has moved.
    #[inline]
    fn on_acknowledged(&mut self, now: Time, out: &mut Out) {
        let una = self.snd.queue.una();
        self.snd.buffer.ack_to(una);
        self.snd.up = self.snd.up.filter(|up| *up > una);
        self.snd.probed = None;
        self.refute_path_mtu();
        self.soft_error = None;
        self.timers.progress = now;
        self.timers.troubled = false;
        if let Some(ledger) = &mut self.ledger {
            ledger.skbs.ack_to(una);
            return self.stamp_acknowledged(una, out);
        }
        // Room for two windows, so that the program never is what limits (Linux tcp_sndbuf_expand).
        let wanted = u32::try_from(2 * self.snd.queue.cwnd()).unwrap_or(u32::MAX);
        let max = self.socket.snd_buf_max(&self.config);
        self.socket.snd_buf = self.socket.snd_buf.max(wanted.min(max));
        if self.snd.starved && self.free_send_space() >= u64::from(self.socket.snd_buf / 3) {
            self.snd.starved = false;
            out.wake.writable = true;
        }
    }
    fn on_fin_acknowledged(&mut self, now: Time, out: &mut Out) {
        match self.state {
            State::FinWait1 => {
                self.transition(Input::AckOfFin, Rule::FinAcknowledged, out);
                self.ack.of_fin = true;
                if self.orphan {
                    self.arm_fin_wait_2(now);
                }
            }
            State::Closing => self.enter_time_wait(now, Input::AckOfFin, Rule::FinAcknowledged, out),
            State::LastAck => {
                self.transition(Input::AckOfFin, Rule::FinAcknowledged, out);
                self.retire(out);
            }
            _ => {}
        }
    }

    // --- answers to what is dropped ------------------------------------------------------------------------------

    /// Drops an unacceptable segment and acknowledges what is expected instead. Data that came before is reported
    /// as a duplicate (RFC 2883). Where the segment is empty, two peers could go on answering one another for ever:
    /// such answers are limited (RFC 5961, section 7).
    fn answer_unacceptable(&mut self, now: Time, arrived: &Arrived<'_>, why: Rule, out: &mut Out) {
        let empty = arrived.seq == arrived.end;
        let nxt = self.rcv.nxt();
        let probe = empty && arrived.seq + 1 == nxt && why == Rule::OldDuplicate;
        out.notes.push(Note::Dropped(if probe { Rule::ProbeArrived } else { why }));
        // RFC 9293, section 3.8.6.1, wants each probe of a closed window answered. Probes come one at a time, an RTO apart;
        // a limit there is all the same, as a forged number can look like a probe's. An open window is not probed: whoever
        // asks there, again and again, is a peer that something forged has put at odds.
        let closed = self.rcv.edge <= nxt;
        let eased = probe && closed && !self.config.limit_probe_answers;
        let interval = self.config.challenge_interval / if eased { 2 } else { 1 };
        if empty && !self.may_answer(now, interval) {
            return self.note(Rule::ChallengeLimited, out);
        }
        if !empty && arrived.seq < nxt {
            self.enter_quick_ack(self.config.delayed_ack.quick);
            self.note_accecn_duplicate(arrived.segment.seq);
            self.rcv.duplicate(arrived.seq..arrived.end.min(nxt));
        }
        self.send_ack(now, if probe { Rule::AckOfProbe } else { why }, out);
    }
    /// Drops the segment and sends a challenge ACK: a peer in good faith answers so that all becomes clear.
    fn challenge(&mut self, now: Time, why: Rule, out: &mut Out) {
        self.challenge_with(now, Flags::NONE, why, out);
    }
    /// The same with these flags besides ACK.
    fn challenge_with(&mut self, now: Time, flags: Flags, why: Rule, out: &mut Out) {
        out.notes.push(Note::Dropped(why));
        if self.may_answer(now, self.config.challenge_interval) {
            self.send_ack_with(now, flags, why, out);
        } else {
            self.note(Rule::ChallengeLimited, out);
        }
    }
    fn may_answer(&mut self, now: Time, interval: Duration) -> bool {
        self.config.may_answer(now, interval, &mut self.ack.answering, &mut self.ack.answered)
    }
    /// A valid RST.
    fn reset_by_peer(&mut self, why: Rule, out: &mut Out) {
        let error = match self.state {
            State::CloseWait if self.config.reset_in_close_wait_is_epipe => Some(Errno::EPIPE),
            State::Closing | State::LastAck if self.config.reset_after_fins_is_silent => None,
            _ => Some(Errno::ECONNRESET),
        };
        self.fail(why, error, out);
    }
}
