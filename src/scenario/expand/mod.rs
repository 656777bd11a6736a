//! From the short forms of a file to one with a line for each thing: templates of networks, and names with a range in them
//! (`c[1-100]`).
//!
//! What is made of a short form knows where that stands, so that a complaint about host 17 of a hundred points at the line
//! of all hundred.

mod ranges;
mod topology;

use std::collections::BTreeMap;

use super::file::{Link, Program, Scenario};
use super::locate::Seg;
use super::resolve::Complaint;
use ranges::Range;

/// Hosts, routers, links and programs together, at most.
const MOST: usize = 200_000;

/// A scenario without short forms.
pub struct Expanded {
    /// It.
    pub file: Scenario,
    origins: Origins,
}

/// Where the short forms stand that things were made of; a thing that is not here stands where it is.
#[derive(Default)]
struct Origins {
    hosts: BTreeMap<String, Vec<Seg>>,
    routers: BTreeMap<String, Vec<Seg>>,
    links: Vec<Vec<Seg>>,
    programs: Vec<Vec<Seg>>,
}

impl Expanded {
    /// A path in the expanded file as one in the file that was typed.
    pub fn origin(&self, path: Vec<Seg>) -> Vec<Seg> {
        let place = match path.as_slice() {
            [Seg::Name(list), Seg::Name(name), ..] if list == "hosts" => self.origins.hosts.get(name),
            [Seg::Name(list), Seg::Name(name), ..] if list == "routers" => self.origins.routers.get(name),
            [Seg::Name(list), Seg::Index(i), ..] if list == "links" => self.origins.links.get(*i),
            [Seg::Name(list), Seg::Index(i), ..] if list == "programs" => self.origins.programs.get(*i),
            _ => None,
        };
        match place {
            Some(place) => place.iter().chain(&path[2..]).cloned().collect(),
            None => path,
        }
    }
}

/// The names that a name stands for, which may have a range in it.
///
/// # Errors
/// What is wrong with the range.
pub fn range_names(text: &str) -> Result<Vec<String>, String> {
    match Range::of(text)? {
        None => Ok(vec![text.to_owned()]),
        Some(range) if range.len() > MOST as u64 => Err(format!("`{text}` has too many in it")),
        Some(range) => Ok(range.names().collect()),
    }
}

fn name(text: &str) -> Seg {
    Seg::Name(text.to_owned())
}

/// The same scenario without short forms.
///
/// # Errors
/// What is wrong with a short form.
pub fn expand(typed: &Scenario) -> Result<Expanded, Vec<Complaint>> {
    let mut expander = Expander {
        out: Scenario {
            topology: None,
            hosts: Default::default(),
            routers: Default::default(),
            links: Vec::new(),
            programs: Vec::new(),
            ..typed.clone()
        },
        origins: Origins::default(),
        complaints: Vec::new(),
    };
    expander.nodes(typed);
    if let Some(topology) = &typed.topology {
        expander.topology(topology, typed);
    }
    expander.links(typed);
    expander.programs(typed);
    let Expander { out, origins, complaints } = expander;
    if complaints.is_empty() { Ok(Expanded { file: out, origins }) } else { Err(complaints) }
}

struct Expander {
    out: Scenario,
    origins: Origins,
    complaints: Vec<Complaint>,
}

impl Expander {
    fn wrong(&mut self, path: Vec<Seg>, message: String, label: &str, help: Option<&str>) {
        let (label, help) = (label.to_owned(), help.map(str::to_owned));
        self.complaints.push(Complaint { path, message, label, help });
    }

    /// Whether there is room for so many more.
    fn fits(&mut self, path: &[Seg], more: u64) -> bool {
        let out = &self.out;
        let now = out.hosts.len() + out.routers.len() + out.links.len() + out.programs.len();
        let fits = more.saturating_add(now as u64) <= MOST as u64;
        if !fits {
            let message = format!("{more} more would be too many");
            let help = format!("hosts, routers, links and programs: {MOST} together at most");
            self.wrong(path.to_vec(), message, "too many", Some(&help));
        }
        fits
    }

    /// The names that a name with a range in it stands for.
    fn names(&mut self, path: &[Seg], text: &str) -> Vec<String> {
        match Range::of(text) {
            Ok(None) => vec![text.to_owned()],
            Ok(Some(range)) if self.fits(path, range.len()) => range.names().collect(),
            Ok(Some(_)) => Vec::new(),
            Err(complaint) => {
                self.wrong(path.to_vec(), complaint, "not a range", Some("as in `c[1-100]`"));
                Vec::new()
            }
        }
    }

    fn nodes(&mut self, typed: &Scenario) {
        for (key, host) in typed.hosts.iter() {
            let place = vec![name("hosts"), name(key)];
            for (i, one) in self.names(&place, key).into_iter().enumerate() {
                let mut host = host.clone();
                for address in &mut host.addr.0 {
                    match ranges::nth_address(address.0, i as u64) {
                        Some(nth) => address.0 = nth,
                        None => self.wrong(
                            [place.clone(), vec![name("addr")]].concat(),
                            format!("there are not {} addresses from {address} on", i + 1),
                            "too high",
                            None,
                        ),
                    }
                }
                if one != *key {
                    self.origins.hosts.insert(one.clone(), place.clone());
                }
                if self.out.hosts.insert(one.clone(), host).is_some() {
                    self.wrong(
                        place.clone(),
                        format!("two hosts are named `{one}`"),
                        "this name is taken",
                        None,
                    );
                }
            }
        }
        for (key, router) in typed.routers.iter() {
            let place = vec![name("routers"), name(key)];
            for (i, one) in self.names(&place, key).into_iter().enumerate() {
                let mut router = router.clone();
                if let Some(address) = &mut router.addr {
                    address.0 = ranges::nth_address(address.0, i as u64).unwrap_or(address.0);
                }
                if one != *key {
                    self.origins.routers.insert(one.clone(), place.clone());
                }
                if self.out.routers.insert(one.clone(), router).is_some() {
                    let message = format!("two routers are named `{one}`");
                    self.wrong(place.clone(), message, "this name is taken", None);
                }
            }
        }
    }

    fn links(&mut self, typed: &Scenario) {
        for (i, link) in typed.links.iter().enumerate() {
            let place = vec![name("links"), Seg::Index(i)];
            let at = |rest: &[Seg]| [place.as_slice(), rest].concat();
            let ends = [
                self.names(&at(&[name("between"), Seg::Index(0)]), &link.between.0),
                self.names(&at(&[name("between"), Seg::Index(1)]), &link.between.1),
            ];
            let count = ends[0].len().max(ends[1].len());
            if ends.iter().any(|names| names.len() != count && names.len() != 1) {
                let message = format!("{} ends on one side, {} on the other", ends[0].len(), ends[1].len());
                let help = "as many on both sides, or one on one of them";
                self.wrong(at(&[name("between")]), message, "these do not pair", Some(help));
                continue;
            }
            let own = link.name.as_ref().map(|text| self.names(&at(&[name("name")]), text));
            if let Some(own) = own.as_ref().filter(|own| own.len() != count) {
                let message = format!("{} names for {count} links", own.len());
                self.wrong(
                    at(&[name("name")]),
                    message,
                    "a name for each is needed",
                    Some("as in `up[1-10]`"),
                );
                continue;
            }
            for n in 0..count {
                let end = |names: &[String]| names[if names.len() == 1 { 0 } else { n }].clone();
                let between = (end(&ends[0]), end(&ends[1]));
                let name = own.as_ref().map(|own| own[n].clone());
                self.link(Link { between, name, ..link.clone() }, place.clone());
            }
        }
    }
    fn link(&mut self, link: Link, origin: Vec<Seg>) {
        self.out.links.push(link);
        self.origins.links.push(origin);
    }

    fn programs(&mut self, typed: &Scenario) {
        for (i, program) in typed.programs.iter().enumerate() {
            let place = vec![name("programs"), Seg::Index(i)];
            let on = self.names(&[place.clone(), vec![name("on")]].concat(), &program.on);
            let at = [place.clone(), vec![name("name")]].concat();
            let own = program.name.as_ref().map(|text| self.names(&at, text));
            if let Some(own) = own.as_ref().filter(|own| own.len() != on.len()) {
                let message = format!("{} names for {} programs", own.len(), on.len());
                self.wrong(at, message, "a name for each is needed", Some("as in `p[1-10]`"));
                continue;
            }
            for (n, on) in on.into_iter().enumerate() {
                let name = own.as_ref().map(|own| own[n].clone());
                self.out.programs.push(Program { on, name, ..program.clone() });
                self.origins.programs.push(place.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
