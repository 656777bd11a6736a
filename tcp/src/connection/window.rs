//! The receive window: how much is offered (RFC 9293, section 3.8.6), and how it grows.
//!
//! The right edge never retreats (SHLD-14) unless [`Config::shrink_window`](crate::Config) asks for it. A window
//! smaller than a segment is not offered (section 3.8.6.2.2). The arithmetic is Linux's.

use std::ops::Range;

use super::Connection;
use crate::buffer::ReceiveBuffer;
use crate::resting::words::fold;
use crate::seq::Seq;
use crate::time::{Duration, Time};

/// The receiving side, in the RFC's names.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Receive {
    /// IRS.
    pub irs: Seq,
    /// What has arrived; RCV.NXT as far as data goes.
    pub buffer: ReceiveBuffer,
    /// Last.ACK.sent: RCV.NXT when an ACK was last sent (RFC 7323, section 4.3).
    pub wup: Seq,
    /// RCV.WND as it was announced then, in bytes.
    pub wnd: u64,
    /// The right edge, one beyond what may arrive; may lie further than `wup + wnd` says.
    pub edge: Seq,
    /// Number of the peer's FIN, once one within the window was seen.
    pub fin: Option<Seq>,
    /// Everything before the FIN has arrived, and so has the FIN.
    pub fin_received: bool,
    /// Our shift.
    pub shift: u8,
    /// MSS announced less the options that each segment carries, in bytes.
    pub mss: u32,
    /// Bound on the window while it grows in slow start's pace (Linux `rcv_ssthresh`), in bytes.
    pub growing: u64,
    /// First block of the next ACK: what arrived twice (RFC 2883).
    pub dsack: Option<Box<(Seq, Seq)>>,
    /// What the program has taken out since `epoch`, in bytes, and in the round trip before.
    taken: u64,
    taken_before: u64,
    epoch: Time,
    /// The round-trip time as the receiver sees it; zero: not known.
    rtt: Duration,
}

fold!(Receive {
    irs, buffer, wup, wnd, edge, fin_received, shift, mss, growing, taken, taken_before, epoch, rtt, fin,
} absent { dsack });

impl Receive {
    /// At the start of a connection.
    pub fn new(now: Time, irs: Seq, wnd: u32, shift: u8, mss: u32) -> Receive {
        let nxt = irs + 1;
        Receive {
            irs,
            buffer: ReceiveBuffer::new(nxt),
            wup: nxt,
            wnd: u64::from(wnd),
            edge: nxt + u64::from(wnd),
            fin: None,
            fin_received: false,
            shift,
            mss,
            growing: u64::from(wnd),
            dsack: None,
            taken: 0,
            taken_before: u64::from(wnd).min(10 * u64::from(mss)),
            epoch: now,
            rtt: Duration::ZERO,
        }
    }
    /// RCV.NXT.
    pub fn nxt(&self) -> Seq {
        self.buffer.nxt() + u64::from(self.fin_received)
    }
    /// The round-trip time as the receiver sees it; zero: not known.
    pub fn rtt(&self) -> Duration {
        self.rtt
    }
    /// The window that the last segment offered, in bytes.
    pub fn offered(&self) -> u64 {
        self.wnd
    }
    /// What the program took in the last round trip, in bytes.
    pub fn taken_before(&self) -> u64 {
        self.taken_before
    }
    /// RCV.WND: what may still arrive, in bytes.
    pub fn window(&self) -> u64 {
        self.edge.since(self.nxt())
    }
    /// The largest window that may be offered now, however much room there is; no bound is known without a shift.
    #[inline]
    pub fn largest(&self) -> u64 {
        if self.shift > 0 { round_up(self.growing, self.shift) } else { u64::MAX }
    }
    /// Offers so much from RCV.NXT on; returns SEG.WND as it stands in the header, and the edge that it names.
    #[inline]
    fn offer(&mut self, offered: u64) -> (u16, Seq) {
        let field = (offered >> self.shift).min(65_535);
        self.wup = self.nxt();
        self.wnd = offered.min(65_535 << self.shift);
        (field as u16, self.wup + (field << self.shift))
    }
    /// Remembers that `range` arrived twice.
    pub fn duplicate(&mut self, range: Range<Seq>) {
        if range.start < range.end {
            self.dsack = Some(Box::new((range.start, range.end)));
        }
    }
}

/// The least multiple of the window's unit that is no smaller.
fn round_up(window: u64, shift: u8) -> u64 {
    (window + ((1 << shift) - 1)) >> shift << shift
}

impl Connection {
    /// Bytes that the receive buffer has room for.
    #[inline]
    fn space(&self) -> u64 {
        self.window_of(u64::from(self.socket.rcv_buf).saturating_sub(self.rcv_memory()))
    }
    /// The window to offer now, before it is made sure that the edge does not retreat.
    #[inline]
    pub(super) fn select_window(&self) -> u64 {
        if self.counts_truesize() {
            return self.select_accounted_window();
        }
        let allowed = u64::from(self.socket.rcv_buf);
        self.window_within(allowed, allowed, self.space())
    }
    /// The same where memory is accounted.
    #[inline(never)]
    fn select_accounted_window(&self) -> u64 {
        let allowed = self.window_of(u64::from(self.socket.rcv_buf));
        let shift = self.rcv.shift;
        let shrinks = self.config.shrink_window && shift > 0;
        let space = self.space();
        let free = if shrinks { space >> shift << shift } else { space };
        self.window_within(allowed, allowed.min(self.window_clamp()), free)
    }
    /// The window of a buffer that could hold `allowed`, of which `full` may be offered and `free` is free.
    #[inline]
    fn window_within(&self, allowed: u64, full: u64, mut free: u64) -> u64 {
        let mss = u64::from(self.ack.segment).min(full);
        let shift = self.rcv.shift;
        if free < full / 2 {
            free = free >> shift << shift;
            if free < allowed / 16 || free < mss {
                return 0;
            }
        }
        free = free.min(self.rcv.growing);
        if shift > 0 {
            // Rounded up, or a small window would be scaled away.
            return round_up(free, shift);
        }
        let current = self.rcv.wnd;
        if current + mss <= free || current > free {
            free - free % mss.max(1)
        } else if mss == full && free > current + full / 2 {
            free
        } else {
            current
        }
    }
    /// Offers a window: moves the edge, and returns SEG.WND as it stands in the header.
    #[inline]
    pub(super) fn announce_window(&mut self) -> u16 {
        if self.counts_truesize() {
            return self.announce_accounted_window();
        }
        let (shift, current) = (self.rcv.shift, self.rcv.window());
        let mut offered = self.select_window();
        if offered < current && !self.config.shrink_window {
            // Rounded up like Linux; but not without end, or a peer could creep past the buffer in tiny steps.
            let up = round_up(current, shift);
            let limit = self.rcv.buffer.unread() + up <= u64::from(self.socket.rcv_buf) + (1 << shift);
            offered = if limit { up } else { current >> shift << shift };
        }
        let (field, edge) = self.rcv.offer(offered);
        self.rcv.edge = self.rcv.edge.max(edge);
        field
    }
    /// The same where memory is accounted: the ledger remembers what was offered before.
    #[inline(never)]
    fn announce_accounted_window(&mut self) -> u16 {
        let current = self.rcv.window();
        let mut offered = self.select_accounted_window();
        if self.ledger.as_mut().is_some_and(|ledger| std::mem::take(&mut ledger.full)) {
            return self.announce_nothing();
        }
        if offered < current && !self.config.shrink_window {
            offered = round_up(current, self.rcv.shift);
        }
        let (field, edge) = self.rcv.offer(offered);
        if let Some(ledger) = &mut self.ledger {
            ledger.rightmost = ledger.rightmost.max(edge);
        }
        self.rcv.edge = if self.config.shrink_window { edge } else { self.rcv.edge.max(edge) };
        field
    }
    /// Whether less than half of the window is left (only where memory is accounted).
    pub(super) fn is_short_of_room(&self) -> bool {
        let half = || self.window_of(u64::from(self.socket.rcv_buf)).min(self.window_clamp()) / 2;
        self.counts_truesize() && self.space() < half()
    }
    /// There is no memory for what has just arrived: no window is offered until there is (Linux `ICSK_ACK_NOMEM`).
    fn announce_nothing(&mut self) -> u16 {
        let nxt = self.rcv.nxt();
        self.rcv.wup = nxt;
        self.rcv.wnd = 0;
        if let Some(ledger) = &mut self.ledger {
            ledger.rightmost = ledger.rightmost.max(self.rcv.edge);
        }
        self.rcv.edge = nxt;
        0
    }
    /// A segment of some size has arrived: the window may be offered in full by and by (Linux `tcp_grow_window`).
    pub(super) fn grow_window(&mut self, len: u32) {
        let grown = !self.counts_truesize() && self.rcv.growing >= u64::from(self.socket.rcv_buf);
        if len < 128 || grown {
            return;
        }
        let room = self.space().min(self.window_clamp()).saturating_sub(self.rcv.growing);
        if room == 0 {
            return;
        }
        let step = 2 * u64::from(self.rcv.mss.max(len));
        self.rcv.growing += room.min(step);
        if self.config.delayed_ack.adaptive {
            // The sender is to learn of the larger window at once (Linux: `quick |= 1`).
            self.ack.quick |= 1;
        }
    }
    /// The receiver's view of the round-trip time: how old what the peer echoes is.
    pub(super) fn measure_receive_rtt(&mut self, sample: Duration) {
        self.rcv.rtt = match self.rcv.rtt {
            Duration::ZERO => sample,
            rtt if sample < rtt => sample,
            rtt => rtt * 7 / 8 + sample / 8,
        }
        .max(Duration::from_nanos(1));
    }
    /// The program has taken `first` bytes of an skb out, and then `rest`: once a round trip, the buffer grows to hold twice
    /// what it took and room for slow start (Linux `tcp_rcv_space_adjust`). Linux looks behind each skb, so with the first
    /// of a read the round trip is over; what lies behind it then counts as not kept up with.
    pub(super) fn tune_receive_buffer(&mut self, now: Time, first: u64, rest: u64) {
        self.rcv.taken += first;
        let max = self.socket.rcv_buf_max(&self.config);
        if self.rcv.rtt == Duration::ZERO || now < self.rcv.epoch + self.rcv.rtt || self.socket.rcv_buf >= max
        {
            self.rcv.taken += rest;
            return;
        }
        let behind = if self.counts_truesize() { rest + self.rcv.buffer.unread() } else { 0 };
        let taken = self.rcv.taken.saturating_sub(behind);
        self.rcv.taken = rest;
        self.rcv.epoch = now;
        if taken > self.rcv.taken_before {
            self.grow_receive_buffer(taken);
        }
    }
    /// Room for twice what the program takes in a round trip, for slow start, and for what lies beyond a gap (Linux
    /// `tcp_rcvbuf_grow`).
    pub(super) fn grow_receive_buffer(&mut self, taken: u64) {
        let max = self.socket.rcv_buf_max(&self.config);
        let before = self.rcv.taken_before.max(1);
        self.rcv.taken_before = taken;
        let doubled = 2 * taken;
        let growth = u128::from(doubled) * u128::from(taken.saturating_sub(before)) / u128::from(before);
        let beyond = self.rcv.buffer.highest().since(self.rcv.buffer.nxt());
        let beyond = if self.counts_truesize() { beyond } else { 0 };
        let wanted = u128::from(doubled) + 2 * growth + u128::from(beyond);
        let wanted = self.memory_of(u64::try_from(wanted).unwrap_or(u64::MAX >> 8).min(u64::MAX >> 8));
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX).min(max);
        if wanted > self.socket.rcv_buf {
            self.socket.rcv_buf = wanted;
            let clamp = self.window_of(u64::from(wanted));
            if let Some(ledger) = &mut self.ledger {
                ledger.rcv.set_clamp(clamp);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::connection::tests::Lone;
    use crate::tcb::Tcb;

    /// What is offered of a buffer that could hold `allowed`, of which `full` may be offered and `free` is free, where `current` was
    /// offered before.
    fn offered(
        (mss, shift, growing): (u32, u8, u64),
        current: u64,
        (allowed, full, free): (u64, u64, u64),
    ) -> u64 {
        let mut end = Lone::established(Config::linux());
        let Tcb::Open(c) = &mut end.tcb else { panic!("not open") };
        c.ack.segment = mss;
        (c.rcv.shift, c.rcv.growing, c.rcv.wnd) = (shift, growing, current);
        c.window_within(allowed, full, free)
    }

    /// Linux `__tcp_select_window` where windows are not scaled: whole segments, and nothing anew while it moves by less than one;
    /// below half of the buffer no window that is smaller than a segment (MUST-39) or a sixteenth of the buffer.
    #[test]
    fn windows_in_whole_segments() {
        let plain = |current, sizes| offered((1000, 0, 16_000), current, sizes);
        for (free, window) in [(8000, 8000), (7999, 7000), (1000, 1000), (999, 0), (16_500, 16_000)] {
            assert_eq!(plain(0, (16_000, 16_000, free)), window, "{free} free");
        }
        for (free, window) in [(2000, 2000), (1999, 0)] {
            assert_eq!(plain(0, (32_000, 16_000, free)), window, "{free} free: a sixteenth");
        }
        for (current, free, window) in
            [(5000, 5999, 5000), (5000, 6000, 6000), (6000, 5999, 5000), (5000, 5000, 5000)]
        {
            assert_eq!(plain(current, (16_000, 16_000, free)), window, "{current}, {free} free");
        }
        assert_eq!(offered((1000, 0, 3000), 0, (16_000, 16_000, 8000)), 3000, "while it grows");
        // A segment is all that the buffer holds: a window that grows by more than half of it is worth telling.
        for (current, free, window) in [(0, 8000, 0), (0, 8001, 8001), (100, 8100, 100), (100, 8101, 8101)] {
            assert_eq!(
                offered((20_000, 0, 16_000), current, (16_000, 16_000, free)),
                window,
                "{current}, {free} free"
            );
        }
        assert_eq!(offered((15_999, 0, 16_000), 0, (16_000, 16_000, 8001)), 0, "not all of it");
        assert_eq!(offered((16_000, 0, 16_000), 7000, (16_000, 16_000, 7999)), 0, "less than a segment");
    }

    /// Where they are scaled, a window is rounded up, so that none is scaled away; but below half of the buffer first down, so that
    /// it does not exceed what there is.
    #[test]
    fn windows_in_units() {
        let scaled = |sizes| offered((1000, 7, 16_000), 5000, sizes);
        for (free, window) in [(8000, 8064), (7999, 7936), (1024, 1024), (1023, 0)] {
            assert_eq!(scaled((16_000, 16_000, free)), window, "{free} free");
        }
        assert_eq!(offered((1000, 7, 3000), 5000, (16_000, 16_000, 8000)), 3072, "while it grows");
        assert_eq!(offered((10, 7, 1600), 0, (1600, 1600, 130)), 128, "a sixteenth is less");
    }
}
