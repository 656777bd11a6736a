//! The state of a connection as a row of numbers, and the row as bytes.
//!
//! Each field gives one number or a few. Sequence numbers and times are told by their distance from the one before, and the
//! whole row by its difference from a pattern: what a connection has in common with others is zero then and takes a bit.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::buffer::Few;
use crate::seq::{Seq, SeqNum};
use crate::time::{Duration, Time};

/// What can be written as numbers and made of them again, the same to the last bit.
pub(crate) trait Fold: Sized {
    /// Writes it.
    fn fold(&self, to: &mut Words);
    /// Makes it of what [`fold`](Fold::fold) has written.
    fn unfold(from: &mut Reader<'_>) -> Self;
    /// The same in the place of another that was at rest, whose boxes are used again.
    fn unfold_into(&mut self, from: &mut Reader<'_>) {
        *self = Self::unfold(from);
    }
}

/// What is not there while a connection is at rest.
pub(crate) trait Absent {
    /// That it is not there.
    const NONE: Self;
    /// Whether it is not.
    fn is_absent(&self) -> bool;
}

/// `fold!(Type { these, fields } absent { those })`: a struct is its fields, in this order, and `those` are not there.
macro_rules! fold {
    ($type:ty { $($field:ident),* $(,)? } $(absent { $($none:ident),* $(,)? })?) => {
        impl $crate::resting::words::Fold for $type {
            fn fold(&self, to: &mut $crate::resting::words::Words) {
                let Self { $($field,)* $($($none,)*)? } = self;
                $($crate::resting::words::Fold::fold($field, to);)*
                $($(to.absent($none);)*)?
            }
            fn unfold(from: &mut $crate::resting::words::Reader<'_>) -> Self {
                $(let $field = $crate::resting::words::Fold::unfold(from);)*
                Self { $($field,)* $($($none: $crate::resting::words::Absent::NONE,)*)? }
            }
            fn unfold_into(&mut self, from: &mut $crate::resting::words::Reader<'_>) {
                let Self { $($field,)* $($($none: _,)*)? } = self;
                $($crate::resting::words::Fold::unfold_into($field, from);)*
            }
        }
    };
}

/// `fold_enum!(Type { A, B })`: one of a few words without fields.
macro_rules! fold_enum {
    ($type:ty { $first:ident, $($variant:ident),* $(,)? }) => {
        impl $crate::resting::words::Fold for $type {
            fn fold(&self, to: &mut $crate::resting::words::Words) {
                to.number(*self as u64);
            }
            fn unfold(from: &mut $crate::resting::words::Reader<'_>) -> Self {
                let number = from.number();
                match () {
                    $(() if number == Self::$variant as u64 => Self::$variant,)*
                    () => Self::$first,
                }
            }
        }
        const _: fn($type) = |one| match one {
            <$type>::$first $(| <$type>::$variant)* => {}
        };
    };
}

pub(crate) use {fold, fold_enum};

/// A row of numbers that is being written.
#[derive(Debug, Default)]
pub(crate) struct Words {
    list: Vec<u64>,
    last: Last,
    /// Something was there that should not be, or has no number: the row is not the whole.
    fails: bool,
}

/// What the next sequence number and the next time are told from.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    seq: u64,
    time: u64,
}

/// A row that is being read, a group at a time.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    pattern: &'a [[u64; GROUP]],
    group: [u64; GROUP],
    /// Which number of the group is next.
    at: usize,
    last: Last,
}

/// So many numbers share a byte that tells which of them differ from the pattern.
pub(crate) const GROUP: usize = 8;

/// A signed difference as a number that is small if it is short.
const fn zigzag(difference: u64) -> u64 {
    (difference << 1) ^ (((difference as i64) >> 63) as u64)
}
const fn unzigzag(number: u64) -> u64 {
    (number >> 1) ^ (number & 1).wrapping_neg()
}

impl Words {
    /// Begins another row.
    pub fn begin(&mut self) {
        self.list.clear();
        (self.last, self.fails) = (Last::default(), false);
    }
    /// The row, if it is the whole, with zeros behind it that fill the last group.
    pub fn row(&mut self) -> Option<&[[u64; GROUP]]> {
        self.list.resize(self.list.len().next_multiple_of(GROUP), 0);
        (!self.fails).then_some(self.list.as_chunks().0)
    }
    #[inline]
    pub fn number(&mut self, number: u64) {
        self.list.push(number);
    }
    /// This is not there, or the row is not the whole.
    pub fn absent(&mut self, what: &impl Absent) {
        self.fails |= !what.is_absent();
    }
    /// There is no number for this.
    pub fn fail(&mut self) {
        self.fails = true;
    }
    /// A number that is told by its distance from another; the one that stands for `none` apart.
    fn distance(&mut self, number: u64, from: u64, none: u64) {
        let distance = zigzag(number.wrapping_sub(from));
        self.fails |= distance == u64::MAX;
        self.number(if number == none { 0 } else { distance.wrapping_add(1) });
    }
}

impl Reader<'_> {
    pub fn new<'a>(bytes: &'a [u8], pattern: &'a [[u64; GROUP]]) -> Reader<'a> {
        Reader { bytes, pattern, group: [0; GROUP], at: GROUP, last: Last::default() }
    }
    #[inline]
    pub fn number(&mut self) -> u64 {
        if self.at >= GROUP {
            self.next_group();
        }
        let number = self.group[self.at];
        self.at += 1;
        number
    }
    #[inline(never)]
    fn next_group(&mut self) {
        self.at = 0;
        self.group = match self.pattern.split_first() {
            Some((first, rest)) => {
                self.pattern = rest;
                *first
            }
            None => [0; GROUP],
        };
        let mut differ = take_byte(&mut self.bytes);
        while differ != 0 {
            let number = &mut self.group[differ.trailing_zeros() as usize];
            differ &= differ - 1;
            *number = number.wrapping_add(unzigzag(get_varint(&mut self.bytes)));
        }
    }
    fn distance(&mut self, from: u64, none: u64) -> u64 {
        match self.number().checked_sub(1) {
            None => none,
            Some(distance) => from.wrapping_add(unzigzag(distance)),
        }
    }
}

/// Appends the row as bytes: for each group a byte that tells which of its numbers differ from the pattern, then the differences.
pub(crate) fn pack(row: &[[u64; GROUP]], pattern: &[[u64; GROUP]], bytes: &mut Vec<u8>) {
    let mut end = bytes.len();
    let patterns = pattern.iter().chain(std::iter::repeat(&[0; GROUP]));
    for (group, expected) in row.iter().zip(patterns) {
        let head = bytes.len();
        bytes.push(0);
        if group == expected {
            continue;
        }
        for (bit, (number, expected)) in group.iter().zip(expected).enumerate() {
            if number != expected {
                bytes[head] |= 1 << bit;
                put_varint(bytes, zigzag(number.wrapping_sub(*expected)));
            }
        }
        end = bytes.len();
    }
    // Groups that are as expected at the end need not be told.
    bytes.truncate(end);
}

fn take_byte(bytes: &mut &[u8]) -> u8 {
    let Some((first, rest)) = bytes.split_first() else { return 0 };
    *bytes = rest;
    *first
}

fn get_varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    let mut shift = 0;
    loop {
        let byte = take_byte(bytes);
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 || shift >= u64::BITS {
            return number;
        }
    }
}

fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

macro_rules! fold_numbers {
    ($($type:ty)*) => {$(
        impl Fold for $type {
            fn fold(&self, to: &mut Words) {
                to.number(u64::from(*self));
            }
            fn unfold(from: &mut Reader<'_>) -> $type {
                from.number() as $type
            }
        }
    )*};
}

fold_numbers!(u8 u16 u32 u64);

impl Fold for usize {
    fn fold(&self, to: &mut Words) {
        to.number(*self as u64);
    }
    fn unfold(from: &mut Reader<'_>) -> usize {
        from.number() as usize
    }
}

impl Fold for bool {
    fn fold(&self, to: &mut Words) {
        to.number(u64::from(*self));
    }
    fn unfold(from: &mut Reader<'_>) -> bool {
        from.number() != 0
    }
}

impl Fold for Seq {
    fn fold(&self, to: &mut Words) {
        to.distance(self.0, to.last.seq, 0);
        if self.0 != 0 {
            to.last.seq = self.0;
        }
    }
    fn unfold(from: &mut Reader<'_>) -> Seq {
        let seq = from.distance(from.last.seq, 0);
        if seq != 0 {
            from.last.seq = seq;
        }
        Seq(seq)
    }
}

impl Fold for SeqNum {
    fn fold(&self, to: &mut Words) {
        to.number(u64::from(self.0.wrapping_sub(to.last.seq as u32)));
    }
    fn unfold(from: &mut Reader<'_>) -> SeqNum {
        SeqNum((from.number() as u32).wrapping_add(from.last.seq as u32))
    }
}

impl Fold for Time {
    fn fold(&self, to: &mut Words) {
        to.distance(self.as_nanos(), to.last.time, u64::MAX);
        if *self != Time::NEVER {
            to.last.time = self.as_nanos();
        }
    }
    fn unfold(from: &mut Reader<'_>) -> Time {
        let time = from.distance(from.last.time, u64::MAX);
        if time != u64::MAX {
            from.last.time = time;
        }
        Time::from_nanos(time)
    }
}

impl Fold for Duration {
    fn fold(&self, to: &mut Words) {
        to.number(self.as_nanos());
    }
    fn unfold(from: &mut Reader<'_>) -> Duration {
        Duration::from_nanos(from.number())
    }
}

impl<T: Fold> Fold for Option<T> {
    fn fold(&self, to: &mut Words) {
        to.number(u64::from(self.is_some()));
        if let Some(it) = self {
            it.fold(to);
        }
    }
    fn unfold(from: &mut Reader<'_>) -> Option<T> {
        bool::unfold(from).then(|| T::unfold(from))
    }
    fn unfold_into(&mut self, from: &mut Reader<'_>) {
        match self {
            _ if !bool::unfold(from) => *self = None,
            Some(it) => it.unfold_into(from),
            None => *self = Some(T::unfold(from)),
        }
    }
}

impl<T: Fold> Fold for Box<T> {
    fn fold(&self, to: &mut Words) {
        (**self).fold(to);
    }
    fn unfold(from: &mut Reader<'_>) -> Box<T> {
        Box::new(T::unfold(from))
    }
    fn unfold_into(&mut self, from: &mut Reader<'_>) {
        (**self).unfold_into(from);
    }
}

impl<T: Fold, const N: usize> Fold for [T; N] {
    fn fold(&self, to: &mut Words) {
        self.iter().for_each(|it| it.fold(to));
    }
    fn unfold(from: &mut Reader<'_>) -> [T; N] {
        std::array::from_fn(|_| T::unfold(from))
    }
}

impl<A: Fold, B: Fold> Fold for (A, B) {
    fn fold(&self, to: &mut Words) {
        self.0.fold(to);
        self.1.fold(to);
    }
    fn unfold(from: &mut Reader<'_>) -> (A, B) {
        let first = A::unfold(from);
        (first, B::unfold(from))
    }
}

impl Fold for SocketAddr {
    fn fold(&self, to: &mut Words) {
        to.number(u64::from(self.is_ipv6()));
        to.number(u64::from(self.port()));
        match self {
            SocketAddr::V4(v4) => to.number(u64::from(v4.ip().to_bits())),
            SocketAddr::V6(v6) => {
                let bits = v6.ip().to_bits();
                let others = [u64::from(v6.flowinfo()), u64::from(v6.scope_id())];
                [(bits >> 64) as u64, bits as u64, others[0], others[1]].fold(to);
            }
        }
    }
    fn unfold(from: &mut Reader<'_>) -> SocketAddr {
        let (v6, port) = (bool::unfold(from), u16::unfold(from));
        if !v6 {
            return SocketAddrV4::new(Ipv4Addr::from_bits(u32::unfold(from)), port).into();
        }
        let [high, low, flow, scope] = <[u64; 4]>::unfold(from);
        let ip = Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low));
        SocketAddrV6::new(ip, port, flow as u32, scope as u32).into()
    }
}

impl<T> Absent for Option<T> {
    const NONE: Option<T> = None;
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for VecDeque<T> {
    const NONE: VecDeque<T> = VecDeque::new();
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Absent for Few<T> {
    const NONE: Few<T> = Few::new();
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}
