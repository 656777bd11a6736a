//! Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323, section 7.1).

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::config::IsnSource;
use crate::resting::words::{Fold, Reader, Words};
use crate::seq::SeqNum;
use crate::siphash::siphash;
use crate::time::Time;

/// The four-tuple of a connection, seen from one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tuple {
    /// This end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
}

impl Tuple {
    /// The same connection seen from the other end.
    pub fn reversed(self) -> Tuple {
        Tuple { local: self.remote, remote: self.local }
    }
}

/// Addresses and ports as numbers: each segment that arrives is looked up by them.
impl Hash for Tuple {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for ip in [self.local.ip(), self.remote.ip()] {
            match ip {
                IpAddr::V4(ip) => state.write_u32(ip.to_bits()),
                IpAddr::V6(ip) => state.write_u128(ip.to_bits()),
            }
        }
        state.write_u32(u32::from(self.local.port()) << 16 | u32::from(self.remote.port()));
    }
}

/// A four-tuple as it is kept for each connection: 16 bytes instead of 64 where it is one of IPv4.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ends(Packed);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Packed {
    V4 { local: Ipv4Addr, remote: Ipv4Addr, local_port: u16, remote_port: u16 },
    Other(Box<Tuple>),
}

impl Fold for Ends {
    fn fold(&self, to: &mut Words) {
        match &self.0 {
            Packed::V4 { local, remote, local_port, remote_port } => {
                to.number(4);
                [local.to_bits(), remote.to_bits()].fold(to);
                [*local_port, *remote_port].fold(to);
            }
            Packed::Other(tuple) => {
                to.number(0);
                (tuple.local, tuple.remote).fold(to);
            }
        }
    }
    fn unfold(from: &mut Reader<'_>) -> Ends {
        if from.number() == 0 {
            let (local, remote) = Fold::unfold(from);
            return Ends(Packed::Other(Box::new(Tuple { local, remote })));
        }
        let [local, remote] = <[u32; 2]>::unfold(from).map(Ipv4Addr::from_bits);
        let [local_port, remote_port] = Fold::unfold(from);
        Ends(Packed::V4 { local, remote, local_port, remote_port })
    }
}

impl Ends {
    /// Those of this four-tuple.
    pub fn new(tuple: Tuple) -> Ends {
        Ends(match (tuple.local, tuple.remote) {
            (SocketAddr::V4(local), SocketAddr::V4(remote)) => Packed::V4 {
                local: *local.ip(),
                remote: *remote.ip(),
                local_port: local.port(),
                remote_port: remote.port(),
            },
            _ => Packed::Other(Box::new(tuple)),
        })
    }
    /// The four-tuple.
    #[inline]
    pub fn tuple(&self) -> Tuple {
        match &self.0 {
            Packed::V4 { local, remote, local_port, remote_port } => Tuple {
                local: SocketAddr::new((*local).into(), *local_port),
                remote: SocketAddr::new((*remote).into(), *remote_port),
            },
            Packed::Other(tuple) => **tuple,
        }
    }
    /// Whether they are those of `tuple`.
    #[inline]
    pub fn are(&self, tuple: &Tuple) -> bool {
        match (&self.0, tuple.local, tuple.remote) {
            (
                Packed::V4 { local, remote, local_port, remote_port },
                SocketAddr::V4(here),
                SocketAddr::V4(there),
            ) => {
                (*remote_port, *local_port) == (there.port(), here.port())
                    && (*remote, *local) == (*there.ip(), *here.ip())
            }
            (Packed::V4 { .. }, ..) => false,
            (Packed::Other(other), ..) => **other == *tuple,
        }
    }
    /// Whether they are these: the local address and port, and the remote ones.
    #[inline]
    pub fn are_between(&self, local: (IpAddr, u16), remote: (IpAddr, u16)) -> bool {
        match (&self.0, local.0, remote.0) {
            (
                Packed::V4 { local: l, remote: r, local_port, remote_port },
                IpAddr::V4(here),
                IpAddr::V4(there),
            ) => (*remote_port, *local_port) == (remote.1, local.1) && (*r, *l) == (there, here),
            (Packed::V4 { .. }, ..) => false,
            (Packed::Other(other), ..) => **other == Tuple { local: local.into(), remote: remote.into() },
        }
    }
    /// The local port and the remote one.
    #[inline]
    pub fn ports(&self) -> (u16, u16) {
        match &self.0 {
            Packed::V4 { local_port, remote_port, .. } => (*local_port, *remote_port),
            Packed::Other(tuple) => (tuple.local.port(), tuple.remote.port()),
        }
    }
    /// The local address and the remote one, if they are of IPv4.
    #[inline]
    pub fn v4(&self) -> Option<(Ipv4Addr, Ipv4Addr)> {
        match &self.0 {
            Packed::V4 { local, remote, .. } => Some((*local, *remote)),
            Packed::Other(_) => None,
        }
    }
    /// The local address and the remote one.
    pub fn addresses(&self) -> (IpAddr, IpAddr) {
        match &self.0 {
            Packed::V4 { local, remote, .. } => ((*local).into(), (*remote).into()),
            Packed::Other(tuple) => (tuple.local.ip(), tuple.remote.ip()),
        }
    }
    /// The remote address.
    pub fn remote_ip(&self) -> IpAddr {
        self.tuple().remote.ip()
    }
}

/// A host's secret: drawn at boot, kept until the next (RFC 6528, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IsnSecret(pub [u64; 2]);

/// What a hash is for: no two uses share an output.
#[derive(Clone, Copy, Hash)]
pub(crate) enum Purpose {
    Isn = 1,
    TimestampOffset = 2,
    CookieBase = 3,
    CookieBody = 4,
}

impl IsnSecret {
    /// The initial sequence number of a connection opened at `now`: M + F(tuple, secret), where M counts 4
    /// microseconds (RFC 6528, section 3; RFC 9293, section 3.4.1).
    pub fn isn(&self, source: IsnSource, tuple: &Tuple, now: Time) -> SeqNum {
        let clock = SeqNum((now.as_nanos() / 4_000) as u32);
        match source {
            IsnSource::Rfc6528 => clock.add(self.hash(Purpose::Isn, tuple, 0) as u32),
            IsnSource::Clock => clock,
            IsnSource::Fixed(isn) => SeqNum(isn),
        }
    }
    /// The offset of the timestamp clock on this connection, in ticks (RFC 7323, section 7.1). The same for each
    /// connection between these ends, so that a new one's timestamps go on from the old one's (RFC 6191).
    pub fn timestamp_offset(&self, tuple: &Tuple) -> u32 {
        self.hash(Purpose::TimestampOffset, tuple, 0) as u32
    }
    /// The keyed hash of `tuple` and `number`.
    pub(crate) fn hash(&self, purpose: Purpose, tuple: &Tuple, number: u32) -> u64 {
        let mut message = Message { len: 0, bytes: [0; 48] };
        message.put(&[purpose as u8]);
        message.end(&tuple.local);
        message.end(&tuple.remote);
        message.put(&number.to_be_bytes());
        siphash(self.0, &message.bytes[..message.len])
    }
}

/// What is hashed: 41 bytes at most, gathered without an allocation.
struct Message {
    len: usize,
    bytes: [u8; 48],
}

impl Message {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
    fn end(&mut self, end: &SocketAddr) {
        match end.ip() {
            IpAddr::V4(ip) => self.put(&ip.octets()),
            IpAddr::V6(ip) => self.put(&ip.octets()),
        }
        self.put(&end.port().to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    fn tuple(port: u16) -> Tuple {
        Tuple { local: ([10, 0, 0, 1], port).into(), remote: ([10, 0, 0, 2], 80).into() }
    }
    const SECRET: IsnSecret = IsnSecret([1, 2]);
    const AT: Time = Time::from_nanos(5_000_000_000);

    /// 9293/SHLD-1, 6528/3-EXPR: the clock goes up by one each 4 us, whatever the tuple.
    /// Packed and unpacked nothing is lost, and no two are taken for one another.
    #[test]
    fn ends_are_the_four_tuple() {
        let tuple = |local: &str, remote: &str| Tuple {
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
        };
        let all = [
            tuple("10.0.0.1:1", "10.0.0.2:2"),
            tuple("10.0.0.2:2", "10.0.0.1:1"),
            tuple("10.0.0.1:2", "10.0.0.2:1"),
            tuple("[::1]:1", "[::2]:2"),
            tuple("[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.2]:2"),
        ];
        for (i, one) in all.iter().enumerate() {
            let ends = Ends::new(*one);
            assert_eq!(ends.tuple(), *one);
            assert_eq!(ends.ports(), (one.local.port(), one.remote.port()));
            assert_eq!(ends.remote_ip(), one.remote.ip());
            for (j, other) in all.iter().enumerate() {
                assert_eq!(ends.are(other), i == j);
            }
        }
        assert!(size_of::<Ends>() <= 16);
    }

    #[test]
    fn follows_the_clock() {
        let at = |now| SECRET.isn(IsnSource::Rfc6528, &tuple(1000), now);
        assert_eq!(at(AT + Duration::from_micros(4)), at(AT).add(1));
        assert_eq!(at(AT + Duration::from_secs(1)), at(AT).add(250_000));
        // 6528/3-REUSE: a connection of the same tuple 10 s later starts above 1 MB sent in the first.
        let (first, second) = (at(AT), at(AT + Duration::from_secs(10)));
        assert!(second.distance_from(first.add(1_000_000)) < 1 << 31);
    }

    /// 9293/MUST-9, 6528/3-SECRET, 6528/4-RAND, 7323/7-OFFSET: another tuple or another secret, unrelated numbers.
    #[test]
    fn differs_by_tuple_and_secret() {
        let numbers = |secret: IsnSecret, tuple: Tuple| {
            (secret.isn(IsnSource::Rfc6528, &tuple, AT), secret.timestamp_offset(&tuple))
        };
        let all = [
            numbers(SECRET, tuple(1000)),
            numbers(SECRET, tuple(1001)),
            numbers(SECRET, tuple(1000).reversed()),
            numbers(IsnSecret([1, 3]), tuple(1000)),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|b| a.0 != b.0 && a.1 != b.1), "{all:?}");
            assert_ne!(a.0.0, a.1);
        }
    }

    #[test]
    fn ablations() {
        assert_eq!(SECRET.isn(IsnSource::Fixed(7), &tuple(1), AT), SeqNum(7));
        assert_eq!(SECRET.isn(IsnSource::Clock, &tuple(1), AT), SeqNum(1_250_000));
    }

    /// Bits of the hash are even: over many tuples each bit of the number is set about half the time.
    #[test]
    fn bits_are_balanced() {
        let ones =
            |bit: u32| (0..2000).filter(|p| (SECRET.timestamp_offset(&tuple(*p)) >> bit) & 1 == 1).count();
        assert!((0..32).all(|bit| (900..1100).contains(&ones(bit))));
    }
}
