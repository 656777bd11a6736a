//! Populations: one program on each host that flows come from, one server on each that they go to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use sim::rng::Draw;
use sim::spec::{self, FlowKind, Step as S};
use tcp::{Duration, Time};

use super::{At, Resolver};
use crate::scenario::error::suggest;
use crate::scenario::expand::range_names;
use crate::scenario::file::population::{Arrivals, Flow, Pairing, Population, Sizes, Times};
use crate::scenario::units::{Endpoint, Percent, Size, Span};

/// Bytes of a request where the file does not say.
const REQUEST: Size = Size(100);

/// When arrivals begin where the file does not say.
const START: Span = Span(1_000_000);

/// Sizes of flows in a web search cluster: "Data Center TCP (DCTCP)" (SIGCOMM 2010), figure 4, in bytes and percent not
/// above, as tabulated in the artifact of "HPCC: High Precision Congestion Control" (SIGCOMM 2019).
const WEB_SEARCH: &[(u64, u32)] = &[
    (0, 0),
    (10_000, 150_000),
    (20_000, 200_000),
    (30_000, 300_000),
    (50_000, 400_000),
    (80_000, 530_000),
    (200_000, 600_000),
    (1_000_000, 700_000),
    (2_000_000, 800_000),
    (5_000_000, 900_000),
    (10_000_000, 970_000),
    (30_000_000, 1_000_000),
];

/// Sizes of flows of Hadoop at Facebook: "Inside the Social Network's (Datacenter) Network" (SIGCOMM 2015), figure 6, from
/// the same place.
const HADOOP: &[(u64, u32)] = &[
    (0, 0),
    (100, 10_000),
    (200, 20_000),
    (300, 50_000),
    (350, 150_000),
    (400, 200_000),
    (500, 300_000),
    (600, 400_000),
    (700, 500_000),
    (1_000, 600_000),
    (2_000, 670_000),
    (7_000, 700_000),
    (30_000, 720_000),
    (50_000, 820_000),
    (80_000, 870_000),
    (120_000, 900_000),
    (300_000, 950_000),
    (1_000_000, 975_000),
    (2_000_000, 990_000),
    (10_000_000, 1_000_000),
];

impl<'a> Resolver<'a> {
    pub(super) fn populations(&mut self) -> Vec<spec::Program> {
        let file = self.file;
        let all = At::root("populations");
        let mut programs = Vec::new();
        // What listens where: a second population may use the server of the first, if it asks for the same.
        let mut servers = BTreeMap::<(String, u16), Arc<[S]>>::new();
        for (i, population) in file.populations.iter().enumerate() {
            self.population(&all.index(i), population, &mut servers, &mut programs);
        }
        programs
    }

    fn population(
        &mut self,
        at: &At<'_>,
        population: &Population,
        servers: &mut BTreeMap<(String, u16), Arc<[S]>>,
        programs: &mut Vec<spec::Program>,
    ) {
        let from = self.hosts(&at.field("from"), &population.from.0);
        let to = self.hosts(&at.field("to"), &population.to.0);
        let port = population.port.unwrap_or(80);
        self.positive(&at.field("port"), u64::from(port), "a port");
        let kind = self.flow(&at.field("kind"), &population.kind);
        let arrivals = self.arrivals(&at.field("arrivals"), population);
        let options = self.options(&at.field("options"), &population.options);
        let count = self.count_of(at, population, from.len());
        let name: Arc<str> = Arc::from(population.name.as_str());
        if population.serve.unwrap_or(true) {
            let handler = handler(&kind);
            for host in &to {
                self.server_of(at, population, (host, port), &handler, servers, programs);
            }
        }
        let hosts = from.len() as u32;
        let everybody = self.targets(at, &from, &to, port);
        for (place, host) in (0u32..).zip(&from) {
            let own = format!("{name}/{host}");
            self.take_program_name(at, &own);
            let targets = match to.iter().position(|target| target == host) {
                None => Arc::clone(&everybody),
                Some(own) => {
                    // Nobody sends to himself.
                    let others = everybody.iter().enumerate().filter(|(i, _)| *i != own);
                    others.map(|(_, target)| *target).collect()
                }
            };
            if targets.is_empty() && !to.is_empty() {
                let message = format!("`{host}` has nobody to send to but itself");
                self.wrong(&at.field("to"), message, "another host is needed", None);
            }
            let part = spec::Population {
                name: Arc::clone(&name),
                targets,
                pairing: match population.pairing {
                    Some(Pairing::Random) => spec::Pairing::Random,
                    Some(Pairing::InTurn) | None => spec::Pairing::InTurn,
                },
                place,
                hosts,
                count,
                arrivals: arrivals.clone(),
                stop: population.stop.map_or(Time::NEVER, Span::time),
                kind: kind.clone(),
                options: options.clone(),
            };
            programs.push(spec::Program {
                name: Arc::from(own.as_str()),
                on: host.clone(),
                at: population.at.unwrap_or(START).time(),
                restart: true,
                run: spec::Run::Population(Box::new(part)),
            });
        }
    }

    /// The hosts that names and patterns stand for, each once, in their order: numbers in names as numbers.
    fn hosts(&mut self, at: &At<'_>, patterns: &[String]) -> Vec<String> {
        let file = self.file;
        if patterns.is_empty() {
            self.wrong(at, "no host", "a host is needed here", None);
        }
        let mut hosts = Vec::new();
        for (i, pattern) in patterns.iter().enumerate() {
            let one = at.index(i);
            let at = if patterns.len() == 1 { at } else { &one };
            if let Some(start) = pattern.strip_suffix('*') {
                let mut found: Vec<&String> =
                    file.hosts.keys().filter(|host| host.starts_with(start)).collect();
                found.sort_by_cached_key(|host| natural(host));
                if found.is_empty() {
                    let help = suggest(start, file.hosts.keys().map(String::as_str), "hosts");
                    self.wrong(at, format!("no host's name begins with `{start}`"), "no such host", help);
                }
                hosts.extend(found.into_iter().cloned());
                continue;
            }
            match range_names(pattern) {
                Err(complaint) => {
                    self.wrong(at, complaint, "not a range", Some("as in `c[1-100]`".to_owned()));
                }
                Ok(names) => {
                    for name in names {
                        if !self.host(at, &name) {
                            break;
                        }
                        hosts.push(name);
                    }
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        hosts.retain(|host| seen.insert(host.clone()));
        hosts
    }

    /// Where flows go. That each can be reached from everywhere is checked once for each part of the network.
    fn targets(&mut self, at: &At<'_>, from: &[String], to: &[String], port: u16) -> Arc<[SocketAddr]> {
        let at = at.field("to");
        let mut seen = std::collections::BTreeSet::new();
        let mut targets = Vec::new();
        for host in from {
            let part = self.parts.get(host.as_str()).copied();
            let six =
                self.addresses.get(host.as_str()).and_then(|own| own.first()).is_some_and(|a| a.is_ipv6());
            if seen.insert((part, six)) {
                let endpoints = to.iter().map(|to| Endpoint { host: to.clone(), port });
                targets = endpoints.map(|endpoint| self.endpoint(&at, host, &endpoint)).collect();
            }
        }
        if seen.iter().any(|(_, six)| *six) && seen.iter().any(|(_, six)| !*six) {
            let message = "hosts of a population that open connections by IPv4 and by IPv6";
            self.wrong(&at, message, "one family for all", None);
        }
        targets.into()
    }

    fn take_program_name(&mut self, at: &At<'_>, name: &str) {
        if !self.programs.insert(name.to_owned()) {
            let message = format!("two programs are named `{name}`");
            self.wrong(&at.field("name"), message, "this name is taken", None);
        }
    }

    fn server_of(
        &mut self,
        at: &At<'_>,
        population: &Population,
        (host, port): (&str, u16),
        handler: &Arc<[S]>,
        servers: &mut BTreeMap<(String, u16), Arc<[S]>>,
        programs: &mut Vec<spec::Program>,
    ) {
        match servers.get(&(host.to_owned(), port)) {
            Some(same) if same == handler => return,
            Some(_) => {
                let message = format!("another population has a server of another kind at `{host}:{port}`");
                let help = Some("give one of them another `port`".to_owned());
                return self.wrong(&at.field("port"), message, "this port is taken", help);
            }
            None => {}
        }
        servers.insert((host.to_owned(), port), Arc::clone(handler));
        let name = format!("{}/server/{host}", population.name);
        self.take_program_name(at, &name);
        let serve = spec::Serve {
            port,
            address: None,
            backlog: population.backlog.unwrap_or(4096),
            accept_after: Some(Duration::ZERO),
            accept_every: None,
            accept_max: 0,
            close_after: None,
            options: Vec::new(),
            handler: Arc::clone(handler),
            idle_limit: None,
            per_client_limit: None,
            one_at_a_time: false,
        };
        programs.push(spec::Program {
            name: Arc::from(name.as_str()),
            on: host.to_owned(),
            at: Time::ZERO,
            restart: true,
            run: spec::Run::Serve(serve),
        });
    }

    fn count_of(&mut self, at: &At<'_>, population: &Population, hosts: usize) -> u64 {
        if population.count == Some(0) {
            self.wrong(&at.field("count"), "a population of nobody", "at least 1", None);
        }
        if let (Some(count), Some(Arrivals::At(times))) = (population.count, &population.arrivals)
            && count as usize > times.len()
        {
            let message = format!("{count} flows, and {} times at which one begins", times.len());
            self.wrong(&at.field("count"), message, "no more than times", None);
        }
        let begins = population.at.unwrap_or(START);
        if let Some(stop) = population.stop.filter(|stop| stop.0 <= begins.0) {
            let message = format!("it is over at {stop}, and begins at {begins}");
            self.wrong(&at.field("stop"), message, "not behind its beginning", None);
        }
        let at_once = matches!(population.arrivals, None | Some(Arrivals::AtOnce));
        match population.count {
            Some(count) => u64::from(count),
            None if at_once => hosts as u64,
            None => u64::MAX,
        }
    }

    fn arrivals(&mut self, at: &At<'_>, population: &Population) -> spec::Arrivals {
        match &population.arrivals {
            None | Some(Arrivals::AtOnce) => spec::Arrivals::Every(Duration::ZERO),
            Some(Arrivals::Every(span)) => {
                self.positive(at, span.0, "a time between flows");
                spec::Arrivals::Every(span.duration())
            }
            Some(Arrivals::Poisson(span)) => {
                self.positive(at, span.0, "a mean time between flows");
                spec::Arrivals::Poisson(span.duration())
            }
            Some(Arrivals::At(times)) => {
                if let Some(i) = times.windows(2).position(|pair| pair[1] < pair[0]) {
                    let list = at.index(0);
                    self.wrong(&list.index(i + 1), "times have to be in order", "before the last", None);
                }
                if times.is_empty() {
                    self.wrong(at, "no time at which a flow begins", "at least one", None);
                }
                spec::Arrivals::At(times.iter().map(|time| time.duration()).collect())
            }
            Some(Arrivals::Closed { users, think }) => {
                self.positive(&at.field("users"), u64::from(*users), "a number of users");
                let think = self.times(&at.field("think"), think.as_ref());
                spec::Arrivals::Closed { users: *users, think }
            }
        }
    }

    fn flow(&mut self, at: &At<'_>, flow: &Flow) -> FlowKind {
        match flow {
            Flow::LongLived => FlowKind::Endless,
            Flow::Upload { size } => FlowKind::Upload(self.sizes(&at.field("size"), size)),
            Flow::Short { request, response } => FlowKind::Requests {
                count: 1,
                request: self.request(at, *request),
                response: self.sizes(&at.field("response"), response),
                think: Draw::Fixed(0),
            },
            Flow::Requests { count, request, response, think } => FlowKind::Requests {
                count: count.filter(|count| *count > 0).unwrap_or(u32::MAX),
                request: self.request(at, *request),
                response: self.sizes(&at.field("response"), response),
                think: self.times(&at.field("think"), think.as_ref()),
            },
            Flow::OnOff { burst, pause, bursts } => FlowKind::OnOff {
                burst: self.sizes(&at.field("burst"), burst),
                pause: self.times(&at.field("pause"), Some(pause)),
                bursts: bursts.unwrap_or(0),
            },
            Flow::Idle { hold } => FlowKind::Idle(hold.map(Span::duration)),
        }
    }

    fn request(&mut self, at: &At<'_>, request: Option<Size>) -> u32 {
        let (at, request) = (at.field("request"), request.unwrap_or(REQUEST));
        if request.0 < 8 {
            let message = format!("a request of {request} cannot say how large the response shall be");
            self.wrong(&at, message, "at least 8 bytes", None);
        }
        self.size(&at, request)
    }

    fn sizes(&mut self, at: &At<'_>, sizes: &Sizes) -> Draw {
        match sizes {
            Sizes::Fixed(size) => {
                self.positive(at, size.0, "a size");
                Draw::Fixed(size.0)
            }
            Sizes::Uniform(low, high) => self.uniform(at, low.0, high.0),
            Sizes::Exponential(mean) => {
                self.positive(at, mean.0, "a mean size");
                Draw::Exponential(mean.0)
            }
            Sizes::Pareto { least, shape, most } => {
                self.positive(&at.field("least"), least.0, "a size");
                self.positive(&at.field("shape"), shape.0, "a shape");
                self.bound(at, least.0, most.map(|most| most.0));
                Draw::Pareto {
                    least: least.0,
                    shape_micros: shape.0,
                    most: most.map_or(u64::MAX, |most| most.0),
                }
            }
            Sizes::Lognormal { median, sigma, most } => {
                self.positive(&at.field("median"), median.0, "a size");
                self.bound(at, median.0, most.map(|most| most.0));
                let most = most.map_or(u64::MAX, |most| most.0);
                Draw::Lognormal { median: median.0, sigma_micros: sigma.0, most }
            }
            Sizes::Table(points) => self.table(at, points),
            Sizes::WebSearch => Draw::Table(Arc::from(WEB_SEARCH)),
            Sizes::Hadoop => Draw::Table(Arc::from(HADOOP)),
        }
    }

    fn table(&mut self, at: &At<'_>, points: &[(Size, Percent)]) -> Draw {
        let list = at.index(0);
        let falls = |pair: &[(Size, Percent)]| pair[1].0 < pair[0].0 || pair[1].1 < pair[0].1;
        if let Some(i) = points.windows(2).position(falls) {
            let message = "sizes and percentages have to grow from line to line";
            self.wrong(&list.index(i + 1), message, "below the one before", None);
        }
        if points.last().is_none_or(|(_, share)| share.0 != 1_000_000) {
            let message = "a table ends with the size that nothing exceeds";
            self.wrong(at, message, "the last percentage is \"100%\"", None);
        }
        Draw::Table(points.iter().map(|(size, share)| (size.0, share.0.min(1_000_000) as u32)).collect())
    }

    fn times(&mut self, at: &At<'_>, times: Option<&Times>) -> Draw {
        match times {
            None => Draw::Fixed(0),
            Some(Times::Fixed(span)) => Draw::Fixed(span.0),
            Some(Times::Uniform(low, high)) => self.uniform(at, low.0, high.0),
            Some(Times::Exponential(mean)) => Draw::Exponential(mean.0),
            Some(Times::Pareto { least, shape, most }) => {
                self.positive(&at.field("shape"), shape.0, "a shape");
                self.bound(at, least.0, most.map(|most| most.0));
                Draw::Pareto {
                    least: least.0,
                    shape_micros: shape.0,
                    most: most.map_or(u64::MAX, |most| most.0),
                }
            }
            Some(Times::Lognormal { median, sigma, most }) => {
                let most = most.map_or(u64::MAX, |most| most.0);
                Draw::Lognormal { median: median.0, sigma_micros: sigma.0, most }
            }
        }
    }

    /// An upper bound on what is drawn is not below what is drawn at least, or by half of them.
    fn bound(&mut self, at: &At<'_>, least: u64, most: Option<u64>) {
        if most.is_some_and(|most| most < least) {
            self.wrong(&at.field("most"), "an upper bound below what it bounds", "too small", None);
        }
    }
    fn uniform(&mut self, at: &At<'_>, low: u64, high: u64) -> Draw {
        if high < low {
            self.wrong(at, "the second is below the first", "from low to high", None);
        }
        Draw::Uniform(low, high)
    }
}

/// What a server of such flows does on each connection.
fn handler(kind: &FlowKind) -> Arc<[S]> {
    match kind {
        FlowKind::Requests { request, .. } => Arc::from([S::Answer { request: *request }, S::Close]),
        FlowKind::Endless | FlowKind::Upload(_) | FlowKind::OnOff { .. } | FlowKind::Idle(_) => {
            Arc::from([S::RecvToEof, S::Close])
        }
    }
}

/// Orders names with numbers in them as people do: `l2` before `l10`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let digits = rest[letters..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |n| letters + n);
        let number = rest[letters..digits].parse().unwrap_or(0);
        parts.push((rest[..letters].to_owned(), number));
        rest = &rest[digits..];
    }
    parts
}
