//! The one integration test binary.

mod errors;
mod kernel;
