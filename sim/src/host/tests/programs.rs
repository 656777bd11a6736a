use super::*;
use tcp::Flags;

fn connect() -> Step {
    Step::Connect(addr("10.0.0.2:80"))
}

/// RFC 9293, section 3.10.7.1; captures: scan_closed.
#[test]
fn a_scanner_tells_open_ports_from_closed_ones() {
    let scan = |flags| Run::Scan {
        target: "10.0.0.2".parse().unwrap(),
        ports: vec![79, 80, 81],
        flags,
        every: Duration::from_millis(10),
        patience: Duration::from_millis(500),
        reset: true,
    };
    let server = || program("server", 0, Run::Serve(serve(80, vec![Step::WaitEnd])));
    let mut net = Net::new(vec![program("scan", 0, scan(Flags::FIN))], vec![server()]);
    net.run(ms(2000));
    assert_eq!(
        net.calls("scan"),
        ["probe 79 [F] = RST: closed", "probe 81 [F] = RST: closed", "probe 80 [F] = no answer"]
    );
    let mut net = Net::new(vec![program("scan", 0, scan(Flags::SYN))], vec![server()]);
    net.run(ms(2000));
    assert_eq!(
        net.calls("scan"),
        ["probe 79 [S] = RST: closed", "probe 80 [S] = SYN-ACK: open", "probe 81 [S] = RST: closed"]
    );
    assert_eq!(net.calls("server"), ["listen(*:80, 5) = 0"], "a half-open connection never reaches accept");
    assert_eq!(net.hosts[1].sockets(net.now).len(), 1);
}

/// Nothing of a script that never waits may stop the clock.
#[test]
fn a_script_that_never_waits_lets_time_pass() {
    let steps: Arc<[Step]> = Arc::from(vec![Step::Try(Arc::from(vec![Step::Send(text("x"))]))]);
    let mut net = Net::new(vec![program("busy", 0, script(vec![Step::Repeat(u32::MAX, steps)]))], vec![]);
    net.run(ms(1));
    assert_eq!(net.now, ms(1));
}

#[test]
fn a_failure_ends_the_script_unless_it_is_caught() {
    let steps = vec![
        Step::Try(Arc::from(vec![Step::Send(text("x")), Step::Close])),
        Step::ShutdownWrite,
        Step::Close,
    ];
    let mut net = Net::new(vec![program("p", 0, script(steps))], vec![]);
    net.run(ms(1));
    assert_eq!(net.calls("p"), ["send(\"x\") = EBADF", "shutdown(SHUT_WR) = EBADF"]);
}

#[test]
fn a_chat_server_answers_each_message() {
    let server =
        program("server", 0, Run::Serve(serve(80, vec![Step::Reply { max: 1024, with: text("got it") }])));
    let client = script(vec![
        connect(),
        Step::Repeat(2, Arc::from(vec![Step::Send(text("hi")), Step::RecvSome(1024), sleep(100)])),
        Step::Close,
    ]);
    let mut net = Net::new(vec![program("client", 0, client)], vec![server]);
    net.run(ms(5000));
    let once = ["recv(1024) = 2 \"hi\"", "send(\"got it\") = 6"];
    assert_eq!(net.calls("server[1]"), [once[0], once[1], once[0], once[1], "recv(1024) = EOF"]);
}

#[test]
fn requests_are_served_one_after_the_other() {
    let think = Duration::from_millis(50);
    let handler = vec![Step::Respond { request: 100, response: 100_000, think }];
    let server = program("server", 0, Run::Serve(serve(80, handler)));
    let each: Arc<[Step]> =
        Arc::from(vec![Step::SendBytes { len: 100, chunk: 0, every: Duration::ZERO }, Step::Recv(100_000)]);
    let client = script(vec![connect(), Step::Repeat(3, each), Step::Close]);
    let mut net = Net::new(vec![program("client", 0, client)], vec![server]);
    net.run(ms(20_000));
    assert_eq!(net.calls("server[1]"), ["serve requests until EOF = 3 requests, EOF"]);
    assert_eq!(net.calls("client").iter().filter(|call| **call == "recv(100000) = 100000").count(), 3);
}

#[test]
fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let mut spec = serve(80, vec![Step::Echo]);
    spec.idle_limit = Some(Duration::from_millis(1000));
    let server = program("server", 0, Run::Serve(spec));
    let busy = script(vec![
        connect(),
        Step::Repeat(6, Arc::from(vec![Step::Send(text("x")), Step::RecvSome(1), sleep(500)])),
        Step::WaitEnd,
    ]);
    let mut net = Net::new(vec![program("client", 0, busy)], vec![server]);
    net.run(ms(20_000));
    let closed = net
        .log
        .iter()
        .find(|(_, _, what)| matches!(what, What::Program { call, .. } if call.as_ref() == "idle for 1s"));
    let at = closed.unwrap().0;
    assert!(at > ms(3500) && at < ms(3800), "{at}");
    assert_eq!(net.calls("client").last().unwrap(), "wait for the end = EOF");
}

#[test]
fn a_greedy_client_is_bounded() {
    let mut spec = serve(80, vec![Step::WaitEnd]);
    spec.per_client_limit = Some(2);
    let clients = Run::Clients {
        count: 3,
        every: Duration::from_millis(10),
        at_once: 0,
        script: Arc::from(vec![connect(), Step::WaitEnd]),
    };
    let mut net = Net::new(vec![program("c", 0, clients)], vec![program("server", 0, Run::Serve(spec))]);
    net.run(ms(1000));
    assert_eq!(net.calls("c[3]").last().unwrap(), "wait for the end = EOF");
    assert_eq!(net.calls("c[2]").len(), 1);
}

#[test]
fn one_at_a_time_serves_the_next_when_the_first_is_done() {
    let mut spec = serve(80, vec![Step::Echo]);
    spec.one_at_a_time = true;
    let client = |name: &str| {
        program(name, 0, script(vec![connect(), Step::Send(text("x")), Step::RecvSome(1), sleep(1000)]))
    };
    let mut net =
        Net::new(vec![client("first"), client("second")], vec![program("server", 0, Run::Serve(spec))]);
    net.run(ms(10_000));
    let answered = |name: &str| {
        let done = net.log.iter().find(|(_, _, what)| {
            matches!(what, What::Program { program, call, .. } if **program == *name && call.starts_with("recv"))
        });
        done.unwrap().0
    };
    assert!(answered("first") < ms(100));
    assert!(answered("second") > ms(1000));
}

#[test]
fn a_flood_fills_the_queue_of_requests() {
    let flood = Run::SynFlood {
        target: addr("10.0.0.2:80"),
        count: 30,
        every: Duration::from_millis(1),
        from: "192.0.2.1".parse().unwrap(),
    };
    let config = Config { syn_cookies: tcp::config::SynCookies::Off, ..Config::linux() };
    let server = program("server", 0, Run::Serve(serve(80, vec![Step::WaitEnd])));
    let mut net = Net::with(config, (32768, 60999), vec![program("flood", 0, flood)], vec![server]);
    net.run(ms(500));
    let requests = net.hosts[1].sockets(net.now).iter().filter(|row| row.state == State::SynReceived).count();
    assert_eq!(requests, 6, "listen(5) holds six requests");
    assert!(net.hosts[1].counters().listen_drops > 0);
}

/// Linux's fair queue of a host: a clone goes on exactly as the original.
#[test]
fn a_clone_goes_on_as_the_original() {
    let clients = Run::Clients {
        count: 20,
        every: Duration::from_millis(7),
        at_once: 3,
        script: Arc::from(vec![connect(), Step::Send(text("x")), Step::RecvSome(1), Step::Close]),
    };
    let server = program("server", 0, Run::Serve(serve(80, vec![Step::Echo])));
    let mut net = Net::new(vec![program("c", 0, clients)], vec![server]);
    net.run(ms(100));
    let mut copy = Net {
        hosts: net.hosts.clone(),
        wire: net.wire.clone(),
        serial: net.serial,
        now: net.now,
        log: Vec::new(),
        passes: net.passes,
        streams: net.streams.clone(),
        sent: Vec::new(),
    };
    net.log.clear();
    net.run(ms(5000));
    copy.run(ms(5000));
    assert_eq!(net.log, copy.log);
}

/// Beside the connection itself: its place and its entry in the table, the socket, the task and its script.
#[test]
fn what_a_host_keeps_for_a_connection_is_small() {
    use crate::host::{programs, sockets, tcp_layer};
    let table = size_of::<[u32; 8]>().div_ceil(7) + 1;
    let all = tcp_layer::slot_size() + table + sockets::socket_size() + programs::task_size();
    assert!(all <= 350, "{all} bytes");
}
