//! Packets and bytes: of all that is handed to a direction of a link, or copied there, each came out, was dropped, or is in its
//! ring or its queue; and what no direction has is nowhere.
//!
//! The counters are those that [`PipeCounters`] shows; what is there is counted anew.
//!
//! [`PipeCounters`]: crate::link::PipeCounters

use super::{Findings, Law, is_audit};
use crate::simulator::Simulator;
use crate::trace::PipeId;

/// Directions that are looked at in each event: all in turn, in a small network all of them.
const AT_ONCE: u32 = 4;
/// With no more packets than that on the way their bytes are added up each time.
const FEW: u64 = 8;

/// The books after an event, of all or some directions.
pub(super) fn look(sim: &Simulator, findings: &mut Findings<'_>) {
    if is_audit(sim) {
        return audit(sim, findings);
    }
    let pipes = sim.names().pipes();
    let first = sim.events() * u64::from(AT_ONCE);
    for turn in 0..pipes.min(AT_ONCE) {
        let number = (first + u64::from(turn)) % u64::from(pipes);
        balance(sim, PipeId(number as u32), FEW, findings);
    }
}

/// The books of all links.
pub(super) fn audit(sim: &Simulator, findings: &mut Findings<'_>) {
    let mut under_way = 0;
    for pipe in (0..sim.names().pipes()).map(PipeId) {
        under_way += balance(sim, pipe, u64::MAX, findings);
        if let Some(wrong) = sim.pipes[pipe.0 as usize].miscounted(sim.now()) {
            let text = format!("the queue of {} has {wrong}", sim.names().stream(pipe));
            findings.add(Law::Conservation, sim.names().ends(pipe).0, None, text);
        }
    }
    if under_way != sim.packets_under_way() as u64 {
        let text = format!("{} packets under way, on links {under_way}", sim.packets_under_way());
        findings.add(Law::Conservation, crate::NodeId(0), None, text);
    }
}

/// Whether a direction has what its counters say, also in bytes with no more than `few` packets. Returns how many it has.
fn balance(sim: &Simulator, pipe: PipeId, few: u64, findings: &mut Findings<'_>) -> u64 {
    let line = &sim.pipes[pipe.0 as usize];
    let (c, there) = (line.counters, line.on_the_way() as u64);
    let mut compare = |what: &str, came: u64, went: u64| {
        if came != went {
            let name = sim.names().stream(pipe);
            let text = format!("{came} {what} handed to {name} or copied there, {went} accounted for");
            findings.add(Law::Conservation, sim.names().ends(pipe).0, None, text);
        }
    };
    compare("packets", c.sent + c.copies, c.delivered + c.dropped + there);
    if there <= few {
        let went = c.delivered_bytes + c.dropped_bytes + line.bytes_on_the_way();
        compare("bytes", c.sent_bytes + c.copied_bytes, went);
    }
    there
}
