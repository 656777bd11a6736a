//! Initial and restart windows that were too large (RFC 6928, sections 2 and 12).

use super::model::{Fate, MSS, Model};
use super::rows::{ms, rfc};
use crate::{Config, Duration, Rule};

/// The restart window of a connection whose first window of `segments` lost this segment.
fn restart_after(cfg: Config, segments: u64, lost: &'static [u64]) -> (u64, usize) {
    let mut m = Model::new(cfg).drop_first(lost);
    m.write(segments);
    m.run(ms(5000));
    m.write(200);
    m.run(ms(10_000));
    assert!(m.all_acknowledged());
    m.now = m.sender.last_sent() + Duration::from_secs(60);
    m.write(20);
    (m.sender.cwnd() / MSS, m.happened(Rule::InitialWindowLost))
}

/// 6928/2-FALLBACK, 6928/2-RW: once a first window of more than 4 KB has lost something, the restart window is that of
/// RFC 3390 (3390/1): four segments of 1000.
#[test]
fn a_loss_in_the_first_window_makes_the_next_one_small() {
    assert_eq!(restart_after(rfc(), 10, &[4]), (4, 1));
    assert_eq!(restart_after(rfc(), 10, &[9]), (4, 1), "the last, by a timeout");
    assert_eq!(restart_after(rfc(), 10, &[]), (10, 0));
    assert_eq!(restart_after(rfc(), 100, &[40]), (10, 0), "a later window");
    assert_eq!(restart_after(rfc(), 4, &[3]), (10, 0), "4 KB are not more than 4 KB");
    let keeps = Config { initial_window_fallback: false, ..rfc() };
    assert_eq!(restart_after(keeps, 10, &[4]), (10, 0));
}

/// The same for a restart window.
#[test]
fn a_loss_in_a_restart_window_counts_too() {
    let mut m = Model::new(rfc());
    m.write(100);
    m.run(ms(5000));
    m.now = m.sender.last_sent() + Duration::from_secs(60);
    m.fate = Box::new(|s, copy| if s == 103 && copy == 0 { Fate::Drop } else { Fate::Pass });
    m.write(10);
    assert_eq!(m.cwnd(), 10);
    m.run(ms(70_000));
    assert_eq!(m.happened(Rule::InitialWindowLost), 1);
    m.write(100);
    m.run(ms(80_000));
    m.now = m.sender.last_sent() + Duration::from_secs(60);
    m.write(1);
    assert_eq!(m.cwnd(), 4);
}

/// 6928/12-MON: a new connection begins small where others have failed.
#[test]
fn a_modest_beginning() {
    let mut m = Model::new(rfc());
    m.sender.be_modest(&m.cfg);
    m.write(20);
    assert_eq!(m.log.len(), 4);
}
