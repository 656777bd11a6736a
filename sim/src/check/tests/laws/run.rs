//! A run that keeps all laws, and ways to change what the checkers are told of it.

use std::sync::Arc;

use tcp::{Duration, Flags, Running, State, Time, Tuple};

use crate::check::{Checks, Findings, Reading, Violation, bounds, sequence, timers};
use crate::packet::{Body, Packet, PacketId};
use crate::spec::{Program, Run, Serve, Spec, Step};
use crate::testing::{ms, spec, way};
use crate::trace::{Cause, NodeId, PipeId, Trigger};
use crate::{Record, Simulator, TraceLevel, What};

pub(in crate::check::tests) const A: NodeId = NodeId(0);
pub(in crate::check::tests) const B: NodeId = NodeId(1);

/// Host `a` opens a connection from port 5000, sends 30,000 octets, half-closes, reads what the echo server on `b` sends
/// back, closes, and after its TIME-WAIT does so once more.
pub(in crate::check::tests) fn scenario() -> Spec {
    let serve = Serve {
        port: 80,
        address: None,
        backlog: 5,
        accept_after: Some(Duration::ZERO),
        accept_every: None,
        accept_max: 0,
        close_after: None,
        options: Vec::new(),
        handler: vec![Step::Echo, Step::Close].into(),
        idle_limit: None,
        per_client_limit: None,
        one_at_a_time: false,
    };
    let once = [
        Step::Bind { address: None, port: 5000 },
        Step::Connect("10.0.0.2:80".parse().unwrap()),
        Step::SendBytes { len: 30_000, chunk: 65_536, every: Duration::ZERO },
        Step::ShutdownWrite,
        Step::RecvToEof,
        Step::Close,
        Step::Sleep(Duration::from_secs(100)),
    ];
    let program = |name: &str, on: &str, at: Time, run: Run| Program {
        name: Arc::from(name),
        on: on.to_string(),
        at,
        restart: false,
        run,
    };
    let mut slow = way();
    slow.delay = Duration::from_millis(10);
    let mut spec = spec().host("a", "10.0.0.1").host("b", "10.0.0.2").link("a", "b", slow);
    spec.programs = vec![
        program("server", "b", Time::ZERO, Run::Serve(serve)),
        program("client", "a", ms(10), Run::Script([once.clone(), once].concat())),
    ];
    spec
}

/// Changes how each host is set up.
pub(in crate::check::tests) fn each_host(spec: &mut Spec, change: impl Fn(&mut tcp::Config)) {
    for node in spec.nodes.values_mut() {
        if let crate::spec::Node::Host(host) = node {
            change(Arc::make_mut(&mut host.tcp));
        }
    }
}

/// A run beside checkers that are not its own, so that what they are told may be changed.
pub(in crate::check::tests) struct Watched {
    pub(in crate::check::tests) sim: Simulator,
    pub(in crate::check::tests) checks: Checks,
}

impl Watched {
    pub(in crate::check::tests) fn new() -> Watched {
        Watched::of(&scenario())
    }
    /// A run of another scenario. The simulator has checkers of its own, which nothing is kept from.
    pub(in crate::check::tests) fn of(spec: &Spec) -> Watched {
        Watched { sim: Simulator::new(spec, TraceLevel::On), checks: Checks::new(spec, true) }
    }
    /// An event, as it is.
    pub(in crate::check::tests) fn step(&mut self) {
        assert!(self.sim.step(), "it is over");
        self.checks.after_event(&self.sim);
    }
    /// Goes on to its end. The checkers see each event's records as `change` has left them, up to those that it changed.
    pub(in crate::check::tests) fn until(
        mut self,
        mut change: impl FnMut(&mut Vec<Record>) -> bool,
    ) -> Watched {
        let mut changed = false;
        while !changed && self.sim.step() {
            let seen = self.checks.seen.min(self.sim.records.len());
            let mut new = self.sim.records.split_off(seen);
            changed = change(&mut new);
            self.sim.records.append(&mut new);
            self.checks.after_event(&self.sim);
        }
        self
    }
    /// As [`until`](Self::until), and what the checkers have found.
    pub(in crate::check::tests) fn changed(
        self,
        change: impl FnMut(&mut Vec<Record>) -> bool,
    ) -> Vec<Violation> {
        let watched = self.until(change);
        let events = watched.sim.events();
        let found = watched.checks.found().to_vec();
        assert!(found.iter().all(|violation| violation.event == events), "elsewhere: {found:?}");
        found
    }
    /// A reading of the connection of `node` in this state, changed, as those checkers see it that look at readings.
    pub(in crate::check::tests) fn reading(
        self,
        node: NodeId,
        state: State,
        change: fn(&mut tcp::Info, &mut Running),
    ) -> Vec<Violation> {
        let mut watched = self.until(|new| {
            new.iter().any(|record| {
                let Record { what: What::State { node: at, to, .. }, .. } = record else { return false };
                *at == node && *to == state
            })
        });
        assert!(watched.checks.found().is_empty());
        let tuple = if node == A { tuple() } else { tuple().reversed() };
        let (mut info, mut running) = watched.sim.reading(node, &tuple).expect("it is open");
        change(&mut info, &mut running);
        let config = Arc::clone(&watched.checks.hosts[node.0 as usize].as_ref().unwrap().config);
        let reading = Reading { node, tuple, info: &info, running: &running, config: &config };
        let mut found = Vec::new();
        let (event, time) = (watched.sim.events(), watched.sim.now());
        let findings = &mut Findings { event, time, found: &mut found };
        sequence::look(&reading, &mut watched.checks.ends, findings);
        timers::look(&reading, &mut watched.checks.ends, findings);
        bounds::look(&reading, &watched.checks.ends, findings);
        found
    }
}

/// The connection, seen from `a`.
pub(in crate::check::tests) fn tuple() -> Tuple {
    Tuple { local: "10.0.0.1:5000".parse().unwrap(), remote: "10.0.0.2:80".parse().unwrap() }
}

/// The first packet that `node` sends of which `which` is true.
pub(in crate::check::tests) fn sent(
    new: &mut [Record],
    node: NodeId,
    which: impl Fn(&Packet) -> bool,
) -> Option<&mut Packet> {
    new.iter_mut().find_map(|record| match &mut record.what {
        What::Sent { node: at, packet, why: Some(_), .. } if *at == node && which(packet) => Some(packet),
        _ => None,
    })
}
/// Changes the first such packet's segment, with which the event ends.
pub(in crate::check::tests) fn segment(
    node: NodeId,
    which: impl Fn(&tcp::Segment) -> bool,
    change: impl Fn(&mut tcp::Segment),
) -> impl FnMut(&mut Vec<Record>) -> bool {
    move |new| {
        let packet = sent(new, node, |packet| packet.tcp().is_some_and(&which));
        let Some(Packet { id, body: Body::Tcp(segment), .. }) = packet else { return false };
        change(segment);
        // What the host does next belies it.
        let id = *id;
        let at = new.iter().position(|r| matches!(&r.what, What::Sent { packet, .. } if packet.id == id));
        new.truncate(at.map_or(0, |at| at + 1));
        true
    }
}
pub(in crate::check::tests) fn has_data(segment: &tcp::Segment) -> bool {
    !segment.payload.is_empty()
}
pub(in crate::check::tests) fn is_late_ack(segment: &tcp::Segment) -> bool {
    segment.payload.is_empty() && segment.flags == Flags::ACK && segment.options.mss.is_none()
}

/// A segment sent once more, with another number, because of another packet.
pub(in crate::check::tests) fn answer(like: &Record, id: u64, to: u64) -> Record {
    let mut record = like.clone();
    if let What::Sent { packet, why, .. } = &mut record.what {
        packet.id = PacketId(id);
        *why = why.map(|why| Cause { trigger: Trigger::Packet(PacketId(to)), ..why });
    }
    record
}
pub(in crate::check::tests) fn arrival(like: &Record, node: NodeId, id: u64) -> Record {
    let What::Sent { packet, .. } = &like.what else { unreachable!("a segment that was sent") };
    let packet = Packet { id: PacketId(id), ..packet.clone() };
    Record { time: like.time, what: What::Received { node, pipe: PipeId(0), packet } }
}

/// A data segment of `a`, as a timeout would send it again; what follows it in its event is gone.
pub(in crate::check::tests) fn repeated(new: &mut Vec<Record>) -> Option<Record> {
    let data = |r: &Record| matches!(&r.what, What::Sent { node: A, packet, why: Some(_), .. } if packet.tcp().is_some_and(has_data));
    let at = new.iter().position(data)?;
    new.truncate(at + 1);
    let mut like = new[at].clone();
    if let What::Sent { why: Some(why), .. } = &mut like.what {
        *why = Cause { trigger: Trigger::Timer, rule: tcp::Rule::RtoRetransmit };
    }
    Some(like)
}
/// The same with another number.
pub(in crate::check::tests) fn again(like: &Record, id: u64) -> Record {
    let mut record = like.clone();
    if let What::Sent { packet, .. } = &mut record.what {
        packet.id = PacketId(id);
    }
    record
}
