//! Packets: each that was sent or copied came out, was dropped, or is under way.

use super::{Findings, Law};
use crate::simulator::Simulator;
use crate::trace::PipeId;

/// Adds up the books of all links.
pub(super) fn audit(sim: &Simulator, findings: &mut Findings<'_>) {
    let mut under_way = 0_i128;
    for pipe in (0..sim.names().pipes()).map(PipeId) {
        let c = sim.pipe_counters(pipe);
        let left =
            i128::from(c.sent) + i128::from(c.copies) - i128::from(c.delivered) - i128::from(c.dropped);
        if left < 0 {
            let text = format!("{} more packets came out of {} than went in", -left, sim.names().link(pipe));
            findings.add(Law::Conservation, sim.names().ends(pipe).0, None, text);
        }
        under_way += left;
    }
    if under_way != sim.packets_under_way() as i128 {
        let text = format!("{} packets under way, {under_way} by the books", sim.packets_under_way());
        findings.add(Law::Conservation, crate::NodeId(0), None, text);
    }
}
