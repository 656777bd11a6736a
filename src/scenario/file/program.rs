//! Programs: what runs on the hosts. Most are sugar for a script; see [`super::super::resolve`].

use super::loose::{Maybe, Ports};
use super::table::described;
use crate::scenario::units::{Address, Endpoint, Size, Span};

described! {
    /// A program on a host.
    pub struct Program {
        /// The host.
        on: String, "\"client\"";
        /// Its name, unique.
        name: Option<String> = "the host and a number: `client/1`", "\"browser\"";
        /// When it starts.
        at: Option<Span> = "0s", "\"100ms\"";
        /// Whether a reboot of its host starts it again.
        restart: Option<bool> = "true", "false";
        /// What it does.
        run: Run, "EchoServer(port: 7)";
    }
}

/// Adds what every listening program has.
macro_rules! listening {
    ($(#[doc = $doc:literal])* pub struct $name:ident { $($own:tt)* }) => {
        described! {
            $(#[doc = $doc])*
            pub struct $name {
                /// Port to listen on.
                port: u16, "8899";
                $($own)*
                /// Only on this address of the host.
                address: Option<Address> = "all", "\"10.0.0.2\"";
                /// Backlog of listen(2).
                backlog: Option<u32> = "128", "5";
                /// When accepting begins, after the program's start; `None`: never.
                accept_after: Maybe<Span> = "0s", "\"10s\"";
                /// Accepts all that wait, then looks again only after so long (a program that is busy in between).
                accept_every: Option<Span> = "as connections come", "\"1s\"";
                /// At most so many connections are accepted; 0: no bound.
                accept_max: Option<u32> = "0", "1";
                /// When the listening socket is closed, after the program's start: what was accepted goes on, what waits to be
                /// is reset.
                close_after: Option<Span> = "never", "\"5s\"";
                /// Options of the listening socket, and so of those accepted.
                options: Vec<Socket> = "none", "[KeepAlive(true)]";
                /// A connection on which nothing was received for this long is closed.
                idle_limit: Option<Span> = "none", "\"60s\"";
                /// More connections than this from one address are closed as soon as they are accepted.
                per_client_limit: Option<u32> = "none", "10";
                /// The next connection is accepted when the one before has ended.
                one_at_a_time: Option<bool> = "false", "true";
            }
        }
    };
}

/// Adds what every connecting program has.
macro_rules! connecting {
    ($(#[doc = $doc:literal])* pub struct $name:ident { $($own:tt)* }) => {
        described! {
            $(#[doc = $doc])*
            pub struct $name {
                /// To whom it connects.
                to: Endpoint, "\"server:80\"";
                $($own)*
                /// From which port.
                port: Option<u16> = "an ephemeral one", "49822";
                /// From which address of the host.
                address: Option<Address> = "the first", "\"10.0.0.1\"";
                /// Options set before connecting.
                options: Vec<Socket> = "none", "[NoDelay(true)]";
            }
        }
    };
}

described! {
    /// What a program does.
    pub enum Run {
        /// Sends back whatever comes, closes when the peer has.
        EchoServer(Listen),
        /// Answers each read with the same text; one connection at a time.
        ChatServer(Chat),
        /// Reads until the peer closes, then closes.
        Sink(Listen),
        /// For each request of so many bytes sends a response.
        RequestServer(RequestServer),
        /// Runs steps on each connection it accepts, then closes.
        Server(Server),
        /// Connects, then runs steps.
        Client(Client),
        /// Connects, sends much, and closes.
        BulkSender(Bulk),
        /// Connects, sends requests and reads the responses, and closes.
        Requests(Requests),
        /// Connects and does nothing.
        IdleHolder(Idle),
        /// Many clients, one after the other or at once.
        Clients(Clients),
        /// Steps from the beginning: without an implied connect.
        Script(Vec<Step>),
        /// A port scanner: one forged segment to each port.
        Scan(Scan),
        /// Sends SYNs from addresses that do not answer.
        SynFlood(SynFlood),
        /// Sends datagrams.
        UdpSend(UdpSend),
        /// Receives datagrams.
        UdpReceive(UdpReceive),
        /// ping: sends ICMP echo requests and notes what comes back.
        Ping(Ping),
        /// traceroute by ICMP (`-I`): echo requests of growing TTL, until the target answers.
        Traceroute(Traceroute),
    }
}

listening! {
    /// A listening program.
    pub struct Listen {}
}
listening! {
    /// The chat server of the classroom.
    pub struct Chat {
        /// The answer to each read.
        reply: String = "\"OK\"", "\"hello, client\"";
        /// Bytes per read, at most.
        max: Option<Size> = "1024", "100";
    }
}
listening! {
    /// A server of requests.
    pub struct RequestServer {
        /// Size of a request.
        request: Size, "100";
        /// Size of a response.
        response: Size, "\"64KiB\"";
        /// Time that serving takes.
        think: Option<Span> = "0s", "\"5ms\"";
    }
}
listening! {
    /// A server with a script of its own.
    pub struct Server {
        /// What is done on each connection; at the end it is closed.
        steps: Vec<Step> = "nothing: closes at once", "[Recv(5), Send(\"world\"), RecvToEof, Close]";
    }
}

connecting! {
    /// A client with a script of its own.
    pub struct Client {
        /// What it does once connected; at the end the socket is closed.
        steps: Vec<Step> = "nothing: closes at once", "[Send(\"hello\"), Recv(5), Close]";
    }
}
connecting! {
    /// A bulk transfer.
    pub struct Bulk {
        /// How much is sent.
        bytes: Size, "\"1MB\"";
        /// Bytes per write.
        chunk: Option<Size> = "64KiB", "\"16KiB\"";
        /// Pause between writes.
        every: Option<Span> = "0s", "\"1ms\"";
    }
}
connecting! {
    /// Requests over one connection.
    pub struct Requests {
        /// How many requests.
        count: u32, "1000";
        /// Size of a request.
        request: Size, "100";
        /// Size of a response.
        response: Size, "\"64KiB\"";
        /// Pause after each response.
        every: Option<Span> = "0s", "\"10ms\"";
    }
}
connecting! {
    /// A connection that is held open.
    pub struct Idle {
        /// How long; then it closes.
        hold: Option<Span> = "until the connection ends by itself", "\"2h\"";
    }
}
connecting! {
    /// Many clients.
    pub struct Clients {
        /// How many connections.
        count: u32, "1000";
        /// Time between their starts.
        every: Option<Span> = "0s", "\"1ms\"";
        /// At most so many at a time; the next starts when one ends. 0: no bound.
        at_once: Option<u32> = "0", "10";
        /// What each does once connected; at the end its socket is closed.
        steps: Vec<Step> = "nothing: closes at once", "[Send(\"hello\"), Recv(5), Close]";
    }
}

described! {
    /// A port scanner.
    pub struct Scan {
        /// The host that is scanned: name or address.
        target: String, "\"server\"";
        /// Ports, in this order.
        ports: Vec<Ports>, "[22, 80, \"1000-1009\"]";
        /// What is sent.
        kind: Option<Probe> = "Syn", "Xmas";
        /// Time between probes.
        every: Option<Span> = "10ms", "\"1ms\"";
        /// How long an answer is waited for.
        patience: Option<Span> = "1s", "\"200ms\"";
        /// Whether an open port's SYN-ACK is answered with RST, as a kernel without such a socket does.
        reset: Option<bool> = "true", "false";
    }
}
described! {
    /// What a scanner sends.
    pub enum Probe {
        /// SYN.
        Syn,
        /// FIN.
        Fin,
        /// No bit at all.
        Null,
        /// FIN, PSH and URG.
        Xmas,
        /// ACK.
        Ack,
    }
}
described! {
    /// A SYN flood.
    pub struct SynFlood {
        /// Whom.
        to: Endpoint, "\"server:80\"";
        /// How many SYNs.
        count: u32, "1000";
        /// Time between them.
        every: Option<Span> = "1ms", "\"100us\"";
        /// Source addresses: from this one upwards.
        from: Option<Address> = "198.18.0.1", "\"198.18.0.1\"";
    }
}
described! {
    /// A sender of datagrams.
    pub struct UdpSend {
        /// To whom.
        to: Endpoint, "\"server:53\"";
        /// From which port.
        port: Option<u16> = "an ephemeral one", "5353";
        /// Size of each datagram's data.
        sizes: Vec<Size>, "[100, 1472, 4000]";
        /// How often the list is sent.
        count: Option<u32> = "1", "10";
        /// Time between datagrams.
        every: Option<Span> = "0s", "\"10ms\"";
        /// Whether `every` is the mean of an exponential distribution instead: a Poisson process.
        poisson: Option<bool> = "false", "true";
        /// Whether DF is set.
        df: Option<bool> = "false", "true";
    }
}
described! {
    /// A receiver of datagrams.
    pub struct UdpReceive {
        /// On which port.
        port: u16, "53";
        /// Whether each datagram is sent back.
        echo: Option<bool> = "false", "true";
    }
}

described! {
    /// ping. Each request is a call `ping(ADDRESS, seq N)`; its result is `64 bytes from ADDRESS, ttl 63, rtt 20ms`,
    /// `time exceeded from ADDRESS, rtt 10ms`, `host unreachable from …`, `no answer`, or an errno. The last call is
    /// `ping(ADDRESS) statistics`.
    pub struct Ping {
        /// Whom: a name or an address.
        to: String, "\"server\"";
        /// How many requests.
        count: Option<u16> = "4", "10";
        /// Time between them.
        every: Option<Span> = "1s", "\"200ms\"";
        /// Octets of data in each.
        size: Option<Size> = "56", "1472";
        /// Their TTL or hop limit.
        ttl: Option<u8> = "the host's", "1";
        /// Whether DF is set, so that a router that would have to cut one says so.
        df: Option<bool> = "false", "true";
        /// How long each answer is waited for.
        patience: Option<Span> = "5s", "\"1s\"";
    }
}
described! {
    /// traceroute. Each probe is a call `traceroute(ADDRESS, hop N)`; its result is `ADDRESS, rtt 20ms` of the router that
    /// answers, `ADDRESS, rtt 30ms, reached`, what stood in the way, or `no answer`.
    pub struct Traceroute {
        /// Whom: a name or an address.
        to: String, "\"server\"";
        /// The largest TTL that is tried.
        hops: Option<u8> = "30", "5";
        /// Probes with each TTL.
        queries: Option<u8> = "1", "3";
        /// How long each answer is waited for.
        patience: Option<Span> = "5s", "\"1s\"";
    }
}

described! {
    /// A socket option, by the name of setsockopt(2).
    pub enum Socket {
        /// `TCP_NODELAY`: Nagle's algorithm off.
        NoDelay(bool),
        /// `TCP_CORK`: partial segments wait, 200 ms at most.
        Cork(bool),
        /// `TCP_QUICKACK`.
        QuickAck(bool),
        /// `SO_KEEPALIVE`.
        KeepAlive(bool),
        /// `TCP_KEEPIDLE`.
        KeepIdle(Span),
        /// `TCP_KEEPINTVL`.
        KeepInterval(Span),
        /// `TCP_KEEPCNT`.
        KeepCount(u8),
        /// `TCP_USER_TIMEOUT`; 0s: the default.
        UserTimeout(Span),
        /// What is told to the peer of the user timeout (RFC 5482); 0s: nothing.
        UserTimeoutOption(Span),
        /// `TCP_FASTOPEN` of a listener: it accepts data in the SYNs of so many connections that are not yet established (RFC
        /// 7413).
        FastOpen(u32),
        /// `TCP_FASTOPEN_NO_COOKIE`.
        FastOpenNoCookie(bool),
        /// `SO_LINGER` with this time; `None`: off. 0s makes close a reset.
        Linger(Option<Span>),
        /// `SO_RCVBUF`, in bytes of window.
        RcvBuf(Size),
        /// `SO_SNDBUF`.
        SndBuf(Size),
        /// `TCP_MAXSEG`, before the connection is opened.
        MaxSeg(u16),
        /// `TCP_DEFER_ACCEPT` of a listener, in whole seconds: for so long a handshake waits for data.
        DeferAccept(Span),
        /// `SO_OOBINLINE`.
        OobInline(bool),
        /// `IP_TOS`: the DSCP of what is sent, 0 to 63.
        Dscp(u8),
        /// `IP_TTL`: TTL or hop limit of what is sent.
        Ttl(u8),
        /// `IP_OPTIONS` with a source route: not provided, fails with ENOPROTOOPT.
        SourceRoute,
    }
}

described! {
    /// A step of a script. Each blocks until it is done; one that fails ends the script, unless it is in `Try`.
    pub enum Step {
        /// bind(2) of a new socket; port 0: ephemeral.
        Bind {
            /// Local port.
            port: Option<u16> = "ephemeral", "49822";
            /// Local address.
            address: Option<Address> = "by route", "\"10.0.0.1\"";
        },
        /// connect(2); waits for its outcome.
        Connect(Endpoint),
        /// connect(2) of a non-blocking socket: does not wait. A send or a read that follows does (under Linux), or queues
        /// its data (`queue_before_open`).
        BeginConnect(Endpoint),
        /// sendto(2) with `MSG_FASTOPEN`: connects and sends this text, in the SYN where the server's cookie is known (RFC
        /// 7413), else once the connection is open.
        FastOpen {
            /// To whom.
            to: Endpoint, "\"server:80\"";
            /// The text.
            send: String, "\"GET /\"";
        },
        /// Sets an option.
        Set(Socket),
        /// Sends this text, waiting for room.
        Send(String),
        /// Sends this text with `MSG_MORE`: less than a segment waits for what follows, under Linux for one RTO at most.
        SendMore(String),
        /// Sends so many generated bytes.
        SendBytes {
            /// How many.
            len: Size, "\"1MB\"";
            /// Bytes per write.
            chunk: Option<Size> = "64KiB", "100";
            /// Pause between writes.
            every: Option<Span> = "0s", "\"10ms\"";
        },
        /// Sends with `MSG_OOB`: the last octet is urgent.
        SendUrgent(String),
        /// Reads until exactly so many bytes have come.
        Recv(Size),
        /// One read of at most so many bytes.
        RecvSome(Size),
        /// Reads until the end of the stream.
        RecvToEof,
        /// Reads a little now and then, until the end of the stream.
        RecvSlowly {
            /// Bytes per read.
            chunk: Size, "100";
            /// Time between reads.
            every: Span, "\"1s\"";
        },
        /// Waits for the urgent octet and reads it with `MSG_OOB`.
        RecvUrgent,
        /// Sends back whatever comes, until the end of the stream.
        Echo,
        /// Answers each read with this text, until the end of the stream.
        Reply {
            /// Bytes per read, at most.
            max: Option<Size> = "1024", "100";
            /// The answer.
            with: String, "\"OK\"";
        },
        /// For each request sends a response, until the end of the stream.
        Respond {
            /// Size of a request.
            request: Size, "100";
            /// Size of a response.
            response: Size, "\"64KiB\"";
            /// Time that serving takes.
            think: Option<Span> = "0s", "\"5ms\"";
        },
        /// Waits this long.
        Sleep(Span),
        /// Waits until this time of the run.
        WaitUntil(Span),
        /// Waits until the connection has failed, or the end of the stream was read.
        WaitEnd,
        /// shutdown(2) of the sending side: FIN.
        ShutdownWrite,
        /// shutdown(2) of the receiving side.
        ShutdownRead,
        /// close(2).
        Close,
        /// close(2) with `SO_LINGER` zero: reset.
        Abort,
        /// Does these so often.
        Repeat(u32, Vec<Step>),
        /// Does these; a failure is noted, and ends these only.
        Try(Vec<Step>),
    }
}
