//! Queues that keep themselves short, against their documents.

use tcp::{Duration, Time};

use super::{Arriving, Verdict};
use crate::link::{Offer, Pipe, Waiting};
use crate::packet::{Body, Datagram, IpHeader, Packet, PacketId};
use crate::slab::Slab;
use crate::spec::{Codel, Discipline, FqCodel, Limit, Pie, Red, Shape, Way};
use crate::testing::{ms, way};
use crate::trace::{Fate, NodeId};

/// A packet that comes: when, its length, its flow, whether it may be marked.
type Coming = (Time, u32, u64, bool);

/// What became of a packet, by its number in order of coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Became {
    /// Left for the other end; its last bit was out then.
    Out(Time, bool),
    Gone(Time, Fate),
}

/// Sends packets through a direction without delay, and tells what became of each, in the order in which it did.
fn through(way: &Way, coming: impl IntoIterator<Item = Coming>) -> Vec<(usize, Became)> {
    let mut pipe = Pipe::new(1, "link:a-b>", NodeId(0), NodeId(1), way);
    let (mut slab, mut handles, mut became) = (Slab::default(), Vec::new(), Vec::new());
    for (number, (now, len, flow, ect)) in coming.into_iter().enumerate() {
        leave(&mut pipe, now, &handles, &mut became);
        let handle = slab.insert(example());
        handles.push(handle);
        if !pipe.queues() {
            became.push(match pipe.offer(now, len, || ect) {
                Offer::Lost(fate) => (number, Became::Gone(now, fate)),
                Offer::Carried { arrival, luck } => {
                    (number, Became::Out(arrival, luck.is_some_and(|luck| luck.mark)))
                }
            });
            continue;
        }
        let waiting = Waiting { handle, len, since: now, ect, flow, orders: None, copied: false, flip: None };
        pipe.enqueue(waiting).expect("no chance here");
        leave(&mut pipe, now, &handles, &mut became);
    }
    leave(&mut pipe, Time::from_nanos(1 << 60), &handles, &mut became);
    became
}

/// Lets everything leave that can by `until`.
fn leave(pipe: &mut Pipe, until: Time, handles: &[crate::slab::Handle], became: &mut Vec<(usize, Became)>) {
    let number = |handle| handles.iter().position(|h| *h == handle).expect("a packet that came");
    let mut now = pipe.next_event();
    loop {
        while let Some(gone) = pipe.next_gone() {
            became.push((number(gone.handle), Became::Gone(now, gone.fate)));
        }
        now = pipe.next_event();
        if !pipe.queues() || now > until {
            return;
        }
        if let Some(left) = pipe.depart(now) {
            became.push((number(left.packet.handle), Became::Out(left.arrival, left.luck.mark)));
        }
    }
}

fn example() -> Packet {
    let ip = IpHeader {
        src: [10, 0, 0, 1].into(),
        dst: [10, 0, 0, 2].into(),
        ttl: 64,
        ecn: tcp::EcnCodepoint::Ect0,
        dscp: 0,
        df: false,
        ident: 0,
    };
    let body = Body::Udp(Datagram { src: 1, dst: 2, payload: tcp::Payload::Empty });
    Packet { id: PacketId(1), ip, body, flipped_bit: None }
}

/// A link that needs 1 ms for 1000 bytes.
fn slow(discipline: Discipline) -> Way {
    Way { rate_bps: 8_000_000, mtu: 1000, limit: Limit::Packets(100_000), discipline, ..way() }
}
/// `count` packets of 1000 bytes of one flow, one every `gap` microseconds from `from` on.
fn steady(from: Time, count: u64, gap: u64, ect: bool) -> impl Iterator<Item = Coming> {
    (0..count).map(move |n| (from + Duration::from_micros(n * gap), 1000, 0, ect))
}
fn gone(became: &[(usize, Became)]) -> Vec<Time> {
    became.iter().filter_map(|(_, b)| if let Became::Gone(at, _) = b { Some(*at) } else { None }).collect()
}
fn marks(became: &[(usize, Became)]) -> usize {
    became.iter().filter(|(_, b)| matches!(b, Became::Out(_, true))).count()
}

/// 8289/4-ENTER, 4-LAW: twice the link's rate comes. The wait reaches 5 ms at 10 ms; packet 10, which leaves then, sets
/// the interval going, and at 110 ms the first is dropped. The next are due at 100 ms over the root of 1, 2, 3 ... from
/// there, and are dropped when the link is next free, which it is every millisecond.
#[test]
fn codel_drops_by_its_law() {
    let became = through(&slow(Discipline::Codel(Codel::default())), steady(Time::ZERO, 2000, 500, false));
    let drops = gone(&became);
    let mut due = 110_000_000.0_f64;
    for (n, at) in drops.iter().take(20).enumerate() {
        let expected = (due / 1e6 - 1e-9).ceil() as u64;
        assert_eq!(*at, ms(expected), "drop {n}");
        due += 100_000_000.0 / ((n + 1) as f64).sqrt();
    }
    assert!(drops.len() > 20);
}

/// 8289/4-EXIT, 4.1-MTU: a packet may wait as long as it likes while no more than an MTU waits behind it.
#[test]
fn codel_keeps_the_last_mtu() {
    let link = Way { rate_bps: 8_000, ..slow(Discipline::Codel(Codel::default())) }; // 1 s a packet
    let became =
        through(&link, steady(Time::ZERO, 200, 2_000_000, false).chain(steady(ms(500), 1, 1, false)));
    assert_eq!(gone(&became), []);
}

/// 8289/4-REENTER: a second episode soon after the first goes on with about the rate of drops where that one ended; one
/// long after it begins anew.
#[test]
fn codel_goes_on_where_it_left_off() {
    let second_gap = |pause: u64| {
        let first = steady(Time::ZERO, 2000, 500, false);
        let second = steady(ms(2_100 + pause), 2000, 500, false);
        let became = through(&slow(Discipline::Codel(Codel::default())), first.chain(second));
        let drops: Vec<Time> = gone(&became).into_iter().filter(|at| *at > ms(2_100 + pause)).collect();
        drops[1].since(drops[0]).as_millis()
    };
    assert!(second_gap(0) < 50, "{}", second_gap(0));
    assert_eq!(second_gap(5_000), 100);
}

/// 8289/ECN: marks take the place of drops.
#[test]
fn codel_marks_what_may_be_marked() {
    let link = slow(Discipline::Codel(Codel::default()));
    let became = through(&link, steady(Time::ZERO, 2000, 500, true));
    assert_eq!(gone(&became), []);
    assert!(marks(&became) > 20);
    let off = slow(Discipline::Codel(Codel { ecn: false, ..Codel::default() }));
    assert_eq!(marks(&through(&off, steady(Time::ZERO, 2000, 500, true))), 0);
}

/// 8290/4.1-NEW: a packet of a flow that was not there passes all that waits.
#[test]
fn fq_codel_serves_new_flows_first() {
    let busy = (0..100).map(|n| (Time::ZERO, 1000, n % 2, false));
    let became =
        through(&slow(Discipline::FqCodel(FqCodel::default())), busy.chain([(ms(10), 100, 7, false)]));
    assert!(became.contains(&(100, Became::Out(Time::from_nanos(11_100_000), false))), "{:?}", &became[..14]);
}

/// 8290/4.2-FAIR: shares are of bytes, not of packets.
#[test]
fn fq_codel_shares_bytes() {
    let large = (0..400).map(|_| (Time::ZERO, 1500, 1, false));
    let small = (0..2000).map(|_| (Time::ZERO, 300, 2, false));
    let link = slow(Discipline::FqCodel(FqCodel {
        codel: Codel { target: Duration::from_secs(60), ..Codel::default() },
        ..FqCodel::default()
    }));
    let became = through(&link, large.chain(small));
    for served in [200, 600, 1200] {
        let (mut first, mut second) = (0_i64, 0_i64);
        for (number, _) in &became[..served] {
            if *number < 400 { first += 1500 } else { second += 300 }
        }
        assert!(
            (first - second).abs() <= 2 * (1514 + 1500),
            "{first} and {second} bytes of {served} packets"
        );
    }
}

/// 8290/4.1-OVERLIMIT: above the limit the fattest flow loses from its head, half of it but at most 64 packets at once.
#[test]
fn fq_codel_takes_from_the_fattest_flow() {
    let flood = (0..100).map(|_| (Time::ZERO, 1000, 1, false));
    let others = (0..10).map(|n| (Time::ZERO, 1000, 2 + n, false));
    let flood = flood.chain(others).chain((0..100).map(|_| (Time::ZERO, 1000, 1, false)));
    let link = Way { limit: Limit::Packets(150), ..slow(Discipline::FqCodel(FqCodel::default())) };
    let became = through(&link, flood);
    let lost: Vec<usize> = became
        .iter()
        .filter(|(_, b)| matches!(b, Became::Gone(_, Fate::QueueFull)))
        .map(|(n, _)| *n)
        .collect();
    assert_eq!(lost, (1..65).collect::<Vec<_>>(), "packet 0 is in transmission; those of other flows stay");
}

/// 8033/4.4-BURST: 150 ms of twice the rate pass untouched; what goes on longer is thinned out.
#[test]
fn pie_lets_a_burst_pass() {
    let link = slow(Discipline::Pie(Pie::default()));
    assert_eq!(gone(&through(&link, steady(Time::ZERO, 300, 500, false))), []);
    let drops = gone(&through(&link, steady(Time::ZERO, 4000, 500, false)));
    assert!(drops[0] >= ms(150) && !drops.is_empty());
}

/// 8033/4.2-UPDATE, 4.2-DECAY, 5.5-CAP: the probability after each step against the document's formula in floats.
#[test]
fn pie_follows_its_formula() {
    let mut pie = super::Pie::new(1, "link:a-b>");
    pie.change(Pie::default());
    let (mut model, mut old) = (0.0_f64, 0.0_f64);
    for step in 1..2000_u64 {
        // A delay that rises to 60 ms, falls to nothing, and stays there.
        let now = ms(15 * step);
        let delay =
            if step < 400 { step * 150_000 } else { 60_000_000_u64.saturating_sub((step - 400) * 1_000_000) };
        pie.drained = now + Duration::from_nanos(delay);
        pie.catch_up(now);
        let seconds = delay as f64 / 1e9;
        let mut p = 0.125 * (seconds - 0.015) + 1.25 * (seconds - old);
        p /= [(1e-6, 2048.0), (1e-5, 512.0), (1e-4, 128.0), (1e-3, 32.0), (1e-2, 8.0), (1e-1, 2.0)]
            .iter()
            .find(|(below, _)| model < *below)
            .map_or(1.0, |(_, by)| *by);
        if model >= 0.1 {
            p = p.min(0.02);
        }
        model = (model + p).clamp(0.0, 1.0);
        if seconds == 0.0 && old == 0.0 {
            model *= 0.98;
        }
        old = seconds;
        let ours = pie.probability as f64 / super::pie::ONE as f64;
        assert!((ours - model).abs() < 1e-6 + model * 1e-4, "step {step}: {ours} and {model}");
    }
    assert_eq!(pie.probability, 0, "idle: it is forgotten");
}

/// 8033/4.2-UPDATE: nothing waits while nothing is sent, however long that is.
#[test]
fn pie_counts_no_delay_while_idle() {
    let mut pie = super::Pie::new(1, "link:a-b>");
    pie.change(Pie::default());
    for now in [ms(10), ms(100_000), ms(200_007)] {
        let packet = Arriving {
            now,
            start: now,
            idle_since: Time::ZERO,
            len: 1500,
            ect: false,
            listed: Verdict::Take,
        };
        assert_eq!(pie.judge(0, packet), Verdict::Take);
        assert_eq!(pie.probability, 0, "at {now}");
    }
}

/// 8033/4.2-REF: under a load that does not yield, the delay comes down to the target.
#[test]
fn pie_keeps_the_delay_near_its_target() {
    let became = through(&slow(Discipline::Pie(Pie::default())), steady(Time::ZERO, 60_000, 800, false));
    let delays: Vec<u64> = became[50_000..]
        .iter()
        .filter_map(|(number, b)| match b {
            Became::Out(at, _) => Some(at.since(Time::from_nanos(*number as u64 * 800_000)).as_micros()),
            Became::Gone(..) => None,
        })
        .collect();
    let mean = delays.iter().sum::<u64>() / delays.len() as u64;
    assert!((10_000..25_000).contains(&mean), "mean delay {mean} us");
}

/// RED/2-PROB: at a fixed average the gaps between drops are spread evenly over 1 to 1/p, so they average half of that,
/// instead of 1/p as independent drops would.
#[test]
fn red_spreads_its_drops_evenly() {
    let mut red = super::Red::new(1, "link:a-b>");
    let config = Red { min: 0, max: 20, probability_ppm: 100_000, weight_ppm: 0, ..Red::default() };
    red.change(config, &slow(Discipline::Red(config)));
    red.average = 10 << 32; // half way: 5 %
    let packet =
        Arriving { now: ms(1), start: ms(2), idle_since: ms(2), len: 100, ect: false, listed: Verdict::Take };
    let (mut gaps, mut gap) = (Vec::new(), 0_u64);
    for _ in 0..20_000 {
        gap += 1;
        if red.judge(10, packet) == Verdict::Early {
            gaps.push(std::mem::take(&mut gap));
        }
    }
    let (longest, mean) = (gaps.iter().max(), gaps.iter().sum::<u64>() * 10 / gaps.len() as u64);
    assert_eq!(longest, Some(&20), "no gap is longer than 1/p");
    assert!((100..112).contains(&mean), "mean gap {mean} tenths");
}

/// RED/3-MAXTH: beyond the upper threshold the probability goes on up to one at twice that (`gentle`); without it, all go at once.
/// Half way, with a tenth at the threshold, it is 0.55: drops spread evenly over one and two packets, 1.45 from one to the next.
#[test]
fn gentle_red_goes_up_to_twice_the_upper_threshold() {
    for (gentle, average, tenths) in [
        (true, 10, 100..112),
        (true, 19, 55..61),
        (true, 30, 14..16),
        (true, 40, 10..11),
        (false, 20, 10..11),
    ] {
        let config =
            Red { min: 0, max: 20, probability_ppm: 100_000, weight_ppm: 0, gentle, ..Red::default() };
        let mut red = super::Red::new(1, "link:a-b>");
        red.change(config, &slow(Discipline::Red(config)));
        red.average = average << 32;
        let packet = Arriving {
            now: ms(1),
            start: ms(2),
            idle_since: ms(2),
            len: 100,
            ect: false,
            listed: Verdict::Take,
        };
        let dropped = (0..20_000).filter(|_| red.judge(average as usize, packet) == Verdict::Early).count();
        let apart = 200_000 / dropped;
        assert!(
            tenths.contains(&apart),
            "{apart} tenths of a packet from one drop to the next at {average}, gentle: {gentle}"
        );
    }
}

/// RED/1-EWMA: the average against floats, with an idle time in the middle; RED/3-MAXTH: above, everything goes.
#[test]
fn red_averages_and_forgets_while_idle() {
    let config = Red { min: 50, max: 60, weight_ppm: 2_000, gentle: false, ..Red::default() };
    let mut red = super::Red::new(1, "link:a-b>");
    red.change(config, &slow(Discipline::Red(config)));
    let busy =
        Arriving { now: ms(1), start: ms(2), idle_since: ms(2), len: 100, ect: true, listed: Verdict::Take };
    let mut model = 0.0_f64;
    for waiting in 0..2_000 {
        red.follow(waiting, busy);
        model += 0.002 * (waiting as f64 - model);
    }
    assert!((red.average as f64 / (1_u64 << 32) as f64 - model).abs() < 0.01);
    assert_eq!(red.judge(2_000, busy), Verdict::Early, "marks do not help above the upper threshold");
    // 500 ms without a packet are 1,000 small ones of 0.5 ms.
    let idle = Arriving { now: ms(1_000), start: ms(1_000), idle_since: ms(500), ..busy };
    let before = red.average as f64;
    red.follow(0, idle);
    let expected = before * 0.998_f64.powi(1_001);
    assert!((red.average as f64 / expected - 1.0).abs() < 0.001);
}

/// A full bucket passes at the link's rate, then packets come at the bucket's; unused time fills it again, no further.
#[test]
fn a_shaper_lets_a_burst_pass_and_then_keeps_its_rate() {
    let shape = Some(Shape { rate_bps: 800_000, burst: 5_000 }); // 10 ms for 1000 bytes
    let link = Way { shape, ..slow(Discipline::DropTail) };
    let out = |became: Vec<(usize, Became)>| -> Vec<u64> {
        let at =
            |(_, b): &(usize, Became)| if let Became::Out(at, _) = b { at.as_nanos() / 1_000 } else { 0 };
        became.iter().map(at).collect()
    };
    let times = out(through(&link, steady(Time::ZERO, 8, 0, false).chain(steady(ms(1_000), 6, 0, false))));
    // Five pass, a millisecond each; of the tokens for the sixth, 5 ms worth have come in by then, from 0 ms on.
    assert_eq!(times[..8], [1_000, 2_000, 3_000, 4_000, 5_000, 11_000, 21_000, 31_000]);
    assert_eq!(times[8..], [1_001_000, 1_002_000, 1_003_000, 1_004_000, 1_005_000, 1_011_000]);
    let codel = Way { discipline: Discipline::Codel(Codel::default()), ..link };
    assert_eq!(out(through(&codel, steady(Time::ZERO, 8, 0, false)))[..7], times[..7]);
}

/// 8290/5.2-DEFAULTS, 8289/3.1-INTERVAL, 4.3-TARGET, 8033/4.2-REF: what the documents recommend is what one gets.
#[test]
fn defaults_are_those_of_the_documents() {
    let (codel, fq, pie) = (Codel::default(), FqCodel::default(), Pie::default());
    assert_eq!((codel.target, codel.interval), (Duration::from_millis(5), Duration::from_millis(100)));
    assert_eq!((fq.codel, fq.flows, fq.quantum), (codel, 1024, 1514));
    assert_eq!((pie.target, pie.update), (Duration::from_millis(15), Duration::from_millis(15)));
    assert_eq!((pie.burst, pie.ecn_most_ppm), (Duration::from_millis(150), 100_000));
    assert!(codel.ecn && fq.codel.ecn && pie.ecn && Red::default().ecn);
}

/// 7567/4.6-NORELY, 8290/5.2.3-LIMIT: a flood that yields to nothing, and may be marked, does not make a queue longer
/// than its limit.
#[test]
fn a_flood_does_not_pass_the_limit() {
    let kinds = [
        Discipline::DropTail,
        Discipline::Red(Red::default()),
        Discipline::Pie(Pie::default()),
        Discipline::Codel(Codel::default()),
        Discipline::FqCodel(FqCodel::default()),
    ];
    for kind in kinds {
        let link = Way { limit: Limit::Packets(50), ..slow(kind) };
        let longest = through(&link, steady(Time::ZERO, 20_000, 100, true))
            .iter()
            .filter_map(|(number, became)| match became {
                Became::Out(at, _) => Some(at.since(Time::from_nanos(*number as u64 * 100_000)).as_micros()),
                Became::Gone(..) => None,
            })
            .max();
        assert!(
            longest <= Some(52_000),
            "{kind:?}: {longest:?} us for 50 packets of 1 ms and the one on the wire"
        );
    }
}

/// 8033/5.1-ECN: marks help up to a probability of 10 %; beyond, also what may be marked is dropped.
#[test]
fn pie_marks_before_it_drops() {
    let became = through(&slow(Discipline::Pie(Pie::default())), steady(Time::ZERO, 8000, 500, true));
    let first = |wanted: fn(&Became) -> bool| became.iter().position(|(_, became)| wanted(became));
    let marked = first(|became| matches!(became, Became::Out(_, true))).expect("marks");
    let dropped = first(|became| matches!(became, Became::Gone(..))).expect("drops");
    assert!(marked < dropped);
}

/// 8033/5.4-DERAND: with a probability of 10 %, drops are at least 9 packets apart and at most 85. 8033/4.1-DROP: none
/// while little waits.
#[test]
fn pie_spaces_its_drops() {
    let mut pie = super::Pie::new(1, "link:a-b>");
    pie.probability = super::pie::ONE / 10;
    pie.delay_old = Duration::from_millis(15);
    let drops: Vec<usize> = (0..20_000).filter(|_| pie.drops(100_000)).collect();
    let gaps: Vec<usize> = drops.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (9..=86).contains(gap)), "{gaps:?}");
    assert!((0..1_000).all(|_| !pie.drops(3_000)), "two packets");
    pie.delay_old = Duration::from_millis(7);
    assert!((0..1_000).all(|_| !pie.drops(100_000)), "half the target, and less than 20 %");
}

/// 8290/4.2-SELECT: who is served, against the rules of the document written down plainly, on arrivals at random.
#[test]
fn fq_codel_serves_by_the_rules() {
    let mut dice = crate::rng::Stream::new(7, "test");
    let mut at = Time::ZERO;
    let coming: Vec<Coming> = (0..3_000)
        .map(|_| {
            at += Duration::from_micros(dice.below(1_500));
            (at, 40 + dice.below(1_460) as u32, dice.below(5), false)
        })
        .collect();
    let codel = Codel { target: Duration::from_secs(3_600), ..Codel::default() }; // never drops
    let config = FqCodel { codel, flows: 5, quantum: 300 };
    let link = slow(Discipline::FqCodel(config));
    let served: Vec<usize> = through(&link, coming.iter().copied()).into_iter().map(|(n, _)| n).collect();
    assert_eq!(served, plainly(&coming, 300));
}

/// The order in which FQ-CoDel's lists serve packets over a link that needs 1 us for a byte.
fn plainly(coming: &[Coming], quantum: i64) -> Vec<usize> {
    let (mut queues, mut credits) = (vec![Vec::new(); 5], [0_i64; 5]);
    let (mut new, mut old, mut served) = (Vec::new(), Vec::new(), Vec::new());
    let (mut free, mut next) = (Time::ZERO, 0);
    while served.len() < coming.len() {
        // What has come by the time at which the link is free; if nothing waits, that is when the next one comes.
        if queues.iter().all(|queue: &Vec<usize>| queue.is_empty()) {
            free = free.max(coming[next].0);
        }
        while next < coming.len() && coming[next].0 <= free {
            let flow = coming[next].2 as usize;
            queues[flow].push(next);
            if !new.contains(&flow) && !old.contains(&flow) {
                new.push(flow);
                credits[flow] = quantum;
            }
            next += 1;
            if coming[next - 1].0 == free && queues.iter().map(Vec::len).sum::<usize>() == 1 {
                break; // it leaves at once, before another of the same moment comes
            }
        }
        loop {
            let (list, is_new) = if new.is_empty() { (&mut old, false) } else { (&mut new, true) };
            let flow = list[0];
            if credits[flow] <= 0 {
                credits[flow] += quantum;
                list.remove(0);
                old.push(flow);
            } else if queues[flow].is_empty() {
                list.remove(0);
                if is_new {
                    old.push(flow);
                }
            } else {
                let packet = queues[flow].remove(0);
                credits[flow] -= i64::from(coming[packet].1);
                free += Duration::from_micros(u64::from(coming[packet].1));
                served.push(packet);
                break;
            }
        }
    }
    served
}

/// What comes just when a packet has left, and others wait, finds the transmitter at work: each leaves when it does behind a
/// plain queue, to the nanosecond.
#[test]
fn rounding_goes_on_to_the_next_packet_while_packets_wait() {
    let left = |discipline: Discipline| {
        // A packet of 100 bytes takes 266,666 ns and two thirds.
        let way = Way { rate_bps: 3_000_000, discipline, ..way() };
        let mut pipe = Pipe::new(1, "link:a-b>", NodeId(0), NodeId(1), &way);
        let (mut slab, mut handles, mut became) = (Slab::default(), Vec::new(), Vec::new());
        for now in [0, 0, 266_666].map(Time::from_nanos) {
            let handle = slab.insert(example());
            handles.push(handle);
            if pipe.queues() {
                let (orders, copied, flip) = (None, false, None);
                let packet =
                    Waiting { handle, len: 100, since: now, ect: false, flow: 0, orders, copied, flip };
                pipe.enqueue(packet).expect("no chance here");
                if now == Time::ZERO {
                    leave(&mut pipe, now, &handles, &mut became);
                }
            } else if let Offer::Carried { arrival, .. } = pipe.offer(now, 100, || false) {
                became.push((became.len(), Became::Out(arrival, false)));
            }
        }
        leave(&mut pipe, ms(10), &handles, &mut became);
        became
    };
    let out = [266_666, 533_333, 800_000].map(|nanos| Became::Out(Time::from_nanos(nanos), false));
    for discipline in
        [Discipline::DropTail, Discipline::Codel(Codel::default()), Discipline::FqCodel(FqCodel::default())]
    {
        let became: Vec<_> = left(discipline).into_iter().map(|(_, became)| became).collect();
        assert_eq!(became, out);
    }
}
