//! The option list of a segment, laid out as real stacks do it.
//!
//! Linux: `net/ipv4/tcp_output.c`, `tcp_options_write`. FreeBSD: `sys/netinet/tcp_output.c`, `tcp_addoptions`.

use std::num::NonZeroU16;

use crate::segment::{AccEcnFields, FastOpenOption, OptionOrder, Options, SackBlocks, TfoCookie, Timestamps};
use crate::seq::SeqNum;

/// Bytes that a header can hold behind its fixed part.
const MAX: usize = 40;
const END: u8 = 0;
const NOP: u8 = 1;
const MSS: u8 = 2;
const WSCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;
const USER_TIMEOUT: u8 = 28;
const FAST_OPEN: u8 = 34;
const ACCECN0: u8 = 172;
const ACCECN1: u8 = 174;
const EXPERIMENT: u8 = 254;
/// What names Fast Open among the experimental options (RFC 7413, section 4.1.1).
const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];

/// The option list as it stands in a header: at most 40 bytes, a multiple of four.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    len: usize,
    bytes: [u8; MAX],
}

impl Layout {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
    /// Appends `bytes` if there is room for all of them.
    fn put(&mut self, bytes: &[u8]) {
        if let Some(room) = self.bytes[self.len..].get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }
    /// Appends no-operations until the length is `rest` modulo `modulus`.
    fn align(&mut self, rest: usize, modulus: usize) {
        while self.len % modulus != rest {
            self.put(&[NOP]);
        }
    }
}

/// How many bytes `options` take, padding included. What does not fit into 40 bytes is left out: SACK blocks from the
/// last on, then further options.
pub(super) fn lay_out(options: &Options) -> Layout {
    let mut list = Layout { len: 0, bytes: [0; MAX] };
    match options.order {
        OptionOrder::Linux => linux(options, &mut list),
        OptionOrder::FreeBsd => freebsd(options, &mut list),
    }
    if let Some(other) = &options.other {
        list.put(other);
    }
    // The rest of the last word: end of option list, and zeros behind it.
    list.len = list.len.next_multiple_of(4);
    list
}

fn linux(options: &Options, list: &mut Layout) {
    put_mss(options, list);
    match (options.timestamps.is_some(), options.sack_permitted) {
        (true, true) => list.put(&[SACK_PERMITTED, 2]),
        (true, false) => list.put(&[NOP, NOP]),
        (false, _) => {}
    }
    put_timestamps(options, list);
    // What does not fill a word of the AccECN option takes the place of the padding of the next option.
    let mut rest = accecn_words(options, list);
    if options.timestamps.is_none() && options.sack_permitted {
        let [a, b] = rest.take_two();
        list.put(&[a, b, SACK_PERMITTED, 2]);
    }
    if let Some(shift) = options.wscale {
        list.put(&[rest.take_single(), WSCALE, 3, shift]);
    }
    if !options.sack.is_empty() {
        let [a, b] = rest.take_two();
        list.put(&[a, b]);
        put_sack(options, list);
    } else if rest.len > 0 {
        let [a, b] = rest.take_two();
        list.put(&[a, b, NOP, NOP]);
    }
    put_rare(options, list);
}

/// Up to two octets that are still to be laid out.
struct Rest {
    len: u8,
    bytes: [u8; 2],
}

impl Rest {
    fn take_two(&mut self) -> [u8; 2] {
        self.len = 0;
        std::mem::replace(&mut self.bytes, [NOP; 2])
    }
    /// The one octet that is left, if it is exactly one: two stay together.
    fn take_single(&mut self) -> u8 {
        if self.len == 1 { self.take_two()[0] } else { NOP }
    }
}

/// Puts the whole words of the AccECN option; what is left of it is for the padding of another (Linux).
fn accecn_words(options: &Options, list: &mut Layout) -> Rest {
    let mut rest = Rest { len: 0, bytes: [NOP; 2] };
    let Some(accecn) = &options.accecn else { return rest };
    let (option, len) = accecn_bytes(accecn);
    match len % 4 {
        tail @ 1..=2 => {
            list.put(&option[..len - tail]);
            rest.len = tail as u8;
            rest.bytes[..tail].copy_from_slice(&option[len - tail..len]);
        }
        _ => {
            list.put(&option[..len]);
            list.align(0, 4);
        }
    }
    rest
}

fn accecn_bytes(accecn: &AccEcnFields) -> ([u8; 11], usize) {
    let len = 2 + 3 * accecn.count();
    let mut option = [0; 11];
    option[0] = if accecn.order1 { ACCECN1 } else { ACCECN0 };
    option[1] = len as u8;
    for (place, field) in option[2..].chunks_exact_mut(3).zip(accecn.fields()) {
        place.copy_from_slice(&field.to_be_bytes()[1..]);
    }
    (option, len)
}

/// What few segments carry, each in whole words.
fn put_rare(options: &Options, list: &mut Layout) {
    if let Some(timeout) = options.user_timeout {
        let [high, low] = timeout.get().to_be_bytes();
        list.put(&[USER_TIMEOUT, 4, high, low]);
    }
    if let Some(option) = &options.fast_open {
        let cookie = option.cookie.as_ref().map_or(&[][..], TfoCookie::as_slice);
        let (mut head, base) = ([FAST_OPEN, 0, 0, 0], if option.experimental { 4 } else { 2 });
        if option.experimental {
            head = [EXPERIMENT, 0, FAST_OPEN_MAGIC[0], FAST_OPEN_MAGIC[1]];
        }
        head[1] = (base + cookie.len()) as u8;
        let mut bytes = [NOP; 20];
        bytes[..base].copy_from_slice(&head[..base]);
        bytes[base..base + cookie.len()].copy_from_slice(cookie);
        list.put(&bytes[..(base + cookie.len()).next_multiple_of(4)]);
    }
}

fn freebsd(options: &Options, list: &mut Layout) {
    put_mss(options, list);
    if let Some(shift) = options.wscale {
        list.align(1, 2);
        list.put(&[WSCALE, 3, shift]);
    }
    if options.sack_permitted {
        list.align(0, 2);
        list.put(&[SACK_PERMITTED, 2]);
    }
    if options.timestamps.is_some() {
        list.align(2, 4);
        put_timestamps(options, list);
    }
    if !options.sack.is_empty() {
        list.align(2, 4);
        put_sack(options, list);
    }
    if let Some(accecn) = &options.accecn {
        let (option, len) = accecn_bytes(accecn);
        list.put(&option[..len]);
    }
    if options.user_timeout.is_some() || options.fast_open.is_some() {
        list.align(0, 4);
        put_rare(options, list);
    }
}

fn put_mss(options: &Options, list: &mut Layout) {
    if let Some(mss) = options.mss {
        let [high, low] = mss.to_be_bytes();
        list.put(&[MSS, 4, high, low]);
    }
}

fn put_timestamps(options: &Options, list: &mut Layout) {
    if let Some(ts) = options.timestamps {
        let mut option = [TIMESTAMPS, 10, 0, 0, 0, 0, 0, 0, 0, 0];
        option[2..6].copy_from_slice(&ts.val.to_be_bytes());
        option[6..].copy_from_slice(&ts.ecr.to_be_bytes());
        list.put(&option);
    }
}

fn put_sack(options: &Options, list: &mut Layout) {
    let room = MAX.saturating_sub(list.len + 2) / 8;
    let blocks = options.sack.as_slice();
    let blocks = &blocks[..blocks.len().min(room)];
    if blocks.is_empty() {
        return;
    }
    list.put(&[SACK, 2 + 8 * blocks.len() as u8]);
    for (left, right) in blocks {
        list.put(&left.0.to_be_bytes());
        list.put(&right.0.to_be_bytes());
    }
}

impl Options {
    /// Bytes that these options take in a header, padding included: what a sender takes off the MSS (RFC 6691).
    pub fn wire_len(&self) -> u32 {
        let Options { mss, wscale, sack_permitted, timestamps, sack, accecn, .. } = self;
        let more = self.user_timeout.is_some() || self.fast_open.is_some() || self.other.is_some();
        let handshake = mss.is_some() || wscale.is_some() || *sack_permitted;
        if more || handshake || accecn.is_some() || sack.len() > 3 {
            return lay_out(self).len as u32;
        }
        // All that a segment of a transfer has, each with its padding.
        let sack_len = if sack.is_empty() { 0 } else { 4 + 8 * sack.len() as u32 };
        sack_len + if timestamps.is_some() { 12 } else { 0 }
    }
    /// What stands in a header's list, well formed or not. What is malformed is passed over (RFC 9293, MUST-6, MUST-7).
    pub fn from_wire(list: &[u8]) -> Options {
        parse(list)
    }
    /// These options as bytes, as they stand in a header.
    pub fn to_wire(&self) -> Vec<u8> {
        lay_out(self).as_slice().to_vec()
    }
}

/// The options in a header. What is malformed is passed over: an option of a known kind with a wrong length alone, and
/// everything behind a length of 0 or 1 or one that points outside (RFC 9293, MUST-6, MUST-7).
pub(super) fn parse(mut list: &[u8]) -> Options {
    let mut options = Options::default();
    let mut other = Vec::new();
    while let Some(kind) = list.first().copied().filter(|kind| *kind != END) {
        let len = match (kind, list.get(1)) {
            (NOP, _) => 1,
            (_, Some(len)) if *len >= 2 => usize::from(*len),
            _ => break,
        };
        let Some((option, rest)) = list.split_at_checked(len) else { break };
        list = rest;
        match option {
            [NOP, ..] => {}
            [MSS, _, high, low] => options.mss = Some(u16::from_be_bytes([*high, *low])),
            [WSCALE, _, shift] => options.wscale = Some(*shift),
            [SACK_PERMITTED, _] => {
                options.sack_permitted = true;
                note_order(&mut options);
            }
            [TIMESTAMPS, _, data @ ..] if data.len() == 8 => {
                options.timestamps = Some(Timestamps { val: word(&data[..4]), ecr: word(&data[4..]) });
                note_order(&mut options);
            }
            [SACK, _, data @ ..] if !data.is_empty() && data.len().is_multiple_of(8) => {
                options.sack = SackBlocks::default();
                for block in data.chunks_exact(8) {
                    options.sack.push(SeqNum(word(&block[..4])), SeqNum(word(&block[4..])));
                }
            }
            // Whole fields only, and no more than there are counters (RFC 9768, section 3.2.3).
            [kind @ (ACCECN0 | ACCECN1), _, data @ ..] => {
                let mut fields = [0; 3];
                let (whole, _) = data.as_chunks::<3>();
                fields.iter_mut().zip(whole).for_each(|(field, bytes)| *field = word(bytes));
                let count = whole.len().min(3) as u8;
                options.accecn = Some(AccEcnFields::new(*kind == ACCECN1, fields, count));
            }
            [USER_TIMEOUT, 4, high, low] => {
                options.user_timeout = NonZeroU16::new(u16::from_be_bytes([*high, *low]));
            }
            [FAST_OPEN, _, cookie @ ..] => note_fast_open(cookie, false, &mut options),
            [EXPERIMENT, _, magic, low, cookie @ ..] if [*magic, *low] == FAST_OPEN_MAGIC => {
                note_fast_open(cookie, true, &mut options);
            }
            [MSS | WSCALE | SACK_PERMITTED | SACK | TIMESTAMPS | USER_TIMEOUT, ..] => {}
            unknown => other.extend_from_slice(unknown),
        }
    }
    if !other.is_empty() {
        options.other = Some(other.into());
    }
    options
}

/// A cookie of a length that none has is as if the option were not there (RFC 7413, section 4.1.1).
fn note_fast_open(cookie: &[u8], experimental: bool, options: &mut Options) {
    let cookie = match cookie {
        [] => None,
        octets => match TfoCookie::new(octets) {
            Some(cookie) => Some(cookie),
            None => return,
        },
    };
    options.fast_open = Some(Box::new(FastOpenOption { cookie, experimental }));
}

/// Window scale in front of what now came: FreeBSD's order.
fn note_order(options: &mut Options) {
    if options.wscale.is_some() {
        options.order = OptionOrder::FreeBsd;
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte))
}
