//! TCP, and nothing else: no clock, no socket, no file, no randomness of its own.
//!
//! # The caller's contract
//!
//! A host keeps a table from four-tuple to [`Tcb`], and [`Listener`]s by port. It calls
//! - `on_segment(now, …)` for each segment that arrives,
//! - `on_deadline(now, …)` when [`deadline`](Tcb::deadline) has come (an early call does nothing),
//! - the calls of RFC 9293, section 3.9.1, for its programs.
//!
//! `now` never decreases. Each call writes what it wants to happen into an [`Out`] that the caller owns and
//! reuses; after the call there is nothing left to poll, and the deadline may have moved. No segment can make
//! a call panic, loop, or grow memory without bound.
//!
//! # What is not here
//!
//! Addresses (a host's business, but for [`Tuple`], which initial sequence numbers and SYN cookies hash),
//! checksums in flight (computed in [`wire`] at the edges), payload bytes (described: [`Payload`]).
#![forbid(unsafe_code)]

pub mod accecn;
pub mod buffer;
pub mod cause;
pub mod config;
pub mod congestion;
pub mod connection;
pub mod cookie;
pub mod error;
pub mod fast_open;
pub mod handshake;
pub mod info;
pub mod isn;
pub mod listener;
pub mod offer;
pub mod opening;
pub mod out;
pub mod payload;
pub mod ranges;
pub mod recovery;
pub mod resting;
pub mod rtt;
pub mod segment;
pub mod seq;
mod shortcut;
mod siphash;
mod socket_option;
pub mod state;
pub mod tcb;
pub mod time;
pub mod time_wait;
pub mod wheel;
pub mod wire;

pub use cause::Rule;
pub use config::Config;
pub use connection::Connection;
pub use error::Errno;
pub use handshake::Handshake;
pub use info::{AccEcnInfo, Info, Running, TimerKind};
pub use isn::{IsnSecret, Tuple};
pub use listener::Listener;
pub use out::{EcnCodepoint, Note, Out, Outgoing, Wake};
pub use payload::Payload;
pub use segment::{
    AccEcnFields, FastOpenOption, Flags, OptionOrder, Options, SackBlocks, Segment, TfoCookie, Timestamps,
};
pub use seq::{Seq, SeqNum};
pub use state::State;
pub use tcb::Tcb;
pub use time::{Duration, Time};
pub use time_wait::TimeWait;
