//! `timewait rfc`: what the standards demand, where it is met, and what shows it.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anstyle::Style;
use anyhow::{Result, anyhow, bail};
use sim::{Simulator, TraceLevel};
use timewait::requirements::{Count, Document, Requirements, Row, Shown, Standing};
use timewait::view::paint::{BOLD, DIM, GREEN, PLAIN, RED, YELLOW, paint};

use super::change::Change;
use super::{Color, Only, Rfc, Run, run, screen};

/// Shows what the arguments name. Returns whether a scenario that was run met its expectations.
pub fn rfc(args: &Rfc, color: Color, out: &mut dyn Write) -> Result<bool> {
    let table = Requirements::read().map_err(|error| anyhow!(error))?;
    let Some(what) = &args.what else {
        match args.only {
            None => coverage(&table, out)?,
            Some(_) => {
                list(table.rows(), args.only, out)?;
                tally(Count::of(table.rows().map(|(_, row)| row)), out)?;
            }
        }
        return Ok(true);
    };
    if let Some((document, row)) = table.row(what) {
        return one(document, row, args, color, out);
    }
    if let Some(document) = table.document(what) {
        writeln!(out, "{}", paint(BOLD, format_args!("{}: {}", name(document), document.title)))?;
        list(document.rows.iter().map(|row| (document, row)), args.only, out)?;
        tally(Count::of(&document.rows), out)?;
        return Ok(true);
    }
    if table.areas().contains(&what.as_str()) {
        let rows = || table.rows().filter(|(_, row)| row.area == *what);
        list(rows(), args.only, out)?;
        tally(Count::of(rows().map(|(_, row)| row)), out)?;
        return Ok(true);
    }
    match table.nearest(what) {
        Some(near) => bail!("there is no document, area or demand `{what}`; did you mean `{near}`?"),
        None => bail!("there is no document, area or demand `{what}`; `timewait rfc` lists what there is"),
    }
}

/// `RFC 9293`, or the name of what is no RFC.
fn name(document: &Document) -> String {
    let number = document.document.starts_with(|c: char| c.is_ascii_digit());
    if number { format!("RFC {}", document.document) } else { document.document.clone() }
}

// --- coverage ----------------------------------------------------------------------------------------------------

fn coverage(table: &Requirements, out: &mut dyn Write) -> io::Result<()> {
    let documents = table.documents.iter().map(|document| (document.document.as_str(), &*document.title));
    let counts = table.documents.iter().map(|document| Count::of(&document.rows));
    let rows: Vec<_> = documents.zip(counts).collect();
    counted("document", &rows, out)?;
    writeln!(out)?;
    let of_area = |area: &str| Count::of(table.rows().map(|(_, row)| row).filter(|row| row.area == area));
    let rows: Vec<_> = table.areas().into_iter().map(|area| ((area, ""), of_area(area))).collect();
    counted("area", &rows, out)?;
    writeln!(out)?;
    tally(Count::of(table.rows().map(|(_, row)| row)), out)
}

/// A table of counts, with a line for each name and title.
fn counted(heading: &str, rows: &[((&str, &str), Count)], out: &mut dyn Write) -> io::Result<()> {
    let width = rows.iter().map(|((name, _), _)| name.len()).max().unwrap_or(0).max(heading.len());
    let head = format!("{heading:<width$}  rows   met  excepted  n/a  open  open musts");
    writeln!(out, "{}", paint(DIM, head.trim_end()))?;
    for ((name, title), count) in rows {
        let complete = if count.open == 0 { GREEN } else { PLAIN };
        writeln!(
            out,
            "{}  {:>4}  {}  {}  {}  {}  {}  {}",
            paint(complete, format_args!("{name:<width$}")),
            count.rows,
            number(count.met, 4, GREEN),
            number(count.excepted, 8, YELLOW),
            number(count.not_applicable, 3, PLAIN),
            number(count.open, 4, PLAIN),
            number(count.open_musts, 10, RED),
            paint(DIM, title),
        )?;
    }
    Ok(())
}

/// A number in a column; nothing to see where it is none.
fn number(n: usize, width: usize, style: Style) -> impl fmt::Display {
    let style = if n == 0 { DIM } else { style };
    paint(style, format!("{n:>width$}"))
}

fn tally(count: Count, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{}",
        paint(
            BOLD,
            format_args!(
                "{} demands: {} met and shown, {} excepted, {} not applicable, {} open ({} of them MUST)",
                count.rows, count.met, count.excepted, count.not_applicable, count.open, count.open_musts
            )
        )
    )
}

// --- rows --------------------------------------------------------------------------------------------------------

fn mark(row: &Row) -> (Style, &'static str) {
    match row.standing() {
        Standing::Met(..) => (GREEN, "✓"),
        Standing::Excepted(_) => (YELLOW, "–"),
        Standing::NotApplicable(_) => (DIM, "·"),
        Standing::Open(_) => (RED, "✗"),
    }
}

fn stands(row: &Row, only: Option<Only>) -> bool {
    match only {
        None => true,
        Some(Only::Met) => matches!(row.standing(), Standing::Met(..)),
        Some(Only::Excepted) => matches!(row.standing(), Standing::Excepted(_)),
        Some(Only::NotApplicable) => matches!(row.standing(), Standing::NotApplicable(_)),
        Some(Only::Open) => matches!(row.standing(), Standing::Open(_)),
    }
}

/// One line for each row; on a terminal no longer than it is wide.
fn list<'a>(
    rows: impl Iterator<Item = (&'a Document, &'a Row)>,
    only: Option<Only>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let rows: Vec<_> = rows.filter(|(_, row)| stands(row, only)).collect();
    let ids = |(document, row): &(&Document, &Row)| document.document.len() + 1 + row.id.len();
    let width = rows.iter().map(ids).max().unwrap_or(0);
    let screen = io::stdout().is_terminal().then(screen::width);
    for (document, row) in rows {
        let (style, mark) = mark(row);
        let id = format!("{}/{}", document.document, row.id);
        let level = row.level.to_string();
        let text = fit(&row.text, screen.map(|columns| columns.saturating_sub(width + 16)));
        writeln!(out, "{} {id:<width$}  {}  {text}", paint(style, mark), paint(DIM, format!("{level:<10}")))?;
    }
    Ok(())
}

fn fit(text: &str, columns: Option<usize>) -> String {
    match columns {
        Some(columns) if text.chars().count() > columns => {
            text.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
        }
        _ => text.to_owned(),
    }
}

/// One row, where it is met, and what shows it: a scenario is run.
fn one(document: &Document, row: &Row, args: &Rfc, color: Color, out: &mut dyn Write) -> Result<bool> {
    let (style, mark) = mark(row);
    let id = format!("{}/{}", document.document, row.id);
    let origin = format!("{}, section {} · {}", name(document), row.section, row.area);
    writeln!(
        out,
        "{} {} {}",
        paint(style, mark),
        paint(BOLD, format_args!("{id} {}", row.level)),
        paint(DIM, origin)
    )?;
    writeln!(out, "  {}", row.text)?;
    let (places, shown) = match row.standing() {
        Standing::Met(places, shown) => (places, shown),
        other @ (Standing::Excepted(why) | Standing::NotApplicable(why) | Standing::Open(why)) => {
            writeln!(out, "  {} {why}", paint(style, format_args!("{}:", other.word())))?;
            return Ok(true);
        }
    };
    for (file, item) in places {
        writeln!(out, "  met in   {file} {}", paint(DIM, item))?;
    }
    for shown in shown {
        writeln!(out, "  shown by {shown}")?;
    }
    let scenario = shown.iter().find_map(Shown::scenario_file);
    match scenario.filter(|_| !args.no_run) {
        Some(file) => {
            writeln!(out)?;
            run_scenario(&file, color, out)
        }
        None => {
            for shown in shown {
                writeln!(out, "  {} {}", paint(DIM, "$"), shown.command())?;
            }
            Ok(true)
        }
    }
}

/// Packets that a person may want to read through.
const READABLE: u64 = 200;

/// Runs a scenario of the project: from the current folder, or from where the project was built. A long one is not shown.
fn run_scenario(file: &str, color: Color, out: &mut dyn Write) -> Result<bool> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let here = PathBuf::from(file);
    let Some(path) = [here, built].into_iter().find(|path| path.is_file()) else {
        writeln!(out, "  {} timewait run {file}", paint(DIM, "$"))?;
        return Ok(true);
    };
    let (_, spec) = Change::default().load(&path, color)?;
    let mut simulator = Simulator::new(&spec, TraceLevel::Off);
    simulator.run();
    let packets = simulator.packets_sent();
    let args = Run {
        files: vec![path],
        view: None,
        host: None,
        at: Vec::new(),
        change: Change::default(),
        pcap: None,
        keep: super::MOST_RECORDS,
        quiet: u8::from(packets > READABLE),
        width: None,
    };
    let fine = run::run(&args, color, out)?;
    if packets > READABLE {
        writeln!(out, "{}", paint(DIM, format_args!("all {packets} packets: timewait run {file}")))?;
    }
    Ok(fine)
}
