//! TCP of a host: which connection, listener or nobody a segment belongs to, and what becomes of what TCP wants.
//!
//! Connections live in a slab, found by four-tuple in a table that is only looked into, never walked. One that is idle
//! costs its place and nothing else: deadlines have a heap of their own.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use tcp::isn::Ends;
use tcp::offer::reset_options;
use tcp::tcb::SocketOption;
use tcp::time_wait::TimeWaitOutcome;
use tcp::{Flags, IsnSecret, Note, Out, Outgoing, Rule, Segment, SeqNum, State, Tcb, Time, TimeWait, Tuple};

use super::deadlines::Deadlines;
use super::kernel::{Ctx, Kernel, mix};
use super::lean;
use super::listening::ListenSlot;
use super::ports::Ports;
use super::sockets::SocketId;
use super::tap::Seen;
use crate::figures::FlowEvent;
use crate::packet::{Body, IpHeader};
use crate::trace::{Cause, DropReason, Trigger};

/// Number of a connection in the slab; used again when it is gone.
pub(super) type ConnId = u32;

/// Connections and listeners.
#[derive(Clone)]
pub(super) struct TcpLayer {
    pub(super) secret: IsnSecret,
    table: Table,
    slots: Vec<Slot>,
    free: Vec<ConnId>,
    deadlines: Deadlines,
    pub(super) listeners: Vec<Option<ListenSlot>>,
    pub(super) listening: BTreeMap<(u16, Option<IpAddr>), u32>,
    pub(super) listener_deadlines: Deadlines,
    pub(super) ports: Ports,
    /// Connections so far: names an incarnation.
    opened: u32,
    /// Records in TIME-WAIT.
    time_waits: u32,
}

/// Finds connections by four-tuple. It holds numbers only: the four-tuples are those of the places.
#[derive(Clone, Default)]
struct Table {
    numbers: HashTable<ConnId>,
    /// The connection that was found last: segments come in trains.
    latest: ConnId,
}

impl Table {
    fn find(&self, tuple: &Tuple, slots: &[Slot]) -> Option<ConnId> {
        let is_it =
            |id: &ConnId| slots.get(*id as usize).is_some_and(|slot| slot.in_table && slot.ends.are(tuple));
        if is_it(&self.latest) {
            return Some(self.latest);
        }
        self.numbers.find(hash_of(tuple), is_it).copied()
    }
    fn insert(&mut self, id: ConnId, slots: &[Slot]) {
        let hash = |id: &ConnId| hash_of(&slots[*id as usize].ends.tuple());
        self.numbers.insert_unique(hash(&id), id, hash);
    }
    fn remove(&mut self, id: ConnId, tuple: &Tuple) {
        if let Ok(entry) = self.numbers.find_entry(hash_of(tuple), |other| *other == id) {
            entry.remove();
        }
    }
}

fn hash_of(tuple: &Tuple) -> u64 {
    FxBuildHasher.hash_one(tuple)
}

/// A place in the slab.
#[derive(Clone)]
struct Slot {
    /// `None`: free, or out on a call.
    tcb: Option<Tcb>,
    ends: Ends,
    holder: Holder,
    /// Which of all connections of this host since it booted.
    incarnation: u32,
    /// IP identification of the next packet.
    ident: u16,
    /// What the program has asked of IP.
    mark: Mark,
    /// Whether the table leads here.
    in_table: bool,
    /// Whether the port was bound by a program: to a number of its choice, or by a listener.
    port_bound: bool,
}

impl std::hash::Hash for TcpLayer {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // The table finds what is in the slots; deadlines are those of the connections and listeners.
        let TcpLayer {
            secret,
            table: _,
            slots,
            free,
            deadlines: _,
            listeners,
            listening,
            listener_deadlines: _,
            ports,
            opened,
            time_waits,
        } = self;
        (secret, slots, free, listeners, listening, ports, opened, time_waits).hash(state);
    }
}

impl std::hash::Hash for Slot {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // Identifications matter to fragments only: whoever asks for a digest sees to them (`idents_into`).
        let Slot { tcb, ends, holder, incarnation, ident: _, mark, in_table, port_bound } = self;
        (tcb, ends, holder, incarnation, mark, in_table, port_bound).hash(state);
    }
}

impl TcpLayer {
    /// The identifications that come next.
    pub(super) fn idents_into<H: std::hash::Hasher>(&self, state: &mut H) {
        self.slots.iter().for_each(|slot| std::hash::Hash::hash(&slot.ident, state));
    }
}

/// What a program asks of IP for its packets (RFC 9293, section 3.9.1.9 and 3.9.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Mark {
    /// Differentiated services code point.
    dscp: u8,
    /// TTL or hop limit; zero: that of the host.
    ttl: u8,
    /// Routers may fragment it.
    fragmented: bool,
}

impl Mark {
    /// That of a socket with these options.
    pub(super) fn of(options: &[SocketOption]) -> Mark {
        let mut mark = Mark::default();
        options.iter().for_each(|option| mark.set(*option));
        mark
    }
    /// Takes an option, if it is IP's.
    pub(super) fn set(&mut self, option: SocketOption) {
        match option {
            SocketOption::Dscp(dscp) => self.dscp = dscp,
            SocketOption::Ttl(ttl) => self.ttl = ttl,
            SocketOption::PathMtuDiscovery(on) => self.fragmented = !on,
            _ => {}
        }
    }
}

/// Who would miss a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Holder {
    /// Nobody: an orphan, or a TIME-WAIT record.
    Nobody,
    /// A program, through this socket.
    Socket(SocketId),
    /// The accept queue of this listener.
    Queue(u32),
}

#[cfg(test)]
pub(super) fn slot_size() -> usize {
    size_of::<Slot>()
}

impl TcpLayer {
    pub(super) fn new(secret: IsnSecret) -> TcpLayer {
        TcpLayer {
            secret,
            table: Table::default(),
            slots: Vec::new(),
            free: Vec::new(),
            deadlines: Deadlines::default(),
            listeners: Vec::new(),
            listening: BTreeMap::new(),
            listener_deadlines: Deadlines::default(),
            ports: Ports::default(),
            opened: 0,
            time_waits: 0,
        }
    }
    pub(super) fn deadline(&self) -> Time {
        self.deadlines.next().min(self.listener_deadlines.next())
    }
    /// The connection of this four-tuple.
    #[inline]
    pub(super) fn find(&self, tuple: &Tuple) -> Option<ConnId> {
        self.table.find(tuple, &self.slots)
    }
    /// The same for a segment that arrived.
    #[inline]
    fn find_for_segment(&mut self, tuple: &Tuple) -> Option<ConnId> {
        let id = self.find(tuple)?;
        self.table.latest = id;
        Some(id)
    }
    pub(super) fn tcb(&self, id: ConnId) -> Option<&Tcb> {
        self.slots.get(id as usize)?.tcb.as_ref()
    }
    pub(super) fn tcb_mut(&mut self, id: ConnId) -> Option<&mut Tcb> {
        self.slots.get_mut(id as usize)?.tcb.as_mut()
    }
    pub(super) fn tuple(&self, id: ConnId) -> Option<Tuple> {
        self.slots.get(id as usize).filter(|slot| slot.tcb.is_some()).map(|slot| slot.ends.tuple())
    }
    pub(super) fn incarnation(&self, id: ConnId) -> u32 {
        self.slots.get(id as usize).map_or(0, |slot| slot.incarnation)
    }
    pub(super) fn set_holder(&mut self, id: ConnId, holder: Holder) {
        if let Some(slot) = self.slots.get_mut(id as usize) {
            slot.holder = holder;
        }
    }
    /// All connections and TIME-WAIT records that a segment could reach, by number.
    pub(super) fn connections(&self) -> impl Iterator<Item = (Tuple, &Tcb, Holder)> {
        self.slots
            .iter()
            .filter(|slot| slot.in_table)
            .filter_map(|slot| slot.tcb.as_ref().map(|tcb| (slot.ends.tuple(), tcb, slot.holder)))
    }
    /// The connections to this address, in no particular order of time: by number.
    pub(super) fn connections_to(&mut self, dst: IpAddr) -> impl Iterator<Item = &mut Tcb> {
        let to = move |slot: &&mut Slot| slot.in_table && slot.ends.remote_ip() == dst;
        self.slots.iter_mut().filter(to).filter_map(|slot| slot.tcb.as_mut())
    }
    /// All connections, with the addresses of their peers.
    pub(super) fn remote_connections(&mut self) -> impl Iterator<Item = (IpAddr, &mut Tcb)> {
        let slots = self.slots.iter_mut().filter(|slot| slot.in_table);
        slots.filter_map(|slot| Some((slot.ends.remote_ip(), slot.tcb.as_mut()?)))
    }
    /// Calls `what` with each connection.
    pub(super) fn each_tcb(&mut self, what: impl Fn(&mut Tcb)) {
        self.slots.iter_mut().filter_map(|slot| slot.tcb.as_mut()).for_each(what);
    }
    /// The states of all connections and half-open requests, each with its four-tuple.
    pub(super) fn states(&self) -> Vec<(Tuple, State)> {
        let requests = self.listeners.iter().flatten().flat_map(|slot| slot.listener.requests());
        let requests = requests.map(|request| (request.tuple, State::SynReceived));
        self.connections().map(|(tuple, tcb, _)| (tuple, tcb.state())).chain(requests).collect()
    }
    /// The listener for segments to this address, by number: one on the address itself before one on all.
    pub(super) fn listener_for(&self, local: SocketAddr) -> Option<u32> {
        let port = local.port();
        self.listening.get(&(port, Some(local.ip()))).or_else(|| self.listening.get(&(port, None))).copied()
    }
    /// What the program asks of IP for this connection.
    pub(super) fn mark_mut(&mut self, id: ConnId) -> Option<&mut Mark> {
        self.slots.get_mut(id as usize).map(|slot| &mut slot.mark)
    }
    /// Gives a connection its place.
    pub(super) fn insert(
        &mut self,
        tuple: Tuple,
        tcb: Tcb,
        (holder, mark): (Holder, Mark),
        port_bound: bool,
    ) -> ConnId {
        self.opened = self.opened.wrapping_add(1);
        self.time_waits += u32::from(matches!(tcb, Tcb::TimeWait(_)));
        let ident = mix(self.secret.0[1] ^ u64::from(self.opened)) as u16;
        let slot = Slot {
            tcb: Some(tcb),
            ends: Ends::new(tuple),
            holder,
            incarnation: self.opened,
            ident,
            mark,
            in_table: true,
            port_bound,
        };
        let id = match self.free.pop() {
            Some(id) => {
                self.slots[id as usize] = slot;
                id
            }
            None => {
                lean::push(&mut self.slots, slot);
                (self.slots.len() - 1) as ConnId
            }
        };
        self.table.insert(id, &self.slots);
        self.ports.take(tuple.local.port(), port_bound);
        id
    }
    /// Connections in the table, TIME-WAIT included.
    fn count(&self) -> usize {
        self.table.numbers.len()
    }
    /// Takes a connection out of the table: its four-tuple is free.
    fn forget_tuple(&mut self, id: ConnId) {
        let slot = &mut self.slots[id as usize];
        if std::mem::take(&mut slot.in_table) {
            self.table.remove(id, &slot.ends.tuple());
            self.ports.give_back(slot.ends.ports().0, slot.port_bound);
        }
    }
    /// Frees the place of a connection.
    pub(super) fn remove(&mut self, id: ConnId) {
        self.forget_tuple(id);
        self.deadlines.remove(id);
        if let Some(tcb) = self.slots[id as usize].tcb.take() {
            self.time_waits -= u32::from(matches!(tcb, Tcb::TimeWait(_)));
            self.free.push(id);
        }
    }
    /// Takes a TIME-WAIT record out, for the connection that takes its place.
    pub(super) fn take_time_wait(&mut self, id: ConnId) -> Option<TimeWait> {
        let record = match self.tcb(id)? {
            Tcb::TimeWait(record) => TimeWait::clone(record),
            _ => return None,
        };
        self.remove(id);
        Some(record)
    }
}

impl Kernel {
    /// SEGMENT ARRIVES (RFC 9293, section 3.10.7).
    pub(super) fn tcp_input(&mut self, ctx: &mut Ctx<'_>, ip: &IpHeader, segment: &Segment) {
        self.counters.tcp_in_segs += 1;
        self.counters.peak_connections = self.counters.peak_connections.max(self.tcp.count() as u64);
        let tuple = Tuple {
            local: SocketAddr::new(ip.dst, segment.dst),
            remote: SocketAddr::new(ip.src, segment.src),
        };
        let mut reopens = None;
        if let Some(id) = self.tcp.find_for_segment(&tuple) {
            let merged = self.merged;
            let outcome = self.call(ctx, id, |tcb, now, out| match tcb {
                Tcb::TimeWait(record) => record.on_segment(now, segment, out),
                tcb => {
                    if merged > 0 {
                        tcb.set_merged(merged);
                    }
                    tcb.on_segment(now, segment, ip.ecn, out);
                    if merged > 0 {
                        tcb.set_merged(0);
                    }
                    TimeWaitOutcome::Stays
                }
            });
            match outcome {
                Some(TimeWaitOutcome::NewSyn(above)) if self.tcp.listener_for(tuple.local).is_some() => {
                    // The listener says in the trace that TIME-WAIT is over.
                    self.tcp.remove(id);
                    reopens = Some(above);
                }
                Some(TimeWaitOutcome::NewSyn(_)) => {
                    self.call(ctx, id, |tcb, now, out| {
                        if let Tcb::TimeWait(record) = tcb {
                            record.refuse_syn(now, segment, out);
                        }
                    });
                    return;
                }
                Some(TimeWaitOutcome::Ended) => return self.tcp.remove(id),
                Some(TimeWaitOutcome::Stays) | None => return,
            }
        }
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

    /// A segment for nobody (RFC 9293, section 3.10.7.1).
    fn no_connection(&mut self, ctx: &mut Ctx<'_>, tuple: Tuple, segment: &Segment) {
        if segment.has(Flags::RST) {
            if let Some(packet) = Kernel::trigger_packet(ctx) {
                ctx.out.dropped(packet, DropReason::Tcp(Rule::RstForNobody));
            }
            return;
        }
        let reset = if segment.has(Flags::ACK) {
            Segment { seq: segment.ack, flags: Flags::RST, ..Segment::default() }
        } else {
            let ack = segment.seq.add(segment.seq_len());
            Segment { seq: SeqNum(0), ack, flags: Flags::RST | Flags::ACK, ..Segment::default() }
        };
        let options = reset_options(&self.setup.spec.tcp, segment);
        let reset = Segment { src: segment.dst, dst: segment.src, options, ..reset };
        self.counters.tcp_out_segs += 1;
        self.counters.tcp_out_rsts += 1;
        let ip = self.header(tuple.local.ip(), tuple.remote.ip(), true, 0);
        self.transmit(ctx, ip, Body::Tcp(reset), Rule::NoConnection);
    }

    /// Calls a connection and does what it wants. `None`: there is none of this number.
    #[inline]
    pub(super) fn call<R>(
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

    /// The same where a call that leaves `out` empty has changed nothing but what the program may read: there is nothing
    /// to settle then.
    #[inline]
    pub(super) fn call_lightly<R>(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: ConnId,
        what: impl FnOnce(&mut Tcb, Time, &mut Out) -> R,
    ) -> Option<R> {
        let mut out = ctx.out.borrow_tcp();
        let result = self.tcp.tcb_mut(id).map(|tcb| what(tcb, ctx.now, &mut out));
        if !out.is_empty() {
            self.settle(ctx, id, &mut out);
        }
        ctx.out.return_tcp(out);
        result
    }

    /// Does what a connection wants after a call: records, segments, news for its program, TIME-WAIT, its deadline.
    pub(super) fn settle(&mut self, ctx: &mut Ctx<'_>, id: ConnId, out: &mut Out) {
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
            let tuple = self.tcp.slots[id as usize].ends.tuple();
            for outgoing in out.segments.drain(..) {
                let slot = &mut self.tcp.slots[id as usize];
                slot.ident = slot.ident.wrapping_add(1);
                let (ident, mark) = (slot.ident, slot.mark);
                self.send_segment(ctx, tuple, outgoing, (ident, mark));
            }
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
    pub(super) fn tcp_deadlines(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(id) = self.tcp.deadlines.pop(ctx.now) {
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
        }
        while let Some(id) = self.tcp.listener_deadlines.pop(ctx.now) {
            self.listener_deadline(ctx, id);
        }
    }

    /// Records and counts what happened to a connection.
    pub(super) fn note(&mut self, ctx: &mut Ctx<'_>, tuple: Tuple, out: &mut Out) {
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

    /// Sends a segment of a connection or a listener.
    #[inline]
    pub(super) fn send_segment(
        &mut self,
        ctx: &mut Ctx<'_>,
        tuple: Tuple,
        outgoing: Outgoing,
        (ident, mark): (u16, Mark),
    ) {
        self.counters.segment_sent(&outgoing);
        let df = self.setup.spec.tcp.path_mtu_discovery && !mark.fragmented;
        let mut ip = self.header(tuple.local.ip(), tuple.remote.ip(), df, ident);
        ip.ecn = outgoing.ecn;
        ip.dscp = mark.dscp;
        if mark.ttl > 0 {
            ip.ttl = mark.ttl;
        }
        self.transmit(ctx, ip, Body::Tcp(outgoing.segment), outgoing.why);
    }

    /// Whether a connection has left CLOSED for good: nothing of it can be reached any more.
    pub(super) fn state_of(&self, id: ConnId) -> State {
        self.tcp.tcb(id).map_or(State::Closed, Tcb::state)
    }
}
