//! Finding the path MTU by longer segments (RFC 4821).

use super::*;
use crate::Rule;
use crate::config::{Congestion, MtuProbing, Nagle};
use crate::tcb::IcmpError;

/// Bytes of headers with timestamps, IPv4.
const HEADERS: u32 = 52;

/// Both habits: Linux's, and the letter of the RFC. Wide enough a window to probe with from the start.
fn habits() -> [Config; 2] {
    [Config::linux(), Config::rfc()].map(|config| Config {
        mtu_probing: MtuProbing::Always,
        congestion: Congestion::Reno,
        initial_window: 16,
        initial_window_bytes: None,
        nagle: Nagle::Off,
        rcv_buf: 1 << 20,
        rcv_buf_max: 1 << 20,
        snd_buf: 1 << 20,
        snd_buf_max: 1 << 20,
        ..config
    })
}
fn rfc() -> Config {
    let [_, rfc] = habits();
    rfc
}

impl Pair {
    /// Two ends over a path that drops what is longer than `mtu` bytes and says nothing.
    fn over(mtu: u32, config: &Config) -> Pair {
        let mut pair = Pair::established(config.clone(), config.clone());
        pair.narrow(mtu);
        pair
    }
    fn narrow(&mut self, mtu: u32) {
        self.wire =
            Box::new(move |_, s| if s.payload.len() + HEADERS > mtu { Fate::Drop } else { Fate::Deliver });
    }
    /// End a writes `len` octets, and end b reads all that there is to read.
    fn transfer(&mut self, len: u32) {
        let mut left = len;
        for _ in 0..10_000 {
            let data = Payload::Pattern { stream: 1, offset: 0, len: left };
            left -= self.call('a', |t, now, out| t.send(now, data, SendFlags::default(), out)).unwrap_or(0);
            self.run_for(5);
            while self.b.readable().0 > 0 {
                self.read('b', u32::MAX).expect("data");
            }
            if left == 0 && self.connection('a').snd.queue.una() == self.connection('a').queued_end() {
                return;
            }
        }
        panic!("the transfer does not end");
    }
    /// Lengths of the probes so far, as packets, and whether each was the longest that had been sent until then.
    fn probes(&self) -> Vec<u32> {
        let probes = self.sent.iter().filter(|(_, _, sent)| sent.why == Rule::MtuProbe);
        probes.map(|(_, _, sent)| sent.segment.payload.len() + HEADERS).collect()
    }
    fn search(&self) -> &crate::connection::mtu_search::MtuSearch {
        self.connection('a').snd.search.as_deref().expect("a search")
    }
    fn window(&self) -> u64 {
        self.connection('a').snd.queue.cwnd()
    }
}

/// 4821/7.1-RANGE, 7.1-NONPROBE, 7.2-HIGH, 7.2-LOW, 7.3-CONV, 7.6.1-SUCCESS, 7.6.2-FAIL: the search begins between 1024
/// octets and what the interface carries, halves what is open each time, and stops eight bytes from the truth. Nothing but
/// probes is longer than what has got through.
#[test]
fn the_search_halves_and_converges() {
    for config in habits() {
        for (mtu, base_mss) in [(1500, 1024), (1400, 1024), (1100, 1024), (1300, 536), (700, 512)] {
            let mut pair = Pair::over(mtu, &Config { base_mss, ..config.clone() });
            for _ in 0..12 {
                pair.transfer(500_000);
                pair.run_for(30_000);
            }
            let (mut low, mut high) = (u32::from(base_mss) + HEADERS, 1500);
            for probe in pair.probes() {
                assert_eq!(probe, (low + high) / 2, "of {low}..{high}");
                assert!(low < probe && probe <= high);
                if probe <= mtu { low = probe } else { high = probe - 1 }
            }
            assert!(high - low < 8 && low <= mtu && mtu <= high, "{low}..{high} for {mtu}");
            assert_eq!(u32::from(pair.connection('a').snd.mss) + 40, low);
            // What is no probe is as long as the last probe that was acknowledged, at most.
            let (mut proven, mut pending) = (u32::from(base_mss) + HEADERS, None);
            for (_, side, sent) in &pair.sent {
                let len = sent.segment.payload.len() + HEADERS;
                match side {
                    'a' if sent.why == Rule::MtuProbe => {
                        pending = Some((sent.segment.seq.add(len - HEADERS), len))
                    }
                    'a' => assert!(len <= proven, "{len} bytes, and {proven} are proven: {:?}", sent.why),
                    _ => {
                        let arrived =
                            pending.filter(|(end, _)| sent.segment.ack.distance_from(*end) < 1 << 31);
                        // The acknowledgment is under way, but that makes nothing longer before it is there.
                        proven = arrived.map_or(proven, |(_, len)| len);
                    }
                }
            }
        }
    }
}

/// 4821/4-PROBELOSS: cwnd and ssthresh are what they would be had there been no probe to lose, and no timer runs out.
#[test]
fn a_lost_probe_is_no_congestion() {
    for config in habits() {
        let mut pair = Pair::over(1400, &config);
        let mut before = 0;
        for _ in 0..40 {
            pair.transfer(40_000);
            assert!(pair.window() + 2000 >= before, "{} after {before}", pair.window());
            before = pair.window();
        }
        assert!(pair.probes().iter().any(|probe| *probe > 1400));
        assert!(pair.connection('a').snd.queue.ssthresh() >= before, "nothing was taken for congestion");
        let why = |why| pair.sent.iter().filter(|(_, _, sent)| sent.why == why).count();
        assert_eq!(why(Rule::RtoRetransmit) + why(Rule::RackRetransmit) + why(Rule::SackRetransmit), 0);
        assert!(why(Rule::MtuProbeRepair) > 0);
    }
}

/// 4821/4-RESCALEUP: longer segments are fewer; the window has no more octets of packets than before.
#[test]
fn longer_segments_do_not_raise_the_window() {
    for config in habits() {
        let mut pair = Pair::over(1500, &config);
        let mut before = None;
        pair.write('a', 60_000);
        for _ in 0..200 {
            let (mss, window) = (u64::from(pair.connection('a').snd.queue.mss()), pair.window());
            let mut copy = pair.connection('a').snd.queue.clone();
            copy.on_larger_mss(1448, HEADERS as u16, &config);
            let packets = |window: u64, mss: u64| window / mss * (mss + u64::from(HEADERS));
            assert!(packets(copy.cwnd(), 1448) <= packets(window, mss) || config.cautious_mtu_search);
            assert!(copy.cwnd() <= window || !config.cautious_mtu_search);
            before.get_or_insert(mss);
            pair.run_for(1);
        }
        assert!(u64::from(pair.connection('a').snd.queue.mss()) > before.unwrap_or(u64::MAX));
    }
}

/// 4821/4-OTHERLOSS, 4821/7.6.4-INCONCL: the segment behind the probe is lost as well, at once or found later: the window is
/// reduced. What was lost first shows nothing of the path: the same probe goes again.
#[test]
fn a_loss_beside_the_probe_counts() {
    for (nth, inconclusive) in [(1, true), (30, false)] {
        let mut pair = Pair::over(1500, &rfc());
        let mut behind = None;
        pair.wire = Box::new(move |side, s| match behind {
            None if s.payload.len() > 1024 => {
                behind = Some(nth);
                Fate::Drop
            }
            Some(1) => {
                behind = Some(0);
                Fate::Drop
            }
            Some(n) if side == 'a' && n > 1 && !s.payload.is_empty() => {
                behind = Some(n - 1);
                Fate::Deliver
            }
            _ => Fate::Deliver,
        });
        let window = pair.window();
        pair.transfer(400_000);
        let queue = &pair.connection('a').snd.queue;
        assert!(queue.ssthresh() < u64::MAX && queue.ssthresh() <= window * 2, "a reduction");
        let probes = pair.probes();
        assert_eq!(probes[0] == probes[1], inconclusive, "{probes:?}");
    }
}

/// 4821/7.1-IMPLICIT: a segment longer than search_low that is no probe says nothing of the path when it is lost.
#[test]
fn the_loss_of_another_segment_says_nothing() {
    let [linux, _] = habits();
    // A passive end under Linux sends what the interface carries from the start.
    let mut pair = Pair::established(linux.clone(), linux);
    let mut count = 0;
    pair.wire = Box::new(move |side, s| {
        let long = side == 'b' && s.payload.len() > 1400;
        count += u32::from(long);
        if long && count == 3 { Fate::Drop } else { Fate::Deliver }
    });
    pair.write('b', 20_000);
    pair.run_for(200);
    assert_eq!(pair.a.readable().0, 20_000);
    let lost = pair.sent.iter().filter(|(_, side, sent)| *side == 'b' && sent.why == Rule::RackRetransmit);
    assert!(lost.count() > 0);
    // A smaller one was: search_low rises, search_high stays.
    assert_eq!(pair.connection('b').snd.search.as_deref().unwrap().range(), (1288, 1500));
}

/// 4821/4-RATELIM: after a probe was lost none goes for as many round trips as the window has segments.
#[test]
fn no_probe_follows_soon_on_one_that_was_lost() {
    let mut pair = Pair::over(1100, &rfc());
    let mut gaps = Vec::new();
    let mut last = None;
    for _ in 0..400 {
        let (probes, at) = (pair.probes().len(), pair.now);
        let segments = pair.window() / u64::from(pair.connection('a').snd.queue.mss());
        pair.transfer(30_000);
        if pair.probes().len() > probes && pair.probes().last() > Some(&1100) {
            gaps.extend(last.map(|(then, segments): (Time, u64)| (at.since(then), segments)));
            last = Some((at, segments));
        }
    }
    assert!(gaps.len() >= 2, "{gaps:?}");
    for (gap, segments) in &gaps {
        assert!(*gap >= DELAY * 2 * *segments, "{gap:?} with {segments} segments");
    }
}

/// 4821/7.6.3-TIMEOUT: where the probe and all that follows are lost, the timer tells: the window is reduced, the range stays,
/// and the next probe waits five times as long.
#[test]
fn a_probe_that_times_out() {
    let mut pair = Pair::over(1500, &rfc());
    let (mut probe, mut dead) = (None, false);
    pair.wire = Box::new(move |side, s| {
        if probe.is_none() && s.payload.len() > 1024 {
            (probe, dead) = (Some(s.seq), true);
        } else if side == 'a' && probe == Some(s.seq) {
            // The timer sends it again.
            dead = false;
        }
        if dead && side == 'a' { Fate::Drop } else { Fate::Deliver }
    });
    pair.write('a', 20_000);
    while pair.probes().is_empty() {
        pair.run_for(1);
    }
    let range = pair.search().range();
    pair.run_for(1005);
    assert_eq!(pair.window(), 1024, "the loss window");
    assert_eq!(pair.connection('a').snd.queue.retries(), 1);
    // Sixteen segments were the window: that many round trips of 20 ms, five times.
    let patience = DELAY * 2 * 16 * 5;
    pair.transfer(8_000);
    let (found, waits) = (pair.now, pair.search().waits_until());
    assert!(waits.since(found) + DELAY * 20 >= patience && waits.since(found) <= patience, "{waits:?}");
    assert_eq!(pair.search().range(), range);
    while pair.probes().len() < 2 {
        pair.transfer(40_000);
        assert!(pair.now < ms(20_000));
    }
    let probes: Vec<_> = pair.sent.iter().filter(|(_, _, sent)| sent.why == Rule::MtuProbe).collect();
    assert_eq!(probes[0].2.segment.payload.len(), probes[1].2.segment.payload.len(), "the same again");
    assert!(probes[1].0 >= waits);
}

/// 4821/7.6.2-PTB, 1191/6.4: a router that does speak ends the guessing: the probe's data goes again at once, and search_high
/// is what the router said.
#[test]
fn a_router_that_speaks() {
    for config in habits() {
        let mut pair = Pair::over(1200, &config);
        pair.write('a', 100_000);
        while pair.probes().is_empty() {
            pair.run_for(1);
        }
        let start = pair.sent.iter().find(|(_, _, sent)| sent.why == Rule::MtuProbe).unwrap().2.segment.seq;
        pair.take_log();
        pair.call('a', |t, now, out| t.on_icmp(now, IcmpError::TooBig(1200), start, out));
        assert_eq!(pair.search().range(), (1076, 1200));
        let log = pair.take_log();
        assert!(log[0].ends_with("PmtuRetransmit") && log[0].contains(":+1024 "), "{log:?}");
        assert_eq!(pair.connection('a').snd.pmtu, 1200);
        pair.transfer(100_000);
        assert!(pair.probes()[1..].iter().all(|probe| *probe <= 1200));
    }
}

/// 4821/7.3-CONV, 4821/7.4-PRE: ten minutes after the search began what has converged may begin anew, and finds a path that
/// has become larger.
#[test]
fn the_search_begins_anew_in_time() {
    for config in habits() {
        let mut pair = Pair::over(1100, &config);
        while pair.now < ms(595_000) {
            pair.transfer(60_000);
            pair.run_for(2_000);
        }
        let before = pair.probes().len();
        let mss = pair.connection('a').snd.mss;
        assert!((1053..=1060).contains(&mss), "{mss}");
        pair.narrow(1500);
        pair.transfer(200_000);
        assert_eq!(pair.probes().len(), before, "not before");
        while pair.now < ms(640_000) {
            pair.transfer(60_000);
            pair.run_for(200);
        }
        assert!(pair.connection('a').snd.mss > 1452, "{}", pair.connection('a').snd.mss);
    }
}

/// 4821/7.4-PRE: what has to be so before a probe goes, one thing after the other.
#[test]
fn a_probe_waits_until_its_loss_would_show() {
    let probes = |config: Config, wnd: u16, len: u32| {
        let mut end = Lone::established(config);
        let mut ack = end.segment(Flags::ACK, 1, 1);
        ack.wnd = wnd;
        end.show(&ack);
        end.write(len).iter().filter(|line| line.ends_with("MtuProbe")).count()
    };
    for config in habits() {
        let config = Config { window_scaling: false, ..config };
        // The probe, and four segments behind it.
        let needed = 1236 + 4 * 1024;
        assert_eq!(probes(config.clone(), 60_000, needed), 1);
        assert_eq!(probes(config.clone(), 60_000, needed - 1), 0, "not enough data");
        assert_eq!(probes(config.clone(), needed as u16 - 1, 50_000), 0, "not enough of a window");
        assert_eq!(
            probes(Config { initial_window: 10, ..config.clone() }, 60_000, 50_000),
            0,
            "cwnd below 11"
        );
        assert_eq!(
            probes(Config { mtu_probing: MtuProbing::BlackHole, ..config.clone() }, 60_000, 50_000),
            0
        );
        assert_eq!(
            probes(Config { path_mtu_discovery: false, ..config.clone() }, 60_000, 50_000),
            0,
            "no DF"
        );
        let dupthresh = Config { dupthresh: 6, ..config.clone() };
        assert_eq!(probes(dupthresh, 60_000, needed), 0, "not enough behind it");
        // One at a time.
        assert_eq!(probes(config.clone(), 60_000, 50_000), 1);
        let mut end = Lone::established(config.clone());
        end.show(&Segment { wnd: 60_000, ..end.segment(Flags::ACK, 1, 1) });
        let said = [end.write(needed), end.write(needed)].concat();
        assert_eq!(said.iter().filter(|line| line.ends_with("MtuProbe")).count(), 1, "{said:?}");
        // SACK blocks take room in the header, those of what came twice as well as those of what lies beyond a gap.
        for twice in [false, true] {
            let mut end = Lone::established(config.clone());
            let at = if twice { 1 } else { 101 };
            end.show(&Segment { wnd: 60_000, ..end.data(at, 100, 1) });
            if twice && let Tcb::Open(connection) = &mut end.tcb {
                let nxt = connection.rcv.nxt();
                connection.rcv.duplicate(nxt - 100..nxt);
            }
            let said = end.write(needed);
            assert!(said.len() > 4 && said.iter().all(|line| !line.ends_with("MtuProbe")), "{said:?}");
        }
    }
}

/// Linux `tcp_mtu_probe`, 4821/7.4-PRE: with something outstanding a probe waits for room in both windows, and all else behind it:
/// for itself and what has to follow in the peer's, for two segments in cwnd.
#[test]
fn a_probe_waits_for_room() {
    for config in habits() {
        let config = Config { window_scaling: false, ..config };
        let size = 1024;
        let needed = 1236 + 4 * size;
        // So many segments are outstanding of sixteen, and the peer's window has so much room behind them.
        let probed = |outstanding: u32, room: u32| {
            let mut end = Lone::established(config.clone());
            let wnd = (outstanding * size + room) as u16;
            end.show(&Segment { wnd, ..end.segment(Flags::ACK, 1, 1) });
            for _ in 0..outstanding {
                assert_eq!(end.write(size).len(), 1);
            }
            end.write(needed)
        };
        for (outstanding, room, probes) in [
            (1, needed, true),
            (1, needed - 1, false),
            (14, 40_000, true),
            (15, 40_000, false),
            (0, needed, true),
        ] {
            let said = probed(outstanding, room);
            assert_eq!(said.first().is_some_and(|line| line.ends_with("MtuProbe")), probes, "{said:?}");
            assert!(probes || said.is_empty(), "what is behind the probe waits: {said:?}");
        }
    }
    // Where octets count, two segments' worth of them: fourteen are outstanding, and a short one.
    for (short, probes) in [(0, true), (1, false), (548, false)] {
        let mut end = Lone::established(Config { window_scaling: false, ..rfc() });
        end.show(&Segment { wnd: 60_000, ..end.segment(Flags::ACK, 1, 1) });
        for len in [[1024; 14].as_slice(), &[short]].concat().into_iter().filter(|len| *len > 0) {
            assert_eq!(end.write(len).len(), 1);
        }
        let said = end.write(1236 + 4 * 1024);
        assert_eq!(said.first().is_some_and(|line| line.ends_with("MtuProbe")), probes, "{said:?}");
    }
}

/// A black hole on a path that was searched: down, by halves, and up again from there (RFC 4821, section 7.7).
#[test]
fn down_into_the_hole_and_up_again() {
    for config in habits() {
        for probing in [MtuProbing::BlackHole, MtuProbing::Always] {
            let mut pair = Pair::over(1500, &Config { mtu_probing: probing, ..config.clone() });
            (0..20).for_each(|_| pair.transfer(200_000));
            assert!(pair.connection('a').snd.mss > 1450);
            pair.narrow(600);
            for _ in 0..20 {
                pair.transfer(400_000);
                pair.run_for(20_000);
            }
            let mss = pair.connection('a').snd.mss;
            assert!((553..=560).contains(&mss), "{probing:?} {mss}");
        }
    }
}

/// 4821/7.2-HIGH: what others have learnt of the path bounds the segments of a passive end that has sent nothing, and not its
/// search (Linux `tcp_mtup_init` comes last there); later it is as good as a router's word.
#[test]
fn others_word_at_the_start_is_no_bound() {
    let [linux, _] = habits();
    for (fresh, high) in [(true, 1500), (false, 1300)] {
        let mut pair = Pair::over(1500, &linux);
        if !fresh {
            pair.write('b', 1000);
            pair.run_for(50);
        }
        pair.call('b', |t, now, _| t.on_path_mtu(now, 1300));
        let search = pair.connection('b').snd.search.as_deref().expect("a search");
        assert_eq!((search.range().1, pair.connection('b').snd.pmtu), (high, 1300));
    }
}
