//! Accurate ECN feedback (RFC 9768): what a handshake agrees on, what a receiver counts and tells, and what a sender
//! makes of it.
//!
//! Three bits of each header carry how many packets came marked CE, modulo eight; an option carries octets by
//! codepoint, modulo 2^24. Numbers only: when a segment goes out is [`crate::connection`]'s to decide, what a mark does
//! to the window [`crate::congestion`]'s.

use crate::config::{AccEcnOption, Config, Congestion, Ecn};
use crate::info::AccEcnInfo;
use crate::out::EcnCodepoint;
use crate::segment::{AccEcnFields, Flags, OptionOrder, Options, Segment};
use crate::time::{Duration, Time};

mod told;

pub use told::{Delivery, Seen, Told};

/// r.cep at the start (RFC 9768, section 3.2.1).
const FIRST_CEP: u32 = 5;
/// The initial values of r.e0b, r.ceb and r.e1b by codepoint (section 3.2.1).
pub(crate) const fn first_bytes(codepoint: EcnCodepoint) -> u32 {
    match codepoint {
        EcnCodepoint::Ect0 | EcnCodepoint::Ect1 => 1,
        EcnCodepoint::Ce | EcnCodepoint::NotEct => 0,
    }
}
/// Room for options in a header, in bytes.
const OPTION_SPACE: u32 = 40;

// --- the handshake -------------------------------------------------------------------------------------------------

/// What the two ends of a connection have agreed on, or what one end asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// No ECN.
    #[default]
    Off,
    /// RFC 3168: ECE until CWR.
    Classic,
    /// RFC 9768: counters.
    Accurate,
}

impl Ecn {
    /// What a SYN asks for.
    pub const fn asks(self) -> Mode {
        match self {
            Ecn::Off | Ecn::Passive | Ecn::AccuratePassive => Mode::Off,
            Ecn::On | Ecn::AccurateIn => Mode::Classic,
            Ecn::Accurate => Mode::Accurate,
        }
    }
    /// The best that is granted to who asks for it.
    pub const fn grants(self) -> Mode {
        match self {
            Ecn::Off => Mode::Off,
            Ecn::Passive | Ecn::On => Mode::Classic,
            Ecn::Accurate | Ecn::AccurateIn | Ecn::AccuratePassive => Mode::Accurate,
        }
    }
}

/// What a SYN asks for. DCTCP is nothing without ECN, so it asks whatever the knob says (Linux `TCP_CONG_NEEDS_ECN`).
pub const fn asks(config: &Config) -> Mode {
    match (config.ecn.asks(), config.congestion) {
        (Mode::Off, Congestion::Dctcp) => Mode::Classic,
        (asked, _) => asked,
    }
}
/// The best that is granted to who asks for it.
pub const fn grants(config: &Config) -> Mode {
    match (config.ecn.grants(), config.congestion) {
        (Mode::Off, Congestion::Dctcp) => Mode::Classic,
        (granted, _) => granted,
    }
}
/// The codepoint of a SYN, SYN-ACK or reset that belongs to a handshake with this feedback: DCTCP's are ECN-capable
/// like all that it sends (RFC 8257, section 3.6), others' are not (RFC 3168, section 6.1.1).
pub fn handshake_codepoint(config: &Config, mode: Mode) -> EcnCodepoint {
    let ect = mode == Mode::Classic && config.congestion == Congestion::Dctcp && config.ect_on_control;
    if ect { EcnCodepoint::Ect0 } else { EcnCodepoint::NotEct }
}

/// The flags of a SYN that asks for this (RFC 3168, section 6.1.1; RFC 9768, section 3.1.1).
pub const fn syn_flags(asked: Mode) -> Flags {
    match asked {
        Mode::Off => Flags::NONE,
        Mode::Classic => Flags::of_ace(0b011),
        Mode::Accurate => Flags::of_ace(0b111),
    }
}

/// What a SYN is granted that came with this codepoint (RFC 9768, sections 3.1.2 and 3.1.3: codes that are not in use
/// are taken for 111). A SYN that is itself ECN-capable is not from a sender that follows RFC 3168.
pub fn granted(config: &Config, syn: &Segment, ecn: EcnCodepoint) -> Mode {
    let ace = syn.flags.ace();
    // 8257/1-SCOPE: a DCTCP client's SYN is ECN-capable, and only a DCTCP server grants it ECN.
    let honest = ecn == EcnCodepoint::NotEct || ace == 0b111 || config.congestion == Congestion::Dctcp;
    let classic = ace & 0b011 == 0b011 && honest;
    match grants(config) {
        Mode::Off => Mode::Off,
        Mode::Accurate if ace != 0 && ace != 0b011 => Mode::Accurate,
        Mode::Classic | Mode::Accurate if classic => Mode::Classic,
        Mode::Classic | Mode::Accurate => Mode::Off,
    }
}

/// What the SYN-ACK says that answers a SYN which asked for `asked` (RFC 9768, section 3.1.2, tables 2 and 3): an
/// AccECN client takes 101 for consent too (section 3.1.3), and a SYN-ACK that reflects 111 for a broken peer's.
pub const fn understood(asked: Mode, syn_ack: Flags) -> Mode {
    match (asked, syn_ack.ace()) {
        (Mode::Classic | Mode::Accurate, 0b001) => Mode::Classic,
        (Mode::Accurate, 0b010..=0b110) => Mode::Accurate,
        (_, _) => Mode::Off,
    }
}

/// How a SYN-ACK, or the ACK of one, tells the codepoint of what it answers (RFC 9768, tables 2 and 3).
pub const fn reflect(codepoint: EcnCodepoint) -> Flags {
    Flags::of_ace(match codepoint {
        EcnCodepoint::NotEct => 0b010,
        EcnCodepoint::Ect1 => 0b011,
        EcnCodepoint::Ect0 => 0b100,
        EcnCodepoint::Ce => 0b110,
    })
}

/// The codepoint that such an answer tells; `None` for the codes that tell none.
pub const fn reflected(flags: Flags) -> Option<EcnCodepoint> {
    match flags.ace() {
        0b010 => Some(EcnCodepoint::NotEct),
        0b011 => Some(EcnCodepoint::Ect1),
        0b100 => Some(EcnCodepoint::Ect0),
        0b110 => Some(EcnCodepoint::Ce),
        _ => None,
    }
}

/// Whether a network that follows the rules can have made `arrived` of `sent` (RFC 9768, section 3.2.2.3).
pub fn valid_transition(sent: EcnCodepoint, arrived: EcnCodepoint) -> bool {
    match (sent, arrived) {
        (sent, arrived) if sent == arrived => true,
        (EcnCodepoint::NotEct | EcnCodepoint::Ce, _) | (_, EcnCodepoint::NotEct) => false,
        _ => true,
    }
}

// --- the state of a connection -------------------------------------------------------------------------------------

/// Accurate ECN on one connection.
#[derive(Clone, Debug, Hash)]
pub struct AccEcn {
    /// What this end counts and tells.
    pub tells: Tells,
    /// What the peer tells.
    pub told: Told,
    /// Codepoint of the last SYN or SYN-ACK that arrived.
    pub syn: EcnCodepoint,
    /// Why this end sends no ECT, if it must not: the path, or the peer, was seen to interfere.
    pub mute: Option<Mute>,
    /// The peer has told that our SYN or SYN-ACK was marked.
    pub syn_marked: bool,
}

/// Why an end in AccECN mode sends no ECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mute {
    /// A SYN or SYN-ACK without any ECN flag was sent (RFC 9768, section 3.1.5).
    SentNone,
    /// A SYN without any ECN flag, or a first ACK with an ACE field of zero, arrived (sections 3.1.5, 3.2.2.1).
    GotNone,
    /// The ECN field of our SYN or SYN-ACK was changed to what no router makes of it (section 3.2.2.3).
    Mangled,
    /// The option tells of marked octets, the ACE field of no marked packet (section 3.2.3.2.5).
    Inconsistent,
}

impl AccEcn {
    /// After a SYN or SYN-ACK with this codepoint.
    pub fn new(syn: EcnCodepoint) -> AccEcn {
        AccEcn { tells: Tells::default(), told: Told::default(), syn, mute: None, syn_marked: false }
    }
    /// A reading.
    pub fn info(&self) -> AccEcnInfo {
        AccEcnInfo {
            received_ce: self.tells.ce_packets,
            received_bytes: self.tells.bytes,
            delivered_ce: self.told.ce_packets,
            delivered_bytes: self.told.bytes,
            mute: self.mute,
            seen: self.told.seen,
            ignored: self.told.ignores_options(),
            dropped: self.tells.is_dropped(),
        }
    }
    /// Sends no ECT from here on. The first reason stays.
    pub fn silence(&mut self, why: Mute) {
        self.mute.get_or_insert(why);
    }
    /// The client's view of the SYN-ACK that ended the handshake (RFC 9768, sections 3.1.1 and 3.2.2.2).
    pub fn on_syn_ack(&mut self, syn_ack: &Segment, ecn: EcnCodepoint, config: &Config) {
        self.syn = ecn;
        if let Some(option) = &syn_ack.options.accecn {
            self.told.see(option);
            self.tells.demand = 2;
        }
        self.judge_feedback(syn_ack.flags, config);
        if ecn == EcnCodepoint::Ce {
            self.tells.ce_packets += 1;
            self.tells.pending += 1;
        }
    }
    /// The server's view of the ACK that ended the handshake (section 3.2.2.1, table 4). Only a pure ACK without SACK
    /// blocks uses the encoding of the handshake; zero means that something on the path clears the field.
    pub fn on_third_ack(&mut self, ack: &Segment, config: &Config) {
        if let Some(option) = &ack.options.accecn {
            self.told.see(option);
        }
        self.tells.demand = 1;
        let pure = ack.seq_len() == 0 && ack.options.sack.is_empty();
        if ack.flags.ace() == 0 && ack.options.sack.is_empty() {
            self.silence(Mute::GotNone);
            self.told.ignore_options();
        } else if pure {
            self.judge_feedback(ack.flags, config);
            if self.syn_marked && self.told.ce_packets == 0 {
                self.told.ce_packets = 1;
            }
        }
    }
    /// What the peer tells of the codepoint of our SYN or SYN-ACK, which was Not-ECT.
    fn judge_feedback(&mut self, flags: Flags, config: &Config) {
        let Some(arrived) = reflected(flags) else { return };
        if config.ecn_fallback && !valid_transition(EcnCodepoint::NotEct, arrived) {
            self.silence(Mute::Mangled);
        } else if arrived == EcnCodepoint::Ce {
            self.syn_marked = true;
        }
    }
}

/// What a receiver counts, and what it owes the peer of it (RFC 9768, sections 3.2.1 to 3.2.3).
#[derive(Clone, Debug, Default, Hash)]
pub struct Tells {
    /// Packets that arrived with CE: r.cep less its initial value.
    pub ce_packets: u32,
    /// Of these, those since a segment last went out.
    pub pending: u8,
    /// Octets of payload by codepoint, Not-ECT left out: ECT(1), ECT(0), CE.
    pub bytes: [u32; 3],
    /// Codepoint of the last packet; Not-ECT at the start.
    pub last: EcnCodepoint,
    /// Segments that are still to carry the option, whatever the knob says: a change must be told twice.
    pub demand: u8,
    /// Fields that the next option has to have to tell what changed.
    needs: u8,
    /// When an option last went out.
    sent: Time,
    /// That segment reported a duplicate: if it comes once more, the option does not get through.
    with_duplicate: Option<u32>,
    /// The path drops segments with the option.
    dropped: bool,
    /// A beacon is due.
    beacon: bool,
}

impl Tells {
    /// A packet arrived with this codepoint and so many octets of payload. Whether the codepoint changed.
    pub fn on_packet(&mut self, ecn: EcnCodepoint, len: u32) -> bool {
        if ecn != EcnCodepoint::NotEct {
            if ecn == EcnCodepoint::Ce {
                self.ce_packets = self.ce_packets.wrapping_add(1);
                self.pending = (self.pending + 1).min(15);
            }
            if len > 0 {
                let bytes = &mut self.bytes[ecn as usize - 1];
                let before = *bytes;
                *bytes = bytes.wrapping_add(len);
                // An option at least each 2^22 octets, or 24 bits would not do (section 3.2.3.3).
                if (before ^ *bytes) >> 22 != 0 {
                    self.demand = self.demand.max(1);
                }
                self.needs = self.needs.max(fields_for(ecn));
            }
        }
        let changed = self.last != ecn;
        if changed || ecn == EcnCodepoint::Ce {
            self.last = ecn;
            self.demand = 2;
        }
        changed
    }
    /// The ACE field of a segment.
    pub fn ace(&self) -> Flags {
        Flags::of_ace((self.ce_packets.wrapping_add(FIRST_CEP) & 7) as u8)
    }
    /// Looks at whether a beacon is due, `srtt` being the round-trip time.
    pub fn tick(&mut self, now: Time, srtt: Duration, config: &Config) {
        let beacons = u64::from(config.accecn_beacon);
        self.beacon =
            beacons > 0 && now.since(self.sent).as_nanos().saturating_mul(beacons) >= srtt.as_nanos();
    }
    /// Whether the next segment is to carry the option if there is room for it. `seen`: one has come from the peer.
    pub fn wants_option(&self, seen: Seen, config: &Config) -> bool {
        let knob = config.accecn_option;
        knob != AccEcnOption::Off
            && seen != Seen::No
            && (knob == AccEcnOption::Persist || !self.dropped)
            && (knob >= AccEcnOption::Full || self.demand > 0 || self.beacon)
    }
    /// How many fields the option can have behind `used` bytes of other options and so many SACK blocks, and how many
    /// of these stay: two have precedence (RFC 9768, section 3.2.3.3). `None`: what changed does not fit.
    pub fn fit(&self, used: u32, blocks: usize, order: OptionOrder) -> Option<(u8, usize)> {
        let saving = if blocks > 0 && order == OptionOrder::Linux { 2 } else { 0 };
        let mut kept = blocks;
        loop {
            let sack = if kept > 0 { 4 + 8 * kept as u32 } else { 0 };
            let room = OPTION_SPACE.saturating_sub(used + sack);
            if let Some(count) = largest(self.needs, room, saving) {
                return Some((count, kept));
            }
            if self.needs == 0 || kept <= 2 {
                return None;
            }
            kept -= 1;
        }
    }
    /// The option with so many fields, in order 1.
    pub fn option(&self, count: u8) -> AccEcnFields {
        let field =
            |codepoint: EcnCodepoint| self.bytes[codepoint as usize - 1].wrapping_add(first_bytes(codepoint));
        let fields = [EcnCodepoint::Ect1, EcnCodepoint::Ce, EcnCodepoint::Ect0].map(field);
        AccEcnFields::new(true, fields, count)
    }
    /// A segment went out. `duplicate`: where the duplicate begins that it reported, if it carried the option.
    pub fn on_sent(&mut self, now: Time, option: bool, duplicate: Option<u32>) {
        self.with_duplicate = duplicate.filter(|_| option);
        if option {
            self.needs = 0;
            self.sent = now;
            self.demand = self.demand.saturating_sub(1);
            self.beacon = false;
        }
    }
    /// Data that begins at `seq` came a second time. If the ACK that told so of the first time carried the option, the
    /// path may drop such ACKs: no more of them (RFC 9768, section 3.2.3.2.2).
    pub fn on_duplicate(&mut self, seq: u32) {
        self.dropped |= self.with_duplicate == Some(seq);
    }
    /// Whether the path was seen to drop segments with the option.
    pub fn is_dropped(&self) -> bool {
        self.dropped
    }
}

/// The option of a SYN-ACK with as many fields as fit behind its other options.
pub fn syn_ack_option(options: &Options) -> Option<AccEcnFields> {
    let saving = match (options.sack_permitted && options.timestamps.is_none(), options.wscale) {
        _ if options.order != OptionOrder::Linux => 0,
        (true, _) => 2,
        (false, Some(_)) => 1,
        (false, None) => 0,
    };
    let count = largest(0, OPTION_SPACE.saturating_sub(options.wire_len()), saving)?;
    Some(Tells::default().option(count))
}

/// The largest number of fields, `needs` or more, whose option fits into `room` bytes; `saving`: octets of padding of other
/// options that it can take the place of, as Linux lays them out.
fn largest(needs: u8, room: u32, saving: u32) -> Option<u8> {
    (needs..=3).rev().find(|count| {
        let len = 2 + 3 * u32::from(*count);
        let words = if len % 4 > saving { len.next_multiple_of(4) } else { len / 4 * 4 };
        words <= room
    })
}

/// How many fields an option of order 1 must have to tell of this codepoint.
const fn fields_for(codepoint: EcnCodepoint) -> u8 {
    match codepoint {
        EcnCodepoint::NotEct => 0,
        EcnCodepoint::Ect1 => 1,
        EcnCodepoint::Ce => 2,
        EcnCodepoint::Ect0 => 3,
    }
}

#[cfg(test)]
mod tests;
