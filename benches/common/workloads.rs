//! The workloads of many connections: those of `benches/workloads`, at other sizes.

use std::path::Path;

use timewait::scenario::{Scenario, load};

/// So many long-lived NewReno flows share 1 Gbit/s for 10 s (`dumbbell.ron`, W2).
pub fn dumbbell(flows: u32) -> sim::Spec {
    sized(flows_of("dumbbell", flows))
}
/// So many over 100 Mbit/s for 60 s where one packet in a hundred is lost (`lossy.ron`, W4).
pub fn lossy(flows: u32) -> sim::Spec {
    sized(flows_of("lossy", flows))
}
/// So many short connections, 20,000 of them in a second (`short.ron`, W3).
pub fn short(connections: u32) -> sim::Spec {
    sized(counted("short", connections))
}
/// So many connections that are open at once, 100,000 of them begun in a second (`open.ron`).
pub fn open(connections: u32) -> sim::Spec {
    sized(counted("open", connections))
}
/// The link that all share.
pub const SHARED: &str = "bottleneck";

fn sized(scenario: Scenario) -> sim::Spec {
    scenario.spec().clone()
}
/// Flows between hosts of their own, all begun within 100 ms.
fn flows_of(name: &str, flows: u32) -> Scenario {
    let every = 100_000 / flows.max(1);
    let scenario = set(&counted(name, flows), &format!("topology.left={flows}"));
    set(&scenario, &format!("populations.0.arrivals=Every(\"{every}us\")"))
}
fn counted(name: &str, count: u32) -> Scenario {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/workloads").join(name).with_extension("ron");
    let scenario = load(&file).unwrap_or_else(|error| panic!("{error}"));
    set(&scenario, &format!("populations.0.count={count}"))
}
fn set(scenario: &Scenario, assignment: &str) -> Scenario {
    scenario.set(assignment).unwrap_or_else(|error| panic!("{error}"))
}
