//! Every scenario file of the gallery and of the kernel's captures can be read.

use std::path::{Path, PathBuf};

/// The scenario files of a folder, sorted, by stem.
pub fn files(folder: &str) -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<(String, PathBuf)> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "ron"))
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .collect();
    files.sort();
    files
}

#[test]
fn all_can_be_read() {
    let mut wrong = String::new();
    for folder in ["scenarios", "tests/kernel"] {
        for (name, path) in files(folder) {
            if let Err(problems) = timewait::scenario::load(&path) {
                wrong.push_str(&format!("{name}: {problems}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
