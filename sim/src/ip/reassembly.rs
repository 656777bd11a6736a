//! Putting fragments together (RFC 791, section 3.2; RFC 815; RFC 1122, section 3.3.2).
//!
//! What an attacker could do with fragments is refused as Linux does it: a fragment that overlaps another in part takes
//! the whole packet with it (RFC 5722), an exact repetition is ignored, a first fragment too short for the TCP header
//! and one that begins inside it are dropped (RFC 1858, RFC 3128), and memory is bounded.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tcp::{Duration, EcnCodepoint, Time};

use super::{PROTO_TCP, protocol_of};
use crate::packet::{Body, Fragment, IpHeader, Packet};
use crate::trace::DropReason;
use crate::wire;

/// Fragments that wait for the rest of their packets.
#[derive(Clone, Debug)]
#[repr(C)] // what each packet needs stands last, and the counters behind it
pub struct Reassembly {
    timeout: Duration,
    /// Of IPv4 and of IPv6, each by age: all of a family have the same time to live, so the first is the next to expire.
    pending: [BTreeMap<u64, Pending>; 2],
    by_key: FxHashMap<Key, u64>,
    bytes: usize,
    next: u64,
}

/// A packet of which not all came in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// One of its fragments: the first if it came, which then may be answered with ICMP time exceeded.
    pub fragment: Packet,
}

/// What fragments of one packet have in common (RFC 791, section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    ident: u16,
}

/// A packet that is being put together.
#[derive(Clone, Debug, Hash)]
struct Pending {
    key: Key,
    deadline: Time,
    /// Its fragments, in the order of their offsets, without overlap.
    pieces: Vec<Packet>,
    /// Its length without the IP header, once the last fragment has come.
    total: Option<u32>,
    /// Fragments have overlapped: whatever else comes of it is discarded too (RFC 8200, section 4.5).
    spoilt: bool,
}

/// Bound on the memory that fragments take (Linux `ipfrag_high_thresh`), in bytes.
const MOST_BYTES: usize = 4 << 20;
/// What a fragment takes besides its data.
const OVERHEAD: usize = 256;
/// Time to put an IPv6 packet together (RFC 8200, section 4.5).
const TIMEOUT_V6: Duration = Duration::from_secs(60);
/// The smallest TCP header.
const TCP_HEADER: u16 = 20;

impl std::hash::Hash for Reassembly {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // `by_key` leads to what is in `pending`; numbers there are by age.
        let Reassembly { timeout, pending, by_key: _, next: _, bytes } = self;
        (timeout, bytes).hash(state);
        pending.iter().for_each(|family| family.values().for_each(|packet| packet.hash(state)));
    }
}

impl Reassembly {
    /// Whether no fragment waits.
    pub fn is_empty(&self) -> bool {
        self.pending.iter().all(BTreeMap::is_empty)
    }
    /// Nothing waits. An incomplete IPv4 packet is given up `timeout` after its first fragment came, an IPv6 packet after a
    /// minute.
    pub fn new(timeout: Duration) -> Reassembly {
        let by_key = FxHashMap::default();
        Reassembly { timeout, pending: Default::default(), by_key, next: 0, bytes: 0 }
    }
    /// Memory that incomplete packets take, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
    /// For tests of checkers: it believes to have so many bytes more.
    #[cfg(test)]
    pub(crate) fn miscount(&mut self, bytes: usize) {
        self.bytes += bytes;
    }
    /// The same, added up anew, for checkers.
    pub(crate) fn counted(&self) -> usize {
        self.pending.iter().flat_map(BTreeMap::values).map(Pending::cost).sum()
    }
    /// A fragment arrived (other packets are handed back as they are). Returns the whole packet once it is complete.
    ///
    /// # Errors
    /// Why the fragment, and with it perhaps all that it belongs to, was dropped; also what is wrong with a packet that
    /// is now complete and was damaged on its way.
    pub fn add(&mut self, now: Time, packet: Packet) -> Result<Option<Packet>, DropReason> {
        let Body::Fragment(fragment) = &packet.body else { return Ok(Some(packet)) };
        let protocol = protocol_of(&fragment.of);
        if !is_sound(fragment, protocol, &packet.ip) || self.bytes + cost(fragment) > MOST_BYTES {
            return Err(DropReason::BadFragment);
        }
        let key = Key { src: packet.ip.src, dst: packet.ip.dst, protocol, ident: packet.ip.ident };
        let number = *self.by_key.entry(key).or_insert(self.next);
        if number == self.next {
            self.next += 1;
            let deadline = now + if key.src.is_ipv6() { TIMEOUT_V6 } else { self.timeout };
            let pending = Pending { key, deadline, pieces: Vec::new(), total: None, spoilt: false };
            self.pending[key.family()].insert(number, pending);
        }
        let Some(pending) = self.pending[key.family()].get_mut(&number) else { return Ok(None) };
        if pending.spoilt {
            return Err(DropReason::BadFragment);
        }
        match pending.place(fragment) {
            Place::Repeated => Ok(None),
            Place::Overlaps if key.src.is_ipv6() => {
                self.bytes = self.bytes + OVERHEAD - pending.cost();
                pending.pieces.clear();
                pending.spoilt = true;
                Err(DropReason::BadFragment)
            }
            Place::Overlaps => {
                self.forget(key.family(), number);
                Err(DropReason::BadFragment)
            }
            Place::At(index) => {
                self.bytes += cost(fragment);
                if !fragment.more {
                    pending.total = Some(end(fragment));
                }
                pending.pieces.insert(index, packet);
                if !pending.is_complete() {
                    return Ok(None);
                }
                let Some(pending) = self.forget(key.family(), number) else { return Ok(None) };
                wire::as_received(whole(&pending.pieces)?).map(Some)
            }
        }
    }
    /// When [`expire`](Self::expire) wants to be called next.
    #[inline]
    pub fn deadline(&self) -> Time {
        // Of nearly all hosts nothing waits, ever.
        if self.next == 0 {
            return Time::NEVER;
        }
        let first = |family: &BTreeMap<u64, Pending>| family.first_key_value().map(|(_, p)| p.deadline);
        self.pending.iter().filter_map(first).min().unwrap_or(Time::NEVER)
    }
    /// Gives up the packets whose time is over at `now`, oldest first.
    pub fn expire(&mut self, now: Time) -> Vec<Expired> {
        let mut expired = Vec::new();
        for family in 0..self.pending.len() {
            while let Some((number, _)) =
                self.pending[family].first_key_value().filter(|(_, p)| p.deadline <= now)
            {
                let pieces = self.forget(family, *number).map(|pending| pending.pieces);
                expired.extend(pieces.into_iter().flatten().next().map(|fragment| Expired { fragment }));
            }
        }
        expired
    }
    /// Number of packets that are being put together.
    pub fn pending(&self) -> usize {
        self.pending.iter().flat_map(BTreeMap::values).filter(|pending| !pending.spoilt).count()
    }
    fn forget(&mut self, family: usize, number: u64) -> Option<Pending> {
        let pending = self.pending[family].remove(&number)?;
        self.by_key.remove(&pending.key);
        self.bytes -= pending.cost();
        Some(pending)
    }
}

impl Key {
    /// Where packets of this address family wait.
    fn family(&self) -> usize {
        usize::from(self.src.is_ipv6())
    }
}

/// Where a fragment belongs.
#[derive(Hash)]
enum Place {
    /// In front of the piece with this index.
    At(usize),
    /// All of it is there already.
    Repeated,
    /// It contradicts what is there.
    Overlaps,
}

impl Pending {
    /// What it takes of the memory for fragments.
    fn cost(&self) -> usize {
        let pieces: usize = self.pieces.iter().filter_map(piece).map(cost).sum();
        if self.spoilt { OVERHEAD } else { pieces }
    }
    fn place(&self, new: &Fragment) -> Place {
        let (start, end_) = (u32::from(new.offset), end(new));
        let last_end = self.pieces.last().and_then(piece).map_or(0, end);
        let contradicts = match (self.total, new.more) {
            (Some(total), true) => end_ > total,
            (Some(total), false) => end_ != total,
            (None, true) => false,
            (None, false) => last_end > end_,
        };
        if contradicts {
            return Place::Overlaps;
        }
        let index = self.pieces.partition_point(|p| piece(p).is_some_and(|p| u32::from(p.offset) < start));
        let before = index.checked_sub(1).and_then(|i| piece(&self.pieces[i]));
        let after = self.pieces.get(index).and_then(piece);
        let within = |p: &Fragment| u32::from(p.offset) <= start && end_ <= end(p);
        if before.is_some_and(within) || after.is_some_and(within) {
            Place::Repeated
        } else if before.is_some_and(|p| end(p) > start) || after.is_some_and(|p| u32::from(p.offset) < end_)
        {
            Place::Overlaps
        } else {
            Place::At(index)
        }
    }
    fn is_complete(&self) -> bool {
        let Some(total) = self.total else { return false };
        let reached = self
            .pieces
            .iter()
            .filter_map(piece)
            .try_fold(0, |at, p| (u32::from(p.offset) == at).then(|| end(p)));
        reached == Some(total)
    }
}

/// The octet of a fragment's header that cannot be, counted from the beginning of the packet: the length of one that is not
/// the last and no multiple of eight, the offset of one that reaches beyond the largest packet (RFC 8200, section 4.5).
pub fn wrong_octet(packet: &Packet) -> Option<u8> {
    let (fragment, v6) = (piece(packet)?, packet.ip.is_v6());
    if fragment.more && !fragment.len.is_multiple_of(8) {
        Some(if v6 { 4 } else { 2 })
    } else if end(fragment) > most(&packet.ip) {
        Some(if v6 { 42 } else { 6 })
    } else {
        None
    }
}

/// Where the largest packet ends: over IPv4 it counts its header (RFC 791, section 3.1), over IPv6 it does not (RFC 8200,
/// section 3).
fn most(ip: &IpHeader) -> u32 {
    u32::from(u16::MAX) - if ip.is_v6() { 0 } else { ip.header_len() }
}

/// Whether a fragment can be a part of anything.
fn is_sound(f: &Fragment, protocol: u8, ip: &IpHeader) -> bool {
    let length = f.len > 0 && (!f.more || f.len.is_multiple_of(8)) && f.offset.is_multiple_of(8);
    let header = protocol != PROTO_TCP || (f.offset != 8 && (f.offset > 0 || !f.more || f.len >= TCP_HEADER));
    length && header && end(f) <= most(ip)
}

fn end(fragment: &Fragment) -> u32 {
    u32::from(fragment.offset) + u32::from(fragment.len)
}

fn cost(fragment: &Fragment) -> usize {
    OVERHEAD + usize::from(fragment.len)
}

fn piece(packet: &Packet) -> Option<&Fragment> {
    if let Body::Fragment(fragment) = &packet.body { Some(fragment) } else { None }
}

/// The packet that these pieces, complete and in order, make.
fn whole(pieces: &[Packet]) -> Result<Packet, DropReason> {
    let (Some(first), Some(fragment)) = (pieces.first(), pieces.first().and_then(piece)) else {
        return Err(DropReason::BadFragment);
    };
    let mut ip = first.ip;
    ip.ecn = join_ecn(pieces).ok_or(DropReason::BadFragment)?;
    ip.df = false;
    let of = &fragment.of;
    if pieces.iter().filter_map(piece).all(|p| Arc::ptr_eq(&p.of, of)) {
        let flipped_bit = pieces.iter().find_map(flipped_in_whole);
        return Ok(Packet { id: first.id, ip, body: of.body.clone(), flipped_bit });
    }
    // Pieces of different packets under one identification: their checksum tells.
    let mut bytes = Vec::new();
    for (packet, p) in pieces.iter().filter_map(|packet| Some((packet, piece(packet)?))) {
        bytes.extend_from_slice(&wire::fragment_payload(packet, p));
    }
    wire::decode_payload(first.id, ip, protocol_of(of), &bytes)
}

/// Where the flipped bit of a fragment lies in the whole packet.
fn flipped_in_whole(packet: &Packet) -> Option<u32> {
    let (bit, fragment) = (packet.flipped_bit?, piece(packet)?);
    let header = packet.ip.header_len();
    let fragment_header = if packet.ip.is_v6() { 8 } else { 0 };
    Some(bit - 8 * fragment_header + 8 * u32::from(fragment.offset)).filter(|bit| *bit >= 8 * header)
}

/// The ECN field of a packet from those of its fragments (RFC 3168, section 5.3); `None`: they contradict each other.
fn join_ecn(pieces: &[Packet]) -> Option<EcnCodepoint> {
    let first = pieces.first()?.ip.ecn;
    if pieces.iter().all(|p| p.ip.ecn == first) {
        return Some(first);
    }
    let any = |ecn| pieces.iter().any(|p| p.ip.ecn == ecn);
    match (any(EcnCodepoint::NotEct), any(EcnCodepoint::Ce)) {
        (true, _) => None,
        (false, true) => Some(EcnCodepoint::Ce),
        (false, false) => Some(first),
    }
}
