//! Every knob of an endpoint, and the three personalities that set them.
//!
//! A personality is data: nothing in this crate asks which one it runs under. Values and sources stand beside each
//! field; "Linux" is 6.18, "FreeBSD" 15.

mod choices;
mod personalities;
mod together;

pub use choices::{
    AccEcnOption, Congestion, CwndValidation, DelayedAck, Ecn, IcmpLimit, IsnSource, LossDetection,
    MtuProbing, Nagle, Pacing, RetryLimit, RtoFloor, SynCookies, Undoing, WindowUpdate,
};

use crate::time::Duration;

/// How one endpoint behaves. Shared between the connections of a host behind an [`Arc`](std::sync::Arc).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    // --- what is offered ---------------------------------------------------------------------------------------
    /// Clamp on the MSS announced and used (`TCP_MAXSEG`), in bytes; `None`: from the interface MTU.
    pub mss: Option<u16>,
    /// Clamp on the MSS announced alone (`ip route … advmss`), in bytes.
    pub advmss: Option<u16>,
    /// Smallest MSS that a peer can impose (Linux `tcp_min_snd_mss` 48; FreeBSD 216), in bytes.
    pub min_mss: u16,
    /// Offer and accept window scaling (RFC 7323, section 2).
    pub window_scaling: bool,
    /// Offer and accept timestamps (RFC 7323, section 3).
    pub timestamps: bool,
    /// Drop segments without timestamps once they are negotiated (RFC 7323, section 3.2: SHOULD; Linux and FreeBSD
    /// tolerate them).
    pub require_timestamps: bool,
    /// A RST that answers a segment with timestamps carries them too (RFC 7323, section 3.2: SHOULD; Linux and FreeBSD leave
    /// them out).
    pub reset_timestamps: bool,
    /// Offer and accept selective acknowledgment (RFC 2018).
    pub sack: bool,
    /// Report duplicates in a first SACK block (RFC 2883).
    pub dsack: bool,
    /// Explicit congestion notification (RFC 3168; RFC 9768; Linux `tcp_ecn`).
    pub ecn: Ecn,
    /// Give ECN up where the path seems to interfere: a SYN that is repeated asks no more (RFC 3168, section 6.1.1.1;
    /// RFC 9768, section 3.1.4), and an ECN field that was changed on the way stops ECT (RFC 9768, section 3.2.2.3;
    /// Linux `tcp_ecn_fallback`).
    pub ecn_fallback: bool,
    /// A SYN-ACK with ECE turns ECN on also behind a repeated SYN that did not ask for it, and the first data says CWR (Linux;
    /// RFC 3168, section 6.1.1 has no ECT after such a SYN).
    pub ecn_outlives_fallback: bool,
    /// When the AccECN option is sent (RFC 9768, section 3.2.3; Linux `tcp_ecn_option`).
    pub accecn_option: AccEcnOption,
    /// With [`AccEcnOption::Minimum`], at least so many AccECN options go out each round trip (RFC 9768, section
    /// 3.2.3.3; Linux `tcp_ecn_option_beacon`). Zero: none without a reason.
    pub accecn_beacon: u8,
    /// CE marks after which an ACK is due (RFC 9768, section 3.2.2.5.1: at most 7; Linux 6, and then the next one that
    /// is owed anyway); `None`: two while data is unacknowledged, three otherwise, as that section recommends.
    pub accecn_ack_after: Option<u8>,
    /// With AccECN, segments without data and retransmissions are ECN-capable too (Linux; RFC 8311, section 4.3), not
    /// only new data (RFC 3168, sections 6.1.4 and 6.1.5).
    pub accecn_marks_all: bool,
    /// Feedback that our SYN or SYN-ACK was marked CE makes the initial window that after a loss (RFC 9768, section
    /// 3.2.2.2). Linux leaves the window as it is.
    pub accecn_syn_response: bool,
    /// A SYN that asks for classic ECN after one for AccECN, or the other way round, ends the handshake with a reset
    /// (RFC 9768, section 3.1.5). Linux goes by the first.
    pub accecn_mixed_reset: bool,
    /// Layout of options.
    pub option_order: crate::segment::OptionOrder,

    // --- opening -----------------------------------------------------------------------------------------------
    /// RTO before the first measurement (RFC 6298, section 2.1: 1 s).
    pub initial_rto: Duration,
    /// RTO after the handshake if the SYN was lost and no timestamp tells (RFC 6298, section 5.7: 3 s).
    pub rto_after_syn_loss: Duration,
    /// How often a SYN is repeated before the open fails (Linux `tcp_syn_retries` 6).
    pub syn_retries: u8,
    /// How many of these come at constant intervals before doubling begins, not counted as retries by doubling
    /// (Linux `tcp_syn_linear_timeouts` 4).
    pub syn_linear_timeouts: u8,
    /// An open that takes longer fails, whatever the count (FreeBSD: 75 s); `None`: no such limit.
    pub connect_timeout: Option<Duration>,
    /// An unacceptable ACK in SYN-SENT brings the first repetition of the SYN forward to this time from now (Linux:
    /// two jiffies); `None`: the timer is left alone.
    pub bad_ack_rearms_syn: Option<Duration>,
    /// What is written before the connection is open is queued and goes with the handshake's last ACK (RFC 9293, section
    /// 3.10.2; FreeBSD); off: the program waits (Linux). Not with `truesize`.
    pub queue_before_open: bool,
    /// A SYN,ACK whose TSecr is none that this end has sent is answered with a reset, and the open goes on (Linux;
    /// RFC 9293 and 7323 look at the ACK field only).
    pub check_syn_echo: bool,
    /// How often a SYN-ACK is repeated (Linux `tcp_synack_retries` 5).
    pub synack_retries: u8,
    /// Repetitions of the SYN-ACK for which a bare ACK does not complete a handshake (Linux `TCP_DEFER_ACCEPT`).
    pub defer_accept: u8,
    /// A full accept queue answers the third ACK with RST (Linux `tcp_abort_on_overflow`).
    pub abort_on_overflow: bool,
    /// Largest listen backlog (Linux `somaxconn` 4096).
    pub somaxconn: u32,
    /// Bound on half-open requests with SYN cookies off (Linux `tcp_max_syn_backlog`).
    pub max_syn_backlog: u32,
    /// SYN cookies (RFC 4987, section 3.6).
    pub syn_cookies: SynCookies,
    /// How the initial sequence number is chosen.
    pub isn: IsnSource,

    // --- retransmission ----------------------------------------------------------------------------------------
    /// Smallest RTO (RFC 6298, section 2.4: 1 s; Linux 200 ms; FreeBSD 30 ms, to which `rto_slop` is added).
    pub min_rto: Duration,
    /// What `min_rto` bounds: the whole RTO, or its variance term so that RTO >= SRTT + min_rto (Linux).
    pub min_rto_on: RtoFloor,
    /// Where a round trip brings several samples, the gains of the estimator are divided by as many, so that its memory is as
    /// long as with one (RFC 7323, section 4.2: SHOULD; with [`RtoFloor::Total`]; Linux has an estimator of its own).
    pub rtt_gains_by_flight: bool,
    /// Added to each RTO, after back-off, up to `max_rto` (FreeBSD `rexmit_slop` 200 ms); not to the first one of a connection,
    /// which nothing was measured for. SYN and SYN-ACK are repeated after 1, 2.2, 4.2 s with it.
    pub rto_slop: Duration,
    /// Largest RTO (RFC 6298, section 2.5: at least 60 s; Linux 120 s).
    pub max_rto: Duration,
    /// Ticks of the kernel's clock in a second, which its timers fire with (Linux `CONFIG_HZ`: 100, 250 or 1000), the later the
    /// coarser, as its timer wheel has it: see [`wheel`](crate::wheel). `None`: timers are exact, as RFCs count.
    pub hz: Option<u32>,
    /// How much time the wheel has behind it when the run begins: where its ticks lie (of no meaning without `hz`).
    pub hz_phase: Duration,
    /// R1: retransmissions after which delivery trouble is reported (RFC 9293, section 3.8.3; Linux `tcp_retries1`).
    pub r1: u8,
    /// R2: when a connection with unacknowledged data is given up.
    pub r2: RetryLimit,
    /// R2 of a connection that no program holds any more (Linux `tcp_orphan_retries` 8).
    pub orphan_retries: u8,
    /// User timeout (RFC 9293, section 3.9.1; RFC 5482); `None`: R2 alone decides.
    pub user_timeout: Option<Duration>,
    /// What peers are told of the user timeout by an option (RFC 5482, section 3: ADV_UTO); `None`: nothing (Linux and
    /// FreeBSD know no such option).
    pub user_timeout_option: Option<Duration>,
    /// A peer's option changes the user timeout, unless the program has set it (RFC 5482: CHANGEABLE).
    pub user_timeout_adopt: bool,
    /// The shortest user timeout that an option can lead to (RFC 5482, section 3.1: L_LIMIT, at least 100 s); it is always
    /// above the RTO.
    pub user_timeout_least: Duration,
    /// The longest (U_LIMIT).
    pub user_timeout_most: Duration,
    /// How losses are found.
    pub loss_detection: LossDetection,
    /// RACK.rtt is that of the segment with the highest number among those an ACK brings, not of the one sent last
    /// (Linux; RFC 8985, section 6.2, step 2: the one sent last).
    pub rack_rtt_of_last: bool,
    /// Tail loss probes (RFC 8985, section 7; Linux `tcp_early_retrans`).
    pub tail_loss_probe: bool,
    /// What a tail loss probe waits beyond two round-trip times where more than one segment is outstanding (Linux
    /// `TCP_TIMEOUT_MIN_US`; RFC 8985, section 7.2: nothing).
    pub probe_margin: Duration,
    /// New data puts the probe timer off, and with it the timeout, also when the RTO of the first segment is over or a probe is
    /// outstanding (Linux `tcp_schedule_loss_probe`); off: no longer than the RTO (RFC 8985, sections 7.2, 7.3).
    pub probe_puts_off_rto: bool,
    /// Spurious timeouts are detected by what the next acknowledgments cover (RFC 5682, F-RTO) and undone.
    pub frto: bool,
    /// A repeated timeout of the same segment is looked at by F-RTO like the first (Linux); off: it is followed by conventional
    /// recovery (RFC 5682, section 2.1, step 1).
    pub frto_repeats: bool,
    /// What is done about a reduction that is proved to have been needless.
    pub undo: Undoing,
    /// Most holes between SACKed blocks that are remembered: a block that would make one more is passed over (FreeBSD
    /// `sack.maxholes` 128); `None`: as many as there are.
    pub sack_holes: Option<u16>,
    /// Duplicate ACKs that signal a loss (RFC 5681, section 3.2: 3).
    pub dupthresh: u8,
    /// The number of duplicate ACKs that signals a loss grows with the reordering that was seen, up to this many (Linux
    /// `tcp_max_reordering` 300; no more than `dupthresh`: it stays as it is).
    pub max_reordering: u16,
    /// A small segment that is sent again takes along those behind it that fit (Linux `tcp_retrans_collapse`; FreeBSD keeps no
    /// borders of segments; RFC 9293, section 3.8.1: permitted).
    pub retrans_collapse: bool,
    /// New data on the first two duplicate ACKs (RFC 3042).
    pub limited_transmit: bool,
    /// Proportional rate reduction during recovery (RFC 9937).
    pub prr: bool,

    // --- congestion control ------------------------------------------------------------------------------------
    /// The controller.
    pub congestion: Congestion,
    /// Initial window in segments (RFC 6928: 10; RFC 5681: 2 to 4).
    pub initial_window: u32,
    /// Bound on the initial window where it is more than four segments, in bytes: never less than two segments (RFC
    /// 6928, section 2: 14600); `None`: segments alone count (Linux).
    pub initial_window_bytes: Option<u32>,
    /// A loss in an initial or restart window of more than 4 KB makes later restart windows, and for ten minutes the initial
    /// windows of new connections to the same address, those of RFC 3390 (RFC 6928, sections 2 and 12: SHOULD; Linux keeps 10).
    pub initial_window_fallback: bool,
    /// A reduction takes its share of cwnd (Linux, FreeBSD), not of what is in flight (RFC 5681, section 3.1); a
    /// timeout inside a recovery is then no further reduction.
    pub ssthresh_from_cwnd: bool,
    /// The window counts segments, whatever their length (Linux): ten small ones fill a window of ten, and each that is
    /// acknowledged earns one. PRR relates what arrives to the window before the loss. Off: octets (RFC 5681), and what was in
    /// flight (RFC 9937). Models (BBR) count octets all the same.
    pub cwnd_in_segments: bool,
    /// ECE at a window of one segment stops sending until the retransmission timer expires (RFC 3168, section 6.1.2;
    /// Linux and FreeBSD go no lower than two).
    pub ecn_stops_at_one: bool,
    /// ECE reduces the window also where it finds nothing outstanding, of which it could tell (RFC 3168, section 6.1.2, asks for
    /// the reduction whatever is outstanding; Linux looks at what ECE says only where something is).
    pub ecn_reduces_idle: bool,
    /// Collapse cwnd after an idle RTO (RFC 5681, section 4.1; Linux `tcp_slow_start_after_idle`).
    pub slow_start_after_idle: bool,
    /// An idle connection's window is halved for each RTO, not collapsed at once; one that goes unused for an RTO is
    /// lowered half way to what was used (RFC 2861; Linux).
    pub idle_halving: bool,
    /// Largest increase per ACK in slow start, in segments (RFC 3465: L = 2); `None`: all that was acknowledged.
    pub abc_limit: Option<u32>,
    /// CUBIC by Linux's arithmetic (whole segments, ticks of 4 ms, Linux's HyStart), not to the letter of RFC 9438.
    pub cubic_ticks: bool,
    /// CUBIC leaves slow start when round-trip times rise: HyStart++ (RFC 9406), or Linux's HyStart with
    /// `cubic_ticks`.
    pub hystart: bool,
    /// What Linux's HyStart looks at (`hystart_detect`): 1 trains of acknowledgments, 2 delays, 3 both.
    pub hystart_detect: u8,
    /// CUBIC leaves room to others after a loss at a smaller window than before (RFC 9438, section 4.7).
    pub fast_convergence: bool,
    /// Reno and CUBIC reduce less on ECE than on a loss (ABE, RFC 8511).
    pub abe: bool,
    /// With DCTCP, everything goes out as ECT: SYN, SYN-ACK and RST too (RFC 8257, section 3.6), pure ACKs and
    /// retransmissions (section 4.1). Off: new data only (RFC 3168).
    pub ect_on_control: bool,
    /// What is done about a window that the program does not use.
    pub cwnd_validation: CwndValidation,
    /// Which connections are paced.
    pub pacing: Pacing,
    /// Pacing rate in slow start, in percent of a window each round trip (Linux `tcp_pacing_ss_ratio` 200).
    pub pacing_ss_ratio: u16,
    /// The same in congestion avoidance (Linux `tcp_pacing_ca_ratio` 120).
    pub pacing_ca_ratio: u16,
    /// Segments of a paced connection that go out unpaced at first (Linux 10).
    pub pacing_exempt: u16,
    /// No connection sends faster, in bytes a second (`SO_MAX_PACING_RATE`); `None`: no bound.
    pub max_pacing_rate: Option<u64>,

    // --- acknowledging and sending -----------------------------------------------------------------------------
    /// When data is acknowledged.
    pub delayed_ack: DelayedAck,
    /// Coalescing of small segments (RFC 9293, section 3.7.4).
    pub nagle: Nagle,
    /// Urgent pointer points at the last urgent octet, as RFC 1122 read it (Linux `tcp_stdurg`); else at the
    /// following one (RFC 6093).
    pub urgent_points_at_last: bool,
    /// Receive buffer at first, in bytes of data; with `truesize` of memory, of which half is offered as window.
    pub rcv_buf: u32,
    /// Bound to which the receive buffer may grow, in bytes; the window scale offered covers it.
    pub rcv_buf_max: u32,
    /// Send buffer at first, in bytes of data; with `truesize` of memory.
    pub snd_buf: u32,
    /// Buffers count the memory that data takes, cut into skbs, as Linux does; else the data alone.
    pub truesize: bool,
    /// Room for headers in front of what is sent (Linux `MAX_TCP_HEADER`, by its configuration: 192, with wireless or tunnels
    /// 320), in bytes: the send buffer is sized with it; only with `truesize`.
    pub max_tcp_header: u16,
    /// What an skb takes besides the data that it sends (Linux `SKB_TRUESIZE`), in bytes: 832 with room for 192 of headers, 1280
    /// in kernels before 6.3 with room for 320. An arriving segment takes as much whose options and data fit a small head: up to
    /// 152 octets where it is 832, since 6.3 has a cache of such heads. Only with `truesize`.
    pub skb_overhead: u16,
    /// A program is told of room to write only while less than this waits to be sent, in bytes (Linux
    /// `tcp_notsent_lowat`); only with `truesize`.
    pub notsent_lowat: u32,
    /// Segments that leave back to back, in one skb, at least, however low the pacing rate (Linux `tcp_min_tso_segs` 2).
    pub min_tso_segs: u8,
    /// What is a smaller part of the window than one by this waits for the ACK that will make more room, if that is
    /// near (Linux `tcp_tso_win_divisor`; 0: never waits for a part); only with `truesize`.
    pub tso_win_divisor: u8,
    /// Bound to which the send buffer may grow, in bytes.
    pub snd_buf_max: u32,
    /// Upper bound on the window of the first segments, in bytes, before whole segments are counted (Linux 65535).
    pub initial_rcv_wnd: u32,
    /// Most blocks kept beyond a gap, and no more than full segments fit into the receive buffer, and one: what would be one more
    /// is dropped (FreeBSD `reass.maxqueuelen` 100); `None`: as memory has it.
    pub reassembly_blocks: Option<u16>,
    /// Let the right edge of the window retreat (RFC 9293, section 3.8.6: SHOULD NOT; ablation).
    pub shrink_window: bool,
    /// Smallest interval of zero-window probes; `None`: the RTO (FreeBSD 5 s).
    pub persist_min: Option<Duration>,
    /// Largest interval of zero-window probes (Linux 120 s; FreeBSD 60 s).
    pub persist_max: Duration,
    /// Zero-window probes carry the next octet of data (FreeBSD, and RFC 9293, section 3.8.6.1), or none and an old
    /// sequence number (Linux).
    pub probe_with_data: bool,

    // --- idle connections and closing --------------------------------------------------------------------------
    /// Keepalive is on without a program asking for it.
    pub keepalive: bool,
    /// Idle time before the first probe (RFC 9293, section 3.8.4: at least 2 h).
    pub keepalive_idle: Duration,
    /// Time between unanswered probes.
    pub keepalive_interval: Duration,
    /// Unanswered probes after which the connection is given up (Linux 9, FreeBSD 8, the classic text books 10).
    pub keepalive_count: u8,
    /// Time in TIME-WAIT: 2 MSL (RFC 9293: 240 s; Linux and FreeBSD 60 s). Zero: no TIME-WAIT at all (ablation).
    pub time_wait: Duration,
    /// Most connections in TIME-WAIT; one that would be one too many is gone at once (Linux `tcp_max_tw_buckets` 262144).
    pub max_tw_buckets: u32,
    /// A RST in TIME-WAIT is ignored (RFC 1337, fix F1; Linux `tcp_rfc1337`).
    pub rfc1337: bool,
    /// A SYN with a newer timestamp or sequence number ends TIME-WAIT (RFC 6191; RFC 9293, section 3.6.1).
    pub time_wait_accepts_syn: bool,
    /// Reuse of one's own TIME-WAIT for a new active open with timestamps, one second after the last (Linux
    /// `tcp_tw_reuse`): 0 off, 1 on, 2 on the loopback only.
    pub tw_reuse: u8,
    /// Limit on FIN-WAIT-2 once no program holds the connection (Linux `tcp_fin_timeout` 60 s; FreeBSD what eight keepalive
    /// probes take, 10 min); `None`: none (RFC 9293).
    pub fin_wait_2: Option<Duration>,
    /// A RST in SYN-RECEIVED after an active open says "connection refused" (RFC 9293, section 3.10.7.4, MUST-11); off:
    /// "connection reset" (Linux).
    pub refused_until_open: bool,
    /// A reset that arrives in CLOSE-WAIT reads as EPIPE (Linux), not as ECONNRESET.
    pub reset_in_close_wait_is_epipe: bool,
    /// A reset once both sides have sent FIN is no error for the program (RFC 9293, section 3.10.7.4: CLOSING and
    /// LAST-ACK just end); off: it reads as ECONNRESET.
    pub reset_after_fins_is_silent: bool,
    /// Close with unread data sends RST (RFC 9293, section 3.6.1, after RFC 2525).
    pub reset_on_unread: bool,

    // --- defences ----------------------------------------------------------------------------------------------
    /// The acceptability test of RFC 9293 (section 3.4, table 6) to the letter, and no RST but at RCV.NXT. Off (Linux):
    /// an arrival at the right edge is looked at, and a RST at the right edge of what was SACKed, or with the number of
    /// a FIN that was taken, resets.
    pub exact_window: bool,
    /// Which segments bring a new send window. Doubting a smaller one keeps ACKs that were overtaken from closing it.
    pub window_update: WindowUpdate,
    /// A FIN that stands just beyond the window is taken (Linux since 6.17: some peers send it into a closed
    /// window; RFC 9293, section 3.10.7.4: not acceptable).
    pub fin_beyond_window: bool,
    /// Only a RST at exactly RCV.NXT resets; others in the window draw a challenge ACK (RFC 5961, section 3.2). Off:
    /// any RST in the window resets (RFC 793).
    pub challenge_rst: bool,
    /// A SYN in a synchronized state draws a challenge ACK (RFC 5961, section 4.2). Off: one in the window resets.
    pub challenge_syn: bool,
    /// A SYN in the window of a half-open connection that a listener has draws a RST and is the end of it (Linux
    /// `tcp_check_req`; RFC 9293, section 3.10.7.4, without the RST: back to LISTEN). Off: as `challenge_syn` says.
    pub syn_resets_request: bool,
    /// ICMP errors count if they quote what is in flight (RFC 5927, section 4.1). Off: SND.NXT as well, which is what a
    /// bare ACK has (Linux `tcp_v4_err`).
    pub icmp_exact: bool,
    /// ACKs older than SND.UNA - MAX.SND.WND are refused (RFC 5961, section 5.2).
    pub ack_range: bool,
    /// At most `challenge_count` challenge or out-of-window ACKs per connection in this time, which begins with the first of
    /// them (RFC 5961, section 7; Linux `tcp_invalid_ratelimit` 500 ms; FreeBSD `ack_war_timewindow` 1 s). Zero: no limit.
    pub challenge_interval: Duration,
    /// How many those are, up to 15 (Linux 1; FreeBSD `ack_war_cnt` 5; RFC 5961, section 7: 10 in 5 s).
    pub challenge_count: u8,
    /// The answers to empty probes of a closed window fall under `challenge_interval` in full (Linux); else only half of
    /// it must lie between two (RFC 9293, section 3.8.6.1, wants each answered).
    pub limit_probe_answers: bool,
    /// Protection against wrapped sequence numbers (RFC 7323, section 5); off is an ablation.
    pub paws: bool,
    /// Ticks that a timestamp may lie behind TS.Recent and still pass (Linux 1: a swap within a tick is no wrap).
    pub paws_slack: u8,
    /// An ACK without data is judged by its numbers though its timestamp is old: one that is late is looked at or dropped in
    /// silence (Linux), not answered (RFC 7323, section 5.3, R1).
    pub paws_spares_acks: bool,

    // --- IP ----------------------------------------------------------------------------------------------------
    /// Path MTU discovery: DF is set (RFC 1191).
    pub path_mtu_discovery: bool,
    /// Smallest path MTU believed (Linux `min_pmtu` 552; FreeBSD 256, which takes its least MSS; RFC 1191: 68), in bytes.
    pub min_pmtu: u16,
    /// ICMP's claim of a smaller MTU is doubted: one that no path has is ignored, one below what was already acknowledged
    /// waits until a timeout of the quoted segment confirms it (RFC 5927, section 7.2: SHOULD; Linux and FreeBSD believe).
    pub cautious_pmtu: bool,
    /// The MSS that is announced is the interface's, whatever is known of the path (RFC 1191, section 3.1: SHOULD; Linux and
    /// FreeBSD announce what the path takes).
    pub mss_of_interface: bool,
    /// The MSS in a SYN,ACK is the interface's though a path of the same peer is known to take less (Linux since
    /// 7.2; before, and in a SYN still, what the path takes).
    pub syn_ack_mss_of_interface: bool,
    /// How long a smaller path MTU is believed before larger segments are tried again (RFC 1191, section 6.3: 10 min;
    /// Linux `mtu_expires`; FreeBSD's host cache 1 h).
    pub pmtu_expires: Duration,
    // --- Fast Open ---------------------------------------------------------------------------------------------
    /// Fast Open (RFC 7413), Linux's `tcp_fastopen`: the sum of 1 (a client may), 2 (a listener may that asks for it), 4
    /// (a client sends data without a cookie), 0x200 (a server accepts that), 0x400 (each listener may).
    pub fast_open: u16,
    /// The keys that cookies are made and checked with: the first, and one whose cookies are still good. None: one of the
    /// host's own making.
    pub fast_open_keys: [Option<crate::fast_open::Key>; 2],
    /// How long no client of this host uses Fast Open after a path has swallowed it, doubled each time (Linux
    /// `tcp_fastopen_blackhole_timeout_sec` 0: never stopped; RFC 7413, section 4.1.3.1).
    pub fast_open_blackhole: Duration,
    /// How long Fast Open is not used towards an address and port where a SYN with data was lost (RFC 7413, section
    /// 4.1.3.1; Linux: it is tried again at once).
    pub fast_open_negative: Duration,

    // --- path MTU ----------------------------------------------------------------------------------------------
    /// Finding the path MTU without ICMP (RFC 4821; Linux `tcp_mtu_probing`).
    pub mtu_probing: MtuProbing,
    /// Payload of the segments that the search begins with: of search_low (Linux `tcp_base_mss` 1024), in bytes.
    pub base_mss: u16,
    /// No black hole makes segments smaller than this (Linux `tcp_mtu_probe_floor` 48), in bytes.
    pub mtu_probe_floor: u16,
    /// The search has converged when search_high and search_low are less than this apart (Linux `tcp_probe_threshold` 8), in
    /// bytes.
    pub mtu_probe_threshold: u16,
    /// How long after the last search began a search that has converged may begin anew (Linux `tcp_probe_interval` 10 min;
    /// RFC 4821, section 7.3: 5 min at least).
    pub mtu_probe_interval: Duration,
    /// The search is that of RFC 4821 to the letter: both ends begin with search_low, no probe follows soon on one that was
    /// lost, and a loss beside that of the probe counts as congestion. Linux: a passive end begins with what the interface
    /// carries; the next probe follows at once; what is lost along with the probe counts no more than the probe.
    pub cautious_mtu_search: bool,
    /// The SYN-ACK of a simultaneous open offers what the SYN did, whatever the peer's SYN said, and windows are scaled as if the
    /// peer had agreed (Linux; RFC 7323, section 2.2 allows the option only behind one).
    pub crossing_keeps_offer: bool,
    /// `TCP_MAXSEG` bounds what a connection that is open sends (FreeBSD); off: it says what the next SYN announces, and no
    /// more (Linux).
    pub late_max_seg: bool,
    /// A SYN that ends a TIME-WAIT is answered with a number 65,537 above what the old connection has used (Linux
    /// `tcp_timewait_state_process`); off: only if the one that was drawn is not above that (RFC 9293, section 3.6.1).
    pub isn_follows_time_wait: bool,
    /// Buffers are rounded up to whole segments once the connection is open, and the first window is all that the receive
    /// buffer holds (FreeBSD); off: the first window is a whole number of segments (Linux).
    pub buffers_in_segments: bool,
    /// A segment with a signature (RFC 2385) on a connection that has no key is dropped (Linux); else the option is passed
    /// over like any that nobody knows (RFC 9293, section 3.1: MUST-6).
    pub drop_signed: bool,
    /// A hard ICMP error ends a synchronized connection (RFC 9293, section 3.9.2.2: SHOULD); off: it is soft (RFC
    /// 5927, Linux).
    pub icmp_hard_errors: bool,
    /// A host or net unreachable ends an open at once (Linux; RFC 5461), else it is soft.
    pub icmp_aborts_connect: bool,
    /// Where it is soft, it ends an open that another has come to before, once the SYN was repeated more often than this (RFC
    /// 5461, section 4.1; FreeBSD 3); `None`: however many come, the open goes on.
    pub icmp_aborts_after: Option<u8>,
    /// A prohibited network, host or communication, and an unreachable protocol, refuse a connection as an unreachable port does,
    /// and a time to live that is exceeded ends an open (FreeBSD `icmp_may_rst`); off: as RFC 1122, section 4.2.3.9, has it.
    pub icmp_filters_refuse: bool,
    /// How many ICMP errors this host sends (RFC 1812, section 4.3.2.8).
    pub icmp_limit: IcmpLimit,
    /// Over IPv4, too, the sender of a fragment that cannot be is told (RFC 1122, section 3.2.2.5: SHOULD); over IPv6 he always is
    /// (RFC 8200, section 4.5).
    pub parameter_problems: bool,
    /// ICMP unreachable for outstanding data undoes RTO back-off (RFC 6069).
    pub icmp_undoes_backoff: bool,

    // --- ablations: what breaks without a mechanism ------------------------------------------------------------
    /// A passive open is complete on the SYN: the third ACK is not waited for.
    pub two_way_handshake: bool,
}
