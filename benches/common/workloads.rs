//! Workloads of many connections.

use std::fmt::Write;

use crate::parse::parse;

/// So many long-lived NewReno flows, each between hosts of its own, that share a link of 10 ms between two routers.
/// They start within the first 100 ms. Timestamps and SACK are on.
pub struct Dumbbell {
    pub flows: u32,
    /// Of the link that they share.
    pub rate: &'static str,
    /// Packets that wait in front of it.
    pub queue: u32,
    /// Its random loss in the direction of the data: `0%` for none.
    pub loss: &'static str,
    pub seconds: u32,
}

impl Dumbbell {
    /// 1 Gbit/s for 10 s with a queue of one bandwidth-delay product.
    pub fn clean(flows: u32) -> Dumbbell {
        Dumbbell { flows, rate: "1Gbit", queue: 1666, loss: "0%", seconds: 10 }
    }
    /// 100 Mbit/s for 60 s where one packet in a hundred is lost.
    pub fn lossy(flows: u32) -> Dumbbell {
        Dumbbell { flows, rate: "100Mbit", queue: 166, loss: "1%", seconds: 60 }
    }
    pub fn spec(&self) -> sim::Spec {
        let Dumbbell { flows, rate, queue, loss, seconds } = self;
        let (mut hosts, mut links, mut programs) = (String::new(), String::new(), String::new());
        let fast = r#"rate: "1Gbit", delay: "1us", limit: Packets(1000000)"#;
        for n in 0..*flows {
            let (high, low) = (n / 250, n % 250 + 1);
            let start = 100_000 * u64::from(n) / u64::from(*flows);
            let _ = write!(
                hosts,
                r#" "s{n}": (addr: "10.1.{high}.{low}", tcp: (TCP)), "d{n}": (addr: "10.2.{high}.{low}", tcp: (TCP)),"#
            );
            let _ = write!(
                links,
                r#" (between: ("s{n}", "left"), {fast}), (between: ("right", "d{n}"), {fast}),"#
            );
            let _ = write!(
                programs,
                r#" (on: "d{n}", run: Sink(port: 80)),
                    (on: "s{n}", at: "{start}us", run: BulkSender(to: "d{n}:80", bytes: 1000000000000)),"#
            );
        }
        let buffers = r#"rcv_buf: "4MiB", rcv_buf_max: "4MiB", snd_buf: "4MiB", snd_buf_max: "4MiB""#;
        let hosts = hosts.replace("TCP", &format!("congestion: Reno, {buffers}"));
        parse(&format!(
            r#"Scenario(
                about: "flows that share a link",
                until: "{seconds}s",
                hosts: {{ {hosts} }},
                routers: {{ "left": (addr: "10.0.0.1"), "right": (addr: "10.0.0.2") }},
                links: [
                    (name: "shared", between: ("left", "right"), rate: "{rate}", delay: "10ms",
                     limit: Packets({queue}), loss: "{loss}", back: (loss: "0%")),
                    {links}
                ],
                programs: [{programs}],
            )"#
        ))
    }
}

/// So many short connections between ten pairs of hosts over a link of 10 Gbit/s and 5 ms: handshake, a request of
/// 100 bytes, a response of 10 kB, close. 100,000 of them begin in 5 s.
pub fn short(connections: u32) -> sim::Spec {
    let each = connections / 10;
    let (mut hosts, mut links, mut programs) = (String::new(), String::new(), String::new());
    let fast = r#"rate: "10Gbit", delay: "1us", limit: Packets(1000000)"#;
    for n in 0..10 {
        let _ = write!(
            hosts,
            r#" "c{n}": (addr: "10.1.0.{n}", ports: (1024, 65535)), "s{n}": (addr: "10.2.0.{n}"),"#
        );
        let _ =
            write!(links, r#" (between: ("c{n}", "left"), {fast}), (between: ("right", "s{n}"), {fast}),"#);
        let _ = write!(
            programs,
            r#" (on: "s{n}", run: Server(port: 80, backlog: 4096, steps: [Recv(100), SendBytes(len: 10000), Close])),
                (on: "c{n}", at: "{start}us", run: Clients(to: "s{n}:80", count: {each}, every: "500us",
                    steps: [SendBytes(len: 100), RecvToEof, Close])),"#,
            start = 50 * n
        );
    }
    parse(&format!(
        r#"Scenario(
            about: "short connections",
            hosts: {{ {hosts} }},
            routers: {{ "left": (addr: "10.0.0.1"), "right": (addr: "10.0.0.2") }},
            links: [
                (name: "shared", between: ("left", "right"), rate: "10Gbit", delay: "5ms", limit: Packets(100000)),
                {links}
            ],
            programs: [{programs}],
        )"#
    ))
}

/// So many connections between twenty pairs of hosts, all open at once: each sends a request of 100 bytes, reads a
/// response of 1 kB, is idle for a minute while keepalive asks every 20 s whether the other end is there, and closes.
/// 100,000 of them begin in 1 s.
pub fn open(connections: u32) -> sim::Spec {
    let each = connections.div_ceil(20);
    let (mut hosts, mut links, mut programs) = (String::new(), String::new(), String::new());
    let fast = r#"rate: "10Gbit", delay: "1us", limit: Packets(1000000)"#;
    for n in 0..20 {
        let _ = write!(
            hosts,
            r#" "c{n}": (addr: "10.1.0.{n}", ports: (1024, 65535), tcp: (keepalive: true, keepalive_idle: "20s")),
                "s{n}": (addr: "10.2.0.{n}"),"#
        );
        let _ =
            write!(links, r#" (between: ("c{n}", "left"), {fast}), (between: ("right", "s{n}"), {fast}),"#);
        let _ = write!(
            programs,
            r#" (on: "s{n}", run: Server(port: 80, backlog: 4096, steps: [Recv(100), SendBytes(len: 1000), RecvToEof, Close])),
                (on: "c{n}", at: "{start}us", run: Clients(to: "s{n}:80", count: {each}, every: "200us",
                    steps: [SendBytes(len: 100), Recv(1000), Sleep("60s"), Close])),"#,
            start = 10 * n
        );
    }
    parse(&format!(
        r#"Scenario(
            about: "open connections",
            hosts: {{ {hosts} }},
            routers: {{ "left": (addr: "10.0.0.1"), "right": (addr: "10.0.0.2") }},
            links: [
                (name: "shared", between: ("left", "right"), rate: "10Gbit", delay: "5ms", limit: Packets(100000)),
                {links}
            ],
            programs: [{programs}],
        )"#
    ))
}
