//! Receive memory as Linux accounts it (`Config::truesize`): what an arriving segment takes, how much of the buffer can
//! become window, what happens when it is full (tcp_data_queue, tcp_try_rmem_schedule, tcp_prune_queue).

use super::memory::Ledger;
use super::{Connection, clock};
use crate::buffer::Few;
use crate::resting::words::fold;
use crate::segment::Segment;
use crate::seq::{Seq, SeqNum};
use crate::time::{Duration, Time};

/// Window that a new connection takes its buffer to hold, of 256 parts (`TCP_DEFAULT_SCALING_RATIO`).
const RATIO: u16 = 128;
/// What an `sk_buff` takes by itself, in bytes.
const SK_BUFF: u64 = 256;
/// What lies behind the data of an skb (`skb_shared_info`), in bytes.
const SHARED_INFO: u64 = 320;
/// Room before the headers (`NET_SKB_PAD`), and the headers, in bytes.
const BEFORE: u64 = 64 + 40;
/// Data that an skb of one page holds after the queue was collapsed, and what it takes, in bytes.
const PAGE: (u64, u64) = (4096 - SHARED_INFO, 4096 + SK_BUFF);
/// An echo as old as this is none: its age in microseconds has no place in 31 bits, in milliseconds.
const OLDEST_ECHO: u32 = i32::MAX as u32 / 1000;

/// What the receive queue takes.
#[derive(Clone, Debug, Hash)]
pub(crate) struct RcvMemory {
    /// `sk_rmem_alloc`, in bytes.
    pub alloc: u64,
    /// Share of the memory that is data, of 256 parts (`scaling_ratio`).
    ratio: u16,
    /// Largest window (`window_clamp`), in bytes.
    clamp: u32,
    /// TSecr that was heard last.
    echo: u32,
    /// Since when, and until RCV.NXT is where, the peer fills a window; `Time::NEVER`: there was no data yet.
    filling: Time,
    filled: SeqNum,
    /// In order and unread.
    queue: Few<Skb>,
    /// Beyond a gap.
    #[expect(
        clippy::box_collection,
        reason = "absent it costs each connection eight bytes and not twenty-four"
    )]
    beyond: Option<Box<Vec<Skb>>>,
}

fold!(RcvMemory { alloc, ratio, clamp, echo, filling, filled } absent { queue, beyond });

#[derive(Clone, Copy, Debug, Hash)]
struct Skb {
    start: Seq,
    end: Seq,
    truesize: u32,
    /// Bytes that still fit behind its data.
    room: u32,
}

/// What decides the skb of an arriving segment, besides its length.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    /// Octets of TCP options.
    options: u64,
    /// What an skb takes that lies in the cache of small heads (`Config::skb_overhead`).
    small: u64,
}

/// The skb of a segment with so many octets of data, or of several that were put together: memory, and room behind the data. What
/// public packetdrill scripts say of windows, and `skmem` of a 6.18 kernel, is where this is from.
fn skb_of(len: u64, arrival: Arrival) -> (u64, u64) {
    let Arrival { options, small } = arrival;
    let head = BEFORE + options + len;
    let whole = head + SHARED_INFO;
    if whole > 4096 {
        // What one page does not hold lies in several, with nothing behind it.
        return (whole.next_multiple_of(4096) + SK_BUFF, 0);
    }
    // What begins an skb for sending holds a small one that arrives.
    let small = small.saturating_sub(SK_BUFF);
    let size = if whole <= small { small } else { whole.next_power_of_two().max(512) };
    (size + SK_BUFF, size - whole)
}

impl Default for RcvMemory {
    fn default() -> RcvMemory {
        RcvMemory {
            alloc: 0,
            ratio: RATIO,
            clamp: u32::MAX,
            echo: 0,
            filling: Time::NEVER,
            filled: SeqNum(0),
            queue: Few::new(),
            beyond: None,
        }
    }
}

impl RcvMemory {
    fn window_of(&self, space: u64) -> u64 {
        (space * u64::from(self.ratio)) >> 8
    }
    /// Windows are no larger than this (`window_clamp`), in bytes.
    pub fn set_clamp(&mut self, clamp: u64) {
        self.clamp = u32::try_from(clamp).unwrap_or(u32::MAX);
    }
    /// A segment has been queued that brought the octets `start..end`; RCV.NXT is `nxt` now.
    fn charge(&mut self, (start, end): (Seq, Seq), nxt: Seq, arrival: Arrival) {
        let len = end.since(start);
        let skb = || {
            let (truesize, room) = skb_of(len, arrival);
            Skb { start, end, truesize: truesize as u32, room: room as u32 }
        };
        if start >= nxt {
            let skb = skb();
            self.alloc += u64::from(skb.truesize);
            return self.beyond.get_or_insert_default().push(skb);
        }
        match self.queue.back_mut() {
            Some(last) if len <= u64::from(last.room) => {
                last.room -= len as u32;
                last.end = end;
            }
            _ => {
                let skb = skb();
                self.alloc += u64::from(skb.truesize);
                self.queue.push_back(skb);
            }
        }
        if let Some(mut beyond) = self.beyond.take() {
            self.join(&mut beyond, nxt);
            self.beyond = Some(beyond).filter(|beyond| !beyond.is_empty());
        }
    }
    /// The gap before what lies below `nxt` may be filled: what lay beyond it joins the queue.
    fn join(&mut self, beyond: &mut Vec<Skb>, nxt: Seq) {
        if !beyond.iter().any(|skb| skb.start < nxt) {
            return;
        }
        let mut queue: Vec<Skb> = self.queue.iter().copied().collect();
        beyond.retain(|skb| {
            let joins = skb.start < nxt;
            if joins {
                queue.push(Skb { room: 0, ..*skb });
            }
            !joins
        });
        queue.sort_by_key(|skb| skb.end);
        self.queue.clear();
        queue.into_iter().for_each(|skb| self.queue.push_back(skb));
    }
    /// How many octets of the first skb lie at `read` and behind it.
    fn first_from(&self, read: Seq) -> Option<u64> {
        self.queue.iter().map(|skb| skb.end).find(|end| *end > read).map(|end| end.since(read))
    }
    /// The program has read everything below `read`.
    fn release(&mut self, read: Seq) {
        while let Some(first) = self.queue.front()
            && first.end <= read
        {
            self.alloc -= u64::from(first.truesize);
            self.queue.pop_front();
        }
    }
    /// Puts what is in order into as little memory as may be, from the first skb on that takes more of it than skbs of this
    /// sender do (`tcp_collapse`).
    fn collapse(&mut self) {
        let skbs: Vec<Skb> = (0..self.queue.len()).filter_map(|i| self.queue.get(i)).copied().collect();
        let is_bloated = |skb: &Skb| self.window_of(skb.truesize.into()) > skb.end.since(skb.start);
        let Some(from) = skbs.iter().position(is_bloated) else { return };
        let (lean, bloated) = skbs.split_at(from);
        let (start, end) = (bloated[0].start, bloated[bloated.len() - 1].end);
        let taken: u64 = bloated.iter().map(|skb| u64::from(skb.truesize)).sum();
        let pages = end.since(start).div_ceil(PAGE.0) * PAGE.1;
        if pages < taken
            && let Ok(truesize) = u32::try_from(pages)
        {
            self.alloc = self.alloc - taken + pages;
            self.queue.clear();
            lean.iter().for_each(|skb| self.queue.push_back(*skb));
            self.queue.push_back(Skb { start, end, truesize, room: 0 });
        }
    }
}

impl Connection {
    /// Memory of the receive buffer as window (`tcp_win_from_space`), in bytes.
    pub(super) fn window_of(&self, space: u64) -> u64 {
        self.ledger.as_ref().map_or(space, |ledger| ledger.rcv.window_of(space))
    }
    /// The memory that a window of so many bytes takes (`tcp_space_from_win`).
    pub(super) fn memory_of(&self, window: u64) -> u64 {
        self.ledger.as_ref().map_or(window, |ledger| (window << 8) / u64::from(ledger.rcv.ratio.max(1)))
    }
    /// What the receive queue takes of the buffer, in bytes.
    pub(super) fn rcv_memory(&self) -> u64 {
        match &self.ledger {
            Some(ledger) => ledger.rcv.alloc,
            None => self.rcv.buffer.unread() + self.rcv.buffer.held(),
        }
    }
    /// The largest window that may be offered, in bytes.
    pub(super) fn window_clamp(&self) -> u64 {
        self.ledger.as_ref().map_or(u64::MAX, |ledger| ledger.rcv.clamp.into())
    }
    /// At the start: room for one segment is held back (`tcp_init_buffer_space`).
    pub(super) fn init_rcv_memory(&mut self) {
        let most = self.window_of(u64::from(self.socket.rcv_buf));
        let mss = u64::from(self.rcv.mss);
        let growing = self.rcv.growing;
        let Some(Ledger { rcv, .. }) = self.ledger.as_deref_mut() else { return };
        let mut clamp = (65_535 << self.rcv.shift).min(most);
        if clamp > 2 * mss && clamp + mss > most {
            clamp = (2 * mss).max(most.saturating_sub(mss));
        }
        rcv.set_clamp(clamp);
        self.rcv.growing = growing.min(clamp);
    }
    /// A full segment of another size than before has arrived: how much of the memory is data is known better
    /// (`tcp_measure_rcv_mss`).
    pub(super) fn measure_ratio(&mut self, len: u32) {
        let (truesize, _) = skb_of(u64::from(len), self.arrival(u64::from(self.option_bytes())));
        let buffer = u64::from(self.socket.rcv_buf);
        let wnd = self.rcv.wnd;
        let Some(Ledger { rcv, .. }) = self.ledger.as_deref_mut() else { return };
        let before = rcv.ratio;
        rcv.ratio = ((u64::from(len) << 8) / truesize).clamp(1, 256) as u16;
        if rcv.ratio != before {
            let clamp = rcv.window_of(buffer).max(1152);
            let shrinks = clamp < u64::from(rcv.clamp);
            rcv.set_clamp(clamp);
            let growing = wnd.min(clamp);
            self.rcv.growing =
                if shrinks { self.rcv.growing.min(growing) } else { self.rcv.growing.max(growing) };
        }
    }
    /// Whether there is memory for one more segment with so much data; makes some where it can (`tcp_try_rmem_schedule`).
    pub(super) fn finds_rcv_memory(&mut self, len: u32) -> bool {
        let max = u64::from(self.socket.rcv_buf_max(&self.config));
        let (buffer, mss) = (u64::from(self.socket.rcv_buf), u64::from(self.rcv.mss));
        let Some(Ledger { rcv, .. }) = self.ledger.as_deref_mut() else { return true };
        if rcv.alloc == 0 {
            return u64::from(len) <= buffer;
        }
        if rcv.alloc <= buffer {
            return true;
        }
        let grown = if self.socket.rcv_buf_set { buffer } else { buffer.max(rcv.alloc.min(max)) };
        self.socket.rcv_buf = u32::try_from(grown).unwrap_or(u32::MAX);
        if rcv.alloc <= grown {
            return true;
        }
        self.rcv.growing = u64::from(rcv.clamp).min(2 * mss);
        rcv.collapse();
        rcv.alloc <= grown
    }
    /// A segment brought the octets `start..end`, as far as they are new.
    pub(super) fn charge_rcv_memory(&mut self, start: Seq, end: Seq) {
        let options = u64::from(if self.ts.is_some() { crate::offer::TIMESTAMP_BYTES } else { 0 });
        let (nxt, arrival) = (self.rcv.buffer.nxt(), self.arrival(options));
        if let Some(Ledger { rcv, .. }) = self.ledger.as_deref_mut() {
            rcv.charge((start, end), nxt, arrival);
        }
    }
    /// The segment at hand, with so many octets of options.
    fn arrival(&self, options: u64) -> Arrival {
        Arrival { options, small: u64::from(self.config.skb_overhead) }
    }
    /// Size of the segments of which the one at hand was put together, or its own.
    pub(super) fn size_of(&self, len: u32) -> u32 {
        match &self.ledger {
            Some(ledger) if ledger.merged > 0 => len.min(ledger.merged),
            _ => len,
        }
    }
    /// Something arrived beyond a gap: a program that holds the connection is to have room for it all the same.
    pub(super) fn grow_for_gap(&mut self) {
        let adopted = self.ledger.as_ref().is_some_and(|ledger| ledger.adopted);
        if adopted && !self.socket.rcv_buf_set {
            self.grow_receive_buffer(self.rcv.taken_before());
        }
    }
    /// Of so many bytes that the program has just read, how many were in the first skb.
    pub(super) fn first_skb_of_read(&self, bytes: u64) -> u64 {
        let from = self.rcv.buffer.nxt() - self.rcv.buffer.unread() - bytes;
        let first = self.ledger.as_ref().and_then(|ledger| ledger.rcv.first_from(from));
        first.map_or(bytes, |first| first.min(bytes))
    }
    /// What a peer echoes tells the receiver how long a round trip takes: once each echo, of a full segment, in whole milliseconds
    /// (Linux `tcp_rcv_rtt_measure_ts`). While something waits to be read, it may be the program that makes it longer.
    pub(super) fn hear_echo(&mut self, now: Time, segment: &Segment) {
        let Some((state, stamp)) = self.ts.zip(segment.options.timestamps) else { return };
        let Some(Ledger { rcv, .. }) = self.ledger.as_deref_mut() else { return };
        let known = std::mem::replace(&mut rcv.echo, stamp.ecr) == stamp.ecr;
        if known || segment.payload.len() < self.ack.segment {
            return;
        }
        let age = clock::ticks(now, state.offset).wrapping_sub(stamp.ecr);
        let sample = Duration::from_millis(u64::from(age));
        let longer = self.rcv.rtt() > Duration::ZERO && sample >= self.rcv.rtt();
        if age > 0 && age < OLDEST_ECHO && !(longer && self.rcv.buffer.unread() > 0) {
            self.measure_receive_rtt(sample);
        }
    }
    /// Data has arrived in order: that the peer has filled a window takes a round trip at least (Linux
    /// `tcp_rcv_rtt_measure`), which is all that a receiver without timestamps has to go by.
    pub(super) fn time_window(&mut self, now: Time) {
        let (nxt, wnd, rtt) = (self.rcv.buffer.nxt(), self.rcv.offered(), self.rcv.rtt());
        let Some(Ledger { rcv, .. }) = self.ledger.as_deref_mut() else { return };
        let began = rcv.filling;
        if began != Time::NEVER && nxt < Seq::near(nxt, rcv.filled) {
            return;
        }
        (rcv.filling, rcv.filled) = (now, (nxt + wnd).wire());
        if began != Time::NEVER {
            let sample = now.since(began).max(Duration::from_micros(1));
            if rtt == Duration::ZERO || sample < rtt {
                self.measure_receive_rtt(sample);
            }
        }
    }
    /// The program has read.
    #[inline]
    pub(super) fn release_rcv_memory(&mut self) {
        if let Some(Ledger { rcv, .. }) = self.ledger.as_deref_mut() {
            rcv.release(self.rcv.buffer.nxt() - self.rcv.buffer.unread());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One without options, where small ones take 832.
    const PLAIN: Arrival = Arrival { options: 0, small: 832 };

    /// What a 6.18 kernel says that one segment takes (`skmem` of `ss`, by way of a tun device, where segments that were put together
    /// take as much as one of their length), where it begins to take more, and what then fits behind the data: as much as brings it
    /// to that border.
    #[test]
    fn memory_of_a_segment() {
        let kernel = [
            (1, 832),
            (152, 832),
            (153, 1280),
            (600, 1280),
            (601, 2304),
            (1000, 2304),
            (1624, 2304),
            (1625, 4352),
            (3672, 4352),
            (3673, 8448),
            (7768, 8448),
            (7769, 12_544),
            (10_000, 12_544),
            (16_000, 20_736),
        ];
        for (len, truesize) in kernel {
            let (takes, room) = skb_of(len, PLAIN);
            assert_eq!(takes, truesize, "{len} octets");
            let border: u64 = [152, 600, 1624, 3672].into_iter().find(|border| len <= *border).unwrap_or(len);
            assert_eq!(room, border - len, "{len} octets");
            if len > 12 {
                let options = Arrival { options: 12, ..PLAIN };
                assert_eq!(skb_of(len - 12, options).0, truesize, "options take room as data does");
            }
        }
        // Kernels before 6.3 have no cache of small heads.
        let [none, wide] = [0, 1280].map(|small| Arrival { small, ..PLAIN });
        assert_eq!((skb_of(88, none), skb_of(89, none)), ((768, 0), (1280, 511)));
        assert_eq!((skb_of(88, wide), skb_of(601, wide)), ((1280, 512), (2304, 1023)));
    }
}
