//! A scenario file as it is typed: nothing filled in, nothing checked beyond the form of each value.
//!
//! [`resolve`](super::resolve) turns it into a [`sim::Spec`]. What is not said here has its default, which stands in
//! the documentation of each field. The types are made by one table each, see [`table`].

pub mod expect;
pub mod fault;
pub mod loose;
pub mod population;
pub mod program;
pub mod table;
pub mod tcp;
pub mod topology;

pub use self::expect::{Expect, Running, Seen};
pub use self::fault::{Action, Fault, FaultKind, Rule};
pub use self::loose::{Maybe, Named, Nth, OneOrMany, Ports, Range};
pub use self::population::Population;
pub use self::program::{Program, Run, Socket, Step};
use self::table::described;
pub use self::tcp::Tcp;
pub use self::topology::Topology;
use super::units::{Address, Percent, Prefix, Rate, Shift, Size, Span};

/// How RON is read: values of optional fields are written without `Some`, and no deeper than 64 levels.
pub fn options() -> ron::Options {
    use ron::extensions::Extensions;
    ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES)
        .with_recursion_limit(64)
}

described! {
    /// A scenario: hosts, links, programs, what goes wrong, and what is expected.
    pub struct Scenario {
        /// What it shows, in one line, for `timewait list`.
        about: String = "nothing", "\"four segments close a connection\"";
        /// Seed of all randomness.
        seed: Option<u64> = "1", "42";
        /// When the run ends, if something is still going on then. It ends earlier when nothing is left to happen.
        until: Option<Span> = "1d", "\"130s\"";
        /// How the hosts' TCP behaves where a host does not say otherwise.
        personality: Option<Personality> = "Linux", "Rfc";
        /// A network by template.
        topology: Option<Topology> = "none", "Dumbbell(left: 10, bottleneck: (rate: \"1Gbit\", delay: \"10ms\"))";
        /// Hosts, by name. `c[1-100]` are a hundred, with addresses one after the other if there is a first.
        hosts: Named<Host> = "those of the topology", "{ \"client\": (addr: \"10.0.0.1\") }";
        /// Routers, by name, or many as with hosts.
        routers: Named<Router> = "none", "{ \"r1\": (addr: \"10.0.0.254\") }";
        /// Links between them. `c[1-100]` is one end of a hundred links, whose other ends are one or as many.
        links: Vec<Link> = "none but the topology's", "[(between: (\"client\", \"server\"), delay: \"10ms\")]";
        /// Programs on the hosts, in order of mention.
        programs: Vec<Program> = "none", "[(on: \"server\", run: EchoServer(port: 7))]";
        /// Many flows of one kind: clients and their servers, without a line for each.
        populations: Vec<Population> = "none", "[(name: \"web\", from: \"l*\", to: \"r*\", kind: Short(response: WebSearch), arrivals: Poisson(\"1ms\"), stop: \"5s\")]";
        /// What happens to packets, first match first.
        rules: Vec<Rule> = "none", "[(from: \"client\", flags: \"F\", nth: 1, do: Drop)]";
        /// What happens to the network and the hosts.
        faults: Vec<Fault> = "none", "[(at: \"2s\", do: LinkDown(\"client-server\"))]";
        /// What must have happened when the run is over.
        expect: Vec<Expect> = "nothing", "[Final(on: \"server\", is: \"CLOSED\")]";
        /// Which of the checks that every run makes are made.
        check: Option<Check> = "all", "(stream: false)";
    }
}

described! {
    /// Checks that every run makes.
    pub struct Check {
        /// Every byte that a program read is the one that the peer's program sent at that place.
        stream: Option<bool> = "true", "false";
        /// The laws of TCP hold, after every event.
        laws: Option<bool> = "true", "false";
        /// At the end everything has come to rest, as `timewait fuzz` and `explore` ask; and the end comes within a million
        /// events, where the run is cut off.
        rest: Option<bool> = "false", "true";
        /// Laws that this scenario breaks on purpose (docs/finding.md has their names).
        breaks: Vec<String> = "none", "[\"AckOfUnsent\"]";
    }
}

described! {
    /// How TCP behaves where no knob says otherwise.
    pub enum Personality: Copy, Eq {
        /// Linux 6.18 with its default settings.
        Linux,
        /// The letter of the RFCs.
        Rfc,
        /// FreeBSD 15 with its default settings.
        FreeBsd,
    }
}

described! {
    /// A host: runs programs over TCP and UDP.
    pub struct Host {
        /// Its address, or several; it opens connections from the first.
        addr: OneOrMany<Address> = "10.0.0.N for the Nth name of all hosts and routers", "\"192.168.30.133\"";
        /// How its TCP behaves: a personality, and any knob by its name.
        tcp: Option<Tcp> = "the scenario's personality", "(personality: Rfc, time_wait: \"0s\")";
        /// Ephemeral ports, first and last.
        ports: Option<(u16, u16)> = "(32768, 60999)", "(40000, 40009)";
        /// TTL of what it sends.
        ttl: Option<u8> = "64", "255";
        /// Life of an incomplete IPv4 reassembly; over IPv6 it is a minute.
        reassembly_timeout: Option<Span> = "30s", "\"60s\"";
        /// Overrides of the computed routes.
        routes: Vec<Route> = "none", "[(to: \"10.9.0.0/16\", via: \"r1\")]";
        /// Process id of its first program, as `netstat -p` shows it.
        first_pid: Option<u32> = "1001", "4242";
        /// Time from news on a socket until the program that waits for them runs; what arrives in between is read together.
        wakeup: Option<Span> = "0s", "\"50us\"";
    }
}

described! {
    /// A router: forwards.
    pub struct Router {
        /// The address that it answers ICMP from.
        addr: Option<Address> = "10.0.0.N for the Nth name of all hosts and routers", "\"10.0.0.254\"";
        /// Whether it sends ICMP errors; a black hole does not.
        icmp: Option<bool> = "true", "false";
        /// Overrides of the computed routes.
        routes: Vec<Route> = "none", "[(to: \"10.9.0.0/16\", via: \"server\")]";
    }
}

described! {
    /// An override of a route.
    pub struct Route {
        /// Destinations.
        to: Prefix, "\"10.9.0.0/16\"";
        /// Name of the neighbour that gets them.
        via: Option<String> = "unreachable", "\"r2\"";
    }
}

/// Declares [`Link`] and [`Way`], which share the parameters of one direction.
macro_rules! ways {
    ($($(#[doc = $doc:literal])* $field:ident: $kind:ty = $default:literal, $example:literal;)*) => {
        described! {
            /// A link: two ends, and two directions with the same parameters unless `back` says otherwise.
            pub struct Link {
                /// The names of its ends.
                between: (String, String), "(\"client\", \"server\")";
                /// Its name.
                name: Option<String> = "the names of its ends: `client-server`", "\"backup\"";
                /// What is different on the way from the second end to the first.
                back: Option<Way> = "nothing", "(delay: \"30ms\")";
                $($(#[doc = $doc])* $field: $kind = $default, $example;)*
            }
        }
        described! {
            /// Parameters of one direction of a link. The words are those of netem and qdisc.
            pub struct Way {
                $($(#[doc = $doc])* $field: $kind = $default, $example;)*
            }
        }
        impl Link {
            /// A link of which nothing is typed but its ends.
            pub fn between(from: &str, to: &str) -> Link {
                let between = (from.to_owned(), to.to_owned());
                Link { between, name: None, back: None, $($field: Default::default()),* }
            }
            /// The parameters alone.
            pub fn way(&self) -> Way {
                let Link { $($field,)* .. } = self.clone();
                Way { $($field),* }
            }
            /// Other parameters.
            pub fn set_way(&mut self, way: Way) {
                $(self.$field = way.$field;)*
            }
        }
        impl Default for Way {
            /// Nothing typed.
            fn default() -> Way {
                Way { $($field: Default::default()),* }
            }
        }
    };
}

ways! {
    /// Bits per second.
    rate: Option<Rate> = "infinite", "\"10Mbit\"";
    /// Propagation delay.
    delay: Option<Span> = "0s", "\"10ms\"";
    /// Variation of the delay: half the width if uniform, the standard deviation otherwise.
    jitter: Option<Span> = "0s", "\"2ms\"";
    /// Shape of the jitter.
    jitter_shape: Option<Shape> = "Uniform", "Normal";
    /// How much a packet's jitter follows that of the one before.
    jitter_correlation: Option<Percent> = "0%", "\"25%\"";
    /// Whether packets may overtake each other by jitter.
    jitter_reorders: Option<bool> = "false", "true";
    /// Probability that a packet is lost, each by itself.
    loss: Option<Percent> = "0%", "\"1%\"";
    /// Loss in bursts, instead of `loss`.
    burst_loss: Option<BurstLoss> = "none", "(p: \"1%\", r: \"25%\")";
    /// Numbers of the packets that are lost, counted from one in each direction, instead of `loss`.
    lose: Vec<u64> = "none", "[3, 5]";
    /// Probability that a packet is sent twice.
    duplicate: Option<Percent> = "0%", "\"1%\"";
    /// How much later the copy arrives.
    duplicate_delay: Option<Span> = "0s", "\"5ms\"";
    /// Probability that a packet is overtaken.
    reorder: Option<Percent> = "0%", "\"1%\"";
    /// How much later an overtaken packet arrives.
    reorder_delay: Option<Span> = "1ms", "\"5ms\"";
    /// Probability that one bit of a packet is flipped.
    corrupt: Option<Percent> = "0%", "\"0.1%\"";
    /// Packets that are sent twice, by their number among those handed to this direction, from one.
    copy: Vec<u64> = "none", "[4]";
    /// Packets by such a number of which this bit is flipped, counted from the start of the IP header.
    flip: Vec<(u64, u32)> = "none", "[(6, 331)]";
    /// Packets, by their number among those that left the queue, that take so much longer or less long.
    shift: Vec<(u64, Shift)> = "none", "[(2, \"1ms\"), (3, \"-20us\")]";
    /// Packets by such a number that are overtaken, as by `reorder`.
    overtake: Vec<u64> = "none", "[5]";
    /// Packets, by their number among those handed to this direction, that the queue drops before it is full, instead of `qdisc`.
    drop_early: Vec<u64> = "none", "[40, 52]";
    /// Packets by such a number that the queue marks (ECN), instead of `qdisc`.
    mark: Vec<u64> = "none", "[41]";
    /// Largest packet with its IP header, in bytes.
    mtu: Option<u16> = "1500", "1400";
    /// What the queue in front of the link holds; it fills only if there is a rate.
    limit: Option<Limit> = "Packets(1000)", "Bytes(\"64KiB\")";
    /// How the queue is kept short.
    qdisc: Option<Qdisc> = "DropTail", "FqCodel(target: \"10ms\")";
    /// A token bucket in front of the link (`tbf`): bursts pass, the long run keeps a rate.
    shape: Option<Shaper> = "none", "(rate: \"5Mbit\", burst: \"15kB\")";
}

described! {
    /// Shape of a jitter.
    pub enum Shape: Copy, Eq {
        /// Evenly within the scale on both sides.
        Uniform,
        /// Bell-shaped.
        Normal,
        /// With a long tail upwards.
        Pareto,
    }
}

described! {
    /// Loss in bursts: two states (Gilbert-Elliott, as netem's `gemodel`), a step at each packet.
    pub struct BurstLoss {
        /// Probability of going from good to bad.
        p: Percent, "\"1%\"";
        /// Probability of going from bad to good.
        r: Percent, "\"25%\"";
        /// Loss in the bad state.
        bad: Option<Percent> = "100%", "\"50%\"";
        /// Loss in the good state.
        good: Option<Percent> = "0%", "\"0.1%\"";
    }
}

described! {
    /// What a queue holds.
    pub enum Limit {
        /// Everything.
        Unlimited,
        /// So many packets.
        Packets(u32),
        /// So many bytes.
        Bytes(Size),
    }
}

described! {
    /// How a queue is kept short before it is full. What it drops or marks depends on how long packets wait.
    pub enum Qdisc: Copy {
        /// Not at all: first in, first out, up to the limit (`pfifo`, `bfifo`).
        DropTail,
        /// Random early detection (Floyd and Jacobson, 1993), in packets.
        Red {
            /// Average length of the queue below which nothing is dropped.
            min: Option<u32> = "5", "30";
            /// Average length at which the probability is `probability`.
            max: Option<u32> = "three times `min`", "90";
            /// The probability of a drop at `max`.
            probability: Option<Percent> = "10%", "\"2%\"";
            /// Weight of the present length in the average.
            weight: Option<Percent> = "0.2%", "\"1%\"";
            /// Whether the probability rises on to one at twice `max`, instead of being one from `max` on.
            gentle: Option<bool> = "true", "false";
            /// Whether packets that allow it are marked instead of dropped.
            ecn: Option<bool> = "true", "false";
        },
        /// PIE (RFC 8033).
        Pie {
            /// The delay that it aims at.
            target: Option<Span> = "15ms", "\"20ms\"";
            /// Time between updates of the probability.
            update: Option<Span> = "15ms", "\"30ms\"";
            /// How long a burst may be before anything is dropped.
            burst: Option<Span> = "150ms", "\"0s\"";
            /// Whether packets that allow it are marked instead of dropped,
            ecn: Option<bool> = "true", "false";
            /// up to this probability.
            ecn_most: Option<Percent> = "10%", "\"50%\"";
        },
        /// CoDel (RFC 8289).
        Codel {
            /// The wait that is accepted.
            target: Option<Span> = "5ms", "\"10ms\"";
            /// How long it may be exceeded.
            interval: Option<Span> = "100ms", "\"200ms\"";
            /// Whether packets that allow it are marked instead of dropped.
            ecn: Option<bool> = "true", "false";
        },
        /// FQ-CoDel (RFC 8290): a queue for each flow, served in turn, CoDel in each. Its limit is 10,240 packets unless
        /// `limit` says otherwise.
        FqCodel {
            /// The wait that is accepted.
            target: Option<Span> = "5ms", "\"10ms\"";
            /// How long it may be exceeded.
            interval: Option<Span> = "100ms", "\"200ms\"";
            /// Whether packets that allow it are marked instead of dropped.
            ecn: Option<bool> = "true", "false";
            /// Number of queues.
            flows: Option<u32> = "1024", "16";
            /// Bytes that a queue may send in its turn.
            quantum: Option<u32> = "1514", "300";
        },
    }
}

described! {
    /// A token bucket.
    pub struct Shaper {
        /// Rate at which it fills.
        rate: Rate, "\"5Mbit\"";
        /// What it holds.
        burst: Size, "\"15kB\"";
    }
}

#[cfg(test)]
mod tests;
