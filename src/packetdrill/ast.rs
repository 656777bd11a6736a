//! What stands in a script, as it was typed, each part with its place.

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;

use tcp::{EcnCodepoint, Flags};

use super::{code, shell};

/// Bytes of the script's text.
pub type Span = Range<usize>;

/// A script.
#[derive(Clone, Debug)]
pub struct Script {
    /// Name of its file, as it was given.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Options in front of everything else.
    pub options: Options,
    /// The command that runs first.
    pub init: Option<Shell>,
    /// What happens, in order; at least one.
    pub events: Vec<Event>,
    /// The command that runs at the end, also after a failure.
    pub cleanup: Option<Shell>,
}

/// The options of a script (`--name=value` lines). `None`: not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Tolerance of times, in microseconds.
    pub tolerance_usecs: Option<u64>,
    /// Tolerance of times as a share of the time since the event before, in tenths of a percent.
    pub tolerance_permille: Option<u64>,
    /// Largest payload of an injected segment, in bytes.
    pub mss: Option<u32>,
    /// MTU of the link, in bytes.
    pub mtu: Option<u16>,
    /// Length of a tick of the timestamp clock, in microseconds; set: values of sent timestamps are compared.
    pub ts_tick_usecs: Option<u64>,
    /// A timestamp echo that was never seen is taken relative to the first one.
    pub ts_ecr_scaled: bool,
    /// Each line is one segment.
    pub strict_segments: bool,
    /// Protocol version 6.
    pub ipv6: bool,
    /// Address of the host under test.
    pub local_ip: Option<IpAddr>,
    /// Address that it talks to.
    pub remote_ip: Option<IpAddr>,
    /// Port that servers bind to.
    pub bind_port: Option<u16>,
    /// Port that clients connect to.
    pub connect_port: Option<u16>,
    /// A failed comparison of this kind does not end the run.
    pub non_fatal_packet: bool,
    /// The same for calls.
    pub non_fatal_syscall: bool,
    /// Options known to packetdrill that have no meaning here which could be kept: the script cannot be judged.
    pub unsupported: Vec<(String, Span)>,
}

/// A shell command line.
#[derive(Clone, Debug)]
pub struct Shell {
    /// What it does.
    pub program: shell::Program,
    /// Its place, with the back quotes.
    pub span: Span,
}

/// Something that happens, and when.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub time: When,
    /// What.
    pub action: Action,
    /// From the time to the end of the event.
    pub span: Span,
}

/// Time of an event, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Since the start.
    At(u64),
    /// Since the event before.
    After(u64),
    /// Since the start, between these.
    AtRange(u64, u64),
    /// Since the event before, between these.
    AfterRange(u64, u64),
    /// At any time.
    Any,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Action {
    /// A packet is injected.
    In(Packet),
    /// A packet is expected.
    Out(Packet),
    /// A system call.
    Call(Call),
    /// A shell command.
    Shell(Shell),
    /// Assertions on the state of the connection.
    Code(code::Block),
}

/// A packet.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Fields of the IP header.
    pub ip: IpInfo,
    /// Source and destination port, where the script names them.
    pub ports: Option<(u16, u16)>,
    /// What it carries.
    pub body: Body,
    /// Its place, without the direction.
    pub span: Span,
}

/// Fields of the IP header; what is not given is not compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpInfo {
    /// ECN field, or the whole traffic class.
    pub tos: Option<Tos>,
    /// Time to live.
    pub ttl: Option<u8>,
    /// Flow label.
    pub flowlabel: Option<u32>,
}

/// What a script says of the traffic class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tos {
    /// The ECN field alone.
    Ecn(EcnCodepoint),
    /// ECT(0) or ECT(1).
    AnyEct,
    /// The whole octet.
    Octet(u8),
}

/// What a packet carries.
#[derive(Clone, Debug)]
pub enum Body {
    /// A TCP segment.
    Tcp(Segment),
    /// A UDP datagram with so many bytes.
    Udp(u16),
    /// An ICMP message.
    Icmp(Icmp),
    /// Something inside something else (GRE, MPLS, IP in IP, PSP, UDP encapsulation): named.
    Encapsulated(&'static str),
}

/// A TCP segment.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Control bits; those of ECN are in `ace` where that is given.
    pub flags: Flags,
    /// The AccECN counter, where a digit stands for the three bits.
    pub ace: Option<u8>,
    /// First sequence number; `None`: whatever it is.
    pub seq: Option<u32>,
    /// The sequence number is as it is on the wire.
    pub seq_is_live: bool,
    /// Number of payload bytes.
    pub len: u32,
    /// Acknowledgment number.
    pub ack: Option<u32>,
    /// Window field.
    pub win: Option<u16>,
    /// Urgent pointer.
    pub urg: Option<u16>,
    /// TCP options; `None`: not compared.
    pub options: Option<Vec<TcpOption>>,
}

/// A TCP option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpOption {
    /// End of list.
    Eol,
    /// No operation.
    Nop,
    /// Maximum segment size.
    Mss(u16),
    /// Window scale.
    Wscale(u8),
    /// SACK permitted.
    SackOk,
    /// SACK blocks, as typed: 32-bit numbers have no order.
    Sack(Vec<(u32, u32)>),
    /// Timestamps.
    Ts {
        /// TSval.
        val: u32,
        /// TSecr.
        ecr: u32,
    },
    /// Fast Open cookie (empty: a request).
    FastOpen {
        /// The cookie.
        cookie: Vec<u8>,
        /// As the experimental option 254 with the magic number f989.
        experimental: bool,
    },
    /// Accurate ECN byte counters.
    AccEcn {
        /// Order 1 (e1b first, kind 174), else order 0 (e0b first, kind 172).
        order1: bool,
        /// The counters, in wire order: one to three.
        fields: Vec<u32>,
    },
    /// MD5 signature; `None`: whatever is valid.
    Md5(Option<Vec<u8>>),
}

/// An ICMP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Type and code.
    pub kind: (u8, u8),
    /// Next-hop MTU.
    pub mtu: Option<u16>,
    /// Identifier of an echo.
    pub id: Option<u16>,
    /// The packet that it quotes.
    pub quote: Quote,
}

/// The packet that an ICMP message quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// A segment: its sequence number and payload length.
    Tcp(u32, u32),
    /// A datagram with so many bytes.
    Udp(u16),
    /// Something else.
    Raw(u16),
}

/// A system call.
#[derive(Clone, Debug)]
pub struct Call {
    /// It blocks, and returns at this time (in microseconds, on the same base as its start).
    pub end: Option<u64>,
    /// Its name.
    pub name: String,
    /// Place of the name.
    pub name_span: Span,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// What it returns.
    pub result: Expr,
    /// The errno that it sets.
    pub errno: Option<String>,
    /// Place of result and errno.
    pub result_span: Span,
}

/// An argument or a result.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its place.
    pub span: Span,
}

/// What an argument can be.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// `...`: the runner's choice.
    Ellipsis,
    /// A number.
    Int(i64),
    /// A name.
    Word(String),
    /// A text.
    Str(String),
    /// `a | b`.
    Or(Box<Expr>, Box<Expr>),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{name=value, name(argument)=value, value}`.
    Struct(Vec<Field>),
    /// `name(a, b)`: `htons(80)`.
    Apply(String, Vec<Expr>),
}

/// A part of a structure.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What stands in parentheses behind the name.
    pub arg: Option<Expr>,
    /// Its value.
    pub value: Expr,
}

impl Script {
    /// Line and column of a byte of the text, both counted from one.
    pub fn place(&self, byte: usize) -> (usize, usize) {
        crate::scenario::error::place(&self.text, byte)
    }
    /// The text of a place, on one line.
    pub fn excerpt(&self, span: &Span) -> String {
        let text = self.text.get(span.clone()).unwrap_or("");
        let mut lines = text.lines().map(|line| line.split("//").next().unwrap_or("").trim());
        let first = lines.next().unwrap_or("").to_owned();
        lines.filter(|line| !line.is_empty()).fold(first, |all, line| all + " " + line)
    }
    /// All shell commands of the script.
    pub fn shells(&self) -> impl Iterator<Item = &Shell> {
        let within = self.events.iter().filter_map(|event| match &event.action {
            Action::Shell(shell) => Some(shell),
            _ => None,
        });
        self.init.iter().chain(within).chain(&self.cleanup)
    }
}

impl Expr {
    /// The value of a structure's field.
    pub fn field(&self, name: &str) -> Option<&Expr> {
        match &self.kind {
            ExprKind::Struct(fields) => {
                fields.iter().find(|field| field.name.as_deref() == Some(name)).map(|field| &field.value)
            }
            _ => None,
        }
    }
    /// Whether this is `...`.
    pub fn is_ellipsis(&self) -> bool {
        matches!(self.kind, ExprKind::Ellipsis)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: &[Expr]| {
            for (i, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
            }
            Ok(())
        };
        match &self.kind {
            ExprKind::Ellipsis => f.write_str("..."),
            ExprKind::Int(n) => write!(f, "{n}"),
            ExprKind::Word(word) => f.write_str(word),
            ExprKind::Str(text) => write!(f, "{text:?}"),
            ExprKind::Or(a, b) => write!(f, "{a}|{b}"),
            ExprKind::List(items) => {
                f.write_str("[")?;
                list(f, items)?;
                f.write_str("]")
            }
            ExprKind::Struct(fields) => {
                f.write_str("{")?;
                for (i, field) in fields.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    match &field.name {
                        Some(name) => write!(f, "{comma}{name}={}", field.value)?,
                        None => write!(f, "{comma}{}", field.value)?,
                    }
                }
                f.write_str("}")
            }
            ExprKind::Apply(name, args) => {
                write!(f, "{name}(")?;
                list(f, args)?;
                f.write_str(")")
            }
        }
    }
}
