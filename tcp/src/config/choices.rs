//! What a knob that is more than a number or a switch can say.

use crate::resting::words::fold_enum;
use crate::time::Duration;

/// Finding the path MTU without ICMP (RFC 4821).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MtuProbing {
    /// Not at all (Linux `tcp_mtu_probing` 0).
    Off,
    /// Once timeouts say that the path swallows large segments (1).
    BlackHole,
    /// From the beginning (2).
    Always,
}

/// Whether a window is taken from a segment whose numbers are those of the one before. An ACK of new data and new data always
/// bring theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowUpdate {
    /// It is (RFC 9293, section 3.10.7.4).
    Any,
    /// Where it is larger, or closed (Linux `tcp_may_update_window`). Without SACK an ACK that brings no window is a
    /// duplicate, whatever it offers, and the others are none.
    LargerOrClosed,
    /// Where it is larger (FreeBSD).
    Larger,
}

/// Explicit congestion notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// Neither asked for nor accepted.
    Off,
    /// Accepted when the peer asks (Linux `tcp_ecn` 2).
    Passive,
    /// Asked for and accepted (Linux `tcp_ecn` 1).
    On,
    /// AccECN asked for and accepted, classic ECN where the peer knows no better (Linux `tcp_ecn` 3).
    Accurate,
    /// AccECN accepted, classic ECN asked for (Linux `tcp_ecn` 4).
    AccurateIn,
    /// AccECN accepted, nothing asked for (Linux `tcp_ecn` 5).
    AccuratePassive,
}

/// When the AccECN option is sent (RFC 9768, section 3.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccEcnOption {
    /// Never.
    Off,
    /// When a codepoint changed, a counter is about to wrap, or a beacon is due.
    Minimum,
    /// On each segment that has room for it, until the path is seen to drop it.
    Full,
    /// On each segment that has room for it, whatever the path does.
    Persist,
}

/// When a listener answers with SYN cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SynCookies {
    /// Never.
    Off,
    /// When the queue of requests is full.
    UnderPressure,
    /// Always.
    Always,
}

/// How initial sequence numbers are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IsnSource {
    /// A clock plus a keyed hash of the four-tuple (RFC 6528).
    Rfc6528,
    /// Always this number: for wrap-around and for the classroom.
    Fixed(u32),
    /// The clock alone, 250 kHz (RFC 793): predictable, an ablation.
    Clock,
}

/// What the lower bound of the RTO bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RtoFloor {
    /// The RTO (RFC 6298, section 2.4).
    Total,
    /// The variance term: RTO >= SRTT + floor (Linux).
    Variance,
}

/// When unacknowledged data makes a connection fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetryLimit {
    /// After so many retransmissions of the same segment.
    Count(u8),
    /// At the first expiry later than the time that so many doublings of `min_rto` take, counted from the first
    /// retransmission (Linux `tcp_retries2` 15: 924.6 s).
    Doublings(u8),
    /// After this time without an acknowledgment (RFC 9293, section 3.8.3: at least 100 s).
    Time(Duration),
}

/// How many ICMP errors a host sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpLimit {
    /// One a second to each destination, six at once (Linux `icmp_ratelimit`). Those that path MTU discovery needs do not count.
    PerDestination,
    /// So many in each second, to whomever (FreeBSD `icmplim` 200).
    PerSecond(u32),
}

/// What is done about a reduction of the window that turns out to have been needless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Undoing {
    /// Nobody looks. (F-RTO does, where it is on; then the window comes back as it was.)
    Off,
    /// Window and threshold come back as they were when timestamps (RFC 3522) or D-SACKs (RFC 3708) prove that nothing had to
    /// be sent again, after a timeout and in fast recovery (Linux).
    Restore,
    /// The same, but after a timeout alone, by timestamps alone, and not where the same segment has timed out again or a recovery
    /// was going on (FreeBSD `TF_PREVVALID`).
    RestoreTimeout,
    /// After a timeout, when timestamps (RFC 3522) or F-RTO prove it needless: the threshold comes back, the window is what is in
    /// flight and one burst of an initial window at most, the timer becomes more patient (RFC 4015).
    Eifel,
}

/// How losses are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LossDetection {
    /// Time since transmission (RFC 8985); falls back to NewReno where SACK is not negotiated.
    Rack,
    /// Counting SACKed segments (RFC 6675); falls back to NewReno where SACK is not negotiated.
    Sack,
    /// Duplicate ACKs and partial ACKs (RFC 6582), whatever SACK says.
    NewReno,
    /// Retransmission timeouts only (ablation).
    TimeoutOnly,
}

fold_enum!(LossDetection { Rack, Sack, NewReno, TimeoutOnly });

/// The congestion controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Congestion {
    /// RFC 5681.
    Reno,
    /// RFC 9438.
    Cubic,
    /// RFC 8257: asks for ECN whatever the knob `ecn` says, as Linux does; Reno where it was not granted.
    Dctcp,
    /// Brakmo and Peterson, 1995: by delay.
    Vegas,
    /// Westwood+ (Grieco and Mascolo, 2004): by the rate of acknowledgments.
    Westwood,
    /// BBR, version 3 (draft-ietf-ccwg-bbr).
    Bbr,
    /// BBR, version 1, as Linux has it.
    Bbr1,
    /// A constant window of so many segments: congestion control switched off.
    Fixed(u32),
}

/// What is done about a window that the program does not use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CwndValidation {
    /// It does not grow; see also `slow_start_after_idle` and `idle_halving`.
    NoGrowth,
    /// It is kept for five minutes, and what was in use counts when something is lost (RFC 7661).
    Rfc7661,
}

/// Which connections are paced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pacing {
    /// Those whose controller asks for it, and those with a bound on their rate (Linux without the fq qdisc).
    OnDemand,
    /// All (Linux with fq).
    Fq,
}

/// When data is acknowledged (RFC 9293, section 3.8.6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DelayedAck {
    /// Delay of an acknowledgment, at least. Zero: every segment is acknowledged at once.
    pub min: Duration,
    /// Delay at most: an adaptive delay (Linux `ato`) grows up to it.
    pub max: Duration,
    /// Full-sized segments after which an ACK is due at once (RFC 5681, section 4.2: 2).
    pub every: u8,
    /// ACKs at the start of a connection, or after a long gap, that are not delayed (Linux 16).
    pub quick: u8,
    /// Linux's habits: quick-ACK mode, ping-pong mode, an ACK when a program has read all.
    pub adaptive: bool,
    /// SACKs behind the third duplicate ACK wait for one another, for a twentieth of the round-trip time and this at most
    /// (Linux `tcp_comp_sack_delay_ns` 1 ms; RFC 5681, section 4.2, wants each at once: SHOULD). Zero: none waits.
    pub compress: Duration,
    /// How much later than that their timer may be (Linux `tcp_comp_sack_slack_ns` 100 us).
    pub compress_slack: Duration,
    /// At most so many are held back (Linux `tcp_comp_sack_nr` 44).
    pub compress_count: u8,
}

/// Coalescing of small segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nagle {
    /// Every write goes out at once (`TCP_NODELAY`).
    Off,
    /// A small segment waits while anything is unacknowledged (RFC 896; RFC 9293, section 3.7.4).
    Classic,
    /// A small segment waits while a small segment is unacknowledged (Minshall; Linux).
    Minshall,
}
