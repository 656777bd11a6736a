//! What controllers are told, and what models answer.

use crate::seq::Seq;
use crate::time::{Duration, Time};

/// The beginning of a connection, as far as a controller is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Now.
    pub now: Time,
    /// SND.UNA.
    pub una: Seq,
    /// SMSS, in bytes.
    pub mss: u64,
    /// The initial window, in bytes.
    pub window: u64,
    /// The round-trip time of the handshake; zero if none was measured.
    pub rtt: Duration,
    /// ECN was negotiated.
    pub ecn: bool,
}

/// What a controller learns from an acknowledgment that delivered something.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Now.
    pub now: Time,
    /// SND.UNA, after this acknowledgment.
    pub una: Seq,
    /// SND.NXT.
    pub nxt: Seq,
    /// Octets newly delivered: acknowledged or SACKed, and not counted before.
    pub acked: u64,
    /// Octets by which SND.UNA moved.
    pub advanced: u64,
    /// ECE was set.
    pub ece: bool,
    /// SMSS.
    pub mss: u64,
    /// Congestion window before.
    pub cwnd: u64,
    /// Slow start threshold; `u64::MAX`: none yet.
    pub ssthresh: u64,
    /// Smoothed round-trip time.
    pub srtt: Duration,
    /// Smallest round-trip time; zero before the first measurement.
    pub min_rtt: Duration,
    /// Round-trip time of the segment sent last among those delivered; none if all were sent more than once.
    pub rtt: Option<Duration>,
    /// Most that slow start may add for this acknowledgment (RFC 3465, section 2.3), in bytes.
    pub slow_start_limit: u64,
    /// Sending is paced.
    pub paced: bool,
    /// Bytes a second at which sending is or would be paced; zero: not known yet.
    pub pacing_rate: u64,
}

/// How congestion was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A loss, found without a timeout.
    Loss,
    /// ECE (RFC 3168).
    Ecn,
    /// A retransmission timeout.
    Timeout,
}

/// What a controller learns when congestion is noticed.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// How it was noticed.
    pub signal: Signal,
    /// Now.
    pub now: Time,
    /// FlightSize, without what limited transmit has sent (RFC 5681, section 3.2).
    pub flight: u64,
    /// SND.NXT: the window of data in which congestion was noticed ends here.
    pub nxt: Seq,
    /// SMSS.
    pub mss: u64,
    /// Congestion window before.
    pub cwnd: u64,
    /// Slow start threshold before; `u64::MAX`: none yet.
    pub ssthresh: u64,
    /// Smallest round-trip time.
    pub min_rtt: Duration,
    /// C.delivered: octets delivered so far; counted only for models.
    pub delivered: u64,
    /// ECE costs less than a loss (ABE, RFC 8511).
    pub abe: bool,
}

/// A delivery rate sample (draft-ietf-ccwg-bbr, section 4.1): what the network did between the sending of a segment
/// and its acknowledgment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rate {
    /// RS.delivery_rate, in bytes a second; zero: no reliable sample.
    pub rate: u64,
    /// RS.delivered, in octets.
    pub delivered: u64,
    /// RS.interval.
    pub interval: Duration,
    /// RS.prior_delivered: C.delivered when the segment was sent; `None`: nothing was delivered.
    pub prior_delivered: Option<u64>,
    /// RS.tx_in_flight, in octets.
    pub tx_in_flight: u64,
    /// RS.lost: octets found lost between sending and acknowledgment.
    pub lost: u64,
    /// RS.is_app_limited.
    pub app_limited: bool,
}

/// The sender's phase, as Linux's `ca_state` with Disorder a part of Open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// All is well.
    Open,
    /// ECE was answered, and that window is still outstanding.
    Reduction,
    /// Fast recovery.
    Recovery,
    /// After a retransmission timeout.
    Loss,
}

/// What a model learns from an acknowledgment.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    /// What every controller learns; cwnd is the present one.
    pub sample: Sample,
    /// The delivery rate sample.
    pub rate: Rate,
    /// C.delivered: octets delivered so far.
    pub delivered: u64,
    /// C.lost: octets found lost so far.
    pub lost_so_far: u64,
    /// Octets found lost by this acknowledgment.
    pub lost: u64,
    /// C.inflight, before and after, in octets.
    pub inflight_before: u64,
    /// After this acknowledgment.
    pub inflight: u64,
    /// The phase, after this acknowledgment.
    pub phase: Phase,
    /// cwnd was used in full in the last round trip.
    pub cwnd_limited: bool,
    /// SACK is in use.
    pub sack: bool,
    /// The receiver has delayed the acknowledgment, it seems: it is of a lone segment.
    pub ack_delayed: bool,
    /// How long until pacing lets the next segment go.
    pub release_in: Duration,
}

/// A segment found lost, as it was when it was sent.
#[derive(Clone, Copy, Debug)]
pub struct Lost {
    /// Now.
    pub now: Time,
    /// Where it begins and ends.
    pub start: Seq,
    /// Behind it.
    pub end: Seq,
    /// P.tx_in_flight: octets in flight when it was sent, it included.
    pub tx_in_flight: u64,
    /// Octets found lost since it was sent, it included.
    pub lost: u64,
    /// P.is_app_limited.
    pub app_limited: bool,
    /// C.delivered.
    pub delivered: u64,
    /// The phase.
    pub phase: Phase,
    /// SACK is in use.
    pub sack: bool,
    /// Congestion window.
    pub cwnd: u64,
    /// SMSS.
    pub mss: u64,
}

/// What a model decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steering {
    /// Congestion window, in bytes.
    pub cwnd: u64,
    /// Slow start threshold; `u64::MAX`: none.
    pub ssthresh: u64,
    /// Pacing rate, in bytes a second.
    pub pacing_rate: u64,
    /// Octets that may go out back to back.
    pub quantum: u64,
    /// Delivery rate samples count as limited by the application from now on.
    pub mark_app_limited: bool,
}
