//! `timewait compare` from outside.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn compare(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_timewait"));
    command.arg("compare").args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").output().expect("the command starts")
}

fn told(output: &Output) -> (Option<i32>, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the folder for temporary files takes one");
    path
}

const CAPTURE: &str = "tests/kernel/lost_fin.txt";
const SCENARIO: &str = "tests/kernel/lost_fin.ron";

#[test]
fn equal_is_status_0() {
    let (status, text) = told(&compare(&[CAPTURE, SCENARIO]));
    assert_eq!(status, Some(0), "{text}");
    assert!(text.starts_with("✓ equal · 11 segments, 10 states, 0 errors"), "{text}");
    let (status, text) = told(&compare(&[SCENARIO, SCENARIO]));
    assert_eq!(status, Some(0), "{text}");
    assert_eq!(told(&compare(&[CAPTURE, SCENARIO, "--quiet"])), (Some(0), String::new()));
}

#[test]
fn the_first_difference_is_shown_with_both_sides() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(CAPTURE)).expect("a capture");
    assert!(text.contains(" PA 1 1 5 "), "{text}");
    let changed = file("changed.txt", &text.replace(" PA 1 1 5 ", " PA 1 1 6 "));
    let (status, text) = told(&compare(&[&changed.display().to_string(), SCENARIO]));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.starts_with("✗ first difference: segment c 3 len\n"), "{text}");
    let line = |sign: char| {
        let line = text.lines().find(|line| line.starts_with(sign) && line.ends_with("← len"));
        line.unwrap_or_else(|| panic!("no line of {sign}: {text}")).to_owned()
    };
    assert!(line('-').contains("len 6") && line('+').contains("len 5"), "{text}");
    assert!(text.contains("sent it because: "), "{text}");
    assert!(!text.contains('\x1b'), "no colours into a pipe");

    let (status, text) = told(&compare(&[&changed.display().to_string(), SCENARIO, "--json"]));
    let record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((status, &record["equal"]), (Some(1), &serde_json::json!(false)));
    assert_eq!(record["difference"]["theirs"]["len"], "6", "{record}");
    assert_eq!(record["difference"]["ours"]["len"], "5", "{record}");
}

#[test]
fn times_count_within_the_tolerance() {
    let late = "segments\n0.1 c 40502>5502 S 0 - 0 64240 - mss=1460,sackOK,TS,nop,wscale=10 -\n";
    let at = |time: &str| {
        file("late.txt", &format!("cut 0.111\n{}", late.replace("0.1 ", time))).display().to_string()
    };
    let own = at("0.1040 ");
    assert_eq!(told(&compare(&[&own, SCENARIO])).0, Some(1));
    let (status, text) = told(&compare(&[&own, SCENARIO, "--tolerance", "5ms"]));
    assert!(!text.contains("segment c 1"), "{status:?} {text}");
}

#[test]
fn two_runs_part_where_a_setting_differs() {
    let (status, text) =
        told(&compare(&["scenarios/lost_fin.ron", "--set", "links.client-server.delay=11ms"]));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.starts_with("✗ first difference: segment server 1 time"), "{text}");
}

/// What `run --pcap` wrote is what the run did: packets of the first interface, times from the first SYN.
#[test]
fn a_capture_of_a_run_equals_the_run() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own.pcapng").display().to_string();
    for scenario in [SCENARIO, "scenarios/path_mtu_discovery_ipv6.ron", "tests/kernel/loss_one_sack.ron"] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_timewait"));
        run.args(["run", scenario, "-qq", "--pcap", &path]).current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(run.status().expect("the command starts").success());
        let (status, text) = told(&compare(&[&path, scenario, "--tolerance", "1us"]));
        assert_eq!(status, Some(0), "{text}");
    }
}

/// With `--host`, the capture is that of the host: another than the first has other times, and equals the run as well.
#[test]
fn a_capture_on_a_host_equals_what_the_host_saw() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("host.pcapng").display().to_string();
    let scenario = "scenarios/lost_fin.ron";
    for host in ["client", "server"] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_timewait"));
        run.args(["run", scenario, "-qq", "--host", host, "--pcap", &path]);
        run.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(run.status().expect("the command starts").success());
        let (status, text) = told(&compare(&[&path, scenario, "--host", host, "--tolerance", "1us"]));
        assert_eq!(status, Some(0), "{host}: {text}");
    }
}

/// Windows have context like segments; they count only where they are asked for.
#[test]
fn both_sides_of_a_window() {
    let (capture, scenario) =
        ("tests/kernel/bulk_bbr_bottleneck.txt", "tests/kernel/bulk_bbr_bottleneck.ron");
    let (status, text) = told(&compare(&[capture, scenario]));
    assert_eq!(status, Some(0), "{text}");
    assert_eq!(told(&compare(&[capture, scenario, "--windows", "-q"])).0, Some(1));
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(" SND.UNA ")).collect();
    let first = lines.iter().position(|line| line.starts_with('-')).expect("a difference");
    assert_eq!(first, 4, "four before it: {text}");
    assert!(lines[..first].iter().all(|line| line.starts_with("  ")), "{text}");
    assert!(lines[first + 1].starts_with('+') && lines.len() > first + 8, "{text}");
}

/// Where only theirs has a state, it is told what ours had there then.
#[test]
fn a_state_that_only_theirs_has() {
    let (status, text) =
        told(&compare(&["tests/kernel/tw_client_autoport.txt", "tests/kernel/tw_client_autoport.ron"]));
    assert_eq!(status, Some(1), "{text}");
    for said in
        ["had on c at 0.9002:", "  40796>5796 TIME_WAIT since 0.4", "  EADDRNOTAVAIL for a program at 0.9"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn what_is_no_capture_is_status_2() {
    let garbage = Path::new(env!("CARGO_TARGET_TMPDIR")).join("garbage");
    std::fs::write(&garbage, [0xff, 0xfe, 0, 1]).expect("the folder for temporary files takes one");
    let garbage = garbage.display().to_string();
    for (args, said) in [
        (&["no/such/file", SCENARIO][..], "cannot read no/such/file"),
        (&["tests", SCENARIO], "there is no segs.txt in it"),
        (&["Cargo.toml", SCENARIO], "Cargo.toml:1:1"),
        (&[&garbage, SCENARIO], "neither pcap nor pcapng nor text"),
        (&[CAPTURE], "which SCENARIO"),
        (&[CAPTURE, "no/such.ron"], "cannot read no/such.ron"),
        (&[CAPTURE, SCENARIO, "--set", "hosts.c.adr=1"], "adr"),
        (&[CAPTURE, SCENARIO, "--tolerance", "soon"], "'soon' for '--tolerance"),
    ] {
        let (status, text) = told(&compare(args));
        assert_eq!(status, Some(2), "{args:?}: {text}");
        assert!(text.contains(said), "{args:?}: {text}");
    }
}
