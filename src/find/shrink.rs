//! A scenario made small: what it breaks, it still breaks, with as little as possible.
//!
//! Delta debugging over what a scenario is typed as: first the run is frozen, then faults, rules, fates, programs, steps,
//! hosts, knobs and link parameters are taken away, then sizes and times are made round. An edit stays if the run breaks
//! the same law at the same host.

use crate::find::freeze::{freeze, leading_comment};
use crate::find::fuzz::play;
use crate::find::verdict::{Place, in_words, place};
use crate::scenario::Scenario;
use crate::scenario::file::{self, Program, Run, Step, Way};
use crate::scenario::units::{Size, Span};
use crate::view::{Show, Story, ladder};
use crate::{Names, scenario::Diagnostics};

use sim::check::{Law, Violation};
use sim::{Simulator, TraceLevel};

/// What came of shrinking.
pub struct Shrunk {
    /// The small scenario, with a comment that says what it shows.
    pub scenario: Scenario,
    /// What it breaks.
    pub violation: Violation,
    /// Runs that it took.
    pub runs: u64,
}

/// Makes scenarios smaller for as long as they break the same thing.
struct Shrinker<'a> {
    place: Place,
    path: &'a str,
    best: file::Scenario,
    violation: Violation,
    runs: u64,
    most: u64,
    told: &'a mut dyn FnMut(u64, usize),
}

/// Makes `scenario` small, in at most `most` runs; `told` hears of runs so far and of the size of the best, in characters.
/// `None`: it breaks nothing.
///
/// # Errors
/// If what was written cannot be read again.
pub fn shrink(
    scenario: &Scenario,
    most: u64,
    told: &mut dyn FnMut(u64, usize),
) -> Result<Option<Shrunk>, Diagnostics> {
    let Some(first) = first_violation(scenario, None) else { return Ok(None) };
    let mut shrinker = Shrinker {
        place: place_in(scenario, &first),
        path: &scenario.path,
        best: scenario.typed.clone(),
        violation: first,
        runs: 1,
        most,
        told,
    };
    shrinker.best.expect.clear();
    if let Ok((frozen, _)) = freeze(scenario) {
        let mut typed = frozen.typed;
        typed.expect.clear();
        shrinker.offer(typed);
    }
    while shrinker.round() {}
    let (runs, violation) = (shrinker.runs, shrinker.violation.clone());
    let mut typed = shrinker.best;
    typed.about = format!("{}: {}", violation.law.name(), violation.law.text());
    let bare = Scenario::parse(&scenario.path, &typed.write(""))?;
    let text = typed.write(&comment(scenario, &bare, &violation));
    Ok(Some(Shrunk { scenario: Scenario::parse(&scenario.path, &text)?, violation, runs }))
}

/// What the scenario shows, and its ladder.
fn comment(original: &Scenario, small: &Scenario, violation: &Violation) -> String {
    let names = Names::of(small.spec());
    let before = leading_comment(&original.text);
    let mut text = if before.is_empty() { String::new() } else { before + "\n\n" };
    text += &in_words(violation, &names, "timewait run THIS");
    let mut simulator = Simulator::new(small.spec(), TraceLevel::On);
    while simulator.events() < LADDER && simulator.now() <= violation.time && simulator.step() {}
    let story = Story::read(simulator.records(), &names);
    let mut drawn = Vec::new();
    // Writing to memory does not fail.
    if ladder::write(&story, Show { host: None, width: 100 }, &mut drawn).is_ok() {
        text += "\n\n";
        text += &anstream::adapter::strip_str(&String::from_utf8_lossy(&drawn)).to_string();
    }
    text
}

/// Events that the ladder in a comment shows, at most.
const LADDER: u64 = 120;

/// The first violation, one without an excuse before others, or the first at this place.
fn first_violation(scenario: &Scenario, wanted: Option<&Place>) -> Option<Violation> {
    let rest = wanted.is_none_or(|place| place.law == Law::ComesToRest);
    let played = play(scenario, rest);
    let Some(wanted) = wanted else {
        let first = played.unexcused().cloned();
        return first.or_else(|| played.violations.into_iter().next());
    };
    played.violations.into_iter().find(|violation| place_in(scenario, violation) == *wanted)
}

fn place_in(scenario: &Scenario, violation: &Violation) -> Place {
    let simulator = Simulator::new(scenario.spec(), TraceLevel::Off);
    place(violation, &simulator)
}

impl Shrinker<'_> {
    /// Takes a scenario as the best if it breaks the same thing.
    fn offer(&mut self, typed: file::Scenario) -> bool {
        if typed == self.best || self.runs >= self.most {
            return false;
        }
        self.runs += 1;
        let Ok(scenario) = Scenario::parse(self.path, &typed.write("")) else { return false };
        let Some(violation) = first_violation(&scenario, Some(&self.place)) else { return false };
        (self.best, self.violation) = (typed, violation);
        (self.told)(self.runs, scenario.text.len());
        true
    }
    /// Offers the best with this change.
    fn edit(&mut self, change: impl FnOnce(&mut file::Scenario)) -> bool {
        let mut typed = self.best.clone();
        change(&mut typed);
        self.offer(typed)
    }
    /// Takes away from a list what is not needed: halves, quarters, ..., each item.
    fn thin<T>(&mut self, list: impl Fn(&mut file::Scenario) -> Option<&mut Vec<T>>) -> bool {
        let mut progress = false;
        let len = |best: &mut file::Scenario| list(best).map_or(0, |list| list.len());
        let mut size = len(&mut self.best);
        while size > 0 {
            let mut at = 0;
            while at < len(&mut self.best) {
                let gone = self.edit(|typed| {
                    if let Some(list) = list(typed) {
                        list.drain(at..(at + size).min(list.len()));
                    }
                });
                progress |= gone;
                at += if gone { 0 } else { size };
            }
            size /= 2;
        }
        progress
    }

    /// Tries everything once. Whether anything became smaller.
    fn round(&mut self) -> bool {
        let parts = [Self::lists, Self::links, Self::programs, Self::hosts, Self::rules, Self::times];
        parts.iter().fold(false, |progress, part| part(self) | progress)
    }

    fn lists(&mut self) -> bool {
        let mut progress = self.thin(|typed| Some(&mut typed.faults));
        progress |= self.thin(|typed| Some(&mut typed.rules));
        progress | self.thin(|typed| Some(&mut typed.programs))
    }

    fn links(&mut self) -> bool {
        let mut progress = false;
        for i in 0..self.best.links.len() {
            progress |= self.thin(move |typed| typed.links.get_mut(i).map(|link| &mut link.lose));
            progress |= self.thin(move |typed| typed.links.get_mut(i).map(|link| &mut link.copy));
            progress |= self.thin(move |typed| typed.links.get_mut(i).map(|link| &mut link.flip));
            progress |= self.thin(move |typed| typed.links.get_mut(i).map(|link| &mut link.shift));
            progress |= self.thin(move |typed| typed.links.get_mut(i).map(|link| &mut link.overtake));
            progress |= self.thin(move |typed| back(typed, i).map(|way| &mut way.lose));
            progress |= self.thin(move |typed| back(typed, i).map(|way| &mut way.copy));
            progress |= self.thin(move |typed| back(typed, i).map(|way| &mut way.flip));
            progress |= self.thin(move |typed| back(typed, i).map(|way| &mut way.shift));
            progress |= self.thin(move |typed| back(typed, i).map(|way| &mut way.overtake));
            progress |= self.edit(|typed| typed.links[i].back = None);
            progress |= self.edit(|typed| typed.links[i].rate = None);
            progress |= self.edit(|typed| typed.links[i].limit = None);
            progress |= self.edit(|typed| typed.links[i].mtu = None);
            progress |= self.edit(|typed| typed.links[i].jitter_reorders = None);
            progress |= self.edit(|typed| typed.links[i].reorder_delay = None);
            progress |= self.edit(|typed| typed.links[i].duplicate_delay = None);
            for millis in [10, 100, 1] {
                let round = Some(Span(millis * 1_000_000));
                let delay = self.best.links[i].delay;
                if [10, 100, 1].map(|n| Some(Span(n * 1_000_000))).contains(&delay) {
                    break;
                }
                progress |= self.edit(|typed| typed.links[i].delay = round);
            }
        }
        progress
    }

    /// Hosts that are not needed, routers on the way, knobs.
    fn hosts(&mut self) -> bool {
        let mut progress = false;
        for router in self.best.routers.keys().cloned().collect::<Vec<_>>() {
            progress |= self.edit(|typed| without_router(typed, &router));
        }
        for host in self.best.hosts.keys().cloned().collect::<Vec<_>>() {
            progress |= self.edit(|typed| {
                typed.hosts.remove(&host);
                typed.links.retain(|link| link.between.0 != host && link.between.1 != host);
            });
            progress |= self.edit(|typed| {
                typed.hosts.get_mut(&host).into_iter().for_each(|host| host.tcp = None);
            });
            progress |= self.edit(|typed| {
                typed.hosts.get_mut(&host).into_iter().for_each(|host| host.addr.0.clear());
            });
            let knobs = file::tcp::Tcp::KNOBS;
            for knob in 0..knobs {
                progress |= self.edit(|typed| {
                    let tcp = typed.hosts.get_mut(&host).and_then(|host| host.tcp.as_mut());
                    tcp.into_iter().for_each(|tcp| tcp.unset(knob));
                });
            }
        }
        progress
    }

    fn programs(&mut self) -> bool {
        let mut progress = false;
        for i in 0..self.best.programs.len() {
            progress |= self.thin(move |typed| typed.programs.get_mut(i).and_then(steps));
            let count = self.best.programs.get_mut(i).and_then(steps).map_or(0, |steps| steps.len());
            for step in 0..count {
                for smaller in
                    smaller_steps(self.best.programs.get_mut(i).and_then(steps).and_then(|s| s.get(step)))
                {
                    progress |= self.edit(|typed| {
                        if let Some(place) =
                            typed.programs.get_mut(i).and_then(steps).and_then(|s| s.get_mut(step))
                        {
                            *place = smaller;
                        }
                    });
                }
            }
            progress |= self.edit(|typed| {
                if let Run::Clients(clients) = &mut typed.programs[i].run {
                    clients.count = 1;
                }
            });
            progress |= self.edit(|typed| {
                if let Run::Clients(clients) = &mut typed.programs[i].run {
                    clients.count /= 2;
                }
            });
        }
        progress
    }

    fn rules(&mut self) -> bool {
        let mut progress = false;
        for i in 0..self.best.rules.len() {
            progress |= self.edit(|typed| typed.rules[i].time = None);
            progress |= self.edit(|typed| typed.rules[i].nth = None);
            progress |= self.edit(|typed| typed.rules[i].without = None);
            progress |= self.edit(|typed| typed.rules[i].len = None);
            progress |= self.edit(|typed| {
                if let Some(file::Nth::Listed(numbers)) = &mut typed.rules[i].nth {
                    numbers.truncate(1);
                }
            });
            progress |= self.edit(|typed| {
                if let Some(file::Nth::Listed(numbers)) = &mut typed.rules[i].nth {
                    numbers.drain(..numbers.len().saturating_sub(1));
                }
            });
            progress |= self.edit(|typed| typed.rules[i].r#do = file::Action::Drop);
        }
        progress
    }

    /// Seed, end, and times of faults and programs: rounder.
    fn times(&mut self) -> bool {
        let mut progress = self.edit(|typed| typed.seed = None);
        if self.place.law != Law::ComesToRest {
            let seconds = self.violation.time.as_nanos() / 1_000_000_000 + 1;
            let until = Some(Span(seconds * 1_000_000_000));
            if self.best.until.is_none_or(|now| Some(now) > until) {
                progress |= self.edit(|typed| typed.until = until);
            }
        }
        for i in 0..self.best.faults.len() {
            for unit in [1_000_000_000, 100_000_000, 10_000_000] {
                let at = self.best.faults[i].at.0;
                if at.is_multiple_of(unit) {
                    break;
                }
                progress |= self.edit(|typed| typed.faults[i].at = Span(at.div_ceil(unit) * unit));
            }
        }
        progress
    }
}

fn back(typed: &mut file::Scenario, i: usize) -> Option<&mut Way> {
    typed.links.get_mut(i).and_then(|link| link.back.as_mut())
}

/// A router between two links goes, and they become one.
fn without_router(typed: &mut file::Scenario, router: &str) {
    let at: Vec<usize> = (0..typed.links.len())
        .filter(|i| typed.links[*i].between.0 == router || typed.links[*i].between.1 == router)
        .collect();
    typed.routers.remove(router);
    if let [first, second] = at[..] {
        let far = |link: &file::Link| {
            if link.between.0 == router { link.between.1.clone() } else { link.between.0.clone() }
        };
        let other = typed.links.remove(second);
        let ends = (far(&typed.links[first]), far(&other));
        typed.links[first].between = ends;
    }
}

/// The steps of a program, if it has some.
fn steps(program: &mut Program) -> Option<&mut Vec<Step>> {
    match &mut program.run {
        Run::Server(server) => Some(&mut server.steps),
        Run::Client(client) => Some(&mut client.steps),
        Run::Clients(clients) => Some(&mut clients.steps),
        Run::Script(steps) => Some(steps),
        _ => None,
    }
}

/// Smaller forms of a step, the smallest first.
fn smaller_steps(step: Option<&Step>) -> Vec<Step> {
    match step {
        Some(Step::SendBytes { len, chunk, every }) => {
            let mut sizes = vec![1, 10, 100, 1_000, 10_000];
            sizes.push(len.0 / 2);
            sizes.retain(|size| *size < len.0 && *size > 0);
            let mut forms: Vec<Step> = Vec::new();
            if chunk.is_some() || every.is_some() {
                forms.push(Step::SendBytes { len: *len, chunk: None, every: None });
            }
            forms.extend(sizes.into_iter().map(|size| Step::SendBytes {
                len: Size(size),
                chunk: *chunk,
                every: *every,
            }));
            forms
        }
        Some(Step::Sleep(span)) => [1_000_000_000, 100_000_000]
            .into_iter()
            .filter(|unit| span.0 % unit != 0)
            .map(|unit| Step::Sleep(Span(span.0.div_ceil(unit) * unit)))
            .collect(),
        Some(Step::Try(inner)) if inner.len() == 1 => inner.clone(),
        _ => Vec::new(),
    }
}
