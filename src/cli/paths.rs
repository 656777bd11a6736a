//! Which files the arguments mean.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The scenario files among `given`: files as they are, folders with all `.ron` files below them, by name, but for those
/// that are sweeps.
pub fn scenarios(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = files(given, "ron", "scenario file")?;
    files.retain(|file| given.contains(file) || !is_sweep(file));
    Ok(files)
}

/// The scenario files and sweeps among `given`, likewise.
pub fn scenarios_and_sweeps(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    files(given, "ron", "scenario file")
}

/// Whether a file is a sweep.
fn is_sweep(file: &Path) -> bool {
    fs::read_to_string(file).is_ok_and(|text| timewait::sweep::is_sweep(&text))
}

/// The packetdrill scripts among `given`: files as they are, folders with all `.pkt` files below them, by name.
pub fn scripts(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    files(given, "pkt", "packetdrill script")
}

fn files(given: &[PathBuf], extension: &str, what: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in given {
        if path.is_dir() {
            let before = files.len();
            walk(path, extension, &mut files)?;
            if files.len() == before {
                bail!("no {what} (*.{extension}) in {}", path.display());
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn walk(dir: &Path, extension: &str, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut entries = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, extension, files)?;
        } else if path.extension().is_some_and(|ext| ext == extension) {
            files.push(path);
        }
    }
    Ok(())
}

/// A scenario's name: the stem of its file.
pub fn name(path: &Path) -> String {
    path.file_stem().map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned())
}
