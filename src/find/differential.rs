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
    wrong: Option<String>,
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

/// All nine pairs over `scenario`, whose first two hosts by name are the pair; `goes_on` is asked before each. `None`: it did not.
pub fn compare(scenario: &Scenario, goes_on: &dyn Fn() -> bool) -> Option<Compared> {
    let mut all = Compared::default();
    let mut first: Option<Vec<String>> = None;
    for one in PERSONALITIES {
        for other in PERSONALITIES {
            if !goes_on() {
                return None;
            }
            let told = told(&with(&scenario.typed, [one, other]), true);
            all.events += told.events;
            all.coverage.add(&told.coverage);
            let pair = format!("{one:?} and {other:?}");
            if let Some(wrong) = told.wrong {
                all.found.push(format!("{pair}: {wrong}"));
                continue;
            }
            match &first {
                None => first = Some(told.lines),
                Some(first) => {
                    all.compared += 1;
                    all.found.extend(difference(first, &told.lines).map(|words| format!("{pair}: {words}")));
                }
            }
        }
    }
    Some(all)
}

/// Where the programs of some pair are told otherwise than those from Linux to Linux; `None`: nowhere.
pub(super) fn parting(scenario: &Scenario) -> Option<String> {
    let linux = told(&with(&scenario.typed, [Personality::Linux; 2]), false).lines;
    let pairs = PERSONALITIES.into_iter().flat_map(|one| PERSONALITIES.map(|other| [one, other]));
    pairs.skip(1).find_map(|pair| {
        let words = difference(&linux, &told(&with(&scenario.typed, pair), false).lines)?;
        Some(format!("{:?} and {:?}: {words}", pair[0], pair[1]))
    })
}

fn difference(first: &[String], other: &[String]) -> Option<String> {
    let at = (0..first.len().max(other.len())).find(|at| first.get(*at) != other.get(*at))?;
    let said = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "nothing more".to_owned());
    Some(format!("programs are told otherwise\n  Linux and Linux: {}\n  here: {}", said(first), said(other)))
}

/// The scenario with these personalities for its first two hosts by name.
fn with(typed: &file::Scenario, pair: [Personality; 2]) -> file::Scenario {
    let mut typed = typed.clone();
    for (host, personality) in typed.hosts.values_mut().zip(pair) {
        host.tcp.get_or_insert_with(Tcp::default).personality = Some(personality);
    }
    typed
}

/// Runs it; with checkers or without.
fn told(typed: &file::Scenario, checks: bool) -> Told {
    let run = || {
        let scenario = Scenario::parse("pair.ron", &typed.write("")).map_err(|wrong| wrong.to_string())?;
        Ok(told_by(&scenario, checks))
    };
    let panics = |said| format!("NoPanic is broken: {said}");
    caught(run).map_err(panics).and_then(|told| told).unwrap_or_else(|wrong| Told {
        lines: Vec::new(),
        events: 0,
        coverage: Coverage::default(),
        wrong: Some(wrong),
    })
}

fn told_by(scenario: &Scenario, checks: bool) -> Told {
    let spec = scenario.spec();
    let mut run = Simulator::new(spec, TraceLevel::On);
    run = if checks { run.with_checks(spec) } else { run.without_checks() };
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
    let wrong = checks.then(|| wrong(scenario, &run)).flatten();
    Told { lines, events: run.events(), coverage, wrong }
}

fn wrong(scenario: &Scenario, run: &Simulator) -> Option<String> {
    let mut violations = verdict::violations(&scenario.typed, run);
    violations.extend(run.unrest());
    if let Some(first) = verdict::unexcused(&violations).next() {
        return Some(format!("{} is broken: {}", first.law, first.text));
    }
    if run.events() >= MOST_EVENTS {
        return Some(format!("{MOST_EVENTS} events, and no end"));
    }
    scenario.typed.hosts.keys().find_map(|host| {
        let node = run.names().node_id(host)?;
        let open = run.sockets(node).into_iter().find(|socket| socket.remote.is_some())?;
        Some(format!("a connection is left on {host}: {}", open.state))
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
        let told = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let words = difference(&told(&["a", "b"]), &told(&["a"])).expect("they differ");
        assert!(words.contains("b") && words.contains("nothing more"), "{words}");
    }
}
