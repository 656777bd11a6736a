//! Numbers for names, and routes from the links: the shortest path by hops; among equals the one that a search in the
//! order of the names finds first.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::route::{Computed, Hop, Routes, Table};
use crate::spec::{self, Node, Spec};
use crate::trace::{NodeId, PipeId};

/// Names and numbers of hosts, routers and links.
#[derive(Clone, Debug, Default)]
pub struct Names {
    nodes: Vec<Arc<str>>,
    links: Vec<(Arc<str>, [NodeId; 2])>,
}

impl Names {
    pub(crate) fn new(spec: &Spec) -> Names {
        let nodes: Vec<Arc<str>> = spec.nodes.keys().map(|name| Arc::from(name.as_str())).collect();
        let mut names = Names { nodes, links: Vec::new() };
        for (name, link) in &spec.links {
            let end = |end: &str| names.node_id(end).expect("a link ends at nodes of the scenario");
            let ends = [end(&link.ends.0), end(&link.ends.1)];
            names.links.push((Arc::from(name.as_str()), ends));
        }
        names
    }
    /// The name of a host or router.
    pub fn node(&self, id: NodeId) -> &Arc<str> {
        &self.nodes[id.0 as usize]
    }
    /// The names of all hosts and routers, by number.
    pub fn nodes(&self) -> &[Arc<str>] {
        &self.nodes
    }
    /// The host or router of this name.
    pub fn node_id(&self, name: &str) -> Option<NodeId> {
        self.nodes.binary_search_by(|n| (**n).cmp(name)).ok().map(|i| NodeId(i as u32))
    }
    /// Number of directions of links; they are numbered from zero.
    pub fn pipes(&self) -> u32 {
        2 * self.links.len() as u32
    }
    /// The name of the link that this is a direction of.
    pub fn link(&self, pipe: PipeId) -> &Arc<str> {
        &self.links[pipe.0 as usize / 2].0
    }
    /// Where a direction of a link begins and ends.
    pub fn ends(&self, pipe: PipeId) -> (NodeId, NodeId) {
        let [a, b] = self.links[pipe.0 as usize / 2].1;
        if pipe.0.is_multiple_of(2) { (a, b) } else { (b, a) }
    }
    /// Both directions of the link of this name.
    pub fn link_pipes(&self, name: &str) -> Option<[PipeId; 2]> {
        let at = self.links.binary_search_by(|(n, _)| (**n).cmp(name)).ok()? as u32;
        Some([PipeId(2 * at), PipeId(2 * at + 1)])
    }
    /// What the names of a direction's random streams begin with.
    pub(crate) fn stream(&self, pipe: PipeId) -> String {
        format!("link:{}{}", self.link(pipe), if pipe.0.is_multiple_of(2) { '>' } else { '<' })
    }
}

/// The links as a graph.
pub(crate) struct Graph {
    /// Of each node: its directions outwards and where they lead, by neighbour, then by link.
    neighbours: Vec<Vec<(NodeId, PipeId)>>,
    forwards: Vec<bool>,
    addresses: Vec<Vec<IpAddr>>,
}

impl Graph {
    pub(crate) fn new(spec: &Spec, names: &Names) -> Graph {
        let mut neighbours = vec![Vec::new(); names.nodes.len()];
        for pipe in (0..names.pipes()).map(PipeId) {
            let (from, to) = names.ends(pipe);
            neighbours[from.0 as usize].push((to, pipe));
        }
        neighbours.iter_mut().for_each(|of| of.sort_unstable());
        let forwards = spec.nodes.values().map(|node| matches!(node, Node::Router(_))).collect();
        let addresses = spec
            .nodes
            .values()
            .map(|node| match node {
                Node::Host(host) => host.addresses.clone(),
                Node::Router(router) => vec![router.address],
            })
            .collect();
        Graph { neighbours, forwards, addresses }
    }
    /// Which node has which address.
    pub(crate) fn owners(&self) -> FxHashMap<IpAddr, NodeId> {
        let mut owners = FxHashMap::default();
        for (node, addresses) in self.addresses.iter().enumerate() {
            owners.extend(addresses.iter().map(|a| (*a, NodeId(node as u32))));
        }
        owners
    }
    /// The directions that lead out of a node.
    pub(crate) fn outwards(&self, node: NodeId) -> impl Iterator<Item = PipeId> {
        self.neighbours[node.0 as usize].iter().map(|(_, pipe)| *pipe)
    }
    /// The routes of a node with these overrides.
    pub(crate) fn routes(&self, names: &Names, node: NodeId, overrides: &[spec::Route]) -> Routes {
        let overrides = overrides
            .iter()
            .map(|route| {
                let hop = match &route.via {
                    None => Hop::Unreachable,
                    Some(via) => self.towards(node, names.node_id(via)),
                };
                (route.prefix, route.len, hop)
            })
            .collect();
        Routes::new(overrides, self.computed(node))
    }
    fn towards(&self, node: NodeId, via: Option<NodeId>) -> Hop {
        let neighbours = &self.neighbours[node.0 as usize];
        neighbours
            .iter()
            .find(|(n, _)| Some(*n) == via)
            .map_or(Hop::Unreachable, |(_, pipe)| Hop::Pipe(*pipe))
    }
    fn computed(&self, node: NodeId) -> Computed {
        match self.neighbours[node.0 as usize].as_slice() {
            [] => Computed::None,
            // A host with one link sends everything there, as with a default route.
            [(_, pipe)] if !self.forwards[node.0 as usize] => Computed::Default(*pipe),
            _ => Computed::Table(Arc::new(self.search(node))),
        }
    }
    /// First hops to all addresses, by breadth-first search. Hosts do not forward.
    fn search(&self, start: NodeId) -> Table {
        let mut first_hop: Vec<Option<PipeId>> = vec![None; self.neighbours.len()];
        let mut routes = Vec::new();
        let mut frontier = VecDeque::from([start]);
        while let Some(node) = frontier.pop_front() {
            if node != start && !self.forwards[node.0 as usize] {
                continue;
            }
            for (next, pipe) in &self.neighbours[node.0 as usize] {
                let hop = first_hop[node.0 as usize].unwrap_or(*pipe);
                let seen = &mut first_hop[next.0 as usize];
                if *next == start || seen.is_some() {
                    continue;
                }
                *seen = Some(hop);
                routes.extend(self.addresses[next.0 as usize].iter().map(|a| (*a, hop)));
                frontier.push_back(*next);
            }
        }
        Table::new(&routes)
    }
}
