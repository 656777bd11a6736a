//! Our runs under the `linux` personality, laid beside what Linux 6.18 did with the same script on the same wire.
//!
//! `tests/kernel/NAME.txt` is the kernel's record, `tests/kernel/NAME.ron` the scenario. `tests/kernel/table.txt` says
//! of each whether they are equal; one that is not is listed with the place of the first difference and the reason,
//! and has to differ there, so that nothing is skipped and an improvement is noticed.

#![allow(dead_code, reason = "until runs can be compared")]

mod capture;
mod compare;
mod ours;

use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/kernel")
}

/// The names of all captures, sorted.
fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("tests/kernel")
        .filter_map(|entry| {
            let path = entry.expect("entry").path();
            let stem = path.file_stem()?.to_str()?.to_string();
            (path.extension()?.to_str()? == "txt" && stem != "table").then_some(stem)
        })
        .collect();
    names.sort();
    names
}

#[test]
fn every_capture_can_be_read() {
    for name in names() {
        let capture = capture::read(&folder(), &name);
        assert!(!capture.segments.is_empty(), "{name} has no segment");
    }
}
