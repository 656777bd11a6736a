//! The same run without the event queue: the next event is what asking every source for its own finds. Slow, and obvious;
//! a run either way has the same trace.

use tcp::Time;

use crate::queue::Source;
use crate::simulator::Simulator;
use crate::trace::NodeId;

impl Simulator {
    /// As [`step`](Self::step), whatever the event queue says. One run goes one way from its beginning to its end: the queue
    /// does not hear of what was done behind its back.
    pub fn step_searching(&mut self) -> bool {
        if self.stuck() {
            return false;
        }
        let Some((time, source)) = self.search().filter(|(time, _)| *time <= self.plan.until) else {
            self.look_at_the_end();
            return false;
        };
        self.happens(time, source);
        true
    }

    /// The earliest event of all sources; of those of one moment, the first by rank and number.
    fn search(&mut self) -> Option<(Time, Source)> {
        let timeline = self.plan.faults.get(self.faults_done).map(|(time, _)| (*time, Source::Timeline));
        let now = self.now;
        // What a change of a link has let pass earlier comes at once.
        let next = |pipe: &crate::link::Pipe| pipe.next_event().max(now);
        let pipes = (0..).zip(&self.pipes).map(|(number, pipe)| (next(pipe), Source::Pipe(number)));
        let first = timeline.into_iter().chain(pipes).min();
        let hosts = (0..self.nodes.len() as u32).filter_map(|number| {
            let deadline = self.host_node(NodeId(number))?.deadline();
            // One that has passed comes at once.
            Some((deadline.max(now), Source::Host(number)))
        });
        hosts.chain(first).min().filter(|(time, _)| *time != Time::NEVER)
    }
}
