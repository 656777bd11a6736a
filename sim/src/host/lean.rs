//! Growing what a host keeps for each of its connections: by an eighth at a time. Doubling would leave up to half of the
//! memory of a million connections unused.

/// Appends `item`.
#[inline]
pub(super) fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 8).max(4));
    }
    list.push(item);
}
