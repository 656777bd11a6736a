//! From a command line to its steps: words with quotes, `$((…))`, redirections, `;`, `&&`, `||`, `|`.

use super::{Program, Step, When};

/// A complaint: what, and at which byte of the command line.
pub type Complaint = (String, usize);

/// Reads a command line.
///
/// # Errors
/// Quotes or arithmetic that do not end.
pub fn parse(line: &str) -> Result<Program, Complaint> {
    let words = words(line)?;
    let mut program = Program::default();
    let mut when = When::Always;
    let mut pipeline: Vec<Vec<String>> = vec![Vec::new()];
    let mut finish = |pipeline: &mut Vec<Vec<String>>, when: When| {
        let commands: Vec<Vec<String>> = pipeline.drain(..).filter(|command| !command.is_empty()).collect();
        pipeline.push(Vec::new());
        steps(&commands).into_iter().for_each(|step| program.pipelines.push((when, step)));
    };
    for word in words {
        match word {
            Word::Text(text) => {
                if let Some(command) = pipeline.last_mut() {
                    command.push(text);
                }
            }
            Word::Pipe => pipeline.push(Vec::new()),
            Word::End => {
                finish(&mut pipeline, when);
                when = When::Always;
            }
            Word::And => {
                finish(&mut pipeline, when);
                when = When::Succeeded;
            }
            Word::Or => {
                finish(&mut pipeline, when);
                when = When::Failed;
            }
        }
    }
    finish(&mut pipeline, when);
    Ok(program)
}

/// A word of the shell.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Text(String),
    Pipe,
    And,
    Or,
    End,
}

fn words(line: &str) -> Result<Vec<Word>, Complaint> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(c) = line[at..].chars().next() {
        let rest = &line[at..];
        match c {
            '\\' if rest[1..].starts_with(['\n', '\r']) => at += 2,
            '\n' | ';' => {
                words.push(Word::End);
                at += 1;
            }
            _ if c.is_whitespace() => at += c.len_utf8(),
            '#' => at += rest.find('\n').unwrap_or(rest.len()),
            '&' if rest.starts_with("&&") => {
                words.push(Word::And);
                at += 2;
            }
            '|' if rest.starts_with("||") => {
                words.push(Word::Or);
                at += 2;
            }
            '|' => {
                words.push(Word::Pipe);
                at += 1;
            }
            _ => match redirection(rest) {
                Some(len) => at += len,
                None => {
                    let (text, len) = text(rest).map_err(|message| (message, at))?;
                    words.push(Word::Text(text));
                    at += len;
                }
            },
        }
    }
    Ok(words)
}

/// Length of a redirection that begins here: where output goes is not told.
fn redirection(rest: &str) -> Option<usize> {
    let after = ["2>&1", "&>", "2>", ">>", ">"].into_iter().find(|mark| rest.starts_with(mark))?;
    if after == "2>&1" {
        return Some(after.len());
    }
    let target = &rest[after.len()..];
    let blank = target.len() - target.trim_start_matches([' ', '\t']).len();
    let name = target[blank..].find(|c: char| c.is_whitespace() || ";|&".contains(c));
    // `echo 3 > /sys/…` writes somewhere that matters: it stays a word.
    if target[blank..].starts_with("/sys") || target[blank..].starts_with("/proc") {
        return None;
    }
    Some(after.len() + blank + name.unwrap_or(target.len() - blank))
}

/// One word with its quotes taken off and its arithmetic done, and its length as typed.
fn text(rest: &str) -> Result<(String, usize), String> {
    let mut out = String::new();
    let mut at = 0;
    if rest.starts_with('>') {
        return Ok((">".into(), 1));
    }
    while let Some(c) = rest[at..].chars().next() {
        let tail = &rest[at..];
        match c {
            '"' | '\'' => {
                let end = tail[1..].find(c).ok_or("a quoted word does not end")?;
                let inner = &tail[1..1 + end];
                out.push_str(&if c == '"' { arithmetic(inner)? } else { inner.to_owned() });
                at += end + 2;
            }
            '$' if tail.starts_with("$((") => {
                let end = tail.find("))").ok_or("`$((` does not end")?;
                out.push_str(&arithmetic(&tail[..end + 2])?);
                at += end + 2;
            }
            '\\' => {
                let next = tail[1..].chars().next();
                out.extend(next);
                at += 1 + next.map_or(0, char::len_utf8);
            }
            _ if c.is_whitespace() || ";|&>".contains(c) => break,
            _ => {
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    // Anything must be read, or reading never ends.
    if at == 0 {
        let c = rest.chars().next().unwrap_or(' ');
        return Ok((c.to_string(), c.len_utf8()));
    }
    Ok((out, at))
}

/// A text with `$((15*1024*1024))` replaced by its value.
fn arithmetic(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("$((") {
        let end = rest[start..].find("))").ok_or("`$((` does not end")? + start;
        out.push_str(&rest[..start]);
        let product = rest[start + 3..end]
            .split('*')
            .map(|factor| factor.trim().parse::<u64>().ok())
            .try_fold(1u64, |product, factor| product.checked_mul(factor?));
        let product =
            product.ok_or_else(|| format!("`{}` is no product of numbers", &rest[start..end + 2]))?;
        out.push_str(&product.to_string());
        rest = &rest[end + 2..];
    }
    out.push_str(rest);
    Ok(out)
}

/// What a pipeline does.
fn steps(commands: &[Vec<String>]) -> Vec<Step> {
    let Some(first) = commands.first() else { return Vec::new() };
    let unknown = || {
        let all: Vec<String> = commands.iter().map(|command| command.join(" ")).collect();
        vec![Step::Unknown(all.join(" | "))]
    };
    let greps: Option<Vec<Grep<'_>>> = commands[1..].iter().map(|command| grep(command)).collect();
    let words: Vec<&str> = first.iter().map(String::as_str).collect();
    let program = words[0].rsplit('/').next().unwrap_or(words[0]);
    let found = match (program, greps.as_deref()) {
        ("defaults.sh", Some([])) => Some(vec![Step::Defaults { path: words[0].to_owned() }]),
        ("set_sysctls.py", Some([])) => set_sysctls(&words[1..]),
        ("sysctl", Some([])) => sysctl(&words[1..]),
        ("nstat", Some(greps)) => nstat(&words[1..], greps).map(|step| vec![step]),
        ("tc", Some([])) => tc(&words[1..]).map(|step| vec![step]),
        ("ip", Some([])) => ip(&words[1..]).map(|step| vec![step]),
        ("ethtool", Some([])) => ethtool(&words[1..]),
        ("grep", Some(greps)) => proc_net_tcp(&words[1..], greps).map(|step| vec![step]),
        ("sockstat", Some(greps)) => sockstat(greps).map(|step| vec![step]),
        ("ss", Some(greps)) => ss(&words[1..], greps).map(|step| vec![step]),
        ("tcpdrop", Some([])) | ("setkey", _) => {
            Some(vec![Step::FreeBsdSysctl { name: program.into(), value: String::new() }])
        }
        ("echo", Some([])) => echo(&words[1..]).map(|step| vec![step]),
        ("dd", Some([])) => dd(&words[1..]).map(|step| vec![step]),
        ("rm", Some([])) => Some(rm(&words[1..])),
        ("true", Some([])) => Some(vec![Step::Nothing]),
        (restore, Some([])) if restore.starts_with("sysctl_restore_") => Some(vec![Step::Nothing]),
        _ => None,
    };
    found.unwrap_or_else(unknown)
}

/// What a `grep` looks for.
struct Grep<'a> {
    pattern: &'a str,
    counts: bool,
}

fn grep(command: &[String]) -> Option<Grep<'_>> {
    let (program, rest) = command.split_first()?;
    let counts = rest.iter().any(|word| word == "-c");
    let mut patterns = rest.iter().filter(|word| !matches!(word.as_str(), "-q" | "-c" | "-E"));
    let pattern = patterns.next()?;
    (program == "grep" && patterns.next().is_none()).then_some(Grep { pattern, counts })
}

/// `NAME=VALUE` with NAME as sysctl or as `/proc/sys` spells it.
fn setting(word: &str) -> Option<Step> {
    let (name, value) = word.split_once('=')?;
    let value = value.trim().to_owned();
    let name = name.strip_prefix("/proc/sys/").unwrap_or(name).replace('/', ".");
    match name.strip_prefix("net.ipv4.") {
        Some(name) => Some(Step::Sysctl { name: name.to_owned(), value }),
        None if name.starts_with("net.inet") || name.starts_with("kern.") => {
            Some(Step::FreeBsdSysctl { name, value })
        }
        None => None,
    }
}

fn set_sysctls(words: &[&str]) -> Option<Vec<Step>> {
    words.iter().map(|word| setting(word)).collect()
}

fn sysctl(words: &[&str]) -> Option<Vec<Step>> {
    words.iter().filter(|word| !word.starts_with('-')).map(|word| setting(word)).collect()
}

fn nstat(words: &[&str], greps: &[Grep<'_>]) -> Option<Step> {
    // Others than these would show other numbers, or show them otherwise.
    if words.iter().any(|word| !matches!(*word, "-n" | "-s")) {
        return None;
    }
    let update = !words.contains(&"-s");
    let wanted = match greps {
        [] => None,
        [name] => Some((name.pattern.to_owned(), None)),
        [name, number] => Some((name.pattern.to_owned(), Some(number.pattern.trim().parse().ok()?))),
        _ => return None,
    };
    Some(Step::Nstat { update, wanted })
}

fn tc(words: &[&str]) -> Option<Step> {
    if words.first() != Some(&"qdisc") {
        return None;
    }
    match words.get(1) {
        Some(&("delete" | "del")) => return Some(Step::QdiscFifo { limit: None }),
        Some(&("replace" | "add" | "change")) => {}
        _ => return None,
    }
    let root = words.iter().position(|word| *word == "root")?;
    match words.get(root + 1..)? {
        ["fq"] => Some(Step::QdiscFq),
        ["pfifo" | "bfifo" | "noqueue" | "pfifo_fast"] => Some(Step::QdiscFifo { limit: None }),
        ["pfifo", "limit", limit] => Some(Step::QdiscFifo { limit: Some(limit.parse().ok()?) }),
        _ => None,
    }
}

fn ip(words: &[&str]) -> Option<Step> {
    let words: Vec<&str> = words.iter().copied().filter(|word| !matches!(*word, "-4" | "-6")).collect();
    let after = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1).copied()
    };
    match words.as_slice() {
        ["tcp_metrics", "flush", ..] => Some(Step::FlushMetrics),
        ["route", "flush", "cache"] => Some(Step::FlushMetrics),
        ["route", "change" | "replace" | "add", _, rest @ ..] if says_what_is_known(rest) => {
            let mtu_locked = after("mtu") == Some("lock");
            let mtu = if mtu_locked { after("lock") } else { after("mtu") };
            Some(Step::Route {
                advmss: after("advmss").map(str::parse).transpose().ok()?,
                mtu: mtu.map(str::parse).transpose().ok()?,
                mtu_locked,
                initcwnd: after("initcwnd").map(str::parse).transpose().ok()?,
            })
        }
        ["link", "set", "dev", _, "mtu", mtu] | ["link", "set", _, "mtu", mtu] => {
            Some(Step::LinkMtu(mtu.parse().ok()?))
        }
        _ => None,
    }
}

/// Whether a route says only where it leads, and what has a meaning here.
fn says_what_is_known(words: &[&str]) -> bool {
    match words {
        [] => true,
        ["mtu", "lock", _, rest @ ..]
        | ["via" | "dev" | "src" | "scope" | "proto" | "advmss" | "mtu" | "initcwnd", _, rest @ ..] => {
            says_what_is_known(rest)
        }
        _ => false,
    }
}

/// `dd bs=1 count=5 if=/dev/zero of=/tmp/testfile`.
fn dd(words: &[&str]) -> Option<Step> {
    let (mut size, mut count, mut path, mut zeros) = (512u64, None, None, false);
    for word in words {
        match word.split_once('=')? {
            ("bs", bytes) => size = bytes.parse().ok()?,
            ("count", n) => count = Some(n.parse::<u64>().ok()?),
            ("if", from) => zeros = from == "/dev/zero",
            ("of", to) => path = Some(to.to_owned()),
            ("status", _) => {}
            _ => return None,
        }
    }
    let len = count.filter(|_| zeros)?.checked_mul(size)?;
    Some(Step::File { path: path?, len })
}

/// `rm -f FILE…`.
fn rm(words: &[&str]) -> Vec<Step> {
    let files = words.iter().filter(|word| !word.starts_with('-'));
    files.map(|file| Step::Remove((*file).to_owned())).collect()
}

fn ethtool(words: &[&str]) -> Option<Vec<Step>> {
    let ["-K", _, features @ ..] = words else { return None };
    let feature = |pair: &[&str]| match pair {
        [name @ ("tso" | "gso" | "gro"), state @ ("on" | "off")] => {
            Some(Step::SegmentationOffload { name: (*name).to_owned(), on: *state == "on" })
        }
        _ => None,
    };
    features.chunks(2).map(feature).collect()
}

/// `grep " 0A " /proc/net/tcp /proc/net/tcp6 | grep ":1F90"`.
fn proc_net_tcp(words: &[&str], greps: &[Grep<'_>]) -> Option<Step> {
    let words: Vec<&str> = words.iter().copied().filter(|word| *word != "-q").collect();
    let (state, files) = words.split_first()?;
    let [port] = greps else { return None };
    let known = !files.is_empty() && files.iter().all(|file| file.starts_with("/proc/net/tcp"));
    known.then_some(())?;
    Some(Step::ProcNetTcp {
        state: u8::from_str_radix(state.trim(), 16).ok()?,
        port: u16::from_str_radix(port.pattern.trim().strip_prefix(':')?, 16).ok()?,
    })
}

/// `sockstat … | grep packetdril | grep -c TIME_WAIT | grep 1`.
fn sockstat(greps: &[Grep<'_>]) -> Option<Step> {
    let greps: Vec<&Grep<'_>> = greps.iter().filter(|grep| !grep.pattern.starts_with("packetdril")).collect();
    match greps.as_slice() {
        [state, count] if state.counts => {
            Some(Step::Sockstat { state: state.pattern.to_owned(), count: count.pattern.parse().ok()? })
        }
        _ => None,
    }
}

fn ss(words: &[&str], greps: &[Grep<'_>]) -> Option<Step> {
    let mut state = None;
    let mut rest = words;
    loop {
        rest = match rest {
            [] => break,
            // How it looks, not what it shows.
            ["-n" | "-4" | "-6" | "-t" | "--options" | "--extended" | "--info", rest @ ..] => rest,
            ["state", name, rest @ ..] => {
                state = Some(*name);
                rest
            }
            // The port is in the pattern; the address behind `src` too.
            ["( sport = :8080 )", rest @ ..] | ["src", _, rest @ ..] => rest,
            _ => return None,
        }
    }
    let pattern = greps.last()?.pattern.to_owned();
    Some(Step::Ss { state: state.map(str::to_owned), pattern })
}

/// `echo 3 > /sys/module/tcp_cubic/parameters/hystart_detect`, and what only explains itself.
fn echo(words: &[&str]) -> Option<Step> {
    match words {
        [value, ">", path] if path.ends_with("/tcp_cubic/parameters/hystart_detect") => {
            Some(Step::HystartDetect(value.parse().ok()?))
        }
        [value, ">", path] => setting(&format!("{path}={value}")),
        _ if !words.contains(&">") => Some(Step::Nothing),
        _ => None,
    }
}
