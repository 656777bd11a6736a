//! Hosts by other names and addresses: each what another was.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use sim::spec::{Discipline, FateRule, Fault, Host, Loss, Node, Run, SeqRef, Spec, Step, Way};
use tcp::config::{Congestion, SynCookies};
use tcp::{Duration, Flags, Time};

use super::Twin;

/// Each host and router by another name. Links keep theirs, and with them what chance does on them.
pub(super) fn renamed(spec: &Spec) -> Option<Twin> {
    if goes_by_name(spec) {
        return None;
    }
    let names: BTreeMap<String, String> =
        spec.nodes.keys().map(|name| (name.clone(), reversed(name))).collect();
    let mut new = spec.clone();
    each_name(&mut new, &|name| names.get(name).cloned());
    Some(Twin { names, ..Twin::new(new) })
}

/// The first host has the name and the addresses of the last, and so on; and links are written from their other ends.
pub(super) fn swapped(spec: &Spec) -> Option<Twin> {
    let overrides = |node: &Node| match node {
        Node::Host(host) => !host.routes.is_empty(),
        Node::Router(router) => !router.routes.is_empty(),
    };
    let rerouted = |(_, fault): &(Time, Fault)| matches!(fault, Fault::Routes(..));
    // A route leads to many addresses, of which some would be elsewhere.
    if goes_by_name(spec) || spec.nodes.values().any(overrides) || spec.faults.iter().any(rerouted) {
        return None;
    }
    let hosts: Vec<(&String, &Host)> = spec
        .nodes
        .iter()
        .filter_map(|(name, node)| match node {
            Node::Host(host) => Some((name, host)),
            Node::Router(_) => None,
        })
        .collect();
    let (mut names, mut addresses) = (BTreeMap::new(), BTreeMap::new());
    for ((name, host), (other, theirs)) in hosts.iter().zip(hosts.iter().rev()) {
        names.insert((*name).clone(), (*other).clone());
        let alike =
            host.addresses.iter().map(IpAddr::is_ipv4).eq(theirs.addresses.iter().map(IpAddr::is_ipv4));
        if !alike {
            return None;
        }
        addresses.extend(host.addresses.iter().copied().zip(theirs.addresses.iter().copied()));
    }
    let mut new = spec.clone();
    each_name(&mut new, &|name| names.get(name).cloned());
    each_address(&mut new, &|address| addresses.get(address).copied());
    turn_links(&mut new);
    // Read backwards: whose each address was.
    let addresses = addresses.into_iter().map(|(old, new)| (new, old)).collect();
    Some(Twin { names, addresses, ..Twin::new(new) })
}

/// Links from their other ends, where chance has no say: it is drawn by the direction's name.
fn turn_links(spec: &mut Spec) {
    for (name, link) in &mut spec.links {
        let changes =
            |(_, fault): &(Time, Fault)| matches!(fault, Fault::LinkChange(link, _) if link == name);
        if link.ways.iter().any(by_chance) || spec.faults.iter().any(changes) {
            continue;
        }
        link.ends = (link.ends.1.clone(), link.ends.0.clone());
        link.ways.swap(0, 1);
    }
}
fn by_chance(way: &Way) -> bool {
    let drawn = [way.duplicate_ppm, way.reorder_ppm, way.corrupt_ppm].iter().any(|ppm| *ppm > 0);
    let lost = matches!(way.loss, Loss::Bernoulli(_) | Loss::GilbertElliott { .. });
    let dropped = matches!(way.discipline, Discipline::Red(_) | Discipline::Pie(_));
    drawn || lost || dropped || way.jitter.scale > Duration::ZERO
}

/// Gives every host and router the name that `new` has for its own.
fn each_name(spec: &mut Spec, new: &dyn Fn(&str) -> Option<String>) {
    let rename = |name: &mut String| {
        if let Some(new) = new(name) {
            *name = new;
        }
    };
    let nodes = std::mem::take(&mut spec.nodes);
    spec.nodes = nodes.into_iter().map(|(name, node)| (new(&name).unwrap_or(name), node)).collect();
    for node in spec.nodes.values_mut() {
        let routes = match node {
            Node::Host(host) => &mut host.routes,
            Node::Router(router) => &mut router.routes,
        };
        routes.iter_mut().filter_map(|route| route.via.as_mut()).for_each(rename);
    }
    for link in spec.links.values_mut() {
        rename(&mut link.ends.0);
        rename(&mut link.ends.1);
    }
    for program in &mut spec.programs {
        rename(&mut program.on);
    }
    for rule in &mut spec.rules {
        rule.matching.from.iter_mut().chain(&mut rule.matching.to).for_each(rename);
    }
    for (_, fault) in &mut spec.faults {
        match fault {
            Fault::Crash(host) | Fault::Reboot(host) | Fault::Pause(host) | Fault::Resume(host) => {
                rename(host)
            }
            Fault::Routes(node, routes) => {
                rename(node);
                routes.iter_mut().filter_map(|route| route.via.as_mut()).for_each(rename);
            }
            Fault::Inject(inject) => rename(&mut inject.at),
            Fault::InjectIcmp(inject) => rename(&mut inject.at),
            Fault::LinkDown(_) | Fault::LinkUp(_) | Fault::LinkChange(..) | Fault::Kill(_) => {}
        }
    }
}

/// Gives every host the addresses that `new` has for its own, and everybody who speaks to it the same.
pub(super) fn each_address(spec: &mut Spec, new: &dyn Fn(&IpAddr) -> Option<IpAddr>) {
    let ip = |address: &mut IpAddr| *address = new(address).unwrap_or(*address);
    let end = |end: &mut SocketAddr| end.set_ip(new(&end.ip()).unwrap_or(end.ip()));
    for node in spec.nodes.values_mut() {
        if let Node::Host(host) = node {
            host.addresses.iter_mut().for_each(ip);
        }
    }
    for program in &mut spec.programs {
        match &mut program.run {
            Run::Script(steps) => steps.iter_mut().for_each(|step| step_address(step, new)),
            Run::Serve(serve) => {
                serve.address.iter_mut().for_each(ip);
                serve.handler = step_addresses(&serve.handler, new);
            }
            Run::Clients { script, .. } => *script = step_addresses(script, new),
            Run::Population(population) => {
                let mut targets = population.targets.to_vec();
                targets.iter_mut().for_each(end);
                population.targets = targets.into();
            }
            Run::Scan { target, .. } => ip(target),
            Run::SynFlood { target, .. } => end(target),
            Run::UdpSend { to, .. } => end(to),
            Run::Ping { to, .. } | Run::Traceroute { to, .. } => ip(to),
            Run::UdpReceive { .. } => {}
        }
    }
    for (_, fault) in &mut spec.faults {
        match fault {
            Fault::Inject(inject) => {
                end(&mut inject.src);
                end(&mut inject.dst);
            }
            Fault::InjectIcmp(inject) => {
                ip(&mut inject.from);
                end(&mut inject.src);
                end(&mut inject.dst);
            }
            _ => {}
        }
    }
}
fn step_addresses(steps: &[Step], new: &dyn Fn(&IpAddr) -> Option<IpAddr>) -> Arc<[Step]> {
    let mut steps = steps.to_vec();
    steps.iter_mut().for_each(|step| step_address(step, new));
    steps.into()
}
fn step_address(step: &mut Step, new: &dyn Fn(&IpAddr) -> Option<IpAddr>) {
    match step {
        Step::Bind { address, .. } => {
            address.iter_mut().for_each(|address| *address = new(address).unwrap_or(*address));
        }
        Step::Connect(to) | Step::BeginConnect(to) | Step::FastOpen { to, .. } => {
            to.set_ip(new(&to.ip()).unwrap_or(to.ip()));
        }
        Step::Repeat(_, steps) | Step::Try(steps) => *steps = step_addresses(steps, new),
        _ => {}
    }
}

/// A name that comes the earlier the later this one does. (Of two names, one of which begins with the other, the shorter
/// comes first, and its new name last: its end stands for what comes behind all letters.)
fn reversed(name: &str) -> String {
    name.bytes().map(|byte| char::from(0x7f - (byte & 0x7f).clamp(1, 0x7e))).chain(['\x7f']).collect()
}

/// Whether BBR probes, at times that it draws from a connection's initial number and the time.
pub(super) fn probes_by_number(spec: &Spec) -> bool {
    spec.nodes.values().any(|node| match node {
        Node::Host(host) => matches!(host.tcp.congestion, Congestion::Bbr | Congestion::Bbr1),
        Node::Router(_) => false,
    })
}

/// Whether something is chosen by chance that goes by a host's name, or by numbers that chance has chosen.
pub(super) fn goes_by_name(spec: &Spec) -> bool {
    // Of connections that act at one moment the one with the lower port comes first.
    let drawn = |run: &Run| match run {
        Run::Clients { count, .. } => *count > 1,
        Run::UdpSend { poisson, .. } => *poisson,
        Run::Population(_) => true,
        // What a listener that closes has not accepted is forgotten by four-tuple.
        Run::Serve(serve) => serve.close_after.is_some(),
        _ => false,
    };
    let by_name = |node: &Node| match node {
        Node::Host(host) => {
            // Of few ports the same is soon drawn twice.
            let few_ports = host.ports.1.saturating_sub(host.ports.0) < 1000;
            host.tcp.syn_cookies == SynCookies::Always || few_ports
        }
        Node::Router(_) => false,
    };
    // Its flows are told apart by a hash, of ports that chance has drawn as well (RFC 8290, section 4.1).
    let hashes = |way: &Way| matches!(way.discipline, Discipline::FqCodel(_));
    let ends = |(_, fault): &(Time, Fault)| {
        // Its numbers are no longer those of a clock that goes on (RFC 6528): newer or older than before by chance. What a
        // program that is killed leaves half open is forgotten by four-tuple.
        matches!(fault, Fault::Reboot(_) | Fault::Kill(_))
    };
    // What takes no time on its way may come at the moment at which a timer of the other host ends.
    let at_once = |way: &Way| way.jitter.scale > Duration::ZERO && way.jitter.scale >= way.delay;
    // Of hosts that act at one moment the first by name comes first: what counts packets of several counts them so.
    let counts = |rule: &FateRule| rule.matching.nth.is_some() && rule.matching.from.is_none();
    spec.programs.iter().any(|program| drawn(&program.run))
        || spec.rules.iter().any(counts)
        || spec.links.values().flat_map(|link| &link.ways).any(|way| hashes(way) || at_once(way))
        || spec.nodes.values().any(by_name)
        || probes_by_number(spec)
        || spec.faults.iter().any(ends)
        || forges_anywhere(spec)
}

/// Whether somebody forges a number that counts from nothing of its own direction: it is anywhere in it.
pub(super) fn forges_anywhere(spec: &Spec) -> bool {
    spec.faults.iter().any(|(_, fault)| match fault {
        Fault::Inject(inject) => {
            let seq = matches!(inject.seq, SeqRef::SenderIsn(_) | SeqRef::Expected(_));
            let ack = matches!(inject.ack, SeqRef::ReceiverIsn(_) | SeqRef::Expected(_));
            !seq || !ack && inject.flags.contains(Flags::ACK)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_name_comes_earlier() {
        let names = ["a", "ab", "b", "client", "r1", "r10", "r2", "server"];
        let mut new: Vec<String> = names.iter().map(|name| reversed(name)).collect();
        new.reverse();
        assert!(new.is_sorted(), "{new:?}");
    }
}
