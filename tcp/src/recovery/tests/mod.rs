//! The rows of the RFCs, on a small model of path and receiver.

mod borders;
mod demands;
mod eifel;
mod first_windows;
mod model;
mod pacing;
mod properties;
mod repairs;
mod restarts;
mod rows;
mod unused;

use super::Sender;
use crate::Config;

impl Sender {
    /// What always holds.
    fn check(&self, cfg: &Config) {
        if let Some(t) = &self.trouble {
            let (sacked, lost, again) = self.queue.recount();
            assert_eq!((sacked, lost, again), (t.board.sacked, t.board.lost, t.board.again), "counters");
            let by_ranges: u64 = t.board.ranges().iter().map(|(l, r)| *r - *l).sum();
            assert_eq!(by_ranges, sacked.bytes, "SACKed ranges");
            assert!(sacked.bytes + lost.bytes <= self.flight());
        }
        assert!(self.cwnd >= self.mss64(), "cwnd below one segment");
        assert!(self.pipe(cfg) <= 2 * self.outstanding());
        assert_eq!(
            self.deadline().is_some(),
            !self.queue.is_empty() || self.paused,
            "a timer runs while data is outstanding, or ECE has stopped sending"
        );
    }
}

/// Without losses each acknowledgment is what the sender expects.
#[test]
fn expected_acknowledgments() {
    let mut m = model::Model::new(Config { congestion: crate::config::Congestion::Reno, ..Config::linux() });
    let before = crate::shortcut::tests::taken();
    m.write(2000);
    m.run(crate::Duration::from_secs(60));
    assert!(m.all_acknowledged());
    assert_eq!(crate::shortcut::tests::taken() - before, 2000, "the model acknowledges each segment");
}

/// An idle connection pays for this, and a window of data for one record a segment.
#[test]
fn sizes() {
    assert!(size_of::<Sender>() <= 264, "{}", size_of::<Sender>());
    assert!(size_of::<crate::congestion::Controller>() <= 16);
    assert!(size_of::<super::queue::Sent>() <= 24);
}
