//! Parquet, where it is built in.

use std::io::{IsTerminal, Write};

use anyhow::{Result, bail};
use timewait::columns::Column;

/// Whether Parquet can be written, and not to a terminal.
pub fn able(to_stdout: bool) -> Result<()> {
    if cfg!(not(feature = "parquet")) {
        bail!("this timewait was built without Parquet: cargo install --path . --features parquet");
    }
    if to_stdout && std::io::stdout().is_terminal() {
        bail!("Parquet is nothing for a terminal: send it to a file");
    }
    Ok(())
}

/// Writes a table to the standard output, past all that looks for colours there.
pub fn print(columns: &[Column]) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    write(columns, &mut out)?;
    Ok(out.flush()?)
}

/// Writes a table.
#[cfg(feature = "parquet")]
pub fn write(columns: &[Column], out: &mut dyn Write) -> Result<()> {
    Ok(timewait::parquet::write(columns, out)?)
}

/// Says that it cannot.
#[cfg(not(feature = "parquet"))]
pub fn write(_: &[Column], _: &mut dyn Write) -> Result<()> {
    able(false)
}
