//! Parts of the simulator by themselves: a hop, a timer, a connection that only opens and closes.

use std::fmt::Write;

use divan::Bencher;
use divan::counter::ItemsCount;
use sim::{Simulator, Spec, TraceLevel};

#[path = "common/memory.rs"]
mod memory;
#[path = "common/parse.rs"]
mod parse;
use parse::parse;

fn main() {
    divan::main();
}

fn run(spec: &Spec) -> Simulator {
    let mut sim = Simulator::new(spec, TraceLevel::Off).without_checks();
    sim.run();
    sim
}

/// 10,000 datagrams through a chain of so many routers. One item is a link and the node behind it.
#[divan::bench(args = [1, 16])]
fn hop(bencher: Bencher, routers: u32) {
    let (mut nodes, mut links) = (String::new(), String::new());
    for n in 1..=routers {
        let _ = write!(nodes, r#" "r{n}": (addr: "10.1.0.{n}"),"#);
        let before = if n == 1 { "a".to_owned() } else { format!("r{}", n - 1) };
        let _ = write!(links, r#" (between: ("{before}", "r{n}"), rate: "1Gbit", delay: "1ms"),"#);
    }
    let spec = parse(&format!(
        r#"Scenario(
            about: "a chain of routers",
            hosts: {{ "a": (addr: "10.0.0.1"), "b": (addr: "10.0.0.2") }},
            routers: {{ {nodes} }},
            links: [{links} (between: ("r{routers}", "b"), rate: "1Gbit", delay: "1ms")],
            programs: [
                (on: "b", run: UdpReceive(port: 53)),
                (on: "a", run: UdpSend(to: "b:53", sizes: [1000], count: 10000, every: "10us")),
            ],
        )"#
    ));
    bencher.counter(ItemsCount::new(10_000 * u64::from(routers + 1))).bench(|| run(&spec));
}

/// So many tasks of a host that wake a hundred times each. One item is a timer that expires.
#[divan::bench(args = [100, 10_000])]
fn timer(bencher: Bencher, tasks: u32) {
    let spec = parse(&format!(
        r#"Scenario(
            about: "timers",
            hosts: {{ "a": (addr: "10.0.0.1", ports: (1024, 65535)), "b": (addr: "10.0.0.2") }},
            links: [(between: ("a", "b"), delay: "1ms")],
            programs: [
                (on: "b", run: Server(port: 80, backlog: 4096, steps: [WaitEnd])),
                (on: "a", run: Clients(to: "b:80", count: {tasks}, every: "10us", steps: [Repeat(100, [Sleep("100ms")])])),
            ],
        )"#
    ));
    bencher.counter(ItemsCount::new(100 * u64::from(tasks))).bench(|| run(&spec));
}

/// One item is a connection that opens and closes, without data.
#[divan::bench(args = [10_000])]
fn open_and_close(bencher: Bencher, connections: u32) {
    let spec = parse(&format!(
        r#"Scenario(
            about: "connections without data",
            hosts: {{ "a": (addr: "10.0.0.1", ports: (1024, 65535)), "b": (addr: "10.0.0.2") }},
            links: [(between: ("a", "b"), delay: "1ms")],
            programs: [
                (on: "b", run: Server(port: 80, backlog: 4096, steps: [RecvToEof, Close])),
                (on: "a", run: Clients(to: "b:80", count: {connections}, every: "100us", steps: [Close])),
            ],
        )"#
    ));
    bencher.counter(ItemsCount::new(connections)).bench(|| run(&spec));
}
