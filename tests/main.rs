//! The one integration test binary.

mod errors;
mod kernel;
mod scenarios;
