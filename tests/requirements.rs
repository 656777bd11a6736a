//! The requirement table is honest: what its rows point at exists, and nothing that is a must is silently missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use timewait::requirements::{Requirements, Shown, Standing};

/// Documents of which demands may still be open: what they describe is being built.
const BEING_BUILT: [&str; 0] = [];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn table() -> Requirements {
    Requirements::read().unwrap_or_else(|error| panic!("{error}"))
}

/// The sources, each read once.
#[derive(Default)]
struct Sources(BTreeMap<String, Option<String>>);

impl Sources {
    fn read(&mut self, file: &str) -> Option<&str> {
        let read = || fs::read_to_string(root().join(file)).ok();
        self.0.entry(file.to_owned()).or_insert_with(read).as_deref()
    }
}

/// Whether a source defines an item: a function, a type, a constant, a variant or a field.
fn defines(source: &str, item: &str) -> bool {
    let whole = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    source.lines().any(|line| {
        let code = line.split("//").next().unwrap_or_default();
        let mut words = code.split_whitespace().peekable();
        let mut defined = false;
        while let Some(word) = words.next() {
            let keyword = matches!(word, "fn" | "struct" | "enum" | "const" | "type" | "trait" | "static");
            let next = words.peek().and_then(|next| next.strip_prefix(item));
            defined |= keyword && next.is_some_and(whole);
        }
        let bare = code.trim().trim_start_matches("pub(super) ").trim_start_matches("pub(crate) ");
        let bare = bare.trim_start_matches("pub ").strip_prefix(item);
        // A field or a variant.
        defined
            || bare.is_some_and(|rest| rest.starts_with([':', ',', '(']) || rest.is_empty() || rest == " {")
    })
}

/// Whether a source has a test function of this name.
fn tests(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    lines.iter().enumerate().any(|(i, line)| {
        line.starts_with(&head)
            && lines[..i]
                .iter()
                .rev()
                .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
                .any(|line| *line == "#[test]")
    })
}

#[test]
fn every_row_stands_once() {
    let table = table();
    let ids: BTreeSet<String> =
        table.rows().map(|(document, row)| format!("{}/{}", document.document, row.id)).collect();
    assert_eq!(ids.len(), table.rows().count(), "an id stands twice");
    assert_eq!(table.rows().count(), 933, "a row was lost");
    assert_eq!(table.documents.len(), 73, "a document was lost");
}

#[test]
fn what_a_row_points_at_exists() {
    let mut sources = Sources::default();
    let mut missing = Vec::new();
    for (document, row) in table().rows() {
        let Standing::Met(places, shown) = row.standing() else { continue };
        let id = format!("{}/{}", document.document, row.id);
        for (file, item) in places {
            if !sources.read(file).is_some_and(|source| defines(source, item)) {
                missing.push(format!("{id}: no `{item}` in {file}"));
            }
        }
        for shown in shown {
            let found = match shown {
                Shown::Test(file, name) => sources.read(file).is_some_and(|source| tests(source, name)),
                Shown::Scenario(_) | Shown::Kernel(_) => {
                    shown.scenario_file().is_some_and(|file| Path::new(&root().join(file)).is_file())
                }
            };
            if !found {
                missing.push(format!("{id}: there is no {shown}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_must_is_met_or_excepted() {
    let table = table();
    for name in BEING_BUILT {
        assert!(table.document(name).is_some(), "there is no document {name}");
    }
    for document in &table.documents {
        let name = document.document.as_str();
        let open: Vec<&str> = document
            .rows
            .iter()
            .filter(|row| matches!(row.standing(), Standing::Open(_)))
            .map(|row| row.id.as_str())
            .collect();
        assert!(open.is_empty() || BEING_BUILT.contains(&name), "{name}: open: {open:?}");
    }
}

/// A reason is a sentence, not a placeholder.
#[test]
fn every_exception_has_a_reason() {
    for (document, row) in table().rows() {
        if let Standing::Excepted(why) | Standing::NotApplicable(why) | Standing::Open(why) = row.standing() {
            assert!(why.split_whitespace().count() >= 4, "{}/{}: {why}", document.document, row.id);
        }
    }
}

/// The ids that comments of the sources cite are ids of the table.
#[test]
fn cited_ids_are_ids_of_the_table() {
    let table = table();
    let documents: BTreeSet<&str> =
        table.documents.iter().map(|document| document.document.as_str()).collect();
    let mut unknown = Vec::new();
    for folder in ["tcp/src", "sim/src", "src", "tests", "scenarios"] {
        walk(&root().join(folder), &mut |path, text| {
            for line in text.lines().filter(|line| line.contains("//")) {
                let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || "/.-".contains(c)));
                for word in words.map(|word| word.trim_end_matches(['.', '-'])) {
                    let Some((document, id)) = word.split_once('/') else { continue };
                    let is_id = id.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit());
                    // A bare section number is no id.
                    let is_id = is_id && id.contains(|c: char| c.is_ascii_uppercase());
                    if is_id && documents.contains(document) && table.row(word).is_none() {
                        unknown.push(format!("{}: {word}", path.display()));
                    }
                }
            }
        });
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

fn walk(folder: &Path, see: &mut impl FnMut(&Path, &str)) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, see);
        } else if path.extension().is_some_and(|ext| ext == "rs" || ext == "ron") {
            see(&path, &fs::read_to_string(&path).expect("UTF-8"));
        }
    }
}
