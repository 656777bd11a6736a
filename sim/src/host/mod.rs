//! A simulated host.

pub mod counters;

pub use counters::Counters;
