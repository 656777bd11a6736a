//! What follows from several knobs together.

use super::Config;
use crate::time::{Duration, Time};

impl Config {
    /// Bound on `challenge_count`: some records keep the count in four bits.
    pub const MOST_CHALLENGES: u8 = 15;

    /// The RTO `initial`, which nothing was measured for, doubled so many times.
    pub(crate) fn backed_off(&self, initial: Duration, doublings: u32) -> Duration {
        let slop = if doublings == 0 { Duration::ZERO } else { self.rto_slop };
        (initial.doubled(doublings) + slop).min(self.max_rto)
    }
    /// Whether a soft ICMP error ends an open (RFC 5461, section 4.1): `again`, one has come before; so often its SYN, or SYN-ACK,
    /// was repeated.
    pub(crate) fn soft_error_ends_open(&self, again: bool, repeats: u8) -> bool {
        self.icmp_aborts_connect || again && self.icmp_aborts_after.is_some_and(|most| repeats > most)
    }
    /// Whether one more challenge or out-of-window ACK may go out now: so many in each `interval`, which begins with the first
    /// of them (RFC 5961, section 7). `began` is when the last one began, [`Time::NEVER`] before the first, and `sent` how many
    /// have gone out since.
    pub(crate) fn may_answer(&self, now: Time, interval: Duration, began: &mut Time, sent: &mut u8) -> bool {
        if *began == Time::NEVER || now >= self.passed(*began, interval) {
            (*began, *sent) = (now, 0);
        } else if *sent >= self.challenge_count.min(Config::MOST_CHALLENGES) {
            return false;
        }
        *sent = sent.saturating_add(1);
        true
    }
    /// The same for records that keep how many were sent in the upper four bits of an octet, and something else in the lower.
    pub(crate) fn may_answer_packed(&self, now: Time, began: &mut Time, bits: &mut u8) -> bool {
        let mut sent = *bits >> 4;
        let may = self.may_answer(now, self.challenge_interval, began, &mut sent);
        *bits = *bits & 0x0F | sent << 4;
        may
    }
}
