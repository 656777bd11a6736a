//! What a knob that is more than a number or a switch can say, as a file writes it.

use serde::{Deserialize, Serialize};
use tcp::config;

use crate::scenario::file::table::described;
use crate::scenario::units::Span;

/// A choice that is written as in [`tcp::config`], without values.
macro_rules! mirror {
    ($(#[doc = $doc:literal])* $name:ident = $target:path { $($(#[doc = $vdoc:literal])* $variant:ident,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[doc = $vdoc])* $variant,)* }
        impl From<$name> for $target {
            fn from(typed: $name) -> $target {
                use $target as Target;
                match typed { $($name::$variant => Target::$variant,)* }
            }
        }
        impl $name {
            /// Its documentation.
            pub const DESCRIBED: crate::scenario::file::table::Described = crate::scenario::file::table::Described {
                name: stringify!($name),
                doc: &[$($doc),*],
                fields: &[],
                variants: &[$(crate::scenario::file::table::Variant { name: stringify!($variant), doc: &[$($vdoc),*], holds: &[], fields: &[] }),*],
            };
        }
    };
}

mirror! {
    /// Explicit congestion notification.
    Ecn = config::Ecn {
        /// Neither asked for nor accepted.
        Off,
        /// Accepted when the peer asks.
        Passive,
        /// Asked for and accepted.
        On,
        /// AccECN asked for and accepted, classic ECN where the peer knows no better (Linux `tcp_ecn` 3).
        Accurate,
        /// AccECN accepted, classic ECN asked for (Linux `tcp_ecn` 4).
        AccurateIn,
        /// AccECN accepted, nothing asked for (Linux `tcp_ecn` 5).
        AccuratePassive,
    }
}
mirror! {
    /// When the AccECN option is sent (RFC 9768, section 3.2.3).
    AccEcnOption = config::AccEcnOption {
        /// Never.
        Off,
        /// When a codepoint changed, a counter is about to wrap, or a beacon is due.
        Minimum,
        /// On each segment that has room for it, until the path is seen to drop it.
        Full,
        /// On each segment that has room for it, whatever the path does.
        Persist,
    }
}
mirror! {
    /// When a listener answers with SYN cookies.
    SynCookies = config::SynCookies {
        /// Never.
        Off,
        /// When the queue of requests is full.
        UnderPressure,
        /// Always.
        Always,
    }
}
mirror! {
    /// What the lower bound of the RTO bounds.
    RtoFloor = config::RtoFloor {
        /// The RTO (RFC 6298).
        Total,
        /// The variance term (Linux).
        Variance,
    }
}
mirror! {
    /// What is done about a reduction of the window that turns out to have been needless.
    Undoing = config::Undoing {
        /// Nobody looks but F-RTO, where it is on; then the window comes back as it was.
        Off,
        /// Window and threshold come back as they were when timestamps (RFC 3522) or D-SACKs (RFC 3708) prove that nothing had
        /// to be sent again, after a timeout and in fast recovery (Linux).
        Restore,
        /// The same, but after a timeout alone, by timestamps alone, and not where the same segment has timed out again or a
        /// recovery was going on (FreeBSD).
        RestoreTimeout,
        /// After a timeout, by timestamps or F-RTO: the threshold comes back, the window is what is in flight and one burst of
        /// an initial window at most, the timer becomes more patient (RFC 4015).
        Eifel,
    }
}
mirror! {
    /// How losses are found.
    LossDetection = config::LossDetection {
        /// Time since transmission (RFC 8985).
        Rack,
        /// Counting SACKed segments (RFC 6675).
        Sack,
        /// Duplicate ACKs and partial ACKs (RFC 6582).
        NewReno,
        /// Retransmission timeouts only (ablation).
        TimeoutOnly,
    }
}
mirror! {
    /// Finding the path MTU without ICMP (RFC 4821).
    MtuProbing = config::MtuProbing {
        /// Not at all (Linux `tcp_mtu_probing` 0).
        Off,
        /// Once timeouts say that the path swallows large segments (1).
        BlackHole,
        /// From the beginning (2).
        Always,
    }
}
mirror! {
    /// Whether a window is taken from a segment whose numbers are those of the one before. An ACK of new data and new data
    /// always bring theirs.
    WindowUpdate = config::WindowUpdate {
        /// It is (RFC 9293, section 3.10.7.4).
        Any,
        /// Where it is larger, or closed (Linux). Without SACK an ACK that brings no window is a duplicate, whatever it
        /// offers, and the others are none.
        LargerOrClosed,
        /// Where it is larger (FreeBSD).
        Larger,
    }
}
mirror! {
    /// Coalescing of small segments.
    Nagle = config::Nagle {
        /// Every write goes out at once.
        Off,
        /// A small segment waits while anything is unacknowledged.
        Classic,
        /// A small segment waits while a small segment is unacknowledged.
        Minshall,
    }
}
mirror! {
    /// What is done about a window that the program does not use.
    CwndValidation = config::CwndValidation {
        /// It does not grow.
        NoGrowth,
        /// It is kept for five minutes, and what was in use counts when something is lost (RFC 7661).
        Rfc7661,
    }
}
mirror! {
    /// Which connections are paced.
    Pacing = config::Pacing {
        /// Those whose controller asks for it, and those with a bound on their rate.
        OnDemand,
        /// All.
        Fq,
    }
}
mirror! {
    /// Layout of options.
    OptionOrder = tcp::OptionOrder {
        /// mss, sackOK, TS, nop, wscale.
        Linux,
        /// mss, nop, wscale, sackOK, TS.
        FreeBsd,
    }
}
described! {
    /// How initial sequence numbers are chosen.
    pub enum Isn {
        /// A clock plus a keyed hash of the four-tuple.
        Rfc6528,
        /// Always this number.
        Fixed(u32),
        /// The clock alone: predictable, an ablation.
        Clock,
    }
}
described! {
    /// How many ICMP errors a host sends.
    pub enum IcmpLimit {
        /// One a second to each destination, six at once (Linux `icmp_ratelimit`). Those that path MTU discovery needs do not count.
        PerDestination,
        /// So many in each second, to whomever (FreeBSD `icmplim` 200).
        PerSecond(u32),
    }
}
described! {
    /// When unacknowledged data makes a connection fail.
    pub enum Retries {
        /// After so many retransmissions of the same segment.
        Count(u8),
        /// After the time that so many doublings of `min_rto` take (Linux `tcp_retries2`).
        Doublings(u8),
        /// After this time without an acknowledgment.
        Time(Span),
    }
}
described! {
    /// The congestion controller.
    pub enum Congestion {
        /// RFC 5681.
        Reno,
        /// RFC 9438.
        Cubic,
        /// RFC 8257; Reno where ECN was not negotiated.
        Dctcp,
        /// By delay (Brakmo and Peterson, 1995).
        Vegas,
        /// By the rate of acknowledgments (Grieco and Mascolo, 2004).
        Westwood,
        /// BBR, version 3 (draft-ietf-ccwg-bbr).
        Bbr,
        /// BBR, version 1, as Linux has it.
        Bbr1,
        /// A constant window of so many segments.
        Fixed(u32),
    }
}
described! {
    /// When data is acknowledged.
    pub struct DelayedAck {
        /// Delay of an acknowledgment, at least. 0s: every segment is acknowledged at once.
        min: Option<Span> = "by personality", "\"40ms\"";
        /// Delay at most: an adaptive delay grows up to it.
        max: Option<Span> = "by personality", "\"200ms\"";
        /// Full-sized segments after which an ACK is due at once.
        every: Option<u8> = "by personality", "2";
        /// ACKs at the start of a connection, or after a long gap, that are not delayed.
        quick: Option<u8> = "by personality", "0";
        /// Linux's habits: quick-ACK mode, ping-pong mode, an ACK when a program has read all.
        adaptive: Option<bool> = "by personality", "false";
        /// SACKs behind the third duplicate ACK wait for one another, for a twentieth of the round-trip time and this at most
        /// (Linux `tcp_comp_sack_delay_ns` 1 ms). 0s: none waits.
        compress: Option<Span> = "by personality", "\"0s\"";
        /// How much later than that their timer may be (Linux `tcp_comp_sack_slack_ns` 100 us).
        compress_slack: Option<Span> = "by personality", "\"0s\"";
        /// At most so many are held back (Linux `tcp_comp_sack_nr` 44).
        compress_count: Option<u8> = "by personality", "44";
    }
}
