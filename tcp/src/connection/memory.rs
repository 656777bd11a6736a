//! Buffers by the memory that they take, as Linux accounts them (`Config::truesize`): when a write finds room, how it is
//! cut into skbs, when a program that waits for room is told (tcp_sendmsg, sk_stream_write_space, tcp_check_space).

use super::Connection;
use super::burst::LARGEST_SKB;
use super::chrono::{Chrono, Limit};
use super::deliveries::Deliveries;
use super::ingest::RcvMemory;
use super::output::Occasion;
use super::stamps::Stamps;
use crate::buffer::Skbs;
use crate::info::Tally;
use crate::out::Out;
use crate::payload::Payload;
use crate::resting::words::fold;
use crate::seq::Seq;
use crate::state::State;
use crate::tcb::SendFlags;
use crate::time::{Duration, Time};

/// What an `sk_buff` takes by itself, in bytes.
const SK_BUFF: u64 = 256;
/// What lies behind the data of an skb (`skb_shared_info`), in bytes.
const SHARED_INFO: u64 = 320;
/// Segments that a send buffer has room for at least, however small the window was to be at first (`TCP_INIT_CWND`).
const LEAST_SEGMENTS: u64 = 10;

/// What Linux keeps account of.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Ledger {
    /// The buffers that the data is cut into.
    pub skbs: Skbs,
    /// What the sender was limited by.
    pub chrono: Chrono,
    /// What the receive queue takes.
    pub rcv: RcvMemory,
    /// The segment at hand is several that the host has put together: the size of each; zero: it is one.
    pub merged: u32,
    /// The rightmost edge of the window that was ever offered.
    pub rightmost: Seq,
    /// A program holds the connection: accepted, or opened by one.
    pub adopted: bool,
    /// Octets of which a program wants to know when they are sent and acknowledged.
    pub stamps: Option<Box<Stamps>>,
    /// What was delivered.
    pub deliveries: Deliveries,
    /// Segments with data, received and sent; segments received out of order.
    pub data_segs_in: u32,
    pub data_segs_out: u32,
    pub out_of_order: u32,
    /// Bytes sent, and of these sent again.
    pub bytes_sent: u64,
    pub bytes_retransmitted: u64,
    /// Nothing more can be kept: the next ACK offers no window.
    pub full: bool,
    /// A probe has sent the last data without the FIN, which keeps the PSH of the skb that it was in.
    pub fin_torn: bool,
}

fold!(Ledger {
    skbs, chrono, rcv, merged, rightmost, adopted, deliveries, data_segs_in, data_segs_out, out_of_order, bytes_sent,
    bytes_retransmitted, full, fin_torn,
} absent { stamps });

impl Connection {
    /// Whether buffers count the memory of skbs (`truesize`). Then data is also cut, pushed, sent together, taken in and waited
    /// for as by a stack that keeps it in skbs.
    #[inline]
    pub(super) fn counts_truesize(&self) -> bool {
        self.ledger.is_some()
    }
    /// The skbs, where they are accounted.
    pub(super) fn skbs(&self) -> Option<&Skbs> {
        self.ledger.as_ref().map(|ledger| &ledger.skbs)
    }
    /// `sk_wmem_queued`: what is queued and not acknowledged, with what it takes to keep it, in bytes.
    pub(super) fn send_memory(&self) -> u64 {
        let count = self.skbs().map_or(0, |skbs| skbs.count() as u64);
        self.snd.buffer.len() + count * u64::from(self.config.skb_overhead)
    }
    /// Bytes queued and never sent.
    pub(super) fn unsent(&self) -> u64 {
        self.snd.buffer.end().since(self.snd.queue.nxt())
    }
    /// Whether one more skb may be begun (`sk_stream_memory_free`).
    pub(super) fn has_send_memory(&self) -> bool {
        self.send_memory() < u64::from(self.socket.snd_buf) && self.unsent() < self.notsent_lowat()
    }
    /// Whether there is so much room that a program is told (`sk_stream_is_writeable`).
    pub(super) fn is_writeable(&self) -> bool {
        let queued = self.send_memory();
        let room = u64::from(self.socket.snd_buf).saturating_sub(queued);
        room >= queued / 2 && 2 * self.unsent() < self.notsent_lowat()
    }
    fn notsent_lowat(&self) -> u64 {
        u64::from(self.socket.notsent_lowat().unwrap_or(self.config.notsent_lowat))
    }
    /// The skb that a write fills, in bytes: whole segments, within half of the peer's largest window
    /// (`tcp_xmit_size_goal`).
    fn size_goal(&self) -> u64 {
        let size = u64::from(self.segment_size());
        let cutoff = if self.snd.max_wnd > 536 { self.snd.max_wnd / 2 } else { self.snd.max_wnd };
        let most = if cutoff > 0 { LARGEST_SKB.min(cutoff.max(68 - 20)) } else { LARGEST_SKB };
        (most / size * size).max(size)
    }
    /// Whether so much was written since the last push that the peer should not wait for more (`forced_push`).
    fn forces_push(&self) -> bool {
        self.snd.buffer.end() > self.snd.push + self.snd.max_wnd / 2
    }
    /// The last skb is pushed (`tcp_mark_push`).
    pub(super) fn mark_push(&mut self) {
        let (una, nxt) = (self.snd.queue.una(), self.snd.queue.nxt());
        if let Some(ledger) = &mut self.ledger
            && let Some((_, tail)) = ledger.skbs.unsent_tail(una, nxt)
        {
            tail.push = true;
            self.snd.push = self.snd.buffer.end();
        }
    }

    /// Queues as much of `data` as there is memory for, and sends what may go on the way (`tcp_sendmsg_locked`).
    pub(super) fn send_in_skbs(&mut self, now: Time, data: &Payload, flags: SendFlags, out: &mut Out) -> u32 {
        let len = data.len();
        let mut taken = 0;
        while taken < len {
            let goal = self.size_goal();
            let Some(room) = self.room_in_skb(goal) else {
                self.snd.starved = true;
                break;
            };
            let part = data.slice(taken, u32::try_from(room).unwrap_or(u32::MAX));
            let first = taken == 0;
            taken += part.len();
            self.extend_tail(part, first, flags.eor && taken == len);
            if taken < len && !flags.urgent {
                self.push_full(now, goal, out);
            }
        }
        if taken == 0 {
            return 0;
        }
        let all = taken == len;
        if flags.urgent && all {
            self.snd.up = Some(self.snd.buffer.end());
        }
        if !flags.more || !all || self.forces_push() {
            self.mark_push();
        }
        self.stamp_write();
        let occasion = Occasion { more: flags.more && all, force: !all, ..Occasion::default() };
        self.output_on(now, occasion, out);
        taken
    }
    /// Room in the skb that is being filled, or in a new one; `None`: there is no memory for one.
    fn room_in_skb(&mut self, goal: u64) -> Option<u64> {
        let (una, nxt, end) = (self.snd.queue.una(), self.snd.queue.nxt(), self.snd.buffer.end());
        let tail = self.ledger.as_mut().and_then(|ledger| ledger.skbs.unsent_tail(una, nxt));
        match tail {
            Some((start, tail)) if !tail.sealed && end.since(start) < goal => Some(goal - end.since(start)),
            _ => self.has_send_memory().then_some(goal),
        }
    }
    /// Puts `part` into the skb that is being filled, or into a new one. What an earlier write has pushed is so no more
    /// where the `first` part of another joins it; what this write has pushed on the way stays so.
    pub(super) fn extend_tail(&mut self, part: Payload, first: bool, seal: bool) {
        let (una, nxt) = (self.snd.queue.una(), self.snd.queue.nxt());
        let end = self.snd.buffer.end() + u64::from(part.len());
        let goal = self.size_goal();
        self.snd.buffer.push(part);
        let Some(Ledger { skbs, .. }) = self.ledger.as_deref_mut() else { return };
        match skbs.unsent_tail(una, nxt) {
            Some((start, tail)) if !tail.sealed && end.since(start) <= goal => {
                tail.end = end;
                tail.push &= !first;
            }
            _ => skbs.push(end),
        }
        if seal && let Some((_, tail)) = skbs.unsent_tail(una, nxt) {
            tail.sealed = true;
        }
    }
    /// An skb is full while there is more to write: it goes out if it may.
    fn push_full(&mut self, now: Time, goal: u64, out: &mut Out) {
        let (una, nxt) = (self.snd.queue.una(), self.snd.queue.nxt());
        let end = self.snd.buffer.end();
        let Some(ledger) = &mut self.ledger else { return };
        let Some((start, _)) = ledger.skbs.unsent_tail(una, nxt) else { return };
        if end.since(start) < goal {
            return;
        }
        if self.forces_push() {
            self.mark_push();
            self.output_on(now, Occasion { force: true, ..Occasion::default() }, out);
        } else if start == nxt {
            self.output_on(now, Occasion { force: true, one: true, ..Occasion::default() }, out);
        }
    }

    /// Data was acknowledged, or the buffer has become larger: a program that waits for room may be told
    /// (`tcp_check_space`).
    pub(super) fn check_space(&mut self, now: Time, out: &mut Out) {
        if !self.snd.starved {
            return;
        }
        if self.may_grow_send_buffer() {
            self.grow_send_buffer();
        }
        self.check_writeable(now, out);
    }
    /// A program that waits for room is told if there is room.
    pub(super) fn check_writeable(&mut self, now: Time, out: &mut Out) {
        if self.snd.starved && self.is_writeable() {
            self.snd.starved = false;
            out.wake.writable = true;
            self.end_limit(now, Limit::Buffer);
        }
    }
    /// `tcp_should_expand_sndbuf`.
    fn may_grow_send_buffer(&self) -> bool {
        let mss = u64::from(self.snd.queue.mss().max(1));
        let cwnd = self.snd.queue.cwnd() / mss;
        self.snd.queue.pipe(&self.config).div_ceil(mss) < cwnd
    }
    /// Room for the windows that the controller wants kept (`tcp_sndbuf_expand`).
    pub(super) fn grow_send_buffer(&mut self) {
        if self.socket.snd_buf_set {
            return;
        }
        let mss = u64::from(self.snd.mss.max(self.snd.peer_mss).max(1));
        let heads = u64::from(self.config.max_tcp_header) + SHARED_INFO;
        let each = (mss + heads).next_power_of_two() + SK_BUFF;
        let cwnd = self.snd.queue.cwnd() / u64::from(self.snd.queue.mss().max(1));
        let segments = cwnd.max(LEAST_SEGMENTS).max(u64::from(self.config.dupthresh) + 1);
        let wanted = u32::try_from(self.snd.queue.windows_to_keep() * segments * each).unwrap_or(u32::MAX);
        let max = self.socket.snd_buf_max(&self.config);
        self.socket.snd_buf = self.socket.snd_buf.max(wanted.min(max));
    }

    /// Bytes a second at which a pacer would send (`tcp_update_pacing_rate`).
    pub(super) fn pacing_rate(&self) -> u64 {
        let queue = &self.snd.queue;
        if let Some(rate) = queue.pacing_rate() {
            return rate;
        }
        let srtt = queue.srtt();
        if srtt == Duration::ZERO {
            return u64::MAX;
        }
        let percent = if queue.cwnd() < queue.ssthresh() / 2 { 200 } else { 120 };
        let window = u128::from(queue.cwnd().max(queue.flight()));
        let rate = window * percent * 10_000_000 / u128::from(srtt.as_nanos().max(1));
        u64::try_from(rate).unwrap_or(u64::MAX)
    }
    /// What is sent up to `at` is an skb of its own: the rest waits in another.
    pub(super) fn split_skb(&mut self, at: Seq) {
        let una = self.snd.queue.una();
        if let Some(ledger) = &mut self.ledger {
            ledger.skbs.split(una, at);
        }
    }
    /// What lies between two numbers, unsent so far, becomes one skb (Linux `tcp_mtu_probe`).
    pub(super) fn join_skbs(&mut self, start: Seq, end: Seq) {
        let una = self.snd.queue.una();
        if let Some(ledger) = &mut self.ledger {
            ledger.skbs.split(una, start);
            ledger.skbs.join(una, start, end);
        }
    }
    /// What `TCP_INFO` shows besides.
    pub(super) fn tally(&self, now: Time) -> Tally {
        let mut tally = Tally {
            probes: u32::from(self.timers.probes),
            last_data: self.ack.last_data,
            last_ack: self.timers.heard,
            rcv_ssthresh: self.rcv.growing,
            rcv_mss: self.ack.segment,
            rcv_rtt: self.rcv.rtt(),
            rcv_space: self.rcv.taken_before(),
            pacing_rate: self.pacing_rate(),
            rcv_memory: self.rcv_memory(),
            snd_memory: self.send_memory(),
            reordering: u32::from(self.config.dupthresh),
            ..Tally::EMPTY
        };
        self.snd.queue.fill_tally(&mut tally);
        tally.backoff = tally.backoff.max(u32::from(self.timers.backoff));
        if let Some(ledger) = &self.ledger {
            (tally.busy, tally.window_limited, tally.buffer_limited) = ledger.chrono.times(now);
            // The SYN, unless its acknowledgment is missing (RFC 7413).
            tally.delivered = ledger.deliveries.delivered + u32::from(!self.is_pending());
            tally.delivered_ce = ledger.deliveries.delivered_ce;
            tally.reordering = ledger.deliveries.degree.max(tally.reordering);
            tally.reorderings = ledger.deliveries.seen;
            tally.data_segs_in = ledger.data_segs_in;
            tally.data_segs_out = ledger.data_segs_out;
            tally.out_of_order = ledger.out_of_order;
            tally.bytes_sent = ledger.bytes_sent;
            tally.bytes_retransmitted = ledger.bytes_retransmitted;
        }
        tally
    }
    /// What is sent up to `at` is an skb of its own, and pushed.
    pub(super) fn push_skb_at(&mut self, at: Seq) {
        let una = self.snd.queue.una();
        if let Some(ledger) = &mut self.ledger {
            ledger.skbs.split(una, at);
            ledger.skbs.push_at(at);
        }
    }
    /// Whether the program is what keeps this from sending more (`TCP_CHRONO_SNDBUF_LIMITED`).
    pub(super) fn is_buffer_limited(&self) -> bool {
        self.snd.starved && self.unsent() == 0 && matches!(self.state, State::Established | State::CloseWait)
    }
}
