//! A scenario, resolved: every name known to exist, every value within its bounds, every default filled in.
//!
//! The command makes one from a file (and says what is wrong with the file); tests may build one directly. Hosts,
//! routers and links are kept by name, so their order of mention means nothing.

mod fault;
mod population;
mod program;
mod queue;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use tcp::{Config, Duration, Time};

pub use fault::{
    Action, FateRule, Fault, Inject, InjectIcmp, Limit, Match, Nth, Piece, Protocol, Rewrite, SeqRef, Strip,
};
pub use population::{Arrivals, FlowKind, Pairing, Population};
pub use program::{Program, Run, Serve, Step};
pub use queue::{Codel, Discipline, FqCodel, Pie, Red, Shape};

/// A scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Seed of all randomness.
    pub seed: u64,
    /// When the run ends, if something is still going on then.
    pub until: Time,
    /// Hosts and routers by name.
    pub nodes: BTreeMap<String, Node>,
    /// Links by name; `a-b` unless the file gives one.
    pub links: BTreeMap<String, Link>,
    /// Programs, in order of mention (which names those that the file does not name: `client/1`).
    pub programs: Vec<Program>,
    /// What happens to the network and the hosts, by time.
    pub faults: Vec<(Time, Fault)>,
    /// What happens to packets, first match first.
    pub rules: Vec<FateRule>,
}

/// A host or a router.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Runs programs over TCP and UDP.
    Host(Host),
    /// Forwards.
    Router(Router),
}

/// A host.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its addresses; the first is the one that it opens connections from.
    pub addresses: Vec<IpAddr>,
    /// How its TCP behaves.
    pub tcp: Arc<Config>,
    /// Ephemeral ports, inclusive (Linux 32768 to 60999).
    pub ports: (u16, u16),
    /// TTL of what it sends (Linux 64).
    pub ttl: u8,
    /// Life of an incomplete reassembly (Linux 30 s; RFC 1122: 60 to 120 s).
    pub reassembly_timeout: Duration,
    /// Overrides of the computed routes.
    pub routes: Vec<Route>,
    /// Process id of its first program, as `netstat -p` shows it.
    pub first_pid: u32,
    /// Time from news on a socket until the program that waits for them runs. A machine needs some 20 to 300 microseconds; what
    /// arrives in between is read, and may be acknowledged, together.
    pub wakeup: Duration,
}

/// A router.
#[derive(Clone, Debug, PartialEq)]
pub struct Router {
    /// The address that it answers ICMP from.
    pub address: IpAddr,
    /// Whether it sends ICMP errors at all (a black hole does not).
    pub icmp: bool,
    /// Overrides of the computed routes.
    pub routes: Vec<Route>,
}

/// A route: packets to `prefix` go to the neighbour `via`, or nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Network address.
    pub prefix: IpAddr,
    /// Length of the prefix, in bits.
    pub len: u8,
    /// Name of the neighbouring node; `None`: unreachable (ICMP host unreachable).
    pub via: Option<String>,
}

/// A link: two nodes and two directions.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The names of its ends.
    pub ends: (String, String),
    /// From the first end to the second, and back.
    pub ways: [Way; 2],
}

/// One direction of a link. The words are those of netem and qdisc.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// Bits per second; zero: infinitely fast.
    pub rate_bps: u64,
    /// Propagation delay.
    pub delay: Duration,
    /// Variation of the delay.
    pub jitter: Jitter,
    /// Loss.
    pub loss: Loss,
    /// Probability that a packet is sent twice, in parts per million.
    pub duplicate_ppm: u32,
    /// How much later the copy arrives.
    pub duplicate_delay: Duration,
    /// Probability that a packet is overtaken, in parts per million.
    pub reorder_ppm: u32,
    /// How much later an overtaken packet arrives.
    pub reorder_delay: Duration,
    /// Probability that one bit of a packet is flipped, in parts per million.
    pub corrupt_ppm: u32,
    /// Largest packet, in bytes with its IP header.
    pub mtu: u16,
    /// What the queue in front of the link holds.
    pub limit: Limit,
    /// What else happens to which packets, instead of by chance.
    pub listed: Option<Arc<Listed>>,
    /// How it is kept short.
    pub discipline: Discipline,
    /// A token bucket in front of the link.
    pub shape: Option<Shape>,
}

impl Way {
    /// What it carries for as long as one likes, in bits per second: its rate, or what its shaper lets pass if that is less; zero:
    /// infinitely fast.
    pub fn sustained_bps(&self) -> u64 {
        let shaped = self.shape.map_or(0, |shape| shape.rate_bps);
        match (self.rate_bps, shaped) {
            (rate, 0) | (0, rate) => rate,
            (rate, shaped) => rate.min(shaped),
        }
    }
    /// One that only carries: as fast as can be, with this delay, packets of up to `mtu` bytes.
    pub fn plain(delay: Duration, mtu: u16) -> Way {
        let jitter = Jitter {
            scale: Duration::ZERO,
            distribution: Distribution::Uniform,
            correlation_ppm: 0,
            reorders: false,
        };
        Way {
            rate_bps: 0,
            delay,
            jitter,
            loss: Loss::None,
            duplicate_ppm: 0,
            duplicate_delay: Duration::ZERO,
            reorder_ppm: 0,
            reorder_delay: Duration::ZERO,
            corrupt_ppm: 0,
            mtu,
            limit: Limit::Unlimited,
            listed: None,
            discipline: Discipline::DropTail,
            shape: None,
        }
    }
}

/// What happens to packets of one direction of a link, by their number: the same as chance does, but written down.
/// Losses are [`Loss::Listed`]. Numbers count from one; each list is in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Packets that are sent twice, of those handed to the link.
    pub copy: Vec<u64>,
    /// Packets of those handed to the link of which this bit is flipped, counted from the start of the IP header.
    pub flip: Vec<(u64, u32)>,
    /// Packets of those that left the queue that take so many nanoseconds longer, or less long, than the delay.
    pub shift: Vec<(u64, i64)>,
    /// Packets of those that left the queue that are overtaken.
    pub overtake: Vec<u64>,
    /// Packets of those handed to the link that its queue drops before it is full.
    pub drop_early: Vec<u64>,
    /// Packets of those handed to the link that its queue marks congestion experienced.
    pub mark: Vec<u64>,
}

/// Variation of a link's delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter {
    /// Scale: the half-width of the uniform distribution, the standard deviation of the others.
    pub scale: Duration,
    /// Shape.
    pub distribution: Distribution,
    /// How much a packet's variation follows that of the one before, in parts per million.
    pub correlation_ppm: u32,
    /// Whether packets may overtake each other by it; else each arrives no earlier than the one before.
    pub reorders: bool,
}

/// Shape of a jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Evenly within the scale on both sides.
    Uniform,
    /// Bell-shaped, from an integer table.
    Normal,
    /// With a long tail upwards, from an integer table.
    Pareto,
}

/// Random or listed loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// None.
    None,
    /// Each packet by itself, with this probability in parts per million.
    Bernoulli(u32),
    /// Two states (Gilbert-Elliott, as netem's `gemodel`), all in parts per million per packet.
    GilbertElliott {
        /// From good to bad.
        p: u32,
        /// From bad to good.
        r: u32,
        /// Loss in the bad state.
        bad_loss: u32,
        /// Loss in the good state.
        good_loss: u32,
    },
    /// The packets with these numbers, counted from one in this direction.
    Listed(Vec<u64>),
}
