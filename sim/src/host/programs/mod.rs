//! Programs: what runs on a host, as values. Each task of a program is a state machine that runs until it has to wait;
//! there are no threads and no closures, so a clone of the host goes on exactly as the original.

mod acceptor;
mod clients;
mod datagrams;
mod flow;
mod forger;
mod ping;
mod population;
mod script;
mod steps;
mod text;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tcp::{Duration, Time};

use super::deadlines::Deadlines;
use super::kernel::{Ctx, Kernel};
use super::lean;
use super::sockets::SocketId;
use crate::spec::{self, Run};
use acceptor::Acceptor;
use clients::Spawner;
use script::{Outcome, Script};

/// Tasks that run in one visit; those left run in the next, at the same time.
const RUNS_AT_ONCE: usize = 10_000;
/// Steps that a script takes, and packets that a task sends without a socket, at one instant: no program stops the clock.
const STEPS_AT_ONCE: u32 = 10_000;
/// How long it then pauses.
const BREATHER: Duration = Duration::from_micros(100);

/// The programs of a host.
#[derive(Clone, Debug, Hash)]
#[repr(C)] // what each packet needs stands first
pub(super) struct Programs {
    timers: Deadlines,
    /// When each program that has not begun starts.
    starts: Deadlines,
    /// Tasks that have news and are about to run, where that takes time ([`spec::Host::wakeup`]).
    woken: Deadlines,
    /// Tasks whose turn has not yet come.
    left: Vec<u32>,
    tasks: Vec<Option<Task>>,
    list: Vec<Program>,
    free: Vec<u32>,
}

/// A program.
#[derive(Clone, Debug, Hash)]
struct Program {
    spec: Arc<spec::Program>,
    /// The task that accepts or spawns, while it runs.
    main: Option<u32>,
    /// Tasks that run.
    running: u32,
}

/// Something that runs.
#[derive(Clone, Debug, Hash)]
struct Task {
    program: u32,
    /// The program's name, and which of its connections this is: `server[2]`.
    label: Arc<str>,
    kind: TaskKind,
}

#[derive(Clone, Debug, Hash)]
enum TaskKind {
    /// A script by itself.
    Script(Box<Script>),
    /// A script on a connection that was accepted.
    Handler(Box<Handler>),
    Acceptor(Box<Acceptor>),
    Spawner(Box<Spawner>),
    Source(Box<population::Source>),
    Flow(Box<flow::Flow>),
    Scan(Box<forger::Scan>),
    Flood(Box<forger::Flood>),
    UdpSender(Box<datagrams::Sender>),
    UdpReceiver(datagrams::Receiver),
    Ping(Box<ping::Ping>),
    Traceroute(Box<ping::Traceroute>),
}

/// A script on a connection that was accepted.
#[derive(Clone, Debug, Hash)]
struct Handler {
    script: Script,
    /// The client.
    peer: IpAddr,
}

/// Who runs: for sockets and for the trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Who<'a> {
    pub(super) process: u32,
    pub(super) task: u32,
    pub(super) label: &'a Arc<str>,
}

/// A task that a task asks for.
enum Spawn {
    /// A handler for a connection from there, the so-many-th.
    Handler(SocketId, IpAddr, u32),
    /// A script, the so-many-th.
    Client(u32),
    /// A flow of a population to there, with what it draws from, the so-many-th.
    Flow(SocketAddr, u64, u32),
}

impl Programs {
    /// The programs of a host; each waits for its time.
    pub(super) fn new(programs: &[spec::Program]) -> Programs {
        let mut starts = Deadlines::default();
        for (i, program) in (0u32..).zip(programs) {
            starts.set(i, program.at);
        }
        let list = programs.iter().map(|p| Program { spec: Arc::new(p.clone()), main: None, running: 0 });
        Programs {
            list: list.collect(),
            starts,
            tasks: Vec::new(),
            free: Vec::new(),
            timers: Deadlines::default(),
            woken: Deadlines::default(),
            left: Vec::new(),
        }
    }

    /// When a program is due next; long ago if one has not had its turn.
    #[inline]
    pub(super) fn deadline(&self) -> Time {
        if !self.left.is_empty() {
            return Time::ZERO;
        }
        self.starts.next().min(self.timers.next()).min(self.woken.next())
    }

    /// All programs end with their host. Those whose time is still ahead begin then.
    pub(super) fn crash(&mut self) {
        self.tasks.clear();
        self.free.clear();
        self.timers = Deadlines::default();
        self.woken = Deadlines::default();
        self.left.clear();
        for program in &mut self.list {
            program.main = None;
            program.running = 0;
        }
    }

    /// The host is up again: programs that restart and whose time has come begin now.
    pub(super) fn boot(&mut self, now: Time) {
        self.starts = Deadlines::default();
        for (i, program) in (0u32..).zip(&self.list) {
            if program.spec.at > now {
                self.starts.set(i, program.spec.at);
            } else if program.spec.restart {
                self.starts.set(i, now);
            }
        }
    }

    /// The program of this name ends.
    pub(super) fn kill(&mut self, name: &str, kernel: &mut Kernel, ctx: &mut Ctx<'_>) {
        let Some(process) = self.list.iter().position(|p| &*p.spec.name == name) else { return };
        let label = Arc::clone(&self.list[process].spec.name);
        let process = process as u32;
        self.starts.remove(process);
        for id in 0..self.tasks.len() as u32 {
            if self.tasks[id as usize].as_ref().is_some_and(|task| task.program == process) {
                self.end(id, kernel);
            }
        }
        ctx.out.program(&label, || ("killed", String::new()));
        kernel.exit(ctx, process);
        kernel.udp_exit(process);
    }

    /// Programs whose time has come, tasks whose timers have, and tasks whose sockets have news, each until it waits.
    pub(super) fn run(&mut self, kernel: &mut Kernel, ctx: &mut Ctx<'_>) {
        // Mostly one task has news.
        let mut runs = 0;
        if self.deadline() > ctx.now {
            if let [task] = kernel.ready[..]
                && kernel.setup.spec.wakeup.is_zero()
            {
                kernel.ready.clear();
                self.run_task(task, kernel, ctx);
                runs = 1;
            }
            if kernel.ready.is_empty() && self.deadline() > ctx.now {
                return;
            }
        }
        while let Some(program) = self.starts.pop(ctx.now) {
            self.start(program, kernel, ctx.now);
        }
        let mut ready = std::mem::take(&mut self.left);
        loop {
            while let Some(task) = self.timers.pop(ctx.now) {
                ready.push(task);
            }
            self.wake(&mut kernel.ready, kernel.setup.spec.wakeup, ctx.now, &mut ready);
            if ready.is_empty() {
                self.left = ready; // keeps its room
                return;
            }
            if ready.len() > 1 {
                ready.sort_unstable();
                ready.dedup();
            }
            let turn = ready.len().min(RUNS_AT_ONCE.saturating_sub(runs));
            runs += turn;
            for task in ready.drain(..turn) {
                self.run_task(task, kernel, ctx);
            }
            if turn == 0 {
                self.left = ready;
                return;
            }
        }
    }

    /// Tasks with news run at once, or when that has taken its time.
    fn wake(&mut self, news: &mut Vec<u32>, after: Duration, now: Time, ready: &mut Vec<u32>) {
        if after.is_zero() {
            return ready.append(news);
        }
        for task in news.drain(..) {
            self.woken.sooner(task, now + after);
        }
        while let Some(task) = self.woken.pop(now) {
            ready.push(task);
        }
    }

    fn start(&mut self, program: u32, kernel: &Kernel, now: Time) {
        let spec = Arc::clone(&self.list[program as usize].spec);
        let kind = match &spec.run {
            Run::Script(steps) => {
                TaskKind::Script(Box::new(Script::new(Arc::from(steps.as_slice()), None, now)))
            }
            Run::Serve(_) => TaskKind::Acceptor(Box::default()),
            Run::Clients { .. } => TaskKind::Spawner(Box::new(Spawner::new(now))),
            Run::Population(_) => {
                let (seed, host) = (kernel.setup.seed, &kernel.setup.name);
                TaskKind::Source(Box::new(population::Source::new(seed, host, &spec.name, now)))
            }
            Run::Scan { .. } => TaskKind::Scan(Box::default()),
            Run::SynFlood { .. } => TaskKind::Flood(Box::default()),
            Run::UdpSend { .. } => TaskKind::UdpSender(Box::default()),
            Run::UdpReceive { .. } => TaskKind::UdpReceiver(datagrams::Receiver::default()),
            Run::Ping { .. } => TaskKind::Ping(Box::default()),
            Run::Traceroute { .. } => TaskKind::Traceroute(Box::default()),
        };
        let label = Arc::clone(&spec.name);
        let main = matches!(kind, TaskKind::Acceptor(_) | TaskKind::Spawner(_) | TaskKind::Source(_));
        let id = self.spawn(Task { program, label, kind }, now);
        self.list[program as usize].main = main.then_some(id);
    }

    /// Adds a task, to run at once.
    fn spawn(&mut self, task: Task, now: Time) -> u32 {
        self.list[task.program as usize].running += 1;
        let id = match self.free.pop() {
            Some(id) => {
                self.tasks[id as usize] = Some(task);
                id
            }
            None => {
                lean::push(&mut self.tasks, Some(task));
                (self.tasks.len() - 1) as u32
            }
        };
        self.timers.set(id, now);
        id
    }

    /// A task is over; the one that spawned it may want to know.
    fn end(&mut self, id: u32, kernel: &mut Kernel) {
        let Some(task) = self.tasks[id as usize].take() else { return };
        self.free.push(id);
        self.timers.remove(id);
        self.woken.remove(id);
        kernel.taps.close(id);
        kernel.echoes.close(id);
        let program = &mut self.list[task.program as usize];
        program.running -= 1;
        if program.main == Some(id) {
            program.main = None;
        }
        let Some(main) = program.main else { return };
        kernel.ready.push(main);
        if let (TaskKind::Handler(handler), Some(Task { kind: TaskKind::Acceptor(acceptor), .. })) =
            (&task.kind, &mut self.tasks[main as usize])
        {
            acceptor.ended(handler.peer);
        }
    }

    fn run_task(&mut self, id: u32, kernel: &mut Kernel, ctx: &mut Ctx<'_>) {
        let Some(Some(task)) = self.tasks.get_mut(id as usize) else { return };
        let program = &self.list[task.program as usize];
        // All of the program's tasks but the one that spawns.
        let others = program.running - 1;
        let who = Who { process: task.program, task: id, label: &task.label };
        let mut spawns = Vec::new();
        let outcome = match (&mut task.kind, &program.spec.run) {
            (TaskKind::Script(script), _) => {
                let outcome = script.run(kernel, ctx, &who);
                close_at_end(outcome, script, kernel, ctx);
                outcome
            }
            (TaskKind::Handler(handler), Run::Serve(serve)) => {
                handler.run(serve.idle_limit, kernel, ctx, &who)
            }
            (TaskKind::Acceptor(acceptor), Run::Serve(serve)) => {
                acceptor.run(serve, others, kernel, ctx, &who, &mut spawns)
            }
            (TaskKind::Spawner(spawner), Run::Clients { count, every, at_once, .. }) => {
                spawner.run((*count, *every, *at_once), others, ctx.now, &mut spawns)
            }
            (TaskKind::Source(source), Run::Population(spec)) => {
                source.run(spec, others, ctx.now, &mut spawns)
            }
            (TaskKind::Flow(flow), Run::Population(spec)) => flow.run(spec, kernel, ctx, &who),
            (TaskKind::Scan(scan), run) => scan.run(run, kernel, ctx, &who),
            (TaskKind::Flood(flood), run) => flood.run(run, kernel, ctx, &who),
            (TaskKind::UdpSender(sender), run) => sender.run(run, kernel, ctx, &who),
            (TaskKind::UdpReceiver(receiver), run) => receiver.run(run, kernel, ctx, &who),
            (TaskKind::Ping(ping), run) => ping.run(run, kernel, ctx, &who),
            (TaskKind::Traceroute(route), run) => route.run(run, kernel, ctx, &who),
            (
                TaskKind::Handler(_)
                | TaskKind::Acceptor(_)
                | TaskKind::Spawner(_)
                | TaskKind::Source(_)
                | TaskKind::Flow(_),
                _,
            ) => Outcome::Over,
        };
        let program = task.program;
        if !spawns.is_empty() {
            let spec = Arc::clone(&self.list[program as usize].spec);
            for spawn in spawns {
                self.spawn_for(program, &spec, spawn, kernel, ctx);
            }
        }
        match outcome {
            Outcome::Waiting(until) => self.timers.set(id, until),
            Outcome::Over => self.end(id, kernel),
        }
    }

    fn spawn_for(
        &mut self,
        program: u32,
        spec: &Arc<spec::Program>,
        spawn: Spawn,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
    ) {
        let numbered = |n: u32| {
            // Nobody sees the name where no trace is kept.
            if ctx.out.tracing() { Arc::from(format!("{}[{n}]", spec.name)) } else { Arc::clone(&spec.name) }
        };
        match (spawn, &spec.run) {
            (Spawn::Handler(socket, peer, n), Run::Serve(serve)) => {
                let script = Script::new(Arc::clone(&serve.handler), Some(socket), ctx.now);
                let handler = Handler { script, peer };
                let kind = TaskKind::Handler(Box::new(handler));
                let id = self.spawn(Task { program, label: numbered(n), kind }, ctx.now);
                kernel.hand_over(socket, id);
            }
            (Spawn::Client(n), Run::Clients { script, .. }) => {
                let kind = TaskKind::Script(Box::new(Script::new(Arc::clone(script), None, ctx.now)));
                self.spawn(Task { program, label: numbered(n), kind }, ctx.now);
            }
            (Spawn::Flow(to, seed, n), Run::Population(_)) => {
                let kind = TaskKind::Flow(Box::new(flow::Flow::new(to, seed, ctx.now)));
                self.spawn(Task { program, label: numbered(n), kind }, ctx.now);
            }
            _ => {}
        }
    }
}

impl Handler {
    /// Goes on, unless the connection has been idle for too long: nothing was received for `idle_limit`.
    fn run(
        &mut self,
        idle_limit: Option<Duration>,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Outcome {
        let script = &mut self.script;
        let outcome = match (script.run(kernel, ctx, who), idle_limit, script.doing.socket) {
            (Outcome::Waiting(until), Some(limit), Some(socket)) => {
                // What waits to be read was received, though the handler does not look at it yet.
                if kernel.readable(socket).0 > 0 {
                    script.doing.last_received = ctx.now;
                }
                let idle = script.doing.last_received + limit;
                if ctx.now >= idle {
                    ctx.out.program(who.label, || (format!("idle for {limit}"), "closed".to_owned()));
                    Outcome::Over
                } else {
                    Outcome::Waiting(until.min(idle))
                }
            }
            (outcome, ..) => outcome,
        };
        close_at_end(outcome, script, kernel, ctx);
        outcome
    }
}

/// The socket of a script that is over is closed, as at the end of a process.
fn close_at_end(outcome: Outcome, script: &mut Script, kernel: &mut Kernel, ctx: &mut Ctx<'_>) {
    if outcome == Outcome::Over
        && let Some(socket) = script.doing.socket.take()
    {
        // It is open: the script would have let go of it.
        let _ = kernel.close(ctx, socket);
    }
}

/// Bytes of a task and of the script that it runs.
#[cfg(test)]
pub(super) fn task_size() -> usize {
    size_of::<Option<Task>>() + size_of::<Handler>()
}
