//! A queue of few things, nearly always one at most, which then needs no allocation.

use std::collections::VecDeque;

/// First in, first out.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Few<T> {
    first: Option<T>,
    /// What stands behind the first. Given back when the queue runs empty.
    #[expect(
        clippy::box_collection,
        reason = "absent it costs each connection eight bytes and not thirty-two"
    )]
    more: Option<Box<VecDeque<T>>>,
}

impl<T> Few<T> {
    pub const fn new() -> Few<T> {
        Few { first: None, more: None }
    }
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.as_ref().map_or(0, |more| more.len())
    }
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }
    #[inline]
    pub fn front(&self) -> Option<&T> {
        self.first.as_ref()
    }
    #[inline]
    pub fn back_mut(&mut self) -> Option<&mut T> {
        match &mut self.more {
            Some(more) if !more.is_empty() => more.back_mut(),
            _ => self.first.as_mut(),
        }
    }
    #[inline]
    pub fn push_back(&mut self, item: T) {
        if self.first.is_none() {
            self.first = Some(item);
        } else {
            self.more.get_or_insert_default().push_back(item);
        }
    }
    pub fn pop_front(&mut self) -> Option<T> {
        let next = self.more.as_mut().and_then(|more| more.pop_front());
        if next.is_none() {
            self.more = None;
        }
        std::mem::replace(&mut self.first, next)
    }
    /// Takes the item, if there is just one.
    #[inline]
    pub fn take_only(&mut self) -> Option<T> {
        if self.more.is_none() { self.first.take() } else { None }
    }
    pub fn clear(&mut self) {
        *self = Few::new();
    }
    /// Number of the first item for which this does not hold; it holds for none behind that.
    #[inline]
    pub fn partition_point(&self, mut holds: impl FnMut(&T) -> bool) -> usize {
        match (&self.first, &self.more) {
            (Some(first), _) if !holds(first) => 0,
            (_, Some(more)) => 1 + more.partition_point(holds),
            (first, None) => usize::from(first.is_some()),
        }
    }
    #[inline]
    pub fn get(&self, i: usize) -> Option<&T> {
        match i.checked_sub(1) {
            None => self.first.as_ref(),
            Some(i) => self.more.as_ref()?.get(i),
        }
    }
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.iter_from(0)
    }
    /// All from the `i`th on; `i` is their number at most.
    pub fn iter_from(&self, i: usize) -> impl Iterator<Item = &T> {
        let first = self.first.as_ref().filter(|_| i == 0);
        let more = self.more.as_ref().map(|more| more.range(i.saturating_sub(1)..));
        first.into_iter().chain(more.into_iter().flatten())
    }
}
