//! The one integration test binary.

mod cli;
mod errors;
mod expectations;
mod kernel;
mod scenarios;
