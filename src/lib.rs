//! Scenario files in, reports out.

pub mod names;
pub mod pcap;
pub mod view;

pub use names::Names;
