//! What happens to connections: a segment comes, a program calls, a deadline passes; and what becomes of what they then want.

use std::net::{IpAddr, SocketAddr};

use tcp::offer::reset_to;
use tcp::time_wait::TimeWaitOutcome;
use tcp::{Flags, Note, Out, Outgoing, Rule, Segment, SeqNum, State, Tcb, Time, TimeWait, Tuple};

use super::{ConnId, Holder, Mark, tuple_of};
use crate::figures::FlowEvent;
use crate::host::kernel::{Ctx, Kernel};
use crate::host::tap::Seen;
use crate::packet::{Body, IpHeader, Packet};
use crate::trace::{Cause, DropReason, Trigger};

impl Kernel {
    /// SEGMENT ARRIVES (RFC 9293, section 3.10.7).
    #[inline]
    pub(in crate::host) fn tcp_input(&mut self, ctx: &mut Ctx<'_>, packet: &Packet, segment: &Segment) {
        match self.tcp.find_for_segment(&packet.ip, segment) {
            Some(id) => self.connection_input(ctx, id, packet, segment),
            // Whoever has a connection is somebody.
            None if self.is_no_source(packet.ip.src) => ctx.out.dropped(packet.id, DropReason::BadHeader),
            None => {
                if self.takes(ctx, packet, segment) {
                    self.input_without_connection(ctx, &packet.ip, segment, None);
                }
            }
        }
    }
    /// A segment of this connection arrives.
    #[inline]
    fn connection_input(&mut self, ctx: &mut Ctx<'_>, id: ConnId, packet: &Packet, segment: &Segment) {
        if !self.takes(ctx, packet, segment) {
            return;
        }
        let merged = self.merged;
        let outcome = self.call(ctx, id, |tcb, now, out| match tcb {
            Tcb::TimeWait(record) => record.on_segment(now, segment, out),
            tcb => {
                if merged > 0 {
                    tcb.set_merged(merged);
                }
                tcb.on_segment(now, segment, packet.ip.ecn, out);
                if merged > 0 {
                    tcb.set_merged(0);
                }
                TimeWaitOutcome::Stays
            }
        });
        self.tcp.rest_again();
        match outcome {
            Some(TimeWaitOutcome::NewSyn(above)) => self.reopen(ctx, id, &packet.ip, segment, above),
            Some(TimeWaitOutcome::Ended) => self.tcp.remove(id),
            Some(TimeWaitOutcome::Stays) | None => {}
        }
    }
    /// Counts a segment that arrived. Whether it is looked at further: nobody has a key for one that is signed.
    #[inline]
    fn takes(&mut self, ctx: &mut Ctx<'_>, packet: &Packet, segment: &Segment) -> bool {
        self.counters.tcp_in_segs += 1;
        self.tcp.rest(ctx.now);
        self.counters.peak_connections = self.counters.peak_connections.max(self.tcp.count() as u64);
        let signed = segment.options.other.is_some()
            && self.is_signed_for_nobody(&tuple_of(&packet.ip, segment), segment);
        if signed {
            Kernel::drop_trigger(ctx, DropReason::Tcp(Rule::SignatureUnexpected));
        }
        !signed
    }
    /// A SYN that begins a connection where there is a TIME-WAIT record, its numbers above this.
    #[cold]
    fn reopen(&mut self, ctx: &mut Ctx<'_>, id: ConnId, ip: &IpHeader, segment: &Segment, above: SeqNum) {
        if self.tcp.listener_for(SocketAddr::new(ip.dst, segment.dst)).is_some() {
            // The listener says in the trace that TIME-WAIT is over.
            self.tcp.remove(id);
            return self.input_without_connection(ctx, ip, segment, Some(above));
        }
        self.call(ctx, id, |tcb, now, out| {
            if let Tcb::TimeWait(record) = tcb {
                record.refuse_syn(now, segment, out);
            }
        });
    }
    /// A segment for a listener, or for nobody.
    #[inline(never)]
    fn input_without_connection(
        &mut self,
        ctx: &mut Ctx<'_>,
        ip: &IpHeader,
        segment: &Segment,
        reopens: Option<SeqNum>,
    ) {
        let tuple = tuple_of(ip, segment);
        if let Some(listener) = self.tcp.listener_for(tuple.local) {
            return self.listener_input(ctx, listener, tuple, (segment, ip.ecn), reopens);
        }
        let seen = Seen::Segment(tuple.remote, segment.flags);
        if let Some((task, answers)) = self.taps.offer(tuple.local.port(), seen) {
            self.ready.push(task);
            if !answers {
                return;
            }
        }
        self.no_connection(ctx, tuple, segment);
    }

    /// Whether a segment is signed (RFC 2385) that came for a connection or a listener: nobody has a key here.
    #[cold]
    fn is_signed_for_nobody(&self, tuple: &Tuple, segment: &Segment) -> bool {
        let known = match self.tcp.find(tuple) {
            Some(id) => !matches!(self.tcp.tcb(id), Some(Tcb::TimeWait(_))),
            None => self.tcp.listener_for(tuple.local).is_some(),
        };
        known && self.setup.spec.tcp.drop_signed && segment.options.is_signed()
    }

    /// A segment for nobody (RFC 9293, section 3.10.7.1).
    fn no_connection(&mut self, ctx: &mut Ctx<'_>, tuple: Tuple, segment: &Segment) {
        if segment.has(Flags::RST) {
            return Kernel::drop_trigger(ctx, DropReason::Tcp(Rule::RstForNobody));
        }
        let reset = reset_to(&self.setup.spec.tcp, segment);
        self.counters.tcp_out_segs += 1;
        self.counters.tcp_out_rsts += 1;
        let ip = self.header(tuple.local.ip(), tuple.remote.ip(), true, 0);
        self.transmit(ctx, ip, Body::Tcp(reset), Rule::NoConnection);
    }

    /// Calls a connection and does what it wants. `None`: there is none of this number.
    #[inline]
    pub(in crate::host) fn call<R>(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: ConnId,
        what: impl FnOnce(&mut Tcb, Time, &mut Out) -> R,
    ) -> Option<R> {
        let mut out = ctx.out.borrow_tcp();
        let result = self.tcp.tcb_mut(id).map(|tcb| what(tcb, ctx.now, &mut out));
        if result.is_some() {
            self.settle(ctx, id, &mut out);
        }
        ctx.out.return_tcp(out);
        result
    }

    /// Does what a connection wants after a call: records, segments, news for its program, TIME-WAIT, its deadline.
    pub(in crate::host) fn settle(&mut self, ctx: &mut Ctx<'_>, id: ConnId, out: &mut Out) {
        if !out.notes.is_empty() {
            if ctx.out.flows.is_some() {
                self.measure(ctx, id, &out.notes);
            }
            let confirmed = out.notes.contains(&Note::Happened(Rule::PmtuConfirmed));
            self.note(ctx, self.tcp.slots[id as usize].ends.tuple(), out);
            if confirmed {
                self.confirm_path_mtu(ctx.now, id);
            }
        }
        if let Some(tcb) = &self.tcp.slots[id as usize].tcb {
            self.counters.load(tcb.load());
        }
        if !out.segments.is_empty() {
            if matches!(ctx.trigger, Trigger::Packet(_)) {
                self.counters.answers(out.segments.len());
            }
            let slot = &mut self.tcp.slots[id as usize];
            let (mark, ident) = (slot.mark, slot.ident);
            slot.ident = ident.wrapping_add(out.segments.len() as u16);
            match slot.ends.v4() {
                // Here the family is known, and the header is put together where the packet lives.
                Some((src, dst)) => {
                    let ip = self.header_as_marked(src.into(), dst.into(), mark, ident);
                    self.transmit_segments(ctx, ip, &mut out.segments);
                }
                None => self.transmit_of_any_family(ctx, id, ident, &mut out.segments),
            }
            out.segments.clear();
        }
        if !out.stamps.is_empty() {
            match self.tcp.slots[id as usize].holder {
                Holder::Socket(socket) => self.report(ctx.now, socket, &mut out.stamps),
                _ => out.stamps.clear(),
            }
        }
        if !out.fast_open.is_empty() {
            for news in std::mem::take(&mut out.fast_open) {
                self.note_fast_open(ctx, id, news);
            }
        }
        let wake = out.take_wake();
        let slot = &self.tcp.slots[id as usize];
        if wake.any()
            && let Holder::Socket(socket) = slot.holder
        {
            self.wake(socket, wake);
        }
        match out.time_wait.take() {
            Some(record) => self.enter_time_wait(ctx, id, record),
            None => self.tidy(id),
        }
    }

    /// Takes down what of a connection's notes figures are made of.
    #[cold]
    fn measure(&self, ctx: &mut Ctx<'_>, id: ConnId, notes: &[Note]) {
        for note in notes {
            match *note {
                Note::Rtt { sample, .. } => self.flow(ctx, id, |_| FlowEvent::Rtt(sample)),
                Note::State { to, why, .. } => {
                    if matches!(to, State::TimeWait | State::Closed)
                        && let Some(tcb) = self.tcp.tcb(id)
                    {
                        let info = Box::new(tcb.info(ctx.now));
                        self.flow(ctx, id, |_| FlowEvent::Info(info));
                    }
                    self.flow(ctx, id, |_| FlowEvent::State(to, why));
                }
                Note::Cwnd { .. } | Note::Dropped(_) | Note::Happened(_) => {}
            }
        }
    }

    /// A connection has found a claim of a smaller path MTU to be true (RFC 5927, section 7.2).
    fn confirm_path_mtu(&mut self, now: Time, id: ConnId) {
        let dst = self.tcp.slots[id as usize].ends.remote_ip();
        if let Some(mtu) = self.tcp.tcb(id).map(|tcb| tcb.info(now).pmtu) {
            self.path_takes(now, dst, (mtu, mtu));
        }
    }

    /// The connection has become a TIME-WAIT record, which takes its place under the four-tuple.
    fn enter_time_wait(&mut self, ctx: &mut Ctx<'_>, id: ConnId, record: Box<TimeWait>) {
        if self.tcp.time_waits >= self.setup.spec.tcp.max_tw_buckets {
            // Its four-tuple is free at once: that the next connection between these ends may see old duplicates is the
            // price of a bounded table.
            self.counters.tcp_time_wait_overflow += 1;
            let why = Cause { trigger: ctx.trigger, rule: Rule::TimeWaitOverflow };
            ctx.out.state(self.tcp.slots[id as usize].ends.tuple(), State::TimeWait, State::Closed, why);
            return self.tidy(id);
        }
        self.counters.tw += 1;
        let slot = &mut self.tcp.slots[id as usize];
        let (tuple, port_bound, mark) = (slot.ends.tuple(), slot.port_bound, slot.mark);
        if slot.holder == Holder::Nobody {
            slot.tcb = Some(Tcb::TimeWait(record));
            self.tcp.time_waits += 1;
            return self.tidy(id);
        }
        self.tcp.forget_tuple(id);
        let record_id = self.tcp.insert(tuple, Tcb::TimeWait(record), (Holder::Nobody, mark), port_bound);
        self.tidy(record_id);
        // A program still holds what is left to read.
        self.tidy(id);
    }

    /// After a call: a closed connection leaves the table, one that nobody holds its place too; the deadline is set.
    #[inline(always)]
    fn tidy(&mut self, id: ConnId) {
        let slot = &self.tcp.slots[id as usize];
        let Some(tcb) = &slot.tcb else { return };
        if tcb.is_closed() || !slot.in_table {
            if slot.holder == Holder::Nobody {
                return self.tcp.remove(id);
            }
            // A program still reads what is left, or will accept it and find the error.
            self.tcp.forget_tuple(id);
            self.tcp.deadlines.remove(id);
        } else {
            self.tcp.deadlines.set(id, tcb.deadline());
        }
    }

    /// Deadlines of connections and listeners that have come.
    pub(in crate::host) fn tcp_deadlines(&mut self, ctx: &mut Ctx<'_>) {
        self.tcp.rest(ctx.now);
        // Once each: one that were due again at once, and for ever, would come back as an event, which the engine counts.
        for _ in 0..self.tcp.deadlines.len() {
            let Some(id) = self.tcp.deadlines.pop(ctx.now) else { break };
            if let Some(later) = self.tcp.sleeps_until(id, ctx.now) {
                self.tcp.deadlines.set(id, later);
                continue;
            }
            let over = self.call(ctx, id, |tcb, now, out| match tcb {
                Tcb::TimeWait(record) => record.on_deadline(now, out),
                tcb => {
                    tcb.on_deadline(now, out);
                    false
                }
            });
            if over == Some(true) {
                self.tcp.remove(id);
            }
            self.tcp.rest_when_answered();
        }
        while let Some(id) = self.tcp.listener_deadlines.pop(ctx.now) {
            self.listener_deadline(ctx, id);
        }
    }

    /// Records and counts what happened to a connection.
    pub(in crate::host) fn note(&mut self, ctx: &mut Ctx<'_>, tuple: Tuple, out: &mut Out) {
        for note in out.notes.drain(..) {
            match note {
                Note::State { from, to, why } => {
                    self.counters.transition(from, to, why);
                    ctx.out.state(tuple, from, to, Cause { trigger: ctx.trigger, rule: why });
                }
                Note::Dropped(rule) => {
                    self.counters.segment_dropped(rule);
                    if let Trigger::Packet(packet) = ctx.trigger {
                        ctx.out.dropped(packet, DropReason::Tcp(rule));
                    }
                }
                Note::Happened(Rule::InitialWindowLost) => {
                    self.first_windows.failed(ctx.now, tuple.remote.ip());
                    ctx.out.tcp(tuple, note, ctx.trigger);
                }
                Note::Happened(rule) => {
                    self.counters.happened(rule);
                    ctx.out.tcp(tuple, note, ctx.trigger);
                }
                Note::Cwnd { .. } | Note::Rtt { .. } => ctx.out.tcp(tuple, note, ctx.trigger),
            }
        }
    }

    #[inline(never)]
    fn transmit_of_any_family(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: ConnId,
        ident: u16,
        segments: &mut [Outgoing],
    ) {
        let slot = &self.tcp.slots[id as usize];
        let (src, dst) = slot.ends.addresses();
        let ip = self.header_as_marked(src, dst, slot.mark, ident);
        self.transmit_segments(ctx, ip, segments);
    }
    /// The header of packets of a connection or a listener.
    #[inline(always)]
    pub(in crate::host) fn header_as_marked(
        &self,
        src: IpAddr,
        dst: IpAddr,
        mark: Mark,
        ident: u16,
    ) -> IpHeader {
        let df = self.setup.spec.tcp.path_mtu_discovery && !mark.fragmented;
        let ttl = if mark.ttl > 0 { mark.ttl } else { self.setup.spec.ttl };
        IpHeader { dscp: mark.dscp, ttl, ..self.header(src, dst, df, ident) }
    }

    /// State of a connection: CLOSED when there is none.
    pub(in crate::host) fn state_of(&self, id: ConnId) -> State {
        self.tcp.tcb(id).map_or(State::Closed, Tcb::state)
    }
}
