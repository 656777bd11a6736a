//! What holds whatever the path does and whatever a peer invents. The invariants themselves are in `Sender::check`,
//! which the model calls after each step.

use proptest::prelude::*;

use super::model::{Fate, MSS, Model, START};
use crate::config::{Congestion, LossDetection, Undoing};
use crate::recovery::{Ack, Echo};
use crate::{Config, Duration, SackBlocks, Time};

fn configs() -> impl Strategy<Value = (Config, bool, bool)> {
    let detection = prop_oneof![
        Just(LossDetection::Rack),
        Just(LossDetection::Sack),
        Just(LossDetection::NewReno),
        Just(LossDetection::TimeoutOnly)
    ];
    let congestion = prop_oneof![Just(Congestion::Reno), Just(Congestion::Cubic), Just(Congestion::Fixed(5))];
    let base = prop_oneof![Just(Config::linux()), Just(Config::rfc()), Just(Config::freebsd())];
    let undo = prop_oneof![
        Just(Undoing::Off),
        Just(Undoing::Restore),
        Just(Undoing::RestoreTimeout),
        Just(Undoing::Eifel)
    ];
    (base, detection, congestion, undo, any::<[bool; 5]>()).prop_map(
        |(base, loss_detection, congestion, undo, bits)| {
            let [prr, frto, tail_loss_probe, sack, timestamps] = bits;
            let config = Config { loss_detection, congestion, prr, frto, undo, tail_loss_probe, ..base };
            (config, sack, timestamps)
        },
    )
}
fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        6 => Just(Fate::Pass),
        2 => Just(Fate::Drop),
        1 => (0u64..30_000).prop_map(Fate::Delay),
        1 => Just(Fate::Twice)
    ];
    proptest::collection::vec(fate, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Everything arrives in the end, the counters are right all the way, cwnd is never below a segment.
    #[test]
    fn any_path((cfg, sack, timestamps) in configs(), data in fates(), acks in fates(), segments in 1u64..120) {
        let mut m = Model::with(cfg, sack);
        m.timestamps = timestamps;
        let mut n = 0;
        m.fate = Box::new(move |_, _| {
            n += 1;
            data.get(n - 1).copied().unwrap_or(Fate::Pass)
        });
        let mut n = 0;
        m.ack_fate = Box::new(move |_| {
            n += 1;
            acks.get(n - 1).copied().unwrap_or(Fate::Pass)
        });
        m.write(segments);
        m.run(Duration::from_secs(40_000));
        prop_assert!(m.all_acknowledged(), "{} unsent, {} in flight", m.unsent, m.sender.flight());
    }

    /// No acknowledgment, however absurd, breaks anything, makes the sender exceed its own memory, or starve.
    #[test]
    fn any_acknowledgment(
        (cfg, sack, _) in configs(),
        steps in proptest::collection::vec(
            (0u64..60, proptest::collection::vec((-3000i64..60_000, -3000i64..60_000), 0..4), any::<[bool; 5]>(), 0u64..400),
            0..80,
        ),
    ) {
        let mut m = Model::with(cfg, sack);
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(60);
        for (ack, blocks, [has_data, window_changed, ece, has_echo, odd], wait) in steps {
            let mut sack = SackBlocks::default();
            for (left, right) in blocks {
                let round = |n: i64| if odd { n } else { n / MSS as i64 * MSS as i64 };
                let at = |n: i64| crate::Seq(START.0.wrapping_add_signed(round(n))).wire();
                sack.push(at(left), at(right));
            }
            let from = Time::from_nanos(m.now.as_nanos() / 1_000_000 * 1_000_000);
            let echo = Echo { from: from - Duration::from_millis(wait), to: from };
            let ack = (START + ack * MSS / 2).min(m.sender.nxt());
            m.feed(&Ack {
                ack,
                sack,
                echo: has_echo.then_some(echo),
                has_data,
                window_changed,
                ece,
                new_data_ready: m.unsent > 0,
            });
            let until = m.now + Duration::from_millis(wait);
            m.run(until.since(Time::from_nanos(1_000_000_000)));
        }
    }
}
