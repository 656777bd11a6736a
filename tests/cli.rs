//! The command from outside: what it writes where, and with which exit status it ends.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Runs the command in the project's folder.
fn timewait(args: &[&str]) -> Output {
    command(args).output().expect("the command starts")
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_timewait"));
    command
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE");
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// A scenario file of this test's own.
fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("the folder for temporary files takes one");
    path
}

/// Two hosts, and one sends five octets to the other; with this expectation.
fn hello(name: &str, expect: &str) -> String {
    let text = format!(
        r#"(
    about: "hello",
    hosts: {{ "client": (addr: "10.0.0.1"), "server": (addr: "10.0.0.2") }},
    links: [(between: ("client", "server"), delay: "10ms")],
    programs: [
        (on: "server", run: EchoServer(port: 7)),
        (on: "client", run: Client(to: "server:7", port: 40000, steps: [Send("hello"), Recv(5), Close])),
    ],
    expect: [{expect}],
)"#
    );
    file(name, &text).display().to_string()
}

#[test]
fn a_run_shows_the_trace_and_sums_up() {
    let output = timewait(&["run", &hello("shows.ron", r#"Final(on: "client", is: "CLOSED")"#)]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
    assert!(text.starts_with("hello\n"), "{text}");
    assert!(text.contains("client: SYN-SENT → ESTABLISHED"), "{text}");
    assert!(text.contains("1 of 1 expectations met"), "{text}");
    assert!(!text.contains('\x1b'), "no colours into a pipe");
    assert_eq!(stderr(&output), "");
}

#[test]
fn a_failed_expectation_is_status_1() {
    let output = timewait(&["run", &hello("fails.ron", r#"Final(on: "client", is: "LISTEN")"#)]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("fails.ron:9:"), "the line that failed: {text}");
    assert!(text.contains("1 of 1 expectations failed"), "{text}");
}

#[test]
fn a_wrong_file_is_status_2() {
    let path = file("wrong.ron", "(hosts: { \"a\": (adr: \"10.0.0.1\") }, links: [])");
    let output = timewait(&["run", &path.display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("did you mean `addr`"), "{}", stderr(&output));

    for args in [&["run", "no/such/file.ron"][..], &["run"], &["fly"], &["check", "no/such/file.ron"]] {
        let output = timewait(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!stderr(&output).is_empty(), "{args:?}");
    }
}

#[test]
fn a_wrong_host_or_time_is_status_2() {
    let path = hello("arguments.ron", "");
    for args in [
        &["--host", "nobody"][..],
        &["--until", "soon"],
        &["--view", "ss", "--at", "1 fortnight"],
        &["--view", "film"],
    ] {
        let output = timewait(&[&["run", path.as_str()], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stdout(&output));
        assert!(!stderr(&output).is_empty(), "{args:?}");
    }
}

#[test]
fn several_files_make_a_table() {
    let good = hello("good.ron", r#"Final(on: "client", is: "CLOSED")"#);
    let bad = hello("bad.ron", r#"Final(on: "client", is: "LISTEN")"#);
    let output = timewait(&["run", &good, &bad]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.lines().any(|line| line.starts_with("✓ good")), "{text}");
    assert!(text.lines().any(|line| line.starts_with("✗ bad")), "{text}");
    assert!(text.contains("2 scenarios"), "{text}");
}

#[test]
fn every_view_writes_something() {
    let path = hello("views.ron", "");
    for view in ["trace", "tcpdump", "states", "ladder", "ss", "netstat", "json", "why"] {
        let output = timewait(&["run", &path, "--view", view, "--color", "never"]);
        assert_eq!(output.status.code(), Some(0), "{view}: {}", stderr(&output));
        assert!(stdout(&output).lines().count() > 3, "{view}: {}", stdout(&output));
    }
}

#[test]
fn sockets_at_a_time() {
    let path = hello("sockets.ron", "");
    let text = stdout(&timewait(&["run", &path, "-v", "ss", "--at", "25ms", "--host", "client"]));
    assert!(text.contains("# client at 0.025000 s"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("ESTAB ")), "{text}");
    assert!(!text.contains("# server"), "{text}");
    let text = stdout(&timewait(&["run", &path, "-v", "netstat", "--at", "1s"]));
    assert!(text.contains("TIME_WAIT"), "{text}");
}

#[test]
fn json_is_one_object_a_line() {
    let text = stdout(&timewait(&["run", &hello("json.ron", ""), "-v", "json"]));
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(value["time"].is_u64() && value["event"].is_string(), "{line}");
    }
}

#[test]
fn colours_on_request() {
    let path = hello("colours.ron", "");
    assert!(stdout(&timewait(&["run", &path, "--color", "always"])).contains("\x1b["));
    assert!(!stdout(&timewait(&["run", &path, "--color", "never"])).contains('\x1b'));
}

#[test]
fn two_runs_write_the_same_bytes() {
    let path = hello("twice.ron", "");
    assert_eq!(timewait(&["run", &path]).stdout, timewait(&["run", &path]).stdout);
    let seeded = |seed| stdout(&timewait(&["run", &path, "-v", "tcpdump", "--seed", seed]));
    assert_ne!(seeded("1"), seeded("2"), "another seed draws other initial sequence numbers");
}

#[test]
fn a_capture_has_an_interface_for_each_link_end() {
    let path = hello("capture.ron", "");
    let capture = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("capture.pcapng");
    let output = timewait(&["run", &path, "-q", "--pcap", &capture.display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let bytes = fs::read(&capture).expect("the capture was written");
    assert_eq!(bytes[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
    for text in ["client@client-server", "server@client-server", "connect: active open"] {
        assert!(bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
}

#[test]
fn quiet_says_less_and_less() {
    let path = hello("quiet.ron", "");
    assert_eq!(stdout(&timewait(&["run", &path, "-q"])).trim().lines().count(), 1);
    assert_eq!(stdout(&timewait(&["run", &path, "-qq"])), "");
}

/// `timewait run … | head -1` ends quietly.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut args = command(&["run", &hello("pipe.ron", ""), "-v", "json"]);
    let mut child = args.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the command ends");
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_gallery_is_listed_under_its_headings() {
    let output = timewait(&["list"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for heading in ["Opening", "Data", "Closing", "Long idle connections", "Servers"] {
        assert!(text.lines().any(|line| line == heading), "{heading} in {text}");
    }
    assert!(!text.contains("Others"), "a scenario is missing in scenarios/contents.txt: {text}");
    assert!(text.contains("lost_final_ack"), "{text}");
}

#[test]
fn check_reads_without_running() {
    let output = timewait(&["check", &hello("check.ron", "")]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("✓"));
}

#[test]
fn help_and_completions() {
    for args in [&["--help"][..], &["run", "--help"], &["help", "run"], &["rfc", "--help"]] {
        let output = timewait(args);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("Examples:"), "{args:?}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(stdout(&timewait(&["completions", shell])).contains("timewait"), "{shell}");
    }
}

#[test]
fn rfc_counts_lists_and_shows() {
    let all = stdout(&timewait(&["rfc"]));
    assert!(all.lines().any(|line| line.starts_with("9293 ") && line.contains("194")), "{all}");
    assert!(all.lines().any(|line| line.starts_with("rto ")), "{all}");
    assert!(all.contains("933 demands: "), "{all}");
    let list = stdout(&timewait(&["rfc", "9293"]));
    assert!(list.lines().any(|line| line.starts_with("✓ 9293/MUST-13 ") && line.contains("2*MSL")), "{list}");
    let area = stdout(&timewait(&["rfc", "timewait", "--only", "met"]));
    assert!(area.lines().filter(|line| line.contains('/')).all(|line| line.starts_with("✓ ")), "{area}");
}

#[test]
fn a_demand_is_shown_by_a_run_or_by_a_command() {
    let run = timewait(&["rfc", "9293/MUST-13"]);
    let text = stdout(&run);
    assert_eq!(run.status.code(), Some(0), "{text}{}", stderr(&run));
    assert!(text.contains("tcp/src/time_wait.rs") && text.contains("TIME-WAIT → CLOSED"), "{text}");
    // Nobody reads through a trace of thousands.
    let long = stdout(&timewait(&["rfc", "8290/4.1-HASH"]));
    assert!(long.contains(" packets: timewait run scenarios/") && !long.contains("→"), "{long}");
    let test = stdout(&timewait(&["rfc", "9293/must-9"]));
    assert!(test.contains("$ cargo test -p timewait-tcp differs_by_tuple_and_secret"), "{test}");
    let quiet = stdout(&timewait(&["rfc", "9293/MUST-13", "--no-run"]));
    assert!(!quiet.contains("→") && quiet.contains("timewait run scenarios/four_way_close.ron"), "{quiet}");
    let reason = stdout(&timewait(&["rfc", "9293/MUST-51"]));
    assert!(reason.contains("excepted: "), "{reason}");
}

/// A file that cannot be read is no line that is missing.
#[test]
fn a_table_of_what_cannot_be_read_is_an_error() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("no_scenario.ron");
    fs::write(&path, "Scenario(hosts: { \"a\": (adr: \"10.0.0.1\") })").expect("a file");
    let output = timewait(&["explore", "--table", &path.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(stderr(&output).contains("did you mean `addr`?"), "{}", stderr(&output));
}

#[test]
fn a_mistyped_demand_gets_the_nearest() {
    for (typed, near) in
        [("9293/MUST-13x", "9293/MUST-13"), ("9239", "9293"), ("9294/MUST-7", "9293/MUST-7"), ("rt0", "rto")]
    {
        let output = timewait(&["rfc", typed]);
        assert_eq!(output.status.code(), Some(2), "{typed}");
        assert!(stderr(&output).contains(&format!("did you mean `{near}`?")), "{typed}: {}", stderr(&output));
    }
}

/// A trace that grows beyond what is kept is cut, and what needs all of it says so.
#[test]
fn a_trace_too_long_to_keep_is_cut() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/lost_final_ack.ron");
    let cut = timewait(&["run", path, "--keep", "10"]);
    let (out, err) = (String::from_utf8_lossy(&cut.stdout), String::from_utf8_lossy(&cut.stderr));
    assert_eq!(cut.status.code(), Some(1), "the expectations cannot be checked");
    assert!(err.contains("note: the trace ends at 0.0"), "{err}");
    assert!(out.contains("the expectations need the whole trace"), "{out}");
    let whole = timewait(&["run", path, "-q"]);
    let hash = |out: &str| out.split("trace ").last().map(|hash| hash.trim().to_owned());
    assert_eq!(hash(&out), hash(&String::from_utf8_lossy(&whole.stdout)), "the run is the same");
}

/// 300 ms are 300 ticks of 1000 Hz or 75 of 250 Hz from 0.1 s on, and so far off that buckets are eight ticks wide: 0.408 s and
/// 0.416 s (Linux `calc_wheel_index`); two milliseconds of phase come off.
#[test]
fn packetdrill_takes_its_timers_from_the_clock_that_is_asked_for() {
    let script = "\
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 8>
+.1 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.01 > P. 1:1001(1000) ack 1
";
    let script = file("clock.pkt", script).display().to_string();
    let clocks: [(&[&str], &str); 3] = [
        (&[], "0.408000"),
        (&["--hz", "250"], "0.416000"),
        (&["--hz", "250", "--hz-phase", "2ms"], "0.414000"),
    ];
    for (clock, at) in clocks {
        let text = stdout(&timewait(&[&["packetdrill"], clock, &[&script]].concat()));
        assert!(text.contains(&format!("seen:     at {at} s")), "{clock:?}: {text}");
    }
    let refused = timewait(&["packetdrill", "--personality", "rfc", "--hz", "250", &script]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
}

#[test]
fn parquet_is_written_or_said_to_be_missing() {
    let to = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("flows.parquet");
    let _ = fs::remove_file(&to);
    let args = ["measure", &hello("parquet.ron", ""), "--format", "parquet", "--of", "flows", "--output"];
    let output = timewait(&[&args[..], &[&to.display().to_string()]].concat());
    if cfg!(feature = "parquet") {
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(fs::read(&to).expect("it is there").starts_with(b"PAR1"));
    } else {
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("--features parquet"), "{}", stderr(&output));
        assert!(!to.exists());
    }
}

/// Runs the command with a text on its standard input, which is a pipe and can be read once.
fn fed(args: &[&str], text: &[u8]) -> Output {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut input = child.stdin.take().expect("a pipe");
    // A command that is content with less closes it.
    let _ = std::io::Write::write_all(&mut input, text);
    drop(input);
    child.wait_with_output().expect("the command ends")
}

#[test]
fn a_scenario_comes_from_the_standard_input() {
    let text = fs::read(hello("input.ron", "")).expect("the file");
    for args in [&["run", "-", "-q"][..], &["check", "-"], &["measure", "-"], &["freeze", "-"]] {
        let output = fed(args, &text);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
    }
    let by_name = fed(&["run", "/dev/stdin", "-q"], &text);
    assert!(stdout(&by_name).contains("nothing expected"), "a pipe with a name: {}", stderr(&by_name));
}

#[test]
fn what_is_no_scenario_is_called_so() {
    for (text, told) in [
        (&b""[..], "-: there is no scenario in this file"),
        (b"// to be done\n", "there is no scenario in this file\n --> -:"),
        (b"\xff\xfe\x00", "cannot read -: it is no text"),
        (b"(hosts: { \"a\": () })\n(hosts: {})", "something follows behind the end\n --> -:2:1"),
    ] {
        let output = fed(&["check", "-"], text);
        assert_eq!(output.status.code(), Some(2), "{text:?}");
        assert!(stderr(&output).contains(told), "{told:?} is not in\n{}", stderr(&output));
    }
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    let output = fed(&["check", "-"], "\u{feff}(hosts: { \"a\": () })\r\n".as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_capture_goes_into_a_pipe_and_nothing_else_does() {
    let path = hello("piped.ron", "");
    let to_file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("piped.pcapng");
    let piped = timewait(&["run", &path, "--pcap", "-"]);
    let named = timewait(&["run", &path, "-q", "--pcap", &to_file.display().to_string()]);
    assert_eq!((piped.status.code(), named.status.code()), (Some(0), Some(0)));
    assert!(piped.stdout == fs::read(&to_file).expect("the capture"), "the same bytes");
}

#[test]
fn what_cannot_be_done_as_asked_is_refused() {
    let path = hello("refused.ron", "");
    for args in [
        &["run", &path, &path, "--view", "ladder"][..],
        &["run", &path, "--view", "trace", "--at", "1s"],
        &["run", &path, "--view", "ss", "--at", "1"],
        &["measure", &path, "--of", "flows"],
        &["measure", &path, "--format", "csv", "--of", "flow-samples"],
        &["explore", "scenarios"],
        &["explore", &path, "--jobs", "0"],
        &["list", "no such folder"],
        &["list", &path],
    ] {
        let output = timewait(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert_eq!(stdout(&output), "", "{args:?}");
        assert!(stderr(&output).starts_with("error: "), "{args:?}: {}", stderr(&output));
    }
}

/// Exploring that ends before all was tried is no success, and tells how far it came.
#[test]
fn exploring_that_was_given_up_is_no_success() {
    let by = |jobs| {
        timewait(&["explore", "scenarios/handshake.ron", "--faults", "2", "--runs", "40", "--jobs", jobs])
    };
    let (one, two) = (by("1"), by("2"));
    assert_eq!((one.status.code(), stderr(&one).as_str()), (Some(3), ""), "{}", stdout(&one));
    assert!(stdout(&one).starts_with("up to 1 fault: ") && !stdout(&one).contains('✓'), "{}", stdout(&one));
    assert!(stdout(&one).contains("not all was tried with up to 2 faults"), "{}", stdout(&one));
    assert_eq!(stdout(&one), stdout(&two));
    let all = timewait(&["explore", "scenarios/handshake.ron", "--faults", "1"]);
    assert!(all.status.success() && stdout(&all).contains('✓'), "{}", stdout(&all));
}

#[test]
fn what_breaks_no_law_is_not_shrunk() {
    let path = hello("unmet.ron", r#"Final(on: "client", is: "ESTABLISHED")"#);
    let output = timewait(&["shrink", &path]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""));
    let told = "breaks no law (expectations are not looked at)";
    assert!(stderr(&output).contains(told), "{}", stderr(&output));
}

#[test]
fn a_full_disk_is_no_panic() {
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else { return };
    for args in [&["completions", "bash"][..], &["schema"], &["list"]] {
        let full = full.try_clone().expect("another handle");
        let output = command(args).stdout(full).stderr(Stdio::piped()).output().expect("the command starts");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn a_minute_is_min() {
    let output = timewait(&["fuzz", "--time", "10m"]);
    assert!(stderr(&output).contains("did you mean `10min`?"), "{}", stderr(&output));
}

/// It went on for ever from 0, or ran nothing.
#[test]
fn seeds_go_on_behind_the_largest() {
    let last = u64::MAX.to_string();
    let args = ["fuzz", "--seed-from", last.as_str(), "--count", "3", "--jobs", "2", "--time", "60s"];
    let output = timewait(&args);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("\n3 scenarios, "), "{}", stdout(&output));
}

/// Pairs of personalities take part in few situations; which were never seen is told all the same.
#[test]
fn a_soak_says_what_it_has_never_seen() {
    for args in [
        &["fuzz", "--seed-from", "1", "--count", "3"][..],
        &["fuzz", "--differential", "--seed-from", "1", "--count", "2"],
    ] {
        let text = stdout(&timewait(args));
        for wanted in [
            "11 states, ",
            " of 30 transitions, ",
            "  causes never seen: ",
            "\nrare situations: ",
            "  rare situations never seen: ",
        ] {
            assert!(text.contains(wanted), "{args:?} {wanted}\n{text}");
        }
    }
}

/// It died of the signal, and what it had done with it.
#[cfg(unix)]
#[test]
fn the_first_ctrl_c_ends_a_soak_with_its_report() {
    use std::io::{BufRead, BufReader, Read};
    let args = ["fuzz", "--seed-from", "1", "--time", "10min", "--jobs", "2"];
    let mut child =
        command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut text = String::new();
    out.read_line(&mut text).expect("UTF-8");
    assert_eq!(text, "seeds from 1\n");
    let kill = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    out.read_to_string(&mut text).expect("UTF-8");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
    assert!(text.contains(" scenarios, ") && text.contains("\nrare situations: "), "{text}");
    assert!(stderr(&output).contains("Ctrl-C once more"), "{}", stderr(&output));
}
