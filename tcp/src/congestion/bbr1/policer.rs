//! Long-term sampling: a token-bucket policer shows itself by two intervals with much loss and the same throughput.
//! While it is believed in, the bandwidth is what it lets through.

use super::window::pacing_rate;
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

/// How far a connection has come: when something was last delivered, and what was delivered and lost so far, in octets.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Point {
    pub at: Time,
    delivered: u64,
    pub lost: u64,
}

impl Point {
    /// At a delivery.
    pub fn new(d: &Delivery) -> Point {
        Point { at: d.sample.now, delivered: d.delivered, lost: d.lost_so_far }
    }
    fn ms(&self) -> u64 {
        self.at.as_nanos() / 1_000_000
    }
}

/// What there is to say of a delivery, or of a timeout, besides how far the connection has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct News {
    /// Something was found lost.
    pub loss: bool,
    /// A round trip is over.
    pub round_start: bool,
    pub app_limited: bool,
    /// The controller is in ProbeBW.
    pub probing_bw: bool,
    pub mss: u64,
}

/// The sampling of one connection.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Policer {
    sampling: bool,
    rounds: u32,
    /// In segments a microsecond, scaled.
    bw: u64,
    in_use: bool,
    began: Point,
}

impl Policer {
    /// The bandwidth of the policer, if there is one.
    pub fn bw(&self) -> Option<u64> {
        self.in_use.then_some(self.bw)
    }
    fn begin_interval(&mut self, at: Point) {
        self.began = at;
        self.rounds = 0;
    }
    fn reset(&mut self, at: Point) {
        *self = Policer::default();
        self.begin_interval(at);
    }
    /// On each delivery, and on each timeout. Whether the policer is believed in no longer: the cycle of gains begins anew.
    pub fn sample(&mut self, at: Point, news: News) -> bool {
        if self.in_use {
            self.rounds += u32::from(news.round_start && news.probing_bw);
            let over = self.rounds >= LONGEST_USE;
            if over {
                self.reset(at);
            }
            return over;
        }
        self.seek(at, news);
        false
    }
    /// While no policer is believed in.
    fn seek(&mut self, at: Point, news: News) {
        if !self.sampling {
            if !news.loss {
                return;
            }
            // The bucket is empty now.
            self.begin_interval(at);
            self.sampling = true;
        }
        if news.app_limited {
            return self.reset(at);
        }
        self.rounds += u32::from(news.round_start);
        if self.rounds < SHORTEST_ROUNDS {
            return;
        }
        if self.rounds > 4 * SHORTEST_ROUNDS {
            return self.reset(at);
        }
        if news.loss {
            self.end_interval(at, news.mss);
        }
    }
    /// A loss ends the interval, if enough was lost and a millisecond has passed.
    fn end_interval(&mut self, at: Point, mss: u64) {
        let delivered = at.delivered - self.began.delivered;
        let lost = at.lost - self.began.lost;
        let ms = at.ms() - self.began.ms();
        if delivered == 0 || lost << 8 < LOSS * delivered || ms == 0 {
            return;
        }
        let segments = u128::from(delivered / mss) * u128::from(BW_UNIT);
        let bw = (segments / u128::from(ms * 1000)) as u64;
        if self.bw > 0 {
            let difference = bw.abs_diff(self.bw);
            if difference * UNIT <= RATIO * self.bw || pacing_rate(difference, UNIT, mss) <= DIFFERENCE {
                self.bw = u64::midpoint(bw, self.bw);
                self.in_use = true;
                self.rounds = 0;
                return;
            }
        }
        self.bw = bw;
        self.begin_interval(at);
    }
}

/// What Linux does (`bbr_lt_bw_sampling`), round trip by round trip.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    const MSS: u64 = 1000;

    #[derive(Default)]
    struct Path {
        policer: Policer,
        at: Point,
        /// The controller does something else than ProbeBW.
        elsewhere: bool,
    }

    impl Path {
        /// A round trip of so many milliseconds: so many segments arrive, and so many are lost. The bandwidth believed in then.
        fn round(&mut self, ms: u64, arrived: u64, lost: u64, app_limited: bool) -> Option<u64> {
            self.at.at += Duration::from_millis(ms);
            self.at.delivered += arrived * MSS;
            self.at.lost += lost * MSS;
            self.tell(News {
                loss: lost > 0,
                round_start: true,
                app_limited,
                probing_bw: !self.elsewhere,
                mss: MSS,
            })
        }
        fn tell(&mut self, news: News) -> Option<u64> {
            let before = self.policer.bw();
            let over = self.policer.sample(self.at, news);
            assert_eq!(over, before.is_some() && self.policer.bw().is_none());
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
        // Round trips count in ProbeBW alone.
        path.elsewhere = true;
        assert_eq!(path.rounds(100, 40, 0), bw(40, 20));
        path.elsewhere = false;
        assert_eq!(path.rounds(47, 40, 0), bw(40, 20));
        assert_eq!(path.rounds(1, 40, 0), None);
    }

    /// Time counts in whole milliseconds; within one no interval ends.
    #[test]
    fn an_interval_takes_a_millisecond() {
        let mut path = Path::default();
        path.rounds(1, 80, 20);
        let within = |path: &mut Path| (0..6).map(|_| path.round(0, 80, 20, false)).last();
        within(&mut path);
        assert_eq!((path.policer.bw, path.policer.rounds), (0, 7));
        path.round(1, 20, 20, false);
        assert_eq!((Some(path.policer.bw), path.policer.rounds), (bw(500, 1), 0));
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
        path.tell(News { loss: true, round_start: true, app_limited: false, probing_bw: false, mss: MSS });
        assert!(path.policer.sampling);
    }
}
