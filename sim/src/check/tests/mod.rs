//! Checkers by themselves: what breaks a law is told, what keeps it is not.

mod laws;
mod spared;
mod stream;
mod told;
