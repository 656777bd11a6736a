//! Putting fragments together (RFC 791, section 3.2; RFC 815; RFC 1858; RFC 3128; RFC 5722).

use std::net::IpAddr;

use tcp::{Duration, Time};

use crate::packet::{Packet, Quote};
use crate::trace::DropReason;

/// Fragments that wait for the rest of their packets.
#[derive(Clone, Debug)]
pub struct Reassembly {
    timeout: Duration,
    bytes: usize,
}

/// A packet of which not all came in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// One of its fragments: the first if it came, which then may be answered with ICMP time exceeded.
    pub fragment: Packet,
}

impl Reassembly {
    /// Nothing waits. An incomplete packet is given up `timeout` after its first fragment came.
    pub fn new(timeout: Duration) -> Reassembly {
        Reassembly { timeout, bytes: 0 }
    }
    /// A fragment arrived (other packets are handed back as they are). Returns the whole packet once it is complete;
    /// it may be found damaged only then.
    ///
    /// # Errors
    /// Why the fragment, and with it perhaps all that it belongs to, was dropped.
    pub fn add(&mut self, now: Time, fragment: Packet) -> Result<Option<Packet>, DropReason> {
        let _ = (now, fragment, self.bytes, self.timeout);
        Ok(None)
    }
    /// When `expire` wants to be called next.
    pub fn deadline(&self) -> Time {
        Time::NEVER
    }
    /// The packets whose time is over at `now`, oldest first.
    pub fn expire(&mut self, now: Time) -> Vec<Expired> {
        let _ = now;
        Vec::new()
    }
}
#[allow(unused)]
fn unused(_: IpAddr, _: Quote) {}
