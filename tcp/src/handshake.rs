//! What a completed handshake hands to the connection that begins with it.
//!
//! Filled by a [`Listener`](crate::Listener) from a request or a SYN cookie, and by an active open. Everything here
//! has been negotiated: the connection need not look at the options of a SYN again.

use std::sync::Arc;

use crate::accecn::AccEcn;
use crate::config::Config;
use crate::isn::Tuple;
use crate::resting::words::fold;
use crate::seq::SeqNum;
use crate::time::{Duration, Time};

/// The outcome of a handshake, seen from one end.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// How this end behaves.
    pub config: Arc<Config>,
    /// Addresses and ports.
    pub tuple: Tuple,
    /// MTU of the path as far as it is known, in bytes.
    pub mtu: u16,
    /// Whether this end was the passive one.
    pub passive: bool,
    /// ISS: SND.UNA and SND.NXT are one above it.
    pub iss: SeqNum,
    /// IRS: RCV.NXT is one above it.
    pub irs: SeqNum,
    /// SND.WND, in bytes: the window of the segment that completed the handshake, already scaled.
    pub snd_wnd: u32,
    /// SEG.SEQ of that segment, for SND.WL1.
    pub snd_wl1: SeqNum,
    /// RCV.WND as announced in our SYN or SYN-ACK, in bytes.
    pub rcv_wnd: u32,
    /// Window scaling: the peer's shift and ours (RFC 7323, section 2.3), both zero if not negotiated.
    pub wscale: Option<WindowScale>,
    /// The peer's MSS option, or the default of the address family where it sent none, at least
    /// [`Config::min_mss`] and cut to what `mtu` carries, in bytes; options are not taken off (RFC 6691).
    pub snd_mss: u16,
    /// The peer's MSS option as it is, or the default where it sent none, in bytes.
    pub peer_mss: u16,
    /// The MSS that we announced, in bytes.
    pub rcv_mss: u16,
    /// Timestamps, if both ends sent them (RFC 7323, section 3).
    pub timestamps: Option<TimestampState>,
    /// Both ends permitted SACK (RFC 2018, section 2).
    pub sack: bool,
    /// What both ends agreed on about ECN.
    pub ecn: EcnAgreed,
    /// Round-trip time of the handshake, unless Karn's algorithm forbids the sample (RFC 6298, section 3).
    pub rtt: Option<Duration>,
    /// Octets of data that went with our SYN and are acknowledged (RFC 7413): SND.UNA is as much higher.
    pub syn_acked: u32,
    /// How often our SYN or SYN-ACK was retransmitted (RFC 6298, section 5.7; RFC 6928, section 2).
    pub retransmits: u8,
}

/// What both ends agreed on about ECN, and what the handshake showed.
#[derive(Clone, Debug, Default)]
pub enum EcnAgreed {
    /// No ECN.
    #[default]
    Off,
    /// Classic ECN (RFC 3168, section 6.1.1). `ect`: no SYN or SYN-ACK without ECN flags was sent or received, so that
    /// this end may send ECN-capable packets.
    Classic {
        /// Whether data is sent as ECT.
        ect: bool,
    },
    /// AccECN (RFC 9768).
    Accurate(Box<AccEcn>),
}

/// The two shifts of RFC 7323, section 2.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowScale {
    /// Snd.Wind.Shift: applied to SEG.WND of what arrives; at most 14.
    pub snd: u8,
    /// Rcv.Wind.Shift: applied to what we announce; at most 14.
    pub rcv: u8,
}

/// The timestamps of a connection as the handshake leaves them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TimestampState {
    /// Offset of our clock on this connection, in ticks of 1 ms (RFC 7323, section 7.1).
    pub offset: u32,
    /// TS.Recent: TSval of the segment that completed the handshake.
    pub recent: u32,
    /// When TS.Recent was taken (RFC 7323, section 5.5).
    pub recent_at: Time,
}

fold!(TimestampState { offset, recent, recent_at });

impl TimestampState {
    /// TSval of a segment sent at `now`.
    pub const fn val(&self, now: Time) -> u32 {
        ((now.as_nanos() / 1_000_000) as u32).wrapping_add(self.offset)
    }
}
