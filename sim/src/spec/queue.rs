//! Queueing disciplines of a link, with the defaults of their documents.

use tcp::Duration;

/// What a queue does besides holding packets up to its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Discipline {
    /// Nothing (`pfifo`, `bfifo`).
    #[default]
    DropTail,
    /// Random early detection.
    Red(Red),
    /// RFC 8033.
    Pie(Pie),
    /// RFC 8289.
    Codel(Codel),
    /// RFC 8290.
    FqCodel(FqCodel),
}

/// Random early detection (Floyd and Jacobson, 1993). Lengths are averages, in packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Red {
    /// Below this, nothing is dropped.
    pub min: u32,
    /// Here the probability is `probability_ppm`.
    pub max: u32,
    /// That probability, in parts per million.
    pub probability_ppm: u32,
    /// Weight of the present length in the average, in parts per million.
    pub weight_ppm: u32,
    /// Whether the probability rises on to one at twice `max`, instead of being one from `max` on.
    pub gentle: bool,
    /// Whether ECN-capable packets are marked instead.
    pub ecn: bool,
}

impl Default for Red {
    fn default() -> Red {
        Red { min: 5, max: 15, probability_ppm: 100_000, weight_ppm: 2_000, gentle: true, ecn: true }
    }
}

/// PIE (RFC 8033).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pie {
    /// `QDELAY_REF`: the delay that it aims at.
    pub target: Duration,
    /// `T_UPDATE`: time between updates of the probability, at least 1 ms.
    pub update: Duration,
    /// `MAX_BURST`: what is let through before anything is dropped.
    pub burst: Duration,
    /// Whether ECN-capable packets are marked instead,
    pub ecn: bool,
    /// up to this probability, in parts per million.
    pub ecn_most_ppm: u32,
}

impl Default for Pie {
    fn default() -> Pie {
        Pie {
            target: Duration::from_millis(15),
            update: Duration::from_millis(15),
            burst: Duration::from_millis(150),
            ecn: true,
            ecn_most_ppm: 100_000,
        }
    }
}

/// CoDel (RFC 8289).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Codel {
    /// `TARGET`: the wait that is accepted.
    pub target: Duration,
    /// `INTERVAL`: how long it may be exceeded.
    pub interval: Duration,
    /// Whether ECN-capable packets are marked instead of dropped.
    pub ecn: bool,
}

impl Default for Codel {
    fn default() -> Codel {
        Codel { target: Duration::from_millis(5), interval: Duration::from_millis(100), ecn: true }
    }
}

/// FQ-CoDel (RFC 8290).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FqCodel {
    /// CoDel for each of the queues.
    pub codel: Codel,
    /// Number of queues.
    pub flows: u32,
    /// Bytes that a queue may send in its turn.
    pub quantum: u32,
}

impl Default for FqCodel {
    fn default() -> FqCodel {
        FqCodel { codel: Codel::default(), flows: 1024, quantum: 1514 }
    }
}

/// A token bucket (`tbf`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Rate at which it fills, in bits per second.
    pub rate_bps: u64,
    /// What it holds, in bytes.
    pub burst: u64,
}
