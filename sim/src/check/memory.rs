//! What a host keeps of what is no connection so far, and no packet: half-open requests, and pieces of packets.

use tcp::{Config, Tuple};

use super::{Findings, Law};
use crate::simulator::Simulator;
use crate::trace::NodeId;

/// What pieces may take, with what they take besides their data (Linux `ipfrag_high_thresh`).
const MOST_PIECES: usize = 4 << 20;

/// A SYN was answered: the requests of the listener that answered it.
pub(super) fn answered(
    sim: &Simulator,
    (node, tuple): (NodeId, Tuple),
    config: &Config,
    findings: &mut Findings<'_>,
) {
    let Some((requests, backlog)) = sim.listener_load(node, tuple.local) else { return };
    if are_too_many(requests, backlog, config) {
        let text = format!("{requests} half-open requests, with a backlog of {backlog}");
        findings.add(Law::MemoryBounds, node, Some(tuple), text);
    }
}
/// One more than the backlog (Linux: `sk_acceptq_is_full`); where a SYN begins anew what was in TIME-WAIT, up to the bound for all.
pub(super) fn are_too_many(requests: usize, backlog: u32, config: &Config) -> bool {
    requests > (backlog as usize + 1).max(config.max_syn_backlog as usize)
}

/// A piece of a packet has come.
pub(super) fn piece_came(sim: &Simulator, node: NodeId, tuple: Option<Tuple>, findings: &mut Findings<'_>) {
    let Some(pieces) = sim.pieces(node) else { return };
    if pieces.bytes() > MOST_PIECES {
        let text = format!("{} octets of memory for pieces of packets", pieces.bytes());
        findings.add(Law::MemoryBounds, node, tuple, text);
    }
}

/// Whether hosts have the pieces that they believe to have: what is counted too low has no bound.
pub(super) fn audit(sim: &Simulator, findings: &mut Findings<'_>) {
    for node in (0..sim.names().nodes().len() as u32).map(NodeId) {
        let Some(pieces) = sim.pieces(node).filter(|pieces| pieces.bytes() != pieces.counted()) else {
            continue;
        };
        let text = format!("{} octets of pieces, where there are {}", pieces.bytes(), pieces.counted());
        findings.add(Law::MemoryBounds, node, None, text);
    }
}
