//! A connection as a row of numbers: see [`crate::resting`].

use std::sync::Arc;

use super::{Connection, Send};
use crate::config::Config;
use crate::resting::words::{Fold, Reader, Words, fold};

fold!(Send {
    iss, queue, buffer, fin, wnd, max_wnd, shift, scaled, small, push, mss, full_mss, peer_mss, pmtu, starved, refused,
    wl1,
} absent { up, probed, path, search });

impl Connection {
    /// Whether nothing is in flight, queued or unread.
    pub(crate) fn is_still(&self) -> bool {
        self.load() == (0, 0)
    }
    pub(crate) fn config(&self) -> &Arc<Config> {
        &self.config
    }
    /// Writes it, but for its configuration.
    pub(crate) fn fold(&self, to: &mut Words) {
        let Connection {
            config: _,
            ends,
            state,
            snd,
            rcv,
            ack,
            timers,
            ts,
            sack,
            ecn,
            orphan,
            read_shut,
            error,
            soft_error,
            socket,
            urgent,
            ledger,
            fast_open,
            segs_in,
            segs_out,
        } = self;
        to.absent(error);
        to.absent(soft_error);
        to.absent(urgent);
        to.absent(fast_open);
        state.fold(to); // first: see `Resting::state`
        ends.fold(to);
        [*sack, *orphan, *read_shut].fold(to);
        [*segs_in, *segs_out].fold(to);
        ts.fold(to);
        timers.fold(to);
        snd.fold(to);
        rcv.fold(to);
        ack.fold(to);
        ecn.fold(to);
        ledger.fold(to);
        socket.fold(to);
    }
    /// Makes it of what [`fold`](Connection::fold) has written, in the place of another that was at rest.
    pub(crate) fn unfold_into(&mut self, like: &Arc<Config>, from: &mut Reader<'_>) {
        let Connection {
            config,
            ends,
            state,
            snd,
            rcv,
            ack,
            timers,
            ts,
            sack,
            ecn,
            orphan,
            read_shut,
            error: _,
            soft_error: _,
            socket,
            urgent: _,
            ledger,
            fast_open: _,
            segs_in,
            segs_out,
        } = self;
        if !Arc::ptr_eq(config, like) {
            *config = Arc::clone(like);
        }
        state.unfold_into(from);
        ends.unfold_into(from);
        [*sack, *orphan, *read_shut] = Fold::unfold(from);
        [*segs_in, *segs_out] = Fold::unfold(from);
        ts.unfold_into(from);
        timers.unfold_into(from);
        snd.unfold_into(from);
        rcv.unfold_into(from);
        ack.unfold_into(from);
        ecn.unfold_into(from);
        ledger.unfold_into(from);
        socket.unfold_into(from);
    }
}
