//! A script, played against a host alone on virtual time.
//!
//! Every event happens at its scheduled time exactly: nothing here waits, nothing is late. An expected packet is the
//! next one that the host has sent on the connection under test, whenever that was; its time is compared as the original
//! compares it. What the original cannot see (an extra packet behind the last line), this does not see either, unless
//! asked to.

mod call;
mod compare;
mod freebsd;
mod inbound;
mod outbound;
mod reply;
mod report;
mod segment;
mod subject;
mod system;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use sim::PacketId;
use sim::packet::Packet;
use sim::sys::{self, Machine, Ticket};
use sim::trace::{Cause, TraceLevel};
use tcp::{Config, Duration, Time};

use super::ast::{Action, Event, Script, Span, When};
use super::code::{Values, Wrong};
pub(super) use report::option as option_text;
pub use report::{Failure, History};
pub(super) use segment::options_of;
use subject::Subject;

/// Address of the host under test, where a script names none.
const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 1);
/// Address that it talks to.
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The same of version 6.
const LOCAL_6: Ipv6Addr = Ipv6Addr::new(0xfd3d, 0x0a0b, 0x17d6, 0x8888, 0, 0, 0, 1);
const REMOTE_6: Ipv6Addr = Ipv6Addr::new(0xfd3d, 0xfa7b, 0xd17d, 0, 0, 0, 0, 0);
/// Port that servers bind to, and that clients connect to.
const PORT: u16 = 8080;
/// How far a time may be off, in microseconds.
const TOLERANCE_USECS: u64 = 4_000;
/// The same as a share of the time since the event before, in thousandths.
const TOLERANCE_PERMILLE: u64 = 125;
/// How long a call that blocks is waited for, where nothing else is left to do.
const PATIENCE: Duration = Duration::from_secs(1);

/// How scripts are run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How TCP behaves, before the script changes its settings.
    pub tcp: Config,
    /// Seed of initial sequence numbers and the like.
    pub seed: u64,
    /// A packet behind the last line is a failure.
    pub no_leftovers: bool,
    /// How far a time may be off where the script does not say, in microseconds; `None`: 4 ms.
    pub tolerance_usecs: Option<u64>,
}

/// How a script came out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Passed, failed, or not to be judged.
    pub verdict: Verdict,
    /// When the script was over.
    pub end: Time,
    /// Packets that were injected and sent, in order.
    pub packets: Vec<Seen>,
}

/// How a script came out, in a word.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Everything is as the script says.
    Strict,
    /// Only what is Linux's own habit differs: PSH on lines of one segment, readings of `TCP_INFO`.
    Relaxed(Vec<Failure>),
    /// Something differs.
    Failed(Box<Failure>),
    /// The script uses something that has no meaning here.
    Unsupported(Box<Failure>),
}

/// A packet that passed.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When.
    pub at: Time,
    /// It was injected; else the host sent it.
    pub inbound: bool,
    /// The packet.
    pub packet: Packet,
    /// Why the host sent it.
    pub why: Option<Cause>,
    /// Line of the script that injected it, or that it was compared with.
    pub line: Option<usize>,
}

/// What ends a script early.
#[derive(Debug)]
enum Stop {
    Failed(Box<Failure>),
    Unsupported(Box<Failure>),
}

type Step<T = ()> = Result<T, Stop>;

/// A call that blocks.
struct Pending<'a> {
    ticket: Ticket,
    event: &'a Event,
    call: &'a super::ast::Call,
    /// When it began, and when it is to return, in microseconds.
    start: u64,
    end: u64,
}

/// A readout for a code block.
struct Snapshot<'a> {
    block: &'a super::code::Block,
    fields: Values,
}

/// A script being run.
struct Runner<'a> {
    script: &'a Script,
    machine: Machine,
    local: IpAddr,
    remote: IpAddr,
    bind_port: u16,
    connect_port: u16,
    tolerance_usecs: u64,
    tolerance_permille: u64,
    /// The script was written for FreeBSD.
    for_freebsd: bool,
    /// The host under test is one: its sysctls mean something.
    is_freebsd: bool,
    subject: Option<Subject>,
    /// What descriptors of the script stand for.
    fds: BTreeMap<i64, sys::Fd>,
    pending: Option<Pending<'a>>,
    snapshots: Vec<Snapshot<'a>>,
    relaxed: Vec<Failure>,
    packets: Vec<Seen>,
    /// Lines of the packets that were injected.
    injected: BTreeMap<PacketId, usize>,
    /// What the host dropped, and why.
    dropped: BTreeMap<PacketId, sim::trace::DropReason>,
    /// Remote ports given to connections that come in.
    next_port: u16,
    /// Counters as the last `nstat` left them.
    nstat: BTreeMap<String, u64>,
    /// Where each line of the script begins.
    lines: Vec<usize>,
    /// Addresses of sockets that were under test before: a SYN from there is not that of a new connect(2).
    former: BTreeSet<SocketAddr>,
}

/// The event that is being run.
#[derive(Clone, Copy)]
struct Now<'a> {
    event: &'a Event,
    /// When it is scheduled, in microseconds; the end of that range.
    from: u64,
    to: u64,
    /// When the one before was.
    last: Option<u64>,
}

/// Runs a script.
pub fn run(script: &Script, settings: &Settings) -> Outcome {
    let mut runner = Runner::new(script, settings);
    let result = runner.play(settings);
    let verdict = match result {
        Ok(()) if runner.relaxed.is_empty() => Verdict::Strict,
        Ok(()) => Verdict::Relaxed(std::mem::take(&mut runner.relaxed)),
        Err(Stop::Failed(failure)) => Verdict::Failed(failure),
        Err(Stop::Unsupported(failure)) => Verdict::Unsupported(failure),
    };
    Outcome { verdict, end: runner.machine.now(), packets: runner.packets }
}

impl<'a> Runner<'a> {
    fn new(script: &'a Script, settings: &Settings) -> Runner<'a> {
        let options = &script.options;
        let usual: (IpAddr, IpAddr) =
            if options.ipv6 { (LOCAL_6.into(), REMOTE_6.into()) } else { (LOCAL.into(), REMOTE.into()) };
        let local = options.local_ip.unwrap_or(usual.0);
        let setup = sys::Setup {
            addresses: vec![local],
            tcp: system::fitted(script, &settings.tcp),
            mtu: options.mtu.unwrap_or(1500),
            seed: settings.seed,
            trace: TraceLevel::On,
            ..sys::Setup::default()
        };
        Runner {
            script,
            machine: Machine::new(&setup),
            local,
            remote: options.remote_ip.unwrap_or(usual.1),
            bind_port: options.bind_port.unwrap_or(PORT),
            connect_port: options.connect_port.unwrap_or(PORT),
            tolerance_usecs: options.tolerance_usecs.or(settings.tolerance_usecs).unwrap_or(TOLERANCE_USECS),
            tolerance_permille: options.tolerance_permille.unwrap_or(TOLERANCE_PERMILLE),
            is_freebsd: settings.tcp.option_order == tcp::segment::OptionOrder::FreeBsd,
            for_freebsd: script.shells().any(|shell| shell.program.is_freebsd()),
            subject: None,
            fds: BTreeMap::new(),
            pending: None,
            snapshots: Vec::new(),
            relaxed: Vec::new(),
            packets: Vec::new(),
            injected: BTreeMap::new(),
            dropped: BTreeMap::new(),
            next_port: 40_000,
            nstat: BTreeMap::new(),
            former: BTreeSet::new(),
            lines: std::iter::once(0).chain(script.text.match_indices('\n').map(|(at, _)| at + 1)).collect(),
        }
    }

    fn play(&mut self, settings: &Settings) -> Step {
        let script = self.script;
        self.supported()?;
        if let Some(init) = &script.init {
            self.shell(init)?;
        }
        let mut last: Option<(&Event, u64)> = None;
        for event in &script.events {
            let (from, to) = self.schedule(event, last);
            let now = Now { event, from, to, last: last.map(|(_, time)| time) };
            self.act(now)?;
            last = Some((event, from));
        }
        self.finish_call()?;
        if settings.no_leftovers {
            self.leftovers()?;
        }
        if let Some(cleanup) = &script.cleanup {
            self.shell(cleanup)?;
        }
        self.check_code()
    }

    /// What cannot be judged is said before anything runs.
    fn supported(&self) -> Step {
        if let Some((name, span)) = self.script.options.unsupported.first() {
            return Err(self.unsupported(span.clone(), format!("{name} has no meaning here")));
        }
        let unknown = self.script.shells().find_map(|shell| Some((shell, shell.program.unknown().next()?)));
        match unknown {
            Some((shell, text)) => Err(self
                .unsupported(shell.span.clone(), format!("the shell command `{text}` has no meaning here"))),
            None => Ok(()),
        }
    }

    /// The time of an event and, for a range, its end. A relative time counts from now; but of injected packets in a
    /// row each counts from the scheduled time of the one before.
    fn schedule(&self, event: &Event, last: Option<(&Event, u64)>) -> (u64, u64) {
        let injects = |event: &Event| matches!(event.action, Action::In(_));
        let base = match last {
            Some((before, time)) if injects(before) && injects(event) => time,
            _ => micros(self.machine.now()),
        };
        match event.time {
            When::At(time) => (time, time),
            When::AtRange(from, to) => (from, to),
            When::After(after) => (base.saturating_add(after), base.saturating_add(after)),
            When::AfterRange(from, to) => (base.saturating_add(from), base.saturating_add(to)),
            When::Any => (base, base),
        }
    }

    fn act(&mut self, now: Now<'a>) -> Step {
        match &now.event.action {
            Action::Out(packet) => self.expect(now, packet),
            Action::In(packet) => {
                self.machine.advance_to_arrival(time(now.from));
                self.returned()?;
                self.on_time(now, micros(self.machine.now()), "injected packet")?;
                self.inject(now, packet)
            }
            Action::Call(call) => {
                self.finish_call()?;
                self.wait(now, "call")?;
                self.call(now, call)
            }
            Action::Shell(shell) => {
                self.wait(now, "command")?;
                self.shell(shell)
            }
            Action::Code(block) => {
                self.wait(now, "reading of the socket")?;
                let fields = self.fields();
                self.snapshots.push(Snapshot { block, fields });
                Ok(())
            }
        }
    }

    /// Lets time go on to the scheduled one.
    fn wait(&mut self, now: Now<'_>, what: &str) -> Step {
        self.advance(time(now.from))?;
        self.on_time(now, micros(self.machine.now()), what)
    }

    /// Lets time go on; calls that return on the way are compared.
    fn advance(&mut self, to: Time) -> Step {
        self.machine.advance(to);
        self.returned()
    }

    /// Whether something happened at the time that the script says.
    fn on_time(&self, now: Now<'_>, actual: u64, what: &str) -> Step {
        if now.event.time == When::Any {
            return Ok(());
        }
        let tolerance = self.tolerance(now.last.map(|last| now.from.saturating_sub(last)));
        if actual.saturating_add(tolerance) >= now.from && actual <= now.to.saturating_add(tolerance) {
            return Ok(());
        }
        let expected = report::window(now.from, now.to, tolerance);
        let failure = self
            .failure(now.event.span.clone(), format!("{what} at the wrong time"))
            .expected(expected)
            .seen(format!("at {} s", report::seconds(actual)));
        Err(Stop::Failed(Box::new(failure)))
    }

    /// How far a time may be off, so long after the event before.
    fn tolerance(&self, since: Option<u64>) -> u64 {
        let share = since.unwrap_or(0).saturating_mul(self.tolerance_permille) / 1000;
        self.tolerance_usecs.max(share)
    }

    /// The address that the next connection comes from.
    fn fresh_remote(&mut self) -> SocketAddr {
        let port = self.next_port;
        self.next_port = self.next_port.wrapping_add(1).max(1024);
        SocketAddr::new(self.remote, port)
    }

    /// What the socket under test says of itself now.
    fn fields(&mut self) -> Values {
        let Some(fd) = self.subject.as_ref().and_then(|subject| subject.fd) else { return Values::new() };
        let mut fields = Values::new();
        if let Some(info) = self.machine.tcp_info(fd) {
            let named = sys::TcpInfo::NAMES
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), info.get(name)?.into())));
            fields.extend(named);
        }
        if let Some(memory) = self.machine.meminfo(fd) {
            let named = sys::SkMeminfo::NAMES
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), memory.get(name)?.into())));
            fields.extend(named);
        }
        fields
    }

    /// The code blocks, all of them, at the end: as the original does it. An assertion that does not hold is about what
    /// the socket says of itself, not about what it does: it makes the verdict relaxed.
    fn check_code(&mut self) -> Step {
        let mut variables = Values::new();
        let mut passed = 0;
        for snapshot in std::mem::take(&mut self.snapshots) {
            match snapshot.block.run(&snapshot.fields, &mut variables, &mut passed) {
                Ok(()) => {}
                Err(Wrong::Failed(span, readings)) => {
                    let seen: Vec<String> =
                        readings.iter().map(|(name, n)| format!("{name} = {n}")).collect();
                    let expected = self.script.excerpt(&span);
                    let failure = self.failure(span, "an assertion does not hold".into());
                    let failure =
                        Failure { history: Vec::new(), ..failure.expected(expected).seen(seen.join(", ")) };
                    self.relaxed.push(failure);
                }
                Err(Wrong::Unknown(name, span)) if snapshot.fields.is_empty() => {
                    return Err(self.failed(span, format!("{name} is read where there is no socket to ask")));
                }
                Err(Wrong::Unknown(name, span)) => {
                    return Err(self.unsupported(span, format!("nothing here says what {name} is")));
                }
                Err(Wrong::Arithmetic(span)) => {
                    return Err(self.failed(span, "a number beyond all bounds, or a division by zero".into()));
                }
            }
        }
        Ok(())
    }

    /// Whether the script was written for another system: what it says of that alone is not compared.
    fn is_foreign(&self) -> bool {
        self.for_freebsd && !self.is_freebsd
    }

    /// Notes what the host dropped.
    fn read_records(&mut self) {
        for record in self.machine.take_records() {
            if let sim::What::Dropped { packet, why, .. } = record.what {
                self.dropped.insert(packet, why);
            }
        }
    }

    /// The line that an event begins on, counted from one.
    fn line(&self, event: &Event) -> usize {
        self.lines.partition_point(|start| *start <= event.span.start)
    }
    fn failure(&self, span: Span, what: String) -> Failure {
        Failure::new(span, what, self.history())
    }
    fn failed(&self, span: Span, what: String) -> Stop {
        Stop::Failed(Box::new(self.failure(span, what)))
    }
    fn unsupported(&self, span: Span, what: String) -> Stop {
        Stop::Unsupported(Box::new(Failure { history: Vec::new(), ..self.failure(span, what) }))
    }
}

/// A time in whole microseconds.
fn micros(time: Time) -> u64 {
    time.as_nanos() / 1000
}

fn time(micros: u64) -> Time {
    Time::ZERO + Duration::from_micros(micros)
}
