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
    /// Where packets live from the moment they are sent.
    pub(crate) packets: Slab,
    pub(crate) level: TraceLevel,
    pub(crate) node: NodeId,
    pub(crate) next_packet: u64,
    /// Looks at what programs write and read; `None`: nobody does.
    pub(crate) streams: Option<Box<StreamCheck>>,
    /// Takes down what connections do, for figures; `None`: nobody asked.
    pub(crate) flows: Option<Box<FlowLog>>,
    /// The host whose programs' calls are taken down; `None`: nobody asked.
    pub(crate) calls: Option<NodeId>,
}

/// One thing that a host wants to happen.
#[derive(Clone, Debug)]
pub(crate) enum HostItem {
    /// A packet goes out.
    Send(Handle, Cause),
    /// A packet was dropped.
    Dropped(PacketId, DropReason),
    /// A connection changed its state.
    State(Tuple, State, State, Cause),
    /// Another line for the trace.
    Record(Box<What>),
    /// A call of a program on this socket.
    Call(u32, Box<ProgramCall>),
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

impl HostItem {
    /// The line of the trace that this is, if it is one, on this host.
    pub(crate) fn into_record(self, node: NodeId) -> Option<What> {
        match self {
            HostItem::Send(..) | HostItem::Call(..) => None,
            HostItem::Dropped(packet, why) => Some(What::Dropped { node, packet, why }),
            HostItem::State(tuple, from, to, why) => Some(What::State { node, tuple, from, to, why }),
            HostItem::Record(what) => Some(*what),
        }
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
    #[inline]
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
        self.items.push(HostItem::State(tuple, from, to, why));
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
        self.items.push(HostItem::Record(Box::new(what)));
    }
    /// Tells the checker of streams what a program did, if there is one: then only is the event made.
    #[inline]
    pub fn stream(&mut self, now: Time, event: impl FnOnce() -> Option<StreamEvent>) {
        if let Some(streams) = &mut self.streams
            && let Some(event) = event()
        {
            streams.take(now, self.node, event);
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
            self.items.insert(mark.min(self.items.len()), HostItem::Call(socket, Box::new(call)));
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
    /// The packets to send, and the records; for tests of a host by itself.
    pub fn drain(&mut self) -> (Vec<(Packet, Cause)>, Vec<What>) {
        let (mut packets, mut records) = (Vec::new(), Vec::new());
        for item in self.items.drain(..) {
            match item {
                HostItem::Send(handle, why) => packets.push((*self.packets.take(handle), why)),
                item => records.extend(item.into_record(self.node)),
            }
        }
        (packets, records)
    }
}

/// What a host knows of the network: its routes, and the MTU of the links that it stands on.
#[derive(Clone, Debug, Default)]
pub struct HostNet {
    pub(crate) routes: Arc<Routes>,
    pub(crate) mtus: Arc<[(PipeId, u16)]>,
    /// Where everything goes, if that is all that the routes say.
    only: Option<PipeId>,
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
