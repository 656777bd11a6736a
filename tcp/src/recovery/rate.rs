//! Delivery rate samples (draft-ietf-ccwg-bbr, section 4.1; first draft-cheng-iccrg-delivery-rate-estimation): what
//! was delivered between the sending of a segment and its acknowledgment, over how long that took.
//!
//! Each transmission has a number (`Sent::order`), and what was known when it went out is kept under it until it is
//! delivered or sent again. Exists only for controllers that want rates.

use std::collections::VecDeque;

use crate::congestion::Rate;
use crate::time::{Duration, Time};

/// What was known when a segment was sent.
#[derive(Clone, Copy, Debug, Hash)]
struct Snapshot {
    /// P.delivered.
    delivered: u64,
    /// P.lost.
    lost: u64,
    /// P.delivered_time; `Time::NEVER`: delivered, or sent again.
    delivered_time: Time,
    /// P.first_send_time.
    first_send_time: Time,
    /// P.tx_in_flight.
    tx_in_flight: u64,
    /// P.is_app_limited.
    app_limited: bool,
}

/// The estimator of one connection.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Sampler {
    /// C.delivered.
    pub delivered: u64,
    /// C.lost.
    pub lost: u64,
    delivered_time: Time,
    first_send_time: Time,
    /// C.app_limited; zero: it is not.
    app_limited: u64,
    /// By number of transmission, the first of which is `base`.
    sent: VecDeque<Snapshot>,
    base: u32,
    /// The sample of the acknowledgment that is being processed.
    rate: Rate,
    newest: Option<(Time, u32)>,
    send_elapsed: Duration,
    ack_elapsed: Duration,
}

/// What is known of a segment found lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct LostSnapshot {
    pub tx_in_flight: u64,
    /// Octets lost since it was sent, it not included.
    pub lost: u64,
    pub app_limited: bool,
}

impl Sampler {
    /// A segment goes out as transmission `order`; `inflight` octets were in flight before.
    pub fn on_sent(&mut self, now: Time, order: u32, bytes: u64, inflight: u64) {
        if inflight == 0 {
            self.first_send_time = now;
            self.delivered_time = now;
        }
        if self.sent.is_empty() {
            self.base = order;
        }
        self.sent.push_back(Snapshot {
            delivered: self.delivered,
            lost: self.lost,
            delivered_time: self.delivered_time,
            first_send_time: self.first_send_time,
            tx_in_flight: inflight + bytes,
            app_limited: self.app_limited != 0,
        });
    }
    fn snapshot(&mut self, order: u32) -> Option<&mut Snapshot> {
        self.sent.get_mut(order.wrapping_sub(self.base) as usize).filter(|s| s.delivered_time != Time::NEVER)
    }
    /// Transmission `order` is of no interest any more.
    pub fn forget(&mut self, order: u32) {
        if let Some(snapshot) = self.snapshot(order) {
            snapshot.delivered_time = Time::NEVER;
        }
        while self.sent.front().is_some_and(|s| s.delivered_time == Time::NEVER) {
            self.sent.pop_front();
            self.base = self.base.wrapping_add(1);
        }
    }
    /// Begins an acknowledgment (InitRateSample).
    pub fn begin(&mut self) {
        self.rate = Rate::default();
        self.newest = None;
    }
    /// A segment is acknowledged or SACKed that was sent at `at` as transmission `order` (UpdateRateSample).
    pub fn on_delivered(&mut self, now: Time, at: Time, order: u32, bytes: u64) {
        self.delivered += bytes;
        self.delivered_time = now;
        let Some(snapshot) = self.snapshot(order).copied() else { return };
        // IsNewestPacket
        let newer =
            |(time, number): (Time, u32)| at > time || at == time && order.wrapping_sub(number) as i32 > 0;
        if self.newest.is_none_or(newer) {
            self.newest = Some((at, order));
            self.rate.prior_delivered = Some(snapshot.delivered);
            self.rate.app_limited = snapshot.app_limited;
            self.rate.tx_in_flight = snapshot.tx_in_flight;
            self.rate.lost = snapshot.lost;
            self.send_elapsed = at.since(snapshot.first_send_time);
            self.ack_elapsed = now.since(snapshot.delivered_time);
            self.first_send_time = at;
        }
        self.forget(order);
    }
    /// `bytes` of transmission `order` are thought lost.
    pub fn on_lost(&mut self, order: u32, bytes: u64) -> Option<LostSnapshot> {
        let before = self.lost;
        self.lost += bytes;
        let snapshot = self.snapshot(order)?;
        Some(LostSnapshot {
            tx_in_flight: snapshot.tx_in_flight,
            lost: before - snapshot.lost,
            app_limited: snapshot.app_limited,
        })
    }
    /// The sample (GenerateRateSample).
    pub fn finish(&mut self, min_rtt: Duration) -> Rate {
        if self.app_limited != 0 && self.delivered > self.app_limited {
            self.app_limited = 0;
        }
        let mut rate = self.rate;
        let Some(prior) = rate.prior_delivered else { return rate };
        rate.lost = self.lost - rate.lost;
        rate.delivered = self.delivered.saturating_sub(prior);
        let interval = self.send_elapsed.max(self.ack_elapsed);
        // Shorter than any round trip: acknowledgments were held up and came in a bunch.
        if interval < min_rtt || interval == Duration::ZERO {
            return rate;
        }
        rate.interval = interval;
        let bps = u128::from(rate.delivered) * 1_000_000_000 / u128::from(interval.as_nanos());
        rate.rate = u64::try_from(bps).unwrap_or(u64::MAX);
        rate
    }
    /// MarkConnectionAppLimited.
    pub fn mark_app_limited(&mut self, inflight: u64) {
        self.app_limited = (self.delivered + inflight).max(1);
    }
    /// Whether the connection counts as limited by its application.
    pub fn is_app_limited(&self) -> bool {
        self.app_limited != 0
    }
    #[cfg(test)]
    pub fn outstanding(&self) -> usize {
        self.sent.len()
    }
}

#[cfg(test)]
mod tests;
