//! Checkers: they look at what happens and influence nothing. Each lives apart from what it checks.

mod stream;

pub use stream::{Finding, StreamCheck, StreamEnd, StreamEvent, Wrong};

#[cfg(test)]
mod tests;
