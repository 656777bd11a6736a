//! Memory of open idle connections: `max alloc` divided by the number of connections is what both ends of one cost,
//! programs and tables included.

use divan::{AllocProfiler, Bencher};
use sim::{Simulator, TraceLevel};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// `count` clients that connect and exchange one small message each; then each end does nothing more but these steps.
fn connections(bencher: Bencher, count: u32, client: &str, server: &str) {
    let text = format!(
        r#"Scenario(
            about: "idle connections",
            until: "60s",
            hosts: {{ "a": (addr: "10.0.0.1", ports: (1024, 65535)), "b": (addr: "10.0.0.2") }},
            links: [(between: ("a", "b"), delay: "1ms")],
            programs: [
                (on: "b", run: Server(port: 80, backlog: 4096, steps: [Recv(10), {server}])),
                (on: "a", run: Clients(to: "b:80", count: {count}, every: "1ms", steps: [Send("0123456789"), {client}])),
            ],
        )"#
    );
    let spec =
        timewait::scenario::Scenario::parse("idle.ron", &text).expect("the scenario is right").spec().clone();
    bencher.bench(|| {
        let mut sim = Simulator::new(&spec, TraceLevel::Off).without_checks();
        sim.run();
        sim
    });
}

/// Both ends ESTABLISHED.
#[divan::bench(args = [1_000, 10_000], sample_count = 3)]
fn established(bencher: Bencher, count: u32) {
    connections(bencher, count, "WaitEnd", "WaitEnd");
}
/// The client's end in FIN-WAIT-2, the server's in CLOSE-WAIT.
#[divan::bench(args = [10_000], sample_count = 3)]
fn half_closed(bencher: Bencher, count: u32) {
    connections(bencher, count, "ShutdownWrite, WaitEnd", r#"Sleep("1h")"#);
}
/// The client's end in TIME-WAIT, the server's gone.
#[divan::bench(args = [10_000], sample_count = 3)]
fn time_wait(bencher: Bencher, count: u32) {
    connections(bencher, count, "Close", "RecvToEof, Close");
}
