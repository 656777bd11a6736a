//! Links: their directions, what those do to packets, and the queues in front of them.

mod impairment;
mod pipe;
mod qdisc;

#[cfg(test)]
mod tests;

pub use impairment::{FateLog, Forced};
pub use pipe::PipeCounters;
pub(crate) use pipe::{Carried, Flight, Left, Luck, Offer, Pipe};
pub(crate) use qdisc::{Orders, Waiting};
