//! Packets: `< [ect0] P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 200 ecr 100>`, ICMP messages, datagrams.

use tcp::{EcnCodepoint, Flags};

use super::Words;
use crate::packetdrill::ast::{Body, Icmp, IpInfo, Packet, Quote, Segment, Span, Tos};
use crate::packetdrill::lex::Kind;
use crate::scenario::Problem;
use crate::scenario::error::suggest;

/// Types of ICMP messages by name (RFC 792, RFC 950).
const ICMP_TYPES: &[(&str, u8)] = &[
    ("echo_reply", 0),
    ("unreachable", 3),
    ("source_quench", 4),
    ("redirect", 5),
    ("echo_request", 8),
    ("time_exceeded", 11),
    ("parameter_problem", 12),
    ("timestamp_request", 13),
    ("timestamp_reply", 14),
    ("information_request", 15),
    ("information_reply", 16),
    ("address_mask_request", 17),
    ("address_mask_reply", 18),
    ("packet_too_big", 2),
];

/// Codes of "unreachable" by name (RFC 792, RFC 1122, RFC 1812).
const UNREACHABLE_CODES: &[(&str, u8)] = &[
    ("net_unreachable", 0),
    ("host_unreachable", 1),
    ("protocol_unreachable", 2),
    ("port_unreachable", 3),
    ("frag_needed", 4),
    ("source_route_failed", 5),
    ("net_unknown", 6),
    ("host_unknown", 7),
    ("source_host_isolated", 8),
    ("net_prohibited", 9),
    ("host_prohibited", 10),
    ("net_unreachable_for_tos", 11),
    ("host_unreachable_for_tos", 12),
    ("packet_filtered", 13),
    ("precedence_violation", 14),
    ("precedence_cutoff", 15),
];
/// Codes of the other types that have names.
const OTHER_CODES: &[(u8, &str, u8)] = &[
    (5, "redirect_net", 0),
    (5, "redirect_host", 1),
    (5, "redirect_tos_net", 2),
    (5, "redirect_tos_host", 3),
    (11, "exceeded_ttl", 0),
    (11, "exceeded_frag_time", 1),
    (11, "ttl_exceeded_in_transit", 0),
    (11, "frag_reass_exceeded", 1),
];

/// Types and codes of version 6 alone.
const VERSION_6: &[&str] = &[
    "no_route",
    "admin_prohibited",
    "not_neighbour",
    "address_unreachable",
    "router_solicitation",
    "router_advertisement",
    "neighbor_solicitation",
    "neighbor_advertisement",
    "exceeded_hop_limit",
    "exceeded_frag_time_v6",
    "unknown_next_header",
    "header_field",
    "unknown_option",
];

impl Words<'_> {
    /// A packet behind its direction.
    pub(super) fn packet(&mut self, inbound: bool) -> Result<Packet, Problem> {
        let start = self.span().start;
        let mut outer = self.outer_headers()?;
        let quote = self.quote_in_front()?;
        let ip = self.ip_info(inbound)?;
        if self.take_word("encap") {
            self.skip_to_flags();
            outer = Some("an encapsulated packet");
        }
        let ports = self.ports()?;
        let body = if self.take_word("icmp") {
            if self.skip_version_6() {
                outer = Some("ICMP of version 6");
            }
            let icmp = self.icmp(outer.is_some())?;
            Body::Icmp(Icmp { quote: quote.unwrap_or(icmp.quote), ..icmp })
        } else if quote.is_some() {
            return Err(self.unexpected("`icmp` behind a quoted packet"));
        } else if self.take_word("udp") {
            self.expect('(', "and the length of the datagram")?;
            let len = self.number("the length of the datagram", 0, 65_507)?;
            self.expect(')', "behind the length of the datagram")?;
            Body::Udp(len as u16)
        } else {
            Body::Tcp(self.segment(inbound)?)
        };
        if self.take('/') {
            outer = Some("TCP in UDP");
            self.skip_encapsulation()?;
        }
        let body = outer.map_or(body, Body::Encapsulated);
        Ok(Packet { ip, ports, body, span: start..self.end() })
    }

    /// Old scripts quote in front: `< [1:1461(1460)] icmp unreachable frag_needed mtu 1200`.
    fn quote_in_front(&mut self) -> Result<Option<Quote>, Problem> {
        if !(self.is_punct('[') && matches!(self.peek_at(1), Kind::Int(_))) {
            return Ok(None);
        }
        self.bump();
        self.quote().map(Some)
    }
    /// Whether type or code that come next are of version 6; then both are read.
    fn skip_version_6(&mut self) -> bool {
        let is = |kind: &Kind| matches!(kind, Kind::Word(word) if VERSION_6.contains(&word.as_str()));
        let both = is(self.peek_at(1));
        let one = is(self.peek());
        if both {
            self.bump();
        }
        if both || one {
            self.bump();
        }
        both || one
    }

    /// Headers around the packet: `ipv4 1.1.1.1 > 2.2.2.2: gre: mpls (…):`.
    fn outer_headers(&mut self) -> Result<Option<&'static str>, Problem> {
        let mut found = None;
        loop {
            let name = match self.peek() {
                Kind::Word(word) => match word.as_str() {
                    "ipv4" | "ipv6" => "IP in IP",
                    "gre" | "GREv0" => "GRE",
                    "mpls" => "MPLS",
                    _ => return Ok(found),
                },
                _ => return Ok(found),
            };
            found = Some(name);
            while !self.take(':') {
                if matches!(self.peek(), Kind::End | Kind::Command(_) | Kind::Code(_)) {
                    return Err(self.unexpected("`:` behind the outer header"));
                }
                self.bump();
            }
        }
    }
    /// `encap psp spi 1` before the control bits.
    fn skip_to_flags(&mut self) {
        while matches!(self.peek(), Kind::Word(word) if word == "psp" || word == "spi") {
            self.bump();
            if matches!(self.peek(), Kind::Int(_) | Kind::Hex(_)) {
                self.bump();
            }
        }
    }
    /// `udp(1 > 2)` behind `/`.
    fn skip_encapsulation(&mut self) -> Result<(), Problem> {
        if !self.take_word("udp") {
            return Err(self.unexpected("`udp(port > port)`"));
        }
        self.expect('(', "and the ports of the outer datagram")?;
        while !self.take(')') {
            if self.peek() == &Kind::End {
                return Err(self.unexpected("`)` behind the ports"));
            }
            self.bump();
        }
        Ok(())
    }

    fn ports(&mut self) -> Result<Option<(u16, u16)>, Problem> {
        if !(matches!(self.peek(), Kind::Int(_)) && self.peek_at(1) == &Kind::Punct('>')) {
            return Ok(None);
        }
        let src = self.number("a source port", 0, 65_535)?;
        self.expect('>', "between the ports")?;
        Ok(Some((src as u16, self.number("a destination port", 0, 65_535)? as u16)))
    }

    /// `[ect0]`, `(tos 0x10)`, `[ect0, flowlabel 0x3]`, `(ttl 5)`.
    fn ip_info(&mut self, inbound: bool) -> Result<IpInfo, Problem> {
        let mut info = IpInfo::default();
        let close = match self.peek() {
            Kind::Punct('[') => ']',
            Kind::Punct('(') => ')',
            _ => return Ok(info),
        };
        self.bump();
        loop {
            self.ip_field(&mut info, inbound)?;
            if self.take(close) {
                return Ok(info);
            }
            self.expect(',', &format!("or `{close}`"))?;
        }
    }
    fn ip_field(&mut self, info: &mut IpInfo, inbound: bool) -> Result<(), Problem> {
        const NAMES: [&str; 8] = ["noecn", "ect0", "ect1", "ect01", "ce", "tos", "ttl", "flowlabel"];
        let word = match self.peek() {
            Kind::Word(word) => word.as_str(),
            _ => {
                return Err(
                    self.unexpected("a field of the IP header: noecn, ect0, ect1, ce, tos, ttl, flowlabel")
                );
            }
        };
        let ecn = |codepoint| Some(Tos::Ecn(codepoint));
        let tos = match word {
            "noecn" => ecn(EcnCodepoint::NotEct),
            "ect0" => ecn(EcnCodepoint::Ect0),
            "ect1" => ecn(EcnCodepoint::Ect1),
            "ce" => ecn(EcnCodepoint::Ce),
            "ect01" if inbound => {
                let message = "ect01 stands for either of two".to_owned();
                return Err(self.wrong(message, "only an expected packet (`>`) can be either".into()));
            }
            "ect01" => Some(Tos::AnyEct),
            "tos" | "class" | "ttl" | "hlim" | "flowlabel" => None,
            _ => {
                let help = suggest(word, NAMES, "fields");
                return Err(Problem { help, ..self.unexpected("a field of the IP header") });
            }
        };
        self.bump();
        if tos.is_some() {
            info.tos = tos;
            return Ok(());
        }
        match word {
            "tos" | "class" => info.tos = Some(Tos::Octet(self.number("the octet TOS", 0, 255)? as u8)),
            "ttl" | "hlim" => info.ttl = Some(self.number("a time to live", 0, 255)? as u8),
            _ => info.flowlabel = Some(self.number("a flow label", 0, 0xf_ffff)? as u32),
        }
        Ok(())
    }

    fn segment(&mut self, inbound: bool) -> Result<Segment, Problem> {
        let (flags, ace) = self.flags()?;
        let (seq, seq_is_live, len) = self.sequence()?;
        let ack = if self.take_word("ack") { self.ack()? } else { None };
        let wide = |n: i64| n as u16;
        let win = if self.take_word("win") {
            Some(wide(self.number("the window field", 0, 65_535)?))
        } else {
            None
        };
        let urg = if self.take_word("urg") {
            Some(wide(self.number("the urgent pointer", 0, 65_535)?))
        } else {
            None
        };
        let options = if self.options_follow() { self.tcp_options(inbound)? } else { Some(Vec::new()) };
        if inbound && win.is_none() {
            return Err(Problem {
                message: "an injected segment has no window".into(),
                span: self.end().saturating_sub(1)..self.end(),
                label: "expected `win` and the value of the window field behind this".into(),
                help: None,
            });
        }
        Ok(Segment { flags, ace, seq, seq_is_live, len, ack, win, urg, options })
    }

    /// Whether `<` begins options here, not the next injected packet: a time stands before that.
    fn options_follow(&self) -> bool {
        self.is_punct('<')
    }

    /// `S.`, `P.`, `FE`, `.5`, `-`: letters in any order, one digit at most for the AccECN counter.
    fn flags(&mut self) -> Result<(Flags, Option<u8>), Problem> {
        const WHAT: &str = "control bits: letters of FSRPEWAU, a digit, `.` for ACK, or `-` for none";
        let start = self.span();
        if self.take('-') {
            return Ok((Flags::NONE, None));
        }
        let mut letters = String::new();
        // `SE.` is two words, `P.5` a word and a number; blanks between them mean nothing.
        loop {
            match self.peek() {
                Kind::Word(word) if letters.is_empty() => letters.push_str(word),
                Kind::Punct('.') => letters.push('.'),
                Kind::Float { negative: false, micros } if micros % 100_000 == 0 && *micros < 1_000_000 => {
                    letters.push('.');
                    letters.push_str(&(micros / 100_000).to_string());
                }
                Kind::Int(n)
                    if letters.is_empty() && (0..8).contains(n) && self.peek_at(1) == &Kind::Punct('.') =>
                {
                    letters.push_str(&n.to_string());
                }
                _ => break,
            }
            self.bump();
        }
        if letters.is_empty() {
            return Err(self.unexpected(WHAT));
        }
        self.letters(&letters, &start)
    }

    fn letters(&self, letters: &str, start: &Span) -> Result<(Flags, Option<u8>), Problem> {
        let mut flags = Flags::NONE;
        let mut ace = None;
        for c in letters.chars() {
            flags |= match c {
                'F' => Flags::FIN,
                'S' => Flags::SYN,
                'R' => Flags::RST,
                'P' => Flags::PSH,
                '.' => Flags::ACK,
                'U' => Flags::URG,
                'E' => Flags::ECE,
                'W' | 'C' => Flags::CWR,
                'A' => Flags::AE,
                '0'..='7' if ace.is_none() => {
                    ace = Some(c as u8 - b'0');
                    Flags::NONE
                }
                _ => {
                    return Err(Problem {
                        message: format!("`{c}` is no control bit"),
                        span: start.start..self.end().max(start.end),
                        label: "expected letters of FSRPEWAU, one digit 0 to 7, `.` for ACK, or `-` for none"
                            .into(),
                        help: None,
                    });
                }
            };
        }
        if let Some(count) = ace {
            flags = flags.without(Flags::AE | Flags::CWR | Flags::ECE);
            let bit = |mask: u8, flag: Flags| if count & mask != 0 { flag } else { Flags::NONE };
            flags |= bit(4, Flags::AE) | bit(2, Flags::CWR) | bit(1, Flags::ECE);
        }
        Ok((flags, ace))
    }

    /// `1:1001(1000)`, or `...(0)` for a number that is not compared; `!` behind it: as it is on the wire.
    fn sequence(&mut self) -> Result<(Option<u32>, bool, u32), Problem> {
        const MOST: i64 = u32::MAX as i64;
        if self.peek() == &Kind::Ellipsis {
            self.bump();
            let len = self.payload_len()?;
            return Ok((None, false, len));
        }
        let start = self.span().start;
        let first = self.number("a sequence number, as in `1:1001(1000)`", 0, MOST)?;
        self.expect(':', "between the first and the last sequence number")?;
        let last = self.number("the sequence number behind the last octet", 0, MOST)?;
        let len = self.payload_len()?;
        if (first as u32).wrapping_add(len) != last as u32 {
            return Err(Problem {
                message: "sequence numbers and payload do not fit together".into(),
                span: start..self.end(),
                label: format!("{first} and {len} octets make {}", (first as u32).wrapping_add(len)),
                help: None,
            });
        }
        let live = self.take('!');
        Ok((Some(first as u32), live, len))
    }
    fn payload_len(&mut self) -> Result<u32, Problem> {
        self.expect('(', "and the number of payload octets")?;
        let len = self.number("the number of payload octets", 0, 65_535)?;
        self.expect(')', "behind the number of payload octets")?;
        Ok(len as u32)
    }

    fn ack(&mut self) -> Result<Option<u32>, Problem> {
        let ack = self.number("an acknowledgment number", 0, i64::from(u32::MAX))?;
        Ok(Some(ack as u32))
    }

    fn icmp(&mut self, typed: bool) -> Result<Icmp, Problem> {
        let kind = if typed { (0, 0) } else { self.icmp_kind()? };
        let mut icmp = Icmp { kind, mtu: None, id: None, quote: Quote::Tcp(0, 0) };
        // Today's order is MTU, identifier, quotation; older scripts quote first.
        loop {
            if self.take_word("mtu") {
                icmp.mtu = Some(self.number("an MTU", 0, 65_535)? as u16);
            } else if self.take_word("id") {
                icmp.id = Some(self.number("an identifier", 0, 65_535)? as u16);
            } else if self.take('[') {
                icmp.quote = self.quote()?;
            } else {
                return Ok(icmp);
            }
        }
    }
    fn icmp_kind(&mut self) -> Result<(u8, u8), Problem> {
        let names: Vec<&str> = ICMP_TYPES.iter().map(|(name, _)| *name).collect();
        let Kind::Word(word) = self.peek() else {
            return Err(self.unexpected("the type of the ICMP message"));
        };
        let numbered =
            |word: &str, prefix: &str| word.strip_prefix(prefix).and_then(|n| n.parse::<u8>().ok());
        let named = ICMP_TYPES.iter().find(|(name, _)| name == word).map(|(_, number)| *number);
        let Some(kind) = named.or_else(|| numbered(word, "type_")) else {
            let help = suggest(word, names, "types");
            return Err(Problem { help, ..self.unexpected("the type of the ICMP message") });
        };
        self.bump();
        // Version 6 alone has this type; it is the older "fragmentation needed".
        let kind = if word == "packet_too_big" { 3 } else { kind };
        let default = if word == "packet_too_big" { 4 } else { 0 };
        let Kind::Word(code) = self.peek() else { return Ok((kind, default)) };
        if matches!(code.as_str(), "mtu" | "id") {
            return Ok((kind, default));
        }
        let named = match kind {
            3 => UNREACHABLE_CODES.iter().find(|(name, _)| name == code).map(|(_, number)| *number),
            _ => OTHER_CODES
                .iter()
                .find(|(of, name, _)| *of == kind && name == code)
                .map(|(.., number)| *number),
        };
        let Some(number) = named.or_else(|| numbered(code, "code_")) else {
            let names = UNREACHABLE_CODES.iter().map(|(name, _)| *name);
            let help = suggest(code, names, "codes");
            return Err(Problem { help, ..self.unexpected("the code of the ICMP message") });
        };
        self.bump();
        Ok((kind, number))
    }
    fn quote(&mut self) -> Result<Quote, Problem> {
        let quote = if self.take_word("udp") {
            Quote::Udp(self.payload_len()? as u16)
        } else if self.take_word("raw") {
            Quote::Raw(self.payload_len()? as u16)
        } else {
            let (seq, _, len) = self.sequence()?;
            Quote::Tcp(seq.unwrap_or(0), len)
        };
        if self.take('/') {
            self.skip_encapsulation()?;
        }
        self.expect(']', "behind the quoted packet")?;
        Ok(quote)
    }
}
