//! The one integration test binary.

mod cli;
mod errors;
mod kernel;
mod scenarios;
