//! Where packets live while they are under way: one place each, from link to link.

use crate::packet::Packet;

/// Names a packet in the slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle(u32);

/// All packets under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slab {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Slot {
    packet: Option<Packet>,
    /// Its length on the wire, which each link asks for and nothing on the way changes.
    len: u32,
}

const GONE: &str = "a handle names a packet until it is taken";

impl Slab {
    #[inline]
    pub(crate) fn insert(&mut self, packet: Packet) -> Handle {
        let len = packet.len();
        match self.free.pop() {
            Some(index) => {
                let slot = &mut self.slots[index as usize];
                slot.packet = Some(packet);
                slot.len = len;
                Handle(index)
            }
            None => {
                self.slots.push(Slot { packet: Some(packet), len });
                Handle((self.slots.len() - 1) as u32)
            }
        }
    }
    /// The packet under this handle, which then names nothing.
    ///
    /// # Panics
    /// If the handle names nothing, as all methods here do.
    #[inline]
    pub(crate) fn take(&mut self, handle: Handle) -> Packet {
        self.free.push(handle.0);
        self.slots[handle.0 as usize].packet.take().expect(GONE)
    }
    /// Forgets the packet under this handle.
    pub(crate) fn remove(&mut self, handle: Handle) {
        let slot = &mut self.slots[handle.0 as usize];
        assert!(slot.packet.is_some(), "{GONE}");
        slot.packet = None;
        self.free.push(handle.0);
    }
    pub(crate) fn get(&self, handle: Handle) -> &Packet {
        self.slots[handle.0 as usize].packet.as_ref().expect(GONE)
    }
    /// The packet, to change it in ways that leave its length as it is.
    pub(crate) fn get_mut(&mut self, handle: Handle) -> &mut Packet {
        self.slots[handle.0 as usize].packet.as_mut().expect(GONE)
    }
    /// The length of the packet on the wire, in bytes.
    pub(crate) fn packet_len(&self, handle: Handle) -> u32 {
        self.slots[handle.0 as usize].len
    }
    /// Number of packets under way.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
