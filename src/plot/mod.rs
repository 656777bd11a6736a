//! Pictures of runs and of sweeps, as SVG.
//!
//! [`cwnd`], [`queue`] and [`sequence`] watch one run, [`cdf`] compares completion times, [`sweep`] shows a figure over an
//! axis. Each makes [`chart::Chart`]s, which the library `kuva` draws. The same data make the same bytes.
//!
//! Floats: what is drawn is over, and nothing of it goes back into a run.

pub mod cdf;
pub mod chart;
pub mod cwnd;
pub mod flow;
pub mod queue;
pub mod sequence;
pub mod sweep;

pub use chart::{Chart, svg};

#[cfg(test)]
mod tests;
