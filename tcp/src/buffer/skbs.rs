//! How Linux would cut what is queued for sending into socket buffers ("skbs"): what marks they carry, where segments
//! end, and what memory they take.

use std::collections::VecDeque;

use crate::resting::words::fold;
use crate::seq::Seq;

/// The skbs from the first unacknowledged byte to the last queued one. None is empty.
#[derive(Clone, Debug, Default, Hash)]
pub struct Skbs {
    list: VecDeque<Skb>,
    /// Where an skb was cut last: near it the next one is looked for, which is nearly always there.
    near: usize,
}

fold!(Skbs { near } absent { list });

/// An skb: it begins where the one before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Skb {
    /// The number behind its last byte.
    pub end: Seq,
    /// Its last byte is pushed.
    pub push: bool,
    /// Nothing may join it (`MSG_EOR`).
    pub sealed: bool,
}

impl Skbs {
    /// None.
    pub const fn new() -> Skbs {
        Skbs { list: VecDeque::new(), near: 0 }
    }
    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.len()
    }
    /// The last, if it begins at or behind `nxt`: none of it was sent. And where it begins.
    pub fn unsent_tail(&mut self, una: Seq, nxt: Seq) -> Option<(Seq, &mut Skb)> {
        let start = match self.list.len() {
            0 => return None,
            1 => una,
            n => self.list[n - 2].end,
        };
        let tail = self.list.back_mut().filter(|tail| start >= nxt && tail.end > nxt)?;
        Some((start, tail))
    }
    /// Begins another skb.
    pub fn push(&mut self, end: Seq) {
        self.list.push_back(Skb { end, push: false, sealed: false });
    }
    /// The skb that holds the byte `at`, and whether it is the last.
    pub fn holding(&self, at: Seq) -> Option<(Skb, bool)> {
        let i = self.position(at);
        Some((*self.list.get(i)?, i + 1 == self.list.len()))
    }
    /// Whether an skb that is pushed ends at `end`.
    pub fn is_pushed(&self, end: Seq) -> bool {
        let i = self.position(end - 1);
        self.list.get(i).is_some_and(|skb| skb.push && skb.end == end)
    }
    /// Cuts the skb that holds both the byte `at` and one before it.
    pub fn split(&mut self, una: Seq, at: Seq) {
        let i = self.position(at);
        self.near = i;
        let start = if i == 0 { una } else { self.list[i - 1].end };
        if i < self.list.len() && at > start {
            // What marks its end stays with the second part.
            self.list.insert(i, Skb { end: at, push: false, sealed: false });
        }
    }
    /// Makes one skb of what lies between `start`, where one begins, and `end`. It keeps the marks of those that go into it
    /// whole.
    pub fn join(&mut self, una: Seq, start: Seq, end: Seq) {
        self.split(una, end);
        let (from, to) = (self.position(start), self.position(end - 1));
        if from < to && to < self.list.len() {
            let whole = self.list.drain(from..to).any(|skb| skb.push);
            self.list[from].push |= whole;
        }
    }
    /// The skb that ends at `end` is pushed.
    pub fn push_at(&mut self, end: Seq) {
        let i = self.position(end - 1);
        if let Some(skb) = self.list.get_mut(i).filter(|skb| skb.end == end) {
            skb.push = true;
        }
    }
    /// Everything below `una` is acknowledged.
    pub fn ack_to(&mut self, una: Seq) {
        while self.list.front().is_some_and(|skb| skb.end <= una) {
            self.list.pop_front();
            self.near = self.near.saturating_sub(1);
        }
        if self.list.is_empty() {
            self.list = VecDeque::new(); // an idle connection keeps no room
        }
    }
    /// Index of the skb that holds the byte `at`.
    fn position(&self, at: Seq) -> usize {
        let end = |i: usize| self.list.get(i).map_or(Seq(u64::MAX), |skb| skb.end);
        let near = self.near;
        if near > 0 && end(near - 1) > at {
            return if near == 1 || end(near - 2) <= at { near - 1 } else { self.search(at) };
        }
        match () {
            () if end(near) > at => near,
            () if end(near + 1) > at => near + 1,
            () => self.search(at),
        }
    }
    #[inline(never)]
    fn search(&self, at: Seq) -> usize {
        self.list.partition_point(|skb| skb.end <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(n: u64) -> Seq {
        Seq(n)
    }

    #[test]
    fn cut_and_acknowledged() {
        let mut skbs = Skbs::new();
        let una = seq(100);
        assert!(skbs.unsent_tail(una, una).is_none());
        skbs.push(seq(300));
        skbs.push(seq(400));
        skbs.unsent_tail(una, una).unwrap().1.push = true;
        assert!(skbs.is_pushed(seq(400)) && !skbs.is_pushed(seq(300)));
        skbs.split(una, seq(350));
        skbs.split(una, seq(300));
        skbs.split(una, seq(100));
        skbs.split(una, seq(400));
        assert_eq!(skbs.count(), 3);
        assert!(skbs.is_pushed(seq(400)) && !skbs.is_pushed(seq(350)));
        let ends = [(100, 300), (299, 300), (300, 350), (399, 400)];
        assert!(ends.iter().all(|(at, end)| skbs.holding(seq(*at)).unwrap().0.end == seq(*end)));
        assert!(skbs.holding(seq(399)).unwrap().1 && !skbs.holding(seq(300)).unwrap().1);
        // The tail counts as unsent only if nothing of it was sent.
        assert!(skbs.unsent_tail(una, seq(350)).is_some());
        assert!(skbs.unsent_tail(una, seq(351)).is_none() && skbs.unsent_tail(una, seq(400)).is_none());
        skbs.ack_to(seq(320));
        assert_eq!(skbs.count(), 2);
        skbs.ack_to(seq(400));
        assert_eq!((skbs.count(), skbs.holding(seq(400))), (0, None));
    }

    /// What goes again together is one skb from then on, pushed if one of its parts was that ends in it.
    #[test]
    fn joined() {
        let una = seq(100);
        let queued = |pushed: &[u64]| {
            let mut skbs = Skbs::new();
            (2..=5).for_each(|n| skbs.push(seq(n * 100)));
            pushed.iter().for_each(|end| skbs.push_at(seq(*end)));
            skbs
        };
        let ends = |skbs: &Skbs| skbs.list.iter().map(|skb| (skb.end.0, skb.push)).collect::<Vec<_>>();
        let mut skbs = queued(&[300]);
        skbs.join(una, seq(200), seq(400));
        assert_eq!(ends(&skbs), [(200, false), (400, true), (500, false)]);
        // A part of the last: its mark stays with the rest.
        let mut skbs = queued(&[200, 400]);
        skbs.join(una, seq(200), seq(350));
        assert_eq!(ends(&skbs), [(200, true), (350, false), (400, true), (500, false)]);
        // One alone, and all.
        skbs.join(una, seq(350), seq(400));
        assert_eq!(ends(&skbs), [(200, true), (350, false), (400, true), (500, false)]);
        skbs.join(una, seq(100), seq(500));
        assert_eq!(ends(&skbs), [(500, true)]);
    }
}
