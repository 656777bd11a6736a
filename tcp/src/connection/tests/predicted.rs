//! Header prediction and the expected acknowledgment: taken where they are meant to be, and the same as the checks in full.
//! `crate::shortcut` compares the two ways wherever one of these is taken, here and in every other test.

use proptest::prelude::*;

use super::*;
use crate::config::{Congestion, LossDetection};
use crate::shortcut::tests::taken;

/// Buffers that count data alone, large enough for any window here.
fn roomy(config: Config) -> Config {
    Config { rcv_buf: 1 << 20, snd_buf: 1 << 20, ..config.counting_data() }
}

/// Writes as much as is taken, reads all there is, for so long.
fn transfer(pair: &mut Pair, sides: &[char], millis: u64) {
    for _ in 0..millis / 5 {
        for side in sides {
            let _ = pair.call(*side, |t, now, out| {
                t.send(now, Payload::Pattern { stream: 1, offset: 0, len: 30_000 }, SendFlags::default(), out)
            });
        }
        pair.run_for(5);
        for side in ['a', 'b'] {
            while matches!(pair.read(side, 1 << 20), Ok(Received::Data(data)) if !data.is_empty()) {}
        }
    }
}

/// Nearly each segment of a transfer one way is predicted.
#[test]
fn a_transfer_takes_the_short_ways() {
    for base in [Config::linux(), Config::rfc(), Config::freebsd()] {
        let config = Config { ecn: crate::config::Ecn::Off, ..roomy(base) };
        let mut pair = Pair::established(config.clone(), config);
        let before = taken();
        transfer(&mut pair, &['a'], 2000);
        let (ways, segments) = (taken() - before, pair.sent.len() as u64);
        assert!(segments > 1000 && ways * 10 >= segments * 9, "{ways} short ways for {segments} segments");
    }
}

/// After a loss is repaired the short ways are taken again.
#[test]
fn a_loss_is_forgotten() {
    let config = roomy(Config::linux());
    let mut pair = Pair::established(config.clone(), config);
    let mut n = 0;
    pair.wire = Box::new(move |side, _| {
        n += u32::from(side == 'a');
        if side == 'a' && n == 60 { Fate::Drop } else { Fate::Deliver }
    });
    transfer(&mut pair, &['a'], 500);
    assert_eq!(pair.connection('a').info(pair.now).retransmitted, 1);
    let (before, segments) = (taken(), pair.sent.len());
    transfer(&mut pair, &['a'], 500);
    let (ways, segments) = (taken() - before, (pair.sent.len() - segments) as u64);
    assert!(ways * 10 >= segments * 9, "{ways} short ways for {segments} segments");
}

fn configs() -> impl Strategy<Value = Config> {
    let base = prop_oneof![
        3 => Just(roomy(Config::linux())),
        1 => Just(Config::linux()),
        1 => Just(roomy(Config::rfc())),
        1 => Just(roomy(Config::freebsd())),
    ];
    let congestion = prop_oneof![
        Just(Congestion::Reno),
        Just(Congestion::Cubic),
        Just(Congestion::Bbr),
        Just(Congestion::Fixed(20)),
        Just(Congestion::Vegas),
    ];
    let detection = prop_oneof![
        3 => Just(LossDetection::Rack),
        1 => Just(LossDetection::Sack),
        1 => Just(LossDetection::NewReno),
    ];
    (base, congestion, detection, any::<[bool; 5]>()).prop_map(|(base, congestion, loss_detection, bits)| {
        let [timestamps, sack, cubic_ticks, tail_loss_probe, cwnd_in_segments] = bits;
        Config {
            congestion,
            loss_detection,
            timestamps,
            sack,
            cubic_ticks,
            tail_loss_probe,
            cwnd_in_segments,
            ..base
        }
    })
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        40 => Just(Fate::Deliver),
        2 => Just(Fate::Drop),
        1 => (0u64..30_000).prop_map(|us| Fate::Late(Duration::from_micros(us))),
        1 => (0u64..30_000).prop_map(|us| Fate::Twice(Duration::from_micros(us))),
        1 => Just(Fate::Mark),
    ];
    proptest::collection::vec(fate, 1..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the two ends are and the path does, both ways lead to the same place.
    #[test]
    fn both_ways_are_one(a in configs(), b in configs(), fates in fates(), both in any::<bool>()) {
        let mut pair = Pair::established(a, b);
        let mut n = 0;
        pair.wire = Box::new(move |_, _| {
            n += 1;
            fates.get(n % (2 * fates.len())).copied().unwrap_or(Fate::Deliver)
        });
        transfer(&mut pair, if both { &['a', 'b'] } else { &['a'] }, 300);
    }
}
