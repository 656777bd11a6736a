//! What a sender makes of Accurate ECN feedback (RFC 9768, sections 3.2.2.5.2, 3.2.3 and appendix A), with Linux's
//! heuristics where the three bits may have gone round.

use super::{FIRST_CEP, Mute, first_bytes};
use crate::out::EcnCodepoint;
use crate::segment::{AccEcnFields, Flags};

/// Largest number that the ACE field can tell.
const MASK: u32 = 7;
/// Binary places of the average of packets for each acknowledgment, and of its weight.
const PLACES: u32 = 6;
/// More packets for each acknowledgment than this are no accident: ACKs are thinned out on the way.
const THINNED: u16 = 4 << PLACES;
/// Octets of a half-connection after which the first option would come too late: 24 bits may have gone round.
const TOO_LATE: u64 = (1 << 23) - 1;

/// What AccECN options have come from the peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seen {
    /// None.
    #[default]
    No,
    /// One without a field.
    Empty,
    /// One with counters.
    Counters,
    /// One whose counters something has cleared: they are not believed (RFC 9768, section 3.2.3.2.4).
    Cleared,
}

/// What the peer has told.
#[derive(Clone, Debug, Default, Hash)]
pub struct Told {
    /// Packets that arrived there with CE: s.cep less its initial value.
    pub ce_packets: u32,
    /// Octets by codepoint: ECT(1), ECT(0), CE.
    pub bytes: [u32; 3],
    /// What options have come.
    pub seen: Seen,
    /// The one codepoint that acknowledged octets had of late: what they are taken for where no option tells.
    usual: Option<EcnCodepoint>,
    /// Packets for each acknowledgment, on average, with `PLACES` binary places.
    per_ack: u16,
    /// Options are not looked at.
    ignored: bool,
}

/// What an acknowledgment has newly shown to have arrived.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivery {
    /// Packets.
    pub packets: u32,
    /// Their octets of payload.
    pub bytes: u64,
    /// SMSS, in bytes.
    pub mss: u32,
    /// The count of packets can be trusted: SACK is in use, or nothing is being repaired.
    pub certain: bool,
}

impl Told {
    /// An option has come in a handshake. Only before counters were seen does it matter.
    pub fn see(&mut self, option: &AccEcnFields) {
        if self.seen >= Seen::Counters {
            return;
        }
        let mut fields = option.fields();
        self.seen = match (fields.next(), fields.nth(1)) {
            (None, _) => Seen::Empty,
            (Some(0), _) | (_, Some(0)) => Seen::Cleared,
            _ => Seen::Counters,
        };
        self.ignored |= self.seen == Seen::Cleared;
    }
    /// Options are not looked at from here on.
    pub fn ignore_options(&mut self) {
        self.ignored = true;
    }
    /// Whether options are looked at.
    pub fn ignores_options(&self) -> bool {
        self.ignored
    }

    /// An acknowledgment arrived that is newer than those before it: how many packets were newly marked. `sent`: octets
    /// of the half-connection so far.
    ///
    /// # Errors
    /// Where ACE field and option contradict each other so that only interference explains it.
    pub fn on_ack(
        &mut self,
        news: &Delivery,
        flags: Flags,
        option: Option<&AccEcnFields>,
        sent: u64,
    ) -> Result<u32, Mute> {
        let before = self.bytes[EcnCodepoint::Ce as usize - 1];
        let counted = self.read_option(news.bytes, option, sent);
        let marked_bytes = self.bytes[EcnCodepoint::Ce as usize - 1].wrapping_sub(before);
        self.average(news.packets);
        let ace = u32::from(flags.ace()).wrapping_sub(FIRST_CEP);
        let least = ace.wrapping_sub(self.ce_packets) & MASK;
        let marked = if news.packets <= MASK {
            least
        } else {
            self.unwrap(least, news, counted.then_some(marked_bytes))
        };
        if marked == 0 && option.is_some() && counted && marked_bytes > 0 && news.packets < MASK {
            return Err(Mute::Inconsistent);
        }
        self.ce_packets = self.ce_packets.wrapping_add(marked);
        Ok(marked)
    }

    /// Takes what the option says, or guesses from what was usual. Whether the counts of octets can be used.
    fn read_option(&mut self, delivered: u64, option: Option<&AccEcnFields>, sent: u64) -> bool {
        if self.ignored {
            return false;
        }
        let Some(option) = option else {
            if self.seen == Seen::No {
                if sent >= TOO_LATE {
                    self.seen = Seen::Cleared;
                    self.ignored = true;
                }
                return false;
            }
            let Some(usual) = self.usual else { return false };
            let bytes = &mut self.bytes[usual as usize - 1];
            *bytes = bytes.wrapping_add(delivered as u32);
            return true;
        };
        self.see(option);
        let usual = self.usual;
        let (mut usable, mut ambiguous, mut changed) = (usual.is_some(), false, false);
        for (i, field) in option.fields().enumerate() {
            let codepoint = option.codepoint(i);
            let delta = self.advance(codepoint, field);
            if delta < 0 {
                (usable, ambiguous) = (false, true);
            }
            if delta != 0 && Some(codepoint) != usual {
                if changed {
                    (usable, ambiguous) = (false, true);
                } else {
                    self.usual = Some(codepoint);
                    changed = true;
                }
            }
        }
        if ambiguous {
            self.usual = None;
        }
        usable
    }
    /// Moves a counter to what the 24 bits of a field say, forward or back. By how much.
    fn advance(&mut self, codepoint: EcnCodepoint, field: u32) -> i32 {
        let bytes = &mut self.bytes[codepoint as usize - 1];
        let delta = field.wrapping_sub(first_bytes(codepoint)).wrapping_sub(*bytes);
        let delta = (delta << 8) as i32 >> 8;
        *bytes = bytes.wrapping_add(delta as u32);
        delta
    }
    fn average(&mut self, packets: u32) {
        if packets == 0 {
            return;
        }
        let (now, before) = (u64::from(packets) << PLACES, u64::from(self.per_ack));
        let next = if before == 0 { now } else { ((before << PLACES) - before + now) >> PLACES };
        self.per_ack = u16::try_from(next).unwrap_or(u16::MAX);
    }

    /// How many packets were marked where the field may have gone round: at least `least`, and so many more that
    /// nothing is left unsaid (section 3.2.2.5.2), unless the octets marked, or habit, rule that out.
    fn unwrap(&self, least: u32, news: &Delivery, marked_bytes: Option<u32>) -> u32 {
        let packets = news.packets;
        let safest = packets - (packets.wrapping_sub(least) & MASK);
        let Some(bytes) = marked_bytes else {
            return if self.per_ack > THINNED { least } else { safest };
        };
        let bytes = u64::from(bytes);
        if bytes == 0 {
            return least;
        }
        if packets >= 2 * (MASK + 1) && news.certain {
            if news.bytes <= bytes {
                return safest;
            }
            let likely = (bytes * u64::from(packets)).div_ceil(news.bytes) as u32;
            return safest.min(least + (likely & !MASK));
        }
        let mss = u64::from(news.mss);
        if bytes > u64::from(least) * mss {
            safest
        } else if bytes < (u64::from(safest) * mss) >> 1 {
            least
        } else {
            safest
        }
    }
}
