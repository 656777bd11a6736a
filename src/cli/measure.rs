//! `timewait measure`: runs a scenario and writes its figures.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum, ValueHint};
use timewait::figures::{self, Figures, Options, table, write};
use timewait::scenario::units::{Size, Span};
use timewait::scenario::{self, Scenario};

use super::{Color, screen};

const EXAMPLES: &str = "\
Examples:
  timewait measure scenarios/congestion_dumbbell.ron
  timewait measure dumbbell.ron --warmup 2s --set hosts.a1.tcp.congestion=Bbr
  timewait measure dumbbell.ron --every 10ms --format csv --of flow-samples > cwnd.csv
  timewait measure web.ron --format json --output web.jsonl

Exit status: 0, or 1 if packets were not conserved, 2 if a file or an argument is wrong.";

/// Arguments of `timewait measure`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Measure {
    /// A scenario file.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    #[command(flatten)]
    pub what: What,
    /// Another seed than the file's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Another end of the run than the file's: `30s`, `2h`.
    #[arg(long, value_name = "TIME")]
    pub until: Option<Span>,
    /// Change a value of the file: `links.client-server.delay=80ms`; repeatable.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// How the figures are written.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Which records a CSV file holds.
    #[arg(long, value_name = "RECORDS", default_value = "total")]
    pub of: Of,
    /// Where to write. Default: the standard output.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// What is measured.
#[derive(Args, Debug)]
pub struct What {
    /// What happens before this time is not counted.
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub warmup: Span,
    /// Look at connections and queues so often, for time series.
    #[arg(long, value_name = "TIME")]
    pub every: Option<Span>,
    /// The first so many connections have a time series.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub sampled: u32,
    /// Sizes that part the classes of completion times.
    #[arg(long, value_name = "SIZES", value_delimiter = ',', default_value = "10kB,100kB,1MB,10MB")]
    pub classes: Vec<Size>,
    /// No record for each connection: a million of them need memory.
    #[arg(long)]
    pub no_flows: bool,
}

impl What {
    /// As the library takes it.
    ///
    /// # Errors
    /// An interval of zero, or classes that do not grow.
    pub fn options(&self) -> Result<Options> {
        if self.every == Some(Span(0)) {
            return Err(anyhow!("--every 0s: there is no end of looking"));
        }
        let classes: Vec<u64> = self.classes.iter().map(|size| size.0).collect();
        if !classes.is_sorted_by(|a, b| a < b) {
            return Err(anyhow!("--classes: each size has to be larger than the one before"));
        }
        Ok(Options {
            warmup: self.warmup.duration(),
            every: self.every.map(Span::duration),
            sampled: self.sampled,
            flows: !self.no_flows,
            classes,
            check: false,
        })
    }
}

/// How figures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned, for people.
    Table,
    /// One record a line (docs/measuring.md).
    Json,
    /// One kind of records (`--of`).
    Csv,
}

/// A kind of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Of {
    /// Seed, times, hash.
    Run,
    /// All connections together.
    Total,
    /// By program or population.
    Programs,
    /// Completion times by size.
    Classes,
    /// Links and their queues.
    Queues,
    /// Each connection.
    Flows,
    /// Connections over time.
    FlowSamples,
    /// Queues over time.
    QueueSamples,
}

impl Of {
    fn kind(self) -> write::Kind {
        match self {
            Of::Run => write::Kind::Run,
            Of::Total => write::Kind::Total,
            Of::Programs => write::Kind::Programs,
            Of::Classes => write::Kind::Classes,
            Of::Queues => write::Kind::Queues,
            Of::Flows => write::Kind::Flows,
            Of::FlowSamples => write::Kind::FlowSamples,
            Of::QueueSamples => write::Kind::QueueSamples,
        }
    }
}

/// Runs the file and writes its figures. Returns whether nothing was wrong with the run.
pub fn run(args: &Measure, color: Color, out: &mut dyn Write) -> Result<bool> {
    let options = args.what.options()?;
    let scenario = load(args, color)?;
    let mut spec = scenario.spec().clone();
    spec.seed = args.seed.unwrap_or(spec.seed);
    spec.until = args.until.map_or(spec.until, Span::time);
    let figures = figures::measure(&spec, &options);
    match &args.output {
        None => put(&figures, args, out)?,
        Some(path) => {
            let file =
                std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            let mut file = BufWriter::new(file);
            put(&figures, args, &mut file)
                .and_then(|()| Ok(file.flush()?))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    for wrong in &figures.wrong {
        anstream::eprintln!("{wrong}");
    }
    Ok(figures.wrong.is_empty())
}

fn put(figures: &Figures, args: &Measure, out: &mut dyn Write) -> Result<()> {
    match args.format {
        Format::Table => table::write(figures, out)?,
        Format::Json => write::json(figures, out)?,
        Format::Csv => write::csv(figures, args.of.kind(), out)?,
    }
    Ok(())
}

fn load(args: &Measure, color: Color) -> Result<Scenario> {
    let rendered = |diagnostics: scenario::Diagnostics| {
        anyhow!(diagnostics.render(screen::is_colored(color))).context(screen::Rendered)
    };
    let scenario = scenario::load(&args.file).map_err(rendered)?;
    args.set.iter().try_fold(scenario, |scenario, change| scenario.set(change)).map_err(rendered)
}
