//! The functions that fuzzers drive, over the corpus that is kept, and over what chance makes of it.

use std::path::{Path, PathBuf};

use timewait::find::fuzz::Dice;
use timewait::find::targets::TARGETS;

fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files
}

#[test]
fn each_target_holds_on_its_corpus() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(files.len() >= 5, "{name}: a corpus of {}", files.len());
        for file in files {
            let bytes = std::fs::read(&file).unwrap_or_default();
            assert!(bytes.len() <= 16_384, "{}: large", file.display());
            target(&bytes);
        }
    }
}

#[test]
fn each_target_holds_on_changed_bytes() {
    let mut dice = Dice::new(1);
    for (name, target) in TARGETS {
        let files = corpus(name);
        for _ in 0..300 {
            let mut bytes = std::fs::read(&files[dice.roll(files.len() as u64) as usize]).unwrap_or_default();
            for _ in 0..=dice.roll(6) {
                let at = dice.roll(bytes.len() as u64 + 1) as usize;
                match dice.roll(3) {
                    0 => bytes.insert(at, dice.roll(256) as u8),
                    1 => bytes.truncate(at.max(bytes.len() / 2)),
                    _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = dice.roll(256) as u8),
                }
            }
            target(&bytes);
        }
    }
}

#[test]
fn each_target_has_a_binary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    for (name, _) in TARGETS {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name}: not in the manifest"
        );
        let source =
            std::fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap_or_default();
        assert!(
            source.contains(&format!("targets::{name}(bytes)")),
            "{name}: its binary calls something else"
        );
    }
}
