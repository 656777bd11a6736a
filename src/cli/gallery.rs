//! `timewait list`: the scenarios of a folder, under the headings that its `contents.txt` gives them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};
use timewait::view::paint::{BOLD, DIM, RED, paint};

use super::paths;

/// Rank under its heading, name, and what the file says of itself or what is wrong with it.
type Row = (usize, String, Result<String, String>);

/// Writes the list.
pub fn list(dir: &Path, out: &mut dyn Write) -> Result<()> {
    if !dir.is_dir() {
        bail!("{} is no folder; `timewait list DIR` lists the scenarios of DIR", dir.display());
    }
    let files = paths::scenarios(&[dir.to_owned()])?;
    let width = files.iter().map(|file| paths::name(file).chars().count()).max().unwrap_or(0);
    let contents = Contents::read(dir);
    let mut sections: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
    for file in &files {
        let name = paths::name(file);
        let (section, rank) = contents.place(&name);
        sections.entry(section).or_default().push((rank, name, about(file)));
    }
    let mut first = true;
    for (section, mut rows) in sections {
        rows.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        if !first {
            writeln!(out)?;
        }
        first = false;
        if let Some(heading) = contents.headings.get(section) {
            writeln!(out, "{}", paint(BOLD, heading))?;
        } else if !contents.headings.is_empty() {
            writeln!(out, "{}", paint(BOLD, "Others"))?;
        }
        for (_, name, about) in rows {
            match about {
                Ok(about) if about.is_empty() => writeln!(out, "  {name}")?,
                Ok(about) => writeln!(out, "  {name:<width$}  {about}")?,
                Err(error) => writeln!(out, "  {name:<width$}  {}", paint(RED, error))?,
            }
        }
    }
    writeln!(out)?;
    writeln!(out, "{}", paint(DIM, format_args!("Run one: timewait run {}/NAME.ron", dir.display())))?;
    Ok(())
}

/// What a file says of itself.
fn about(file: &Path) -> Result<String, String> {
    timewait::scenario::load(file)
        .map(|scenario| scenario.about().to_owned())
        .map_err(|error| first_line(&error.to_string()))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Headings, and which names stand under which: lines of `contents.txt`, `# Heading` or a name.
#[derive(Default)]
struct Contents {
    headings: Vec<String>,
    places: BTreeMap<String, (usize, usize)>,
}

impl Contents {
    fn read(dir: &Path) -> Contents {
        let mut contents = Contents::default();
        let text = fs::read_to_string(dir.join("contents.txt")).unwrap_or_default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(heading) = line.strip_prefix('#') {
                contents.headings.push(heading.trim().to_owned());
            } else {
                let place = (contents.headings.len().saturating_sub(1), contents.places.len());
                contents.places.insert(line.to_owned(), place);
            }
        }
        contents
    }

    /// The section of a name and its rank there. A variation (`lost_fin_rfc`) stands with what it varies (`lost_fin`);
    /// other names that are not listed come last.
    fn place(&self, name: &str) -> (usize, usize) {
        let varied = |known: &str| {
            name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        let nearest =
            self.places.iter().filter(|(known, _)| varied(known)).max_by_key(|(known, _)| known.len());
        nearest.map_or((usize::MAX, usize::MAX), |(_, place)| *place)
    }
}
