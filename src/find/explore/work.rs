//! Work that threads share: whoever has some gives of it while others have none.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Things to do, and how many are being done.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    news: Condvar,
    /// Of `state.waiting`, for those that have no time to look: things in it.
    len: AtomicUsize,
    enough: usize,
}

/// Somebody does what he has taken, and has done it when this goes, be it by a panic: nobody waits for him any more.
pub(super) struct Busy<'a, T>(&'a Queue<T>);

impl<T> Drop for Busy<'_, T> {
    fn drop(&mut self) {
        self.0.done();
    }
}

struct State<T> {
    waiting: Vec<T>,
    busy: usize,
}

impl<T> Queue<T> {
    /// For so many threads.
    pub(super) fn new(threads: usize) -> Queue<T> {
        let enough = if threads > 1 { threads * 2 } else { 0 };
        Queue {
            state: Mutex::new(State { waiting: Vec::new(), busy: 0 }),
            news: Condvar::new(),
            len: AtomicUsize::new(0),
            enough,
        }
    }
    /// Whether somebody may soon have nothing to do.
    pub(super) fn is_hungry(&self) -> bool {
        self.len.load(Ordering::Relaxed) < self.enough
    }
    /// Something more to do.
    pub(super) fn offer(&self, what: T) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.push(what);
        self.len.store(state.waiting.len(), Ordering::Relaxed);
        self.news.notify_one();
    }
    /// Something to do, waiting for it while others may still bring some, and what tells of its end. `None`: all is done.
    pub(super) fn take(&self) -> Option<(T, Busy<'_, T>)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(what) = state.waiting.pop() {
                state.busy += 1;
                self.len.store(state.waiting.len(), Ordering::Relaxed);
                drop(state);
                return Some((what, Busy(self)));
            }
            if state.busy == 0 {
                self.news.notify_all();
                return None;
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
    /// What was taken is done.
    fn done(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy -= 1;
        if state.busy == 0 {
            self.news.notify_all();
        }
    }
}
