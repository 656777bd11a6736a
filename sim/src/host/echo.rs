//! Echo of a host (RFC 792; RFC 1122, section 3.2.2.6; RFC 4443, section 4): requests are answered, and what comes back to a
//! program's own requests waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use tcp::{Errno, Payload, Rule};

use super::kernel::{Ctx, Kernel, mix};
use crate::ip::echo_reply;
use crate::packet::{Body, Echo, ICMP_HEADER, IcmpKind, Packet, Quote};
use crate::trace::DropReason;

/// The identifiers under which programs of a host ask.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Echoes {
    askers: BTreeMap<u16, Asker>,
    /// The identifier given out last.
    last: u16,
}

/// Who asks, and what came back, oldest first.
#[derive(Clone, Debug, Hash)]
struct Asker {
    task: u32,
    seen: VecDeque<Seen>,
}

/// Something that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Seen {
    /// Who sent it.
    pub(super) from: IpAddr,
    /// The number of the request that it is about.
    pub(super) seq: u16,
    pub(super) what: Answer,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    /// The reply: octets of ICMP, and the TTL left.
    Reply { len: u32, ttl: u8 },
    /// An error about the request.
    Error(IcmpKind),
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) ident: u16,
    pub(super) seq: u16,
    /// Octets of data.
    pub(super) size: u32,
    /// `None`: the host's.
    pub(super) ttl: Option<u8>,
    pub(super) df: bool,
}

/// Answers that wait until their program looks.
const MOST: usize = 4096;

impl Echoes {
    /// The next thing that came back to this identifier.
    pub(super) fn next(&mut self, ident: u16) -> Option<Seen> {
        self.askers.get_mut(&ident)?.seen.pop_front()
    }
    /// The task is over.
    pub(super) fn close(&mut self, task: u32) {
        self.askers.retain(|_, asker| asker.task != task);
    }
    /// Something came back. Who wants to know.
    fn offer(&mut self, ident: u16, seen: Seen) -> Option<u32> {
        let asker = self.askers.get_mut(&ident)?;
        if asker.seen.len() < MOST {
            asker.seen.push_back(seen);
        }
        Some(asker.task)
    }
}

impl Kernel {
    /// The next identifier that nobody asks under, for this task: a late answer to another finds nobody.
    pub(super) fn echo_open(&mut self, task: u32) -> Option<u16> {
        let echoes = &mut self.echoes;
        let mut idents = (1..=u16::MAX).map(|n| echoes.last.wrapping_add(n)).filter(|ident| *ident != 0);
        let ident = idents.find(|ident| !echoes.askers.contains_key(ident))?;
        echoes.askers.insert(ident, Asker { task, seen: VecDeque::new() });
        echoes.last = ident;
        Some(ident)
    }

    /// Sends an echo request.
    ///
    /// # Errors
    /// ENETUNREACH; EMSGSIZE for more than a packet holds, or than the path takes when DF is set.
    pub(super) fn echo_send(&mut self, ctx: &mut Ctx<'_>, to: IpAddr, ask: Request) -> Result<(), Errno> {
        let source = self.source_for(to).ok_or(Errno::ENETUNREACH)?;
        self.link_mtu(to).ok_or(Errno::ENETUNREACH)?;
        let ident = if ask.df { 0 } else { self.ident(to) };
        let mut ip = self.header(source, to, ask.df, ident);
        ip.ttl = ask.ttl.unwrap_or(ip.ttl);
        let room = u32::from(u16::MAX) - ICMP_HEADER - ip.header_len();
        let whole = ip.header_len() + ICMP_HEADER + ask.size.min(room);
        if ask.size > room || (ask.df && whole > u32::from(self.mtu_to(ctx.now, to))) {
            return Err(Errno::EMSGSIZE);
        }
        let stream = mix(self.secrets.stream ^ (u64::from(ask.ident) << 16)) as u32;
        let payload = match ask.size {
            0 => Payload::Empty,
            len => Payload::Pattern { stream, offset: 0, len },
        };
        let echo = Echo { reply: false, ident: ask.ident, seq: ask.seq, payload };
        self.counters.icmp_out_msgs += 1;
        self.transmit(ctx, ip, Body::Echo(echo), Rule::EchoRequest);
        Ok(())
    }

    /// An echo request or reply arrived.
    pub(super) fn echo_input(&mut self, ctx: &mut Ctx<'_>, packet: &Packet, echo: &Echo) {
        self.counters.icmp_in_msgs += 1;
        if !echo.reply {
            let ident = self.ident(packet.ip.src);
            let Some((ip, body)) = echo_reply(packet, self.setup.spec.ttl, ident) else { return };
            self.counters.icmp_out_msgs += 1;
            return self.transmit(ctx, ip, body, Rule::EchoReply);
        }
        let what = Answer::Reply { len: ICMP_HEADER + echo.payload.len(), ttl: packet.ip.ttl };
        let seen = Seen { from: packet.ip.src, seq: echo.seq, what };
        match self.echoes.offer(echo.ident, seen) {
            Some(task) => self.ready.push(task),
            None => ctx.out.dropped(packet.id, DropReason::IcmpUnmatched),
        }
    }

    /// An ICMP error from there quotes an ICMP message of ours. Whether somebody sent it.
    pub(super) fn echo_error(&mut self, from: IpAddr, kind: IcmpKind, quote: &Quote) -> bool {
        // Nobody waits for what becomes of a reply.
        if !matches!(quote.seq.0 >> 24, 8 | 128) {
            return false;
        }
        let seen = Seen { from, seq: quote.dst, what: Answer::Error(kind) };
        let asker = self.echoes.offer(quote.src, seen);
        self.ready.extend(asker);
        asker.is_some()
    }
}
