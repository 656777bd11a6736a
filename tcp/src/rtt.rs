//! Round-trip time and retransmission timeout (RFC 6298), and the smallest round-trip time of the last minutes.
//!
//! Two estimators: the one of RFC 6298, and Linux's, whose variance term is the largest mean deviation of the last
//! round trip with a floor, decays only once per round trip, and grows slowly when the path gets faster.
//! [`RtoFloor`] chooses. Back-off is not here: the timer that backs off keeps the count.

use crate::config::{Config, RtoFloor};
use crate::resting::words::fold;
use crate::seq::{Seq, SeqNum};
use crate::time::{Duration, Time};

/// Clock granularity G (RFC 6298, section 4): the variance term is never below it.
pub(crate) const G: u64 = 1_000_000;
/// How long a minimum counts (Linux `tcp_min_rtt_wlen` 300 s).
const MIN_RTT_WINDOW_S: u32 = 300;

/// The estimator of one connection. Small, since each idle connection has one: what needs no nanosecond is kept in
/// 32 bits.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub struct Rtt {
    /// Eight times SRTT, in nanoseconds; zero before the first sample.
    srtt8: u64,
    /// Four times the mean deviation, in nanoseconds: four times RTTVAR of RFC 6298.
    mdev4: u64,
    /// Linux: the largest `mdev4` of the round trip that is going on, in microseconds.
    mdev_max_us: u32,
    /// Linux: the variance term in use, in microseconds.
    var_us: u32,
    /// Linux: the round trip that is going on ends when this is acknowledged.
    round: SeqNum,
    /// The smallest sample, in microseconds rounded down, and in which second it came.
    min_us: u32,
    min_at_s: u32,
    /// The SYN was lost and nothing was measured since (RFC 6298, section 5.7).
    syn_lost: bool,
}

fold!(Rtt { srtt8, mdev4, mdev_max_us, var_us, round, min_us, min_at_s, syn_lost });

/// In whole microseconds; more than an hour is an hour.
fn micros(nanos: u64) -> u32 {
    u32::try_from(nanos / 1000).unwrap_or(u32::MAX)
}

impl Rtt {
    /// Nothing is measured yet. `syn_lost`: the SYN was retransmitted.
    pub fn new(syn_lost: bool) -> Rtt {
        Rtt { syn_lost, ..Rtt::default() }
    }

    /// Takes a sample (RFC 6298, sections 2.2 and 2.3). `una` and `nxt` are SND.UNA after the acknowledgment and
    /// SND.NXT; `expected` is how many samples a round trip brings at present.
    #[inline]
    pub fn sample(&mut self, now: Time, rtt: Duration, (una, nxt): (Seq, Seq), expected: u64, cfg: &Config) {
        self.syn_lost = false;
        let r = rtt.as_nanos().clamp(1, u64::MAX >> 8);
        self.shortest(now, rtt);
        let floor = || micros(cfg.min_rto.as_nanos());
        if self.srtt8 == 0 {
            // RFC 6298 2.2: SRTT = R, RTTVAR = R / 2.
            self.srtt8 = r * 8;
            self.mdev4 = r * 2;
            self.var_us = micros(self.mdev4).max(floor());
            self.mdev_max_us = self.var_us;
            self.round = nxt.wire();
            return;
        }
        // RFC 6298 2.3: RTTVAR first, with the old SRTT.
        let srtt = self.srtt8 / 8;
        let deviation = srtt.abs_diff(r);
        match cfg.min_rto_on {
            RtoFloor::Total => {
                // 7323/4.2-GAIN: alpha and beta are divided by the expected number of samples.
                let share = if cfg.rtt_gains_by_flight { expected.clamp(1, 1 << 20) } else { 1 };
                self.mdev4 = self.mdev4 - self.mdev4 / (4 * share) + deviation / share;
                self.srtt8 = self.srtt8 - srtt / share + r / share;
            }
            RtoFloor::Variance => {
                self.linux_deviation(deviation, r < srtt, una, nxt, floor);
                self.srtt8 = self.srtt8 - srtt + r;
            }
        }
    }

    /// SRTT and RTTVAR are these (RFC 4015, section 3.2, step 11).
    pub fn set(&mut self, srtt: Duration, rttvar: Duration, cfg: &Config) {
        let most = u64::MAX >> 8;
        self.srtt8 = srtt.as_nanos().clamp(1, most) * 8;
        self.mdev4 = rttvar.as_nanos().min(most) * 4;
        self.mdev_max_us = micros(self.mdev4).max(micros(cfg.min_rto.as_nanos()));
        self.var_us = self.mdev_max_us;
    }

    /// Considers `rtt` for the minimum: of several segments acknowledged together, the one sent last tells most.
    pub fn shortest(&mut self, now: Time, rtt: Duration) {
        let (us, s) = (micros(rtt.as_nanos()).max(1), (now.as_nanos() / 1_000_000_000) as u32);
        if self.min_us == 0 || us <= self.min_us || s.wrapping_sub(self.min_at_s) > MIN_RTT_WINDOW_S {
            self.min_us = us;
            self.min_at_s = s;
        }
    }

    #[inline]
    fn linux_deviation(
        &mut self,
        deviation: u64,
        faster: bool,
        una: Seq,
        nxt: Seq,
        floor_us: impl FnOnce() -> u32,
    ) {
        let mdev = self.mdev4 / 4;
        // A path that became faster raises the deviation eight times as slowly: a drop of the RTT must not raise
        // the RTO.
        self.mdev4 = match deviation.checked_sub(mdev) {
            Some(rise) if faster => self.mdev4 + rise / 8,
            Some(rise) => self.mdev4 + rise,
            None => self.mdev4 - (mdev - deviation),
        };
        if micros(self.mdev4) > self.mdev_max_us {
            self.mdev_max_us = micros(self.mdev4);
            self.var_us = self.var_us.max(self.mdev_max_us);
        }
        if una > Seq::near(una, self.round) {
            if self.mdev_max_us < self.var_us {
                self.var_us -= (self.var_us - self.mdev_max_us) / 4;
            }
            self.round = nxt.wire();
            self.mdev_max_us = floor_us();
        }
    }

    /// The timeout, without back-off, within the bounds of `cfg`.
    pub fn rto(&self, cfg: &Config) -> Duration {
        let rto = if self.srtt8 == 0 {
            return if self.syn_lost { cfg.rto_after_syn_loss } else { cfg.initial_rto }.min(cfg.max_rto);
        } else {
            match cfg.min_rto_on {
                RtoFloor::Total => (self.srtt8 / 8 + self.mdev4.max(G)).max(cfg.min_rto.as_nanos()),
                RtoFloor::Variance => self.srtt8 / 8 + u64::from(self.var_us) * 1000,
            }
        };
        cfg.in_ticks(Duration::from_nanos(rto)).min(cfg.max_rto)
    }
    /// Whether anything was measured.
    pub fn is_measured(&self) -> bool {
        self.srtt8 != 0
    }
    /// SRTT; zero before the first sample.
    pub fn srtt(&self) -> Duration {
        Duration::from_nanos(self.srtt8 / 8)
    }
    /// RTTVAR.
    pub fn rttvar(&self) -> Duration {
        Duration::from_nanos(self.mdev4 / 4)
    }
    /// The smallest sample of the last five minutes, in whole microseconds; zero before the first.
    pub fn min(&self) -> Duration {
        Duration::from_micros(u64::from(self.min_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }
    fn feed(cfg: &Config, samples: &[u64]) -> Rtt {
        let mut rtt = Rtt::new(false);
        for (i, s) in samples.iter().enumerate() {
            let i = i as u64;
            rtt.sample(Time::from_nanos(i), ms(*s), (Seq(i + 2), Seq(i + 2)), 1, cfg);
        }
        rtt
    }

    /// 6298/2.1, 6298/5.7
    #[test]
    fn before_the_first_sample() {
        let cfg = Config::rfc();
        assert_eq!(Rtt::new(false).rto(&cfg), ms(1000));
        assert_eq!(Rtt::new(true).rto(&cfg), ms(3000));
        let mut measured = Rtt::new(true);
        measured.sample(Time::ZERO, ms(400), (Seq(1), Seq(1)), 1, &cfg);
        assert_eq!(measured.rto(&cfg), ms(1200));
    }

    /// 6298/2.2
    #[test]
    fn first_sample() {
        let rtt = feed(&Config::rfc(), &[400]);
        assert_eq!((rtt.srtt(), rtt.rttvar(), rtt.rto(&Config::rfc())), (ms(400), ms(200), ms(1200)));
    }

    /// 6298/2.3: exact rationals. With the two steps swapped RTTVAR would be 482.2 ms.
    #[test]
    fn variance_before_mean() {
        let rtt = feed(&Config::rfc(), &[400, 800, 400, 2000]);
        assert_eq!(rtt.srtt().as_nanos(), 638_281_250);
        assert_eq!(rtt.rttvar().as_nanos(), 539_062_500);
        assert_eq!(rtt.rto(&Config::rfc()).as_nanos(), 638_281_250 + 4 * 539_062_500);
    }

    /// 7323/4.2-GAIN, 6298/2.3-GAINS: fifty samples of one round trip are remembered as long as one would be. (With the gains
    /// of one sample a round trip the variation is gone after one.)
    #[test]
    fn many_samples_a_round_trip_do_not_shorten_the_memory() {
        let cfg = Config::rfc();
        let mut one = feed(&cfg, &[100, 500]);
        let mut many = one;
        let mut plain = one;
        for round in 1..=8 {
            one.sample(Time::ZERO, ms(500), (Seq(1), Seq(1)), 1, &cfg);
            for _ in 0..50 {
                many.sample(Time::ZERO, ms(500), (Seq(1), Seq(1)), 50, &cfg);
                let without = Config { rtt_gains_by_flight: false, ..Config::rfc() };
                plain.sample(Time::ZERO, ms(500), (Seq(1), Seq(1)), 50, &without);
            }
            let (one, many) = (one.rttvar().as_nanos(), many.rttvar().as_nanos());
            assert!(many * 100 >= one * 90 && many * 100 <= one * 125, "round {round}: {many} for {one}");
            assert!(plain.rttvar().as_nanos() * 2 < one, "round {round}");
        }
        let (one, many) = (one.srtt().as_nanos(), many.srtt().as_nanos());
        assert!(one.abs_diff(many) * 100 <= one * 3, "{many} for {one}");
    }

    /// 6298/2.3-RTO, 6298/4-G: the margin never goes below G.
    #[test]
    fn constant_rtt_keeps_a_margin() {
        let rto = feed(&Config::rfc(), &[2000; 100]).rto(&Config::rfc());
        assert_eq!(rto, ms(2001));
    }

    /// 6298/2.4, 6298/2.5, and Linux's floor under the variance term: SRTT + 200 ms.
    #[test]
    fn bounds() {
        assert_eq!(feed(&Config::rfc(), &[10; 20]).rto(&Config::rfc()), ms(1000));
        assert_eq!(feed(&Config::rfc(), &[100_000]).rto(&Config::rfc()), ms(60_000));
        assert_eq!(feed(&Config::linux(), &[20]).rto(&Config::linux()), ms(220));
        assert_eq!(feed(&Config::linux(), &[20; 50]).rto(&Config::linux()), ms(220));
    }

    /// Linux: a jump of the RTT raises the timeout at once, a fall lowers it only round by round.
    #[test]
    fn linux_variance_decays_once_per_round() {
        let cfg = Config::linux();
        let mut rtt = feed(&cfg, &[100, 100, 100, 500]);
        let high = rtt.rto(&cfg);
        assert!(high > ms(500), "{high}");
        // The same round: no decay.
        rtt.sample(Time::ZERO, ms(500), (Seq(3), Seq(1000)), 1, &cfg);
        assert!(rtt.rto(&cfg) > ms(500));
    }

    #[test]
    fn minimum_of_five_minutes() {
        let cfg = Config::linux();
        let mut rtt = Rtt::new(false);
        rtt.sample(Time::ZERO, ms(20), (Seq(1), Seq(1)), 1, &cfg);
        rtt.sample(Time::ZERO + Duration::from_secs(299), ms(200), (Seq(1), Seq(1)), 1, &cfg);
        assert_eq!(rtt.min(), ms(20));
        rtt.sample(Time::ZERO + Duration::from_secs(301), ms(200), (Seq(1), Seq(1)), 1, &cfg);
        assert_eq!(rtt.min(), ms(200));
    }
}
