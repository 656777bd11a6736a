//! What a direction of a link has made of packets: of each that is handed over, and of all together.

use tcp::{Duration, Time};

use super::qdisc::Waiting;
use crate::slab::Handle;
use crate::trace::Fate;

/// A packet on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    pub(crate) arrival: Time,
    pub(crate) handle: Handle,
}

/// What a direction of a link has done. `sent + copies = delivered + dropped + on the way`, in packets and in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PipeCounters {
    /// Packets handed over.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Packets that came out.
    pub delivered: u64,
    /// Their bytes.
    pub delivered_bytes: u64,
    /// How long packets waited in the queue, all together.
    pub waited: Duration,
    /// How long one waited, at most.
    pub longest_wait: Duration,
    /// Copies made.
    pub copies: u64,
    /// Packets that did not come out, for whatever reason.
    pub dropped: u64,
    /// Of these, for want of room in the queue.
    pub queue_full: u64,
    /// Of these, by a queue that was not full.
    pub early: u64,
    /// Packets that the queue marked.
    pub marked: u64,
    /// Bytes of the copies.
    pub copied_bytes: u64,
    /// Bytes of what did not come out.
    pub dropped_bytes: u64,
}

/// What a pipe does with a packet that is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It takes it.
    Carried {
        /// When it arrives.
        arrival: Time,
        /// What chance has done to it, where it has a say.
        luck: Option<Luck>,
    },
    /// It is lost.
    Lost(Fate),
}

/// What a plain link does with a packet that is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    /// It arrives before all others, at this time.
    First(Time),
    /// It arrives behind others.
    Behind,
    /// The queue is full: it is lost.
    Full,
}

/// What chance and the queue have done to a packet that is not lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Luck {
    /// When its copy arrives, if there is one.
    pub(crate) copy: Option<Time>,
    /// The bit that is flipped, if one is.
    pub(crate) flip: Option<u32>,
    /// Whether it was picked to be overtaken.
    pub(crate) overtaken: bool,
    /// Whether the queue marked it.
    pub(crate) mark: bool,
}

/// A packet that has left a queue that decides about its packets then.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    pub(crate) packet: Waiting,
    pub(crate) arrival: Time,
    pub(crate) luck: Luck,
}
