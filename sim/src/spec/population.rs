//! Many flows of one kind.

use std::net::SocketAddr;
use std::sync::Arc;

use tcp::tcb::SocketOption;
use tcp::{Duration, Time};

use crate::rng::Draw;

/// The part that one host has in a population: many connections of one kind, to several servers.
///
/// The flows of the whole population are numbered from zero, and those of `hosts` hosts in turn: this one's are `place`,
/// `place + hosts`, and so on.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Population {
    /// Its name: all parts have the same.
    pub name: Arc<str>,
    /// Whom the flows go to.
    pub targets: Arc<[SocketAddr]>,
    /// How a flow gets its target.
    pub pairing: Pairing,
    /// This part,
    pub place: u32,
    /// of so many.
    pub hosts: u32,
    /// Flows of all parts together.
    pub count: u64,
    /// When they begin.
    pub arrivals: Arrivals,
    /// No flow begins at this time or later.
    pub stop: Time,
    /// What each does.
    pub kind: FlowKind,
    /// Options set before connecting.
    pub options: Vec<SocketOption>,
}

impl Population {
    /// How many of `all` numbers from zero fall to this part.
    pub fn share(&self, all: u64) -> u64 {
        let hosts = u64::from(self.hosts.max(1));
        all.saturating_sub(u64::from(self.place)).div_ceil(hosts)
    }
}

/// How a flow gets its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pairing {
    /// Flow `n` goes to target `n`, counted round.
    InTurn,
    /// By chance, each alike.
    Random,
}

/// When flows begin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Arrivals {
    /// One after the other, so far apart; zero: all at once.
    Every(Duration),
    /// Poisson: times between them are exponential with this mean, over all parts.
    Poisson(Duration),
    /// At these times after the program's start.
    At(Arc<[Duration]>),
    /// So many users, each with one flow at a time; when that has ended, it thinks before the next one.
    Closed {
        /// Of all parts together.
        users: u32,
        /// How long a user thinks, in nanoseconds; before the first flow too.
        think: Draw,
    },
}

/// What a flow does. Its connection is opened first and closed last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FlowKind {
    /// Sends for ever.
    Endless,
    /// Sends so many bytes.
    Upload(Draw),
    /// Sends requests; each says how large the response shall be, which is read before the next.
    Requests {
        /// How many.
        count: u32,
        /// Bytes of a request, at least eight.
        request: u32,
        /// Bytes of a response.
        response: Draw,
        /// Nanoseconds between a response and the next request.
        think: Draw,
    },
    /// Sends bursts with pauses between them.
    OnOff {
        /// Bytes of a burst.
        burst: Draw,
        /// Nanoseconds of a pause.
        pause: Draw,
        /// How many; zero: no bound.
        bursts: u32,
    },
    /// Does nothing for so long; `None`: until the other end closes.
    Idle(Option<Duration>),
}
