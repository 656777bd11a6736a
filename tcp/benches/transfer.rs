//! What TCP alone costs: two endpoints that hand each other their segments in memory.
//!
//! `cargo bench -p timewait-tcp`. The figures are per transfer; "items" are data segments.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use timewait_tcp::tcb::{Connect, Received, SendFlags};
use timewait_tcp::{Config, Duration, EcnCodepoint, IsnSecret, Out, Payload, Segment, Tcb, Time, Tuple};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    println!(
        "bytes of a connection: {} in itself, {} of them for what is in flight\n",
        size_of::<timewait_tcp::Connection>(),
        size_of::<timewait_tcp::recovery::Sender>()
    );
    divan::main();
}

/// Two ends, and what is under way between them.
#[derive(Clone)]
struct Pair {
    now: Time,
    ends: [Tcb; 2],
    data_segments: u64,
}

/// Buffers that a host keeps.
#[derive(Default)]
struct Scratch {
    out: Out,
    wire: [Vec<Segment>; 2],
}

impl Pair {
    /// A connection opened from both sides at once, which needs no listener.
    fn open(config: &Config, scratch: &mut Scratch) -> Pair {
        let config = Arc::new(config.clone());
        let end = |n| SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, n)), 5000 + u16::from(n));
        let tuple = Tuple { local: end(1), remote: end(2) };
        let connect = |tuple| Connect {
            tuple,
            mtu: 1500,
            config: Arc::clone(&config),
            options: Vec::new(),
            reuses: None,
        };
        let secret = IsnSecret([1, 2]);
        let now = Time::from_nanos(1_000_000_000);
        let a = Tcb::connect(now, connect(tuple), &secret, &mut scratch.out);
        scratch.collect(0);
        let b = Tcb::connect(now, connect(tuple.reversed()), &secret, &mut scratch.out);
        scratch.collect(1);
        let mut pair = Pair { now, ends: [a, b], data_segments: 0 };
        while pair.exchange(scratch, |_| true) {}
        pair
    }
    /// Hands all segments over, half a round trip later; those that `passes` refuses are lost.
    fn exchange(&mut self, scratch: &mut Scratch, mut passes: impl FnMut(u64) -> bool) -> bool {
        self.now += Duration::from_millis(5);
        let mut any = false;
        for from in 0..2 {
            let to = 1 - from;
            let mut segments = std::mem::take(&mut scratch.wire[from]);
            for segment in segments.drain(..) {
                any = true;
                if !segment.payload.is_empty() {
                    self.data_segments += 1;
                    if !passes(self.data_segments) {
                        continue;
                    }
                }
                self.ends[to].on_segment(self.now, &segment, EcnCodepoint::NotEct, &mut scratch.out);
                scratch.collect(to);
            }
            // Back into its place, for its capacity; the other side's answers are behind it.
            segments.append(&mut scratch.wire[from]);
            scratch.wire[from] = segments;
        }
        any
    }
    /// Sends `bytes` from the first end to the second.
    fn transfer(&mut self, bytes: u64, scratch: &mut Scratch, mut passes: impl FnMut(u64) -> bool) {
        let (mut sent, mut received) = (0, 0);
        while received < bytes {
            while sent < bytes {
                let len = (bytes - sent).min(65_536) as u32;
                let data = Payload::Pattern { stream: 1, offset: sent, len };
                match self.ends[0].send(self.now, data, SendFlags::default(), &mut scratch.out) {
                    Ok(n) => sent += u64::from(n),
                    Err(_) => break,
                }
                scratch.collect(0);
            }
            let moved = self.exchange(scratch, &mut passes);
            while let Ok(Received::Data(data)) = self.ends[1].recv(self.now, 1 << 20, &mut scratch.out) {
                received += u64::from(data.len());
            }
            scratch.collect(1);
            if !moved {
                self.now = self.ends[0].deadline().min(self.ends[1].deadline());
                for end in 0..2 {
                    self.ends[end].on_deadline(self.now, &mut scratch.out);
                    scratch.collect(end);
                }
            }
        }
    }
}

impl Scratch {
    fn collect(&mut self, from: usize) {
        self.wire[from].extend(self.out.segments.drain(..).map(|outgoing| outgoing.segment));
        self.out.notes.clear();
    }
}

/// A megabyte with the windows of a bulk transfer, over a path that loses each `n`th data segment (0: none).
fn bulk(bencher: Bencher, config: &Config, lose: u64) {
    let mut scratch = Scratch::default();
    let pair = Pair::open(config, &mut scratch);
    let bytes = 1_000_000;
    let passes = move |n: u64| lose == 0 || !n.is_multiple_of(lose);
    // Once to warm up, and to count.
    let mut first = pair.clone();
    first.transfer(bytes, &mut scratch, passes);
    bencher.counter(ItemsCount::new(first.data_segments)).with_inputs(|| pair.clone()).bench_local_values(
        |mut pair| {
            pair.transfer(bytes, &mut scratch, passes);
            pair
        },
    );
}

fn large_windows() -> Config {
    Config { rcv_buf: 400_000, snd_buf: 400_000, ..Config::linux() }
}

#[divan::bench]
fn linux(bencher: Bencher) {
    bulk(bencher, &large_windows(), 0);
}

#[divan::bench(args = [100, 20])]
fn linux_losing_one_in(bencher: Bencher, n: u64) {
    bulk(bencher, &large_windows(), n);
}

#[divan::bench]
fn rfc_losing_one_in_100(bencher: Bencher) {
    bulk(bencher, &Config { rcv_buf: 400_000, snd_buf: 400_000, ..Config::rfc() }, 100);
}

/// What a connection costs to make.
#[divan::bench]
fn open(bencher: Bencher) {
    let mut scratch = Scratch::default();
    let config = Config::linux();
    bencher.bench_local(|| Pair::open(&config, &mut scratch));
}
