use super::Spread;

#[test]
fn percentiles_of_a_hundred_numbers() {
    let mut spread = Spread::default();
    (1..=100).for_each(|n| spread.add(n * 1_000_000));
    assert_eq!((spread.count(), spread.min(), spread.max()), (100, 1_000_000, 100_000_000));
    assert_eq!(spread.mean(), 50_500_000);
    for (ppm, right) in
        [(10_000, 1_000_000), (500_000, 50_000_000), (990_000, 99_000_000), (1_000_000, 100_000_000)]
    {
        let found = spread.quantile(ppm);
        assert!(found.abs_diff(right) <= right / 100, "{ppm}: {found} for {right}");
    }
}

#[test]
fn zeros_count_too() {
    let mut spread = Spread::default();
    (0..90).for_each(|_| spread.add(0));
    (0..10).for_each(|_| spread.add(7));
    assert_eq!((spread.quantile(900_000), spread.quantile(900_001), spread.quantile(1_000_000)), (0, 7, 7));
    let mut both = Spread::default();
    both.add_all(&spread);
    both.add_all(&spread);
    assert_eq!((both.count(), both.sum(), both.quantile(500_000)), (200, 140, 0));
    assert_eq!(Spread::default().quantile(500_000), 0);
}

#[test]
fn nothing_is_too_large() {
    let mut spread = Spread::default();
    spread.add(u64::MAX);
    spread.add(u64::MAX);
    assert_eq!((spread.mean(), spread.quantile(500_000)), (u64::MAX, u64::MAX));
}
