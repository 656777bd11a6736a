//! Fast Open in a connection (RFC 7413): SYN-RECEIVED with data already there, and what a client has learnt.
//!
//! While the ACK of the SYN-ACK is missing, the program may read and write, within the initial window (section 4.2.2), but
//! only the SYN-ACK is repeated.

use super::Connection;
use super::arrives::Arrived;
use crate::cause::Rule;
use crate::error::Errno;
use crate::fast_open::{ClientFail, News};
use crate::listener::request::Request;
use crate::out::{EcnCodepoint, Note, Out};
use crate::payload::Payload;
use crate::segment::{Flags, Segment};
use crate::state::{Input, State};
use crate::time::Time;

/// What Fast Open keeps in a connection that has used it.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct FastOpen {
    /// Data in the SYN was accepted.
    pub data_taken: bool,
    /// How a client has failed.
    pub fail: ClientFail,
    /// This end has opened.
    client: bool,
    /// Its SYN had the option: without it nothing is suspected (Linux `syn_fastopen`).
    asked: bool,
    /// The program waits to write: its data takes the ACK of the SYN-ACK along.
    more: bool,
    /// A program has accepted the connection.
    accepted: bool,
    /// The path has seemed to swallow what follows: that the connection ends in order proves nothing.
    suspect: bool,
    /// The SYN-ACK, as long as its ACK is missing.
    pending: Option<Box<Request>>,
}

impl Connection {
    // --- client --------------------------------------------------------------------------------------------------

    /// The open was fast, or tried to be: the SYN `asked` by the option, its data was taken, `rest` of it is still to be sent.
    pub(crate) fn begin_fast_client(
        &mut self,
        now: Time,
        rest: Payload,
        (asked, data_taken): (bool, bool),
        fail: ClientFail,
        more: bool,
    ) {
        self.fast_open =
            Some(Box::new(FastOpen { asked, data_taken, fail, client: true, more, ..FastOpen::default() }));
        if !rest.is_empty() {
            self.extend_tail(rest, true, false);
            self.snd.push = self.snd.buffer.end();
            self.mark_push();
            self.snd.queue.on_syn_data_lost(now, self.snd.buffer.end(), &self.config);
        }
    }
    /// The SYN-ACK of a fast open: its text, then an ACK, unless data takes that along.
    pub(super) fn acknowledge_fast_syn_ack(
        &mut self,
        now: Time,
        segment: &Segment,
        ecn: EcnCodepoint,
        out: &mut Out,
    ) {
        self.text_behind_syn(now, segment, ecn, out);
        if !self.snd.buffer.is_empty() {
            self.ack.now(Rule::SynAckAnswered);
            self.respond(now, out);
            // What goes again is no small segment that new data would have to wait for.
            self.snd.small = self.snd.iss;
        } else if self.fast_open.as_ref().is_some_and(|fast| fast.more) {
            self.expect_data_soon(now);
        } else {
            self.send_handshake_ack(now, Rule::SynAckAnswered, out);
            self.respond(now, out);
        }
    }
    /// A program has accepted the connection.
    pub(crate) fn accepted(&mut self) {
        if let Some(fast) = &mut self.fast_open {
            fast.accepted = true;
        }
    }
    /// Whether no program knows of the connection, and its SYN-ACK is not acknowledged: an ICMP error about that ends it
    /// as it would end a half-open request.
    pub(super) fn is_unaccepted(&self) -> bool {
        self.fast_open.as_ref().is_some_and(|fast| fast.pending.is_some() && !fast.accepted)
    }
    /// Whether no data has come from the peer, in order or not.
    fn is_unheard(&self) -> bool {
        self.rcv.nxt() == self.rcv.irs + 1 + u64::from(self.rcv.fin_received) && !self.rcv.buffer.has_gap()
    }
    /// A timeout of data: the third in a row makes the path suspect.
    pub(super) fn suspect_after_timeouts(&mut self, out: &mut Out) {
        let retries = self.snd.queue.retries();
        if let Some(fast) = self.fast_open.as_mut().filter(|fast| fast.client && retries == 2) {
            fast.suspect = true;
            out.fast_open.push(News::BlackHole);
        }
    }
    /// A reset that is not at RCV.NXT, with no data before it: something on the path may have taken that away.
    pub(super) fn suspect_after_reset(&self, out: &mut Out) {
        let asked = self.fast_open.as_ref().is_some_and(|fast| fast.asked);
        if asked && self.state == State::Established && self.is_unheard() {
            out.fast_open.push(News::BlackHole);
        }
    }
    /// The connection is over. A FIN beyond a gap, and no data at all, is as suspect; only data that has come shows that the path
    /// works.
    pub(super) fn end_fast_open(&mut self, now_reset: bool, out: &mut Out) {
        let unheard = self.is_unheard();
        let swallowed = self.rcv.fin.is_some() && !self.rcv.fin_received;
        let Some(fast) = &mut self.fast_open else { return };
        if unheard && swallowed && fast.asked {
            out.fast_open.push(News::BlackHole);
        } else if !unheard && fast.client && fast.data_taken && !fast.suspect {
            out.fast_open.push(News::Works);
        }
        if fast.pending.take().is_some() {
            out.fast_open.push(News::Settled { reset: now_reset });
        }
    }

    // --- server --------------------------------------------------------------------------------------------------

    /// Whether the ACK of our SYN-ACK is missing.
    pub(super) fn is_pending(&self) -> bool {
        self.fast_open.as_ref().is_some_and(|fast| fast.pending.is_some())
    }
    fn pending(&mut self) -> Option<&mut Request> {
        self.fast_open.as_mut()?.pending.as_deref_mut()
    }
    /// When the SYN-ACK is due again.
    pub(super) fn pending_deadline(&self) -> Option<Time> {
        self.fast_open.as_ref()?.pending.as_ref().map(|request| request.deadline)
    }
    /// A SYN with a good cookie (7413/4.2.2-SRV): its data can be read at once, the SYN-ACK acknowledges it.
    pub(crate) fn begin_fast_server(
        &mut self,
        now: Time,
        mut request: Box<Request>,
        (syn, ecn): (&Segment, EcnCodepoint),
        out: &mut Out,
    ) {
        self.state = State::SynReceived;
        let arrived = self.text_of_syn(syn, ecn);
        // The SYN-ACK acknowledges the text, which tells nothing of how later text will come.
        let ack = self.ack.clone();
        self.process_text(now, &arrived, out);
        self.ack = ack;
        // No packet carries more than 16 bits can tell.
        request.data = self.rcv.nxt().since(self.rcv.irs + 1) as u16;
        if let Some(ledger) = &mut self.ledger {
            // Linux moves RCV.WUP and leaves the window as it was (`tcp_fastopen_create_child`): the right edge moves with it.
            self.rcv.edge += u64::from(request.data);
            self.rcv.wup = self.rcv.nxt();
            ledger.rightmost = ledger.rightmost.max(self.rcv.edge);
        }
        request.send(now, &self.config, &self.tuple(), Rule::FastOpenAccepted, out);
        request.deadline = self.config.fires(now, request.timeout(&self.config));
        let data_taken = request.data > 0;
        self.fast_open =
            Some(Box::new(FastOpen { data_taken, pending: Some(request), ..FastOpen::default() }));
    }
    /// The text of a SYN, with the number of its first octet.
    fn text_of_syn<'a>(&self, syn: &'a Segment, ecn: EcnCodepoint) -> Arrived<'a> {
        let seq = self.rcv.nxt();
        let (una, len) = (self.snd.queue.una(), u64::from(syn.payload.len()));
        Arrived { segment: syn, seq, end: seq + len, ack: una, ecn }
    }
    /// The SYN once more (9293/EV-SYNRCVD-DUPSYN): answered by the SYN-ACK. Whether it was one.
    pub(super) fn answer_repeated_syn(&mut self, now: Time, segment: &Segment, out: &mut Out) -> bool {
        let (config, tuple, irs) = (self.config.clone(), self.tuple(), self.rcv.irs.wire());
        let Some(request) = self.pending() else { return false };
        if segment.seq != irs
            || !segment.has(Flags::SYN)
            || segment.has(Flags::ACK)
            || segment.has(Flags::RST)
        {
            return false;
        }
        if request.may_reply(now, &config, out) {
            request.repeat(now, &config, &tuple, Rule::DuplicateSyn, out);
            request.deadline = config.fires(now, request.timeout(&config));
        } else {
            out.notes.push(Note::Dropped(Rule::DuplicateSyn));
        }
        true
    }
    /// The ACK field of a segment that comes in SYN-RECEIVED: whether the handshake is complete now.
    pub(super) fn complete_fast_open(&mut self, now: Time, arrived: &Arrived<'_>, out: &mut Out) -> bool {
        if arrived.ack < self.snd.queue.una() || arrived.ack > self.snd.queue.nxt() {
            out.notes.push(Note::Dropped(Rule::SynReceivedBadAck));
            self.send_bare_reset(arrived.segment, Rule::SynReceivedBadAck, out);
            return false;
        }
        let Some(request) = self.fast_open.as_mut().and_then(|fast| fast.pending.take()) else { return true };
        self.snd.queue.on_handshake(now, request.rtt(now, arrived.segment), &self.config);
        if let Some(accurate) = &mut self.ecn.accurate {
            accurate.on_third_ack(arrived.segment, &self.config);
        }
        if self.state == State::SynReceived {
            self.transition(Input::AckOfSyn, Rule::HandshakeComplete, out);
        }
        self.timers.progress = now;
        out.fast_open.push(News::Settled { reset: false });
        out.wake.connected = true;
        true
    }
    /// A reset while the ACK of our SYN-ACK is missing: any in the window ends the connection (Linux).
    pub(super) fn reset_pending(&mut self, arrived: &Arrived<'_>, out: &mut Out) {
        let nxt = self.rcv.nxt();
        if arrived.seq < nxt || arrived.seq >= self.rcv.edge.max(nxt + 1) {
            return out.notes.push(Note::Dropped(Rule::RstIgnored));
        }
        // 7413/5.1-RSTACC
        self.end_fast_open(true, out);
        self.fail(Rule::ResetInSynReceived, Some(Errno::ECONNRESET), out);
    }
    /// The SYN-ACK is due again (7413/4.2.2-SARTX), or the peer is given up.
    pub(super) fn on_pending_deadline(&mut self, now: Time, out: &mut Out) {
        let (config, tuple) = (self.config.clone(), self.tuple());
        let Some(request) = self.pending() else { return };
        if now < request.deadline {
            return;
        }
        if request.retries > config.synack_retries {
            return self.fail(Rule::SynAckGivesUp, Some(Errno::ETIMEDOUT), out);
        }
        request.retries += 1;
        request.repeat(now, &config, &tuple, Rule::SynAckRetransmit, out);
        request.deadline = config.fires(now, request.timeout(&config));
    }
}
