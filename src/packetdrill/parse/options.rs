//! The options in front of a script: `--tolerance_usecs=10000`.

use std::net::IpAddr;

use crate::packetdrill::ast::{Options, Span};
use crate::packetdrill::lex::{self, Kind, Symbols, Token};
use crate::packetdrill::unseen;
use crate::scenario::Problem;
use crate::scenario::error::nearest;

/// Options whose scripts are about something that is not there.
const UNSUPPORTED: &[&str] = &[
    "psp_udp_port",
    "udp_encapsulation",
    "udp_src_port",
    "udp_dst_port",
    "tcp_md5_secret",
    "is_anyip",
    "init_scripts",
    "gre_local",
    "so_filename",
    "so_flags",
    "code_sockopt",
];
const KNOWN: &[&str] = &[
    "tolerance_usecs",
    "tolerance_percent",
    "mss",
    "mtu",
    "tcp_ts_tick_usecs",
    "tcp_ts_ecr_scaled",
    "strict_segments",
    "ip_version",
    "local_ip",
    "remote_ip",
    "bind_port",
    "connect_port",
    "non_fatal",
    "define",
];

/// The options, all symbols (those given and those defined by options), and where the rest begins.
pub fn read(text: &str, symbols: &Symbols) -> Result<(Options, Symbols, usize), Problem> {
    let mut symbols = symbols.clone();
    let mut options = Options::default();
    // A symbol has a meaning in what follows it only; so the text is read in two goes.
    let end = end_of_options(text);
    let tokens = lex::tokens(&text[..end], &Symbols::new())?;
    let mut at = 0;
    while let Some(Token { kind: Kind::Option(name), span }) = tokens.get(at) {
        at += 1;
        let mut value = None;
        if tokens.get(at).is_some_and(|token| token.kind == Kind::Punct('=')) {
            let start = tokens[at].span.end;
            let to = line_end(text, start);
            value = Some((text[start..to].trim().to_owned(), start..to));
            while tokens.get(at).is_some_and(|token| token.span.start < to && token.kind != Kind::End) {
                at += 1;
            }
        }
        set(&mut options, &mut symbols, name, span, value)?;
    }
    Ok((options, symbols, end))
}

/// Where the options end: behind the last line that begins with `--`.
fn end_of_options(text: &str) -> usize {
    let mut end = 0;
    let mut from = 0;
    let mut in_comment = false;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        from += line.len();
        if in_comment {
            in_comment = !trimmed.contains("*/");
        } else if trimmed.starts_with("--") {
            end = from;
        } else if trimmed.starts_with("/*") {
            in_comment = !trimmed.contains("*/");
        } else if !(trimmed.is_empty() || trimmed.starts_with("//")) {
            break;
        }
    }
    end
}

/// The end of an option's value: of the line, or before a comment or another option.
fn line_end(text: &str, start: usize) -> usize {
    let line = text[start..].split('\n').next().unwrap_or("");
    let cut = [line.find("//"), line.find(" --"), line.find("/*")].into_iter().flatten().min();
    let line = &line[..cut.unwrap_or(line.len())];
    start + line.trim_end().len()
}

fn set(
    options: &mut Options,
    symbols: &mut Symbols,
    name: &str,
    span: &Span,
    value: Option<(String, Span)>,
) -> Result<(), Problem> {
    let (text, place) = match &value {
        Some((text, place)) => (text.trim_matches('"'), place.clone()),
        None => ("", span.clone()),
    };
    match name {
        "tolerance_usecs" => options.tolerance_usecs = Some(number(text, place, u64::MAX)?),
        "tolerance_percent" => options.tolerance_permille = Some(permille(text, place)?),
        "mss" => options.mss = Some(number(text, place, 65_535)? as u32),
        "mtu" => options.mtu = Some(number(text, place, 65_535)? as u16),
        "tcp_ts_tick_usecs" => options.ts_tick_usecs = Some(number(text, place, 1_000_000)?),
        "tcp_ts_ecr_scaled" => options.ts_ecr_scaled = true,
        "strict_segments" => options.strict_segments = true,
        "ip_version" => options.ipv6 = version(text, place)?,
        "local_ip" => options.local_ip = Some(address(text, place)?),
        "remote_ip" => options.remote_ip = Some(address(text, place)?),
        "bind_port" => options.bind_port = Some(number(text, place, 65_535)? as u16),
        "connect_port" => options.connect_port = Some(number(text, place, 65_535)? as u16),
        "non_fatal" => {
            options.non_fatal_packet |= text.split(',').any(|word| word == "packet");
            options.non_fatal_syscall |= text.split(',').any(|word| word == "syscall");
        }
        "define" => match value.as_ref().and_then(|(text, _)| text.split_once('=')) {
            Some((name, value)) => {
                symbols.insert(name.to_owned(), value.to_owned());
            }
            None => return Err(wrong("a definition without `=`", place, "expected --define=NAME=value")),
        },
        _ if unseen::option(name) => {}
        _ if UNSUPPORTED.contains(&name) => options.unsupported.push((format!("--{name}"), span.clone())),
        _ => {
            let names = KNOWN.iter().chain(UNSUPPORTED).copied().chain(unseen::options());
            let help = nearest(name, names).map(|name| format!("did you mean `--{name}`?"));
            let problem = wrong(&format!("there is no option --{name}"), span.clone(), "unknown option");
            return Err(Problem { help, ..problem });
        }
    }
    Ok(())
}

fn wrong(message: &str, span: Span, label: &str) -> Problem {
    Problem { message: message.into(), span, label: label.into(), help: None }
}

fn number(text: &str, span: Span, most: u64) -> Result<u64, Problem> {
    match text.parse::<u64>() {
        Ok(n) if n <= most => Ok(n),
        _ => Err(wrong(&format!("`{text}` is no number from 0 to {most}"), span, "expected a number")),
    }
}

/// A percentage with at most one digit behind the point that counts, in tenths.
fn permille(text: &str, span: Span) -> Result<u64, Problem> {
    let (whole, tenths) = text.split_once('.').unwrap_or((text, "0"));
    let tenth = tenths.chars().next().and_then(|c| c.to_digit(10));
    match (whole.parse::<u64>(), tenth) {
        (Ok(whole), Some(tenth)) if whole <= 1_000_000 => Ok(whole * 10 + u64::from(tenth)),
        _ => Err(wrong(&format!("`{text}` is no percentage"), span, "expected a percentage, as 12.5")),
    }
}

fn version(text: &str, span: Span) -> Result<bool, Problem> {
    match text {
        "ipv4" | "ipv4-mapped-ipv6" => Ok(false),
        "ipv6" => Ok(true),
        _ => Err(wrong(&format!("there is no version `{text}`"), span, "expected ipv4 or ipv6")),
    }
}

fn address(text: &str, span: Span) -> Result<IpAddr, Problem> {
    let message = format!("`{text}` is no address");
    text.parse().map_err(|_| wrong(&message, span, "expected an IP address"))
}
