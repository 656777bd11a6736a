//! `timewait results` and `timewait merge`: what sweeps have left, summed up and joined.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use timewait::sweep::store::{self, Results as Read};
use timewait::sweep::{columns, merge as joined, play, summary, table};
use timewait::view::paint::{DIM, paint};

use super::parquet;
use super::sweeping::{Form, Merge, Results, Shown};

/// Figures that a table for people has if nobody says which.
const FEW: &[&str] =
    &["goodput_bps", "fairness_ppm", "retransmitted", "fct_ns_p50", "fct_ns_p99", "rtt_ns_mean"];

/// Shows results. Returns whether every run did as it should.
pub fn run(args: &Results, out: &mut dyn Write) -> Result<bool> {
    if args.shown.form == Form::Parquet {
        parquet::able(true)?;
    }
    let results = read(&args.file)?;
    if args.runs {
        let rows = results.rows();
        let figures = figures(&args.shown.figure, &results, &rows)?;
        match args.shown.form {
            Form::Table | Form::Csv => table::runs(&results.header, &rows, &figures, out)?,
            Form::Json => {
                bail!("--runs --format json: {} has a run a line, as JSON, already", args.file.display())
            }
            Form::Parquet => parquet::print(&columns::runs(&results.header, &rows, &figures))?,
        }
        return Ok(rows.iter().all(|row| row.failed.is_none()));
    }
    show(&results, &args.shown, out)
}

/// Joins shards. Returns whether every run did as it should.
pub fn merge(args: &Merge, out: &mut dyn Write) -> Result<bool> {
    let read = |file: &PathBuf| Ok((file.display().to_string(), read(file)?));
    let parts = args.files.iter().map(read).collect::<Result<Vec<_>>>()?;
    let whole = joined::merge(&parts).map_err(|why| anyhow!(why))?;
    if args.output.exists() {
        let there = self::read(&args.output)
            .with_context(|| format!("not writing over {}", args.output.display()))?;
        if there.header.sweep != whole.header.sweep {
            bail!("not writing over {}: it has the results of another sweep", args.output.display());
        }
    }
    replace(&args.output, &whole)?;
    let rows = whole.rows();
    writeln!(out, "{} runs of {} shards: {}", rows.len(), parts.len(), args.output.display())?;
    Ok(rows.iter().all(|row| row.failed.is_none()))
}

/// Reads a file of results.
pub fn read(file: &Path) -> Result<Read> {
    let name = file.display();
    let metadata = fs::metadata(file).with_context(|| format!("cannot read {name}"))?;
    if !metadata.is_file() {
        bail!("{name} is no file");
    }
    let bytes = fs::read(file).with_context(|| format!("cannot read {name}"))?;
    let results = store::read(&bytes).with_context(|| name.to_string())?;
    results.with_context(|| format!("{name} has no whole line: its sweep has not begun"))
}

/// Writes results in the place of a file: whole, or not at all.
pub fn replace(file: &Path, results: &Read) -> Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let write = || -> io::Result<()> {
        let mut out = BufWriter::new(fs::File::create(&beside)?);
        results.write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&beside, file)
    };
    write().with_context(|| {
        // It is of no use; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(&beside);
        format!("cannot write {}", file.display())
    })
}

/// The figures to show, if they are there.
fn figures(asked: &[String], results: &Read, rows: &[store::Row]) -> Result<Vec<String>> {
    named(asked, &summary::names(&results.header, rows))?;
    Ok(asked.to_vec())
}
/// Whether runs that are still to come will have the figures that are asked for.
pub fn will_have(header: &store::Header, asked: &[String]) -> Result<()> {
    if header.figures.is_empty() { named(asked, &play::usual()) } else { named(asked, &header.figures) }
}
fn named(asked: &[String], there: &[String]) -> Result<()> {
    for name in asked {
        if !there.contains(name) {
            let help = timewait::scenario::error::suggest(name, there.iter().map(String::as_str), "figures");
            bail!("no figure is named `{name}`{}", help.map_or(String::new(), |help| format!("; {help}")));
        }
    }
    Ok(())
}

/// Shows means and intervals. Returns whether every run did as it should.
pub fn show(results: &Read, shown: &Shown, out: &mut dyn Write) -> Result<bool> {
    let confidence = confidence(&shown.confidence)?;
    let rows = results.rows();
    let mut figures = figures(&shown.figure, results, &rows)?;
    let mut left_out = 0;
    if shown.form == Form::Table && figures.is_empty() && results.header.figures.is_empty() {
        let there = summary::names(&results.header, &rows);
        figures = FEW.iter().map(|name| (*name).to_owned()).filter(|name| there.contains(name)).collect();
        left_out = there.len() - figures.len();
    }
    let summary = summary::summary(&results.header, &rows, &figures);
    match shown.form {
        Form::Table => table::terminal(&summary, confidence, out)?,
        Form::Csv => table::csv(&summary, confidence, out)?,
        Form::Json => table::json(&summary, confidence, out)?,
        Form::Parquet => parquet::print(&columns::summary(&summary, confidence))?,
    }
    if left_out > 0 {
        writeln!(
            out,
            "{}",
            paint(DIM, format_args!("{left_out} more figures: --figure NAME, or --format csv for all"))
        )?;
    }
    if shown.form == Form::Table && !results.is_complete() {
        let text = format!("{} of {} runs are missing", results.missing(), results.header.mine().count());
        writeln!(out, "{}", paint(DIM, text))?;
    }
    Ok(rows.iter().all(|row| row.failed.is_none()))
}

#[expect(clippy::float_arithmetic, reason = "a number of a report")]
pub fn confidence(percent: &str) -> Result<f64> {
    let number =
        percent.trim_end_matches('%').parse::<f64>().ok().filter(|number| (1.0..=99.99).contains(number));
    let number = number
        .with_context(|| format!("--confidence {percent}: expected percent from 1 to 99.99, as in 95"))?;
    Ok(number / 100.0)
}
