//! What this end offers in a SYN or SYN-ACK: MSS, window and window scale, from the configuration and the path.

use std::net::SocketAddr;

use crate::config::Config;
use crate::isn::Tuple;
use crate::segment::{Flags, Options, Segment, Timestamps};
use crate::seq::SeqNum;

/// Bytes of a TCP header without options.
pub const TCP_HEADER: u16 = 20;
/// Bytes that the timestamps option takes in a segment, padding included (RFC 7323, appendix A).
pub const TIMESTAMP_BYTES: u16 = 12;
/// Largest shift of window scaling (RFC 7323, section 2.3).
pub const MAX_SHIFT: u8 = 14;

/// Bytes of the IP header between these ends: no options, no extension headers.
pub const fn ip_header(tuple: &Tuple) -> u16 {
    match tuple.remote {
        SocketAddr::V4(_) => 20,
        SocketAddr::V6(_) => 40,
    }
}

/// The MSS that a path of this MTU carries: MTU less the fixed headers (RFC 9293, section 3.7.1; RFC 6691).
pub const fn mss_of_mtu(tuple: &Tuple, mtu: u16) -> u16 {
    mtu.saturating_sub(ip_header(tuple) + TCP_HEADER)
}

/// The MSS that a peer means who sends no such option (RFC 9293, section 3.7.1; 1220 over IPv6).
pub const fn default_mss(tuple: &Tuple) -> u16 {
    match tuple.remote {
        SocketAddr::V4(_) => 536,
        SocketAddr::V6(_) => 1220,
    }
}

/// The options of a RST that answers `about`: its timestamp comes back, with none of ours (RFC 7323, section 3.2).
pub fn reset_options(config: &Config, about: &Segment) -> Options {
    let echo = about.options.timestamps.filter(|_| config.reset_timestamps);
    let timestamps = echo.map(|ts| Timestamps { val: 0, ecr: ts.val });
    Options { timestamps, order: config.option_order, ..Options::default() }
}

/// The RST that answers a segment for which there is no connection (RFC 9293, section 3.10.7.1).
pub fn reset_to(config: &Config, about: &Segment) -> Segment {
    let reset = if about.has(Flags::ACK) {
        Segment { seq: about.ack, flags: Flags::RST, ..Segment::default() }
    } else {
        let ack = about.seq.add(about.seq_len());
        Segment { seq: SeqNum(0), ack, flags: Flags::RST | Flags::ACK, ..Segment::default() }
    };
    Segment { src: about.dst, dst: about.src, options: reset_options(config, about), ..reset }
}

/// Path MTUs that are common: what to try next when an old router does not say (RFC 1191, section 7.1).
const PLATEAUS: [u16; 10] = [32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68];

/// The largest common path MTU below `len`, the length of a packet that was too large, in bytes.
pub fn plateau_below(len: u16) -> u16 {
    PLATEAUS.into_iter().find(|plateau| *plateau < len).unwrap_or(68)
}

/// Least MTU of an IPv4 link (RFC 791, section 3.1) and of an IPv6 link (RFC 8200, section 5), in bytes.
const LEAST_MTU: (u16, u16) = (68, 1280);

/// The least MTU of a path between these ends, in bytes.
pub const fn least_mtu(tuple: &Tuple) -> u16 {
    match tuple.remote {
        SocketAddr::V4(_) => LEAST_MTU.0,
        SocketAddr::V6(_) => LEAST_MTU.1,
    }
}

/// What to make of ICMP's claim that a path takes no more than `mtu` bytes: the MTU to go down to, or
/// `None` where no such path can be. IPv6 knows none below 1280 (RFC 8201, section 4); below the floor of the configuration
/// nothing is believed, so that a lie cannot shrink segments to nothing.
pub fn believable_mtu(config: &Config, v6: bool, mtu: u16) -> Option<u16> {
    if v6 {
        return (mtu >= LEAST_MTU.1).then_some(mtu);
    }
    let impossible = config.cautious_pmtu && mtu < LEAST_MTU.0;
    (!impossible).then_some(mtu.max(config.min_pmtu).max(LEAST_MTU.0))
}

/// The MSS to announce, in bytes: what the interface carries, or what the clamp or the route says if that is less.
pub fn announced_mss(config: &Config, tuple: &Tuple, mtu: u16) -> u16 {
    clamped_mss(config, tuple, mtu).min(config.advmss.unwrap_or(u16::MAX)).max(1)
}
/// What the interface carries, or the clamp if that is less.
fn clamped_mss(config: &Config, tuple: &Tuple, mtu: u16) -> u16 {
    mss_of_mtu(tuple, mtu).min(config.mss.unwrap_or(u16::MAX)).max(1)
}

/// The MSS to send with, before options are taken off: the peer's option (or the default) within what this end
/// can carry and will believe (RFC 9293, section 3.7.1).
pub fn send_mss(config: &Config, tuple: &Tuple, mtu: u16, option: Option<u16>) -> u16 {
    told_mss(tuple, option).max(config.min_mss).min(clamped_mss(config, tuple, mtu)).max(1)
}

/// The MSS that the peer's option says, or the default of the address family (RFC 9293, section 3.7.1).
pub fn told_mss(tuple: &Tuple, option: Option<u16>) -> u16 {
    option.filter(|mss| *mss > 0).unwrap_or(default_mss(tuple))
}

/// The window of the first segments, in bytes: what the buffer holds and 16 bits can say, in whole segments of
/// `segment` bytes, as Linux counts it.
pub fn initial_window(config: &Config, rcv_buf: u32, segment: u16) -> u32 {
    let segment = u32::from(segment.max(1));
    if config.truesize {
        // Half of the memory is taken to become data, until segments have shown how much does.
        let space = rcv_buf / 2;
        let whole = if space > segment { space - space % segment } else { space };
        return whole.min(config.initial_rcv_wnd).min(65_535);
    }
    let space = rcv_buf.min(config.initial_rcv_wnd).min(65_535);
    if space > segment && !config.buffers_in_segments { space - space % segment } else { space }
}

/// The shift to offer for a receive buffer that may grow to `most`, in bytes. A buffer that a program has chosen cannot
/// grow; under Linux one that it has not counts as `rmem_max` at least.
pub fn shift_to_offer(config: &Config, rcv_buf: u32, most: u32) -> u8 {
    const RMEM_MAX: u32 = 212_992;
    if !config.truesize {
        return window_shift(most);
    }
    window_shift(if most <= rcv_buf { rcv_buf / 2 } else { most.max(RMEM_MAX) })
}

/// The smallest shift with which 16 bits can say `largest`, in bytes (RFC 7323, section 2.3).
pub const fn window_shift(largest: u32) -> u8 {
    let mut shift = 0;
    while shift < MAX_SHIFT && largest >> shift > 65_535 {
        shift += 1;
    }
    shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_linux() {
        // Of 131,072 octets of memory Linux gives half to data, in whole segments.
        for (config, of_memory) in [(Config::linux(), 2), (Config::rfc(), 1)] {
            assert_eq!(initial_window(&config, of_memory * 65_536, 1460), 64_240);
            assert_eq!(initial_window(&config, of_memory * 65_536, 1448), 65_160);
            assert_eq!(initial_window(&config, of_memory * 65_536, 536), 65_392);
            assert_eq!(initial_window(&config, of_memory * 4096, 1460), 2920);
        }
        assert_eq!(window_shift(33_554_432), 10);
        assert_eq!(window_shift(65_535), 0);
        assert_eq!(window_shift(u32::MAX), 14);
    }
}
