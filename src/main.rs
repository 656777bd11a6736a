//! The command `timewait`.
#![forbid(unsafe_code)]

mod cli;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser};

use cli::{Cli, Command, screen};

/// Many connections are many small pieces of memory, and finding them costs more than what is done with them.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Something that was run did not do as expected.
const FAILED: u8 = 1;
/// A file or an argument is wrong. (clap's own errors end so as well.)
const WRONG: u8 = 2;
/// Nothing went wrong, but not all that was asked for was done.
const UNFINISHED: u8 = 3;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match act(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        // Whoever read us has seen enough.
        Err(error) if screen::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if error.is::<screen::Unfinished>() => ExitCode::from(UNFINISHED),
        Err(error) => {
            // Nothing can be done about an error in telling an error.
            let _ = screen::complain(cli.color, &error);
            ExitCode::from(WRONG)
        }
    }
}

/// Does what was asked for. Returns whether all went as expected.
fn act(cli: &Cli) -> Result<bool> {
    let mut out = screen::stdout(cli.color);
    let fine = match &cli.command {
        Command::Run(args) => cli::run::run(args, cli.color, &mut out)?,
        Command::Measure(args) => cli::measure::run(args, cli.color, &mut out)?,
        Command::Compare(args) => cli::compare::run(args, cli.color, &mut out)?,
        Command::List { dir } => {
            cli::gallery::list(dir, &mut out)?;
            true
        }
        Command::Check { files } => cli::check::check(files, cli.color, &mut out)?,
        Command::Rfc(args) => cli::rfc::rfc(args, cli.color, &mut out)?,
        Command::Packetdrill(args) => cli::packetdrill::packetdrill(args, cli.color, &mut out)?,
        Command::Finding(what) => cli::finding::run(what, cli.color, &mut out)?,
        Command::Sweeping(what) => cli::sweeping::run(what, cli.color, &mut out)?,
        Command::Schema { figures } => {
            let text = if *figures {
                timewait::figures::write::documentation()
            } else {
                timewait::scenario::schema::markdown()
            };
            out.write_all(text.as_bytes())?;
            true
        }
        Command::Completions { shell } => {
            // It panics where it cannot write, and memory can always be written to.
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "timewait", &mut text);
            out.write_all(&text)?;
            true
        }
    };
    out.flush()?;
    Ok(fine)
}
