//! A connection at rest, folded small.
//!
//! While nothing is queued, in flight, unread or amiss, a connection is a row of some two hundred numbers, nearly all of
//! which it has in common with its neighbours: a [`Resting`] keeps those that differ, in a tenth of the memory. Folding and
//! unfolding change nothing: any call on [`Tcb`](crate::Tcb) finds the connection as it was. When to fold is the host's
//! business; a connection that is busy should not be.

pub(crate) mod words;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::connection::Connection;
use crate::state::State;
use crate::time::Time;
use words::{Fold, GROUP, Reader, Words, pack};

/// So many kinds of connections at most are folded on one host.
const KINDS: usize = 8;
/// So many places of connections that were folded are kept for those that are unfolded.
const SPARE: usize = 256;

/// What connections of one kind have in common: they are folded as their difference from this one.
pub(crate) struct Pattern {
    like: Connection,
    row: Vec<[u64; GROUP]>,
}

/// Folds the connections of a host, and unfolds them.
#[derive(Default)]
pub struct Folder {
    /// By kind: by configuration.
    patterns: Vec<Arc<Pattern>>,
    /// At rest, all of them.
    #[expect(clippy::vec_box, reason = "it is the boxes that are kept")]
    spare: Vec<Box<Connection>>,
    words: Words,
    bytes: Vec<u8>,
}

/// A connection at rest.
#[derive(Clone)]
pub struct Resting {
    pattern: Arc<Pattern>,
    /// Its deadline in nanoseconds, the lowest byte first; then the row.
    bytes: Box<[u8]>,
}

impl Folder {
    /// Folds a connection; `None`: it is not at rest, or there are too many kinds.
    pub(crate) fn fold(&mut self, connection: &Connection) -> Option<Resting> {
        let Folder { patterns, words, bytes, .. } = self;
        words.begin();
        connection.fold(words);
        let row = words.row()?;
        let pattern = pattern_of(patterns, connection, row)?;
        bytes.clear();
        bytes.extend(connection.deadline().as_nanos().to_le_bytes());
        pack(row, &pattern.row, bytes);
        Some(Resting { pattern, bytes: bytes.as_slice().into() })
    }
    /// The connection as it was, in the place of one that was folded.
    pub(crate) fn unfold(&mut self, resting: &Resting) -> Box<Connection> {
        let Some(mut place) = self.spare.pop() else { return Box::new(resting.unfold()) };
        resting.unfold_into(&mut place);
        place
    }
    /// Keeps the place of a connection that was folded.
    pub(crate) fn keep(&mut self, place: Box<Connection>) {
        if self.spare.len() < SPARE {
            self.spare.push(place);
        }
    }
}

/// The pattern for this connection, which becomes one if there is none.
fn pattern_of(
    patterns: &mut Vec<Arc<Pattern>>,
    like: &Connection,
    row: &[[u64; GROUP]],
) -> Option<Arc<Pattern>> {
    if let Some(known) = patterns.iter().find(|known| Arc::ptr_eq(known.like.config(), like.config())) {
        return Some(Arc::clone(known));
    }
    if patterns.len() >= KINDS {
        patterns.retain(|pattern| Arc::strong_count(pattern) > 1);
    }
    (patterns.len() < KINDS).then(|| {
        let pattern = Arc::new(Pattern { like: like.clone(), row: row.to_vec() });
        patterns.push(Arc::clone(&pattern));
        pattern
    })
}

impl Resting {
    /// The connection as it was.
    #[cold]
    pub(crate) fn unfold(&self) -> Connection {
        let mut connection = self.pattern.like.clone();
        self.unfold_into(&mut connection);
        connection
    }
    fn unfold_into(&self, place: &mut Connection) {
        place.unfold_into(self.pattern.like.config(), &mut self.reader());
    }
    fn reader(&self) -> Reader<'_> {
        Reader::new(self.parts().1, &self.pattern.row)
    }
    /// The state.
    pub(crate) fn state(&self) -> State {
        State::unfold(&mut self.reader())
    }
    /// [`Connection::deadline`]: a host may ask for it often.
    pub(crate) fn deadline(&self) -> Time {
        Time::from_nanos(u64::from_le_bytes(self.parts().0))
    }
    fn parts(&self) -> ([u8; 8], &[u8]) {
        self.bytes.split_first_chunk().map_or(([0xff; 8], &[]), |(deadline, row)| (*deadline, row))
    }
}

/// As the connection itself: that it is folded makes no difference to what will happen.
impl Hash for Resting {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.unfold().hash(state);
    }
}

/// Without the places that wait to be used again.
impl Clone for Folder {
    fn clone(&self) -> Folder {
        Folder { patterns: self.patterns.clone(), ..Folder::default() }
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Folder({} patterns)", self.patterns.len())
    }
}

#[cfg(test)]
mod tests;
