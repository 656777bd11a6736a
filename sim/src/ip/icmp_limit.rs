//! How many ICMP errors one sender may draw (RFC 1812, section 4.3.2.8).

use std::collections::BTreeMap;
use std::net::IpAddr;

use tcp::config::IcmpLimit as Kind;
use tcp::{Duration, Time};

use crate::packet::IcmpKind;

/// A token bucket for each destination, as Linux has them: one a second, six at once (`icmp_ratelimit`). Messages that
/// path MTU discovery needs do not count. Or a count of what has gone out in this second, as FreeBSD has it (`icmplim`).
#[derive(Clone, Debug, Default, Hash)]
pub struct IcmpLimit {
    buckets: BTreeMap<IpAddr, Bucket>,
    /// When the second began that is counted in.
    second: Time,
    /// Sent in it.
    sent: u32,
}

#[derive(Clone, Copy, Debug, Hash)]
struct Bucket {
    credit: Duration,
    since: Time,
}

const EACH: Duration = Duration::from_secs(1);
const BURST: Duration = Duration::from_secs(6);
/// Bound on the number of destinations remembered; full buckets are forgotten first.
const MOST: usize = 1024;

impl IcmpLimit {
    /// Whether a message of this kind may be sent to `to` now; if so, it is counted.
    pub fn allows(&mut self, now: Time, limit: Kind, to: IpAddr, kind: IcmpKind) -> bool {
        match limit {
            Kind::PerDestination => self.bucket_allows(now, to, kind),
            Kind::PerSecond(most) => self.second_allows(now, most),
        }
    }
    fn second_allows(&mut self, now: Time, most: u32) -> bool {
        if now >= self.second + Duration::from_secs(1) {
            (self.second, self.sent) = (now, 0);
        }
        let allowed = self.sent < most;
        self.sent += u32::from(allowed);
        allowed
    }
    fn bucket_allows(&mut self, now: Time, to: IpAddr, kind: IcmpKind) -> bool {
        if matches!(kind, IcmpKind::FragmentationNeeded(_)) {
            return true;
        }
        if self.buckets.len() >= MOST && !self.buckets.contains_key(&to) {
            self.buckets.retain(|_, bucket| bucket.at(now) < BURST);
            if self.buckets.len() >= MOST {
                return false;
            }
        }
        let bucket = self.buckets.entry(to).or_insert(Bucket { credit: BURST, since: now });
        let credit = bucket.at(now);
        let allowed = credit >= EACH;
        *bucket = Bucket { credit: if allowed { credit.saturating_sub(EACH) } else { credit }, since: now };
        allowed
    }
}

impl Bucket {
    fn at(&self, now: Time) -> Duration {
        (self.credit + now.since(self.since)).min(BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_at_once_then_one_a_second() {
        let mut limit = IcmpLimit::default();
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut sent = |millis: u64, to| {
            let now = Time::ZERO + Duration::from_millis(millis);
            limit.allows(now, Kind::PerDestination, to, IcmpKind::HostUnreachable)
        };
        assert_eq!((0..10).filter(|_| sent(0, a)).count(), 6);
        assert!(sent(0, b), "each destination has a bucket of its own");
        assert!(!sent(999, a) && sent(1_000, a) && !sent(1_001, a));
        assert_eq!((0..10).filter(|_| sent(100_000, a)).count(), 6);
        let too_big = IcmpKind::FragmentationNeeded(576);
        assert!((0..10).all(|_| limit.allows(Time::ZERO, Kind::PerDestination, a, too_big)));
    }

    #[test]
    fn so_many_a_second_to_all() {
        let mut limit = IcmpLimit::default();
        let to = |n: u8| IpAddr::from([10, 0, 0, n]);
        let mut sent = |millis: u64, n| {
            let now = Time::ZERO + Duration::from_millis(millis);
            limit.allows(now, Kind::PerSecond(200), to(n), IcmpKind::PortUnreachable)
        };
        assert_eq!((0..=255).filter(|n| sent(100, *n)).count(), 200);
        assert!(!sent(999, 1) && sent(1_100, 1));
        assert_eq!((0..=255).filter(|n| sent(2_099, *n)).count(), 199);
        assert_eq!((0..=255).filter(|n| sent(2_100, *n)).count(), 200);
    }
}
