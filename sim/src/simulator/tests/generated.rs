//! Networks, faults and rules at random: no panic, no packet unaccounted for, traced or not the same.

use proptest::prelude::*;

use super::whole_runs::echo;
use super::*;
use crate::spec::{Codel, Discipline, Distribution, FqCodel, Inject, Jitter, Pie, Red, SeqRef, Shape};

fn ppm() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(0), 4 => 0..300_000u32, 1 => Just(1_000_000)]
}
fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        2 => Just(Duration::ZERO),
        8 => (0..50_000u64).prop_map(Duration::from_micros),
        1 => Just(Duration::MAX),
    ]
}
fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        Just(Loss::None),
        ppm().prop_map(Loss::Bernoulli),
        (ppm(), ppm(), ppm(), ppm()).prop_map(|(p, r, bad_loss, good_loss)| Loss::GilbertElliott {
            p,
            r,
            bad_loss,
            good_loss
        }),
        prop::collection::vec(0..50u64, 0..5).prop_map(Loss::Listed),
    ]
}
fn jitter() -> impl Strategy<Value = Jitter> {
    let shape =
        prop_oneof![Just(Distribution::Uniform), Just(Distribution::Normal), Just(Distribution::Pareto)];
    (duration(), shape, ppm(), any::<bool>()).prop_map(|(scale, distribution, correlation_ppm, reorders)| {
        Jitter { scale, distribution, correlation_ppm, reorders }
    })
}
fn any_way() -> impl Strategy<Value = Way> {
    let rate = prop_oneof![Just(0), 10_000..100_000_000u64, Just(1), Just(u64::MAX)];
    let limit = prop_oneof![
        Just(Limit::Unlimited),
        (0..30u32).prop_map(Limit::Packets),
        (0..30_000u64).prop_map(Limit::Bytes)
    ];
    let queue = (limit, discipline(), prop::option::of(shape()));
    (rate, duration(), jitter(), loss(), (ppm(), duration()), (ppm(), duration()), ppm(), 28..1500u16, queue)
        .prop_map(|(rate_bps, delay, jitter, loss, dup, reorder, corrupt_ppm, mtu, queue)| Way {
            rate_bps,
            delay,
            jitter,
            loss,
            duplicate_ppm: dup.0,
            duplicate_delay: dup.1,
            reorder_ppm: reorder.0,
            reorder_delay: reorder.1,
            corrupt_ppm,
            mtu,
            listed: None,
            limit: queue.0,
            discipline: queue.1,
            shape: queue.2,
        })
}
fn discipline() -> impl Strategy<Value = Discipline> {
    let red = (0..20u32, 0..40u32, ppm(), ppm(), any::<bool>(), any::<bool>()).prop_map(
        |(min, max, probability_ppm, weight_ppm, gentle, ecn)| {
            Discipline::Red(Red { min, max, probability_ppm, weight_ppm, gentle, ecn })
        },
    );
    let pie = (duration(), duration(), duration(), any::<bool>(), ppm()).prop_map(
        |(target, update, burst, ecn, ecn_most_ppm)| {
            Discipline::Pie(Pie { target, update, burst, ecn, ecn_most_ppm })
        },
    );
    let codel = || {
        (duration(), duration(), any::<bool>()).prop_map(|(target, interval, ecn)| Codel {
            target,
            interval,
            ecn,
        })
    };
    let flows = (codel(), 0..5u32, 0..3_000u32)
        .prop_map(|(codel, flows, quantum)| Discipline::FqCodel(FqCodel { codel, flows, quantum }));
    prop_oneof![Just(Discipline::DropTail), red, pie, codel().prop_map(Discipline::Codel), flows]
}
fn shape() -> impl Strategy<Value = Shape> {
    (prop_oneof![Just(0), 10_000..100_000_000u64, Just(u64::MAX)], prop_oneof![0..3_000u64, Just(u64::MAX)])
        .prop_map(|(rate_bps, burst)| Shape { rate_bps, burst })
}
fn seq() -> impl Strategy<Value = SeqRef> {
    prop_oneof![
        any::<u32>().prop_map(SeqRef::Absolute),
        any::<i64>().prop_map(SeqRef::SenderIsn),
        (-2..5_000i64).prop_map(SeqRef::ReceiverIsn),
        (-2..5_000i64).prop_map(SeqRef::Expected),
    ]
}
fn inject() -> impl Strategy<Value = Fault> {
    let at = prop_oneof![Just("a"), Just("r"), Just("b")];
    (at, any::<bool>(), 0..0x200u16, seq(), seq(), prop_oneof![0..2_000u32, Just(u32::MAX)]).prop_map(
        |(at, forth, flags, seq, ack, len)| {
            let (src, dst) = if forth { ("10.0.1.1:32768", TO) } else { (TO, "10.0.1.1:32768") };
            Fault::Inject(Box::new(Inject {
                at: at.to_string(),
                src: src.parse().unwrap(),
                dst: dst.parse().unwrap(),
                flags: tcp::Flags(flags),
                seq,
                ack,
                wnd: 1000,
                urg: 0,
                options: Default::default(),
                stamps: None,
                sack: Vec::new(),
                payload: tcp::Payload::Pattern { stream: 3, offset: 0, len },
                ecn: tcp::EcnCodepoint::Ect0,
                ident: 0,
                pieces: Vec::new(),
            }))
        },
    )
}
fn fault() -> impl Strategy<Value = Fault> {
    let link = || prop_oneof![Just("a-r".to_string()), Just("r-b".to_string())];
    let host = || prop_oneof![Just("a".to_string()), Just("b".to_string())];
    prop_oneof![
        link().prop_map(Fault::LinkDown),
        link().prop_map(Fault::LinkUp),
        (link(), prop::option::of(any_way()))
            .prop_map(|(link, way)| Fault::LinkChange(link, [way.map(Box::new), None])),
        host().prop_map(Fault::Crash),
        host().prop_map(Fault::Reboot),
        host().prop_map(Fault::Pause),
        host().prop_map(Fault::Resume),
        Just(Fault::Kill("server".into())),
        Just(Fault::Routes("r".into(), vec![via(B, 32, None)])),
        Just(Fault::Routes("r".into(), vec![])),
        inject(),
        inject(),
    ]
}
fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Drop),
        (0..5u32, duration()).prop_map(|(copies, after)| Action::Duplicate { copies, after }),
        duration().prop_map(Action::Delay),
        (0..2_000u64).prop_map(|n| Action::HoldUntil(ms(n))),
        any::<Option<u32>>().prop_map(Action::Corrupt),
        Just(Action::MarkCe),
    ]
}
fn any_rule() -> impl Strategy<Value = FateRule> {
    let link = prop_oneof![Just(None), Just(Some("r-b".to_string()))];
    let nth = prop::option::of((1..20u64).prop_map(|n| Nth::Listed(vec![n])));
    let range = || prop::option::of((0..3_000u64, 0..6_000u64));
    (link, nth, range(), range(), action()).prop_map(|(link, nth, seq, ack, action)| {
        rule(Match { link, nth, seq, ack, ..Match::default() }, action)
    })
}

proptest! {
    #[test]
    fn nothing_breaks(
        ways in (any_way(), any_way()), len in 0..20_000u64, seed in any::<u64>(),
        faults in prop::collection::vec((0..3_000u64, fault()), 0..6),
        rules in prop::collection::vec(any_rule(), 0..4),
    ) {
        let mut sp = echo(ways.0, ways.1, len);
        sp.seed = seed;
        sp.until = ms(20_000);
        sp.rules = rules;
        sp.faults = faults.into_iter().map(|(at, fault)| (ms(at), fault)).collect();
        let mut s = Simulator::new(&sp, TraceLevel::Verbose);
        let mut halfway = None;
        while s.step() {
            if s.events() == 50 {
                halfway = Some(s.clone());
            }
        }
        s.check_conservation();
        let mut untraced = Simulator::new(&sp, TraceLevel::Off);
        untraced.run();
        prop_assert_eq!(s.trace_hash(), untraced.trace_hash());
        let mut unqueued = Simulator::new(&sp, TraceLevel::Off);
        while unqueued.step_searching() {}
        prop_assert_eq!((unqueued.trace_hash(), unqueued.events()), (s.trace_hash(), s.events()));
        if let Some(mut branch) = halfway {
            branch.run();
            prop_assert_eq!(branch.records(), s.records());
        }
        for (packet, _) in s.records().iter().filter_map(|r| match &r.what {
            What::Sent { packet, why, .. } => Some((packet, why)),
            _ => None,
        }) {
            let bytes = crate::wire::encode(packet);
            prop_assert_eq!(bytes.len(), packet.len() as usize);
        }
    }
}
