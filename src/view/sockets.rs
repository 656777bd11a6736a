//! What `ss` and `netstat` would show on a host, and `tc` of a queue, in the words of the real tools.

pub mod netstat;
pub mod ss;
pub mod tc;

use tcp::{Duration, Time, TimerKind};

/// The time left until `when`.
fn left(now: Time, when: Time) -> Duration {
    when.since(now)
}

/// Milliseconds with up to three decimals and no trailing zeros, as `ss` prints round-trip times: `20.397`, `0.5`.
fn millis(d: Duration) -> String {
    let micros = d.as_micros();
    let text = format!("{}.{:03}", micros / 1_000, micros % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Whether a tool shows this timer at all.
fn is_shown(kind: TimerKind) -> bool {
    kind != TimerKind::DelayedAck
}

#[cfg(test)]
mod tests;
