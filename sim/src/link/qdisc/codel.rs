//! CoDel, controlled delay (RFC 8289): drops or marks by how long packets have waited when they leave.

use std::collections::VecDeque;

use tcp::{Duration, Time};

use super::leaving::{Departure, Gone, Waiting};
use crate::spec;

/// Packets of one queue, first in, first out, and CoDel's state for it.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Codel {
    packets: VecDeque<Waiting>,
    bytes: u64,
    /// When the wait will have been too long for an interval; `None`: it is not.
    first_above: Option<Time>,
    dropping: bool,
    drop_next: Time,
    count: u64,
    last_count: u64,
}

impl Codel {
    pub(super) fn push(&mut self, packet: Waiting) {
        self.bytes += u64::from(packet.len);
        self.packets.push_back(packet);
    }
    /// Takes the first packet, whatever it has waited.
    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let packet = self.packets.pop_front()?;
        self.bytes -= u64::from(packet.len);
        Some(packet)
    }
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }
    pub(super) fn front_len(&self) -> Option<u32> {
        self.packets.front().map(|packet| packet.len)
    }

    /// Takes the next packet to leave (Section 5.5); those that are dropped on the way go to `gone`. `mtu`: a backlog
    /// of this many bytes is no standing queue.
    pub(super) fn dequeue(
        &mut self,
        now: Time,
        config: spec::Codel,
        mtu: u32,
        gone: &mut VecDeque<Gone>,
    ) -> Option<Departure> {
        let (mut packet, mut late) = self.next(now, config, mtu)?;
        if !self.dropping {
            if !late {
                return Some(Departure { packet, mark: false });
            }
            self.enter(now, config);
            if config.ecn && packet.ect {
                return Some(Departure { packet, mark: true });
            }
            gone.push_back(Gone::early(&packet));
            (packet, _) = self.next(now, config, mtu)?;
            return Some(Departure { packet, mark: false });
        }
        self.dropping = late;
        while self.dropping && now >= self.drop_next {
            self.count += 1;
            if config.ecn && packet.ect {
                self.drop_next += law(config.interval, self.count);
                return Some(Departure { packet, mark: true });
            }
            gone.push_back(Gone::early(&packet));
            let Some(next) = self.next(now, config, mtu) else {
                self.dropping = false;
                return None;
            };
            (packet, late) = next;
            if late {
                self.drop_next += law(config.interval, self.count);
            } else {
                self.dropping = false;
            }
        }
        Some(Departure { packet, mark: false })
    }
    /// The dropping state begins: where the last one left off, if that is not long ago (Section 5.5).
    fn enter(&mut self, now: Time, config: spec::Codel) {
        self.dropping = true;
        let delta = self.count.saturating_sub(self.last_count);
        let recent = now.since(self.drop_next) < config.interval * 16;
        self.count = if recent && delta > 1 { delta } else { 1 };
        self.drop_next = now + law(config.interval, self.count);
        self.last_count = self.count;
    }
    /// The first packet, and whether packets have waited too long for an interval (Section 5.4).
    fn next(&mut self, now: Time, config: spec::Codel, mtu: u32) -> Option<(Waiting, bool)> {
        let Some(packet) = self.pop() else {
            self.first_above = None;
            return None;
        };
        if now.since(packet.since) < config.target || self.bytes <= u64::from(mtu) {
            self.first_above = None;
            return Some((packet, false));
        }
        let at = *self.first_above.get_or_insert(now + config.interval);
        Some((packet, now >= at))
    }
}

/// The interval over the square root of the number of drops (Section 3.3), to the nanosecond.
fn law(interval: Duration, count: u64) -> Duration {
    let square = u128::from(interval.as_nanos()) * u128::from(interval.as_nanos());
    let nanos = (square / u128::from(count.max(1))).isqrt();
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
