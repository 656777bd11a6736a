//! A sequence diagram: a line down for each host, an arrow for each packet, time and states in the margins.
//!
//! Between two hosts an arrow is drawn level, the time of sending at one end and that of arrival at the other, where
//! the order of events at both ends allows it. Packets that cross others are drawn as two halves, one where they leave
//! and one where they arrive. Among more hosts (`many`) every packet stands where it was sent.

mod arrow;
mod many;
mod pair;

use std::collections::BTreeSet;
use std::io::{self, Write};

use sim::trace::NodeId;

use crate::view::{Show, Story};

/// Hosts that fit side by side.
const MOST: usize = 6;

/// Writes the view.
pub fn write(story: &Story<'_>, show: Show, out: &mut dyn Write) -> io::Result<()> {
    let hosts = talkers(story, show);
    match hosts.as_slice() {
        [] => writeln!(out, "No packet was sent."),
        [left, right] => pair::write(story, show, (*left, *right), out),
        hosts => many::write(story, show, &hosts[..hosts.len().min(MOST)], hosts.len(), out),
    }
}

/// The hosts that packets went between, in the order in which they first spoke or were spoken to.
fn talkers(story: &Story<'_>, show: Show) -> Vec<NodeId> {
    let mut order: Vec<NodeId> = Vec::new();
    let mut seen: BTreeSet<NodeId> = BTreeSet::new();
    let mut journeys: Vec<_> = story.journeys().collect();
    journeys.sort_by_key(|journey| journey.number);
    for journey in journeys {
        let to = story.names.owner(journey.packet.ip.dst);
        let ends = [Some(journey.origin), to];
        if show.host.is_some_and(|host| !ends.contains(&Some(host))) {
            continue;
        }
        for end in ends.into_iter().flatten().filter(|end| story.names.is_host(*end)) {
            if seen.insert(end) {
                order.push(end);
            }
        }
    }
    order
}
