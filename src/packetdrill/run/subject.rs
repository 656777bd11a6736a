//! The socket under test: which packets are its own, and what the script's numbers stand for on the wire.
//!
//! Numbers of a SYN stand in a script as somebody chose them, usually 0; all others count from the initial sequence
//! number of the end that they belong to. The mapping is learnt from the SYNs as they pass.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use sim::sys::Fd;

/// The socket of the last socket(2), or the connection that came in to it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its descriptor in the machine; `None`: nobody has accepted it yet.
    pub fd: Option<Fd>,
    /// How far it has come, as the script tells.
    pub phase: Phase,
    /// The address that it was bound to, before anything else was done with it.
    pub bound: Option<SocketAddr>,
    /// Its address, once it is known.
    pub local: Option<SocketAddr>,
    /// The address of its peer.
    pub remote: Option<SocketAddr>,
    /// Initial numbers of the host under test.
    pub ours: Isn,
    /// Initial numbers of its peer.
    pub theirs: Isn,
    /// Timestamps that the host has sent, by what the script calls them.
    pub timestamps: BTreeMap<u32, u32>,
    /// The first of them: the script's, and the one sent.
    pub first_timestamp: Option<(u32, u32)>,
}

/// An initial sequence number: as the script has it, and as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Isn {
    /// In the script.
    pub script: u32,
    /// On the wire.
    pub live: u32,
}

/// How far a socket has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It exists.
    New,
    /// It listens: the next injected packet makes a connection.
    Listening,
    /// A packet for it has been injected.
    PacketReceived,
    /// A SYN-ACK was seen.
    SynAckSent,
    /// That was acknowledged.
    SynAckAcked,
    /// connect(2) was called.
    Connecting,
    /// Its SYN was seen.
    SynSent,
    /// That was acknowledged.
    SynAcked,
}

impl Isn {
    /// What is added to the script's number.
    fn offset(self, syn: bool) -> u32 {
        if syn { self.live.wrapping_sub(self.script) } else { self.live }
    }
    /// The script's number as it is on the wire; `syn`: of a segment with SYN.
    pub fn to_live(self, number: u32, syn: bool) -> u32 {
        number.wrapping_add(self.offset(syn))
    }
    /// The number on the wire as the script would have it.
    pub fn to_script(self, number: u32, syn: bool) -> u32 {
        number.wrapping_sub(self.offset(syn))
    }
}

impl Subject {
    /// A socket that was just made.
    pub fn new(fd: Option<Fd>, phase: Phase) -> Subject {
        Subject {
            fd,
            phase,
            bound: None,
            local: None,
            remote: None,
            ours: Isn::default(),
            theirs: Isn::default(),
            timestamps: BTreeMap::new(),
            first_timestamp: None,
        }
    }
    /// A connection that an injected packet begins.
    pub fn incoming(local: SocketAddr, remote: SocketAddr, isn: u32) -> Subject {
        let theirs = Isn { script: isn, live: isn };
        let subject = Subject::new(None, Phase::PacketReceived);
        Subject { local: Some(local), remote: Some(remote), theirs, ..subject }
    }
}
