//! What has been sent and not yet acknowledged: the transmit queue, how losses are found and repaired, and when.
//!
//! Three things that other stacks mix are kept apart here:
//! - *loss detection* decides that a segment is lost (`rack`, `sack`, `newreno`, the retransmission timer),
//! - *loss recovery* decides what to send, and how much at a time (this file, `prr`, `undo`),
//! - *congestion control* decides how large the window is ([`crate::congestion`]): numbers in, numbers out.
//!
//! # How a connection uses it
//!
//! ```text
//! segment with ACK    on_ack(…)                       scoreboard, losses, cwnd, timers
//! deadline            on_timeout(…)                   tells what has to be sent
//! after either, and after a write: the one output function
//!     while let Some(r) = next_retransmission(…)      send r (or its beginning), on_retransmitted(…)
//!     while new data fits allowance(…) and SND.WND    send it, on_sent(…)
//!     if there was no new data: next_rescue(…)        as above
//!     on_output_done(…)                               probe timer, congestion window validation
//! ```
//!
//! What is not here: the bytes themselves (the send buffer keeps them until they are acknowledged, SACKed or not:
//! RFC 2018, section 5), the peer's window, the persist timer, giving up (R2, user timeout).

use std::ops::Range;

use crate::cause::Rule;
use crate::config::Config;
use crate::out::Out;
use crate::segment::SackBlocks;
use crate::seq::Seq;
use crate::time::{Duration, Time};

/// The transmit queue of one connection with everything that decides about retransmission.
#[derive(Clone)]
pub struct Sender {}

/// What the handshake found out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Handshake {
    /// Round-trip time of SYN and SYN-ACK (or SYN-ACK and ACK), if it was measured: not after a retransmission
    /// without timestamps (Karn).
    pub rtt: Option<Duration>,
    /// How often the SYN or SYN-ACK was retransmitted.
    pub retransmissions: u8,
    /// SACK is permitted by both.
    pub sack: bool,
}

/// An acknowledgment, as far as the transmit queue is concerned. The caller has made sure that `ack` is not beyond
/// [`Sender::nxt`]; an older one than [`Sender::una`] is harmless.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    /// SEG.ACK.
    pub ack: Seq,
    /// SACK blocks as they stand in the segment; not trusted.
    pub sack: SackBlocks,
    /// When the segment that TSecr echoes was sent, if timestamps are in use and TSecr is not zero.
    pub echo: Option<Echo>,
    /// The segment has data, SYN or FIN: not a duplicate ACK (RFC 5681, section 2).
    pub has_data: bool,
    /// SEG.WND differs from SND.WND: not a duplicate ACK (RFC 5681, section 2).
    pub window_changed: bool,
    /// ECE on a connection that negotiated ECN.
    pub ece: bool,
    /// Data never sent before is waiting and the peer's window (as of this segment) has room for it.
    pub new_data_ready: bool,
}

/// The tick of the timestamp clock that TSecr names: the echoed segment was sent at `from` or later, before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Start of the tick.
    pub from: Time,
    /// Start of the next tick.
    pub to: Time,
}

/// What an acknowledgment brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acked {
    /// Octets newly acknowledged cumulatively (SYN and FIN count).
    pub acked: u64,
    /// Octets newly SACKed.
    pub sacked: u64,
    /// The round-trip time measured.
    pub rtt: Option<Duration>,
    /// It was a duplicate ACK (RFC 5681, section 2).
    pub duplicate: bool,
    /// The congestion window was reduced: CWR is due on the next new data (RFC 3168, section 6.1.2).
    pub reduced: bool,
}

/// What a timer of the transmit queue was for. One slot: they exclude one another (RFC 8985, section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Retransmission timeout (RFC 6298).
    Rto,
    /// Tail loss probe (RFC 8985, section 7).
    Probe,
    /// RACK's reordering window (RFC 8985, section 6.2).
    Reordering,
}

/// What came of a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expired {
    /// Nothing: too early, or nothing to do.
    Nothing,
    /// Retransmission timeout: `next_retransmission` now gives the first segment, whatever the window.
    Rto,
    /// Tail loss probe: send one segment of new data, whatever cwnd says (SND.WND still counts); then `on_sent`.
    ProbeNew,
    /// Tail loss probe: send this range again; then `on_retransmitted`.
    ProbeLast(Range<Seq>),
    /// Segments were found lost: run the output function.
    Reordering,
}

/// A range to send again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retransmission {
    /// Sequence numbers; may be longer than the current MSS: send its beginning.
    pub range: Range<Seq>,
    /// Why.
    pub why: Rule,
}

/// Numbers for `ss`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Segments sent and not acknowledged cumulatively.
    pub unacked: u32,
    /// Of these, SACKed.
    pub sacked: u32,
    /// Of these, thought lost.
    pub lost: u32,
    /// Of these, retransmitted and thought to be under way.
    pub retransmitting: u32,
    /// Retransmissions over the connection's life.
    pub retransmitted: u32,
}

impl Sender {
    /// The queue of a connection that has just become synchronized. `una` is SND.UNA (ISS + 1), `mss` the
    /// effective MSS for sending in bytes, options taken off.
    pub fn new(now: Time, una: Seq, mss: u32, handshake: Handshake, cfg: &Config) -> Sender {
        let _ = (now, una, mss, handshake, cfg);
        todo!()
    }

    // --- what happens ------------------------------------------------------------------------------------------

    /// The segment `nxt()..end` was sent for the first time (its FIN counts one).
    pub fn on_sent(&mut self, now: Time, end: Seq, cfg: &Config) {
        let _ = (now, end, cfg);
        todo!()
    }
    /// `range` was sent again: a range got from `next_retransmission` or the like, or its beginning.
    pub fn on_retransmitted(&mut self, now: Time, range: Range<Seq>, cfg: &Config) {
        let _ = (now, range, cfg);
        todo!()
    }
    /// The output function has sent what it could. `cwnd_limited`: it stopped because [`Sender::allowance`] was
    /// used up while more was waiting. Call it whenever the output function ran.
    pub fn on_output_done(&mut self, now: Time, cwnd_limited: bool, cfg: &Config) {
        let _ = (now, cwnd_limited, cfg);
        todo!()
    }
    /// An acknowledgment arrived. `out` gets notes only.
    pub fn on_ack(&mut self, now: Time, ack: &Ack, cfg: &Config, out: &mut Out) -> Acked {
        let _ = (now, ack, cfg, out);
        todo!()
    }
    /// The deadline may have come. `new_data_ready` as in [`Ack`].
    pub fn on_timeout(&mut self, now: Time, new_data_ready: bool, cfg: &Config, out: &mut Out) -> Expired {
        let _ = (now, new_data_ready, cfg, out);
        todo!()
    }
    /// Before new data goes out on a connection that may have been idle: collapses cwnd (RFC 5681, section 4.1).
    /// Does nothing while anything is outstanding.
    pub fn on_idle_restart(&mut self, now: Time, cfg: &Config, out: &mut Out) {
        let _ = (now, cfg, out);
        todo!()
    }
    /// The path MTU shrank, or the effective MSS changed for another reason. With `resend`, segments that are now
    /// too long are to be sent again at once, without a congestion response (RFC 1191, section 6.4).
    pub fn on_mss(&mut self, mss: u32, resend: bool, cfg: &Config) {
        let _ = (mss, resend, cfg);
        todo!()
    }
    /// An ICMP unreachable quotes the first unacknowledged segment: one back-off is taken back (RFC 6069).
    pub fn on_unreachable(&mut self, now: Time, cfg: &Config) {
        let _ = (now, cfg);
        todo!()
    }

    // --- what to send ------------------------------------------------------------------------------------------

    /// What to send again now, as far as cwnd allows; before any new data.
    pub fn next_retransmission(&self, cfg: &Config) -> Option<Retransmission> {
        let _ = cfg;
        todo!()
    }
    /// Bytes of new data that cwnd allows now; the caller also minds SND.WND and Nagle. A segment may be sent if
    /// it fits, or if nothing is in flight.
    pub fn allowance(&self, cfg: &Config) -> u64 {
        let _ = cfg;
        todo!()
    }
    /// What to send again when there is no new data to send (RFC 6675, section 4, rules 3 and 4).
    pub fn next_rescue(&self, cfg: &Config) -> Option<Retransmission> {
        let _ = cfg;
        todo!()
    }

    // --- readings ----------------------------------------------------------------------------------------------

    /// When the timer fires, and which.
    pub fn deadline(&self) -> Option<(Time, Timer)> {
        todo!()
    }
    /// SND.UNA.
    pub fn una(&self) -> Seq {
        todo!()
    }
    /// SND.NXT (and SND.MAX: after a timeout it does not go back).
    pub fn nxt(&self) -> Seq {
        todo!()
    }
    /// Octets sent and not acknowledged cumulatively (FlightSize).
    pub fn flight(&self) -> u64 {
        self.nxt() - self.una()
    }
    /// Octets thought to be in the network (RFC 6675, section 4).
    pub fn pipe(&self) -> u64 {
        todo!()
    }
    /// Congestion window, in bytes.
    pub fn cwnd(&self) -> u64 {
        todo!()
    }
    /// Slow start threshold, in bytes; `u64::MAX`: none yet.
    pub fn ssthresh(&self) -> u64 {
        todo!()
    }
    /// Effective MSS for sending.
    pub fn mss(&self) -> u32 {
        todo!()
    }
    /// Retransmission timeout with back-off, as used for the next timer.
    pub fn rto(&self, cfg: &Config) -> Duration {
        let _ = cfg;
        todo!()
    }
    /// Smoothed round-trip time; zero before the first measurement.
    pub fn srtt(&self) -> Duration {
        todo!()
    }
    /// Its variation.
    pub fn rttvar(&self) -> Duration {
        todo!()
    }
    /// Smallest round-trip time of the last minutes; zero before the first measurement.
    pub fn min_rtt(&self) -> Duration {
        todo!()
    }
    /// Retransmission timeouts since SND.UNA last advanced. Probes do not count.
    pub fn retries(&self) -> u32 {
        todo!()
    }
    /// When the first segment outstanding was retransmitted on a timeout for the first time since SND.UNA last
    /// advanced: R2 and the user timeout count from it under Linux.
    pub fn first_timeout(&self) -> Option<Time> {
        todo!()
    }
    /// When SND.UNA's segment was last sent.
    pub fn head_sent(&self) -> Option<Time> {
        todo!()
    }
    /// Time of the last transmission of anything in this queue.
    pub fn last_sent(&self) -> Time {
        todo!()
    }
    /// Counts of segments.
    pub fn counts(&self) -> Counts {
        todo!()
    }
    /// Name of the congestion controller.
    pub fn controller(&self) -> &'static str {
        todo!()
    }
}
