//! One bulk transfer through a router, for callgrind and its like: its megabytes are the first argument, and what goes
//! into the first link may be the second. Two runs of different length give the cost of a segment: see
//! `benches/README.md`.

use sim::{Simulator, TraceLevel};

#[path = "common/scenarios.rs"]
mod scenarios;

fn main() {
    let megabytes = std::env::args().filter_map(|arg| arg.parse::<u64>().ok()).next().unwrap_or(10);
    let extra = std::env::args().nth(2).unwrap_or_default();
    let bytes = 1_000_000 * megabytes;
    let mut sim = Simulator::new(&scenarios::bulk(bytes, &extra), TraceLevel::Off);
    sim.run();
    println!("{} segments, {} events, hash {:016x}", bytes.div_ceil(1448), sim.events(), sim.trace_hash());
}
