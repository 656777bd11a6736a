//! Which connection is drawn: by number, or the ones that carried most.

use sim::figures::Flow;
use sim::{NodeId, Simulator, Spec, TraceLevel};
use tcp::Tuple;

use crate::Names;

/// The end of a connection that sent most of its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Number of the connection, in the order of opening.
    pub number: usize,
    /// The host.
    pub node: NodeId,
    /// The connection, seen from there.
    pub tuple: Tuple,
    /// The host of the other end.
    pub peer: NodeId,
    /// Bytes that its program wrote.
    pub written: u64,
    /// What a legend calls it.
    pub name: String,
}

/// The senders of these connections, or of the `most` that carried most, in the order of opening.
///
/// # Errors
/// If there is no such connection, in words.
pub fn senders(spec: &Spec, wanted: &[usize], most: usize) -> Result<Vec<Sender>, String> {
    let mut simulator = Simulator::new(spec, TraceLevel::Off).without_checks().with_figures();
    simulator.run();
    simulator.read_open_flows();
    let names = Names::of(spec);
    let flows = simulator.flows().map_or(&[][..], sim::figures::FlowLog::flows);
    if flows.is_empty() {
        return Err("no connection was opened".to_owned());
    }
    if let Some(wrong) = wanted.iter().find(|number| **number >= flows.len()) {
        return Err(format!("there is no connection {wrong}: there are {}, from 0", flows.len()));
    }
    let all = flows.iter().enumerate().map(|(number, flow)| sender(&simulator, &names, number, flow));
    let mut all: Vec<Sender> = all.filter(|one| wanted.is_empty() || wanted.contains(&one.number)).collect();
    if wanted.is_empty() {
        all.sort_by_key(|one| (std::cmp::Reverse(one.written), one.number));
        all.truncate(most);
        all.sort_by_key(|one| one.number);
    }
    Ok(all)
}

fn sender(simulator: &Simulator, names: &Names, number: usize, flow: &Flow) -> Sender {
    let down = flow.down.written > flow.up.written;
    let (tuple, written) =
        if down { (flow.tuple.reversed(), flow.down.written) } else { (flow.tuple, flow.up.written) };
    let owner = |address: std::net::SocketAddr| simulator.owner(address.ip()).unwrap_or(flow.node);
    let (node, peer) = (owner(tuple.local), owner(tuple.remote));
    let end = |address: std::net::SocketAddr| format!("{}:{}", names.at(address.ip()), address.port());
    let name = format!("{number}: {} → {}", end(tuple.local), end(tuple.remote));
    Sender { number, node, tuple, peer, written, name }
}
