//! What a run measures: goodput, completion times, fairness, queues, losses, round trips. Whole numbers with their units in
//! their names: `_ns` nanoseconds, `_bps` bits per second, `_ppm` parts per million, `_bytes`, `_milli` thousandths.
//!
//! [`measure`] runs a scenario and collects; [`mod@write`] puts the figures into files, [`table`] onto a terminal. Collecting
//! costs time and changes nothing: the trace of the run has the same hash without.

mod collect;
pub mod record;
pub mod table;
pub mod unit;
pub mod write;

use serde::{Deserialize, Serialize};
use sim::{Simulator, Spec, TraceLevel};
use tcp::Duration;

pub use self::collect::group;
use self::record::{Cell, Percentiles, Record, record};

/// What is to be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What happens before this time is not counted.
    pub warmup: Duration,
    /// How often connections and queues are looked at, for time series; `None`: never.
    pub every: Option<Duration>,
    /// The first so many connections have a time series.
    pub sampled: u32,
    /// Whether each connection has a record of its own.
    pub flows: bool,
    /// Sizes up to which a transfer belongs to a class, in bytes, in order; one more class holds the larger ones.
    pub classes: Vec<u64>,
    /// Whether streams are compared byte by byte, as `timewait run` does.
    pub check: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            warmup: Duration::ZERO,
            every: None,
            sampled: 20,
            flows: true,
            classes: vec![10_000, 100_000, 1_000_000, 10_000_000],
            check: false,
        }
    }
}

/// All that a run measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Which run.
    pub run: Run,
    /// All connections together.
    pub total: Total,
    /// Connections by the program that opened them, by name.
    pub programs: Vec<Program>,
    /// Completion times by size.
    pub classes: Vec<Class>,
    /// Queues: each direction of a link that carried something, by the link's name.
    pub queues: Vec<Queue>,
    /// Each connection, in the order in which they were opened.
    pub flows: Vec<Flow>,
    /// Connections over time.
    pub flow_samples: Vec<FlowSample>,
    /// Queues over time.
    pub queue_samples: Vec<QueueSample>,
    /// What is wrong with the run itself: packets that no counter knows, streams that came out changed. Nothing is.
    pub wrong: Vec<String>,
}

record! { "run",
    /// Which run was measured.
    pub struct Run {
        /// Seed of all randomness.
        seed: u64,
        /// End of the warm-up: figures count from here.
        from_ns: u64,
        /// Until here: the end of the run, or the last byte that a program read if it ended by itself.
        to_ns: u64,
        /// End of the run.
        end_ns: u64,
        /// Events handled.
        events: u64,
        /// Packets made.
        packets: u64,
        /// Hash of the trace: equal runs have equal ones.
        trace: String,
    }
}

record! { "total",
    /// All connections together, since the end of the warm-up.
    pub struct Total {
        /// Connections that were open at some time.
        flows: u64,
        /// Of these, complete: closed, and all that was written was read.
        complete: u64,
        /// Of these, ended otherwise.
        failed: u64,
        /// Of these, still open at the end.
        open: u64,
        /// Beside these: asked for, and never opened, since no port was left or no way there.
        unopened: u64,
        /// Bytes that programs read, in both directions.
        read_bytes: u64,
        /// These, by the time that was measured.
        goodput_bps: u64,
        /// Jain's index of the connections' goodputs: 1,000,000 if all are equal.
        fairness_ppm: u64,
        /// Segments sent, by all connections over their whole life.
        segments: u64,
        /// Of these, sent again.
        retransmitted: u64,
        /// Packets that queues had no room for.
        queue_full: u64,
        /// Packets that queues dropped before they were full.
        early: u64,
        /// Packets lost on links otherwise: by chance, by rules, by links that are down.
        lost: u64,
        /// Packets that queues marked (ECN).
        marked: u64,
        /// Time to establish a connection, from connect(2).
        handshake_ns: Percentiles,
        /// Completion times of transfers.
        fct_ns: Percentiles,
        /// These, by the time that the transfer would take if it were alone and nothing had to be opened or found out.
        slowdown_milli: Percentiles,
        /// Round-trip times as the connections measured them.
        rtt_ns: Percentiles,
    }
}

record! { "program",
    /// The connections that one program opened, or all programs of one population.
    pub struct Program {
        /// Its name.
        program: String,
        /// Connections.
        flows: u64,
        /// Of these, complete.
        complete: u64,
        /// Of these, failed.
        failed: u64,
        /// Beside these: never opened, since no port was left or no way there.
        unopened: u64,
        /// Bytes read, in both directions.
        read_bytes: u64,
        /// These, by the time that was measured.
        goodput_bps: u64,
        /// Jain's index of the connections' goodputs.
        fairness_ppm: u64,
        /// Segments sent again.
        retransmitted: u64,
        /// Completion times of its transfers.
        fct_ns: Percentiles,
    }
}

record! { "class",
    /// Transfers of one class of size. A transfer is a request with its response where the program says so, else a
    /// connection; its size is that of both directions.
    pub struct Class {
        /// Larger than this.
        above_bytes: u64,
        /// Up to this; absent: any size.
        upto_bytes: Option<u64>,
        /// Completion times.
        fct_ns: Percentiles,
        /// These, by the ideal time.
        slowdown_milli: Percentiles,
    }
}

record! { "queue",
    /// One direction of a link, and the queue in front of it.
    pub struct Queue {
        /// The link.
        link: String,
        /// Where the direction begins.
        from: String,
        /// Where it ends.
        to: String,
        /// What it carries for long: its rate, or what its shaper lets pass if that is less; 0: infinite.
        rate_bps: u64,
        /// Packets handed over.
        sent: u64,
        /// Packets that came out.
        delivered: u64,
        /// Their bytes.
        delivered_bytes: u64,
        /// How much of its rate was used; absent where there is none.
        use_ppm: Option<u64>,
        /// Packets that it had no room for.
        queue_full: u64,
        /// Packets dropped before it was full.
        early: u64,
        /// Packets lost behind it, by chance, by a rule or because the link was down.
        lost: u64,
        /// Packets marked (ECN).
        marked: u64,
        /// Thousandths of packets that waited, over time.
        length_milli: u64,
        /// How long packets waited.
        wait_ns: Percentiles,
        /// How many packets each found waiting.
        found: Percentiles,
    }
}

record! { "flow",
    /// A connection.
    pub struct Flow {
        /// Its number, in the order of opening.
        flow: u64,
        /// The program that opened it.
        program: String,
        /// Address and port that opened it.
        from: String,
        /// Address and port that it was opened to.
        to: String,
        /// When connect(2) was called.
        opened_ns: u64,
        /// When the opener was ESTABLISHED.
        established_ns: Option<u64>,
        /// When something was last read.
        last_read_ns: Option<u64>,
        /// When the opener's TCP was done.
        ended_ns: Option<u64>,
        /// `complete`, `failed` or `open`.
        outcome: String,
        /// Bytes from the opener that were read, since the warm-up.
        up_bytes: u64,
        /// Bytes to the opener that were read, since the warm-up.
        down_bytes: u64,
        /// Both, by the time that it was open.
        goodput_bps: u64,
        /// From connect(2) until the last byte was read; of a complete one.
        fct_ns: Option<u64>,
        /// This, by the ideal time.
        slowdown_milli: Option<u64>,
        /// Transfers that its program told apart.
        transfers: u64,
        /// Segments sent by both ends.
        segments: u64,
        /// Of these, sent again.
        retransmitted: u64,
        /// Segments that the ends know to have been marked.
        marked: u64,
        /// Mean of the measured round-trip times.
        rtt_mean_ns: Option<u64>,
        /// The smallest of them.
        rtt_min_ns: Option<u64>,
        /// The largest of them.
        rtt_max_ns: Option<u64>,
        /// Congestion window at the end of the opener, or of the other end if that sent more; segments.
        cwnd: u64,
    }
}

record! { "flow_sample",
    /// A connection at one moment, at the end that has sent more.
    pub struct FlowSample {
        /// When.
        time_ns: u64,
        /// Which connection.
        flow: u64,
        /// Congestion window, in segments.
        cwnd: u64,
        /// Slow start threshold, in segments, once there is one.
        ssthresh: Option<u64>,
        /// Segments in flight.
        in_flight: u64,
        /// Smoothed round-trip time.
        srtt_ns: u64,
        /// Segments sent again so far.
        retransmitted: u64,
        /// Bytes read since the last sample, by the time between, in both directions.
        goodput_bps: u64,
    }
}

record! { "queue_sample",
    /// A direction of a link at one moment.
    pub struct QueueSample {
        /// When.
        time_ns: u64,
        /// The link.
        link: String,
        /// Where the direction begins.
        from: String,
        /// Packets that wait.
        packets: u64,
        /// Their bytes.
        bytes: u64,
        /// Packets dropped or lost since the last sample.
        dropped: u64,
        /// Packets marked since the last sample.
        marked: u64,
        /// What came out since the last sample, by the time between.
        rate_bps: u64,
    }
}

/// Runs a scenario and measures it.
pub fn measure(spec: &Spec, options: &Options) -> Figures {
    let simulator = Simulator::new(spec, TraceLevel::Off).with_figures();
    let mut simulator = if options.check { simulator } else { simulator.without_checks() };
    measure_world(&mut simulator, spec, options)
}

/// Runs a world, made of `spec`, to its end and measures it; `with_figures` was called on it, and its checks are what they are.
pub fn measure_world(simulator: &mut Simulator, spec: &Spec, options: &Options) -> Figures {
    collect::run(simulator, spec, options)
}

impl Figures {
    /// The figures of the whole run, each by its name: `goodput_bps`, `fct_ns_p99`. Those that have no value are left out.
    pub fn scalars(&self) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        self.total.cells(&mut |name, cell| {
            if let Cell::Number(value) = cell {
                all.push((name.to_owned(), value));
            }
        });
        all
    }
}

#[cfg(test)]
mod tests;
