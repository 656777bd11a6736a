//! What restarts the retransmission timer, and what does not.

use super::model::{Fate, MSS, Model, START};
use super::rows::{linux, ms, plain_ack, rfc};
use crate::config::LossDetection;
use crate::recovery::{Ack, Timer};
use crate::{Config, Rule, SackBlocks};

/// 6298/5.3: only what is acknowledged restarts the timer. The copy of a lost segment is lost, too, and SACKs of what was sent
/// after it do not put the timeout off.
#[test]
fn sacks_of_new_data_do_not_put_the_timeout_off() {
    let mut m = Model::new(rfc());
    m.fate = Box::new(|segment, copy| if segment == 2 && copy < 2 { Fate::Drop } else { Fate::Pass });
    for i in 0..600 {
        m.write(1);
        m.run(ms(5 * (i + 1)));
    }
    let repeats: Vec<_> = m.repeats().into_iter().filter(|(_, segment, _)| *segment == 2).collect();
    let [(first, ..), (at, _, why)] = repeats[..] else { panic!("{repeats:?}") };
    assert_eq!((at - first, why), (1000, Rule::RtoRetransmit), "the least RTO (6298/2.4)");
}

/// Linux `tcp_clean_rtx_queue`: a SACK of what was sent before the first segment's last copy restarts the timer, one of what was
/// sent after it does not. By the letter neither does.
#[test]
fn only_sacks_of_what_is_older_than_the_copy_restart_it() {
    for (cfg, restarts) in [(linux(), true), (rfc(), false)] {
        // All are lost, and a timeout has sent the first again.
        let mut m = Model::new(cfg);
        m.fate = Box::new(|_, _| Fate::Drop);
        m.write(6);
        m.run(ms(1500));
        assert_eq!(
            m.repeats().last().map(|(_, segment, why)| (*segment, *why)),
            Some((0, Rule::RtoRetransmit))
        );
        let before = m.timer().expect("the timer runs");
        assert_eq!(before.1, Timer::Rto);
        let mut sack = SackBlocks::default();
        sack.push((START + 4 * MSS).wire(), (START + 5 * MSS).wire());
        m.feed(&Ack { sack, ..plain_ack(START) });
        let after = m.timer().expect("the timer runs");
        assert_eq!((after.0 > before.0, after.1), (restarts, Timer::Rto), "{before:?} {after:?}");
    }
}

/// When segment 0 is sent again, in milliseconds, of a connection of which nothing arrives while the program writes a segment
/// each five milliseconds for six seconds.
fn timeout_while_writing(cfg: Config) -> Option<u64> {
    let mut m = Model::new(Config { initial_window: 5000, initial_window_bytes: None, ..cfg });
    m.fate = Box::new(|_, _| Fate::Drop);
    for i in 0..1200 {
        m.write(1);
        m.run(ms(5 * (i + 1)));
    }
    m.repeats().into_iter().find(|(_, _, why)| *why == Rule::RtoRetransmit).map(|(at, ..)| at)
}

/// 8985/7.2-PTO, 7.3-COND, 7.3-RTOARM: the probe comes no later than the timeout, and the timeout an RTO after it, though new data
/// goes out all the time. Linux begins the probe timer anew with all new data.
#[test]
fn new_data_does_not_put_the_timeout_off() {
    let rfc = || Config { loss_detection: LossDetection::Rack, tail_loss_probe: true, ..rfc() };
    assert_eq!(
        timeout_while_writing(rfc()),
        Some(2000),
        "a probe after one second, and the timeout after another"
    );
    assert_eq!(timeout_while_writing(Config { probe_puts_off_rto: true, ..rfc() }), None);
}
