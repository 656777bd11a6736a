//! Connections that nobody calls are folded ([`tcp::resting`]): of a million that are open, few are busy.
//!
//! Those that were called are listed, and the list is gone through now and then: whoever was not called since the last time
//! leaves it, and is folded if it is at rest. It costs a busy connection a look each time, and one that is idle nothing.

use tcp::resting::Folder;
use tcp::{Duration, Tcb, Time};

use super::{ConnId, Slot, TcpLayer};
use crate::host::lean;

/// How long nobody has called a connection that is folded, at least; at most twice as long.
const QUIET: Duration = Duration::from_millis(25);
/// Fewer than these of a host stay as they are, where they cost little; in debug builds all are folded, so that tests see to it.
const MANY: usize = if cfg!(debug_assertions) { 1 } else { 32 };

/// The connections that were called of late, and what the folded ones have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Rest {
    /// When the list is gone through again.
    next: Time,
    awake: Vec<ConnId>,
    /// The one that was woken last, if it has not been seen to since.
    woken: Option<ConnId>,
    folder: Folder,
}

impl Rest {
    /// A connection is called that is not listed; `asked`: it was woken before, by a timer, and not folded since.
    #[inline(never)]
    pub(super) fn wake(&mut self, id: ConnId, tcb: Option<&mut Tcb>, asked: bool) {
        lean::push(&mut self.awake, id);
        let Some(tcb) = tcb else { return };
        if asked || matches!(tcb, Tcb::Resting(_)) {
            tcb.wake(&mut self.folder);
            self.woken = Some(id);
        }
    }
}

impl TcpLayer {
    /// What woke a connection, a keepalive probe perhaps, may have left it at rest: it is folded again at once, while all of
    /// it is at hand.
    #[inline]
    pub(super) fn rest_again(&mut self) {
        if let Some(id) = self.rest.woken.take() {
            self.fold_again(id);
        }
    }
    /// What a timer woke has most likely asked its peer something, and the answer is not long to come: it stays as it is until
    /// it is called again, and is folded then if the answer leaves it at rest.
    #[inline]
    pub(super) fn rest_when_answered(&mut self) {
        if let Some(id) = self.rest.woken.take()
            && self.rest.awake.last() == Some(&id)
        {
            self.rest.awake.pop();
            let slot = &mut self.slots[id as usize];
            (slot.awake, slot.called) = (false, true);
        }
    }
    #[inline(never)]
    fn fold_again(&mut self, id: ConnId) {
        let slot = &mut self.slots[id as usize];
        if self.rest.awake.last() == Some(&id)
            && let Some(tcb) = &mut slot.tcb
            && tcb.rest(&mut self.rest.folder)
        {
            self.rest.awake.pop();
            (slot.awake, slot.called) = (false, false);
        }
    }
    /// When a folded connection wants to be called, if that is later.
    pub(super) fn sleeps_until(&self, id: ConnId, now: Time) -> Option<Time> {
        let tcb = self.tcb(id).filter(|tcb| matches!(tcb, Tcb::Resting(_)))?;
        Some(tcb.deadline()).filter(|at| *at > now)
    }
    /// Lets connections rest that nobody has called for a while.
    #[inline]
    pub(super) fn rest(&mut self, now: Time) {
        if now >= self.rest.next {
            self.fold_the_quiet(now);
        }
    }
    #[inline(never)]
    fn fold_the_quiet(&mut self, now: Time) {
        let Rest { next, awake, folder, .. } = &mut self.rest;
        *next = now + QUIET;
        if awake.len() < MANY {
            return;
        }
        awake.retain(|id| {
            let slot = &mut self.slots[*id as usize];
            slot.awake = stays_awake(slot, folder);
            slot.awake
        });
        if awake.len() < awake.capacity() / 4 {
            awake.shrink_to(2 * awake.len());
        }
    }
    /// All connections are about to be called.
    #[cold]
    pub(super) fn wake_all(&mut self) {
        for (id, slot) in (0..).zip(&mut self.slots) {
            if !std::mem::replace(&mut slot.awake, true) {
                self.rest.wake(id, slot.tcb.as_mut(), slot.called);
            }
        }
    }
}

/// Whether it was called of late; if not, it is folded, or will be looked at again when it is called again.
fn stays_awake(slot: &mut Slot, folder: &mut Folder) -> bool {
    if std::mem::take(&mut slot.called) {
        return slot.tcb.is_some();
    }
    if let Some(tcb) = &mut slot.tcb {
        tcb.rest(folder);
    }
    false
}
