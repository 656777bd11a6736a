//! What follows from the model: pacing rate and window.

use super::{BW_UNIT, Bbr1, HIGH_GAIN, MIN_CWND, Mode, UNIT};
use crate::congestion::{Delivery, Phase};

/// Below this rate a single segment is sent at a time, in bytes a second.
const SINGLE_BELOW: u64 = 1_200_000 / 8;
/// Largest aggregate, in bytes.
const LARGEST_AGGREGATE: u64 = 65_215;
/// Longest time whose bandwidth aggregation may add to the window, in microseconds.
const AGGREGATION_US: u64 = 100_000;
/// The initial window that the model is not consulted in, in segments.
const INITIAL: u64 = 10;

/// In bytes a second, a hundredth below the bandwidth.
pub(super) fn pacing_rate(bw: u64, gain: u64, mss: u64) -> u64 {
    let rate = u128::from(bw) * u128::from(mss) * u128::from(gain) / u128::from(UNIT);
    u64::try_from(rate * 990_000 / u128::from(BW_UNIT)).unwrap_or(u64::MAX)
}

impl Bbr1 {
    fn rate(&self, bw: u64, gain: u64) -> u64 {
        pacing_rate(bw, gain, self.mss)
    }
    pub(super) fn guess_pacing_rate(&mut self, cwnd: u64, rtt_us: u64) {
        let rtt_us = if rtt_us == 0 { 1000 } else { rtt_us };
        self.pacing_rate = self.rate(cwnd * BW_UNIT / rtt_us, HIGH_GAIN);
    }
    pub(super) fn set_pacing_rate(&mut self, d: &Delivery) {
        if !self.has_seen_rtt && d.sample.srtt.as_micros() > 0 {
            self.has_seen_rtt = true;
            self.guess_pacing_rate(d.sample.cwnd / self.mss, d.sample.srtt.as_micros());
        }
        self.raise_pacing_rate(self.pacing_gain);
    }
    pub(super) fn raise_pacing_rate(&mut self, gain: u64) {
        let rate = self.rate(self.bw(), gain);
        if self.full_bw_reached || rate > self.pacing_rate {
            self.pacing_rate = rate.max(1);
        }
    }
    /// Segments sent back to back: what goes out in a millisecond, two at least unless the rate is very low.
    pub(super) fn tso_segments(&self) -> u64 {
        let least = if self.pacing_rate < SINGLE_BELOW { 1 } else { 2 };
        ((self.pacing_rate >> 10).min(LARGEST_AGGREGATE) / self.mss).max(least).min(127)
    }

    fn bdp(&self, bw: u64, gain: u64) -> u64 {
        if self.min_rtt_us == u64::MAX {
            return INITIAL;
        }
        let scaled = (u128::from(bw) * u128::from(self.min_rtt_us) * u128::from(gain)) >> 8;
        u64::try_from(scaled.div_ceil(u128::from(BW_UNIT))).unwrap_or(u64::MAX >> 8)
    }
    fn quantization_budget(&self, cwnd: u64) -> u64 {
        let cwnd = (cwnd + 3 * self.tso_segments() + 1) & !1;
        if self.mode == Mode::ProbeBw && self.cycle == 0 { cwnd + 2 } else { cwnd }
    }
    pub(super) fn inflight(&self, bw: u64, gain: u64) -> u64 {
        self.quantization_budget(self.bdp(bw, gain))
    }
    /// What will be in the network when the next segment is released.
    pub(super) fn in_net(&self, inflight: u64, d: &Delivery) -> u64 {
        let delivered = u128::from(self.bw()) * u128::from(d.release_in.as_micros()) / u128::from(BW_UNIT);
        let at_release = inflight + if self.pacing_gain > UNIT { self.tso_segments() } else { 0 };
        at_release.saturating_sub(delivered as u64)
    }
    fn aggregation(&self) -> u64 {
        if !self.full_bw_reached {
            return 0;
        }
        let most = (u128::from(self.bw()) * u128::from(AGGREGATION_US) / u128::from(BW_UNIT)) as u64;
        self.extra_acked[0].max(self.extra_acked[1]).min(most)
    }

    pub(super) fn next_cwnd(&mut self, d: &Delivery, cwnd: u64, acked: u64, lost: u64) -> u64 {
        let mut cwnd = cwnd;
        if acked > 0 {
            let (recovering, next) = self.recover_or_restore(d, cwnd, acked, lost);
            cwnd = next;
            if !recovering {
                let target =
                    self.quantization_budget(self.bdp(self.bw(), self.cwnd_gain) + self.aggregation());
                if self.full_bw_reached {
                    cwnd = (cwnd + acked).min(target);
                } else if cwnd < target || d.delivered / self.mss < INITIAL {
                    cwnd += acked;
                }
                cwnd = cwnd.max(MIN_CWND);
            }
        }
        if self.mode == Mode::ProbeRtt { cwnd.min(MIN_CWND) } else { cwnd }
    }
    /// The first round trip of a recovery conserves packets; its end restores the window.
    fn recover_or_restore(&mut self, d: &Delivery, cwnd: u64, acked: u64, lost: u64) -> (bool, u64) {
        let mut cwnd = cwnd.saturating_sub(lost).max(1);
        let troubled = |phase: Phase| matches!(phase, Phase::Recovery | Phase::Loss);
        let inflight = d.inflight / self.mss;
        if d.phase == Phase::Recovery && self.phase != Phase::Recovery {
            self.packet_conservation = true;
            self.next_round = d.delivered;
            cwnd = inflight + acked;
        } else if troubled(self.phase) && !troubled(d.phase) {
            cwnd = cwnd.max(self.prior_cwnd);
            self.packet_conservation = false;
        }
        self.phase = d.phase;
        if self.packet_conservation {
            return (true, cwnd.max(inflight + acked));
        }
        (false, cwnd)
    }
    /// The last window that neither a recovery nor ProbeRTT has lowered.
    pub(super) fn save_cwnd(&mut self, cwnd: u64) {
        let good = matches!(self.phase, Phase::Open | Phase::Reduction) && self.mode != Mode::ProbeRtt;
        self.prior_cwnd = if good { cwnd } else { self.prior_cwnd.max(cwnd) };
    }
}
