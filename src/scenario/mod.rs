//! Scenario files: read, checked, resolved, written back, documented; and whether a run met their expectations.
//!
//! [`load`] does all that comes before a run: [`read`] makes a [`file::Scenario`] of the text, [`resolve`] a
//! [`sim::Spec`] of that. Errors of both kinds are [`Diagnostics`], with the place in the file.

pub mod error;
pub mod expand;
pub mod expect;
pub mod file;
pub mod locate;
pub mod read;
pub mod resolve;
pub mod schema;
pub mod set;
pub mod units;
mod write;

use std::io::Read as _;
use std::path::Path;

use sim::Spec;

pub use self::error::{Diagnostics, Problem};
use self::locate::{Node, Seg};

/// A scenario that can be run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name of its file, as it was given.
    pub path: String,
    /// The text of its file.
    pub text: String,
    /// As it was typed.
    pub typed: file::Scenario,
    spec: Spec,
}

/// Reads a file; `-` is the standard input.
///
/// # Errors
/// What is wrong with it; an unreadable file is a problem without a place.
pub fn load(path: impl AsRef<Path>) -> Result<Scenario, Diagnostics> {
    let path = path.as_ref();
    Scenario::parse(&path.display().to_string(), &text(path)?)
}

/// The text of a file, without a byte order mark; `-` is the standard input. It is read once, so it may be a pipe.
///
/// # Errors
/// It cannot be read, or is no text.
pub fn text(path: &Path) -> Result<String, Diagnostics> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let why = match bytes.map(String::from_utf8) {
        Ok(Ok(text)) => return Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Ok(Err(_)) => "it is no text (UTF-8)".to_owned(),
        Err(error) => error.to_string(),
    };
    let path = path.display().to_string();
    let message = format!("cannot read {path}: {why}");
    let problem = Problem { message, span: 0..0, label: String::new(), help: None };
    Err(Diagnostics { path, text: String::new(), problems: vec![problem] })
}

impl Scenario {
    /// Reads a text; `path` is what errors call it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(path: &str, text: &str) -> Result<Scenario, Diagnostics> {
        let wrong = |problems| Diagnostics { path: path.to_owned(), text: text.to_owned(), problems };
        let typed: file::Scenario = read::read(text).map_err(wrong)?;
        let spec = resolve::resolve(&typed).map_err(|complaints| {
            let tree = Node::of(text);
            let mut problems: Vec<Problem> =
                complaints.into_iter().map(|complaint| placed(tree.as_ref(), complaint)).collect();
            problems.sort_by_key(|problem| problem.span.start);
            wrong(problems)
        })?;
        Ok(Scenario { path: path.to_owned(), text: text.to_owned(), typed, spec })
    }

    /// What it shows, in one line.
    pub fn about(&self) -> &str {
        &self.typed.about
    }
    /// As it is run.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }
    /// What must have happened when the run is over.
    pub fn expectations(&self) -> &[file::Expect] {
        &self.typed.expect
    }
    /// The line on which expectation number `i` begins, counted from one.
    pub fn line_of_expectation(&self, i: usize) -> usize {
        error::place(&self.text, self.span_of_expectation(i).start).0
    }
    /// The bytes of expectation number `i` in the file.
    pub fn span_of_expectation(&self, i: usize) -> std::ops::Range<usize> {
        let path = [Seg::Name("expect".to_owned()), Seg::Index(i)];
        Node::of(&self.text).map_or(0..0, |tree| tree.find(&path).0.span.clone())
    }
    /// The expectations that a run of `spec` did not meet: this scenario's, or that with another seed or end.
    pub fn judge(&self, spec: &sim::Spec, simulator: &sim::Simulator) -> Vec<expect::Failure> {
        expect::judge(self, spec, simulator)
    }
}

/// A complaint with its place in the file: that of the value, or of the nearest one around it.
fn placed(tree: Option<&Node>, complaint: resolve::Complaint) -> Problem {
    let span = tree.map_or(0..0, |tree| {
        let (node, found) = tree.find(&complaint.path);
        // A field that is not there, or a whole structure: its beginning says enough.
        match node.open {
            Some(open) if found < complaint.path.len() || node.kids.len() > 4 => node.span.start..open + 1,
            _ => node.span.clone(),
        }
    });
    Problem { message: complaint.message, span, label: complaint.label, help: complaint.help }
}

#[cfg(test)]
mod generate;
#[cfg(test)]
mod tests;
