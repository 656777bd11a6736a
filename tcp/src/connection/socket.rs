//! The options of a socket: what a program has set, over what the configuration says.

use crate::config::{Config, Nagle};
use crate::error::Errno;
use crate::resting::words::fold;
use crate::tcb::SocketOption;
use crate::time::Duration;

/// The options of one socket.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Socket {
    /// Receive buffer, in bytes; grows on its own unless `rcv_buf_set`.
    pub rcv_buf: u32,
    /// Send buffer, in bytes; grows on its own unless `snd_buf_set`.
    pub snd_buf: u32,
    /// The program has chosen `rcv_buf`.
    pub rcv_buf_set: bool,
    /// The program has chosen `snd_buf`.
    pub snd_buf_set: bool,
    /// `TCP_NODELAY`.
    pub no_delay: bool,
    /// `TCP_CORK`.
    pub cork: bool,
    /// `SO_KEEPALIVE`.
    pub keepalive: bool,
    /// `SO_OOBINLINE`.
    pub oob_inline: bool,
    /// What few programs set.
    rare: Option<Box<Rare>>,
}

fold!(Socket { rcv_buf, snd_buf, rcv_buf_set, snd_buf_set, no_delay, cork, keepalive, oob_inline, rare });

#[derive(Clone, Debug, Default, Hash)]
struct Rare {
    keep_idle: Option<Duration>,
    keep_interval: Option<Duration>,
    keep_count: Option<u8>,
    user_timeout: Option<Duration>,
    linger: Option<Duration>,
    max_seg: Option<u16>,
    notsent_lowat: Option<u32>,
    linger2: Option<Duration>,
    syn_count: Option<u8>,
    /// What is told of the user timeout (RFC 5482); zero: nothing.
    advertised: Option<Duration>,
    /// What the peer has told.
    remote: Option<Duration>,
    /// The next segment is to tell it.
    owed: bool,
}

fold!(Rare {
    keep_idle,
    keep_interval,
    keep_count,
    user_timeout,
    linger,
    max_seg,
    notsent_lowat,
    linger2,
    syn_count,
    advertised,
    remote,
    owed,
});

impl Socket {
    /// A socket on which nothing has been set.
    pub fn new(config: &Config) -> Socket {
        Socket {
            rcv_buf: config.rcv_buf,
            snd_buf: config.snd_buf,
            rcv_buf_set: false,
            snd_buf_set: false,
            no_delay: config.nagle == Nagle::Off,
            cork: false,
            keepalive: config.keepalive,
            oob_inline: false,
            rare: None,
        }
    }

    /// Sets an option. [`SocketOption::QuickAck`] is not kept here.
    pub fn set(&mut self, option: SocketOption, config: &Config) -> Result<(), Errno> {
        option.check()?;
        match option {
            SocketOption::NoDelay(on) => self.no_delay = on,
            SocketOption::Cork(on) => self.cork = on,
            SocketOption::QuickAck(_) => {}
            SocketOption::KeepAlive(on) => self.keepalive = on,
            SocketOption::KeepIdle(d) => self.rare().keep_idle = Some(d),
            SocketOption::KeepInterval(d) => self.rare().keep_interval = Some(d),
            SocketOption::KeepCount(n) => self.rare().keep_count = Some(n),
            SocketOption::UserTimeout(d) => {
                let set = (d > Duration::ZERO).then_some(d);
                self.rare().user_timeout = set;
                if self.advertised(config).is_some() {
                    // 5482/3-NEXT
                    self.advertise(set);
                }
            }
            SocketOption::UserTimeoutOption(d) => self.advertise(Some(d)),
            SocketOption::Linger(time) => self.rare().linger = time,
            SocketOption::RcvBuf(bytes) => {
                self.rcv_buf = config.asked_rcv_buf(bytes);
                self.rcv_buf_set = true;
            }
            SocketOption::SndBuf(bytes) => {
                self.snd_buf = config.asked_snd_buf(bytes);
                self.snd_buf_set = true;
            }
            SocketOption::MaxSeg(mss) => self.rare().max_seg = Some(mss),
            SocketOption::OobInline(on) => self.oob_inline = on,
            // Of listeners, and of clients before they open.
            SocketOption::FastOpen(_) | SocketOption::FastOpenNoCookie(_) | SocketOption::FastOpenKeys(_) => {
            }
            // IP's: the host sees to them.
            SocketOption::Dscp(_) | SocketOption::Ttl(_) | SocketOption::SourceRoute => {}
            // The host leaves DF off, the connection does not follow ICMP.
            SocketOption::PathMtuDiscovery(_) => {}
            SocketOption::Linger2(time) => self.rare().linger2 = time,
            SocketOption::SynCount(count) => self.rare().syn_count = Some(count),
            // The connection's, the listener's.
            SocketOption::Timestamping(_) | SocketOption::DeferAccept(_) | SocketOption::Congestion(_) => {}
            SocketOption::NotSentLowat(bytes) => self.rare().notsent_lowat = (bytes > 0).then_some(bytes),
        }
        Ok(())
    }
    /// Buffers of more than a segment of `mss` bytes become whole segments (FreeBSD `tcp_mss()`).
    pub fn round_buffers(&mut self, mss: u32) {
        for buffer in [&mut self.rcv_buf, &mut self.snd_buf] {
            if *buffer > mss {
                *buffer = buffer.checked_next_multiple_of(mss).unwrap_or(*buffer);
            }
        }
    }
    /// Whether any of what few programs set may be set.
    #[inline]
    pub fn has_rare(&self) -> bool {
        self.rare.is_some()
    }
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Idle time before the first keepalive probe.
    pub fn keep_idle(&self, config: &Config) -> Duration {
        self.rare.as_ref().and_then(|r| r.keep_idle).unwrap_or(config.keepalive_idle)
    }
    /// Time between unanswered keepalive probes.
    pub fn keep_interval(&self, config: &Config) -> Duration {
        self.rare.as_ref().and_then(|r| r.keep_interval).unwrap_or(config.keepalive_interval)
    }
    /// Unanswered keepalive probes after which the connection is given up.
    pub fn keep_count(&self, config: &Config) -> u8 {
        self.rare.as_ref().and_then(|r| r.keep_count).unwrap_or(config.keepalive_count)
    }
    /// The user timeout, if there is one.
    pub fn user_timeout(&self, config: &Config) -> Option<Duration> {
        self.own_user_timeout().or(config.user_timeout)
    }
    /// From now on this is told of the user timeout; zero: nothing, `None`: what the configuration says.
    fn advertise(&mut self, time: Option<Duration>) {
        let rare = self.rare();
        rare.advertised = time;
        rare.owed = true;
    }
    /// ADV_UTO (RFC 5482, section 3), if the option is in use.
    pub fn advertised(&self, config: &Config) -> Option<Duration> {
        let set = self.rare.as_ref().and_then(|r| r.advertised);
        set.or(config.user_timeout_option).filter(|time| *time > Duration::ZERO)
    }
    /// Whether the next segment is to tell it.
    pub fn owes_user_timeout(&self) -> bool {
        self.rare.as_ref().is_some_and(|r| r.owed)
    }
    /// The next segment is, or is not, to tell it.
    pub fn owe_user_timeout(&mut self, owed: bool) {
        self.rare().owed = owed;
    }
    /// REMOTE_UTO: what the peer has told.
    pub fn remote_user_timeout(&self) -> Option<Duration> {
        self.rare.as_ref().and_then(|r| r.remote)
    }
    /// The peer tells this. Whether it is news.
    pub fn hear_user_timeout(&mut self, time: Duration) -> bool {
        self.rare().remote.replace(time) != Some(time)
    }
    /// The user timeout that the program has set.
    pub fn own_user_timeout(&self) -> Option<Duration> {
        self.rare.as_ref().and_then(|r| r.user_timeout)
    }
    /// Whether close resets at once.
    pub fn lingers_zero(&self) -> bool {
        self.rare.as_ref().and_then(|r| r.linger) == Some(Duration::ZERO)
    }
    /// `TCP_LINGER2`.
    pub fn linger2(&self) -> Option<Duration> {
        self.rare.as_ref().and_then(|r| r.linger2)
    }
    /// `TCP_SYNCNT`.
    pub fn syn_count(&self) -> Option<u8> {
        self.rare.as_ref().and_then(|r| r.syn_count)
    }
    /// `TCP_NOTSENT_LOWAT`, in bytes.
    pub fn notsent_lowat(&self) -> Option<u32> {
        self.rare.as_ref().and_then(|r| r.notsent_lowat)
    }
    /// `TCP_MAXSEG`.
    pub fn max_seg(&self) -> Option<u16> {
        self.rare.as_ref().and_then(|r| r.max_seg)
    }
    /// The bound to which the receive buffer may grow, in bytes.
    pub fn rcv_buf_max(&self, config: &Config) -> u32 {
        if self.rcv_buf_set { self.rcv_buf } else { config.rcv_buf_max.max(config.rcv_buf) }
    }
    /// The bound to which the send buffer may grow, in bytes.
    pub fn snd_buf_max(&self, config: &Config) -> u32 {
        if self.snd_buf_set { self.snd_buf } else { config.snd_buf_max.max(config.snd_buf) }
    }
}
