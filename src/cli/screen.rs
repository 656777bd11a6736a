//! Standard output: colours where they can be seen, and the width of what shows them.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};

use super::Color;

/// Standard output, buffered, with colours as asked for.
pub fn stdout(color: Color) -> io::BufWriter<AutoStream<io::Stdout>> {
    io::BufWriter::with_capacity(64 * 1024, AutoStream::new(io::stdout(), choice(color)))
}

/// Standard error, with colours as asked for.
pub fn stderr(color: Color) -> AutoStream<io::Stderr> {
    AutoStream::new(io::stderr(), choice(color))
}

fn choice(color: Color) -> ColorChoice {
    match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
}

/// Columns to fill: those of the terminal, or 100 where there is none.
pub fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0)).max(40)
}

/// Whether the reader of our output has gone, as `head` does.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Writes all that is buffered.
pub fn finish(mut out: impl Write) -> io::Result<()> {
    out.flush()
}
