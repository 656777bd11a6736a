//! A simulated host: IP, TCP, UDP, sockets, and the programs that use them.
//!
//! Processing takes no virtual time. In one visit the engine's event is handled, then the programs whose sockets have
//! news or whose time has come run, each until it has to wait, in the order of their numbers.

pub mod counters;
mod deadlines;
mod echo;
mod fast_open;
mod first_windows;
mod icmp;
mod kernel;
mod lean;
mod listening;
mod ports;
mod processes;
mod programs;
mod rows;
mod sockets;
mod system;
mod tap;
mod tcp_layer;
mod udp;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use tcp::{Rule, State, Time};

use crate::hostio::{HostNet, HostOut};
use crate::packet::Packet;
use crate::spec;
use crate::trace::{Cause, Trigger};
use crate::view::SocketInfo;
pub use counters::Counters;
pub use kernel::{Ctx, Kernel};
use programs::Programs;
pub use sockets::{Readiness, SocketId};
pub use system::{News, QueuedError, Queues, RouteMetrics};

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
#[derive(Clone)]
#[repr(C)] // what each packet needs stands first
pub struct Host {
    /// Whether it runs.
    up: bool,
    /// Boots so far: a new secret for each.
    boots: u32,
    programs: Programs,
    kernel: Kernel,
}

impl std::hash::Hash for Host {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let Host { kernel, programs, up, boots } = self;
        (kernel, programs, up, boots).hash(state);
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("name", &self.kernel.setup.name)
            .field("up", &self.up)
            .finish_non_exhaustive()
    }
}

impl Host {
    /// A host that has booted; its programs wait for their times.
    pub fn new(setup: Setup) -> Host {
        let programs = Programs::new(&setup.programs);
        let net = setup.net.clone();
        Host { kernel: Kernel::new(Arc::new(setup), net, 0), programs, up: true, boots: 1 }
    }
    /// A packet arrived: header and transport checksums are right.
    #[inline]
    pub fn on_packet(&mut self, now: Time, packet: &Packet, out: &mut HostOut) {
        if self.up {
            let trigger = Trigger::Packet(packet.id);
            self.kernel.input(&mut Ctx { now, trigger, out }, packet);
            self.run_programs(now, out);
        }
    }
    /// A deadline may have come; early calls do nothing.
    pub fn on_deadline(&mut self, now: Time, out: &mut HostOut) {
        if self.up {
            let ctx = &mut Ctx { now, trigger: Trigger::Timer, out };
            self.kernel.ip_deadlines(ctx);
            self.kernel.tcp_deadlines(ctx);
            self.run_programs(now, out);
        }
    }
    /// When `on_deadline` wants to be called next.
    #[inline(always)]
    pub fn deadline(&self) -> Time {
        if self.up { self.kernel.deadline().min(self.programs.deadline()) } else { Time::NEVER }
    }
    /// Power is cut: all state is lost, nothing is sent.
    pub fn crash(&mut self, now: Time, out: &mut HostOut) {
        if !self.up {
            return;
        }
        self.up = false;
        self.kernel.all_gone(&mut Ctx { now, trigger: Trigger::Fault, out });
        let why = Cause { trigger: Trigger::Fault, rule: Rule::HostCrashed };
        for (tuple, from) in self.kernel.tcp.states() {
            out.state(tuple, from, State::Closed, why);
        }
        self.programs.crash();
        self.reset_kernel();
    }
    /// Boots after a crash: new ISN secret, nothing remembered; programs with `restart` start again, now, if their
    /// time has come, and those whose time is still ahead at that time.
    pub fn boot(&mut self, now: Time, out: &mut HostOut) {
        self.crash(now, out);
        self.up = true;
        self.programs.boot(now);
        self.run_programs(now, out);
    }
    /// The program of this name ends; its sockets are closed as a kernel would.
    pub fn kill(&mut self, now: Time, program: &str, out: &mut HostOut) {
        if self.up {
            let ctx = &mut Ctx { now, trigger: Trigger::Fault, out };
            self.programs.kill(program, &mut self.kernel, ctx);
            self.run_programs(now, out);
        }
    }
    /// Routes or MTUs of its links have changed.
    pub fn set_net(&mut self, now: Time, net: HostNet, out: &mut HostOut) {
        let _ = (now, out);
        for (remote, tcb) in self.kernel.tcp.remote_connections() {
            if let Some(egress) = net.egress(remote) {
                tcb.on_link_mtu(egress.mtu);
            }
        }
        self.kernel.net = net;
    }
    /// What `ss` and `netstat` show.
    pub fn sockets(&self, now: Time) -> Vec<SocketInfo> {
        self.kernel.rows(now)
    }
    /// What TCP knows of one connection, and which timers run; `None` if there is no such connection.
    pub fn reading(&self, now: Time, tuple: &tcp::Tuple) -> Option<(tcp::Info, tcp::Running)> {
        self.kernel.reading(now, tuple)
    }
    /// The Timestamps option of a segment that a connection would send now, if there is one and it uses timestamps.
    pub(crate) fn timestamps(&self, now: Time, tuple: &tcp::Tuple) -> Option<tcp::Timestamps> {
        let id = self.kernel.tcp.find(tuple)?;
        self.kernel.tcp.tcb(id)?.timestamps(now)
    }
    /// How many half-open requests the listener for this address has, and its backlog.
    pub(crate) fn listener_load(&self, local: std::net::SocketAddr) -> Option<(usize, u32)> {
        let tcp = &self.kernel.tcp;
        let slot = tcp.listeners.get(tcp.listener_for(local)? as usize)?.as_ref()?;
        Some((slot.listener.half_open(), slot.listener.backlog()))
    }
    /// Pieces of packets of which not all has come.
    pub(crate) fn pieces(&self) -> &crate::ip::Reassembly {
        &self.kernel.reassembly
    }
    #[cfg(test)]
    pub(crate) fn pieces_mut(&mut self) -> &mut crate::ip::Reassembly {
        &mut self.kernel.reassembly
    }
    /// Calls `what` with what TCP knows of each connection.
    pub(crate) fn each_connection(&self, now: Time, mut what: impl FnMut(&tcp::Tuple, tcp::Info)) {
        self.kernel.tcp.connections().for_each(|(tuple, tcb, _)| what(&tuple, tcb.info(now)));
    }
    /// The identifications of the packets that TCP sends next.
    pub(crate) fn idents_into<H: std::hash::Hasher>(&self, state: &mut H) {
        self.kernel.tcp.idents_into(state);
    }
    /// Whether packets wait in it.
    pub(crate) fn holds_packets(&self) -> bool {
        !self.kernel.loopback.is_empty() || !self.kernel.reassembly.is_empty()
    }
    /// Its counters.
    pub fn counters(&self) -> Counters {
        self.kernel.counters.clone()
    }

    /// Calls the socket layer from outside of any program of the scenario, then lets the programs run.
    pub fn call<R>(
        &mut self,
        now: Time,
        out: &mut HostOut,
        what: impl FnOnce(&mut Kernel, &mut Ctx<'_>) -> R,
    ) -> R {
        let result = what(&mut self.kernel, &mut Ctx { now, trigger: Trigger::Call, out });
        self.run_programs(now, out);
        result
    }

    #[inline]
    fn run_programs(&mut self, now: Time, out: &mut HostOut) {
        // After most packets nobody has news.
        if self.kernel.ready.is_empty() && self.programs.deadline() > now {
            return;
        }
        let ctx = &mut Ctx { now, trigger: Trigger::Call, out };
        self.programs.run(&mut self.kernel, ctx);
    }
    /// A kernel that remembers nothing but what it counted.
    fn reset_kernel(&mut self) {
        let counters = std::mem::take(&mut self.kernel.counters);
        let (setup, net) = (Arc::clone(&self.kernel.setup), self.kernel.net.clone());
        self.kernel = Kernel::new(setup, net, self.boots);
        self.kernel.counters = counters;
        self.boots += 1;
    }
}
