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

mod ack;
mod detect;
mod mtu_probe;
mod news;
mod pacer;
mod queue;
mod rack;
mod rate;
mod readings;
mod send;
mod sent;
mod steering;
mod timer;
mod undo;
mod validation;
mod window;

use std::ops::Range;

use crate::cause::Rule;
use crate::config::{Config, LossDetection};
use crate::congestion::{self, Controller, Start};
use crate::out::{Note, Out};
use crate::resting::words::{fold, fold_enum};
use crate::rtt::Rtt;
use crate::segment::SackBlocks;
use crate::seq::Seq;
use crate::time::{Duration, Time};

pub use mtu_probe::ProbeFate;

use mtu_probe::MtuProbe;
use pacer::Pacer;
use queue::{Queue, Scoreboard};
use rack::Rack;
use rate::Sampler;
use undo::{Frto, Undo};
use validation::Validation;
pub use window::Delivered;
use window::Prr;

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
    /// The SYN or SYN-ACK was marked CE, and that counts as its loss does.
    pub marked: bool,
    /// ECN was negotiated.
    pub ecn: bool,
    /// CWR is due on the first data.
    pub reduced: bool,
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
    /// SEG.WND differs from SND.WND, or is taken as news: not a duplicate ACK (RFC 5681, section 2).
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
    /// Segments newly known to have arrived.
    pub packets: u32,
    /// It came with ECE, or told of CE.
    pub marked: bool,
    /// By how many octets something that was sent once arrived late; zero: nothing did.
    pub reordered: u64,
}

/// What a timer of the transmit queue was for. One slot: they exclude one another (RFC 8985, section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Retransmission timeout (RFC 6298).
    Rto,
    /// Tail loss probe (RFC 8985, section 7).
    Probe,
    /// RACK's reordering window (RFC 8985, section 6.2).
    Reordering,
}

fold_enum!(Timer { Rto, Probe, Reordering });

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
    /// A pause after ECE at a window of one segment is over: run the output function.
    Resumed,
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

/// Which part of RFC 5681's life the queue is in; Linux's `ca_state`, with Disorder a part of Open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// All is well, or there are a few SACKs or duplicate ACKs.
    Open,
    /// The window is going down for a reason other than a loss: ECN (RFC 3168).
    Reduction,
    /// Fast recovery.
    Recovery,
    /// A retransmission timeout; ends when all that was outstanding then is acknowledged.
    Loss,
}

fold_enum!(Phase { Open, Reduction, Recovery, Loss });

/// Everything that exists only while something is amiss.
#[derive(Clone, Debug, Hash)]
struct Trouble {
    board: Scoreboard,
    /// RecoveryPoint (RFC 6675), `recover` (RFC 6582): where the phase ends.
    point: Seq,
    /// Duplicate ACKs in a row (RFC 5681, section 2); with SACK, those that brought news (RFC 6675, section 5).
    dup_acks: u32,
    /// The next retransmission goes out whatever the window: the first of a recovery, the head after a timeout.
    forced: bool,
    /// What is lost is too long for the path and not congestion's fault: why it goes again.
    too_big: Option<Rule>,
    /// What is lost went with the SYN (RFC 7413).
    syn_data: bool,
    /// RFC 6582: a partial ACK has come.
    partial_seen: bool,
    /// RFC 6675's rescue retransmission of this recovery is spent.
    rescued: bool,
    /// HighRxt of RFC 6675.
    high_rxt: Seq,
    prr: Prr,
    undo: Undo,
    frto: Frto,
    rack: rack::Order,
    /// Timeouts since SND.UNA last advanced.
    retries: u32,
    first_timeout: Option<Time>,
}

/// What only some connections have.
#[derive(Clone, Debug, Default, Hash)]
struct Extra {
    /// Delivery rates, for a controller that wants them.
    rate: Option<Sampler>,
    /// The spacing of segments, where there is any.
    pacer: Option<Pacer>,
    /// RFC 7661, where it is on.
    validation: Option<Validation>,
    /// A probe of a larger path MTU.
    mtu_probe: Option<MtuProbe>,
    /// Segments by which the network reorders (Linux `tp->reordering`); zero: as many as `dupthresh` takes it to be.
    degree: u16,
}

/// The transmit queue of one connection with everything that decides about retransmission.
#[derive(Clone, Debug, Hash)]
pub struct Sender {
    queue: Queue,
    trouble: Option<Box<Trouble>>,
    rtt: Rtt,
    rack: Rack,
    controller: Controller,
    extra: Option<Box<Extra>>,
    cwnd: u64,
    ssthresh: u64,
    usage: Usage,
    /// `recover` of RFC 6582: no recovery begins with an ACK that is not beyond it.
    recover: Seq,
    deadline: Time,
    last_sent: Time,
    probe: Probe,
    mss: u32,
    retransmitted: u32,
    /// D-SACKs believed so far.
    dsacks: u32,
    /// Octets of the initial or restart window that are not acknowledged.
    first_window: u32,
    timer: Timer,
    phase: Phase,
    detection: LossDetection,
    backoff: u8,
    sack: bool,
    /// ECE came at a window of one segment: nothing is sent until the timer expires (RFC 3168, section 6.1.2).
    paused: bool,
    /// The window was reduced, and nobody has asked yet.
    reduced: bool,
    /// The window counts segments, each as a full one.
    in_segments: bool,
}

fold!(Sender {
    queue, rtt, rack, cwnd, ssthresh, usage, recover, deadline, last_sent, probe, mss, retransmitted, dsacks, first_window,
    timer, phase, detection, backoff, sack, paused, reduced, in_segments,
    controller,
} absent { trouble, extra });

impl Probe {
    fn is_outstanding(&self) -> bool {
        self.end != Seq(0)
    }
    fn clear(&mut self) {
        self.end = Seq(0);
    }
}

/// How much of the window was used (congestion window validation, as Linux does it), and what the path has carried.
#[derive(Clone, Copy, Debug, Hash)]
struct Usage {
    /// The round trip that is looked at ends when this is acknowledged.
    until: Seq,
    /// Most octets in flight in it.
    max_flight: u32,
    /// cwnd has stopped sending in it.
    limited: bool,
    /// Most octets in flight since cwnd last limited sending, and in which millisecond that was (RFC 2861, section 3.2).
    used: u32,
    full_ms: u32,
    /// The longest segment that was sent once and acknowledged, in octets: the path carries it.
    carried: u16,
    /// An initial or restart window has lost something: the next ones are smaller (RFC 6928, section 2).
    modest: bool,
}

fold!(Usage { until, max_flight, limited, used, full_ms, carried, modest });

/// The tail loss probe.
#[derive(Clone, Copy, Debug, Hash)]
struct Probe {
    /// SND.NXT after the probe that is outstanding (TLP.end_seq); zero: there is none.
    end: Seq,
    /// That probe was a retransmission.
    again: bool,
    /// Whether it was new data is known when it is sent: it is about to be.
    coming: bool,
    /// A round-trip time was measured since the last probe (RFC 8985, section 7.3).
    measured: bool,
    /// New data went out since the output function ran last.
    sent_new: bool,
    /// An acknowledgment restarts the timer, unless what is sent for it does.
    restart: bool,
}

fold!(Probe { end, again, coming, measured, sent_new, restart });

impl Sender {
    /// The queue of a connection that has just become synchronized. `una` is SND.UNA (ISS + 1), `mss` the
    /// effective MSS for sending in bytes, options taken off.
    pub fn new(now: Time, una: Seq, mss: u32, handshake: Handshake, cfg: &Config) -> Sender {
        let mss = mss.max(1);
        let mut rtt = Rtt::new(handshake.retransmissions > 0);
        if let Some(sample) = handshake.rtt {
            rtt.sample(now, sample, (una, una), 1, cfg);
        }
        let initial = congestion::initial_window(mss, handshake.retransmissions, cfg);
        let window = if handshake.marked { u64::from(mss) } else { initial };
        let start = Start {
            now,
            una,
            mss: u64::from(mss),
            window,
            rtt: handshake.rtt.unwrap_or(Duration::ZERO),
            ecn: handshake.ecn,
        };
        let mut sender = Sender {
            queue: Queue::new(una),
            trouble: None,
            rtt,
            rack: Rack::new(una),
            controller: Controller::new(&start, cfg),
            extra: None,
            cwnd: window,
            ssthresh: u64::MAX,
            usage: Usage {
                until: una,
                max_flight: 0,
                limited: false,
                used: 0,
                full_ms: millis(now),
                carried: 0,
                modest: false,
            },
            recover: una - 1,
            deadline: Time::NEVER,
            last_sent: now,
            probe: Probe {
                end: Seq(0),
                again: false,
                coming: false,
                measured: true,
                sent_new: false,
                restart: false,
            },
            mss,
            retransmitted: 0,
            dsacks: 0,
            first_window: congestion::initial_window(mss, handshake.retransmissions, cfg) as u32,
            timer: Timer::Rto,
            phase: Phase::Open,
            detection: match cfg.loss_detection {
                LossDetection::Rack | LossDetection::Sack if !handshake.sack => LossDetection::NewReno,
                other => other,
            },
            backoff: 0,
            sack: handshake.sack && matches!(cfg.loss_detection, LossDetection::Rack | LossDetection::Sack),
            paused: false,
            reduced: handshake.reduced,
            in_segments: cfg.cwnd_in_segments,
        };
        sender.in_segments &= !sender.controller.steers();
        sender.begin_steering(cfg);
        sender
    }

    /// Whether nothing is outstanding, nothing is amiss, and nobody measures rates or paces, as at the receiver of a
    /// bulk transfer: an ACK that brings nothing changes nothing then, and neither does an output function that sends
    /// nothing.
    #[inline(always)]
    pub fn is_idle(&self) -> bool {
        let Probe { end, coming, sent_new, .. } = self.probe;
        self.queue.is_empty()
            && self.deadline == Time::NEVER
            && self.trouble.is_none()
            && self.extra.is_none()
            && self.phase == Phase::Open
            && end == Seq(0)
            && !(coming || sent_new || self.paused)
    }

    // What happens: also on_ack (ack.rs) and on_timeout (timer.rs). What to send: send.rs. Readings: readings.rs.

    fn mss64(&self) -> u64 {
        u64::from(self.mss)
    }
    fn note(&self, out: &mut Out, why: Rule) {
        out.notes.push(Note::Happened(why));
        if out.verbose {
            out.notes.push(Note::Cwnd { cwnd: self.cwnd, ssthresh: self.ssthresh, why });
        }
    }
    /// Gives back the memory of past troubles.
    fn tidy(&mut self) {
        let past = |t: &Trouble| t.board.is_clean() && t.dup_acks == 0 && t.undo.is_over() && t.retries == 0;
        if self.queue.is_empty() && self.phase == Phase::Open && self.trouble.as_deref().is_some_and(past) {
            self.trouble = None;
        }
    }
}

/// The millisecond of `now`, of a lap of 49 days.
fn millis(now: Time) -> u32 {
    (now.as_nanos() / 1_000_000) as u32
}

impl Trouble {
    /// Whether no segment is marked, and no duplicate ACK counted: all that is outstanding counts as under way.
    #[inline]
    fn is_unmarked(&self) -> bool {
        self.board.is_clean() && self.dup_acks == 0
    }
    /// Whether nothing is marked, counted or waited for any more.
    #[inline]
    fn is_past(&self) -> bool {
        self.is_unmarked()
            && self.board.losses.is_empty()
            && !self.undo.all_needless()
            && self.rack.is_clear()
    }
    /// The same, and no timeout waits for an answer.
    #[inline]
    fn is_over(&self) -> bool {
        self.is_past()
            && self.retries == 0
            && self.first_timeout.is_none()
            && self.board.highest_sacked().is_none()
            && !self.undo.adapts()
    }
}

/// The troubles, made if there are none. A function of the fields, not of the sender, so that the rest stays free.
fn trouble(slot: &mut Option<Box<Trouble>>, una: Seq) -> &mut Trouble {
    slot.get_or_insert_with(|| {
        Box::new(Trouble {
            board: Scoreboard::new(una),
            point: una,
            dup_acks: 0,
            forced: false,
            too_big: None,
            syn_data: false,
            partial_seen: false,
            rescued: false,
            high_rxt: una,
            prr: Prr::default(),
            undo: Undo::default(),
            frto: Frto::Off,
            rack: rack::Order::default(),
            retries: 0,
            first_timeout: None,
        })
    })
}

#[cfg(test)]
mod tests;
