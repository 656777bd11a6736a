//! A scenario, resolved: every name known to exist, every value within its bounds, every default filled in.
//!
//! The command makes one from a file (and says what is wrong with the file); tests may build one directly. Hosts,
//! routers and links are kept by name, so their order of mention means nothing.

mod population;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tcp::tcb::SocketOption;
use tcp::{Config, Duration, EcnCodepoint, Flags, Payload, Time};

pub use population::{Arrivals, FlowKind, Pairing, Population};

/// A scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Seed of all randomness.
    pub seed: u64,
    /// When the run ends, if something is still going on then.
    pub until: Time,
    /// Hosts and routers by name.
    pub nodes: BTreeMap<String, Node>,
    /// Links by name; `a-b` unless the file gives one.
    pub links: BTreeMap<String, Link>,
    /// Programs, in order of mention (which names those that the file does not name: `client/1`).
    pub programs: Vec<Program>,
    /// What happens to the network and the hosts, by time.
    pub faults: Vec<(Time, Fault)>,
    /// What happens to packets, first match first.
    pub rules: Vec<FateRule>,
}

/// A host or a router.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Runs programs over TCP and UDP.
    Host(Host),
    /// Forwards.
    Router(Router),
}

/// A host.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its addresses; the first is the one that it opens connections from.
    pub addresses: Vec<IpAddr>,
    /// How its TCP behaves.
    pub tcp: Arc<Config>,
    /// Ephemeral ports, inclusive (Linux 32768 to 60999).
    pub ports: (u16, u16),
    /// TTL of what it sends (Linux 64).
    pub ttl: u8,
    /// Life of an incomplete reassembly (Linux 30 s; RFC 1122: 60 to 120 s).
    pub reassembly_timeout: Duration,
    /// Overrides of the computed routes.
    pub routes: Vec<Route>,
    /// Process id of its first program, as `netstat -p` shows it.
    pub first_pid: u32,
}

/// A router.
#[derive(Clone, Debug, PartialEq)]
pub struct Router {
    /// The address that it answers ICMP from.
    pub address: IpAddr,
    /// Whether it sends ICMP errors at all (a black hole does not).
    pub icmp: bool,
    /// Overrides of the computed routes.
    pub routes: Vec<Route>,
}

/// A route: packets to `prefix` go to the neighbour `via`, or nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Network address.
    pub prefix: IpAddr,
    /// Length of the prefix, in bits.
    pub len: u8,
    /// Name of the neighbouring node; `None`: unreachable (ICMP host unreachable).
    pub via: Option<String>,
}

/// A link: two nodes and two directions.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The names of its ends.
    pub ends: (String, String),
    /// From the first end to the second, and back.
    pub ways: [Way; 2],
}

/// One direction of a link. The words are those of netem and qdisc.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// Bits per second; zero: infinitely fast.
    pub rate_bps: u64,
    /// Propagation delay.
    pub delay: Duration,
    /// Variation of the delay.
    pub jitter: Jitter,
    /// Loss.
    pub loss: Loss,
    /// Probability that a packet is sent twice, in parts per million.
    pub duplicate_ppm: u32,
    /// How much later the copy arrives.
    pub duplicate_delay: Duration,
    /// Probability that a packet is overtaken, in parts per million.
    pub reorder_ppm: u32,
    /// How much later an overtaken packet arrives.
    pub reorder_delay: Duration,
    /// Probability that one bit of a packet is flipped, in parts per million.
    pub corrupt_ppm: u32,
    /// Largest packet, in bytes with its IP header.
    pub mtu: u16,
    /// What the queue in front of the link holds.
    pub limit: Limit,
    /// What else happens to which packets, instead of by chance.
    pub listed: Option<Arc<Listed>>,
    /// How it is kept short.
    pub discipline: Discipline,
    /// A token bucket in front of the link.
    pub shape: Option<Shape>,
}

/// What happens to packets of one direction of a link, by their number: the same as chance does, but written down.
/// Losses are [`Loss::Listed`]. Numbers count from one; each list is in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Packets that are sent twice, of those handed to the link.
    pub copy: Vec<u64>,
    /// Packets of those handed to the link of which this bit is flipped, counted from the start of the IP header.
    pub flip: Vec<(u64, u32)>,
    /// Packets of those that left the queue that take so many nanoseconds longer, or less long, than the delay.
    pub shift: Vec<(u64, i64)>,
    /// Packets of those that left the queue that are overtaken.
    pub overtake: Vec<u64>,
}

/// What a queue does besides holding packets up to its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Discipline {
    /// Nothing (`pfifo`, `bfifo`).
    #[default]
    DropTail,
    /// Random early detection.
    Red(Red),
    /// RFC 8033.
    Pie(Pie),
    /// RFC 8289.
    Codel(Codel),
    /// RFC 8290.
    FqCodel(FqCodel),
}

/// Random early detection (Floyd and Jacobson, 1993). Lengths are averages, in packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Red {
    /// Below this, nothing is dropped.
    pub min: u32,
    /// Here the probability is `probability_ppm`.
    pub max: u32,
    /// That probability, in parts per million.
    pub probability_ppm: u32,
    /// Weight of the present length in the average, in parts per million.
    pub weight_ppm: u32,
    /// Whether the probability rises on to one at twice `max`, instead of being one from `max` on.
    pub gentle: bool,
    /// Whether ECN-capable packets are marked instead.
    pub ecn: bool,
}

impl Default for Red {
    fn default() -> Red {
        Red { min: 5, max: 15, probability_ppm: 100_000, weight_ppm: 2_000, gentle: true, ecn: true }
    }
}

/// PIE (RFC 8033).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pie {
    /// `QDELAY_REF`: the delay that it aims at.
    pub target: Duration,
    /// `T_UPDATE`: time between updates of the probability, at least 1 ms.
    pub update: Duration,
    /// `MAX_BURST`: what is let through before anything is dropped.
    pub burst: Duration,
    /// Whether ECN-capable packets are marked instead,
    pub ecn: bool,
    /// up to this probability, in parts per million.
    pub ecn_most_ppm: u32,
}

impl Default for Pie {
    fn default() -> Pie {
        Pie {
            target: Duration::from_millis(15),
            update: Duration::from_millis(15),
            burst: Duration::from_millis(150),
            ecn: true,
            ecn_most_ppm: 100_000,
        }
    }
}

/// CoDel (RFC 8289).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codel {
    /// `TARGET`: the wait that is accepted.
    pub target: Duration,
    /// `INTERVAL`: how long it may be exceeded.
    pub interval: Duration,
    /// Whether ECN-capable packets are marked instead of dropped.
    pub ecn: bool,
}

impl Default for Codel {
    fn default() -> Codel {
        Codel { target: Duration::from_millis(5), interval: Duration::from_millis(100), ecn: true }
    }
}

/// FQ-CoDel (RFC 8290).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FqCodel {
    /// CoDel for each of the queues.
    pub codel: Codel,
    /// Number of queues.
    pub flows: u32,
    /// Bytes that a queue may send in its turn.
    pub quantum: u32,
}

impl Default for FqCodel {
    fn default() -> FqCodel {
        FqCodel { codel: Codel::default(), flows: 1024, quantum: 1514 }
    }
}

/// A token bucket (`tbf`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rate at which it fills, in bits per second.
    pub rate_bps: u64,
    /// What it holds, in bytes.
    pub burst: u64,
}

/// Variation of a link's delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter {
    /// Scale: the half-width of the uniform distribution, the standard deviation of the others.
    pub scale: Duration,
    /// Shape.
    pub distribution: Distribution,
    /// How much a packet's variation follows that of the one before, in parts per million.
    pub correlation_ppm: u32,
    /// Whether packets may overtake each other by it; else each arrives no earlier than the one before.
    pub reorders: bool,
}

/// Shape of a jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Evenly within the scale on both sides.
    Uniform,
    /// Bell-shaped, from an integer table.
    Normal,
    /// With a long tail upwards, from an integer table.
    Pareto,
}

/// Random or listed loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// None.
    None,
    /// Each packet by itself, with this probability in parts per million.
    Bernoulli(u32),
    /// Two states (Gilbert-Elliott, as netem's `gemodel`), all in parts per million per packet.
    GilbertElliott {
        /// From good to bad.
        p: u32,
        /// From bad to good.
        r: u32,
        /// Loss in the bad state.
        bad_loss: u32,
        /// Loss in the good state.
        good_loss: u32,
    },
    /// The packets with these numbers, counted from one in this direction.
    Listed(Vec<u64>),
}

/// Limit of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// None.
    Unlimited,
    /// So many packets waiting.
    Packets(u32),
    /// So many bytes waiting.
    Bytes(u64),
}

/// What happens to packets that look like this.
#[derive(Clone, Debug, PartialEq)]
pub struct FateRule {
    /// Which packets.
    pub matching: Match,
    /// What happens.
    pub action: Action,
}

/// Picks packets by what they are. Every field that is set must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Match {
    /// Only on this link (by name); else where the packet first leaves a host.
    pub link: Option<String>,
    /// Sent by this host (by name): its address is the source.
    pub from: Option<String>,
    /// Sent to this host (by name).
    pub to: Option<String>,
    /// Only this protocol.
    pub protocol: Option<Protocol>,
    /// All of these control bits are set. (Implies TCP.)
    pub flags: Option<Flags>,
    /// None of these is set. (Implies TCP.)
    pub without: Option<Flags>,
    /// Source port.
    pub src_port: Option<u16>,
    /// Destination port.
    pub dst_port: Option<u16>,
    /// Overlaps these sequence numbers, relative to the sender's initial one (SYN is 0, first octet 1); end exclusive.
    pub seq: Option<(u64, u64)>,
    /// ACK field within these numbers, relative to the peer's initial sequence number; end exclusive.
    pub ack: Option<(u64, u64)>,
    /// A SACK block covers all these numbers, relative to the peer's initial sequence number; end exclusive.
    pub sack: Option<(u64, u64)>,
    /// Sequence number as it stands in the header, between these, inclusive.
    pub raw_seq: Option<(u32, u32)>,
    /// Number of payload octets between these, inclusive.
    pub payload_len: Option<(u32, u32)>,
    /// Sent within this window of time; end exclusive.
    pub time: Option<(Time, Time)>,
    /// Of those that match all else, only these, counted from one.
    pub nth: Option<Nth>,
}

/// Which of several matching packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nth {
    /// These.
    Listed(Vec<u64>),
    /// This one and all after it.
    From(u64),
}

/// A protocol, for matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "names say it")]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Fragment,
}

/// What happens to a packet that a rule picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is lost.
    Drop,
    /// So many copies follow, each this much later than the one before.
    Duplicate {
        /// Number of copies besides the original.
        copies: u32,
        /// Delay of the first copy behind the original, and of each further one.
        after: Duration,
    },
    /// It takes this much longer, and may be overtaken.
    Delay(Duration),
    /// It wanders and arrives at this time.
    HoldUntil(Time),
    /// This bit is flipped, counted from the start of the IP header; `None`: the first bit of the payload, or of the
    /// transport header where there is none.
    Corrupt(Option<u32>),
    /// Marked congestion experienced, if it is ECN-capable; dropped otherwise.
    MarkCe,
    /// It is lost, and its sender is told by this ICMP error, in the name of its destination, from the far end of the
    /// link (iptables `REJECT`).
    Refuse(crate::packet::IcmpKind),
    /// Its header is changed, and its checksum with it: what middleboxes do.
    Rewrite(Rewrite),
}

/// What a middlebox changes in a packet; bits, options and data are those of a TCP segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// The ECN field becomes this.
    pub ecn: Option<EcnCodepoint>,
    /// Control bits that are cleared.
    pub clear: Flags,
    /// Control bits that are then set.
    pub set: Flags,
    /// Options that are taken out.
    pub strip: Strip,
    /// The MSS option, where there is one, says at most this (MSS clamping), in bytes.
    pub clamp_mss: Option<u16>,
    /// The data is taken away (of a SYN: what a middlebox does that knows no Fast Open).
    pub cut: bool,
}

/// Options of TCP that a middlebox takes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strip {
    /// Window scale.
    pub wscale: bool,
    /// SACK-permitted and SACK.
    pub sack: bool,
    /// Timestamps.
    pub timestamps: bool,
    /// AccECN.
    pub accecn: bool,
    /// Fast Open.
    pub fast_open: bool,
    /// User timeout.
    pub user_timeout: bool,
}

/// Something that happens to the network or a host.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Both directions of this link lose everything, what is on it included.
    LinkDown(String),
    /// It carries again.
    LinkUp(String),
    /// New parameters for the directions of a link that are given.
    LinkChange(String, [Option<Box<Way>>; 2]),
    /// A node's overrides of routes become these.
    Routes(String, Vec<Route>),
    /// The host stops at once: no packet in or out, all state lost.
    Crash(String),
    /// The host is up with nothing but its programs' start; ISN secret new. Crashes it first if it runs.
    Reboot(String),
    /// The host does nothing; timers and arriving packets wait.
    Pause(String),
    /// It goes on.
    Resume(String),
    /// The program of this name ends; its sockets are closed as a kernel would.
    Kill(String),
    /// A packet appears, as if sent by somebody at a node.
    Inject(Box<Inject>),
    /// An ICMP error appears, as if sent by somebody at a node.
    InjectIcmp(Box<InjectIcmp>),
}

/// A forged segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Inject {
    /// The node from which it is sent.
    pub at: String,
    /// Source as it claims to be.
    pub src: SocketAddr,
    /// Destination.
    pub dst: SocketAddr,
    /// Control bits.
    pub flags: Flags,
    /// Its sequence number.
    pub seq: SeqRef,
    /// Its acknowledgment number.
    pub ack: SeqRef,
    /// Window field.
    pub wnd: u16,
    /// Urgent pointer.
    pub urg: u16,
    /// Options but SACK, if any.
    pub options: tcp::Options,
    /// SACK blocks, at most four; they count as `ack` does.
    pub sack: Vec<(SeqRef, SeqRef)>,
    /// Data.
    pub payload: Payload,
    /// ECN field.
    pub ecn: EcnCodepoint,
}

/// A forged ICMP error about a segment of TCP.
#[derive(Clone, Debug, PartialEq)]
pub struct InjectIcmp {
    /// The node from which it is sent.
    pub at: String,
    /// Source as it claims to be.
    pub from: IpAddr,
    /// What it says.
    pub kind: crate::packet::IcmpKind,
    /// Source of the quoted segment, to whom the error goes.
    pub src: SocketAddr,
    /// Destination of the quoted segment.
    pub dst: SocketAddr,
    /// The quoted sequence number.
    pub seq: SeqRef,
    /// The quoted total length, in bytes.
    pub len: u16,
}

/// A number in a forged segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeqRef {
    /// Exactly this.
    Absolute(u32),
    /// This far from the initial sequence number that the claimed sender last used on this pair of addresses and
    /// ports (as tcpdump counts); zero if there was none.
    SenderIsn(i64),
    /// This far from the receiver's.
    ReceiverIsn(i64),
    /// This far from what the receiver of the segment expects next (RCV.NXT; for an ACK, its SND.UNA).
    Expected(i64),
}

/// A program on a host.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Its name, unique: `client/1` if the file gives none.
    pub name: Arc<str>,
    /// The host, by name.
    pub on: String,
    /// When it starts.
    pub at: Time,
    /// Whether a reboot of its host starts it again.
    pub restart: bool,
    /// What it does.
    pub run: Run,
}

/// What a program does.
#[derive(Clone, Debug, PartialEq)]
pub enum Run {
    /// Steps on one TCP socket (and on more, one after the other), blocking at each.
    Script(Vec<Step>),
    /// Listens, accepts, and runs `handler` on each connection.
    Serve(Serve),
    /// Runs `script` on many sockets: connection `i` starts at `i * every` after the program does.
    Clients {
        /// How many connections.
        count: u32,
        /// Time between their starts.
        every: Duration,
        /// At most so many at a time; zero: no bound. The next one starts when one ends.
        at_once: u32,
        /// What each does.
        script: Arc<[Step]>,
    },
    /// Many flows of one kind.
    Population(Box<Population>),
    /// Sends one forged segment to each port, without a socket, and notes the answer: a port scanner.
    Scan {
        /// The host that is scanned.
        target: IpAddr,
        /// Ports, in this order.
        ports: Vec<u16>,
        /// Control bits: SYN, FIN, none, FIN PSH URG.
        flags: Flags,
        /// Time between probes.
        every: Duration,
        /// How long an answer is waited for.
        patience: Duration,
        /// Whether an open port's SYN-ACK is answered with RST, as a kernel with no such socket does.
        reset: bool,
    },
    /// Sends SYNs from addresses that do not answer.
    SynFlood {
        /// Whom.
        target: SocketAddr,
        /// How many.
        count: u32,
        /// Time between them.
        every: Duration,
        /// Source addresses: from this one upwards.
        from: IpAddr,
    },
    /// Sends datagrams.
    UdpSend {
        /// To whom.
        to: SocketAddr,
        /// From which port; zero: an ephemeral one.
        port: u16,
        /// Sizes, in bytes, one datagram each; sent `count` times over.
        sizes: Vec<u32>,
        /// How often the list is sent.
        count: u32,
        /// Time between datagrams.
        every: Duration,
        /// Whether that is the mean of an exponential distribution instead: a Poisson process.
        poisson: bool,
        /// Whether DF is set.
        df: bool,
    },
    /// Sends ICMP echo requests and notes what comes back (ping).
    Ping {
        /// Whom.
        to: IpAddr,
        /// How many.
        count: u16,
        /// Time between them.
        every: Duration,
        /// Octets of data in each.
        size: u32,
        /// Their TTL; `None`: the host's.
        ttl: Option<u8>,
        /// Whether DF is set; else they are cut where they have to be.
        df: bool,
        /// How long an answer is waited for.
        patience: Duration,
    },
    /// Sends ICMP echo requests of growing TTL, one at a time, until the target answers (traceroute -I).
    Traceroute {
        /// Whom.
        to: IpAddr,
        /// The largest TTL.
        hops: u8,
        /// Requests with each TTL.
        queries: u8,
        /// How long an answer is waited for.
        patience: Duration,
    },
    /// Receives datagrams, and may answer each with itself.
    UdpReceive {
        /// On which port.
        port: u16,
        /// Whether each datagram is sent back.
        echo: bool,
    },
}

/// A server.
#[derive(Clone, Debug, PartialEq)]
pub struct Serve {
    /// Port to listen on.
    pub port: u16,
    /// Only on this address of the host.
    pub address: Option<IpAddr>,
    /// Backlog of listen(2).
    pub backlog: u32,
    /// When accepting begins, after the program's start; `None`: never.
    pub accept_after: Option<Duration>,
    /// At most so many connections are accepted; zero: no bound.
    pub accept_max: u32,
    /// Options set on the listening socket, and so on those accepted.
    pub options: Vec<SocketOption>,
    /// What is done on each connection.
    pub handler: Arc<[Step]>,
    /// A connection on which nothing was received for this long is closed.
    pub idle_limit: Option<Duration>,
    /// More connections than this from one address are closed as soon as they are accepted.
    pub per_client_limit: Option<u32>,
    /// Serves one connection at a time: the next is accepted when the handler has ended (the study notes' server).
    pub one_at_a_time: bool,
}

/// A step of a script. Each blocks until it is done; a step that fails ends the script, unless it is in `Try`, and the
/// socket is closed as at the end of a process.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// socket(2), bind(2) where a port or an address is given.
    Bind {
        /// Local port; zero: ephemeral.
        port: u16,
        /// Local address.
        address: Option<IpAddr>,
    },
    /// connect(2); waits for its outcome.
    Connect(SocketAddr),
    /// connect(2) of a non-blocking socket: does not wait.
    BeginConnect(SocketAddr),
    /// sendto(2) with `MSG_FASTOPEN`: connects and sends all of this, in the SYN where a cookie is known.
    FastOpen {
        /// To whom.
        to: SocketAddr,
        /// What.
        data: Payload,
    },
    /// Sets an option.
    Set(SocketOption),
    /// Sends all of this, waiting for room.
    Send(Payload),
    /// Sends so many pattern bytes (of the stream that the socket is), in writes of `chunk` bytes.
    SendBytes {
        /// Number of bytes.
        len: u64,
        /// Bytes per write.
        chunk: u32,
        /// Pause between writes.
        every: Duration,
    },
    /// Sends with `MSG_OOB`: the last octet is urgent.
    SendUrgent(Payload),
    /// Reads until exactly so many bytes have come; at end of stream it fails with `EOF`.
    Recv(u64),
    /// One read of at most so many bytes: recv(2).
    RecvSome(u32),
    /// Reads until the end of the stream.
    RecvToEof,
    /// Reads up to so many bytes each `every`, until the end of the stream.
    RecvSlowly {
        /// Bytes per read.
        chunk: u32,
        /// Time between reads.
        every: Duration,
    },
    /// Waits for the urgent octet and reads it with `MSG_OOB`.
    RecvUrgent,
    /// Sends back whatever comes until the end of the stream.
    Echo,
    /// The study notes' chat server: for each read of up to so many bytes, sends this reply.
    Reply {
        /// Bytes per read.
        max: u32,
        /// The answer to each.
        with: Payload,
    },
    /// For each `request` bytes received sends `response` pattern bytes, until the end of the stream.
    Respond {
        /// Size of a request, in bytes.
        request: u64,
        /// Size of a response, in bytes.
        response: u64,
        /// Time that serving takes.
        think: Duration,
    },
    /// For each `request` bytes received sends as many pattern bytes as the first eight of them say, until the end of the
    /// stream: what the flows of a population ask of their servers.
    Answer {
        /// Size of a request, in bytes, at least eight.
        request: u32,
    },
    /// Waits this long.
    Sleep(Duration),
    /// Waits until this time of the run.
    WaitUntil(Time),
    /// Waits until the connection has failed, or the end of the stream was read; notes which.
    WaitEnd,
    /// shutdown(2) of the sending side.
    ShutdownWrite,
    /// shutdown(2) of the receiving side.
    ShutdownRead,
    /// close(2).
    Close,
    /// close(2) with `SO_LINGER` zero: reset.
    Abort,
    /// Does these so often.
    Repeat(u32, Arc<[Step]>),
    /// Does these; a failure of one is noted and ends these only.
    Try(Arc<[Step]>),
}
