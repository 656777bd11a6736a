//! packetdrill scripts: what people are told about wrong ones, and what runs of them come to.

use timewait::packetdrill::{Symbols, parse};

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
