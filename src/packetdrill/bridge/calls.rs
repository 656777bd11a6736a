//! Calls as lines: those of the connection's socket, and of the listener that it came from.

use sim::calls::{Called, ProgramCall};
use tcp::tcb::SocketOption;
use tcp::{Errno, Time, Tuple};

use super::Refusal;

/// Lines of one call.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) at: Time,
    /// How many records of the trace came before it.
    pub(super) place: usize,
    pub(super) texts: Vec<String>,
}

/// The descriptor of the socket that listens or connects, and of the one that was accepted.
const FIRST: u32 = 3;
const ACCEPTED: u32 = 4;

/// The calls that are about this connection, as lines.
pub(super) fn of(calls: &[Called], tuple: Tuple) -> Result<Vec<Line>, Refusal> {
    let opened = calls.iter().position(|called| match &called.call {
        ProgramCall::Accept(_, accepted) => *accepted == tuple,
        ProgramCall::Connect { tuple: connected, .. } => *connected == tuple,
        _ => false,
    });
    let again = |called: &&Called| match &called.call {
        ProgramCall::Accept(_, accepted) => *accepted == tuple,
        ProgramCall::Connect { tuple: connected, .. } => *connected == tuple,
        _ => false,
    };
    if let Some(second) = calls.iter().filter(again).nth(1) {
        let what = "the same pair of addresses and ports has another connection";
        return Err(Refusal::NoWords(second.at, what.to_owned()));
    }
    let mut lines = Vec::new();
    match opened.map(|at| (at, &calls[at].call)) {
        Some((at, ProgramCall::Accept(new, _))) => {
            let listener = calls[at].socket;
            let from = opening(calls, at, listener);
            listening(&calls[from..], listener, at - from, *new, &mut lines)?;
        }
        Some((at, _)) => {
            let socket = calls[at].socket;
            let from = opening(calls, at, socket);
            connecting(&calls[from..], socket, tuple, &mut lines)?;
        }
        // Nobody has accepted it, or nobody listens.
        None => {
            let listens = |called: &Called| matches!(called.call, ProgramCall::Listen { port, .. } if port == tuple.local.port());
            if let Some(at) = calls.iter().position(listens) {
                let listener = calls[at].socket;
                let from = opening(calls, at, listener);
                listening(&calls[from..], listener, usize::MAX, u32::MAX, &mut lines)?;
            }
        }
    }
    Ok(lines)
}

/// The first call on this socket since it was opened, before the call at `at`.
fn opening(calls: &[Called], at: usize, socket: u32) -> usize {
    let of_socket = |called: &Called| called.socket == socket;
    let closed = calls[..at].iter().rposition(|c| of_socket(c) && c.call == ProgramCall::Close);
    let from = closed.map_or(0, |closed| closed + 1);
    calls[from..].iter().position(of_socket).map_or(at, |first| from + first)
}

fn socket() -> Vec<String> {
    vec![
        format!("socket(..., SOCK_STREAM, IPPROTO_TCP) = {FIRST}"),
        format!("fcntl({FIRST}, F_SETFL, O_RDWR|O_NONBLOCK) = 0"),
    ]
}

/// A listener, from its first call on; at `accepts` it accepts `new`.
fn listening(
    calls: &[Called],
    listener: u32,
    accepts: usize,
    new: u32,
    lines: &mut Vec<Line>,
) -> Result<(), Refusal> {
    let mut listens = true;
    let mut open = false;
    for (i, called) in calls.iter().enumerate() {
        let mut texts = Vec::new();
        if called.socket == listener && listens {
            if lines.is_empty() {
                texts.extend(socket());
                texts.push(format!("setsockopt({FIRST}, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0"));
            }
            match &called.call {
                ProgramCall::Accept(..) if i == accepts => {
                    texts.push(format!("accept({FIRST}, ..., ...) = {ACCEPTED}"));
                    texts.push(format!("fcntl({ACCEPTED}, F_SETFL, O_RDWR|O_NONBLOCK) = 0"));
                    open = true;
                }
                // Other connections of the listener are no part of this.
                ProgramCall::Accept(..) => {}
                ProgramCall::Close => {
                    listens = false;
                    texts.push(format!("close({FIRST}) = 0"));
                }
                call => texts.extend(text(call, FIRST, called.at)?),
            }
        } else if called.socket == new && open {
            texts.extend(text(&called.call, ACCEPTED, called.at)?);
            open = called.call != ProgramCall::Close;
        }
        push(lines, called, texts);
    }
    Ok(())
}

/// A socket that connects, from its first call on.
fn connecting(calls: &[Called], socket_id: u32, tuple: Tuple, lines: &mut Vec<Line>) -> Result<(), Refusal> {
    let mut told = false;
    for called in calls.iter().filter(|called| called.socket == socket_id) {
        let mut texts = if lines.is_empty() { socket() } else { Vec::new() };
        match &called.call {
            ProgramCall::Connected(_) if std::mem::replace(&mut told, true) => {}
            ProgramCall::Connect { tuple: other, .. } if *other != tuple => {
                return Err(Refusal::NoWords(called.at, "the socket connects again".into()));
            }
            call => texts.extend(text(call, FIRST, called.at)?),
        }
        push(lines, called, texts);
        if called.call == ProgramCall::Close {
            break;
        }
    }
    Ok(())
}

fn push(lines: &mut Vec<Line>, called: &Called, texts: Vec<String>) {
    if !texts.is_empty() {
        lines.push(Line { at: called.at, place: called.place, texts });
    }
}

/// A call and what came of it.
fn text(call: &ProgramCall, fd: u32, at: Time) -> Result<Vec<String>, Refusal> {
    let zero = |result: &Result<(), Errno>| returned(result.map(|()| 0));
    Ok(match call {
        ProgramCall::SetOption(option, result) => {
            set_option(*option, fd, at)?.into_iter().map(|call| format!("{call}{}", zero(result))).collect()
        }
        ProgramCall::Listen { backlog, result, .. } => vec![
            format!("bind({fd}, ..., ...) = 0"),
            format!("listen({fd}, {}){}", backlog.min(&65_535), zero(result)),
        ],
        ProgramCall::Connect { data: None, .. } => {
            vec![format!("connect({fd}, ..., ...){}", returned(Err(Errno::EINPROGRESS)))]
        }
        // Without a cookie the call waits inside the kernel until the connection is open, and with one there was an
        // earlier connection.
        ProgramCall::Connect { data: Some(_), .. } => {
            return Err(Refusal::NoWords(at, "sendto(2) with MSG_FASTOPEN waits inside the kernel".into()));
        }
        ProgramCall::Send { result: Err(Errno::EAGAIN), .. } => {
            let what = "send(2) waits inside the kernel until the connection is open";
            return Err(Refusal::NoWords(at, what.into()));
        }
        ProgramCall::Connected(result) => {
            let error = result.map_or_else(Errno::number, |()| 0);
            vec![format!("getsockopt({fd}, SOL_SOCKET, SO_ERROR, [{error}], [4]) = 0")]
        }
        ProgramCall::Send { len, urgent, more, result } => vec![match (urgent, more) {
            (true, _) => format!("send({fd}, ..., {len}, MSG_OOB){}", returned(*result)),
            (false, true) => format!("send({fd}, ..., {len}, MSG_MORE){}", returned(*result)),
            (false, false) => format!("write({fd}, ..., {len}){}", returned(*result)),
        }],
        ProgramCall::Recv { max, result } => vec![format!("read({fd}, ..., {max}){}", returned(*result))],
        ProgramCall::RecvUrgent(result) => {
            vec![format!("recv({fd}, ..., 1, MSG_OOB){}", returned(result.map(|()| 1)))]
        }
        ProgramCall::ShutdownWrite(result) => vec![format!("shutdown({fd}, SHUT_WR){}", zero(result))],
        ProgramCall::ShutdownRead(result) => vec![format!("shutdown({fd}, SHUT_RD){}", zero(result))],
        ProgramCall::Close => vec![format!("close({fd}) = 0")],
        ProgramCall::Accept(..) => Vec::new(),
    })
}

/// ` = 1000`, ` = -1 EPIPE (Broken pipe)`.
fn returned(result: Result<u32, Errno>) -> String {
    match result {
        Ok(n) => format!(" = {n}"),
        Err(errno) => format!(" = -1 {errno} ({})", in_words(errno)),
    }
}

/// What strerror(3) says; the original's grammar wants words there, whatever they are.
fn in_words(errno: Errno) -> &'static str {
    match errno {
        Errno::EINPROGRESS => "Operation now in progress",
        Errno::EPIPE => "Broken pipe",
        Errno::ECONNRESET => "Connection reset by peer",
        Errno::ECONNREFUSED => "Connection refused",
        Errno::ETIMEDOUT => "Connection timed out",
        Errno::ENOTCONN => "Transport endpoint is not connected",
        Errno::EINVAL => "Invalid argument",
        Errno::EHOSTUNREACH => "No route to host",
        Errno::ENETUNREACH => "Network is unreachable",
        _ => "error",
    }
}

/// setsockopt(2) up to its result.
fn set_option(option: SocketOption, fd: u32, at: Time) -> Result<Vec<String>, Refusal> {
    let refuse = |what: &str| Err(Refusal::NoWords(at, what.to_owned()));
    let number = |level: &str, name: &str, value: u64| {
        Ok(vec![format!("setsockopt({fd}, {level}, {name}, [{value}], 4)")])
    };
    let seconds = |name: &str, time: tcp::Duration| match time.as_nanos() % 1_000_000_000 {
        0 => number("SOL_TCP", name, time.as_secs()),
        _ => refuse("a time that setsockopt(2) takes in whole seconds has a fraction"),
    };
    let on = u64::from;
    match option {
        SocketOption::NoDelay(yes) => number("SOL_TCP", "TCP_NODELAY", on(yes)),
        SocketOption::Cork(yes) => number("SOL_TCP", "TCP_CORK", on(yes)),
        SocketOption::QuickAck(yes) => number("SOL_TCP", "TCP_QUICKACK", on(yes)),
        SocketOption::KeepAlive(yes) => number("SOL_SOCKET", "SO_KEEPALIVE", on(yes)),
        SocketOption::KeepIdle(time) => seconds("TCP_KEEPIDLE", time),
        SocketOption::KeepInterval(time) => seconds("TCP_KEEPINTVL", time),
        SocketOption::KeepCount(count) => number("SOL_TCP", "TCP_KEEPCNT", count.into()),
        SocketOption::UserTimeout(time) => number("SOL_TCP", "TCP_USER_TIMEOUT", time.as_millis()),
        SocketOption::UserTimeoutOption(_) => refuse("no kernel sends the user timeout option (RFC 5482)"),
        SocketOption::Linger(time) => {
            let (yes, secs) = (u8::from(time.is_some()), time.map_or(0, tcp::Duration::as_secs));
            let value = format!("{{onoff={yes}, linger={secs}}}");
            Ok(vec![format!("setsockopt({fd}, SOL_SOCKET, SO_LINGER, {value}, 8)")])
        }
        SocketOption::RcvBuf(bytes) => number("SOL_SOCKET", "SO_RCVBUF", bytes.into()),
        SocketOption::SndBuf(bytes) => number("SOL_SOCKET", "SO_SNDBUF", bytes.into()),
        SocketOption::MaxSeg(mss) => number("SOL_TCP", "TCP_MAXSEG", mss.into()),
        SocketOption::OobInline(yes) => number("SOL_SOCKET", "SO_OOBINLINE", on(yes)),
        SocketOption::NotSentLowat(bytes) => number("SOL_TCP", "TCP_NOTSENT_LOWAT", bytes.into()),
        SocketOption::Linger2(Some(time)) => seconds("TCP_LINGER2", time),
        SocketOption::SynCount(count) => number("SOL_TCP", "TCP_SYNCNT", count.into()),
        SocketOption::FastOpen(queue) => number("SOL_TCP", "TCP_FASTOPEN", queue.into()),
        SocketOption::FastOpenNoCookie(yes) => number("SOL_TCP", "TCP_FASTOPEN_NO_COOKIE", on(yes)),
        SocketOption::Dscp(dscp) => number("SOL_IP", "IP_TOS", u64::from(dscp) << 2),
        SocketOption::Ttl(ttl) => number("SOL_IP", "IP_TTL", ttl.into()),
        SocketOption::PathMtuDiscovery(yes) => number("SOL_IP", "IP_MTU_DISCOVER", on(yes)),
        SocketOption::Congestion(controller) => {
            let mut config = tcp::Config::linux();
            config.congestion = controller;
            let readings = sim::sys::readings(&config);
            match readings.iter().find(|(name, _)| *name == "tcp_congestion_control") {
                Some((_, name)) => {
                    Ok(vec![format!("setsockopt({fd}, SOL_TCP, TCP_CONGESTION, \"{name}\", {})", name.len())])
                }
                None => refuse("no kernel has this congestion control"),
            }
        }
        _ => refuse(&format!("setsockopt({option}) is no call of a kernel")),
    }
}
