//! The transmit queue: one small record for each segment sent and not yet acknowledged, and the scoreboard of what is
//! SACKed, lost, and sent again.
//!
//! Counters are kept, never recounted. Work is in proportion to what changes: finding a place is a binary search,
//! a SACK block that says nothing new costs one over the (few) SACKed ranges.

use std::collections::VecDeque;
use std::ops::Range;

use crate::resting::words::fold;
use crate::seq::Seq;
use crate::time::Time;

/// Marks of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Hash)]
pub(super) struct Marks(u8);

impl Marks {
    /// The receiver has it, it says.
    pub const SACKED: Marks = Marks(1);
    /// Thought lost.
    pub const LOST: Marks = Marks(2);
    /// Sent again, and that copy is thought to be under way.
    pub const AGAIN: Marks = Marks(4);
    /// Was ever sent again.
    pub const EVER: Marks = Marks(8);

    pub const fn has(self, other: Marks) -> bool {
        self.0 & other.0 != 0
    }
    /// Lost, and not sent again since.
    const fn waits(self) -> bool {
        self.has(Marks::LOST) && !self.has(Marks::AGAIN)
    }
    fn set(&mut self, other: Marks) {
        self.0 |= other.0;
    }
    fn clear(&mut self, other: Marks) {
        self.0 &= !other.0;
    }
}

/// A segment sent. It begins where the one before ends.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Sent {
    /// The sequence number behind it.
    pub end: Seq,
    /// When it was last sent.
    pub at: Time,
    /// Which transmission of the connection that was: orders those of one instant.
    pub order: u32,
    /// What is known of it.
    pub marks: Marks,
    /// It carried PSH, at its end.
    pub pushed: bool,
}

/// Segments and their octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Tally {
    pub segments: u32,
    pub bytes: u64,
}

impl Sent {
    /// Whether this was sent after `other`, a time and an order.
    pub fn sent_after(&self, (at, order): (Time, u32)) -> bool {
        self.at > at || (self.at == at && self.order.wrapping_sub(order) as i32 > 0)
    }
}

impl Tally {
    fn add(&mut self, bytes: u64) {
        self.segments += 1;
        self.bytes += bytes;
    }
    fn remove(&mut self, bytes: u64) {
        self.segments -= 1;
        self.bytes -= bytes;
    }
}

/// Segments sent and not acknowledged, in sequence.
#[derive(Clone, Debug, Hash)]
pub(super) struct Queue {
    /// SND.UNA.
    pub una: Seq,
    records: VecDeque<Sent>,
    /// Transmissions so far, modulo 2^32.
    transmissions: u32,
    /// SND.NXT - SND.UNA: SND.NXT is asked for all the time, the records are not.
    flight: u32,
}

fold!(Queue { una, transmissions, flight } absent { records });

/// A transmission found lost.
#[derive(Clone, Debug, Hash)]
pub(super) struct Loss {
    pub range: Range<Seq>,
    /// Which transmission it was.
    pub order: u32,
}

/// What is known beyond SND.UNA. Exists only while something is amiss.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Scoreboard {
    /// SACKed ranges, ascending, disjoint, not adjacent; their edges are edges of segments.
    ranges: VecDeque<(Seq, Seq)>,
    pub sacked: Tally,
    pub lost: Tally,
    pub again: Tally,
    /// Segments that are lost and wait to be sent again.
    waiting: u32,
    /// No segment that begins below is lost and waiting to be sent again.
    pub hint: Seq,
    /// What was found lost, for a controller that wants to know of each; emptied once it was told.
    pub losses: Vec<Loss>,
}

impl Queue {
    pub fn new(una: Seq) -> Queue {
        Queue { una, records: VecDeque::new(), transmissions: 0, flight: 0 }
    }
    /// The number of the last transmission.
    pub fn last_order(&self) -> u32 {
        self.transmissions
    }
    /// SND.NXT.
    #[inline]
    pub fn nxt(&self) -> Seq {
        self.una + u64::from(self.flight)
    }
    pub fn len(&self) -> usize {
        self.records.len()
    }
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
    pub fn get(&self, i: usize) -> Option<&Sent> {
        self.records.get(i)
    }
    pub fn first(&self) -> Option<&Sent> {
        self.records.front()
    }
    /// Where segment `i` begins; SND.NXT if there is no such segment.
    pub fn start(&self, i: usize) -> Seq {
        match i.checked_sub(1) {
            None => self.una,
            Some(before) => self.records.get(before).map_or(self.nxt(), |r| r.end),
        }
    }
    pub fn range(&self, i: usize) -> Range<Seq> {
        self.start(i)..self.records[i].end
    }
    /// The segment that `seq` lies in; the number of segments if it is SND.NXT or beyond.
    #[inline]
    pub fn index_of(&self, seq: Seq) -> usize {
        // Nearly always one of the ends is asked for.
        if seq <= self.una {
            0
        } else if seq >= self.nxt() {
            self.records.len()
        } else {
            self.search(seq)
        }
    }
    /// The same for what lies between the ends.
    fn search(&self, seq: Seq) -> usize {
        // Nearly all segments are of one length, and then it is known where a number is.
        let guess = (seq.since(self.una) * self.records.len() as u64 / u64::from(self.flight)) as usize;
        if self.start(guess) <= seq && self.records.get(guess).is_some_and(|r| seq < r.end) {
            return guess;
        }
        self.records.partition_point(|r| r.end <= seq)
    }
    pub fn push(&mut self, end: Seq, at: Time) {
        debug_assert!(end > self.nxt(), "a segment without sequence numbers has no place in the queue");
        self.transmissions = self.transmissions.wrapping_add(1);
        let order = self.transmissions;
        // A window is less than 2^30 octets (RFC 7323, section 2.3).
        self.flight = (end - self.una) as u32;
        self.records.push_back(Sent { end, at, order, marks: Marks::default(), pushed: false });
    }
    /// The last segment carried PSH.
    pub fn mark_pushed(&mut self) {
        if let Some(last) = self.records.back_mut() {
            last.pushed = true;
        }
    }
    /// Whether a segment that carried PSH ended below this number.
    pub fn is_pushed(&self, end: Seq) -> bool {
        self.records.get(self.index_of(end - 1)).is_some_and(|r| r.end == end && r.pushed)
    }
    /// Takes the first segment out of the queue, as far as it lies below `ack`: its range and its record, whose end lies
    /// further where some of it stays. `None`: all below `ack` is out.
    #[inline(always)]
    pub fn take_first(&mut self, ack: Seq) -> Option<(Range<Seq>, Sent)> {
        let first = *self.records.front().filter(|_| self.una < ack)?;
        let range = self.una..first.end.min(ack);
        self.flight -= (range.end - range.start) as u32;
        self.una = range.end;
        if first.end <= ack {
            self.records.pop_front();
            if self.records.is_empty() {
                self.records = VecDeque::new(); // an idle connection keeps no room
            }
        }
        Some((range, first))
    }

    /// Splits segments so that `range` is made of whole ones, and returns their indexes.
    pub fn carve(&mut self, range: &Range<Seq>, board: &mut Scoreboard) -> Range<usize> {
        let first = self.split(range.start, board);
        let last = self.split(range.end, board);
        first..last
    }
    /// Splits the segment that `seq` lies inside of; returns the index of the one that begins at `seq`.
    fn split(&mut self, seq: Seq, board: &mut Scoreboard) -> usize {
        let i = self.index_of(seq);
        if i == self.records.len() || self.start(i) >= seq {
            return i;
        }
        let whole = self.records[i];
        board.count_split(whole.marks);
        self.records.insert(i, Sent { end: seq, pushed: false, ..whole });
        i + 1
    }

    /// Makes one segment of `i` and the one behind it, of which nothing is SACKed; the marks are those of the first. Returns the
    /// transmission that the second was.
    pub fn join(&mut self, i: usize, board: &mut Scoreboard) -> Option<u32> {
        let bytes = self.records.get(i + 1)?.end - self.records[i].end;
        let gone = self.records.remove(i + 1)?;
        board.forget(bytes, gone.marks, true);
        let record = &mut self.records[i];
        record.end = gone.end;
        record.pushed |= gone.pushed;
        let ever = gone.marks.has(Marks::EVER);
        if ever {
            record.marks.set(Marks::EVER);
        }
        board.extend(bytes, record.marks);
        Some(gone.order)
    }

    /// Records that segment `i` is sent again.
    pub fn sent_again(&mut self, i: usize, now: Time, board: &mut Scoreboard) {
        let bytes = self.records[i].end - self.start(i);
        self.transmissions = self.transmissions.wrapping_add(1);
        let record = &mut self.records[i];
        record.at = now;
        record.order = self.transmissions;
        if record.marks.waits() {
            // Callers take the first that waits, so none is left below.
            board.waiting -= 1;
            board.hint = board.hint.max(record.end);
        }
        if !record.marks.has(Marks::AGAIN) {
            board.again.add(bytes);
        }
        record.marks.set(Marks::AGAIN);
        record.marks.set(Marks::EVER);
    }

    /// Marks segment `i` as lost; if it was sent again, that copy is. Returns whether it was.
    pub fn mark_lost(&mut self, i: usize, board: &mut Scoreboard) -> Option<LostCopy> {
        let start = self.start(i);
        let record = &mut self.records[i];
        let bytes = record.end - start;
        if record.marks.has(Marks::SACKED) {
            return None;
        }
        let again = record.marks.has(Marks::AGAIN);
        if record.marks.has(Marks::LOST) && !again {
            return None;
        }
        if again {
            record.marks.clear(Marks::AGAIN);
            board.again.remove(bytes);
        }
        if !record.marks.has(Marks::LOST) {
            record.marks.set(Marks::LOST);
            board.lost.add(bytes);
        }
        board.losses.push(Loss { range: start..record.end, order: record.order });
        board.waiting += 1;
        board.hint = board.hint.min(start);
        Some(if again { LostCopy::Retransmission(bytes) } else { LostCopy::Original(bytes) })
    }

    /// Takes back all marks of loss.
    pub fn unmark_lost(&mut self, board: &mut Scoreboard) {
        if board.lost.segments > 0 {
            self.records.iter_mut().for_each(|r| r.marks.clear(Marks::LOST));
            board.lost = Tally::default();
            board.waiting = 0;
        }
    }

    /// Forgets what was SACKed: the receiver may have thrown it away (RFC 2018, section 8).
    pub fn unmark_sacked(&mut self, board: &mut Scoreboard) {
        if board.sacked.segments > 0 {
            self.records.iter_mut().for_each(|r| r.marks.clear(Marks::SACKED));
            board.sacked = Tally::default();
        }
        board.ranges.clear();
    }

    /// Marks the whole segments in `left..right` as SACKed; calls `each` with the range of each that was not and its
    /// record as it was before. What would make more than `holes` holes is passed over.
    pub fn sack(
        &mut self,
        (left, right): (Seq, Seq),
        holes: Option<u16>,
        board: &mut Scoreboard,
        mut each: impl FnMut(Range<Seq>, &Sent),
    ) {
        let (left, right) = (left.max(self.una), right.min(self.nxt()));
        if let Some((from, to)) = board.ranges.back().copied()
            && (from..=to).contains(&left)
            && to < right
        {
            // The last range goes on, as with most of what comes after a loss.
            let end = self.sack_gap(to, right, board, &mut each);
            board.ranges.back_mut().into_iter().for_each(|last| last.1 = end);
            return;
        }
        if left >= right || board.covers(left, right) {
            return;
        }
        // Only whole segments: the rest is as good as not received, since it will be sent again with it.
        let mut first = self.index_of(left);
        if self.start(first) < left {
            first += 1;
        }
        let last = self.index_of(right);
        if first >= last {
            return;
        }
        let (left, right) = (self.start(first), self.records[last - 1].end);
        let mut gap_from = left;
        let (i, j) = board.touching(left, right);
        // Below each range there is a hole.
        if i == j && holes.is_some_and(|most| board.ranges.len() >= usize::from(most)) {
            return;
        }
        for k in i..=j {
            // The gaps between the ranges that this block touches are what is new.
            let range = if k < j { board.ranges[k] } else { (right, right) };
            if gap_from < range.0 {
                self.sack_gap(gap_from, range.0, board, &mut each);
            }
            gap_from = gap_from.max(range.1);
        }
        board.merge(left, right, i, j);
    }
    /// Marks the whole segments in `from..to`, where none is marked as SACKed and one begins; returns where they end.
    fn sack_gap(
        &mut self,
        from: Seq,
        to: Seq,
        board: &mut Scoreboard,
        each: &mut impl FnMut(Range<Seq>, &Sent),
    ) -> Seq {
        let mut start = from;
        for i in self.index_of(from)..self.records.len() {
            let record = &mut self.records[i];
            if record.end > to {
                break;
            }
            let range = start..record.end;
            start = record.end;
            each(range.clone(), record);
            let bytes = range.end - range.start;
            board.waiting -= u32::from(record.marks.waits());
            if record.marks.has(Marks::LOST) {
                board.lost.remove(bytes);
            }
            if record.marks.has(Marks::AGAIN) {
                board.again.remove(bytes);
            }
            record.marks.clear(Marks::LOST);
            record.marks.clear(Marks::AGAIN);
            record.marks.set(Marks::SACKED);
            board.sacked.add(bytes);
        }
        start
    }

    /// Whether segment `i` is lost and waits to be sent again.
    pub fn is_waiting(&self, i: usize) -> bool {
        self.records.get(i).is_some_and(|r| r.marks.waits())
    }
    pub fn is_lost(&self, i: usize) -> bool {
        self.records.get(i).is_some_and(|r| r.marks.has(Marks::LOST))
    }
    pub fn is_sacked(&self, i: usize) -> bool {
        self.records.get(i).is_some_and(|r| r.marks.has(Marks::SACKED))
    }
    /// Whether nothing is known of segment `i` but that it was sent.
    pub fn is_untouched(&self, i: usize) -> bool {
        self.records.get(i).is_some_and(|r| r.marks == Marks::default())
    }

    /// The first segment that is lost and waits to be sent again.
    pub fn next_lost(&self, board: &Scoreboard) -> Option<usize> {
        if board.waiting == 0 {
            return None;
        }
        let from = self.index_of(board.hint.max(self.una));
        self.find(from, self.len(), board, |marks| marks.waits())
    }
    /// The first segment from `from` on that begins below `below` and of which nothing is known.
    pub fn next_untouched(&self, from: Seq, below: Seq, board: &Scoreboard) -> Option<usize> {
        self.find(self.index_of(from), self.index_of(below), board, |marks| marks == Marks::default())
    }
    /// The last segment that is not SACKed.
    pub fn last_unsacked(&self, board: &Scoreboard) -> Option<usize> {
        match board.ranges.back() {
            // Ranges do not adjoin, so what is before one is not SACKed.
            Some((left, right)) if *right == self.nxt() => self.index_of(*left).checked_sub(1),
            _ => self.len().checked_sub(1),
        }
    }
    /// Looks for a segment that is not SACKed, over whole SACKed ranges at once.
    fn find(
        &self,
        from: usize,
        to: usize,
        board: &Scoreboard,
        wanted: impl Fn(Marks) -> bool,
    ) -> Option<usize> {
        let mut i = from;
        while i < to {
            let record = self.records.get(i)?;
            if record.marks.has(Marks::SACKED) {
                i = board.range_end(record.end).map_or(i + 1, |end| self.index_of(end));
            } else if wanted(record.marks) {
                return Some(i);
            } else {
                i += 1;
            }
        }
        None
    }

    #[cfg(test)]
    pub fn recount(&self) -> (Tally, Tally, Tally) {
        let mut tallies = <[Tally; 3]>::default();
        for (i, r) in self.records.iter().enumerate() {
            let bytes = r.end - self.start(i);
            for (tally, mark) in tallies.iter_mut().zip([Marks::SACKED, Marks::LOST, Marks::AGAIN]) {
                if r.marks.has(mark) {
                    tally.add(bytes);
                }
            }
        }
        (tallies[0], tallies[1], tallies[2])
    }
}

/// What was found lost, and its octets.
pub(super) enum LostCopy {
    /// The first copy of a segment.
    Original(u64),
    /// A segment sent again.
    Retransmission(u64),
}

impl Scoreboard {
    pub fn new(una: Seq) -> Scoreboard {
        Scoreboard { hint: una, ..Scoreboard::default() }
    }
    /// Whether nothing is marked.
    #[inline]
    pub fn is_clean(&self) -> bool {
        self.sacked.segments == 0 && self.lost.segments == 0 && self.again.segments == 0
    }
    /// Whether anything is lost and waits to be sent again.
    #[inline]
    pub fn has_waiting(&self) -> bool {
        self.waiting > 0
    }
    /// The highest SACKed sequence number, exclusive.
    pub fn highest_sacked(&self) -> Option<Seq> {
        self.ranges.back().map(|r| r.1)
    }
    #[cfg(test)]
    pub fn ranges(&self) -> Vec<(Seq, Seq)> {
        self.ranges.iter().copied().collect()
    }
    /// Everything below is lost in the sense of IsLost (RFC 6675, section 4): `thresh` discontiguous SACKed
    /// sequences, or more than `thresh - 1` segments of SACKed octets, lie above it. `None`: nothing is.
    pub fn lost_below(&self, thresh: u32, mss: u64) -> Option<Seq> {
        let limit = u64::from(thresh.saturating_sub(1)) * mss;
        let mut bytes = 0;
        for (n, (left, right)) in self.ranges.iter().rev().enumerate() {
            bytes += *right - *left;
            if n as u64 + 1 >= u64::from(thresh) || bytes > limit {
                return Some(*left);
            }
        }
        None
    }
    /// Number of SACKed ranges that end below `seq`. Mostly there is one range, or the last is asked for.
    #[inline]
    fn ending_below(&self, seq: Seq) -> usize {
        match self.ranges.back() {
            Some(last) if last.1 >= seq && self.ranges.len() == 1 => 0,
            Some(last) if last.1 >= seq => self.ranges.partition_point(|r| r.1 < seq),
            _ => self.ranges.len(),
        }
    }
    fn covers(&self, left: Seq, right: Seq) -> bool {
        let i = self.ending_below(right);
        self.ranges.get(i).is_some_and(|r| r.0 <= left)
    }
    /// The end of the SACKed range that `seq` lies in or ends.
    fn range_end(&self, seq: Seq) -> Option<Seq> {
        let i = self.ending_below(seq);
        self.ranges.get(i).filter(|r| r.0 <= seq).map(|r| r.1)
    }
    /// The ranges that overlap or adjoin `left..right`, as indexes.
    fn touching(&self, left: Seq, right: Seq) -> (usize, usize) {
        let i = self.ending_below(left);
        let j = i + self.ranges.range(i..).take_while(|r| r.0 <= right).count();
        (i, j)
    }
    fn merge(&mut self, left: Seq, right: Seq, i: usize, j: usize) {
        if i == j {
            self.ranges.insert(i, (left, right));
            return;
        }
        self.ranges[i] = (left.min(self.ranges[i].0), right.max(self.ranges[j - 1].1));
        self.ranges.drain(i + 1..j);
    }
    pub fn drop_below(&mut self, una: Seq) {
        while self.ranges.front().is_some_and(|r| r.1 <= una) {
            self.ranges.pop_front();
        }
        if let Some(first) = self.ranges.front_mut() {
            first.0 = first.0.max(una);
        }
    }
    /// The counts that a segment with these marks is in.
    fn counted(&mut self, marks: Marks) -> impl Iterator<Item = &mut Tally> {
        [(Marks::SACKED, &mut self.sacked), (Marks::LOST, &mut self.lost), (Marks::AGAIN, &mut self.again)]
            .into_iter()
            .filter_map(move |(mark, tally)| marks.has(mark).then_some(tally))
    }
    /// `bytes` of a segment with these marks are acknowledged; `whole`: none are left.
    pub fn forget(&mut self, bytes: u64, marks: Marks, whole: bool) {
        self.waiting -= u32::from(whole && marks.waits());
        for tally in self.counted(marks) {
            tally.bytes -= bytes;
            tally.segments -= u32::from(whole);
        }
    }
    /// A segment with these marks has become longer.
    fn extend(&mut self, bytes: u64, marks: Marks) {
        for tally in self.counted(marks) {
            tally.bytes += bytes;
        }
    }
    fn count_split(&mut self, marks: Marks) {
        self.waiting += u32::from(marks.waits());
        for tally in self.counted(marks) {
            tally.segments += 1;
        }
    }
}
