//! What a host may keep of what is no connection, and no packet, and from where on it is too much.

use tcp::Config;

use crate::check::memory::{are_too_many, piece_came};
use crate::check::tests::laws::run::{B, scenario, tuple};
use crate::check::{Findings, Law};
use crate::node::Node;
use crate::{Simulator, TraceLevel};

#[test]
fn one_request_more_than_the_backlog_and_with_time_wait_up_to_the_bound() {
    let few = Config { max_syn_backlog: 4, ..Config::linux() };
    for (backlog, most) in [(0, 4), (3, 4), (4, 5), (100, 101)] {
        assert_eq!(
            [most, most + 1].map(|held| are_too_many(held, backlog, &few)),
            [false, true],
            "{backlog}"
        );
    }
}

/// A host that has lost count of its pieces, to its end: what the checkers tell.
#[test]
fn pieces_are_counted_anew() {
    let spec = scenario();
    let mut sim = Simulator::new(&spec, TraceLevel::Off).with_checks(&spec);
    while sim.packets_under_way() == 0 {
        assert!(sim.step(), "it is over");
    }
    assert_eq!(sim.pieces(B).map(|pieces| pieces.counted()), Some(0));
    let Node::Host(host) = &mut sim.nodes[B.0 as usize] else { unreachable!("a host") };
    host.host.pieces_mut().miscount(100);
    sim.run();
    assert!(!sim.violations().is_empty());
    assert!(sim.violations().iter().all(|v| (v.law, v.node) == (Law::MemoryBounds, B)));
}

#[test]
fn pieces_may_take_four_megabytes() {
    let mut sim = Simulator::new(&scenario(), TraceLevel::Off);
    let mut found = Vec::new();
    for (more, told) in [(4 << 20, 0), (1, 1)] {
        let Node::Host(host) = &mut sim.nodes[B.0 as usize] else { unreachable!("a host") };
        host.host.pieces_mut().miscount(more);
        let findings = &mut Findings { event: 1, time: sim.now(), found: &mut found };
        piece_came(&sim, B, Some(tuple().reversed()), findings);
        assert_eq!(found.len(), told);
    }
    assert!(found.iter().all(|violation| violation.law == Law::MemoryBounds));
}
