//! packetdrill scripts: read, and run against this TCP on virtual time.
//!
//! packetdrill (Cardwell and others, USENIX ATC 2013) is the test language of the field: lines of time and event, where
//! an event is a packet to or from the stack, a system call, a shell command or an assertion in `%{ }%`. [`parse`]
//! makes a [`Script`] of a text, with the place of everything in it; a run plays it on virtual time.

pub mod ast;
pub mod bridge;
pub mod code;
pub mod lex;
pub mod parse;
pub mod run;
pub mod shell;
pub mod unseen;

pub use ast::Script;
pub use lex::Symbols;

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::scenario::{Diagnostics, Problem};

/// Reads a script from a file.
///
/// # Errors
/// What is wrong with it; an unreadable file is a problem without a place.
pub fn load(path: &Path, symbols: &Symbols) -> Result<Script, Diagnostics> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => parse::script(&name, &text, symbols),
        Err(error) => {
            let message = format!("cannot read {name}: {error}");
            let problem = Problem { message, span: 0..0, label: String::new(), help: None };
            Err(Diagnostics { path: name, text: String::new(), problems: vec![problem] })
        }
    }
}
