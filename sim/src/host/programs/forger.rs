//! Programs that forge segments: a port scanner, and one that floods a listener with SYNs.

use std::net::{IpAddr, SocketAddr};

use tcp::{Flags, Options, Rule, Segment, SeqNum, Time};

use super::script::Outcome;
use super::{BREATHER, STEPS_AT_ONCE, Who};
use crate::host::kernel::{Ctx, Kernel, mix};
use crate::host::tap::Seen;
use crate::packet::{Body, IcmpKind};
use crate::spec::Run;

/// The window of a forged segment.
const WINDOW: u16 = 1024;

/// Sends a segment to each port and notes what comes back.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Scan {
    /// The port that probes come from.
    port: u16,
    /// Ports probed so far.
    sent: usize,
    next: Time,
    /// Probed and not answered: port, and when patience ends.
    open: Vec<(u16, Time)>,
}

impl Scan {
    pub(super) fn run(
        &mut self,
        run: &Run,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Outcome {
        let Run::Scan { target, ports, flags, every, patience, reset } = run else { return Outcome::Over };
        if self.port == 0 {
            let Some(port) = kernel.free_port() else { return Outcome::Over };
            self.port = port;
            kernel.taps.open(port, who.task, *reset);
        }
        let note = |ctx: &mut Ctx<'_>, port: u16, result: &str| {
            ctx.out.program(who.label, || (format!("probe {port} [{flags}]"), result.to_owned()));
        };
        while let Some(seen) = kernel.taps.next(who.task) {
            let (from, result) = match seen {
                Seen::Segment(from, flags) => (from, answer(flags)),
                Seen::Icmp(about, kind) => (about, icmp_answer(kind)),
            };
            let waiting = self.open.iter().position(|(port, _)| *port == from.port());
            if let (Some(i), true) = (waiting, from.ip() == *target) {
                self.open.remove(i);
                note(ctx, from.port(), result);
            }
        }
        while let Some((port, _)) = self.open.first().filter(|(_, until)| ctx.now >= *until).copied() {
            self.open.remove(0);
            note(ctx, port, "no answer");
        }
        while let Some(port) = ports.get(self.sent).filter(|_| ctx.now >= self.next) {
            let to = SocketAddr::new(*target, *port);
            let Some(source) = kernel.source_for(*target) else { return Outcome::Over };
            kernel.forge(
                ctx,
                (SocketAddr::new(source, self.port), to),
                *flags,
                (self.sent as u64, Rule::ScanProbe),
            );
            self.sent += 1;
            self.next = ctx.now + *every;
            self.open.push((*port, ctx.now + *patience));
        }
        let next_probe = if self.sent < ports.len() { self.next } else { Time::NEVER };
        let give_up = self.open.first().map_or(Time::NEVER, |(_, until)| *until);
        match next_probe.min(give_up) {
            Time::NEVER => Outcome::Over,
            until => Outcome::Waiting(until),
        }
    }
}

/// What an answer says about the port (RFC 9293, section 3.10.7; nmap's words).
fn answer(flags: Flags) -> &'static str {
    if flags.contains(Flags::RST) {
        "RST: closed"
    } else if flags.contains(Flags::SYN | Flags::ACK) {
        "SYN-ACK: open"
    } else if flags.contains(Flags::ACK) {
        "ACK"
    } else {
        "unexpected answer"
    }
}

fn icmp_answer(kind: IcmpKind) -> &'static str {
    match kind {
        IcmpKind::PortUnreachable => "ICMP port unreachable",
        IcmpKind::HostUnreachable => "ICMP host unreachable",
        IcmpKind::NetUnreachable => "ICMP net unreachable",
        IcmpKind::AdminProhibited => "ICMP prohibited: filtered",
        _ => "ICMP error",
    }
}

/// Sends SYNs from addresses that do not answer.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Flood {
    sent: u32,
    next: Time,
}

impl Flood {
    pub(super) fn run(
        &mut self,
        run: &Run,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Outcome {
        let Run::SynFlood { target, count, every, from } = run else { return Outcome::Over };
        let mut at_once = 0;
        while self.sent < *count {
            if ctx.now < self.next {
                return Outcome::Waiting(self.next);
            }
            if at_once == STEPS_AT_ONCE {
                return Outcome::Waiting(ctx.now + BREATHER);
            }
            at_once += 1;
            let source = SocketAddr::new(further(*from, self.sent), 1024 + (self.sent % 64_000) as u16);
            kernel.forge(ctx, (source, *target), Flags::SYN, (u64::from(self.sent), Rule::FloodSyn));
            self.sent += 1;
            self.next = ctx.now + *every;
        }
        ctx.out.program(who.label, || (format!("SYNs to {target}"), count.to_string()));
        Outcome::Over
    }
}

/// The address `n` further on; the last one of its family if there is none.
fn further(from: IpAddr, n: u32) -> IpAddr {
    match from {
        IpAddr::V4(a) => IpAddr::V4(a.to_bits().saturating_add(n).into()),
        IpAddr::V6(a) => IpAddr::V6(a.to_bits().saturating_add(n.into()).into()),
    }
}

impl Kernel {
    /// Sends a segment that belongs to no connection of this host.
    fn forge(
        &mut self,
        ctx: &mut Ctx<'_>,
        (from, to): (SocketAddr, SocketAddr),
        flags: Flags,
        (n, why): (u64, Rule),
    ) {
        let numbers = mix(self.secrets.forged ^ n);
        let mss = if flags.contains(Flags::SYN) { Some(1460) } else { None };
        let ack = if flags.contains(Flags::ACK) { SeqNum((numbers >> 32) as u32) } else { SeqNum(0) };
        let segment = Segment {
            src: from.port(),
            dst: to.port(),
            seq: SeqNum(numbers as u32),
            ack,
            flags,
            wnd: WINDOW,
            options: Options { mss, ..Options::default() },
            ..Segment::default()
        };
        let ip = self.header(from.ip(), to.ip(), true, (numbers >> 48) as u16);
        self.transmit(ctx, ip, Body::Tcp(segment), why);
    }
}
