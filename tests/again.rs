//! The commands that repeat what was found do so: each is run as it is printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A client whose first SYN has to arrive: no other does, and it repeats it for longer than any open may take.
pub const PATIENT: &str = r#"// What stood above.
Scenario(
    about: "a client that never gives up", until: "700s",
    hosts: { "client": (tcp: (syn_retries: 20)), "server": () },
    links: [(between: ("client", "server"), delay: "10ms")],
    rules: [(from: "client", flags: "S", nth: "2..", do: Drop)],
    programs: [
        (on: "server", run: Server(port: 80, steps: [WaitEnd])),
        (on: "client", run: IdleHolder(to: "server:80")),
    ],
)"#;

/// An empty folder of this test's own, with a file in it.
fn folder(name: &str, text: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("a folder for temporary files");
    fs::write(dir.join("large one.ron"), text).expect("a file in it");
    dir
}

/// Runs a line of a shell in a folder, where `timewait` is this build's.
fn shell(dir: &Path, line: &str) -> Output {
    let bin = Path::new(env!("CARGO_BIN_EXE_timewait")).parent().expect("a folder");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(dir).env("PATH", path).env_remove("CLICOLOR_FORCE");
    command.output().expect("the shell starts")
}

/// What it prints, if it finds something.
fn found(dir: &Path, line: &str) -> String {
    let output = shell(dir, line);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{line}\n{out}{err}");
    out.into_owned()
}

/// The commands in a text, each of which repeats something.
fn again(text: &str) -> Vec<String> {
    let commands = text.lines().filter_map(|line| line.split_once("again: "));
    commands.map(|(_, command)| command.to_owned()).collect()
}

/// Runs the commands in a text, and those in what they print: each shows that this law is broken.
fn repeats(dir: &Path, text: &str, law: &str) {
    let broken = format!("{law} is broken");
    let commands = again(text);
    assert!(!commands.is_empty(), "{text}");
    for command in commands {
        let shown = found(dir, &command);
        assert!(shown.contains(&broken), "{command}\n{shown}");
        // What came from a pipe is gone by now.
        for command in again(&shown).into_iter().filter(|command| !command.ends_with(" -")) {
            let shown = found(dir, &command);
            assert!(shown.contains(&broken), "{command}\n{shown}");
        }
    }
}

#[cfg(unix)]
#[test]
fn what_explore_finds_is_found_again() {
    let dir = folder("explored", PATIENT);
    let shown = found(&dir, "timewait explore 'large one.ron' --only drop --only delay");
    // Nothing was asked to be written, so it is shown.
    assert!(shown.contains("\nScenario(\n") && !dir.join("found").exists(), "{shown}");
    assert_eq!(
        again(&shown),
        ["timewait explore 'large one.ron' --faults 1 --only drop --only delay --keep found"]
    );
    repeats(&dir, &shown, "ComesToRest");
    for file in fs::read_dir(dir.join("found")).expect("it was made") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("a text");
        assert!(!text.contains("What stood above"), "{text}");
        repeats(&dir, &text, "ComesToRest");
    }
}

#[cfg(unix)]
#[test]
fn what_was_made_small_is_shown_again() {
    let dir = folder("shrunk", &PATIENT.replace("nth: \"2..\", ", ""));
    for line in [
        "timewait shrink 'large one.ron'",
        "timewait shrink 'large one.ron' --output small.ron && cat small.ron",
    ] {
        let output = shell(&dir, line);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !text.contains("What stood above"), "{line}\n{text}");
        repeats(&dir, &text, "ComesToRest");
    }
}

#[cfg(unix)]
#[test]
fn what_a_run_breaks_with_another_seed_and_other_values_is_broken_again() {
    let dir = folder("changed", PATIENT);
    let line = "timewait run 'large one.ron' --seed 7 --until 650s --set check.rest=true --set rules.0.nth='\"1..\"' -q";
    let shown = found(&dir, line);
    assert!(again(&shown)[0].contains(" --seed 7 --until 650s --set check.rest=true --set "), "{shown}");
    repeats(&dir, &shown, "ComesToRest");
}
