//! The view `ss`: the rows of `ss -tuinoap` (iproute2's `misc/ss.c`), by its own spelling.
//!
//! Inode and socket numbers (`ino:`, `sk:`) are left out: they mean nothing outside of a kernel.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;

use sim::view::{Proto, SocketInfo};
use tcp::info::CongestionInfo;
use tcp::{Duration, Info, State, Time, TimerKind};

use super::{is_shown, left, millis};

/// Writes the rows of one host at `now`.
pub fn write(rows: &[SocketInfo], now: Time, out: &mut dyn Write) -> io::Result<()> {
    let udp = rows.iter().any(|row| row.proto == Proto::Udp);
    let mut table = vec![header()];
    table.extend(rows.iter().map(|row| cells(row, now)));
    let mut widths = [0; 8];
    for row in &table {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = cell.len().max(*width);
        }
    }
    let [netid, state, recv, send, local, local_port, peer, peer_port] = widths;
    for row in &table {
        let c = &row.cells;
        if udp {
            write!(out, "{:<netid$} ", c[0])?;
        }
        // Addresses to the right, ports to the left, so that the colons stand under each other.
        let line = format!(
            "{:<state$} {:<recv$} {:<send$} {:>local$}:{:<local_port$} {:>peer$}:{:<peer_port$} {}",
            c[1], c[2], c[3], c[4], c[5], c[6], c[7], row.rest
        );
        writeln!(out, "{}", line.trim_end())?;
        if !row.info.is_empty() {
            writeln!(out, "\t {}", row.info)?;
        }
    }
    Ok(())
}

struct Row {
    cells: [String; 8],
    rest: String,
    info: String,
}

fn header() -> Row {
    let cells = ["Netid", "State", "Recv-Q", "Send-Q", "Local Address", "Port", "Peer Address", "Port"];
    Row { cells: cells.map(str::to_owned), rest: "Process".to_owned(), info: String::new() }
}

fn cells(row: &SocketInfo, now: Time) -> Row {
    let netid = match row.proto {
        Proto::Tcp => "tcp",
        Proto::Udp => "udp",
    };
    let mut rest = Vec::new();
    if let Some(owner) = &row.owner {
        rest.push(format!("users:((\"{}\",pid={},fd={}))", owner.name, owner.pid, owner.fd));
    }
    if let Some((kind, when, retries)) = row.timer.filter(|(kind, ..)| is_shown(*kind)) {
        rest.push(format!("timer:({},{},{retries})", timer_name(kind), countdown(left(now, when))));
    }
    let (local, local_port) = address(row.local);
    let (peer, peer_port) = address(row.remote.unwrap_or_else(|| nobody(row.local)));
    let (state, recv, send) = (state_name(row).to_owned(), row.recv_q.to_string(), row.send_q.to_string());
    let cells = [netid.to_owned(), state, recv, send, local, local_port, peer, peer_port];
    let info = row.tcp.as_deref().map_or_else(String::new, |tcp| info(row, tcp));
    Row { cells, rest: rest.join(" "), info }
}

/// The states as `ss` spells them (`sstate_name`).
fn state_name(row: &SocketInfo) -> &'static str {
    match row.state {
        _ if row.proto == Proto::Udp && row.remote.is_some() => "ESTAB",
        _ if row.proto == Proto::Udp => "UNCONN",
        State::Listen => "LISTEN",
        State::SynSent => "SYN-SENT",
        State::SynReceived => "SYN-RECV",
        State::Established => "ESTAB",
        State::FinWait1 => "FIN-WAIT-1",
        State::FinWait2 => "FIN-WAIT-2",
        State::CloseWait => "CLOSE-WAIT",
        State::Closing => "CLOSING",
        State::LastAck => "LAST-ACK",
        State::TimeWait => "TIME-WAIT",
        State::Closed => "UNCONN",
    }
}

fn timer_name(kind: TimerKind) -> &'static str {
    match kind {
        TimerKind::Retransmit => "on",
        TimerKind::Keepalive => "keepalive",
        TimerKind::TimeWait => "timewait",
        TimerKind::Persist => "persist",
        TimerKind::DelayedAck => "unknown",
    }
}

/// A time to go, as `print_ms_timer` writes it: `912ms`, `1.984sec` as `1.984ms`, `57sec`, `1min14sec`, `120min`.
/// (That `1.984ms` means seconds is the real tool's way.)
pub fn countdown(d: Duration) -> String {
    let total = d.as_millis();
    let (minutes, mut secs, mut millis) = (total / 60_000, total / 1_000 % 60, total % 1_000);
    let mut text = String::new();
    if minutes > 0 {
        millis = 0;
        let _ = write!(text, "{minutes}min");
        if minutes > 9 {
            secs = 0;
        }
    }
    if secs > 0 {
        if secs > 9 {
            millis = 0;
        }
        let _ = write!(text, "{secs}{}", if millis > 0 { "." } else { "sec" });
    }
    if millis > 0 {
        let _ = write!(text, "{millis:03}ms");
    }
    text
}

/// An address and a port, `*` for none.
fn address(end: SocketAddr) -> (String, String) {
    let ip = match end {
        SocketAddr::V4(end) => end.ip().to_string(),
        SocketAddr::V6(end) => format!("[{}]", end.ip()),
    };
    (ip, if end.port() == 0 { "*".to_owned() } else { end.port().to_string() })
}

/// The peer of a socket that has none.
fn nobody(local: SocketAddr) -> SocketAddr {
    SocketAddr::new(sim::view::unspecified(local.ip()), 0)
}

/// The state of the congestion controller: as iproute2 writes it for BBR and DCTCP, and after its manner for others.
fn controller(tcp: &Info) -> String {
    let name = tcp.congestion;
    match tcp.congestion_info {
        CongestionInfo::None => String::new(),
        CongestionInfo::Dctcp { alpha_ppm, marked, acked } => {
            format!("{name}:(alpha:{},ab_ecn:{marked},ab_tot:{acked})", thousandths(alpha_ppm / 1000))
        }
        CongestionInfo::Vegas { base_rtt, samples } => {
            format!("{name}:(mrtt:{},samples:{samples})", millis(base_rtt))
        }
        CongestionInfo::Westwood { rate } => format!("{name}:(bw:{})", bits(rate)),
        CongestionInfo::Bbr { state, bw, min_rtt, pacing_gain, cwnd_gain } => format!(
            "{name}:(state:{state},bw:{},mrtt:{},pacing_gain:{},cwnd_gain:{})",
            bits(bw),
            millis(min_rtt),
            thousandths(pacing_gain * 10),
            thousandths(cwnd_gain * 10),
        ),
    }
}

/// `2885` as `2.885`, `1000` as `1`.
fn thousandths(n: u32) -> String {
    let text = format!("{}.{:03}", n / 1000, n % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A rate in bytes a second as bits: `11083046bps`.
fn bits(rate: u64) -> String {
    format!("{}bps", rate.saturating_mul(8))
}

/// The line that `-i` adds (`tcp_stats_print`), with the fields that are modelled, in its order.
fn info(row: &SocketInfo, tcp: &Info) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut put = |there: bool, text: String| {
        if there {
            parts.push(text);
        }
    };
    let opening = matches!(tcp.state, State::SynSent | State::Listen);
    put(tcp.timestamps && !opening, "ts".to_owned());
    put(tcp.sack && !opening, "sack".to_owned());
    put(tcp.ecn && !opening, "ecn".to_owned());
    put(true, tcp.congestion.to_owned());
    if let Some((ours, theirs)) = tcp.wscale.filter(|_| !opening) {
        put(true, format!("wscale:{theirs},{ours}"));
    }
    let retries = row.timer.map_or(0, |(_, _, retries)| retries);
    put(true, format!("rto:{}", millis(tcp.rto)));
    put(retries > 0, format!("backoff:{retries}"));
    put(tcp.srtt > Duration::ZERO, format!("rtt:{}/{}", millis(tcp.srtt), millis(tcp.rttvar)));
    put(tcp.ato > Duration::ZERO, format!("ato:{}", millis(tcp.ato)));
    put(true, format!("mss:{}", tcp.mss));
    put(true, format!("pmtu:{}", tcp.pmtu));
    put(true, format!("advmss:{}", tcp.advmss));
    put(true, format!("cwnd:{}", tcp.cwnd));
    if let Some(ssthresh) = tcp.ssthresh {
        put(true, format!("ssthresh:{ssthresh}"));
    }
    put(tcp.bytes_acked > 0, format!("bytes_acked:{}", tcp.bytes_acked));
    put(tcp.bytes_received > 0, format!("bytes_received:{}", tcp.bytes_received));
    put(tcp.segs_out > 0, format!("segs_out:{}", tcp.segs_out));
    put(tcp.segs_in > 0, format!("segs_in:{}", tcp.segs_in));
    put(tcp.congestion_info != CongestionInfo::None, controller(tcp));
    if let Some(rate) = tcp.pacing_rate {
        put(true, format!("pacing_rate {}", bits(rate)));
    }
    put(tcp.unacked > 0, format!("unacked:{}", tcp.unacked));
    put(tcp.retransmitted > 0, format!("retrans:{}/{}", retries, tcp.retransmitted));
    put(tcp.lost > 0, format!("lost:{}", tcp.lost));
    put(tcp.sacked > 0, format!("sacked:{}", tcp.sacked));
    put(tcp.min_rtt > Duration::ZERO, format!("minrtt:{}", millis(tcp.min_rtt)));
    put(tcp.snd_wnd > 0 && !opening, format!("snd_wnd:{}", tcp.snd_wnd));
    put(tcp.rcv_wnd > 0, format!("rcv_wnd:{}", tcp.rcv_wnd));
    parts.join(" ")
}
