//! When what arrived is acknowledged: at once, with a delay, or with the next data (RFC 9293, section 3.8.6.3; RFC
//! 5681, section 4.2).
//!
//! With [`adaptive`](crate::config::DelayedAck::adaptive) set this is Linux 6.18: an estimate of the peer's segment
//! size, quick-ACK and ping-pong modes, a delay (`ato`) that follows the arrivals, an ACK when a program has read
//! all, SACKs that wait for one another.

use super::Connection;
use crate::cause::Rule;
use crate::out::Out;
use crate::resting::words::fold;
use crate::segment::{Flags, Segment};
use crate::seq::Seq;
use crate::time::{Duration, Time};

/// Delay of an ACK before the first data has set one, with exact timers: Linux's ATO of 0 fires with the next tick.
const NO_ATO: Duration = Duration::from_millis(1);
/// Largest adaptive delay where the program is not known to be interactive (Linux `HZ / 2`).
const MAX_ATO: Duration = Duration::from_millis(500);

/// Duplicate ACKs that never wait: with the third the sender knows of a loss (RFC 5681, section 3.2).
const AT_ONCE: u8 = 3;

/// What is owed to the peer.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Acking {
    /// An ACK is owed: why, when it goes out at once or the delay runs out.
    pub scheduled: bool,
    /// It is owed at once.
    pub at_once: Option<Rule>,
    /// The next pure ACK answers ACKs only: without SACK blocks.
    pub bare: bool,
    /// The segment at hand has acknowledged the FIN.
    pub of_fin: bool,
    /// A segment that ended a write, or was smaller than the peer's full size, is among what is unacknowledged.
    pub(super) pushed: bool,
    /// More than one such.
    pushed_twice: bool,
    /// The program answers what it reads: ACKs may ride on its data (Linux "pingpong").
    pub interactive: bool,
    /// ACKs that still go out at once.
    pub(super) quick: u16,
    /// The adaptive delay; zero before the first data.
    pub ato: Duration,
    /// When the delayed ACK is due.
    pub deadline: Time,
    /// When data last arrived.
    pub last_data: Time,
    /// The peer's full segment, as far as it was seen, in bytes.
    pub segment: u32,
    /// Size of the last segment that was not full.
    last_small: u32,
    /// When the interval began in which answers to unacceptable segments are counted; [`Time::NEVER`]: none was sent.
    pub answering: Time,
    /// How many were sent in it.
    pub answered: u8,
    /// Duplicate ACKs at `dup_nxt` that went out at once, up to [`AT_ONCE`].
    dups: u8,
    dup_nxt: Seq,
    /// SACKs that are held back; then `deadline` is theirs.
    held: u8,
}

fold!(Acking {
    scheduled, bare, of_fin, pushed, pushed_twice, interactive, quick, ato, deadline, last_data, segment, last_small, answering,
    answered, dups, dup_nxt, held,
} absent { at_once });

impl Acking {
    /// At the start of a connection; `segment` is a first guess of the peer's segment size.
    pub fn new(now: Time, segment: u32) -> Acking {
        Acking {
            scheduled: false,
            at_once: None,
            bare: false,
            of_fin: false,
            pushed: false,
            pushed_twice: false,
            interactive: false,
            quick: 0,
            ato: Duration::ZERO,
            deadline: Time::NEVER,
            last_data: now,
            segment,
            last_small: 0,
            answering: Time::NEVER,
            answered: 0,
            dups: 0,
            dup_nxt: Seq::default(),
            held: 0,
        }
    }
    /// A segment with an ACK field has gone out.
    pub fn on_ack_sent(&mut self, min: Duration) {
        if self.scheduled && self.quick > 0 {
            self.quick -= 1;
            if self.quick == 0 {
                self.ato = min;
            }
        }
        self.scheduled = false;
        self.at_once = None;
        self.pushed = false;
        self.pushed_twice = false;
        self.deadline = Time::NEVER;
        self.held = 0;
    }
    /// Once an ACK is owed, it is owed at once.
    pub fn hurry(&mut self, why: Rule) {
        self.at_once.get_or_insert(why);
    }
    /// An ACK is owed at once.
    pub fn now(&mut self, why: Rule) {
        self.scheduled = true;
        self.at_once.get_or_insert(why);
    }
    /// An ACK is owed at once, and this is what it is for, whatever else it is for.
    pub fn insist(&mut self, why: Rule) {
        self.scheduled = true;
        self.at_once = Some(why);
    }
    /// Learns the peer's segment size, and whether the segment ended a write (Linux `tcp_measure_rcv_mss`).
    #[inline]
    fn measure(&mut self, segment: &Segment, len: u32, option_bytes: u32, own_mss: u32) {
        let last = std::mem::take(&mut self.last_small);
        if len >= self.segment {
            self.segment = len.min(own_mss);
            self.pushed |= segment.has(Flags::PSH);
            return;
        }
        let pushed = segment.flags.intersects(Flags::PSH | Flags::FIN | Flags::URG);
        if len + option_bytes >= 536 || len + option_bytes >= 88 && !pushed {
            self.last_small = len;
            if len == last {
                self.segment = len;
                return;
            }
        }
        self.pushed_twice |= self.pushed;
        self.pushed = true;
    }
}

impl Connection {
    /// Learns from a segment how large the peer's are, and what memory they take.
    #[inline]
    pub(super) fn measure_segment(&mut self, segment: &Segment) {
        let option_bytes = if self.ts.is_some() { 0 } else { 12 };
        let own_mss = self.rcv.mss;
        let before = self.ack.segment;
        let len = self.size_of(segment.payload.len());
        self.ack.measure(segment, len, option_bytes, own_mss);
        if self.counts_truesize() && len >= before && len != before {
            self.measure_ratio(segment.payload.len());
        }
    }
    /// Data has arrived in order.
    #[inline(always)]
    pub(super) fn on_data_in_order(&mut self, now: Time, segment: &Segment) {
        self.ack.scheduled = true;
        self.measure_segment(segment);
        let rules = &self.config.delayed_ack;
        let since = self.config.ticked(self.ack.last_data, now);
        let rto = || self.snd.queue.rto(&self.config);
        if self.ack.ato == Duration::ZERO {
            let min = rules.min;
            self.quicken(rules.quick);
            self.ack.ato = min;
        } else if rules.adaptive {
            if since <= rules.min / 2 {
                self.ack.ato = self.ack.ato / 2 + rules.min / 2;
            } else if since < self.ack.ato {
                self.ack.ato = (self.ack.ato / 2 + since).min(rto());
            } else if since > rto() {
                // Too long a gap: the peer may be in slow start again and wait for ACKs.
                self.quicken(rules.quick);
            }
        }
        self.ack.last_data = now;
    }
    /// The next ACKs go out at once: up to `max`, fewer with a small window.
    fn quicken(&mut self, max: u8) {
        let segments = self.rcv.wnd / (2 * u64::from(self.ack.segment.max(1)));
        let segments = if segments == 0 { 2 } else { segments };
        let quick = segments.min(u64::from(max)) as u16;
        self.ack.quick = self.ack.quick.max(quick);
    }
    /// The peer needs to hear from us soon (Linux `tcp_enter_quickack_mode`).
    pub(super) fn enter_quick_ack(&mut self, max: u8) {
        self.quicken(max);
        self.ack.interactive = false;
        self.ack.ato = self.config.delayed_ack.min;
    }
    /// `TCP_QUICKACK`: leaves or enters ping-pong mode; not sticky.
    pub(crate) fn set_quick_ack(&mut self, on: bool) {
        self.ack.interactive = !on;
    }
    /// Data goes out: if soon after data came in, the program is interactive.
    pub(super) fn on_data_sent(&mut self, now: Time) {
        if self.config.delayed_ack.adaptive && self.config.ticked(self.ack.last_data, now) < self.ack.ato {
            self.ack.interactive = true;
        }
    }

    /// Sends the ACK that is owed, or starts its delay.
    pub(super) fn acknowledge(&mut self, now: Time, out: &mut Out) {
        if !self.ack.scheduled {
            return;
        }
        match self.due_now() {
            Some(why) => self.send_ack(now, why, out),
            None if self.may_compress() => self.hold_back(now),
            None => self.delay_ack(now, out),
        }
    }
    fn due_now(&mut self) -> Option<Rule> {
        let rules = &self.config.delayed_ack;
        let sack = self.ack.at_once.is_some() && self.may_compress();
        if let Some(why) = self.ack.at_once.filter(|_| !sack) {
            return Some(why);
        }
        let unacknowledged = self.rcv.nxt() - self.rcv.wup;
        let held_back = u64::from(rules.every.max(1) - 1) * u64::from(self.ack.segment);
        if unacknowledged > held_back && self.is_short_of_room() {
            // Whoever is short of room does not hurry (Linux __tcp_select_window).
            self.ack.quick = 0;
        }
        // Linux leaves it to the reader where an ACK could not move the window's edge.
        let useful = || {
            !rules.adaptive
                || self.rcv.buffer.unread() == 0
                || self.select_window() >= self.rcv.wnd
                || self.rcv.fin_received
        };
        if unacknowledged > held_back && useful() {
            return Some(self.ack.at_once.unwrap_or(Rule::AckEverySecond));
        }
        if rules.min == Duration::ZERO {
            return Some(Rule::AckEverySecond);
        }
        if rules.adaptive && self.ack.quick > 0 && !self.ack.interactive {
            return Some(self.ack.at_once.unwrap_or(Rule::AckQuick));
        }
        if !sack || self.holds_back() { None } else { self.ack.at_once }
    }
    /// Whether all that hurries is a segment beyond a gap, of which SACK tells.
    fn may_compress(&self) -> bool {
        let delay = self.config.delayed_ack.compress;
        self.ack.at_once == Some(Rule::AckOutOfOrder) && self.sack && delay > Duration::ZERO
    }
    /// Whether this SACK waits for the next ones; counts those that do not.
    fn holds_back(&mut self) -> bool {
        let nxt = self.rcv.nxt();
        if self.ack.held >= self.config.delayed_ack.compress_count {
            return false;
        }
        if self.ack.dup_nxt != nxt {
            self.ack.dup_nxt = nxt;
            self.ack.dups = 0;
        }
        self.ack.dups += 1;
        self.ack.dups > AT_ONCE
    }
    /// Holds a SACK back.
    fn hold_back(&mut self, now: Time) {
        let rules = self.config.delayed_ack;
        self.ack.dups = AT_ONCE;
        self.ack.at_once = None;
        if self.ack.held == 0 {
            let (rtt, own) = (self.rcv.rtt(), self.snd.queue.srtt());
            let rtt = if own > Duration::ZERO { rtt.min(own) } else { rtt };
            self.ack.deadline = now + rules.compress.min(rtt / 20) + rules.compress_slack;
        }
        self.ack.held += 1;
    }
    fn delay_ack(&mut self, now: Time, out: &mut Out) {
        let rules = self.config.delayed_ack;
        let mut delay = rules.min;
        if rules.adaptive {
            delay = self.ack.ato;
            if delay > rules.min {
                let patient = self.ack.interactive || self.ack.pushed;
                let mut max = if patient { rules.max } else { MAX_ATO };
                if self.snd.queue.srtt() > Duration::ZERO {
                    max = max.min(self.snd.queue.srtt().max(rules.min));
                }
                delay = delay.min(max);
            }
            delay = delay.min(rules.max);
            if self.config.hz.is_none() {
                delay = delay.max(NO_ATO);
            }
        }
        let mut deadline = self.config.fires(now, delay);
        if self.ack.deadline != Time::NEVER {
            if rules.adaptive && self.ack.deadline <= self.config.fires(now, self.ack.ato / 4) {
                return self.send_ack(now, Rule::AckDelayed, out);
            }
            deadline = deadline.min(self.ack.deadline);
        }
        self.ack.deadline = deadline;
    }
    /// The delay has run out.
    pub(super) fn on_ack_deadline(&mut self, now: Time, out: &mut Out) {
        self.ack.deadline = Time::NEVER;
        if !self.ack.scheduled {
            return;
        }
        let rules = self.config.delayed_ack;
        if self.ack.held > 0 {
            return self.send_ack(now, Rule::AckOutOfOrder, out);
        }
        if rules.adaptive {
            if self.ack.interactive {
                self.ack.interactive = false;
                self.ack.ato = rules.min;
            } else {
                self.ack.ato = (self.ack.ato * 2).min(self.snd.queue.rto(&self.config));
            }
        }
        self.send_ack(now, Rule::AckDelayed, out);
    }
    /// The program has read: acknowledges if all was read, or if the window has opened enough to tell (RFC 9293,
    /// section 3.8.6.2.2; Linux `tcp_cleanup_rbuf`).
    pub(super) fn on_read(&mut self, now: Time, out: &mut Out) {
        let adaptive = self.config.delayed_ack.adaptive;
        if adaptive && self.ack.scheduled {
            let drained = self.rcv.buffer.unread() == 0 && !self.rcv.buffer.has_gap();
            let pushed = self.ack.pushed_twice || self.ack.pushed && !self.ack.interactive;
            let two = self.rcv.nxt() - self.rcv.wup > u64::from(self.ack.segment);
            if two || drained && pushed {
                return self.send_ack(now, Rule::AckOnRead, out);
            }
        }
        if self.rcv.fin_received {
            return;
        }
        let before = self.rcv.window();
        if adaptive && 2 * before > self.window_clamp() {
            // Half a window is enough to go on with.
            return;
        }
        if adaptive && 2 * before > self.rcv.largest() {
            return; // whatever has been read
        }
        let after = self.select_window();
        let worth = if adaptive {
            after >= 2 * before
        } else {
            // At least two segments or half the buffer (RFC 9293, section 3.8.6.2.2, as BSD reads it).
            let step = (2 * u64::from(self.rcv.mss)).min(u64::from(self.socket.rcv_buf / 2));
            after >= before + step || before == 0
        };
        if after > 0 && after > before && worth {
            self.send_ack(now, Rule::WindowUpdate, out);
        }
    }
}
