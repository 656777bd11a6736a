//! What a Linux kernel did, read from the files beside this one.
//!
//! A file has three parts, one item a line, times in seconds from the start of the script:
//!
//! ```text
//! segments
//! 0.2003 c 40502>5502 PA 1 1 5 + - nop,nop,TS -
//!   time, sender (c, s, or net: forged), ports, flags, SEG.SEQ and SEG.ACK relative to the initial sequence numbers
//!   (abs: absolute; *: of no meaning), octets of data, window (a number on a SYN; else 0 or + for anything more),
//!   urgent pointer, options in order, what the network did to it
//! states
//! 0.4002 c 40502>5502 FIN_WAIT1
//!   `-` for a time that was not recorded
//! errors
//! 4.1988 c cli ETIMEDOUT
//! ```
//!
//! `cut 0.3418` before them means that the record was cut there.

use std::path::Path;

/// A capture, or the same facts about a run of ours.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    pub segments: Vec<Seg>,
    pub states: Vec<StateChange>,
    pub errors: Vec<ErrorSeen>,
    /// Nothing is known from this time on.
    pub cut: Option<u64>,
}

/// One segment, as its sender's network interface saw it. Fields are text, as in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seg {
    /// When it was sent, in microseconds.
    pub at: u64,
    pub who: String,
    pub ports: String,
    pub flags: String,
    pub seq: String,
    pub ack: String,
    pub len: String,
    pub wnd: String,
    pub urg: String,
    pub options: String,
    pub fate: String,
}

/// One end of a connection came into a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// When, in microseconds; `None`: not recorded.
    pub at: Option<u64>,
    pub who: String,
    pub ports: String,
    pub state: String,
}

/// A program was told of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorSeen {
    /// When, in microseconds.
    pub at: u64,
    pub who: String,
    pub errno: String,
}

impl Seg {
    /// The line of the file.
    pub fn line(&self) -> String {
        format!(
            "{} {} {} {} seq {} ack {} len {} win {} urg {} <{}> {}",
            seconds(self.at),
            self.who,
            self.ports,
            self.flags,
            self.seq,
            self.ack,
            self.len,
            self.wnd,
            self.urg,
            self.options,
            self.fate
        )
    }
}

/// Microseconds as seconds with four decimals.
pub fn seconds(micros: u64) -> String {
    format!("{}.{:04}", micros / 1_000_000, micros % 1_000_000 / 100)
}

/// Reads the capture of this name.
pub fn read(folder: &Path, name: &str) -> Capture {
    let path = folder.join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut capture = Capture::default();
    let mut part = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(' ').collect();
        match (part, fields.as_slice()) {
            (_, ["cut", at]) => capture.cut = Some(micros(at)),
            (_, [heading @ ("segments" | "states" | "errors")]) => part = *heading,
            ("segments", [at, "net", "icmp", kind, _]) => {
                capture.segments.push(forged_icmp(micros(at), kind));
            }
            ("segments", [at, who, ports, flags, seq, ack, len, wnd, urg, options, fate]) => {
                capture.segments.push(Seg {
                    at: micros(at),
                    who: (*who).into(),
                    ports: (*ports).into(),
                    flags: (*flags).into(),
                    seq: (*seq).into(),
                    ack: (*ack).into(),
                    len: (*len).into(),
                    wnd: (*wnd).into(),
                    urg: (*urg).into(),
                    options: (*options).into(),
                    fate: (*fate).into(),
                });
            }
            ("states", [at, who, ports, state]) => capture.states.push(StateChange {
                at: (*at != "-").then(|| micros(at)),
                who: (*who).into(),
                ports: (*ports).into(),
                state: (*state).into(),
            }),
            ("errors", [at, who, _, errno]) => {
                capture.errors.push(ErrorSeen { at: micros(at), who: (*who).into(), errno: (*errno).into() })
            }
            _ => panic!("{}: not understood: {line}", path.display()),
        }
    }
    capture
}

/// An ICMP message from the network, as a line for the reader.
fn forged_icmp(at: u64, kind: &str) -> Seg {
    let none = || "-".to_string();
    Seg {
        at,
        who: "net".into(),
        ports: none(),
        flags: format!("icmp{kind}"),
        seq: none(),
        ack: none(),
        len: none(),
        wnd: none(),
        urg: none(),
        options: none(),
        fate: none(),
    }
}

fn micros(seconds: &str) -> u64 {
    let (whole, part) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let part: String = part.chars().chain("000000".chars()).take(6).collect();
    whole.parse::<u64>().expect("seconds") * 1_000_000 + part.parse::<u64>().expect("decimals")
}
