//! Programs that ask for echoes: ping, and traceroute by growing TTL.

use std::collections::BTreeMap;
use std::net::IpAddr;

use tcp::{Duration, Errno, Time};

use super::Who;
use super::script::Outcome;
use crate::host::echo::{Answer, Request, Seen};
use crate::host::kernel::{Ctx, Kernel};
use crate::packet::IcmpKind;
use crate::spec::Run;

/// What iputils sends where nothing else is asked for, in octets of data.
const SIZE: u32 = 56;

/// Sends echo requests at intervals and notes what becomes of each.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Ping {
    ident: Option<u16>,
    /// Requests sent or tried so far: the number of the last.
    sent: u16,
    next: Time,
    /// When each that waits for an answer was sent.
    open: BTreeMap<u16, Time>,
    received: u32,
    /// Shortest, sum, and longest of the round-trip times.
    rtt: Option<(Duration, Duration, Duration)>,
}

impl Ping {
    pub(super) fn run(
        &mut self,
        run: &Run,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Outcome {
        let Run::Ping { to, count, every, size, ttl, df, patience } = run else { return Outcome::Over };
        let Some(ident) = self.ident.or_else(|| kernel.echo_open(who.task)) else { return Outcome::Over };
        self.ident = Some(ident);
        let note = |ctx: &mut Ctx<'_>, seq: u16, result: String| {
            ctx.out.program(who.label, || (format!("ping({to}, seq {seq})"), result));
        };
        while let Some(seen) = kernel.echoes.next(ident) {
            self.take(seen, ctx.now, |seq, result| note(ctx, seq, result));
        }
        while let Some((&seq, _)) = self.open.first_key_value().filter(|(_, at)| ctx.now >= **at + *patience)
        {
            self.open.remove(&seq);
            note(ctx, seq, "no answer".to_owned());
        }
        while self.sent < *count && ctx.now >= self.next {
            self.sent += 1;
            self.next = ctx.now + *every;
            let ask = Request { ident, seq: self.sent, size: *size, ttl: *ttl, df: *df };
            match kernel.echo_send(ctx, *to, ask) {
                Ok(()) => drop(self.open.insert(self.sent, ctx.now)),
                Err(errno) => note(ctx, self.sent, failed(errno, kernel.mtu_to(ctx.now, *to))),
            }
        }
        let next = if self.sent < *count { self.next } else { Time::NEVER };
        let give_up = self.open.first_key_value().map_or(Time::NEVER, |(_, at)| *at + *patience);
        match next.min(give_up) {
            Time::NEVER => {
                ctx.out.program(who.label, || (format!("ping({to}) statistics"), self.statistics()));
                Outcome::Over
            }
            until => Outcome::Waiting(until),
        }
    }

    fn take(&mut self, seen: Seen, now: Time, note: impl FnOnce(u16, String)) {
        let sent = self.open.remove(&seen.seq);
        let rtt = sent.map(|sent| now.since(sent));
        let tail = rtt.map_or_else(|| "again, or late".to_owned(), |rtt| format!("rtt {rtt}"));
        let text = match seen.what {
            Answer::Reply { len, ttl } => format!("{len} bytes from {}, ttl {ttl}, {tail}", seen.from),
            Answer::Error(kind) => {
                let words = kind.words(seen.from.is_ipv6());
                let comma = if words.contains(',') { "," } else { "" };
                format!("{words}{comma} from {}, {tail}", seen.from)
            }
        };
        if let (Answer::Reply { .. }, Some(rtt)) = (seen.what, rtt) {
            self.received += 1;
            let (least, sum, most) = self.rtt.unwrap_or((rtt, Duration::ZERO, rtt));
            self.rtt = Some((least.min(rtt), sum + rtt, most.max(rtt)));
        }
        note(seen.seq, text);
    }

    fn statistics(&self) -> String {
        let (sent, received) = (u32::from(self.sent), self.received);
        let lost = (sent - received) * 100 / sent.max(1);
        let counts = format!("{sent} sent, {received} received, {lost}% lost");
        match self.rtt {
            Some((least, sum, most)) => {
                let average = Duration::from_nanos(sum.as_nanos() / u64::from(received.max(1)));
                format!("{counts}, rtt min {least}, avg {average}, max {most}")
            }
            None => counts,
        }
    }
}

/// Sends echo requests of growing TTL, one at a time: each router on the way tells its address.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Traceroute {
    ident: Option<u16>,
    /// Requests sent so far: the number of the last, and its hop.
    sent: u16,
    hop: u8,
    /// Requests with this TTL so far.
    queries: u8,
    /// When the last was sent, while its answer is awaited.
    since: Option<Time>,
    /// The end is in sight: no larger TTL is tried.
    reached: bool,
}

impl Traceroute {
    pub(super) fn run(
        &mut self,
        run: &Run,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Outcome {
        let Run::Traceroute { to, hops, queries, patience } = run else { return Outcome::Over };
        let Some(ident) = self.ident.or_else(|| kernel.echo_open(who.task)) else { return Outcome::Over };
        self.ident = Some(ident);
        let note = |ctx: &mut Ctx<'_>, hop: u8, result: String| {
            ctx.out.program(who.label, || (format!("traceroute({to}, hop {hop})"), result));
        };
        while let Some(seen) = kernel.echoes.next(ident) {
            let Some(since) = self.since.filter(|_| seen.seq == self.sent) else { continue };
            self.since = None;
            self.reached |= !matches!(seen.what, Answer::Error(IcmpKind::TtlExceeded));
            note(ctx, self.hop, hop(seen, *to, ctx.now.since(since)));
        }
        if self.since.is_some_and(|since| ctx.now >= since + *patience) {
            self.since = None;
            note(ctx, self.hop, "no answer".to_owned());
        }
        if let Some(since) = self.since {
            return Outcome::Waiting(since + *patience);
        }
        if self.hop == 0 || self.queries >= *queries {
            if self.reached || self.hop >= *hops {
                return Outcome::Over;
            }
            (self.hop, self.queries) = (self.hop + 1, 0);
        }
        self.queries += 1;
        self.sent += 1;
        let ask = Request { ident, seq: self.sent, size: SIZE, ttl: Some(self.hop), df: false };
        if let Err(errno) = kernel.echo_send(ctx, *to, ask) {
            note(ctx, self.hop, errno.to_string());
            return Outcome::Over;
        }
        self.since = Some(ctx.now);
        Outcome::Waiting(ctx.now + *patience)
    }
}

/// What a probe of traceroute brought.
fn hop(seen: Seen, to: IpAddr, rtt: Duration) -> String {
    match seen.what {
        Answer::Reply { .. } if seen.from == to => format!("{}, rtt {rtt}, reached", seen.from),
        Answer::Reply { .. } | Answer::Error(IcmpKind::TtlExceeded) => format!("{}, rtt {rtt}", seen.from),
        Answer::Error(kind) => format!("{}, rtt {rtt}, {}", seen.from, kind.words(to.is_ipv6())),
    }
}

fn failed(errno: Errno, mtu: u16) -> String {
    match errno {
        Errno::EMSGSIZE => format!("EMSGSIZE, mtu {mtu}"),
        errno => errno.to_string(),
    }
}
