//! Quantities with units, as people write them: `"200ms"`, `"10Mbit"`, `"64KiB"`, `"0.1%"`.
//!
//! Exact decimal arithmetic, no floats. A number that is finer than the smallest unit is an error, not rounded.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tcp::Flags;

/// Why a text is not what it should be: one line, for people.
pub type Complaint = String;

/// Splits `12.5ms` into its number and its unit.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// `number` times `scale`, exactly; `None` if it is no number, too large, or finer than one.
fn scaled(number: &str, scale: u64) -> Result<u64, &'static str> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '_');
    if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return Err("not a number");
    }
    let parse = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .try_fold(0u128, |n, c| n.checked_mul(10)?.checked_add(u128::from(c as u8 - b'0')))
    };
    let fraction = fraction.trim_end_matches(['0', '_']);
    let places = fraction.chars().filter(char::is_ascii_digit).count() as u32;
    let below = 10u128.checked_pow(places).ok_or("too many decimals")?;
    let all = parse(whole)
        .and_then(|n| n.checked_mul(below))
        .and_then(|n| n.checked_add(parse(fraction)?))
        .and_then(|n| n.checked_mul(u128::from(scale)))
        .ok_or("too large")?;
    if all % below != 0 {
        return Err("finer than the smallest unit");
    }
    u64::try_from(all / below).map_err(|_| "too large")
}

/// A type that reads and writes itself as a string.
macro_rules! as_text {
    ($name:ident, $what:literal) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}

/// A quantity: a `u64` in the smallest unit. The first unit is the smallest; a later unit of equal size is a synonym.
macro_rules! quantity {
    ($(#[doc = $doc:literal])* $name:ident, $what:literal, $example:literal, [$($unit:literal = $scale:expr),* $(,)?], bare: $bare:expr) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl $name {
            const UNITS: &'static [(&'static str, u64)] = &[$(($unit, $scale)),*];
        }
        impl FromStr for $name {
            type Err = Complaint;
            fn from_str(text: &str) -> Result<$name, Complaint> {
                quantity(text, $what, $example, $name::UNITS, $bare).map($name)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let fits = |&&(_, scale): &&(&str, u64)| self.0.is_multiple_of(scale);
                let best = $name::UNITS.iter().filter(fits).fold(("", 0), |best, unit| if unit.1 > best.1 { *unit } else { best });
                let (unit, scale) = if self.0 == 0 { $name::ZERO } else { best };
                write!(f, "{}{unit}", self.0 / scale.max(1))
            }
        }
    };
}

fn quantity(
    text: &str,
    what: &str,
    example: &str,
    units: &[(&str, u64)],
    bare: Option<u64>,
) -> Result<u64, Complaint> {
    let names = || units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let (number, unit) = split(text.trim());
    let scale = match units.iter().find(|(name, _)| *name == unit) {
        Some((_, scale)) => *scale,
        None if unit.is_empty() && bare.is_some() => bare.unwrap_or(1),
        None if number.is_empty() => {
            return Err(format!(
                "`{text}` is not {what}: expected a number and a unit ({}), as in {example}",
                names()
            ));
        }
        None if unit.is_empty() => {
            return Err(format!("`{text}` has no unit: {what} needs one of {}, as in {example}", names()));
        }
        None => {
            // What sleep(1) and ping(8) call `m` is a minute, not a thousandth of a second.
            let minute = units.iter().map(|(name, _)| *name).find(|name| unit == "m" && *name == "min");
            let near = minute.or_else(|| super::error::nearest(unit, units.iter().map(|(name, _)| *name)));
            let near = near.map(|name| format!("; did you mean `{number}{name}`?")).unwrap_or_default();
            return Err(format!("`{unit}` is not a unit of {what}: expected one of {}{near}", names()));
        }
    };
    scaled(number, scale).map_err(|why| format!("`{text}` is {why}, as {what}"))
}

quantity! {
    /// A length of time, or a time since the start of the run, in nanoseconds: `"200ms"`.
    Span, "a duration", "`200ms`",
    ["ns" = 1, "us" = 1_000, "ms" = 1_000_000, "s" = 1_000_000_000, "min" = 60_000_000_000,
     "h" = 3_600_000_000_000, "d" = 86_400_000_000_000], bare: None
}
quantity! {
    /// A rate, in bits per second: `"10Mbit"`. `bps` is bits per second too (unlike tc's).
    Rate, "a rate", "`10Mbit`",
    ["bit" = 1, "kbit" = 1_000, "Mbit" = 1_000_000, "Gbit" = 1_000_000_000,
     "bps" = 1, "kbps" = 1_000, "Mbps" = 1_000_000, "Gbps" = 1_000_000_000], bare: None
}
quantity! {
    /// A number of bytes: `1460`, `"64KiB"`, `"1MB"`.
    Size, "a size", "`64KiB`",
    ["B" = 1, "kB" = 1_000, "MB" = 1_000_000, "GB" = 1_000_000_000,
     "KiB" = 1 << 10, "MiB" = 1 << 20, "GiB" = 1 << 30], bare: Some(1)
}
quantity! {
    /// A probability, in parts per million: `"1%"`, `"0.1%"`.
    Percent, "a percentage", "`1%`",
    ["ppm" = 1, "%" = 10_000], bare: None
}
impl Span {
    const ZERO: (&'static str, u64) = ("s", 1);
}
impl Rate {
    const ZERO: (&'static str, u64) = ("bit", 1);
}
impl Size {
    const ZERO: (&'static str, u64) = ("B", 1);
}
impl Percent {
    const ZERO: (&'static str, u64) = ("%", 1);
}
as_text!(Span, "a duration in quotes, such as \"200ms\"");
as_text!(Rate, "a rate in quotes, such as \"10Mbit\"");
as_text!(Percent, "a percentage in quotes, such as \"1%\"");

impl Span {
    /// As a length of time.
    pub const fn duration(self) -> tcp::Duration {
        tcp::Duration::from_nanos(self.0)
    }
    /// As a time since the start of the run.
    pub const fn time(self) -> tcp::Time {
        tcp::Time::from_nanos(self.0)
    }
}

/// So much later, or with a minus sign sooner, in nanoseconds: `"1ms"`, `"-20us"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shift(pub i64);
impl FromStr for Shift {
    type Err = Complaint;
    fn from_str(text: &str) -> Result<Shift, Complaint> {
        let (sooner, span) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let nanos = i64::try_from(span.parse::<Span>()?.0).map_err(|_| format!("`{text}` is too large"))?;
        Ok(Shift(if sooner { -nanos } else { nanos }))
    }
}
impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 < 0 { "-" } else { "" })?;
        Span(self.0.unsigned_abs()).fmt(f)
    }
}
as_text!(Shift, "a duration in quotes, with a minus sign if sooner, such as \"-20us\"");

/// The keys of Fast Open cookies, as Linux writes them: `"a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CookieKeys(pub [Option<tcp::fast_open::Key>; 2]);
impl FromStr for CookieKeys {
    type Err = Complaint;
    fn from_str(text: &str) -> Result<CookieKeys, Complaint> {
        let wrong = || format!("`{text}` is no key: expected four words in hexadecimal, with hyphens");
        tcp::fast_open::parse_keys(text).map(CookieKeys).ok_or_else(wrong)
    }
}
impl fmt::Display for CookieKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, key) in self.0.iter().flatten().enumerate() {
            f.write_str(if i > 0 { "," } else { "" })?;
            for (j, word) in key.as_chunks::<4>().0.iter().enumerate() {
                write!(f, "{}{:08x}", if j > 0 { "-" } else { "" }, u32::from_le_bytes(*word))?;
            }
        }
        Ok(())
    }
}
as_text!(CookieKeys, "a key in quotes, such as \"a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4\"");

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 < 10_000 { serializer.serialize_u64(self.0) } else { serializer.collect_str(self) }
    }
}
impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Size;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of bytes, or a size in quotes, such as \"64KiB\"")
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Size, E> {
                Ok(Size(n))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A number with a point in it, in millionths: `1.2`, `"0.000001"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(pub u64);
impl FromStr for Decimal {
    type Err = Complaint;
    fn from_str(text: &str) -> Result<Decimal, Complaint> {
        scaled(text.trim(), 1_000_000)
            .map(Decimal)
            .map_err(|why| format!("`{text}` is {why}, as a decimal such as `1.2`"))
    }
}
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Decimal;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal, such as 1.2")
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Decimal, E> {
                n.to_string().parse().map_err(E::custom)
            }
            // As it was typed: the shortest text that reads as the same number.
            fn visit_f64<E: de::Error>(self, n: f64) -> Result<Decimal, E> {
                n.to_string().parse().map_err(E::custom)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// An IP address: `"10.0.0.1"`, `"2001:db8::1"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub IpAddr);
impl FromStr for Address {
    type Err = Complaint;
    fn from_str(text: &str) -> Result<Address, Complaint> {
        text.parse().map(Address).map_err(|_| format!("`{text}` is not an IP address, such as `10.0.0.1`"))
    }
}
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
as_text!(Address, "an IP address in quotes, such as \"10.0.0.1\"");

/// A network: `"10.9.0.0/16"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Network address.
    pub address: IpAddr,
    /// Length, in bits.
    pub len: u8,
}
impl FromStr for Prefix {
    type Err = Complaint;
    fn from_str(text: &str) -> Result<Prefix, Complaint> {
        let wrong = || format!("`{text}` is not a network, such as `10.9.0.0/16`");
        let (address, len) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let len: u8 = len.parse().map_err(|_| wrong())?;
        let max = if address.is_ipv4() { 32 } else { 128 };
        if len > max {
            return Err(format!("`{text}`: a prefix of this family has at most {max} bits"));
        }
        Ok(Prefix { address, len })
    }
}
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}
as_text!(Prefix, "a network in quotes, such as \"10.9.0.0/16\"");

/// A host, by name or address, and a port: `"server:80"`, `"10.0.0.2:80"`, `"[2001:db8::1]:80"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address of the host.
    pub host: String,
    /// Port.
    pub port: u16,
}
impl FromStr for Endpoint {
    type Err = Complaint;
    fn from_str(text: &str) -> Result<Endpoint, Complaint> {
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| format!("`{text}` has no port: expected `host:port`, such as `server:80`"))?;
        let port = port.parse().map_err(|_| format!("`{port}` is not a port (0 to 65535)"))?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(format!("`{text}` names no host: expected `host:port`, such as `server:80`"));
        }
        Ok(Endpoint { host: host.to_owned(), port })
    }
}
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
as_text!(Endpoint, "`host:port` in quotes, such as \"server:80\"");

/// Control bits in the letters of tcpdump: `"S."`, `"F"`, `"none"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits(pub Flags);
impl FromStr for Bits {
    type Err = Complaint;
    fn from_str(text: &str) -> Result<Bits, Complaint> {
        if text == "none" {
            return Ok(Bits(Flags::NONE));
        }
        let bit = |c| match c {
            'F' => Ok(Flags::FIN),
            'S' => Ok(Flags::SYN),
            'R' => Ok(Flags::RST),
            'P' => Ok(Flags::PSH),
            '.' => Ok(Flags::ACK),
            'U' => Ok(Flags::URG),
            'E' => Ok(Flags::ECE),
            'W' => Ok(Flags::CWR),
            'e' => Ok(Flags::AE),
            _ => Err(format!(
                "`{c}` is no flag of tcpdump: F (FIN), S (SYN), R (RST), P (PSH), . (ACK), U (URG), E (ECE), W (CWR), e (AE), or the word `none`"
            )),
        };
        if text.is_empty() {
            return Err("no flags: write `none` if no bit is meant".to_owned());
        }
        text.chars().try_fold(Flags::NONE, |all, c| Ok(all | bit(c)?)).map(Bits)
    }
}
impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
as_text!(Bits, "flags in tcpdump's letters, in quotes, such as \"S.\"");

/// A state as RFC 9293 spells it: `"FIN-WAIT-1"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateName(pub tcp::State);
impl FromStr for StateName {
    type Err = Complaint;
    fn from_str(text: &str) -> Result<StateName, Complaint> {
        let known = tcp::State::ALL.map(|state| state.to_string());
        match known.iter().position(|name| name == text) {
            Some(i) => Ok(StateName(tcp::State::ALL[i])),
            None => {
                let near = super::error::nearest(text, known.iter().map(String::as_str));
                let near = near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
                Err(format!("`{text}` is not a state: expected one of {}{near}", known.join(", ")))
            }
        }
    }
}
impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
as_text!(StateName, "a state in quotes, such as \"FIN-WAIT-1\"");
