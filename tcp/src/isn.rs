//! Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323, section 7.1).

use std::net::SocketAddr;

use crate::config::IsnSource;
use crate::seq::SeqNum;
use crate::time::Time;

/// The four-tuple of a connection, seen from one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

/// A host's secret: drawn at boot, kept until the next (RFC 6528, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsnSecret(pub [u64; 2]);

impl IsnSecret {
    /// The initial sequence number of a connection opened at `now`.
    pub fn isn(&self, source: IsnSource, tuple: &Tuple, now: Time) -> SeqNum {
        let _ = (source, tuple, now);
        todo!()
    }
    /// The offset of the timestamp clock on this connection, in ticks.
    pub fn timestamp_offset(&self, tuple: &Tuple) -> u32 {
        let _ = tuple;
        todo!()
    }
}
