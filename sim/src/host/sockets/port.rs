//! Which local port a socket gets: the one it asks for, or a free one.

use std::net::{IpAddr, SocketAddr};

use tcp::{Errno, Tcb, Tuple};

use super::{Kind, SocketId};
use crate::host::kernel::{Ctx, Kernel};
use crate::host::ports;
use crate::host::tcp_layer::ConnId;

impl Kernel {
    /// bind(2); port zero: any that nobody uses.
    ///
    /// # Errors
    /// EINVAL if bound already; EADDRNOTAVAIL for an address that is not the host's; EADDRINUSE.
    pub fn bind(&mut self, id: SocketId, address: Option<IpAddr>, port: u16) -> Result<(), Errno> {
        let socket = self.sockets.get_mut(id)?;
        if socket.bound.is_some() || socket.kind != Kind::Fresh {
            return Err(Errno::EINVAL);
        }
        let address = address.filter(|a| !a.is_unspecified());
        if address.is_some_and(|a| !self.is_local(a)) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let port = if port == 0 { self.free_port().ok_or(Errno::EADDRINUSE)? } else { port };
        let overlaps = |other: &Option<IpAddr>| other.is_none() || address.is_none() || *other == address;
        let mut on_port = self.tcp.listening.range((port, None)..).take_while(|((p, _), _)| *p == port);
        if on_port.any(|((_, other), _)| overlaps(other)) {
            return Err(Errno::EADDRINUSE);
        }
        self.tcp.ports.take(port, true);
        self.sockets.get_mut(id)?.bound = Some((address, port));
        Ok(())
    }
    /// A port that nobody uses at all.
    pub(in crate::host) fn free_port(&mut self) -> Option<u16> {
        let start = self.secrets.ports.bits();
        ports::from_start(self.setup.spec.ports, start).find(|port| {
            self.tcp.ports.is_free(*port) && !self.udp.is_bound(*port) && !self.taps.is_open(*port)
        })
    }
    /// The local port of an active open: one that no socket is bound to by number, and whose four-tuple is free or a
    /// TIME-WAIT that may be reused (RFC 6056, section 3.3.1; Linux `tcp_tw_reuse`).
    pub(super) fn ephemeral_port(&mut self, ctx: &Ctx<'_>, source: IpAddr, to: SocketAddr) -> Option<u16> {
        let start = self.secrets.ports.bits();
        if self.tcp.ports.is_exhausted((source, to)) {
            return None;
        }
        let found = ports::from_start(self.setup.spec.ports, start).find(|port| {
            if !self.tcp.ports.is_shared(*port) || self.taps.is_open(*port) {
                return false;
            }
            let tuple = Tuple { local: SocketAddr::new(source, *port), remote: to };
            self.tcp.find(&tuple).is_none_or(|old| self.may_reuse(ctx, old, false))
        });
        // A TIME-WAIT may yield in time, and a tap may close: then no port is given back.
        let yields = match self.setup.spec.tcp.tw_reuse {
            0 => false,
            1 => true,
            _ => self.is_local(to.ip()),
        };
        if found.is_none() && !yields && self.taps.is_empty() {
            self.tcp.ports.note_exhausted((source, to));
        }
        found
    }
    /// Whether an active open may take the place of this connection, on a port that the program chose or did not.
    pub(super) fn may_reuse(&self, ctx: &Ctx<'_>, old: ConnId, chosen: bool) -> bool {
        match (self.tcp.tcb(old), self.tcp.tuple(old)) {
            (Some(Tcb::TimeWait(record)), Some(tuple)) => {
                record.reusable(ctx.now, chosen, self.is_local(tuple.remote.ip()))
            }
            _ => false,
        }
    }
}
