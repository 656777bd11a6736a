//! When each half-open request is due: the earliest first, and of those of one moment the one that began to wait first.

use std::collections::BTreeMap;

use super::request::Request;
use crate::isn::Tuple;
use crate::time::Time;

/// The deadlines of requests, each with its turn among those of the same moment.
#[derive(Clone, Default, Hash)]
pub(super) struct Timers(BTreeMap<(Time, u32), Tuple>);

impl Timers {
    /// Lets a request wait until then, behind those that are due at the same moment.
    pub(super) fn start(&mut self, request: &mut Request, tuple: Tuple, deadline: Time) {
        let last = self.0.range(..=(deadline, u32::MAX)).next_back();
        let turn = last.filter(|((at, _), _)| *at == deadline).map_or(0, |((_, turn), _)| turn + 1);
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
