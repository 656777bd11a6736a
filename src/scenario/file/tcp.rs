//! Every knob of a host's TCP, by the name that it has in [`Config`].

mod choices;

use tcp::Duration;
use tcp::config::{self, Config};

pub use choices::{
    AccEcnOption, Congestion, CwndValidation, DelayedAck, Ecn, IcmpLimit, Isn, LossDetection, MtuProbing,
    Nagle, OptionOrder, Pacing, Retries, RtoFloor, SynCookies, Undoing, WindowUpdate,
};

use super::Personality;
use super::loose::Maybe;
use super::table::described;
use crate::scenario::units::{CookieKeys, Rate, Size, Span};

/// How a knob of a file sets one of [`Config`].
trait Knob<T> {
    fn set(&self, target: &mut T);
}
/// Copies a value of the same, or a convertible, type.
macro_rules! plain {
    ($($from:ty => $to:ty: $convert:expr;)*) => {$(
        impl Knob<$to> for Option<$from> {
            fn set(&self, target: &mut $to) {
                let convert: fn($from) -> $to = $convert;
                if let Some(value) = self.clone() {
                    *target = convert(value);
                }
            }
        }
    )*};
}
plain! {
    bool => bool: |b| b;
    u8 => u8: |n| n;
    u16 => u16: |n| n;
    u32 => u32: |n| n;
    Size => u32: |size| u32::try_from(size.0).unwrap_or(u32::MAX);
    Span => Duration: Span::duration;
    CookieKeys => [Option<tcp::fast_open::Key>; 2]: |keys| keys.0;
    Ecn => config::Ecn: Into::into;
    AccEcnOption => config::AccEcnOption: Into::into;
    SynCookies => config::SynCookies: Into::into;
    RtoFloor => config::RtoFloor: Into::into;
    LossDetection => config::LossDetection: Into::into;
    Undoing => config::Undoing: Into::into;
    Nagle => config::Nagle: Into::into;
    MtuProbing => config::MtuProbing: Into::into;
    WindowUpdate => config::WindowUpdate: Into::into;
    CwndValidation => config::CwndValidation: Into::into;
    Pacing => config::Pacing: Into::into;
    OptionOrder => tcp::OptionOrder: Into::into;
    Isn => config::IsnSource: |isn| match isn {
        Isn::Rfc6528 => config::IsnSource::Rfc6528,
        Isn::Fixed(n) => config::IsnSource::Fixed(n),
        Isn::Clock => config::IsnSource::Clock,
    };
    Retries => config::RetryLimit: |limit| match limit {
        Retries::Count(n) => config::RetryLimit::Count(n),
        Retries::Doublings(n) => config::RetryLimit::Doublings(n),
        Retries::Time(span) => config::RetryLimit::Time(span.duration()),
    };
    IcmpLimit => config::IcmpLimit: |limit| match limit {
        IcmpLimit::PerDestination => config::IcmpLimit::PerDestination,
        IcmpLimit::PerSecond(most) => config::IcmpLimit::PerSecond(most),
    };
    Congestion => config::Congestion: |congestion| match congestion {
        Congestion::Reno => config::Congestion::Reno,
        Congestion::Cubic => config::Congestion::Cubic,
        Congestion::Dctcp => config::Congestion::Dctcp,
        Congestion::Vegas => config::Congestion::Vegas,
        Congestion::Westwood => config::Congestion::Westwood,
        Congestion::Bbr => config::Congestion::Bbr,
        Congestion::Bbr1 => config::Congestion::Bbr1,
        Congestion::Fixed(segments) => config::Congestion::Fixed(segments),
    };
}
impl Knob<Option<Duration>> for Maybe<Span> {
    fn set(&self, target: &mut Option<Duration>) {
        self.apply(target, Span::duration);
    }
}
impl Knob<Option<u8>> for Maybe<u8> {
    fn set(&self, target: &mut Option<u8>) {
        self.apply(target, |n| n);
    }
}
impl Knob<Option<u16>> for Maybe<u16> {
    fn set(&self, target: &mut Option<u16>) {
        self.apply(target, |n| n);
    }
}
impl Knob<Option<u32>> for Maybe<u32> {
    fn set(&self, target: &mut Option<u32>) {
        self.apply(target, |n| n);
    }
}
impl Knob<Option<u64>> for Maybe<Rate> {
    fn set(&self, target: &mut Option<u64>) {
        self.apply(target, |rate| (rate.0 / 8).max(1));
    }
}
impl Knob<config::DelayedAck> for Option<DelayedAck> {
    fn set(&self, target: &mut config::DelayedAck) {
        let Some(typed) = self else { return };
        typed.min.set(&mut target.min);
        typed.max.set(&mut target.max);
        typed.every.set(&mut target.every);
        typed.quick.set(&mut target.quick);
        typed.adaptive.set(&mut target.adaptive);
        typed.compress.set(&mut target.compress);
        typed.compress_slack.set(&mut target.compress_slack);
        typed.compress_count.set(&mut target.compress_count);
    }
}

impl Tcp {
    /// A buffer is given in octets of data, not of memory.
    fn counts_data(&self) -> bool {
        let given = [&self.rcv_buf, &self.rcv_buf_max, &self.snd_buf, &self.snd_buf_max]
            .iter()
            .any(|size| size.is_some());
        given && self.truesize.is_none()
    }
}

/// Declares [`Tcp`], and how it changes a [`Config`]. A knob that is added to `Config` must be added here: the
/// pattern in `apply` names every one.
macro_rules! knobs {
    ($($(#[doc = $doc:literal])* $knob:ident: $kind:ty, $example:literal;)*) => {
        described! {
            /// How a host's TCP behaves: a personality, and any knob by its name.
            pub struct Tcp {
                /// The defaults of all that follows.
                personality: Option<Personality> = "the scenario's personality", "Rfc";
                $($(#[doc = $doc])* $knob: $kind = "by personality", $example;)*
            }
        }
        impl Tcp {
            /// Sets the knobs that were typed.
            pub fn apply(&self, config: &mut Config) {
                if self.counts_data() && config.truesize {
                    *config = config.clone().counting_data();
                }
                let Config { $($knob),* } = config;
                $(Knob::set(&self.$knob, $knob);)*
            }
        }
        impl Default for Tcp {
            /// Nothing typed.
            fn default() -> Tcp {
                Tcp { personality: None, $($knob: Default::default()),* }
            }
        }
        impl Tcp {
            /// Number of knobs.
            pub const KNOBS: usize = [$(stringify!($knob)),*].len();
            /// Takes a knob back, by its number.
            pub fn unset(&mut self, number: usize) {
                let _left = number;
                $(
                    if _left == 0 {
                        self.$knob = Default::default();
                        return;
                    }
                    let _left = _left - 1;
                )*
            }
        }
        /// The value of the knob of this name, in words.
        pub fn value(config: &Config, name: &str) -> Option<String> {
            match name {
                $(stringify!($knob) => Some(format!("{:?}", config.$knob)),)*
                _ => None,
            }
        }
    };
}

knobs! {
    // what is offered
    /// Clamp on the MSS announced and used (`TCP_MAXSEG`), in bytes; `None`: from the interface MTU.
    mss: Maybe<u16>, "1200";
    /// Clamp on the MSS announced alone (`ip route … advmss`), in bytes.
    advmss: Maybe<u16>, "1200";
    /// Smallest MSS that a peer can impose (Linux `tcp_min_snd_mss` 48; FreeBSD 216), in bytes.
    min_mss: Option<u16>, "536";
    /// Offer and accept window scaling (RFC 7323, section 2).
    window_scaling: Option<bool>, "true";
    /// Offer and accept timestamps (RFC 7323, section 3).
    timestamps: Option<bool>, "true";
    /// Drop segments without timestamps once they are negotiated (RFC 7323, section 3.2: SHOULD; Linux and FreeBSD
    /// tolerate them).
    require_timestamps: Option<bool>, "true";
    /// A RST that answers a segment with timestamps carries them too (RFC 7323, section 3.2: SHOULD; Linux and FreeBSD leave
    /// them out).
    reset_timestamps: Option<bool>, "true";
    /// Offer and accept selective acknowledgment (RFC 2018).
    sack: Option<bool>, "true";
    /// Report duplicates in a first SACK block (RFC 2883).
    dsack: Option<bool>, "true";
    /// Explicit congestion notification (RFC 3168; RFC 9768; Linux `tcp_ecn`).
    ecn: Option<Ecn>, "On";
    /// Give ECN up where the path seems to interfere: a SYN that is repeated asks no more (RFC 3168, section 6.1.1.1;
    /// RFC 9768, section 3.1.4), and an ECN field that was changed on the way stops ECT (RFC 9768, section 3.2.2.3;
    /// Linux `tcp_ecn_fallback`).
    ecn_fallback: Option<bool>, "false";
    /// A SYN-ACK with ECE turns ECN on also behind a repeated SYN that did not ask for it, and the first data says CWR (Linux;
    /// RFC 3168, section 6.1.1 has no ECT after such a SYN).
    ecn_outlives_fallback: Option<bool>, "true";
    /// When the AccECN option is sent (RFC 9768, section 3.2.3; Linux `tcp_ecn_option`).
    accecn_option: Option<AccEcnOption>, "Minimum";
    /// With `Minimum`, at least so many AccECN options go out each round trip (RFC 9768, section 3.2.3.3; Linux
    /// `tcp_ecn_option_beacon`). Zero: none without a reason.
    accecn_beacon: Option<u8>, "1";
    /// CE marks after which an ACK is due (RFC 9768, section 3.2.2.5.1: at most 7; Linux 6, and then the next one that
    /// is owed anyway); `None`: two while data is unacknowledged, three otherwise, as that section recommends.
    accecn_ack_after: Maybe<u8>, "6";
    /// With AccECN, segments without data and retransmissions are ECN-capable too (Linux; RFC 8311, section 4.3), not
    /// only new data (RFC 3168, sections 6.1.4 and 6.1.5).
    accecn_marks_all: Option<bool>, "true";
    /// Feedback that our SYN or SYN-ACK was marked CE makes the initial window that after a loss (RFC 9768, section
    /// 3.2.2.2). Linux leaves the window as it is.
    accecn_syn_response: Option<bool>, "true";
    /// A SYN that asks for classic ECN after one for AccECN, or the other way round, ends the handshake with a reset
    /// (RFC 9768, section 3.1.5). Linux goes by the first.
    accecn_mixed_reset: Option<bool>, "true";
    /// Layout of options.
    option_order: Option<OptionOrder>, "FreeBsd";
    // opening
    /// RTO before the first measurement (RFC 6298, section 2.1: 1 s).
    initial_rto: Option<Span>, "\"1s\"";
    /// RTO after the handshake if the SYN was lost and no timestamp tells (RFC 6298, section 5.7: 3 s).
    rto_after_syn_loss: Option<Span>, "\"1s\"";
    /// How often a SYN is repeated before the open fails (Linux `tcp_syn_retries` 6).
    syn_retries: Option<u8>, "3";
    /// How many of these come at constant intervals before doubling begins, not counted as retries by doubling
    /// (Linux `tcp_syn_linear_timeouts` 4).
    syn_linear_timeouts: Option<u8>, "3";
    /// An open that takes longer fails, whatever the count (FreeBSD: 75 s); `None`: no such limit.
    connect_timeout: Maybe<Span>, "\"75s\"";
    /// An unacceptable ACK in SYN-SENT brings the first repetition of the SYN forward to this time from now (Linux:
    /// two jiffies); `None`: the timer is left alone.
    bad_ack_rearms_syn: Maybe<Span>, "\"8ms\"";
    /// What is written before the connection is open is queued and goes with the handshake's last ACK (RFC 9293, section
    /// 3.10.2; FreeBSD); off: the program waits (Linux). Not with `truesize`.
    queue_before_open: Option<bool>, "true";
    /// A SYN,ACK whose TSecr is none that this end has sent is answered with a reset, and the open goes on (Linux;
    /// RFC 9293 and 7323 look at the ACK field only).
    check_syn_echo: Option<bool>, "false";
    /// How often a SYN-ACK is repeated (Linux `tcp_synack_retries` 5).
    synack_retries: Option<u8>, "3";
    /// Repetitions of the SYN-ACK for which a bare ACK does not complete a handshake (Linux `TCP_DEFER_ACCEPT`).
    defer_accept: Option<u8>, "2";
    /// A full accept queue answers the third ACK with RST (Linux `tcp_abort_on_overflow`).
    abort_on_overflow: Option<bool>, "true";
    /// Largest listen backlog (Linux `somaxconn` 4096).
    somaxconn: Option<u32>, "10";
    /// Bound on half-open requests with SYN cookies off (Linux `tcp_max_syn_backlog`).
    max_syn_backlog: Option<u32>, "10";
    /// SYN cookies (RFC 4987, section 3.6).
    syn_cookies: Option<SynCookies>, "Always";
    /// How the initial sequence number is chosen.
    isn: Option<Isn>, "Fixed(4294967290)";
    /// Fast Open (RFC 7413), Linux's `tcp_fastopen`: the sum of 1 (a client may), 2 (a listener may that asks for it), 4
    /// (a client sends data without a cookie), 0x200 (a server accepts that), 0x400 (each listener may).
    fast_open: Option<u16>, "3";
    /// The key of a server's cookies, four words in hexadecimal, and after a comma one whose cookies are still good (Linux
    /// `tcp_fastopen_key`); else one that the host makes.
    fast_open_keys: Option<CookieKeys>, "\"a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4\"";
    /// How long no client of the host uses Fast Open after a path has swallowed it, doubled each time (Linux
    /// `tcp_fastopen_blackhole_timeout_sec` 0: it is never stopped; RFC 7413, section 4.1.3.1).
    fast_open_blackhole: Option<Span>, "\"1h\"";
    /// How long Fast Open is not used towards an address and port where a SYN with data was lost (RFC 7413, section
    /// 4.1.3.1; Linux: it is tried again at once).
    fast_open_negative: Option<Span>, "\"1min\"";
    // retransmission
    /// Smallest RTO (RFC 6298, section 2.4: 1 s; Linux 200 ms; FreeBSD 30 ms, to which `rto_slop` is added).
    min_rto: Option<Span>, "\"1s\"";
    /// What `min_rto` bounds: the whole RTO, or its variance term so that RTO >= SRTT + min_rto (Linux).
    min_rto_on: Option<RtoFloor>, "Total";
    /// Where a round trip brings several samples, the gains of the estimator are divided by as many, so that its memory is as
    /// long as with one (RFC 7323, section 4.2: SHOULD; with `min_rto_on: Total`; Linux has an estimator of its own).
    rtt_gains_by_flight: Option<bool>, "true";
    /// Added to each RTO, after back-off, up to `max_rto` (FreeBSD `rexmit_slop` 200 ms); not to the first one of a connection,
    /// which nothing was measured for. SYN and SYN-ACK are repeated after 1, 2.2, 4.2 s with it.
    rto_slop: Option<Span>, "\"200ms\"";
    /// Largest RTO (RFC 6298, section 2.5: at least 60 s; Linux 120 s).
    max_rto: Option<Span>, "\"1s\"";
    /// Ticks of the kernel's clock in a second, which its timers fire with (Linux `CONFIG_HZ`: 100, 250 or 1000), the later the
    /// coarser, as its timer wheel has it; `None`: timers are exact, as RFCs count.
    hz: Maybe<u32>, "250";
    /// How much time the wheel has behind it when the run begins: where its ticks lie (of no meaning without `hz`).
    hz_phase: Option<Span>, "\"3ms\"";
    /// R1: retransmissions after which delivery trouble is reported (RFC 9293, section 3.8.3; Linux `tcp_retries1`).
    r1: Option<u8>, "3";
    /// R2: when a connection with unacknowledged data is given up.
    r2: Option<Retries>, "Count(3)";
    /// R2 of a connection that no program holds any more (Linux `tcp_orphan_retries` 8).
    orphan_retries: Option<u8>, "3";
    /// User timeout (RFC 9293, section 3.9.1; RFC 5482); `None`: R2 alone decides.
    user_timeout: Maybe<Span>, "\"75s\"";
    /// What peers are told of the user timeout by an option (RFC 5482, section 3: ADV_UTO); `None`: nothing (Linux and
    /// FreeBSD know no such option).
    user_timeout_option: Maybe<Span>, "\"300s\"";
    /// A peer's option changes the user timeout, unless the program has set it (RFC 5482: CHANGEABLE).
    user_timeout_adopt: Option<bool>, "true";
    /// The shortest user timeout that an option can lead to (RFC 5482, section 3.1: L_LIMIT, at least 100 s); it is always
    /// above the RTO.
    user_timeout_least: Option<Span>, "\"100s\"";
    /// The longest (U_LIMIT).
    user_timeout_most: Option<Span>, "\"1h\"";
    /// How losses are found.
    loss_detection: Option<LossDetection>, "NewReno";
    /// RACK.rtt is that of the segment with the highest number among those an ACK brings, not of the one sent last
    /// (Linux; RFC 8985, section 6.2, step 2: the one sent last).
    rack_rtt_of_last: Option<bool>, "false";
    /// Tail loss probes (RFC 8985, section 7; Linux `tcp_early_retrans`).
    tail_loss_probe: Option<bool>, "true";
    /// What a tail loss probe waits beyond two round-trip times where more than one segment is outstanding (Linux
    /// `TCP_TIMEOUT_MIN_US`; RFC 8985, section 7.2: nothing).
    probe_margin: Option<Span>, "\"0s\"";
    /// New data puts the probe timer off, and with it the timeout, also when the RTO of the first segment is over or a probe is
    /// outstanding (Linux `tcp_schedule_loss_probe`); off: no longer than the RTO (RFC 8985, sections 7.2, 7.3).
    probe_puts_off_rto: Option<bool>, "true";
    /// Spurious timeouts are detected by what the next acknowledgments cover (RFC 5682, F-RTO) and undone.
    frto: Option<bool>, "true";
    /// A repeated timeout of the same segment is looked at by F-RTO like the first (Linux); off: it is followed by conventional
    /// recovery (RFC 5682, section 2.1, step 1).
    frto_repeats: Option<bool>, "true";
    /// What is done about a reduction that is proved to have been needless.
    undo: Option<Undoing>, "Eifel";
    /// Most holes between SACKed blocks that are remembered: a block that would make one more is passed over (FreeBSD
    /// `sack.maxholes` 128); `None`: as many as there are.
    sack_holes: Maybe<u16>, "128";
    /// Duplicate ACKs that signal a loss (RFC 5681, section 3.2: 3).
    dupthresh: Option<u8>, "3";
    /// The number of duplicate ACKs that signals a loss grows with the reordering that was seen, up to this many (Linux
    /// `tcp_max_reordering` 300; no more than `dupthresh`: it stays as it is).
    max_reordering: Option<u16>, "300";
    /// A small segment that is sent again takes along those behind it that fit (Linux `tcp_retrans_collapse`; FreeBSD keeps no
    /// borders of segments; RFC 9293, section 3.8.1: permitted).
    retrans_collapse: Option<bool>, "false";
    /// New data on the first two duplicate ACKs (RFC 3042).
    limited_transmit: Option<bool>, "true";
    /// Proportional rate reduction during recovery (RFC 9937).
    prr: Option<bool>, "true";
    // congestion control
    /// The controller.
    congestion: Option<Congestion>, "Reno";
    /// Initial window in segments (RFC 6928: 10; RFC 5681: 2 to 4).
    initial_window: Option<u32>, "10";
    /// Bound on the initial window where it is more than four segments, in bytes: never less than two segments (RFC
    /// 6928, section 2: 14600); `None`: segments alone count (Linux).
    initial_window_bytes: Maybe<u32>, "14600";
    /// A loss in an initial or restart window of more than 4 KB makes later restart windows, and for ten minutes the initial
    /// windows of new connections to the same address, those of RFC 3390 (RFC 6928, sections 2 and 12: SHOULD; Linux keeps 10).
    initial_window_fallback: Option<bool>, "true";
    /// A reduction takes its share of cwnd (Linux, FreeBSD), not of what is in flight (RFC 5681, section 3.1); a
    /// timeout inside a recovery is then no further reduction.
    ssthresh_from_cwnd: Option<bool>, "true";
    /// The window counts segments, whatever their length (Linux): ten small ones fill a window of ten, and each that is
    /// acknowledged earns one. PRR relates what arrives to the window before the loss. Off: octets (RFC 5681), and what was in
    /// flight (RFC 9937). Models (BBR) count octets all the same.
    cwnd_in_segments: Option<bool>, "false";
    /// ECE at a window of one segment stops sending until the retransmission timer expires (RFC 3168, section 6.1.2;
    /// Linux and FreeBSD go no lower than two).
    ecn_stops_at_one: Option<bool>, "true";
    /// ECE reduces the window also where it finds nothing outstanding, of which it could tell (RFC 3168, section 6.1.2, asks for
    /// the reduction whatever is outstanding; Linux looks at what ECE says only where something is).
    ecn_reduces_idle: Option<bool>, "true";
    /// Collapse cwnd after an idle RTO (RFC 5681, section 4.1; Linux `tcp_slow_start_after_idle`).
    slow_start_after_idle: Option<bool>, "true";
    /// An idle connection's window is halved for each RTO, not collapsed at once; one that goes unused for an RTO is
    /// lowered half way to what was used (RFC 2861; Linux).
    idle_halving: Option<bool>, "true";
    /// Largest increase per ACK in slow start, in segments (RFC 3465: L = 2); `None`: all that was acknowledged.
    abc_limit: Maybe<u32>, "2";
    /// CUBIC by Linux's arithmetic (whole segments, ticks of 4 ms, Linux's HyStart), not to the letter of RFC 9438.
    cubic_ticks: Option<bool>, "false";
    /// CUBIC leaves slow start when round-trip times rise: HyStart++ (RFC 9406), or Linux's HyStart with
    /// `cubic_ticks`.
    hystart: Option<bool>, "false";
    /// What Linux's HyStart looks at (`hystart_detect`): 1 trains of acknowledgments, 2 delays, 3 both.
    hystart_detect: Option<u8>, "2";
    /// CUBIC leaves room to others after a loss at a smaller window than before (RFC 9438, section 4.7).
    fast_convergence: Option<bool>, "false";
    /// Reno and CUBIC reduce less on ECE than on a loss (ABE, RFC 8511).
    abe: Option<bool>, "true";
    /// With DCTCP, pure ACKs and retransmissions go out as ECT as well (RFC 8257, section 4.1; not so SYN and SYN-ACK).
    ect_on_control: Option<bool>, "false";
    /// What is done about a window that the program does not use.
    cwnd_validation: Option<CwndValidation>, "Rfc7661";
    /// Which connections are paced.
    pacing: Option<Pacing>, "Fq";
    /// Pacing rate in slow start, in percent of a window each round trip (Linux `tcp_pacing_ss_ratio` 200).
    pacing_ss_ratio: Option<u16>, "400";
    /// The same in congestion avoidance (Linux `tcp_pacing_ca_ratio` 120).
    pacing_ca_ratio: Option<u16>, "200";
    /// Segments of a paced connection that go out unpaced at first (Linux 10).
    pacing_exempt: Option<u16>, "0";
    /// No connection sends faster (`SO_MAX_PACING_RATE`); `None`: no bound.
    max_pacing_rate: Maybe<Rate>, "\"5Mbit\"";
    // acknowledging and sending
    /// When data is acknowledged.
    delayed_ack: Option<DelayedAck>, "(min: \"200ms\", max: \"200ms\")";
    /// Coalescing of small segments (RFC 9293, section 3.7.4).
    nagle: Option<Nagle>, "Off";
    /// Urgent pointer points at the last urgent octet, as RFC 1122 read it (Linux `tcp_stdurg`); else at the
    /// following one (RFC 6093).
    urgent_points_at_last: Option<bool>, "true";
    /// Receive buffer at first, in bytes of data; with `truesize` of memory, of which half is offered as window.
    rcv_buf: Option<Size>, "\"64KiB\"";
    /// Bound to which the receive buffer may grow, in bytes; the window scale offered covers it.
    rcv_buf_max: Option<Size>, "\"64KiB\"";
    /// Send buffer at first, in bytes of data; with `truesize` of memory.
    snd_buf: Option<Size>, "\"64KiB\"";
    /// Buffers count the memory that data takes, cut into skbs, as Linux does; else the data alone. Off where a buffer is
    /// given and this is not.
    truesize: Option<bool>, "false";
    /// Room for headers in front of what is sent (Linux `MAX_TCP_HEADER`, by its configuration: 192, with wireless or tunnels
    /// 320), in bytes: the send buffer is sized with it; only with `truesize`.
    max_tcp_header: Option<u16>, "320";
    /// What an skb takes besides the data that it sends (Linux `SKB_TRUESIZE`), in bytes: 832 with room for 192 of headers, 1280
    /// in kernels before 6.3 with room for 320. An arriving segment takes as much whose options and data fit a small head: up to
    /// 152 octets where it is 832, since 6.3 has a cache of such heads. Only with `truesize`.
    skb_overhead: Option<u16>, "1280";
    /// A program is told of room to write only while less than this waits to be sent, in bytes (Linux
    /// `tcp_notsent_lowat`); only with `truesize`.
    notsent_lowat: Option<u32>, "131072";
    /// Segments that leave back to back, in one skb, at least, however low the pacing rate (Linux `tcp_min_tso_segs` 2).
    min_tso_segs: Option<u8>, "1";
    /// What is a smaller part of the window than one by this waits for the ACK that will make more room, if that is
    /// near (Linux `tcp_tso_win_divisor`; 0: never waits for a part); only with `truesize`.
    tso_win_divisor: Option<u8>, "1";
    /// Bound to which the send buffer may grow, in bytes.
    snd_buf_max: Option<Size>, "\"64KiB\"";
    /// Upper bound on the window of the first segments, in bytes, before whole segments are counted (Linux 65535).
    initial_rcv_wnd: Option<Size>, "\"64KiB\"";
    /// Most blocks kept beyond a gap, and no more than full segments fit into the receive buffer, and one: what would be one more
    /// is dropped (FreeBSD `reass.maxqueuelen` 100); `None`: as memory has it.
    reassembly_blocks: Maybe<u16>, "100";
    /// Let the right edge of the window retreat (RFC 9293, section 3.8.6: SHOULD NOT; ablation).
    shrink_window: Option<bool>, "true";
    /// Smallest interval of zero-window probes; `None`: the RTO (FreeBSD 5 s).
    persist_min: Maybe<Span>, "\"75s\"";
    /// Largest interval of zero-window probes (Linux 120 s; FreeBSD 60 s).
    persist_max: Option<Span>, "\"1s\"";
    /// Zero-window probes carry the next octet of data (FreeBSD, and RFC 9293, section 3.8.6.1), or none and an old
    /// sequence number (Linux).
    probe_with_data: Option<bool>, "true";
    // idle connections and closing
    /// Keepalive is on without a program asking for it.
    keepalive: Option<bool>, "true";
    /// Idle time before the first probe (RFC 9293, section 3.8.4: at least 2 h).
    keepalive_idle: Option<Span>, "\"1s\"";
    /// Time between unanswered probes.
    keepalive_interval: Option<Span>, "\"1s\"";
    /// Unanswered probes after which the connection is given up (Linux 9, FreeBSD 8, the classic text books 10).
    keepalive_count: Option<u8>, "3";
    /// Time in TIME-WAIT: 2 MSL (RFC 9293: 240 s; Linux and FreeBSD 60 s). Zero: no TIME-WAIT at all (ablation).
    time_wait: Option<Span>, "\"1s\"";
    /// Most connections in TIME-WAIT; one that would be one too many is gone at once (Linux `tcp_max_tw_buckets` 262144).
    max_tw_buckets: Option<u32>, "1000";
    /// A RST in TIME-WAIT is ignored (RFC 1337, fix F1; Linux `tcp_rfc1337`).
    rfc1337: Option<bool>, "true";
    /// A SYN with a newer timestamp or sequence number ends TIME-WAIT (RFC 6191; RFC 9293, section 3.6.1).
    time_wait_accepts_syn: Option<bool>, "true";
    /// Reuse of one's own TIME-WAIT for a new active open with timestamps, one second after the last (Linux
    /// `tcp_tw_reuse`): 0 off, 1 on, 2 on the loopback only.
    tw_reuse: Option<u8>, "3";
    /// Limit on FIN-WAIT-2 once no program holds the connection (Linux `tcp_fin_timeout` 60 s; FreeBSD what eight keepalive
    /// probes take, 10 min); `None`: none (RFC 9293).
    fin_wait_2: Maybe<Span>, "\"75s\"";
    /// A RST in SYN-RECEIVED after an active open says "connection refused" (RFC 9293, section 3.10.7.4, MUST-11); off:
    /// "connection reset" (Linux).
    refused_until_open: Option<bool>, "true";
    /// A reset that arrives in CLOSE-WAIT reads as EPIPE (Linux), not as ECONNRESET.
    reset_in_close_wait_is_epipe: Option<bool>, "true";
    /// A reset once both sides have sent FIN is no error for the program (RFC 9293, section 3.10.7.4: CLOSING and
    /// LAST-ACK just end); off: it reads as ECONNRESET.
    reset_after_fins_is_silent: Option<bool>, "true";
    /// Close with unread data sends RST (RFC 9293, section 3.6.1, after RFC 2525).
    reset_on_unread: Option<bool>, "true";
    // defences
    /// The acceptability test of RFC 9293 (section 3.4, table 6) to the letter, and no RST but at RCV.NXT. Off (Linux):
    /// an arrival at the right edge is looked at, and a RST at the right edge of what was SACKed, or with the number of
    /// a FIN that was taken, resets.
    exact_window: Option<bool>, "true";
    /// Which segments bring a new send window. Doubting a smaller one keeps ACKs that were overtaken from closing it.
    window_update: Option<WindowUpdate>, "Larger";
    /// A FIN that stands just beyond the window is taken (Linux since 6.17: some peers send it into a closed
    /// window; RFC 9293, section 3.10.7.4: not acceptable).
    fin_beyond_window: Option<bool>, "false";
    /// Only a RST at exactly RCV.NXT resets; others in the window draw a challenge ACK (RFC 5961, section 3.2). Off:
    /// any RST in the window resets (RFC 793).
    challenge_rst: Option<bool>, "true";
    /// A SYN in a synchronized state draws a challenge ACK (RFC 5961, section 4.2). Off: one in the window resets.
    challenge_syn: Option<bool>, "true";
    /// A SYN in the window of a half-open connection that a listener has draws a RST and is the end of it (Linux
    /// `tcp_check_req`; RFC 9293, section 3.10.7.4, without the RST: back to LISTEN). Off: as `challenge_syn` says.
    syn_resets_request: Option<bool>, "false";
    /// ICMP errors count if they quote what is in flight (RFC 5927, section 4.1). Off: SND.NXT as well, which is what a
    /// bare ACK has (Linux `tcp_v4_err`).
    icmp_exact: Option<bool>, "true";
    /// ACKs older than SND.UNA - MAX.SND.WND are refused (RFC 5961, section 5.2).
    ack_range: Option<bool>, "true";
    /// At most `challenge_count` challenge or out-of-window ACKs per connection in this time, which begins with the first of
    /// them (RFC 5961, section 7; Linux `tcp_invalid_ratelimit` 500 ms; FreeBSD `ack_war_timewindow` 1 s). Zero: no limit.
    challenge_interval: Option<Span>, "\"1s\"";
    /// How many those are, up to 15 (Linux 1; FreeBSD `ack_war_cnt` 5; RFC 5961, section 7: 10 in 5 s).
    challenge_count: Option<u8>, "10";
    /// The answers to empty probes, of the window or for keepalive, fall under `challenge_interval` in full (Linux);
    /// else only half of it must lie between two (RFC 9293, section 3.8.6.1, wants each answered).
    limit_probe_answers: Option<bool>, "true";
    /// Protection against wrapped sequence numbers (RFC 7323, section 5); off is an ablation.
    paws: Option<bool>, "true";
    /// Ticks that a timestamp may lie behind TS.Recent and still pass (Linux 1: a swap within a tick is no wrap).
    paws_slack: Option<u8>, "1";
    /// An ACK without data is judged by its numbers though its timestamp is old: one that is late is looked at or dropped in
    /// silence (Linux), not answered (RFC 7323, section 5.3, R1).
    paws_spares_acks: Option<bool>, "true";
    // IP
    /// Path MTU discovery: DF is set (RFC 1191).
    path_mtu_discovery: Option<bool>, "true";
    /// Smallest path MTU believed (Linux `min_pmtu` 552; FreeBSD 256, which takes its least MSS; RFC 1191: 68), in bytes.
    min_pmtu: Option<u16>, "536";
    /// ICMP's claim of a smaller MTU is doubted: one that no path has is ignored, one below what was already acknowledged
    /// waits until a timeout of the quoted segment confirms it (RFC 5927, section 7.2: SHOULD; Linux and FreeBSD believe).
    cautious_pmtu: Option<bool>, "true";
    /// The MSS that is announced is the interface's, whatever is known of the path (RFC 1191, section 3.1: SHOULD; Linux and
    /// FreeBSD announce what the path takes).
    mss_of_interface: Option<bool>, "true";
    /// The MSS in a SYN,ACK is the interface's though a path of the same peer is known to take less (Linux since
    /// 7.2; before, and in a SYN still, what the path takes).
    syn_ack_mss_of_interface: Option<bool>, "false";
    /// How long a smaller path MTU is believed before larger segments are tried again (RFC 1191, section 6.3: 10 min;
    /// Linux `mtu_expires`; FreeBSD's host cache 1 h).
    pmtu_expires: Option<Span>, "\"10min\"";
    /// Finding the path MTU without ICMP (RFC 4821; Linux `tcp_mtu_probing`).
    mtu_probing: Option<MtuProbing>, "Always";
    /// Payload of the segments that the search begins with: of search_low (Linux `tcp_base_mss` 1024), in bytes.
    base_mss: Option<u16>, "536";
    /// No black hole makes segments smaller than this (Linux `tcp_mtu_probe_floor` 48), in bytes.
    mtu_probe_floor: Option<u16>, "256";
    /// The search has converged when search_high and search_low are less than this apart (Linux `tcp_probe_threshold` 8), in
    /// bytes.
    mtu_probe_threshold: Option<u16>, "32";
    /// How long after the last search began a search that has converged may begin anew (Linux `tcp_probe_interval` 10 min;
    /// RFC 4821, section 7.3: 5 min at least).
    mtu_probe_interval: Option<Span>, "\"5min\"";
    /// The search is that of RFC 4821 to the letter: both ends begin with search_low, no probe follows soon on one that was
    /// lost, and a loss beside that of the probe counts as congestion. Linux: a passive end begins with what the interface
    /// carries; the next probe follows at once; what is lost along with the probe counts no more than the probe.
    cautious_mtu_search: Option<bool>, "true";
    /// The SYN-ACK of a simultaneous open offers what the SYN did, whatever the peer's SYN said, and windows are scaled as if the
    /// peer had agreed (Linux; RFC 7323, section 2.2 allows the option only behind one).
    crossing_keeps_offer: Option<bool>, "true";
    /// `TCP_MAXSEG` bounds what a connection that is open sends (FreeBSD); off: it says what the next SYN announces, and no
    /// more (Linux).
    late_max_seg: Option<bool>, "true";
    /// A SYN that ends a TIME-WAIT is answered with a number 65,537 above what the old connection has used (Linux
    /// `tcp_timewait_state_process`); off: only if the one that was drawn is not above that (RFC 9293, section 3.6.1).
    isn_follows_time_wait: Option<bool>, "true";
    /// Buffers are rounded up to whole segments once the connection is open, and the first window is all that the receive
    /// buffer holds (FreeBSD); off: the first window is a whole number of segments (Linux).
    buffers_in_segments: Option<bool>, "true";
    /// A segment with a signature (RFC 2385) on a connection that has no key is dropped (Linux); else the option is passed
    /// over like any that nobody knows (RFC 9293, section 3.1: MUST-6).
    drop_signed: Option<bool>, "true";
    /// A hard ICMP error ends a synchronized connection (RFC 9293, section 3.9.2.2: SHOULD); off: it is soft (RFC
    /// 5927, Linux).
    icmp_hard_errors: Option<bool>, "true";
    /// A host or net unreachable ends an open at once (Linux; RFC 5461), else it is soft.
    icmp_aborts_connect: Option<bool>, "true";
    /// Where it is soft, it ends an open that another has come to before, once the SYN was repeated more often than this (RFC
    /// 5461, section 4.1; FreeBSD 3); `None`: however many come, the open goes on.
    icmp_aborts_after: Maybe<u8>, "3";
    /// A prohibited network, host or communication, and an unreachable protocol, refuse a connection as an unreachable port does,
    /// and a time to live that is exceeded ends an open (FreeBSD `icmp_may_rst`); off: as RFC 1122, section 4.2.3.9, has it.
    icmp_filters_refuse: Option<bool>, "true";
    /// How many ICMP errors this host sends (RFC 1812, section 4.3.2.8).
    icmp_limit: Option<IcmpLimit>, "PerSecond(200)";
    /// Over IPv4, too, the sender of a fragment that cannot be is told (RFC 1122, section 3.2.2.5: SHOULD); over IPv6 he always
    /// is (RFC 8200, section 4.5).
    parameter_problems: Option<bool>, "true";
    /// ICMP unreachable for outstanding data undoes RTO back-off (RFC 6069).
    icmp_undoes_backoff: Option<bool>, "true";
    // ablations: what breaks without a mechanism
    /// A passive open is complete on the SYN: the third ACK is not waited for.
    two_way_handshake: Option<bool>, "true";
}
