//! A capture as one small file, which a person can read and trim.
//!
//! It has three parts, one item a line, times in seconds from the start of the script; `#` begins a comment:
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
//! windows
//! 0.3129 c 40390>5390 1449 11 -
//!   SND.UNA, cwnd and ssthresh that a segment found that arrived then (-: no threshold yet)
//! ```
//!
//! `cut 0.3418` before them means that the record was cut there, but for the windows.

use std::path::Path;

use super::{Capture, ErrorSeen, Seg, StateChange, Window};
use crate::scenario::{Diagnostics, Problem};

const PARTS: [&str; 4] = ["segments", "states", "errors", "windows"];

/// Reads such a file.
///
/// # Errors
/// The first line that is not understood, with its place; an unreadable file is a problem without one.
pub fn load(path: &Path) -> Result<Capture, Diagnostics> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => read(&name, &text),
        Err(error) => Err(super::unreadable(&name, &format!("cannot read {name}: {error}"))),
    }
}

/// Reads the text of such a file; `name` is what errors call it.
///
/// # Errors
/// The first line that is not understood, with its place.
pub fn read(name: &str, text: &str) -> Result<Capture, Diagnostics> {
    let mut capture = Capture::default();
    let mut part = "";
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(heading) = PARTS.iter().find(|heading| **heading == line) {
            part = heading;
            continue;
        }
        take(&mut capture, part, line).map_err(|wrong| {
            let span = start..start + line.len();
            let problem =
                Problem { message: "not a line of a capture".into(), span, label: wrong, help: None };
            Diagnostics { path: name.into(), text: text.into(), problems: vec![problem] }
        })?;
    }
    Ok(capture)
}

/// Takes one line of a part.
fn take(capture: &mut Capture, part: &str, line: &str) -> Result<(), String> {
    let fields: Vec<&str> = line.split(' ').collect();
    match (part, fields.as_slice()) {
        (_, ["cut", at]) => capture.cut = Some(micros(at)?),
        ("segments", [at, "net", "icmp", kind, _]) => {
            capture.segments.push(Seg::icmp(micros(at)?, kind));
        }
        ("segments", [at, who, ports, flags, seq, ack, len, wnd, urg, options, fate]) => {
            capture.segments.push(Seg {
                at: micros(at)?,
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
                why: String::new(),
            });
        }
        ("states", [at, who, ports, state]) => capture.states.push(StateChange {
            at: (*at != "-").then(|| micros(at)).transpose()?,
            who: (*who).into(),
            ports: (*ports).into(),
            state: (*state).into(),
        }),
        ("errors", [at, who, _, errno]) => {
            capture.errors.push(ErrorSeen { at: micros(at)?, who: (*who).into(), errno: (*errno).into() });
        }
        ("windows", [at, who, ports, una, cwnd, ssthresh]) => {
            let number = |text: &str| text.parse::<u32>().map_err(|_| format!("`{text}` is no number"));
            capture.windows.push(Window {
                at: micros(at)?,
                who: (*who).into(),
                ports: (*ports).into(),
                una: number(una)?,
                cwnd: number(cwnd)?,
                ssthresh: (*ssthresh != "-").then(|| number(ssthresh)).transpose()?,
            });
        }
        ("", _) => return Err("expected `segments`, `states`, `errors` or `windows` before it".into()),
        ("segments", _) => {
            return Err("expected `TIME WHO PORTS FLAGS SEQ ACK LEN WND URG OPTIONS FATE`".into());
        }
        ("states", _) => return Err("expected `TIME WHO PORTS STATE`".into()),
        ("windows", _) => return Err("expected `TIME WHO PORTS UNA CWND SSTHRESH`".into()),
        _ => return Err("expected `TIME WHO PROGRAM ERRNO`".into()),
    }
    Ok(())
}

/// Seconds with a fraction, in microseconds.
pub(super) fn micros(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time in seconds");
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    let part: String = part.chars().chain("000000".chars()).take(6).collect();
    let whole = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(1_000_000));
    let part = part.parse::<u64>().ok();
    whole.zip(part).and_then(|(whole, part)| whole.checked_add(part)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read() {
        let text = "# said\ncut 1.5\nsegments\n0.1007 c 1>2 S 0 - 0 64240 - mss=1460 drop\n0.2 net icmp 3/1 0\n\
                    states\n- c 1>2 SYN_SENT\nerrors\n3 c cli ETIMEDOUT\n";
        let capture = read("x", text).expect("a capture");
        assert_eq!(capture.cut, Some(1_500_000));
        assert_eq!((capture.segments[0].at, capture.segments[0].flags.as_str()), (100_700, "S"));
        assert_eq!(capture.segments[1], Seg::icmp(200_000, "3/1"));
        assert_eq!((capture.states[0].at, capture.states[0].state.as_str()), (None, "SYN_SENT"));
        assert_eq!((capture.errors[0].at, capture.errors[0].errno.as_str()), (3_000_000, "ETIMEDOUT"));
    }

    #[test]
    fn what_is_not_understood_is_shown() {
        for (text, line, said) in [
            ("0.1 c 1>2 SYN_SENT\n", 1, "`segments`"),
            ("segments\n0.1 c 1>2 S\n", 2, "FLAGS"),
            ("states\nsoon c 1>2 SYN_SENT\n", 2, "`soon` is no time"),
            ("states\n99999999999999999999.0 c 1>2 SYN_SENT\n", 2, "no time"),
            ("errors\n1.0 ETIMEDOUT\n", 2, "ERRNO"),
        ] {
            let wrong = read("x", text).expect_err(text);
            assert_eq!(wrong.place(&wrong.problems[0]).0, line, "{text}");
            assert!(wrong.problems[0].label.contains(said), "{text}: {wrong}");
        }
    }
}
