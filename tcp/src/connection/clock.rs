//! The timestamp clock of RFC 7323: one tick a millisecond, with an offset of its own on each connection.

use crate::recovery::Echo;
use crate::time::{Duration, Time};

/// Length of a tick, in nanoseconds (RFC 7323, section 5.4: between 1 ms and 1 s).
const TICK: u64 = 1_000_000;
/// Idle time after which TS.Recent no longer counts (RFC 7323, section 5.5).
const LONGEST_IDLE: Duration = Duration::from_secs(24 * 24 * 3600);

/// The clock's reading at `now`.
pub(crate) const fn ticks(now: Time, offset: u32) -> u32 {
    ((now.as_nanos() / TICK) as u32).wrapping_add(offset)
}

/// When the tick `val` began: the latest such time not after `now`. A value from the future counts as of now.
pub(crate) fn tick_began(now: Time, offset: u32, val: u32) -> Time {
    let age = ticks(now, offset).wrapping_sub(val);
    if age > u32::MAX / 2 {
        return now;
    }
    let tick = (now.as_nanos() / TICK).saturating_sub(u64::from(age));
    Time::from_nanos(tick * TICK)
}

/// The tick that TSecr names.
pub(crate) fn echo(now: Time, offset: u32, ecr: u32) -> Echo {
    let from = tick_began(now, offset, ecr);
    Echo { from, to: from + Duration::from_nanos(TICK) }
}

/// Whether `val` is more than `slack` ticks older than TS.Recent, which was taken `age` ago (RFC 7323, section 5.3, R1, and section 5.5).
pub(crate) fn older(val: u32, recent: u32, slack: u8, age: Duration) -> bool {
    (val.wrapping_add(u32::from(slack)).wrapping_sub(recent) as i32) < 0 && age <= LONGEST_IDLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_and_back() {
        let now = Time::from_nanos(5_300_000_000);
        assert_eq!(ticks(now, 7), 5307);
        assert_eq!(tick_began(now, 7, 5207), Time::from_nanos(5_200_000_000));
        assert_eq!(tick_began(now, 7, 5308), now, "from the future");
        assert_eq!(tick_began(now, u32::MAX, ticks(now, u32::MAX)), now);
    }

    /// RFC 7323, section 5.5: 24 days, then TS.Recent is no longer believed.
    #[test]
    fn paws_ends_after_24_days() {
        let day = Duration::from_secs(24 * 3600);
        assert!(older(10, 20, 0, day * 24));
        assert!(!older(10, 20, 0, day * 25));
        assert!(!older(20, 20, 0, Duration::ZERO));
        assert!(older(18, 20, 1, Duration::ZERO) && !older(19, 20, 1, Duration::ZERO));
        assert!(older(u32::MAX, 0, 0, Duration::ZERO), "order across the wrap");
        assert!(!older(0, u32::MAX, 0, Duration::ZERO));
    }
}
