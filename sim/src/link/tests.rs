use tcp::{Duration, Payload, Time};

use super::*;
use crate::packet::{Body, Datagram, IpHeader, Packet, PacketId};
use crate::slab::Slab;
use crate::spec::{Distribution, Limit, Loss, Way};
use crate::testing::{ms, way};
use crate::trace::{Fate, NodeId};

fn pipe(way: &Way) -> Pipe {
    Pipe::new(1, "link:a-b>", NodeId(0), NodeId(1), way)
}
fn nanos(n: u64) -> Time {
    Time::from_nanos(n)
}
fn arrival(offer: Offer) -> Option<Time> {
    match offer {
        Offer::Carried { arrival, .. } => Some(arrival),
        Offer::Lost(_) => None,
    }
}
fn example() -> Packet {
    let ip = IpHeader {
        src: [10, 0, 0, 1].into(),
        dst: [10, 0, 0, 2].into(),
        ttl: 64,
        ecn: tcp::EcnCodepoint::NotEct,
        dscp: 0,
        df: false,
        ident: 0,
    };
    let body = Body::Udp(Datagram { src: 1, dst: 2, payload: Payload::Empty });
    Packet { id: PacketId(1), ip, body, flipped_bit: None }
}

#[test]
fn transmission_takes_bits_over_rate_and_the_way_a_delay() {
    // 1500 bytes at 10 Mbit/s: 1.2 ms; the second waits for the first.
    let mut p = pipe(&Way { rate_bps: 10_000_000, delay: Duration::from_millis(5), ..way() });
    assert_eq!(arrival(p.offer(ms(0), 1500, || false)), Some(nanos(6_200_000)));
    assert_eq!(arrival(p.offer(ms(0), 1500, || false)), Some(nanos(7_400_000)));
    // After a pause the link is idle again.
    assert_eq!(arrival(p.offer(ms(100), 500, || false)), Some(nanos(105_400_000)));
}

#[test]
fn rounding_does_not_add_up_over_a_burst() {
    // 1 byte at 3 Mbit/s: 2666.67 ns; three of them: exactly 8000 ns.
    let mut p = pipe(&Way { rate_bps: 3_000_000, ..way() });
    let times: Vec<_> = (0..3).filter_map(|_| arrival(p.offer(Time::ZERO, 1, || false))).collect();
    assert_eq!(times, [nanos(2_666), nanos(5_333), nanos(8_000)]);
}

#[test]
fn a_limit_counts_what_waits_but_not_what_is_transmitted() {
    let slow = Way { rate_bps: 8_000, limit: Limit::Packets(2), ..way() }; // 1 ms a byte
    let mut p = pipe(&slow);
    let taken = (0..5).filter(|_| arrival(p.offer(Time::ZERO, 100, || false)).is_some()).count();
    assert_eq!(taken, 3, "one on the wire, two in the queue");
    assert_eq!(p.backlog(Time::ZERO), (2, 200));
    assert_eq!(p.offer(ms(99), 100, || false), Offer::Lost(Fate::QueueFull));
    assert_eq!(arrival(p.offer(ms(100), 100, || false)), Some(ms(400)), "one has left the queue");

    let mut p = pipe(&Way { limit: Limit::Bytes(250), ..slow });
    let taken: Vec<bool> =
        [100, 100, 100, 100, 50].map(|len| arrival(p.offer(Time::ZERO, len, || false)).is_some()).into();
    assert_eq!(taken, [true, true, true, false, true]);
}

#[test]
fn a_link_that_is_down_takes_nothing_and_loses_what_it_has() {
    let mut p = pipe(&Way { delay: Duration::from_millis(10), ..way() });
    let mut slab = Slab::default();
    let (normal, held) = (slab.insert(example()), slab.insert(example()));
    p.push(Flight { arrival: ms(10), handle: normal });
    p.push(Flight { arrival: ms(20), handle: held.held(true) });
    assert_eq!(p.set_down(ms(1)), [normal]);
    assert_eq!((p.on_the_way(), p.next_arrival()), (1, ms(20)), "what a rule holds is not lost");
    assert_eq!(p.offer(ms(2), 100, || false), Offer::Lost(Fate::LinkDown));
    p.set_up();
    assert_eq!(arrival(p.offer(ms(3), 100, || false)), Some(ms(13)));
}

#[test]
fn bernoulli_loses_its_share() {
    let mut p = pipe(&Way { loss: Loss::Bernoulli(100_000), ..way() });
    let lost = (0..10_000).filter(|_| p.offer(Time::ZERO, 100, || false) == Offer::Lost(Fate::Lost)).count();
    assert!((900..1_100).contains(&lost), "{lost}"); // standard deviation 30
}

#[test]
fn listed_packets_are_lost_and_no_others() {
    let mut p = pipe(&Way { loss: Loss::Listed(vec![5, 2]), ..way() });
    let lost: Vec<u64> =
        (1..=6).filter(|_| p.offer(Time::ZERO, 100, || false) == Offer::Lost(Fate::Lost)).collect();
    assert_eq!(lost, [2, 5]);
}

#[test]
fn gilbert_elliott_loses_in_bursts() {
    // In the bad state p / (p + r) = 1/11 of the time, for 1/r = 10 packets at a time.
    let loss = Loss::GilbertElliott { p: 10_000, r: 100_000, bad_loss: 1_000_000, good_loss: 0 };
    let mut p = pipe(&Way { loss, ..way() });
    let fates: Vec<bool> =
        (0..100_000).map(|_| p.offer(Time::ZERO, 100, || false) == Offer::Lost(Fate::Lost)).collect();
    let lost = fates.iter().filter(|lost| **lost).count();
    let bursts = fates.windows(2).filter(|w| !w[0] && w[1]).count();
    assert!((8_300..9_900).contains(&lost), "{lost}");
    assert!((9..=11).contains(&(lost / bursts)), "bursts of {}", lost / bursts);
}

#[test]
fn copies_come_later_and_as_often_as_they_should() {
    let dup = Way { duplicate_ppm: 200_000, duplicate_delay: Duration::from_millis(3), ..way() };
    let mut p = pipe(&dup);
    let mut copies = 0;
    for _ in 0..10_000 {
        if let Offer::Carried { arrival, luck: Some(Luck { copy: Some(copy), .. }) } =
            p.offer(ms(1), 100, || false)
        {
            assert_eq!((arrival, copy), (ms(1), ms(4)));
            copies += 1;
        }
    }
    assert!((1_850..2_150).contains(&copies), "{copies}"); // standard deviation 40
    let mut p = pipe(&Way { duplicate_ppm: 1_000_000, loss: Loss::Bernoulli(1_000_000), ..dup });
    let offer = p.offer(ms(1), 100, || false);
    assert!(matches!(offer, Offer::Carried { luck: None, .. }), "one of the two is lost: {offer:?}");
}

#[test]
fn jitter_stays_in_order_unless_it_reorders() {
    for distribution in [Distribution::Uniform, Distribution::Normal, Distribution::Pareto] {
        for reorders in [false, true] {
            let mut w = Way { delay: Duration::from_millis(50), ..way() };
            w.jitter.scale = Duration::from_millis(10);
            w.jitter.distribution = distribution;
            w.jitter.reorders = reorders;
            let mut p = pipe(&w);
            let times: Vec<Time> =
                (0..1_000).filter_map(|n| arrival(p.offer(ms(n), 100, || false))).collect();
            assert_eq!(times.is_sorted(), !reorders, "{distribution:?}");
            assert!(times.iter().zip(0..).all(|(t, n)| *t >= ms(n)), "nothing arrives before it is sent");
        }
    }
}

#[test]
fn an_overtaken_packet_arrives_later_and_holds_up_no_other() {
    let mut p = pipe(&Way { reorder_ppm: 500_000, reorder_delay: Duration::from_millis(30), ..way() });
    for n in 0..100 {
        let Offer::Carried { arrival, luck } = p.offer(ms(n), 100, || false) else { panic!("lost") };
        let overtaken = luck.is_some_and(|luck| luck.overtaken);
        assert_eq!(arrival, if overtaken { ms(n + 30) } else { ms(n) });
    }
}

#[test]
fn the_ring_is_ordered_by_arrival_then_by_handing_over() {
    let mut p = pipe(&way());
    let mut slab = Slab::default();
    let mut flights = Vec::new();
    for at in [5, 3, 9, 3, 5, 1] {
        let flight = Flight { arrival: ms(at), handle: slab.insert(example()) };
        flights.push(flight);
        p.push(flight);
    }
    flights.sort_by_key(|f| f.arrival); // stable
    let order: Vec<_> = std::iter::from_fn(|| p.pop(p.next_arrival())).collect();
    assert_eq!(order, flights.iter().map(|f| f.handle).collect::<Vec<_>>());
}
