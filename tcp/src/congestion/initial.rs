//! The initial window (RFC 5681, section 3.1; RFC 6928).

use super::Fixed;
use crate::config::{Config, Congestion};

/// The initial window, in bytes (RFC 5681, section 3.1; RFC 6928, section 2). `lost`: how often the SYN or SYN-ACK
/// was retransmitted.
pub fn initial_window(mss: u32, lost: u8, cfg: &Config) -> u64 {
    let mss = u64::from(mss);
    if let Congestion::Fixed(segments) = cfg.congestion {
        return (Fixed { segments }).window(mss);
    }
    // RFC 5681: one segment after any loss of the SYN. RFC 6928 forgives one, which may be a long round trip.
    let large = cfg.initial_window > 4;
    if lost > u8::from(large) {
        return mss;
    }
    if !large {
        return small(mss, cfg.initial_window);
    }
    let window = u64::from(cfg.initial_window) * mss;
    match cfg.initial_window_bytes {
        // 6928/2-IW10
        Some(most) => window.min(u64::from(most).max(2 * mss)),
        _ => window,
    }
}

/// At most four segments, fewer of large ones (RFC 5681, section 3.1; RFC 3390).
fn small(mss: u64, segments: u32) -> u64 {
    let by_size = match mss {
        0..=1095 => 4,
        1096..=2190 => 3,
        _ => 2,
    };
    u64::from(segments.clamp(1, by_size)) * mss
}

/// The initial window of RFC 3390, section 1, in bytes: for a path on which a larger one has failed.
pub fn modest_window(mss: u32) -> u64 {
    let mss = u64::from(mss);
    (4 * mss).min(4380.max(2 * mss))
}
