//! The rows that a Linux kernel's `ss` and `netstat` were seen to print, from the same facts.

use std::net::SocketAddr;
use std::sync::Arc;

use sim::view::{Owner, Proto, SocketInfo};
use tcp::{Duration, Info, State, Time, TimerKind};

use super::{netstat, ss};

const NOW: Time = Time::from_nanos(350_000_000);

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn row(state: State, local: &str, remote: Option<&str>) -> SocketInfo {
    let owner = Owner { name: Arc::from("python3"), pid: 3212, fd: 3 };
    SocketInfo {
        proto: Proto::Tcp,
        state,
        recv_q: 0,
        send_q: 0,
        local: address(local),
        remote: remote.map(address),
        timer: None,
        owner: Some(owner),
        tcp: None,
    }
}

fn in_ms(kind: TimerKind, millis: u64, retries: u32) -> Option<(TimerKind, Time, u32)> {
    Some((kind, NOW + Duration::from_millis(millis), retries))
}

fn info() -> Info {
    Info {
        state: State::Established,
        recv_q: 0,
        send_q: 0,
        timer: None,
        retries: 0,
        mss: 1448,
        advmss: 1448,
        pmtu: 1500,
        wscale: Some((10, 7)),
        timestamps: true,
        sack: true,
        ecn: false,
        accecn: None,
        syn_data: false,
        fast_open_fail: tcp::fast_open::ClientFail::Nothing,
        srtt: Duration::from_micros(20_397),
        rttvar: Duration::from_micros(10_200),
        min_rtt: Duration::from_micros(20_397),
        rto: Duration::from_millis(224),
        ato: Duration::from_millis(40),
        cwnd: 10,
        ssthresh: Some(7),
        snd_wnd: 65_160,
        rcv_wnd: 64_512,
        unacked: 1,
        lost: 0,
        sacked: 0,
        retransmitted: 2,
        bytes_acked: 1,
        bytes_received: 5,
        segs_out: 3,
        segs_in: 2,
        snd_una: 1,
        snd_nxt: 6,
        rcv_nxt: 6,
        congestion: "cubic",
        ..Info::empty(State::Established)
    }
}

fn rows() -> Vec<SocketInfo> {
    let (client, server) = ("10.0.0.1:40570", "10.0.0.2:5570");
    let to = |state| row(state, client, Some(server));
    vec![
        SocketInfo { recv_q: 2, send_q: 1, ..row(State::Listen, "0.0.0.0:5570", None) },
        SocketInfo { send_q: 1, timer: in_ms(TimerKind::Retransmit, 950, 1), ..to(State::SynSent) },
        SocketInfo { timer: in_ms(TimerKind::Retransmit, 3_550, 2), owner: None, ..to(State::SynReceived) },
        SocketInfo {
            timer: in_ms(TimerKind::Keepalive, 7_140_000, 0),
            tcp: Some(Box::new(info())),
            ..to(State::Established)
        },
        SocketInfo { send_q: 100, timer: in_ms(TimerKind::Persist, 192, 3), ..to(State::Established) },
        SocketInfo { timer: in_ms(TimerKind::DelayedAck, 40, 0), ..to(State::Established) },
        SocketInfo { timer: in_ms(TimerKind::Retransmit, 0, 0), ..to(State::FinWait1) },
        SocketInfo { timer: in_ms(TimerKind::TimeWait, 59_980, 0), owner: None, ..to(State::FinWait2) },
        to(State::CloseWait),
        to(State::Closing),
        to(State::LastAck),
        SocketInfo { timer: in_ms(TimerKind::TimeWait, 59_980, 0), owner: None, ..to(State::TimeWait) },
        row(State::Established, "[2001:db8::1]:40570", Some("[2001:db8::2]:80")),
    ]
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("views write UTF-8")
}

#[test]
fn ss_of_every_state() {
    insta::assert_snapshot!(text(|out| ss::write(&rows(), NOW, out)));
}

#[test]
fn netstat_of_every_state() {
    insta::assert_snapshot!(text(|out| netstat::write(&rows(), NOW, out)));
}

/// Lines of a kernel's netstat, from captures on Linux 6.18.
#[test]
fn netstat_prints_what_the_kernel_printed() {
    let seen = [
        "tcp        2      0 0.0.0.0:5570            0.0.0.0:*               LISTEN      3212/python3         off (0.00/0/0)",
        "tcp        0      1 10.0.0.1:40570          10.0.0.2:5570           SYN_SENT    3212/python3         on (0.95/1/0)",
        "tcp        0      0 10.0.0.1:40570          10.0.0.2:5570           SYN_RECV    -                    on (3.55/2/0)",
        "tcp        0      0 10.0.0.1:40570          10.0.0.2:5570           TIME_WAIT   -                    timewait (59.98/0/0)",
    ];
    let ours = text(|out| netstat::write(&rows(), NOW, out));
    for line in seen {
        assert!(ours.lines().any(|ours| ours == line), "not printed: {line}\nin\n{ours}");
    }
}

/// `print_ms_timer` of `ss`, by values seen or read off its source.
#[test]
fn countdowns_are_those_of_ss() {
    let seen =
        [(0, ""), (912, "912ms"), (12, "012ms"), (1_984, "1.984ms"), (2_000, "2sec"), (57_900, "57sec")];
    for (millis, text) in seen.into_iter().chain([(74_300, "1min14sec"), (7_200_000, "120min")]) {
        assert_eq!(ss::countdown(Duration::from_millis(millis)), text);
    }
}
