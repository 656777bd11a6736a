//! Which host is number 3, and which way of which link is number 7: the numbers of a trace, in a person's words.
//!
//! The simulator numbers nodes and links by the rank of their names, so the names alone give the numbers back.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sim::spec::{Node, Spec};
use sim::{NodeId, PipeId};

/// The names of everything that a trace mentions by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    nodes: Vec<Named>,
    links: Vec<NamedLink>,
    owners: BTreeMap<IpAddr, NodeId>,
}

/// A host or a router.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    name: String,
    host: bool,
    addresses: Vec<IpAddr>,
}

/// A link and its two ends, in the order of its ways.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NamedLink {
    name: String,
    ends: (NodeId, NodeId),
}

impl Names {
    /// The names in a scenario.
    pub fn of(spec: &Spec) -> Names {
        let mut names = Names::default();
        for (name, node) in &spec.nodes {
            let (host, addresses) = match node {
                Node::Host(host) => (true, host.addresses.clone()),
                Node::Router(router) => (false, vec![router.address]),
            };
            let id = NodeId(names.nodes.len() as u32);
            // A host's address wins over a router's: a router may borrow one to answer from.
            for address in &addresses {
                if host || !names.owners.contains_key(address) {
                    names.owners.insert(*address, id);
                }
            }
            names.nodes.push(Named { name: name.clone(), host, addresses });
        }
        for (name, link) in &spec.links {
            let end = |of: &str| names.by_name(of).unwrap_or(NodeId(u32::MAX));
            names.links.push(NamedLink { name: name.clone(), ends: (end(&link.ends.0), end(&link.ends.1)) });
        }
        names
    }

    /// The name of a node; `?` for a number that is none.
    pub fn node(&self, id: NodeId) -> &str {
        self.nodes.get(id.0 as usize).map_or("?", |node| &node.name)
    }

    /// The node of this name.
    pub fn by_name(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().position(|node| node.name == name).map(|i| NodeId(i as u32))
    }

    /// The name of the link that this is a way of; `?` for a number that is none.
    pub fn link(&self, pipe: PipeId) -> &str {
        self.links.get(pipe.0 as usize / 2).map_or("?", |link| &link.name)
    }

    /// From which node to which a way of a link leads.
    pub fn way(&self, pipe: PipeId) -> Option<(NodeId, NodeId)> {
        let (a, b) = self.links.get(pipe.0 as usize / 2)?.ends;
        Some(if pipe.0.is_multiple_of(2) { (a, b) } else { (b, a) })
    }

    /// The node that has this address.
    pub fn owner(&self, address: IpAddr) -> Option<NodeId> {
        self.owners.get(&address).copied()
    }

    /// The name of the node that has this address, or the address itself where nobody has it.
    pub fn at(&self, address: IpAddr) -> String {
        self.owner(address).map_or_else(|| address.to_string(), |node| self.node(node).to_owned())
    }

    /// The addresses of a node.
    pub fn addresses(&self, id: NodeId) -> &[IpAddr] {
        self.nodes.get(id.0 as usize).map_or(&[], |node| &node.addresses)
    }

    /// All nodes, in the order of their numbers.
    pub fn all(&self) -> impl Iterator<Item = NodeId> + '_ {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// All hosts, in the order of their numbers.
    pub fn hosts(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.all().filter(|id| self.is_host(*id))
    }

    /// Whether this is a host (else a router).
    pub fn is_host(&self, id: NodeId) -> bool {
        self.nodes.get(id.0 as usize).is_some_and(|node| node.host)
    }

    /// Number of links.
    pub fn links(&self) -> u32 {
        self.links.len() as u32
    }
}
