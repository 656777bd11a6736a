//! Packets that a script injects.

use std::net::SocketAddr;

use sim::packet::{self, IcmpKind, IpHeader};
use tcp::{Flags, Payload, SeqNum};

use super::segment;
use super::subject::{Isn, Phase, Subject};
use super::{Now, Runner, Seen, Step};
use crate::packetdrill::ast::{Body, Icmp, Packet, Quote, Segment, TcpOption};

impl<'a> Runner<'a> {
    /// Injects a packet.
    pub(super) fn inject(&mut self, now: Now<'a>, packet: &Packet) -> Step {
        match &packet.body {
            Body::Tcp(segment) => self.inject_segment(now, packet, segment),
            Body::Icmp(icmp) => self.inject_icmp(now, packet, icmp),
            Body::Udp(_) => Err(self.unsupported(packet.span.clone(), "UDP is not run here".into())),
            Body::Encapsulated(what) => {
                Err(self.unsupported(packet.span.clone(), format!("{what} is not run here")))
            }
        }
    }

    fn inject_segment(&mut self, now: Now<'a>, packet: &Packet, line: &Segment) -> Step {
        self.adopt_incoming(line);
        self.address_closed();
        self.follow(line);
        let Some(subject) = &self.subject else {
            return Err(
                self.failed(packet.span.clone(), "there is no socket that this packet could be for".into())
            );
        };
        // A socket that is not even bound has no addresses: the packet comes from nowhere, and is for nobody.
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let (local, remote) = (subject.local.unwrap_or(nowhere), subject.remote.unwrap_or(nowhere));
        let syn = line.flags.contains(Flags::SYN);
        let options = match self.live_options(subject, line, syn) {
            Ok(options) => options,
            Err(what) => return Err(self.failed(packet.span.clone(), what)),
        };
        let seq = line.seq.unwrap_or(0);
        let (src, dst) = packet.ports.unwrap_or((0, 0));
        let port = |given: u16, of: SocketAddr| if given != 0 { given } else { of.port() };
        let segment = tcp::Segment {
            src: port(src, remote),
            dst: port(dst, local),
            seq: SeqNum(if line.seq_is_live { seq } else { subject.theirs.to_live(seq, syn) }),
            // A number that is not given is 0, and mapped like any other.
            ack: match line.flags.contains(Flags::ACK) {
                true => SeqNum(subject.ours.to_live(line.ack.unwrap_or(0), syn)),
                false => SeqNum(0),
            },
            flags: line.flags,
            wnd: line.win.unwrap_or(0),
            urg: line.urg.unwrap_or(0),
            options: segment::parsed(&options),
            payload: self.zeros(line.len),
        };
        let ip = IpHeader {
            src: remote.ip(),
            dst: local.ip(),
            ttl: packet.ip.ttl.unwrap_or(64),
            ecn: segment::ecn(packet.ip.tos),
            dscp: segment::dscp(packet.ip.tos),
            df: true,
            ident: 0,
        };
        self.deliver(now, ip, packet::Body::Tcp(segment))
    }

    /// A packet that comes while the socket listens, or while there is none, begins a connection from a new port.
    fn adopt_incoming(&mut self, line: &Segment) {
        let begins = self.subject.as_ref().is_none_or(|subject| subject.phase == Phase::Listening);
        if begins {
            let local = SocketAddr::new(self.local, self.bind_port);
            let remote = self.fresh_remote();
            self.subject = Some(Subject::incoming(local, remote, line.seq.unwrap_or(0)));
        }
    }

    /// A socket that is bound and no more is CLOSED: what comes for its port is answered by nobody but TCP itself (RFC 9293,
    /// section 3.10.7.1), and comes from a new port.
    fn address_closed(&mut self) {
        let closed = |subject: &Subject| subject.phase == Phase::New && subject.local.is_none();
        if !self.subject.as_ref().is_some_and(closed) {
            return;
        }
        let remote = self.fresh_remote();
        if let Some(subject) = &mut self.subject
            && let Some(bound) = subject.bound
        {
            (subject.local, subject.remote) = (Some(bound), Some(remote));
        }
    }

    /// What an injected packet means for the state of the connection as the script sees it.
    fn follow(&mut self, line: &Segment) {
        let Some(subject) = &mut self.subject else { return };
        let ack = line.flags.contains(Flags::ACK);
        let syn = line.flags.contains(Flags::SYN);
        match subject.phase {
            Phase::SynAckSent if ack => subject.phase = Phase::SynAckAcked,
            Phase::SynSent if syn => {
                let isn = line.seq.unwrap_or(0);
                subject.theirs = Isn { script: isn, live: isn };
                if ack {
                    subject.phase = Phase::SynAcked;
                }
            }
            _ => {}
        }
    }

    /// The options of a line with the numbers of this run: SACK edges and the echo of a timestamp.
    fn live_options(&self, subject: &Subject, line: &Segment, syn: bool) -> Result<Vec<TcpOption>, String> {
        let mut options = line.options.clone().unwrap_or_default();
        for option in &mut options {
            match option {
                TcpOption::Sack(blocks) => {
                    for (left, right) in blocks {
                        *left = subject.ours.to_live(*left, syn);
                        *right = subject.ours.to_live(*right, syn);
                    }
                }
                TcpOption::Ts { ecr, .. } if line.flags.contains(Flags::ACK) => {
                    *ecr = self.live_echo(subject, *ecr)?;
                }
                TcpOption::Md5(None) => return Err("TCP-MD5 signatures are not made here".into()),
                _ => {}
            }
        }
        Ok(options)
    }

    fn live_echo(&self, subject: &Subject, ecr: u32) -> Result<u32, String> {
        let scaled = || {
            let (script, live) = subject.first_timestamp.filter(|_| self.script.options.ts_ecr_scaled)?;
            Some(ecr.wrapping_sub(script).wrapping_add(live))
        };
        subject.timestamps.get(&ecr).copied().or_else(scaled).ok_or_else(|| {
            format!(
                "the timestamp {ecr} that this echoes was never expected of the host: nobody knows what it is"
            )
        })
    }

    /// So many bytes of zero.
    pub(super) fn zeros(&self, len: u32) -> Payload {
        Payload::from_bytes(&vec![0; len as usize])
    }

    fn deliver(&mut self, now: Now<'a>, ip: IpHeader, body: packet::Body) -> Step {
        let line = self.line(now.event);
        let at = self.machine.now();
        // What is larger than `--mss` comes as segments of that size, which the host puts together before TCP sees them.
        let id = match (&body, self.script.options.mss) {
            (packet::Body::Tcp(segment), Some(mss)) if mss > 0 && segment.payload.len() > mss => {
                self.machine.deliver_merged(ip, body.clone(), mss)
            }
            _ => self.machine.deliver(ip, body.clone()),
        };
        self.injected.insert(id, line);
        let packet = packet::Packet { id, ip, body, flipped_bit: None };
        self.packets.push(Seen { at, inbound: true, packet, why: None, line: Some(line) });
        self.returned()
    }

    fn inject_icmp(&mut self, now: Now<'a>, packet: &Packet, icmp: &Icmp) -> Step {
        let Some(subject) = &self.subject else {
            return Err(self
                .failed(packet.span.clone(), "there is no socket that this message could be about".into()));
        };
        let (Some(local), Some(remote)) = (subject.local, subject.remote) else {
            let what =
                "nobody knows what this message is about: no SYN of the connection was seen".to_owned();
            return Err(self.failed(packet.span.clone(), what));
        };
        let (seq, len) = match icmp.quote {
            Quote::Tcp(seq, len) => (seq, len),
            Quote::Udp(_) | Quote::Raw(_) => {
                return Err(
                    self.unsupported(packet.span.clone(), "only quoted TCP segments are run here".into())
                );
            }
        };
        let known = if local.is_ipv6() { icmp_kind_6(icmp) } else { Ok(icmp_kind(icmp)) };
        let kind = match known {
            Ok(Some(kind)) => kind,
            Ok(None) => return Ok(()),
            Err(what) => return Err(self.unsupported(packet.span.clone(), what)),
        };
        let quoted = IpHeader {
            src: local.ip(),
            dst: remote.ip(),
            ttl: 64,
            ecn: tcp::EcnCodepoint::NotEct,
            dscp: 0,
            df: true,
            ident: 0,
        };
        let quote = packet::Quote {
            ip: quoted,
            len: (quoted.header_len() + 20 + len).min(65_535) as u16,
            protocol: tcp::wire::PROTOCOL,
            src: local.port(),
            dst: remote.port(),
            seq: SeqNum(subject.ours.to_live(seq, false)),
        };
        let ip = IpHeader { src: remote.ip(), dst: local.ip(), ..quoted };
        self.deliver(now, ip, packet::Body::Icmp(Box::new(packet::Icmp { kind, quote })))
    }
}

/// The same of version 6 (RFC 4443), whose types have other numbers.
fn icmp_kind_6(icmp: &Icmp) -> Result<Option<IcmpKind>, String> {
    match icmp.kind {
        // The parser gives "packet too big" the numbers of its older kin.
        (3, 4) => Ok(Some(IcmpKind::FragmentationNeeded(icmp.mtu.unwrap_or(0)))),
        _ => Err("ICMP of version 6 is run here only where a packet is too big".into()),
    }
}

/// The message as hosts here know it; `None`: one that no transport hears of.
fn icmp_kind(icmp: &Icmp) -> Option<IcmpKind> {
    Some(match icmp.kind {
        (3, 0) => IcmpKind::NetUnreachable,
        (3, 1) => IcmpKind::HostUnreachable,
        (3, 2) => IcmpKind::ProtocolUnreachable,
        (3, 3) => IcmpKind::PortUnreachable,
        (3, 4) => IcmpKind::FragmentationNeeded(icmp.mtu.unwrap_or(0)),
        (3, 13) => IcmpKind::AdminProhibited,
        (11, 0) => IcmpKind::TtlExceeded,
        (11, 1) => IcmpKind::ReassemblyTimeExceeded,
        (12, 0) => IcmpKind::ParameterProblem(0),
        (kind @ 3, code @ 5..=15) | (kind @ 12, code) => IcmpKind::Other { kind, code },
        // Queries and answers, redirects, source quench (RFC 6633) and what nobody has defined: no transport hears of
        // them.
        _ => return None,
    })
}
