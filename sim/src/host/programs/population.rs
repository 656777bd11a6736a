//! A population's part on one host: starts a flow whenever one is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;

use tcp::{Duration, Time};

use super::Spawn;
use super::script::Outcome;
use crate::rng::{Draw, Stream};
use crate::spec::{Arrivals, Pairing, Population};

/// Flows started in one turn; the others follow at the same time.
const SPAWNS_AT_ONCE: usize = 1000;

/// The state of a program that starts flows.
#[derive(Clone, Debug)]
pub(super) struct Source {
    begun: Time,
    started: u64,
    /// When the next one begins, where that does not depend on others.
    next: Option<Time>,
    /// When users have thought enough, where flows begin with them.
    thinking: BinaryHeap<Reverse<Time>>,
    /// Flows that have ended and whose users think.
    ended: u64,
    /// Times between flows, and of thinking.
    times: Stream,
    /// Targets, and what each flow draws its sizes from.
    flows: Stream,
}

impl std::hash::Hash for Source {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let Source { begun, started, next, thinking, ended, times, flows } = self;
        (begun, started, next, ended, times, flows).hash(state);
        thinking.clone().into_sorted_vec().hash(state);
    }
}

impl Source {
    /// That of the program of this name on this host.
    pub(super) fn new(seed: u64, host: &str, program: &str, now: Time) -> Source {
        let stream = |what: &str| Stream::new(seed, &format!("host:{host}/population:{program}/{what}"));
        Source {
            begun: now,
            started: 0,
            next: None,
            thinking: BinaryHeap::new(),
            ended: 0,
            times: stream("times"),
            flows: stream("flows"),
        }
    }

    /// Starts what is due; `running` of its flows have not ended.
    pub(super) fn run(
        &mut self,
        spec: &Population,
        mut running: u32,
        now: Time,
        spawns: &mut Vec<Spawn>,
    ) -> Outcome {
        let share = spec.share(spec.count);
        self.think(spec, running, now);
        while self.started < share {
            let at = self.due(spec);
            if at >= spec.stop {
                break;
            }
            if now < at {
                return Outcome::Waiting(at);
            }
            if spawns.len() == SPAWNS_AT_ONCE {
                return Outcome::Waiting(now);
            }
            let number = u64::from(spec.place) + self.started * u64::from(spec.hosts);
            let to = self.target(spec, number);
            self.started += 1;
            self.next = None;
            self.thinking.pop();
            running += 1;
            spawns.push(Spawn::Flow(to, self.flows.bits(), self.started as u32));
        }
        if running == 0 { Outcome::Over } else { Outcome::Waiting(Time::NEVER) }
    }

    /// Users whose flows have ended begin to think; at the start all do.
    fn think(&mut self, spec: &Population, running: u32, now: Time) {
        let Arrivals::Closed { users, think } = &spec.arrivals else { return };
        let mut thinkers = if self.started == 0 && self.thinking.is_empty() {
            spec.share(u64::from(*users))
        } else {
            let ended = self.started.saturating_sub(u64::from(running));
            ended - std::mem::replace(&mut self.ended, ended)
        };
        while thinkers > 0 {
            thinkers -= 1;
            let until = now + Duration::from_nanos(think.value(self.times.bits()));
            self.thinking.push(Reverse(until));
        }
    }

    /// When the next flow begins.
    fn due(&mut self, spec: &Population) -> Time {
        let hosts = u64::from(spec.hosts.max(1));
        let number = u64::from(spec.place) + self.started * hosts;
        match &spec.arrivals {
            Arrivals::Every(every) => {
                self.begun + Duration::from_nanos(every.as_nanos().saturating_mul(number))
            }
            Arrivals::Poisson(mean) => {
                // What several exponential sources bring is Poisson with the sum of their rates.
                let own = Draw::Exponential(mean.as_nanos().saturating_mul(hosts));
                let last = self.begun;
                *self.next.get_or_insert_with(|| {
                    let gap = Duration::from_nanos(own.value(self.times.bits()));
                    self.begun = last + gap;
                    self.begun
                })
            }
            Arrivals::At(times) => {
                times.get(number as usize).map_or(Time::NEVER, |after| self.begun + *after)
            }
            Arrivals::Closed { .. } => self.thinking.peek().map_or(Time::NEVER, |Reverse(until)| *until),
        }
    }

    fn target(&mut self, spec: &Population, number: u64) -> SocketAddr {
        let all = spec.targets.len().max(1) as u64;
        let which = match spec.pairing {
            Pairing::InTurn => number % all,
            Pairing::Random => self.flows.below(all),
        };
        // There is one: a population without targets is refused where scenarios are read.
        spec.targets.get(which as usize).copied().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)))
    }
}
