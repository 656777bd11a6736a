//! Links: their directions, what those do to packets, and the queues in front of them.

mod impairment;
mod outcome;
mod pipe;
mod qdisc;

#[cfg(test)]
mod tests;

pub use impairment::{FateLog, Forced};
pub use outcome::PipeCounters;
pub(crate) use outcome::{Carried, Flight, Left, Luck, Offer};
pub(crate) use pipe::Pipe;
pub(crate) use qdisc::{Orders, Waiting};
