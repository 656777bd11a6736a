//! A deterministic network simulator: virtual time, links, routers, hosts, programs, faults.
#![forbid(unsafe_code)]

pub mod host;
pub mod hostio;
pub mod ip;
pub mod packet;
pub mod route;
pub mod spec;
pub mod trace;
pub mod view;

pub use hostio::{Egress, HostNet, HostOut};
pub use packet::{Packet, PacketId};
pub use spec::Spec;
pub use trace::{NodeId, PipeId, Record, TraceLevel, What};
