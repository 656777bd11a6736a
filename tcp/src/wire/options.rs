//! The option list of a segment, laid out as real stacks do it.
//!
//! Linux: `net/ipv4/tcp_output.c`, `tcp_options_write`. FreeBSD: `sys/netinet/tcp_output.c`, `tcp_addoptions`.

use crate::segment::{OptionOrder, Options, SackBlocks, Timestamps};
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
        (false, true) => list.put(&[NOP, NOP, SACK_PERMITTED, 2]),
        (false, false) => {}
    }
    put_timestamps(options, list);
    if let Some(shift) = options.wscale {
        list.put(&[NOP, WSCALE, 3, shift]);
    }
    if !options.sack.is_empty() {
        list.put(&[NOP, NOP]);
        put_sack(options, list);
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
        lay_out(self).len as u32
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
            [MSS | WSCALE | SACK_PERMITTED | SACK | TIMESTAMPS, ..] => {}
            unknown => other.extend_from_slice(unknown),
        }
    }
    if !other.is_empty() {
        options.other = Some(other.into());
    }
    options
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
