//! The one integration test binary.

mod bridge;
mod checkers;
mod cli;
mod compare;
mod determinism;
mod errors;
mod expectations;
mod finding;
mod freeze;
mod fuzz;
mod fuzz_targets;
mod gallery;
mod generated;
mod invariants;
mod ipv6;
mod kernel;
mod packetdrill;
mod populations;
mod readme;
mod requirements;
mod scenarios;
mod side_by_side;
mod sweeps;
mod theory;
mod weather;
