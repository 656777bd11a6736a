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

/// Runs the scripts of this folder, of which there are so many at least.
fn pass_to_the_letter(folder: &str, least: usize, settings: &Settings) {
    let all = scripts(folder);
    assert!(all.len() >= least, "{} are found", all.len());
    for script in all {
        match run(&script, settings).verdict {
            Verdict::Strict => {}
            Verdict::Relaxed(failures) => panic!("{}", failures[0].render(&script, false)),
            Verdict::Failed(failure) | Verdict::Unsupported(failure) => {
                panic!("{}", failure.render(&script, false))
            }
        }
    }
}

#[test]
fn own_scripts_pass_to_the_letter() {
    pass_to_the_letter("", 21, &Settings { no_leftovers: true, ..linux() });
}

/// Scripts about what Linux keeps account of: run as the command runs them.
#[test]
fn own_scripts_of_buffers_pass_to_the_letter() {
    let tcp = sim::sys::Setup::default().tcp;
    pass_to_the_letter("linux", 62, &Settings { tcp, ..linux() });
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

/// What has no mapping makes a script unsupported, wherever it stands: nothing is passed over that could be seen.
#[test]
fn what_has_no_meaning_here_is_never_passed() {
    let call = |call: &str| format!("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 {call}");
    let shell = |line: &str| format!("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 `{line}`");
    let option = |name: &str| format!("--{name}\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
    let calls = [
        "setsockopt(3, SOL_SOCKET, SO_DONTROUTE, [1], 4) = 0",
        "setsockopt(3, SOL_SOCKET, SO_REUSEPORT, [1], 4) = 0",
        "setsockopt(3, SOL_SOCKET, SO_TIMESTAMPNS, [1], 4) = 0",
        "setsockopt(3, SOL_SOCKET, SO_TIMESTAMPING, [SOF_TIMESTAMPING_RX_SOFTWARE], 4) = 0",
        "setsockopt(3, SOL_SOCKET, SO_MAX_PACING_RATE, [1000], 4) = 0",
        "setsockopt(3, SOL_SOCKET, 200, [1], 4) = 0",
        "setsockopt(3, SOL_IP, IP_MTU_DISCOVER, [IP_PMTUDISC_PROBE], 4) = 0",
        "setsockopt(3, SOL_IP, IP_TRANSPARENT, [1], 4) = 0",
        "setsockopt(3, SOL_IP, IP_MINTTL, [5], 4) = 0",
        "setsockopt(3, SOL_TCP, TCP_WINDOW_CLAMP, [5000], 4) = 0",
        "setsockopt(3, SOL_TCP, TCP_SAVE_SYN, [1], 4) = 0",
        "setsockopt(3, SOL_TCP, TCP_LINGER2, [-1], 4) = 0",
        "setsockopt(3, SOL_TCP, TCP_CONGESTION, \"htcp\", 4) = 0",
        "setsockopt(3, SOL_TCP, TCP_FROBNICATE, [1], 4) = 0",
        "getsockopt(3, SOL_TCP, TCP_SAVED_SYN, ..., [4]) = 0",
        "send(3, ..., 10, MSG_RST) = 10",
        "recv(3, ..., 10, MSG_MORE) = 10",
        "sendmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0, msg_control=[{cmsg_level=SOL_SOCKET, \
         cmsg_type=SO_TIMESTAMPING, cmsg_data=2}]}, 0) = 10",
        "fcntl(3, F_SETFL, O_RDWR|O_ASYNC) = 0",
        "fcntl(3, F_SETFL, O_RDWR|O_APPEND) = 0",
        "fcntl(3, 1031, 4096) = 0",
        "ioctl(3, SIOCATMARK, [0]) = 0",
        "open(\"/etc/passwd\", O_RDONLY) = 4",
        "open(\"/dev/zero\", O_RDONLY) = 4",
        "fork() = 0",
        "socket(..., SOCK_DGRAM, IPPROTO_UDP) = 4",
        "socket(AF_UNIX, SOCK_STREAM, 0) = 4",
    ];
    let shells = [
        "sleep 1",
        "iptables -A INPUT -j DROP",
        "sysctl -q net.ipv4.tcp_no_metrics_save=0",
        "sysctl -q net.ipv4.tcp_frobnicate=1",
        "sysctl -q net.core.rmem_max=1000",
        "ip route change 192.0.2.1 via 192.168.0.2 dev tun0 rto_min 5ms",
        "ip link set dev tun0 down",
        "tc qdisc replace dev tun0 root netem delay 10ms",
        "tc qdisc replace dev tun0 root pfifo limit 5 ecn",
        "ethtool -K tun0 rx off",
        "nstat -r",
        "nstat | grep TcpExtTCPFrobnications",
        "ss -n dport = 8080 | grep 8080",
        "dd if=/dev/urandom of=/tmp/x bs=1 count=5",
        "echo 1 > /proc/sys/net/core/somaxconn",
        "echo 1 > /sys/module/tcp_cubic/parameters/hystart_detect",
    ];
    let options =
        ["init_scripts=prepare.sh", "udp_encapsulation", "tcp_md5_secret=abc", "so_filename=stack.so"];
    let texts = calls.iter().map(|text| call(text)).chain(shells.iter().map(|text| shell(text)));
    let texts = texts.chain(options.iter().map(|text| option(text)));
    let said = |text: String| {
        let script = parse::script("unmapped.pkt", &text, &Symbols::new())
            .unwrap_or_else(|problems| panic!("{problems}"));
        match run(&script, &linux()).verdict {
            Verdict::Unsupported(failure) => failure.to_string(),
            other => panic!("{text}: {other:?}"),
        }
    };
    insta::assert_snapshot!(texts.map(said).collect::<Vec<_>>().join("\n"));
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
