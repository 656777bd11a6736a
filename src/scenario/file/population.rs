//! Populations: many flows of one kind, without a line for each.

use super::loose::OneOrMany;
use super::program::Socket;
use super::table::described;
use crate::scenario::units::{Decimal, Percent, Size, Span};

described! {
    /// Many flows of one kind, from several hosts to several others. On each of the hosts they come from is a program
    /// called after the population and the host, `web/l1`, and its flows are `web/l1[1]`, `web/l1[2]`, ...; on each of those
    /// they go to a server `web/server/r1`.
    pub struct Population {
        /// Its name.
        name: String, "\"web\"";
        /// The hosts that open connections: by name, by number (`l[1-10]`) or by the beginning of their names (`l*`).
        from: OneOrMany<String>, "\"l*\"";
        /// The hosts that they go to.
        to: OneOrMany<String>, "[\"r1\", \"r[5-9]\"]";
        /// The port that they go to.
        port: Option<u16> = "80", "8080";
        /// What each flow does.
        kind: Flow, "Short(response: WebSearch)";
        /// When flows begin.
        arrivals: Option<Arrivals> = "AtOnce", "Poisson(\"1ms\")";
        /// How many flows, from all hosts together; the first host has the first, the second the second, and so on.
        count: Option<u32> = "one from each host `AtOnce`, else as many as begin", "1000";
        /// When arrivals begin.
        at: Option<Span> = "1ms: by then all servers listen", "\"100ms\"";
        /// No flow begins at this time or later.
        stop: Option<Span> = "never", "\"5s\"";
        /// Which host a flow goes to.
        pairing: Option<Pairing> = "InTurn", "Random";
        /// Options of the sockets, before they connect.
        options: Vec<Socket> = "none", "[NoDelay(true)]";
        /// Whether servers are on the hosts that they go to; else `programs` has to have some.
        serve: Option<bool> = "true", "false";
        /// Backlog of these servers.
        backlog: Option<u32> = "4096", "128";
    }
}

described! {
    /// When flows begin.
    pub enum Arrivals {
        /// All at the same time.
        AtOnce,
        /// One after the other, so far apart.
        Every(Span),
        /// A Poisson process with this mean time between two.
        Poisson(Span),
        /// At these times after `at`, in order.
        At(Vec<Span>),
        /// A number of users, each with one flow at a time; when that has ended, its user thinks before the next one.
        Closed {
            /// Users, on all hosts together.
            users: u32, "20";
            /// How long a user thinks, also before the first flow.
            think: Option<Times> = "not at all", "Exponential(\"1s\")";
        },
    }
}

described! {
    /// Which host a flow goes to.
    pub enum Pairing: Copy, Eq {
        /// The first flow to the first host, the second to the second, and round again.
        InTurn,
        /// Any, by chance.
        Random,
    }
}

described! {
    /// What a flow does.
    pub enum Flow {
        /// Sends until the run ends.
        LongLived,
        /// Sends so much, and closes.
        Upload {
            /// How much.
            size: Sizes, "Pareto(least: 10000, shape: 1.2)";
        },
        /// Asks once, reads the response, and closes.
        Short {
            /// Size of the request, at least 8 bytes: it says how large the response shall be.
            request: Option<Size> = "100", "400";
            /// Size of the response.
            response: Sizes, "Fixed(\"10kB\")";
        },
        /// Asks several times over one connection, and closes.
        Requests {
            /// How often; 0: until the run ends.
            count: Option<u32> = "0", "10";
            /// Size of a request, at least 8 bytes: it says how large the response shall be.
            request: Option<Size> = "100", "400";
            /// Size of a response.
            response: Sizes, "Exponential(\"20kB\")";
            /// Time between a response and the next request.
            think: Option<Times> = "none", "Exponential(\"500ms\")";
        },
        /// Sends for a while, pauses for a while.
        OnOff {
            /// How much is sent at a time.
            burst: Sizes, "Exponential(\"100kB\")";
            /// How long it then pauses.
            pause: Times, "Exponential(\"1s\")";
            /// How often; 0: until the run ends.
            bursts: Option<u32> = "0", "10";
        },
        /// Opens a connection and does nothing.
        Idle {
            /// How long; then it closes.
            hold: Option<Span> = "until the run ends", "\"2h\"";
        },
    }
}

described! {
    /// Sizes in bytes, drawn anew each time. Those from measurements are evenly spread between the measured points.
    pub enum Sizes {
        /// Always this.
        Fixed(Size),
        /// Evenly between these.
        Uniform(Size, Size),
        /// Exponential, with this mean.
        Exponential(Size),
        /// Pareto: many small, few very large.
        Pareto {
            /// The smallest.
            least: Size, "10000";
            /// How quickly large ones become rare; the mean is `shape / (shape - 1)` times the least if that is above 1.
            shape: Decimal, "1.2";
            /// What is larger becomes this.
            most: Option<Size> = "no bound", "\"100MB\"";
        },
        /// Log-normal.
        Lognormal {
            /// Half of all are smaller.
            median: Size, "\"20kB\"";
            /// Standard deviation of the natural logarithm.
            sigma: Decimal, "1.5";
            /// What is larger becomes this.
            most: Option<Size> = "no bound", "\"100MB\"";
        },
        /// Measured: sizes, each with how many are not larger; the last with `"100%"`.
        Table(Vec<(Size, Percent)>),
        /// Flows of a web search cluster (Alizadeh and others, Data Center TCP, 2010), as HPCC's artifact tabulates them:
        /// 1.7 MB on the mean, half of them below 80 kB.
        WebSearch,
        /// Flows of Hadoop at Facebook (Roy and others, 2015), as HPCC's artifact tabulates them: 122 kB on the mean, half of
        /// them below 1 kB.
        Hadoop,
    }
}

described! {
    /// Times, drawn anew each time.
    pub enum Times {
        /// Always this.
        Fixed(Span),
        /// Evenly between these.
        Uniform(Span, Span),
        /// Exponential, with this mean.
        Exponential(Span),
        /// Pareto: many short, few very long.
        Pareto {
            /// The shortest.
            least: Span, "\"10ms\"";
            /// How quickly long ones become rare.
            shape: Decimal, "1.5";
            /// What is longer becomes this.
            most: Option<Span> = "no bound", "\"1min\"";
        },
        /// Log-normal.
        Lognormal {
            /// Half of all are shorter.
            median: Span, "\"100ms\"";
            /// Standard deviation of the natural logarithm.
            sigma: Decimal, "0.5";
            /// What is longer becomes this.
            most: Option<Span> = "no bound", "\"1min\"";
        },
    }
}
