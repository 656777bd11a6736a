//! `timewait plot`: pictures of runs and of sweeps, as SVG.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand, ValueHint};
use timewait::plot::{self, Chart, cdf, cwnd, queue, sequence};
use timewait::scenario::Scenario;
use timewait::scenario::units::Span;

use super::change::Change;
use super::{Color, paths, results};

const EXAMPLES: &str = "\
Examples:
  timewait plot cwnd scenarios/congestion_dumbbell.ron --output cwnd.svg
  timewait plot cwnd bulk.ron --flow 0 --set hosts.a.tcp.congestion=Bbr > bbr.svg
  timewait plot queue scenarios/queue_codel.ron --link gateway-server --output queue.svg
  timewait plot sequence scenarios/lost_segment_fast_retransmit.ron --output sequence.svg
  timewait plot cdf droptail.ron codel.ron --output completion.svg
  timewait plot sweep loss.jsonl --figure goodput_bps --by congestion --output goodput.svg

Exit status: 0, or 2 if a file or an argument is wrong or there is nothing to draw.";

/// Arguments of `timewait plot`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Plot {
    /// What is drawn.
    #[command(subcommand)]
    pub what: What,
    /// Where the picture goes. Default, and `-`: the standard output.
    #[arg(long, short, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Its title. Default: what the scenario says of itself.
    #[arg(long, global = true, value_name = "TEXT")]
    pub title: Option<String>,
    /// Its width, in pixels.
    #[arg(long, global = true, value_name = "PIXELS", default_value_t = 900, value_parser = clap::value_parser!(u32).range(300..=10_000))]
    pub width: u32,
    /// The height of each of its charts, in pixels.
    #[arg(long, global = true, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(150..=10_000))]
    pub height: Option<u32>,
}

/// What is drawn.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Congestion windows over time.
    Cwnd {
        #[command(flatten)]
        run: Run,
        /// Number of a connection, from 0, in the order of opening; repeatable. Default: those that carried most.
        #[arg(long, value_name = "N")]
        flow: Vec<usize>,
    },
    /// A queue over time: its length, what it drops and marks, and the delay it makes.
    Queue {
        #[command(flatten)]
        run: Run,
        /// The link. Default: the one whose queue dropped most.
        #[arg(long, value_name = "NAME")]
        link: Option<String>,
        /// The end at which the queue is.
        #[arg(long, value_name = "NODE")]
        at: Option<String>,
    },
    /// What the sender of a connection sent, sent again and heard about it (Stevens, tcptrace).
    Sequence {
        #[command(flatten)]
        run: Run,
        /// Number of the connection, from 0, in the order of opening. Default: the one that carried most.
        #[arg(long, value_name = "N")]
        flow: Option<usize>,
        /// Nothing before this time.
        #[arg(long, value_name = "TIME")]
        from: Option<Span>,
        /// Nothing behind this time.
        #[arg(long, value_name = "TIME")]
        to: Option<Span>,
    },
    /// How completion times are distributed: of one scenario by program, of several by scenario.
    Cdf {
        /// Scenario files.
        #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        change: Change,
    },
    /// A figure of a sweep over one of its axes: means with confidence intervals.
    Sweep {
        /// Results of a sweep.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// The figure.
        #[arg(long, value_name = "NAME")]
        figure: String,
        /// The axis along which it is drawn. Default: the first.
        #[arg(long, value_name = "AXIS")]
        x: Option<String>,
        /// The axis whose values are lines. Default: the next.
        #[arg(long, value_name = "AXIS")]
        by: Option<String>,
        /// Only runs with this value of an axis; repeatable.
        #[arg(long, value_name = "AXIS=VALUE")]
        at: Vec<String>,
        /// Confidence of the intervals, in percent.
        #[arg(long, value_name = "PERCENT", default_value = "95")]
        confidence: String,
        /// The figure's axis is logarithmic.
        #[arg(long)]
        log: bool,
    },
}

/// A run that is drawn.
#[derive(Args, Debug)]
pub struct Run {
    /// A scenario file.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    #[command(flatten)]
    pub change: Change,
}

/// Draws what was asked for.
pub fn run(args: &Plot, color: Color, out: &mut dyn Write) -> Result<()> {
    let words = |why: String| anyhow!(why);
    let title = |scenario: &Scenario| args.title.clone().unwrap_or_else(|| scenario.about().to_owned());
    let charts: Vec<Chart> = match &args.what {
        What::Cwnd { run, flow } => {
            let (scenario, spec) = run.change.load(&run.file, color)?;
            vec![cwnd::chart(&spec, flow, &title(&scenario)).map_err(words)?]
        }
        What::Queue { run, link, at } => {
            let (scenario, spec) = run.change.load(&run.file, color)?;
            queue::charts(&spec, link.as_deref(), at.as_deref(), &title(&scenario)).map_err(words)?.into()
        }
        What::Sequence { run, flow, from, to } => {
            let (scenario, spec) = run.change.load(&run.file, color)?;
            let between = (from.map_or(0, |span| span.0), to.map_or(u64::MAX, |span| span.0));
            if between.1 <= between.0 {
                bail!("--to lies before --from");
            }
            vec![sequence::chart(&spec, *flow, between, &title(&scenario)).map_err(words)?]
        }
        What::Cdf { files, change } => vec![distribution(files, change, color, args.title.as_deref())?],
        What::Sweep { file, figure, x, by, at, confidence, log } => {
            let results = results::read(file)?;
            let at = at.iter().map(|text| {
                let (axis, value) =
                    text.split_once('=').with_context(|| format!("--at {text}: expected AXIS=VALUE"))?;
                Ok((axis.to_owned(), value.to_owned()))
            });
            let choice = plot::sweep::Choice {
                figure: figure.clone(),
                x: x.clone(),
                by: by.clone(),
                at: at.collect::<Result<_>>()?,
                confidence: results::confidence(confidence)?,
                log: *log,
            };
            let title = args.title.clone().unwrap_or_default();
            plot::sweep::charts(&results.header, &results.rows(), &choice, &title).map_err(words)?
        }
    };
    let height = args.height.unwrap_or(if charts.len() > 1 { 300 } else { 420 });
    let svg = plot::svg(&charts, f64::from(args.width), f64::from(height));
    super::screen::deliver(svg.as_bytes(), args.output.as_deref(), out)
}

fn distribution(files: &[PathBuf], change: &Change, color: Color, title: Option<&str>) -> Result<Chart> {
    let mut all = Vec::new();
    let mut about = String::new();
    for file in files {
        let (scenario, spec) = change.load(file, color)?;
        let times = cdf::times(&spec);
        if files.len() > 1 {
            all.push((paths::name(file), times.into_values().flatten().collect()));
        } else {
            about = scenario.about().to_owned();
            all.extend(times);
        }
    }
    all.retain(|(_, times): &(String, Vec<u64>)| !times.is_empty());
    if all.is_empty() {
        bail!("no transfer was completed");
    }
    if all.len() > MOST_LINES {
        let rest = all.split_off(MOST_LINES - 1).into_iter().flat_map(|(_, times)| times).collect();
        all.push(("others".to_owned(), rest));
    }
    Ok(cdf::chart(all, title.unwrap_or(&about)))
}

/// Lines in a chart: as many as there are colours.
const MOST_LINES: usize = 7;
