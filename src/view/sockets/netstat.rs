//! The view `netstat`: the rows of `netstat -anpto` (net-tools' `netstat.c`), by its own spelling.

use std::io::{self, Write};
use std::net::SocketAddr;

use sim::view::{Proto, SocketInfo};
use tcp::{Duration, State, Time, TimerKind};

use super::left;

/// Writes the rows of one host at `now`.
pub fn write(rows: &[SocketInfo], now: Time, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Active Internet connections (servers and established)")?;
    writeln!(
        out,
        "Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name     Timer"
    )?;
    for row in rows {
        let line = format!(
            "{:<5} {:>6} {:>6} {:<23} {:<23} {:<11} {:<20} {}",
            proto(row),
            row.recv_q,
            // A listener's backlog is what `ss` shows here; netstat shows zero.
            if row.state == State::Listen { 0 } else { row.send_q },
            address(row.local),
            row.remote.map_or_else(|| nobody(row.local), address),
            state_name(row),
            row.owner
                .as_ref()
                .map_or_else(|| "-".to_owned(), |owner| format!("{}/{}", owner.pid, owner.name)),
            timer(row, now),
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn proto(row: &SocketInfo) -> &'static str {
    match (row.proto, row.local) {
        (Proto::Tcp, SocketAddr::V4(_)) => "tcp",
        (Proto::Tcp, SocketAddr::V6(_)) => "tcp6",
        (Proto::Udp, SocketAddr::V4(_)) => "udp",
        (Proto::Udp, SocketAddr::V6(_)) => "udp6",
    }
}

/// The state, if the protocol has states.
fn state_name(row: &SocketInfo) -> &'static str {
    if row.proto == Proto::Udp { "" } else { kernel_name(row.state) }
}

/// The states as Linux spells them (`tcp_states.h`), and netstat after it.
pub(crate) fn kernel_name(state: State) -> &'static str {
    match state {
        State::Listen => "LISTEN",
        State::SynSent => "SYN_SENT",
        State::SynReceived => "SYN_RECV",
        State::Established => "ESTABLISHED",
        State::FinWait1 => "FIN_WAIT1",
        State::FinWait2 => "FIN_WAIT2",
        State::CloseWait => "CLOSE_WAIT",
        State::Closing => "CLOSING",
        State::LastAck => "LAST_ACK",
        State::TimeWait => "TIME_WAIT",
        State::Closed => "CLOSE",
    }
}

/// The timer: its word, seconds to go, retransmissions, probes without an answer.
fn timer(row: &SocketInfo, now: Time) -> String {
    let seconds = |d: Duration| {
        let hundredths = d.as_millis() / 10;
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    };
    match row.timer {
        Some((TimerKind::Retransmit, when, n)) => format!("on ({}/{n}/0)", seconds(left(now, when))),
        Some((TimerKind::Keepalive, when, n)) => format!("keepalive ({}/0/{n})", seconds(left(now, when))),
        Some((TimerKind::TimeWait, when, _)) => format!("timewait ({}/0/0)", seconds(left(now, when))),
        Some((TimerKind::Persist, when, n)) => format!("probe ({}/0/{n})", seconds(left(now, when))),
        Some((TimerKind::DelayedAck, ..)) | None if row.proto == Proto::Udp => String::new(),
        Some((TimerKind::DelayedAck, ..)) | None => "off (0.00/0/0)".to_owned(),
    }
}

fn address(end: SocketAddr) -> String {
    let ip = end.ip();
    if ip.is_unspecified() && end.port() == 0 { nobody(end) } else { format!("{ip}:{}", end.port()) }
}

fn nobody(local: SocketAddr) -> String {
    if local.is_ipv4() { "0.0.0.0:*" } else { ":::*" }.to_owned()
}
