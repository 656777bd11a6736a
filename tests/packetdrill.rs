//! packetdrill scripts: what people are told about wrong ones, and what runs of them come to.

use std::fs;
use std::path::{Path, PathBuf};

use timewait::packetdrill::run::{Settings, Verdict, run};
use timewait::packetdrill::{Script, Symbols, parse};

/// What is said about each of these texts.
fn said(texts: &[&str]) -> String {
    let one = |text: &&str| match parse::script("wrong.pkt", text, &Symbols::new()) {
        Ok(_) => panic!("nobody complains about {text:?}"),
        Err(problems) => format!("{problems}\n"),
    };
    texts.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[test]
fn complaints_about_times_and_events() {
    insta::assert_snapshot!(said(&[
        "",
        "0.5 close(3) = 0",
        "0 close(3) = 0\n-1 close(3) = 0",
        "0 close(3) = 0\n* close(3) = 0",
        "0 close(3) = 0\n+.1~+.2 < . 1:1(0) win 5",
        "0 close(3) = 0\n.2~.1 > . 1:1(0)",
        "0 close(3) = 0\n+0 ! 1:1(0)",
        "0 `sysctl -q \"net.ipv4",
        "0 close(3) = 0\n+0 `true`\n`true`\n+0 close(3) = 0",
        "0 close(3) = 0 /* never",
        "--tolerance_usec=5\n0 close(3) = 0",
        "--tolerance_usecs=soon\n0 close(3) = 0",
    ]));
}

#[test]
fn complaints_about_packets() {
    insta::assert_snapshot!(said(&[
        "0 > SX 0:0(0)",
        "0 > S 0:1(0)",
        "0 > S 0:0",
        "0 < S 0:0(0)",
        "0 < S 0:0(0) win 65536",
        "0 > S 0:0(0) <mss 1460,nops>",
        "0 > S 0:0(0) <mss 1460,sackOK>",
        "0 > . 1:1(0) <sack 1:2 3:4 5:6 7:8 9:10>",
        "0 < . 1:1(0) win 5 <...>",
        "0 > . 1:1(0) <TS 1 2>",
        "0 > S 0:0(0) <FO abc,nop>",
        "0 < [ect01] . 1:1(0) win 5",
        "0 > [ecn0] . 1:1(0)",
        "0 < icmp unreachable host_unreachabel",
        "0 < icmp unreach",
    ]));
}

#[test]
fn complaints_about_calls_and_code() {
    insta::assert_snapshot!(said(&[
        "0 close 3",
        "0 close(3)",
        "0 close(3, ) = 0",
        "0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=}, 8) = 0",
        "0 write(3, \"abc, 3) = 3",
        "0 %{ assert tcpi_snd_cwnd = 10 }%",
        "0 %{\nimport os\n}%",
        "0 %{ assert (1 == 1 }%",
        "0 %{ assert 1",
    ]));
}

// --- running ----------------------------------------------------------------------------------------------------------

/// The scripts of a folder, by name.
fn scripts(folder: &str) -> Vec<Script> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packetdrill").join(folder);
    let entries = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "pkt")).collect();
    files.sort();
    let load = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a script can be read");
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        parse::script(&name, &text, &Symbols::new()).unwrap_or_else(|problems| panic!("{problems}"))
    };
    files.iter().map(load).collect()
}

fn linux() -> Settings {
    Settings { tcp: tcp::Config::linux(), seed: 1, no_leftovers: false, tolerance_usecs: None }
}

#[test]
fn own_scripts_pass_to_the_letter() {
    let settings = Settings { no_leftovers: true, ..linux() };
    let all = scripts("");
    assert!(all.len() >= 12, "they are found");
    for script in all {
        match run(&script, &settings).verdict {
            Verdict::Strict => {}
            Verdict::Relaxed(failures) => panic!("{}", failures[0].render(&script, false)),
            Verdict::Failed(failure) | Verdict::Unsupported(failure) => {
                panic!("{}", failure.render(&script, false))
            }
        }
    }
}

/// Scripts about what Linux keeps account of: run as the command runs them.
#[test]
fn own_scripts_of_buffers_pass_to_the_letter() {
    let tcp = sim::sys::Setup::default().tcp;
    let settings = Settings { tcp, ..linux() };
    let all = scripts("linux");
    assert!(all.len() >= 3, "they are found");
    for script in all {
        match run(&script, &settings).verdict {
            Verdict::Strict => {}
            Verdict::Relaxed(failures) => panic!("{}", failures[0].render(&script, false)),
            Verdict::Failed(failure) | Verdict::Unsupported(failure) => {
                panic!("{}", failure.render(&script, false))
            }
        }
    }
}

/// Each wrong script gets its complaint: what was expected, what was seen, what came before, and why.
#[test]
fn wrong_scripts_are_refused_with_the_reason() {
    let verdict = |script: &Script| match run(script, &linux()).verdict {
        Verdict::Strict => panic!("{} passes", script.path),
        Verdict::Relaxed(failures) => format!("relaxed\n{}", failures[0].render(script, false)),
        Verdict::Failed(failure) => format!("failed\n{}", failure.render(script, false)),
        Verdict::Unsupported(failure) => format!("unsupported\n{}", failure.render(script, false)),
    };
    let all: Vec<String> = scripts("wrong").iter().map(verdict).collect();
    insta::assert_snapshot!(all.join("\n\n"));
}

/// The window stays shut for three days, and is probed every two minutes: persist.pkt, written on.
#[test]
fn a_shut_window_is_probed_for_days() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packetdrill/persist.pkt");
    let text = fs::read_to_string(path).expect("the script is there");
    let probe = " +120 > . 2000:2000(0) ack 1\n   +0 < . 1:1(0) ack 2001 win 0\n";
    let last = text.rfind(probe).expect("it probes every two minutes at last");
    let days = probe.repeat(3 * 24 * 30);
    let text = format!("{}{days}{}", &text[..last], &text[last..]);
    let script = parse::script("days.pkt", &text, &Symbols::new()).unwrap_or_else(|wrong| panic!("{wrong}"));
    let outcome = run(&script, &Settings { no_leftovers: true, ..linux() });
    assert!(matches!(outcome.verdict, Verdict::Strict), "{:?}", outcome.verdict);
    assert!(outcome.end.as_nanos() > 3 * 86_400 * 1_000_000_000, "days have passed");
}

#[test]
fn a_packet_behind_the_last_line_is_noticed_if_asked_for() {
    let text = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
        +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
        +0 > S 0:0(0) <...>
        +0 < S. 0:0(0) ack 1 win 65535 <mss 1460>";
    let script =
        parse::script("extra.pkt", text, &Symbols::new()).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(matches!(run(&script, &linux()).verdict, Verdict::Strict), "the original cannot see it");
    let Verdict::Failed(failure) = run(&script, &Settings { no_leftovers: true, ..linux() }).verdict else {
        panic!("it is seen");
    };
    insta::assert_snapshot!(failure.render(&script, false));
}

/// The same script and seed come out the same, packet for packet; another seed has other numbers on the wire, and the
/// same verdict.
#[test]
fn a_script_is_a_function_of_its_text_and_the_seed() {
    for script in scripts("") {
        let (a, b) = (run(&script, &linux()), run(&script, &linux()));
        assert_eq!(format!("{:?}", a.packets), format!("{:?}", b.packets), "{}", script.path);
        let other = run(&script, &Settings { seed: 7, ..linux() });
        let kinds = (std::mem::discriminant(&a.verdict), std::mem::discriminant(&other.verdict));
        assert_eq!(kinds.0, kinds.1, "{}", script.path);
    }
}
