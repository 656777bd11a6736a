//! States change as the diagram of RFC 9293 has it (figure 5), and from where they were.

use rustc_hash::FxHashMap;
use tcp::State::{self, *};
use tcp::Tuple;

use super::{Findings, Law};
use crate::trace::NodeId;

/// From, and where to: figure 5, and CLOSED from everywhere (abort, reset, timeout).
const DIAGRAM: &[(State, &[State])] = &[
    (Closed, &[Listen, SynSent]),
    // Straight to ESTABLISHED with a SYN cookie: the request was not kept (RFC 4987, section 3.6).
    (Listen, &[SynReceived, SynSent, Established]),
    (SynSent, &[SynReceived, Established]),
    (SynReceived, &[Established, FinWait1, CloseWait, Listen]),
    (Established, &[FinWait1, CloseWait]),
    // The ACK of our FIN may come with the peer's: to TIME-WAIT at once.
    (FinWait1, &[FinWait2, Closing, TimeWait]),
    (FinWait2, &[TimeWait]),
    (CloseWait, &[LastAck]),
    (Closing, &[TimeWait]),
    (LastAck, &[]),
    // A new SYN ends TIME-WAIT (RFC 6191).
    (TimeWait, &[SynReceived]),
];

/// All transitions that are legal, each once.
pub fn transitions() -> impl Iterator<Item = (State, State)> {
    let drawn = DIAGRAM.iter().flat_map(|(from, next)| next.iter().map(move |to| (*from, *to)));
    drawn.chain(State::ALL.into_iter().filter(|from| *from != Closed).map(|from| (from, Closed)))
}

/// The states of all connections, as far as they were told.
#[derive(Clone, Debug, Default)]
pub(super) struct Transitions(FxHashMap<(NodeId, Tuple), State>);

impl Transitions {
    pub(super) fn digest_into<H: std::hash::Hasher>(&self, state: &mut H) {
        crate::digest::unordered(&self.0, state);
    }
    pub(super) fn forget(&mut self, node: NodeId) {
        self.0.retain(|(owner, _), _| *owner != node);
    }
    pub(super) fn changed(
        &mut self,
        node: NodeId,
        tuple: Tuple,
        from: State,
        to: State,
        findings: &mut Findings<'_>,
    ) {
        let legal = to == Closed || DIAGRAM.iter().any(|(state, next)| *state == from && next.contains(&to));
        if !legal {
            findings.add(Law::LegalTransition, node, Some(tuple), format!("{from} to {to}"));
        }
        let before = self.0.insert((node, tuple), to);
        // What is over may be begun anew, and a listener begins a connection from LISTEN.
        let anew = matches!(from, Closed | Listen);
        if before.is_some_and(|before| before != from && !anew) {
            let before = before.unwrap_or(Closed);
            findings.add(
                Law::LegalTransition,
                node,
                Some(tuple),
                format!("from {from}, but it was {before}"),
            );
        }
        if to == Closed {
            self.0.remove(&(node, tuple));
        }
    }
}
