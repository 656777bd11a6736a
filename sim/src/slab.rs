//! Where packets live while they are under way: one place each, from link to link, to the host that they are for.

use std::net::IpAddr;

use tcp::Segment;

use crate::packet::{Body, IpHeader, Packet, PacketId};

/// Names a packet in the slab, and says of it what each link asks for and nothing on the way changes: a link need not
/// look at the packet itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C, packed)] // with the time of its arrival, half a cache line of a link's ring
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
}

impl Handle {
    /// The handle behind a router, of a packet with a TTL of more than one.
    #[inline]
    pub(crate) fn one_hop_on(self) -> Handle {
        Handle { ttl: self.ttl.saturating_sub(1), ..self }
    }
}

/// All packets under way.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    slots: Vec<Option<Box<Packet>>>,
    free: Vec<u32>,
    /// Boxes of packets that have arrived, for those to come.
    #[expect(clippy::vec_box, reason = "it is the boxes that are kept: a packet moves by its pointer")]
    spare: Vec<Box<Packet>>,
}

impl std::hash::Hash for Slab {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let Slab { slots, free, spare: _ } = self; // boxes without packets
        (slots, free).hash(state);
    }
}

/// Without the boxes that wait to be used again.
impl Clone for Slab {
    fn clone(&self) -> Slab {
        Slab { slots: self.slots.clone(), free: self.free.clone(), spare: Vec::new() }
    }
}

const GONE: &str = "a handle names a packet until it is taken";

impl Slab {
    pub(crate) fn insert(&mut self, packet: Packet) -> Handle {
        let place = match self.spare.pop() {
            Some(mut place) => {
                *place = packet;
                place
            }
            None => Box::new(packet),
        };
        self.keep(place)
    }
    /// Makes a packet of a segment: part by part, in its place. The segment that was there is left behind.
    #[inline]
    pub(crate) fn insert_segment(&mut self, id: PacketId, ip: IpHeader, segment: &mut Segment) -> Handle {
        let place = match self.spare.pop() {
            Some(mut place) => {
                place.id = id;
                place.ip = ip;
                match &mut place.body {
                    Body::Tcp(old) => std::mem::swap(old, segment),
                    other => *other = Body::Tcp(std::mem::take(segment)),
                }
                place.flipped_bit = None;
                place
            }
            None => Box::new(Packet { id, ip, body: Body::Tcp(std::mem::take(segment)), flipped_bit: None }),
        };
        self.keep(place)
    }
    #[inline]
    fn keep(&mut self, packet: Box<Packet>) -> Handle {
        let (len, id) = (packet.len(), packet.id);
        let ttl = if packet.flipped_bit.is_none() { packet.ip.ttl } else { 0 };
        let dst = if let IpAddr::V4(dst) = packet.ip.dst { dst.to_bits() } else { 0 };
        let index = match self.free.pop() {
            Some(index) => {
                self.slots[index as usize] = Some(packet);
                index
            }
            None => {
                self.slots.push(Some(packet));
                (self.slots.len() - 1) as u32
            }
        };
        Handle { id, index, len, dst, ttl }
    }
    /// The packet under this handle, which then names nothing.
    ///
    /// # Panics
    /// If the handle names nothing, as all methods here do.
    #[inline]
    pub(crate) fn take(&mut self, handle: Handle) -> Box<Packet> {
        self.free.push(handle.index);
        let mut packet = self.slots[handle.index as usize].take().expect(GONE);
        if handle.ttl > 0 {
            packet.ip.ttl = handle.ttl;
        }
        packet
    }
    /// Takes the box of a packet that has arrived and been looked at: nothing is allocated for a packet while as many
    /// arrive as are sent.
    #[inline]
    pub(crate) fn give_back(&mut self, place: Box<Packet>) {
        self.spare.push(place);
    }
    /// Forgets the packet under this handle.
    pub(crate) fn remove(&mut self, handle: Handle) {
        let packet = self.take(handle);
        self.give_back(packet);
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
