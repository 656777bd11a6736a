//! Finding what nobody thought of: runs written down without chance, random scenarios, small ones made of large ones,
//! all faults tried, and bytes from a fuzzer.

pub mod differential;
pub mod explore;
pub mod freeze;
pub mod fuzz;
pub mod judge;
pub mod metamorphic;
pub mod relation;
pub mod shrink;
pub mod targets;
pub mod verdict;
