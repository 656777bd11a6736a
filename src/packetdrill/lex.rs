//! Words of a script: white space and comments mean nothing, the longest word wins.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ast::Span;
use crate::scenario::Problem;

/// What words stand for (`-D NAME=value`): a number, a `"text"`, a `` `command` `` or another word.
pub type Symbols = BTreeMap<String, String>;

/// A word of the language.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Letters, digits and underscores.
    Word(String),
    /// A decimal number, perhaps negative.
    Int(i64),
    /// A number with `0x`.
    Hex(i64),
    /// A number with a point: whole units and millionths, rounded down.
    Float {
        /// It began with a minus sign.
        negative: bool,
        /// Its value in millionths.
        micros: u64,
    },
    /// `"text"`, without the quotes.
    Str(String),
    /// `` `command` ``, without the quotes.
    Command(String),
    /// `%{ code }%`, without the brackets.
    Code(String),
    /// An IP address.
    Address(IpAddr),
    /// `...`
    Ellipsis,
    /// `--name`
    Option(String),
    /// Any other character.
    Punct(char),
    /// The end of the text.
    End,
}

impl Kind {
    /// The word in the words of a complaint.
    pub fn describe(&self) -> String {
        match self {
            Kind::Word(word) => format!("`{word}`"),
            Kind::Int(n) => format!("the number {n}"),
            Kind::Hex(n) => format!("the number {n:#x}"),
            Kind::Float { .. } => "a number with a point".into(),
            Kind::Str(_) => "a text".into(),
            Kind::Command(_) => "a shell command".into(),
            Kind::Code(_) => "a code block".into(),
            Kind::Address(address) => format!("the address {address}"),
            Kind::Ellipsis => "`...`".into(),
            Kind::Option(name) => format!("the option --{name}"),
            Kind::Punct(c) => format!("`{c}`"),
            Kind::End => "the end of the script".into(),
        }
    }
}

/// The words of a text; the last is [`Kind::End`].
///
/// # Errors
/// A text, command, code block or comment that does not end; a number that is too large.
pub fn tokens(text: &str, symbols: &Symbols) -> Result<Vec<Token>, Problem> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    let mut condition = None;
    loop {
        lexer.skip_blank()?;
        if lexer.rest().starts_with('#') {
            lexer.directive(&mut condition, symbols)?;
            continue;
        }
        let start = lexer.at;
        let kind = match lexer.next()? {
            Kind::Word(word) => symbols.get(&word).map_or(Kind::Word(word), |value| symbol(value)),
            kind => kind,
        };
        let end = kind == Kind::End;
        if end && let Some(begun) = condition {
            return Err(lexer.wrong(begun, "a condition does not end", "begun here; `#endif` is missing"));
        }
        tokens.push(Token { kind, span: start..lexer.at });
        if end {
            return Ok(tokens);
        }
    }
}

/// What a symbol's value is.
fn symbol(value: &str) -> Kind {
    let quoted = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if let Some(text) = quoted('"') {
        return Kind::Str(text.to_owned());
    }
    if let Some(command) = quoted('`') {
        return Kind::Command(command.to_owned());
    }
    let number = match value.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).map(Kind::Hex),
        None => value.parse().map(Kind::Int),
    };
    number.unwrap_or_else(|_| Kind::Word(value.to_owned()))
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
    /// Length of the text's beginning that consists of such characters.
    fn run(&self, from: usize, such: impl Fn(char) -> bool) -> usize {
        let rest = self.rest().get(from..).unwrap_or("");
        rest.find(|c| !such(c)).unwrap_or(rest.len())
    }
    fn wrong(&self, start: usize, message: &str, label: &str) -> Problem {
        let end = (start + 2).min(self.text.len());
        Problem { message: message.into(), span: start..end, label: label.into(), help: None }
    }

    fn skip_blank(&mut self) -> Result<(), Problem> {
        loop {
            self.at += self.run(0, char::is_whitespace);
            if self.rest().starts_with("//") {
                self.at += self.run(0, |c| c != '\n');
            } else if self.rest().starts_with("/*") {
                let Some(end) = self.rest().find("*/") else {
                    return Err(self.wrong(self.at, "a comment does not end", "begun here; `*/` is missing"));
                };
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    /// `#ifdef NAME` and `#endif`: what stands between them is there if the symbol is defined.
    fn directive(&mut self, condition: &mut Option<usize>, symbols: &Symbols) -> Result<(), Problem> {
        let start = self.at;
        let line = self.rest().lines().next().unwrap_or("");
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), *condition) {
            (Some("#ifdef"), Some(name), None) => {
                self.at += line.len();
                if symbols.contains_key(name) {
                    *condition = Some(start);
                    return Ok(());
                }
                let Some(end) = self.rest().find("#endif") else {
                    return Err(self.wrong(
                        start,
                        "a condition does not end",
                        "begun here; `#endif` is missing",
                    ));
                };
                self.at += end + "#endif".len();
                Ok(())
            }
            (Some("#endif"), _, Some(_)) => {
                *condition = None;
                self.at += line.len();
                Ok(())
            }
            _ => Err(self.wrong(
                start,
                "no directive that could stand here",
                "expected `#ifdef NAME` or `#endif`",
            )),
        }
    }

    fn next(&mut self) -> Result<Kind, Problem> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Kind::End) };
        let start = self.at;
        match first {
            '"' => return self.enclosed("\"", "\"", true, "a text").map(|text| Kind::Str(unescape(&text))),
            '`' => return self.enclosed("`", "`", true, "a shell command").map(Kind::Command),
            '%' if rest.starts_with("%{") => {
                return self.enclosed("%{", "}%", false, "a code block").map(Kind::Code);
            }
            '.' if rest.starts_with("...") => {
                self.at += 3;
                return Ok(Kind::Ellipsis);
            }
            '-' if rest.starts_with("--") => {
                let name = self.run(2, is_word);
                self.at += 2 + name;
                return Ok(Kind::Option(rest[2..2 + name].to_owned()));
            }
            _ => {}
        }
        if let Some((address, len)) = address(rest) {
            self.at += len;
            return Ok(Kind::Address(address));
        }
        if let Some((kind, len)) = self.number(rest, start)? {
            self.at += len;
            return Ok(kind);
        }
        let word = self.run(0, is_word);
        if word > 0 {
            self.at += word;
            return Ok(Kind::Word(rest[..word].to_owned()));
        }
        self.at += first.len_utf8();
        Ok(Kind::Punct(first))
    }

    /// A number, if it is at least as long as the word that begins there: `12ab` is a word.
    fn number(&self, rest: &str, start: usize) -> Result<Option<(Kind, usize)>, Problem> {
        let sign = usize::from(rest.starts_with('-'));
        let digits = self.run(sign, |c| c.is_ascii_digit());
        let point = sign + digits;
        let after = self.run(point + 1, |c| c.is_ascii_digit());
        let too_large = |len: usize| Problem {
            message: "a number is too large".into(),
            span: start..start + len,
            label: "does not fit into 64 bits".into(),
            help: None,
        };
        if rest[point..].starts_with('.') && after > 0 {
            let len = point + 1 + after;
            let micros =
                millionths(&rest[sign..point], &rest[point + 1..len]).ok_or_else(|| too_large(len))?;
            return Ok(Some((Kind::Float { negative: sign == 1, micros }, len)));
        }
        let word = self.run(0, is_word);
        if let Some(hex) = rest[..word].strip_prefix("0x")
            && !hex.is_empty()
            && hex.chars().all(|c| c.is_ascii_hexdigit())
        {
            let n = u64::from_str_radix(hex, 16).map_err(|_| too_large(word))?;
            return Ok(Some((Kind::Hex(n as i64), word)));
        }
        if digits == 0 || word > point {
            return Ok(None);
        }
        // Too large for a number, but perhaps a cookie in hexadecimal digits.
        let digits = || Kind::Word(rest[..point].to_owned());
        Ok(Some((rest[..point].parse().map_or_else(|_| digits(), Kind::Int), point)))
    }

    /// What stands between two marks.
    fn enclosed(&mut self, open: &str, close: &str, escapes: bool, what: &str) -> Result<String, Problem> {
        let start = self.at;
        let body = &self.rest()[open.len()..];
        let mut from = 0;
        loop {
            let Some(end) = body[from..].find(close).map(|end| from + end) else {
                let message = format!("{what} does not end");
                return Err(self.wrong(start, &message, &format!("begun here; `{close}` is missing")));
            };
            let backslashes = body[..end].chars().rev().take_while(|c| *c == '\\').count();
            if escapes && backslashes % 2 == 1 {
                from = end + close.len();
                continue;
            }
            self.at += open.len() + end + close.len();
            return Ok(body[..end].to_owned());
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A decimal number in millionths, rounded down.
fn millionths(whole: &str, fraction: &str) -> Option<u64> {
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let six: String = fraction.chars().chain("000000".chars()).take(6).collect();
    whole.checked_mul(1_000_000)?.checked_add(six.parse().ok()?)
}

/// An address at the beginning of the text, and its length. A version 6 address has `::` or eight groups, else `1:11`
/// would be one.
fn address(rest: &str) -> Option<(IpAddr, usize)> {
    let len = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    let follows_word = rest[len..].starts_with(|c: char| is_word(c) || c == ':');
    if !follows_word && let Ok(address) = rest[..len].parse::<Ipv4Addr>() {
        return Some((address.into(), len));
    }
    let len = rest.find(|c: char| !(c.is_ascii_hexdigit() || c == '.' || c == ':')).unwrap_or(rest.len());
    let text = &rest[..len];
    if !(text.contains("::") || text.matches(':').count() == 7) {
        return None;
    }
    // In an encapsulation a colon follows the address.
    let shorter = text.strip_suffix(':').unwrap_or(text);
    let of = |text: &str| Some((text.parse::<Ipv6Addr>().ok()?.into(), text.len()));
    of(text).or_else(|| of(shorter))
}

/// A text with its C escapes replaced.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('0') => out.push('\0'),
            Some('x') => {
                let digits: String = chars.clone().take(2).take_while(char::is_ascii_hexdigit).collect();
                let code = u8::from_str_radix(&digits, 16).unwrap_or(b'x');
                chars.by_ref().take(digits.len()).for_each(drop);
                out.push(char::from(code));
            }
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}
