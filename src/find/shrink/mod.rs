//! A scenario made small: what it shows, it still shows, with as little as possible.
//!
//! Delta debugging over what a scenario is typed as: first the run is frozen, then faults, rules, fates, programs, steps,
//! hosts, knobs and link parameters are taken away, whatever else stands in the text, and sizes and times are made round.
//! An edit stays if the run breaks the same law at the same host, or the same relation between runs.

mod ends;
mod passes;
mod text;

use crate::find::freeze::freeze;
use crate::find::fuzz::{caught, play, play_until};
use crate::find::judge;
use crate::find::relation::{Parting, Relation};
use crate::find::verdict::{Place, in_words, place};
use crate::scenario::Scenario;
use crate::scenario::file;
use crate::view::{Show, Story, ladder};
use crate::{Names, scenario::Diagnostics};

use ends::Ends;
use sim::check::{Law, Violation};
use sim::{Simulator, TraceLevel};
use tcp::Time;

/// What came of shrinking.
pub struct Shrunk {
    /// The small scenario, with a comment that says what it shows and how to see it again, once it lies somewhere: [`text`](Self::text).
    pub scenario: Scenario,
    /// What it shows.
    pub shows: Shows,
    /// Runs that it took.
    pub runs: u64,
}

/// What is wrong with a scenario.
#[derive(Clone, Debug)]
pub enum Shows {
    /// It breaks a law.
    Broken(Violation),
    /// Runs that should be the same are not.
    Parts(Parting),
}

/// What must stay wrong.
#[derive(Clone, Debug, PartialEq)]
enum Kept {
    Place(Place),
    /// A relation, and the way in which its runs part.
    Relation(Relation, String),
}

/// Makes scenarios smaller for as long as they show the same thing.
struct Shrinker<'a> {
    kept: Kept,
    path: &'a str,
    best: file::Scenario,
    shows: Shows,
    /// Events that a run may take to show it: less of a text need not be less of a run.
    events: u64,
    /// Of what does not come to rest: its faults end, and still do when it is small.
    ends: Option<Ends>,
    runs: u64,
    most: u64,
    told: &'a mut dyn FnMut(u64, usize),
}

/// Makes `scenario` small, in at most `most` runs. What it shows is `relation` broken; if none is named, the first law that it
/// breaks, or else the first broken relation of those that hold of any scenario (that personalities do the same does not).
/// `told` hears of runs so far and of the size of the best, in characters. `None`: it breaks nothing.
///
/// # Errors
/// If what was written cannot be read again.
pub fn shrink(
    scenario: &Scenario,
    relation: Option<Relation>,
    most: u64,
    told: &mut dyn FnMut(u64, usize),
) -> Result<Option<Shrunk>, Diagnostics> {
    let shows = match relation {
        Some(relation) => relation.parting(scenario).map(Shows::Parts),
        None => first_violation(scenario)
            .map(Shows::Broken)
            .or_else(|| unnoticed().find_map(|relation| relation.parting(scenario)).map(Shows::Parts)),
    };
    shows.map(|shows| shrink_to(scenario, shows, most, told)).transpose()
}

/// Relations that hold of any scenario.
fn unnoticed() -> impl Iterator<Item = Relation> {
    Relation::all().filter(|relation| *relation != Relation::Personalities)
}

/// The same of a scenario that breaks this law at this host, if it does.
///
/// # Errors
/// The same.
pub fn shrink_at(
    scenario: &Scenario,
    place: &Place,
    most: u64,
    told: &mut dyn FnMut(u64, usize),
) -> Result<Option<Shrunk>, Diagnostics> {
    let shows = Kept::Place(place.clone()).shown_by(scenario);
    shows.map(|shows| shrink_to(scenario, shows, most, told)).transpose()
}

/// Makes `scenario` small, which shows this.
fn shrink_to(
    scenario: &Scenario,
    shows: Shows,
    most: u64,
    told: &mut dyn FnMut(u64, usize),
) -> Result<Shrunk, Diagnostics> {
    let kept = match &shows {
        Shows::Broken(violation) => Kept::Place(place_in(scenario, violation)),
        Shows::Parts(parting) => Kept::Relation(parting.relation, parting.kind.clone()),
    };
    let best = scenario.typed.clone();
    let events = shows.event().unwrap_or(u64::MAX);
    let rests = matches!(&kept, Kept::Place(place) if place.law == Law::ComesToRest);
    let ends = rests.then(|| Ends::of(scenario));
    let mut shrinker =
        Shrinker { kept, path: &scenario.path, best, shows, events, ends, runs: 1, most, told };
    shrinker.best.expect.clear();
    shrinker.best.about.clear();
    if let Ok(Ok((frozen, _))) = caught(|| freeze(scenario)) {
        let mut typed = frozen.typed;
        typed.expect.clear();
        typed.about.clear();
        shrinker.offer(typed);
    }
    while shrinker.round() {}
    shrinker.finish();
    let Shrinker { runs, shows, best: mut typed, .. } = shrinker;
    typed.about = shows.about();
    if let Shows::Broken(violation) = &shows {
        judge::ask_for(&mut typed, violation.law);
    }
    let bare = Scenario::parse(&scenario.path, &typed.write(""))?;
    let text = typed.write(&comment(&bare, &shows, &shows.again("THIS")));
    Ok(Shrunk { scenario: Scenario::parse(&scenario.path, &text)?, shows, runs })
}

impl Shrunk {
    /// The text of the small scenario with this command in its comment.
    pub fn text(&self, again: &str) -> String {
        self.scenario.typed.write(&comment(&self.scenario, &self.shows, again))
    }
}

impl Shows {
    fn about(&self) -> String {
        match self {
            Shows::Broken(violation) => format!("{}: {}", violation.law.name(), violation.law.text()),
            Shows::Parts(Parting { relation, .. }) => format!("{}: {}", relation.name(), relation.text()),
        }
    }
    fn time(&self) -> Option<Time> {
        match self {
            Shows::Broken(violation) => Some(violation.time),
            Shows::Parts(parting) => parting.time,
        }
    }
    /// Events until it shows, if that is known.
    fn event(&self) -> Option<u64> {
        match self {
            Shows::Broken(violation) => Some(violation.event).filter(|event| *event > 0),
            Shows::Parts(_) => None,
        }
    }
    /// The command that shows it of this file.
    pub fn again(&self, file: &str) -> String {
        match self {
            Shows::Broken(_) => judge::command(file),
            Shows::Parts(parting) => {
                format!("timewait shrink {} --relation {}", judge::quoted(file), parting.relation.name())
            }
        }
    }
    /// In some lines.
    fn in_words(&self, names: &Names, again: &str) -> String {
        match self {
            Shows::Broken(violation) => {
                let excuse =
                    violation.excuse.map_or(String::new(), |excuse| format!("\n  not counted: {excuse}"));
                in_words(violation, names, again) + &excuse
            }
            Shows::Parts(Parting { words, .. }) => format!("{words}\n  again: {again}"),
        }
    }
}

/// What the scenario shows, and its ladder.
fn comment(small: &Scenario, shows: &Shows, again: &str) -> String {
    let names = Names::of(small.spec());
    let mut text = shows.in_words(&names, again);
    // Of a panic nobody knows when it was: the ladder goes up to it.
    let panics = matches!(shows, Shows::Broken(violation) if violation.law == Law::NoPanic);
    let until = shows.time().filter(|_| !panics).unwrap_or(Time::NEVER);
    let mut simulator = Simulator::new(small.spec(), TraceLevel::On);
    let steps =
        caught(|| while simulator.events() < LADDER && simulator.now() <= until && simulator.step() {});
    debug_assert!(steps.is_ok() || panics, "{steps:?}");
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

/// The first violation, one without an excuse before others.
fn first_violation(scenario: &Scenario) -> Option<Violation> {
    let played = play(scenario, true);
    let first = played.unexcused().cloned();
    first.or_else(|| played.violations.into_iter().next())
}

fn place_in(scenario: &Scenario, violation: &Violation) -> Place {
    let simulator = Simulator::new(scenario.spec(), TraceLevel::Off);
    place(violation, &simulator)
}

impl Kept {
    /// How a scenario shows it; `None`: it does not.
    fn shown_by(&self, scenario: &Scenario) -> Option<Shows> {
        match self {
            Kept::Relation(relation, kind) => {
                relation.parting(scenario).filter(|parting| parting.kind == *kind).map(Shows::Parts)
            }
            Kept::Place(wanted) => {
                // A storm goes on and on: where it is known what was looked for, the rest of a run says nothing new.
                let shows = |simulator: &Simulator| {
                    simulator.violations().iter().any(|violation| place(violation, simulator) == *wanted)
                };
                let played = if wanted.law == Law::ComesToRest {
                    play(scenario, true)
                } else {
                    play_until(scenario, &shows)
                };
                let mut violations = played.violations.into_iter();
                violations.find(|violation| place_in(scenario, violation) == *wanted).map(Shows::Broken)
            }
        }
    }
    /// The same of hosts by other names.
    fn with_names(&self, names: &[(String, String)]) -> Kept {
        let mut kept = self.clone();
        if let Kept::Place(place) = &mut kept
            && let Some((_, new)) = names.iter().find(|(old, _)| *old == place.node)
        {
            place.node.clone_from(new);
        }
        kept
    }
}

impl Shrinker<'_> {
    /// Takes a scenario as the best if it shows the same thing.
    fn offer(&mut self, typed: file::Scenario) -> bool {
        let text = typed.write("");
        self.offer_as(&text, self.kept.clone())
    }
    /// The same of a text, which need not be a scenario. What it shows is called `kept`.
    fn offer_as(&mut self, text: &str, kept: Kept) -> bool {
        if self.runs >= self.most {
            return false;
        }
        let Ok(scenario) = Scenario::parse(self.path, text) else { return false };
        if scenario.typed == self.best {
            return false;
        }
        if self.ends.as_ref().is_some_and(|ends| !ends.as_many(&scenario)) {
            return false;
        }
        self.runs += 1;
        let Some(shows) = kept.shown_by(&scenario) else { return false };
        if shows.event().is_some_and(|event| event > self.events) {
            return false;
        }
        if self.ends.as_ref().is_some_and(|ends| !ends.as_long(&scenario)) {
            return false;
        }
        self.ends.iter_mut().for_each(|ends| ends.becomes(&scenario));
        (self.best, self.shows, self.kept) = (scenario.typed, shows, kept);
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
}
