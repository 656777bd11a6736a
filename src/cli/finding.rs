//! The commands that find what nobody thought of: their arguments.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum, ValueHint};

use timewait::scenario::units::Span;

use super::change::Change;
use super::{Color, bridge, explore, freeze, fuzz, shrink};

/// Commands that find.
#[derive(Debug, Subcommand)]
pub enum Finding {
    /// Write a run out as a scenario with nothing left to chance; it runs to the same trace.
    Freeze(Freeze),
    /// Write what a host of a scenario saw and did on a connection as a packetdrill script.
    Bridge(Bridge),
    /// Run random scenarios with all checkers, until told to stop.
    Fuzz(Fuzz),
    /// Make a scenario that breaks a law small, so that it still breaks it.
    Shrink(Shrink),
    /// Try every way to treat up to so many packets of a scenario badly.
    Explore(Explore),
}

/// Does what was asked for. Returns whether nothing was found.
pub fn run(what: &Finding, color: Color, out: &mut dyn Write) -> Result<bool> {
    match what {
        Finding::Shrink(args) => shrink::run(args, color, out).map(|()| true),
        Finding::Explore(args) => explore::run(args, color, out),
        Finding::Fuzz(args) => fuzz::run(args, color, out),
        Finding::Bridge(args) => bridge::run(args, color, out).map(|()| true),
        Finding::Freeze(args) => freeze::run(args, color, out).map(|()| true),
    }
}

const FREEZE_EXAMPLES: &str = "\
Examples:
  timewait freeze scenarios/reordering.ron                 to the screen
  timewait freeze lossy.ron --seed 7 --output seven.ron    the run of seed 7, to a file
  timewait run seven.ron                                   the same trace again

Exit status: 0, or 2 if a file or an argument is wrong.";

/// Arguments of `timewait freeze`.
#[derive(Args, Debug)]
#[command(after_help = FREEZE_EXAMPLES)]
pub struct Freeze {
    /// A scenario file.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    #[command(flatten)]
    pub change: Change,
    /// Where to write it. Default, and `-`: the standard output.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

const BRIDGE_EXAMPLES: &str = "\
Examples:
  timewait bridge scenarios/lost_tail.ron --host client      to the screen
  timewait bridge found.ron --host server -o server.pkt      to a file
  timewait packetdrill server.pkt                            the same packets, from the host alone
  sudo packetdrill server.pkt                                and from the kernel of this machine

What was done to a host that a script cannot do to a kernel (a crash, a fragment, a segment of a program's own making) \
is refused with the reason; what no sysctl says stands in a comment on top.

Exit status: 0, or 2 if it is refused, or a file or an argument is wrong.";

/// Arguments of `timewait bridge`.
#[derive(Args, Debug)]
#[command(after_help = BRIDGE_EXAMPLES)]
pub struct Bridge {
    /// A scenario file.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The host that the script is for.
    #[arg(long, value_name = "NAME")]
    pub host: String,
    /// Which of its connections, in the order of their first segments.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub connection: usize,
    #[command(flatten)]
    pub change: Change,
    /// Where to write it. Default, and `-`: the standard output.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

const FUZZ_EXAMPLES: &str = "\
Examples:
  timewait fuzz --time 10min                     a fresh seed, printed; all cores
  timewait fuzz --seed-from 1 --count 1000       the same thousand scenarios each time
  timewait fuzz --until-violation                stops at the first, and shows it in some ten lines
  timewait fuzz --time 8h --keep found/          what is found goes to found/, and made small
  timewait fuzz --metamorphic --time 10min       what hosts cannot see changes nothing
  timewait fuzz --differential --time 8h         every personality against every other
  timewait fuzz --show 4711                      the scenario of a seed, or of a --differential

Ctrl-C ends what runs and shows the report of what was done; a second one ends without it. Off a terminal there is a line \
a minute on the standard error.

Exit status: 0 if nothing was found, 1 if something was, also where Ctrl-C came first; 2 if an argument is wrong; 130 \
behind a second Ctrl-C.";

/// Arguments of `timewait fuzz`.
#[derive(Args, Debug)]
#[command(after_help = FUZZ_EXAMPLES)]
pub struct Fuzz {
    /// First seed; the others follow it, 0 behind the largest. Default: by the clock.
    #[arg(long, value_name = "N")]
    pub seed_from: Option<u64>,
    /// Runs at a time. Default: one a core.
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// How long to go on: `90s`, `8h`.
    #[arg(long, value_name = "TIME")]
    pub time: Option<Span>,
    /// How many scenarios. Default: without end, or 1000 if nothing else says when to stop and nobody watches.
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Stop at the first violation.
    #[arg(long)]
    pub until_violation: bool,
    /// Folder into which scenarios with violations, or whose runs part, are written: each as it is, and the first of each law at
    /// each host made small, too.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub keep: Option<PathBuf>,
    /// How long making one small may take, with --keep, or --until-violation, which shows it; `0s`: none is.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub shrink: Span,
    /// Run each once more with other names, with exchanged roles, with hosts that say nothing, with a link made of two, with
    /// other queues, days later, and without the event queue, and see that every host does the same.
    #[arg(long)]
    pub metamorphic: bool,
    /// Another kind of scenarios: all nine pairs of personalities over the same bad network, with the same programs, which must
    /// all be told the same.
    #[arg(long, conflicts_with = "metamorphic")]
    pub differential: bool,
    /// Write the scenario of this seed, and run nothing.
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seed_from", "time", "count", "until_violation", "keep"])]
    pub show: Option<u64>,
}

const SHRINK_EXAMPLES: &str = "\
Examples:
  timewait shrink found/4711.ron                    to the screen
  timewait shrink found/4711.ron --output small.ron && timewait run small.ron
  timewait shrink found/12.ron --relation swapped   keeps what `fuzz --metamorphic` has found

Without --relation it keeps the first law that is broken, or if none is the first relation between runs that does not hold, but \
for personalities, which need not do the same. What is expected of a scenario it does not look at.

Exit status: 0, or 2 if nothing is broken, or a file or an argument is wrong.";

/// Runs that shrinking may take unless an argument says otherwise.
pub const RUNS: u64 = 5_000;

/// Arguments of `timewait shrink`.
#[derive(Args, Debug)]
#[command(after_help = SHRINK_EXAMPLES)]
pub struct Shrink {
    /// A scenario file that breaks a law, or a relation between runs.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// What must stay broken, if it is no law: renamed, swapped, idle-link, split-link, other-queue, over-ipv6, later, unqueued
    /// (as `fuzz --metamorphic` has them), or personalities (`fuzz --differential`).
    #[arg(long, value_name = "NAME")]
    pub relation: Option<String>,
    #[command(flatten)]
    pub change: Change,
    /// Runs to spend, at most.
    #[arg(long, value_name = "N", default_value_t = RUNS)]
    pub runs: u64,
    /// Where to write it. Default, and `-`: the standard output.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

const EXPLORE_EXAMPLES: &str = "\
Examples:
  timewait explore scenarios/four_way_close.ron --faults 2
  timewait explore scenarios/handshake.ron --faults 3 --only drop --only duplicate
  timewait explore scenarios/echo_chat.ron --faults 2 --crash server
  timewait explore mine.ron --faults 2 --keep found/   what broke, frozen and shrunk, goes to found/
  timewait explore scenarios --table --time 60s        how many faults are reached, for each file

Exit status: 0 if no law was broken, 1 if one was, 2 if a file or an argument is wrong, 3 if none was broken but not all was \
tried, since --runs or --states was reached.";

/// Runs of exploring, at most, unless an argument says otherwise,
pub const TRIES: u64 = 100_000_000;
/// and worlds.
pub const STATES: u64 = 50_000_000;

/// Arguments of `timewait explore`.
#[derive(Args, Debug)]
#[command(after_help = EXPLORE_EXAMPLES)]
pub struct Explore {
    /// A scenario file; with --table, files and folders.
    #[arg(value_hint = ValueHint::AnyPath)]
    pub file: PathBuf,
    /// Faults in one run, at most: packets that something happens to, hosts that boot anew.
    #[arg(long, short = 'k', value_name = "K", default_value_t = 1)]
    pub faults: u32,
    /// What may happen to one; repeatable. Default: everything.
    #[arg(long, value_name = "WHAT")]
    pub only: Vec<Treatment>,
    /// A host that may boot anew at each moment; repeatable.
    #[arg(long, value_name = "HOST")]
    pub crash: Vec<String>,
    #[command(flatten)]
    pub change: Change,
    /// Runs at a time. Default: one a core.
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Runs, at most.
    #[arg(long, value_name = "N", default_value_t = TRIES)]
    pub runs: u64,
    /// Worlds to remember, at most: 40 bytes each.
    #[arg(long, value_name = "N", default_value_t = STATES)]
    pub states: u64,
    /// Let equal worlds go on apart: slow, to check that merging loses nothing.
    #[arg(long)]
    pub no_merge: bool,
    /// A table of all scenarios: with one fault, two and so on up to --faults, as long as --time allows.
    #[arg(long)]
    pub table: bool,
    /// With --table: how long one number of faults may take.
    #[arg(long, value_name = "TIME", default_value = "60s", requires = "table")]
    pub time: Span,
    /// Folder into which runs that break a law are written, frozen and shrunk.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub keep: Option<PathBuf>,
}

/// What may happen to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Treatment {
    /// It is lost.
    Drop,
    /// It comes twice.
    Duplicate,
    /// It comes a round trip of its link later, overtaken by what is behind it.
    Delay,
    /// A bit of it is flipped.
    Corrupt,
}
