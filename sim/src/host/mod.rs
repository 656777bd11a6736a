//! A simulated host.

pub mod counters;
mod deadlines;

pub use counters::Counters;

use std::sync::Arc;

use tcp::Time;

use crate::hostio::{HostNet, HostOut};
use crate::packet::Packet;
use crate::spec;
use crate::view::SocketInfo;

/// What a host is made from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Its name, which its random streams are named after.
    pub name: Arc<str>,
    /// The scenario's seed.
    pub seed: u64,
    /// Its settings.
    pub spec: spec::Host,
    /// Its programs, in order of mention.
    pub programs: Vec<spec::Program>,
    /// Its routes and its links' MTUs.
    pub net: HostNet,
}

/// A host: IP, TCP, UDP, programs.
///
/// `now` never decreases from call to call. After each the engine drains `out` and asks for the deadline.
#[derive(Clone, Debug)]
pub struct Host {
    setup: Arc<Setup>,
    net: HostNet,
}

impl Host {
    /// A host that has booted; its programs wait for their times.
    pub fn new(setup: Setup) -> Host {
        let net = setup.net.clone();
        Host { setup: Arc::new(setup), net }
    }
    /// A packet arrived: header and transport checksums are right.
    pub fn on_packet(&mut self, now: Time, packet: Packet, out: &mut HostOut) {
        let _ = (now, packet, out);
    }
    /// A deadline may have come; early calls do nothing.
    pub fn on_deadline(&mut self, now: Time, out: &mut HostOut) {
        let _ = (now, out);
    }
    /// When `on_deadline` wants to be called next.
    pub fn deadline(&self) -> Time {
        Time::NEVER
    }
    /// Power is cut: all state is lost, nothing is sent.
    pub fn crash(&mut self, now: Time, out: &mut HostOut) {
        let _ = (now, out);
    }
    /// Boots after a crash: new ISN secret, nothing remembered; programs with `restart` start again, now, if their
    /// time has come, and those whose time is still ahead at that time.
    pub fn boot(&mut self, now: Time, out: &mut HostOut) {
        let _ = (now, out);
    }
    /// The program of this name ends; its sockets are closed as a kernel would.
    pub fn kill(&mut self, now: Time, program: &str, out: &mut HostOut) {
        let _ = (now, program, out);
    }
    /// Routes or MTUs of its links have changed.
    pub fn set_net(&mut self, now: Time, net: HostNet, out: &mut HostOut) {
        let _ = (now, &self.setup, out);
        self.net = net;
    }
    /// What `ss` and `netstat` show.
    pub fn sockets(&self, now: Time) -> Vec<SocketInfo> {
        let _ = (now, &self.net);
        Vec::new()
    }
    /// Its counters.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}
