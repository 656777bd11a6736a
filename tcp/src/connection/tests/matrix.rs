//! State by segment by window edge: one table of what comes of it.
//!
//! Each cell was read beside RFC 9293, section 3.10.7 (with RFC 5961 and RFC 1122) when it was written; a change is a
//! change of behaviour.

use std::fmt::Write;

use super::*;

/// The states, each reached the shortest way, with nothing unread.
const STATES: [&str; 8] = [
    "SYN-SENT",
    "SYN-RECEIVED",
    "ESTABLISHED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "CLOSING",
    "LAST-ACK",
];

pub(super) fn reach(state: &str, config: &Config) -> Lone {
    if let "SYN-SENT" | "SYN-RECEIVED" = state {
        let mut end = Lone::syn_sent(config.clone());
        let _ = end.said();
        end.now = ms(1);
        if state == "SYN-RECEIVED" {
            let syn = end.segment(Flags::SYN, 0, 0);
            end.show(&syn);
        }
        return end;
    }
    let mut end = Lone::established(config.clone());
    let fin = end.segment(Flags::FIN | Flags::ACK, 1, 1);
    let shut = |end: &mut Lone| end.call(|t, now, out| t.shutdown_write(now, out)).0.unwrap();
    match state {
        "FIN-WAIT-1" => shut(&mut end),
        "FIN-WAIT-2" => {
            shut(&mut end);
            let ack = end.segment(Flags::ACK, 1, 2);
            end.show(&ack);
        }
        "CLOSE-WAIT" => drop(end.show(&fin)),
        "CLOSING" => {
            shut(&mut end);
            end.show(&fin);
        }
        "LAST-ACK" => {
            end.show(&fin);
            shut(&mut end);
        }
        _ => {}
    }
    end.wait_until(ms(100));
    assert_eq!(end.state().to_string(), state);
    end
}

/// Kinds of segments: name, flags, length of data, and which ACK it carries: `None` the one expected now.
fn kinds() -> [(&'static str, Flags, u32, i64); 13] {
    let ack = Flags::ACK;
    [
        ("none", Flags::NONE, 0, 0),
        ("ACK", ack, 0, 0),
        ("ACK of all sent", ack, 0, 1),
        ("ACK of unsent", ack, 0, 1000),
        ("ACK too old", ack, 0, -100_000),
        ("data", ack, 10, 0),
        ("data, no ACK", Flags::NONE, 10, 0),
        ("FIN", ack.union(Flags::FIN), 0, 0),
        ("FIN, ACK of all sent", ack.union(Flags::FIN), 0, 1),
        ("SYN", Flags::SYN, 0, 0),
        ("SYN,ACK", ack.union(Flags::SYN), 0, 1),
        ("RST", Flags::RST, 0, 0),
        ("RST,ACK of all sent", ack.union(Flags::RST), 0, 1),
    ]
}

/// Where the segment begins, relative to the window.
const EDGES: [&str; 6] = ["below", "nxt-1", "nxt", "inside", "last", "beyond"];

fn table(config: &Config) -> String {
    let mut text = String::new();
    for state in STATES {
        writeln!(text, "{state}").unwrap();
        for (name, flags, len, which) in kinds() {
            let mut previous = String::new();
            let mut first = EDGES[0];
            let mut rows: Vec<(String, String)> = Vec::new();
            for edge in EDGES {
                let outcome = cell(state, config, flags, len, which, edge);
                if outcome == previous {
                    rows.last_mut().unwrap().0 = format!("{first}..{edge}");
                } else {
                    first = edge;
                    rows.push((edge.to_string(), outcome.clone()));
                    previous = outcome;
                }
            }
            for (edges, outcome) in rows {
                writeln!(text, "  {name:<21} {edges:<14} {outcome}").unwrap();
            }
        }
    }
    text
}

fn cell(state: &str, config: &Config, flags: Flags, len: u32, which: i64, edge: &str) -> String {
    let mut end = reach(state, config);
    let (una, sent, nxt, window) = match &end.tcb {
        Tcb::Open(c) => (
            c.snd.queue.una().since(c.snd.iss) as i64,
            c.snd.queue.nxt().since(c.snd.iss) as i64,
            c.rcv.nxt().since(c.rcv.irs) as i64,
            c.rcv.window() as i64,
        ),
        _ => (0, 1, if state == "SYN-SENT" { 0 } else { 1 }, 64_240),
    };
    let seq = match edge {
        "below" => nxt - 5000,
        "nxt-1" => nxt - 1,
        "nxt" => nxt,
        "inside" => nxt + 100,
        "last" => nxt + window - 1,
        _ => nxt + window + 1,
    };
    let ack = match which {
        0 => una,
        1 => sent,
        n if n > 1 => sent + n,
        n => una + n,
    };
    let mut segment = end.segment(flags, seq, ack);
    if len > 0 {
        segment.payload = Payload::Pattern { stream: 9, offset: 0, len };
    }
    let before = end.state();
    let said = end.show(&segment);
    let mut parts = Vec::new();
    if let Some(why) = end.dropped() {
        parts.push(format!("drop {why:?}"));
    }
    parts.extend(said.into_iter().map(|s| format!("<{s}>")));
    let after = if end.out.time_wait.take().is_some() { State::TimeWait } else { end.state() };
    if after != before {
        parts.push(format!("-> {after}"));
    }
    if let Some(error) = end.tcb.take_error() {
        parts.push(error.to_string());
    }
    let unread = end.tcb.readable().0;
    if unread > 0 {
        parts.push(format!("{unread} to read"));
    }
    if parts.is_empty() { "taken".into() } else { parts.join("; ") }
}

#[test]
fn state_by_segment_linux() {
    insta::assert_snapshot!(table(&Config::linux()));
}
#[test]
fn state_by_segment_rfc() {
    insta::assert_snapshot!(table(&Config::rfc()));
}
