//! setsockopt(2) and getsockopt(2): values, bounds and errnos of Linux 6.18 (sock.c, ip_sockglue.c, tcp.c).

use std::net::SocketAddr;

use tcp::tcb::SocketOption;
use tcp::{Duration, Errno, Info, State, Time};

use super::abi::*;
use super::call::{Detail, Fd, OptionValue, Outcome, Reply};
use super::process::{Process, Socket};
use super::sysctl;
use super::tcp_info::{self, SkMeminfo, TcpInfo};
use super::unseen;
use crate::host::{Ctx, Kernel, SocketId};

/// Largest buffer that a program may ask for, before it is doubled (Linux `wmem_max`, `rmem_max`), in bytes.
const BUFFER_MAX: u32 = 4_194_304;

/// The options of a socket, as getsockopt(2) gives them back, and those that matter to calls.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) receive_timeout: Option<Duration>,
    pub(super) send_timeout: Option<Duration>,
    /// `SO_RCVLOWAT`.
    pub(super) receive_low: u32,
    /// `SO_LINGER`.
    pub(super) linger: Option<Duration>,
    /// `TCP_INQ`.
    pub(super) inq: bool,
    /// `SO_ZEROCOPY`.
    pub(super) zerocopy: bool,
    /// `TCP_FASTOPEN_CONNECT`.
    pub(super) fastopen_connect: bool,
    /// Where connect(2) has gone that `TCP_FASTOPEN_CONNECT` made wait for data.
    pub(super) deferred: Option<SocketAddr>,
    /// Values that are only given back, by level and name.
    kept: Vec<((i32, i32), i64)>,
}

/// What setsockopt(2) comes to.
enum Set {
    Done,
    /// It is for the connection.
    Tcp(SocketOption),
    /// It is not modelled.
    Unsupported,
}

impl Options {
    /// Of a new socket.
    pub(super) fn new() -> Options {
        Options {
            receive_timeout: None,
            send_timeout: None,
            receive_low: 1,
            linger: None,
            inq: false,
            zerocopy: false,
            fastopen_connect: false,
            deferred: None,
            kept: Vec::new(),
        }
    }
    fn keep(&mut self, option: (i32, i32), value: i64) {
        match self.kept.iter_mut().find(|(kept, _)| *kept == option) {
            Some((_, kept)) => *kept = value,
            None => self.kept.push((option, value)),
        }
    }
    /// `SO_REUSEADDR`.
    pub(super) fn shares_port(&self) -> bool {
        self.kept((SOL_SOCKET, SO_REUSEADDR)).is_some_and(|on| on != 0)
    }
    /// `IP_RECVERR`.
    pub(super) fn tells_errors(&self) -> bool {
        let on = |option| self.kept(option).is_some_and(|on| on != 0);
        on((SOL_IP, IP_RECVERR)) || on((SOL_IPV6, IPV6_RECVERR))
    }
    fn kept(&self, option: (i32, i32)) -> Option<i64> {
        self.kept.iter().find(|(kept, _)| *kept == option).map(|(_, value)| *value)
    }
}

impl Process {
    pub(super) fn set_option(
        &mut self,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        fd: Fd,
        option: (i32, i32),
        value: &OptionValue,
        len: i32,
    ) -> Outcome {
        let socket = match self.socket_mut(fd) {
            Ok(socket) => socket,
            Err(errno) => return errno.into(),
        };
        let set = match (option.0, value) {
            _ if len < 0 => Err(Errno::EINVAL),
            (_, OptionValue::Bad) => Err(Errno::EFAULT),
            (SOL_SOCKET, OptionValue::Int(value)) if len >= 4 => socket.set_general(kernel, option, *value),
            (SOL_SOCKET, OptionValue::Linger { onoff, linger }) if len >= 8 && option.1 == SO_LINGER => {
                let time = Duration::from_secs(u64::try_from(*linger).unwrap_or(u64::from(u32::MAX)));
                socket.options.linger = (*onoff != 0).then_some(time);
                Ok(Set::Tcp(SocketOption::Linger(socket.options.linger)))
            }
            (SOL_SOCKET, OptionValue::Time(time)) if len >= 16 => socket.set_timeout(option, *time),
            (SOL_IP | SOL_IPV6, OptionValue::Int(value)) if len >= 1 => {
                socket.set_ip(kernel, option, *value, len)
            }
            (SOL_TCP, OptionValue::Int(value)) if len >= 4 => socket.set_tcp(kernel, option, *value),
            (SOL_TCP, OptionValue::Text(text)) if option.1 == TCP_FASTOPEN_KEY => match key_of(text) {
                Some(keys) => Ok(Set::Tcp(SocketOption::FastOpenKeys(keys))),
                None => Err(Errno::EINVAL),
            },
            (SOL_TCP, OptionValue::Text(text)) if option.1 == TCP_CONGESTION => {
                // Linux reads at most fifteen characters; who may set what, a capability decides.
                match sysctl::controller(text.trim_end_matches('\0')) {
                    Some(controller) => Ok(Set::Tcp(SocketOption::Congestion(controller))),
                    None => Ok(Set::Unsupported),
                }
            }
            (SOL_SOCKET | SOL_IP | SOL_IPV6 | SOL_TCP, OptionValue::Int(_) | OptionValue::Linger { .. }) => {
                Err(Errno::EINVAL)
            }
            _ => Ok(Set::Unsupported),
        };
        let id = socket.id;
        match set {
            Ok(Set::Done) => Outcome::Returned(Reply::ok(0)),
            Ok(Set::Tcp(option)) => kernel.set_option(ctx, id, option).map(|()| 0).into(),
            Ok(Set::Unsupported) => Outcome::Unsupported(format!(
                "setsockopt(2) {} with {value:?} is not modelled",
                words(option)
            )),
            Err(errno) => errno.into(),
        }
    }

    pub(super) fn get_option(
        &mut self,
        kernel: &mut Kernel,
        ctx: &Ctx<'_>,
        fd: Fd,
        option: (i32, i32),
        len: i32,
    ) -> Outcome {
        let socket = match self.socket_of(fd) {
            Ok(socket) => socket,
            Err(errno) => return errno.into(),
        };
        if len < 0 {
            return Errno::EINVAL.into();
        }
        let value = match option {
            (SOL_SOCKET, SO_LINGER) => Some(OptionValue::Linger {
                onoff: i32::from(socket.options.linger.is_some()),
                linger: socket.options.linger.map_or(0, |time| time.as_secs() as i32),
            }),
            (SOL_SOCKET, SO_RCVTIMEO) => {
                Some(OptionValue::Time(socket.options.receive_timeout.unwrap_or(Duration::ZERO)))
            }
            (SOL_SOCKET, SO_SNDTIMEO) => {
                Some(OptionValue::Time(socket.options.send_timeout.unwrap_or(Duration::ZERO)))
            }
            (SOL_TCP, TCP_CONGESTION) => Some(OptionValue::Text(socket.congestion(kernel, ctx.now))),
            option => socket.number(kernel, ctx.now, option).map(OptionValue::Int),
        };
        match value {
            Some(value) => Outcome::Returned(Reply::with(0, Detail::Option(value))),
            None => Outcome::Unsupported(format!("getsockopt(2) {} is not modelled", words(option))),
        }
    }

    /// `TCP_INFO`.
    pub(super) fn tcp_info(&self, kernel: &Kernel, now: Time, fd: Fd) -> Option<TcpInfo> {
        let socket = self.socket_of(fd).ok()?;
        Some(tcp_info::tcp_info(&kernel.info(now, socket.id)?, now))
    }
    /// `SO_MEMINFO`.
    pub(super) fn meminfo(&self, kernel: &Kernel, now: Time, fd: Fd) -> Option<SkMeminfo> {
        let socket = self.socket_of(fd).ok()?;
        Some(tcp_info::meminfo(&kernel.info(now, socket.id)?))
    }
}

impl Socket {
    /// `SOL_SOCKET`.
    fn set_general(&mut self, kernel: &Kernel, option: (i32, i32), value: i64) -> Result<Set, Errno> {
        let on = value != 0;
        Ok(match option.1 {
            SO_REUSEADDR => {
                self.options.keep(option, on.into());
                Set::Done
            }
            _ if unseen::option(option.0, option.1) => {
                self.options.keep(option, value);
                Set::Done
            }
            SO_SNDBUF => Set::Tcp(SocketOption::SndBuf(asked(value))),
            SO_RCVBUF => Set::Tcp(SocketOption::RcvBuf(asked(value))),
            SO_KEEPALIVE => {
                self.options.keep(option, on.into());
                Set::Tcp(SocketOption::KeepAlive(on))
            }
            SO_OOBINLINE => {
                self.options.keep(option, on.into());
                Set::Tcp(SocketOption::OobInline(on))
            }
            SO_RCVLOWAT => {
                self.options.receive_low = if value < 0 { i32::MAX as u32 } else { value.max(1) as u32 };
                Set::Done
            }
            SO_TIMESTAMPING if (0..1 << 18).contains(&value) => {
                // Receive timestamps, and those of hardware, are nobody's here.
                const HELD: i64 = 2 | 0x10 | 0x80 | 0x100 | 0x200 | 0x800 | 0x1_0000;
                if value & !HELD != 0 {
                    return Ok(Set::Unsupported);
                }
                // Keys count octets: there are none before there is a connection.
                const KEYS: i64 = 0x80;
                if value & KEYS != 0 && kernel.is_unconnected(self.id) {
                    return Err(Errno::EINVAL);
                }
                self.options.keep(option, value);
                Set::Tcp(SocketOption::Timestamping(value as u32))
            }
            SO_TIMESTAMPING => return Err(Errno::EINVAL),
            SO_ZEROCOPY if (0..=1).contains(&value) => {
                self.options.zerocopy = on;
                Set::Done
            }
            SO_ZEROCOPY => return Err(Errno::EINVAL),
            SO_ERROR | SO_TYPE | SO_PROTOCOL | SO_DOMAIN | SO_ACCEPTCONN => return Err(Errno::ENOPROTOOPT),
            SO_LINGER => return Err(Errno::EINVAL),
            _ => {
                let _ = kernel;
                Set::Unsupported
            }
        })
    }
    fn set_timeout(&mut self, option: (i32, i32), time: Duration) -> Result<Set, Errno> {
        let limit = (!time.is_zero()).then_some(time);
        match option.1 {
            SO_RCVTIMEO => self.options.receive_timeout = limit,
            SO_SNDTIMEO => self.options.send_timeout = limit,
            _ => return Err(Errno::EINVAL),
        }
        Ok(Set::Done)
    }
    /// `SOL_IP`, and what of `SOL_IPV6` is the same. A value may be one octet or an int.
    fn set_ip(
        &mut self,
        kernel: &mut Kernel,
        option: (i32, i32),
        value: i64,
        len: i32,
    ) -> Result<Set, Errno> {
        let value = if len >= 4 { value } else { value & 0xff };
        let set = match option {
            // The two low bits are ECN's, which TCP keeps for itself.
            (SOL_IP, IP_TOS) | (SOL_IPV6, IPV6_TCLASS) if (0..=255).contains(&value) => {
                Set::Tcp(SocketOption::Dscp((value >> 2) as u8))
            }
            (SOL_IP, IP_TOS) => Set::Tcp(SocketOption::Dscp((value >> 2 & 0x3f) as u8)),
            (SOL_IP, IP_TTL) | (SOL_IPV6, IPV6_UNICAST_HOPS) => match value {
                1..=255 => Set::Tcp(SocketOption::Ttl(value as u8)),
                _ => return Err(Errno::EINVAL),
            },
            // Do and want differ where the route locks its MTU; the rest let routers fragment, or know no path MTU.
            (SOL_IP, IP_MTU_DISCOVER) | (SOL_IPV6, IPV6_MTU_DISCOVER) if (3..=5).contains(&value) => {
                return Ok(Set::Unsupported);
            }
            (SOL_IP, IP_MTU_DISCOVER) | (SOL_IPV6, IPV6_MTU_DISCOVER) if (0..=2).contains(&value) => {
                Set::Tcp(SocketOption::PathMtuDiscovery(value != i64::from(IP_PMTUDISC_DONT)))
            }
            (SOL_IP, IP_MTU_DISCOVER) | (SOL_IPV6, IPV6_TCLASS | IPV6_MTU_DISCOVER) => {
                return Err(Errno::EINVAL);
            }
            (SOL_IP, IP_RECVERR) | (SOL_IPV6, IPV6_RECVERR) => {
                kernel.tell_errors(self.id, value != 0);
                self.options.keep(option, i64::from(value != 0));
                return Ok(Set::Done);
            }
            option if unseen::option(option.0, option.1) => Set::Done,
            _ => return Ok(Set::Unsupported),
        };
        self.options.keep(option, value);
        Ok(set)
    }
    /// `SOL_TCP`.
    fn set_tcp(&mut self, kernel: &Kernel, option: (i32, i32), value: i64) -> Result<Set, Errno> {
        let _ = kernel;
        let on = value != 0;
        let seconds = |bounds: std::ops::RangeInclusive<i64>| match value {
            value if bounds.contains(&value) => Ok(Duration::from_secs(value as u64)),
            _ => Err(Errno::EINVAL),
        };
        let tcp = match option.1 {
            TCP_NODELAY => SocketOption::NoDelay(on),
            TCP_CORK => SocketOption::Cork(on),
            TCP_QUICKACK => SocketOption::QuickAck(on),
            TCP_KEEPIDLE => SocketOption::KeepIdle(seconds(1..=32_767)?),
            TCP_KEEPINTVL => SocketOption::KeepInterval(seconds(1..=32_767)?),
            TCP_KEEPCNT if (1..=127).contains(&value) => SocketOption::KeepCount(value as u8),
            TCP_USER_TIMEOUT if value >= 0 => SocketOption::UserTimeout(Duration::from_millis(value as u64)),
            TCP_NOTSENT_LOWAT => SocketOption::NotSentLowat(value as u32),
            TCP_MAXSEG if value == 0 || (88..=32_767).contains(&value) => SocketOption::MaxSeg(value as u16),
            TCP_LINGER2 if value < 0 => return Ok(Set::Unsupported),
            TCP_LINGER2 => {
                let time = (value > 0).then(|| Duration::from_secs(value.min(120) as u64));
                SocketOption::Linger2(time)
            }
            TCP_DEFER_ACCEPT => SocketOption::DeferAccept(retries_within(value)),
            TCP_SYNCNT if (1..=127).contains(&value) => SocketOption::SynCount(value as u8),
            TCP_KEEPCNT | TCP_USER_TIMEOUT | TCP_MAXSEG | TCP_SYNCNT => return Err(Errno::EINVAL),
            TCP_INQ if (0..=1).contains(&value) => {
                self.options.inq = on;
                return Ok(Set::Done);
            }
            TCP_INQ => return Err(Errno::EINVAL),
            TCP_FASTOPEN | TCP_FASTOPEN_NO_COOKIE | TCP_FASTOPEN_CONNECT => {
                return self.set_fast_open(kernel, option, value);
            }
            _ => return Ok(Set::Unsupported),
        };
        self.options.keep(option, value);
        Ok(Set::Tcp(tcp))
    }

    /// The options of Fast Open (RFC 7413), which come before the connection.
    fn set_fast_open(&mut self, kernel: &Kernel, option: (i32, i32), value: i64) -> Result<Set, Errno> {
        let state = kernel.socket_state(self.id);
        let (on, flag) = (value != 0, (0..=1).contains(&value));
        let set = match option.1 {
            TCP_FASTOPEN if value >= 0 && matches!(state, State::Closed | State::Listen) => {
                Set::Tcp(SocketOption::FastOpen(value as u32))
            }
            TCP_FASTOPEN_NO_COOKIE if flag && matches!(state, State::Closed | State::Listen) => {
                Set::Tcp(SocketOption::FastOpenNoCookie(on))
            }
            TCP_FASTOPEN_CONNECT if flag && !kernel.fast_open_allowed() => return Err(Errno::EOPNOTSUPP),
            TCP_FASTOPEN_CONNECT if flag && state == State::Closed && self.options.deferred.is_none() => {
                self.options.fastopen_connect = on;
                Set::Done
            }
            _ => return Err(Errno::EINVAL),
        };
        self.options.keep(option, value);
        Ok(set)
    }

    fn congestion(&self, kernel: &Kernel, now: Time) -> String {
        kernel.info(now, self.id).map_or_else(String::new, |info| info.congestion.to_owned())
    }
    /// The value of an option that is a number; `None`: not modelled.
    fn number(&self, kernel: &mut Kernel, now: Time, option: (i32, i32)) -> Option<i64> {
        let id: SocketId = self.id;
        let info = |kernel: &Kernel| kernel.info(now, id).unwrap_or(Info::empty(State::Closed));
        Some(match option {
            (SOL_SOCKET, SO_ERROR) => kernel.socket_error(id).map_or(0, |errno| errno.number()).into(),
            (SOL_SOCKET, SO_TYPE) => SOCK_STREAM.into(),
            (SOL_SOCKET, SO_PROTOCOL) => IPPROTO_TCP.into(),
            (SOL_SOCKET, SO_DOMAIN) => if self.v6 { AF_INET6 } else { AF_INET }.into(),
            (SOL_SOCKET, SO_ACCEPTCONN) => i64::from(kernel.socket_state(id) == State::Listen),
            (SOL_SOCKET, SO_SNDBUF) => info(kernel).snd_buf.into(),
            (SOL_SOCKET, SO_RCVBUF) => info(kernel).rcv_buf.into(),
            (SOL_SOCKET, SO_RCVLOWAT) => self.options.receive_low.into(),
            (SOL_SOCKET, SO_SNDLOWAT) => 1,
            (SOL_SOCKET, SO_ZEROCOPY) => self.options.zerocopy.into(),
            (SOL_TCP, TCP_MAXSEG) => {
                let idle = matches!(kernel.socket_state(id), State::Closed | State::Listen);
                let own = self.options.kept(option).filter(|mss| idle && *mss > 0);
                own.unwrap_or(if idle { 536 } else { info(kernel).mss.into() })
            }
            (SOL_TCP, TCP_DEFER_ACCEPT) => {
                self.options.kept(option).map_or(0, |seconds| seconds_of(retries_within(seconds)))
            }
            (SOL_TCP, TCP_LINGER2) => {
                let usual = kernel.config().fin_wait_2.map_or(60, |time| time.as_secs() as i64);
                self.options.kept(option).filter(|time| *time > 0).unwrap_or(usual)
            }
            (SOL_TCP, TCP_SYNCNT) => self.options.kept(option).unwrap_or(kernel.config().syn_retries.into()),
            (SOL_TCP, TCP_KEEPIDLE) => {
                self.options.kept(option).unwrap_or(kernel.config().keepalive_idle.as_secs() as i64)
            }
            (SOL_TCP, TCP_KEEPINTVL) => {
                self.options.kept(option).unwrap_or(kernel.config().keepalive_interval.as_secs() as i64)
            }
            (SOL_TCP, TCP_KEEPCNT) => {
                self.options.kept(option).unwrap_or(kernel.config().keepalive_count.into())
            }
            (SOL_SOCKET, SO_TIMESTAMPING) => self.options.kept(option).unwrap_or(0),
            (SOL_TCP, TCP_INQ) => self.options.inq.into(),
            (
                SOL_SOCKET,
                SO_REUSEADDR | SO_KEEPALIVE | SO_OOBINLINE | SO_PRIORITY | SO_MARK | SO_BROADCAST
                | SO_BSDCOMPAT | SO_NO_CHECK | SO_DEBUG,
            )
            | (SOL_TCP, TCP_NODELAY | TCP_CORK) => self.options.kept(option).unwrap_or(0),
            // What was written as unsigned is read as such.
            (SOL_TCP, TCP_NOTSENT_LOWAT) => {
                self.options.kept(option).map_or(0, |value| i64::from(value as u32))
            }
            (SOL_TCP, TCP_FASTOPEN | TCP_FASTOPEN_NO_COOKIE | TCP_FASTOPEN_CONNECT) => {
                self.options.kept(option).unwrap_or(0)
            }
            (SOL_TCP, TCP_USER_TIMEOUT)
            | (SOL_IP, IP_TOS | IP_RECVERR | IP_FREEBIND)
            | (SOL_IPV6, IPV6_TCLASS | IPV6_RECVERR) => self.options.kept(option).unwrap_or(0),
            (SOL_IP, IP_TTL) | (SOL_IPV6, IPV6_UNICAST_HOPS) => self.options.kept(option).unwrap_or(64),
            (SOL_IP, IP_MTU_DISCOVER) | (SOL_IPV6, IPV6_MTU_DISCOVER) => {
                self.options.kept(option).unwrap_or(IP_PMTUDISC_WANT.into())
            }
            (SOL_IP, IP_MTU) | (SOL_IPV6, IPV6_MTU) => info(kernel).pmtu.into(),
            _ => return None,
        })
    }
}

/// A socket option as programs spell it, if anybody knows it.
fn words((level, name): (i32, i32)) -> String {
    let prefix = match level {
        SOL_SOCKET => "SO_",
        SOL_IP => "IP_",
        SOL_IPV6 => "IPV6_",
        SOL_TCP => "TCP_",
        _ => return format!("level {level} option {name}"),
    };
    // States and values share prefixes with options, and stand behind them.
    let is = |word: &str| word.starts_with(prefix) && !word.contains("PMTUDISC");
    let known = ALL.iter().find(|(word, value)| is(word) && *value == name);
    known.map_or_else(|| format!("{prefix}{name}"), |(word, _)| (*word).to_owned())
}

/// Repetitions of a SYN-ACK within so many seconds (Linux `secs_to_retrans`).
pub fn retries_within(seconds: i64) -> u8 {
    let (mut count, mut timeout, mut period) = (u8::from(seconds > 0), 1, 1);
    while seconds > period && count < u8::MAX {
        count += 1;
        timeout = (timeout * 2).min(120);
        period += timeout;
    }
    count
}
/// The seconds that so many repetitions take (Linux `retrans_to_secs`).
fn seconds_of(retries: u8) -> i64 {
    let (mut timeout, mut period) = (1, i64::from(retries > 0));
    for _ in 1..retries {
        timeout = (timeout * 2).min(120);
        period += timeout;
    }
    period
}

/// The keys that 16 or 32 octets are, or twice as many hexadecimal digits.
fn key_of(text: &str) -> Option<[Option<tcp::fast_open::Key>; 2]> {
    let octets: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    if let Some(octets) = octets.filter(|octets| octets.iter().any(|octet| !octet.is_ascii_hexdigit())) {
        let key = |from: usize| octets.get(from..from + 16).and_then(|key| key.try_into().ok());
        return match octets.len() {
            16 => Some([key(0), None]),
            32 => Some([key(0), key(16)]),
            _ => None,
        };
    }
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let key = |digits: &[u8]| {
        let mut key = [0; 16];
        for (octet, pair) in key.iter_mut().zip(digits.chunks(2)) {
            *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(key)
    };
    match digits.len() {
        32 => Some([key(&digits), None]),
        64 => Some([key(&digits[..32]), key(&digits[32..])]),
        _ => None,
    }
}

/// A buffer size as Linux takes it, before it is doubled: what is negative reads as a very large number.
fn asked(value: i64) -> u32 {
    (value as u32).min(BUFFER_MAX)
}
