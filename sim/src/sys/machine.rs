//! One host alone: its wire and its clock in the caller's hands.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tcp::{Config, Duration, Time};

use super::call::{Call, Fd, Outcome, Reply, Ticket};
use super::process::Process;
use super::sysctl::{self, SysctlError};
use super::tcp_info::{SkMeminfo, TcpInfo};
use crate::host::{self, Counters, Host, RouteMetrics};
use crate::hostio::{HostItem, HostNet, HostOut};
use crate::packet::{Body, IpHeader, Packet, PacketId};
use crate::spec;
use crate::trace::{Cause, NodeId, Record, TraceLevel};
use crate::view::SocketInfo;

/// What a machine is made from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Its addresses; the first is the one that it opens connections from.
    pub addresses: Vec<IpAddr>,
    /// How its TCP behaves.
    pub tcp: Config,
    /// MTU of its one link, in bytes with the IP header.
    pub mtu: u16,
    /// Seed of initial sequence numbers, ports and the like.
    pub seed: u64,
    /// Ephemeral ports, inclusive.
    pub ports: (u16, u16),
    /// How much of what happens is kept for [`Machine::take_records`].
    pub trace: TraceLevel,
}

impl Default for Setup {
    /// Linux at 192.168.0.1 on an Ethernet.
    fn default() -> Setup {
        Setup {
            addresses: vec![IpAddr::V4(Ipv4Addr::new(192, 168, 0, 1))],
            tcp: Config { truesize: true, rcv_buf: 131_072, snd_buf: 16_384, ..Config::linux() },
            mtu: 1500,
            seed: 0,
            ports: (32_768, 60_999),
            trace: TraceLevel::On,
        }
    }
}

/// A packet that the machine has put on its wire.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When.
    pub at: Time,
    /// The packet.
    pub packet: Packet,
    /// What set it off, and the rule that decided.
    pub why: Cause,
}

/// A call that blocked has returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// Which.
    pub ticket: Ticket,
    /// When.
    pub at: Time,
    /// With what.
    pub reply: Reply,
}

/// A host alone, with one process.
///
/// Everything happens at [`now`](Machine::now), which only [`advance`](Machine::advance) and
/// [`advance_until_sent`](Machine::advance_until_sent) move. A value: a clone goes on exactly as the original would.
#[derive(Clone, Debug)]
pub struct Machine {
    host: Host,
    out: HostOut,
    now: Time,
    process: Process,
    sent: VecDeque<Sent>,
    records: Vec<Record>,
    returned: VecDeque<Returned>,
    /// Nothing leaves.
    full: bool,
}

impl Machine {
    /// A machine that has just booted, at [`Time::ZERO`].
    pub fn new(setup: &Setup) -> Machine {
        let spec = spec::Host {
            addresses: setup.addresses.clone(),
            tcp: Arc::new(setup.tcp.clone()),
            ports: setup.ports,
            ttl: 64,
            reassembly_timeout: Duration::from_secs(30),
            routes: Vec::new(),
            first_pid: 1000,
            wakeup: tcp::Duration::ZERO,
        };
        let host = Host::new(host::Setup {
            name: Arc::from("machine"),
            seed: setup.seed,
            spec,
            programs: Vec::new(),
            net: HostNet::single(setup.mtu),
        });
        Machine {
            host,
            out: HostOut::new(NodeId(0), setup.trace),
            now: Time::ZERO,
            process: Process::default(),
            sent: VecDeque::new(),
            records: Vec::new(),
            returned: VecDeque::new(),
            full: false,
        }
    }

    // --- time ----------------------------------------------------------------------------------------------------

    /// The time.
    pub fn now(&self) -> Time {
        self.now
    }
    /// When a timer of the machine, or of a call that waits, is due next; [`Time::NEVER`]: none is.
    pub fn deadline(&self) -> Time {
        self.host.deadline().min(self.process.deadline())
    }
    /// Lets time go on to `to`; timers due by then expire at their times. A time that is past changes nothing.
    pub fn advance(&mut self, to: Time) {
        while self.deadline() <= to {
            self.step();
        }
        self.now = self.now.max(to);
    }
    /// Lets time go on to `to`, to which something comes from the wire: timers due at `to` itself come after it, as in a
    /// network, where what arrives at an instant comes before what hosts do at it.
    pub fn advance_to_arrival(&mut self, to: Time) {
        while self.deadline() < to {
            self.step();
        }
        self.now = self.now.max(to);
    }
    /// As [`advance`](Self::advance), but stops as soon as a packet has been sent that was not yet taken: whether there is one.
    pub fn advance_until_sent(&mut self, limit: Time) -> bool {
        while self.sent.is_empty() && self.deadline() <= limit {
            self.step();
        }
        if self.sent.is_empty() {
            self.now = self.now.max(limit);
        }
        !self.sent.is_empty()
    }
    /// The earliest timer expires.
    fn step(&mut self) {
        self.now = self.now.max(self.deadline());
        self.host.on_deadline(self.now, &mut self.out);
        self.settle();
    }

    // --- the wire ------------------------------------------------------------------------------------------------

    /// A packet arrives, with checksums that are right.
    pub fn deliver(&mut self, ip: IpHeader, body: Body) -> PacketId {
        let id = self.out.packet_id();
        let packet = Packet { id, ip, body, flipped_bit: None };
        self.host.on_packet(self.now, &packet, &mut self.out);
        self.settle();
        id
    }
    /// Segments of `size` bytes each arrive as one that the machine has put together (as GRO does).
    pub fn deliver_merged(&mut self, ip: IpHeader, body: Body, size: u32) -> PacketId {
        self.host.call(self.now, &mut self.out, |kernel, _| kernel.set_merged(size));
        let id = self.deliver(ip, body);
        self.host.call(self.now, &mut self.out, |kernel, _| kernel.set_merged(0));
        id
    }
    /// The oldest packet that the machine has sent and nobody has taken yet.
    pub fn take_sent(&mut self) -> Option<Sent> {
        self.sent.pop_front()
    }
    /// MTU of the link from now on, in bytes with the IP header.
    pub fn set_mtu(&mut self, mtu: u16) {
        self.host.set_net(self.now, HostNet::single(mtu), &mut self.out);
    }

    /// The queue of the link takes nothing from now on, and TCP is told so (`tc qdisc … pfifo limit 0`); or takes everything
    /// again.
    pub fn set_interface_full(&mut self, full: bool) {
        self.full = full;
        let now = self.now;
        self.host.call(now, &mut self.out, |kernel, _| kernel.set_interface_full(full));
    }

    /// Changes the only route: what it says of the connections that use it.
    pub fn change_route(&mut self, metrics: &RouteMetrics) {
        let now = self.now;
        self.host.call(now, &mut self.out, |kernel, _| kernel.change_route(metrics));
    }

    // --- the process ---------------------------------------------------------------------------------------------

    /// Makes a system call.
    pub fn call(&mut self, call: &Call) -> Outcome {
        let (process, now) = (&mut self.process, self.now);
        let outcome = self.host.call(now, &mut self.out, |kernel, ctx| process.call(kernel, ctx, call));
        self.settle();
        outcome
    }
    /// The call that blocked and has returned, the one that returned first.
    pub fn take_returned(&mut self) -> Option<Returned> {
        self.returned.pop_front()
    }
    /// There is a file of so many zeros that the process can open.
    pub fn put_file(&mut self, path: &str, len: u64) {
        self.process.disk.insert(path.to_owned(), len);
    }
    /// The file is there no more; whoever has it open keeps it.
    pub fn remove_file(&mut self, path: &str) {
        self.process.disk.remove(path);
    }
    /// `TCP_INFO` of a TCP socket; `None`: `fd` is none.
    pub fn tcp_info(&mut self, fd: Fd) -> Option<TcpInfo> {
        let (process, now) = (&self.process, self.now);
        self.host.call(now, &mut self.out, |kernel, _| process.tcp_info(kernel, now, fd))
    }
    /// `SO_MEMINFO` of a socket.
    pub fn meminfo(&mut self, fd: Fd) -> Option<SkMeminfo> {
        let (process, now) = (&self.process, self.now);
        self.host.call(now, &mut self.out, |kernel, _| process.meminfo(kernel, now, fd))
    }
    /// The process ends: its descriptors are closed, the lowest first. Calls that wait never return.
    pub fn exit(&mut self) {
        let (process, now) = (&mut self.process, self.now);
        self.host.call(now, &mut self.out, |kernel, ctx| process.exit(kernel, ctx));
        self.settle();
    }

    // --- the system ----------------------------------------------------------------------------------------------

    /// Sets `net.ipv4.NAME` (or whatever `name` says in full, with dots or slashes) to what a person would write to it.
    ///
    /// # Errors
    /// [`SysctlError`]: there is no such setting here, or it does not take that value.
    pub fn set_sysctl(&mut self, name: &str, value: &str) -> Result<(), SysctlError> {
        let now = self.now;
        self.host.call(now, &mut self.out, |kernel, _| sysctl::set(kernel, name, value))
    }
    /// Changes how TCP behaves: for what is opened from now on, and for what is open.
    pub fn reconfigure(&mut self, apply: &dyn Fn(&mut Config)) {
        let now = self.now;
        self.host.call(now, &mut self.out, |kernel, _| kernel.reconfigure(apply));
    }
    /// Forgets what is known of other hosts (`ip tcp_metrics flush all`): the cookies of Fast Open.
    pub fn flush_metrics(&mut self) {
        let now = self.now;
        self.host.call(now, &mut self.out, |kernel, _| kernel.forget_cookies());
    }
    /// The counter of this name, as nstat(8) shows it (`TcpExtTCPTimeouts`); `None`: not counted here.
    pub fn counter(&self, name: &str) -> Option<u64> {
        let counters = self.counters();
        counters.get(name).or_else(|| counters.get(name.strip_prefix("TcpExt")?))
    }
    /// All counters.
    pub fn counters(&self) -> Counters {
        self.host.counters()
    }
    /// What `ss` and `netstat` show.
    pub fn sockets(&self) -> Vec<SocketInfo> {
        self.host.sockets(self.now)
    }
    /// What happened since this was asked last: states, drops, notes. Packets are not among it.
    pub fn take_records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }

    /// After anything happened: calls that wait go on, what the host wants is collected.
    fn settle(&mut self) {
        let (process, now) = (&mut self.process, self.now);
        let returned = self.host.call(now, &mut self.out, |kernel, ctx| process.resume(kernel, ctx));
        self.returned.extend(returned.into_iter().map(|(ticket, reply)| Returned { ticket, at: now, reply }));
        let items = std::mem::take(&mut self.out.items);
        for item in &items {
            match *item {
                HostItem::Send(handle, why) => {
                    let packet = *self.out.packets.take(handle);
                    if !self.full {
                        self.sent.push_back(Sent { at: now, packet, why });
                    }
                }
                item => {
                    let what = self.out.record_of(item);
                    self.records.extend(what.map(|what| Record { time: now, what }));
                }
            }
        }
        self.out.are_done(items);
    }
}
