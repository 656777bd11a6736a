//! From what was typed to what is run: names looked up, bounds checked, defaults filled in, sugar expanded.
//!
//! All that is wrong is collected, each complaint with the path of the value that it is about; see
//! [`locate`](super::locate) for how a path becomes a place in the file.

mod expect;
mod faults;
mod links;
mod nodes;
mod populations;
mod programs;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use sim::Spec;
use tcp::Time;

use super::error::suggest;
use super::expand::expand;
use super::file::Scenario;
use super::locate::{Seg, show};
use super::units::{Endpoint, Span};

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Where the value stands: `links.0.between.1`.
    pub path: Vec<Seg>,
    /// What is wrong.
    pub message: String,
    /// In a few words, to stand under the value.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// When a run ends at the latest if the file does not say.
pub const LONGEST_DEFAULT: Span = Span(86_400_000_000_000);
/// The longest run: ten years.
const LONGEST: Span = Span(3650 * LONGEST_DEFAULT.0);

/// The path of the value that is looked at: a list that grows on the stack.
#[derive(Clone, Copy)]
struct At<'a> {
    parent: Option<&'a At<'a>>,
    seg: Step<'a>,
}
#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}
impl<'a> At<'a> {
    fn root(name: &'a str) -> At<'a> {
        At { parent: None, seg: Step::Name(name) }
    }
    fn field(&'a self, name: &'a str) -> At<'a> {
        At { parent: Some(self), seg: Step::Name(name) }
    }
    fn index(&'a self, i: usize) -> At<'a> {
        At { parent: Some(self), seg: Step::Index(i) }
    }
    fn path(&self) -> Vec<Seg> {
        let mut path = self.parent.map(At::path).unwrap_or_default();
        path.push(match self.seg {
            Step::Name(name) => Seg::Name(name.to_owned()),
            Step::Index(i) => Seg::Index(i),
        });
        path
    }
}

/// Names known so far, and what is wrong so far.
struct Resolver<'a> {
    file: &'a Scenario,
    complaints: Vec<Complaint>,
    /// Addresses of hosts and routers; the first is the one that others connect to.
    addresses: BTreeMap<&'a str, Vec<IpAddr>>,
    /// Names of links, with their number in the file.
    links: BTreeMap<String, usize>,
    /// Names of programs.
    programs: BTreeSet<String>,
    /// Which part of the network a node lies in: those with the same number can reach each other.
    parts: BTreeMap<&'a str, usize>,
    /// Whether nothing was wrong up to the links: else who can reach whom is not known.
    links_are_right: bool,
}

/// The scenario as it is run.
///
/// # Errors
/// Everything that is wrong with what the values mean.
pub fn resolve(file: &Scenario) -> Result<Spec, Vec<Complaint>> {
    let expanded = expand(file)?;
    let mut resolver = Resolver {
        file: &expanded.file,
        complaints: Vec::new(),
        addresses: BTreeMap::new(),
        links: BTreeMap::new(),
        programs: BTreeSet::new(),
        parts: BTreeMap::new(),
        links_are_right: true,
    };
    let spec = resolver.spec();
    if resolver.complaints.is_empty() {
        return Ok(spec);
    }
    let typed = |complaint: Complaint| Complaint { path: expanded.origin(complaint.path), ..complaint };
    let mut complaints: Vec<Complaint> =
        std::mem::take(&mut resolver.complaints).into_iter().map(typed).collect();
    // Of a hundred links in one line each may have the same mistake.
    let mut seen = BTreeSet::new();
    complaints.retain(|complaint| seen.insert((show(&complaint.path), complaint.label.clone())));
    Err(complaints)
}

impl<'a> Resolver<'a> {
    fn spec(&mut self) -> Spec {
        self.assign_addresses();
        let nodes = self.nodes();
        let links = self.all_links();
        self.links_are_right = self.complaints.is_empty();
        self.find_parts();
        self.check_routes();
        let mut programs = self.all_programs();
        programs.extend(self.populations());
        let rules = self.rules();
        let faults = self.faults();
        self.check_expectations();
        self.check_laws();
        let until = self.file.until.unwrap_or(LONGEST_DEFAULT);
        if until > LONGEST {
            self.wrong(&At::root("until"), format!("a run of {until} is too long"), "more than 3650d", None);
        }
        Spec { seed: self.file.seed.unwrap_or(1), until: until.time(), nodes, links, programs, faults, rules }
    }

    /// What is broken on purpose are laws.
    fn check_laws(&mut self) {
        let laws = || sim::check::Law::ALL.iter().map(|law| law.name());
        let file = self.file;
        for (i, name) in file.check.iter().flat_map(|check| &check.breaks).enumerate() {
            if !laws().any(|law| law == name) {
                let at = At::root("check");
                let at = at.field("breaks");
                let help = suggest(name, laws(), "laws");
                self.wrong(&at.index(i), format!("no law is named `{name}`"), "no such law", help);
            }
        }
    }

    fn wrong(&mut self, at: &At<'_>, message: impl Into<String>, label: &str, help: Option<String>) {
        let complaint = Complaint { path: at.path(), message: message.into(), label: label.to_owned(), help };
        self.complaints.push(complaint);
    }

    /// Complains unless a host has this name.
    fn host(&mut self, at: &At<'_>, name: &str) -> bool {
        let file = self.file;
        if file.hosts.contains_key(name) {
            return true;
        }
        let hosts = file.hosts.keys().map(String::as_str);
        if file.routers.contains_key(name) {
            let help = suggest("", hosts, "hosts");
            self.wrong(at, format!("`{name}` is a router"), "a host is needed here", help);
        } else {
            self.wrong(
                at,
                format!("no host is named `{name}`"),
                "no such host",
                suggest(name, hosts, "hosts"),
            );
        }
        false
    }

    /// Complains unless a host or router has this name.
    fn node(&mut self, at: &At<'_>, name: &str) -> bool {
        let file = self.file;
        if file.hosts.contains_key(name) || file.routers.contains_key(name) {
            return true;
        }
        let nodes = file.hosts.keys().chain(file.routers.keys()).map(String::as_str);
        let help = suggest(name, nodes, "hosts and routers");
        self.wrong(at, format!("no host or router is named `{name}`"), "no such host or router", help);
        false
    }

    /// Complains unless a link has this name.
    fn link(&mut self, at: &At<'_>, name: &str) -> Option<usize> {
        if let Some(number) = self.links.get(name) {
            return Some(*number);
        }
        let reversed = name.split_once('-').map(|(a, b)| format!("{b}-{a}"));
        let help = match reversed.filter(|name| self.links.contains_key(name)) {
            Some(name) => Some(format!("the link is named `{name}`")),
            None => suggest(name, self.links.keys().map(String::as_str), "links"),
        };
        self.wrong(at, format!("no link is named `{name}`"), "no such link", help);
        None
    }

    /// Complains unless a program has this name.
    fn program(&mut self, at: &At<'_>, name: &str) {
        // One connection of many: `client/1[3]`.
        let whole = name.split_once('[').map_or(name, |(whole, _)| whole);
        if !self.programs.contains(whole) {
            let help = suggest(name, self.programs.iter().map(String::as_str), "programs");
            self.wrong(at, format!("no program is named `{name}`"), "no such program", help);
        }
    }

    /// The address behind `server:80` as seen from a host: a name, or an address as it is.
    fn endpoint(&mut self, at: &At<'_>, from: &str, to: &Endpoint) -> SocketAddr {
        SocketAddr::new(self.address(at, from, &to.host), to.port)
    }

    /// The address of a host, by name or as it is; of the family that `from` uses, where there is a choice.
    fn address(&mut self, at: &At<'_>, from: &str, host: &str) -> IpAddr {
        if let Ok(address) = host.parse() {
            return address;
        }
        let nobody = IpAddr::from([0, 0, 0, 0]);
        if !self.node(at, host) {
            return nobody;
        }
        if self.links_are_right && from != host && self.parts.get(from) != self.parts.get(host) {
            let help =
                Some("add a link, or name an address that nobody has to show what happens then".to_owned());
            self.wrong(at, format!("no links lead from `{from}` to `{host}`"), "not reachable", help);
        }
        let family = self.addresses.get(from).and_then(|own| own.first()).is_none_or(IpAddr::is_ipv4);
        let theirs = self.addresses.get(host).map(Vec::as_slice).unwrap_or_default();
        let same = theirs.iter().find(|address| address.is_ipv4() == family).copied();
        if same.is_none() && !theirs.is_empty() {
            let message = format!("`{from}` and `{host}` have no addresses of the same family");
            self.wrong(at, message, "IPv4 on one side, IPv6 on the other", None);
        }
        same.unwrap_or(nobody)
    }

    /// A number that must not be zero.
    fn positive(&mut self, at: &At<'_>, n: u64, what: &str) {
        if n == 0 {
            self.wrong(at, format!("{what} of zero makes no sense"), "at least 1", None);
        }
    }

    /// A size that fits in 32 bits.
    fn size(&mut self, at: &At<'_>, size: super::units::Size) -> u32 {
        u32::try_from(size.0).unwrap_or_else(|_| {
            self.wrong(at, format!("{size} is too much"), "at most 4294967295 bytes", None);
            u32::MAX
        })
    }
}

/// The time of a typed span, or the start of the run.
fn time(span: Option<Span>) -> Time {
    span.unwrap_or_default().time()
}
