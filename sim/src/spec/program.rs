//! What runs on a host.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tcp::tcb::SocketOption;
use tcp::{Duration, Flags, Payload, Time};

use super::Population;

/// A program on a host.
#[derive(Clone, Debug, PartialEq, Hash)]
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
#[derive(Clone, Debug, PartialEq, Hash)]
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
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Serve {
    /// Port to listen on.
    pub port: u16,
    /// Only on this address of the host.
    pub address: Option<IpAddr>,
    /// Backlog of listen(2).
    pub backlog: u32,
    /// When accepting begins, after the program's start; `None`: never.
    pub accept_after: Option<Duration>,
    /// Accepts all that wait, then looks again only after so long; `None`: as connections come.
    pub accept_every: Option<Duration>,
    /// At most so many connections are accepted; zero: no bound.
    pub accept_max: u32,
    /// When the listening socket is closed, after the program's start; `None`: never. What was accepted goes on.
    pub close_after: Option<Duration>,
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
#[derive(Clone, Debug, PartialEq, Hash)]
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
    /// Sends all of this with `MSG_MORE`: less than a segment waits for what follows.
    SendMore(Payload),
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
