//! Runs with real hosts: what must hold of any.

use std::sync::Arc;

use tcp::tcb::SocketOption;

use super::*;
use crate::spec::{Inject, InjectIcmp, Program, Run, SeqRef, Serve, Step};

fn program(name: &str, on: &str, at: Time, run: Run) -> Program {
    Program { name: Arc::from(name), on: on.to_string(), at, restart: true, run }
}
fn server(on: &str, handler: Vec<Step>) -> Program {
    let serve = Serve {
        port: 2000,
        address: None,
        backlog: 128,
        accept_after: Some(Duration::ZERO),
        accept_every: None,
        accept_max: 0,
        close_after: None,
        options: Vec::new(),
        handler: handler.into(),
        idle_limit: None,
        per_client_limit: None,
        one_at_a_time: false,
    };
    program("server", on, Time::ZERO, Run::Serve(serve))
}
fn client(on: &str, at: Time, len: u64) -> Program {
    let send = Step::SendBytes { len, chunk: 65536, every: Duration::ZERO };
    let steps =
        vec![Step::Connect(TO.parse().unwrap()), send, Step::ShutdownWrite, Step::RecvToEof, Step::Close];
    program(&format!("client on {on}"), on, at, Run::Script(steps))
}
/// A client that sends `len` bytes to an echo server through a router.
pub(super) fn echo(first: Way, second: Way, len: u64) -> Spec {
    let mut sp = through_router(first, second);
    sp.programs = vec![server("b", vec![Step::Echo, Step::Close]), client("a", ms(1), len)];
    sp
}
fn rough() -> Way {
    let mut way = Way {
        rate_bps: 10_000_000,
        loss: Loss::Bernoulli(20_000),
        duplicate_ppm: 10_000,
        reorder_ppm: 10_000,
        reorder_delay: Duration::from_millis(4),
        corrupt_ppm: 10_000,
        limit: Limit::Packets(20),
        discipline: crate::spec::Discipline::DropTail,
        shape: None,
        ..slow(5)
    };
    way.jitter.scale = Duration::from_millis(1);
    way
}
/// What the programs saw at the end of their streams.
fn results(s: &Simulator) -> Vec<String> {
    let of = |r: &Record| match &r.what {
        What::Program { program, call, result, .. } => Some(format!("{program}: {call} = {result}")),
        _ => None,
    };
    s.records().iter().filter_map(of).collect()
}

#[test]
fn a_rough_network_delivers_the_stream_whole() {
    let s = ran(&echo(rough(), rough(), 300_000));
    let results = results(&s);
    assert!(results.iter().any(|r| r.contains("client on a") && r.contains("300000")), "{results:#?}");
    assert!(fates(&s).iter().any(|f| matches!(f, Fate::Corrupted(_))));
    assert!(drops(&s).contains(&DropReason::Tcp(tcp::Rule::BadChecksum)));
}

/// A program needs time to wake up: what arrives until then is read together, and a clone in between goes on alike.
#[test]
fn what_arrives_while_a_program_wakes_up_is_read_together() {
    let with = |wakeup: Duration| {
        let mut sp = spec().host("a", A).host("b", B).link("a", "b", slow(5));
        if let Some(crate::spec::Node::Host(host)) = sp.nodes.get_mut("b") {
            host.wakeup = wakeup;
        }
        let write = || Step::SendBytes { len: 100, chunk: 100, every: Duration::ZERO };
        let connect = [Step::Connect(TO.parse().unwrap()), Step::Set(SocketOption::NoDelay(true))];
        let writes = [write(), Step::Sleep(Duration::from_micros(300)), write(), Step::Close];
        let steps = connect.into_iter().chain(writes).collect();
        let client = program("client on a", "a", ms(1), Run::Script(steps));
        sp.programs = vec![server("b", vec![Step::Echo, Step::Close]), client];
        sp
    };
    let echoes = |sp: &Spec| {
        let run = ran(sp);
        let of = |r: &Record| match &r.what {
            What::Sent { node, packet, .. } if &**run.names().node(*node) == "b" => {
                packet.tcp().map(|segment| segment.payload.len()).filter(|len| *len > 0)
            }
            _ => None,
        };
        run.records().iter().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(echoes(&with(Duration::ZERO)), [100, 100]);
    assert_eq!(echoes(&with(Duration::from_micros(200))), [100, 100]);
    assert_eq!(echoes(&with(Duration::from_micros(400))), [200]);
    let sp = with(Duration::from_micros(400));
    let expected = ran(&sp).trace_hash();
    let mut run = Simulator::new(&sp, TraceLevel::Off);
    while run.step() {
        let mut branch = run.clone();
        branch.run();
        assert_eq!(branch.trace_hash(), expected, "cloned at {:?}", run.now());
    }
}

#[test]
fn twice_the_same_traced_or_not() {
    let sp = echo(rough(), rough(), 100_000);
    let first = ran(&sp);
    let again = ran(&sp);
    assert_eq!(first.records(), again.records());
    let mut untraced = Simulator::new(&sp, TraceLevel::Off);
    untraced.run();
    assert_eq!((untraced.trace_hash(), untraced.records().len()), (first.trace_hash(), 0));
    let other = Spec { seed: 2, ..sp };
    assert_ne!(ran(&other).trace_hash(), first.trace_hash());
}

#[test]
fn a_clone_at_any_event_goes_on_as_the_original() {
    let sp = echo(rough(), rough(), 10_000);
    let expected = ran(&sp).trace_hash();
    let mut s = Simulator::new(&sp, TraceLevel::Off);
    while s.step() {
        let mut branch = s.clone();
        branch.run();
        assert_eq!(branch.trace_hash(), expected, "cloned at {:?}", s.now());
    }
}

#[test]
fn the_order_of_mention_means_nothing() {
    let one = spec().host("a", A).router("r", "10.0.0.1").host("b", B);
    let one = one.link("a", "r", slow(3)).link("r", "b", slow(4));
    let other = spec().host("b", B).host("a", A).router("r", "10.0.0.1");
    let other = other.link("r", "b", slow(4)).link("a", "r", slow(3));
    let hash = |mut sp: Spec| {
        sp.programs = vec![server("b", vec![Step::Echo, Step::Close]), client("a", ms(1), 5_000)];
        ran(&sp).trace_hash()
    };
    assert_eq!(hash(one), hash(other));
}

#[test]
fn datagrams_are_cut_and_joined_and_one_lost_fragment_loses_them() {
    let mut sp = through_router(slow(1), Way { mtu: 600, loss: Loss::Listed(vec![2]), ..slow(1) });
    let send = Run::UdpSend {
        poisson: false,
        to: TO.parse().unwrap(),
        port: 0,
        sizes: vec![1400],
        count: 2,
        every: Duration::from_secs(60),
        df: false,
    };
    sp.programs = vec![
        program("sender", "a", ms(0), send),
        program("receiver", "b", ms(0), Run::UdpReceive { port: 2000, echo: false }),
    ];
    let s = ran(&sp);
    assert_eq!(s.counters(s.names().node_id("b").unwrap()).unwrap().udp_in_datagrams, 1);
    assert_eq!(drops(&s), [DropReason::ReassemblyTimeout]);
    let icmp_to_a: Vec<_> =
        received(&s, "a").into_iter().filter_map(|(t, p)| Some((t, icmp(&p)?.kind))).collect();
    // The first fragment came at 2 ms; RFC 1122, section 3.3.2.
    assert_eq!(icmp_to_a, [(ms(30_002 + 2), IcmpKind::ReassemblyTimeExceeded)]);
    assert_eq!(fates(&s).iter().filter(|f| **f == Fate::Fragmented(3)).count(), 2);
}

#[test]
fn a_forged_reset_that_knows_the_numbers_kills_and_another_does_not() {
    let run = |seq| {
        let mut sp = pair(slow(5)).host("e", "10.0.9.9").link("e", "b", slow(1));
        let wait =
            vec![Step::Bind { port: 1000, address: None }, Step::Connect(TO.parse().unwrap()), Step::WaitEnd];
        sp.programs = vec![
            server("b", vec![Step::Set(SocketOption::KeepAlive(false)), Step::WaitEnd]),
            program("client", "a", ms(0), Run::Script(wait)),
        ];
        let inject = Inject {
            at: "e".into(),
            src: FROM.parse().unwrap(),
            dst: TO.parse().unwrap(),
            flags: tcp::Flags::RST,
            seq,
            ack: SeqRef::Absolute(0),
            wnd: 0,
            urg: 0,
            options: Default::default(),
            stamps: None,
            sack: Vec::new(),
            payload: Default::default(),
            ecn: Default::default(),
            ident: 0,
            pieces: Vec::new(),
        };
        ran(&sp.fault(ms(100), Fault::Inject(Box::new(inject))))
    };
    let closed = |s: &Simulator| {
        let by_rst = |r: &Record| {
            matches!(&r.what, What::State { to: tcp::State::Closed, why, .. }
            if why.rule == tcp::Rule::ResetReceived)
        };
        s.records().iter().any(by_rst)
    };
    assert!(closed(&run(SeqRef::Expected(0))));
    assert!(closed(&run(SeqRef::SenderIsn(1))));
    assert!(!closed(&run(SeqRef::Expected(10))), "in the window but not exact: challenge ACK (RFC 5961)");
    assert!(!closed(&run(SeqRef::Absolute(0))));
}

#[test]
fn it_works_over_ipv6() {
    let sp = spec().host("a", "2001:db8:1::1").host("b", "2001:db8:2::1");
    let sp = sp.router("r", "2001:db8::1").router("s", "2001:db8::2");
    let narrow = Way { mtu: 1280, corrupt_ppm: 50_000, ..slow(2) };
    let mut sp = sp.link("a", "r", slow(2)).link("r", "s", narrow).link("s", "b", slow(2));
    sp.programs = vec![server("b", vec![Step::Echo, Step::Close])];
    let connect = Step::Connect("[2001:db8:2::1]:2000".parse().unwrap());
    let send = Step::SendBytes { len: 50_000, chunk: 65536, every: Duration::ZERO };
    let steps = vec![connect, send, Step::ShutdownWrite, Step::RecvToEof, Step::Close];
    sp.programs.push(program("client", "a", ms(1), Run::Script(steps)));
    let s = ran(&sp);
    assert!(results(&s).iter().any(|r| r.starts_with("client") && r.contains("50000")), "{:#?}", results(&s));
    assert!(
        received(&s, "a")
            .iter()
            .any(|(_, p)| matches!(icmp(p).map(|i| i.kind), Some(IcmpKind::FragmentationNeeded(1280))))
    );
}

#[test]
fn a_program_is_killed_and_a_host_crashes_and_comes_back() {
    let sp = echo(slow(5), slow(5), 1_000_000_000)
        .fault(ms(500), Fault::Crash("b".into()))
        .fault(ms(600), Fault::Kill("client on a".into()))
        .fault(ms(2_000), Fault::Reboot("b".into()));
    let s = ran(&Spec { until: ms(60_000), ..sp });
    let crashed =
        |r: &Record| matches!(&r.what, What::State { why, .. } if why.rule == tcp::Rule::HostCrashed);
    assert!(s.records().iter().any(crashed));
    let listening = s.sockets(s.names().node_id("b").unwrap());
    assert!(listening.iter().any(|row| row.state == tcp::State::Listen), "the server is started again");
}

#[test]
fn a_paused_host_answers_when_it_goes_on() {
    let sp = echo(slow(5), slow(5), 1_000)
        .fault(ms(3), Fault::Pause("b".into()))
        .fault(ms(703), Fault::Resume("b".into()));
    let s = ran(&sp);
    let first_answer = received(&s, "a")[0].0;
    assert_eq!(first_answer, ms(703 + 10));
}

#[test]
fn two_that_answer_each_other_for_ever_without_delay_end_the_run() {
    let mut sp = pair(way());
    let word = Step::Send(tcp::Payload::from_bytes(b"ping"));
    let steps = vec![Step::Connect(TO.parse().unwrap()), word, Step::Echo];
    sp.programs = vec![server("b", vec![Step::Echo]), program("client", "a", ms(1), Run::Script(steps))];
    let mut s = Simulator::new(&sp, TraceLevel::Off);
    s.run();
    assert_eq!((s.stuck(), s.now()), (true, ms(1)));
}

/// What the timeline forges has the options that it was given; numbers of SACK blocks and of quoted segments count like
/// the others, and timestamps from those of the connection.
#[test]
fn forged_options_and_quotes() {
    use crate::packet::{Body, IcmpKind};
    let mut sp = pair(slow(5)).host("e", "10.0.9.9").link("e", "b", slow(1));
    let wait =
        vec![Step::Bind { port: 1000, address: None }, Step::Connect(TO.parse().unwrap()), Step::WaitEnd];
    sp.programs = vec![server("b", vec![Step::WaitEnd]), program("client", "a", ms(0), Run::Script(wait))];
    let inject = Inject {
        at: "e".into(),
        src: FROM.parse().unwrap(),
        dst: TO.parse().unwrap(),
        flags: tcp::Flags::ACK,
        seq: SeqRef::Expected(0),
        ack: SeqRef::Expected(0),
        wnd: 0,
        urg: 0,
        options: tcp::Options { wscale: Some(3), sack_permitted: true, ..Default::default() },
        stamps: Some((-7, 3)),
        sack: vec![
            (SeqRef::ReceiverIsn(11), SeqRef::ReceiverIsn(21)),
            (SeqRef::Absolute(7), SeqRef::Absolute(9)),
        ],
        payload: Default::default(),
        ecn: Default::default(),
        ident: 0,
        pieces: Vec::new(),
    };
    let error = InjectIcmp {
        at: "e".into(),
        from: "10.0.9.1".parse().unwrap(),
        kind: IcmpKind::FragmentationNeeded(600),
        src: TO.parse().unwrap(),
        dst: FROM.parse().unwrap(),
        seq: SeqRef::SenderIsn(5),
        len: 1400,
    };
    let sp = sp.fault(ms(100), Fault::Inject(Box::new(inject)));
    let sim = ran(&sp.fault(ms(101), Fault::InjectIcmp(Box::new(error))));
    let sent = |wanted: &dyn Fn(&crate::Packet) -> bool| {
        let packets = sim.records().iter().filter_map(|r| match &r.what {
            What::Sent { packet, .. } => Some(packet.clone()),
            _ => None,
        });
        packets.into_iter().find(|packet| wanted(packet)).expect("such a packet")
    };
    let syn_ack = sent(&|p| p.tcp().is_some_and(|s| s.has(tcp::Flags::SYN | tcp::Flags::ACK)));
    let iss = syn_ack.tcp().unwrap().seq;
    let forged = sent(&|p| p.tcp().is_some_and(|s| !s.options.sack.is_empty()));
    let options = &forged.tcp().unwrap().options;
    assert_eq!((options.wscale, options.sack_permitted), (Some(3), true));
    let blocks = [(iss.add(11), iss.add(21)), (tcp::SeqNum(7), tcp::SeqNum(9))];
    assert_eq!(options.sack.as_slice(), blocks);
    let stamps = |segment: &tcp::Segment| segment.options.timestamps.expect("timestamps");
    let of_server = stamps(syn_ack.tcp().unwrap()).val.wrapping_add(100 - 5);
    let of_client = stamps(sent(&|p| p.tcp().is_some_and(|s| s.flags == tcp::Flags::ACK)).tcp().unwrap()).val;
    assert_eq!(stamps(forged.tcp().unwrap()).val, of_client.wrapping_sub(7));
    assert_eq!(stamps(forged.tcp().unwrap()).ecr, of_server.wrapping_add(3));
    let error = sent(&|p| matches!(p.body, Body::Icmp(_)));
    let Body::Icmp(icmp) = &error.body else { panic!("an ICMP error") };
    assert_eq!((error.ip.src, error.ip.dst), ("10.0.9.1".parse().unwrap(), addr_of(TO)));
    assert_eq!((icmp.quote.seq, icmp.quote.len), (iss.add(5), 1400));
}

fn addr_of(s: &str) -> std::net::IpAddr {
    s.parse::<std::net::SocketAddr>().unwrap().ip()
}

/// 6864/4.3-DF: what says DF is cut by nobody and says so still where it arrives, whether the router knows the way by its table or
/// has to look it up; and nothing says so that did not.
#[test]
fn routers_leave_df_alone() {
    for (df, looked_up) in [(true, false), (true, true), (false, false), (false, true)] {
        let mut sp = through_router(slow(1), slow(1));
        let via = spec::Route { prefix: B.parse().unwrap(), len: 32, via: Some("b".to_owned()) };
        if let Some(spec::Node::Router(router)) = sp.nodes.get_mut("r").filter(|_| looked_up) {
            router.routes.push(via);
        }
        let (to, every) = (TO.parse().unwrap(), Duration::from_secs(1));
        let send = Run::UdpSend { poisson: false, to, port: 0, sizes: vec![1400], count: 1, every, df };
        sp.programs = vec![
            program("sender", "a", ms(0), send),
            program("receiver", "b", ms(0), Run::UdpReceive { port: 2000, echo: false }),
        ];
        let at_b = received(&ran(&sp), "b");
        assert_eq!((at_b.len(), at_b[0].1.ip.df), (1, df), "looked up: {looked_up}");
    }
}

/// 6633/3-NOSEND: neither a router whose queue is full nor a host whose receive buffer is says a word about it.
#[test]
fn nobody_sends_a_source_quench() {
    let narrow = Way { rate_bps: 1_000_000, limit: Limit::Packets(2), ..slow(1) };
    let mut sp = through_router(slow(1), narrow);
    let (to, every) = (TO.parse().unwrap(), Duration::from_micros(10));
    let send = Run::UdpSend { poisson: false, to, port: 0, sizes: vec![1400], count: 100, every, df: true };
    sp.programs = vec![
        program("sender", "a", ms(0), send),
        program("receiver", "b", ms(0), Run::UdpReceive { port: 2000, echo: false }),
    ];
    let s = ran(&sp);
    assert!(fates(&s).iter().filter(|fate| **fate == Fate::QueueFull).count() > 50, "{:?}", fates(&s));
    assert!(received(&s, "a").is_empty());
}
