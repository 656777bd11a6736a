//! Rest: long after the last fault nothing may be half done.
//!
//! At rest are connections in which nothing moves and nothing need move: open and idle, closed on one side and held by a
//! program, or waiting for a reader who does not read (RFC 9293, section 3.8.6.1: for as long as probes are answered) and who
//! has said so in the last offer that came. Data that is still being delivered, however slowly, is no unrest either: it will
//! end. Nor is an open that has just begun.

use tcp::{Duration, Info, State, Time};

use super::{Checks, Law, Violation};
use crate::simulator::Simulator;
use crate::trace::NodeId;

/// Within this time something must be acknowledged of what is being delivered, and an open is over: several of the longest
/// timeouts.
const AT_A_TIME: Duration = Duration::from_secs(600);

/// Connections that are not at rest.
pub(super) fn unrest(sim: &Simulator, checks: Option<&Checks>) -> Vec<Violation> {
    let mut found = Vec::new();
    let (time, event) = (sim.now(), sim.events());
    let mut wrong = |node, tuple, text| {
        found.push(Violation { time, event, law: Law::ComesToRest, node, tuple, text, excuse: None });
    };
    for node in (0..sim.names().nodes().len() as u32).map(NodeId) {
        if !sim.is_up(node) {
            continue;
        }
        for row in sim.sockets(node) {
            let Some(remote) = row.remote else { continue };
            let tuple = Some(tcp::Tuple { local: row.local, remote });
            let began = tuple.and_then(|tuple| checks?.ends.began(node, &tuple)).unwrap_or(Time::ZERO);
            let opens = time.since(began) < AT_A_TIME;
            let Some(info) = &row.tcp else {
                if row.state == State::SynReceived && !opens {
                    wrong(node, tuple, "a half-open request that nobody gives up".to_owned());
                }
                continue;
            };
            let moved = tuple.and_then(|tuple| checks?.moved(node, &tuple)).unwrap_or(Time::ZERO);
            let delivers = time.since(moved) < AT_A_TIME;
            let other = || {
                let tuple = tuple?.reversed();
                let checks = checks?;
                checks.moved(checks.ends.owner(&tuple.local.ip())?, &tuple)
            };
            // What it believes of its window is its own affair: what was offered counts, as it came.
            let room = tuple.and_then(|tuple| checks?.ends.get(node, &tuple)?.room());
            let room = room.unwrap_or(info.snd_wnd);
            // Less than a segment is sent as well, if nothing more is offered for long (RFC 9293, section 3.8.6.2.1).
            let shut_out = room == 0 && info.send_q > 0;
            let heard = tuple.and_then(|tuple| checks?.answers.heard_at(node, &tuple));
            let is_put_off = heard.is_some_and(|heard| time.since(heard) < info.rto);
            let goes_on = || other().is_some_and(|moved| time.since(moved) < AT_A_TIME);
            let waits = may_wait(info, room) && (is_put_off || goes_on());
            let text = match row.state {
                State::SynSent | State::SynReceived if opens => continue,
                State::SynSent | State::SynReceived => "an open without end",
                _ if shut_out || delivers || waits => continue,
                State::FinWait1 | State::Closing | State::LastAck => "a close without end",
                _ if info.send_q > 0 => "data that is not delivered, with a window open for it",
                _ => continue,
            };
            wrong(node, tuple, format!("{text}: {}", row.state));
        }
    }
    found
}

/// Whether all that there is to send and room for is less than a segment, and none of it is under way: it may wait for the end of
/// what comes from the other side, be it probes, since Linux begins its override timer anew with each ACK (`tcp_ack_probe`).
pub(super) fn may_wait(info: &Info, room: u64) -> bool {
    info.snd_nxt == info.snd_una && info.send_q > 0 && info.send_q.min(room) < u64::from(info.mss)
}
