//! SEGMENT ARRIVES in SYN-SENT (RFC 9293, section 3.10.7.3) and in SYN-RECEIVED after a simultaneous open (section
//! 3.10.7.4, its eight checks as far as they go before ESTABLISHED).

use super::{Opening, Peer};
use crate::accecn::{self, Mode};
use crate::cause::Rule;
use crate::connection::{Connection, clock};
use crate::error::Errno;
use crate::out::{EcnCodepoint, Note, Out};
use crate::segment::{Flags, Segment};
use crate::seq::{Seq, SeqNum};
use crate::state::{Input, State};
use crate::time::Time;

impl Opening {
    /// SEGMENT ARRIVES. Returns the connection if the open is complete.
    pub fn on_segment(
        &mut self,
        now: Time,
        segment: &Segment,
        ecn: EcnCodepoint,
        out: &mut Out,
    ) -> Option<Box<Connection>> {
        match self.state {
            State::SynSent => self.in_syn_sent(now, segment, ecn, out),
            State::SynReceived => self.in_syn_received(now, segment, ecn, out),
            _ => None,
        }
    }

    // --- SYN-SENT ------------------------------------------------------------------------------------------------

    fn in_syn_sent(
        &mut self,
        now: Time,
        segment: &Segment,
        ecn: EcnCodepoint,
        out: &mut Out,
    ) -> Option<Box<Connection>> {
        // First: the ACK bit. ISS < SEG.ACK =< SND.NXT holds for one number only, unless the SYN carried data.
        let acks_syn = segment.has(Flags::ACK) && self.acks_syn(segment);
        if segment.has(Flags::ACK) && !acks_syn {
            self.refuse_ack(now, segment, out);
            return None;
        }
        if acks_syn && self.config.check_syn_echo && !self.echoes_own(now, segment) {
            // PAWS the other way round: nothing that this end has said (tcp_rcv_synsent_state_process of Linux).
            out.notes.push(Note::Dropped(Rule::SynSentBadEcho));
            if !segment.has(Flags::RST) {
                self.send_reset(segment, Rule::SynSentBadEcho, out);
            }
            return None;
        }
        // Second: RST counts only with an acceptable ACK (RFC 5961, section 3.2).
        if segment.has(Flags::RST) {
            if acks_syn {
                self.fail(Rule::ConnectionRefused, Errno::ECONNREFUSED, out);
            } else {
                out.notes.push(Note::Dropped(Rule::RstIgnoredInSynSent));
            }
            return None;
        }
        // Third, security, is the IP layer's. Fourth: SYN. Fifth: neither.
        if !segment.has(Flags::SYN) {
            out.notes.push(Note::Dropped(Rule::SynSentIgnores));
            return None;
        }
        let agreed = if !acks_syn {
            accecn::granted(&self.config, segment, ecn)
        } else if accecn::asks(&self.config) == Mode::Accurate
            || self.still_asks()
            || self.config.ecn_outlives_fallback
        {
            accecn::understood(accecn::asks(&self.config), segment.flags)
        } else {
            // 3168/6.1.1-NOECT: a SYN that did not ask was sent too.
            Mode::Off
        };
        let options = segment.options.clone();
        let peer = Peer { irs: segment.seq, options, ecn: agreed, codepoint: ecn, seen: now };
        if acks_syn {
            return Some(self.syn_acknowledged(now, peer, segment, ecn, out));
        }
        self.peer = Some(Box::new(peer));
        self.transition(Input::Syn, Rule::SimultaneousOpen, out);
        // The timer goes on as it was: the answer is a repetition of our SYN with an ACK.
        let timer = self.timer;
        let sent = self.sent;
        self.send_syn(now, Rule::SimultaneousOpen, out);
        (self.timer, self.sent) = (timer, sent);
        None
    }
    /// Whether TSecr is, if there is one, a timestamp between that of the first SYN and now.
    pub(super) fn echoes_own(&self, now: Time, segment: &Segment) -> bool {
        let echoed = segment.options.timestamps.map_or(0, |ts| ts.ecr);
        let [first, last] = [self.began, now].map(|at| clock::ticks(at, self.clock_offset));
        echoed == 0 || !self.config.timestamps || echoed.wrapping_sub(first) <= last.wrapping_sub(first)
    }
    /// An ACK of something never sent: `<SEQ=SEG.ACK><CTL=RST>`, and the open goes on.
    fn refuse_ack(&mut self, now: Time, segment: &Segment, out: &mut Out) {
        out.notes.push(Note::Dropped(Rule::SynSentBadAck));
        if !segment.has(Flags::RST) {
            self.send_reset(segment, Rule::SynSentBadAck, out);
        }
        if let Some(soon) = self.config.bad_ack_rearms_syn
            && self.retransmits == 0
        {
            self.timer = self.timer.min(self.config.fires(now, soon));
        }
    }
    /// SYN,ACK: the connection is open.
    fn syn_acknowledged(
        &mut self,
        now: Time,
        peer: Peer,
        segment: &Segment,
        ecn: EcnCodepoint,
        out: &mut Out,
    ) -> Box<Connection> {
        let mut connection = self.complete(now, &peer, segment, out);
        self.transition(Input::SynAck, Rule::SynAckAnswered, out);
        connection.acknowledge_syn_ack(now, segment, ecn, std::mem::take(&mut self.writes), out);
        connection
    }

    // --- SYN-RECEIVED ----------------------------------------------------------------------------------------------

    fn in_syn_received(
        &mut self,
        now: Time,
        segment: &Segment,
        ecn: EcnCodepoint,
        out: &mut Out,
    ) -> Option<Box<Connection>> {
        let peer = self.peer.as_deref()?.clone();
        let nxt = Seq::initial(peer.irs) + 1;
        let seq = Seq::near(nxt, segment.seq);
        if !self.acceptable(now, &peer, nxt, seq, segment, out) {
            return None;
        }
        // Second: RST. This end has opened actively: the open fails (MUST-11).
        if segment.has(Flags::RST) {
            if seq == nxt || !self.config.challenge_rst {
                // MUST-11 says refused; to Linux a SYN has been answered by then (`tcp_reset`).
                let error =
                    if self.config.refused_until_open { Errno::ECONNREFUSED } else { Errno::ECONNRESET };
                self.fail(Rule::ConnectionRefused, error, out);
            } else {
                self.challenge(now, Rule::ChallengeRst, out);
            }
            return None;
        }
        // Fourth: a SYN is the one we know, acknowledging ours, or wrong.
        let repeated = seq + 1 == nxt && segment.has(Flags::SYN | Flags::ACK);
        if segment.has(Flags::SYN) && !(repeated && self.acks_syn(segment)) {
            self.challenge(now, Rule::ChallengeSyn, out);
            return None;
        }
        // Fifth: the ACK field.
        if !segment.has(Flags::ACK) {
            out.notes.push(Note::Dropped(Rule::NoAckBit));
            return None;
        }
        if !self.acks_syn(segment) {
            out.notes.push(Note::Dropped(Rule::SynReceivedBadAck));
            self.send_reset(segment, Rule::SynReceivedBadAck, out);
            return None;
        }
        let mut connection = self.complete(now, &peer, segment, out);
        self.transition(Input::AckOfSyn, Rule::HandshakeComplete, out);
        connection.continue_handshake(now, segment, ecn, out);
        connection.take_queued(now, std::mem::take(&mut self.writes), out);
        if let Some(why) = self.close_queued {
            connection.close(now, why, out);
        }
        Some(connection)
    }
    /// First: PAWS and the sequence number. The peer's SYN-ACK repeats its SYN, one below RCV.NXT, and must still be
    /// looked at, or two ends that opened at once would wait for ever (RFC 9293, section 3.5).
    fn acceptable(
        &mut self,
        now: Time,
        peer: &Peer,
        nxt: Seq,
        seq: Seq,
        segment: &Segment,
        out: &mut Out,
    ) -> bool {
        let agreed = self.config.timestamps && peer.options.timestamps.is_some();
        if self.config.require_timestamps
            && agreed
            && segment.options.timestamps.is_none()
            && !segment.has(Flags::RST)
        {
            out.notes.push(Note::Dropped(Rule::TimestampMissing));
            return false;
        }
        let both = segment.options.timestamps.zip(peer.options.timestamps.filter(|_| self.config.timestamps));
        let stale = both.is_some_and(|(ts, syn)| clock::older(ts.val, syn.val, 0, now.since(peer.seen)));
        if self.config.paws && stale && !segment.has(Flags::RST) {
            self.challenge(now, Rule::Paws, out);
            return false;
        }
        let end = seq + u64::from(segment.seq_len());
        let edge = nxt + u64::from(self.rcv_wnd);
        if seq < edge && (end > nxt || seq == nxt) || segment.has(Flags::SYN | Flags::ACK) && seq + 1 == nxt {
            return true;
        }
        if segment.has(Flags::RST) {
            out.notes.push(Note::Dropped(Rule::RstIgnored));
        } else {
            let old = segment.has(Flags::SYN) && end <= nxt;
            let why = if old { Rule::OldDuplicate } else { Rule::NotAcceptable };
            self.challenge(now, why, out);
        }
        false
    }
    /// Drops the segment and answers with an ACK, if the last such answer is long enough ago.
    fn challenge(&mut self, now: Time, why: Rule, out: &mut Out) {
        out.notes.push(Note::Dropped(why));
        let interval = self.config.challenge_interval;
        if !self.config.may_answer(now, interval, &mut self.answering, &mut self.answered) {
            return out.notes.push(Note::Happened(Rule::ChallengeLimited));
        }
        self.send_ack(now, why, out);
    }

    /// IRS, once it is known.
    pub fn irs(&self) -> Option<SeqNum> {
        self.peer.as_ref().map(|peer| peer.irs)
    }
}
