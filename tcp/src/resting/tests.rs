use proptest::prelude::*;

use super::Folder;
use super::words::{Fold, GROUP, Reader, Words, pack};
use crate::Config;
use crate::connection::tests::Pair;
use crate::seq::{Seq, SeqNum};
use crate::tcb::Tcb;
use crate::time::{Duration, Time};

type Row = Vec<(u64, (Seq, Time), (SeqNum, Option<Duration>), bool)>;

fn words_of(row: &Row) -> Vec<[u64; GROUP]> {
    let mut words = Words::default();
    for (number, (seq, time), (wire, wait), flag) in row {
        number.fold(&mut words);
        (*seq, *time).fold(&mut words);
        (*wire, *wait).fold(&mut words);
        flag.fold(&mut words);
    }
    words.row().expect("all of it has numbers").to_vec()
}

/// Numbers of all lengths, the ends of their range among them.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), (0u64..64).prop_map(|shift| 1 << shift)]
}

fn row() -> impl Strategy<Value = Row> {
    let time = prop_oneof![Just(Time::NEVER), number().prop_map(|n| Time::from_nanos(n >> 2))];
    let moments = (any::<u32>().prop_map(|n| Seq(n.into())), time);
    let rest = (any::<u32>().prop_map(SeqNum), prop::option::of(number().prop_map(Duration::from_nanos)));
    prop::collection::vec((number(), moments, rest, any::<bool>()), 0..12)
}

proptest! {
    /// Whatever the pattern, and whether it is longer or shorter: what was written is read.
    #[test]
    fn a_row_is_read_as_it_was_written(row in row(), pattern in row()) {
        let (words, pattern) = (words_of(&row), words_of(&pattern));
        let mut bytes = vec![0; 3];
        pack(&words, &pattern, &mut bytes);
        let mut from = Reader::new(&bytes[3..], &pattern);
        for entry in &row {
            let read = (Fold::unfold(&mut from), Fold::unfold(&mut from), Fold::unfold(&mut from), Fold::unfold(&mut from));
            prop_assert_eq!(&read, entry);
        }
    }
}

fn at_rest(config: Config) -> Pair {
    let mut pair = Pair::established(config.clone(), config);
    pair.write('a', 100);
    pair.run_for(300);
    pair.read('b', 100).expect("it has arrived");
    pair.write('b', 1000);
    pair.run_for(300);
    pair.read('a', 1000).expect("it has arrived");
    pair.run_for(300);
    pair
}

/// A hundred bytes, where one like it is known.
#[test]
fn a_connection_at_rest_is_small() {
    for config in [Config::linux(), Config::rfc(), Config::freebsd()] {
        let mut pair = at_rest(config);
        let mut folder = Folder::default();
        assert!(folder.fold(pair.connection('a')).is_some());
        // A little more was sent and received, later.
        pair.write('a', 3);
        pair.run_for(300);
        pair.read('b', 3).expect("it has arrived");
        pair.run_for(700);
        let size = folder.fold(pair.connection('a')).expect("it is at rest").bytes.len();
        assert!(size < 100, "{size}");
    }
}

/// A folded connection is still there for whoever asks, and goes on at the next call.
#[test]
fn a_folded_connection_goes_on() {
    let mut plain = at_rest(Config::linux());
    let mut folded = at_rest(Config::linux());
    let mut folder = Folder::default();
    assert!(folded.a.rest(&mut folder) && folded.b.rest(&mut folder));
    assert!(matches!((&folded.a, &folded.b), (Tcb::Resting(_), Tcb::Resting(_))));
    assert_eq!(format!("{:?}", folded.a.info(folded.now)), format!("{:?}", plain.a.info(plain.now)));
    assert_eq!((folded.a.deadline(), folded.a.state()), (plain.a.deadline(), plain.a.state()));
    assert!(folded.b.would_block() && matches!(folded.b, Tcb::Resting(_)));
    for pair in [&mut plain, &mut folded] {
        pair.write('b', 5000);
        pair.run_for(300);
        pair.close('b');
        pair.run_for(300);
    }
    assert_eq!(plain.take_log(), folded.take_log());
}

/// What is in flight, unread or waits is not at rest.
#[test]
fn a_busy_connection_is_not_folded() {
    let mut folder = Folder::default();
    let mut pair = at_rest(Config::linux());
    pair.write('a', 10);
    assert!(!pair.a.rest(&mut folder), "in flight");
    pair.run_for(300);
    assert!(pair.a.rest(&mut folder));
    assert!(!pair.b.rest(&mut folder), "unread");
    pair.read('b', 10).expect("it has arrived");
    assert!(pair.b.rest(&mut folder));
}
