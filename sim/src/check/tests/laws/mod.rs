//! Each law is broken once, by one change to what happened in a run that keeps them all, and the checkers tell of that law,
//! there and then, and of no other.
//!
//! [`broken`] matches exhaustively: a new law does not compile without something that breaks it.

mod answers;
mod closing;
mod liveness;
pub(super) mod run;
mod sequence;

use tcp::State;

use self::run::{A, B, Watched, tuple};
use crate::check::{Law, Violation, unrest};
use crate::{Record, What};

/// What the checkers tell of a run in which this law, and no other, is broken. Of each way to break it one.
fn broken(law: Law) -> Vec<Vec<Violation>> {
    match law {
        // Of streams and panics nothing passes here: `stream.rs`, and `find::fuzz` of the package above.
        Law::StreamIntact | Law::NoPanic => Vec::new(),
        Law::SequenceSpace
        | Law::FreshNumbers
        | Law::AckOfUnsent
        | Law::UnsentIgnored
        | Law::AckRetreats
        | Law::BeyondWindow
        | Law::TakesBeyondWindow
        | Law::WindowRetreats
        | Law::BeyondMss
        | Law::FinMoves
        | Law::WellFormed => sequence::broken(law),
        Law::LegalTransition
        | Law::ResetExact
        | Law::FinAcknowledged
        | Law::TimeWaitLasts
        | Law::TimeWaitAnswers
        | Law::TimeWaitYields => closing::broken(law),
        Law::PawsExact | Law::BacksOff | Law::GivesUp | Law::AckStorm => answers::broken(law),
        Law::TimerRuns
        | Law::TimerEnds
        | Law::OneTimer
        | Law::Conservation
        | Law::CwndBounds
        | Law::RtoBounds
        | Law::RtoMeasured
        | Law::MemoryBounds
        | Law::WorkBounds
        | Law::ComesToRest => liveness::broken(law),
    }
}

#[test]
fn a_run_that_keeps_them_is_told_of_none() {
    let watched = Watched::new().until(|_| false);
    assert_eq!(watched.checks.found(), []);
    assert_eq!(unrest(&watched.sim, Some(&watched.checks)), []);
    // It is the run that the others change: two connections, both in TIME-WAIT and out of it.
    let over = |r: &&Record| matches!(r.what, What::State { from: State::TimeWait, to: State::Closed, .. });
    assert_eq!(watched.sim.records().iter().filter(over).count(), 2);
}

#[test]
fn each_law_can_be_broken_and_is_told_of() {
    let mut shown = 0;
    for law in Law::ALL {
        shown += usize::from(!broken(*law).is_empty());
        for (i, found) in broken(*law).iter().enumerate() {
            assert!(!found.is_empty(), "{law}, number {i}: not told of");
            for violation in found {
                assert_eq!(violation.law, *law, "number {i}: {violation:?}");
                assert!(violation.event > 0 && violation.excuse.is_none(), "{violation:?}");
                let node_and_tuple = (violation.node, violation.tuple);
                let conserved = matches!(law, Law::Conservation);
                assert!(
                    conserved
                        || [(A, Some(tuple())), (B, Some(tuple().reversed()))].contains(&node_and_tuple),
                    "{violation:?}"
                );
            }
            assert!(law.source().starts_with("RFC ") || law.source() == "conservation", "{law}");
        }
    }
    assert_eq!(shown, Law::ALL.len() - 2);
}
