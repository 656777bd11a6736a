//! TCP Fast Open (RFC 7413): data in the SYN, once the peer has shown by a cookie that it is where it says it is.
//!
//! A cookie is a keyed hash of both addresses (section 4.1.2), so that a server checks it without remembering anything. A
//! listener accepts the data of a SYN that has a good one: the connection begins in SYN-RECEIVED with the data already
//! there to be read. How many such connections may wait for the ACK of their SYN-ACK is limited (section 5.1); one that a
//! reset has ended counts for a while longer, or an attacker could have his victims clear the way.
//!
//! What a client remembers of servers is the host's to keep; [`News`] tell it what to remember.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::config::Config;
use crate::isn::{IsnSecret, Tuple};
use crate::payload::Payload;
use crate::segment::{FastOpenOption, Segment, TfoCookie};
use crate::siphash::siphash;
use crate::time::{Duration, Time};

/// Bits of [`Config::fast_open`], Linux's `tcp_fastopen`: a client may.
pub const CLIENT: u16 = 0x1;
/// A listener may, if its socket asks for it.
pub const SERVER: u16 = 0x2;
/// A client sends data without a cookie.
pub const CLIENT_NO_COOKIE: u16 = 0x4;
/// A server accepts data without a cookie.
pub const SERVER_NO_COOKIE: u16 = 0x200;
/// Each listener may, whatever its socket asks for.
pub const SERVER_ALWAYS: u16 = 0x400;

/// A key that cookies are made with.
pub type Key = [u8; 16];

/// Keys as Linux writes them in `tcp_fastopen_key`: four words in hexadecimal, with hyphens; after a comma, one whose
/// cookies are still good.
pub fn parse_keys(text: &str) -> Option<[Option<Key>; 2]> {
    let key = |text: &str| {
        let mut key = [0; 16];
        let mut words = text.trim().split('-');
        for octets in key.chunks_exact_mut(4) {
            octets.copy_from_slice(&u32::from_str_radix(words.next()?, 16).ok()?.to_le_bytes());
        }
        words.next().is_none().then_some(key)
    };
    Some(match text.split_once(',') {
        Some((first, second)) => [Some(key(first)?), Some(key(second)?)],
        None => [Some(key(text)?), None],
    })
}

/// For how long a connection that a reset has ended still counts as pending (RFC 7413, section 5.1; Linux).
const RESET_COUNTS: Duration = Duration::from_secs(60);

/// The cookie of a client at a server (Linux: SipHash of both addresses).
pub fn cookie(key: Key, client: IpAddr, server: IpAddr) -> TfoCookie {
    let mut octets = [0; 32];
    let len = match (client, server) {
        (IpAddr::V4(client), IpAddr::V4(server)) => {
            octets[..4].copy_from_slice(&client.octets());
            octets[4..8].copy_from_slice(&server.octets());
            8
        }
        (client, server) => {
            octets[..16].copy_from_slice(&v6(client));
            octets[16..].copy_from_slice(&v6(server));
            32
        }
    };
    let hash = siphash(halves(key), &octets[..len]).to_le_bytes();
    TfoCookie::new(&hash).unwrap_or_else(|| unreachable!("eight octets are a cookie"))
}
fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
fn halves(key: Key) -> [u64; 2] {
    let half =
        |i: usize| key[8 * i..].iter().take(8).rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    [half(0), half(1)]
}

/// The keys of a host: those that were set, or one of its own making.
fn keys(config: &Config, secret: &IsnSecret) -> [Option<Key>; 2] {
    if config.fast_open_keys[0].is_some() {
        return config.fast_open_keys;
    }
    let mut own = [0; 16];
    own[..8].copy_from_slice(&siphash(secret.0, b"fast open 0").to_le_bytes());
    own[8..].copy_from_slice(&siphash(secret.0, b"fast open 1").to_le_bytes());
    [Some(own), None]
}

/// What a client does in its SYN.
#[derive(Clone, Debug, Default, Hash)]
pub struct FastConnect {
    /// The option: a request for a cookie, or a cookie.
    pub option: Option<FastOpenOption>,
    /// MSS of the server as it was the last time, in bytes.
    pub mss: Option<u16>,
    /// What the SYN is to carry, as much of it as fits.
    pub data: Payload,
    /// The program waits to write more as soon as the connection is open.
    pub more: bool,
}

/// What a listener makes of a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing: an ordinary SYN.
    Ordinary,
    /// A cookie is asked for, or what came is not good: here is one.
    Offer(TfoCookie),
    /// The data is accepted; with a cookie of a new key, if that of the old one was good.
    Accept(Option<TfoCookie>),
}

/// Why a SYN was not fast, for the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The cookie is not ours.
    BadCookie,
    /// Too many are pending.
    TooMany,
}

/// The Fast Open side of a listener.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Server {
    /// Most pending connections: `TCP_FASTOPEN`.
    pub limit: u32,
    pending: u32,
    /// Until when connections that a reset has ended count: they are among `pending`.
    resets: VecDeque<Time>,
}

impl Server {
    /// One that lets so many be pending.
    pub fn new(limit: u32) -> Server {
        Server { limit, ..Server::default() }
    }
    /// What this SYN comes to.
    pub fn judge(
        &mut self,
        now: Time,
        config: &Config,
        (tuple, syn): (&Tuple, &Segment),
        secret: &IsnSecret,
    ) -> (Verdict, Option<Obstacle>) {
        let option = syn.options.fast_open.as_deref();
        if config.fast_open & SERVER == 0 || option.is_none() && syn.payload.is_empty() || self.limit == 0 {
            return (Verdict::Ordinary, None);
        }
        if !self.has_room(now) {
            return (Verdict::Ordinary, Some(Obstacle::TooMany));
        }
        if config.fast_open & SERVER_NO_COOKIE != 0 {
            return (Verdict::Accept(None), None);
        }
        let [first, second] = keys(config, secret);
        let made = |key: Key| cookie(key, tuple.remote.ip(), tuple.local.ip());
        let (Some(option), Some(fresh)) = (option, first.map(made)) else { return (Verdict::Ordinary, None) };
        match option.cookie {
            None => (Verdict::Offer(fresh), None),
            Some(sent) if sent == fresh => (Verdict::Accept(None), None),
            Some(sent) if Some(sent) == second.map(made) => (Verdict::Accept(Some(fresh)), None),
            Some(_) => (Verdict::Offer(fresh), Some(Obstacle::BadCookie)),
        }
    }
    /// Whether one more may be pending.
    fn has_room(&mut self, now: Time) -> bool {
        if self.pending < self.limit {
            return true;
        }
        let over = self.resets.front().is_some_and(|until| *until < now);
        if over {
            self.resets.pop_front();
            self.pending -= 1;
        }
        over
    }
    /// A connection has begun.
    pub fn begun(&mut self) {
        self.pending += 1;
    }
    /// It is pending no more: established, given up or, by `reset`, ended by the peer.
    pub fn over(&mut self, now: Time, reset: bool) {
        if reset {
            self.resets.push_back(now + RESET_COUNTS);
        } else {
            self.pending = self.pending.saturating_sub(1);
        }
    }
}

/// What a host is to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// A client has its answer.
    Answered {
        /// MSS of the server, in bytes.
        mss: u16,
        /// The cookie, if there was one.
        option: Option<FastOpenOption>,
        /// It was asked for in vain: by kind 34, or by the experimental option.
        ignored: Option<bool>,
        /// The SYN with data, or its answer, was lost.
        lost: bool,
    },
    /// Data in a SYN did not get through, and nothing came back at all.
    Unanswered,
    /// The path seems to swallow what follows data in a SYN.
    BlackHole,
    /// A connection that began with data in its SYN works.
    Works,
    /// A connection that a listener began is pending no more.
    Settled {
        /// The peer has reset it.
        reset: bool,
    },
}

/// How Fast Open on a client failed (Linux `tcpi_fastopen_client_fail`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientFail {
    /// It has not.
    #[default]
    Nothing,
    /// There was no cookie.
    NoCookie,
    /// The SYN-ACK did not acknowledge the data.
    DataNotAcked,
    /// The SYN was sent more than once.
    SynRepeated,
}

#[cfg(test)]
mod tests;
