//! A token bucket in front of a link, as `tc`'s tbf: bursts pass, the long run does not exceed a rate.

use tcp::{Duration, Time};

use crate::spec;

/// The bucket, told by the moment at which it would be full.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Shaper {
    config: spec::Shape,
    full_at: Time,
    /// What rounding has left out of `full_at`, in bits times 10^9, out of the rate.
    rest: u64,
}

impl Shaper {
    /// A full bucket.
    pub(crate) fn new(config: spec::Shape) -> Shaper {
        Shaper { config, full_at: Time::ZERO, rest: 0 }
    }
    /// New parameters. The bucket is full then, as after a change of tc's tbf; where they are the old ones nothing happens.
    pub(crate) fn change(&mut self, config: spec::Shape) {
        if config != self.config {
            *self = Shaper::new(config);
        }
    }
    /// When the bucket holds enough for a packet of `len` bytes, from `at` on.
    pub(crate) fn ready(&self, at: Time, len: u32) -> Time {
        let bits = (u128::from(len) * 8 * 1_000_000_000) + u128::from(self.rest);
        let level = u128::from(self.config.burst) * 8 * 1_000_000_000;
        let rate = u128::from(self.config.rate_bps.max(1));
        // What may be missing from a full bucket when the packet begins.
        let spare =
            Duration::from_nanos(u64::try_from(level.saturating_sub(bits) / rate).unwrap_or(u64::MAX));
        at.max(self.full_at - spare)
    }
    /// Takes the tokens for a packet that begins at `start`.
    pub(crate) fn take(&mut self, start: Time, len: u32) {
        if self.full_at <= start {
            self.full_at = start;
            self.rest = 0;
        }
        let rate = self.config.rate_bps.max(1);
        let bits = u64::from(len).saturating_mul(8 * 1_000_000_000).saturating_add(self.rest);
        self.rest = bits % rate;
        self.full_at += Duration::from_nanos(bits / rate);
    }
}
