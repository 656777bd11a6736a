//! Every personality against every other: over the same bad network, with the same programs, all pairs deliver the same bytes
//! to the same programs, break no law, and come to rest.

use std::fmt::Write as _;

use sim::{Simulator, TraceLevel, What};

use super::fuzz::swarm::HEALED;
use super::fuzz::{Coverage, Dice, MOST_EVENTS, caught};
use super::verdict;
use crate::scenario::file::{self, Personality};
use crate::scenario::{Scenario, file::Tcp};

/// All of them.
pub const PERSONALITIES: [Personality; 3] = [Personality::Linux, Personality::Rfc, Personality::FreeBsd];

/// What came of one scenario.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// Runs that were laid beside the first.
    pub compared: u64,
    /// Events of all.
    pub events: u64,
    /// What all have shown.
    pub coverage: Coverage,
    /// What is wrong, in words.
    pub found: Vec<String>,
}

/// What one run told.
struct Told {
    /// What programs were told, without times, in the order of the alphabet.
    lines: Vec<String>,
    events: u64,
    coverage: Coverage,
    /// What it shows that no run may show.
    wrong: Option<Wrong>,
}

/// What is wrong with a run, or with one beside another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wrong {
    /// Of what kind it is: what stays while a scenario that shows it is made small.
    pub kind: String,
    /// What it is.
    pub words: String,
}

impl Wrong {
    fn new(kind: impl Into<String>, words: impl Into<String>) -> Wrong {
        Wrong { kind: kind.into(), words: words.into() }
    }
    fn of(self, pair: [Personality; 2]) -> Wrong {
        Wrong { words: format!("{:?} and {:?}: {}", pair[0], pair[1], self.words), ..self }
    }
}

/// The scenario of a seed, from Linux to Linux: a client that sends and closes in pieces, an echo server, two links through a
/// router that lose, double, delay and damage, and knobs that both ends may have or not.
///
/// # Errors
/// If the generator wrote something that is no scenario: a mistake of this program.
pub fn scenario(seed: u64) -> Result<Scenario, String> {
    let text = text(seed);
    Scenario::parse(&format!("pair-{seed}.ron"), &text)
        .map_err(|wrong| format!("seed {seed}: {wrong}\n{text}"))
}

/// Its text.
pub fn text(seed: u64) -> String {
    let dice = &mut Dice::new(seed);
    let knobs = |dice: &mut Dice| {
        let mut text = String::new();
        for (knob, values) in [
            ("sack", &["true", "false"][..]),
            ("timestamps", &["true", "false"]),
            ("window_scaling", &["true", "false"]),
            ("ecn", &["Off", "On", "Accurate"]),
            ("loss_detection", &["Rack", "Sack", "NewReno"]),
            ("congestion", &["Reno", "Cubic", "Bbr"]),
            ("nagle", &["Off", "Classic"]),
            ("mss", &["536", "1000"]),
            ("rcv_buf", &["3000", "20000"]),
            ("isn", &["Fixed(4294967000)", "Fixed(4294967295)"]),
        ] {
            if dice.chance(25) {
                let _ = write!(text, ", {knob}: {}", dice.pick(values));
            }
        }
        text
    };
    let (of_client, of_server) = (knobs(dice), knobs(dice));
    let mut link = |ends: &str| {
        let chance = |dice: &mut Dice, most: u64| format!("{}.{}%", dice.roll(most), dice.roll(10));
        format!(
            "(between: {ends}, delay: \"{}us\", loss: \"{}\", duplicate: \"{}\", reorder: \"{}\", corrupt: \"{}\")",
            10 + dice.roll(60_000),
            chance(dice, 6),
            chance(dice, 4),
            chance(dice, 6),
            chance(dice, 2),
        )
    };
    let links = [link("(\"a\", \"r\")"), link("(\"r\", \"b\")")].join(", ");
    // A network that loses on and on makes somebody give up, now and then, before the last repetition has come.
    let heals = ["a-r", "r-b"].map(|link| {
        let well = r#"(loss: "0%", duplicate: "0%", reorder: "0%", corrupt: "0%")"#;
        format!(r#"(at: "{HEALED}ms", do: LinkChange(link: "{link}", set: {well}))"#)
    });
    let heals = heals.join(", ");
    let len = 1 + dice.roll(40_000);
    let pieces = 1 + dice.roll(3_000);
    format!(
        r#"Scenario(
    about: "pairs, seed {seed}", seed: {seed}, until: "2h",
    hosts: {{ "a": (tcp: (personality: Linux{of_client})), "b": (tcp: (personality: Linux, synack_retries: 5{of_server})) }},
    routers: {{ "r": () }},
    links: [{links}],
    programs: [
        (on: "b", name: "server", run: EchoServer(port: 80)),
        (on: "a", name: "client", at: "10ms", run: Client(to: "b:80", port: 40000, steps: [
            Send("begin"), SendBytes(len: {len}, chunk: {pieces}, every: "3ms"), ShutdownWrite, RecvToEof, Close])),
    ],
    faults: [{heals}],
)
"#
    )
}

/// All pairs of them.
fn pairs() -> impl Iterator<Item = [Personality; 2]> {
    PERSONALITIES.into_iter().flat_map(|one| PERSONALITIES.map(|other| [one, other]))
}

/// All nine pairs over `scenario`, whose first two hosts by name are the pair; `goes_on` is asked before each. `None`: it did not.
pub fn compare(scenario: &Scenario, goes_on: &dyn Fn() -> bool) -> Option<Compared> {
    let mut all = Compared::default();
    let mut first: Option<Vec<String>> = None;
    for pair in pairs() {
        if !goes_on() {
            return None;
        }
        let told = told(&with(&scenario.typed, pair));
        all.events += told.events;
        all.coverage.add(&told.coverage);
        all.compared += u64::from(told.wrong.is_none() && first.is_some());
        let wrong = match (told.wrong, &first) {
            (Some(wrong), _) => Some(wrong),
            (None, Some(first)) => difference(first, &told.lines),
            (None, None) => {
                first = Some(told.lines);
                None
            }
        };
        all.found.extend(wrong.map(|wrong| wrong.of(pair).words));
    }
    Some(all)
}

/// Where some pair does what Linux to Linux does not, or its programs are told otherwise; `None`: nowhere. That a connection is
/// left says something only beside one that is not.
pub(super) fn parting(scenario: &Scenario) -> Option<Wrong> {
    let mut pairs = pairs();
    let first = pairs.next()?;
    let linux = told(&with(&scenario.typed, first));
    if let Some(wrong) = linux.wrong.as_ref().filter(|wrong| wrong.kind != LEFT) {
        return Some(wrong.clone().of(first));
    }
    pairs.find_map(|pair| {
        let here = told(&with(&scenario.typed, pair));
        let wrong = match here.wrong {
            Some(wrong) if linux.wrong.as_ref().is_none_or(|there| there.kind != wrong.kind) => Some(wrong),
            _ => difference(&linux.lines, &here.lines),
        };
        wrong.map(|wrong| wrong.of(pair))
    })
}

fn difference(first: &[String], other: &[String]) -> Option<Wrong> {
    let at = (0..first.len().max(other.len())).find(|at| first.get(*at) != other.get(*at))?;
    let said = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "nothing more".to_owned());
    let (there, here) = (said(first), said(other));
    // What was said, but for numbers: an end of file is no error, and an error not another.
    let result = |line: &str| {
        let said = line.rsplit_once(" = ").map_or(line, |(_, said)| said);
        said.replace(|c: char| c.is_ascii_digit(), "")
    };
    let kind = format!("{} | {}", result(&there), result(&here));
    let words = format!("programs are told otherwise\n  Linux and Linux: {there}\n  here: {here}");
    Some(Wrong::new(kind, words))
}

/// The scenario with these personalities for its first two hosts by name.
fn with(typed: &file::Scenario, pair: [Personality; 2]) -> file::Scenario {
    let mut typed = typed.clone();
    for (host, personality) in typed.hosts.values_mut().zip(pair) {
        host.tcp.get_or_insert_with(Tcp::default).personality = Some(personality);
    }
    typed
}

/// Runs it.
fn told(typed: &file::Scenario) -> Told {
    let run = || {
        let scenario = Scenario::parse("pair.ron", &typed.write(""))
            .map_err(|wrong| Wrong::new("file", wrong.to_string()))?;
        Ok(told_by(&scenario))
    };
    let panics = |said| Wrong::new("NoPanic", format!("NoPanic is broken: {said}"));
    caught(run).map_err(panics).and_then(|told| told).unwrap_or_else(|wrong| Told {
        lines: Vec::new(),
        events: 0,
        coverage: Coverage::default(),
        wrong: Some(wrong),
    })
}

fn told_by(scenario: &Scenario) -> Told {
    let spec = scenario.spec();
    let mut run = Simulator::new(spec, TraceLevel::On).with_checks(spec);
    while run.events() < MOST_EVENTS && run.step() {}
    let mut coverage = Coverage::default();
    coverage.take(run.records());
    let mut lines = Vec::new();
    for record in run.records() {
        if let What::Program { program, call, result, .. } = &record.what {
            lines.push(format!("{program}: {call} = {result}"));
        }
    }
    lines.sort();
    let wrong = wrong(scenario, &run);
    Told { lines, events: run.events(), coverage, wrong }
}

/// The kind of a run that leaves a connection.
const LEFT: &str = "left";

fn wrong(scenario: &Scenario, run: &Simulator) -> Option<Wrong> {
    let mut violations = verdict::violations(&scenario.typed, run);
    violations.extend(run.unrest());
    if let Some(first) = verdict::unexcused(&violations).next() {
        let law = first.law.to_string();
        return Some(Wrong::new(law.clone(), format!("{law} is broken: {}", first.text)));
    }
    if run.events() >= MOST_EVENTS {
        return Some(Wrong::new("no end", format!("{MOST_EVENTS} events, and no end")));
    }
    scenario.typed.hosts.keys().find_map(|host| {
        let node = run.names().node_id(host)?;
        let open = run.sockets(node).into_iter().find(|socket| socket.remote.is_some())?;
        Some(Wrong::new(LEFT, format!("a connection is left on {host}: {}", open.state)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_that_is_told_otherwise_is_found() {
        let mut scenario = scenario(1).expect("it reads");
        assert_eq!(parting(&scenario), None);
        // Linux's default gives up a SYN later than FreeBSD's does.
        let mut typed = scenario.typed.clone();
        typed.links.iter_mut().for_each(|link| link.loss = Some(crate::scenario::units::Percent(1_000_000)));
        typed.seed = Some(7);
        scenario = Scenario::parse("x.ron", &typed.write("")).expect("it reads");
        assert_eq!(parting(&scenario), None, "all say that nobody answers");
        let Wrong { words, .. } = apart(&["a", "b"], &["a"]);
        assert!(words.contains("b") && words.contains("nothing more"), "{words}");
    }
    fn apart(there: &[&str], here: &[&str]) -> Wrong {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        difference(&lines(there), &lines(here)).expect("they differ")
    }

    /// While a scenario is made small, what programs are told stays of one kind, and numbers do not matter.
    #[test]
    fn ways_to_part_are_of_kinds() {
        let kind = |there: &str, here: &str| apart(&[there], &[here]).kind;
        let reset = kind("s: recv() = 10, EOF", "s: recv() = ECONNRESET after 5");
        assert_eq!(reset, kind("server[1]: recv() = 6000, EOF", "server[1]: recv() = ECONNRESET after 0"));
        assert_ne!(reset, kind("s: recv() = 10, EOF", "s: recv() = ETIMEDOUT after 5"));
        assert_ne!(reset, kind("s: recv() = ECONNRESET after 5", "s: recv() = 10, EOF"));
    }
    /// A program that never closes leaves a connection with all of them: that tells nothing. With one of them it does.
    #[test]
    fn a_connection_that_all_leave_is_no_difference() {
        let left = |until: &str| {
            let text = format!(
                r#"Scenario(about: "left", until: "{until}", hosts: {{ "a": (), "b": () }}, links: [(between: ("a", "b"))], programs: [
                    (on: "b", run: Server(port: 80, steps: [RecvToEof, Close])),
                    (on: "a", at: "10ms", run: Client(to: "b:80", port: 40000, steps: [Send("x"), Close])),
                ])"#
            );
            parting(&Scenario::parse("left.ron", &text).expect("it reads")).map(|wrong| wrong.kind)
        };
        // TIME-WAIT lasts for a minute, and to the letter for four.
        assert_eq!(left("50s"), None);
        assert_eq!(left("100s").as_deref(), Some(LEFT));
        assert_eq!(left("250s"), None);
    }
}
