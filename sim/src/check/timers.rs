//! Timers: what waits for an answer has one, and those that exclude one another do.

use tcp::State;

use super::{Findings, Law, Reading};

/// The timers of a connection after an event.
pub(super) fn look(reading: &Reading<'_>, findings: &mut Findings<'_>) {
    let Reading { node, tuple, info, running, .. } = *reading;
    let mut wrong = |law: Law, text: &str| findings.add(law, node, Some(tuple), text.to_owned());
    if matches!(info.state, State::Closed | State::TimeWait | State::Listen) {
        return;
    }
    if running.retransmit.is_some() && running.persist.is_some() {
        wrong(Law::OneTimer, "retransmission and persist timer run at once");
    }
    let outstanding = info.snd_nxt > info.snd_una;
    if outstanding && running.retransmit.is_none() {
        wrong(Law::TimerRuns, "something is unacknowledged, and no retransmission timer runs");
    } else if info.send_q > 0 && running.retransmit.is_none() && running.persist.is_none() {
        wrong(Law::TimerRuns, "data waits with nothing outstanding, and no timer runs");
    }
}
