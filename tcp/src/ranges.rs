//! A set of sequence numbers, kept as ordered, disjoint, half-open ranges.
//!
//! Serves the reassembly of what arrived out of order and the scoreboard of what the peer has selectively
//! acknowledged. Sorted, in a ring: numbers are added above and removed below. A handful of ranges, and at worst
//! [`RangeSet::MAX_RANGES`].

use std::collections::VecDeque;
use std::ops::Range;

use crate::seq::Seq;

/// Ordered, disjoint, not adjoining, half-open ranges. Allocates nothing while empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RangeSet {
    /// (start, end), ascending.
    ranges: VecDeque<(Seq, Seq)>,
    /// Sum of their lengths.
    total: u64,
}

impl RangeSet {
    /// Bound on the number of ranges, so that no peer can make the set large or slow (SACK slowness, SegmentSmack).
    pub const MAX_RANGES: usize = 2048;

    /// An empty set.
    pub const fn new() -> RangeSet {
        RangeSet { ranges: VecDeque::new(), total: 0 }
    }
    /// Adds a range and returns how many of its numbers were new. A range that would be one too many is refused:
    /// nothing is added, and the answer is zero. An empty range adds nothing.
    pub fn insert(&mut self, range: Range<Seq>) -> u64 {
        if range.start >= range.end {
            return 0;
        }
        // The common case first: at the upper end, or beyond it.
        let from = match self.ranges.back() {
            Some(last) if range.start > last.1 => self.ranges.len(),
            _ => self.ranges.partition_point(|r| r.1 < range.start),
        };
        let to = from + self.ranges.range(from..).take_while(|r| r.0 <= range.end).count();
        if from == to {
            if self.ranges.len() >= Self::MAX_RANGES {
                return 0;
            }
            self.ranges.insert(from, (range.start, range.end));
            let new = range.end - range.start;
            self.total += new;
            return new;
        }
        let old: u64 = self.ranges.range(from..to).map(|r| r.1 - r.0).sum();
        let merged = (range.start.min(self.ranges[from].0), range.end.max(self.ranges[to - 1].1));
        self.ranges[from] = merged;
        self.ranges.drain(from + 1..to);
        let new = (merged.1 - merged.0) - old;
        self.total += new;
        new
    }
    /// Removes all numbers below `seq`.
    pub fn remove_below(&mut self, seq: Seq) {
        while let Some((start, end)) = self.ranges.front().copied().filter(|r| r.1 <= seq) {
            self.total -= end - start;
            self.ranges.pop_front();
        }
        if let Some(first) = self.ranges.front_mut()
            && first.0 < seq
        {
            self.total -= seq - first.0;
            first.0 = seq;
        }
    }
    /// Removes everything. Keeps the allocation.
    pub fn clear(&mut self) {
        self.ranges.clear();
        self.total = 0;
    }
    /// Whether `seq` is in the set.
    pub fn contains(&self, seq: Seq) -> bool {
        self.containing(seq).is_some()
    }
    /// Whether all of `range` is in the set; an empty range is.
    pub fn covers(&self, range: Range<Seq>) -> bool {
        range.start >= range.end || self.containing(range.start).is_some_and(|r| r.end >= range.end)
    }
    /// The range that holds `seq`.
    pub fn containing(&self, seq: Seq) -> Option<Range<Seq>> {
        // Mostly there is one range.
        let alone = self.ranges.len() == 1 && self.ranges[0].1 > seq;
        let i = if alone { 0 } else { self.ranges.partition_point(|r| r.1 <= seq) };
        self.ranges.get(i).filter(|r| r.0 <= seq).map(|r| r.0..r.1)
    }
    /// The first stretch of `range` that is in the set.
    pub fn first_overlap(&self, range: Range<Seq>) -> Option<Range<Seq>> {
        let i = self.ranges.partition_point(|r| r.1 <= range.start);
        let r = self.ranges.get(i)?;
        (r.0 < range.end && range.start < range.end).then(|| r.0.max(range.start)..r.1.min(range.end))
    }
    /// The first gap at or above `from`: from the lowest number not in the set to the next that is. `None`: nothing
    /// in the set lies above `from`'s gap, so the gap has no end.
    pub fn first_gap(&self, from: Seq) -> Option<Range<Seq>> {
        let i = self.ranges.partition_point(|r| r.1 <= from);
        match self.ranges.get(i) {
            Some(r) if r.0 <= from => self.ranges.get(i + 1).map(|next| r.1..next.0),
            Some(r) => Some(from..r.0),
            None => None,
        }
    }
    /// The stretches of `range` that are not in the set, ascending.
    pub fn gaps(&self, range: Range<Seq>) -> impl Iterator<Item = Range<Seq>> + '_ {
        let mut at = range.start;
        let mut i = self.ranges.partition_point(|r| r.1 <= range.start);
        std::iter::from_fn(move || {
            while at < range.end {
                match self.ranges.get(i) {
                    Some(r) if r.0 <= at => {
                        at = r.1;
                        i += 1;
                    }
                    next => {
                        let gap = at..next.map_or(range.end, |r| r.0.min(range.end));
                        at = gap.end;
                        return Some(gap);
                    }
                }
            }
            None
        })
    }
    /// The lowest range.
    pub fn first(&self) -> Option<Range<Seq>> {
        self.ranges.front().map(|r| r.0..r.1)
    }
    /// The highest range.
    pub fn last(&self) -> Option<Range<Seq>> {
        self.ranges.back().map(|r| r.0..r.1)
    }
    /// Where the highest range ends.
    #[inline]
    pub fn last_end(&self) -> Option<Seq> {
        self.ranges.back().map(|r| r.1)
    }
    /// Adds the next `n` numbers behind the highest range, if there is one.
    pub fn extend_last(&mut self, n: u64) {
        if let Some(last) = self.ranges.back_mut() {
            last.1 += n;
            self.total += n;
        }
    }
    /// The ranges, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Range<Seq>> + ExactSizeIterator + '_ {
        self.ranges.iter().map(|r| r.0..r.1)
    }
    /// How many numbers of `range` are in the set.
    pub fn count_in(&self, range: Range<Seq>) -> u64 {
        let from = self.ranges.partition_point(|r| r.1 <= range.start);
        self.ranges
            .range(from..)
            .take_while(|r| r.0 < range.end)
            .map(|r| r.1.min(range.end).since(r.0.max(range.start)))
            .sum()
    }
    /// Number of ranges.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }
    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
    /// Number of sequence numbers in the set.
    pub fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests;
