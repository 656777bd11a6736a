//! The set against a naive model: one bit a number.

use proptest::prelude::*;

use super::*;

const SPAN: u64 = 64;
const BASE: u64 = (1 << 32) - 20; // so that the wire's numbers wrap inside the span

fn seq(n: u64) -> Seq {
    Seq(BASE + n)
}

#[derive(Clone, Debug)]
enum Op {
    Insert(u64, u64),
    RemoveBelow(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..SPAN, 0..12u64).prop_map(|(at, len)| Op::Insert(at, len)),
        1 => (0..SPAN).prop_map(Op::RemoveBelow),
    ]
}

fn check(set: &RangeSet, model: &[bool]) {
    let in_model = |n: u64| model.get(n as usize).copied().unwrap_or(false);
    let span = model.len() as u64;
    // Ordered, disjoint, not adjoining, none empty.
    let ranges: Vec<_> = set.iter().collect();
    assert!(ranges.iter().all(|r| r.start < r.end));
    assert!(ranges.windows(2).all(|w| w[0].end < w[1].start), "{ranges:?}");
    assert_eq!(set.len(), ranges.len());
    assert_eq!(set.total(), model.iter().filter(|b| **b).count() as u64);
    assert_eq!((set.first(), set.last()), (ranges.first().cloned(), ranges.last().cloned()));
    for n in 0..span {
        assert_eq!(set.contains(seq(n)), in_model(n), "{n} in {ranges:?}");
        let gap = set.first_gap(seq(n));
        let start = (n..span).find(|i| !in_model(*i)).unwrap_or(span);
        let end = (start..span).find(|i| in_model(*i));
        assert_eq!(gap, end.map(|end| seq(start)..seq(end)), "gap from {n} in {ranges:?}");
    }
    for (a, b) in [(0, span), (3, 17), (20, 41), (9, 9)] {
        let missing: u64 = set.gaps(seq(a)..seq(b)).map(|g| g.end - g.start).sum();
        let held = (a..b).filter(|n| in_model(*n)).count() as u64;
        assert_eq!(missing, b - a - held);
        assert_eq!(set.count_in(seq(a)..seq(b)), held);
        assert!(set.gaps(seq(a)..seq(b)).all(|g| (g.start.0..g.end.0).all(|n| !in_model(n - BASE))));
        assert_eq!(set.covers(seq(a)..seq(b)), held == b - a);
        let first = (a..b).find(|n| in_model(*n));
        assert_eq!(set.first_overlap(seq(a)..seq(b)).map(|r| r.start), first.map(seq));
    }
}

proptest! {
    #[test]
    fn behaves_like_one_bit_a_number(ops in proptest::collection::vec(op(), 0..40)) {
        let mut set = RangeSet::new();
        let mut model = vec![false; (SPAN + 12) as usize];
        for op in ops {
            match op {
                Op::Insert(at, len) => {
                    let cells = &mut model[at as usize..(at + len) as usize];
                    let new = cells.iter().filter(|b| !**b).count() as u64;
                    cells.fill(true);
                    prop_assert_eq!(set.insert(seq(at)..seq(at + len)), new);
                }
                Op::RemoveBelow(at) => {
                    model[..at as usize].fill(false);
                    set.remove_below(seq(at));
                }
            }
            check(&set, &model);
        }
    }
}

/// SAFE/SEGSMACK, SAFE/SACK-SLOW: however a peer scatters its ranges, the set stays bounded.
#[test]
fn refuses_one_range_too_many() {
    let mut set = RangeSet::new();
    for i in 0..10_000 {
        set.insert(seq(2 * i)..seq(2 * i + 1));
    }
    assert_eq!(set.len(), RangeSet::MAX_RANGES);
    // What joins a range that is there costs nothing and is taken.
    assert_eq!(set.insert(seq(1)..seq(2)), 1);
    assert_eq!(set.len(), RangeSet::MAX_RANGES - 1);
}

#[test]
fn empty_allocates_nothing() {
    assert_eq!(RangeSet::new().ranges.capacity(), 0);
    assert_eq!(size_of::<RangeSet>(), 40);
}
