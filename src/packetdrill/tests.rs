//! Scripts as they are read: times, flags, options, calls, shell steps, code blocks.

use tcp::Flags;

use super::ast::{Action, Body, ExprKind, Script, Segment, TcpOption, When};
use super::code::{Values, Wrong};
use super::lex::Symbols;
use super::shell::{self, Step};
use super::{code, parse};

fn read(text: &str) -> Script {
    match parse::script("a.pkt", text, &Symbols::new()) {
        Ok(script) => script,
        Err(problems) => panic!("{problems}"),
    }
}

fn segment(line: &str) -> Segment {
    let script = read(&format!("0 {line}"));
    match script.events.into_iter().next().map(|event| event.action) {
        Some(Action::In(packet) | Action::Out(packet)) => match packet.body {
            Body::Tcp(segment) => segment,
            other => panic!("{line}: {other:?}"),
        },
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn times() {
    let script = read(
        "0 close(3) = 0  +.1 close(3) = 0  1.000001 close(3) = 0  +0...0.25 close(3) = 0
         * > . 1:1(0)  +.1~+.2 > . 1:1(0)  0.1~0.29 > . 1:1(0)",
    );
    let times: Vec<When> = script.events.iter().map(|event| event.time).collect();
    let expected = [
        When::At(0),
        When::After(100_000),
        When::At(1_000_001),
        When::After(0),
        When::Any,
        When::AfterRange(100_000, 200_000),
        When::AtRange(100_000, 290_000),
    ];
    assert_eq!(times, expected);
    let ends: Vec<Option<u64>> = script
        .events
        .iter()
        .filter_map(|event| match &event.action {
            Action::Call(call) => Some(call.end),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [None, None, None, Some(250_000)]);
}

#[test]
fn control_bits() {
    let of = |flags: &str| {
        let segment = segment(&format!("> {flags} 1:1(0)"));
        (segment.flags, segment.ace)
    };
    assert_eq!(of("-"), (Flags::NONE, None));
    assert_eq!(of("."), (Flags::ACK, None));
    assert_eq!(of("SEWA"), (Flags::SYN | Flags::ECE | Flags::CWR | Flags::AE, None));
    assert_eq!(of("SE."), (Flags::SYN | Flags::ECE | Flags::ACK, None));
    assert_eq!(of("P.6"), (Flags::PSH | Flags::ACK | Flags::AE | Flags::CWR, Some(6)));
    assert_eq!(of(".0"), (Flags::ACK, Some(0)));
    assert_eq!(of("F5."), (Flags::FIN | Flags::ACK | Flags::AE | Flags::ECE, Some(5)));
    assert_eq!(of("F  ."), (Flags::FIN | Flags::ACK, None));
}

#[test]
fn options_keep_their_order_and_their_zeros() {
    let options = |list: &str| segment(&format!("> S 0:0(0) <{list}>")).options;
    assert_eq!(options("..."), None);
    assert_eq!(
        options("mss 1460,nop,nop,TS val 1 ecr 2"),
        Some(vec![TcpOption::Mss(1460), TcpOption::Nop, TcpOption::Nop, TcpOption::Ts { val: 1, ecr: 2 }])
    );
    assert_eq!(
        options("nop,nop,sack 1:2 5:6"),
        Some(vec![TcpOption::Nop, TcpOption::Nop, TcpOption::Sack(vec![(1, 2), (5, 6)])])
    );
    let cookie = |bytes: &[u8]| TcpOption::FastOpen { cookie: bytes.to_vec(), experimental: false };
    assert_eq!(
        options("FO 00000001,nop,nop"),
        Some(vec![cookie(&[0, 0, 0, 1]), TcpOption::Nop, TcpOption::Nop])
    );
    assert_eq!(
        options("FO 0302040506070809,nop,nop").map(|list| list[0].clone()),
        Some(cookie(&[3, 2, 4, 5, 6, 7, 8, 9]))
    );
    let counters = TcpOption::AccEcn { order1: true, fields: vec![1, 2] };
    assert_eq!(options("ECN e1b 1 ceb 2"), Some(vec![counters]));
}

#[test]
fn what_is_not_said_is_not_compared() {
    let bare = segment("> . 1:1(0)");
    assert_eq!((bare.ack, bare.win, bare.urg, bare.options), (None, None, None, Some(Vec::new())));
    let any = segment("> . ...(5) ack 3 win 7");
    assert_eq!((any.seq, any.len, any.ack, any.win), (None, 5, Some(3), Some(7)));
}

/// A line of each form that the public suites use.
#[test]
fn each_form_of_the_language_is_read() {
    let packets = [
        "< S 0:0(0) win 65535 <mss 1460,sackOK,TS val 7 ecr 0,nop,wscale 14>",
        "> S. 0:0(0) ack 1 <...>",
        "< . 1:1(0) ack 1 win 0 urg 5",
        "> U. 1:11(10) ack 1 urg 10",
        "> P. 1:10001(10000) ack 1 win 257",
        "< - 1:1(0) win 10",
        "> R 1:1(0)",
        "> F5. 1:1(0) ack 1",
        "< [ect0] . 1:1(0) ack 1 win 5",
        "< [ce] . 1:1(0) ack 1 win 5",
        "> [noecn] . 1:1(0) ack 1",
        "> [ect01] . 1:1(0) ack 1",
        "< [tos 0x20, ttl 1] . 1:1(0) ack 1 win 5",
        "> (ttl 64) . 1:1(0) ack 1",
        "> [flowlabel 0x12] . 1:1(0) ack 1",
        "< 8080 > 1234 . 1:1(0) ack 1 win 5",
        "> R. 0:0(0)! ack 1 win 0",
        "> S 0:100(100) <mss 1460,nop,nop,sackOK,nop,wscale 8,FO 0a0b0c0d,nop,nop>",
        "> S 0:0(0) <FOEXP>",
        "< S. 0:0(0) ack 1 win 5 <FOEXP abcd1234>",
        "> S 0:0(0) <mss 1460,sackOK,eol,eol>",
        "> . 1:1(0) ack 1 <ECN e0b 1 ceb 0 e1b 1,nop>",
        "< . 1:1(0) ack 1 win 5 <md5 000102030405060708090a0b0c0d0e0f,nop,nop>",
        "< . 1:1(0) ack 1 win 5 <nop,nop,sack 2:3 4:5 6:7 8:9>",
        "< icmp unreachable host_unreachable",
        "< icmp unreachable port_unreachable [0:0(0)]",
        "< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]",
        "< icmp packet_too_big mtu 1280 [1:1221(1220)]",
        "< udp (100)",
        "> udp (0)",
    ];
    for line in packets {
        let script = read(&format!("0 {line}"));
        assert_eq!(matches!(script.events[0].action, Action::In(_)), line.starts_with('<'), "{line}");
    }
    let calls = [
        "socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3",
        "accept(3, ..., ...) = 4",
        "connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)",
        "fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)",
        "setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0",
        "setsockopt(3, SOL_TCP, TCP_CONGESTION, \"re\" \"no\", 4) = 0",
        "getsockopt(3, SOL_TCP, TCP_MAXSEG, [1460], [4]) = 0",
        "write(3, NULL, 10) = -1 EFAULT (Bad address)",
        "sendto(3, ..., 10, MSG_FASTOPEN, ..., ...) = 10",
        "connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"192.0.2.1\")}, ...) = 0",
        "writev(3, [{..., 5}, {..., 6}], 2) = 11",
        "poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1",
        "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLET, fd=4}) = 0",
        "epoll_wait(5, {events=0, ptr=0}, 1, 0) = 0",
        "ioctl(4, SIOCINQ, [100]) = 0",
        "pipe([5, 6]) = 0",
        "splice(4, NULL, 6, NULL, 10, 0) = 10",
        "sendfile(4, 5, [0], 10) = 10",
    ];
    for line in calls {
        let script = read(&format!("0 {line} // why\n+0 /* so */ {line}\n+.1...0.2 {line}"));
        assert_eq!(script.events.len(), 3, "{line}");
        assert!(script.events.iter().all(|event| matches!(event.action, Action::Call(_))), "{line}");
    }
    let whole = read("--mss=1000\n`true`\n0 `nstat -n`\n+0 %{ assert tcpi_state == 1, tcpi_state }%\n`true`");
    assert!(whole.init.is_some() && whole.cleanup.is_some() && whole.options.mss == Some(1000));
    assert!(matches!(whole.events[1].action, Action::Code(_)));
}

#[test]
fn symbols_stand_for_numbers_texts_and_words() {
    let symbols: Symbols =
        [("N", "0x10"), ("WHAT", "SO_ERROR"), ("NAME", "\"reno\"")].map(|(a, b)| (a.into(), b.into())).into();
    let text = "--define=LATE=12\n0 f(N, WHAT, NAME, LATE) = 0";
    let script = parse::script("a.pkt", text, &symbols).unwrap_or_else(|problems| panic!("{problems}"));
    let Action::Call(call) = &script.events[0].action else { panic!("a call") };
    let args: Vec<String> = call.args.iter().map(ToString::to_string).collect();
    assert_eq!(args, ["16", "SO_ERROR", "\"reno\"", "12"]);
}

#[test]
fn structures() {
    let script = read(
        "0 recvmsg(3, {msg_name(...)=..., msg_iov(2)=[{...,0}, {..., 5}], msg_flags=MSG_ERRQUEUE|MSG_TRUNC,
            msg_control=[{cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, cmsg_data={ee_errno=ENOMSG}}]}, 0) = 0 // x",
    );
    let Action::Call(call) = &script.events[0].action else { panic!("a call") };
    let message = &call.args[1];
    assert_eq!(
        message.field("msg_flags").map(ToString::to_string).as_deref(),
        Some("MSG_ERRQUEUE|MSG_TRUNC")
    );
    let control = message.field("msg_control").map(|control| &control.kind);
    let Some(ExprKind::List(control)) = control else { panic!("{control:?}") };
    let errno = control[0].field("cmsg_data").and_then(|data| data.field("ee_errno"));
    assert_eq!(errno.map(ToString::to_string).as_deref(), Some("ENOMSG"));
}

#[test]
fn conditions() {
    let text = "0 a() = 0\n#ifdef HERE\n+0 b() = 0\n#endif\n+0 c() = 0";
    let calls = |symbols: &Symbols| parse::script("a.pkt", text, symbols).map(|script| script.events.len());
    assert_eq!(calls(&Symbols::new()), Ok(2));
    assert_eq!(calls(&[("HERE".into(), "1".into())].into()), Ok(3));
}

fn steps(line: &str) -> Vec<Step> {
    let program = shell::parse(line).unwrap_or_else(|complaint| panic!("{complaint:?}"));
    program.pipelines.into_iter().map(|(_, step)| step).collect()
}

#[test]
fn shell_steps() {
    let sysctl = |name: &str, value: &str| Step::Sysctl { name: name.into(), value: value.into() };
    assert_eq!(
        steps(
            "../../common/defaults.sh\n ../set_sysctls.py /proc/sys/net/ipv4/tcp_wmem=\"4096 50000 4194304\" \\\n /proc/sys/net/ipv4/tcp_ecn=1"
        ),
        [
            Step::Defaults { path: "../../common/defaults.sh".into() },
            sysctl("tcp_wmem", "4096 50000 4194304"),
            sysctl("tcp_ecn", "1")
        ]
    );
    assert_eq!(
        steps("sysctl -e -q net/ipv4/tcp_rmem=\"4096 131072 $((32*1024*1024))\" net.ipv4.tcp_ecn=3 # why"),
        [sysctl("tcp_rmem", "4096 131072 33554432"), sysctl("tcp_ecn", "3")]
    );
    let nstat = |update, name: &str, by| Step::Nstat { update, wanted: Some((name.into(), by)) };
    assert_eq!(steps("nstat -n"), [Step::Nstat { update: true, wanted: None }]);
    assert_eq!(
        steps("nstat -s | grep TcpExtBeyondWindow | grep -q \" 4 \""),
        [nstat(false, "TcpExtBeyondWindow", Some(4))]
    );
    assert_eq!(steps("nstat | grep TcpExtX > /dev/null"), [nstat(true, "TcpExtX", None)]);
    assert_eq!(
        steps("tc qdisc delete dev tun0 root 2>/dev/null ; tc qdisc add dev tun0 root pfifo limit 0"),
        [Step::QdiscFifo { limit: None }, Step::QdiscFifo { limit: Some(0) }]
    );
    assert_eq!(
        steps("ip route change 192.0.2.1 via 192.168.0.2 dev tun0 advmss 600 mtu lock 640 initcwnd 11"),
        [Step::Route { advmss: Some(600), mtu: Some(640), mtu_locked: true, initcwnd: Some(11) }]
    );
    let off = |name: &str| Step::SegmentationOffload { name: name.into(), on: false };
    assert_eq!(steps("ethtool -K tun0 tso off gso off"), [off("tso"), off("gso")]);
    assert_eq!(
        steps("grep \" 0A \" /proc/net/tcp /proc/net/tcp6 | grep \":1F90\""),
        [Step::ProcNetTcp { state: 10, port: 8080 }]
    );
    assert_eq!(
        steps("sockstat -4 -P tcp -s | grep packetdril | grep -c TIME_WAIT | grep 1"),
        [Step::Sockstat { state: "TIME_WAIT".into(), count: 1 }]
    );
    assert_eq!(steps("echo 3 > /sys/module/tcp_cubic/parameters/hystart_detect"), [Step::HystartDetect(3)]);
    assert_eq!(steps("/tmp/sysctl_restore_${PPID}.sh"), [Step::Nothing]);
    assert_eq!(steps("frobnicate | grep x"), [Step::Unknown("frobnicate | grep x".into())]);
}

fn run(text: &str, variables: &mut Values) -> Result<usize, Wrong> {
    let block = code::parse(text, 0).unwrap_or_else(|problem| panic!("{problem:?}"));
    let fields: Values = [("tcpi_snd_cwnd", 10), ("tcpi_options", 7)].map(|(a, b)| (a.into(), b)).into();
    let mut passed = 0;
    block.run(&fields, variables, &mut passed)?;
    Ok(passed)
}

#[test]
fn assertions() {
    let mut variables = Values::new();
    let mut holds = |text: &str| run(text, &mut variables);
    assert_eq!(holds("assert tcpi_snd_cwnd == 10; assert 9 <= tcpi_snd_cwnd < 11, 'so', tcpi_x"), Ok(2));
    assert_eq!(
        holds("\n# why\ncwnd = 4 \\\n + 5\nprint(tcpi_snd_cwnd); cwnd += 1\nassert tcpi_snd_cwnd == cwnd\n"),
        Ok(1)
    );
    assert_eq!(holds("assert (tcpi_options & TCPI_OPT_SYN_DATA) == 0, \"a; b\""), Ok(1));
    assert_eq!(holds("assert cwnd == 10 and not tcpi_options != 0x7 and (1 or 0)"), Ok(1));
    assert_eq!(holds("assert tcpi_snd_cwnd >= 2*4 and tcpi_snd_cwnd <= 3*4"), Ok(1));
    let failed = holds("assert tcpi_snd_cwnd == cwnd + 1");
    assert_eq!(failed, Err(Wrong::Failed(0..32, vec![("tcpi_snd_cwnd".into(), 10), ("cwnd".into(), 10)])));
    assert_eq!(holds("assert tcpi_nothing == 0"), Err(Wrong::Unknown("tcpi_nothing".into(), 7..19)));
    assert_eq!(holds("x = 1 // 0"), Err(Wrong::Arithmetic(0..10)));
}
