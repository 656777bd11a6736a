//! A bulk transfer through one router: the cost of a data segment delivered end to end, and of an event.

use divan::Bencher;
use divan::counter::ItemsCount;
use sim::{Simulator, TraceLevel};

fn main() {
    divan::main();
}

/// Bytes of one transfer: 6,907 full segments.
const BYTES: u64 = 10_000_000;

/// Two hosts and a router at 1 Gbit/s and 1 ms each way; `extra` goes into the second link.
fn scenario(extra: &str) -> sim::Spec {
    let text = format!(
        r#"Scenario(
            about: "bulk transfer through a router",
            hosts: {{ "a": (addr: "10.0.0.1"), "b": (addr: "10.0.1.1") }},
            routers: {{ "r": (addr: "10.0.2.1") }},
            links: [
                (between: ("a", "r"), rate: "1Gbit", delay: "500us"),
                (between: ("r", "b"), rate: "1Gbit", delay: "500us", {extra}),
            ],
            programs: [
                (on: "b", run: Sink(port: 80)),
                (on: "a", run: BulkSender(to: "b:80", bytes: {BYTES})),
            ],
        )"#
    );
    timewait::scenario::Scenario::parse("bulk.ron", &text).expect("the scenario is right").spec().clone()
}

fn run(spec: &sim::Spec, level: TraceLevel) -> u64 {
    let mut sim = Simulator::new(spec, level);
    sim.run();
    sim.trace_hash()
}

/// One item is a data segment delivered.
#[divan::bench(args = ["", "loss: \"1%\"", "limit: Packets(100)"])]
fn per_segment(bencher: Bencher, extra: &str) {
    let spec = scenario(extra);
    bencher.counter(ItemsCount::new(BYTES.div_ceil(1448))).bench(|| run(&spec, TraceLevel::Off));
}

/// One item is an event.
#[divan::bench]
fn per_event(bencher: Bencher) {
    let spec = scenario("");
    let mut sim = Simulator::new(&spec, TraceLevel::Off);
    sim.run();
    bencher.counter(ItemsCount::new(sim.events())).bench(|| run(&spec, TraceLevel::Off));
}

/// What keeping the whole trace costs.
#[divan::bench]
fn per_segment_traced(bencher: Bencher) {
    let spec = scenario("");
    bencher.counter(ItemsCount::new(BYTES.div_ceil(1448))).bench(|| run(&spec, TraceLevel::On));
}
