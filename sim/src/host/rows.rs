//! What `ss` and `netstat` read of a host.

use std::net::SocketAddr;

use tcp::{Info, State, Tcb, Time, TimerKind};

use super::kernel::Kernel;
use super::sockets::SocketId;
use super::tcp_layer::Holder;
use crate::view::{Owner, Proto, SocketInfo, unspecified};

impl Kernel {
    /// A connection, TIME-WAIT records aside: what TCP knows, and which timers run.
    pub(super) fn reading(&self, now: Time, tuple: &tcp::Tuple) -> Option<(Info, tcp::Running)> {
        let tcb = self.tcp.find(tuple).and_then(|id| self.tcp.tcb(id))?;
        (!matches!(tcb, Tcb::TimeWait(_))).then(|| (tcb.info(now), tcb.running()))
    }

    /// Listeners by port, half-open requests, connections by number, UDP sockets by port.
    pub(super) fn rows(&self, now: Time) -> Vec<SocketInfo> {
        let mut rows = Vec::new();
        for id in self.tcp.listening.values() {
            self.listener_rows(*id, &mut rows);
        }
        for (tuple, tcb, holder) in self.tcp.connections() {
            rows.push(self.connection_row(now, tuple, tcb, holder));
        }
        rows.extend(self.udp_rows());
        rows
    }

    fn listener_rows(&self, id: u32, rows: &mut Vec<SocketInfo>) {
        let Some(slot) = self.tcp.listeners.get(id as usize).and_then(Option::as_ref) else { return };
        let address = slot.address.unwrap_or_else(|| self.any_address());
        rows.push(SocketInfo {
            proto: Proto::Tcp,
            state: State::Listen,
            recv_q: slot.listener.waiting() as u64,
            send_q: slot.listener.backlog().into(),
            local: SocketAddr::new(address, slot.port),
            remote: None,
            timer: None,
            owner: self.owner(slot.socket),
            tcp: None,
        });
        rows.extend(slot.listener.requests().map(|request| SocketInfo {
            proto: Proto::Tcp,
            state: State::SynReceived,
            recv_q: 0,
            send_q: 0,
            local: request.tuple.local,
            remote: Some(request.tuple.remote),
            timer: Some((TimerKind::Retransmit, request.deadline, request.retries.into())),
            owner: None,
            tcp: None,
        }));
    }

    fn connection_row(&self, now: Time, tuple: tcp::Tuple, tcb: &Tcb, holder: Holder) -> SocketInfo {
        let base = SocketInfo {
            proto: Proto::Tcp,
            state: tcb.state(),
            recv_q: 0,
            send_q: 0,
            local: tuple.local,
            remote: Some(tuple.remote),
            timer: None,
            owner: match holder {
                Holder::Socket(socket) => self.owner(socket),
                Holder::Nobody | Holder::Queue(_) => None,
            },
            tcp: None,
        };
        if let Tcb::TimeWait(record) = tcb {
            return SocketInfo { timer: Some((TimerKind::TimeWait, record.deadline(), 0)), ..base };
        }
        let info: Info = tcb.info(now);
        SocketInfo {
            recv_q: info.recv_q,
            send_q: info.send_q,
            timer: info.timer.map(|(kind, at)| (kind, at, info.retries)),
            tcp: Some(Box::new(info)),
            ..base
        }
    }

    fn udp_rows(&self) -> impl Iterator<Item = SocketInfo> {
        self.udp.sockets().map(|(port, socket)| SocketInfo {
            proto: Proto::Udp,
            state: if socket.peer.is_some() { State::Established } else { State::Closed },
            recv_q: socket.queued,
            send_q: 0,
            local: SocketAddr::new(self.any_address(), port),
            remote: socket.peer,
            timer: None,
            owner: self.process_owner(socket.process, socket.fd),
            tcp: None,
        })
    }

    fn owner(&self, socket: SocketId) -> Option<Owner> {
        let socket = self.sockets.get(socket)?;
        self.process_owner(socket.process, socket.fd)
    }

    fn process_owner(&self, process: u32, fd: u32) -> Option<Owner> {
        self.processes.name(process).map(|(name, pid)| Owner { name, pid, fd })
    }

    /// The unspecified address of the host's own family.
    fn any_address(&self) -> std::net::IpAddr {
        let first = self.setup.spec.addresses.first().copied();
        first.map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), unspecified)
    }
}
