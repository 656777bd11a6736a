//! A deterministic network simulator: virtual time, links, routers, hosts, programs, faults.
#![forbid(unsafe_code)]

pub mod calls;
pub mod check;
mod digest;
mod fate;
mod faults;
pub mod figures;
pub mod hash;
pub mod host;
pub mod hostio;
pub mod ip;
pub mod link;
mod node;
pub mod packet;
pub mod queue;
pub mod rng;
pub mod route;
mod search;
pub mod simulator;
mod slab;
pub mod spec;
pub mod sys;
#[cfg(test)]
mod testing;
pub mod topology;
pub mod trace;
pub mod view;
pub mod wire;

pub use hostio::{Egress, HostNet, HostOut};
pub use packet::{Packet, PacketId};
pub use simulator::Simulator;
pub use spec::Spec;
pub use topology::Names;
pub use trace::{NodeId, PipeId, Record, TraceLevel, What};
