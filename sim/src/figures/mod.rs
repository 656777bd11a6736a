//! What a run is measured by, if somebody asks: connections with their times, bytes and round trips, and how long packets
//! waited where. Readings, never an influence: the trace and its hash are the same with and without.
//!
//! What is kept here are whole numbers as they happened; rates, percentiles and tables are made of them by who asks.

mod flow;
mod spread;

pub(crate) use flow::FlowEvent;
pub use flow::{Flow, FlowLog, Transfer};
pub use spread::Spread;

use tcp::{Duration, Time};

use crate::link::Pipe;
use crate::simulator::Simulator;
use crate::trace::PipeId;

/// What a direction of a link is measured by, besides its counters.
#[derive(Clone, Debug, Default)]
pub struct PipeFigures {
    /// How long packets waited in front of it, in nanoseconds.
    pub wait: Spread,
    /// How many packets each found waiting.
    pub found: Spread,
}

impl PipeFigures {
    pub(crate) fn note(&mut self, wait: Duration, found: usize) {
        self.wait.add(wait.as_nanos());
        self.found.add(found as u64);
    }
}

/// A direction of a link on which more packets came out, were lost or are under way than were handed over, or fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// Where.
    pub pipe: PipeId,
    /// Packets handed over, and copies made.
    pub entered: u64,
    /// Packets that came out or were lost.
    pub left: u64,
    /// Packets that wait or are on the way.
    pub inside: u64,
}

impl Simulator {
    /// The same world, measured: [`flows`](Self::flows), [`pipe_figures`](Self::pipe_figures). The trace and its hash do
    /// not change.
    pub fn with_figures(mut self) -> Simulator {
        self.out.flows = Some(Box::default());
        self.forget_waits();
        self
    }
    /// What connections have done so far, in a world that is measured.
    pub fn flows(&self) -> Option<&FlowLog> {
        self.out.flows.as_deref()
    }
    /// How long packets have waited in front of a direction of a link, in a world that is measured.
    pub fn pipe_figures(&self, pipe: PipeId) -> Option<&PipeFigures> {
        self.pipes[pipe.0 as usize].figures()
    }
    /// Forgets what was measured so far but which connections there are: the warm-up is over.
    pub fn forget_warm_up(&mut self) {
        let now = self.now;
        if let Some(flows) = &mut self.out.flows {
            flows.forget_warm_up(now);
            self.forget_waits();
        }
    }
    fn forget_waits(&mut self) {
        self.pipes.iter_mut().for_each(Pipe::keep_figures);
    }
    /// Takes in what TCP knows of the connections that are still open. Call it before looking at flows.
    pub fn read_open_flows(&mut self) {
        let now = self.now;
        let Some(mut flows) = self.out.flows.take() else { return };
        for node in &self.nodes {
            if let crate::node::Node::Host(host) = node {
                host.host.each_connection(now, |tuple, info| flows.read_info(tuple, info));
            }
        }
        self.out.flows = Some(flows);
    }
    /// What TCP knows of a connection at this host; `None` where there is none, or TCP is done with it.
    pub fn info(&self, node: crate::NodeId, tuple: &tcp::Tuple) -> Option<tcp::Info> {
        self.reading(node, tuple).map(|(info, _)| info)
    }
    /// What TCP knows of both ends of a connection, that which opened it first; `None` where TCP is done with it.
    pub fn ends_of(&self, flow: &Flow) -> [Option<tcp::Info>; 2] {
        let there = self.plan.owners.get(&flow.tuple.remote.ip());
        let info = |node: crate::NodeId, tuple| self.reading(node, &tuple).map(|(info, _)| info);
        [info(flow.node, flow.tuple), there.and_then(|node| info(*node, flow.tuple.reversed()))]
    }
    /// The node that has an address.
    pub fn owner(&self, address: std::net::IpAddr) -> Option<crate::NodeId> {
        self.plan.owners.get(&address).copied()
    }
    /// Lets everything happen up to and at `time`; then it is the time of what happened last, not `time`.
    pub fn run_through(&mut self, time: Time) {
        let limit = time.min(self.plan.until);
        self.all_until(limit);
    }
    /// Packets and bytes that wait in front of a direction of a link at `time`, of which it has come to.
    pub fn backlog_at(&self, pipe: PipeId, time: Time) -> (usize, u64) {
        self.pipes[pipe.0 as usize].backlog(time)
    }
    /// Directions of links whose counters do not add up; there are none.
    pub fn imbalances(&self) -> Vec<Imbalance> {
        let one = |(number, pipe): (usize, &crate::link::Pipe)| {
            let c = pipe.counters;
            let (entered, left, inside) =
                (c.sent + c.copies, c.delivered + c.dropped, pipe.on_the_way() as u64);
            let pipe = PipeId(number as u32);
            (entered != left + inside).then_some(Imbalance { pipe, entered, left, inside })
        };
        self.pipes.iter().enumerate().filter_map(one).collect()
    }
}

/// The ways that packets take through a network, as its links and routes are at the start.
pub struct Paths<'a> {
    simulator: &'a Simulator,
}

impl<'a> Paths<'a> {
    /// Those of a world.
    pub fn of(simulator: &'a Simulator) -> Paths<'a> {
        Paths { simulator }
    }
    /// The directions of links that a packet from a node to an address takes; `None`: it does not get there.
    pub fn path(&self, from: crate::NodeId, to: std::net::IpAddr) -> Option<Vec<PipeId>> {
        let goal = *self.simulator.plan.owners.get(&to)?;
        let (mut node, mut path) = (from, Vec::new());
        while node != goal {
            let pipe = self.simulator.next_hop(node, to)?;
            path.push(pipe);
            node = self.simulator.pipes[pipe.0 as usize].to;
            if path.len() > usize::from(u8::MAX) {
                return None; // round and round, until its time to live runs out
            }
        }
        Some(path)
    }
}

#[cfg(test)]
mod tests;
