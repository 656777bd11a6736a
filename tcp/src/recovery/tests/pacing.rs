//! Pacing rates of window controllers, and delivery rates on the model.

use super::model::{Fate, MSS, Model};
use super::rows::{linux, ms};
use crate::Config;
use crate::config::{Congestion, Pacing};

/// Linux `tcp_update_pacing_rate`: twice a window each round trip in slow start, a fifth more than one later.
#[test]
fn the_rate_follows_the_window() {
    let mut m = Model::new(Config { pacing: Pacing::Fq, ..linux() });
    m.write(30);
    m.run(ms(200));
    let window = m.sender.cwnd();
    let srtt = m.sender.srtt().as_nanos();
    let expected = |percent: u64| window * percent * 10_000_000 / srtt;
    let rate = m.sender.pacing_rate().unwrap();
    assert!(rate.abs_diff(expected(200)) <= rate / 100, "{rate}");
    // A loss sets a threshold; at and above half of it the lower ratio holds.
    let mut m = Model::new(Config { pacing: Pacing::Fq, ..linux() }).drop_first(&[3]);
    m.write(200);
    m.run(ms(1000));
    let rate = m.sender.pacing_rate().unwrap();
    let expected = m.sender.cwnd() * 120 * 10_000_000 / m.sender.srtt().as_nanos();
    assert!(m.sender.ssthresh() != u64::MAX && rate.abs_diff(expected) <= rate / 100, "{rate}, {expected}");
}

/// Not paced unless asked for; `SO_MAX_PACING_RATE` asks for it.
#[test]
fn who_is_paced() {
    let mut m = Model::new(linux());
    assert_eq!(m.sender.pacing_rate(), None);
    m.sender.set_max_pacing_rate(Some(1_000_000), &m.cfg);
    assert!(m.sender.pacing_rate().is_some_and(|rate| rate <= 1_000_000));
    assert!(Model::new(Config { congestion: Congestion::Bbr, ..linux() }).sender.pacing_rate().is_some());
    let bounded = Config { max_pacing_rate: Some(5_000), ..linux() };
    assert_eq!(Model::new(bounded).sender.pacing_rate(), Some(5_000));
}

/// Every controller brings its data through losses, reordering and silence, and its invariants hold.
#[test]
fn every_controller_in_bad_weather() {
    let all = [
        Congestion::Reno,
        Congestion::Cubic,
        Congestion::Dctcp,
        Congestion::Vegas,
        Congestion::Westwood,
        Congestion::Bbr,
        Congestion::Bbr1,
        Congestion::Fixed(20),
    ];
    for base in [Config::linux(), Config::rfc(), Config::freebsd()] {
        for congestion in all {
            for sack in [true, false] {
                let mut m = Model::with(Config { congestion, ..base.clone() }, sack);
                let mut state = 17u64;
                m.fate = Box::new(move |_, _| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    match state >> 57 {
                        0..8 => Fate::Drop,
                        8..16 => Fate::Delay(state >> 50),
                        16..18 => Fate::Twice,
                        _ => Fate::Pass,
                    }
                });
                m.write(500);
                m.run(crate::Duration::from_secs(3000));
                assert!(m.all_acknowledged(), "{congestion:?}, SACK {sack}");
                assert!(m.sender.cwnd() >= MSS);
            }
        }
    }
}
