//! The one integration test binary.

mod cli;
mod determinism;
mod errors;
mod generated;
mod expectations;
mod gallery;
mod kernel;
mod scenarios;
