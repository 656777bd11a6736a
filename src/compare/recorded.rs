//! A capture as a recorder on both hosts and on the wire between them leaves it: a folder with
//!
//! - `segs.txt`, the wire's ladder: `t_in -> t_out  c>s sport>dport FLAGS seq A:B ack N win N len N <options>  [fate]`,
//! - `states.txt`, states of each end: `c 10.0.0.1:40397 10.0.0.2:5397`, below it `0.100505 SYN_SENT (trace)`,
//! - `app.txt`, what programs saw: `4.1988 c cli recv err='ETIMEDOUT'`,
//! - `tcp_probe.csv`, windows at each segment that an end received ([`super::windows`]).
//!
//! All but the first may be missing.

use std::collections::BTreeMap;
use std::path::Path;

use super::compact::micros;
use super::{Capture, ErrorSeen, Seg, StateChange, unreadable, windows};
use crate::scenario::{Diagnostics, Problem};

/// Numbers that lie so far from all that was sent belong to an incarnation before: they are random.
const FAR: i64 = 1 << 20;

/// Reads such a folder.
///
/// # Errors
/// The first line that is not understood, with its place; a folder without `segs.txt`.
pub fn load(folder: &Path) -> Result<Capture, Diagnostics> {
    let mut capture = Capture::default();
    let ladder = folder.join("segs.txt");
    if !ladder.is_file() {
        let name = folder.display().to_string();
        return Err(unreadable(&name, &format!("{name} is no capture: there is no segs.txt in it")));
    }
    let mut wire = Wire::default();
    lines(&ladder, |line| wire.take(line, &mut capture.segments))?;
    let mut end = None;
    lines(&folder.join("states.txt"), |line| state(line, &mut end, &mut capture.states))?;
    lines(&folder.join("app.txt"), |line| call(line, &mut capture.errors))?;
    let mut probe = windows::Probe::default();
    lines(&folder.join("tcp_probe.csv"), |line| probe.take(line, &mut capture.windows))?;
    Ok(capture)
}

/// Hands each line of a file to `take`, but for comments; none if there is no such file.
fn lines(path: &Path, mut take: impl FnMut(&str) -> Result<(), String>) -> Result<(), Diagnostics> {
    if !path.exists() {
        return Ok(());
    }
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| unreadable(&name, &format!("cannot read {name}: {error}")))?;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let span = start..start + line.trim_end().len();
        start += line.len();
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        take(line).map_err(|label| {
            let problem = Problem { message: "not a line of a capture".into(), span, label, help: None };
            Diagnostics { path: name.clone(), text: text.clone(), problems: vec![problem] }
        })?;
    }
    Ok(())
}

/// Reads the ladder.
#[derive(Default)]
struct Wire {
    /// The highest relative number that was sent, by sender's and receiver's port.
    sent: BTreeMap<String, i64>,
}

impl Wire {
    fn take(&mut self, line: &str, segments: &mut Vec<Seg>) -> Result<(), String> {
        let (line, fate) = match line.split_once('[') {
            Some((line, fate)) if !line.trim_end().ends_with("icmp") => {
                (line, fate.trim_end_matches(']').replace(' ', "_"))
            }
            _ => (line, "-".to_owned()),
        };
        let mut words = line.split_whitespace();
        let at = micros(words.next().unwrap_or_default())?;
        let way = words.find(|word| word.contains('>') && *word != "->");
        let way = way.ok_or("expected a direction, `c>s`")?;
        let sender = way.split('>').next().unwrap_or_default();
        let who = if sender.is_empty() || sender == "rtr" { "net" } else { sender };
        let ports = words.next().ok_or("expected ports, `40397>5397`")?;
        if ports == "icmp" {
            segments.push(Seg::icmp(at, &icmp(line)));
            return Ok(());
        }
        let flags = words.next().ok_or("expected flags")?;
        let (fields, options) = match line.split_once(" <") {
            Some((before, rest)) => (before, rest.split('>').next().unwrap_or_default()),
            None => (line, ""),
        };
        let mut named = fields.split_whitespace().skip_while(|word| *word != "seq");
        let mut value = |name: &str| -> Option<&str> {
            let mut rest = named.clone();
            let found = rest.find(|word| *word == name).and_then(|_| rest.next());
            if found.is_some() {
                named = rest;
            }
            found
        };
        let seq = value("seq").ok_or("expected `seq N`")?;
        let (seq, end) = seq.split_once(':').unwrap_or((seq, seq));
        let ack = value("ack");
        let wnd = value("win").ok_or("expected `win N`")?;
        let len = value("len").ok_or("expected `len N`")?;
        let urg = value("urg").or_else(|| flags.contains('U').then_some("0"));
        let forged = who == "net";
        if let Ok(end) = end.parse::<i64>() {
            let sent = self.sent.entry(ports.to_owned()).or_default();
            *sent = (*sent).max(if (0..*sent + FAR).contains(&end) { end } else { 0 });
        }
        let back = ports.split_once('>').map(|(a, b)| format!("{b}>{a}")).unwrap_or_default();
        segments.push(Seg {
            at,
            who: who.into(),
            ports: ports.into(),
            flags: if flags == "-" { "none".into() } else { flags.into() },
            seq: self.near(ports, seq, forged),
            ack: ack.map_or_else(|| "-".into(), |ack| self.near(&back, ack, forged)),
            len: len.into(),
            wnd: wnd.into(),
            urg: urg.unwrap_or("-").into(),
            options: self.options(&back, options),
            fate,
            why: String::new(),
        });
        Ok(())
    }

    /// The number, or `*` where it can have no meaning: it lies far from all that this sender sent.
    fn near(&self, ports: &str, number: &str, forged: bool) -> String {
        let sent = self.sent.get(ports).copied().unwrap_or(0);
        match number.parse::<i64>() {
            Ok(n) if !forged && !(-FAR..=sent + FAR).contains(&n) => "*".into(),
            _ => number.into(),
        }
    }

    /// The options in this project's spelling: `mss 1460` is `mss=1460`, timestamps lose their values.
    fn options(&self, back: &str, text: &str) -> String {
        let block = |block: &str| {
            let mut ends = block.split(':').map(|end| self.near(back, end, false));
            format!("{}-{}", ends.next().unwrap_or_default(), ends.next().unwrap_or_default())
        };
        let one = |option: &str| match option.split_once(' ') {
            Some(("TS", _)) => "TS".to_owned(),
            // A cookie is the server's secret.
            Some(("tfo", value)) if !value.contains("req") => "tfo=cookie".to_owned(),
            Some(("tfo", _)) => "tfo".to_owned(),
            Some(("sack", blocks)) => {
                let blocks = blocks.split_whitespace().map(|b| block(b.trim_matches(['{', '}'])));
                format!("sack={}", blocks.collect::<Vec<_>>().join("/"))
            }
            Some((name, value)) => format!("{name}={}", value.replace(' ', "_")),
            None => option.to_owned(),
        };
        if text.is_empty() { "-".into() } else { text.split(',').map(one).collect::<Vec<_>>().join(",") }
    }
}

/// Type and code of `icmp [3, 1, 0]`, as `3/1`.
fn icmp(line: &str) -> String {
    let inside = line.split_once("icmp [").map_or("", |(_, rest)| rest.split(']').next().unwrap_or(""));
    let mut numbers = inside.split(',').map(str::trim);
    format!("{}/{}", numbers.next().unwrap_or("?"), numbers.next().unwrap_or("?"))
}

/// A line of `states.txt`: an end, or a state that the last end came into.
fn state(
    line: &str,
    end: &mut Option<(String, String)>,
    states: &mut Vec<StateChange>,
) -> Result<(), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if !line.starts_with(' ') {
        let [who, local, remote] = words.as_slice() else {
            return Err("expected an end, `c 10.0.0.1:40397 10.0.0.2:5397`".into());
        };
        let port = |socket: &str| socket.rsplit_once(':').map(|(_, port)| port.to_owned());
        let ports = port(local).zip(port(remote)).ok_or("expected addresses with ports")?;
        *end = Some(((*who).to_owned(), format!("{}>{}", ports.0, ports.1)));
        return Ok(());
    }
    let (Some((who, ports)), [at, state, ..]) = (end.as_ref(), words.as_slice()) else {
        return Err("expected `TIME STATE` below an end".into());
    };
    // A listener is not the end of a connection.
    if !ports.ends_with(">0") {
        let at = micros(at)?;
        // What a poll of /proc saw late stands with the time of the poll before, or none that fits.
        let last = states.iter().rev().find(|state| state.who == *who && state.ports == *ports);
        let at = last.and_then(|last| last.at).is_none_or(|last| last <= at).then_some(at);
        states.push(StateChange { at, who: who.clone(), ports: ports.clone(), state: (*state).into() });
    }
    Ok(())
}

/// A line of `app.txt`: what a program was told, if that was an error.
fn call(line: &str, errors: &mut Vec<ErrorSeen>) -> Result<(), String> {
    let mut words = line.split_whitespace();
    let at = micros(words.next().unwrap_or_default())?;
    let who = words.next().ok_or("expected `TIME HOST PROGRAM CALL`")?;
    let errno = line.split_once("err='").and_then(|(_, rest)| rest.split('\'').next());
    if let Some(errno) = errno.filter(|errno| !super::NO_ERRORS.contains(errno)) {
        errors.push(ErrorSeen { at, who: who.into(), errno: errno.into() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_ladder_is_taken_apart() {
        let mut wire = Wire::default();
        let mut segments = Vec::new();
        for line in [
            "   0.100633 -> 0.110694 1.610664 c>s 4>5 S    seq 0 win 64240 len 0 <mss 1460,sackOK,TS val 3 ecr 0,nop,wscale 10>  [dup]",
            "   0.110884 -> 0.120925    s>c 5>4 SA   seq 0 ack 1 win 65160 len 0 <mss 1460>",
            "   0.200000 -> -           c>s 4>5 PAU  seq 4:5 ack 1 win 63 len 1 urg 1 <nop,nop,TS val 4 ecr 5>  [icmp 3/1]",
            "   0.369040 -> 0.374060    s>c 5>4 A    seq 1 ack 5 win 105 len 0 <nop,nop,sack {9:12} {6:7}>",
            "   0.400000 -> 0.410000    c>s 4>5 A    seq 7 ack -23436885 win 63 len 0 <nop,nop,sack {4280908256:4280908261}>",
            "   0.500485 -> 0.500485    >s  4>5 -    seq -99 win 64240 len 0  [inject]",
            "   0.310300 -> 0.310300    >c  icmp [3, 1, 0]  [icmp]",
        ] {
            wire.take(line, &mut segments).expect(line);
        }
        let shown: Vec<String> = segments.iter().map(crate::compare::show::line).collect();
        assert_eq!(
            shown,
            [
                "0.1006 c 4>5 S seq 0 ack - len 0 win 64240 urg - <mss=1460,sackOK,TS,nop,wscale=10> dup",
                "0.1108 s 5>4 SA seq 0 ack 1 len 0 win 65160 urg - <mss=1460> -",
                "0.2000 c 4>5 PAU seq 4 ack 1 len 1 win 63 urg 1 <nop,nop,TS> icmp_3/1",
                "0.3690 s 5>4 A seq 1 ack 5 len 0 win 105 urg - <nop,nop,sack=9-12/6-7> -",
                "0.4000 c 4>5 A seq 7 ack * len 0 win 63 urg - <nop,nop,sack=*-*> -",
                "0.5004 net 4>5 none seq -99 ack - len 0 win 64240 urg - <-> inject",
                "0.3103 net - icmp3/1 seq - ack - len - win - urg - <-> -",
            ]
        );
        for wrong in [
            "soon",
            "0.1 -> 0.2",
            "0.1 -> 0.2 c>s",
            "0.1 -> 0.2 c>s 4>5 S win 1 len 0",
            "0.1 -> 0.2 c>s 4>5 S seq 1",
        ] {
            assert!(wire.take(wrong, &mut segments).is_err(), "{wrong}");
        }
    }

    #[test]
    fn states_and_errors_are_taken() {
        let (mut end, mut states) = (None, Vec::new());
        for line in [
            "s 10.0.0.2:5 0.0.0.0:0",
            "     0.020 LISTEN       (trace)",
            "c 10.0.0.1:4 10.0.0.2:5",
            "     0.200 FIN_WAIT2    (trace)",
            "     0.120 CLOSED       (poll)",
        ] {
            state(line, &mut end, &mut states).expect(line);
        }
        let told: Vec<_> = states.iter().map(|s| (s.at, s.ports.as_str(), s.state.as_str())).collect();
        assert_eq!(told, [(Some(200_000), "4>5", "FIN_WAIT2"), (None, "4>5", "CLOSED")]);
        let mut errors = Vec::new();
        call("   4.198779 c cli      recv                 err='ETIMEDOUT'", &mut errors).expect("a call");
        call("   4.3 c cli      recv                 err='EAGAIN'", &mut errors).expect("a call");
        assert_eq!(errors, [ErrorSeen { at: 4_198_779, who: "c".into(), errno: "ETIMEDOUT".into() }]);
    }
}
