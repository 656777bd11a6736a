//! Hosts of the other family: over IPv6 TCP does what it does over IPv4, segment by segment.
//!
//! Links are 20 octets wider, as much as the header is longer, so that segments have the same sizes. A longer header takes
//! longer to transmit: both runs are of links that are as fast as can be.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sim::spec::{Action, Discipline, Fault, Host, Limit, Node, Run, Spec, Way};
use tcp::config::MtuProbing;
use tcp::{Flags, Time};

use super::Twin;
use super::names::{each_address, goes_by_name};

/// The least that a path over IPv6 takes (RFC 8200, section 5), in bytes.
const LEAST: u16 = 1280;
/// By so much its header is longer.
const LONGER: u16 = 20;

/// The scenario on links without rates, with queues that only wait.
pub(super) fn without_rates(spec: &Spec) -> Spec {
    let mut bare = spec.clone();
    each_way(&mut bare, |way| {
        (way.rate_bps, way.shape, way.discipline, way.limit) =
            (0, None, Discipline::DropTail, Limit::Unlimited);
    });
    bare
}

/// The same over IPv6.
pub(super) fn other_family(spec: &Spec) -> Option<Twin> {
    let mut new = without_rates(spec);
    if goes_by_name(&new) || is_of_ipv4(spec) {
        return None;
    }
    for node in new.nodes.values_mut() {
        if let Node::Router(router) = node {
            router.address = six(router.address);
        }
    }
    let hosts = spec.nodes.values().filter_map(|node| match node {
        Node::Host(host) => Some(&host.addresses),
        Node::Router(_) => None,
    });
    let own = hosts.flatten().map(|address| (six(*address), *address));
    let any = (Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into());
    let addresses = own.chain([any]).collect();
    each_address(&mut new, &|address| Some(six(*address)));
    each_way(&mut new, |way| way.mtu += LONGER);
    Some(Twin { addresses, ..Twin::new(new) })
}

/// 10.0.0.1 is 2001:db8::a00:1.
fn six(address: IpAddr) -> IpAddr {
    let mapped = |four: Ipv4Addr| Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(four.to_bits()));
    match address {
        IpAddr::V4(four) => mapped(four).into(),
        IpAddr::V6(_) => address,
    }
}

/// All that links are, and become.
fn ways(spec: &Spec) -> impl Iterator<Item = &Way> {
    let changed = spec.faults.iter().filter_map(|(_, fault)| match fault {
        Fault::LinkChange(_, ways) => Some(ways.iter().flatten().map(|way| &**way)),
        _ => None,
    });
    spec.links.values().flat_map(|link| &link.ways).chain(changed.flatten())
}
fn each_way(spec: &mut Spec, change: impl Fn(&mut Way)) {
    spec.links.values_mut().flat_map(|link| &mut link.ways).for_each(&change);
    for (_, fault) in &mut spec.faults {
        if let Fault::LinkChange(_, ways) = fault {
            ways.iter_mut().flatten().for_each(|way| change(way));
        }
    }
}

/// Whether the scenario is about what IPv6 has not, or has otherwise.
fn is_of_ipv4(spec: &Spec) -> bool {
    let four = |node: &Node| match node {
        Node::Host(host) => host.routes.is_empty() && host.addresses.iter().all(IpAddr::is_ipv4),
        Node::Router(router) => router.routes.is_empty() && router.address.is_ipv4(),
    };
    // What of a path without ICMP is tried first is the family's (RFC 4821, section 7.7).
    let searches = |host: &Host| host.tcp.mtu_probing != MtuProbing::Off;
    let searched = |node: &Node| matches!(node, Node::Host(host) if searches(host));
    // Bits that are counted from the start of a header lie elsewhere in the other.
    let flips =
        |way: &Way| way.corrupt_ppm > 0 || way.listed.as_ref().is_some_and(|listed| !listed.flip.is_empty());
    let narrow = |way: &Way| way.mtu > u16::MAX - LONGER || way.mtu + LONGER < LEAST;
    // Datagrams and echoes are cut, and errors told, by rules of their own.
    let other =
        |run: &Run| !matches!(run, Run::Script(_) | Run::Serve(_) | Run::Clients { .. } | Run::Population(_));
    let fault = |(_, fault): &(Time, Fault)| match fault {
        Fault::Routes(..) | Fault::InjectIcmp(_) => true,
        // Without the option the MSS is the family's (9293/MUST-15).
        Fault::Inject(inject) => {
            !inject.pieces.is_empty() || inject.flags.contains(Flags::SYN) && inject.options.mss.is_none()
        }
        _ => false,
    };
    !spec.nodes.values().all(four)
        || ways(spec).any(|way| flips(way) || narrow(way))
        || spec.nodes.values().any(searched)
        || spec.programs.iter().any(|program| other(&program.run))
        || spec.rules.iter().any(|rule| matches!(rule.action, Action::Corrupt(_) | Action::Refuse(_)))
        || spec.faults.iter().any(fault)
}
