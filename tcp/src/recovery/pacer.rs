//! Pacing: segments leave at a rate, in small groups, instead of in bursts as acknowledgments allow.
//!
//! One deadline a connection, which runs only while pacing is what holds data back. As in Linux, a group goes out
//! back to back, and the time that a group is late makes the next interval shorter, by half at most. And as there (`sch_fq`),
//! nothing waits for longer than a second: what is known of the path may be of five octets, and changes only by what is sent.

use crate::time::{Duration, Time};

/// The longest that a segment waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// The release of segments of one connection.
#[derive(Clone, Debug, Hash)]
pub(super) struct Pacer {
    /// Bytes a second; zero: no limit.
    pub rate: u64,
    /// Octets that go out back to back.
    pub quantum: u64,
    /// Bound on `rate` (`SO_MAX_PACING_RATE`), in bytes a second.
    pub max: Option<u64>,
    /// When the next group may go.
    next: Time,
    /// Octets left of the present group, which is over when time goes on: what was not there to be sent with it waits.
    group: u64,
    /// When it began.
    began: Time,
    /// How late the present group is.
    late: Duration,
    /// Segments that still go unpaced.
    free: u16,
    /// Pacing is what holds data back.
    pub waiting: bool,
}

impl Pacer {
    /// `free`: how many segments go unpaced at first; `quantum`: octets of a group.
    pub fn new(free: u16, max: Option<u64>, quantum: u64) -> Pacer {
        Pacer {
            rate: 0,
            quantum,
            max,
            next: Time::ZERO,
            group: 0,
            began: Time::ZERO,
            late: Duration::ZERO,
            free,
            waiting: false,
        }
    }
    /// Whether a segment may go now.
    pub fn may_send(&self, now: Time) -> bool {
        self.next <= now || self.group > 0 && self.began == now
    }
    /// When the next group may go.
    pub fn release(&self) -> Time {
        self.next
    }
    /// Bytes a second; `None`: no limit.
    pub fn rate(&self) -> Option<u64> {
        let rate = self.max.map_or(self.rate, |max| if self.rate == 0 { max } else { self.rate.min(max) });
        (rate > 0).then_some(rate)
    }
    /// A segment of so many octets of payload went out.
    pub fn on_sent(&mut self, now: Time, bytes: u64) {
        if bytes == 0 {
            return;
        }
        if self.next <= now {
            // The first has waited behind nothing: it is as late as can be, however young the host is.
            self.late = if self.next == Time::ZERO { Duration::MAX } else { now.since(self.next) };
            self.next = now;
            self.group = self.quantum.max(1);
            self.began = now;
        }
        self.group = self.group.saturating_sub(bytes);
        if self.free > 0 {
            self.free -= 1;
            self.group = 0;
            return;
        }
        let Some(rate) = self.rate() else { return };
        let time = Duration::from_nanos(
            u64::try_from(u128::from(bytes) * 1_000_000_000 / u128::from(rate)).unwrap_or(u64::MAX),
        );
        let credit = self.late.min(time / 2);
        self.late = self.late.saturating_sub(credit);
        self.next = (self.next + time.saturating_sub(credit)).min(now + PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(n: u64) -> Time {
        Time::ZERO + Duration::from_micros(n)
    }
    /// One segment of 1000 octets a millisecond; one has gone in time.
    fn pacer(quantum: u64) -> Pacer {
        let mut pacer = Pacer { next: us(1), began: us(1), ..Pacer::new(0, None, quantum) };
        pacer.rate = 1_000_000;
        pacer
    }

    /// Single segments leave at their interval.
    #[test]
    fn spacing() {
        let mut pacer = pacer(1000);
        pacer.on_sent(us(10), 1000);
        assert!(!pacer.may_send(us(10)) && pacer.release() >= us(500));
        let at = pacer.release();
        pacer.on_sent(at, 1000);
        assert_eq!(pacer.release(), at + Duration::from_millis(1));
    }
    /// A group goes at once, and costs what its segments cost.
    #[test]
    fn groups() {
        let mut pacer = pacer(3000);
        pacer.on_sent(us(1), 1000);
        assert!(pacer.may_send(us(1)));
        pacer.on_sent(us(1), 1000);
        pacer.on_sent(us(1), 1000);
        assert!(!pacer.may_send(us(1)));
        assert_eq!(pacer.release(), us(3001));
    }
    /// What is left of a group is no leave to send later, when the window has opened: that is the next group's.
    #[test]
    fn a_group_does_not_last() {
        let mut pacer = pacer(3000);
        pacer.on_sent(us(1), 1000);
        assert!(pacer.may_send(us(1)) && !pacer.may_send(us(2)));
        assert!(pacer.may_send(us(1001)));
    }
    /// Lateness is made up for, half an interval at most.
    #[test]
    fn lateness() {
        let mut pacer = pacer(1000);
        pacer.on_sent(us(1), 1000);
        pacer.on_sent(us(1300), 1000);
        assert_eq!(pacer.release(), us(2001));
        pacer.on_sent(us(1_000_000), 1000);
        assert_eq!(pacer.release(), us(1_000_500));
    }
    /// However early in a run: a host is up for longer than a segment takes.
    #[test]
    fn the_first_segment_is_late() {
        for at in [0, 5, 1_000_000] {
            let mut pacer = Pacer { rate: 1_000_000, ..Pacer::new(0, None, 2000) };
            pacer.on_sent(us(at), 1000);
            pacer.on_sent(us(at), 1000);
            assert_eq!(pacer.release(), us(at + 1000));
        }
    }
    /// `SO_MAX_PACING_RATE` bounds the rate, and is one where there is none.
    #[test]
    fn bound() {
        let mut pacer = pacer(1000);
        pacer.max = Some(500_000);
        pacer.on_sent(us(1), 1000);
        assert_eq!(pacer.release(), us(2001));
        pacer.rate = 0;
        assert_eq!(pacer.rate(), Some(500_000));
        pacer.max = None;
        assert_eq!(pacer.rate(), None);
    }
    /// However slow: the next goes after a second, also where timeouts send in between.
    #[test]
    fn no_longer_than_a_second() {
        let mut pacer = pacer(1000);
        pacer.rate = 14;
        pacer.on_sent(us(1), 1000);
        assert_eq!(pacer.release(), us(1_000_001));
        pacer.on_sent(us(500_001), 1000);
        assert_eq!(pacer.release(), us(1_500_001));
        pacer.rate = 1001;
        pacer.on_sent(us(1_500_001), 1000);
        assert!(us(2_400_000) < pacer.release() && pacer.release() < us(2_500_001));
    }
    /// The first segments go free (Linux: ten).
    #[test]
    fn free_at_first() {
        let mut pacer = Pacer { free: 2, ..pacer(1000) };
        pacer.on_sent(us(1), 1000);
        pacer.on_sent(us(1), 1000);
        assert!(pacer.may_send(us(1)));
        pacer.on_sent(us(1), 1000);
        assert_eq!(pacer.release(), us(1001));
    }
}
