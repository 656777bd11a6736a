//! Timers: what waits for an answer has one that comes to its end, and those that exclude one another do.

use tcp::{Duration, State};

use super::ends::Ends;
use super::{Findings, Law, Reading};

/// How much longer than the RTO a timer may run: what was sent before the first segment's last copy may still arrive, and
/// begins it anew (`tcp_clean_rtx_queue` of Linux).
const ARRIVES: Duration = Duration::from_secs(1);

/// The timers of a connection after an event.
pub(super) fn look(reading: &Reading<'_>, ends: &mut Ends, findings: &mut Findings<'_>) {
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
    if outstanding {
        is_put_off(reading, ends, findings);
    }
}

/// Whether the retransmission timer runs on and on: longer than four times the RTO, since that is measured anew, doubles, and is
/// rounded up by some clocks.
fn is_put_off(reading: &Reading<'_>, ends: &mut Ends, findings: &mut Findings<'_>) {
    let Reading { node, tuple, info, running, config } = *reading;
    let went_on = ends.went_on(node);
    let Some(end) = ends.get_mut(node, &tuple) else { return };
    let waits = &mut end.waits;
    waits.rto = waits.rto.max(info.rto);
    // Where new data may put it off, it goes by the last of that.
    let sent = if config.tail_loss_probe && config.probe_puts_off_rto { waits.sent } else { waits.since };
    let since = waits.since.max(sent).max(went_on);
    let latest = since + waits.rto * 4 + ARRIVES;
    if let Some(ends) = running.retransmit.filter(|at| *at > latest) {
        let text =
            format!("what has waited since {since} would be sent again at {ends}, at {latest} at the latest");
        findings.add(Law::TimerEnds, node, Some(tuple), text);
    }
}
