//! Many clients: starts a script for each, so many at a time.

use tcp::{Duration, Time};

use super::Spawn;
use super::script::Outcome;

/// Clients started in one turn; the others follow at the same time.
const SPAWNS_AT_ONCE: usize = 1000;

/// The state of a program that starts clients.
#[derive(Clone, Debug, Hash)]
pub(super) struct Spawner {
    begun: Time,
    started: u32,
}

impl Spawner {
    pub(super) fn new(now: Time) -> Spawner {
        Spawner { begun: now, started: 0 }
    }

    pub(super) fn run(
        &mut self,
        (count, every, at_once): (u32, Duration, u32),
        mut running: u32,
        now: Time,
        spawns: &mut Vec<Spawn>,
    ) -> Outcome {
        while self.started < count {
            let at = self.begun + every * u64::from(self.started);
            if now < at {
                return Outcome::Waiting(at);
            }
            if at_once > 0 && running >= at_once {
                // The end of one wakes this task.
                return Outcome::Waiting(Time::NEVER);
            }
            if spawns.len() == SPAWNS_AT_ONCE {
                return Outcome::Waiting(now);
            }
            self.started += 1;
            running += 1;
            spawns.push(Spawn::Client(self.started));
        }
        if running == 0 { Outcome::Over } else { Outcome::Waiting(Time::NEVER) }
    }
}
