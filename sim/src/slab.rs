//! Where packets live while they are under way: one place each, from link to link.

use crate::packet::Packet;

/// Names a packet in the slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle(u32);

/// All packets under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slab {
    slots: Vec<Option<Packet>>,
    free: Vec<u32>,
}

impl Slab {
    pub(crate) fn insert(&mut self, packet: Packet) -> Handle {
        match self.free.pop() {
            Some(index) => {
                self.slots[index as usize] = Some(packet);
                Handle(index)
            }
            None => {
                self.slots.push(Some(packet));
                Handle((self.slots.len() - 1) as u32)
            }
        }
    }
    /// The packet under this handle, which then names nothing.
    ///
    /// # Panics
    /// If the handle names nothing.
    pub(crate) fn take(&mut self, handle: Handle) -> Packet {
        self.free.push(handle.0);
        self.slots[handle.0 as usize].take().expect("a handle names a packet until it is taken")
    }
    pub(crate) fn get(&self, handle: Handle) -> &Packet {
        self.slots[handle.0 as usize].as_ref().expect("a handle names a packet until it is taken")
    }
    /// Number of packets under way.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
