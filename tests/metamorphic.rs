//! What TCP cannot see changes nothing: other names, exchanged roles, a host that says nothing, a router in the middle of a
//! link, other queues, another day, no event queue; in the gallery and in random scenarios.

use std::collections::BTreeMap;

use timewait::find::fuzz;
use timewait::find::metamorphic::{Change, compare};

use crate::gallery::load;
use crate::scenarios::files;

/// What goes by numbers that chance has chosen: by ports, when many sockets act at one moment or a port is drawn that is in
/// TIME-WAIT, and by timestamps.
const BY_CHANCE: &[&str] = &["attack_fast_open", "attack_paws_poison", "attack_time_wait_exhaustion"];

fn by_name(change: Change) -> bool {
    matches!(change, Change::Renamed | Change::Swapped)
}

/// Differences in words, and how many runs of each change were compared.
struct Seen {
    found: Vec<String>,
    runs: BTreeMap<Change, usize>,
}

impl Seen {
    fn none() -> Seen {
        Seen { found: Vec::new(), runs: Change::ALL.into_iter().map(|change| (change, 0)).collect() }
    }
    /// Compares the scenario with each twin that `chosen` wants.
    fn compare(&mut self, name: &str, spec: &sim::Spec, chosen: impl Fn(&Seen, Change) -> bool) {
        for change in Change::ALL {
            if !chosen(self, change) {
                continue;
            }
            match compare(spec, change) {
                Some(Ok(lines)) if lines > 0 => *self.runs.entry(change).or_default() += 1,
                Some(Err(_)) if by_name(change) && BY_CHANCE.contains(&name) => {}
                Some(Err(difference)) => self.found.push(format!("{name}: {difference:#?}")),
                _ => {}
            }
        }
    }
    /// Nothing differs, and each change was compared more than `least` times.
    fn assert_same(&self, least: usize) {
        assert!(self.found.is_empty(), "{} differ\n{}", self.found.len(), self.found.join("\n"));
        assert!(self.runs.values().all(|runs| *runs > least), "{:?}", self.runs);
    }
}

#[test]
fn the_gallery_shows_the_same() {
    let mut seen = Seen::none();
    for (name, path) in files("scenarios") {
        seen.compare(&name, load(&path).spec(), |_, _| true);
    }
    seen.assert_same(50);
}

/// All changes of the first 250 seeds. A change that few scenarios can bear, as that of the family, goes on to others.
#[test]
fn random_scenarios_show_the_same() {
    let mut seen = Seen::none();
    for seed in 0..2_000 {
        if seed >= 250 && seen.runs.values().all(|runs| *runs > 30) {
            break;
        }
        let scenario = fuzz::scenario(seed).unwrap_or_else(|wrong| panic!("{wrong}"));
        seen.compare(&format!("seed {seed}"), scenario.spec(), |seen, change| {
            seed < 250 || seen.runs[&change] <= 30
        });
    }
    seen.assert_same(30);
}
