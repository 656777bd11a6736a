//! What `ss` and `netstat` show of a host: readings, never an influence.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tcp::{Info, State, Time, TimerKind};

/// One row of `ss -a` or `netstat -an`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketInfo {
    /// Protocol.
    pub proto: Proto,
    /// State; for UDP [`State::Closed`] (`UNCONN`).
    pub state: State,
    /// Bytes received and not yet read; of a listener, connections waiting to be accepted.
    pub recv_q: u64,
    /// Bytes sent or queued and not yet acknowledged; of a listener, its backlog.
    pub send_q: u64,
    /// This end; a listener on all addresses has the unspecified one.
    pub local: SocketAddr,
    /// The other end; `None` where there is none (`*:*`).
    pub remote: Option<SocketAddr>,
    /// The timer that runs, when it fires, and retransmissions or probes without an answer.
    pub timer: Option<(TimerKind, Time, u32)>,
    /// The program that holds the socket; `None` for orphans, requests and TIME-WAIT.
    pub owner: Option<Owner>,
    /// What TCP knows; `None` for listeners, half-open requests, TIME-WAIT and UDP.
    pub tcp: Option<Box<Info>>,
}

/// A protocol, as the first column shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "names say it")]
pub enum Proto {
    Tcp,
    Udp,
}

/// The program that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its name.
    pub name: Arc<str>,
    /// Its process id.
    pub pid: u32,
    /// The descriptor.
    pub fd: u32,
}

/// The unspecified address of the family of `like`.
pub fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
    }
}
