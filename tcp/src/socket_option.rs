//! Socket options that belong to one connection, with the values that each can take.

use std::fmt;

use crate::error::Errno;
use crate::fast_open::Key;
use crate::time::Duration;

/// A socket option, by the name of setsockopt(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocketOption {
    /// `TCP_NODELAY`: Nagle's algorithm off.
    NoDelay(bool),
    /// `TCP_CORK`: partial segments wait, 200 ms at most.
    Cork(bool),
    /// `TCP_QUICKACK`.
    QuickAck(bool),
    /// `SO_KEEPALIVE`.
    KeepAlive(bool),
    /// `TCP_KEEPIDLE`.
    KeepIdle(Duration),
    /// `TCP_KEEPINTVL`.
    KeepInterval(Duration),
    /// `TCP_KEEPCNT`.
    KeepCount(u8),
    /// `TCP_USER_TIMEOUT`; zero: the default.
    UserTimeout(Duration),
    /// What is told to the peer of the user timeout (RFC 5482; ADV_UTO there); zero: nothing. No kernel has such an option.
    UserTimeoutOption(Duration),
    /// `SO_LINGER` with this time; `None`: off. Zero makes close a reset.
    Linger(Option<Duration>),
    /// `SO_RCVBUF`, in bytes of window (what Linux calls half of it for itself is not modelled).
    RcvBuf(u32),
    /// `SO_SNDBUF`, in bytes.
    SndBuf(u32),
    /// `TCP_MAXSEG`, in bytes; before the connection is opened.
    MaxSeg(u16),
    /// `SO_OOBINLINE`.
    OobInline(bool),
    /// `TCP_NOTSENT_LOWAT`, in bytes; zero: the system's.
    NotSentLowat(u32),
    /// `SO_TIMESTAMPING`: `SOF_TIMESTAMPING_…`.
    Timestamping(u32),
    /// `TCP_LINGER2`: how long an orphan stays in FIN-WAIT-2; `None`: the system's time.
    Linger2(Option<Duration>),
    /// `TCP_DEFER_ACCEPT`: so many repetitions of the SYN-ACK wait for data; zero: none.
    DeferAccept(u8),
    /// `TCP_SYNCNT`: repetitions of the SYN.
    SynCount(u8),
    /// `TCP_CONGESTION`.
    Congestion(crate::config::Congestion),
    /// `TCP_FASTOPEN`: a listener accepts data in SYNs of so many connections at a time (RFC 7413, section 4.2).
    FastOpen(u32),
    /// `TCP_FASTOPEN_NO_COOKIE`: data in SYNs goes and comes without a cookie.
    FastOpenNoCookie(bool),
    /// `TCP_FASTOPEN_KEY`: the key of this listener's cookies, and an older one that is still good.
    FastOpenKeys([Option<Key>; 2]),
    /// `IP_TOS`: the DSCP of what the connection sends (RFC 9293, section 3.9.1.9); the ECN field is TCP's own.
    Dscp(u8),
    /// `IP_TTL`: the TTL or hop limit of what the connection sends (RFC 9293, section 3.9.2).
    Ttl(u8),
    /// `IP_MTU_DISCOVER`: segments are not to be fragmented on the way, and follow the path MTU.
    PathMtuDiscovery(bool),
    /// `IP_OPTIONS` with a source route (RFC 9293, section 3.9.2.1), which is not provided.
    SourceRoute,
}

/// Bounds of the keepalive times (Linux `MAX_TCP_KEEPIDLE`), and the smallest `TCP_MAXSEG` (Linux `TCP_MIN_MSS`).
const KEEPALIVE_TIMES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(32_767);
const LEAST_MAXSEG: u16 = 88;

impl SocketOption {
    /// Whether this value can be set.
    ///
    /// # Errors
    /// EINVAL for a value that the option cannot take; ENOPROTOOPT for an option that is not provided.
    pub fn check(self) -> Result<(), Errno> {
        let fits = match self {
            SocketOption::KeepIdle(time) | SocketOption::KeepInterval(time) => {
                KEEPALIVE_TIMES.contains(&time)
            }
            SocketOption::KeepCount(count) => (1..=127).contains(&count),
            SocketOption::MaxSeg(mss) => mss >= LEAST_MAXSEG,
            SocketOption::Dscp(dscp) => dscp < 64,
            SocketOption::Ttl(ttl) => ttl > 0,
            SocketOption::SourceRoute => return Err(Errno::ENOPROTOOPT),
            _ => true,
        };
        if fits { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

impl fmt::Display for SocketOption {
    /// As a program writes it: `TCP_KEEPIDLE, 1min`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            SocketOption::NoDelay(on) => write!(f, "TCP_NODELAY, {}", u8::from(on)),
            SocketOption::Cork(on) => write!(f, "TCP_CORK, {}", u8::from(on)),
            SocketOption::QuickAck(on) => write!(f, "TCP_QUICKACK, {}", u8::from(on)),
            SocketOption::KeepAlive(on) => write!(f, "SO_KEEPALIVE, {}", u8::from(on)),
            SocketOption::KeepIdle(time) => write!(f, "TCP_KEEPIDLE, {time}"),
            SocketOption::KeepInterval(time) => write!(f, "TCP_KEEPINTVL, {time}"),
            SocketOption::KeepCount(count) => write!(f, "TCP_KEEPCNT, {count}"),
            SocketOption::UserTimeout(time) => write!(f, "TCP_USER_TIMEOUT, {time}"),
            SocketOption::UserTimeoutOption(time) => write!(f, "user timeout option, {time}"),
            SocketOption::Linger(Some(time)) => write!(f, "SO_LINGER, {time}"),
            SocketOption::Linger(None) => f.write_str("SO_LINGER, off"),
            SocketOption::RcvBuf(bytes) => write!(f, "SO_RCVBUF, {bytes}"),
            SocketOption::SndBuf(bytes) => write!(f, "SO_SNDBUF, {bytes}"),
            SocketOption::MaxSeg(bytes) => write!(f, "TCP_MAXSEG, {bytes}"),
            SocketOption::OobInline(on) => write!(f, "SO_OOBINLINE, {}", u8::from(on)),
            SocketOption::FastOpen(limit) => write!(f, "TCP_FASTOPEN, {limit}"),
            SocketOption::FastOpenNoCookie(on) => write!(f, "TCP_FASTOPEN_NO_COOKIE, {}", u8::from(on)),
            SocketOption::FastOpenKeys(_) => f.write_str("TCP_FASTOPEN_KEY"),
            SocketOption::Dscp(dscp) => write!(f, "IP_TOS, {:#04x}", u16::from(dscp) << 2),
            SocketOption::Ttl(ttl) => write!(f, "IP_TTL, {ttl}"),
            SocketOption::PathMtuDiscovery(on) => write!(f, "IP_MTU_DISCOVER, {}", u8::from(on)),
            SocketOption::SourceRoute => f.write_str("IP_OPTIONS, source route"),
            SocketOption::NotSentLowat(bytes) => write!(f, "TCP_NOTSENT_LOWAT, {bytes}"),
            SocketOption::Timestamping(bits) => write!(f, "SO_TIMESTAMPING, {bits:#x}"),
            SocketOption::Linger2(Some(time)) => write!(f, "TCP_LINGER2, {time}"),
            SocketOption::Linger2(None) => f.write_str("TCP_LINGER2, 0"),
            SocketOption::DeferAccept(count) => write!(f, "TCP_DEFER_ACCEPT, {count} retries"),
            SocketOption::SynCount(count) => write!(f, "TCP_SYNCNT, {count}"),
            SocketOption::Congestion(controller) => write!(f, "TCP_CONGESTION, {controller:?}"),
        }
    }
}
