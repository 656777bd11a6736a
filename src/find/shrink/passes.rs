//! What is tried to make a scenario smaller.

use sim::check::Law;

use super::{Kept, Shrinker, text};
use crate::scenario::file::{self, FaultKind, Program, Run, Step};
use crate::scenario::units::{Size, Span};

/// Tries to do without what lists of packets name, of a link or of its way back.
macro_rules! thin_each {
    ($shrinker:ident, $typed:ident => $of:expr) => {
        thin_each!($shrinker, $typed => $of, lose copy flip shift overtake drop_early mark)
    };
    ($shrinker:ident, $typed:ident => $of:expr, $($list:ident)+) => {
        // Each is tried, whatever came of the one before.
        [$($shrinker.thin(move |$typed| $of.map(|of| &mut of.$list))),+].contains(&true)
    };
}

impl Shrinker<'_> {
    /// Tries everything once. Whether anything became smaller.
    pub(super) fn round(&mut self) -> bool {
        let parts = [Self::lists, Self::links, Self::programs, Self::hosts, Self::rules, Self::times];
        let progress = parts.iter().fold(false, |progress, part| part(self) | progress);
        // Most of what a text has is gone by now.
        progress || self.elements()
    }
    /// What makes it no smaller, but easier to read; at the very end.
    pub(super) fn finish(&mut self) {
        while self.rounder() {}
        self.edit(|typed| typed.until = None);
        let names = self.names();
        let new = text::with_names(&self.best.write(""), &names);
        self.offer_as(&new, self.kept.with_names(&names));
    }

    /// Whatever stands in the text may be too much. (But the end of the run, which keeps runs short until all is done.)
    fn elements(&mut self) -> bool {
        let (mut progress, mut at) = (false, 0);
        // Behind what was needed comes what is smaller; and what was needed stays so in this round.
        while let Some(less) = text::with_less(&self.best.write("")).get(at) {
            let ends = self.best.until.is_none() || less.contains("until:");
            let gone = ends && self.offer_as(less, self.kept.clone());
            progress |= gone;
            at += usize::from(!gone);
        }
        progress
    }
    /// One number that is not as round as it could be.
    fn rounder(&mut self) -> bool {
        let texts = text::with_rounder(&self.best.write(""));
        texts.iter().any(|text| self.offer_as(text, self.kept.clone()))
    }
    /// Names that say what hosts do, where a name says nothing.
    fn names(&self) -> Vec<(String, String)> {
        let mut names: Vec<(String, String)> = Vec::new();
        for host in self.best.hosts.keys().filter(|name| name.len() <= 2) {
            let mut runs = self.best.programs.iter().filter(|program| program.on == **host);
            let serves = runs.clone().any(|program| {
                matches!(program.run, Run::Server(_) | Run::EchoServer(_) | Run::ChatServer(_) | Run::Sink(_))
            });
            let forges = |fault: &file::Fault| match &fault.r#do {
                FaultKind::Inject { on, .. } | FaultKind::InjectIcmp { on, .. } => on == host,
                _ => false,
            };
            let role = match (serves, runs.next().is_some()) {
                (true, _) => "server",
                (false, true) => "client",
                (false, false) if self.best.faults.iter().any(forges) => "attacker",
                (false, false) => "other",
            };
            let taken = names.iter().any(|(_, name)| name == role) || self.best.hosts.contains_key(role);
            names.push((host.clone(), if taken { host.clone() } else { role.to_owned() }));
        }
        let routers = self.best.routers.keys().map(|name| (name.clone(), name.clone()));
        names.into_iter().chain(routers).collect()
    }

    fn lists(&mut self) -> bool {
        let mut progress = self.thin(|typed| Some(&mut typed.faults));
        progress |= self.thin(|typed| Some(&mut typed.rules));
        progress | self.thin(|typed| Some(&mut typed.programs))
    }

    fn links(&mut self) -> bool {
        let mut progress = false;
        for i in 0..self.best.links.len() {
            progress |= thin_each!(self, typed => typed.links.get_mut(i));
            progress |= thin_each!(self, typed => typed.links.get_mut(i).and_then(|link| link.back.as_mut()));
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
                if delay.is_none() || [10, 100, 1].map(|n| Some(Span(n * 1_000_000))).contains(&delay) {
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
            // The link that is left is one of the two, as quick as it was or as both were.
            for (kept, both) in [(0, false), (1, false), (0, true), (1, true)] {
                progress |= self.edit(|typed| without_router(typed, &router, kept, both));
            }
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
        let rest = matches!(&self.kept, Kept::Place(place) if place.law == Law::ComesToRest);
        if let Some(time) = self.shows.time().filter(|_| !rest) {
            let seconds = time.as_nanos() / 1_000_000_000 + 1;
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

/// A router between two links goes, and of these stays the one of this number, which takes as long as both if asked to.
fn without_router(typed: &mut file::Scenario, router: &str, kept: usize, both: bool) {
    let at: Vec<usize> = (0..typed.links.len())
        .filter(|i| typed.links[*i].between.0 == router || typed.links[*i].between.1 == router)
        .collect();
    typed.routers.remove(router);
    let [first, second] = at[..] else { return };
    let mut links = [typed.links[first].clone(), typed.links[second].clone()];
    let far = |link: &file::Link| {
        if link.between.0 == router { link.between.1.clone() } else { link.between.0.clone() }
    };
    let ends = (far(&links[0]), far(&links[1]));
    let delays = links.each_ref().map(|link| link.delay.map_or(0, |delay| delay.0));
    let link = &mut links[kept];
    link.between = ends;
    if both {
        link.delay = Some(Span(delays[0].saturating_add(delays[1])));
    }
    typed.links[first] = link.clone();
    typed.links.remove(second);
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
