//! A TCP segment, decoded (RFC 9293, section 3.1).

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use crate::out::EcnCodepoint;
use crate::payload::Payload;
use crate::seq::SeqNum;

/// A TCP segment. Its checksum exists only on the wire: see [`crate::wire`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Source port.
    pub src: u16,
    /// Destination port.
    pub dst: u16,
    /// SEG.SEQ.
    pub seq: SeqNum,
    /// SEG.ACK; zero unless ACK is set.
    pub ack: SeqNum,
    /// Control bits.
    pub flags: Flags,
    /// SEG.WND as it stands in the header: unscaled.
    pub wnd: u16,
    /// SEG.UP, the urgent pointer; meaningful with URG.
    pub urg: u16,
    /// Options.
    pub options: Options,
    /// Data.
    pub payload: Payload,
}

impl Segment {
    /// SEG.LEN: octets of data, and one each for SYN and FIN (RFC 9293, section 3.4).
    pub fn seq_len(&self) -> u32 {
        self.payload.len()
            + u32::from(self.flags.contains(Flags::SYN))
            + u32::from(self.flags.contains(Flags::FIN))
    }
    /// Whether all of `flags` are set.
    pub fn has(&self, flags: Flags) -> bool {
        self.flags.contains(flags)
    }
}

/// Control bits of a segment, in wire order; AE is bit 8 (RFC 9768).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u16);

impl Flags {
    /// No bit.
    pub const NONE: Flags = Flags(0);
    /// No more data from sender.
    pub const FIN: Flags = Flags(0x01);
    /// Synchronize sequence numbers.
    pub const SYN: Flags = Flags(0x02);
    /// Reset the connection.
    pub const RST: Flags = Flags(0x04);
    /// Push.
    pub const PSH: Flags = Flags(0x08);
    /// Acknowledgment field is significant.
    pub const ACK: Flags = Flags(0x10);
    /// Urgent pointer field is significant.
    pub const URG: Flags = Flags(0x20);
    /// ECN echo (RFC 3168).
    pub const ECE: Flags = Flags(0x40);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Flags = Flags(0x80);
    /// Accurate ECN (RFC 9768).
    pub const AE: Flags = Flags(0x100);

    /// Whether all bits of `other` are set in `self`.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
    /// Whether any bit of `other` is set in `self`.
    pub const fn intersects(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }
    /// The ACE field (RFC 9768, section 3.2.2): AE, CWR and ECE as one number.
    pub const fn ace(self) -> u8 {
        (self.0 >> 6) as u8 & 7
    }
    /// The flags that stand for this ACE field.
    pub const fn of_ace(ace: u8) -> Flags {
        Flags((ace as u16 & 7) << 6)
    }
    /// `self` without the bits of `other`.
    pub const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
    /// The bits of both; for constants.
    pub const fn union(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}
impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}
impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}
/// In the letters and the order of tcpdump: `S.`, `P.`, `FP.`, `R`, `none`.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LETTERS: [(Flags, char); 9] = [
            (Flags::FIN, 'F'),
            (Flags::SYN, 'S'),
            (Flags::RST, 'R'),
            (Flags::PSH, 'P'),
            (Flags::ACK, '.'),
            (Flags::URG, 'U'),
            (Flags::ECE, 'E'),
            (Flags::CWR, 'W'),
            (Flags::AE, 'e'),
        ];
        if self.0 & 0x1ff == 0 {
            return f.write_str("none");
        }
        LETTERS.iter().filter(|(flag, _)| self.contains(*flag)).try_for_each(|(_, c)| write!(f, "{c}"))
    }
}
impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

/// The options of a segment. Their order on the wire is given by `order`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Maximum segment size (RFC 9293, section 3.7.1), in bytes; on a SYN only.
    pub mss: Option<u16>,
    /// Window scale shift (RFC 7323, section 2); on a SYN only.
    pub wscale: Option<u8>,
    /// SACK permitted (RFC 2018, section 2); on a SYN only.
    pub sack_permitted: bool,
    /// Timestamps (RFC 7323, section 3).
    pub timestamps: Option<Timestamps>,
    /// SACK blocks (RFC 2018, section 3; RFC 2883).
    pub sack: SackBlocks,
    /// Counters of octets by ECN codepoint (RFC 9768, section 3.2.3).
    pub accecn: Option<AccEcnFields>,
    /// User timeout (RFC 5482, section 3.3) as it stands on the wire: a flag for minutes, and 15 bits.
    pub user_timeout: Option<std::num::NonZeroU16>,
    /// Fast Open cookie, or a request for one (RFC 7413, section 4.1.1); on a SYN only.
    pub fast_open: Option<Box<FastOpenOption>>,
    /// How the known options are laid out.
    pub order: OptionOrder,
    /// Further options exactly as they stood on the wire (kind, length, data), after the known ones.
    pub other: Option<std::sync::Arc<[u8]>>,
}

impl Options {
    /// Whether there is a signature (RFC 2385) among them.
    pub fn is_signed(&self) -> bool {
        const MD5: u8 = 19;
        let mut rest = self.other.as_deref().unwrap_or_default();
        while let [kind, len, ..] = rest {
            if *kind == MD5 {
                return true;
            }
            rest = rest.get(usize::from(*len).max(2)..).unwrap_or_default();
        }
        false
    }
}

/// How a stack lays its options out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OptionOrder {
    /// mss, sackOK, TS, nop, wscale; alone: nop, nop, TS; nop, nop, sack.
    #[default]
    Linux,
    /// mss, nop, wscale, sackOK, TS.
    FreeBsd,
}

/// The timestamps option (RFC 7323, section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timestamps {
    /// TSval: the sender's clock.
    pub val: u32,
    /// TSecr: the echo of the peer's.
    pub ecr: u32,
}

/// The AccECN option (RFC 9768, section 3.2.3): the low 24 bits of up to three counters of octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccEcnFields {
    /// Order 1 (kind 174): ECT(1), CE, ECT(0). Else order 0 (kind 172): ECT(0), CE, ECT(1).
    pub order1: bool,
    /// How many fields there are; at most three.
    count: u8,
    fields: [[u8; 3]; 3],
}

impl AccEcnFields {
    /// The first `count` of these fields, at most three, cut to 24 bits.
    pub fn new(order1: bool, fields: [u32; 3], count: u8) -> AccEcnFields {
        let cut = |n: u32| [(n >> 16) as u8, (n >> 8) as u8, n as u8];
        let mut cut = fields.map(cut);
        let count = count.min(3);
        cut[usize::from(count)..].fill([0; 3]);
        AccEcnFields { order1, count, fields: cut }
    }
    /// Number of fields.
    pub const fn count(&self) -> usize {
        self.count as usize
    }
    /// The fields that are there, in wire order.
    pub fn fields(&self) -> impl Iterator<Item = u32> + '_ {
        self.fields[..self.count()].iter().map(|[a, b, c]| u32::from_be_bytes([0, *a, *b, *c]))
    }
    /// The codepoint that field number `i` counts, in the order of this option.
    pub fn codepoint(&self, i: usize) -> EcnCodepoint {
        match (i, self.order1) {
            (1, _) => EcnCodepoint::Ce,
            (0, true) | (2, false) => EcnCodepoint::Ect1,
            _ => EcnCodepoint::Ect0,
        }
    }
}

/// The Fast Open option (RFC 7413, section 4.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FastOpenOption {
    /// The cookie; `None`: one is asked for.
    pub cookie: Option<TfoCookie>,
    /// As an experimental option (kind 254, magic 0xF989) instead of kind 34.
    pub experimental: bool,
}

/// A Fast Open cookie: 4 to 16 octets, an even number (RFC 7413, section 4.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TfoCookie {
    len: u8,
    bytes: [u8; 16],
}

impl TfoCookie {
    /// The cookie of these octets; `None` for a length that no cookie has.
    pub fn new(octets: &[u8]) -> Option<TfoCookie> {
        if !(4..=16).contains(&octets.len()) || !octets.len().is_multiple_of(2) {
            return None;
        }
        let mut bytes = [0; 16];
        bytes[..octets.len()].copy_from_slice(octets);
        Some(TfoCookie { len: octets.len() as u8, bytes })
    }
    /// Its octets.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for TfoCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Up to four SACK blocks; each is (left edge, right edge), the right edge exclusive.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SackBlocks {
    len: u8,
    blocks: [(SeqNum, SeqNum); 4],
}

impl SackBlocks {
    /// Appends a block; ignored when four are there.
    pub fn push(&mut self, left: SeqNum, right: SeqNum) {
        if let Some(slot) = self.blocks.get_mut(usize::from(self.len)) {
            *slot = (left, right);
            self.len += 1;
        }
    }
    /// Adds the number `seq` to the block that it adjoins, of those behind the first `told`, or as a block of its own if
    /// there are fewer than `most`.
    pub fn cover(&mut self, seq: SeqNum, told: usize, most: usize) {
        let len = usize::from(self.len);
        match self.blocks[..len].iter_mut().skip(told).find(|(_, right)| *right == seq) {
            Some((_, right)) => *right = seq.add(1),
            None if len < most => self.push(seq, seq.add(1)),
            None => {}
        }
    }
    /// Keeps the first `len` blocks.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(u8::try_from(len).unwrap_or(u8::MAX));
    }
    /// The blocks, in wire order.
    pub fn as_slice(&self) -> &[(SeqNum, SeqNum)] {
        &self.blocks[..usize::from(self.len)]
    }
    /// Whether there is no block.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// Number of blocks.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }
}
impl fmt::Debug for SackBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}
