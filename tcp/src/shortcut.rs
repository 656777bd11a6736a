//! Short ways for what happens all the time: they leave out what is known to have no effect, and do nothing that the long
//! way would not do. So that this stays true, every test of this crate takes both ways wherever a short one is taken, and
//! compares what they leave behind.

use std::fmt::Debug;
use std::hash::Hash;

use crate::out::Out;

/// Takes the `short` way, which does with `subject` and `out` exactly what the `long` one would.
#[inline(always)]
pub(crate) fn shortcut<S: Clone + Hash, R: PartialEq + Debug>(
    subject: &mut S,
    out: &mut Out,
    short: impl FnOnce(&mut S, &mut Out) -> R,
    long: impl FnOnce(&mut S, &mut Out) -> R,
) -> R {
    #[cfg(test)]
    return tests::both(subject, out, short, long);
    #[cfg(not(test))]
    {
        let _ = long;
        short(subject, out)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;
    use std::hash::Hasher;

    use super::*;

    thread_local! {
        static TAKEN: Cell<u64> = const { Cell::new(0) };
        static DEPTH: Cell<u32> = const { Cell::new(0) };
    }

    /// How often this thread has taken a short way, those within another not counted.
    pub(crate) fn taken() -> u64 {
        TAKEN.get()
    }

    /// Everything that a state consists of.
    #[derive(Default)]
    struct Whole(Vec<u8>);

    impl Hasher for Whole {
        fn finish(&self) -> u64 {
            0
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
    }

    fn whole(state: &impl Hash) -> Vec<u8> {
        let mut whole = Whole::default();
        state.hash(&mut whole);
        whole.0
    }

    fn append(out: &mut Out, mut ours: Out) {
        out.segments.append(&mut ours.segments);
        out.notes.append(&mut ours.notes);
        out.stamps.append(&mut ours.stamps);
        let (wake, new) = (&mut out.wake, ours.wake);
        wake.connected |= new.connected;
        wake.readable |= new.readable;
        wake.writable |= new.writable;
        wake.urgent |= new.urgent;
        wake.failed |= new.failed;
        wake.closed |= new.closed;
    }

    /// Takes both ways, compares, and goes on from where the short one has led.
    pub(super) fn both<S: Clone + Hash, R: PartialEq + Debug>(
        subject: &mut S,
        out: &mut Out,
        short: impl FnOnce(&mut S, &mut Out) -> R,
        long: impl FnOnce(&mut S, &mut Out) -> R,
    ) -> R {
        TAKEN.set(TAKEN.get() + u64::from(DEPTH.get() == 0));
        DEPTH.set(DEPTH.get() + 1);
        let empty = || Out { verbose: out.verbose, ..Out::default() };
        let (mut twin, mut theirs, mut ours) = (subject.clone(), empty(), empty());
        let expected = long(&mut twin, &mut theirs);
        let result = short(subject, &mut ours);
        assert_eq!(result, expected);
        assert_eq!(ours.segments, theirs.segments);
        assert_eq!((ours.wake, &ours.notes), (theirs.wake, &theirs.notes));
        assert_eq!(ours.stamps, theirs.stamps);
        assert!(ours.time_wait.is_none() && ours.fast_open.is_empty());
        assert!(theirs.time_wait.is_none() && theirs.fast_open.is_empty());
        assert!(whole(subject) == whole(&twin), "the short way leads elsewhere");
        append(out, ours);
        DEPTH.set(DEPTH.get() - 1);
        result
    }
}
