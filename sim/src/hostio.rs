//! What passes between the engine and a host: what the host knows of its links, and what it wants to happen.
//!
//! The engine calls one of the host's methods, drains the [`HostOut`] in order (packets go out on the link that the
//! host's route names), and reads the host's deadline again. After that nothing is left to poll.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use tcp::{Note, Out, Segment, State, Time, Tuple};

use crate::calls::ProgramCall;
use crate::check::{StreamCheck, StreamEvent};
use crate::figures::{FlowEvent, FlowLog};
use crate::packet::{IpHeader, Packet, PacketId};
use crate::route::{Hop, Routes};
use crate::slab::{Handle, Slab};
use crate::trace::{Cause, DropReason, NodeId, PipeId, TraceLevel, Trigger, What};

/// What a host wants to happen, in order. The engine owns it, drains it after each call and reuses it.
#[derive(Clone, Debug, Default)]
pub struct HostOut {
    tcp: Scratch,
    pub(crate) items: Vec<HostItem>,
    /// What the larger and rarer of these are, by number.
    others: Vec<Option<Other>>,
    /// Where packets live from the moment they are sent.
    pub(crate) packets: Slab,
    pub(crate) level: TraceLevel,
    pub(crate) node: NodeId,
    /// The event in which the host was called that was called last.
    pub(crate) event: u64,
    pub(crate) next_packet: u64,
    /// Looks at what programs write and read; `None`: nobody does.
    pub(crate) streams: Option<Box<StreamCheck>>,
    /// Takes down what connections do, for figures; `None`: nobody asked.
    pub(crate) flows: Option<Box<FlowLog>>,
    /// The host whose programs' calls are taken down; `None`: nobody asked.
    pub(crate) calls: Option<NodeId>,
}

/// One thing that a host wants to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HostItem {
    /// A packet goes out.
    Send(Handle, Cause),
    /// A packet was dropped.
    Dropped(PacketId, DropReason),
    /// Something else, of this number: see [`HostOut::take_other`].
    Other(u32),
}

/// What a host wants besides, which stands apart: it is large, and mostly hosts send.
#[derive(Clone, Debug)]
pub(crate) enum Other {
    /// A connection changed its state.
    State(Tuple, State, State, Cause),
    /// Another line for the trace.
    Record(What),
    /// A call of a program on this socket.
    Call(u32, ProgramCall),
}

/// The buffer that TCP writes into, kept for its capacity: empty between calls, so a clone begins with a new one.
#[derive(Default)]
struct Scratch(Option<Box<Out>>);

impl Clone for Scratch {
    fn clone(&self) -> Scratch {
        Scratch::default()
    }
}
impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch")
    }
}

impl HostOut {
    /// The buffer that TCP writes into, for one call; it is returned after it.
    #[inline]
    pub(crate) fn borrow_tcp(&mut self) -> Box<Out> {
        let mut out = self.tcp.0.take().unwrap_or_default();
        out.verbose = self.verbose() || self.flows.is_some();
        out
    }
    #[inline]
    pub(crate) fn return_tcp(&mut self, out: Box<Out>) {
        self.tcp.0 = Some(out);
    }
    /// A buffer for tests of a host by itself.
    pub fn new(node: NodeId, level: TraceLevel) -> HostOut {
        HostOut { level, node, ..HostOut::default() }
    }
    /// The number of a new packet.
    pub fn packet_id(&mut self) -> PacketId {
        self.next_packet += 1;
        PacketId(self.next_packet)
    }
    /// Sends a packet out on the link that the host's route to its destination names.
    pub fn send(&mut self, packet: Packet, why: Cause) {
        let handle = self.packets.insert(packet);
        self.items.push(HostItem::Send(handle, why));
    }
    /// The same for a segment: it is written to where it lives at once, and what was there before is left in its place.
    #[inline(always)]
    pub(crate) fn send_segment(&mut self, id: PacketId, ip: IpHeader, segment: &mut Segment, why: Cause) {
        let handle = self.packets.insert_segment(id, ip, segment);
        self.items.push(HostItem::Send(handle, why));
    }
    /// Notes that a packet was dropped. Part of the trace hash, so always kept.
    pub fn dropped(&mut self, packet: PacketId, why: DropReason) {
        self.items.push(HostItem::Dropped(packet, why));
    }
    /// Notes a change of state. Part of the trace hash, so always kept.
    pub fn state(&mut self, tuple: Tuple, from: State, to: State, why: Cause) {
        let item = self.other(Other::State(tuple, from, to, why));
        self.items.push(item);
    }
    /// Notes something that happened within TCP, if a trace is kept.
    pub fn tcp(&mut self, tuple: Tuple, note: Note, trigger: Trigger) {
        let measured = matches!(note, Note::Cwnd { .. } | Note::Rtt { .. });
        if self.tracing() && (!measured || self.verbose()) {
            self.record(What::Tcp { node: self.node, tuple, note, trigger });
        }
    }
    /// Notes a call of a program and its result, if a trace is kept: then only is the text made.
    pub fn program<C: Into<Cow<'static, str>>>(
        &mut self,
        program: &Arc<str>,
        text: impl FnOnce() -> (C, String),
    ) {
        if self.tracing() {
            let (call, result) = text();
            let program = Arc::clone(program);
            self.record(What::Program { node: self.node, program, call: call.into(), result });
        }
    }
    fn record(&mut self, what: What) {
        let item = self.other(Other::Record(what));
        self.items.push(item);
    }
    /// Tells the checker of streams what a program did, if there is one: then only is the event made.
    #[inline]
    pub fn stream(&mut self, now: Time, event: impl FnOnce() -> Option<StreamEvent>) {
        if let Some(streams) = &mut self.streams
            && let Some(event) = event()
        {
            streams.take((now, self.event), self.node, event);
        }
    }
    /// Takes down what a connection of this host did, if figures are asked for: then only is the event made.
    #[inline]
    pub(crate) fn flow(&mut self, now: Time, event: impl FnOnce() -> Option<((Tuple, u32), FlowEvent)>) {
        if let Some(flows) = &mut self.flows
            && let Some((end, event)) = event()
        {
            flows.take(now, self.node, end, event);
        }
    }
    /// A program called connect(2), and there is no connection: no port was left, or no way there.
    pub(crate) fn unopened(&mut self, program: impl FnOnce() -> Arc<str>) {
        if let Some(flows) = &mut self.flows {
            flows.refused(program());
        }
    }
    /// Whether anybody wants to know what programs do.
    #[inline]
    pub(crate) fn is_anybody_looking(&self) -> bool {
        self.streams.is_some() || self.flows.is_some() || self.calls.is_some()
    }
    /// Where a call that is about to be made stands among what it brings about.
    #[inline]
    pub(crate) fn mark(&self) -> usize {
        self.items.len()
    }
    /// Takes down a call that was begun at this mark, if calls of this host are asked for: then only is it described.
    #[inline]
    pub(crate) fn call(&mut self, mark: usize, socket: u32, call: impl FnOnce() -> Option<ProgramCall>) {
        if self.calls == Some(self.node)
            && let Some(call) = call()
        {
            let item = self.other(Other::Call(socket, call));
            self.items.insert(mark.min(self.items.len()), item);
        }
    }
    /// Whether a trace is kept.
    pub fn tracing(&self) -> bool {
        self.level > TraceLevel::Off
    }
    /// Whether the trace wants windows and round-trip times too.
    pub fn verbose(&self) -> bool {
        self.level == TraceLevel::Verbose
    }
    fn other(&mut self, other: Other) -> HostItem {
        self.others.push(Some(other));
        HostItem::Other((self.others.len() - 1) as u32)
    }
    /// What an item of this number is, once.
    pub(crate) fn take_other(&mut self, number: u32) -> Option<Other> {
        self.others.get_mut(number as usize)?.take()
    }
    /// All items have been looked at; `items` is where they were, whose room is used again.
    #[inline]
    pub(crate) fn are_done(&mut self, mut items: Vec<HostItem>) {
        items.clear();
        self.items = items;
        self.others.clear();
    }
    /// The line of the trace that this is, if it is one.
    pub(crate) fn record_of(&mut self, item: HostItem) -> Option<What> {
        let node = self.node;
        match item {
            HostItem::Send(..) => None,
            HostItem::Dropped(packet, why) => Some(What::Dropped { node, packet, why }),
            HostItem::Other(number) => match self.take_other(number)? {
                Other::State(tuple, from, to, why) => Some(What::State { node, tuple, from, to, why }),
                Other::Record(what) => Some(what),
                Other::Call(..) => None,
            },
        }
    }
    /// The packets to send, and the records; for tests of a host by itself.
    pub fn drain(&mut self) -> (Vec<(Packet, Cause)>, Vec<What>) {
        let (mut packets, mut records) = (Vec::new(), Vec::new());
        let items = std::mem::take(&mut self.items);
        for item in &items {
            match *item {
                HostItem::Send(handle, why) => packets.push((*self.packets.take(handle), why)),
                item => records.extend(self.record_of(item)),
            }
        }
        self.are_done(items);
        (packets, records)
    }
}

/// What a host knows of the network: its routes, and the MTU of the links that it stands on.
#[derive(Clone, Debug, Default)]
pub struct HostNet {
    pub(crate) routes: Arc<Routes>,
    pub(crate) mtus: Arc<[(PipeId, u16)]>,
    /// Where everything goes, if that is all that the routes say.
    pub(crate) only: Option<PipeId>,
}

/// The link that a packet leaves by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Egress {
    /// The direction of it that leads away.
    pub pipe: PipeId,
    /// Largest packet that it takes, in bytes with the IP header.
    pub mtu: u16,
}

impl HostNet {
    /// A host with one link; for tests of a host by itself.
    pub fn single(mtu: u16) -> HostNet {
        let pipe = PipeId(0);
        HostNet::new(Routes::default_only(pipe), Arc::from([(pipe, mtu)]))
    }
    pub(crate) fn new(routes: Routes, mtus: Arc<[(PipeId, u16)]>) -> HostNet {
        HostNet { only: routes.only(), routes: Arc::new(routes), mtus }
    }
    /// The next hop towards `dst`.
    #[inline]
    pub(crate) fn lookup(&self, dst: IpAddr) -> Hop {
        self.only.map_or_else(|| self.routes.lookup(dst), Hop::Pipe)
    }
    /// The way to `dst`; `None`: the host has no route to it.
    pub fn egress(&self, dst: IpAddr) -> Option<Egress> {
        match self.lookup(dst) {
            Hop::Pipe(pipe) => {
                let mtu = self.mtus.iter().find(|(p, _)| *p == pipe)?.1;
                Some(Egress { pipe, mtu })
            }
            Hop::Unreachable | Hop::NoRoute => None,
        }
    }
}
