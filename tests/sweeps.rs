//! Sweeps from outside: errors at their places, results that can be cut off, split and repeated.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use timewait::sweep::Plan;

/// A right sweep, of which each case spoils something.
const RIGHT: &str = include_str!("errors/sweep.ron");

fn timewait(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_timewait"))
        .args(args)
        .current_dir(dir)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .output()
        .expect("the command starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}
fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// A folder of this test's own, with the sweep in it.
fn folder(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sweeps").join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("the folder for temporary files takes one");
    fs::write(dir.join("echo.ron"), RIGHT).expect("a file");
    dir
}

fn ok(dir: &Path, args: &[&str]) -> String {
    let output = timewait(dir, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}{}", stdout(&output), stderr(&output));
    stdout(&output)
}

/// What is said after `from` was replaced by `to`, for each pair.
fn said(cases: &[(&str, &str)]) -> String {
    let one = |(from, to): &(&str, &str)| {
        assert_eq!(RIGHT.matches(from).count(), 1, "`{from}` is there once");
        match Plan::parse("wrong.ron", &RIGHT.replace(from, to)) {
            Ok(_) => panic!("nobody complains about `{to}` for `{from}`"),
            Err(problems) => format!("{problems}\n"),
        }
    };
    cases.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[test]
fn wrong_sweeps_are_refused_with_the_reason() {
    if let Err(problems) = Plan::parse("right.ron", RIGHT) {
        panic!("{problems}");
    }
    insta::assert_snapshot!(said(&[
        ("seeds: \"1..2\",", "seeds: \"1..2\", warmup: \"60min\","),
        ("links.client-server.loss", "links.client-server.lsos"),
        ("links.client-server.loss", "links.client-sever.loss"),
        ("links.client-server.loss", "hosts.cleint.ttl"),
        ("links.client-server.loss", "seed"),
        ("links.client-server.loss", "links.0.delay"),
        ("\"0%\"", "\"0ms\""),
        ("\"0%\"", "\"130%\""),
        ("\"0%\"", "Cubic"),
        ("[Cubic, Reno]", "[Cubic, Rano]"),
        ("[Cubic, Reno]", "[Cubic, Cubic]"),
        ("[Cubic, Reno]", "[]"),
        ("[Cubic, Reno]", "Cubic"),
        ("\"1ms..2ms by 1ms\"", "\"1ms..2ms\""),
        ("with: \"loss\"", "with: \"lsos\""),
        ("with: \"loss\"", "with: \"congestion\", names: [\"short\"]"),
        ("\"1..2\"", "\"2..1\""),
        ("\"1..2\"", "[1, 2, 1]"),
        ("\"packets\"", "\"packet\""),
        ("\"congestion\": Reno }", "\"congestion\": Bbr }"),
        ("\"congestion\": Reno }", "\"congestoin\": Reno }"),
        ("{ \"loss\": \"20%\", \"congestion\": Reno }", "{ \"loss\": \"20%\" }, { \"loss\": \"0%\" }"),
        ("EchoServer", "EchoSever"),
        ("seeds:", "seed:"),
        ("(\"client\", \"server\")", "(\"client\", \"sever\")"),
        ("\"until\": \"1h\"", "\"untill\": \"1h\""),
    ]));
}

#[test]
fn values_that_do_not_go_together_are_refused() {
    let loses = ("\"links.0.delay\"", "\"links.0.lose\"");
    let values = ("\"1ms..2ms by 1ms\", with: \"loss\"", "[[1], [2]]");
    let text = RIGHT.replace(loses.0, loses.1).replace(values.0, values.1);
    let wrong = Plan::parse("wrong.ron", &text).expect_err("loss and lose exclude one another").to_string();
    assert!(wrong.contains("not all values go together"), "{wrong}");
    assert!(wrong.contains("to leave it out: exclude: [{"), "{wrong}");
}

#[test]
fn a_base_file_is_looked_for_beside_the_sweep() {
    let dir = folder("base");
    let inside = dir.join("inside");
    fs::create_dir_all(&inside).expect("a folder");
    let base = "(hosts: { \"a\": (), \"b\": () }, links: [(between: (\"a\", \"b\"))])";
    fs::write(inside.join("base.ron"), base).expect("a file");
    let sweep =
        "Sweep(scenario: \"base.ron\", axes: { \"delay\": (set: \"links.0.delay\", values: [\"1ms\"]) })";
    fs::write(inside.join("sweep.ron"), sweep).expect("a file");
    let list = ok(&dir, &["sweep", "inside/sweep.ron", "--list"]);
    assert_eq!(list, "timewait run inside/base.ron --set links.0.delay=1ms --seed 1\n");
    ok(&dir, &list.split_whitespace().skip(1).collect::<Vec<_>>());

    fs::write(inside.join("base.ron"), base.replace("\"b\"))", "\"c\"))")).expect("a file");
    let output = timewait(&dir, &["sweep", "inside/sweep.ron"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("inside/base.ron:1:"), "{}", stderr(&output));
    fs::remove_file(inside.join("base.ron")).expect("it is there");
    let output = timewait(&dir, &["sweep", "inside/sweep.ron"]);
    assert!(stderr(&output).contains("sweep.ron:1:17"), "{}", stderr(&output));
}

#[test]
fn a_sweep_is_a_table_and_a_file_that_is_gone_on_with() {
    let dir = folder("resume");
    let table = ok(&dir, &["sweep", "echo.ron", "--jobs", "2"]);
    insta::assert_snapshot!(table);
    let whole = fs::read(dir.join("echo.jsonl")).expect("the results");
    for cut in (0..whole.len()).step_by(whole.len() / 12) {
        fs::write(dir.join("echo.jsonl"), &whole[..cut]).expect("a file");
        assert_eq!(ok(&dir, &["sweep", "echo.ron", "--jobs", "1"]), table, "cut at {cut}");
        assert!(fs::read(dir.join("echo.jsonl")).expect("the results") == whole, "cut at {cut}");
    }
    // Nothing is left to run, and the file is not touched.
    assert_eq!(ok(&dir, &["sweep", "echo.ron"]), table);
    for part in ["1/3", "2/3", "3/3"] {
        ok(&dir, &["sweep", "echo.ron", "--shard", part, "-qq"]);
    }
    let shards = ["echo.1-of-3.jsonl", "echo.2-of-3.jsonl", "echo.3-of-3.jsonl"];
    ok(&dir, &[&["merge", "--output", "merged.jsonl"], &shards[..]].concat());
    assert!(fs::read(dir.join("merged.jsonl")).expect("the results") == whole);
    assert_eq!(
        ok(&dir, &["results", "merged.jsonl"]).trim(),
        table.split_once("\n\n").expect("a title").1.trim()
    );
    let output = timewait(&dir, &["merge", "--output", "two.jsonl", shards[0], shards[2]]);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(2), "error: shard 2/3 is missing\n"));
}

#[test]
fn other_results_are_not_written_over() {
    let dir = folder("others");
    ok(&dir, &["sweep", "echo.ron", "-qq"]);
    let before = fs::read(dir.join("echo.jsonl")).expect("the results");
    let refused = |args: &[&str], why: &str| {
        let output = timewait(&dir, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(why), "{args:?}: {}", stderr(&output));
    };
    refused(
        &["sweep", "echo.ron", "--shard", "1/2", "--output", "echo.jsonl"],
        "has the results of the whole",
    );
    fs::write(
        dir.join("echo.ron"),
        RIGHT.replace("\"20%\", \"", "\"10%\", \"").replace("\"20%\"", "\"10%\""),
    )
    .expect("a file");
    refused(&["sweep", "echo.ron"], "another sweep (their values of `loss` differ)");
    fs::write(dir.join("thesis.txt"), "All my work").expect("a file");
    refused(&["sweep", "echo.ron", "--output", "thesis.txt"], "has no results of a sweep");
    refused(&["sweep", "echo.ron", "--output", "."], "is no file");
    refused(&["sweep", "echo.ron", "--shard", "3/2"], "the parts are 1/2 to 2/2");
    refused(&["sweep", "echo.ron", "--shard", "half"], "as in 2/8");
    refused(&["sweep", "echo.ron", "--limit", "5", "-o", "x.jsonl"], "--yes runs them all");
    // Before anything has run.
    refused(
        &["sweep", "echo.ron", "--figure", "goodput_bsp", "-o", "y.jsonl"],
        "no figure is named `goodput_bsp`",
    );
    assert!(!dir.join("y.jsonl").exists());
    refused(&["sweep", "echo.ron", "-o", "x.jsonl", "--confidence", "120"], "expected percent");
    refused(&["results", "echo.jsonl", "--figure", "packet"], "did you mean `packets`");
    refused(&["results", "thesis.txt"], "has no whole line");
    refused(&["merge", "thesis.txt", "-o", "x.jsonl"], "has no whole line");
    assert_eq!(fs::read(dir.join("echo.jsonl")).expect("the results"), before);
    assert_eq!(fs::read_to_string(dir.join("thesis.txt")).expect("a file"), "All my work");
    assert!(!dir.join("x.jsonl").exists());
}

/// Two processes on one file of results: the second says so and leaves it alone.
#[cfg(unix)]
#[test]
fn one_process_writes_at_a_time() {
    use rustix::fs::{FlockOperation, flock};
    let dir = folder("lock");
    let whole = ok(&dir, &["sweep", "echo.ron", "--output", "whole.jsonl"]);
    let held = fs::File::create(dir.join("echo.jsonl")).expect("a file");
    flock(&held, FlockOperation::LockExclusive).expect("a lock");
    let refused = timewait(&dir, &["sweep", "echo.ron"]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    let why =
        "echo.jsonl is being written by another process: wait for it, or --output FILE writes to another";
    assert!(stderr(&refused).contains(why), "{}", stderr(&refused));
    assert_eq!(fs::read(dir.join("echo.jsonl")).expect("the file"), b"", "it is left alone");
    drop(held);
    assert_eq!(ok(&dir, &["sweep", "echo.ron"]), whole);
    let read = |name: &str| fs::read(dir.join(name)).expect("a file");
    assert_eq!(read("echo.jsonl"), read("whole.jsonl"));
}

#[test]
fn every_row_says_how_to_repeat_it() {
    let dir = folder("rows");
    ok(&dir, &["sweep", "echo.ron", "-qq"]);
    let csv = ok(&dir, &["results", "echo.jsonl", "--runs"]);
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("run,loss,congestion,delay,seed,trace,failed,packets,TcpRetransSegs,args"));
    let mut repeated = 0;
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let args = fields[9].split_whitespace();
        let run = ok(&dir, &["run", "echo.ron", "-q"].into_iter().chain(args).collect::<Vec<_>>());
        assert!(run.contains(&format!("trace {}", fields[5])), "{line}: {run}");
        repeated += 1;
    }
    assert_eq!(repeated, 6);
}

#[test]
fn tables_for_programs() {
    let dir = folder("tables");
    ok(&dir, &["sweep", "echo.ron", "-qq"]);
    insta::assert_snapshot!("results_as_csv", ok(&dir, &["results", "echo.jsonl", "--as", "csv"]));
    for line in ok(&dir, &["results", "echo.jsonl", "--as", "json"]).lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(value["axes"]["loss"].is_string() && value["mean"].is_number(), "{line}");
    }
}

/// Ctrl-C ends it with the runs under way: what is kept is said, and gone on from.
#[cfg(unix)]
#[test]
fn ctrl_c_loses_nothing_that_is_done() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::Stdio;
    let dir = folder("ctrl_c");
    fs::write(dir.join("echo.ron"), RIGHT.replace("1..2\"", "1..3000\"")).expect("a file");
    let mut already = 0;
    for begun in ["go to", "are there already"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_timewait"))
            .args(["sweep", "echo.ron", "--jobs", "1", "--output", "out.jsonl"])
            .current_dir(&dir)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut err = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut text = String::new();
        err.read_line(&mut text).expect("UTF-8");
        assert!(text.contains(begun), "{text}");
        // The first line is the header.
        let runs = || {
            fs::read_to_string(dir.join("out.jsonl")).map_or(0, |text| text.lines().count().saturating_sub(1))
        };
        while runs() < already + 3 {
            std::thread::yield_now();
        }
        let kill = format!("kill -INT {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
        err.read_to_string(&mut text).expect("UTF-8");
        assert_eq!(child.wait().expect("it ends").code(), Some(3), "{text}");
        already = runs();
        let kept =
            format!("interrupted: {already} of 9000 runs are kept; the same command goes on from there");
        assert!(text.contains(&kept), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_gone_on_from() {
    let dir = folder("full");
    ok(&dir, &["sweep", "echo.ron", "-qq", "-o", "whole.jsonl"]);
    // The shell's limit on the size of files, in blocks of 512 bytes: room for the header and some runs.
    let command = format!(
        "trap '' XFSZ; ulimit -f 3; exec {} sweep echo.ron --jobs 1 -q",
        env!("CARGO_BIN_EXE_timewait")
    );
    let output = Command::new("sh").args(["-c", &command]).current_dir(&dir).output().expect("a shell");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("error: cannot write echo.jsonl"), "{}", stderr(&output));
    assert!(stderr(&output).contains("runs are kept"), "{}", stderr(&output));
    let torn = fs::read(dir.join("echo.jsonl")).expect("the results");
    assert_eq!(torn.len() % 512, 0, "cut off by the limit");
    ok(&dir, &["sweep", "echo.ron", "-qq"]);
    let read = |name| fs::read(dir.join(name)).expect("the results");
    assert!(read("echo.jsonl") == read("whole.jsonl"));
}

#[test]
fn a_run_that_fails_is_told_with_its_command() {
    let dir = folder("fails");
    let never = RIGHT.replace(
        "        programs: [",
        "        expect: [Final(on: \"client\", is: \"LISTEN\")],\n        programs: [",
    );
    fs::write(dir.join("never.ron"), never).expect("a file");
    let output = timewait(&dir, &["sweep", "never.ron"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("run 1: 1 of 1 expectations failed\n  again: timewait run never.ron --set")
    );
    assert!(stdout(&output).contains("2 (2 failed)"), "{}", stdout(&output));
}

#[test]
fn the_sweeps_of_the_gallery_can_be_run() {
    for (name, path) in crate::scenarios::files("scenarios/sweeps") {
        let plan = timewait::sweep::plan::load(&path).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        assert!(plan.runs() > 50 && !plan.about.is_empty(), "{name}");
        let last = plan.run(plan.runs()).expect("a run");
        let scenario = plan.scenario(last.cell).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        let options = timewait::figures::Options { warmup: plan.warmup, flows: false, ..Default::default() };
        let played = timewait::sweep::play::play(&scenario, last.seed, &plan.figures, &options);
        assert_eq!(played.failed, None, "{name}");
        assert_eq!(played.figures.len(), plan.figures.len(), "{name}: {:?}", played.figures);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checked = ok(root, &["check", "scenarios/sweeps"]);
    assert!(checked.contains("controllers.ron"), "{checked}");
    assert!(!ok(root, &["list"]).contains("controllers"), "a sweep is no scenario");
}

#[test]
fn every_picture_is_an_svg() {
    let dir = folder("plots");
    ok(&dir, &["sweep", "echo.ron", "-qq"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let bulk = root.join("congestion_dumbbell.ron").display().to_string();
    let lost = root.join("lost_segment_fast_retransmit.ron").display().to_string();
    let all: [(&[&str], &str); 7] = [
        (&["cwnd", &bulk], "congestion window (segments)"),
        (
            &["cwnd", &bulk, "--flow", "3", "--set", "links.left-right.limit=Packets(20)"],
            "slow start threshold",
        ),
        (&["queue", &bulk, "--link", "left-right"], "delay (ms)"),
        (&["sequence", &lost], "sent again"),
        (&["cdf", &bulk, &lost], "share of transfers"),
        (&["sweep", "echo.jsonl", "--figure", "packets", "--title", "Packets"], "Packets"),
        (&["cwnd", "echo.ron", "--set", "until=1h"], "time (s)"),
    ];
    for (args, says) in all {
        let svg = ok(&dir, &[&["plot"], args].concat());
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{args:?}");
        assert!(svg.contains(says), "{args:?} does not say {says}");
        assert_eq!(ok(&dir, &[&["plot", "--output", "a.svg"], args].concat()), "");
        assert!(fs::read_to_string(dir.join("a.svg")).expect("a picture") == svg, "{args:?}");
    }
    for (args, why) in [
        (&["cwnd", &bulk, "--flow", "6"][..], "there is no connection 6: there are 6, from 0"),
        (&["queue", &bulk, "--link", "left-rigth"], "did you mean `left-right`"),
        (&["queue", &bulk, "--at", "a7"], "no queue begins at `a7`"),
        (&["sequence", &bulk, "--from", "2s", "--to", "1s"], "--to lies before --from"),
        (&["sweep", "echo.jsonl", "--figure", "packet"], "did you mean `packets`"),
        (&["sweep", "echo.jsonl", "--figure", "packets", "--x", "los"], "did you mean `loss`"),
        (&["sweep", "echo.jsonl", "--figure", "packets", "--at", "loss"], "expected AXIS=VALUE"),
        (&["cwnd", "echo.ron", "--set", "links.0.dealy=1s"], "did you mean `delay`"),
        (&["cdf", "none.ron"], "cannot read none.ron"),
        (&["cwnd", &bulk, "--output", "no/such/folder.svg"], "cannot write no/such/folder.svg"),
    ] {
        let output = timewait(&dir, &[&["plot"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(why), "{args:?}: {}", stderr(&output));
    }
}
