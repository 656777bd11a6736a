//! A network that hosts cannot tell from another: hosts that say nothing, a router in the middle, other queues, another time.

use std::net::IpAddr;
use std::sync::Arc;

use sim::spec::{Action, Codel, Discipline, Fault, Limit, Link, Node, Router, Run, Spec, Step, Way};
use tcp::{Duration, Time};

use super::names;

/// An address of this family that the scenario does not use.
fn unused(like: IpAddr, last: u8) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::from([198, 19, 255, last]),
        IpAddr::V6(_) => IpAddr::from([0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, u16::from(last)]),
    }
}
fn a_host(spec: &Spec) -> Option<&sim::spec::Host> {
    spec.nodes.values().find_map(|node| match node {
        Node::Host(host) => Some(host),
        Node::Router(_) => None,
    })
}

/// Two hosts of which nobody knows, with a link between them, and one from there to a router if there is one. (A host with
/// a second link would have no default route any more.)
pub(super) fn idle_link(spec: &Spec) -> Option<Spec> {
    let (mut new, way) = (spec.clone(), Way::plain(Duration::ZERO, 1500));
    let like = a_host(spec)?;
    // Before and between the others by name, so that numbers move.
    let first = spec.nodes.keys().next()?;
    let names = ["\u{1}idle".to_owned(), format!("{first}\u{1}idle")];
    for (name, last) in names.iter().zip([77, 78]) {
        let address = unused(*like.addresses.first()?, last);
        let idle = sim::spec::Host { addresses: vec![address], routes: Vec::new(), ..like.clone() };
        new.nodes.insert(name.clone(), Node::Host(idle));
    }
    let [one, other] = names;
    let router = spec.nodes.iter().find(|(_, node)| matches!(node, Node::Router(_)));
    let to_router = router.map(|(router, _)| (other.clone(), router.clone()));
    for (i, ends) in std::iter::once((one, other)).chain(to_router).enumerate() {
        new.links.insert(format!("{i}\u{1}idle"), Link { ends, ways: [way.clone(), way.clone()] });
    }
    Some(new)
}

/// Whether the hop limit of a packet may be damaged and nothing tells: IPv6 has no checksum of its header (RFC 8200, section 3).
/// A router drops what has no hops left, a host takes it.
fn damages_hop_limits(spec: &Spec) -> bool {
    let six = |node: &Node| matches!(node, Node::Host(host) if host.addresses.iter().any(IpAddr::is_ipv6));
    let flips =
        |way: &Way| way.corrupt_ppm > 0 || way.listed.as_ref().is_some_and(|listed| !listed.flip.is_empty());
    let changed = |(_, fault): &(Time, Fault)| match fault {
        Fault::LinkChange(_, ways) => ways.iter().flatten().any(|way| flips(way)),
        _ => false,
    };
    let ruled = |rule: &sim::spec::FateRule| matches!(rule.action, Action::Corrupt(_));
    spec.nodes.values().any(six)
        && (spec.links.values().flat_map(|link| &link.ways).any(flips)
            || spec.faults.iter().any(changed)
            || spec.rules.iter().any(ruled))
}

/// The first link ends at a router, and a link without delay goes on from there.
pub(super) fn split_link(spec: &Spec) -> Option<Spec> {
    let (name, link) = spec.links.iter().next()?;
    // A rule that names no link looks where a packet leaves its host: behind the new link for one side, and what waits
    // or is drawn on the old one is then another packet's. Where the link gets another MTU its new end tells of it.
    let looks = spec.rules.iter().any(|rule| rule.matching.link.is_none());
    let other_mtu = |(_, fault): &(Time, Fault)| match fault {
        Fault::LinkChange(_, ways) => {
            ways.iter().zip(&link.ways).any(|(new, old)| new.as_ref().is_some_and(|new| new.mtu != old.mtu))
        }
        _ => false,
    };
    // Where a queue decides when a packet leaves, it matters whether one that comes at that moment is there already.
    let decides = link.ways.iter().any(|way| way.discipline != Discipline::DropTail);
    // A host that is one hop away sees a TTL of one more.
    let counts =
        |program: &sim::spec::Program| matches!(program.run, Run::Ping { .. } | Run::Traceroute { .. });
    let routed = |node: &Node| match node {
        Node::Host(host) => !host.routes.is_empty(),
        Node::Router(router) => !router.routes.is_empty(),
    };
    let named = spec.faults.iter().any(|(_, fault)| matches!(fault, Fault::Routes(..)));
    if looks
        || decides
        || named
        || damages_hop_limits(spec)
        || spec.faults.iter().any(other_mtu)
        || spec.programs.iter().any(counts)
        || spec.nodes.values().any(routed)
    {
        return None;
    }
    let mut new = spec.clone();
    let (near, far) = link.ends.clone();
    let middle = format!("{near}\u{1}middle");
    let address = unused(*a_host(spec)?.addresses.first()?, 77);
    new.nodes.insert(middle.clone(), Node::Router(Router { address, icmp: true, routes: Vec::new() }));
    new.links.get_mut(name)?.ends = (near, middle.clone());
    let ways = [0, 1].map(|n| Way::plain(Duration::ZERO, link.ways[n].mtu));
    new.links.insert(format!("{name}\u{1}behind"), Link { ends: (middle, far), ways });
    Some(new)
}

/// Whether chance, or a list, has a say in when a packet arrives that has left.
fn draws_delays(way: &Way) -> bool {
    let listed =
        way.listed.as_ref().is_some_and(|listed| !listed.shift.is_empty() || !listed.overtake.is_empty());
    way.jitter.scale > Duration::ZERO || way.reorder_ppm > 0 || listed
}

/// Queues without a limit, and those that only wait for the transmitter in the place of those that decide when a packet
/// leaves: with a target that no packet waits for.
pub(super) fn other_queue(spec: &Spec) -> Option<Spec> {
    let mut new = spec.clone();
    let waits = |way: &mut Way| {
        way.limit = Limit::Unlimited;
        if way.discipline == Discipline::DropTail && way.rate_bps > 0 {
            let target = Duration::from_secs(1_000_000);
            way.discipline = Discipline::Codel(Codel { target, ..Codel::default() });
        }
    };
    // What is drawn, counted or held when a packet leaves would be so at another time; and only a queue that decides when a
    // packet comes goes by a list.
    let lists = |way: &Way| {
        way.listed.as_ref().is_some_and(|listed| !listed.drop_early.is_empty() || !listed.mark.is_empty())
    };
    let plain = |way: &Way| way.discipline == Discipline::DropTail && !lists(way);
    if spec.links.values().flat_map(|link| &link.ways).any(|way| !plain(way)) {
        return None;
    }
    // Of what waits when a link goes down it is drawn already how late it would have arrived, or not yet.
    let changed = spec.faults.iter().filter_map(|(_, fault)| match fault {
        Fault::LinkChange(_, ways) => Some(ways.iter().flatten().map(|way| &**way)),
        _ => None,
    });
    let mut ways = spec.links.values().flat_map(|link| &link.ways).chain(changed.flatten());
    let goes_down = spec.faults.iter().any(|(_, fault)| matches!(fault, Fault::LinkDown(_)));
    if goes_down && ways.any(draws_delays) {
        return None;
    }
    new.links.values_mut().flat_map(|link| &mut link.ways).for_each(waits);
    for (_, fault) in &mut new.faults {
        if let Fault::LinkChange(_, ways) = fault {
            ways.iter_mut().flatten().for_each(|way| waits(way));
        }
    }
    Some(new)
}

/// The same, so much later; `None` where something is drawn from the time, or is so far from a number that is.
pub(super) fn later(spec: &Spec, later: Duration) -> Option<Spec> {
    if names::probes_by_number(spec) || names::forges_anywhere(spec) {
        return None;
    }
    let mut new = spec.clone();
    let shift = |time: &mut Time| *time += later;
    shift(&mut new.until);
    for program in &mut new.programs {
        shift(&mut program.at);
        match &mut program.run {
            Run::Script(steps) => steps.iter_mut().for_each(|step| wait_later(step, later)),
            Run::Serve(serve) => serve.handler = all_later(&serve.handler, later),
            Run::Clients { script, .. } => *script = all_later(script, later),
            Run::Population(population) => shift(&mut population.stop),
            _ => {}
        }
    }
    for (time, _) in &mut new.faults {
        shift(time);
    }
    for rule in &mut new.rules {
        if let Some((from, to)) = &mut rule.matching.time {
            shift(from);
            shift(to);
        }
        if let Action::HoldUntil(time) = &mut rule.action {
            shift(time);
        }
    }
    Some(new)
}
fn all_later(steps: &[Step], later: Duration) -> Arc<[Step]> {
    let mut steps = steps.to_vec();
    steps.iter_mut().for_each(|step| wait_later(step, later));
    steps.into()
}
fn wait_later(step: &mut Step, later: Duration) {
    match step {
        Step::WaitUntil(time) => *time += later,
        Step::Repeat(_, steps) | Step::Try(steps) => *steps = all_later(steps, later),
        _ => {}
    }
}
