//! Runs beside runs: what a scenario shows must not depend on what TCP cannot see.
//!
//! A scenario is changed in a way that no host can notice, both are run, and each host must have sent the same segments at
//! the same times for the same reasons, gone through the same states, and told its programs the same. What is left out of
//! the comparison is what chance decides by a host's name: initial sequence numbers (numbers are compared relative to
//! them) and ephemeral ports (they are numbered in order of appearance).

mod family;
mod names;
mod network;
mod story;

use std::collections::BTreeMap;
use std::net::IpAddr;

use sim::Spec;
use tcp::{Duration, Time};

use story::Story;

/// A change that nobody can notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Hosts and routers have other names, in the opposite order.
    Renamed,
    /// Hosts have exchanged their roles: names, addresses and places on the links of the first are those of the last, and
    /// so on.
    Swapped,
    /// Hosts are there that say nothing, with links of their own.
    IdleLink,
    /// A link is two, with a router between them; the second adds nothing to the first.
    SplitLink,
    /// Queues in front of links have room without end, and packets wait for their transmission in the queue of a discipline
    /// that never drops.
    OtherQueue,
    /// Hosts have IPv6 addresses, and links are wider by as much as the header is longer.
    OverIpv6,
    /// Everything begins days later.
    Later,
    /// The next event is looked for without the event queue: the trace's hash is the same.
    Unqueued,
}

/// Four days and a half: 3 * 2^17 s, whole periods of everything that ticks (seconds, jiffies of 1, 4 and 10 ms, slots of timer
/// wheels, which are powers of two of these, and the 15 ms of PIE).
const LATER: Duration = Duration::from_secs(3 << 17);

impl Change {
    /// All of them.
    pub const ALL: [Change; 8] = [
        Change::Renamed,
        Change::Swapped,
        Change::IdleLink,
        Change::SplitLink,
        Change::OtherQueue,
        Change::OverIpv6,
        Change::Later,
        Change::Unqueued,
    ];
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Change::Renamed => "renamed",
            Change::Swapped => "swapped",
            Change::IdleLink => "idle-link",
            Change::SplitLink => "split-link",
            Change::OtherQueue => "other-queue",
            Change::OverIpv6 => "over-ipv6",
            Change::Later => "later",
            Change::Unqueued => "unqueued",
        }
    }
    /// What it asks for, in words.
    pub const fn text(self) -> &'static str {
        match self {
            Change::Renamed => "whatever hosts are called, they do the same",
            Change::Swapped => "whichever side a host is on, it does the same",
            Change::IdleLink => "hosts that say nothing change nothing",
            Change::SplitLink => "a link made of two is a link",
            Change::OtherQueue => "however packets wait for the transmitter, they leave alike",
            Change::OverIpv6 => "over IPv6 TCP does what it does over IPv4",
            Change::Later => "what begins days later is the same, days later",
            Change::Unqueued => "the event queue has the earliest event of all",
        }
    }

    /// The scenario so changed; `None` where a host could notice.
    pub fn of(self, spec: &Spec) -> Option<Spec> {
        Some(Twin::of(spec, self)?.spec)
    }
}

/// A changed scenario, and how what its hosts do is read as what those of the scenario do.
struct Twin {
    spec: Spec,
    /// The new name of each host that has one.
    names: BTreeMap<String, String>,
    /// What each new address was.
    addresses: BTreeMap<IpAddr, IpAddr>,
    /// How much later everything is.
    later: Duration,
    /// The event queue is not asked.
    searches: bool,
}

impl Twin {
    fn of(spec: &Spec, change: Change) -> Option<Twin> {
        match change {
            Change::Renamed => names::renamed(spec),
            Change::Swapped => names::swapped(spec),
            Change::IdleLink => network::idle_link(spec).map(Twin::new),
            Change::SplitLink => network::split_link(spec).map(Twin::new),
            Change::OtherQueue => network::other_queue(spec).map(Twin::new),
            Change::OverIpv6 => family::other_family(spec),
            Change::Later => Some(Twin { later: LATER, ..Twin::new(network::later(spec, LATER)?) }),
            Change::Unqueued => Some(Twin { searches: true, ..Twin::new(spec.clone()) }),
        }
    }
    /// One whose hosts are who they were.
    fn new(spec: Spec) -> Twin {
        let (names, addresses) = (BTreeMap::new(), BTreeMap::new());
        Twin { spec, names, addresses, later: Duration::ZERO, searches: false }
    }
    fn name<'a>(&'a self, old: &'a str) -> &'a str {
        self.names.get(old).map_or(old, String::as_str)
    }
}

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The change.
    pub change: Change,
    /// The host, by the name that the scenario gives it.
    pub host: String,
    /// When.
    pub time: Time,
    /// Lines of the host before it.
    pub line: usize,
    /// What it did as the scenario stands; `None`: nothing more.
    pub plain: Option<String>,
    /// What it did in the changed scenario.
    pub changed: Option<String>,
}

impl Difference {
    /// In some lines.
    pub fn in_words(&self) -> String {
        let Difference { change, host, line, plain, changed, .. } = self;
        let said = |line: &Option<String>| line.clone().unwrap_or_else(|| "nothing more".to_owned());
        let (plain, changed) = (said(plain), said(changed));
        let name = change.name();
        format!(
            "{host} does otherwise ({name}), at its line {line}\n  as it is: {plain}\n  changed:  {changed}"
        )
    }
}

/// Runs both, and says how many lines were compared, or where they differ first. `None`: this change does not apply, or a
/// run does not end.
pub fn compare(spec: &Spec, change: Change) -> Option<Result<usize, Difference>> {
    let twin = Twin::of(spec, change)?;
    match change {
        // A longer header takes longer.
        Change::OverIpv6 => beside(&family::without_rates(spec), &twin, change),
        _ => beside(spec, &twin, change),
    }
}

fn beside(spec: &Spec, twin: &Twin, change: Change) -> Option<Result<usize, Difference>> {
    let itself = Twin::new(spec.clone());
    let plain = Story::of(&itself, None)?;
    // What finds no room in a queue would find it in one without end; what waits has its time of arrival already, or will have
    // it by what the link is then.
    if change == Change::OtherQueue && (plain.overflows || plain.disturbed) {
        return None;
    }
    // Numbers are others then: one that lies anywhere lies elsewhere.
    let draws_anew = matches!(change, Change::Renamed | Change::Swapped | Change::OverIpv6 | Change::Later);
    if draws_anew && plain.blind {
        return None;
    }
    let changed = Story::of(twin, None)?;
    let mut lines = 0;
    for (name, hashes) in &plain.hosts {
        let theirs = changed.hosts.get(twin.name(name)).map_or(&[][..], Vec::as_slice);
        let differs = hashes.iter().zip(theirs).position(|(a, b)| a != b);
        let differs = differs.or((hashes.len() != theirs.len()).then_some(hashes.len().min(theirs.len())));
        if let Some(line) = differs {
            let told = |twin: &Twin, host: &str| Story::of(twin, Some((host, line)))?.told;
            let (plain, changed) = (told(&itself, name), told(twin, twin.name(name)));
            let time = [&plain, &changed].into_iter().flatten().map(|(time, _)| *time).min();
            let [plain, changed] = [plain, changed].map(|told| told.map(|(_, line)| line));
            let (host, time) = (name.clone(), time.unwrap_or_default());
            return Some(Err(Difference { change, host, time, line, plain, changed }));
        }
        lines += hashes.len();
    }
    if change == Change::Unqueued && plain.hash != changed.hash {
        let [plain, changed] = [plain.hash, changed.hash].map(|hash| Some(format!("trace hash {hash:016x}")));
        let (host, time) = ("the network".to_owned(), Time::ZERO);
        return Some(Err(Difference { change, host, time, line: lines, plain, changed }));
    }
    Some(Ok(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        let text = r#"Scenario(
            hosts: { "a": (), "b": () },
            links: [(between: ("a", "b"), delay: "10ms")],
            programs: [
                (on: "b", run: EchoServer(port: 80)),
                (on: "a", at: "10ms", run: Client(to: "b:80", steps: [Send("hello"), Close])),
            ],
        )"#;
        crate::scenario::Scenario::parse("x.ron", text)
            .unwrap_or_else(|wrong| panic!("{wrong}"))
            .spec()
            .clone()
    }

    #[test]
    fn a_link_that_takes_longer_is_noticed() {
        let (plain, mut slower) = (spec(), spec());
        let link = slower.links.get_mut("a-b").expect("it is there");
        link.ways[1].delay += tcp::Duration::from_nanos(1);
        let Some(Err(difference)) = beside(&plain, &Twin::new(slower), Change::SplitLink) else {
            panic!("nothing differs")
        };
        // The handshake's second segment comes later, so the third goes out later.
        assert_eq!((difference.host.as_str(), difference.line), ("a", 2));
        assert!(difference.plain.is_some_and(|line| line.starts_with("0.030000000 ")));
        assert!(difference.changed.is_some_and(|line| line.starts_with("0.030000001 ")));
    }

    #[test]
    fn every_change_is_one() {
        let mut plain = spec();
        let link = plain.links.get_mut("a-b").expect("it is there");
        link.ways.iter_mut().for_each(|way| way.rate_bps = 1_000_000);
        let bare = family::without_rates(&plain);
        for change in Change::ALL {
            let twin = Twin::of(&plain, change).expect("nobody notices");
            assert!(twin.spec != plain || twin.searches, "{}", change.name());
            let plain = if change == Change::OverIpv6 { &bare } else { &plain };
            let told = beside(plain, &twin, change);
            assert!(matches!(told, Some(Ok(lines)) if lines > 15), "{}: {told:?}", change.name());
        }
    }

    /// What was exchanged is not read as if it had not been.
    #[test]
    fn swapped_hosts_are_others() {
        let plain = spec();
        let swapped = Change::Swapped.of(&plain).expect("nobody notices");
        let twin = Twin::new(swapped.clone());
        assert!(matches!(beside(&plain, &twin, Change::Swapped), Some(Err(_))));
        assert_eq!(swapped.programs[1].on, "b");
        assert_eq!(
            swapped.links["a-b"].ends,
            ("a".to_owned(), "b".to_owned()),
            "exchanged, and turned round"
        );
    }

    #[test]
    fn days_are_not_overlooked() {
        let plain = spec();
        let later = Change::Later.of(&plain).expect("nobody notices");
        assert_eq!(later.programs[1].at, Time::ZERO + LATER + Duration::from_millis(10));
        assert!(matches!(beside(&plain, &Twin::new(later), Change::Later), Some(Err(_))));
    }
}
