//! Where packets live while they are under way: one place each, from link to link, to the host that they are for.

use std::net::IpAddr;

use tcp::Segment;

use crate::packet::{Body, IpHeader, Packet, PacketId, tcp_len};

/// Names a packet in the slab, and says of it what each link asks for and nothing on the way changes: a link need not
/// look at the packet itself. With the time of its arrival it is half a cache line of a link's ring. It is made of whole
/// words: what is written in parts and read at once has to wait until the parts are in the cache, on each hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Handle {
    pub(crate) id: PacketId,
    /// Where it lives, above its length.
    place: u64,
    /// Its destination, above whether it is held, above its TTL.
    to: u64,
}

/// In [`Handle::to`]: a fate rule holds the packet.
const HELD: u64 = 1 << 8;

impl Handle {
    /// That of a packet in this place, of this length.
    #[inline(always)]
    fn of(id: PacketId, index: u32, ip: &IpHeader, len: u32) -> Handle {
        let dst = if let IpAddr::V4(dst) = ip.dst { dst.to_bits() } else { 0 };
        let place = u64::from(index) << 32 | u64::from(len);
        Handle { id, place, to: u64::from(dst) << 32 | u64::from(ip.ttl) }
    }
    #[inline]
    fn index(self) -> usize {
        (self.place >> 32) as usize
    }
    /// Its length on the wire, in bytes.
    #[inline]
    pub(crate) fn len(self) -> u32 {
        self.place as u32
    }
    /// Its destination as a number, in IPv4; in IPv6 zero, which is nobody's address in IPv4.
    #[inline]
    pub(crate) fn dst(self) -> u32 {
        (self.to >> 32) as u32
    }
    /// Its TTL, which holds whatever the packet itself says: a router need not wait for the packet to come out of memory.
    /// Zero: the packet has to be looked at itself.
    #[inline]
    pub(crate) fn ttl(self) -> u8 {
        self.to as u8
    }
    fn with_ttl(self, ttl: u8) -> Handle {
        Handle { to: self.to & !0xff | u64::from(ttl), ..self }
    }
    /// Whether a fate rule holds it on its link: it arrives whatever happens to that.
    pub(crate) fn is_held(self) -> bool {
        self.to & HELD != 0
    }
    /// The same, held by a fate rule or not.
    pub(crate) fn held(self, held: bool) -> Handle {
        Handle { to: self.to & !HELD | if held { HELD } else { 0 }, ..self }
    }
    /// The handle behind a router.
    #[inline(always)]
    pub(crate) fn one_hop_on(self) -> Handle {
        let ttl = u64::from(self.ttl().saturating_sub(1));
        Handle { to: self.to >> 32 << 32 | ttl, ..self }
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
            handle = handle.with_ttl(0);
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
    pub(crate) fn insert_segment(&mut self, id: PacketId, ip: IpHeader, segment: &mut Segment) -> Handle {
        let index = self.place();
        let handle = Handle::of(id, index, &ip, ip.header_len() + tcp_len(segment));
        let slot = &mut self.slots[index as usize];
        match slot {
            Some(place) => {
                place.id = id;
                place.ip = ip;
                match &mut place.body {
                    Body::Tcp(old) => std::mem::swap(old, segment),
                    other => *other = Body::Tcp(std::mem::take(segment)),
                }
                place.flipped_bit = None;
            }
            None => {
                let body = Body::Tcp(std::mem::take(segment));
                *slot = Some(Box::new(Packet { id, ip, body, flipped_bit: None }));
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
        self.free.push(handle.index() as u32);
        self.lift(handle)
    }
    /// The packet under this handle, which is [put back](Self::put_back) when it has been looked at.
    #[inline]
    pub(crate) fn lift(&mut self, handle: Handle) -> Box<Packet> {
        let mut packet = self.slots[handle.index()].take().expect(GONE);
        if handle.ttl() > 0 {
            packet.ip.ttl = handle.ttl();
        }
        packet
    }
    /// A packet that was lifted is no more needed: its handle names nothing from now on.
    #[inline]
    pub(crate) fn put_back(&mut self, handle: Handle, packet: Box<Packet>) {
        self.slots[handle.index()] = Some(packet);
        self.remove(handle);
    }
    /// Forgets the packet under this handle.
    #[inline]
    pub(crate) fn remove(&mut self, handle: Handle) {
        self.free.push(handle.index() as u32);
    }
    /// The packet, whose TTL is that of the handle: here it may be an earlier one.
    #[inline]
    pub(crate) fn get(&self, handle: Handle) -> &Packet {
        self.slots[handle.index()].as_ref().expect(GONE)
    }
    /// A copy of the packet with its TTL as it is by now.
    pub(crate) fn as_it_is(&self, handle: Handle) -> Packet {
        let mut packet = self.get(handle).clone();
        if handle.ttl() > 0 {
            packet.ip.ttl = handle.ttl();
        }
        packet
    }
    /// The packet, to change it in ways that leave its length and its number as they are.
    #[inline]
    pub(crate) fn get_mut(&mut self, handle: Handle) -> &mut Packet {
        let packet = self.slots[handle.index()].as_mut().expect(GONE);
        if handle.ttl() > 0 {
            packet.ip.ttl = handle.ttl();
        }
        packet
    }
    /// The handle of a packet that may have been damaged.
    pub(crate) fn look_again(&mut self, handle: Handle) -> Handle {
        let packet = self.get_mut(handle);
        handle.with_ttl(if packet.flipped_bit.is_none() { packet.ip.ttl } else { 0 })
    }
    /// Number of packets under way.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
