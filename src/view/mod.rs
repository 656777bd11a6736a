//! What people see of a run. Each view reads a trace ([`sim::Record`]) or a host's socket rows and writes text.
//!
//! Colours are always written ([`paint`]); the stream takes them out where nobody can see them. Nothing here
//! influences a run.

pub mod flow;
pub mod json;
pub mod ladder;
pub mod paint;
pub mod sockets;
pub mod states;
pub mod story;
pub mod tcpdump;
pub mod trace;
pub mod why;
pub mod words;

use sim::NodeId;

pub use story::Story;

/// What the reader asked for.
#[derive(Clone, Copy, Debug)]
pub struct Show {
    /// Only what this host sent, received or did.
    pub host: Option<NodeId>,
    /// Columns of the terminal.
    pub width: usize,
}

impl Default for Show {
    fn default() -> Show {
        Show { host: None, width: 100 }
    }
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
