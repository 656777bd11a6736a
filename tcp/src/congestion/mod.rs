//! Congestion control: how large the window is. Numbers in, numbers out.
//!
//! A controller never sees the sender. It is told what was acknowledged and that congestion was noticed, and answers
//! with a window. When congestion is noticed, what is sent during recovery, and how a timeout or an undo is carried
//! out, is decided in [`crate::recovery`]. Windows are bytes; controllers grow them by whole segments.
//!
//! # One's own controller
//!
//! Add a file with a type that has the four methods of [`Reno`], a variant in
//! [`Congestion`] that names it and one in [`Controller`] that holds it; the compiler shows
//! the rest: each `match` here is exhaustive. State beyond a few words belongs into an `Option<Box<…>>`: an idle
//! connection pays for it. No floats: a run must be the same on each machine.
//!
//! Not here yet: BBR, which also needs delivery rate samples and pacing ([`Sample`] is where they will stand).

mod cubic;
mod fixed;
mod reno;

pub use cubic::Cubic;
pub use fixed::Fixed;
pub use reno::Reno;

use crate::config::{Config, Congestion};
use crate::time::{Duration, Time};

/// What a controller learns from an acknowledgment of new data.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Now.
    pub now: Time,
    /// Octets newly delivered: acknowledged, and not counted before.
    pub acked: u64,
    /// SMSS.
    pub mss: u64,
    /// Congestion window before.
    pub cwnd: u64,
    /// Slow start threshold; `u64::MAX`: none yet.
    pub ssthresh: u64,
    /// Smoothed round-trip time.
    pub srtt: Duration,
    /// Most that slow start may add for this acknowledgment (RFC 3465, section 2.3), in bytes.
    pub slow_start_limit: u64,
}

/// How congestion was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A loss, found without a timeout.
    Loss,
    /// ECE (RFC 3168).
    Ecn,
    /// A retransmission timeout.
    Timeout,
}

/// What a controller learns when congestion is noticed.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// How it was noticed.
    pub signal: Signal,
    /// FlightSize, without what limited transmit has sent (RFC 5681, section 3.2).
    pub flight: u64,
    /// SMSS.
    pub mss: u64,
    /// Congestion window before.
    pub cwnd: u64,
}

/// A congestion controller.
#[derive(Clone, Debug)]
pub enum Controller {
    /// RFC 5681.
    Reno(Reno),
    /// RFC 9438.
    Cubic(Cubic),
    /// A constant window.
    Fixed(Fixed),
}

impl Controller {
    /// The controller that `cfg` names.
    pub fn new(cfg: &Config) -> Controller {
        match cfg.congestion {
            Congestion::Reno => Controller::Reno(Reno::default()),
            Congestion::Cubic => Controller::Cubic(Cubic::default()),
            Congestion::Fixed(segments) => Controller::Fixed(Fixed { segments }),
        }
    }
    /// New data was acknowledged while the window limited sending: returns the new window.
    pub fn on_ack(&mut self, sample: &Sample) -> u64 {
        match self {
            Controller::Reno(c) => c.on_ack(sample),
            Controller::Cubic(c) => c.on_ack(sample),
            Controller::Fixed(c) => c.window(sample.mss),
        }
    }
    /// Congestion was noticed: returns the new slow start threshold, to which the window goes down.
    pub fn on_congestion(&mut self, event: &Event) -> u64 {
        match self {
            Controller::Reno(c) => c.on_congestion(event),
            Controller::Cubic(c) => c.on_congestion(event),
            Controller::Fixed(_) => u64::MAX,
        }
    }
    /// The last reduction was needless (RFC 9438, section 4.9).
    pub fn on_undo(&mut self) {
        match self {
            Controller::Reno(c) => c.on_undo(),
            Controller::Cubic(c) => c.on_undo(),
            Controller::Fixed(_) => {}
        }
    }
    /// The window did not limit sending up to now: this time does not count (RFC 9438, section 4.2).
    pub fn on_app_limited(&mut self, now: Time) {
        match self {
            Controller::Reno(_) | Controller::Fixed(_) => {}
            Controller::Cubic(c) => c.on_app_limited(now),
        }
    }
    /// The window, whatever happens; `None` for a controller that controls.
    pub fn constant(&self, mss: u64) -> Option<u64> {
        match self {
            Controller::Reno(_) | Controller::Cubic(_) => None,
            Controller::Fixed(c) => Some(c.window(mss)),
        }
    }
    /// Its name, as in `ss`.
    pub const fn name(&self) -> &'static str {
        match self {
            Controller::Reno(_) => "reno",
            Controller::Cubic(_) => "cubic",
            Controller::Fixed(_) => "fixed",
        }
    }
}

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
    let segments = if large {
        cfg.initial_window
    } else {
        let by_size = match mss {
            0..=1095 => 4,
            1096..=2190 => 3,
            _ => 2,
        };
        cfg.initial_window.clamp(1, by_size)
    };
    let window = u64::from(segments) * mss;
    match cfg.initial_window_bytes {
        // 6928/2-IW10
        Some(most) if large => window.min(u64::from(most).max(2 * mss)),
        _ => window,
    }
}

/// The initial window of RFC 3390, section 1, in bytes: for a path on which a larger one has failed.
pub fn modest_window(mss: u32) -> u64 {
    let mss = u64::from(mss);
    (4 * mss).min(4380.max(2 * mss))
}

/// Slow start (RFC 5681, section 3.1; RFC 3465, section 2.2): returns the window and how many of the acknowledged
/// octets are left for congestion avoidance.
fn slow_start(s: &Sample) -> (u64, u64) {
    if s.cwnd >= s.ssthresh {
        return (s.cwnd, s.acked);
    }
    let add = s.acked.min(s.slow_start_limit);
    let cwnd = (s.cwnd + add).min(s.ssthresh);
    (cwnd, add - (cwnd - s.cwnd))
}

#[cfg(test)]
mod tests;
