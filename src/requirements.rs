//! What the standards ask of a TCP and of the hosts around it, and where this project stands with each demand.
//!
//! The table is data, in `requirements/*.ron`: one row for each demand, in the order of its document. A row says where
//! it is met and which test or scenario shows it, or why it is not. `tests/requirements.rs` keeps the rows honest:
//! what they point at exists.

use std::fmt;

use ron::extensions::Extensions;
use serde::Deserialize;

use crate::scenario::error::nearest;

/// The files of the table, each a list of documents.
const FILES: [(&str, &str); 10] = [
    ("tcp", include_str!("../requirements/tcp.ron")),
    ("timers", include_str!("../requirements/timers.ron")),
    ("congestion", include_str!("../requirements/congestion.ron")),
    ("recovery", include_str!("../requirements/recovery.ron")),
    ("timestamps", include_str!("../requirements/timestamps.ron")),
    ("security", include_str!("../requirements/security.ron")),
    ("options", include_str!("../requirements/options.ron")),
    ("ip", include_str!("../requirements/ip.ron")),
    ("ecn", include_str!("../requirements/ecn.ron")),
    ("queues", include_str!("../requirements/queues.ron")),
];

/// A document and its rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The number of an RFC, or a short name.
    pub document: String,
    /// Its title.
    pub title: String,
    /// What it demands, in its order.
    pub rows: Vec<Row>,
}

/// One demand.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Within its document: `MUST-13`.
    pub id: String,
    /// How strongly it is demanded.
    pub level: Level,
    /// Where it stands in the document.
    pub section: String,
    /// What it is about: `rto`, `window`, `icmp`.
    pub area: String,
    /// What is demanded, in few words.
    pub text: String,
    /// Where it is met: file and item.
    #[serde(default)]
    met: Vec<(String, String)>,
    /// What fails if it is not.
    #[serde(default)]
    shown: Vec<Shown>,
    /// Why this project does otherwise.
    except: Option<String>,
    /// Why it does not apply to this project.
    not_applicable: Option<String>,
    /// What is still missing.
    open: Option<String>,
}

/// How strongly something is demanded (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the words of RFC 2119")]
pub enum Level {
    Must,
    MustNot,
    Should,
    ShouldNot,
    May,
}

impl Level {
    /// Whether nothing but an exception with a reason may leave it out.
    pub fn is_absolute(self) -> bool {
        matches!(self, Level::Must | Level::MustNot)
    }
}
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Level::Must => "MUST",
            Level::MustNot => "MUST NOT",
            Level::Should => "SHOULD",
            Level::ShouldNot => "SHOULD NOT",
            Level::May => "MAY",
        })
    }
}

/// What shows that a demand is met.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum Shown {
    /// A test function: its file and name.
    Test(String, String),
    /// A scenario of the gallery, by name: its expectations and the snapshot of its trace.
    Scenario(String),
    /// A comparison with what a Linux kernel did, by name.
    Kernel(String),
}

impl Shown {
    /// The scenario file, if it is one.
    pub fn scenario_file(&self) -> Option<String> {
        match self {
            Shown::Test(..) => None,
            Shown::Scenario(name) => Some(format!("scenarios/{name}.ron")),
            Shown::Kernel(name) => Some(format!("tests/kernel/{name}.ron")),
        }
    }
    /// The command that runs it.
    pub fn command(&self) -> String {
        match self {
            Shown::Test(file, name) => {
                let package = match file.split('/').next() {
                    Some("tcp") => "timewait-tcp",
                    Some("sim") => "timewait-sim",
                    _ => "timewait",
                };
                format!("cargo test -p {package} {name}")
            }
            Shown::Scenario(name) => format!("timewait run scenarios/{name}.ron"),
            Shown::Kernel(name) => format!("timewait run tests/kernel/{name}.ron"),
        }
    }
}
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shown::Test(file, name) => write!(f, "test {name} ({file})"),
            Shown::Scenario(name) => write!(f, "scenario {name}"),
            Shown::Kernel(name) => write!(f, "comparison with a kernel {name}"),
        }
    }
}

/// Where the project stands with a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Met at these items of these files, and shown by these.
    Met(&'a [(String, String)], &'a [Shown]),
    /// Not met on purpose: why.
    Excepted(&'a str),
    /// Not applicable: why.
    NotApplicable(&'a str),
    /// Not met yet: what is missing.
    Open(&'a str),
}

impl Standing<'_> {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Met(..) => "met",
            Standing::Excepted(_) => "excepted",
            Standing::NotApplicable(_) => "not applicable",
            Standing::Open(_) => "open",
        }
    }
}

impl Row {
    /// Where the project stands with it.
    pub fn standing(&self) -> Standing<'_> {
        match (&self.except, &self.not_applicable, &self.open) {
            (Some(why), ..) => Standing::Excepted(why),
            (_, Some(why), _) => Standing::NotApplicable(why),
            (.., Some(what)) => Standing::Open(what),
            _ => Standing::Met(&self.met, &self.shown),
        }
    }
    /// Whether exactly one standing is given, and a met row has a place and something that shows it.
    fn is_clear(&self) -> bool {
        let reasons = [&self.except, &self.not_applicable, &self.open];
        match reasons.iter().filter(|reason| reason.is_some()).count() {
            0 => !self.met.is_empty() && !self.shown.is_empty(),
            1 => self.met.is_empty() && self.shown.is_empty(),
            _ => false,
        }
    }
}

/// The whole table.
#[derive(Clone, Debug)]
pub struct Requirements {
    /// The documents, in the order of the table.
    pub documents: Vec<Document>,
}

impl Requirements {
    /// Reads the table. An error says which file or row is wrong.
    pub fn read() -> Result<Requirements, String> {
        let options = ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME);
        let mut documents = Vec::new();
        for (name, text) in FILES {
            let more: Vec<Document> =
                options.from_str(text).map_err(|error| format!("requirements/{name}.ron:{error}"))?;
            documents.extend(more);
        }
        let table = Requirements { documents };
        if let Some((document, row)) = table.rows().find(|(_, row)| !row.is_clear()) {
            let id = format!("{}/{}", document.document, row.id);
            return Err(format!("{id}: a row is met and shown, or has one reason why not"));
        }
        Ok(table)
    }
    /// All rows with their documents.
    pub fn rows(&self) -> impl Iterator<Item = (&Document, &Row)> {
        self.documents.iter().flat_map(|document| document.rows.iter().map(move |row| (document, row)))
    }
    /// The document of this name.
    pub fn document(&self, name: &str) -> Option<&Document> {
        self.documents.iter().find(|document| document.document.eq_ignore_ascii_case(name))
    }
    /// The row of this id: `9293/MUST-13`.
    pub fn row(&self, id: &str) -> Option<(&Document, &Row)> {
        let (document, id) = id.split_once('/')?;
        let document = self.document(document)?;
        let row = document.rows.iter().find(|row| row.id.eq_ignore_ascii_case(id))?;
        Some((document, row))
    }
    /// The areas, in order of the alphabet.
    pub fn areas(&self) -> Vec<&str> {
        let mut areas: Vec<&str> = self.rows().map(|(_, row)| row.area.as_str()).collect();
        areas.sort_unstable();
        areas.dedup();
        areas
    }
    /// The id, document or area that was probably meant.
    pub fn nearest(&self, typed: &str) -> Option<String> {
        let Some((document, id)) = typed.split_once('/') else {
            let names = self.documents.iter().map(|document| document.document.as_str());
            return nearest(typed, names.chain(self.areas())).map(str::to_owned);
        };
        let names = self.documents.iter().map(|document| document.document.as_str());
        let document = self.document(document).or_else(|| self.document(nearest(document, names)?))?;
        let id = nearest(id, document.rows.iter().map(|row| row.id.as_str()))?;
        Some(format!("{}/{id}", document.document))
    }
}

/// How many rows stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All of them.
    pub rows: usize,
    /// Met and shown.
    pub met: usize,
    /// Excepted.
    pub excepted: usize,
    /// Not applicable.
    pub not_applicable: usize,
    /// Open.
    pub open: usize,
    /// Those of the open ones that are a Must or MustNot.
    pub open_musts: usize,
}

impl Count {
    /// Counts rows.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Count {
        let mut count = Count::default();
        for row in rows {
            count.rows += 1;
            match row.standing() {
                Standing::Met(..) => count.met += 1,
                Standing::Excepted(_) => count.excepted += 1,
                Standing::NotApplicable(_) => count.not_applicable += 1,
                Standing::Open(_) => {
                    count.open += 1;
                    count.open_musts += usize::from(row.level.is_absolute());
                }
            }
        }
        count
    }
}
