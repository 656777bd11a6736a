//! Lists of what a host keeps for each of its connections, of which there may be a million.

use std::ops::Deref;

/// Appends `item`. The list grows by an eighth at a time: doubling would leave up to half of its memory unused.
#[inline]
pub(super) fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 8).max(4));
    }
    list.push(item);
}

/// A list in which nearly always nothing stands; then it takes eight bytes.
#[derive(Clone, Debug, Hash)]
#[expect(clippy::box_collection, reason = "absent it costs eight bytes and not twenty-four")]
pub(super) struct Seldom<T>(Option<Box<Vec<T>>>);

impl<T> Seldom<T> {
    pub(super) fn push(&mut self, item: T) {
        self.0.get_or_insert_default().push(item);
    }
    pub(super) fn pop(&mut self) -> Option<T> {
        self.0.as_mut()?.pop()
    }
    pub(super) fn clear(&mut self) {
        if let Some(list) = &mut self.0 {
            list.clear();
        }
    }
    #[inline]
    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()?.last_mut()
    }
}

impl<T> Default for Seldom<T> {
    fn default() -> Seldom<T> {
        Seldom(None)
    }
}

impl<T> Deref for Seldom<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        self.0.as_ref().map_or(&[], |list| list.as_slice())
    }
}
