//! What can stand in a scenario file, for people: made from the same tables as the types that read it.

use std::fmt::Write as _;

use tcp::Config;

use super::file::table::{Described, Field, Variant};
use super::file::{self, expect, fault, population, program, tcp as knobs};

/// Every documented type, in the order of a file.
pub const ALL: &[Described] = &[
    file::Scenario::DESCRIBED,
    file::Check::DESCRIBED,
    file::Personality::DESCRIBED,
    file::topology::Topology::DESCRIBED,
    file::Host::DESCRIBED,
    file::Router::DESCRIBED,
    file::Route::DESCRIBED,
    file::Link::DESCRIBED,
    file::Way::DESCRIBED,
    file::Shape::DESCRIBED,
    file::BurstLoss::DESCRIBED,
    file::Limit::DESCRIBED,
    file::Qdisc::DESCRIBED,
    file::Shaper::DESCRIBED,
    population::Population::DESCRIBED,
    population::Flow::DESCRIBED,
    population::Arrivals::DESCRIBED,
    population::Pairing::DESCRIBED,
    population::Sizes::DESCRIBED,
    population::Times::DESCRIBED,
    program::Program::DESCRIBED,
    program::Run::DESCRIBED,
    program::Listen::DESCRIBED,
    program::Chat::DESCRIBED,
    program::RequestServer::DESCRIBED,
    program::Server::DESCRIBED,
    program::Client::DESCRIBED,
    program::Bulk::DESCRIBED,
    program::Requests::DESCRIBED,
    program::Idle::DESCRIBED,
    program::Clients::DESCRIBED,
    program::Scan::DESCRIBED,
    program::Probe::DESCRIBED,
    program::SynFlood::DESCRIBED,
    program::UdpSend::DESCRIBED,
    program::UdpReceive::DESCRIBED,
    program::Ping::DESCRIBED,
    program::Traceroute::DESCRIBED,
    program::Step::DESCRIBED,
    program::Socket::DESCRIBED,
    fault::Rule::DESCRIBED,
    fault::Protocol::DESCRIBED,
    expect::Running::DESCRIBED,
    fault::Unreachable::DESCRIBED,
    fault::IcmpSays::DESCRIBED,
    fault::Action::DESCRIBED,
    fault::Codepoint::DESCRIBED,
    fault::Strippable::DESCRIBED,
    fault::Fault::DESCRIBED,
    fault::FaultKind::DESCRIBED,
    fault::Number::DESCRIBED,
    expect::Expect::DESCRIBED,
    expect::Seen::DESCRIBED,
    expect::Errno::DESCRIBED,
    knobs::Tcp::DESCRIBED,
    knobs::Ecn::DESCRIBED,
    knobs::OptionOrder::DESCRIBED,
    knobs::AccEcnOption::DESCRIBED,
    knobs::SynCookies::DESCRIBED,
    knobs::Isn::DESCRIBED,
    knobs::RtoFloor::DESCRIBED,
    knobs::Retries::DESCRIBED,
    knobs::IcmpLimit::DESCRIBED,
    knobs::LossDetection::DESCRIBED,
    knobs::Undoing::DESCRIBED,
    knobs::Congestion::DESCRIBED,
    knobs::DelayedAck::DESCRIBED,
    knobs::Nagle::DESCRIBED,
    knobs::MtuProbing::DESCRIBED,
    knobs::WindowUpdate::DESCRIBED,
    knobs::CwndValidation::DESCRIBED,
    knobs::Pacing::DESCRIBED,
];

/// Values that are written in a way of their own: Rust's name, how people call it, and how it is written.
const VALUES: &[(&str, &str, &str)] = &[
    ("String", "text", "in quotes: `\"hello\"`; `\\n`, `\\\"` and `\\u{2026}` as in Rust"),
    ("bool", "yes or no", "`true`, `false`"),
    ("u8", "number", "whole, not negative: `1460`, `0xff`, `65_535`"),
    ("u16", "number", ""),
    ("u32", "number", ""),
    ("u64", "number", ""),
    ("i64", "signed number", "`-1`, `100`"),
    ("i32", "signed number", ""),
    (
        "Span",
        "duration",
        "in quotes, with a unit: `\"200ms\"`, `\"1.5s\"`; ns, us, ms, s, min, h, d; at most nanoseconds. A time is a \
         duration since the start of the run",
    ),
    ("Shift", "shift", "a duration that may be negative, in quotes: `\"1ms\"`, `\"-20us\"`"),
    (
        "Rate",
        "rate",
        "bits per second, in quotes, with a unit: `\"10Mbit\"`; bit, kbit, Mbit, Gbit, and the same as bps, kbps, Mbps, Gbps",
    ),
    (
        "Size",
        "size",
        "bytes: `1460`, or in quotes with a unit: `\"64KiB\"`, `\"1MB\"`; B, kB, MB, GB, KiB, MiB, GiB",
    ),
    (
        "CookieKeys",
        "cookie keys",
        "in quotes, four words in hexadecimal: `\"a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4\"`; two of them with a comma",
    ),
    ("Decimal", "decimal", "`1.2`, or in quotes; at most six places"),
    ("Percent", "percentage", "in quotes: `\"1%\"`, `\"0.1%\"`, `\"50ppm\"`; at most parts per million"),
    ("Address", "address", "IPv4 or IPv6, in quotes: `\"10.0.0.1\"`, `\"2001:db8::1\"`"),
    ("Prefix", "network", "in quotes: `\"10.9.0.0/16\"`"),
    (
        "Endpoint",
        "host:port",
        "a host by name or address, in quotes: `\"server:80\"`, `\"10.0.0.2:80\"`, `\"[2001:db8::1]:80\"`",
    ),
    (
        "Bits",
        "flags",
        "in tcpdump's letters, in quotes: F (FIN), S (SYN), R (RST), P (PSH), . (ACK), U (URG), E (ECE), W (CWR), e (AE): \
         `\"S.\"`; `\"none\"`",
    ),
    ("StateName", "state", "as RFC 9293 spells it, in quotes: `\"FIN-WAIT-1\"`"),
    ("Range", "number or range", "`5`, or first and last: `(1, 1460)`"),
    ("Nth", "which", "counted from one: `1`, `[1, 3]`, `\"2..\"` for the second and all after it"),
    ("Ports", "port or ports", "`80`, `\"1-1024\"`"),
    ("Literal", "value", ""),
    ("Seeds", "seeds", ""),
];

/// The documentation of scenario files, in Markdown.
pub fn markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    text += "## Values\n\n| value | how it is written |\n|---|---|\n";
    for (_, name, how) in VALUES.iter().filter(|(_, _, how)| !how.is_empty()) {
        let _ = writeln!(text, "| {name} | {how} |");
    }
    for described in ALL {
        section(described, &mut text);
    }
    text
}

/// The documentation of one type, in Markdown.
pub fn section(described: &Described, text: &mut String) {
    let _ = write!(text, "\n## {}\n\n{}\n", described.name, prose(described.doc));
    if described.name == "Tcp" {
        return knobs_table(described.fields, text);
    }
    if !described.fields.is_empty() {
        table(described.fields, text);
    }
    if described.variants.is_empty() {
        return;
    }
    if described.variants.iter().all(|variant| variant.doc.is_empty()) {
        let names: Vec<String> =
            described.variants.iter().map(|variant| format!("`{}`", variant.name)).collect();
        let _ = write!(text, "\n{}\n", names.join(", "));
        return;
    }
    text.push_str("\n| choice | meaning |\n|---|---|\n");
    for variant in described.variants {
        let _ = writeln!(text, "| {} | {} |", form(variant), prose(variant.doc));
    }
    for variant in described.variants.iter().filter(|variant| !variant.fields.is_empty()) {
        let _ = write!(text, "\n### {}\n", variant.name);
        table(variant.fields, text);
    }
}

/// A choice as it is typed.
fn form(variant: &Variant) -> String {
    let holds: Vec<String> = variant.holds.iter().map(|kind| self::kind(kind)).collect();
    match (holds.is_empty(), variant.fields.is_empty()) {
        (true, true) => format!("`{}`", variant.name),
        (true, false) => format!("[`{}(...)`](#{})", variant.name, variant.name.to_lowercase()),
        (false, _) => format!("`{}`({})", variant.name, holds.join(", ")),
    }
}

fn table(fields: &[Field], text: &mut String) {
    text.push_str("\n| field | type | default | example | meaning |\n|---|---|---|---|---|\n");
    for field in fields {
        let default = field.default.unwrap_or("must be there");
        let (name, kind, doc) = (field.typed(), kind(field.kind), prose(field.doc));
        let _ = writeln!(text, "| `{name}` | {kind} | {default} | `{}` | {doc} |", field.example);
    }
}

/// Knobs have a default for each personality.
fn knobs_table(fields: &[Field], text: &mut String) {
    let personalities = [Config::linux(), Config::rfc(), Config::freebsd()];
    text.push_str(
        "\n| field | type | Linux | Rfc | FreeBsd | example | meaning |\n|---|---|---|---|---|---|---|\n",
    );
    for field in fields {
        let default = |config| knobs::value(config, field.name).map(typed).unwrap_or_default();
        let [linux, rfc, freebsd] = personalities.each_ref().map(default);
        let (name, kind, doc) = (field.typed(), kind(field.kind), prose(field.doc));
        let _ = writeln!(
            text,
            "| `{name}` | {kind} | {linux} | {rfc} | {freebsd} | `{}` | {doc} |",
            field.example
        );
    }
}

/// A value of Rust's as it is typed in a file.
fn typed(rust: String) -> String {
    let plain = rust.strip_prefix("Some(").and_then(|rest| rest.strip_suffix(')'));
    plain.unwrap_or(&rust).replace("DelayedAck { ", "(").replace(" }", ")")
}

/// Lines of documentation as one.
fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// A Rust type in a reader's words.
fn kind(rust: &str) -> String {
    // Macros may space a type out.
    let rust = &rust.replace(' ', "");
    let inside = |outer: &str| rust.strip_prefix(outer)?.strip_prefix('<')?.strip_suffix('>');
    let last = |path: &str| path.rsplit("::").next().unwrap_or(path).to_owned();
    if let Some(inner) = inside("Option") {
        return kind(inner);
    }
    if let Some(inner) = inside("Maybe") {
        return format!("{} or `None`", kind(inner));
    }
    if let Some(inner) = inside("Vec") {
        return format!("list of {}", kind(inner));
    }
    if let Some(inner) = inside("OneOrMany") {
        return format!("{}, or list of them", kind(inner));
    }
    if let Some(inner) = inside("Named").or_else(|| inside("Ordered")) {
        return format!("{} by name", kind(inner));
    }
    if let Some(both) = rust.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        let parts: Vec<String> = both.split(',').map(kind).collect();
        return format!("({})", parts.join(", "));
    }
    let name = last(rust);
    match VALUES.iter().find(|(rust, _, _)| *rust == name) {
        Some((_, words, _)) => (*words).to_owned(),
        None => format!("[{name}](#{})", name.to_lowercase()),
    }
}

impl Field {
    /// The name as it is typed: without what Rust needs for its keywords.
    pub fn typed(&self) -> &'static str {
        self.name.strip_prefix("r#").unwrap_or(self.name)
    }
}

const INTRODUCTION: &str = include_str!("schema.md");

#[cfg(test)]
mod tests;
