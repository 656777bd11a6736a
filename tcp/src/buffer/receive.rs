//! What arrived: in order, waiting for the program; out of order, waiting for what is missing.

use std::collections::BTreeMap;
use std::ops::Range;

use super::few::Few;
use super::{gather, merge};
use crate::payload::Payload;
use crate::ranges::RangeSet;
use crate::resting::words::fold;
use crate::segment::SackBlocks;
use crate::seq::Seq;

/// Received data up to RCV.NXT that the program has not read, and what lies beyond a gap (RFC 9293, section 3.10.7.4,
/// seventh). FIN is the connection's business: it has no place here.
#[derive(Clone, Debug, Hash)]
pub struct ReceiveBuffer {
    /// RCV.NXT as far as data goes.
    nxt: Seq,
    /// Bytes in order and unread.
    unread: u64,
    /// Bytes of the first piece that were read.
    skip: u32,
    /// In order and unread.
    pieces: Few<Payload>,
    /// Beyond the first gap. Absent while nothing is.
    beyond: Option<Box<Beyond>>,
}

fold!(ReceiveBuffer { nxt, unread, skip } absent { pieces, beyond });

/// Data that cannot be delivered yet.
#[derive(Clone, Debug, Default, Hash)]
struct Beyond {
    /// Which numbers are held.
    ranges: RangeSet,
    /// Each piece by the number of its first byte. Pieces do not overlap.
    pieces: BTreeMap<Seq, Payload>,
    /// A number within each of the ranges that changed last, the latest first (RFC 2018, section 4).
    recent: [Option<Seq>; 4],
}

/// What became of a segment's data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// By how many bytes RCV.NXT went ahead.
    pub advanced: u64,
    /// New bytes that were kept beyond a gap.
    pub held: u64,
    /// Data that had been beyond a gap was delivered by this segment.
    pub filled_gap: bool,
    /// The first stretch of the segment that had been received before (RFC 2883, section 4).
    pub duplicate: Option<Range<Seq>>,
}

impl ReceiveBuffer {
    /// An empty buffer; the first byte will have the number `nxt`.
    pub const fn new(nxt: Seq) -> ReceiveBuffer {
        ReceiveBuffer { nxt, unread: 0, skip: 0, pieces: Few::new(), beyond: None }
    }

    /// Takes the data of a segment that begins at `seq`. What lies at or beyond `edge`, the right edge of the window,
    /// is cut off, and so is what was received before: the bytes that came first stay.
    #[inline]
    pub fn insert(&mut self, seq: Seq, data: &Payload, edge: Seq) -> Inserted {
        let end = (seq + u64::from(data.len())).min(edge);
        if seq == self.nxt && self.beyond.is_none() && seq < end {
            let advanced = end - seq;
            if advanced < u64::from(data.len()) {
                self.append(&data.slice(0, advanced as u32));
            } else {
                self.append(data);
            }
            return Inserted { advanced, ..Inserted::default() };
        }
        if let Some(beyond) = &mut self.beyond
            && seq < end
            && beyond.ranges.last_end() == Some(seq)
        {
            // The next behind the highest block, as most of what comes after a loss.
            let held = end - seq;
            beyond.extend_last(seq, data.slice(0, held as u32));
            return Inserted { held, ..Inserted::default() };
        }
        let mut result =
            Inserted { duplicate: self.duplicate(seq, seq + u64::from(data.len())), ..Inserted::default() };
        let start = seq.max(self.nxt);
        if start >= end {
            // Wholly old: still the latest that arrived, if it lies in a block (RFC 2883, section 4, rule 4).
            return result;
        }
        if start > self.nxt {
            result.held = self.hold(seq, data, start..end);
        } else {
            let before = self.nxt;
            result.filled_gap = self.deliver(seq, data, end);
            result.advanced = self.nxt - before;
        }
        result
    }

    /// The first stretch of `seq..end` that is already here.
    fn duplicate(&self, seq: Seq, end: Seq) -> Option<Range<Seq>> {
        if seq >= end {
            None
        } else if seq < self.nxt {
            Some(seq..end.min(self.nxt))
        } else {
            self.beyond.as_ref()?.ranges.first_overlap(seq..end)
        }
    }

    /// Keeps the new parts of `range` beyond the gap; returns how many bytes that were.
    fn hold(&mut self, seq: Seq, data: &Payload, range: Range<Seq>) -> u64 {
        let beyond = self.beyond.get_or_insert_default();
        let Beyond { ranges, pieces, .. } = &mut **beyond;
        let mut held = 0;
        // One segment can fill several gaps; each is at least one byte of it, so this ends.
        while let Some(gap) = { ranges.gaps(range.clone()).next() } {
            if ranges.insert(gap.clone()) == 0 {
                break; // as many ranges as there may be
            }
            held += gap.end - gap.start;
            let piece = data.slice((gap.start - seq) as u32, (gap.end - gap.start) as u32);
            keep(pieces, gap, piece);
        }
        beyond.touch(range.start);
        if beyond.ranges.is_empty() {
            self.beyond = None;
        }
        held
    }

    /// Delivers the data up to `end`, which begins at or below RCV.NXT, and what is in order behind it. Returns
    /// whether anything was.
    fn deliver(&mut self, seq: Seq, data: &Payload, end: Seq) -> bool {
        let mut filled = false;
        let Some(mut beyond) = self.beyond.take() else {
            self.append(&data.slice((self.nxt - seq) as u32, (end - self.nxt) as u32));
            return false;
        };
        while self.nxt < end || beyond.pieces.first_key_value().is_some_and(|(at, _)| *at <= self.nxt) {
            match beyond.pieces.first_key_value() {
                Some((at, _)) if *at <= self.nxt => {
                    if let Some((_, piece)) = beyond.pieces.pop_first() {
                        filled = true;
                        self.append(&piece);
                    }
                }
                first => {
                    let to = first.map_or(end, |(at, _)| end.min(*at));
                    self.append(&data.slice((self.nxt - seq) as u32, (to - self.nxt) as u32));
                }
            }
        }
        beyond.ranges.remove_below(self.nxt);
        if !beyond.ranges.is_empty() {
            self.beyond = Some(beyond);
        }
        filled
    }

    /// Takes data that is next in order where nothing lies beyond a gap, and all of it within the window.
    #[inline]
    pub fn append(&mut self, data: &Payload) {
        let len = u64::from(data.len());
        self.nxt += len;
        self.unread += len;
        if self.pieces.is_empty() {
            self.pieces.push_back(data.clone()); // as where a program reads all that comes
        } else {
            self.append_behind(data);
        }
    }
    #[inline(never)]
    fn append_behind(&mut self, data: &Payload) {
        if !self.pieces.back_mut().is_some_and(|last| merge(last, data)) {
            self.pieces.push_back(data.clone());
        }
    }

    /// Takes up to `max` bytes in order, as one. Copies only across pieces.
    pub fn read(&mut self, max: u32) -> Payload {
        let max = u64::from(max).min(self.unread);
        if max == 0 {
            return Payload::Empty;
        }
        if max == self.unread
            && self.skip == 0
            && let Some(whole) = self.pieces.take_only()
        {
            self.unread = 0;
            return whole; // as where a program reads all that has just come
        }
        let data = match self.pieces.front() {
            Some(first) if u64::from(first.len() - self.skip) >= max => first.slice(self.skip, max as u32),
            _ => gather(self.pieces.iter(), self.skip, max),
        };
        let mut left = u64::from(data.len());
        self.unread -= left;
        left += u64::from(self.skip);
        self.skip = 0;
        while let Some(piece) = self.pieces.front() {
            if left < u64::from(piece.len()) {
                self.skip = left as u32;
                break;
            }
            left -= u64::from(piece.len());
            self.pieces.pop_front();
        }
        data
    }
    /// Up to `max` bytes in order from the `skip`th unread one on; they stay. Copies only across pieces.
    pub fn look(&self, skip: u32, max: u32) -> Payload {
        let left = self.unread.saturating_sub(u64::from(skip));
        let mut skip = u64::from(skip) + u64::from(self.skip);
        let passed = self.pieces.iter().take_while(|piece| {
            let whole = skip >= u64::from(piece.len());
            skip -= if whole { u64::from(piece.len()) } else { 0 };
            whole
        });
        let passed = passed.count();
        match left.min(u64::from(max)) {
            0 => Payload::Empty,
            max => gather(self.pieces.iter_from(passed), skip as u32, max),
        }
    }
    /// Takes everything in order away, unseen: the reader is gone. What is beyond a gap stays.
    pub fn discard_unread(&mut self) {
        self.pieces.clear();
        self.unread = 0;
        self.skip = 0;
    }
    /// The byte with the number `seq`, if it is here and unread: for urgent data.
    pub fn peek(&self, seq: Seq) -> Option<u8> {
        let mut at = self.nxt - (self.unread + u64::from(self.skip));
        if seq < at + u64::from(self.skip) || seq >= self.nxt {
            return None;
        }
        for piece in self.pieces.iter() {
            let next = at + u64::from(piece.len());
            if seq < next {
                return Some(piece.byte((seq - at) as u32));
            }
            at = next;
        }
        None
    }

    /// Pieces of data that are kept.
    pub fn pieces_held(&self) -> usize {
        self.pieces.len() + self.beyond.as_ref().map_or(0, |beyond| beyond.pieces.len())
    }

    /// RCV.NXT as far as data goes: the number of the first byte that is missing.
    pub fn nxt(&self) -> Seq {
        self.nxt
    }
    /// Bytes in order and unread.
    pub fn unread(&self) -> u64 {
        self.unread
    }
    /// Bytes kept beyond a gap.
    pub fn held(&self) -> u64 {
        self.beyond.as_ref().map_or(0, |beyond| beyond.ranges.total())
    }
    /// Whether anything is kept beyond a gap.
    pub fn has_gap(&self) -> bool {
        self.beyond.is_some()
    }
    /// How many blocks are kept beyond gaps.
    pub fn blocks(&self) -> usize {
        self.beyond.as_ref().map_or(0, |beyond| beyond.ranges.len())
    }
    /// Whether `range` overlaps or adjoins a block beyond a gap.
    pub fn touches(&self, range: Range<Seq>) -> bool {
        let wider = range.start - 1..range.end + 1;
        self.beyond.as_ref().is_some_and(|beyond| beyond.ranges.first_overlap(wider).is_some())
    }
    /// The number behind the highest byte received.
    pub fn highest(&self) -> Seq {
        self.beyond.as_ref().and_then(|beyond| beyond.ranges.last()).map_or(self.nxt, |r| r.end)
    }
    /// The block beyond a gap that holds `seq`.
    pub fn block_at(&self, seq: Seq) -> Option<Range<Seq>> {
        self.beyond.as_ref()?.ranges.containing(seq)
    }
    /// Appends up to `max` SACK blocks to `blocks`: the one that changed last first, then those reported before it
    /// (RFC 2018, section 4).
    pub fn sack_blocks(&self, max: usize, blocks: &mut SackBlocks) {
        let Some(beyond) = &self.beyond else { return };
        beyond
            .recent
            .iter()
            .flatten()
            .filter_map(|seq| beyond.ranges.containing(*seq))
            .take(max)
            .for_each(|block| blocks.push(block.start.wire(), block.end.wire()));
    }
}

/// Puts `piece`, whose numbers are `at`, among `pieces`, and joins it to its neighbours where that is worth it: no two
/// adjoining pieces are both small, whatever the order of arrival.
fn keep(pieces: &mut BTreeMap<Seq, Payload>, at: Range<Seq>, piece: Payload) {
    let mut start = None;
    if let Some((before, last)) = pieces.range_mut(..at.start).next_back()
        && *before + u64::from(last.len()) == at.start
        && merge(last, &piece)
    {
        start = Some(*before);
    }
    let start = start.unwrap_or_else(|| {
        pieces.insert(at.start, piece);
        at.start
    });
    if let Some(next) = pieces.get(&at.end).cloned()
        && pieces.get_mut(&start).is_some_and(|joined| merge(joined, &next))
    {
        pieces.remove(&at.end);
    }
}

impl Beyond {
    /// Keeps `piece`, which begins at `seq`, where the highest range ends.
    fn extend_last(&mut self, seq: Seq, piece: Payload) {
        self.ranges.extend_last(u64::from(piece.len()));
        if !self.pieces.last_entry().is_some_and(|mut last| merge(last.get_mut(), &piece)) {
            self.pieces.insert(seq, piece);
        }
        let [latest, before, ..] = self.recent;
        if before.is_some() || latest != self.ranges.last().map(|block| block.start) {
            self.touch(seq);
        }
    }
    /// The range that holds `seq` is now the one that changed last.
    fn touch(&mut self, seq: Seq) {
        let Some(block) = self.ranges.containing(seq) else { return };
        let is_other = |seq: &Seq| !block.contains(seq) && self.ranges.contains(*seq);
        let others = self.recent.iter().flatten().copied().filter(is_other);
        let mut recent = [Some(block.start), None, None, None];
        for (slot, other) in recent[1..].iter_mut().zip(others) {
            *slot = Some(other);
        }
        self.recent = recent;
    }
}
