//! Long-term sampling: a token-bucket policer shows itself by two intervals with much loss and the same throughput.
//! While it is believed in, the bandwidth is what it lets through.

use super::{BW_UNIT, UNIT};
use crate::congestion::Delivery;
use crate::time::Time;

/// An interval lasts four round trips at least, and four times as many at most.
const SHORTEST_ROUNDS: u32 = 4;
/// A fifth of the packets lost, in 256ths.
const LOSS: u64 = 50;
/// Two intervals are alike if they differ by an eighth, or by 4 kbit/s.
const RATIO: u64 = UNIT / 8;
const DIFFERENCE: u64 = 4_000 / 8;
/// How long the result is used, in round trips.
const LONGEST_USE: u32 = 48;

/// The sampling of one connection.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Policer {
    sampling: bool,
    rounds: u32,
    /// In segments a microsecond, scaled.
    bw: u64,
    in_use: bool,
    began: Option<Time>,
    delivered: u64,
    lost: u64,
    /// A timeout counts as a loss of its own.
    timed_out: bool,
}

impl Policer {
    /// The bandwidth of the policer, if there is one.
    pub fn bw(&self) -> Option<u64> {
        self.in_use.then_some(self.bw)
    }
    pub fn lost(&mut self) {
        self.timed_out = true;
    }
    fn begin_interval(&mut self, d: &Delivery) {
        self.began = Some(d.sample.now);
        self.delivered = d.delivered;
        self.lost = d.lost_so_far;
        self.rounds = 0;
    }
    fn reset(&mut self, d: &Delivery) {
        *self = Policer::default();
        self.begin_interval(d);
    }
    /// On each delivery.
    pub fn sample(&mut self, d: &Delivery, round_start: bool, app_limited: bool, min_rtt_us: u64) {
        let loss = d.lost > 0 || std::mem::take(&mut self.timed_out);
        if self.in_use {
            self.rounds += u32::from(round_start);
            if self.rounds >= LONGEST_USE {
                self.reset(d);
            }
            return;
        }
        if !self.sampling {
            if !loss {
                return;
            }
            // The bucket is empty now.
            self.begin_interval(d);
            self.sampling = true;
        }
        if app_limited {
            return self.reset(d);
        }
        self.rounds += u32::from(round_start);
        if self.rounds < SHORTEST_ROUNDS {
            return;
        }
        if self.rounds > 4 * SHORTEST_ROUNDS {
            return self.reset(d);
        }
        if loss {
            self.end_interval(d, min_rtt_us);
        }
    }
    /// A loss ends the interval.
    fn end_interval(&mut self, d: &Delivery, min_rtt_us: u64) {
        let delivered = d.delivered - self.delivered;
        let lost = d.lost_so_far - self.lost;
        if delivered == 0 || lost << 8 < LOSS * delivered {
            return;
        }
        let Some(began) = self.began else { return };
        let us = d.sample.now.since(began).as_micros();
        if us < 1000 || min_rtt_us == u64::MAX {
            return;
        }
        let segments = u128::from(delivered) * u128::from(BW_UNIT) / u128::from(d.sample.mss);
        let bw = (segments / u128::from(us)) as u64;
        if self.bw > 0 {
            let difference = bw.abs_diff(self.bw);
            let bytes = u128::from(difference) * u128::from(d.sample.mss) * 1_000_000 / u128::from(BW_UNIT);
            if difference * UNIT <= RATIO * self.bw || bytes <= u128::from(DIFFERENCE) {
                self.bw = u64::midpoint(bw, self.bw);
                self.in_use = true;
                self.rounds = 0;
                return;
            }
        }
        self.bw = bw;
        self.begin_interval(d);
    }
}

/// What Linux does (`bbr_lt_bw_sampling`), round trip by round trip.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::congestion::{Phase, Rate, Sample};
    use crate::seq::Seq;
    use crate::time::Duration;

    const MSS: u64 = 1000;

    #[derive(Default)]
    struct Path {
        policer: Policer,
        now: Time,
        delivered: u64,
        lost: u64,
    }

    impl Path {
        /// A round trip of so many milliseconds: so many segments arrive, and so many are lost. The bandwidth believed in then.
        fn round(&mut self, ms: u64, arrived: u64, lost: u64, app_limited: bool) -> Option<u64> {
            self.now += Duration::from_millis(ms);
            self.delivered += arrived * MSS;
            self.lost += lost * MSS;
            let sample = Sample {
                now: self.now,
                una: Seq(0),
                nxt: Seq(0),
                acked: arrived * MSS,
                advanced: 0,
                ece: false,
                mss: MSS,
                cwnd: 0,
                ssthresh: 0,
                srtt: Duration::ZERO,
                min_rtt: Duration::ZERO,
                rtt: None,
                slow_start_limit: 0,
                paced: true,
                pacing_rate: 0,
            };
            let delivery = Delivery {
                sample,
                rate: Rate::default(),
                delivered: self.delivered,
                lost_so_far: self.lost,
                lost: lost * MSS,
                inflight_before: 0,
                inflight: 0,
                phase: Phase::Recovery,
                cwnd_limited: true,
                sack: true,
                ack_delayed: false,
                release_in: Duration::ZERO,
            };
            self.policer.sample(&delivery, true, app_limited, 20_000);
            self.policer.bw()
        }
        /// So many round trips of 20 ms, after the last of which the bandwidth is.
        fn rounds(&mut self, count: u32, arrived: u64, lost: u64) -> Option<u64> {
            (0..count).map(|_| self.round(20, arrived, lost, false)).last().flatten()
        }
    }
    /// Segments in a number of milliseconds, as the bandwidth is counted.
    fn bw(segments: u64, ms: u64) -> Option<u64> {
        Some(segments * BW_UNIT / (ms * 1000))
    }

    fn mean(a: Option<u64>, b: Option<u64>) -> Option<u64> {
        a.zip(b).map(|(a, b)| u64::midpoint(a, b))
    }

    /// The first loss begins the sampling; an interval ends with a loss from the fourth round trip on; two alike are believed for
    /// 48 round trips.
    #[test]
    fn two_intervals_alike() {
        let mut path = Path::default();
        assert_eq!(path.rounds(5, 200, 0), None);
        assert_eq!(path.rounds(1 + 3 + 3, 80, 20), None);
        assert_eq!(path.rounds(1, 80, 20), bw(80, 20));
        assert_eq!(path.rounds(47, 80, 0), bw(80, 20));
        assert_eq!(path.rounds(1, 80, 0), None);
        // All begins again.
        assert_eq!(path.rounds(7, 40, 10), None);
        assert_eq!(path.rounds(1, 40, 10), bw(40, 20));
    }

    /// Alike are those that differ by no more than an eighth, or by 4 kbit/s; the mean is believed.
    #[test]
    fn what_is_alike() {
        let mut path = Path::default();
        path.rounds(4, 80, 20);
        assert_eq!(path.rounds(4, 72, 20), mean(bw(80, 20), bw(72, 20)));
        let mut path = Path::default();
        path.rounds(4, 80, 20);
        assert_eq!(path.rounds(4, 68, 20), None);
        assert_eq!(path.rounds(4, 64, 20), mean(bw(68, 20), bw(64, 20)), "the third is like the second");
        let mut path = Path::default();
        let mut slow = |ms| (0..4).map(|_| path.round(ms, 3, 1, false)).last().flatten();
        assert_eq!(slow(1000), None);
        assert_eq!(slow(1180), mean(bw(3, 1000), bw(3, 1180)));
    }

    /// Less than a fifth lost is no policer's work: the interval goes on, sixteen round trips at most.
    #[test]
    fn too_little_is_lost() {
        let mut path = Path::default();
        path.rounds(1, 80, 80);
        assert_eq!(path.rounds(15, 80, 15), None);
        assert_eq!((path.policer.bw, path.policer.sampling), (0, true));
        path.rounds(1, 80, 15);
        assert!(!path.policer.sampling);
        // Enough at the end of a longer interval: all of it counts.
        let mut path = Path::default();
        path.rounds(1, 80, 80);
        path.rounds(4, 80, 15);
        path.rounds(1, 100, 50);
        assert_eq!(Some(path.policer.bw), bw(420, 100));
    }

    /// What the program does not send tells nothing of the path; a timeout is a loss.
    #[test]
    fn the_program_limits() {
        let mut path = Path::default();
        path.rounds(7, 80, 20);
        assert_eq!(path.round(20, 80, 20, true), None);
        assert_eq!((path.policer.bw, path.policer.sampling), (0, false));
        path.policer.lost();
        path.rounds(1, 80, 0);
        assert!(path.policer.sampling);
    }
}
