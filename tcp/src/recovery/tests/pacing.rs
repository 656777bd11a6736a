//! Pacing rates of window controllers, and delivery rates on the model.

use super::model::{Fate, MSS, Model};
use super::rows::{linux, ms, plain_ack};
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

/// 8257/3.5-RTO, BBR/5.6-RTO: after a timeout DCTCP has one segment, BBR what is still in flight and one more.
#[test]
fn timeouts_of_controllers() {
    for (congestion, window) in [(Congestion::Dctcp, 1), (Congestion::Bbr, 1)] {
        let mut m = Model::new(Config { congestion, tail_loss_probe: false, ..linux() });
        m.write(20);
        m.run(ms(200));
        let before = m.cwnd();
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(8);
        m.run(ms(1000));
        assert!(m.sender.retries() > 0 && before > 8);
        assert_eq!(m.cwnd(), window, "{congestion:?}");
        // Once the path works again BBR has its window back; DCTCP begins with slow start.
        m.fate = Box::new(|_, _| Fate::Pass);
        m.run(ms(3000));
        assert_eq!(m.cwnd() >= before, congestion == Congestion::Bbr, "{congestion:?}: {}", m.cwnd());
    }
    // What was sent within the last round trip is not given up (RFC 8985, section 6.3): it stays in flight.
    let mut m = Model::new(Config { congestion: Congestion::Bbr, tail_loss_probe: false, ..linux() });
    m.write(20);
    m.run(ms(200));
    m.fate = Box::new(|_, _| Fate::Drop);
    m.write(2);
    m.run(ms(405));
    m.write(3);
    m.run(ms(425));
    assert!(m.sender.retries() > 0);
    assert_eq!(m.cwnd(), m.sender.pipe(&m.cfg) / MSS);
    assert!(m.cwnd() > 1, "{}", m.cwnd());
}

/// BBR/4.1-DELIV: what counts as delivered is the peer's acknowledgment of data, each octet once; segments without data
/// are neither in flight nor delivered.
#[test]
fn every_octet_is_delivered_once() {
    let mut m = Model::new(Config { congestion: Congestion::Bbr, ..linux() }).drop_first(&[3, 4, 17]);
    m.write(40);
    m.run(ms(2000));
    assert!(m.all_acknowledged());
    assert_eq!(m.sender.delivered(), 40 * MSS);
    let ack = plain_ack(m.sender.una());
    m.feed(&ack);
    assert_eq!((m.sender.delivered(), m.sender.pipe(&m.cfg)), (40 * MSS, 0));
}

/// BBR/4.2-RTTAMB: a segment that was sent twice tells no round-trip time, whatever the controller.
#[test]
fn bbr_samples_respect_karn() {
    let cfg = Config { congestion: Congestion::Bbr, tail_loss_probe: false, ..linux() };
    let mut m = Model::with(cfg, false).no_timestamps();
    m.write(1);
    m.run(ms(100));
    let srtt = m.sender.srtt();
    m.fate = Box::new(|_, copy| if copy == 0 { Fate::Delay(215_000) } else { Fate::Pass });
    m.write(1);
    m.run(ms(2000));
    // The first copy arrives just after the second was sent: what comes back at once answers the first.
    assert!(m.repeats().len() == 1 && m.all_acknowledged());
    assert_eq!(m.sender.srtt(), srtt);
    let crate::info::CongestionInfo::Bbr { min_rtt, .. } = m.sender.congestion_info() else {
        panic!("not BBR")
    };
    assert!(min_rtt >= ms(20), "{min_rtt}");
}
