//! `timewait measure`: runs a scenario and writes its figures.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum, ValueHint};
use timewait::figures::{self, Figures, Options, table, write};
use timewait::scenario::units::{Size, Span};

use super::Color;
use super::change::Change;

const EXAMPLES: &str = "\
Examples:
  timewait measure scenarios/congestion_dumbbell.ron
  timewait measure dumbbell.ron --warmup 2s --set hosts.a1.tcp.congestion=Bbr
  timewait measure dumbbell.ron --every 10ms --format csv --of flow-samples > cwnd.csv
  timewait measure web.ron --format json --output web.jsonl
  timewait measure web.ron --format parquet --of flows --output flows.parquet     (if built with it)

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
    #[command(flatten)]
    pub change: Change,
    /// How the figures are written.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Which records a CSV or Parquet file holds. Default: `total`.
    #[arg(long, value_name = "RECORDS")]
    pub of: Option<write::Kind>,
    /// Where to write. Default, and `-`: the standard output.
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

impl Measure {
    /// Which records are asked for.
    ///
    /// # Errors
    /// They are asked for where all are written anyway, or there are none.
    fn records(&self) -> Result<write::Kind> {
        let picks = matches!(self.format, Format::Csv | Format::Parquet);
        match self.of {
            Some(_) if !picks => {
                Err(anyhow!("--of picks the records of a table: with --format csv or parquet"))
            }
            Some(write::Kind::FlowSamples | write::Kind::QueueSamples) if self.what.every.is_none() => {
                Err(anyhow!("there are samples only with --every, as in --every 10ms"))
            }
            Some(write::Kind::Flows) if self.what.no_flows => {
                Err(anyhow!("--no-flows leaves nothing for --of flows"))
            }
            of => Ok(of.unwrap_or(write::Kind::Total)),
        }
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
    /// The same for data frames; in builds with `--features parquet`.
    Parquet,
}

/// Runs the file and writes its figures. Returns whether nothing was wrong with the run.
pub fn run(args: &Measure, color: Color, out: &mut dyn Write) -> Result<bool> {
    let options = args.what.options()?;
    let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
    if args.format == Format::Parquet {
        super::parquet::able(output.is_none())?;
    }
    let records = args.records()?;
    let (_, spec) = args.change.load(&args.file, color)?;
    let figures = figures::measure(&spec, &options);
    match output {
        None if args.format == Format::Parquet => super::parquet::print(&write::columns(&figures, records))?,
        None => put(&figures, args, records, out)?,
        Some(path) => {
            let file =
                std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            let mut file = BufWriter::new(file);
            put(&figures, args, records, &mut file)
                .and_then(|()| Ok(file.flush()?))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    if figures.run.from_ns > 0 && figures.run.from_ns >= figures.run.end_ns {
        super::screen::note(
            color,
            format_args!("note: the run ends within the warm-up: nothing was measured"),
        );
    }
    for wrong in &figures.wrong {
        anstream::eprintln!("{wrong}");
    }
    Ok(figures.wrong.is_empty())
}

fn put(figures: &Figures, args: &Measure, records: write::Kind, out: &mut dyn Write) -> Result<()> {
    match args.format {
        Format::Table => table::write(figures, out)?,
        Format::Json => write::json(figures, out)?,
        Format::Csv => write::csv(figures, records, out)?,
        Format::Parquet => super::parquet::write(&write::columns(figures, records), out)?,
    }
    Ok(())
}
