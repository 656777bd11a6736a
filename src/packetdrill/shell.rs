//! Shell steps: recognised, never run.
//!
//! A script prepares its machine with a few commands: `defaults.sh`, sysctl, tc, ip, ethtool; and looks at it with
//! nstat and at `/proc/net/tcp`. Each of them is a [`Step`] here, something done to the simulated host or asked of it.
//! A command without a meaning is kept as [`Step::Unknown`]: its script cannot be judged.

mod read;

pub use read::parse;

/// A command line: pipelines, each run or not depending on the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The pipelines in order, each with its condition.
    pub pipelines: Vec<(When, Step)>,
}

/// Under what condition a pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Always: it begins a line, or stands behind `;`.
    Always,
    /// The one before succeeded (`&&`).
    Succeeded,
    /// The one before failed (`||`).
    Failed,
}

/// What a pipeline does or asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `defaults.sh` of the suites. Google's sets `fastopen` to 0x70403, the kernel's to 3: whichever stands beside.
    Defaults {
        /// The path as it was typed, which tells them apart.
        path: String,
    },
    /// A sysctl below `net.ipv4.`, and whether its failure counts (`sysctl -e` ignores unknown names).
    Sysctl {
        /// Its name, without `net.ipv4.`.
        name: String,
        /// Its value.
        value: String,
    },
    /// A sysctl of FreeBSD: the script was written for that system.
    FreeBsdSysctl {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// `nstat`: counters are compared with what they were at the last one.
    Nstat {
        /// What this reading shows becomes the past.
        update: bool,
        /// Each counter that `grep` looks for, and the number that it must have moved by, where one is given.
        wanted: Option<(String, Option<u64>)>,
    },
    /// `tc qdisc … fq`: pacing by the queue discipline.
    QdiscFq,
    /// `tc qdisc … pfifo`, or none; with a limit of no packets at all, nothing leaves.
    QdiscFifo {
        /// How many packets it holds.
        limit: Option<u32>,
    },
    /// `ip route change`: what the route says of its connections.
    Route {
        /// The MSS that is announced.
        advmss: Option<u16>,
        /// The MTU of the path.
        mtu: Option<u16>,
        /// That MTU stays whatever ICMP says.
        mtu_locked: bool,
        /// Initial congestion window, in segments.
        initcwnd: Option<u32>,
    },
    /// `ip link set … mtu`.
    LinkMtu(u16),
    /// `ethtool -K … tso off gso off`.
    SegmentationOffload {
        /// TSO or GSO, as the command says.
        name: String,
        /// On.
        on: bool,
    },
    /// `grep " 0A " /proc/net/tcp … | grep ":1F90"`: is there a socket in this state on this port?
    ProcNetTcp {
        /// The state, by the kernel's number.
        state: u8,
        /// The local port.
        port: u16,
    },
    /// `sockstat … | grep -c STATE | grep N`: so many sockets in this state.
    Sockstat {
        /// The state, in FreeBSD's words.
        state: String,
        /// How many.
        count: u32,
    },
    /// `ss`: is there a socket with this local address, in this state?
    Ss {
        /// The state, in the words of ss.
        state: Option<String>,
        /// What `grep` looks for.
        pattern: String,
    },
    /// `tcp_cubic`'s `hystart_detect`: 1 ACK trains, 2 delay, 3 both.
    HystartDetect(u8),
    /// Nothing that could be seen from within: see [`COMMANDS`](super::unseen::COMMANDS).
    Nothing,
    /// `dd if=/dev/zero of=…`: a file of zeros.
    File {
        /// Its path.
        path: String,
        /// Its length in bytes.
        len: u64,
    },
    /// `rm`: a file is there no more.
    Remove(String),
    /// The caches of routes and metrics are emptied.
    FlushMetrics,
    /// No meaning here: what was typed.
    Unknown(String),
}

impl Program {
    /// The commands that have no meaning here.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.pipelines.iter().filter_map(|(_, step)| match step {
            Step::Unknown(text) => Some(text.as_str()),
            _ => None,
        })
    }
    /// Whether this was written for FreeBSD.
    pub fn is_freebsd(&self) -> bool {
        self.pipelines
            .iter()
            .any(|(_, step)| matches!(step, Step::FreeBsdSysctl { .. } | Step::Sockstat { .. }))
    }
}
