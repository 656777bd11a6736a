//! A bulk transfer.

use crate::parse::parse;

/// Two hosts and a router at 1 Gbit/s and 1 ms each way; `extra` goes into the first link.
pub fn bulk(bytes: u64, extra: &str) -> sim::Spec {
    parse(&format!(
        r#"Scenario(
            about: "bulk transfer through a router",
            hosts: {{ "a": (addr: "10.0.0.1"), "b": (addr: "10.0.1.1") }},
            routers: {{ "r": (addr: "10.0.2.1") }},
            links: [
                (between: ("a", "r"), rate: "1Gbit", delay: "500us", {extra}),
                (between: ("r", "b"), rate: "1Gbit", delay: "500us"),
            ],
            programs: [
                (on: "b", run: Sink(port: 80)),
                (on: "a", run: BulkSender(to: "b:80", bytes: {bytes})),
            ],
        )"#
    ))
}
