//! Segments of a script as segments of TCP, and back: option for option, in the order in which they stand.

use tcp::{EcnCodepoint, Options};

use crate::packetdrill::ast::{TcpOption, Tos};

const EOL: u8 = 0;
const NOP: u8 = 1;
const MSS: u8 = 2;
const WSCALE: u8 = 3;
const SACK_OK: u8 = 4;
const SACK: u8 = 5;
const TS: u8 = 8;
const MD5: u8 = 19;
const FAST_OPEN: u8 = 34;
const ACC_ECN0: u8 = 172;
const ACC_ECN1: u8 = 174;
const EXPERIMENT: u8 = 254;
/// Number of the experiment that Fast Open was (RFC 7413, section 4.1.1).
const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];

/// Options as they stand in a header.
pub fn to_bytes(options: &[TcpOption]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for option in options {
        let start = bytes.len();
        match option {
            TcpOption::Eol => bytes.push(EOL),
            TcpOption::Nop => bytes.push(NOP),
            TcpOption::Mss(mss) => {
                bytes.extend([MSS, 0]);
                bytes.extend(mss.to_be_bytes());
            }
            TcpOption::Wscale(shift) => bytes.extend([WSCALE, 0, *shift]),
            TcpOption::SackOk => bytes.extend([SACK_OK, 0]),
            TcpOption::Sack(blocks) => {
                bytes.extend([SACK, 0]);
                for (left, right) in blocks {
                    bytes.extend(left.to_be_bytes());
                    bytes.extend(right.to_be_bytes());
                }
            }
            TcpOption::Ts { val, ecr } => {
                bytes.extend([TS, 0]);
                bytes.extend(val.to_be_bytes());
                bytes.extend(ecr.to_be_bytes());
            }
            TcpOption::FastOpen { cookie, experimental } => {
                bytes.extend([if *experimental { EXPERIMENT } else { FAST_OPEN }, 0]);
                if *experimental {
                    bytes.extend(FAST_OPEN_MAGIC);
                }
                bytes.extend(cookie);
            }
            TcpOption::AccEcn { order1, fields } => {
                bytes.extend([if *order1 { ACC_ECN1 } else { ACC_ECN0 }, 0]);
                fields.iter().for_each(|field| bytes.extend(&field.to_be_bytes()[1..]));
            }
            TcpOption::Md5(digest) => {
                bytes.extend([MD5, 0]);
                bytes.extend(digest.iter().flatten());
            }
        }
        let len = (bytes.len() - start) as u8;
        if len > 1 {
            bytes[start + 1] = len;
        }
    }
    bytes
}

/// The options of a header, in order. `Err`: what follows an end of list, or is malformed, as bytes.
pub fn from_bytes(bytes: &[u8]) -> (Vec<TcpOption>, Vec<u8>) {
    let mut options = Vec::new();
    let mut rest = bytes;
    while let Some(kind) = rest.first().copied() {
        let len = match (kind, rest.get(1)) {
            (EOL | NOP, _) => 1,
            (_, Some(len)) if *len >= 2 => usize::from(*len),
            _ => break,
        };
        let Some((option, next)) = rest.split_at_checked(len) else { break };
        let Some(option) = one(kind, option.get(2..).unwrap_or(&[])) else { break };
        options.push(option);
        rest = next;
    }
    (options, rest.to_vec())
}

fn one(kind: u8, data: &[u8]) -> Option<TcpOption> {
    let word = |bytes: &[u8]| bytes.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
    Some(match (kind, data) {
        (EOL, _) => TcpOption::Eol,
        (NOP, _) => TcpOption::Nop,
        (MSS, [high, low]) => TcpOption::Mss(u16::from_be_bytes([*high, *low])),
        (WSCALE, [shift]) => TcpOption::Wscale(*shift),
        (SACK_OK, []) => TcpOption::SackOk,
        (SACK, data) if data.len().is_multiple_of(8) => TcpOption::Sack(
            data.chunks_exact(8).map(|block| (word(&block[..4]), word(&block[4..]))).collect(),
        ),
        (TS, data) if data.len() == 8 => TcpOption::Ts { val: word(&data[..4]), ecr: word(&data[4..]) },
        (FAST_OPEN, cookie) => TcpOption::FastOpen { cookie: cookie.to_vec(), experimental: false },
        (EXPERIMENT, data) => {
            let cookie = data.strip_prefix(&FAST_OPEN_MAGIC)?;
            TcpOption::FastOpen { cookie: cookie.to_vec(), experimental: true }
        }
        (ACC_ECN0 | ACC_ECN1, data) if data.len().is_multiple_of(3) => {
            TcpOption::AccEcn { order1: kind == ACC_ECN1, fields: data.chunks_exact(3).map(word).collect() }
        }
        (MD5, data) => TcpOption::Md5(Some(data.to_vec())),
        _ => return None,
    })
}

/// The options of a segment of TCP, in the order in which they stand on the wire.
pub fn options_of(options: &Options) -> Vec<TcpOption> {
    from_bytes(&options.to_wire()).0
}

/// Options as TCP sees them in a segment that comes in.
pub fn parsed(options: &[TcpOption]) -> Options {
    // A header without anything but these options, then read as any other.
    let list = to_bytes(options);
    let words = 5 + list.len().div_ceil(4);
    let mut header = vec![0; 4 * words];
    header[12] = (words as u8) << 4;
    header[20..20 + list.len()].copy_from_slice(&list);
    tcp::wire::decode_unverified(&header).map(|segment| segment.options).unwrap_or_default()
}

/// The class of service of the octet, where it is given whole.
pub fn dscp(tos: Option<Tos>) -> u8 {
    match tos {
        Some(Tos::Octet(octet)) => octet >> 2,
        _ => 0,
    }
}
/// The ECN field of a packet that is injected.
pub fn ecn(tos: Option<Tos>) -> EcnCodepoint {
    match tos {
        Some(Tos::Ecn(codepoint)) => codepoint,
        Some(Tos::Octet(octet)) => match octet & 3 {
            1 => EcnCodepoint::Ect1,
            2 => EcnCodepoint::Ect0,
            3 => EcnCodepoint::Ce,
            _ => EcnCodepoint::NotEct,
        },
        Some(Tos::AnyEct) | None => EcnCodepoint::NotEct,
    }
}
