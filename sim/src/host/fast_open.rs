//! What a host remembers of Fast Open (RFC 7413, section 4.1.3): the cookies of servers, and where it did not work.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use tcp::fast_open::{CLIENT, CLIENT_NO_COOKIE, FastConnect, News};
use tcp::tcb::SocketOption;
use tcp::{Config, Duration, Errno, FastOpenOption, Payload, State, Time, Tuple};

use super::kernel::{Ctx, Kernel};
use super::sockets::SocketId;
use super::tcp_layer::ConnId;

/// Doublings of the time for which a black hole stops Fast Open (Linux).
const MOST_DOUBLINGS: u32 = 6;

/// A host's memory.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct FastOpenMemory {
    servers: BTreeMap<IpAddr, Server>,
    /// Until when it is not tried towards an address and port.
    refused: BTreeMap<SocketAddr, Time>,
    /// How often, and when last, a path was found to swallow it.
    black_holes: u32,
    black_hole_at: Time,
}

/// What is known of a server.
#[derive(Clone, Copy, Debug, Default, Hash)]
struct Server {
    /// Its MSS, in bytes.
    mss: u16,
    cookie: Option<FastOpenOption>,
    /// How it was asked in vain: 1 by kind 34, 2 by the experimental option too.
    tried: u8,
}

impl FastOpenMemory {
    /// Forgets all cookies.
    pub(super) fn forget(&mut self) {
        self.servers.clear();
    }
    fn is_stopped(&self, now: Time, config: &Config, to: SocketAddr) -> bool {
        let refused = self.refused.get(&to).is_some_and(|until| now < *until);
        let pause =
            config.fast_open_blackhole.doubled(self.black_holes.saturating_sub(1).min(MOST_DOUBLINGS));
        let hole = self.black_holes > 0 && !pause.is_zero() && now < self.black_hole_at + pause;
        refused || hole
    }
    /// What the SYN to `to` is to have, and whether that includes data.
    fn ask(&self, now: Time, config: &Config, no_cookie: bool, to: SocketAddr) -> (FastConnect, bool) {
        let known = self.servers.get(&to.ip()).copied().unwrap_or_default();
        let mss = (known.mss > 0).then_some(known.mss);
        let none = FastConnect { mss, ..FastConnect::default() };
        if self.is_stopped(now, config, to) {
            return (none, false);
        }
        if no_cookie || config.fast_open & CLIENT_NO_COOKIE != 0 {
            return (none, true);
        }
        match known.cookie {
            Some(option) => (FastConnect { option: Some(option), ..none }, true),
            None => {
                let option = FastOpenOption { cookie: None, experimental: known.tried == 1 };
                (FastConnect { option: Some(option), ..none }, false)
            }
        }
    }
    /// A client has learnt something about `to`.
    fn learn(&mut self, now: Time, config: &Config, to: SocketAddr, news: News) {
        match news {
            News::Answered { mss, option, ignored, lost } => {
                let server = self.servers.entry(to.ip()).or_default();
                server.mss = mss;
                if let Some(option) = option {
                    (server.cookie, server.tried) = (Some(option), 0);
                } else if let Some(experimental) = ignored {
                    server.tried = server.tried.max(if experimental { 2 } else { 1 });
                }
                if lost {
                    self.refuse(now, config, to);
                }
            }
            News::Unanswered => self.refuse(now, config, to),
            News::BlackHole => {
                self.black_holes = self.black_holes.saturating_add(1);
                self.black_hole_at = now;
            }
            News::Works => self.black_holes = 0,
            News::Settled { .. } => {}
        }
    }
    /// 7413/4.1.3.1-NEG, 7413/4.1.3.1-PATH
    fn refuse(&mut self, now: Time, config: &Config, to: SocketAddr) {
        if config.fast_open_negative > Duration::ZERO {
            self.refused.insert(to, now + config.fast_open_negative);
        }
    }
}

impl Kernel {
    /// Whether a SYN to `to` could carry data now.
    pub fn fast_open_ready(&self, ctx: &Ctx<'_>, id: SocketId, to: SocketAddr) -> bool {
        self.fast_ask(ctx, id, to).1
    }
    fn fast_ask(&self, ctx: &Ctx<'_>, id: SocketId, to: SocketAddr) -> (FastConnect, bool) {
        let set = |option: &SocketOption| *option == SocketOption::FastOpenNoCookie(true);
        let no_cookie = self.sockets.get(id).is_some_and(|socket| socket.options.iter().any(set));
        self.fast_open.ask(ctx.now, &self.setup.spec.tcp, no_cookie, to)
    }
    /// Whether the socket's active open is not yet complete.
    pub fn is_opening(&self, id: SocketId) -> bool {
        matches!(self.tcb_of(id), Some(tcb) if matches!(tcb.state(), State::SynSent | State::SynReceived)
            && tcb.opening_iss().is_some())
    }
    /// Whether clients may use Fast Open at all.
    pub fn fast_open_allowed(&self) -> bool {
        self.setup.spec.tcp.fast_open & CLIENT != 0
    }

    /// connect(2) that may take data along (`MSG_FASTOPEN`): how much of it went with the SYN. The open goes on as after
    /// [`connect`](Kernel::connect). `more`: the program waits to write what did not fit. Without data only a cookie is asked for.
    ///
    /// # Errors
    /// EOPNOTSUPP where Fast Open is off; else those of `connect`, but for EINPROGRESS.
    pub fn connect_fast(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: SocketId,
        to: SocketAddr,
        data: Option<&Payload>,
        more: bool,
    ) -> Result<u32, Errno> {
        if !self.fast_open_allowed() {
            return Err(Errno::EOPNOTSUPP);
        }
        let (mut ask, with_data) = self.fast_ask(ctx, id, to);
        match data {
            Some(data) if with_data => ask.data = data.clone(),
            Some(_) => {}
            None => {
                if let Some(option) = &mut ask.option {
                    option.cookie = None;
                }
            }
        }
        ask.more = more;
        self.open(ctx, id, to, Some(ask))
    }

    /// News of a connection.
    pub(super) fn note_fast_open(&mut self, ctx: &Ctx<'_>, conn: ConnId, news: News) {
        let Some(tuple) = self.tcp.tuple(conn) else { return };
        match news {
            News::Settled { reset } => self.fast_open_settled(ctx.now, tuple, reset),
            News::Works if tuple.remote.ip().is_loopback() => {}
            news => {
                self.counters.fast_open(news);
                self.fast_open.learn(ctx.now, &self.setup.spec.tcp, tuple.remote, news);
            }
        }
    }
    fn fast_open_settled(&mut self, now: Time, tuple: Tuple, reset: bool) {
        let listener = self.tcp.listener_for(tuple.local);
        let slot = listener.and_then(|id| self.tcp.listeners.get_mut(id as usize)).and_then(Option::as_mut);
        if let Some(slot) = slot {
            slot.listener.fast_open_settled(now, reset);
        }
    }
    /// Forgets the cookies of all servers.
    pub fn forget_cookies(&mut self) {
        self.fast_open.forget();
    }
}
