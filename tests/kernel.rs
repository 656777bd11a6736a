//! Our runs under the `linux` personality, laid beside what Linux 6.18 did with the same script on the same wire.
//!
//! `tests/kernel/NAME.txt` is the kernel's record, whole, `tests/kernel/NAME.ron` the scenario. `tests/kernel/table.txt` says
//! of each whether they are equal; one that is not is listed with the place of the first difference and the reason,
//! and has to differ there, so that nothing is skipped and an improvement is noticed. One whose congestion windows differ
//! is called so there too; `tests/kernel/windows.txt` says where and why.
//!
//! The recorder's machine is part of the script: its kernel had 250 ticks a second (`hz`), and all records come from one boot,
//! so that one origin, taken from the 423 timers that are seen to fire in them and from the wall-clock time at which each
//! record began, says where the ticks of each lie (`hz_phase`): all fire within 0.3 ms of it, those of the coarser levels at
//! its multiples of 32, 256 and 2048 ms. Where a record has timers, the ticks are put to where they fired, less the 60 us that a
//! kernel needs to come to them. The wire of 10 ms took 10.2 with what the machine needed to pass a packet on. Where a tenth of
//! a millisecond decides, a scenario has the recorded time of a call, or of a program to wake up (`wakeup`), and says so.
//! Some records, those whose scenarios have calls at odd microseconds, are from another boot of the same kernel: there the ticks
//! are known from its timers' trace points.

use std::fmt::Write as _;
use std::path::PathBuf;

use sim::{NodeId, Simulator, TraceLevel};
use timewait::compare::{self, Settings, ours, show, windows};
use timewait::requirements::{Requirements, Standing};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/kernel")
}

/// The names of all captures, sorted.
fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("tests/kernel")
        .filter_map(|entry| {
            let path = entry.expect("an entry").path();
            let stem = path.file_stem()?.to_str()?.to_string();
            let about = ["table", "windows"].contains(&stem.as_str());
            (path.extension()?.to_str()? == "txt" && !about).then_some(stem)
        })
        .collect();
    names.sort();
    names
}

/// The first difference: where, and both sides around it.
struct Difference {
    place: String,
    text: String,
}

/// Runs the scenario of this name and lays it beside the capture.
fn difference(name: &str) -> Option<Difference> {
    let path = folder().join(format!("{name}.ron"));
    let scenario = timewait::scenario::load(&path).unwrap_or_else(|problems| panic!("{name}: {problems}"));
    let mut run = Simulator::new(scenario.spec(), TraceLevel::On);
    run.run();
    let node = |id: u32| run.names().node(NodeId(id)).to_string();
    let theirs = compare::compact::load(&folder().join(format!("{name}.txt")))
        .unwrap_or_else(|problems| panic!("{name}: {problems}"));
    let ours = ours::tell(run.records(), &node);
    let found = compare::compare(&theirs, &ours, Settings::KERNEL)?;
    let text = show::text(&found, &theirs, &ours, ["kernel", "ours"]);
    let text = anstream::adapter::strip_str(&text).to_string();
    Some(Difference { place: found.place, text })
}

/// What is to be expected of a capture.
enum Row {
    /// Up to this time, as the record writes it; `None`: to its end.
    Equal(Option<String>),
    /// The place of the first difference, the rows of the RFCs on our side, and why.
    Differs(String, String, String),
    /// There is no scenario; why.
    None,
}

/// A line of the table.
struct Line {
    name: String,
    row: Row,
    /// Whether it says that congestion windows differ.
    windows_differ: bool,
}

/// The table: `NAME | equal`, `NAME | PLACE | ROW ROW | reason`, `NAME | none | reason`; a record that was cut is
/// `equal up to TIME`, and where congestion windows differ, `, windows differ` stands behind `equal` or the place.
fn table() -> Vec<Line> {
    let text = std::fs::read_to_string(folder().join("table.txt")).expect("tests/kernel/table.txt");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(read).collect()
}

fn read(line: &str) -> Line {
    let fields: Vec<&str> = line.split('|').map(str::trim).collect();
    let (name, found) = (fields[0].to_string(), fields[1]);
    let bare = found.strip_suffix(", windows differ");
    let row = match (bare.unwrap_or(found), &fields[2..]) {
        ("equal", []) => Row::Equal(None),
        ("none", [_]) => Row::None,
        (place, [rows, reason]) => Row::Differs(place.into(), (*rows).into(), (*reason).into()),
        (place, []) if place.starts_with("equal up to ") => Row::Equal(Some(place[12..].into())),
        _ => panic!("table.txt: not understood: {line}"),
    };
    Line { name, row, windows_differ: bare.is_some() }
}

/// Whether a record goes as far as its row says; what is wrong, if not.
fn falls_short(row: &Row, cut: Option<u64>) -> Option<String> {
    let Row::Equal(said) = row else { return None };
    let ends = cut.map(compare::seconds);
    (*said != ends).then(|| {
        let whole = || "its end".to_owned();
        format!(
            "said to be equal up to {}, recorded up to {}",
            said.clone().unwrap_or_else(whole),
            ends.unwrap_or_else(whole)
        )
    })
}

#[test]
fn the_table_names_every_capture() {
    let listed: Vec<String> = table().into_iter().map(|line| line.name).collect();
    assert_eq!(listed, names(), "table.txt and the captures, both sorted");
}

/// Where we do not do what the kernel did, a demand of an RFC that is met is on our side.
#[test]
fn differences_have_rows() {
    let demands = Requirements::read().expect("the requirements");
    for Line { name, row, .. } in table() {
        let Row::Differs(_, rows, _) = row else { continue };
        assert!(!rows.is_empty(), "{name}");
        for id in rows.split_whitespace() {
            let (_, row) = demands.row(id).unwrap_or_else(|| panic!("{name}: there is no row {id}"));
            assert!(matches!(row.standing(), Standing::Met(..)), "{name}: {id} is not met");
        }
    }
}

/// Equal is what equals a whole record: one that was cut says how far it goes.
#[test]
fn records_are_whole() {
    for Line { name, row, .. } in table() {
        let record = compare::compact::load(&folder().join(format!("{name}.txt"))).expect("a record");
        assert_eq!(falls_short(&row, record.cut), None, "{name}");
    }
    let equal = |said: &str| read(&format!("x | equal{said}")).row;
    assert_eq!(falls_short(&equal(""), None), None);
    assert_eq!(falls_short(&equal(" up to 0.3437"), Some(343_700)), None);
    for (said, cut) in [("", Some(343_700)), (" up to 0.3437", None), (" up to 0.4", Some(343_700))] {
        assert!(falls_short(&equal(said), cut).is_some(), "{said} {cut:?}");
    }
}

/// Who reads no more than the front page learns how many are equal.
#[test]
fn the_front_page_counts() {
    let table = table();
    let equal = table.iter().filter(|line| matches!(line.row, Row::Equal(None))).count();
    let page = std::fs::read_to_string(folder().join("../../README.md")).expect("README.md");
    let said = format!("{equal} of {} are equal to the end", table.len());
    assert!(page.contains(&said), "README.md: {said}");
}

/// Who reads the table alone learns whose congestion windows differ.
#[test]
fn the_table_tells_of_windows() {
    let windows = std::fs::read_to_string(folder().join("windows.txt")).expect("tests/kernel/windows.txt");
    let differ = windows.lines().filter(|line| !line.starts_with('#') && line.contains(" | at "));
    let differ: Vec<&str> = differ.filter_map(|line| line.split(" | ").next()).collect();
    for line in table() {
        assert_eq!(line.windows_differ, differ.contains(&line.name.as_str()), "{}", line.name);
    }
}

#[test]
fn we_do_what_the_kernel_did() {
    let mut wrong = String::new();
    for Line { name, row, .. } in table() {
        let (place, reason) = match row {
            Row::None => continue,
            Row::Equal(_) => (None, String::new()),
            Row::Differs(place, _, reason) => (Some(place), reason),
        };
        match (difference(&name), place) {
            (None, None) => {}
            (Some(found), Some(place)) if found.place == place => {}
            (None, Some(_)) => {
                let _ =
                    writeln!(wrong, "{name} is equal now: say so in table.txt (the reason was: {reason})\n");
            }
            (Some(found), expected) => {
                let expected = expected.unwrap_or_else(|| "no difference".into());
                let _ = writeln!(wrong, "{name}: {} (expected: {expected})\n{}", found.place, found.text);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// `cargo test survey -- --ignored --nocapture`: what the table would be now, without the reasons. `ONLY=name` shows
/// the first difference as well.
#[test]
#[ignore = "prints, does not judge"]
fn survey() {
    let only = std::env::var("ONLY").ok();
    for Line { name, row, .. } in table() {
        if matches!(row, Row::None) || only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        match difference(&name) {
            None => println!("{name} | equal"),
            Some(found) if only.is_some() => println!("{name} | {} | ?\n{}", found.place, found.text),
            Some(found) => println!("{name} | {} | ?", found.place),
        }
    }
}

/// How our congestion windows agree with the kernel's, as rows of `windows.txt` without the reasons.
fn agreements(name: &str) -> Vec<String> {
    let path = folder().join(format!("{name}.ron"));
    let scenario = timewait::scenario::load(&path).unwrap_or_else(|problems| panic!("{name}: {problems}"));
    let theirs = compare::compact::load(&folder().join(format!("{name}.txt")))
        .unwrap_or_else(|problems| panic!("{name}: {problems}"));
    let (ours, _) = windows::watch(scenario.spec(), 1_000_000);
    let row = |end: &windows::Agreement| {
        let first = end.first.as_ref().map_or_else(String::new, |(t, o)| {
            let one = |w: &compare::Window| {
                format!("{}/{}", w.cwnd, w.ssthresh.map_or_else(|| "-".to_owned(), |n| n.to_string()))
            };
            format!(" | at {} {} for {}", t.una, one(o), one(t))
        });
        format!("{name} | {} {} | {} of {}{first}", end.who, end.ports, end.equal, end.common)
    };
    windows::compare(&theirs, &ours).iter().map(row).collect()
}

/// cwnd and ssthresh at each acknowledgment number that both the kernel and we had: `windows.txt` says at how many of
/// them both are equal, and where they are not, what we have for what there, and why.
#[test]
fn congestion_windows_are_as_listed() {
    let text = std::fs::read_to_string(folder().join("windows.txt")).expect("tests/kernel/windows.txt");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let listed: Vec<&str> = lines.map(|line| line.split(" | because ").next().unwrap_or_default()).collect();
    let found: Vec<String> = names().iter().flat_map(|name| agreements(name)).collect();
    let missing: Vec<_> = found.iter().filter(|row| !listed.contains(&row.as_str())).collect();
    let gone: Vec<_> = listed.iter().filter(|row| !found.iter().any(|found| found == *row)).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not listed: {missing:#?}\nlisted: {gone:#?}");
    for line in text.lines().filter(|line| line.contains(" | at ")) {
        assert!(line.contains(" | because "), "windows.txt: no reason: {line}");
    }
}
