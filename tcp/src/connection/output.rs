//! What to send: the one function that decides.
//!
//! Retransmissions come first, then new data, then the FIN behind it; each as far as the congestion window, the
//! peer's window, Nagle's algorithm and silly-window avoidance allow. A pure ACK goes out (in `acking`) only where
//! none of these carried it. Where nothing may go and nothing is outstanding, the persist timer is started.

use std::ops::Range;

use super::emit::Body;
use super::{Connection, Send};
use crate::cause::Rule;
use crate::config::Nagle;
use crate::out::{Out, Outgoing};
use crate::payload::Payload;
use crate::recovery::{Delivered, Retransmission};
use crate::segment::Flags;
use crate::seq::Seq;
use crate::shortcut::shortcut;
use crate::state::State;
use crate::time::Time;

/// How a call to the output function came about.
#[derive(Clone, Copy, Default)]
pub(super) struct Occasion {
    /// More will be written soon: a partial segment waits (`MSG_MORE`).
    pub more: bool,
    /// The override timer has run out, or a probe is due, or a writer waits: a partial segment goes.
    pub force: bool,
    /// One skb goes, no more.
    pub one: bool,
    /// What comes next leaves as one skb with what has just been sent.
    pub inside: bool,
}

/// Why new data waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Nothing,
    Nagle,
    Window,
    Congestion,
    Pacing,
    /// It waits for the ACK that makes room for a larger burst.
    Burst,
    /// It waits for room for a probe of the path MTU.
    Probe,
    /// The interface refuses it.
    Refused,
}

impl Connection {
    /// Sends what may be sent now.
    #[inline]
    pub(super) fn output(&mut self, now: Time, out: &mut Out) {
        if self.is_sending() && self.has_nothing_to_send() {
            return self.stop_persist(); // as at the receiver of a bulk transfer
        }
        let long = |c: &mut Connection, out: &mut Out| c.output_on(now, Occasion::default(), out);
        if self.sends_plainly() {
            return shortcut(self, out, |c, out| c.output_plainly(now, out), long);
        }
        long(self, out);
    }
    /// The same after a write that announces more.
    pub(super) fn output_with_more(&mut self, now: Time, more: bool, out: &mut Out) {
        self.output_on(now, Occasion { more, ..Occasion::default() }, out);
    }

    pub(super) fn output_on(&mut self, now: Time, occasion: Occasion, out: &mut Out) {
        if !self.is_sending() {
            // Whatever pacing held back has been acknowledged, or given up.
            return self.snd.queue.await_release(false);
        }
        if self.has_nothing_to_send() {
            return self.stop_persist();
        }
        let held = self.snd.queue.has_lost() && self.retransmit_lost(now, out);
        let before = self.snd.queue.nxt();
        self.tick_accecn(now);
        let hold = if held { Hold::Pacing } else { self.send_new(now, occasion, out) };
        if self.snd.path.is_some() && self.snd.queue.nxt() > before {
            self.look_at_route();
        }
        while self.snd.queue.nxt() == before
            && let Some(rescue) = self.snd.queue.next_rescue(&self.config)
            && self.retransmit(now, &rescue, out)
        {}
        self.end_output(now, hold, before, out);
    }
    /// What could be sent has been, from `before` on; `hold` is what stopped it.
    #[inline]
    fn end_output(&mut self, now: Time, hold: Hold, before: Seq, out: &mut Out) {
        // Where pacing holds data back, the window may be full all the same.
        let full = hold == Hold::Pacing && self.snd.queue.allowance(&self.config) == 0;
        let limited = hold == Hold::Congestion || full;
        // What would let a waiting program write is not the window's to give.
        let starved = self.snd.starved || self.orphan;
        if self.snd.queue.on_output_done(now, limited, starved, &self.config) {
            self.resume_recovery(now, starved, out);
        }
        self.snd.queue.await_release(hold == Hold::Pacing);
        // A program that waits for room has not stopped writing (Linux looks at the beginning of a write alone).
        if matches!(hold, Hold::Nothing | Hold::Nagle | Hold::Burst) && !self.snd.starved {
            self.snd.queue.on_nothing_to_send(&self.config);
        }
        self.update_persist(now);
        if self.counts_truesize() {
            // Where both windows are full, the congestion window counts.
            let by_peer = hold == Hold::Window && self.snd.queue.allowance(&self.config) > 0;
            self.note_limit(now, by_peer, hold == Hold::Congestion, before);
        }
    }

    /// Recovery has waited for new data in vain: it goes on with what was lost.
    #[inline(never)]
    fn resume_recovery(&mut self, now: Time, starved: bool, out: &mut Out) {
        self.retransmit_lost(now, out);
        self.snd.queue.on_output_done(now, false, starved, &self.config);
    }
    /// Whether data is outstanding, nothing has to be sent again, and nothing is in use that might send something else than
    /// full segments with timestamps, as long as there is data for them.
    #[inline]
    fn sends_plainly(&self) -> bool {
        let Send { fin, up, path, search, refused, .. } = &self.snd;
        self.state == State::Established
            && self.snd.queue.flight() > 0
            && self.snd.queue.sends_new_only()
            && !self.counts_truesize()
            && self.has_only_stamps()
            && path.is_none()
            && search.is_none()
            && up.is_none()
            && !(*fin || *refused)
    }
    /// What [`output_on`](Connection::output_on) does then.
    fn output_plainly(&mut self, now: Time, out: &mut Out) {
        let before = self.snd.queue.nxt();
        let (end, edge, size) = (self.snd.buffer.end(), self.window_end(), self.segment_size());
        let (cwnd, load) = (self.snd.queue.cwnd(), self.snd.queue.load_of(size.into()));
        let (mut nxt, mut pipe) = (before, self.snd.queue.pipe(&self.config));
        let hold = loop {
            let next = nxt + u64::from(size);
            if next > end || pipe == 0 {
                // There is nothing, or a part of a segment, or what goes whatever cwnd says.
                break self.send_new(now, Occasion::default(), out);
            }
            if next > edge {
                break Hold::Window;
            }
            if cwnd.saturating_sub(pipe) < load {
                break Hold::Congestion;
            }
            match out.segments.last() {
                Some(alike) if nxt > before && !self.ecn.on => {
                    let alike = alike.clone();
                    self.put_alike(now, alike, nxt..next, out);
                }
                _ => self.put_new_range(now, nxt..next, (size, false), Rule::Data, out),
            }
            (nxt, pipe) = (next, pipe + load);
        };
        self.end_output(now, hold, before, out);
    }
    /// What [`put_new_range`](Connection::put_new_range) does right behind a full segment like this: nothing has changed since
    /// but the number.
    #[inline]
    fn put_alike(&mut self, now: Time, mut alike: Outgoing, range: Range<Seq>, out: &mut Out) {
        let ends = self.ends_write(&range);
        let segment = &mut alike.segment;
        segment.seq = range.start.wire();
        segment.flags = segment.flags.without(Flags::PSH) | if ends { Flags::PSH } else { Flags::NONE };
        segment.payload = self.snd.buffer.slice(range.start, segment.payload.len());
        self.segs_out = self.segs_out.wrapping_add(1);
        out.segments.push(alike);
        self.snd.queue.on_sent(now, range.end, &self.config);
        if ends {
            self.snd.queue.mark_pushed();
        }
    }

    /// Whether nothing is outstanding or waiting, and nobody keeps account of that.
    #[inline]
    fn has_nothing_to_send(&self) -> bool {
        self.snd.queue.una() == self.queued_end()
            && self.snd.queue.is_idle()
            && self.ledger.as_ref().is_none_or(|ledger| ledger.chrono.is_stopped())
            && self.ecn.accurate.is_none()
    }

    /// What recovery wants sent again, as far as it stays inside the peer's window; the first segment goes even if
    /// the window was taken back (RFC 9293, section 3.8.6, SHLD-17). Whether pacing holds something back.
    fn retransmit_lost(&mut self, now: Time, out: &mut Out) -> bool {
        while let Some(lost) = self.snd.queue.next_retransmission(&self.config) {
            if lost.why != Rule::RtoRetransmit && !self.snd.queue.may_release(now) {
                return true;
            }
            let shut = lost.range.start >= self.window_end() && lost.range.start != self.snd.queue.una();
            if shut || !self.retransmit(now, &lost, out) {
                break;
            }
        }
        false
    }
    /// Sends `what` again, or its beginning. Whether anything was sent.
    pub(super) fn retransmit(&mut self, now: Time, what: &Retransmission, out: &mut Out) -> bool {
        let size = u64::from(self.size_at(now));
        let (una, nxt) = (self.snd.queue.una(), self.snd.queue.nxt());
        let start = what.range.start.max(una);
        let data_end = self.snd.buffer.end();
        let mut end = self.recut(start, what.range.end.min(nxt));
        if end.min(data_end).since(start) > size {
            end = start + size;
        }
        let room = self.window_end().since(start);
        if room > 0 && end.min(data_end).since(start) > room {
            end = start + room;
        }
        if start >= end || self.is_refused(now, out) {
            return false;
        }
        self.send_range(now, start..end, what.why, false, Flags::NONE, out);
        if let Some(ledger) = &mut self.ledger {
            ledger.bytes_retransmitted += end.min(data_end).since(start);
        }
        self.snd.queue.on_retransmitted(now, start..end, &self.config);
        true
    }

    /// The end of what may be sent again from `start` on, where a segment `start..end` begins. As Linux does: a small one takes
    /// along those behind it that fit (`tcp_retrans_try_collapse`), and one that has become too long is cut together with the
    /// rest of the skb that it left in (`tcp_fragment`).
    fn recut(&mut self, start: Seq, end: Seq) -> Seq {
        let (una, edge, size) = (self.snd.queue.una(), self.window_end(), u64::from(self.segment_size()));
        let data_end = self.snd.buffer.end();
        let len = end.min(data_end).since(start);
        let most = size.min(edge.since(start));
        let Connection { snd, ledger, config, .. } = self;
        let skbs = ledger.as_mut().map(|ledger| &mut ledger.skbs);
        if len > size {
            let Some(skbs) = skbs else { return end };
            let skb_end = skbs.holding(start).map_or(end, |(skb, _)| skb.end);
            skbs.split(una, start + size);
            return snd.queue.join_behind(start..end, |_, next| next.min(data_end) <= skb_end);
        }
        if !config.retrans_collapse || len >= most {
            return end;
        }
        let sealed = |at: Seq| {
            let skb = skbs.as_ref().and_then(|skbs| skbs.holding(at - 1));
            skb.is_some_and(|(skb, _)| skb.sealed && skb.end == at)
        };
        let fits = |next: Seq| next.min(data_end).since(start) <= most && next <= edge;
        let joined = snd.queue.join_behind(start..end, |border, next| fits(next) && !sealed(border));
        if let Some(skbs) = skbs.filter(|_| joined > end) {
            skbs.split(una, start);
            skbs.join(una, start, joined.min(data_end));
        }
        joined
    }

    /// The interface takes nothing from now on, or everything.
    pub fn set_interface_full(&mut self, full: bool) {
        self.snd.refused = full;
    }
    /// Whether the interface refuses what is about to be sent: the window goes down as after ECE (Linux `tcp_enter_cwr`).
    pub(super) fn is_refused(&mut self, now: Time, out: &mut Out) -> bool {
        self.snd.refused && self.refuse(now, out)
    }
    #[cold]
    fn refuse(&mut self, now: Time, out: &mut Out) -> bool {
        self.snd.queue.begin_reduction(now, Delivered::default(), Rule::LocalCongestion, &self.config, out);
        true
    }

    /// Sends new data and FIN; returns what stopped it.
    fn send_new(&mut self, now: Time, occasion: Occasion, out: &mut Out) -> Hold {
        if self.snd.queue.nxt() < self.queued_end() {
            if self.snd.path.is_some() {
                self.raise_path_mtu(now, out);
            }
            if self.snd.queue.flight() == 0 {
                self.snd.queue.on_idle_restart(now, &self.config, out);
            }
        }
        if !occasion.one && self.snd.search.is_some() && self.probe_mtu(now, out) == Hold::Probe {
            return Hold::Probe;
        }
        // Where what leaves as one skb ends, and whether it is more than a segment.
        let mut burst = (self.snd.queue.nxt(), false);
        loop {
            let nxt = self.snd.queue.nxt();
            if nxt >= self.queued_end() {
                return Hold::Nothing;
            }
            let size = self.size_at(now);
            let inside = nxt < burst.0;
            let (range, hold) = self.next_new(nxt, size, Occasion { inside, ..occasion });
            if hold != Hold::Nothing {
                self.split_skb(nxt);
                return hold;
            }
            if nxt < self.snd.buffer.end() && !self.snd.queue.may_release(now) {
                self.split_skb(nxt);
                return Hold::Pacing;
            }
            if nxt >= burst.0 && self.counts_truesize() {
                self.split_skb(nxt);
                let hold = if occasion.one { Hold::Nothing } else { self.defers_burst(now, nxt) };
                if hold != Hold::Nothing {
                    return hold;
                }
                burst = self.next_burst(nxt, occasion);
            }
            let end = range.end;
            if self.is_refused(now, out) {
                self.split_skb(nxt);
                return Hold::Refused;
            }
            // What a device cuts out of one skb carries PSH at its end (Linux sets it, to help the receiver's GRO).
            let pushes = burst.1 && end >= burst.0;
            self.send_new_range(now, range, (size, pushes), Rule::Data, out);
            if occasion.one && end >= burst.0 {
                self.split_skb(end);
                return Hold::Nothing;
            }
        }
    }
    /// The next new segment, and whether something holds it back.
    #[inline(always)]
    fn next_new(&self, nxt: Seq, size: u32, occasion: Occasion) -> (Range<Seq>, Hold) {
        let size = u64::from(size);
        let waiting = self.snd.buffer.end().since(nxt);
        let (to_end, middle) = match self.skbs().and_then(|skbs| skbs.holding(nxt)) {
            Some((skb, last)) => (skb.end.since(nxt), !last),
            None => (waiting, false),
        };
        let len = to_end.min(size);
        let room = self.window_end().since(nxt);
        let last = self.snd.fin && len == waiting;
        // Data that fills the window exactly does not wait for room for the FIN, but where both are one skb, of which the
        // window is asked at its beginning (Linux `tcp_snd_wnd_test`): then a probe tears them apart.
        let whole = self.counts_truesize() && !occasion.inside;
        let fin = last && (len == 0 || len != room || whole);
        let range = nxt..nxt + len + u64::from(fin);
        // Silly-window avoidance: a segment that the window would cut waits (RFC 9293, section 3.8.6.2.1). `size` is
        // at most half of the largest window, so it waits only for what this peer can offer.
        if len + u64::from(fin) > room {
            return (range, Hold::Window);
        }
        if len < size && !last && !middle && !occasion.force && self.nagle_holds(nxt, occasion.more) {
            return (range, Hold::Nagle);
        }
        // A FIN alone has a number, too, that cwnd must have room for.
        let pipe = self.snd.queue.pipe(&self.config);
        let fits = self.snd.queue.has_room_beside(pipe, len.max(u64::from(fin)));
        if !fits && (pipe > 0 || self.snd.queue.is_paused()) {
            return (range, Hold::Congestion);
        }
        (range, Hold::Nothing)
    }
    /// Whether a small segment waits for more to fill it (RFC 9293, section 3.7.4; Minshall's variant: only while
    /// another small one is outstanding). Urgent data never waits.
    pub(super) fn nagle_holds(&self, nxt: Seq, more: bool) -> bool {
        let una = self.snd.queue.una();
        if self.snd.up.is_some_and(|up| up > una) {
            return false;
        }
        if self.socket.cork || more {
            return true;
        }
        if self.socket.no_delay || nxt == una {
            return false;
        }
        match self.config.nagle {
            Nagle::Minshall => self.snd.small > una && self.snd.small <= nxt,
            Nagle::Classic | Nagle::Off => true,
        }
    }
    /// Sends `range`, which begins at SND.NXT, for the first time. `size`: of a full segment, and whether this one is
    /// pushed whatever it ends.
    #[inline(never)]
    pub(super) fn send_new_range(
        &mut self,
        now: Time,
        range: Range<Seq>,
        (size, pushes): (u32, bool),
        why: Rule,
        out: &mut Out,
    ) {
        self.put_new_range(now, range, (size, pushes), why, out);
    }
    #[inline(always)]
    fn put_new_range(
        &mut self,
        now: Time,
        range: Range<Seq>,
        (size, pushes): (u32, bool),
        why: Rule,
        out: &mut Out,
    ) {
        let len = range.end.min(self.snd.buffer.end()).since(range.start);
        let mut flags = if pushes { Flags::PSH } else { Flags::NONE };
        // 3168/6.1.2-CWR; with AccECN the flag is a part of the counter (9768/3.1.5-NOCWR).
        if self.ecn.on && !self.ecn.silent && len > 0 && self.snd.queue.take_reduced() {
            flags |= Flags::CWR;
        }
        if self.snd.queue.flight() == 0 {
            self.timers.progress = now;
        }
        if len < u64::from(size) {
            self.snd.small = range.end;
        }
        let why = if len == 0 && why == Rule::Data { Rule::FinQueued } else { why };
        let end = range.end;
        let pushed = self.send_range(now, range, why, len > 0, flags, out);
        self.snd.queue.on_sent(now, end, &self.config);
        if pushed {
            self.snd.queue.mark_pushed();
        }
        if len > 0 {
            self.on_data_sent(now);
        }
    }
    /// Puts the numbers `range` into a segment: data, and FIN where it is reached. Whether what was written ends in it.
    #[inline(always)]
    fn send_range(
        &mut self,
        now: Time,
        range: Range<Seq>,
        why: Rule,
        new_data: bool,
        flags: Flags,
        out: &mut Out,
    ) -> bool {
        let data_end = self.snd.buffer.end();
        let len = range.end.min(data_end).since(range.start) as u32;
        let (mut flags, mut ends) = (flags, false);
        let payload = if len > 0 { self.snd.buffer.slice(range.start, len) } else { Payload::Empty };
        if len > 0 {
            let data = range.start..range.start + u64::from(len);
            // Every copy carries what one did.
            ends = self.ends_write(&data) || !new_data && self.snd.queue.is_pushed(range.end);
            if ends {
                flags |= Flags::PSH;
            }
        }
        if range.end > data_end {
            flags |= Flags::FIN;
            if len == 0 && self.ledger.as_ref().is_some_and(|ledger| ledger.fin_torn) {
                flags |= Flags::PSH;
            }
        }
        if len > 0 && self.counts_truesize() {
            self.stamp_sent(range.start, range.start + u64::from(len), out);
        }
        self.emit(now, Body { seq: range.start, flags, payload, new_data }, why, out);
        ends
    }

    /// Whether something that was written ends in this data.
    #[inline]
    fn ends_write(&self, data: &Range<Seq>) -> bool {
        match self.skbs() {
            Some(skbs) => skbs.is_pushed(data.end),
            None => {
                let push = self.snd.push;
                data.end == self.snd.buffer.end() || data.start < push && push <= data.end
            }
        }
    }
    /// A zero-window probe, or what the override timer lets go: a part of the next segment if the window has any
    /// room (RFC 9293, sections 3.8.6.1 and 3.8.6.2.1).
    pub(super) fn probe_window(&mut self, now: Time, out: &mut Out) {
        let nxt = self.snd.queue.nxt();
        let room = self.window_end().since(nxt);
        if self.is_refused(now, out) {
            return;
        }
        if room > 0 && nxt < self.queued_end() {
            let size = self.size_at(now);
            let waiting = self.snd.buffer.end().since(nxt);
            let len = waiting.min(u64::from(size).min(room));
            let fin = self.snd.fin && len == waiting && len < room;
            if let Some(ledger) = &mut self.ledger {
                ledger.fin_torn |= self.snd.fin && len == waiting && !fin;
            }
            self.push_skb_at(nxt + len);
            self.send_new_range(now, nxt..nxt + len + u64::from(fin), (size, false), Rule::SwsOverride, out);
            return;
        }
        if self.config.probe_with_data && nxt < self.snd.buffer.end() {
            // The octet counts as sent only once it is acknowledged: the window does not allow it.
            let octet = self.snd.buffer.slice(nxt, 1);
            self.snd.probed = Some(nxt + 1);
            return self.emit(now, Body { payload: octet, ..Body::empty(nxt) }, Rule::ZeroWindowProbe, out);
        }
        self.send_empty_probe(now, Rule::ZeroWindowProbe, out);
    }
    /// A segment without data and with an old number, which the peer must answer. While urgent data waits, another
    /// one tells of it (Linux).
    pub(super) fn send_empty_probe(&mut self, now: Time, why: Rule, out: &mut Out) {
        let una = self.snd.queue.una();
        if self.snd.up.is_some_and(|up| up > una) {
            self.emit(now, Body::empty(una), why, out);
        }
        self.emit(now, Body::empty(una - 1), why, out);
    }
    /// The segment of new data that a tail loss probe may be, whatever cwnd says: none where the peer's window cuts it.
    pub(super) fn tail_probe(&self) -> Option<(Range<Seq>, u32)> {
        let nxt = self.snd.queue.nxt();
        if nxt >= self.queued_end() {
            return None;
        }
        let size = self.segment_size();
        let (range, hold) = self.next_new(nxt, size, Occasion { force: true, ..Occasion::default() });
        matches!(hold, Hold::Nothing | Hold::Congestion).then_some((range, size))
    }
    /// One segment of new data as a tail loss probe.
    pub(super) fn send_tail_probe(&mut self, now: Time, out: &mut Out) {
        self.tick_accecn(now);
        if let Some((range, size)) = self.tail_probe()
            && !self.is_refused(now, out)
        {
            self.send_new_range(now, range, (size, false), Rule::TailLossProbe, out);
        }
    }
}
