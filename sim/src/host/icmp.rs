//! ICMP errors that arrive: whom they are for, and what they mean to it (RFC 792; RFC 1122, section 4.2.3.9; RFC 5927).

use std::net::{IpAddr, SocketAddr};

use tcp::offer::plateau_below;
use tcp::tcb::IcmpError;
use tcp::{Errno, Note, Rule, Time, Tuple};

use super::kernel::{Ctx, Kernel};
use super::tap::Seen;
use crate::ip::{PROTO_TCP, PROTO_UDP};
use crate::packet::{Icmp, IcmpKind, Quote};
use crate::trace::DropReason;

impl Kernel {
    /// An ICMP error arrived.
    pub(super) fn icmp_input(&mut self, ctx: &mut Ctx<'_>, _from: IpAddr, icmp: &Icmp) {
        self.counters.icmp_in_msgs += 1;
        let quote = &icmp.quote;
        let known = self.is_local(quote.ip.src)
            && match quote.protocol {
                PROTO_TCP => self.tcp_error(ctx, icmp.kind, quote),
                PROTO_UDP => self.udp_icmp(ctx, icmp.kind, quote),
                _ => false,
            };
        if !known && let Some(packet) = Kernel::trigger_packet(ctx) {
            ctx.out.dropped(packet, DropReason::IcmpUnmatched);
        }
    }

    /// The error quotes a segment of ours. Whether anybody knows it.
    fn tcp_error(&mut self, ctx: &mut Ctx<'_>, kind: IcmpKind, quote: &Quote) -> bool {
        let tuple = Tuple {
            local: SocketAddr::new(quote.ip.src, quote.src),
            remote: SocketAddr::new(quote.ip.dst, quote.dst),
        };
        let Some(id) = self.tcp.find(&tuple) else {
            if self.request_error(ctx, tuple, meaning(kind, quote), quote.seq) {
                return true;
            }
            let tapped = self.taps.offer(quote.src, Seen::Icmp(tuple.remote, kind));
            self.ready.extend(tapped.map(|(task, _)| task));
            return tapped.is_some();
        };
        // A quoted number that is not in flight was forged or is old (RFC 5927, section 4.1): nothing is learnt.
        let believed = self.call(ctx, id, |tcb, now, out| {
            tcb.on_icmp(now, meaning(kind, quote), quote.seq, out);
            const DOUBTED: [Note; 3] = [
                Note::Dropped(Rule::IcmpOutOfWindow),
                Note::Dropped(Rule::PmtuImpossible),
                Note::Happened(Rule::PmtuHeld),
            ];
            !out.notes.iter().any(|note| DOUBTED.contains(note))
        });
        if believed == Some(true) {
            self.learn_path_mtu(ctx, kind, quote);
        }
        true
    }

    fn udp_icmp(&mut self, ctx: &mut Ctx<'_>, kind: IcmpKind, quote: &Quote) -> bool {
        self.learn_path_mtu(ctx, kind, quote);
        let errno = match kind {
            IcmpKind::FragmentationNeeded(_) => Errno::EMSGSIZE,
            kind => match meaning(kind, quote) {
                IcmpError::Soft(errno) | IcmpError::Hard(errno) => errno,
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

/// What an error means to a connection (RFC 1122, section 4.2.3.9; errno as icmp(7) on Linux has it).
fn meaning(kind: IcmpKind, quote: &Quote) -> IcmpError {
    match kind {
        // An old router that tells no MTU (RFC 1191, section 5).
        IcmpKind::FragmentationNeeded(0) => IcmpError::TooBig(plateau_below(quote.len)),
        IcmpKind::FragmentationNeeded(mtu) => IcmpError::TooBig(mtu),
        IcmpKind::NetUnreachable => IcmpError::Soft(Errno::ENETUNREACH),
        IcmpKind::ProtocolUnreachable => IcmpError::Hard(Errno::ENOPROTOOPT),
        IcmpKind::PortUnreachable => IcmpError::Hard(Errno::ECONNREFUSED),
        IcmpKind::HostUnreachable
        | IcmpKind::AdminProhibited
        | IcmpKind::TtlExceeded
        | IcmpKind::ReassemblyTimeExceeded => IcmpError::Soft(Errno::EHOSTUNREACH),
    }
}
