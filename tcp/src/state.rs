//! The eleven states of a connection (RFC 9293, section 3.3.2) and the one table by which they change.

use crate::resting::words::fold_enum;
use std::fmt;

/// A connection's state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[allow(missing_docs, reason = "RFC 9293, section 3.3.2")]
pub enum State {
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    Closed,
}

fold_enum!(State {
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    Closed,
});

/// Spelt as in RFC 9293: `FIN-WAIT-1`.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::Listen => "LISTEN",
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
            State::Closed => "CLOSED",
        })
    }
}

/// What moves a connection from state to state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Input {
    /// The program opens actively.
    ConnectCall,
    /// The program opens passively.
    ListenCall,
    /// The program closes, or shuts down its sending side.
    CloseCall,
    /// The connection is given up: abort, reset received, timeout.
    Abort,
    /// A SYN without an acceptable ACK arrived.
    Syn,
    /// A SYN with an ACK of ours arrived.
    SynAck,
    /// Our SYN is acknowledged.
    AckOfSyn,
    /// A FIN arrived in order.
    Fin,
    /// Our FIN is acknowledged.
    AckOfFin,
    /// The time in TIME-WAIT, or of an orphan in FIN-WAIT-2, has run out.
    Expire,
}

impl State {
    /// All states, in the order of RFC 9293, section 3.3.2.
    pub const ALL: [State; 11] = [
        State::Listen,
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
        State::Closed,
    ];

    /// The transition table (RFC 9293, figure 5, with the arrows that its notes add). `None`: no such transition.
    pub const fn next(self, input: Input) -> Option<State> {
        use State::*;
        Some(match (self, input) {
            (Closed, Input::ConnectCall) => SynSent,
            (Closed, Input::ListenCall) => Listen,
            (Listen, Input::Syn) => SynReceived,
            (Listen, Input::ConnectCall) => SynSent,
            (Listen | SynSent, Input::CloseCall) => Closed,
            (SynSent, Input::Syn) => SynReceived,
            (SynSent, Input::SynAck) => Established,
            (SynReceived, Input::AckOfSyn) => Established,
            (SynReceived | Established, Input::CloseCall) => FinWait1,
            (SynReceived | Established, Input::Fin) => CloseWait,
            (FinWait1, Input::AckOfFin) => FinWait2,
            (FinWait1, Input::Fin) => Closing,
            (FinWait2, Input::Fin) => TimeWait,
            (FinWait2, Input::Expire) => Closed,
            (Closing, Input::AckOfFin) => TimeWait,
            (CloseWait, Input::CloseCall) => LastAck,
            (LastAck, Input::AckOfFin) => Closed,
            (TimeWait, Input::Expire) => Closed,
            (Closed, Input::Abort) => return None,
            (_, Input::Abort) => Closed,
            _ => return None,
        })
    }

    /// Whether both sides have agreed on sequence numbers: ESTABLISHED and later.
    pub const fn is_synchronized(self) -> bool {
        !matches!(self, State::Listen | State::SynSent | State::SynReceived | State::Closed)
    }
}
