//! Scenario files in, reports out.
#![forbid(unsafe_code)]

pub mod columns;
pub mod compare;
pub mod figures;
pub mod find;
pub mod names;
pub mod packetdrill;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod pcap;
pub mod plot;
pub mod relative;
pub mod requirements;
pub mod scenario;
pub mod sweep;
pub mod view;

pub use names::Names;
