//! RACK (RFC 8985, section 6): a segment is lost when one sent later has arrived and a reordering window has passed.
//!
//! Instead of a list of all segments by time of transmission there are two that are in that order by nature: the
//! queue itself for segments sent once, and [`Order`] for those sent again.

use std::collections::VecDeque;

use super::Echo;
use super::queue::{LostCopy, Marks, Queue, Scoreboard, Sent};
use crate::resting::words::fold;
use crate::seq::Seq;
use crate::time::{Duration, Time};

/// Recoveries after which a widened reordering window goes back (section 6.2, step 4).
const PERSIST: u8 = 16;

/// What RACK keeps of a connection.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Rack {
    /// RACK.segment, the one sent last of those delivered: when. RFC 8985 breaks ties by sequence number, which
    /// takes a retransmission for older than what went out before it at the same instant; so not here.
    at: Time,
    order: u32,
    rtt: Duration,
    /// Highest delivered sequence number.
    fack: Seq,
    /// The round that a D-SACK widened the window in ends when this is acknowledged; zero: there is none.
    dsack_round: Seq,
    reordering_seen: bool,
    mult: u8,
    persist: u8,
    /// Something changed since losses were looked for.
    pub advanced: bool,
}

fold!(Rack { at, order, rtt, fack, dsack_round, reordering_seen, mult, persist, advanced });

/// Segments sent again, in the order of their transmission, and how far those sent once were looked at.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Order {
    again: VecDeque<(Time, Seq)>,
    /// All segments sent once that begin below are lost or SACKed.
    pub scanned: Seq,
}

impl Order {
    pub fn push(&mut self, at: Time, end: Seq) {
        self.again.push_back((at, end));
    }
    /// Whether nothing was sent again that is still listed.
    #[inline]
    pub fn is_clear(&self) -> bool {
        self.again.is_empty()
    }
    pub fn clear(&mut self) {
        self.again.clear();
        self.scanned = Seq::default();
    }
}

impl Rack {
    pub fn new(una: Seq) -> Rack {
        Rack {
            at: Time::ZERO,
            order: 0,
            rtt: Duration::ZERO,
            fack: una,
            dsack_round: Seq(0),
            reordering_seen: false,
            mult: 1,
            persist: 0,
            advanced: false,
        }
    }

    /// A segment was delivered (steps 2 and 3). `echo`: when the copy that TSecr names was sent; `latest`: its round trip
    /// counts even if another was sent later ([`Config::rack_rtt_of_last`](crate::Config)).
    #[inline]
    pub fn delivered(&mut self, now: Time, sent: &Sent, echo: Option<Echo>, min_rtt: Duration, latest: bool) {
        let rtt = now.since(sent.at);
        if sent.marks.has(Marks::EVER) {
            // 8985/6.2-MOSTRECENT: an earlier copy, or too soon for this one.
            let stale = echo.is_some_and(|echo| echo.to <= sent.at);
            if stale || rtt < min_rtt {
                return;
            }
        } else if sent.end < self.fack {
            self.reordering_seen = true;
        }
        self.fack = self.fack.max(sent.end);
        self.advanced = true;
        if sent.sent_after((self.at, self.order)) {
            (self.at, self.order, self.rtt) = (sent.at, sent.order, rtt);
        } else if latest {
            self.rtt = rtt;
        }
    }

    /// Whether the first segment outstanding, and so each behind it, was sent once, and after all that is known to have
    /// arrived: there is nothing to judge.
    pub fn knows_nothing_of(&self, first: &Sent) -> bool {
        first.marks == Marks::default() && first.sent_after((self.at, self.order))
    }
    /// Something that was sent again had only been overtaken.
    pub fn reordering(&mut self) {
        self.reordering_seen = true;
    }
    /// Retransmissions were needless, so what was taken for their arrival was the originals': nothing sent later has
    /// been delivered for certain.
    pub fn rewind(&mut self) {
        (self.at, self.order) = (Time::ZERO, 0);
        self.advanced = true;
    }

    /// Adapts the reordering window (step 4).
    pub fn adapt(&mut self, dsack: bool, una: Seq, nxt: Seq) {
        if una >= self.dsack_round {
            self.dsack_round = Seq(0);
        }
        if dsack && self.dsack_round == Seq(0) {
            self.dsack_round = nxt;
            self.mult = self.mult.saturating_add(1);
            self.persist = PERSIST;
        }
    }
    /// A recovery has ended.
    pub fn recovery_ended(&mut self) {
        self.persist = self.persist.saturating_sub(1);
        if self.persist == 0 {
            self.mult = 1;
        }
    }
    /// The reordering window. `certain`: in recovery, or as many SACKed as make a duplicate ACK count.
    pub fn reo_wnd(&self, certain: bool, min_rtt: Duration, srtt: Duration) -> Duration {
        if !self.reordering_seen && certain {
            return Duration::ZERO;
        }
        // 8985/6.2-REOWND, 8985/2-BOUND
        (min_rtt * u64::from(self.mult) / 4).min(srtt)
    }
    /// The round-trip time by which a timeout judges (section 6.3).
    pub fn rtt(&self) -> Duration {
        self.rtt
    }

    /// Marks losses (step 5). Returns what was found, and when the next one is due.
    pub fn detect(
        &mut self,
        now: Time,
        reo_wnd: Duration,
        queue: &mut Queue,
        board: &mut Scoreboard,
        order: &mut Order,
    ) -> Found {
        self.advanced = false;
        let mut found = Found::default();
        let (newest, wait) = ((self.at, self.order), self.rtt + reo_wnd);
        let judge = |sent: &Sent| {
            if sent.sent_after(newest) {
                Verdict::Later
            } else if sent.at + wait <= now {
                Verdict::Lost
            } else {
                Verdict::At(sent.at + wait)
            }
        };
        // Sent once: the queue is in order of time.
        let from = queue.index_of(order.scanned.max(queue.una));
        let mut contiguous = true;
        // The timer is for the last of those that wait (section 6.2: when all of them would be lost), so all are looked at.
        for i in from..queue.len() {
            let Some(record) = queue.get(i) else { break };
            let once = !record.marks.has(Marks::EVER);
            let settled = record.marks.has(Marks::SACKED) || record.marks.has(Marks::LOST);
            if !settled && !record.marks.has(Marks::AGAIN) {
                match judge(record) {
                    Verdict::Lost => found.count(queue.mark_lost(i, board)),
                    Verdict::At(time) => {
                        found.due(time);
                        contiguous = false;
                    }
                    Verdict::Later if once => break,
                    Verdict::Later => contiguous = false,
                }
            }
            if contiguous {
                order.scanned = queue.start(i + 1);
            }
        }
        // Sent again.
        let current = |queue: &Queue, (sent, seg_end): (Time, Seq)| {
            let i = queue.index_of(seg_end - 1);
            let record =
                queue.get(i).filter(|r| r.end == seg_end && r.at == sent && r.marks.has(Marks::AGAIN));
            record.filter(|_| seg_end > queue.una).map(|record| (i, judge(record)))
        };
        let mut first = None; // what is known of the first that stays
        while let Some(copy) = order.again.front() {
            match current(queue, *copy) {
                Some((i, Verdict::Lost)) => found.count(queue.mark_lost(i, board)),
                Some((_, verdict)) => {
                    first = Some(verdict);
                    break;
                }
                None => {}
            }
            order.again.pop_front();
        }
        for copy in &order.again {
            match first.take().or_else(|| current(queue, *copy).map(|(_, verdict)| verdict)) {
                Some(Verdict::At(time)) => found.due(time),
                Some(Verdict::Later) => break,
                Some(Verdict::Lost) | None => {}
            }
        }
        found
    }
}

enum Verdict {
    /// Sent after RACK.segment: nothing is known.
    Later,
    Lost,
    /// Lost then, if nothing comes.
    At(Time),
}

/// What a look for losses brought.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Found {
    /// Octets newly thought lost.
    pub bytes: u64,
    /// Retransmissions are among them.
    pub retransmission: bool,
    /// When to look again: all that waits now is lost then, if nothing comes.
    pub due: Option<Time>,
}

impl Found {
    pub fn count(&mut self, lost: Option<LostCopy>) {
        match lost {
            None => {}
            Some(LostCopy::Original(bytes)) => self.bytes += bytes,
            Some(LostCopy::Retransmission(bytes)) => {
                self.bytes += bytes;
                self.retransmission = true;
            }
        }
    }
    fn due(&mut self, time: Time) {
        self.due = self.due.max(Some(time));
    }
}
