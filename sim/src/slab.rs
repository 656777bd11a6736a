//! Where packets live while they are under way: one place each, from link to link, to the host that they are for.

use std::net::IpAddr;

use tcp::Segment;

use crate::packet::{Body, IpHeader, Packet, PacketId, tcp_len};

/// Names a packet in the slab, and says of it what each link asks for and nothing on the way changes: a link need not
/// look at the packet itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Handle {
    pub(crate) id: PacketId,
    index: u32,
    /// Its length on the wire, in bytes.
    pub(crate) len: u32,
    /// Its destination as a number, in IPv4; in IPv6 zero, which is nobody's address in IPv4.
    pub(crate) dst: u32,
    /// Its TTL, which holds whatever the packet itself says: a router need not wait for the packet to come out of memory.
    /// Zero: the packet has to be looked at itself.
    pub(crate) ttl: u8,
    /// A fate rule holds it on its link: it arrives whatever happens to that. It stands here because here is room: with
    /// the time of its arrival, half a cache line of a link's ring.
    pub(crate) held: bool,
}

impl Handle {
    /// That of a packet in this place, of this length.
    #[inline(always)]
    fn of(id: PacketId, index: u32, ip: &IpHeader, len: u32) -> Handle {
        let dst = if let IpAddr::V4(dst) = ip.dst { dst.to_bits() } else { 0 };
        Handle { id, index, len, dst, ttl: ip.ttl, held: false }
    }
    /// The same, held by a fate rule or not.
    pub(crate) fn held(self, held: bool) -> Handle {
        Handle { held, ..self }
    }
    /// The handle behind a router, of a packet with a TTL of more than one.
    #[inline]
    pub(crate) fn one_hop_on(self) -> Handle {
        Handle { ttl: self.ttl.saturating_sub(1), held: false, ..self }
    }
}

/// All packets under way.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    /// A place that is free keeps the box of the packet that was there: nothing is allocated for a packet while as many
    /// arrive as are sent.
    slots: Vec<Option<Box<Packet>>>,
    free: Vec<u32>,
}

impl std::hash::Hash for Slab {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let mut packets: Vec<Option<&Packet>> = self.slots.iter().map(Option::as_deref).collect();
        self.free.iter().for_each(|index| packets[*index as usize] = None);
        (packets, &self.free).hash(state);
    }
}

/// Without the boxes that wait to be used again.
impl Clone for Slab {
    fn clone(&self) -> Slab {
        let mut under_way = vec![true; self.slots.len()];
        self.free.iter().for_each(|index| under_way[*index as usize] = false);
        let packets = self.slots.iter().zip(under_way);
        let slots = packets.map(|(packet, under_way)| packet.clone().filter(|_| under_way)).collect();
        Slab { slots, free: self.free.clone() }
    }
}

const GONE: &str = "a handle names a packet until it is taken";

impl Slab {
    pub(crate) fn insert(&mut self, packet: Packet) -> Handle {
        let index = self.place();
        let mut handle = Handle::of(packet.id, index, &packet.ip, packet.len());
        if packet.flipped_bit.is_some() {
            handle.ttl = 0;
        }
        let slot = &mut self.slots[index as usize];
        match slot {
            Some(place) => **place = packet,
            None => *slot = Some(Box::new(packet)),
        }
        handle
    }
    /// Makes a packet of a segment: part by part, in its place. The segment that was there is left behind.
    #[inline(always)]
    pub(crate) fn insert_segment(&mut self, id: PacketId, ip: &IpHeader, segment: &mut Segment) -> Handle {
        let index = self.place();
        let handle = Handle::of(id, index, ip, ip.header_len() + tcp_len(segment));
        let slot = &mut self.slots[index as usize];
        match slot {
            Some(place) => {
                place.id = id;
                place.ip = *ip;
                match &mut place.body {
                    Body::Tcp(old) => std::mem::swap(old, segment),
                    other => *other = Body::Tcp(std::mem::take(segment)),
                }
                place.flipped_bit = None;
            }
            None => {
                let body = Body::Tcp(std::mem::take(segment));
                *slot = Some(Box::new(Packet { id, ip: *ip, body, flipped_bit: None }));
            }
        }
        handle
    }
    /// A place that is free.
    #[inline]
    fn place(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        })
    }
    /// The packet under this handle, which then names nothing.
    ///
    /// # Panics
    /// If the handle names nothing, as all methods here do.
    pub(crate) fn take(&mut self, handle: Handle) -> Box<Packet> {
        self.free.push(handle.index);
        self.lift(handle)
    }
    /// The packet under this handle, which is [put back](Self::put_back) when it has been looked at.
    #[inline]
    pub(crate) fn lift(&mut self, handle: Handle) -> Box<Packet> {
        let mut packet = self.slots[handle.index as usize].take().expect(GONE);
        if handle.ttl > 0 {
            packet.ip.ttl = handle.ttl;
        }
        packet
    }
    /// A packet that was lifted is no more needed: its handle names nothing from now on.
    #[inline]
    pub(crate) fn put_back(&mut self, handle: Handle, packet: Box<Packet>) {
        self.slots[handle.index as usize] = Some(packet);
        self.remove(handle);
    }
    /// Forgets the packet under this handle.
    #[inline]
    pub(crate) fn remove(&mut self, handle: Handle) {
        self.free.push(handle.index);
    }
    /// The packet, whose TTL is that of the handle: here it may be an earlier one.
    #[inline]
    pub(crate) fn get(&self, handle: Handle) -> &Packet {
        self.slots[handle.index as usize].as_ref().expect(GONE)
    }
    /// A copy of the packet with its TTL as it is by now.
    pub(crate) fn as_it_is(&self, handle: Handle) -> Packet {
        let mut packet = self.get(handle).clone();
        if handle.ttl > 0 {
            packet.ip.ttl = handle.ttl;
        }
        packet
    }
    /// The packet, to change it in ways that leave its length and its number as they are.
    #[inline]
    pub(crate) fn get_mut(&mut self, handle: Handle) -> &mut Packet {
        let packet = self.slots[handle.index as usize].as_mut().expect(GONE);
        if handle.ttl > 0 {
            packet.ip.ttl = handle.ttl;
        }
        packet
    }
    /// The handle of a packet that may have been damaged.
    pub(crate) fn look_again(&mut self, handle: Handle) -> Handle {
        let packet = self.get_mut(handle);
        Handle { ttl: if packet.flipped_bit.is_none() { packet.ip.ttl } else { 0 }, ..handle }
    }
    /// Number of packets under way.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
