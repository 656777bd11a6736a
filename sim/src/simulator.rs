//! A run: the world as a value, and the loop that moves it on.
//!
//! One event is one packet that arrives at one end of a link, one deadline of a host, or what the fault timeline has at
//! one moment. `Simulator` is a value: a clone goes on exactly as the original would.

use std::hash::Hash;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tcp::{Config, Time};

use crate::calls::CallLog;
use crate::check::{Checks, Violation};
use crate::digest::{Digest, Places};
use crate::fate::FateRules;
use crate::hash::TraceHash;
use crate::host::{Host, Setup};
use crate::hostio::{HostNet, HostOut};
use crate::link::{FateLog, Forced, Pipe};
use crate::node::{HostNode, Node, RouterNode};
use crate::queue::{EventQueue, Source};
use crate::spec::{self, Spec};
use crate::topology::{Graph, Names};
use crate::trace::{NodeId, PipeId, Record, TraceLevel, What};

/// A network with all that goes on in it, at one moment.
#[derive(Clone)]
pub struct Simulator {
    pub(crate) now: Time,
    pub(crate) queue: EventQueue,
    pub(crate) pipes: Vec<Pipe>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) rules: FateRules,
    /// What of the timeline has happened.
    pub(crate) faults_done: usize,
    /// What the host that was called last wants, and all packets under way.
    pub(crate) out: HostOut,
    pub(crate) level: TraceLevel,
    pub(crate) records: Vec<Record>,
    /// Of the trace no more is kept than so many records,
    most_records: usize,
    /// and this was when there were more.
    trace_cut: Option<Time>,
    pub(crate) hash: TraceHash,
    events: u64,
    /// Packets that nodes have made and handed to a link.
    pub(crate) packets_sent: u64,
    /// Events since time last moved.
    at_once: u32,
    pub(crate) checks: Option<Box<Checks>>,
    /// The calls of one host's programs, if somebody wants to know them.
    pub(crate) calls: Option<Box<CallLog>>,
    pub(crate) plan: Arc<Plan>,
}

/// Events of one moment, at most. A burst of a million packets is a legitimate moment.
const MOST_AT_ONCE: u32 = if cfg!(test) { 1 << 16 } else { 1 << 24 };

/// What does not change during a run.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) until: Time,
    pub(crate) names: Names,
    pub(crate) graph: Graph,
    /// By time; those of one time in order of mention.
    pub(crate) faults: Vec<(Time, spec::Fault)>,
    /// Programs by name, and where they run.
    pub(crate) programs: Vec<(Arc<str>, NodeId)>,
    /// Which node has which address.
    pub(crate) owners: FxHashMap<std::net::IpAddr, NodeId>,
}

impl Simulator {
    /// The world of `spec` at time zero, of which a trace is kept as `level` says.
    ///
    /// # Panics
    /// If a name in `spec` refers to nothing: whoever makes one has checked that.
    pub fn new(spec: &Spec, level: TraceLevel) -> Simulator {
        let names = Names::new(spec);
        let graph = Graph::new(spec, &names);
        let owners = graph.owners();
        let mut faults = spec.faults.clone();
        faults.sort_by_key(|(time, _)| *time);
        let programs = spec
            .programs
            .iter()
            .map(|p| (Arc::clone(&p.name), names.node_id(&p.on).expect("a program runs on a host")))
            .collect();
        let mut out = HostOut::new(NodeId(0), level);
        out.streams = Some(Box::default());
        let plan = Plan { seed: spec.seed, until: spec.until, names, graph, faults, programs, owners };
        let mut simulator = Simulator {
            now: Time::ZERO,
            queue: EventQueue::default(),
            pipes: pipes(spec, &plan.names),
            nodes: Vec::new(),
            rules: FateRules::new(spec, &plan.names),
            faults_done: 0,
            out,
            level,
            records: Vec::new(),
            most_records: usize::MAX,
            trace_cut: None,
            hash: TraceHash::default(),
            events: 0,
            packets_sent: 0,
            at_once: 0,
            checks: None,
            calls: None,
            plan: Arc::new(plan),
        };
        let mut configs = Vec::new();
        for (number, (name, node)) in spec.nodes.iter().enumerate() {
            let node = simulator.make_node(spec, NodeId(number as u32), name, node, &mut configs);
            simulator.nodes.push(node);
        }
        for number in 0..simulator.nodes.len() {
            simulator.schedule_host(NodeId(number as u32));
        }
        simulator.schedule_timeline();
        simulator.watch_links();
        simulator
    }

    /// The same world with nobody who looks at streams: [`findings`](Self::findings) stays empty. The trace and its hash
    /// do not change.
    pub fn without_checks(mut self) -> Simulator {
        self.out.streams = None;
        self
    }

    /// The same world with all checkers, which look after each event: [`violations`](Self::violations). `spec` is what the
    /// world was made from. The trace and its hash do not change.
    pub fn with_checks(mut self, spec: &Spec) -> Simulator {
        self.checks = Some(Box::new(Checks::new(spec, self.level > TraceLevel::Off)));
        self.level = self.level.max(TraceLevel::On);
        self.out.level = self.level;
        self.watch_links();
        self
    }
    /// The laws that were broken so far, in order; [`findings`](Self::findings) are not among them.
    pub fn violations(&self) -> &[Violation] {
        self.checks.as_ref().map_or(&[], |checks| checks.found())
    }
    /// Whether a forged segment may have changed what is read of this connection, if checkers look.
    pub fn is_tainted(&self, tuple: &tcp::Tuple) -> bool {
        self.checks.as_ref().is_some_and(|checks| checks.is_tainted(tuple))
    }
    /// Bytes that programs have read so far, if streams are looked at.
    pub fn delivered(&self) -> u64 {
        self.out.streams.as_ref().map_or(0, |streams| streams.delivered())
    }
    /// What has not come to rest, of a world in which nothing has gone wrong for a long time.
    pub fn unrest(&self) -> Vec<Violation> {
        crate::check::unrest(self, self.checks.as_deref())
    }

    /// The same world, which writes down what chance does on its links: [`fate_log`](Self::fate_log). `spec` is what the
    /// world was made from. The trace and its hash do not change.
    pub fn keeping_fates(mut self, spec: &Spec) -> Simulator {
        let ways = spec.links.values().flat_map(|link| &link.ways);
        for (number, way) in ways.enumerate() {
            let name = self.plan.names.stream(PipeId(number as u32));
            self.pipes[number].keep_log(self.plan.seed, &name, way);
        }
        self
    }
    /// Packets handed to a direction of a link, if its fates are kept; those that a rule took away do not count.
    pub fn handed(&self, pipe: PipeId) -> u64 {
        self.pipes[pipe.0 as usize].handed()
    }
    /// Something happens to the packet that is so many further on this direction of a link (one: the next), of a world that
    /// keeps its fates and leaves no loss to chance.
    pub fn force(&mut self, pipe: PipeId, ahead: u64, what: Forced) {
        self.pipes[pipe.0 as usize].force(ahead, what);
    }
    /// What chance has done on a direction of a link, if that is written down.
    pub fn fate_log(&self, pipe: PipeId) -> Option<&FateLog> {
        self.pipes[pipe.0 as usize].log()
    }

    /// `configs`: those of the hosts so far. Hosts of one configuration share it: it is looked at all the time.
    fn make_node(
        &self,
        spec: &Spec,
        id: NodeId,
        name: &str,
        node: &spec::Node,
        configs: &mut Vec<Arc<Config>>,
    ) -> Node {
        match node {
            spec::Node::Router(router) => {
                let routes = self.plan.graph.routes(&self.plan.names, id, &router.routes);
                Node::Router(Box::new(RouterNode::new(router, routes)))
            }
            spec::Node::Host(host) => {
                let net = self.host_net(id, &host.routes);
                let programs = spec.programs.iter().filter(|p| p.on == name).cloned().collect();
                let tcp = shared(configs, &host.tcp);
                let setup = Setup {
                    name: Arc::from(name),
                    seed: spec.seed,
                    spec: spec::Host { tcp, ..host.clone() },
                    programs,
                    net: net.clone(),
                };
                Node::Host(Box::new(HostNode::new(Host::new(setup), net)))
            }
        }
    }
    /// What a host knows of the network, with these overrides of its routes.
    pub(crate) fn host_net(&self, id: NodeId, overrides: &[spec::Route]) -> HostNet {
        let routes = self.plan.graph.routes(&self.plan.names, id, overrides);
        HostNet::new(routes, self.mtus(id))
    }
    /// The MTUs of a node's links.
    pub(crate) fn mtus(&self, id: NodeId) -> Arc<[(PipeId, u16)]> {
        self.plan.graph.outwards(id).map(|pipe| (pipe, self.pipes[pipe.0 as usize].mtu)).collect()
    }

    /// A number that is the same for two worlds only if they go on equally, and if what checkers remember of them is the same.
    /// Between events.
    ///
    /// Worlds whose times differ are different: initial sequence numbers, timestamps, the timeline and the end of the scenario
    /// stand on absolute time.
    pub fn digest(&self) -> u128 {
        // The event queue follows from the rest. Records, hashes and counts tell of the past; how many events there were at
        // this moment matters to nothing but a bound on it.
        let Simulator {
            now,
            queue: _,
            pipes,
            nodes,
            rules,
            faults_done,
            out,
            level: _,
            calls: _,
            records: _,
            most_records: _,
            trace_cut: _,
            hash: _,
            events: _,
            packets_sent: _,
            at_once: _,
            checks,
            plan,
        } = self;
        let mut state = Digest::default();
        let mtu = pipes.first().map_or(0, |pipe| pipe.mtu);
        let changes = plan.faults.iter().any(|(_, fault)| matches!(fault, spec::Fault::LinkChange { .. }));
        let holds = |node: &Node| match node {
            Node::Host(host) => host.holds_packets(),
            Node::Router(router) => router.holds_packets(),
        };
        let raw = nodes.iter().any(holds) || pipes.iter().any(Pipe::holds_packets);
        // Where all links take the same, what TCP sends fits everywhere.
        let idents = changes || pipes.iter().any(|pipe| pipe.mtu != mtu);
        let mut places = Places::new(raw, idents);
        (now, faults_done, rules).hash(&mut state);
        for pipe in pipes {
            pipe.digest_into(*now, &out.packets, &mut places, &mut state);
        }
        for node in nodes {
            match node {
                Node::Host(host) => host.digest_into(places.idents, &mut state),
                Node::Router(router) => router.digest_into(&mut state),
            }
        }
        if places.raw {
            (&out.packets, out.next_packet).hash(&mut state);
        }
        out.streams.hash(&mut state);
        if let Some(checks) = checks {
            checks.digest_into(&places, &mut state);
        }
        state.value()
    }

    /// Lets the next event happen. Returns whether there was one, the end of the scenario not yet reached.
    #[inline(never)]
    pub fn step(&mut self) -> bool {
        self.goes_on(self.plan.until)
    }
    /// Lets everything happen until nothing is left to happen, or the scenario ends.
    pub fn run(&mut self) {
        self.all_until(self.plan.until);
    }
    /// Lets everything happen up to and at `time`, the end of the scenario notwithstanding; then it is `time`.
    pub fn run_until(&mut self, time: Time) {
        self.all_until(time);
        self.now = self.now.max(time);
    }
    /// Lets everything happen up to and at `limit`.
    #[inline(never)]
    pub(crate) fn all_until(&mut self, limit: Time) {
        while self.goes_on(limit) {}
    }
    /// Lets the next event happen, if there is one up to and at `limit`: whether there was.
    #[inline(always)]
    fn goes_on(&mut self, limit: Time) -> bool {
        if self.stuck() {
            return false;
        }
        // Nearly all that happens are arrivals.
        if let Some((time, number)) = self.queue.pop_pipe_until(limit) {
            self.begin(time);
            self.on_arrival(PipeId(number));
            self.end();
            return true;
        }
        let Some((time, source)) = self.pop_until(limit) else {
            self.look_at_the_end();
            return false;
        };
        self.happens(time, source);
        true
    }
    /// What `source` has for this time happens.
    #[inline(never)]
    pub(crate) fn happens(&mut self, time: Time, source: Source) {
        self.begin(time);
        match source {
            Source::Timeline => self.on_timeline(),
            Source::Pipe(number) => self.on_arrival(PipeId(number)),
            Source::Host(number) => self.on_host_deadline(NodeId(number)),
        }
        self.end();
    }
    /// An event begins.
    #[inline]
    fn begin(&mut self, time: Time) {
        assert!(time >= self.now, "time goes back from {:?} to {time:?}", self.now);
        self.at_once = if time == self.now { self.at_once + 1 } else { 0 };
        self.now = time;
        self.events += 1;
    }
    /// An event has happened.
    #[inline]
    fn end(&mut self) {
        if self.tracing() {
            self.look();
            if self.records.len() > self.most_records {
                self.cut_trace();
            }
        }
    }

    /// Takes the earliest event if it is no later than `limit`.
    #[inline(never)]
    fn pop_until(&mut self, limit: Time) -> Option<(Time, Source)> {
        loop {
            let (time, source) = self.queue.pop_until(limit)?;
            match source {
                Source::Host(number) if !self.is_due(NodeId(number), time) => {}
                _ => return Some((time, source)),
            }
        }
    }

    /// Something happens that is not in the queue.
    pub(crate) fn count_event(&mut self) {
        self.events += 1;
        self.at_once = 0;
    }
    /// Lets the checkers look, if there are any.
    pub(crate) fn look(&mut self) {
        if self.checks.is_some() {
            self.check();
        }
    }
    /// Nothing more happens, or not now: lets the checkers look at what there is.
    #[cold]
    pub(crate) fn look_at_the_end(&mut self) {
        let Some(mut checks) = self.checks.take() else { return };
        checks.at_the_end(self);
        self.checks = Some(checks);
    }
    /// Lets the checkers look at what the event did.
    #[cold]
    fn check(&mut self) {
        let Some(mut checks) = self.checks.take() else { return };
        checks.after_event(self);
        if !checks.keep {
            self.records.clear();
            checks.seen = 0;
        }
        self.checks = Some(checks);
    }

    /// A packet comes out of a pipe, or leaves the queue in front of it.
    #[inline(always)]
    fn on_arrival(&mut self, pipe: PipeId) {
        let line = &mut self.pipes[pipe.0 as usize];
        if line.next_arrival() > self.now {
            return self.on_departure(pipe);
        }
        let Some(handle) = line.pop(self.now) else { return };
        let (to, next) = (line.to, line.next_event());
        if next != Time::NEVER {
            self.queue.set_pipe(pipe.0, next);
        }
        self.arrive(to, pipe, handle);
    }
    /// Brings the event queue up to date with a pipe.
    #[inline]
    pub(crate) fn schedule_pipe(&mut self, pipe: PipeId) {
        let next = self.pipes[pipe.0 as usize].next_event().max(self.now);
        self.queue.set_pipe(pipe.0, next);
    }

    /// Whether so much happened at one moment that nothing else ever will, as when two programs answer each other for
    /// ever over a link without delay. The run has ended then.
    pub fn stuck(&self) -> bool {
        self.at_once >= MOST_AT_ONCE
    }
    /// The time.
    pub fn now(&self) -> Time {
        self.now
    }
    /// When the scenario ends.
    pub fn until(&self) -> Time {
        self.plan.until
    }
    /// When the next event is; `None`: nothing is left to happen.
    pub fn next_event(&mut self) -> Option<Time> {
        loop {
            let (time, source) = self.queue.peek()?;
            match source {
                Source::Host(number) if !self.is_due(NodeId(number), time) => {}
                _ => return Some(time),
            }
        }
    }
    /// What happened, in order; empty unless a trace is kept.
    pub fn records(&self) -> &[Record] {
        &self.records
    }
    /// Keeps the first `most` records of the trace, or a few more, and goes on without: memory stays bounded. The hash, the
    /// counters and the checkers see all.
    #[must_use]
    pub fn keep_at_most(mut self, most: usize) -> Simulator {
        self.most_records = most;
        self
    }
    /// When the trace was cut, if it was.
    pub fn trace_cut(&self) -> Option<Time> {
        self.trace_cut
    }
    #[cold]
    fn cut_trace(&mut self) {
        let first = self.trace_cut.is_none();
        self.trace_cut.get_or_insert(self.now);
        match &mut self.checks {
            // They read the trace as it grows: what the present event brought, they have seen.
            Some(checks) => {
                // That of the event during which the limit was reached is kept whole.
                self.most_records = if first { self.records.len() } else { self.most_records };
                self.records.truncate(self.most_records);
                checks.seen = self.records.len();
            }
            None => {
                (self.level, self.out.level) = (TraceLevel::Off, TraceLevel::Off);
                self.watch_links();
            }
        }
    }
    /// Lets links know whether somebody looks at packets.
    fn watch_links(&mut self) {
        let watched = self.tracing() || !self.rules.are_idle();
        self.pipes.iter_mut().for_each(|pipe| pipe.watch(watched));
    }
    /// Takes what happened so far out of the trace, so that a long run need not keep it.
    pub fn take_records(&mut self) -> Vec<Record> {
        if let Some(checks) = &mut self.checks {
            checks.seen = 0;
        }
        std::mem::take(&mut self.records)
    }
    pub(crate) fn tracing(&self) -> bool {
        self.level > TraceLevel::Off
    }
    /// Writes a line of the trace; callers make `what` only when [`tracing`](Self::tracing).
    pub(crate) fn record(&mut self, what: What) {
        self.records.push(Record { time: self.now, what });
    }
}

/// All directions of links, by number.
fn pipes(spec: &Spec, names: &Names) -> Vec<Pipe> {
    let ways = spec.links.values().flat_map(|link| &link.ways);
    (0..names.pipes())
        .map(PipeId)
        .zip(ways)
        .map(|(pipe, way)| {
            let (from, to) = names.ends(pipe);
            Pipe::new(spec.seed, &names.stream(pipe), from, to, way)
        })
        .collect()
}

/// The configuration that is equal to this one, if it is among the first few, or else itself.
fn shared(configs: &mut Vec<Arc<Config>>, config: &Arc<Config>) -> Arc<Config> {
    const FEW: usize = 16;
    if let Some(same) = configs.iter().find(|other| *other == config) {
        return Arc::clone(same);
    }
    if configs.len() < FEW {
        configs.push(Arc::clone(config));
    }
    Arc::clone(config)
}

mod reading;
#[cfg(test)]
mod tests;
