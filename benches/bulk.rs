//! A bulk transfer through one router: the cost of a data segment delivered end to end, and of an event.

use divan::Bencher;
use divan::counter::ItemsCount;
use sim::{Simulator, TraceLevel};

#[path = "common/memory.rs"]
mod memory;
#[path = "common/parse.rs"]
mod parse;
#[path = "common/scenarios.rs"]
mod scenarios;

fn main() {
    divan::main();
}

/// Bytes of one transfer: 6,907 full segments.
const BYTES: u64 = 10_000_000;

fn run(spec: &sim::Spec, level: TraceLevel) -> u64 {
    let mut sim = Simulator::new(spec, level);
    sim.run();
    sim.trace_hash()
}

/// One item is a data segment delivered.
#[divan::bench(args = ["", "loss: \"1%\"", "limit: Packets(100)", "reorder: \"1%\", reorder_delay: \"200us\""])]
fn per_segment(bencher: Bencher, extra: &str) {
    let spec = scenarios::bulk(BYTES, extra);
    bencher.counter(ItemsCount::new(BYTES.div_ceil(1448))).bench(|| run(&spec, TraceLevel::Off));
}

/// One item is an event.
#[divan::bench]
fn per_event(bencher: Bencher) {
    let spec = scenarios::bulk(BYTES, "");
    let mut sim = Simulator::new(&spec, TraceLevel::Off);
    sim.run();
    bencher.counter(ItemsCount::new(sim.events())).bench(|| run(&spec, TraceLevel::Off));
}

/// What keeping the whole trace costs.
#[divan::bench]
fn per_segment_traced(bencher: Bencher) {
    let spec = scenarios::bulk(BYTES, "");
    bencher.counter(ItemsCount::new(BYTES.div_ceil(1448))).bench(|| run(&spec, TraceLevel::On));
}
