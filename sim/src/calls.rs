//! What the programs of one host ask of its sockets, call by call, if somebody wants to know: a reading, never an influence.
//!
//! A trace has a line for each step of a program; a step may be many calls. Here is each of them that did anything: calls
//! that would have blocked are not among them, but for a send(2) that waits for the connection to open.

use tcp::tcb::SocketOption;
use tcp::{Errno, Time, Tuple};

use crate::simulator::Simulator;
use crate::trace::NodeId;

/// A call of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// When.
    pub at: Time,
    /// How many records of the trace came before it.
    pub place: usize,
    /// The socket: a number that is used again when it is closed.
    pub socket: u32,
    /// The call, and what came of it.
    pub call: ProgramCall,
}

/// A call, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramCall {
    /// setsockopt(2).
    SetOption(SocketOption, Result<(), Errno>),
    /// bind(2) and listen(2).
    Listen {
        /// Local port; zero: the listen failed.
        port: u16,
        /// Backlog.
        backlog: u32,
        /// The outcome.
        result: Result<(), Errno>,
    },
    /// accept(2): the new socket, and its connection.
    Accept(u32, Tuple),
    /// connect(2), or sendto(2) with `MSG_FASTOPEN`.
    Connect {
        /// The connection.
        tuple: Tuple,
        /// The program chose the local port.
        bound: bool,
        /// Bytes given along, and how many of them the SYN took.
        data: Option<(u32, u32)>,
    },
    /// How connect(2) ended, once it has: `SO_ERROR`.
    Connected(Result<(), Errno>),
    /// send(2).
    Send {
        /// Bytes that were to go.
        len: u32,
        /// `MSG_OOB`.
        urgent: bool,
        /// With `MSG_MORE`.
        more: bool,
        /// Bytes that were taken.
        result: Result<u32, Errno>,
    },
    /// recv(2).
    Recv {
        /// Room.
        max: u32,
        /// Bytes that were read; zero: end of the stream.
        result: Result<u32, Errno>,
    },
    /// recv(2) with `MSG_OOB`.
    RecvUrgent(Result<(), Errno>),
    /// shutdown(2) of the sending side.
    ShutdownWrite(Result<(), Errno>),
    /// shutdown(2) of the receiving side.
    ShutdownRead(Result<(), Errno>),
    /// close(2), or the end of the program.
    Close,
}

/// The calls of one host's programs, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallLog {
    pub(crate) calls: Vec<Called>,
}

impl Simulator {
    /// The same world, in which the calls of this host's programs are taken down: [`calls`](Self::calls). The trace and its
    /// hash do not change.
    pub fn with_calls(mut self, of: NodeId) -> Simulator {
        self.out.calls = Some(of);
        self.calls = Some(Box::default());
        self
    }
    /// The calls that were taken down.
    pub fn calls(&self) -> &[Called] {
        self.calls.as_ref().map_or(&[], |log| &log.calls)
    }
}
