//! What a host bounds, and what it remembers of paths.

use super::*;
use tcp::Rule;

const SERVER: &str = "10.0.0.2:80";

/// So many connections, one after the other, each closed by the client.
fn short_connections(count: u32, every_ms: u64) -> spec::Program {
    let script = Arc::from(vec![Step::Connect(addr(SERVER)), Step::Close]);
    let every = Duration::from_millis(every_ms);
    program("c", 0, Run::Clients { count, every, at_once: 0, script })
}
fn sink() -> Vec<spec::Program> {
    vec![program("server", 0, Run::Serve(serve(80, vec![Step::RecvToEof])))]
}

/// SAFE/TWEXHAUST, Linux `tcp_max_tw_buckets`: the population in TIME-WAIT is bounded; what finds no room is gone at once,
/// and a place is free again when 2 MSL of another are over.
#[test]
fn the_table_of_time_wait_is_bounded() {
    let config = Config { max_tw_buckets: 3, ..Config::linux() };
    let mut net = Net::with(config, (32768, 60999), vec![short_connections(10, 100)], sink());
    let waiting =
        |net: &Net| net.hosts[0].sockets(net.now).iter().filter(|row| row.state == State::TimeWait).count();
    for i in 1..20 {
        net.run(ms(i * 100));
        assert!(waiting(&net) <= 3);
    }
    assert_eq!(waiting(&net), 3);
    let overflow = |what: &What| {
        matches!(what, What::State { from: State::TimeWait, to: State::Closed, why, .. }
            if why.rule == Rule::TimeWaitOverflow)
    };
    assert_eq!(net.log.iter().filter(|(_, _, what)| overflow(what)).count(), 7);
    let counters = net.hosts[0].counters();
    assert_eq!((counters.tw, counters.tcp_time_wait_overflow), (3, 7));
    assert_eq!(counters.get("TCPTimeWaitOverflow"), Some(7));
    // All were served, and the three leave in their time.
    let served = |i: usize| net.calls(&format!("server[{i}]"))[0].ends_with("EOF");
    assert_eq!((1..=10).filter(|i| served(*i)).count(), 10);
    net.run(ms(70_000));
    assert_eq!(waiting(&net), 0);
}

/// The count follows every way out of TIME-WAIT: its timer, a reset, a new SYN, an open from the same port.
#[test]
fn places_in_time_wait_are_given_back() {
    let config = Config { max_tw_buckets: 1, ..Config::linux() };
    let once =
        vec![Step::Bind { port: 5000, address: None }, Step::Connect(addr(SERVER)), Step::Close, sleep(2000)];
    let client = program("c", 0, script(vec![Step::Repeat(5, Arc::from(once))]));
    let mut net = Net::with(config, (32768, 60999), vec![client], sink());
    net.run(ms(20_000));
    let counters = net.hosts[0].counters();
    assert_eq!((counters.tw, counters.tcp_time_wait_overflow, counters.tw_recycled), (5, 0, 4));
}

/// 6928/12-MON: after a loss in a large first window later connections to that address begin with four segments at most,
/// whoever opens them, and for ten minutes.
#[test]
fn a_failed_first_window_is_remembered() {
    let config = Config { initial_window: 10, tail_loss_probe: false, ..Config::rfc() };
    let send = || Step::SendBytes { len: 20_000, chunk: 0, every: Duration::ZERO };
    let client = |name: &str, at: u64| {
        program(name, at, script(vec![Step::Connect(addr(SERVER)), send(), sleep(5_000), Step::Close]))
    };
    let clients = vec![client("first", 0), client("second", 60_000), client("late", 700_000)];
    let mut net = Net::with(config, (32768, 60999), clients, sink());
    net.passes = |packet| packet.tcp().is_none_or(|s| s.payload.is_empty() || packet.id != PacketId(7));
    // The data that each connection sends at once, in segments.
    let burst = |net: &mut Net, at: u64| {
        net.run(ms(at + 15));
        let before = net.sent.len();
        net.run(ms(at + 25));
        net.sent[before..]
            .iter()
            .filter(|(_, i, p)| *i == 0 && p.tcp().is_some_and(|s| !s.payload.is_empty()))
            .count()
    };
    assert_eq!(burst(&mut net, 0), 10);
    assert_eq!(burst(&mut net, 60_000), 3, "three of 1448 are no more than 4380");
    assert_eq!(burst(&mut net, 700_000), 10);
}

/// 7323/3.2-RSTTS: a RST that answers a segment with timestamps brings its own back, and none of ours.
#[test]
fn a_reset_echoes_the_timestamp_under_rfc() {
    for (config, echoes) in [(Config::rfc(), true), (Config::linux(), false)] {
        let client = program("c", 100, script(vec![Step::Connect(addr(SERVER))]));
        let mut net = Net::with(config, (32768, 60999), vec![client], vec![]);
        net.run(ms(1000));
        let stamp = |i: usize| net.sent[i].2.tcp().unwrap().options.timestamps.map(|ts| (ts.val, ts.ecr));
        let syn = stamp(0).unwrap();
        assert_eq!(stamp(1), echoes.then_some((0, syn.0)));
    }
}
