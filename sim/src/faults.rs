//! The fault timeline: what happens to the network and the hosts at its times.
//!
//! All that the timeline has for one moment happens in one event, in order of mention, before anything else of that
//! moment.

use std::sync::Arc;

use tcp::{EcnCodepoint, Rule, Segment, SeqNum, Time, Tuple};

use crate::hostio::HostNet;
use crate::ip::PROTO_TCP;
use crate::node::Node;
use crate::packet::{Body, Fragment, Icmp, IpHeader, Packet, Quote};
use crate::queue::Source;
use crate::simulator::Simulator;
use crate::spec::{Fault, Inject, InjectIcmp, Piece, Route, SeqRef, Way};
use crate::trace::{Cause, Fate, NodeId, PipeId, Trigger, What};

/// Data that fits into an IP packet with the largest headers, in bytes.
const MOST_FORGED: u32 = 65_535 - 60 - 60;
/// TTL of a forged segment.
const FORGED_TTL: u8 = 64;

impl Simulator {
    /// Brings the event queue up to date with the timeline.
    pub(crate) fn schedule_timeline(&mut self) {
        let next = self.plan.faults.get(self.faults_done).map_or(Time::NEVER, |(time, _)| *time);
        self.queue.set(Source::Timeline, next);
    }
    /// What the timeline has for this moment happens.
    pub(crate) fn on_timeline(&mut self) {
        let plan = Arc::clone(&self.plan);
        while let Some((_, fault)) = plan.faults.get(self.faults_done).filter(|(time, _)| *time <= self.now) {
            self.faults_done += 1;
            if self.tracing() {
                self.record(What::Fault { text: in_words(fault) });
            }
            self.happen(fault);
        }
        self.schedule_timeline();
    }
    /// A host boots anew at `time`, before anything else of that moment: as if the timeline said so last for it. No event of
    /// the scenario may be earlier, and none of that moment past.
    pub fn reboot(&mut self, host: NodeId, time: Time) {
        self.now = self.now.max(time);
        self.happen_now(&Fault::Reboot(self.plan.names.node(host).to_string()));
    }
    fn happen_now(&mut self, fault: &Fault) {
        self.count_event();
        if self.tracing() {
            self.record(What::Fault { text: in_words(fault) });
        }
        self.happen(fault);
        self.look();
    }
    fn happen(&mut self, fault: &Fault) {
        match fault {
            Fault::LinkDown(link) => self.each_direction(link, |s, pipe| s.link_down(pipe)),
            Fault::LinkUp(link) => {
                self.each_direction(link, |s, pipe| s.pipes[pipe.0 as usize].set_up());
            }
            Fault::LinkChange(link, ways) => self.change_link(link, ways),
            Fault::Routes(node, routes) => self.at_node(node, |s, node| s.change_routes(node, routes)),
            Fault::Crash(host) => self.at_node(host, Simulator::crash),
            Fault::Reboot(host) => self.at_node(host, Simulator::boot),
            Fault::Pause(host) => self.at_node(host, Simulator::pause),
            Fault::Resume(host) => self.at_node(host, Simulator::resume),
            Fault::Kill(program) => self.kill_program(program),
            Fault::Inject(inject) => self.at_node(&inject.at, |s, node| s.inject(node, inject)),
            Fault::InjectIcmp(inject) => self.at_node(&inject.at, |s, node| s.inject_icmp(node, inject)),
        }
    }
    fn at_node(&mut self, name: &str, act: impl FnOnce(&mut Simulator, NodeId)) {
        if let Some(node) = self.plan.names.node_id(name) {
            act(self, node);
        }
    }
    fn each_direction(&mut self, link: &str, act: impl Fn(&mut Simulator, PipeId)) {
        for pipe in self.plan.names.link_pipes(link).into_iter().flatten() {
            act(self, pipe);
        }
    }

    fn link_down(&mut self, pipe: PipeId) {
        let lost = self.pipes[pipe.0 as usize].set_down(self.now);
        let counters = &mut self.pipes[pipe.0 as usize].counters;
        counters.dropped += lost.len() as u64;
        counters.dropped_bytes += lost.iter().map(|handle| u64::from(handle.len())).sum::<u64>();
        for handle in lost {
            self.out.packets.remove(handle);
            self.fate_of(pipe, handle.id, Fate::LinkDown);
        }
        self.schedule_pipe(pipe);
    }
    fn change_link(&mut self, link: &str, ways: &[Option<Box<Way>>; 2]) {
        let Some(pipes) = self.plan.names.link_pipes(link) else { return };
        let seed = self.plan.seed;
        for (pipe, way) in pipes.into_iter().zip(ways) {
            if let Some(way) = way {
                let name = self.plan.names.stream(pipe);
                self.pipes[pipe.0 as usize].change(seed, &name, way);
                // What waited for the old rate may leave sooner, or has to wait longer.
                self.schedule_pipe(pipe);
                self.refresh_mtus(self.plan.names.ends(pipe).0);
            }
        }
    }
    /// A host learns the MTUs of its links anew.
    fn refresh_mtus(&mut self, node: NodeId) {
        let mtus = self.mtus(node);
        let Some(host) = self.host_node(node) else { return };
        if host.net.mtus != mtus {
            host.net.mtus = mtus;
            let net = host.net.clone();
            self.with_host(node, |host, now, out| host.set_net(now, net, out));
        }
    }
    fn change_routes(&mut self, node: NodeId, routes: &[Route]) {
        let new = self.plan.graph.routes(&self.plan.names, node, routes);
        match &mut self.nodes[node.0 as usize] {
            Node::Router(router) => router.routes = new,
            Node::Host(host) => {
                host.net = HostNet::new(new, std::sync::Arc::clone(&host.net.mtus));
                let net = host.net.clone();
                self.with_host(node, |host, now, out| host.set_net(now, net, out));
            }
        }
    }
    fn kill_program(&mut self, program: &str) {
        let host = self.plan.programs.iter().find(|(name, _)| **name == *program).map(|(_, node)| *node);
        if let Some(node) = host {
            self.kill(node, program);
        }
    }

    /// A forged segment is sent from `node`.
    fn inject(&mut self, node: NodeId, inject: &Inject) {
        let sender = Tuple { local: inject.src, remote: inject.dst };
        let segment = Segment {
            src: inject.src.port(),
            dst: inject.dst.port(),
            seq: self.resolve(inject.seq, sender, Number::Seq),
            ack: self.resolve(inject.ack, sender, Number::Ack),
            flags: inject.flags,
            wnd: inject.wnd,
            urg: inject.urg,
            options: self.forged_options(inject, sender),
            payload: inject.payload.slice(0, MOST_FORGED),
        };
        let ip = IpHeader {
            src: inject.src.ip(),
            dst: inject.dst.ip(),
            ttl: FORGED_TTL,
            ecn: inject.ecn,
            dscp: 0,
            df: inject.pieces.is_empty(),
            ident: inject.ident,
        };
        let packet = Packet { id: self.packet_id(), ip, body: Body::Tcp(segment), flipped_bit: None };
        let why = Cause { trigger: Trigger::Fault, rule: Rule::Forged };
        if inject.pieces.is_empty() {
            return self.send_from(node, packet, why);
        }
        let whole = Arc::new(packet);
        for Piece { offset, len, more } in inject.pieces.iter().copied() {
            let fragment = Fragment { of: Arc::clone(&whole), offset, len, more };
            let (id, body) = (self.packet_id(), Body::Fragment(Box::new(fragment)));
            self.send_from(node, Packet { id, ip, body, flipped_bit: None }, why);
        }
    }
    /// The options of a forged segment of `sender`, with what counts from the receiver's numbers.
    fn forged_options(&self, inject: &Inject, sender: Tuple) -> tcp::Options {
        let mut options = inject.options.clone();
        for (left, right) in inject.sack.iter().take(4) {
            let edge = |number: &SeqRef| self.resolve(*number, sender, Number::Ack);
            options.sack.push(edge(left), edge(right));
        }
        if let Some((val, ecr)) = inject.stamps {
            let receiver = self.plan.owners.get(&sender.remote.ip());
            let expected = receiver.and_then(|node| self.timestamps(*node, &sender.reversed()));
            // A TS.Recent of nothing: no timestamp has come yet.
            options.timestamps = expected.filter(|expected| expected.ecr != 0).map(|expected| {
                let val = expected.ecr.wrapping_add_signed(val);
                tcp::Timestamps { val, ecr: expected.val.wrapping_add_signed(ecr) }
            });
        }
        options
    }
    /// A forged ICMP error is sent from `node`.
    fn inject_icmp(&mut self, node: NodeId, inject: &InjectIcmp) {
        let sender = Tuple { local: inject.src, remote: inject.dst };
        let header = |src, dst, df| IpHeader {
            src,
            dst,
            ttl: FORGED_TTL,
            ecn: EcnCodepoint::NotEct,
            dscp: 0,
            df,
            ident: 0,
        };
        let quote = Quote {
            ip: header(inject.src.ip(), inject.dst.ip(), true),
            len: inject.len,
            protocol: PROTO_TCP,
            src: inject.src.port(),
            dst: inject.dst.port(),
            seq: self.resolve(inject.seq, sender, Number::Seq),
        };
        let body = Body::Icmp(Box::new(Icmp { kind: inject.kind, quote }));
        let ip = header(inject.from, inject.src.ip(), false);
        let packet = Packet { id: self.packet_id(), ip, body, flipped_bit: None };
        let why = Cause { trigger: Trigger::Fault, rule: Rule::ForgedIcmp };
        self.send_from(node, packet, why);
    }
    /// What a number in a forged segment of `sender` comes to now.
    fn resolve(&self, number: SeqRef, sender: Tuple, which: Number) -> SeqNum {
        let (base, offset) = match number {
            SeqRef::Absolute(n) => return SeqNum(n),
            SeqRef::SenderIsn(offset) => (self.rules.isn(&sender), offset),
            SeqRef::ReceiverIsn(offset) => (self.rules.isn(&sender.reversed()), offset),
            SeqRef::Expected(offset) => (self.expected(sender, which), offset),
        };
        base.unwrap_or_default().add(offset as u32)
    }
    /// What the receiver of a segment of `sender` expects: RCV.NXT, or SND.UNA for the ACK field.
    fn expected(&self, sender: Tuple, which: Number) -> Option<SeqNum> {
        let receiver = self.plan.owners.get(&sender.remote.ip())?;
        let sockets = self.sockets(*receiver);
        let info = sockets
            .iter()
            .find(|s| s.local == sender.remote && s.remote == Some(sender.local))
            .and_then(|s| s.tcp.as_ref());
        match which {
            Number::Seq => {
                let irs = self.rules.isn(&sender)?;
                Some(irs.add(info.map_or(1, |info| info.rcv_nxt as u32)))
            }
            Number::Ack => {
                let iss = self.rules.isn(&sender.reversed())?;
                Some(iss.add(info.map_or(1, |info| info.snd_una as u32)))
            }
        }
    }
}

/// Which field of a segment.
#[derive(Clone, Copy)]
enum Number {
    Seq,
    Ack,
}

/// A fault as the trace tells it.
fn in_words(fault: &Fault) -> String {
    match fault {
        Fault::LinkDown(link) => format!("link {link} down"),
        Fault::LinkUp(link) => format!("link {link} up"),
        Fault::LinkChange(link, _) => format!("link {link} changed"),
        Fault::Routes(node, routes) if routes.is_empty() => format!("{node}: routes as computed"),
        Fault::Routes(node, routes) => {
            let list: Vec<String> = routes
                .iter()
                .map(|r| match &r.via {
                    Some(via) => format!("{}/{} via {via}", r.prefix, r.len),
                    None => format!("{}/{} unreachable", r.prefix, r.len),
                })
                .collect();
            format!("{node}: routes {}", list.join(", "))
        }
        Fault::Crash(host) => format!("{host} crashes"),
        Fault::Reboot(host) => format!("{host} reboots"),
        Fault::Pause(host) => format!("{host} paused"),
        Fault::Resume(host) => format!("{host} goes on"),
        Fault::Kill(program) => format!("{program} killed"),
        Fault::Inject(i) => {
            let ecn = if i.ecn == EcnCodepoint::NotEct { "" } else { ", ECN-capable" };
            let pieces = match i.pieces.len() {
                0 => String::new(),
                1 => ", one fragment of it".to_owned(),
                n => format!(", {n} fragments of it"),
            };
            format!("forged segment at {}: {} > {}, [{}]{ecn}{pieces}", i.at, i.src, i.dst, i.flags)
        }
        Fault::InjectIcmp(i) => {
            format!("forged ICMP error at {}: {} > {}, about {} > {}", i.at, i.from, i.src.ip(), i.src, i.dst)
        }
    }
}
