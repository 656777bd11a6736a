//! Sequence numbers: 32 bits on the wire, 64 bits and ordered inside.
//!
//! On the wire a number has no order (`<` modulo 2^32 is not transitive), so [`SeqNum`] has none. Inside an
//! endpoint every number is an [`Seq`], a plain ordered 64-bit count; [`Seq::near`] is the one place where a wire
//! number becomes one.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A sequence number as it stands in a segment (RFC 9293, section 3.4). Not ordered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SeqNum(pub u32);

/// A sequence number inside an endpoint: ordered, never wraps. Its low 32 bits are the wire's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

impl SeqNum {
    /// The number `n` further on, modulo 2^32.
    pub const fn add(self, n: u32) -> SeqNum {
        SeqNum(self.0.wrapping_add(n))
    }
    /// The distance from `base` to `self`, modulo 2^32.
    pub const fn distance_from(self, base: SeqNum) -> u32 {
        self.0.wrapping_sub(base.0)
    }
}

impl Seq {
    /// The first number of a stream whose initial sequence number is `isn`. One lap above zero, so that
    /// numbers just below the initial one can be expressed.
    pub const fn initial(isn: SeqNum) -> Seq {
        Seq(isn.0 as u64 + (1 << 32))
    }
    /// The number that `wire` stands for: the one nearest to `reference`.
    pub const fn near(reference: Seq, wire: SeqNum) -> Seq {
        let delta = wire.0.wrapping_sub(reference.0 as u32) as i32;
        Seq(reference.0.wrapping_add_signed(delta as i64))
    }
    /// As it is written into a segment.
    pub const fn wire(self) -> SeqNum {
        SeqNum(self.0 as u32)
    }
    /// The distance from `earlier` to `self`; zero if `earlier` is later.
    pub const fn since(self, earlier: Seq) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for Seq {
    type Output = Seq;
    fn add(self, n: u64) -> Seq {
        Seq(self.0 + n)
    }
}
impl AddAssign<u64> for Seq {
    fn add_assign(&mut self, n: u64) {
        self.0 += n;
    }
}
impl Sub<u64> for Seq {
    type Output = Seq;
    fn sub(self, n: u64) -> Seq {
        Seq(self.0.saturating_sub(n))
    }
}
impl Sub for Seq {
    type Output = u64;
    /// The distance; the caller knows that `other` is not later.
    fn sub(self, other: Seq) -> u64 {
        debug_assert!(self.0 >= other.0, "sequence distance below zero");
        self.0.wrapping_sub(other.0)
    }
}
impl fmt::Debug for SeqNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
impl fmt::Display for SeqNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
