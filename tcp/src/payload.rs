//! Payload, described rather than copied.
//!
//! Bulk traffic carries a *pattern*: which stream, from which offset, how many bytes. A receiver verifies it by
//! continuity. Real bytes are shared slices. Encoding to bytes happens only at the edges.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Bytes of a stream: described, or shared.
#[derive(Clone, Default)]
pub enum Payload {
    /// No bytes.
    #[default]
    Empty,
    /// `len` bytes of the generated stream `stream`, from `offset` on. The byte at offset `o` is
    /// [`pattern_byte`]`(stream, o)`.
    Pattern {
        /// Which stream; two streams differ in their bytes.
        stream: u32,
        /// Offset of the first byte in that stream.
        offset: u64,
        /// Number of bytes.
        len: u32,
    },
    /// A slice of shared bytes.
    Bytes {
        /// The allocation, shared by all slices of it.
        buf: Arc<[u8]>,
        /// First byte of this slice.
        start: u32,
        /// Number of bytes.
        len: u32,
    },
}

/// The byte at `offset` of the generated stream `stream`.
pub fn pattern_byte(stream: u32, offset: u64) -> u8 {
    pattern_word(stream, offset)[(offset & 7) as usize]
}
/// The eight bytes among which the one at `offset` is.
fn pattern_word(stream: u32, offset: u64) -> [u8; 8] {
    // Mixes well enough that a shifted or foreign stretch shows within a few bytes: the stream reaches the low bits,
    // and the high ones come down.
    let word = (offset >> 3) ^ u64::from(stream).wrapping_mul(0xd134_2543_de82_ef95);
    let word = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (word ^ (word >> 32)).to_le_bytes()
}

/// How many of `len` bytes from `offset` on stand before the first whole word.
fn before_words(offset: u64, len: u32) -> usize {
    ((8 - (offset & 7)) & 7).min(u64::from(len)) as usize
}
/// Whether `bytes` are those of the generated stream from `offset` on.
fn is_pattern(stream: u32, offset: u64, bytes: &[u8]) -> bool {
    let (head, words) = bytes.split_at(before_words(offset, bytes.len() as u32));
    let (words, tail) = words.as_chunks::<8>();
    let middle = offset + head.len() as u64;
    let behind = middle + 8 * words.len() as u64;
    let each =
        |bytes: &[u8], from: u64| bytes.iter().zip(from..).all(|(b, at)| *b == pattern_byte(stream, at));
    each(head, offset)
        && words.iter().zip((middle..).step_by(8)).all(|(word, at)| *word == pattern_word(stream, at))
        && each(tail, behind)
}

impl Payload {
    /// A slice that owns a copy of `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Payload {
        if bytes.is_empty() {
            return Payload::Empty;
        }
        Payload::Bytes { buf: Arc::from(bytes), start: 0, len: bytes.len() as u32 }
    }
    /// Number of bytes.
    pub fn len(&self) -> u32 {
        match self {
            Payload::Empty => 0,
            Payload::Pattern { len, .. } | Payload::Bytes { len, .. } => *len,
        }
    }
    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The byte at index `i`.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Payload::len).
    pub fn byte(&self, i: u32) -> u8 {
        assert!(i < self.len(), "payload index {i} out of {}", self.len());
        match self {
            Payload::Empty => unreachable!("checked above"),
            Payload::Pattern { stream, offset, .. } => pattern_byte(*stream, offset + u64::from(i)),
            Payload::Bytes { buf, start, .. } => buf[(start + i) as usize],
        }
    }
    /// `len` bytes from index `start` on, cut to what there is. Copies nothing.
    pub fn slice(&self, start: u32, len: u32) -> Payload {
        let start = start.min(self.len());
        let len = len.min(self.len() - start);
        match self {
            _ if len == 0 => Payload::Empty,
            Payload::Empty => Payload::Empty,
            Payload::Pattern { stream, offset, .. } => {
                Payload::Pattern { stream: *stream, offset: offset + u64::from(start), len }
            }
            Payload::Bytes { buf, start: s, .. } => {
                Payload::Bytes { buf: Arc::clone(buf), start: s + start, len }
            }
        }
    }
    /// Appends `next` if the two are one described stretch (a pattern that goes on, adjoining slices of one
    /// allocation). Returns whether it did.
    pub fn try_append(&mut self, next: &Payload) -> bool {
        match (&mut *self, next) {
            (_, Payload::Empty) => true,
            (Payload::Empty, _) => {
                *self = next.clone();
                true
            }
            (
                Payload::Pattern { stream, offset, len },
                Payload::Pattern { stream: s2, offset: o2, len: l2 },
            ) if stream == s2 && *offset + u64::from(*len) == *o2 && len.checked_add(*l2).is_some() => {
                *len += l2;
                true
            }
            (Payload::Bytes { buf, start, len }, Payload::Bytes { buf: b2, start: s2, len: l2 })
                if Arc::ptr_eq(buf, b2) && *start + *len == *s2 =>
            {
                *len += l2;
                true
            }
            _ => false,
        }
    }
    /// `self` followed by `next`; copies only where the two cannot be described as one.
    pub fn concat(mut self, next: &Payload) -> Payload {
        if self.try_append(next) {
            return self;
        }
        let mut bytes = Vec::with_capacity(self.len() as usize + next.len() as usize);
        self.extend_vec(&mut bytes);
        next.extend_vec(&mut bytes);
        Payload::from_bytes(&bytes)
    }
    /// The bytes themselves.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len() as usize);
        self.extend_vec(&mut bytes);
        bytes
    }
    /// Appends the bytes themselves to `out`.
    pub fn extend_vec(&self, out: &mut Vec<u8>) {
        match self {
            Payload::Empty => {}
            Payload::Pattern { stream, offset, len } => {
                let start = out.len();
                out.resize(start + *len as usize, 0);
                let (head, words) = out[start..].split_at_mut(before_words(*offset, *len));
                for (byte, at) in head.iter_mut().zip(*offset..) {
                    *byte = pattern_byte(*stream, at);
                }
                let (words, tail) = words.as_chunks_mut::<8>();
                let mut at = offset + head.len() as u64;
                for word in words {
                    *word = pattern_word(*stream, at);
                    at += 8;
                }
                for (byte, at) in tail.iter_mut().zip(at..) {
                    *byte = pattern_byte(*stream, at);
                }
            }
            Payload::Bytes { buf, start, len } => {
                out.extend_from_slice(&buf[*start as usize..(*start + *len) as usize]);
            }
        }
    }
}

/// Equal when the bytes are equal, however they are described.
impl PartialEq for Payload {
    fn eq(&self, other: &Payload) -> bool {
        match (self, other) {
            (
                Payload::Pattern { stream, offset, len },
                Payload::Pattern { stream: s2, offset: o2, len: l2 },
            ) if stream == s2 && offset == o2 => len == l2,
            _ if self.len() != other.len() => false,
            (Payload::Pattern { stream, offset, .. }, Payload::Bytes { buf, start, len })
            | (Payload::Bytes { buf, start, len }, Payload::Pattern { stream, offset, .. }) => {
                is_pattern(*stream, *offset, &buf[*start as usize..(*start + *len) as usize])
            }
            _ => (0..self.len()).all(|i| self.byte(i) == other.byte(i)),
        }
    }
}
impl Eq for Payload {}

/// For digests of a whole world, never for a table: by description, so that equal bytes described in two ways differ, and
/// nothing that differs is taken for equal.
impl Hash for Payload {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Payload::Empty => state.write_u8(0),
            Payload::Pattern { stream, offset, len } => (1_u8, stream, offset, len).hash(state),
            Payload::Bytes { buf, start, len } => {
                state.write_u8(2);
                buf.get(*start as usize..(*start + *len) as usize).hash(state);
            }
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payload::Empty => f.write_str("empty"),
            Payload::Pattern { stream, offset, len } => write!(f, "pattern#{stream}[{offset}+{len}]"),
            Payload::Bytes { .. } => write!(f, "{:?}", String::from_utf8_lossy(&self.to_vec())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However a stretch lies among the words that the pattern is made of.
    #[test]
    fn a_pattern_is_its_bytes_and_no_others() {
        for (offset, len) in (0..9).flat_map(|offset| (0..27).map(move |len| (offset, len))) {
            let pattern = Payload::Pattern { stream: 3, offset, len };
            let mut bytes = vec![9];
            pattern.extend_vec(&mut bytes);
            assert_eq!(bytes.remove(0), 9);
            assert_eq!(bytes, (0..len).map(|i| pattern.byte(i)).collect::<Vec<_>>());
            let read = Payload::from_bytes(&bytes);
            assert_eq!(pattern, read, "{offset} {len}");
            assert_eq!(read, pattern, "{offset} {len}");
            assert!(pattern != read.slice(1, len) || len == 0);
            for place in 0..bytes.len() {
                bytes[place] ^= 0x10;
                assert!(pattern != Payload::from_bytes(&bytes), "{offset} {len} {place}");
                bytes[place] ^= 0x10;
            }
        }
    }
}
