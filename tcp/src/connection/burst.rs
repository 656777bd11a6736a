//! What leaves as one skb, for a device to cut (TSO), as Linux decides it: how many segments, and whether they wait for the
//! ACK that will make room for more (tcp_tso_autosize, tcp_mss_split_point, tcp_tso_should_defer).

use super::Connection;
use super::output::{Hold, Occasion};
use crate::seq::Seq;
use crate::time::Duration;
use crate::time::Time;

/// Largest skb, in bytes (Linux `GSO_LEGACY_MAX_SIZE` less the room for headers).
pub(super) const LARGEST_SKB: u64 = 65_536 - 320 - 1;
/// An skb holds what a 1024th of a second takes (Linux `sk_pacing_shift`).
const PACING_SHIFT: u32 = 10;
/// What was sent longer ago than this tells of no train of ACKs.
const RECENT: Duration = Duration::from_millis(1);
/// Where no share of the window is asked for, a burst of more segments than this goes (`tcp_max_tso_deferred_mss`).
const MOST_DEFERRED: u64 = 3;

impl Connection {
    /// Segments that one skb puts on the wire at once, whatever the window: what a millisecond takes at the pacing rate, two
    /// at least, and more where the path is short (`tcp_tso_autosize`).
    fn segments_at_once(&self) -> u64 {
        let size = u64::from(self.segment_size());
        let mut bytes = self.pacing_rate() >> PACING_SHIFT;
        let short = self.snd.queue.min_rtt().as_micros() >> 9;
        if short < 32 {
            bytes += LARGEST_SKB >> short;
        }
        (bytes.min(LARGEST_SKB) / size).max(u64::from(self.config.min_tso_segs)).max(1)
    }
    /// The skb that begins at `nxt`: its length in bytes, and whether it is the last.
    fn skb_at(&self, nxt: Seq) -> (u64, bool) {
        let waiting = self.snd.buffer.end().since(nxt);
        let skb = self.skbs().and_then(|skbs| skbs.holding(nxt));
        skb.map_or((waiting, true), |(skb, last)| (skb.end.since(nxt), last))
    }
    /// Where the burst that begins at `nxt` ends, and whether it is of more than one segment.
    pub(super) fn next_burst(&self, nxt: Seq, occasion: Occasion) -> (Seq, bool) {
        let size = u64::from(self.segment_size());
        let mss = u64::from(self.snd.queue.mss().max(1));
        let half = (self.snd.queue.cwnd() / mss / 2).max(1);
        let quota = (self.snd.queue.allowance(&self.config) / mss).max(1);
        let most = self.segments_at_once().min(half).min(quota) * size;
        let (len, last) = self.skb_at(nxt);
        let window = self.window_end().since(nxt);
        let needed = len.min(window);
        let end = if most <= window && !last || most <= needed {
            most
        } else {
            let holds = !occasion.force && self.nagle_holds(nxt, occasion.more);
            // A part of a segment stays behind.
            if holds && needed > size { needed - needed % size } else { needed }
        };
        let end = end.min(len);
        (nxt + end, end > size)
    }
    /// Whether what begins at `nxt` waits for the next ACK, which is near, to go in a larger burst, and what the window that
    /// makes it wait is.
    pub(super) fn defers_burst(&self, now: Time, nxt: Seq) -> Hold {
        let queue = &self.snd.queue;
        let size = u64::from(self.segment_size());
        let (len, last) = self.skb_at(nxt);
        if len <= size || queue.is_recovering() || now >= queue.last_sent() + RECENT {
            return Hold::Nothing;
        }
        let mss = u64::from(queue.mss().max(1));
        let window = self.window_end().since(nxt);
        let congestion = queue.allowance(&self.config) / mss * mss;
        let limit = window.min(congestion);
        let enough = match u64::from(self.config.tso_win_divisor) {
            0 => limit > MOST_DEFERRED * size,
            divisor => limit >= self.snd.wnd.min(queue.cwnd()) / divisor,
        };
        if limit >= self.segments_at_once() * size || !last && limit >= len || enough {
            return Hold::Nothing;
        }
        // The ACK of what is first is as good as here half a round trip after that was sent.
        let near = queue.head_sent().is_some_and(|sent| sent < now && now.since(sent) >= queue.srtt() / 2);
        match () {
            () if !near => Hold::Nothing,
            () if congestion < window && congestion <= len => Hold::Congestion,
            () if congestion >= window && window <= len => Hold::Window,
            () if last && self.snd.fin || self.is_sealed(nxt) => Hold::Nothing,
            () => Hold::Burst,
        }
    }
    fn is_sealed(&self, nxt: Seq) -> bool {
        self.skbs().and_then(|skbs| skbs.holding(nxt)).is_some_and(|(skb, _)| skb.sealed)
    }
}
