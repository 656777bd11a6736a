//! Programs: what the sugar stands for.

use std::net::SocketAddr;
use std::sync::Arc;

use sim::spec::{self, Step as S};
use tcp::tcb::SocketOption;
use tcp::{Duration, Flags, Payload};

use super::{At, Resolver, time};
use crate::scenario::file::program::{
    Chat, Clients, Listen, Ping, Probe, RequestServer, Scan, Server, Traceroute, UdpSend,
};
use crate::scenario::file::{Run, Socket, Step};
use crate::scenario::units::{Address, Endpoint, Size, Span};

/// Bytes per write, and per read of a chat server, where a file does not say.
const CHUNK: Size = Size(64 << 10);
const READ: Size = Size(1024);
/// How long ping and traceroute wait for an answer (traceroute: 5 s).
const ECHO_PATIENCE: Span = Span(5_000_000_000);
/// More steps than this, repeats multiplied out, are refused: a script could stand still in time.
const MOST_STEPS: u64 = 10_000_000;

/// What a program that listens has in common with the others.
macro_rules! listen {
    ($program:expr) => {
        Listen {
            port: $program.port,
            address: $program.address,
            backlog: $program.backlog,
            accept_after: $program.accept_after,
            accept_every: $program.accept_every,
            accept_max: $program.accept_max,
            close_after: $program.close_after,
            options: $program.options.clone(),
            idle_limit: $program.idle_limit,
            per_client_limit: $program.per_client_limit,
            one_at_a_time: $program.one_at_a_time,
        }
    };
}

fn duration(span: Option<Span>) -> Duration {
    span.unwrap_or_default().duration()
}
fn text(text: &str) -> Payload {
    Payload::from_bytes(text.as_bytes())
}

impl<'a> Resolver<'a> {
    pub(super) fn all_programs(&mut self) -> Vec<spec::Program> {
        let file = self.file;
        let all = At::root("programs");
        let mut programs = Vec::new();
        let mut of_host = std::collections::BTreeMap::<&str, u32>::new();
        for (i, program) in file.programs.iter().enumerate() {
            let at = all.index(i);
            let number = of_host.entry(&program.on).or_insert(0);
            *number += 1;
            let name = program.name.clone().unwrap_or_else(|| format!("{}/{number}", program.on));
            if !self.programs.insert(name.clone()) {
                let message = format!("two programs are named `{name}`");
                self.wrong(&at.field("name"), message, "this name is taken", None);
            }
            if !self.host(&at.field("on"), &program.on) {
                continue;
            }
            let run = self.run(&at.field("run"), &program.on, &program.run);
            programs.push(spec::Program {
                name: Arc::from(name.as_str()),
                on: program.on.clone(),
                at: time(program.at),
                restart: program.restart.unwrap_or(true),
                run,
            });
        }
        programs
    }

    fn run(&mut self, at: &At<'_>, on: &str, run: &Run) -> spec::Run {
        match run {
            Run::EchoServer(listen) => self.listen(at, on, listen, vec![S::Echo, S::Close]),
            Run::Sink(listen) => self.listen(at, on, listen, vec![S::RecvToEof, S::Close]),
            Run::ChatServer(chat) => self.chat(at, on, chat),
            Run::RequestServer(server) => self.request_server(at, on, server),
            Run::Server(server) => self.server(at, on, server),
            Run::Client(client) => {
                let mut script =
                    self.connect(at, on, &client.to, client.port, client.address, &client.options);
                script.extend(self.steps(&at.field("steps"), on, &client.steps));
                spec::Run::Script(script)
            }
            Run::BulkSender(bulk) => {
                let mut script = self.connect(at, on, &bulk.to, bulk.port, bulk.address, &bulk.options);
                let chunk = self.chunk(&at.field("chunk"), bulk.chunk.unwrap_or(CHUNK));
                script.push(S::SendBytes { len: bulk.bytes.0, chunk, every: duration(bulk.every) });
                script.push(S::Close);
                spec::Run::Script(script)
            }
            Run::Requests(requests) => {
                let mut script =
                    self.connect(at, on, &requests.to, requests.port, requests.address, &requests.options);
                let chunk = self.chunk(&at.field("request"), requests.request);
                let mut one = vec![
                    S::SendBytes { len: requests.request.0, chunk, every: Duration::ZERO },
                    S::Recv(requests.response.0),
                ];
                if let Some(pause) = requests.every {
                    one.push(S::Sleep(pause.duration()));
                }
                self.few(&at.field("count"), u64::from(requests.count));
                script.extend([S::Repeat(requests.count, one.into()), S::Close]);
                spec::Run::Script(script)
            }
            Run::IdleHolder(idle) => {
                let mut script = self.connect(at, on, &idle.to, idle.port, idle.address, &idle.options);
                match idle.hold {
                    Some(hold) => script.extend([S::Sleep(hold.duration()), S::Close]),
                    None => script.push(S::WaitEnd),
                }
                spec::Run::Script(script)
            }
            Run::Clients(clients) => self.clients(at, on, clients),
            Run::Script(steps) => spec::Run::Script(self.steps(&at.index(0), on, steps)),
            Run::Scan(scan) => self.scan(at, on, scan),
            Run::SynFlood(flood) => {
                self.few(&at.field("count"), u64::from(flood.count));
                spec::Run::SynFlood {
                    target: self.endpoint(&at.field("to"), on, &flood.to),
                    count: flood.count,
                    every: duration(Some(flood.every.unwrap_or(Span(1_000_000)))),
                    from: flood.from.map_or([198, 18, 0, 1].into(), |address| address.0),
                }
            }
            Run::UdpSend(send) => self.udp_send(at, on, send),
            Run::UdpReceive(receive) => {
                self.positive(&at.field("port"), u64::from(receive.port), "a port");
                spec::Run::UdpReceive { port: receive.port, echo: receive.echo.unwrap_or(false) }
            }
            Run::Ping(ping) => self.ping(at, on, ping),
            Run::Traceroute(route) => self.traceroute(at, on, route),
        }
    }

    fn chat(&mut self, at: &At<'_>, on: &str, chat: &Chat) -> spec::Run {
        let max = self.chunk(&at.field("max"), chat.max.unwrap_or(READ));
        let reply = if chat.reply.is_empty() { "OK" } else { &chat.reply };
        let handler = vec![S::Reply { max, with: text(reply) }, S::Close];
        let run = self.listen(at, on, &listen!(chat), handler);
        match run {
            spec::Run::Serve(serve) => {
                spec::Run::Serve(spec::Serve { one_at_a_time: chat.one_at_a_time.unwrap_or(true), ..serve })
            }
            other => other,
        }
    }

    fn request_server(&mut self, at: &At<'_>, on: &str, server: &RequestServer) -> spec::Run {
        self.positive(&at.field("request"), server.request.0, "a request");
        let respond = S::Respond {
            request: server.request.0,
            response: server.response.0,
            think: duration(server.think),
        };
        self.listen(at, on, &listen!(server), vec![respond, S::Close])
    }

    fn server(&mut self, at: &At<'_>, on: &str, server: &Server) -> spec::Run {
        let handler = self.steps(&at.field("steps"), on, &server.steps);
        self.listen(at, on, &listen!(server), handler)
    }

    fn listen(&mut self, at: &At<'_>, on: &str, listen: &Listen, handler: Vec<S>) -> spec::Run {
        self.positive(&at.field("port"), u64::from(listen.port), "a port");
        self.own_address(&at.field("address"), on, listen.address);
        let mut accept_after = Some(Duration::ZERO);
        listen.accept_after.apply(&mut accept_after, Span::duration);
        spec::Run::Serve(spec::Serve {
            port: listen.port,
            address: listen.address.map(|address| address.0),
            backlog: listen.backlog.unwrap_or(128),
            accept_after,
            accept_every: listen.accept_every.map(Span::duration),
            accept_max: listen.accept_max.unwrap_or(0),
            close_after: listen.close_after.map(Span::duration),
            options: self.options(&at.field("options"), &listen.options),
            handler: handler.into(),
            idle_limit: listen.idle_limit.map(Span::duration),
            per_client_limit: listen.per_client_limit,
            one_at_a_time: listen.one_at_a_time.unwrap_or(false),
        })
    }

    /// The beginning of a client: bind where asked, options, connect.
    fn connect(
        &mut self,
        at: &At<'_>,
        on: &str,
        to: &Endpoint,
        port: Option<u16>,
        address: Option<Address>,
        options: &[Socket],
    ) -> Vec<S> {
        let to: SocketAddr = self.endpoint(&at.field("to"), on, to);
        self.positive(&at.field("to"), u64::from(to.port()), "a port");
        self.own_address(&at.field("address"), on, address);
        let mut script = Vec::new();
        if port.is_some() || address.is_some() {
            script.push(S::Bind { port: port.unwrap_or(0), address: address.map(|address| address.0) });
        }
        script.extend(self.options(&at.field("options"), options).into_iter().map(S::Set));
        script.push(S::Connect(to));
        script
    }

    fn own_address(&mut self, at: &At<'_>, on: &str, address: Option<Address>) {
        let Some(address) = address else { return };
        let own = self.addresses.get(on).cloned().unwrap_or_default();
        if !own.contains(&address.0) {
            let own = own.iter().map(|address| format!("`{address}`")).collect::<Vec<_>>().join(", ");
            let message = format!("`{on}` does not have the address {address}");
            self.wrong(at, message, "not an address of this host", Some(format!("it has {own}")));
        }
    }

    fn clients(&mut self, at: &At<'_>, on: &str, clients: &Clients) -> spec::Run {
        self.few(&at.field("count"), u64::from(clients.count));
        let mut script = self.connect(at, on, &clients.to, clients.port, clients.address, &clients.options);
        script.extend(self.steps(&at.field("steps"), on, &clients.steps));
        spec::Run::Clients {
            count: clients.count,
            every: duration(clients.every),
            at_once: clients.at_once.unwrap_or(0),
            script: script.into(),
        }
    }

    fn scan(&mut self, at: &At<'_>, on: &str, scan: &Scan) -> spec::Run {
        spec::Run::Scan {
            target: self.address(&at.field("target"), on, &scan.target),
            ports: scan.ports.iter().flat_map(|ports| ports.0..=ports.1).collect(),
            flags: match scan.kind.clone().unwrap_or(Probe::Syn) {
                Probe::Syn => Flags::SYN,
                Probe::Fin => Flags::FIN,
                Probe::Null => Flags::NONE,
                Probe::Xmas => Flags::FIN | Flags::PSH | Flags::URG,
                Probe::Ack => Flags::ACK,
            },
            every: duration(Some(scan.every.unwrap_or(Span(10_000_000)))),
            patience: duration(Some(scan.patience.unwrap_or(Span(1_000_000_000)))),
            reset: scan.reset.unwrap_or(true),
        }
    }

    fn udp_send(&mut self, at: &At<'_>, on: &str, send: &UdpSend) -> spec::Run {
        let all = at.field("sizes");
        let mut sizes = Vec::new();
        for (i, size) in send.sizes.iter().enumerate() {
            if size.0 > 65_507 {
                self.wrong(
                    &all.index(i),
                    format!("a datagram of {size}"),
                    "at most 65507 bytes (RFC 768)",
                    None,
                );
            }
            sizes.push(u32::try_from(size.0).unwrap_or(u32::MAX));
        }
        self.few(&at.field("count"), u64::from(send.count.unwrap_or(1)));
        spec::Run::UdpSend {
            to: self.endpoint(&at.field("to"), on, &send.to),
            port: send.port.unwrap_or(0),
            sizes,
            count: send.count.unwrap_or(1),
            every: duration(send.every),
            poisson: send.poisson.unwrap_or(false),
            df: send.df.unwrap_or(false),
        }
    }

    fn ping(&mut self, at: &At<'_>, on: &str, ping: &Ping) -> spec::Run {
        let size = ping.size.unwrap_or(Size(56));
        if size.0 > 65_507 {
            let message = format!("an echo request of {size}");
            self.wrong(&at.field("size"), message, "at most 65507 bytes (RFC 791)", None);
        }
        let count = ping.count.unwrap_or(4);
        self.positive(&at.field("count"), u64::from(count), "a number of requests");
        self.positive(&at.field("ttl"), u64::from(ping.ttl.unwrap_or(64)), "a TTL");
        spec::Run::Ping {
            to: self.address(&at.field("to"), on, &ping.to),
            count,
            every: duration(Some(ping.every.unwrap_or(Span(1_000_000_000)))),
            size: self.size(&at.field("size"), size),
            ttl: ping.ttl,
            df: ping.df.unwrap_or(false),
            patience: self.some_time(&at.field("patience"), ping.patience.unwrap_or(ECHO_PATIENCE)),
        }
    }

    fn traceroute(&mut self, at: &At<'_>, on: &str, route: &Traceroute) -> spec::Run {
        let (hops, queries) = (route.hops.unwrap_or(30), route.queries.unwrap_or(1));
        self.positive(&at.field("hops"), u64::from(hops), "a number of hops");
        self.positive(&at.field("queries"), u64::from(queries), "a number of probes");
        spec::Run::Traceroute {
            to: self.address(&at.field("to"), on, &route.to),
            hops,
            queries,
            patience: self.some_time(&at.field("patience"), route.patience.unwrap_or(ECHO_PATIENCE)),
        }
    }

    fn few(&mut self, at: &At<'_>, count: u64) {
        if count > MOST_STEPS {
            self.wrong(at, format!("{count} is too many"), &format!("at most {MOST_STEPS}"), None);
        }
    }

    /// A number of bytes for one call.
    fn chunk(&mut self, at: &At<'_>, size: Size) -> u32 {
        self.positive(at, size.0, "a size");
        self.size(at, size)
    }

    pub(super) fn options(&mut self, at: &At<'_>, options: &[Socket]) -> Vec<SocketOption> {
        options.iter().enumerate().map(|(i, option)| self.option(&at.index(i), option)).collect()
    }

    fn option(&mut self, at: &At<'_>, option: &Socket) -> SocketOption {
        match *option {
            Socket::NoDelay(on) => SocketOption::NoDelay(on),
            Socket::Cork(on) => SocketOption::Cork(on),
            Socket::QuickAck(on) => SocketOption::QuickAck(on),
            Socket::KeepAlive(on) => SocketOption::KeepAlive(on),
            Socket::KeepIdle(span) => SocketOption::KeepIdle(self.some_time(at, span)),
            Socket::KeepInterval(span) => SocketOption::KeepInterval(self.some_time(at, span)),
            Socket::KeepCount(n) => SocketOption::KeepCount(n),
            Socket::UserTimeout(span) => SocketOption::UserTimeout(span.duration()),
            Socket::UserTimeoutOption(span) => SocketOption::UserTimeoutOption(span.duration()),
            Socket::FastOpen(limit) => SocketOption::FastOpen(limit),
            Socket::FastOpenNoCookie(on) => SocketOption::FastOpenNoCookie(on),
            Socket::Linger(span) => SocketOption::Linger(span.map(Span::duration)),
            Socket::RcvBuf(size) => SocketOption::RcvBuf(self.chunk(at, size)),
            Socket::SndBuf(size) => SocketOption::SndBuf(self.chunk(at, size)),
            Socket::MaxSeg(n) => SocketOption::MaxSeg(n),
            Socket::DeferAccept(span) => {
                let seconds = i64::try_from(span.duration().as_secs()).unwrap_or(i64::MAX);
                SocketOption::DeferAccept(sim::sys::retries_within(seconds))
            }
            Socket::OobInline(on) => SocketOption::OobInline(on),
            Socket::Dscp(dscp) => SocketOption::Dscp(dscp),
            Socket::Ttl(ttl) => SocketOption::Ttl(ttl),
            Socket::SourceRoute => SocketOption::SourceRoute,
        }
    }

    fn some_time(&mut self, at: &At<'_>, span: Span) -> Duration {
        self.positive(at, span.0, "a time");
        span.duration()
    }

    /// The steps of a script; `at` is their list.
    fn steps(&mut self, at: &At<'_>, on: &str, steps: &[Step]) -> Vec<S> {
        if work(steps) > MOST_STEPS {
            let message = format!("more than {MOST_STEPS} steps, repeats multiplied out");
            self.wrong(at, message, "too many", None);
        }
        steps.iter().enumerate().map(|(i, step)| self.step(&at.index(i), on, step)).collect()
    }

    fn step(&mut self, at: &At<'_>, on: &str, step: &Step) -> S {
        match step {
            Step::Bind { port, address } => {
                self.own_address(&at.field("address"), on, *address);
                S::Bind { port: port.unwrap_or(0), address: address.map(|address| address.0) }
            }
            Step::Connect(to) => S::Connect(self.endpoint(&at.index(0), on, to)),
            Step::BeginConnect(to) => S::BeginConnect(self.endpoint(&at.index(0), on, to)),
            Step::FastOpen { to, send } => {
                S::FastOpen { to: self.endpoint(&at.field("to"), on, to), data: text(send) }
            }
            Step::Set(option) => S::Set(self.option(&at.index(0), option)),
            Step::Send(words) => S::Send(text(words)),
            Step::SendBytes { len, chunk, every } => S::SendBytes {
                len: len.0,
                chunk: self.chunk(&at.field("chunk"), chunk.unwrap_or(CHUNK)),
                every: duration(*every),
            },
            Step::SendMore(words) => S::SendMore(text(words)),
            Step::SendUrgent(words) => S::SendUrgent(text(words)),
            Step::Recv(size) => S::Recv(size.0),
            Step::RecvSome(size) => S::RecvSome(self.chunk(&at.index(0), *size)),
            Step::RecvToEof => S::RecvToEof,
            Step::RecvSlowly { chunk, every } => S::RecvSlowly {
                chunk: self.chunk(&at.field("chunk"), *chunk),
                every: self.some_time(&at.field("every"), *every),
            },
            Step::RecvUrgent => S::RecvUrgent,
            Step::Echo => S::Echo,
            Step::Reply { max, with } => {
                S::Reply { max: self.chunk(&at.field("max"), max.unwrap_or(READ)), with: text(with) }
            }
            Step::Respond { request, response, think } => {
                self.positive(&at.field("request"), request.0, "a request");
                S::Respond { request: request.0, response: response.0, think: duration(*think) }
            }
            Step::Sleep(span) => S::Sleep(span.duration()),
            Step::WaitUntil(span) => S::WaitUntil(span.time()),
            Step::WaitEnd => S::WaitEnd,
            Step::ShutdownWrite => S::ShutdownWrite,
            Step::ShutdownRead => S::ShutdownRead,
            Step::Close => S::Close,
            Step::Abort => S::Abort,
            Step::Repeat(times, steps) => S::Repeat(*times, self.steps(&at.index(1), on, steps).into()),
            Step::Try(steps) => S::Try(self.steps(&at.index(0), on, steps).into()),
        }
    }
}

/// How many steps these are with their repeats multiplied out.
fn work(steps: &[Step]) -> u64 {
    let one = |step: &Step| match step {
        Step::Repeat(times, steps) => work(steps).max(1).saturating_mul(u64::from(*times)),
        Step::Try(steps) => work(steps),
        _ => 1,
    };
    steps.iter().map(one).fold(0, u64::saturating_add)
}
