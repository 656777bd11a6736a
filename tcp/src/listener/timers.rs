//! When each half-open request is due: the earliest first.
//!
//! Of those of one moment the one that began to wait first, where timers are exact. A kernel's wheel fires a bucket at a time,
//! and what came into a bucket last leaves it first (`enqueue_timer` puts it at the head); of several buckets that are due with
//! one tick the coarser goes first (`__run_timers`). That shows in a flood: SYN-ACKs are repeated in the reverse order of
//! their SYNs, and next time, since they were armed in that order, in the order of the SYNs again.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::request::Request;
use crate::config::Config;
use crate::isn::Tuple;
use crate::time::Time;
use crate::wheel::LAST;

/// The deadlines of requests, each with its turn among those of the same moment.
#[derive(Clone, Default, Hash)]
pub(super) struct Timers(BTreeMap<(Time, u32), Tuple>);

impl Timers {
    /// Lets a request wait for the next repetition of its SYN-ACK.
    pub(super) fn start(&mut self, now: Time, config: &Config, (tuple, request): (Tuple, &mut Request)) {
        let timeout = request.timeout(config);
        let (deadline, level) = (config.fires(now, timeout), config.level(timeout));
        let mut among = self.0.range(at(deadline, level)).map(|((_, turn), _)| *turn);
        let turn = match level {
            None => among.next_back().map_or(0, |last| last + 1),
            Some(_) => among.next().map_or(at(deadline, level).end().1, |first| first - 1),
        };
        (request.deadline, request.turn) = (deadline, turn);
        self.0.insert((deadline, turn), tuple);
    }
    pub(super) fn stop(&mut self, request: &Request) {
        self.0.remove(&(request.deadline, request.turn));
    }
    /// The request that is due, if any: it waits no longer.
    pub(super) fn pop(&mut self, now: Time) -> Option<Tuple> {
        if self.first() > now {
            return None;
        }
        self.0.pop_first().map(|(_, tuple)| tuple)
    }
    /// When the next one is due; [`Time::NEVER`] if none waits.
    pub(super) fn first(&self) -> Time {
        self.0.first_key_value().map_or(Time::NEVER, |((at, _), _)| *at)
    }
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Bits of a turn that count within one bucket; those above them say which.
const WITHIN: u32 = 28;

/// The places of those that are due then: all, or those of one bucket, that of the coarsest level first.
fn at(deadline: Time, level: Option<u32>) -> RangeInclusive<(Time, u32)> {
    let (first, last) = match level {
        None => (0, u32::MAX),
        Some(level) => {
            let bucket = LAST - level;
            (bucket << WITHIN, ((bucket + 1) << WITHIN) - 1)
        }
    };
    (deadline, first)..=(deadline, last)
}
