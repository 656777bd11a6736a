//! One run of one workload, for callgrind, perf and their like, and for comparisons by the clock: see
//! `benches/README.md`.
//!
//! `once 100`: a bulk transfer of 100 MB; what goes into the first link may follow. `once dumbbell 100`, `once lossy
//! 100`: so many flows. `once short 100000`: so many short connections. `once open
//! 100000`: so many that are open at once. `checked` at the end: with the stream checker.

use sim::{Simulator, TraceLevel};

#[path = "common/memory.rs"]
mod memory;
#[path = "common/parse.rs"]
mod parse;
#[path = "common/scenarios.rs"]
mod scenarios;
#[path = "common/workloads.rs"]
mod workloads;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let word = |n: usize| args.get(n).map_or("", String::as_str);
    let number = |n: usize| word(n).parse::<u32>().unwrap_or(10);
    let spec = match word(0) {
        "dumbbell" => workloads::dumbbell(number(1)),
        "lossy" => workloads::lossy(number(1)),
        "short" => workloads::short(number(1)),
        "open" => workloads::open(number(1)),
        _ => scenarios::bulk(1_000_000 * u64::from(number(0)), word(1)),
    };
    let checked = !matches!(word(0), "dumbbell" | "lossy" | "short" | "open") || word(2) == "checked";
    let mut sim = Simulator::new(&spec, TraceLevel::Off);
    if !checked {
        sim = sim.without_checks();
    }
    let begun = cpu_us();
    sim.run();
    let spent = cpu_us() - begun;
    let packets: u64 = (0..sim.names().pipes()).map(|n| sim.pipe_counters(sim::PipeId(n)).delivered).sum();
    let (seconds, millis) = (spent / 1_000_000, spent / 1000 % 1000);
    println!(
        "{} events, {packets} hops, {seconds}.{millis:03} s of CPU, hash {:016x}",
        sim.events(),
        sim.trace_hash()
    );
    if let Some([there, _]) = sim.names().link_pipes(workloads::SHARED) {
        let there = sim.pipe_counters(there);
        println!(
            "shared link: {} packets, {} dropped, {} Mbit/s of IP",
            there.delivered,
            there.dropped,
            8_000 * u128::from(there.delivered_bytes) / u128::from(sim.now().as_nanos().max(1))
        );
    }
}

/// CPU time of this process so far, in microseconds; zero where the system does not tell.
fn cpu_us() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0) / 1000
}
