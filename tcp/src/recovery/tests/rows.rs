use super::model::{Fate, MSS, Model, START};
use crate::config::{Congestion, LossDetection};
use crate::{Config, Duration, Rule};

fn linux() -> Config {
    Config { congestion: Congestion::Reno, ..Config::linux() }
}
#[expect(dead_code, reason = "rows of RFC profile follow")]
fn rfc() -> Config {
    Config { initial_window: 10, ..Config::rfc() }
}
fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Capture loss_one_sack: the third of the first ten is lost; the third SACK retransmits it in the same round trip.
#[test]
fn rack_repairs_a_lone_loss_at_the_third_sack() {
    let mut m = Model::new(linux()).drop_first(&[2]);
    m.write(30);
    m.run(ms(2000));
    assert_eq!(m.repeats(), [(20, 2, Rule::RackRetransmit)]);
    assert!(m.all_acknowledged());
    assert_eq!(m.happened(Rule::RecoveryBegins), 1);
    // ssthresh = FlightSize / 2 = 6, and congestion avoidance from there.
    assert_eq!(m.sender.ssthresh(), 6 * MSS);
}

/// Capture tail_loss_1: the last of ten is lost: a probe when the RTO would have come, and a smaller window.
#[test]
fn probe_repairs_the_tail() {
    let mut m = Model::new(linux()).drop_first(&[9]);
    m.write(10);
    m.run(ms(1000));
    assert_eq!(m.repeats(), [(240, 9, Rule::TailLossProbe)]);
    m.write(1);
    m.run(ms(2000));
    assert_eq!(m.happened(Rule::ProbeRepaired), 1);
}
