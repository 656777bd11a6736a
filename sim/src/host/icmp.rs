//! ICMP errors that arrive: whom they are for, and what they mean to it (RFC 792; RFC 1122, section 4.2.3.9; RFC 5927).

use std::net::{IpAddr, SocketAddr};

use tcp::offer::plateau_below;
use tcp::tcb::IcmpError;
use tcp::{Errno, Note, Rule, Tcb, Time, Tuple};

use super::kernel::{Ctx, Kernel};
use super::tap::Seen;
use super::tcp_layer::{ConnId, Holder};
use crate::ip::{PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP};
use crate::packet::{Icmp, IcmpKind, Quote};
use crate::trace::DropReason;
use crate::wire::type_and_code;

impl Kernel {
    /// An ICMP error arrived.
    pub(super) fn icmp_input(&mut self, ctx: &mut Ctx<'_>, from: IpAddr, icmp: &Icmp) {
        self.counters.icmp_in_msgs += 1;
        let quote = &icmp.quote;
        let known = self.is_local(quote.ip.src)
            && match quote.protocol {
                PROTO_TCP => self.tcp_error(ctx, icmp.kind, quote),
                PROTO_UDP => self.udp_icmp(ctx, icmp.kind, quote),
                PROTO_ICMP | PROTO_ICMPV6 => {
                    self.learn_path_mtu(ctx, icmp.kind, quote);
                    let asked = self.echo_error(from, icmp.kind, quote);
                    asked || matches!(icmp.kind, IcmpKind::FragmentationNeeded(_))
                }
                _ => false,
            };
        if !known && let Some(packet) = Kernel::trigger_packet(ctx) {
            ctx.out.dropped(packet, DropReason::IcmpUnmatched);
        }
    }

    /// The error quotes a segment of ours. Whether anybody knows it.
    fn tcp_error(&mut self, ctx: &mut Ctx<'_>, kind: IcmpKind, quote: &Quote) -> bool {
        if self.route_mtu_locked && matches!(kind, IcmpKind::FragmentationNeeded(_)) {
            return true;
        }
        let tuple = Tuple {
            local: SocketAddr::new(quote.ip.src, quote.src),
            remote: SocketAddr::new(quote.ip.dst, quote.dst),
        };
        let meant = self.meaning(kind, quote);
        let Some(id) = self.tcp.find(&tuple) else {
            if self.request_error(ctx, tuple, meant, quote.seq) {
                return true;
            }
            let tapped = self.taps.offer(quote.src, Seen::Icmp(tuple.remote, kind));
            self.ready.extend(tapped.map(|(task, _)| task));
            return tapped.is_some();
        };
        let opening = matches!(self.tcp.tcb(id), Some(Tcb::Opening(_)));
        // A quoted number that is not in flight was forged or is old (RFC 5927, section 4.1): nothing is learnt.
        let believed = self.call(ctx, id, |tcb, now, out| {
            tcb.on_icmp(now, meant, quote.seq, out);
            const DOUBTED: [Note; 3] = [
                Note::Dropped(Rule::IcmpOutOfWindow),
                Note::Dropped(Rule::PmtuImpossible),
                Note::Happened(Rule::PmtuHeld),
            ];
            !out.notes.iter().any(|note| DOUBTED.contains(note))
        });
        if believed == Some(true) {
            self.learn_path_mtu(ctx, kind, quote);
            self.tell_program(id, opening, (kind, quote));
        }
        true
    }

    fn meaning(&self, kind: IcmpKind, quote: &Quote) -> IcmpError {
        meaning(kind, quote, self.setup.spec.tcp.icmp_filters_refuse)
    }
    /// The program that holds the connection may want to know; `opening`: the error is about its SYN.
    fn tell_program(&mut self, id: ConnId, opening: bool, (kind, quote): (IcmpKind, &Quote)) {
        let Holder::Socket(socket) = self.tcp.holder(id) else { return };
        let errno = match self.meaning(kind, quote) {
            IcmpError::Soft(errno) | IcmpError::Other(errno) | IcmpError::Hard(errno) => errno,
            IcmpError::TooBig(_) => return,
        };
        self.tell_error(socket, opening, errno, type_and_code(kind, quote.ip.is_v6()));
    }

    fn udp_icmp(&mut self, ctx: &mut Ctx<'_>, kind: IcmpKind, quote: &Quote) -> bool {
        self.learn_path_mtu(ctx, kind, quote);
        let errno = match kind {
            IcmpKind::FragmentationNeeded(_) => Errno::EMSGSIZE,
            kind => match self.meaning(kind, quote) {
                IcmpError::Soft(errno) | IcmpError::Other(errno) | IcmpError::Hard(errno) => errno,
                IcmpError::TooBig(_) => Errno::EMSGSIZE,
            },
        };
        self.udp_error(quote.src, SocketAddr::new(quote.ip.dst, quote.dst), errno)
    }

    fn learn_path_mtu(&mut self, ctx: &Ctx<'_>, kind: IcmpKind, quote: &Quote) {
        if let IcmpKind::FragmentationNeeded(mtu) = kind {
            self.path_takes(ctx.now, quote.ip.dst, (mtu, quote.len));
        }
    }
    /// The path to `dst` takes no more than `mtu` bytes, as the packet of `quoted_len` bytes has shown: known to all
    /// connections that take it (RFC 8201, section 5.2).
    pub(super) fn path_takes(&mut self, now: Time, dst: IpAddr, (mtu, quoted_len): (u16, u16)) {
        let Some(link) = self.link_mtu(dst) else { return };
        let learnt = self.path_mtu.learn(now, dst, mtu, (quoted_len, link), &self.setup.spec.tcp);
        if let Some(mtu) = learnt {
            self.tcp.connections_to(dst).for_each(|tcb| tcb.on_path_mtu(now, mtu));
        }
    }
}

/// What an error means to a connection (RFC 9293, section 3.9.2.2; errno as Linux has it). Over IPv6 what is prohibited
/// is hard, and a protocol that nobody knows a parameter problem, which is soft.
///
/// `filters_refuse`: as [`icmp_filters_refuse`](tcp::Config::icmp_filters_refuse) has it.
fn meaning(kind: IcmpKind, quote: &Quote, filters_refuse: bool) -> IcmpError {
    let v6 = quote.ip.is_v6();
    match kind {
        IcmpKind::AdminProhibited | IcmpKind::ProtocolUnreachable if filters_refuse => {
            IcmpError::Hard(Errno::ECONNREFUSED)
        }
        IcmpKind::Other { kind: 3, code: 9 | 10 } if filters_refuse => IcmpError::Hard(Errno::ECONNREFUSED),
        IcmpKind::TtlExceeded if filters_refuse => IcmpError::Hard(Errno::EHOSTUNREACH),
        // An old router that tells no MTU (RFC 1191, section 5).
        IcmpKind::FragmentationNeeded(0) => IcmpError::TooBig(plateau_below(quote.len)),
        IcmpKind::AdminProhibited if v6 => IcmpError::Hard(Errno::EACCES),
        IcmpKind::ProtocolUnreachable if v6 => IcmpError::Other(Errno::EPROTO),
        IcmpKind::FragmentationNeeded(mtu) => IcmpError::TooBig(mtu),
        IcmpKind::NetUnreachable => IcmpError::Soft(Errno::ENETUNREACH),
        IcmpKind::ProtocolUnreachable => IcmpError::Hard(Errno::ENOPROTOOPT),
        IcmpKind::PortUnreachable => IcmpError::Hard(Errno::ECONNREFUSED),
        IcmpKind::HostUnreachable => IcmpError::Soft(Errno::EHOSTUNREACH),
        IcmpKind::AdminProhibited | IcmpKind::TtlExceeded | IcmpKind::ReassemblyTimeExceeded => {
            IcmpError::Other(Errno::EHOSTUNREACH)
        }
        IcmpKind::ParameterProblem(_) => IcmpError::Other(Errno::EPROTO),
        IcmpKind::Other { kind, code } => IcmpError::Other(other_errno(kind, code)),
    }
}

/// What Linux tells a program of the errors that are rare (`icmp_err_convert`; RFC 1122, section 3.2.2.1).
fn other_errno(kind: u8, code: u8) -> Errno {
    match (kind, code) {
        // Source route failed.
        (3, 5) => Errno::EOPNOTSUPP,
        // Destination network unknown; prohibited; unreachable for the type of service.
        (3, 6 | 9 | 11) => Errno::ENETUNREACH,
        // Destination host unknown; source host isolated.
        (3, 7) => Errno::EHOSTDOWN,
        (3, 8) => Errno::ENONET,
        (3, _) => Errno::EHOSTUNREACH,
        // Parameter problem.
        _ => Errno::EPROTO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(v6: bool) -> Quote {
        let address: IpAddr = if v6 { [0; 16].into() } else { [0; 4].into() };
        let ecn = tcp::EcnCodepoint::NotEct;
        let ip =
            crate::packet::IpHeader { src: address, dst: address, ttl: 1, ecn, dscp: 0, df: true, ident: 0 };
        Quote { ip, len: 1500, protocol: PROTO_TCP, src: 1, dst: 2, seq: tcp::SeqNum(0) }
    }

    /// 9293/MUST-56, SHLD-26: hard are protocol and port unreachable, over IPv6 port unreachable and prohibited; all else is
    /// soft.
    #[test]
    fn soft_and_hard_errors() {
        use IcmpKind::*;
        let kinds = [
            (NetUnreachable, false, false),
            (HostUnreachable, false, false),
            (ProtocolUnreachable, true, false),
            (PortUnreachable, true, true),
            (AdminProhibited, false, true),
            (TtlExceeded, false, false),
            (ReassemblyTimeExceeded, false, false),
        ];
        for (kind, hard, hard_v6) in kinds {
            let is_hard = |v6| matches!(meaning(kind, &quote(v6), false), IcmpError::Hard(_));
            assert_eq!((is_hard(false), is_hard(true)), (hard, hard_v6), "{kind:?}");
        }
        assert_eq!(meaning(FragmentationNeeded(1400), &quote(false), false), IcmpError::TooBig(1400));
    }
}
