//! How a segment is put together: header fields, options, and what its sending changes.

use super::user_timeout::LEN as USER_TIMEOUT_BYTES;
use super::{Connection, clock};
use crate::cause::Rule;
use crate::offer::{self, TIMESTAMP_BYTES};
use crate::out::{EcnCodepoint, Out, Outgoing};
use crate::payload::Payload;
use crate::segment::{Flags, Options, SackBlocks, Segment, Timestamps};
use crate::seq::Seq;
use crate::state::State;
use crate::time::Time;

/// Room for options in a header, in bytes.
const OPTION_SPACE: u32 = 40;

/// What is particular to a segment; the rest is the connection's.
pub(super) struct Body {
    pub seq: Seq,
    /// Flags besides ACK, ECE and URG.
    pub flags: Flags,
    pub payload: Payload,
    /// The data was never sent before: it may be sent as ECN-capable.
    pub new_data: bool,
}

impl Body {
    /// No data, no flag but ACK.
    pub fn empty(seq: Seq) -> Body {
        Body { seq, flags: Flags::NONE, payload: Payload::Empty, new_data: false }
    }
}

impl Connection {
    /// Bytes that options take in a data segment now (RFC 6691: the sender subtracts them).
    #[inline]
    pub(super) fn option_bytes(&self) -> u32 {
        let stamps = if self.ts.is_some() { u32::from(TIMESTAMP_BYTES) } else { 0 };
        if self.has_only_stamps() { stamps } else { self.all_option_bytes(stamps) }
    }
    /// Whether a segment sent now has no option but timestamps.
    #[inline]
    pub(super) fn has_only_stamps(&self) -> bool {
        self.rcv.dsack.is_none()
            && !self.rcv.buffer.has_gap()
            && self.rcv.fin.is_none()
            && self.ecn.accurate.is_none()
            && !self.socket.owes_user_timeout()
    }
    #[inline(never)]
    fn all_option_bytes(&self, stamps: u32) -> u32 {
        let stamps = stamps + self.user_timeout_bytes();
        if self.ecn.accurate.is_some() {
            return self.option_bytes_with_accecn(stamps);
        }
        stamps + self.sack_bytes(stamps)
    }
    fn option_bytes_with_accecn(&self, stamps: u32) -> u32 {
        let mut options = Options { order: self.config.option_order, ..Options::default() };
        if self.sack {
            self.fill_sack(stamps, &mut options.sack);
        }
        self.put_accecn(stamps, &mut options);
        stamps + options.wire_len()
    }
    #[inline]
    fn sack_bytes(&self, stamps: u32) -> u32 {
        let nothing =
            self.rcv.dsack.is_none() && !self.rcv.buffer.has_gap() && self.fin_beyond_gap().is_none();
        if !self.sack || nothing {
            return 0;
        }
        let mut blocks = SackBlocks::default();
        self.fill_sack(stamps, &mut blocks);
        if blocks.is_empty() { 0 } else { 4 + 8 * blocks.len() as u32 }
    }
    /// SACK blocks: what arrived twice first (RFC 2883), then what lies beyond the gap, the latest first (RFC 2018); a
    /// FIN has a number as octets have (RFC 9293, section 3.4).
    fn fill_sack(&self, stamps: u32, blocks: &mut SackBlocks) {
        let mut room = ((OPTION_SPACE - stamps - 4) / 8) as usize;
        if let Some((left, right)) = self.rcv.dsack.as_deref()
            && self.config.dsack
        {
            blocks.push(left.wire(), right.wire());
            room -= 1;
        }
        let told = blocks.len();
        self.rcv.buffer.sack_blocks(room, blocks);
        if let Some(fin) = self.fin_beyond_gap() {
            blocks.cover(fin.wire(), told, told + room);
        }
    }
    /// A FIN that has come before the data in front of it.
    pub(super) fn fin_beyond_gap(&self) -> Option<Seq> {
        self.rcv.fin.filter(|_| !self.rcv.fin_received)
    }
    /// The largest payload of a segment sent now, in bytes: MSS less options, and at most half of the largest window
    /// that the peer ever offered (RFC 9293, section 3.8.6.2.1).
    #[inline]
    pub(super) fn segment_size(&self) -> u32 {
        let mss = u32::from(self.snd.mss).saturating_sub(self.option_bytes()).max(1);
        let most = self.snd.max_wnd;
        let half = if most > 536 { most / 2 } else { most };
        if half == 0 { mss } else { mss.min(u32::try_from(half.max(28)).unwrap_or(u32::MAX)) }
    }
    /// The same of one that is sent at once: an AccECN option that is due by now takes room as well. Before anything of the
    /// round-trip time is known it is due with each segment.
    #[inline]
    pub(super) fn size_at(&mut self, now: Time) -> u32 {
        self.tick_accecn(now);
        self.segment_size()
    }
    pub(crate) fn stamp(&self, now: Time) -> Option<Timestamps> {
        self.ts.map(|ts| Timestamps { val: clock::ticks(now, ts.offset), ecr: ts.recent })
    }

    /// Sends a segment with an ACK field, which settles what was owed to the peer.
    pub(super) fn emit(&mut self, now: Time, body: Body, why: Rule, out: &mut Out) {
        let record = self.is_record();
        // The ACK of ACKs that were marked must not look like a duplicate ACK (RFC 9768, section 3.2.2.5.1).
        let bare = std::mem::take(&mut self.ack.bare) && body.payload.is_empty();
        if self.has_only_stamps() {
            let options = self.stamps(now);
            self.put_segment(body, options, record, why, out);
        } else {
            self.emit_with_options(now, body, (bare, record), why, out);
        }
    }
    /// No option but timestamps, if they are in use.
    #[inline(always)]
    fn stamps(&self, now: Time) -> Options {
        Options { timestamps: self.stamp(now), order: self.config.option_order, ..Options::default() }
    }
    /// A segment with other options as well. `bare`: no SACK blocks; `record`: nothing that counts marks.
    #[inline(never)]
    fn emit_with_options(
        &mut self,
        now: Time,
        body: Body,
        (bare, record): (bool, bool),
        why: Rule,
        out: &mut Out,
    ) {
        let mut options = self.stamps(now);
        self.put_options(now, &body, (bare, record), &mut options);
        self.put_segment(body, options, record, why, out);
    }
    /// The header, and what is settled by its going out.
    #[inline(always)]
    fn put_segment(&mut self, body: Body, options: Options, record: bool, why: Rule, out: &mut Out) {
        let Body { seq, flags, payload, new_data } = body;
        let mut flags = if record { flags } else { self.ecn.flags(flags) } | Flags::ACK;
        let mut urg = 0;
        if let Some(pointer) = self.urgent_pointer(seq) {
            flags |= Flags::URG;
            urg = pointer;
        }
        let wnd = self.announce_window();
        if let Some(ledger) = &mut self.ledger
            && !payload.is_empty()
        {
            ledger.data_segs_out += 1;
            ledger.bytes_sent += u64::from(payload.len());
        }
        self.ack.on_ack_sent(self.config.delayed_ack.min);
        self.segs_out = self.segs_out.wrapping_add(1);
        let ecn = self.ecn.codepoint(new_data, &self.config);
        let (src, dst) = self.ends.ports();
        let (seq, ack) = (seq.wire(), self.rcv.nxt().wire());
        let segment = Segment { src, dst, seq, ack, flags, wnd, urg, options, payload };
        out.segments.push(Outgoing { segment, why, ecn });
    }
    /// Adds what there is besides timestamps, in the order in which it is given room.
    fn put_options(&mut self, now: Time, body: &Body, (bare, record): (bool, bool), options: &mut Options) {
        let mut used = if self.ts.is_some() { u32::from(TIMESTAMP_BYTES) } else { 0 };
        if self.socket.owes_user_timeout() {
            self.put_user_timeout(options);
            used += if options.user_timeout.is_some() { USER_TIMEOUT_BYTES } else { 0 };
        }
        let mut duplicate = None;
        if self.sack && !bare {
            self.fill_sack(used, &mut options.sack);
            duplicate = self.rcv.dsack.take();
        }
        if self.ecn.accurate.is_some() && !record {
            self.tick_accecn(now);
            self.put_accecn(used, options);
            let duplicate = duplicate.map(|stretch| stretch.0.wire().0);
            self.on_accecn_sent(now, options, body.flags.ace() == 0, duplicate);
        }
    }
    /// Of an orphan in FIN-WAIT-2 Linux keeps no more than of TIME-WAIT, nothing that counts marks; but not if the segment that
    /// acknowledged its FIN has brought the peer's (`tcp_rcv_state_process`).
    fn is_record(&self) -> bool {
        let orphan = self.state == State::FinWait2 && self.orphan && self.config.fin_wait_2.is_some();
        orphan && !self.ack.of_fin
    }
    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`.
    pub(super) fn send_ack(&mut self, now: Time, why: Rule, out: &mut Out) {
        self.send_ack_with(now, Flags::NONE, why, out);
    }
    /// The ACK of a SYN or SYN-ACK, whose codepoint it tells.
    pub(super) fn send_handshake_ack(&mut self, now: Time, why: Rule, out: &mut Out) {
        self.send_ack_with(now, self.handshake_flags(), why, out);
    }
    pub(super) fn send_ack_with(&mut self, now: Time, flags: Flags, why: Rule, out: &mut Out) {
        // A peer that has taken its window back will not look at a number beyond it.
        let seq = self.snd.queue.nxt().min(self.window_end().max(self.snd.queue.una()));
        self.emit(now, Body { flags, ..Body::empty(seq) }, why, out);
    }
    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>`: this end gives up, the peer does not know.
    pub(super) fn send_reset(&mut self, now: Time, why: Rule, out: &mut Out) {
        let (src, dst) = self.ends.ports();
        let segment = Segment {
            src,
            dst,
            seq: self.snd.queue.nxt().min(self.window_end().max(self.snd.queue.una())).wire(),
            ack: self.rcv.nxt().wire(),
            flags: self.ecn.accurate.as_ref().map_or(Flags::NONE, |a| a.tells.ace())
                | Flags::RST
                | Flags::ACK,
            wnd: self.announce_window(),
            urg: 0,
            options: Options {
                timestamps: self.stamp(now),
                order: self.config.option_order,
                ..Options::default()
            },
            payload: Payload::Empty,
        };
        self.segs_out = self.segs_out.wrapping_add(1);
        let ecn = self.ecn.codepoint(false, &self.config);
        out.segments.push(Outgoing { segment, why, ecn });
    }
    /// `<SEQ=SEG.ACK><CTL=RST>`: the answer to a segment that should not be.
    pub(super) fn send_bare_reset(&mut self, about: &Segment, why: Rule, out: &mut Out) {
        let (src, dst) = self.ends.ports();
        let segment = Segment {
            src,
            dst,
            seq: about.ack,
            flags: Flags::RST,
            options: offer::reset_options(&self.config, about),
            ..Segment::default()
        };
        self.segs_out = self.segs_out.wrapping_add(1);
        out.segments.push(Outgoing { segment, why, ecn: EcnCodepoint::NotEct });
    }
}
