//! Finding what nobody thought of: runs written down without chance, random scenarios, small ones made of large ones,
//! and all faults tried.

pub mod explore;
pub mod freeze;
pub mod fuzz;
pub mod shrink;
pub mod verdict;
