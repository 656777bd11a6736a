//! Scenario files: read, checked, resolved, written back, documented; and whether a run met their expectations.

pub mod error;
pub mod file;
pub mod units;
