//! SYN cookies (RFC 4987, section 3.6): a handshake of which the listener remembers nothing.
//!
//! The initial sequence number carries a 64 s tick and an index of the peer's MSS under a keyed hash; the low bits
//! of TSval carry the other options. The layout is Linux's (`net/ipv4/syncookies.c`).

use crate::isn::{IsnSecret, Purpose, Tuple};
use crate::seq::SeqNum;
use crate::time::{Duration, Time};

/// How long a tick of the cookies' clock is.
pub const TICK: Duration = Duration::from_secs(64);
/// A cookie is good in the tick in which it was made, and in so many less one after it.
const MAX_AGE: u32 = 2;
/// For how long after the last cookie an ACK is looked at as the answer to one.
pub const VALID: Duration = Duration::from_secs(128);
/// Bits of the sequence number below the tick.
const BODY: u32 = 0x00ff_ffff;

const MSS_V4: [u16; 4] = [536, 1300, 1440, 1460];
const MSS_V6: [u16; 4] = [1220, 1420, 1440, 8940];

/// The values of the MSS that a cookie can tell apart.
const fn mss_table(tuple: &Tuple) -> &'static [u16; 4] {
    if tuple.remote.is_ipv4() { &MSS_V4 } else { &MSS_V6 }
}

/// The largest MSS not above `mss` that a cookie can carry; the smallest one if there is none.
fn mss_index(tuple: &Tuple, mss: u16) -> u32 {
    mss_table(tuple).iter().rposition(|entry| *entry <= mss).unwrap_or(0) as u32
}

/// The count of ticks at `now`.
const fn tick(now: Time) -> u32 {
    (now.as_nanos() / TICK.as_nanos()) as u32
}

/// The initial sequence number that answers the SYN `irs` of a peer with this MSS.
pub fn issue(secret: &IsnSecret, tuple: &Tuple, irs: SeqNum, mss: u16, now: Time) -> SeqNum {
    let count = tick(now);
    let base = secret.hash(Purpose::CookieBase, tuple, irs.0) as u32;
    let body = secret.hash(Purpose::CookieBody, tuple, count) as u32;
    let body = body.wrapping_add(mss_index(tuple, mss)) & BODY;
    SeqNum(base.wrapping_add(irs.0).wrapping_add(count << 24).wrapping_add(body))
}

/// The MSS of the peer, if `iss` is a cookie of ours for this connection that is not too old.
pub fn check(secret: &IsnSecret, tuple: &Tuple, irs: SeqNum, iss: SeqNum, now: Time) -> Option<u16> {
    let count = tick(now);
    let base = secret.hash(Purpose::CookieBase, tuple, irs.0) as u32;
    let cookie = iss.0.wrapping_sub(base).wrapping_sub(irs.0);
    let age = count.wrapping_sub(cookie >> 24) & 0xff;
    if age >= MAX_AGE {
        return None;
    }
    let body = secret.hash(Purpose::CookieBody, tuple, count.wrapping_sub(age)) as u32;
    mss_table(tuple).get((cookie.wrapping_sub(body) & BODY) as usize).copied()
}

/// The options of a SYN that its SYN-ACK's timestamp carries, and its ACK brings back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CookieOptions {
    /// The peer's window scale, if it offered one.
    pub wscale: Option<u8>,
    /// SACK permitted.
    pub sack: bool,
    /// ECN asked for and granted.
    pub ecn: bool,
}

const WSCALE: u32 = 0xf;
const SACK: u32 = 1 << 4;
const ECN: u32 = 1 << 5;
const BITS: u32 = 6;

impl CookieOptions {
    /// The clock's reading `ticks` with these options in its low bits: not later than `ticks`.
    pub fn into_timestamp(self, ticks: u32) -> u32 {
        let bits = self.wscale.map_or(WSCALE, |shift| u32::from(shift.min(14)))
            | if self.sack { SACK } else { 0 }
            | if self.ecn { ECN } else { 0 };
        let marked = (ticks >> BITS << BITS) | bits;
        if marked > ticks { marked.wrapping_sub(1 << BITS) } else { marked }
    }
    /// The options that a reading of the clock carries.
    pub fn from_timestamp(ticks: u32) -> CookieOptions {
        let shift = ticks & WSCALE;
        CookieOptions {
            wscale: (shift != WSCALE).then_some(shift as u8),
            sack: ticks & SACK != 0,
            ecn: ticks & ECN != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: IsnSecret = IsnSecret([3, 4]);
    const AT: Time = Time::from_nanos(1_000_000_000_000);
    const IRS: SeqNum = SeqNum(77);

    fn tuple(port: u16) -> Tuple {
        Tuple { local: ([10, 0, 0, 2], 80).into(), remote: ([10, 0, 0, 1], port).into() }
    }

    #[test]
    fn carries_the_mss_rounded_down() {
        for (told, kept) in [(100, 536), (536, 536), (1299, 536), (1400, 1300), (1448, 1440), (9000, 1460)] {
            let iss = issue(&SECRET, &tuple(9), IRS, told, AT);
            assert_eq!(check(&SECRET, &tuple(9), IRS, iss, AT), Some(kept));
        }
    }

    /// 4987/3.6-VALID: fresh, of this tuple, of this peer's sequence number, of this host.
    #[test]
    fn is_good_for_one_connection_and_not_for_long() {
        let iss = issue(&SECRET, &tuple(9), IRS, 1460, AT);
        assert_eq!(check(&SECRET, &tuple(9), IRS, iss, AT + TICK), Some(1460));
        assert_eq!(check(&SECRET, &tuple(9), IRS, iss, AT + TICK * 2), None);
        assert_eq!(check(&SECRET, &tuple(9), IRS, iss, AT - TICK), None);
        assert_eq!(check(&SECRET, &tuple(8), IRS, iss, AT), None);
        assert_eq!(check(&SECRET, &tuple(9), IRS.add(1), iss, AT), None);
        assert_eq!(check(&IsnSecret([3, 5]), &tuple(9), IRS, iss, AT), None);
        assert_eq!(check(&SECRET, &tuple(9), IRS, iss.add(4), AT), None);
        let guesses =
            (0..1_000_000).filter(|i| check(&SECRET, &tuple(9), IRS, SeqNum(i * 4001), AT).is_some());
        assert_eq!(guesses.count(), 0);
    }

    /// 4987/3.6-OPTS
    #[test]
    fn options_survive_in_the_timestamp() {
        for ticks in [0x1234_5678, 0x1234_5640, 0x1234_567f, 100] {
            for bits in 0..64u32 {
                let shift = (bits & 15) as u8;
                let options = CookieOptions {
                    wscale: (shift < 15).then_some(shift),
                    sack: bits & 16 != 0,
                    ecn: bits & 32 != 0,
                };
                let marked = options.into_timestamp(ticks);
                assert!(marked <= ticks && ticks - marked < 128);
                assert_eq!(CookieOptions::from_timestamp(marked), options);
            }
        }
    }
}
