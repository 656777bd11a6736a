//! A run as a capture file: pcapng with nanoseconds, one interface for each end of each link, and the cause of each
//! packet in a comment. (draft-ietf-opsawg-pcapng.)
//!
//! A packet stands in the file at each end of each link that it passed: once where it was sent, once where it came
//! out. What was lost on a link stands there once. Time zero of the run is time zero of the clock: 1 January 1970.

use std::collections::BTreeMap;
use std::io::{self, Write};

use sim::Packet;
use sim::trace::{NodeId, PipeId, What};
use tcp::Time;

use crate::packetdrill::run::Seen;
use crate::view::{Story, words};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// IP of either version. libpcap up to 1.10 refuses a file with two interfaces of it, which the other two are not hit by.
const LINKTYPE_RAW: u16 = 101;
const LINKTYPE_IPV4: u16 = 228;
const LINKTYPE_IPV6: u16 = 229;

const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const EPB_FLAGS: u16 = 2;
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;

/// Writes the capture of a run: what all hosts and routers saw, or what one of them did.
///
/// # Errors
/// Those of writing.
pub fn write(story: &Story<'_>, only: Option<NodeId>, out: &mut dyn Write) -> io::Result<()> {
    let wanted = |node: NodeId| only.is_none_or(|only| only == node);
    let mut block = Block::default();
    block.section_header();
    block.write_to(out)?;
    let link_type = link_type(story.records.iter().filter_map(|record| match &record.what {
        What::Sent { packet, .. } | What::Received { packet, .. } => Some(packet),
        _ => None,
    }));
    let mut interfaces = BTreeMap::new();
    for pipe in (0..2 * story.names.links()).map(PipeId) {
        let Some((from, _)) = story.names.way(pipe).filter(|(from, _)| wanted(*from)) else { continue };
        interfaces.insert(pipe.0, interfaces.len() as u32);
        block.interface(&format!("{}@{}", story.names.node(from), story.names.link(pipe)), link_type);
        block.write_to(out)?;
    }
    for (index, record) in story.records.iter().enumerate() {
        let (node, interface, direction, packet) = match &record.what {
            What::Sent { node, pipe, packet, .. } => (*node, pipe.0, OUTBOUND, packet),
            // The other end of the same link.
            What::Received { node, pipe, packet } => (*node, pipe.0 ^ 1, INBOUND, packet),
            _ => continue,
        };
        let Some(&interface) = interfaces.get(&interface).filter(|_| wanted(node)) else { continue };
        let bytes = sim::wire::encode(packet);
        let comment = comment(story, index, node, direction, packet);
        block.packet(interface, record.time, &bytes, direction, &comment);
        block.write_to(out)?;
    }
    Ok(())
}

/// Writes the capture of a packetdrill script: one interface, in the comments the causes and the script's lines.
///
/// # Errors
/// Those of writing.
pub fn write_seen(packets: &[Seen], out: &mut dyn Write) -> io::Result<()> {
    let mut block = Block::default();
    block.section_header();
    block.write_to(out)?;
    block.interface("tun0", link_type(packets.iter().map(|seen| &seen.packet)));
    block.write_to(out)?;
    for seen in packets {
        let direction = if seen.inbound { INBOUND } else { OUTBOUND };
        let line = seen.line.map(|line| format!("line {line}"));
        let why = seen.why.map(|why| format!("{} ({})", why.rule.text(), why.rule.source()));
        let comment: Vec<String> = line.into_iter().chain(why).collect();
        block.packet(0, seen.at, &sim::wire::encode(&seen.packet), direction, &comment.join(": "));
        block.write_to(out)?;
    }
    Ok(())
}

/// What the interfaces of a file carry: only IPv4, only IPv6, or both.
fn link_type<'a>(mut packets: impl Iterator<Item = &'a Packet>) -> u16 {
    let Some(first) = packets.next() else { return LINKTYPE_IPV4 };
    match first.ip.is_v6() {
        own if packets.any(|packet| packet.ip.is_v6() != own) => LINKTYPE_RAW,
        true => LINKTYPE_IPV6,
        false => LINKTYPE_IPV4,
    }
}

/// Why a packet is there, or what became of it.
fn comment(story: &Story<'_>, index: usize, node: NodeId, direction: u32, packet: &Packet) -> String {
    let Some(journey) = story.journey(packet.id) else { return String::new() };
    let number = journey.number;
    let mut lines = Vec::new();
    if direction == OUTBOUND && story.is_origin(index, node, packet) {
        let why = journey.why.map_or_else(String::new, |why| format!(": {}", words::cause(story, why)));
        lines.push(format!("#{number}{why}"));
        if story.is_forged(node, packet) {
            lines.push(format!("forged by {}", story.names.node(node)));
        }
    } else if direction == OUTBOUND {
        lines.push(format!("#{number}, forwarded"));
    } else {
        lines.push(format!("#{number} of {}, arrived", story.names.node(journey.origin)));
        if let Some((_, by, why)) = journey.dropped.filter(|(_, by, _)| *by == node) {
            lines.push(format!("dropped by {}: {}", story.names.node(by), words::drop_reason(why)));
        }
    }
    if direction == OUTBOUND {
        let here = journey
            .fates
            .iter()
            .filter(|(_, pipe, _)| story.names.way(*pipe).is_some_and(|(from, _)| from == node));
        lines.extend(here.map(|(_, _, fate)| words::fate(*fate)));
    }
    lines.join("; ")
}

/// A block being made: its type, its body, and both lengths, all little-endian, padded to 32 bits.
#[derive(Default)]
struct Block {
    kind: u32,
    body: Vec<u8>,
}

impl Block {
    fn begin(&mut self, kind: u32) {
        self.kind = kind;
        self.body.clear();
    }
    fn u16(&mut self, n: u16) {
        self.body.extend(n.to_le_bytes());
    }
    fn u32(&mut self, n: u32) {
        self.body.extend(n.to_le_bytes());
    }
    fn padded(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
        self.body.resize(self.body.len().next_multiple_of(4), 0);
    }
    /// An option; its value is cut to what its length can tell.
    fn option(&mut self, code: u16, value: &[u8]) {
        let value = &value[..value.len().min(usize::from(u16::MAX))];
        self.u16(code);
        self.u16(value.len() as u16);
        self.padded(value);
    }
    fn end_of_options(&mut self) {
        self.u32(0);
    }
    fn section_header(&mut self) {
        self.begin(SECTION_HEADER);
        self.u32(BYTE_ORDER_MAGIC);
        self.u16(1);
        self.u16(0);
        // Length of the section: not told.
        self.u32(u32::MAX);
        self.u32(u32::MAX);
        self.option(SHB_USERAPPL, concat!("timewait ", env!("CARGO_PKG_VERSION")).as_bytes());
        self.end_of_options();
    }
    fn interface(&mut self, name: &str, link_type: u16) {
        self.begin(INTERFACE_DESCRIPTION);
        self.u16(link_type);
        self.u16(0);
        // No limit on what is kept of a packet.
        self.u32(0);
        self.option(IF_NAME, name.as_bytes());
        self.option(IF_TSRESOL, &[9]);
        self.end_of_options();
    }
    fn packet(&mut self, interface: u32, time: Time, bytes: &[u8], direction: u32, comment: &str) {
        let nanos = time.as_nanos();
        self.begin(ENHANCED_PACKET);
        self.u32(interface);
        self.u32((nanos >> 32) as u32);
        self.u32(nanos as u32);
        self.u32(bytes.len() as u32);
        self.u32(bytes.len() as u32);
        self.padded(bytes);
        if !comment.is_empty() {
            self.option(OPT_COMMENT, comment.as_bytes());
        }
        self.option(EPB_FLAGS, &direction.to_le_bytes());
        self.end_of_options();
    }
    fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let len = (self.body.len() as u32 + 12).to_le_bytes();
        out.write_all(&self.kind.to_le_bytes())?;
        out.write_all(&len)?;
        out.write_all(&self.body)?;
        out.write_all(&len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample;

    fn u32_at(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
    }

    /// The blocks of a file: type and body. Panics where their lengths do not agree.
    fn blocks(mut bytes: &[u8]) -> Vec<(u32, &[u8])> {
        let mut blocks = Vec::new();
        while !bytes.is_empty() {
            let len = u32_at(bytes, 4) as usize;
            assert_eq!(len % 4, 0, "blocks are padded to 32 bits");
            assert_eq!(u32_at(bytes, len - 4) as usize, len, "both lengths agree");
            blocks.push((u32_at(bytes, 0), &bytes[8..len - 4]));
            bytes = &bytes[len..];
        }
        blocks
    }

    #[test]
    fn a_packet_stands_at_each_end_of_each_link() {
        let (records, names) = (sample::lost_final_ack(), sample::two_hosts());
        let mut bytes = Vec::new();
        write(&Story::read(&records, &names), None, &mut bytes).expect("a vector takes everything");
        let blocks = blocks(&bytes);
        let count = |kind| blocks.iter().filter(|(k, _)| *k == kind).count();
        // Ten packets sent, one of them lost; two ends of one link.
        assert_eq!((count(SECTION_HEADER), count(INTERFACE_DESCRIPTION), count(ENHANCED_PACKET)), (1, 2, 19));

        let packets: Vec<&[u8]> =
            blocks.iter().filter(|(kind, _)| *kind == ENHANCED_PACKET).map(|(_, body)| *body).collect();
        let syn = packets[0];
        assert_eq!(u32_at(syn, 0), 0, "seen at the client's end first");
        let nanos = u64::from(u32_at(syn, 4)) << 32 | u64::from(u32_at(syn, 8));
        assert_eq!(nanos, 100_000_000);
        assert_eq!(u32_at(syn, 12), 60, "20 bytes of IP, 40 of TCP");
        assert_eq!(u32_at(packets[1], 0), 1, "then at the server's");
    }

    #[test]
    fn one_of_each_is_written() {
        let (records, names) = (sample::one_of_each(), sample::with_router());
        let mut bytes = Vec::new();
        write(&Story::read(&records, &names), None, &mut bytes).expect("a vector takes everything");
        let interfaces = blocks(&bytes).iter().filter(|(kind, _)| *kind == INTERFACE_DESCRIPTION).count();
        assert_eq!(interfaces, 4);
    }
}
