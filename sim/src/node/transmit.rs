//! Handing a packet to one direction of a link: the rules, the link's chance, its queue.

use tcp::{Duration, EcnCodepoint, Rule, Time};

use super::Mark;
use crate::fate::Place;
use crate::hash::TraceHash;
use crate::ip;
use crate::link::{Carried, Flight, Left, Luck, Offer, Orders, Waiting};
use crate::packet::{Body, IcmpKind, Packet};
use crate::simulator::Simulator;
use crate::slab::Handle;
use crate::spec::Action;
use crate::trace::{Cause, Fate, PipeId, Trigger, What};

/// Where a packet comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Made by this node, for this reason.
    Made(Cause),
    /// Cut by this router out of a larger one that it forwards.
    Cut,
    /// Forwarded as it came.
    Forwarded,
}

/// Copies that one rule may make of a packet.
const MOST_COPIES: u32 = 1000;

impl Simulator {
    /// Sends a packet out on `pipe`.
    #[inline(never)]
    pub(crate) fn transmit(&mut self, pipe: PipeId, handle: Handle, origin: Origin) {
        self.hand_over(pipe, handle, origin);
    }
    /// The same, where nearly all packets pass.
    #[inline(always)]
    pub(crate) fn hand_over(&mut self, pipe: PipeId, handle: Handle, origin: Origin) {
        let line = &mut self.pipes[pipe.0 as usize];
        if !line.is_plain() {
            return self.transmit_specially(pipe, handle, origin);
        }
        let carried = line.carry_plainly(self.now, handle);
        match origin {
            Origin::Made(_) => self.note_made(pipe, handle),
            Origin::Cut | Origin::Forwarded => self.note(Mark::Forwarded, pipe.0, handle.id),
        }
        match carried {
            Carried::First(arrival) => self.queue.set_pipe(pipe.0, arrival),
            Carried::Behind => {}
            Carried::Full => self.lose(pipe, handle, Fate::QueueFull),
        }
    }
    /// The same where somebody looks, or a rule, chance or more than a drop-tail queue may have a say.
    #[inline(never)]
    fn transmit_specially(&mut self, pipe: PipeId, handle: Handle, origin: Origin) {
        if self.tracing() || !self.rules.are_idle() {
            self.out.packets.get_mut(handle); // brings its TTL up to date
        }
        if self.tracing() {
            self.record_sent(pipe, handle, origin);
        }
        match origin {
            Origin::Made(_) => self.note_made(pipe, handle),
            Origin::Cut | Origin::Forwarded => self.note(Mark::Forwarded, pipe.0, handle.id),
        }
        let counters = &mut self.pipes[pipe.0 as usize].counters;
        counters.sent += 1;
        counters.sent_bytes += u64::from(handle.len());
        if self.rules.are_idle() {
            return self.carry(pipe, handle, None);
        }
        let place = match origin {
            Origin::Made(why) if why.rule == Rule::Forged => Place::Forged,
            Origin::Made(_) => Place::Made,
            Origin::Cut => Place::Cut,
            Origin::Forwarded => Place::OnTheWay,
        };
        match self.rules.judge(self.now, pipe, place, self.out.packets.get(handle)) {
            None => self.carry(pipe, handle, None),
            Some((rule, action)) => self.obey(pipe, handle, rule, action),
        }
    }

    /// Does to a packet what a rule says.
    fn obey(&mut self, pipe: PipeId, handle: Handle, rule: u32, action: Action) {
        let mut orders = Orders::default();
        match action {
            Action::Drop => return self.lose(pipe, handle, Fate::DroppedByRule(rule)),
            Action::Refuse(kind) => return self.refuse_by_rule(pipe, handle, rule, kind),
            Action::HoldUntil(at) if at > self.now => {
                self.fate(pipe, handle, Fate::Delayed(at));
                return self.put(pipe, handle, at, true);
            }
            Action::HoldUntil(_) => {}
            Action::Duplicate { copies, after } => {
                orders = Orders { copies: copies.min(MOST_COPIES), after, ..orders };
            }
            Action::Delay(by) => orders.later = by,
            Action::Corrupt(bit) => {
                let bit = bit.unwrap_or_else(|| first_bit_of_payload(self.out.packets.get(handle)));
                self.corrupt(pipe, handle, bit % (8 * handle.len()));
            }
            Action::MarkCe if self.out.packets.get(handle).ip.ecn == EcnCodepoint::NotEct => {
                return self.lose(pipe, handle, Fate::DroppedByRule(rule));
            }
            Action::MarkCe => {
                self.out.packets.get_mut(handle).ip.ecn = EcnCodepoint::Ce;
                self.fate(pipe, handle, Fate::Marked);
            }
            Action::Rewrite(change) => {
                change.apply(self.out.packets.get_mut(handle));
                self.fate(pipe, handle, Fate::Rewritten(rule));
            }
        }
        let handle = self.out.packets.look_again(handle);
        self.carry(pipe, handle, Some(orders));
    }

    /// Drops a packet and answers it with an ICMP error, where one may be sent.
    fn refuse_by_rule(&mut self, pipe: PipeId, handle: Handle, rule: u32, kind: IcmpKind) {
        let about = self.out.packets.get(handle).clone();
        self.lose(pipe, handle, Fate::DroppedByRule(rule));
        let far = self.pipes[pipe.0 as usize].to;
        let id = self.packet_id();
        if let Some(answer) = ip::icmp_error(id, about.ip.dst, &about, kind, 64) {
            let why = Cause { trigger: Trigger::Packet(about.id), rule: ip::rule(kind) };
            self.send_from(far, answer, why);
        }
    }

    /// What chance and the queue make of a packet that no rule took away.
    fn carry(&mut self, pipe: PipeId, handle: Handle, orders: Option<Orders>) {
        let line = &mut self.pipes[pipe.0 as usize];
        if line.queues() {
            return self.enqueue(pipe, handle, orders);
        }
        let packets = &self.out.packets;
        let ect = || packets.get(handle).ip.ecn != EcnCodepoint::NotEct;
        match line.offer(self.now, handle.len(), ect) {
            Offer::Lost(fate) => self.lose(pipe, handle, fate),
            Offer::Carried { arrival, luck: None } if orders.is_none() => {
                self.put(pipe, handle, arrival, false);
            }
            Offer::Carried { arrival, luck } => self.carry_specially(pipe, handle, arrival, orders, luck),
        }
    }
    /// Puts a packet on its way to which something happens there, by a rule or by chance.
    fn carry_specially(
        &mut self,
        pipe: PipeId,
        mut handle: Handle,
        arrival: Time,
        orders: Option<Orders>,
        luck: Option<Luck>,
    ) {
        let Orders { later, copies, after } = orders.unwrap_or_default();
        let Luck { copy, flip, overtaken, mark } = luck.unwrap_or_default();
        let arrival = arrival + later;
        if mark {
            self.pipes[pipe.0 as usize].counters.marked += 1;
            self.out.packets.get_mut(handle).ip.ecn = EcnCodepoint::Ce;
            self.fate(pipe, handle, Fate::Marked);
        }
        for at in (1..=u64::from(copies)).map(|n| arrival + after * n).chain(copy) {
            self.fate(pipe, handle, Fate::Duplicated(at));
            let copy = self.out.packets.get_mut(handle).clone();
            let copy = self.out.packets.insert(copy);
            let counters = &mut self.pipes[pipe.0 as usize].counters;
            counters.copies += 1;
            // A rule may have changed its length.
            counters.copied_bytes += u64::from(copy.len());
            self.put(pipe, copy, at, false);
        }
        if overtaken || later > Duration::ZERO {
            self.fate(pipe, handle, Fate::Delayed(arrival));
        }
        if let Some(bit) = flip {
            self.corrupt(pipe, handle, bit);
            handle = self.out.packets.look_again(handle);
        }
        self.put(pipe, handle, arrival, false);
    }

    /// Hands a packet to a queue that decides about it when it leaves.
    fn enqueue(&mut self, pipe: PipeId, handle: Handle, orders: Option<Orders>) {
        let packet = self.out.packets.get(handle);
        let waiting = Waiting {
            handle,
            len: handle.len(),
            since: self.now,
            ect: packet.ip.ecn != EcnCodepoint::NotEct,
            flow: flow_of(self.plan.seed, packet),
            orders,
            copied: false,
            flip: None,
        };
        // What leaves at this moment has left, whichever of the two events comes first: so it is in front of every link.
        if self.pipes[pipe.0 as usize].departs(self.now) {
            self.on_departure(pipe);
        }
        match self.pipes[pipe.0 as usize].enqueue(waiting) {
            Err(fate) => self.lose(pipe, handle, fate),
            Ok(()) => self.on_departure(pipe),
        }
    }
    /// Lets the packet leave such a queue whose turn it is, if the link is free.
    pub(crate) fn on_departure(&mut self, pipe: PipeId) {
        let left = self.pipes[pipe.0 as usize].depart(self.now);
        while let Some(gone) = self.pipes[pipe.0 as usize].next_gone() {
            self.lose(pipe, gone.handle, gone.fate);
        }
        if let Some(Left { packet, arrival, luck }) = left {
            // It may have been damaged when it came.
            let handle = self.out.packets.look_again(packet.handle);
            self.carry_specially(pipe, handle, arrival, packet.orders, Some(luck));
        }
        self.schedule_pipe(pipe);
    }

    /// Cuts a packet that is too large for `pipe` and sends the pieces.
    pub(crate) fn transmit_pieces(&mut self, pipe: PipeId, packet: Packet, origin: Origin) {
        let mtu = self.pipes[pipe.0 as usize].mtu;
        let id = packet.id;
        let mut pieces = Vec::new();
        let count = ip::fragment(packet, mtu, |piece| pieces.push(piece));
        self.fate_of(pipe, id, if count > 0 { Fate::Fragmented(count) } else { Fate::TooBig });
        let origin = if origin == Origin::Forwarded { Origin::Cut } else { origin };
        for piece in pieces {
            let handle = self.out.packets.insert(piece);
            self.transmit(pipe, handle, origin);
        }
    }

    fn corrupt(&mut self, pipe: PipeId, handle: Handle, bit: u32) {
        let flipped = &mut self.out.packets.get_mut(handle).flipped_bit;
        // A packet carries one flipped bit: another hit on the same bit mends it; one on another bit changes nothing,
        // as the checksum fails already.
        *flipped = match *flipped {
            Some(old) if old == bit => None,
            Some(old) => Some(old),
            None => Some(bit),
        };
        self.fate(pipe, handle, Fate::Corrupted(bit));
    }
    #[inline]
    fn put(&mut self, pipe: PipeId, handle: Handle, arrival: Time, held: bool) {
        let flight = Flight { arrival, handle: handle.held(held) };
        if self.pipes[pipe.0 as usize].push(flight) {
            self.schedule_pipe(pipe);
        }
    }
    #[inline(never)]
    fn lose(&mut self, pipe: PipeId, handle: Handle, fate: Fate) {
        let counters = &mut self.pipes[pipe.0 as usize].counters;
        counters.dropped += 1;
        counters.dropped_bytes += u64::from(handle.len());
        counters.queue_full += u64::from(fate == Fate::QueueFull);
        counters.early += u64::from(fate == Fate::DroppedEarly);
        self.fate(pipe, handle, fate);
        self.out.packets.remove(handle);
    }
    fn fate(&mut self, pipe: PipeId, handle: Handle, fate: Fate) {
        self.fate_of(pipe, handle.id, fate);
    }
    /// Something happens to a packet.
    pub(crate) fn fate_of(&mut self, pipe: PipeId, packet: crate::PacketId, fate: Fate) {
        self.note(Mark::Fate, pipe.0, packet);
        let (code, detail) = fate_code(fate);
        self.hash.add(code << 56 ^ detail);
        if self.tracing() {
            self.record(What::Fate { pipe, packet, fate });
        }
    }
    #[cold]
    fn record_sent(&mut self, pipe: PipeId, handle: Handle, origin: Origin) {
        let why = if let Origin::Made(why) = origin { Some(why) } else { None };
        let (node, packet) = (self.pipes[pipe.0 as usize].from, self.out.packets.get(handle).clone());
        self.record(What::Sent { node, pipe, packet, why });
    }
    /// A node sends a packet of its own: the trace hash takes in what it says, once.
    #[inline(always)]
    fn note_made(&mut self, pipe: PipeId, handle: Handle) {
        self.note(Mark::Made, pipe.0, handle.id);
        self.packets_sent += 1;
        let (packet, len) = (self.out.packets.get(handle), handle.len());
        let mut hash = self.hash; // in a register
        hash.add_addr(packet.ip.src);
        hash.add_addr(packet.ip.dst);
        hash.add(u64::from(packet.ip.ttl) | (packet.ip.ecn as u64) << 8 | u64::from(len) << 16);
        match &packet.body {
            Body::Tcp(s) => {
                hash.add(u64::from(s.src) << 48 | u64::from(s.dst) << 32 | u64::from(s.seq.0));
                hash.add(u64::from(s.flags.0) << 48 | u64::from(s.wnd) << 32 | u64::from(s.ack.0));
                hash.add(s.options.timestamps.map_or(0, |t| u64::from(t.val) << 32 | u64::from(t.ecr)));
                for (left, right) in s.options.sack.as_slice() {
                    hash.add(u64::from(left.0) << 32 | u64::from(right.0));
                }
            }
            Body::Udp(d) => hash.add(u64::from(d.src) << 16 | u64::from(d.dst)),
            Body::Icmp(icmp) => hash.add(u64::from(icmp.quote.seq.0)),
            Body::Echo(e) => hash.add(u64::from(e.reply) << 32 | u64::from(e.ident) << 16 | u64::from(e.seq)),
            Body::Fragment(f) => hash.add(u64::from(f.offset) << 16 | u64::from(f.len)),
        }
        self.hash = hash;
    }
}

/// The first bit of the payload, or of the transport header where there is none.
fn first_bit_of_payload(packet: &Packet) -> u32 {
    let payload = match &packet.body {
        Body::Tcp(segment) => segment.payload.len(),
        Body::Udp(datagram) => datagram.payload.len(),
        Body::Echo(echo) => echo.payload.len(),
        Body::Icmp(_) | Body::Fragment(_) => 0,
    };
    let octet = if payload > 0 { packet.len() - payload } else { packet.ip.header_len() };
    octet * 8
}

/// A number that packets of one flow have in common: addresses, protocol and ports, and the run's seed, so that nobody
/// can choose flows that share a queue (RFC 8290, Section 4.1.2).
fn flow_of(seed: u64, packet: &Packet) -> u64 {
    let (protocol, ports) = match &packet.body {
        Body::Tcp(segment) => (6, u64::from(segment.src) << 16 | u64::from(segment.dst)),
        Body::Udp(datagram) => (17, u64::from(datagram.src) << 16 | u64::from(datagram.dst)),
        Body::Icmp(_) => (1, 0),
        Body::Echo(echo) => (1, u64::from(echo.ident)),
        Body::Fragment(_) => (0, 0), // no ports behind the first: the fragments of a packet stay together
    };
    let mut hash = TraceHash::default();
    hash.add(seed);
    hash.add_addr(packet.ip.src);
    hash.add_addr(packet.ip.dst);
    hash.add(protocol << 32 | ports);
    hash.value()
}

/// A number for each fate, and what it says more, which only the trace hash sees.
fn fate_code(fate: Fate) -> (u64, u64) {
    match fate {
        Fate::Lost => (1, 0),
        Fate::DroppedByRule(rule) => (2, u64::from(rule)),
        Fate::QueueFull => (3, 0),
        Fate::LinkDown => (4, 0),
        Fate::TooBig => (5, 0),
        Fate::Duplicated(at) => (6, at.as_nanos()),
        Fate::Delayed(at) => (7, at.as_nanos()),
        Fate::Corrupted(bit) => (8, u64::from(bit)),
        Fate::Marked => (9, 0),
        Fate::Fragmented(count) => (10, u64::from(count)),
        Fate::DroppedEarly => (11, 0),
        Fate::Rewritten(rule) => (12, u64::from(rule)),
    }
}
