//! What acknowledges something that was never sent: an ACK says so, and nothing else comes of it.

use tcp::{Flags, Segment, Seq, Tuple};

use super::ends::Ends;
use super::{Findings, Law, Reading};
use crate::trace::NodeId;

/// The segment that a host looks at, if it acknowledges what was not sent. Nothing of it is left between two events.
#[derive(Clone, Debug, Default)]
pub(super) struct Unsent {
    came: Option<(NodeId, Tuple)>,
    /// At which event something came last.
    event: u64,
}

impl Unsent {
    /// A segment has come to a host; `ends` knows it already.
    pub(super) fn received(
        &mut self,
        node: NodeId,
        tuple: Tuple,
        segment: &Segment,
        ends: &Ends,
        event: u64,
    ) {
        // What waited for a host that was paused is read together with others, of which each may move something.
        let alone = self.event != event;
        (self.event, self.came) = (event, None);
        let end = ends.get(node, &tuple).filter(|end| alone && end.peer.is_some() && end.last.is_some());
        let looked_at = segment.has(Flags::ACK) && !segment.flags.intersects(Flags::SYN | Flags::RST);
        if end.is_some_and(|end| looked_at && Seq::near(end.nxt, segment.ack) > end.nxt) {
            self.came = Some((node, tuple));
        }
    }
    /// The event is over: the connection as it is now, where `ends` knows how it was.
    pub(super) fn look(&mut self, reading: &Reading<'_>, ends: &Ends, findings: &mut Findings<'_>) {
        let Reading { node, tuple, info, .. } = *reading;
        let Some((una, _, rcv_nxt)) = ends.get(node, &tuple).and_then(|end| end.last) else { return };
        if self.came.take_if(|came| *came == (node, tuple)).is_none() || self.event != findings.event {
            return;
        }
        for (name, before, now) in [("SND.UNA", una, info.snd_una), ("RCV.NXT", rcv_nxt, info.rcv_nxt)] {
            if now != before {
                let text = format!("{name} goes from {before} to {now} by it");
                findings.add(Law::UnsentIgnored, node, Some(tuple), text);
            }
        }
    }
}
