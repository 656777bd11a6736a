use super::*;
use tcp::tcb::SocketOption;

const SERVER: &str = "10.0.0.2:80";

fn connect() -> Step {
    Step::Connect(addr(SERVER))
}

/// A client's whole life: open, `hello`, the answer, close.
fn hello() -> Vec<Step> {
    vec![connect(), Step::Send(text("hello")), Step::RecvSome(100), Step::Close]
}

#[test]
fn an_echo_server_and_its_client() {
    let server = program("server", 0, Run::Serve(serve(80, vec![Step::Echo])));
    let mut net = Net::new(vec![program("client", 100, script(hello()))], vec![server]);
    net.run(ms(10_000));
    assert_eq!(
        net.calls("client"),
        ["connect(10.0.0.2:80) = 0", "send(\"hello\") = 5", "recv(100) = 5 \"hello\"", "close() = 0"]
    );
    assert_eq!(net.calls("server[1]"), ["echo until EOF = 5, EOF"]);
    use State::*;
    assert_eq!(net.states(0), [SynSent, Established, FinWait1, FinWait2, TimeWait]);
    net.run(ms(70_000));
    assert_eq!(net.hosts[0].sockets(net.now).len(), 0);
    assert_eq!(net.hosts[1].sockets(net.now).len(), 1);
    let counters = net.hosts[0].counters();
    assert_eq!((counters.tcp_active_opens, counters.tw), (1, 1));
    assert_eq!(net.hosts[1].counters().tcp_passive_opens, 1);
}

/// Captures: conn_refused. RFC 9293, section 3.10.7.1.
#[test]
fn a_port_where_nobody_listens_refuses() {
    let mut net = Net::new(vec![program("client", 100, script(vec![connect()]))], vec![]);
    net.run(ms(1000));
    assert_eq!(net.calls("client"), ["connect(10.0.0.2:80) = ECONNREFUSED"]);
    assert_eq!(net.flags(), ["a S", "b R."]);
    let (syn, rst) = (net.sent[0].2.tcp().unwrap(), net.sent[1].2.tcp().unwrap());
    assert_eq!((rst.seq.0, rst.ack, rst.wnd), (0, syn.seq.add(1), 0));
    assert_eq!(net.hosts[0].counters().tcp_attempt_fails, 1);
    assert_eq!(net.hosts[1].counters().tcp_out_rsts, 1);
}

#[test]
fn a_half_closed_connection_carries_data_the_other_way() {
    let handler = vec![Step::RecvToEof, Step::Send(text("late")), Step::Close];
    let server = program("server", 0, Run::Serve(serve(80, handler)));
    let client = vec![connect(), Step::Send(text("x")), Step::ShutdownWrite, Step::RecvToEof];
    let mut net = Net::new(vec![program("client", 0, script(client))], vec![server]);
    net.run(ms(5000));
    assert_eq!(net.calls("client").last().unwrap(), "recv until EOF = 4 \"late\", EOF");
    assert_eq!(net.calls("server[1]")[0], "recv until EOF = 1 \"x\", EOF");
}

/// A server that looks at its queue now and then finds there what came since.
#[test]
fn accepting_now_and_then() {
    let mut server = serve(80, vec![Step::WaitEnd]);
    server.accept_every = Some(Duration::from_millis(300));
    let clients = Run::Clients {
        count: 5,
        every: Duration::from_millis(100),
        at_once: 0,
        script: Arc::from(vec![connect(), Step::WaitEnd]),
    };
    let mut net =
        Net::new(vec![program("client", 10, clients)], vec![program("server", 0, Run::Serve(server))]);
    // The clients come at 10, 110, 210, 310 and 410 ms; the looks are at 300 and 600.
    let accepted = |net: &Net| net.calls("server").iter().filter(|call| call.starts_with("accept")).count();
    for (until, expected) in [(299, 0), (301, 3), (599, 3), (601, 5)] {
        net.run(ms(until));
        assert_eq!(accepted(&net), expected, "at {until} ms");
    }
}

/// Captures: backlog_full. listen(1) holds two; further SYNs are dropped without an answer.
#[test]
fn a_full_accept_queue_drops_further_syns() {
    let mut server = serve(80, vec![Step::WaitEnd]);
    server.backlog = 1;
    server.accept_after = None;
    let clients = Run::Clients {
        count: 5,
        every: Duration::from_millis(100),
        at_once: 0,
        script: Arc::from(vec![connect(), Step::WaitEnd]),
    };
    let mut net = Net::new(vec![program("c", 100, clients)], vec![program("server", 0, Run::Serve(server))]);
    net.run(ms(900));
    let done = (1..=5).filter(|n| !net.calls(&format!("c[{n}]")).is_empty()).count();
    assert_eq!(done, 2);
    let row = &net.hosts[1].sockets(net.now)[0];
    assert_eq!((row.state, row.recv_q, row.send_q), (State::Listen, 2, 1));
    assert_eq!(net.hosts[1].counters().listen_overflows, 3);
}

#[test]
fn ports_run_out_when_time_wait_holds_them_all() {
    let server = program("server", 0, Run::Serve(serve(80, vec![Step::RecvToEof])));
    let clients = Run::Clients {
        count: 5,
        every: Duration::from_secs(1),
        at_once: 0,
        script: Arc::from(vec![connect(), Step::Close]),
    };
    let mut net = Net::with(Config::linux(), (40_000, 40_002), vec![program("c", 0, clients)], vec![server]);
    net.run(ms(10_000));
    assert_eq!(net.calls("c[3]")[0], "connect(10.0.0.2:80) = 0");
    assert_eq!(net.calls("c[4]"), ["connect(10.0.0.2:80) = EADDRNOTAVAIL"]);
    let mut used: Vec<u16> = net.hosts[0].sockets(net.now).iter().map(|row| row.local.port()).collect();
    used.sort_unstable();
    assert_eq!(used, [40_000, 40_001, 40_002]);
}

/// That there was none is forgotten when one is given back, here by the first TIME-WAIT that is over, and holds for no other
/// destination; with `tw_reuse` a second is enough.
#[test]
fn a_port_that_is_given_back_is_found() {
    let to = |port: u16| {
        let once = vec![Step::Connect(addr(&format!("10.0.0.2:{port}"))), Step::Close];
        Step::Try(Arc::from(once))
    };
    let outcomes = |tw_reuse| {
        let config = Config { tw_reuse, ..Config::linux() };
        let steps = vec![to(80), sleep(100), to(80), to(81), sleep(2000), to(80), sleep(62_000), to(80)];
        let server = |port| program("server", 0, Run::Serve(serve(port, vec![Step::RecvToEof])));
        let client = vec![program("c", 0, script(steps))];
        let mut net = Net::with(config, (40_000, 40_000), client, vec![server(80), server(81)]);
        net.run(ms(80_000));
        let calls = net.calls("c").into_iter().filter(|call| call.starts_with("connect"));
        calls.map(|call| call.ends_with("= 0")).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(0), [true, false, true, false, true]);
    assert_eq!(outcomes(1), [true, false, true, true, true]);
}

/// Captures: tw_client_reconnect_ts, tw_client_reconnect_nots, tw_client_autoport.
#[test]
fn a_bound_port_may_be_used_again_while_in_time_wait_if_timestamps_tell() {
    let twice = |bind: bool| {
        let mut once = vec![connect(), Step::Close, sleep(1000)];
        if bind {
            once.insert(0, Step::Bind { port: 5000, address: None });
        }
        script(vec![Step::Repeat(2, Arc::from(once))])
    };
    let server = || program("server", 0, Run::Serve(serve(80, vec![Step::RecvToEof])));
    let last = |config: Config, bind: bool| {
        let client = vec![program("c", 0, twice(bind))];
        let mut net = Net::with(config, (40_000, 40_000), client, vec![server()]);
        net.run(ms(5000));
        net.calls("c").into_iter().rfind(|call| call.starts_with("connect")).unwrap()
    };
    let without = Config { timestamps: false, ..Config::linux() };
    assert_eq!(last(Config::linux(), true), "connect(10.0.0.2:80) = 0");
    assert_eq!(last(without, true), "connect(10.0.0.2:80) = EADDRNOTAVAIL");
    assert_eq!(last(Config::linux(), false), "connect(10.0.0.2:80) = EADDRNOTAVAIL");
    let reusing = Config { tw_reuse: 1, ..Config::linux() };
    assert_eq!(last(reusing, false), "connect(10.0.0.2:80) = EADDRNOTAVAIL", "not within the first second");
}

/// A process that ends closes its sockets: FIN, or RST where data was not read (RFC 9293, section 3.6.1).
#[test]
fn a_killed_program_closes_its_sockets() {
    let server = program("server", 0, Run::Serve(serve(80, vec![Step::Recv(3), sleep(60_000)])));
    let client = |data: &str| script(vec![connect(), Step::Send(text(data)), Step::WaitEnd]);
    for (data, end) in [("abc", "EOF"), ("abcd", "ECONNRESET")] {
        let mut net = Net::new(vec![program("c", 0, client(data))], vec![server.clone()]);
        net.run(ms(500));
        net.visit(1, |host, now, out| host.kill(now, "server", out));
        net.run(ms(1000));
        assert_eq!(net.calls("c").last().unwrap(), &format!("wait for the end = {end}"));
        assert!(net.hosts[1].sockets(net.now).iter().all(|row| row.state != State::Listen));
    }
}

/// A host that has forgotten a connection answers its segments with RST (RFC 9293, section 3.5.1).
#[test]
fn a_rebooted_host_resets_what_it_forgot() {
    let mut server = program("server", 0, Run::Serve(serve(80, vec![Step::WaitEnd])));
    server.restart = true;
    let client = script(vec![connect(), sleep(1000), Step::Send(text("x")), Step::WaitEnd]);
    let mut net = Net::new(vec![program("c", 0, client)], vec![server]);
    net.run(ms(500));
    let before = net.hosts[1].kernel.secrets.isn;
    net.visit(1, |host, now, out| host.crash(now, out));
    assert_eq!(net.hosts[1].deadline(), Time::NEVER);
    assert!(net.hosts[1].sockets(net.now).is_empty());
    net.run(ms(600));
    net.visit(1, |host, now, out| host.boot(now, out));
    assert_ne!(net.hosts[1].kernel.secrets.isn, before);
    net.run(ms(3000));
    assert_eq!(net.calls("c").last().unwrap(), "wait for the end = ECONNRESET");
    assert_eq!(net.calls("server").iter().filter(|call| call.starts_with("listen")).count(), 2);
}

#[test]
fn both_ends_may_open_at_once() {
    let end = |own: u16, peer: &str| {
        script(vec![Step::Bind { port: own, address: None }, Step::Connect(addr(peer)), Step::WaitEnd])
    };
    let a = program("a", 0, end(5000, "10.0.0.2:6000"));
    let b = program("b", 0, end(6000, "10.0.0.1:5000"));
    let mut net = Net::new(vec![a], vec![b]);
    net.run(ms(500));
    use State::*;
    for host in 0..2 {
        assert_eq!(net.states(host), [SynSent, SynReceived, Established]);
        assert_eq!(net.hosts[host].sockets(net.now).len(), 1);
    }
}

/// A socket may open to itself (RFC 9293, section 3.5: simultaneous open with one end).
#[test]
fn a_socket_may_connect_to_itself() {
    let steps = vec![
        Step::Bind { port: 5000, address: None },
        Step::Connect(addr("10.0.0.1:5000")),
        Step::Send(text("me")),
        Step::RecvSome(10),
    ];
    let mut net = Net::new(vec![program("self", 0, script(steps))], vec![]);
    net.run(ms(3000));
    assert_eq!(
        net.calls("self"),
        ["bind(5000) = 0", "connect(10.0.0.1:5000) = 0", "send(\"me\") = 2", "recv(10) = 2 \"me\""]
    );
    assert!(net.sent.is_empty());
}

/// A listener that closes says of each half-open request that it is gone (Linux forgets them without a word on the
/// wire).
#[test]
fn half_open_requests_of_a_closed_listener_are_told_as_gone() {
    let server = program("server", 0, Run::Serve(serve(80, vec![Step::WaitEnd])));
    let mut net = Net::new(vec![program("c", 0, script(vec![connect()]))], vec![server]);
    net.passes = |packet| packet.tcp().is_some_and(|s| !s.has(tcp::Flags::ACK));
    net.run(ms(100));
    net.visit(1, |host, now, out| host.kill(now, "server", out));
    let gone = |what: &What| {
        matches!(what, What::State { from: State::SynReceived, to: State::Closed, why, tuple, .. }
            if why.rule == tcp::Rule::ListenerGone && tuple.remote.ip() == addr("10.0.0.1:1").ip())
    };
    assert_eq!(net.log.iter().filter(|(_, i, what)| *i == 1 && gone(what)).count(), 1);
    assert!(net.hosts[1].sockets(net.now).is_empty());
}

#[test]
fn linger_zero_resets() {
    let server = program("server", 0, Run::Serve(serve(80, vec![Step::WaitEnd])));
    let steps = vec![connect(), Step::Set(SocketOption::Linger(Some(Duration::ZERO))), Step::Close];
    let mut net = Net::new(vec![program("c", 0, script(steps))], vec![server]);
    net.run(ms(1000));
    assert_eq!(net.calls("server[1]"), ["wait for the end = ECONNRESET"]);
}
