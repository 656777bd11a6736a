//! Runs a world to its end, looks at it on the way, and sums up.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sim::figures::{Flow as Seen, FlowLog, Paths, Spread, Transfer};
use sim::link::PipeCounters;
use sim::{NodeId, PipeId, Simulator, Spec};
use tcp::{Duration, Time};

use super::record::Percentiles;
use super::{Class, Figures, Flow, FlowSample, Options, Program, Queue, QueueSample, Run, Total};

/// Nanoseconds in a second.
const SECOND: u128 = 1_000_000_000;

/// Runs `simulator`, which is measured, to its end.
pub(super) fn run(simulator: &mut Simulator, spec: &Spec, options: &Options) -> Figures {
    let mut figures = Figures::default();
    let until = simulator.until();
    let warmup = Time::ZERO + options.warmup;
    let mut sampler = Sampler::new(simulator, options.sampled);
    let mut at_start = counters(simulator);
    let mut warm = options.warmup == Duration::ZERO;
    let mut next_sample = options.every.map_or(Time::NEVER, |every| Time::ZERO + every);
    loop {
        let next_warm = if warm { Time::NEVER } else { warmup };
        let stop = next_sample.min(next_warm).min(until);
        simulator.run_through(stop);
        if stop == next_warm {
            simulator.forget_warm_up();
            at_start = counters(simulator);
            warm = true;
        }
        if stop == next_sample {
            sampler.look(simulator, stop, &mut figures);
            next_sample = options.every.map_or(Time::NEVER, |every| stop + every);
        }
        if stop == until || simulator.stuck() || simulator.next_event().is_none_or(|next| next > until) {
            break;
        }
    }
    simulator.read_open_flows();
    // Of a run that ends by itself, what follows the last byte is timers that run out.
    let cut = simulator.next_event().is_some();
    let end = if cut { until } else { simulator.now() };
    let to = if cut { end } else { last_read(simulator).unwrap_or(end) };
    // A run that is over before the warm-up is has measured nothing.
    let window = Window { from: warmup.min(to), to };
    if !warm {
        simulator.forget_warm_up();
        at_start = counters(simulator);
    }
    Summary { simulator, options, window, at_start: &at_start, groups: groups(spec) }.write(&mut figures);
    figures.run = Run {
        seed: spec.seed,
        from_ns: window.from.as_nanos(),
        to_ns: window.to.as_nanos(),
        end_ns: end.as_nanos(),
        events: simulator.events(),
        packets: simulator.packets_sent(),
        trace: format!("{:016x}", simulator.trace_hash()),
    };
    figures.wrong = wrong(simulator);
    figures
}

/// When a program last read something.
fn last_read(simulator: &Simulator) -> Option<Time> {
    simulator.flows()?.flows().iter().filter_map(|flow| flow.last_read).max()
}

/// What must never be.
fn wrong(simulator: &Simulator) -> Vec<String> {
    let names = simulator.names();
    let lost = simulator.imbalances().into_iter().map(|imbalance| {
        let (from, to) = names.ends(imbalance.pipe);
        format!(
            "{} packets entered the link {} from {} to {}, {} left it, and {} are inside",
            imbalance.entered,
            names.link(imbalance.pipe),
            names.node(from),
            names.node(to),
            imbalance.left,
            imbalance.inside
        )
    });
    let changed = simulator
        .findings()
        .iter()
        .map(|finding| format!("{}: a stream to {}: {}", finding.time, finding.tuple.local, finding.wrong));
    let stuck = simulator.stuck().then(|| "too many events at one moment, and no end in sight".to_owned());
    lost.chain(changed).chain(stuck).collect()
}

fn counters(simulator: &Simulator) -> Vec<PipeCounters> {
    (0..simulator.names().pipes()).map(|pipe| simulator.pipe_counters(PipeId(pipe))).collect()
}

/// The time that is measured.
#[derive(Clone, Copy)]
struct Window {
    from: Time,
    to: Time,
}

/// Bits per second of so many bytes in so much time.
fn rate(bytes: u64, time: Duration) -> u64 {
    let bits = u128::from(bytes) * 8 * SECOND;
    bits.checked_div(u128::from(time.as_nanos())).map_or(0, clamp)
}
fn clamp(n: u128) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
/// Jain's index of these: the square of their sum by their number and the sum of their squares.
pub(super) fn jain(rates: &[u64]) -> u64 {
    // Thirty bits of the largest are enough, and squares of sums of millions fit.
    let shift = rates.iter().max().map_or(0, |most| 34u32.saturating_sub(most.leading_zeros()));
    let cut = rates.iter().map(|rate| u128::from(rate >> shift));
    let (sum, squares) = cut.fold((0u128, 0u128), |(sum, squares), x| (sum + x, squares + x * x));
    if squares == 0 { 0 } else { clamp(sum * sum * 1_000_000 / (squares * rates.len() as u128)) }
}

/// Looks at connections and queues now and then.
struct Sampler {
    /// Connections that are looked at.
    most: u32,
    last: Time,
    read: Vec<u64>,
    pipes: Vec<PipeCounters>,
}

impl Sampler {
    fn new(simulator: &Simulator, most: u32) -> Sampler {
        Sampler { most, last: Time::ZERO, read: Vec::new(), pipes: counters(simulator) }
    }
    fn look(&mut self, simulator: &Simulator, now: Time, figures: &mut Figures) {
        let time = now.since(self.last);
        self.last = now;
        let flows = simulator.flows().map_or(&[][..], FlowLog::flows);
        for (number, flow) in flows.iter().take(self.most as usize).enumerate() {
            if self.read.len() == number {
                self.read.push(0);
            }
            let read = flow.up.read + flow.down.read;
            let bytes = read - std::mem::replace(&mut self.read[number], read);
            let [here, there] = simulator.ends_of(flow);
            let sender = if flow.down.written > flow.up.written { there } else { here };
            let Some(info) = sender else { continue };
            figures.flow_samples.push(FlowSample {
                time_ns: now.as_nanos(),
                flow: number as u64,
                cwnd: info.cwnd.into(),
                ssthresh: info.ssthresh.map(u64::from),
                in_flight: info.unacked.into(),
                srtt_ns: info.srtt.as_nanos(),
                retransmitted: info.retransmitted.into(),
                goodput_bps: rate(bytes, time),
            });
        }
        let names = simulator.names();
        for pipe in (0..names.pipes()).map(PipeId) {
            let counters = simulator.pipe_counters(pipe);
            let before = std::mem::replace(&mut self.pipes[pipe.0 as usize], counters);
            if counters.sent == 0 || simulator.way(pipe).sustained_bps() == 0 {
                continue;
            }
            let (packets, bytes) = simulator.backlog_at(pipe, now);
            figures.queue_samples.push(QueueSample {
                time_ns: now.as_nanos(),
                link: names.link(pipe).to_string(),
                from: names.node(names.ends(pipe).0).to_string(),
                packets: packets as u64,
                bytes,
                dropped: counters.dropped - before.dropped,
                marked: counters.marked - before.marked,
                rate_bps: rate(counters.delivered_bytes - before.delivered_bytes, time),
            });
        }
    }
}

/// What is summed up at the end.
struct Summary<'a> {
    simulator: &'a Simulator,
    options: &'a Options,
    window: Window,
    at_start: &'a [PipeCounters],
    /// What each program is summed up with.
    groups: BTreeMap<&'a str, &'a str>,
}

/// What a program is summed up with: the population that it belongs to, else itself.
pub fn group(program: &sim::spec::Program) -> &str {
    match &program.run {
        sim::spec::Run::Population(population) => &population.name,
        _ => &program.name,
    }
}
fn groups(spec: &Spec) -> BTreeMap<&str, &str> {
    spec.programs.iter().map(|program| (&*program.name, group(program))).collect()
}

/// Sums over connections.
#[derive(Default)]
struct Group {
    flows: u64,
    complete: u64,
    failed: u64,
    unopened: u64,
    read: u64,
    segments: u64,
    retransmitted: u64,
    rates: Vec<u64>,
    fct: Spread,
}

impl Summary<'_> {
    fn write(&self, figures: &mut Figures) {
        let none = FlowLog::default();
        let log = self.simulator.flows().unwrap_or(&none);
        let mut ideals = Ideals::of(self.simulator);
        let mut classes = Classes::new(&self.options.classes);
        let mut programs = BTreeMap::<&str, Group>::new();
        let (mut all, mut handshake) = (Group::default(), Spread::default());
        for flow in log.flows().iter().filter(|flow| self.was_open(flow)) {
            let rate = self.goodput(flow);
            all.take(flow, rate);
            programs.entry(self.group(flow)).or_default().take(flow, rate);
            if let Some(established) = flow.established.filter(|_| flow.opened >= self.window.from) {
                handshake.add(established.since(flow.opened).as_nanos());
            }
        }
        for (flow, transfer) in self.transfers(log) {
            let took = transfer.ended.since(transfer.began).as_nanos();
            let size = transfer.up + transfer.down;
            classes.take(size, took, slowdown(took, ideals.of_transfer(flow, transfer.up, transfer.down)));
            programs.entry(self.group(flow)).or_default().fct.add(took);
        }
        for (program, times) in log.unopened() {
            let name = self.groups.get(program).copied().unwrap_or(program);
            programs.entry(name).or_default().unopened += times;
            all.unopened += times;
        }
        if self.options.flows {
            let opened = log.flows().iter().enumerate().filter(|(_, flow)| self.was_open(flow));
            figures.flows = opened.map(|(number, flow)| self.flow(number, flow, &mut ideals)).collect();
        }
        figures.queues = self.queues();
        figures.programs = programs.into_iter().map(|(name, group)| self.program(name, &group)).collect();
        figures.total = self.total(&all, &figures.queues, &handshake, &classes, log);
        figures.classes = classes.into_records();
    }
    /// The population or the program that a connection belongs to.
    fn group<'b>(&'b self, flow: &'b Seen) -> &'b str {
        self.groups.get(&*flow.program).copied().unwrap_or(&flow.program)
    }
    /// Whether a connection was open at some time that is measured.
    fn was_open(&self, flow: &Seen) -> bool {
        flow.ended.is_none_or(|(end, _)| end >= self.window.from)
    }
    /// How long a connection was open, of the time that is measured.
    fn lifetime(&self, flow: &Seen) -> Duration {
        let end = if flow.is_complete() { flow.last_read.or(flow.established) } else { None };
        let end = end.or(flow.ended.map(|(end, _)| end)).unwrap_or(self.window.to);
        end.since(flow.opened.max(self.window.from).min(end))
    }
    fn goodput(&self, flow: &Seen) -> u64 {
        rate(flow.read(), self.lifetime(flow))
    }
    /// What was transferred, begun since the warm-up: transfers that programs tell apart, else whole connections.
    fn transfers<'b>(&self, log: &'b FlowLog) -> impl Iterator<Item = (&'b Seen, Transfer)> {
        let from = self.window.from;
        let told = log.transfers().iter().map(|one| (&log.flows()[one.flow as usize], *one));
        let whole = log.flows().iter().enumerate().filter(|(_, flow)| flow.transfers == 0);
        let whole = whole.filter_map(|(number, flow)| {
            let ended = flow.opened + flow.took()?;
            let (up, down) = (flow.up.read, flow.down.read);
            let one = Transfer { flow: number as u32, began: flow.opened, ended, up, down };
            (up + down > 0).then_some((flow, one))
        });
        told.chain(whole).filter(move |(_, transfer)| transfer.began >= from)
    }
    fn flow(&self, number: usize, flow: &Seen, ideals: &mut Ideals<'_>) -> Flow {
        let nanos = |time: Option<Time>| time.map(Time::as_nanos);
        let took = flow.took().map(Duration::as_nanos);
        let mut ideal = || ideals.of_transfer(flow, flow.up.read, flow.down.read);
        let measured = |value: Duration| (flow.rtt.count > 0).then(|| value.as_nanos());
        let sender = if flow.down.written > flow.up.written { flow.down } else { flow.up };
        Flow {
            flow: number as u64,
            program: flow.program.to_string(),
            from: flow.tuple.local.to_string(),
            to: flow.tuple.remote.to_string(),
            opened_ns: flow.opened.as_nanos(),
            established_ns: nanos(flow.established),
            last_read_ns: nanos(flow.last_read),
            ended_ns: nanos(flow.ended.map(|(time, _)| time)),
            outcome: outcome(flow).to_owned(),
            up_bytes: flow.up.read - flow.up.read_before,
            down_bytes: flow.down.read - flow.down.read_before,
            goodput_bps: self.goodput(flow),
            fct_ns: took,
            slowdown_milli: took.filter(|_| flow.transfers == 0).and_then(|took| slowdown(took, ideal())),
            transfers: flow.transfers.into(),
            segments: flow.up.segments + flow.down.segments,
            retransmitted: flow.up.retransmitted + flow.down.retransmitted,
            marked: flow.up.marked + flow.down.marked,
            rtt_mean_ns: measured(flow.rtt.mean()),
            rtt_min_ns: measured(flow.rtt.min),
            rtt_max_ns: measured(flow.rtt.max),
            cwnd: sender.cwnd.into(),
        }
    }
    fn program(&self, name: &str, group: &Group) -> Program {
        Program {
            program: name.to_owned(),
            flows: group.flows,
            complete: group.complete,
            failed: group.failed,
            unopened: group.unopened,
            read_bytes: group.read,
            goodput_bps: rate(group.read, self.window.to.since(self.window.from)),
            fairness_ppm: jain(&group.rates),
            retransmitted: group.retransmitted,
            fct_ns: Percentiles::from(&group.fct),
        }
    }
    fn total(
        &self,
        all: &Group,
        queues: &[Queue],
        handshake: &Spread,
        classes: &Classes,
        log: &FlowLog,
    ) -> Total {
        let (fct, slowdown) = classes.together();
        let sum = |of: fn(&Queue) -> u64| queues.iter().map(of).sum();
        Total {
            flows: all.flows,
            complete: all.complete,
            failed: all.failed,
            open: all.flows - all.complete - all.failed,
            unopened: all.unopened,
            read_bytes: all.read,
            goodput_bps: rate(all.read, self.window.to.since(self.window.from)),
            fairness_ppm: jain(&all.rates),
            segments: all.segments,
            retransmitted: all.retransmitted,
            queue_full: sum(|queue| queue.queue_full),
            early: sum(|queue| queue.early),
            lost: sum(|queue| queue.lost),
            marked: sum(|queue| queue.marked),
            handshake_ns: Percentiles::from(handshake),
            fct_ns: Percentiles::from(&fct),
            slowdown_milli: Percentiles::from(&slowdown),
            rtt_ns: Percentiles::from(log.rtt()),
        }
    }
    fn queues(&self) -> Vec<Queue> {
        let time = self.window.to.since(self.window.from);
        let names = self.simulator.names();
        let pipes = (0..names.pipes()).map(PipeId);
        pipes.filter_map(|pipe| self.queue(pipe, time)).collect()
    }
    fn queue(&self, pipe: PipeId, time: Duration) -> Option<Queue> {
        let names = self.simulator.names();
        let (now, before) = (self.simulator.pipe_counters(pipe), self.at_start[pipe.0 as usize]);
        if now.sent == before.sent && now.delivered == before.delivered {
            return None;
        }
        let figures = self.simulator.pipe_figures(pipe).cloned().unwrap_or_default();
        let rate_bps = self.simulator.way(pipe).sustained_bps();
        let delivered_bytes = now.delivered_bytes - before.delivered_bytes;
        let used = || u128::from(rate(delivered_bytes, time)) * 1_000_000 / u128::from(rate_bps);
        let (full, early) = (now.queue_full - before.queue_full, now.early - before.early);
        let (from, to) = names.ends(pipe);
        let waited = u128::from(now.waited.as_nanos() - before.waited.as_nanos());
        Some(Queue {
            link: names.link(pipe).to_string(),
            from: names.node(from).to_string(),
            to: names.node(to).to_string(),
            rate_bps,
            sent: now.sent - before.sent,
            delivered: now.delivered - before.delivered,
            delivered_bytes,
            use_ppm: (rate_bps > 0).then(|| clamp(used())),
            queue_full: full,
            early,
            lost: now.dropped - before.dropped - full - early,
            marked: now.marked - before.marked,
            // Little's law: what waits on the mean is what all have waited, by the time.
            length_milli: clamp(waited * 1000 / u128::from(time.as_nanos().max(1))),
            wait_ns: Percentiles::from(&figures.wait),
            found: Percentiles::from(&figures.found),
        })
    }
}

fn outcome(flow: &Seen) -> &'static str {
    if flow.is_complete() {
        "complete"
    } else if flow.has_failed() {
        "failed"
    } else {
        "open"
    }
}

impl Group {
    fn take(&mut self, flow: &Seen, rate: u64) {
        self.flows += 1;
        self.complete += u64::from(flow.is_complete());
        self.failed += u64::from(flow.has_failed());
        self.read += flow.read();
        self.segments += flow.up.segments + flow.down.segments;
        self.retransmitted += flow.up.retransmitted + flow.down.retransmitted;
        self.rates.push(rate);
    }
}

/// Completion times by class of size.
struct Classes<'a> {
    bounds: &'a [u64],
    fct: Vec<Spread>,
    slowdown: Vec<Spread>,
}

impl<'a> Classes<'a> {
    fn new(bounds: &'a [u64]) -> Classes<'a> {
        let empty = vec![Spread::default(); bounds.len() + 1];
        Classes { bounds, fct: empty.clone(), slowdown: empty }
    }
    fn take(&mut self, size: u64, took: u64, slowdown: Option<u64>) {
        let class = self.bounds.partition_point(|bound| *bound < size);
        self.fct[class].add(took);
        if let Some(slowdown) = slowdown {
            self.slowdown[class].add(slowdown);
        }
    }
    fn together(&self) -> (Spread, Spread) {
        let sum = |of: &[Spread]| {
            of.iter().fold(Spread::default(), |mut sum, one| {
                sum.add_all(one);
                sum
            })
        };
        (sum(&self.fct), sum(&self.slowdown))
    }
    fn into_records(self) -> Vec<Class> {
        let above = std::iter::once(0).chain(self.bounds.iter().copied());
        let upto = self.bounds.iter().copied().map(Some).chain([None]);
        let both = self.fct.iter().zip(&self.slowdown);
        let all = above.zip(upto).zip(both).filter(|(_, (fct, _))| fct.count() > 0);
        all.map(|((above_bytes, upto_bytes), (fct, slowdown))| Class {
            above_bytes,
            upto_bytes,
            fct_ns: Percentiles::from(fct),
            slowdown_milli: Percentiles::from(slowdown),
        })
        .collect()
    }
}

fn slowdown(took: u64, ideal: Option<u64>) -> Option<u64> {
    ideal.map(|ideal| clamp(u128::from(took) * 1000 / u128::from(ideal.max(1))))
}

/// How long transfers would take alone: what their first packet needs to get there, and what follows at the rate of the
/// slowest link; each direction by itself. Nothing is opened first, no window grows, and no ACK is waited for.
struct Ideals<'a> {
    simulator: &'a Simulator,
    /// By way: delay of the first byte, and of each that follows.
    known: BTreeMap<(NodeId, IpAddr), Option<Path>>,
}

/// A way through the network as packets see it.
#[derive(Clone, Copy)]
struct Path {
    delay_ns: u64,
    /// The rate of its slowest link; zero: infinite.
    slowest_bps: u64,
    /// Nanoseconds that a byte takes on all its other links, in millionths.
    others_micros: u128,
    mtu: u64,
}

/// Bytes of headers of a segment: IPv4, TCP, timestamps.
const HEADERS: u64 = 20 + 20 + 12;

impl<'a> Ideals<'a> {
    fn of(simulator: &'a Simulator) -> Ideals<'a> {
        Ideals { simulator, known: BTreeMap::new() }
    }
    /// In nanoseconds; `None` if there is no way.
    fn of_transfer(&mut self, flow: &Seen, up: u64, down: u64) -> Option<u64> {
        let there = self.path(flow.node, flow.tuple.remote.ip())?;
        let mut time = if up > 0 { there.time(up) } else { 0 };
        if down > 0 {
            let far = self.simulator.owner(flow.tuple.remote.ip())?;
            time += self.path(far, flow.tuple.local.ip())?.time(down);
        }
        Some(time)
    }
    fn path(&mut self, from: NodeId, to: IpAddr) -> Option<Path> {
        let simulator = self.simulator;
        *self.known.entry((from, to)).or_insert_with(|| Path::find(simulator, from, to))
    }
}

impl Path {
    fn find(simulator: &Simulator, from: NodeId, to: IpAddr) -> Option<Path> {
        let pipes = Paths::of(simulator).path(from, to)?;
        let ways = || pipes.iter().map(|pipe| simulator.way(*pipe));
        let rates = || ways().map(|way| way.sustained_bps()).filter(|rate| *rate > 0);
        let per_byte = |rate: u64| 8 * SECOND * 1_000_000 / u128::from(rate);
        let slowest_bps = rates().min().unwrap_or(0);
        let all: u128 = rates().map(per_byte).sum();
        Some(Path {
            delay_ns: ways().map(|way| way.delay.as_nanos()).sum(),
            slowest_bps,
            others_micros: all - if slowest_bps > 0 { per_byte(slowest_bps) } else { 0 },
            mtu: ways().map(|way| u64::from(way.mtu)).min().unwrap_or(1500),
        })
    }
    /// How long so many bytes take, in nanoseconds.
    fn time(&self, bytes: u64) -> u64 {
        let mss = self.mtu.saturating_sub(HEADERS).max(1);
        let on_wire = u128::from(bytes) + u128::from(bytes.div_ceil(mss) * HEADERS);
        let last = u128::from((bytes - 1) % mss + 1 + HEADERS);
        let slowest =
            if self.slowest_bps > 0 { on_wire * 8 * SECOND / u128::from(self.slowest_bps) } else { 0 };
        clamp(u128::from(self.delay_ns) + slowest + last * self.others_micros / 1_000_000)
    }
}
