//! `timewait bridge`: what a host of a scenario saw and did, as a packetdrill script.

use std::io::Write;

use anyhow::{Result, bail};
use timewait::packetdrill::bridge;

use super::finding::Bridge;
use super::{Color, screen};

/// Writes the script.
pub fn run(args: &Bridge, color: Color, out: &mut dyn Write) -> Result<()> {
    if args.connection == 0 {
        bail!("--connection counts from 1");
    }
    let scenario = args.change.scenario(&args.file, color)?;
    let title = format!("What host {} of {} saw and did.", args.host, args.file.display());
    let written = bridge::write(scenario.spec(), &args.host, args.connection, &title)?;
    screen::deliver(written.text.as_bytes(), args.output.as_deref(), out)
}
