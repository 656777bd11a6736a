//! A capture as tcpdump and Wireshark write it: pcap or pcapng. Only segments of TCP are taken.
//!
//! Who a host is, its address says. Of a file with several interfaces, that of the first segment is
//! taken: a packet stands in it once for each that it passed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tcp::Tuple;

use super::Capture;
use super::ours::tell_segment;
use crate::relative::Isns;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const MICROS: u32 = 0xa1b2_c3d4;
const NANOS: u32 = 0xa1b2_3c4d;
/// IEEE assigned number of IPv4 and IPv6 in Ethernet and Linux cooked headers.
const ETHERTYPES: [[u8; 2]; 2] = [[0x08, 0x00], [0x86, 0xdd]];
const TCP: u8 = 6;

/// Whether these are the first bytes of a pcap or pcapng file.
pub fn is_capture(bytes: &[u8]) -> bool {
    let Some(magic) = bytes.first_chunk::<4>() else { return false };
    let (little, big) = (u32::from_le_bytes(*magic), u32::from_be_bytes(*magic));
    [MICROS, NANOS, SECTION_HEADER].iter().any(|magic| *magic == little || *magic == big)
}

/// Reads such a file.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(bytes: &[u8]) -> Result<Capture, String> {
    let mut taker = Taker::default();
    let magic = bytes.first_chunk::<4>().ok_or("too short for a capture")?;
    if u32::from_le_bytes(*magic) == SECTION_HEADER {
        pcapng(bytes, &mut taker)?
    } else {
        pcap(bytes, &mut taker)?
    }
    if taker.capture.segments.is_empty() {
        return Err("there is no segment of TCP in it".into());
    }
    Ok(taker.capture)
}

/// A reader of numbers in one byte order.
#[derive(Clone, Copy)]
struct Numbers {
    big: bool,
}

impl Numbers {
    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    }
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let two: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    }
}

/// Classic pcap: a header of 24 octets, then packets with one of 16.
fn pcap(bytes: &[u8], taker: &mut Taker) -> Result<(), String> {
    let big = [MICROS, NANOS].contains(&u32::from_be_bytes(bytes[..4].try_into().map_err(|_| "too short")?));
    let numbers = Numbers { big };
    let nanos = numbers.u32(bytes, 0) == Some(NANOS);
    let link = numbers.u32(bytes, 20).ok_or("its header is cut")? & 0xffff;
    let mut at = 24;
    let mut number = 0;
    while at < bytes.len() {
        number += 1;
        let cut = || format!("packet {number} is cut");
        let field = |i: usize| numbers.u32(bytes, at + i).ok_or_else(cut);
        let (seconds, part, len) = (field(0)?, field(4)?, field(8)? as usize);
        let data = bytes.get(at + 16..(at + 16).saturating_add(len)).ok_or_else(cut)?;
        let micros = u64::from(if nanos { part / 1_000 } else { part });
        taker.take(u64::from(seconds) * 1_000_000 + micros, link, data);
        at += 16 + len;
    }
    Ok(())
}

/// An interface of a pcapng: link type and units of its clock in a second.
type Interface = (u32, u64);

/// pcapng: blocks of a type, a length, a body, and the length again (draft-ietf-opsawg-pcapng).
fn pcapng(bytes: &[u8], taker: &mut Taker) -> Result<(), String> {
    let mut numbers = Numbers { big: false };
    let mut interfaces: Vec<Interface> = Vec::new();
    let mut at = 0;
    let mut number = 0;
    while at < bytes.len() {
        number += 1;
        let cut = || format!("block {number} is cut");
        let kind = numbers.u32(bytes, at).ok_or_else(cut)?;
        if kind == SECTION_HEADER {
            numbers.big = bytes.get(at + 8..at + 12) == Some(&[0x1a, 0x2b, 0x3c, 0x4d]);
            interfaces.clear();
        }
        let len = numbers.u32(bytes, at + 4).ok_or_else(cut)? as usize;
        let end = at.checked_add(len).filter(|end| len >= 12 && *end <= bytes.len()).ok_or_else(cut)?;
        let body = &bytes[at + 8..end - 4];
        match kind {
            INTERFACE_DESCRIPTION => interfaces.push(interface(numbers, body).ok_or_else(cut)?),
            ENHANCED_PACKET => {
                let packet = enhanced(numbers, body, &interfaces).ok_or_else(cut)?;
                taker.take_of(numbers.u32(body, 0), packet);
            }
            _ => {}
        }
        at = end;
    }
    Ok(())
}

fn interface(numbers: Numbers, body: &[u8]) -> Option<Interface> {
    const TSRESOL: u16 = 9;
    let link = u32::from(numbers.u16(body, 0)?);
    let mut units = 1_000_000;
    let mut at = 8;
    while let (Some(code), Some(len)) = (numbers.u16(body, at), numbers.u16(body, at + 2)) {
        if code == TSRESOL {
            let value = *body.get(at + 4)?;
            units = match value {
                value if value & 0x80 == 0 => 10u64.checked_pow(u32::from(value))?,
                value => 1u64.checked_shl(u32::from(value & 0x7f))?,
            };
        }
        at += 4 + usize::from(len).next_multiple_of(4);
    }
    Some((link, units))
}

/// Time in microseconds, link type and octets of a packet.
fn enhanced<'a>(numbers: Numbers, body: &'a [u8], interfaces: &[Interface]) -> Option<(u64, u32, &'a [u8])> {
    let (link, units) = *interfaces.get(numbers.u32(body, 0)? as usize)?;
    let time = u64::from(numbers.u32(body, 4)?) << 32 | u64::from(numbers.u32(body, 8)?);
    let len = numbers.u32(body, 12)? as usize;
    let data = body.get(20..20usize.checked_add(len)?)?;
    let micros = u128::from(time) * 1_000_000 / u128::from(units);
    Some((u64::try_from(micros).ok()?, link, data))
}

/// Makes segments of packets.
#[derive(Default)]
struct Taker {
    capture: Capture,
    isns: Isns,
    /// Time of the first packet, from which all are counted: a clock's zero lies far away.
    zero: Option<u64>,
    /// The interface that is taken: that of the first segment.
    interface: Option<u32>,
}

impl Taker {
    /// Takes a packet of an interface, if it is of the one that is taken.
    fn take_of(&mut self, interface: Option<u32>, (at, link, data): (u64, u32, &[u8])) {
        if self.interface.is_some_and(|taken| Some(taken) != interface) {
            return;
        }
        self.take(at, link, data);
        if !self.capture.segments.is_empty() {
            self.interface = interface;
        }
    }

    /// Takes a packet, if it is a whole header of TCP in IP over a link of a known type.
    fn take(&mut self, at: u64, link: u32, data: &[u8]) {
        let zero = *self.zero.get_or_insert(at);
        let Some((src, dst, segment)) = ip(link, data).and_then(tcp) else { return };
        let tuple =
            Tuple { local: SocketAddr::new(src, segment.src), remote: SocketAddr::new(dst, segment.dst) };
        let numbers = self.isns.look(tuple, &segment, false);
        let told = tell_segment(at.saturating_sub(zero), src.to_string(), &segment, numbers);
        self.capture.segments.push(told);
    }
}

/// The IP packet of a frame.
fn ip(link: u32, data: &[u8]) -> Option<&[u8]> {
    let typed = |at: usize| {
        let kind: [u8; 2] = data.get(at..at + 2)?.try_into().ok()?;
        ETHERTYPES.contains(&kind).then(|| data.get(at + 2..)).flatten()
    };
    match link {
        // NULL and LOOP: four octets of an address family.
        0 | 108 => data.get(4..),
        // Ethernet, with a VLAN tag or without.
        1 => typed(12).or_else(|| typed(16)),
        12 | 14 | 101 | 228 | 229 => Some(data),
        // Linux cooked, versions 1 and 2.
        113 => typed(14),
        276 => {
            let kind: [u8; 2] = data.get(..2)?.try_into().ok()?;
            ETHERTYPES.contains(&kind).then(|| data.get(20..)).flatten()
        }
        _ => None,
    }
}

/// The segment of a packet. What the capture cut off is counted by the packet's own length.
fn tcp(packet: &[u8]) -> Option<(IpAddr, IpAddr, tcp::Segment)> {
    let version = packet.first()? >> 4;
    let u16_at = |at: usize| Some(usize::from(u16::from_be_bytes(packet.get(at..at + 2)?.try_into().ok()?)));
    let (header, total, src, dst) = if version == 4 {
        let address = |at: usize| Some(IpAddr::from(Ipv4Addr::from(*packet.get(at..)?.first_chunk::<4>()?)));
        let fragment = u16_at(6)? & 0x1fff;
        if packet.get(9) != Some(&TCP) || fragment != 0 {
            return None;
        }
        (usize::from(packet.first()? & 15) * 4, u16_at(2)?, address(12)?, address(16)?)
    } else {
        let address = |at: usize| Some(IpAddr::from(Ipv6Addr::from(*packet.get(at..)?.first_chunk::<16>()?)));
        if packet.get(6) != Some(&TCP) {
            return None;
        }
        (40, 40 + u16_at(4)?, address(8)?, address(24)?)
    };
    let mut bytes = packet.get(header..total.min(packet.len()))?.to_vec();
    bytes.resize(total.saturating_sub(header), 0);
    tcp::wire::decode_unverified(&bytes).ok().map(|segment| (src, dst, segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A SYN from 10.0.0.1 in Ethernet, in a pcap of either byte order.
    fn file(big: bool, keep: usize) -> Vec<u8> {
        let mut syn = tcp::Segment::default();
        (syn.src, syn.dst, syn.seq, syn.wnd) = (4, 5, tcp::SeqNum(7), 9);
        syn.flags = tcp::Flags::SYN;
        syn.options.mss = Some(1460);
        let (src, dst) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let bytes = tcp::wire::encode(&syn, src.into(), dst.into());
        let total = 20 + bytes.len() as u16;
        let mut frame = vec![0; 12];
        frame.extend([8, 0, 0x45, 0]);
        frame.extend(total.to_be_bytes());
        frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        frame.extend(src.into_iter().chain(dst).chain(bytes));
        let number = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let mut file: Vec<u8> = Vec::new();
        let len = frame.len() as u32;
        for n in [MICROS, 0, 0, 0, 65535, 1, 100, 250, len, len] {
            file.extend(number(n));
        }
        file.extend(&frame[..keep.min(frame.len())]);
        file
    }

    #[test]
    fn a_pcap_of_either_byte_order_is_read() {
        for big in [false, true] {
            let capture = read(&file(big, usize::MAX)).expect("a capture");
            let shown: Vec<String> = capture.segments.iter().map(crate::compare::show::line).collect();
            assert_eq!(shown, ["0.0000 10.0.0.1 4>5 S seq 0 ack - len 0 win 9 urg - <mss=1460> -"]);
        }
    }

    #[test]
    fn no_prefix_of_a_capture_panics() {
        let whole = file(false, usize::MAX);
        for keep in 0..whole.len() {
            assert!(read(&whole[..keep]).is_err(), "{keep}");
        }
        assert_eq!(read(&file(true, 30)).expect_err("cut"), "packet 1 is cut");
    }
}
