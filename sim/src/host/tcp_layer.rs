//! The connections and listeners of a host, and which of them, or nobody, a segment belongs to.
//!
//! Connections live in a slab, found by four-tuple in a table that is only looked into, never walked. One that is idle
//! costs its place and nothing else: deadlines have a heap of their own.

mod events;
mod rest;
mod table;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use tcp::isn::Ends;
use tcp::tcb::SocketOption;
use tcp::{IsnSecret, Segment, State, Tcb, Time, TimeWait, Tuple};

use super::deadlines::Deadlines;
use super::kernel::mix;
use super::lean;
use super::listening::ListenSlot;
use super::ports::Ports;
use super::sockets::SocketId;
use crate::packet::IpHeader;
use rest::Rest;
use table::Table;

/// Number of a connection in the slab; used again when it is gone.
pub(super) type ConnId = u32;

/// Connections and listeners.
#[derive(Clone)]
#[repr(C)] // what each packet needs stands first
pub(super) struct TcpLayer {
    slots: Vec<Slot>,
    table: Table,
    deadlines: Deadlines,
    pub(super) listener_deadlines: Deadlines,
    free: Vec<ConnId>,
    pub(super) listeners: Vec<Option<ListenSlot>>,
    pub(super) listening: BTreeMap<(u16, Option<IpAddr>), u32>,
    pub(super) ports: Ports,
    /// Connections so far: names an incarnation.
    opened: u32,
    /// Records in TIME-WAIT.
    time_waits: u32,
    rest: Rest,
    pub(super) secret: IsnSecret,
}

/// The ends of the connection of a segment that arrived, as this host sees them.
fn tuple_of(ip: &IpHeader, segment: &Segment) -> Tuple {
    Tuple { local: SocketAddr::new(ip.dst, segment.dst), remote: SocketAddr::new(ip.src, segment.src) }
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
    /// Whether it is listed as awake ([`rest`]), and was called since the list was last gone through. One that is not listed,
    /// but was called, was woken by a timer and waits for an answer.
    awake: bool,
    called: bool,
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
            rest: _, // who is folded makes no difference
        } = self;
        (secret, slots, free, listeners, listening, ports, opened, time_waits).hash(state);
    }
}

impl std::hash::Hash for Slot {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // Identifications matter to fragments only: whoever asks for a digest sees to them (`idents_into`).
        let Slot {
            tcb,
            ends,
            holder,
            incarnation,
            ident: _,
            mark,
            in_table,
            port_bound,
            awake: _,
            called: _,
        } = self;
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
            rest: Rest::default(),
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
    fn find_for_segment(&mut self, ip: &IpHeader, segment: &Segment) -> Option<ConnId> {
        let latest = self.table.latest;
        if let Some(slot) = self.slots.get(latest as usize)
            && slot.in_table
            && slot.ends.are_between((ip.dst, segment.dst), (ip.src, segment.src))
        {
            return Some(latest);
        }
        let id = self.find(&tuple_of(ip, segment))?;
        self.table.latest = id;
        Some(id)
    }
    pub(super) fn tcb(&self, id: ConnId) -> Option<&Tcb> {
        self.slots.get(id as usize)?.tcb.as_ref()
    }
    #[inline]
    pub(super) fn tcb_mut(&mut self, id: ConnId) -> Option<&mut Tcb> {
        let slot = self.slots.get_mut(id as usize)?;
        if !slot.awake {
            slot.awake = true;
            self.rest.wake(id, slot.tcb.as_mut(), slot.called);
        }
        slot.called = true;
        slot.tcb.as_mut()
    }
    pub(super) fn tuple(&self, id: ConnId) -> Option<Tuple> {
        self.slots.get(id as usize).filter(|slot| slot.tcb.is_some()).map(|slot| slot.ends.tuple())
    }
    pub(super) fn incarnation(&self, id: ConnId) -> u32 {
        self.slots.get(id as usize).map_or(0, |slot| slot.incarnation)
    }
    /// Who would miss a connection.
    pub(super) fn holder(&self, id: ConnId) -> Holder {
        self.slots.get(id as usize).map_or(Holder::Nobody, |slot| slot.holder)
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
        self.wake_all();
        let to = move |slot: &&mut Slot| slot.in_table && slot.ends.remote_ip() == dst;
        self.slots.iter_mut().filter(to).filter_map(|slot| slot.tcb.as_mut())
    }
    /// All connections, with the addresses of their peers.
    pub(super) fn remote_connections(&mut self) -> impl Iterator<Item = (IpAddr, &mut Tcb)> {
        self.wake_all();
        let slots = self.slots.iter_mut().filter(|slot| slot.in_table);
        slots.filter_map(|slot| Some((slot.ends.remote_ip(), slot.tcb.as_mut()?)))
    }
    /// Calls `what` with each connection.
    pub(super) fn each_tcb(&mut self, what: impl Fn(&mut Tcb)) {
        self.wake_all();
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
            awake: false,
            called: false,
        };
        let id = match self.free.pop() {
            Some(id) => {
                let place = &mut self.slots[id as usize];
                *place = Slot { awake: place.awake, ..slot };
                id
            }
            None => {
                lean::push(&mut self.slots, slot);
                (self.slots.len() - 1) as ConnId
            }
        };
        self.table.insert(id, &tuple);
        self.ports.take(tuple.local.port(), port_bound);
        id
    }
    /// Connections in the table, TIME-WAIT included.
    fn count(&self) -> usize {
        self.table.len()
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
