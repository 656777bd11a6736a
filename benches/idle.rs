//! Memory of open idle connections: `max alloc` divided by the number of connections is what both ends of one cost,
//! programs and tables included.

use divan::{AllocProfiler, Bencher};
use sim::{Simulator, TraceLevel};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// `count` clients that connect, exchange one small message each and stay open.
#[divan::bench(args = [1_000, 10_000], sample_count = 3)]
fn open_connections(bencher: Bencher, count: u32) {
    let text = format!(
        r#"Scenario(
            about: "idle connections",
            until: "60s",
            hosts: {{ "a": (addr: "10.0.0.1", ports: (1024, 65535)), "b": (addr: "10.0.0.2") }},
            links: [(between: ("a", "b"), delay: "1ms")],
            programs: [
                (on: "b", run: Server(port: 80, backlog: 4096, steps: [Recv(10), WaitEnd])),
                (on: "a", run: Clients(to: "b:80", count: {count}, every: "1ms", steps: [Send("0123456789"), WaitEnd])),
            ],
        )"#
    );
    let spec =
        timewait::scenario::Scenario::parse("idle.ron", &text).expect("the scenario is right").spec().clone();
    bencher.bench(|| {
        let mut sim = Simulator::new(&spec, TraceLevel::Off);
        sim.run();
        sim
    });
}
