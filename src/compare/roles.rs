//! Who in a capture is who in a run of ours: by who opens connections, in which order.
//!
//! A capture from elsewhere has its own names, addresses and ports. The host that sent its first SYN is the one that
//! sends ours, the next that spoke the next; connections are matched in the order of their first SYNs. What both sides
//! call alike keeps its name.

use std::collections::BTreeMap;

use super::Capture;

/// Renames hosts and ports of `theirs` to those of `ours`.
pub fn align(theirs: &mut Capture, ours: &Capture) {
    let hosts = pairs(&speakers(theirs), &speakers(ours));
    let own = opened(ours);
    // Of a simultaneous open either side's SYN may come first.
    let turn = |ports: String| if own.contains(&back(&ports)) { back(&ports) } else { ports };
    let ports = pairs(&opened(theirs).into_iter().map(turn).collect::<Vec<_>>(), &own);
    let ports: BTreeMap<String, String> =
        ports.iter().flat_map(|(from, to)| [(from.clone(), to.clone()), (back(from), back(to))]).collect();
    let rename = |name: &mut String, map: &BTreeMap<String, String>| {
        if let Some(to) = map.get(name) {
            name.clone_from(to);
        }
    };
    for segment in &mut theirs.segments {
        rename(&mut segment.who, &hosts);
        rename(&mut segment.ports, &ports);
    }
    for state in &mut theirs.states {
        rename(&mut state.who, &hosts);
        rename(&mut state.ports, &ports);
    }
    for window in &mut theirs.windows {
        rename(&mut window.who, &hosts);
        rename(&mut window.ports, &ports);
    }
    theirs.errors.iter_mut().for_each(|error| rename(&mut error.who, &hosts));
}

/// Pairs names that only one side has, in order.
fn pairs(theirs: &[String], ours: &[String]) -> BTreeMap<String, String> {
    let strange = theirs.iter().filter(|name| !ours.contains(name));
    let free = ours.iter().filter(|name| !theirs.contains(name));
    strange.cloned().zip(free.cloned()).collect()
}

fn speakers(capture: &Capture) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for segment in capture.segments.iter().filter(|segment| segment.who != "net") {
        if !all.contains(&segment.who) {
            all.push(segment.who.clone());
        }
    }
    all
}

fn opened(capture: &Capture) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for segment in capture.segments.iter().filter(|segment| segment.flags == "S") {
        if !all.contains(&segment.ports) && !all.contains(&back(&segment.ports)) {
            all.push(segment.ports.clone());
        }
    }
    all
}

fn back(ports: &str) -> String {
    ports.split_once('>').map_or_else(String::new, |(from, to)| format!("{to}>{from}"))
}

/// The host on which packets were captured: SYN-ACKs come to the one that opens a round trip after its SYN, and are sent
/// at once by the other. Nobody, if no handshake is there to tell.
pub fn vantage(packets: &Capture) -> Option<String> {
    let syn = packets.segments.iter().find(|segment| segment.flags == "S")?;
    let mut rest = packets.segments.iter().skip_while(|segment| segment.at < syn.at);
    let answer = rest.find(|segment| segment.flags == "SA" && segment.ports == back(&syn.ports))?;
    let last = rest.find(|segment| segment.ports == syn.ports && segment.flags.contains('A'))?;
    let (there, back) = (answer.at.saturating_sub(syn.at), last.at.saturating_sub(answer.at));
    Some(if there >= back { syn.who.clone() } else { answer.who.clone() })
}

/// Shifts all times so that the first SYN stands where ours does: a capture from elsewhere has its own time zero.
pub fn shift(theirs: &mut Capture, ours: &Capture) {
    let syn = |capture: &Capture| capture.segments.iter().find(|segment| segment.flags == "S").map(|s| s.at);
    let (Some(from), Some(to)) = (syn(theirs), syn(ours)) else { return };
    let move_one = |at: &mut u64| *at = (*at).saturating_sub(from).saturating_add(to);
    theirs.segments.iter_mut().for_each(|segment| move_one(&mut segment.at));
}
