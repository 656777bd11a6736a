mod generated;
mod whole_runs;

use tcp::{Duration, EcnCodepoint, Time};

use super::*;
use crate::packet::{Body, Icmp, IcmpKind, Packet};
use crate::spec::{Action, FateRule, Fault, Limit, Loss, Match, Nth, Protocol, Way};
use crate::testing::{ms, spec, via, way};
use crate::trace::{DropReason, Fate};

const A: &str = "10.0.1.1";
const B: &str = "10.0.2.1";
const FROM: &str = "10.0.1.1:1000";
const TO: &str = "10.0.2.1:2000";

fn slow(millis: u64) -> Way {
    Way { delay: Duration::from_millis(millis), ..way() }
}
/// a - b
fn pair(way: Way) -> Spec {
    spec().host("a", A).host("b", B).link("a", "b", way)
}
/// a - r - b
fn through_router(first: Way, second: Way) -> Spec {
    let s = spec().host("a", A).host("b", B).router("r", "10.0.0.1");
    s.link("a", "r", first).link("r", "b", second)
}
fn ran(spec: &Spec) -> Simulator {
    let mut simulator = Simulator::new(spec, TraceLevel::On);
    simulator.run();
    simulator.check_conservation();
    simulator
}
fn rule(matching: Match, action: Action) -> FateRule {
    FateRule { matching, action }
}
/// Time and packet of all that the node of this name received.
fn received(simulator: &Simulator, name: &str) -> Vec<(Time, Packet)> {
    let at = simulator.names().node_id(name).unwrap();
    let of = |r: &Record| match &r.what {
        What::Received { node, packet, .. } if *node == at => Some((r.time, packet.clone())),
        _ => None,
    };
    simulator.records().iter().filter_map(of).collect()
}
fn times(simulator: &Simulator, name: &str) -> Vec<Time> {
    received(simulator, name).into_iter().map(|(time, _)| time).collect()
}
fn drops(simulator: &Simulator) -> Vec<DropReason> {
    let of = |r: &Record| if let What::Dropped { why, .. } = r.what { Some(why) } else { None };
    simulator.records().iter().filter_map(of).collect()
}
fn fates(simulator: &Simulator) -> Vec<Fate> {
    let of = |r: &Record| if let What::Fate { fate, .. } = r.what { Some(fate) } else { None };
    simulator.records().iter().filter_map(of).collect()
}
fn icmp(packet: &Packet) -> Option<&Icmp> {
    if let Body::Icmp(icmp) = &packet.body { Some(icmp) } else { None }
}

#[test]
fn a_packet_crosses_a_link() {
    let s = ran(&pair(slow(20)).forged(ms(5), "a", FROM, TO, 100));
    assert_eq!(times(&s, "b"), [ms(25)]);
    assert_eq!(s.packets_under_way(), 0);
    let c = s.pipe_counters(PipeId(0));
    assert_eq!((c.sent, c.sent_bytes, c.delivered, c.dropped), (1, 140, 1, 0));
}

#[test]
fn each_hop_takes_its_time_and_one_of_the_time_to_live() {
    let first = Way { rate_bps: 1_400_000, ..slow(10) }; // 140 bytes: 0.8 ms
    let s = ran(&through_router(first, slow(30)).forged(ms(0), "a", FROM, TO, 100));
    assert_eq!(times(&s, "r"), [Time::from_nanos(10_800_000)]);
    assert_eq!(times(&s, "b"), [Time::from_nanos(40_800_000)]);
    assert_eq!(received(&s, "b")[0].1.ip.ttl, received(&s, "r")[0].1.ip.ttl - 1);
    assert_eq!(s.events(), 3, "the timeline, and one event a packet and hop");
}

#[test]
fn the_end_of_the_scenario_is_the_end() {
    let mut sp = pair(slow(20)).forged(ms(0), "a", FROM, TO, 1).forged(ms(50), "a", FROM, TO, 1);
    sp.until = ms(60);
    let mut s = Simulator::new(&sp, TraceLevel::On);
    s.run();
    assert_eq!((times(&s, "b"), s.now(), s.packets_under_way()), (vec![ms(20)], ms(50), 1));
    s.run_until(ms(100));
    assert_eq!((times(&s, "b"), s.now()), (vec![ms(20), ms(70)], ms(100)));
}

#[test]
fn a_run_is_a_function_of_scenario_and_seed() {
    let make = |seed| {
        let lossy = Way { loss: Loss::Bernoulli(300_000), ..slow(10) };
        let mut sp = through_router(lossy.clone(), lossy);
        sp.seed = seed;
        (0..50).fold(sp, |sp, n| sp.forged(ms(n), "a", FROM, TO, n as u32))
    };
    let hash = |seed, level| {
        let mut s = Simulator::new(&make(seed), level);
        s.run();
        s.trace_hash()
    };
    assert_eq!(hash(1, TraceLevel::On), hash(1, TraceLevel::On));
    assert_eq!(hash(1, TraceLevel::On), hash(1, TraceLevel::Off));
    assert_eq!(hash(1, TraceLevel::On), hash(1, TraceLevel::Verbose));
    assert_ne!(hash(1, TraceLevel::On), hash(2, TraceLevel::On));
}

#[test]
fn another_link_moves_nobody_elses_numbers() {
    let lossy = Way { loss: Loss::Bernoulli(500_000), ..slow(10) };
    let sp = (0..100).fold(pair(lossy.clone()), |sp, n| sp.forged(ms(n), "a", FROM, TO, 1));
    let more =
        sp.clone().host("c", "10.0.3.1").link("a", "c", lossy).forged(ms(3), "a", FROM, "10.0.3.1:1", 1);
    assert_eq!(times(&ran(&sp), "b"), times(&ran(&more), "b"));
}

#[test]
fn a_clone_goes_on_as_the_original_would() {
    let rough = Way {
        loss: Loss::GilbertElliott { p: 100_000, r: 300_000, bad_loss: 500_000, good_loss: 0 },
        duplicate_ppm: 200_000,
        reorder_ppm: 100_000,
        reorder_delay: Duration::from_millis(3),
        ..slow(10)
    };
    let mut sp = through_router(rough.clone(), rough);
    sp.rules = vec![rule(Match { nth: Some(Nth::From(15)), ..Match::default() }, Action::Drop)];
    let sp = (0..30).fold(sp, |sp, n| sp.forged(ms(n), "a", FROM, TO, 1));
    let expected = ran(&sp).trace_hash();
    let mut s = Simulator::new(&sp, TraceLevel::Off);
    while s.step() {
        let mut branch = s.clone();
        branch.run();
        assert_eq!(branch.trace_hash(), expected);
    }
    fn is_send<T: Send>(_: &T) {}
    is_send(&s);
}

#[test]
fn a_link_that_goes_down_loses_what_is_on_it() {
    let sp = pair(slow(20))
        .forged(ms(0), "a", FROM, TO, 1)
        .fault(ms(10), Fault::LinkDown("a-b".into()))
        .forged(ms(11), "a", FROM, TO, 1)
        .fault(ms(30), Fault::LinkUp("a-b".into()))
        .forged(ms(30), "a", FROM, TO, 1);
    let s = ran(&sp);
    assert_eq!(times(&s, "b"), [ms(50)]);
    assert_eq!(fates(&s), [Fate::LinkDown, Fate::LinkDown]);
}

#[test]
fn a_link_changes_for_what_comes_after() {
    let faster = [Some(Box::new(slow(5))), None];
    let sp = pair(slow(20))
        .forged(ms(0), "a", FROM, TO, 1)
        .fault(ms(1), Fault::LinkChange("a-b".into(), faster))
        .forged(ms(2), "a", FROM, TO, 1)
        .forged(ms(40), "a", FROM, TO, 1);
    assert_eq!(times(&ran(&sp), "b"), [ms(20), ms(20), ms(45)], "no overtaking");
}

#[test]
fn a_held_packet_arrives_at_its_time_whatever_else_happens() {
    let mut sp = pair(Way { loss: Loss::Listed(vec![1]), ..slow(20) })
        .forged(ms(0), "a", FROM, TO, 1)
        .forged(ms(1), "a", FROM, TO, 2)
        .forged(ms(2), "a", FROM, TO, 3)
        .fault(ms(60), Fault::LinkDown("a-b".into()));
    let first = Match { nth: Some(Nth::Listed(vec![1])), ..Match::default() };
    sp.rules = vec![rule(first, Action::HoldUntil(ms(1_000)))];
    let s = ran(&sp);
    assert_eq!(times(&s, "b"), [ms(22), ms(1_000)], "the random loss hit the second packet");
    assert_eq!(fates(&s), [Fate::Delayed(ms(1_000)), Fate::Lost]);
}

#[test]
fn rules_pick_by_what_a_packet_is_and_the_first_that_matches_decides() {
    let mut sp = (0..6).fold(pair(slow(20)), |sp, n| sp.forged(ms(10 * n), "a", FROM, TO, n as u32));
    let sized = |least, most| Match { payload_len: Some((least, most)), ..Match::default() };
    sp.rules = vec![
        rule(Match { src_port: Some(9), ..Match::default() }, Action::Drop),
        rule(Match { flags: Some(tcp::Flags::SYN), ..Match::default() }, Action::Drop),
        rule(Match { protocol: Some(Protocol::Udp), ..Match::default() }, Action::Drop),
        rule(Match { from: Some("b".into()), ..Match::default() }, Action::Drop),
        rule(sized(1, 2), Action::Drop),
        rule(sized(2, 3), Action::Duplicate { copies: 2, after: Duration::from_millis(1) }),
        rule(
            Match { time: Some((ms(40), ms(50))), ..Match::default() },
            Action::Delay(Duration::from_millis(100)),
        ),
        rule(
            Match { link: Some("a-b".into()), nth: Some(Nth::Listed(vec![2, 6])), ..Match::default() },
            Action::Drop,
        ),
    ];
    let s = ran(&sp);
    let what: Vec<(u64, u32)> = received(&s, "b")
        .iter()
        .map(|(t, p)| (Duration::from_nanos(t.as_nanos()).as_millis(), p.tcp().unwrap().payload.len()))
        .collect();
    // 1 and 2 dropped, 3 thrice, 4 late; the last rule has counted them all and takes 5, the sixth.
    assert_eq!(what, [(20, 0), (50, 3), (51, 3), (52, 3), (160, 4)]);
}

#[test]
fn marking_drops_what_is_not_ecn_capable() {
    let mut sp = pair(slow(1)).forged(ms(0), "a", FROM, TO, 1);
    sp.rules = vec![rule(Match::default(), Action::MarkCe)];
    assert_eq!(fates(&ran(&sp)), [Fate::DroppedByRule(0)]);
    if let (_, Fault::Inject(inject)) = &mut sp.faults[0] {
        inject.ecn = tcp::EcnCodepoint::Ect0;
    }
    let s = ran(&sp);
    assert_eq!(received(&s, "b")[0].1.ip.ecn, tcp::EcnCodepoint::Ce);
}

#[test]
fn a_router_answers_what_it_cannot_forward() {
    let mut sp = through_router(slow(10), slow(10));
    sp = sp.forged(ms(0), "a", FROM, "192.0.2.1:1", 1);
    let s = ran(&sp);
    assert_eq!(drops(&s)[0], DropReason::NoRoute);
    let (time, answer) = &received(&s, "a")[0];
    assert_eq!((*time, icmp(answer).unwrap().kind), (ms(20), IcmpKind::NetUnreachable));
    let quote = icmp(answer).unwrap().quote;
    assert_eq!((quote.src, quote.dst, quote.protocol, quote.len), (1000, 1, 6, 41));

    if let Some(spec::Node::Router(r)) = sp.nodes.get_mut("r") {
        r.routes = vec![via("192.0.2.0", 24, None)];
    }
    assert_eq!(icmp(&received(&ran(&sp), "a")[0].1).unwrap().kind, IcmpKind::HostUnreachable);
    if let Some(spec::Node::Router(r)) = sp.nodes.get_mut("r") {
        r.icmp = false;
    }
    assert!(received(&ran(&sp), "a").is_empty(), "a black hole");
}

#[test]
fn a_packet_that_goes_in_circles_dies() {
    let mut sp = spec().host("a", A).router("r", "10.0.0.1").router("s", "10.0.0.2");
    sp = sp.link("a", "r", slow(1)).link("r", "s", slow(1)).forged(ms(0), "a", FROM, "192.0.2.1:1", 1);
    for (name, next) in [("r", "s"), ("s", "r")] {
        if let Some(spec::Node::Router(r)) = sp.nodes.get_mut(name) {
            r.routes = vec![via("192.0.2.0", 24, Some(next))];
        }
    }
    let s = ran(&sp);
    assert_eq!(drops(&s)[0], DropReason::TtlExceeded);
    let to_a = received(&s, "a");
    // Sent with 64: r forwards with 63, s with 62, …; the 64th router sees 1.
    assert_eq!((to_a[0].0, icmp(&to_a[0].1).unwrap().kind), (ms(64 + 2), IcmpKind::TtlExceeded));
}

#[test]
fn a_packet_too_large_is_refused_with_the_next_mtu() {
    let narrow = Way { mtu: 600, ..slow(10) };
    let s = ran(&through_router(slow(10), narrow).forged(ms(0), "a", FROM, TO, 1000));
    let to_a = received(&s, "a");
    assert_eq!(icmp(&to_a[0].1).unwrap().kind, IcmpKind::FragmentationNeeded(600));
    assert_eq!(drops(&s)[0], DropReason::FragmentationNeeded);
    assert!(received(&s, "b").is_empty());
}

/// 3168/12-NORESET, 8311/4.3-MBOX, 9768/3.3.2-MBOX: a router passes control packets on whatever their ECN field says, and neither
/// that nor the header bits of ECN change on the way.
#[test]
fn routers_leave_ecn_alone() {
    for ecn in [EcnCodepoint::NotEct, EcnCodepoint::Ect0, EcnCodepoint::Ect1, EcnCodepoint::Ce] {
        for bits in 0..8_u16 {
            let mut sp = through_router(slow(1), slow(1)).forged(ms(0), "a", FROM, TO, 0);
            let flags = tcp::Flags(tcp::Flags::RST.0 | bits << 6);
            for (_, fault) in &mut sp.faults {
                if let Fault::Inject(inject) = fault {
                    (inject.ecn, inject.flags) = (ecn, flags);
                }
            }
            let at_b = received(&ran(&sp), "b");
            assert_eq!((at_b[0].1.ip.ecn, at_b[0].1.tcp().unwrap().flags), (ecn, flags));
        }
    }
}

/// 8200/4.5-SRCFRAG: over IPv6 only the source cuts, whatever the packet says of it.
#[test]
fn routers_do_not_cut_ipv6() {
    let narrow = Way { mtu: 1280, ..slow(10) };
    let (a, b) = ("2001:db8::1", "2001:db8::2");
    let sp = spec().host("a", a).host("b", b).router("r", "2001:db8::ff");
    let sp = sp.link("a", "r", slow(10)).link("r", "b", narrow);
    let s = ran(&sp.forged(ms(0), "a", "[2001:db8::1]:1", "[2001:db8::2]:2", 1400));
    assert_eq!(icmp(&received(&s, "a")[0].1).unwrap().kind, IcmpKind::FragmentationNeeded(1280));
    assert_eq!(received(&s, "b").len(), 0);
}

#[test]
fn routes_are_the_shortest_and_can_be_changed() {
    // a - r, then r - b directly, or r - s - b.
    let sp = spec().host("a", A).host("b", B).router("r", "10.0.0.1").router("s", "10.0.0.2");
    let sp =
        sp.link("a", "r", slow(1)).link("b", "r", slow(10)).link("r", "s", slow(3)).link("b", "s", slow(3));
    let sp = sp
        .forged(ms(0), "a", FROM, TO, 1)
        .fault(ms(50), Fault::Routes("r".into(), vec![via(B, 32, Some("s"))]))
        .forged(ms(100), "a", FROM, TO, 1)
        .fault(ms(150), Fault::Routes("r".into(), vec![]))
        .forged(ms(200), "a", FROM, TO, 1);
    assert_eq!(times(&ran(&sp), "b"), [ms(11), ms(107), ms(211)]);
}

#[test]
fn hosts_do_not_forward() {
    // The only way from a to c would be through b.
    let sp = spec().host("a", A).host("b", B).host("c", "10.0.3.1");
    let sp = sp.link("a", "b", slow(1)).link("b", "c", slow(1)).forged(ms(0), "a", FROM, "10.0.3.1:1", 1);
    let s = ran(&sp);
    assert_eq!((times(&s, "b").len(), times(&s, "c").len()), (1, 0));
}

#[test]
fn a_queue_that_is_full_drops() {
    let narrow = Way { rate_bps: 41 * 8 * 1_000, limit: Limit::Packets(3), ..way() }; // 1 ms each
    let sp = (0..10).fold(pair(narrow), |sp, _| sp.forged(ms(0), "a", FROM, TO, 1));
    let s = ran(&sp);
    assert_eq!(times(&s, "b"), [ms(1), ms(2), ms(3), ms(4)]);
    assert_eq!((fates(&s).len(), s.pipe_counters(PipeId(0)).queue_full), (6, 6));
}

#[test]
fn a_paused_host_gets_its_packets_when_it_goes_on_and_a_crashed_one_never() {
    let sp = pair(slow(20))
        .fault(ms(1), Fault::Pause("b".into()))
        .forged(ms(0), "a", FROM, TO, 1)
        .fault(ms(100), Fault::Resume("b".into()))
        .fault(ms(200), Fault::Crash("b".into()))
        .forged(ms(200), "a", FROM, TO, 1)
        .fault(ms(300), Fault::Reboot("b".into()))
        .forged(ms(300), "a", FROM, TO, 1);
    let s = ran(&sp);
    let down = |r: &&Record| matches!(r.what, What::Dropped { why: DropReason::HostDown, .. });
    assert_eq!(s.records().iter().filter(down).map(|r| r.time).collect::<Vec<_>>(), [ms(220)]);
}

#[test]
fn faults_of_one_moment_happen_in_order_before_anything_else() {
    let sp = pair(slow(10))
        .forged(ms(0), "a", FROM, TO, 1)
        .fault(ms(10), Fault::LinkDown("a-b".into()))
        .fault(ms(10), Fault::LinkUp("a-b".into()))
        .forged(ms(10), "a", FROM, TO, 1);
    assert_eq!(times(&ran(&sp), "b"), [ms(20)]);
}
