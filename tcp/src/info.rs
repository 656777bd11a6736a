//! What `ss -tinoe` and `netstat -anpto` show of a socket: a reading, never an influence.

use crate::state::State;
use crate::time::{Duration, Time};

/// A reading of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// The state.
    pub state: State,
    /// Data received and not yet read by the program, in bytes.
    pub recv_q: u64,
    /// Data sent or queued and not yet acknowledged, in bytes.
    pub send_q: u64,
    /// The timer that is running.
    pub timer: Option<(TimerKind, Time)>,
    /// Retransmissions or probes without an answer.
    pub retries: u32,
    /// Effective MSS for sending, in bytes (options already taken off).
    pub mss: u16,
    /// MSS announced, less option bytes.
    pub advmss: u16,
    /// Path MTU, in bytes.
    pub pmtu: u16,
    /// Our shift and the peer's, if windows are scaled.
    pub wscale: Option<(u8, u8)>,
    /// Timestamps, SACK, ECN in use.
    pub timestamps: bool,
    /// SACK in use.
    pub sack: bool,
    /// ECN in use.
    pub ecn: bool,
    /// What AccECN has counted, if it is in use.
    pub accecn: Option<AccEcnInfo>,
    /// Data in a SYN of this connection was accepted (RFC 7413).
    pub syn_data: bool,
    /// How Fast Open failed.
    pub fast_open_fail: crate::fast_open::ClientFail,
    /// Smoothed round-trip time; zero before the first measurement.
    pub srtt: Duration,
    /// Its variation.
    pub rttvar: Duration,
    /// Smallest round-trip time seen.
    pub min_rtt: Duration,
    /// Retransmission timeout, with back-off.
    pub rto: Duration,
    /// Delay of delayed ACKs.
    pub ato: Duration,
    /// Congestion window, in segments.
    pub cwnd: u32,
    /// Slow start threshold, in segments, once one is set.
    pub ssthresh: Option<u32>,
    /// SND.WND, in bytes.
    pub snd_wnd: u64,
    /// RCV.WND, in bytes.
    pub rcv_wnd: u64,
    /// Segments in flight.
    pub unacked: u32,
    /// Segments thought lost.
    pub lost: u32,
    /// Segments SACKed.
    pub sacked: u32,
    /// Segments retransmitted over the connection's life.
    pub retransmitted: u32,
    /// Bytes acknowledged by the peer.
    pub bytes_acked: u64,
    /// Bytes received in order.
    pub bytes_received: u64,
    /// Bytes kept beyond a gap.
    pub held: u64,
    /// Segments sent.
    pub segs_out: u32,
    /// Segments received.
    pub segs_in: u32,
    /// SND.UNA relative to ISS.
    pub snd_una: u64,
    /// SND.NXT relative to ISS.
    pub snd_nxt: u64,
    /// RCV.NXT relative to IRS.
    pub rcv_nxt: u64,
    /// Name of the congestion controller.
    pub congestion: &'static str,
    /// Queued and never sent, in bytes.
    pub notsent: u64,
    /// Send buffer, in bytes.
    pub snd_buf: u32,
    /// Receive buffer, in bytes.
    pub rcv_buf: u32,
    /// What `TCP_INFO` shows besides.
    pub tally: Tally,
    /// Its state.
    pub congestion_info: CongestionInfo,
    /// Bytes a second at which data is paced, if it is.
    pub pacing_rate: Option<u64>,
}

/// What `TCP_INFO` shows besides; what is counted only with [`Config::truesize`](crate::Config) is zero without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Where loss recovery is.
    pub ca_state: CaState,
    /// Timeouts of the first segment outstanding.
    pub retransmits: u32,
    /// Unanswered probes, of the window or for keepalive.
    pub probes: u32,
    /// Doublings of the RTO, or of the interval of probes.
    pub backoff: u32,
    /// Segments retransmitted and thought to be under way.
    pub retransmitting: u32,
    /// When data was last sent, and when data and an ACK last came.
    pub last_sent: Time,
    /// When data last came.
    pub last_data: Time,
    /// When an ACK last came.
    pub last_ack: Time,
    /// Bound on the window offered while it grows, in bytes.
    pub rcv_ssthresh: u64,
    /// The peer's segment size as it was seen, in bytes.
    pub rcv_mss: u32,
    /// The receiver's view of the round-trip time; zero: unknown.
    pub rcv_rtt: Duration,
    /// What the program took in a round trip, in bytes.
    pub rcv_space: u64,
    /// Segments by which the network is known to reorder.
    pub reordering: u32,
    /// How often it was seen to.
    pub reorderings: u32,
    /// Segments delivered, SYN included.
    pub delivered: u32,
    /// Of these, those that came with ECE or were reported as CE.
    pub delivered_ce: u32,
    /// D-SACK blocks received.
    pub dsacks: u32,
    /// Segments with data received.
    pub data_segs_in: u32,
    /// Segments with data sent.
    pub data_segs_out: u32,
    /// Segments received out of order.
    pub out_of_order: u32,
    /// Bytes sent, retransmissions included.
    pub bytes_sent: u64,
    /// Bytes retransmitted.
    pub bytes_retransmitted: u64,
    /// Time in which anything was waiting or outstanding; of it, by the peer's window, and by the send buffer.
    pub busy: Duration,
    /// Time limited by the peer's window.
    pub window_limited: Duration,
    /// Time limited by the send buffer.
    pub buffer_limited: Duration,
    /// Bytes a second at which a pacer would send; `u64::MAX`: no bound.
    pub pacing_rate: u64,
    /// Memory of the receive queue and of the send queue, in bytes.
    pub rcv_memory: u64,
    /// Memory of the send queue, in bytes.
    pub snd_memory: u64,
    /// The peer's data has come as ECT.
    pub ecn_seen: bool,
}

/// Where loss recovery is (Linux `tcp_ca_state`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaState {
    /// All is well.
    #[default]
    Open,
    /// Something is missing, or was.
    Disorder,
    /// The window goes down for a reason other than a loss.
    Cwr,
    /// Fast recovery.
    Recovery,
    /// After a retransmission timeout.
    Loss,
}

impl Tally {
    /// Nothing.
    pub const EMPTY: Tally = Tally {
        ca_state: CaState::Open,
        retransmits: 0,
        probes: 0,
        backoff: 0,
        retransmitting: 0,
        last_sent: Time::ZERO,
        last_data: Time::ZERO,
        last_ack: Time::ZERO,
        rcv_ssthresh: 0,
        rcv_mss: 0,
        rcv_rtt: Duration::ZERO,
        rcv_space: 0,
        reordering: 0,
        reorderings: 0,
        delivered: 0,
        delivered_ce: 0,
        dsacks: 0,
        data_segs_in: 0,
        data_segs_out: 0,
        out_of_order: 0,
        bytes_sent: 0,
        bytes_retransmitted: 0,
        busy: Duration::ZERO,
        window_limited: Duration::ZERO,
        buffer_limited: Duration::ZERO,
        pacing_rate: 0,
        rcv_memory: 0,
        snd_memory: 0,
        ecn_seen: false,
    };
}

/// What AccECN has counted (RFC 9768). Octets are in the order ECT(1), ECT(0), CE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccEcnInfo {
    /// Packets that arrived with CE.
    pub received_ce: u32,
    /// Octets that arrived, by codepoint.
    pub received_bytes: [u32; 3],
    /// Packets that arrived there with CE, as the peer tells.
    pub delivered_ce: u32,
    /// Octets that arrived there, by codepoint.
    pub delivered_bytes: [u32; 3],
    /// Why this end sends no ECT, if so.
    pub mute: Option<crate::accecn::Mute>,
    /// What options have come from the peer.
    pub seen: crate::accecn::Seen,
    /// The options of the peer are not looked at.
    pub ignored: bool,
    /// Our options do not get through.
    pub dropped: bool,
}

/// The timers that run, each by itself, for whoever checks them: [`Info::timer`] shows one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// Retransmission, reordering or loss probe.
    pub retransmit: Option<Time>,
    /// Zero-window probe.
    pub persist: Option<Time>,
    /// Keepalive, or FIN-WAIT-2 of an orphan.
    pub idle: Option<Time>,
    /// Delayed ACK.
    pub ack: Option<Time>,
}

/// The state of a congestion controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CongestionInfo {
    /// Nothing but window and threshold.
    #[default]
    None,
    /// DCTCP.
    Dctcp {
        /// alpha, in parts per million.
        alpha_ppm: u32,
        /// Octets of this window that were marked.
        marked: u64,
        /// Octets of this window that were acknowledged.
        acked: u64,
    },
    /// Vegas.
    Vegas {
        /// The smallest round-trip time.
        base_rtt: Duration,
        /// Samples of this round trip.
        samples: u32,
    },
    /// Westwood+.
    Westwood {
        /// Estimated rate, in bytes a second.
        rate: u64,
    },
    /// BBR.
    Bbr {
        /// The state, in the words of its specification.
        state: &'static str,
        /// Estimated bandwidth, in bytes a second.
        bw: u64,
        /// The smallest round-trip time of the last seconds; zero before the first.
        min_rtt: Duration,
        /// Pacing gain, in percent.
        pacing_gain: u32,
        /// Window gain, in percent.
        cwnd_gain: u32,
    },
}

/// A timer, in the words of `ss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerKind {
    /// Retransmission, reordering or loss probe (`on`).
    Retransmit,
    /// Keepalive, or FIN-WAIT-2 of an orphan (`keepalive`).
    Keepalive,
    /// TIME-WAIT (`timewait`).
    TimeWait,
    /// Zero-window probe (`persist`).
    Persist,
    /// Delayed ACK only (`unknown` in netstat's words; ss shows none).
    DelayedAck,
}

impl Info {
    /// A reading of which only the state is known.
    pub const fn empty(state: State) -> Info {
        Info {
            state,
            recv_q: 0,
            send_q: 0,
            timer: None,
            retries: 0,
            mss: 0,
            advmss: 0,
            pmtu: 0,
            wscale: None,
            timestamps: false,
            sack: false,
            ecn: false,
            accecn: None,
            syn_data: false,
            fast_open_fail: crate::fast_open::ClientFail::Nothing,
            srtt: Duration::ZERO,
            rttvar: Duration::ZERO,
            min_rtt: Duration::ZERO,
            rto: Duration::ZERO,
            ato: Duration::ZERO,
            cwnd: 0,
            ssthresh: None,
            snd_wnd: 0,
            rcv_wnd: 0,
            unacked: 0,
            lost: 0,
            sacked: 0,
            retransmitted: 0,
            bytes_acked: 0,
            bytes_received: 0,
            held: 0,
            segs_out: 0,
            segs_in: 0,
            snd_una: 0,
            snd_nxt: 0,
            rcv_nxt: 0,
            congestion: "",
            notsent: 0,
            snd_buf: 0,
            rcv_buf: 0,
            tally: Tally::EMPTY,
            congestion_info: CongestionInfo::None,
            pacing_rate: None,
        }
    }
}
