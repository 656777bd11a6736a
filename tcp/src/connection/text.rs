//! The seventh and the eighth check of RFC 9293, section 3.10.7.4: segment text, and FIN.

use std::ops::Range;

use super::Connection;
use super::arrives::Arrived;
use crate::cause::Rule;
use crate::error::Errno;
use crate::opening::Writes;
use crate::out::{EcnCodepoint, Note, Out};
use crate::segment::{Flags, Segment};
use crate::seq::Seq;
use crate::state::{Input, State};
use crate::time::Time;

impl Connection {
    /// Seventh: the segment text; then the eighth.
    #[inline(always)]
    pub(super) fn process_text(&mut self, now: Time, arrived: &Arrived<'_>, out: &mut Out) {
        let segment = arrived.segment;
        let fin = segment.has(Flags::FIN);
        if segment.payload.is_empty() && !fin {
            return;
        }
        let nxt = self.rcv.nxt();
        if !segment.payload.is_empty() {
            self.count_text(arrived);
        }
        let data_end = arrived.seq + u64::from(segment.payload.len());
        let deaf = self.orphan || self.read_shut && matches!(self.state, State::FinWait1 | State::FinWait2);
        if deaf && !self.rcv.fin_received && data_end > nxt && !segment.payload.is_empty() {
            // Nobody will read it: the peer must learn (RFC 9293, section 3.6.1, after RFC 1122, 4.2.2.13).
            out.notes.push(Note::Dropped(Rule::DataAfterClose));
            self.send_bare_reset(segment, Rule::DataAfterClose, out);
            return self.fail(Rule::DataAfterClose, Some(Errno::ECONNRESET), out);
        }
        self.accept_ecn(now, arrived, out);
        if self.rcv.fin_received {
            // After the peer's FIN nothing new can come: this is a repetition, or must not be and is ignored.
            if arrived.seq < nxt {
                self.on_duplicate(arrived.seq..arrived.end.min(nxt));
            } else {
                self.ack.now(Rule::NotAcceptable);
            }
            return;
        }
        let fin_waited = self.fin_beyond_gap().is_some();
        let known = self.rcv.fin;
        self.note_fin(arrived, data_end);
        if !self.take_data(now, arrived, data_end, out) {
            self.rcv.fin = known;
        }
        if fin_waited && self.rcv.nxt() > nxt {
            // A gap is filled, though nothing lay beyond it but the FIN.
            self.ack.now(Rule::AckGapFilled);
        }
        self.check_fin(now, out);
    }
    /// A segment with data has arrived.
    #[inline]
    pub(super) fn count_text(&mut self, arrived: &Arrived<'_>) {
        let nxt = self.rcv.nxt();
        if let Some(ledger) = &mut self.ledger {
            ledger.data_segs_in += 1;
            ledger.out_of_order += u32::from(arrived.seq > nxt);
        }
    }
    /// Remembers where the stream ends, if that lies in the window.
    fn note_fin(&mut self, arrived: &Arrived<'_>, data_end: Seq) {
        let nxt = self.rcv.nxt();
        let in_window = data_end < self.rcv.edge || data_end == nxt;
        if arrived.segment.has(Flags::FIN)
            && self.rcv.fin.is_none()
            && data_end >= self.rcv.buffer.highest()
            && in_window
        {
            self.rcv.fin = Some(data_end);
        }
    }
    /// Puts the data where it belongs, and decides how urgently an ACK is owed (RFC 5681, section 4.2). False if there is no room:
    /// then the segment is as good as lost, with all that it says behind its text.
    pub(super) fn take_data(
        &mut self,
        now: Time,
        arrived: &Arrived<'_>,
        data_end: Seq,
        out: &mut Out,
    ) -> bool {
        let segment = arrived.segment;
        let nxt = self.rcv.nxt();
        let right = if self.counts_truesize() { self.rcv.edge.max(data_end) } else { self.rcv.edge };
        let edge = self.rcv.fin.map_or(right, |fin| fin.min(right)).max(nxt);
        if self.counts_truesize()
            && data_end > nxt
            && !segment.payload.is_empty()
            && !self.may_keep(arrived, nxt, out)
        {
            return false;
        }
        if arrived.seq > nxt && self.is_one_block_too_many(arrived.seq..data_end) {
            out.notes.push(Note::Dropped(Rule::TooManyBlocks));
            self.ack.now(Rule::AckOutOfOrder);
            return false;
        }
        if segment.payload.is_empty() && segment.has(Flags::FIN) && arrived.seq == nxt {
            self.make_room_for_fin();
        }
        let before = self.rcv.buffer.nxt();
        let inserted = self.rcv.buffer.insert(arrived.seq, &segment.payload, edge);
        if self.counts_truesize() && inserted.advanced + inserted.held > 0 {
            self.charge_rcv_memory(arrived.seq.max(before), data_end);
        }
        if let Some(range) = inserted.duplicate {
            if inserted.advanced > 0 && self.config.delayed_ack.adaptive {
                // With something new behind it, Linux tells of it and hurries no more than for the new.
                self.tell_duplicate(range);
            } else {
                self.on_duplicate(range);
            }
        } else if segment.payload.is_empty() && arrived.seq < nxt {
            self.on_duplicate(arrived.seq..arrived.end.min(nxt));
        }
        if inserted.advanced > 0 {
            self.on_text_in_order(now, segment, arrived.seq, out);
            if inserted.filled_gap || self.rcv.buffer.has_gap() {
                self.ack.now(Rule::AckGapFilled);
            }
        } else if inserted.held > 0 || arrived.seq > nxt {
            self.find_urgent(segment, arrived.seq, out);
            if inserted.held > 0 && self.counts_truesize() {
                self.measure_segment(segment);
            }
            // Without SACK a duplicate ACK is one that changes nothing, the window included.
            if inserted.held > 0 && self.sack {
                self.grow_window(segment.payload.len());
            }
            if inserted.held > 0 && self.counts_truesize() {
                self.grow_for_gap();
            }
            self.ack.now(Rule::AckOutOfOrder);
        } else if data_end > nxt {
            // In order, but the window is closed: a probe, or a sender that does not mind it.
            self.enter_quick_ack(self.config.delayed_ack.quick);
            self.ack.now(Rule::AckOfProbe);
        }
        true
    }
    /// RCV.NXT went ahead with a segment that begins at `seq`.
    #[inline(always)]
    pub(super) fn on_text_in_order(&mut self, now: Time, segment: &Segment, seq: Seq, out: &mut Out) {
        self.find_urgent(segment, seq, out);
        self.on_data_in_order(now, segment);
        if self.counts_truesize() {
            self.time_window(now);
        } else {
            self.sample_receive_rtt(now, segment);
        }
        self.grow_window(segment.payload.len());
        out.wake.readable = true;
    }
    /// Whether these octets beyond a gap would be one block more than are kept.
    fn is_one_block_too_many(&self, range: Range<Seq>) -> bool {
        let Some(most) = self.config.reassembly_blocks else { return false };
        let window = self.socket.rcv_buf / self.rcv.mss.max(1) + 1;
        let blocks = self.rcv.buffer.blocks();
        blocks >= (most as usize).min(window as usize) && !self.rcv.buffer.touches(range)
    }
    /// Whether there is memory for a segment. If there is not, it is dropped, and the ACK offers no window (Linux
    /// `tcp_data_queue`); beyond a gap there is none.
    fn may_keep(&mut self, arrived: &Arrived<'_>, nxt: Seq, out: &mut Out) -> bool {
        let segment_len = arrived.segment.payload.len();
        if arrived.seq > nxt && arrived.seq >= nxt + self.rcv.window() {
            // It may lie in a window that was offered once.
            out.notes.push(Note::Dropped(Rule::NotAcceptable));
            self.enter_quick_ack(self.config.delayed_ack.quick);
            self.ack.now(Rule::NotAcceptable);
            return false;
        }
        if arrived.seq <= nxt && self.rcv.window() == 0 {
            out.notes.push(Note::Dropped(Rule::WindowClosed));
            if arrived.seq < nxt && self.sack && self.config.dsack {
                self.rcv.duplicate(arrived.seq..nxt);
            }
            self.enter_quick_ack(self.config.delayed_ack.quick);
            self.ack.now(Rule::AckOfProbe);
            return false;
        }
        if self.finds_rcv_memory(segment_len) {
            return true;
        }
        if arrived.seq > nxt {
            // What lies beyond a gap is dropped without a word, and closes no window (tcp_data_queue_ofo).
            if let Some(ledger) = &mut self.ledger {
                ledger.full = false;
            }
            out.notes.push(Note::Dropped(Rule::NoRoomBeyondGap));
            out.wake.readable = true;
            return false;
        }
        if let Some(ledger) = &mut self.ledger {
            ledger.full = true;
        }
        if self.rcv.buffer.unread() == 0 {
            // Where nothing waits to be read, one segment is taken however large it is; the ACK says that it was the last.
            self.ack.insist(Rule::ReceiveBufferFull);
            return true;
        }
        out.notes.push(Note::Dropped(Rule::ReceiveBufferFull));
        out.wake.readable = true;
        self.ack.insist(Rule::ReceiveBufferFull);
        false
    }
    /// A FIN alone is always taken; where there is no memory, its ACK goes at once and offers no window.
    fn make_room_for_fin(&mut self) {
        if !self.finds_rcv_memory(0)
            && let Some(ledger) = &mut self.ledger
        {
            ledger.full = true;
            self.ack.insist(Rule::ReceiveBufferFull);
        }
    }
    /// Something arrived twice: the next ACK tells (RFC 2883, section 4).
    fn tell_duplicate(&mut self, range: std::ops::Range<Seq>) {
        self.note_accecn_duplicate(range.start.wire());
        if self.sack && self.config.dsack {
            self.rcv.duplicate(range);
        }
    }
    /// Something arrived twice: the ACK goes out at once and tells.
    fn on_duplicate(&mut self, range: std::ops::Range<Seq>) {
        self.tell_duplicate(range);
        self.enter_quick_ack(self.config.delayed_ack.quick);
        self.ack.now(Rule::OldDuplicate);
    }
    fn sample_receive_rtt(&mut self, now: Time, segment: &Segment) {
        let Some((state, stamp)) = self.ts.zip(segment.options.timestamps) else { return };
        if stamp.ecr != 0 && segment.payload.len() >= self.ack.segment {
            let sent = super::clock::tick_began(now, state.offset, stamp.ecr);
            self.measure_receive_rtt(now.since(sent));
        }
    }

    /// Eighth: FIN, once everything before it is here.
    fn check_fin(&mut self, now: Time, out: &mut Out) {
        if self.rcv.fin != Some(self.rcv.buffer.nxt()) || self.rcv.fin_received {
            if self.rcv.fin.is_some() && !self.rcv.fin_received {
                self.ack.now(Rule::AckOutOfOrder);
            }
            return;
        }
        self.rcv.fin_received = true;
        self.ack.scheduled = true;
        if self.config.delayed_ack.adaptive {
            // Nothing can be missing any more; what arrived twice is forgotten with it (Linux tcp_fin).
            self.rcv.dsack = None;
        }
        out.wake.readable = true;
        match self.state {
            State::SynReceived | State::Established => {
                self.transition(Input::Fin, Rule::FinReceived, out);
                // The program is likely to close or to answer: its segment can carry the ACK (Linux).
                self.ack.interactive = self.config.delayed_ack.adaptive;
                if !self.config.delayed_ack.adaptive {
                    self.ack.now(Rule::AckOfFin);
                }
            }
            State::FinWait1 => {
                self.send_ack(now, Rule::AckOfFin, out);
                self.transition(Input::Fin, Rule::FinReceived, out);
            }
            State::FinWait2 => {
                self.send_ack(now, Rule::AckOfFin, out);
                self.enter_time_wait(now, Input::Fin, Rule::FinReceived, out);
            }
            _ => {}
        }
        // The stream is over: there is no more to say about what came twice (Linux `tcp_fin`).
        self.rcv.dsack = None;
    }

    // --- the rest of the segment that completed a handshake --------------------------------------------------------

    /// The SYN-ACK that answered our SYN: acknowledges it, and takes what else it carries (RFC 9293, section
    /// 3.10.7.3: processing goes on at the sixth check).
    pub(crate) fn acknowledge_syn_ack(
        &mut self,
        now: Time,
        segment: &Segment,
        ecn: EcnCodepoint,
        writes: Writes,
        out: &mut Out,
    ) {
        if self.fast_open.is_some() {
            self.acknowledge_fast_syn_ack(now, segment, ecn, out);
            return self.take_queued(now, writes, out);
        }
        let interactive = self.ack.interactive;
        match &writes {
            Writes::None if !interactive => self.send_handshake_ack(now, Rule::SynAckAnswered, out),
            Writes::None | Writes::Waiting => {
                self.text_behind_syn(now, segment, ecn, out);
                return self.expect_data_soon(now);
            }
            Writes::Queued(_) => {
                // The ACK goes with the data where that can go at once.
                self.text_behind_syn(now, segment, ecn, out);
                self.ack.scheduled = true;
                self.take_queued(now, writes, out);
                if self.ack.scheduled {
                    self.send_handshake_ack(now, Rule::SynAckAnswered, out);
                }
                return self.respond(now, out);
            }
        }
        self.text_behind_syn(now, segment, ecn, out);
        self.respond(now, out);
    }
    /// A program waits to write, or wants no quick ACKs: its data will carry the ACK (Linux `tcp_rcv_synsent_state_process`).
    pub(super) fn expect_data_soon(&mut self, now: Time) {
        self.enter_quick_ack(self.config.delayed_ack.quick);
        self.ack.scheduled = true;
        self.ack.last_data = now;
        self.ack.deadline = self.config.fires(now, self.config.delayed_ack.max);
    }
    /// The segment that ended SYN-RECEIVED after a simultaneous open. The peer's SYN-ACK repeats its SYN, which is
    /// reported as a duplicate.
    pub(crate) fn continue_handshake(
        &mut self,
        now: Time,
        segment: &Segment,
        ecn: EcnCodepoint,
        out: &mut Out,
    ) {
        if segment.has(Flags::SYN) {
            let irs = self.rcv.irs;
            self.on_duplicate(irs..irs + 1);
        }
        self.text_behind_syn(now, segment, ecn, out);
        self.respond(now, out);
    }
    pub(super) fn text_behind_syn(&mut self, now: Time, segment: &Segment, ecn: EcnCodepoint, out: &mut Out) {
        let seq = Seq::near(self.rcv.nxt(), segment.seq) + u64::from(segment.has(Flags::SYN));
        let len = u64::from(segment.payload.len()) + u64::from(segment.has(Flags::FIN));
        let arrived = Arrived { segment, seq, end: seq + len, ack: self.snd.queue.una(), ecn };
        self.check_urg(segment, seq, out);
        self.process_text(now, &arrived, out);
    }
}
