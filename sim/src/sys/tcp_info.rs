//! `struct tcp_info` and `SO_MEMINFO` as Linux 6.18 fills them, in its units.

use tcp::accecn::Mute;
use tcp::info::CaState;
use tcp::{AccEcnInfo, Duration, Info, State, Time};

macro_rules! fields {
    ($(#[$doc:meta])* $type:ident { $($(#[$field_doc:meta])* $field:ident: $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $type { $($(#[$field_doc])* pub $field: u64,)* }

        impl $type {
            /// The names of all fields, in order.
            pub const NAMES: &[&str] = &[$($name,)*];
            /// The field of this name.
            pub fn get(&self, name: &str) -> Option<u64> {
                match name { $($name => Some(self.$field),)* _ => None }
            }
        }
    };
}

fields! {
    /// `struct tcp_info` of linux/tcp.h: what a program reads by `TCP_INFO`.
    TcpInfo {
        /// State (`TCP_ESTABLISHED` = 1 …).
        state: "tcpi_state",
        /// Open 0, Disorder 1, CWR 2, Recovery 3, Loss 4.
        ca_state: "tcpi_ca_state",
        /// Timeouts of the first segment outstanding.
        retransmits: "tcpi_retransmits",
        /// Unanswered window or keepalive probes.
        probes: "tcpi_probes",
        /// Doublings of the RTO.
        backoff: "tcpi_backoff",
        /// `TCPI_OPT_…`.
        options: "tcpi_options",
        /// The peer's shift.
        snd_wscale: "tcpi_snd_wscale",
        /// Our shift.
        rcv_wscale: "tcpi_rcv_wscale",
        /// The delivery rate was limited by the program.
        delivery_rate_app_limited: "tcpi_delivery_rate_app_limited",
        /// Why Fast Open on this client failed.
        fastopen_client_fail: "tcpi_fastopen_client_fail",
        /// RTO, in microseconds.
        rto: "tcpi_rto",
        /// Delay of delayed ACKs, in microseconds.
        ato: "tcpi_ato",
        /// MSS for sending, options taken off, in bytes.
        snd_mss: "tcpi_snd_mss",
        /// The peer's segment size as it was seen, in bytes.
        rcv_mss: "tcpi_rcv_mss",
        /// Segments sent and not acknowledged cumulatively; of a listener, connections that wait to be accepted.
        unacked: "tcpi_unacked",
        /// Segments SACKed; of a listener, its backlog.
        sacked: "tcpi_sacked",
        /// Segments thought lost.
        lost: "tcpi_lost",
        /// Segments retransmitted and not yet acknowledged.
        retrans: "tcpi_retrans",
        /// No longer used.
        fackets: "tcpi_fackets",
        /// Time since data was sent, in milliseconds.
        last_data_sent: "tcpi_last_data_sent",
        /// Always zero.
        last_ack_sent: "tcpi_last_ack_sent",
        /// Time since data came, in milliseconds.
        last_data_recv: "tcpi_last_data_recv",
        /// Time since an ACK came, in milliseconds.
        last_ack_recv: "tcpi_last_ack_recv",
        /// Path MTU, in bytes.
        pmtu: "tcpi_pmtu",
        /// Bound on the window offered while it grows, in bytes.
        rcv_ssthresh: "tcpi_rcv_ssthresh",
        /// Smoothed round-trip time, in microseconds.
        rtt: "tcpi_rtt",
        /// Its variation, in microseconds.
        rttvar: "tcpi_rttvar",
        /// Slow start threshold, in segments; 0x7fffffff: none yet.
        snd_ssthresh: "tcpi_snd_ssthresh",
        /// Congestion window, in segments.
        snd_cwnd: "tcpi_snd_cwnd",
        /// MSS that was announced, in bytes.
        advmss: "tcpi_advmss",
        /// Segments by which the network reorders.
        reordering: "tcpi_reordering",
        /// The receiver's view of the round-trip time, in microseconds.
        rcv_rtt: "tcpi_rcv_rtt",
        /// What the receive buffer is tuned by, in bytes.
        rcv_space: "tcpi_rcv_space",
        /// Segments retransmitted over the connection's life.
        total_retrans: "tcpi_total_retrans",
        /// Pacing rate, in bytes a second.
        pacing_rate: "tcpi_pacing_rate",
        /// Bound on it, in bytes a second.
        max_pacing_rate: "tcpi_max_pacing_rate",
        /// Bytes acknowledged (RFC 4898 tcpEStatsAppHCThruOctetsAcked).
        bytes_acked: "tcpi_bytes_acked",
        /// Bytes received (RFC 4898 tcpEStatsAppHCThruOctetsReceived).
        bytes_received: "tcpi_bytes_received",
        /// Segments sent.
        segs_out: "tcpi_segs_out",
        /// Segments received.
        segs_in: "tcpi_segs_in",
        /// Bytes queued and never sent.
        notsent_bytes: "tcpi_notsent_bytes",
        /// Smallest round-trip time, in microseconds.
        min_rtt: "tcpi_min_rtt",
        /// Segments with data received.
        data_segs_in: "tcpi_data_segs_in",
        /// Segments with data sent.
        data_segs_out: "tcpi_data_segs_out",
        /// Delivery rate, in bytes a second.
        delivery_rate: "tcpi_delivery_rate",
        /// Time in which something was to be sent or acknowledged, in microseconds.
        busy_time: "tcpi_busy_time",
        /// Of it, time in which the peer's window was the limit, in microseconds.
        rwnd_limited: "tcpi_rwnd_limited",
        /// Of it, time in which the send buffer was the limit, in microseconds.
        sndbuf_limited: "tcpi_sndbuf_limited",
        /// Segments delivered, retransmitted ones included.
        delivered: "tcpi_delivered",
        /// Of these, with ECE.
        delivered_ce: "tcpi_delivered_ce",
        /// Bytes sent, retransmissions included.
        bytes_sent: "tcpi_bytes_sent",
        /// Bytes retransmitted.
        bytes_retrans: "tcpi_bytes_retrans",
        /// D-SACK blocks received.
        dsack_dups: "tcpi_dsack_dups",
        /// Times that reordering was seen.
        reord_seen: "tcpi_reord_seen",
        /// Segments that arrived out of order.
        rcv_ooopack: "tcpi_rcv_ooopack",
        /// The peer's window, in bytes.
        snd_wnd: "tcpi_snd_wnd",
        /// Our window, in bytes.
        rcv_wnd: "tcpi_rcv_wnd",
        /// Number of the transmit hash.
        rehash: "tcpi_rehash",
        /// Timeouts.
        total_rto: "tcpi_total_rto",
        /// Recoveries from timeouts.
        total_rto_recoveries: "tcpi_total_rto_recoveries",
        /// Time in them, in milliseconds.
        total_rto_time: "tcpi_total_rto_time",
        /// Segments with CE received.
        received_ce: "tcpi_received_ce",
        /// Bytes delivered with ECT(1), as the peer reports them (RFC 9768).
        delivered_e1_bytes: "tcpi_delivered_e1_bytes",
        /// Bytes delivered with ECT(0), as the peer reports them.
        delivered_e0_bytes: "tcpi_delivered_e0_bytes",
        /// Bytes delivered with CE, as the peer reports them.
        delivered_ce_bytes: "tcpi_delivered_ce_bytes",
        /// Bytes received with ECT(1).
        received_e1_bytes: "tcpi_received_e1_bytes",
        /// Bytes received with ECT(0).
        received_e0_bytes: "tcpi_received_e0_bytes",
        /// Bytes received with CE.
        received_ce_bytes: "tcpi_received_ce_bytes",
        /// How Accurate ECN failed.
        accecn_fail_mode: "tcpi_accecn_fail_mode",
        /// How often its option was seen.
        accecn_opt_seen: "tcpi_accecn_opt_seen",
    }
}

fields! {
    /// `SO_MEMINFO` of linux/sock_diag.h: memory as Linux accounts it, in bytes.
    SkMeminfo {
        /// Received and unread, with what it takes to keep it.
        rmem_alloc: "SK_MEMINFO_RMEM_ALLOC",
        /// Receive buffer.
        rcvbuf: "SK_MEMINFO_RCVBUF",
        /// Handed to the device.
        wmem_alloc: "SK_MEMINFO_WMEM_ALLOC",
        /// Send buffer.
        sndbuf: "SK_MEMINFO_SNDBUF",
        /// Reserved ahead.
        fwd_alloc: "SK_MEMINFO_FWD_ALLOC",
        /// Queued for sending, with what it takes to keep it.
        wmem_queued: "SK_MEMINFO_WMEM_QUEUED",
        /// Options.
        optmem: "SK_MEMINFO_OPTMEM",
        /// Arrived while a program held the socket.
        backlog: "SK_MEMINFO_BACKLOG",
        /// Dropped.
        drops: "SK_MEMINFO_DROPS",
    }
}

/// What Linux would show of a connection.
pub(super) fn tcp_info(info: &Info, now: Time) -> TcpInfo {
    let micros = Duration::as_micros;
    let since = |time: Time| now.since(time).as_millis();
    // Times of limits are counted in ticks of a millisecond.
    let ticks = |duration: Duration| duration.as_millis() * 1000;
    let tally = &info.tally;
    let ecn = info.accecn.unwrap_or_default();
    let [received_e1_bytes, received_e0_bytes, received_ce_bytes] = ecn.received_bytes.map(u64::from);
    let [delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes] = ecn.delivered_bytes.map(u64::from);
    TcpInfo {
        received_ce: ecn.received_ce.into(),
        received_e1_bytes,
        received_e0_bytes,
        received_ce_bytes,
        delivered_ce: info.accecn.map_or(tally.delivered_ce, |ecn| ecn.delivered_ce).into(),
        delivered_e1_bytes,
        delivered_e0_bytes,
        delivered_ce_bytes,
        accecn_fail_mode: accecn_fail_mode(&ecn),
        accecn_opt_seen: ecn.seen as u64,
        state: state_number(info.state),
        ca_state: match tally.ca_state {
            CaState::Open => 0,
            CaState::Disorder => 1,
            CaState::Cwr => 2,
            CaState::Recovery => 3,
            CaState::Loss => 4,
        },
        retransmits: tally.retransmits.into(),
        probes: tally.probes.into(),
        backoff: tally.backoff.into(),
        options: u64::from(info.timestamps)
            | u64::from(info.sack) << 1
            | u64::from(info.wscale.is_some()) << 2
            | u64::from(info.ecn) << 3
            | u64::from(tally.ecn_seen) << 4
            | u64::from(info.syn_data) << 5,
        fastopen_client_fail: info.fast_open_fail as u64,
        snd_wscale: info.wscale.map_or(0, |(_, snd)| snd.into()),
        rcv_wscale: info.wscale.map_or(0, |(rcv, _)| rcv.into()),
        rto: micros(info.rto),
        ato: micros(info.ato),
        snd_mss: info.mss.into(),
        rcv_mss: tally.rcv_mss.into(),
        unacked: info.unacked.into(),
        sacked: info.sacked.into(),
        lost: info.lost.into(),
        retrans: tally.retransmitting.into(),
        last_data_sent: since(tally.last_sent),
        last_data_recv: since(tally.last_data),
        last_ack_recv: since(tally.last_ack),
        pmtu: info.pmtu.into(),
        rcv_ssthresh: tally.rcv_ssthresh,
        rtt: micros(info.srtt),
        rttvar: micros(info.rttvar),
        snd_ssthresh: info.ssthresh.map_or(0x7fff_ffff, u64::from),
        snd_cwnd: info.cwnd.into(),
        advmss: info.advmss.into(),
        reordering: tally.reordering.into(),
        rcv_rtt: micros(tally.rcv_rtt),
        rcv_space: tally.rcv_space,
        total_retrans: info.retransmitted.into(),
        pacing_rate: tally.pacing_rate,
        max_pacing_rate: u64::MAX,
        bytes_acked: info.bytes_acked,
        bytes_received: info.bytes_received,
        segs_out: info.segs_out.into(),
        segs_in: info.segs_in.into(),
        notsent_bytes: info.notsent,
        min_rtt: micros(info.min_rtt),
        data_segs_in: tally.data_segs_in.into(),
        data_segs_out: tally.data_segs_out.into(),
        busy_time: ticks(tally.busy),
        rwnd_limited: ticks(tally.window_limited),
        sndbuf_limited: ticks(tally.buffer_limited),
        delivered: tally.delivered.into(),
        bytes_sent: tally.bytes_sent,
        bytes_retrans: tally.bytes_retransmitted,
        dsack_dups: tally.dsacks.into(),
        reord_seen: tally.reorderings.into(),
        rcv_ooopack: tally.out_of_order.into(),
        snd_wnd: info.snd_wnd,
        rcv_wnd: info.rcv_wnd,
        ..TcpInfo::default()
    }
}

/// `TCP_ACCECN_ACE_FAIL_SEND` 1, `…ACE_FAIL_RECV` 2, `…OPT_FAIL_SEND` 4, `…OPT_FAIL_RECV` 8.
fn accecn_fail_mode(ecn: &AccEcnInfo) -> u64 {
    let ace = match ecn.mute {
        None => 0,
        Some(Mute::SentNone) => 1,
        Some(Mute::GotNone | Mute::Mangled | Mute::Inconsistent) => 2,
    };
    ace | u64::from(ecn.dropped) << 2 | u64::from(ecn.ignored) << 3
}

/// What Linux would show of its memory.
pub(super) fn meminfo(info: &Info) -> SkMeminfo {
    SkMeminfo {
        rmem_alloc: info.tally.rcv_memory,
        rcvbuf: info.rcv_buf.into(),
        sndbuf: info.snd_buf.into(),
        wmem_queued: info.tally.snd_memory,
        ..SkMeminfo::default()
    }
}

/// A state by its number on Linux. A socket whose connection is in TIME-WAIT is CLOSED: the record has no socket.
fn state_number(state: State) -> u64 {
    match state {
        State::Established => 1,
        State::SynSent => 2,
        State::SynReceived => 3,
        State::FinWait1 => 4,
        State::FinWait2 => 5,
        State::TimeWait | State::Closed => 7,
        State::CloseWait => 8,
        State::LastAck => 9,
        State::Listen => 10,
        State::Closing => 11,
    }
}
