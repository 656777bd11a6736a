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
        if len <= size || queue.is_recovering() || now >= queue.departure() + RECENT {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::connection::tests::{Lone, ms};
    use crate::payload::Payload;
    use crate::segment::Flags;
    use crate::tcb::{SocketOption, Tcb};
    use crate::time::Time;

    const SIZE: u64 = 1448;

    /// Ten segments went out after 1 ms; after 21 the first `acknowledged` are acknowledged, each of which opens the window by one,
    /// and another goes. So much is left: with two of them twelve make the window, nine are outstanding, three may go.
    fn outstanding(config: Config, acknowledged: u64) -> Lone {
        let mut end = Lone::established(Config { min_tso_segs: 8, ..config });
        end.call(|t, now, out| t.set_option(now, SocketOption::NoDelay(true), out)).0.unwrap();
        assert_eq!(end.write(10 * SIZE as u32).len(), 10);
        end.now = ms(21);
        end.show(&end.segment(Flags::ACK, 1, 1 + (acknowledged * SIZE) as i64));
        assert_eq!(end.write(SIZE as u32).len(), 1);
        end
    }
    fn open(end: &mut Lone) -> &mut Connection {
        match &mut end.tcb {
            Tcb::Open(connection) => connection,
            _ => panic!("not open"),
        }
    }
    /// What the next skb waits for, of `len` octets, and if it is not the last, another behind it, half a millisecond later.
    fn waits(end: &mut Lone, len: u64, last: bool) -> Hold {
        waits_at(end, ms(21) + Duration::from_micros(500), len, last)
    }
    fn waits_at(end: &mut Lone, now: Time, len: u64, last: bool) -> Hold {
        let c = open(end);
        let data = |len| Payload::Pattern { stream: 1, offset: 0, len };
        c.extend_tail(data(len as u32), true, !last);
        if !last {
            c.extend_tail(data(1), true, false);
        }
        c.defers_burst(now, c.snd.queue.nxt())
    }
    /// The peer's window has so much room.
    fn leave(mut end: Lone, room: u64) -> Lone {
        let c = open(&mut end);
        c.snd.wnd = c.snd.queue.flight() + room;
        end
    }

    /// Linux `tcp_tso_should_defer`: what waits for room in the congestion window, what in the peer's, and what for more data: the
    /// lesser of both windows decides, if it holds no more than there is.
    #[test]
    fn a_burst_waits_for_what_is_lacking() {
        let some = || outstanding(Config::linux(), 2);
        for (len, hold) in [
            (SIZE, Hold::Nothing), // one segment never waits
            (SIZE + 1, Hold::Burst),
            (3 * SIZE - 1, Hold::Burst),
            (3 * SIZE, Hold::Congestion),
            (5000, Hold::Congestion),
        ] {
            assert!(waits(&mut some(), len, true) == hold, "{len} octets");
        }
        for (room, len, hold) in [
            (3000, 2999, Hold::Burst),
            (3000, 3000, Hold::Window),
            (3 * SIZE, 5000, Hold::Window),
            (3 * SIZE + 1, 5000, Hold::Congestion),
        ] {
            assert!(waits(&mut leave(some(), room), len, true) == hold, "{len} octets, room for {room}");
        }
    }

    /// What gets no more data waits for none, but for a window all the same: what is not the last, what ends a record, what a FIN
    /// ends.
    #[test]
    fn what_gets_no_more_does_not_wait() {
        let some = || outstanding(Config::linux(), 2);
        assert!(waits(&mut some(), 3 * SIZE, false) == Hold::Nothing);
        assert!(waits(&mut some(), 3 * SIZE + 1, false) == Hold::Congestion);
        for (len, hold) in [(3 * SIZE - 1, Hold::Nothing), (3 * SIZE, Hold::Congestion)] {
            let mut end = some();
            open(&mut end).snd.fin = true;
            assert!(waits(&mut end, len, true) == hold, "{len} octets and FIN");
            let mut end = some();
            let c = open(&mut end);
            c.extend_tail(Payload::Pattern { stream: 1, offset: 0, len: len as u32 }, true, true);
            assert!(c.defers_burst(ms(21), c.snd.queue.nxt()) == hold, "{len} octets, sealed");
        }
    }

    /// Enough is a full skb, a third of the window, or, where no share of it is asked for, more than three segments.
    #[test]
    fn enough_does_not_wait() {
        for (min_tso_segs, tso_win_divisor, acknowledged, hold) in [
            (3, 3, 2, Hold::Nothing),
            (4, 3, 2, Hold::Congestion),
            (8, 4, 2, Hold::Nothing), // a quarter of twelve
            (8, 3, 2, Hold::Congestion),
            (8, 3, 3, Hold::Nothing), // five of thirteen
            (8, 0, 2, Hold::Congestion),
            (8, 0, 3, Hold::Nothing),
        ] {
            let mut end = outstanding(Config { tso_win_divisor, ..Config::linux() }, acknowledged);
            open(&mut end).reconfigure(&|config| config.min_tso_segs = min_tso_segs);
            let held = waits(&mut end, 10_000, true);
            assert!(held == hold, "{min_tso_segs} {tso_win_divisor} {acknowledged}");
        }
        // The window is the peer's where that is smaller.
        for (room, hold) in [(4343, Hold::Nothing), (4342, Hold::Window)] {
            let mut end = leave(outstanding(Config { tso_win_divisor: 4, ..Config::linux() }, 2), room);
            assert_eq!((open(&mut end).snd.wnd, open(&mut end).snd.wnd / 4), (9 * SIZE + room, 4343));
            assert!(waits(&mut end, 10_000, true) == hold, "room for {room}");
        }
    }

    /// Only a train of ACKs is waited for: something went out less than a millisecond ago, and what is first is half a round-trip
    /// time old, so that its ACK is near. In a recovery nothing waits.
    #[test]
    fn only_near_acks_are_waited_for() {
        let at = |micros| Time::ZERO + Duration::from_micros(micros);
        for (now, hold) in [(21_000, Hold::Congestion), (21_999, Hold::Congestion), (22_000, Hold::Nothing)] {
            let mut end = outstanding(Config::linux(), 2);
            assert!(waits_at(&mut end, at(now), 5000, true) == hold, "at {now} us");
        }
        // The first went out after 1 ms: half a round trip is over after 11.
        for (now, hold) in [(10_999, Hold::Nothing), (11_000, Hold::Congestion)] {
            let mut end = outstanding(Config::linux(), 2);
            assert_eq!(open(&mut end).snd.queue.srtt(), Duration::from_millis(20));
            assert!(waits_at(&mut end, at(now), 5000, true) == hold, "at {now} us");
        }
        let mut end = outstanding(Config::linux(), 2);
        let mut sack = end.segment(Flags::ACK, 1, 1 + 2 * SIZE as i64);
        let edge = |n: u64| crate::seq::SeqNum(crate::connection::tests::ISS_A + 1 + (n * SIZE) as u32);
        sack.options.sack.push(edge(3), edge(7));
        end.show(&sack);
        assert!(open(&mut end).snd.queue.is_recovering());
        assert!(waits(&mut end, 20_000, true) == Hold::Nothing);
    }

    /// What was paced counts from when the next may follow (Linux `tcp_wstamp_ns`): the one segment takes 4 ms at 362,000 octets a
    /// second, less the half that it was late.
    #[test]
    fn a_paced_burst_is_recent_for_longer() {
        let at = |micros| Time::ZERO + Duration::from_micros(micros);
        let config = || Config { max_pacing_rate: Some(362_000), ..Config::linux() };
        assert_eq!(open(&mut outstanding(config(), 2)).snd.queue.departure(), at(23_000));
        for (now, hold) in [(22_000, Hold::Congestion), (23_999, Hold::Congestion), (24_000, Hold::Nothing)] {
            assert!(waits_at(&mut outstanding(config(), 2), at(now), 5000, true) == hold, "at {now} us");
        }
    }
}
