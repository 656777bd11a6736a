//! Congestion control: how large the window is. Numbers in, numbers out.
//!
//! A controller never sees the sender. It is told what acknowledgments brought and that congestion was noticed, and
//! answers with a window. When congestion is noticed, what is sent during recovery, and how a timeout or an undo is
//! carried out, is decided in [`crate::recovery`]. Windows are bytes; controllers grow them by whole segments.
//!
//! There are two kinds:
//! - a *window* controller ([`Control`]) says how the window grows and how far it goes down; RFC 5681, PRR and window
//!   validation do the rest;
//! - a *model* controller ([`Steer`]) sets window and pacing rate itself on each acknowledgment, from delivery rates.
//!
//! `docs/controllers.md` shows how to add one's own. No floats: a run must be the same on each machine. State beyond
//! a few words is boxed: an idle connection pays for it.

mod bbr;
mod bbr1;
mod cubic;
mod cubic_ticks;
mod dctcp;
pub(crate) mod filter;
mod fixed;
mod hystart;
mod hystart_ticks;
mod initial;
mod input;
mod reno;
mod vegas;
mod westwood;

pub use bbr::Bbr;
pub use bbr1::Bbr1;
pub use cubic::Cubic;
pub use cubic_ticks::CubicTicks;
pub use dctcp::Dctcp;
pub use fixed::Fixed;
pub use initial::{initial_window, modest_window};
pub use input::{Delivery, Event, Lost, Phase, Rate, Sample, Signal, Start, Steering};
pub use reno::Reno;
pub use vegas::Vegas;
pub use westwood::Westwood;

use crate::config::{Config, Congestion};
use crate::info::CongestionInfo;
use crate::resting::words::{Fold, Reader, Words};
use crate::seq::Seq;
use crate::time::{Duration, Time};

/// A window controller. Only growth and reduction have to be said; the rest is for those who want to know more.
pub trait Control {
    /// New data was acknowledged while the window limited sending: returns the new window.
    fn on_ack(&mut self, sample: &Sample) -> u64;
    /// Congestion was noticed: returns the new slow start threshold, to which the window goes down.
    fn on_congestion(&mut self, event: &Event) -> u64;
    /// Something was delivered, in whatever phase and whether or not the window was used; comes before
    /// [`on_ack`](Control::on_ack). A threshold returned is set: slow start ends there.
    fn on_delivered(&mut self, _sample: &Sample) -> Option<u64> {
        None
    }
    /// The last reduction was needless (RFC 9438, section 4.9).
    fn on_undo(&mut self) {}
    /// The window did not limit sending up to `now`: this time does not count (RFC 9438, section 4.2).
    fn on_app_limited(&mut self, _now: Time) {}
    /// Data goes out with nothing outstanding; the last went out `idle` ago.
    fn on_idle_end(&mut self, _now: Time, _idle: Duration) {}
    /// A retransmission timeout, whether or not it is a reduction of its own.
    fn on_timeout(&mut self, _now: Time, _nxt: Seq) {}
    /// What `ss` shows besides the name.
    fn info(&self) -> CongestionInfo {
        CongestionInfo::None
    }
}

/// A model controller: sets window and pacing rate itself.
pub trait Steer {
    /// Something was delivered or lost: returns what follows from it.
    fn on_delivery(&mut self, delivery: &Delivery) -> Steering;
    /// A segment was found lost.
    fn on_lost(&mut self, lost: &Lost);
    /// A recovery, a reduction after ECE, or a timeout begins.
    fn on_congestion(&mut self, event: &Event);
    /// A retransmission timeout, the first or another of the same segment.
    fn on_timeout(&mut self) {}
    /// The last recovery was needless. Returns the window to go on with.
    fn on_undo(&mut self, now: Time, cwnd: u64) -> u64;
    /// Data goes out with nothing in flight. Returns a pacing rate in bytes a second, if it is to change.
    fn on_idle_end(&mut self, now: Time, app_limited: bool, cwnd: u64) -> Option<(u64, u64)>;
    /// The segments have shrunk from `old` to `new` octets: a window that is remembered is as many of them (RFC 4821, section
    /// 4).
    fn on_smaller_mss(&mut self, _new: u64, _old: u64) {}
    /// The pacing rate to begin with, in bytes a second; zero: none yet.
    fn pacing_rate(&self) -> u64;
    /// What `ss` shows besides the name.
    fn info(&self) -> CongestionInfo;
}

/// Declares [`Controller`] and its dispatch: window controllers of a few words, those that are boxed, and models.
macro_rules! controllers {
    (
        small { $($s:ident $sname:literal,)* }
        window { $($w:ident $wname:literal,)* }
        model { $($m:ident $mname:literal,)* }
    ) => {
        /// A congestion controller.
        #[derive(Clone, Debug, Hash)]
        #[allow(missing_docs, reason = "each variant holds the controller of its name, documented there")]
        pub enum Controller {
            $($s($s),)*
            $($w(Box<$w>),)*
            $($m(Box<$m>),)*
            /// A constant window.
            Fixed(Fixed),
        }

        impl Controller {
            fn window(&mut self) -> Option<&mut dyn Control> {
                match self {
                    $(Controller::$s(c) => Some(c),)*
                    $(Controller::$w(c) => Some(&mut **c),)*
                    _ => None,
                }
            }
            /// The model controller, if it is one.
            pub fn model(&mut self) -> Option<&mut dyn Steer> {
                match self {
                    $(Controller::$m(c) => Some(&mut **c),)*
                    _ => None,
                }
            }
            /// Its name, as in `ss`.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Controller::$s(_) => $sname,)*
                    $(Controller::$w(_) => $wname,)*
                    $(Controller::$m(_) => $mname,)*
                    Controller::Fixed(_) => "fixed",
                }
            }
            /// Whether it is a model controller.
            pub const fn steers(&self) -> bool {
                match self {
                    $(Controller::$m(_) => true,)*
                    _ => false,
                }
            }
            /// What `ss` shows besides the name.
            pub fn info(&self) -> CongestionInfo {
                match self {
                    $(Controller::$s(c) => c.info(),)*
                    $(Controller::$w(c) => c.info(),)*
                    $(Controller::$m(c) => c.info(),)*
                    Controller::Fixed(_) => CongestionInfo::None,
                }
            }
        }
    };
}

controllers! {
    small {
        Reno "reno",
        CubicTicks "cubic",
    }
    window {
        Cubic "cubic",
        Dctcp "dctcp",
        Vegas "vegas",
        Westwood "westwood",
    }
    model {
        Bbr "bbr",
        Bbr1 "bbr1",
    }
}

impl Fold for Controller {
    fn fold(&self, to: &mut Words) {
        match self {
            Controller::Fixed(c) => (0u8, *c).fold(to),
            Controller::Reno(c) => (1u8, *c).fold(to),
            Controller::CubicTicks(c) => {
                to.number(2);
                c.fold(to);
            }
            Controller::Cubic(c) => {
                to.number(3);
                c.fold(to);
            }
            Controller::Dctcp(c) => (4u8, **c).fold(to),
            // They have more to keep than a connection at rest is worth.
            Controller::Vegas(_) | Controller::Westwood(_) | Controller::Bbr(_) | Controller::Bbr1(_) => {
                to.fail();
            }
        }
    }
    fn unfold(from: &mut Reader<'_>) -> Controller {
        let number = from.number();
        Controller::of_number(number, from)
    }
    fn unfold_into(&mut self, from: &mut Reader<'_>) {
        match (from.number(), self) {
            (2, Controller::CubicTicks(c)) => c.unfold_into(from),
            (3, Controller::Cubic(c)) => c.unfold_into(from),
            (number, it) => *it = Controller::of_number(number, from),
        }
    }
}

impl Controller {
    /// The controller of this number in a row.
    fn of_number(number: u64, from: &mut Reader<'_>) -> Controller {
        match number {
            1 => Controller::Reno(Fold::unfold(from)),
            2 => Controller::CubicTicks(Fold::unfold(from)),
            3 => Controller::Cubic(Fold::unfold(from)),
            4 => Controller::Dctcp(Fold::unfold(from)),
            _ => Controller::Fixed(Fold::unfold(from)),
        }
    }
}

impl Controller {
    /// The controller that `cfg` names.
    pub fn new(start: &Start, cfg: &Config) -> Controller {
        match cfg.congestion {
            Congestion::Reno => Controller::Reno(Reno::default()),
            Congestion::Cubic if cfg.cubic_ticks => Controller::CubicTicks(CubicTicks::new(cfg)),
            Congestion::Cubic => Controller::Cubic(Box::new(Cubic::new(cfg))),
            Congestion::Dctcp if start.ecn => Controller::Dctcp(Box::new(Dctcp::new(start))),
            // Without ECN there is nothing to go by (RFC 8257, section 3; Linux falls back to Reno as well).
            Congestion::Dctcp => Controller::Reno(Reno::default()),
            Congestion::Vegas => Controller::Vegas(Box::default()),
            Congestion::Westwood => Controller::Westwood(Box::default()),
            Congestion::Bbr => Controller::Bbr(Box::new(Bbr::new(start))),
            Congestion::Bbr1 => Controller::Bbr1(Box::new(Bbr1::new(start))),
            Congestion::Fixed(segments) => Controller::Fixed(Fixed { segments }),
        }
    }
    /// Whether nothing but [`on_ack`](Controller::on_ack) tells it of deliveries.
    #[inline]
    pub const fn sees_acks_only(&self) -> bool {
        matches!(self, Controller::Reno(_))
    }
    /// How many windows a send buffer that grows by itself has room for: one is in flight, one waits to be sent; a model
    /// sends on while what it sent is recovered (Linux `sndbuf_expand`).
    pub const fn windows_to_keep(&self) -> u64 {
        if self.steers() { 3 } else { 2 }
    }
    /// Whether the rules around the window apply: reductions, PRR, validation. Not where the window is constant, nor
    /// where a model sets it.
    pub const fn follows_rules(&self) -> bool {
        !self.steers() && !matches!(self, Controller::Fixed(_))
    }
    /// New data was acknowledged while the window limited sending: returns the new window.
    pub fn on_ack(&mut self, sample: &Sample) -> u64 {
        match self {
            // The two that nearly every connection has, without the detour.
            Controller::Reno(c) => c.on_ack(sample),
            Controller::CubicTicks(c) => c.on_ack(sample),
            other => other.window().map_or(sample.cwnd, |c| c.on_ack(sample)),
        }
    }
    /// Something was delivered: a threshold returned is set.
    pub fn on_delivered(&mut self, sample: &Sample) -> Option<u64> {
        match self {
            Controller::Reno(_) => None,
            Controller::CubicTicks(c) => c.on_delivered(sample),
            other => other.window().and_then(|c| c.on_delivered(sample)),
        }
    }
    /// Congestion was noticed: returns the new slow start threshold.
    pub fn on_congestion(&mut self, event: &Event) -> u64 {
        if let Some(model) = self.model() {
            model.on_congestion(event);
            return u64::MAX;
        }
        self.window().map_or(u64::MAX, |c| c.on_congestion(event))
    }
    /// The last reduction was needless. Returns the window to go on with; `cwnd` is the one restored.
    pub fn on_undo(&mut self, now: Time, cwnd: u64) -> u64 {
        if let Some(model) = self.model() {
            return model.on_undo(now, cwnd);
        }
        if let Some(c) = self.window() {
            c.on_undo();
        }
        cwnd
    }
    /// The window did not limit sending up to now.
    pub fn on_app_limited(&mut self, now: Time) {
        if let Some(c) = self.window() {
            c.on_app_limited(now);
        }
    }
    /// Data goes out with nothing outstanding; the last went out `idle` ago.
    pub fn on_idle_end(&mut self, now: Time, idle: Duration) {
        if let Some(c) = self.window() {
            c.on_idle_end(now, idle);
        }
    }
    /// A retransmission timeout.
    pub fn on_timeout(&mut self, now: Time, nxt: Seq) {
        if let Some(c) = self.window() {
            c.on_timeout(now, nxt);
        } else if let Some(model) = self.model() {
            model.on_timeout();
        }
    }
    /// The window, whatever happens; `None` for a controller that controls.
    pub fn constant(&self, mss: u64) -> Option<u64> {
        match self {
            Controller::Fixed(c) => Some(c.window(mss)),
            _ => None,
        }
    }
}

/// Slow start (RFC 5681, section 3.1; RFC 3465, section 2.2): returns the window and how many of the acknowledged
/// octets are left for congestion avoidance.
#[inline]
fn slow_start(s: &Sample) -> (u64, u64) {
    if s.cwnd >= s.ssthresh {
        return (s.cwnd, s.acked);
    }
    let add = s.acked.min(s.slow_start_limit);
    let cwnd = (s.cwnd + add).min(s.ssthresh);
    (cwnd, add - (cwnd - s.cwnd))
}

/// Congestion avoidance by counting octets (RFC 5681, section 3.1; RFC 3465, section 2.1): a segment for each `per`
/// octets acknowledged. Returns the window.
#[inline]
fn avoid(cwnd: u64, credit: &mut u64, acked: u64, per: u64, mss: u64) -> u64 {
    *credit += acked;
    if *credit < per {
        return cwnd;
    }
    // One segment for each acknowledgment at most (5681/3.1-CAMAX).
    *credit = (*credit - per).min(per);
    cwnd + mss
}

/// Growth as Reno's: slow start, then a segment for each window acknowledged. Returns the window.
#[inline]
fn as_reno(s: &Sample, credit: &mut u64) -> u64 {
    let (cwnd, left) = slow_start(s);
    if left == 0 { cwnd } else { avoid(cwnd, credit, left, cwnd, s.mss) }
}

#[cfg(test)]
mod tests;
