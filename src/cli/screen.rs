//! Standard output and standard error: colours where they can be seen, and the width of what shows them.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, Result};
use timewait::view::paint::{RED, paint};

use super::Color;

/// Standard output, buffered, with colours as asked for.
pub fn stdout(color: Color) -> io::BufWriter<AutoStream<io::Stdout>> {
    io::BufWriter::with_capacity(64 * 1024, AutoStream::new(io::stdout(), choice(color)))
}

/// Standard error, with colours as asked for.
pub fn stderr(color: Color) -> AutoStream<io::Stderr> {
    AutoStream::new(io::stderr(), choice(color))
}

/// Whether standard error shows colours.
pub fn is_colored(color: Color) -> bool {
    AutoStream::new(io::stderr(), choice(color)).current_choice() != ColorChoice::Never
}

/// Whether standard output shows colours.
pub fn is_colored_out(color: Color) -> bool {
    AutoStream::new(io::stdout(), choice(color)).current_choice() != ColorChoice::Never
}

fn choice(color: Color) -> ColorChoice {
    match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
}

/// Columns to fill: those of the terminal, or where there is none, COLUMNS, or 100.
pub fn width() -> usize {
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    terminal.or_else(told).unwrap_or(100).max(60)
}

/// Whether somebody watches us work.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether the reader of our output has gone, as `head` does.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Says something beside the results.
pub fn note(color: Color, text: impl fmt::Display) {
    let mut err = AutoStream::new(io::stderr(), choice(color));
    // Nothing can be done about an error in telling a note.
    let _ = writeln!(err, "{text}");
}

/// Writes what a command has made: to a file, or where none is given, or `-`, to the standard output.
///
/// # Errors
/// It cannot be written; for a file with its name.
pub fn deliver(made: &[u8], to: Option<&Path>, out: &mut dyn Write) -> Result<()> {
    match to.filter(|path| *path != Path::new("-")) {
        None => Ok(out.write_all(made)?),
        Some(path) => std::fs::write(path, made).with_context(|| format!("cannot write {}", path.display())),
    }
}

/// From now on each place in the code that panics says so once. What looks for panics meets the same one in thousands of runs,
/// catches it, and tells it itself.
pub fn tell_panics_once() {
    let told = Mutex::new(BTreeSet::new());
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(|place| (place.file().to_owned(), place.line()));
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(place) {
            drop(told);
            usual(panic);
        }
    }));
}

/// What was asked for is not all done, as the report says, and what was done went well.
#[derive(Debug)]
pub struct Unfinished;

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not all was tried")
    }
}
impl std::error::Error for Unfinished {}

/// Marks an error whose text is a whole report already.
#[derive(Debug)]
pub struct Rendered;

impl fmt::Display for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the input is wrong")
    }
}

/// Says what went wrong.
pub fn complain(color: Color, error: &anyhow::Error) -> io::Result<()> {
    let mut err = AutoStream::new(io::stderr(), choice(color));
    if error.downcast_ref::<Rendered>().is_some() {
        writeln!(err, "{}", error.root_cause())
    } else {
        writeln!(err, "{} {error:#}", paint(RED.bold(), "error:"))
    }
}
