//! Listening sockets: what a listener wants, and the accept queue.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tcp::config::{Config, Nagle};
use tcp::listener::Incoming;
use tcp::tcb::{IcmpError, SocketOption};
use tcp::{EcnCodepoint, Errno, Listener, Note, Out, Outgoing, Rule, Segment, SeqNum, State, Tuple, Wake};

use super::kernel::{Ctx, Kernel};
use super::sockets::SocketId;
use super::tcp_layer::{ConnId, Holder, Mark};
use crate::figures::FlowEvent;
use crate::packet::{Body, IpHeader};
use crate::trace::Cause;

/// A listener and what the host keeps for it.
#[derive(Clone, Hash)]
pub(super) struct ListenSlot {
    pub(super) listener: Listener,
    pub(super) socket: SocketId,
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    /// Options that connections inherit.
    options: Vec<SocketOption>,
    /// What the program has asked of IP.
    mark: Mark,
    /// The connections of the listener's accept queue, in the same order. Some may be closed by now.
    queue: VecDeque<ConnId>,
}

impl Kernel {
    /// Begins to listen; `socket` is bound to that port.
    pub(super) fn open_listener(
        &mut self,
        ctx: &mut Ctx<'_>,
        socket: SocketId,
        (address, port): (Option<IpAddr>, u16),
        backlog: u32,
        options: &[SocketOption],
    ) -> Result<u32, Errno> {
        let overlaps = |other: &Option<IpAddr>| other.is_none() || address.is_none() || *other == address;
        let mut on_port = self.tcp.listening.range((port, None)..).take_while(|((p, _), _)| *p == port);
        if on_port.any(|((_, other), _)| overlaps(other)) {
            return Err(Errno::EADDRINUSE);
        }
        let config = inherited(&self.setup.spec.tcp, options);
        let mut listener = Listener::new(config, backlog);
        let fast = |option: &&SocketOption| {
            matches!(
                option,
                SocketOption::FastOpen(_) | SocketOption::FastOpenNoCookie(_) | SocketOption::FastOpenKeys(_)
            )
        };
        options.iter().filter(fast).for_each(|option| listener.set_option(*option));
        let slot = ListenSlot {
            listener,
            socket,
            address,
            port,
            options: options.to_vec(),
            mark: Mark::of(options),
            queue: VecDeque::new(),
        };
        let id = match self.tcp.listeners.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                self.tcp.listeners.push(None);
                self.tcp.listeners.len() - 1
            }
        };
        self.tcp.listeners[id] = Some(slot);
        self.tcp.listening.insert((port, address), id as u32);
        let why = Cause { trigger: ctx.trigger, rule: Rule::PassiveOpen };
        ctx.out.state(self.listening_tuple((address, port)), State::Closed, State::Listen, why);
        Ok(id as u32)
    }
    /// What stands for a listening socket in the trace: no other end, and any address where none is given.
    fn listening_tuple(&self, (address, port): (Option<IpAddr>, u16)) -> Tuple {
        let any = match self.setup.spec.addresses.first() {
            Some(IpAddr::V6(_)) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
            _ => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        };
        let local = SocketAddr::new(address.unwrap_or(any), port);
        Tuple { local, remote: SocketAddr::new(any, 0) }
    }

    /// Sets an option on a listener: connections inherit it from now on.
    pub(super) fn set_listener_option(&mut self, id: u32, option: SocketOption) {
        if let Some(slot) = self.tcp.listeners.get_mut(id as usize).and_then(Option::as_mut) {
            slot.listener.set_option(option);
            slot.options.push(option);
            slot.mark.set(option);
        }
    }

    /// Options that connections of a listener inherit, in the order in which they were set.
    pub(super) fn listener_options(&self, id: u32) -> &[SocketOption] {
        let slot = self.tcp.listeners.get(id as usize).and_then(Option::as_ref);
        slot.map_or(&[], |slot| &slot.options)
    }

    /// Stops listening: half-open requests are forgotten, connections that nobody accepted are reset.
    pub(super) fn close_listener(&mut self, ctx: &mut Ctx<'_>, id: u32, why: Rule) {
        let Some(slot) = self.tcp.listeners.get_mut(id as usize).and_then(Option::take) else { return };
        self.tcp.listening.remove(&(slot.port, slot.address));
        self.tcp.listener_deadlines.remove(id);
        for request in slot.listener.requests() {
            let gone = Cause { trigger: ctx.trigger, rule: Rule::ListenerGone };
            ctx.out.state(request.tuple, State::SynReceived, State::Closed, gone);
        }
        let tuple = self.listening_tuple((slot.address, slot.port));
        ctx.out.state(tuple, State::Listen, State::Closed, Cause { trigger: ctx.trigger, rule: why });
        for conn in slot.queue {
            self.tcp.set_holder(conn, Holder::Nobody);
            self.call(ctx, conn, |tcb, now, out| tcb.abort(now, Rule::ListenerClosed, out));
        }
    }

    /// ACCEPT: the connection that has waited longest.
    pub(super) fn accept_from(&mut self, id: u32) -> Option<ConnId> {
        let slot = self.tcp.listeners.get_mut(id as usize)?.as_mut()?;
        slot.listener.accept()?;
        slot.queue.pop_front()
    }

    /// Whether a connection waits to be accepted.
    pub(super) fn has_waiting(&self, id: u32) -> bool {
        self.tcp
            .listeners
            .get(id as usize)
            .and_then(Option::as_ref)
            .is_some_and(|slot| !slot.queue.is_empty())
    }

    /// A segment for a listener; `reopens`: it ended a TIME-WAIT whose numbers must stay below ours.
    pub(super) fn listener_input(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: u32,
        tuple: Tuple,
        (segment, ecn): (&Segment, EcnCodepoint),
        reopens: Option<SeqNum>,
    ) {
        let mtu = match self.link_mtu(tuple.remote.ip()) {
            Some(mtu) if self.setup.spec.tcp.syn_ack_mss_of_interface => mtu,
            _ => self.mtu_to_announce(ctx.now, tuple.remote.ip()),
        };
        let secret = self.tcp.secret;
        let Some(slot) = self.tcp.listeners.get_mut(id as usize).and_then(Option::as_mut) else { return };
        let mut out = ctx.out.borrow_tcp();
        let incoming = Incoming { tuple, mtu, segment, ecn, reopens };
        let child = slot.listener.on_segment(ctx.now, &incoming, &secret, &mut out);
        let (deadline, mark) = (slot.listener.deadline(), slot.mark);
        let half_open = slot.listener.half_open() as u64;
        self.counters.peak_half_open = self.counters.peak_half_open.max(half_open);
        self.counters.answers(out.segments.len());
        let said = |note: &Note| matches!(note, Note::State { from: State::TimeWait, .. });
        if reopens.is_some() && !out.notes.iter().any(said) {
            // The listener had no room: TIME-WAIT is gone all the same.
            out.state(State::TimeWait, State::Closed, Rule::TimeWaitReused);
        }
        match child {
            Some(mut tcb) => {
                self.counters.tcp_passive_opens += 1;
                // The link may have changed since the SYN came.
                if let Some(mtu) = self.link_mtu(tuple.remote.ip()) {
                    tcb.on_link_mtu(mtu);
                }
                tcb.on_path_mtu(ctx.now, self.mtu_to(ctx.now, tuple.remote.ip()));
                if self.first_windows.had_better_be_small(ctx.now, tuple.remote.ip()) {
                    tcb.be_modest();
                }
                let conn = self.tcp.insert(tuple, tcb, (Holder::Queue(id), mark), true);
                self.flow(ctx, conn, |_| FlowEvent::Accepted);
                self.settle(ctx, conn, &mut out);
                self.queue_child(ctx, id, conn);
            }
            None => self.listener_settle(ctx, tuple, mark, &mut out),
        }
        ctx.out.return_tcp(out);
        self.tcp.listener_deadlines.set(id, deadline);
    }

    /// An ICMP error quotes a SYN-ACK of ours. Whether there is such a half-open request.
    pub(super) fn request_error(
        &mut self,
        ctx: &mut Ctx<'_>,
        tuple: Tuple,
        error: IcmpError,
        seq: SeqNum,
    ) -> bool {
        let Some(id) = self.tcp.listener_for(tuple.local) else { return false };
        let Some(slot) = self.tcp.listeners.get_mut(id as usize).and_then(Option::as_mut) else {
            return false;
        };
        let mut out = ctx.out.borrow_tcp();
        let known = slot.listener.on_icmp(&tuple, error, seq, &mut out);
        let (deadline, mark) = (slot.listener.deadline(), slot.mark);
        self.listener_settle(ctx, tuple, mark, &mut out);
        ctx.out.return_tcp(out);
        self.tcp.listener_deadlines.set(id, deadline);
        known
    }

    /// A deadline of a listener may have come: SYN-ACKs are repeated or given up.
    pub(super) fn listener_deadline(&mut self, ctx: &mut Ctx<'_>, id: u32) {
        let mut out = ctx.out.borrow_tcp();
        while let Some(slot) = self.tcp.listeners.get_mut(id as usize).and_then(Option::as_mut) {
            let Some(tuple) = slot.listener.on_deadline(ctx.now, &mut out) else {
                let deadline = slot.listener.deadline();
                self.tcp.listener_deadlines.set(id, deadline);
                break;
            };
            let mark = slot.mark;
            self.listener_settle(ctx, tuple, mark, &mut out);
        }
        ctx.out.return_tcp(out);
    }

    fn listener_settle(&mut self, ctx: &mut Ctx<'_>, tuple: Tuple, mark: Mark, out: &mut Out) {
        self.note(ctx, tuple, out);
        let ip = self.header_as_marked(tuple.local.ip(), tuple.remote.ip(), mark, 0);
        for Outgoing { segment, why, ecn } in out.segments.drain(..) {
            self.counters.segment_sent(why, segment.flags);
            self.transmit(ctx, IpHeader { ecn, ..ip }, Body::Tcp(segment), why);
        }
        out.take_wake();
    }

    /// A connection is complete: it inherits the listener's options, and the program is told.
    fn queue_child(&mut self, ctx: &mut Ctx<'_>, id: u32, conn: ConnId) {
        let Some(slot) = self.tcp.listeners.get_mut(id as usize).and_then(Option::as_mut) else { return };
        slot.queue.push_back(conn);
        let (socket, options) = (slot.socket, slot.options.clone());
        for option in options {
            // What was valid on the listener and is too late here (MSS, buffer) came with its configuration.
            self.call(ctx, conn, |tcb, now, out| tcb.set_option(now, option, out).ok());
        }
        self.wake(socket, Wake { readable: true, ..Wake::default() });
    }
}

/// The configuration of a socket with these options: those that a SYN-ACK already depends on.
pub(super) fn inherited(config: &Arc<Config>, options: &[SocketOption]) -> Arc<Config> {
    let mut config = Arc::clone(config);
    for option in options {
        match *option {
            SocketOption::RcvBuf(bytes) => {
                let config = Arc::make_mut(&mut config);
                config.rcv_buf = config.asked_rcv_buf(bytes);
                config.rcv_buf_max = config.rcv_buf;
            }
            SocketOption::SndBuf(bytes) => {
                let config = Arc::make_mut(&mut config);
                config.snd_buf = config.asked_snd_buf(bytes);
                config.snd_buf_max = config.snd_buf;
            }
            SocketOption::MaxSeg(mss) => {
                let config = Arc::make_mut(&mut config);
                config.mss = Some(config.mss.map_or(mss, |clamp| clamp.min(mss)));
            }
            SocketOption::UserTimeoutOption(time) => {
                Arc::make_mut(&mut config).user_timeout_option = Some(time);
            }
            SocketOption::DeferAccept(count) => Arc::make_mut(&mut config).defer_accept = count,
            SocketOption::Congestion(controller) => Arc::make_mut(&mut config).congestion = controller,
            SocketOption::NoDelay(true) => Arc::make_mut(&mut config).nagle = Nagle::Off,
            _ => {}
        }
    }
    config
}
