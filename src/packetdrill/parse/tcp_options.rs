//! TCP options: `<mss 1460,nop,wscale 7>`, `<...>` for any.

use super::Words;
use crate::packetdrill::ast::TcpOption;
use crate::packetdrill::lex::Kind;
use crate::scenario::Problem;
use crate::scenario::error::suggest;

const NAMES: [&str; 11] =
    ["nop", "eol", "mss", "wscale", "sackOK", "sack", "TS", "FO", "FOEXP", "ECN", "md5"];
const U32: i64 = u32::MAX as i64;
/// Most bytes that options can take (RFC 9293, section 3.1).
const MOST: usize = 40;

impl Words<'_> {
    /// The options of a segment; `None`: any.
    pub(super) fn tcp_options(&mut self, inbound: bool) -> Result<Option<Vec<TcpOption>>, Problem> {
        let start = self.span().start;
        self.expect('<', "before options")?;
        if self.peek() == &Kind::Ellipsis {
            if inbound {
                let message = "an injected segment with any options".to_owned();
                return Err(self.wrong(message, "only an expected packet (`>`) can have any options".into()));
            }
            self.bump();
            self.expect('>', "behind options")?;
            return Ok(None);
        }
        let mut options = Vec::new();
        loop {
            options.push(self.tcp_option()?);
            if self.take('>') {
                break;
            }
            self.expect(',', "or `>`")?;
        }
        let wrong = |message: String, label: &str| Problem {
            message,
            span: start..self.end(),
            label: label.into(),
            help: None,
        };
        let len: usize = options.iter().map(wire_len).sum();
        if len > MOST {
            return Err(wrong(format!("these options take {len} bytes"), "a header has room for 40"));
        }
        if !len.is_multiple_of(4) {
            return Err(wrong(
                format!("these options take {len} bytes"),
                "expected a multiple of 4: fill up with `nop`",
            ));
        }
        Ok(Some(options))
    }

    fn tcp_option(&mut self) -> Result<TcpOption, Problem> {
        let Kind::Word(name) = self.peek() else { return Err(self.unexpected("a TCP option")) };
        if !NAMES.contains(&name.as_str()) {
            let help = suggest(name, NAMES, "options");
            return Err(Problem { help, ..self.unexpected("a TCP option") });
        }
        self.bump();
        Ok(match name.as_str() {
            "nop" => TcpOption::Nop,
            "eol" => TcpOption::Eol,
            "mss" => TcpOption::Mss(self.number("a maximum segment size", 0, 65_535)? as u16),
            "wscale" => TcpOption::Wscale(self.number("a window scale", 0, 255)? as u8),
            "sackOK" => TcpOption::SackOk,
            "sack" => self.sack()?,
            "TS" => self.timestamps()?,
            "FO" => self.fast_open(false)?,
            "FOEXP" => self.fast_open(true)?,
            "ECN" => self.accurate_ecn()?,
            _ if self.take_word("valid") => TcpOption::Md5(None),
            _ => TcpOption::Md5(Some(self.hex()?)),
        })
    }

    fn sack(&mut self) -> Result<TcpOption, Problem> {
        let mut blocks = Vec::new();
        while blocks.is_empty() || matches!(self.peek(), Kind::Int(_)) {
            let left = self.number("the left edge of a SACK block", 0, U32)?;
            self.expect(':', "between the edges of a SACK block")?;
            blocks.push((left as u32, self.number("the right edge of a SACK block", 0, U32)? as u32));
        }
        Ok(TcpOption::Sack(blocks))
    }

    fn timestamps(&mut self) -> Result<TcpOption, Problem> {
        if !self.take_word("val") {
            return Err(self.unexpected("`val`, as in `TS val 200 ecr 100`"));
        }
        let val = self.number("a timestamp", 0, U32)? as u32;
        if !self.take_word("ecr") {
            return Err(self.unexpected("`ecr`, as in `TS val 200 ecr 100`"));
        }
        Ok(TcpOption::Ts { val, ecr: self.number("a timestamp", 0, U32)? as u32 })
    }

    fn fast_open(&mut self, experimental: bool) -> Result<TcpOption, Problem> {
        let cookie = match self.peek() {
            Kind::Word(_) | Kind::Int(_) | Kind::Hex(_) => self.hex()?,
            _ => Vec::new(),
        };
        Ok(TcpOption::FastOpen { cookie, experimental })
    }

    /// Hexadecimal digits, as they were typed: `0302` is a number, `3021b9d8` a word.
    fn hex(&mut self) -> Result<Vec<u8>, Problem> {
        let digits = match self.peek() {
            Kind::Word(word) => word.clone(),
            Kind::Int(_) => self.digits(),
            _ => return Err(self.unexpected("hexadecimal digits")),
        };
        if digits.len() % 2 != 0 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(self
                .wrong("these are not whole octets".into(), "expected pairs of hexadecimal digits".into()));
        }
        self.bump();
        let octet = |i: usize| u8::from_str_radix(&digits[i..i + 2], 16).unwrap_or(0);
        Ok((0..digits.len()).step_by(2).map(octet).collect())
    }
    /// The digits of the next word, with zeros in front as they were typed.
    fn digits(&self) -> String {
        let Kind::Int(n) = self.peek() else { return String::new() };
        let typed = self.span().len();
        format!("{n:0typed$}")
    }

    fn accurate_ecn(&mut self) -> Result<TcpOption, Problem> {
        let mut names = match self.peek() {
            Kind::Word(word) if word == "e0b" => ["e0b", "ceb", "e1b"],
            Kind::Word(word) if word == "e1b" => ["e1b", "ceb", "e0b"],
            _ => return Err(self.unexpected("`e0b` or `e1b`, as in `ECN e1b 1 ceb 0 e0b 1`")),
        }
        .into_iter();
        let order1 = self.is_word("e1b");
        let mut fields = Vec::new();
        while let Some(name) = names.next()
            && self.take_word(name)
        {
            fields.push(self.number("a counter of 24 bits", 0, 0xff_ffff)? as u32);
        }
        Ok(TcpOption::AccEcn { order1, fields })
    }
}

/// Length on the wire, in bytes.
pub fn wire_len(option: &TcpOption) -> usize {
    match option {
        TcpOption::Eol | TcpOption::Nop => 1,
        TcpOption::Mss(_) => 4,
        TcpOption::Wscale(_) => 3,
        TcpOption::SackOk => 2,
        TcpOption::Sack(blocks) => 2 + 8 * blocks.len(),
        TcpOption::Ts { .. } => 10,
        TcpOption::FastOpen { cookie, experimental } => 2 + 2 * usize::from(*experimental) + cookie.len(),
        TcpOption::AccEcn { fields, .. } => 2 + 3 * fields.len(),
        TcpOption::Md5(_) => 18,
    }
}
