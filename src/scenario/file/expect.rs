//! What must have happened.

use super::fault::{Protocol, matching};
use super::loose::Range;
use super::table::described;
use crate::scenario::units::{Bits, Span, StateName};

described! {
    /// An expectation.
    pub enum Expect {
        /// A connection of this host went through these states, one after the other.
        Transitions {
            /// The host.
            on: String, "\"client\"";
            /// The states, in order.
            are: Vec<StateName>, "[\"FIN-WAIT-2\", \"TIME-WAIT\", \"CLOSED\"]";
            /// Whether others may lie between them.
            gaps: Option<bool> = "false", "true";
            /// Only a connection with this local port.
            port: Option<u16> = "any", "49822";
            /// Only a connection with this port at the peer.
            peer_port: Option<u16> = "any", "80";
        },
        /// No connection of this host was ever in this state.
        Never {
            /// The host.
            on: String, "\"client\"";
            /// The state.
            state: StateName, "\"TIME-WAIT\"";
            /// Only connections with this local port.
            port: Option<u16> = "any", "49822";
            /// Only connections with this port at the peer.
            peer_port: Option<u16> = "any", "80";
        },
        /// Every connection of this host that there was ended in this state.
        Final {
            /// The host.
            on: String, "\"server\"";
            /// The state.
            is: StateName, "\"CLOSED\"";
            /// Only connections with this local port.
            port: Option<u16> = "any", "80";
            /// Only connections with this port at the peer.
            peer_port: Option<u16> = "any", "49822";
            /// How many there must be.
            count: Option<u64> = "at least one", "5";
        },
        /// A call of a program had this outcome.
        Result {
            /// The program.
            program: String, "\"client/1\"";
            /// The call: its name, or its name and arguments.
            call: String, "\"recv\"";
            /// The outcome, as the trace prints it: a number of bytes, `EOF`, the name of an errno.
            is: String, "\"5\"";
            /// Which of its calls of that name, counted from one.
            nth: Option<u64> = "any", "1";
            /// When.
            at: Option<Span> = "at any time", "\"1.1s\"";
            /// How far from that time.
            within: Option<Span> = "1ms", "\"10ms\"";
        },
        /// A call of a program failed with this errno.
        Error {
            /// The program.
            program: String, "\"client/1\"";
            /// The errno.
            is: Errno, "ETIMEDOUT";
            /// The call.
            call: Option<String> = "any", "\"connect\"";
            /// When.
            at: Option<Span> = "at any time", "\"127s\"";
            /// How far from that time.
            within: Option<Span> = "1ms", "\"1s\"";
        },
        /// No call of this program failed.
        NoError {
            /// The program.
            program: String, "\"client/1\"";
        },
        /// A packet like this was sent.
        Packet(Seen),
        /// No packet like this was sent.
        NoPacket(Seen),
        /// So many packets like this were sent.
        Count {
            /// Which.
            of: Seen, "(from: \"client\", flags: \"F\")";
            /// How many, or a range.
            is: Range, "2";
        },
        /// A number that packets like this carry went so far, from the first of them to the last.
        Moves {
            /// Which.
            of: Seen, "(from: \"server\", to: \"attacker\")";
            /// Which number.
            what: Running, "Ident";
            /// How far forwards, or a range; at its end it begins again.
            by: Range, "7";
        },
        /// A counter of a host, by its name in `nstat`.
        Counter {
            /// The host.
            on: String, "\"server\"";
            /// The counter.
            name: String, "\"TcpRetransSegs\"";
            /// Its value at the end, or a range.
            is: Range, "1";
        },
        /// What `ss` showed of a connection at this time.
        Socket {
            /// The host.
            on: String, "\"client\"";
            /// When, after all that happened at that moment.
            at: Span, "\"2.5s\"";
            /// Only a connection with this local port.
            port: Option<u16> = "any", "49822";
            /// Only a connection with this port at the peer.
            peer_port: Option<u16> = "any", "80";
            /// Its state.
            state: Option<StateName> = "any", "\"ESTABLISHED\"";
            /// Congestion window, in segments, or a range.
            cwnd: Option<Range> = "any", "(20, 40)";
            /// Slow start threshold, in segments; one must be set.
            ssthresh: Option<Range> = "any", "14";
            /// Segments sent and not acknowledged.
            unacked: Option<Range> = "any", "(1, 28)";
            /// Segments sent again over its life.
            retrans: Option<Range> = "any", "0";
            /// SND.WND, in bytes.
            snd_wnd: Option<Range> = "any", "0";
            /// RCV.WND, in bytes.
            rcv_wnd: Option<Range> = "any", "65535";
            /// Bytes of data in a full segment.
            mss: Option<Range> = "any", "1448";
            /// Path MTU, in bytes.
            pmtu: Option<Range> = "any", "1400";
        },
        /// Something happened by this rule of TCP: a segment was sent or dropped, a state changed, a note was made.
        Happened {
            /// The rule.
            rule: String, "\"Paws\"";
            /// On which host.
            on: Option<String> = "any", "\"server\"";
            /// How often, or a range.
            times: Option<Range> = "at least once", "1";
        },
        /// The run was over at this time.
        Ends {
            /// When.
            at: Span, "\"61s\"";
            /// How far from that time.
            within: Option<Span> = "1ms", "\"100ms\"";
        },
    }
}

described! {
    /// A number in packets that goes forwards.
    pub enum Running: Copy, Eq {
        /// TSval of the timestamps option: ticks of the clock.
        Tsval,
        /// IP identification.
        Ident,
    }
}

matching! {
    /// A packet in the trace. Every field that is there must hold.
    pub struct Seen {
        /// Sent about this time.
        at: Option<Span> = "at any time", "\"1.1s\"";
        /// How far from that time.
        within: Option<Span> = "1ms", "\"10ms\"";
        /// Sent at or after this time.
        after: Option<Span> = "the start", "\"1s\"";
        /// Sent before this time.
        before: Option<Span> = "the end", "\"2s\"";
        /// Window field, unscaled, or a range.
        wnd: Option<Range> = "any", "0";
        /// TSval of its timestamps option, or a range (last included).
        tsval: Option<Range> = "any", "(1000, 2000)";
        /// Sent for this reason.
        why: Option<String> = "any", "\"Retransmit\"";
    }
}

/// Declares [`Errno`] with the names of [`tcp::Errno`].
macro_rules! errno {
    ($($name:ident = $number:literal,)*) => {
        /// An errno, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[allow(missing_docs, reason = "the names are the documentation: errno(3)")]
        pub enum Errno { $($name),* }
        impl Errno {
            /// Its documentation.
            pub const DESCRIBED: super::table::Described = super::table::Described {
                name: "Errno",
                doc: &["An errno, by name: see errno(3)."],
                fields: &[],
                variants: &[$(super::table::Variant { name: stringify!($name), doc: &[], holds: &[], fields: &[] }),*],
            };
        }
        impl From<Errno> for tcp::Errno {
            fn from(errno: Errno) -> tcp::Errno {
                match errno { $(Errno::$name => tcp::Errno::$name),* }
            }
        }
    };
}
tcp::with_errnos!(errno);
