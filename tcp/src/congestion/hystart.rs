//! HyStart++ (RFC 9406): slow start ends when round-trip times rise, by way of a slower phase that finds out whether
//! they rose for good.

use super::Sample;
use crate::resting::words::fold;
use crate::seq::Seq;
use crate::time::Duration;

/// The constants of section 4.3.
const MIN_RTT_THRESH: Duration = Duration::from_millis(4);
const MAX_RTT_THRESH: Duration = Duration::from_millis(16);
const MIN_RTT_DIVISOR: u64 = 8;
const N_RTT_SAMPLE: u32 = 8;
const CSS_GROWTH_DIVISOR: u64 = 4;
const CSS_ROUNDS: u32 = 5;
/// L where sending is not paced, in segments; where it is, there is no limit.
const L: u64 = 8;

// 9406/4.3-DIV
const _: () = assert!(CSS_GROWTH_DIVISOR >= 2);

/// The state of the initial slow start.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct HyStart {
    /// windowEnd: a round ends when this is acknowledged.
    window_end: Seq,
    /// lastRoundMinRTT and currentRoundMinRTT; `Duration::MAX`: infinity.
    last_round: Duration,
    this_round: Duration,
    /// rttSampleCount.
    samples: u32,
    /// Conservative slow start: cssBaselineMinRtt, and its rounds so far.
    css: Option<(Duration, u32)>,
    /// What conservative slow start has earned and not yet added, in quarters of octets.
    credit: u64,
}

fold!(HyStart { window_end, last_round, this_round, samples, css, credit });

impl HyStart {
    /// At the first acknowledgment.
    pub fn new(nxt: Seq) -> HyStart {
        HyStart {
            window_end: nxt,
            last_round: Duration::MAX,
            this_round: Duration::MAX,
            samples: 0,
            css: None,
            credit: 0,
        }
    }
    /// Takes a round-trip time. Whether slow start is to end here, with ssthresh at cwnd.
    pub fn on_delivered(&mut self, s: &Sample) -> bool {
        if let Some(rtt) = s.rtt {
            self.this_round = self.this_round.min(rtt);
            self.samples += 1;
        }
        self.judge();
        s.una >= self.window_end && self.end_round(s.nxt)
    }
    fn judge(&mut self) {
        if self.samples < N_RTT_SAMPLE {
            return;
        }
        match self.css {
            // 9406/4.2-EXIT
            None if self.last_round != Duration::MAX && self.this_round != Duration::MAX => {
                let thresh = (self.last_round / MIN_RTT_DIVISOR).clamp(MIN_RTT_THRESH, MAX_RTT_THRESH);
                if self.this_round >= self.last_round + thresh {
                    self.css = Some((self.this_round, 0));
                    self.credit = 0;
                }
            }
            // 9406/4.2-SPUR
            Some((baseline, _)) if self.this_round < baseline => self.css = None,
            _ => {}
        }
    }
    fn end_round(&mut self, nxt: Seq) -> bool {
        self.last_round = self.this_round;
        self.this_round = Duration::MAX;
        self.samples = 0;
        self.window_end = nxt;
        let Some((_, rounds)) = &mut self.css else { return false };
        // 9406/4.2-CA: the round in which it began counts, though it was only a part of one.
        *rounds += 1;
        *rounds >= CSS_ROUNDS
    }
    /// The window after this acknowledgment.
    pub fn grow(&mut self, s: &Sample) -> u64 {
        // 9406/4.2-CWND, 9406/4.3-PACED
        let counted = if s.paced { s.acked } else { s.acked.min(L * s.mss) };
        if self.css.is_none() {
            return s.cwnd + counted;
        }
        // 9406/4.2-CSS
        self.credit += counted;
        let add = self.credit / CSS_GROWTH_DIVISOR;
        self.credit -= add * CSS_GROWTH_DIVISOR;
        s.cwnd + add
    }
    /// Whether growth is slowed down.
    #[cfg(test)]
    pub fn is_conservative(&self) -> bool {
        self.css.is_some()
    }
}
