//! The user timeout option (RFC 5482): an end may tell its peer how long it waits for acknowledgments before it gives the
//! connection up, and take over a longer wait that the peer tells of.
//!
//! The option is not acknowledged. It goes with the SYN, with the first segment behind it, and with the next one after a
//! change (section 3); nothing here depends on whether it arrives.

use std::num::NonZeroU16;

use super::Connection;
use crate::cause::Rule;
use crate::config::Config;
use crate::out::Out;
use crate::segment::Options;
use crate::time::Duration;

/// The flag that says that the value counts minutes, not seconds.
const MINUTES: u16 = 0x8000;
/// What the option takes in a header, in bytes.
pub(super) const LEN: u32 = 4;
/// How much longer than the RTO an adopted timeout is at least (section 3.1 asks for more than the RTO).
const BEYOND_RTO: Duration = Duration::from_secs(1);

/// A timeout as the option has it (section 3.3): in seconds as far as they go, else in minutes, rounded up. Zero is
/// reserved, and never sent (section 3.4).
pub(crate) fn encode(time: Duration) -> Option<NonZeroU16> {
    let seconds = time.as_nanos().div_ceil(1_000_000_000);
    let raw = match u16::try_from(seconds) {
        Ok(seconds) if seconds < MINUTES => seconds,
        _ => u16::try_from(seconds.div_ceil(60)).unwrap_or(u16::MAX).min(MINUTES - 1) | MINUTES,
    };
    NonZeroU16::new(raw)
}
/// What an option says; `None`: the reserved value, zero seconds or minutes.
pub(crate) fn decode(raw: NonZeroU16) -> Option<Duration> {
    let value = u64::from(raw.get() & !MINUTES);
    let seconds = if raw.get() & MINUTES != 0 { value * 60 } else { value };
    (seconds > 0).then(|| Duration::from_secs(seconds))
}
/// The option of a SYN with these options, if there is room for it.
pub(crate) fn on_syn(advertised: Option<Duration>, options: &Options) -> Option<NonZeroU16> {
    advertised.and_then(encode).filter(|_| options.wire_len() + LEN <= 40)
}

/// USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)) (section 3.1), where L_LIMIT is above the RTO.
fn adopted(config: &Config, advertised: Option<Duration>, remote: Duration, rto: Duration) -> Duration {
    let least = config.user_timeout_least.max(rto + BEYOND_RTO);
    let most = config.user_timeout_most.max(least);
    remote.max(advertised.unwrap_or(Duration::ZERO)).max(least).min(most)
}

impl Connection {
    /// The handshake is complete; `heard`: the option of the peer's SYN.
    pub(crate) fn begin_user_timeout(&mut self, heard: Option<NonZeroU16>, out: &mut Out) {
        if self.socket.advertised(&self.config).is_some() {
            // 5482/3-FIRST: the first segment that is no SYN has the option as well.
            self.socket.owe_user_timeout(true);
        }
        if let Some(raw) = heard {
            self.hear_user_timeout(raw, out);
        }
    }
    /// The option has arrived with a segment that is acceptable. Unless the program has said how long to wait, or nobody
    /// asked for the option to be honoured, the wait changes; the program can read what the peer said either way.
    pub(super) fn hear_user_timeout(&mut self, raw: NonZeroU16, out: &mut Out) {
        let Some(remote) = decode(raw) else { return };
        // 5482/3-IGN: without the knobs the option means nothing.
        if !self.config.user_timeout_adopt && self.socket.advertised(&self.config).is_none() {
            return;
        }
        if self.socket.hear_user_timeout(remote) {
            // 5482/3.1-NOTCH
            let changes = self.adopted_user_timeout().is_some();
            self.note(if changes { Rule::UserTimeoutAdopted } else { Rule::UserTimeoutTold }, out);
        }
    }
    /// The timeout that the peer's option has led to, if it may lead to any.
    #[inline]
    pub(super) fn adopted_user_timeout(&self) -> Option<Duration> {
        if !self.config.user_timeout_adopt || self.socket.own_user_timeout().is_some() {
            return None;
        }
        let remote = self.socket.remote_user_timeout()?;
        let rto = self.snd.queue.rto(&self.config);
        Some(adopted(&self.config, self.socket.advertised(&self.config), remote, rto))
    }
    /// Whether there may be one at all.
    #[inline]
    pub(super) fn has_user_timeout(&self) -> bool {
        self.config.user_timeout.is_some() || self.config.user_timeout_adopt || self.socket.has_rare()
    }
    /// The user timeout: the program's, the peer's, the system's.
    pub(super) fn user_timeout(&self) -> Option<Duration> {
        let own = self.socket.own_user_timeout().or_else(|| self.adopted_user_timeout());
        own.or(self.config.user_timeout)
    }
    /// Whether the user timeout is this connection's R2 (MUST-21).
    pub(super) fn has_own_limit(&self) -> bool {
        self.socket.own_user_timeout().is_some() || self.adopted_user_timeout().is_some()
    }

    // --- sending -------------------------------------------------------------------------------------------------

    /// Bytes that the option takes in the next segment.
    pub(super) fn user_timeout_bytes(&self) -> u32 {
        if self.socket.owes_user_timeout() { LEN } else { 0 }
    }
    /// Puts the option, which is owed, into a segment, whose data leaves room for it (`Connection::segment_size`).
    pub(super) fn put_user_timeout(&mut self, options: &mut Options) {
        options.user_timeout = self.socket.advertised(&self.config).and_then(encode);
        self.socket.owe_user_timeout(false);
    }
}

#[cfg(test)]
mod tests;
