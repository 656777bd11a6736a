//! The command line: what can be asked for, and in what words.

pub mod bridge;
pub mod change;
pub mod check;
pub mod compare;
pub mod explore;
pub mod finding;
pub mod freeze;
pub mod fuzz;
pub mod gallery;
mod interrupt;
pub mod measure;
pub mod packetdrill;
pub mod parquet;
pub mod paths;
pub mod plot;
pub mod report;
pub mod results;
pub mod rfc;
pub mod run;
pub mod screen;
pub mod shrink;
pub mod sweep;
pub mod sweeping;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint, value_parser};
use clap_complete::Shell;
use timewait::scenario::units::Span;

use change::Change;

/// A deterministic network simulator with a complete TCP in it.
///
/// A scenario file describes hosts, links, programs and faults. A run of it takes no time but the computer's: two idle
/// hours pass in a millisecond, and the same file and seed give the same run, to the byte, on any machine.
#[derive(Debug, Parser)]
#[command(name = "timewait", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// When to write colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  timewait list                                     what there is to see
  timewait run scenarios/lost_final_ack.ron         every segment, every transition, and why
  timewait run scenarios                            all of them, and whether each does as it says
  timewait help run                                 other views, variations, captures";

const RUN_EXAMPLES: &str = "\
Examples:
  timewait run scenarios/four_way_close.ron
  timewait run scenarios/four_way_close.ron --view ladder
  timewait run scenarios/four_way_close.ron --view tcpdump --host server
  timewait run scenarios/four_way_close.ron --view ss --at 1.5s --at 2s
  timewait run scenarios/four_way_close.ron --set links.client-server.delay=80ms --seed 7
  timewait run scenarios/four_way_close.ron --pcap close.pcapng && wireshark close.pcapng
  timewait run scenarios/four_way_close.ron --host client --pcap - | tshark -r -
  timewait run scenarios/ my_own.ron

Exit status: 0 if every expectation was met, 1 if one was not, 2 if a file or an argument is wrong.";

const RFC_EXAMPLES: &str = "\
Examples:
  timewait rfc                              coverage by document and by area
  timewait rfc 9293                         the demands of one document
  timewait rfc rto                          the demands of one area
  timewait rfc 9293 --only open             those that are not met yet
  timewait rfc 9293/MUST-13                 one, with the run that shows it

Exit status: 0, 1 if the run that shows a demand fails, 2 if there is no such demand.";

const LIST_EXAMPLES: &str = "\
Examples:
  timewait list                             the gallery, by subject
  timewait list mine                        what a folder of one's own has";

const CHECK_EXAMPLES: &str = "\
Examples:
  timewait check mine.ron                   what is wrong with it, at which places
  timewait check scenarios                  all of a folder, sweeps too

Exit status: 0 if all files are right, 2 if one is wrong.";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  timewait schema | less                    every field of a scenario, as docs/scenarios.md has it
  timewait schema --figures                 every record of `timewait measure`, as docs/figures.md";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(timewait completions bash)                        in this shell
  timewait completions bash > ~/.local/share/bash-completion/completions/timewait
  timewait completions zsh > ~/.zfunc/_timewait              with ~/.zfunc in fpath
  timewait completions fish > ~/.config/fish/completions/timewait.fish";

const PACKETDRILL_EXAMPLES: &str = "\
Examples:
  timewait packetdrill tests/packetdrill/keepalive_to_expiry.pkt
  timewait packetdrill packetdrill/gtests/net/tcp

Exit status: 0 if every script passed, 1 if one failed, 2 if a file or an argument is wrong.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run scenarios and show what happened.
    Run(Run),
    /// Run a scenario and measure it: goodput, completion times, fairness, queues, losses, round trips.
    Measure(measure::Measure),
    /// Lay a run beside what a kernel did, or beside another run, and show the first difference.
    Compare(compare::Compare),
    /// List scenarios with what each shows.
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Folder with scenario files.
        #[arg(default_value = "scenarios", value_hint = ValueHint::DirPath)]
        dir: PathBuf,
    },
    /// Read scenario files and say what is wrong with them, without running any.
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        /// Scenario files, or folders with some; `-` is the standard input.
        #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
        files: Vec<PathBuf>,
    },
    /// What the standards demand, where it is met, and what shows it.
    ///
    /// Without an argument: how many demands of each document and of each area are met. With a document (`9293`) or an
    /// area (`rto`): its demands. With an id (`9293/MUST-13`): that demand, where it is met, and a run of the scenario
    /// that shows it.
    #[command(after_help = RFC_EXAMPLES)]
    Rfc(Rfc),
    /// Run packetdrill scripts, unchanged, against this TCP on virtual time.
    Packetdrill(Packetdrill),
    #[command(flatten)]
    Finding(finding::Finding),
    #[command(flatten)]
    Sweeping(sweeping::Sweeping),
    /// Describe what can stand in a scenario file: every field with its type, unit, default and an example.
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema {
        /// Describe the records of `timewait measure` instead.
        #[arg(long)]
        figures: bool,
    },
    /// Write the completion script of a shell.
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Arguments of `timewait run`.
#[derive(Args, Debug)]
#[command(after_help = RUN_EXAMPLES)]
pub struct Run {
    /// Scenario files, or folders with some; `-` is the standard input. One file is shown; of several, only the outcome.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// What to show of one file. Default: `trace`.
    #[arg(long, short, value_name = "VIEW")]
    pub view: Option<View>,
    /// Only what this host sees; for `tcpdump`, `ss` and `netstat`, the host on which they run; for `tc`, the host that sends.
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// When `ss`, `netstat` and `tc` look; repeatable. Default: at the end.
    #[arg(long, value_name = "TIME", requires = "view")]
    pub at: Vec<Span>,
    #[command(flatten)]
    pub change: Change,
    /// Write a capture for Wireshark: pcapng, one interface per link end, or with --host per link of that host (so that each
    /// packet is there once), the cause in each packet's comment. `-`: to the standard output, and nothing else.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub pcap: Option<PathBuf>,
    /// No view and no progress, only the summary; twice: nothing but what failed. Where nothing is expected either, no
    /// trace is kept, and a run of any length needs little memory.
    #[arg(long, short, action = ArgAction::Count)]
    pub quiet: u8,
    /// Keep so many records of the trace at most (a packet has two or more): memory stays bounded. What the view and
    /// `--pcap` then show ends there, and expectations cannot be checked.
    #[arg(long, value_name = "N", default_value_t = MOST_RECORDS)]
    pub keep: usize,
    /// Columns to fit the `ladder` into. Default: the terminal's; without one, COLUMNS, or 100.
    #[arg(long, value_name = "COLUMNS")]
    pub width: Option<usize>,
}

/// Records of a trace that are kept unless an argument says otherwise: about a gigabyte.
pub const MOST_RECORDS: usize = 2_000_000;

/// Arguments of `timewait rfc`.
#[derive(Args, Debug)]
pub struct Rfc {
    /// A document, an area, or an id.
    #[arg(value_name = "WHAT")]
    pub what: Option<String>,
    /// Only demands that stand so.
    #[arg(long, value_name = "STANDING")]
    pub only: Option<Only>,
    /// Do not run the scenario that shows a demand.
    #[arg(long)]
    pub no_run: bool,
}

/// Where the project stands with a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// Met and shown.
    Met,
    /// Not met, with a reason.
    Excepted,
    /// Not applicable, with a reason.
    NotApplicable,
    /// Not met yet.
    Open,
}

/// Arguments of `timewait packetdrill`.
#[derive(Args, Debug)]
#[command(after_help = PACKETDRILL_EXAMPLES)]
pub struct Packetdrill {
    /// Scripts (`.pkt`), or folders with some.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// What a word of the scripts stands for; repeatable. Those that the suites' own runners define for version 4 are
    /// known: TFO_COOKIE, TFO_COOKIE_ZERO, CODE, CMSG_LEVEL_IP, CMSG_TYPE_RECVERR.
    #[arg(short = 'D', long, value_name = "NAME=VALUE")]
    pub define: Vec<String>,
    /// Only read the scripts, and say what is wrong with them.
    #[arg(long)]
    pub check: bool,
    /// Whose habits TCP has before a script changes its settings.
    #[arg(long, value_name = "NAME", default_value = "linux")]
    pub personality: Personality,
    /// Seed of initial sequence numbers and the like.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// What differs only by a habit of Linux (PSH on one segment, readings of TCP_INFO) is a failure, too.
    #[arg(long)]
    pub strict: bool,
    /// How far a time may be off where a script does not say, in microseconds. Default: 4000.
    #[arg(long, value_name = "N")]
    pub tolerance_usecs: Option<u64>,
    /// Ticks a second of the clock that Linux takes its timers from. Default: 1000, as where most scripts were written; many
    /// kernels have 250.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub hz: Option<u32>,
    /// How long before a script begins that clock ticked. Default: 0s.
    #[arg(long, value_name = "TIME")]
    pub hz_phase: Option<Span>,
    /// A packet behind the last line of a script is a failure.
    #[arg(long)]
    pub no_leftovers: bool,
    /// One record a script, for programs (docs/packetdrill.md).
    #[arg(long)]
    pub json: bool,
    /// Write a capture of one script for Wireshark: pcapng, with the cause of each packet and the script's line.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub pcap: Option<PathBuf>,
    /// No line for each script; twice: no table either.
    #[arg(long, short, action = ArgAction::Count)]
    pub quiet: u8,
}

/// A way to look at a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum View {
    /// Segments, transitions of both ends, and the reason for each.
    #[default]
    Trace,
    /// What tcpdump on one host would print.
    Tcpdump,
    /// The states of both ends side by side.
    States,
    /// A sequence diagram.
    Ladder,
    /// What `ss -tuinoap` would print on each host.
    Ss,
    /// What `netstat -anpto` would print on each host.
    Netstat,
    /// What `tc -s qdisc show` would print of each direction of the links.
    Tc,
    /// One record a line, for programs (docs/json.md).
    Json,
    /// Each packet with its cause and what became of it.
    Why,
}

/// A personality of TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Personality {
    /// Linux 6.18.
    Linux,
    /// The letter of the RFCs.
    Rfc,
    /// FreeBSD 15.
    Freebsd,
}

/// When to write colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
