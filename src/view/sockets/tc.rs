//! What `tc -s qdisc show` would show in front of each direction of the links.

use std::io::{self, Write};

use sim::link::PipeCounters;
use sim::spec::{Codel, Discipline, Limit, Way};
use sim::{PipeId, Simulator};
use tcp::Duration;

use super::millis;

/// One direction of a link: its queue, and what it has done.
pub fn write(simulator: &Simulator, pipe: PipeId, out: &mut dyn Write) -> io::Result<()> {
    let names = simulator.names();
    let ends = names.ends(pipe);
    let (from, to) = (names.node(ends.0), names.node(ends.1));
    let (way, c) = (simulator.way(pipe), simulator.pipe_counters(pipe));
    let (packets, bytes) = simulator.backlog(pipe);
    let late = c.queue_full + c.early;
    writeln!(out, "qdisc {} dev {from}>{to} root {}", kind(way), parameters(way))?;
    writeln!(
        out,
        " Sent {} bytes {} pkt (dropped {late}, overlimits {})",
        c.sent_bytes, c.sent, c.queue_full
    )?;
    writeln!(out, " backlog {bytes}b {packets}p")?;
    writeln!(
        out,
        "  early {} ecn_mark {} wait avg {} max {}",
        c.early,
        c.marked,
        mean_wait(c),
        wait(c.longest_wait)
    )
}

fn mean_wait(c: PipeCounters) -> String {
    let waited = (c.sent + c.copies).saturating_sub(c.dropped);
    wait(c.waited / waited.max(1))
}
fn wait(d: Duration) -> String {
    format!("{}ms", millis(d))
}

/// The name of a discipline, as `tc` has it.
fn kind(way: &Way) -> &'static str {
    match (way.discipline, way.limit) {
        (Discipline::DropTail, Limit::Bytes(_)) => "bfifo",
        (Discipline::DropTail, _) => "pfifo",
        (Discipline::Red(_), _) => "red",
        (Discipline::Pie(_), _) => "pie",
        (Discipline::Codel(_), _) => "codel",
        (Discipline::FqCodel(_), _) => "fq_codel",
    }
}

fn parameters(way: &Way) -> String {
    let mut words = vec![match way.limit {
        Limit::Unlimited => "limit none".to_owned(),
        Limit::Packets(most) => format!("limit {most}p"),
        Limit::Bytes(most) => format!("limit {most}b"),
    }];
    let codel = |c: Codel| format!("target {} interval {}", wait(c.target), wait(c.interval));
    let (own, ecn) = match way.discipline {
        Discipline::DropTail => (None, false),
        Discipline::Red(red) => {
            let probability = format!("0.{:06}", red.probability_ppm.min(999_999));
            let own = format!("min {}p max {}p probability {probability}", red.min, red.max);
            (Some(own), red.ecn)
        }
        Discipline::Pie(pie) => {
            (Some(format!("target {} tupdate {}", wait(pie.target), wait(pie.update))), pie.ecn)
        }
        Discipline::Codel(c) => (Some(codel(c)), c.ecn),
        Discipline::FqCodel(fq) => {
            let own = format!("flows {} quantum {} {}", fq.flows, fq.quantum, codel(fq.codel));
            (Some(own), fq.codel.ecn)
        }
    };
    words.extend(own);
    words.extend(ecn.then(|| "ecn".to_owned()));
    words.extend(way.shape.map(|s| format!("tbf rate {}bit burst {}b", s.rate_bps, s.burst)));
    words.join(" ")
}
