//! TIME-WAIT: the small record that is left of a connection for 2 MSL.
//!
//! It acknowledges a retransmitted FIN, so that the peer can close, and keeps old duplicates out of the next
//! connection between the same ends. FIN-WAIT-2 is no business of this record: an orphan in that state stays a
//! connection.

use std::sync::Arc;

use crate::cause::Rule;
use crate::config::Config;
use crate::handshake::TimestampState;
use crate::info::{Info, TimerKind};
use crate::out::{EcnCodepoint, Note, Out, Outgoing};
use crate::segment::{Flags, Options, Segment, Timestamps};
use crate::seq::SeqNum;
use crate::state::State;
use crate::time::{Duration, Time};

/// What is left of a connection in TIME-WAIT (RFC 9293, section 3.6.1).
#[derive(Clone, Debug, Hash)]
pub struct TimeWait {
    config: Arc<Config>,
    deadline: Time,
    /// When TS.Recent was taken.
    recent_at: Time,
    /// When the interval began in which ACKs are counted that are subject to the rate limit; [`Time::NEVER`]: none was sent.
    answering: Time,
    last: Packed,
}

/// [`Last`] without its padding.
#[derive(Clone, Copy, Debug, Hash)]
struct Packed {
    snd_nxt: SeqNum,
    rcv_nxt: SeqNum,
    ts_offset: u32,
    ts_recent: u32,
    local_port: u16,
    remote_port: u16,
    wnd: u16,
    rcv_wscale: u8,
    /// The counter of marked packets in the lowest three bits, [`STAMPED`] above them; in the upper four how many ACKs were sent
    /// that are subject to the rate limit.
    bits: u8,
}

/// The connection used timestamps.
const STAMPED: u8 = 8;

/// What a connection hands over when it enters TIME-WAIT.
#[derive(Clone, Copy, Debug)]
pub struct Last {
    /// This end's port.
    pub local_port: u16,
    /// The other end's port.
    pub remote_port: u16,
    /// SND.NXT, behind our FIN.
    pub snd_nxt: SeqNum,
    /// RCV.NXT, behind the peer's FIN.
    pub rcv_nxt: SeqNum,
    /// The window as our last segment announced it: unscaled, as in the header.
    pub wnd: u16,
    /// Rcv.Wind.Shift.
    pub rcv_wscale: u8,
    /// Timestamps, if the connection used them.
    pub timestamps: Option<TimestampState>,
    /// The ACE field, where AccECN was in use (RFC 9768, section 3.2.2). Marks on late duplicates are not counted.
    pub ace: Flags,
}

/// What becomes of TIME-WAIT when a segment arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeWaitOutcome {
    /// It stays; a reply may be in `out`.
    Stays,
    /// A RST has ended it: the host drops the record.
    Ended,
    /// A SYN that may begin a new connection (RFC 6191). If a listener is there, the host drops the record and gives
    /// the segment to the listener with [`reopens`](crate::listener::Incoming::reopens) set to this number; if none
    /// is, it calls [`TimeWait::refuse_syn`].
    NewSyn(SeqNum),
}

impl TimeWait {
    /// The record of a connection that enters TIME-WAIT now.
    pub fn new(now: Time, config: Arc<Config>, last: Last) -> TimeWait {
        let timestamps = last.timestamps.unwrap_or_default();
        TimeWait {
            deadline: config.fires(now, config.time_wait),
            config,
            recent_at: timestamps.recent_at,
            answering: Time::NEVER,
            last: Packed {
                snd_nxt: last.snd_nxt,
                rcv_nxt: last.rcv_nxt,
                ts_offset: timestamps.offset,
                ts_recent: timestamps.recent,
                local_port: last.local_port,
                remote_port: last.remote_port,
                wnd: last.wnd,
                rcv_wscale: last.rcv_wscale,
                bits: last.ace.ace() | if last.timestamps.is_some() { STAMPED } else { 0 },
            },
        }
    }

    /// SEGMENT ARRIVES in TIME-WAIT (RFC 9293, section 3.10.7.4; RFC 1337; RFC 6191).
    pub fn on_segment(&mut self, now: Time, segment: &Segment, out: &mut Out) -> TimeWaitOutcome {
        if segment.has(Flags::RST) {
            return self.on_rst(now, segment, out);
        }
        let old_timestamp = self.fails_paws(now, segment);
        if segment.has(Flags::SYN) {
            return self.on_syn(now, segment, out);
        }
        let acceptable = self.acceptable(segment);
        if acceptable && !old_timestamp && !segment.has(Flags::ACK) {
            out.notes.push(Note::Dropped(Rule::NoAckBit));
        } else if segment.has(Flags::FIN) && segment.seq.add(segment.seq_len()) == self.last.rcv_nxt {
            // The only thing that can arrive in this state is a retransmission of the remote FIN.
            self.deadline = self.config.fires(now, self.config.time_wait);
            self.ack(now, Rule::TimeWaitReAck, out);
        } else if !acceptable
            || segment.seq_len() > 0
            || segment.seq != self.last.rcv_nxt && !self.config.exact_window
        {
            self.refuse(now, segment, Rule::TimeWaitAck, out);
        } else if old_timestamp {
            self.refuse(now, segment, Rule::Paws, out);
        } else if !self.config.exact_window && segment.seq != self.last.rcv_nxt {
            // Linux: nothing can come behind the FIN, so a number that is not the next one is as good as none.
            self.refuse(now, segment, Rule::TimeWaitAck, out);
        } else {
            self.take_timestamp(now, segment);
        }
        TimeWaitOutcome::Stays
    }

    /// A RST exactly at RCV.NXT ends TIME-WAIT, which is how old duplicates assassinate it (RFC 1337); timestamps
    /// are not looked at (RFC 7323, section 5.2).
    fn on_rst(&mut self, now: Time, segment: &Segment, out: &mut Out) -> TimeWaitOutcome {
        let exact = segment.seq == self.last.rcv_nxt;
        if self.config.rfc1337 {
            out.notes.push(Note::Dropped(Rule::TimeWaitRstIgnored));
        } else if exact || (!self.config.challenge_rst && self.in_window(segment.seq)) {
            out.state(State::TimeWait, State::Closed, Rule::TimeWaitReset);
            return TimeWaitOutcome::Ended;
        } else if self.in_window(segment.seq) {
            self.refuse(now, segment, Rule::ChallengeRst, out);
        } else {
            out.notes.push(Note::Dropped(Rule::RstIgnored));
        }
        TimeWaitOutcome::Stays
    }

    /// RFC 6191, section 2: a SYN that is surely newer than the old connection begins a new one.
    fn on_syn(&mut self, now: Time, segment: &Segment, out: &mut Out) -> TimeWaitOutcome {
        if segment.has(Flags::ACK) {
            self.refuse(now, segment, Rule::ChallengeSyn, out);
            return TimeWaitOutcome::Stays;
        }
        // "Last sequence number" is that of the FIN, one below RCV.NXT.
        let newer_seq = is_after(segment.seq, self.last.rcv_nxt.add(u32::MAX));
        let newer = match (self.stamped(), segment.options.timestamps) {
            (true, Some(ts)) if ts.val != self.last.ts_recent => {
                (ts.val.wrapping_sub(self.last.ts_recent) as i32) > 0
            }
            (false, Some(_)) => true,
            _ => newer_seq,
        };
        if newer && self.config.time_wait_accepts_syn {
            return TimeWaitOutcome::NewSyn(self.last.snd_nxt);
        }
        self.refuse_syn(now, segment, out);
        TimeWaitOutcome::Stays
    }

    /// Answers a SYN that nobody can take: an ACK of what was expected (RFC 5961, section 4.2), or silence.
    pub fn refuse_syn(&mut self, now: Time, segment: &Segment, out: &mut Out) {
        if self.config.challenge_syn {
            self.refuse(now, segment, Rule::TimeWaitSynRefused, out);
        } else {
            out.notes.push(Note::Dropped(Rule::TimeWaitSynRefused));
        }
    }

    fn stamped(&self) -> bool {
        self.last.bits & STAMPED != 0
    }
    /// Whether the segment's timestamp is older than TS.Recent (RFC 7323, section 5.3, R1).
    fn fails_paws(&self, now: Time, segment: &Segment) -> bool {
        const OUTDATED: Duration = Duration::from_secs(24 * 24 * 3600);
        self.config.paws
            && self.stamped()
            && segment.options.timestamps.is_some_and(|ts| is_before(ts.val, self.last.ts_recent))
            && now.since(self.recent_at) < OUTDATED
    }
    /// The test of RFC 9293, section 3.10.7.4, first.
    fn acceptable(&self, segment: &Segment) -> bool {
        let len = segment.seq_len();
        match (len, self.window()) {
            (0, 0) => segment.seq == self.last.rcv_nxt,
            (0, _) => self.in_window(segment.seq),
            (_, 0) => false,
            _ => self.in_window(segment.seq) || self.in_window(segment.seq.add(len - 1)),
        }
    }
    fn in_window(&self, seq: SeqNum) -> bool {
        seq.distance_from(self.last.rcv_nxt) < self.window()
    }
    fn window(&self) -> u32 {
        u32::from(self.last.wnd) << self.last.rcv_wscale.min(14)
    }
    /// RFC 7323, section 4.3: TS.Recent follows acceptable segments.
    fn take_timestamp(&mut self, now: Time, segment: &Segment) {
        if let Some(ts) = segment.options.timestamps
            && self.stamped()
            && segment.seq == self.last.rcv_nxt
            && !is_before(ts.val, self.last.ts_recent)
        {
            self.last.ts_recent = ts.val;
            self.recent_at = now;
        }
    }

    /// Drops `segment` and acknowledges what was expected instead. Answers to what carries no data, and to a SYN, are
    /// limited in rate, so that two ends cannot answer each other for ever (RFC 5961, section 7).
    fn refuse(&mut self, now: Time, segment: &Segment, why: Rule, out: &mut Out) {
        out.notes.push(Note::Dropped(why));
        let limited = segment.seq_len() == 0 || segment.has(Flags::SYN);
        if limited && !self.config.may_answer_packed(now, &mut self.answering, &mut self.last.bits) {
            out.notes.push(Note::Happened(Rule::ChallengeLimited));
            return;
        }
        self.ack(now, why, out);
    }
    /// Acknowledges everything up to the peer's FIN.
    fn ack(&self, now: Time, why: Rule, out: &mut Out) {
        let last = &self.last;
        let timestamps = self.stamp(now);
        let segment = Segment {
            src: last.local_port,
            dst: last.remote_port,
            seq: last.snd_nxt,
            ack: last.rcv_nxt,
            flags: Flags::ACK | Flags::of_ace(last.bits),
            wnd: last.wnd,
            options: Options { timestamps, order: self.config.option_order, ..Options::default() },
            ..Segment::default()
        };
        out.segments.push(Outgoing { segment, why, ecn: EcnCodepoint::NotEct });
    }

    /// Whether 2 MSL are over: the host drops the record. An early call does nothing.
    pub fn on_deadline(&mut self, now: Time, out: &mut Out) -> bool {
        let over = now >= self.deadline;
        if over {
            out.state(State::TimeWait, State::Closed, Rule::TimeWaitExpired);
        }
        over
    }
    /// When 2 MSL will be over.
    pub fn deadline(&self) -> Time {
        self.deadline
    }
    /// SND.NXT: behind our FIN. A connection that takes this one's place starts above it.
    pub fn snd_nxt(&self) -> SeqNum {
        self.last.snd_nxt
    }
    pub(crate) fn stamp(&self, now: Time) -> Option<Timestamps> {
        self.timestamps().map(|ts| Timestamps { val: ts.val(now), ecr: ts.recent })
    }
    /// The timestamps of the connection, with TS.Recent and when it was taken.
    pub fn timestamps(&self) -> Option<TimestampState> {
        self.stamped().then_some(TimestampState {
            offset: self.last.ts_offset,
            recent: self.last.ts_recent,
            recent_at: self.recent_at,
        })
    }
    /// Whether an active open from the same port may take this record's place (RFC 6191 seen from the active side;
    /// Linux `tcp_twsk_unique`): timestamps must keep the two connections apart. A port that the program chose is
    /// enough; one that the host would choose needs [`Config::tw_reuse`] and a second since the last timestamp.
    pub fn reusable(&self, now: Time, chosen_by_program: bool, loopback: bool) -> bool {
        let allowed = match self.config.tw_reuse {
            0 => false,
            1 => true,
            _ => loopback,
        };
        let rested = now.since(self.recent_at) > Duration::from_secs(1);
        self.stamped() && (chosen_by_program || (allowed && rested))
    }
    /// A reading for `ss` and `netstat`.
    pub fn info(&self) -> Info {
        Info { timer: Some((TimerKind::TimeWait, self.deadline)), ..Info::empty(State::TimeWait) }
    }
}

/// Whether `a` comes after `b`, modulo 2^32.
fn is_after(a: SeqNum, b: SeqNum) -> bool {
    (a.distance_from(b) as i32) > 0
}
/// Whether timestamp `a` is older than `b`, modulo 2^32.
fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

#[cfg(test)]
mod tests;
