//! RFC 7661 on the model: windows that the program does not use.

use super::model::{MSS, Model};
use super::rows::{ms, rfc};
use crate::config::CwndValidation;
use crate::{Config, Duration, Time};

fn rfc7661() -> Config {
    Config { cwnd_validation: CwndValidation::Rfc7661, ..rfc() }
}
/// Lets so much time pass.
fn pass(m: &mut Model, time: Duration) {
    m.run(m.now.since(Time::from_nanos(1_000_000_000)) + time);
}
/// A connection that has used a window of `segments`, without queues: cwnd is at least that.
fn grown(segments: u64) -> Model {
    let mut m = Model::new(rfc7661());
    while m.sender.cwnd() < segments * MSS {
        m.write(m.sender.cwnd() / MSS);
        pass(&mut m, ms(21));
    }
    m
}
/// `n` round trips of `segments` each.
fn rounds(m: &mut Model, n: u64, segments: u64) {
    for _ in 0..n {
        m.write(segments);
        pass(m, ms(21));
    }
}

/// 7661/4.2-SAMPLE, 7661/4.2-MAX: pipeACK is what a round trip acknowledges, the largest of a second.
#[test]
fn pipe_ack_is_the_largest_of_the_period() {
    let mut m = grown(80);
    rounds(&mut m, 60, 10);
    let pipe = m.sender.pipe_ack(m.now).unwrap();
    assert_eq!(pipe, 10 * MSS);
    rounds(&mut m, 2, 30);
    rounds(&mut m, 3, 10);
    assert_eq!(m.sender.pipe_ack(m.now), Some(30 * MSS), "the largest of the last second");
    rounds(&mut m, 60, 10);
    assert_eq!(m.sender.pipe_ack(m.now), Some(10 * MSS));
}

/// 7661/4.3-NV, 7661/4.4-NOGROW: a window of which less than half is used stays as it is.
#[test]
fn the_non_validated_window_neither_grows_nor_shrinks() {
    let mut m = grown(80);
    rounds(&mut m, 60, 10);
    let cwnd = m.sender.cwnd();
    rounds(&mut m, 2000, 10);
    assert_eq!(m.sender.cwnd(), cwnd);
    // RFC 5681, section 4.1, would collapse it after an RTO; here five minutes are the limit.
    pass(&mut m, Duration::from_secs(200));
    m.write(10);
    assert_eq!(m.sender.cwnd(), cwnd);
}

/// 7661/4.4-GROW: once the window limits, it grows again.
#[test]
fn it_grows_when_it_limits() {
    let mut m = grown(80);
    rounds(&mut m, 60, 10);
    let cwnd = m.sender.cwnd();
    m.write(3 * cwnd / MSS);
    pass(&mut m, ms(100));
    assert!(m.sender.cwnd() > cwnd);
}

/// 7661/4.4.3-ADJ, 7661/4.4-NVP: halved after five minutes, and again after ten, down to the initial window; ssthresh
/// remembers three quarters.
#[test]
fn five_minutes_halve_it() {
    let mut m = grown(80);
    let cwnd = m.sender.cwnd();
    pass(&mut m, Duration::from_secs(301));
    m.write(1);
    assert_eq!((m.sender.cwnd(), m.sender.ssthresh()), (cwnd / 2 / MSS * MSS, cwnd * 3 / 4));
    pass(&mut m, Duration::from_secs(605));
    m.write(1);
    assert_eq!(m.sender.cwnd(), (cwnd / 8 / MSS * MSS).max(10 * MSS));
    pass(&mut m, Duration::from_secs(6000));
    m.write(1);
    assert_eq!(m.sender.cwnd(), 10 * MSS, "the initial window at least");
}

/// 7661/4.4.1-LOSS, -END, -REINIT, 7661/4.4-EXITLOSS: a loss in the phase takes the window to half of what was in use,
/// and what had to be sent again off that; pipeACK is undefined then.
#[test]
fn a_loss_goes_by_what_was_used() {
    for lost in [1, 4] {
        let mut m = grown(80);
        rounds(&mut m, 60, 20);
        assert!(m.sender.cwnd() >= 80 * MSS);
        let first = (m.sender.una() - super::model::START) / MSS;
        m.fate = Box::new(move |segment, copy| {
            if copy == 0 && (first..first + lost).contains(&segment) {
                super::model::Fate::Drop
            } else {
                super::model::Fate::Pass
            }
        });
        m.write(20);
        pass(&mut m, ms(25));
        assert_eq!(m.sender.ssthresh(), 10 * MSS, "half of max(pipeACK, FlightSize)");
        pass(&mut m, ms(200));
        assert!(m.all_acknowledged());
        // The rescue retransmission counts as well.
        let again = u64::from(m.sender.counts().retransmitted);
        let after = (20 - again) / 2;
        assert!(again >= lost);
        assert_eq!((m.sender.cwnd() / MSS, m.sender.ssthresh() / MSS), (after, after), "{lost} lost");
        assert_eq!(m.sender.pipe_ack(m.now), None);
    }
}

/// 7661/4.4-EXITLOSS: a window that is used goes down as ever.
#[test]
fn a_loss_in_the_validated_phase_is_conventional() {
    let mut m = Model::new(rfc7661()).drop_first(&[70]);
    m.write(200);
    pass(&mut m, ms(2000));
    let mut plain = Model::new(rfc()).drop_first(&[70]);
    plain.write(200);
    pass(&mut plain, ms(2000));
    assert_eq!(m.sender.ssthresh(), plain.sender.ssthresh());
}

/// 7661/4.2-FR: what a recovery acknowledges says nothing of how much the program uses.
#[test]
fn a_recovery_is_not_measured() {
    let mut m = grown(80);
    rounds(&mut m, 60, 10);
    let first = (m.sender.una() - super::model::START) / MSS;
    let lost = [first + 20, first + 60];
    m.fate = Box::new(move |segment, copy| {
        if copy == 0 && lost.contains(&segment) { super::model::Fate::Drop } else { super::model::Fate::Pass }
    });
    // Something is always outstanding: the thirty that follow the first ten are a round of their own, which ends when
    // the first loss is repaired, and the second is not.
    for segments in [5, 5] {
        m.write(segments);
        pass(&mut m, ms(5));
    }
    pass(&mut m, ms(12));
    m.write(30);
    pass(&mut m, ms(4));
    m.write(40);
    let mut ended = false;
    for _ in 0..60 {
        pass(&mut m, ms(1));
        if m.sender.phase == crate::recovery::Phase::Recovery {
            ended |= m.sender.una() - super::model::START > (first + 40) * MSS;
            assert_eq!(m.sender.pipe_ack(m.now), Some(10 * MSS), "measured in a recovery");
        }
    }
    assert!(ended, "no round ended within the recovery");
}

/// 7661/4.4.1-MIN: a window of which nothing is left is one segment.
#[test]
fn the_window_after_a_loss_is_one_segment_at_least() {
    let mut m = grown(80);
    m.cfg.dupthresh = 1;
    rounds(&mut m, 60, 10);
    let first = (m.sender.una() - super::model::START) / MSS;
    m.fate = Box::new(move |segment, copy| {
        if copy == 0 && segment < first + 9 { super::model::Fate::Drop } else { super::model::Fate::Pass }
    });
    m.write(10);
    pass(&mut m, ms(2000));
    assert!(m.all_acknowledged());
    assert!(m.sender.counts().retransmitted >= 9);
    assert_eq!(m.sender.cwnd(), MSS);
}
