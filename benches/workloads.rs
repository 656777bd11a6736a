//! Many connections: flows that share a bottleneck, without and with random loss, short connections, one after the
//! other, and connections that are all open at once. Without a trace and without checks; one item is a data segment (or a connection).

use divan::Bencher;
use divan::counter::ItemsCount;
use sim::{Simulator, Spec, TraceLevel};

#[path = "common/memory.rs"]
mod memory;
#[path = "common/workloads.rs"]
mod workloads;

fn main() {
    divan::main();
}

fn run(spec: &Spec) -> Simulator {
    let mut sim = Simulator::new(spec, TraceLevel::Off).without_checks();
    sim.run();
    sim
}

/// Packets that came over the link that all share, in the direction of the data.
fn segments(spec: &Spec) -> u64 {
    let sim = run(spec);
    let [there, _] = sim.names().link_pipes(workloads::SHARED).expect("the workloads have that link");
    sim.pipe_counters(there).delivered
}

#[divan::bench(args = [10, 100, 1000], sample_count = 3)]
fn dumbbell(bencher: Bencher, flows: u32) {
    let spec = workloads::dumbbell(flows);
    bencher.counter(ItemsCount::new(segments(&spec))).bench(|| run(&spec));
}

#[divan::bench(args = [100], sample_count = 3)]
fn lossy(bencher: Bencher, flows: u32) {
    let spec = workloads::lossy(flows);
    bencher.counter(ItemsCount::new(segments(&spec))).bench(|| run(&spec));
}

#[divan::bench(args = [100_000], sample_count = 3)]
fn short(bencher: Bencher, connections: u32) {
    let spec = workloads::short(connections);
    bencher.counter(ItemsCount::new(connections)).bench(|| run(&spec));
}

#[divan::bench(args = [100_000], sample_count = 3)]
fn open(bencher: Bencher, connections: u32) {
    let spec = workloads::open(connections);
    bencher.counter(ItemsCount::new(connections)).bench(|| run(&spec));
}
